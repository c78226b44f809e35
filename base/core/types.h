/* Values every module exchanges: hashes, addresses, signatures, byte views and wei.
 *
 * 1. Each kind is its own struct, so that the compiler refuses to mix them.
 * 2. All byte arrays are in wire order (big-endian numbers, as Ethereum prints them); the only
 *    little-endian thing is the limb order inside struct td_wei.
 * 3. Comparisons here are not constant-time: none of these types holds a secret. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/memory.h"

#define TD_HASH_BYTES 32u
#define TD_ADDR_BYTES 20u
#define TD_SIG_BYTES 64u
#define TD_PUBKEY_BYTES 33u
#define TD_WEI_BYTES 32u

/* The guest's machine loads and stores aligned words only: there hashes and addresses lie on words,
 * and copying or comparing one is a few instructions and no call.  Elsewhere they lie anywhere. */
#if defined(__riscv) && __riscv_xlen == 32
#define TD_ON_WORDS _Alignas(4)
#define TD_WORDS_OF(p) __builtin_assume_aligned((p), 4)
#else
#define TD_ON_WORDS
#define TD_WORDS_OF(p) (p)
#endif

/* A Keccak-256 digest, or any other 32-byte word that is compared as one. */
struct td_hash {
    TD_ON_WORDS uint8_t b[TD_HASH_BYTES];
};

/* An Ethereum account address: the last 20 bytes of keccak(uncompressed public key). */
struct td_addr {
    TD_ON_WORDS uint8_t b[TD_ADDR_BYTES];
};

/* ERC-2098 compact signature: r (32 bytes) followed by yParity << 255 | s, with s <= n/2. */
struct td_sig {
    uint8_t b[TD_SIG_BYTES];
};

/* SEC 1 compressed secp256k1 point: 0x02 or 0x03, then x. */
struct td_pubkey {
    uint8_t b[TD_PUBKEY_BYTES];
};

/* A borrowed view.  Valid during the call that passes it unless a contract says otherwise;
 * ptr may be NULL only when len is 0. */
struct td_bytes {
    const uint8_t *ptr;
    size_t len;
};

/* An amount in wei, 0 .. 2^256 - 1.  limb[0] is the least significant 64 bits. */
struct td_wei {
    uint64_t limb[4];
};

/* ---- comparisons: eq says same bytes; cmp is <0, 0, >0 in lexicographic (= numeric) order */

static inline bool td_hash_eq(const struct td_hash *a, const struct td_hash *b)
{
#if defined(__riscv) && __riscv_xlen == 32
    typedef uint32_t __attribute__((may_alias)) word;
    const word *x = (const word *)(const void *)a->b, *y = (const word *)(const void *)b->b;
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
            (x[5] ^ y[5]) | (x[6] ^ y[6]) | (x[7] ^ y[7])) == 0;
#else
    return memcmp(a->b, b->b, TD_HASH_BYTES) == 0;
#endif
}

static inline int td_hash_cmp(const struct td_hash *a, const struct td_hash *b)
{
    return memcmp(a->b, b->b, TD_HASH_BYTES);
}

static inline bool td_hash_is_zero(const struct td_hash *a)
{
    const struct td_hash zero = {{0}};
    return td_hash_eq(a, &zero);
}

static inline bool td_addr_eq(const struct td_addr *a, const struct td_addr *b)
{
    return memcmp(a->b, b->b, TD_ADDR_BYTES) == 0;
}

static inline int td_addr_cmp(const struct td_addr *a, const struct td_addr *b)
{
    return memcmp(a->b, b->b, TD_ADDR_BYTES);
}

static inline bool td_addr_is_zero(const struct td_addr *a)
{
    uint8_t any = 0;
    for (size_t i = 0; i < TD_ADDR_BYTES; i++)
        any |= a->b[i];
    return any == 0;
}

static inline bool td_sig_eq(const struct td_sig *a, const struct td_sig *b)
{
    return memcmp(a->b, b->b, TD_SIG_BYTES) == 0;
}

static inline bool td_pubkey_eq(const struct td_pubkey *a, const struct td_pubkey *b)
{
    return memcmp(a->b, b->b, TD_PUBKEY_BYTES) == 0;
}

/* ---- views */

/* View `len` bytes at `ptr`; borrows them. */
static inline struct td_bytes td_bytes_of(const void *ptr, size_t len)
{
    return (struct td_bytes){.ptr = ptr, .len = len};
}

/* View a NUL-terminated string without its terminator; borrows it. */
static inline struct td_bytes td_bytes_of_text(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0')
        len++;
    return td_bytes_of(text, len);
}

/* Same length and same bytes. */
static inline bool td_bytes_eq(struct td_bytes a, struct td_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The part [offset, offset + len) of `whole`; fills *out with the empty view and returns
 * TD_E_TRUNCATED when `whole` is shorter. */
static inline TD_MUST_CHECK enum td_error td_bytes_sub(struct td_bytes *out, struct td_bytes whole,
                                                       size_t offset, size_t len)
{
    *out = (struct td_bytes){.ptr = NULL, .len = 0};
    if (offset > whole.len || len > whole.len - offset)
        return TD_E_TRUNCATED;
    if (len > 0)
        *out = td_bytes_of(whole.ptr + offset, len);
    return TD_OK;
}

/* ---- wei: exact 256-bit arithmetic, never wrapping silently (types.c) */

static inline struct td_wei td_wei_of_u64(uint64_t v)
{
    return (struct td_wei){.limb = {v, 0, 0, 0}};
}

static inline bool td_wei_is_zero(const struct td_wei *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* True when the value fits a uint64; then limb[0] is the value. */
static inline bool td_wei_is_u64(const struct td_wei *a)
{
    return (a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* <0, 0, >0 in numeric order. */
int td_wei_cmp(const struct td_wei *a, const struct td_wei *b);

/* *out = a + b.  TD_E_RANGE when the sum needs more than 256 bits; *out then holds the sum
 * modulo 2^256.  `out` may be a or b. */
TD_MUST_CHECK enum td_error td_wei_add(struct td_wei *out, const struct td_wei *a,
                                       const struct td_wei *b);

/* *out = a - b.  TD_E_RANGE when b > a; *out then holds the difference modulo 2^256. */
TD_MUST_CHECK enum td_error td_wei_sub(struct td_wei *out, const struct td_wei *a,
                                       const struct td_wei *b);

/* *out = a * m + c, the step of a decimal parser and of fee arithmetic.  TD_E_RANGE when it
 * needs more than 256 bits; *out then holds it modulo 2^256.  `out` may be a. */
TD_MUST_CHECK enum td_error td_wei_mul_u64(struct td_wei *out, const struct td_wei *a, uint64_t m,
                                           uint64_t c);

/* Divide *a in place by d (>= 1: a zero divisor is a bug) and return the remainder. */
uint32_t td_wei_div_u32(struct td_wei *a, uint32_t d);

/* Big-endian 32-byte form, as the EVM, RLP words and EIP-712 use it. */
void td_wei_encode(uint8_t out[TD_WEI_BYTES], const struct td_wei *a);
void td_wei_decode(struct td_wei *out, const uint8_t in[TD_WEI_BYTES]);
