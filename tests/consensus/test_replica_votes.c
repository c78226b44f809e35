/* Votes, commit votes and the certificates they make.  [P-4.1, P-4.3, P-4.4, P-4.6]
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

TestSuite(replica_votes, .init = setup, .fini = teardown);

static uint32_t signs(enum bft_signed_kind kind)
{
    return s.c.node[0].signs[kind];
}

static struct bft_msg qc_message(struct cl_cert *cert)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &cert->qc};
    return m;
}

Test(replica_votes, a_good_proposal_gets_one_vote)
{
    so_blocks(&s, 2);
    struct so_prop p = so_child(&s, 3);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    const struct bft_vote *v = &s.c.node[0].last_signed[BFT_SIGNED_VOTE].u.vote;
    struct td_hash hash = so_hash(&p.h);
    cr_expect_eq(signs(BFT_SIGNED_VOTE), 3);
    cr_expect_eq(v->round, 3);
    cr_expect_eq(v->height, 3);
    cr_expect(td_hash_eq(&v->hash, &hash));
    cr_expect_eq(s.c.node[0].signed_parent_round, 2, "the guard needs the parent's round");
    cr_expect_eq(so_propose(&s, &p), BFT_DUPLICATE);
    cl_tick(&s.c, 0);
    cr_expect_eq(signs(BFT_SIGNED_VOTE), 3);
    cr_expect_eq(so_view(&s).last_voted, 3);
}

/* The certificate and the round's end need votes alone, wherever they were cast. */
Test(replica_votes, quorum_of_votes_certifies_and_enters_the_next_round)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_votes(&s, &p.h, 1u << 1);
    cr_expect_eq(so_view(&s).high_qc_round, 0, "1001 of 3001, own vote included");
    so_votes(&s, &p.h, 1u << 2);
    struct bft_view v = so_view(&s);
    cr_expect_eq(v.high_qc_round, 1);
    cr_expect_eq(v.round, 2);
    cr_expect_eq(v.last_commit, 1);
    cr_expect_eq(v.rounds_entered_qc, 1);
    const struct bft_commit *c = &s.c.node[0].last_signed[BFT_SIGNED_COMMIT].u.commit;
    cr_expect_eq(c->round, 1);
}

/* Not a leader of any round here, and still it counts, certifies and moves on: no next leader can
 * bury the block by keeping its votes.  Its own vote goes to all. */
Test(replica_votes, pitfall_votes_only_to_the_next_leader)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_neq(cl_leader(&s.c, 1), 0);
    cr_assert_neq(cl_leader(&s.c, 2), 0);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    for (uint32_t k = 0; k < s.c.fx->count; k++)
        cr_assert(s.c.fx->list[k].kind != BFT_FX_SEND || s.c.fx->list[k].peer == BFT_NO_PEER);
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_VOTE], 1);
    so_votes(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).high_qc_round, 1);
    cr_expect_eq(so_view(&s).round, 2);
}

