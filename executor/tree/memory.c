#include "executor/tree/memory.h"

#include "executor/tree/tree_internal.h"

#define BLOCK_HALF (EXEC_TREE_BLOCK_LEAVES / 2u)
/* Nodes hashed in one go. */
#define NODE_CHUNK 64u

/* ---- the order of keys */

/* In the order of exec_key_cmp as far as it goes. */
static uint64_t prefix_of(const struct td_p2_digest *key)
{
    return (uint64_t)key->e[0].v << 32 | key->e[1].v;
}

/* Does this leaf's key come after `key`? */
static bool is_after(const struct exec_tree_memory *m, uint64_t leaf_prefix, uint32_t leaf,
                     uint64_t prefix, const struct td_p2_digest *key)
{
    if (leaf_prefix != prefix)
        return leaf_prefix > prefix;
    return exec_key_cmp(&m->leaves[leaf].key, key) > 0;
}

/* Place in the directory of the block that holds the last key <= *key; the sentinel's is first. */
static uint32_t find_block(const struct exec_tree_memory *m, uint64_t prefix,
                           const struct td_p2_digest *key)
{
    uint32_t low = 0, high = m->block_count;
    while (high - low > 1u) {
        uint32_t mid = low + (high - low) / 2u;
        uint32_t leaf = m->blocks[m->first_block[mid]].leaf[0];
        if (is_after(m, m->first_prefix[mid], leaf, prefix, key))
            high = mid;
        else
            low = mid;
    }
    return low;
}

static uint32_t find_in(const struct exec_tree_memory *m, const struct exec_tree_block *b,
                        uint64_t prefix, const struct td_p2_digest *key)
{
    uint32_t low = 0, high = b->count;
    while (high - low > 1u) {
        uint32_t mid = low + (high - low) / 2u;
        if (is_after(m, b->prefix[mid], b->leaf[mid], prefix, key))
            high = mid;
        else
            low = mid;
    }
    return low;
}

static uint32_t find(const struct exec_tree_memory *m, const struct td_p2_digest *key)
{
    uint64_t prefix = prefix_of(key);
    const struct exec_tree_block *b = &m->blocks[m->first_block[find_block(m, prefix, key)]];
    return b->leaf[find_in(m, b, prefix, key)];
}

/* Upper half of a full block into a new one, which stands behind it. */
static void split(struct exec_tree_memory *m, uint32_t place)
{
    struct exec_tree_block *b = &m->blocks[m->first_block[place]];
    uint32_t made = m->block_count++, behind = made - place - 1u;
    struct exec_tree_block *upper = &m->blocks[made];
    upper->count = b->count = BLOCK_HALF;
    memcpy(upper->leaf, b->leaf + BLOCK_HALF, BLOCK_HALF * sizeof b->leaf[0]);
    memcpy(upper->prefix, b->prefix + BLOCK_HALF, BLOCK_HALF * sizeof b->prefix[0]);
    memmove(m->first_block + place + 2u, m->first_block + place + 1u,
            behind * sizeof m->first_block[0]);
    memmove(m->first_prefix + place + 2u, m->first_prefix + place + 1u,
            behind * sizeof m->first_prefix[0]);
    m->first_block[place + 1u] = made;
    m->first_prefix[place + 1u] = upper->prefix[0];
}

/* Leaf `leaf`, which is written, into the order; false: its key is there. */
static bool add(struct exec_tree_memory *m, uint32_t leaf)
{
    const struct td_p2_digest *key = &m->leaves[leaf].key;
    uint64_t prefix = prefix_of(key);
    uint32_t place = find_block(m, prefix, key);
    struct exec_tree_block *b = &m->blocks[m->first_block[place]];
    uint32_t at = find_in(m, b, prefix, key);
    if (digest_eq(&m->leaves[b->leaf[at]].key, key))
        return false;
    if (b->count == EXEC_TREE_BLOCK_LEAVES) {
        split(m, place);
        if (at >= BLOCK_HALF) {
            b = &m->blocks[m->first_block[place + 1u]];
            at -= BLOCK_HALF;
        }
    }
    at++;
    memmove(b->leaf + at + 1u, b->leaf + at, (b->count - at) * sizeof b->leaf[0]);
    memmove(b->prefix + at + 1u, b->prefix + at, (b->count - at) * sizeof b->prefix[0]);
    b->leaf[at] = leaf;
    b->prefix[at] = prefix;
    b->count++;
    return true;
}

