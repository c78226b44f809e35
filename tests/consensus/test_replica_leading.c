/* What the leader of a round does, and when.  [P-3.2, P-3.3, P-6.1, P-7.3]
 * Method: one replica with equal stakes, brought to the round before one that it leads; the other
 * three validators played by hand (solo.h). */
#include "tests/consensus/solo.h"

#include <string.h>

static struct solo s;

static void setup(void)
{
    so_init_equal(&s, NULL);
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(replica_leading, .init = setup, .fini = teardown);

static uint32_t proposals(void)
{
    return s.c.node[0].signs[BFT_SIGNED_PROPOSE];
}

static struct bft_header proposed(void)
{
    return cl_sent(&s.c, 0, BFT_MSG_PROPOSAL)->u.proposal.header;
}

/* Blocks and skips until node 0 leads the next round and not this one; `height` at least. */
static void before_own_round(uint64_t height)
{
    for (uint32_t i = 0; i < 4000; i++) {
        uint64_t round = so_view(&s).round;
        if (cl_leader(&s.c, round + 1u) == 0 && cl_leader(&s.c, round) != 0 &&
            s.tip.height >= height)
            return;
        if (s.tip.height < height && cl_leader(&s.c, round) != 0)
            so_block(&s);
        else
            so_skip(&s);
    }
    cr_assert_fail("node 0 never leads");
}

/* The round before ends with a certificate; its proposal arrived just now. */
static void enter_by_qc(void)
{
    struct so_prop p = so_child(&s, so_view(&s).round);
    if (s.attested.cert.fields.height > p.h.att_height)
        so_carry(&p, &s.attested);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    if (p.h.height == s.tip.height && s.attest)
        so_attest(&s, p.h.height, SO_OTHERS);
}

/* [P-3.3] One block interval after the parent's proposal first arrived, not a moment earlier. */
Test(replica_leading, waits_one_interval_after_the_parents_proposal)
{
    before_own_round(1);
    uint32_t before = proposals();
    int64_t arrived = s.c.now_ns;
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    s.c.now_ns += INT64_C(300000000); /* the votes take a while */
    so_certify(&s, &p.h);
    cr_assert_eq(so_view(&s).leader, cl_signer(&s.c, 0));
    cr_expect_leq(s.c.node[0].timer_ns, arrived + INT64_C(1000000000));
    so_pass(&s, 699);
    cr_expect_eq(proposals(), before);
    so_pass(&s, 1);
    cr_assert_eq(proposals(), before + 1u);
    struct bft_header h = proposed();
    struct td_hash parent = so_hash(&p.h);
    cr_expect(td_hash_eq(&h.parent, &parent));
    cr_expect_eq(h.parent_round, p.h.round);
    cr_expect_eq(h.ts_ms, (uint64_t)(CL_WALL_MS + SO_MS(s.c.now_ns)));
    cr_expect_eq(so_view(&s).last_voted, h.round, "and votes for it itself");
    so_pass(&s, 900);
    cr_expect_eq(proposals(), before + 1u, "once");
}

/* No wait after a TC; the proposal carries it. */
Test(replica_leading, proposes_at_once_after_a_timeout_certificate)
{
    before_own_round(1);
    uint32_t before = proposals();
    uint64_t round = so_view(&s).round;
    so_skip(&s);
    cr_assert_eq(proposals(), before + 1u);
    struct bft_msg m = *cl_sent(&s.c, 0, BFT_MSG_PROPOSAL);
    cr_assert_not_null(m.u.proposal.tc);
    cr_expect_eq(m.u.proposal.tc->round, round);
    cr_expect_eq(m.u.proposal.qc.round, s.tip_qc.qc.round);
    cr_expect_eq(cl_give_verified(&s.c, 1, 0, &m) == BFT_BAD_HEADER, false);
}

/* [P-2.6] A clock behind the parent's stamp gives parent.ts + 1. */
Test(replica_leading, timestamps_exceed_the_parents)
{
    before_own_round(1);
    enter_by_qc();
    s.c.skew_ms = -50000;
    so_pass(&s, 1000);
    cr_expect_eq(proposed().ts_ms, s.tip.ts_ms + 1u);
}

/* On its highest QC, also when that arrived after the round was left. */
Test(replica_leading, builds_on_the_highest_certificate)
{
    before_own_round(2);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    s.c.node[0].no_build = true;
    so_skip(&s); /* locks below p; node 0 leads now and waits for its payload */
    so_votes(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).high_qc_round, p.h.round);
    struct td_hash hash = so_hash(&p.h);
    uint32_t before = proposals();
    cl_build(&s.c, 0);
    cr_assert_eq(proposals(), before, "that payload was built on the block before");
    cr_expect(td_hash_eq(&s.c.node[0].make.u.make.parent, &hash), "and is asked for anew");
    cl_build(&s.c, 0);
    struct bft_msg m = *cl_sent(&s.c, 0, BFT_MSG_PROPOSAL);
    cr_expect(td_hash_eq(&m.u.proposal.header.parent, &hash));
    cr_expect_null(m.u.proposal.tc, "QC(r - 1) justifies it alone");
}

