#include "tests/consensus/solo.h"

#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"

struct bft_view so_view(struct solo *s)
{
    return cl_view(&s->c, 0);
}

struct td_hash so_hash(const struct bft_header *h)
{
    struct td_hash hash;
    bft_header_hash(&hash, h);
    return hash;
}

void so_status(struct solo *s, uint32_t mask, uint64_t final_height)
{
    for (uint32_t i = 1; i < s->c.n; i++) {
        if ((mask >> i & 1u) == 0)
            continue;
        struct bft_msg m = {.kind = BFT_MSG_STATUS};
        m.u.status.final_height = final_height;
        enum bft_verdict v = cl_give_verified(&s->c, 0, i, &m);
        cr_assert_eq(v, BFT_OK);
    }
}

void so_init_quiet(struct solo *s, void (*edit)(struct bft_config *cfg), bool equal)
{
    static const uint64_t stakes[] = {1, 1000, 1000, 1000};
    memset(s, 0, sizeof *s);
    cl_init_with(&s->c, 4, equal ? NULL : stakes, edit, false);
    s->c.frozen = true;
    s->tip = s->c.cfg.genesis;
    s->tip_hash = s->c.cfg.genesis_hash;
    s->tip_qc.qc = (struct bft_qc){.hash = s->tip_hash};
    s->attest = true;
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s->c.node[i].addr};
        cl_event(&s->c, 0, &up);
    }
}

static void init(struct solo *s, void (*edit)(struct bft_config *cfg), bool equal)
{
    so_init_quiet(s, edit, equal);
    so_status(s, SO_OTHERS, 0);
    cr_assert_eq(so_view(s).mode, BFT_MODE_ACTIVE);
}

void so_init(struct solo *s, void (*edit)(struct bft_config *cfg))
{
    init(s, edit, false);
}

void so_init_equal(struct solo *s, void (*edit)(struct bft_config *cfg))
{
    init(s, edit, true);
}

void so_free(struct solo *s)
{
    cr_assert(cl_canary_holds(&s->c, 0), "the replica wrote behind its region");
    cl_free(&s->c);
}

/* ---- proposals */

static uint64_t now_ms(const struct solo *s)
{
    return (uint64_t)(CL_WALL_MS + SO_MS(s->c.now_ns) + s->c.skew_ms);
}

static void attestation_base(struct solo *s, const struct bft_header *parent, struct bft_header *h)
{
    h->att_height = parent->att_height;
    h->att_digest = parent->att_digest;
    if (h->parent_round == 0 && h->epoch > 0) {
        h->att_height = parent->height;
        bft_attest_digest(&h->att_digest, &s->genesis.cert.fields);
    }
}

struct so_prop so_child_of(struct solo *s, const struct bft_header *parent, const struct bft_qc *qc,
                           uint64_t round)
{
    struct so_prop p = {.qc = qc};
    struct bft_header *h = &p.h;
    struct bft_sets sets;
    bft_sets_get(s->c.node[0].replica, &sets);
    h->epoch = qc->epoch;
    h->round = round;
    h->height = parent->height + 1u;
    h->proposer = cl_signer(&s->c, cl_leader(&s->c, round));
    h->parent = so_hash(parent);
    h->parent_round = qc->round;
    h->prev_hash = parent->filler ? parent->prev_hash : h->parent;
    h->ts_ms = now_ms(s) > parent->ts_ms ? now_ms(s) : parent->ts_ms + 1u;
    h->origin = parent->origin;
    h->result_digest = s->c.cfg.genesis_result;
    if (h->height > TD_EXEC_LAG) {
        uint64_t below = h->height - TD_EXEC_LAG;
        const struct bft_final_block *b = &s->c.node[0].stored[below % CL_HEIGHTS];
        struct bft_executed x;
        cl_executed(&s->c, &b->header, &b->hash, &x);
        bft_result_digest(&h->result_digest, &x.result);
    }
    attestation_base(s, parent, h);
    uint64_t last = (h->epoch + 1u) * s->c.cfg.epoch_length;
    if (h->height + TD_ATTEST_WINDOW >= last && sets.next != NULL)
        h->next_set_hash = sets.next->hash;
    h->end_batch = h->height % s->c.cfg.batch_blocks_max == 0 || h->height == last;
    if (s->has_tc && qc->round + 1u != round) {
        p.tc = &s->tc.tc;
        bft_tc_hash(&h->tc_hash, p.tc);
    }
    return p;
}

struct so_prop so_child(struct solo *s, uint64_t round)
{
    return so_child_of(s, &s->tip, &s->tip_qc.qc, round);
}

struct so_prop so_filler(struct solo *s, uint64_t round)
{
    struct so_prop p = so_child(s, round);
    p.h.filler = true;
    p.h.height = s->tip.height;
    p.h.result_digest = s->tip.result_digest;
    p.h.next_set_hash = p.h.parent_round == 0 ? (struct td_hash){{0}} : s->tip.next_set_hash;
    p.h.end_batch = false;
    return p;
}

