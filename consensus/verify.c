/* Structure checks and the list of signatures to verify.  [P-1.4, P-13.3]
 *
 * What a rule says about the chain (who leads, heights, timestamps, locks) is the core's; here is
 * what can be said from validator sets alone.  */
#include "consensus/verify.h"

#include "base/core/assert.h"
#include "consensus/message_internal.h"

/* Certificates of one message that may repeat: lock QC, entry QC, the TC's QC, two of a proof. */
#define SEEN_MAX 4u

struct collect {
    const struct bft_verify_ctx *ctx;
    struct bft_sig_check *checks; /* [BFT_SIG_CHECKS_MAX] */
    uint32_t count;
    const struct bft_qc *seen[SEEN_MAX]; /* QCs whose checks are listed already */
    uint32_t seen_count;
};

const struct bft_set *bft_sets_find(const struct bft_sets *s, uint64_t epoch)
{
    const struct bft_set *const all[] = {s->cur, s->prev, s->next};
    for (uint32_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] != NULL && all[i]->epoch == epoch)
            return all[i];
    }
    return NULL;
}

static const struct bft_set *set_of(const struct collect *c, uint64_t epoch)
{
    return bft_sets_find(&c->ctx->sets, epoch);
}

static enum bft_verdict check_add(struct collect *c, const struct td_hash *digest,
                                  const struct bft_set *set, uint32_t signer,
                                  const struct td_sig *sig, bool exact)
{
    if (c->count >= BFT_SIG_CHECKS_MAX)
        return BFT_OVERFLOW;
    c->checks[c->count++] = (struct bft_sig_check){.digest = *digest,
                                                   .key = &set->v[signer].key,
                                                   .sig = *sig,
                                                   .epoch = set->epoch,
                                                   .signer = (uint16_t)signer,
                                                   .exact = exact};
    return BFT_OK;
}

/* ---- certificates */

/* Members only, one signature per bit, at least a quorum of stake.  [P-1.4] */
static bool signers_hold(const struct bft_set *set, const struct bft_bitmap *m, uint32_t count)
{
    for (uint32_t i = set->count; i < BFT_SIGNERS_MAX; i++) {
        if (bft_bitmap_has(m, i))
            return false;
    }
    return bft_bitmap_count(m) == count && bft_set_weight(set, m) >= set->quorum;
}

/* List one check per set bit, all over the same digest.  exact: attestations.  [P-1.3] */
static enum bft_verdict checks_of_cert(struct collect *c, const struct td_hash *digest,
                                       const struct bft_set *set, const struct bft_bitmap *m,
                                       const struct td_sig *sigs, bool exact)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!bft_bitmap_has(m, i))
            continue;
        enum bft_verdict v = check_add(c, digest, set, i, &sigs[next++], exact);
        if (v != BFT_OK)
            return v;
    }
    return BFT_OK;
}

static enum bft_verdict attest_cert(struct collect *c, const struct bft_attest_cert *cert)
{
    const struct bft_set *set = set_of(c, cert->fields.epoch);
    if (set == NULL)
        return BFT_UNKNOWN_EPOCH;
    /* Genesis is attested by definition, never by signatures.  [P-2.7] */
    if (cert->fields.height == 0 || !td_hash_eq(&cert->fields.set_hash, &set->hash) ||
        !signers_hold(set, &cert->signers, cert->sig_count))
        return BFT_BAD_CERT;
    struct td_hash digest;
    bft_digest_attest(&digest, c->ctx->domain, &cert->fields);
    return checks_of_cert(c, &digest, set, &cert->signers, cert->sigs, true);
}

static enum bft_verdict batch_cert(struct collect *c, const struct bft_batch_cert *cert)
{
    const struct bft_set *set = set_of(c, cert->epoch);
    if (set == NULL)
        return BFT_UNKNOWN_EPOCH;
    if (cert->height == 0 || !td_hash_eq(&cert->set_hash, &set->hash) ||
        !signers_hold(set, &cert->signers, cert->sig_count))
        return BFT_BAD_CERT;
    struct td_hash digest;
    bft_digest_batch(&digest, c->ctx->domain, cert->epoch, &cert->set_hash, &cert->batch_hash);
    return checks_of_cert(c, &digest, set, &cert->signers, cert->sigs, true);
}

