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

static void blob_put(struct cl_blob *b, const uint8_t *bytes, size_t len)
{
    free(b->bytes);
    b->bytes = malloc(len > 0 ? len : 1u);
    memcpy(b->bytes, bytes, len);
    b->len = len;
}

static uint8_t *scratch(void)
{
    static uint8_t room[BFT_DECODE_ARENA_BYTES * 8u];
    return room;
}

static struct td_writer scratch_writer(void)
{
    struct td_writer w;
    td_writer_init(&w, scratch(), BFT_DECODE_ARENA_BYTES * 8u);
    return w;
}

static void blob_msg(struct cl_blob *b, const struct bft_msg *m)
{
    struct td_writer w = scratch_writer();
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK);
    blob_put(b, w.ptr, w.len);
}

static void blob_qc(struct cl_blob *b, const struct bft_qc *qc)
{
    struct td_writer w = scratch_writer();
    bft_qc_encode(&w, qc);
    blob_put(b, w.ptr, w.len);
}

static void blob_cert(struct cl_blob *b, const struct bft_attest_cert *cert)
{
    struct td_writer w = scratch_writer();
    bft_attest_cert_encode(&w, cert);
    blob_put(b, w.ptr, w.len);
}

static void send_all(struct cl *c, uint32_t from, uint32_t peer, const struct bft_msg *m)
{
    struct td_hash hashes[16];
    struct bft_msg copy = *m;
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.tx_count > 0) {
        payload(c, m->u.proposal.header.height, hashes);
        copy.u.proposal.tx_hashes = hashes;
    }
    c->node[from].sent[m->kind]++;
    if (c->frozen)
        blob_msg(&c->node[from].sent_last[m->kind], &copy);
    for (uint32_t to = 0; to < c->n && !c->frozen; to++) {
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

const struct bft_msg *cl_sent(struct cl *c, uint32_t node, enum bft_msg_kind kind)
{
    const struct cl_blob *b = &c->node[node].sent_last[kind];
    TD_ASSERT(b->bytes != NULL);
    td_arena_reset(&c->arena);
    enum td_error err = bft_msg_decode(&c->decoded, &c->arena, b->bytes, b->len);
    TD_ASSERT(err == TD_OK);
    return &c->decoded;
}

void cl_executed(struct cl *c, const struct bft_header *h, const struct td_hash *hash,
                 struct bft_executed *out)
{
    memset(out, 0, sizeof *out);
    out->result.height = h->height;
    out->result.block_hash = *hash;
    td_keccak256(&out->result.state_commitment, hash->b, 32);
    out->batch_hash = out->result.state_commitment;
    out->batch_hash.b[0] ^= 1u;
    out->result.gas_used = h->height;
    out->batch_native = h->height * c->native_per_block;
}

static void carry_out(struct cl *c, uint32_t i);

enum bft_verdict cl_event(struct cl *c, uint32_t node, struct bft_event *ev)
{
    ev->mono_ns = c->now_ns;
    ev->wall_ms = (uint64_t)(CL_WALL_MS + c->now_ns / 1000000 + c->skew_ms);
    enum bft_verdict v = bft_step(c->node[node].replica, ev, c->fx);
    carry_out(c, node);
    return v;
}

static void execute(struct cl *c, uint32_t i, uint64_t height)
{
    struct cl_node *n = &c->node[i];
    struct bft_final_block *b = &n->stored[height % CL_HEIGHTS];
    cl_executed(c, &b->header, &b->hash, &b->exec);
    b->executed = true;
    if (height > n->executed_to)
        n->executed_to = height;
    struct bft_executed x = b->exec;
    cl_event(c, i, &(struct bft_event){.kind = BFT_EV_EXECUTED, .u.executed = &x});
}

void cl_exec_flush(struct cl *c, uint32_t node, uint64_t height)
{
    while (c->node[node].executed_to < height &&
           c->node[node].executed_to < cl_view(c, node).final_height)
        execute(c, node, c->node[node].executed_to + 1u);
}

void cl_persist_flush(struct cl *c, uint32_t node)
{
    uint64_t id = c->node[node].persist_asked;
    cl_event(c, node, &(struct bft_event){.kind = BFT_EV_PERSISTED, .u.persist_id = id});
}

void cl_build(struct cl *c, uint32_t i)
{
    struct cl_node *n = &c->node[i];
    const struct bft_effect *fx = &n->make;
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT};
    ev.u.built = (struct bft_payload_built){.epoch = fx->u.make.epoch,
                                            .round = fx->u.make.round,
                                            .origin = fx->u.make.parent_origin,
                                            .end_batch = n->end_batch};
    if (fx->u.make.advance_origin && n->next_origin.number > fx->u.make.parent_origin.number)
        ev.u.built.origin = n->next_origin;
    if (c->txs > 0 && !fx->u.make.empty) {
        struct td_hash hashes[16], room[16];
        payload(c, fx->u.make.height, hashes);
        bft_payload_root(&ev.u.built.payload_root, room, hashes, (uint32_t)c->txs);
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
    n->signed_parent_round = fx->u.sign.parent_round;
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
    c->node[i].fetch = *fx;
    if (fx->peer == BFT_NO_PEER)
        return;
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){fx->u.fetch.kind, 1, &fx->u.fetch.hash};
    send_all(c, i, fx->peer, &m);
}

