/* Links between nodes: delay, loss, duplication, reordering, cuts, bandwidth. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define LAN_BASE_MIN_NS (5 * SIM_MS)
#define LAN_BASE_MAX_NS (80 * SIM_MS)
#define LAN_JITTER_MAX_NS (20 * SIM_MS)
#define REORDER_EXTRA_NS (400 * SIM_MS)
#define FRAME_OVERHEAD_BYTES 60u /* TCP/IP headers and the AEAD tag */

void sim_net_init(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->node_count; a++)
        for (uint32_t b = 0; b < w->node_count; b++) {
            struct sim_link *l = sim_link_at(w, a, b);
            l->base_ns = (int64_t)td_rng_range(&w->net_rng, LAN_BASE_MIN_NS, LAN_BASE_MAX_NS);
            l->jitter_ns = (int64_t)td_rng_below(&w->net_rng, LAN_JITTER_MAX_NS);
            l->calm_base_ns = l->base_ns;
            l->calm_jitter_ns = l->jitter_ns;
        }
}

static int64_t egress_ns(struct sim_world *w, struct sim_node *from, const struct sim_link *l,
                         const struct sim_frame *f)
{
    if (l->bandwidth_bps == 0)
        return 0;
    uint64_t bits = (f->len + FRAME_OVERHEAD_BYTES) * 8u;
    int64_t takes = (int64_t)(bits * UINT64_C(1000000000) / l->bandwidth_bps);
    int64_t start = from->egress_free_ns > w->now_ns ? from->egress_free_ns : w->now_ns;
    from->egress_free_ns = start + takes;
    return from->egress_free_ns - w->now_ns;
}

static void push_frame(struct sim_world *w, uint32_t from, uint32_t to, struct sim_frame *f,
                       int64_t at_ns)
{
    sim_queue_put(&w->queue, (struct sim_item){
                                 .at_ns = at_ns,
                                 .kind = SIM_IT_DELIVER,
                                 .incarnation = w->node[to].incarnation,
                                 .node = (uint16_t)to,
                                 .from = (uint16_t)from,
                                 .u.frame = sim_frame_ref(f),
                             });
}

static bool lost(struct sim_world *w, const struct sim_link *l, uint32_t to)
{
    if (l->cut || !w->node[to].alive)
        return true;
    return l->loss_ppm > 0 && td_rng_chance_ppm(&w->net_rng, l->loss_ppm);
}

void sim_net_frame(struct sim_world *w, uint32_t from, uint32_t to, struct sim_frame *f)
{
    struct sim_link *l = sim_link_at(w, from, to);
    if (from == to || !l->up)
        return;
    w->stats.sent++;
    w->stats.bytes += f->len;
    int64_t wait = egress_ns(w, &w->node[from], l, f);
    if (lost(w, l, to)) {
        w->stats.lost++;
        return;
    }
    int64_t at = w->now_ns + wait + l->base_ns;
    if (l->jitter_ns > 0)
        at += (int64_t)td_rng_below(&w->net_rng, (uint64_t)l->jitter_ns);
    if (l->reorder_ppm > 0 && td_rng_chance_ppm(&w->net_rng, l->reorder_ppm))
        at += (int64_t)td_rng_below(&w->net_rng, (uint64_t)REORDER_EXTRA_NS);
    push_frame(w, from, to, f, at);
    if (l->dup_ppm > 0 && td_rng_chance_ppm(&w->net_rng, l->dup_ppm))
        push_frame(w, from, to, f,
                   at + (int64_t)td_rng_below(&w->net_rng, (uint64_t)REORDER_EXTRA_NS));
}

