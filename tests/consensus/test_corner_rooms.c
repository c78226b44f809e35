/* What happens when a step has used up its room: certificates for effects, messages, evidence.
 * [P-13]
 * Method: a replica brought to a state through its events, then one inner function called with the
 * room of the step cut short; no sequence of events fills every room at every place. */
#include "tests/consensus/solo.h"

#include <string.h>

#include "consensus/replica_internal.h"

static struct solo s;
static struct bft_replica *r;

static void setup(void)
{
    so_init_equal(&s, NULL);
    r = s.c.node[0].replica;
}

static void teardown(void)
{
    so_free(&s);
}

TestSuite(corner_rooms, .init = setup, .fini = teardown);

/* As the beginning of bft_step, with `messages` and `bytes` left for what it wants to say. */
static void step_with(uint32_t messages, size_t bytes)
{
    s.c.fx->count = 0;
    r->fx = s.c.fx;
    r->out_count = BFT_OUT_MAX - messages;
    r->final_out_count = r->evidence_count = 0;
    r->step_used = r->export_count = 0;
    r->step_cap = bytes < r->step_bytes ? bytes : r->step_bytes;
    r->now_ns = s.c.now_ns;
}

static uint32_t effects(enum bft_effect_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s.c.fx->count; i++)
        n += s.c.fx->list[i].kind == kind;
    return n;
}

#define ALL_BYTES SIZE_MAX
#define ALL_MESSAGES BFT_OUT_MAX
#define STRIDE 16u

/* ---- exports: either whole or not at all, at every size of the room */

typedef bool export_fn(const void *what);

static bool copies_qc(const void *what)
{
    const struct bft_qc *qc = what, *copy = bft_export_qc(r, qc);
    if (copy == NULL)
        return false;
    cr_assert(td_hash_eq(&copy->hash, &qc->hash));
    if (qc->sig_count > 0)
        cr_assert_eq(memcmp(copy->sigs, qc->sigs, qc->sig_count * sizeof qc->sigs[0]), 0);
    cr_assert_eq(copy->genesis != NULL, qc->genesis != NULL);
    cr_assert_neq((const void *)copy, (const void *)qc);
    return true;
}

static bool copies_tc(const void *what)
{
    const struct bft_tc *tc = what, *copy = bft_export_tc(r, tc);
    if (copy == NULL)
        return false;
    cr_assert_eq(memcmp(copy->entries, tc->entries, tc->entry_count * sizeof tc->entries[0]), 0);
    cr_assert_neq((const void *)copy->high_qc.sigs, (const void *)tc->high_qc.sigs);
    cr_assert_eq(bft_export_tc(r, tc), copy, "once per step");
    return true;
}

static bool copies_attest(const void *what)
{
    const struct bft_attest_cert *c = what, *copy = bft_export_attest(r, c);
    if (copy == NULL)
        return false;
    cr_assert_eq(memcmp(&copy->fields, &c->fields, sizeof c->fields), 0);
    cr_assert_eq(memcmp(copy->sigs, c->sigs, c->sig_count * sizeof c->sigs[0]), 0);
    return true;
}

static bool copies_batch(const void *what)
{
    const struct bft_batch_cert *c = what, *copy = bft_export_batch(r, c);
    if (copy == NULL)
        return false;
    cr_assert(td_hash_eq(&copy->batch_hash, &c->batch_hash));
    cr_assert_eq(memcmp(copy->sigs, c->sigs, c->sig_count * sizeof c->sigs[0]), 0);
    return true;
}

static bool copies_proof(const void *what)
{
    const struct bft_proof *p = what;
    struct bft_proof copy;
    if (!bft_export_proof(r, &copy, p))
        return false;
    cr_assert_eq(copy.kind, p->kind);
    if (p->tip != NULL)
        cr_assert_eq(memcmp(copy.tip, p->tip, sizeof *p->tip), 0);
    if (p->child != NULL)
        cr_assert_eq(memcmp(copy.child, p->child, sizeof *p->child), 0);
    return true;
}

