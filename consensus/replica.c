/* Region, start, dispatch and the invariants of the core. */
#include "consensus/replica_internal.h"

#include "base/core/keccak.h"
#include "base/core/memory.h"

/* ---- effects */

struct bft_effect *bft_fx(struct bft_replica *r, enum bft_effect_kind kind)
{
    TD_ASSERT(r->fx->count < BFT_EFFECTS_MAX);
    struct bft_effect *fx = &r->fx->list[r->fx->count++];
    *fx = (struct bft_effect){.kind = kind, .peer = BFT_NO_PEER};
    return fx;
}

struct bft_msg *bft_out(struct bft_replica *r, uint32_t peer, enum bft_msg_kind kind)
{
    if (r->out_count >= BFT_OUT_MAX)
        return NULL;
    struct bft_msg *m = &r->out[r->out_count++];
    m->kind = kind;
    struct bft_effect *fx = bft_fx(r, BFT_FX_SEND);
    fx->peer = peer;
    fx->u.msg = m;
    switch (kind) { /* kinds whose fields the callers set one by one start empty */
    case BFT_MSG_STATUS:
        m->u.status.own_count = 0;
        break;
    case BFT_MSG_HELLO:
    case BFT_MSG_PROPOSAL:
    case BFT_MSG_VOTE:
    case BFT_MSG_COMMIT:
    case BFT_MSG_TIMEOUT:
    case BFT_MSG_CERTIFICATE:
    case BFT_MSG_ATTEST:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_ATTEST:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        break;
    }
    return m;
}

void bft_halt(struct bft_replica *r, enum bft_halt_reason why)
{
    if (r->mode == BFT_MODE_HALTED)
        return;
    r->mode = BFT_MODE_HALTED;
    r->halt = why;
    bft_fx(r, BFT_FX_HALT)->u.halt = why;
}

/* Each alarm once per height: a repeated condition is a metric, not a storm. */
void bft_alarm_raise(struct bft_replica *r, enum bft_alarm alarm)
{
    if (r->alarm_height[alarm] == r->final_height + 1u)
        return;
    r->alarm_height[alarm] = r->final_height + 1u;
    bft_fx(r, BFT_FX_ALARM)->u.alarm = alarm;
}

/* ---- region */

struct carve {
    uint8_t *base; /* NULL: only measure */
    size_t used;
};

static void *take(struct carve *c, size_t count, size_t size)
{
    c->used = (c->used + 63u) & ~(size_t)63u;
    void *at = c->base != NULL ? c->base + c->used : NULL;
    c->used += count * size;
    return at;
}

static void take_qc(struct carve *c, struct bft_qc_slot *s, uint32_t n)
{
    s->sigs = take(c, n, sizeof s->sigs[0]);
}

static void take_tally(struct carve *c, struct bft_tally *t, uint32_t n)
{
    t->group = take(c, n, sizeof t->group[0]);
    t->group_of = take(c, n, sizeof t->group_of[0]);
    t->sig = take(c, n, sizeof t->sig[0]);
}

static void carve_rounds(struct carve *c, struct bft_replica *r, uint32_t n)
{
    struct bft_round spare;
    r->ring = take(c, BFT_ROUND_RING, sizeof r->ring[0]);
    for (uint32_t i = 0; i < BFT_ROUND_RING; i++) {
        struct bft_round *s = c->base != NULL ? &r->ring[i] : &spare;
        take_tally(c, &s->votes, n);
        take_tally(c, &s->commits, n);
        s->timeout = take(c, n, sizeof s->timeout[0]);
        take_qc(c, &s->qc, n);
    }
}