/* The certificate every epoch starts from.  [P-8.4] */
static enum bft_verdict genesis_qc(struct collect *c, const struct bft_qc *qc)
{
    if (qc->sig_count != 0 || bft_bitmap_count(&qc->signers) != 0)
        return BFT_BAD_CERT;
    if (qc->epoch == 0) {
        bool holds =
            qc->genesis == NULL && qc->height == 0 && td_hash_eq(&qc->hash, &c->ctx->genesis_hash);
        return holds ? BFT_OK : BFT_BAD_CERT;
    }
    const struct bft_attest_cert *cert = qc->genesis;
    if (cert == NULL || cert->fields.epoch != qc->epoch - 1 || cert->fields.height != qc->height ||
        !td_hash_eq(&cert->fields.block_hash, &qc->hash))
        return BFT_BAD_CERT;
    return attest_cert(c, cert);
}

static bool qc_same(const struct bft_qc *a, const struct bft_qc *b)
{
    return a->epoch == b->epoch && a->round == b->round && a->height == b->height &&
           a->sig_count == b->sig_count && td_hash_eq(&a->hash, &b->hash) &&
           memcmp(&a->signers, &b->signers, sizeof a->signers) == 0 &&
           memcmp(a->sigs, b->sigs, (size_t)a->sig_count * TD_SIG_BYTES) == 0;
}

/* A certificate over votes. */
static enum bft_verdict vote_qc(struct collect *c, const struct bft_qc *qc)
{
    if (qc->round == 0)
        return genesis_qc(c, qc);
    const struct bft_set *set = set_of(c, qc->epoch);
    if (set == NULL)
        return BFT_UNKNOWN_EPOCH;
    if (qc->round > BFT_ROUND_MAX || qc->genesis != NULL ||
        !signers_hold(set, &qc->signers, qc->sig_count))
        return BFT_BAD_CERT;
    for (uint32_t i = 0; i < c->seen_count; i++) {
        if (qc_same(c->seen[i], qc))
            return BFT_OK;
    }
    struct td_hash digest;
    bft_digest_vote(&digest, c->ctx->domain, qc->epoch, qc->round, qc->height, &qc->hash);
    enum bft_verdict v = checks_of_cert(c, &digest, set, &qc->signers, qc->sigs, false);
    if (v == BFT_OK && c->seen_count < SEEN_MAX)
        c->seen[c->seen_count++] = qc;
    return v;
}

/* A certificate over commit votes; it has no height and no genesis form. */
static enum bft_verdict commit_qc(struct collect *c, const struct bft_qc *qc)
{
    const struct bft_set *set = set_of(c, qc->epoch);
    if (set == NULL)
        return BFT_UNKNOWN_EPOCH;
    if (qc->round == 0 || qc->round > BFT_ROUND_MAX || qc->height != 0 || qc->genesis != NULL ||
        !signers_hold(set, &qc->signers, qc->sig_count))
        return BFT_BAD_CERT;
    struct td_hash digest;
    bft_digest_commit(&digest, c->ctx->domain, qc->epoch, qc->round, &qc->hash);
    return checks_of_cert(c, &digest, set, &qc->signers, qc->sigs, false);
}

