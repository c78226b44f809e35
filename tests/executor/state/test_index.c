/* executor/state/index: lookups under any keys.
 * Method: entries whose hashes are chosen here, all alike (the worst an attacker can do) or random;
 * everything is found, absent keys are not, and the tree's depth stays within its bound. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/rng.h"
#include "executor/state/index.h"

#define KEYS 20000u

struct owner {
    uint8_t word[KEYS + 1u][32];
    uint32_t asked;
};

static struct exec_key key_of(const void *owner, uint32_t i)
{
    struct owner *o = (struct owner *)owner;
    o->asked++;
    return (struct exec_key){.word = o->word[i]};
}

static bool same(const void *owner, const void *key, uint32_t i)
{
    const struct owner *o = owner;
    return memcmp(o->word[i], key, 32) == 0;
}

static uint32_t find(const struct exec_index *x, uint32_t hash, const uint8_t *word)
{
    return exec_index_find(x, hash, word, (struct exec_key){.word = word}, same);
}

struct fixture {
    struct owner owner;
    struct exec_index index;
    struct td_arena arena;
};

/* Ascending keys are the worst for a tree that does not balance. */
static struct fixture *filled(uint32_t count, uint32_t (*hash)(uint32_t i))
{
    static uint8_t mem[8u << 20];
    static struct fixture f;
    td_arena_init(&f.arena, mem, sizeof mem);
    exec_index_init(&f.index, &f.owner, key_of, NULL);
    for (uint32_t i = 0; i <= KEYS; i++) {
        memset(f.owner.word[i], 0, 32);
        f.owner.word[i][30] = (uint8_t)(i >> 8);
        f.owner.word[i][31] = (uint8_t)i;
        f.owner.word[i][29] = (uint8_t)(i >> 16);
    }
    for (uint32_t i = 0; i < count; i++)
        cr_assert(exec_index_add(&f.index, &f.arena, hash(i), i));
    return &f;
}

static uint32_t alike(uint32_t i)
{
    (void)i;
    return 0xabcd1234u;
}

/* The low bits alike, which is what a table of any size it reaches looks at. */
static uint32_t low_alike(uint32_t i)
{
    return i << 20;
}

static uint32_t spread(uint32_t i)
{
    uint64_t s = i;
    return (uint32_t)td_splitmix64(&s);
}

static void all_found(uint32_t (*hash)(uint32_t i), uint32_t asked_max)
{
    struct fixture *f = filled(KEYS, hash);
    uint32_t most = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        f->owner.asked = 0;
        cr_assert_eq(find(&f->index, hash(i), f->owner.word[i]), i);
        if (f->owner.asked > most)
            most = f->owner.asked;
    }
    cr_expect_leq(most, asked_max);
    cr_expect_eq(find(&f->index, hash(KEYS), f->owner.word[KEYS]), EXEC_INDEX_NONE);
}

Test(executor_index, equal_hashes_cost_a_balanced_tree)
{
    all_found(alike, 30); /* 2 log2(20001) = 28.6 */
}

Test(executor_index, equal_low_bits_cost_a_balanced_tree)
{
    all_found(low_alike, 30);
}

Test(executor_index, spread_hashes_hardly_touch_the_tree)
{
    all_found(spread, 30);
    struct fixture *f = filled(KEYS, spread);
    cr_expect_leq(f->index.node_count, KEYS / 500u);
}

Test(executor_index, cleared_means_empty_and_reusable)
{
    struct fixture *f = filled(3000, low_alike);
    size_t used = f->arena.used;
    for (uint32_t i = 0; i < 3000; i++)
        exec_index_blank(&f->index, low_alike(i), i);
    exec_index_clear(&f->index);
    for (uint32_t i = 0; i < 3000; i++)
        cr_assert_eq(find(&f->index, low_alike(i), f->owner.word[i]), EXEC_INDEX_NONE);
    for (uint32_t i = 0; i < 3000; i++)
        cr_assert(exec_index_add(&f->index, &f->arena, low_alike(i), i));
    cr_expect_eq(f->arena.used, used);
    for (uint32_t i = 0; i < 3000; i++)
        cr_assert_eq(find(&f->index, low_alike(i), f->owner.word[i]), i);
}

Test(executor_index, a_table_outgrows_the_cells_it_was_lent)
{
    struct exec_index_cell lent[EXEC_INDEX_CELLS_LENT] = {{0, 0}};
    struct fixture *f = filled(0, spread);
    exec_index_init(&f->index, &f->owner, key_of, lent);
    for (uint32_t n = 0; n < 200; n++) {
        cr_expect_eq(f->arena.used > 0, n > EXEC_INDEX_CELLS_LENT - 1u, "%u", n);
        cr_assert_eq(find(&f->index, spread(n), f->owner.word[n]), EXEC_INDEX_NONE);
        cr_assert(exec_index_add(&f->index, &f->arena, spread(n), n));
        for (uint32_t i = 0; i <= n; i++)
            cr_assert_eq(find(&f->index, spread(i), f->owner.word[i]), i);
    }
}

Test(executor_index, a_full_arena_is_refused_and_harmless)
{
    static struct owner o;
    static uint8_t mem[EXEC_INDEX_CELLS_MIN * sizeof(struct exec_index_cell) + 64u];
    struct td_arena arena;
    struct exec_index x;
    uint32_t n = 0;
    td_arena_init(&arena, mem, sizeof mem);
    exec_index_init(&x, &o, key_of, NULL);
    for (uint32_t i = 0; i < 1000; i++)
        memcpy(o.word[i], &i, sizeof i);
    while (n < 1000 && exec_index_add(&x, &arena, spread(n), n))
        n++;
    cr_assert_geq(n, EXEC_INDEX_CELLS_MIN / 2u);
    cr_assert_lt(n, EXEC_INDEX_CELLS_MIN);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(find(&x, spread(i), o.word[i]), i);
}
