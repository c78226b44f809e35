#include "tests/node/mempool_model.h"

#include <string.h>

#include "tests/node/mempool_fixture.h"

/* Small, so that everything meets everything. */
#define SENDERS 6u
#define PER_ACCOUNT 5u
#define TXS_MAX 14u
#define BYTES_MAX (TXS_MAX * (NODE_MEMPOOL_TX_BYTES + 60u))
#define BLOCKS 5u
#define BLOCK_TXS 6u
#define BASE_MIN 7u
#define TTL 50u

struct item {
    uint64_t number, nonce, fee, tip, gas, value, arrival;
    uint64_t queued_at; /* step; 0: not queued */
    uint64_t since;
    uint32_t sender, raw_len;
    bool executable;
};

struct block {
    bool used;
    uint64_t numbers[BLOCK_TXS];
    uint32_t count;
};

struct model {
    struct node_mempool *pool;
    struct pool_chain *chain;
    struct item items[TXS_MAX + 1u];
    uint32_t count;
    struct block blocks[BLOCKS];
    uint64_t nonce[SENDERS], balance[SENDERS]; /* as last asked */
    uint64_t numbers, arrivals, step;
    uint64_t now, told; /* told: what the pool has heard of it */
    struct pool_model_seen *seen;
    const char *fault;
};

static void check(struct model *m, bool ok, const char *what)
{
    if (!ok && m->fault == NULL)
        m->fault = what;
}

static bool is_held(const struct model *m, uint64_t number)
{
    for (uint32_t b = 0; b < BLOCKS; b++)
        for (uint32_t i = 0; m->blocks[b].used && i < m->blocks[b].count; i++)
            if (m->blocks[b].numbers[i] == number)
                return true;
    return false;
}

static uint64_t cost(const struct item *t)
{
    return t->gas * t->fee + t->value;
}

static uint64_t pays(const struct item *t)
{
    uint64_t left = t->fee - BASE_MIN;
    return t->tip < left ? t->tip : left;
}

static struct item *at(struct model *m, uint32_t sender, uint64_t nonce)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->items[i].sender == sender && m->items[i].nonce == nonce)
            return &m->items[i];
    return NULL;
}

static void drop(struct model *m, struct item *t)
{
    *t = m->items[--m->count];
}

static struct item *numbered(struct model *m, uint64_t number)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->items[i].number == number)
            return &m->items[i];
    return NULL;
}

/* The sender's transactions below `nonce` that are still to be executed, in wei. */
static uint64_t spent_before(const struct model *m, uint32_t sender, uint64_t nonce)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->items[i].sender == sender && m->items[i].nonce < nonce &&
            m->items[i].nonce >= m->nonce[sender])
            sum += cost(&m->items[i]);
    return sum;
}

static uint64_t run_end(struct model *m, uint32_t sender)
{
    uint64_t n = m->nonce[sender];
    for (struct item *t; (t = at(m, sender, n)) != NULL; n++)
        if (!is_held(m, t->number) && spent_before(m, sender, n) + cost(t) > m->balance[sender])
            break;
    return n;
}

/* What the account's state no longer allows leaves; then who can run is found anew. */
static void judge(struct model *m, uint32_t sender, bool unpaid_leave)
{
    uint64_t top = m->nonce[sender] + 64u;
    for (uint64_t n = 0; n < top; n++) {
        struct item *t = at(m, sender, n);
        if (t == NULL || is_held(m, t->number))
            continue;
        bool much = spent_before(m, sender, n) + cost(t) > m->balance[sender];
        if (n < m->nonce[sender] || (unpaid_leave && much)) {
            drop(m, t);
            m->seen->dropped++;
        }
    }
}

static void sort_out(struct model *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct item *t = &m->items[i];
        t->executable = t->nonce < run_end(m, t->sender);
        bool queued = !t->executable && !is_held(m, t->number);
        if (queued && t->queued_at == 0) {
            t->queued_at = m->step;
            t->since = m->told;
        }
        if (!queued)
            t->queued_at = 0;
    }
}

