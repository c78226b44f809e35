/* executor/tree: keys, values, hashes, and batches against the naive tree.
 * Method: random batches of every mixture of reads, writes and inserts, among keys that stand close
 * together so that chains of inserts after one predecessor are common; after each the store's
 * update, the guest's pass over the multiproof and the naive tree must name the same root, and
 * every single planted lie must be refused with its own verdict. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "executor/tree/memory.h"
#include "tests/executor/tree/naive.h"

#define ARENA_BYTES (64u << 20)

static void arena_make(struct td_arena *a, size_t bytes)
{
    td_arena_init(a, malloc(bytes), bytes);
    cr_assert_not_null(a->base);
}

static bool same(const struct td_p2_digest *a, const struct td_p2_digest *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

Test(exec_tree, empty_subtrees)
{
    struct td_p2_digest d = {{{0}}};
    for (uint32_t level = 0; level <= 32; level++) {
        cr_expect(same(exec_tree_empty(level), &d), "level %u", level);
        td_p2_node(&d, TD_P2_STATE_NODE, &d, &d);
    }
}

Test(exec_tree, sentinel_alone)
{
    static struct naive n;
    struct td_p2_digest root;
    struct exec_tree_head head;
    naive_init(&n);
    naive_root(&n, &root);
    exec_tree_init(&head);
    cr_expect(same(&head.root, &root));
    cr_expect_eq(head.leaf_count, 1);
}

/* Limb i of a byte string, bit by bit. */
static uint32_t limb_of(const uint8_t *bytes, size_t len, size_t i)
{
    uint32_t x = 0;
    for (size_t bit = 0; bit < 30; bit++) {
        size_t at = 30 * i + bit;
        if (at / 8 < len)
            x |= ((uint32_t)bytes[at / 8] >> (at % 8) & 1u) << bit;
    }
    return x;
}

Test(exec_tree, keys)
{
    struct td_addr addr;
    struct exec_u256 slot = {{0x1122334455667788, 0x99AABBCCDDEEFF00, 0x0123456789ABCDEF, ~0ull}};
    struct td_kb in[15];
    struct td_p2_digest got, want;
    struct td_wei wei;
    for (unsigned i = 0; i < 20; i++)
        addr.b[i] = (uint8_t)(0x80 + 13 * i);
    for (unsigned i = 0; i < 6; i++)
        in[i].v = limb_of(addr.b, 20, i);
    memcpy(wei.limb, slot.w, sizeof wei.limb);
    td_pack30_encode(in + 6, &wei);
    exec_key_account(&got, &addr);
    td_p2_hash(&want, TD_P2_KEY, in, 6);
    cr_expect(same(&got, &want));
    exec_key_slot(&got, &addr, &slot);
    td_p2_hash(&want, TD_P2_KEY, in, 15);
    cr_expect(same(&got, &want));
    exec_slot_value(&got, &slot);
    cr_expect_eq(memcmp(got.e, in + 6, sizeof got.e), 0);
}

/* Every bit of what is hashed shows in the hash: flip each in turn. */
Test(exec_tree, keys_depend_on_every_bit)
{
    struct td_addr addr = {{0}};
    struct exec_u256 slot = {{0}};
    struct td_p2_digest first, second, base_slot, base_account;
    exec_key_account(&base_account, &addr);
    exec_key_slot(&base_slot, &addr, &slot);
    cr_expect(!same(&base_account, &base_slot), "slot 0 is not the account");
    for (unsigned bit = 0; bit < 160; bit++) {
        addr.b[bit / 8] = (uint8_t)(1u << bit % 8);
        exec_key_account(&first, &addr);
        exec_key_slot(&second, &addr, &slot);
        cr_expect(!same(&first, &base_account) && !same(&second, &base_slot), "bit %u", bit);
        addr.b[bit / 8] = 0;
    }
    for (unsigned bit = 0; bit < 256; bit++) {
        slot.w[bit / 64] = UINT64_C(1) << bit % 64;
        exec_key_slot(&second, &addr, &slot);
        cr_expect(!same(&second, &base_slot), "bit %u", bit);
        slot.w[bit / 64] = 0;
    }
}

