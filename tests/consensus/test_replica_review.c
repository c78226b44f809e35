/* Holes once found in the core by review and by simulation, each built again by hand.
 * Method: first whole networks that one faulty or unlucky node could stop or lead astray, on a
 * cluster with instant execution (cluster.h); then single replicas (solo.h). */
#include "tests/consensus/solo.h"

#include <string.h>

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
    if (from == faulty || (hold_timeouts && m->kind == BFT_MSG_TIMEOUT && m->u.timeout.t.epoch == 1))
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
        m->kind == BFT_MSG_COMMIT || m->kind == BFT_MSG_STATUS)
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
 * somebody must still hold. */
Test(replica_review, the_lock_a_timeout_names_survives_a_newer_one)
{
    memset(late_mask, 0, sizeof late_mask);
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
    c.tweak = NULL;
    kill_all();
    cr_expect(goes_on(ALL, 10, 60000), "stuck at %lu", lowest_final(ALL));
    no_halts();
    cl_free(&c);
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
 * before.  With an L1 no schedule names that set: killed there, all must still know it, with the round's first timeout out (way 1) or not. */
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
    bool carries = m->kind == BFT_MSG_PROPOSAL && (m->u.proposal.attest_cert != NULL ||
                                                   m->u.proposal.header.epoch == 1);
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

/* ---- one replica */

static struct solo s;

/* Whoever shows an older epoch, by Status or by timeout, gets the certificate that ended it. */
Test(replica_review, a_peer_one_epoch_behind_gets_the_certificate_that_ended_it)
{
    for (uint32_t way = 0; way < 2; way++) {
        so_init(&s, NULL);
        so_blocks(&s, LAST);
        cr_assert_eq(so_view(&s).epoch, 1);
        uint32_t sent = s.c.node[0].sent[BFT_MSG_ATTEST_CERT];
        if (way == 0) {
            so_status(&s, 1u << 2, LAST);
        } else {
            struct bft_msg m;
            cl_timeout(&s.c, &m, 2, 0, s.tip.round + 1u, s.tip.round);
            (void)cl_give_verified(&s.c, 0, 2, &m);
        }
        cr_expect_eq(s.c.node[0].sent[BFT_MSG_ATTEST_CERT], sent + 1u, "way %u", way);
        const struct bft_msg *m = cl_sent(&s.c, 0, BFT_MSG_ATTEST_CERT);
        cr_expect_eq(m->u.attest_cert.fields.height, LAST);
        cr_expect_eq(m->u.attest_cert.fields.epoch, 0);
        so_free(&s);
    }
}

/* The certificate of `last` counts inside whatever message of the next epoch comes first. */
Test(replica_review, the_next_epochs_messages_carry_a_node_into_it)
{
    for (uint32_t way = 0; way < 4; way++) {
        so_init(&s, NULL);
        so_blocks(&s, LAST - 1u);
        s.attest = false;
        so_block(&s);
        cr_assert_eq(so_view(&s).final_height, LAST);
        cr_assert_eq(so_view(&s).epoch, 0);
        struct so_cert end;
        so_attest_cert(&s, &end, LAST);
        struct bft_qc start = {
            .epoch = 1, .height = LAST, .hash = s.tip_hash, .genesis = &end.cert};
        struct bft_msg m = {.kind = BFT_MSG_STATUS};
        if (way < 2) {
            m.u.status.epoch = m.u.status.round = 1;
            m.u.status.final_height = LAST;
            m.u.status.high_qc = way == 0 ? &start : NULL;
            if (way == 1)
                m.u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &start};
        } else if (way == 2) {
            cl_timeout(&s.c, &m, 1, 1, 1, 0);
            m.u.timeout.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &start};
        } else {
            struct so_prop p = {.h = s.tip, .qc = &start};
            p.h.epoch = p.h.round = 1;
            p.h.height = LAST + 1u;
            p.h.parent = s.tip_hash;
            p.h.parent_round = 0;
            p.h.proposer = cl_signer(&s.c, 1);
            so_message(&s, &m, &p);
        }
        (void)cl_give_verified(&s.c, 0, 1, &m);
        cr_expect_eq(so_view(&s).epoch, 1, "way %u", way);
        so_free(&s);
    }
}

/* [P-10.1] In one step the own timeout of round r becomes durable, leaves, and completes the TC
 * that ends r.  What left names the certificate that entered r, not the one that entered r + 1. */
