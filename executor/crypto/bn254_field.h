/* F_p of bn254, p = 36u^4 + 36u^3 + 24u^2 + 6u + 1 (254 bits), and F_p2 = F_p[i], i^2 = -1.
 * Internal to executor/crypto/bn254_*.
 *
 * 1. An element is in Montgomery form, x * 2^256 mod p, and fully reduced (below p), so that equal
 *    values are equal limbs.  With TD_CHIPS it is x itself, and the machine multiplies modulo p.
 * 2. p < 2^254: sums of two or three reduced elements need no carry limb, a product of two such
 *    sums stays below p * 2^256, the bound of a Montgomery reduction.
 * 3. out may be any of the inputs.  Nothing here is constant-time: precompiles have no secrets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/memory.h"
#include "executor/crypto/limb.h"

#define BN_LIMBS (256u / EXEC_LIMB_BITS)

/* A 64-bit constant as initialisers, low limb first. */
#if EXEC_LIMB_BITS == 64
#define BN_64(w) w
#else
#define BN_64(w) (exec_limb)((w)&0xFFFFFFFFu), (exec_limb)((uint64_t)(w) >> 32)
#endif
#ifdef TD_CHIPS
#define BN_FP(m0, m1, m2, m3, x0, x1, x2, x3)                                                      \
    {                                                                                              \
        {                                                                                          \
            BN_64(x0), BN_64(x1), BN_64(x2), BN_64(x3)                                             \
        }                                                                                          \
    }
#else
#define BN_FP(m0, m1, m2, m3, x0, x1, x2, x3)                                                      \
    {                                                                                              \
        {                                                                                          \
            BN_64(m0), BN_64(m1), BN_64(m2), BN_64(m3)                                             \
        }                                                                                          \
    }
#endif

struct bn_fp {
    exec_limb l[BN_LIMBS];
};

/* c[0] + c[1] * i */
struct bn_fp2 {
    struct bn_fp c[2];
};

/* p, low limb first: EIP-196. */
static const exec_limb BN_P[BN_LIMBS] = {BN_64(0x3C208C16D87CFD47), BN_64(0x97816A916871CA8D),
                                         BN_64(0xB85045B68181585D), BN_64(0x30644E72E131A029)};

/* ---- F_p: linear operations */

static inline bool bn_fp_is_zero(const struct bn_fp *a)
{
    exec_limb any = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        any |= a->l[i];
    return any == 0;
}

static inline bool bn_fp_eq(const struct bn_fp *a, const struct bn_fp *b)
{
    exec_limb any = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        any |= a->l[i] ^ b->l[i];
    return any == 0;
}

/* out = t - p where that is not negative, else t.  t < 2p. */
static inline void bn_fp_reduce_once(struct bn_fp *out, const exec_limb t[BN_LIMBS])
{
    exec_limb s[BN_LIMBS];
    exec_limb borrow = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        s[i] = exec_limb_sbb(t[i], BN_P[i], &borrow);
    exec_limb keep = (exec_limb)(0u - borrow);
    for (unsigned i = 0; i < BN_LIMBS; i++)
        out->l[i] = s[i] ^ (keep & (s[i] ^ t[i]));
}

/* a + b without the reduction: below 2p, only for bn_fp_mul and bn_wide_mul to read. */
static inline void bn_fp_add_lazy(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b)
{
    exec_limb carry = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        out->l[i] = exec_limb_adc(a->l[i], b->l[i], &carry);
}

static inline void bn_fp_add(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b)
{
    struct bn_fp t;
    bn_fp_add_lazy(&t, a, b);
    bn_fp_reduce_once(out, t.l);
}

static inline void bn_fp_double(struct bn_fp *out, const struct bn_fp *a)
{
    bn_fp_add(out, a, a);
}

static inline void bn_fp_sub(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b)
{
    exec_limb t[BN_LIMBS];
    exec_limb borrow = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        t[i] = exec_limb_sbb(a->l[i], b->l[i], &borrow);
    exec_limb add = (exec_limb)(0u - borrow);
    exec_limb carry = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        out->l[i] = exec_limb_adc(t[i], BN_P[i] & add, &carry);
}

static inline void bn_fp_neg(struct bn_fp *out, const struct bn_fp *a)
{
    static const struct bn_fp ZERO = {{0}};
    bn_fp_sub(out, &ZERO, a);
}