Test(exec_tree, account_record)
{
    struct exec_account a = {.nonce = 0xF123456789ABCDEF,
                             .balance = {{1, 2, 3, 0xFFFFFFFFFFFFFFFF}},
                             .code_hash = EXEC_EMPTY_CODE_HASH,
                             .code_bytes = EXEC_TREE_CODE_BYTES_MAX,
                             .da_off = true};
    struct td_p2_digest code, got, want, other;
    struct td_kb in[30];
    struct td_rng r;
    struct td_wei wei;
    td_rng_init(&r, 3);
    random_digest(&code, &r);
    in[0].v = (uint32_t)(a.nonce & 0x3FFFFFFF);
    in[1].v = (uint32_t)(a.nonce >> 30 & 0x3FFFFFFF);
    in[2].v = (uint32_t)(a.nonce >> 60) + 16u + (a.code_bytes << 5);
    memcpy(wei.limb, a.balance.w, sizeof wei.limb);
    td_pack30_encode(in + 3, &wei);
    for (unsigned i = 0; i < 9; i++)
        in[12 + i].v = limb_of(a.code_hash.b, 32, i);
    memcpy(in + 21, code.e, sizeof code.e);
    td_p2_hash(&want, TD_P2_RECORD, in, 30);
    cr_expect_eq(exec_account_value(&got, &a, &code), TD_OK);
    cr_expect(same(&got, &want));
    a.da_off = false;
    cr_expect_eq(exec_account_value(&other, &a, &code), TD_OK);
    cr_expect(!same(&got, &other));
    for (unsigned bit = 0; bit < 64; bit++) {
        struct exec_account b = a;
        b.nonce ^= UINT64_C(1) << bit;
        cr_expect_eq(exec_account_value(&got, &b, &code), TD_OK);
        cr_expect(!same(&got, &other), "nonce bit %u", bit);
    }
    a.code_bytes++;
    cr_expect_eq(exec_account_value(&got, &a, &code), TD_E_RANGE);
}

Test(exec_tree, code_digest)
{
    static uint8_t code[1000];
    static struct td_kb in[1 + 1000 * 8 / 30 + 1];
    struct td_p2_digest got, want;
    struct td_rng r;
    td_rng_init(&r, 4);
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)td_rng_u64(&r);
    exec_code_digest(&got, td_bytes_of(NULL, 0));
    cr_expect(same(&got, &EXEC_EMPTY_CODE_DIGEST));
    for (size_t len = 0; len <= sizeof code; len += len < 300 ? 1 : 97) {
        size_t limbs = (8 * len + 29) / 30;
        in[0].v = (1u << 30) + (uint32_t)len;
        for (size_t i = 0; i < limbs; i++)
            in[1 + i].v = limb_of(code, len, i);
        td_p2_hash(&want, TD_P2_RECORD, in, limbs + 1);
        exec_code_digest(&got, td_bytes_of(code, len));
        cr_expect(same(&got, &want), "length %zu", len);
    }
}

/* ---- batches */

struct bed {
    struct td_arena keep, work;
    struct exec_tree_memory memory;
    struct exec_tree_store store;
    struct exec_tree_head head;
    struct naive naive;
    struct td_rng rng;
    struct exec_tree_access accesses[256];
    uint32_t access_count;
    struct exec_tree_batch batch;
    struct exec_tree_update update;
};

static struct bed bed;

static void bed_make(uint64_t seed)
{
    arena_make(&bed.keep, 4u << 20);
    arena_make(&bed.work, ARENA_BYTES);
    cr_assert_eq(exec_tree_memory_init(&bed.memory, NAIVE_LEAVES_MAX, &bed.keep), TD_OK);
    bed.store = exec_tree_memory_store(&bed.memory);
    exec_tree_init(&bed.head);
    naive_init(&bed.naive);
    td_rng_init(&bed.rng, seed);
}

static void bed_free(void)
{
    free(bed.keep.base);
    free(bed.work.base);
}

/* Keys differ in their first or only in their last element, so that both ends of the comparison
 * matter. */
