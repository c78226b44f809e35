/* The chain as this node keeps it: state and execution in memory, everything durable in the chain
 * database.
 *
 *     exec thread:    execute(header, payload) ─▶ result ─▶ changes ──┐
 *     writer thread:                                     put(changes) └▶ store_chain (one commit)
 *     any thread:     read_lock ─ account, slot, code, call reader ─ unlock;  views through a
 *                     store_chain_reader of its own
 *
 * 1. Blocks are executed in order of height, once each; what `execute` returned is in memory at
 *    once and durable when its changes are put and committed.  After a crash the database says how
 *    far it got and the node executes again from there: same blocks, same results.
 * 2. Memory is the ledger's (node/exec/ledger.h) under a writer-preferring lock: taken for writing
 *    only while a block's changes are taken over, never while it runs.
 * 3. `head` for users is the newest block whose changes are committed (published by the shell), so
 *    that whatever a user was told is on disk. */
#pragma once

#include "node/exec/ledger.h"
#include "node/genesis/genesis.h"
#include "storage/chain.h"

/* Items (store_chain_put_item) and kinds (store_chain_put_cert) of the chain database.  Numbers are
 * on disk: never reuse one. */
enum node_item {
    NODE_ITEM_CURSOR = 0,      /* exec cursor and open batch after the last executed block */
    NODE_ITEM_FINAL_PROOF = 1, /* newest BFT_FX_FINAL_PROOF */
    NODE_ITEM_EPOCH = 2,       /* set, seed, exclusions, genesis certificate of the epoch */
    NODE_ITEM_PREV_SET = 3,
    NODE_ITEM_RECORD_SEQUENCE = 4,
};
/* Values are whole messages of consensus/message.h, the kind's byte first. */
enum node_cert {
    NODE_CERT_ATTEST = 0,   /* by height */
    NODE_CERT_BATCH = 1,    /* by last height */
    NODE_CERT_PROOF = 2,    /* bft_proof, by height of the block it proves */
    NODE_CERT_EVIDENCE = 3, /* by running number */
};

struct node_chain;

struct node_chain_options {
    const struct node_genesis *genesis; /* borrowed */
    uint32_t leaves;                    /* capacity of the state tree; address space only */
    struct td_pool *pool;               /* for key recovery; NULL: this thread */
    bool paranoid;                      /* execute twice, the second time in the guest emulator */
    const char *guest;                  /* path of its image; needed with paranoid only */
};

/* Load the state from the database (or build genesis' and write it through `writer` in a commit of
 * its own).  TD_E_CORRUPT when the loaded tree's root is not the stored cursor's, and as the
 * stores. */
TD_MUST_CHECK enum td_error node_chain_open(struct node_chain **out,
                                            const struct node_chain_options *options,
                                            struct store_chain *writer,
                                            struct store_chain_reader *reader,
                                            struct store_error *error);
void node_chain_close(struct node_chain *c);

/* For exec_tx_recover_by where transactions come in, any thread: what it finds is remembered for a
 * while, and a block with the same transaction does not recover it again (60 of 75 µs of a
 * transfer). */
struct exec_recoverer node_chain_recoverer(struct node_chain *c);

/* ---- execution (one thread) */

/* A payload as it travels and is stored: per entry u32 bytes and the bytes  [P-2.3].  Checks
 * framing and bounds; fills entries[TD_TXS_PER_BLOCK_MAX] with views.  TD_E_MALFORMED, TD_E_LIMIT.
 */
TD_MUST_CHECK enum td_error node_payload_decode(struct td_bytes payload, struct td_bytes *entries,
                                                uint32_t *count);
size_t node_payload_bytes(const struct td_bytes *entries, uint32_t count);
void node_payload_encode(uint8_t *out, const struct td_bytes *entries, uint32_t count);

/* Everything a block's execution yields, copied out of the ledger: malloc'ed, owned by the caller,
 * goes from the exec thread to the writer and the loop. */
struct node_changes;
struct node_executed {
    uint64_t height;
    struct bft_executed core; /* for BFT_EV_EXECUTED */
    uint32_t tx_count, skipped;
    uint64_t gas_used, native_used;
    uint64_t took_ns;
    struct exec_u256 base_fee_next;
    uint32_t hash_count, sender_count; /* for the mempool */
    const struct td_hash *hashes;      /* keccak of the entries that are done with: executed, or
                                          skipped for good */
    const struct td_addr *senders;     /* of the transactions with receipt, in order */
    struct node_changes *changes;
};

