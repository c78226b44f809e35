/* Shared by the files of node/chain only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/host/pool.h"
#include "node/chain/chain.h"
#include "node/chain/record.h"

/* A question that was asked, and its answer. */
struct node_key {
    bool used, found;
    uint32_t parity;
    struct td_hash digest;
    uint8_t r[32], s[32], xy[64];
};

/* Keys that somebody recovered lately: two blocks of the greatest size, 6 MiB when full. */
#define NODE_KEY_WAYS 4u
#define NODE_KEY_SETS (2u * TD_TXS_PER_BLOCK_MAX / NODE_KEY_WAYS)
struct node_key_cache {
    pthread_mutex_t lock;
    struct node_key (*sets)[NODE_KEY_WAYS]; /* [NODE_KEY_SETS] */
    uint32_t turn;                          /* which way goes next */
};

/* Keys of the block at hand, in the order in which it will ask. */
struct node_recovered {
    struct node_key *keys; /* [cap] */
    uint32_t count, cap;
    uint32_t next; /* where the search for the next question begins */
    /* Those nobody recovered before: [cap] each. */
    uint32_t *asked;
    struct td_secp_signed *items;
    struct td_secp_signer *signers;
    uint32_t ask_count;
};

struct node_paranoid;

struct node_chain {
    const struct node_genesis *genesis;
    struct td_pool *pool;
    struct node_ledger ledger;
    pthread_rwlock_t lock; /* writer-preferring; for writing only while a block is kept */
    _Atomic uint64_t executed;
    struct node_recovered recovered;
    struct node_key_cache known;
    struct exec_recoverer recoverer;
    struct node_paranoid *paranoid; /* NULL: each block runs once */
    char differs[160];              /* what its second run said; empty: nothing */
    char why[240];                  /* of the exec thread's last error */
};

/* ---- second execution in the guest emulator: around node_ledger_execute_as */

TD_MUST_CHECK enum td_error node_paranoid_new(struct node_paranoid **out, const char *path,
                                              struct store_error *error);
void node_paranoid_free(struct node_paranoid *p);
TD_MUST_CHECK enum td_error node_paranoid_begin(struct node_chain *c);
/* TD_E_CORRUPT and c->differs: the guest came to something else. */
TD_MUST_CHECK enum td_error node_paranoid_check(struct node_chain *c);

/* ---- keys */

/* False without memory. */
bool node_key_cache_init(struct node_key_cache *k);
void node_key_cache_free(struct node_key_cache *k);

/* Find the keys that `entries` are signed with; what is left out is recovered when asked for.
 * TD_E_NOMEM, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_chain_recover(struct node_chain *c, const struct td_bytes *entries,
                                               uint32_t count);
/* struct exec_recoverer's, of the block at hand; self is the chain. */
bool node_chain_recovered(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                          const uint8_t r[32], const uint8_t s[32], uint32_t parity);
void node_recovered_free(struct node_recovered *r);

/* ---- changes */

/* All of a ledger's state, for an empty database. */
struct node_changes *node_changes_of_state(const struct node_ledger *l);
/* What the block last executed, and not kept yet, did.  NULL: no memory. */
struct node_changes *node_changes_of_block(const struct node_ledger *l,
                                           const struct node_record *record);
void node_changes_free(struct node_changes *c);
