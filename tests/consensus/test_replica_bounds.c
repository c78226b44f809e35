/* Floods, full queues and the size of things.  [P-13]
 * Method: one replica, the other three validators played by hand (solo.h), all of them misbehaving
 * as far as signatures alone allow. */
#include "tests/consensus/solo.h"

#include <string.h>

#include "base/core/rng.h"

static struct solo s;

static void setup(void)
{
    so_init(&s, NULL);
    s.attest = false;
}

static void teardown(void)
{
    cr_expect_lt(s.c.node[0].fx_top, BFT_EFFECTS_MAX);
    so_free(&s);
}

TestSuite(replica_bounds, .init = setup, .fini = teardown);

/* [P-13.2] 1,500 rounds in which every leader proposes and no block is certified. */
Test(replica_bounds, header_tree_stops_at_1024)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < 1500; i++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_child(&s, so_view(&s).round);
        (void)so_propose(&s, &p);
        uint32_t nodes = so_view(&s).tree_nodes;
        top = nodes > top ? nodes : top;
        cr_assert_leq(nodes, TD_UNFINAL_HEADERS_MAX);
        cr_assert_eq(so_view(&s).last_voted, p.h.round, "the newest still fits");
        so_skip(&s);
    }
    cr_expect_geq(top, TD_UNFINAL_HEADERS_MAX - 1u);
    /* And it goes on from there. */
    so_block(&s);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
}

static void long_epoch(struct bft_config *cfg)
{
    cfg->epoch_length = 4000;
}

/* A long certified chain becomes final in one step: one effect each, within the bound.  The headers
 * break the window rule, so this node votes for none; the others did. */
Test(replica_bounds, a_thousand_blocks_become_final_at_once)
{
    so_free(&s);
    so_init(&s, long_epoch);
    s.c.node[0].no_exec = true;
    for (uint32_t i = 0; i < 1020; i++) {
        while (cl_leader(&s.c, so_view(&s).round) == 0)
            so_skip(&s);
        struct so_prop p = so_child(&s, so_view(&s).round);
        (void)so_propose(&s, &p);
        so_certify(&s, &p.h);
        so_skip(&s); /* never two rounds in a row */
    }
    cr_assert_geq(so_view(&s).tree_nodes, 1020);
    so_commits(&s, &s.tip, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1020);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], 1020);
    cr_expect_geq(s.c.node[0].fx_top, 1020);
    cr_expect_eq(so_view(&s).tree_nodes, 1);
}

/* [P-13.1] Whatever is sent for the far future, the newest of each kind and signer is what stays:
 * rounds 4 .. 40 are flooded, and only 40 has its three timeouts when the node gets there. */
Test(replica_bounds, one_far_message_per_signer_and_kind)
{
    for (uint64_t r = 40; r >= 5; r--) {
        so_timeouts(&s, r, 0, SO_OTHERS);
        struct so_prop p = so_child(&s, r);
        so_votes(&s, &p.h, SO_OTHERS);
        so_commits(&s, &p.h, SO_OTHERS);
    }
    cr_assert_eq(so_view(&s).round, 1);
    while (so_view(&s).round < 38) {
        uint64_t round = so_view(&s).round;
        so_skip(&s);
        cr_assert(so_view(&s).round == round + 1u || round == 37, "%lu to %lu: older ones stayed",
                  round, so_view(&s).round);
    }
    cr_expect_eq(so_view(&s).high_qc_round, 40);
    cr_expect_eq(so_view(&s).round, 41);
}

/* Persistence stands still for a long time.  The queue fills; nothing asserts, nothing is sent;
 * when the disk is back, everything leaves and the node takes part again. */
Test(replica_bounds, a_stalled_disk_fills_the_queue_and_nothing_else)
{
    s.c.node[0].no_persist = true;
    for (uint32_t i = 0; i < 300; i++) {
        so_block(&s);
        if (i % 3 == 0)
            so_skip(&s);
        if (s.tip.height == 12) {
            s.attest = true;
            so_attest(&s, 12, SO_OTHERS);
        }
        if (s.tip.height == 60)
            break;
    }
    uint32_t asked = s.c.node[0].fx[BFT_FX_SIGN];
    cr_assert_geq(asked, 100);
    for (uint32_t i = 0; i < 100; i++) {
        so_skip(&s);
        so_pass(&s, 300);
    }
    cr_expect_leq(s.c.node[0].fx[BFT_FX_SIGN], 128, "own messages in flight");
    static const enum bft_msg_kind kinds[] = {BFT_MSG_VOTE, BFT_MSG_COMMIT, BFT_MSG_TIMEOUT,
                                              BFT_MSG_ATTEST};
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(s.c.node[0].sent[kinds[i]], 0);
    uint64_t voted = so_view(&s).last_voted;
    cl_persist_flush(&s.c, 0);
    s.c.node[0].no_persist = false;
    so_pass(&s, 100); /* it may take a few steps to send them all */
    cr_expect_gt(s.c.node[0].sent[BFT_MSG_VOTE], 0);
    so_block(&s);
    cr_expect_gt(so_view(&s).last_voted, voted, "it votes again");
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
}

