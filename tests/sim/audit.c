/* The checker's second half: certificates, finality, evidence, bounds, progress. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define PROGRESS_NS (10 * SIM_SEC)     /* a block within this after healing */
#define HEAD_CHOSEN_NS (12 * SIM_SEC)  /* whatever is final by then ... */
#define HEAD_REACHED_NS (30 * SIM_SEC) /* ... everyone has by then */
#define LOOK_NS (100 * SIM_MS)
#define DEAD_ROUND_NS (16 * SIM_SEC) /* longest timer: (1 s + 4 * 250 ms + 2 s) * 4 */

#define ULL(x) ((unsigned long long)(x))

/* ---- certificates */

struct cert {
    const char *what;
    enum bft_signed_kind kind;
    uint64_t epoch, place;
};

/* Each signer in `who` made this very signature, and together they weigh a quorum. */
static void audit_signers(struct sim_world *w, struct sim_node *n, struct cert c, uint64_t content,
                          const struct bft_bitmap *who)
{
    if (c.epoch >= SIM_EPOCHS_MAX || !w->chain.epoch[c.epoch].known)
        return; /* no node is there yet: nothing to compare with */
    const struct bft_set *set = &w->chain.epoch[c.epoch].set;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!bft_bitmap_has(who, i))
            continue;
        weight += set->v[i].stake;
        if (!sim_tally_has(w, c.kind, c.epoch, c.place, content, w->chain.epoch[c.epoch].key_of[i]))
            sim_violate(w, n->id, "certificates",
                        "%s for %llu/%llu accepted by n%u names signer %u, who never signed it",
                        c.what, ULL(c.epoch), ULL(c.place), n->id, i);
    }
    if (weight < set->quorum)
        sim_violate(w, n->id, "certificates",
                    "%s for %llu/%llu accepted by n%u weighs %llu of the %llu it needs", c.what,
                    ULL(c.epoch), ULL(c.place), n->id, ULL(weight), ULL(set->quorum));
}

static void audit_attest(struct sim_world *w, struct sim_node *n, const struct bft_attest_cert *a)
{
    struct cert c = {"attestation certificate", BFT_SIGNED_ATTEST, a->fields.epoch,
                     a->fields.height};
    audit_signers(w, n, c, sim_content_attest(&a->fields), &a->signers);
}

static void audit_qc(struct sim_world *w, struct sim_node *n, const struct bft_qc *qc, bool commit)
{
    if (qc->round == 0) {
        if (qc->epoch > 0 && qc->genesis != NULL)
            audit_attest(w, n, qc->genesis);
        else if (qc->epoch > 0 || !td_hash_eq(&qc->hash, &w->base.genesis_hash))
            sim_violate(w, n->id, "certificates", "n%u accepts a false genesis certificate", n->id);
        return;
    }
    struct cert c = {commit ? "commit certificate" : "quorum certificate",
                     commit ? BFT_SIGNED_COMMIT : BFT_SIGNED_VOTE, qc->epoch, qc->round};
    uint64_t content = commit ? sim_hash_word(&qc->hash) : sim_content_block(qc->height, &qc->hash);
    audit_signers(w, n, c, content, &qc->signers);
}

static void audit_tc(struct sim_world *w, struct sim_node *n, const struct bft_tc *tc)
{
    if (tc->epoch >= SIM_EPOCHS_MAX || !w->chain.epoch[tc->epoch].known)
        return;
    const struct sim_epoch *e = &w->chain.epoch[tc->epoch];
    uint64_t weight = 0, highest = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < e->set.count; i++) {
        if (!bft_bitmap_has(&tc->signers, i))
            continue;
        uint64_t lock = tc->entries[at++].lock_round;
        weight += e->set.v[i].stake;
        highest = lock > highest ? lock : highest;
        if (!sim_tally_has(w, BFT_SIGNED_TIMEOUT, tc->epoch, tc->round, lock, e->key_of[i]))
            sim_violate(w, n->id, "certificates",
                        "timeout certificate for %llu/%llu accepted by n%u names signer %u, who "
                        "never signed lock round %llu",
                        ULL(tc->epoch), ULL(tc->round), n->id, i, ULL(lock));
    }
    if (weight < e->set.quorum || tc->high_qc.round != highest)
        sim_violate(w, n->id, "certificates",
                    "timeout certificate for %llu/%llu accepted by n%u: weight %llu of %llu, "
                    "highest lock %llu, QC of round %llu",
                    ULL(tc->epoch), ULL(tc->round), n->id, ULL(weight), ULL(e->set.quorum),
                    ULL(highest), ULL(tc->high_qc.round));
    audit_qc(w, n, &tc->high_qc, false);
}

