/* Peers: Status, the start rule, help for those behind.  [P-10.4 .. P-10.6, P-11.2] */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

static const struct td_addr no_addr;

/* Recompute signer indices after the set changed, and move what was seen along by address. */
void bft_peers_rebind(struct bft_replica *r)
{
    for (uint32_t i = 0; i < r->peer_high; i++)
        r->peer[i].signer = bft_set_find(r->set_cur, &r->peer[i].addr);
    struct bft_seen *from = r->seen, *to = r->seen_spare;
    for (uint32_t i = 0; i < r->n; i++)
        to[i] = (struct bft_seen){.addr = i < r->set_cur->count ? r->set_cur->v[i].addr : no_addr};
    for (uint32_t i = 0; i < r->n; i++) {
        uint16_t now = bft_set_find(r->set_cur, &from[i].addr);
        if (now != BFT_NO_SIGNER)
            to[now] = from[i];
    }
    r->seen = to;
    r->seen_spare = from;
}

void bft_seen_note(struct bft_replica *r, const struct bft_signed *m)
{
    uint16_t signer = bft_signed_signer(m);
    if (signer >= r->set_cur->count)
        return;
    struct bft_seen *s = &r->seen[signer];
    bool *have = &s->present[m->kind - 1];
    struct bft_signed old = {.kind = m->kind};
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        old.u.propose = s->propose;
        break;
    case BFT_SIGNED_VOTE:
        old.u.vote = s->vote;
        break;
    case BFT_SIGNED_COMMIT:
        old.u.commit = s->commit;
        break;
    case BFT_SIGNED_TIMEOUT:
        old.u.timeout = s->timeout;
        break;
    case BFT_SIGNED_ATTEST:
        old.u.attest = s->attest;
        break;
    case BFT_SIGNED_BATCH:
        old.u.batch = s->batch;
        break;
    }
    if (*have && bft_slot_cmp(bft_signed_slot(m), bft_signed_slot(&old)) <= 0)
        return;
    *have = true;
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        s->propose = m->u.propose;
        break;
    case BFT_SIGNED_VOTE:
        s->vote = m->u.vote;
        break;
    case BFT_SIGNED_COMMIT:
        s->commit = m->u.commit;
        break;
    case BFT_SIGNED_TIMEOUT:
        s->timeout = m->u.timeout;
        break;
    case BFT_SIGNED_ATTEST:
        s->attest = m->u.attest;
        break;
    case BFT_SIGNED_BATCH:
        s->batch = m->u.batch;
        break;
    }
}

/* [P-10.4, P-10.6] */
bool bft_own_known(struct bft_replica *r, const struct bft_signed *m)
{
    if (bft_guard_compare(&r->guard, m) == BFT_GUARD_KNOWN)
        return true;
    if (r->mode == BFT_MODE_STARTING)
        r->dirty_start = true;
    if (r->mode != BFT_MODE_ACTIVE || bft_signed_slot(m).epoch < r->trusted_from_epoch)
        return true;
    bft_halt(r, BFT_HALT_DOPPELGANGER);
    return false;
}

/* Batch attestations are left out: what they key on, their height, is not signed. */
static uint32_t own_list(const struct bft_replica *r, uint16_t signer, struct bft_signed *out)
{
    uint32_t n = 0;
    if (signer >= r->set_cur->count)
        return 0;
    const struct bft_seen *s = &r->seen[signer];
    if (s->present[BFT_SIGNED_PROPOSE - 1])
        out[n++] = (struct bft_signed){.kind = BFT_SIGNED_PROPOSE, .u.propose = s->propose};
    if (s->present[BFT_SIGNED_VOTE - 1])
        out[n++] = (struct bft_signed){.kind = BFT_SIGNED_VOTE, .u.vote = s->vote};
    if (s->present[BFT_SIGNED_COMMIT - 1])
        out[n++] = (struct bft_signed){.kind = BFT_SIGNED_COMMIT, .u.commit = s->commit};
    if (s->present[BFT_SIGNED_TIMEOUT - 1])
        out[n++] = (struct bft_signed){.kind = BFT_SIGNED_TIMEOUT, .u.timeout = s->timeout};
    if (s->present[BFT_SIGNED_ATTEST - 1])
        out[n++] = (struct bft_signed){.kind = BFT_SIGNED_ATTEST, .u.attest = s->attest};
    return n;
}

