/* Attestations, the window they hold open, and batches.  [P-6.1, P-6.3, P-6.4, P-9]
 * Method: one replica, the other three validators played by hand (solo.h); whole clusters where a
 * leader has to act. */
#include "tests/consensus/solo.h"

#include <string.h>

static struct solo s;

static void setup(void)
{
    so_init(&s, NULL);
    s.attest = false;
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(replica_attest, .init = setup, .fini = teardown);

static uint32_t attests(void)
{
    return s.c.node[0].signs[BFT_SIGNED_ATTEST];
}

Test(replica_attest, signs_once_after_final_and_executed)
{
    s.c.node[0].no_exec = true;
    so_block(&s);
    cr_expect_eq(attests(), 0, "final, not executed");
    cl_exec_flush(&s.c, 0, 1);
    cr_assert_eq(attests(), 1);
    const struct bft_attest_fields *f = &s.c.node[0].last_signed[BFT_SIGNED_ATTEST].u.attest.fields;
    struct bft_msg m;
    so_attest_msg(&s, &m, 0, 1);
    cr_expect(td_hash_eq(&f->block_hash, &m.u.attest.fields.block_hash));
    cr_expect(td_hash_eq(&f->parent_hash, &s.c.cfg.genesis_hash), "prevHash");
    cr_expect(td_hash_eq(&f->set_hash, &m.u.attest.fields.set_hash));
    cr_expect(td_hash_eq(&f->state_commitment, &m.u.attest.fields.state_commitment));
    so_pass(&s, 1500);
    cr_expect_eq(attests(), 1);
}

Test(replica_attest, quorum_forms_a_certificate)
{
    so_block(&s);
    so_attest(&s, 1, 1u << 1);
    cr_expect_eq(so_view(&s).attested_height, 0);
    so_attest(&s, 1, 1u << 2);
    cr_expect_eq(so_view(&s).attested_height, 1);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_ATTESTED], 1);
    so_attest(&s, 1, 1u << 3);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_ATTESTED], 1);
}

/* Keyed by (peer, height): a later height does not push out an earlier one, in any order. */
Test(replica_attest, pitfall_attestations_dropped_by_newest_per_kind)
{
    for (uint32_t i = 0; i < 12; i++)
        so_block(&s);
    for (uint32_t node = 1; node < 3; node++)
        for (uint64_t h = 12; h > 0; h--)
            so_attest(&s, h, 1u << node);
    cr_expect_eq(so_view(&s).attested_height, 12);
    so_free(&s);
    setup();
    for (uint32_t i = 0; i < 12; i++)
        so_block(&s);
    for (uint64_t h = 12; h > 1; h--)
        so_attest(&s, h, 1u << 1); /* 1 has shown 12 .. 2 */
    so_attest(&s, 2, 1u << 2);     /* 2 is at height 2 still */
    cr_expect_eq(so_view(&s).attested_height, 2);
}

Test(replica_attest, a_bad_attestation_changes_nothing)
{
    s.attest = true;
    so_blocks(&s, 5);
    s.attest = false;
    so_block(&s);
    struct bft_msg m;
    so_attest_msg(&s, &m, 1, 5);
    m.u.attest.fields.height = 22;
    so_refused(&s, &m, BFT_FAR_FUTURE, "17 above the newest certified");
    m.u.attest.fields.height = 0;
    so_refused(&s, &m, BFT_MALFORMED, "height 0");
    so_attest_msg(&s, &m, 1, 6);
    m.u.attest.signer = 4;
    so_refused(&s, &m, BFT_OUTSIDER, "signer outside the set");
    so_attest_msg(&s, &m, 1, 6);
    m.u.attest.fields.set_hash.b[0] ^= 1;
    so_refused(&s, &m, BFT_MALFORMED, "another set");
    so_attest_msg(&s, &m, 1, 6);
    m.u.attest.fields.epoch = 9;
    so_refused(&s, &m, BFT_UNKNOWN_EPOCH, "unknown epoch");
    so_attest(&s, 6, 1u << 1);
    so_attest_msg(&s, &m, 1, 6);
    so_refused(&s, &m, BFT_DUPLICATE, "again");
    /* Certified for a while, and still repeated: the asker is shown the certificate, once. */
    uint32_t shown = s.c.node[0].sent[BFT_MSG_ATTEST_CERT];
    so_attest_msg(&s, &m, 1, 5);
    so_refused(&s, &m, BFT_STALE, "the last vote after the quorum's");
    s.c.now_ns += INT64_C(1500000000);
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_STALE);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST_CERT], shown + 1u);
    so_refused(&s, &m, BFT_STALE, "height certified already");
}

