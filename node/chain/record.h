/* What the chain database's bytes mean: one codec per kind of row.  Big-endian throughout; the rows
 * that may change with the program begin with a version.  A row that is not exactly one encoding is
 * TD_E_CORRUPT: these bytes were written here.
 *
 *     account   nonce 8 | balance 32 | code hash 32 | code bytes 4 | flags 1 (1 da_off, 2 storage)
 *     leaf      key 36 | value 36 | next 36, nine u32 each
 *     state     version 1 | originTs 8 | batchTs 8 | batchCount 4
 *     record    version 1 | height 8 | block, state, receipts, messages, da, priority 6 * 32 |
 *               gasUsed 8 | batch hash 32 | batch native 8 | batch bytes 8 | native used 8 |
 *               base fee 32 | entries 4 | with receipt 4
 *     receipts  version 1 | count 4 | per receipt: payload index 4 | hash 32 | type 1 | success 1 |
 *               status 1 | gas, native, bytes 3 * 8 | sender 20 | created 20 | logs 4 | per log:
 *               address 20 | topics 1 | each 32 | data bytes 4 | data
 *     cursor    version 1 | every member of struct exec_cursor, then of struct exec_batch, in order
 *
 * Skipped transactions have no receipt; so what eth_ calls transactionIndex and logIndex counts
 * those that have one. */
#pragma once

#include "node/chain/chain.h"

#define NODE_RECORD_VERSION 1u

#define NODE_ACCOUNT_BYTES 77u
#define NODE_LEAF_BYTES 108u
#define NODE_STATE_BYTES 21u
#define NODE_RECORD_BYTES 305u
#define NODE_CURSOR_BYTES 1446u
#define NODE_RECEIPT_BYTES_MIN 107u /* without logs */
#define NODE_LOG_BYTES_MIN 25u      /* without topics and data */

/* Beside what consensus wants to know of an executed block. */
struct node_record {
    struct bft_executed core;
    uint64_t native_used;
    struct exec_u256 base_fee;
    uint32_t payload_count, receipt_count;
};

void node_account_encode(uint8_t out[NODE_ACCOUNT_BYTES], const struct exec_account *a);
TD_MUST_CHECK enum td_error node_account_decode(struct exec_account *out, struct td_bytes bytes);

void node_leaf_encode(uint8_t out[NODE_LEAF_BYTES], const struct exec_tree_leaf *leaf);
/* Words are not looked at: exec_tree_memory_load does. */
TD_MUST_CHECK enum td_error node_leaf_decode(struct exec_tree_leaf *out, struct td_bytes bytes);

/* What the shell puts beside a final block (store_chain_put_block's `state`). */
void node_chain_state_encode(uint8_t out[NODE_STATE_BYTES], const struct bft_chain_state *s);
TD_MUST_CHECK enum td_error node_chain_state_decode(struct bft_chain_state *out,
                                                    struct td_bytes bytes);

void node_record_encode(uint8_t out[NODE_RECORD_BYTES], const struct node_record *r);
TD_MUST_CHECK enum td_error node_record_decode(struct node_record *out, struct td_bytes bytes);

void node_cursor_encode(uint8_t out[NODE_CURSOR_BYTES], const struct exec_cursor *c,
                        const struct exec_batch *b);
TD_MUST_CHECK enum td_error node_cursor_decode(struct exec_cursor *c, struct exec_batch *b,
                                               struct td_bytes bytes);

/* Of the transactions of a result that have one. */
size_t node_receipts_bytes(const struct exec_result *r, uint32_t payload_count);
void node_receipts_encode(uint8_t *out, const struct exec_result *r, uint32_t payload_count);
/* Views and arrays in the arena, data in `bytes`.  TD_E_CORRUPT, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_receipts_decode(const struct node_receipt **out, uint32_t *count,
                                                 struct td_bytes bytes, struct td_arena *arena);
