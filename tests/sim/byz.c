/* Byzantine actors.  Each is a production replica in a shell that lies: it rewrites what leaves,
 * hides what arrives, and from time to time speaks by itself.  It signs with its own key only. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define SELDOM 4u

static uint64_t below(struct sim_world *w, uint64_t bound)
{
    return td_rng_below(&w->byz_rng, bound);
}

static bool victim(const struct sim_node *n, uint32_t peer)
{
    return (n->byz_victims >> (peer % 64) & 1) != 0;
}

/* ---- speaking */

static void say(struct sim_world *w, struct sim_node *n, uint32_t peer, struct bft_signed *s)
{
    struct bft_msg m = {.kind = BFT_MSG_TIMEOUT};
    sim_byz_sign(w, n, s);
    switch (s->kind) {
    case BFT_SIGNED_VOTE:
        m.kind = BFT_MSG_VOTE;
        m.u.vote = s->u.vote;
        break;
    case BFT_SIGNED_COMMIT:
        m.kind = BFT_MSG_COMMIT;
        m.u.commit = s->u.commit;
        break;
    case BFT_SIGNED_TIMEOUT:
        m.kind = BFT_MSG_TIMEOUT;
        m.u.timeout.t = s->u.timeout;
        break;
    case BFT_SIGNED_ATTEST:
        m.kind = BFT_MSG_ATTEST;
        m.u.attest = s->u.attest;
        break;
    case BFT_SIGNED_BATCH:
        m.kind = BFT_MSG_BATCH_ATTEST;
        m.u.batch_attest = s->u.batch;
        break;
    case BFT_SIGNED_PROPOSE:
        return; /* proposals go through propose_variant */
    }
    sim_net_send(w, n, peer, &m);
}

static void say_vote(struct sim_world *w, struct sim_node *n, uint32_t peer,
                     const struct bft_vote *v)
{
    struct bft_signed s = {.kind = BFT_SIGNED_VOTE, .u.vote = *v};
    say(w, n, peer, &s);
}

static void say_commit(struct sim_world *w, struct sim_node *n, uint32_t peer, uint64_t epoch,
                       uint64_t round, const struct td_hash *hash)
{
    struct bft_signed s = {.kind = BFT_SIGNED_COMMIT};
    s.u.commit = (struct bft_commit){.epoch = epoch, .round = round, .hash = *hash};
    s.u.commit.signer = n->view.signer;
    say(w, n, peer, &s);
}

static void say_timeout(struct sim_world *w, struct sim_node *n, uint32_t peer, uint64_t epoch,
                        uint64_t round, uint64_t lock)
{
    struct bft_signed s = {.kind = BFT_SIGNED_TIMEOUT};
    s.u.timeout = (struct bft_timeout){.epoch = epoch, .round = round, .lock_round = lock};
    s.u.timeout.signer = n->view.signer;
    say(w, n, peer, &s);
}

/* Send to the victims, or to everyone else. */
static void send_split(struct sim_world *w, struct sim_node *n, const struct bft_msg *m,
                       bool victims)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        if (i != n->id && victim(n, i) == victims)
            sim_net_send(w, n, i, m);
}

/* ---- proposals */

/* Give a changed proposal its hash and signature. */
static void reseal(struct sim_world *w, struct sim_node *n, struct bft_proposal *p)
{
    bft_header_hash(&p->hash, &p->header);
    struct bft_signed s = {.kind = BFT_SIGNED_PROPOSE};
    s.u.propose = (struct bft_propose){.epoch = p->header.epoch,
                                       .round = p->header.round,
                                       .hash = p->hash,
                                       .signer = p->header.proposer};
    sim_byz_sign(w, n, &s);
    p->sig = s.u.propose.sig;
    p->tx_hashes = NULL;
}

static void vote_for(struct sim_world *w, struct sim_node *n, const struct bft_proposal *p,
                     uint32_t peer)
{
    say_vote(w, n, peer,
             &(struct bft_vote){.epoch = p->header.epoch,
                                .round = p->header.round,
                                .height = p->header.height,
                                .hash = p->hash,
                                .signer = n->view.signer});
}

static void strip_payload(struct bft_header *h)
{
    memset(&h->payload_root, 0, sizeof h->payload_root);
    h->payload_bytes = h->tx_count = 0;
}

static bool equivocate(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    struct bft_msg other = *m;
    other.u.proposal.header.ts_ms += 1;
    if (below(w, 2) == 0)
        strip_payload(&other.u.proposal.header);
    reseal(w, n, &other.u.proposal);
    sim_net_note_proposal(w, n, &other.u.proposal);
    sim_fault_count(w, SIM_FAULT_EQUIVOCATE);
    if (below(w, SELDOM) == 0) { /* both to all, in one order or the other */
        sim_net_send(w, n, BFT_NO_PEER, m);
        sim_net_send(w, n, BFT_NO_PEER, &other);
    } else {
        send_split(w, n, m, true);
        send_split(w, n, &other, false);
    }
    vote_for(w, n, &other.u.proposal, BFT_NO_PEER);
    sim_frame_drop(&w->pool, n->byz_frame);
    n->byz_frame = sim_frame_new(&w->pool, n->id, &other);
    return true;
}

