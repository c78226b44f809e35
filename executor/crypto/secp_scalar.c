#include "executor/crypto/secp_field.h"
#include "executor/crypto/secp_point.h"

/* 2^256 - n, 129 bits. */
#define TAIL_LIMBS (EXEC_FE_LIMBS / 2u + 1u)

void exec_sc_reduce(struct exec_fe *out, const struct exec_fe *a)
{
    *out = *a;
    if (exec_fe_geq(out, &EXEC_SECP_N))
        (void)exec_fe_borrow_sub(out, out, &EXEC_SECP_N);
}

void exec_sc_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    if (exec_fe_carry_add(out, a, b) != 0 || exec_fe_geq(out, &EXEC_SECP_N))
        (void)exec_fe_borrow_sub(out, out, &EXEC_SECP_N);
}

void exec_sc_neg(struct exec_fe *out, const struct exec_fe *a)
{
    if (exec_fe_is_zero(a))
        *out = *a;
    else
        (void)exec_fe_borrow_sub(out, &EXEC_SECP_N, a);
}

/* out[an + bn] = a b; out apart from both. */
static void wide_mul(exec_limb *out, const exec_limb *a, uint32_t an, const exec_limb *b,
                     uint32_t bn)
{
    memset(out, 0, (an + bn) * sizeof *out);
    for (uint32_t i = 0; i < an; i++) {
        exec_limb carry = 0;
        if (a[i] == 0) /* half of all factors here have 128 bits */
            continue;
        for (uint32_t j = 0; j < bn; j++)
            out[i + j] = exec_limb_mac(out[i + j], a[i], b[j], &carry);
        out[i + bn] = carry;
    }
}

#if !EXEC_SECP_CHIPS

/* The part above 2^256 is multiplied by 2^256 - n and added to the part below until it is gone:
 * 256, 130, 4, at most 1 bits.  t has room for 2 * EXEC_FE_LIMBS limbs. */
static void tail_fold(struct exec_fe *out, exec_limb *t)
{
    struct exec_fe tail;
    exec_limb high[EXEC_FE_LIMBS];
    exec_limb product[EXEC_FE_LIMBS + TAIL_LIMBS];
    uint32_t high_limbs = EXEC_FE_LIMBS;
    const struct exec_fe zero = {{0}};
    (void)exec_fe_borrow_sub(&tail, &zero, &EXEC_SECP_N);
    for (;;) {
        while (high_limbs > 0 && t[EXEC_FE_LIMBS + high_limbs - 1] == 0)
            high_limbs--;
        if (high_limbs == 0)
            break;
        exec_limb carry = 0;
        memcpy(high, t + EXEC_FE_LIMBS, high_limbs * sizeof *high);
        memset(t + EXEC_FE_LIMBS, 0, EXEC_FE_LIMBS * sizeof *t);
        wide_mul(product, high, high_limbs, tail.l, TAIL_LIMBS);
        for (uint32_t i = 0; i < 2 * EXEC_FE_LIMBS; i++)
            t[i] = exec_limb_adc(t[i], i < high_limbs + TAIL_LIMBS ? product[i] : 0, &carry);
        high_limbs = high_limbs < TAIL_LIMBS ? 1 : TAIL_LIMBS;
    }
    memcpy(out->l, t, sizeof out->l);
    exec_sc_reduce(out, out);
}

void exec_sc_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    exec_limb t[2 * EXEC_FE_LIMBS];
    wide_mul(t, a->l, EXEC_FE_LIMBS, b->l, EXEC_FE_LIMBS);
    tail_fold(out, t);
}

#endif

/* round(k g / 2^384) */
static void scaled(struct exec_fe *out, const struct exec_fe *k, const struct exec_fe *g)
{
    enum { CUT = 384u / EXEC_LIMB_BITS };
    exec_limb t[2 * EXEC_FE_LIMBS];
    exec_limb carry;
    wide_mul(t, k->l, EXEC_FE_LIMBS, g->l, EXEC_FE_LIMBS);
    *out = (struct exec_fe){{0}};
    carry = t[CUT - 1] >> (EXEC_LIMB_BITS - 1);
    for (uint32_t i = 0; i < 2 * EXEC_FE_LIMBS - CUT; i++)
        out->l[i] = exec_limb_adc(t[CUT + i], 0, &carry);
}

/* |k| of a k near 0 modulo n, below 2^128; whether it was negative. */
static uint32_t magnitude(uint32_t out[4], const struct exec_fe *k)
{
    struct exec_fe v = *k;
    uint32_t words[8];
    uint32_t negative = (uint32_t)(k->l[EXEC_FE_LIMBS - 1] >> (EXEC_LIMB_BITS - 1));
    if (negative != 0)
        exec_sc_neg(&v, &v);
    exec_fe_to_words(words, &v);
    memcpy(out, words, 4 * sizeof *out);
    return negative;
}

/* (k, 0) = c1 (a1, b1) + c2 (a2, b2) + (k0, k1), c1 and c2 rounded; b2 = a1, b1 < 0. */
void exec_sc_split(struct exec_secp_split *out, const struct exec_fe *k)
{
    struct exec_fe c1, c2, k0, k1, t;
    scaled(&c1, k, &EXEC_SECP_SPLIT_1);
    scaled(&c2, k, &EXEC_SECP_SPLIT_2);
    exec_sc_mul(&k1, &c1, &EXEC_SECP_BASIS_MINUS_B1);
    exec_sc_mul(&t, &c2, &EXEC_SECP_BASIS_A1);
    exec_sc_neg(&t, &t);
    exec_sc_add(&k1, &k1, &t);
    exec_sc_mul(&t, &k1, &EXEC_SECP_LAMBDA);
    exec_sc_neg(&t, &t);
    exec_sc_add(&k0, k, &t);
    out->signs = magnitude(out->part[0], &k0);
    out->signs |= magnitude(out->part[1], &k1) << 1;
}

void exec_sc_join(struct exec_fe *out, const struct exec_secp_split *k)
{
    struct exec_fe v[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t words[8] = {0};
        memcpy(words, k->part[i], sizeof k->part[i]);
        exec_fe_from_words(&v[i], words);
        if ((k->signs >> i & 1u) != 0)
            exec_sc_neg(&v[i], &v[i]);
    }
    exec_sc_mul(&v[1], &v[1], &EXEC_SECP_LAMBDA);
    exec_sc_add(out, &v[0], &v[1]);
}
