/* Finality and what follows from it.  [P-4.5, P-11.1] */
#include "consensus/replica_internal.h"

struct bft_final_block *bft_final_at(struct bft_replica *r, uint64_t height)
{
    struct bft_final_block *b = &r->final_ring[height % BFT_FINAL_RING];
    return height > 0 && height <= r->final_height && b->header.height == height ? b : NULL;
}

const struct bft_final_block *bft_final_peek(const struct bft_replica *r, uint64_t height)
{
    const struct bft_final_block *b = &r->final_ring[height % BFT_FINAL_RING];
    return height > 0 && height <= r->final_height && b->header.height == height ? b : NULL;
}

void bft_final_push(struct bft_replica *r, const struct bft_header *h, const struct td_hash *hash,
                    const struct bft_chain_state *state)
{
    TD_ASSERT(h->height == r->final_height + 1u || BFT_PLANT(BFT_PLANT_FINAL_SKIPS_ANCESTORS));
    struct bft_final_block *b = &r->final_ring[h->height % BFT_FINAL_RING];
    *b = (struct bft_final_block){.header = *h, .hash = *hash, .state = *state};
    r->final_height = h->height;
    r->final_hash = *hash;
    if (h->proposer < r->n)
        r->produced[h->proposer]++;
    struct td_hash want;
    if (bft_digest_for(r, h->height, &want) == BFT_DIGEST_OK &&
        !td_hash_eq(&want, &h->result_digest))
        bft_alarm_raise(r, BFT_ALARM_DIVERGED);
    if (h->ts_ms > r->wall_ms + TD_CLOCK_AHEAD_MS_MAX)
        bft_alarm_raise(r, BFT_ALARM_CLOCK);
    TD_ASSERT(r->final_out_count < BFT_NODES_MAX);
    struct bft_header *out = &r->final_out[r->final_out_count++];
    *out = *h;
    struct bft_effect *fx = bft_fx(r, BFT_FX_FINALIZE);
    fx->u.block.header = out;
    fx->u.block.hash = *hash;
    fx->u.block.state = *state;
}

void bft_proof_store(struct bft_replica *r, const struct bft_proof *proof)
{
    r->proof_kind = proof->kind;
    switch (proof->kind) {
    case BFT_PROOF_NONE:
        break;
    case BFT_PROOF_ATTEST:
        bft_attest_put(&r->proof_attest, proof->attest);
        break;
    case BFT_PROOF_TWO_CHAIN:
        bft_qc_put(r, &r->proof_qc, proof->qc);
        bft_qc_put(r, &r->proof_qc_child, proof->qc_child);
        r->proof_tip = *proof->tip;
        r->proof_child = *proof->child;
        break;
    case BFT_PROOF_COMMIT:
        bft_qc_put(r, &r->proof_qc, proof->commit);
        r->proof_tip = *proof->tip;
        break;
    }
}

void bft_proof_get(const struct bft_replica *r, struct bft_proof *out)
{
    *out = (struct bft_proof){.kind = r->proof_kind};
    switch (r->proof_kind) {
    case BFT_PROOF_NONE:
        break;
    case BFT_PROOF_ATTEST:
        out->attest = &r->proof_attest.cert;
        break;
    case BFT_PROOF_TWO_CHAIN:
        out->qc = &r->proof_qc.qc;
        out->qc_child = &r->proof_qc_child.qc;
        out->tip = &r->proof_tip;
        out->child = &r->proof_child;
        break;
    case BFT_PROOF_COMMIT:
        out->commit = &r->proof_qc.qc;
        out->tip = &r->proof_tip;
        break;
    }
}

void bft_proof_emit(struct bft_replica *r)
{
    struct bft_proof kept, copy;
    bft_proof_get(r, &kept);
    if (kept.kind != BFT_PROOF_NONE && bft_export_proof(r, &copy, &kept))
        bft_fx(r, BFT_FX_FINAL_PROOF)->u.proof = copy;
}