static bool copies_entry(const void *what)
{
    const struct bft_entry *e = what;
    struct bft_entry copy;
    r->entry = *e;
    if (!bft_export_entry(r, &copy))
        return false;
    cr_assert_eq(copy.kind, e->kind);
    cr_assert_eq(copy.qc != NULL, e->qc != NULL);
    cr_assert_eq(copy.tc != NULL, e->tc != NULL);
    return true;
}

/* Refused below some size, done from there on, and never beyond the size given. */
static void whole_or_nothing(export_fn *copies, const void *what, const char *name)
{
    bool done = false;
    for (size_t cap = 0; cap <= 8192u; cap += STRIDE) {
        step_with(ALL_MESSAGES, cap);
        bool now = copies(what);
        cr_assert(now || !done, "%s: fits %zu bytes less", name, (size_t)STRIDE);
        cr_assert_leq(r->step_used, cap, "%s", name);
        cr_assert(cap > 0 || !now, "%s: copied into nothing", name);
        done = now;
    }
    cr_assert(done, "%s never fits", name);
}

Test(corner_rooms, exports_are_whole_or_nothing)
{
    so_blocks(&s, 4);
    so_skip(&s);
    struct cl_cert child = s.tip_qc;
    child.qc.sigs = child.sigs;
    child.qc.round++;
    child.qc.hash.b[0] ^= 1;
    struct bft_qc bare = {.round = 3}, genesis = {.epoch = 1, .genesis = &s.attested.cert};
    s.attested.cert.sigs = s.attested.sigs;
    struct bft_batch_cert batch = {.height = 4,
                                   .batch_hash = {{9}},
                                   .sigs = s.attested.sigs,
                                   .sig_count = s.attested.cert.sig_count};
    whole_or_nothing(copies_qc, &s.tip_qc.qc, "QC");
    whole_or_nothing(copies_qc, &bare, "QC without signatures");
    whole_or_nothing(copies_qc, &genesis, "genesis certificate");
    whole_or_nothing(copies_tc, &s.tc.tc, "TC");
    whole_or_nothing(copies_attest, &s.attested.cert, "attestation");
    whole_or_nothing(copies_batch, &batch, "batch");
    const struct bft_proof two = {.kind = BFT_PROOF_TWO_CHAIN,
                                  .qc = &s.tip_qc.qc,
                                  .qc_child = &child.qc,
                                  .tip = &s.tip,
                                  .child = &s.last};
    const struct bft_proof commit = {
        .kind = BFT_PROOF_COMMIT, .commit = &s.tip_qc.qc, .tip = &s.tip};
    const struct bft_proof attest = {.kind = BFT_PROOF_ATTEST, .attest = &s.attested.cert};
    whole_or_nothing(copies_proof, &two, "two-chain");
    whole_or_nothing(copies_proof, &commit, "commit proof");
    whole_or_nothing(copies_proof, &attest, "attestation proof");
    const struct bft_entry by_qc = {.kind = BFT_ENTRY_QC, .qc = &s.tip_qc.qc};
    const struct bft_entry by_tc = {.kind = BFT_ENTRY_TC, .tc = &s.tc.tc};
    whole_or_nothing(copies_entry, &by_qc, "entry QC");
    whole_or_nothing(copies_entry, &by_tc, "entry TC");
}

/* Nothing to copy needs no room; a kind that does not exist is refused. */
Test(corner_rooms, exports_of_nothing)
{
    struct bft_proof out;
    struct bft_entry entry;
    step_with(0, 0);
    cr_expect(bft_export_proof(r, &out, &(struct bft_proof){.kind = BFT_PROOF_NONE}));
    cr_expect_eq(out.kind, BFT_PROOF_NONE);
    cr_expect_not(bft_export_proof(r, &out, &(struct bft_proof){.kind = (enum bft_proof_kind)77}));
    r->entry = (struct bft_entry){.kind = BFT_ENTRY_NONE};
    cr_expect(bft_export_entry(r, &entry));
    cr_expect_eq(entry.kind, BFT_ENTRY_NONE);
}

