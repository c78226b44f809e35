/* Random blocks for the miniature node: transfers, creations, calls of contracts that store, hash,
 * log, call on, create, destroy, revert and run random bytes; every transaction type, inbox
 * entries, and a share of everything that is invalid. */
#pragma once

#include "base/core/rng.h"
#include "tests/executor/block/chain.h"

struct random_blocks {
    struct chain *c;
    struct td_rng rng;
    uint64_t nonce[CHAIN_KEYS]; /* next to use within the block */
    uint64_t inbox_next;
};

/* A chain with funded keys and the contracts, at genesis. */
void random_blocks_init(struct random_blocks *r, uint64_t seed);
void random_blocks_free(struct random_blocks *r);
/* One block of 0 to 6 entries. */
void random_block(struct random_blocks *r);
