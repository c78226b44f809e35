/* A state tree without cleverness, to hold the real one against: all leaves in an array,
 * predecessor by looking at every one, root by hashing everything up from the bottom. */
#pragma once

#include "base/core/rng.h"
#include "executor/tree.h"

#define NAIVE_LEAVES_MAX 2048u

struct naive {
    struct exec_tree_leaf leaves[NAIVE_LEAVES_MAX];
    uint32_t count;
};

static inline void naive_init(struct naive *n)
{
    memset(n, 0, sizeof *n);
    for (unsigned i = 0; i < 9; i++)
        n->leaves[0].next.e[i].v = TD_KB_P - 1u;
    n->count = 1;
}

static inline int naive_cmp(const struct td_p2_digest *a, const struct td_p2_digest *b)
{
    for (unsigned i = 0; i < 9; i++) {
        if (a->e[i].v < b->e[i].v)
            return -1;
        if (a->e[i].v > b->e[i].v)
            return 1;
    }
    return 0;
}

static inline bool naive_find(const struct naive *n, const struct td_p2_digest *key,
                              uint32_t *index)
{
    *index = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        if (naive_cmp(&n->leaves[i].key, key) <= 0 &&
            naive_cmp(&n->leaves[i].key, &n->leaves[*index].key) >= 0)
            *index = i;
    }
    return naive_cmp(&n->leaves[*index].key, key) == 0;
}

/* Sets or appends. */
static inline void naive_put(struct naive *n, const struct td_p2_digest *key,
                             const struct td_p2_digest *value)
{
    uint32_t at;
    if (naive_find(n, key, &at)) {
        n->leaves[at].value = *value;
        return;
    }
    n->leaves[n->count] =
        (struct exec_tree_leaf){.key = *key, .value = *value, .next = n->leaves[at].next};
    n->leaves[at].next = *key;
    n->count++;
}

static inline void naive_root(const struct naive *n, struct td_p2_digest *root)
{
    static struct td_p2_digest level[NAIVE_LEAVES_MAX + 1u];
    struct td_p2_digest empty = {{{0}}};
    uint32_t width = n->count;
    for (uint32_t i = 0; i < width; i++) {
        struct td_kb in[27];
        memcpy(in, n->leaves[i].key.e, 36);
        memcpy(in + 9, n->leaves[i].value.e, 36);
        memcpy(in + 18, n->leaves[i].next.e, 36);
        td_p2_hash(&level[i], TD_P2_STATE_LEAF, in, 27);
    }
    for (unsigned d = 0; d < 32; d++) {
        if (width % 2u != 0)
            level[width++] = empty;
        width /= 2u;
        for (uint32_t i = 0; i < width; i++)
            td_p2_node(&level[i], TD_P2_STATE_NODE, &level[2u * i], &level[2u * i + 1u]);
        td_p2_node(&empty, TD_P2_STATE_NODE, &empty, &empty);
    }
    *root = level[0];
}

static inline void random_digest(struct td_p2_digest *out, struct td_rng *r)
{
    for (unsigned i = 0; i < 9; i++)
        out->e[i].v = (uint32_t)td_rng_below(r, TD_KB_P);
}
