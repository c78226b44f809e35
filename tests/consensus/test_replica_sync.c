/* Status, fetch by hash and block sync.  [P-11.2 .. P-11.6]
 * Method: one replica, the other three validators played by hand (solo.h); whole clusters for a
 * node that was away. */
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

TestSuite(replica_sync, .init = setup, .fini = teardown);

static uint32_t asked(void)
{
    return s.c.node[0].sent[BFT_MSG_GET_BLOCKS];
}

static void claim(uint32_t peer, uint64_t height)
{
    struct bft_msg m = {.kind = BFT_MSG_STATUS};
    m.u.status.final_height = height;
    cr_assert_eq(cl_give_verified(&s.c, 0, peer, &m), BFT_OK);
}

/* ---- Status */

Test(replica_sync, status_on_connect_and_every_five_seconds)
{
    so_blocks(&s, 3);
    struct bft_event up = {.kind = BFT_EV_PEER_UP, .peer = 2, .u.peer_addr = s.c.node[2].addr};
    uint32_t before = s.c.node[0].sent[BFT_MSG_STATUS];
    cl_event(&s.c, 0, &up);
    cr_assert_eq(s.c.node[0].sent[BFT_MSG_STATUS], before + 1u);
    const struct bft_status *m = &cl_sent(&s.c, 0, BFT_MSG_STATUS)->u.status;
    cr_expect_eq(m->epoch, 0);
    cr_expect_eq(m->round, 4);
    cr_expect_eq(m->final_height, 3);
    cr_expect(td_hash_eq(&m->final_hash, &s.c.node[0].final_hash[3]));
    cr_assert_not_null(m->high_qc);
    cr_expect_eq(m->high_qc->round, 3);
    cr_expect_eq(m->entry.kind, BFT_ENTRY_QC);
    /* What node 2 signed last, so that it can judge its guard. */
    cr_assert_geq(m->own_count, 3);
    for (uint32_t i = 0; i < m->own_count; i++) {
        cr_expect_eq(bft_signed_signer(&m->own[i]), cl_signer(&s.c, 2));
        if (m->own[i].kind == BFT_SIGNED_VOTE)
            cr_expect_eq(m->own[i].u.vote.round, 3);
    }
    before = s.c.node[0].sent[BFT_MSG_STATUS];
    so_pass(&s, 5000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_STATUS], before + 3u, "once to each of three");
    so_pass(&s, 5000);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_STATUS], before + 6u);
}

Test(replica_sync, certificates_in_a_status_bring_a_node_up_to_the_round)
{
    for (uint32_t way = 0; way < 3; way++) {
        so_free(&s);
        so_init(&s, NULL);
        struct so_prop p = so_child(&s, 5);
        struct cl_cert qc = {.qc = {.epoch = 0}}, tc = {.qc = {.epoch = 0}};
        struct td_hash hash = so_hash(&p.h);
        static const uint64_t locks[4] = {5, 5, 5, 5};
        cl_qc(&s.c, &qc, 0, 5, 1, &hash, SO_OTHERS);
        cl_tc(&s.c, &tc, 0, 7, locks, SO_OTHERS, &qc.qc);
        struct bft_msg m = {.kind = BFT_MSG_STATUS};
        m.u.status.round = way == 2 ? 8 : 6;
        if (way == 0)
            m.u.status.high_qc = &qc.qc;
        else if (way == 1)
            m.u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &qc.qc};
        else
            m.u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &tc.tc};
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
        cr_expect_eq(so_view(&s).round, way == 2 ? 8 : 6, "way %u", way);
        cr_expect_eq(so_view(&s).high_qc_round, 5, "way %u", way);
    }
}

Test(replica_sync, messages_for_the_shell_are_not_the_cores)
{
    static const enum bft_msg_kind kinds[] = {BFT_MSG_HELLO, BFT_MSG_GET_BLOCKS, BFT_MSG_TX};
    for (uint32_t i = 0; i < 3; i++) {
        struct bft_msg m = {.kind = kinds[i]};
        so_refused(&s, &m, BFT_UNSOLICITED, "shell message");
    }
}

/* ---- fetch by hash */

static uint8_t object[BFT_HEADERS_PER_REPLY][BFT_HEADER_BYTES];
static struct td_bytes view[BFT_HEADERS_PER_REPLY];

