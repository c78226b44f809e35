/* Header rules and the vote.  [P-4.1, P-4.2, P-6, P-7] */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

enum check { CHECK_OK, CHECK_WAIT, CHECK_BAD };

/* [P-6.4] An epoch's genesis certificate attests `last`; otherwise the parent's header says. */
void bft_att_base(const struct bft_replica *r, const struct bft_header *parent,
                  uint64_t parent_round, uint64_t *height, struct td_hash *digest)
{
    if (parent_round == 0 && r->epoch > 0) {
        *height = parent->height;
        bft_attest_digest(digest, &r->genesis_cert.cert.fields);
        return;
    }
    *height = parent->att_height;
    *digest = parent->att_digest;
}

/* [P-2.4, P-4.1] */
enum bft_digest_state bft_digest_for(const struct bft_replica *r, uint64_t height,
                                     struct td_hash *out)
{
    if (height < TD_EXEC_LAG + 1u) {
        *out = r->cfg.genesis_result;
        return BFT_DIGEST_OK;
    }
    const struct bft_final_block *b = bft_final_peek(r, height - TD_EXEC_LAG);
    if (b == NULL || !b->executed)
        return BFT_DIGEST_WAIT;
    bft_result_digest(out, &b->exec.result);
    return BFT_DIGEST_OK;
}

/* [P-9.5] Totals count only what had executed at h - 3, and only if the open batch reaches back
 * that far; everything else follows from the chain itself. */
void bft_batch_bounds(const struct bft_replica *r, const struct bft_chain_state *before,
                      uint64_t height, uint64_t ts_ms, bool *must, bool *may)
{
    uint32_t count = before->batch_count + 1u;
    uint64_t first_ts = before->batch_count == 0 ? ts_ms : before->batch_ts;
    *must = height == r->last_height || count >= r->cfg.batch_blocks_max ||
            ts_ms - first_ts >= r->cfg.batch_ms_max;
    if (count > TD_EXEC_LAG && height > TD_EXEC_LAG) {
        const struct bft_final_block *b = bft_final_peek(r, height - TD_EXEC_LAG);
        if (b != NULL && b->executed)
            *must = *must || b->exec.batch_native >= r->cfg.batch_native_max ||
                    b->exec.batch_bytes >= r->cfg.batch_bytes_max;
    }
    *may = *must || count >= r->cfg.batch_blocks_min;
}

/* [P-6.2] */
static enum check check_filler(const struct bft_replica *r, const struct bft_header *h,
                               const struct bft_header *p)
{
    static const struct td_hash zero;
    const struct td_hash *next = h->parent_round == 0 ? &zero : &p->next_set_hash;
    (void)r;
    bool ok = h->height == p->height && h->tx_count == 0 && h->payload_bytes == 0 &&
              td_hash_is_zero(&h->payload_root) && !h->end_batch &&
              bft_origin_eq(&h->origin, &p->origin) &&
              td_hash_eq(&h->result_digest, &p->result_digest) &&
              td_hash_eq(&h->next_set_hash, next);
    return ok ? CHECK_OK : CHECK_BAD;
}

/* [P-7.1, P-7.2, P-7.4] */
static enum check check_origin(struct bft_replica *r, struct bft_node *n,
                               const struct bft_header *p)
{
    const struct bft_header *h = &n->header;
    if (r->cfg.has_l1 && h->ts_ms - n->state.origin_ts > TD_ORIGIN_STALE_MS_MAX && h->tx_count > 0)
        return CHECK_BAD;
    if (bft_origin_eq(&h->origin, &p->origin))
        return CHECK_OK;
    if (!r->cfg.has_l1 || h->height % TD_ORIGIN_INTERVAL != 0 || !td_hash_is_zero(&h->tc_hash) ||
        h->origin.number <= p->origin.number || h->origin.deposit_count < p->origin.deposit_count)
        return CHECK_BAD;
    if (BFT_PLANT(BFT_PLANT_ORIGIN_UNCHECKED) || n->origin == BFT_ORIGIN_OK)
        return CHECK_OK;
    if (n->origin == BFT_ORIGIN_UNASKED)
        bft_origin_ask(r, n);
    r->stepping_vote |= n->origin == BFT_ORIGIN_UNASKED; /* no room again: next step */
    return n->origin == BFT_ORIGIN_BAD ? CHECK_BAD : CHECK_WAIT;
}

