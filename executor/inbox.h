/* The L1-to-L2 inbox: priority operations in L1's order, each bound by a running hash.
 *
 *     op  = keccak(TYPEHASH, chainId, index, kind, sender, to, value, gasLimit, keccak(data),
 * l1Block) acc' = keccak(acc | op)
 *
 * Payload form: 0x7e | u64 index | u8 kind | sender 20 | to 20 | value 32 | u64 gasLimit |
 * u64 l1Block | data, integers big-endian; its transaction hash is op.  The payload root names it
 * by keccak of these bytes as it does every entry [P-2.3]: the bytes that op is a hash of could
 * come along as a transaction.
 *
 * kind 0  deposit or call: value is minted at `sender` (aliased by L1), then a call of `to`
 * kind 1  a raw signed L2 transaction in data, with its own nonce; anything invalid is a no-op.
 *         value is minted at `sender` first and stays there: what L1's bridge took in is never
 * lost, and whoever has nothing on L2 yet can pay for what they force */
#pragma once

#include "executor/tx.h"

#define EXEC_INBOX_HEADER_BYTES 98u
#define EXEC_INBOX_CALL 0u
#define EXEC_INBOX_RAW 1u

/* A block takes at most so many entries; L1's MAX_FORCED is 64 per batch. */
#define EXEC_INBOX_PER_BLOCK_MAX 64u
/* L1 refuses requests above these (settlement design), so that one entry always fits a block, and
 * the block one segment of a proof, about 5 M native units.  Of those 2.2 M are for its run (the
 * cap in genesis), 0.16 M for the block, what it shares, the entry and a mint, 0.05 M for the run's
 * start: 2.6 M are left, 99,900 bytes at EXEC_NATIVE_TX_BYTE.  exec_genesis_native_min adds up. */
#define EXEC_INBOX_DATA_BYTES_MAX (96u << 10)

struct exec_inbox_op {
    uint64_t index, gas_limit, l1_block;
    uint8_t kind;
    struct td_addr sender, to;
    struct exec_u256 value;
    struct td_bytes data;
};

/* MALFORMED unless the bytes are exactly one entry. */
TD_MUST_CHECK enum td_error exec_inbox_decode(struct exec_inbox_op *out, struct td_bytes bytes);
void exec_inbox_hash(struct td_hash *out, const struct exec_inbox_op *op, uint64_t chain_id);
void exec_inbox_add(struct td_hash *acc, const struct td_hash *op);
/* The deposit transaction of a kind-0 entry. */
void exec_inbox_tx(struct exec_tx *out, const struct exec_inbox_op *op, const struct td_hash *hash);
