/* A validator set and its thresholds.  [P-1.1, P-1.5]
 *
 * N = total stake, quorum Q = floor(2N/3) + 1, weak quorum A = floor(N/3) + 1.  Any two quorums
 * share more than N/3 of stake; any weak quorum holds one honest validator while less than a third
 * of stake is faulty.
 *
 * Invariants
 *  1. Entries are sorted by address, strictly ascending; a signer is an index into them.
 *  2. 1 <= count <= BFT_SIGNERS_MAX, every stake > 0, total < 2^62 (so 3N fits 64 bits). */
#pragma once

#include "base/core/error.h"
#include "consensus/types.h"

struct bft_validator {
    struct td_addr addr;
    struct td_pubkey key;
    uint64_t stake; /* scaled units, see genesis stakeUnit */
};

struct bft_set {
    uint64_t epoch;
    uint32_t count;
    struct td_hash hash; /* setHash = keccak(epoch ‖ entries)  [P-1.5] */
    uint64_t total;
    uint64_t quorum;
    uint64_t weak;
    struct bft_validator v[BFT_SIGNERS_MAX];
};

/* Build `set` for `epoch` from `count` entries in any order.
 *
 * Returns TD_E_RANGE if count is 0 or over `validators_max`, a stake is 0 or the total reaches
 * 2^62; TD_E_MALFORMED on a repeated address.  `set` is undefined on failure.  O(n log n). */
enum td_error bft_set_init(struct bft_set *set, uint64_t epoch, const struct bft_validator *entries,
                           uint32_t count, uint32_t validators_max) TD_MUST_CHECK;

/* The same members under another epoch (the hash changes).  `out` may be `set`. */
void bft_set_advance(struct bft_set *out, const struct bft_set *set, uint64_t epoch);

/* Index of `addr`, or BFT_NO_SIGNER.  O(log n). */
uint16_t bft_set_find(const struct bft_set *set, const struct td_addr *addr);

/* Stake of the signers in `m`; bits at or above `count` weigh nothing. */
uint64_t bft_set_weight(const struct bft_set *set, const struct bft_bitmap *m);

/* Encoding of a set's members, the preimage the registry publishes: u16 count, then entries of
 * address 20, key 33, stake 8 in ascending address order.  Without the epoch. */
#define BFT_SET_ENTRY_BYTES 61u
#define BFT_SET_BYTES_MAX (2u + BFT_SIGNERS_MAX * BFT_SET_ENTRY_BYTES)
/* Encode returns the size, or 0 if `cap` is too small.  Decode: as bft_set_init, TD_E_TRUNCATED,
 * and TD_E_MALFORMED for trailing bytes or entries out of order. */
size_t bft_set_encode(uint8_t *out, size_t cap, const struct bft_set *set);
enum td_error bft_set_decode(struct bft_set *out, uint64_t epoch, const uint8_t *buf, size_t len,
                             uint32_t validators_max) TD_MUST_CHECK;
/* keccak of bft_set_encode: what l1Origin.registrySetHash names. */
void bft_set_registry_hash(struct td_hash *out, const struct bft_set *set);
