#include "base/core/keccak.h"

#include "base/core/keccak_x86.h"
#include "base/core/memory.h"

#ifndef TD_CHIPS /* a guest with chips has it as one call: executor/crypto/chips.c */
const uint64_t TD_KECCAK_ROUND_CONSTANTS[24] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082), UINT64_C(0x800000000000808A),
    UINT64_C(0x8000000080008000), UINT64_C(0x000000000000808B), UINT64_C(0x0000000080000001),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009), UINT64_C(0x000000000000008A),
    UINT64_C(0x0000000000000088), UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000A),
    UINT64_C(0x000000008000808B), UINT64_C(0x800000000000008B), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800A), UINT64_C(0x800000008000000A), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

#define ROTL(v, n) ((v) << (n) | (v) >> (64 - (n)))

/* One output row of rho, pi and chi.  Output lane (x, y) of pi comes from input lane
 * (x', y') = ((x + 3y) mod 5, x), rotated by that lane's rho offset; a_i names those five source
 * lanes and r_i their offsets.  Only row 0 has an unrotated lane, so it is written out below. */
#define ROW(out, b0, b1, b2, b3, b4)                                                               \
    do {                                                                                           \
        (out)[0] = (b0) ^ (~(b1) & (b2));                                                          \
        (out)[1] = (b1) ^ (~(b2) & (b3));                                                          \
        (out)[2] = (b2) ^ (~(b3) & (b4));                                                          \
        (out)[3] = (b3) ^ (~(b4) & (b0));                                                          \
        (out)[4] = (b4) ^ (~(b0) & (b1));                                                          \
    } while (0)

/* One round from `a` into `e`; indices are compile-time constants so that both arrays become
 * registers and stack slots without address arithmetic. */
static inline __attribute__((always_inline)) void
keccak_round(uint64_t *restrict e, const uint64_t *restrict a, uint64_t constant)
{
    uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    uint64_t d0 = c4 ^ ROTL(c1, 1);
    uint64_t d1 = c0 ^ ROTL(c2, 1);
    uint64_t d2 = c1 ^ ROTL(c3, 1);
    uint64_t d3 = c2 ^ ROTL(c4, 1);
    uint64_t d4 = c3 ^ ROTL(c0, 1);
    uint64_t b0, b1, b2, b3, b4;

    b0 = a[0] ^ d0;
    b1 = ROTL(a[6] ^ d1, 44);
    b2 = ROTL(a[12] ^ d2, 43);
    b3 = ROTL(a[18] ^ d3, 21);
    b4 = ROTL(a[24] ^ d4, 14);
    ROW(e, b0, b1, b2, b3, b4);
    e[0] ^= constant;

    b0 = ROTL(a[3] ^ d3, 28);
    b1 = ROTL(a[9] ^ d4, 20);
    b2 = ROTL(a[10] ^ d0, 3);
    b3 = ROTL(a[16] ^ d1, 45);
    b4 = ROTL(a[22] ^ d2, 61);
    ROW(e + 5, b0, b1, b2, b3, b4);

    b0 = ROTL(a[1] ^ d1, 1);
    b1 = ROTL(a[7] ^ d2, 6);
    b2 = ROTL(a[13] ^ d3, 25);
    b3 = ROTL(a[19] ^ d4, 8);
    b4 = ROTL(a[20] ^ d0, 18);
    ROW(e + 10, b0, b1, b2, b3, b4);

    b0 = ROTL(a[4] ^ d4, 27);
    b1 = ROTL(a[5] ^ d0, 36);
    b2 = ROTL(a[11] ^ d1, 10);
    b3 = ROTL(a[17] ^ d2, 15);
    b4 = ROTL(a[23] ^ d3, 56);
    ROW(e + 15, b0, b1, b2, b3, b4);

    b0 = ROTL(a[2] ^ d2, 62);
    b1 = ROTL(a[8] ^ d3, 55);
    b2 = ROTL(a[14] ^ d4, 39);
    b3 = ROTL(a[15] ^ d0, 41);
    b4 = ROTL(a[21] ^ d1, 2);
    ROW(e + 20, b0, b1, b2, b3, b4);
}