/* Lay the region out; with base NULL only `used` counts and `r` is scratch. */
static void carve_all(struct carve *c, struct bft_replica *r, uint32_t n)
{
    carve_rounds(c, r, n);
    struct bft_qc_slot *qc[] = {
        &r->entry_qc,       &r->high_qc, &r->timeout_qc, &r->proof_qc,      &r->proof_qc_child,
        &r->pending_commit, &r->own_qc,  &r->scratch_qc, &r->entry_tc.high, &r->scratch_tc.high};
    for (uint32_t i = 0; i < sizeof qc / sizeof qc[0]; i++)
        take_qc(c, qc[i], n);
    struct bft_attest_slot *att[] = {&r->genesis_cert, &r->proof_attest, &r->attested, &r->own_att,
                                     &r->scratch_attest};
    for (uint32_t i = 0; i < sizeof att / sizeof att[0]; i++)
        att[i]->sigs = take(c, n, sizeof att[i]->sigs[0]);
    r->entry_tc.entries = take(c, n, sizeof r->entry_tc.entries[0]);
    r->scratch_tc.entries = take(c, n, sizeof r->scratch_tc.entries[0]);
    for (uint32_t i = 0; i < TD_ATTEST_SLOTS; i++)
        take_tally(c, &r->attest_round[i].tally, n);
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++)
        take_tally(c, &r->batch_round[i].tally, n);
    r->produced = take(c, n, sizeof r->produced[0]);
    r->silent = take(c, n, sizeof r->silent[0]);
    r->far = take(c, n, sizeof r->far[0]);
    r->seen = take(c, n, sizeof r->seen[0]);
    r->seen_spare = take(c, n, sizeof r->seen_spare[0]);
    r->evidence_seen = take(c, n, sizeof r->evidence_seen[0]);
    r->peer = take(c, BFT_PEERS_MAX, sizeof r->peer[0]);
    r->out = take(c, BFT_OUT_MAX, sizeof r->out[0]);
    r->step_bytes = BFT_EXPORTS_MAX * (n * sizeof(struct bft_tc_entry) + 1024u);
    r->step_mem = take(c, r->step_bytes, 1);
    r->reply = take(c, BFT_HEADERS_PER_REPLY, BFT_HEADER_BYTES);
    r->tree.index = take(c, BFT_INDEX_SLOTS, sizeof r->tree.index[0]);
    r->tree.node = take(c, BFT_NODES_MAX, sizeof r->tree.node[0]);
    r->final_out = take(c, BFT_NODES_MAX, sizeof r->final_out[0]);
}

size_t bft_footprint(const struct bft_config *config)
{
    struct bft_replica shape; /* only its pointers are written; never read */
    struct carve c = {.base = NULL};
    (void)take(&c, 1, sizeof shape);
    carve_all(&c, &shape, config->validators_max);
    return c.used;
}

/* ---- start */

static bool config_ok(const struct bft_config *c)
{
    return c->schedule_count >= 1 && c->epoch_length >= TD_EPOCH_BLOCKS_MIN &&
           c->validators_max >= 1 && c->validators_max <= BFT_SIGNERS_MAX && c->delta_ns > 0 &&
           c->block_interval_ns >= 0 && c->batch_blocks_max >= 1 &&
           c->schedule[0].count <= c->validators_max;
}

static void members_at(const struct bft_config *c, struct bft_set *out, uint64_t epoch)
{
    uint64_t i = epoch < c->schedule_count ? epoch : c->schedule_count - 1u;
    bft_set_advance(out, &c->schedule[i], epoch);
}

static void init_sets(struct bft_replica *r, const struct bft_restore *restore)
{
    r->set_prev = &r->set[0];
    r->set_cur = &r->set[1];
    r->set_next = &r->set[2];
    *r->set_cur = restore->set != NULL ? *restore->set : r->cfg.schedule[0];
    r->epoch = r->set_cur->epoch;
    r->last_height = (r->epoch + 1u) * r->cfg.epoch_length;
    if (r->epoch > 0 && (restore->prev_set != NULL || !r->cfg.has_l1 || r->epoch == 1)) {
        if (restore->prev_set != NULL)
            *r->set_prev = *restore->prev_set;
        else
            members_at(&r->cfg, r->set_prev, r->epoch - 1u);
        r->has_prev = true;
    }
    r->self = bft_set_find(r->set_cur, &r->cfg.self);
    r->excluded = restore->excluded;
    r->seed = restore->epoch_seed;
    if (r->epoch == 0)
        td_keccak256(&r->seed, r->cfg.genesis_hash.b, sizeof r->cfg.genesis_hash.b);
    bft_leaders_init(&r->leaders, r->set_cur, &r->excluded, &r->seed);
    for (uint32_t i = 0; i < r->n; i++) {
        r->produced[i] = restore->produced != NULL ? restore->produced[i] : 0;
        r->silent[i] = false;
        r->evidence_seen[i] = 0;
        r->far[i] = (struct bft_far){0};
        r->seen[i] = (struct bft_seen){0};
        if (i < r->set_cur->count)
            r->seen[i].addr = r->set_cur->v[i].addr;
    }
}

