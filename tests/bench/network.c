#include "tests/bench/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rng.h"

#define TXS_MAX 256u
#define LATER_MAX 96u
#define WALL_START_MS UINT64_C(1700000000000)
#define DELAY_MIN_NS UINT64_C(10000000)
#define DELAY_MAX_NS UINT64_C(70000000)
#define END_NS INT64_C(3600000000000) /* an hour without the last height is a stall */

/* An encoded message on its way to `refs` nodes. */
struct blob {
    uint32_t refs;
    size_t len;
    uint8_t bytes[];
};

/* Something due at a node: a frame, or its timer when there is no blob. */
struct due {
    int64_t at_ns;
    uint64_t order; /* breaks ties, so that a run repeats */
    uint32_t from, to;
    struct blob *blob;
};

struct node {
    struct bft_replica *replica;
    void *region;
    struct bft_guard guard;
    struct td_addr addr;
    int64_t timer_ns;
};

struct net {
    const struct bench_network_shape *shape;
    struct bench_stream *out;
    struct bft_config cfg;
    struct node *node;
    struct due *heap;
    size_t heap_count, heap_cap;
    uint64_t order;
    int64_t now_ns;
    struct td_rng rng;
    struct bft_effects *fx;
    struct td_arena arena; /* of the frame being delivered */
    struct td_arena probe; /* of keep_msg */
};

static void *must(void *p)
{
    TD_ASSERT(p != NULL);
    return p;
}

/* ---- recording */

struct chunk {
    struct chunk *next;
    _Alignas(16) uint8_t bytes[];
};

static void *keep(struct bench_stream *s, const void *from, size_t len)
{
    struct chunk *c = must(malloc(sizeof *c + len));
    c->next = s->chunks;
    s->chunks = c;
    if (from != NULL)
        memcpy(c->bytes, from, len);
    return c->bytes;
}

/* Decode once to learn what the arena needs, then for good. */
static const struct bft_msg *keep_msg(struct net *n, const uint8_t *frame, size_t len)
{
    struct bench_stream *s = n->out;
    struct bft_msg probe;
    struct td_arena arena;
    td_arena_reset(&n->probe);
    TD_ASSERT(bft_msg_decode(&probe, &n->probe, frame, len) == TD_OK);
    size_t room = n->probe.used + 64u; /* alignment may cost more at another address */
    struct bft_msg *m = keep(s, NULL, sizeof *m);
    td_arena_init(&arena, keep(s, NULL, room), room);
    TD_ASSERT(bft_msg_decode(m, &arena, frame, len) == TD_OK);
    return m;
}

static void record(struct net *n, const struct bft_event *ev, const struct blob *blob)
{
    struct bench_stream *s = n->out;
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 4096 : s->cap * 2u;
        s->event = must(realloc(s->event, s->cap * sizeof s->event[0]));
    }
    struct bench_event *e = &s->event[s->count++];
    *e = (struct bench_event){.ev = *ev};
    switch (ev->kind) {
    case BFT_EV_MESSAGE:
        e->frame = keep(s, blob->bytes, blob->len);
        e->frame_bytes = blob->len;
        e->ev.u.msg = keep_msg(n, e->frame, e->frame_bytes);
        break;
    case BFT_EV_EXECUTED:
        e->ev.u.executed = keep(s, ev->u.executed, sizeof *ev->u.executed);
        break;
    case BFT_EV_SIGNED:
        e->ev.u.signed_msg = keep(s, ev->u.signed_msg, sizeof *ev->u.signed_msg);
        break;
    case BFT_EV_START:
    case BFT_EV_TICK:
    case BFT_EV_PEER_UP:
    case BFT_EV_PEER_DOWN:
    case BFT_EV_PAYLOAD_READY:
    case BFT_EV_PAYLOAD_BUILT:
    case BFT_EV_ORIGIN_VERDICT:
    case BFT_EV_SET_KNOWN:
    case BFT_EV_PERSISTED:
    case BFT_EV_L1_HEAD:
        break;
    }
}

/* ---- what is due next */

static bool before(const struct due *a, const struct due *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct net *n, struct due d)
{
    d.order = n->order++;
    if (n->heap_count == n->heap_cap) {
        n->heap_cap = n->heap_cap == 0 ? 65536 : n->heap_cap * 2u;
        n->heap = must(realloc(n->heap, n->heap_cap * sizeof n->heap[0]));
    }
    size_t i = n->heap_count++;
    for (; i > 0 && before(&d, &n->heap[(i - 1) / 2]); i = (i - 1) / 2)
        n->heap[i] = n->heap[(i - 1) / 2];
    n->heap[i] = d;
}

