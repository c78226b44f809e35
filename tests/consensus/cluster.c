#include "tests/consensus/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rng.h"

static void token(struct td_sig *out, const struct td_hash *digest, uint32_t node)
{
    struct {
        struct td_hash digest;
        uint32_t node;
        uint32_t half;
    } in = {*digest, node, 0};
    struct td_hash h;
    for (in.half = 0; in.half < 2; in.half++) {
        td_keccak256(&h, &in, sizeof in);
        memcpy(out->b + in.half * 32u, h.b, 32);
    }
}

void cl_sign(struct cl *c, uint32_t node, struct bft_signed *m)
{
    struct td_hash d;
    struct td_sig sig;
    bft_digest_signed(&d, &c->cfg.domain, m);
    token(&sig, &d, node);
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        m->u.propose.sig = sig;
        break;
    case BFT_SIGNED_VOTE:
        m->u.vote.sig = sig;
        break;
    case BFT_SIGNED_COMMIT:
        m->u.commit.sig = sig;
        break;
    case BFT_SIGNED_TIMEOUT:
        m->u.timeout.sig = sig;
        break;
    case BFT_SIGNED_ATTEST:
        m->u.attest.sig = sig;
        break;
    case BFT_SIGNED_BATCH:
        m->u.batch.sig = sig;
        break;
    }
}

static const struct bft_set *set_of(struct cl *c, uint32_t node)
{
    struct bft_sets s;
    bft_sets_get(c->node[node].replica, &s);
    return s.cur;
}

uint16_t cl_signer(struct cl *c, uint32_t node)
{
    return bft_set_find(set_of(c, 0), &c->node[node].addr);
}

uint32_t cl_node_of(struct cl *c, uint16_t signer)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (cl_signer(c, i) == signer)
            return i;
    return UINT32_MAX;
}

static void enqueue(struct cl *c, uint32_t from, uint32_t to, const struct bft_msg *m)
{
    if (c->count >= CL_QUEUE_MAX || !c->node[to].up || from == to)
        return;
    struct cl_packet *p = &c->queue[(c->head + c->count++) % CL_QUEUE_MAX];
    p->from = from;
    p->to = to;
    p->len = bft_msg_size(m);
    p->bytes = malloc(p->len);
    struct td_writer w;
    td_writer_init(&w, p->bytes, p->len);
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK && w.len == p->len);
}

/* The payload of a block: `txs` hashes derived from its height. */
static void payload(struct cl *c, uint64_t height, struct td_hash *hashes)
{
    for (uint64_t i = 0; i < c->txs; i++) {
        uint64_t in[2] = {height, i};
        td_keccak256(&hashes[i], in, sizeof in);
    }
}

static void send_all(struct cl *c, uint32_t from, uint32_t peer, const struct bft_msg *m)
{
    struct td_hash hashes[16];
    struct bft_msg copy = *m;
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.tx_count > 0) {
        payload(c, m->u.proposal.header.height, hashes);
        copy.u.proposal.tx_hashes = hashes;
    }
    for (uint32_t to = 0; to < c->n; to++) {
        if (peer != BFT_NO_PEER && peer != to)
            continue;
        struct bft_msg each = copy;
        bool drop = c->node[from].mute;
        if (c->tweak != NULL && to != from)
            c->tweak(c, from, to, &each, &drop);
        if (!drop)
            enqueue(c, from, to, &each);
    }
}

static void executed_of(const struct bft_header *h, const struct td_hash *hash,
                        struct bft_executed *out)
{
    memset(out, 0, sizeof *out);
    out->result.height = h->height;
    out->result.block_hash = *hash;
    td_keccak256(&out->result.state_commitment, hash->b, 32);
    out->batch_hash = out->result.state_commitment;
    out->batch_hash.b[0] ^= 1u;
    out->result.gas_used = h->height;
}

static void carry_out(struct cl *c, uint32_t i);

static void run_event(struct cl *c, uint32_t i, struct bft_event *ev, enum bft_verdict *v)
{
    ev->mono_ns = c->now_ns;
    ev->wall_ms = (uint64_t)(1700000000000 + c->now_ns / 1000000 + c->skew_ms);
    *v = bft_step(c->node[i].replica, ev, c->fx);
    carry_out(c, i);
}

enum bft_verdict cl_event(struct cl *c, uint32_t node, struct bft_event *ev)
{
    enum bft_verdict v;
    run_event(c, node, ev, &v);
    return v;
}

