#include "executor/crypto/bn254_tower.h"

#include "executor/crypto/bn254_tables.h"

/* ---- F_p6 */

static void fp6_add(struct bn_fp6 *out, const struct bn_fp6 *a, const struct bn_fp6 *b)
{
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_add(&out->c[i], &a->c[i], &b->c[i]);
}

static void fp6_sub(struct bn_fp6 *out, const struct bn_fp6 *a, const struct bn_fp6 *b)
{
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_sub(&out->c[i], &a->c[i], &b->c[i]);
}

static void fp6_neg(struct bn_fp6 *out, const struct bn_fp6 *a)
{
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_neg(&out->c[i], &a->c[i]);
}

/* a * v: (c0, c1, c2) -> (xi c2, c0, c1) */
static void fp6_mul_v(struct bn_fp6 *out, const struct bn_fp6 *a)
{
    struct bn_fp2 t;
    bn_fp2_mul_xi(&t, &a->c[2]);
    out->c[2] = a->c[1];
    out->c[1] = a->c[0];
    out->c[0] = t;
}

/* out = (x0 + x1)(y0 + y1) - m0 - m1, a cross product by Karatsuba. */
static void cross(struct bn_fp2 *out, const struct bn_fp2 x[2], const struct bn_fp2 y[2],
                  const struct bn_fp2 *m0, const struct bn_fp2 *m1)
{
    struct bn_fp2 s;
    struct bn_fp2 t;
    bn_fp2_add(&s, &x[0], &x[1]);
    bn_fp2_add(&t, &y[0], &y[1]);
    bn_fp2_mul(&s, &s, &t);
    bn_fp2_sub(&s, &s, m0);
    bn_fp2_sub(out, &s, m1);
}

/* Six multiplications (Devegili et al. 2006). */
static void fp6_mul(struct bn_fp6 *out, const struct bn_fp6 *a, const struct bn_fp6 *b)
{
    struct bn_fp2 m[3];
    struct bn_fp2 c01;
    struct bn_fp2 c12;
    struct bn_fp2 c02;
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_mul(&m[i], &a->c[i], &b->c[i]);
    cross(&c01, &a->c[0], &b->c[0], &m[0], &m[1]);
    cross(&c12, &a->c[1], &b->c[1], &m[1], &m[2]);
    const struct bn_fp2 ends_a[2] = {a->c[0], a->c[2]};
    const struct bn_fp2 ends_b[2] = {b->c[0], b->c[2]};
    cross(&c02, ends_a, ends_b, &m[0], &m[2]);
    bn_fp2_mul_xi(&c12, &c12);
    bn_fp2_add(&out->c[0], &m[0], &c12);
    bn_fp2_add(&out->c[2], &c02, &m[1]);
    bn_fp2_mul_xi(&m[2], &m[2]);
    bn_fp2_add(&out->c[1], &c01, &m[2]);
}

/* a * (b0 + b1 v) */
static void fp6_mul_01(struct bn_fp6 *out, const struct bn_fp6 *a, const struct bn_fp2 b[2])
{
    struct bn_fp2 m0;
    struct bn_fp2 m1;
    struct bn_fp2 c01;
    struct bn_fp2 t;
    bn_fp2_mul(&m0, &a->c[0], &b[0]);
    bn_fp2_mul(&m1, &a->c[1], &b[1]);
    cross(&c01, a->c, b, &m0, &m1);
    bn_fp2_mul(&t, &a->c[2], &b[1]);
    bn_fp2_mul_xi(&t, &t);
    struct bn_fp2 c2;
    bn_fp2_mul(&c2, &a->c[2], &b[0]);
    bn_fp2_add(&out->c[0], &m0, &t);
    out->c[1] = c01;
    bn_fp2_add(&out->c[2], &c2, &m1);
}

