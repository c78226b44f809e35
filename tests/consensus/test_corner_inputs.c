/* Inputs that nobody honest makes: unknown kinds, outsiders, other epochs, records that contradict
 * themselves, events about nothing.  [P-11, P-13]
 * Method: one replica, the other three validators played by hand (solo.h); messages are often given
 * past the verifier, since the core must hold even where that would have refused. */
#include "tests/consensus/solo.h"

#include <string.h>

static struct solo s;

static void setup(void)
{
    so_init(&s, NULL);
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(corner_inputs, .init = setup, .fini = teardown);

#define OUTSIDER 4u /* count of the set */
#define NOBODY 60000u

static enum bft_verdict give(struct bft_msg *m)
{
    return cl_give(&s.c, 0, 1, m);
}

static void skip_rounds(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        so_skip(&s);
}

/* ---- kinds that do not exist */

Test(corner_inputs, unknown_kinds_change_nothing)
{
    so_blocks(&s, 2);
    struct bft_view before = so_view(&s);
    struct bft_event ev = {.kind = (enum bft_event_kind)99};
    cr_expect_eq(cl_event(&s.c, 0, &ev), BFT_OK);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = (enum bft_certificate_kind)99;
    cr_expect_eq(give(&m), BFT_MALFORMED);
    cr_expect_eq(so_view(&s).round, before.round);
    cr_expect_eq(so_view(&s).final_height, before.final_height);
    cr_expect_eq(s.c.fx->count, 0, "no effect but perhaps a timer");
}

/* ---- outsiders: a signer index beyond the set, in every kind, near and far */

Test(corner_inputs, outsiders_never_count)
{
    so_blocks(&s, 20);
    uint64_t round = so_view(&s).round;
    static const uint16_t who[] = {OUTSIDER, NOBODY};
    for (uint32_t i = 0; i < 2; i++) {
        struct bft_msg m = {.kind = BFT_MSG_VOTE};
        m.u.vote = (struct bft_vote){.round = round, .signer = who[i]};
        cr_expect_eq(give(&m), BFT_OUTSIDER);
        m.u.vote.round = round + 50u;
        cr_expect_eq(give(&m), BFT_FAR_FUTURE);
        m = (struct bft_msg){.kind = BFT_MSG_COMMIT};
        m.u.commit = (struct bft_commit){.round = round, .signer = who[i]};
        cr_expect_eq(give(&m), BFT_OUTSIDER);
        m.u.commit.round = round + 50u;
        cr_expect_eq(give(&m), BFT_FAR_FUTURE);
        m = (struct bft_msg){.kind = BFT_MSG_TIMEOUT};
        m.u.timeout.t = (struct bft_timeout){.round = round, .signer = who[i]};
        cr_expect_eq(give(&m), BFT_OUTSIDER);
        m.u.timeout.t.round = round + 50u;
        cr_expect_eq(give(&m), i == 0 ? BFT_FAR_FUTURE : BFT_OUTSIDER);
        m = (struct bft_msg){.kind = BFT_MSG_ATTEST};
        m.u.attest.fields.height = 21;
        m.u.attest.signer = who[i];
        cr_expect_eq(give(&m), BFT_OUTSIDER);
        m = (struct bft_msg){.kind = BFT_MSG_EVIDENCE};
        m.u.evidence.kind = BFT_EVIDENCE_TWO_VOTES;
        m.u.evidence.a.kind = m.u.evidence.b.kind = BFT_SIGNED_VOTE;
        m.u.evidence.a.u.vote.signer = m.u.evidence.b.u.vote.signer = who[i];
        cr_expect_eq(give(&m), BFT_DUPLICATE);
        struct so_prop p = so_child(&s, round);
        p.h.proposer = who[i];
        so_message(&s, &m, &p);
        cr_expect_eq(give(&m), BFT_OUTSIDER);
    }
    cr_expect_eq(s.c.node[0].fx[BFT_FX_EVIDENCE], 0);
    cr_expect_eq(so_view(&s).round, round);
}

/* [P-9.6] The height is not signed, so only what this node executed itself places a message. */
Test(corner_inputs, batch_messages_must_name_an_executed_end)
{
    so_blocks(&s, 20);
    struct bft_executed x;
    const struct bft_final_block *b = &s.c.node[0].stored[20];
    cr_assert(b->header.end_batch);
    cl_executed(&s.c, &b->header, &b->hash, &x);
    struct bft_msg m = {.kind = BFT_MSG_BATCH_ATTEST};
    struct bft_batch_attest *a = &m.u.batch_attest;
    *a = (struct bft_batch_attest){
        .set_hash = s.c.sets[0].hash, .batch_hash = x.batch_hash, .height = 20, .signer = OUTSIDER};
    cr_expect_eq(give(&m), BFT_OUTSIDER);
    a->signer = 1;
    a->height = 0;
    cr_expect_eq(give(&m), BFT_STALE, "no block");
    a->height = 21;
    cr_expect_eq(give(&m), BFT_FAR_FUTURE);
    a->height = 20;
    a->epoch = 5;
    cr_expect_eq(give(&m), BFT_FAR_FUTURE);
    a->epoch = 0;
    a->batch_hash.b[1] ^= 1;
    cr_expect_eq(give(&m), BFT_BAD_LINK);
    struct bft_msg cert = {.kind = BFT_MSG_BATCH_CERT};
    struct bft_batch_cert *c = &cert.u.batch_cert;
    struct td_sig sig[4] = {{{1}}};
    *c = (struct bft_batch_cert){.epoch = 5, .height = 20, .batch_hash = x.batch_hash, .sigs = sig};
    cr_expect_eq(give(&cert), BFT_FAR_FUTURE);
    c->epoch = 0;
    uint32_t before = s.c.node[0].fx[BFT_FX_BATCH_CERT];
    cr_expect_eq(give(&cert), BFT_OK, "nobody signed it");
    bft_bitmap_add(&c->signers, 1);
    c->sig_count = 1;
    cr_expect_eq(give(&cert), BFT_OK, "one did");
    cr_expect_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], before);
    a->batch_hash = x.batch_hash;
    for (uint16_t i = 0; i < 4; i++) {
        a->signer = i;
        (void)give(&m);
    }
    cr_expect_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], before + 1u);
    cr_expect_eq(give(&cert), BFT_DUPLICATE);
    /* Who still asks gets it, if there is such a peer. */
    uint32_t sent = s.c.node[0].sent[BFT_MSG_BATCH_CERT];
    cr_expect_eq(cl_give(&s.c, 0, BFT_PEERS_MAX, &m), BFT_STALE);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_CERT], sent);
    cr_expect_eq(cl_give(&s.c, 0, 2, &m), BFT_STALE);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_CERT], sent + 1u);
    cr_expect_eq(cl_give(&s.c, 0, 2, &m), BFT_STALE, "once");
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_CERT], sent + 1u);
}

