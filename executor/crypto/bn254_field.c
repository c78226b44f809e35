#include "executor/crypto/bn254_field.h"

#ifdef TD_CHIPS
#include "executor/chips.h"
#endif

/* 2^512 mod p takes a number into Montgomery form; 2^256 mod p is 1 there. */
static const struct bn_fp TO_FIELD = BN_FP(0xF32CFC5B538AFA89, 0xB5E71911D44501FB,
                                           0x47AB1EFF0A417FF6, 0x06D89F71CAB8351F, 1, 0, 0, 0);
static const struct bn_fp ONE = BN_FP(0xD35D438DC58F0D9D, 0x0A78EB28F5C70B3D, 0x666EA36F7879462C,
                                      0x0E0A77C19A07DF2F, 1, 0, 0, 0);

#ifdef TD_CHIPS
void bn_fp_mul(struct bn_fp *out, const struct bn_fp *a, const struct bn_fp *b)
{
    _Static_assert(EXEC_LIMB_BITS == 32, "the machine's words");
    td_chip_u256_mulmod(out->l, a->l, b->l, BN_P);
}
#endif

void bn_fp_one(struct bn_fp *out)
{
    *out = ONE;
}

bool bn_fp_decode(struct bn_fp *out, const uint8_t in[32])
{
    struct bn_fp raw;
    for (unsigned i = 0; i < BN_LIMBS; i++) {
        const uint8_t *bytes = in + 32 - (i + 1) * EXEC_LIMB_BYTES;
        exec_limb v = 0;
        for (unsigned b = 0; b < EXEC_LIMB_BYTES; b++)
            v = (exec_limb)(v << 8) | bytes[b];
        raw.l[i] = v;
    }
    exec_limb borrow = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++)
        (void)exec_limb_sbb(raw.l[i], BN_P[i], &borrow);
    memset(out, 0, sizeof *out);
    if (borrow == 0)
        return false;
    bn_fp_mul(out, &raw, &TO_FIELD);
    return true;
}

void bn_fp_encode(uint8_t out[32], const struct bn_fp *a)
{
    static const struct bn_fp RAW_ONE = {{1}};
    struct bn_fp raw;
    bn_fp_mul(&raw, a, &RAW_ONE);
    for (unsigned i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(raw.l[i / EXEC_LIMB_BYTES] >> (8 * (i % EXEC_LIMB_BYTES)));
}

/* Fermat: a^(p - 2), four exponent bits at a time. */
void bn_fp_inv(struct bn_fp *out, const struct bn_fp *a)
{
    struct bn_fp table[16];
    struct bn_fp acc = ONE;
    table[0] = ONE;
    for (unsigned i = 1; i < 16; i++)
        bn_fp_mul(&table[i], &table[i - 1], a);
    for (unsigned i = 256; i > 0; i -= 4) {
        exec_limb limb = BN_P[(i - 4) / EXEC_LIMB_BITS];
        if (i <= EXEC_LIMB_BITS)
            limb -= 2; /* no borrow: p ends in 7 */
        for (unsigned k = 0; k < 4; k++)
            bn_fp_sqr(&acc, &acc);
        bn_fp_mul(&acc, &acc, &table[limb >> ((i - 4) % EXEC_LIMB_BITS) & 15u]);
    }
    *out = acc;
}

/* ---- F_p2 */

#ifdef TD_CHIPS

void bn_fp2_mul(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp2 *b)
{
    struct bn_fp v0;
    struct bn_fp v1;
    struct bn_fp s;
    struct bn_fp t;
    bn_fp_mul(&v0, &a->c[0], &b->c[0]);
    bn_fp_mul(&v1, &a->c[1], &b->c[1]);
    bn_fp_add_lazy(&s, &a->c[0], &a->c[1]);
    bn_fp_add_lazy(&t, &b->c[0], &b->c[1]);
    bn_fp_mul(&s, &s, &t);
    bn_fp_sub(&s, &s, &v0);
    bn_fp_sub(&out->c[1], &s, &v1);
    bn_fp_sub(&out->c[0], &v0, &v1);
}

#else

/* A product before its reduction. */
struct wide {
    exec_limb l[2 * BN_LIMBS];
};

static inline void wide_mul(struct wide *out, const struct bn_fp *a, const struct bn_fp *b)
{
    for (unsigned j = 0; j < BN_LIMBS; j++)
        out->l[j] = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++) {
        exec_limb carry = 0;
        for (unsigned j = 0; j < BN_LIMBS; j++)
            out->l[i + j] = exec_limb_mac(out->l[i + j], a->l[j], b->l[i], &carry);
        out->l[i + BN_LIMBS] = carry;
    }
}

