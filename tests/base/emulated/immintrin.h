/* The AVX-512F operations that base/host/poseidon2_vector_avx512.c uses, lane by lane in plain C,
 * so that its arithmetic is tested on processors without them.  It stands before the compiler's own
 * header in the include path of one test.
 * Source: Intel intrinsics guide, "Operation" of each. */
#pragma once

#include <stdint.h>
#include <string.h>

typedef struct {
    _Alignas(64) uint32_t w[16];
} __m512i;

#define EMULATED static inline
#define EACH(expression)                                                                           \
    __m512i out;                                                                                   \
    for (unsigned i = 0; i < 16; i++)                                                              \
        out.w[i] = (uint32_t)(expression);                                                         \
    return out

EMULATED uint64_t emulated_get64(const __m512i *a, unsigned i)
{
    return a->w[2 * i] | (uint64_t)a->w[2 * i + 1] << 32;
}

EMULATED void emulated_put64(__m512i *a, unsigned i, uint64_t v)
{
    a->w[2 * i] = (uint32_t)v;
    a->w[2 * i + 1] = (uint32_t)(v >> 32);
}

EMULATED __m512i _mm512_set1_epi32(int x)
{
    EACH(x);
}

EMULATED __m512i _mm512_set1_epi64(long long x)
{
    EACH((uint64_t)x >> 32 * (i % 2));
}

EMULATED __m512i _mm512_load_si512(const void *p)
{
    __m512i out;
    memcpy(&out, p, sizeof out);
    return out;
}

EMULATED void _mm512_store_si512(void *p, __m512i x)
{
    memcpy(p, &x, sizeof x);
}

EMULATED __m512i _mm512_add_epi32(__m512i a, __m512i b)
{
    EACH(a.w[i] + b.w[i]);
}

EMULATED __m512i _mm512_sub_epi32(__m512i a, __m512i b)
{
    EACH(a.w[i] - b.w[i]);
}

EMULATED __m512i _mm512_min_epu32(__m512i a, __m512i b)
{
    EACH(a.w[i] < b.w[i] ? a.w[i] : b.w[i]);
}

EMULATED __m512i _mm512_and_si512(__m512i a, __m512i b)
{
    EACH(a.w[i] & b.w[i]);
}

EMULATED __m512i _mm512_slli_epi32(__m512i a, unsigned n)
{
    EACH(n > 31 ? 0 : a.w[i] << n);
}

EMULATED __m512i _mm512_srli_epi32(__m512i a, unsigned n)
{
    EACH(n > 31 ? 0 : a.w[i] >> n);
}

/* Low halves of the 64-bit lanes, unsigned. */
EMULATED __m512i _mm512_mul_epu32(__m512i a, __m512i b)
{
    __m512i out;
    for (unsigned i = 0; i < 8; i++)
        emulated_put64(&out, i, (uint64_t)a.w[2 * i] * b.w[2 * i]);
    return out;
}

EMULATED __m512i _mm512_sub_epi64(__m512i a, __m512i b)
{
    __m512i out;
    for (unsigned i = 0; i < 8; i++)
        emulated_put64(&out, i, emulated_get64(&a, i) - emulated_get64(&b, i));
    return out;
}

EMULATED __m512i _mm512_srli_epi64(__m512i a, unsigned n)
{
    __m512i out;
    for (unsigned i = 0; i < 8; i++)
        emulated_put64(&out, i, n > 63 ? 0 : emulated_get64(&a, i) >> n);
    return out;
}

/* Bit i of k: lane i of b instead of a. */
EMULATED __m512i _mm512_mask_blend_epi32(uint16_t k, __m512i a, __m512i b)
{
    EACH(((unsigned)k >> i & 1u) != 0 ? b.w[i] : a.w[i]);
}

#undef EACH
#undef EMULATED