/* In later epochs: batches of two epochs ago, and of this one under a height of the last. */
Test(corner_inputs, old_epochs_are_over)
{
    so_blocks(&s, 130);
    cr_assert_eq(so_view(&s).epoch, 2);
    struct bft_msg m = {.kind = BFT_MSG_BATCH_ATTEST};
    m.u.batch_attest = (struct bft_batch_attest){.epoch = 0, .height = 64, .signer = 1};
    cr_expect_eq(give(&m), BFT_STALE);
    m.u.batch_attest.epoch = 2;
    m.u.batch_attest.height = 128;
    cr_expect_eq(give(&m), BFT_BAD_LINK);
    m = (struct bft_msg){.kind = BFT_MSG_ATTEST};
    m.u.attest.fields.epoch = 1;
    m.u.attest.signer = 1;
    so_pass(&s, 1900);
    cr_expect_eq(cl_give(&s.c, 0, BFT_PEERS_MAX + 7u, &m), BFT_STALE);
    uint32_t sent = s.c.node[0].sent[BFT_MSG_ATTEST_CERT];
    cr_expect_eq(give(&m), BFT_STALE);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST_CERT], sent + 1u);
    m.u.attest.fields.epoch = 3;
    cr_expect_eq(give(&m), BFT_FAR_FUTURE);
    /* Executing what left the ring of final blocks long ago. */
    struct bft_executed x;
    const struct bft_final_block *b = &s.c.node[0].stored[10];
    cl_executed(&s.c, &b->header, &b->hash, &x);
    struct bft_event ev = {.kind = BFT_EV_EXECUTED, .u.executed = &x};
    uint64_t executed = so_view(&s).executed_height;
    (void)cl_event(&s.c, 0, &ev);
    x.result.height = 0;
    (void)cl_event(&s.c, 0, &ev);
    cr_expect_eq(so_view(&s).executed_height, executed);
    struct bft_event set = {.kind = BFT_EV_SET_KNOWN};
    (void)cl_event(&s.c, 0, &set);
    cr_expect_eq(so_view(&s).epoch, 2);
}

/* ---- attestations */

