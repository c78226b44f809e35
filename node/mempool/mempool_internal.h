/* Inside the mempool: the records, the indexes, and who may call what.
 *
 *     by_hash ──▶ entry ◀── account.tx[] (nonces ascending) ◀── by_addr
 *                   │
 *                   ├─ executable, not held ─▶ pay[]: heap, least paying first
 *                   └─ queued, not held ─────▶ list, since ascending      (held: in neither)
 *     accounts[slot] ∥ heads[slot]: first transaction that take may pick, dense for scanning
 *
 * 1. entry.executable <=> its nonce is below account.next, the end of the run that starts at the
 *    account's nonce, has no gap, and whose summed costs the balance covers (held ones: always).
 * 2. An entry below its account's nonce is held (executed, not settled yet); others are gone.
 * 3. Whoever changes an account's transactions marks it dirty; node_mempool_flush restores 1, 2 and
 *    the heads, and frees accounts without transactions. */
#pragma once

#include "base/core/limits.h"
#include "base/core/types.h"
#include "node/mempool/mempool.h"

/* Blocks held at a time: ordering runs 3 heights ahead of execution, each with the proposals of a
 * few rounds.  Beyond, the oldest is forgotten.  Memory: this times TD_TXS_PER_BLOCK_MAX hashes =
 * 16 MiB, and as much again in marks when none of them is known here. */
#define NODE_MEMPOOL_HOLDS_MAX 32u

/* ---- index.c: open addressing, keyed by a salted hash of bytes inside the record */

struct mempool_slot {
    uint64_t key;
    void *record; /* NULL: free */
};
struct mempool_index {
    struct mempool_slot *slots;
    uint32_t mask, count;
    size_t name_offset, name_bytes; /* of the name within a record; 20 or 32 bytes */
    uint64_t salt[4];               /* else peers could choose names that collide */
};
bool node_mempool_index_init(struct mempool_index *x, uint32_t capacity, size_t name_offset,
                             size_t name_bytes);
void node_mempool_index_free(struct mempool_index *x);
void *node_mempool_index_find(const struct mempool_index *x, const void *name);
/* Not there yet.  False: no memory to grow (never while count < capacity). */
bool node_mempool_index_put(struct mempool_index *x, void *record);
void node_mempool_index_remove(struct mempool_index *x, const void *name);

/* ---- records */

#define MEMPOOL_NOWHERE UINT32_MAX

struct mempool_account;
struct mempool_entry {
    /* What a block's choice copies, together: it reads thousands of these, each from memory. */
    struct td_hash hash;
    struct td_addr sender;
    uint32_t raw_len, holds; /* holds: blocks under way that have it */
    bool executable, listed; /* listed: in the list of queued ones */
    uint64_t nonce, gas_limit, arrival;
    struct exec_u256 fee_cap, tip_cap, value;
    /* The rest. */
    struct exec_u256 cost, pays;
    struct mempool_account *account;
    uint64_t since_ns;   /* when it became queued */
    uint32_t heap_index; /* in pay[]; MEMPOOL_NOWHERE: not there */
    struct mempool_entry *prev, *next;
    uint8_t raw[];
};

struct mempool_account {
    struct td_addr addr;
    uint32_t slot; /* in accounts[] and heads[] */
    uint32_t start, count, cap;
    struct mempool_entry **tx; /* tx[start .. start + count) */
    uint64_t nonce;            /* as last asked */
    struct exec_u256 balance;
    uint64_t next;             /* end of the executable run */
    struct exec_u256 run_cost; /* summed over it */
    bool dirty, overdrawn;     /* overdrawn: run_cost has overflowed (held ones may) */
    struct mempool_account *next_dirty;
};