static void random_key(struct td_p2_digest *k)
{
    static const uint32_t edges[] = {0, 1, 2, TD_KB_P - 2u, TD_KB_P - 1u};
    memset(k, 0, sizeof *k);
    k->e[0].v = td_rng_below(&bed.rng, 2) == 0 ? 7 : (uint32_t)td_rng_below(&bed.rng, TD_KB_P);
    k->e[1 + td_rng_below(&bed.rng, 8)].v = edges[td_rng_below(&bed.rng, 5)];
    k->e[8].v = 1u + (uint32_t)td_rng_below(&bed.rng, 400);
}

static bool already_there(const struct td_p2_digest *k)
{
    for (uint32_t i = 0; i < bed.access_count; i++) {
        if (same(&bed.accesses[i].key, k))
            return true;
    }
    return false;
}

static void random_accesses(uint32_t count)
{
    bed.access_count = 0;
    while (bed.access_count < count) {
        struct exec_tree_access a = {.write = td_rng_below(&bed.rng, 2) == 0};
        if (bed.naive.count > 1 && td_rng_below(&bed.rng, 2) == 0)
            a.key = bed.naive.leaves[td_rng_range(&bed.rng, 1, bed.naive.count - 1u)].key;
        else
            random_key(&a.key);
        random_digest(&a.value, &bed.rng);
        if (!already_there(&a.key))
            bed.accesses[bed.access_count++] = a;
    }
}

static void prepare_and_apply(void)
{
    td_arena_reset(&bed.work);
    cr_assert_eq(exec_tree_prepare(&bed.batch, &bed.head, bed.accesses, bed.access_count,
                                   &bed.store, &bed.work),
                 TD_OK);
    cr_assert_eq(
        exec_tree_apply(&bed.update, &bed.batch, &bed.store, &EXEC_TREE_HASHER_PLAIN, &bed.work),
        TD_OK);
}

static enum exec_tree_verdict verify(struct exec_tree_batch *b, const struct td_p2_digest *siblings,
                                     uint32_t count, struct exec_tree_head *now)
{
    struct exec_tree_change *changes;
    struct td_arena_mark mark = td_arena_mark(&bed.work);
    memset(now, 0, sizeof *now);
    enum exec_tree_verdict v = exec_tree_link(&changes, b, &bed.work);
    if (v == EXEC_TREE_OK)
        v = exec_tree_verify(now, b, changes, siblings, count, &bed.work);
    td_arena_rewind(&bed.work, mark);
    return v;
}

static void naive_take(void)
{
    for (uint32_t i = 0; i < bed.batch.access_count; i++) {
        const struct exec_tree_access *a = &bed.accesses[i];
        uint32_t at;
        cr_assert_eq(naive_find(&bed.naive, &a->key, &at), a->present);
        if (a->write && a->present)
            naive_put(&bed.naive, &a->key, &a->value);
    }
    for (uint32_t i = 0; i < bed.batch.insert_count; i++) {
        const struct exec_tree_access *a = &bed.accesses[bed.batch.inserts[i]];
        naive_put(&bed.naive, &a->key, &a->value);
    }
}

static void step(uint32_t count)
{
    struct exec_tree_head now;
    struct td_p2_digest root;
    random_accesses(count);
    prepare_and_apply();
    cr_assert_eq(verify(&bed.batch, bed.update.siblings, bed.update.sibling_count, &now),
                 EXEC_TREE_OK);
    cr_assert(same(&now.root, &bed.update.now.root));
    cr_assert_eq(now.leaf_count, bed.update.now.leaf_count);
    cr_assert_eq(exec_tree_memory_put(&bed.memory, &bed.update), TD_OK);
    naive_take();
    bed.head = now;
    naive_root(&bed.naive, &root);
    cr_assert(same(&root, &bed.head.root), "root of %u leaves", bed.naive.count);
    cr_assert_eq(bed.naive.count, bed.head.leaf_count);
    cr_assert_eq(
        memcmp(bed.memory.leaves, bed.naive.leaves, bed.naive.count * sizeof bed.naive.leaves[0]),
        0);
}