/* Two TCs of one round whose highest QCs have other signatures are two certificates. */
Test(corner_rooms, exports_tell_signatures_apart)
{
    so_blocks(&s, 2);
    so_skip(&s);
    struct cl_cert other = s.tc;
    other.tc.high_qc = s.tip_qc.qc;
    other.tc.high_qc.sigs = other.sigs;
    memcpy(other.sigs, s.tip_qc.sigs, sizeof other.sigs);
    other.sigs[0].b[5] ^= 1;
    step_with(ALL_MESSAGES, ALL_BYTES);
    const struct bft_tc *a = bft_export_tc(r, &s.tc.tc), *b = bft_export_tc(r, &other.tc);
    cr_assert_not_null(a);
    cr_assert_not_null(b);
    cr_expect_neq(a, b);
    cr_expect_eq(b->high_qc.sigs[0].b[5], other.sigs[0].b[5]);
    r->export_count = BFT_EXPORTS_MAX;
    for (uint32_t i = 0; i < BFT_EXPORTS_MAX; i++)
        r->export_list[i] = (struct bft_export){.kind = BFT_EXPORT_TC, .sig_bytes = SIZE_MAX};
    const struct bft_tc *c = bft_export_tc(r, &s.tc.tc);
    cr_assert_not_null(c, "the list of copies is full, the room is not");
    cr_expect_neq(c, a);
    cr_expect_eq(r->export_count, BFT_EXPORTS_MAX);
}

/* A certificate of another epoch is kept as it is, also in round 0. */
Test(corner_rooms, only_this_epochs_round_zero_is_replaced)
{
    struct bft_qc other = {.epoch = 7, .hash = {{7}}};
    struct bft_qc ours = {.epoch = 0, .hash = {{8}}};
    bft_qc_put(r, &r->scratch_qc, &other);
    cr_expect_eq(r->scratch_qc.qc.epoch, 7);
    cr_expect_eq(r->scratch_qc.qc.hash.b[0], 7);
    bft_qc_put(r, &r->scratch_qc, &ours);
    cr_expect(td_hash_eq(&r->scratch_qc.qc.hash, &s.c.cfg.genesis_hash));
}

/* ---- messages */

/* Every sender finds no message left, then no room for the certificate it would send. */
static void says_nothing(void (*speak)(void), const char *what)
{
    step_with(0, ALL_BYTES);
    speak();
    cr_expect_eq(effects(BFT_FX_SEND), 0, "%s: sent without a message", what);
    step_with(ALL_MESSAGES, 0);
    speak();
    cr_expect_eq(effects(BFT_FX_SEND), 0, "%s: sent without its certificate", what);
    step_with(ALL_MESSAGES, ALL_BYTES);
    speak();
    cr_expect_geq(effects(BFT_FX_SEND), 1, "%s: not sent with all the room", what);
}

static void status(void)
{
    bft_status_send(r, 1);
}

static void help(void)
{
    bft_help_peer(r, 1, r->epoch);
}

static void timeout(void)
{
    bft_timeout_send(r, BFT_NO_PEER);
}

static struct bft_attest stale;

static void certified_before(void)
{
    cr_assert_eq(bft_on_attest(r, &stale, 1), BFT_STALE);
}

Test(corner_rooms, senders_stay_silent_and_try_again)
{
    so_blocks(&s, 6);
    so_skip(&s);
    says_nothing(status, "Status");
    says_nothing(help, "help");
    so_pass(&s, 60000);
    cr_assert(r->timeout_ready);
    says_nothing(timeout, "timeout");
    struct bft_msg m;
    so_attest_msg(&s, &m, 2, 3);
    stale = m.u.attest;
    says_nothing(certified_before, "attestation certificate");
}