/* Signatures that leave with a message: they bind their key from now on. */
static void note_signatures(struct sim_world *w, struct sim_node *n, const struct bft_msg *m)
{
    struct bft_signed s;
    memset(&s, 0, sizeof s);
    switch (m->kind) {
    case BFT_MSG_PROPOSAL:
        s.kind = BFT_SIGNED_PROPOSE;
        s.u.propose.epoch = m->u.proposal.header.epoch;
        s.u.propose.round = m->u.proposal.header.round;
        s.u.propose.hash = m->u.proposal.hash;
        s.u.propose.signer = m->u.proposal.header.proposer;
        break;
    case BFT_MSG_VOTE:
        s.kind = BFT_SIGNED_VOTE;
        s.u.vote = m->u.vote;
        break;
    case BFT_MSG_COMMIT:
        s.kind = BFT_SIGNED_COMMIT;
        s.u.commit = m->u.commit;
        break;
    case BFT_MSG_TIMEOUT:
        s.kind = BFT_SIGNED_TIMEOUT;
        s.u.timeout = m->u.timeout.t;
        break;
    case BFT_MSG_ATTEST:
        s.kind = BFT_SIGNED_ATTEST;
        s.u.attest = m->u.attest;
        break;
    case BFT_MSG_BATCH_ATTEST:
        s.kind = BFT_SIGNED_BATCH;
        s.u.batch = m->u.batch_attest;
        break;
    case BFT_MSG_HELLO:
    case BFT_MSG_STATUS:
    case BFT_MSG_CERTIFICATE:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        return;
    }
    sim_check_sent(w, n, &s);
}

void sim_net_note_proposal(struct sim_world *w, struct sim_node *n, struct bft_proposal *p)
{
    struct sim_block *b = sim_block_add(&w->chain, &p->header, &p->hash);
    if (p->header.tx_count > 0) {
        TD_ASSERT(b->payload != NULL);
        p->tx_hashes = b->payload->tx;
    }
    if (!b->has_cert) {
        b->has_cert = true;
        b->qc_round = p->qc.round;
        b->qc_hash = p->qc.hash;
        b->has_tc = p->tc != NULL;
        if (b->has_tc) {
            b->tc_round = p->tc->round;
            for (uint32_t i = 0; i < p->tc->entry_count; i++)
                if (p->tc->entries[i].lock_round > b->tc_high)
                    b->tc_high = p->tc->entries[i].lock_round;
        }
        b->sent_ns = w->now_ns;
        w->recent[w->recent_next++ % SIM_RECENT] = b;
        if (w->on_proposal != NULL)
            w->on_proposal(w, n->id, b);
    }
}

static bool muted(const struct sim_node *n, enum bft_msg_kind kind)
{
    return n->attest_mute && (kind == BFT_MSG_ATTEST || kind == BFT_MSG_ATTEST_CERT);
}

/* Adversaries read the network: some frames are kept for them. */
static void overhear(struct sim_world *w, struct sim_frame *f, enum bft_msg_kind kind)
{
    if (w->byzantine_count == 0)
        return;
    struct sim_frame **slot = NULL;
    if (kind == BFT_MSG_PROPOSAL)
        slot = &w->seen_qc[w->seen_qc_next++ % SIM_SEEN_QCS];
    else if (f->hash % 16 == 0)
        slot = &w->stash[w->stash_next++ % SIM_STASH];
    if (slot == NULL)
        return;
    sim_frame_drop(&w->pool, *slot);
    *slot = sim_frame_ref(f);
}

void sim_net_send(struct sim_world *w, struct sim_node *n, uint32_t peer, const struct bft_msg *m)
{
    struct bft_msg copy;
    if (m->kind == BFT_MSG_PROPOSAL) {
        copy = *m;
        if (copy.u.proposal.tx_hashes == NULL)
            sim_net_note_proposal(w, n, &copy.u.proposal);
        m = &copy;
    }
    note_signatures(w, n, m);
    if (muted(n, m->kind))
        return;
    struct sim_frame *f = sim_frame_new(&w->pool, n->id, m);
    overhear(w, f, m->kind);
    if (peer != BFT_NO_PEER) {
        if (peer < w->node_count && (w->may_pass == NULL || w->may_pass(w, n->id, peer, m)))
            sim_net_frame(w, n->id, peer, f);
    } else {
        for (uint32_t to = 0; to < w->node_count; to++)
            if (to != n->id && (w->may_pass == NULL || w->may_pass(w, n->id, to, m)))
                sim_net_frame(w, n->id, to, f);
    }
    sim_frame_drop(&w->pool, f);
}

