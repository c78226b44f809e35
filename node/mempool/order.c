#include "base/core/assert.h"
#include "node/mempool/mempool_internal.h"

uint64_t node_mempool_saturate(const struct exec_u256 *v)
{
    return exec_u256_u64_or_max(v);
}

bool node_mempool_tip(const struct mempool_entry *e, const struct exec_u256 *base_fee,
                      struct exec_u256 *tip)
{
    if (exec_u256_sub(tip, &e->fee_cap, base_fee))
        return false;
    if (exec_u256_cmp(&e->tip_cap, tip) < 0)
        *tip = e->tip_cap;
    return true;
}

/* ---- the heap: least paying first, newest among equals */

static bool leaves_before(const struct mempool_pay *a, const struct mempool_pay *b)
{
    if (a->pays != b->pays)
        return a->pays < b->pays;
    if (a->pays == UINT64_MAX) { /* saturated, perhaps */
        int c = exec_u256_cmp(&a->entry->pays, &b->entry->pays);
        if (c != 0)
            return c < 0;
    }
    return a->entry->arrival > b->entry->arrival;
}

static void pay_set(struct node_mempool *m, uint32_t i, struct mempool_pay p)
{
    m->pay[i] = p;
    p.entry->heap_index = i;
}

static void pay_up(struct node_mempool *m, uint32_t i, struct mempool_pay p)
{
    while (i > 0 && leaves_before(&p, &m->pay[(i - 1u) / 2u])) {
        pay_set(m, i, m->pay[(i - 1u) / 2u]);
        i = (i - 1u) / 2u;
    }
    pay_set(m, i, p);
}

static void pay_down(struct node_mempool *m, uint32_t i, struct mempool_pay p)
{
    for (uint32_t child; (child = 2u * i + 1u) < m->pay_count; i = child) {
        if (child + 1u < m->pay_count && leaves_before(&m->pay[child + 1u], &m->pay[child]))
            child++;
        if (!leaves_before(&m->pay[child], &p))
            break;
        pay_set(m, i, m->pay[child]);
    }
    pay_set(m, i, p);
}

static void pay_push(struct node_mempool *m, struct mempool_entry *e)
{
    TD_ASSERT(m->pay_count < m->options.max_txs);
    pay_up(m, m->pay_count++, (struct mempool_pay){node_mempool_saturate(&e->pays), e});
}

static void pay_remove(struct node_mempool *m, struct mempool_entry *e)
{
    uint32_t i = e->heap_index;
    struct mempool_pay last = m->pay[--m->pay_count];
    e->heap_index = MEMPOOL_NOWHERE;
    if (last.entry == e)
        return;
    if (i > 0 && leaves_before(&last, &m->pay[(i - 1u) / 2u]))
        pay_up(m, i, last);
    else
        pay_down(m, i, last);
}

/* ---- the list: as they became queued */

static void list_append(struct node_mempool *m, struct mempool_entry *e)
{
    e->since_ns = m->now_ns;
    e->next = NULL;
    e->prev = m->newest;
    if (m->newest != NULL)
        m->newest->next = e;
    else
        m->oldest = e;
    m->newest = e;
    e->listed = true;
}

static void list_remove(struct node_mempool *m, struct mempool_entry *e)
{
    if (e->prev != NULL)
        e->prev->next = e->next;
    else
        m->oldest = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    else
        m->newest = e->prev;
    e->prev = e->next = NULL;
    e->listed = false;
}

void node_mempool_unplace(struct node_mempool *m, struct mempool_entry *e)
{
    if (e->heap_index != MEMPOOL_NOWHERE)
        pay_remove(m, e);
    if (e->listed)
        list_remove(m, e);
}

void node_mempool_place(struct node_mempool *m, struct mempool_entry *e)
{
    bool heap = e->holds == 0 && e->executable, list = e->holds == 0 && !e->executable;
    if (!heap && e->heap_index != MEMPOOL_NOWHERE)
        pay_remove(m, e);
    if (!list && e->listed)
        list_remove(m, e);
    if (heap && e->heap_index == MEMPOOL_NOWHERE)
        pay_push(m, e);
    if (list && !e->listed)
        list_append(m, e);
}