static struct bft_msg headers_message(const struct bft_header *h, uint32_t count)
{
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    for (uint32_t i = 0; i < count; i++) {
        struct td_writer w;
        td_writer_init(&w, object[i], BFT_HEADER_BYTES);
        bft_header_encode(&w, &h[i]);
        view[i] = (struct td_bytes){object[i], BFT_HEADER_BYTES};
    }
    m.u.by_hash = (struct bft_by_hash){BFT_OBJECT_HEADER, count, view};
    return m;
}

/* A chain of four certified headers of which node 0 has none; it knows QC(4). */
static struct bft_header chain[5];

static void unknown_chain(void)
{
    for (uint64_t r = 1; r < 5; r++) {
        struct so_prop p = so_child(&s, r);
        chain[r] = p.h;
        s.tip = p.h;
        s.tip_hash = so_hash(&p.h);
        memset(&s.tip_qc, 0, sizeof s.tip_qc);
        cl_qc(&s.c, &s.tip_qc, 0, r, r, &s.tip_hash, SO_OTHERS);
    }
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &s.tip_qc.qc};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_assert_eq(so_view(&s).round, 5);
    cr_assert(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &s.tip_hash));
}

Test(replica_sync, headers_come_with_their_ancestors)
{
    unknown_chain();
    struct bft_header down[4] = {chain[4], chain[3], chain[2], chain[1]};
    struct bft_msg m = headers_message(down, 4);
    cr_expect_eq(cl_give_verified(&s.c, 0, 3, &m), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 3, "3 and 4 are certified in consecutive rounds");
    cr_expect_eq(so_view(&s).tree_nodes, 2);
    struct so_prop p = so_child(&s, 5);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(so_view(&s).last_voted, 5);
    so_refused(&s, &m, BFT_UNSOLICITED, "the same answer again");
}

/* One by one, asking for each parent in turn. */
Test(replica_sync, missing_ancestors_are_asked_for_in_turn)
{
    unknown_chain();
    for (uint32_t i = 4; i >= 1; i--) {
        struct td_hash want = so_hash(&chain[i]);
        cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &want), "asks for %u", i);
        struct bft_msg m = headers_message(&chain[i], 1);
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    }
    so_commits(&s, &chain[4], SO_OTHERS);
    cr_expect_eq(so_view(&s).final_height, 4);
}

Test(replica_sync, answers_nobody_asked_for_change_nothing)
{
    unknown_chain();
    struct bft_msg m = headers_message(&chain[2], 1);
    so_refused(&s, &m, BFT_UNSOLICITED, "another header than asked for");
    struct bft_header wrong[2] = {chain[4], chain[2]};
    m = headers_message(wrong, 2);
    so_refused(&s, &m, BFT_BAD_LINK, "not a chain of parents");
    m = headers_message(&chain[4], 1);
    view[0].len--;
    so_refused(&s, &m, BFT_MALFORMED, "truncated header");
    m = headers_message(&chain[4], 0);
    so_refused(&s, &m, BFT_UNSOLICITED, "nothing");
    m.u.by_hash.kind = BFT_OBJECT_PAYLOAD;
    so_refused(&s, &m, BFT_UNSOLICITED, "a payload is the shell's");
}

/* Another holder after 400 ms, each in turn. */
Test(replica_sync, a_fetch_is_repeated_with_other_holders)
{
    unknown_chain();
    uint32_t first = s.c.node[0].fetch.peer, seen = 1u << first;
    uint32_t before = s.c.node[0].fx[BFT_FX_FETCH];
    so_pass(&s, 399);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FETCH], before);
    so_pass(&s, 1);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FETCH], before + 1u);
    cr_expect_neq(s.c.node[0].fetch.peer, first);
    seen |= 1u << s.c.node[0].fetch.peer;
    so_pass(&s, 400);
    seen |= 1u << s.c.node[0].fetch.peer;
    cr_expect_eq(seen, SO_OTHERS);
}

/* However long nobody answers: one question each 400 ms, and none once the answer is here. */
Test(replica_sync, an_unanswered_fetch_is_no_flood)
{
    unknown_chain();
    uint32_t before = s.c.node[0].fx[BFT_FX_FETCH];
    so_pass(&s, 60000);
    cr_expect_leq(s.c.node[0].fx[BFT_FX_FETCH], before + 150u);
    struct bft_header down[4] = {chain[4], chain[3], chain[2], chain[1]};
    claim(1, 0);
    struct bft_msg m = headers_message(down, 4);
    (void)cl_give_verified(&s.c, 0, 3, &m);
    before = s.c.node[0].fx[BFT_FX_FETCH];
    so_pass(&s, 10000);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FETCH], before);
}

