/* executor/witness and diffs: random blocks natively, over their witness, and from their diffs.
 * Method: each block runs three times: over the database (which builds the witness), over the
 * witness alone (the guest's way), and as diffs into a tree that saw nothing else; heads, diffs and
 * leaves must agree.  Then every single word of a witness is changed in turn: nothing may pass. */
#include <criterion/criterion.h>

#include "tests/executor/tree/world.h"

#define OPERATIONS 60u

static struct world *world;
static uint32_t off_entries; /* slots that went to the committee */

static void setup(void)
{
    world = world_new();
}

static void teardown(void)
{
    world_free(world);
}

TestSuite(exec_witness, .init = setup, .fini = teardown);

static bool same_head(const struct exec_tree_head *a, const struct exec_tree_head *b)
{
    return a->leaf_count == b->leaf_count && td_p2_digest_eq(&a->root, &b->root);
}

/* Whose leaf is it?  Keys of everything there is, made once. */
static uint32_t owner_of(const struct td_p2_digest *key)
{
    static struct td_p2_digest keys[WORLD_ACCOUNTS][WORLD_SLOTS + 1u];
    static bool made;
    for (uint32_t i = 0; !made && i < WORLD_ACCOUNTS; i++) {
        struct td_addr addr = world_addr(i);
        exec_key_account(&keys[i][WORLD_SLOTS], &addr);
        for (uint32_t j = 0; j < WORLD_SLOTS; j++) {
            struct exec_u256 slot = world_slot(j);
            exec_key_slot(&keys[i][j], &addr, &slot);
        }
    }
    made = true;
    for (uint32_t i = 0; i < WORLD_ACCOUNTS; i++) {
        for (uint32_t j = 0; j <= WORLD_SLOTS; j++) {
            if (td_p2_digest_eq(&keys[i][j], key))
                return i;
        }
    }
    cr_assert_fail("a key of nobody");
    return 0;
}

/* An account's data go to the committee when its mark says so; its slots go with it, but only if
 * the block looked at the account. */
static void check_domains(const struct exec_diff_applied *x, const struct exec_state *s)
{
    for (uint32_t i = 0; i < x->entry_count; i++) {
        uint32_t owner = owner_of(&world->memory.leaves[x->entries[i].index].key);
        bool off = false;
        for (uint32_t a = 0; a < exec_state_account_count(s); a++) {
            const struct exec_state_account *e = exec_state_account_at(s, a);
            off |= e->addr.b[19] == owner && e->now.da_off;
        }
        cr_assert_eq(x->entries[i].off, off, "entry %u of account %u", i, owner);
        off_entries += off && !x->entries[i].now.is_account ? 1u : 0u;
    }
}

static void follow(const struct exec_state *state, const struct exec_diffs *diffs,
                   const struct exec_tree_head *old)
{
    struct exec_diff_base base = {.self = world, .record = world_record};
    struct exec_diff_applied x;
    cr_assert_eq(exec_diff_apply(&x, old, diffs->on, diffs->off, &world->follower_store, &base,
                                 &EXEC_TREE_HASHER_PLAIN, &world->replay),
                 TD_OK);
    cr_assert_eq(exec_tree_memory_put(&world->follower, &x.update), TD_OK);
    check_domains(&x, state);
    for (uint32_t i = 0; i < x.entry_count; i++)
        world->records[x.entries[i].index] = x.entries[i].now;
    cr_assert(same_head(&x.update.now, &world->head));
    cr_assert_eq(memcmp(world->follower.leaves, world->memory.leaves,
                        world->head.leaf_count * sizeof world->memory.leaves[0]),
                 0);
}

static void one_block(uint64_t seed, uint32_t operations)
{
    struct exec_witness_built built;
    struct exec_witness w;
    struct exec_tree_head now, old = world->head;
    struct exec_diffs diffs;
    struct exec_state *state;
    struct td_bytes input = td_bytes_of("what the guest is told", 22);
    cr_assert_eq(world_build(world, seed, operations, input, &built, &state), TD_OK);
    enum td_error err =
        world_replay(world, built.words, built.word_count, seed, operations, &w, &now, &diffs);
    cr_assert_eq(err, TD_OK, "seed %llu: error %d, fault %d at %u, tree %d",
                 (unsigned long long)seed, (int)err, (int)w.fault, w.fault_at, (int)w.tree_verdict);
    cr_assert(same_head(&now, &built.update.now));
    cr_assert(td_bytes_eq(diffs.on, built.diffs.on) && td_bytes_eq(diffs.off, built.diffs.off));
    cr_assert(td_bytes_eq(w.input, input));
    world_take(world, state, &built);
    follow(state, &built.diffs, &old);
}

