/* Timeouts and timeout certificates.  [P-5] */
#include "consensus/replica_internal.h"

/* [P-5.1] Give up on the round: no vote in it any more, and say what this node is locked on. */
static void sign_timeout(struct bft_replica *r)
{
    if (!bft_active(r) || r->timed_out || r->round <= r->last_timeout || !bft_own_room(r))
        return;
    r->timed_out = true;
    r->timeout_ready = false;
    r->last_timeout = r->round;
    if (r->last_voted < r->round)
        r->last_voted = r->round;
    bft_qc_put(r, &r->timeout_qc, &r->high_qc.qc);
    struct bft_signed m = {.kind = BFT_SIGNED_TIMEOUT};
    m.u.timeout.epoch = r->epoch;
    m.u.timeout.round = r->round;
    m.u.timeout.lock_round = r->high_qc.qc.round;
    if (BFT_PLANT(BFT_PLANT_TIMEOUT_LOW_LOCK) && m.u.timeout.lock_round > 1u)
        m.u.timeout.lock_round -= 1u;
    m.u.timeout.signer = r->self;
    bft_own_sign(r, &m, 0);
}

/* [P-5.2] The lock QC travels unless the entry certificate already contains it. */
void bft_timeout_send(struct bft_replica *r, uint32_t peer)
{
    if (!r->timeout_ready || r->own_timeout.round != r->round || r->own_timeout.epoch != r->epoch)
        return;
    uint64_t lock = r->own_timeout.lock_round;
    struct bft_timeout_msg t = {.t = r->own_timeout};
    bool held = lock == 0 || (r->entry.kind == BFT_ENTRY_QC && r->entry.qc->round == lock) ||
                (r->entry.kind == BFT_ENTRY_TC && r->entry.tc->high_qc.round == lock);
    const struct bft_qc *qc = held ? NULL : bft_qc_held(r, lock);
    if (qc != NULL)
        t.lock_qc = bft_export_qc(r, qc);
    struct bft_msg *m = bft_export_entry(r, &t.entry) ? bft_out(r, peer, BFT_MSG_TIMEOUT) : NULL;
    if (m != NULL)
        m->u.timeout = t;
}

void bft_timeout_due(struct bft_replica *r)
{
    if (!r->timed_out)
        sign_timeout(r);
    else if (!BFT_PLANT(BFT_PLANT_NO_TIMEOUT_RESEND))
        bft_timeout_send(r, BFT_NO_PEER);
    bft_arm_round(r);
}

/* [P-5.3] A weak quorum gave up on exactly this round: one of them is honest, so join. */
void bft_timeout_join(struct bft_replica *r)
{
    const struct bft_round *s = bft_round_peek(r, r->round);
    if (s != NULL && !r->timed_out && s->timed_weight >= r->set_cur->weak)
        sign_timeout(r);
}

/* Stake of the counted timeouts of `s` whose lock is at most `lock`, and their maximum lock. */
static uint64_t weigh(const struct bft_replica *r, const struct bft_round *s, uint64_t lock,
                      struct bft_bitmap *who, uint64_t *top)
{
    uint64_t weight = 0;
    *who = (struct bft_bitmap){{0}};
    *top = 0;
    for (uint32_t i = 0; i < r->set_cur->count; i++) {
        if (!bft_bitmap_has(&s->timed, i) || s->timeout[i].lock_round > lock)
            continue;
        weight += r->set_cur->v[i].stake;
        bft_bitmap_add(who, i);
        if (s->timeout[i].lock_round > *top)
            *top = s->timeout[i].lock_round;
    }
    return weight;
}

static void emit_tc(struct bft_replica *r, struct bft_round *s, const struct bft_bitmap *who,
                    const struct bft_qc *high)
{
    struct bft_tc tc = {.epoch = r->epoch,
                        .round = s->round,
                        .signers = *who,
                        .entries = r->scratch_tc.entries,
                        .high_qc = *high};
    for (uint32_t i = 0; i < r->set_cur->count; i++)
        if (bft_bitmap_has(who, i))
            r->scratch_tc.entries[tc.entry_count++] = s->timeout[i];
    s->tc_formed = true;
    bft_process_tc(r, &tc);
    if (r->entry.kind != BFT_ENTRY_TC || r->entry.tc->round != tc.round)
        return; /* its QC led further than the TC itself */
    const struct bft_tc *copy = bft_export_tc(r, &r->entry_tc.tc);
    struct bft_msg *m = copy != NULL ? bft_out(r, BFT_NO_PEER, BFT_MSG_CERTIFICATE) : NULL;
    if (m != NULL)
        m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = copy};
}

