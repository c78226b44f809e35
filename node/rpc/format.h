/* Ethereum's JSON forms of what the chain stores.  Fields are those of the execution API
 * specification; what Tandem adds stands under "tandem". */
#pragma once

#include "node/rpc/rpc_internal.h"

/* keccak of an empty list of uncles; the root of a trie with nothing in it. */
extern const struct td_hash NODE_RPC_NO_UNCLES, NODE_RPC_EMPTY_TRIE;

/* Where a transaction was executed. */
struct node_rpc_site {
    const struct td_hash *block_hash;
    uint64_t height;
    const struct exec_u256 *base_fee;
};

/* A transaction of a block or of the pool (site and receipt NULL), sender filled. */
void node_rpc_put_tx(struct node_text *t, const struct exec_tx *tx,
                     const struct node_rpc_site *site, const struct node_receipt *receipt);
void node_rpc_put_receipt(struct node_text *t, const struct exec_tx *tx,
                          const struct node_rpc_site *site, const struct node_receipt *receipt);
void node_rpc_put_log(struct node_text *t, const struct node_rpc_site *site,
                      const struct node_receipt *receipt, uint32_t log);

/* What newHeads sends.  `block` with receipts. */
void node_rpc_put_head(struct node_text *t, const struct node_genesis *g,
                       const struct node_block *block);
/* `full`: transactions whole instead of their hashes; `block` then with payload, too.  Errors:
 * TD_E_CORRUPT, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_rpc_put_block(struct node_text *t, const struct node_genesis *g,
                                               const struct node_block *block, bool full,
                                               struct td_arena *arena);
/* The block after `block` (with receipts), were it made now: no transactions, no hash. */
void node_rpc_put_pending(struct node_text *t, const struct node_genesis *g,
                          const struct node_block *block, const struct exec_u256 *base_fee,
                          uint64_t now_ms);

/* The transaction that `receipt` is of, decoded, sender from the receipt; `block` with payload.
 * TD_E_CORRUPT, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_rpc_block_tx(struct exec_tx *out, const struct node_genesis *g,
                                              const struct node_block *block,
                                              const struct node_receipt *receipt,
                                              struct td_arena *arena);
/* What one unit of gas cost. */
void node_rpc_gas_price(struct exec_u256 *out, const struct exec_tx *tx,
                        const struct exec_u256 *base_fee);
struct node_rpc_site node_rpc_site_of(const struct node_block *block);

void node_rpc_bloom(struct exec_bloom *out, const struct node_receipt *receipts, uint32_t count);
