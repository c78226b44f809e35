/* What the JSON-RPC methods need of a running node.  The node fills it; tests fill it with a chain
 * of their own.
 *
 * Threads: methods run on RPC worker threads, each with its own reader and arenas.  Functions
 * marked [loop] must be called on the loop's thread (the dispatcher does: they are quick); all
 * others are safe from any thread. */
#pragma once

#include "base/host/clock.h"
#include "node/chain/chain.h"
#include "node/mempool/mempool.h"

/* Where a height stands with users: latest = final by quorum and executed here; safe and finalized
 * need L1 (0 until then: genesis). */
struct node_rpc_heads {
    uint64_t latest, safe, finalized;
};

struct node_rpc_peer_count {
    uint32_t in, out;
};

struct node_rpc_status {
    struct bft_view view;
    uint64_t highest_known; /* of any peer */
    uint64_t head_age_ms;
    struct node_rpc_peer_count peers;
    bool syncing;
    const char *name;
};

struct node_rpc_validator {
    struct td_addr addr;
    uint64_t stake;
    bool online, self;
    uint64_t last_vote_round;
    uint64_t rtt_ns;
};

struct node_rpc_backend {
    void *self;
    const struct node_genesis *genesis;
    struct node_chain *chain;
    const char *database; /* path, for readers */
    const struct td_secp *secp;
    struct td_clock clock;
    struct node_rpc_heads (*heads)(void *self);
    /* [loop] */
    struct node_mempool *(*mempool)(void *self);
    /* [loop] Hand in a raw transaction that was decoded and recovered; gossips it when it is new.
     */
    enum node_mempool_verdict (*submit)(void *self, const struct exec_tx *tx, struct td_bytes raw);
    /* [loop] */
    void (*status)(void *self, struct node_rpc_status *out);
    /* [loop] Fills out[cap], returns how many there are. */
    uint32_t (*validators)(void *self, struct node_rpc_validator *out, uint32_t cap);
};