/* Run final block `header` (its hash must be of height executed + 1 and follow the cursor; else
 * TD_E_CORRUPT) with its payload.  Fills *out.  TD_E_CORRUPT also when the payload does not fit the
 * header; TD_E_LIMIT: options.leaves is too small; with paranoid, TD_E_CORRUPT when
 * the guest comes to something else.  After an error the chain is as it was, *out is
 * zero, and node_chain_why says why. */
TD_MUST_CHECK enum td_error node_chain_execute(struct node_chain *c,
                                               const struct bft_header *header,
                                               struct td_bytes payload, struct node_executed *out);
void node_executed_free(struct node_executed *e);

/* What the last node_chain_execute failed for, and what to do; for people. */
const char *node_chain_why(const struct node_chain *c);

/* Write the changes between the writer's begin and commit (put_executed, txs, logs, state, cursor).
 */
void node_changes_put(const struct node_changes *changes, struct store_chain *writer);

/* Would a voter accept this payload under this header: sizes, counts, payload root, entries that
 * are well formed enough, exec_payload_fits.  Any thread; no state is looked at.  Entry hashes are
 * filled into hashes[TD_TXS_PER_BLOCK_MAX] when not NULL. */
bool node_chain_payload_valid(const struct node_genesis *g, const struct bft_header *header,
                              struct td_bytes payload, struct td_hash *hashes);

/* ---- state as of the newest executed block: between lock and unlock, any thread */

void node_chain_lock(struct node_chain *c);
void node_chain_unlock(struct node_chain *c);
const struct exec_cursor *node_chain_cursor(const struct node_chain *c);
/* For exec_call and friends; valid while locked. */
struct exec_reader node_chain_state(struct node_chain *c);
void node_chain_account(struct node_chain *c, const struct td_addr *addr, struct exec_account *out);
/* Merkle proof of an account or slot key for eth_getProof-like answers: `siblings` of one leaf. */
TD_MUST_CHECK enum td_error node_chain_proof(struct node_chain *c, const struct td_p2_digest *key,
                                             uint32_t *index, struct exec_tree_leaf *leaf,
                                             struct td_p2_digest siblings[EXEC_TREE_DEPTH]);

/* Newest executed height at open and from then on (atomic; any thread). */
uint64_t node_chain_executed(const struct node_chain *c);

/* ---- stored blocks, decoded: any thread, with its own reader and arena */

struct node_log {
    struct td_addr addr;
    uint32_t topic_count;
    struct td_hash topic[4];
    struct td_bytes data;
};

struct node_receipt {
    uint32_t payload_index; /* entry of the payload */
    uint32_t tx_index;      /* number among those with receipt: what eth_ calls transactionIndex */
    struct td_hash hash;
    uint8_t type;
    bool success;
    uint32_t status; /* enum exec_status */
    uint64_t gas_used, cumulative_gas, native_used, pubdata_bytes;
    struct td_addr sender, created; /* created zero: none */
    uint32_t first_log;             /* index of its first log in the block */
    uint32_t log_count;
    const struct node_log *logs;
};

struct node_block {
    struct bft_header header;
    struct td_hash hash;
    struct bft_chain_state state;
    bool executed;
    struct bft_executed exec;
    uint64_t gas_used, native_used;
    struct exec_u256 base_fee; /* its own */
    uint32_t payload_count;
    const struct td_bytes *payload; /* entries; with `payload` asked */
    uint32_t receipt_count;         /* with `receipts` asked */
    const struct node_receipt *receipts;
};

/* TD_E_NOTFOUND, TD_E_CORRUPT, TD_E_NOSPACE, TD_E_IO.  Height 0 is genesis. */
TD_MUST_CHECK enum td_error node_block_load(const struct node_genesis *g,
                                            struct store_chain_reader *r, uint64_t height,
                                            bool payload, bool receipts, struct td_arena *arena,
                                            struct node_block *out);
/* Log index key of an address or topic (exec_bloom's input): first 8 bytes of its keccak. */
uint64_t node_log_key(struct td_bytes name);