/* Quorum, every lock below the round, and the full highest QC that the maximum names.  [P-5.4] */
static enum bft_verdict timeout_cert(struct collect *c, const struct bft_tc *tc)
{
    const struct bft_set *set = set_of(c, tc->epoch);
    if (set == NULL)
        return BFT_UNKNOWN_EPOCH;
    if (tc->round == 0 || tc->round > BFT_ROUND_MAX || tc->high_qc.epoch != tc->epoch ||
        !signers_hold(set, &tc->signers, tc->entry_count))
        return BFT_BAD_CERT;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < tc->entry_count; i++) {
        if (tc->entries[i].lock_round >= tc->round)
            return BFT_BAD_CERT;
        if (tc->entries[i].lock_round > highest)
            highest = tc->entries[i].lock_round;
    }
    if (tc->high_qc.round != highest)
        return BFT_BAD_CERT;

    struct td_hash digest = {{0}};
    uint32_t next = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!bft_bitmap_has(&tc->signers, i))
            continue;
        const struct bft_tc_entry *e = &tc->entries[next];
        /* Most signers name the same lock; its digest is computed once per run. */
        if (next == 0 || e->lock_round != tc->entries[next - 1].lock_round)
            bft_digest_timeout(&digest, c->ctx->domain, tc->epoch, tc->round, e->lock_round);
        next++;
        enum bft_verdict v = check_add(c, &digest, set, i, &e->sig, false);
        if (v != BFT_OK)
            return v;
    }
    return vote_qc(c, &tc->high_qc);
}

/* ---- entry certificates and proofs */

/* QC(r - 1), with the genesis certificate as round 0, or TC(r - 1).  [P-3.1] */
static enum bft_verdict entry_of_round(struct collect *c, const struct bft_entry *e, uint64_t epoch,
                                       uint64_t round)
{
    switch (e->kind) {
    case BFT_ENTRY_NONE:
        return BFT_OK;
    case BFT_ENTRY_QC:
        if (e->qc->epoch != epoch || round == 0 || e->qc->round != round - 1)
            return BFT_BAD_CERT;
        return vote_qc(c, e->qc);
    case BFT_ENTRY_TC:
        if (e->tc->epoch != epoch || round == 0 || e->tc->round != round - 1)
            return BFT_BAD_CERT;
        return timeout_cert(c, e->tc);
    }
    TD_ASSERT(false);
    return BFT_MALFORMED;
}

/* Does the vote certificate `qc` name exactly the block of this header? */
static bool qc_names(const struct bft_qc *qc, const struct bft_header *h,
                     const struct td_hash *hash)
{
    return qc->epoch == h->epoch && qc->round == h->round && qc->height == h->height &&
           td_hash_eq(&qc->hash, hash);
}

/* A proof by itself: certificates good and bound to the headers it carries.  [P-11.1] */
static enum bft_verdict finality_proof(struct collect *c, const struct bft_proof *p,
                                       struct td_hash *tip_hash)
{
    enum bft_verdict v;
    switch (p->kind) {
    case BFT_PROOF_NONE:
        return BFT_BAD_CERT;
    case BFT_PROOF_ATTEST:
        *tip_hash = p->attest->fields.block_hash;
        return attest_cert(c, p->attest);
    case BFT_PROOF_COMMIT:
        bft_header_hash(tip_hash, p->tip);
        if (p->commit->epoch != p->tip->epoch || p->commit->round != p->tip->round ||
            !td_hash_eq(&p->commit->hash, tip_hash))
            return BFT_BAD_CERT;
        return commit_qc(c, p->commit);
    case BFT_PROOF_TWO_CHAIN: {
        struct td_hash child_hash;
        bft_header_hash(tip_hash, p->tip);
        bft_header_hash(&child_hash, p->child);
        if (p->qc->round == 0 || !qc_names(p->qc, p->tip, tip_hash) ||
            !qc_names(p->qc_child, p->child, &child_hash) || p->child->epoch != p->tip->epoch ||
            p->child->round == 0 || p->child->round - 1 != p->tip->round ||
            p->child->parent_round != p->tip->round || !td_hash_eq(&p->child->parent, tip_hash))
            return BFT_BAD_CERT;
        v = vote_qc(c, p->qc);
        return v == BFT_OK ? vote_qc(c, p->qc_child) : v;
    }
    }
    TD_ASSERT(false);
    return BFT_MALFORMED;
}

/* ---- signed messages */