/* Adjoint over norm (Scott 2007, "Implementing cryptographic pairings"). */
static void fp6_inv(struct bn_fp6 *out, const struct bn_fp6 *a)
{
    struct bn_fp6 adjoint;
    struct bn_fp2 t;
    struct bn_fp2 norm;
    bn_fp2_sqr(&adjoint.c[0], &a->c[0]); /* c0^2 - xi c1 c2 */
    bn_fp2_mul(&t, &a->c[1], &a->c[2]);
    bn_fp2_mul_xi(&t, &t);
    bn_fp2_sub(&adjoint.c[0], &adjoint.c[0], &t);
    bn_fp2_sqr(&adjoint.c[1], &a->c[2]); /* xi c2^2 - c0 c1 */
    bn_fp2_mul_xi(&adjoint.c[1], &adjoint.c[1]);
    bn_fp2_mul(&t, &a->c[0], &a->c[1]);
    bn_fp2_sub(&adjoint.c[1], &adjoint.c[1], &t);
    bn_fp2_sqr(&adjoint.c[2], &a->c[1]); /* c1^2 - c0 c2 */
    bn_fp2_mul(&t, &a->c[0], &a->c[2]);
    bn_fp2_sub(&adjoint.c[2], &adjoint.c[2], &t);

    bn_fp2_mul(&norm, &a->c[2], &adjoint.c[1]); /* c0 A0 + xi (c2 A1 + c1 A2) */
    bn_fp2_mul(&t, &a->c[1], &adjoint.c[2]);
    bn_fp2_add(&norm, &norm, &t);
    bn_fp2_mul_xi(&norm, &norm);
    bn_fp2_mul(&t, &a->c[0], &adjoint.c[0]);
    bn_fp2_add(&norm, &norm, &t);
    bn_fp2_inv(&norm, &norm);
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_mul(&out->c[i], &adjoint.c[i], &norm);
}

/* ---- F_p12 */

void bn_fp12_one(struct bn_fp12 *out)
{
    memset(out, 0, sizeof *out);
    bn_fp_one(&out->c[0].c[0].c[0]);
}

bool bn_fp12_is_one(const struct bn_fp12 *a)
{
    struct bn_fp12 one;
    bn_fp12_one(&one);
    return memcmp(a, &one, sizeof one) == 0;
}

void bn_fp12_mul(struct bn_fp12 *out, const struct bn_fp12 *a, const struct bn_fp12 *b)
{
    struct bn_fp6 m0;
    struct bn_fp6 m1;
    struct bn_fp6 s;
    struct bn_fp6 t;
    fp6_mul(&m0, &a->c[0], &b->c[0]);
    fp6_mul(&m1, &a->c[1], &b->c[1]);
    fp6_add(&s, &a->c[0], &a->c[1]);
    fp6_add(&t, &b->c[0], &b->c[1]);
    fp6_mul(&s, &s, &t);
    fp6_sub(&s, &s, &m0);
    fp6_sub(&out->c[1], &s, &m1);
    fp6_mul_v(&m1, &m1);
    fp6_add(&out->c[0], &m0, &m1);
}

/* (a0 + a1)(a0 + v a1) - (1 + v) a0 a1 + 2 a0 a1 w */
void bn_fp12_sqr(struct bn_fp12 *out, const struct bn_fp12 *a)
{
    struct bn_fp6 m;
    struct bn_fp6 s;
    struct bn_fp6 t;
    fp6_mul(&m, &a->c[0], &a->c[1]);
    fp6_add(&s, &a->c[0], &a->c[1]);
    fp6_mul_v(&t, &a->c[1]);
    fp6_add(&t, &t, &a->c[0]);
    fp6_mul(&s, &s, &t);
    fp6_sub(&s, &s, &m);
    fp6_add(&out->c[1], &m, &m);
    fp6_mul_v(&m, &m);
    fp6_sub(&out->c[0], &s, &m);
}

/* The line is a0 + (a1 + a3 v) w: Karatsuba on w with one factor in F_p2. */
void bn_fp12_mul_line(struct bn_fp12 *a, const struct bn_line *line)
{
    struct bn_fp6 m0;
    struct bn_fp6 m1;
    struct bn_fp6 s;
    const struct bn_fp2 upper[2] = {line->a1, line->a3};
    struct bn_fp2 both[2] = {line->a1, line->a3};
    for (unsigned i = 0; i < 3; i++)
        bn_fp2_mul(&m0.c[i], &a->c[0].c[i], &line->a0);
    fp6_mul_01(&m1, &a->c[1], upper);
    bn_fp2_add(&both[0], &both[0], &line->a0);
    fp6_add(&s, &a->c[0], &a->c[1]);
    fp6_mul_01(&s, &s, both);
    fp6_sub(&s, &s, &m0);
    fp6_sub(&a->c[1], &s, &m1);
    fp6_mul_v(&m1, &m1);
    fp6_add(&a->c[0], &m0, &m1);
}

