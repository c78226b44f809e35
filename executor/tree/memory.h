/* A state tree kept whole in memory: for tests, benchmarks and rebuilding from diffs.
 *
 *     buckets by the top bits of the key ──▶ smallest leaf there
 *     after[i] = leaf with the next greater key: the list that `next` describes, by number
 *
 * 1. find walks one bucket, or back over empty ones; keys are hashes, so buckets hold about one
 *    leaf each.  Somebody who searches for keys of one bucket makes it slow, never wrong: a node
 *    that serves others keeps its leaves in a database.
 * 2. exec_tree_memory_put and _load are the only things that write.
 * 3. Memory that no leaf needs yet is never touched: capacity costs address space alone.  Buckets
 *    are doubled as leaves come; the put that does it also walks all leaves (0.1 µs each).
 *
 * Limits: `capacity` leaves, fixed at the start; about 190 bytes each. */
#pragma once

#include "executor/tree.h"

struct exec_tree_memory {
    uint32_t capacity, leaf_count;
    uint32_t bucket_shift, bucket_count, bucket_max;
    struct exec_tree_leaf *leaves;                    /* [capacity] */
    uint32_t *after;                                  /* [capacity] */
    uint32_t *buckets;                                /* [bucket_max]; valid where filled */
    uint64_t *filled;                                 /* a bit per bucket that has a leaf */
    struct td_p2_digest *nodes[EXEC_TREE_DEPTH + 1u]; /* [width] */
    uint32_t width[EXEC_TREE_DEPTH + 1u];
};

/* The tree of the sentinel alone.  Arrays come from the arena.  TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error exec_tree_memory_init(struct exec_tree_memory *m, uint32_t capacity,
                                                  struct td_arena *arena);
struct exec_tree_store exec_tree_memory_store(struct exec_tree_memory *m);
/* Take over an update made from this tree.  TD_E_LIMIT, and nothing changed, beyond capacity. */
TD_MUST_CHECK enum td_error exec_tree_memory_put(struct exec_tree_memory *m,
                                                 const struct exec_tree_update *update);
/* Take over leaves[0 .. leaf_count), which the caller wrote into a fresh tree, and hash all of it
 * up.  TD_E_LIMIT, TD_E_CORRUPT (a word that is no field element, a key twice, links that are not
 * the order of keys): then the tree is of no use.  Cost: three permutations per leaf. */
TD_MUST_CHECK enum td_error exec_tree_memory_load(struct exec_tree_memory *m, uint32_t leaf_count,
                                                  const struct exec_tree_hasher *hasher);
static inline const struct td_p2_digest *exec_tree_memory_root(const struct exec_tree_memory *m)
{
    return m->nodes[EXEC_TREE_DEPTH];
}