/* Path from just above the root to `node`, oldest first; returns its length. */
static uint32_t path_to(const struct bft_tree *t, uint32_t node, uint32_t *path)
{
    uint32_t n = 0;
    for (uint32_t i = node; i != t->root; i = t->node[i].parent) {
        TD_ASSERT(i != BFT_NODE_NONE && n < BFT_NODES_MAX);
        path[n++] = i;
    }
    for (uint32_t i = 0; i < n / 2u; i++) {
        uint32_t swap = path[i];
        path[i] = path[n - 1u - i];
        path[n - 1u - i] = swap;
    }
    return n;
}

void bft_finalize(struct bft_replica *r, uint32_t node, const struct bft_proof *proof)
{
    uint32_t path[BFT_NODES_MAX];
    struct bft_tree *t = &r->tree;
    TD_ASSERT(t->node[node].used && t->node[node].anchored);
    uint32_t n = path_to(t, node, path);
    if (proof->kind != BFT_PROOF_NONE || n > 0)
        bft_proof_store(r, proof);
    for (uint32_t i = BFT_PLANT(BFT_PLANT_FINAL_SKIPS_ANCESTORS) && n > 0 ? n - 1u : 0; i < n;
         i++) {
        const struct bft_node *b = &t->node[path[i]];
        if (b->header.filler)
            continue;
        bft_final_push(r, &b->header, &b->hash, &b->state);
    }
    if (n > 0)
        bft_proof_emit(r); /* of fillers too: after a restart nobody else may prove that root */
    bft_tree_reroot(r, node);
    bft_next_set_try(r);
    r->stepping_vote = r->stepping_final = true;
}

/* [P-4.5] QC(B') with B'.qc = QC(B) and B'.round = B.round + 1 makes B final. */
void bft_two_chain(struct bft_replica *r, const struct bft_qc *qc_child)
{
    struct bft_tree *t = &r->tree;
    if (qc_child->epoch != r->epoch || qc_child->round == 0)
        return;
    uint32_t i = bft_tree_find(t, &qc_child->hash);
    if (i == BFT_NODE_NONE || !t->node[i].anchored || i == t->root)
        return;
    const struct bft_header *child = &t->node[i].header;
    uint32_t p = t->node[i].parent;
    bool direct = child->round == child->parent_round + 1u || BFT_PLANT(BFT_PLANT_TWO_CHAIN_GAP);
    if (p == t->root || child->parent_round == 0 || !direct)
        return;
    struct bft_header tip = t->node[p].header, top = *child;
    const struct bft_qc *qc = bft_qc_held(r, child->parent_round);
    struct bft_proof proof = {.kind = BFT_PROOF_NONE};
    if (qc != NULL && td_hash_eq(&qc->hash, &t->node[p].hash))
        proof = (struct bft_proof){.kind = BFT_PROOF_TWO_CHAIN,
                                   .qc = qc,
                                   .qc_child = qc_child,
                                   .tip = &tip,
                                   .child = &top};
    bft_finalize(r, p, &proof);
}

/* [P-4.5] Q commit votes on one block. */
void bft_commit_cert(struct bft_replica *r, const struct bft_qc *cc)
{
    const struct bft_node *root = &r->tree.node[r->tree.root];
    if (cc->epoch != r->epoch || cc->round == 0)
        return;
    if (root->header.epoch == r->epoch && cc->round <= root->header.round) {
        if (cc->round == root->header.round && !td_hash_eq(&cc->hash, &root->hash))
            bft_halt(r, BFT_HALT_TWO_FINALS);
        else if (cc->round == root->header.round && r->proof_kind == BFT_PROOF_NONE)
            bft_proof_store(r, &(struct bft_proof){
                                   .kind = BFT_PROOF_COMMIT, .commit = cc, .tip = &root->header});
        return;
    }
    if (r->pending_final && r->pending_commit.qc.round >= cc->round)
        return;
    bft_qc_put(r, &r->pending_commit, cc);
    r->pending_final = true;
    bft_want_chain(r, &cc->hash, &cc->signers, cc->round);
    r->stepping_final = true;
}

