/* Timer, timeouts and timeout certificates.  [P-3.4, P-5]
 * Method: one replica, the other three validators played by hand (solo.h). */
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

TestSuite(replica_timeouts, .init = setup, .fini = teardown);

static uint32_t timeouts(void)
{
    return s.c.node[0].signs[BFT_SIGNED_TIMEOUT];
}

/* Virtual milliseconds until the node gives up on its round. */
static int64_t patience(void)
{
    int64_t from = s.c.now_ns;
    uint32_t before = timeouts();
    while (timeouts() == before) {
        cr_assert_leq(s.c.node[0].timer_ns - from, INT64_C(60000000000));
        s.c.now_ns = s.c.node[0].timer_ns;
        cl_tick(&s.c, 0);
    }
    return SO_MS(s.c.now_ns - from);
}

/* Everyone says something in the current round, so that nobody passes for silent. */
static void all_speak(void)
{
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_msg m;
        struct td_hash hash = {{(uint8_t)i, (uint8_t)so_view(&s).round}};
        cl_vote(&s.c, &m, i, so_view(&s).epoch, so_view(&s).round, 1, &hash);
        cr_assert_eq(cl_give_verified(&s.c, 0, i, &m), BFT_OK);
    }
}

static bool leader_changes(uint64_t round)
{
    return cl_leader(&s.c, round) != cl_leader(&s.c, round - 1u);
}

/* 1 s interval (only after a QC) + 4 x 250 ms, times {1, 1, 2, 4} by rounds since the highest QC.
 */
Test(replica_timeouts, timer_follows_the_formula)
{
    static const int64_t want[] = {2000, 1000, 2000, 4000, 4000, 4000};
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 6; i++) {
        uint64_t round = so_view(&s).round;
        if (round == 1 || leader_changes(round)) {
            cr_expect_eq(patience(), want[i], "round %lu", round);
            seen |= 1u << i;
        }
        all_speak();
        so_skip(&s);
    }
    cr_expect_eq(seen & 7u, 7u, "the table shows a change of leader where it matters");
    cr_expect_neq(seen & 0x38u, 0);
}

/* The factor counts from the highest QC, not from the start, and a QC brings the interval back. */
Test(replica_timeouts, timer_returns_after_a_certificate)
{
    all_speak();
    so_skip(&s);
    all_speak();
    so_skip(&s);
    all_speak();
    so_skip(&s);
    so_block(&s);
    cr_expect_eq(patience(), 2000);
}

static void no_interval(struct bft_config *cfg)
{
    cfg->block_interval_ns = 0;
    cfg->delta_ns = 100000000;
}

Test(replica_timeouts, timer_uses_the_configured_interval_and_delta)
{
    so_free(&s);
    so_init(&s, no_interval);
    cr_expect_eq(patience(), 400);
}

