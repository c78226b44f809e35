/* The permutation on vectors of Montgomery words, written once over a handful of operations that
 * the including file has defined for its width:
 *
 *     vec, LANES, v_set(u32), v_load, v_store, v_add, v_sub, v_min, v_and, v_shl(x, n), v_shr(x,
 * n), v_mul_raw(a, b): a * b * 2^-32 mod 2^32 up to one p, in (-p, p) for a, b < p
 *
 * Words are canonical between the steps: x - p wraps to something large exactly when x < p, so an
 * unsigned minimum is the conditional subtraction.  Sources and structure as in
 * base/core/poseidon2.c. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/core/poseidon2.h"
#include "base/core/poseidon2_tables.h"

#define P2_FULL_HALF 4u
#define P2_INLINE static inline __attribute__((always_inline))

P2_INLINE vec add_mod(vec a, vec b)
{
    vec t = v_add(a, b);
    return v_min(t, v_sub(t, v_set(TD_KB_P)));
}

/* x in (-p, p), wrapped. */
P2_INLINE vec lift(vec x)
{
    return v_min(x, v_add(x, v_set(TD_KB_P)));
}

P2_INLINE vec mul_mod(vec a, vec b)
{
    return lift(v_mul_raw(a, b));
}

P2_INLINE vec cube(vec x)
{
    return mul_mod(mul_mod(x, x), x);
}

/* circ(2 M4, M4, ..), M4 = circ(2, 3, 1, 1): rows share their sums. */
P2_INLINE void external_layer(vec s[TD_P2_WIDTH])
{
    vec column[4];
    for (unsigned c = 0; c < TD_P2_WIDTH; c += 4) {
        vec a = add_mod(s[c], s[c + 1]), b = add_mod(s[c + 2], s[c + 3]);
        vec sum = add_mod(a, b);
        vec x = add_mod(sum, s[c + 1]), y = add_mod(sum, s[c + 3]);
        vec d0 = add_mod(s[c], s[c]), d2 = add_mod(s[c + 2], s[c + 2]);
        s[c] = add_mod(x, a);
        s[c + 1] = add_mod(x, d2);
        s[c + 2] = add_mod(y, b);
        s[c + 3] = add_mod(y, d0);
        for (unsigned i = 0; i < 4; i++)
            column[i] = c == 0 ? s[i] : add_mod(column[i], s[c + i]);
    }
    for (unsigned i = 0; i < TD_P2_WIDTH; i++)
        s[i] = add_mod(s[i], column[i % 4]);
}

/* x = hi 2^k + lo: since p = 1 mod 2^24, x / 2^k = hi - lo (p - 1) / 2^k for k <= 24, and
 * (p - 1) / 2^k = 127 * 2^(24 - k).  Both terms are below p. */
P2_INLINE vec halve_parts(vec x, unsigned k, vec *hi)
{
    vec lo = v_and(x, v_set((1u << k) - 1u));
    *hi = v_shr(x, k);
    return v_sub(v_shl(lo, 31 - k), v_shl(lo, 24 - k));
}

P2_INLINE vec halve(vec x, unsigned k)
{
    vec hi, low = halve_parts(x, k, &hi);
    return lift(v_sub(hi, low));
}

P2_INLINE vec halve_negated(vec x, unsigned k)
{
    vec hi, low = halve_parts(x, k, &hi);
    return lift(v_sub(low, hi));
}

/* 1 + diag(v); v is chosen in the paper's spirit so that most entries are powers of two:
 * -2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, then 2^-k and -2^-k.  The test holds this to the table. */
