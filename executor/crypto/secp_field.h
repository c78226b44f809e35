/* Integers modulo the two primes of secp256k1 (SEC 2, 2.4.1): p = 2^256 - 2^32 - 977 of the
 * coordinates and n of the scalars.
 *
 * 1. Results are canonical (below the modulus); arguments may be any 256-bit number unless a
 *    function says otherwise.  Canonical form lets points be compared, and handed to the chips,
 *    as they are; with this p it costs one branch that is almost never taken.
 * 2. l[0] is the least significant limb, so in memory a number is 32 little-endian bytes in either
 *    limb size.
 * 3. Variable time: public data only.
 * 4. out may be any of the arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/memory.h"
#include "executor/crypto/limb.h"
#include "executor/crypto/secp.h"

#define EXEC_FE_LIMBS (256u / EXEC_LIMB_BITS)

/* With TD_CHIPS modular products are chip calls.  EXEC_SECP_VIA_CHIPS takes the same route through
 * the plain C versions, so that a test can walk it. */
#if defined(TD_CHIPS) || defined(EXEC_SECP_VIA_CHIPS)
#define EXEC_SECP_CHIPS 1
#else
#define EXEC_SECP_CHIPS 0
#endif

struct exec_fe {
    exec_limb l[EXEC_FE_LIMBS];
};

extern const struct exec_fe EXEC_SECP_P;
extern const struct exec_fe EXEC_SECP_N;

/* ---- 256-bit integers */

static inline bool exec_fe_is_zero(const struct exec_fe *a)
{
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++) {
        if (a->l[i] != 0)
            return false;
    }
    return true;
}

static inline bool exec_fe_eq(const struct exec_fe *a, const struct exec_fe *b)
{
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++) {
        if (a->l[i] != b->l[i])
            return false;
    }
    return true;
}

/* a >= b */
static inline bool exec_fe_geq(const struct exec_fe *a, const struct exec_fe *b)
{
    for (uint32_t i = EXEC_FE_LIMBS; i-- > 0;) {
        if (a->l[i] != b->l[i])
            return a->l[i] > b->l[i];
    }
    return true;
}

/* a + b and a - b modulo 2^256; the carry, the borrow. */
exec_limb exec_fe_carry_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
exec_limb exec_fe_borrow_sub(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);

/* Big-endian bytes, and little-endian words as chips and hints hold them. */
void exec_fe_from_be(struct exec_fe *out, const uint8_t bytes[32]);
void exec_fe_to_be(uint8_t out[32], const struct exec_fe *a);
void exec_fe_from_words(struct exec_fe *out, const uint32_t words[8]);
void exec_fe_to_words(uint32_t out[8], const struct exec_fe *a);

/* ---- modulo p */

void exec_fe_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
void exec_fe_sqr(struct exec_fe *out, const struct exec_fe *a);
/* Canonical arguments only. */
void exec_fe_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
void exec_fe_sub(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
void exec_fe_neg(struct exec_fe *out, const struct exec_fe *a);
/* 1/a, 0 for 0; a canonical. */
void exec_fe_inv(struct exec_fe *out, const struct exec_fe *a);
/* A root of a; false, with out unspecified, when a is not a square.  a canonical. */
bool exec_fe_sqrt(struct exec_fe *out, const struct exec_fe *a);

/* ---- modulo n */

/* a modulo n, for any 256-bit a (a < 2n always). */
void exec_sc_reduce(struct exec_fe *out, const struct exec_fe *a);
void exec_sc_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
/* Canonical arguments only. */
void exec_sc_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b);
void exec_sc_neg(struct exec_fe *out, const struct exec_fe *a);
void exec_sc_inv(struct exec_fe *out, const struct exec_fe *a);

/* Both parts below 2^128 (Gallant, Lambert, Vanstone); k canonical. */
void exec_sc_split(struct exec_secp_split *out, const struct exec_fe *k);
/* The scalar back, canonical, for any content. */
void exec_sc_join(struct exec_fe *out, const struct exec_secp_split *k);