Test(replica_votes, a_bad_vote_changes_nothing)
{
    so_blocks(&s, 12);
    struct td_hash hash = {{7}};
    uint64_t round = so_view(&s).round;
    static const struct {
        const char *what;
        uint64_t epoch;
        int64_t back; /* rounds before the current one */
        uint32_t node;
        uint16_t signer; /* 0 = the node's own */
        enum bft_verdict want;
    } cases[] = {
        {"round left long ago", 0, 9, 1, 0, BFT_STALE},
        {"round 0", 0, 13, 1, 0, BFT_MALFORMED},
        {"first round beyond the window", 0, -3, 1, 0, BFT_FAR_FUTURE},
        {"next epoch", 1, 0, 1, 0, BFT_FAR_FUTURE},
        {"epoch nobody knows", 2, 0, 1, 0, BFT_UNKNOWN_EPOCH},
        {"signer outside the set", 0, 0, 1, 4, BFT_OUTSIDER},
        {"signer 65535", 0, 0, 1, 65535, BFT_OUTSIDER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bft_msg m;
        uint64_t at = (uint64_t)((int64_t)round - cases[i].back);
        cl_vote(&s.c, &m, cases[i].node, cases[i].epoch, at, 13, &hash);
        if (cases[i].signer != 0)
            m.u.vote.signer = cases[i].signer;
        so_refused(&s, &m, cases[i].want, cases[i].what);
        m.kind = BFT_MSG_COMMIT;
        cl_commit(&s.c, &m, cases[i].node, cases[i].epoch, at, &hash);
        if (cases[i].signer != 0)
            m.u.commit.signer = cases[i].signer;
        so_refused(&s, &m, cases[i].want, cases[i].what);
    }
}

Test(replica_votes, pitfall_view_2_to_the_63)
{
    so_blocks(&s, 2);
    static const uint64_t rounds[] = {UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, UINT64_MAX,
                                      UINT64_MAX - 1};
    struct td_hash hash = {{1}};
    for (uint32_t i = 0; i < 4; i++) {
        struct bft_msg m;
        cl_vote(&s.c, &m, 1, 0, rounds[i], 3, &hash);
        so_refused(&s, &m, BFT_FAR_FUTURE, "vote");
        cl_commit(&s.c, &m, 1, 0, rounds[i], &hash);
        so_refused(&s, &m, BFT_FAR_FUTURE, "commit vote");
        cl_timeout(&s.c, &m, 1, 0, rounds[i], 1);
        so_refused(&s, &m, BFT_FAR_FUTURE, "timeout");
        cl_timeout(&s.c, &m, 1, 0, rounds[i], rounds[i] - 1);
        so_refused(&s, &m, BFT_FAR_FUTURE, "timeout with as high a lock");
    }
    /* What such messages left behind does not stop the chain. */
    so_blocks(&s, 6);
}

/* A duplicate is neither counted twice nor evidence. */
Test(replica_votes, duplicate_signer_counts_once)
{
    struct so_prop p = so_child(&s, 1);
    struct td_hash hash = so_hash(&p.h);
    struct bft_msg m;
    so_votes(&s, &p.h, 1u << 1);
    for (int i = 0; i < 3; i++) {
        cl_vote(&s.c, &m, 1, 0, 1, 1, &hash);
        so_refused(&s, &m, BFT_DUPLICATE, "vote again");
    }
    cr_expect_eq(so_view(&s).high_qc_round, 0);
    so_commits(&s, &p.h, 1u << 1);
    cl_commit(&s.c, &m, 1, 0, 1, &hash);
    so_refused(&s, &m, BFT_DUPLICATE, "commit vote again");
    cr_expect_eq(s.c.node[0].evidence_count, 0);
}

/* The first vote stays counted, the second does not count, the pair is published once. */
Test(replica_votes, pitfall_equivocation_keeps_the_first)
{
    struct so_prop a = so_child(&s, 1), b = a;
    b.h.ts_ms++;
    struct td_hash other = so_hash(&b.h);
    struct bft_msg m;
    so_votes(&s, &a.h, 1u << 1);
    cl_vote(&s.c, &m, 1, 0, 1, 1, &other);
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_EQUIVOCATION);
    cr_assert_eq(s.c.node[0].evidence_count, 1);
    const struct bft_evidence *e = &s.c.node[0].evidence[0];
    struct td_hash first = so_hash(&a.h);
    cr_expect_eq(e->kind, BFT_EVIDENCE_TWO_VOTES);
    cr_expect(td_hash_eq(&e->a.u.vote.hash, &first));
    cr_expect(td_hash_eq(&e->b.u.vote.hash, &other));
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_EVIDENCE], 1);
    other.b[0] ^= 1;
    cl_vote(&s.c, &m, 1, 0, 1, 1, &other);
    so_refused(&s, &m, BFT_EQUIVOCATION, "a third vote");
    so_votes(&s, &b.h, 1u << 2 | 1u << 3);
    cr_expect_eq(so_view(&s).high_qc_round, 0, "2000 for b; 1 spoke for a");
    so_votes(&s, &a.h, 1u << 2 | 1u << 3);
    cr_expect_eq(so_view(&s).high_qc_round, 0, "they spoke for b");
}

/* Same hash under two heights are two contents, not one certificate. */
Test(replica_votes, votes_that_differ_in_height_do_not_add_up)
{
    struct so_prop p = so_child(&s, 1);
    struct td_hash hash = so_hash(&p.h);
    struct bft_msg m;
    so_votes(&s, &p.h, 1u << 1 | 1u << 2);
    cl_vote(&s.c, &m, 3, 0, 1, 2, &hash);
    cr_expect_eq(cl_give_verified(&s.c, 0, 3, &m), BFT_OK);
    cr_expect_eq(so_view(&s).high_qc_round, 0);
}

/* [P-4.4] The lock still rises; only the commit vote is forbidden. */
Test(replica_votes, pitfall_commit_vote_after_timeout)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_pass(&s, 2500);
    cr_assert_eq(so_view(&s).last_timeout, 1);
    so_votes(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).high_qc_round, 1);
    cr_expect_eq(so_view(&s).round, 2);
    cr_expect_eq(signs(BFT_SIGNED_COMMIT), 0);
    cr_expect_eq(so_view(&s).last_commit, 0);
}

