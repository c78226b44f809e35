#include "tests/sim/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define TABLE_START 8192u
#define LATE_SLACK_MS 50u

/* ---- tables: contents, tallies, and what each key said where */

void sim_check_init(struct sim_world *w)
{
    w->tally.slots = w->log.slots = TABLE_START;
    w->tally.slot = calloc(w->tally.slots, sizeof *w->tally.slot);
    w->log.slot = calloc(w->log.slots, sizeof *w->log.slot);
    TD_ASSERT(w->tally.slot != NULL);
    TD_ASSERT(w->log.slot != NULL);
}

void sim_check_free(struct sim_world *w)
{
    free(w->tally.slot);
    free(w->log.slot);
}

static uint64_t tag_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t state = a;
    uint64_t h = td_splitmix64(&state);
    state ^= b;
    h ^= td_splitmix64(&state);
    state ^= c;
    h ^= td_rotl64(td_splitmix64(&state), 21);
    state ^= d;
    h ^= td_rotl64(td_splitmix64(&state), 42);
    return h == 0 ? 1 : h;
}

uint64_t sim_content_block(uint64_t height, const struct td_hash *hash)
{
    uint64_t state = height ^ sim_hash_word(hash);
    return td_splitmix64(&state);
}

uint64_t sim_content_attest(const struct bft_attest_fields *f)
{
    struct td_hash digest;
    bft_attest_digest(&digest, f);
    return sim_hash_word(&digest);
}

uint64_t sim_content_of(const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return sim_hash_word(&m->u.propose.hash);
    case BFT_SIGNED_VOTE:
        return sim_content_block(m->u.vote.height, &m->u.vote.hash);
    case BFT_SIGNED_COMMIT:
        return sim_hash_word(&m->u.commit.hash);
    case BFT_SIGNED_TIMEOUT:
        return m->u.timeout.lock_round;
    case BFT_SIGNED_ATTEST:
        return sim_content_attest(&m->u.attest.fields);
    case BFT_SIGNED_BATCH:
        return sim_hash_word(&m->u.batch.batch_hash);
    }
    return 0;
}

uint64_t sim_place_of(const struct bft_signed *m)
{
    return m->kind == BFT_SIGNED_BATCH ? m->u.batch.height : bft_signed_slot(m).round;
}

static uint64_t epoch_of(const struct bft_signed *m)
{
    return bft_signed_slot(m).epoch;
}

