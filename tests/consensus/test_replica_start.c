/* Start rule, durability, restart, passive and doppelganger.  [P-10]
 * Method: one replica, the other three validators played by hand (solo.h), and whole clusters. */
#include "tests/consensus/solo.h"

#include <string.h>

static struct solo s;

static void setup(void)
{
    so_init_quiet(&s, NULL, false);
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(replica_start, .init = setup, .fini = teardown);

static void peers_up(void)
{
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
}

static struct bft_status *status_with(struct bft_msg *m, const struct bft_signed *own)
{
    *m = (struct bft_msg){.kind = BFT_MSG_STATUS};
    m->u.status.own_count = own != NULL;
    if (own != NULL)
        m->u.status.own[0] = *own;
    return &m->u.status;
}

static struct bft_signed own_vote(uint64_t epoch, uint64_t round, uint8_t what)
{
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote = (struct bft_vote){.epoch = epoch, .round = round, .height = round};
    m.u.vote.hash.b[0] = what;
    m.u.vote.signer = cl_signer(&s.c, 0);
    cl_sign(&s.c, 0, &m);
    return m;
}

/* ---- start */

Test(replica_start, nothing_is_signed_before_weight_q_has_spoken)
{
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING);
    so_status(&s, 1u << 1, 0);
    struct so_prop p = so_child(&s, 1);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    so_pass(&s, 10000);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], 0);
    so_status(&s, 1u << 1, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING, "the same one again");
    so_status(&s, 1u << 2, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

Test(replica_start, status_of_strangers_does_not_count)
{
    struct bft_msg m;
    status_with(&m, NULL);
    cr_expect_eq(cl_give_verified(&s.c, 0, 77, &m), BFT_UNSOLICITED, "not connected");
    for (uint32_t i = 10; i < 14; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i};
        cl_event(&s.c, 0, &up);
        cr_expect_eq(cl_give_verified(&s.c, 0, i, &m), BFT_OK);
    }
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING, "followers");
    struct bft_event down = {.kind = BFT_EV_PEER_DOWN, .peer = 1};
    so_status(&s, 1u << 1, 0);
    cl_event(&s.c, 0, &down);
    so_status(&s, 1u << 2, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING, "one of the two is gone");
}

/* Nobody's rounds have to pass: the answer is there as soon as a quorum has spoken, even on a
 * network that stands still. */
Test(replica_start, pitfall_doppelganger_wait_counts_no_rounds)
{
    int64_t at = s.c.now_ns;
    so_status(&s, SO_OTHERS, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_expect_eq(s.c.now_ns, at);
    cr_expect_eq(so_view(&s).round, 1);
    struct so_prop p = so_child(&s, 1);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_VOTE], 1);
}

/* [P-10.4] No guard, but somebody has final blocks: this key may have signed already. */
Test(replica_start, without_a_guard_only_at_genesis)
{
    so_status(&s, 1u << 1, 0);
    so_status(&s, 1u << 2, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING, "without its guard it is no witness itself");
    so_status(&s, 1u << 3, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_PASSIVE);
    cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_PASSIVE], 1);
    struct so_prop p = so_child(&s, 1);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    so_pass(&s, 20000);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], 0);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_TIMEOUT], 0);
    /* It follows all the same. */
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 1);
}

Test(replica_start, with_its_guard_it_signs_at_once)
{
    so_status(&s, SO_OTHERS, 0);
    so_blocks(&s, 3);
    cl_restart(&s.c, 0, true);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_STARTING);
    peers_up();
    so_status(&s, SO_OTHERS, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_expect_eq(so_view(&s).last_voted, 3);
    so_blocks(&s, 5);
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
}

/* A peer holds a message of this key that the guard does not know: newer, or another of its slot.
 */
