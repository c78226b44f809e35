/* Rounds: entering them, and the certificates that do it.  [P-3.1, P-3.4, P-4.3, P-4.4] */
#include "consensus/replica_internal.h"

static void round_reset(struct bft_round *s, uint64_t round)
{
    s->round = round;
    s->has_proposal = s->justified = s->rejected = s->tc_formed = false;
    s->qc.used = false;
    s->timed = (struct bft_bitmap){{0}};
    s->timed_weight = 0;
    bft_tally_reset(&s->votes);
    bft_tally_reset(&s->commits);
}

struct bft_round *bft_round_get(struct bft_replica *r, uint64_t round)
{
    if (round == 0 || round > r->round + TD_ROUNDS_AHEAD_MAX || round + BFT_ROUNDS_BACK < r->round)
        return NULL;
    struct bft_round *s = &r->ring[round % BFT_ROUND_RING];
    if (s->round != round)
        round_reset(s, round);
    return s;
}

struct bft_round *bft_round_peek(struct bft_replica *r, uint64_t round)
{
    struct bft_round *s = &r->ring[round % BFT_ROUND_RING];
    return round > 0 && s->round == round ? s : NULL;
}

void bft_rounds_reset(struct bft_replica *r)
{
    for (uint32_t i = 0; i < BFT_ROUND_RING; i++)
        round_reset(&r->ring[i], 0);
}

/* [P-3.4] Timer = (block interval only if entered by QC) + 4Δ + measured processing, backed off by
 * the rounds since the highest QC; a leader known to be silent gets 2Δ, never multiplied. */
void bft_arm_round(struct bft_replica *r)
{
    static const int64_t table[] = {1, 1, 2, 4};
    uint16_t leader = bft_leaders_at(&r->leaders, r->round);
    int64_t wait;
    if (r->silent[leader] && leader != r->self) {
        wait = 2 * r->cfg.delta_ns;
    } else {
        wait = 4 * r->cfg.delta_ns + r->processing_ns;
        if (r->entry.kind == BFT_ENTRY_QC)
            wait += r->cfg.block_interval_ns;
        uint64_t failed = r->round - 1u - r->high_qc.qc.round;
        wait *= table[failed < 3 ? failed : 3];
    }
    r->round_deadline_ns = r->now_ns + wait;
}

/* [P-3.3] No earlier than one block interval after the parent's proposal first arrived; at once
 * after a TC. */
static void schedule_proposal(struct bft_replica *r)
{
    r->asked_payload = false;
    r->propose_at_ns = BFT_NEVER;
    if (bft_leaders_at(&r->leaders, r->round) != r->self || r->round <= r->last_proposed)
        return;
    r->propose_at_ns = r->now_ns;
    if (r->entry.kind != BFT_ENTRY_QC || r->round == 1)
        return;
    const struct bft_round *parent = bft_round_peek(r, r->round - 1u);
    int64_t seen = parent != NULL && parent->has_proposal ? parent->received_ns : r->now_ns;
    int64_t at = seen + r->cfg.block_interval_ns;
    if (at > r->now_ns)
        r->propose_at_ns = at;
}

void bft_round_resume(struct bft_replica *r)
{
    schedule_proposal(r);
    bft_arm_round(r);
    r->stepping_vote = r->stepping_final = true;
}

void bft_enter_round(struct bft_replica *r, uint64_t round, const struct bft_qc *qc,
                     const struct bft_tc *tc)
{
    TD_ASSERT(round > r->round);
    TD_ASSERT((qc != NULL) != (tc != NULL));
    if (tc != NULL) {
        bft_tc_put(r, &r->entry_tc, tc);
        r->entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &r->entry_tc.tc};
        r->silent[bft_leaders_at(&r->leaders, tc->round)] = true;
        r->rounds_entered_tc++;
    } else {
        bft_qc_put(r, &r->entry_qc, qc);
        r->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &r->entry_qc.qc};
        r->rounds_entered_qc++;
    }
    r->round = round;
    r->timed_out = r->timeout_ready = false;
    r->defer_at_ns = BFT_NEVER;
    schedule_proposal(r);
    bft_arm_round(r);
    r->stepping_vote = r->stepping_far = true;
}

/* [P-4.4] */
static void try_commit_vote(struct bft_replica *r, const struct bft_qc *qc)
{
    const struct bft_header *root = &r->tree.node[r->tree.root].header;
    bool may = qc->round > r->last_timeout || BFT_PLANT(BFT_PLANT_COMMIT_AFTER_TIMEOUT);
    if (!bft_active(r) || !may || qc->round <= r->last_commit || !bft_own_room(r))
        return;
    if (root->epoch == r->epoch && qc->round <= root->round)
        return; /* final already: nobody needs this commit vote */
    r->last_commit = qc->round;
    struct bft_signed m = {.kind = BFT_SIGNED_COMMIT};
    m.u.commit.epoch = r->epoch;
    m.u.commit.round = qc->round;
    m.u.commit.hash = qc->hash;
    m.u.commit.signer = r->self;
    bft_own_sign(r, &m, 0);
}

