/* Attestations over executed final blocks.  [P-9.1 .. P-9.4] */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

void bft_attest_reset(struct bft_replica *r)
{
    for (uint32_t i = 0; i < TD_ATTEST_SLOTS; i++) {
        r->attest_round[i].height = 0;
        r->has_own_attest[i] = false;
    }
}

/* [P-9.1] One attestation per height, only above the newest certified one, only in its epoch. */
void bft_attest_sign(struct bft_replica *r, uint64_t height)
{
    const struct bft_final_block *b = bft_final_peek(r, height);
    if (!bft_active(r) || b == NULL || !b->executed || b->header.epoch != r->epoch ||
        height <= r->attested_height || height > r->attested_height + TD_ATTEST_SLOTS)
        return;
    uint32_t slot = (uint32_t)(height % TD_ATTEST_SLOTS);
    if (r->has_own_attest[slot] && r->own_attest[slot].fields.height == height)
        return;
    if (!bft_own_room(r))
        return;
    struct bft_signed m = {.kind = BFT_SIGNED_ATTEST};
    struct bft_attest_fields *f = &m.u.attest.fields;
    f->epoch = r->epoch;
    f->set_hash = r->set_cur->hash;
    f->height = height;
    f->block_hash = b->hash;
    f->parent_hash = b->header.prev_hash;
    f->state_commitment = b->exec.result.state_commitment;
    f->messages_root = b->exec.result.messages_root;
    f->da_commitment = b->exec.result.da_commitment;
    f->priority_hash = b->exec.result.priority_hash;
    f->next_set_hash = b->header.next_set_hash;
    m.u.attest.signer = r->self;
    r->own_attest[slot] = m.u.attest; /* not repeated before it is durable: sig still zero */
    r->has_own_attest[slot] = true;
    bft_own_sign(r, &m, 0);
}

void bft_attest_sign_missing(struct bft_replica *r)
{
    uint64_t top = r->attested_height + TD_ATTEST_SLOTS;
    if (top > r->executed_height)
        top = r->executed_height;
    for (uint64_t h = r->attested_height + 1u; h <= top; h++)
        bft_attest_sign(r, h);
}

static struct bft_attest_round *attest_round_get(struct bft_replica *r, uint64_t height)
{
    struct bft_attest_round *s = &r->attest_round[height % TD_ATTEST_SLOTS];
    if (s->height != height) {
        s->height = height;
        bft_tally_reset(&s->tally);
    }
    return s;
}

/* A peer still asks for a height that is certified here: show it the newest certificate of its
 * epoch, which for the epoch before is the one that opened this one. */
static void answer_certified(struct bft_replica *r, uint64_t epoch, uint32_t peer)
{
    bool before = epoch < r->epoch;
    const struct bft_attest_slot *slot = before ? &r->genesis_cert : &r->attested;
    /* Attestations that merely arrive after the quorum's need no answer; only what is repeated
     * while no newer certificate has come says that somebody is missing this one. */
    if (r->now_ns - r->attested_at_ns < (int64_t)(TD_ATTEST_RESEND_MS * 3u / 4u) * NS_PER_MS)
        return;
    if (peer >= BFT_PEERS_MAX || !slot->used ||
        r->peer[peer].helped_height >= slot->cert.fields.height + (before ? r->round : 0))
        return;
    const struct bft_attest_cert *c = bft_export_attest(r, &slot->cert);
    struct bft_msg *m = c != NULL ? bft_out(r, peer, BFT_MSG_ATTEST_CERT) : NULL;
    if (m == NULL)
        return;
    m->u.attest_cert = *c;
    r->peer[peer].helped_height = slot->cert.fields.height;
}

static void compare_results(struct bft_replica *r, const struct bft_attest_fields *f)
{
    const struct bft_final_block *b = bft_final_peek(r, f->height);
    if (b == NULL || !b->executed || !td_hash_eq(&b->hash, &f->block_hash))
        return;
    const struct bft_result *x = &b->exec.result;
    if (!td_hash_eq(&x->state_commitment, &f->state_commitment) ||
        !td_hash_eq(&x->messages_root, &f->messages_root) ||
        !td_hash_eq(&x->da_commitment, &f->da_commitment) ||
        !td_hash_eq(&x->priority_hash, &f->priority_hash))
        bft_alarm_raise(r, BFT_ALARM_ATTEST_SPLIT);
}