Test(replica_start, newer_or_contrary_own_messages_make_it_passive)
{
    static const struct {
        const char *what;
        uint64_t round;
        uint8_t hash;
        bool passive;
    } cases[] = {{"newer", 4, 1, true}, {"contrary", 3, 1, true}, {"older", 2, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_free(&s);
        so_init(&s, NULL);
        so_blocks(&s, 3);
        cl_restart(&s.c, 0, true);
        peers_up();
        struct bft_signed own = own_vote(0, cases[i].round, cases[i].hash);
        struct bft_msg m;
        status_with(&m, &own)->final_height = 3;
        so_status(&s, 1u << 1, 3);
        cr_assert_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
        cr_expect_eq(so_view(&s).mode, cases[i].passive ? BFT_MODE_PASSIVE : BFT_MODE_ACTIVE, "%s",
                     cases[i].what);
        cr_expect_eq(s.c.node[0].alarms[BFT_ALARM_PASSIVE], cases[i].passive);
    }
}

/* What somebody else signed says nothing about this key, whatever epoch it names. */
Test(replica_start, others_messages_in_a_status_do_not_silence_it)
{
    so_free(&s);
    so_init(&s, NULL);
    so_blocks(&s, 3);
    cl_restart(&s.c, 0, true);
    peers_up();
    struct bft_signed theirs = own_vote(1, 9, 1);
    theirs.u.vote.signer = cl_signer(&s.c, 2);
    cl_sign(&s.c, 2, &theirs);
    struct bft_msg m;
    status_with(&m, &theirs)->final_height = 3;
    cr_assert_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    so_status(&s, 1u << 1 | 1u << 3, 3);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* An own message in the Status that nobody signed is dropped before the core. */
Test(replica_start, made_up_own_messages_are_dropped)
{
    struct bft_signed own = own_vote(0, 0, 1);
    struct bft_msg m;
    status_with(&m, &own);
    cr_assert_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(m.u.status.own_count, 0);
    so_status(&s, 1u << 1, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
}

/* ---- passive until the next epoch */

/* Node 3 loses its disk in epoch 0 while the others go on; silent for the rest of that epoch, and
 * of any epoch it may have signed in, then back. */
static void fast(struct bft_config *cfg)
{
    cfg->block_interval_ns = 100000000;
}

Test(replica_start, passive_until_the_next_epoch)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, fast, true);
    cr_assert(cl_until_height(&c, 20, 60000));
    cl_restart_empty(&c, 3, NULL);
    cl_connect(&c, 3);
    cl_run(&c, 500);
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_PASSIVE);
    uint32_t signs = c.node[3].fx[BFT_FX_SIGN];
    cr_assert(cl_until_height(&c, 60, 60000));
    cr_expect_eq(c.node[3].fx[BFT_FX_SIGN], signs, "nothing in epoch 0");
    cr_expect_gt(cl_view(&c, 3).final_height, 50, "it follows");
    cr_assert(cl_until_height(&c, 80, 60000));
    cl_run(&c, 6000);
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE);
    cr_expect_geq(cl_view(&c, 3).epoch, 1);
    cr_expect_gt(c.node[3].fx[BFT_FX_SIGN], signs);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
        cr_expect_eq(c.node[i].evidence_count, 0);
    }
    cl_free(&c);
}

/* The disk is lost in epoch 1.  The node passes epoch 0 on its way, and must not take epoch 1, in
 * which it has signed, for a fresh one. */
Test(replica_start, passive_does_not_end_in_an_epoch_it_signed_in)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, fast, true);
    cr_assert(cl_until_height(&c, 75, 60000));
    cr_assert_gt(c.node[3].guard.vote.epoch, 0);
    cl_restart_empty(&c, 3, NULL);
    uint32_t signs = c.node[3].fx[BFT_FX_SIGN];
    cl_connect(&c, 3);
    uint64_t height = 0;
    for (uint32_t i = 0; i < 400 && cl_view(&c, 0).epoch == 1; i++) {
        cl_run(&c, 50);
        if (cl_view(&c, 0).epoch > 1)
            break;
        cr_assert_eq(c.node[3].fx[BFT_FX_SIGN], signs, "signs in epoch %lu", cl_view(&c, 3).epoch);
        height = cl_view(&c, 3).final_height;
    }
    cr_expect_gt(height, 100, "it follows");
    cl_run(&c, 10000);
    cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE, "back in epoch %lu", cl_view(&c, 3).epoch);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
        cr_expect_eq(c.node[i].evidence_count, 0);
    }
    cl_free(&c);
}

/* ---- doppelganger */