static struct sim_tally *tally_slot(struct sim_tally *slot, size_t slots, uint64_t tag)
{
    size_t at = tag & (slots - 1);
    while (slot[at].tag != 0 && slot[at].tag != tag)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static void tally_add(struct sim_world *w, const struct bft_signed *m, uint32_t key)
{
    struct sim_tally_table *t = &w->tally;
    if (t->count * 2 >= t->slots) {
        struct sim_tally *grown = calloc(t->slots * 2, sizeof *grown);
        TD_ASSERT(grown != NULL);
        for (size_t i = 0; i < t->slots; i++)
            if (t->slot[i].tag != 0)
                *tally_slot(grown, t->slots * 2, t->slot[i].tag) = t->slot[i];
        free(t->slot);
        t->slot = grown;
        t->slots *= 2;
    }
    /* A batch attestation's height is not part of what is signed. */
    uint64_t place = m->kind == BFT_SIGNED_BATCH ? 0 : sim_place_of(m);
    uint64_t tag = tag_of((uint64_t)m->kind << 32, epoch_of(m), place, sim_content_of(m));
    struct sim_tally *s = tally_slot(t->slot, t->slots, tag);
    if (s->tag == 0) {
        s->tag = tag;
        t->count++;
    }
    if (sim_bit_has(s->keys, key))
        return;
    sim_bit_put(s->keys, key, true);
    uint16_t signer = sim_signer_of(w, epoch_of(m), key);
    if (signer != BFT_NO_SIGNER)
        s->weight += w->chain.epoch[epoch_of(m)].set.v[signer].stake;
}

static const struct sim_tally *tally_find(const struct sim_world *w, enum bft_signed_kind kind,
                                          uint64_t epoch, uint64_t place, uint64_t content)
{
    uint64_t tag = tag_of((uint64_t)kind << 32, epoch, place, content);
    return tally_slot(w->tally.slot, w->tally.slots, tag);
}

uint64_t sim_tally_weight(const struct sim_world *w, enum bft_signed_kind kind, uint64_t epoch,
                          uint64_t place, uint64_t content)
{
    return tally_find(w, kind, epoch, place, content)->weight;
}

bool sim_tally_has(const struct sim_world *w, enum bft_signed_kind kind, uint64_t epoch,
                   uint64_t place, uint64_t content, uint32_t key)
{
    const struct sim_tally *t = tally_find(w, kind, epoch, place, content);
    return t->tag != 0 && sim_bit_has(t->keys, key);
}

static struct sim_log_entry *log_slot(struct sim_log_entry *slot, size_t slots, uint64_t tag)
{
    size_t at = tag & (slots - 1);
    while (slot[at].tag != 0 && slot[at].tag != tag)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

/* What `key` said in this place before, or enters it.  True: the same, or nothing. */
static bool log_agrees(struct sim_world *w, const struct bft_signed *m, uint32_t key)
{
    struct sim_log_table *t = &w->log;
    if (t->count * 2 >= t->slots) {
        struct sim_log_entry *grown = calloc(t->slots * 2, sizeof *grown);
        TD_ASSERT(grown != NULL);
        for (size_t i = 0; i < t->slots; i++)
            if (t->slot[i].tag != 0)
                *log_slot(grown, t->slots * 2, t->slot[i].tag) = t->slot[i];
        free(t->slot);
        t->slot = grown;
        t->slots *= 2;
    }
    /* One attestation per height whatever the epoch; one of everything else per slot. */
    bool by_height = m->kind == BFT_SIGNED_ATTEST || m->kind == BFT_SIGNED_BATCH;
    uint64_t tag =
        tag_of((uint64_t)m->kind << 32 | key, by_height ? 0 : epoch_of(m), sim_place_of(m), 0);
    struct sim_log_entry *e = log_slot(t->slot, t->slots, tag);
    uint64_t content = sim_content_of(m);
    if (e->tag == 0) {
        e->tag = tag;
        e->content = content;
        t->count++;
        return true;
    }
    return e->content == content;
}

/* ---- signatures of honest keys */

static bool slot_le(struct bft_slot a, struct bft_slot b)
{
    return bft_slot_cmp(a, b) <= 0;
}

#define SLOT(m) ((unsigned long long)(m).epoch), ((unsigned long long)(m).round)

static void note(struct sim_signs *s, const struct bft_signed *m, uint64_t parent_round)
{
    struct bft_slot slot = bft_signed_slot(m);
    s->has[m->kind - 1] = true;
    if (m->kind == BFT_SIGNED_PROPOSE && slot_le(s->propose, slot))
        s->propose = slot;
    if (m->kind == BFT_SIGNED_VOTE && slot_le(s->vote, slot)) {
        s->vote = slot;
        s->vote_parent = (struct bft_slot){slot.epoch, parent_round};
    }
    if (m->kind == BFT_SIGNED_COMMIT && slot_le(s->commit, slot))
        s->commit = slot;
    if (m->kind == BFT_SIGNED_TIMEOUT && slot_le(s->timeout, slot))
        s->timeout = slot;
}

/* Slots only grow per kind; nothing of an older epoch.  [P-10.7] */
static const char *order_broken(const struct sim_signs *s, const struct bft_signed *m)
{
    struct bft_slot slot = bft_signed_slot(m);
    const bool *has = s->has;
    bool timed = has[BFT_SIGNED_TIMEOUT - 1];
    if (m->kind == BFT_SIGNED_ATTEST || m->kind == BFT_SIGNED_BATCH)
        return NULL;
    if ((has[BFT_SIGNED_VOTE - 1] && slot.epoch < s->vote.epoch) ||
        (timed && slot.epoch < s->timeout.epoch))
        return "signs in an epoch it has left";
    if (m->kind == BFT_SIGNED_PROPOSE && has[m->kind - 1] && slot_le(slot, s->propose))
        return "proposes a second time in a round";
    if (m->kind == BFT_SIGNED_VOTE && has[m->kind - 1] && slot_le(slot, s->vote))
        return "votes a second time in a round, or in an older one";
    if (m->kind == BFT_SIGNED_VOTE && timed && slot_le(slot, s->timeout))
        return "votes in a round it has timed out of";
    if (m->kind == BFT_SIGNED_COMMIT && has[m->kind - 1] && slot_le(slot, s->commit))
        return "casts a second commit vote in a round, or an older one";
    if (m->kind == BFT_SIGNED_COMMIT && timed && slot_le(slot, s->timeout))
        return "casts a commit vote in a round it has timed out of";
    if (m->kind == BFT_SIGNED_TIMEOUT && timed && slot_le(slot, s->timeout))
        return "times out a second time in a round, or in an older one";
    return NULL;
}

/* Timeout against earlier commit votes and votes: the locks.  [P-5.1] */
static const char *lock_broken(const struct sim_signs *s, const struct bft_signed *m)
{
    if (m->kind != BFT_SIGNED_TIMEOUT)
        return NULL;
    const struct bft_timeout *t = &m->u.timeout;
    if (s->has[BFT_SIGNED_COMMIT - 1] && s->commit.epoch == t->epoch &&
        s->commit.round <= t->round && t->lock_round < s->commit.round)
        return "times out below the round of its commit vote";
    if (s->has[BFT_SIGNED_VOTE - 1] && s->vote.epoch == t->epoch && s->vote.round <= t->round &&
        t->lock_round < s->vote_parent.round)
        return "times out below the parent of the block it voted for";
    return NULL;
}

/* ---- what an honest node may sign */

static const char *filler_broken(const struct bft_header *h, const struct bft_header *p)
{
    if (h->tx_count != 0 || h->payload_bytes != 0 || h->end_batch)
        return "a filler with a payload";
    if (!td_hash_eq(&h->result_digest, &p->result_digest) || !bft_origin_eq(&h->origin, &p->origin))
        return "a filler that does not copy its parent";
    return NULL;
}

static const char *block_broken(struct sim_world *w, struct sim_node *n, const struct sim_block *b,
                                const struct bft_header *p)
{
    const struct bft_header *h = &b->header;
    if (h->height > (h->epoch + 1) * w->base.epoch_length)
        return "a block beyond the epoch's last height";
    if (!sim_block_held(b, n->id))
        return "a block whose payload it does not have";
    if (h->height > h->att_height + TD_ATTEST_WINDOW)
        return "a block outside the attestation window";
    const struct td_hash *want = &w->base.genesis_result;
    if (h->height > TD_EXEC_LAG) {
        uint64_t at = h->height - TD_EXEC_LAG;
        if (at > n->disk.live.executed_height)
            return "a block whose h - 3 it has not executed";
        want = &w->chain.final[at].digest;
    }
    if (!td_hash_eq(want, &h->result_digest))
        return "a block with another execution result";
    if (!bft_origin_eq(&h->origin, &p->origin)) {
        struct bft_origin seen;
        if (h->height % TD_ORIGIN_INTERVAL != 0 || b->has_tc)
            return "a block that moves the L1 origin where it may not";
        if (h->origin.number < SIM_L1_START || h->origin.number > n->l1_head)
            return "an L1 origin beyond its own view";
        sim_l1_origin(&w->chain, h->origin.number, &seen);
        if (!bft_origin_eq(&seen, &h->origin))
            return "an L1 origin that differs from its own view";
    }
    return NULL;
}

/* Independent reading of the vote rule.  [P-4.1] */
static const char *vote_broken(struct sim_world *w, struct sim_node *n, const struct bft_vote *v)
{
    const struct sim_block *b = sim_block_find(&w->chain, &v->hash);
    if (b == NULL || !b->has_cert)
        return "a block nobody proposed";
    const struct bft_header *h = &b->header;
    if (h->epoch != v->epoch || h->round != v->round || h->height != v->height)
        return "a block under another round or height";
    const struct sim_block *parent = sim_block_find(&w->chain, &h->parent);
    if (parent == NULL || !td_hash_eq(&b->qc_hash, &h->parent) || b->qc_round != h->parent_round)
        return "a block whose certificate is not its parent's";
    const struct bft_header *p = &parent->header;
    bool first = p->epoch != h->epoch;
    if (h->parent_round != (first ? 0 : p->round))
        return "a block that misnames its parent's round";
    bool by_tc = b->has_tc && b->tc_round + 1 == h->round && b->qc_round >= b->tc_high;
    if (h->round != b->qc_round + 1 && !by_tc)
        return "a block its certificates do not allow in that round";
    if (h->height != p->height + (h->filler ? 0u : 1u))
        return "a block that skips a height";
    if (h->ts_ms <= p->ts_ms)
        return "a block that is not later than its parent";
    if (h->ts_ms > p->ts_ms + 1 &&
        h->ts_ms > sim_wall_ms(w, n) + TD_CLOCK_AHEAD_MS_MAX + LATE_SLACK_MS)
        return "a block from the future";
    return h->filler ? filler_broken(h, p) : block_broken(w, n, b, p);
}

static const char *commit_broken(struct sim_world *w, const struct bft_commit *c)
{
    const struct sim_block *b = sim_block_find(&w->chain, &c->hash);
    if (b == NULL)
        return NULL; /* certified, but its proposal never left the leader's disk in this run */
    uint64_t weight = sim_tally_weight(w, BFT_SIGNED_VOTE, c->epoch, c->round,
                                       sim_content_block(b->header.height, &c->hash));
    return weight < w->chain.epoch[c->epoch].set.quorum ? "without a quorum of votes" : NULL;
}

static const char *attest_broken(struct sim_world *w, struct sim_node *n,
                                 const struct bft_attest_fields *f)
{
    const struct sim_final *x = sim_final_at(&w->chain, f->height);
    if (x == NULL || f->height > n->disk.live.executed_height)
        return "a height it has not executed";
    const struct bft_result *r = &x->exec.result;
    bool same = td_hash_eq(&f->block_hash, &x->block->hash) &&
                td_hash_eq(&f->parent_hash, &x->block->header.prev_hash) &&
                td_hash_eq(&f->state_commitment, &r->state_commitment) &&
                td_hash_eq(&f->messages_root, &r->messages_root) &&
                td_hash_eq(&f->da_commitment, &r->da_commitment) &&
                td_hash_eq(&f->priority_hash, &r->priority_hash) &&
                td_hash_eq(&f->next_set_hash, &x->block->header.next_set_hash);
    return same ? NULL : "other results than the chain's";
}

static void rules_broken(struct sim_world *w, struct sim_node *n, const struct bft_signed *m)
{
    struct bft_slot slot = bft_signed_slot(m);
    const char *why = order_broken(&n->made, m);
    if (why == NULL)
        why = lock_broken(&n->made, m);
    if (why != NULL) {
        sim_violate(w, n->id, "signatures", "honest n%u %s (%llu/%llu)", n->id, why, SLOT(slot));
        return;
    }
    if (m->kind == BFT_SIGNED_VOTE) {
        why = vote_broken(w, n, &m->u.vote);
        if (why != NULL)
            sim_violate(w, n->id, "vote rule", "honest n%u votes for %s (%llu/%llu)", n->id, why,
                        SLOT(slot));
    }
    if (m->kind == BFT_SIGNED_COMMIT && (why = commit_broken(w, &m->u.commit)) != NULL)
        sim_violate(w, n->id, "vote rule", "honest n%u casts a commit vote %s (%llu/%llu)", n->id,
                    why, SLOT(slot));
    if (m->kind == BFT_SIGNED_ATTEST && (why = attest_broken(w, n, &m->u.attest.fields)) != NULL)
        sim_violate(w, n->id, "equal roots", "honest n%u attests %s (height %llu)", n->id, why,
                    (unsigned long long)m->u.attest.fields.height);
}

void sim_check_made(struct sim_world *w, struct sim_node *n, const struct bft_signed *m,
                    uint64_t parent_round)
{
    tally_add(w, m, n->key);
    if (!sim_honest(w, n->id))
        return;
    rules_broken(w, n, m);
    note(&n->made, m, parent_round);
}

/* Without its guard a node may not sign where its key may have signed before.  [P-10.4] */
void sim_check_silence(struct sim_world *w, struct sim_node *n, const struct bft_signed *m)
{
    bool by_height = m->kind == BFT_SIGNED_ATTEST || m->kind == BFT_SIGNED_BATCH;
    uint64_t epoch = 0;
    const struct bft_slot newest[] = {n->lost.propose, n->lost.vote, n->lost.commit,
                                      n->lost.timeout};
    for (uint32_t i = 0; i < 4; i++)
        if (newest[i].epoch > epoch)
            epoch = newest[i].epoch;
    bool signed_before = n->lost.has[BFT_SIGNED_VOTE - 1] || n->lost.has[BFT_SIGNED_TIMEOUT - 1];
    if (n->passive_ok && signed_before && !by_height && epoch_of(m) <= epoch)
        sim_violate(w, n->id, "start rule",
                    "n%u lost its guard and signs a %s in epoch %llu, where its key signed before",
                    n->id, sim_signed_name(m->kind), (unsigned long long)epoch_of(m));
}

void sim_check_sent(struct sim_world *w, struct sim_node *n, const struct bft_signed *m)
{
    uint16_t signer = bft_signed_signer(m);
    if (sim_key_of(w, epoch_of(m), signer) != n->key)
        return; /* passed on for somebody else */
    tally_add(w, m, n->key);
    bool agrees = log_agrees(w, m, n->key);
    struct bft_slot slot = bft_signed_slot(m);
    if (!agrees && sim_honest(w, n->id))
        sim_violate(w, n->id, "signatures", "honest n%u sends two different %ss for %llu/%llu",
                    n->id, sim_signed_name(m->kind), SLOT(slot));
    uint64_t parent_round = 0;
    if (m->kind == BFT_SIGNED_VOTE) {
        const struct sim_block *b = sim_block_find(&w->chain, &m->u.vote.hash);
        parent_round = b != NULL ? b->header.parent_round : 0;
    }
    note(&n->sent, m, parent_round);
}
