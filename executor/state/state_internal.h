/* Inside the state: entries, their pools, and the journal.  For executor/state only.
 *
 * An entry exists from the first time its key is named; it is `known` once the reader was asked,
 * which warming alone does not do.  Entries never move (pools are chunked), so pointers to them
 * hold until the end of the block.
 *
 * Journal: 64-bit words, read from the end.
 *
 *     | payload of entry k ... | kind << 32 | entry number | ◀─ count
 *
 * One undo record per value and *serial* suffices: the serial moves at each mark, revert and
 * transaction, so within one serial there is nothing in between to return to. */
#pragma once

#include "executor/state.h"
#include "executor/state/index.h"

#define CHUNK_SHIFT 5u
#define CHUNK_ITEMS (1u << CHUNK_SHIFT)

/* Items that lists hold before they need the arena. */
#define POOL_FIRST 2u /* chunks */
#define LIST_FIRST 8u
#define JOURNAL_FIRST 32u

/* Entries in order of addition, in chunks that never move. */
struct exec_pool {
    uint8_t **chunks;
    uint32_t chunk_cap;
    uint32_t count;
};

/* Entry numbers, doubling. */
struct exec_list {
    uint32_t *at;
    uint32_t count, cap;
};

/* A new entry's `known`, marks and lists are cleared; its values are nothing until it is known. */
struct account_entry {
    struct exec_state_account a;
    struct exec_account before; /* at the start of transaction dirty_tx */
    uint64_t dirty_tx;          /* first written in this transaction */
    uint32_t first_slot;        /* slot number + 1 of a list of all slots that may be non-zero */
    bool known;
};

struct slot_entry {
    struct exec_state_slot s; /* s.tx_seen == 0: not known */
    uint64_t serial;          /* of the latest undo record */
    uint64_t dirty_tx;
    uint32_t account;   /* entry number */
    uint32_t next_slot; /* in the account's list: slot number + 1 */
    bool listed;
    uint64_t born_wiped_tx; /* asked for when its account's storage had been wiped in this one */
};

struct transient_entry {
    struct td_addr addr;
    struct exec_u256 slot;
    struct exec_u256 now;
    uint64_t serial;
};

struct code_entry {
    struct exec_state_code c;
    uint32_t users; /* accounts that have it now and did not at the start of the block */
};

enum undo_kind {
    UNDO_ACCOUNT_WARM,
    UNDO_BALANCE,
    UNDO_NONCE,
    UNDO_CODE,
    UNDO_CREATE,
    UNDO_DESTROY,
    UNDO_SLOT_WARM,
    UNDO_SLOT,
    UNDO_TRANSIENT,
    UNDO_REFUND,
    UNDO_COUNT
};

_Static_assert(EXEC_STATE_KEY_WORDS == EXEC_HASH_KEYS, "the header's words key the tables");

struct exec_state {
    struct exec_reader reader;
    struct td_arena *arena;
    enum td_error err; /* sticky */
    uint64_t tx;       /* >= 1 */
    uint64_t serial;
    uint64_t refund_serial;
    int64_t refund;
    struct slot_entry *recent_slot; /* the one found last, or NULL: entries do not move */
    uint32_t recent_slot_number;
    uint64_t *journal;
    uint32_t journal_count, journal_cap; /* words */
    struct exec_log *logs; /* of this transaction; earlier ones stand before, not owned any more */
    uint32_t log_count, log_cap;
    struct exec_l1_message *messages;
    uint32_t message_count, message_cap;
    struct exec_index_cell first_cells[2][EXEC_INDEX_CELLS_LENT];
    /* From here on nothing is cleared at the start: a proven block pays for every word. */
    struct exec_hash_key hash_key;
    struct exec_index account_index, slot_index, transient_index, code_index;
    struct exec_pool accounts, slots, transients, codes;
    struct exec_list known_accounts, known_slots; /* in the order the reader was asked */
    struct exec_list dirty_accounts, dirty_slots; /* written in this transaction */
    struct {
        uint8_t *accounts[POOL_FIRST], *slots[POOL_FIRST], *transients[POOL_FIRST],
            *codes[POOL_FIRST];
        uint32_t known_accounts[LIST_FIRST], known_slots[LIST_FIRST], dirty_accounts[LIST_FIRST],
            dirty_slots[LIST_FIRST];
        uint64_t journal[JOURNAL_FIRST];
    } first; /* what lists begin with; they move to the arena when they grow */
    /* What callers get when there is no memory for a real entry. */
    struct account_entry lost_account;
    struct slot_entry lost_slot;
    struct transient_entry lost_transient;
    struct code_entry lost_code;
};

