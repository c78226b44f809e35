/* Structure checks and signature lists, with real secp256k1 keys.
 * Method: every message of the fixture, signed by sets of 4 and 7, must pass with all its
 * signatures good; then each signature is forged in place; then one row per rule bends one message.
 */
#include <criterion/criterion.h>

#include "base/host/secp.h"
#include "consensus/guard.h"
#include "tests/consensus/golden/fixture.h"

static struct td_secp *secp;
static struct td_secp_key key[7]; /* by made-up order, not signer index */
static struct bft_validator entries[7];
static struct fx f;
static uint8_t bytes[FX_MESSAGE_BYTES_MAX], changed[FX_MESSAGE_BYTES_MAX];
static _Alignas(16) uint8_t room[BFT_DECODE_ARENA_BYTES];
static struct bft_sig_check checks[BFT_SIG_CHECKS_MAX];

static void sign_real(void *ctx, const struct bft_set *set, uint32_t signer,
                      const struct td_hash *digest, struct td_sig *out)
{
    (void)ctx;
    for (uint32_t i = 0; i < 7; i++) {
        if (td_addr_eq(&entries[i].addr, &set->v[signer].addr))
            cr_assert_eq(td_secp_sign(secp, &key[i], digest, out), TD_OK);
    }
}

static void use_set(uint32_t count)
{
    fx_init(&f, entries, count, sign_real, NULL);
}

static void setup(void)
{
    secp = td_secp_new();
    cr_assert_neq(secp, NULL);
    for (uint32_t i = 0; i < 7; i++) {
        struct td_hash secret = fx_hash("secret", i);
        struct td_secp_pub pub;
        cr_assert_eq(td_secp_key_init(secp, &key[i], secret.b), TD_OK);
        td_secp_key_pub(secp, &pub, &key[i]);
        td_secp_pub_encode(secp, &entries[i].key, &pub);
        td_secp_pub_addr(secp, &entries[i].addr, &pub);
        entries[i].stake = 10;
    }
    use_set(7);
}

static void teardown(void)
{
    td_secp_free(secp);
}

TestSuite(verify, .init = setup, .fini = teardown, .timeout = 240);

static bool check_holds(const struct bft_sig_check *k)
{
    struct td_secp_pub pub;
    cr_assert_eq(td_secp_pub_decode(secp, &pub, k->key), TD_OK);
    return k->exact ? td_secp_verify(secp, &pub, &k->digest, &k->sig)
                    : td_secp_verify_either(secp, &pub, &k->digest, &k->sig);
}

static bool signatures_hold(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!check_holds(&checks[i]))
            return false;
    }
    return true;
}

/* What the shell does with a message. */
static enum bft_verdict judge(struct bft_msg *m)
{
    uint32_t count = UINT32_MAX;
    enum bft_verdict v = bft_verify_collect(&f.ctx, m, checks, &count);
    cr_assert(count <= BFT_SIG_CHECKS_MAX);
    if (v != BFT_OK) {
        cr_assert_eq(count, 0, "a refused message lists nothing");
        return v;
    }
    return signatures_hold(count) ? BFT_OK : BFT_BAD_SIGNATURE;
}

/* The same for a frame. */
static enum bft_verdict judge_bytes(const uint8_t *buf, size_t len)
{
    struct td_arena arena;
    struct bft_msg m;
    td_arena_init(&arena, room, sizeof room);
    if (bft_msg_decode(&m, &arena, buf, len) != TD_OK)
        return BFT_MALFORMED;
    return judge(&m);
}

static size_t build(const char *name)
{
    struct bft_msg m;
    fx_build(&f, fx_find(name), &m);
    return fx_encode(bytes, &m);
}

Test(verify, good_messages_pass_with_every_signature)
{
    static const uint32_t COUNTS[] = {4, 7};
    for (uint32_t s = 0; s < 2; s++) {
        use_set(COUNTS[s]);
        for (f.first = 0; f.first < COUNTS[s]; f.first += 3) {
            for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
                size_t len = build(FX_CASES[i].name);
                cr_expect_eq(judge_bytes(bytes, len), FX_CASES[i].want, "%s with %u",
                             FX_CASES[i].name, COUNTS[s]);
            }
        }
    }
}

static uint8_t *find_sig(uint8_t *buf, size_t len, const struct td_sig *sig)
{
    for (size_t at = 0; at + TD_SIG_BYTES <= len; at++) {
        if (memcmp(buf + at, sig->b, TD_SIG_BYTES) == 0)
            return buf + at;
    }
    return NULL;
}

/* Forged: one bit of r, of s, and the parity bit, of each signature of each message.  The parity
 * bit is noticed exactly where L1 will read it.  [P-1.3] */
Test(verify, every_forged_signature_is_noticed)
{
    static const size_t AT[] = {0, 32, 63};
    uint32_t forged = 0, flipped = 0;
    use_set(4);
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        static struct bft_sig_check listed[BFT_SIG_CHECKS_MAX];
        uint32_t count;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        if (bft_verify_collect(&f.ctx, &m, listed, &count) != BFT_OK)
            continue;
        for (uint32_t k = 0; k < count; k++) {
            for (size_t b = 0; b < 3; b++) {
                memcpy(changed, bytes, len);
                uint8_t *at = find_sig(changed, len, &listed[k].sig);
                cr_assert_neq(at, NULL);
                at[AT[b]] ^= b == 1 ? 0x80 : 1;
                enum bft_verdict v = judge_bytes(changed, len);
                bool names_tc = m.kind == BFT_MSG_PROPOSAL && m.u.proposal.tc != NULL;
                if (b == 1 && !listed[k].exact) {
                    cr_expect(v == BFT_OK || (names_tc && v == BFT_BAD_HEADER), "%s parity %u: %s",
                              FX_CASES[i].name, k, bft_verdict_text(v));
                    flipped++;
                    continue;
                }
                /* A changed TC no longer has the hash that its header names; a repeated QC is
                 * listed twice once its copies differ. */
                cr_expect(v == BFT_BAD_SIGNATURE || v == BFT_BAD_HEADER, "%s signature %u: %s",
                          FX_CASES[i].name, k, bft_verdict_text(v));
                forged++;
            }
        }
    }
    cr_expect_gt(forged, 300, "%u", forged);
    cr_expect_gt(flipped, 60, "%u", flipped);
}

