/* The optimal ate pairing (Vercauteren 2010) on bn254:
 *
 *     e(P, Q) = (f_{6u+2,Q}(P) * l_{[6u+2]Q, psi(Q)}(P) * l_{[6u+2]Q + psi(Q),
 * -psi^2(Q)}(P))^((p^12-1)/r)
 *
 * psi is the Frobenius endomorphism carried to the twist.  Lines are scaled by factors from F_p2,
 * which the final exponentiation removes. */
#include "executor/crypto/bn254.h"
#include "executor/crypto/bn254_curve.h"
#include "executor/crypto/bn254_tables.h"
#include "executor/crypto/bn254_tower.h"

#define BATCH 8u /* pairs that share one squaring per step; about 3 KiB of stack */
#define LOOP_DIGITS (sizeof BN_LOOP / sizeof BN_LOOP[0])
#define U_DIGITS (sizeof BN_U / sizeof BN_U[0])

/* Homogeneous coordinates: x = X/Z, y = Y/Z. */
struct projective {
    struct bn_fp2 x;
    struct bn_fp2 y;
    struct bn_fp2 z;
};

struct pair {
    struct bn_g1 p;
    struct bn_g2 q;
    struct projective t; /* the running multiple of q */
};

/* f *= the line whose coefficients at y_P, x_P and 1 are given. */
static void multiply_line(struct bn_fp12 *f, struct bn_line *line, const struct bn_g1 *p)
{
    if (p->infinity)
        return;
    bn_fp2_mul_fp(&line->a0, &line->a0, &p->y);
    bn_fp2_mul_fp(&line->a1, &line->a1, &p->x);
    bn_fp12_mul_line(f, line);
}

/* t = 2t, and the tangent at t: 2YZ y_P - 3X^2 x_P w + (Y^2 - 3b'Z^2) w^3 (Costello, Lange, Naehrig
 * 2010). */
static void double_step(struct projective *t, struct bn_line *line)
{
    struct bn_fp2 a;
    struct bn_fp2 b;
    struct bn_fp2 c;
    struct bn_fp2 e;
    struct bn_fp2 f;
    struct bn_fp2 h;
    bn_fp2_mul(&a, &t->x, &t->y); /* a = XY/2 */
    bn_fp2_half(&a, &a);
    bn_fp2_sqr(&b, &t->y);
    bn_fp2_sqr(&c, &t->z);
    bn_fp2_mul(&e, &c, &BN_TWIST_3B); /* e = 3b'Z^2 */
    bn_fp2_double(&f, &e);            /* f = 3e */
    bn_fp2_add(&f, &f, &e);
    bn_fp2_add(&h, &t->y, &t->z); /* h = 2YZ */
    bn_fp2_sqr(&h, &h);
    bn_fp2_sub(&h, &h, &b);
    bn_fp2_sub(&h, &h, &c);

    line->a0 = h;
    bn_fp2_sqr(&c, &t->x);
    bn_fp2_double(&line->a1, &c);
    bn_fp2_add(&line->a1, &line->a1, &c);
    bn_fp2_neg(&line->a1, &line->a1);
    bn_fp2_sub(&line->a3, &b, &e);

    bn_fp2_sub(&c, &b, &f); /* X = a (b - f) */
    bn_fp2_mul(&t->x, &a, &c);
    bn_fp2_add(&c, &b, &f); /* Y = ((b + f)/2)^2 - 3e^2 */
    bn_fp2_half(&c, &c);
    bn_fp2_sqr(&c, &c);
    bn_fp2_sqr(&e, &e);
    bn_fp2_sub(&c, &c, &e);
    bn_fp2_sub(&c, &c, &e);
    bn_fp2_sub(&t->y, &c, &e);
    bn_fp2_mul(&t->z, &b, &h);
}

/* t += (x, y), and the line through both: d y_P - n x_P w + (n x - d y) w^3 for the slope n/d.  For
 * t = +-(x, y) the result has Z = 0, which no later step changes. */
