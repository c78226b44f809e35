/* One replica of four, driven in any order by everything that can reach it.
 *
 * The first bytes choose a start (genesis, or four heights before the end of an epoch) and lay down
 * what the network did: per round a block or none, on which parent, certified, committed.  The rest
 * is a script: messages about those rounds and about blocks nobody certified, from two honest
 * voices and one liar, whole certificates, answers, ticks, and the shell's own events, late or
 * never.
 *
 * Only what the verifier accepts is delivered.  Checked after each step: the core's own assertions,
 * effects below their bound, the memory behind the region, values that never decrease, no SIGN that
 * a sign guard would refuse, and that each message sent is one the verifier accepts. */
#define _GNU_SOURCE 1 /* madvise */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "consensus/replica.h"
#include "tests/fuzz/consensus/step_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LIAR 3u
#define CANARY 64u
#define PENDING 160u

/* ---- script */

struct script {
    const uint8_t *at, *end;
};

static uint8_t take(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

/* ---- state */

static struct fuzz {
    struct bft_config cfg;
    struct td_addr addr[4]; /* by signer */
    struct bft_replica *replica;
    uint8_t *region;
    size_t region_bytes;
    struct bft_guard guard; /* of what was asked to be signed */
    struct net net;
    bool has_next_plan;
    uint8_t did[2][NET_ROUNDS];     /* script of each plan */
    struct bft_signed ask[PENDING]; /* SIGN not answered yet */
    uint32_t ask_count;
    uint64_t persist_asked;
    struct bft_effect fetch, make;
    struct td_hash seen_payload[8];
    uint32_t seen_count;
    uint64_t executed;
    struct bft_signed own[4]; /* newest signed by the replica: echoes */
    uint32_t own_count;
    int64_t now_ns;
    uint64_t skew_ms;
    struct bft_view view;
    struct td_arena arena;
} f;

static struct bft_effects effects;
static void *arena_memory;

/* ---- one step */

/* The next epoch begins where the network's last block was; what happens in it is laid down now. */
static void next_plan(const struct bft_effect *fx)
{
    uint64_t last = NET_EPOCH_BLOCKS;
    if (f.has_next_plan || !net_final(&f.net, last))
        return;
    struct net_plan *p = &f.net.plan[1];
    *p = (struct net_plan){.epoch = 1, .genesis = net_attest_cert(&f.net, last, 0)};
    p->at[0] = *f.net.final_at[last];
    bft_leaders_init(&p->leaders, fx->u.epoch.set, &fx->u.epoch.excluded, &fx->u.epoch.seed);
    f.has_next_plan = true;
    net_lay_down(&f.net, p, f.did[1]);
}

static void check_send(const struct bft_effect *fx)
{
    static uint8_t buf[1u << 20];
    static struct bft_sig_check checks[BFT_SIG_CHECKS_MAX];
    static const struct td_hash hash = {{9}};
    struct bft_msg m = *fx->u.msg, back;
    if (m.kind == BFT_MSG_PROPOSAL && m.u.proposal.header.tx_count == 1)
        m.u.proposal.tx_hashes = &hash;
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    bft_msg_encode(&w, &m);
    TD_ASSERT(w.err == TD_OK && w.len == bft_msg_size(&m));
    td_arena_reset(&f.arena);
    enum td_error err = bft_msg_decode(&back, &f.arena, buf, w.len);
    TD_ASSERT(err == TD_OK);
    struct bft_verify_ctx ctx = {.domain = &f.cfg.domain,
                                 .genesis_hash = f.cfg.genesis_hash,
                                 .validators_max = f.cfg.validators_max};
    uint32_t count = 0;
    bft_sets_get(f.replica, &ctx.sets);
    enum bft_verdict v = bft_verify_collect(&ctx, &back, checks, &count);
    TD_ASSERT(v == BFT_OK);
}

static void own_proposal(const struct bft_header *h)
{
    uint32_t e = f.has_next_plan && h->epoch == f.net.plan[1].epoch;
    net_own_block(&f.net, &f.net.plan[e], h, f.did[e]);
}

static void on_effect(const struct bft_effect *fx)
{
    struct bft_signed m;
    switch (fx->kind) {
    case BFT_FX_SIGN:
        m = fx->u.sign.msg;
        TD_ASSERT(f.view.mode == BFT_MODE_ACTIVE);
        TD_ASSERT(bft_guard_admit(&f.guard, &m) == BFT_GUARD_OK);
        bft_guard_keep(&f.guard, &m, fx->u.sign.parent_round);
        TD_ASSERT(f.ask_count < PENDING);
        f.ask[f.ask_count++] = m;
        break;
    case BFT_FX_PERSIST:
        TD_ASSERT(fx->u.persist.id == f.persist_asked + 1u);
        f.persist_asked = fx->u.persist.id;
        TD_ASSERT(fx->u.persist.lock_qc != NULL && fx->u.persist.entry.kind != BFT_ENTRY_NONE);
        break;
    case BFT_FX_SEND:
        check_send(fx);
        if (fx->u.msg->kind == BFT_MSG_PROPOSAL)
            own_proposal(&fx->u.msg->u.proposal.header);
        break;
    case BFT_FX_FETCH:
        f.fetch = *fx;
        break;
    case BFT_FX_MAKE_PAYLOAD:
        f.make = *fx;
        break;
    case BFT_FX_ENTER_EPOCH:
        next_plan(fx);
        break;
    case BFT_FX_TIMER:
        TD_ASSERT(fx->u.at_ns > f.now_ns);
        break;
    case BFT_FX_FINALIZE:
    case BFT_FX_CHECK_ORIGIN:
    case BFT_FX_FINAL_PROOF:
    case BFT_FX_ATTESTED:
    case BFT_FX_BATCH_CERT:
    case BFT_FX_EVIDENCE:
    case BFT_FX_SYNC:
    case BFT_FX_ALARM:
    case BFT_FX_HALT:
        break;
    }
}

static void monotone(const struct bft_view *a, const struct bft_view *b)
{
    TD_ASSERT(bft_slot_cmp((struct bft_slot){b->epoch, b->round},
                           (struct bft_slot){a->epoch, a->round}) >= 0);
    TD_ASSERT(b->final_height >= a->final_height && b->executed_height >= a->executed_height);
    TD_ASSERT(b->attested_height >= a->attested_height);
    TD_ASSERT(b->tree_nodes >= 1 && b->tree_nodes <= TD_UNFINAL_HEADERS_MAX);
    if (a->epoch != b->epoch)
        return; /* rounds restart, and final fillers above `last` are forgotten */
    TD_ASSERT(bft_slot_cmp(b->final_slot, a->final_slot) >= 0);
    TD_ASSERT(b->high_qc_round >= a->high_qc_round && b->last_voted >= a->last_voted);
    TD_ASSERT(b->last_timeout >= a->last_timeout && b->last_commit >= a->last_commit);
}

static void step(struct bft_event *ev)
{
    struct bft_view before = f.view;
    ev->mono_ns = f.now_ns;
    ev->wall_ms = 1700000000000u + (uint64_t)(f.now_ns / 1000000) - f.skew_ms;
    (void)bft_step(f.replica, ev, &effects);
    bft_view_get(f.replica, &f.view);
    TD_ASSERT(effects.count < BFT_EFFECTS_MAX);
    for (uint32_t i = 0; i < effects.count; i++)
        on_effect(&effects.list[i]);
    monotone(&before, &f.view);
    for (uint32_t i = 0; i < CANARY; i++)
        TD_ASSERT(f.region[f.region_bytes + i] == 0xA5);
}

static void give(uint32_t peer, struct bft_msg *m)
{
    static struct bft_sig_check checks[BFT_SIG_CHECKS_MAX];
    struct bft_verify_ctx ctx = {.domain = &f.cfg.domain,
                                 .genesis_hash = f.cfg.genesis_hash,
                                 .validators_max = f.cfg.validators_max};
    uint32_t count = 0;
    bft_sets_get(f.replica, &ctx.sets);
    if (bft_verify_collect(&ctx, m, checks, &count) != BFT_OK)
        return;
    TD_ASSERT(count <= BFT_SIG_CHECKS_MAX);
    step(&(struct bft_event){.kind = BFT_EV_MESSAGE, .peer = peer, .u.msg = m});
}

/* ---- messages */

/* Signers other than the replica; the last of them says anything. */
static uint16_t voice(uint8_t a)
{
    return (uint16_t)((f.view.signer + 1u + a % 3u) % 4u);
}

static bool lies(uint16_t signer)
{
    return signer == (f.view.signer + LIAR) % 4u;
}

/* Around the replica's round mostly, anywhere sometimes. */
static uint32_t index_near(const struct net_plan *p, uint8_t a)
{
    uint64_t round = f.view.round > p->base_round ? f.view.round - p->base_round : 0;
    uint64_t i = (a & 0x80u) != 0 ? a & 0x3Fu : round + (a & 7u);
    if ((a & 0x80u) == 0)
        i = i > 3u ? i - 3u : 0;
    return (uint32_t)(i % (NET_ROUNDS + 1u));
}

static struct net_plan *plan_now(uint8_t a)
{
    return f.has_next_plan && (f.view.epoch > f.net.plan[0].epoch) != ((a & 0xE0u) == 0xE0u)
               ? &f.net.plan[1]
               : &f.net.plan[0];
}

static void proposal(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct net_plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    if (i == 0 || !p->at[i].exists || p->at[i].own)
        return;
    struct bft_msg m = {.kind = BFT_MSG_PROPOSAL};
    struct bft_proposal *out = &m.u.proposal;
    struct bft_tc tc;
    struct bft_attest_cert cert;
    out->header = p->at[i].h;
    struct bft_header *h = &out->header;
    uint32_t parent = p->at[i].parent;
    if (!net_certified(p, parent))
        return;
    out->qc = net_qc(p, parent, b);
    if (out->qc.round + 1u != h->round) {
        tc = net_tc(p, i - 1u, parent, 0); /* the one its hash names */
        out->tc = &tc;
    }
    switch (b >> 4) { /* what the leader makes of it */
    case 1:
        h->ts_ms += (uint64_t)c << (c & 31u);
        break;
    case 2:
        h->height += (uint64_t)c - 100u;
        break;
    case 3:
        h->result_digest.b[0] ^= c;
        break;
    case 4:
        h->end_batch = !h->filler && !h->end_batch;
        break;
    case 5:
        h->origin.number = c;
        h->height += 16u - h->height % 16u;
        break;
    case 6:
        h->tx_count = 1;
        h->payload_bytes = 1;
        h->payload_root.b[0] = c;
        h->filler = false;
        break;
    case 8:
        h->proposer = (uint16_t)(c & 7u) == f.view.signer ? 9u : (uint16_t)(c & 7u);
        break;
    case 7:
        if (net_final(&f.net, h->att_height + 1u + c % 4u)) {
            cert = net_attest_cert(&f.net, h->att_height + 1u + c % 4u, c);
            out->attest_cert = &cert;
            h->att_height = cert.fields.height;
            bft_attest_digest(&h->att_digest, &cert.fields);
        }
        break;
    default: /* as it was */
        break;
    }
    bft_header_hash(&out->hash, h);
    f.seen_payload[f.seen_count++ % 8u] = out->hash;
    out->sig.b[0] = 1;
    give(voice(c), &m);
}

static void vote_like(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct net_plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    uint16_t signer = voice(b);
    const struct net_block *blk = &p->at[i];
    if (!blk->exists)
        return;
    struct td_hash hash = blk->hash;
    uint64_t height = blk->h.height, round = blk->h.round;
    if (lies(signer) && (b & 0x40u) != 0) {
        hash.b[0] ^= c & 3u;
        height += c >> 6;
        if ((b & 0x20u) != 0)
            round = UINT64_MAX - c;
    }
    struct bft_msg m;
    if ((b & 0x80u) == 0) {
        m = (struct bft_msg){.kind = BFT_MSG_VOTE};
        m.u.vote = (struct bft_vote){p->epoch, round, height, hash, signer, {{1, c}}};
    } else {
        if (!lies(signer) && !blk->certified)
            return;
        m = (struct bft_msg){.kind = BFT_MSG_COMMIT};
        m.u.commit = (struct bft_commit){p->epoch, round, hash, signer, {{1, c}}};
    }
    give(signer, &m);
}

static void timeout(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct net_plan *p = plan_now(c);
    uint32_t i = index_near(p, a), lock = c % (NET_ROUNDS + 1u);
    if (i == 0)
        return;
    struct bft_msg m = {.kind = BFT_MSG_TIMEOUT};
    struct bft_timeout_msg *t = &m.u.timeout;
    struct bft_qc lock_qc, entry_qc;
    struct bft_tc tc;
    t->t.signer = voice(b);
    t->t.epoch = p->epoch;
    t->t.round = p->base_round + i;
    t->t.sig.b[0] = 1;
    while (lock > 0 && (lock >= i || (!net_certified(p, lock) && !lies(t->t.signer))))
        lock--;
    lock_qc = net_qc(p, lock, b);
    t->t.lock_round = lock_qc.round;
    if ((b & 0x10u) != 0 && net_certified(p, lock))
        t->lock_qc = &lock_qc;
    if ((b & 0x20u) != 0 && net_certified(p, i - 1u)) {
        entry_qc = net_qc(p, i - 1u, b);
        t->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &entry_qc};
    } else if ((b & 0x40u) != 0 && i > 1u) {
        uint32_t high = i - 2u;
        while (!net_certified(p, high))
            high--;
        tc = net_tc(p, i - 1u, high, b);
        t->entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &tc};
    }
    give(t->t.signer, &m);
}

