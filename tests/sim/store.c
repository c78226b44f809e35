/* What the shell answers from its block store, and what it asks for: blocks, payloads, sets. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define FETCH_RETRY_NS (250 * SIM_MS)

/* Scratch of one answer. */
static struct bft_header headers[BFT_BLOCKS_HEADERS_MAX];
static struct td_bytes views[BFT_BLOCKS_HEADERS_MAX];

static bool provable(const struct sim_final *f)
{
    return f->proof != NULL || f->attest != NULL;
}

/* The end of an answer: the greatest provable height in [from, want], else the next one above,
 * within the node's final height and the epoch of `from`.  0 = none. */
static uint64_t answer_end(const struct sim_world *w, const struct sim_node *n, uint64_t from,
                           uint64_t want)
{
    uint64_t top = n->disk.live.final_height;
    uint64_t epoch = w->chain.final[from].block->header.epoch;
    uint64_t last = (epoch + 1) * w->base.epoch_length;
    if (top > last)
        top = last;
    if (top > from + BFT_BLOCKS_HEADERS_MAX - 1)
        top = from + BFT_BLOCKS_HEADERS_MAX - 1;
    for (uint64_t h = want < top ? want : top; h >= from; h--)
        if (provable(&w->chain.final[h]))
            return h;
    for (uint64_t h = want + 1; h <= top; h++)
        if (provable(&w->chain.final[h]))
            return h;
    return 0;
}

/* Whoever asks for an epoch's first block may lack what lets it enter that epoch. */
static void send_hand_off(struct sim_world *w, struct sim_node *n, uint32_t to, uint64_t from)
{
    const struct sim_final *f = sim_final_at(&w->chain, from - 1);
    if (f != NULL && f->attest != NULL && (from - 1) % w->base.epoch_length == 0)
        sim_net_send(w, n, to, sim_frame_msg(f->attest));
}

static void answer_blocks(struct sim_world *w, struct sim_node *n, uint32_t to,
                          const struct bft_get_blocks *q)
{
    struct bft_msg m;
    m.kind = BFT_MSG_BLOCKS;
    memset(&m.u.blocks, 0, sizeof m.u.blocks);
    m.u.blocks.from = q->from;
    uint64_t end = 0;
    if (q->from >= 1 && q->from <= n->disk.live.final_height)
        end = answer_end(w, n, q->from, q->from + q->count - 1);
    if (end != 0) {
        send_hand_off(w, n, to, q->from);
        uint32_t count = 0;
        for (uint64_t h = q->from; h <= end; h++, count++) {
            const struct sim_block *b = w->chain.final[h].block;
            headers[count] = b->header;
            views[count] = td_bytes_of(NULL, 0);
            if (b->payload != NULL)
                views[count] = td_bytes_of(b->payload->tx, b->payload->count * TD_HASH_BYTES);
        }
        m.u.blocks.header_count = m.u.blocks.payload_count = count;
        m.u.blocks.headers = headers;
        m.u.blocks.payloads = views;
        const struct sim_final *f = &w->chain.final[end];
        if (f->attest != NULL)
            m.u.blocks.proof = (struct bft_proof){
                .kind = BFT_PROOF_ATTEST, .attest = &sim_frame_msg(f->attest)->u.attest_cert};
        else
            m.u.blocks.proof = sim_frame_msg(f->proof)->u.certificate.proof;
    }
    sim_net_send(w, n, to, &m);
}

/* ---- objects by hash: payloads and sets; headers and certificates are the core's */

static void send_object(struct sim_world *w, struct sim_node *n, uint32_t to,
                        enum bft_object_kind kind, struct td_bytes object)
{
    struct bft_msg m;
    m.kind = BFT_MSG_BY_HASH;
    m.u.by_hash = (struct bft_by_hash){.kind = kind, .object_count = 1, .objects = &object};
    sim_net_send(w, n, to, &m);
}

static void answer_by_hash(struct sim_world *w, struct sim_node *n, uint32_t to,
                           const struct bft_get_by_hash *q)
{
    static uint8_t set_bytes[BFT_SET_BYTES_MAX];
    if (q->kind == BFT_OBJECT_SET) {
        for (uint32_t i = 0; i < w->chain.l1_sets; i++)
            if (td_hash_eq(&w->chain.l1_set_hash[i], &q->hashes[0])) {
                size_t len = bft_set_encode(set_bytes, sizeof set_bytes, &w->chain.l1_set[i]);
                send_object(w, n, to, BFT_OBJECT_SET, td_bytes_of(set_bytes, len));
                return;
            }
        return;
    }
    const struct sim_payload *p = sim_payload_find(&w->chain, &q->hashes[0]);
    if (p == NULL || !sim_bit_has(p->holds, n->id) || (p->withheld && p->author == n->id))
        return;
    send_object(w, n, to, BFT_OBJECT_PAYLOAD, td_bytes_of(p->tx, p->count * TD_HASH_BYTES));
}

