/* The open batch: what L1 will be told about a run of blocks, accumulated block by block.
 * Source: settlement design, "What is hashed".
 *
 *     Batch{number,version,epoch,firstBlock,lastBlock,firstTime,lastTime,inboxFrom,inboxTo,l2TxCount:
 * u64; parent,preState,postState,lastBlockHash,inputs,inboxAcc,messages,imports,daOn,daOff:
 * bytes32} batchHash = keccak(abi.encode(TAG, l1ChainId, chainContract, chainId, Batch))
 *
 * 1. Every member is decided by the blocks and by what came before; nothing is free.
 * 2. `inputs` covers inputs only: inputs' = keccak(inputs | blockHash | payloadRoot | inboxTo), so
 * two batches with equal parent, inputs and imports but different hashes prove a bug.
 * 3. daOn = keccak of all bytes published for the batch in order (BATCH_DATA_VERSION, then each
 *    block's part), daOff the same for what goes to the committee; both hold a running keccak. */
#pragma once

#include "base/core/keccak.h"
#include "executor/chain.h"
#include "executor/messages.h"

#define EXEC_BATCH_VERSION 1u
#define EXEC_DATA_VERSION 1u

struct exec_batch {
    bool open; /* has at least one block */
    uint64_t number, epoch, first_block, last_block, first_time, last_time; /* times: seconds */
    uint64_t inbox_from, inbox_to, l2_tx_count;
    struct td_hash parent; /* batchHash of the batch before; genesis: zero */
    struct td_hash pre_state, post_state, last_block_hash, inputs, inbox_acc, imports;
    struct exec_messages messages;
    struct td_keccak on, off;
    uint64_t native_used, data_bytes; /* totals, for the batch bounds [P-9.5] */
};

/* Before genesis' first block: number 0, parent zero, and the state the chain begins with. */
void exec_batch_init(struct exec_batch *b, const struct exec_cursor *genesis);

/* First block of a batch: cursor is the state before it.  False, nothing changed, when that is not
 * the state the batch before ended in: a parent link alone would let a proof start anywhere. */
bool exec_batch_begin(struct exec_batch *b, const struct exec_cursor *before, uint64_t epoch,
                      uint64_t number, uint64_t time);

/* Import another chain's finalized message root: imports' = keccak(imports | chain | batch | root).
 */
void exec_batch_import(struct exec_batch *b, uint64_t chain_id, uint64_t batch,
                       const struct td_hash *root);

/* batchHash of the batch as it stands. */
void exec_batch_hash(struct td_hash *out, const struct exec_batch *b,
                     const struct exec_chain *chain);

/* Close, post_state being set: *out = batchHash, and `b` becomes the empty next batch with it as
 * parent. */
void exec_batch_end(struct td_hash *out, struct exec_batch *b, const struct exec_chain *chain);

/* Digest of everything in `b`: what one proof hands to the next in the middle of a batch. */
void exec_batch_digest(struct td_hash *out, const struct exec_batch *b);