static void certificate(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct net_plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    struct bft_certificate *out = &m.u.certificate;
    struct bft_qc qc, second;
    struct bft_tc tc;
    if (i == 0)
        return;
    if (b % 4u == 1) {
        uint32_t high = i - 1u;
        while (!net_certified(p, high))
            high--;
        tc = net_tc(p, i, high, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc};
    } else if (!p->at[i].certified) {
        return;
    } else if (b % 4u == 0) {
        qc = net_qc(p, i, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc};
    } else if (b % 4u == 2 && p->at[i].committed) {
        qc = net_commit(p, i, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_COMMIT, .qc = &qc};
    } else {
        uint32_t up = p->at[i].parent;
        qc = net_qc(p, up, c);
        second = net_qc(p, i, b);
        out->kind = BFT_CERTIFICATE_PROOF;
        out->proof = (struct bft_proof){.kind = BFT_PROOF_TWO_CHAIN,
                                        .qc = &qc,
                                        .qc_child = &second,
                                        .tip = &p->at[up].h,
                                        .child = &p->at[i].h};
    }
    give(voice(c), &m);
}

static uint64_t height_near(uint8_t a)
{
    uint64_t h = f.view.attested_height + (a & 15u);
    return (a & 0x80u) != 0 ? a & 0x7Fu : h;
}