/* Without the parent's header there is nothing to build on; it is asked for. */
Test(replica_leading, fetches_a_missing_parent_first)
{
    before_own_round(1);
    struct so_prop p = so_child(&s, so_view(&s).round);
    uint32_t before = proposals();
    struct td_hash hash = so_hash(&p.h);
    so_votes(&s, &p.h, SO_OTHERS); /* the votes arrive, the proposal does not */
    so_pass(&s, 1200);
    cr_expect_eq(proposals(), before);
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &hash));
    enum bft_verdict v = so_propose(&s, &p);
    cr_expect_eq(v, BFT_OK, "%s", bft_verdict_text(v));
    cr_expect_eq(proposals(), before + 1u);
}

/* A payload that comes when the round is over, or twice, is dropped. */
Test(replica_leading, late_payloads_are_dropped)
{
    before_own_round(1);
    s.c.node[0].no_build = true;
    enter_by_qc();
    so_pass(&s, 1000);
    cr_assert_geq(s.c.node[0].fx[BFT_FX_MAKE_PAYLOAD], 1);
    uint32_t before = proposals();
    so_skip(&s);
    cl_build(&s.c, 0);
    cr_expect_eq(proposals(), before);
    before_own_round(1);
    enter_by_qc();
    so_pass(&s, 1000);
    cl_build(&s.c, 0);
    cl_build(&s.c, 0);
    cr_expect_eq(proposals(), before + 1u);
}

/* It leads two rounds in a row: what was built for the first is no answer in the second. */
Test(replica_leading, payloads_belong_to_their_round)
{
    s.c.node[0].no_build = true;
    for (uint32_t i = 0; i < 4000; i++) {
        uint64_t round = so_view(&s).round;
        if (cl_leader(&s.c, round) != 0 && cl_leader(&s.c, round + 1u) == 0 &&
            cl_leader(&s.c, round + 2u) == 0)
            break;
        so_skip(&s);
    }
    so_skip(&s);
    struct bft_effect first = s.c.node[0].make;
    cr_assert_eq(first.u.make.round, so_view(&s).round);
    so_skip(&s);
    struct bft_effect second = s.c.node[0].make;
    cr_assert_eq(second.u.make.round, first.u.make.round + 1u);
    uint32_t before = proposals();
    s.c.node[0].make = first;
    cl_build(&s.c, 0);
    cr_expect_eq(proposals(), before);
    s.c.node[0].make = second;
    cl_build(&s.c, 0);
    cr_expect_eq(proposals(), before + 1u);
}

/* It gave up on its own round: no proposal after that. */
Test(replica_leading, no_proposal_after_the_own_timeout)
{
    before_own_round(1);
    s.c.node[0].no_build = true;
    enter_by_qc();
    so_pass(&s, 5000);
    cr_assert_eq(so_view(&s).last_timeout, so_view(&s).round);
    uint32_t before = proposals();
    cl_build(&s.c, 0);
    cr_expect_eq(proposals(), before);
}

/* The whole of what it proposes is what voters accept; here with a payload and a certificate. */
Test(replica_leading, own_blocks_become_final)
{
    s.c.txs = 5;
    before_own_round(3);
    enter_by_qc();
    so_pass(&s, 1000);
    struct bft_header h = proposed();
    cr_expect_eq(h.tx_count, 5);
    cr_expect(!h.filler);
    cr_expect_eq(h.att_height, s.tip.height, "the newest certificate");
    so_votes(&s, &h, SO_OTHERS);
    so_commits(&s, &h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, h.height);
}