/* [P-9.3] A difference in any result is told to the operator. */
Test(corner_inputs, every_result_field_can_split)
{
    for (uint32_t field = 0; field < 4; field++) {
        so_block(&s);
        s.attest = false;
        so_block(&s);
        struct bft_msg m;
        so_attest_msg(&s, &m, 1, s.tip.height);
        struct bft_attest_fields *f = &m.u.attest.fields;
        struct td_hash *part[] = {&f->state_commitment, &f->messages_root, &f->da_commitment,
                                  &f->priority_hash};
        part[field]->b[3] ^= 1;
        uint32_t before = s.c.node[0].alarms[BFT_ALARM_ATTEST_SPLIT];
        cr_expect_eq(give(&m), BFT_OK);
        cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_ATTEST_SPLIT], before + 1u, "field %u", field);
        s.attest = true;
    }
    /* Another block than ours at that height is not compared. */
    so_block(&s);
    struct bft_msg m;
    so_attest_msg(&s, &m, 1, s.tip.height);
    m.u.attest.fields.height++;
    cr_expect_eq(give(&m), BFT_OK);
}

/* Nothing was certified yet: whoever repeats height 0 gets no answer. */
Test(corner_inputs, no_certificate_no_answer)
{
    so_pass(&s, 1900);
    struct bft_msg m = {.kind = BFT_MSG_ATTEST};
    m.u.attest.signer = 1;
    cr_expect_eq(give(&m), BFT_STALE);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST_CERT], 0);
    m = (struct bft_msg){.kind = BFT_MSG_ATTEST_CERT};
    cr_expect_eq(give(&m), BFT_DUPLICATE);
    m.u.attest_cert.fields.height = 1000;
    cr_expect_eq(give(&m), BFT_BAD_CERT, "beyond the epoch");
}

/* The others certify blocks outside the window: own attestations stop at the slots there are. */
Test(corner_inputs, attestations_stop_at_their_slots)
{
    s.attest = false;
    for (uint32_t i = 0; i < TD_ATTEST_SLOTS + 4u; i++)
        so_block(&s);
    cr_assert_eq(so_view(&s).executed_height, TD_ATTEST_SLOTS + 4u);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], TD_ATTEST_SLOTS);
    so_pass(&s, 2100);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], TD_ATTEST_SLOTS, "nor at the resend");
    so_attest(&s, 4, SO_OTHERS);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], TD_ATTEST_SLOTS + 4u);
}

/* ---- execution reported out of order and for nothing */

Test(corner_inputs, results_out_of_order)
{
    s.c.node[0].no_exec = true;
    so_block(&s);
    s.attest = false;
    so_block(&s);
    for (uint64_t h = 2; h >= 1; h--) {
        const struct bft_final_block *b = &s.c.node[0].stored[h];
        struct bft_executed x;
        cl_executed(&s.c, &b->header, &b->hash, &x);
        struct bft_event ev = {.kind = BFT_EV_EXECUTED, .u.executed = &x};
        struct bft_executed wrong = x;
        wrong.result.block_hash.b[0] ^= 1;
        ev.u.executed = &wrong;
        (void)cl_event(&s.c, 0, &ev);
        cr_expect_eq(so_view(&s).executed_height, h == 2 ? 0 : 2, "another block");
        ev.u.executed = &x;
        (void)cl_event(&s.c, 0, &ev);
        (void)cl_event(&s.c, 0, &ev);
        cr_expect_eq(so_view(&s).executed_height, 2);
    }
}

/* ---- certificates */

static enum bft_verdict certificate(enum bft_certificate_kind kind, const struct bft_qc *qc,
                                    const struct bft_tc *tc)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = kind, .qc = qc, .tc = tc};
    return give(&m);
}

Test(corner_inputs, certificates_of_other_epochs_and_of_round_zero)
{
    so_blocks(&s, 2);
    struct bft_view before = so_view(&s);
    struct cl_cert cc = s.tip_qc;
    cc.qc.sigs = cc.sigs;
    cc.qc.epoch = 3;
    cc.qc.round = 900;
    (void)certificate(BFT_CERTIFICATE_COMMIT, &cc.qc, NULL);
    (void)certificate(BFT_CERTIFICATE_QC, &cc.qc, NULL);
    cc.qc.epoch = 0;
    cc.qc.round = 0;
    (void)certificate(BFT_CERTIFICATE_COMMIT, &cc.qc, NULL);
    (void)certificate(BFT_CERTIFICATE_QC, &cc.qc, NULL);
    struct bft_tc tc = {.epoch = 3, .round = 900, .high_qc = cc.qc};
    (void)certificate(BFT_CERTIFICATE_TC, NULL, &tc);
    cr_expect_eq(so_view(&s).round, before.round);
    cr_expect_eq(so_view(&s).high_qc_round, before.high_qc_round);
    cr_expect_eq(so_view(&s).final_height, before.final_height);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_NONE);
}