Test(replica_start, an_own_key_message_from_elsewhere_stops_the_node)
{
    for (uint32_t kind = BFT_SIGNED_PROPOSE; kind <= BFT_SIGNED_ATTEST + 1u; kind++) {
        so_free(&s);
        so_init(&s, NULL);
        so_blocks(&s, 3);
        struct bft_msg m;
        struct td_hash hash = {{9}};
        if (kind == BFT_SIGNED_PROPOSE) {
            struct so_prop p = so_child(&s, 4);
            p.h.proposer = cl_signer(&s.c, 0);
            so_message(&s, &m, &p);
        } else if (kind == BFT_SIGNED_VOTE) {
            cl_vote(&s.c, &m, 0, 0, 4, 4, &hash);
        } else if (kind == BFT_SIGNED_COMMIT) {
            cl_commit(&s.c, &m, 0, 0, 3, &hash);
        } else if (kind == BFT_SIGNED_TIMEOUT) {
            cl_timeout(&s.c, &m, 0, 0, 4, 1);
        } else if (kind == BFT_SIGNED_ATTEST) {
            so_attest_msg(&s, &m, 0, 3);
            m.u.attest.fields.messages_root.b[0] = 1;
        } else { /* inside a Status */
            struct bft_signed own = own_vote(0, 4, 1);
            status_with(&m, &own);
        }
        cl_give_verified(&s.c, 0, 1, &m);
        cr_expect_eq(so_view(&s).halt, BFT_HALT_DOPPELGANGER, "kind %u", kind);
        cr_expect_eq(s.c.node[0].fx[BFT_FX_HALT], 1);
    }
}

/* Its own messages come back to it all the time. */
Test(replica_start, echoes_of_its_own_messages_are_harmless)
{
    so_free(&s);
    so_init(&s, NULL);
    so_blocks(&s, 3);
    for (uint32_t kind = BFT_SIGNED_VOTE; kind <= BFT_SIGNED_COMMIT; kind++) {
        struct bft_msg m;
        if (kind == BFT_SIGNED_VOTE)
            m = (struct bft_msg){.kind = BFT_MSG_VOTE, .u.vote = s.c.node[0].guard.vote};
        else
            m = (struct bft_msg){.kind = BFT_MSG_COMMIT, .u.commit = s.c.node[0].guard.commit};
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_DUPLICATE);
    }
    struct bft_msg m = {.kind = BFT_MSG_ATTEST, .u.attest = s.c.node[0].guard.attest[3]};
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_STALE);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    cr_expect_eq(s.c.node[0].evidence_count, 0);
}

/* ---- durable before send */

/* [P-10.1] Nothing signed leaves before EV_PERSISTED; then in the order of asking. */
Test(replica_start, nothing_leaves_before_it_is_durable)
{
    so_status(&s, SO_OTHERS, 0);
    s.c.node[0].no_persist = true;
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    so_pass(&s, 4000);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_VOTE], 1);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_COMMIT], 1);
    cr_expect_geq(s.c.node[0].signs[BFT_SIGNED_TIMEOUT], 1);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], 1);
    static const enum bft_msg_kind kinds[] = {BFT_MSG_VOTE, BFT_MSG_COMMIT, BFT_MSG_TIMEOUT,
                                              BFT_MSG_ATTEST};
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(s.c.node[0].sent[kinds[i]], 0, "kind %u", kinds[i]);
    struct bft_event first = {.kind = BFT_EV_PERSISTED, .u.persist_id = 1};
    cl_event(&s.c, 0, &first);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_VOTE], 1);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_COMMIT], 0);
    cl_persist_flush(&s.c, 0);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_geq(s.c.node[0].sent[kinds[i]], 1, "kind %u", kinds[i]);
}

/* A leader's proposal waits as well. */
Test(replica_start, a_proposal_leaves_when_durable)
{
    so_free(&s);
    so_init_quiet(&s, NULL, true);
    s.c.node[0].no_persist = true;
    so_status(&s, SO_OTHERS, 0);
    while (cl_leader(&s.c, so_view(&s).round) != 0)
        so_skip(&s);
    cr_assert_eq(s.c.node[0].signs[BFT_SIGNED_PROPOSE], 1);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_PROPOSAL], 0);
    cr_expect_eq(so_view(&s).tree_nodes, 1, "not even here");
    cl_persist_flush(&s.c, 0);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_PROPOSAL], 1);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_VOTE], 1, "and then it votes for it");
}