Test(exec_witness, random_blocks_agree_three_ways)
{
    for (uint64_t seed = 1; seed <= 150; seed++)
        one_block(seed, (uint32_t)(seed % 90));
    cr_expect_gt(world->head.leaf_count, 250);
    cr_expect_gt(off_entries, 10);
}

/* Account records and slot values are what the database holds, not merely the same everywhere. */
Test(exec_witness, leaves_say_what_the_database_says)
{
    uint32_t accounts = 0, slots = 0;
    for (uint64_t seed = 1; seed <= 30; seed++)
        one_block(seed, OPERATIONS);
    for (uint32_t i = 0; i < WORLD_ACCOUNTS; i++) {
        struct td_p2_digest key, value, digest = EXEC_EMPTY_CODE_DIGEST;
        struct td_addr addr = world_addr(i);
        uint32_t at;
        exec_key_account(&key, &addr);
        cr_assert_eq(world->store.find(&world->memory, &key, &at), TD_OK);
        if (exec_key_cmp(&world->memory.leaves[at].key, &key) == 0) {
            const struct exec_account *a = &world->accounts[i];
            if (!td_hash_eq(&a->code_hash, &EXEC_EMPTY_CODE_HASH))
                cr_assert_eq(world_code_digest(world, &a->code_hash, &digest), TD_OK);
            cr_assert_eq(exec_account_value(&value, a, &digest), TD_OK);
            cr_expect(td_p2_digest_eq(&value, &world->memory.leaves[at].value), "account %u", i);
            accounts++;
        }
        for (uint32_t j = 0; j < WORLD_SLOTS; j++) {
            struct exec_u256 slot = world_slot(j);
            exec_key_slot(&key, &addr, &slot);
            cr_assert_eq(world->store.find(&world->memory, &key, &at), TD_OK);
            bool there = exec_key_cmp(&world->memory.leaves[at].key, &key) == 0;
            cr_expect(there || exec_u256_is_zero(&world->slots[i][j]), "slot %u of %u", j, i);
            exec_slot_value(&value, &world->slots[i][j]);
            cr_expect(!there || td_p2_digest_eq(&value, &world->memory.leaves[at].value),
                      "slot %u of %u", j, i);
            slots += there ? 1u : 0u;
        }
    }
    cr_expect(accounts > 15 && slots > 50);
}

/* ---- lies */

struct lie {
    struct exec_witness_built built;
    uint32_t *words;
    uint64_t seed;
    struct exec_witness w;
};

static struct lie lie;

static void honest(void)
{
    struct exec_state *state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        one_block(seed, OPERATIONS);
    for (lie.seed = 100;; lie.seed++) { /* one with something in every section */
        cr_assert_eq(
            world_build(world, lie.seed, OPERATIONS, td_bytes_of("abc", 3), &lie.built, &state),
            TD_OK);
        const uint32_t *count = lie.built.words + 6;
        if (count[2 * EXEC_WITNESS_CODES] > 1 && count[2 * EXEC_WITNESS_INSERTS] > 2)
            break;
    }
    lie.words = malloc((lie.built.word_count + 64u) * sizeof(uint32_t));
    cr_assert_not_null(lie.words);
}

static void lie_reset(void)
{
    memcpy(lie.words, lie.built.words, lie.built.word_count * sizeof(uint32_t));
}

static enum td_error lie_told(void)
{
    struct exec_tree_head now;
    struct exec_diffs diffs;
    return world_replay(world, lie.words, lie.built.word_count, lie.seed, OPERATIONS, &lie.w, &now,
                        &diffs);
}

static uint32_t *section(enum exec_witness_section s)
{
    return lie.words + lie.built.words[5u + 2u * (uint32_t)s];
}

Test(exec_witness, every_word_counts)
{
    honest();
    uint32_t input = lie.built.words[5], padding = 0;
    for (uint32_t i = 0; i < lie.built.word_count; i++) {
        static const uint32_t FLIPS[] = {1u, 1u << 31};
        for (unsigned f = 0; f < 2; f++) {
            lie_reset();
            lie.words[i] ^= FLIPS[f];
            enum td_error err = lie_told();
            if (i == input && f == 0) { /* opaque here: whoever reads it checks it */
                cr_assert_eq(err, TD_OK);
                continue;
            }
            padding += i == input ? 1u : 0u;
            cr_assert(err == TD_E_CORRUPT || err == TD_E_MALFORMED, "word %u: %d", i, (int)err);
            cr_assert_neq(lie.w.fault, EXEC_WITNESS_FINE, "word %u", i);
        }
    }
    cr_expect_eq(padding, 1, "the input's padding counts");
    free(lie.words);
}