/* The sentinel alone; it stays the first of the first block. */
static void begin_order(struct exec_tree_memory *m)
{
    m->block_count = 1;
    m->first_block[0] = 0;
    m->first_prefix[0] = 0;
    m->blocks[0].count = 1;
    m->blocks[0].leaf[0] = 0;
    m->blocks[0].prefix[0] = 0;
}

/* ---- life */

enum td_error exec_tree_memory_init(struct exec_tree_memory *m, uint32_t capacity,
                                    struct td_arena *arena)
{
    *m = (struct exec_tree_memory){.capacity = capacity, .leaf_count = 1};
    if (capacity == 0)
        return TD_E_NOSPACE;
    m->block_max = capacity / BLOCK_HALF + 1u;
    /* Not cleared: that would touch all of it.  What is read was written. */
    m->leaves =
        td_arena_get(arena, (size_t)capacity * sizeof *m->leaves, _Alignof(struct exec_tree_leaf));
    m->blocks = td_arena_get(arena, m->block_max * sizeof *m->blocks, _Alignof(uint64_t));
    m->first_prefix = td_arena_get(arena, m->block_max * sizeof *m->first_prefix, 8);
    m->first_block = td_arena_get(arena, m->block_max * sizeof *m->first_block, 4);
    if (m->leaves == NULL || m->blocks == NULL || m->first_prefix == NULL || m->first_block == NULL)
        return TD_E_NOSPACE;
    uint32_t width = capacity;
    for (uint32_t level = 0; level <= EXEC_TREE_DEPTH; level++) {
        m->width[level] = width;
        m->nodes[level] =
            td_arena_get(arena, width * sizeof(struct td_p2_digest), _Alignof(struct td_p2_digest));
        if (m->nodes[level] == NULL)
            return TD_E_NOSPACE;
        width = width / 2u + width % 2u;
    }
    begin_order(m);
    exec_tree_sentinel(&m->leaves[0]);
    exec_tree_leaf_hash(&m->nodes[0][0], &m->leaves[0]);
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH; level++)
        td_p2_node(m->nodes[level + 1u], TD_P2_STATE_NODE, m->nodes[level], exec_tree_empty(level));
    return TD_OK;
}

/* ---- as a store */

static enum td_error port_find(void *self, const struct td_p2_digest *key, uint32_t *index)
{
    *index = find(self, key);
    return TD_OK;
}

static enum td_error port_leaf(void *self, uint32_t index, struct exec_tree_leaf *out)
{
    const struct exec_tree_memory *m = self;
    if (index >= m->leaf_count)
        return TD_E_NOTFOUND;
    *out = m->leaves[index];
    return TD_OK;
}

static enum td_error port_nodes(void *self, uint32_t level, const uint32_t *indexes, uint32_t count,
                                struct td_p2_digest *out)
{
    const struct exec_tree_memory *m = self;
    for (uint32_t i = 0; i < count; i++) {
        if (level > EXEC_TREE_DEPTH || ((uint64_t)indexes[i] << level) >= m->leaf_count)
            return TD_E_NOTFOUND;
        out[i] = m->nodes[level][indexes[i]];
    }
    return TD_OK;
}

struct exec_tree_store exec_tree_memory_store(struct exec_tree_memory *m)
{
    return (struct exec_tree_store){
        .self = m, .find = port_find, .leaf = port_leaf, .nodes = port_nodes};
}