static void attestation(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    uint64_t height = height_near(a);
    struct bft_msg m;
    if (!net_final(&f.net, height))
        return;
    if ((b & 0x80u) != 0) {
        m = (struct bft_msg){.kind = BFT_MSG_ATTEST_CERT};
        m.u.attest_cert = net_attest_cert(&f.net, height, c);
        give(voice(b), &m);
    } else if ((b & 0x40u) != 0) {
        const struct net_block *blk = f.net.final_at[height];
        struct bft_executed x;
        net_executed(&blk->h, &blk->hash, &x);
        m = (struct bft_msg){.kind = BFT_MSG_BATCH_ATTEST};
        m.u.batch_attest = (struct bft_batch_attest){.epoch = blk->h.epoch,
                                                     .set_hash = f.net.set[blk->h.epoch].hash,
                                                     .batch_hash = x.batch_hash,
                                                     .height = height + (c & 1u),
                                                     .signer = voice(b)};
        give(voice(b), &m);
    } else {
        m = (struct bft_msg){.kind = BFT_MSG_ATTEST};
        m.u.attest = (struct bft_attest){net_attest_fields(&f.net, height), voice(b), {{1}}};
        if (lies(voice(b)))
            m.u.attest.fields.messages_root.b[0] = c;
        give(voice(b), &m);
    }
}