Test(replica_attest, a_bad_certificate_changes_nothing)
{
    s.attest = true;
    so_blocks(&s, 3);
    s.attest = false;
    so_block(&s);
    struct so_cert c;
    struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT};
    so_attest_cert(&s, &c, 3);
    m.u.attest_cert = c.cert;
    so_refused(&s, &m, BFT_DUPLICATE, "held");
    so_attest_cert(&s, &c, 4);
    m.u.attest_cert = c.cert;
    m.u.attest_cert.sig_count--;
    so_refused(&s, &m, BFT_BAD_CERT, "a signature short");
    m.u.attest_cert = c.cert;
    m.u.attest_cert.fields.set_hash.b[0] ^= 1;
    so_refused(&s, &m, BFT_BAD_CERT, "another set");
    m.u.attest_cert = c.cert;
    m.u.attest_cert.fields.height = 0;
    so_refused(&s, &m, BFT_BAD_CERT, "height 0");
    m.u.attest_cert = c.cert;
    m.u.attest_cert.fields.height = 65;
    so_refused(&s, &m, BFT_BAD_CERT, "above the epoch's last height");
    m.u.attest_cert = c.cert;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).attested_height, 4);
}

/* [P-9.4] Own uncertified ones above the newest certified height, every two seconds. */
Test(replica_attest, resends_what_is_not_certified_yet)
{
    for (uint32_t i = 0; i < 4; i++)
        so_block(&s);
    so_attest(&s, 2, SO_OTHERS);
    uint32_t before = s.c.node[0].sent[BFT_MSG_ATTEST];
    cr_assert_eq(before, 4);
    so_pass(&s, 2000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST], before + 2u, "3 and 4");
    so_pass(&s, 2000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST], before + 4u);
    cr_expect_eq(attests(), 4, "signed once each");
    so_attest(&s, 4, SO_OTHERS);
    so_pass(&s, 4000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST], before + 4u);
}

/* The first is kept; the pair is evidence. */
Test(replica_attest, two_attestations_of_one_height)
{
    so_block(&s);
    so_attest(&s, 1, 1u << 1);
    struct bft_signed other = {.kind = BFT_SIGNED_ATTEST};
    struct bft_msg m;
    so_attest_msg(&s, &m, 1, 1);
    other.u.attest = m.u.attest;
    other.u.attest.fields.state_commitment.b[0] ^= 1;
    cl_sign(&s.c, 1, &other);
    m.u.attest = other.u.attest;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_EQUIVOCATION);
    cr_assert_eq(s.c.node[0].evidence_count, 1);
    cr_expect_eq(s.c.node[0].evidence[0].kind, BFT_EVIDENCE_TWO_ATTESTS);
    so_attest(&s, 1, 1u << 2);
    cr_expect_eq(so_view(&s).attested_height, 1, "1 counts for what it said first");
}

/* [P-9.1] Same block, other results: the operator has to know. */
Test(replica_attest, other_results_raise_the_split_alarm)
{
    so_block(&s);
    struct bft_msg m;
    so_attest_msg(&s, &m, 1, 1);
    m.u.attest.fields.state_commitment.b[0] ^= 1;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_ATTEST_SPLIT], 1);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* ---- the window */

/* 12 heights above the newest attested one are fine, 13 are not. */
Test(replica_attest, voters_enforce_the_window_of_12)
{
    so_blocks(&s, 12);
    cr_assert_eq(so_view(&s).last_voted, 12);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(p.h.height, 13);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_lt(so_view(&s).last_voted, p.h.round);
    so_skip(&s);
    struct so_prop f = so_filler(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &f), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, f.h.round, "a filler is always possible");
    so_certify(&s, &f.h);
    /* A certificate counts in the block that carries it. */
    so_attest(&s, 1, SO_OTHERS);
    p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, p.h.round);
}

