/* Keccak-256 as Ethereum uses it: keccak[c = 512] with the original 0x01 padding, not SHA3-256.
 * Source: the Keccak reference, version 3.0 (Bertoni, Daemen, Peeters, Van Assche, 2011).
 *
 *     init -> update* -> final
 *
 * 1. The state is 25 lanes of 64 bits, lane (x, y) at index x + 5y; bytes enter little-endian.
 * 2. Not constant-time hardened and not wiped: no secret passes through it here. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"

#define TD_KECCAK_RATE_BYTES 136u /* 1600 / 8 - 2 * 32 */

struct td_keccak {
    uint64_t s[25];
    uint32_t fill_bytes; /* bytes absorbed into the current block, < TD_KECCAK_RATE_BYTES */
};

/* The permutation keccak-f[1600], 24 rounds, in place. */
void td_keccak_f(uint64_t s[25]);

void td_keccak_init(struct td_keccak *k);

/* Absorb `len` bytes; any split of the input gives the same digest.  data may be NULL when
 * len is 0. */
void td_keccak_update(struct td_keccak *k, const void *data, size_t len);

/* Both at once for the first len < TD_KECCAK_RATE_BYTES bytes, which nothing has to be added to. */
static inline void td_keccak_start(struct td_keccak *k, const void *data, uint32_t len)
{
    td_keccak_init(k);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (len > 0)
        memcpy(TD_WORDS_OF(k->s), data, len);
    k->fill_bytes = len;
#else
    td_keccak_update(k, data, len);
#endif
}

/* 32-byte word i = 0 .. 3 of an input whose words are set in order after init, all of them in one
 * block: a copy where update would add.  A number is set as ABI has it, big-endian. */
static inline void td_keccak_set_hash(struct td_keccak *k, uint32_t i, const struct td_hash *h)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(TD_WORDS_OF(k->s + 4u * i), TD_WORDS_OF(h->b), TD_HASH_BYTES);
    k->fill_bytes = TD_HASH_BYTES * (i + 1u);
#else
    (void)i;
    td_keccak_update(k, h->b, TD_HASH_BYTES);
#endif
}

static inline void td_keccak_set_u64(struct td_keccak *k, uint32_t i, uint64_t v)
{
    struct td_hash word = {{0}};
    uint32_t high = (uint32_t)(v >> 32), low = (uint32_t)v;
    for (uint32_t b = 0; b < 4; b++) {
        word.b[24u + b] = (uint8_t)(high >> (24u - 8u * b));
        word.b[28u + b] = (uint8_t)(low >> (24u - 8u * b));
    }
    td_keccak_set_hash(k, i, &word);
}

/* Fill *out with the digest.  `k` must be initialised again before further use. */
void td_keccak_final(struct td_keccak *k, struct td_hash *out);

/* One-shot form: *out = keccak256(data[0 .. len)).  `out` may overlap data. */
void td_keccak256(struct td_hash *out, const void *data, size_t len);