static void status(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct net_plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    struct bft_status *out = &m.u.status;
    struct bft_qc qc = net_qc(p, i, c);
    out->epoch = p->epoch;
    out->round = p->base_round + i + 1u;
    out->final_height = (c & 0x10u) != 0 ? f.view.final_height + (c & 15u) : 0;
    out->l1_number = b;
    if (net_certified(p, i) && (b & 8u) != 0) {
        out->high_qc = &qc;
        out->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &qc};
    }
    if ((b & 0x40u) != 0 && f.own_count > 0)
        out->own[out->own_count++] = f.own[c % (f.own_count < 4u ? f.own_count : 4u)];
    give(voice(b), &m);
}

static void headers_answer(struct script *s)
{
    static uint8_t bytes[BFT_HEADERS_PER_REPLY][BFT_HEADER_BYTES];
    static struct td_bytes objects[BFT_HEADERS_PER_REPLY];
    uint8_t a = take(s);
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    for (uint32_t e = 0; e < 2; e++) {
        const struct net_plan *p = &f.net.plan[e];
        for (uint32_t i = 1; i <= NET_ROUNDS && m.u.by_hash.object_count == 0; i++) {
            if (!p->at[i].exists || !td_hash_eq(&p->at[i].hash, &f.fetch.u.fetch.hash))
                continue;
            uint32_t n = 0;
            for (uint32_t k = i; k != 0 && n <= a % 8u; k = p->at[k].parent, n++) {
                struct td_writer w;
                td_writer_init(&w, bytes[n], BFT_HEADER_BYTES);
                bft_header_encode(&w, &p->at[k].h);
                objects[n] = (struct td_bytes){bytes[n], BFT_HEADER_BYTES};
            }
            m.u.by_hash = (struct bft_by_hash){BFT_OBJECT_HEADER, n, objects};
        }
    }
    give(voice(a), &m);
}