static uint32_t attest_sigs(const struct bft_qc *qc)
{
    return qc != NULL && qc->genesis != NULL ? qc->genesis->sig_count : 0;
}

static uint32_t attest_sigs_in(const struct bft_by_hash *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->object_count; i++) {
        struct td_arena arena;
        struct td_reader r;
        struct bft_qc qc;
        td_arena_init(&arena, room, sizeof room);
        td_reader_init(&r, b->objects[i].ptr, b->objects[i].len);
        bft_qc_decode(&r, &arena, &qc);
        cr_assert_eq(td_reader_finish(&r), TD_OK);
        n += attest_sigs(&qc);
    }
    return n;
}

/* Signatures of a message that L1 may be handed as they are, by the text of [P-1.3]. */
static uint32_t exact_wanted(const struct bft_msg *m, uint32_t all)
{
    uint32_t n = 0;
    switch (m->kind) {
    case BFT_MSG_ATTEST:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_ATTEST:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_EVIDENCE:
        return all;
    case BFT_MSG_STATUS:
        for (uint32_t i = 0; i < m->u.status.own_count; i++)
            n += m->u.status.own[i].kind == BFT_SIGNED_ATTEST ||
                 m->u.status.own[i].kind == BFT_SIGNED_BATCH;
        return n + attest_sigs(m->u.status.high_qc);
    case BFT_MSG_PROPOSAL:
        n = m->u.proposal.attest_cert != NULL ? m->u.proposal.attest_cert->sig_count : 0;
        return n + attest_sigs(&m->u.proposal.qc);
    case BFT_MSG_TIMEOUT:
        return attest_sigs(m->u.timeout.lock_qc) +
               (m->u.timeout.entry.kind == BFT_ENTRY_QC ? attest_sigs(m->u.timeout.entry.qc) : 0);
    case BFT_MSG_CERTIFICATE:
        if (m->u.certificate.kind == BFT_CERTIFICATE_QC)
            return attest_sigs(m->u.certificate.qc);
        return m->u.certificate.kind == BFT_CERTIFICATE_PROOF &&
                       m->u.certificate.proof.kind == BFT_PROOF_ATTEST
                   ? all
                   : 0;
    case BFT_MSG_BLOCKS:
        return m->u.blocks.proof.kind == BFT_PROOF_ATTEST ? all : 0;
    case BFT_MSG_BY_HASH:
        return m->u.by_hash.kind == BFT_OBJECT_QC ? attest_sigs_in(&m->u.by_hash) : 0;
    case BFT_MSG_VOTE:
    case BFT_MSG_COMMIT:
    case BFT_MSG_HELLO:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_TX:
        return 0;
    }
    cr_assert_fail("kind %d", (int)m->kind);
    return 0;
}

Test(verify, exact_is_what_l1_recovers)
{
    uint32_t exact = 0, either = 0;
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        uint32_t count, n = 0;
        fx_build(&f, i, &m);
        if (bft_verify_collect(&f.ctx, &m, checks, &count) != BFT_OK)
            continue;
        for (uint32_t k = 0; k < count; k++)
            n += checks[k].exact;
        cr_expect_eq(n, exact_wanted(&m, count), "%s: %u of %u", FX_CASES[i].name, n, count);
        exact += n;
        either += count - n;
    }
    cr_expect_gt(exact, 40, "%u", exact);
    cr_expect_gt(either, 60, "%u", either);
}

/* ---- the parity bit between votes and evidence */

static struct td_sig *sig_of(struct bft_signed *m)
{
    struct td_sig *const all[] = {&m->u.propose.sig, &m->u.vote.sig,   &m->u.commit.sig,
                                  &m->u.timeout.sig, &m->u.attest.sig, &m->u.batch.sig};
    return all[m->kind - 1];
}

/* A stored vote may have been flipped on its way.  Evidence made of it holds only after the shell
 * fixed both signatures, which the listed checks let it do. */
Test(verify, evidence_needs_its_parity_fixed)
{
    static const char *const NAMES[] = {"evidence_two_proposals", "evidence_two_votes",
                                        "evidence_two_timeouts",  "evidence_two_attests",
                                        "evidence_commit_lock",   "evidence_vote_lock"};
    for (uint32_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct bft_msg m;
        uint32_t count;
        fx_build(&f, fx_find(NAMES[i]), &m);
        struct bft_signed *const pair[] = {&m.u.evidence.a, &m.u.evidence.b};
        for (uint32_t k = 0; k < 2; k++) {
            sig_of(pair[k])->b[32] ^= 0x80;
            cr_expect_eq(judge(&m), BFT_BAD_SIGNATURE, "%s: %u flipped", NAMES[i], k + 1);
        }
        cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
        cr_assert_eq(count, 2);
        for (uint32_t k = 0; k < 2; k++) {
            struct td_secp_pub pub;
            cr_assert_eq(td_secp_pub_decode(secp, &pub, checks[k].key), TD_OK);
            cr_expect_eq(td_secp_parity_fix(secp, &pub, &checks[k].digest, sig_of(pair[k])), TD_OK,
                         "checks are listed in the order a, b");
        }
        cr_expect_eq(judge(&m), BFT_OK, "%s: fixed", NAMES[i]);
    }
}

