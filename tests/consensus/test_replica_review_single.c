/* Holes once found in the core by review and by simulation, built again: what one replica did
 * wrong. Whole networks: test_replica_review.c. Method: one replica, the other three validators
 * played by hand (solo.h). */
#include "tests/consensus/solo.h"

#include <string.h>

#define LAST 64u

static struct solo s;

static void peers_up(void)
{
    for (uint32_t i = 1; i < 4; i++) {
        struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = i, .u.peer_addr = s.c.node[i].addr};
        cl_event(&s.c, 0, &up);
    }
}

/* ---- epochs  [P-8] */

/* Whoever shows an older epoch, by Status or by timeout, gets the certificate that ended it. */
Test(replica_review_single, a_peer_one_epoch_behind_gets_the_certificate_that_ended_it)
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
Test(replica_review_single, the_next_epochs_messages_carry_a_node_into_it)
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

/* ---- one step  [P-10.1] */

/* In one step the own timeout of round r becomes durable, leaves, and completes the TC that ends r.
 * What left holds the certificate that entered r, byte for byte, not the one that entered r + 1:
 * that one lists other timeouts and, a late QC having raised the lock, another highest QC. */
Test(replica_review_single, what_a_step_sends_does_not_change_later_in_the_step)
{
    so_init(&s, NULL);
    so_blocks(&s, 3);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    static struct cl_cert lock;
    lock = s.tip_qc;
    so_skip(&s);
    uint64_t round = so_view(&s).round;
    so_certify(&s, &p.h);
    cr_assert_gt(so_view(&s).high_qc_round, lock.qc.round);
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
    const struct bft_tc *tc = t->entry.tc;
    cr_expect_eq(tc->round, round - 1u);
    cr_assert_eq(tc->entry_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(tc->entries[i].lock_round, s.tc.entries[i].lock_round);
        cr_expect(td_sig_eq(&tc->entries[i].sig, &s.tc.entries[i].sig), "timeout %u", i);
    }
    cr_expect_eq(tc->high_qc.round, lock.qc.round);
    cr_assert_eq(tc->high_qc.sig_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect(td_sig_eq(&tc->high_qc.sigs[i], &lock.sigs[i]), "vote %u", i);
    so_free(&s);
}

/* A proposal becomes final by commit votes before its payload has come: it is the root then, there
 * is nothing left to vote on, and the payload changes nothing. */
Test(replica_review_single, a_payload_that_comes_after_finality_is_not_voted_for)
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
Test(replica_review_single, a_batch_certificate_under_another_height_certifies_nothing)
{
    so_init(&s, batches_of_seven);
    so_blocks(&s, 15);
    static struct td_sig sigs[4];
    struct bft_msg m = {.kind = BFT_MSG_BATCH_CERT};
    struct bft_batch_cert *cert = &m.u.batch_cert;
    struct bft_signed newest = s.c.node[0].last_signed[BFT_SIGNED_BATCH];
    cr_assert_eq(newest.u.batch.height, 14);
    *cert = (struct bft_batch_cert){
        .set_hash = newest.u.batch.set_hash, .batch_hash = newest.u.batch.batch_hash, .sigs = sigs};
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
Test(replica_review_single, one_noisy_peer_does_not_starve_others_of_a_batch_certificate)
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
Test(replica_review_single, a_payload_is_never_put_on_another_parent)
{
    so_init_equal(&s, NULL);
    s.c.node[0].no_build = true;
    so_blocks(&s, 2);
    while (cl_leader(&s.c, so_view(&s).round) == 0 || cl_leader(&s.c, so_view(&s).round + 1u) != 0)
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
Test(replica_review_single, the_proof_of_a_filler_goes_to_each_peer_once)
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
Test(replica_review_single, a_certified_header_is_not_asked_of_its_signers_alone)
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

/* What the lock stands on is asked for without end: longer than one wish is tried, with nothing new
 * heard meanwhile, and from the first moment after a restart. */
Test(replica_review_single, the_locks_header_is_wanted_for_ever)
{
    so_init(&s, NULL);
    struct td_hash hash = {{8}};
    static struct cl_cert qc;
    cl_qc(&s.c, &qc, 0, 1, 1, &hash, SO_OTHERS);
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc.qc};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t fetches = s.c.node[0].fx[BFT_FX_FETCH];
        so_pass(&s, 10000);
        cr_expect_gt(s.c.node[0].fx[BFT_FX_FETCH], fetches + 10u, "from %u s on", 10 * i);
    }
    s.c.node[0].fetch.u.fetch.hash = (struct td_hash){{0}};
    cl_restart(&s.c, 0, true);
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &hash));
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
Test(replica_review_single, block_sync_keeps_the_headers_above)
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

/* ---- what binds it after a loss  [P-10] */

/* [P-10.4] Without a guard a node knows least of all what it signed, so its own stake does not
 * count among those who must have spoken: with it, two others of four would do, and one of them may
 * be faulty, the other one new. */
Test(replica_review_single, without_a_guard_all_others_must_have_spoken)
{
    so_init_equal(&s, NULL);
    so_blocks(&s, 3);
    cl_restart(&s.c, 0, false);
    peers_up();
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

/* Only node 0 sees the votes of round 1 in time: it commit-votes, then loses its chain.  The others
 * end rounds 1 and 2 without that lock.  In round 3 its lock is lower than the one it is bound to,
 * so it has no timeout to give until it sees QC(1) again; asking would stop it. */
Test(replica_review_single, a_timeout_below_a_forgotten_lock_is_not_asked_for)
{
    so_init_equal(&s, NULL);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    uint64_t round = p.h.round;
    struct cl_cert before = s.tip_qc;
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_votes(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).last_commit, round);
    struct bft_guard guard = s.c.node[0].guard;
    cl_restart_empty(&s.c, 0, &guard);
    peers_up();
    so_status(&s, SO_OTHERS, 0);
    cr_assert_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    s.tip_qc = before;
    while (so_view(&s).round <= round + 1u)
        so_skip(&s);
    uint32_t signs = s.c.node[0].signs[BFT_SIGNED_TIMEOUT];
    so_pass(&s, 20000);
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_TIMEOUT], signs, "below the lock");
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    static struct cl_cert qc;
    struct td_hash hash = so_hash(&p.h);
    cl_qc(&s.c, &qc, 0, round, p.h.height, &hash, SO_OTHERS);
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc.qc};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    so_skip(&s);
    so_pass(&s, 20000);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_TIMEOUT], signs + 1u, "the lock is back");
    cr_expect_eq(s.c.node[0].halt, BFT_HALT_NONE);
    so_free(&s);
}
