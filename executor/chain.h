/* What one block hands to the next: constants of the chain, the cursor, and consensus headers as
 * execution reads them.
 *
 * 1. The state commitment binds everything in the cursor: a bare tree root would permit a wrong
 *    append index, base fee or history.
 * 2. Header offsets are normative in [P-2.1]. */
#pragma once

#include "base/core/keccak.h"
#include "executor/types.h"

#define EXEC_HEADER_BYTES 395u

/* Constants of the chain: genesis fixes them and configHash binds them. */
struct exec_chain {
    uint64_t chain_id;
    uint64_t l1_chain_id;
    struct td_addr contract;    /* the L1 chain contract */
    struct td_hash config_hash; /* keccak of the genesis file's canonical form */
    uint64_t gas_limit;         /* per block */
    uint64_t native_limit;      /* per block, native units */
    struct exec_u256 base_fee_min;
    struct exec_prices prices;
    struct td_addr fee_vault; /* COINBASE: receives tips */
};

/* What a block needs of the chain before it; bound by the state commitment. */
struct exec_cursor {
    struct td_p2_digest tree_root;
    uint32_t leaf_count;
    uint64_t number;
    uint64_t ts_ms;
    uint64_t epoch;
    struct td_hash block_hash; /* older ones: EIP-2935's contract, under tree_root */
    struct exec_u256 base_fee; /* of the next block */
    uint64_t message_count;    /* L2-to-L1 messages ever */
    uint64_t inbox_index;      /* inbox entries consumed */
    struct td_hash inbox_acc;
};

/* stateCommitment: keccak over all of it, 32 bytes that L1 and validators compare. */
void exec_cursor_commit(struct td_hash *out, const struct exec_cursor *c);

/* EIP-1559 with elasticity 2 and denominator 8, never below `min`. */
void exec_base_fee_next(struct exec_u256 *out, const struct exec_u256 *base_fee, uint64_t gas_used,
                        uint64_t gas_limit, const struct exec_u256 *min);

/* The header fields execution uses. */
struct exec_header {
    uint64_t epoch, number, ts_ms;
    bool filler, end_batch;
    struct td_hash prev_hash, payload_root, next_set_hash;
    uint32_t payload_bytes, tx_count;
    uint64_t inbox_count;    /* depositCount */
    struct td_hash hash;     /* blockHash [P-2.2] */
    struct td_keccak sponge; /* that hash's, at its end */
};
/* What the sponge yields after the hash: as hard to choose as the hash itself.  13 words are left.
 */
static inline const uint64_t *exec_header_squeezed(const struct exec_header *h)
{
    return h->sponge.s + TD_HASH_BYTES / 8u;
}

/* TD_E_MALFORMED: not a header's length or flags. */
TD_MUST_CHECK enum td_error exec_header_read(struct exec_header *out, struct td_bytes bytes);