/* This node did not time out in round 1: the late certificate still gets its commit vote, and the
 * block becomes final. */
Test(replica_votes, pitfall_qc_ignored_because_round_left_by_tc)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_skip(&s);
    cr_assert_eq(so_view(&s).round, 2);
    cr_assert_eq(so_view(&s).last_timeout, 0);
    so_votes(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).high_qc_round, 1);
    cr_expect_eq(so_view(&s).round, 2, "the round is not entered again");
    cr_expect_eq(so_view(&s).last_commit, 1);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1);
}

/* [P-4.6] */
Test(replica_votes, two_certificates_in_one_round_halt_and_say_so)
{
    struct so_prop a = so_child(&s, 1);
    struct cl_cert other = {.qc = {.epoch = 0}};
    struct td_hash hash = {{5}};
    so_votes(&s, &a.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).high_qc_round, 1);
    cl_qc(&s.c, &other, 0, 1, 1, &hash, SO_OTHERS);
    struct bft_msg m = qc_message(&other);
    cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_HALTED);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_QCS);
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_TWO_QCS);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_HALT], 1);
    /* Nothing more, whatever comes. */
    uint32_t sends = s.c.node[0].fx[BFT_FX_SEND], asked = s.c.node[0].fx[BFT_FX_SIGN];
    so_commits(&s, &a.h, SO_OTHERS);
    so_timeouts(&s, 2, 0, SO_OTHERS);
    s.c.now_ns += INT64_C(60000000000);
    cl_tick(&s.c, 0);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SEND], sends);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], asked);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_HALT], 1);
}

/* The same, the second certificate hidden in a timeout, a TC, a Status, or of a final block. */
Test(replica_votes, two_certificates_are_noticed_wherever_they_travel)
{
    for (uint32_t way = 0; way < 4; way++) {
        if (way > 0) {
            so_free(&s);
            so_init(&s, NULL);
        }
        so_blocks(&s, 3);
        struct cl_cert other = {.qc = {.epoch = 0}}, tc = {.qc = {.epoch = 0}};
        struct td_hash hash = {{5}};
        uint64_t round = way == 3 ? 3 : 2;
        cl_qc(&s.c, &other, 0, round, round, &hash, SO_OTHERS);
        struct bft_msg m;
        uint64_t locks[4] = {2, 2, 2, 2};
        if (way == 0 || way == 3) {
            cl_timeout(&s.c, &m, 1, 0, 4, round);
            m.u.timeout.lock_qc = &other.qc;
        } else if (way == 1) {
            cl_tc(&s.c, &tc, 0, 3, locks, SO_OTHERS, &other.qc);
            m = (struct bft_msg){.kind = BFT_MSG_CERTIFICATE};
            m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc.tc};
        } else {
            m = (struct bft_msg){.kind = BFT_MSG_STATUS};
            m.u.status.high_qc = &other.qc;
        }
        cl_give_verified(&s.c, 0, 1, &m);
        cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_QCS, "way %u", way);
    }
}

static void tamper(struct cl_cert *c, uint32_t how)
{
    struct bft_qc *q = &c->qc;
    switch (how) {
    case 0: /* one signature short of the bitmap */
        q->sig_count--;
        break;
    case 1: /* a bit without a signature */
        bft_bitmap_add(&q->signers, cl_signer(&s.c, 0));
        break;
    case 2: /* a bit outside the set */
        bft_bitmap_add(&q->signers, 4);
        q->sig_count++;
        break;
    case 3: /* nobody */
        q->signers = (struct bft_bitmap){{0}};
        q->sig_count = 0;
        break;
    case 4: /* round 0 is the genesis certificate, which has no signatures */
        q->round = 0;
        break;
    default:
        break;
    }
}

/* Certificates that no quorum signed are refused before the core; nothing of them is believed. */
Test(replica_votes, forged_and_truncated_certificates_are_refused)
{
    struct td_hash hash = {{3}};
    for (uint32_t how = 0; how < 7; how++) {
        struct cl_cert c = {.qc = {.epoch = 0}};
        uint32_t mask = how == 5 ? 1u << 1 | 1u << 2 : SO_OTHERS;
        cl_qc(&s.c, &c, how == 6 ? 5 : 0, 4, 4, &hash, mask);
        tamper(&c, how);
        enum bft_verdict want = how == 6 ? BFT_UNKNOWN_EPOCH : BFT_BAD_CERT;
        struct bft_msg m = qc_message(&c);
        so_refused(&s, &m, want, "QC");
        struct so_prop p = so_child(&s, 5);
        p.qc = &c.qc;
        p.h.parent = c.qc.hash;
        p.h.parent_round = c.qc.round;
        so_message(&s, &m, &p);
        so_refused(&s, &m, how == 6 ? BFT_BAD_HEADER : want, "proposal");
        cl_timeout(&s.c, &m, 1, 0, 9, c.qc.round);
        m.u.timeout.lock_qc = &c.qc;
        so_refused(&s, &m, how == 6 ? BFT_BAD_CERT : want, "timeout with this lock");
        cl_timeout(&s.c, &m, 1, 0, c.qc.round + 1u, 0);
        m.u.timeout.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &c.qc};
        so_refused(&s, &m, how == 6 ? BFT_BAD_CERT : want, "timeout with this entry");
        m = (struct bft_msg){.kind = BFT_MSG_CERTIFICATE};
        c.qc.height = 0;
        m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_COMMIT, .qc = &c.qc};
        so_refused(&s, &m, want, "commit certificate");
    }
}