static void audit_entry(struct sim_world *w, struct sim_node *n, const struct bft_entry *e)
{
    if (e->kind == BFT_ENTRY_QC)
        audit_qc(w, n, e->qc, false);
    else if (e->kind == BFT_ENTRY_TC)
        audit_tc(w, n, e->tc);
}

void sim_check_proof(struct sim_world *w, struct sim_node *n, const struct bft_proof *p)
{
    switch (p->kind) {
    case BFT_PROOF_NONE:
        break;
    case BFT_PROOF_ATTEST:
        audit_attest(w, n, p->attest);
        break;
    case BFT_PROOF_COMMIT:
        audit_qc(w, n, p->commit, true);
        break;
    case BFT_PROOF_TWO_CHAIN:
        audit_qc(w, n, p->qc, false);
        audit_qc(w, n, p->qc_child, false);
        if (p->qc_child->round != p->qc->round + 1 ||
            !td_hash_eq(&p->child->parent, &p->qc->hash) || p->child->parent_round != p->qc->round)
            sim_violate(w, n->id, "certificates",
                        "n%u finalizes by a two-chain of rounds %llu and %llu", n->id,
                        ULL(p->qc->round), ULL(p->qc_child->round));
        break;
    }
}

static void audit_batch(struct sim_world *w, struct sim_node *n, const struct bft_batch_cert *b)
{
    struct cert c = {"batch certificate", BFT_SIGNED_BATCH, b->epoch, 0};
    audit_signers(w, n, c, sim_hash_word(&b->batch_hash), &b->signers);
}

static void audit_certificate(struct sim_world *w, struct sim_node *n,
                              const struct bft_certificate *c)
{
    if (c->kind == BFT_CERTIFICATE_QC || c->kind == BFT_CERTIFICATE_COMMIT)
        audit_qc(w, n, c->qc, c->kind == BFT_CERTIFICATE_COMMIT);
    else if (c->kind == BFT_CERTIFICATE_TC)
        audit_tc(w, n, c->tc);
    else
        sim_check_proof(w, n, &c->proof);
}

void sim_check_frame(struct sim_world *w, struct sim_node *n, struct sim_frame *f,
                     const struct bft_msg *m)
{
    (void)f;
    switch (m->kind) {
    case BFT_MSG_STATUS:
        if (m->u.status.high_qc != NULL)
            audit_qc(w, n, m->u.status.high_qc, false);
        audit_entry(w, n, &m->u.status.entry);
        break;
    case BFT_MSG_PROPOSAL:
        audit_qc(w, n, &m->u.proposal.qc, false);
        if (m->u.proposal.tc != NULL)
            audit_tc(w, n, m->u.proposal.tc);
        if (m->u.proposal.attest_cert != NULL)
            audit_attest(w, n, m->u.proposal.attest_cert);
        break;
    case BFT_MSG_TIMEOUT:
        if (m->u.timeout.lock_qc != NULL)
            audit_qc(w, n, m->u.timeout.lock_qc, false);
        audit_entry(w, n, &m->u.timeout.entry);
        break;
    case BFT_MSG_CERTIFICATE:
        audit_certificate(w, n, &m->u.certificate);
        break;
    case BFT_MSG_ATTEST_CERT:
        audit_attest(w, n, &m->u.attest_cert);
        break;
    case BFT_MSG_BATCH_CERT:
        audit_batch(w, n, &m->u.batch_cert);
        break;
    case BFT_MSG_BLOCKS:
        if (m->u.blocks.header_count > 0)
            sim_check_proof(w, n, &m->u.blocks.proof);
        break;
    case BFT_MSG_HELLO:
    case BFT_MSG_VOTE:
    case BFT_MSG_COMMIT:
    case BFT_MSG_ATTEST:
    case BFT_MSG_BATCH_ATTEST:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        break;
    }
}

/* ---- finality */

