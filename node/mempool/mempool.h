/* Transactions that wait for a block.
 *
 *     raw ─decode, recover (elsewhere)─▶ add ─▶ per sender: nonce n, n+1, n+2 | gap | n+5
 *                                                 └── executable ──┘     └ queued ┘
 *     take ─▶ payload for the next block            settle ◀─ block executed
 *
 * 1. Bounds: txs, bytes, per account (options).  When full, room is made for an executable one by
 *    the newest queued ones, then by the executable ones that pay less than it, least first, newest
 *    among equals; a queued one displaces only the newest queued ones that pay less, so that what
 *    cannot run never drives out what can.  What is "paid" here is the tip that is left at
 *    base_fee_min.  A refused one displaces nobody, and nobody displaces its own predecessor.
 * 2. A nonce is replaced by a transaction whose fee cap and tip cap are both at least 10 % higher
 *    (rounded up), as go-ethereum's pool has it.
 * 3. take orders by effective tip at the given base fee, first come first served among equal tips,
 *    nonces of one sender in order; transactions whose fee cap is below the base fee wait.
 * 4. What is in a block proposed and not yet executed is held: neither taken nor evicted nor
 *    replaced, and `pending` nonces count it.  Ordering runs up to 3 heights ahead of execution.
 * 5. One thread.  Accounts are asked of the caller's port, never cached beyond settle.
 * 6. Wei sums that overflow count as too much; nothing here asserts about transactions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "executor/tx.h"

/* What a transaction costs in memory besides its raw bytes, at most: its own record, an account of
 * its own, a pointer in it (doubled, as arrays grow by doubling) and what malloc adds to each of
 * the three.  mempool.c asserts it. */
#define NODE_MEMPOOL_TX_BYTES 576u

struct node_mempool;

struct node_mempool_options {
    uint32_t max_txs, per_account;
    uint64_t max_bytes;
    uint64_t chain_id, block_gas, tx_native_max;
    struct exec_u256 base_fee_min; /* fee caps below it are refused */
    uint64_t ttl_ns;               /* queued (not executable) ones are dropped after this; 0: 3 h */
    void *accounts_self;
    void (*account)(void *self, const struct td_addr *addr, uint64_t *nonce,
                    struct exec_u256 *balance); /* at the newest executed block */
};

enum node_mempool_verdict {
    NODE_MEMPOOL_OK,     /* executable */
    NODE_MEMPOOL_QUEUED, /* held back by a nonce gap */
    NODE_MEMPOOL_KNOWN,  /* "already known" */
    NODE_MEMPOOL_NONCE_LOW,
    NODE_MEMPOOL_NONCE_FAR,   /* more than per_account ahead */
    NODE_MEMPOOL_UNDERPRICED, /* pool full, or below the base fee's minimum */
    NODE_MEMPOOL_REPLACE_UNDERPRICED,
    NODE_MEMPOOL_FUNDS, /* gas_limit * fee_cap + value of it and its predecessors > balance */
    NODE_MEMPOOL_GAS,   /* above the block's limit */
    NODE_MEMPOOL_ACCOUNT_LIMIT,
    NODE_MEMPOOL_HELD, /* its nonce is in a block under way */
    NODE_MEMPOOL_NOMEM,
    NODE_MEMPOOL_COUNT
};
/* geth's texts, which wallets match on; static, never NULL. */
const char *node_mempool_text(enum node_mempool_verdict v);

/* NULL without memory. */
struct node_mempool *node_mempool_new(const struct node_mempool_options *options);
void node_mempool_free(struct node_mempool *m);

/* `tx` was decoded from `raw` and recovered, and exec_tx_check passed; both are copied (of tx only
 * what ordering needs).  base_fee_min refuses what could never be taken. */
enum node_mempool_verdict node_mempool_add(struct node_mempool *m, const struct exec_tx *tx,
                                           struct td_bytes raw, uint64_t now_ns);

/* One transaction as the pool has it; views until the next call that changes the pool. */
struct node_mempool_tx {
    struct td_hash hash;
    struct td_addr sender;
    uint64_t nonce, gas_limit, arrival; /* arrival: a counter */
    struct exec_u256 fee_cap, tip_cap, value;
    struct td_bytes raw;
    bool executable, held;
};
bool node_mempool_find(const struct node_mempool *m, const struct td_hash *hash,
                       struct node_mempool_tx *out);

/* Next nonce of an account counting what waits executable or is held (beyond a gap, too: who made
 * the block knows what fills it): eth_getTransactionCount "pending". */
uint64_t node_mempool_nonce(const struct node_mempool *m, const struct td_addr *addr);

struct node_mempool_want {
    struct exec_u256 base_fee;
    uint64_t gas;    /* sum of gas limits */
    uint64_t native; /* sum of min(tx_native_max, gas_limit * native_per_gas) + per-byte cost; the
                        caller computes through `cost`; NULL: not bounded */
    uint64_t bytes;  /* sum of raw sizes and of the 4 bytes each that a payload puts in front */
    uint32_t count;
    void *cost_self;
    uint64_t (*cost)(void *self, uint64_t raw_bytes, uint64_t gas_limit);
};
/* Fill out[want->count] with the best set; returns how many.  Does not hold them. */
uint32_t node_mempool_take(const struct node_mempool *m, const struct node_mempool_want *want,
                           struct node_mempool_tx *out);

/* A block on the way names these; unknown hashes are remembered so that a later add of one is held
 * at once.  `block`: the block's hash; hold again is harmless. */
void node_mempool_hold(struct node_mempool *m, const struct td_hash *block,
                       const struct td_hash *hashes, uint32_t count);
/* The block will not become final. */
void node_mempool_release(struct node_mempool *m, const struct td_hash *block);
/* The block was executed: its transactions leave, and those of the senders named are judged anew
 * (nonce too low: dropped; no longer affordable: dropped).  Also releases it. */
void node_mempool_settle(struct node_mempool *m, const struct td_hash *block,
                         const struct td_hash *hashes, uint32_t count,
                         const struct td_addr *senders, uint32_t sender_count, uint64_t now_ns);

struct node_mempool_stats {
    uint32_t txs, executable, queued, held, senders;
    uint64_t bytes; /* raw bytes and NODE_MEMPOOL_TX_BYTES each: what max_bytes bounds */
    uint64_t added, replaced, evicted, expired;
    uint64_t refused[NODE_MEMPOOL_COUNT];
};
void node_mempool_stats(const struct node_mempool *m, struct node_mempool_stats *out);

/* For txpool_content: all transactions, sender by sender, nonces ascending; stops when `each`
 * returns false. */
void node_mempool_each(const struct node_mempool *m,
                       bool (*each)(void *ctx, const struct node_mempool_tx *tx), void *ctx);
/* Drop queued transactions past their time. */
void node_mempool_expire(struct node_mempool *m, uint64_t now_ns);
