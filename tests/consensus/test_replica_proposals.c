/* What a proposal must satisfy before it gets a vote.  [P-4.1, P-4.2, P-6.2, P-7]
 * Method: one replica, the other three validators played by hand (solo.h); each case bends one
 * field of a proposal that every rule accepts. */
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

TestSuite(replica_proposals, .init = setup, .fini = teardown);

static uint32_t votes(void)
{
    return s.c.node[0].signs[BFT_SIGNED_VOTE];
}

static void event_verdict(enum bft_event_kind kind, const struct bft_header *h, bool valid)
{
    struct bft_event ev = {.kind = kind};
    ev.u.verdict.hash = so_hash(h);
    ev.u.verdict.valid = valid;
    cl_event(&s.c, 0, &ev);
}

/* Refusals by header rules so far, whatever the reason given. */
static uint64_t refused(void)
{
    struct bft_view v = so_view(&s);
    return v.verdicts[BFT_BAD_HEADER] + v.verdicts[BFT_BAD_TIME] + v.verdicts[BFT_BAD_ORIGIN];
}

static struct so_prop with_payload(struct so_prop p)
{
    p.h.tx_count = 1;
    p.h.payload_bytes = 100;
    p.h.payload_root.b[0] = 1;
    return p;
}

/* ---- who, when */

Test(replica_proposals, a_bad_proposal_changes_nothing)
{
    so_blocks(&s, 12);
    uint64_t round = so_view(&s).round;
    struct bft_msg m;
    struct so_prop p = so_child(&s, round);
    uint16_t leader = p.h.proposer;
    for (uint16_t i = 0; i < 4; i++) {
        p.h.proposer = i;
        so_message(&s, &m, &p);
        if (i != leader && i != cl_signer(&s.c, 0))
            so_refused(&s, &m, BFT_WRONG_LEADER, "not the leader");
    }
    p.h.proposer = 4;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_OUTSIDER, "not in the set");
    p = so_child(&s, round);
    p.h.epoch = 2;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_UNKNOWN_EPOCH, "epoch nobody knows");
    p.h.epoch = 1;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "epoch of the QC is another");
    p = so_child(&s, 0);
    p.h.round = 0;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "round 0");
    p = so_child(&s, UINT64_C(1) << 63);
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_CERT, "round 2^63, no TC");
    /* Old: a block of a round left long ago, as its leader once sent it. */
    struct cl_cert qc = {.qc = {.epoch = 0}};
    struct bft_header one = s.c.node[0].stored[1].header, two = s.c.node[0].stored[2].header;
    struct td_hash hash = so_hash(&one);
    cl_qc(&s.c, &qc, 0, 1, 1, &hash, SO_OTHERS);
    struct so_prop old = {.h = two, .qc = &qc.qc};
    so_message(&s, &m, &old);
    so_refused(&s, &m, BFT_STALE, "round left long ago");
}

Test(replica_proposals, one_vote_per_round_and_evidence_for_two_proposals)
{
    struct so_prop a = so_child(&s, 1), b = a;
    b.h.ts_ms++;
    cr_assert_eq(so_propose(&s, &a), BFT_OK);
    cr_assert_eq(votes(), 1);
    struct bft_msg m;
    so_message(&s, &m, &a);
    so_refused(&s, &m, BFT_DUPLICATE, "the same again");
    cr_expect_eq(so_propose(&s, &b), BFT_EQUIVOCATION);
    cr_expect_eq(votes(), 1);
    cr_assert_eq(s.c.node[0].evidence_count, 1);
    const struct bft_evidence *e = &s.c.node[0].evidence[0];
    struct td_hash first = so_hash(&a.h), second = so_hash(&b.h);
    cr_expect_eq(e->kind, BFT_EVIDENCE_TWO_PROPOSALS);
    cr_expect(td_hash_eq(&e->a.u.propose.hash, &first));
    cr_expect(td_hash_eq(&e->b.u.propose.hash, &second));
    b.h.ts_ms++;
    so_message(&s, &m, &b);
    so_refused(&s, &m, BFT_EQUIVOCATION, "a third");
}

/* The first proposal is kept even if nobody can vote for it. */
Test(replica_proposals, a_second_proposal_does_not_replace_a_bad_first)
{
    struct so_prop bad = so_child(&s, 1), good = so_child(&s, 1);
    bad.h.height = 7;
    cr_expect_eq(so_propose(&s, &bad), BFT_OK);
    cr_expect_eq(so_propose(&s, &good), BFT_EQUIVOCATION);
    cr_expect_eq(votes(), 0);
}