void so_carry(struct so_prop *p, const struct so_cert *cert)
{
    p->att = &cert->cert;
    p->h.att_height = cert->cert.fields.height;
    bft_attest_digest(&p->h.att_digest, &cert->cert.fields);
}

void so_message(struct solo *s, struct bft_msg *m, const struct so_prop *p)
{
    struct bft_signed sig = {.kind = BFT_SIGNED_PROPOSE};
    sig.u.propose.epoch = p->h.epoch;
    sig.u.propose.round = p->h.round;
    sig.u.propose.hash = so_hash(&p->h);
    sig.u.propose.signer = p->h.proposer;
    uint32_t node = cl_node_of(&s->c, p->h.proposer);
    cl_sign(&s->c, node == UINT32_MAX ? 0 : node, &sig);
    *m = (struct bft_msg){.kind = BFT_MSG_PROPOSAL};
    m->u.proposal = (struct bft_proposal){.header = p->h,
                                          .hash = sig.u.propose.hash,
                                          .qc = *p->qc,
                                          .tc = p->tc,
                                          .attest_cert = p->att,
                                          .sig = sig.u.propose.sig};
}

enum bft_verdict so_propose(struct solo *s, const struct so_prop *p)
{
    struct bft_msg m;
    so_message(s, &m, p);
    uint32_t from = cl_node_of(&s->c, p->h.proposer);
    return cl_give_verified(&s->c, 0, from < s->c.n ? from : 1u, &m);
}

/* ---- votes */

void so_votes(struct solo *s, const struct bft_header *h, uint32_t mask)
{
    struct td_hash hash = so_hash(h);
    for (uint32_t i = 1; i < s->c.n; i++) {
        struct bft_msg m;
        if ((mask >> i & 1u) == 0)
            continue;
        cl_vote(&s->c, &m, i, h->epoch, h->round, h->height, &hash);
        (void)cl_give_verified(&s->c, 0, i, &m);
    }
}

void so_commits(struct solo *s, const struct bft_header *h, uint32_t mask)
{
    struct td_hash hash = so_hash(h);
    for (uint32_t i = 1; i < s->c.n; i++) {
        struct bft_msg m;
        if ((mask >> i & 1u) == 0)
            continue;
        cl_commit(&s->c, &m, i, h->epoch, h->round, &hash);
        (void)cl_give_verified(&s->c, 0, i, &m);
    }
}

void so_timeouts(struct solo *s, uint64_t round, uint64_t lock, uint32_t mask)
{
    for (uint32_t i = 1; i < s->c.n; i++) {
        struct bft_msg m;
        if ((mask >> i & 1u) == 0)
            continue;
        cl_timeout(&s->c, &m, i, so_view(s).epoch, round, lock);
        (void)cl_give_verified(&s->c, 0, i, &m);
    }
}

void so_certify(struct solo *s, const struct bft_header *h)
{
    so_votes(s, h, SO_OTHERS);
    s->tip = *h;
    s->tip_hash = so_hash(h);
    memset(&s->tip_qc, 0, sizeof s->tip_qc);
    cl_qc(&s->c, &s->tip_qc, h->epoch, h->round, h->height, &s->tip_hash, SO_OTHERS);
}

void so_skip(struct solo *s)
{
    struct bft_view v = so_view(s);
    uint64_t locks[4];
    for (uint32_t i = 0; i < 4; i++)
        locks[i] = s->tip_qc.qc.round;
    memset(&s->tc, 0, sizeof s->tc);
    cl_tc(&s->c, &s->tc, v.epoch, v.round, locks, SO_OTHERS, &s->tip_qc.qc);
    s->has_tc = true;
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &s->tc.tc};
    cr_assert_eq(cl_give_verified(&s->c, 0, 1, &m), BFT_OK);
    cr_assert_gt(so_view(s).round, v.round);
}

/* ---- attestation */

static struct bft_attest_fields fields_of(struct solo *s, uint64_t height)
{
    const struct bft_final_block *b = &s->c.node[0].stored[height % CL_HEIGHTS];
    struct bft_sets sets;
    struct bft_executed x;
    cr_assert_eq(b->header.height, height, "height %lu is not final", height);
    bft_sets_get(s->c.node[0].replica, &sets);
    cl_executed(&s->c, &b->header, &b->hash, &x);
    return (struct bft_attest_fields){.epoch = b->header.epoch,
                                      .set_hash = bft_sets_find(&sets, b->header.epoch)->hash,
                                      .height = height,
                                      .block_hash = b->hash,
                                      .parent_hash = b->header.prev_hash,
                                      .state_commitment = x.result.state_commitment,
                                      .next_set_hash = b->header.next_set_hash};
}

void so_attest_msg(struct solo *s, struct bft_msg *m, uint32_t node, uint64_t height)
{
    struct bft_signed a = {.kind = BFT_SIGNED_ATTEST};
    a.u.attest.fields = fields_of(s, height);
    a.u.attest.signer = cl_signer(&s->c, node);
    cl_sign(&s->c, node, &a);
    *m = (struct bft_msg){.kind = BFT_MSG_ATTEST, .u.attest = a.u.attest};
}