static void blocks_answer(struct script *s)
{
    static struct bft_header headers[BFT_BLOCKS_MAX];
    uint8_t a = take(s), b = take(s), c = take(s);
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
    uint64_t from = f.view.final_height + 1u - (a & 1u);
    uint32_t n = 0;
    while (n < 1u + b % 20u && net_final(&f.net, from + n) &&
           f.net.final_at[from + n]->h.epoch == f.net.final_at[from]->h.epoch) {
        headers[n] = f.net.final_at[from + n]->h;
        n++;
    }
    m.u.blocks = (struct bft_blocks){.from = from, .header_count = n, .headers = headers};
    struct bft_attest_cert cert;
    if (n > 0) {
        cert = net_attest_cert(&f.net, from + n - 1u, c);
        m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &cert};
    }
    give(voice(c), &m);
}

static void ask_headers(struct script *s)
{
    const struct net_plan *p = plan_now(0);
    const struct td_hash *hash = &p->at[index_near(p, take(s))].hash;
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){BFT_OBJECT_HEADER, 1, hash};
    give(voice(1), &m);
}

static void evidence(struct script *s)
{
    uint8_t a = take(s), b = take(s);
    struct bft_msg m = {.kind = BFT_MSG_EVIDENCE};
    struct bft_evidence *e = &m.u.evidence;
    uint16_t liar = (uint16_t)((f.view.signer + LIAR) % 4u);
    e->kind = BFT_EVIDENCE_TWO_VOTES;
    e->a = (struct bft_signed){.kind = BFT_SIGNED_VOTE};
    e->a.u.vote = (struct bft_vote){f.view.epoch, 1u + a, 1, {{1}}, liar, {{1}}};
    e->b = e->a;
    e->b.u.vote.hash.b[0] = b;
    give(voice(b), &m);
}

/* ---- the shell's own events */

static void answer_signs(uint8_t a)
{
    uint32_t n = 1u + a % 8u;
    for (uint32_t i = 0; i < n && f.ask_count > 0; i++) {
        uint32_t at = (a & 0x80u) != 0 ? f.ask_count - 1u : 0; /* newest or oldest first */
        struct bft_signed m = f.ask[at];
        memmove(&f.ask[at], &f.ask[at + 1u], (f.ask_count - at - 1u) * sizeof f.ask[0]);
        f.ask_count--;
        if (m.kind == BFT_SIGNED_ATTEST)
            m.u.attest.sig.b[0] = 7;
        if (m.kind == BFT_SIGNED_VOTE || m.kind == BFT_SIGNED_TIMEOUT)
            f.own[f.own_count++ % 4u] = m;
        step(&(struct bft_event){.kind = BFT_EV_SIGNED, .u.signed_msg = &m});
    }
}

static void execute(uint8_t a)
{
    for (uint32_t i = 0; i <= a % 4u && f.executed < f.view.final_height; i++) {
        if (!net_final(&f.net, f.executed + 1u))
            return;
        const struct net_block *b = f.net.final_at[++f.executed];
        struct bft_executed x;
        net_executed(&b->h, &b->hash, &x);
        step(&(struct bft_event){.kind = BFT_EV_EXECUTED, .u.executed = &x});
    }
}

static void verdict(uint8_t a, uint8_t b)
{
    const struct net_plan *p = plan_now(0);
    struct bft_event ev = {.kind = (a & 0x80u) != 0 ? BFT_EV_ORIGIN_VERDICT : BFT_EV_PAYLOAD_READY};
    ev.u.verdict.hash = (a & 0x40u) != 0 ? p->at[index_near(p, b)].hash : f.seen_payload[b % 8u];
    ev.u.verdict.valid = (a & 3u) != 0;
    step(&ev);
}