static void add_step(struct projective *t, struct bn_line *line, const struct bn_fp2 *x,
                     const struct bn_fp2 *y)
{
    struct bn_fp2 n;
    struct bn_fp2 d;
    struct bn_fp2 dd;
    struct bn_fp2 ddd;
    struct bn_fp2 g;
    struct bn_fp2 h;
    bn_fp2_mul(&n, y, &t->z); /* n = Y - y Z */
    bn_fp2_sub(&n, &t->y, &n);
    bn_fp2_mul(&d, x, &t->z); /* d = X - x Z */
    bn_fp2_sub(&d, &t->x, &d);

    line->a0 = d;
    bn_fp2_neg(&line->a1, &n);
    bn_fp2_mul(&line->a3, &n, x);
    bn_fp2_mul(&g, &d, y);
    bn_fp2_sub(&line->a3, &line->a3, &g);

    bn_fp2_sqr(&dd, &d);
    bn_fp2_mul(&ddd, &dd, &d);
    bn_fp2_mul(&g, &t->x, &dd); /* g = X d^2 */
    bn_fp2_sqr(&h, &n);         /* h = d^3 + n^2 Z - 2g */
    bn_fp2_mul(&h, &h, &t->z);
    bn_fp2_add(&h, &h, &ddd);
    bn_fp2_sub(&h, &h, &g);
    bn_fp2_sub(&h, &h, &g);
    bn_fp2_mul(&t->x, &d, &h); /* X = d h */
    bn_fp2_sub(&g, &g, &h);    /* Y = n (g - h) - d^3 Y */
    bn_fp2_mul(&g, &g, &n);
    bn_fp2_mul(&h, &ddd, &t->y);
    bn_fp2_sub(&t->y, &g, &h);
    bn_fp2_mul(&t->z, &t->z, &ddd);
}

/* psi(x, y) = (conj(x) xi^((p-1)/3), conj(y) xi^((p-1)/2)) */
static void endomorphism(struct bn_fp2 *x, struct bn_fp2 *y)
{
    bn_fp2_conj(x, x);
    bn_fp2_mul(x, x, &BN_FROBENIUS_1[1]);
    bn_fp2_conj(y, y);
    bn_fp2_mul(y, y, &BN_FROBENIUS_1[2]);
}

/* The two last lines, after which t = [6u+2]Q + psi(Q) - psi^2(Q).  Q has order r exactly when that
 * is -psi^3(Q): the proof is in gen/bn254_constants.py.  For Q of order r no step before met t = 0
 * or t = +-Q, so a Z of 0 is no member either. */
static bool finish_pair(struct bn_fp12 *f, struct pair *pair)
{
    struct bn_line line;
    struct bn_fp2 x = pair->q.x;
    struct bn_fp2 y = pair->q.y;
    struct bn_fp2 minus_y;
    endomorphism(&x, &y);
    add_step(&pair->t, &line, &x, &y);
    multiply_line(f, &line, &pair->p);
    endomorphism(&x, &y);
    bn_fp2_neg(&minus_y, &y);
    add_step(&pair->t, &line, &x, &minus_y);
    multiply_line(f, &line, &pair->p);
    endomorphism(&x, &y);
    bn_fp2_neg(&minus_y, &y);
    bn_fp2_mul(&x, &x, &pair->t.z);
    bn_fp2_mul(&minus_y, &minus_y, &pair->t.z);
    return !bn_fp2_is_zero(&pair->t.z) && bn_fp2_eq(&x, &pair->t.x) &&
           bn_fp2_eq(&minus_y, &pair->t.y);
}

/* *f = the product of the Miller functions of the pairs.  False: some q is outside the subgroup. */
static bool miller(struct bn_fp12 *f, struct pair *pairs, size_t count)
{
    struct bn_line line;
    struct bn_fp2 minus_y;
    bn_fp12_one(f);
    for (size_t k = 0; k < count; k++) {
        pairs[k].t = (struct projective){.x = pairs[k].q.x, .y = pairs[k].q.y};
        bn_fp_one(&pairs[k].t.z.c[0]);
    }
    for (size_t i = 1; i < LOOP_DIGITS; i++) {
        if (i > 1) /* f is 1 before */
            bn_fp12_sqr(f, f);
        for (size_t k = 0; k < count; k++) {
            double_step(&pairs[k].t, &line);
            multiply_line(f, &line, &pairs[k].p);
            if (BN_LOOP[i] == 0)
                continue;
            bn_fp2_neg(&minus_y, &pairs[k].q.y);
            add_step(&pairs[k].t, &line, &pairs[k].q.x, BN_LOOP[i] > 0 ? &pairs[k].q.y : &minus_y);
            multiply_line(f, &line, &pairs[k].p);
        }
    }
    bool members = true;
    for (size_t k = 0; k < count; k++)
        members = finish_pair(f, &pairs[k]) && members;
    return members;
}

