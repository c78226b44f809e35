#include "consensus/replica_internal.h"

#include "base/core/memory.h"

/* A genesis certificate is always this epoch's, so its body is kept once, in r->genesis_cert; and
 * whoever shows an AttestCert of another height as round 0, inside a TC say, has it replaced by the
 * real one: verification cannot tell them apart, and passing it on would discredit this node. */
void bft_qc_put(struct bft_replica *r, struct bft_qc_slot *slot, const struct bft_qc *qc)
{
    if (qc->round == 0 && qc->epoch == r->epoch)
        qc = &r->genesis_qc;
    TD_ASSERT(qc->sig_count <= r->n);
    if (qc->sig_count > 0)
        memmove(slot->sigs, qc->sigs, qc->sig_count * sizeof slot->sigs[0]);
    slot->qc = *qc;
    slot->qc.sigs = slot->sigs;
    slot->qc.genesis = qc->genesis != NULL ? &r->genesis_cert.cert : NULL;
    slot->used = true;
}

void bft_tc_put(struct bft_replica *r, struct bft_tc_slot *slot, const struct bft_tc *tc)
{
    TD_ASSERT(tc->entry_count <= r->n);
    if (tc->entry_count > 0)
        memmove(slot->entries, tc->entries, tc->entry_count * sizeof slot->entries[0]);
    bft_qc_put(r, &slot->high, &tc->high_qc);
    slot->tc = *tc;
    slot->tc.entries = slot->entries;
    slot->tc.high_qc = slot->high.qc;
    slot->used = true;
}

void bft_attest_put(struct bft_attest_slot *slot, const struct bft_attest_cert *c)
{
    memmove(slot->sigs, c->sigs, c->sig_count * sizeof slot->sigs[0]);
    slot->cert = *c;
    slot->cert.sigs = slot->sigs;
    slot->used = true;
}

/* [P-8.4] The certificate every epoch starts from. */
void bft_qc_genesis(struct bft_replica *r, struct bft_qc *out)
{
    *out = (struct bft_qc){.epoch = r->epoch};
    if (r->epoch == 0) {
        out->hash = r->cfg.genesis_hash;
        return;
    }
    const struct bft_attest_cert *c = &r->genesis_cert.cert;
    out->height = c->fields.height;
    out->hash = c->fields.block_hash;
    out->genesis = c;
}

const struct bft_qc *bft_qc_held(const struct bft_replica *r, uint64_t round)
{
    if (round == 0)
        return &r->genesis_qc;
    if (r->high_qc.qc.round == round)
        return &r->high_qc.qc;
    const struct bft_round *s = &r->ring[round % BFT_ROUND_RING];
    if (s->round == round && s->qc.used)
        return &s->qc.qc;
    if (r->timeout_qc.used && r->timeout_qc.qc.epoch == r->epoch && r->timeout_qc.qc.round == round)
        return &r->timeout_qc.qc;
    if (r->entry_tc.used && r->entry_tc.tc.epoch == r->epoch &&
        r->entry_tc.tc.high_qc.round == round)
        return &r->entry_tc.tc.high_qc;
    return NULL;
}

/* ---- exports: what effects point to must outlive later changes of the same step */

static void *step_alloc(struct bft_replica *r, size_t bytes)
{
    bytes = (bytes + 15u) & ~(size_t)15u;
    if (bytes > r->step_cap - r->step_used)
        return NULL;
    void *at = r->step_mem + r->step_used;
    r->step_used += bytes;
    return at;
}

static void *step_copy(struct bft_replica *r, const void *from, size_t bytes)
{
    void *at = step_alloc(r, bytes > 0 ? bytes : 1u);
    if (at != NULL && bytes > 0)
        memcpy(at, from, bytes);
    return at;
}

/* The export made earlier in this step of exactly these signatures, or NULL.  Two certificates may
 * agree in everything else: ECDSA lets a signer make a second signature of the same vote. */
static const void *exported(const struct bft_replica *r, enum bft_export_kind kind,
                            const void *head, size_t head_bytes, const void *sigs, size_t sig_bytes)
{
    for (uint32_t i = 0; i < r->export_count; i++) {
        const struct bft_export *e = &r->export_list[i];
        if (e->kind == kind && e->sig_bytes == sig_bytes &&
            memcmp(e->head, head, head_bytes) == 0 &&
            (sig_bytes == 0 || memcmp(e->sigs, sigs, sig_bytes) == 0))
            return e->at;
    }
    return NULL;
}

static const void *remember(struct bft_replica *r, enum bft_export_kind kind, const void *head,
                            const void *sigs, size_t sig_bytes, const void *at)
{
    if (at != NULL && r->export_count < BFT_EXPORTS_MAX)
        r->export_list[r->export_count++] = (struct bft_export){
            .kind = kind, .head = head, .sigs = sigs, .sig_bytes = sig_bytes, .at = at};
    return at;
}