void td_keccak_f_portable(uint64_t s[25])
{
    uint64_t a[25];
    uint64_t e[25];
    memcpy(a, s, sizeof a);
    for (unsigned round = 0; round < 24; round += 2) {
        keccak_round(e, a, TD_KECCAK_ROUND_CONSTANTS[round]);
        keccak_round(a, e, TD_KECCAK_ROUND_CONSTANTS[round + 1]);
    }
    memcpy(s, a, sizeof a);
}

#if TD_KECCAK_X86
void td_keccak_f(uint64_t s[25])
{
    if (td_keccak_x86_has())
        td_keccak_f_x86(s);
    else
        td_keccak_f_portable(s);
}
#endif
#endif

static inline void xor_byte(struct td_keccak *k, uint32_t at, uint8_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    ((uint8_t *)k->s)[at] ^= v;
#else
    k->s[at / 8u] ^= (uint64_t)v << (8u * (at % 8u));
#endif
}

void td_keccak_init(struct td_keccak *k)
{
    for (uint32_t i = 0; i < 25; i += 5)
        memset(TD_WORDS_OF(k->s + i), 0, 5 * sizeof k->s[0]); /* stores and no call */
    k->fill_bytes = 0;
}

/* TD_KECCAK_WORDS: a test compiles the guest's way for this machine. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&                                                   \
    (defined(TD_KECCAK_WORDS) || (defined(__riscv) && __riscv_xlen == 32))

/* The guest: lanes in memory are the block's bytes, and what it pays for are instructions.  Whole
 * words, then, wherever data and block lie with respect to each other. */
typedef uint32_t __attribute__((may_alias)) word;

static inline void xor_words(word *to, const word *from, uint32_t words)
{
    for (; words >= 8; words -= 8, to += 8, from += 8) {
        to[0] ^= from[0];
        to[1] ^= from[1];
        to[2] ^= from[2];
        to[3] ^= from[3];
        to[4] ^= from[4];
        to[5] ^= from[5];
        to[6] ^= from[6];
        to[7] ^= from[7];
    }
    for (; words > 0; words--)
        *to++ ^= *from++;
}

/* The same from a source `skew` = 1..3 bytes past `from`; reads the words that hold its bytes and
 * no others.  Apart, because it needs more registers than the other way has to save. */
static __attribute__((noinline)) void xor_skewed(word *to, const word *from, uint32_t words,
                                                 uint32_t skew)
{
    uint32_t down = 8u * skew, up = 32u - down;
    word low = *from++;
    for (; words >= 4; words -= 4, to += 4, from += 4) {
        word a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] ^= low >> down | a << up;
        to[1] ^= a >> down | b << up;
        to[2] ^= b >> down | c << up;
        to[3] ^= c >> down | d << up;
        low = d;
    }
    for (; words > 0; words--) {
        word high = *from++;
        *to++ ^= low >> down | high << up;
        low = high;
    }
}

/* `len` bytes of a source on a word, to `at` = 1..3 bytes past the word `to`. */
static __attribute__((noinline)) void xor_shifted(word *to, const word *from, uint32_t len,
                                                  uint32_t at)
{
    uint32_t up = 8u * at, down = 32u - up;
    word low = 0;
    for (; len >= 16; len -= 16, to += 4, from += 4) {
        word a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] ^= low >> down | a << up;
        to[1] ^= a >> down | b << up;
        to[2] ^= b >> down | c << up;
        to[3] ^= c >> down | d << up;
        low = d;
    }
    for (; len >= 4; len -= 4, from++) {
        word high = *from;
        *to++ ^= low >> down | high << up;
        low = high;
    }
    word high = len == 0 ? 0 : *from & ((1u << (8u * len)) - 1u);
    *to++ ^= low >> down | high << up;
    if (len + at > 4)
        *to ^= high >> down;
}

