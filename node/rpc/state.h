/* The newest executed state for a run that takes long: read under the chain's lock one value at a
 * time, so that no call keeps a block from being taken over; what changed meanwhile is noticed.
 *
 *     run ──slot?──▶ lock, same block as at the start? ──yes──▶ read, unlock
 *                                                     └──no──▶ TD_E_BUSY: once more from the start
 *
 * After NODE_RPC_STATE_TRIES the lock is held for the whole run instead, so that there is an end.
 */
#pragma once

#include "node/rpc/rpc_internal.h"

#define NODE_RPC_STATE_TRIES 3u

struct node_rpc_state {
    struct node_chain *chain;
    struct td_arena *arena; /* codes are copied into it */
    struct td_clock clock;
    uint64_t deadline_ns; /* of the clock: TD_E_LIMIT from then on */
    struct exec_cursor cursor;
    bool held;
};

/* Fills cursor; with `hold` the lock is taken until reset. */
void node_rpc_state_init(struct node_rpc_state *s, struct node_rpc_worker *w, bool hold,
                         uint64_t deadline_ns);
void node_rpc_state_reset(struct node_rpc_state *s);
/* Borrows *s. */
struct exec_reader node_rpc_state_reader(struct node_rpc_state *s);
