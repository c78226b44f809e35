/* What the leader of a round does.  [P-3.2, P-6.1, P-7.3] */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

/* What the next proposal stands on, or NULL while its parent's header is missing. */
static const struct bft_node *parent_node(struct bft_replica *r)
{
    const struct bft_qc *qc = &r->high_qc.qc;
    if (BFT_PLANT(BFT_PLANT_STALE_PARENT))
        return &r->tree.node[r->tree.root];
    uint32_t i = bft_tree_find(&r->tree, &qc->hash);
    if (i != BFT_NODE_NONE && r->tree.node[i].anchored)
        return &r->tree.node[i];
    bft_want_chain(r, &qc->hash, &qc->signers, qc->round);
    return NULL;
}

/* Is the newest attestation certificate news to a chain that ends in `p`? */
static bool carries_cert(const struct bft_replica *r, const struct bft_header *p, uint64_t base)
{
    return r->attested.used && r->attested.cert.fields.epoch == r->epoch &&
           r->attested_height > base && r->attested_height <= p->height;
}

/* [P-2.6] */
static uint64_t timestamp_after(const struct bft_replica *r, const struct bft_header *parent)
{
    return r->wall_ms > parent->ts_ms ? r->wall_ms : parent->ts_ms + 1u;
}

/* [P-7.4] Must a block made now on `parent` be empty, because L1 has not been followed for 4 h? */
static bool origin_stale(const struct bft_replica *r, const struct bft_node *parent)
{
    return r->cfg.has_l1 &&
           timestamp_after(r, &parent->header) > parent->state.origin_ts + TD_ORIGIN_STALE_MS_MAX;
}

struct plan {
    const struct bft_node *parent;
    bool filler;
    bool with_tc;
    bool with_cert;
    uint64_t att_height;
    struct td_hash att_digest;
    struct td_hash result_digest;
    struct td_hash next_set_hash;
};

/* [P-6.1] A filler whenever a block would break a rule that only time can mend. */
static void plan_make(struct bft_replica *r, const struct bft_node *parent, struct plan *out)
{
    const struct bft_header *p = &parent->header;
    uint64_t h = p->height + 1u;
    *out = (struct plan){.parent = parent};
    out->with_tc = r->high_qc.qc.round + 1u != r->round;
    bft_att_base(r, p, r->high_qc.qc.round, &out->att_height, &out->att_digest);
    out->with_cert = carries_cert(r, p, out->att_height);
    if (out->with_cert) {
        out->att_height = r->attested_height;
        out->att_digest = r->attested_digest;
    }
    out->filler = h > r->last_height || h > out->att_height + TD_ATTEST_WINDOW ||
                  bft_digest_for(r, h, &out->result_digest) != BFT_DIGEST_OK ||
                  !bft_next_set_hash(r, h, &out->next_set_hash);
    if (BFT_PLANT(BFT_PLANT_WINDOW_UNCHECKED) && h <= r->last_height &&
        bft_digest_for(r, h, &out->result_digest) == BFT_DIGEST_OK)
        out->filler = !bft_next_set_hash(r, h, &out->next_set_hash);
}

static void propose(struct bft_replica *r, const struct plan *plan,
                    const struct bft_payload_built *built)
{
    const struct bft_header *p = &plan->parent->header;
    struct bft_header *h = &r->own_header;
    *h = (struct bft_header){
        .epoch = r->epoch,
        .round = r->round,
        .height = p->height + (plan->filler ? 0u : 1u),
        .filler = plan->filler,
        .proposer = r->self,
        .parent = plan->parent->hash,
        .parent_round = r->high_qc.qc.round,
        .prev_hash = p->filler ? p->prev_hash : plan->parent->hash,
        .ts_ms = timestamp_after(r, p),
        .origin = p->origin,
        .result_digest = plan->filler ? p->result_digest : plan->result_digest,
        .att_height = plan->att_height,
        .att_digest = plan->att_digest,
        .next_set_hash = plan->next_set_hash,
    };
    if (plan->filler)
        h->next_set_hash = h->parent_round == 0 ? (struct td_hash){{0}} : p->next_set_hash;
    if (plan->with_tc)
        bft_tc_hash(&h->tc_hash, &r->entry_tc.tc);
    if (built != NULL) {
        bool must, may;
        bft_batch_bounds(r, &plan->parent->state, h->height, h->ts_ms, &must, &may);
        h->end_batch = must || (may && built->end_batch);
        h->payload_root = built->payload_root;
        h->payload_bytes = built->payload_bytes;
        h->tx_count = built->tx_count;
        bool advance = r->cfg.has_l1 && !plan->with_tc && h->height % TD_ORIGIN_INTERVAL == 0 &&
                       built->origin.number > p->origin.number;
        if (advance)
            h->origin = built->origin;
    }
    bft_header_hash(&r->own_hash, h);
    bft_qc_put(r, &r->own_qc, &r->high_qc.qc);
    r->own_has_tc = plan->with_tc;
    r->own_has_att = plan->with_cert;
    if (plan->with_cert)
        bft_attest_put(&r->own_att, &r->attested.cert);
    r->last_proposed = r->round;
    r->propose_at_ns = BFT_NEVER;
    struct bft_signed m = {.kind = BFT_SIGNED_PROPOSE};
    m.u.propose.epoch = r->epoch;
    m.u.propose.round = r->round;
    m.u.propose.hash = r->own_hash;
    m.u.propose.signer = r->self;
    bft_own_sign(r, &m, 0);
}