void bft_status_send(struct bft_replica *r, uint32_t peer)
{
    struct bft_entry entry;
    const struct bft_qc *high = bft_export_qc(r, &r->high_qc.qc);
    struct bft_msg *m = NULL;
    if (high != NULL && bft_export_entry(r, &entry))
        m = bft_out(r, peer, BFT_MSG_STATUS);
    if (m == NULL)
        return;
    struct bft_status *s = &m->u.status;
    s->epoch = r->epoch;
    s->round = r->round;
    s->final_height = r->final_height;
    s->final_hash = r->final_hash;
    s->l1_number = r->l1_number;
    s->l1_hash = r->l1_hash;
    s->own_count = own_list(r, r->peer[peer].signer, s->own);
    s->high_qc = high;
    s->entry = entry;
    r->peer[peer].status_at_ns = r->now_ns + TD_STATUS_INTERVAL_MS * NS_PER_MS;
}

/* Every 5 s to each peer, a bounded number per step; the rest wait for the next tick. */
void bft_status_due(struct bft_replica *r)
{
    uint32_t sent = 0;
    for (uint32_t i = 0; i < r->peer_high && sent < BFT_STATUS_PER_STEP; i++) {
        if (!r->peer[i].up || r->peer[i].status_at_ns > r->now_ns)
            continue;
        bft_status_send(r, i);
        sent++;
    }
}

void bft_on_peer_up(struct bft_replica *r, uint32_t peer, const struct td_addr *addr)
{
    TD_ASSERT(peer < BFT_PEERS_MAX);
    uint16_t signer = td_addr_is_zero(addr) ? BFT_NO_SIGNER : bft_set_find(r->set_cur, addr);
    r->peer[peer] = (struct bft_peer){.up = true, .signer = signer, .addr = *addr};
    for (uint32_t i = 0; i < BFT_BATCH_ROUNDS; i++)
        r->batch_round[i].answered[peer / 64u] &= ~(UINT64_C(1) << (peer % 64u));
    if (peer >= r->peer_high)
        r->peer_high = peer + 1u;
    bft_status_send(r, peer);
    bft_own_resend(r, peer);
}

void bft_on_peer_down(struct bft_replica *r, uint32_t peer)
{
    TD_ASSERT(peer < BFT_PEERS_MAX);
    r->peer[peer] = (struct bft_peer){.signer = BFT_NO_SIGNER};
    r->claims_changed = true;
    if (r->sync_from != 0 && r->sync_peer == peer)
        r->sync_at_ns = r->now_ns;
}

/* [P-7.3] The highest L1 number that weight Q of validators, this one included, has reported. */
uint64_t bft_origin_quorum(const struct bft_replica *r)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i <= r->peer_high; i++) {
        bool self = i == r->peer_high;
        if (!self && (!r->peer[i].has_status || r->peer[i].signer == BFT_NO_SIGNER))
            continue;
        uint64_t number = self ? r->l1_number : r->peer[i].l1_number;
        struct bft_bitmap who = {{0}};
        if (r->self != BFT_NO_SIGNER && r->l1_number >= number)
            bft_bitmap_add(&who, r->self);
        for (uint32_t k = 0; k < r->peer_high; k++)
            if (r->peer[k].has_status && r->peer[k].signer != BFT_NO_SIGNER &&
                r->peer[k].l1_number >= number)
                bft_bitmap_add(&who, r->peer[k].signer);
        if (number > best && bft_set_weight(r->set_cur, &who) >= r->set_cur->quorum)
            best = number;
    }
    return best;
}

