#include "node/mempool/mempool.h"

#include <stdlib.h>

#include "base/core/assert.h"
#include "node/mempool/mempool_internal.h"

#define TTL_NS (UINT64_C(3) * 3600u * 1000000000u)

/* The pointer counts twice, and malloc adds up to 16 bytes and rounds up to 16 each time. */
_Static_assert(sizeof(struct mempool_entry) + sizeof(struct mempool_account) +
                       4u * sizeof(struct mempool_entry *) + 3u * 32u <=
                   NODE_MEMPOOL_TX_BYTES,
               "a transaction takes more than is counted");

const char *node_mempool_text(enum node_mempool_verdict v)
{
    switch (v) {
    case NODE_MEMPOOL_OK:
        return "ok";
    case NODE_MEMPOOL_QUEUED:
        return "queued behind a nonce gap";
    case NODE_MEMPOOL_KNOWN:
        return "already known";
    case NODE_MEMPOOL_NONCE_LOW:
        return "nonce too low";
    case NODE_MEMPOOL_NONCE_FAR:
        return "nonce too high";
    case NODE_MEMPOOL_UNDERPRICED:
        return "transaction underpriced";
    case NODE_MEMPOOL_REPLACE_UNDERPRICED:
        return "replacement transaction underpriced";
    case NODE_MEMPOOL_FUNDS:
        return "insufficient funds for gas * price + value";
    case NODE_MEMPOOL_GAS:
        return "exceeds block gas limit";
    case NODE_MEMPOOL_ACCOUNT_LIMIT:
        return "account limit exceeded";
    case NODE_MEMPOOL_HELD:
        return "replacement refused: transaction with this nonce is in a block under way";
    case NODE_MEMPOOL_NOMEM:
        return "out of memory";
    case NODE_MEMPOOL_COUNT:
        break;
    }
    return "unknown";
}

struct node_mempool *node_mempool_new(const struct node_mempool_options *options)
{
    struct node_mempool *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->options = *options;
    if (m->options.ttl_ns == 0)
        m->options.ttl_ns = TTL_NS;
    /* One more account than transactions: a newcomer's exists before the newcomer. */
    size_t n = (size_t)options->max_txs + 1u;
    m->accounts = calloc(n, sizeof(struct mempool_account *));
    m->heads = calloc(n, sizeof *m->heads);
    m->picks = calloc(n, sizeof *m->picks);
    m->pay = calloc(n, sizeof *m->pay);
    bool ok =
        m->accounts != NULL && m->heads != NULL && m->picks != NULL && m->pay != NULL &&
        node_mempool_index_init(&m->by_hash, options->max_txs, offsetof(struct mempool_entry, hash),
                                TD_HASH_BYTES) &&
        node_mempool_index_init(&m->by_addr, options->max_txs,
                                offsetof(struct mempool_account, addr), TD_ADDR_BYTES) &&
        node_mempool_index_init(&m->marks, 0, offsetof(struct mempool_mark, hash), TD_HASH_BYTES);
    if (ok)
        return m;
    node_mempool_free(m);
    return NULL;
}

void node_mempool_free(struct node_mempool *m)
{
    if (m == NULL)
        return;
    for (uint32_t slot = 0; slot < m->account_count; slot++) {
        struct mempool_account *a = m->accounts[slot];
        for (uint32_t i = 0; i < a->count; i++)
            free(a->tx[a->start + i]);
        free(a->tx);
        free(a);
    }
    node_mempool_holds_free(m);
    node_mempool_index_free(&m->by_hash);
    node_mempool_index_free(&m->by_addr);
    node_mempool_index_free(&m->marks);
    free(m->accounts);
    free(m->heads);
    free(m->picks);
    free(m->pay);
    free(m);
}

/* ---- add */

/* Is `now` at least a tenth above `was`, rounded up, and above it at all? */
static bool raised(const struct exec_u256 *was, const struct exec_u256 *now)
{
    struct exec_u256 ten = exec_u256_of(10), one = exec_u256_of(1), tenth, rest, need;
    exec_u256_div(&tenth, was, &ten);
    exec_u256_mod(&rest, was, &ten);
    if (!exec_u256_is_zero(&rest) || exec_u256_is_zero(&tenth))
        (void)exec_u256_add(&tenth, &tenth, &one);
    return !exec_u256_add(&need, was, &tenth) && exec_u256_cmp(now, &need) >= 0;
}

/* gas_limit * fee_cap + value; false: over 2^256 - 1. */
static bool cost_of(const struct exec_tx *tx, struct exec_u256 *cost)
{
    struct exec_u256 gas = exec_u256_of(tx->gas_limit);
    return !exec_u256_mul_checked(cost, &gas, &tx->fee_cap) &&
           !exec_u256_add(cost, cost, &tx->value);
}