/* The same for a key that does not answer. */
Test(replica_bounds, a_stalled_signer_fills_the_queue_and_nothing_else)
{
    s.c.node[0].no_sign = true;
    for (uint32_t i = 0; i < 200; i++) {
        so_skip(&s);
        so_pass(&s, 5000);
    }
    cr_expect_leq(s.c.node[0].fx[BFT_FX_SIGN], 128);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_PERSIST], 0);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_TIMEOUT], 0);
}

/* More unknown blocks than wishes fit: the newest are asked for. */
Test(replica_bounds, fetches_are_bounded)
{
    struct td_hash last = {{0}};
    for (uint64_t r = 1; r <= 60; r++) {
        struct cl_cert qc = {.qc = {.epoch = 0}};
        last = (struct td_hash){{(uint8_t)r, 77}};
        cl_qc(&s.c, &qc, 0, 2 * r, r, &last, SO_OTHERS);
        struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
        m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc.qc};
        cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    }
    uint32_t before = s.c.node[0].fx[BFT_FX_FETCH];
    s.c.now_ns += INT64_C(400000000);
    cl_tick(&s.c, 0);
    uint32_t in_one = s.c.node[0].fx[BFT_FX_FETCH] - before;
    cr_expect_geq(in_one, 1);
    cr_expect_leq(in_one, 16);
}

/* Peers come and go on every handle. */
Test(replica_bounds, every_connection_handle_works)
{
    for (uint32_t i = 0; i < BFT_PEERS_MAX; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i};
        cl_event(&s.c, 0, &up);
    }
    uint32_t before = s.c.node[0].sent[BFT_MSG_STATUS];
    so_pass(&s, 5200);
    cr_expect_geq(s.c.node[0].sent[BFT_MSG_STATUS] - before, BFT_PEERS_MAX);
    cr_expect_leq(s.c.node[0].fx_top, 256);
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    m.u.status.final_height = 9;
    cr_expect_eq(cl_give_verified(&s.c, 0, BFT_PEERS_MAX - 1u, &m), BFT_OK);
    so_refused(&s, &m, BFT_OK, "status of a known peer");
    cr_expect_eq(cl_give_verified(&s.c, 0, BFT_PEERS_MAX, &m), BFT_UNSOLICITED);
    cr_expect_eq(cl_give_verified(&s.c, 0, UINT32_MAX, &m), BFT_UNSOLICITED);
    for (uint32_t i = 0; i < BFT_PEERS_MAX; i++) {
        struct bft_event down = {.kind = BFT_EV_PEER_DOWN, .peer = i};
        cl_event(&s.c, 0, &down);
    }
    before = s.c.node[0].sent[BFT_MSG_STATUS];
    so_pass(&s, 6000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_STATUS], before);
}

/* Random messages with good signatures, at random times: no effect overflow, no write behind the
 * region, and the node still works. */