/* Time from proposal to vote, here the wait for a payload, capped at 2 s and slowly forgotten. */
Test(replica_timeouts, timer_includes_measured_processing)
{
    static const struct {
        int64_t wait_ms, want_ms;
    } cases[] = {{300, 2300}, {1500, 3500}, {2600, 4000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_free(&s);
        so_init(&s, NULL);
        s.c.node[0].no_payload = true;
        struct so_prop p = so_child(&s, 1);
        p.h.tx_count = 1;
        p.h.payload_bytes = 100;
        p.h.payload_root.b[0] = 1;
        if (cases[i].wait_ms > 2000) { /* longer than round 1 lasts: a later round, doubled */
            so_skip(&s);
            so_skip(&s);
            so_skip(&s);
            p = so_child(&s, 4);
            p.h.tx_count = 1;
            p.h.payload_bytes = 100;
            p.h.payload_root.b[0] = 1;
        }
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        s.c.now_ns += cases[i].wait_ms * 1000000;
        struct bft_event ready = {.kind = BFT_EV_PAYLOAD_READY};
        ready.u.verdict.hash = so_hash(&p.h);
        ready.u.verdict.valid = true;
        cl_event(&s.c, 0, &ready);
        cr_assert_eq(so_view(&s).last_voted, p.h.round);
        so_certify(&s, &p.h);
        cr_expect_eq(patience(), cases[i].want_ms, "case %zu", i);
    }
}

/* [P-3.4] Its last slot timed out and nothing it signed has come since: 2 delta, not multiplied. */
Test(replica_timeouts, a_silent_leader_gets_two_delta)
{
    uint32_t quiet = cl_leader(&s.c, 1);
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) != quiet)
        so_skip(&s);
    cr_expect_eq(patience(), 500);
    /* One word from it, and its next slot counts in full again. */
    uint64_t round = so_view(&s).round;
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round + 1u) != quiet)
        so_skip(&s);
    all_speak();
    bool again = cl_leader(&s.c, so_view(&s).round) == quiet;
    so_skip(&s);
    cr_assert_gt(so_view(&s).round, round);
    cr_expect_eq(patience(), again ? 500 : 4000);
}

Test(replica_timeouts, names_the_lock_and_ends_voting_in_the_round)
{
    so_blocks(&s, 3);
    (void)patience();
    const struct bft_timeout *t = &s.c.node[0].last_signed[BFT_SIGNED_TIMEOUT].u.timeout;
    cr_expect_eq(t->round, 4);
    cr_expect_eq(t->lock_round, 3);
    struct bft_view v = so_view(&s);
    cr_expect_eq(v.last_timeout, 4);
    cr_expect_eq(v.last_voted, 4);
    struct so_prop p = so_child(&s, 4);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_VOTE], 3);
}

/* [P-5.2] The same bytes each period, with the certificate that entered the round. */
Test(replica_timeouts, repeats_identical_bytes_with_its_entry)
{
    so_blocks(&s, 2);
    so_skip(&s);
    (void)patience();
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_TIMEOUT], 1);
    struct cl_blob *b = &s.c.node[0].sent_last[BFT_MSG_TIMEOUT];
    static uint8_t first[16384];
    size_t len = b->len;
    cr_assert_leq(len, sizeof first);
    memcpy(first, b->bytes, len);
    const struct bft_timeout_msg *t = &cl_sent(&s.c, 0, BFT_MSG_TIMEOUT)->u.timeout;
    cr_assert_eq(t->entry.kind, BFT_ENTRY_TC);
    cr_expect_eq(t->entry.tc->round, 3);
    cr_expect_null(t->lock_qc, "the TC contains QC(2) already");
    so_pass(&s, 4100);
    cr_expect_geq(s.c.node[0].sent[BFT_MSG_TIMEOUT], 4);
    cr_expect_eq(b->len, len);
    cr_expect_eq(memcmp(b->bytes, first, len), 0);
    cr_expect_eq(timeouts(), 1, "signed once");
}

/* A lock that the entry certificate does not prove travels along. */
Test(replica_timeouts, attaches_the_lock_qc_when_nothing_else_shows_it)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_skip(&s); /* a TC whose highest QC is genesis */
    so_votes(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).high_qc_round, 1);
    (void)patience();
    const struct bft_timeout_msg *t = &cl_sent(&s.c, 0, BFT_MSG_TIMEOUT)->u.timeout;
    cr_expect_eq(t->t.lock_round, 1);
    cr_assert_not_null(t->lock_qc);
    cr_expect_eq(t->lock_qc->round, 1);
}

/* [P-5.3] Weight A is 1001: one other is short of it, two are enough, and only of this round. */
Test(replica_timeouts, joins_a_weak_quorum_of_exactly_this_round)
{
    so_timeouts(&s, 1, 0, 1u << 1);
    cr_expect_eq(timeouts(), 0);
    so_timeouts(&s, 2, 0, 1u << 1 | 1u << 2);
    cr_expect_eq(timeouts(), 0, "another round's");
    so_timeouts(&s, 1, 0, 1u << 2);
    /* Round 1 ends with this node's timeout, and round 2 has its weak quorum already. */
    cr_expect_eq(timeouts(), 2);
    cr_expect_eq(so_view(&s).last_timeout, 2);
    cr_expect_eq(so_view(&s).round, 3);
}