void so_attest_cert(struct solo *s, struct so_cert *out, uint64_t height)
{
    memset(out, 0, sizeof *out);
    out->cert.sigs = out->sigs;
    for (uint16_t signer = 0; signer < s->c.n; signer++) {
        uint32_t node = cl_node_of(&s->c, signer);
        if ((SO_OTHERS >> node & 1u) == 0)
            continue;
        struct bft_msg m;
        so_attest_msg(s, &m, node, height);
        out->cert.fields = m.u.attest.fields;
        bft_bitmap_add(&out->cert.signers, signer);
        out->sigs[out->cert.sig_count++] = m.u.attest.sig;
    }
}

static void follow_epoch(struct solo *s, uint64_t before)
{
    if (so_view(s).epoch == before)
        return;
    s->genesis = s->attested;
    s->genesis.cert.sigs = s->genesis.sigs;
    s->tip_qc = (struct cl_cert){.qc = {.epoch = before + 1u,
                                        .height = s->tip.height,
                                        .hash = s->tip_hash,
                                        .genesis = &s->genesis.cert}};
    s->has_tc = false;
}

void so_attest(struct solo *s, uint64_t height, uint32_t mask)
{
    uint64_t epoch = so_view(s).epoch;
    if (mask == SO_OTHERS)
        so_attest_cert(s, &s->attested, height);
    struct bft_msg m[4];
    for (uint32_t i = 1; i < 4; i++)
        so_attest_msg(s, &m[i], i, height);
    for (uint32_t i = 1; i < 4; i++)
        if ((mask >> i & 1u) != 0)
            (void)cl_give_verified(&s->c, 0, i, &m[i]);
    follow_epoch(s, epoch);
}

/* ---- whole blocks */

void so_block(struct solo *s)
{
    s->c.now_ns += (int64_t)SO_STEP_MS * 1000000;
    while (cl_leader(&s->c, so_view(s).round) == 0)
        so_skip(s);
    struct so_prop p = so_child(s, so_view(s).round);
    if (s->attest && s->attested.cert.fields.height > p.h.att_height &&
        s->attested.cert.fields.epoch == p.h.epoch)
        so_carry(&p, &s->attested);
    s->last = p.h;
    enum bft_verdict v = so_propose(s, &p);
    cr_assert_eq(v, BFT_OK, "%s", bft_verdict_text(v));
    so_certify(s, &p.h);
    so_commits(s, &p.h, SO_OTHERS);
    if (s->attest)
        so_attest(s, p.h.height, SO_OTHERS);
}

void so_blocks(struct solo *s, uint64_t to_height)
{
    while (s->tip.height < to_height) {
        uint64_t round = so_view(s).round, epoch = so_view(s).epoch;
        so_block(s);
        struct bft_view v = so_view(s);
        cr_assert(v.epoch > epoch || v.last_voted >= round, "no vote at height %lu", s->tip.height);
        cr_assert_eq(v.final_height, s->tip.height);
    }
}

/* ---- checks */

/* Everything but the counters of verdicts. */
static bool same_view(const struct bft_view *a, const struct bft_view *b)
{
    return a->mode == b->mode && a->halt == b->halt && a->syncing == b->syncing &&
           a->epoch == b->epoch && a->round == b->round && a->final_height == b->final_height &&
           td_hash_eq(&a->final_hash, &b->final_hash) &&
           bft_slot_cmp(a->final_slot, b->final_slot) == 0 &&
           a->executed_height == b->executed_height && a->attested_height == b->attested_height &&
           a->high_qc_round == b->high_qc_round && a->last_voted == b->last_voted &&
           a->last_timeout == b->last_timeout && a->last_commit == b->last_commit &&
           a->signer == b->signer && a->leader == b->leader && a->tree_nodes == b->tree_nodes &&
           a->rounds_entered_qc == b->rounds_entered_qc &&
           a->rounds_entered_tc == b->rounds_entered_tc;
}

void so_refused(struct solo *s, struct bft_msg *m, enum bft_verdict want, const char *what)
{
    struct bft_view before = so_view(s);
    uint32_t fx[BFT_FX_HALT + 1];
    memcpy(fx, s->c.node[0].fx, sizeof fx);
    enum bft_verdict got = cl_give_verified(&s->c, 0, 1, m);
    struct bft_view after = so_view(s);
    cr_expect_eq(got, want, "%s: %s instead of %s", what, bft_verdict_text(got),
                 bft_verdict_text(want));
    cr_expect(same_view(&before, &after), "%s: the state changed", what);
    for (uint32_t i = 0; i <= BFT_FX_HALT; i++)
        cr_expect(i == BFT_FX_TIMER || fx[i] == s->c.node[0].fx[i], "%s: effect %u", what, i);
}

void so_pass(struct solo *s, int64_t ms)
{
    int64_t end = s->c.now_ns + ms * 1000000;
    while (s->c.node[0].timer_ns <= end) {
        if (s->c.node[0].timer_ns > s->c.now_ns)
            s->c.now_ns = s->c.node[0].timer_ns;
        cl_tick(&s->c, 0);
    }
    s->c.now_ns = end;
}
