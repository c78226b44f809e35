/* Points of secp256k1 and sums of multiples of them.
 *
 * 1. A struct exec_point is affine, canonical and never infinity; in memory it is the sixteen words
 *    the chips take.
 * 2. A sum is Straus's interleaving over streams of signed odd digits (wNAF): one doubling per
 *    position serves all streams.  Every exceptional case (equal points, opposite points,
 *    infinity) is handled: whoever makes a signature chooses the points.
 * 3. A walk keeps its sum affine.  Without chips the slope of every chord and tangent is read as a
 *    hint h and checked by h (x2 - x1) = y2 - y1, which has exactly one solution since x2 != x1
 *    there; so a wrong slope can only fail, never move the sum. */
#pragma once

#include "executor/crypto/secp_field.h"

#define EXEC_SECP_G_WIDTH 8u      /* digit width for the generator's tables */
#define EXEC_SECP_WIDTH 5u        /* for tables made on the fly */
#define EXEC_SECP_TABLE 8u        /* odd multiples 1 .. 15 */
#define EXEC_SECP_DIGITS_MAX 129u /* of a 128-bit magnitude: the last may carry */
#define EXEC_SECP_STREAMS_MAX 8u

struct exec_point {
    struct exec_fe x, y;
};

/* Generated (gen/secp_tables.py). */
extern const struct exec_fe EXEC_SECP_BETA;
extern const struct exec_fe EXEC_SECP_LAMBDA;
extern const struct exec_fe EXEC_SECP_SPLIT_1;
extern const struct exec_fe EXEC_SECP_SPLIT_2;
extern const struct exec_fe EXEC_SECP_BASIS_A1;
extern const struct exec_fe EXEC_SECP_BASIS_MINUS_B1;
extern const struct exec_point EXEC_SECP_G[64];
extern const struct exec_point EXEC_SECP_G64[64];

/* Digits of up to eight streams by position; what no stream uses stays zero. */
struct exec_digits {
    _Alignas(8) int8_t at[EXEC_SECP_DIGITS_MAX + 1][EXEC_SECP_STREAMS_MAX];
    uint32_t length; /* positions in use */
};

/* Writes the digits of +-k (`words` 32-bit words, at most four) as one stream of *out, whose
 * column must be zero: each nonzero digit is odd, below 2^(width - 1) in size, and followed by
 * width - 1 zeros. */
void exec_digits_put(struct exec_digits *out, uint32_t stream, const uint32_t *k, uint32_t words,
                     uint32_t width, bool negative);

/* Where a stream's digits point: digit d > 0 means table[d >> 1]. */
struct exec_stream {
    const struct exec_point *table;
    bool lambda; /* times lambda: x times beta at each use */
};

/* The point a digit means: in the table or, made, in *room. */
const struct exec_point *exec_stream_point(struct exec_point *room, const struct exec_stream *s,
                                           int32_t digit);

/* ---- sums in Jacobian coordinates, (x / z^2, y / z^3) */

struct exec_jacobian {
    struct exec_fe x, y, z;
    bool infinite;
};

/* What a doubling or addition was: affine slope = slope / new z, new z = old z * ratio. */
struct exec_step {
    struct exec_fe slope, ratio;
};

/* p = 2 p, p += q.  True when there was a tangent or a chord: then *step (unless NULL) is filled.
 * With `scale`, p is on the curve scaled by it and q on the original one. */
bool exec_jacobian_double(struct exec_jacobian *p, struct exec_step *step);
bool exec_jacobian_add(struct exec_jacobian *p, const struct exec_point *q,
                       const struct exec_fe *scale, struct exec_step *step);

/* ---- sums that stay affine */

struct exec_walk {
    struct exec_point sum;
    bool infinite;
    bool failed;           /* a slope was wrong or missing; the sum is then meaningless */
    const uint32_t *slope; /* to read, eight words each */
    uint32_t slopes_left;
};

void exec_walk_add(struct exec_walk *w, const struct exec_point *q);
void exec_walk_double(struct exec_walk *w);
/* Odd multiples of p.  `times_lambda`, unless NULL: lambda times each.  w->sum is used. */
void exec_walk_table(struct exec_walk *w, struct exec_point table[EXEC_SECP_TABLE],
                     struct exec_point times_lambda[EXEC_SECP_TABLE], const struct exec_point *p);
/* w->sum = what the streams describe. */
void exec_walk_run(struct exec_walk *w, const struct exec_digits *digits,
                   const struct exec_stream *streams, uint32_t count);

/* y^2 = x^3 + 7 */
bool exec_point_on_curve(const struct exec_point *p);
/* The point with this x (canonical) and parity of y. */
bool exec_point_lift(struct exec_point *out, const struct exec_fe *x, uint32_t parity);