static void set_arrived(struct sim_world *w, struct sim_node *n, struct td_bytes object)
{
    static struct bft_set set;
    struct bft_event ev = {.kind = BFT_EV_SET_KNOWN, .peer = BFT_NO_PEER};
    if (bft_set_decode(&set, n->view.epoch + 1, object.ptr, object.len, w->base.validators_max) !=
        TD_OK)
        return;
    bft_set_registry_hash(&ev.u.set_known.registry_hash, &set);
    ev.u.set_known.set = &set;
    sim_node_step(w, n, &ev);
}

static void object_arrived(struct sim_world *w, struct sim_node *n, const struct bft_by_hash *m)
{
    if (m->object_count == 0)
        return;
    struct td_bytes object = m->objects[0];
    if (m->kind == BFT_OBJECT_SET) {
        set_arrived(w, n, object);
        return;
    }
    if (object.len == 0 || object.len % TD_HASH_BYTES != 0 ||
        object.len > SIM_TXS_MAX * TD_HASH_BYTES)
        return;
    struct td_hash tx[SIM_TXS_MAX], root;
    uint32_t count = (uint32_t)(object.len / TD_HASH_BYTES);
    memcpy(tx, object.ptr, object.len);
    bft_payload_root(&root, tx, tx, count);
    struct sim_payload *p = sim_payload_find(&w->chain, &root);
    if (p != NULL)
        sim_payload_arrived(w, n, p);
}

bool sim_store_serve(struct sim_world *w, struct sim_node *n, uint32_t from,
                     const struct bft_msg *m)
{
    if (m->kind == BFT_MSG_GET_BLOCKS) {
        answer_blocks(w, n, from, &m->u.get_blocks);
        return true;
    }
    bool asks = m->kind == BFT_MSG_GET_BY_HASH;
    if (asks &&
        (m->u.get_by_hash.kind == BFT_OBJECT_PAYLOAD || m->u.get_by_hash.kind == BFT_OBJECT_SET)) {
        answer_by_hash(w, n, from, &m->u.get_by_hash);
        return true;
    }
    bool answers = m->kind == BFT_MSG_BY_HASH;
    if (answers &&
        (m->u.by_hash.kind == BFT_OBJECT_PAYLOAD || m->u.by_hash.kind == BFT_OBJECT_SET)) {
        object_arrived(w, n, &m->u.by_hash);
        return true;
    }
    return false;
}

/* A connected peer, the next in turn; BFT_NO_PEER when alone. */
static uint32_t next_peer(struct sim_world *w, struct sim_node *n)
{
    for (uint32_t i = 0; i < w->node_count; i++) {
        uint32_t peer = (n->id + 1 + n->fetch_turn++) % w->node_count;
        if (peer != n->id && sim_link_at(w, n->id, peer)->up)
            return peer;
    }
    return BFT_NO_PEER;
}

static void ask(struct sim_world *w, struct sim_node *n, uint32_t peer, enum bft_object_kind kind,
                const struct td_hash *hash)
{
    if (peer == BFT_NO_PEER)
        peer = next_peer(w, n);
    if (peer == BFT_NO_PEER)
        return;
    struct bft_msg m;
    m.kind = BFT_MSG_GET_BY_HASH;
    m.u.get_by_hash = (struct bft_get_by_hash){.kind = kind, .hash_count = 1, .hashes = hash};
    sim_net_send(w, n, peer, &m);
}

void sim_fetch_payloads(struct sim_world *w, struct sim_node *n)
{
    /* What became held some other way needs no question, only the news. */
    for (uint32_t i = 0; i < n->waiting_count; i++)
        if (sim_block_held(n->waiting[i], n->id)) {
            sim_payload_arrived(w, n, n->waiting[i]->payload);
            break;
        }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->waiting_count; i++) {
        const struct sim_block *b = n->waiting[i];
        const struct bft_header *h = &b->header;
        bool needed = h->height > n->disk.live.executed_height;
        bool recent = h->epoch == n->view.epoch && h->round + 8 >= n->view.round;
        const struct sim_final *f = sim_final_at(&w->chain, h->height);
        if (!needed || (!recent && (f == NULL || f->block != b)))
            continue;
        n->waiting[kept++] = b;
    }
    n->waiting_count = kept;
    for (uint32_t i = 0; i < n->waiting_count && i < 4; i++)
        ask(w, n, BFT_NO_PEER, BFT_OBJECT_PAYLOAD, &n->waiting[i]->header.payload_root);
    if (n->waiting_count > 0 && n->alive) {
        n->fetch_armed = true;
        sim_push(w, SIM_IT_FETCH, n->id, w->now_ns + FETCH_RETRY_NS, 0);
    }
    sim_exec_next(w, n);
}

void sim_fetch_object(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    ask(w, n, fx->peer, fx->u.fetch.kind, &fx->u.fetch.hash);
}