/* Commit certificates that overtake each other while their headers are missing: the newest wins. */
Test(corner_inputs, the_newest_commit_certificate_is_pending)
{
    struct cl_cert cc[3];
    for (uint64_t i = 0; i < 3; i++) {
        struct td_hash hash = {{(uint8_t)(i + 1u), 5}};
        memset(&cc[i], 0, sizeof cc[i]);
        cl_qc(&s.c, &cc[i], 0, 4 + 2 * i, 0, &hash, SO_OTHERS);
        cc[i].qc.height = 0;
    }
    static const uint32_t order[] = {1, 0, 2, 2, 1};
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(certificate(BFT_CERTIFICATE_COMMIT, &cc[order[i]].qc, NULL), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 0);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FETCH] > 0, true);
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &cc[2].qc.hash));
    so_pass(&s, 1000);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_NONE);
}

/* [P-4.6] The first of several certificates in one message stops the node; the rest is not read. */
static void contradict(struct cl_cert *qc)
{
    so_blocks(&s, 2);
    struct td_hash other = {{0xCC}};
    memset(qc, 0, sizeof *qc);
    cl_qc(&s.c, qc, 0, s.tip_qc.qc.round, 2, &other, SO_OTHERS);
}

static void stopped(void)
{
    cr_expect_eq(so_view(&s).mode, BFT_MODE_HALTED);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_QCS);
    uint64_t round = so_view(&s).round;
    for (uint32_t kind = BFT_EV_START; kind <= BFT_EV_L1_HEAD; kind++) {
        struct bft_msg m = {.kind = BFT_MSG_STATUS};
        struct bft_event ev = {.kind = (enum bft_event_kind)kind};
        if (kind == BFT_EV_MESSAGE)
            ev.u.msg = &m;
        cr_expect_eq(cl_event(&s.c, 0, &ev), BFT_OK);
        cr_expect_eq(s.c.fx->count, 0);
    }
    cr_expect_eq(so_view(&s).round, round);
}

Test(corner_inputs, halts_in_the_middle_of_a_timeout)
{
    struct cl_cert qc;
    contradict(&qc);
    struct bft_msg m = {.kind = BFT_MSG_TIMEOUT};
    m.u.timeout.t = (struct bft_timeout){.round = 3, .lock_round = 2, .signer = 1};
    m.u.timeout.lock_qc = &qc.qc;
    m.u.timeout.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &s.tip_qc.qc};
    (void)give(&m);
    stopped();
}

Test(corner_inputs, halts_in_the_middle_of_a_proposal)
{
    struct cl_cert qc;
    contradict(&qc);
    struct so_prop p = so_child(&s, 9);
    struct bft_tc tc = {.round = 8, .high_qc = qc.qc};
    p.qc = &qc.qc;
    p.tc = &tc;
    struct bft_msg m;
    so_message(&s, &m, &p);
    cr_expect_eq(give(&m), BFT_OK);
    stopped();
}

Test(corner_inputs, halts_in_the_middle_of_a_timeout_certificate)
{
    struct cl_cert qc;
    contradict(&qc);
    struct bft_tc tc = {.round = 8, .high_qc = qc.qc};
    (void)certificate(BFT_CERTIFICATE_TC, NULL, &tc);
    stopped();
}

Test(corner_inputs, halts_in_the_middle_of_a_proof)
{
    struct cl_cert qc;
    contradict(&qc);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof = (struct bft_proof){.kind = BFT_PROOF_TWO_CHAIN,
                                               .qc = &qc.qc,
                                               .qc_child = &s.tip_qc.qc,
                                               .tip = &s.tip,
                                               .child = &s.tip};
    (void)give(&m);
    stopped();
}

/* The round of the newest final block counts even when the window has long passed it. */
Test(corner_inputs, a_contradiction_of_the_root_out_of_the_window)
{
    so_block(&s);
    uint64_t root_round = s.tip_qc.qc.round;
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    skip_rounds(40);
    cr_assert_eq(so_view(&s).final_height, 1);
    struct cl_cert qc;
    struct td_hash other = {{0xCD}};
    memset(&qc, 0, sizeof qc);
    cl_qc(&s.c, &qc, 0, root_round, 1, &other, SO_OTHERS);
    (void)certificate(BFT_CERTIFICATE_QC, &qc.qc, NULL);
    stopped();
}

/* ---- proofs of a tip that is a filler */

static enum bft_verdict proof(const struct bft_header *tip, const struct cl_cert *cc)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof =
        (struct bft_proof){.kind = BFT_PROOF_COMMIT, .commit = &cc->qc, .tip = tip};
    return give(&m);
}

/* [P-11.4] Adopted only if it is a filler of this epoch, above the root, at its height, on its
 * block. */