void sim_check_final(struct sim_world *w, struct sim_node *n, const struct bft_header *h,
                     const struct td_hash *hash, const struct bft_chain_state *state)
{
    if (h->filler || h->height != n->disk.live.final_height + 1) {
        sim_violate(w, n->id, "finality order", "n%u finalizes %s%llu right after height %llu",
                    n->id, h->filler ? "a filler at " : "", ULL(h->height),
                    ULL(n->disk.live.final_height));
        return;
    }
    const struct sim_final *have = sim_final_at(&w->chain, h->height);
    if (have != NULL) {
        if (!td_hash_eq(&have->block->hash, hash))
            sim_violate(w, n->id, "agreement",
                        "two final blocks at height %llu: %08x (round %llu) and, at n%u, %08x "
                        "(round %llu)",
                        ULL(h->height), (unsigned)sim_hash_word(&have->block->hash),
                        ULL(have->block->header.round), n->id, (unsigned)sim_hash_word(hash),
                        ULL(h->round));
        else if (have->state.origin_ts != state->origin_ts ||
                 have->state.batch_ts != state->batch_ts ||
                 have->state.batch_count != state->batch_count)
            sim_violate(w, n->id, "agreement", "n%u derives another chain state at height %llu",
                        n->id, ULL(h->height));
        return;
    }
    const struct td_hash *before = &w->base.genesis_hash;
    if (h->height > 1)
        before = &w->chain.final[h->height - 1].block->hash;
    if (!td_hash_eq(&h->prev_hash, before)) {
        sim_violate(w, n->id, "agreement",
                    "final block %llu at n%u does not follow final block %llu", ULL(h->height),
                    n->id, ULL(h->height - 1));
        return;
    }
    struct sim_block *b = sim_block_add(&w->chain, h, hash);
    sim_final_add(&w->chain, b, state, w->now_ns);
}

void sim_check_evidence(struct sim_world *w, struct sim_node *n, const struct bft_evidence *e)
{
    uint64_t epoch = bft_signed_slot(&e->a).epoch;
    uint32_t key = sim_key_of(w, epoch, bft_signed_signer(&e->a));
    if (key == SIM_KEY_NONE || sim_key_honest(w, key))
        sim_violate(w, n->id, "evidence", "n%u holds evidence of kind %d against honest signer %u",
                    n->id, (int)e->kind, bft_signed_signer(&e->a));
}

/* ---- messages of honest nodes are good */

void sim_check_refusal(struct sim_world *w, struct sim_node *n, uint32_t from, uint64_t kind,
                       enum bft_verdict v)
{
    bool bad = v == BFT_MALFORMED || v == BFT_BAD_SIGNATURE || v == BFT_BAD_CERT ||
               v == BFT_BAD_HEADER || v == BFT_BAD_LINK || v == BFT_OUTSIDER ||
               v == BFT_WRONG_LEADER || v == BFT_EQUIVOCATION;
    if (bad && sim_honest(w, from))
        sim_violate(w, n->id, "refusal", "honest n%u judges honest n%u's %s to be %s", n->id, from,
                    sim_msg_name(kind), bft_verdict_text(v));
}

/* ---- every step */

void sim_check_step(struct sim_world *w, struct sim_node *n, const struct bft_view *before)
{
    const struct bft_view *v = &n->view;
    const uint8_t *canary = n->region + w->region_bytes - SIM_CANARY_BYTES;
    for (uint32_t i = 0; i < SIM_CANARY_BYTES; i++)
        if (canary[i] != SIM_CANARY) {
            sim_violate(w, n->id, "bounds", "n%u writes behind its region", n->id);
            return;
        }
    if (v->tree_nodes > TD_UNFINAL_HEADERS_MAX)
        sim_violate(w, n->id, "bounds", "n%u holds %u headers", n->id, v->tree_nodes);
    struct bft_slot was = {before->epoch, before->round}, is = {v->epoch, v->round};
    if (bft_slot_cmp(is, was) < 0 || v->final_height < before->final_height)
        sim_violate(w, n->id, "monotony", "n%u goes back from %llu/%llu to %llu/%llu", n->id,
                    ULL(was.epoch), ULL(was.round), ULL(is.epoch), ULL(is.round));
    if (!w->violation.set && v->final_height != n->disk.live.final_height)
        sim_violate(w, n->id, "finality order",
                    "n%u is at height %llu, its finalized blocks at %llu", n->id,
                    ULL(v->final_height), ULL(n->disk.live.final_height));
    if (v->round > w->stats.rounds)
        w->stats.rounds = v->round;
}

void sim_check_restart(struct sim_world *w, struct sim_node *n, uint64_t final_height)
{
    if (final_height < n->acked_height)
        sim_violate(w, n->id, "durability", "n%u told users of height %llu and comes back at %llu",
                    n->id, ULL(n->acked_height), ULL(final_height));
}