Test(corner_rooms, resends_need_messages)
{
    so_blocks(&s, 3);
    s.attest = false;
    so_block(&s);
    s.c.now_ns += INT64_C(3000000000);
    step_with(0, ALL_BYTES);
    bft_attest_resend(r);
    bft_own_resend(r, 1);
    cr_expect_eq(effects(BFT_FX_SEND), 0);
    step_with(ALL_MESSAGES, ALL_BYTES);
    bft_attest_resend(r);
    bft_own_resend(r, 1);
    cr_expect_geq(effects(BFT_FX_SEND), 3, "attestation, vote, commit vote");
}

/* What becomes durable counts here even when nothing can be sent. */
Test(corner_rooms, own_messages_count_unsent)
{
    s.c.node[0].no_persist = true;
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_child(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    cr_assert_eq(r->own_count, 1);
    step_with(0, ALL_BYTES);
    bft_on_persisted(r, r->persist_next);
    cr_expect_eq(r->own_count, 1, "not released into a full step");
    r->out_count = 0;
    bft_own_release(r);
    cr_expect_eq(r->own_count, 0);
    cr_expect_eq(effects(BFT_FX_SEND), 1);
    cr_expect(bft_bitmap_has(&bft_round_peek(r, p.h.round)->votes.seen, r->self));
    bft_on_persisted(r, 0);
    cr_expect_eq(r->durable_id, r->persist_next, "an older report takes nothing back");
}

/* ---- effects that only a certificate's copy can carry */

Test(corner_rooms, certificates_without_room_still_count)
{
    so_blocks(&s, 2);
    s.attest = false;
    so_block(&s);
    so_attest_cert(&s, &s.attested, 3);
    step_with(ALL_MESSAGES, 0);
    cr_expect_eq(bft_on_attest_cert(r, &s.attested.cert), BFT_OK);
    cr_expect_eq(r->attested_height, 3);
    cr_expect_eq(effects(BFT_FX_ATTESTED), 0);
    step_with(ALL_MESSAGES, 0);
    bft_proof_emit(r);
    cr_expect_eq(effects(BFT_FX_FINAL_PROOF), 0);
    step_with(ALL_MESSAGES, ALL_BYTES);
    bft_proof_emit(r);
    cr_expect_eq(effects(BFT_FX_FINAL_PROOF), 1);
}

static bool tc_without_message(uint32_t messages, size_t bytes)
{
    uint64_t round = so_view(&s).round;
    struct bft_msg m;
    so_timeouts(&s, round, 0, 2u); /* two of three, this node joins: one is missing */
    cl_timeout(&s.c, &m, 2, 0, round, 0);
    step_with(messages, bytes);
    (void)bft_timeout_count(r, &m.u.timeout.t);
    cl_timeout(&s.c, &m, 3, 0, round, 0);
    r->step_cap = bytes < r->step_bytes ? bytes : r->step_bytes;
    (void)bft_timeout_count(r, &m.u.timeout.t);
    cr_expect_eq(r->round, round + 1u);
    return effects(BFT_FX_SEND) > 0;
}

Test(corner_rooms, a_timeout_certificate_enters_its_round_unsent)
{
    s.c.node[0].no_sign = true;
    cr_expect_not(tc_without_message(0, ALL_BYTES));
    cr_expect_not(tc_without_message(ALL_MESSAGES, 0));
    cr_expect(tc_without_message(ALL_MESSAGES, ALL_BYTES));
}

static struct bft_batch_attest late;

static void batch_certified_before(void)
{
    (void)bft_on_batch_attest(r, &late, 1);
}

static bool own_batch_repeated(uint32_t messages)
{
    step_with(messages, ALL_BYTES);
    bft_batch_resend(r);
    return effects(BFT_FX_SEND) > 0;
}

/* A batch whose certificate cannot be copied is certified all the same. */
Test(corner_rooms, batches_without_room)
{
    so_blocks(&s, 20);
    struct bft_executed x;
    const struct bft_final_block *b = &s.c.node[0].stored[20];
    cr_assert(b->header.end_batch);
    cl_executed(&s.c, &b->header, &b->hash, &x);
    cr_expect_not(own_batch_repeated(0));
    cr_expect(own_batch_repeated(ALL_MESSAGES));
    late = (struct bft_batch_attest){
        .set_hash = s.c.sets[0].hash, .batch_hash = x.batch_hash, .height = 20};
    step_with(ALL_MESSAGES, 0);
    for (uint32_t i = 1; i < 4; i++) {
        late.signer = cl_signer(&s.c, i);
        (void)bft_on_batch_attest(r, &late, BFT_NO_PEER);
    }
    cr_expect_eq(effects(BFT_FX_BATCH_CERT), 0);
    cr_expect_eq(bft_on_batch_attest(r, &late, BFT_NO_PEER), BFT_STALE, "it is done");
    cr_expect_not(own_batch_repeated(ALL_MESSAGES));
    says_nothing(batch_certified_before, "batch certificate");
    /* Ends at or below what the store holds certified are neither collected nor signed again. */
    uint32_t signs = s.c.node[0].signs[BFT_SIGNED_BATCH];
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++)
        r->has_own_batch[i] = false;
    step_with(ALL_MESSAGES, ALL_BYTES);
    bft_batch_restore(r, 20);
    bft_batch_sign_missing(r);
    cr_expect_eq(effects(BFT_FX_SIGN), 0);
    cr_expect_eq(s.c.node[0].signs[BFT_SIGNED_BATCH], signs);
    bft_batch_restore(r, 19);
    cr_expect_eq(bft_on_batch_attest(r, &late, BFT_NO_PEER), BFT_STALE, "kept, not opened twice");
}