static void push_peer(struct sim_world *w, enum sim_item_kind kind, uint32_t node, uint32_t peer,
                      int64_t at_ns, uint64_t flag)
{
    sim_queue_put(&w->queue, (struct sim_item){.at_ns = at_ns,
                                               .kind = kind,
                                               .incarnation = w->node[node].incarnation,
                                               .node = (uint16_t)node,
                                               .from = (uint16_t)peer,
                                               .u.value = w->node[peer].incarnation | flag});
}

void sim_net_connect(struct sim_world *w, uint32_t a, uint32_t b, int64_t after_ns)
{
    if (a == b || !w->node[a].alive || !w->node[b].alive)
        return;
    push_peer(w, SIM_IT_PEER_UP, a, b, w->now_ns + after_ns, 0);
    push_peer(w, SIM_IT_PEER_UP, b, a, w->now_ns + after_ns, 0);
}

void sim_net_disconnect(struct sim_world *w, uint32_t a, uint32_t b, int64_t after_ns, bool by_cut)
{
    uint64_t flag = by_cut ? SIM_DOWN_BY_CUT : 0;
    if (w->node[a].alive)
        push_peer(w, SIM_IT_PEER_DOWN, a, b, w->now_ns + after_ns, flag);
    if (w->node[b].alive)
        push_peer(w, SIM_IT_PEER_DOWN, b, a, w->now_ns + after_ns, flag);
}

/* Everything the outcome of bft_verify_collect depends on beside the message. */
static uint64_t sets_key(const struct bft_sets *s)
{
    uint64_t key = s->cur->epoch * 4u + (s->prev != NULL ? 1u : 0u) + (s->next != NULL ? 2u : 0u);
    key ^= sim_hash_word(&s->cur->hash);
    if (s->next != NULL)
        key ^= td_rotl64(sim_hash_word(&s->next->hash), 7);
    return key;
}

static enum bft_verdict judge(struct sim_world *w, const struct bft_sets *sets, struct bft_msg *m)
{
    struct bft_verify_ctx ctx = {
        .domain = &w->base.domain,
        .sets = *sets,
        .genesis_hash = w->base.genesis_hash,
        .validators_max = w->base.validators_max,
    };
    uint32_t count = 0;
    enum bft_verdict v = bft_verify_collect(&ctx, m, w->checks, &count);
    for (uint32_t i = 0; v == BFT_OK && i < count; i++)
        if (!sim_keys_verify(w->keys, &w->checks[i]))
            v = BFT_BAD_SIGNATURE;
    return v;
}

enum bft_verdict sim_net_verify(struct sim_world *w, struct sim_node *n, struct sim_frame *f,
                                const struct bft_msg **m)
{
    static struct bft_msg copy; /* Status: judged, and cut down, per receiver */
    struct bft_sets sets;
    bft_sets_get(n->replica, &sets);
    if ((*m)->kind == BFT_MSG_STATUS) {
        copy = **m;
        *m = &copy;
        if (!sim_honest(w, n->id) && n->byzantine != SIM_FAULT_LOSTGUARD)
            copy.u.status.own_count = 0; /* an adversary does not stop at its own trace */
        return judge(w, &sets, &copy);
    }
    uint64_t key = sets_key(&sets);
    for (uint32_t i = 0; i < f->verify_count; i++)
        if (f->verify_key[i] == key)
            return f->verify_result[i];
    enum bft_verdict v = judge(w, &sets, &f->msg);
    if (f->verify_count < SIM_VERIFY_SLOTS) {
        f->verify_key[f->verify_count] = key;
        f->verify_result[f->verify_count++] = v;
    }
    return v;
}
