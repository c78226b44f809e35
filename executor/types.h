/* What the parts of the executor tell each other: accounts, the block they run in, logs, messages.
 *
 * 1. An account that Ethereum calls empty (nonce 0, balance 0, no code) and one that does not exist
 *    are the same thing here (EIP-161), so nothing says "exists".
 * 2. Everything below is plain data; byte views are borrowed and live at least until the block's
 *    arena is reset. */
#pragma once

#include "base/core/arena.h"
#include "base/core/poseidon2.h"
#include "base/core/types.h"
#include "executor/u256.h"

/* keccak256 of nothing: the code hash of an account without code. */
extern const struct td_hash EXEC_EMPTY_CODE_HASH;

struct exec_account {
    uint64_t nonce;
    struct exec_u256 balance; /* wei */
    struct td_hash code_hash; /* keccak256; EXEC_EMPTY_CODE_HASH without code, never zero */
    uint32_t code_bytes;
    bool da_off;      /* volition: this account's diffs go to the committee, not to L1 */
    bool has_storage; /* EIP-7610's question.  A Tandem chain never makes an account that has
                       * storage but neither nonce nor code, so only state tests set it */
};

/* Where state comes from: the database natively, a verified witness in the guest.  Each call fills
 * *out or returns an error, which ends the block (never a transaction).  An absent account is
 * nonce 0, balance 0, EXEC_EMPTY_CODE_HASH; an absent slot is 0.  *code is borrowed until the end
 * of the block. */
struct exec_reader {
    void *self;
    enum td_error (*account)(void *self, const struct td_addr *addr, struct exec_account *out);
    enum td_error (*slot)(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                          struct exec_u256 *out);
    enum td_error (*code)(void *self, const struct td_hash *code_hash, struct td_bytes *out);
};

/* L2's two extra prices, both expressed in gas so that a wallet's estimate covers them. */
struct exec_prices {
    uint64_t native_per_gas;       /* a unit of gas pays for so many native units; 0 = unlimited */
    uint64_t gas_per_pubdata_byte; /* published bytes, charged at the end of a transaction */
    uint64_t tx_native_max;        /* cap for one transaction, whatever its gas; 0 = unlimited */
};

/* The block as opcodes and transactions see it. */
struct exec_block_env {
    uint64_t chain_id;
    uint64_t number;
    uint64_t timestamp; /* seconds */
    uint64_t gas_limit;
    struct exec_u256 base_fee;
    struct exec_u256 prev_randao;
    struct exec_u256 blob_base_fee; /* 1 on a chain without blobs (EIP-7516) */
    struct td_addr coinbase;
    struct exec_prices prices;
    /* hashes[i] = hash of block number - 1 - i; BLOCKHASH knows hash_count <= 256 of them. */
    const struct td_hash *hashes;
    uint32_t hash_count;
    /* On a Tandem chain BLOCKHASH reads EIP-2935's ring through exec_system_block_hash instead. */
    bool history;
    /* L2-to-L1 messages of the batch so far; a call that would overfill its tree reverts. */
    uint32_t message_count;
};

struct exec_log {
    struct td_addr addr;
    uint32_t topic_count; /* <= 4 */
    struct td_hash topic[4];
    struct td_bytes data;
};

/* An L2-to-L1 message: what the messenger appends to the batch's message tree. */
struct exec_l1_message {
    struct td_addr sender;
    struct td_bytes payload;
};
