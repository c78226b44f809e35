/* Sign guard: rules and record.  [P-10.7]
 *
 * Record, big-endian, fixed size:
 *
 *   magic "TDGD" 4 ‖ version 4 ‖ present 6 × 1 ‖ propose 114 ‖ vote 122 ‖ voteParentRound 8 ‖
 *   commit 114 ‖ timeout 90 ‖ 16 × attest 338 ‖ attestHeight 8 ‖ 4 × batch 146 ‖ batchHeight 8 ‖
 *   batchNext 4 ‖ keccak of all before 32
 *
 * Absent messages are zero bytes.  */
#include "consensus/guard.h"

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"
#include "consensus/message_internal.h"

#define GUARD_MAGIC UINT32_C(0x54444744) /* "TDGD" */
#define GUARD_VERSION 1u
#define GUARD_BYTES                                                                                \
    (4u + 4u + BFT_SIGNED_KINDS + BFT_PROPOSE_BYTES + BFT_VOTE_BYTES + 8u + BFT_COMMIT_BYTES +     \
     BFT_TIMEOUT_BYTES + BFT_GUARD_ATTESTS * BFT_ATTEST_BYTES + 8u +                               \
     BFT_GUARD_BATCHES * BFT_BATCH_ATTEST_BYTES + 8u + 4u + TD_HASH_BYTES)
_Static_assert(GUARD_BYTES <= BFT_GUARD_BYTES_MAX, "a record fits its bound");

void bft_guard_init(struct bft_guard *g)
{
    *g = (struct bft_guard){.attest_height = 0};
}

static bool holds(const struct bft_guard *g, enum bft_signed_kind kind)
{
    return g->present[kind - 1];
}

/* ---- what is kept */

/* The kept message that shares the slot (or height) of `m`, if any; else false. */
static bool kept_at(const struct bft_guard *g, const struct bft_signed *m, struct bft_signed *out)
{
    out->kind = m->kind;
    uint64_t height = bft_signed_slot(m).round; /* for attestations */
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        out->u.propose = g->propose;
        break;
    case BFT_SIGNED_VOTE:
        out->u.vote = g->vote;
        break;
    case BFT_SIGNED_COMMIT:
        out->u.commit = g->commit;
        break;
    case BFT_SIGNED_TIMEOUT:
        out->u.timeout = g->timeout;
        break;
    case BFT_SIGNED_ATTEST:
        out->u.attest = g->attest[height % BFT_GUARD_ATTESTS];
        return height != 0 && out->u.attest.fields.height == height;
    case BFT_SIGNED_BATCH:
        for (uint32_t i = 0; i < BFT_GUARD_BATCHES; i++) {
            out->u.batch = g->batch[i];
            if (height != 0 && out->u.batch.height == height)
                return true;
        }
        return false;
    }
    return holds(g, m->kind) && bft_slot_cmp(bft_signed_slot(out), bft_signed_slot(m)) == 0;
}

static struct td_sig *sig_of(struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return &m->u.propose.sig;
    case BFT_SIGNED_VOTE:
        return &m->u.vote.sig;
    case BFT_SIGNED_COMMIT:
        return &m->u.commit.sig;
    case BFT_SIGNED_TIMEOUT:
        return &m->u.timeout.sig;
    case BFT_SIGNED_ATTEST:
        return &m->u.attest.sig;
    case BFT_SIGNED_BATCH:
        return &m->u.batch.sig;
    }
    TD_ASSERT(false);
    return NULL;
}

/* ---- admission */

/* Invariant 5: the newest epoch anything but an attestation was signed in. */
static uint64_t newest_epoch(const struct bft_guard *g)
{
    uint64_t epoch = 0;
    if (holds(g, BFT_SIGNED_PROPOSE) && g->propose.epoch > epoch)
        epoch = g->propose.epoch;
    if (holds(g, BFT_SIGNED_VOTE) && g->vote.epoch > epoch)
        epoch = g->vote.epoch;
    if (holds(g, BFT_SIGNED_COMMIT) && g->commit.epoch > epoch)
        epoch = g->commit.epoch;
    if (holds(g, BFT_SIGNED_TIMEOUT) && g->timeout.epoch > epoch)
        epoch = g->timeout.epoch;
    return epoch;
}

/* Invariant 2. */
static bool at_or_below_timeout(const struct bft_guard *g, struct bft_slot slot)
{
    struct bft_slot last = {g->timeout.epoch, g->timeout.round};
    return holds(g, BFT_SIGNED_TIMEOUT) && bft_slot_cmp(slot, last) <= 0;
}

/* Invariant 3, first half: what bound this key in the rounds before the last vote or commit vote is
 * forgotten, so nothing may be said about those rounds any more. */
static bool timeout_looks_back(const struct bft_guard *g, const struct bft_timeout *t)
{
    return (holds(g, BFT_SIGNED_COMMIT) && g->commit.epoch == t->epoch &&
            t->round < g->commit.round) ||
           (holds(g, BFT_SIGNED_VOTE) && g->vote.epoch == t->epoch && t->round < g->vote.round);
}

