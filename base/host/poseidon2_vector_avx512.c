/* Sixteen lanes; compiled with -mavx512f, run only where the processor has it. */
#include <immintrin.h>

#include "base/host/poseidon2_vector_internal.h"

typedef __m512i vec;
#define LANES 16u
#define v_set(x) _mm512_set1_epi32((int)(x))
#define v_load(p) _mm512_load_si512((const void *)(p))
#define v_store(p, x) _mm512_store_si512((void *)(p), (x))
#define v_add _mm512_add_epi32
#define v_sub _mm512_sub_epi32
#define v_min _mm512_min_epu32
#define v_and _mm512_and_si512
#define v_shl(x, n) _mm512_slli_epi32((x), (n))
#define v_shr(x, n) _mm512_srli_epi32((x), (n))

/* As in the file for eight lanes. */
static inline __attribute__((always_inline)) vec v_mul_raw(vec a, vec b)
{
    const vec p = _mm512_set1_epi64(TD_KB_P);
    const vec inverse = _mm512_set1_epi64((long long)(0u - TD_KB_MONT_NEG_INV));
    vec even = _mm512_mul_epu32(a, b);
    vec odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    vec q_even = _mm512_mul_epu32(_mm512_mul_epu32(even, inverse), p);
    vec q_odd = _mm512_mul_epu32(_mm512_mul_epu32(odd, inverse), p);
    even = _mm512_srli_epi64(_mm512_sub_epi64(even, q_even), 32);
    odd = _mm512_sub_epi64(odd, q_odd);
    return _mm512_mask_blend_epi32(0xAAAA, even, odd);
}

#include "base/host/poseidon2_vector_kernel.h"

void td_p2_permute_avx512(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    permute_all(states, count);
}