static void built(uint8_t a)
{
    static const struct td_hash hash = {{9}};
    struct td_hash scratch;
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT};
    ev.u.built = (struct bft_payload_built){.epoch = f.make.u.make.epoch,
                                            .round = f.make.u.make.round,
                                            .origin = f.make.u.make.parent_origin,
                                            .end_batch = (a & 1u) != 0};
    if ((a & 2u) != 0) {
        bft_payload_root(&ev.u.built.payload_root, &scratch, &hash, 1);
        ev.u.built.tx_count = 1;
        ev.u.built.payload_bytes = 10;
    }
    if ((a & 4u) != 0)
        ev.u.built.origin.number += a;
    step(&ev);
}

static void peer(uint8_t a)
{
    struct bft_event ev = {.kind = (a & 0x80u) != 0 ? BFT_EV_PEER_DOWN : BFT_EV_PEER_UP};
    ev.peer = a & 7u;
    if (ev.kind == BFT_EV_PEER_UP && ev.peer < 4u)
        ev.u.peer_addr = f.addr[ev.peer];
    step(&ev);
}

static void small_event(struct script *s, uint8_t op)
{
    uint8_t a = take(s);
    struct bft_event ev = {.kind = BFT_EV_TICK};
    switch (op) {
    case 0:
        f.now_ns += (int64_t)a * a * 1000000;
        step(&ev);
        break;
    case 1:
        ev.kind = BFT_EV_PERSISTED;
        ev.u.persist_id = a < 200u ? f.persist_asked : f.persist_asked - (f.persist_asked * a >> 9);
        step(&ev);
        break;
    case 2:
        answer_signs(a);
        break;
    case 3:
        execute(a);
        break;
    case 4:
        verdict(a, take(s));
        break;
    case 5:
        built(a);
        break;
    case 6:
        peer(a);
        break;
    case 7:
        ev.kind = BFT_EV_L1_HEAD;
        ev.u.l1.number = a;
        step(&ev);
        break;
    default:
        f.skew_ms = (uint64_t)a << (a & 15u);
        break;
    }
}

/* ---- what usually happens, minus what the bits of `skip` leave out */

static void give_vote(const struct net_block *b, uint8_t who, bool commit)
{
    struct bft_msg m = {.kind = commit ? BFT_MSG_COMMIT : BFT_MSG_VOTE};
    uint16_t signer = voice(who);
    if (commit)
        m.u.commit = (struct bft_commit){b->h.epoch, b->h.round, b->hash, signer, {{1}}};
    else
        m.u.vote = (struct bft_vote){b->h.epoch, b->h.round, b->h.height, b->hash, signer, {{1}}};
    give(signer, &m);
}

static void answer_all(void)
{
    for (uint32_t i = 0; i < 8 && f.ask_count > 0; i++)
        answer_signs(7);
    step(&(struct bft_event){.kind = BFT_EV_PERSISTED, .u.persist_id = f.persist_asked});
}

static void usual_round(struct script *s)
{
    uint8_t skip = take(s);
    const struct net_plan *p = plan_now(0);
    uint64_t i = f.view.round - p->base_round;
    if (f.view.epoch != p->epoch || i == 0 || i > NET_ROUNDS)
        return;
    const struct net_block *b = &p->at[i];
    const uint8_t bytes[2][3] = {{3, 0, 0}, {3, 1, 0}}; /* the current index; QC or TC */
    struct script here = {bytes[0], bytes[0] + 3};
    f.now_ns += 100000000;
    if (f.view.leader == f.view.signer && !b->own) { /* its turn: time, payload, key, disk */
        f.now_ns += 1000000000;
        step(&(struct bft_event){.kind = BFT_EV_TICK});
        built(skip);
        answer_all();
    }
    if (!b->certified) {
        here = (struct script){bytes[1], bytes[1] + 3};
        certificate(&here);
        return;
    }
    if ((skip & 1u) == 0)
        proposal(&here);
    struct bft_event ready = {.kind = BFT_EV_PAYLOAD_READY};
    ready.u.verdict.hash = b->hash;
    ready.u.verdict.valid = true;
    if ((skip & 2u) == 0)
        step(&ready);
    if ((skip & 4u) == 0)
        answer_all();
    for (uint8_t k = 0; k < 3 && (skip & 8u) == 0; k++)
        give_vote(b, k, false);
    if ((skip & 16u) == 0)
        answer_all();
    for (uint8_t k = 0; k < 3 && b->committed && (skip & 32u) == 0; k++)
        give_vote(b, k, true);
    if ((skip & 64u) == 0)
        execute(3);
    uint64_t height = f.view.final_height;
    if ((skip & 128u) == 0 && net_final(&f.net, height)) {
        struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT};
        m.u.attest_cert = net_attest_cert(&f.net, height, skip);
        give(voice(0), &m);
    }
}