/* Or a relayer could make two messages of one, and an honest signer guilty. */
Test(verify, a_flipped_parity_makes_no_second_message)
{
    static const struct {
        const char *name;
        enum bft_evidence_kind kind;
    } PAIRS[] = {{"evidence_two_proposals", BFT_EVIDENCE_TWO_PROPOSALS},
                 {"evidence_two_votes", BFT_EVIDENCE_TWO_VOTES},
                 {"evidence_two_timeouts", BFT_EVIDENCE_TWO_TIMEOUTS},
                 {"evidence_two_attests", BFT_EVIDENCE_TWO_ATTESTS}};
    struct bft_signed one, two;
    struct bft_msg m;
    for (uint32_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        fx_build(&f, fx_find(PAIRS[i].name), &m);
        m.u.evidence.b = m.u.evidence.a;
        sig_of(&m.u.evidence.b)->b[32] ^= 0x80;
        cr_expect_eq(judge(&m), BFT_BAD_CERT, "%s", PAIRS[i].name);
    }
    fx_build(&f, fx_find("status_full"), &m);
    cr_assert_eq(m.u.status.own_count, 8);
    for (uint32_t i = 0; i < m.u.status.own_count; i++) {
        struct bft_guard g;
        bft_guard_init(&g);
        one = two = m.u.status.own[i];
        sig_of(&two)->b[32] ^= 0x80;
        cr_expect(bft_signed_same(&one, &two), "kind %d", (int)one.kind);
        bft_guard_keep(&g, &one, 0);
        cr_expect_eq(bft_guard_compare(&g, &two), BFT_GUARD_KNOWN, "no doppelganger");
        cr_expect_eq(bft_guard_admit(&g, &two), BFT_GUARD_SAME);
        cr_expect(td_sig_eq(sig_of(&two), sig_of(&one)), "the kept bytes leave again");
    }
}

/* ---- bending the signer list of a certificate */

static struct bft_qc *first_qc(struct bft_msg *m)
{
    fx_build(&f, fx_find("certificate_qc"), m);
    return (struct bft_qc *)m->u.certificate.qc;
}

Test(verify, reordered_and_duplicated_signatures_fail)
{
    struct bft_msg m;
    struct bft_qc *qc = first_qc(&m);
    struct td_sig *sigs = (struct td_sig *)qc->sigs, kept = sigs[0];
    sigs[0] = sigs[1];
    cr_expect_eq(judge(&m), BFT_BAD_SIGNATURE, "duplicated");
    sigs[1] = kept;
    cr_expect_eq(judge(&m), BFT_BAD_SIGNATURE, "reordered");
    kept = sigs[0];
    sigs[0] = sigs[1];
    sigs[1] = kept;
    cr_expect_eq(judge(&m), BFT_OK, "as it was");
}

Test(verify, truncated_certificates_fail)
{
    struct bft_msg m;
    struct bft_qc *qc = first_qc(&m);
    size_t len = fx_encode(bytes, &m);
    cr_expect_eq(judge_bytes(bytes, len - TD_SIG_BYTES), BFT_MALFORMED, "bitmap says more");
    qc->sig_count--;
    cr_expect_eq(judge(&m), BFT_BAD_CERT, "count differs from the bitmap");
    qc->signers.word[0] &= qc->signers.word[0] - 1;
    cr_expect_eq(judge(&m), BFT_BAD_CERT, "one signer below the quorum");
}

Test(verify, non_members_in_a_certificate_fail)
{
    struct bft_msg m;
    struct td_sig more[8];
    struct bft_qc *qc = first_qc(&m);
    memcpy(more, qc->sigs, qc->sig_count * sizeof more[0]);
    more[qc->sig_count] = more[0];
    bft_bitmap_add(&qc->signers, 7);
    qc->sig_count++;
    qc->sigs = more;
    cr_expect_eq(judge(&m), BFT_BAD_CERT, "first index past the set");
    qc->signers.word[0] &= ~(UINT64_C(1) << 7);
    bft_bitmap_add(&qc->signers, 255);
    cr_expect_eq(judge(&m), BFT_BAD_CERT, "last index of all");
}

/* ---- one row per rule */

static struct td_sig spare_sigs[8];
static struct bft_tc spare_tc;
static struct bft_qc spare_qc;
static struct bft_attest_cert spare_cert;
static struct bft_tc_entry spare_entries[8];
static struct bft_header spare_header, spare_child;

/* Writable copies: the fixture hands out const parts. */
static struct bft_qc *own_qc(const struct bft_qc **at)
{
    spare_qc = **at;
    *at = &spare_qc;
    return &spare_qc;
}

static struct bft_tc *own_tc(const struct bft_tc **at)
{
    spare_tc = **at;
    memcpy(spare_entries, spare_tc.entries, spare_tc.entry_count * sizeof spare_entries[0]);
    spare_tc.entries = spare_entries;
    *at = &spare_tc;
    return &spare_tc;
}

static struct bft_attest_cert *own_cert(const struct bft_attest_cert **at)
{
    spare_cert = **at;
    *at = &spare_cert;
    return &spare_cert;
}

static struct bft_header *own_header(const struct bft_header **at, struct bft_header *spare)
{
    *spare = **at;
    *at = spare;
    return spare;
}

#define QC(m) own_qc(&(m)->u.certificate.qc)
#define TC(m) own_tc(&(m)->u.certificate.tc)
#define PROOF (m->u.certificate.proof)
#define PROOF_B (m->u.blocks.proof)
#define BLOCK(i) (((struct bft_header *)m->u.blocks.headers)[i])
#define OWN_TIP own_header(&PROOF.tip, &spare_header)
#define OWN_CHILD own_header(&PROOF.child, &spare_child)

