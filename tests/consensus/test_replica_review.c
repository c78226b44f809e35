/* Holes once found in the core by review and by simulation, built again: networks that one faulty
 * or unlucky node could stop or lead astray.  Single replicas: test_replica_review_single.c.
 * Method: a cluster with instant execution (cluster.h); the test decides what gets lost. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/consensus/cluster.h"

#define LAST 64u
#define ALL 0xFu

static struct cl c;

static uint64_t lowest_final(uint32_t mask)
{
    uint64_t low = UINT64_MAX;
    for (uint32_t i = 0; i < c.n; i++)
        if ((mask >> i & 1u) != 0 && cl_view(&c, i).final_height < low)
            low = cl_view(&c, i).final_height;
    return low;
}

/* The nodes in mask finalize `more` blocks within `ms`. */
static bool goes_on(uint32_t mask, uint64_t more, uint64_t ms)
{
    uint64_t want = lowest_final(mask) + more;
    for (uint64_t t = 0; t < ms && lowest_final(mask) < want; t += 100)
        cl_run(&c, 100);
    return lowest_final(mask) >= want;
}

static void no_halts(void)
{
    for (uint32_t i = 0; i < c.n; i++) {
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE, "node %u", i);
        cr_expect_eq(c.node[i].evidence_count, 0, "node %u", i);
    }
}

static void fast(struct bft_config *cfg)
{
    cfg->block_interval_ns = 100000000;
}

static void until_epoch(uint32_t node, uint64_t epoch)
{
    for (uint32_t i = 0; i < 4000 && cl_view(&c, node).epoch < epoch; i++)
        cl_run(&c, 20);
    cr_assert_eq(cl_view(&c, node).epoch, epoch);
}

static void link_down(uint32_t a, uint32_t b)
{
    cl_event(&c, a, &(struct bft_event){.kind = BFT_EV_PEER_DOWN, .peer = b});
}

static void kill_all(void)
{
    for (uint32_t i = 0; i < c.n; i++)
        cl_restart(&c, i, true);
    cl_connect_all(&c);
}

static void slow_execution(bool on)
{
    for (uint32_t i = 0; i < c.n; i++) {
        c.node[i].no_exec = on;
        if (!on)
            cl_exec_flush(&c, i, UINT64_MAX);
    }
}

/* Timeout certificate over what the nodes in mask have really signed. */
static struct bft_msg tc_message(struct cl_cert *out, uint32_t mask, const struct bft_qc *high)
{
    const struct bft_timeout *t = NULL;
    uint64_t locks[CL_NODES_MAX] = {0};
    for (uint32_t i = 0; i < c.n; i++) {
        if ((mask >> i & 1u) == 0)
            continue;
        t = &c.node[i].guard.timeout;
        locks[i] = t->lock_round;
    }
    memset(out, 0, sizeof *out);
    cl_tc(&c, out, t->epoch, t->round, locks, mask, high);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &out->tc};
    return m;
}

static bool all_timed_out(uint32_t mask, uint64_t epoch, uint64_t round)
{
    for (uint32_t i = 0; i < c.n; i++) {
        struct bft_view v = cl_view(&c, i);
        if ((mask >> i & 1u) != 0 && (v.epoch != epoch || v.last_timeout < round))
            return false;
    }
    return true;
}

/* ---- a certificate of round 0 that is not this epoch's  [P-8.4] */

static uint32_t faulty;
static bool hold_timeouts;

/* The leader of (1, 1) is faulty: it says nothing from there on. */
static void silent_first_leader(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m,
                                bool *drop)
{
    (void)of;
    (void)to;
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.epoch == 1 &&
        m->u.proposal.header.round == 1)
        faulty = from;
    if (from == faulty ||
        (hold_timeouts && m->kind == BFT_MSG_TIMEOUT && m->u.timeout.t.epoch == 1))
        *drop = true;
}

/* The three honest give up on (1, 1) naming lock 0.  Before they form the timeout certificate the
 * faulty leader shows them one of its own, whose highest QC is "round 0, AttestCert(50)": formally
 * sound, since 50 was attested in epoch 0.  It may move them to round 2; what they keep, make
 * durable and send on must nevertheless be a certificate that others accept. */