/* A Status keeps what can be verified and drops the rest: the certificate is gone, the node
 * unmoved. */
Test(replica_votes, status_with_a_forged_certificate_moves_nothing)
{
    struct cl_cert c = {.qc = {.epoch = 0}};
    struct td_hash hash = {{3}};
    cl_qc(&s.c, &c, 0, 9, 9, &hash, 1u << 1 | 1u << 2);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    m.u.status.high_qc = &c.qc;
    m.u.status.round = 10;
    m.u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &c.qc};
    so_refused(&s, &m, BFT_OK, "status");
    cr_expect_null(m.u.status.high_qc);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_NONE);
}

/* [P-4.1] A QC names block and round; a header that claims it for another parent round is refused.
 */
Test(replica_votes, pitfall_qc_unbound_to_its_blocks_round)
{
    so_blocks(&s, 2);
    struct bft_msg m;
    struct so_prop p = so_child(&s, 3);
    p.h.parent_round = 1;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "parentRound below qc.round");
    p = so_child(&s, 3);
    p.h.parent.b[0] ^= 1;
    so_message(&s, &m, &p);
    so_refused(&s, &m, BFT_BAD_HEADER, "parent is not qc.block");
    /* The QC itself claims another round than the header it certifies has.  Only a dishonest quorum
     * signs that; the child is not voted for. */
    p = so_child(&s, 4);
    struct cl_cert lie = {.qc = {.epoch = 0}};
    cl_qc(&s.c, &lie, 0, 3, s.tip.height, &s.tip_hash, SO_OTHERS);
    p.qc = &lie.qc;
    p.h.parent_round = 3;
    (void)so_propose(&s, &p);
    cr_expect_eq(so_view(&s).last_voted, 2);
    cr_expect_eq(so_view(&s).verdicts[BFT_BAD_HEADER], 1);
}

/* [P-10.1] Own votes count when durable, not before. */
Test(replica_votes, own_vote_counts_only_once_durable)
{
    s.c.node[0].no_persist = true;
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_votes(&s, &p.h, 1u << 1 | 1u << 2);
    cr_expect_eq(so_view(&s).high_qc_round, 0);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_VOTE], 0);
    cl_persist_flush(&s.c, 0);
    cr_expect_eq(so_view(&s).high_qc_round, 1);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_VOTE], 1);
}

/* [P-13.1] Messages up to two rounds ahead count at once; the newest beyond is kept for later. */
Test(replica_votes, votes_ahead_of_the_round)
{
    struct so_prop ahead = so_child(&s, 3), far = so_child(&s, 4);
    so_votes(&s, &ahead.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).high_qc_round, 3);
    cr_expect_eq(so_view(&s).round, 4);
    so_free(&s);
    so_init(&s, NULL);
    so_votes(&s, &far.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).round, 1);
    cr_expect_eq(so_view(&s).verdicts[BFT_FAR_FUTURE], 3);
    so_skip(&s); /* the window now reaches round 4 */
    cr_expect_eq(so_view(&s).high_qc_round, 4);
    cr_expect_eq(so_view(&s).round, 5);
}

/* [P-4.4] r > lastCommitRound: certificates that arrive out of order get no second, older vote. */
Test(replica_votes, commit_votes_only_go_up)
{
    struct so_prop one = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &one), BFT_OK);
    so_skip(&s);
    struct so_prop two = so_child(&s, 2);
    cr_assert_eq(so_propose(&s, &two), BFT_OK);
    so_votes(&s, &two.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).last_commit, 2);
    so_votes(&s, &one.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).last_commit, 2);
    cr_expect_eq(signs(BFT_SIGNED_COMMIT), 1);
    cr_expect_eq(so_view(&s).high_qc_round, 2);
}