/* name, base case, verdict, what to bend */
#define ROWS(X)                                                                                    \
    X(vote_outsider, "vote", BFT_OUTSIDER, m->u.vote.signer = 7)                                   \
    X(vote_far_outsider, "vote", BFT_OUTSIDER, m->u.vote.signer = UINT16_MAX)                      \
    X(vote_unknown_epoch, "vote", BFT_UNKNOWN_EPOCH, m->u.vote.epoch = 3)                          \
    X(vote_round_0, "vote", BFT_MALFORMED, m->u.vote.round = 0)                                    \
    X(vote_other_height, "vote", BFT_BAD_SIGNATURE, m->u.vote.height++)                            \
    X(vote_other_signer, "vote", BFT_BAD_SIGNATURE, m->u.vote.signer = 3)                          \
    X(vote_other_epoch, "vote", BFT_BAD_SIGNATURE, m->u.vote.epoch = 2)                            \
    X(vote_round_2_63, "vote", BFT_BAD_SIGNATURE, m->u.vote.round = UINT64_C(1) << 63)             \
    X(commit_outsider, "commit", BFT_OUTSIDER, m->u.commit.signer = 7)                             \
    X(commit_unknown_epoch, "commit", BFT_UNKNOWN_EPOCH, m->u.commit.epoch = 9)                    \
    X(commit_round_0, "commit", BFT_MALFORMED, m->u.commit.round = 0)                              \
    X(attest_outsider, "attest", BFT_OUTSIDER, m->u.attest.signer = 7)                             \
    X(attest_set_hash, "attest", BFT_MALFORMED, m->u.attest.fields.set_hash.b[0] ^= 1)             \
    X(attest_height_0, "attest", BFT_MALFORMED, m->u.attest.fields.height = 0)                     \
    X(attest_other_state, "attest", BFT_BAD_SIGNATURE,                                             \
      m->u.attest.fields.state_commitment.b[0] ^= 1)                                               \
    X(batch_set_hash, "batch_attest", BFT_MALFORMED, m->u.batch_attest.set_hash.b[0] ^= 1)         \
    X(batch_height_0, "batch_attest", BFT_MALFORMED, m->u.batch_attest.height = 0)                 \
    X(batch_unknown_epoch, "batch_attest", BFT_UNKNOWN_EPOCH, m->u.batch_attest.epoch = 7)         \
    X(qc_unknown_epoch, "certificate_qc", BFT_UNKNOWN_EPOCH, QC(m)->epoch = 5)                     \
    X(qc_other_height, "certificate_qc", BFT_BAD_SIGNATURE, QC(m)->height++)                       \
    X(qc_as_commit, "certificate_qc", BFT_BAD_CERT,                                                \
      m->u.certificate.kind = BFT_CERTIFICATE_COMMIT)                                              \
    X(qc_round_0_signed, "certificate_qc", BFT_BAD_CERT, QC(m)->round = 0)                         \
    X(qc_round_max, "certificate_qc", BFT_BAD_CERT, QC(m)->round = BFT_ROUND_MAX + 1u)             \
    X(qc_round_last, "certificate_qc", BFT_BAD_SIGNATURE, QC(m)->round = BFT_ROUND_MAX)            \
    X(commit_round_max, "certificate_commit", BFT_BAD_CERT, QC(m)->round = UINT64_MAX)             \
    X(qc_nests, "certificate_genesis", BFT_BAD_CERT, bend_nested(m))                               \
    X(commit_as_qc, "certificate_commit", BFT_BAD_SIGNATURE,                                       \
      m->u.certificate.kind = BFT_CERTIFICATE_QC)                                                  \
    X(commit_cert_round_0, "certificate_commit", BFT_BAD_CERT, QC(m)->round = 0)                   \
    X(commit_cert_epoch, "certificate_commit", BFT_UNKNOWN_EPOCH, QC(m)->epoch = 4)                \
    X(genesis_missing, "certificate_genesis", BFT_BAD_CERT, QC(m)->genesis = NULL)                 \
    X(genesis_other_height, "certificate_genesis", BFT_BAD_CERT, QC(m)->height++)                  \
    X(genesis_other_hash, "certificate_genesis", BFT_BAD_CERT, QC(m)->hash.b[0] ^= 1)              \
    X(genesis_other_epoch, "certificate_genesis", BFT_BAD_CERT, QC(m)->epoch = 1)                  \
    X(genesis_unknown_set, "certificate_genesis", BFT_UNKNOWN_EPOCH, f.ctx.sets.cur = NULL)        \
    X(genesis_set_hash, "certificate_genesis", BFT_BAD_CERT,                                       \
      own_cert(&QC(m)->genesis)->fields.set_hash.b[0] ^= 1)                                        \
    X(genesis_other_state, "certificate_genesis", BFT_BAD_SIGNATURE,                               \
      own_cert(&QC(m)->genesis)->fields.state_commitment.b[0] ^= 1)                                \
    X(genesis_signed, "certificate_genesis", BFT_BAD_CERT, QC(m)->signers.word[0] = 1,             \
      spare_qc.sig_count = 1, spare_qc.sigs = spare_sigs)                                          \
    X(genesis_0_nested, "proposal_genesis", BFT_BAD_CERT, m->u.proposal.qc.genesis = &spare_cert)  \
    X(commit_cert_nests, "certificate_commit", BFT_BAD_CERT, QC(m)->genesis = &spare_cert)         \
    X(commit_cert_height, "certificate_commit", BFT_BAD_CERT, QC(m)->height = 71)                  \
    X(proof_qc_epoch, "certificate_proof_two_chain", BFT_BAD_CERT, own_qc(&PROOF.qc)->epoch = 2)   \
    X(proof_qc_round, "certificate_proof_two_chain", BFT_BAD_CERT, own_qc(&PROOF.qc)->round = 7)   \
    X(proof_qc_round_0, "certificate_proof_two_chain", BFT_BAD_CERT, own_qc(&PROOF.qc)->round = 0) \
    X(proof_child_epoch, "certificate_proof_two_chain", BFT_BAD_CERT, OWN_CHILD->epoch = 2,        \
      PROOF.qc_child = fx_qc(&f, &spare_child))                                                    \
    X(proof_child_round_0, "certificate_proof_two_chain", BFT_BAD_CERT,                            \
      bend_child(m, 0, 8, false))                                                                  \
    X(blocks_attest_epoch, "blocks_attest", BFT_BAD_LINK, bend_attest(m, 2, 72))                   \
    X(blocks_attest_height, "blocks_attest", BFT_BAD_LINK, bend_attest(m, 1, 73))                  \
    X(blocks_attest_rebuilt, "blocks_attest", BFT_OK, bend_attest(m, 1, 72))                       \
    X(blocks_tip_height, "blocks_filler_tip", BFT_BAD_LINK, bend_filler(m, 1, 73))                 \
    X(blocks_tip_epoch, "blocks_filler_tip", BFT_BAD_LINK, bend_filler(m, 2, 72))                  \
    X(blocks_tip_rebuilt, "blocks_filler_tip", BFT_OK, bend_filler(m, 1, 72))                      \
    X(evidence_proposal_rounds, "evidence_two_proposals", BFT_BAD_CERT,                            \
      m->u.evidence.b.u.propose.round++)                                                           \
    X(evidence_timeout_rounds, "evidence_two_timeouts", BFT_BAD_CERT,                              \
      m->u.evidence.b.u.timeout.round++)                                                           \
    X(evidence_attest_heights, "evidence_two_attests", BFT_BAD_CERT,                               \
      m->u.evidence.b.u.attest.fields.height++)                                                    \
    X(evidence_two_commits, "evidence_commit_lock", BFT_BAD_CERT,                                  \
      m->u.evidence.b = m->u.evidence.a)                                                           \
    X(evidence_vote_vote, "evidence_vote_lock", BFT_BAD_CERT, m->u.evidence.b = m->u.evidence.a)   \
    X(evidence_header_round, "evidence_vote_lock", BFT_BAD_CERT,                                   \
      own_header(&m->u.evidence.header, &spare_header)->round = 7,                                 \
      bft_header_hash(&m->u.evidence.a.u.vote.hash, &spare_header))                                \
    X(evidence_header_epoch, "evidence_vote_lock", BFT_BAD_CERT,                                   \
      own_header(&m->u.evidence.header, &spare_header)->epoch = 2,                                 \
      bft_header_hash(&m->u.evidence.a.u.vote.hash, &spare_header))                                \
    X(genesis_0_hash, "proposal_genesis", BFT_BAD_CERT, f.ctx.genesis_hash.b[0] ^= 1)              \
    X(genesis_0_height, "proposal_genesis", BFT_BAD_CERT, m->u.proposal.qc.height = 1)             \
    X(tc_unknown_epoch, "certificate_tc", BFT_UNKNOWN_EPOCH, TC(m)->epoch = 5)                     \
    X(tc_round_max, "certificate_tc", BFT_BAD_CERT, TC(m)->round = BFT_ROUND_MAX + 1u)             \
    X(tc_round_0, "certificate_tc", BFT_BAD_CERT, TC(m)->round = 0)                                \
    X(tc_lock_at_round, "certificate_tc", BFT_BAD_CERT, TC(m)->round = 8)                          \
    X(tc_max_too_low, "certificate_tc", BFT_BAD_CERT, (void)TC(m),                                 \
      spare_entries[0].lock_round = 7)                                                             \
    X(tc_max_too_high, "certificate_tc", BFT_BAD_CERT, TC(m)->high_qc.round = 7)                   \
    X(tc_high_epoch, "certificate_tc", BFT_BAD_CERT, TC(m)->high_qc.epoch = 0)                     \
    X(tc_other_lock, "certificate_tc", BFT_BAD_SIGNATURE, (void)TC(m),                             \
      spare_entries[1].lock_round = 3)                                                             \
    X(tc_weak, "certificate_tc", BFT_BAD_CERT, TC(m)->signers.word[0] &= 3,                        \
      spare_tc.entry_count = 1)                                                                    \
    X(tc_high_qc_weak, "certificate_tc", BFT_BAD_CERT, TC(m)->high_qc.signers.word[0] = 2,         \
      spare_tc.high_qc.sig_count = 1)                                                              \
    X(attest_cert_height_0, "attest_cert", BFT_BAD_CERT, m->u.attest_cert.fields.height = 0)       \
    X(attest_cert_set, "attest_cert", BFT_BAD_CERT, m->u.attest_cert.fields.set_hash.b[9] ^= 1)    \
    X(attest_cert_epoch, "attest_cert", BFT_UNKNOWN_EPOCH, m->u.attest_cert.fields.epoch = 3)      \
    X(attest_cert_weak, "attest_cert", BFT_BAD_CERT, m->u.attest_cert.signers.word[0] = 6,         \
      m->u.attest_cert.sig_count = 2)                                                              \
    X(batch_cert_set, "batch_cert", BFT_BAD_CERT, m->u.batch_cert.set_hash.b[9] ^= 1)              \
    X(batch_cert_epoch, "batch_cert", BFT_UNKNOWN_EPOCH, m->u.batch_cert.epoch = 3)                \
    X(batch_cert_height_0, "batch_cert", BFT_BAD_CERT, m->u.batch_cert.height = 0)                 \
    X(batch_cert_hash, "batch_cert", BFT_BAD_SIGNATURE, m->u.batch_cert.batch_hash.b[9] ^= 1)      \
    X(batch_cert_weak, "batch_cert", BFT_BAD_CERT, m->u.batch_cert.signers.word[0] = 6,            \
      m->u.batch_cert.sig_count = 2)                                                               \
    X(timeout_outsider, "timeout_bare", BFT_OUTSIDER, m->u.timeout.t.signer = 7)                   \
    X(timeout_lock_at_round, "timeout_bare", BFT_MALFORMED, m->u.timeout.t.lock_round = 9)         \
    X(timeout_round_0, "timeout_bare", BFT_MALFORMED, m->u.timeout.t.round = 0,                    \
      m->u.timeout.t.lock_round = 0)                                                               \
    X(timeout_lock_round, "timeout_lock_entry_tc", BFT_BAD_CERT,                                   \
      own_qc(&m->u.timeout.lock_qc)->round = 6)                                                    \
    X(timeout_lock_epoch, "timeout_lock_entry_tc", BFT_BAD_CERT,                                   \
      own_qc(&m->u.timeout.lock_qc)->epoch = 2)                                                    \
    X(timeout_lock_weak, "timeout_lock_entry_tc", BFT_BAD_CERT,                                    \
      own_qc(&m->u.timeout.lock_qc)->sig_count = 2)                                                \
    X(timeout_entry_round, "timeout_entry_qc", BFT_BAD_CERT,                                       \
      own_qc(&m->u.timeout.entry.qc)->round = 7)                                                   \
    X(timeout_entry_epoch, "timeout_entry_qc", BFT_BAD_CERT,                                       \
      own_qc(&m->u.timeout.entry.qc)->epoch = 2)                                                   \
    X(timeout_entry_tc_round, "timeout_lock_entry_tc", BFT_BAD_CERT,                               \
      own_tc(&m->u.timeout.entry.tc)->round = 9)                                                   \
    X(timeout_entry_tc_epoch, "timeout_lock_entry_tc", BFT_BAD_CERT,                               \
      own_tc(&m->u.timeout.entry.tc)->epoch = 2)                                                   \
    X(proposal_outsider, "proposal_qc", BFT_OUTSIDER, m->u.proposal.header.proposer = 7)           \
    X(proposal_epoch, "proposal_qc", BFT_UNKNOWN_EPOCH, m->u.proposal.header.epoch = 3)            \
    X(proposal_round_0, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.header.round = 0)             \
    X(proposal_qc_epoch, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.qc.epoch = 2)                \
    X(proposal_qc_round, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.header.parent_round = 7)     \
    X(proposal_parent, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.header.parent.b[0] ^= 1)       \
    X(proposal_qc_not_below, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.header.round = 8)        \
    X(proposal_hash, "proposal_qc", BFT_BAD_SIGNATURE, m->u.proposal.hash.b[0] ^= 1)               \
    X(proposal_tc_hash_only, "proposal_qc", BFT_BAD_HEADER, m->u.proposal.header.tc_hash.b[0] = 1) \
    X(proposal_tc_missing, "proposal_tc_attest", BFT_BAD_HEADER, m->u.proposal.tc = NULL)          \
    X(proposal_tc_unbound, "proposal_tc_attest", BFT_BAD_HEADER,                                   \
      memset(&m->u.proposal.header.tc_hash, 0, 32))                                                \
    X(proposal_tc_other, "proposal_tc_attest", BFT_BAD_HEADER,                                     \
      m->u.proposal.header.tc_hash.b[0] ^= 1)                                                      \
    X(proposal_tc_round, "proposal_tc_attest", BFT_BAD_HEADER, bend_tc(m, 1, 8))                   \
    X(proposal_tc_epoch, "proposal_tc_attest", BFT_BAD_HEADER, bend_tc(m, 2, 9))                   \
    X(proposal_tc_weak, "proposal_tc_attest", BFT_BAD_CERT, bend_tc(m, 1, 9))                      \
    X(proposal_cert_weak, "proposal_tc_attest", BFT_BAD_CERT,                                      \
      own_cert(&m->u.proposal.attest_cert)->sig_count = 1)                                         \
    X(proposal_qc_weak, "proposal_qc", BFT_BAD_CERT, m->u.proposal.qc.sig_count = 1)               \
    X(proof_commit_hash, "certificate_proof_commit", BFT_BAD_CERT, OWN_TIP->ts_ms++)               \
    X(proof_commit_round, "certificate_proof_commit", BFT_BAD_CERT,                                \
      own_qc(&PROOF.commit)->round++)                                                              \
    X(proof_commit_epoch, "certificate_proof_commit", BFT_BAD_CERT,                                \
      own_qc(&PROOF.commit)->epoch++)                                                              \
    X(proof_commit_weak, "certificate_proof_commit", BFT_BAD_CERT,                                 \
      own_qc(&PROOF.commit)->sig_count--)                                                          \
    X(proof_attest_weak, "certificate_proof_attest", BFT_BAD_CERT,                                 \
      own_cert(&PROOF.attest)->sig_count--)                                                        \
    X(proof_tip_hash, "certificate_proof_two_chain", BFT_BAD_CERT, OWN_TIP->ts_ms++)               \
    X(proof_child_hash, "certificate_proof_two_chain", BFT_BAD_CERT, OWN_CHILD->ts_ms++)           \
    X(proof_gap, "certificate_proof_two_chain", BFT_BAD_CERT, bend_child(m, 10, 8, false))         \
    X(proof_parent_round, "certificate_proof_two_chain", BFT_BAD_CERT, bend_child(m, 9, 7, false)) \
    X(proof_parent, "certificate_proof_two_chain", BFT_BAD_CERT, bend_child(m, 9, 8, true))        \
    X(proof_child_kept, "certificate_proof_two_chain", BFT_OK, bend_child(m, 9, 8, false))         \
    X(proof_qc_height, "certificate_proof_two_chain", BFT_BAD_CERT, own_qc(&PROOF.qc)->height++)   \
    X(proof_child_height, "certificate_proof_two_chain", BFT_BAD_CERT,                             \
      own_qc(&PROOF.qc_child)->height++)                                                           \
    X(proof_qc_weak, "certificate_proof_two_chain", BFT_BAD_CERT, own_qc(&PROOF.qc)->sig_count--)  \
    X(proof_child_weak, "certificate_proof_two_chain", BFT_BAD_CERT,                               \
      own_qc(&PROOF.qc_child)->sig_count--)                                                        \
    X(blocks_from, "blocks_commit", BFT_BAD_LINK, m->u.blocks.from = 69)                           \
    X(blocks_below_from, "blocks_commit", BFT_BAD_LINK, m->u.blocks.from = 71)                     \
    X(blocks_gap, "blocks_commit", BFT_BAD_LINK, BLOCK(1).height = 72)                             \
    X(blocks_epoch, "blocks_commit", BFT_BAD_LINK, BLOCK(2).epoch = 2)                             \
    X(blocks_unchained, "blocks_commit", BFT_BAD_LINK, BLOCK(1).prev_hash.b[0] ^= 1)               \
    X(blocks_last_altered, "blocks_commit", BFT_BAD_CERT, BLOCK(2).ts_ms++)                        \
    X(blocks_attest_altered, "blocks_attest", BFT_BAD_LINK, BLOCK(2).ts_ms++)                      \
    X(blocks_filler, "blocks_commit", BFT_BAD_LINK, BLOCK(1).filler = true)                        \
    X(blocks_short, "blocks_attest", BFT_BAD_LINK, m->u.blocks.header_count = 2,                   \
      m->u.blocks.payload_count = 2)                                                               \
    X(blocks_short_commit, "blocks_commit", BFT_BAD_LINK, m->u.blocks.header_count = 2)            \
    X(blocks_tip_above, "blocks_two_chain", BFT_BAD_LINK, m->u.blocks.header_count = 2,            \
      m->u.blocks.payload_count = 0)                                                               \
    X(blocks_tip_is_filler, "blocks_commit", BFT_OK, bend_tip(m, true, false))                     \
    X(blocks_tip_not_filler, "blocks_commit", BFT_BAD_LINK, bend_tip(m, false, false))             \
    X(blocks_tip_elsewhere, "blocks_commit", BFT_BAD_LINK, bend_tip(m, true, true))                \
    X(blocks_filler_last, "blocks_commit", BFT_BAD_LINK, bend_last(m))                             \
    X(blocks_no_proof, "blocks_commit", BFT_BAD_CERT, m->u.blocks.proof.kind = BFT_PROOF_NONE)     \
    X(headers_unchained, "by_hash_header", BFT_BAD_LINK, swap_objects(m))                          \
    X(header_malformed, "by_hash_header", BFT_MALFORMED,                                           \
      ((uint8_t *)m->u.by_hash.objects[0].ptr)[24] = 9)                                            \
    X(qc_object_malformed, "by_hash_qc", BFT_MALFORMED,                                            \
      ((struct td_bytes *)m->u.by_hash.objects)[0].len--)                                          \
    X(qc_object_epoch, "by_hash_qc", BFT_UNKNOWN_EPOCH,                                            \
      ((uint8_t *)m->u.by_hash.objects[0].ptr)[7] = 9)                                             \
    X(evidence_two_signers, "evidence_two_votes", BFT_BAD_CERT, m->u.evidence.b.u.vote.signer = 3) \
    X(evidence_same, "evidence_two_votes", BFT_BAD_CERT, m->u.evidence.b = m->u.evidence.a)        \
    X(evidence_two_rounds, "evidence_two_votes", BFT_BAD_CERT, m->u.evidence.b.u.vote.round++)     \
    X(evidence_two_epochs, "evidence_two_votes", BFT_BAD_CERT, m->u.evidence.b.u.vote.epoch++)     \
    X(evidence_kind, "evidence_two_votes", BFT_BAD_CERT,                                           \
      m->u.evidence.kind = BFT_EVIDENCE_TWO_PROPOSALS)                                             \
    X(evidence_kind_timeouts, "evidence_two_votes", BFT_BAD_CERT,                                  \
      m->u.evidence.kind = BFT_EVIDENCE_TWO_TIMEOUTS)                                              \
    X(evidence_kind_attests, "evidence_two_votes", BFT_BAD_CERT,                                   \
      m->u.evidence.kind = BFT_EVIDENCE_TWO_ATTESTS)                                               \
    X(evidence_kind_votes, "evidence_two_proposals", BFT_BAD_CERT,                                 \
      m->u.evidence.kind = BFT_EVIDENCE_TWO_VOTES)                                                 \
    X(evidence_kind_lock, "evidence_two_votes", BFT_BAD_CERT,                                      \
      m->u.evidence.kind = BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK)                                    \
    X(evidence_lock_kept, "evidence_commit_lock", BFT_BAD_CERT,                                    \
      m->u.evidence.b.u.timeout.lock_round = 7)                                                    \
    X(evidence_lock_before, "evidence_commit_lock", BFT_BAD_CERT,                                  \
      m->u.evidence.b.u.timeout.round = 6, m->u.evidence.b.u.timeout.lock_round = 5)               \
    X(evidence_lock_epoch, "evidence_commit_lock", BFT_BAD_CERT,                                   \
      m->u.evidence.b.u.timeout.epoch = 2)                                                         \
    X(evidence_lock_first, "evidence_vote_lock", BFT_BAD_CERT,                                     \
      m->u.evidence.kind = BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK)                                    \
    X(evidence_lock_second, "evidence_two_votes", BFT_BAD_CERT,                                    \
      m->u.evidence.kind = BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK)                                      \
    X(evidence_no_header, "evidence_vote_lock", BFT_BAD_CERT, m->u.evidence.header = NULL)         \
    X(evidence_other_header, "evidence_vote_lock", BFT_BAD_CERT,                                   \
      own_header(&m->u.evidence.header, &spare_header)->ts_ms++)                                   \
    X(evidence_vote_kept, "evidence_vote_lock", BFT_BAD_CERT,                                      \
      m->u.evidence.b.u.timeout.lock_round = 7)                                                    \
    X(evidence_unknown_epoch, "evidence_two_votes", BFT_UNKNOWN_EPOCH, f.ctx.sets.cur = NULL)      \
    X(evidence_outsider, "evidence_two_votes", BFT_OUTSIDER, m->u.evidence.a.u.vote.signer = 7,    \
      m->u.evidence.b.u.vote.signer = 7)                                                           \
    X(evidence_forged, "evidence_two_votes", BFT_BAD_SIGNATURE, m->u.evidence.b.u.vote.height++)