static struct due pop(struct net *n)
{
    struct due top = n->heap[0];
    struct due last = n->heap[--n->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n->heap_count)
            break;
        if (child + 1 < n->heap_count && before(&n->heap[child + 1], &n->heap[child]))
            child++;
        if (!before(&n->heap[child], &last))
            break;
        n->heap[i] = n->heap[child];
        i = child;
    }
    n->heap[i] = last;
    return top;
}

/* ---- the shell around each core */

static void payload(const struct net *n, uint64_t height, struct td_hash *hashes)
{
    for (uint64_t i = 0; i < n->shape->txs; i++) {
        uint64_t in[2] = {height, i};
        td_keccak256(&hashes[i], in, sizeof in);
    }
}

static void transmit(struct net *n, uint32_t from, uint32_t peer, const struct bft_msg *m)
{
    struct td_hash hashes[TXS_MAX];
    struct bft_msg copy = *m;
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.tx_count > 0) {
        payload(n, m->u.proposal.header.height, hashes);
        copy.u.proposal.tx_hashes = hashes;
    }
    struct blob *b = must(malloc(sizeof *b + bft_msg_size(&copy)));
    struct td_writer w;
    b->len = bft_msg_size(&copy);
    b->refs = 0;
    td_writer_init(&w, b->bytes, b->len);
    bft_msg_encode(&w, &copy);
    TD_ASSERT(w.err == TD_OK && w.len == b->len);
    for (uint32_t to = 0; to < n->shape->nodes; to++) {
        if (to == from || (peer != BFT_NO_PEER && peer != to))
            continue;
        b->refs++;
        push(n, (struct due){.at_ns = n->now_ns +
                                      (int64_t)td_rng_range(&n->rng, DELAY_MIN_NS, DELAY_MAX_NS),
                             .from = from,
                             .to = to,
                             .blob = b});
    }
    if (b->refs == 0)
        free(b);
}

static void carry_out(struct net *n, uint32_t i);

static void give(struct net *n, uint32_t i, struct bft_event ev, const struct blob *blob)
{
    ev.mono_ns = n->now_ns;
    ev.wall_ms = WALL_START_MS + (uint64_t)n->now_ns / 1000000u;
    if (i == 0)
        record(n, &ev, blob);
    (void)bft_step(n->node[i].replica, &ev, n->fx);
    carry_out(n, i);
}

static void answer_sign(struct net *n, uint32_t i, const struct bft_effect *fx)
{
    struct bft_guard *guard = &n->node[i].guard;
    struct bft_signed m = fx->u.sign.msg;
    enum bft_guard_verdict v = bft_guard_admit(guard, &m);
    TD_ASSERT(v == BFT_GUARD_OK || v == BFT_GUARD_SAME);
    if (v == BFT_GUARD_OK) {
        struct td_sig sig;
        for (size_t k = 0; k < sizeof sig.b; k++)
            sig.b[k] = (uint8_t)td_rng_u64(&n->rng);
        switch (m.kind) {
        case BFT_SIGNED_PROPOSE:
            m.u.propose.sig = sig;
            break;
        case BFT_SIGNED_VOTE:
            m.u.vote.sig = sig;
            break;
        case BFT_SIGNED_COMMIT:
            m.u.commit.sig = sig;
            break;
        case BFT_SIGNED_TIMEOUT:
            m.u.timeout.sig = sig;
            break;
        case BFT_SIGNED_ATTEST:
            m.u.attest.sig = sig;
            break;
        case BFT_SIGNED_BATCH:
            m.u.batch.sig = sig;
            break;
        }
        bft_guard_keep(guard, &m, fx->u.sign.parent_round);
    }
    give(n, i, (struct bft_event){.kind = BFT_EV_SIGNED, .u.signed_msg = &m}, NULL);
}

static void answer_make(struct net *n, uint32_t i, const struct bft_effect *fx)
{
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT};
    ev.u.built = (struct bft_payload_built){
        .epoch = fx->u.make.epoch, .round = fx->u.make.round, .origin = fx->u.make.parent_origin};
    if (n->shape->txs > 0 && !fx->u.make.empty) {
        struct td_hash hashes[TXS_MAX], scratch[TXS_MAX];
        payload(n, fx->u.make.height, hashes);
        bft_payload_root(&ev.u.built.payload_root, scratch, hashes, n->shape->txs);
        ev.u.built.tx_count = n->shape->txs;
        ev.u.built.payload_bytes = n->shape->txs * 128u;
    }
    give(n, i, ev, NULL);
}

static void answer_finalize(struct net *n, uint32_t i, const struct bft_header *h,
                            const struct td_hash *hash)
{
    if (h->filler)
        return;
    struct bft_executed x = {.result = {.height = h->height, .block_hash = *hash}};
    td_keccak256(&x.result.state_commitment, hash->b, sizeof hash->b);
    td_keccak256(&x.batch_hash, x.result.state_commitment.b, sizeof hash->b);
    x.batch_native = x.batch_bytes = 1;
    give(n, i, (struct bft_event){.kind = BFT_EV_EXECUTED, .u.executed = &x}, NULL);
}

