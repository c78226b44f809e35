/* A state tree kept whole in memory.
 *
 *     directory: first key of each block, in order ──▶ block: 64 to 128 leaves in order of key
 *
 * 1. Both are searched by halves, on the first 62 bits of a key and all of it where those are
 * equal: nobody can choose keys that make find slow.
 * 2. exec_tree_memory_put and _load are the only things that write.
 * 3. Memory that no leaf needs yet is never touched: capacity costs address space alone.
 *
 * Limits: `capacity` leaves, fixed at the start; about 205 bytes each.  A block that is full is cut
 * in two, and the directory moved: 12 bytes for each 64 leaves, once in 64 new leaves. */
#pragma once

#include "executor/tree.h"

#define EXEC_TREE_BLOCK_LEAVES 128u
struct exec_tree_block {
    uint32_t count;
    uint32_t leaf[EXEC_TREE_BLOCK_LEAVES];
    uint64_t prefix[EXEC_TREE_BLOCK_LEAVES]; /* of its key: elements 0 and 1 */
};

struct exec_tree_memory {
    uint32_t capacity, leaf_count;
    struct exec_tree_leaf *leaves;                    /* [capacity] */
    struct exec_tree_block *blocks;                   /* [block_max], in order of making */
    uint64_t *first_prefix;                           /* [block_max], in order of key */
    uint32_t *first_block;                            /* [block_max], in order of key */
    uint32_t block_count, block_max;                  /* every block but the only one has 64 */
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
