/* Shared by the files of executor/tree only. */
#pragma once

#include "base/core/memory.h"
#include "executor/tree.h"

#define EXEC_TREE_LEAF_ELEMENTS 27u

/* A leaf, and digests in a row, are nothing but elements one after the other. */
static inline const struct td_kb *leaf_elements(const struct exec_tree_leaf *leaf)
{
    return (const struct td_kb *)(const void *)leaf;
}

static inline const struct td_kb *digest_elements(const struct td_p2_digest *first)
{
    return (const struct td_kb *)(const void *)first;
}

static inline bool digest_eq(const struct td_p2_digest *a, const struct td_p2_digest *b)
{
    uint32_t differ = 0;
#pragma GCC unroll 9
    for (unsigned i = 0; i < TD_P2_DIGEST; i++)
        differ |= a->e[i].v ^ b->e[i].v;
    return differ == 0;
}

/* Are all of them field elements?  Words of a witness are not, until this said so. */
static inline bool words_are_elements(const struct td_kb *e, uint32_t count)
{
    for (; count >= TD_P2_DIGEST; count -= TD_P2_DIGEST, e += TD_P2_DIGEST) { /* mostly digests */
#pragma GCC unroll 9
        for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
            if (e[i].v >= TD_KB_P)
                return false;
        }
    }
    for (; count > 0; count--, e++) {
        if (e->v >= TD_KB_P)
            return false;
    }
    return true;
}

/* Sponges of at most two blocks that wait to be permuted together (native: exec_witness_build).
 * `out` is written by the flush, which a full queue does itself. */
#define EXEC_HASH_QUEUE_MAX 64u

struct exec_hash_queue {
    const struct exec_tree_hasher *hasher;
    uint32_t count;
    struct td_p2_digest *out[EXEC_HASH_QUEUE_MAX];
    bool two[EXEC_HASH_QUEUE_MAX];
    struct td_kb states[EXEC_HASH_QUEUE_MAX][TD_P2_WIDTH];
    struct td_kb rest[EXEC_HASH_QUEUE_MAX][TD_P2_RATE]; /* the second block, zero-padded */
};

void exec_hash_flush(struct exec_hash_queue *q);

/* exec_key_account and so on, by way of the queue unless it is NULL. */
void exec_key_account_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                         const struct td_addr *addr);
void exec_key_slot_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                      const struct td_addr *addr, const struct exec_u256 *slot);
enum td_error exec_account_value_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                                    const struct exec_account *account,
                                    const struct td_p2_digest *code_digest);

void exec_tree_leaf_hash_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                            const struct exec_tree_leaf *leaf);

/* Does the sibling at this place have no leaf below it in the new tree?  level < EXEC_TREE_DEPTH,
 * leaf_count > 0. */
static inline bool is_empty_subtree(uint32_t level, uint32_t index, uint32_t leaf_count)
{
    return index > (leaf_count - 1u) >> level;
}

/* Stable merge sort of numbers by what they stand for; `before(owner, a, b)` = a goes first.
 * tmp[count]. */
void exec_tree_sort(uint32_t *items, uint32_t *tmp, uint32_t count, const void *owner,
                    bool (*before)(const void *owner, uint32_t a, uint32_t b));