/* [P-4.6] Two certificates in one round mean that N/3 of stake signed twice: stop and say so. */
static bool contradicts(struct bft_replica *r, const struct bft_qc *qc)
{
    const struct bft_node *root = &r->tree.node[r->tree.root];
    const struct bft_qc *held = bft_qc_held(r, qc->round);
    if (held != NULL && !td_hash_eq(&held->hash, &qc->hash))
        return true;
    return root->header.epoch == r->epoch && root->header.round == qc->round &&
           !td_hash_eq(&root->hash, &qc->hash);
}

void bft_process_qc(struct bft_replica *r, const struct bft_qc *qc)
{
    if (qc->epoch != r->epoch || qc->round == 0 || r->mode == BFT_MODE_HALTED)
        return;
    if (contradicts(r, qc)) {
        bft_halt(r, BFT_HALT_TWO_QCS);
        return;
    }
    if (BFT_PLANT(BFT_PLANT_LATE_QC_IGNORED) && qc->round < r->round &&
        r->entry.kind == BFT_ENTRY_TC)
        return;
    if (bft_qc_held(r, qc->round) != NULL)
        return;
    struct bft_round *s = bft_round_get(r, qc->round);
    if (s != NULL)
        bft_qc_put(r, &s->qc, qc);
    bool raise = !BFT_PLANT(BFT_PLANT_LOCK_NOT_RAISED) || qc->round + 1u == r->round ||
                 qc->round >= r->round;
    if (qc->round > r->high_qc.qc.round && raise)
        bft_qc_put(r, &r->high_qc, qc); /* [P-4.3] the lock */
    try_commit_vote(r, qc);
    bft_want_chain(r, &qc->hash, &qc->signers, qc->round);
    if (s == NULL)
        bft_two_chain(r, qc); /* too old or too new for the window that settling looks through */
    r->stepping_final = true;
    if (qc->round < r->round)
        return;
    bft_enter_round(r, qc->round + 1u, qc, NULL);
    s = bft_round_get(r, qc->round);
    TD_ASSERT(s != NULL);
    if (!s->qc.used)
        bft_qc_put(r, &s->qc, qc);
}

void bft_process_tc(struct bft_replica *r, const struct bft_tc *tc)
{
    if (tc->epoch != r->epoch || r->mode == BFT_MODE_HALTED)
        return;
    if (!BFT_PLANT(BFT_PLANT_TC_HIGH_IGNORED))
        bft_process_qc(r, &tc->high_qc);
    if (tc->round >= r->round && r->mode != BFT_MODE_HALTED)
        bft_enter_round(r, tc->round + 1u, NULL, tc);
}

static void form_qc(struct bft_replica *r, uint64_t round, const struct bft_tally *t,
                    uint32_t group, struct bft_qc *out)
{
    const struct bft_tally_group *g = &t->group[group];
    *out = (struct bft_qc){.epoch = r->epoch,
                           .round = round,
                           .height = g->height,
                           .hash = g->hash,
                           .signers = g->signers,
                           .sigs = r->scratch_qc.sigs};
    out->sig_count = bft_tally_collect(t, group, r->scratch_qc.sigs);
}

/* Where a vote-like message of (epoch, round) belongs: *slot, or a verdict that says why not. */
static enum bft_verdict place(struct bft_replica *r, uint64_t epoch, uint64_t round,
                              struct bft_round **slot)
{
    *slot = NULL;
    if (epoch < r->epoch)
        return BFT_STALE;
    if (epoch > r->epoch || round > r->round + TD_ROUNDS_AHEAD_MAX)
        return BFT_FAR_FUTURE;
    *slot = bft_round_get(r, round);
    return *slot != NULL ? BFT_OK : BFT_STALE;
}

static bool later(uint64_t ae, uint64_t ar, uint64_t be, uint64_t br)
{
    return bft_slot_cmp((struct bft_slot){ae, ar}, (struct bft_slot){be, br}) > 0;
}