/* [P-11.4] Fillers are not synced by height, so a node whose root is an older filler of the same
 * height could never link to the others' root.  A proof of a tip that names the newest final block
 * as its newest non-filler ancestor leaves nothing out but fillers. */
void bft_proof_take(struct bft_replica *r, const struct bft_proof *proof)
{
    const struct bft_header *tip = proof->tip;
    const struct bft_header *root = &r->tree.node[r->tree.root].header;
    struct td_hash named = tip->prev_hash;
    if (!tip->filler)
        bft_header_hash(&named, tip);
    const struct bft_final_block *ours = bft_final_peek(r, tip->height);
    if (ours != NULL && !td_hash_eq(&ours->hash, &named)) {
        bft_halt(r, BFT_HALT_TWO_FINALS); /* [P-4.6] two final blocks at one height */
        return;
    }
    if (tip->epoch != r->epoch || (root->epoch == r->epoch && tip->round <= root->round) ||
        !tip->filler || tip->height != r->final_height ||
        !td_hash_eq(&tip->prev_hash, &r->final_hash))
        return;
    struct td_hash hash;
    bft_header_hash(&hash, tip);
    uint32_t i = bft_tree_find(&r->tree, &hash);
    if (i != BFT_NODE_NONE && r->tree.node[i].anchored) {
        bft_finalize(r, i, proof);
        return;
    }
    struct bft_chain_state state = r->tree.node[r->tree.root].state; /* fillers leave it alone */
    bft_proof_store(r, proof);
    bft_proof_emit(r);
    bft_tree_adopt(r, tip, &hash, &state);
    r->stepping_vote = r->stepping_final = true;
}

static void try_commit(struct bft_replica *r)
{
    const struct bft_node *root = &r->tree.node[r->tree.root];
    const struct bft_qc *cc = &r->pending_commit.qc;
    if (!r->pending_final)
        return;
    if (cc->epoch != r->epoch ||
        (root->header.epoch == r->epoch && cc->round <= root->header.round)) {
        r->pending_final = false;
        return;
    }
    uint32_t i = bft_tree_find(&r->tree, &cc->hash);
    if (i == BFT_NODE_NONE || !r->tree.node[i].anchored)
        return;
    struct bft_header tip = r->tree.node[i].header;
    struct bft_proof proof = {.kind = BFT_PROOF_COMMIT, .commit = cc, .tip = &tip};
    r->pending_final = false;
    bft_finalize(r, i, &proof);
}

/* An attestation certificate proves its block final as well.  [P-11.1] */
static void try_attested(struct bft_replica *r)
{
    const struct bft_attest_cert *c = &r->attested.cert;
    if (!r->attested.used || c->fields.epoch != r->epoch || c->fields.height <= r->final_height)
        return;
    uint32_t i = bft_tree_find(&r->tree, &c->fields.block_hash);
    if (i == BFT_NODE_NONE || !r->tree.node[i].anchored)
        return;
    struct bft_proof proof = {.kind = BFT_PROOF_ATTEST, .attest = c};
    bft_finalize(r, i, &proof);
}

void bft_try_final(struct bft_replica *r)
{
    try_commit(r);
    for (uint64_t back = 0; back <= TD_ROUNDS_AHEAD_MAX + BFT_ROUNDS_BACK; back++) {
        uint64_t top = r->round + TD_ROUNDS_AHEAD_MAX;
        if (back >= top)
            break;
        struct bft_round *s = bft_round_peek(r, top - back);
        if (s != NULL && s->qc.used)
            bft_two_chain(r, &s->qc.qc);
    }
    bft_two_chain(r, &r->high_qc.qc);
    try_attested(r);
}

void bft_on_executed(struct bft_replica *r, const struct bft_executed *x)
{
    struct bft_final_block *b = bft_final_at(r, x->result.height);
    if (b == NULL || b->executed || !td_hash_eq(&b->hash, &x->result.block_hash))
        return;
    b->executed = true;
    b->exec = *x;
    if (x->result.height > r->executed_height)
        r->executed_height = x->result.height;
    bft_attest_sign(r, x->result.height);
    bft_batch_open(r, b);
    r->stepping_vote = true;
}
