/* What makes a block final, and what follows.  [P-4.5, P-4.6, P-11.1]
 * Method: one replica, the other three validators played by hand (solo.h). */
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

TestSuite(replica_finality, .init = setup, .fini = teardown);

static struct so_prop certified(uint64_t round)
{
    struct so_prop p = so_child(&s, round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    return p;
}

static void give_commit_cert(uint64_t round, const struct td_hash *hash)
{
    struct cl_cert out = {.qc = {.epoch = 0, .round = round, .hash = *hash, .sigs = out.sigs}};
    for (uint16_t signer = 0; signer < 4; signer++) {
        uint32_t node = cl_node_of(&s.c, signer);
        struct bft_msg m;
        if ((SO_OTHERS >> node & 1u) == 0)
            continue;
        cl_commit(&s.c, &m, node, 0, round, hash);
        bft_bitmap_add(&out.qc.signers, signer);
        out.sigs[out.qc.sig_count++] = m.u.commit.sig;
    }
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_COMMIT, .qc = &out.qc};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
}

Test(replica_finality, quorum_of_commit_votes_is_final)
{
    struct so_prop p = certified(1);
    so_commits(&s, &p.h, 1u << 1);
    cr_expect_eq(so_view(&s).final_height, 0, "own and one other");
    so_commits(&s, &p.h, 1u << 2);
    struct td_hash hash = so_hash(&p.h);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect(td_hash_eq(&s.c.node[0].final_hash[1], &hash));
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], 1);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINAL_PROOF], 1);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_COMMIT);
    so_commits(&s, &p.h, 1u << 3);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], 1, "each once");
}

/* No commit votes at all: QC(2) over a child in the next round makes block 1 final, not block 2. */
Test(replica_finality, two_consecutive_certificates_are_final)
{
    certified(1);
    cr_assert_eq(so_view(&s).final_height, 0);
    certified(2);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_TWO_CHAIN);
}

/* The second certificate comes late, when a block of a later round is certified already. */
Test(replica_finality, two_consecutive_certificates_below_the_highest)
{
    struct so_prop one = certified(1);
    struct so_prop two = so_child(&s, 2);
    struct cl_cert qc_one = s.tip_qc;
    qc_one.qc.sigs = qc_one.sigs;
    cr_assert_eq(so_propose(&s, &two), BFT_OK);
    so_skip(&s);
    struct so_prop three = so_child_of(&s, &one.h, &qc_one.qc, 3);
    cr_assert_eq(so_propose(&s, &three), BFT_OK);
    so_votes(&s, &three.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).high_qc_round, 3);
    cr_assert_eq(so_view(&s).final_height, 0);
    so_votes(&s, &two.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_TWO_CHAIN);
}

/* Parent links alone prove nothing: between the two rounds another block may have been certified
 * for all this node knows. */
Test(replica_finality, pitfall_commit_on_parent_links_without_consecutive_rounds)
{
    certified(1);
    so_skip(&s);
    certified(3);
    cr_expect_eq(so_view(&s).final_height, 0);
    so_skip(&s);
    certified(5);
    cr_expect_eq(so_view(&s).final_height, 0);
    certified(6);
    cr_expect_eq(so_view(&s).final_height, 3, "5 and 6 are consecutive: 5 and its ancestors");
}

/* Every second leader is dead, so no two rounds in a row succeed.  Commit votes finalize each block
 * in its own round all the same. */
Test(replica_finality, pitfall_alternating_dead_leaders_starve_nobody)
{
    for (uint32_t i = 0; i < 6; i++) {
        uint64_t height = s.tip.height + 1u;
        so_block(&s);
        cr_assert_eq(so_view(&s).final_height, height);
        so_skip(&s);
    }
}

Test(replica_finality, ancestors_become_final_first_and_in_order)
{
    struct td_hash hash[4];
    for (uint64_t r = 1; r < 4; r++) {
        struct so_prop p = certified(2 * r - 1);
        hash[r] = so_hash(&p.h);
        so_skip(&s);
    }
    cr_assert_eq(so_view(&s).final_height, 0);
    so_commits(&s, &s.tip, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 3);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], 3);
    for (uint64_t h = 1; h < 4; h++)
        cr_expect(td_hash_eq(&s.c.node[0].final_hash[h], &hash[h]));
    cr_expect_eq(so_view(&s).tree_nodes, 1, "the root is all that is left");
}

/* Forks of a final block are dropped. */
Test(replica_finality, forks_die_with_finality)
{
    struct so_prop a = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &a), BFT_OK);
    so_skip(&s);
    struct so_prop b = so_child(&s, 2);
    cr_assert_eq(so_propose(&s, &b), BFT_OK);
    cr_assert_eq(so_view(&s).tree_nodes, 3);
    so_certify(&s, &b.h);
    so_commits(&s, &b.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
    struct td_hash hash = so_hash(&b.h);
    cr_expect(td_hash_eq(&s.c.node[0].final_hash[1], &hash));
}