/* ---- start */

static void config(uint8_t how)
{
    struct bft_validator v[4];
    memset(v, 0, sizeof v);
    for (uint8_t i = 0; i < 4; i++) {
        v[i].addr.b[0] = (uint8_t)(i + 1u);
        v[i].key.b[0] = 2;
        v[i].stake = (how & 1u) != 0 && i == 1 ? 1u : 1000u;
        if ((how & 1u) == 0)
            v[i].stake = 1;
        f.addr[i] = v[i].addr;
    }
    for (uint32_t e = 0; e < 3; e++) {
        enum td_error err = bft_set_init(&f.net.set[e], e, v, 4, 4);
        TD_ASSERT(err == TD_OK);
    }
    struct bft_config *c = &f.cfg;
    c->genesis = (struct bft_header){.ts_ms = 1699999000000u};
    bft_header_hash(&c->genesis_hash, &c->genesis);
    bft_domain_init(&c->domain, 31337, &(struct td_addr){{0}}, 7, &c->genesis_hash);
    c->genesis_result.b[0] = 9;
    c->schedule = f.net.set;
    c->schedule_count = 3;
    c->has_l1 = (how & 2u) != 0;
    c->epoch_length = NET_EPOCH_BLOCKS;
    c->validators_max = 4;
    c->payload_bytes_max = 100;
    c->txs_max = 10;
    c->batch_blocks_min = 5;
    c->batch_blocks_max = 20;
    c->batch_ms_max = UINT64_MAX;
    c->batch_native_max = c->batch_bytes_max = UINT64_MAX;
    c->block_interval_ns = (how & 4u) != 0 ? 1000000000 : 0;
    c->delta_ns = 250000000;
    c->self = f.addr[1];
}

/* Heights 40 .. 60 of epoch 0 are final; round = height. */
static struct bft_final_block *near_the_end(struct net_plan *p, uint32_t *count)
{
    static struct bft_final_block finals[24];
    struct net_block *up = NULL;
    *count = 0;
    for (uint64_t h = 40; h <= 60; h++) {
        struct net_block *b = &f.net.history[h];
        *b = (struct net_block){.exists = true, .certified = true, .committed = true};
        b->h = (struct bft_header){.round = h, .height = h, .parent_round = h - 1u};
        b->h.ts_ms = 1699999000000u + h * 1000u;
        b->h.att_height = h > 2 ? h - 2u : 0;
        b->h.end_batch = h % 10u == 0;
        if (up != NULL)
            b->h.parent = b->h.prev_hash = up->hash;
        if (h + TD_ATTEST_WINDOW >= NET_EPOCH_BLOCKS)
            b->h.next_set_hash = f.net.set[1].hash;
        bft_header_hash(&b->hash, &b->h);
        f.net.final_at[h] = b;
        struct bft_final_block *out = &finals[(*count)++];
        *out = (struct bft_final_block){.header = b->h, .hash = b->hash, .executed = true};
        out->state = (struct bft_chain_state){.origin_ts = 1699999000000u, .batch_ts = b->h.ts_ms};
        net_executed(&b->h, &b->hash, &out->exec);
        up = b;
    }
    f.executed = 60;
    p->base_round = 60;
    p->at[0] = f.net.history[60];
    return finals;
}

/* What a start leaves behind depends on `how` alone, and costs more than most scripts: two leader
 * tables and the replica's own set-up.  So each of the 64 starts is made once.  Its region becomes
 * a private mapping of a file that holds it: forgetting the pages a script wrote is the way back.
 */
static struct start_image {
    bool made, ok;
    struct fuzz state;
} images[64];

static uint8_t *map(int fd, uint8_t *at, size_t bytes)
{
    int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : MAP_FIXED);
    uint8_t *p = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    TD_ASSERT(p != MAP_FAILED);
    return p;
}

static size_t mapped_bytes(void)
{
    return (f.region_bytes + CANARY + 4095u) & ~(size_t)4095u;
}