/* `len` bytes, which fit, into the block from byte `at` on. */
static void xor_bytes(struct td_keccak *k, uint32_t at, const uint8_t *p, uint32_t len)
{
    uint8_t *to = (uint8_t *)k->s + at;
    if (len >= 8 && (at & 3u) != 0 && ((uintptr_t)p & 3u) == 0) {
        xor_shifted((word *)(void *)(to - (at & 3u)), (const word *)(const void *)p, len, at & 3u);
        return;
    }
    for (; len > 0 && ((uintptr_t)to & 3u) != 0; len--)
        *to++ ^= *p++;
    uint32_t words = len / 4u, skew = (uint32_t)((uintptr_t)p & 3u);
    if (skew == 0)
        xor_words((word *)(void *)to, (const word *)(const void *)p, words);
    else if (words > 0)
        xor_skewed((word *)(void *)to, (const word *)(const void *)(p - skew), words, skew);
    to += 4u * words;
    p += 4u * words;
    for (len &= 3u; len > 0; len--)
        *to++ ^= *p++;
}

#else

/* Eight bytes, little-endian. */
static inline uint64_t load_lane(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* A lane's worth of bytes at any offset that leaves them in the block. */
static inline void xor_lane(struct td_keccak *k, uint32_t at, uint64_t v)
{
    uint32_t shift = 8u * (at % 8u);
    uint64_t *lane = &k->s[at / 8u];
    if (shift == 0) {
        lane[0] ^= v;
        return;
    }
    lane[0] ^= v << shift;
    lane[1] ^= v >> (64u - shift);
}

/* `len` bytes, which fit, into the block from byte `at` on. */
static inline void xor_bytes(struct td_keccak *k, uint32_t at, const uint8_t *p, uint32_t len)
{
    for (; len >= 8; len -= 8, at += 8, p += 8)
        xor_lane(k, at, load_lane(p));
    for (; len > 0; len--)
        xor_byte(k, at++, *p++);
}

#endif

void td_keccak_update(struct td_keccak *k, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t fill = k->fill_bytes;

    while (len > 0) {
        uint32_t room = TD_KECCAK_RATE_BYTES - fill;
        uint32_t take = len < room ? (uint32_t)len : room;
        xor_bytes(k, fill, p, take);
        fill += take;
        p += take;
        len -= take;
        if (fill == TD_KECCAK_RATE_BYTES) {
            td_keccak_f(k->s);
            fill = 0;
        }
    }
    k->fill_bytes = fill;
}

static void squeeze(struct td_keccak *k, struct td_hash *out)
{
    td_keccak_f(k->s);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(TD_WORDS_OF(out->b), TD_WORDS_OF(k->s), TD_HASH_BYTES);
#else
    for (unsigned i = 0; i < TD_HASH_BYTES; i++)
        out->b[i] = (uint8_t)(k->s[i / 8u] >> (8u * (i % 8u)));
#endif
}

void td_keccak_final(struct td_keccak *k, struct td_hash *out)
{
    /* Multi-rate padding 10*1 with the original domain bit; both may fall into one byte. */
    xor_byte(k, k->fill_bytes, 0x01);
    xor_byte(k, TD_KECCAK_RATE_BYTES - 1u, 0x80);
    squeeze(k, out);
}

void td_keccak256(struct td_hash *out, const void *data, size_t len)
{
#if TD_KECCAK_X86
    if (len == 64 && td_keccak_x86_has()) {
        td_keccak_64_x86(out->b, data);
        return;
    }
#endif
    struct td_keccak k;
    if (len < TD_KECCAK_RATE_BYTES) {
        td_keccak_start(&k, data, (uint32_t)len);
    } else {
        td_keccak_init(&k);
        td_keccak_update(&k, data, len);
    }
    td_keccak_final(&k, out);
}