Test(exec_tree, random_batches_equal_the_naive_tree)
{
    bed_make(1);
    for (unsigned i = 0; i < 60 && bed.naive.count < 1800; i++)
        step((uint32_t)(i < 20 ? 1 + i % 3 : td_rng_range(&bed.rng, 1, 120)));
    cr_expect_gt(bed.naive.count, 700);
    bed_free();
}

static enum td_error load_copy(struct exec_tree_memory *m, struct td_arena *arena, uint32_t count)
{
    td_arena_reset(arena);
    cr_assert_eq(exec_tree_memory_init(m, NAIVE_LEAVES_MAX, arena), TD_OK);
    memcpy(m->leaves, bed.naive.leaves, bed.naive.count * sizeof m->leaves[0]);
    return exec_tree_memory_load(m, count, &EXEC_TREE_HASHER_PLAIN);
}

Test(exec_tree, leaves_alone_make_the_tree_again)
{
    struct exec_tree_memory again;
    struct td_arena arena;
    uint32_t at, found;
    bed_make(7);
    arena_make(&arena, 4u << 20);
    while (bed.naive.count < 900)
        step(100);
    uint32_t n = bed.naive.count;
    cr_assert_eq(load_copy(&again, &arena, n), TD_OK);
    cr_expect(same(exec_tree_memory_root(&again), &bed.head.root));
    const struct exec_tree_store store = exec_tree_memory_store(&again);
    for (uint32_t i = 1; i < n; i++) {
        struct td_p2_digest key = bed.naive.leaves[i].key;
        cr_assert_eq(store.find(store.self, &key, &found), TD_OK);
        cr_expect_eq(found, i);
        key.e[8].v++; /* a key of its own, or another leaf's */
        (void)naive_find(&bed.naive, &key, &at);
        cr_assert_eq(store.find(store.self, &key, &found), TD_OK);
        cr_expect_eq(found, at);
    }
    for (uint32_t level = 0; level <= EXEC_TREE_DEPTH; level++) {
        uint32_t width = (uint32_t)((uint64_t)(n - 1u) >> level) + 1u;
        cr_expect_eq(memcmp(again.nodes[level], bed.memory.nodes[level],
                            width * sizeof again.nodes[level][0]),
                     0, "level %u", level);
    }
    bed.memory = again; /* and it goes on from there */
    for (unsigned i = 0; i < 5; i++)
        step(100);
    bed_free();
    free(arena.base);
}

Test(exec_tree, leaves_that_are_no_tree_are_refused)
{
    struct exec_tree_memory again;
    struct td_arena arena;
    bed_make(8);
    arena_make(&arena, 4u << 20);
    while (bed.naive.count < 300)
        step(100);
    uint32_t n = bed.naive.count;
    struct exec_tree_leaf *leaves = bed.naive.leaves, kept = leaves[5];
    cr_expect_eq(load_copy(&again, &arena, 0), TD_E_CORRUPT);
    cr_expect_eq(load_copy(&again, &arena, NAIVE_LEAVES_MAX + 1u), TD_E_LIMIT);
    cr_expect_eq(load_copy(&again, &arena, n - 1u), TD_E_CORRUPT, "one that is named is missing");
    leaves[5].key = leaves[6].key;
    cr_expect_eq(load_copy(&again, &arena, n), TD_E_CORRUPT, "a key twice");
    leaves[5] = kept;
    leaves[5].next.e[8].v ^= 1u;
    cr_expect_eq(load_copy(&again, &arena, n), TD_E_CORRUPT, "a link that leads nowhere");
    leaves[5] = kept;
    leaves[5].value.e[3].v = TD_KB_P;
    cr_expect_eq(load_copy(&again, &arena, n), TD_E_CORRUPT, "no field element");
    leaves[5] = kept;
    leaves[0].key.e[0].v = 1;
    cr_expect_eq(load_copy(&again, &arena, n), TD_E_CORRUPT, "no sentinel");
    leaves[0].key.e[0].v = 0;
    cr_expect_eq(load_copy(&again, &arena, n), TD_OK);
    bed_free();
    free(arena.base);
}