/* The first failure stays. */
void exec_state_fail(struct exec_state *s, enum td_error err);

/* A new item at the end, for the caller to fill, or NULL with the error set. */
void *exec_pool_add(struct exec_state *s, struct exec_pool *p, size_t item_bytes, size_t align);
/* Room for one more: NULL with the error set, or an array that holds what `old` held. */
void *exec_array_grow(struct exec_state *s, const void *old, uint32_t count, uint32_t *cap,
                      uint32_t cap_min, size_t item_bytes, size_t align);
void exec_list_add(struct exec_state *s, struct exec_list *l, uint32_t v);

/* Append a record whose payload is words[0 .. count of its kind). */
void exec_undo_push(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                    const uint64_t *words);

/* Undo of one record; the part that owns the kind. */
void exec_account_undo(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                       const uint64_t *words);
void exec_slot_undo(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                    const uint64_t *words);

/* The account's entry, known or not. */
struct account_entry *exec_account_need(struct exec_state *s, const struct td_addr *a,
                                        uint32_t *number);
/* The same for a caller who has the address in words and exec_hash_addr of it. */
struct account_entry *exec_account_need_hashed(struct exec_state *s, const struct td_addr *a,
                                               const struct exec_addr_words *key, uint64_t sum,
                                               uint32_t *number);
/* All its storage reads 0 from here on.  Amortised O(1): a slot is looked at once per time it was
 * asked for, written or restored. */
void exec_storage_wipe(struct exec_state *s, struct account_entry *e);
/* Takes the block's first wipe back: slots asked for meanwhile get what the reader said. */
void exec_storage_unwipe(struct exec_state *s, struct account_entry *e);
/* Account side of the end of a transaction. */
void exec_accounts_tx_end(struct exec_state *s);
void exec_transients_clear(struct exec_state *s);

struct exec_key exec_account_key(const void *owner, uint32_t i);
struct exec_key exec_slot_key(const void *owner, uint32_t i);
struct exec_key exec_transient_key(const void *owner, uint32_t i);
struct exec_key exec_code_key(const void *owner, uint32_t i);

static inline struct account_entry *account_at(const struct exec_state *s, uint32_t i)
{
    return (struct account_entry *)(void *)s->accounts.chunks[i >> CHUNK_SHIFT] +
           (i & (CHUNK_ITEMS - 1u));
}

static inline struct slot_entry *slot_at(const struct exec_state *s, uint32_t i)
{
    return (struct slot_entry *)(void *)s->slots.chunks[i >> CHUNK_SHIFT] +
           (i & (CHUNK_ITEMS - 1u));
}

static inline struct transient_entry *transient_at(const struct exec_state *s, uint32_t i)
{
    return (struct transient_entry *)(void *)s->transients.chunks[i >> CHUNK_SHIFT] +
           (i & (CHUNK_ITEMS - 1u));
}

static inline struct code_entry *code_at(const struct exec_state *s, uint32_t i)
{
    return (struct code_entry *)(void *)s->codes.chunks[i >> CHUNK_SHIFT] +
           (i & (CHUNK_ITEMS - 1u));
}