/* The other version again, for whoever restarted since and forgot which one it voted for. */
static void repeat_other(struct sim_world *w, struct sim_node *n)
{
    for (uint32_t i = 0; n->byz_frame != NULL && i < w->node_count; i++)
        sim_net_frame(w, n->id, i, n->byz_frame);
}

/* A proposal on the parent of an older certificate than the one the rules demand. */
static bool fork_proposal(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    const struct bft_proposal *p = &m->u.proposal;
    const struct bft_qc *old = NULL;
    for (uint32_t try = 0; try < 2 * SIM_SEEN_QCS && old == NULL; try++) {
        struct sim_frame *f = w->seen_qc[below(w, SIM_SEEN_QCS)];
        const struct bft_msg *seen = f != NULL ? sim_frame_msg(f) : NULL;
        if (seen == NULL || seen->u.proposal.qc.epoch != p->header.epoch ||
            seen->u.proposal.qc.round >= p->qc.round)
            continue;
        old = &seen->u.proposal.qc;
    }
    const struct sim_block *parent = old != NULL ? sim_block_find(&w->chain, &old->hash) : NULL;
    if (parent == NULL || old->round == 0)
        return false;
    struct bft_msg other = *m;
    struct bft_header *h = &other.u.proposal.header;
    const struct bft_header *q = &parent->header;
    other.u.proposal.qc = *old;
    other.u.proposal.attest_cert = NULL;
    h->parent = parent->hash;
    h->parent_round = q->round;
    h->height = q->height + (h->filler ? 0u : 1u);
    h->prev_hash = q->filler ? q->prev_hash : parent->hash;
    h->ts_ms = h->ts_ms > q->ts_ms ? h->ts_ms : q->ts_ms + 1;
    h->origin = q->origin;
    h->att_height = q->att_height;
    h->att_digest = q->att_digest;
    h->next_set_hash = q->next_set_hash;
    if (h->filler) {
        h->result_digest = q->result_digest;
    } else {
        const struct sim_final *f =
            h->height > TD_EXEC_LAG ? sim_final_at(&w->chain, h->height - TD_EXEC_LAG) : NULL;
        h->result_digest = f != NULL ? f->digest : w->base.genesis_result;
    }
    strip_payload(h);
    h->end_batch = false;
    reseal(w, n, &other.u.proposal);
    sim_fault_count(w, SIM_FAULT_FORKER);
    bool both = below(w, 2) == 0;
    send_split(w, n, &other, true);
    if (both)
        send_split(w, n, m, false);
    else
        send_split(w, n, &other, false);
    vote_for(w, n, &other.u.proposal, BFT_NO_PEER);
    return true;
}

/* A block where only a filler may stand. */
static bool be_greedy(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    struct bft_msg other = *m;
    struct bft_header *h = &other.u.proposal.header;
    if (!h->filler)
        return false;
    h->filler = false;
    h->height++;
    if (h->height <= h->att_height + TD_ATTEST_WINDOW || h->height % w->base.epoch_length == 1)
        return false;
    const struct sim_final *f = sim_final_at(&w->chain, h->height - TD_EXEC_LAG);
    if (f == NULL || !f->executed)
        return false;
    h->result_digest = f->digest;
    reseal(w, n, &other.u.proposal);
    sim_fault_count(w, SIM_FAULT_GREEDY);
    sim_net_send(w, n, BFT_NO_PEER, &other);
    return true;
}

static bool invent_origin(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    struct bft_msg other = *m;
    struct bft_header *h = &other.u.proposal.header;
    if (!w->base.has_l1 || h->height % TD_ORIGIN_INTERVAL != 0 || h->filler ||
        other.u.proposal.tc != NULL)
        return false;
    const struct sim_block *parent = sim_block_find(&w->chain, &h->parent);
    if (parent == NULL)
        return false;
    h->origin = parent->header.origin;
    h->origin.number += 1 + below(w, 2);
    h->origin.hash.b[0] ^= 0x5a;
    reseal(w, n, &other.u.proposal);
    sim_fault_count(w, SIM_FAULT_BADORIGIN);
    sim_net_send(w, n, BFT_NO_PEER, &other);
    return true;
}

/* ---- the two hooks */