static void ask(struct model *m, uint32_t sender)
{
    m->nonce[sender] = m->chain->nonce[sender];
    m->balance[sender] = m->chain->balance[sender].w[0];
}

/* ---- add */

static enum node_mempool_verdict verdict_of(struct model *m, const struct item *t)
{
    if (t->gas > 40000)
        return NODE_MEMPOOL_GAS;
    if (t->fee < BASE_MIN)
        return NODE_MEMPOOL_UNDERPRICED;
    ask(m, t->sender);
    judge(m, t->sender, false);
    sort_out(m);
    uint32_t have = 0;
    for (uint32_t i = 0; i < m->count; i++)
        have += m->items[i].sender == t->sender ? 1u : 0u;
    if (t->nonce < m->nonce[t->sender])
        return NODE_MEMPOOL_NONCE_LOW;
    if (t->nonce > m->nonce[t->sender] + PER_ACCOUNT)
        return NODE_MEMPOOL_NONCE_FAR;
    const struct item *old = at(m, t->sender, t->nonce);
    if (old == NULL && have >= PER_ACCOUNT)
        return NODE_MEMPOOL_ACCOUNT_LIMIT;
    if (old != NULL && is_held(m, old->number))
        return NODE_MEMPOOL_HELD;
    if (old != NULL && (10 * t->fee < 11 * old->fee || 10 * t->tip < 11 * old->tip ||
                        t->fee <= old->fee || t->tip <= old->tip))
        return NODE_MEMPOOL_REPLACE_UNDERPRICED;
    if (spent_before(m, t->sender, t->nonce) + cost(t) > m->balance[t->sender])
        return NODE_MEMPOOL_FUNDS;
    return NODE_MEMPOOL_OK;
}

struct room {
    uint64_t txs, bytes;
};

static struct room with(const struct model *m, const struct item *t, const struct item *old)
{
    struct room r = {m->count + 1u, t->raw_len + NODE_MEMPOOL_TX_BYTES};
    for (uint32_t i = 0; i < m->count; i++)
        r.bytes += m->items[i].raw_len + NODE_MEMPOOL_TX_BYTES;
    if (old != NULL) {
        r.txs--;
        r.bytes -= old->raw_len + NODE_MEMPOOL_TX_BYTES;
    }
    return r;
}

static bool fits(struct room r)
{
    return r.txs <= TXS_MAX && r.bytes <= BYTES_MAX;
}

static bool may_go(const struct model *m, const struct item *v, const struct item *t)
{
    bool own = v->sender == t->sender && v->nonce <= t->nonce;
    return !own && !is_held(m, v->number);
}

/* What leaves first among executable ones. */
static bool before(const struct item *a, const struct item *b)
{
    return pays(a) != pays(b) ? pays(a) < pays(b) : a->arrival > b->arrival;
}

static bool gone(const struct model *m, const struct item *v)
{
    struct td_hash h = pool_hash(v->number);
    struct node_mempool_tx tx;
    return !node_mempool_find(m->pool, &h, &tx);
}

/* Was this one the right one to go?  Nobody who stayed should have gone before it. */
static void check_victim(struct model *m, const struct item *v, const struct item *t, bool runs)
{
    check(m, may_go(m, v, t), "evicted one was held or its sender's own");
    check(m, runs || (!v->executable && pays(v) < pays(t)), "a queued one displaced a better one");
    check(m, !v->executable || pays(v) < pays(t), "an executable one that pays as much left");
    for (uint32_t i = 0; i < m->count; i++) {
        const struct item *o = &m->items[i];
        if (o == v || !may_go(m, o, t) || gone(m, o))
            continue;
        if (!v->executable)
            check(m, o->executable || o->queued_at <= v->queued_at, "a newer queued one stayed");
        else
            check(m, o->executable && before(v, o), "one that should go first stayed");
    }
}