static void execute(struct cl *c, uint32_t i, const struct bft_header *h, const struct td_hash *hash)
{
    struct bft_executed x;
    executed_of(h, hash, &x);
    struct bft_final_block *b = &c->node[i].stored[h->height % 512u];
    b->executed = true;
    b->exec = x;
    cl_event(c, i, &(struct bft_event){.kind = BFT_EV_EXECUTED, .u.executed = &x});
}

static void built(struct cl *c, uint32_t i, const struct bft_effect *fx)
{
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT};
    ev.u.built = (struct bft_payload_built){
        .epoch = fx->u.make.epoch, .round = fx->u.make.round, .origin = fx->u.make.parent_origin};
    if (c->txs > 0 && !fx->u.make.empty) {
        struct td_hash hashes[16], scratch[16];
        payload(c, fx->u.make.height, hashes);
        bft_payload_root(&ev.u.built.payload_root, scratch, hashes, (uint32_t)c->txs);
        ev.u.built.tx_count = (uint32_t)c->txs;
        ev.u.built.payload_bytes = (uint32_t)c->txs * 100u;
    }
    cl_event(c, i, &ev);
}

static void answer_sign(struct cl *c, uint32_t i, const struct bft_effect *fx)
{
    struct cl_node *n = &c->node[i];
    struct bft_signed m = fx->u.sign.msg;
    n->signs[m.kind]++;
    n->last_signed[m.kind] = m;
    if (n->no_sign)
        return;
    enum bft_guard_verdict v = bft_guard_admit(&n->guard, &m);
    if (v != BFT_GUARD_OK && v != BFT_GUARD_SAME) {
        n->halt = BFT_HALT_GUARD;
        return;
    }
    if (v == BFT_GUARD_OK) {
        cl_sign(c, i, &m);
        bft_guard_keep(&n->guard, &m, fx->u.sign.parent_round);
    }
    cl_event(c, i, &(struct bft_event){.kind = BFT_EV_SIGNED, .u.signed_msg = &m});
}

static void fetch(struct cl *c, uint32_t i, const struct bft_effect *fx)
{
    c->node[i].fetches++;
    if (fx->peer == BFT_NO_PEER)
        return;
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){fx->u.fetch.kind, 1, &fx->u.fetch.hash};
    send_all(c, i, fx->peer, &m);
}

/* Effects refer to the replica's memory only until its next step, so they are copied out first;
 * answers are fed after all of them were read. */
static void carry_out(struct cl *c, uint32_t i)
{
    struct cl_node *n = &c->node[i];
    struct {
        struct bft_effect fx[64];
        struct bft_header header[64];
        uint32_t count;
    } later = {.count = 0};
    for (uint32_t k = 0; k < c->fx->count; k++) {
        const struct bft_effect *fx = &c->fx->list[k];
        switch (fx->kind) {
        case BFT_FX_SEND:
            send_all(c, i, fx->peer, fx->u.msg);
            break;
        case BFT_FX_TIMER:
            n->timer_ns = fx->u.at_ns;
            break;
        case BFT_FX_FETCH:
            fetch(c, i, fx);
            break;
        case BFT_FX_FINALIZE: {
            struct bft_final_block *b = &n->stored[fx->u.block.header->height % 512u];
            n->finals++;
            n->final_hash[fx->u.block.header->height % 512u] = fx->u.block.hash;
            *b = (struct bft_final_block){.header = *fx->u.block.header,
                                          .hash = fx->u.block.hash,
                                          .state = fx->u.block.state};
        }
            /* fall through */
        case BFT_FX_SIGN:
        case BFT_FX_PERSIST:
        case BFT_FX_MAKE_PAYLOAD:
        case BFT_FX_CHECK_ORIGIN:
            TD_ASSERT(later.count < 64);
            later.fx[later.count] = *fx;
            if (fx->kind == BFT_FX_FINALIZE || fx->kind == BFT_FX_CHECK_ORIGIN) {
                later.header[later.count] = *fx->u.block.header;
                later.fx[later.count].u.block.header = &later.header[later.count];
            }
            later.count++;
            break;
        case BFT_FX_FINAL_PROOF:
            n->proofs++;
            n->last_proof.kind = fx->u.proof.kind;
            break;
        case BFT_FX_ATTESTED:
            n->attested++;
            break;
        case BFT_FX_BATCH_CERT:
            n->batches++;
            break;
        case BFT_FX_ENTER_EPOCH:
            n->epochs++;
            break;
        case BFT_FX_EVIDENCE:
            if (n->evidence_count < 8)
                n->evidence[n->evidence_count++] = *fx->u.evidence;
            break;
        case BFT_FX_SYNC:
            break;
        case BFT_FX_ALARM:
            n->alarms[fx->u.alarm]++;
            break;
        case BFT_FX_HALT:
            n->halt = fx->u.halt;
            break;
        }
    }
    for (uint32_t k = 0; k < later.count; k++) {
        struct bft_effect *fx = &later.fx[k];
        if (fx->kind == BFT_FX_SIGN)
            answer_sign(c, i, fx);
        else if (fx->kind == BFT_FX_PERSIST)
            cl_event(c, i,
                     &(struct bft_event){.kind = BFT_EV_PERSISTED, .u.persist_id = fx->u.persist.id});
        else if (fx->kind == BFT_FX_MAKE_PAYLOAD)
            built(c, i, fx);
        else if (fx->kind == BFT_FX_FINALIZE && !n->no_exec)
            execute(c, i, fx->u.block.header, &fx->u.block.hash);
    }
}