bool sim_byz_send(struct sim_world *w, struct sim_node *n, uint32_t peer, const struct bft_msg *m)
{
    bool leads = m->kind == BFT_MSG_PROPOSAL && peer == BFT_NO_PEER;
    if (leads && sim_block_find(&w->chain, &m->u.proposal.hash) == NULL &&
        m->u.proposal.header.tx_count > 0)
        sim_block_add(&w->chain, &m->u.proposal.header, &m->u.proposal.hash);
    switch (n->byzantine) {
    case SIM_FAULT_SILENT:
        w->stats.fault[SIM_FAULT_SILENT]++;
        return true;
    case SIM_FAULT_EQUIVOCATE:
        return leads && equivocate(w, n, m);
    case SIM_FAULT_FORKER:
        if (leads && m->u.proposal.qc.round > 0 && below(w, 2) == 0)
            return fork_proposal(w, n, m);
        if (m->kind == BFT_MSG_VOTE || m->kind == BFT_MSG_COMMIT || m->kind == BFT_MSG_TIMEOUT ||
            m->kind == BFT_MSG_CERTIFICATE) { /* hides what it knows from some */
            send_split(w, n, m, true);
            return true;
        }
        return false;
    case SIM_FAULT_GREEDY:
        return leads && be_greedy(w, n, m);
    case SIM_FAULT_BADORIGIN:
        return leads && invent_origin(w, n, m);
    default:
        return false;
    }
}

/* A second replica of a key, one that forgot, one that signs behind its replica's back: none of
 * them may let that replica learn what its key signed, or the production core would stop at once.
 */
bool sim_byz_receive(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    if (n->byzantine == SIM_FAULT_LOSTGUARD)
        return false; /* honest but for the loss */
    uint16_t self = sim_signer_of(w, n->view.epoch, n->key);
    switch (m->kind) {
    case BFT_MSG_PROPOSAL:
        return m->u.proposal.header.proposer == self;
    case BFT_MSG_VOTE:
        return m->u.vote.signer == self;
    case BFT_MSG_COMMIT:
        return m->u.commit.signer == self;
    case BFT_MSG_TIMEOUT:
        return m->u.timeout.t.signer == self;
    case BFT_MSG_ATTEST:
        return m->u.attest.signer == self;
    case BFT_MSG_BATCH_ATTEST:
        return m->u.batch_attest.signer == self;
    case BFT_MSG_STATUS:
    case BFT_MSG_HELLO:
    case BFT_MSG_CERTIFICATE:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        break;
    }
    return false;
}

/* ---- acting by itself */

/* Votes, commit votes and low timeouts for whatever was proposed lately. */
static void act_doublevote(struct sim_world *w, struct sim_node *n)
{
    for (uint32_t i = 0; i < SIM_RECENT; i++) {
        const struct sim_block *b = w->recent[i];
        if (b == NULL || b->header.epoch != n->view.epoch || below(w, 2) == 0)
            continue;
        uint32_t to = below(w, 2) == 0 ? BFT_NO_PEER : (uint32_t)below(w, w->node_count);
        say_vote(w, n, to,
                 &(struct bft_vote){.epoch = b->header.epoch,
                                    .round = b->header.round,
                                    .height = b->header.height,
                                    .hash = b->hash,
                                    .signer = n->view.signer});
        say_commit(w, n, to, b->header.epoch, b->header.round, &b->hash);
    }
    if (below(w, 2) == 0)
        say_timeout(w, n, BFT_NO_PEER, n->view.epoch, n->view.round, 0);
    w->stats.fault[SIM_FAULT_DOUBLEVOTE]++;
}

static void random_hash(struct sim_world *w, struct td_hash *h)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t v = td_rng_u64(&w->byz_rng);
        memcpy(h->b + 8u * i, &v, 8);
    }
}

/* Frames that are broken, or whole but bent: a bit flipped, cut short, grown. */
static void bend_frame(struct sim_world *w, struct sim_node *n)
{
    struct sim_frame *f = w->stash[below(w, SIM_STASH)];
    static uint8_t bytes[1u << 16];
    if (f == NULL || f->len == 0 || f->len + 8 > sizeof bytes)
        return;
    size_t len = f->len;
    memcpy(bytes, f->bytes, len);
    uint64_t how = below(w, 3);
    if (how == 0)
        bytes[below(w, len)] ^= (uint8_t)(1u << below(w, 8));
    else if (how == 1)
        len = below(w, len);
    else
        bytes[len++] = (uint8_t)below(w, 256);
    struct sim_frame *bent = sim_frame_raw(&w->pool, n->id, bytes, len);
    sim_net_frame(w, n->id, (uint32_t)below(w, w->node_count), bent);
    sim_frame_drop(&w->pool, bent);
}

