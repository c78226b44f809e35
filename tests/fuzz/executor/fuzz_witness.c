/* A witness read by the guest's side, and diffs, from arbitrary bytes.
 *
 *     byte 0  0: the rest is the witness, word by word
 *             1: the rest is a list of changes (u16 word, u32 xor) to an honest witness
 *             2: the rest is a diff, the published one
 *             3: likewise the committee's
 *
 * Nothing may crash, and whatever passes as a witness of the block must be the honest one, but for
 * the input section, which is not this module's. */
#include "tests/executor/tree/world.h"

#define OPERATIONS 14u
#define WORDS_MAX 2048u
#define OFF_BYTES_MIN 24u /* of the diff for the committee */
#define SEED_FIRST 7u
#define SEED_LAST 10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct world *world;
static uint32_t honest[WORDS_MAX], words[WORDS_MAX];
static uint32_t honest_count;
static uint64_t honest_seed;
static struct exec_diffs honest_diffs;

static uint32_t section(const struct exec_witness_built *b, unsigned which, unsigned field)
{
    return b->words[5u + 2u * which + field];
}

/* Whether every check has something to find: codes, one that needs padding, slots and a new leaf.
 */
static bool is_rich(const struct exec_witness_built *b)
{
    const uint32_t *entry = b->words + section(b, EXEC_WITNESS_CODES, 0);
    uint32_t codes = section(b, EXEC_WITNESS_CODES, 1);
    uint32_t padded = 0;
    for (uint32_t i = 0; i < codes; i++)
        padded += entry[10u * i + 9u] % 4u != 0;
    return codes >= 2 && padded > 0 && section(b, EXEC_WITNESS_SLOTS, 1) >= 2 &&
           section(b, EXEC_WITNESS_INSERTS, 1) >= 1 && b->diffs.off.len >= OFF_BYTES_MIN &&
           b->word_count <= WORDS_MAX;
}

static struct td_bytes keep(struct td_bytes b)
{
    uint8_t *copy = malloc(b.len == 0 ? 1 : b.len);
    TD_ASSERT(copy != NULL);
    if (b.len > 0)
        memcpy(copy, b.ptr, b.len);
    return td_bytes_of(copy, b.len);
}

/* A few blocks, and an honest witness of a next one. */
static void make_world(void)
{
    struct exec_witness_built built;
    struct exec_state *state;
    world = world_new();
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct exec_tree_head old = world->head;
        struct exec_diff_base base = {.self = world, .record = world_record};
        struct exec_diff_applied x;
        struct td_bytes none = td_bytes_of(NULL, 0);
        TD_ASSERT(world_build(world, seed, OPERATIONS, none, &built, &state) == TD_OK);
        world_take(world, state, &built);
        TD_ASSERT(exec_diff_apply(&x, &old, built.diffs.on, built.diffs.off, &world->follower_store,
                                  &base, &EXEC_TREE_HASHER_PLAIN, &world->replay) == TD_OK);
        TD_ASSERT(exec_tree_memory_put(&world->follower, &x.update) == TD_OK);
        for (uint32_t i = 0; i < x.entry_count; i++)
            world->records[x.entries[i].index] = x.entries[i].now;
    }
    for (honest_seed = SEED_FIRST;; honest_seed++) {
        TD_ASSERT(honest_seed <= SEED_LAST);
        TD_ASSERT(world_build(world, honest_seed, OPERATIONS, td_bytes_of("abcde", 5), &built,
                              &state) == TD_OK);
        if (is_rich(&built))
            break;
    }
    honest_count = built.word_count;
    memcpy(honest, built.words, honest_count * sizeof honest[0]);
    honest_diffs = (struct exec_diffs){.on = keep(built.diffs.on), .off = keep(built.diffs.off)};
}

static bool is_honest(uint32_t count)
{
    uint32_t input = honest[5], input_count = honest[6];
    words[4] = honest[4]; /* bytes of the input: some zeros more or less pass for padding */
    return count == honest_count && memcmp(words, honest, input * sizeof words[0]) == 0 &&
           memcmp(words + input + input_count, honest + input + input_count,
                  (count - input - input_count) * sizeof words[0]) == 0;
}

static void try_witness(uint32_t count)
{
    struct exec_witness w;
    struct exec_tree_head now;
    struct exec_diffs diffs;
    if (world_replay(world, words, count, honest_seed, OPERATIONS, &w, &now, &diffs) == TD_OK)
        TD_ASSERT(is_honest(count));
}

static void try_diff(struct td_bytes on, struct td_bytes off)
{
    struct exec_diff_base base = {.self = world, .record = world_record};
    struct exec_diff_applied x;
    td_arena_reset(&world->replay);
    enum td_error err = exec_diff_apply(&x, &world->head, on, off, &world->follower_store, &base,
                                        &EXEC_TREE_HASHER_PLAIN, &world->replay);
    TD_ASSERT(err != TD_OK || x.update.now.leaf_count >= world->head.leaf_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (world == NULL)
        make_world();
    if (len == 0 || len > sizeof words)
        return 0;
    uint8_t kind = data[0];
    data++;
    len--;
    if (kind == 0) {
        memcpy(words, data, len / 4u * 4u);
        try_witness((uint32_t)(len / 4u));
    } else if (kind == 1) {
        memcpy(words, honest, sizeof honest);
        for (; len >= 6; data += 6, len -= 6) {
            uint32_t change;
            memcpy(&change, data + 2, sizeof change);
            words[(data[0] | (uint32_t)data[1] << 8) % honest_count] ^= change;
        }
        try_witness(honest_count);
    } else if (kind == 2) {
        try_diff(td_bytes_of(data, len), honest_diffs.off);
    } else if (kind == 3) {
        try_diff(honest_diffs.on, td_bytes_of(data, len));
    }
    return 0;
}