Test(replica_review, what_a_step_sends_does_not_change_later_in_the_step)
{
    so_init(&s, NULL);
    so_blocks(&s, 3);
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    uint64_t round = so_view(&s).round;
    s.c.node[0].no_persist = true;
    so_timeouts(&s, round, s.tip.round, 1u << 1 | 1u << 2);
    cr_assert_eq(so_view(&s).last_timeout, round, "joined");
    cr_assert_eq(so_view(&s).round, round);
    uint32_t sent = s.c.node[0].sent[BFT_MSG_TIMEOUT];
    cl_persist_flush(&s.c, 0);
    cr_assert_eq(so_view(&s).round, round + 1u, "its own completes the certificate");
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_TIMEOUT], sent + 1u);
    const struct bft_timeout_msg *t = &cl_sent(&s.c, 0, BFT_MSG_TIMEOUT)->u.timeout;
    cr_expect_eq(t->t.round, round);
    cr_assert_eq(t->entry.kind, BFT_ENTRY_TC);
    cr_expect_eq(t->entry.tc->round, round - 1u);
    so_free(&s);
}

/* A proposal becomes final by commit votes before its payload has come: it is the root then, there
 * is nothing left to vote on, and the payload changes nothing. */
Test(replica_review, a_payload_that_comes_after_finality_is_not_voted_for)
{
    so_init(&s, NULL);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    s.c.node[0].no_payload = true;
    s.c.txs = 1;
    struct so_prop p = so_child(&s, so_view(&s).round);
    p.h.tx_count = 1;
    p.h.payload_bytes = 100;
    p.h.payload_root = (struct td_hash){{7}};
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).final_height, 1);
    cr_assert_eq(so_view(&s).round, p.h.round, "no QC was seen");
    struct bft_event ready = {.kind = BFT_EV_PAYLOAD_READY};
    ready.u.verdict.hash = so_hash(&p.h);
    ready.u.verdict.valid = true;
    cl_event(&s.c, 0, &ready);
    cr_expect_lt(so_view(&s).last_voted, p.h.round);
    so_certify(&s, &p.h);
    s.c.node[0].no_payload = false;
    so_attest(&s, 1, SO_OTHERS);
    so_block(&s);
    cr_expect_eq(so_view(&s).final_height, 2);
    cr_expect_eq(so_view(&s).last_voted, s.tip.round, "and it votes on");
    so_free(&s);
}

/* ---- batches  [P-9.6] */

static void batches_of_seven(struct bft_config *cfg)
{
    cfg->batch_blocks_min = 5;
    cfg->batch_blocks_max = 7;
}

/* The own batch attestation of the end at height 7, as node `i` signs it. */
static struct bft_msg batch_of(uint32_t i)
{
    struct bft_signed m = s.c.node[0].last_signed[BFT_SIGNED_BATCH];
    m.u.batch.signer = cl_signer(&s.c, i);
    cl_sign(&s.c, i, &m);
    return (struct bft_msg){.kind = BFT_MSG_BATCH_ATTEST, .u.batch_attest = m.u.batch};
}

/* The height in a BatchCert is not signed.  Whatever a relay writes there, only the end that this
 * node has executed with that batch hash is certified, and the true certificate still is taken. */
Test(replica_review, a_batch_certificate_under_another_height_certifies_nothing)
{
    so_init(&s, batches_of_seven);
    so_blocks(&s, 15);
    static struct td_sig sigs[4];
    struct bft_msg m = {.kind = BFT_MSG_BATCH_CERT};
    struct bft_batch_cert *cert = &m.u.batch_cert;
    struct bft_signed newest = s.c.node[0].last_signed[BFT_SIGNED_BATCH];
    cr_assert_eq(newest.u.batch.height, 14);
    *cert = (struct bft_batch_cert){.set_hash = newest.u.batch.set_hash,
                                    .batch_hash = newest.u.batch.batch_hash,
                                    .sigs = sigs};
    for (uint16_t signer = 0; signer < 4; signer++) {
        uint32_t node = cl_node_of(&s.c, signer);
        if (node == 0)
            continue;
        bft_bitmap_add(&cert->signers, signer);
        sigs[cert->sig_count++] = batch_of(node).u.batch_attest.sig;
    }
    static const struct {
        uint64_t height;
        enum bft_verdict want;
    } lies[] = {{7, BFT_BAD_LINK}, {13, BFT_STALE}, {21, BFT_FAR_FUTURE}, {64, BFT_FAR_FUTURE}};
    for (uint32_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        cert->height = lies[i].height;
        so_refused(&s, &m, lies[i].want, "another height");
    }
    cert->height = 14;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], 1);
    so_free(&s);
}

/* A certified batch: whoever still attests gets the certificate, once, however busily another peer
 * repeats itself. */