enum bft_verdict cl_give(struct cl *c, uint32_t to, uint32_t from, const struct bft_msg *m)
{
    struct bft_event ev = {.kind = BFT_EV_MESSAGE, .peer = from, .u.msg = m};
    c->messages++;
    enum bft_verdict v = cl_event(c, to, &ev);
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.tx_count > 0) {
        struct bft_event ready = {.kind = BFT_EV_PAYLOAD_READY};
        ready.u.verdict.hash = m->u.proposal.hash;
        ready.u.verdict.valid = true;
        cl_event(c, to, &ready);
    }
    return v;
}

enum bft_verdict cl_give_verified(struct cl *c, uint32_t to, uint32_t from, struct bft_msg *m)
{
    static struct bft_sig_check checks[BFT_SIG_CHECKS_MAX];
    struct bft_verify_ctx ctx = {.domain = &c->cfg.domain,
                                 .genesis_hash = c->cfg.genesis_hash,
                                 .validators_max = c->cfg.validators_max};
    uint32_t count = 0;
    bft_sets_get(c->node[to].replica, &ctx.sets);
    enum bft_verdict v = bft_verify_collect(&ctx, m, checks, &count);
    if (v == BFT_OK)
        v = cl_give(c, to, from, m);
    c->last_verdict = v;
    return v;
}

static void serve_blocks(struct cl *c, uint32_t to, uint32_t from, const struct bft_get_blocks *g);

static void deliver(struct cl *c)
{
    struct cl_packet p = c->queue[c->head];
    c->head = (c->head + 1u) % CL_QUEUE_MAX;
    c->count--;
    td_arena_reset(&c->arena);
    struct bft_msg m;
    enum td_error err = bft_msg_decode(&m, &c->arena, p.bytes, p.len);
    TD_ASSERT(err == TD_OK);
    if (!c->node[p.to].up)
        ;
    else if (m.kind == BFT_MSG_GET_BLOCKS)
        serve_blocks(c, p.to, p.from, &m.u.get_blocks);
    else
        (void)cl_give_verified(c, p.to, p.from, &m);
    free(p.bytes);
}

/* Blocks with the newest commit or attestation proof are the simulator's business; here a peer that
 * asks is told "none". */
static void serve_blocks(struct cl *c, uint32_t to, uint32_t from, const struct bft_get_blocks *g)
{
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
    m.u.blocks.from = g->from;
    send_all(c, to, from, &m);
}

void cl_drain(struct cl *c)
{
    while (c->count > 0)
        deliver(c);
}

void cl_tick(struct cl *c, uint32_t node)
{
    cl_event(c, node, &(struct bft_event){.kind = BFT_EV_TICK});
}

void cl_run(struct cl *c, uint64_t ms)
{
    int64_t end = c->now_ns + (int64_t)ms * 1000000;
    for (;;) {
        cl_drain(c);
        uint32_t who = UINT32_MAX;
        for (uint32_t i = 0; i < c->n; i++)
            if (c->node[i].up && (who == UINT32_MAX || c->node[i].timer_ns < c->node[who].timer_ns))
                who = i;
        if (who == UINT32_MAX || c->node[who].timer_ns > end)
            break;
        if (c->node[who].timer_ns > c->now_ns)
            c->now_ns = c->node[who].timer_ns;
        cl_tick(c, who);
    }
    c->now_ns = end;
}

