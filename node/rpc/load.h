/* Stored blocks for a call: found by what its arguments named, read through the worker's own
 * connection into its arena.  Users see nothing above heads.latest. */
#pragma once

#include "node/rpc/params.h"

/* Height of the block named; TD_E_NOTFOUND: there is none (not answered).  Anything else but TD_OK
 * is answered. */
TD_MUST_CHECK enum td_error node_rpc_height(struct node_rpc_call *c,
                                            const struct node_rpc_block_ref *ref, uint64_t *height);
/* The same for what it holds. */
TD_MUST_CHECK enum td_error node_rpc_load(struct node_rpc_call *c, uint64_t height, bool payload,
                                          bool receipts, struct node_block *out);
TD_MUST_CHECK enum td_error node_rpc_load_ref(struct node_rpc_call *c,
                                              const struct node_rpc_block_ref *ref, bool payload,
                                              bool receipts, struct node_block *out);

/* Where a transaction with receipt is: *block with payload and receipts, its receipt in it.
 * TD_E_NOTFOUND also for one that was ordered but invalid. */
TD_MUST_CHECK enum td_error node_rpc_find_tx(struct node_rpc_call *c, const struct td_hash *hash,
                                             struct node_block *block,
                                             const struct node_receipt **receipt);

/* ---- state: as of the newest executed block */

/* Is that the state `ref` names?  False: answered. */
bool node_rpc_is_newest(struct node_rpc_call *c, const struct node_rpc_block_ref *ref);
