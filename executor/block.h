/* One block: from a final header and its payload to everything the protocol says about it.
 *
 *     exec_cursor(h-1) ─┐                                   ┌─▶ exec_cursor(h) ─▶ stateCommitment
 *     header, payload ──┼─▶ exec_block ─▶ receipts, diffs ──┤
 *     reader ───────────┘       │                           └─▶ exec_batch (open batch) ─▶
 * batchHash └─▶ port.close: state tree (natively: builder, in the guest: witness)
 *
 * 1. Writes nothing: the change set is the exec_state it filled.
 * 2. The same function runs natively and in the guest; only the ports differ, and what they are
 * told by a witness is verified before exec_block returns TD_OK.
 * 3. A transaction that is invalid at its turn is skipped: no receipt, no state change, its hash
 *    stays in the payload root, its validation costs native units.  [executor.md, ordered but
 * invalid]
 * 4. Inbox entries run first, in L1's order, and are never refused.
 *
 * Consensus headers arrive encoded [P-2.1]; the offsets are normative there and a test holds this
 * module to consensus/header.h. */
#pragma once

#include "executor/batch.h"
#include "executor/chain.h"
#include "executor/receipt.h"
#include "executor/tx.h"

/* The block's state diffs, by where they go; views valid until the arena is reset. */
struct exec_published {
    struct td_bytes on, off;
};

/* Where the native and the proven run differ. */
struct exec_ports {
    void *self;
    /* Key recovery; NULL: exec_secp_recover.  Asked in order of execution, sender first, then the
     * authorities of its list. */
    const struct exec_recoverer *recoverer;
    /* Net reads and writes of the block: verify or produce them.  Fills the new root and leaf count
     * and the two published diffs (views valid until the arena is reset). */
    enum td_error (*close)(void *self, const struct exec_state *state, struct exec_cursor *cursor,
                           struct exec_published *out);
    /* Fill what headers and validators need of each block: receipts, messages and data roots, state
     * commitment.  Set natively; a proof states what runs and batches amount to. */
    bool results;
    /* exec_block_vm_bytes of the chain, for whoever runs many blocks of it; 0: it is worked out. */
    size_t vm_bytes;
};

/* Room in the arena for the frames of one transaction. */
size_t exec_block_vm_bytes(const struct exec_chain *chain);

struct exec_block {
    struct td_bytes header; /* EXEC_HEADER_BYTES */
    const struct td_bytes
        *payload; /* entries in order: inbox entries (0x7e ...), then transactions */
    uint32_t payload_count;
};

struct exec_tx_result {
    uint32_t payload_index;
    struct td_hash hash;
    enum exec_tx_verdict verdict; /* not OK: skipped, receipt is empty */
    struct exec_receipt receipt;
    struct td_addr sender;
};

struct exec_result {
    struct exec_state *state;   /* change set, in the arena */
    struct exec_tx_result *txs; /* [payload_count] */
    uint32_t tx_count;          /* with receipt */
    uint32_t skipped;
    uint64_t gas_used;
    uint64_t native_used;
    bool ends_batch;
    struct td_hash block_hash;
    struct td_hash batch_hash; /* when it ends one */
    /* From here on: with ports.results, otherwise unspecified. */
    struct exec_block_env env;
    /* What the batch's data gains: u32 bytes, diff, u32 messages, each sender, u32 bytes, payload.
     */
    struct td_bytes data_on, data_off;
    struct td_hash state_commitment;
    struct td_hash receipts_root;
    struct td_hash messages_root; /* of the open batch, this block included */
    struct td_hash da_commitment; /* keccak(keccak(data_on) | keccak(data_off)) */
};

/* May a block have this payload?  What every entry costs to hash, decode and judge, valid or not,
 * has to fit the native limit.  Voters refuse a payload that does not; exec_block takes it for an
 * error. */
bool exec_payload_fits(const struct exec_chain *chain, const struct td_bytes *payload,
                       uint32_t count);

/* Merkle-Patricia root of the receipts keyed by rlp(index), as Ethereum's headers have it. */
TD_MUST_CHECK enum td_error exec_receipts_root(struct td_hash *out, const struct exec_result *r,
                                               uint32_t payload_count, struct td_arena *arena);

/* Run a block.  cursor and batch are advanced in place; after an error they and the result are
 * unspecified.  Errors: TD_E_CORRUPT (header, payload or witness do not fit together: say so with
 * result->... none), TD_E_NOSPACE (arena), or what the reader said.
 * Cost: bounded by native_limit, payload bytes and the inbox bound. */
TD_MUST_CHECK enum td_error
exec_block(const struct exec_chain *chain, const struct exec_block *block,
           const struct exec_reader *reader, const struct exec_ports *ports, struct td_arena *arena,
           struct exec_cursor *cursor, struct exec_batch *batch, struct exec_result *result);