/* Does b leave after a, or may it (queued since the same step)? */
static bool leaves_later(const struct item *a, const struct item *b)
{
    if (a->executable != b->executable)
        return b->executable;
    return a->executable ? before(a, b) : b->queued_at <= a->queued_at;
}

static void check_evictions(struct model *m, const struct item *t, const struct item *old,
                            bool runs)
{
    struct room r = with(m, t, old);
    const struct item *last = NULL;
    uint64_t victims = 0, last_bytes = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct item *v = &m->items[i];
        if (v == old || !gone(m, v))
            continue;
        check_victim(m, v, t, runs);
        uint64_t bytes = v->raw_len + NODE_MEMPOOL_TX_BYTES;
        bool tie = last != NULL && !v->executable && last->queued_at == v->queued_at;
        if (last == NULL || leaves_later(last, v)) {
            last_bytes = tie && last_bytes > bytes ? last_bytes : bytes;
            last = v;
        }
        r.txs--;
        r.bytes -= bytes;
        victims++;
    }
    check(m, fits(r), "too full after an eviction");
    if (victims > 0) /* without the last of them it would not have fitted */
        check(m, r.txs + 1u > TXS_MAX || r.bytes + last_bytes > BYTES_MAX, "more left than had to");
    m->seen->evicted += victims;
}

/* Refused for want of room: all that might have gone would not have been enough. */
static void check_no_room(struct model *m, const struct item *t, const struct item *old, bool runs)
{
    struct room r = with(m, t, old);
    for (uint32_t i = 0; i < m->count; i++) {
        const struct item *v = &m->items[i];
        check(m, !gone(m, v), "a refused one displaced another");
        if (v == old || !may_go(m, v, t))
            continue;
        if (v->executable && pays(v) >= pays(t))
            continue;
        r.txs--;
        r.bytes -= v->raw_len + NODE_MEMPOOL_TX_BYTES;
    }
    if (runs) /* a queued one stops at the first that pays as much */
        check(m, !fits(r), "refused though there was room to make");
}

static void enter(struct model *m, struct item t, enum node_mempool_verdict got)
{
    struct item *old = at(m, t.sender, t.nonce);
    uint64_t end = run_end(m, t.sender);
    bool runs = t.nonce <= end;
    if (got == NODE_MEMPOOL_UNDERPRICED) {
        check(m, !fits(with(m, &t, old)), "refused though there was room");
        check_no_room(m, &t, old, runs);
        m->seen->refused++;
        return;
    }
    check(m, got == (runs ? NODE_MEMPOOL_OK : NODE_MEMPOOL_QUEUED), "executable or queued");
    check_evictions(m, &t, old, runs);
    for (uint32_t i = m->count; i-- > 0;)
        if (gone(m, &m->items[i])) {
            m->seen->replaced += &m->items[i] == old ? 1u : 0u;
            drop(m, &m->items[i]);
        }
    t.arrival = ++m->arrivals;
    m->items[m->count++] = t;
    m->seen->added++;
    m->seen->queued += runs ? 0u : 1u;
}

