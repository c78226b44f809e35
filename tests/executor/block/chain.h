/* A node in miniature: executes blocks natively on an in-memory state, keeps the tree, and collects
 * the input with which the proven program must come to the same statement.
 *
 * 1. Blocks are final as soon as they are made; headers are consensus' own encoding.
 * 2. Whatever goes wrong in here fails the test that uses it. */
#pragma once

#include "base/host/secp.h"
#include "executor/inbox.h"
#include "executor/run.h"
#include "executor/tree/memory.h"

#define CHAIN_ACCOUNTS_MAX 4096u
#define CHAIN_SLOTS_MAX 16384u
#define CHAIN_CODES_MAX 1024u
#define CHAIN_KEYS 8u
#define CHAIN_PAYLOAD_MAX 32u
#define CHAIN_RECOVERIES_MAX 256u

struct chain_account {
    struct td_addr addr;
    struct exec_account data;
};
struct chain_slot {
    struct td_addr addr;
    struct exec_u256 slot, value;
};
struct chain_code {
    struct td_hash hash;
    struct td_bytes bytes;
    struct td_p2_digest digest;
};

struct chain {
    struct exec_chain params;
    struct exec_cursor cursor;
    struct exec_batch batch;
    struct chain_account *accounts;
    struct chain_slot *slots;
    struct chain_code *codes;
    uint32_t account_count, slot_count, code_count;
    struct exec_tree_memory tree;
    struct exec_tree_store
        store;   /* what witnesses are made from: the tree above, unless replaced */
    bool frozen; /* what a block does to the tree is forgotten */
    struct td_arena forever, block_arena;
    struct td_secp *secp;
    struct td_secp_key key[CHAIN_KEYS];
    struct td_addr addr[CHAIN_KEYS];
    /* the block being made */
    struct td_bytes payload[CHAIN_PAYLOAD_MAX];
    uint32_t payload_count;
    struct exec_run_key recovered[CHAIN_RECOVERIES_MAX];
    uint32_t recovered_count;
    struct exec_block block;
    struct exec_result result;
    struct exec_witness_built witness;
    bool slopes;          /* hints for a guest without chips */
    uint64_t inbox_ready; /* depositCount of the next header */
    bool every_epoch;     /* each header begins an epoch and announces the next set */
    /* the run being collected */
    struct exec_run_start start;
    struct exec_run_writer writer;
    uint32_t run_blocks;
};

struct chain *chain_new(void);
void chain_free(struct chain *c);

/* Before the first block. */
void chain_put(struct chain *c, const struct td_addr *addr, uint64_t ether, struct td_bytes code);
void chain_put_slot(struct chain *c, const struct td_addr *addr, uint64_t slot, uint64_t value);
void chain_genesis(struct chain *c);

/* ---- payload of the next block; bytes live as long as the chain */

/* Fills nonce-independent defaults (type 2, fees, gas 1,000,000), signs with key `from`. */
struct exec_tx chain_tx(struct chain *c, uint32_t from, uint64_t nonce);
void chain_sign(struct chain *c, struct exec_tx *tx, uint32_t from);
void chain_add(struct chain *c, const struct exec_tx *signed_tx);
void chain_add_bytes(struct chain *c, struct td_bytes bytes);
void chain_add_inbox(struct chain *c, const struct exec_inbox_op *op);
struct td_bytes chain_tx_bytes(struct chain *c, const struct exec_tx *signed_tx);
uint64_t chain_nonce(struct chain *c, uint32_t key);

/* Make, execute and keep the block; the payload is empty again.  `end_batch` is the header's. */
void chain_block(struct chain *c, bool end_batch);
/* The same, but an error is returned, and then the chain is of no further use. */
enum td_error chain_try(struct chain *c, bool end_batch);

/* ---- runs */

/* From here on blocks are collected into a run. */
void chain_run_begin(struct chain *c);
/* The run's input words so far; *count of them. */
const uint32_t *chain_run_words(struct chain *c, size_t *count);
/* What the run must state. */
struct exec_statement chain_run_statement(struct chain *c);

const struct exec_account *chain_account(const struct chain *c, const struct td_addr *addr);
struct exec_u256 chain_slot(const struct chain *c, const struct td_addr *addr, uint64_t slot);
