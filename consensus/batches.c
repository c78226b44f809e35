/* Batch attestations: what L1 checks.  [P-9.6]
 *
 *   executed batch end ──open──▶ tally ──weight Q──▶ BatchCert (effect), kept to answer others
 *
 * The height in these messages is not part of what is signed, so nothing is believed of it: a
 * message counts only for an end that this node has executed with exactly that batch hash. */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

/* The set that signs batches of `epoch`: this one's, or the one before's until its last batch is
 * certified; else NULL. */
static const struct bft_set *batch_set(const struct bft_replica *r, uint64_t epoch)
{
    if (epoch == r->epoch)
        return r->set_cur;
    return epoch + 1u == r->epoch && r->has_prev ? r->set_prev : NULL;
}

/* [P-9.6] One per batch end, also for the last batch of the epoch just left: nothing else may be
 * signed in that epoch any more, but without this its certificate could stay a signer short. */
static void batch_sign(struct bft_replica *r, const struct bft_final_block *b)
{
    const struct bft_set *set = batch_set(r, b->header.epoch);
    uint16_t signer = set != NULL ? bft_set_find(set, &r->cfg.self) : BFT_NO_SIGNER;
    if (r->mode != BFT_MODE_ACTIVE || signer == BFT_NO_SIGNER || !b->executed ||
        !b->header.end_batch || b->header.height <= r->batch_floor || !bft_own_room(r) ||
        bft_own_pending(r, BFT_SIGNED_BATCH, b->header.height))
        return;
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++)
        if (r->has_own_batch[i] && r->own_batch[i].height == b->header.height)
            return;
    struct bft_signed m = {.kind = BFT_SIGNED_BATCH};
    m.u.batch.epoch = b->header.epoch;
    m.u.batch.set_hash = set->hash;
    m.u.batch.batch_hash = b->exec.batch_hash;
    m.u.batch.height = b->header.height;
    m.u.batch.signer = signer;
    bft_own_sign(r, &m, 0);
}

void bft_batch_sign_missing(struct bft_replica *r)
{
    uint64_t low = r->executed_height > BFT_FINAL_RING ? r->executed_height - BFT_FINAL_RING : 0;
    for (uint64_t h = low + 1u; h <= r->executed_height; h++) {
        const struct bft_final_block *b = bft_final_peek(r, h);
        if (b != NULL)
            batch_sign(r, b);
    }
}

static struct bft_batch_round *batch_find(struct bft_replica *r, uint64_t height)
{
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++)
        if (height > 0 && r->batch_round[i].height == height)
            return &r->batch_round[i];
    return NULL;
}

static void open_round(struct bft_replica *r, const struct bft_final_block *b)
{
    const struct bft_set *set = batch_set(r, b->header.epoch);
    struct bft_batch_round *s = &r->batch_round[0];
    if (set == NULL || !b->header.end_batch || b->header.height <= r->batch_floor ||
        batch_find(r, b->header.height) != NULL)
        return;
    for (uint32_t i = 1; i < BFT_BATCH_ROUNDS; i++)
        if (r->batch_round[i].height < s->height)
            s = &r->batch_round[i]; /* the oldest end gives way */
    s->height = b->header.height;
    s->epoch = b->header.epoch;
    s->set_hash = set->hash;
    s->batch_hash = b->exec.batch_hash;
    s->done = false;
    memset(s->answered, 0, sizeof s->answered);
    bft_tally_reset(&s->tally);
}

void bft_batch_open(struct bft_replica *r, const struct bft_final_block *b)
{
    open_round(r, b);
    batch_sign(r, b);
}

void bft_batch_restore(struct bft_replica *r, uint64_t certified)
{
    r->batch_floor = certified;
    uint64_t low = r->executed_height > BFT_FINAL_RING ? r->executed_height - BFT_FINAL_RING : 0;
    for (uint64_t h = low + 1u; h <= r->executed_height; h++) {
        const struct bft_final_block *b = bft_final_peek(r, h);
        if (b != NULL && b->executed)
            open_round(r, b);
    }
}

static void make_cert(struct bft_replica *r, const struct bft_batch_round *s, uint32_t group,
                      struct bft_batch_cert *out)
{
    *out = (struct bft_batch_cert){.epoch = s->epoch,
                                   .set_hash = s->set_hash,
                                   .batch_hash = s->batch_hash,
                                   .height = s->height,
                                   .signers = s->tally.group[group].signers,
                                   .sigs = r->scratch_attest.sigs};
    out->sig_count = bft_tally_collect(&s->tally, group, r->scratch_attest.sigs);
}