static void op_add(struct model *m, const uint8_t b[8])
{
    static const uint8_t raw[256];
    static const uint64_t gases[4] = {21000, 21000, 40000, 40001};
    bool again = b[7] % 16u == 15u && m->count > 0;
    uint32_t sender = b[1] % SENDERS;
    struct item t = {.number = again ? m->items[b[1] % m->count].number : ++m->numbers,
                     .sender = sender,
                     .nonce = m->chain->nonce[sender] + b[2] % 8u,
                     .fee = 5u + b[3] % 32u,
                     .tip = b[4] % 24u,
                     .gas = gases[b[5] % 4u],
                     .value = b[6] % 8u * 10000u,
                     .raw_len = b[7] % 8u * 15u};
    if (t.nonce > 0 && b[2] % 16u == 8u)
        t.nonce = m->chain->nonce[sender] - 1u;
    struct exec_tx tx = pool_tx(t.number, sender, t.nonce, t.fee, t.tip);
    tx.gas_limit = t.gas;
    tx.value = exec_u256_of(t.value);
    m->told = m->now;
    enum node_mempool_verdict got =
        node_mempool_add(m->pool, &tx, (struct td_bytes){raw, t.raw_len}, m->now);
    enum node_mempool_verdict want = again ? NODE_MEMPOOL_KNOWN : verdict_of(m, &t);
    if (want == NODE_MEMPOOL_OK) {
        enter(m, t, got);
        return;
    }
    m->seen->refused++;
    check(m, got == want, "verdict");
}

/* ---- take */

static uint64_t native_cost(void *self, uint64_t raw_bytes, uint64_t gas_limit)
{
    (void)self;
    return gas_limit / 100u + raw_bytes;
}

static void op_take(struct model *m, const uint8_t b[8])
{
    struct node_mempool_tx out[TXS_MAX];
    struct node_mempool_want want = {.base_fee = exec_u256_of(b[1] % 40u),
                                     .gas = b[2] * 2000u,
                                     .native = b[3] * 20u,
                                     .bytes = b[4] * 5u,
                                     .count = b[5] % (TXS_MAX + 1u),
                                     .cost = b[6] % 2u ? native_cost : NULL};
    uint32_t got = node_mempool_take(m->pool, &want, out), n = 0;
    uint64_t next[SENDERS];
    for (uint32_t s = 0; s < SENDERS; s++)
        next[s] = m->nonce[s];
    while (n < want.count && want.gas >= 21000) {
        const struct item *best = NULL;
        uint64_t best_tip = 0;
        for (uint32_t s = 0; s < SENDERS; s++) {
            const struct item *t = at(m, s, next[s]);
            while (t != NULL && is_held(m, t->number))
                t = at(m, s, ++next[s]);
            if (t == NULL || !t->executable || t->fee < want.base_fee.w[0])
                continue;
            uint64_t left = t->fee - want.base_fee.w[0], tip = t->tip < left ? t->tip : left;
            if (best == NULL || tip > best_tip || (tip == best_tip && t->arrival < best->arrival)) {
                best = t;
                best_tip = tip;
            }
        }
        if (best == NULL)
            break;
        uint64_t native = want.cost == NULL ? 0 : native_cost(NULL, best->raw_len, best->gas);
        if (best->gas > want.gas || best->raw_len + 4u > want.bytes || native > want.native) {
            next[best->sender] = UINT64_MAX; /* and with it what follows */
            continue;
        }
        want.gas -= best->gas;
        want.bytes -= best->raw_len + 4u;
        want.native -= native;
        next[best->sender]++;
        struct td_hash h = pool_hash(best->number);
        check(m, n < got && td_hash_eq(&out[n].hash, &h), "take picked another");
        n++;
    }
    check(m, got == n, "take's count");
    m->seen->taken += n;
}

/* ---- blocks */

static void op_hold(struct model *m, const uint8_t b[8])
{
    struct block *k = &m->blocks[b[1] % BLOCKS];
    struct td_hash id = pool_hash(1000000u + b[1] % BLOCKS), hashes[BLOCK_TXS];
    bool known = k->used;
    uint32_t count = 1u + b[2] % BLOCK_TXS;
    uint64_t numbers[BLOCK_TXS];
    for (uint32_t i = 0; i < count; i++) { /* sometimes one twice, sometimes one to come */
        uint32_t pick = (b[3] + (b[4] + 1u) * i) % (TXS_MAX + 4u);
        numbers[i] = pick < m->count ? m->items[pick].number : m->numbers + pick % 4u;
        hashes[i] = pool_hash(numbers[i]);
    }
    node_mempool_hold(m->pool, &id, hashes, count);
    if (known)
        return;
    *k = (struct block){.used = true, .count = count};
    memcpy(k->numbers, numbers, count * sizeof numbers[0]);
    m->seen->held++;
}

