/* The frontier against a tree built whole, every count up to 70 and a full one; and L1's walk. */
#include "executor/messages.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/core/keccak.h"

#define N 70u

static struct td_hash leaf_of(uint32_t i)
{
    struct td_hash h;
    uint8_t payload[3] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
    exec_message_leaf(&h, 7, 3, i, &(struct td_addr){{9}}, td_bytes_of(payload, i % 4u));
    return h;
}

/* All 2^16 leaves, level by level; `level[d]` is what L1 would be shown. */
struct whole {
    struct td_hash *level[EXEC_MESSAGES_DEPTH + 1u];
};

static struct whole build(uint32_t count)
{
    struct whole w;
    for (uint32_t d = 0; d <= EXEC_MESSAGES_DEPTH; d++)
        w.level[d] = calloc(EXEC_MESSAGES_MAX >> d, sizeof(struct td_hash));
    for (uint32_t i = 0; i < count; i++)
        w.level[0][i] = leaf_of(i);
    for (uint32_t d = 0; d < EXEC_MESSAGES_DEPTH; d++)
        for (uint32_t i = 0; i < EXEC_MESSAGES_MAX >> (d + 1u); i++)
            td_keccak256(&w.level[d + 1u][i], &w.level[d][2u * i], 64);
    return w;
}

static void drop(struct whole *w)
{
    for (uint32_t d = 0; d <= EXEC_MESSAGES_DEPTH; d++)
        free(w->level[d]);
}

Test(messages, frontier_gives_the_root_of_the_whole_tree)
{
    struct exec_messages m;
    exec_messages_init(&m);
    for (uint32_t n = 0; n <= N; n++) {
        struct td_hash root;
        exec_messages_root(&root, &m);
        if (n < 6 || n % 16u < 2u || n == N) {
            struct whole w = build(n);
            cr_expect(td_hash_eq(&root, w.level[EXEC_MESSAGES_DEPTH]), "%u leaves", n);
            drop(&w);
        }
        struct td_hash leaf = leaf_of(n);
        cr_assert(exec_messages_add(&m, &leaf));
    }
}

Test(messages, a_walk_needs_the_right_leaf_index_and_path)
{
    struct whole w = build(N);
    struct td_hash path[EXEC_MESSAGES_DEPTH], root, leaf;
    for (uint32_t i = 0; i < N; i += 23u) {
        for (uint32_t d = 0; d < EXEC_MESSAGES_DEPTH; d++)
            path[d] = w.level[d][(i >> d) ^ 1u];
        leaf = leaf_of(i);
        exec_messages_walk(&root, &leaf, i, path);
        cr_expect(td_hash_eq(&root, w.level[EXEC_MESSAGES_DEPTH]));
        exec_messages_walk(&root, &leaf, i ^ 1u, path);
        cr_expect_not(td_hash_eq(&root, w.level[EXEC_MESSAGES_DEPTH]));
        path[5].b[0] ^= 1;
        exec_messages_walk(&root, &leaf, i, path);
        cr_expect_not(td_hash_eq(&root, w.level[EXEC_MESSAGES_DEPTH]));
    }
    drop(&w);
}

Test(messages, a_full_tree_refuses_and_keeps_its_root)
{
    struct exec_messages m;
    exec_messages_init(&m);
    for (uint32_t i = 0; i < EXEC_MESSAGES_MAX; i++) {
        struct td_hash leaf = leaf_of(i);
        cr_assert(exec_messages_add(&m, &leaf));
    }
    struct whole w = build(EXEC_MESSAGES_MAX);
    struct td_hash root, one_more = leaf_of(1);
    cr_expect_not(exec_messages_add(&m, &one_more));
    exec_messages_root(&root, &m);
    cr_expect(td_hash_eq(&root, w.level[EXEC_MESSAGES_DEPTH]));
    drop(&w);
}

/* Every member of a leaf counts, and a leaf is not what a node could be. */
Test(messages, leaf_binds_chain_batch_index_sender_and_payload)
{
    struct td_hash base, other;
    struct td_addr a = {{1}}, b = {{2}};
    struct td_bytes p = td_bytes_of_text("x"), q = td_bytes_of_text("y");
    exec_message_leaf(&base, 1, 2, 3, &a, p);
    const struct {
        uint64_t chain, batch, index;
        struct td_addr *sender;
        struct td_bytes payload;
    } t[] = {
        {9, 2, 3, &a, p}, {1, 9, 3, &a, p}, {1, 2, 9, &a, p}, {1, 2, 3, &b, p}, {1, 2, 3, &a, q}};
    for (uint32_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        exec_message_leaf(&other, t[i].chain, t[i].batch, t[i].index, t[i].sender, t[i].payload);
        cr_expect_not(td_hash_eq(&base, &other), "%u", i);
    }
    uint8_t words[160] = {0};
    words[31] = 1, words[63] = 2, words[95] = 3, words[108] = 1;
    struct td_hash body, inner;
    td_keccak256(&body, "x", 1);
    memcpy(words + 128, body.b, 32);
    td_keccak256(&inner, words, sizeof words);
    td_keccak256(&other, inner.b, 32);
    cr_expect(td_hash_eq(&base, &other), "double hash of abi.encode");
}