enum bft_verdict bft_on_vote(struct bft_replica *r, const struct bft_vote *v)
{
    struct bft_round *s;
    enum bft_verdict at = place(r, v->epoch, v->round, &s);
    if (at == BFT_FAR_FUTURE && v->signer < r->n) {
        struct bft_far *far = &r->far[v->signer];
        if (!far->has_vote || later(v->epoch, v->round, far->vote.epoch, far->vote.round)) {
            far->vote = *v;
            r->far_count += !far->has_vote;
            far->has_vote = true;
        }
    }
    if (at != BFT_OK)
        return at;
    if (v->signer >= r->set_cur->count)
        return BFT_OUTSIDER;
    r->silent[v->signer] = false;
    uint32_t g;
    enum bft_tally_result res =
        bft_tally_add(&s->votes, r->set_cur, v->signer, &v->hash, v->height, &v->sig, &g);
    if (res == BFT_TALLY_OTHER ||
        (res == BFT_TALLY_SAME && BFT_PLANT(BFT_PLANT_RESEND_IS_EVIDENCE))) {
        struct bft_signed a = {.kind = BFT_SIGNED_VOTE}, b = {.kind = BFT_SIGNED_VOTE};
        a.u.vote = (struct bft_vote){v->epoch,
                                     v->round,
                                     s->votes.group[g].height,
                                     s->votes.group[g].hash,
                                     v->signer,
                                     s->votes.sig[v->signer]};
        b.u.vote = *v;
        bft_evidence_pair(r, BFT_EVIDENCE_TWO_VOTES, &a, &b, NULL);
        return BFT_EQUIVOCATION;
    }
    if (res == BFT_TALLY_SAME)
        return BFT_DUPLICATE;
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote = *v;
    bft_seen_note(r, &m);
    bft_evidence_vote(r, v);
    uint64_t need = BFT_PLANT(BFT_PLANT_QC_QUORUM_LOW) ? r->set_cur->weak : r->set_cur->quorum;
    if (s->votes.group[g].weight >= need && !s->qc.used) {
        struct bft_qc qc;
        form_qc(r, v->round, &s->votes, g, &qc);
        bft_process_qc(r, &qc);
    }
    return BFT_OK;
}

enum bft_verdict bft_on_commit(struct bft_replica *r, const struct bft_commit *c)
{
    struct bft_round *s;
    enum bft_verdict at = place(r, c->epoch, c->round, &s);
    if (at == BFT_FAR_FUTURE && c->signer < r->n) {
        struct bft_far *far = &r->far[c->signer];
        if (!far->has_commit || later(c->epoch, c->round, far->commit.epoch, far->commit.round)) {
            far->commit = *c;
            r->far_count += !far->has_commit;
            far->has_commit = true;
        }
    }
    if (at != BFT_OK)
        return at;
    if (c->signer >= r->set_cur->count)
        return BFT_OUTSIDER;
    r->silent[c->signer] = false;
    uint32_t g;
    enum bft_tally_result res =
        bft_tally_add(&s->commits, r->set_cur, c->signer, &c->hash, 0, &c->sig, &g);
    if (res == BFT_TALLY_SAME)
        return BFT_DUPLICATE;
    if (res == BFT_TALLY_OTHER)
        return BFT_EQUIVOCATION; /* implies two votes or a forged QC; those are the evidence */
    struct bft_signed m = {.kind = BFT_SIGNED_COMMIT};
    m.u.commit = *c;
    bft_seen_note(r, &m);
    bft_evidence_commit(r, c);
    uint64_t need = BFT_PLANT(BFT_PLANT_COMMIT_QUORUM_LOW) ? r->set_cur->weak : r->set_cur->quorum;
    uint64_t before = s->commits.group[g].weight - r->set_cur->v[c->signer].stake;
    if (s->commits.group[g].weight >= need && before < need) {
        struct bft_qc cc;
        form_qc(r, c->round, &s->commits, g, &cc);
        bft_commit_cert(r, &cc);
    }
    return BFT_OK;
}

/* [P-13.1] The window moved: deliver what was kept beyond it. */
void bft_far_replay(struct bft_replica *r)
{
    for (uint32_t i = 0; i < r->n && r->far_count > 0; i++) {
        struct bft_far *far = &r->far[i];
        uint64_t top = r->round + TD_ROUNDS_AHEAD_MAX;
        if (far->has_vote && (far->vote.epoch < r->epoch ||
                              (far->vote.epoch == r->epoch && far->vote.round <= top))) {
            far->has_vote = false;
            r->far_count--;
            (void)bft_on_vote(r, &far->vote);
        }
        if (far->has_commit && (far->commit.epoch < r->epoch ||
                                (far->commit.epoch == r->epoch && far->commit.round <= top))) {
            far->has_commit = false;
            r->far_count--;
            (void)bft_on_commit(r, &far->commit);
        }
        if (far->has_timeout && (far->timeout.epoch < r->epoch ||
                                 (far->timeout.epoch == r->epoch && far->timeout.round <= top))) {
            far->has_timeout = false;
            r->far_count--;
            (void)bft_timeout_count(r, &far->timeout);
        }
    }
}
