/* Eight lanes; compiled with -mavx2, run only where the processor has it. */
#include <immintrin.h>

#include "base/host/poseidon2_vector_internal.h"

typedef __m256i vec;
#define LANES 8u
#define v_set(x) _mm256_set1_epi32((int)(x))
#define v_load(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define v_store(p, x) _mm256_store_si256((__m256i *)(void *)(p), (x))
#define v_add _mm256_add_epi32
#define v_sub _mm256_sub_epi32
#define v_min _mm256_min_epu32
#define v_and _mm256_and_si256
#define v_shl(x, n) _mm256_slli_epi32((x), (int)(n))
#define v_shr(x, n) _mm256_srli_epi32((x), (int)(n))

/* Products exist for even lanes only, so odd ones move down first.  q = a b / p mod 2^32 makes
 * a b - q p divisible by 2^32, and what remains above is the result. */
static inline __attribute__((always_inline)) vec v_mul_raw(vec a, vec b)
{
    const vec p = _mm256_set1_epi64x(TD_KB_P);
    const vec inverse = _mm256_set1_epi64x((long long)(0u - TD_KB_MONT_NEG_INV));
    vec even = _mm256_mul_epu32(a, b);
    vec odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    vec q_even = _mm256_mul_epu32(_mm256_mul_epu32(even, inverse), p);
    vec q_odd = _mm256_mul_epu32(_mm256_mul_epu32(odd, inverse), p);
    even = _mm256_srli_epi64(_mm256_sub_epi64(even, q_even), 32);
    odd = _mm256_sub_epi64(odd, q_odd);
    return _mm256_blend_epi32(even, odd, 0xAA);
}

#include "base/host/poseidon2_vector_kernel.h"

void td_p2_permute_avx2(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    permute_all(states, count);
}