/* The newest final block may be a filler; its header and proof may be nowhere else any more. */
static void root_filler(struct bft_replica *r, const struct bft_proof *proof,
                        const struct bft_chain_state *state)
{
    bool tip_kind = proof->kind == BFT_PROOF_COMMIT || proof->kind == BFT_PROOF_TWO_CHAIN;
    if (!tip_kind || !proof->tip->filler || proof->tip->epoch != r->epoch ||
        proof->tip->height != r->final_height ||
        !td_hash_eq(&proof->tip->prev_hash, &r->final_hash))
        return;
    struct td_hash hash;
    bft_header_hash(&hash, proof->tip);
    bft_proof_store(r, proof);
    bft_tree_reset(r, proof->tip, &hash, state);
}

static enum td_error init_chain(struct bft_replica *r, const struct bft_restore *restore)
{
    struct bft_chain_state state = {.origin_ts = r->cfg.genesis.ts_ms};
    const struct bft_header *root = &r->cfg.genesis;
    const struct td_hash *hash = &r->cfg.genesis_hash;
    uint32_t first =
        restore->final_count > BFT_FINAL_RING ? restore->final_count - BFT_FINAL_RING : 0;
    for (uint32_t i = first; i < restore->final_count; i++) {
        const struct bft_final_block *b = &restore->finals[i];
        uint64_t h = b->header.height;
        if (h == 0 || (i > first && h != r->final_height + 1u))
            return TD_E_CORRUPT;
        r->final_ring[h % BFT_FINAL_RING] = *b;
        r->final_height = h;
        if (b->executed)
            r->executed_height = h;
        root = &b->header;
        hash = &b->hash;
        state = b->state;
    }
    r->final_hash = *hash;
    /* The chain may not have reached this epoch's first height less one, nor have left it. */
    if (r->final_height + r->cfg.epoch_length < r->last_height || r->final_height > r->last_height)
        return TD_E_CORRUPT;
    if (r->epoch > 0) {
        if (restore->genesis_cert == NULL ||
            restore->genesis_cert->fields.height + r->cfg.epoch_length != r->last_height)
            return TD_E_CORRUPT;
        bft_attest_put(&r->genesis_cert, restore->genesis_cert);
        r->attested_height = restore->genesis_cert->fields.height;
    }
    if (restore->attest_cert != NULL && restore->attest_cert->fields.epoch == r->epoch) {
        bft_attest_put(&r->attested, restore->attest_cert);
        r->attested_height = restore->attest_cert->fields.height;
        bft_attest_digest(&r->attested_digest, &restore->attest_cert->fields);
    }
    bft_tree_reset(r, root, hash, &state);
    if (restore->final_proof != NULL)
        root_filler(r, restore->final_proof, &state);
    return TD_OK;
}

/* [P-10.3] Resume in the round whose entry certificate is durable, bound by what was signed. */
static void init_round(struct bft_replica *r, const struct bft_restore *restore)
{
    bft_qc_genesis(r, &r->genesis_qc);
    bft_qc_put(r, &r->high_qc, &r->genesis_qc);
    if (restore->lock_qc != NULL && restore->lock_qc->epoch == r->epoch)
        bft_qc_put(r, &r->high_qc, restore->lock_qc);
    const struct bft_entry *e = &restore->entry;
    if (e->kind == BFT_ENTRY_TC && e->tc->epoch == r->epoch) {
        bft_tc_put(r, &r->entry_tc, e->tc);
        r->entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = &r->entry_tc.tc};
        r->round = e->tc->round + 1u;
    } else {
        bool usable = e->kind == BFT_ENTRY_QC && e->qc->epoch == r->epoch;
        bft_qc_put(r, &r->entry_qc, usable ? e->qc : &r->genesis_qc);
        r->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &r->entry_qc.qc};
        r->round = r->entry.qc->round + 1u;
    }
    if (r->high_qc.qc.round >= r->round) {
        bft_qc_put(r, &r->entry_qc, &r->high_qc.qc);
        r->entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = &r->entry_qc.qc};
        r->round = r->high_qc.qc.round + 1u;
    }
}