static struct td_hash missing = {{0x51}};

static void root_proof(void)
{
    struct bft_get_by_hash m = {BFT_OBJECT_HEADER, 1, &missing};
    (void)bft_on_get_by_hash(r, &m, 1);
}

/* The proof of a filler root is due until it could be sent. */
Test(corner_rooms, root_proofs_without_room)
{
    so_blocks(&s, 3);
    so_skip(&s);
    while (cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
    struct so_prop p = so_filler(&s, so_view(&s).round);
    cr_assert_eq(so_propose(&s, &p), BFT_OK);
    so_certify(&s, &p.h);
    so_commits(&s, &p.h, SO_OTHERS);
    cr_assert_eq(so_view(&s).final_slot.round, p.h.round);
    says_nothing(root_proof, "proof of the root");
}

static void ask_blocks(void)
{
    r->sync_from = 0;
    bft_sync_check(r);
}

Test(corner_rooms, sync_asks_when_it_can)
{
    so_blocks(&s, 2);
    s.c.node[0].mute = true;
    so_status(&s, 2, 50);
    cr_assert(so_view(&s).syncing);
    step_with(0, ALL_BYTES);
    ask_blocks();
    cr_expect_eq(r->sync_from, 0, "not asked");
    step_with(ALL_MESSAGES, ALL_BYTES);
    ask_blocks();
    cr_expect_eq(r->sync_from, 3);
    cr_expect_eq(effects(BFT_FX_SEND), 1);
}

/* Wishes: sets are never given up for headers, nor newer headers for older ones. */
Test(corner_rooms, wishes_yield_to_newer_ones_only)
{
    struct td_hash hash = {{0}};
    const struct bft_bitmap none = {{0}};
    step_with(ALL_MESSAGES, ALL_BYTES);
    for (uint8_t i = 0; i < BFT_WANTED_MAX; i++) {
        hash.b[0] = (uint8_t)(i + 1u);
        bft_want(r, i < 8 ? BFT_OBJECT_SET : BFT_OBJECT_HEADER, &hash, &none, 10);
    }
    hash.b[0] = 0x99;
    bft_want(r, BFT_OBJECT_HEADER, &hash, &none, 10);
    bft_want(r, BFT_OBJECT_HEADER, &hash, &none, 3);
    uint32_t sets = 0, news = 0;
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++)
        news += r->wanted[i].hash.b[0] == 0x99;
    cr_expect_eq(news, 0);
    bft_want(r, BFT_OBJECT_HEADER, &hash, &none, 11);
    bft_want(r, BFT_OBJECT_HEADER, &hash, &none, 12);
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++) {
        news += r->wanted[i].hash.b[0] == 0x99;
        sets += r->wanted[i].kind == BFT_OBJECT_SET;
    }
    cr_expect_eq(news, 1, "and once");
    cr_expect_eq(sets, 8);
}