static void begin(struct bft_replica *r)
{
    r->mode = BFT_MODE_ACTIVE;
    r->had_guard = true; /* from here on there is a record: what gets signed is in it */
    if (r->last_timeout == r->round && r->guard.timeout.epoch == r->epoch) {
        r->timed_out = r->timeout_ready = true;
        r->own_timeout = r->guard.timeout;
        (void)bft_timeout_count(r, &r->own_timeout);
        bft_timeout_send(r, BFT_NO_PEER);
    }
    /* Sent before the restart, so it counts here too. */
    if (r->sent_vote.round > 0 && r->sent_vote.epoch == r->epoch)
        (void)bft_on_vote(r, &r->sent_vote);
    if (r->sent_commit.round > 0 && r->sent_commit.epoch == r->epoch)
        (void)bft_on_commit(r, &r->sent_commit);
    bft_attest_recount(r);
    bft_attest_sign_missing(r);
    bft_batch_sign_missing(r);
    for (uint32_t i = 0; i < r->peer_high; i++)
        if (r->peer[i].up)
            bft_own_resend(r, i);
    r->stepping_vote = true;
}

/* The highest epoch that a weak quorum, so at least one honest validator, says it has reached. */
static uint64_t reported_epoch(const struct bft_replica *r)
{
    uint64_t best = r->epoch;
    for (uint32_t i = 0; i < r->peer_high; i++) {
        uint64_t epoch = r->peer[i].epoch;
        struct bft_bitmap who = {{0}};
        for (uint32_t k = 0; k < r->peer_high; k++)
            if (r->peer[k].up && r->peer[k].signer != BFT_NO_SIGNER && r->peer[k].epoch >= epoch)
                bft_bitmap_add(&who, r->peer[k].signer);
        if (epoch > best && bft_set_weight(r->set_cur, &who) >= r->set_cur->weak)
            best = epoch;
    }
    return best;
}

/* [P-10.4] Status counts only from peers that have not left this epoch: the newest messages of a
 * later one cannot be judged here, and a node that far behind has to catch up first. */
void bft_start_try(struct bft_replica *r)
{
    if (r->mode != BFT_MODE_STARTING)
        return;
    if (r->self == BFT_NO_SIGNER) {
        r->mode = BFT_MODE_FOLLOWER;
        return;
    }
    struct bft_bitmap who = {{0}};
    bool fresh = r->final_height == 0;
    for (uint32_t i = 0; i < r->peer_high; i++) {
        const struct bft_peer *p = &r->peer[i];
        if (!p->has_status || p->signer == BFT_NO_SIGNER)
            continue;
        bft_bitmap_add(&who, p->signer);
        fresh = fresh && p->final_height == 0;
    }
    if (r->had_guard || fresh)
        bft_bitmap_add(&who, r->self); /* without a guard it knows least of all what it signed */
    bool enough = bft_set_weight(r->set_cur, &who) >= r->set_cur->quorum;
    if (!enough && !BFT_PLANT(BFT_PLANT_START_AT_ONCE))
        return;
    bool after = r->epoch > r->passive_after;
    if (BFT_PLANT(BFT_PLANT_START_AT_ONCE) ||
        (!r->dirty_start && (r->had_guard || fresh || after))) {
        if (after)
            r->trusted_from_epoch = r->epoch;
        begin(r);
        return;
    }
    r->mode = BFT_MODE_PASSIVE;
    r->passive_after = reported_epoch(r);
    bft_alarm_raise(r, BFT_ALARM_PASSIVE);
}

/* A new epoch: ask again before signing in it.  That the key was no member of the set before says
 * nothing about what it signed in this epoch before a lost guard, so a joiner needs a guard like
 * everyone, an empty one if its key is new.  [P-10.4, P-10.5] */