/* The other side of it: a header with up to 63 ancestors, from the tree or among final blocks. */
Test(replica_sync, answers_with_the_header_and_its_ancestors)
{
    so_blocks(&s, 2);
    struct bft_header two = s.tip;
    struct so_prop p = so_child(&s, 3);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    p = so_child(&s, 4);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    struct td_hash hash = so_hash(&p.h);
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){BFT_OBJECT_HEADER, 1, &hash};
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    const struct bft_by_hash *a = &cl_sent(&s.c, 0, BFT_MSG_BY_HASH)->u.by_hash;
    cr_assert_eq(a->object_count, 3, "4, 3 and the root");
    struct bft_header h;
    struct td_reader r;
    td_reader_init(&r, a->objects[0].ptr, a->objects[0].len);
    bft_header_decode(&r, &h);
    struct td_hash got = so_hash(&h);
    cr_expect(td_hash_eq(&got, &hash));
    hash = s.c.node[0].final_hash[1];
    cr_expect_eq(cl_give_verified(&s.c, 0, 2, &m), BFT_OK);
    cr_expect_eq(s.c.node[0].sent[BFT_MSG_BY_HASH], 2);
    hash = so_hash(&two);
    hash.b[0] ^= 1;
    so_refused(&s, &m, BFT_OK, "unknown here: no answer");
    hash.b[0] ^= 1;
    m.u.get_by_hash.kind = BFT_OBJECT_TX;
    so_refused(&s, &m, BFT_OK, "the shell's");
}

/* ---- block sync */

/* Four heights behind at once, less than that only after two seconds. */
Test(replica_sync, enters_when_behind)
{
    claim(1, 3);
    cr_expect(!so_view(&s).syncing);
    cr_expect_eq(asked(), 0);
    so_pass(&s, 1999);
    cr_expect(!so_view(&s).syncing);
    so_pass(&s, 1);
    cr_expect(so_view(&s).syncing);
    cr_expect_eq(asked(), 1);
    so_free(&s);
    so_init(&s, NULL);
    claim(2, 4);
    cr_expect(so_view(&s).syncing);
    cr_assert_eq(asked(), 1);
    const struct bft_get_blocks *g = &cl_sent(&s.c, 0, BFT_MSG_GET_BLOCKS)->u.get_blocks;
    cr_expect_eq(g->from, 1);
    cr_expect_eq(g->count, BFT_BLOCKS_MAX);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_SYNC], 1);
}

static struct bft_header run[70];
static struct so_cert run_proof;

/* `count` final blocks that node 0 does not know, proven by an attestation certificate. */
static struct bft_msg blocks_message(uint64_t from, uint32_t count)
{
    struct bft_header tip = s.tip;
    for (uint32_t i = 0; i < count; i++) {
        struct so_prop p = so_child(&s, so_view(&s).round + i);
        run[i] = p.h;
        s.c.node[0].stored[p.h.height] =
            (struct bft_final_block){.header = p.h, .hash = so_hash(&p.h), .executed = true};
        s.tip = p.h;
        s.tip_hash = so_hash(&p.h);
        s.tip_qc.qc.hash = s.tip_hash;
        s.tip_qc.qc.round = p.h.round;
    }
    so_attest_cert(&s, &run_proof, s.tip.height);
    (void)tip;
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS};
    m.u.blocks = (struct bft_blocks){.from = from, .header_count = count, .headers = run};
    m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &run_proof.cert};
    return m;
}

Test(replica_sync, blocks_with_a_proof_are_adopted)
{
    claim(1, 6);
    struct bft_msg m = blocks_message(1, 6);
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    struct bft_view v = so_view(&s);
    cr_expect_eq(v.final_height, 6);
    cr_expect_eq(v.executed_height, 6);
    cr_expect_eq(v.attested_height, 6);
    cr_expect(!v.syncing, "caught up");
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], 6);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_ATTEST);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_ATTEST], 0, "certified already");
}

/* [P-11.6] A node that syncs still gives timeouts and commit votes. */
Test(replica_sync, a_syncing_node_still_signs)
{
    claim(1, 60);
    cr_assert(so_view(&s).syncing);
    struct so_prop p = so_child(&s, 1);
    so_votes(&s, &p.h, SO_OTHERS);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_COMMIT], 1);
    so_pass(&s, 3000);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_TIMEOUT], 1);
}