Test(replica_review, an_attestation_of_another_height_opens_no_epoch)
{
    faulty = UINT32_MAX;
    hold_timeouts = true;
    cl_init_with(&c, 4, NULL, fast, true);
    c.tweak = silent_first_leader;
    for (uint32_t i = 0; i < 4000 && faulty == UINT32_MAX; i++)
        cl_run(&c, 20);
    cr_assert_neq(faulty, UINT32_MAX);
    uint32_t honest = ALL & ~(1u << faulty), any = (faulty + 1u) % 4u;
    for (uint32_t i = 0; i < 400 && !all_timed_out(honest, 1, 1); i++)
        cl_run(&c, 20);
    cr_assert(all_timed_out(honest, 1, 1));

    struct bft_attest_cert at_50;
    static uint8_t memory[BFT_DECODE_ARENA_BYTES];
    struct td_arena arena;
    struct td_reader r;
    td_arena_init(&arena, memory, sizeof memory);
    td_reader_init(&r, c.node[any].attest_at[50].bytes, c.node[any].attest_at[50].len);
    bft_attest_cert_decode(&r, &arena, &at_50);
    cr_assert_eq(at_50.fields.height, 50);
    struct bft_qc fake = {
        .epoch = 1, .height = 50, .hash = at_50.fields.block_hash, .genesis = &at_50};
    static struct cl_cert tc;
    struct bft_msg m = tc_message(&tc, honest, &fake);
    for (uint32_t i = 0; i < 4; i++)
        if (i != faulty)
            (void)cl_give_verified(&c, i, faulty, &m);
    hold_timeouts = false;
    cr_expect(goes_on(honest, 10, 60000), "stuck at %lu", lowest_final(honest));
    kill_all();
    cr_expect(goes_on(honest, 5, 60000), "after a restart at %lu", lowest_final(honest));
    no_halts();
    cl_free(&c);
}

/* ---- headers that only some have */

static uint32_t cut, dead;

static bool lost(uint32_t from, uint32_t to)
{
    return from == cut || to == cut || from == dead || to == dead;
}

static void cut_and_dead(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop)
{
    (void)of;
    (void)m;
    if (lost(from, to))
        *drop = true;
}

/* Node 2 is gone for good, node 3 is back: its connections are made anew. */
static void node_3_returns(void)
{
    cut = UINT32_MAX;
    for (uint32_t i = 0; i < 4; i++)
        if (i != 2)
            link_down(i, 2);
    for (uint32_t i = 0; i < 2; i++) {
        link_down(i, 3);
        link_down(3, i);
    }
    cl_connect(&c, 3);
}

/* [P-11.4] Execution is slow, so there are fillers only.  Node 3 misses some that become final;
 * then node 2 dies and node 3 is back.  The others' root is a filler of the same height, its
 * parents are gone everywhere, and without node 3 there is no quorum: the proof of the root has to
 * carry it over the gap. */
Test(replica_review, final_fillers_that_one_node_missed_stop_nobody)
{
    cut = dead = UINT32_MAX;
    cl_init(&c, 4, NULL);
    c.tweak = cut_and_dead;
    cl_run(&c, 15500);
    slow_execution(true);
    cl_run(&c, 8000);
    uint64_t round = cl_view(&c, 0).final_slot.round;
    cut = 3;
    cl_run(&c, 4000);
    cr_assert_gt(cl_view(&c, 0).final_slot.round, round, "fillers became final");
    cr_assert_eq(cl_view(&c, 0).final_height, cl_view(&c, 3).final_height, "nothing to sync");
    dead = 2;
    node_3_returns();
    slow_execution(false);
    cr_expect(goes_on(1u << 0 | 1u << 1 | 1u << 3, 20, 120000), "stuck at %lu", lowest_final(0xB));
    no_halts();
    cl_free(&c);
}

static uint64_t gap_round; /* 0 = nothing special */

static void lose_an_ancestor(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m,
                             bool *drop)
{
    (void)of;
    if (lost(from, to))
        *drop = true;
    if (gap_round == 0)
        return;
    if (m->kind == BFT_MSG_PROPOSAL) {
        uint64_t r = m->u.proposal.header.round;
        *drop = *drop || (r == gap_round && to == 3) || r == gap_round + 1u;
    }
    if (m->kind == BFT_MSG_COMMIT || (m->kind == BFT_MSG_BY_HASH && to == 3))
        *drop = true;
}