/* A genesis form on a certificate of round 1. */
static void bend_nested(struct bft_msg *m)
{
    struct bft_qc *qc = QC(m);
    const struct bft_attest_cert *nested = qc->genesis;
    *qc = *fx_qc(&f, fx_header(&f, 8, 71));
    qc->genesis = nested;
}

/* Another TC, bound correctly; below the quorum when epoch and round fit. */
static void bend_tc(struct bft_msg *m, uint64_t epoch, uint64_t round)
{
    struct bft_tc *tc = own_tc(&m->u.proposal.tc);
    tc->epoch = epoch;
    tc->round = round;
    tc->signers.word[0] &= 3;
    tc->entry_count = 1;
    bft_tc_hash(&m->u.proposal.header.tc_hash, tc);
}

/* Another child of the tip, properly certified. */
static void bend_child(struct bft_msg *m, uint64_t round, uint64_t parent_round, bool stranger)
{
    struct bft_header *child = OWN_CHILD;
    child->round = round;
    child->parent_round = parent_round;
    child->parent.b[0] ^= stranger;
    PROOF.qc_child = fx_qc(&f, child);
}

/* Another tip at the last block's height, committed. */
static void bend_tip(struct bft_msg *m, bool filler, bool elsewhere)
{
    struct bft_header *tip = fx_header(&f, 11, 72);
    tip->filler = filler;
    bft_header_hash(&tip->prev_hash, &BLOCK(2));
    tip->prev_hash.b[0] ^= elsewhere;
    PROOF_B.tip = tip;
    PROOF_B.commit = fx_commit_cert(&f, tip);
}