/* The set `signer` of `epoch` belongs to. */
static enum bft_verdict member(const struct collect *c, uint64_t epoch, uint16_t signer,
                               const struct bft_set **set)
{
    *set = set_of(c, epoch);
    if (*set == NULL)
        return BFT_UNKNOWN_EPOCH;
    return signer < (*set)->count ? BFT_OK : BFT_OUTSIDER;
}

static const struct td_sig *signed_sig(const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return &m->u.propose.sig;
    case BFT_SIGNED_VOTE:
        return &m->u.vote.sig;
    case BFT_SIGNED_COMMIT:
        return &m->u.commit.sig;
    case BFT_SIGNED_TIMEOUT:
        return &m->u.timeout.sig;
    case BFT_SIGNED_ATTEST:
        return &m->u.attest.sig;
    case BFT_SIGNED_BATCH:
        return &m->u.batch.sig;
    }
    TD_ASSERT(false);
    return NULL;
}

/* Fields that no honest key signs whatever happened. */
static bool fields_hold(const struct bft_signed *m, const struct bft_set *set)
{
    if (bft_signed_slot(m).round == 0) /* the height, for attestations */
        return false;
    if (m->kind == BFT_SIGNED_TIMEOUT)
        return m->u.timeout.lock_round < m->u.timeout.round;
    if (m->kind == BFT_SIGNED_ATTEST)
        return td_hash_eq(&m->u.attest.fields.set_hash, &set->hash);
    if (m->kind == BFT_SIGNED_BATCH)
        return td_hash_eq(&m->u.batch.set_hash, &set->hash);
    return true;
}

/* Attestations go to L1 as they are, and so does everything in evidence.  [P-1.3] */
static enum bft_verdict signed_any(struct collect *c, const struct bft_signed *m, bool in_evidence)
{
    bool exact = in_evidence || m->kind == BFT_SIGNED_ATTEST || m->kind == BFT_SIGNED_BATCH;
    const struct bft_set *set;
    enum bft_verdict v = member(c, bft_signed_slot(m).epoch, bft_signed_signer(m), &set);
    if (v != BFT_OK)
        return v;
    if (!fields_hold(m, set))
        return BFT_MALFORMED;
    struct td_hash digest;
    bft_digest_signed(&digest, c->ctx->domain, m);
    return check_add(c, &digest, set, bft_signed_signer(m), signed_sig(m), exact);
}

static enum bft_verdict vote(struct collect *c, const struct bft_vote *m)
{
    const struct bft_set *set;
    enum bft_verdict v = member(c, m->epoch, m->signer, &set);
    if (v != BFT_OK)
        return v;
    if (m->round == 0)
        return BFT_MALFORMED;
    struct td_hash digest;
    bft_digest_vote(&digest, c->ctx->domain, m->epoch, m->round, m->height, &m->hash);
    return check_add(c, &digest, set, m->signer, &m->sig, false);
}

static enum bft_verdict commit(struct collect *c, const struct bft_commit *m)
{
    const struct bft_set *set;
    enum bft_verdict v = member(c, m->epoch, m->signer, &set);
    if (v != BFT_OK)
        return v;
    if (m->round == 0)
        return BFT_MALFORMED;
    struct td_hash digest;
    bft_digest_commit(&digest, c->ctx->domain, m->epoch, m->round, &m->hash);
    return check_add(c, &digest, set, m->signer, &m->sig, false);
}

static enum bft_verdict timeout(struct collect *c, const struct bft_timeout_msg *m)
{
    struct bft_signed t = {.kind = BFT_SIGNED_TIMEOUT, .u.timeout = m->t};
    enum bft_verdict v = signed_any(c, &t, false);
    if (v != BFT_OK)
        return v;
    /* The lock QC travels once per connection, so its absence says nothing.  [P-5.1] */
    if (m->lock_qc != NULL) {
        if (m->lock_qc->epoch != m->t.epoch || m->lock_qc->round != m->t.lock_round)
            return BFT_BAD_CERT;
        v = vote_qc(c, m->lock_qc);
        if (v != BFT_OK)
            return v;
    }
    return entry_of_round(c, &m->entry, m->t.epoch, m->t.round);
}

