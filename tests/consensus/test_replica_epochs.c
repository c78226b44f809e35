/* Validator sets, the end of an epoch and the hand-off.  [P-8, P-10.5]
 * Method: one replica, the other three validators played by hand (solo.h), over the 64 blocks of
 * epoch 0; clusters where a set changes. */
#include "tests/consensus/solo.h"

#include <string.h>

#define LAST 64u

static struct solo s;

static void setup(void)
{
    so_init(&s, NULL);
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(replica_epochs, .init = setup, .fini = teardown);

static bool voted(const struct so_prop *p)
{
    cr_assert_eq(so_propose(&s, p), BFT_OK);
    return so_view(&s).last_voted == p->h.round;
}

static struct so_prop next_block(void)
{
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    if (s.attested.cert.fields.height > p.h.att_height)
        so_carry(&p, &s.attested);
    return p;
}

/* [P-8.2] Zero up to last - 13, the next set from last - 12 on. */
Test(replica_epochs, next_set_hash_from_last_minus_12)
{
    so_blocks(&s, LAST - 14);
    struct bft_sets sets;
    bft_sets_get(s.c.node[0].replica, &sets);
    struct so_prop p = next_block();
    cr_assert_eq(p.h.height, LAST - 13);
    p.h.next_set_hash = sets.next->hash;
    cr_expect(!voted(&p), "too early");
    so_skip(&s);
    so_block(&s);
    for (uint32_t way = 0; way < 2; way++) {
        p = next_block();
        cr_assert_eq(p.h.height, LAST - 12);
        p.h.next_set_hash = way == 0 ? (struct td_hash){{0}} : sets.cur->hash;
        cr_expect(!voted(&p), "way %u", way);
        so_skip(&s);
    }
    so_blocks(&s, LAST - 12);
    cr_expect(td_hash_eq(&s.tip.next_set_hash, &sets.next->hash));
    struct bft_attest_fields *f = &s.c.node[0].last_signed[BFT_SIGNED_ATTEST].u.attest.fields;
    cr_expect(td_hash_eq(&f->next_set_hash, &sets.next->hash), "L1 learns it from attestations");
    so_skip(&s);
    struct so_prop filler = so_filler(&s, so_view(&s).round);
    cr_expect(voted(&filler), "fillers copy it");
}

/* The last height ends its batch. */
Test(replica_epochs, last_height_ends_the_batch)
{
    so_blocks(&s, LAST - 1);
    struct so_prop p = next_block();
    cr_assert_eq(p.h.height, LAST);
    p.h.end_batch = false;
    cr_expect(!voted(&p));
}

/* [P-8.3] After `last` there are fillers until its attestation certificate exists; [P-8.5] then
 * rounds restart and nothing of the old epoch counts or is signed. */
Test(replica_epochs, fillers_until_the_attestation_certificate)
{
    so_blocks(&s, LAST - 1);
    s.attest = false;
    struct so_prop p = next_block();
    cr_assert(voted(&p));
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).final_height, LAST);
    cr_assert_eq(so_view(&s).epoch, 0);
    p = next_block();
    cr_assert_eq(p.h.height, LAST + 1);
    cr_expect(!voted(&p), "a block of epoch 0 above its last height");
    so_skip(&s);
    struct so_prop f = so_filler(&s, so_view(&s).round);
    cr_expect(voted(&f));
    so_certify(&s, &f.h);
    uint64_t round = so_view(&s).round;
    so_attest(&s, LAST, SO_OTHERS);
    struct bft_view v = so_view(&s);
    cr_expect_eq(v.epoch, 1);
    cr_expect_eq(v.round, 1);
    cr_expect_eq(v.last_voted, 0);
    cr_expect_eq(v.last_timeout, 0);
    cr_expect_eq(v.last_commit, 0);
    cr_expect_eq(v.high_qc_round, 0);
    cr_expect_eq(v.tree_nodes, 1, "fillers after last are gone");
    cr_expect_eq(s.c.node[0].fx[BFT_FX_ENTER_EPOCH], 1);
    struct bft_msg m;
    struct td_hash hash = {{1}};
    cl_vote(&s.c, &m, 1, 0, round, LAST, &hash);
    so_refused(&s, &m, BFT_STALE, "vote of the epoch before");
    cl_commit(&s.c, &m, 1, 0, round, &hash);
    so_refused(&s, &m, BFT_STALE, "commit vote");
    cl_timeout(&s.c, &m, 1, 0, round, 0);
    (void)cl_give_verified(&s.c, 0, 1, &m); /* answered with the hand-off */
    so_refused(&s, &m, BFT_STALE, "timeout");
}

Test(replica_epochs, blocks_go_on_in_the_next_epoch)
{
    so_blocks(&s, LAST + 10);
    struct bft_view v = so_view(&s);
    cr_expect_eq(v.epoch, 1);
    cr_expect_eq(v.final_height, LAST + 10);
    const struct bft_header *first = &s.c.node[0].stored[LAST + 1].header;
    cr_expect_eq(first->parent_round, 0);
    cr_expect(td_hash_eq(&first->prev_hash, &s.c.node[0].final_hash[LAST]));
    cr_expect_eq(first->att_height, LAST, "the genesis certificate attests last");
    so_blocks(&s, 2 * LAST + 3);
    cr_expect_eq(so_view(&s).epoch, 2);
}