/* ---- justification by certificates */

Test(replica_proposals, pitfall_tail_forking_needs_a_timeout_certificate)
{
    so_blocks(&s, 2);
    struct bft_header parent = s.c.node[0].stored[1].header;
    struct cl_cert old = {.qc = {.epoch = 0}}, tc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&parent);
    cl_qc(&s.c, &old, 0, 1, 1, &hash, SO_OTHERS);
    struct so_prop p = so_child_of(&s, &parent, &old.qc, 3);
    struct bft_msg m;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_CERT, "buries round 2 without a TC");
    /* A TC of round 2 that knows QC(2)?  Impossible; of one that knows less: locks of 1 are enough
     * to justify it, but here the highest lock is above the block's QC. */
    static const uint64_t none[4] = {0, 0, 0, 0}, some[4] = {0, 1, 1, 1};
    struct cl_cert genesis = {.qc = {.hash = s.c.cfg.genesis_hash}};
    cl_tc(&s.c, &tc, 0, 2, some, SO_OTHERS, &old.qc);
    p = so_child_of(&s, &s.c.cfg.genesis, &genesis.qc, 3);
    p.tc = &tc.tc;
    bft_tc_hash(&p.h.tc_hash, p.tc);
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_CERT, "QC below the TC's highest");
    memset(&tc, 0, sizeof tc);
    cl_tc(&s.c, &tc, 0, 1, none, SO_OTHERS, &genesis.qc);
    p.tc = &tc.tc;
    bft_tc_hash(&p.h.tc_hash, p.tc);
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "TC of another round");
    cr_expect_eq(votes(), 2);
}

Test(replica_proposals, the_tc_and_its_hash_belong_together)
{
    so_skip(&s);
    struct bft_msg m;
    struct so_prop p = so_child(&s, 2);
    p.h.tc_hash.b[0] ^= 1;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "another TC's hash");
    p = so_child(&s, 2);
    p.tc = NULL;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "a hash without a TC");
    p = so_child(&s, 2);
    p.h.tc_hash = (struct td_hash){{0}};
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "a TC without its hash");
    p.tc = NULL;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_CERT, "neither");
    p = so_child(&s, 2);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(votes(), 1);
}

/* First process every certificate it carries: also those of a proposal that is refused. */
Test(replica_proposals, certificates_of_a_refused_proposal_count)
{
    struct so_prop one = so_child(&s, 1);
    struct cl_cert qc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&one.h);
    cl_qc(&s.c, &qc, 0, 1, 1, &hash, SO_OTHERS);
    struct so_prop two = so_child_of(&s, &one.h, &qc.qc, 2);
    for (uint16_t i = 0; i < 4; i++)
        if (i != two.h.proposer && i != cl_signer(&s.c, 0)) {
            two.h.proposer = i;
            break;
        }
    cr_expect_eq(so_propose(&s, &two), BFT_WRONG_LEADER);
    cr_expect_eq(so_view(&s).high_qc_round, 1);
    cr_expect_eq(so_view(&s).round, 2);
    cr_expect_eq(so_view(&s).last_commit, 1);
}

/* ---- header rules */

enum field {
    HEIGHT_UP,
    HEIGHT_SAME,
    HEIGHT_BACK,
    PREV,
    TS_EQUAL,
    TS_BACK,
    DIGEST,
    ATT_HEIGHT,
    ATT_DIGEST,
    NEXT_SET,
    BATCH_END,
    TX_WITHOUT_ROOT,
    ROOT_WITHOUT_TX,
    BYTES_WITHOUT_TX,
    TX_WITHOUT_BYTES,
    TXS_OVER,
    BYTES_OVER,
    ORIGIN,
    ORIGIN_HASH,
    FIELDS
};