/* ---- proposals */

static enum bft_verdict proposal(struct collect *c, const struct bft_proposal *p)
{
    const struct bft_header *h = &p->header;
    const struct bft_set *set;
    enum bft_verdict v = member(c, h->epoch, h->proposer, &set);
    if (v != BFT_OK)
        return v;
    /* A QC must be bound to the block it certifies and to that block's round.  [P-4.1] */
    if (h->round == 0 || p->qc.epoch != h->epoch || p->qc.round >= h->round ||
        p->qc.round != h->parent_round || !td_hash_eq(&p->qc.hash, &h->parent))
        return BFT_BAD_HEADER;
    if ((p->tc != NULL) == td_hash_is_zero(&h->tc_hash))
        return BFT_BAD_HEADER;
    if (p->tc != NULL) {
        struct td_hash tc_hash;
        bft_tc_hash(&tc_hash, p->tc);
        if (p->tc->epoch != h->epoch || p->tc->round != h->round - 1 ||
            !td_hash_eq(&tc_hash, &h->tc_hash))
            return BFT_BAD_HEADER;
    }
    v = vote_qc(c, &p->qc);
    if (v == BFT_OK && p->tc != NULL)
        v = timeout_cert(c, p->tc);
    if (v == BFT_OK && p->attest_cert != NULL)
        v = attest_cert(c, p->attest_cert);
    if (v != BFT_OK)
        return v;
    struct td_hash digest;
    bft_digest_propose(&digest, c->ctx->domain, h->epoch, h->round, &p->hash);
    return check_add(c, &digest, set, h->proposer, &p->sig, false);
}

/* ---- answers */

/* A chain of non-filler headers that ends in a proof.  [P-11.3] */
static enum bft_verdict blocks(struct collect *c, const struct bft_blocks *b)
{
    if (b->header_count == 0)
        return BFT_OK;
    struct td_hash hash = {{0}};
    for (uint32_t i = 0; i < b->header_count; i++) {
        const struct bft_header *h = &b->headers[i];
        if (h->filler || h->height < b->from || h->height - b->from != i ||
            h->epoch != b->headers[0].epoch || (i > 0 && !td_hash_eq(&h->prev_hash, &hash)))
            return BFT_BAD_LINK;
        bft_header_hash(&hash, h);
    }
    const struct bft_header *last = &b->headers[b->header_count - 1];
    struct td_hash tip_hash;
    enum bft_verdict v = finality_proof(c, &b->proof, &tip_hash);
    if (v != BFT_OK)
        return v;
    if (b->proof.kind == BFT_PROOF_ATTEST) {
        const struct bft_attest_fields *f = &b->proof.attest->fields;
        bool holds =
            f->epoch == last->epoch && f->height == last->height && td_hash_eq(&tip_hash, &hash);
        return holds ? BFT_OK : BFT_BAD_LINK;
    }
    /* A filler final above the last block makes that block final too. */
    if (td_hash_eq(&tip_hash, &hash))
        return BFT_OK;
    const struct bft_header *tip = b->proof.tip;
    bool above = tip->filler && tip->epoch == last->epoch && tip->height == last->height &&
                 td_hash_eq(&tip->prev_hash, &hash);
    return above ? BFT_OK : BFT_BAD_LINK;
}

static enum bft_verdict objects_headers(const struct bft_by_hash *b)
{
    struct td_hash wanted = {{0}};
    for (uint32_t i = 0; i < b->object_count; i++) {
        struct td_reader r;
        struct bft_header h;
        struct td_hash hash;
        td_reader_init(&r, b->objects[i].ptr, b->objects[i].len);
        bft_header_decode(&r, &h);
        if (td_reader_finish(&r) != TD_OK)
            return BFT_MALFORMED;
        bft_header_hash(&hash, &h);
        if (i > 0 && !td_hash_eq(&hash, &wanted))
            return BFT_BAD_LINK;
        wanted = h.parent;
    }
    return BFT_OK;
}