/* ---- the own proposal */

static void before_own_round(void)
{
    while (cl_leader(&s.c, so_view(&s).round + 1u) != 0 || cl_leader(&s.c, so_view(&s).round) == 0)
        so_skip(&s);
}

static void own_proposal(void)
{
    struct bft_propose p = {r->epoch, r->round, r->own_hash, r->self, {{0}}};
    bft_own_proposal_out(r, &p);
}

/* Neither without a message, nor without each of its three certificates. */
Test(corner_rooms, own_proposals_leave_whole_or_not_at_all)
{
    so_blocks(&s, 3);
    before_own_round();
    s.c.node[0].no_persist = true;
    so_skip(&s);
    cr_assert_eq(r->last_proposed, r->round);
    cr_assert(r->own_has_tc);
    r->own_has_att = true;
    bft_attest_put(&r->own_att, &r->attested.cert);
    says_nothing(own_proposal, "own proposal");
    bool sent = false;
    for (size_t cap = 0; cap <= 8192u; cap += STRIDE) {
        step_with(ALL_MESSAGES, cap);
        own_proposal();
        cr_assert(effects(BFT_FX_SEND) == 1 || !sent, "with %zu bytes", cap);
        sent = effects(BFT_FX_SEND) == 1;
    }
    cr_expect(sent);
}

/* ---- entering an epoch */

static void last_final(void)
{
    so_blocks(&s, 63);
    s.attest = false;
    so_block(&s);
    cr_assert_eq(so_view(&s).epoch, 0);
    so_attest_cert(&s, &s.attested, 64);
    step_with(ALL_MESSAGES, ALL_BYTES);
    cr_assert_eq(bft_on_attest_cert(r, &s.attested.cert), BFT_OK);
}

static void enter_with(uint32_t messages, size_t bytes)
{
    last_final();
    step_with(messages, bytes);
    bft_epoch_try_next(r);
    cr_expect_eq(r->epoch, 1);
    cr_expect_eq(effects(BFT_FX_ENTER_EPOCH), 1);
    cr_expect_eq(effects(BFT_FX_SEND), messages > 0 && bytes > 0 ? 1 : 0);
}

Test(corner_rooms, an_epoch_begins_without_a_message)
{
    enter_with(0, ALL_BYTES);
}

Test(corner_rooms, an_epoch_begins_without_room_for_its_certificate)
{
    enter_with(ALL_MESSAGES, 0);
}

Test(corner_rooms, an_epoch_begins_and_its_certificate_is_sent)
{
    enter_with(ALL_MESSAGES, ALL_BYTES);
}

/* ---- L1 origins to compare */

static void with_l1(struct bft_config *cfg)
{
    cfg->has_l1 = true;
}

/* Asked only with the header at hand; without room the block waits, nothing is taken for granted.
 */
