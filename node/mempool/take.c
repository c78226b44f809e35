#include "node/mempool/mempool_internal.h"

/* Senders of which nothing fits any more before take gives up: a block that is full but for a few
 * bytes would otherwise be offered every sender. */
#define MISFITS_MAX 1024u
#define TX_GAS_MIN 21000u /* intrinsic: with less gas left nothing fits */

struct taking {
    const struct node_mempool *m;
    const struct node_mempool_want *want;
    uint64_t base_fee; /* saturated */
    uint32_t count;    /* of m->picks */
    uint64_t gas, native, bytes;
};

static bool goes_first(const struct taking *t, const struct mempool_pick *a,
                       const struct mempool_pick *b)
{
    if (a->tip != b->tip)
        return a->tip > b->tip;
    if (a->tip == UINT64_MAX) { /* saturated, perhaps */
        struct exec_u256 x, y;
        bool fine = node_mempool_tip(a->entry, &t->want->base_fee, &x) &&
                    node_mempool_tip(b->entry, &t->want->base_fee, &y);
        int c = fine ? exec_u256_cmp(&x, &y) : 0;
        if (c != 0)
            return c > 0;
    }
    return a->arrival < b->arrival;
}

/* What is near the top is soon taken: its memory may come meanwhile. */
static void fetch(const struct mempool_entry *e)
{
    const char *p = (const char *)e;
    for (size_t line = 0; line < offsetof(struct mempool_entry, cost); line += 64)
        __builtin_prefetch(p + line);
}

/* Four children a node: half the levels, and the children lie together. */
#define CHILDREN 4u

static void down(struct taking *t, uint32_t i, struct mempool_pick p)
{
    struct mempool_pick *h = t->m->picks;
    for (uint32_t first; (first = CHILDREN * i + 1u) < t->count;) {
        uint32_t best = first;
        uint32_t end = first + CHILDREN < t->count ? first + CHILDREN : t->count;
        for (uint32_t c = first + 1u; c < end; c++)
            if (goes_first(t, &h[c], &h[best]))
                best = c;
        if (!goes_first(t, &h[best], &p))
            break;
        h[i] = h[best];
        if (i <= CHILDREN)
            fetch(h[i].entry);
        i = best;
    }
    h[i] = p;
}

/* Effective tip, saturated; false: it waits for a lower base fee. */
static bool tip_of(const struct taking *t, const struct mempool_head *head, uint64_t *tip)
{
    if (head->fee_cap != UINT64_MAX) {
        if (head->fee_cap < t->base_fee)
            return false;
        uint64_t left = head->fee_cap - t->base_fee;
        *tip = left < head->tip_cap ? left : head->tip_cap;
        return true;
    }
    struct exec_u256 v;
    if (!node_mempool_tip(head->entry, &t->want->base_fee, &v))
        return false;
    *tip = node_mempool_saturate(&v);
    return true;
}

static void gather(struct taking *t)
{
    for (uint32_t slot = 0; slot < t->m->account_count; slot++) {
        const struct mempool_head *head = &t->m->heads[slot];
        uint64_t tip;
        if (head->entry == NULL || !tip_of(t, head, &tip))
            continue;
        t->m->picks[t->count++] =
            (struct mempool_pick){tip, head->arrival, head->entry, slot, head->index};
    }
    for (uint32_t i = t->count / CHILDREN + 1u; i-- > 0;)
        down(t, i, t->m->picks[i]);
}

/* The top leaves the heap, and with it what would follow. */
static void pop(struct taking *t)
{
    if (--t->count > 0)
        down(t, 0, t->m->picks[t->count]);
}

/* The sender's next transaction to the heap's top, or the sender leaves it. */
static void advance(struct taking *t, struct mempool_pick p)
{
    const struct mempool_head *first = &t->m->heads[p.slot];
    const struct mempool_account *a = first->alone ? NULL : t->m->accounts[p.slot];
    while (a != NULL && ++p.index < a->count) {
        const struct mempool_entry *e = a->tx[a->start + p.index];
        if (!e->executable)
            break;
        if (e->holds > 0)
            continue;
        struct mempool_head head = {.entry = e,
                                    .tip_cap = node_mempool_saturate(&e->tip_cap),
                                    .fee_cap = node_mempool_saturate(&e->fee_cap)};
        if (!tip_of(t, &head, &p.tip))
            break;
        p.arrival = e->arrival;
        p.entry = e;
        down(t, 0, p);
        return;
    }
    pop(t);
}

static bool fit(struct taking *t, const struct mempool_entry *e)
{
    const struct node_mempool_want *w = t->want;
    uint64_t bytes = (uint64_t)e->raw_len + 4u;
    uint64_t native = w->cost == NULL ? 0 : w->cost(w->cost_self, e->raw_len, e->gas_limit);
    if (e->gas_limit > t->gas || bytes > t->bytes || native > t->native)
        return false;
    t->gas -= e->gas_limit;
    t->bytes -= bytes;
    t->native -= native;
    return true;
}

static void view(const struct mempool_entry *e, struct node_mempool_tx *out)
{
    *out = (struct node_mempool_tx){.hash = e->hash,
                                    .sender = e->sender,
                                    .nonce = e->nonce,
                                    .gas_limit = e->gas_limit,
                                    .arrival = e->arrival,
                                    .fee_cap = e->fee_cap,
                                    .tip_cap = e->tip_cap,
                                    .value = e->value,
                                    .raw = {e->raw, e->raw_len},
                                    .executable = e->executable,
                                    .held = e->holds > 0};
}

/* A heap over senders, each with its first transaction that may be taken: building it is linear,
 * and only what is taken costs a logarithm. */
uint32_t node_mempool_take(const struct node_mempool *m, const struct node_mempool_want *want,
                           struct node_mempool_tx *out)
{
    struct taking t = {.m = m,
                       .want = want,
                       .base_fee = node_mempool_saturate(&want->base_fee),
                       .gas = want->gas,
                       .native = want->native,
                       .bytes = want->bytes};
    uint32_t taken = 0, misfits = 0;
    gather(&t);
    while (t.count > 0 && taken < want->count && t.gas >= TX_GAS_MIN && misfits < MISFITS_MAX) {
        struct mempool_pick top = m->picks[0];
        const struct mempool_entry *e = top.entry;
        if (fit(&t, e)) {
            view(e, &out[taken++]);
            advance(&t, top);
        } else {
            misfits++;
            pop(&t);
        }
    }
    return taken;
}

bool node_mempool_find(const struct node_mempool *m, const struct td_hash *hash,
                       struct node_mempool_tx *out)
{
    const struct mempool_entry *e = node_mempool_index_find(&m->by_hash, hash->b);
    if (e == NULL)
        return false;
    view(e, out);
    return true;
}

void node_mempool_each(const struct node_mempool *m,
                       bool (*each)(void *ctx, const struct node_mempool_tx *tx), void *ctx)
{
    struct node_mempool_tx tx;
    for (uint32_t slot = 0; slot < m->account_count; slot++) {
        const struct mempool_account *a = m->accounts[slot];
        for (uint32_t i = 0; i < a->count; i++) {
            view(a->tx[a->start + i], &tx);
            if (!each(ctx, &tx))
                return;
        }
    }
}
