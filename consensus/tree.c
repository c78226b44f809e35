/* Unfinalized headers.  [P-13.2]
 *
 *        root (newest final block)
 *        ├── B5 ── B6 ── B7      anchored: a parent chain leads to the root
 *        └── B5'
 *        ?  ── B9               detached: certified or proposed, an ancestor is being fetched
 *
 * Invariants: anchored nodes reach the root through `parent`; a detached node is never voted for;
 * `index` holds exactly the used nodes. */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

static uint32_t bucket(const struct td_hash *hash)
{
    uint32_t v;
    memcpy(&v, hash->b, sizeof v);
    return v % BFT_INDEX_SLOTS;
}

uint32_t bft_tree_find(const struct bft_tree *t, const struct td_hash *hash)
{
    for (uint32_t i = bucket(hash);; i = (i + 1u) % BFT_INDEX_SLOTS) {
        uint32_t entry = t->index[i];
        if (entry == 0)
            return BFT_NODE_NONE;
        if (td_hash_eq(&t->node[entry - 1u].hash, hash))
            return entry - 1u;
    }
}

static void index_put(struct bft_tree *t, uint32_t node)
{
    uint32_t i = bucket(&t->node[node].hash);
    while (t->index[i] != 0)
        i = (i + 1u) % BFT_INDEX_SLOTS;
    t->index[i] = node + 1u;
}

static void index_rebuild(struct bft_tree *t)
{
    memset(t->index, 0, BFT_INDEX_SLOTS * sizeof t->index[0]);
    t->used = 0;
    t->detached = 0;
    uint32_t high = 0;
    for (uint32_t i = 0; i < t->high; i++) {
        if (!t->node[i].used)
            continue;
        index_put(t, i);
        t->used++;
        t->detached += !t->node[i].anchored;
        high = i + 1u;
    }
    t->high = high;
}

/* [P-7.4, P-9.5] What a child's checks need of its ancestors. */
void bft_chain_step(struct bft_chain_state *out, const struct bft_chain_state *before,
                    const struct bft_header *parent, const struct bft_header *h)
{
    struct bft_chain_state s = *before;
    if (!bft_origin_eq(&parent->origin, &h->origin))
        s.origin_ts = h->ts_ms;
    if (!h->filler) {
        if (s.batch_count == 0)
            s.batch_ts = h->ts_ms;
        s.batch_count = h->end_batch ? 0 : s.batch_count + 1u;
    }
    *out = s;
}

void bft_origin_ask(struct bft_replica *r, struct bft_node *n)
{
    const struct bft_header *copy = bft_export_header(r, &n->header);
    struct bft_effect *fx = copy != NULL ? bft_fx(r, BFT_FX_CHECK_ORIGIN) : NULL;
    n->origin = fx != NULL ? BFT_ORIGIN_ASKED : BFT_ORIGIN_UNASKED;
    if (fx == NULL)
        return;
    fx->u.block.header = copy;
    fx->u.block.hash = n->hash;
}

static void anchor(struct bft_replica *r, uint32_t node, uint32_t parent)
{
    struct bft_tree *t = &r->tree;
    struct bft_node *n = &t->node[node];
    const struct bft_node *p = &t->node[parent];
    n->parent = parent;
    n->anchored = true;
    bft_chain_step(&n->state, &p->state, &p->header, &n->header);
    bool same = bft_origin_eq(&p->header.origin, &n->header.origin);
    n->origin = same ? BFT_ORIGIN_SAME : BFT_ORIGIN_ASKED;
    if (!same && r->fx == NULL)
        n->origin = BFT_ORIGIN_OK; /* restored: this node had checked it before it signed */
    if (!same && r->fx != NULL && r->cfg.has_l1)
        bft_origin_ask(r, n);
    r->stepping_vote = true;
}

/* Anchor every detached node whose parent is anchored by now; repeats until nothing changes. */
static void anchor_detached(struct bft_replica *r)
{
    struct bft_tree *t = &r->tree;
    bool changed = true;
    while (changed && t->detached > 0) {
        changed = false;
        for (uint32_t i = 0; i < t->high; i++) {
            struct bft_node *n = &t->node[i];
            if (!n->used || n->anchored)
                continue;
            uint32_t p = bft_tree_find(t, &n->header.parent);
            if (p == BFT_NODE_NONE || !t->node[p].anchored)
                continue;
            anchor(r, i, p);
            t->detached--;
            changed = true;
            bft_header_added(r, i);
        }
    }
}

/* Drop the oldest leaf that neither the highest QC nor the current round needs. */
static bool evict(struct bft_replica *r)
{
    struct bft_tree *t = &r->tree;
    uint32_t keep = ++t->mark;
    for (uint32_t i = bft_tree_find(t, &r->high_qc.qc.hash); i != BFT_NODE_NONE;
         i = t->node[i].anchored && i != t->root ? t->node[i].parent : BFT_NODE_NONE)
        t->node[i].mark = keep;
    t->node[t->root].mark = keep;
    for (uint32_t i = 0; i < t->high; i++)
        if (t->node[i].used && t->node[i].anchored && i != t->root)
            t->node[t->node[i].parent].mark = keep;
    uint32_t victim = BFT_NODE_NONE;
    for (uint32_t i = 0; i < t->high; i++) {
        const struct bft_node *n = &t->node[i];
        if (!n->used || n->mark == keep || n->header.round + 1u >= r->round)
            continue;
        if (victim == BFT_NODE_NONE || n->header.round < t->node[victim].header.round)
            victim = i;
    }
    if (victim == BFT_NODE_NONE)
        return false;
    t->node[victim].used = false;
    index_rebuild(t);
    return true;
}