/* Those it alone held are judged anew. */
static void free_block(struct model *m, struct block *k, bool anew[SENDERS])
{
    struct block was = *k;
    k->used = false;
    for (uint32_t i = 0; was.used && i < was.count; i++) {
        struct item *t = numbered(m, was.numbers[i]);
        if (t != NULL && !is_held(m, t->number))
            anew[t->sender] = true;
    }
}

static void op_release(struct model *m, const uint8_t b[8])
{
    struct td_hash id = pool_hash(1000000u + b[1] % BLOCKS);
    bool anew[SENDERS] = {false};
    m->seen->released += m->blocks[b[1] % BLOCKS].used ? 1u : 0u;
    node_mempool_release(m->pool, &id);
    free_block(m, &m->blocks[b[1] % BLOCKS], anew);
    for (uint32_t s = 0; s < SENDERS; s++) {
        if (!anew[s])
            continue;
        ask(m, s);
        judge(m, s, false);
    }
}

/* The block's first transactions are executed as far as nonces allow; the rest is skipped. */
static void op_settle(struct model *m, const uint8_t b[8])
{
    struct block *k = &m->blocks[b[1] % BLOCKS], was = *k;
    struct td_hash id = pool_hash(1000000u + b[1] % BLOCKS), hashes[BLOCK_TXS];
    struct td_addr senders[1] = {pool_addr(b[2] % SENDERS)};
    bool anew[SENDERS] = {false};
    if (!was.used)
        return;
    for (uint32_t i = 0; i < was.count; i++) {
        struct item *t = numbered(m, was.numbers[i]);
        hashes[i] = pool_hash(was.numbers[i]);
        if (t != NULL && t->nonce == m->chain->nonce[t->sender])
            m->chain->nonce[t->sender]++;
    }
    if (b[3] % 4u == 0) /* one that is not known here */
        m->chain->nonce[b[2] % SENDERS]++;
    m->chain->balance[b[2] % SENDERS] = exec_u256_of(b[4] * UINT64_C(20000));
    node_mempool_settle(m->pool, &id, hashes, was.count, senders, 1, ++m->now);
    m->told = m->now;
    free_block(m, k, anew);
    for (uint32_t i = 0; i < was.count; i++) {
        struct item *t = numbered(m, was.numbers[i]);
        if (t == NULL)
            continue;
        anew[t->sender] = true;
        drop(m, t);
    }
    anew[b[2] % SENDERS] = true;
    for (uint32_t s = 0; s < SENDERS; s++) {
        if (!anew[s])
            continue;
        ask(m, s);
        judge(m, s, true);
    }
    m->seen->settled++;
}

static void op_expire(struct model *m, const uint8_t b[8])
{
    m->now += b[1] % 32u;
    m->told = m->now;
    node_mempool_expire(m->pool, m->now);
    for (uint32_t i = m->count; i-- > 0;) {
        struct item *t = &m->items[i];
        if (t->queued_at != 0 && m->now - t->since > TTL) {
            drop(m, t);
            m->seen->expired++;
        }
    }
}

/* The chain moves on before the pool hears of it. */
static void op_ahead(struct model *m, const uint8_t b[8])
{
    uint32_t s = b[1] % SENDERS;
    m->chain->nonce[s] += b[2] % 4u == 0 ? 1u : 0u;
    m->chain->balance[s] = exec_u256_of(b[3] * UINT64_C(20000));
}

/* ---- after each step */

static bool count_one(void *ctx, const struct node_mempool_tx *tx)
{
    struct model *m = ctx;
    (void)tx;
    m->seen->steps++; /* borrowed, and given back by the caller */
    return true;
}

