#include "executor/state/index.h"

#include "base/core/assert.h"

/* 2 log2(2^32 + 1) levels at most. */
#define DEPTH_MAX 66u

/* ---- the tree */

static int key_cmp(struct exec_key a, struct exec_key b)
{
    int d = a.addr != NULL ? memcmp(a.addr, b.addr, TD_ADDR_BYTES) : 0;
    if (d == 0 && a.word != NULL)
        d = memcmp(a.word, b.word, TD_HASH_BYTES);
    return d;
}

uint32_t exec_index_find_deep(const struct exec_index *x, struct exec_key key)
{
    uint32_t n = x->root;
    while (n != 0) {
        const struct exec_index_node *node = &x->nodes[n - 1u];
        int d = key_cmp(key, x->key_of(x->owner, node->entry));
        if (d == 0)
            return node->entry;
        n = node->child[d > 0];
    }
    return EXEC_INDEX_NONE;
}

/* A left child on its parent's level: rotate right. */
static uint32_t skew(struct exec_index_node *nodes, uint32_t n)
{
    uint32_t l = nodes[n - 1u].child[0];
    if (l == 0 || nodes[l - 1u].level != nodes[n - 1u].level)
        return n;
    nodes[n - 1u].child[0] = nodes[l - 1u].child[1];
    nodes[l - 1u].child[1] = n;
    return l;
}

/* Two right children in a row on one level: rotate left and raise the middle one. */
static uint32_t split(struct exec_index_node *nodes, uint32_t n)
{
    uint32_t r = nodes[n - 1u].child[1];
    uint32_t rr = r != 0 ? nodes[r - 1u].child[1] : 0;
    if (rr == 0 || nodes[rr - 1u].level != nodes[n - 1u].level)
        return n;
    nodes[n - 1u].child[1] = nodes[r - 1u].child[0];
    nodes[r - 1u].child[0] = n;
    nodes[r - 1u].level++;
    return r;
}

static bool reserve_node(struct exec_index *x, struct td_arena *arena)
{
    if (x->node_count < x->node_cap)
        return true;
    uint32_t cap = x->node_cap == 0 ? 16u : 2u * x->node_cap;
    if (cap < x->node_cap)
        return false;
    struct exec_index_node *nodes = TD_ARENA_NEW(arena, struct exec_index_node, cap);
    if (nodes == NULL)
        return false;
    if (x->node_count > 0)
        memcpy(nodes, x->nodes, x->node_count * sizeof *nodes);
    x->nodes = nodes;
    x->node_cap = cap;
    return true;
}

static bool tree_add(struct exec_index *x, struct td_arena *arena, uint32_t entry)
{
    uint32_t path[DEPTH_MAX];
    uint8_t side[DEPTH_MAX];
    uint32_t depth = 0;
    if (!reserve_node(x, arena))
        return false;
    struct exec_key key = x->key_of(x->owner, entry);
    for (uint32_t n = x->root; n != 0; depth++) {
        TD_ASSERT(depth < DEPTH_MAX);
        path[depth] = n;
        side[depth] = key_cmp(key, x->key_of(x->owner, x->nodes[n - 1u].entry)) > 0;
        n = x->nodes[n - 1u].child[side[depth]];
    }
    x->nodes[x->node_count++] = (struct exec_index_node){.entry = entry, .level = 1};
    uint32_t below = x->node_count;
    while (depth > 0) {
        depth--;
        x->nodes[path[depth] - 1u].child[side[depth]] = below;
        below = split(x->nodes, skew(x->nodes, path[depth]));
    }
    x->root = below;
    return true;
}

/* ---- the table */

/* Into the first vacant cell of the window; false when there is none. */
static bool place(struct exec_index_cell *cells, uint32_t mask, struct exec_index_cell what)
{
    uint32_t at = what.hash & mask;
    for (uint32_t step = 1; step <= EXEC_INDEX_WINDOW; step++) {
        if (cells[at].ref == 0) {
            cells[at] = what;
            return true;
        }
        at = (at + step) & mask;
    }
    return false;
}

static bool grow(struct exec_index *x, struct td_arena *arena)
{
    uint32_t old = x->cells == NULL ? 0 : x->mask + 1u;
    uint32_t cap = old < EXEC_INDEX_CELLS_MIN ? EXEC_INDEX_CELLS_MIN : 2u * old;
    if (cap < old)
        return false;
    struct exec_index_cell *cells = TD_ARENA_NEW(arena, struct exec_index_cell, cap);
    if (cells == NULL)
        return false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < old; i++) {
        if (x->cells[i].ref == 0)
            continue;
        if (place(cells, cap - 1u, x->cells[i]))
            count++;
        else if (!tree_add(x, arena, x->cells[i].ref - 1u))
            return false;
    }
    x->cells = cells;
    x->mask = cap - 1u;
    x->count = count;
    return true;
}

bool exec_index_add(struct exec_index *x, struct td_arena *arena, uint32_t hash, uint32_t i)
{
    if (x->cells == NULL || x->count >= x->mask - x->mask / 4u) {
        if (!grow(x, arena))
            return false;
    }
    struct exec_index_cell cell = {.hash = hash, .ref = i + 1u};
    if (place(x->cells, x->mask, cell)) {
        x->count++;
        return true;
    }
    return tree_add(x, arena, i);
}

void exec_index_blank(struct exec_index *x, uint32_t hash, uint32_t i)
{
    if (x->cells == NULL)
        return;
    uint32_t at = hash & x->mask;
    for (uint32_t step = 1; step <= EXEC_INDEX_WINDOW; step++) {
        if (x->cells[at].ref == i + 1u) {
            x->cells[at].ref = 0;
            return;
        }
        at = (at + step) & x->mask;
    }
}

void exec_index_clear(struct exec_index *x)
{
    x->count = 0;
    x->node_count = 0;
    x->root = 0;
}