/* (a0 - a1 w) / (a0^2 - v a1^2) */
void bn_fp12_inv(struct bn_fp12 *out, const struct bn_fp12 *a)
{
    struct bn_fp6 norm;
    struct bn_fp6 t;
    fp6_mul(&norm, &a->c[0], &a->c[0]);
    fp6_mul(&t, &a->c[1], &a->c[1]);
    fp6_mul_v(&t, &t);
    fp6_sub(&norm, &norm, &t);
    fp6_inv(&norm, &norm);
    bn_fp12_conj(out, a);
    fp6_mul(&out->c[0], &out->c[0], &norm);
    fp6_mul(&out->c[1], &out->c[1], &norm);
}

void bn_fp12_conj(struct bn_fp12 *out, const struct bn_fp12 *a)
{
    out->c[0] = a->c[0];
    fp6_neg(&out->c[1], &a->c[1]);
}

/* The coefficient of w^k goes to its own Frobenius times xi^(k (p^power - 1) / 6). */
void bn_fp12_frobenius(struct bn_fp12 *out, const struct bn_fp12 *a, unsigned power)
{
    const struct bn_fp2 *factors = power == 1 ? BN_FROBENIUS_1 : BN_FROBENIUS_3;
    for (unsigned k = 0; k < 6; k++) {
        struct bn_fp2 *to = &out->c[k & 1u].c[k >> 1];
        const struct bn_fp2 *from = &a->c[k & 1u].c[k >> 1];
        if (power == 2)
            *to = *from;
        else
            bn_fp2_conj(to, from);
        if (k == 0)
            continue;
        if (power == 2)
            bn_fp2_mul_fp(to, to, &BN_FROBENIUS_2[k - 1]);
        else
            bn_fp2_mul(to, to, &factors[k - 1]);
    }
}

/* (x + y s)^2 over F_p2 with s^2 = xi: *real = x^2 + xi y^2, *other = 2 x y. */
static void fp4_sqr(struct bn_fp2 *real, struct bn_fp2 *other, const struct bn_fp2 *x,
                    const struct bn_fp2 *y)
{
    struct bn_fp2 xx;
    struct bn_fp2 yy;
    struct bn_fp2 sum;
    bn_fp2_sqr(&xx, x);
    bn_fp2_sqr(&yy, y);
    bn_fp2_add(&sum, x, y);
    bn_fp2_sqr(&sum, &sum);
    bn_fp2_sub(&sum, &sum, &xx);
    bn_fp2_sub(other, &sum, &yy);
    bn_fp2_mul_xi(&yy, &yy);
    bn_fp2_add(real, &xx, &yy);
}

/* out = 3 t - 2 z, or 3 t + 2 z */
static void three_minus_two(struct bn_fp2 *out, const struct bn_fp2 *t, const struct bn_fp2 *z)
{
    struct bn_fp2 d;
    bn_fp2_sub(&d, t, z);
    bn_fp2_double(&d, &d);
    bn_fp2_add(out, &d, t);
}

static void three_plus_two(struct bn_fp2 *out, const struct bn_fp2 *t, const struct bn_fp2 *z)
{
    struct bn_fp2 s;
    bn_fp2_add(&s, t, z);
    bn_fp2_double(&s, &s);
    bn_fp2_add(out, &s, t);
}

void bn_fp12_cyclotomic_sqr(struct bn_fp12 *out, const struct bn_fp12 *a)
{
    struct bn_fp2 real[3];
    struct bn_fp2 other[3];
    fp4_sqr(&real[0], &other[0], &a->c[0].c[0], &a->c[1].c[1]);
    fp4_sqr(&real[1], &other[1], &a->c[1].c[0], &a->c[0].c[2]);
    fp4_sqr(&real[2], &other[2], &a->c[0].c[1], &a->c[1].c[2]);
    bn_fp2_mul_xi(&other[2], &other[2]);
    three_minus_two(&out->c[0].c[0], &real[0], &a->c[0].c[0]);
    three_minus_two(&out->c[0].c[1], &real[1], &a->c[0].c[1]);
    three_minus_two(&out->c[0].c[2], &real[2], &a->c[0].c[2]);
    three_plus_two(&out->c[1].c[0], &other[2], &a->c[1].c[0]);
    three_plus_two(&out->c[1].c[1], &other[0], &a->c[1].c[1]);
    three_plus_two(&out->c[1].c[2], &other[1], &a->c[1].c[2]);
}