static void region_new(void)
{
    config(0);
    f.region_bytes = (bft_footprint(&f.cfg) + 63u) & ~(size_t)63u;
    f.region = map(-1, NULL, mapped_bytes());
    memset(f.region + f.region_bytes, 0xA5, CANARY);
    if (arena_memory == NULL)
        arena_memory = malloc(BFT_DECODE_ARENA_BYTES);
    TD_ASSERT(arena_memory != NULL);
    td_arena_init(&f.arena, arena_memory, BFT_DECODE_ARENA_BYTES);
}

static void region_freeze(void)
{
    FILE *file = tmpfile();
    TD_ASSERT(file != NULL);
    size_t written = fwrite(f.region, 1, mapped_bytes(), file);
    TD_ASSERT(written == mapped_bytes() && fflush(file) == 0);
    (void)map(fileno(file), f.region, mapped_bytes());
    (void)fclose(file);
}

static bool make(uint8_t how)
{
    f = (struct fuzz){.region = NULL};
    region_new();
    config(how);
    f.net.start = how;
    f.now_ns = 1000000000;
    bft_guard_init(&f.guard);
    struct net_plan *p = &f.net.plan[0];
    p->at[0] = (struct net_block){.exists = true, .certified = true, .hash = f.cfg.genesis_hash};
    p->at[0].h = f.cfg.genesis;
    struct bft_restore restore = {.guard = (how & 8u) != 0 ? &f.guard : NULL};
    struct bft_qc lock;
    struct bft_attest_cert cert;
    if ((how & 16u) != 0) {
        restore.finals = near_the_end(p, &restore.final_count);
        cert = net_attest_cert(&f.net, 58, 0);
        bft_attest_digest(&p->at[0].h.att_digest, &cert.fields);
        bft_header_hash(&p->at[0].hash, &p->at[0].h);
        f.net.history[60] = p->at[0];
        struct bft_final_block *top =
            (struct bft_final_block *)(uintptr_t)&restore.finals[restore.final_count - 1u];
        top->header = p->at[0].h;
        top->hash = p->at[0].hash;
        net_executed(&top->header, &top->hash, &top->exec);
        lock = net_qc(p, 0, 0);
        restore.attest_cert = &cert;
        restore.guard = &f.guard;
        restore.lock_qc = &lock;
        restore.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &lock};
    }
    if (bft_init(&f.replica, f.region, &f.cfg, &restore) != TD_OK)
        return false;
    bft_view_get(f.replica, &f.view);
    f.net.self = f.view.signer;
    f.net.genesis_result = f.cfg.genesis_result;
    struct td_hash seed;
    td_keccak256(&seed, f.cfg.genesis_hash.b, sizeof f.cfg.genesis_hash.b);
    bft_leaders_init(&p->leaders, &f.net.set[0], &(struct bft_bitmap){{0}}, &seed);
    return true;
}

static bool make_or_copy(uint8_t how)
{
    struct start_image *i = &images[how];
    if (!i->made) {
        i->made = true;
        i->ok = make(how);
        region_freeze();
        i->state = f;
    }
    f = i->state;
    int err = madvise(f.region, mapped_bytes(), MADV_DONTNEED);
    TD_ASSERT(err == 0);
    return i->ok;
}

static bool start(struct script *s)
{
    uint8_t how = take(s);
    if (!make_or_copy(how % 64u))
        return false;
    for (uint32_t i = 0; i < 2u * NET_ROUNDS; i++)
        f.did[i / NET_ROUNDS][i % NET_ROUNDS] = take(s);
    net_lay_down(&f.net, &f.net.plan[0], f.did[0]);
    step(&(struct bft_event){.kind = BFT_EV_START});
    for (uint8_t i = 0; i < 4 && (how & 32u) == 0; i++) {
        if (i == 1)
            continue;
        peer(i);
        struct bft_msg m = {.kind = BFT_MSG_STATUS};
        give(i, &m);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const ops[])(struct script * s) = {
        proposal,      vote_like,   timeout,  certificate, attestation, status,      headers_answer,
        blocks_answer, ask_headers, evidence, usual_round, usual_round, usual_round, usual_round,
    };
    struct script s = {data, data + len};
    if (!start(&s))
        return 0;
    while (s.at < s.end && f.view.mode != BFT_MODE_HALTED) {
        uint8_t op = take(&s) % 32u;
        if (op < sizeof ops / sizeof ops[0])
            ops[op](&s);
        else
            small_event(&s, (uint8_t)((op - sizeof ops / sizeof ops[0]) % 9u));
    }
    return 0;
}