static void bend(struct bft_header *h, enum field f)
{
    switch (f) {
    case HEIGHT_UP:
        h->height++;
        break;
    case HEIGHT_SAME:
        h->height--;
        break;
    case HEIGHT_BACK:
        h->height -= 2;
        break;
    case PREV:
        h->prev_hash.b[31] ^= 1;
        break;
    case TS_EQUAL:
        h->ts_ms = s.tip.ts_ms;
        break;
    case TS_BACK:
        h->ts_ms = s.tip.ts_ms - 1u;
        break;
    case DIGEST:
        h->result_digest.b[0] ^= 1;
        break;
    case ATT_HEIGHT:
        h->att_height++;
        break;
    case ATT_DIGEST:
        h->att_digest.b[0] ^= 1;
        break;
    case NEXT_SET:
        h->next_set_hash.b[0] = 1;
        break;
    case BATCH_END:
        h->end_batch = true;
        break;
    case TX_WITHOUT_ROOT:
        h->payload_root = (struct td_hash){{0}};
        h->tx_count = 1;
        h->payload_bytes = 9;
        break;
    case ROOT_WITHOUT_TX:
        h->payload_root.b[0] = 1;
        break;
    case BYTES_WITHOUT_TX:
        h->payload_bytes = 1;
        break;
    case TX_WITHOUT_BYTES:
        h->payload_root.b[0] = 1;
        h->tx_count = 1;
        break;
    case TXS_OVER:
        h->payload_root.b[0] = 1;
        h->payload_bytes = 100;
        h->tx_count = 11;
        break;
    case BYTES_OVER:
        h->payload_root.b[0] = 1;
        h->tx_count = 1;
        h->payload_bytes = 1001;
        break;
    case ORIGIN:
        h->origin.number++;
        break;
    case ORIGIN_HASH:
        h->origin.registry_set_hash.b[0] = 1;
        break;
    case FIELDS:
        break;
    }
}

static void small_payloads(struct bft_config *cfg)
{
    cfg->txs_max = 10;
    cfg->payload_bytes_max = 1000;
    cfg->batch_blocks_min = 8;
}

/* A header that breaks one rule never gets the vote, and the node votes again in the next round. */
Test(replica_proposals, each_header_rule_refuses)
{
    so_free(&s);
    so_init(&s, small_payloads);
    so_blocks(&s, 5);
    for (uint32_t f = 0; f <= FIELDS; f++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_child(&s, so_view(&s).round);
        if (f == FIELDS) /* the limits themselves are allowed */
            p = with_payload(p), p.h.tx_count = 10, p.h.payload_bytes = 1000;
        bend(&p.h, (enum field)f);
        uint64_t bad = refused();
        cr_expect_eq(so_propose(&s, &p), BFT_OK);
        event_verdict(BFT_EV_PAYLOAD_READY, &p.h, true);
        cr_expect_eq(so_view(&s).last_voted, f == FIELDS ? p.h.round : 5, "field %u", f);
        cr_expect_eq(refused() - bad, f != FIELDS, "field %u", f);
        if (f < FIELDS)
            so_skip(&s);
    }
}

/* Up to height 3 every digest is genesis': nothing but the height itself is wrong here. */
Test(replica_proposals, heights_grow_by_one)
{
    for (uint64_t height = 1; height < 4; height++) {
        so_free(&s);
        so_init(&s, NULL);
        so_blocks(&s, 1);
        struct so_prop p = so_child(&s, so_view(&s).round);
        p.h.height = height;
        cr_expect_eq(so_propose(&s, &p), BFT_OK);
        cr_expect_eq(so_view(&s).last_voted == p.h.round, height == 2, "height %lu", height);
    }
}

/* [P-6.2] The same for fillers: contents are copied, nothing is added. */
Test(replica_proposals, each_filler_rule_refuses)
{
    static const enum field fields[] = {
        HEIGHT_UP,        HEIGHT_BACK,     PREV,      TS_EQUAL,        DIGEST, ATT_HEIGHT,
        ATT_DIGEST,       NEXT_SET,        BATCH_END, ROOT_WITHOUT_TX, ORIGIN, TX_WITHOUT_BYTES,
        BYTES_WITHOUT_TX, TX_WITHOUT_ROOT, FIELDS};
    so_blocks(&s, 5);
    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_filler(&s, so_view(&s).round);
        bend(&p.h, fields[i]);
        cr_expect_eq(so_propose(&s, &p), BFT_OK);
        event_verdict(BFT_EV_PAYLOAD_READY, &p.h, true);
        bool good = fields[i] == FIELDS;
        cr_expect_eq(so_view(&s).last_voted, good ? p.h.round : 5, "case %u", i);
        if (!good)
            so_skip(&s);
    }
}