/* Rules of a block that carries a height of its own: payload, window, digest, next set, batch. */
static enum check check_block(struct bft_replica *r, const struct bft_node *n,
                              const struct bft_node *parent)
{
    const struct bft_header *h = &n->header, *p = &parent->header;
    if (h->height != p->height + 1u || h->height > r->last_height)
        return CHECK_BAD;
    if (h->tx_count > r->cfg.txs_max || h->payload_bytes > r->cfg.payload_bytes_max)
        return CHECK_BAD;
    if ((h->tx_count == 0) != (h->payload_bytes == 0) ||
        (h->tx_count == 0) != td_hash_is_zero(&h->payload_root))
        return CHECK_BAD;
    if (h->height > h->att_height + TD_ATTEST_WINDOW && !BFT_PLANT(BFT_PLANT_WINDOW_UNCHECKED))
        return CHECK_BAD; /* [P-6.3] */
    struct td_hash want;
    if (bft_digest_for(r, h->height, &want) != BFT_DIGEST_OK)
        return CHECK_WAIT; /* the batch bounds need the totals of h - 3 too */
    bool must, may;
    bft_batch_bounds(r, &parent->state, h->height, h->ts_ms, &must, &may);
    if (h->end_batch ? !may : must)
        return CHECK_BAD;
    if (!td_hash_eq(&want, &h->result_digest) && !BFT_PLANT(BFT_PLANT_DIGEST_UNCHECKED))
        return CHECK_BAD;
    if (!bft_next_set_hash(r, h->height, &want))
        return CHECK_WAIT;
    return td_hash_eq(&want, &h->next_set_hash) ? CHECK_OK : CHECK_BAD;
}

/* Every header rule that needs the parent.  BAD is final; WAIT may turn into either. */
static enum check check_header(struct bft_replica *r, struct bft_node *n, bool carried,
                               enum bft_verdict *why)
{
    *why = BFT_BAD_HEADER;
    const struct bft_node *parent = &r->tree.node[n->parent];
    const struct bft_header *h = &n->header, *p = &parent->header;
    const struct td_hash *prev = p->filler ? &p->prev_hash : &parent->hash;
    uint64_t parent_round = p->epoch == h->epoch ? p->round : 0; /* `last` of the epoch before */
    if (h->parent_round != parent_round || !td_hash_eq(&h->prev_hash, prev))
        return CHECK_BAD;
    if (h->ts_ms <= p->ts_ms) {
        *why = BFT_BAD_TIME; /* [P-2.6] */
        return CHECK_BAD;
    }
    uint64_t att;
    struct td_hash digest;
    bft_att_base(r, p, h->parent_round, &att, &digest);
    if (h->att_height < att || h->att_height > p->height || (h->att_height > att) != carried)
        return CHECK_BAD; /* [P-6.4] it moves exactly by the certificate carried */
    if (h->att_height == att && !td_hash_eq(&h->att_digest, &digest))
        return CHECK_BAD;
    enum check origin = check_origin(r, n, p);
    if (origin == CHECK_BAD) {
        *why = BFT_BAD_ORIGIN;
        return CHECK_BAD;
    }
    enum check rest = h->filler ? check_filler(r, h, p) : check_block(r, n, parent);
    return rest == CHECK_OK ? origin : rest;
}

/* [P-4.1] A later clock cannot make the block valid too early: wait, do not refuse. */
static bool time_allows(struct bft_replica *r, const struct bft_header *h,
                        const struct bft_header *parent)
{
    if (BFT_PLANT(BFT_PLANT_TIME_UNCHECKED) || h->ts_ms == parent->ts_ms + 1u ||
        h->ts_ms <= r->wall_ms + TD_CLOCK_AHEAD_MS_MAX)
        return true;
    uint64_t ahead_ms = h->ts_ms - r->wall_ms - TD_CLOCK_AHEAD_MS_MAX;
    if (ahead_ms < 3600u * 1000u) /* further ahead than an hour: no round lasts that long */
        r->defer_at_ns = r->now_ns + (int64_t)ahead_ms * NS_PER_MS;
    return false;
}

/* Decaying maximum of the time from proposal to vote, capped at 2 s.  [P-3.4] */
static void measure(struct bft_replica *r, int64_t received_ns)
{
    int64_t cap = TD_PROCESSING_MS_MAX * NS_PER_MS, took = r->now_ns - received_ns;
    r->processing_ns -= r->processing_ns / 8;
    if (took > r->processing_ns)
        r->processing_ns = took < cap ? took : cap;
}

void bft_try_vote(struct bft_replica *r)
{
    struct bft_round *s = bft_round_peek(r, r->round);
    bool again = BFT_PLANT(BFT_PLANT_VOTE_TWICE) && s != NULL && !r->timed_out;
    if (s == NULL || !s->has_proposal || s->rejected || !s->justified || !bft_active(r) ||
        (r->round <= r->last_voted && !again) || !bft_own_room(r))
        return;
    uint32_t i = bft_tree_find(&r->tree, &s->proposal.hash);
    if (i == BFT_NODE_NONE || !r->tree.node[i].anchored || i == r->tree.root)
        return; /* the root: final by commit votes before this node could vote */
    struct bft_node *n = &r->tree.node[i];
    enum bft_verdict why;
    enum check c = check_header(r, n, s->carried_cert, &why);
    if (c == CHECK_BAD || n->payload == BFT_PAYLOAD_BAD) {
        s->rejected = true;
        r->verdicts[why]++;
        return;
    }
    if (n->payload != BFT_PAYLOAD_OK && !BFT_PLANT(BFT_PLANT_PAYLOAD_UNCHECKED))
        return;
    if (c == CHECK_WAIT || !time_allows(r, &n->header, &r->tree.node[n->parent].header))
        return;
    measure(r, s->received_ns);
    r->last_voted = r->round;
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote.epoch = r->epoch;
    m.u.vote.round = r->round;
    m.u.vote.height = n->header.height;
    m.u.vote.hash = n->hash;
    m.u.vote.signer = r->self;
    bft_own_sign(r, &m, n->header.parent_round);
}

