/* The way of an own signature: asked, signed, durable, sent.  [P-10.1, P-10.3]
 *
 * A bounded queue in order of asking.  The guard mirror answers a repeat of something already
 * signed, and what it refuses is not asked for: the guard itself would stop the node. */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

bool bft_own_room(const struct bft_replica *r)
{
    return r->own_count + 4u <= BFT_OWN_MAX;
}

static struct bft_own *own_at(struct bft_replica *r, uint32_t i)
{
    return &r->own[(r->own_head + i) % BFT_OWN_MAX];
}

/* The round of a kind's newest message if it binds this epoch; a guard ahead of the chain binds
 * every round of it. */
static uint64_t bound_by(const struct bft_replica *r, bool present, uint64_t epoch, uint64_t round)
{
    if (!present || epoch < r->epoch)
        return 0;
    return epoch > r->epoch ? UINT64_MAX : round;
}

void bft_own_bind(struct bft_replica *r)
{
    const struct bft_guard *g = &r->guard;
    const bool *p = g->present;
    r->last_proposed = bound_by(r, p[BFT_SIGNED_PROPOSE - 1], g->propose.epoch, g->propose.round);
    r->last_voted = bound_by(r, p[BFT_SIGNED_VOTE - 1], g->vote.epoch, g->vote.round);
    r->last_commit = bound_by(r, p[BFT_SIGNED_COMMIT - 1], g->commit.epoch, g->commit.round);
    r->last_timeout = bound_by(r, p[BFT_SIGNED_TIMEOUT - 1], g->timeout.epoch, g->timeout.round);
    if (r->last_voted < r->last_timeout)
        r->last_voted = r->last_timeout;
}

/* A TC needs the QC whose round equals the greatest lock listed.  While this round's timeout
 * stands, the lock to keep is the one it named: nothing signed before the next round can depend on
 * a newer one, and after a restart of everybody nobody else might have it.  [P-10.2] */
static const struct bft_qc *durable_lock(const struct bft_replica *r)
{
    bool timed =
        r->last_timeout == r->round && r->timeout_qc.used && r->timeout_qc.qc.epoch == r->epoch;
    return timed ? &r->timeout_qc.qc : &r->high_qc.qc;
}

static void persist(struct bft_replica *r, struct bft_own *o)
{
    struct bft_effect *fx = bft_fx(r, BFT_FX_PERSIST);
    o->state = BFT_OWN_WAITS;
    o->persist_id = ++r->persist_next;
    fx->u.persist.id = o->persist_id;
    fx->u.persist.msg = &o->msg;
    r->step_cap = r->step_bytes; /* the reserve is for this */
    fx->u.persist.lock_qc = bft_export_qc(r, durable_lock(r));
    bool held = fx->u.persist.lock_qc != NULL && bft_export_entry(r, &fx->u.persist.entry);
    TD_ASSERT(held);
    if (BFT_PLANT(BFT_PLANT_ENTRY_NOT_DURABLE))
        fx->u.persist.entry = (struct bft_entry){.kind = BFT_ENTRY_NONE};
    const struct td_hash *hash = NULL;
    if (o->msg.kind == BFT_SIGNED_VOTE)
        hash = &o->msg.u.vote.hash;
    else if (o->msg.kind == BFT_SIGNED_PROPOSE && td_hash_eq(&o->msg.u.propose.hash, &r->own_hash))
        fx->u.persist.header = bft_export_header(r, &r->own_header);
    uint32_t i = hash != NULL ? bft_tree_find(&r->tree, hash) : BFT_NODE_NONE;
    if (i == BFT_NODE_NONE)
        return;
    const struct bft_node *n = &r->tree.node[i];
    fx->u.persist.header = bft_export_header(r, &n->header);
    if (n->anchored && i != r->tree.root && n->parent != r->tree.root)
        fx->u.persist.parent = bft_export_header(r, &r->tree.node[n->parent].header);
}

bool bft_own_pending(const struct bft_replica *r, enum bft_signed_kind kind, uint64_t number)
{
    for (uint32_t i = 0; i < r->own_count; i++) {
        const struct bft_signed *m = &r->own[(r->own_head + i) % BFT_OWN_MAX].msg;
        if (m->kind == kind && bft_signed_slot(m).round == number)
            return true;
    }
    return false;
}

void bft_own_sign(struct bft_replica *r, const struct bft_signed *m, uint64_t parent_round)
{
    struct bft_signed copy = *m;
    enum bft_guard_verdict v = bft_guard_admit(&r->guard, &copy);
    bool attests = m->kind == BFT_SIGNED_ATTEST || m->kind == BFT_SIGNED_BATCH;
    bool open = attests ? BFT_PLANT(BFT_PLANT_ATTEST_TWICE) : BFT_PLANTED;
    if (v != BFT_GUARD_OK && v != BFT_GUARD_SAME && !open)
        return; /* bound by what was signed before a restart; the guard would stop the node */
    TD_ASSERT(r->own_count < BFT_OWN_MAX);
    struct bft_own *o = own_at(r, r->own_count++);
    *o = (struct bft_own){.parent_round = parent_round, .msg = copy};
    if (v == BFT_GUARD_SAME) {
        persist(r, o); /* the kept bytes again; already durable, but in order */
        return;
    }
    struct bft_effect *fx = bft_fx(r, BFT_FX_SIGN);
    fx->u.sign.msg = copy;
    fx->u.sign.parent_round = parent_round;
}