static void init_guard(struct bft_replica *r, const struct bft_restore *restore)
{
    bft_guard_init(&r->guard);
    r->had_guard = restore->guard != NULL;
    if (!r->had_guard)
        return;
    r->guard = *restore->guard;
    const struct bft_guard *g = &r->guard;
    const bool *p = g->present;
    bft_own_bind(r);
    if (p[BFT_SIGNED_TIMEOUT - 1] && r->last_timeout == r->round &&
        g->timeout.lock_round == r->high_qc.qc.round)
        bft_qc_put(r, &r->timeout_qc, &r->high_qc.qc);
    if (p[BFT_SIGNED_VOTE - 1])
        r->sent_vote = g->vote;
    if (p[BFT_SIGNED_COMMIT - 1])
        r->sent_commit = g->commit;
    for (uint32_t i = 0; i < BFT_GUARD_ATTESTS; i++) {
        uint64_t h = g->attest[i].fields.height;
        if (h <= r->attested_height || g->attest[i].fields.epoch != r->epoch)
            continue;
        r->own_attest[h % TD_ATTEST_SLOTS] = g->attest[i];
        r->has_own_attest[h % TD_ATTEST_SLOTS] = true;
    }
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS && i < BFT_GUARD_BATCHES; i++) {
        r->own_batch[i] = g->batch[i];
        r->has_own_batch[i] = g->batch[i].height > 0 && g->batch[i].epoch == r->epoch;
    }
}

enum td_error bft_init(struct bft_replica **out, void *region, const struct bft_config *config,
                       const struct bft_restore *restore)
{
    *out = NULL;
    if (!config_ok(config))
        return TD_E_CORRUPT;
    struct carve c = {.base = region};
    struct bft_replica *r = take(&c, 1, sizeof *r);
    memset(r, 0, sizeof *r);
    carve_all(&c, r, config->validators_max);
    r->cfg = *config;
    r->n = config->validators_max;
    r->propose_at_ns = r->defer_at_ns = r->behind_since_ns = BFT_NEVER;
    r->timer_ns = BFT_NEVER;
    r->tree.high = r->tree.used = 0;
    for (uint32_t i = 0; i < BFT_PEERS_MAX; i++)
        r->peer[i] = (struct bft_peer){.signer = BFT_NO_SIGNER};
    bft_attest_reset(r);
    init_sets(r, restore);
    enum td_error err = init_chain(r, restore);
    if (err != TD_OK)
        return err;
    bft_rounds_reset(r);
    init_round(r, restore);
    for (uint32_t i = 0; i < restore->header_count; i++) {
        struct td_hash hash;
        bft_header_hash(&hash, &restore->headers[i]);
        (void)bft_tree_add(r, &restore->headers[i], &hash);
    }
    init_guard(r, restore);
    bft_batch_restore(r, restore->batch_certified);
    r->mode = BFT_MODE_STARTING;
    r->passive_after = UINT64_MAX;
    *out = r;
    return TD_OK;
}

/* ---- dispatch */

/* [P-10.6] An own-key message from outside must be one the guard knows. */
static bool foreign_own(struct bft_replica *r, const struct bft_msg *m)
{
    struct bft_signed s;
    switch (m->kind) {
    case BFT_MSG_VOTE:
        s = (struct bft_signed){.kind = BFT_SIGNED_VOTE, .u.vote = m->u.vote};
        break;
    case BFT_MSG_COMMIT:
        s = (struct bft_signed){.kind = BFT_SIGNED_COMMIT, .u.commit = m->u.commit};
        break;
    case BFT_MSG_TIMEOUT:
        s = (struct bft_signed){.kind = BFT_SIGNED_TIMEOUT, .u.timeout = m->u.timeout.t};
        break;
    case BFT_MSG_ATTEST:
        s = (struct bft_signed){.kind = BFT_SIGNED_ATTEST, .u.attest = m->u.attest};
        break;
    case BFT_MSG_PROPOSAL:
        s = (struct bft_signed){.kind = BFT_SIGNED_PROPOSE};
        s.u.propose = (struct bft_propose){m->u.proposal.header.epoch, m->u.proposal.header.round,
                                           m->u.proposal.hash, m->u.proposal.header.proposer,
                                           m->u.proposal.sig};
        break;
    case BFT_MSG_HELLO:
    case BFT_MSG_STATUS:
    case BFT_MSG_CERTIFICATE:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_ATTEST: /* its height is not signed: anybody could move it past the guard */
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        return false;
    }
    struct bft_slot slot = bft_signed_slot(&s);
    const struct bft_set *set = slot.epoch == r->epoch ? r->set_cur : NULL;
    if (set == NULL || r->self == BFT_NO_SIGNER || bft_signed_signer(&s) != r->self)
        return false;
    return !bft_own_known(r, &s);
}