/* A filler tip above the last block, but of another epoch or height. */
static void bend_filler(struct bft_msg *m, uint64_t epoch, uint64_t height)
{
    struct bft_header *tip = own_header(&PROOF_B.tip, &spare_header);
    tip->epoch = epoch;
    tip->height = height;
    PROOF_B.commit = fx_commit_cert(&f, tip);
}

/* A good certificate that names the last block's hash. */
static void bend_attest(struct bft_msg *m, uint64_t epoch, uint64_t height)
{
    struct td_hash hash;
    bft_header_hash(&hash, &BLOCK(2));
    PROOF_B.attest = fx_attest_cert(&f, epoch, height, &hash);
}

/* A filler in place of the last block, linked and committed like one. */
static void bend_last(struct bft_msg *m)
{
    BLOCK(2).filler = true;
    PROOF_B.tip = &BLOCK(2);
    PROOF_B.commit = fx_commit_cert(&f, &BLOCK(2));
}

static void swap_objects(struct bft_msg *m)
{
    struct td_bytes *o = (struct td_bytes *)m->u.by_hash.objects, first = o[0];
    o[0] = o[1];
    o[1] = first;
}

#define DEFINE(name, base, want, ...)                                                              \
    static void bend_of_##name(struct bft_msg *m)                                                  \
    {                                                                                              \
        (void)m;                                                                                   \
        __VA_ARGS__;                                                                               \
    }
