/* base/core/trie against Ethereum's public TrieTests: the set that each case's updates leave must
 * have the stated root, plain or secure, in whatever order its pairs are given. */
#include "tests/base/lines.h"

#include "base/core/trie.h"

#define PAIRS_MAX 512u

static void expect_root(const char *name, bool secure, struct td_trie_pair *pairs, size_t count,
                        const struct td_hash *want)
{
    static uint8_t scratch[256u << 10];
    struct td_arena arena;
    struct td_hash root;

    td_arena_init(&arena, scratch, td_trie_arena_bytes(count, 4096));
    cr_assert_leq(arena.cap, sizeof scratch);
    enum td_error err = secure ? td_trie_secure_root(&root, pairs, count, &arena)
                               : td_trie_root(&root, pairs, count, &arena);
    cr_expect_eq(err, TD_OK, "%s: %s", name, td_error_text(err));
    cr_expect(td_hash_eq(&root, want), "%s", name);
    cr_expect_eq(arena.used, 0, "%s", name);
}

Test(base_vectors_trie, public_suite)
{
    static char line[LINE_MAX_BYTES];
    static uint8_t data[LINE_MAX_BYTES / 2];
    static struct td_trie_pair pairs[PAIRS_MAX], reversed[PAIRS_MAX];
    size_t cases = 0, secure_cases = 0;
    FILE *f = lines_open();

    while (lines_next(f, line)) {
        char *cursor = line;
        const char *name = lines_field(&cursor);
        bool secure = strcmp(lines_field(&cursor), "secure") == 0;
        struct td_hash want;
        size_t count = 0, used = 0;
        cr_assert_eq(lines_hex(want.b, sizeof want.b, lines_field(&cursor)), sizeof want.b);
        for (char *key = lines_field(&cursor); key != NULL; key = lines_field(&cursor)) {
            cr_assert_lt(count, PAIRS_MAX, "%s", name);
            size_t key_bytes = lines_hex(data + used, sizeof data - used, key);
            pairs[count].key = td_bytes_of(data + used, key_bytes);
            used += key_bytes;
            size_t value_bytes = lines_hex(data + used, sizeof data - used, lines_field(&cursor));
            pairs[count++].value = td_bytes_of(data + used, value_bytes);
            used += value_bytes;
        }
        for (size_t i = 0; i < count; i++)
            reversed[count - 1 - i] = pairs[i];
        expect_root(name, secure, pairs, count, &want);
        expect_root(name, secure, reversed, count, &want);
        cases++;
        secure_cases += secure ? 1 : 0;
    }
    fclose(f);
    printf("trie: %zu cases, %zu of them secure\n", cases, secure_cases);
    cr_expect_geq(cases, 20);
    cr_expect_geq(secure_cases, 10);
}
