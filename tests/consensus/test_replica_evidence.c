/* Pairs of messages an honest key never signs both.  [P-12]
 * Method: one replica, the other three validators played by hand (solo.h).  Equivocation of votes,
 * proposals, timeouts and attestations is also seen where those are tested; here each kind once,
 * its bound, and what is no evidence. */
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

TestSuite(replica_evidence, .init = setup, .fini = teardown);

static uint32_t found(void)
{
    return s.c.node[0].evidence_count;
}

static void give(uint32_t node, struct bft_msg m)
{
    (void)cl_give_verified(&s.c, 0, node, &m);
}

/* CommitVote(r) and Timeout(r' >= r) whose lock is below r, whichever comes first. */
Test(replica_evidence, commit_vote_and_a_lower_lock)
{
    for (uint32_t order = 0; order < 2; order++) {
        so_free(&s);
        so_init(&s, NULL);
        so_blocks(&s, 4);
        struct bft_msg commit, timeout;
        struct so_prop p = so_child(&s, 5);
        struct td_hash hash = so_hash(&p.h);
        cl_commit(&s.c, &commit, 1, 0, 5, &hash);
        cl_timeout(&s.c, &timeout, 1, 0, 6, 4);
        give(1, order == 0 ? commit : timeout);
        cr_expect_eq(found(), 0);
        give(1, order == 0 ? timeout : commit);
        cr_assert_eq(found(), 1, "order %u", order);
        const struct bft_evidence *e = &s.c.node[0].evidence[0];
        cr_expect_eq(e->kind, BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK);
        cr_expect_eq(e->a.u.commit.round, 5);
        cr_expect_eq(e->b.u.timeout.lock_round, 4);
    }
}

/* Vote(r, B) and Timeout(r' >= r) whose lock is below B's parent round. */
Test(replica_evidence, vote_and_a_lower_lock)
{
    for (uint32_t order = 0; order < 2; order++) {
        so_free(&s);
        so_init(&s, NULL);
        so_blocks(&s, 4);
        struct so_prop p = so_child(&s, 5);
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        struct td_hash hash = so_hash(&p.h);
        struct bft_msg vote, timeout;
        cl_vote(&s.c, &vote, 1, 0, 5, 5, &hash);
        cl_timeout(&s.c, &timeout, 1, 0, 5, 3);
        give(1, order == 0 ? vote : timeout);
        give(1, order == 0 ? timeout : vote);
        bool seen = false;
        for (uint32_t i = 0; i < found(); i++) {
            const struct bft_evidence *e = &s.c.node[0].evidence[i];
            if (e->kind != BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK)
                continue;
            seen = true;
            cr_assert_not_null(e->header, "L1 needs the header to see the parent's round");
            struct td_hash got = so_hash(e->header);
            cr_expect(td_hash_eq(&got, &hash));
            cr_expect_eq(e->b.u.timeout.lock_round, 3);
        }
        cr_expect(seen, "order %u", order);
    }
}

/* What honest nodes do: vote, time out at the lock, commit late, repeat themselves. */
Test(replica_evidence, honest_sequences_are_no_evidence)
{
    so_blocks(&s, 4);
    struct so_prop p = so_child(&s, 5);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    struct td_hash hash = so_hash(&p.h);
    struct bft_msg m;
    cl_vote(&s.c, &m, 1, 0, 5, 5, &hash);
    give(1, m);
    give(1, m);
    cl_timeout(&s.c, &m, 1, 0, 5, 4);
    give(1, m);
    give(1, m);
    cl_commit(&s.c, &m, 1, 0, 4, &s.tip_hash);
    give(1, m);
    cl_timeout(&s.c, &m, 1, 0, 6, 4);
    give(1, m);
    cl_timeout(&s.c, &m, 2, 0, 5, 4); /* voted for nothing in 5 */
    give(2, m);
    so_skip(&s);
    so_blocks(&s, 8);
    cr_expect_eq(found(), 0);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_EVIDENCE], 0);
}

/* A cluster with loss, restarts and timeouts accuses nobody. */
static void lose_some(struct cl *c, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop)
{
    (void)from, (void)to, (void)m;
    uint64_t *x = c->user;
    *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    if (*x >> 61 == 0)
        *drop = true;
}

Test(replica_evidence, a_lossy_network_accuses_nobody)
{
    static struct cl c;
    uint64_t seed = 5;
    cl_init(&c, 4, NULL);
    c.tweak = lose_some;
    c.user = &seed;
    for (uint32_t i = 0; i < 8; i++) {
        cl_run(&c, 9000);
        cl_restart(&c, i % 4, true);
        cl_connect(&c, i % 4);
    }
    cl_run(&c, 9000);
    cr_expect_gt(cl_view(&c, 0).final_height, 20);
    cr_expect_gt(cl_view(&c, 0).rounds_entered_tc + cl_view(&c, 1).rounds_entered_tc, 0);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(c.node[i].evidence_count, 0);
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
    }
    cl_free(&c);
}

static struct bft_msg two_votes(uint32_t node, uint64_t round)
{
    struct bft_msg a, b, m = {.kind = BFT_MSG_EVIDENCE};
    struct td_hash one = {{1}}, two = {{2}};
    cl_vote(&s.c, &a, node, 0, round, 1, &one);
    cl_vote(&s.c, &b, node, 0, round, 1, &two);
    m.u.evidence = (struct bft_evidence){.kind = BFT_EVIDENCE_TWO_VOTES,
                                         .a = {.kind = BFT_SIGNED_VOTE, .u.vote = a.u.vote},
                                         .b = {.kind = BFT_SIGNED_VOTE, .u.vote = b.u.vote}};
    return m;
}