/* What PERSIST names: the lock, the entry certificate, the voted header and its parent. */
Test(replica_start, persist_names_lock_entry_and_headers)
{
    so_status(&s, SO_OTHERS, 0);
    struct so_prop one = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &one), BFT_OK);
    so_certify(&s, &one.h);
    so_skip(&s);
    struct so_prop three = so_child(&s, 3);
    cr_assert_eq(so_propose(&s, &three), BFT_OK);
    const struct cl_node *n = &s.c.node[0];
    cr_assert_eq(n->kept_count, 2);
    cr_expect_eq(memcmp(&n->kept[0], &one.h, sizeof one.h), 0);
    cr_expect_eq(memcmp(&n->kept[1], &three.h, sizeof three.h), 0);
    cr_expect_eq(n->entry_kind, BFT_ENTRY_TC);
    struct bft_qc lock;
    struct bft_tc entry;
    struct td_reader r;
    td_arena_reset(&s.c.arena);
    td_reader_init(&r, n->lock.bytes, n->lock.len);
    bft_qc_decode(&r, &s.c.arena, &lock);
    cr_expect_eq(lock.round, 1);
    cr_expect_eq(lock.sig_count, 3);
    td_reader_init(&r, n->entry.bytes, n->entry.len);
    bft_tc_decode(&r, &s.c.arena, &entry);
    cr_expect_eq(entry.round, 2);
    cr_expect_eq(entry.entry_count, 3);
}

/* ---- restart */

static struct cl_blob copy(const struct cl_blob *b)
{
    struct cl_blob c = {malloc(b->len), b->len};
    memcpy(c.bytes, b->bytes, b->len);
    return c;
}

static void same_bytes_again(enum bft_msg_kind kind, const struct cl_blob *before)
{
    const struct cl_blob *now = &s.c.node[0].sent_last[kind];
    cr_assert_not_null(now->bytes, "kind %u was not sent again", kind);
    cr_expect_eq(now->len, before->len, "kind %u", kind);
    cr_expect_eq(memcmp(now->bytes, before->bytes, before->len), 0, "kind %u", kind);
}

/* [P-10.3] In a round it voted, then timed out in, with a commit vote for the round before. */
Test(replica_start, after_a_restart_identical_bytes_are_sent_again)
{
    static const enum bft_msg_kind kinds[] = {BFT_MSG_VOTE, BFT_MSG_COMMIT, BFT_MSG_TIMEOUT,
                                              BFT_MSG_ATTEST};
    so_status(&s, SO_OTHERS, 0);
    so_blocks(&s, 2);
    s.attest = false;
    so_block(&s); /* attestation of 3 uncertified */
    struct so_prop p = so_child(&s, 4);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    p = so_child(&s, 5);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_pass(&s, 2600);
    cr_assert_eq(so_view(&s).last_timeout, 5);
    struct cl_blob before[4];
    for (uint32_t i = 0; i < 4; i++) {
        before[i] = copy(&s.c.node[0].sent_last[kinds[i]]);
        free(s.c.node[0].sent_last[kinds[i]].bytes);
        s.c.node[0].sent_last[kinds[i]] = (struct cl_blob){NULL, 0};
    }
    uint32_t signs = s.c.node[0].fx[BFT_FX_SIGN];
    cl_restart(&s.c, 0, true);
    cr_expect_eq(so_view(&s).round, 5);
    cr_expect_eq(so_view(&s).high_qc_round, 4);
    peers_up();
    cr_expect_null(s.c.node[0].sent_last[BFT_MSG_TIMEOUT].bytes, "not before the start rule holds");
    so_status(&s, SO_OTHERS, 3);
    cr_assert_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    so_pass(&s, 2100);
    for (uint32_t i = 0; i < 4; i++) {
        same_bytes_again(kinds[i], &before[i]);
        free(before[i].bytes);
    }
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], signs, "nothing is signed anew");
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
}