Test(corner_inputs, proofs_are_taken_only_for_fillers_on_the_root)
{
    so_blocks(&s, 3);
    skip_rounds(3);
    struct so_prop p = so_filler(&s, so_view(&s).round + 1u);
    p.h.parent.b[0] ^= 1; /* a filler between is missing here */
    p.h.parent_round = p.h.round - 1u;
    p.h.prev_hash = so_view(&s).final_hash;
    struct bft_slot root = so_view(&s).final_slot;
    for (uint32_t i = 0; i < 4; i++) {
        struct bft_header tip = p.h;
        tip.epoch += i == 0;
        tip.round = i == 1 ? root.round : tip.round;
        tip.height += i == 2;
        struct cl_cert cc = {.qc = {.epoch = 0}};
        struct td_hash hash = so_hash(&tip);
        if (i == 1)
            hash = so_hash(&s.tip);
        cl_qc(&s.c, &cc, tip.epoch, tip.round, 0, &hash, SO_OTHERS);
        cr_expect_eq(proof(&tip, &cc), BFT_OK);
        cr_expect_eq(so_view(&s).final_height, 3);
        cr_expect_eq(so_view(&s).final_slot.round == tip.round, i == 3 || i == 1, "case %u", i);
    }
    cr_expect_eq(so_view(&s).halt, BFT_HALT_NONE);
    /* Whoever asks for it, or for what stood on it, gets the proof: once. */
    struct td_hash what = {{0x55}};
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){BFT_OBJECT_HEADER, 1, &what};
    uint32_t sent = s.c.node[0].sent[BFT_MSG_CERTIFICATE];
    cr_expect_eq(cl_give(&s.c, 0, BFT_PEERS_MAX, &m), BFT_OK);
    cr_expect_eq(cl_give(&s.c, 0, 400, &m), BFT_OK, "not connected");
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], sent);
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], sent + 1u);
    m.u.get_by_hash.hash_count = 0;
    cr_expect_eq(cl_give(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], sent + 1u);
}

/* [P-4.6] Another block at a final height, in whatever round, or a filler on one: stop and say so.
 */
Test(corner_inputs, a_proof_that_contradicts_a_final_block_halts)
{
    for (uint32_t way = 0; way < 2; way++) {
        if (way > 0) {
            so_free(&s);
            so_init(&s, NULL);
        }
        so_blocks(&s, 3);
        skip_rounds(3);
        struct so_prop p = so_filler(&s, so_view(&s).round + 1u);
        p.h.prev_hash = so_view(&s).final_hash;
        if (way == 0)
            p.h.prev_hash.b[0] ^= 1;
        else
            p.h.filler = false;
        struct cl_cert cc = {.qc = {.epoch = 0}};
        struct td_hash hash = so_hash(&p.h);
        cl_qc(&s.c, &cc, 0, p.h.round, 0, &hash, SO_OTHERS);
        cr_expect_eq(proof(&p.h, &cc), BFT_OK);
        cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_FINALS, "way %u", way);
    }
}

/* The same when the filler's header is here: finalized in place. */
Test(corner_inputs, a_proof_for_a_filler_at_hand)
{
    so_blocks(&s, 3);
    skip_rounds(1);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_filler(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_assert_eq(so_view(&s).tree_nodes, 2);
    struct cl_cert cc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&p.h);
    cl_qc(&s.c, &cc, 0, p.h.round, 0, &hash, SO_OTHERS);
    cr_expect_eq(proof(&p.h, &cc), BFT_OK);
    cr_expect_eq(so_view(&s).final_slot.round, p.h.round);
    cr_expect_eq(so_view(&s).final_height, 3);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
}

/* ---- headers by hash */

static uint8_t object[BFT_HEADERS_PER_REPLY + 2u][BFT_HEADER_BYTES];
static struct td_bytes view[BFT_HEADERS_PER_REPLY + 2u];

static struct bft_msg by_hash(const struct bft_header *h, uint32_t count)
{
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    for (uint32_t i = 0; i < count; i++) {
        struct td_writer w;
        td_writer_init(&w, object[i], BFT_HEADER_BYTES);
        bft_header_encode(&w, &h[i]);
        view[i] = td_bytes_of(object[i], BFT_HEADER_BYTES);
    }
    m.u.by_hash = (struct bft_by_hash){BFT_OBJECT_HEADER, count, view};
    return m;
}