static bool withhold;

static void drop_attestations(struct cl *c, uint32_t from, uint32_t to, struct bft_msg *m,
                              bool *drop)
{
    (void)c, (void)from, (void)to;
    if (withhold && (m->kind == BFT_MSG_ATTEST || m->kind == BFT_MSG_ATTEST_CERT))
        *drop = true;
}

/* No attestation gets through.  Blocks stop at 12; fillers keep certifying rounds, so that the
 * chain can carry the certificate once there is one, and goes on. */
Test(replica_attest, pitfall_window_without_fillers)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, NULL, false);
    c.tweak = drop_attestations;
    withhold = true;
    cl_connect_all(&c);
    cl_run(&c, 25000);
    for (uint32_t i = 0; i < 4; i++) {
        struct bft_view v = cl_view(&c, i);
        cr_expect_eq(v.final_height, 12);
        cr_expect_gt(v.round, 20, "rounds go on");
        cr_expect_eq(v.rounds_entered_tc, 0, "without a single timeout");
    }
    withhold = false;
    cl_run(&c, 12000);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_gt(cl_view(&c, i).final_height, 18);
    cl_free(&c);
}

/* [P-6.4] attHeight moves exactly by the certificate carried. */
Test(replica_attest, carried_certificates_must_be_what_the_header_says)
{
    s.attest = true;
    so_blocks(&s, 6); /* the sixth carries 5 */
    s.attest = false;
    struct so_cert six = s.attested, five;
    six.cert.sigs = six.sigs;
    so_attest_cert(&s, &five, 5);
    cr_assert_eq(s.tip.att_height, 5);
    struct bft_msg m;
    for (uint32_t i = 0; i < 7; i++) {
        struct so_prop p = so_child(&s, so_view(&s).round);
        enum bft_verdict want = BFT_OK;
        if (i == 0) { /* raised without a certificate */
            p.h.att_height = 6;
        } else if (i == 1) { /* a certificate that raises nothing */
            so_carry(&p, &five);
        } else if (i == 2) { /* carried, not named */
            p.att = &six.cert;
            want = BFT_BAD_CERT;
        } else if (i == 3) { /* named height, other certificate */
            so_carry(&p, &five);
            p.h.att_height = 6;
            want = BFT_BAD_CERT;
        } else if (i == 4) { /* digest of other results */
            so_carry(&p, &six);
            p.h.att_digest.b[0] ^= 1;
            want = BFT_BAD_CERT;
        } else if (i == 5) { /* moved back */
            p.h.att_height = 4;
        } else {
            so_carry(&p, &six);
        }
        so_message(&s, &m, &p);
        uint64_t voted = so_view(&s).last_voted;
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), want, "case %u", i);
        cr_expect_eq(so_view(&s).last_voted, i == 6 ? p.h.round : voted, "case %u", i);
        if (i < 6)
            so_skip(&s);
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
    }
}

/* ---- batches */

static void five_to_seven(struct bft_config *cfg)
{
    cfg->batch_blocks_min = 5;
    cfg->batch_blocks_max = 7;
    cfg->batch_ms_max = 60000;
    cfg->batch_native_max = 1000;
}

static bool voted(struct so_prop p)
{
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    return so_view(&s).last_voted == p.h.round;
}