bool cl_until_height(struct cl *c, uint64_t height, uint64_t ms)
{
    for (uint64_t t = 0; t < ms; t += 10) {
        if (cl_view(c, 0).final_height >= height)
            return true;
        cl_run(c, 10);
    }
    return cl_view(c, 0).final_height >= height;
}

struct bft_view cl_view(struct cl *c, uint32_t node)
{
    struct bft_view v;
    bft_view_get(c->node[node].replica, &v);
    return v;
}

static void start(struct cl *c, uint32_t i, const struct bft_restore *restore)
{
    struct cl_node *n = &c->node[i];
    struct bft_config cfg = c->cfg;
    cfg.self = n->addr;
    if (n->region == NULL) {
        size_t bytes = (bft_footprint(&cfg) + 63u) & ~(size_t)63u;
        n->region = aligned_alloc(64, bytes);
        memset(n->region, 0, bytes);
    }
    TD_ASSERT(bft_init(&n->replica, n->region, &cfg, restore) == TD_OK);
    n->up = true;
    n->halt = BFT_HALT_NONE;
    n->timer_ns = c->now_ns;
    cl_event(c, i, &(struct bft_event){.kind = BFT_EV_START});
}

static void link_up(struct cl *c, uint32_t a, uint32_t b)
{
    cl_event(c, a,
             &(struct bft_event){
                 .kind = BFT_EV_PEER_UP, .peer = b, .u.peer_addr = c->node[b].addr});
}

void cl_connect_all(struct cl *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->n; k++)
            if (i != k && c->node[i].up && c->node[k].up)
                link_up(c, i, k);
    cl_drain(c);
}

void cl_init_with(struct cl *c, uint32_t n, const uint64_t *stakes,
                  void (*edit)(struct bft_config *cfg), bool connect)
{
    memset(c, 0, sizeof *c);
    c->n = n;
    c->now_ns = 1000000000;
    c->queue = calloc(CL_QUEUE_MAX, sizeof c->queue[0]);
    c->fx = malloc(sizeof *c->fx);
    td_arena_init(&c->arena, malloc(BFT_DECODE_ARENA_BYTES), BFT_DECODE_ARENA_BYTES);
    struct bft_validator v[CL_NODES_MAX];
    memset(v, 0, sizeof v);
    for (uint32_t i = 0; i < n; i++) {
        struct td_hash h;
        td_keccak256(&h, &i, sizeof i);
        memcpy(v[i].addr.b, h.b, 20);
        v[i].key.b[0] = 2;
        memcpy(v[i].key.b + 1, h.b, 32);
        v[i].stake = stakes != NULL ? stakes[i] : 1u;
        c->node[i].addr = v[i].addr;
    }
    TD_ASSERT(bft_set_init(&c->sets[0], 0, v, n, BFT_SIGNERS_MAX) == TD_OK);
    struct bft_config *cfg = &c->cfg;
    cfg->genesis.ts_ms = 1690000000000u;
    bft_header_hash(&cfg->genesis_hash, &cfg->genesis);
    bft_domain_init(&cfg->domain, 31337, &(struct td_addr){{0}}, 7, &cfg->genesis_hash);
    cfg->genesis_result.b[0] = 9;
    cfg->schedule = c->sets;
    cfg->schedule_count = 1;
    cfg->epoch_length = 64;
    cfg->validators_max = n < 16 ? 16 : n;
    cfg->payload_bytes_max = TD_PAYLOAD_BYTES_MAX;
    cfg->txs_max = TD_TXS_PER_BLOCK_MAX;
    cfg->batch_blocks_min = 5;
    cfg->batch_blocks_max = 20;
    cfg->batch_ms_max = 300000;
    cfg->batch_native_max = cfg->batch_bytes_max = UINT64_MAX;
    cfg->block_interval_ns = 1000000000;
    cfg->delta_ns = 250000000;
    if (edit != NULL)
        edit(cfg);
    struct bft_restore none = {0};
    for (uint32_t i = 0; i < n; i++) {
        bft_guard_init(&c->node[i].guard);
        start(c, i, &none);
    }
    if (connect)
        cl_connect_all(c);
}

void cl_init(struct cl *c, uint32_t n, const uint64_t *stakes)
{
    cl_init_with(c, n, stakes, NULL, true);
}

