#include "executor/tree/memory.h"

#include "executor/tree/tree_internal.h"

static uint32_t bucket_of(const struct exec_tree_memory *m, const struct td_p2_digest *key)
{
    return key->e[0].v >> m->bucket_shift;
}

/* Few at first: each leaf lies in a bucket of its own, and with it touches a page. */
#define BUCKET_BITS_MIN 12u
#define KEY_BITS 31u
/* Nodes hashed in one go. */
#define NODE_CHUNK 64u

static bool has_leaf(const struct exec_tree_memory *m, uint32_t b)
{
    return (m->filled[b / 64u] >> b % 64u & 1u) != 0;
}

static void set_bucket(struct exec_tree_memory *m, uint32_t b, uint32_t leaf)
{
    m->buckets[b] = leaf;
    m->filled[b / 64u] |= UINT64_C(1) << b % 64u;
}

static uint32_t bits_for(uint32_t capacity)
{
    uint32_t bits = BUCKET_BITS_MIN;
    while (bits < KEY_BITS - 4u && (UINT32_C(1) << bits) < capacity)
        bits++;
    return bits;
}

static void set_bucket_bits(struct exec_tree_memory *m, uint32_t bits)
{
    m->bucket_shift = KEY_BITS - bits;
    m->bucket_count = UINT32_C(1) << bits;
    memset(m->filled, 0, m->bucket_count / 64u * sizeof m->filled[0]);
}

enum td_error exec_tree_memory_init(struct exec_tree_memory *m, uint32_t capacity,
                                    struct td_arena *arena)
{
    *m = (struct exec_tree_memory){.capacity = capacity, .leaf_count = 1};
    if (capacity == 0)
        return TD_E_NOSPACE;
    m->bucket_max = UINT32_C(1) << bits_for(capacity);
    /* Not cleared: that would touch all of it.  What is read was written, or is marked in filled.
     */
    m->leaves = td_arena_get(arena, capacity * sizeof *m->leaves, _Alignof(struct exec_tree_leaf));
    m->after = td_arena_get(arena, capacity * sizeof *m->after, _Alignof(uint32_t));
    m->buckets = td_arena_get(arena, m->bucket_max * sizeof *m->buckets, _Alignof(uint32_t));
    m->filled = td_arena_get(arena, m->bucket_max / 64u * sizeof *m->filled, _Alignof(uint64_t));
    if (m->leaves == NULL || m->after == NULL || m->buckets == NULL || m->filled == NULL)
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
    set_bucket_bits(m, BUCKET_BITS_MIN);
    m->after[0] = EXEC_TREE_NONE;
    set_bucket(m, 0, 0);
    exec_tree_sentinel(&m->leaves[0]);
    exec_tree_leaf_hash(&m->nodes[0][0], &m->leaves[0]);
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH; level++)
        td_p2_node(m->nodes[level + 1u], TD_P2_STATE_NODE, m->nodes[level], exec_tree_empty(level));
    return TD_OK;
}

/* The nearest bucket before b > 0 that has a leaf; the sentinel stands in bucket 0, so there is
 * one. 64 empty ones are one step: the first leaves of a large tree find little else. */
static uint32_t bucket_before(const struct exec_tree_memory *m, uint32_t b)
{
    uint32_t word = b / 64u;
    uint64_t bits = m->filled[word] & ((UINT64_C(1) << b % 64u) - 1u);
    while (bits == 0)
        bits = m->filled[--word];
    return word * 64u + 63u - (uint32_t)__builtin_clzll(bits);
}

static uint32_t find(const struct exec_tree_memory *m, const struct td_p2_digest *key)
{
    uint32_t b = bucket_of(m, key);
    uint32_t at = has_leaf(m, b) ? m->buckets[b] : EXEC_TREE_NONE;
    if (at == EXEC_TREE_NONE || exec_key_cmp(&m->leaves[at].key, key) > 0)
        at = m->buckets[bucket_before(m, b)];
    while (m->after[at] != EXEC_TREE_NONE && exec_key_cmp(&m->leaves[m->after[at]].key, key) <= 0)
        at = m->after[at];
    return at;
}

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

/* Sort leaf i into its bucket's own list; false: its key is there. */
static bool link_in_bucket(struct exec_tree_memory *m, uint32_t i)
{
    const struct td_p2_digest *key = &m->leaves[i].key;
    uint32_t b = bucket_of(m, key), *from = &m->buckets[b];
    if (!has_leaf(m, b)) {
        m->after[i] = EXEC_TREE_NONE;
        set_bucket(m, b, i);
        return true;
    }
    while (*from != EXEC_TREE_NONE) {
        int cmp = exec_key_cmp(&m->leaves[*from].key, key);
        if (cmp == 0)
            return false;
        if (cmp > 0)
            break;
        from = &m->after[*from];
    }
    m->after[i] = *from;
    *from = i;
    return true;
}

/* Buckets for so many leaves, and the list anew.  False: a key is there twice. */
static bool relink(struct exec_tree_memory *m)
{
    uint32_t bits = bits_for(m->leaf_count), last = EXEC_TREE_NONE;
    while ((UINT32_C(1) << bits) > m->bucket_max)
        bits--;
    set_bucket_bits(m, bits);
    for (uint32_t i = 0; i < m->leaf_count; i++) {
        if (!link_in_bucket(m, i))
            return false;
    }
    for (uint32_t b = 0; b < m->bucket_count; b++) {
        if (!has_leaf(m, b))
            continue;
        if (last != EXEC_TREE_NONE)
            m->after[last] = m->buckets[b];
        for (last = m->buckets[b]; m->after[last] != EXEC_TREE_NONE;)
            last = m->after[last];
    }
    return true;
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
        if (c->old == NULL) {
            uint32_t pred = find(m, &c->now.key);
            uint32_t b = bucket_of(m, &c->now.key);
            m->after[c->index] = m->after[pred];
            m->after[pred] = c->index;
            if (!has_leaf(m, b) || bucket_of(m, &m->leaves[pred].key) != b)
                set_bucket(m, b, c->index);
        }
        m->leaves[c->index] = c->now;
    }
    for (uint32_t i = 0; i < update->node_count; i++) {
        const struct exec_tree_node *n = &update->nodes[i];
        m->nodes[n->level][n->index] = n->digest;
    }
    m->leaf_count = update->now.leaf_count;
    if (m->leaf_count > m->bucket_count && m->bucket_count < m->bucket_max)
        (void)relink(m); /* keys of a tree that was updated differ */
    return TD_OK;
}

/* ---- loading */

static bool links_hold(const struct exec_tree_memory *m)
{
    struct exec_tree_leaf sentinel;
    exec_tree_sentinel(&sentinel);
    if (!digest_eq(&m->leaves[0].key, &sentinel.key))
        return false;
    for (uint32_t i = 0; i < m->leaf_count; i++) {
        uint32_t next = m->after[i];
        const struct td_p2_digest *key =
            next == EXEC_TREE_NONE ? &sentinel.next : &m->leaves[next].key;
        if (!digest_eq(&m->leaves[i].next, key))
            return false;
    }
    return true;
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
    if (!relink(m) || !links_hold(m))
        return TD_E_CORRUPT;
    hash_leaves(m, hasher);
    uint32_t width = leaf_count;
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH; level++) {
        hash_level(m, level, width, hasher);
        width = width / 2u + width % 2u;
    }
    return TD_OK;
}
