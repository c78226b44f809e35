/* 256-bit unsigned integers as the EVM has them: arithmetic wraps modulo 2^256.
 *
 * 1. w[0] is the least significant 64 bits; in memory on a little-endian machine it is one
 *    32-byte little-endian number, which is how the 32-bit guest works on it.
 * 2. Nothing here fails: what Ethereum defines for zero divisors and large shifts is the result.
 * 3. No division instruction is needed on the guest (rv32im without div). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exec_u256 {
    uint64_t w[4];
};

static inline struct exec_u256 exec_u256_of(uint64_t v)
{
    return (struct exec_u256){{v, 0, 0, 0}};
}

static inline bool exec_u256_is_zero(const struct exec_u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

static inline bool exec_u256_eq(const struct exec_u256 *a, const struct exec_u256 *b)
{
    return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
            (a->w[3] ^ b->w[3])) == 0;
}

/* Does it fit 64 bits? */
static inline bool exec_u256_is_u64(const struct exec_u256 *a)
{
    return (a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* The value, or UINT64_MAX when it does not fit. */
static inline uint64_t exec_u256_u64_or_max(const struct exec_u256 *a)
{
    return exec_u256_is_u64(a) ? a->w[0] : UINT64_MAX;
}

/* <0, 0, >0, unsigned and two's complement. */
int exec_u256_cmp(const struct exec_u256 *a, const struct exec_u256 *b);
int exec_u256_scmp(const struct exec_u256 *a, const struct exec_u256 *b);

/* out may be a or b everywhere below.  add returns the carry, sub the borrow, mul_checked whether
 * the product exceeded 2^256 - 1 (out holds the low part either way). */
bool exec_u256_add(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
bool exec_u256_sub(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
void exec_u256_mul(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
bool exec_u256_mul_checked(struct exec_u256 *out, const struct exec_u256 *a,
                           const struct exec_u256 *b);

/* x / 0 = x % 0 = 0; sdiv(-2^255, -1) = -2^255; smod takes the dividend's sign. */
void exec_u256_div(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
void exec_u256_mod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
void exec_u256_sdiv(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
void exec_u256_smod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
/* Over the full 257- or 512-bit intermediate; 0 when m is 0. */
void exec_u256_addmod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b,
                      const struct exec_u256 *m);
void exec_u256_mulmod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b,
                      const struct exec_u256 *m);
void exec_u256_exp(struct exec_u256 *out, const struct exec_u256 *base,
                   const struct exec_u256 *exponent);
/* Significant bytes, 0..32 (EXP's gas). */
uint32_t exec_u256_byte_length(const struct exec_u256 *a);
void exec_u256_sign_extend(struct exec_u256 *out, const struct exec_u256 *byte_index,
                           const struct exec_u256 *a);
/* Shifts by 256 and more give 0 (sar: the sign everywhere). */
void exec_u256_shl(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits);
void exec_u256_shr(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits);
void exec_u256_sar(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits);

/* Big-endian bytes, as everything outside writes them; `len` <= 32. */
void exec_u256_from_be(struct exec_u256 *out, const uint8_t *bytes, size_t len);
void exec_u256_to_be(uint8_t out[32], const struct exec_u256 *a);
