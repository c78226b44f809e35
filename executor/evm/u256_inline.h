/* The arithmetic of executor/u256.h as inline functions, for the interpreter's hot opcodes.
 *
 * 1. Two forms of one algorithm: 64-bit limbs where the compiler has a 128-bit product, 32-bit
 * limbs otherwise (the guest, and tests built with TD_PORTABLE_ONLY).
 * 2. Every result may overlay any operand. */
#pragma once

#include "base/core/memory.h"
#include "executor/u256.h"

#if defined(__SIZEOF_INT128__) && !defined(TD_PORTABLE_ONLY)
#define EXEC_U256_FAST 1
__extension__ typedef unsigned __int128 exec_dlimb;
typedef uint64_t exec_limb;
#define EXEC_LIMB_BITS 64u
#define EXEC_LIMBS 4u
#else
#define EXEC_U256_FAST 0
typedef uint64_t exec_dlimb;
typedef uint32_t exec_limb;
#define EXEC_LIMB_BITS 32u
#define EXEC_LIMBS 8u
#endif

static inline void exec_u256_limbs(exec_limb out[EXEC_LIMBS], const struct exec_u256 *a)
{
    for (unsigned i = 0; i < EXEC_LIMBS; i++)
        out[i] = (exec_limb)(a->w[i * EXEC_LIMB_BITS / 64u] >> (i * EXEC_LIMB_BITS % 64u));
}

static inline void exec_u256_of_limbs(struct exec_u256 *out, const exec_limb in[EXEC_LIMBS])
{
#if EXEC_U256_FAST
    for (unsigned i = 0; i < 4; i++)
        out->w[i] = in[i];
#else
    for (unsigned i = 0; i < 4; i++)
        out->w[i] = (uint64_t)in[2 * i] | (uint64_t)in[2 * i + 1] << 32;
#endif
}

/* *out = a + b + carry; returns the carry out (0 or 1). */
static inline unsigned char exec_limb_add(unsigned char carry, exec_limb a, exec_limb b,
                                          exec_limb *out)
{
#if EXEC_U256_FAST && defined(__x86_64__)
    unsigned long long r;
    unsigned char c = __builtin_ia32_addcarryx_u64(carry, a, b, &r);
    *out = r;
    return c;
#else
    exec_limb t = a + b;
    exec_limb r = t + carry;
    *out = r;
    return (unsigned char)((t < a) | (r < t));
#endif
}

static inline unsigned char exec_limb_sub(unsigned char borrow, exec_limb a, exec_limb b,
                                          exec_limb *out)
{
#if EXEC_U256_FAST && defined(__x86_64__)
    unsigned long long r;
#ifdef __clang__
    unsigned char c = __builtin_ia32_subborrow_u64(borrow, a, b, &r);
#else
    unsigned char c = __builtin_ia32_sbb_u64(borrow, a, b, &r);
#endif
    *out = r;
    return c;
#else
    exec_limb t = a - b;
    exec_limb r = t - borrow;
    *out = r;
    return (unsigned char)((a < b) | (t < borrow));
#endif
}

static inline bool exec_u256_inline_add(struct exec_u256 *out, const struct exec_u256 *a,
                                        const struct exec_u256 *b)
{
    exec_limb x[EXEC_LIMBS], y[EXEC_LIMBS];
    unsigned char carry = 0;
    exec_u256_limbs(x, a);
    exec_u256_limbs(y, b);
    for (unsigned i = 0; i < EXEC_LIMBS; i++)
        carry = exec_limb_add(carry, x[i], y[i], &x[i]);
    exec_u256_of_limbs(out, x);
    return carry != 0;
}

static inline bool exec_u256_inline_sub(struct exec_u256 *out, const struct exec_u256 *a,
                                        const struct exec_u256 *b)
{
    exec_limb x[EXEC_LIMBS], y[EXEC_LIMBS];
    unsigned char borrow = 0;
    exec_u256_limbs(x, a);
    exec_u256_limbs(y, b);
    for (unsigned i = 0; i < EXEC_LIMBS; i++)
        borrow = exec_limb_sub(borrow, x[i], y[i], &x[i]);
    exec_u256_of_limbs(out, x);
    return borrow != 0;
}

/* The low 256 bits of the product, row by row. */
static inline void exec_u256_inline_mul(struct exec_u256 *out, const struct exec_u256 *a,
                                        const struct exec_u256 *b)
{
    exec_limb x[EXEC_LIMBS], y[EXEC_LIMBS], r[EXEC_LIMBS] = {0};
    exec_u256_limbs(x, a);
    exec_u256_limbs(y, b);
    for (unsigned i = 0; i < EXEC_LIMBS; i++) {
        exec_limb carry = 0;
        if (!EXEC_U256_FAST && x[i] == 0) /* eight short limbs; most factors have two or three */
            continue;
        for (unsigned j = 0; i + j < EXEC_LIMBS; j++) {
            exec_dlimb t = (exec_dlimb)x[i] * y[j] + r[i + j] + carry;
            r[i + j] = (exec_limb)t;
            carry = (exec_limb)(t >> EXEC_LIMB_BITS);
        }
    }
    exec_u256_of_limbs(out, r);
}

static inline bool exec_u256_inline_lt(const struct exec_u256 *a, const struct exec_u256 *b)
{
    for (unsigned i = 3; i > 0; i--)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i];
    return a->w[0] < b->w[0];
}

static inline bool exec_u256_inline_slt(const struct exec_u256 *a, const struct exec_u256 *b)
{
    uint64_t sign_a = a->w[3] >> 63;
    uint64_t sign_b = b->w[3] >> 63;
    return sign_a != sign_b ? sign_a > sign_b : exec_u256_inline_lt(a, b);
}

/* Big-endian loads and stores at any address. */
static inline uint64_t exec_load_be64(const uint8_t *p)
{
#if defined(__x86_64__) || defined(__aarch64__)
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
#else
    uint32_t hi = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    uint32_t lo = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
    return (uint64_t)hi << 32 | lo;
#endif
}

static inline void exec_store_be64(uint8_t *p, uint64_t v)
{
#if defined(__x86_64__) || defined(__aarch64__)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, sizeof v);
#else
    uint32_t half[2] = {(uint32_t)(v >> 32), (uint32_t)v};
    for (unsigned i = 0; i < 2; i++) {
        p[4 * i] = (uint8_t)(half[i] >> 24);
        p[4 * i + 1] = (uint8_t)(half[i] >> 16);
        p[4 * i + 2] = (uint8_t)(half[i] >> 8);
        p[4 * i + 3] = (uint8_t)half[i];
    }
#endif
}

static inline void exec_u256_inline_from_be32(struct exec_u256 *out, const uint8_t p[32])
{
    out->w[3] = exec_load_be64(p);
    out->w[2] = exec_load_be64(p + 8);
    out->w[1] = exec_load_be64(p + 16);
    out->w[0] = exec_load_be64(p + 24);
}

static inline void exec_u256_inline_to_be32(uint8_t p[32], const struct exec_u256 *a)
{
    exec_store_be64(p, a->w[3]);
    exec_store_be64(p + 8, a->w[2]);
    exec_store_be64(p + 16, a->w[1]);
    exec_store_be64(p + 24, a->w[0]);
}