/* [P-5.4] 2 others and the own one; the TC is shown to everyone, and enters round 2. */
Test(replica_timeouts, quorum_forms_a_certificate_with_the_full_highest_qc)
{
    so_blocks(&s, 2);
    so_timeouts(&s, 3, 1, 1u << 1);
    so_timeouts(&s, 3, 2, 1u << 2);
    cr_assert_eq(so_view(&s).round, 4);
    cr_expect_eq(so_view(&s).rounds_entered_tc, 1);
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], 1);
    struct bft_msg m = *cl_sent(&s.c, 0, BFT_MSG_CERTIFICATE);
    cr_assert_eq(m.u.certificate.kind, BFT_CERTIFICATE_TC);
    const struct bft_tc *tc = m.u.certificate.tc;
    cr_expect_eq(tc->round, 3);
    cr_expect_eq(tc->entry_count, 3);
    cr_expect_eq(tc->high_qc.round, 2);
    cr_expect_eq(tc->high_qc.sig_count, 3);
    cr_expect_eq(cl_give_verified(&s.c, 1, 0, &m), BFT_OK, "it holds for others");
}

/* Locks that no QC shown here backs are not counted: they could not be proven in a TC. */
Test(replica_timeouts, pitfall_unverified_qcs_in_timeouts)
{
    so_blocks(&s, 2);
    struct bft_msg m;
    for (uint32_t i = 1; i < 4; i++) {
        cl_timeout(&s.c, &m, i, 0, 5, 4);
        so_refused(&s, &m, BFT_BAD_CERT, "a lock nobody has shown");
    }
    struct cl_cert few = {.qc = {.epoch = 0}}, good = {.qc = {.epoch = 0}};
    struct td_hash hash = {{4}};
    cl_qc(&s.c, &few, 0, 4, 4, &hash, 1u << 1 | 1u << 2);
    cl_timeout(&s.c, &m, 1, 0, 5, 4);
    m.u.timeout.lock_qc = &few.qc;
    so_refused(&s, &m, BFT_BAD_CERT, "lock QC without a quorum");
    cl_timeout(&s.c, &m, 1, 0, 5, 3);
    cl_qc(&s.c, &good, 0, 4, 4, &hash, SO_OTHERS);
    m.u.timeout.lock_qc = &good.qc;
    so_refused(&s, &m, BFT_BAD_CERT, "lock QC of another round than the lock");
    cl_timeout(&s.c, &m, 1, 0, 5, 4);
    m.u.timeout.lock_qc = &good.qc;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).high_qc_round, 4, "attached certificates are processed first");
    cr_expect_eq(so_view(&s).round, 5);
}

/* A TC is bitmap, locks and the full QC that the highest lock names. */
Test(replica_timeouts, pitfall_tc_with_rounds_only)
{
    so_blocks(&s, 3);
    struct cl_cert low = {.qc = {.epoch = 0}}, tc;
    struct td_hash hash = s.c.node[0].final_hash[1];
    cl_qc(&s.c, &low, 0, 1, 1, &hash, SO_OTHERS);
    static const uint64_t locks[][4] = {{3, 3, 3, 3}, {0, 1, 1, 3}, {0, 0, 0, 0}, {9, 1, 9, 1}};
    for (uint32_t i = 0; i < 4; i++) {
        memset(&tc, 0, sizeof tc);
        cl_tc(&s.c, &tc, 0, 4, locks[i], SO_OTHERS, &low.qc);
        struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
        m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc.tc};
        so_refused(&s, &m, BFT_BAD_CERT, "TC without the QC of its highest lock");
    }
    memset(&tc, 0, sizeof tc);
    cl_tc(&s.c, &tc, 0, 4, locks[0], 1u << 1 | 1u << 3, &s.tip_qc.qc);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc.tc};
    so_refused(&s, &m, BFT_BAD_CERT, "TC without a quorum");
    memset(&tc, 0, sizeof tc);
    cl_tc(&s.c, &tc, 0, 4, locks[0], SO_OTHERS, &s.tip_qc.qc);
    tc.tc.entry_count--;
    so_refused(&s, &m, BFT_BAD_CERT, "TC with an entry cut off");
}