/* A block on a filler: prevHash names the newest non-filler ancestor, the height goes on. */
Test(replica_proposals, blocks_continue_above_fillers)
{
    so_blocks(&s, 2);
    struct td_hash two = s.tip_hash;
    for (int i = 0; i < 3; i++) {
        struct so_prop f = so_filler(&s, so_view(&s).round);
        cr_assert_eq(so_propose(&s, &f), BFT_OK);
        cr_assert_eq(so_view(&s).last_voted, f.h.round);
        so_certify(&s, &f.h);
        cr_expect(td_hash_eq(&f.h.prev_hash, &two));
    }
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_expect(td_hash_eq(&p.h.prev_hash, &two));
    struct bft_header wrong = p.h;
    wrong.prev_hash = wrong.parent;
    struct so_prop q = p;
    q.h = wrong;
    cr_assert_eq(so_propose(&s, &q), BFT_OK);
    cr_expect_lt(so_view(&s).last_voted, q.h.round, "prevHash is not the parent's");
    so_skip(&s);
    so_block(&s);
    cr_expect_eq(so_view(&s).final_height, 3);
    cr_expect(td_hash_eq(&s.last.prev_hash, &two));
}

/* ---- what is not here yet */

Test(replica_proposals, missing_parent_is_fetched_from_its_signers_and_then_voted)
{
    struct so_prop one = so_child(&s, 1);
    struct cl_cert qc = {.qc = {.epoch = 0}};
    struct td_hash hash = so_hash(&one.h);
    cl_qc(&s.c, &qc, 0, 1, 1, &hash, 1u << 1 | 1u << 2 | 1u << 3);
    struct so_prop two = so_child_of(&s, &one.h, &qc.qc, 2);
    cr_expect_eq(so_propose(&s, &two), BFT_UNKNOWN_PARENT);
    cr_expect_eq(votes(), 0);
    const struct bft_effect *fx = &s.c.node[0].fetch;
    cr_assert_geq(s.c.node[0].fx[BFT_FX_FETCH], 1);
    cr_expect_eq(fx->u.fetch.kind, BFT_OBJECT_HEADER);
    cr_expect(td_hash_eq(&fx->u.fetch.hash, &hash));
    cr_expect_eq(bft_bitmap_count(&fx->u.fetch.holders), 3);
    cr_expect_neq(fx->peer, BFT_NO_PEER);
    uint8_t bytes[BFT_HEADER_BYTES];
    struct td_writer w;
    td_writer_init(&w, bytes, sizeof bytes);
    bft_header_encode(&w, &one.h);
    struct td_bytes view = {bytes, sizeof bytes};
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    m.u.by_hash = (struct bft_by_hash){BFT_OBJECT_HEADER, 1, &view};
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(votes(), 1);
    cr_expect_eq(so_view(&s).last_voted, 2);
}

Test(replica_proposals, missing_payload_defers_the_vote)
{
    s.c.node[0].no_payload = true;
    struct so_prop p = with_payload(so_child(&s, 1));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(votes(), 0);
    so_pass(&s, 500);
    cr_expect_eq(votes(), 0);
    event_verdict(BFT_EV_PAYLOAD_READY, &p.h, true);
    cr_expect_eq(votes(), 1);
}

Test(replica_proposals, invalid_payload_is_never_voted_for)
{
    s.c.node[0].no_payload = true;
    struct so_prop p = with_payload(so_child(&s, 1));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    event_verdict(BFT_EV_PAYLOAD_READY, &p.h, false);
    event_verdict(BFT_EV_PAYLOAD_READY, &p.h, true); /* the first verdict stands */
    cr_expect_eq(votes(), 0);
    cr_expect_eq(refused(), 1);
}

/* A certified block without its payload here: the node moves on, commits, votes for the child, and
 * the block becomes final.  Only executing it has to wait. */
Test(replica_proposals, pitfall_payload_withholding_blocks_no_view_change)
{
    s.c.node[0].no_payload = true;
    struct so_prop p = with_payload(so_child(&s, 1));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    cr_expect_eq(so_view(&s).round, 2);
    cr_expect_eq(so_view(&s).last_commit, 1);
    struct so_prop two = so_child(&s, 2);
    cr_expect_eq(so_propose(&s, &two), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 2);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1);
    so_certify(&s, &two.h);
    so_skip(&s);
    cr_expect_eq(so_view(&s).round, 4);
}

/* [P-4.2] h - 3 is final but not executed: wait, do not refuse. */
Test(replica_proposals, execution_of_h_minus_3_defers_the_vote)
{
    so_blocks(&s, 3);
    s.c.node[0].no_exec = true;
    so_block(&s);
    s.attest = false;
    cr_assert_eq(so_view(&s).last_voted, 4);
    so_block(&s);
    so_block(&s);
    cr_assert_eq(so_view(&s).last_voted, 6);
    struct so_prop p = so_child(&s, 7); /* carries the digest of 4 */
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 6);
    cr_expect_eq(refused(), 0);
    cl_exec_flush(&s.c, 0, 4);
    cr_expect_eq(so_view(&s).last_voted, 7);
}

