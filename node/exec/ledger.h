/* A chain kept in memory: accounts, state tree, cursor and open batch; executes blocks natively and
 * collects the input with which the proven program must come to the same statement.  For `tandem
 * exec block`, tests and benchmarks: what the node's database does, in miniature.
 *
 *     genesis ──▶ tables, tree ◀──────────── keep ───────────┐
 *                     │ reader                               │
 *     payload ──▶ header ──▶ execute: exec_block ──▶ result, witness, next cursor and batch
 *                                                            └──▶ run_add ──▶ words for the guest
 *
 * 1. execute works on copies of cursor and batch: what it did is forgotten unless keep follows, so
 *    that the same block can be executed again.
 * 2. Blocks are final as soon as they are made; headers are consensus' own encoding [P-2.1].
 * 3. Signer keys come from libsecp256k1; what is asked while a block runs is what its hints are
 * made of.
 * 4. Nothing here asserts about accounts or payloads: whatever they are, an error says no.
 * 5. Tables hold what some block changed, not what was only asked for.
 * 6. While a block executes, readers in other threads may go on; while it is kept, none may. */
#pragma once

#include "base/host/secp.h"
#include "consensus/header.h"
#include "executor/inbox.h"
#include "executor/run.h"
#include "executor/tree/memory.h"

struct node_ledger_limits {
    uint32_t leaves;   /* of the tree, about 205 bytes each */
    size_t kept_bytes; /* address space: tree, codes, payload */
    size_t work_bytes; /* address space: one block's state, frames, witness */
};

/* Secret words that a table's hash begins with. */
#define NODE_LEDGER_HASH_WORDS 8u

/* First in every item of a table: account (word 0), slot, or code (address 0, its hash). */
struct node_ledger_key {
    struct td_addr addr;
    struct exec_u256 word;
};

struct node_ledger_account {
    struct node_ledger_key key;
    struct exec_account data;
};

struct node_ledger_slot {
    struct node_ledger_key key;
    struct exec_u256 value;
};

struct node_ledger_code {
    struct node_ledger_key key;
    struct td_bytes bytes;
    bool digested; /* when a block first needs the digest */
    struct td_p2_digest digest;
};

/* Items in order of arrival, found by their key.  Which keys share a place nobody can know who does
 * not know `secret`: NH (Black et al., UMAC, 1999) over the key's words, then mixed. */
struct node_ledger_table {
    uint64_t secret[NODE_LEDGER_HASH_WORDS];
    uint8_t *items;
    size_t item_bytes;
    uint32_t count, cap;
    uint32_t *index; /* [index_cap], open addressing: number + 1 */
    uint32_t index_cap;
};

/* Nanoseconds by `clock`, where one is set; all are parts of `block` but hints. */
struct node_ledger_times {
    uint64_t hints;   /* exec_run_block_input */
    uint64_t witness; /* exec_witness_build */
    uint64_t block;   /* exec_block without hints */
};

struct node_ledger {
    /* The caller's before genesis; cursor: time, block_hash, base_fee, epoch. */
    struct exec_chain params;
    struct exec_cursor cursor;
    struct exec_batch batch;
    struct exec_tree_hasher hasher; /* vector units; the caller may set another */
    bool hints;                     /* make them (true): without, no prover can use the witness */
    bool slopes;                    /* in the hints: for a guest without chips */
    uint64_t (*clock)(void);        /* or NULL */
    /* Who else recovers, or NULL; `keys` is filled either way. */
    const struct exec_recoverer *recoverer;
    /* What witnesses are made of instead of `tree`, or NULL; keep does not touch it. */
    const struct exec_tree_store *store;

    struct node_ledger_table accounts, slots, codes;
    struct exec_tree_memory tree;
    struct td_arena kept, work;
    struct td_secp *secp;
    struct exec_state *genesis; /* between genesis_begin and genesis_end */

    /* The block at hand. */
    struct td_bytes *payload; /* [payload_count] of TD_TXS_PER_BLOCK_MAX */
    uint32_t payload_count;
    uint8_t header[BFT_HEADER_BYTES];
    struct exec_block block;
    struct exec_run_key *keys; /* found while it ran */
    uint32_t key_count, key_cap;
    bool keys_lost; /* no memory for one */
    struct exec_result result;
    struct exec_witness_built witness;
    struct exec_cursor next_cursor;
    struct exec_batch next_batch;
    struct node_ledger_times times;

    /* The run being collected. */
    struct exec_run_start start;
    struct exec_run_writer writer;
    uint32_t run_blocks;
};

/* Empty tree, cursor at block 0.  TD_E_NOMEM: nothing is held. */
TD_MUST_CHECK enum td_error node_ledger_new(struct node_ledger *l,
                                            const struct node_ledger_limits *limits);
void node_ledger_free(struct node_ledger *l);

/* ---- state */

struct exec_reader node_ledger_reader(struct node_ledger *l);
/* NULL: no block changed it.  Valid until something is put. */
const struct exec_account *node_ledger_account(const struct node_ledger *l,
                                               const struct td_addr *addr);
struct exec_u256 node_ledger_slot(const struct node_ledger *l, const struct td_addr *addr,
                                  const struct exec_u256 *slot);