/* A reconnecting peer gets the current timeout with its entry certificate again. */
Test(replica_start, a_reconnected_peer_gets_the_current_timeout)
{
    so_status(&s, SO_OTHERS, 0);
    so_blocks(&s, 1);
    so_pass(&s, 2100);
    uint32_t sent = s.c.node[0].sent[BFT_MSG_TIMEOUT];
    cr_assert_geq(sent, 1);
    struct bft_event down = {.kind = BFT_EV_PEER_DOWN, .peer = 2};
    cl_event(&s.c, 0, &down);
    struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = 2, .u.peer_addr = s.c.node[2].addr};
    cl_event(&s.c, 0, &up);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_TIMEOUT], sent + 1u);
    const struct bft_timeout_msg *t = &cl_sent(&s.c, 0, BFT_MSG_TIMEOUT)->u.timeout;
    cr_expect_eq(t->entry.kind, BFT_ENTRY_QC);
    cr_expect_eq(t->entry.qc->round, 1);
}

/* All nodes of a running network are killed at once, many times; it goes on each time. */
Test(replica_start, kill_all_and_restart)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, fast, true);
    for (uint32_t round = 0; round < 12; round++) {
        uint64_t at = cl_view(&c, 0).final_height;
        cr_assert(cl_until_height(&c, at + 7u, 30000), "round %u at %lu", round, at);
        cl_run(&c, 37u * round % 100u);
        for (uint32_t i = 0; i < 4; i++)
            cl_restart(&c, i, true);
        cl_connect_all(&c);
        for (uint32_t i = 0; i < 4; i++)
            cr_assert_eq(c.node[i].halt, BFT_HALT_NONE);
    }
    cr_expect_gt(cl_view(&c, 0).epoch, 0, "across an epoch");
    cl_free(&c);
}

/* ---- followers, initial state */

static void stranger(struct bft_config *cfg)
{
    cfg->self.b[0] ^= 1;
}

Test(replica_start, a_follower_follows_and_signs_nothing)
{
    struct bft_config cfg = s.c.cfg;
    cfg.self = s.c.node[0].addr;
    stranger(&cfg);
    struct bft_restore none = {.guard = NULL};
    cr_assert_eq(bft_init(&s.c.node[0].replica, s.c.node[0].region, &cfg, &none), TD_OK);
    struct bft_event start = {.kind = BFT_EV_START};
    cl_event(&s.c, 0, &start);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_FOLLOWER);
    peers_up();
    so_status(&s, SO_OTHERS, 0);
    struct so_prop p = so_child(&s, 1);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    so_pass(&s, 20000);
    cr_expect_eq(so_view(&s).final_height, 1);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SIGN], 0);
}

Test(replica_start, contradictory_restores_are_refused)
{
    static struct bft_final_block finals[2];
    struct bft_config cfg = s.c.cfg;
    struct bft_replica *r;
    void *region = s.c.node[0].region;
    for (uint32_t way = 0; way < 7; way++) {
        struct bft_restore restore = {.finals = finals, .final_count = 2};
        cfg = s.c.cfg;
        memset(finals, 0, sizeof finals);
        finals[0].header.height = 5;
        finals[1].header.height = 6;
        static struct bft_set later;
        bft_set_advance(&later, &s.c.sets[0], 1);
        if (way == 0)
            finals[1].header.height = 7; /* a gap */
        else if (way == 1)
            finals[0].header.height = 0;
        else if (way == 2)
            finals[0].header.height = 64, finals[1].header.height = 65; /* beyond epoch 0 */
        else if (way == 3)
            restore.set = &later; /* epoch 1 with the chain at 6 */
        else if (way == 4)
            cfg.epoch_length = 63;
        else if (way == 5)
            cfg.validators_max = 3; /* the genesis set has 4 */
        else
            cfg.delta_ns = 0;
        cr_expect_eq(bft_init(&r, region, &cfg, &restore), TD_E_CORRUPT, "way %u", way);
        cr_expect_null(r);
    }
    struct bft_restore none = {.guard = NULL};
    cfg = s.c.cfg;
    cfg.self = s.c.node[0].addr;
    cr_assert_eq(bft_init(&s.c.node[0].replica, region, &cfg, &none), TD_OK);
}