/* 1 names a lock of a round that has no certificate.  Alone with 2 and 3 there is no provable TC;
 * with this node's own timeout, whose lock is higher and held, there is. */
Test(replica_timeouts, a_made_up_lock_does_not_block_the_certificate)
{
    so_blocks(&s, 1);
    so_skip(&s);  /* round 2 has no QC */
    so_block(&s); /* round 3 */
    cr_assert_eq(so_view(&s).round, 4);
    s.c.node[0].no_persist = true;
    so_timeouts(&s, 4, 2, 1u << 1);
    so_timeouts(&s, 4, 1, 1u << 2 | 1u << 3);
    cr_expect_eq(so_view(&s).round, 4);
    cl_persist_flush(&s.c, 0);
    cr_expect_eq(so_view(&s).round, 5);
    const struct bft_tc *tc = cl_sent(&s.c, 0, BFT_MSG_CERTIFICATE)->u.certificate.tc;
    cr_expect_eq(tc->high_qc.round, 3);
}

Test(replica_timeouts, a_bad_timeout_changes_nothing)
{
    so_blocks(&s, 10);
    static const struct {
        const char *what;
        uint64_t epoch, round, lock;
        uint16_t signer; /* 0 = node 1's */
        enum bft_verdict want;
    } cases[] = {
        {"round left long ago", 0, 2, 1, 0, BFT_STALE},
        {"round 0", 0, 0, 0, 0, BFT_MALFORMED},
        {"lock in its own round", 0, 11, 11, 0, BFT_MALFORMED},
        {"lock above its round", 0, 11, UINT64_MAX, 0, BFT_MALFORMED},
        {"beyond the window", 0, 14, 10, 0, BFT_FAR_FUTURE},
        {"signer outside the set", 0, 11, 10, 4, BFT_OUTSIDER},
        {"next epoch", 1, 1, 0, 0, BFT_FAR_FUTURE},
        {"unknown epoch", 3, 1, 0, 0, BFT_UNKNOWN_EPOCH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bft_msg m;
        cl_timeout(&s.c, &m, 1, cases[i].epoch, cases[i].round, cases[i].lock);
        if (cases[i].signer != 0)
            m.u.timeout.t.signer = cases[i].signer;
        /* A peer in an older round is helped once; that is an answer, not a change of state. */
        if (cases[i].want == BFT_STALE)
            (void)cl_give_verified(&s.c, 0, 1, &m);
        so_refused(&s, &m, cases[i].want, cases[i].what);
    }
    struct bft_msg m;
    so_timeouts(&s, 11, 10, 1u << 1);
    cl_timeout(&s.c, &m, 1, 0, 11, 10);
    so_refused(&s, &m, BFT_DUPLICATE, "again");
}

/* A straggler's timeout is answered with what entered our round, once per round. */
Test(replica_timeouts, a_peer_behind_is_shown_the_way)
{
    so_blocks(&s, 3);
    struct bft_msg m;
    cl_timeout(&s.c, &m, 1, 0, 2, 1);
    for (int i = 0; i < 3; i++)
        (void)cl_give_verified(&s.c, 0, 1, &m);
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], 1);
    const struct bft_certificate *c = &cl_sent(&s.c, 0, BFT_MSG_CERTIFICATE)->u.certificate;
    cr_expect_eq(c->kind, BFT_CERTIFICATE_QC);
    cr_expect_eq(c->qc->round, 3);
}