/* Invariant 3, second half. */
static bool below_lock(const struct bft_guard *g, const struct bft_timeout *t)
{
    if (t->lock_round >= t->round)
        return true;
    if (holds(g, BFT_SIGNED_COMMIT) && g->commit.epoch == t->epoch &&
        t->lock_round < g->commit.round)
        return true;
    return holds(g, BFT_SIGNED_VOTE) && g->vote.epoch == t->epoch &&
           t->lock_round < g->vote_parent_round;
}

/* Attestations: keyed by height alone, whatever the epoch.  Invariant 4. */
static enum bft_guard_verdict admit_height(const struct bft_guard *g, const struct bft_signed *m)
{
    uint64_t height = bft_signed_slot(m).round;
    if (height == 0)
        return BFT_GUARD_OLD;
    if (m->kind == BFT_SIGNED_BATCH)
        return height > g->batch_height ? BFT_GUARD_OK : BFT_GUARD_OLD;
    /* Heights the ring has dropped may have been attested. */
    if (g->attest_height >= BFT_GUARD_ATTESTS && height <= g->attest_height - BFT_GUARD_ATTESTS)
        return BFT_GUARD_OLD;
    return BFT_GUARD_OK;
}

static struct bft_slot last_slot(const struct bft_guard *g, enum bft_signed_kind kind)
{
    switch (kind) {
    case BFT_SIGNED_PROPOSE:
        return (struct bft_slot){g->propose.epoch, g->propose.round};
    case BFT_SIGNED_VOTE:
        return (struct bft_slot){g->vote.epoch, g->vote.round};
    case BFT_SIGNED_COMMIT:
        return (struct bft_slot){g->commit.epoch, g->commit.round};
    case BFT_SIGNED_TIMEOUT:
        return (struct bft_slot){g->timeout.epoch, g->timeout.round};
    case BFT_SIGNED_ATTEST:
    case BFT_SIGNED_BATCH:
        break;
    }
    TD_ASSERT(false);
    return (struct bft_slot){0, 0};
}

static bool is_attestation(enum bft_signed_kind kind)
{
    return kind == BFT_SIGNED_ATTEST || kind == BFT_SIGNED_BATCH;
}

enum bft_guard_verdict bft_guard_admit(const struct bft_guard *g, struct bft_signed *m)
{
    struct bft_signed kept;
    if (kept_at(g, m, &kept)) {
        if (!bft_signed_same(&kept, m))
            return BFT_GUARD_CONFLICT;
        *sig_of(m) = *sig_of(&kept);
        return BFT_GUARD_SAME;
    }
    if (is_attestation(m->kind))
        return admit_height(g, m);

    struct bft_slot slot = bft_signed_slot(m);
    if (slot.round == 0 || slot.epoch < newest_epoch(g))
        return BFT_GUARD_OLD;
    if (holds(g, m->kind) && bft_slot_cmp(slot, last_slot(g, m->kind)) < 0)
        return BFT_GUARD_OLD;
    if ((m->kind == BFT_SIGNED_VOTE || m->kind == BFT_SIGNED_COMMIT) &&
        at_or_below_timeout(g, slot))
        return BFT_GUARD_OLD;
    if (m->kind != BFT_SIGNED_TIMEOUT)
        return BFT_GUARD_OK;
    if (timeout_looks_back(g, &m->u.timeout))
        return BFT_GUARD_OLD;
    return below_lock(g, &m->u.timeout) ? BFT_GUARD_LOCK : BFT_GUARD_OK;
}

void bft_guard_keep(struct bft_guard *g, const struct bft_signed *m, uint64_t parent_round)
{
    struct bft_signed copy = *m;
    TD_ASSERT(bft_guard_admit(g, &copy) == BFT_GUARD_OK);
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        g->propose = m->u.propose;
        break;
    case BFT_SIGNED_VOTE:
        /* The lock of an earlier vote still binds: a later block may have an older parent. */
        if (!holds(g, BFT_SIGNED_VOTE) || g->vote.epoch != m->u.vote.epoch ||
            parent_round > g->vote_parent_round)
            g->vote_parent_round = parent_round;
        g->vote = m->u.vote;
        break;
    case BFT_SIGNED_COMMIT:
        g->commit = m->u.commit;
        break;
    case BFT_SIGNED_TIMEOUT:
        g->timeout = m->u.timeout;
        break;
    case BFT_SIGNED_ATTEST: {
        uint64_t height = m->u.attest.fields.height;
        g->attest[height % BFT_GUARD_ATTESTS] = m->u.attest;
        if (height > g->attest_height)
            g->attest_height = height;
        break;
    }
    case BFT_SIGNED_BATCH:
        g->batch[g->batch_next] = m->u.batch;
        g->batch_next = (g->batch_next + 1) % BFT_GUARD_BATCHES;
        g->batch_height = m->u.batch.height;
        break;
    }
    g->present[m->kind - 1] = true;
}

/* ---- comparison with what others hold */