struct adding {
    const struct exec_tx *tx;
    struct mempool_account *account; /* NULL: none of its transactions is here */
    struct mempool_entry *replaced;
    uint64_t nonce; /* of the account */
    struct exec_u256 balance, cost;
    bool extends; /* right behind the run, and nothing beyond */
    bool executable;
};

/* What its predecessors and itself cost, against the balance. */
static bool affordable(const struct adding *a)
{
    struct exec_u256 sum = a->cost;
    const struct mempool_account *acc = a->account;
    if (a->extends) {
        if (acc->overdrawn || exec_u256_add(&sum, &sum, &acc->run_cost))
            return false;
    } else {
        for (uint32_t i = 0; acc != NULL && i < acc->count; i++) {
            const struct mempool_entry *e = acc->tx[acc->start + i];
            if (e->nonce >= a->tx->nonce)
                break;
            if (e->nonce >= acc->nonce && exec_u256_add(&sum, &sum, &e->cost))
                return false;
        }
    }
    return exec_u256_cmp(&sum, &a->balance) <= 0;
}

/* The account as it is now: what it says may be newer than the last block settled here. */
static void meet(struct node_mempool *m, struct adding *a)
{
    m->options.account(m->options.accounts_self, &a->tx->sender, &a->nonce, &a->balance);
    a->account = node_mempool_account_find(m, &a->tx->sender);
    if (a->account == NULL ||
        (a->account->nonce == a->nonce && exec_u256_eq(&a->account->balance, &a->balance)))
        return;
    a->account->nonce = a->nonce;
    a->account->balance = a->balance;
    node_mempool_dirty(m, a->account);
    node_mempool_flush(m, false, false);
    a->account = node_mempool_account_find(m, &a->tx->sender); /* it may have lost all it had */
}

static enum node_mempool_verdict judge(struct node_mempool *m, struct adding *a)
{
    const struct exec_tx *tx = a->tx;
    if (tx->gas_limit > m->options.block_gas)
        return NODE_MEMPOOL_GAS;
    if (exec_u256_cmp(&tx->fee_cap, &m->options.base_fee_min) < 0)
        return NODE_MEMPOOL_UNDERPRICED;
    meet(m, a);
    if (tx->nonce < a->nonce)
        return NODE_MEMPOOL_NONCE_LOW;
    if (tx->nonce - a->nonce > m->options.per_account || tx->nonce == UINT64_MAX)
        return NODE_MEMPOOL_NONCE_FAR;
    const struct mempool_account *acc = a->account;
    a->executable = tx->nonce <= (acc == NULL ? a->nonce : acc->next);
    if (acc != NULL) {
        uint32_t at = node_mempool_account_position(acc, tx->nonce);
        a->extends = at == acc->count && tx->nonce == acc->next;
        if (at < acc->count && acc->tx[acc->start + at]->nonce == tx->nonce)
            a->replaced = acc->tx[acc->start + at];
        else if (acc->count >= m->options.per_account)
            return NODE_MEMPOOL_ACCOUNT_LIMIT;
    }
    if (a->replaced != NULL) {
        if (a->replaced->holds > 0)
            return NODE_MEMPOOL_HELD;
        if (!raised(&a->replaced->fee_cap, &tx->fee_cap) ||
            !raised(&a->replaced->tip_cap, &tx->tip_cap))
            return NODE_MEMPOOL_REPLACE_UNDERPRICED;
    }
    return cost_of(tx, &a->cost) && affordable(a) ? NODE_MEMPOOL_OK : NODE_MEMPOOL_FUNDS;
}

static struct mempool_entry *entry_new(struct node_mempool *m, const struct adding *a,
                                       struct td_bytes raw)
{
    struct mempool_entry *e = malloc(sizeof *e + raw.len);
    if (e == NULL)
        return NULL;
    *e = (struct mempool_entry){.hash = a->tx->hash,
                                .sender = a->tx->sender,
                                .nonce = a->tx->nonce,
                                .gas_limit = a->tx->gas_limit,
                                .fee_cap = a->tx->fee_cap,
                                .tip_cap = a->tx->tip_cap,
                                .value = a->tx->value,
                                .cost = a->cost,
                                .raw_len = (uint32_t)raw.len,
                                .heap_index = MEMPOOL_NOWHERE};
    if (raw.len > 0)
        memcpy(e->raw, raw.ptr, raw.len);
    (void)node_mempool_tip(e, &m->options.base_fee_min, &e->pays);
    return e;
}