uint32_t bft_tree_add(struct bft_replica *r, const struct bft_header *h, const struct td_hash *hash)
{
    struct bft_tree *t = &r->tree;
    uint32_t found = bft_tree_find(t, hash);
    if (found != BFT_NODE_NONE)
        return found;
    const struct bft_node *root = &t->node[t->root];
    /* Nothing at or below the newest final block's round can descend from it. */
    if (h->epoch != r->epoch || (root->header.epoch == r->epoch && h->round <= root->header.round))
        return BFT_NODE_NONE;
    if (t->used >= BFT_NODES_MAX && !evict(r))
        return BFT_NODE_NONE;
    uint32_t i = 0;
    while (i < t->high && t->node[i].used)
        i++;
    if (i == t->high)
        t->high++;
    struct bft_node *n = &t->node[i];
    *n = (struct bft_node){.used = true, .parent = BFT_NODE_NONE, .hash = *hash, .header = *h};
    if (h->tx_count == 0)
        n->payload = BFT_PAYLOAD_OK;
    t->used++;
    index_put(t, i);
    uint32_t p = bft_tree_find(t, &h->parent);
    if (p != BFT_NODE_NONE && t->node[p].anchored) {
        anchor(r, i, p);
        bft_header_added(r, i);
        anchor_detached(r);
    } else {
        t->detached++;
    }
    return i;
}

void bft_tree_reset(struct bft_replica *r, const struct bft_header *root,
                    const struct td_hash *hash, const struct bft_chain_state *state)
{
    struct bft_tree *t = &r->tree;
    for (uint32_t i = 0; i < t->high; i++)
        t->node[i].used = false;
    t->node[0] = (struct bft_node){
        .used = true,
        .anchored = true,
        .payload = BFT_PAYLOAD_OK,
        .parent = BFT_NODE_NONE,
        .state = *state,
        .hash = *hash,
        .header = *root,
    };
    t->root = 0;
    t->high = 1;
    index_rebuild(t);
}

/* A final block that the tree does not reach becomes the root.  Headers above it stay, detached,
 * and are anchored again where they descend from it: a certified one among them may be held by no
 * other node any more. */
void bft_tree_adopt(struct bft_replica *r, const struct bft_header *root,
                    const struct td_hash *hash, const struct bft_chain_state *state)
{
    struct bft_tree *t = &r->tree;
    struct bft_header copy = *root; /* may live in a node dropped below */
    struct td_hash copy_hash = *hash;
    for (uint32_t i = 0; i < t->high; i++) {
        struct bft_node *n = &t->node[i];
        if (!n->used)
            continue;
        n->used = n->header.epoch == copy.epoch && n->header.round > copy.round;
        n->anchored = false;
        n->parent = BFT_NODE_NONE;
    }
    uint32_t at = 0;
    while (at < t->high && t->node[at].used)
        at++;
    TD_ASSERT(at < BFT_NODES_MAX);
    if (at == t->high)
        t->high++;
    t->node[at] = (struct bft_node){
        .used = true,
        .anchored = true,
        .payload = BFT_PAYLOAD_OK,
        .parent = BFT_NODE_NONE,
        .state = *state,
        .hash = copy_hash,
        .header = copy,
    };
    t->root = at;
    index_rebuild(t);
    anchor_detached(r);
}

bool bft_tree_descends(const struct bft_tree *t, uint32_t node, uint32_t ancestor)
{
    while (node != BFT_NODE_NONE && node != ancestor)
        node = t->node[node].anchored ? t->node[node].parent : BFT_NODE_NONE;
    return node == ancestor;
}

void bft_tree_reroot(struct bft_replica *r, uint32_t node)
{
    struct bft_tree *t = &r->tree;
    TD_ASSERT(t->node[node].used && t->node[node].anchored);
    uint64_t round = t->node[node].header.round;
    for (uint32_t i = 0; i < t->high; i++) {
        struct bft_node *n = &t->node[i];
        if (!n->used || i == node)
            continue;
        /* Detached headers above the new root stay: their ancestors may still arrive. */
        bool keep = n->anchored ? bft_tree_descends(t, i, node) : n->header.round > round;
        n->mark = keep ? 1u : 0u;
    }
    for (uint32_t i = 0; i < t->high; i++)
        if (t->node[i].used && i != node && t->node[i].mark == 0)
            t->node[i].used = false;
    t->mark = 1;
    t->root = node;
    t->node[node].parent = BFT_NODE_NONE;
    index_rebuild(t);
}
