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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "consensus/replica.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ROUNDS 40u
#define LIAR 3u
#define EPOCH_BLOCKS 64u
#define CANARY 64u
#define PENDING 160u
#define HEIGHTS 160u

/* ---- script */

struct script {
    const uint8_t *at, *end;
};

static uint8_t take(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

/* ---- what the network did */

struct block {
    bool exists, certified, committed;
    uint32_t parent; /* plan index; 0 = base */
    struct bft_header h;
    struct td_hash hash;
};

struct plan {
    uint64_t epoch;
    uint64_t base_round; /* round of index 0 */
    struct block at[ROUNDS + 1u];
    struct bft_attest_cert genesis; /* epochs >= 1 */
};

static struct fuzz {
    struct bft_config cfg;
    struct bft_set set[3];
    struct td_addr addr[4]; /* by signer */
    struct bft_replica *replica;
    uint8_t *region;
    size_t region_bytes;
    struct bft_effects fx;
    struct bft_guard guard; /* of what was asked to be signed */
    struct plan plan[2];
    bool has_next_plan;
    const struct block *final_at[HEIGHTS]; /* committed chain, by height */
    struct block history[HEIGHTS];         /* restored finals */
    struct bft_signed ask[PENDING];        /* SIGN not answered yet */
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

static void executed_of(const struct bft_header *h, const struct td_hash *hash,
                        struct bft_executed *out)
{
    *out = (struct bft_executed){.batch_native = h->height};
    out->result.height = h->height;
    out->result.block_hash = *hash;
    out->result.state_commitment = *hash;
    out->result.state_commitment.b[0] ^= 0x55;
    out->batch_hash = *hash;
    out->batch_hash.b[1] ^= 0x55;
}

/* The block `back` non-filler heights below, on the chain of `p`'s block i or in history. */
static const struct block *below(const struct plan *p, uint32_t i, uint64_t height)
{
    while (i != 0) {
        const struct block *b = &p->at[i];
        if (!b->h.filler && b->h.height == height)
            return b;
        i = b->parent;
    }
    const struct block *b = height < HEIGHTS ? f.final_at[height] : NULL;
    return b;
}

static void result_for(const struct plan *p, uint32_t parent, struct bft_header *h)
{
    h->result_digest = f.cfg.genesis_result;
    if (h->height <= TD_EXEC_LAG)
        return;
    const struct block *b = below(p, parent, h->height - TD_EXEC_LAG);
    if (b == NULL)
        return;
    struct bft_executed x;
    executed_of(&b->h, &b->hash, &x);
    bft_result_digest(&h->result_digest, &x.result);
}

static uint16_t leader_of(uint64_t epoch, uint64_t round)
{
    /* The core's own table for its current round, any signer else: wrong leaders are tried too. */
    if (f.view.epoch == epoch && f.view.round == round)
        return f.view.leader;
    return (uint16_t)(round % 4u);
}

static void make_block(struct plan *p, uint32_t i, uint32_t parent, uint8_t how)
{
    struct block *b = &p->at[i];
    const struct block *up = &p->at[parent];
    struct bft_header *h = &b->h;
    uint64_t last = (p->epoch + 1u) * EPOCH_BLOCKS;
    bool from_base = parent == 0 && p->base_round == 0;
    *h = (struct bft_header){.epoch = p->epoch, .round = p->base_round + i};
    b->parent = parent;
    h->filler = (how & 4u) != 0 || up->h.height >= last || up->h.height >= up->h.att_height + 12u;
    h->height = up->h.height + (h->filler ? 0u : 1u);
    h->proposer = (uint16_t)(how >> 4 & 3u);
    h->parent = up->hash;
    h->parent_round = from_base ? 0 : up->h.round;
    h->prev_hash = up->h.filler ? up->h.prev_hash : up->hash;
    h->ts_ms = up->h.ts_ms + 1000u;
    h->origin = up->h.origin;
    h->att_height = up->h.att_height;
    h->att_digest = up->h.att_digest;
    if (from_base && p->epoch > 0) {
        h->att_height = up->h.height;
        bft_attest_digest(&h->att_digest, &p->genesis.fields);
    }
    if (h->filler) {
        h->result_digest = up->h.result_digest;
        if (!from_base)
            h->next_set_hash = up->h.next_set_hash;
    } else {
        result_for(p, parent, h);
        if (h->height + TD_ATTEST_WINDOW >= last)
            h->next_set_hash = f.set[p->epoch + 1u].hash;
        h->end_batch = h->height % 10u == 0 || h->height == last;
        if ((how & 8u) != 0) {
            h->tx_count = 1;
            h->payload_bytes = 50;
            h->payload_root.b[0] = 1;
        }
    }
    bft_header_hash(&b->hash, h);
}

/* One round per byte.  A block that is final, by commit or by two in a row, stays below every later
 * one: a quorum with two honest members does no less. */
static void lay_down(struct plan *p, struct script *s)
{
    uint32_t floor = 0, tip = 0;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        uint8_t how = take(s);
        struct block *b = &p->at[i];
        uint32_t parent = tip;
        if ((how & 0x40u) != 0 && tip != floor && p->at[tip].parent >= floor)
            parent = p->at[tip].parent;
        make_block(p, i, parent, how);
        b->exists = true;
        b->certified = (how & 3u) != 0;
        b->committed = b->certified && (how & 0x80u) != 0;
        if (!b->certified)
            continue;
        /* Two certificates in a row make the parent final; a commit the block itself. */
        if (parent != 0 && parent + 1u == i && parent > floor)
            floor = parent;
        if (b->committed)
            floor = i;
        tip = i;
    }
    for (uint32_t i = floor; i != 0; i = p->at[i].parent)
        if (!p->at[i].h.filler && p->at[i].h.height < HEIGHTS)
            f.final_at[p->at[i].h.height] = &p->at[i];
}

/* ---- certificates */

static struct td_sig sigs[4];

static const struct bft_set *set_at(uint64_t epoch)
{
    return &f.set[epoch < 3u ? epoch : 2u];
}

static struct bft_bitmap three(uint8_t which)
{
    struct bft_bitmap m = {{0xFu & ~(1u << which % 4u)}};
    return m;
}

static struct bft_qc qc_of(const struct plan *p, uint32_t i, uint8_t which)
{
    const struct block *b = &p->at[i];
    struct bft_qc qc = {.epoch = p->epoch, .height = b->h.height, .hash = b->hash};
    if (i == 0 && p->base_round == 0) {
        qc.genesis = p->epoch > 0 ? &p->genesis : NULL;
        return qc;
    }
    qc.round = b->h.round;
    qc.signers = three(which);
    qc.sig_count = 3;
    qc.sigs = sigs;
    return qc;
}

static struct bft_qc commit_of(const struct plan *p, uint32_t i, uint8_t which)
{
    struct bft_qc qc = qc_of(p, i, which);
    qc.height = 0;
    return qc;
}

static bool certified(const struct plan *p, uint32_t i)
{
    return i == 0 || p->at[i].certified;
}

/* TC of round index i whose highest QC is index `high`. */
static struct bft_tc tc_of(const struct plan *p, uint32_t i, uint32_t high, uint8_t which)
{
    static struct bft_tc_entry entries[4];
    uint64_t lock = qc_of(p, high, 0).round;
    for (uint32_t k = 0; k < 3; k++)
        entries[k] =
            (struct bft_tc_entry){k == which % 3u || lock == 0 ? lock : lock - 1u, sigs[k]};
    return (struct bft_tc){.epoch = p->epoch,
                           .round = p->base_round + i,
                           .signers = three(which),
                           .entry_count = 3,
                           .entries = entries,
                           .high_qc = qc_of(p, high, which)};
}

static struct bft_attest_fields attest_fields(uint64_t height)
{
    const struct block *b = f.final_at[height];
    struct bft_executed x;
    executed_of(&b->h, &b->hash, &x);
    return (struct bft_attest_fields){.epoch = b->h.epoch,
                                      .set_hash = set_at(b->h.epoch)->hash,
                                      .height = height,
                                      .block_hash = b->hash,
                                      .parent_hash = b->h.prev_hash,
                                      .state_commitment = x.result.state_commitment,
                                      .next_set_hash = b->h.next_set_hash};
}

static bool known_final(uint64_t height)
{
    return height > 0 && height < HEIGHTS && f.final_at[height] != NULL;
}

static struct bft_attest_cert attest_cert(uint64_t height, uint8_t which)
{
    return (struct bft_attest_cert){
        .fields = attest_fields(height), .signers = three(which), .sig_count = 3, .sigs = sigs};
}

/* ---- one step */

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
        break;
    case BFT_FX_FETCH:
        f.fetch = *fx;
        break;
    case BFT_FX_MAKE_PAYLOAD:
        f.make = *fx;
        break;
    case BFT_FX_TIMER:
        TD_ASSERT(fx->u.at_ns > f.now_ns);
        break;
    case BFT_FX_FINALIZE:
    case BFT_FX_CHECK_ORIGIN:
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

static void monotone(const struct bft_view *a, const struct bft_view *b)
{
    TD_ASSERT(bft_slot_cmp((struct bft_slot){b->epoch, b->round},
                           (struct bft_slot){a->epoch, a->round}) >= 0);
    TD_ASSERT(b->final_height >= a->final_height && b->executed_height >= a->executed_height);
    TD_ASSERT(b->attested_height >= a->attested_height);
    TD_ASSERT(bft_slot_cmp(b->final_slot, a->final_slot) >= 0);
    TD_ASSERT(b->tree_nodes >= 1 && b->tree_nodes <= TD_UNFINAL_HEADERS_MAX);
    if (a->epoch != b->epoch)
        return;
    TD_ASSERT(b->high_qc_round >= a->high_qc_round && b->last_voted >= a->last_voted);
    TD_ASSERT(b->last_timeout >= a->last_timeout && b->last_commit >= a->last_commit);
}

static void step(struct bft_event *ev)
{
    struct bft_view before = f.view;
    ev->mono_ns = f.now_ns;
    ev->wall_ms = 1700000000000u + (uint64_t)(f.now_ns / 1000000) - f.skew_ms;
    (void)bft_step(f.replica, ev, &f.fx);
    bft_view_get(f.replica, &f.view);
    TD_ASSERT(f.fx.count < BFT_EFFECTS_MAX);
    for (uint32_t i = 0; i < f.fx.count; i++)
        on_effect(&f.fx.list[i]);
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
static uint32_t index_near(const struct plan *p, uint8_t a)
{
    uint64_t round = f.view.round > p->base_round ? f.view.round - p->base_round : 0;
    uint64_t i = (a & 0x80u) != 0 ? a & 0x3Fu : round + (a & 7u);
    if ((a & 0x80u) == 0)
        i = i > 3u ? i - 3u : 0;
    return (uint32_t)(i % (ROUNDS + 1u));
}

static struct plan *plan_now(uint8_t a)
{
    return f.has_next_plan && (f.view.epoch > f.plan[0].epoch) != ((a & 0xE0u) == 0xE0u)
               ? &f.plan[1]
               : &f.plan[0];
}

static void proposal(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    if (i == 0 || !p->at[i].exists)
        return;
    struct bft_msg m = {.kind = BFT_MSG_PROPOSAL};
    struct bft_proposal *out = &m.u.proposal;
    struct bft_tc tc;
    struct bft_attest_cert cert;
    out->header = p->at[i].h;
    struct bft_header *h = &out->header;
    uint32_t parent = p->at[i].parent;
    if (!certified(p, parent))
        return;
    h->proposer = leader_of(p->epoch, h->round);
    out->qc = qc_of(p, parent, b);
    if (out->qc.round + 1u != h->round) {
        tc = tc_of(p, i - 1u, parent, b);
        out->tc = &tc;
        bft_tc_hash(&h->tc_hash, &tc);
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
    case 7:
        if (known_final(h->att_height + 1u + c % 4u)) {
            cert = attest_cert(h->att_height + 1u + c % 4u, c);
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
    const struct plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    uint16_t signer = voice(b);
    const struct block *blk = &p->at[i];
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
    const struct plan *p = plan_now(c);
    uint32_t i = index_near(p, a), lock = c % (ROUNDS + 1u);
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
    while (lock > 0 && (lock >= i || (!certified(p, lock) && !lies(t->t.signer))))
        lock--;
    lock_qc = qc_of(p, lock, b);
    t->t.lock_round = lock_qc.round;
    if ((b & 0x10u) != 0 && certified(p, lock))
        t->lock_qc = &lock_qc;
    if ((b & 0x20u) != 0 && certified(p, i - 1u)) {
        entry_qc = qc_of(p, i - 1u, b);
        t->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &entry_qc};
    } else if ((b & 0x40u) != 0 && i > 1u) {
        uint32_t high = i - 2u;
        while (!certified(p, high))
            high--;
        tc = tc_of(p, i - 1u, high, b);
        t->entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &tc};
    }
    give(t->t.signer, &m);
}

static void certificate(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    struct bft_certificate *out = &m.u.certificate;
    struct bft_qc qc, second;
    struct bft_tc tc;
    if (i == 0)
        return;
    if (b % 4u == 1) {
        uint32_t high = i - 1u;
        while (!certified(p, high))
            high--;
        tc = tc_of(p, i, high, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc};
    } else if (!p->at[i].certified) {
        return;
    } else if (b % 4u == 0) {
        qc = qc_of(p, i, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc};
    } else if (b % 4u == 2 && p->at[i].committed) {
        qc = commit_of(p, i, c);
        *out = (struct bft_certificate){.kind = BFT_CERTIFICATE_COMMIT, .qc = &qc};
    } else {
        uint32_t up = p->at[i].parent;
        qc = qc_of(p, up, c);
        second = qc_of(p, i, b);
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

/* AttestCert(last) opens the next epoch; what happens there is laid down then. */
static void next_plan(struct script *s)
{
    uint64_t last = (f.plan[0].epoch + 1u) * EPOCH_BLOCKS;
    if (f.has_next_plan || !known_final(last) || f.view.epoch == f.plan[0].epoch)
        return;
    struct plan *p = &f.plan[1];
    *p = (struct plan){.epoch = f.plan[0].epoch + 1u, .genesis = attest_cert(last, 0)};
    p->at[0] = *f.final_at[last];
    f.has_next_plan = true;
    lay_down(p, s);
}

static void attestation(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    uint64_t height = height_near(a);
    struct bft_msg m;
    if (!known_final(height))
        return;
    if ((b & 0x80u) != 0) {
        m = (struct bft_msg){.kind = BFT_MSG_ATTEST_CERT};
        m.u.attest_cert = attest_cert(height, c);
        give(voice(b), &m);
        next_plan(s);
    } else if ((b & 0x40u) != 0) {
        const struct block *blk = f.final_at[height];
        struct bft_executed x;
        executed_of(&blk->h, &blk->hash, &x);
        m = (struct bft_msg){.kind = BFT_MSG_BATCH_ATTEST};
        m.u.batch_attest = (struct bft_batch_attest){.epoch = blk->h.epoch,
                                                     .set_hash = set_at(blk->h.epoch)->hash,
                                                     .batch_hash = x.batch_hash,
                                                     .height = height + (c & 1u),
                                                     .signer = voice(b)};
        give(voice(b), &m);
    } else {
        m = (struct bft_msg){.kind = BFT_MSG_ATTEST};
        m.u.attest = (struct bft_attest){attest_fields(height), voice(b), {{1}}};
        if (lies(voice(b)))
            m.u.attest.fields.messages_root.b[0] = c;
        give(voice(b), &m);
    }
}

static void status(struct script *s)
{
    uint8_t a = take(s), b = take(s), c = take(s);
    const struct plan *p = plan_now(c);
    uint32_t i = index_near(p, a);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    struct bft_status *out = &m.u.status;
    struct bft_qc qc = qc_of(p, i, c);
    out->epoch = p->epoch;
    out->round = p->base_round + i + 1u;
    out->final_height = (c & 0x10u) != 0 ? f.view.final_height + (c & 15u) : 0;
    out->l1_number = b;
    if (certified(p, i) && (b & 8u) != 0) {
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
        const struct plan *p = &f.plan[e];
        for (uint32_t i = 1; i <= ROUNDS && m.u.by_hash.object_count == 0; i++) {
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
    while (n < 1u + b % 20u && known_final(from + n) &&
           f.final_at[from + n]->h.epoch == f.final_at[from]->h.epoch) {
        headers[n] = f.final_at[from + n]->h;
        n++;
    }
    m.u.blocks = (struct bft_blocks){.from = from, .header_count = n, .headers = headers};
    struct bft_attest_cert cert;
    if (n > 0) {
        cert = attest_cert(from + n - 1u, c);
        m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &cert};
    }
    give(voice(c), &m);
    next_plan(s);
}

static void ask_headers(struct script *s)
{
    const struct plan *p = plan_now(0);
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
    e->kind = BFT_EV_TWO_VOTES;
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
        if (!known_final(f.executed + 1u))
            return;
        const struct block *b = f.final_at[++f.executed];
        struct bft_executed x;
        executed_of(&b->h, &b->hash, &x);
        step(&(struct bft_event){.kind = BFT_EV_EXECUTED, .u.executed = &x});
    }
}

static void verdict(uint8_t a, uint8_t b)
{
    const struct plan *p = plan_now(0);
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
        enum td_error err = bft_set_init(&f.set[e], e, v, 4, 4);
        TD_ASSERT(err == TD_OK);
    }
    struct bft_config *c = &f.cfg;
    c->genesis = (struct bft_header){.ts_ms = 1699999000000u};
    bft_header_hash(&c->genesis_hash, &c->genesis);
    bft_domain_init(&c->domain, 31337, &(struct td_addr){{0}}, 7, &c->genesis_hash);
    c->genesis_result.b[0] = 9;
    c->schedule = f.set;
    c->schedule_count = 3;
    c->has_l1 = (how & 2u) != 0;
    c->epoch_length = EPOCH_BLOCKS;
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
static struct bft_final_block *near_the_end(struct plan *p, uint32_t *count)
{
    static struct bft_final_block finals[24];
    struct block *up = NULL;
    *count = 0;
    for (uint64_t h = 40; h <= 60; h++) {
        struct block *b = &f.history[h];
        *b = (struct block){.exists = true, .certified = true, .committed = true};
        b->h = (struct bft_header){.round = h, .height = h, .parent_round = h - 1u};
        b->h.ts_ms = 1699999000000u + h * 1000u;
        b->h.att_height = h > 2 ? h - 2u : 0;
        b->h.end_batch = h % 10u == 0;
        if (up != NULL)
            b->h.parent = b->h.prev_hash = up->hash;
        if (h + TD_ATTEST_WINDOW >= EPOCH_BLOCKS)
            b->h.next_set_hash = f.set[1].hash;
        bft_header_hash(&b->hash, &b->h);
        f.final_at[h] = b;
        struct bft_final_block *out = &finals[(*count)++];
        *out = (struct bft_final_block){.header = b->h, .hash = b->hash, .executed = true};
        out->state = (struct bft_chain_state){.origin_ts = 1699999000000u, .batch_ts = b->h.ts_ms};
        executed_of(&b->h, &b->hash, &out->exec);
        up = b;
    }
    f.executed = 60;
    p->base_round = 60;
    p->at[0] = f.history[60];
    return finals;
}

static bool start(struct script *s)
{
    uint8_t how = take(s);
    void *arena = f.arena.base;
    uint8_t *region = f.region;
    size_t region_bytes = f.region_bytes;
    memset(&f, 0, offsetof(struct fuzz, fx));
    memset(&f.guard, 0, sizeof f - offsetof(struct fuzz, guard));
    f.region = region;
    f.region_bytes = region_bytes;
    config(how);
    if (f.region == NULL) {
        f.region_bytes = (bft_footprint(&f.cfg) + 63u) & ~(size_t)63u;
        f.region = aligned_alloc(64, f.region_bytes + CANARY);
        arena = malloc(BFT_DECODE_ARENA_BYTES);
    }
    td_arena_init(&f.arena, arena, BFT_DECODE_ARENA_BYTES);
    memset(f.region + f.region_bytes, 0xA5, CANARY);
    for (uint8_t i = 0; i < 4; i++)
        sigs[i].b[0] = (uint8_t)(i + 1u);
    f.now_ns = 1000000000;
    bft_guard_init(&f.guard);
    struct plan *p = &f.plan[0];
    p->at[0] = (struct block){.exists = true, .certified = true, .hash = f.cfg.genesis_hash};
    p->at[0].h = f.cfg.genesis;
    struct bft_restore restore = {.guard = (how & 8u) != 0 ? &f.guard : NULL};
    struct bft_qc lock;
    struct bft_attest_cert cert;
    if ((how & 16u) != 0) {
        restore.finals = near_the_end(p, &restore.final_count);
        cert = attest_cert(58, 0);
        bft_attest_digest(&p->at[0].h.att_digest, &cert.fields);
        bft_header_hash(&p->at[0].hash, &p->at[0].h);
        f.history[60] = p->at[0];
        struct bft_final_block *top =
            (struct bft_final_block *)(uintptr_t)&restore.finals[restore.final_count - 1u];
        top->header = p->at[0].h;
        top->hash = p->at[0].hash;
        executed_of(&top->header, &top->hash, &top->exec);
        lock = qc_of(p, 0, 0);
        restore.attest_cert = &cert;
        restore.guard = &f.guard;
        restore.lock_qc = &lock;
        restore.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &lock};
    }
    if (bft_init(&f.replica, f.region, &f.cfg, &restore) != TD_OK)
        return false;
    bft_view_get(f.replica, &f.view);
    lay_down(p, s);
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
    static void (*const ops[])(struct script *) = {
        proposal,       vote_like,     timeout,     certificate, attestation, status,      proposal,
        headers_answer, blocks_answer, ask_headers, evidence,    vote_like,   attestation,
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