P2_INLINE void internal_layer(vec s[TD_P2_WIDTH])
{
    vec part[4] = {s[1], s[2], s[3], s[4]};
    for (unsigned i = 5; i < TD_P2_WIDTH; i++)
        part[i % 4] = add_mod(part[i % 4], s[i]);
    vec rest = add_mod(add_mod(part[0], part[1]), add_mod(part[2], part[3]));
    vec sum = add_mod(rest, s[0]);
    vec zero = v_set(0);

    s[0] = lift(v_sub(rest, s[0])); /* sum - 2 s0 */
    s[1] = add_mod(sum, s[1]);
    s[2] = add_mod(sum, add_mod(s[2], s[2]));
    s[3] = add_mod(sum, halve(s[3], 1));
    s[4] = add_mod(sum, add_mod(add_mod(s[4], s[4]), s[4]));
    vec two = add_mod(s[5], s[5]);
    s[5] = add_mod(sum, add_mod(two, two));
    s[6] = add_mod(sum, halve_negated(s[6], 1));
    s[7] = add_mod(sum, lift(v_sub(zero, add_mod(add_mod(s[7], s[7]), s[7]))));
    two = add_mod(s[8], s[8]);
    s[8] = add_mod(sum, lift(v_sub(zero, add_mod(two, two))));
    s[9] = add_mod(sum, halve(s[9], 8));
    s[10] = add_mod(sum, halve(s[10], 2));
    s[11] = add_mod(sum, halve(s[11], 3));
    s[12] = add_mod(sum, halve(s[12], 4));
    s[13] = add_mod(sum, halve(s[13], 5));
    s[14] = add_mod(sum, halve(s[14], 6));
    s[15] = add_mod(sum, halve(s[15], 24));
    s[16] = add_mod(sum, halve_negated(s[16], 8));
    s[17] = add_mod(sum, halve_negated(s[17], 3));
    s[18] = add_mod(sum, halve_negated(s[18], 4));
    s[19] = add_mod(sum, halve_negated(s[19], 5));
    s[20] = add_mod(sum, halve_negated(s[20], 6));
    s[21] = add_mod(sum, halve_negated(s[21], 7));
    s[22] = add_mod(sum, halve_negated(s[22], 9));
    s[23] = add_mod(sum, halve_negated(s[23], 24));
}

P2_INLINE void full_rounds(vec s[TD_P2_WIDTH], const uint32_t *constants)
{
    for (unsigned round = 0; round < P2_FULL_HALF; round++) {
        for (unsigned i = 0; i < TD_P2_WIDTH; i++)
            s[i] = cube(add_mod(s[i], v_set(constants[round * TD_P2_WIDTH + i])));
        external_layer(s);
    }
}

/* LANES states. */
static void permute_lanes(struct td_kb (*states)[TD_P2_WIDTH])
{
    uint32_t turned[TD_P2_WIDTH][LANES] __attribute__((aligned(64)));
    vec s[TD_P2_WIDTH];
    for (unsigned lane = 0; lane < LANES; lane++) {
        for (unsigned i = 0; i < TD_P2_WIDTH; i++)
            turned[i][lane] = states[lane][i].v;
    }
    for (unsigned i = 0; i < TD_P2_WIDTH; i++)
        s[i] = mul_mod(v_load(turned[i]), v_set(TD_KB_MONT_R2));

    external_layer(s);
    full_rounds(s, TD_P2_FULL_24);
    for (unsigned round = 0; round < TD_P2_PARTIAL_24; round++) {
        s[0] = cube(add_mod(s[0], v_set(TD_P2_PART_24[round])));
        internal_layer(s);
    }
    full_rounds(s, TD_P2_FULL_24 + P2_FULL_HALF * TD_P2_WIDTH);

    for (unsigned i = 0; i < TD_P2_WIDTH; i++)
        v_store(turned[i], mul_mod(s[i], v_set(1)));
    for (unsigned lane = 0; lane < LANES; lane++) {
        for (unsigned i = 0; i < TD_P2_WIDTH; i++)
            states[lane][i].v = turned[i][lane];
    }
}

/* A rest is padded with zero states. */
P2_INLINE void permute_all(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    for (; count >= LANES; count -= LANES, states += LANES)
        permute_lanes(states);
    if (count == 0)
        return;
    struct td_kb rest[LANES][TD_P2_WIDTH];
    memset(rest, 0, sizeof rest);
    memcpy(rest, states, count * sizeof rest[0]);
    permute_lanes(rest);
    memcpy(states, rest, count * sizeof rest[0]);
}
