#include <stdlib.h>

#include "base/core/assert.h"
#include "node/mempool/mempool_internal.h"

struct mempool_account *node_mempool_account_find(const struct node_mempool *m,
                                                  const struct td_addr *addr)
{
    return node_mempool_index_find(&m->by_addr, addr->b);
}

struct mempool_account *node_mempool_account_new(struct node_mempool *m, const struct td_addr *addr,
                                                 uint64_t nonce, const struct exec_u256 *balance)
{
    struct mempool_account *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->addr = *addr;
    a->nonce = a->next = nonce;
    a->balance = *balance;
    if (!node_mempool_index_put(&m->by_addr, a)) {
        free(a);
        return NULL;
    }
    /* Each account has a transaction, but the one that is being added has none yet. */
    TD_ASSERT(m->account_count <= m->options.max_txs);
    a->slot = m->account_count++;
    m->accounts[a->slot] = a;
    m->heads[a->slot] = (struct mempool_head){0};
    return a;
}

static void account_free(struct node_mempool *m, struct mempool_account *a)
{
    uint32_t last = --m->account_count;
    m->accounts[a->slot] = m->accounts[last];
    m->accounts[a->slot]->slot = a->slot;
    m->heads[a->slot] = m->heads[last];
    node_mempool_index_remove(&m->by_addr, a->addr.b);
    free(a->tx);
    free(a);
}

uint32_t node_mempool_account_position(const struct mempool_account *a, uint64_t nonce)
{
    struct mempool_entry *const *tx = a->count == 0 ? NULL : a->tx + a->start;
    uint32_t lo = 0, hi = a->count;
    if (hi > 0 && tx[hi - 1u]->nonce < nonce) /* the usual case */
        return hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2u;
        if (tx[mid]->nonce < nonce)
            lo = mid + 1u;
        else
            hi = mid;
    }
    return lo;
}

bool node_mempool_account_reserve(struct mempool_account *a)
{
    if (a->start + a->count < a->cap)
        return true;
    if (a->start > 0 && a->start >= a->count) {
        memmove(a->tx, a->tx + a->start, a->count * sizeof(struct mempool_entry *));
        a->start = 0;
        return true;
    }
    uint32_t cap = a->cap == 0 ? 2u : 2u * a->cap;
    struct mempool_entry **tx = realloc(a->tx, cap * sizeof(struct mempool_entry *));
    if (tx == NULL)
        return false;
    a->tx = tx;
    a->cap = cap;
    return true;
}

void node_mempool_account_insert(struct mempool_account *a, struct mempool_entry *e)
{
    uint32_t at = node_mempool_account_position(a, e->nonce);
    struct mempool_entry **tx = a->tx + a->start;
    TD_ASSERT(a->start + a->count < a->cap);
    memmove(tx + at + 1, tx + at, (a->count - at) * sizeof(struct mempool_entry *));
    tx[at] = e;
    a->count++;
    e->account = a;
}

static void account_remove(struct mempool_account *a, const struct mempool_entry *e)
{
    uint32_t at = node_mempool_account_position(a, e->nonce);
    struct mempool_entry **tx = a->tx + a->start;
    TD_ASSERT(at < a->count && tx[at] == e);
    a->count--;
    if (at == 0)
        a->start++; /* blocks take from the front */
    else
        memmove(tx + at, tx + at + 1, (a->count - at) * sizeof(struct mempool_entry *));
    if (a->count == 0)
        a->start = 0;
}

void node_mempool_dirty(struct node_mempool *m, struct mempool_account *a)
{
    if (a->dirty)
        return;
    a->dirty = true;
    a->next_dirty = m->dirty;
    m->dirty = a;
}

static void count(struct node_mempool *m, const struct mempool_entry *e, bool in)
{
    uint32_t by = in ? 1u : UINT32_MAX; /* minus one */
    m->stats.txs += by;
    if (e->executable)
        m->stats.executable += by;
    if (e->holds > 0)
        m->stats.held += by;
    uint64_t bytes = (uint64_t)e->raw_len + NODE_MEMPOOL_TX_BYTES;
    m->stats.bytes += in ? bytes : 0 - bytes;
}