static enum bft_verdict objects_qcs(struct collect *c, const struct bft_by_hash *b)
{
    for (uint32_t i = 0; i < b->object_count; i++) {
        struct bft_qc qc;
        uint64_t room[(sizeof(struct bft_attest_cert) + 7u) / 8u];
        struct td_arena arena;
        struct td_reader r;
        td_arena_init(&arena, room, sizeof room);
        td_reader_init(&r, b->objects[i].ptr, b->objects[i].len);
        bft_qc_decode(&r, &arena, &qc);
        if (td_reader_finish(&r) != TD_OK)
            return BFT_MALFORMED;
        c->seen_count = 0; /* `qc` lives for this turn of the loop only */
        enum bft_verdict v = vote_qc(c, &qc);
        c->seen_count = 0;
        if (v != BFT_OK)
            return v;
    }
    return BFT_OK;
}

/* Whether an object has the hash that was asked for only the asker knows. */
static enum bft_verdict by_hash(struct collect *c, const struct bft_by_hash *b)
{
    if (b->kind == BFT_OBJECT_HEADER)
        return objects_headers(b);
    if (b->kind == BFT_OBJECT_QC)
        return objects_qcs(c, b);
    return BFT_OK;
}

static enum bft_verdict certificate(struct collect *c, const struct bft_certificate *m)
{
    struct td_hash tip_hash;
    switch (m->kind) {
    case BFT_CERTIFICATE_QC:
        return vote_qc(c, m->qc);
    case BFT_CERTIFICATE_TC:
        return timeout_cert(c, m->tc);
    case BFT_CERTIFICATE_COMMIT:
        return commit_qc(c, m->qc);
    case BFT_CERTIFICATE_PROOF:
        return finality_proof(c, &m->proof, &tip_hash);
    }
    TD_ASSERT(false);
    return BFT_MALFORMED;
}

/* ---- evidence */

/* Timeout(r' >= r) of the same epoch whose lock is below what the first message bound. */
static bool lower_lock(const struct bft_signed *a, const struct bft_timeout *t, uint64_t bound)
{
    struct bft_slot slot = bft_signed_slot(a);
    return t->epoch == slot.epoch && t->round >= slot.round && t->lock_round < bound;
}

/* Do the two messages contradict each other as the kind says?  [P-12.1] */
static bool evidence_holds(const struct bft_evidence *e)
{
    const struct bft_signed *a = &e->a;
    const struct bft_signed *b = &e->b;
    if (bft_signed_signer(a) != bft_signed_signer(b))
        return false;
    bool one_slot = a->kind == b->kind &&
                    bft_slot_cmp(bft_signed_slot(a), bft_signed_slot(b)) == 0 &&
                    !bft_signed_same(a, b);
    switch (e->kind) {
    case BFT_EVIDENCE_TWO_PROPOSALS:
        return one_slot && a->kind == BFT_SIGNED_PROPOSE;
    case BFT_EVIDENCE_TWO_VOTES:
        return one_slot && a->kind == BFT_SIGNED_VOTE;
    case BFT_EVIDENCE_TWO_TIMEOUTS:
        return one_slot && a->kind == BFT_SIGNED_TIMEOUT;
    case BFT_EVIDENCE_TWO_ATTESTS:
        return one_slot && a->kind == BFT_SIGNED_ATTEST;
    case BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK:
        return a->kind == BFT_SIGNED_COMMIT && b->kind == BFT_SIGNED_TIMEOUT &&
               lower_lock(a, &b->u.timeout, a->u.commit.round);
    case BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK: {
        if (a->kind != BFT_SIGNED_VOTE || b->kind != BFT_SIGNED_TIMEOUT || e->header == NULL)
            return false;
        struct td_hash hash;
        bft_header_hash(&hash, e->header);
        return td_hash_eq(&hash, &a->u.vote.hash) && e->header->epoch == a->u.vote.epoch &&
               e->header->round == a->u.vote.round &&
               lower_lock(a, &b->u.timeout, e->header->parent_round);
    }
    case BFT_EVIDENCE_TWO_BATCHES:
        /* The height of a BatchAttest is not signed: anybody could relabel two honest ones. */
        return false;
    }
    TD_ASSERT(false);
    return false;
}