void bft_start_again(struct bft_replica *r)
{
    bool waits = r->mode == BFT_MODE_PASSIVE && r->epoch > r->passive_after;
    bool joins = r->mode == BFT_MODE_FOLLOWER && r->self != BFT_NO_SIGNER;
    if (r->mode == BFT_MODE_ACTIVE && r->self == BFT_NO_SIGNER)
        r->mode = BFT_MODE_FOLLOWER;
    if (!waits && !joins && r->mode != BFT_MODE_STARTING)
        return;
    r->mode = BFT_MODE_STARTING;
    r->dirty_start = false;
    for (uint32_t i = 0; i < r->peer_high; i++) {
        r->peer[i].has_status = false;
        if (r->peer[i].up)
            r->peer[i].status_at_ns = r->now_ns; /* an own Status invites theirs */
    }
}

/* [P-11.2] */
enum bft_verdict bft_on_status(struct bft_replica *r, const struct bft_status *s, uint32_t peer)
{
    if (peer >= BFT_PEERS_MAX || !r->peer[peer].up)
        return BFT_UNSOLICITED;
    struct bft_peer *p = &r->peer[peer];
    bool first = p->epoch == 0 && !p->has_status;
    p->has_status = s->epoch <= r->epoch;
    p->epoch = s->epoch;
    p->final_height = s->final_height;
    r->claims_changed = true;
    p->l1_number = s->l1_number;
    for (uint32_t i = 0; i < s->own_count; i++)
        if (bft_signed_signer(&s->own[i]) == r->self && r->self != BFT_NO_SIGNER &&
            bft_signed_slot(&s->own[i]).epoch == r->epoch && s->own[i].kind != BFT_SIGNED_BATCH &&
            !bft_own_known(r, &s->own[i]))
            return BFT_OK;
    if (s->high_qc != NULL) {
        if (s->high_qc->genesis != NULL)
            (void)bft_on_attest_cert(r, s->high_qc->genesis);
        bft_process_qc(r, s->high_qc);
    }
    if (s->entry.kind == BFT_ENTRY_QC) {
        if (s->entry.qc->genesis != NULL)
            (void)bft_on_attest_cert(r, s->entry.qc->genesis);
        bft_process_qc(r, s->entry.qc);
    } else if (s->entry.kind == BFT_ENTRY_TC) {
        bft_process_tc(r, s->entry.tc);
    }
    struct bft_slot theirs = {s->epoch, s->round}, ours = {r->epoch, r->round};
    if (!first && bft_slot_cmp(theirs, ours) < 0)
        bft_help_peer(r, peer, s->epoch);
    return BFT_OK;
}

/* A peer in an older slot gets what entered ours, once per slot; one epoch behind it needs the
 * certificate that opened this one; further behind, block sync brings it here. */
void bft_help_peer(struct bft_replica *r, uint32_t peer, uint64_t epoch)
{
    struct bft_slot ours = {r->epoch, r->round};
    if (peer >= BFT_PEERS_MAX || !r->peer[peer].up || bft_slot_cmp(r->peer[peer].helped, ours) >= 0)
        return;
    bool handoff = epoch < r->epoch;
    if (!handoff && r->entry.kind == BFT_ENTRY_QC && r->entry.qc->round == 0)
        return; /* within an epoch everyone holds its genesis certificate */
    const struct bft_attest_cert *opened =
        handoff ? bft_export_attest(r, &r->genesis_cert.cert) : NULL;
    struct bft_entry entry = {.kind = BFT_ENTRY_NONE};
    struct bft_msg *m = NULL;
    if (handoff ? opened != NULL : bft_export_entry(r, &entry))
        m = bft_out(r, peer, handoff ? BFT_MSG_ATTEST_CERT : BFT_MSG_CERTIFICATE);
    if (m == NULL)
        return;
    r->peer[peer].helped = ours;
    if (handoff)
        m->u.attest_cert = *opened;
    else if (entry.kind == BFT_ENTRY_QC)
        m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = entry.qc};
    else
        m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC, .tc = entry.tc};
}