/* The certificate is here before the block: it waits, fetches, then finalizes. */
Test(replica_finality, commit_certificate_waits_for_its_header)
{
    struct so_prop p = so_child(&s, 1);
    struct td_hash hash = so_hash(&p.h);
    so_votes(&s, &p.h, SO_OTHERS);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 0);
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &hash));
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_VOTE], 0, "its round is over");
}

Test(replica_finality, a_commit_certificate_alone_is_enough)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    struct td_hash hash = so_hash(&p.h);
    give_commit_cert(1, &hash);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_COMMIT);
}

/* [P-4.6] */
Test(replica_finality, a_proof_against_a_final_block_halts)
{
    so_block(&s);
    struct td_hash other = {{3}};
    give_commit_cert(1, &other);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_FINALS);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_HALT], 1);
}

/* The QC of the final block's round was never seen here: its commit certificate is enough to know.
 */
Test(replica_finality, a_vote_certificate_against_a_final_block_halts)
{
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    struct td_hash hash = so_hash(&p.h), other = {{3}};
    give_commit_cert(1, &hash);
    cr_assert_eq(so_view(&s).final_height, 1);
    struct cl_cert qc = {.qc = {.epoch = 0}};
    cl_qc(&s.c, &qc, 0, 1, 1, &other, SO_OTHERS);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc.qc};
    (void)cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_QCS);
}

Test(replica_finality, an_attestation_against_a_final_block_halts)
{
    so_block(&s);
    struct so_cert cert;
    so_attest_cert(&s, &cert, 1);
    cert.cert.fields.block_hash.b[0] ^= 1;
    struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT, .u.attest_cert = cert.cert};
    cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_FINALS);
}

/* Repeating what is known is no contradiction. */
Test(replica_finality, old_proofs_are_harmless)
{
    so_block(&s);
    so_block(&s);
    struct bft_view before = so_view(&s);
    give_commit_cert(1, &s.c.node[0].final_hash[1]);
    give_commit_cert(2, &s.c.node[0].final_hash[2]);
    struct td_hash elsewhere = {{1}}; /* a round that left no final block behind */
    give_commit_cert(1, &elsewhere);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_expect_eq(so_view(&s).final_height, before.final_height);
}

/* ---- execution */

Test(replica_finality, execution_counts_only_for_the_final_block)
{
    s.c.node[0].no_exec = true;
    so_block(&s);
    struct bft_executed x;
    struct bft_final_block *b = &s.c.node[0].stored[1];
    struct bft_event ev = {.kind = BFT_EV_EXECUTED, .u.executed = &x};
    cl_executed(&s.c, &b->header, &b->hash, &x);
    x.result.block_hash.b[0] ^= 1;
    cl_event(&s.c, 0, &ev);
    cr_expect_eq(so_view(&s).executed_height, 0, "another block");
    x.result.block_hash = b->hash;
    x.result.height = 2;
    cl_event(&s.c, 0, &ev);
    cr_expect_eq(so_view(&s).executed_height, 0, "not final yet");
    x.result.height = 1;
    cl_event(&s.c, 0, &ev);
    cr_expect_eq(so_view(&s).executed_height, 1);
    cl_event(&s.c, 0, &ev);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], 1);
}

/* A quorum ordered a block whose resultDigest is not this node's: it says so and goes on. */
Test(replica_finality, diverged_execution_raises_the_alarm)
{
    for (uint32_t i = 0; i < 4; i++)
        so_block(&s);
    cr_assert_eq(s.c.node[0].alarms[BFT_ALARM_DIVERGED], 0);
    struct so_prop p = so_child(&s, so_view(&s).round);
    p.h.result_digest.b[0] ^= 1;
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 4);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 5);
    cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_DIVERGED], 1);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* A quorum's timestamps are further ahead than this node's clock allows: the clock is wrong, or N/3
 * of stake is; the operator has to look. */
Test(replica_finality, certified_timestamps_ahead_of_the_clock_raise_the_alarm)
{
    struct so_prop p = so_child(&s, 1);
    p.h.ts_ms += 10000;
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_CLOCK], 0, "ten seconds are allowed");
    s.c.skew_ms = -1;
    p = so_child(&s, 2);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 2);
    cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_CLOCK], 1);
}

/* Two different stakes: the thresholds are stake, not heads.  [P-1.1] */
Test(replica_finality, thresholds_count_stake)
{
    static struct cl c;
    static const uint64_t stakes[] = {10, 10, 10, 70};
    cl_init_with(&c, 4, stakes, NULL, true);
    cl_run(&c, 3000);
    cr_expect_gt(cl_view(&c, 0).final_height, 0);
    c.node[3].mute = true; /* 30 of 100: nothing moves */
    uint64_t at = cl_view(&c, 0).final_height;
    cl_run(&c, 30000);
    cr_expect_leq(cl_view(&c, 0).final_height, at + 1u);
    c.node[3].mute = false;
    for (uint32_t i = 0; i < 2; i++)
        c.node[i].mute = true; /* 80 of 100 go on */
    at = cl_view(&c, 3).final_height;
    cl_run(&c, 30000);
    cr_expect_gt(cl_view(&c, 3).final_height, at + 5u);
    cl_free(&c);
}