static enum bft_verdict on_certificate(struct bft_replica *r, const struct bft_certificate *c)
{
    switch (c->kind) {
    case BFT_CERTIFICATE_QC:
        bft_process_qc(r, c->qc);
        return BFT_OK;
    case BFT_CERTIFICATE_TC:
        bft_process_tc(r, c->tc);
        return BFT_OK;
    case BFT_CERTIFICATE_COMMIT:
        bft_commit_cert(r, c->qc);
        return BFT_OK;
    case BFT_CERTIFICATE_PROOF:
        if (c->proof.kind == BFT_PROOF_ATTEST)
            return bft_on_attest_cert(r, c->proof.attest);
        if (c->proof.kind == BFT_PROOF_TWO_CHAIN) {
            bft_process_qc(r, c->proof.qc);
            bft_process_qc(r, c->proof.qc_child);
        }
        if (r->mode != BFT_MODE_HALTED)
            bft_proof_take(r, &c->proof);
        if (c->proof.kind == BFT_PROOF_COMMIT && r->mode != BFT_MODE_HALTED)
            bft_commit_cert(r, c->proof.commit);
        return BFT_OK;
    }
    return BFT_MALFORMED;
}

static enum bft_verdict on_message(struct bft_replica *r, const struct bft_msg *m, uint32_t peer)
{
    if (foreign_own(r, m))
        return BFT_OK;
    switch (m->kind) {
    case BFT_MSG_STATUS:
        return bft_on_status(r, &m->u.status, peer);
    case BFT_MSG_PROPOSAL:
        return bft_on_proposal(r, &m->u.proposal);
    case BFT_MSG_VOTE:
        return bft_on_vote(r, &m->u.vote);
    case BFT_MSG_COMMIT:
        return bft_on_commit(r, &m->u.commit);
    case BFT_MSG_TIMEOUT:
        return bft_on_timeout(r, &m->u.timeout, peer);
    case BFT_MSG_CERTIFICATE:
        return on_certificate(r, &m->u.certificate);
    case BFT_MSG_ATTEST:
        return bft_on_attest(r, &m->u.attest, peer);
    case BFT_MSG_ATTEST_CERT:
        return bft_on_attest_cert(r, &m->u.attest_cert);
    case BFT_MSG_BATCH_ATTEST:
        return bft_on_batch_attest(r, &m->u.batch_attest, peer);
    case BFT_MSG_BATCH_CERT:
        return bft_on_batch_cert(r, &m->u.batch_cert);
    case BFT_MSG_BLOCKS:
        return bft_on_blocks(r, &m->u.blocks, peer);
    case BFT_MSG_GET_BY_HASH:
        return bft_on_get_by_hash(r, &m->u.get_by_hash, peer);
    case BFT_MSG_BY_HASH:
        return bft_on_by_hash(r, &m->u.by_hash);
    case BFT_MSG_EVIDENCE:
        return bft_on_evidence(r, &m->u.evidence);
    case BFT_MSG_HELLO:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_TX:
        return BFT_UNSOLICITED; /* the shell's: handshake, block store, mempool */
    }
    return BFT_MALFORMED;
}

/* Whatever the lock or a commit certificate stands on must be had, however long it takes. */
static void want_lock(struct bft_replica *r)
{
    const struct bft_header *root = &r->tree.node[r->tree.root].header;
    const struct bft_qc *qc = &r->high_qc.qc, *cc = &r->pending_commit.qc;
    uint64_t final_round = root->epoch == r->epoch ? root->round : 0;
    if (qc->round > final_round)
        bft_want_chain(r, &qc->hash, &qc->signers, qc->round);
    if (r->pending_final && cc->epoch == r->epoch && cc->round > final_round)
        bft_want_chain(r, &cc->hash, &cc->signers, cc->round);
}

