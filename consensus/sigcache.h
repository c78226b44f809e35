/* Cache of verified signatures, keyed by (digest, epoch, signer, signature, exact).  [P-1.3, P-1.4]
 *
 * Nodes assemble different signer subsets into certificates, so whole certificates rarely repeat
 * while their signatures do.  Direct-mapped two-way table in the caller's memory: a newer entry may
 * evict an older one, which costs a second verification and nothing else.  Only good signatures are
 * entered.  Slot choice mixes in a secret, so that peers cannot aim at one slot.
 *
 * Invariant: what was checked exactly answers both kinds of question, what was not answers only the
 * weaker one.  A signature has one entry; an exact check raises it, nothing lowers it. */
#pragma once

#include "consensus/verify.h"

struct bft_sigcache_entry {
    struct td_hash digest;
    struct td_sig sig;
    uint64_t epoch;
    uint16_t signer;
    bool exact; /* checked with its parity bit */
    uint8_t used;
};

struct bft_sigcache {
    struct bft_sigcache_entry *entry; /* [2 << log_sets], borrowed */
    uint32_t log_sets;
    uint64_t secret;
    uint64_t hits;
    uint64_t misses;
};

/* Bytes for 2^(log_sets + 1) entries. */
size_t bft_sigcache_footprint(uint32_t log_sets);

/* region: footprint bytes, 8-byte aligned, borrowed for the cache's life.  1 <= log_sets <= 20. */
void bft_sigcache_init(struct bft_sigcache *c, void *region, uint32_t log_sets, uint64_t secret);

/* Was `k` found good before, as exactly as it asks? */
bool bft_sigcache_has(struct bft_sigcache *c, const struct bft_sig_check *k);

/* `k` was found good, exactly if k->exact. */
void bft_sigcache_add(struct bft_sigcache *c, const struct bft_sig_check *k);
