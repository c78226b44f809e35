/* The extension fields of the pairing: F_p6 = F_p2[v] / (v^3 - xi), F_p12 = F_p6[w] / (w^2 - v),
 * xi = 9 + i.  Internal to executor/crypto/bn254_*.
 *
 *     F_p12 over F_p2, by powers of w:   c[0].c[0]  c[1].c[0]  c[0].c[1]  c[1].c[1]  c[0].c[2]
 * c[1].c[2] 1          w          w^2        w^3        w^4        w^5
 *
 * 1. out may be any of the inputs.
 * 2. The cyclotomic subgroup is the image of the easy part of the final exponentiation: there the
 *    inverse is the conjugate, and bn_fp12_cyclotomic_sqr is defined. */
#pragma once

#include "executor/crypto/bn254_field.h"

struct bn_fp6 {
    struct bn_fp2 c[3];
};

struct bn_fp12 {
    struct bn_fp6 c[2];
};

/* The values of a line: a0 + a1 w + a3 w^3. */
struct bn_line {
    struct bn_fp2 a0;
    struct bn_fp2 a1;
    struct bn_fp2 a3;
};

void bn_fp12_one(struct bn_fp12 *out);
bool bn_fp12_is_one(const struct bn_fp12 *a);
void bn_fp12_mul(struct bn_fp12 *out, const struct bn_fp12 *a, const struct bn_fp12 *b);
void bn_fp12_sqr(struct bn_fp12 *out, const struct bn_fp12 *a);
/* a *= line, 13 multiplications in F_p2 instead of 18. */
void bn_fp12_mul_line(struct bn_fp12 *a, const struct bn_line *line);
/* 1/a, and 0 for 0. */
void bn_fp12_inv(struct bn_fp12 *out, const struct bn_fp12 *a);
/* a^(p^6) */
void bn_fp12_conj(struct bn_fp12 *out, const struct bn_fp12 *a);
/* a^(p^power), power 1, 2 or 3. */
void bn_fp12_frobenius(struct bn_fp12 *out, const struct bn_fp12 *a, unsigned power);
/* a^2 for a in the cyclotomic subgroup (Granger, Scott 2010). */
void bn_fp12_cyclotomic_sqr(struct bn_fp12 *out, const struct bn_fp12 *a);