Test(corner_inputs, answers_by_hash_must_answer)
{
    struct bft_header h[3] = {0};
    for (uint32_t i = 3; i-- > 0;) {
        h[i] = so_child(&s, 12 - i).h;
        if (i < 2) {
            h[i].parent = so_hash(&h[i + 1u]);
            h[i].parent_round = h[i + 1u].round;
        } else {
            h[i].parent.b[0] ^= 1;
            h[i].parent_round = 4;
        }
    }
    struct bft_msg m = by_hash(h, 3);
    cr_expect_eq(give(&m), BFT_UNSOLICITED, "nobody asked");
    struct cl_cert qc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&h[0]);
    cl_qc(&s.c, &qc, 0, 12, 1, &hash, SO_OTHERS);
    cr_assert_eq(certificate(BFT_CERTIFICATE_QC, &qc.qc, NULL), BFT_OK);
    m.u.by_hash.object_count = 0;
    cr_expect_eq(give(&m), BFT_UNSOLICITED);
    m.u.by_hash.object_count = 1;
    m.u.by_hash.kind = BFT_OBJECT_SET;
    cr_expect_eq(give(&m), BFT_UNSOLICITED);
    m.u.by_hash.kind = BFT_OBJECT_HEADER;
    view[0].len--;
    cr_expect_eq(give(&m), BFT_MALFORMED);
    struct bft_header apart[2] = {h[0], h[2]};
    m = by_hash(apart, 2);
    cr_expect_eq(give(&m), BFT_BAD_LINK);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
    m = by_hash(h, 3);
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(so_view(&s).tree_nodes, 4);
    struct td_hash next = h[2].parent;
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &next), "and asks on");
}

/* A header of another epoch, asked for because a certificate named it, is not kept. */
Test(corner_inputs, answers_by_hash_of_another_epoch)
{
    struct bft_header h = so_child(&s, 3).h;
    h.epoch = 2;
    struct cl_cert qc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&h);
    cl_qc(&s.c, &qc, 0, 12, 1, &hash, SO_OTHERS);
    cr_assert_eq(certificate(BFT_CERTIFICATE_QC, &qc.qc, NULL), BFT_OK);
    struct bft_msg m = by_hash(&h, 1);
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
}

/* ---- block sync */

Test(corner_inputs, blocks_nobody_asked_for)
{
    so_blocks(&s, 2);
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
    cr_expect_eq(cl_give(&s.c, 0, BFT_PEERS_MAX, &m), BFT_UNSOLICITED);
    cr_expect_eq(cl_give(&s.c, 0, 300, &m), BFT_UNSOLICITED);
    cr_expect_eq(give(&m), BFT_UNSOLICITED, "not syncing");
    struct bft_msg st = {.kind = BFT_MSG_STATUS};
    st.u.status.final_height = 40;
    (void)cl_give(&s.c, 0, 1, &st);
    (void)cl_give(&s.c, 0, 2, &st);
    cr_assert(so_view(&s).syncing);
    cr_expect_eq(cl_give(&s.c, 0, 3, &m), BFT_OK, "empty, and not from the one asked");
    cr_expect(so_view(&s).syncing);
    struct bft_header h = s.tip;
    m.u.blocks.header_count = 1;
    m.u.blocks.headers = &h;
    cr_expect_eq(give(&m), BFT_STALE, "already final");
    h.epoch = 4;
    h.height = 3;
    cr_expect_eq(give(&m), BFT_STALE, "another epoch");
    h.epoch = 0;
    h.height = 30;
    cr_expect_eq(give(&m), BFT_BAD_LINK, "a gap");
    cr_expect_eq(so_view(&s).final_height, 2);
    m.u.blocks.header_count = 0;
    for (uint32_t i = 0; i < 8; i++)
        (void)cl_give(&s.c, 0, 1u + i % 3u, &m);
    cr_expect_not(so_view(&s).syncing, "no claim is left");
}

/* A header whose proposer is beyond the region's bound, certified all the same, credits nobody. */
Test(corner_inputs, a_synced_block_by_nobody)
{
    so_blocks(&s, 2);
    struct bft_msg st = {.kind = BFT_MSG_STATUS};
    st.u.status.final_height = 40;
    (void)cl_give(&s.c, 0, 1, &st);
    cr_assert(so_view(&s).syncing);
    struct bft_header h = so_child(&s, 9).h;
    h.proposer = NOBODY;
    struct td_hash hash = so_hash(&h);
    struct cl_cert cc = {.qc = {.epoch = 0}};
    cl_qc(&s.c, &cc, 0, 9, 0, &hash, SO_OTHERS);
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
    m.u.blocks.header_count = 1;
    m.u.blocks.headers = &h;
    m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_COMMIT, .commit = &cc.qc, .tip = &h};
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* ---- peers and the start rule */

/* [P-10.5] A validator speaks over two connections: it counts once for the start, and the epoch
 * that a weak quorum reports is what the silence lasts to. */
