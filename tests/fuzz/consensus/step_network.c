#include "tests/fuzz/consensus/step_network.h"

void net_executed(const struct bft_header *h, const struct td_hash *hash, struct bft_executed *out)
{
    *out = (struct bft_executed){.batch_native = h->height};
    out->result.height = h->height;
    out->result.block_hash = *hash;
    out->result.state_commitment = *hash;
    out->result.state_commitment.b[0] ^= 0x55;
    out->batch_hash = *hash;
    out->batch_hash.b[1] ^= 0x55;
}

/* The block at `height` on the chain that ends in index i. */
static const struct net_block *below(const struct net *n, const struct net_plan *p, uint32_t i,
                                     uint64_t height)
{
    while (i != 0) {
        const struct net_block *b = &p->at[i];
        if (!b->h.filler && b->h.height == height)
            return b;
        i = b->parent;
    }
    return height < NET_HEIGHTS ? n->final_at[height] : NULL;
}

static void result_for(const struct net *n, const struct net_plan *p, uint32_t parent,
                       struct bft_header *h)
{
    h->result_digest = n->genesis_result;
    if (h->height <= TD_EXEC_LAG)
        return;
    const struct net_block *b = below(n, p, parent, h->height - TD_EXEC_LAG);
    if (b == NULL)
        return;
    struct bft_executed x;
    net_executed(&b->h, &b->hash, &x);
    bft_result_digest(&h->result_digest, &x.result);
}

/* ---- certificates */

static const struct td_sig sigs[4] = {{{1}}, {{2}}, {{3}}, {{4}}};

static struct bft_bitmap three(uint8_t which)
{
    struct bft_bitmap m = {{0xFu & ~(1u << which % 4u)}};
    return m;
}

struct bft_qc net_qc(const struct net_plan *p, uint32_t i, uint8_t which)
{
    const struct net_block *b = &p->at[i];
    struct bft_qc qc = {.epoch = p->epoch, .height = b->h.height, .hash = b->hash};
    if (i == 0 && p->base_round == 0) {
        qc.genesis = p->epoch > 0 ? &p->genesis : NULL;
        return qc;
    }
    qc.round = b->h.round;
    qc.signers = three(which);
    qc.sig_count = 3;
    qc.sigs = sigs;
    return qc;
}

struct bft_qc net_commit(const struct net_plan *p, uint32_t i, uint8_t which)
{
    struct bft_qc qc = net_qc(p, i, which);
    qc.height = 0;
    return qc;
}

bool net_certified(const struct net_plan *p, uint32_t i)
{
    return i == 0 || p->at[i].certified;
}

struct bft_tc net_tc(const struct net_plan *p, uint32_t i, uint32_t high, uint8_t which)
{
    static struct bft_tc_entry entries[4];
    uint64_t lock = net_qc(p, high, 0).round;
    for (uint32_t k = 0; k < 3; k++)
        entries[k] =
            (struct bft_tc_entry){k == which % 3u || lock == 0 ? lock : lock - 1u, sigs[k]};
    return (struct bft_tc){.epoch = p->epoch,
                           .round = p->base_round + i,
                           .signers = three(which),
                           .entry_count = 3,
                           .entries = entries,
                           .high_qc = net_qc(p, high, which)};
}

struct bft_attest_fields net_attest_fields(const struct net *n, uint64_t height)
{
    const struct net_block *b = n->final_at[height];
    struct bft_executed x;
    net_executed(&b->h, &b->hash, &x);
    return (struct bft_attest_fields){.epoch = b->h.epoch,
                                      .set_hash = n->set[b->h.epoch].hash,
                                      .height = height,
                                      .block_hash = b->hash,
                                      .parent_hash = b->h.prev_hash,
                                      .state_commitment = x.result.state_commitment,
                                      .next_set_hash = b->h.next_set_hash};
}

bool net_final(const struct net *n, uint64_t height)
{
    return height > 0 && height < NET_HEIGHTS && n->final_at[height] != NULL;
}

struct bft_attest_cert net_attest_cert(const struct net *n, uint64_t height, uint8_t which)
{
    return (struct bft_attest_cert){.fields = net_attest_fields(n, height),
                                    .signers = three(which),
                                    .sig_count = 3,
                                    .sigs = sigs};
}

