/* State during one block: reads through the reader, keeps what changed, undoes what reverted.
 *
 *     reader ──first touch──▶ block original ──▶ transaction original ──▶ current
 *                                                                          ▲  journal undoes
 *
 * 1. Nothing is ever written to the reader.
 * 2. Each account and slot is asked from the reader at most once per block, in the order of first
 *    touch; the list of them in that order is what the witness must contain.
 * 3. exec_state_revert(mark) restores every value, warm mark, log, message, refund, transient slot
 *    and creation mark to what it was when the mark was taken.
 * 4. Errors are sticky: after a reader error or an exhausted arena every getter returns some valid
 *    value and `err` says why; the caller must end the block.
 *
 * Cost: open-addressed tables in the arena, doubled when 3/4 full: amortised O(1), and O(log n) for
 * keys chosen against them (state/index.h).
 * Memory: at most 1 KiB of arena per account, 640 bytes per slot and 440 per transient slot ever
 * named in the block, old tables included; 144 bytes per undo record (at most one per value and
 * frame); code, log data and messages as long as they are. */
#pragma once

#include "executor/types.h"

struct exec_state_account {
    struct td_addr addr;
    struct exec_account original; /* at the start of the block */
    struct exec_account now;
    struct td_bytes code; /* valid once code_known */
    bool code_known;
    bool touched;          /* written in this block: now may differ from original */
    uint64_t warm_tx;      /* == state tx number: warm in this transaction (EIP-2929) */
    uint64_t created_tx;   /* == state tx number: created in it (EIP-6780) */
    uint64_t destroyed_tx; /* == state tx number: goes at the end of it */
    uint64_t wiped_slots;  /* transaction that first emptied its storage (created over, destroyed);
                            * not 0: slots asked for since then start as 0 */
};

struct exec_state_slot {
    struct td_addr addr;
    struct exec_u256 slot;
    struct exec_u256 original;    /* start of block */
    struct exec_u256 tx_original; /* start of transaction (EIP-2200, EIP-3529) */
    struct exec_u256 now;
    uint64_t tx_seen; /* transaction that tx_original belongs to */
    uint64_t warm_tx;
};

struct exec_state; /* state_internal.h */

/* Bytes for a state object itself; tables come from `arena` as they grow, also while code runs:
 * until the end of the block nobody else may rewind `arena` below what the state took.  Copies
 * *reader. */
size_t exec_state_footprint(void);
struct exec_state *exec_state_init(void *region, struct td_arena *arena,
                                   const struct exec_reader *reader);
/* The same with the tables' hash keyed by what a writer of transactions cannot know: what follows
 * the hash of the block that contains them.  Results do not depend on it. */
#define EXEC_STATE_KEY_WORDS 13u
struct exec_state *exec_state_init_keyed(void *region, struct td_arena *arena,
                                         const struct exec_reader *reader,
                                         const uint64_t key[EXEC_STATE_KEY_WORDS]);
enum td_error exec_state_error(const struct exec_state *s);

/* ---- transactions: warm sets, transient storage, logs, refund and creation marks begin anew */

void exec_state_tx_begin(struct exec_state *s);
/* Destroyed accounts go (EIP-6780: only those created in this transaction), their balance with
 * them; the journal is dropped: nothing before can be reverted any more. */
void exec_state_tx_end(struct exec_state *s);

/* ---- journal */

struct exec_mark {
    uint32_t journal, log, message;
};

struct exec_mark exec_state_mark(struct exec_state *s);
/* To a mark of this transaction that was not reverted past since. */
void exec_state_revert(struct exec_state *s, struct exec_mark mark);

/* ---- accounts.  Returned pointers stay valid until the end of the block and show what is now. */

const struct exec_account *exec_state_get(struct exec_state *s, const struct td_addr *a);
bool exec_state_is_empty(struct exec_state *s, const struct td_addr *a); /* EIP-161 */
struct td_bytes exec_state_code(struct exec_state *s, const struct td_addr *a);
/* Was it cold?  Warms it, without asking the reader.  Precompiles (0x01 .. 0x11) never are. */
bool exec_state_warm(struct exec_state *s, const struct td_addr *a);
bool exec_state_is_warm(const struct exec_state *s, const struct td_addr *a);

/* add: false, nothing changed, when the sum exceeds 2^256 - 1.  sub: false when too poor. */
bool exec_state_add_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei);
bool exec_state_sub_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei);
void exec_state_set_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei);
void exec_state_set_nonce(struct exec_state *s, const struct td_addr *a, uint64_t nonce);
/* Copies `code` into the arena; computes its keccak. */
void exec_state_set_code(struct exec_state *s, const struct td_addr *a, struct td_bytes code);
/* Mark as created in this transaction and forget storage it may have had. */
void exec_state_create(struct exec_state *s, const struct td_addr *a);
bool exec_state_created_now(const struct exec_state *s, const struct td_addr *a);
/* EIP-6780: marks only if created in this transaction; the balance moves to `heir` at once either
 * way (burnt when heir is itself and created now). */
