/* The genesis file: everything that must be equal on all nodes of a chain.
 *
 * JSON, strict: an unknown or repeated key, a missing one, a number out of range are errors with
 * line and column where the parser knows them and with the path of the key ("validators[2].stake").
 *
 *     {"version":1,"name":"devnet","l1":{"chainId":31337,"contract":"0x.."},"chainId":271828,
 *      "timestampMs":N, "blockIntervalMs":1000,"deltaMs":250,"epochLength":N,"validatorsMax":128,
 *      "maxBlockTxs":..,"maxBlockBytes":..,"gasLimit":..,"nativeLimit":..,"txNativeMax":..,
 *      "nativePerGas":..,"gasPerPubdataByte":..,"baseFeeMin":"0x..","baseFee":"0x..",
 *      "feeVault":"0x..","batch":{"blocksMin":..,"blocksMax":..,"msMax":..,"nativeMax":..,
 *      "bytesMax":..},
 *      "validators":[{"address":"0x..","key":"0x.. 33","stake":N,"transport":"0x.. 32",
 *                     "host":"127.0.0.1","port":30645}],
 *      "development":true,
 *      "alloc":{"0x..":{"balance":"0x..","nonce":N,"code":"0x..","storage":{"0x..":"0x.."}}}}
 *
 * 1. configHash = keccak of the canonical form: the keys in the order above, no white space, hex in
 *    lower case without leading zeros where it is a number, alloc sorted by address, storage by
 * slot, validators by address.  transport/host/port of validators are hints for dialling and are
 * left out of it, as is name.  So two files that differ in layout only are one chain.
 * 2. The genesis block's header [P-2.7]: epoch = round = height = 0, tsMs = timestampMs,
 * payloadRoot = configHash, everything else zero; genesis_hash is its block hash and so binds every
 * parameter, every validator and every account.  The cursor before block 1 has block_hash =
 * genesis_hash; state_commitment is exec_cursor_commit of it, and genesis_result the result digest
 * of height 0 with it [P-2.4], other roots zero.
 * 3. The checks are executor/genesis.h's (exec_genesis_check), consensus/validators.h's, and the
 *    bounds of base/core/limits.h. */
#pragma once

#include <stdio.h>

#include "consensus/replica.h"
#include "executor/genesis.h"
#include "node/exec/ledger.h"

#define NODE_GENESIS_BYTES_MAX (64u << 20)

struct node_genesis_validator {
    struct bft_validator member;
    uint8_t transport[32]; /* zero: not told */
    char host[129];        /* empty: not told */
    uint16_t port;
};

struct node_genesis_slot {
    struct exec_u256 slot, value;
};

struct node_genesis_account {
    struct td_addr addr;
    uint64_t nonce;
    struct exec_u256 balance;
    struct td_bytes code;
    uint32_t slot_count;
    struct node_genesis_slot *slots;
};

struct node_genesis {
    char name[64];
    bool development; /* fault injection and published keys are allowed */
    uint64_t l1_chain_id, chain_id;
    struct td_addr contract;
    uint64_t timestamp_ms;
    uint64_t block_interval_ms, delta_ms, epoch_length;
    uint32_t validators_max, txs_max, payload_bytes_max;
    uint32_t batch_blocks_min, batch_blocks_max;
    uint64_t batch_ms_max, batch_native_max, batch_bytes_max;
    struct exec_chain params; /* config_hash filled */
    struct exec_u256 base_fee;
    uint32_t validator_count;
    struct node_genesis_validator validators[BFT_SIGNERS_MAX];
    uint32_t account_count;
    struct node_genesis_account *accounts; /* in `arena` */
    struct td_arena arena;                 /* owned */
    /* Derived. */
    struct bft_set set;
    struct td_hash config_hash;
    struct td_hash genesis_hash; /* block hash of `header` */
    struct bft_header header;
    struct td_hash genesis_result;
    struct td_hash state_commitment; /* of the cursor before block 1 */
};

struct node_genesis_error {
    char text[320]; /* what, where, what to do; at most three lines */
};

/* Parse, check, derive.  TD_E_MALFORMED, TD_E_RANGE, TD_E_LIMIT, TD_E_NOMEM with *error; then
 * nothing is held.  Builds the genesis state once to know its commitment: about 6 µs per leaf. */
TD_MUST_CHECK enum td_error node_genesis_parse(struct node_genesis *g, struct td_bytes json,
                                               struct node_genesis_error *error);
/* From a file; TD_E_NOTFOUND, TD_E_IO too. */
TD_MUST_CHECK enum td_error node_genesis_load(struct node_genesis *g, const char *path,
                                              struct node_genesis_error *error);
void node_genesis_free(struct node_genesis *g);

/* Write as JSON that parses back to the same chain (tests hold this): for `tandem testnet` and
 * `tandem init`.  Of *g the derived members are not looked at.  0 or -1 with errno. */
int node_genesis_write(const struct node_genesis *g, FILE *out);

/* Everything not specific to a chain set to the defaults of a development chain: limits from
 * base/core/limits.h, gas 30 M, executor defaults that pass exec_genesis_check.  No validators. */
void node_genesis_defaults(struct node_genesis *g);

/* Put the genesis accounts into a fresh ledger (l->params and cursor set from g) and close it.
 * Errors of the ledger. */
TD_MUST_CHECK enum td_error node_genesis_state(const struct node_genesis *g, struct node_ledger *l);

/* The core's configuration; `schedule` is g->set, borrowed: g must outlive it.  self zero:
 * follower.
 */
void node_genesis_bft(const struct node_genesis *g, struct bft_config *out,
                      const struct td_addr *self);