/* Everything that can fail has not changed anything yet but the newcomer's account, which flush
 * frees again when it stays empty. */
static enum node_mempool_verdict enter(struct node_mempool *m, struct adding *a,
                                       struct mempool_entry *e)
{
    struct mempool_newcomer n = {
        .entry = e, .sender = &a->tx->sender, .replaced = a->replaced, .executable = a->executable};
    struct mempool_account *acc = a->account;
    if (acc == NULL)
        acc = node_mempool_account_new(m, &a->tx->sender, a->nonce, &a->balance);
    if (acc == NULL)
        return NODE_MEMPOOL_NOMEM;
    if (acc->count == 0)
        node_mempool_dirty(m, acc);
    if (!node_mempool_account_reserve(acc))
        return NODE_MEMPOOL_NOMEM;
    if (!node_mempool_make_room(m, &n))
        return NODE_MEMPOOL_UNDERPRICED;
    if (a->replaced != NULL) {
        node_mempool_drop(m, a->replaced);
        m->stats.replaced++;
    }
    e->arrival = ++m->arrivals;
    e->holds = node_mempool_mark_take(m, &e->hash);
    bool put = node_mempool_index_put(&m->by_hash, e);
    TD_ASSERT(put); /* sized for max_txs */
    (void)node_mempool_account_reserve(acc);
    node_mempool_account_insert(acc, e);
    m->stats.txs++;
    m->stats.held += e->holds > 0 ? 1u : 0u;
    m->stats.bytes += (uint64_t)e->raw_len + NODE_MEMPOOL_TX_BYTES;
    m->stats.added++;
    if (a->extends && !acc->dirty)
        node_mempool_account_extend(m, acc, e);
    else
        node_mempool_dirty(m, acc);
    return NODE_MEMPOOL_OK;
}

static enum node_mempool_verdict add(struct node_mempool *m, const struct exec_tx *tx,
                                     struct td_bytes raw)
{
    struct adding a = {.tx = tx};
    if (node_mempool_index_find(&m->by_hash, tx->hash.b) != NULL)
        return NODE_MEMPOOL_KNOWN;
    enum node_mempool_verdict v = judge(m, &a);
    if (v != NODE_MEMPOOL_OK)
        return v;
    if (raw.len > TD_TX_BYTES_MAX) /* decoding refuses these; no block would have room */
        return NODE_MEMPOOL_UNDERPRICED;
    struct mempool_entry *e = entry_new(m, &a, raw);
    if (e == NULL)
        return NODE_MEMPOOL_NOMEM;
    v = enter(m, &a, e);
    if (v != NODE_MEMPOOL_OK)
        free(e);
    node_mempool_flush(m, false, false);
    return v != NODE_MEMPOOL_OK || e->executable ? v : NODE_MEMPOOL_QUEUED;
}

enum node_mempool_verdict node_mempool_add(struct node_mempool *m, const struct exec_tx *tx,
                                           struct td_bytes raw, uint64_t now_ns)
{
    if (now_ns > m->now_ns)
        m->now_ns = now_ns;
    enum node_mempool_verdict v = add(m, tx, raw);
    if (v > NODE_MEMPOOL_QUEUED)
        m->stats.refused[v]++;
    return v;
}

/* ---- the rest */

uint64_t node_mempool_nonce(const struct node_mempool *m, const struct td_addr *addr)
{
    uint64_t next;
    struct exec_u256 balance;
    m->options.account(m->options.accounts_self, addr, &next, &balance);
    const struct mempool_account *a = node_mempool_account_find(m, addr);
    if (a == NULL)
        return next;
    bool on = next > a->next; /* past what is known of the run */
    if (!on)
        next = a->next;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct mempool_entry *e = a->tx[a->start + i];
        on = on || (e->nonce >= next && e->holds > 0);
        if (on && e->nonce >= next && (e->holds > 0 || e->nonce == next))
            next = e->nonce + 1u;
    }
    return next;
}

void node_mempool_stats(const struct node_mempool *m, struct node_mempool_stats *out)
{
    *out = m->stats;
    out->queued = m->stats.txs - m->stats.executable;
    out->senders = m->account_count;
}

void node_mempool_expire(struct node_mempool *m, uint64_t now_ns)
{
    if (now_ns > m->now_ns)
        m->now_ns = now_ns;
    while (m->oldest != NULL && m->now_ns - m->oldest->since_ns > m->options.ttl_ns) {
        node_mempool_drop(m, m->oldest);
        m->stats.expired++;
    }
    node_mempool_flush(m, false, false);
}