Test(exec_witness, faults_by_name)
{
    honest();
    const struct {
        enum exec_witness_section section;
        uint32_t word;
        enum exec_witness_fault fault;
        const char *what;
    } cases[] = {
        {EXEC_WITNESS_ACCOUNTS, 0, EXEC_WITNESS_ACCOUNT_ABSENT, "address"},
        {EXEC_WITNESS_ACCOUNTS, 6, EXEC_WITNESS_VALUE, "nonce"},
        {EXEC_WITNESS_ACCOUNTS, 8, EXEC_WITNESS_VALUE, "balance"},
        {EXEC_WITNESS_ACCOUNTS, 24, EXEC_WITNESS_CODE_DIGEST, "digest of a code that was read"},
        {EXEC_WITNESS_SLOTS, 0, EXEC_WITNESS_SLOT_ABSENT, "slot's address"},
        {EXEC_WITNESS_SLOTS, 6, EXEC_WITNESS_SLOT_ABSENT, "slot"},
        {EXEC_WITNESS_SLOTS, 14, EXEC_WITNESS_VALUE, "slot's value"},
        {EXEC_WITNESS_CODES, 0, EXEC_WITNESS_CODE_ABSENT, "code hash"},
        {EXEC_WITNESS_CODES, 8, EXEC_WITNESS_CODE_DIGEST, "whose code"},
        {EXEC_WITNESS_CODE_WORDS, 0, EXEC_WITNESS_CODE_DIGEST, "code"},
        {EXEC_WITNESS_INSERTS, 0, EXEC_WITNESS_TREE, "insert"},
        {EXEC_WITNESS_SIBLINGS, 0, EXEC_WITNESS_TREE, "sibling"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lie_reset();
        section(cases[i].section)[cases[i].word] ^= 2u;
        enum td_error err = lie_told();
        cr_expect_eq(err, TD_E_CORRUPT, "%s: %d", cases[i].what, (int)err);
        cr_expect_eq(lie.w.fault, cases[i].fault, "%s: fault %d", cases[i].what, (int)lie.w.fault);
    }
    lie_reset();
    lie.words[3]--;
    cr_expect_eq(lie_told(), TD_E_CORRUPT);
    cr_expect_eq(lie.w.fault, EXEC_WITNESS_LEAF_COUNT);
    lie_reset();
    world->head.root.e[0].v ^= 1u;
    cr_expect_eq(lie_told(), TD_E_CORRUPT);
    cr_expect(lie.w.fault == EXEC_WITNESS_TREE && lie.w.tree_verdict == EXEC_TREE_ROOT);
    free(lie.words);
}

/* The same witness for a block that does less: what it does not ask for is too much. */
Test(exec_witness, entries_nobody_asks_for)
{
    struct exec_tree_head now;
    honest();
    lie_reset();
    enum td_error err = world_replay(world, lie.words, lie.built.word_count, lie.seed,
                                     OPERATIONS - 40u, &lie.w, &now, NULL);
    cr_expect_eq(err, TD_E_CORRUPT);
    cr_expect_eq(lie.w.fault, EXEC_WITNESS_UNUSED);
    err = world_replay(world, lie.words, lie.built.word_count, lie.seed, OPERATIONS + 40u, &lie.w,
                       &now, NULL);
    cr_expect_eq(err, TD_E_CORRUPT, "and one that does more finds too little");
    cr_expect(now.leaf_count == 0);
    free(lie.words);
}

Test(exec_witness, truncated_and_prolonged)
{
    honest();
    lie_reset();
    for (uint32_t n = 0; n < lie.built.word_count; n++)
        cr_assert_eq(exec_witness_open(&lie.w, lie.words, n), TD_E_MALFORMED, "%u words", n);
    cr_expect_eq(exec_witness_open(&lie.w, lie.words, lie.built.word_count + 1u), TD_E_MALFORMED);
    for (uint32_t n = 0; n < lie.built.word_count; n++) { /* with a header that agrees */
        lie.words[2] = n;
        cr_assert_eq(exec_witness_open(&lie.w, lie.words, n), TD_E_MALFORMED, "%u words", n);
    }
    free(lie.words);
}

/* ---- diffs */

/* A large balance and a large slot that move by one cost one byte each, whichever way. */
Test(exec_witness, small_steps_are_small)
{
    struct exec_u256 big = {{5, 6, 7, UINT64_C(1) << 62}}, one = exec_u256_of(1),
                     slot = world_slot(1);
    struct exec_reader reader = {.self = world,
                                 .account = world_read_account,
                                 .slot = world_read_slot,
                                 .code = world_read_code};
    struct exec_witness_source source = {.tree = &world->store,
                                         .hasher = &EXEC_TREE_HASHER_PLAIN,
                                         .self = world,
                                         .code_digest = world_code_digest};
    struct td_addr a = world_addr(9);
    for (unsigned step = 0; step < 3; step++) {
        struct exec_witness_built built;
        td_arena_reset(&world->work);
        struct exec_state *s = world_block(&world->work, &reader, 1, 0);
        exec_state_tx_begin(s);
        if (step == 0)
            exec_state_set_balance(s, &a, &big);
        else if (step == 1)
            cr_assert(exec_state_sub_balance(s, &a, &one));
        else
            cr_assert(exec_state_add_balance(s, &a, &one));
        struct exec_u256 v = exec_state_get(s, &a)->balance;
        exec_state_sstore(s, &a, &slot, &v);
        exec_state_tx_end(s);
        cr_assert_eq(exec_witness_build(&built, s, &world->head, &source, td_bytes_of(NULL, 0),
                                        &world->work),
                     TD_OK);
        /* version, account: index meta form byte, slot: index form byte, two ends */
        cr_expect_eq(built.diffs.on.len, step == 0 ? 1u + 36u + 34u + 36u + 33u + 2u : 10u,
                     "step %u: %zu bytes", step, built.diffs.on.len);
        world_take(world, s, &built);
    }
}

/* The encoder takes the shortest form also where the values' first bytes differ. */
Test(exec_witness, a_step_of_the_first_byte_may_be_small)
{
    static const uint64_t ones = UINT64_MAX;
    static const struct {
        struct exec_u256 value;
        uint32_t len; /* of what is published */
    } steps[] = {{{{ones, ones, ones, UINT64_C(0x40FFFFFFFFFFFFFF)}}, 32},
                 {{{0, 0, 0, UINT64_C(0x4100000000000000)}}, 1},          /* + 1 */
                 {{{ones, ones, ones, UINT64_C(0x40FFFFFFFFFFFFFF)}}, 1}, /* - 1 */
                 {{{0, 0, 0, UINT64_C(0x4200000000000000)}}, 32},         /* + 2^248 + 1 */
                 {{{ones, ones, ones, UINT64_C(0x40FFFFFFFFFFFFFF)}}, 32}};
    struct exec_reader reader = {.self = world,
                                 .account = world_read_account,
                                 .slot = world_read_slot,
                                 .code = world_read_code};
    struct exec_witness_source source = {.tree = &world->store,
                                         .hasher = &EXEC_TREE_HASHER_PLAIN,
                                         .self = world,
                                         .code_digest = world_code_digest};
    struct td_addr a = world_addr(9);
    struct exec_u256 slot = world_slot(1);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct exec_witness_built built;
        td_arena_reset(&world->work);
        struct exec_state *s = world_block(&world->work, &reader, 1, 0);
        exec_state_put(s, &a, &slot, &steps[i].value);
        cr_assert_eq(exec_witness_build(&built, s, &world->head, &source, td_bytes_of(NULL, 0),
                                        &world->work),
                     TD_OK);
        /* version, the index (and the key of a new leaf), form, value, two ends */
        cr_expect_eq(built.diffs.on.len, (i == 0 ? 36u : 1u) + 4u + steps[i].len, "%u", i);
        world_take(world, s, &built);
    }
}