static void keep_header(struct cl_node *n, const struct bft_header *h)
{
    if (h == NULL)
        return;
    for (uint32_t i = 0; i < n->kept_count && i < CL_KEPT_HEADERS; i++)
        if (memcmp(&n->kept[i], h, sizeof *h) == 0)
            return;
    n->kept[n->kept_count++ % CL_KEPT_HEADERS] = *h;
}

static void keep_persist(struct cl_node *n, const struct bft_effect *fx)
{
    n->persist_asked = fx->u.persist.id;
    blob_qc(&n->lock, fx->u.persist.lock_qc);
    n->entry_kind = fx->u.persist.entry.kind;
    if (n->entry_kind == BFT_ENTRY_QC)
        blob_qc(&n->entry, fx->u.persist.entry.qc);
    if (n->entry_kind == BFT_ENTRY_TC) {
        struct td_writer w = scratch_writer();
        bft_tc_encode(&w, fx->u.persist.entry.tc);
        blob_put(&n->entry, w.ptr, w.len);
    }
    keep_header(n, fx->u.persist.header);
    keep_header(n, fx->u.persist.parent);
}

static void keep_epoch(struct cl_node *n, const struct bft_effect *fx)
{
    n->has_prev_set = n->has_set;
    n->prev_set = n->set;
    n->set = *fx->u.epoch.set;
    n->has_set = true;
    n->seed = fx->u.epoch.seed;
    n->excluded = fx->u.epoch.excluded;
    if (fx->u.epoch.genesis_cert != NULL)
        blob_cert(&n->genesis, fx->u.epoch.genesis_cert);
}

static void keep_final(struct cl_node *n, const struct bft_effect *fx)
{
    const struct bft_header *h = fx->u.block.header;
    n->finals++;
    n->final_hash[h->height % CL_HEIGHTS] = fx->u.block.hash;
    n->stored[h->height % CL_HEIGHTS] = (struct bft_final_block){
        .header = *h, .hash = fx->u.block.hash, .state = fx->u.block.state};
}

static void keep_proof(struct cl_node *n, const struct bft_effect *fx)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof = fx->u.proof;
    n->proof_kind = fx->u.proof.kind;
    blob_msg(&n->proof, &m);
}

static void keep_evidence(struct cl_node *n, const struct bft_effect *fx)
{
    if (n->evidence_count >= 8)
        return;
    struct bft_evidence *e = &n->evidence[n->evidence_count];
    *e = *fx->u.evidence;
    if (e->header != NULL) {
        n->evidence_header[n->evidence_count] = *e->header;
        e->header = &n->evidence_header[n->evidence_count];
    }
    n->evidence_count++;
}