Test(corner_inputs, passive_until_after_the_reported_epoch)
{
    so_blocks(&s, 3);
    cl_restart(&s.c, 0, false);
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
        up.peer = 10 + i;
        cl_event(&s.c, 0, &up);
    }
    struct bft_event stranger = {.kind = BFT_EV_PEER_UP, .peer = 20};
    cl_event(&s.c, 0, &stranger);
    struct bft_event gone = {.kind = BFT_EV_PEER_DOWN, .peer = 13};
    cl_event(&s.c, 0, &gone);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    m.u.status.epoch = 3;
    m.u.status.final_height = 200;
    cr_expect_eq(cl_give(&s.c, 0, 11, &m), BFT_OK);
    cr_expect_eq(cl_give(&s.c, 0, 12, &m), BFT_OK);
    cr_expect_eq(cl_give(&s.c, 0, 20, &m), BFT_OK);
    m.u.status.epoch = 9;
    m.u.status.final_height = 600;
    cr_expect_eq(cl_give(&s.c, 0, 20, &m), BFT_OK, "a stranger's word weighs nothing");
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING);
    m.u.status.epoch = 0;
    m.u.status.final_height = 3;
    for (uint32_t i = 1; i < 4; i++)
        cr_expect_eq(cl_give(&s.c, 0, i, &m), BFT_OK);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_PASSIVE);
}

/* A Status that lists messages of others, of other epochs and batches proves nothing. */
Test(corner_inputs, statuses_list_only_what_is_ours)
{
    so_blocks(&s, 2);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    uint16_t me = so_view(&s).signer;
    m.u.status.own_count = 3;
    m.u.status.own[0].kind = BFT_SIGNED_BATCH;
    m.u.status.own[0].u.batch = (struct bft_batch_attest){.height = 50, .signer = me};
    m.u.status.own[1].kind = BFT_SIGNED_VOTE;
    m.u.status.own[1].u.vote = (struct bft_vote){.epoch = 4, .round = 900, .signer = me};
    m.u.status.own[2].kind = BFT_SIGNED_VOTE;
    m.u.status.own[2].u.vote =
        (struct bft_vote){.round = 900, .signer = (uint16_t)((me + 1u) % 4u)};
    cr_expect_eq(give(&m), BFT_OK);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* ---- far messages */

/* What is kept for an epoch to come stays kept while the window moves. */
Test(corner_inputs, far_messages_of_a_later_epoch_wait)
{
    for (uint16_t i = 0; i < 4; i++) {
        struct bft_msg m = {.kind = BFT_MSG_VOTE};
        m.u.vote = (struct bft_vote){.epoch = 1, .round = 1, .signer = i};
        cr_expect_eq(cl_give(&s.c, 0, 1, &m), BFT_FAR_FUTURE);
        m = (struct bft_msg){.kind = BFT_MSG_COMMIT};
        m.u.commit = (struct bft_commit){.epoch = 1, .round = 1, .signer = i};
        cr_expect_eq(cl_give(&s.c, 0, 1, &m), BFT_FAR_FUTURE);
        m = (struct bft_msg){.kind = BFT_MSG_TIMEOUT};
        m.u.timeout.t = (struct bft_timeout){.epoch = 1, .round = 1, .signer = i};
        cr_expect_eq(cl_give(&s.c, 0, 1, &m), BFT_FAR_FUTURE);
    }
    skip_rounds(3);
    cr_expect_eq(so_view(&s).round, 4);
    cr_expect_eq(so_view(&s).epoch, 0);
}

/* ---- proposals */

/* [P-4.1] Justified by nothing: a certificate of its own round or above, a TC of another round, a
 * TC whose highest certificate exceeds the one shown. */
Test(corner_inputs, proposals_without_a_reason)
{
    so_blocks(&s, 4);
    struct bft_msg m;
    uint64_t round = so_view(&s).round + 1u;
    while (cl_leader(&s.c, round) == 0)
        round++;
    struct so_prop p = so_child(&s, round);
    struct cl_cert same = {.qc = {.epoch = 0}};
    cl_qc(&s.c, &same, 0, round, 9, &(struct td_hash){{0x31}}, SO_OTHERS);
    p.qc = &same.qc;
    so_message(&s, &m, &p);
    cr_expect_eq(give(&m), BFT_BAD_CERT, "its own round");
    round += 4;
    while (cl_leader(&s.c, round) == 0)
        round++;
    p = so_child(&s, round);
    struct bft_tc tc = {.round = round - 2u, .high_qc = s.tip_qc.qc};
    p.tc = &tc;
    so_message(&s, &m, &p);
    cr_expect_eq(give(&m), BFT_BAD_CERT, "a TC of another round");
    tc.round = round - 1u;
    p.att = &s.attested.cert;
    s.attested.cert.sigs = s.attested.sigs;
    p.h.att_height = s.attested.cert.fields.height;
    struct bft_attest_cert other = s.attested.cert;
    other.fields.epoch = 3;
    p.att = &other;
    so_message(&s, &m, &p);
    cr_expect_eq(give(&m), BFT_BAD_CERT, "an attestation of another epoch");
    cr_expect_lt(so_view(&s).last_voted, round);
}

/* A payload for the round, but nobody asked. */
Test(corner_inputs, a_payload_nobody_asked_for)
{
    so_free(&s);
    so_init_equal(&s, NULL);
    so_blocks(&s, 2);
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT};
    ev.u.built.round = so_view(&s).round;
    uint32_t before = s.c.node[0].signs[BFT_SIGNED_PROPOSE];
    (void)cl_event(&s.c, 0, &ev);
    ev.u.built.epoch = 1;
    (void)cl_event(&s.c, 0, &ev);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_PROPOSE], before);
    struct bft_event verdict = {.kind = BFT_EV_PAYLOAD_READY};
    verdict.u.verdict.hash.b[0] = 0x77;
    (void)cl_event(&s.c, 0, &verdict);
    verdict.kind = BFT_EV_ORIGIN_VERDICT;
    (void)cl_event(&s.c, 0, &verdict);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_NONE);
}

