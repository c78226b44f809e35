/* The objects that calls take: a transaction that nobody signed, the state and the block as a call
 * is to see them. */
#pragma once

#include "node/rpc/params.h"

/* Recovering each costs 50 µs; a block's gas pays for 1,200. */
#define NODE_RPC_AUTHORIZATIONS_MAX 256u

/* Argument i as a call: lists and bytes in the worker's arena, authorities recovered.  False:
 * answered. */
bool node_rpc_param_tx(struct node_rpc_call *c, size_t i, struct exec_tx *out);

struct node_rpc_overrides {
    uint32_t count;
    struct exec_override *list; /* in the worker's arena */
};
/* Left out: none. */
bool node_rpc_param_overrides(struct node_rpc_call *c, size_t i, struct node_rpc_overrides *out);
/* Changes *env as the argument says.  *renumbered: block numbers and hashes are no longer the
 * chain's. */
bool node_rpc_param_block_overrides(struct node_rpc_call *c, size_t i, struct exec_block_env *env,
                                    bool *renumbered);