Test(exec_tree, empty_batch)
{
    struct exec_tree_head now;
    bed_make(2);
    bed.access_count = 0;
    prepare_and_apply();
    cr_expect_eq(verify(&bed.batch, NULL, 0, &now), EXEC_TREE_OK);
    cr_expect(same(&now.root, &bed.head.root) && same(&bed.update.now.root, &bed.head.root));
    struct td_p2_digest extra = {{{0}}};
    cr_expect_eq(verify(&bed.batch, &extra, 1, &now), EXEC_TREE_EXTRA);
    bed_free();
}

/* ---- lies */

struct lie {
    struct exec_tree_batch batch;
    struct exec_tree_place places[256];
    struct exec_tree_access accesses[256];
    uint32_t inserts[256];
    struct td_p2_digest siblings[4096];
    uint32_t sibling_count;
};

static struct lie lie;

/* A fresh copy of the honest batch. */
static void lie_reset(void)
{
    lie.batch = bed.batch;
    memcpy(lie.places, bed.batch.places, bed.batch.place_count * sizeof lie.places[0]);
    memcpy(lie.accesses, bed.batch.accesses, bed.batch.access_count * sizeof lie.accesses[0]);
    memcpy(lie.inserts, bed.batch.inserts, bed.batch.insert_count * sizeof lie.inserts[0]);
    memcpy(lie.siblings, bed.update.siblings, bed.update.sibling_count * sizeof lie.siblings[0]);
    lie.sibling_count = bed.update.sibling_count;
    lie.batch.places = lie.places;
    lie.batch.accesses = lie.accesses;
    lie.batch.inserts = lie.inserts;
}

static enum exec_tree_verdict lie_told(void)
{
    struct exec_tree_head now;
    enum exec_tree_verdict v = verify(&lie.batch, lie.siblings, lie.sibling_count, &now);
    if (v != EXEC_TREE_OK)
        cr_expect(now.leaf_count == 0 && same(&now.root, exec_tree_empty(0)));
    return v;
}

static void honest_batch(uint64_t seed)
{
    bed_make(seed);
    while (bed.naive.count < 300)
        step(60);
    do {
        random_accesses(40);
        prepare_and_apply();
    } while (bed.batch.insert_count < 6);
    lie_reset();
    cr_assert_eq(lie_told(), EXEC_TREE_OK);
}

Test(exec_tree, every_word_of_the_leaves_counts)
{
    honest_batch(5);
    for (uint32_t i = 0; i < bed.batch.place_count; i++) {
        for (unsigned w = 0; w < 27; w++) {
            lie_reset();
            struct td_kb *e = (struct td_kb *)(void *)&lie.places[i].leaf + w;
            e->v = e->v == 0 ? 1 : e->v - 1u;
            cr_assert_neq(lie_told(), EXEC_TREE_OK, "place %u word %u", i, w);
            if (w >= 9 && w < 18)
                cr_assert_eq(lie_told(), EXEC_TREE_ROOT, "place %u word %u", i, w);
        }
    }
    bed_free();
}

Test(exec_tree, stale_sibling)
{
    honest_batch(6);
    for (uint32_t i = 0; i < bed.update.sibling_count; i++) {
        lie_reset();
        lie.siblings[i].e[i % 9].v ^= 1u;
        cr_assert_eq(lie_told(), EXEC_TREE_ROOT, "sibling %u", i);
        lie.siblings[i].e[i % 9].v = TD_KB_P;
        cr_assert_eq(lie_told(), EXEC_TREE_WORD, "sibling %u", i);
    }
    lie_reset();
    for (uint32_t i = 0; i + 1 < lie.sibling_count; i++) {
        struct td_p2_digest d = lie.siblings[i];
        lie.siblings[i] = lie.siblings[i + 1];
        lie.siblings[i + 1] = d;
        cr_assert_eq(lie_told(), EXEC_TREE_ROOT, "siblings %u swapped", i);
        lie_reset();
    }
    bed_free();
}

