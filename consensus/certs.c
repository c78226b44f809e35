#include "consensus/replica_internal.h"

#include "base/core/memory.h"

/* A genesis certificate is always this epoch's, so its body is kept once, in r->genesis_cert. */
void bft_qc_put(struct bft_replica *r, struct bft_qc_slot *slot, const struct bft_qc *qc)
{
    TD_ASSERT(qc->sig_count <= r->n);
    if (qc->sig_count > 0 && qc->sigs != slot->sigs)
        memmove(slot->sigs, qc->sigs, qc->sig_count * sizeof slot->sigs[0]);
    slot->qc = *qc;
    slot->qc.sigs = slot->sigs;
    slot->qc.genesis = qc->genesis != NULL ? &r->genesis_cert.cert : NULL;
    slot->used = true;
}

void bft_tc_put(struct bft_replica *r, struct bft_tc_slot *slot, const struct bft_tc *tc)
{
    TD_ASSERT(tc->entry_count <= r->n);
    if (tc->entries != slot->entries)
        memmove(slot->entries, tc->entries, tc->entry_count * sizeof slot->entries[0]);
    bft_qc_put(r, &slot->high, &tc->high_qc);
    slot->tc = *tc;
    slot->tc.entries = slot->entries;
    slot->tc.high_qc = slot->high.qc;
    slot->used = true;
}

void bft_attest_put(struct bft_attest_slot *slot, const struct bft_attest_cert *c)
{
    if (c->sigs != slot->sigs)
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
    if (r->genesis_cert.used)
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
    if (r->timeout_qc.used && r->timeout_qc.qc.epoch == r->epoch &&
        r->timeout_qc.qc.round == round)
        return &r->timeout_qc.qc;
    if (r->entry_tc.used && r->entry_tc.tc.epoch == r->epoch &&
        r->entry_tc.tc.high_qc.round == round)
        return &r->entry_tc.tc.high_qc;
    return NULL;
}