/* Node 3 misses the proposal of R; nobody proposes in R + 1; it holds R + 2 without its parent.
 * Then it is cut off for longer than a fetch is tried, and node 2 dies.  Back again, it must ask
 * for the missing ancestor again, though what it builds on is in its tree. */
Test(replica_review, a_missing_ancestor_is_asked_for_as_long_as_it_takes)
{
    cut = dead = UINT32_MAX;
    gap_round = 0;
    cl_init(&c, 4, NULL);
    c.tweak = lose_an_ancestor;
    cl_run(&c, 10300);
    uint64_t gap = cl_view(&c, 0).round + 1u;
    while (cl_leader(&c, gap) == 3 || cl_leader(&c, gap + 2u) == 3)
        gap++;
    while (cl_view(&c, 0).round < gap)
        cl_run(&c, 10);
    gap_round = gap;
    for (uint32_t i = 0; i < 2000 && cl_view(&c, 0).high_qc_round < gap + 2u; i++)
        cl_run(&c, 10);
    cr_assert_geq(cl_view(&c, 0).high_qc_round, gap + 2u);
    cut = 3;
    dead = 2;
    gap_round = 0;
    cl_run(&c, 40000);
    node_3_returns();
    cr_expect(goes_on(1u << 0 | 1u << 1 | 1u << 3, 10, 120000), "stuck at %lu", lowest_final(0xB));
    no_halts();
    cl_free(&c);
}

/* ---- guards lost, kept and not there yet  [P-10.4, P-10.5] */

static struct bft_set sets[3];

static void pick_members(const struct bft_set *all, struct bft_set *out, uint64_t epoch,
                         uint32_t mask)
{
    struct bft_validator v[4];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 4; i++)
        if ((mask >> i & 1u) != 0)
            v[n++] = all->v[bft_set_find(all, &c.node[i].addr)];
    cr_assert_eq(bft_set_init(out, epoch, v, n, BFT_SIGNERS_MAX), TD_OK);
}

static void node_3_joins(struct bft_config *cfg)
{
    pick_members(&c.sets[0], &sets[0], 0, 0x7);
    pick_members(&c.sets[0], &sets[1], 1, ALL);
    cfg->schedule = sets;
    cfg->schedule_count = 2;
}

/* Node 3 joins in epoch 1 with the empty record of a new key, and signs.  Then all are killed and
 * its disk is lost.  That it was no member of epoch 0 must not make epoch 1 a fresh one for it: it
 * stays silent there, though nobody remembers its messages any more. */
Test(replica_review, a_joiner_that_lost_its_guard_stays_silent_in_the_epoch_it_signed_in)
{
    struct bft_guard empty;
    bft_guard_init(&empty);
    cl_init_with(&c, 4, NULL, node_3_joins, false);
    cl_restart_empty(&c, 3, &empty);
    cl_connect_all(&c);
    until_epoch(0, 1);
    cl_run(&c, 12000);
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE, "an empty record is a record");
    cr_assert_eq(c.node[3].guard.vote.epoch, 1);
    cr_assert_gt(c.node[3].guard.vote.round, 0);
    for (uint32_t i = 0; i < 3; i++)
        cl_restart(&c, i, true);
    cl_restart_empty(&c, 3, NULL);
    cl_connect_all(&c);
    uint32_t signs = c.node[3].fx[BFT_FX_SIGN];
    for (uint32_t i = 0; i < 6000 && cl_view(&c, 0).epoch == 1; i++) {
        if (cl_view(&c, 3).epoch == 1)
            cr_assert_eq(c.node[3].fx[BFT_FX_SIGN], signs, "signs at %u", i);
        cl_run(&c, 20);
    }
    cr_expect_eq(cl_view(&c, 0).epoch, 2);
    cr_expect(goes_on(ALL, 12, 30000));
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE, "from the next epoch on");
    no_halts();
    cl_free(&c);
}

static void node_3_is_away_for_an_epoch(struct bft_config *cfg)
{
    pick_members(&c.sets[0], &sets[0], 0, ALL);
    pick_members(&c.sets[0], &sets[1], 1, 0x7);
    pick_members(&c.sets[0], &sets[2], 2, 0xB);
    cfg->schedule = sets;
    cfg->schedule_count = 3;
    cfg->block_interval_ns = 100000000;
}