/* [P-9.5] Not before 5, may from 5 on, must at 7. */
Test(replica_attest, batch_end_flag_by_count)
{
    static const struct {
        uint64_t height;
        bool flag, good;
    } cases[] = {{4, true, false}, {4, false, true},  {5, true, true},
                 {6, true, true},  {7, false, false}, {7, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_free(&s);
        so_init(&s, five_to_seven);
        so_blocks(&s, cases[i].height - 1u);
        struct so_prop p = so_child(&s, so_view(&s).round);
        p.h.end_batch = cases[i].flag;
        cr_expect_eq(voted(p), cases[i].good, "case %zu", i);
    }
}

/* The count starts again after an end. */
Test(replica_attest, batch_count_restarts)
{
    so_free(&s);
    so_init(&s, five_to_seven);
    so_blocks(&s, 5);
    struct so_prop p = so_child(&s, so_view(&s).round);
    p.h.end_batch = true;
    cr_assert(voted(p));
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    p = so_child(&s, so_view(&s).round);
    cr_assert_eq(p.h.height, 7);
    p.h.end_batch = true; /* first block of the new batch */
    cr_expect(!voted(p));
    so_skip(&s);
    p = so_child(&s, so_view(&s).round);
    p.h.end_batch = false;
    cr_expect(voted(p), "the seventh height is not the seventh block");
}

Test(replica_attest, batch_end_flag_by_age)
{
    for (uint32_t over = 0; over < 2; over++) {
        for (uint32_t flag = 0; flag < 2; flag++) {
            so_free(&s);
            so_init(&s, five_to_seven);
            so_blocks(&s, 3);
            struct so_prop p = so_child(&s, so_view(&s).round);
            s.c.skew_ms = 120000; /* the block may be as late as it likes */
            p.h.ts_ms = s.c.node[0].stored[1].header.ts_ms + 60000u - 1u + over;
            p.h.end_batch = flag != 0;
            cr_expect_eq(voted(p), over == flag, "age 60 s %+d ms, flag %u", (int)over - 1, flag);
        }
    }
}

/* Totals count through h - 3, and only when the batch reaches back that far. */
Test(replica_attest, batch_end_flag_by_totals)
{
    for (uint32_t flag = 0; flag < 2; flag++) {
        so_free(&s);
        so_init(&s, five_to_seven);
        s.c.native_per_block = 1000; /* reached by block 1 at once */
        so_blocks(&s, 3);
        struct so_prop p = so_child(&s, so_view(&s).round);
        p.h.end_batch = flag != 0;
        cr_expect_eq(voted(p), flag == 1, "height 4 knows block 1, flag %u", flag);
    }
}

/* [P-9.6] */
Test(replica_attest, batch_attestations_certify_the_batch)
{
    so_free(&s);
    so_init(&s, five_to_seven);
    so_blocks(&s, 6);
    cr_assert_eq(s.c.node[0].signs[BFT_SIGNED_BATCH], 0);
    so_block(&s);
    cr_assert_eq(s.c.node[0].signs[BFT_SIGNED_BATCH], 1, "block 7 ends it");
    struct bft_signed m = s.c.node[0].last_signed[BFT_SIGNED_BATCH];
    cr_expect_eq(m.u.batch.height, 7);
    for (uint32_t i = 1; i < 3; i++) {
        cr_expect_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], 0);
        m.u.batch.signer = cl_signer(&s.c, i);
        cl_sign(&s.c, i, &m);
        struct bft_msg b = {.kind = BFT_MSG_BATCH_ATTEST, .u.batch_attest = m.u.batch};
        cr_expect_eq(cl_give_verified(&s.c, 0, i, &b), BFT_OK);
    }
    cr_expect_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], 1);
    uint32_t sent = s.c.node[0].sent[BFT_MSG_BATCH_ATTEST];
    so_pass(&s, 4100);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_ATTEST], sent, "certified: not repeated");
}

/* Its disk stands still: one request, not one every two seconds. */
Test(replica_attest, a_stalled_batch_end_is_asked_for_once)
{
    for (uint32_t way = 0; way < 2; way++) {
        so_free(&s);
        so_init(&s, five_to_seven);
        s.c.node[0].no_persist = way == 0;
        s.c.node[0].no_sign = way == 1;
        so_blocks(&s, 7);
        so_pass(&s, 1000);
        uint32_t persists = s.c.node[0].fx[BFT_FX_PERSIST];
        cr_assert_eq(s.c.node[0].signs[BFT_SIGNED_BATCH], 1);
        uint32_t timeouts = s.c.node[0].signs[BFT_SIGNED_TIMEOUT];
        so_pass(&s, 20000);
        timeouts = s.c.node[0].signs[BFT_SIGNED_TIMEOUT] - timeouts;
        cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_BATCH], 1, "way %u", way);
        cr_expect_leq(s.c.node[0].fx[BFT_FX_PERSIST], persists + timeouts, "way %u", way);
    }
}

