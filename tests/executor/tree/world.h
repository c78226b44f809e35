/* A small chain for witness tests: a flat database, its state tree, a follower that sees nothing
 * but diffs, and blocks of random state changes that replay exactly from their seed. */
#pragma once

#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "executor/tree/diff.h"
#include "executor/tree/memory.h"
#include "executor/witness.h"

#define WORLD_LEAVES_MAX 4096u
#define WORLD_ACCOUNTS 24u
#define WORLD_SLOTS 16u
#define WORLD_CODES_MAX 512u
#define WORLD_ARENA_BYTES (48u << 20)

struct world_code {
    struct td_hash hash;
    uint8_t bytes[400];
    size_t len;
};

struct world {
    struct td_arena keep, work, replay;
    /* the database */
    struct exec_account accounts[WORLD_ACCOUNTS];
    struct exec_u256 slots[WORLD_ACCOUNTS][WORLD_SLOTS];
    struct world_code codes[WORLD_CODES_MAX];
    uint32_t code_count;
    /* its tree, and the follower's */
    struct exec_tree_memory memory, follower;
    struct exec_tree_store store, follower_store;
    struct exec_tree_head head;
    struct exec_diff_record records[WORLD_LEAVES_MAX];
};

static inline struct td_addr world_addr(uint32_t i)
{
    struct td_addr a = {{0}};
    a.b[0] = (uint8_t)(i * 37u);
    a.b[19] = (uint8_t)i;
    return a;
}

static inline struct exec_u256 world_slot(uint32_t i)
{
    return (struct exec_u256){{i, 0, 0, (uint64_t)i << 60}};
}

/* ---- the database as a reader */

static inline enum td_error world_read_account(void *self, const struct td_addr *addr,
                                               struct exec_account *out)
{
    *out = ((struct world *)self)->accounts[addr->b[19]];
    return TD_OK;
}

static inline enum td_error world_read_slot(void *self, const struct td_addr *addr,
                                            const struct exec_u256 *slot, struct exec_u256 *out)
{
    *out = ((struct world *)self)->slots[addr->b[19]][slot->w[0]];
    return TD_OK;
}

static inline const struct world_code *world_find_code(const struct world *w,
                                                       const struct td_hash *h)
{
    for (uint32_t i = 0; i < w->code_count; i++) {
        if (td_hash_eq(&w->codes[i].hash, h))
            return &w->codes[i];
    }
    return NULL;
}

static inline enum td_error world_read_code(void *self, const struct td_hash *h,
                                            struct td_bytes *out)
{
    const struct world_code *c = world_find_code(self, h);
    if (c == NULL)
        return TD_E_NOTFOUND;
    *out = td_bytes_of(c->bytes, c->len);
    return TD_OK;
}

static inline enum td_error world_code_digest(void *self, const struct td_hash *h,
                                              struct td_p2_digest *out)
{
    const struct world_code *c = world_find_code(self, h);
    if (c == NULL)
        return TD_E_NOTFOUND;
    exec_code_digest(out, td_bytes_of(c->bytes, c->len));
    return TD_OK;
}

static inline void world_add_code(struct world *w, struct td_bytes code)
{
    struct td_hash h;
    td_keccak256(&h, code.ptr, code.len);
    if (code.len == 0 || world_find_code(w, &h) != NULL)
        return;
    TD_ASSERT(w->code_count < WORLD_CODES_MAX);
    TD_ASSERT(code.len <= sizeof w->codes[0].bytes);
    struct world_code *c = &w->codes[w->code_count++];
    c->hash = h;
    c->len = code.len;
    memcpy(c->bytes, code.ptr, code.len);
}

/* ---- life */

static inline enum td_error world_record(void *self, uint32_t index, struct exec_diff_record *out)
{
    *out = ((struct world *)self)->records[index];
    return TD_OK;
}

static inline void world_make_arena(struct td_arena *a, size_t bytes)
{
    td_arena_init(a, malloc(bytes), bytes);
    TD_ASSERT(a->base != NULL);
}

/* Genesis: four accounts with code, every second one with its data off chain; no chain of blocks
 * could set that mark yet. */