Test(corner_rooms, origins_are_asked_for_with_a_copy)
{
    so_free(&s);
    so_init_equal(&s, with_l1);
    r = s.c.node[0].replica;
    for (uint32_t i = 0; i < 2; i++) {
        struct bft_header h = so_child(&s, so_view(&s).round).h;
        h.origin = (struct bft_origin){.number = 9u + i};
        struct td_hash hash = so_hash(&h);
        step_with(ALL_MESSAGES, i == 0 ? 0 : ALL_BYTES);
        uint32_t at = bft_tree_add(r, &h, &hash);
        cr_assert_neq(at, BFT_NODE_NONE);
        cr_expect_eq(r->tree.node[at].origin, i == 0 ? BFT_ORIGIN_UNASKED : BFT_ORIGIN_ASKED);
        cr_expect_eq(effects(BFT_FX_CHECK_ORIGIN), i);
    }
}

/* What one step could not ask, the step that wants to vote asks. */
Test(corner_rooms, an_origin_without_room_is_asked_for_later)
{
    so_free(&s);
    so_init(&s, with_l1);
    so_blocks(&s, 15);
    r = s.c.node[0].replica;
    struct so_prop p = so_child(&s, so_view(&s).round);
    so_carry(&p, &s.attested);
    p.h.origin = (struct bft_origin){.number = 5, .hash = {{5}}, .deposit_count = 2};
    struct td_hash hash = so_hash(&p.h);
    step_with(ALL_MESSAGES, 0);
    uint32_t at = bft_tree_add(r, &p.h, &hash);
    cr_assert_neq(at, BFT_NODE_NONE);
    cr_assert_eq(r->tree.node[at].origin, BFT_ORIGIN_UNASKED);
    cr_assert_eq(s.c.node[0].fx[BFT_FX_CHECK_ORIGIN], 0);
    cr_expect_eq(so_propose(&s, &p), BFT_OK);
    cr_expect_eq(s.c.node[0].fx[BFT_FX_CHECK_ORIGIN], 1);
    struct bft_event ev = {.kind = BFT_EV_ORIGIN_VERDICT};
    ev.u.verdict.hash = hash;
    ev.u.verdict.valid = true;
    cl_event(&s.c, 0, &ev);
    cr_expect_eq(so_view(&s).last_voted, 16);
}

/* A Status needs both certificates; a QC without its entry is not sent. */
Test(corner_rooms, a_status_has_both_certificates)
{
    so_blocks(&s, 3);
    so_skip(&s);
    bool sent = false;
    for (size_t cap = 0; cap <= 8192u; cap += STRIDE) {
        step_with(ALL_MESSAGES, cap);
        bft_status_send(r, 1);
        cr_assert(effects(BFT_FX_SEND) == 1 || !sent, "with %zu bytes", cap);
        sent = effects(BFT_FX_SEND) == 1;
    }
    cr_expect(sent);
}

/* ---- evidence: four in one step, and a message each */

static struct bft_evidence pair_of(uint16_t signer, enum bft_evidence_kind kind)
{
    struct bft_evidence e = {.kind = kind};
    e.a.kind = e.b.kind = BFT_SIGNED_VOTE;
    e.a.u.vote = (struct bft_vote){.round = 1, .signer = signer};
    e.b.u.vote = (struct bft_vote){.round = 1, .signer = signer, .hash = {{1}}};
    return e;
}

Test(corner_rooms, evidence_is_bounded_per_step)
{
    step_with(ALL_MESSAGES, ALL_BYTES);
    struct bft_evidence e = pair_of((uint16_t)s.c.sets[0].count, BFT_EVIDENCE_TWO_VOTES);
    cr_expect_eq(bft_on_evidence(r, &e), BFT_DUPLICATE, "nobody of this set");
    for (uint16_t i = 0; i < 4; i++) {
        e = pair_of(i, BFT_EVIDENCE_TWO_VOTES);
        cr_expect_eq(bft_on_evidence(r, &e), BFT_OK);
    }
    e = pair_of(0, BFT_EVIDENCE_TWO_TIMEOUTS);
    cr_expect_eq(bft_on_evidence(r, &e), BFT_DUPLICATE, "a fifth must wait");
    cr_expect_eq(effects(BFT_FX_EVIDENCE), 4);
    cr_expect_eq(effects(BFT_FX_SEND), 4);
    step_with(0, ALL_BYTES);
    cr_expect_eq(bft_on_evidence(r, &e), BFT_OK, "it was not counted as seen");
    cr_expect_eq(effects(BFT_FX_EVIDENCE), 1);
    cr_expect_eq(effects(BFT_FX_SEND), 0);
}