enum td_error exec_tree_memory_put(struct exec_tree_memory *m,
                                   const struct exec_tree_update *update)
{
    if (update->now.leaf_count > m->capacity)
        return TD_E_LIMIT;
    for (uint32_t i = 0; i < update->change_count; i++) {
        const struct exec_tree_change *c = &update->changes[i];
        if (!c->written)
            continue;
        m->leaves[c->index] = c->now;
        if (c->old == NULL)
            (void)add(m, c->index); /* an update of this tree inserts absent keys only */
    }
    for (uint32_t i = 0; i < update->node_count; i++) {
        const struct exec_tree_node *n = &update->nodes[i];
        m->nodes[n->level][n->index] = n->digest;
    }
    m->leaf_count = update->now.leaf_count;
    return TD_OK;
}

/* ---- loading */

static bool links_hold(const struct exec_tree_memory *m)
{
    struct exec_tree_leaf sentinel;
    exec_tree_sentinel(&sentinel);
    const struct td_p2_digest *named = &sentinel.key; /* by the leaf before */
    for (uint32_t place = 0; place < m->block_count; place++) {
        const struct exec_tree_block *b = &m->blocks[m->first_block[place]];
        for (uint32_t i = 0; i < b->count; i++) {
            const struct exec_tree_leaf *leaf = &m->leaves[b->leaf[i]];
            if (!digest_eq(&leaf->key, named))
                return false;
            named = &leaf->next;
        }
    }
    return digest_eq(named, &sentinel.next);
}

static void hash_leaves(struct exec_tree_memory *m, const struct exec_tree_hasher *hasher)
{
    struct exec_hash_queue queue;
    queue.hasher = hasher;
    queue.count = 0;
    for (uint32_t i = 0; i < m->leaf_count; i++)
        exec_tree_leaf_hash_by(&queue, &m->nodes[0][i], &m->leaves[i]);
    exec_hash_flush(&queue);
}

/* The nodes above `width` nodes of a level. */
static void hash_level(struct exec_tree_memory *m, uint32_t level, uint32_t width,
                       const struct exec_tree_hasher *hasher)
{
    struct td_kb states[NODE_CHUNK][TD_P2_WIDTH];
    const struct td_p2_digest *below = m->nodes[level];
    uint32_t above = width / 2u + width % 2u;
    for (uint32_t at = 0; at < above; at += NODE_CHUNK) {
        uint32_t count = above - at < NODE_CHUNK ? above - at : NODE_CHUNK;
        memset(states, 0, sizeof states);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t left = 2u * (at + i);
            const struct td_p2_digest *right =
                left + 1u < width ? &below[left + 1u] : exec_tree_empty(level);
            memcpy(states[i], below[left].e, sizeof below[left].e);
            memcpy(states[i] + TD_P2_DIGEST, right->e, sizeof right->e);
            states[i][2u * TD_P2_DIGEST].v = (uint32_t)TD_P2_STATE_NODE;
        }
        hasher->permute(states, count);
        for (uint32_t i = 0; i < count; i++)
            memcpy(m->nodes[level + 1u][at + i].e, states[i], sizeof below->e);
    }
}

enum td_error exec_tree_memory_load(struct exec_tree_memory *m, uint32_t leaf_count,
                                    const struct exec_tree_hasher *hasher)
{
    if (leaf_count > m->capacity)
        return TD_E_LIMIT;
    if (leaf_count == 0)
        return TD_E_CORRUPT;
    for (uint32_t i = 0; i < leaf_count; i++) {
        if (!words_are_elements(leaf_elements(&m->leaves[i]), EXEC_TREE_LEAF_ELEMENTS))
            return TD_E_CORRUPT;
    }
    m->leaf_count = leaf_count;
    begin_order(m);
    for (uint32_t i = 1; i < leaf_count; i++) {
        if (!add(m, i))
            return TD_E_CORRUPT;
    }
    if (!links_hold(m))
        return TD_E_CORRUPT;
    hash_leaves(m, hasher);
    uint32_t width = leaf_count;
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH; level++) {
        hash_level(m, level, width, hasher);
        width = width / 2u + width % 2u;
    }
    return TD_OK;
}
