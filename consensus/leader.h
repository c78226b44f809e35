/* Who leads which round.  [P-3.5, P-3.6]
 *
 * 1,024 slots are dealt by stride scheduling with release times, so every validator gets its share
 * of stake rounded down or up, then shuffled (Fisher-Yates from the top; block i of the stream is
 * keccak(seed ‖ u64 i), sixteen 16-bit words, words below 2^16 mod bound skipped) with the seed
 * keccak(hash of block last - 16 of the epoch before); leader(r) = slot r mod 1,024.
 *
 * Reputation acts only at epoch edges: a validator whose non-filler blocks fell far short of its
 * slots in the epoch just ended gets no slot in the next one; less than N/3 of stake may be shut
 * out, worst first, and nobody twice in a row. */
#pragma once

#include "consensus/validators.h"

struct bft_leaders {
    uint16_t slot[TD_LEADER_SLOTS];
};

/* Deal and shuffle.  excluded: bitmap of signers without slots; its weight must be below the set's
 * total (all excluded is a bug).  O(slots × n). */
void bft_leaders_init(struct bft_leaders *l, const struct bft_set *set,
                      const struct bft_bitmap *excluded, const struct td_hash *seed);

static inline uint16_t bft_leaders_at(const struct bft_leaders *l, uint64_t round)
{
    return l->slot[round % TD_LEADER_SLOTS];
}

/* Exclusions for the next epoch from this one's record: worst ratio of blocks to slots first (then
 * more slots, then the lower index); a candidate whose stake would bring the excluded weight to a
 * third of `next` is passed over and the following ones are still tried.  O(slots + n^2).
 *
 * produced      [set->count] non-filler final blocks proposed in the epoch
 * last_round    round of the block at height `last`
 * before        who is excluded in the epoch that ends: never excluded again at once
 * out           indices refer to `next`; members that left are dropped
 * A validator is a candidate if its slots among rounds 1..last_round number >= 8 and it produced
 * less than a quarter of the epoch's average per slot. */
void bft_reputation_exclude(struct bft_bitmap *out, const struct bft_set *next,
                            const struct bft_set *set, const struct bft_leaders *leaders,
                            const uint32_t *produced, uint64_t last_round,
                            const struct bft_bitmap *before);
