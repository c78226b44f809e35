/* Starting from configurations and records that contradict themselves, have holes, or belong to
 * another epoch.  [P-10.3]
 * Method: one replica, the other three validators played by hand (solo.h), started again. */
#include "tests/consensus/solo.h"

#include <stdlib.h>

static struct solo s;

static void setup(void)
{
    so_init(&s, NULL);
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(corner_starts, .init = setup, .fini = teardown);

static enum bft_verdict give(struct bft_msg *m)
{
    return cl_give(&s.c, 0, 1, m);
}

static enum td_error init_with(const struct bft_config *cfg, const struct bft_restore *restore)
{
    size_t bytes = (bft_footprint(cfg) + 63u) & ~(size_t)63u;
    void *region = aligned_alloc(64, bytes);
    cr_assert_not_null(region);
    struct bft_replica *r;
    enum td_error err = bft_init(&r, region, cfg, restore);
    cr_expect_eq(r != NULL, err == TD_OK);
    free(region);
    return err;
}

Test(corner_starts, configurations_that_cannot_be)
{
    static const struct bft_restore none;
    struct bft_config good = s.c.cfg;
    cr_expect_eq(init_with(&good, &none), TD_OK);
    for (uint32_t i = 0; i < 8; i++) {
        struct bft_config c = good;
        c.schedule_count -= i == 0;
        c.epoch_length = i == 1 ? TD_EPOCH_BLOCKS_MIN - 1u : c.epoch_length;
        c.delta_ns = i == 2 ? 0 : c.delta_ns;
        c.block_interval_ns = i == 3 ? -1 : c.block_interval_ns;
        c.batch_blocks_max = i == 4 ? 0 : c.batch_blocks_max;
        c.validators_max = i == 5 ? c.schedule[0].count - 1u : c.validators_max;
        c.validators_max = i == 6 ? 0 : c.validators_max;
        c.validators_max = i == 7 ? BFT_SIGNERS_MAX + 1u : c.validators_max;
        cr_expect_eq(init_with(&c, &none), TD_E_CORRUPT, "case %u", i);
    }
}

Test(corner_starts, records_that_contradict_themselves)
{
    so_blocks(&s, 66);
    cr_assert_eq(so_view(&s).epoch, 1);
    struct cl_node *n = &s.c.node[0];
    struct bft_final_block finals[4];
    for (uint64_t h = 63; h <= 66; h++)
        finals[h - 63] = n->stored[h % CL_HEIGHTS];
    struct bft_restore good = {.set = &n->set,
                               .finals = finals,
                               .final_count = 4,
                               .epoch_seed = n->seed,
                               .genesis_cert = &s.genesis.cert};
    cr_expect_eq(init_with(&s.c.cfg, &good), TD_OK);
    struct bft_restore bad = good;
    bad.genesis_cert = NULL;
    cr_expect_eq(init_with(&s.c.cfg, &bad), TD_E_CORRUPT, "no genesis certificate");
    struct bft_attest_cert other = s.genesis.cert;
    other.fields.height--;
    bad.genesis_cert = &other;
    cr_expect_eq(init_with(&s.c.cfg, &bad), TD_E_CORRUPT, "of another height");
    bad = good;
    bad.final_count = 0;
    cr_expect_eq(init_with(&s.c.cfg, &bad), TD_E_CORRUPT, "no blocks of the epoch before");
    bad = good;
    bad.set = NULL;
    cr_expect_eq(init_with(&s.c.cfg, &bad), TD_E_CORRUPT, "beyond epoch 0");
    /* What was stored in an epoch that is over does not bind: ignored, not refused. */
    struct bft_qc old_qc = {.epoch = 0, .round = 70};
    struct bft_tc old_tc = {.epoch = 0, .round = 70};
    struct bft_restore left = good;
    other = s.genesis.cert;
    left.lock_qc = &old_qc;
    left.attest_cert = &other;
    left.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &old_qc};
    cr_expect_eq(init_with(&s.c.cfg, &left), TD_OK);
    left.entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &old_tc};
    cr_expect_eq(init_with(&s.c.cfg, &left), TD_OK);
    /* A lock above the entry: the round follows the lock. */
    struct cl_cert lock = {.qc = {.epoch = 1}};
    cl_qc(&s.c, &lock, 1, 12, 67, &(struct td_hash){{1}}, SO_OTHERS);
    left.lock_qc = &lock.qc;
    cr_expect_eq(init_with(&s.c.cfg, &left), TD_OK);
    struct bft_config l1 = s.c.cfg;
    l1.has_l1 = true;
    cr_expect_eq(init_with(&l1, &left), TD_OK, "the set before is unknown then");
    finals[0].executed = false;
    cr_expect_eq(init_with(&s.c.cfg, &good), TD_OK, "the rest is executed again");
}

