/* Validator sets and the hand-off between epochs.  [P-8] */
#include "consensus/replica_internal.h"

#include "base/core/keccak.h"
#include "base/core/memory.h"

static void next_is(struct bft_replica *r, const struct bft_set *members)
{
    bft_set_advance(r->set_next, members, r->epoch + 1u);
    r->has_next = true;
    r->stepping_vote = r->stepping_final = true; /* the epoch may have waited for nothing else */
}

/* [P-8.1] The next set: the genesis schedule without an L1, else the preimage of the registry hash
 * in the origin of block last - 16, once that block is final. */
void bft_next_set_try(struct bft_replica *r)
{
    if (r->has_next)
        return;
    if (BFT_PLANT(BFT_PLANT_SET_NOT_CHANGED)) {
        next_is(r, r->set_cur);
        return;
    }
    if (!r->cfg.has_l1) {
        bool listed = r->epoch + 1u < r->cfg.schedule_count;
        next_is(r, listed ? &r->cfg.schedule[r->epoch + 1u] : r->set_cur);
        return;
    }
    const struct bft_final_block *b = bft_final_peek(r, r->last_height - TD_EPOCH_LOOKBACK);
    if (b == NULL)
        return;
    const struct td_hash *want = &b->header.origin.registry_set_hash;
    struct td_hash have;
    bft_set_registry_hash(&have, r->set_cur);
    if (td_hash_is_zero(want) || td_hash_eq(want, &have)) {
        next_is(r, r->set_cur);
        return;
    }
    bft_want(r, BFT_OBJECT_SET, want, &(struct bft_bitmap){{0}}, r->round);
}

void bft_on_set_known(struct bft_replica *r, const struct td_hash *registry_hash,
                      const struct bft_set *set)
{
    const struct bft_final_block *b = bft_final_peek(r, r->last_height - TD_EPOCH_LOOKBACK);
    if (r->has_next || b == NULL || !td_hash_eq(registry_hash, &b->header.origin.registry_set_hash))
        return;
    bft_want_done(r, registry_hash);
    bool usable = set != NULL && set->count > 0 && set->count <= r->n;
    next_is(r, usable ? set : r->set_cur);
}

/* [P-8.2] Zero before last - 12; from there on the set is determined by a final block. */
bool bft_next_set_hash(struct bft_replica *r, uint64_t height, struct td_hash *out)
{
    *out = (struct td_hash){{0}};
    if (height + TD_ATTEST_WINDOW < r->last_height)
        return true;
    bft_next_set_try(r);
    if (r->has_next)
        *out = r->set_next->hash;
    return r->has_next;
}

static void rotate_sets(struct bft_replica *r)
{
    struct bft_set *prev = r->set_prev;
    r->set_prev = r->set_cur;
    r->set_cur = r->set_next;
    r->set_next = prev;
    r->has_prev = true;
    r->has_next = false;
}

/* Far messages of the new epoch keep; they were signed under its set. */
static void drop_old_far(struct bft_replica *r)
{
    r->far_count = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        struct bft_far *f = &r->far[i];
        f->has_vote = f->has_vote && f->vote.epoch == r->epoch;
        f->has_commit = f->has_commit && f->commit.epoch == r->epoch;
        f->has_timeout = f->has_timeout && f->timeout.epoch == r->epoch;
        r->far_count += (uint32_t)f->has_vote + (uint32_t)f->has_commit + (uint32_t)f->has_timeout;
    }
}

static void announce(struct bft_replica *r)
{
    struct bft_effect *fx = bft_fx(r, BFT_FX_ENTER_EPOCH);
    fx->u.epoch.set = r->set_cur;
    fx->u.epoch.seed = r->seed;
    fx->u.epoch.excluded = r->excluded;
    const struct bft_attest_cert *c = bft_export_attest(r, &r->genesis_cert.cert);
    fx->u.epoch.genesis_cert = c;
    struct bft_msg *m = c != NULL ? bft_out(r, BFT_NO_PEER, BFT_MSG_ATTEST_CERT) : NULL;
    if (m != NULL)
        m->u.attest_cert = *c;
}

/* [P-8.5] Rounds restart at 1, the lock is the genesis certificate, nothing of e is signed. */
static void enter(struct bft_replica *r)
{
    const struct bft_final_block *last = bft_final_peek(r, r->last_height);
    const struct bft_final_block *seed = bft_final_peek(r, r->last_height - TD_EPOCH_LOOKBACK);
    TD_ASSERT(last != NULL && seed != NULL);
    struct bft_header header = last->header;
    struct td_hash hash = last->hash;
    struct bft_chain_state state = last->state;
    struct bft_bitmap excluded;
    bft_reputation_exclude(&excluded, r->set_next, r->set_cur, &r->leaders, r->produced,
                           header.round, &r->excluded);
    td_keccak256(&r->seed, seed->hash.b, sizeof seed->hash.b);
    if (r->attested.used && r->attested_height == r->last_height)
        bft_attest_put(&r->genesis_cert, &r->attested.cert);
    rotate_sets(r);
    r->excluded = excluded;
    r->epoch++;
    r->last_height += r->cfg.epoch_length;
    memset(r->produced, 0, r->n * sizeof r->produced[0]);
    memset(r->evidence_seen, 0, r->n);
    memset(r->silent, 0, r->n * sizeof r->silent[0]);
    bft_leaders_init(&r->leaders, r->set_cur, &r->excluded, &r->seed);
    r->self = bft_set_find(r->set_cur, &r->cfg.self);
    bft_own_bind(r); /* zero, unless this node lost its chain but not its guard */
    r->round = 0;
    r->pending_final = false;
    r->timeout_qc.used = r->entry_tc.used = false;
    bft_rounds_reset(r);
    drop_old_far(r);
    bft_attest_reset(r);
    bft_qc_genesis(r, &r->genesis_qc);
    bft_qc_put(r, &r->high_qc, &r->genesis_qc);
    bft_tree_reset(r, &header, &hash, &state);
    bft_peers_rebind(r);
    bft_start_again(r);
    announce(r);
    bft_enter_round(r, 1, &r->genesis_qc, NULL);
    bft_next_set_try(r);
}

/* [P-8.3, P-8.4] `last` is final and its attestation certificate exists. */
void bft_epoch_try_next(struct bft_replica *r)
{
    bool certified = r->attested.used && r->attested.cert.fields.epoch == r->epoch &&
                     r->attested_height == r->last_height;
    if (BFT_PLANT(BFT_PLANT_EPOCH_WITHOUT_CERT))
        certified = true;
    if (r->final_height != r->last_height || !certified || r->mode == BFT_MODE_HALTED)
        return;
    bft_next_set_try(r);
    if (r->has_next)
        enter(r);
}
