/* Receipts as Ethereum hashes them: what the receipts trie holds and what eth_getLogs searches.
 *
 *     [type]  rlp([status, cumulativeGas, bloom(256 bytes), logs])      (EIP-658, EIP-2718)
 *     log  =  [address, [topic, ...], data]
 *
 * Bloom: each address and topic sets three of 2,048 bits, numbered by the first three pairs of
 * bytes of its keccak (Yellow Paper, 4.3.1). */
#pragma once

#include "base/core/codec.h"
#include "executor/tx.h"

#define EXEC_BLOOM_BYTES 256u

struct exec_bloom {
    uint8_t b[EXEC_BLOOM_BYTES]; /* bit 0 is the lowest of the last byte */
};

/* Add what `log` names; start from an all-zero filter.  Up to five keccaks. */
void exec_bloom_add(struct exec_bloom *bloom, const struct exec_log *log);

/* May a log of this filter name these bytes (an address or a topic)?  False is certain. */
bool exec_bloom_has(const struct exec_bloom *bloom, struct td_bytes name);

/* Append the receipt, cumulative_gas filled, type byte included (none for legacy).  The writer's
 * sticky error says when there was no room. */
void exec_receipt_encode(struct td_writer *w, const struct exec_receipt *r);

/* Bytes exec_receipt_encode will append. */
size_t exec_receipt_size(const struct exec_receipt *r);

/* keccak256(rlp(logs)), streamed: needs no buffer.  logs may be NULL when count is 0. */
void exec_logs_hash(struct td_hash *out, const struct exec_log *logs, uint32_t count);