void cl_free(struct cl *c)
{
    while (c->count > 0) {
        free(c->queue[c->head].bytes);
        c->head = (c->head + 1u) % CL_QUEUE_MAX;
        c->count--;
    }
    for (uint32_t i = 0; i < c->n; i++)
        free(c->node[i].region);
    free(c->queue);
    free(c->fx);
    free(c->arena.base);
}

void cl_restart(struct cl *c, uint32_t node, bool with_guard)
{
    struct cl_node *n = &c->node[node];
    uint64_t top = cl_view(c, node).final_height;
    static struct bft_final_block finals[BFT_FINAL_RING];
    uint32_t count = 0;
    for (uint64_t h = top > BFT_FINAL_RING ? top - BFT_FINAL_RING + 1u : 1u; h <= top; h++)
        finals[count++] = n->stored[h % 512u];
    struct bft_guard guard = n->guard;
    struct bft_restore restore = {
        .guard = with_guard ? &guard : NULL, .finals = finals, .final_count = count};
    if (!with_guard)
        bft_guard_init(&n->guard);
    for (uint32_t i = 0; i < c->n; i++)
        if (i != node && c->node[i].up)
            cl_event(c, i, &(struct bft_event){.kind = BFT_EV_PEER_DOWN, .peer = node});
    start(c, node, &restore);
}

static struct bft_qc qc_base(struct cl *c, struct cl_cert *out, uint32_t mask)
{
    struct bft_qc qc = {.sigs = out->sigs};
    for (uint32_t i = 0; i < c->n; i++)
        if ((mask >> i & 1u) != 0)
            bft_bitmap_add(&qc.signers, cl_signer(c, i));
    return qc;
}

void cl_qc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round, uint64_t height,
           const struct td_hash *hash, uint32_t mask)
{
    out->qc = qc_base(c, out, mask);
    out->qc.epoch = epoch;
    out->qc.round = round;
    out->qc.height = height;
    out->qc.hash = *hash;
    for (uint16_t s = 0; s < c->n; s++) {
        if (!bft_bitmap_has(&out->qc.signers, s))
            continue;
        struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
        m.u.vote = (struct bft_vote){epoch, round, height, *hash, s, {{0}}};
        cl_sign(c, cl_node_of(c, s), &m);
        out->sigs[out->qc.sig_count++] = m.u.vote.sig;
    }
}

void cl_tc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round,
           const uint64_t *locks, uint32_t mask, const struct bft_qc *high)
{
    struct bft_qc who = qc_base(c, out, mask);
    out->tc = (struct bft_tc){.epoch = epoch,
                              .round = round,
                              .signers = who.signers,
                              .entries = out->entries,
                              .high_qc = *high};
    for (uint16_t s = 0; s < c->n; s++) {
        if (!bft_bitmap_has(&who.signers, s))
            continue;
        uint32_t node = cl_node_of(c, s);
        struct bft_signed m = {.kind = BFT_SIGNED_TIMEOUT};
        m.u.timeout = (struct bft_timeout){epoch, round, locks[node], s, {{0}}};
        cl_sign(c, node, &m);
        out->entries[out->tc.entry_count++] =
            (struct bft_tc_entry){locks[node], m.u.timeout.sig};
    }
}

void cl_vote(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
             uint64_t height, const struct td_hash *hash)
{
    struct bft_signed s = {.kind = BFT_SIGNED_VOTE};
    s.u.vote = (struct bft_vote){epoch, round, height, *hash, cl_signer(c, node), {{0}}};
    cl_sign(c, node, &s);
    *m = (struct bft_msg){.kind = BFT_MSG_VOTE, .u.vote = s.u.vote};
}

void cl_commit(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
               const struct td_hash *hash)
{
    struct bft_signed s = {.kind = BFT_SIGNED_COMMIT};
    s.u.commit = (struct bft_commit){epoch, round, *hash, cl_signer(c, node), {{0}}};
    cl_sign(c, node, &s);
    *m = (struct bft_msg){.kind = BFT_MSG_COMMIT, .u.commit = s.u.commit};
}

void cl_timeout(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
                uint64_t lock)
{
    struct bft_signed s = {.kind = BFT_SIGNED_TIMEOUT};
    s.u.timeout = (struct bft_timeout){epoch, round, lock, cl_signer(c, node), {{0}}};
    cl_sign(c, node, &s);
    *m = (struct bft_msg){.kind = BFT_MSG_TIMEOUT};
    m->u.timeout.t = s.u.timeout;
}