/* A batch may end from five blocks on, when the prover is free; never before. */
Test(replica_leading, ends_batches_when_asked_and_allowed)
{
    static const struct {
        uint64_t height; /* of the parent */
        bool want;
    } cases[] = {{2, false}, {6, true}};
    for (uint32_t i = 0; i < 2; i++) {
        so_free(&s);
        setup();
        s.c.node[0].end_batch = true;
        before_own_round(cases[i].height - 1u);
        enter_by_qc();
        so_pass(&s, 1000);
        struct bft_header h = proposed();
        cr_assert_eq(h.height, cases[i].height + 1u);
        cr_expect_eq(h.end_batch, cases[i].want, "height %lu", h.height);
    }
}

/* ---- L1 */

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
    cfg->batch_ms_max = UINT64_MAX;
}

/* [P-7.3] The highest number that weight Q reports, this node included. */
Test(replica_leading, origin_advances_to_what_a_quorum_reports)
{
    static const struct {
        uint64_t own, peers[3], want;
    } cases[] = {{50, {40, 30, 0}, 30},
                 {50, {40, 40, 40}, 40},
                 {10, {40, 40, 40}, 40},
                 {10, {40, 40, 0}, 10},
                 {0, {0, 0, 99}, 0}};
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_free(&s);
        so_init_equal(&s, with_l1);
        s.c.node[0].no_build = true;
        struct bft_event head = {.kind = BFT_EV_L1_HEAD, .u.l1.number = cases[i].own};
        cl_event(&s.c, 0, &head);
        for (uint32_t k = 0; k < 3; k++) {
            struct bft_msg m = {.kind = BFT_MSG_STATUS};
            m.u.status.l1_number = cases[i].peers[k];
            cr_assert_eq(cl_give_verified(&s.c, 0, k + 1u, &m), BFT_OK);
        }
        before_own_round(1);
        enter_by_qc();
        so_pass(&s, 1000);
        cr_expect_eq(s.c.node[0].make.u.make.origin_max, cases[i].want, "case %u", i);
        cr_expect(!s.c.node[0].make.u.make.advance_origin, "not at a multiple of 16");
    }
}

/* [P-7.2] Only at a multiple of 16 and not after a TC, whatever the payload builder answers. */
Test(replica_leading, origin_moves_only_where_voters_allow_it)
{
    for (uint32_t way = 0; way < 3; way++) {
        so_free(&s);
        so_init_equal(&s, with_l1);
        s.c.node[0].no_build = true;
        uint64_t parent = way == 0 ? 14 : 15;
        before_own_round(parent - (way == 1 ? 0u : 1u));
        if (way == 1)
            so_skip(&s);
        else
            enter_by_qc();
        so_pass(&s, 1000);
        struct bft_effect *make = &s.c.node[0].make;
        cr_assert_eq(make->u.make.height, parent + 1u);
        cr_expect_eq(make->u.make.advance_origin, way == 2, "way %u", way);
        s.c.node[0].next_origin = (struct bft_origin){.number = 7, .hash = {{7}}};
        make->u.make.advance_origin = true; /* a builder that does not listen */
        cl_build(&s.c, 0);
        cr_expect_eq(proposed().origin.number, way == 2 ? 7 : 0, "way %u", way);
    }
}

/* [P-7.4] A stale origin asks for an empty payload: by the timestamp the block will carry, which
 * may be ahead of this node's clock. */
Test(replica_leading, a_stale_origin_asks_for_an_empty_payload)
{
    const int64_t hours4 = 4 * 3600 * 1000;
    for (uint32_t way = 0; way < 3; way++) {
        so_free(&s);
        so_init_equal(&s, with_l1);
        s.c.txs = 2;
        before_own_round(1);
        int64_t now = CL_WALL_MS + SO_MS(s.c.now_ns) - (int64_t)CL_GENESIS_MS;
        /* The proposal comes one second from now. */
        s.c.skew_ms = hours4 - now - (way == 0 ? 1000 : -5000);
        struct so_prop p = so_child(&s, so_view(&s).round);
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        so_certify(&s, &p.h);
        if (way == 2) /* the clock steps back behind the four hours, the parent is past them */
            s.c.skew_ms -= 20000;
        so_pass(&s, 1000);
        cr_expect_eq(s.c.node[0].make.u.make.empty, way > 0, "way %u", way);
        struct bft_header h = proposed();
        cr_expect(h.tx_count == 0 || h.ts_ms - CL_GENESIS_MS <= (uint64_t)hours4,
                  "way %u: no voter accepts this block", way);
        cr_expect_eq(so_view(&s).last_voted, h.round, "way %u: nor does its leader", way);
    }
}