Test(replica_timeouts, two_timeouts_of_one_round_are_evidence)
{
    so_blocks(&s, 2);
    so_timeouts(&s, 3, 2, 1u << 1);
    struct bft_msg m;
    cl_timeout(&s.c, &m, 1, 0, 3, 1);
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_EQUIVOCATION);
    cr_assert_eq(s.c.node[0].evidence_count, 1);
    cr_expect_eq(s.c.node[0].evidence[0].kind, BFT_EVIDENCE_TWO_TIMEOUTS);
    cr_expect_eq(s.c.node[0].evidence[0].a.u.timeout.lock_round, 2);
    cl_timeout(&s.c, &m, 1, 0, 3, 0);
    so_refused(&s, &m, BFT_EQUIVOCATION, "a third one");
}

/* Kept beyond the window, counted when the window gets there. */
Test(replica_timeouts, timeouts_ahead_are_kept_for_later)
{
    so_timeouts(&s, 4, 0, SO_OTHERS);
    cr_expect_eq(so_view(&s).round, 1);
    so_skip(&s);
    cr_expect_eq(so_view(&s).round, 5);
    cr_expect_eq(so_view(&s).rounds_entered_tc, 2);
}

/* [P-4.3] The lock constrains timeouts, not votes: this node alone holds QC(1), the others timed
 * out below it.  A block that their TC justifies gets the vote, or the two would wait for each
 * other. */
Test(replica_timeouts, pitfall_two_phase_lock_without_timeout_certificates)
{
    struct so_prop one = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &one), BFT_OK);
    so_votes(&s, &one.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).high_qc_round, 1);
    so_skip(&s); /* locks 0: s.tip is genesis still */
    struct so_prop p = so_child(&s, 3);
    cr_assert_not_null(p.tc);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 3);
    (void)patience();
    cr_expect_eq(s.c.node[0].last_signed[BFT_SIGNED_TIMEOUT].u.timeout.lock_round, 1);
}

static bool progress(struct cl *c, uint64_t more)
{
    uint64_t from = cl_view(c, 0).final_height;
    return cl_until_height(c, from + more, 20000);
}

/* Every node is killed in a round entered by TC, after signing in it.  Only the durable TC tells
 * them where they were: without it they would start below what they have signed, and stay there. */
Test(replica_timeouts, pitfall_entry_tc_not_durable)
{
    static struct cl c;
    cl_init(&c, 4, NULL);
    cr_assert(cl_until_height(&c, 3, 20000));
    for (uint32_t i = 0; i < 4; i++)
        c.node[i].mute = true;
    cl_run(&c, 5000);
    cl_drain(&c);
    uint64_t left = cl_view(&c, 0).round;
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t k = 0; k < 4; k++) { /* all but its own timeout reach it: a TC, round + 1 */
            struct bft_msg m;
            if (k == i || cl_view(&c, i).round != left)
                continue;
            cl_timeout(&c, &m, k, 0, left, cl_view(&c, k).high_qc_round);
            (void)cl_give_verified(&c, i, k, &m);
        }
        cr_assert_eq(cl_view(&c, i).round, left + 1u);
    }
    cl_run(&c, 9000);
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_eq(cl_view(&c, i).last_timeout, left + 1u, "all signed in the round");
    for (uint32_t i = 0; i < 4; i++) {
        c.node[i].mute = false;
        cl_restart(&c, i, true);
    }
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(cl_view(&c, i).round, left + 1u, "node %u resumes in round %lu", i,
                     cl_view(&c, i).round);
    cl_connect_all(&c);
    cr_expect(progress(&c, 3), "height %lu", cl_view(&c, 0).final_height);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
    cl_free(&c);
}