/* [P-5.4] The TC carries the full highest QC, whose round equals the maximum listed.  A faulty
 * signer may name a lock that no QC backs, so the signers are chosen below each QC held here, from
 * the newest down, until a quorum remains whose maximum that QC proves. */
static void try_tc(struct bft_replica *r, struct bft_round *s)
{
    if (s->tc_formed || s->timed_weight < r->set_cur->quorum || s->round < r->round)
        return;
    uint64_t bound = UINT64_MAX;
    for (;;) {
        struct bft_bitmap who;
        uint64_t top;
        uint64_t weight = weigh(r, s, bound, &who, &top);
        if (weight < r->set_cur->quorum)
            return;
        const struct bft_qc *high = bft_qc_held(r, top);
        if (high != NULL) {
            emit_tc(r, s, &who, high);
            return;
        }
        if (top == 0)
            return;
        bound = top - 1u;
    }
}

/* Count one verified timeout for the window.  Its lock must be justified by a QC known here. */
enum bft_verdict bft_timeout_count(struct bft_replica *r, const struct bft_timeout *t)
{
    if (t->epoch < r->epoch)
        return BFT_STALE;
    if (t->epoch > r->epoch || t->round > r->round + TD_ROUNDS_AHEAD_MAX) {
        if (t->signer >= r->n)
            return BFT_OUTSIDER;
        struct bft_far *far = &r->far[t->signer];
        struct bft_slot new = {t->epoch, t->round}, old = {far->timeout.epoch, far->timeout.round};
        if (!far->has_timeout || bft_slot_cmp(new, old) > 0) {
            far->timeout = *t;
            r->far_count += !far->has_timeout;
            far->has_timeout = true;
        }
        return BFT_FAR_FUTURE;
    }
    if (t->signer >= r->set_cur->count)
        return BFT_OUTSIDER;
    r->silent[t->signer] = false;
    struct bft_round *s = bft_round_get(r, t->round);
    if (s == NULL)
        return BFT_STALE;
    if (bft_bitmap_has(&s->timed, t->signer)) {
        const struct bft_tc_entry *old = &s->timeout[t->signer];
        if (old->lock_round == t->lock_round)
            return BFT_DUPLICATE;
        struct bft_signed a = {.kind = BFT_SIGNED_TIMEOUT}, b = {.kind = BFT_SIGNED_TIMEOUT};
        a.u.timeout =
            (struct bft_timeout){t->epoch, t->round, old->lock_round, t->signer, old->sig};
        b.u.timeout = *t;
        bft_evidence_pair(r, BFT_EVIDENCE_TWO_TIMEOUTS, &a, &b, NULL);
        return BFT_EQUIVOCATION;
    }
    if (t->lock_round > r->high_qc.qc.round)
        return BFT_BAD_CERT; /* no QC of that round was shown */
    struct bft_signed m = {.kind = BFT_SIGNED_TIMEOUT};
    m.u.timeout = *t;
    bft_seen_note(r, &m);
    bft_evidence_timeout(r, t);
    if (t->round < r->round)
        return BFT_STALE;
    bft_bitmap_add(&s->timed, t->signer);
    s->timed_weight += r->set_cur->v[t->signer].stake;
    s->timeout[t->signer] = (struct bft_tc_entry){t->lock_round, t->sig};
    if (t->round == r->round)
        bft_timeout_join(r);
    try_tc(r, s);
    return BFT_OK;
}

enum bft_verdict bft_on_timeout(struct bft_replica *r, const struct bft_timeout_msg *m,
                                uint32_t peer)
{
    if (m->lock_qc != NULL)
        bft_process_qc(r, m->lock_qc);
    if (m->entry.kind == BFT_ENTRY_QC && m->entry.qc->genesis != NULL)
        (void)bft_on_attest_cert(r, m->entry.qc->genesis);
    if (m->entry.kind == BFT_ENTRY_QC)
        bft_process_qc(r, m->entry.qc);
    else if (m->entry.kind == BFT_ENTRY_TC)
        bft_process_tc(r, m->entry.tc);
    if (r->mode == BFT_MODE_HALTED)
        return BFT_OK;
    enum bft_verdict v = bft_timeout_count(r, &m->t);
    struct bft_slot theirs = {m->t.epoch, m->t.round}, ours = {r->epoch, r->round};
    if (bft_slot_cmp(theirs, ours) < 0)
        bft_help_peer(r, peer, m->t.epoch);
    return v;
}