static enum td_error apply(struct td_bytes on, struct td_bytes off, struct exec_diff_applied *x)
{
    struct exec_diff_base base = {.self = world, .record = world_record};
    td_arena_reset(&world->replay);
    return exec_diff_apply(x, &world->head, on, off, &world->follower_store, &base,
                           &EXEC_TREE_HASHER_PLAIN, &world->replay);
}

/* Cut short anywhere it is no diff; any byte changed it is none or leads to another root. */
Test(exec_witness, diffs_cut_and_changed)
{
    struct exec_diff_applied x;
    honest();
    free(lie.words);
    struct td_bytes on = lie.built.diffs.on, off = lie.built.diffs.off;
    cr_assert(on.len > 3 && off.len > 3, "both diffs hold something");
    cr_assert_eq(apply(on, off, &x), TD_OK);
    cr_assert(same_head(&x.update.now, &lie.built.update.now));
    uint8_t *copy = malloc(on.len + 1u);
    for (size_t n = 0; n < on.len; n++) {
        cr_assert_neq(apply(td_bytes_of(on.ptr, n), off, &x), TD_OK, "%zu bytes", n);
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, on.ptr, on.len);
            copy[n] ^= (uint8_t)(1u << bit);
            enum td_error err = apply(td_bytes_of(copy, on.len), off, &x);
            cr_assert(err != TD_OK || !same_head(&x.update.now, &lie.built.update.now),
                      "byte %zu bit %u", n, bit);
        }
    }
    memcpy(copy, on.ptr, on.len);
    copy[on.len] = 0;
    cr_expect_eq(apply(td_bytes_of(copy, on.len + 1u), off, &x), TD_E_MALFORMED);
    cr_expect_neq(apply(on, td_bytes_of("\1\0\0", 3), &x), TD_E_MALFORMED);
    cr_expect_eq(apply(on, on, &x), TD_E_CORRUPT, "the same leaves twice");
    free(copy);
}