Test(exec_tree, siblings_missing_and_extra)
{
    honest_batch(7);
    for (uint32_t n = 0; n < bed.update.sibling_count; n++) {
        lie_reset();
        lie.sibling_count = n;
        cr_assert_eq(lie_told(), EXEC_TREE_MISSING, "%u siblings", n);
    }
    lie_reset();
    lie.siblings[lie.sibling_count++] = *exec_tree_empty(0);
    cr_expect_eq(lie_told(), EXEC_TREE_EXTRA);
    bed_free();
}

Test(exec_tree, places_missing_extra_and_out_of_order)
{
    honest_batch(8);
    lie.places[1] = lie.places[0];
    cr_expect_eq(lie_told(), EXEC_TREE_ORDER);
    lie_reset();
    struct exec_tree_place p = lie.places[0];
    lie.places[0] = lie.places[1];
    lie.places[1] = p;
    cr_expect_eq(lie_told(), EXEC_TREE_ORDER);
    lie_reset(); /* the last one dropped: whoever used it has none */
    lie.batch.place_count--;
    cr_expect_eq(lie_told(), EXEC_TREE_PLACE);
    lie_reset(); /* a true leaf that decides nothing */
    uint32_t last = lie.batch.place_count;
    uint32_t index = lie.places[last - 1u].index + 1u;
    cr_assert_lt(index, bed.head.leaf_count);
    lie.places[last] = (struct exec_tree_place){.index = index, .leaf = bed.naive.leaves[index]};
    lie.batch.place_count++;
    cr_expect_eq(lie_told(), EXEC_TREE_UNUSED);
    lie_reset();
    lie.places[lie.batch.place_count - 1u].index = bed.head.leaf_count;
    cr_expect_eq(lie_told(), EXEC_TREE_INDEX);
    lie_reset();
    lie.places[3].leaf.value.e[0].v += TD_KB_P;
    cr_expect_eq(lie_told(), EXEC_TREE_WORD);
    bed_free();
}

Test(exec_tree, leaf_moved_to_another_index)
{
    honest_batch(9);
    for (uint32_t i = 0; i + 1u < lie.batch.place_count; i++) {
        if (lie.places[i].index + 1u == lie.places[i + 1u].index)
            continue;
        lie_reset();
        lie.places[i].index++;
        enum exec_tree_verdict v = lie_told();
        cr_assert(v == EXEC_TREE_ROOT || v == EXEC_TREE_MISSING || v == EXEC_TREE_EXTRA,
                  "place %u: %d", i, (int)v);
    }
    bed_free();
}

Test(exec_tree, keys_not_between)
{
    honest_batch(10);
    uint32_t wrong = 0, absent = 0;
    for (uint32_t i = 0; i < lie.batch.access_count; i++) {
        lie_reset();
        absent += lie.accesses[i].present ? 0u : 1u;
        lie.accesses[i].place = (lie.accesses[i].place + 1u) % lie.batch.place_count;
        cr_assert_eq(lie_told(), EXEC_TREE_BETWEEN, "access %u", i);
        wrong++;
    }
    cr_expect(wrong == lie.batch.access_count && absent > 0);
    /* Reading the sentinel's key or the maximum as if they were somebody's. */
    lie_reset();
    lie.batch.access_count = 1;
    lie.batch.insert_count = 0;
    lie.batch.place_count = 1;
    lie.places[0] = (struct exec_tree_place){.index = 0, .leaf = bed.naive.leaves[0]};
    lie.accesses[0] = (struct exec_tree_access){.place = 0};
    cr_expect_eq(lie_told(), EXEC_TREE_BETWEEN);
    lie.accesses[0].key = lie.places[0].leaf.next;
    cr_expect_eq(lie_told(), EXEC_TREE_BETWEEN, "next itself is not between");
    bed_free();
}