/* out = a^u in the cyclotomic subgroup. */
static void power_u(struct bn_fp12 *out, const struct bn_fp12 *a)
{
    struct bn_fp12 odd[4]; /* a, a^3, a^5, a^7 */
    struct bn_fp12 t;
    odd[0] = *a;
    bn_fp12_cyclotomic_sqr(&t, a);
    for (unsigned i = 1; i < 4; i++)
        bn_fp12_mul(&odd[i], &odd[i - 1], &t);
    struct bn_fp12 acc = odd[BN_U[0] >> 1];
    for (size_t i = 1; i < U_DIGITS; i++) {
        int digit = BN_U[i];
        bn_fp12_cyclotomic_sqr(&acc, &acc);
        if (digit == 0)
            continue;
        t = odd[(digit < 0 ? -digit : digit) >> 1];
        if (digit < 0)
            bn_fp12_conj(&t, &t);
        bn_fp12_mul(&acc, &acc, &t);
    }
    *out = acc;
}

/* Is f^(s (p^12 - 1)/r) = 1, for an s coprime to r?  Easy part (p^6 - 1)(p^2 + 1), then the hard
 * part in base p with the digits of Fuentes-Castaneda, Knapp and Rodriguez-Henriquez 2011 (checked
 * in gen/bn254_constants.py).  f is not 0: no line vanishes at a point of the other group. */
static bool final_is_one(const struct bn_fp12 *f)
{
    struct bn_fp12 m;
    struct bn_fp12 t;
    struct bn_fp12 u2;  /* m^(2u) */
    struct bn_fp12 uu6; /* m^(6u^2) */
    struct bn_fp12 a;   /* m^(12u^3 + 6u^2 + 6u): the digit of p^2 */
    struct bn_fp12 b;   /* m^(12u^3 + 6u^2 + 4u): the digit of p */
    bn_fp12_inv(&t, f);
    bn_fp12_conj(&m, f);
    bn_fp12_mul(&m, &m, &t);
    bn_fp12_frobenius(&t, &m, 2);
    bn_fp12_mul(&m, &m, &t);

    power_u(&t, &m);
    bn_fp12_cyclotomic_sqr(&u2, &t);
    bn_fp12_cyclotomic_sqr(&t, &u2);
    bn_fp12_mul(&a, &t, &u2); /* 6u */
    power_u(&uu6, &a);
    bn_fp12_cyclotomic_sqr(&t, &uu6);
    power_u(&t, &t); /* 12u^3 */
    bn_fp12_mul(&a, &a, &uu6);
    bn_fp12_mul(&a, &a, &t);
    bn_fp12_conj(&t, &u2);
    bn_fp12_mul(&b, &a, &t);

    struct bn_fp12 product; /* digit of 1: 12u^3 + 12u^2 + 6u + 1 */
    bn_fp12_mul(&product, &a, &uu6);
    bn_fp12_mul(&product, &product, &m);
    bn_fp12_frobenius(&t, &b, 1);
    bn_fp12_mul(&product, &product, &t);
    bn_fp12_frobenius(&t, &a, 2);
    bn_fp12_mul(&product, &product, &t);
    bn_fp12_conj(&t, &m); /* digit of p^3: 12u^3 + 6u^2 + 4u - 1 */
    bn_fp12_mul(&t, &t, &b);
    bn_fp12_frobenius(&t, &t, 3);
    bn_fp12_mul(&product, &product, &t);
    return bn_fp12_is_one(&product);
}

enum exec_bn254_result exec_bn254_pairing(bool *one, const uint8_t *in, size_t pairs)
{
    struct pair batch[BATCH];
    struct bn_fp12 product;
    struct bn_fp12 f;
    *one = false;
    bn_fp12_one(&product);
    for (size_t next = 0; next < pairs;) {
        size_t count = 0;
        for (; next < pairs && count < BATCH; next++, in += EXEC_BN254_PAIR_BYTES) {
            struct pair *slot = &batch[count];
            if (!bn_g1_decode(&slot->p, in) || !bn_g2_decode(&slot->q, in + EXEC_BN254_G1_BYTES))
                return EXEC_BN254_INVALID;
            if (!slot->q.infinity) /* an infinite p contributes 1, but q must still be a member */
                count++;
        }
        if (!miller(&f, batch, count))
            return EXEC_BN254_INVALID;
        bn_fp12_mul(&product, &product, &f);
    }
    *one = final_is_one(&product);
    return EXEC_BN254_OK;
}