static void act_garbage(struct sim_world *w, struct sim_node *n)
{
    struct td_hash hash;
    random_hash(w, &hash);
    uint64_t round = n->view.round + below(w, 3);
    uint32_t to = (uint32_t)below(w, w->node_count);
    struct bft_signed s;
    memset(&s, 0, sizeof s);
    switch (below(w, 6)) {
    case 0:
        say_vote(w, n, to,
                 &(struct bft_vote){.epoch = n->view.epoch,
                                    .round = round,
                                    .height = below(w, 1000),
                                    .hash = hash,
                                    .signer = n->view.signer});
        break;
    case 1:
        say_commit(w, n, to, n->view.epoch, round, &hash);
        break;
    case 2:
        say_timeout(w, n, to, n->view.epoch, round, 0);
        break;
    case 3:
        s.kind = BFT_SIGNED_ATTEST;
        s.u.attest.fields.epoch = n->view.epoch;
        s.u.attest.fields.set_hash = w->chain.epoch[n->view.epoch].set.hash;
        s.u.attest.fields.height = n->view.final_height + below(w, 20);
        s.u.attest.fields.block_hash = hash;
        s.u.attest.signer = n->view.signer;
        say(w, n, to, &s);
        break;
    case 4:
        s.kind = BFT_SIGNED_BATCH;
        s.u.batch.epoch = n->view.epoch;
        s.u.batch.set_hash = w->chain.epoch[n->view.epoch].set.hash;
        s.u.batch.height = n->view.final_height + below(w, 20);
        s.u.batch.batch_hash = hash;
        s.u.batch.signer = n->view.signer;
        say(w, n, to, &s);
        break;
    default:
        bend_frame(w, n);
        break;
    }
    w->stats.fault[SIM_FAULT_GARBAGE]++;
}

static void act_future(struct sim_world *w, struct sim_node *n)
{
    static const uint64_t AHEAD[] = {3, 17, 1000, UINT64_C(1) << 40, UINT64_C(1) << 63};
    uint64_t round = n->view.round + AHEAD[below(w, 5)];
    struct td_hash hash;
    random_hash(w, &hash);
    say_vote(w, n, BFT_NO_PEER,
             &(struct bft_vote){.epoch = n->view.epoch,
                                .round = round,
                                .height = 5,
                                .hash = hash,
                                .signer = n->view.signer});
    say_commit(w, n, BFT_NO_PEER, n->view.epoch, round, &hash);
    say_timeout(w, n, BFT_NO_PEER, n->view.epoch, round, 0);
    w->stats.fault[SIM_FAULT_FUTURE]++;
}

static void act_replay(struct sim_world *w, struct sim_node *n)
{
    for (uint32_t i = 0; i < 4; i++) {
        struct sim_frame *f = w->stash[below(w, SIM_STASH)];
        if (f != NULL)
            sim_net_frame(w, n->id, (uint32_t)below(w, w->node_count), f);
    }
    w->stats.fault[SIM_FAULT_REPLAY]++;
}

/* Dies and comes back without its guard. */
static void act_forget(struct sim_world *w, struct sim_node *n)
{
    w->stats.fault[n->byzantine]++;
    sim_node_crash(w, n, "killed; its guard is lost");
    sim_push(w, SIM_IT_BOOT, n->id, w->now_ns + (int64_t)(1 + below(w, 5)) * SIM_SEC, 0);
}

void sim_byz_act(struct sim_world *w, struct sim_node *n)
{
    int64_t again_ns = (int64_t)(200 + below(w, 800)) * SIM_MS;
    bool member = n->view.signer != BFT_NO_SIGNER;
    switch (n->byzantine) {
    case SIM_FAULT_DOUBLEVOTE:
        if (member)
            act_doublevote(w, n);
        break;
    case SIM_FAULT_GARBAGE:
        if (member)
            act_garbage(w, n);
        break;
    case SIM_FAULT_FUTURE:
        if (member)
            act_future(w, n);
        break;
    case SIM_FAULT_REPLAY:
        act_replay(w, n);
        break;
    case SIM_FAULT_FORKER:
        n->byz_victims = td_rng_u64(&w->byz_rng);
        again_ns *= SELDOM;
        break;
    case SIM_FAULT_EQUIVOCATE:
        n->byz_victims = td_rng_u64(&w->byz_rng);
        repeat_other(w, n);
        break;
    case SIM_FAULT_BADTIME: {
        static const int64_t AHEAD_MS[] = {5000, 9500, 60000, 3600000};
        n->wall_offset_ms = AHEAD_MS[below(w, 4)];
        again_ns *= SELDOM;
        break;
    }
    case SIM_FAULT_AMNESIA:
    case SIM_FAULT_LOSTGUARD:
        if (w->now_ns > 20 * SIM_SEC && below(w, 40) == 0) {
            act_forget(w, n);
            return; /* booting arms the next one */
        }
        break;
    default:
        return;
    }
    sim_push(w, SIM_IT_BYZANTINE, n->id, w->now_ns + again_ns, 0);
}