ROWS(DEFINE)
#undef DEFINE

#define ROW(name, base, want, ...) {#name, base, want, bend_of_##name},
static const struct {
    const char *name, *base;
    enum bft_verdict want;
    void (*bend)(struct bft_msg *m);
} TABLE[] = {ROWS(ROW)};
#undef ROW

Test(verify, each_rule_has_its_verdict)
{
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct bft_msg m;
        use_set(7);
        fx_build(&f, fx_find(TABLE[i].base), &m);
        cr_assert_eq(judge(&m), BFT_OK, "%s: base is good", TABLE[i].name);
        fx_build(&f, fx_find(TABLE[i].base), &m);
        TABLE[i].bend(&m);
        enum bft_verdict got = judge(&m);
        cr_expect_eq(got, TABLE[i].want, "%s: %s", TABLE[i].name, bft_verdict_text(got));
    }
}

/* ---- Status keeps what can be verified */

Test(verify, status_drops_only_what_it_cannot_check)
{
    struct bft_msg m;
    uint32_t all, count;
    fx_build(&f, fx_find("status_full"), &m);
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &all), BFT_OK);
    cr_assert_eq(m.u.status.own_count, 8);
    uint32_t q = m.u.status.high_qc->sig_count;
    cr_expect_eq(all, 8 + 2 * q, "own messages, high QC once, timeouts; got %u", all);

    m.u.status.own[1].u.vote.epoch = 9;
    m.u.status.own[6].u.attest.signer = 99;
    uint64_t after = m.u.status.own[7].u.attest.fields.height;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.own_count, 6);
    cr_expect_eq(m.u.status.own[5].u.attest.fields.height, after, "moved up, in order");
    cr_expect_eq(count, all - 2);
    cr_expect(signatures_hold(count));

    own_qc(&m.u.status.high_qc)->sig_count--;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.high_qc, NULL);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_TC, "its own copy still holds");
    cr_expect_eq(count, 6 + 2 * q);
    cr_expect(signatures_hold(count));

    own_tc(&m.u.status.entry.tc)->high_qc.sig_count--;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_NONE);
    cr_expect_eq(count, 6, "checks of a dropped part are forgotten");

    fx_build(&f, fx_find("status_qc"), &m);
    m.u.status.round = 12;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_NONE, "does not justify that round");
    cr_expect_neq(m.u.status.high_qc, NULL);

    m.u.status.round = 0;
    m.u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = m.u.status.high_qc};
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_NONE, "nothing enters round 0");

    fx_build(&f, fx_find("status_full"), &m);
    m.u.status.round = 0;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(m.u.status.entry.kind, BFT_ENTRY_NONE, "nor does a timeout certificate");

    fx_build(&f, fx_find("status_full"), &m);
    f.ctx.sets.cur = NULL;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK, "a peer far ahead");
    cr_expect(m.u.status.own_count == 0 && m.u.status.high_qc == NULL && count == 0);
    cr_expect_eq(m.u.status.final_height, 70);
}