/* A restart with a hole in what is executed, or without the set before, signs what it can. */
Test(corner_starts, restarts_with_holes)
{
    so_blocks(&s, 23);
    s.attest = false;
    for (uint32_t i = 0; i < 4; i++)
        so_block(&s);
    s.c.node[0].stored[20].executed = false;
    s.c.node[0].stored[25].executed = false;
    cl_restart(&s.c, 0, true);
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
    so_status(&s, SO_OTHERS, 27);
    cr_assert_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    so_pass(&s, 4100);
    cr_expect_eq(so_view(&s).executed_height, 27);
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
}

/* [P-9.2] With one of four gone, what this node attested before it is needed after. */
Test(corner_starts, own_attestations_count_after_a_restart)
{
    so_blocks(&s, 23);
    s.attest = false;
    so_block(&s);
    cl_restart(&s.c, 0, true);
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
    so_status(&s, SO_OTHERS, 24);
    cr_assert_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_assert_eq(so_view(&s).executed_height, 24);
    cr_assert_lt(so_view(&s).attested_height, 24);
    so_attest(&s, 24, 1u << 1);
    cr_assert_lt(so_view(&s).attested_height, 24);
    so_attest(&s, 24, 1u << 2);
    cr_expect_eq(so_view(&s).attested_height, 24);
}

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
}

Test(corner_starts, restarts_without_the_set_before)
{
    so_free(&s);
    so_init(&s, with_l1);
    so_blocks(&s, 130);
    cr_assert_eq(so_view(&s).epoch, 2);
    s.c.node[0].has_prev_set = false;
    cl_restart(&s.c, 0, true);
    struct bft_sets sets;
    bft_sets_get(s.c.node[0].replica, &sets);
    cr_expect_null(sets.prev);
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
    so_status(&s, SO_OTHERS, 130);
    cr_assert_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    struct bft_msg m = {.kind = BFT_MSG_BATCH_ATTEST};
    m.u.batch_attest = (struct bft_batch_attest){.epoch = 1, .height = 128, .signer = 1};
    cr_expect_eq(give(&m), BFT_STALE, "its signers are unknown here");
    so_pass(&s, 2100);
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
}

/* Epochs beyond the schedule have its last members, also as the set before the current one. */
Test(corner_starts, restarts_beyond_the_schedule)
{
    so_blocks(&s, 130);
    cr_assert_eq(so_view(&s).epoch, 2);
    s.c.node[0].has_prev_set = false;
    cl_restart(&s.c, 0, true);
    struct bft_sets sets;
    bft_sets_get(s.c.node[0].replica, &sets);
    cr_assert_not_null(sets.prev);
    cr_expect_eq(sets.prev->epoch, 1);
    cr_expect_eq(sets.prev->count, 4);
}

/* [P-10.3] The chain is lost, the guard is not, and it is an epoch ahead: no round of the epochs
 * before is free to sign in. */
Test(corner_starts, a_guard_ahead_of_the_chain)
{
    so_blocks(&s, 66);
    struct bft_guard guard = s.c.node[0].guard;
    cr_assert_eq(guard.vote.epoch, 1);
    cl_restart_empty(&s.c, 0, &guard);
    cr_expect_eq(so_view(&s).epoch, 0);
    cr_expect_eq(so_view(&s).last_voted, UINT64_MAX);
    cr_expect_eq(so_view(&s).last_commit, UINT64_MAX);
}