Test(replica_review, one_noisy_peer_does_not_starve_others_of_a_batch_certificate)
{
    so_init(&s, batches_of_seven);
    so_blocks(&s, 8);
    struct bft_msg m[4];
    for (uint32_t i = 1; i < 4; i++) {
        m[i] = batch_of(i);
        if (i < 3)
            (void)cl_give_verified(&s.c, 0, i, &m[i]);
    }
    cr_assert_eq(s.c.node[0].fx[BFT_FX_BATCH_CERT], 1);
    uint32_t sent = s.c.node[0].sent[BFT_MSG_BATCH_CERT];
    s.c.now_ns += 500000000;
    for (uint32_t i = 0; i < 5; i++) {
        s.c.now_ns += 90000000;
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m[1]), BFT_STALE);
    }
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_CERT], sent + 1u, "once");
    (void)cl_give_verified(&s.c, 0, 3, &m[3]);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BATCH_CERT], sent + 2u, "the other one too");
    so_free(&s);
}

/* ---- leading */

/* Round r + 1, led by node 0, begins by a TC: a payload is asked for on the old tip.  Then the late
 * QC of r moves the parent.  The answer is for another block, so another one is asked for. */
Test(replica_review, a_payload_is_never_put_on_another_parent)
{
    so_init_equal(&s, NULL);
    s.c.node[0].no_build = true;
    so_blocks(&s, 2);
    while (cl_leader(&s.c, so_view(&s).round) == 0 ||
           cl_leader(&s.c, so_view(&s).round + 1u) != 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    struct td_hash old = s.tip_hash;
    uint32_t asked = s.c.node[0].fx[BFT_FX_MAKE_PAYLOAD];
    uint32_t proposed = s.c.node[0].signs[BFT_SIGNED_PROPOSE];
    so_skip(&s);
    cr_assert_eq(s.c.node[0].fx[BFT_FX_MAKE_PAYLOAD], asked + 1u);
    cr_assert(td_hash_eq(&s.c.node[0].make.u.make.parent, &old));
    so_certify(&s, &p.h);
    cr_assert_eq(so_view(&s).high_qc_round, p.h.round);
    cl_build(&s.c, 0);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_PROPOSE], proposed, "not with that payload");
    cr_assert_eq(s.c.node[0].fx[BFT_FX_MAKE_PAYLOAD], asked + 2u);
    cr_expect(td_hash_eq(&s.c.node[0].make.u.make.parent, &s.tip_hash));
    cr_expect_eq(s.c.node[0].make.u.make.height, p.h.height + 1u);
    cl_build(&s.c, 0);
    cr_assert_eq(s.c.node[0].signs[BFT_SIGNED_PROPOSE], proposed + 1u);
    const struct bft_proposal *out = &cl_sent(&s.c, 0, BFT_MSG_PROPOSAL)->u.proposal;
    cr_expect(td_hash_eq(&out->header.parent, &s.tip_hash));
    cr_expect_eq(out->header.height, p.h.height + 1u);
    so_free(&s);
}

/* ---- answers and questions  [P-11.4] */

static struct bft_msg ask_for_header(const struct td_hash *hash)
{
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){BFT_OBJECT_HEADER, 1, hash};
    return m;
}

/* The newest final block is a filler, so its proof goes to whoever asks for a header: once per peer
 * and root, or a small question would buy a large answer again and again. */
Test(replica_review, the_proof_of_a_filler_goes_to_each_peer_once)
{
    so_init(&s, NULL);
    so_blocks(&s, 1);
    struct td_hash unknown = {{5}};
    struct bft_msg m = ask_for_header(&unknown);
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], 0, "no filler, no proof");
    for (uint32_t turn = 1; turn < 3; turn++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_filler(&s, so_view(&s).round);
        cr_assert_eq(so_propose(&s, &p), BFT_OK);
        so_certify(&s, &p.h);
        so_commits(&s, &p.h, SO_OTHERS);
        cr_assert_eq(so_view(&s).final_slot.round, p.h.round);
        uint32_t sent = s.c.node[0].sent[BFT_MSG_CERTIFICATE];
        for (uint32_t i = 0; i < 3; i++)
            (void)cl_give_verified(&s.c, 0, 2, &m);
        cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], sent + 1u, "turn %u", turn);
        const struct bft_certificate *cert = &cl_sent(&s.c, 0, BFT_MSG_CERTIFICATE)->u.certificate;
        cr_assert_eq(cert->kind, BFT_CERTIFICATE_PROOF);
        cr_expect_eq(cert->proof.tip->round, p.h.round);
        (void)cl_give_verified(&s.c, 0, 3, &m);
        cr_expect_eq(s.c.node[0].sent[BFT_MSG_CERTIFICATE], sent + 2u, "another peer");
    }
    so_free(&s);
}

