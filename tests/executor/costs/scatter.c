/* A tree of 0xB504F333 leaves of which only those are known that a chain's own tree has.  They are
 * moved to places all over it; every subtree without one of them has made-up digests.  To whoever
 * verifies a witness it is a tree like any other. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "executor/tree/tree_internal.h"
#include "tests/executor/costs/cost.h"

#define DEEP_LEAVES UINT32_C(0xB504F333)

struct level {
    uint32_t *index;
    struct td_p2_digest *digest;
    uint32_t count;
};

/* One at a time: tests are not threads. */
static struct {
    struct exec_tree_memory *memory;
    struct exec_tree_store plain;
    uint32_t *place; /* of the memory's leaf i */
    struct level level[EXEC_TREE_DEPTH + 1];
} deep;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void made_up(struct td_p2_digest *out, uint32_t level, uint32_t index)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        out->e[i].v =
            (uint32_t)(mix(((uint64_t)level << 40) + ((uint64_t)index << 8) + i + 1u) % TD_KB_P);
}

static const struct td_p2_digest *find(const struct level *l, uint32_t index)
{
    uint32_t low = 0, high = l->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2u;
        if (l->index[mid] < index)
            low = mid + 1u;
        else
            high = mid;
    }
    return low < l->count && l->index[low] == index ? &l->digest[low] : NULL;
}

static void node_get(struct td_p2_digest *out, uint32_t level, uint32_t index)
{
    const struct td_p2_digest *known = find(&deep.level[level], index);
    if (known != NULL)
        *out = *known;
    else if (is_empty_subtree(level, index, DEEP_LEAVES))
        *out = *exec_tree_empty(level);
    else
        made_up(out, level, index);
}

static enum td_error port_find(void *self, const struct td_p2_digest *key, uint32_t *index)
{
    (void)self;
    enum td_error err = deep.plain.find(deep.memory, key, index);
    if (err == TD_OK)
        *index = deep.place[*index];
    return err;
}

static enum td_error port_leaf(void *self, uint32_t index, struct exec_tree_leaf *out)
{
    (void)self;
    for (uint32_t i = 0; i < deep.memory->leaf_count; i++)
        if (deep.place[i] == index)
            return deep.plain.leaf(deep.memory, i, out);
    return TD_E_NOTFOUND;
}

static enum td_error port_nodes(void *self, uint32_t level, const uint32_t *indexes, uint32_t count,
                                struct td_p2_digest *out)
{
    (void)self;
    for (uint32_t i = 0; i < count; i++)
        node_get(&out[i], level, indexes[i]);
    return TD_OK;
}

static int by_place(const void *a, const void *b)
{
    uint32_t x = deep.place[*(const uint32_t *)a], y = deep.place[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

static void level_take(struct level *l, uint32_t cap)
{
    free(l->index);
    free(l->digest);
    *l = (struct level){.index = malloc(cap * sizeof *l->index),
                        .digest = malloc(cap * sizeof *l->digest)};
    TD_ASSERT(l->index != NULL && l->digest != NULL);
}

/* Parents of what is known.  The place after the last leaf is known too: new leaves go there. */
static void climb(uint32_t at)
{
    const struct level *from = &deep.level[at];
    struct level *to = &deep.level[at + 1u];
    level_take(to, from->count);
    for (uint32_t i = 0; i < from->count; i++) {
        struct td_p2_digest other;
        uint32_t index = from->index[i];
        bool both = i + 1u < from->count && from->index[i + 1u] == (index ^ 1u);
        node_get(&other, at, index ^ 1u);
        bool right = (index & 1u) != 0;
        td_p2_node(&to->digest[to->count], TD_P2_STATE_NODE, right ? &other : &from->digest[i],
                   right ? &from->digest[i] : &other);
        to->index[to->count++] = index >> 1;
        i += both;
    }
}

/* What a block does to the tree is forgotten. */
static const struct exec_tree_store STORE = {NULL, port_find, port_leaf, port_nodes};

void cost_scatter(struct chain *c)
{
    uint32_t count = c->l.tree.leaf_count;
    uint32_t *order = malloc(count * sizeof *order);
    free(deep.place);
    deep.memory = &c->l.tree;
    deep.plain = exec_tree_memory_store(&c->l.tree);
    deep.place = malloc(count * sizeof *deep.place);
    TD_ASSERT(order != NULL && deep.place != NULL);
    for (uint32_t i = 0; i < count; i++) {
        /* Different high bits for different leaves; the sentinel stays. */
        uint32_t step = DEEP_LEAVES / count;
        deep.place[i] = i == 0 ? 0 : i * step + (uint32_t)(mix(i) % step);
        order[i] = i;
    }
    /* Keys' neighbours in the tree are strangers: shuffle. */
    for (uint32_t i = count - 1u; i > 1; i--) {
        uint32_t k = 1u + (uint32_t)(mix(i + 77u) % i), kept = deep.place[i];
        deep.place[i] = deep.place[k];
        deep.place[k] = kept;
    }
    qsort(order, count, sizeof *order, by_place);
    struct level *l = &deep.level[0];
    level_take(l, count + 1u);
    for (uint32_t i = 0; i < count; i++) {
        l->index[i] = deep.place[order[i]];
        exec_tree_leaf_hash(&l->digest[i], &c->l.tree.leaves[order[i]]);
    }
    l->index[count] = DEEP_LEAVES;
    l->digest[count] = *exec_tree_empty(0);
    l->count = count + 1u;
    for (uint32_t at = 0; at < EXEC_TREE_DEPTH; at++)
        climb(at);
    free(order);
    c->l.cursor.tree_root = deep.level[EXEC_TREE_DEPTH].digest[0];
    c->l.cursor.leaf_count = DEEP_LEAVES;
    exec_batch_init(&c->l.batch, &c->l.cursor);
    c->l.store = &STORE;
}