void sim_check_halt(struct sim_world *w, struct sim_node *n, enum bft_halt_reason why)
{
    static const char *const REASON[] = {"no reason", "two certificates in one round",
                                         "two final blocks", "another holder of its key",
                                         "its sign guard"};
    sim_violate(w, n->id, "halt", "honest n%u stops for good: %s", n->id,
                (size_t)why < sizeof REASON / sizeof REASON[0] ? REASON[why] : "?");
}

/* ---- progress after healing */

void sim_liveness_begin(struct sim_world *w, int64_t window_ns)
{
    w->live = (struct sim_liveness){
        .watching = true,
        .healed_ns = w->now_ns,
        .height_at_heal = w->chain.final_height,
        .window_end_ns = w->now_ns + window_ns,
        .worst_ns = w->live.worst_ns,
    };
    sim_push(w, SIM_IT_LIVENESS, 0, w->now_ns + LOOK_NS, 0);
}

void sim_liveness_end(struct sim_world *w)
{
    w->live.watching = false;
}

/* The honest node furthest ahead: its leader is the one everybody waits for. */
static const struct sim_node *foremost(const struct sim_world *w)
{
    const struct sim_node *best = NULL;
    for (uint32_t i = 0; i < w->node_count; i++) {
        const struct sim_node *n = &w->node[i];
        if (!sim_honest(w, i) || !n->alive)
            continue;
        struct bft_slot a = {n->view.epoch, n->view.round};
        if (best == NULL ||
            bft_slot_cmp(a, (struct bft_slot){best->view.epoch, best->view.round}) > 0)
            best = n;
    }
    return best;
}

static bool leader_works(const struct sim_world *w, const struct sim_node *n)
{
    uint32_t key = sim_key_of(w, n->view.epoch, n->view.leader);
    if (key == SIM_KEY_NONE || !sim_key_honest(w, key))
        return false;
    return w->node[key].alive && w->node[key].view.mode == BFT_MODE_ACTIVE;
}

/* Time counts unless the round's leader is faulty, and then only as far as a timer may reach. */
static void count_time(struct sim_world *w, const struct sim_node *n)
{
    struct sim_liveness *l = &w->live;
    struct bft_slot slot = {n->view.epoch, n->view.round};
    if (bft_slot_cmp(slot, l->round) != 0) {
        l->round = slot;
        l->byz_round_ns = 0;
    }
    if (!leader_works(w, n) && l->byz_round_ns < DEAD_ROUND_NS)
        l->byz_round_ns += LOOK_NS;
    else
        l->counted_ns += LOOK_NS;
}

static void look_at_heads(struct sim_world *w)
{
    struct sim_liveness *l = &w->live;
    if (l->head == 0 && l->counted_ns >= HEAD_CHOSEN_NS)
        l->head = w->chain.final_height;
    if (l->head == 0 || l->counted_ns < HEAD_REACHED_NS)
        return;
    for (uint32_t i = 0; i < w->node_count; i++) {
        const struct sim_node *n = &w->node[i];
        if (sim_honest(w, i) && n->alive && n->view.final_height < l->head) {
            sim_violate(w, i, "liveness",
                        "n%u is at height %llu, %lld s after healing; others had %llu long ago", i,
                        ULL(n->view.final_height), (long long)(l->counted_ns / SIM_SEC),
                        ULL(l->head));
            return;
        }
    }
    l->head = w->chain.final_height; /* and again, until the window ends */
    l->counted_ns = HEAD_CHOSEN_NS;
}

void sim_check_liveness(struct sim_world *w)
{
    struct sim_liveness *l = &w->live;
    const struct sim_node *n = foremost(w);
    if (!l->watching || n == NULL || w->now_ns >= l->window_end_ns)
        return;
    count_time(w, n);
    if (!l->progressed) {
        l->progressed = w->chain.final_height > l->height_at_heal;
        if (l->progressed && l->counted_ns > l->worst_ns)
            l->worst_ns = l->counted_ns;
        if (!l->progressed && l->counted_ns > PROGRESS_NS + 2 * w->cfg.interval_ns) {
            sim_violate(w, n->id, "liveness",
                        "no block for %lld s after healing (height %llu, round %llu/%llu, rounds "
                        "of faulty leaders left out)",
                        (long long)(l->counted_ns / SIM_SEC), ULL(w->chain.final_height),
                        ULL(n->view.epoch), ULL(n->view.round));
            return;
        }
    }
    look_at_heads(w);
    sim_push(w, SIM_IT_LIVENESS, 0, w->now_ns + LOOK_NS, 0);
}