static void keep_attest(struct bft_replica *r, const struct bft_signed *m)
{
    if (m->kind == BFT_SIGNED_ATTEST) {
        uint32_t slot = (uint32_t)(m->u.attest.fields.height % TD_ATTEST_SLOTS);
        r->own_attest[slot] = m->u.attest;
        r->has_own_attest[slot] = true;
    } else {
        uint32_t lowest = 0;
        for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++) {
            if (!r->has_own_batch[i]) {
                lowest = i;
                break;
            }
            if (r->own_batch[i].height < r->own_batch[lowest].height)
                lowest = i;
        }
        r->own_batch[lowest] = m->u.batch;
        r->has_own_batch[lowest] = true;
    }
}

/* Durable: count it here, and let it go. */
static void release(struct bft_replica *r, const struct bft_signed *m)
{
    struct bft_msg *out;
    bool batch_before = m->kind == BFT_SIGNED_BATCH && m->u.batch.epoch + 1u == r->epoch;
    if ((bft_signed_slot(m).epoch != r->epoch && !batch_before) || r->mode == BFT_MODE_HALTED)
        return; /* [P-8.5] a node in e + 1 says nothing in e, batch ends of e apart [P-9.6] */
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        bft_own_proposal_out(r, &m->u.propose);
        break;
    case BFT_SIGNED_VOTE:
        r->sent_vote = m->u.vote;
        if ((out = bft_out(r, BFT_NO_PEER, BFT_MSG_VOTE)) != NULL)
            out->u.vote = m->u.vote;
        (void)bft_on_vote(r, &m->u.vote);
        break;
    case BFT_SIGNED_COMMIT:
        r->sent_commit = m->u.commit;
        if ((out = bft_out(r, BFT_NO_PEER, BFT_MSG_COMMIT)) != NULL)
            out->u.commit = m->u.commit;
        (void)bft_on_commit(r, &m->u.commit);
        break;
    case BFT_SIGNED_TIMEOUT:
        r->own_timeout = m->u.timeout;
        r->timeout_ready = true;
        bft_timeout_send(r, BFT_NO_PEER);
        (void)bft_timeout_count(r, &m->u.timeout);
        break;
    case BFT_SIGNED_ATTEST:
        if (m->u.attest.fields.height <= r->attested_height)
            break;
        keep_attest(r, m);
        if ((out = bft_out(r, BFT_NO_PEER, BFT_MSG_ATTEST)) != NULL)
            out->u.attest = m->u.attest;
        (void)bft_on_attest(r, &m->u.attest, BFT_NO_PEER);
        break;
    case BFT_SIGNED_BATCH:
        keep_attest(r, m);
        if ((out = bft_out(r, BFT_NO_PEER, BFT_MSG_BATCH_ATTEST)) != NULL)
            out->u.batch_attest = m->u.batch;
        (void)bft_on_batch_attest(r, &m->u.batch, BFT_NO_PEER);
        break;
    }
}

void bft_on_signed(struct bft_replica *r, const struct bft_signed *m)
{
    for (uint32_t i = 0; i < r->own_count; i++) {
        struct bft_own *o = own_at(r, i);
        if (o->state != BFT_OWN_ASKED || !bft_signed_same(&o->msg, m))
            continue;
        o->msg = *m;
        struct bft_signed copy = *m;
        if (bft_guard_admit(&r->guard, &copy) == BFT_GUARD_OK)
            bft_guard_keep(&r->guard, m, o->parent_round);
        persist(r, o);
        if (BFT_PLANT(BFT_PLANT_SEND_BEFORE_SYNC))
            bft_on_persisted(r, o->persist_id);
        return;
    }
}

bool bft_own_releasable(const struct bft_replica *r)
{
    const struct bft_own *o = &r->own[r->own_head];
    return r->own_count > 0 && o->state == BFT_OWN_WAITS && o->persist_id <= r->durable_id;
}

void bft_on_persisted(struct bft_replica *r, uint64_t id)
{
    if (id > r->durable_id)
        r->durable_id = id;
    bft_own_release(r);
}

/* A slow disk may make many durable at once: a step sends what it has room for, the next the rest.
 */
void bft_own_release(struct bft_replica *r)
{
    while (bft_own_releasable(r) && r->out_count + 8u < BFT_OUT_MAX / 2u) {
        struct bft_own *o = own_at(r, 0);
        struct bft_signed m = o->msg;
        r->own_head = (r->own_head + 1u) % BFT_OWN_MAX;
        r->own_count--;
        release(r, &m);
    }
}

/* [P-10.3] To a peer that just connected: the current timeout with its entry certificate, and what
 * else it may have missed, byte for byte as before. */
void bft_own_resend(struct bft_replica *r, uint32_t peer)
{
    if (!bft_active(r))
        return;
    bft_timeout_send(r, peer);
    struct bft_msg *m;
    if (r->sent_vote.round > 0 && r->sent_vote.epoch == r->epoch &&
        r->sent_vote.round + 1u >= r->round && (m = bft_out(r, peer, BFT_MSG_VOTE)) != NULL)
        m->u.vote = r->sent_vote;
    if (r->sent_commit.round > 0 && r->sent_commit.epoch == r->epoch &&
        r->sent_commit.round + 2u >= r->round && (m = bft_out(r, peer, BFT_MSG_COMMIT)) != NULL)
        m->u.commit = r->sent_commit;
}