static inline void world_genesis(struct world *w)
{
    struct exec_tree_access accesses[4];
    struct exec_tree_batch batch;
    struct exec_tree_update update;
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t bytes[40] = {(uint8_t)(i + 1u)};
        struct td_bytes code = td_bytes_of(bytes, 10u * (i + 1u));
        struct exec_account *a = &w->accounts[i];
        struct td_p2_digest digest;
        struct td_addr addr = world_addr(i);
        world_add_code(w, code);
        td_keccak256(&a->code_hash, code.ptr, code.len);
        exec_code_digest(&digest, code);
        a->nonce = 1;
        a->code_bytes = (uint32_t)code.len;
        a->da_off = i % 2u == 1u;
        accesses[i] = (struct exec_tree_access){.write = true};
        exec_key_account(&accesses[i].key, &addr);
        TD_ASSERT(exec_account_value(&accesses[i].value, a, &digest) == TD_OK);
    }
    TD_ASSERT(exec_tree_prepare(&batch, &w->head, accesses, 4, &w->store, &w->work) == TD_OK);
    TD_ASSERT(exec_tree_apply(&update, &batch, &w->store, &EXEC_TREE_HASHER_PLAIN, &w->work) ==
              TD_OK);
    TD_ASSERT(exec_tree_memory_put(&w->memory, &update) == TD_OK);
    TD_ASSERT(exec_tree_memory_put(&w->follower, &update) == TD_OK);
    w->head = update.now;
    for (uint32_t i = 0; i < 4; i++) {
        struct exec_diff_record *r = &w->records[1u + i];
        const struct exec_account *a = &w->accounts[batch.inserts[i]];
        *r = (struct exec_diff_record){.is_account = true, .account = *a};
        TD_ASSERT(world_code_digest(w, &a->code_hash, &r->code_digest) == TD_OK);
    }
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    TD_ASSERT(w != NULL);
    world_make_arena(&w->keep, 8u << 20);
    world_make_arena(&w->work, WORLD_ARENA_BYTES);
    world_make_arena(&w->replay, WORLD_ARENA_BYTES);
    for (uint32_t i = 0; i < WORLD_ACCOUNTS; i++)
        w->accounts[i].code_hash = EXEC_EMPTY_CODE_HASH;
    TD_ASSERT(exec_tree_memory_init(&w->memory, WORLD_LEAVES_MAX, &w->keep) == TD_OK);
    TD_ASSERT(exec_tree_memory_init(&w->follower, WORLD_LEAVES_MAX, &w->keep) == TD_OK);
    w->store = exec_tree_memory_store(&w->memory);
    w->follower_store = exec_tree_memory_store(&w->follower);
    exec_tree_init(&w->head);
    world_genesis(w);
    return w;
}

static inline void world_free(struct world *w)
{
    free(w->keep.base);
    free(w->work.base);
    free(w->replay.base);
    free(w);
}

/* ---- a block */

static inline void world_storage(struct exec_state *s, struct td_rng *r, const struct td_addr *a)
{
    struct exec_u256 slot = world_slot((uint32_t)td_rng_below(r, WORLD_SLOTS)), v;
    struct exec_slot_view view;
    exec_state_sload(s, a, &slot, &view);
    switch (td_rng_below(r, 5)) {
    case 0:
        v = (struct exec_u256){{0}};
        break;
    case 1:
        v = (struct exec_u256){{td_rng_u64(r), td_rng_u64(r), td_rng_u64(r), td_rng_u64(r)}};
        break;
    case 2:
        v = view.now;
        v.w[0] += td_rng_below(r, 1000);
        break;
    case 3:
        v = view.now;
        v.w[0] -= td_rng_below(r, 3);
        break;
    default:
        return;
    }
    exec_state_sstore(s, a, &slot, &v);
}

static inline void world_code(struct exec_state *s, struct td_rng *r, const struct td_addr *a)
{
    uint8_t code[400];
    size_t len = td_rng_below(r, 4) == 0 ? 0 : (size_t)td_rng_below(r, sizeof code);
    for (size_t i = 0; i < len; i++)
        code[i] = (uint8_t)td_rng_u64(r);
    if (td_rng_below(r, 3) == 0) { /* the code of a genesis account, perhaps never read */
        memset(code, 0, sizeof code);
        code[0] = (uint8_t)td_rng_range(r, 1, 4);
        len = 10u * code[0];
    }
    exec_state_set_code(s, a, td_bytes_of(code, len));
}