/* What the effect shows, as long as its pointers live. */
static void observe(struct cl *c, uint32_t i, const struct bft_effect *fx)
{
    struct cl_node *n = &c->node[i];
    n->fx[fx->kind]++;
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
    case BFT_FX_FINALIZE:
        keep_final(n, fx);
        break;
    case BFT_FX_PERSIST:
        keep_persist(n, fx);
        break;
    case BFT_FX_MAKE_PAYLOAD:
        n->make = *fx;
        break;
    case BFT_FX_CHECK_ORIGIN:
        n->origin = *fx;
        break;
    case BFT_FX_FINAL_PROOF:
        keep_proof(n, fx);
        break;
    case BFT_FX_ATTESTED:
        blob_cert(&n->attest, fx->u.attested);
        blob_cert(&n->attest_at[fx->u.attested->fields.height % CL_HEIGHTS], fx->u.attested);
        break;
    case BFT_FX_ENTER_EPOCH:
        keep_epoch(n, fx);
        break;
    case BFT_FX_EVIDENCE:
        keep_evidence(n, fx);
        break;
    case BFT_FX_ALARM:
        n->alarms[fx->u.alarm]++;
        break;
    case BFT_FX_HALT:
        n->halt = fx->u.halt;
        break;
    case BFT_FX_SIGN:
    case BFT_FX_BATCH_CERT:
    case BFT_FX_SYNC:
        break;
    }
}

static void answer(struct cl *c, uint32_t i, const struct bft_effect *fx)
{
    struct cl_node *n = &c->node[i];
    struct bft_event ev = {.kind = BFT_EV_ORIGIN_VERDICT};
    switch (fx->kind) {
    case BFT_FX_SIGN:
        answer_sign(c, i, fx);
        break;
    case BFT_FX_PERSIST:
        ev = (struct bft_event){.kind = BFT_EV_PERSISTED, .u.persist_id = fx->u.persist.id};
        if (!n->no_persist)
            cl_event(c, i, &ev);
        break;
    case BFT_FX_MAKE_PAYLOAD:
        if (!n->no_build)
            cl_build(c, i);
        break;
    case BFT_FX_FINALIZE:
        if (!n->no_exec)
            cl_exec_flush(c, i, n->executed_to + 1u);
        break;
    case BFT_FX_CHECK_ORIGIN:
        ev.u.verdict.hash = fx->u.block.hash;
        ev.u.verdict.valid = n->origin_good;
        if (n->say_origin)
            cl_event(c, i, &ev);
        break;
    case BFT_FX_SEND:
    case BFT_FX_TIMER:
    case BFT_FX_FETCH:
    case BFT_FX_FINAL_PROOF:
    case BFT_FX_ATTESTED:
    case BFT_FX_BATCH_CERT:
    case BFT_FX_ENTER_EPOCH:
    case BFT_FX_EVIDENCE:
    case BFT_FX_SYNC:
    case BFT_FX_ALARM:
    case BFT_FX_HALT:
        break;
    }
}

/* Effects refer to the replica's memory only until its next step, so they are read first; answers
 * are fed after all of them were seen. */
static void carry_out(struct cl *c, uint32_t i)
{
    uint32_t count = c->fx->count;
    if (count > c->node[i].fx_top)
        c->node[i].fx_top = count;
    struct bft_effect *later = malloc((count + 1u) * sizeof *later);
    for (uint32_t k = 0; k < count; k++) {
        later[k] = c->fx->list[k];
        observe(c, i, &later[k]);
    }
    for (uint32_t k = 0; k < count; k++)
        answer(c, i, &later[k]);
    free(later);
}