Test(replica_bounds, a_flood_of_signed_nonsense)
{
    struct td_rng rng;
    td_rng_init(&rng, 7);
    for (uint32_t i = 0; i < 20000; i++) {
        struct bft_msg m;
        uint32_t node = 1u + (uint32_t)td_rng_below(&rng, 2); /* two of three: never a quorum */
        uint64_t round = td_rng_below(&rng, 12), top = so_view(&s).round;
        struct td_hash hash = {{(uint8_t)td_rng_below(&rng, 4)}};
        round = round == 11 ? td_rng_below(&rng, UINT64_MAX) : top + round - 6u;
        if (round == 0 || round > UINT64_MAX - 20u)
            continue;
        switch (td_rng_below(&rng, 5)) {
        case 0:
            cl_vote(&s.c, &m, node, 0, round, td_rng_below(&rng, 3), &hash);
            break;
        case 1:
            cl_commit(&s.c, &m, node, 0, round, &hash);
            break;
        case 2:
            cl_timeout(&s.c, &m, node, 0, round, td_rng_below(&rng, round));
            break;
        case 3: {
            struct so_prop p = so_child(&s, round);
            p.h.ts_ms += td_rng_below(&rng, 3);
            so_message(&s, &m, &p);
            break;
        }
        default:
            m = (struct bft_msg){.kind = BFT_MSG_ATTEST};
            m.u.attest.fields.height = td_rng_below(&rng, 40);
            m.u.attest.fields.set_hash = s.c.sets[0].hash;
            m.u.attest.fields.state_commitment = hash;
            m.u.attest.signer = cl_signer(&s.c, node);
            break;
        }
        (void)cl_give_verified(&s.c, 0, node, &m);
        if (td_rng_below(&rng, 50) == 0)
            so_pass(&s, (int64_t)td_rng_below(&rng, 900));
        cr_assert_leq(so_view(&s).tree_nodes, TD_UNFINAL_HEADERS_MAX);
    }
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_expect(cl_canary_holds(&s.c, 0));
    cr_expect_leq(s.c.node[0].fx_top, 256);
}

/* ---- large sets */

static void two_fifty_six(struct bft_config *cfg)
{
    cfg->validators_max = BFT_SIGNERS_MAX;
    struct bft_set *set = (struct bft_set *)(uintptr_t)cfg->schedule;
    static struct bft_validator v[BFT_SIGNERS_MAX];
    memcpy(v, set->v, 4 * sizeof v[0]);
    for (uint32_t i = 4; i < BFT_SIGNERS_MAX; i++) {
        v[i].addr.b[0] = (uint8_t)i;
        v[i].addr.b[1] = 1;
        v[i].key.b[0] = 2;
        v[i].stake = 1;
    }
    cr_assert_eq(bft_set_init(set, 0, v, BFT_SIGNERS_MAX, BFT_SIGNERS_MAX), TD_OK);
}

/* A certificate with every bit set, in everything that carries one; and one signature too many. */
Test(replica_bounds, pitfall_huge_certificates)
{
    so_free(&s);
    so_init(&s, two_fifty_six);
    struct cl_cert qc = {.qc = {.epoch = 0, .round = 3, .height = 3, .hash = {{3}}}};
    struct cl_cert tc = {.qc = {.epoch = 0}};
    qc.qc.sigs = qc.sigs;
    qc.qc.sig_count = BFT_SIGNERS_MAX;
    memset(&qc.qc.signers, 0xFF, sizeof qc.qc.signers);
    tc.tc = (struct bft_tc){.round = 6,
                            .signers = qc.qc.signers,
                            .entry_count = BFT_SIGNERS_MAX,
                            .entries = tc.entries,
                            .high_qc = qc.qc};
    for (uint32_t i = 0; i < BFT_SIGNERS_MAX; i++)
        tc.entries[i].lock_round = i % 4;
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = &tc.tc};
    qc.qc.sig_count++;
    tc.tc.high_qc.sig_count++;
    so_refused(&s, &m, BFT_BAD_CERT, "257 signatures");
    tc.tc.high_qc.sig_count--;
    qc.qc.sig_count--;
    tc.tc.entry_count++;
    so_refused(&s, &m, BFT_BAD_CERT, "257 entries");
    tc.tc.entry_count--;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).round, 7);
    cr_expect_eq(so_view(&s).high_qc_round, 3);
    so_pass(&s, 60000); /* its own timeout carries the whole TC */
    const struct bft_timeout_msg *t = &cl_sent(&s.c, 0, BFT_MSG_TIMEOUT)->u.timeout;
    cr_expect_eq(t->entry.kind, BFT_ENTRY_TC);
    cr_expect_eq(t->entry.tc->entry_count, BFT_SIGNERS_MAX);
    cr_expect_eq(t->entry.tc->high_qc.sig_count, BFT_SIGNERS_MAX);
}

/* A set may grow up to validators_max only; a region is never smaller than its config needs. */
Test(replica_bounds, footprint_grows_with_the_bound_alone)
{
    struct bft_config cfg = s.c.cfg;
    size_t small = bft_footprint(&cfg);
    cfg.block_interval_ns = 0;
    cfg.epoch_length = 1000000;
    cr_expect_eq(bft_footprint(&cfg), small);
    cfg.validators_max = BFT_SIGNERS_MAX;
    cr_expect_gt(bft_footprint(&cfg), small);
    cr_expect_lt(bft_footprint(&cfg), 32u << 20);
}