const struct bft_attest_cert *bft_export_attest(struct bft_replica *r,
                                                const struct bft_attest_cert *c)
{
    size_t bytes = c->sig_count * sizeof c->sigs[0];
    const void *have = exported(r, BFT_EXPORT_ATTEST, &c->fields, sizeof c->fields, c->sigs, bytes);
    if (have != NULL)
        return have;
    struct bft_attest_cert *copy = step_copy(r, c, sizeof *c);
    if (copy == NULL)
        return NULL;
    copy->sigs = step_copy(r, c->sigs, bytes);
    if (copy->sigs == NULL)
        return NULL;
    return remember(r, BFT_EXPORT_ATTEST, &copy->fields, copy->sigs, bytes, copy);
}

/* The leading members that tell certificates apart; no padding between them. */
#define QC_HEAD_BYTES offsetof(struct bft_qc, sig_count)
_Static_assert(QC_HEAD_BYTES == 3 * 8 + 32 + sizeof(struct bft_bitmap),
               "bytes compare like fields");

const struct bft_qc *bft_export_qc(struct bft_replica *r, const struct bft_qc *qc)
{
    size_t bytes = qc->sig_count * sizeof qc->sigs[0];
    const void *have = exported(r, BFT_EXPORT_QC, qc, QC_HEAD_BYTES, qc->sigs, bytes);
    if (have != NULL)
        return have;
    struct bft_qc *copy = step_copy(r, qc, sizeof *qc);
    if (copy == NULL)
        return NULL;
    copy->sigs = step_copy(r, qc->sigs, bytes);
    if (qc->genesis != NULL)
        copy->genesis = bft_export_attest(r, qc->genesis);
    if (copy->sigs == NULL || (qc->genesis != NULL && copy->genesis == NULL))
        return NULL;
    return remember(r, BFT_EXPORT_QC, copy, copy->sigs, bytes, copy);
}

#define TC_HEAD_BYTES offsetof(struct bft_tc, entry_count)
_Static_assert(TC_HEAD_BYTES == 2 * 8 + sizeof(struct bft_bitmap), "bytes compare like fields");

const struct bft_tc *bft_export_tc(struct bft_replica *r, const struct bft_tc *tc)
{
    size_t bytes = tc->entry_count * sizeof tc->entries[0];
    const struct bft_qc *high = bft_export_qc(r, &tc->high_qc);
    if (high == NULL)
        return NULL;
    const struct bft_tc *have = exported(r, BFT_EXPORT_TC, tc, TC_HEAD_BYTES, tc->entries, bytes);
    if (have != NULL && have->high_qc.sigs == high->sigs)
        return have;
    struct bft_tc *copy = step_copy(r, tc, sizeof *tc);
    if (copy == NULL)
        return NULL;
    copy->high_qc = *high;
    copy->entries = step_copy(r, tc->entries, bytes);
    if (copy->entries == NULL)
        return NULL;
    return remember(r, BFT_EXPORT_TC, copy, copy->entries, bytes, copy);
}

bool bft_export_entry(struct bft_replica *r, struct bft_entry *out)
{
    *out = (struct bft_entry){.kind = r->entry.kind};
    if (r->entry.kind == BFT_ENTRY_QC)
        out->qc = bft_export_qc(r, r->entry.qc);
    else if (r->entry.kind == BFT_ENTRY_TC)
        out->tc = bft_export_tc(r, r->entry.tc);
    return out->kind == BFT_ENTRY_NONE || out->qc != NULL || out->tc != NULL;
}

const struct bft_batch_cert *bft_export_batch(struct bft_replica *r, const struct bft_batch_cert *c)
{
    struct bft_batch_cert *copy = step_copy(r, c, sizeof *c);
    if (copy == NULL)
        return NULL;
    copy->sigs = step_copy(r, c->sigs, c->sig_count * sizeof c->sigs[0]);
    return copy->sigs != NULL ? copy : NULL;
}

const struct bft_header *bft_export_header(struct bft_replica *r, const struct bft_header *h)
{
    return step_copy(r, h, sizeof *h);
}

bool bft_export_proof(struct bft_replica *r, struct bft_proof *out, const struct bft_proof *p)
{
    *out = (struct bft_proof){.kind = p->kind};
    switch (p->kind) {
    case BFT_PROOF_NONE:
        return true;
    case BFT_PROOF_ATTEST:
        out->attest = bft_export_attest(r, p->attest);
        return out->attest != NULL;
    case BFT_PROOF_COMMIT:
        out->commit = bft_export_qc(r, p->commit);
        out->tip = bft_export_header(r, p->tip);
        return out->commit != NULL && out->tip != NULL;
    case BFT_PROOF_TWO_CHAIN:
        out->qc = bft_export_qc(r, p->qc);
        out->qc_child = bft_export_qc(r, p->qc_child);
        out->tip = bft_export_header(r, p->tip);
        out->child = bft_export_header(r, p->child);
        return out->qc != NULL && out->qc_child != NULL && out->tip != NULL && out->child != NULL;
    }
    return false;
}