/* A repeated certificate costs its checks once; a look-alike is listed in full. */
Test(verify, repeated_certificates_are_listed_once)
{
    struct bft_msg m;
    uint32_t count;
    fx_build(&f, fx_find("timeout_entry_qc"), &m);
    const struct bft_qc *qc = m.u.timeout.entry.qc;
    m.u.timeout.lock_qc = qc;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(count, 1 + qc->sig_count);
    f.first = 4;
    const struct bft_qc *others = fx_qc(&f, fx_header(&f, 8, 71));
    m.u.timeout.lock_qc = others;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(count, 1 + qc->sig_count + others->sig_count, "same block, other signers");
    m.u.timeout.lock_qc = qc;
    memcpy(spare_sigs, qc->sigs, qc->sig_count * sizeof spare_sigs[0]);
    spare_sigs[2].b[5] ^= 1;
    own_qc(&m.u.timeout.lock_qc)->sigs = spare_sigs;
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_expect_eq(count, 1 + 2 * qc->sig_count);
    cr_expect(!signatures_hold(count));
}

Test(verify, checks_name_signer_epoch_and_key)
{
    struct bft_msg m;
    uint32_t count;
    fx_build(&f, fx_find("certificate_genesis"), &m);
    cr_assert_eq(bft_verify_collect(&f.ctx, &m, checks, &count), BFT_OK);
    cr_assert_eq(count, m.u.certificate.qc->genesis->sig_count);
    for (uint32_t i = 0; i < count; i++) {
        cr_expect_eq(checks[i].epoch, 1, "the nested certificate is of the epoch before");
        cr_expect(bft_bitmap_has(&m.u.certificate.qc->genesis->signers, checks[i].signer));
        cr_expect_eq(checks[i].key, &f.set[1].v[checks[i].signer].key);
    }
}

Test(verify, sets_are_found_by_epoch)
{
    cr_expect_eq(bft_sets_find(&f.ctx.sets, 0), &f.set[0]);
    cr_expect_eq(bft_sets_find(&f.ctx.sets, 1), &f.set[1]);
    cr_expect_eq(bft_sets_find(&f.ctx.sets, 2), &f.set[2]);
    cr_expect_eq(bft_sets_find(&f.ctx.sets, 3), NULL);
    f.ctx.sets.next = NULL;
    cr_expect_eq(bft_sets_find(&f.ctx.sets, 2), NULL);
}