static inline void world_operation(struct exec_state *s, struct td_rng *r)
{
    struct td_addr a = world_addr((uint32_t)td_rng_below(r, WORLD_ACCOUNTS));
    struct td_addr b = world_addr((uint32_t)td_rng_below(r, WORLD_ACCOUNTS));
    struct exec_u256 wei = exec_u256_of(td_rng_below(r, UINT64_C(1) << 40));
    switch (td_rng_below(r, 10)) {
    case 0:
        (void)exec_state_get(s, &a);
        break;
    case 1:
        (void)exec_state_code(s, &a);
        break;
    case 2:
        (void)exec_state_add_balance(s, &a, &wei);
        break;
    case 3:
        (void)exec_state_sub_balance(s, &a, &wei);
        break;
    case 4:
        exec_state_set_nonce(s, &a, exec_state_get(s, &a)->nonce + 1u);
        break;
    case 5:
        world_code(s, r, &a);
        break;
    case 6:
        exec_state_create(s, &a);
        break;
    case 7:
        exec_state_destroy(s, &a, &b);
        break;
    default:
        world_storage(s, r, &a);
        break;
    }
}

/* Everything the block does, `operations` of them in transactions of eight, some reverted. */
static inline struct exec_state *world_block(struct td_arena *arena,
                                             const struct exec_reader *reader, uint64_t seed,
                                             uint32_t operations)
{
    struct td_rng r;
    void *region = td_arena_get(arena, exec_state_footprint(), 16);
    TD_ASSERT(region != NULL);
    struct exec_state *s = exec_state_init(region, arena, reader);
    td_rng_init(&r, seed);
    for (uint32_t i = 0; i < operations;) {
        exec_state_tx_begin(s);
        struct exec_mark mark = exec_state_mark(s);
        for (uint32_t n = 0; n < 8 && i < operations; n++, i++) {
            world_operation(s, &r);
            if (n == 4 && td_rng_below(&r, 4) == 0)
                exec_state_revert(s, mark);
        }
        exec_state_tx_end(s);
    }
    return s;
}

static inline enum td_error world_build(struct world *w, uint64_t seed, uint32_t operations,
                                        struct td_bytes input, struct exec_witness_built *out,
                                        struct exec_state **state)
{
    struct exec_reader reader = {
        .self = w, .account = world_read_account, .slot = world_read_slot, .code = world_read_code};
    struct exec_witness_source source = {.tree = &w->store,
                                         .hasher = &EXEC_TREE_HASHER_PLAIN,
                                         .self = w,
                                         .code_digest = world_code_digest};
    td_arena_reset(&w->work);
    *state = world_block(&w->work, &reader, seed, operations);
    return exec_witness_build(out, *state, &w->head, &source, input, &w->work);
}

/* The guest's side: the same block over nothing but the words. */
static inline enum td_error world_replay(struct world *w, const uint32_t *words, size_t count,
                                         uint64_t seed, uint32_t operations,
                                         struct exec_witness *witness, struct exec_tree_head *now,
                                         struct exec_diffs *diffs)
{
    td_arena_reset(&w->replay);
    enum td_error err = exec_witness_open(witness, words, count);
    if (err != TD_OK)
        return err;
    struct exec_reader reader = exec_witness_reader(witness);
    struct exec_state *s = world_block(&w->replay, &reader, seed, operations);
    return exec_witness_finish(witness, s, &w->head, &w->replay, now, diffs);
}

/* Database and tree take over what the block did. */
static inline void world_take(struct world *w, const struct exec_state *s,
                              const struct exec_witness_built *built)
{
    for (uint32_t i = 0; i < exec_state_account_count(s); i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        w->accounts[a->addr.b[19]] = a->now;
    }
    for (uint32_t i = 0; i < exec_state_slot_count(s); i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        w->slots[x->addr.b[19]][x->slot.w[0]] = x->now;
    }
    for (uint32_t i = 0; i < exec_state_code_count(s); i++)
        world_add_code(w, exec_state_code_at(s, i)->bytes);
    TD_ASSERT(exec_tree_memory_put(&w->memory, &built->update) == TD_OK);
    w->head = built->update.now;
}