/* a / 2: a or a + p is even. */
static inline void bn_fp_half(struct bn_fp *out, const struct bn_fp *a)
{
    exec_limb t[BN_LIMBS + 1];
    exec_limb add = (exec_limb)(0u - (a->l[0] & 1u));
    exec_limb carry = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        t[i] = exec_limb_adc(a->l[i], BN_P[i] & add, &carry);
    t[BN_LIMBS] = 0; /* a + p < 2^255 */
    for (unsigned i = 0; i < BN_LIMBS; i++)
        out->l[i] = (exec_limb)(t[i] >> 1) | (exec_limb)(t[i + 1] << (EXEC_LIMB_BITS - 1));
}

/* ---- F_p: multiplication */

#ifdef TD_CHIPS
void bn_fp_mul(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b);
#else
/* -1/p modulo the limb. */
#define BN_P_INVERSE ((exec_limb)UINT64_C(0x87D20782E4866389))

/* Montgomery multiplication, rows of product and reduction in turn.  Because the highest bit of p
 * is clear the running value never outgrows its limbs.  a, b: at most one of them a lazy sum. */
static inline void bn_fp_mul(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b)
{
    exec_limb t[BN_LIMBS] = {0};
    for (unsigned i = 0; i < BN_LIMBS; i++) {
        exec_limb carry_a = 0;
        exec_limb carry_p = 0;
        exec_limb low = exec_limb_mac(t[0], a->l[0], b->l[i], &carry_a);
        exec_limb u = low * BN_P_INVERSE;
        (void)exec_limb_mac(low, u, BN_P[0], &carry_p);
        for (unsigned j = 1; j < BN_LIMBS; j++) {
            exec_limb s = exec_limb_mac(t[j], a->l[j], b->l[i], &carry_a);
            t[j - 1] = exec_limb_mac(s, u, BN_P[j], &carry_p);
        }
        t[BN_LIMBS - 1] = carry_a + carry_p;
    }
    bn_fp_reduce_once(out, t);
}
#endif

static inline void bn_fp_sqr(struct bn_fp *out, const struct bn_fp *a)
{
    bn_fp_mul(out, a, a);
}

/* The unit, and elements from and to 32 big-endian bytes.  decode is false, and *out zero, when the
 * number is not below p. */
void bn_fp_one(struct bn_fp *out);
bool bn_fp_decode(struct bn_fp *out, const uint8_t in[32]);
void bn_fp_encode(uint8_t out[32], const struct bn_fp *a);

/* 1/a, and 0 for 0. */
void bn_fp_inv(struct bn_fp *out, const struct bn_fp *a);

/* ---- F_p2 */

static inline bool bn_fp2_is_zero(const struct bn_fp2 *a)
{
    return bn_fp_is_zero(&a->c[0]) && bn_fp_is_zero(&a->c[1]);
}

static inline bool bn_fp2_eq(const struct bn_fp2 *a, const struct bn_fp2 *b)
{
    return bn_fp_eq(&a->c[0], &b->c[0]) && bn_fp_eq(&a->c[1], &b->c[1]);
}

static inline void bn_fp2_add(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp2 *b)
{
    bn_fp_add(&out->c[0], &a->c[0], &b->c[0]);
    bn_fp_add(&out->c[1], &a->c[1], &b->c[1]);
}

static inline void bn_fp2_double(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    bn_fp2_add(out, a, a);
}

static inline void bn_fp2_sub(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp2 *b)
{
    bn_fp_sub(&out->c[0], &a->c[0], &b->c[0]);
    bn_fp_sub(&out->c[1], &a->c[1], &b->c[1]);
}

static inline void bn_fp2_neg(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    bn_fp_neg(&out->c[0], &a->c[0]);
    bn_fp_neg(&out->c[1], &a->c[1]);
}

static inline void bn_fp2_half(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    bn_fp_half(&out->c[0], &a->c[0]);
    bn_fp_half(&out->c[1], &a->c[1]);
}

/* a^p */
static inline void bn_fp2_conj(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    out->c[0] = a->c[0];
    bn_fp_neg(&out->c[1], &a->c[1]);
}

static inline void bn_fp2_mul_fp(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp *k)
{
    struct bn_fp factor = *k; /* k may be part of out */
    bn_fp_mul(&out->c[0], &a->c[0], &factor);
    bn_fp_mul(&out->c[1], &a->c[1], &factor);
}

void bn_fp2_mul(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp2 *b);
void bn_fp2_sqr(struct bn_fp2 *out, const struct bn_fp2 *a);

/* a * (9 + i), the constant of the tower and of the twist. */
void bn_fp2_mul_xi(struct bn_fp2 *out, const struct bn_fp2 *a);

/* 1/a, and 0 for 0. */
void bn_fp2_inv(struct bn_fp2 *out, const struct bn_fp2 *a);