enum bft_verdict cl_give(struct cl *c, uint32_t to, uint32_t from, const struct bft_msg *m)
{
    struct bft_event ev = {.kind = BFT_EV_MESSAGE, .peer = from, .u.msg = m};
    c->messages++;
    enum bft_verdict v = cl_event(c, to, &ev);
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.tx_count > 0 &&
        !c->node[to].no_payload) {
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

static struct td_arena new_arena(void)
{
    struct td_arena a;
    td_arena_init(&a, malloc(BFT_DECODE_ARENA_BYTES), BFT_DECODE_ARENA_BYTES);
    return a;
}

/* Final blocks of one epoch up to the last one that a stored proof covers. */
static void serve_blocks(struct cl *c, uint32_t to, uint32_t from, const struct bft_get_blocks *g)
{
    struct cl_node *n = &c->node[to];
    struct bft_header headers[BFT_BLOCKS_MAX];
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS}, proof;
    struct td_arena arena = new_arena();
    uint64_t top = cl_view(c, to).final_height, last = 0, first = g->from;
    m.u.blocks.from = first;
    m.u.blocks.headers = headers;
    for (uint64_t h = first; h <= top && h < first + g->count; h++) {
        const struct bft_header *header = &n->stored[h % CL_HEIGHTS].header;
        if (header->epoch != n->stored[first % CL_HEIGHTS].header.epoch)
            break;
        headers[h - first] = *header;
        const struct cl_blob *cert = &n->attest_at[h % CL_HEIGHTS];
        if (cert->bytes != NULL || h == top)
            last = h;
    }
    const struct cl_blob *cert = &n->attest_at[last % CL_HEIGHTS];
    struct bft_attest_cert attest;
    struct td_reader r;
    if (last == 0 || (cert->bytes == NULL && n->proof.bytes == NULL)) {
        last = 0;
    } else if (cert->bytes != NULL) {
        td_reader_init(&r, cert->bytes, cert->len);
        bft_attest_cert_decode(&r, &arena, &attest);
        m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &attest};
    } else {
        TD_ASSERT(bft_msg_decode(&proof, &arena, n->proof.bytes, n->proof.len) == TD_OK);
        m.u.blocks.proof = proof.u.certificate.proof;
    }
    if (last > 0)
        m.u.blocks.header_count = (uint32_t)(last - first + 1u);
    send_all(c, to, from, &m);
    free(arena.base);
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
        n->region_bytes = (bft_footprint(&cfg) + 63u) & ~(size_t)63u;
        n->region = aligned_alloc(64, n->region_bytes + CL_CANARY_BYTES);
        memset(n->region, 0, n->region_bytes);
        memset((uint8_t *)n->region + n->region_bytes, 0xA5, CL_CANARY_BYTES);
    }
    enum td_error err = bft_init(&n->replica, n->region, &cfg, restore);
    TD_ASSERT(err == TD_OK);
    n->up = true;
    n->halt = BFT_HALT_NONE;
    n->timer_ns = c->now_ns;
    n->persist_asked = 0;
    cl_event(c, i, &(struct bft_event){.kind = BFT_EV_START});
}

static void link_up(struct cl *c, uint32_t a, uint32_t b)
{
    cl_event(
        c, a,
        &(struct bft_event){.kind = BFT_EV_PEER_UP, .peer = b, .u.peer_addr = c->node[b].addr});
}

bool cl_canary_holds(struct cl *c, uint32_t node)
{
    const uint8_t *end = (const uint8_t *)c->node[node].region + c->node[node].region_bytes;
    for (uint32_t i = 0; i < CL_CANARY_BYTES; i++)
        if (end[i] != 0xA5)
            return false;
    return true;
}

uint32_t cl_leader(struct cl *c, uint64_t round)
{
    struct bft_leaders l;
    const struct cl_node *n = &c->node[0];
    struct td_hash seed = n->seed;
    if (!n->has_set)
        td_keccak256(&seed, c->cfg.genesis_hash.b, sizeof c->cfg.genesis_hash.b);
    bft_leaders_init(&l, set_of(c, 0), &n->excluded, &seed);
    return cl_node_of(c, bft_leaders_at(&l, round));
}

void cl_connect(struct cl *c, uint32_t node)
{
    for (uint32_t k = 0; k < c->n; k++) {
        if (k == node || !c->node[k].up)
            continue;
        link_up(c, node, k);
        link_up(c, k, node);
    }
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
    cfg->genesis.ts_ms = CL_GENESIS_MS;
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
    for (uint32_t i = 0; i < c->n; i++) {
        struct cl_node *n = &c->node[i];
        struct cl_blob *blobs[] = {&n->lock, &n->entry, &n->proof, &n->attest, &n->genesis};
        for (uint32_t k = 0; k < sizeof blobs / sizeof blobs[0]; k++)
            free(blobs[k]->bytes);
        for (uint32_t k = 0; k < CL_HEIGHTS; k++)
            free(n->attest_at[k].bytes);
        for (uint32_t k = 0; k <= BFT_MSG_TX; k++)
            free(n->sent_last[k].bytes);
        free(n->region);
    }
    free(c->queue);
    free(c->fx);
    free(c->arena.base);
}