/* ---- room */

struct room {
    uint64_t txs, bytes; /* as they would be with the newcomer */
    struct mempool_entry *victims, *spared;
};

static bool fits(const struct node_mempool *m, const struct room *r)
{
    return r->txs <= m->options.max_txs && r->bytes <= m->options.max_bytes;
}

static bool may_go(const struct mempool_newcomer *n, const struct mempool_entry *e)
{
    bool own = td_addr_eq(&e->sender, n->sender) && e->nonce < n->entry->nonce;
    return e != n->replaced && !own;
}

/* Taken out of its structure and chained; e->next is free for that then. */
static void set_aside(struct node_mempool *m, struct mempool_entry **chain, struct mempool_entry *e)
{
    node_mempool_unplace(m, e);
    e->next = *chain;
    *chain = e;
}

static void count_victim(struct room *r, const struct mempool_entry *e)
{
    r->txs--;
    r->bytes -= (uint64_t)e->raw_len + NODE_MEMPOOL_TX_BYTES;
}

/* The queued ones that would go, newest first: how many of the list's end were looked at is given
 * by *last, the last victim; nothing is moved yet. */
static struct mempool_entry *choose_queued(const struct node_mempool *m,
                                           const struct mempool_newcomer *n, struct room *r)
{
    struct mempool_entry *last = NULL;
    for (struct mempool_entry *e = m->newest; e != NULL && !fits(m, r); e = e->prev) {
        if (!may_go(n, e))
            continue;
        if (!n->executable && exec_u256_cmp(&e->pays, &n->entry->pays) >= 0)
            break; /* only the newest ones, and only what pays less */
        count_victim(r, e);
        last = e;
    }
    return last;
}

static void choose_executable(struct node_mempool *m, const struct mempool_newcomer *n,
                              struct room *r)
{
    while (m->pay_count > 0 && !fits(m, r)) {
        struct mempool_entry *e = m->pay[0].entry;
        if (exec_u256_cmp(&e->pays, &n->entry->pays) >= 0)
            return;
        if (may_go(n, e)) {
            count_victim(r, e);
            set_aside(m, &r->victims, e);
        } else {
            set_aside(m, &r->spared, e);
        }
    }
}

static void evict(struct node_mempool *m, struct mempool_entry *e)
{
    m->stats.evicted++;
    node_mempool_drop(m, e);
}

static void put_back(struct node_mempool *m, struct mempool_entry *chain)
{
    while (chain != NULL) {
        struct mempool_entry *e = chain;
        chain = e->next;
        e->next = NULL;
        pay_push(m, e);
    }
}

bool node_mempool_make_room(struct node_mempool *m, const struct mempool_newcomer *n)
{
    struct room r = {.txs = (uint64_t)m->stats.txs + 1u,
                     .bytes = m->stats.bytes + n->entry->raw_len + NODE_MEMPOOL_TX_BYTES};
    if (n->replaced != NULL)
        count_victim(&r, n->replaced);
    if (fits(m, &r))
        return true;
    struct mempool_entry *queued = choose_queued(m, n, &r);
    if (n->executable)
        choose_executable(m, n, &r);
    bool ok = fits(m, &r);
    put_back(m, r.spared);
    if (!ok) {
        put_back(m, r.victims);
        return false;
    }
    for (struct mempool_entry *e = m->newest, *prev; queued != NULL; e = prev) {
        prev = e->prev;
        bool done = e == queued;
        if (may_go(n, e))
            evict(m, e);
        if (done)
            break;
    }
    while (r.victims != NULL) {
        struct mempool_entry *e = r.victims;
        r.victims = e->next;
        e->next = NULL;
        evict(m, e);
    }
    return true;
}
