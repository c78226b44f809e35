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

/* Eight bytes, little-endian.  A machine without unaligned loads takes two words where it can. */
static inline uint64_t load_lane(const uint8_t *p)
{
#if defined(__riscv) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (((uintptr_t)p & 3u) == 0) {
        const uint32_t *w = (const uint32_t *)(const void *)p;
        return (uint64_t)w[0] | (uint64_t)w[1] << 32;
    }
#endif
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

static void xor_byte(struct td_keccak *k, uint32_t at, uint8_t v)
{
    k->s[at / 8u] ^= (uint64_t)v << (8u * (at % 8u));
}

void td_keccak_init(struct td_keccak *k)
{
    *k = (struct td_keccak){.fill_bytes = 0};
}

void td_keccak_update(struct td_keccak *k, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t fill = k->fill_bytes;

    while (len > 0) {
        if (len >= 8 && fill <= TD_KECCAK_RATE_BYTES - 8u) {
            xor_lane(k, fill, load_lane(p));
            fill += 8;
            p += 8;
            len -= 8;
        } else {
            xor_byte(k, fill, *p);
            fill++;
            p++;
            len--;
        }
        if (fill == TD_KECCAK_RATE_BYTES) {
            td_keccak_f(k->s);
            fill = 0;
        }
    }
    k->fill_bytes = fill;
}

void td_keccak_final(struct td_keccak *k, struct td_hash *out)
{
    /* Multi-rate padding 10*1 with the original domain bit; both may fall into one byte. */
    xor_byte(k, k->fill_bytes, 0x01);
    xor_byte(k, TD_KECCAK_RATE_BYTES - 1u, 0x80);
    td_keccak_f(k->s);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(out->b, k->s, TD_HASH_BYTES);
#else
    for (unsigned i = 0; i < TD_HASH_BYTES; i++)
        out->b[i] = (uint8_t)(k->s[i / 8u] >> (8u * (i % 8u)));
#endif
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
    td_keccak_init(&k);
    td_keccak_update(&k, data, len);
    td_keccak_final(&k, out);
}