void node_mempool_drop(struct node_mempool *m, struct mempool_entry *e)
{
    node_mempool_unplace(m, e);
    count(m, e, false);
    node_mempool_index_remove(&m->by_hash, e->hash.b);
    account_remove(e->account, e);
    node_mempool_dirty(m, e->account);
    free(e);
}

/* What may no longer be here: nonces that are used up, and with `drop` what cannot be paid. */
static void judge(struct node_mempool *m, struct mempool_account *a, bool drop)
{
    struct exec_u256 sum = {{0}};
    bool over = false;
    for (uint32_t i = 0; i < a->count;) {
        struct mempool_entry *e = a->tx[a->start + i];
        bool used = e->nonce < a->nonce;
        struct exec_u256 with = sum;
        bool much = !used && (exec_u256_add(&with, &sum, &e->cost) || over ||
                              exec_u256_cmp(&with, &a->balance) > 0);
        if (e->holds == 0 && (used || (drop && much))) {
            node_mempool_drop(m, e);
            continue;
        }
        if (much && exec_u256_cmp(&with, &sum) < 0)
            over = true; /* a held one may be too much; so is what follows it */
        sum = with;
        i++;
    }
}

static void set_head(struct node_mempool *m, const struct mempool_account *a, uint32_t index)
{
    const struct mempool_entry *e = a->tx[a->start + index];
    m->heads[a->slot] = (struct mempool_head){.entry = e,
                                              .tip_cap = node_mempool_saturate(&e->tip_cap),
                                              .fee_cap = node_mempool_saturate(&e->fee_cap),
                                              .arrival = e->arrival,
                                              .index = index,
                                              .alone = index + 1u == a->count};
}

static void set_executable(struct node_mempool *m, struct mempool_entry *e, bool executable)
{
    if (e->executable != executable)
        m->stats.executable += executable ? 1u : UINT32_MAX;
    e->executable = executable;
    node_mempool_place(m, e);
}

/* Invariant 1, and the head. */
static void refresh(struct node_mempool *m, struct mempool_account *a)
{
    struct exec_u256 sum = {{0}};
    bool run = true, headed = false;
    a->next = a->nonce;
    a->overdrawn = false;
    m->heads[a->slot].entry = NULL;
    for (uint32_t i = 0; i < a->count; i++) {
        struct mempool_entry *e = a->tx[a->start + i];
        if (e->nonce >= a->nonce && run) {
            struct exec_u256 with;
            bool over = exec_u256_add(&with, &sum, &e->cost) || a->overdrawn;
            bool paid = !over && exec_u256_cmp(&with, &a->balance) <= 0;
            run = e->nonce == a->next && (e->holds > 0 || paid);
            if (run) {
                a->next++;
                sum = with;
                a->overdrawn = over;
            }
        }
        set_executable(m, e, e->nonce < a->next);
        if (!headed && e->executable && e->holds == 0) {
            set_head(m, a, i);
            headed = true;
        }
    }
    a->run_cost = sum;
}

void node_mempool_account_extend(struct node_mempool *m, struct mempool_account *a,
                                 struct mempool_entry *e)
{
    a->next++;
    a->overdrawn = exec_u256_add(&a->run_cost, &a->run_cost, &e->cost) || a->overdrawn;
    set_executable(m, e, true);
    if (m->heads[a->slot].entry == NULL && e->holds == 0)
        set_head(m, a, a->count - 1u);
    else
        m->heads[a->slot].alone = false;
}

void node_mempool_flush(struct node_mempool *m, bool ask, bool drop)
{
    while (m->dirty != NULL) {
        struct mempool_account *a = m->dirty;
        if (ask && a->count > 0)
            m->options.account(m->options.accounts_self, &a->addr, &a->nonce, &a->balance);
        judge(m, a, drop); /* a is dirty and stays where it is in the list meanwhile */
        m->dirty = a->next_dirty;
        a->dirty = false;
        if (a->count == 0)
            account_free(m, a);
        else
            refresh(m, a);
    }
}