/* [P-12.2] One per (signer, kind, epoch), found or heard of; passed on once. */
Test(replica_evidence, one_per_signer_kind_and_epoch)
{
    struct bft_msg m = two_votes(1, 3);
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(found(), 1);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_EVIDENCE], 1);
    so_refused(&s, &m, BFT_DUPLICATE, "heard again");
    m = two_votes(1, 7);
    so_refused(&s, &m, BFT_DUPLICATE, "another pair of the same kind");
    struct so_prop a = so_child(&s, 1), b = a;
    b.h.ts_ms++;
    so_votes(&s, &a.h, 1u << 1);
    so_votes(&s, &b.h, 1u << 1);
    cr_expect_eq(found(), 1, "found oneself");
    m = two_votes(2, 3);
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(found(), 2, "another signer");
    struct bft_msg t, u;
    cl_timeout(&s.c, &t, 1, 0, 9, 3);
    cl_timeout(&s.c, &u, 1, 0, 9, 4);
    m.u.evidence.kind = BFT_EVIDENCE_TWO_TIMEOUTS;
    m.u.evidence.a = (struct bft_signed){.kind = BFT_SIGNED_TIMEOUT, .u.timeout = t.u.timeout.t};
    m.u.evidence.b = (struct bft_signed){.kind = BFT_SIGNED_TIMEOUT, .u.timeout = u.u.timeout.t};
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(found(), 3, "another kind");
}

Test(replica_evidence, a_new_epoch_counts_anew)
{
    struct bft_msg m = two_votes(1, 3);
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    so_blocks(&s, 65);
    cr_assert_eq(so_view(&s).epoch, 1);
    so_refused(&s, &m, BFT_STALE, "of the epoch before");
    m.u.evidence.a.u.vote.epoch = m.u.evidence.b.u.vote.epoch = 1;
    cl_sign(&s.c, 1, &m.u.evidence.a);
    cl_sign(&s.c, 1, &m.u.evidence.b);
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(found(), 2);
}

/* Pairs that contradict nothing are refused before the core. */
Test(replica_evidence, pairs_that_prove_nothing_are_refused)
{
    struct bft_msg good = two_votes(1, 3), m = good;
    m.u.evidence.b = m.u.evidence.a;
    so_refused(&s, &m, BFT_BAD_CERT, "the same twice");
    m = good;
    m.u.evidence.b.u.vote.round = 4;
    so_refused(&s, &m, BFT_BAD_CERT, "two rounds");
    m = good;
    m.u.evidence.b.u.vote.signer ^= 1;
    so_refused(&s, &m, BFT_BAD_CERT, "two signers");
    m = good;
    m.u.evidence.kind = BFT_EVIDENCE_TWO_PROPOSALS;
    so_refused(&s, &m, BFT_BAD_CERT, "another kind");
    m = good;
    m.u.evidence.a.u.vote.signer = m.u.evidence.b.u.vote.signer = 7;
    so_refused(&s, &m, BFT_OUTSIDER, "nobody's");
    m = good;
    m.u.evidence.a.u.vote.epoch = m.u.evidence.b.u.vote.epoch = 4;
    so_refused(&s, &m, BFT_UNKNOWN_EPOCH, "unknown epoch");
    /* Commit votes and timeouts that go together. */
    static const struct {
        uint64_t commit, timeout, lock;
        bool proves;
    } cases[] = {{5, 5, 4, true}, {5, 6, 4, true}, {5, 4, 3, false}, {5, 6, 5, false}};
    for (uint32_t i = 0; i < 4; i++) {
        struct bft_msg c, t;
        struct td_hash hash = {{1}};
        cl_commit(&s.c, &c, 1 + i % 2, 0, cases[i].commit, &hash);
        cl_timeout(&s.c, &t, 1 + i % 2, 0, cases[i].timeout, cases[i].lock);
        m.u.evidence =
            (struct bft_evidence){.kind = BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK,
                                  .a = {.kind = BFT_SIGNED_COMMIT, .u.commit = c.u.commit},
                                  .b = {.kind = BFT_SIGNED_TIMEOUT, .u.timeout = t.u.timeout.t}};
        if (cases[i].proves)
            cr_expect_eq(cl_give_verified(&s.c, 0, 3, &m), BFT_OK, "case %u", i);
        else
            so_refused(&s, &m, BFT_BAD_CERT, "no contradiction");
    }
}

/* The height of a batch attestation is not signed: two of one height prove nothing. */
Test(replica_evidence, two_batch_attestations_are_no_evidence)
{
    struct bft_signed a = {.kind = BFT_SIGNED_BATCH}, b;
    a.u.batch = (struct bft_batch_attest){.height = 5, .signer = cl_signer(&s.c, 1)};
    a.u.batch.set_hash = s.c.sets[0].hash;
    b = a;
    b.u.batch.batch_hash.b[0] = 1;
    cl_sign(&s.c, 1, &a);
    cl_sign(&s.c, 1, &b);
    struct bft_msg m = {.kind = BFT_MSG_EVIDENCE};
    m.u.evidence = (struct bft_evidence){.kind = BFT_EVIDENCE_TWO_BATCHES, .a = a, .b = b};
    so_refused(&s, &m, BFT_BAD_CERT, "relabelled by anybody");
}