Test(replica_sync, bad_blocks_change_nothing)
{
    struct bft_msg m = blocks_message(1, 6);
    so_refused(&s, &m, BFT_UNSOLICITED, "nobody asked");
    claim(1, 60);
    for (uint32_t way = 0; way < 9; way++) {
        struct bft_msg bad = m;
        static struct bft_header copy[6];
        static struct so_cert proof;
        memcpy(copy, run, sizeof copy);
        proof = run_proof;
        proof.cert.sigs = proof.sigs;
        bad.u.blocks.headers = copy;
        bad.u.blocks.proof.attest = &proof.cert;
        enum bft_verdict want = BFT_BAD_LINK;
        if (way == 0)
            copy[2].ts_ms++; /* the chain of hashes breaks */
        else if (way == 1)
            bad.u.blocks.header_count = 5; /* the proof is for the sixth */
        else if (way == 2)
            copy[3].filler = true;
        else if (way == 3)
            copy[3].height++;
        else if (way == 4)
            copy[3].epoch = 1;
        else if (way == 5)
            bad.u.blocks.from = 2;
        else if (way == 6)
            proof.cert.sig_count--, want = BFT_BAD_CERT;
        else if (way == 7)
            bad.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_NONE}, want = BFT_BAD_CERT;
        else
            proof.cert.fields.block_hash.b[0] ^= 1;
        so_refused(&s, &bad, want, "blocks");
    }
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 6);
}

/* A QC alone proves nothing; a commit certificate on the last header or a two-chain does. */
Test(replica_sync, proofs_by_commit_and_two_chain)
{
    for (uint32_t way = 0; way < 3; way++) {
        so_free(&s);
        so_init(&s, NULL);
        claim(1, 6);
        struct bft_msg m = blocks_message(1, 6);
        struct cl_cert qc = {.qc = {.epoch = 0}}, child_qc = {.qc = {.epoch = 0}};
        struct bft_proof *proof = &m.u.blocks.proof;
        struct td_hash hash = s.tip_hash;
        if (way == 0) {
            qc.qc = (struct bft_qc){.round = run[5].round, .hash = hash, .sigs = qc.sigs};
            for (uint16_t signer = 0; signer < 4; signer++) {
                struct bft_msg v;
                uint32_t node = cl_node_of(&s.c, signer);
                if (node == 0)
                    continue;
                cl_commit(&s.c, &v, node, 0, run[5].round, &hash);
                bft_bitmap_add(&qc.qc.signers, signer);
                qc.sigs[qc.qc.sig_count++] = v.u.commit.sig;
            }
            *proof = (struct bft_proof){.kind = BFT_PROOF_COMMIT, .commit = &qc.qc, .tip = &run[5]};
        } else {
            cl_qc(&s.c, &qc, 0, run[5].round, 6, &hash, SO_OTHERS);
            struct so_prop p = so_child_of(&s, &run[5], &qc.qc, run[5].round + way);
            struct td_hash child = so_hash(&p.h);
            cl_qc(&s.c, &child_qc, 0, p.h.round, 7, &child, SO_OTHERS);
            run[6] = p.h;
            *proof = (struct bft_proof){.kind = BFT_PROOF_TWO_CHAIN,
                                        .qc = &qc.qc,
                                        .qc_child = &child_qc.qc,
                                        .tip = &run[5],
                                        .child = &run[6]};
        }
        if (way == 2) {
            so_refused(&s, &m, BFT_BAD_CERT, "rounds not consecutive");
        } else {
            cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK, "way %u", way);
            cr_expect_eq(so_view(&s).final_height, 6, "way %u", way);
        }
    }
}

/* [P-4.6] A proven chain that leaves ours below our final height. */
Test(replica_sync, proven_blocks_against_ours_halt)
{
    so_block(&s);
    struct bft_header ours = s.tip;
    s.tip.ts_ms++; /* the others' block 1 was another one */
    s.tip_hash = so_hash(&s.tip);
    s.tip_qc.qc.hash = s.tip_hash;
    claim(1, 9);
    struct bft_msg m = blocks_message(2, 5);
    (void)cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_eq(so_view(&s).halt, BFT_HALT_TWO_FINALS);
    (void)ours;
}

/* A peer that claims much and has nothing: one question for each lie. */
Test(replica_sync, a_claim_that_yields_nothing_is_forgotten)
{
    struct bft_msg nothing = {.kind = BFT_MSG_BLOCKS};
    nothing.u.blocks.from = 1;
    for (uint32_t lies = 1; lies <= 3; lies++) {
        claim(1, UINT64_MAX);
        cr_expect(so_view(&s).syncing);
        cr_expect_eq(asked(), lies);
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &nothing), BFT_OK);
        cr_expect(!so_view(&s).syncing);
        so_pass(&s, 3000);
        cr_expect_eq(asked(), lies);
    }
}