void exec_state_destroy(struct exec_state *s, const struct td_addr *a, const struct td_addr *heir);

/* ---- storage */

struct exec_slot_view {
    struct exec_u256 tx_original, now;
    bool was_cold;
};

/* Warms and reads. */
void exec_state_sload(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                      struct exec_slot_view *out);
/* The same for who needs the value alone; returns was_cold.  `now` may be `slot`. */
bool exec_state_sload_now(struct exec_state *s, const struct td_addr *a,
                          const struct exec_u256 *slot, struct exec_u256 *now);
/* Reads without warming; the slot joins the block's footprint. */
void exec_state_peek(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                     struct exec_u256 *out);
void exec_state_sstore(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                       const struct exec_u256 *value);
/* Outside of any transaction: by the block itself, warming nothing, never taken back. */
void exec_state_put(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                    const struct exec_u256 *value);
void exec_state_warm_slot(struct exec_state *s, const struct td_addr *a,
                          const struct exec_u256 *slot);
void exec_state_tload(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                      struct exec_u256 *out);
void exec_state_tstore(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                       const struct exec_u256 *value);

/* ---- refund, logs, messages of the current transaction */

int64_t exec_state_refund(const struct exec_state *s);
void exec_state_refund_add(struct exec_state *s, int64_t gas);
/* data is copied into the arena. */
void exec_state_log(struct exec_state *s, const struct exec_log *log);
const struct exec_log *exec_state_logs(const struct exec_state *s, uint32_t *count);
void exec_state_message(struct exec_state *s, const struct exec_l1_message *m);
const struct exec_l1_message *exec_state_messages(const struct exec_state *s, uint32_t *count);

/* Bytes the current transaction would publish if the block ended with it: a bound, since what the
 * block undoes or writes twice is published once.
 *   changed slot     LEAF + bytes of the new value (+ SLOT_KEY if it was 0 at the block's start)
 *   changed account  LEAF + bytes of nonce and balance (+ ACCOUNT_KEY if it was empty)
 *                    (+ CODE + the code when that changed)
 *   message to L1    MESSAGE + its payload
 * Accounts with da_off publish nothing on L1.
 *
 * That it is a bound, by executor/tree/diff.h: whatever a block publishes was last changed by some
 * transaction, which counted the value it has at the end.  A number's three forms are no longer
 * than the value.  A slot is an index (5 bytes), one of form and length, and the value: 6 <= LEAF.
 * An account is an index, what changed, and two numbers with one byte each: 8 = LEAF.  A new leaf
 * adds its key, 35; a code its length, 4, and its bytes; a message's frame has 24. */
#define EXEC_PUBDATA_LEAF_BYTES 8u         /* index delta, metadata, lengths */
#define EXEC_PUBDATA_SLOT_KEY_BYTES 52u    /* address and slot */
#define EXEC_PUBDATA_ACCOUNT_KEY_BYTES 36u /* key of the new leaf */
#define EXEC_PUBDATA_CODE_BYTES 36u        /* hash and length */
#define EXEC_PUBDATA_MESSAGE_BYTES 24u     /* sender and length */
uint64_t exec_state_tx_pubdata(const struct exec_state *s);

/* What a block publishes beside that: its frame and an empty diff, 8 + 3; its hash in the ring,
 * epoch and set hash, three new slots of 73; the fee vault, new, with all its bytes, 76. */
#define EXEC_PUBDATA_BLOCK_BYTES (11u + 3u * 73u + 76u)
/* And for each raw inbox entry that mints, whose sender may be new. */
#define EXEC_PUBDATA_MINT_BYTES 76u

/* ---- the block's footprint, in order of first touch */

uint32_t exec_state_account_count(const struct exec_state *s);
const struct exec_state_account *exec_state_account_at(const struct exec_state *s, uint32_t i);
uint32_t exec_state_slot_count(const struct exec_state *s);
const struct exec_state_slot *exec_state_slot_at(const struct exec_state *s, uint32_t i);
/* Codes read or made in this block, one per keccak; neither flag: made and reverted. */
struct exec_state_code {
    struct td_hash hash;
    struct td_bytes bytes;
    bool made; /* some account has it that did not at the start of the block; not `read`: new */
    bool read; /* the reader was asked for it */
};
uint32_t exec_state_code_count(const struct exec_state *s);
const struct exec_state_code *exec_state_code_at(const struct exec_state *s, uint32_t i);