/* The signers of a QC should hold its block, but they may be faulty or have lost it: now and then
 * everybody is asked. */
Test(replica_review, a_certified_header_is_not_asked_of_its_signers_alone)
{
    so_init(&s, NULL);
    struct td_hash hash = {{8}};
    static struct cl_cert qc;
    cl_qc(&s.c, &qc, 0, 1, 1, &hash, 1u << 0 | 1u << 1 | 1u << 2);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc.qc};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    uint32_t count[4] = {0};
    for (uint32_t i = 0; i < 24; i++) {
        uint32_t peer = s.c.node[0].fetch.peer;
        cr_assert(peer >= 1 && peer < 4);
        cr_assert(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &hash));
        count[peer]++;
        so_pass(&s, 400);
    }
    cr_expect_gt(count[3], 0, "no signer, but it may hold it");
    cr_expect_gt(count[1] + count[2], count[3], "signers first");
    so_free(&s);
}

/* Blocks of heights 1, 2, 3 in rounds 1, 3, 5 or later; nothing of them is final. */
static struct so_prop three[3];

static void three_blocks(bool all)
{
    for (uint32_t i = 0; i < 3; i++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        three[i] = so_child(&s, so_view(&s).round);
        if (all)
            cr_assert_eq(so_propose(&s, &three[i]), BFT_OK);
        if (i == 2)
            return;
        struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
        s.tip = three[i].h;
        s.tip_hash = so_hash(&s.tip);
        memset(&s.tip_qc, 0, sizeof s.tip_qc);
        cl_qc(&s.c, &s.tip_qc, 0, s.tip.round, s.tip.height, &s.tip_hash, SO_OTHERS);
        m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &s.tip_qc.qc};
        cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
        so_skip(&s);
    }
}

/* Voters hold a block that they certified, perhaps alone.  Block sync then brings blocks below it,
 * known before (way 0) or not (way 1): the header must stay, to be served and to be voted for. */
Test(replica_review, block_sync_keeps_the_headers_above)
{
    for (uint32_t way = 0; way < 2; way++) {
        so_init(&s, NULL);
        three_blocks(way == 0);
        cr_assert_eq(so_view(&s).final_height, 0);
        if (way == 1)
            cr_assert_eq(so_propose(&s, &three[2]), BFT_UNKNOWN_PARENT);
        so_status(&s, 1u << 1, 4);
        cr_assert(so_view(&s).syncing);
        static struct bft_header headers[2];
        for (uint32_t i = 0; i < 2; i++) {
            headers[i] = three[i].h;
            s.c.node[0].stored[i + 1u] = (struct bft_final_block){
                .header = three[i].h, .hash = so_hash(&three[i].h), .executed = true};
        }
        struct so_cert proof;
        so_attest_cert(&s, &proof, 2);
        struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
        m.u.blocks = (struct bft_blocks){.from = 1, .header_count = 2, .headers = headers};
        m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &proof.cert};
        cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
        cr_assert_eq(so_view(&s).final_height, 2, "way %u", way);
        struct td_hash top = so_hash(&three[2].h);
        m = ask_for_header(&top);
        uint32_t sent = s.c.node[0].sent[BFT_MSG_BY_HASH];
        (void)cl_give_verified(&s.c, 0, 2, &m);
        cr_expect_eq(s.c.node[0].sent[BFT_MSG_BY_HASH], sent + 1u, "way %u: forgotten", way);
        cr_expect_eq(so_view(&s).last_voted, three[2].h.round, "way %u: voted for", way);
        so_free(&s);
    }
}

/* [P-10.4] Without a guard a node knows least of all what it signed, so its own stake does not count
 * among those who must have spoken: with it, two others of four would do, and one of them may be
 * faulty, the other one new. */
Test(replica_review, without_a_guard_all_others_must_have_spoken)
{
    so_init_equal(&s, NULL);
    so_blocks(&s, 3);
    cl_restart(&s.c, 0, false);
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
    so_status(&s, 1u << 1 | 1u << 2, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING);
    so_status(&s, 1u << 3, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_PASSIVE);
    uint32_t signs = s.c.node[0].fx[BFT_FX_SIGN];
    while (so_view(&s).epoch == 0)
        so_block(&s);
    so_status(&s, 1u << 1 | 1u << 2, LAST);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING, "two others and itself are not enough");
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], signs);
    so_status(&s, 1u << 3, LAST);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    so_free(&s);
}