/* The height is not signed: an honest signature under another height counts for nothing. */
Test(replica_attest, relabelled_batch_attestations_do_nothing)
{
    so_free(&s);
    so_init(&s, five_to_seven);
    so_blocks(&s, 8);
    struct bft_signed m = s.c.node[0].last_signed[BFT_SIGNED_BATCH];
    m.u.batch.signer = cl_signer(&s.c, 1);
    cl_sign(&s.c, 1, &m);
    struct bft_msg b = {.kind = BFT_MSG_BATCH_ATTEST, .u.batch_attest = m.u.batch};
    b.u.batch_attest.height = 6;
    so_refused(&s, &b, BFT_STALE, "no batch ends there");
    b.u.batch_attest.height = 7;
    b.u.batch_attest.batch_hash.b[0] ^= 1;
    so_refused(&s, &b, BFT_BAD_LINK, "another batch");
    b.u.batch_attest = m.u.batch;
    b.u.batch_attest.height = 14;
    so_refused(&s, &b, BFT_FAR_FUTURE, "not executed yet");
    b.u.batch_attest = m.u.batch;
    b.u.batch_attest.signer = 9;
    so_refused(&s, &b, BFT_OUTSIDER, "outsider");
    b.u.batch_attest = m.u.batch;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &b), BFT_OK);
    so_refused(&s, &b, BFT_DUPLICATE, "again");
    uint32_t sent = s.c.node[0].sent[BFT_MSG_BATCH_ATTEST];
    so_pass(&s, 2000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_ATTEST], sent + 1u, "repeated like attestations");
}

/* ---- the leader's side */

/* The leader carries the newest certificate; a filler as long as nothing else is allowed. */
Test(replica_attest, leaders_keep_the_window_themselves)
{
    static struct cl c;
    cl_init(&c, 4, NULL);
    cr_assert(cl_until_height(&c, 30, 60000));
    for (uint64_t h = 1; h <= 30; h++) {
        const struct bft_header *b = &c.node[0].stored[h].header;
        cr_expect_leq(h, b->att_height + TD_ATTEST_WINDOW);
        cr_expect(h < 6 || b->att_height + 4u >= h, "carried soon: %lu at %lu", b->att_height, h);
        cr_expect_eq(b->end_batch, h % 20 == 0, "height %lu", h);
    }
    cl_free(&c);
}

static uint32_t fillers_seen, bad_fillers;

static void watch_fillers(struct cl *c, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop)
{
    drop_attestations(c, from, to, m, drop);
    if (m->kind != BFT_MSG_PROPOSAL || !m->u.proposal.header.filler)
        return;
    const struct bft_header *h = &m->u.proposal.header;
    fillers_seen++;
    bad_fillers += h->height != 12 || h->tx_count != 0 || h->payload_bytes != 0 || h->end_batch ||
                   !td_hash_is_zero(&h->payload_root);
}

Test(replica_attest, a_leader_makes_fillers_when_the_window_is_full)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, NULL, false);
    c.txs = 3;
    c.tweak = watch_fillers;
    withhold = true;
    cl_connect_all(&c);
    cl_run(&c, 18000);
    cr_expect_gt(fillers_seen, 0);
    cr_expect_eq(bad_fillers, 0);
    cr_expect_eq(cl_view(&c, 0).final_height, 12);
    cl_free(&c);
}

/* Execution stuck at 2: digests exist up to height 5, then fillers. */
Test(replica_attest, a_leader_makes_fillers_while_execution_lags)
{
    static struct cl c;
    cl_init(&c, 4, NULL);
    cr_assert(cl_until_height(&c, 2, 10000));
    for (uint32_t i = 0; i < 4; i++)
        c.node[i].no_exec = true;
    uint64_t done = cl_view(&c, 0).executed_height;
    cl_run(&c, 15000);
    cr_expect_eq(cl_view(&c, 0).final_height, done + TD_EXEC_LAG);
    cr_expect_gt(cl_view(&c, 0).round, 12);
    for (uint32_t i = 0; i < 4; i++) {
        c.node[i].no_exec = false;
        cl_exec_flush(&c, i, UINT64_MAX);
    }
    cl_run(&c, 6000);
    cr_expect_gt(cl_view(&c, 0).final_height, done + TD_EXEC_LAG + 3u);
    cl_free(&c);
}