static void fill_block(const struct net *n, struct net_plan *p, uint32_t i, uint32_t parent,
                       uint8_t how)
{
    struct net_block *b = &p->at[i];
    const struct net_block *up = &p->at[parent];
    struct bft_header *h = &b->h;
    uint64_t last = (p->epoch + 1u) * NET_EPOCH_BLOCKS;
    bool from_base = parent == 0 && p->base_round == 0;
    *h = (struct bft_header){.epoch = p->epoch, .round = p->base_round + i};
    b->parent = parent;
    h->filler = (how & 4u) != 0 || up->h.height >= last || up->h.height >= up->h.att_height + 12u;
    h->height = up->h.height + (h->filler ? 0u : 1u);
    h->proposer = bft_leaders_at(&p->leaders, h->round);
    h->parent = up->hash;
    h->parent_round = from_base ? 0 : up->h.round;
    h->prev_hash = up->h.filler ? up->h.prev_hash : up->hash;
    h->ts_ms = up->h.ts_ms + 1000u;
    h->origin = up->h.origin;
    h->att_height = up->h.att_height;
    h->att_digest = up->h.att_digest;
    if (from_base && p->epoch > 0) {
        h->att_height = up->h.height;
        bft_attest_digest(&h->att_digest, &p->genesis.fields);
    }
    if (h->filler) {
        h->result_digest = up->h.result_digest;
        if (!from_base)
            h->next_set_hash = up->h.next_set_hash;
    } else {
        result_for(n, p, parent, h);
        if (h->height + TD_ATTEST_WINDOW >= last)
            h->next_set_hash = n->set[p->epoch + 1u].hash;
        h->end_batch = h->height % 10u == 0 || h->height == last;
        if ((how & 8u) != 0) {
            h->tx_count = 1;
            h->payload_bytes = 50;
            h->payload_root.b[0] = 1;
        }
    }
    if (h->parent_round + 1u != h->round) {
        struct bft_tc tc = net_tc(p, i - 1u, parent, 0);
        bft_tc_hash(&h->tc_hash, &tc);
    }
    bft_header_hash(&b->hash, h);
}

/* A block is decided by the start, its place and all that its parent's hash binds.  Most scripts
 * lay down what an earlier one did, and hashing was half of their time. */
struct memo {
    const struct net_plan *plan;
    uint64_t start;
    uint32_t i, parent;
    uint8_t how;
    struct td_hash up;
    struct net_block made;
};

static void make_block(const struct net *n, struct net_plan *p, uint32_t i, uint32_t parent,
                       uint8_t how)
{
    static struct memo memo[1u << 14];
    const struct net_block *up = &p->at[parent];
    uint32_t at = (uint32_t)up->hash.b[1] << 8 | up->hash.b[2];
    struct memo *m = &memo[(at ^ i * 977u ^ how * 131u ^ (uint32_t)n->start * 8191u) % (1u << 14)];
    struct net_block *b = &p->at[i];
    if (m->plan != p || m->start != n->start || m->i != i || m->parent != parent || m->how != how ||
        !td_hash_eq(&m->up, &up->hash)) {
        fill_block(n, p, i, parent, how);
        *m = (struct memo){p, n->start, i, parent, how, up->hash, *b};
        return;
    }
    b->h = m->made.h;
    b->hash = m->made.hash;
    b->parent = parent;
}

/* Adds block i, if it may be certified, to the growing chain. */
static void place(struct net_plan *p, uint32_t i, uint8_t how, uint32_t *floor, uint32_t *tip)
{
    struct net_block *b = &p->at[i];
    b->certified = (how & 3u) != 3u && b->exists && b->parent >= *floor;
    b->committed = b->certified && (how & 0x80u) == 0;
    if (!b->certified)
        return;
    /* Two certificates in a row make the parent final; commit votes the block itself. */
    if (b->parent != 0 && b->parent + 1u == i && b->parent > *floor)
        *floor = b->parent;
    if (b->committed)
        *floor = i;
    *tip = i;
}

void net_lay_down(struct net *n, struct net_plan *p, const uint8_t *script)
{
    uint32_t floor = 0, tip = 0;
    for (uint32_t i = 1; i <= NET_ROUNDS; i++) {
        uint8_t how = script[i - 1u];
        struct net_block *b = &p->at[i];
        uint32_t parent = tip;
        if ((how & 0x40u) != 0 && tip != floor && p->at[tip].parent >= floor)
            parent = p->at[tip].parent;
        if (!b->own) {
            make_block(n, p, i, parent, how & 0x0Cu);
            b->exists = b->h.proposer != n->self;
        }
        place(p, i, how, &floor, &tip);
    }
    for (uint64_t h = p->at[0].h.height + 1u; h < NET_HEIGHTS; h++)
        n->final_at[h] = NULL;
    for (uint32_t i = floor; i != 0; i = p->at[i].parent)
        if (!p->at[i].h.filler && p->at[i].h.height < NET_HEIGHTS)
            n->final_at[p->at[i].h.height] = &p->at[i];
}

void net_own_block(struct net *n, struct net_plan *p, const struct bft_header *h,
                   const uint8_t *script)
{
    uint64_t i = h->round - p->base_round, parent = i;
    if (h->epoch != p->epoch || h->round <= p->base_round || i > NET_ROUNDS)
        return;
    while (parent-- > 0)
        if (net_certified(p, (uint32_t)parent) && td_hash_eq(&p->at[parent].hash, &h->parent))
            break;
    if (parent > i) /* wrapped: stands on something else */
        return;
    p->at[i] = (struct net_block){.exists = true, .own = true, .parent = (uint32_t)parent, .h = *h};
    bft_header_hash(&p->at[i].hash, h);
    net_lay_down(n, p, script);
}