/* Amounts saturated to 64 bits, so that the rare bigger ones alone need a look at the entry. */
struct mempool_head {
    const struct mempool_entry *entry; /* NULL: nothing to take */
    uint64_t tip_cap, fee_cap, arrival;
    uint32_t index; /* in account.tx, from start */
    bool alone;     /* nothing of the account can follow it */
};
struct mempool_pay {
    uint64_t pays;
    struct mempool_entry *entry;
};
struct mempool_pick { /* a sender in take's heap */
    uint64_t tip, arrival;
    const struct mempool_entry *entry;
    uint32_t slot, index;
};

struct mempool_mark { /* a held hash that is not in the pool */
    struct td_hash hash;
    uint32_t holds;
};
struct mempool_hold {
    struct td_hash block;
    struct td_hash *hashes;
    uint32_t count;
};

struct node_mempool {
    struct node_mempool_options options;
    struct mempool_index by_hash, by_addr, marks;
    struct mempool_account **accounts;
    struct mempool_head *heads;
    uint32_t account_count;
    struct mempool_pay *pay;
    uint32_t pay_count;
    struct mempool_entry *oldest, *newest; /* the list of queued ones */
    struct mempool_pick *picks;            /* take's memory: one per account */
    struct mempool_account *dirty;
    struct mempool_hold holds[NODE_MEMPOOL_HOLDS_MAX]; /* oldest first */
    uint32_t hold_count;
    uint64_t now_ns, arrivals;
    struct node_mempool_stats stats;
};

/* ---- account.c */

struct mempool_account *node_mempool_account_find(const struct node_mempool *m,
                                                  const struct td_addr *addr);
/* Ask the port; NULL without memory. */
struct mempool_account *node_mempool_account_new(struct node_mempool *m, const struct td_addr *addr,
                                                 uint64_t nonce, const struct exec_u256 *balance);
/* Index from start of the first nonce >= `nonce`. */
uint32_t node_mempool_account_position(const struct mempool_account *a, uint64_t nonce);
bool node_mempool_account_reserve(struct mempool_account *a);
/* Make room first. */
void node_mempool_account_insert(struct mempool_account *a, struct mempool_entry *e);
void node_mempool_dirty(struct node_mempool *m, struct mempool_account *a);
/* Bring every dirty account in order; `ask`: about nonces and balances first; `drop`: what the
 * balance does not cover leaves. */
void node_mempool_flush(struct node_mempool *m, bool ask, bool drop);
/* A transaction appended to an account in order whose run it continues: as flush, in O(1). */
void node_mempool_account_extend(struct node_mempool *m, struct mempool_account *a,
                                 struct mempool_entry *e);
/* Out of every structure, and freed; the account becomes dirty. */
void node_mempool_drop(struct node_mempool *m, struct mempool_entry *e);

/* ---- order.c: the heap and the list that room is made from */

uint64_t node_mempool_saturate(const struct exec_u256 *v);
/* min(tip cap, fee cap - base fee); false: the fee cap is below the base fee. */
bool node_mempool_tip(const struct mempool_entry *e, const struct exec_u256 *base_fee,
                      struct exec_u256 *tip);
/* Put the entry where it belongs by `executable` and `holds`. */
void node_mempool_place(struct node_mempool *m, struct mempool_entry *e);
void node_mempool_unplace(struct node_mempool *m, struct mempool_entry *e);

struct mempool_newcomer {
    const struct mempool_entry *entry; /* not in the pool yet: pays, nonce, raw_len */
    const struct td_addr *sender;
    const struct mempool_entry *replaced; /* leaves anyway; NULL: none */
    bool executable;
};
/* Evict what rule 1 of mempool.h allows until the newcomer fits; false: it cannot, and nothing
 * changed.  Accounts become dirty. */
bool node_mempool_make_room(struct node_mempool *m, const struct mempool_newcomer *n);

/* ---- hold.c */

/* Holds waiting for this hash, which now count on the entry. */
uint32_t node_mempool_mark_take(struct node_mempool *m, const struct td_hash *hash);
void node_mempool_holds_free(struct node_mempool *m);