/* Node 3 began at genesis without a record, signed in epoch 0, was no member in epoch 1 and is one
 * again in epoch 2, of three that all are needed.  It never stopped, so it knows what it signed:
 * passive, it would stop the chain for ever. */
Test(replica_review, a_founder_comes_back_without_a_passive_epoch)
{
    cl_init_with(&c, 4, NULL, node_3_is_away_for_an_epoch, true);
    until_epoch(3, 1);
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_FOLLOWER);
    until_epoch(3, 2);
    cr_expect(goes_on(0xB, 10, 60000), "stuck at %lu", lowest_final(0xB));
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE);
    cr_expect_eq(c.node[3].alarms[BFT_ALARM_PASSIVE], 0);
    no_halts();
    cl_free(&c);
}

static void no_votes_no_timeouts(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m,
                                 bool *drop)
{
    (void)of;
    (void)from;
    (void)to;
    if (m->kind == BFT_MSG_VOTE || m->kind == BFT_MSG_TIMEOUT)
        *drop = true;
}

/* All are killed in a round of epoch 1 that node 3 leads, with its proposal out and its timeout
 * signed.  Node 3 loses its chain but not its guard and catches up from genesis: entering epoch 1
 * again it is bound by what the guard holds, and never asks for what the guard must refuse. */
Test(replica_review, a_node_that_kept_only_its_guard_asks_for_nothing_it_must_refuse)
{
    cl_init_with(&c, 4, NULL, fast, true);
    until_epoch(3, 1);
    cl_run(&c, 1000);
    uint64_t round = cl_view(&c, 0).round + 1u;
    while (cl_leader(&c, round) != 3)
        round++;
    while (cl_view(&c, 0).round < round)
        cl_run(&c, 5);
    c.tweak = no_votes_no_timeouts;
    cl_run(&c, 1500);
    struct bft_guard guard = c.node[3].guard;
    cr_assert_eq(guard.propose.round, round);
    cr_assert_eq(guard.timeout.round, round);
    for (uint32_t i = 0; i < 3; i++)
        cl_restart(&c, i, true);
    cl_restart_empty(&c, 3, &guard);
    cl_connect_all(&c);
    cl_run(&c, 8000);
    struct bft_view v = cl_view(&c, 3);
    cr_expect_eq(v.epoch, 1);
    cr_expect_eq(v.last_timeout, round);
    cr_expect_eq(v.last_voted, round);
    cr_expect_eq(v.last_commit, guard.commit.round);
    c.tweak = NULL;
    cr_expect(goes_on(ALL, 10, 60000), "stuck at %lu", lowest_final(ALL));
    no_halts();
    cl_free(&c);
}

/* ---- the lock that a timeout names is durable  [P-10.2] */

static uint64_t slow_round;
static bool hold_status;
static struct bft_vote late[2][4];
static uint32_t late_mask[2];

/* Votes of b and b + 1 are slow; nobody hears a proposal or a timeout of b + 2. */
static void slow_votes(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop)
{
    (void)of;
    (void)to;
    uint64_t b = slow_round;
    if (m->kind == BFT_MSG_VOTE && (m->u.vote.round == b || m->u.vote.round == b + 1u)) {
        uint64_t which = m->u.vote.round - b;
        late[which][from] = m->u.vote;
        late_mask[which] |= 1u << from;
        *drop = true;
    }
    if ((m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.round == b + 2u) ||
        (m->kind == BFT_MSG_TIMEOUT && m->u.timeout.t.round == b + 2u) ||
        m->kind == BFT_MSG_COMMIT || (hold_status && m->kind == BFT_MSG_STATUS))
        *drop = true;
}

static void late_votes_arrive(uint32_t which)
{
    for (uint32_t from = 0; from < 4; from++) {
        for (uint32_t to = 0; to < 4 && (late_mask[which] >> from & 1u) != 0; to++) {
            struct bft_msg m = {.kind = BFT_MSG_VOTE, .u.vote = late[which][from]};
            if (to != from)
                (void)cl_give_verified(&c, to, from, &m);
        }
    }
    cl_drain(&c);
}