/* ---- time */

Test(replica_proposals, timestamps_up_to_ten_seconds_ahead)
{
    uint64_t now = (uint64_t)(CL_WALL_MS + SO_MS(s.c.now_ns));
    struct so_prop p = so_child(&s, 1);
    p.h.ts_ms = now + 10000;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(votes(), 1);
    so_certify(&s, &p.h);
    p = so_child(&s, 2);
    p.h.ts_ms = now + 10400; /* 400 ms too early */
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(votes(), 1);
    cr_expect_eq(refused(), 0, "deferred, not refused");
    cr_expect_leq(s.c.node[0].timer_ns, s.c.now_ns + INT64_C(400000000), "looks again in time");
    so_pass(&s, 399);
    cr_expect_eq(votes(), 1);
    so_pass(&s, 1);
    cr_expect_eq(votes(), 2);
}

/* The next leader's clock is right, so its timestamp is the parent's plus one: valid at once. */
Test(replica_proposals, pitfall_a_leader_stamping_now_plus_5_s)
{
    so_blocks(&s, 2);
    struct so_prop p = so_child(&s, so_view(&s).round);
    p.h.ts_ms += 5000;
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 3);
    so_certify(&s, &p.h);
    for (uint64_t r = 4; r < 8; r++) {
        struct so_prop next = so_child(&s, r);
        cr_assert_eq(next.h.ts_ms, s.tip.ts_ms + 1u);
        cr_assert_eq(so_propose(&s, &next), BFT_OK);
        cr_expect_eq(so_view(&s).last_voted, r);
        so_certify(&s, &next.h);
        so_commits(&s, &next.h, SO_OTHERS);
    }
}

/* One hour back, here as well as at the leader: parent.ts + 1 is valid whatever the clock says. */
Test(replica_proposals, pitfall_clocks_of_a_quorum_stepped_back)
{
    so_blocks(&s, 2);
    s.c.skew_ms = -3600 * 1000;
    so_blocks(&s, 6);
    cr_expect_eq(s.tip.ts_ms, s.c.node[0].stored[2].header.ts_ms + 4u);
    struct so_prop p = so_child(&s, so_view(&s).round);
    p.h.ts_ms++; /* parent.ts + 2 is too early by an hour */
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 6);
}

/* ---- L1 origin */

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
    cfg->batch_ms_max = UINT64_MAX;
}

static const struct bft_origin MOVED = {.number = 5, .hash = {{5}}, .deposit_count = 2};

static void l1_setup(uint64_t height)
{
    so_free(&s);
    so_init(&s, with_l1);
    so_blocks(&s, height);
}

Test(replica_proposals, origin_advances_at_multiples_of_16_after_the_own_verdict)
{
    l1_setup(15);
    struct so_prop p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    p.h.origin = MOVED;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_assert_eq(s.c.node[0].fx[BFT_FX_CHECK_ORIGIN], 1);
    cr_expect_eq(so_view(&s).last_voted, 15, "the own L1 view has not spoken");
    struct td_hash hash = so_hash(&p.h);
    cr_expect(td_hash_eq(&s.c.node[0].origin.u.block.hash, &hash));
    event_verdict(BFT_EV_ORIGIN_VERDICT, &p.h, true);
    cr_expect_eq(so_view(&s).last_voted, 16);
}

Test(replica_proposals, origin_that_the_own_l1_contradicts_is_refused)
{
    l1_setup(15);
    struct so_prop p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    p.h.origin = MOVED;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    event_verdict(BFT_EV_ORIGIN_VERDICT, &p.h, false);
    event_verdict(BFT_EV_ORIGIN_VERDICT, &p.h, true);
    cr_expect_eq(so_view(&s).last_voted, 15);
    cr_expect_eq(refused(), 1);
}

/* [P-7.2] At another height, with a TC, or in a filler: refused whatever L1 says. */
Test(replica_proposals, origin_moves_nowhere_else)
{
    for (uint32_t way = 0; way < 3; way++) {
        l1_setup(way == 0 ? 14 : 15);
        s.c.node[0].say_origin = s.c.node[0].origin_good = true;
        if (way == 1)
            so_skip(&s);
        uint64_t round = so_view(&s).round, before = so_view(&s).last_voted;
        struct so_prop p = way == 2 ? so_filler(&s, round) : so_child(&s, round);
        so_carry(&p, &s.attested);
        p.h.origin = MOVED;
        cr_expect_eq(so_propose(&s, &p), BFT_OK);
        cr_expect_eq(so_view(&s).last_voted, before, "way %u", way);
        cr_expect_eq(refused(), 1, "way %u", way);
    }
}