static void restart(struct cl *c, uint32_t node, const struct bft_restore *restore)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (i != node && c->node[i].up)
            cl_event(c, i, &(struct bft_event){.kind = BFT_EV_PEER_DOWN, .peer = node});
    if (restore->guard == NULL)
        bft_guard_init(&c->node[node].guard);
    start(c, node, restore);
}

static bool blob_reader(struct td_reader *r, const struct cl_blob *b)
{
    td_reader_init(r, b->bytes, b->len);
    return b->bytes != NULL;
}

void cl_restart(struct cl *c, uint32_t node, bool with_guard)
{
    struct cl_node *n = &c->node[node];
    struct td_arena arena = new_arena();
    struct td_reader r;
    struct bft_final_block *finals = calloc(BFT_FINAL_RING, sizeof *finals);
    struct bft_guard guard = n->guard;
    struct bft_restore restore = {.guard = with_guard ? &guard : NULL,
                                  .finals = finals,
                                  .epoch_seed = n->seed,
                                  .headers = n->kept,
                                  .set = n->has_set ? &n->set : NULL,
                                  .prev_set = n->has_prev_set ? &n->prev_set : NULL,
                                  .excluded = n->excluded};
    restore.header_count = n->kept_count < CL_KEPT_HEADERS ? n->kept_count : CL_KEPT_HEADERS;
    uint64_t top = cl_view(c, node).final_height;
    for (uint64_t h = top > BFT_FINAL_RING ? top - BFT_FINAL_RING + 1u : 1u; h <= top; h++)
        finals[restore.final_count++] = n->stored[h % CL_HEIGHTS];
    uint32_t produced[BFT_SIGNERS_MAX] = {0};
    uint64_t epoch = n->has_set ? n->set.epoch : 0;
    for (uint64_t h = 1; h <= top; h++)
        if (n->stored[h % CL_HEIGHTS].header.epoch == epoch)
            produced[n->stored[h % CL_HEIGHTS].header.proposer]++;
    restore.produced = produced;
    struct bft_qc lock, entry_qc;
    struct bft_tc entry_tc;
    struct bft_attest_cert attest, genesis;
    if (blob_reader(&r, &n->lock)) {
        bft_qc_decode(&r, &arena, &lock);
        restore.lock_qc = &lock;
        blob_reader(&r, &n->entry);
        if (n->entry_kind == BFT_ENTRY_QC)
            bft_qc_decode(&r, &arena, &entry_qc);
        else if (n->entry_kind == BFT_ENTRY_TC)
            bft_tc_decode(&r, &arena, &entry_tc);
        restore.entry = (struct bft_entry){n->entry_kind, &entry_qc, &entry_tc};
    }
    if (blob_reader(&r, &n->attest)) {
        bft_attest_cert_decode(&r, &arena, &attest);
        restore.attest_cert = &attest;
    }
    if (blob_reader(&r, &n->genesis)) {
        bft_attest_cert_decode(&r, &arena, &genesis);
        restore.genesis_cert = &genesis;
    }
    restart(c, node, &restore);
    free(finals);
    free(arena.base);
}

void cl_restart_empty(struct cl *c, uint32_t node, const struct bft_guard *guard)
{
    struct cl_node *n = &c->node[node];
    struct bft_restore restore = {.guard = guard};
    n->executed_to = 0;
    n->has_set = n->has_prev_set = false;
    n->kept_count = 0;
    n->seed = (struct td_hash){{0}};
    n->excluded = (struct bft_bitmap){{0}};
    if (guard != NULL)
        n->guard = *guard;
    restart(c, node, &restore);
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

void cl_tc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round, const uint64_t *locks,
           uint32_t mask, const struct bft_qc *high)
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
        out->entries[out->tc.entry_count++] = (struct bft_tc_entry){locks[node], m.u.timeout.sig};
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