void bft_header_added(struct bft_replica *r, uint32_t node)
{
    bft_want_done(r, &r->tree.node[node].hash);
    r->stepping_vote = r->stepping_final = true;
}

/* [P-4.1] r = qc.round + 1, or the TC of r - 1 with a QC at least as high as its highest. */
static bool justified(const struct bft_proposal *p)
{
    const struct bft_header *h = &p->header;
    if (p->qc.round >= h->round)
        return false;
    if (p->qc.round + 1u == h->round)
        return true;
    return p->tc != NULL && p->tc->round + 1u == h->round &&
           (p->qc.round >= p->tc->high_qc.round || BFT_PLANT(BFT_PLANT_TC_IGNORES_HIGH));
}

/* The certificates a proposal carries count whatever becomes of the proposal.  [P-4.1] */
static void take_certificates(struct bft_replica *r, const struct bft_proposal *p)
{
    if (p->qc.round == 0 && p->qc.genesis != NULL)
        (void)bft_on_attest_cert(r, p->qc.genesis);
    bft_process_qc(r, &p->qc);
    if (p->tc != NULL)
        bft_process_tc(r, p->tc);
    if (p->attest_cert != NULL)
        (void)bft_on_attest_cert(r, p->attest_cert);
    bft_epoch_try_next(r);
}

/* [P-6.4] The certificate a proposal carries is exactly the one its header names. */
static bool carries_what_it_says(const struct bft_replica *r, const struct bft_proposal *p)
{
    const struct bft_attest_cert *c = p->attest_cert;
    if (c == NULL)
        return true; /* att_height = base is checked against the parent */
    struct td_hash digest;
    bft_attest_digest(&digest, &c->fields);
    return c->fields.epoch == r->epoch && c->fields.height == p->header.att_height &&
           td_hash_eq(&digest, &p->header.att_digest);
}

static enum bft_verdict second_proposal(struct bft_replica *r, const struct bft_round *s,
                                        const struct bft_propose *new)
{
    if (td_hash_eq(&s->proposal.hash, &new->hash))
        return BFT_DUPLICATE;
    struct bft_signed a = {.kind = BFT_SIGNED_PROPOSE}, b = {.kind = BFT_SIGNED_PROPOSE};
    a.u.propose = s->proposal;
    b.u.propose = *new;
    bft_evidence_pair(r, BFT_EVIDENCE_TWO_PROPOSALS, &a, &b, NULL);
    return BFT_EQUIVOCATION;
}

enum bft_verdict bft_on_proposal(struct bft_replica *r, const struct bft_proposal *p)
{
    const struct bft_header *h = &p->header;
    take_certificates(r, p);
    if (r->mode == BFT_MODE_HALTED)
        return BFT_OK;
    if (h->epoch != r->epoch)
        return h->epoch < r->epoch ? BFT_STALE : BFT_FAR_FUTURE;
    if (h->proposer >= r->set_cur->count)
        return BFT_OUTSIDER;
    if (h->proposer != bft_leaders_at(&r->leaders, h->round))
        return BFT_WRONG_LEADER;
    r->silent[h->proposer] = false;
    if (p->qc.round == 0 && !td_hash_eq(&p->qc.hash, &r->genesis_qc.hash))
        return BFT_BAD_CERT; /* [P-8.4] an AttestCert, but not of `last` */
    if (!justified(p) || !carries_what_it_says(r, p))
        return BFT_BAD_CERT;
    /* The certificates just processed opened the proposal's round, so it cannot be ahead. */
    struct bft_round *s = bft_round_get(r, h->round);
    if (s == NULL || h->round > r->round)
        return h->round > r->round ? BFT_FAR_FUTURE : BFT_STALE;
    struct bft_propose signed_part = {h->epoch, h->round, p->hash, h->proposer, p->sig};
    if (s->has_proposal)
        return second_proposal(r, s, &signed_part);
    struct bft_signed m = {.kind = BFT_SIGNED_PROPOSE};
    m.u.propose = signed_part;
    bft_seen_note(r, &m);
    s->has_proposal = true;
    s->justified = true;
    s->rejected = false;
    s->proposal = signed_part;
    s->received_ns = r->now_ns;
    s->carried_cert = p->attest_cert != NULL;
    uint32_t i = bft_tree_add(r, h, &p->hash);
    if (i == BFT_NODE_NONE)
        return BFT_OVERFLOW;
    r->stepping_vote = true;
    if (r->tree.node[i].anchored)
        return BFT_OK;
    bft_want_chain(r, &h->parent, &p->qc.signers, h->parent_round);
    return BFT_UNKNOWN_PARENT;
}
