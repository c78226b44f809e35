/* A ledger (node/exec/ledger.h) with keys, fees and a clock for tests.
 *
 * 1. Blocks are final as soon as they are made; headers are consensus' own encoding.
 * 2. Whatever goes wrong in here fails the test that uses it. */
#pragma once

#include "node/exec/ledger.h"

#define CHAIN_KEYS 8u

struct chain {
    struct node_ledger l;
    struct td_secp_key key[CHAIN_KEYS];
    struct td_addr addr[CHAIN_KEYS];
    uint64_t inbox_ready;  /* depositCount of the next header */
    const uint64_t *epoch; /* of the next header, instead of its height / 64 */
    bool every_epoch;      /* each header begins an epoch and announces the next set */
    bool every_set;        /* each header states another next set, in whatever epoch */
    bool running;          /* blocks are collected into a run */
};

struct chain *chain_new(void);
void chain_free(struct chain *c);

/* Before the first block. */
void chain_put(struct chain *c, const struct td_addr *addr, uint64_t ether, struct td_bytes code);
void chain_put_slot(struct chain *c, const struct td_addr *addr, uint64_t slot, uint64_t value);
void chain_genesis(struct chain *c);
/* The same, however unfit for a chain that wants to live. */
void chain_genesis_any(struct chain *c);

/* ---- payload of the next block; bytes live as long as the chain */

/* Fills nonce-independent defaults (type 2, fees, gas 1,000,000), signs with key `from`. */
struct exec_tx chain_tx(struct chain *c, uint32_t from, uint64_t nonce);
void chain_sign(struct chain *c, struct exec_tx *tx, uint32_t from);
void chain_add(struct chain *c, const struct exec_tx *signed_tx);
void chain_add_bytes(struct chain *c, struct td_bytes bytes);
void chain_add_inbox(struct chain *c, const struct exec_inbox_op *op);
struct td_bytes chain_tx_bytes(struct chain *c, const struct exec_tx *signed_tx);
uint64_t chain_nonce(struct chain *c, uint32_t key);

/* Make, execute and keep the block; the payload is empty again.  `end_batch` is the header's; the
 * last of an epoch's 64 heights ends a batch in any case. */
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