/* D13: the first rounds of an epoch may need fillers too; they stand on block `last` itself. */
Test(replica_epochs, a_filler_on_the_genesis_certificate)
{
    so_blocks(&s, LAST);
    cr_assert_eq(so_view(&s).epoch, 1);
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop f = so_filler(&s, so_view(&s).round);
    cr_assert_eq(f.h.height, LAST);
    f.h.next_set_hash = s.tip.next_set_hash;
    cr_expect(!voted(&f), "the set hash of the epoch before is not copied");
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    f = so_filler(&s, so_view(&s).round);
    f.h.att_height = s.tip.att_height;
    f.h.att_digest = s.tip.att_digest;
    cr_expect(!voted(&f), "the attestation base is the genesis certificate");
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    f = so_filler(&s, so_view(&s).round);
    cr_expect(voted(&f));
    so_certify(&s, &f.h);
    so_block(&s);
    cr_expect_eq(so_view(&s).final_height, LAST + 1);
}

/* The commit votes for `last` are lost; it becomes final through a filler above it.  The
 * certificate that opens the next epoch is the attestation, so nothing is missing. */
Test(replica_epochs, pitfall_last_final_through_a_filler)
{
    so_blocks(&s, LAST - 1);
    s.attest = false;
    struct so_prop p = next_block();
    cr_assert(voted(&p));
    so_certify(&s, &p.h);
    cr_assert_eq(so_view(&s).final_height, LAST - 1);
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop f = so_filler(&s, so_view(&s).round);
    cr_assert(voted(&f));
    so_certify(&s, &f.h);
    cr_assert_eq(so_view(&s).final_height, LAST - 1, "rounds are not consecutive");
    so_commits(&s, &f.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).final_height, LAST);
    cr_assert_eq(so_view(&s).epoch, 0);
    s.tip = p.h;
    s.tip_hash = so_hash(&p.h);
    so_attest(&s, LAST, SO_OTHERS);
    cr_expect_eq(so_view(&s).epoch, 1);
    s.attest = true;
    so_blocks(&s, LAST + 2);
}

/* D16: a node that has `last` but saw no votes for it takes the certificate as its proof. */
Test(replica_epochs, attestation_certificate_proves_last_final)
{
    so_blocks(&s, LAST - 1);
    struct so_prop p = next_block();
    cr_assert(voted(&p));
    struct so_cert cert;
    /* The others finalized it; node 0 has not. */
    s.c.node[0].stored[LAST] =
        (struct bft_final_block){.header = p.h, .hash = so_hash(&p.h), .executed = true};
    so_attest_cert(&s, &cert, LAST);
    struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT, .u.attest_cert = cert.cert};
    cr_assert_eq(cl_give_verified(&s.c, 0, 1, &m), BFT_OK);
    cr_expect_eq(so_view(&s).final_height, LAST);
    cr_expect_eq(so_view(&s).epoch, 1);
    cr_expect_eq(s.c.node[0].proof_kind, BFT_PROOF_ATTEST);
}

/* [P-8.4] Only AttestCert(last) opens the epoch, not another height's certificate. */
Test(replica_epochs, the_genesis_certificate_is_of_last)
{
    so_blocks(&s, LAST - 1);
    struct so_cert earlier = s.attested;
    earlier.cert.sigs = earlier.sigs;
    so_blocks(&s, LAST);
    cr_assert_eq(so_view(&s).epoch, 1);
    struct bft_header parent = s.c.node[0].stored[LAST - 1].header;
    struct bft_qc fake = {.epoch = 1,
                          .height = LAST - 1,
                          .hash = s.c.node[0].final_hash[LAST - 1],
                          .genesis = &earlier.cert};
    struct so_prop p = so_child_of(&s, &parent, &fake, 1);
    struct bft_msg m;
    so_message(&s, &m, &p);
    (void)cl_give_verified(&s.c, 0, 1, &m);
    cr_expect_eq(so_view(&s).last_voted, 0);
    cr_expect_eq(so_view(&s).mode, BFT_MODE_ACTIVE);
    so_skip(&s);
    so_blocks(&s, LAST + 2);
}

/* ---- sets that change */

/* Kept between epochs: entries of node numbers in mask. */
static void set_of_nodes(struct cl *of, uint32_t epoch, uint32_t mask)
{
    struct bft_validator v[8];
    uint32_t n = 0;
    for (uint32_t i = 0; i < of->n; i++) {
        uint16_t at = bft_set_find(&of->sets[0], &of->node[i].addr);
        if ((mask >> i & 1u) != 0)
            v[n++] = of->sets[0].v[at];
    }
    enum td_error err = bft_set_init(&of->sets[epoch], epoch, v, n, BFT_SIGNERS_MAX);
    cr_assert_eq(err, TD_OK);
}

static struct cl c;