Test(exec_tree, duplicate_keys)
{
    honest_batch(11);
    uint32_t n = lie.batch.access_count;
    for (uint32_t i = 0; i < n; i++) {
        lie_reset();
        if (!lie.accesses[i].present)
            continue;
        lie.accesses[lie.batch.access_count++] = lie.accesses[i];
        cr_assert_eq(lie_told(), EXEC_TREE_DUPLICATE, "access %u", i);
    }
    lie_reset(); /* one key inserted twice */
    uint32_t a = lie.inserts[2];
    lie.accesses[n] = lie.accesses[a];
    lie.batch.access_count++;
    memmove(lie.inserts + 3, lie.inserts + 2, (lie.batch.insert_count - 2u) * sizeof(uint32_t));
    lie.inserts[3] = n;
    lie.batch.insert_count++;
    cr_expect_eq(lie_told(), EXEC_TREE_DUPLICATE);
    bed_free();
}

Test(exec_tree, insert_lists_that_lie)
{
    honest_batch(12);
    uint32_t m = lie.batch.insert_count;
    lie.batch.insert_count--;
    cr_expect_eq(lie_told(), EXEC_TREE_INSERTS, "one missing");
    lie_reset();
    uint32_t swap = lie.inserts[0];
    lie.inserts[0] = lie.inserts[m - 1u];
    lie.inserts[m - 1u] = swap;
    cr_expect_eq(lie_told(), EXEC_TREE_INSERTS, "out of order");
    lie_reset();
    lie.inserts[m] = lie.inserts[m - 1u];
    lie.batch.insert_count++;
    cr_expect_eq(lie_told(), EXEC_TREE_DUPLICATE, "listed twice");
    lie_reset();
    lie.inserts[0] = lie.batch.access_count;
    cr_expect_eq(lie_told(), EXEC_TREE_INSERTS, "no such access");
    for (uint32_t i = 0; i < lie.batch.access_count; i++) {
        lie_reset();
        if (lie.accesses[i].present || !lie.accesses[i].write) {
            lie.inserts[0] = i;
            cr_assert_eq(lie_told(), EXEC_TREE_INSERTS, "access %u inserts nothing", i);
        }
    }
    bed_free();
}

/* The append position follows from the leaf count alone, so a lie about it is one about the old
 * tree: below, the position is not empty; above, siblings that exist are taken for empty, or the
 * head no longer is the committed one. */
Test(exec_tree, leaf_counts_that_lie)
{
    honest_batch(13);
    for (uint32_t less = 1; less <= 5; less++) {
        lie_reset();
        lie.batch.old.leaf_count -= less;
        enum exec_tree_verdict v = lie_told();
        cr_assert(v == EXEC_TREE_ROOT || v == EXEC_TREE_INDEX || v == EXEC_TREE_MISSING ||
                      v == EXEC_TREE_EXTRA,
                  "%u less: %d", less, (int)v);
    }
    lie_reset();
    lie.batch.old.leaf_count = 0;
    cr_expect_eq(lie_told(), EXEC_TREE_FULL);
    lie.batch.old.leaf_count = UINT32_MAX - lie.batch.insert_count + 1u;
    cr_expect_eq(lie_told(), EXEC_TREE_FULL);
    bed_free();
}

Test(exec_tree, wrong_old_root)
{
    honest_batch(14);
    lie.batch.old.root.e[8].v ^= 1u;
    cr_expect_eq(lie_told(), EXEC_TREE_ROOT);
    bed_free();
}

/* Whatever is left of the arena, the answer is the right one or EXEC_TREE_NOSPACE. */
Test(exec_tree, small_arenas)
{
    honest_batch(15);
    struct td_arena whole = bed.work;
    unsigned refused = 0, done = 0;
    for (size_t bytes = 0; bytes < 40000; bytes += 997) {
        struct exec_tree_head now;
        lie_reset();
        bed.work.cap = whole.used + bytes;
        enum exec_tree_verdict v = verify(&lie.batch, lie.siblings, lie.sibling_count, &now);
        cr_assert(v == EXEC_TREE_OK || v == EXEC_TREE_NOSPACE);
        refused += v == EXEC_TREE_NOSPACE ? 1u : 0u;
        done += v == EXEC_TREE_OK ? 1u : 0u;
    }
    cr_expect(refused > 0 && done > 0);
    bed.work = whole;
    bed_free();
}