static void compare(struct model *m)
{
    struct node_mempool_stats st;
    uint64_t bytes = 0, before_walk = m->seen->steps;
    uint32_t executable = 0, held = 0, senders = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct item *t = &m->items[i];
        struct td_hash h = pool_hash(t->number);
        struct node_mempool_tx tx;
        if (!node_mempool_find(m->pool, &h, &tx)) {
            check(m, false, "one is missing");
            return;
        }
        check(m, tx.executable == t->executable, "executable");
        check(m, tx.held == is_held(m, t->number), "held");
        check(m, tx.nonce == t->nonce && pool_sender(&tx.sender) == t->sender, "identity");
        bytes += t->raw_len + NODE_MEMPOOL_TX_BYTES;
        executable += t->executable ? 1u : 0u;
        held += is_held(m, t->number) ? 1u : 0u;
    }
    for (uint32_t s = 0; s < SENDERS; s++) {
        struct td_addr a = pool_addr(s);
        bool any = false;
        uint64_t next = run_end(m, s), top = 0;
        for (uint32_t i = 0; i < m->count; i++)
            if (m->items[i].sender == s) {
                any = true;
                if (is_held(m, m->items[i].number) && m->items[i].nonce >= top)
                    top = m->items[i].nonce + 1u;
            }
        senders += any ? 1u : 0u;
        bool on = m->chain->nonce[s] > next || top > next;
        next = m->chain->nonce[s] > next ? m->chain->nonce[s] : next;
        next = top > next ? top : next;
        while (on && at(m, s, next) != NULL)
            next++;
        check(m, node_mempool_nonce(m->pool, &a) == next, "pending nonce");
    }
    node_mempool_stats(m->pool, &st);
    node_mempool_each(m->pool, count_one, m);
    check(m, m->seen->steps - before_walk == m->count, "walk");
    m->seen->steps = before_walk;
    check(m, st.txs == m->count && st.executable == executable && st.held == held, "counts");
    check(m, st.queued == m->count - executable && st.senders == senders, "counts of queues");
    check(m, st.bytes == bytes && bytes <= BYTES_MAX, "bytes");
}

static void run(struct model *m, const uint8_t *bytes, size_t len)
{
    for (; len >= 8 && m->fault == NULL; bytes += 8, len -= 8) {
        m->step++;
        m->now++;
        uint32_t kind = bytes[0] % 16u;
        if (kind < 8)
            op_add(m, bytes);
        else if (kind < 10)
            op_take(m, bytes);
        else if (kind < 12)
            op_hold(m, bytes);
        else if (kind == 12)
            op_release(m, bytes);
        else if (kind == 13)
            op_settle(m, bytes);
        else if (kind == 14)
            op_expire(m, bytes);
        else
            op_ahead(m, bytes);
        sort_out(m);
        compare(m);
        m->seen->steps++;
    }
}

const char *pool_model_run(const uint8_t *bytes, size_t len, struct pool_model_seen *seen)
{
    static struct pool_chain chain;
    struct node_mempool_options o = {.max_txs = TXS_MAX,
                                     .per_account = PER_ACCOUNT,
                                     .max_bytes = BYTES_MAX,
                                     .block_gas = 40000,
                                     .base_fee_min = {{BASE_MIN}},
                                     .ttl_ns = TTL,
                                     .accounts_self = &chain,
                                     .account = pool_account};
    memset(&chain, 0, sizeof chain);
    struct model m = {.chain = &chain, .seen = seen, .pool = node_mempool_new(&o)};
    if (m.pool == NULL)
        return NULL;
    for (uint32_t s = 0; s < SENDERS; s++) {
        chain.nonce[s] = s % 2u * 3u;
        chain.balance[s] = exec_u256_of(5000000);
        ask(&m, s);
    }
    run(&m, bytes, len);
    node_mempool_free(m.pool);
    return m.fault;
}