static void ask_payload(struct bft_replica *r, const struct plan *plan)
{
    const struct bft_header *p = &plan->parent->header;
    uint64_t h = p->height + 1u;
    struct bft_effect *fx = bft_fx(r, BFT_FX_MAKE_PAYLOAD);
    fx->u.make.epoch = r->epoch;
    fx->u.make.round = r->round;
    fx->u.make.height = h;
    fx->u.make.parent = plan->parent->hash;
    fx->u.make.empty = origin_stale(r, plan->parent);
    fx->u.make.advance_origin = r->cfg.has_l1 && !plan->with_tc && h % TD_ORIGIN_INTERVAL == 0;
    fx->u.make.origin_max = bft_origin_quorum(r);
    fx->u.make.parent_origin = p->origin;
    r->asked_payload = true;
    r->asked_parent = plan->parent->hash;
}

static bool may_propose(const struct bft_replica *r)
{
    return bft_active(r) && r->propose_at_ns != BFT_NEVER && r->now_ns >= r->propose_at_ns &&
           r->round > r->last_proposed && !r->timed_out && bft_own_room(r);
}

void bft_try_propose(struct bft_replica *r)
{
    if (!may_propose(r) || r->asked_payload)
        return;
    const struct bft_node *parent = parent_node(r);
    if (parent == NULL)
        return;
    struct plan plan;
    plan_make(r, parent, &plan);
    if (plan.with_tc && (r->entry.kind != BFT_ENTRY_TC || r->entry_tc.tc.round + 1u != r->round))
        return; /* entered by QC(r - 1), so the highest QC is that one: cannot happen */
    if (!plan.filler)
        ask_payload(r, &plan);
    else if (!BFT_PLANT(BFT_PLANT_NO_FILLERS))
        propose(r, &plan, NULL);
}

void bft_on_built(struct bft_replica *r, const struct bft_payload_built *b)
{
    if (b->epoch != r->epoch || b->round != r->round || !r->asked_payload || !may_propose(r))
        return;
    const struct bft_node *parent = parent_node(r);
    if (parent == NULL)
        return;
    if (!td_hash_eq(&parent->hash, &r->asked_parent)) {
        r->asked_payload =
            false; /* a late QC moved the parent: that payload is for another block */
        bft_try_propose(r);
        return;
    }
    struct plan plan;
    plan_make(r, parent, &plan);
    propose(r, &plan, plan.filler ? NULL : b);
}

/* The own proposal is durable: everyone gets it, this node first. */
void bft_own_proposal_out(struct bft_replica *r, const struct bft_propose *p)
{
    if (p->epoch != r->epoch || p->round != r->round || !td_hash_eq(&p->hash, &r->own_hash))
        return; /* the round was left meanwhile */
    const struct bft_qc *qc = bft_export_qc(r, &r->own_qc.qc);
    const struct bft_tc *tc = r->own_has_tc ? bft_export_tc(r, &r->entry_tc.tc) : NULL;
    const struct bft_attest_cert *att =
        r->own_has_att ? bft_export_attest(r, &r->own_att.cert) : NULL;
    if (qc == NULL || (tc == NULL) == r->own_has_tc || (att == NULL) == r->own_has_att)
        return;
    struct bft_msg *m = bft_out(r, BFT_NO_PEER, BFT_MSG_PROPOSAL);
    if (m == NULL)
        return;
    m->u.proposal = (struct bft_proposal){
        .header = r->own_header,
        .hash = r->own_hash,
        .qc = *qc,
        .tc = tc,
        .attest_cert = att,
        .sig = p->sig,
    };
    (void)bft_on_proposal(r, &m->u.proposal);
    uint32_t i = bft_tree_find(&r->tree, &r->own_hash);
    if (i != BFT_NODE_NONE) {
        r->tree.node[i].payload = BFT_PAYLOAD_OK;
        enum bft_origin_state o = r->tree.node[i].origin;
        if (o == BFT_ORIGIN_ASKED || o == BFT_ORIGIN_UNASKED)
            r->tree.node[i].origin = BFT_ORIGIN_OK; /* built from this node's own L1 view */
    }
    r->stepping_vote = true;
}
