/* Evidence of misbehaviour: pairs of messages an honest key never signs both.  [P-12] */
#include "consensus/replica_internal.h"

/* [P-12.2] One per (signer, kind, epoch). */
static bool claim(struct bft_replica *r, uint16_t signer, enum bft_evidence_kind kind)
{
    uint8_t bit = (uint8_t)(1u << ((unsigned)kind - 1u));
    if (signer >= r->set_cur->count || (r->evidence_seen[signer] & bit) != 0 ||
        r->evidence_count >= sizeof r->evidence_out / sizeof r->evidence_out[0])
        return false;
    r->evidence_seen[signer] |= bit;
    return true;
}

static void publish(struct bft_replica *r, const struct bft_evidence *e)
{
    struct bft_evidence *kept = &r->evidence_out[r->evidence_count];
    *kept = *e;
    if (e->header != NULL) {
        r->evidence_header[r->evidence_count] = *e->header;
        kept->header = &r->evidence_header[r->evidence_count];
    }
    r->evidence_count++;
    bft_fx(r, BFT_FX_EVIDENCE)->u.evidence = kept;
    struct bft_msg *m = bft_out(r, BFT_NO_PEER, BFT_MSG_EVIDENCE);
    if (m != NULL)
        m->u.evidence = *kept;
}

void bft_evidence_pair(struct bft_replica *r, enum bft_evidence_kind kind,
                       const struct bft_signed *a, const struct bft_signed *b,
                       const struct bft_header *header)
{
    if (!claim(r, bft_signed_signer(a), kind))
        return;
    struct bft_evidence e = {.kind = kind, .a = *a, .b = *b, .header = header};
    publish(r, &e);
}

enum bft_verdict bft_on_evidence(struct bft_replica *r, const struct bft_evidence *e)
{
    if (bft_signed_slot(&e->a).epoch != r->epoch)
        return BFT_STALE;
    if (!claim(r, bft_signed_signer(&e->a), e->kind))
        return BFT_DUPLICATE;
    publish(r, e);
    return BFT_OK;
}

static void commit_against(struct bft_replica *r, const struct bft_commit *c,
                           const struct bft_timeout *t)
{
    if (c->epoch != t->epoch || c->round > t->round || t->lock_round >= c->round)
        return;
    struct bft_signed a = {.kind = BFT_SIGNED_COMMIT}, b = {.kind = BFT_SIGNED_TIMEOUT};
    a.u.commit = *c;
    b.u.timeout = *t;
    bft_evidence_pair(r, BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK, &a, &b, NULL);
}

static void vote_against(struct bft_replica *r, const struct bft_vote *v,
                         const struct bft_timeout *t)
{
    if (v->epoch != t->epoch || v->round > t->round)
        return;
    uint32_t i = bft_tree_find(&r->tree, &v->hash);
    if (i == BFT_NODE_NONE || t->lock_round >= r->tree.node[i].header.parent_round)
        return;
    struct bft_signed a = {.kind = BFT_SIGNED_VOTE}, b = {.kind = BFT_SIGNED_TIMEOUT};
    a.u.vote = *v;
    b.u.timeout = *t;
    bft_evidence_pair(r, BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK, &a, &b, &r->tree.node[i].header);
}

void bft_evidence_commit(struct bft_replica *r, const struct bft_commit *c)
{
    const struct bft_seen *s = &r->seen[c->signer];
    if (s->present[BFT_SIGNED_TIMEOUT - 1])
        commit_against(r, c, &s->timeout);
}

void bft_evidence_vote(struct bft_replica *r, const struct bft_vote *v)
{
    const struct bft_seen *s = &r->seen[v->signer];
    if (s->present[BFT_SIGNED_TIMEOUT - 1])
        vote_against(r, v, &s->timeout);
}

/* Against every vote and commit vote of the signer that the window still holds. */
void bft_evidence_timeout(struct bft_replica *r, const struct bft_timeout *t)
{
    for (uint32_t i = 0; i < BFT_ROUND_RING; i++) {
        const struct bft_round *s = &r->ring[i];
        if (s->round == 0 || s->round > t->round)
            continue;
        if (bft_bitmap_has(&s->commits.seen, t->signer)) {
            const struct bft_tally_group *g = &s->commits.group[s->commits.group_of[t->signer]];
            struct bft_commit c = {r->epoch, s->round, g->hash, t->signer,
                                   s->commits.sig[t->signer]};
            commit_against(r, &c, t);
        }
        if (bft_bitmap_has(&s->votes.seen, t->signer)) {
            const struct bft_tally_group *g = &s->votes.group[s->votes.group_of[t->signer]];
            struct bft_vote v = {r->epoch, s->round,  g->height,
                                 g->hash,  t->signer, s->votes.sig[t->signer]};
            vote_against(r, &v, t);
        }
    }
}