static void on_tick(struct bft_replica *r)
{
    want_lock(r);
    if (r->now_ns >= r->round_deadline_ns)
        bft_timeout_due(r);
    if (r->now_ns >= r->attest_resend_ns)
        bft_attest_resend(r);
    if (r->now_ns >= r->defer_at_ns)
        r->defer_at_ns = BFT_NEVER;
    bft_status_due(r);
    bft_sync_due(r);
    r->stepping_vote = true;
}

static void on_verdict(struct bft_replica *r, const struct bft_event *ev)
{
    uint32_t i = bft_tree_find(&r->tree, &ev->u.verdict.hash);
    if (i == BFT_NODE_NONE)
        return;
    struct bft_node *n = &r->tree.node[i];
    if (ev->kind == BFT_EV_PAYLOAD_READY && n->payload == BFT_PAYLOAD_UNKNOWN)
        n->payload = ev->u.verdict.valid ? BFT_PAYLOAD_OK : BFT_PAYLOAD_BAD;
    if (ev->kind == BFT_EV_ORIGIN_VERDICT && n->origin == BFT_ORIGIN_ASKED)
        n->origin = ev->u.verdict.valid ? BFT_ORIGIN_OK : BFT_ORIGIN_BAD;
    r->stepping_vote = true;
}

static enum bft_verdict dispatch(struct bft_replica *r, const struct bft_event *ev)
{
    switch (ev->kind) {
    case BFT_EV_START:
        r->attest_resend_ns = r->now_ns + TD_ATTEST_RESEND_MS * NS_PER_MS;
        bft_next_set_try(r);
        bft_round_resume(r);
        want_lock(r);
        break;
    case BFT_EV_MESSAGE:
        return on_message(r, ev->u.msg, ev->peer);
    case BFT_EV_TICK:
        on_tick(r);
        break;
    case BFT_EV_PEER_UP:
        bft_on_peer_up(r, ev->peer, &ev->u.peer_addr);
        break;
    case BFT_EV_PEER_DOWN:
        bft_on_peer_down(r, ev->peer);
        break;
    case BFT_EV_PAYLOAD_READY:
    case BFT_EV_ORIGIN_VERDICT:
        on_verdict(r, ev);
        break;
    case BFT_EV_PAYLOAD_BUILT:
        bft_on_built(r, &ev->u.built);
        break;
    case BFT_EV_EXECUTED:
        bft_on_executed(r, ev->u.executed);
        break;
    case BFT_EV_SET_KNOWN:
        bft_on_set_known(r, &ev->u.set_known.registry_hash, ev->u.set_known.set);
        break;
    case BFT_EV_SIGNED:
        bft_on_signed(r, ev->u.signed_msg);
        break;
    case BFT_EV_PERSISTED:
        bft_on_persisted(r, ev->u.persist_id);
        break;
    case BFT_EV_L1_HEAD:
        r->l1_number = ev->u.l1.number;
        r->l1_hash = ev->u.l1.hash;
        break;
    }
    return BFT_OK;
}

/* Draw the consequences of the event until nothing changes.  Every pass either finalizes, enters a
 * round or an epoch, or delivers a kept message, so the passes are bounded; the limit is a backstop
 * and what is left waits for the next event. */