/* Rounds b and b + 1 time out.  In b + 2 the votes of b arrive, all sign Timeout(b + 2, lock b);
 * then those of b + 1 raise the lock, and an attestation makes everything durable once more.  All
 * are killed.  The timeouts cannot be signed anew, so a TC of b + 2 needs QC(b), which therefore
 * somebody must still hold; also when the lock grows once more before the timeouts are exchanged
 * (way 1). */
Test(replica_review, the_lock_a_timeout_names_survives_a_newer_one)
{
    for (uint32_t way = 0; way < 2; way++) {
        memset(late_mask, 0, sizeof late_mask);
        hold_status = true;
        cl_init(&c, 4, NULL);
        cl_run(&c, 6300);
        slow_execution(true);
        cl_run(&c, 2000);
        slow_round = cl_view(&c, 0).round + 1u;
        c.tweak = slow_votes;
        for (uint32_t i = 0; i < 4000 && cl_view(&c, 3).round < slow_round + 2u; i++)
            cl_run(&c, 10);
        cr_assert_eq(cl_view(&c, 0).round, slow_round + 2u);
        late_votes_arrive(0);
        for (uint32_t i = 0; i < 2000 && !all_timed_out(ALL, 0, slow_round + 2u); i++)
            cl_run(&c, 10);
        cl_run(&c, 3000);
        late_votes_arrive(1);
        slow_execution(false);
        for (uint32_t i = 0; i < 4; i++) {
            cr_assert_eq(c.node[i].guard.timeout.round, slow_round + 2u);
            cr_assert_eq(c.node[i].guard.timeout.lock_round, slow_round);
            cr_assert_eq(cl_view(&c, i).high_qc_round, slow_round + 1u);
        }
        hold_status = false;
        if (way == 0)
            c.tweak = NULL;
        kill_all();
        if (way == 1)
            late_votes_arrive(1);
        c.tweak = NULL;
        cr_expect(goes_on(ALL, 10, 60000), "way %u: stuck at %lu", way, lowest_final(ALL));
        no_halts();
        cl_free(&c);
    }
}

/* ---- two certificates that differ in nothing but a signature */

static uint64_t bad_round; /* no proposal, no certificate, no timeout of it gets through */
static uint32_t proposals_seen, proposals_broken;

static void judge_proposals(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m,
                            bool *drop)
{
    (void)of;
    (void)from;
    (void)to;
    bool bad = (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.round == bad_round) ||
               (m->kind == BFT_MSG_TIMEOUT && m->u.timeout.t.round == bad_round);
    if (bad || (hold_timeouts && m->kind == BFT_MSG_CERTIFICATE))
        *drop = true;
    if (m->kind != BFT_MSG_PROPOSAL || m->u.proposal.tc == NULL)
        return;
    struct td_hash hash;
    bft_tc_hash(&hash, m->u.proposal.tc);
    proposals_seen++;
    proposals_broken += !td_hash_eq(&hash, &m->u.proposal.header.tc_hash);
}

/* ECDSA lets a signer make a second signature of its vote.  A faulty one puts it into the QC inside
 * a timeout certificate and shows that first.  The next leader holds the same QC with the other
 * bytes; its proposal must carry the TC its header names. */
Test(replica_review, a_second_signature_of_a_vote_breaks_no_proposal)
{
    proposals_seen = proposals_broken = 0;
    hold_timeouts = true;
    cl_init(&c, 4, NULL);
    c.tweak = judge_proposals;
    cl_run(&c, 6300);
    bad_round = cl_view(&c, 0).round + 1u;
    uint32_t leader = cl_leader(&c, bad_round + 1u);
    for (uint32_t i = 0; i < 1000 && !all_timed_out(ALL, 0, bad_round); i++)
        cl_run(&c, 10);
    cr_assert(all_timed_out(ALL, 0, bad_round));
    struct bft_qc lock;
    struct td_reader r;
    static uint8_t memory[BFT_DECODE_ARENA_BYTES];
    struct td_arena arena;
    td_arena_init(&arena, memory, sizeof memory);
    td_reader_init(&r, c.node[leader].lock.bytes, c.node[leader].lock.len);
    bft_qc_decode(&r, &arena, &lock);
    cr_assert_eq(lock.round, c.node[leader].guard.timeout.lock_round);
    static struct td_sig sigs[4];
    memcpy(sigs, lock.sigs, lock.sig_count * sizeof sigs[0]);
    sigs[0].b[5] ^= 1u;
    lock.sigs = sigs;
    static struct cl_cert tc;
    struct bft_msg m = tc_message(&tc, ALL, &lock);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(cl_give_verified(&c, i, (leader + 1u) % 4u, &m), BFT_OK);
        cr_assert_eq(cl_view(&c, i).round, bad_round + 1u);
    }
    hold_timeouts = false;
    cl_run(&c, 500);
    cr_expect_gt(proposals_seen, 0);
    cr_expect_eq(proposals_broken, 0, "tcHash is not that of the TC carried");
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(cl_view(&c, i).last_voted, bad_round + 1u, "node %u", i);
    cl_free(&c);
}

