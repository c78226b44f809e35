/* Shared by the files of node/chain only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/host/pool.h"
#include "node/chain/chain.h"
#include "node/chain/record.h"

/* Keys recovered before a block runs, in the order in which it will ask. */
struct node_recovered {
    struct td_secp_signed *items;   /* [cap] */
    struct td_secp_signer *signers; /* [cap] */
    uint32_t count, cap;
    uint32_t next; /* where the search for the next question begins */
};

struct node_chain {
    const struct node_genesis *genesis;
    struct td_pool *pool;
    struct node_ledger ledger;
    pthread_rwlock_t lock; /* writer-preferring; for writing only while a block is kept */
    _Atomic uint64_t executed;
    struct node_recovered recovered;
    struct exec_recoverer recoverer;
    char why[200]; /* of the exec thread's last error */
};

/* Recover what `entries` are signed with into c->recovered; what is not there is recovered when
 * asked for.  TD_E_NOMEM. */
TD_MUST_CHECK enum td_error node_chain_recover(struct node_chain *c, const struct td_bytes *entries,
                                               uint32_t count);
/* struct exec_recoverer's; self is the chain. */
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
