#include "executor/tree/memory.h"

#include "executor/tree/tree_internal.h"

static uint32_t bucket_of(const struct exec_tree_memory *m, const struct td_p2_digest *key)
{
    return key->e[0].v >> m->bucket_shift;
}

enum td_error exec_tree_memory_init(struct exec_tree_memory *m, uint32_t capacity,
                                    struct td_arena *arena)
{
    *m = (struct exec_tree_memory){.capacity = capacity, .leaf_count = 1, .bucket_shift = 31};
    if (capacity == 0)
        return TD_E_NOSPACE;
    while (m->bucket_shift > 4u && (UINT32_C(1) << (31u - m->bucket_shift)) < capacity)
        m->bucket_shift--;
    m->bucket_count = UINT32_C(1) << (31u - m->bucket_shift);
    m->leaves = TD_ARENA_NEW(arena, struct exec_tree_leaf, capacity);
    m->after = TD_ARENA_NEW(arena, uint32_t, capacity);
    m->buckets = TD_ARENA_NEW(arena, uint32_t, m->bucket_count);
    m->filled = TD_ARENA_NEW(arena, uint64_t, m->bucket_count / 64u + 1u);
    if (m->leaves == NULL || m->after == NULL || m->buckets == NULL || m->filled == NULL)
        return TD_E_NOSPACE;
    uint32_t width = capacity;
    for (uint32_t level = 0; level <= EXEC_TREE_DEPTH; level++) {
        m->width[level] = width;
        m->nodes[level] = TD_ARENA_NEW(arena, struct td_p2_digest, width);
        if (m->nodes[level] == NULL)
            return TD_E_NOSPACE;
        width = width / 2u + width % 2u;
    }
    memset(m->buckets, 0xFF, m->bucket_count * sizeof m->buckets[0]);
    m->after[0] = EXEC_TREE_NONE;
    m->buckets[0] = 0;
    m->filled[0] = 1;
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
    uint32_t at = m->buckets[b];
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
            if (m->buckets[b] == EXEC_TREE_NONE || bucket_of(m, &m->leaves[pred].key) != b)
                m->buckets[b] = c->index;
            m->filled[b / 64u] |= UINT64_C(1) << b % 64u;
        }
        m->leaves[c->index] = c->now;
    }
    for (uint32_t i = 0; i < update->node_count; i++) {
        const struct exec_tree_node *n = &update->nodes[i];
        m->nodes[n->level][n->index] = n->digest;
    }
    m->leaf_count = update->now.leaf_count;
    return TD_OK;
}