/* Effects live until the replica's next step, so what must be answered is copied out first. */
static void carry_out(struct net *n, uint32_t i)
{
    struct bft_effect later[LATER_MAX];
    struct bft_header header[LATER_MAX];
    uint32_t count = 0;
    for (uint32_t k = 0; k < n->fx->count; k++) {
        const struct bft_effect *fx = &n->fx->list[k];
        switch (fx->kind) {
        case BFT_FX_SEND:
            transmit(n, i, fx->peer, fx->u.msg);
            break;
        case BFT_FX_TIMER:
            n->node[i].timer_ns = fx->u.at_ns;
            push(n, (struct due){.at_ns = fx->u.at_ns, .to = i});
            break;
        case BFT_FX_SIGN:
        case BFT_FX_PERSIST:
        case BFT_FX_MAKE_PAYLOAD:
        case BFT_FX_FINALIZE:
            TD_ASSERT(count < LATER_MAX);
            later[count] = *fx;
            if (fx->kind == BFT_FX_FINALIZE)
                header[count] = *fx->u.block.header;
            count++;
            break;
        case BFT_FX_HALT:
        case BFT_FX_ALARM:
        case BFT_FX_EVIDENCE:
        case BFT_FX_CHECK_ORIGIN:
            TD_ASSERT(false); /* nobody misbehaves, and there is no L1 */
            break;
        case BFT_FX_FETCH: /* nothing is lost: what is asked for is on its way */
        case BFT_FX_FINAL_PROOF:
        case BFT_FX_ATTESTED:
        case BFT_FX_BATCH_CERT:
        case BFT_FX_ENTER_EPOCH:
        case BFT_FX_SYNC:
            break;
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        if (later[k].kind == BFT_FX_SIGN)
            answer_sign(n, i, &later[k]);
        else if (later[k].kind == BFT_FX_MAKE_PAYLOAD)
            answer_make(n, i, &later[k]);
        else if (later[k].kind == BFT_FX_FINALIZE)
            answer_finalize(n, i, &header[k], &later[k].u.block.hash);
        else
            give(
                n, i,
                (struct bft_event){.kind = BFT_EV_PERSISTED, .u.persist_id = later[k].u.persist.id},
                NULL);
    }
}

static void deliver(struct net *n, const struct due *d)
{
    struct bft_msg m;
    td_arena_reset(&n->arena);
    TD_ASSERT(bft_msg_decode(&m, &n->arena, d->blob->bytes, d->blob->len) == TD_OK);
    bool has_payload = m.kind == BFT_MSG_PROPOSAL && m.u.proposal.header.tx_count > 0;
    struct td_hash hash = {{0}};
    if (has_payload)
        hash = m.u.proposal.hash;
    give(n, d->to, (struct bft_event){.kind = BFT_EV_MESSAGE, .peer = d->from, .u.msg = &m},
         d->blob);
    if (has_payload) {
        struct bft_event ready = {.kind = BFT_EV_PAYLOAD_READY};
        ready.u.verdict.hash = hash;
        ready.u.verdict.valid = true;
        give(n, d->to, ready, NULL);
    }
    if (--d->blob->refs == 0)
        free(d->blob);
}

/* ---- set-up and run */

void bench_set(struct bft_set *set, uint32_t n, const struct td_pubkey *keys,
               const struct td_addr *addrs)
{
    struct bft_validator v[BFT_SIGNERS_MAX];
    TD_ASSERT(n <= BFT_SIGNERS_MAX);
    memset(v, 0, sizeof v);
    for (uint32_t i = 0; i < n; i++) {
        v[i].addr = addrs[i];
        v[i].stake = 1000;
        if (keys != NULL)
            v[i].key = keys[i];
        else
            v[i].key.b[0] = 2;
    }
    TD_ASSERT(bft_set_init(set, 0, v, n, BFT_SIGNERS_MAX) == TD_OK);
}

static void configure(struct net *n, struct bft_set *set)
{
    struct bft_config *cfg = &n->cfg;
    struct td_addr addrs[BFT_SIGNERS_MAX];
    for (uint32_t i = 0; i < n->shape->nodes; i++) {
        struct td_hash h;
        td_keccak256(&h, &i, sizeof i);
        memcpy(addrs[i].b, h.b, sizeof addrs[i].b);
        n->node[i].addr = addrs[i];
    }
    bench_set(set, n->shape->nodes, NULL, addrs);
    cfg->genesis.ts_ms = WALL_START_MS - 1000u;
    bft_header_hash(&cfg->genesis_hash, &cfg->genesis);
    bft_domain_init(&cfg->domain, 31337, &(struct td_addr){{0}}, 7, &cfg->genesis_hash);
    cfg->genesis_result.b[0] = 9;
    cfg->schedule = set;
    cfg->schedule_count = 1;
    cfg->epoch_length = 4096; /* beyond the recording: the steady state of an epoch */
    cfg->validators_max = TD_VALIDATORS_DEFAULT;
    cfg->payload_bytes_max = TD_PAYLOAD_BYTES_MAX;
    cfg->txs_max = TD_TXS_PER_BLOCK_MAX;
    cfg->batch_blocks_min = 5;
    cfg->batch_blocks_max = 20;
    cfg->batch_ms_max = 300000;
    cfg->batch_native_max = cfg->batch_bytes_max = UINT64_MAX;
    cfg->block_interval_ns = INT64_C(1000000) * TD_BLOCK_INTERVAL_MS_DEFAULT;
    cfg->delta_ns = INT64_C(1000000) * TD_DELTA_MS_DEFAULT;
}

static void start_all(struct net *n)
{
    struct bft_restore none = {0};
    struct bft_config cfg = n->cfg;
    size_t bytes = (bft_footprint(&cfg) + 63u) & ~(size_t)63u;
    for (uint32_t i = 0; i < n->shape->nodes; i++) {
        struct node *node = &n->node[i];
        node->region = must(aligned_alloc(64, bytes));
        memset(node->region, 0, bytes);
        cfg.self = node->addr;
        TD_ASSERT(bft_init(&node->replica, node->region, &cfg, &none) == TD_OK);
        bft_guard_init(&node->guard);
        give(n, i, (struct bft_event){.kind = BFT_EV_START}, NULL);
    }
    for (uint32_t i = 0; i < n->shape->nodes; i++)
        for (uint32_t k = 0; k < n->shape->nodes; k++)
            if (i != k)
                give(n, i,
                     (struct bft_event){
                         .kind = BFT_EV_PEER_UP, .peer = k, .u.peer_addr = n->node[k].addr},
                     NULL);
}

static void run(struct net *n)
{
    struct bft_view v = {0};
    uint64_t warm = 0;
    while (v.final_height < n->shape->end_height) {
        struct due d = pop(n);
        TD_ASSERT(d.at_ns < END_NS);
        if (d.at_ns > n->now_ns)
            n->now_ns = d.at_ns;
        if (d.blob != NULL)
            deliver(n, &d);
        else if (d.at_ns == n->node[d.to].timer_ns) /* else another timer replaced it */
            give(n, d.to, (struct bft_event){.kind = BFT_EV_TICK}, NULL);
        if (d.to != 0)
            continue;
        bft_view_get(n->node[0].replica, &v);
        if (warm == 0 && v.final_height >= n->shape->warm_height) {
            warm = v.final_height;
            n->out->first = n->out->count;
        }
    }
    n->out->end = v;
    n->out->blocks = v.final_height - warm;
}

void bench_stream_record(struct bench_stream *s, const struct bench_network_shape *shape)
{
    TD_ASSERT(shape->txs <= TXS_MAX && shape->warm_height < shape->end_height);
    struct net n = {.shape = shape, .out = s, .now_ns = 1000000000};
    *s = (struct bench_stream){.set = must(malloc(sizeof *s->set))};
    td_rng_init(&n.rng, 1);
    n.node = must(calloc(shape->nodes, sizeof n.node[0]));
    n.fx = must(malloc(sizeof *n.fx));
    td_arena_init(&n.arena, must(malloc(BFT_DECODE_ARENA_BYTES)), BFT_DECODE_ARENA_BYTES);
    td_arena_init(&n.probe, must(malloc(BFT_DECODE_ARENA_BYTES)), BFT_DECODE_ARENA_BYTES);
    configure(&n, s->set);
    s->cfg = n.cfg;
    s->cfg.self = n.node[0].addr;
    start_all(&n);
    run(&n);
    for (size_t i = s->first; i < s->count; i++) {
        if (s->event[i].ev.kind == BFT_EV_MESSAGE) {
            s->messages[s->event[i].ev.u.msg->kind]++;
            s->message_count++;
        }
    }
    for (size_t i = 0; i < n.heap_count; i++)
        if (n.heap[i].blob != NULL && --n.heap[i].blob->refs == 0)
            free(n.heap[i].blob);
    for (uint32_t i = 0; i < shape->nodes; i++)
        free(n.node[i].region);
    free(n.heap);
    free(n.node);
    free(n.fx);
    free(n.arena.base);
    free(n.probe.base);
}

void bench_stream_free(struct bench_stream *s)
{
    for (struct chunk *c = s->chunks; c != NULL;) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
    free(s->event);
    free(s->set);
    *s = (struct bench_stream){0};
}