/* From 16 on the chain stands at MOVED; at 32 nothing may shrink. */
Test(replica_proposals, origin_numbers_and_deposits_never_shrink)
{
    for (uint32_t way = 0; way < 4; way++) {
        l1_setup(15);
        s.c.node[0].say_origin = s.c.node[0].origin_good = true;
        struct so_prop p = so_child(&s, so_view(&s).round);
        so_carry(&p, &s.attested);
        p.h.origin = MOVED;
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        so_certify(&s, &p.h);
        so_commits(&s, &p.h, SO_OTHERS);
        so_attest(&s, 16, SO_OTHERS);
        so_blocks(&s, 31);
        p = so_child(&s, so_view(&s).round);
        so_carry(&p, &s.attested);
        if (way == 0)
            p.h.origin.number = 4;
        if (way == 1)
            p.h.origin.hash.b[1] = 9; /* same number, other block */
        if (way == 2)
            p.h.origin.number = 6, p.h.origin.deposit_count = 1;
        if (way == 3)
            p.h.origin.number = 6, p.h.origin.deposit_count = 2;
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        cr_expect_eq(so_view(&s).last_voted, way == 3 ? 32 : 31, "way %u", way);
    }
}

/* The endpoint never answers about round 16's origin.  The round ends by TC; with it no origin may
 * move, so the next block needs no L1 at all. */
Test(replica_proposals, pitfall_a_stuck_l1_endpoint_stops_nobody)
{
    l1_setup(15);
    struct so_prop p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    p.h.origin = MOVED;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 15);
    so_skip(&s);
    so_block(&s);
    cr_expect_eq(so_view(&s).final_height, 16);
    cr_expect_eq(s.tip.origin.number, 0);
}

/* [P-7.4] Four hours after the block that moved the origin only empty payloads are valid. */
Test(replica_proposals, stale_origin_allows_empty_payloads_only)
{
    l1_setup(2);
    const int64_t hours4 = 4 * 3600 * 1000;
    int64_t used = CL_WALL_MS + SO_MS(s.c.now_ns) - (int64_t)CL_GENESIS_MS;
    s.c.skew_ms = hours4 - used; /* genesis moved it last: exactly four hours ago */
    struct so_prop p = with_payload(so_child(&s, 3));
    cr_assert_eq(p.h.ts_ms, CL_GENESIS_MS + (uint64_t)hours4);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 3, "four hours are still allowed");
    so_certify(&s, &p.h);
    s.c.skew_ms += 1;
    p = with_payload(so_child(&s, 4));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 3);
    so_skip(&s);
    p = so_child(&s, 5);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 5, "empty");
}

/* [P-7.5] Without an L1 the age does not count; an origin that moves is refused (each_header_rule).
 */
static void slow_batches(struct bft_config *cfg)
{
    cfg->batch_ms_max = UINT64_MAX;
}

Test(replica_proposals, without_l1_there_is_no_origin_age)
{
    so_free(&s);
    so_init(&s, slow_batches);
    so_blocks(&s, 2);
    s.c.skew_ms = INT64_C(30) * 24 * 3600 * 1000;
    struct so_prop p = with_payload(so_child(&s, 3));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 3);
}

/* [P-4.2] Whether the totals at h - 3 end the batch is known once h - 3 is executed here.  A leader
 * that is further may set the flag; a slower voter waits as for the digest. */
static void cheap_batches(struct bft_config *cfg)
{
    cfg->batch_blocks_min = 12;
    cfg->batch_native_max = 400;
}

Test(replica_proposals, batch_end_by_totals_waits_for_execution)
{
    so_free(&s);
    so_init(&s, cheap_batches);
    s.c.native_per_block = 100; /* reached by block 4 */
    so_blocks(&s, 3);
    s.c.node[0].no_exec = true;
    s.attest = false;
    so_block(&s);
    so_block(&s);
    so_block(&s);
    struct so_prop p = so_child(&s, 7);
    p.h.end_batch = true;
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 6);
    cl_exec_flush(&s.c, 0, 4);
    cr_expect_eq(so_view(&s).last_voted, 7, "block 4's total of 400 demands the flag at 7");
}