/* ---- proofs and certificates by other ways */

Test(corner_inputs, an_attestation_certificate_as_a_proof)
{
    so_blocks(&s, 2);
    s.attest = false;
    so_block(&s);
    so_attest_cert(&s, &s.attested, 3);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof =
        (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &s.attested.cert};
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).attested_height, 3);
}

Test(corner_inputs, a_genesis_certificate_with_signers)
{
    struct bft_qc qc = {.hash = s.c.cfg.genesis_hash};
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc};
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    bft_bitmap_add(&qc.signers, 2);
    so_refused(&s, &m, BFT_BAD_CERT, "a bit without a signature");
    m = (struct bft_msg){.kind = BFT_MSG_EVIDENCE};
    m.u.evidence.kind = BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK;
    m.u.evidence.a.kind = BFT_SIGNED_COMMIT;
    m.u.evidence.b.kind = BFT_SIGNED_TIMEOUT;
    m.u.evidence.a.u.commit = (struct bft_commit){.round = 3, .signer = 1};
    m.u.evidence.b.u.timeout = (struct bft_timeout){.round = 3, .signer = 1};
    m.u.evidence.header = &s.c.cfg.genesis;
    enum bft_verdict v = cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_neq(v, BFT_OK, "a commit vote is no vote");
    cr_expect_eq(s.c.node[0].fx[BFT_FX_EVIDENCE], 0);
}

/* ---- sameness: every attested field counts */

Test(corner_inputs, attestations_differ_in_any_field)
{
    struct bft_signed a = {.kind = BFT_SIGNED_ATTEST}, b;
    for (size_t at = 0; at < sizeof a.u.attest.fields; at += 8) {
        b = a;
        ((uint8_t *)&b.u.attest.fields)[at] ^= 1;
        cr_expect_not(bft_signed_same(&a, &b), "byte %zu", at);
    }
    b = a;
    b.u.attest.sig.b[0] ^= 1;
    cr_expect(bft_signed_same(&a, &b), "signatures are not compared");
    struct bft_bitmap none = {{0}};
    bft_bitmap_add(&none, BFT_SIGNERS_MAX);
    bft_bitmap_add(&none, UINT32_MAX);
    cr_expect_eq(bft_bitmap_count(&none), 0);
    cr_expect_not(bft_bitmap_has(&none, BFT_SIGNERS_MAX));
}

/* ---- batches full by published bytes */

static void no_bytes(struct bft_config *cfg)
{
    cfg->batch_bytes_max = 0;
}

/* [P-9.5] From the fourth block of a batch on, what h - 3 had published counts. */
Test(corner_inputs, a_batch_ends_by_its_bytes)
{
    so_free(&s);
    so_init(&s, no_bytes);
    so_blocks(&s, 3);
    s.c.now_ns += INT64_C(100000000);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_not(p.h.end_batch);
    so_carry(&p, &s.attested);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_lt(so_view(&s).last_voted, p.h.round, "it must end the batch");
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    p.h.end_batch = true;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, p.h.round);
}

/* ---- a tree in which everything is needed */

/* [P-13.2] 1,024 headers, each certified and none final: there is nothing to drop for one more. */
Test(corner_inputs, a_tree_full_of_certified_headers)
{
    s.attest = false;
    while (so_view(&s).tree_nodes < TD_UNFINAL_HEADERS_MAX) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_filler(&s, so_view(&s).round);
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        so_certify(&s, &p.h);
        so_skip(&s);
    }
    cr_assert_eq(so_view(&s).final_height, 0);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_filler(&s, so_view(&s).round);
    cr_expect_eq(so_propose(&s, &p), BFT_OVERFLOW);
    cr_expect_lt(so_view(&s).last_voted, p.h.round);
    cr_expect_eq(so_view(&s).tree_nodes, TD_UNFINAL_HEADERS_MAX);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_NONE);
}