/* Items of the tables in order of arrival, i < count. */
const struct node_ledger_account *node_ledger_account_at(const struct node_ledger *l, uint32_t i);
const struct node_ledger_slot *node_ledger_slot_at(const struct node_ledger *l, uint32_t i);
const struct node_ledger_code *node_ledger_code_at(const struct node_ledger *l, uint32_t i);
void node_ledger_code_hash(const struct node_ledger_code *c, struct td_hash *out);
/* Behind the tree's back, for who fills that himself; code is copied.  TD_E_NOMEM, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_ledger_put_account(struct node_ledger *l,
                                                    const struct td_addr *addr,
                                                    const struct exec_account *account);
TD_MUST_CHECK enum td_error node_ledger_put_slot(struct node_ledger *l, const struct td_addr *addr,
                                                 const struct exec_u256 *slot,
                                                 const struct exec_u256 *value);
TD_MUST_CHECK enum td_error node_ledger_put_code(struct node_ledger *l, struct td_bytes code);

/* Is it other than before the block?  What keep takes over, and a database should. */
bool node_ledger_account_changed(const struct exec_state_account *a);
bool node_ledger_slot_changed(const struct exec_state_slot *s);

/* ---- a state kept elsewhere, into a fresh ledger: accounts, slots and codes as above, and */

/* Leaves in order of number, the sentinel being 0.  TD_E_LIMIT beyond the limits' leaves. */
TD_MUST_CHECK enum td_error node_ledger_load_leaf(struct node_ledger *l, uint32_t index,
                                                  const struct exec_tree_leaf *leaf);
/* Hash the tree up and go on from cursor and batch.  TD_E_CORRUPT: the leaves are no tree, or not
 * the cursor's.  Whether accounts and slots are the leaves' is checked as blocks touch them.
 * Cost: a microsecond per leaf. */
TD_MUST_CHECK enum td_error node_ledger_load_end(struct node_ledger *l,
                                                 const struct exec_cursor *cursor,
                                                 const struct exec_batch *batch);

/* ---- genesis: a state without blocks, closed like one */

/* l->genesis is a state within a transaction, the system's accounts in it; the caller adds his. */
TD_MUST_CHECK enum td_error node_ledger_genesis_begin(struct node_ledger *l);
/* Tree, tables, cursor and batch come of it.  TD_E_LIMIT: more leaves than the tree has room for.
 */
TD_MUST_CHECK enum td_error node_ledger_genesis_end(struct node_ledger *l);

/* ---- payload of the next block; bytes are copied */

/* TD_E_LIMIT beyond TD_TXS_PER_BLOCK_MAX entries, TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error node_ledger_add(struct node_ledger *l, struct td_bytes entry);
TD_MUST_CHECK enum td_error node_ledger_add_inbox(struct node_ledger *l,
                                                  const struct exec_inbox_op *op);
void node_ledger_clear(struct node_ledger *l);

/* Signs tx (its type's own signing hash) and fills sender.  TD_E_NOSPACE, TD_E_RANGE (the key). */
TD_MUST_CHECK enum td_error node_ledger_sign(struct node_ledger *l, struct exec_tx *tx,
                                             const struct td_secp_key *key);
void node_ledger_key_addr(const struct node_ledger *l, struct td_addr *out,
                          const struct td_secp_key *key);
/* Canonical bytes of a signed transaction, kept. */
TD_MUST_CHECK enum td_error node_ledger_encode(struct node_ledger *l, struct td_bytes *out,
                                               const struct exec_tx *tx);

/* ---- blocks */

/* Execute the payload under *h, of which round, height, parent, prev_hash and the payload's fields
 * are filled here; the rest (epoch, ts_ms, end_batch, origin, next_set_hash) is the caller's.
 * Fills block, result, witness, keys, next_cursor, next_batch.  Errors as exec_block; then the
 * ledger stays as it was. */
TD_MUST_CHECK enum td_error node_ledger_execute(struct node_ledger *l, struct bft_header *h);
/* The same under a header that is complete: nothing in it is filled, `entries` are borrowed until
 * the next block, and TD_E_CORRUPT says that it does not follow the cursor or is not of this
 * payload. */
TD_MUST_CHECK enum td_error node_ledger_execute_as(struct node_ledger *l,
                                                   const struct bft_header *h,
                                                   const struct td_bytes *entries, uint32_t count);
/* Take over what the last execute did.  TD_E_LIMIT: the tree is full; TD_E_NOMEM, TD_E_NOSPACE:
 * then state, cursor and batch are as they were. */
TD_MUST_CHECK enum td_error node_ledger_keep(struct node_ledger *l);

/* ---- runs */

/* From the cursor on.  whitelist and program NULL: zero. */
TD_MUST_CHECK enum td_error node_ledger_run_begin(struct node_ledger *l,
                                                  const struct td_p2_digest *whitelist,
                                                  const struct td_p2_digest *program);
/* The block last executed. */
TD_MUST_CHECK enum td_error node_ledger_run_add(struct node_ledger *l);
/* The run's words so far, l->writer.words[0 .. *count). */
TD_MUST_CHECK enum td_error node_ledger_run_finish(struct node_ledger *l, size_t *count);
/* What a guest must state of a run that ended with the block last executed. */
void node_ledger_statement(const struct node_ledger *l, struct exec_statement *out);