/* a -= b; returns the borrow. */
static inline exec_limb wide_sub(struct wide *a, const struct wide *b)
{
    exec_limb borrow = 0;
    for (unsigned i = 0; i < 2 * BN_LIMBS; i++)
        a->l[i] = exec_limb_sbb(a->l[i], b->l[i], &borrow);
    return borrow;
}

/* out = t / 2^256 mod p, for t < p * 2^256. */
static inline void wide_reduce(struct bn_fp *out, struct wide *t)
{
    exec_limb high = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++) {
        exec_limb carry = 0;
        exec_limb u = t->l[i] * BN_P_INVERSE;
        for (unsigned j = 0; j < BN_LIMBS; j++)
            t->l[i + j] = exec_limb_mac(t->l[i + j], u, BN_P[j], &carry);
        t->l[i + BN_LIMBS] = exec_limb_adc(t->l[i + BN_LIMBS], carry, &high);
    }
    bn_fp_reduce_once(out, t->l + BN_LIMBS);
}

/* Karatsuba with three products and two reductions (lazy reduction: Aranha et al. 2011). */
void bn_fp2_mul(struct bn_fp2 *out, const struct bn_fp2 *a, const struct bn_fp2 *b)
{
    struct bn_fp s;
    struct bn_fp t;
    struct wide v0;
    struct wide v1;
    struct wide v2;
    bn_fp_add_lazy(&s, &a->c[0], &a->c[1]);
    bn_fp_add_lazy(&t, &b->c[0], &b->c[1]);
    wide_mul(&v0, &a->c[0], &b->c[0]);
    wide_mul(&v1, &a->c[1], &b->c[1]);
    wide_mul(&v2, &s, &t);
    (void)wide_sub(&v2, &v0);
    (void)wide_sub(&v2, &v1);
    exec_limb add = (exec_limb)(0u - wide_sub(&v0, &v1));
    exec_limb carry = 0;
    for (unsigned i = 0; i < BN_LIMBS; i++) /* a negative difference plus p * 2^256 */
        v0.l[BN_LIMBS + i] = exec_limb_adc(v0.l[BN_LIMBS + i], BN_P[i] & add, &carry);
    wide_reduce(&out->c[0], &v0);
    wide_reduce(&out->c[1], &v2);
}

#endif

/* (a0 + a1)(a0 - a1) + 2 a0 a1 i */
void bn_fp2_sqr(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    struct bn_fp sum;
    struct bn_fp difference;
    struct bn_fp twice;
    bn_fp_add_lazy(&sum, &a->c[0], &a->c[1]);
    bn_fp_sub(&difference, &a->c[0], &a->c[1]);
    bn_fp_add_lazy(&twice, &a->c[0], &a->c[0]);
    bn_fp_mul(&out->c[1], &twice, &a->c[1]);
    bn_fp_mul(&out->c[0], &sum, &difference);
}

void bn_fp2_mul_xi(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    struct bn_fp2 nine;
    bn_fp2_double(&nine, a);
    bn_fp2_double(&nine, &nine);
    bn_fp2_double(&nine, &nine);
    bn_fp2_add(&nine, &nine, a);
    struct bn_fp real = a->c[0];
    bn_fp_sub(&out->c[0], &nine.c[0], &a->c[1]);
    bn_fp_add(&out->c[1], &nine.c[1], &real);
}

/* conj(a) / (a0^2 + a1^2) */
void bn_fp2_inv(struct bn_fp2 *out, const struct bn_fp2 *a)
{
    struct bn_fp norm;
    struct bn_fp t;
    bn_fp_sqr(&norm, &a->c[0]);
    bn_fp_sqr(&t, &a->c[1]);
    bn_fp_add(&norm, &norm, &t);
    bn_fp_inv(&norm, &norm);
    bn_fp2_conj(out, a);
    bn_fp2_mul_fp(out, out, &norm);
}