static void settle(struct bft_replica *r)
{
    for (uint32_t pass = 0; pass < 64 && r->mode != BFT_MODE_HALTED; pass++) {
        if (r->stepping_far) {
            r->stepping_far = false;
            if (r->far_count > 0)
                bft_far_replay(r);
        } else if (r->stepping_final) {
            r->stepping_final = false;
            bft_try_final(r);
            bft_epoch_try_next(r);
        } else {
            break;
        }
    }
    bft_start_try(r);
    if (r->mode == BFT_MODE_HALTED)
        return;
    bft_own_release(r);
    if (r->stepping_vote) {
        r->stepping_vote = false;
        bft_timeout_join(r);
        bft_try_vote(r);
        bft_try_propose(r);
    }
    bft_sync_check(r);
    if (bft_want_next(r) <= r->now_ns)
        bft_want_due(r);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void set_timer(struct bft_replica *r, bool fired)
{
    int64_t at = sooner(r->round_deadline_ns, r->attest_resend_ns);
    at = sooner(at, r->defer_at_ns);
    at = sooner(at, bft_want_next(r));
    if (r->propose_at_ns > r->now_ns)
        at = sooner(at, r->propose_at_ns);
    if (r->syncing && r->sync_from != 0)
        at = sooner(at, r->sync_at_ns);
    if (!r->syncing && r->behind_since_ns != BFT_NEVER)
        at = sooner(at, r->behind_since_ns + BFT_SYNC_PATIENCE_NS);
    if (bft_own_releasable(r))
        at = r->now_ns;
    for (uint32_t i = 0; i < r->peer_high; i++)
        if (r->peer[i].up)
            at = sooner(at, r->peer[i].status_at_ns);
    if (at <= r->now_ns)
        at = r->now_ns + NS_PER_MS; /* more than one step's share of work: next millisecond */
    if (at == r->timer_ns && !fired)
        return;
    r->timer_ns = at;
    bft_fx(r, BFT_FX_TIMER)->u.at_ns = at;
}

struct before {
    struct bft_slot slot;
    uint64_t voted, timeout, commit, final_height;
};

/* Invariants 1 to 4 of replica.h. */
static void check(const struct bft_replica *r, const struct before *b)
{
    struct bft_slot slot = {r->epoch, r->round};
    TD_ASSERT(bft_slot_cmp(slot, b->slot) >= 0);
    TD_ASSERT(r->final_height >= b->final_height);
    if (r->epoch == b->slot.epoch) {
        TD_ASSERT(r->last_voted >= b->voted);
        TD_ASSERT(r->last_timeout >= b->timeout);
        TD_ASSERT(r->last_commit >= b->commit);
    }
    TD_ASSERT(r->last_timeout <= r->last_voted);
    TD_ASSERT(r->high_qc.qc.epoch == r->epoch);
    TD_ASSERT(r->high_qc.qc.round < r->round);
    TD_ASSERT(r->tree.node[r->tree.root].used);
    TD_ASSERT(r->tree.node[r->tree.root].header.height == r->final_height ||
              BFT_PLANT(BFT_PLANT_FINAL_SKIPS_ANCESTORS));
}

enum bft_verdict bft_step(struct bft_replica *r, const struct bft_event *ev, struct bft_effects *fx)
{
    const struct before b = {
        {r->epoch, r->round}, r->last_voted, r->last_timeout, r->last_commit, r->final_height};
    fx->count = 0;
    r->fx = fx;
    r->out_count = r->final_out_count = r->evidence_count = 0;
    r->step_used = r->export_count = 0;
    r->step_cap = r->step_bytes / BFT_EXPORTS_MAX * (BFT_EXPORTS_MAX - BFT_EXPORTS_RESERVED);
    if (r->mode == BFT_MODE_HALTED)
        return BFT_OK;
    TD_ASSERT(ev->mono_ns >= r->now_ns);
    r->now_ns = ev->mono_ns;
    r->wall_ms = ev->wall_ms;
    enum bft_verdict v = dispatch(r, ev);
    r->verdicts[v]++;
    if (r->mode != BFT_MODE_HALTED)
        settle(r);
    if (r->mode != BFT_MODE_HALTED)
        set_timer(r, ev->kind == BFT_EV_TICK);
    check(r, &b);
    return v;
}

/* ---- views */

void bft_view_get(const struct bft_replica *r, struct bft_view *out)
{
    const struct bft_header *root = &r->tree.node[r->tree.root].header;
    *out = (struct bft_view){
        .mode = r->mode,
        .halt = r->halt,
        .syncing = r->syncing,
        .epoch = r->epoch,
        .round = r->round,
        .final_height = r->final_height,
        .final_hash = r->final_hash,
        .final_slot = {root->epoch, root->round},
        .executed_height = r->executed_height,
        .attested_height = r->attested_height,
        .high_qc_round = r->high_qc.qc.round,
        .last_voted = r->last_voted,
        .last_timeout = r->last_timeout,
        .last_commit = r->last_commit,
        .signer = r->self,
        .leader = bft_leaders_at(&r->leaders, r->round),
        .tree_nodes = r->tree.used,
        .rounds_entered_qc = r->rounds_entered_qc,
        .rounds_entered_tc = r->rounds_entered_tc,
    };
    memcpy(out->verdicts, r->verdicts, sizeof out->verdicts);
}

void bft_sets_get(const struct bft_replica *r, struct bft_sets *out)
{
    *out = (struct bft_sets){.prev = r->has_prev ? r->set_prev : NULL,
                             .cur = r->set_cur,
                             .next = r->has_next ? r->set_next : NULL};
}
