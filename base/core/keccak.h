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

/* Fill *out with the digest.  `k` must be initialised again before further use. */
void td_keccak_final(struct td_keccak *k, struct td_hash *out);

/* One-shot form: *out = keccak256(data[0 .. len)).  `out` may overlap data. */
void td_keccak256(struct td_hash *out, const void *data, size_t len);