/* Answers that do not help leave the question open; after a second somebody else gets it. */
Test(replica_sync, useless_answers_are_no_loop)
{
    so_blocks(&s, 6);
    struct bft_msg old = {.kind = BFT_MSG_BLOCKS};
    for (uint32_t i = 0; i < 3; i++)
        run[i] = s.c.node[0].stored[i + 1u].header;
    so_attest_cert(&s, &run_proof, 3);
    old.u.blocks = (struct bft_blocks){.from = 1, .header_count = 3, .headers = run};
    old.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &run_proof.cert};
    claim(1, 60);
    claim(2, 60);
    cr_assert_eq(asked(), 1);
    for (uint32_t i = 0; i < 10; i++)
        cr_expect_eq(cl_give_verified(&s.c, 0, 1, &old), BFT_STALE);
    cr_expect_eq(asked(), 1);
    so_pass(&s, 1000);
    cr_expect_eq(asked(), 2);
    so_pass(&s, 1000);
    cr_expect_eq(asked(), 3);
}

/* Blocks above a gap cannot be used. */
Test(replica_sync, blocks_above_a_gap_are_refused)
{
    claim(1, 60);
    struct bft_msg m = blocks_message(1, 6);
    m.u.blocks.from = 3;
    m.u.blocks.headers = run + 2;
    m.u.blocks.header_count = 4;
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_BAD_LINK);
    cr_expect_eq(so_view(&s).final_height, 0);
    cr_expect(!so_view(&s).syncing, "its claim was no help");
}

/* Part of the answer is known already: the rest is taken. */
Test(replica_sync, overlapping_blocks_are_adopted)
{
    so_blocks(&s, 3);
    claim(1, 60);
    uint64_t from = 2;
    run[0] = s.c.node[0].stored[2].header;
    run[1] = s.c.node[0].stored[3].header;
    struct bft_header known[2] = {run[0], run[1]};
    struct bft_msg m = blocks_message(4, 4);
    memmove(run + 2, run, 4 * sizeof run[0]);
    memcpy(run, known, sizeof known);
    m.u.blocks.from = from;
    m.u.blocks.header_count = 6;
    uint32_t finals = s.c.node[0].fx[BFT_FX_FINALIZE];
    cr_expect_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, 7);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FINALIZE], finals + 4u);
    cr_expect(so_view(&s).syncing, "60 are claimed");
    cr_expect_eq(asked(), 2, "and the next question is out");
    cr_expect_eq(cl_sent(&s.c, 0, BFT_MSG_GET_BLOCKS)->u.get_blocks.from, 8);
}

/* ---- a node that was away */

static void fast(struct bft_config *cfg)
{
    cfg->block_interval_ns = 200000000;
}

/* Node 3 is cut off for a while, three times, once across an epoch; it gets back each time. */
Test(replica_sync, enters_leaves_and_enters_again)
{
    static struct cl c;
    cl_init_with(&c, 4, NULL, fast, true);
    static const uint64_t away[] = {15, 20, 70};
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t height = cl_view(&c, 0).final_height;
        c.node[3].up = false;
        for (uint32_t k = 0; k < 3; k++) {
            struct bft_event down = {.kind = BFT_EV_PEER_DOWN, .peer = 3};
            cl_event(&c, k, &down);
        }
        cr_assert(cl_until_height(&c, height + away[i], 120000), "three of four go on");
        cr_assert_leq(cl_view(&c, 3).final_height, height + 2u);
        c.node[3].up = true;
        cl_restart(&c, 3, true);
        uint32_t syncs = c.node[3].fx[BFT_FX_SYNC];
        cl_connect(&c, 3);
        cl_run(&c, 8000);
        cr_expect_geq(c.node[3].fx[BFT_FX_SYNC], syncs + 2u, "on and off");
        cr_expect(!cl_view(&c, 3).syncing);
        cr_expect_geq(cl_view(&c, 3).final_height + 2u, cl_view(&c, 0).final_height, "time %u", i);
        cr_expect_eq(cl_view(&c, 3).mode, BFT_MODE_ACTIVE);
        uint64_t votes = c.node[3].signs[BFT_SIGNED_VOTE];
        cl_run(&c, 3000);
        cr_expect_gt(c.node[3].signs[BFT_SIGNED_VOTE], votes, "it votes again");
    }
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
    cl_free(&c);
}