/* ---- lookups at their edges */

Test(corner_rooms, lookups_at_their_edges)
{
    so_blocks(&s, 3);
    cr_expect_null(bft_final_at(r, 0));
    cr_expect_null(bft_final_peek(r, 0));
    cr_expect_null(bft_final_at(r, 4));
    cr_expect_null(bft_final_at(r, 3 + BFT_FINAL_RING));
    cr_expect_not_null(bft_final_at(r, 3));
    cr_expect_null(bft_round_get(r, 0));
    cr_expect_null(bft_round_peek(r, 0));
    cr_expect_null(bft_round_get(r, r->round + TD_ROUNDS_AHEAD_MAX + 1u));
    cr_expect_not_null(bft_round_get(r, r->round + TD_ROUNDS_AHEAD_MAX));
    cr_expect_eq(bft_tree_find(&r->tree, &(struct td_hash){{0xEE}}), BFT_NODE_NONE);
    cr_expect(bft_tree_descends(&r->tree, r->tree.root, r->tree.root));
    cr_expect_not(bft_tree_descends(&r->tree, r->tree.root, r->tree.root + 1u));
    cr_expect_not(bft_own_pending(r, BFT_SIGNED_VOTE, 1));
}

/* Asked for what is not there, the functions behind the events do nothing. */
Test(corner_rooms, nothing_follows_from_nothing)
{
    so_blocks(&s, 3);
    struct bft_view before = so_view(&s), after;
    step_with(ALL_MESSAGES, ALL_BYTES);
    bft_attest_sign(r, 999);
    bft_attest_sign(r, r->attested_height + TD_ATTEST_SLOTS + 1u);
    struct bft_qc other = s.tip_qc.qc;
    other.epoch = 9;
    bft_two_chain(r, &other);
    bft_commit_cert(r, &other);
    other = s.tip_qc.qc;
    other.round = 0;
    bft_two_chain(r, &other);
    bft_commit_cert(r, &other);
    struct bft_proof none = {.kind = (enum bft_proof_kind)77};
    bft_on_signed(r, &(struct bft_signed){.kind = BFT_SIGNED_VOTE});
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote.signer = (uint16_t)s.c.sets[0].count;
    bft_seen_note(r, &m);
    bft_help_peer(r, BFT_NO_PEER, 0);
    bft_help_peer(r, 300, 0);
    struct bft_propose p = {r->epoch + 1u, r->round, r->own_hash, r->self, {{0}}};
    bft_own_proposal_out(r, &p);
    p = (struct bft_propose){r->epoch, r->round, {{0xAB}}, r->self, {{0}}};
    bft_own_proposal_out(r, &p);
    bft_halt(r, BFT_HALT_GUARD);
    bft_halt(r, BFT_HALT_TWO_QCS);
    cr_expect_eq(effects(BFT_FX_HALT), 1, "once, and the first reason stays");
    cr_expect_eq(r->halt, BFT_HALT_GUARD);
    cr_expect_eq(s.c.fx->count, 1, "nothing else was asked for");
    bft_proof_store(r, &none);
    cr_expect_eq(r->proof_kind, none.kind);
    bft_proof_get(r, &none);
    cr_expect_null(none.tip);
    after = so_view(&s);
    cr_expect_eq(after.final_height, before.final_height);
    cr_expect_eq(after.round, before.round);
}