static void three_sets(struct bft_config *cfg)
{
    set_of_nodes(&c, 1, 0xF);
    set_of_nodes(&c, 2, 0x1F);
    cfg->schedule_count = 3;
    cfg->block_interval_ns = 100000000;
}

/* Epoch 1 is without node 4, epoch 2 has it back.  It follows meanwhile and signs nothing. */
Test(replica_epochs, a_member_leaves_and_returns)
{
    cl_init_with(&c, 5, NULL, three_sets, true);
    cr_assert(cl_until_height(&c, LAST + 5, 60000));
    cl_run(&c, 200);
    struct bft_view v = cl_view(&c, 4);
    cr_expect_eq(v.epoch, 1);
    cr_expect_eq(v.mode, BFT_MODE_FOLLOWER);
    cr_expect_eq(v.signer, BFT_NO_SIGNER);
    uint32_t signs = c.node[4].fx[BFT_FX_SIGN];
    cr_assert(cl_until_height(&c, 2 * LAST - 3, 60000));
    cr_expect_eq(c.node[4].fx[BFT_FX_SIGN], signs);
    cr_expect_geq(cl_view(&c, 4).final_height + 2u, 2 * LAST - 3, "it follows");
    cr_assert(cl_until_height(&c, 2 * LAST + 5, 60000));
    cl_run(&c, 6000);
    v = cl_view(&c, 4);
    cr_expect_eq(v.epoch, 2);
    cr_expect_eq(v.mode, BFT_MODE_ACTIVE);
    cr_expect_gt(c.node[4].fx[BFT_FX_SIGN], signs);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(c.node[i].halt, BFT_HALT_NONE);
    cl_free(&c);
}

/* ---- the set from L1 */

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
}

static struct bft_set elected;

/* Node 0 at height 48 = last - 16, whose origin names the registry hash of `elected`. */
static void elect(void)
{
    so_free(&s);
    so_init(&s, with_l1);
    struct bft_validator v[4];
    memcpy(v, s.c.sets[0].v, sizeof v);
    v[0].stake += 5;
    cr_assert_eq(bft_set_init(&elected, 1, v, 4, 16), TD_OK);
    s.c.node[0].say_origin = s.c.node[0].origin_good = true;
    so_blocks(&s, 47);
    struct so_prop p = next_block();
    p.h.origin = (struct bft_origin){.number = 9, .hash = {{9}}};
    bft_set_registry_hash(&p.h.origin.registry_set_hash, &elected);
    cr_assert(voted(&p));
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    so_attest(&s, 48, SO_OTHERS);
}

static void set_known(const struct bft_set *set, bool right_hash)
{
    struct bft_event ev = {.kind = BFT_EV_SET_KNOWN, .u.set_known.set = set};
    bft_set_registry_hash(&ev.u.set_known.registry_hash, &elected);
    ev.u.set_known.registry_hash.b[0] ^= !right_hash;
    cl_event(&s.c, 0, &ev);
}

static const struct bft_set *next_set(void)
{
    struct bft_sets sets;
    bft_sets_get(s.c.node[0].replica, &sets);
    return sets.next;
}

Test(replica_epochs, next_set_is_fetched_by_its_registry_hash)
{
    elect();
    cr_expect_null(next_set());
    cr_expect_eq(s.c.node[0].fetch.u.fetch.kind, BFT_OBJECT_SET);
    struct td_hash hash;
    bft_set_registry_hash(&hash, &elected);
    cr_expect(td_hash_eq(&s.c.node[0].fetch.u.fetch.hash, &hash));
    so_blocks(&s, 51);
    set_known(&elected, false);
    cr_expect_null(next_set(), "another set's preimage");
    /* Unknown still at 52: the vote waits. */
    struct so_prop p = next_block();
    p.h.next_set_hash = elected.hash;
    cr_expect(!voted(&p));
    set_known(&elected, true);
    cr_assert_not_null(next_set());
    cr_expect(td_hash_eq(&next_set()->hash, &elected.hash));
    cr_expect_eq(so_view(&s).last_voted, p.h.round);
}

/* [P-8.1] Malformed, empty or too large: the members stay. */
Test(replica_epochs, unusable_sets_keep_the_members)
{
    static struct bft_set bad;
    for (uint32_t way = 0; way < 3; way++) {
        elect();
        bad = elected;
        bad.count = way == 1 ? 0 : 17; /* validators_max is 16 here */
        set_known(way == 0 ? NULL : &bad, true);
        cr_assert_not_null(next_set(), "way %u", way);
        struct bft_set same;
        bft_set_advance(&same, &s.c.sets[0], 1);
        cr_expect(td_hash_eq(&next_set()->hash, &same.hash), "way %u", way);
    }
}

/* An unchanged registry needs no fetch. */
Test(replica_epochs, the_same_registry_keeps_the_members)
{
    so_free(&s);
    so_init(&s, with_l1);
    so_blocks(&s, 47);
    cr_expect_null(next_set(), "block 48 decides");
    so_block(&s);
    cr_expect_not_null(next_set());
    cr_expect_eq(s.c.node[0].fx[BFT_FX_FETCH], 0);
}