static void certified(struct bft_replica *r, struct bft_batch_round *s)
{
    struct bft_batch_cert cert;
    s->done = true;
    make_cert(r, s, 0, &cert);
    const struct bft_batch_cert *copy = bft_export_batch(r, &cert);
    if (copy != NULL)
        bft_fx(r, BFT_FX_BATCH_CERT)->u.batch = copy;
}

/* Somebody still repeats an attestation for a batch that is certified here. */
static void answer(struct bft_replica *r, struct bft_batch_round *s, uint32_t peer)
{
    if (peer >= BFT_PEERS_MAX || (s->answered[peer / 64u] >> (peer % 64u) & 1u) != 0)
        return;
    struct bft_batch_cert cert;
    make_cert(r, s, 0, &cert);
    const struct bft_batch_cert *copy = bft_export_batch(r, &cert);
    struct bft_msg *m = copy != NULL ? bft_out(r, peer, BFT_MSG_BATCH_CERT) : NULL;
    if (m == NULL)
        return;
    m->u.batch_cert = *copy;
    s->answered[peer / 64u] |= UINT64_C(1) << (peer % 64u);
}

/* The open or certified end these fields name, or the verdict that says why not. */
static enum bft_verdict place(struct bft_replica *r, uint64_t epoch, uint64_t height,
                              const struct td_hash *batch_hash, struct bft_batch_round **slot)
{
    if (batch_set(r, epoch) == NULL)
        return epoch < r->epoch ? BFT_STALE : BFT_FAR_FUTURE;
    *slot = batch_find(r, height);
    if (*slot == NULL)
        return height > r->executed_height ? BFT_FAR_FUTURE : BFT_STALE;
    bool same = (*slot)->epoch == epoch && td_hash_eq(&(*slot)->batch_hash, batch_hash);
    return same ? BFT_OK : BFT_BAD_LINK;
}

enum bft_verdict bft_on_batch_attest(struct bft_replica *r, const struct bft_batch_attest *b,
                                     uint32_t peer)
{
    struct bft_batch_round *s;
    enum bft_verdict at = place(r, b->epoch, b->height, &b->batch_hash, &s);
    if (at != BFT_OK)
        return at;
    const struct bft_set *set = batch_set(r, b->epoch);
    if (b->signer >= set->count)
        return BFT_OUTSIDER;
    if (s->done) {
        answer(r, s, peer);
        return BFT_STALE;
    }
    uint32_t g;
    if (bft_tally_add(&s->tally, set, b->signer, &b->batch_hash, b->height, &b->sig, &g) !=
        BFT_TALLY_NEW)
        return BFT_DUPLICATE;
    if (s->tally.group[g].weight >= set->quorum)
        certified(r, s);
    return BFT_OK;
}

enum bft_verdict bft_on_batch_cert(struct bft_replica *r, const struct bft_batch_cert *c)
{
    struct bft_batch_round *s;
    enum bft_verdict at = place(r, c->epoch, c->height, &c->batch_hash, &s);
    if (at != BFT_OK)
        return at;
    if (s->done)
        return BFT_DUPLICATE;
    const struct bft_set *set = batch_set(r, c->epoch);
    uint32_t next = 0, g;
    for (uint16_t i = 0; i < set->count; i++)
        if (bft_bitmap_has(&c->signers, i))
            (void)bft_tally_add(&s->tally, set, i, &c->batch_hash, c->height, &c->sigs[next++], &g);
    if (s->tally.group_count > 0 && s->tally.group[0].weight >= set->quorum)
        certified(r, s);
    return BFT_OK;
}

/* With the attestations, every two seconds: own ones for ends that are not certified yet. */
void bft_batch_resend(struct bft_replica *r)
{
    bft_batch_sign_missing(r);
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++) {
        struct bft_batch_round *s =
            r->has_own_batch[i] ? batch_find(r, r->own_batch[i].height) : NULL;
        if (s == NULL || s->done)
            continue;
        struct bft_msg *m = bft_out(r, BFT_NO_PEER, BFT_MSG_BATCH_ATTEST);
        if (m != NULL)
            m->u.batch_attest = r->own_batch[i];
    }
}
