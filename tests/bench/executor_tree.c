/* Poseidon2 by every path, and the state tree in memory at a million leaves. */
#include <stdio.h>

#include "base/core/assert.h"
#include "base/core/rng.h"
#include "base/host/poseidon2_vector.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"

#define STATES 1024u
#define BATCH 2000u

struct permuting {
    enum td_p2_path path;
    struct td_kb states[STATES][TD_P2_WIDTH];
};

static uint64_t run_permute(void *ctx, uint64_t rounds)
{
    struct permuting *p = ctx;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        td_p2_permute_many_by(p->path, p->states, STATES);
    return bench_now_ns(BENCH_CPU) - begin;
}

static void permutations(void)
{
    static struct permuting p;
    for (p.path = TD_P2_PLAIN; p.path < TD_P2_PATH_COUNT; p.path++) {
        char name[64];
        snprintf(name, sizeof name, "poseidon2 width 24, %s, permutations",
                 td_p2_path_name(p.path));
        if (td_p2_path_usable(p.path))
            bench_time_row(name, BENCH_PER_S, &(struct bench_work){run_permute, &p, STATES}, 0);
        else
            bench_note("%s: not on this processor", name);
    }
}

struct updating {
    struct ledger *l;
    struct exec_tree_hasher hasher;
    struct td_rng rng;
    bool insert; /* and forget */
    uint64_t permutations, batches;
};

static uint64_t *counter;
static void (*inner)(struct td_kb (*states)[TD_P2_WIDTH], size_t count);

static void permute_counted(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    *counter += count;
    inner(states, count);
}

static void random_digest(struct td_rng *rng, struct td_p2_digest *d)
{
    for (uint32_t k = 0; k < TD_P2_DIGEST; k++)
        d->e[k].v = (uint32_t)td_rng_below(rng, TD_KB_P);
}

static uint64_t run_updates(void *ctx, uint64_t rounds)
{
    struct updating *u = ctx;
    struct ledger *l = u->l;
    const struct exec_tree_store store = exec_tree_memory_store(&l->n.tree);
    uint64_t ns = 0;
    counter = &u->permutations;
    inner = u->hasher.permute;
    while (rounds-- > 0) {
        const struct exec_tree_hasher hasher = {permute_counted};
        const struct exec_tree_head old = {l->n.cursor.tree_root, l->n.cursor.leaf_count};
        struct exec_tree_batch batch;
        struct exec_tree_update update;
        td_arena_reset(&l->n.work);
        struct exec_tree_access *a = TD_ARENA_NEW(&l->n.work, struct exec_tree_access, BATCH);
        TD_ASSERT(a != NULL);
        /* One leaf of each of 2,000 equal parts: distinct, and anywhere. */
        uint32_t part = (LEDGER_LEAVES - l->filler_first) / BATCH;
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t leaf;
            do {
                leaf = l->filler_first + i * part + (uint32_t)td_rng_below(&u->rng, part);
            } while (l->is_users[leaf]);
            a[i].key = l->n.tree.leaves[leaf].key;
            if (u->insert)
                random_digest(&u->rng, &a[i].key);
            random_digest(&u->rng, &a[i].value);
            a[i].write = true;
        }
        uint64_t begin = bench_now_ns(BENCH_CPU);
        enum td_error err = exec_tree_prepare(&batch, &old, a, BATCH, &store, &l->n.work);
        if (err == TD_OK)
            err = exec_tree_apply(&update, &batch, &store, &hasher, &l->n.work);
        if (err == TD_OK && !u->insert)
            err = exec_tree_memory_put(&l->n.tree, &update);
        ns += bench_now_ns(BENCH_CPU) - begin;
        TD_ASSERT(err == TD_OK);
        u->batches++;
        if (!u->insert)
            l->n.cursor.tree_root = update.now.root;
    }
    return ns;
}

static void updates(const char *name, void (*permute)(struct td_kb (*)[TD_P2_WIDTH], size_t),
                    bool insert, double target)
{
    struct updating u = {.l = ledger_get(), .hasher = {permute}, .insert = insert};
    td_rng_init(&u.rng, insert ? 6 : 5);
    bench_time_row(name, BENCH_PER_S, &(struct bench_work){run_updates, &u, BATCH}, target);
    exec_batch_init(&u.l->n.batch, &u.l->n.cursor); /* the chain begins anew with this tree */
    bench_note("... permutations each: %.1f", (double)u.permutations / (double)(u.batches * BATCH));
}

void bench_exec_tree(void)
{
    bench_group("state tree in memory, 1,000,000 leaves, batches of 2,000, one core");
    permutations();
    updates("updates, best path", td_p2_permute_many, false, 150000);
    updates("updates, scalar", EXEC_TREE_HASHER_PLAIN.permute, false, 0);
    updates("inserts, best path, not stored", td_p2_permute_many, true, 0);
}