/* [P-9.2, P-9.3] */
enum bft_verdict bft_on_attest(struct bft_replica *r, const struct bft_attest *a, uint32_t peer)
{
    const struct bft_attest_fields *f = &a->fields;
    if (f->epoch != r->epoch) {
        if (f->epoch < r->epoch)
            answer_certified(r, f->epoch, peer);
        return f->epoch < r->epoch ? BFT_STALE : BFT_FAR_FUTURE;
    }
    if (a->signer >= r->set_cur->count)
        return BFT_OUTSIDER;
    r->silent[a->signer] = false;
    if (f->height <= r->attested_height) {
        answer_certified(r, f->epoch, peer);
        return BFT_STALE;
    }
    if (f->height > r->attested_height + TD_ATTEST_SLOTS)
        return BFT_FAR_FUTURE;
    struct bft_attest_round *s = attest_round_get(r, f->height);
    /* Almost all attestations of a height are equal: hash their 272 bytes once. */
    _Static_assert(sizeof r->memo_fields == 272, "no padding, so bytes compare like fields");
    if (memcmp(&r->memo_fields, f, sizeof *f) != 0) {
        r->memo_fields = *f;
        bft_attest_digest(&r->memo_digest, f);
    }
    struct td_hash digest = r->memo_digest;
    uint32_t g;
    enum bft_tally_result res =
        bft_tally_add(&s->tally, r->set_cur, a->signer, &digest, f->height, &a->sig, &g);
    if (res == BFT_TALLY_SAME)
        return BFT_DUPLICATE;
    if (res == BFT_TALLY_OTHER) {
        const struct bft_seen *seen = &r->seen[a->signer];
        if (seen->present[BFT_SIGNED_ATTEST - 1] && seen->attest.fields.height == f->height) {
            struct bft_signed x = {.kind = BFT_SIGNED_ATTEST}, y = {.kind = BFT_SIGNED_ATTEST};
            x.u.attest = seen->attest;
            y.u.attest = *a;
            bft_evidence_pair(r, BFT_EVIDENCE_TWO_ATTESTS, &x, &y, NULL);
        }
        return BFT_EQUIVOCATION;
    }
    struct bft_signed m = {.kind = BFT_SIGNED_ATTEST};
    m.u.attest = *a;
    bft_seen_note(r, &m);
    compare_results(r, f);
    if (s->tally.group[g].weight < r->set_cur->quorum)
        return BFT_OK;
    struct bft_attest_cert cert = {
        .fields = *f, .signers = s->tally.group[g].signers, .sigs = r->scratch_attest.sigs};
    cert.sig_count = bft_tally_collect(&s->tally, g, r->scratch_attest.sigs);
    (void)bft_on_attest_cert(r, &cert);
    return BFT_OK;
}

enum bft_verdict bft_on_attest_cert(struct bft_replica *r, const struct bft_attest_cert *c)
{
    const struct bft_attest_fields *f = &c->fields;
    if (f->epoch != r->epoch)
        return f->epoch < r->epoch ? BFT_STALE : BFT_FAR_FUTURE;
    const struct bft_final_block *b = bft_final_peek(r, f->height);
    if (b != NULL && !td_hash_eq(&b->hash, &f->block_hash)) {
        bft_halt(r, BFT_HALT_TWO_FINALS); /* [P-4.6] */
        return BFT_OK;
    }
    if (f->height <= r->attested_height)
        return BFT_DUPLICATE;
    if (f->height > r->last_height)
        return BFT_BAD_CERT;
    bft_attest_put(&r->attested, c);
    r->attested_height = f->height;
    r->attested_at_ns = r->now_ns;
    bft_attest_digest(&r->attested_digest, f);
    compare_results(r, f);
    const struct bft_attest_cert *copy = bft_export_attest(r, &r->attested.cert);
    if (copy != NULL)
        bft_fx(r, BFT_FX_ATTESTED)->u.attested = copy;
    bft_attest_sign_missing(r);
    r->stepping_final = r->stepping_vote = true;
    return BFT_OK;
}

/* Attested before the restart, so it counts here too: with no validator to spare, the last height
 * of an epoch, which none comes after, would otherwise never be certified. */
void bft_attest_recount(struct bft_replica *r)
{
    static const struct td_sig unsigned_yet;
    for (uint32_t i = 0; i < TD_ATTEST_SLOTS; i++) {
        struct bft_attest a = r->own_attest[i];
        if (r->has_own_attest[i] && a.fields.epoch == r->epoch &&
            a.fields.height > r->attested_height && !td_sig_eq(&a.sig, &unsigned_yet))
            (void)bft_on_attest(r, &a, BFT_NO_PEER);
    }
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++) {
        struct bft_batch_attest b = r->own_batch[i];
        if (r->has_own_batch[i])
            (void)bft_on_batch_attest(r, &b, BFT_NO_PEER);
    }
}

/* [P-9.4] Own attestations above the newest certified height, every two seconds. */
void bft_attest_resend(struct bft_replica *r)
{
    static const struct td_sig unsigned_yet;
    r->attest_resend_ns = r->now_ns + TD_ATTEST_RESEND_MS * NS_PER_MS;
    if (!bft_active(r) || BFT_PLANT(BFT_PLANT_NO_ATTEST_RESEND))
        return;
    bft_attest_sign_missing(r);
    for (uint32_t i = 0; i < TD_ATTEST_SLOTS; i++) {
        const struct bft_attest *a = &r->own_attest[i];
        if (!r->has_own_attest[i] || a->fields.height <= r->attested_height ||
            a->fields.epoch != r->epoch || td_sig_eq(&a->sig, &unsigned_yet))
            continue;
        struct bft_msg *m = bft_out(r, BFT_NO_PEER, BFT_MSG_ATTEST);
        if (m != NULL)
            m->u.attest = *a;
    }
    bft_batch_resend(r);
}