static enum bft_verdict evidence(struct collect *c, const struct bft_evidence *e)
{
    if (!evidence_holds(e))
        return BFT_BAD_CERT;
    enum bft_verdict v = signed_any(c, &e->a, true);
    return v == BFT_OK ? signed_any(c, &e->b, true) : v;
}

/* ---- status */

struct mark {
    uint32_t count;
    uint32_t seen_count;
};

/* Keep a part only if it can be verified; otherwise forget what it listed. */
static bool kept(struct collect *c, struct mark before, enum bft_verdict v)
{
    if (v == BFT_OK)
        return true;
    c->count = before.count;
    c->seen_count = before.seen_count;
    return false;
}

static void status(struct collect *c, struct bft_status *s)
{
    uint32_t own_count = 0;
    for (uint32_t i = 0; i < s->own_count; i++) {
        struct mark before = {c->count, c->seen_count};
        if (!kept(c, before, signed_any(c, &s->own[i], false)))
            continue;
        if (own_count != i)
            s->own[own_count] = s->own[i];
        own_count++;
    }
    s->own_count = own_count;
    struct mark before = {c->count, c->seen_count};
    if (s->high_qc != NULL && !kept(c, before, vote_qc(c, s->high_qc)))
        s->high_qc = NULL;
    before = (struct mark){c->count, c->seen_count};
    if (!kept(c, before, entry_of_round(c, &s->entry, s->epoch, s->round)))
        s->entry = (struct bft_entry){.kind = BFT_ENTRY_NONE};
}

/* ---- all kinds */

static enum bft_verdict collect(struct collect *c, struct bft_msg *m)
{
    struct bft_signed s;
    switch (m->kind) {
    case BFT_MSG_STATUS:
        status(c, &m->u.status);
        return BFT_OK;
    case BFT_MSG_PROPOSAL:
        return proposal(c, &m->u.proposal);
    case BFT_MSG_VOTE:
        return vote(c, &m->u.vote);
    case BFT_MSG_COMMIT:
        return commit(c, &m->u.commit);
    case BFT_MSG_TIMEOUT:
        return timeout(c, &m->u.timeout);
    case BFT_MSG_CERTIFICATE:
        return certificate(c, &m->u.certificate);
    case BFT_MSG_ATTEST:
        s.kind = BFT_SIGNED_ATTEST;
        s.u.attest = m->u.attest;
        return signed_any(c, &s, false);
    case BFT_MSG_ATTEST_CERT:
        return attest_cert(c, &m->u.attest_cert);
    case BFT_MSG_BATCH_ATTEST:
        s.kind = BFT_SIGNED_BATCH;
        s.u.batch = m->u.batch_attest;
        return signed_any(c, &s, false);
    case BFT_MSG_BATCH_CERT:
        return batch_cert(c, &m->u.batch_cert);
    case BFT_MSG_BLOCKS:
        return blocks(c, &m->u.blocks);
    case BFT_MSG_BY_HASH:
        return by_hash(c, &m->u.by_hash);
    case BFT_MSG_EVIDENCE:
        return evidence(c, &m->u.evidence);
    case BFT_MSG_HELLO:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_TX:
        return BFT_OK; /* nothing here is signed by a validator */
    }
    TD_ASSERT(false);
    return BFT_MALFORMED;
}

enum bft_verdict bft_verify_collect(const struct bft_verify_ctx *ctx, struct bft_msg *m,
                                    struct bft_sig_check *checks, uint32_t *count)
{
    struct collect c = {.ctx = ctx, .checks = checks};
    enum bft_verdict v = collect(&c, m);
    *count = v == BFT_OK ? c.count : 0;
    return v;
}
