/* KoalaBear, the prime field of proofs and state hashing: p = 2^31 - 2^24 + 1 = 0x7F000001.
 *
 * 1. A struct td_kb is canonical: v < p.  Every function here expects and returns that; values
 *    from outside enter through td_kb_decode or td_kb_of_u64.
 * 2. The td_kb_mont_* functions work on raw words in Montgomery form (x * 2^32 mod p) and are for
 *    inner loops of base and prover only; no such word is stored or sent.
 * 3. No division instruction: the guest machine has none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/error.h"

#define TD_KB_P UINT32_C(0x7F000001)
#define TD_KB_GENERATOR 3u    /* of the multiplicative group */
#define TD_KB_TWO_ADICITY 24u /* 2^24 divides p - 1 = 127 * 2^24 */

#define TD_KB_MONT_NEG_INV UINT32_C(0x7EFFFFFF) /* -1/p mod 2^32 */
#define TD_KB_MONT_R2 UINT32_C(0x17F7EFE4)      /* 2^64 mod p */

struct td_kb {
    uint32_t v; /* canonical, < TD_KB_P */
};

/* ---- Montgomery words */

/* x * 2^-32 mod p, for x < p * 2^32; canonical result. */
static inline uint32_t td_kb_mont_reduce(uint64_t x)
{
    uint32_t q = (uint32_t)x * TD_KB_MONT_NEG_INV;
    uint32_t t = (uint32_t)((x + (uint64_t)q * TD_KB_P) >> 32); /* < 2p < 2^32 */
    return t >= TD_KB_P ? t - TD_KB_P : t;
}

static inline uint32_t td_kb_mont_mul(uint32_t a, uint32_t b)
{
    return td_kb_mont_reduce((uint64_t)a * b);
}

static inline uint32_t td_kb_to_mont(struct td_kb a)
{
    return td_kb_mont_mul(a.v, TD_KB_MONT_R2);
}

static inline struct td_kb td_kb_from_mont(uint32_t a)
{
    return (struct td_kb){.v = td_kb_mont_reduce(a)};
}

/* Addition and subtraction are the same in both forms. */
static inline uint32_t td_kb_raw_add(uint32_t a, uint32_t b)
{
    uint32_t t = a + b; /* < 2^32, since both are below p < 2^31 */
    return t >= TD_KB_P ? t - TD_KB_P : t;
}

static inline uint32_t td_kb_raw_sub(uint32_t a, uint32_t b)
{
    return a >= b ? a - b : a + (TD_KB_P - b);
}

/* ---- field elements */

/* Accept a word from outside; TD_E_RANGE and *out = 0 when v >= p. */
static inline TD_MUST_CHECK enum td_error td_kb_decode(struct td_kb *out, uint32_t v)
{
    *out = (struct td_kb){.v = v < TD_KB_P ? v : 0};
    return v < TD_KB_P ? TD_OK : TD_E_RANGE;
}

static inline bool td_kb_eq(struct td_kb a, struct td_kb b)
{
    return a.v == b.v;
}

static inline struct td_kb td_kb_add(struct td_kb a, struct td_kb b)
{
    return (struct td_kb){.v = td_kb_raw_add(a.v, b.v)};
}

static inline struct td_kb td_kb_sub(struct td_kb a, struct td_kb b)
{
    return (struct td_kb){.v = td_kb_raw_sub(a.v, b.v)};
}

static inline struct td_kb td_kb_neg(struct td_kb a)
{
    return (struct td_kb){.v = td_kb_raw_sub(0, a.v)};
}

static inline struct td_kb td_kb_mul(struct td_kb a, struct td_kb b)
{
    return (struct td_kb){.v = td_kb_mont_mul(td_kb_mont_mul(a.v, b.v), TD_KB_MONT_R2)};
}

/* Reduce any 64-bit integer. */
struct td_kb td_kb_of_u64(uint64_t v);

/* a^e by square and multiply; 0^0 = 1.  At most 128 multiplications. */
struct td_kb td_kb_pow(struct td_kb a, uint64_t e);

/* 1/a by Fermat's little theorem.  The inverse of 0 is defined as 0, so that no input aborts;
 * a caller to whom zero means something else tests for it first. */
struct td_kb td_kb_inv(struct td_kb a);