/* ---- hand-off between epochs  [P-8.3 .. P-8.5] */

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
    fast(cfg);
}

static void nothing_proposed_in_epoch_2(struct cl *of, uint32_t from, uint32_t to,
                                        struct bft_msg *m, bool *drop)
{
    (void)of;
    (void)from;
    (void)to;
    if (m->kind == BFT_MSG_PROPOSAL && m->u.proposal.header.epoch == 2)
        *drop = true;
}

/* Right after an epoch change every timeout and Status carries AttestCert(last), signed by the set
 * before.  With an L1 no schedule names that set: killed there,
 * before (way 0) or after (way 1) the first timeouts of the epoch, all must still know it. */
Test(replica_review, all_are_killed_right_after_an_epoch_change_with_l1)
{
    for (uint32_t way = 0; way < 2; way++) {
        cl_init_with(&c, 4, NULL, with_l1, true);
        c.tweak = nothing_proposed_in_epoch_2;
        until_epoch(0, 2);
        cl_run(&c, way == 0 ? 20 : 5000);
        cr_assert_eq(lowest_final(ALL), 2u * LAST);
        kill_all();
        c.tweak = NULL;
        cr_expect(goes_on(ALL, 10, 60000), "way %u: stuck at %lu", way, lowest_final(ALL));
        no_halts();
        cl_free(&c);
    }
}

static uint64_t deaf_above; /* nodes 2 and 3 hear no attestation above this height */

static void two_deaf_nodes(struct cl *of, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop)
{
    (void)of;
    bool attests = (m->kind == BFT_MSG_ATTEST && m->u.attest.fields.height > deaf_above) ||
                   (m->kind == BFT_MSG_ATTEST_CERT && m->u.attest_cert.fields.height > deaf_above);
    bool carries = m->kind == BFT_MSG_PROPOSAL &&
                   (m->u.proposal.attest_cert != NULL || m->u.proposal.header.epoch == 1);
    bool epoch_1 = m->kind == BFT_MSG_STATUS || m->kind == BFT_MSG_TIMEOUT;
    if (deaf_above != 0 && from < 2 && to >= 2 && (attests || carries || epoch_1))
        *drop = true;
    if (deaf_above == 0 && m->kind == BFT_MSG_ATTEST)
        *drop = true; /* what was muted stays muted: attestations bring no help here */
}

/* Two of four enter epoch 1, the others are at `last` and lack its attestation certificate.  No
 * final height differs, so there is nothing to sync, and neither side has a quorum.  Status and
 * timeouts must bring the certificate across. */
Test(replica_review, nodes_at_last_without_its_certificate_are_shown_it)
{
    deaf_above = LAST - 1u;
    cl_init_with(&c, 4, NULL, fast, true);
    c.tweak = two_deaf_nodes;
    until_epoch(0, 1);
    until_epoch(1, 1);
    cl_run(&c, 100);
    for (uint32_t i = 2; i < 4; i++) {
        cr_assert_eq(cl_view(&c, i).epoch, 0);
        cr_assert_eq(cl_view(&c, i).final_height, LAST);
    }
    deaf_above = 0;
    for (uint32_t i = 0; i < 100 && cl_view(&c, 2).epoch + cl_view(&c, 3).epoch < 2; i++)
        cl_run(&c, 100);
    cr_expect_eq(cl_view(&c, 2).epoch, 1);
    cr_expect_eq(cl_view(&c, 3).epoch, 1);
    c.tweak = NULL;
    cr_expect(goes_on(ALL, 5, 30000));
    no_halts();
    cl_free(&c);
}