/* Is an unkept height older than everything the guard still remembers of that kind? */
static bool height_forgotten(const struct bft_guard *g, const struct bft_signed *m)
{
    uint64_t height = bft_signed_slot(m).round;
    if (m->kind == BFT_SIGNED_ATTEST)
        return g->attest_height >= BFT_GUARD_ATTESTS &&
               height <= g->attest_height - BFT_GUARD_ATTESTS;
    /* The oldest batch is the next to be overwritten; while that slot is empty none was dropped. */
    return height < g->batch[g->batch_next].height;
}

enum bft_guard_knows bft_guard_compare(const struct bft_guard *g, const struct bft_signed *m)
{
    struct bft_signed kept;
    if (kept_at(g, m, &kept))
        return bft_signed_same(&kept, m) ? BFT_GUARD_KNOWN : BFT_GUARD_CONTRARY;
    if (is_attestation(m->kind))
        return height_forgotten(g, m) ? BFT_GUARD_KNOWN : BFT_GUARD_NEWER;
    if (holds(g, m->kind) && bft_slot_cmp(bft_signed_slot(m), last_slot(g, m->kind)) < 0)
        return BFT_GUARD_KNOWN;
    return BFT_GUARD_NEWER;
}

/* ---- record */

size_t bft_guard_encode(uint8_t *out, size_t cap, const struct bft_guard *g)
{
    struct td_writer w;
    td_writer_init(&w, out, cap);
    td_put_u32(&w, GUARD_MAGIC);
    td_put_u32(&w, GUARD_VERSION);
    for (uint32_t i = 0; i < BFT_SIGNED_KINDS; i++)
        td_put_u8(&w, g->present[i]);
    bft_propose_encode(&w, &g->propose);
    bft_vote_encode(&w, &g->vote);
    td_put_u64(&w, g->vote_parent_round);
    bft_commit_encode(&w, &g->commit);
    bft_timeout_encode(&w, &g->timeout);
    for (uint32_t i = 0; i < BFT_GUARD_ATTESTS; i++)
        bft_attest_encode(&w, &g->attest[i]);
    td_put_u64(&w, g->attest_height);
    for (uint32_t i = 0; i < BFT_GUARD_BATCHES; i++)
        bft_batch_attest_encode(&w, &g->batch[i]);
    td_put_u64(&w, g->batch_height);
    td_put_u32(&w, g->batch_next);
    if (w.err != TD_OK)
        return 0;
    struct td_hash sum;
    td_keccak256(&sum, out, w.len);
    td_put_hash(&w, &sum);
    return w.err == TD_OK ? w.len : 0;
}

/* A record with a good checksum was written by this code; these catch a writer's bug. */
static bool record_holds(const struct bft_guard *g)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < BFT_GUARD_ATTESTS; i++) {
        uint64_t height = g->attest[i].fields.height;
        if (height != 0 && height % BFT_GUARD_ATTESTS != i)
            return false;
        if (height > newest)
            newest = height;
    }
    if (newest != g->attest_height || (newest != 0) != holds(g, BFT_SIGNED_ATTEST))
        return false;
    newest = 0;
    for (uint32_t i = 0; i < BFT_GUARD_BATCHES; i++) {
        if (g->batch[i].height > newest)
            newest = g->batch[i].height;
    }
    return newest == g->batch_height && (newest != 0) == holds(g, BFT_SIGNED_BATCH) &&
           g->batch_next < BFT_GUARD_BATCHES;
}

enum td_error bft_guard_decode(struct bft_guard *g, const uint8_t *buf, size_t len)
{
    if (len < GUARD_BYTES)
        return TD_E_TRUNCATED;
    if (len > GUARD_BYTES)
        return TD_E_MALFORMED;
    struct td_hash sum;
    td_keccak256(&sum, buf, len - TD_HASH_BYTES);
    if (memcmp(sum.b, buf + len - TD_HASH_BYTES, TD_HASH_BYTES) != 0)
        return TD_E_CORRUPT;
    struct td_reader r;
    td_reader_init(&r, buf, len - TD_HASH_BYTES);
    if (td_get_u32(&r) != GUARD_MAGIC)
        return TD_E_MALFORMED;
    if (td_get_u32(&r) != GUARD_VERSION)
        return TD_E_UNSUPPORTED;
    for (uint32_t i = 0; i < BFT_SIGNED_KINDS; i++)
        g->present[i] = td_get_bool(&r);
    bft_propose_decode(&r, &g->propose);
    bft_vote_decode(&r, &g->vote);
    g->vote_parent_round = td_get_u64(&r);
    bft_commit_decode(&r, &g->commit);
    bft_timeout_decode(&r, &g->timeout);
    for (uint32_t i = 0; i < BFT_GUARD_ATTESTS; i++)
        bft_attest_decode(&r, &g->attest[i]);
    g->attest_height = td_get_u64(&r);
    for (uint32_t i = 0; i < BFT_GUARD_BATCHES; i++)
        bft_batch_attest_decode(&r, &g->batch[i]);
    g->batch_height = td_get_u64(&r);
    g->batch_next = td_get_u32(&r);
    enum td_error err = td_reader_finish(&r);
    if (err != TD_OK)
        return err;
    return record_holds(g) ? TD_OK : TD_E_CORRUPT;
}
