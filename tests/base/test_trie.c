/* base/core/trie: roots rebuilt by hand from Keccak and RLP, then order, absence, limits and
 * memory. Method: small sets whose nodes are written out as bytes here; larger ones against a
 * second, recursive construction in this file; every arena size below the promised one. */
#include <criterion/criterion.h>

#include "base/core/codec.h"
#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "base/core/rlp.h"
#include "base/core/trie.h"

#define PAIRS_MAX 300u

static uint8_t scratch[1u << 20];

static struct td_trie_pair pair_of(const char *key, const char *value)
{
    return (struct td_trie_pair){td_bytes_of_text(key), td_bytes_of_text(value)};
}

static struct td_hash root_of(struct td_trie_pair *pairs, size_t count)
{
    struct td_arena arena;
    struct td_hash root;
    td_arena_init(&arena, scratch, sizeof scratch);
    cr_assert_eq(td_trie_root(&root, pairs, count, &arena), TD_OK);
    cr_assert_eq(arena.used, 0);
    return root;
}

static void expect_keccak_of_hex(const struct td_hash *root, const char *hex)
{
    uint8_t node[512];
    size_t len;
    struct td_hash want;
    cr_assert_eq(td_hex_decode(node, sizeof node, &len, TD_HEX_BARE, hex, strlen(hex)), TD_OK);
    td_keccak256(&want, node, len);
    cr_expect(td_hash_eq(root, &want), "%s", hex);
}

Test(base_trie, empty_set)
{
    struct td_arena none;
    struct td_hash root, want;
    td_arena_init(&none, NULL, 0);
    td_keccak256(&want, "\x80", 1);
    cr_expect(td_hash_eq(&TD_TRIE_EMPTY_ROOT, &want));
    cr_expect_eq(td_trie_root(&root, NULL, 0, &none), TD_OK);
    cr_expect(td_hash_eq(&root, &want));
    cr_expect_eq(td_trie_secure_root(&root, NULL, 0, &none), TD_OK);
    cr_expect(td_hash_eq(&root, &want));
    cr_expect_eq(td_trie_list_root(&root, NULL, 0, &none), TD_OK);
    cr_expect(td_hash_eq(&root, &want));
}

Test(base_trie, nodes_written_out)
{
    struct td_hash root;
    struct td_trie_pair leaf[] = {pair_of("a", "v")};
    root = root_of(leaf, 1);
    expect_keccak_of_hex(&root, "c482206176");

    /* 0x61 and 0x62 share the nibble 6: extension, then a branch with two odd leaves, inlined. */
    struct td_trie_pair fork[] = {pair_of("b", "w"), pair_of("a", "v")};
    root = root_of(fork, 2);
    expect_keccak_of_hex(&root, "d716d580c22076c220778080808080808080808080808080");

    /* A key that ends at the branch gives it its value; the other goes on with nibbles 6, 1. */
    struct td_trie_pair inner[] = {pair_of("aa", "w"), pair_of("a", "v")};
    root = root_of(inner, 2);
    expect_keccak_of_hex(&root, "d7820061d3808080808080c2317780808080808080808076");
}

/* The definition, recursively: appends the node of sorted pairs at `depth` as its parent holds it.
 */
static uint32_t nibble(const struct td_trie_pair *p, uint32_t i)
{
    return i % 2 == 0 ? p->key.ptr[i / 2] >> 4 : p->key.ptr[i / 2] & 15u;
}

static void put_path(struct td_writer *w, const struct td_trie_pair *p, uint32_t from, uint32_t to,
                     bool leaf)
{
    uint8_t nibbles[70];
    uint8_t packed[35];
    uint32_t n = 0;
    nibbles[n++] = (uint8_t)((leaf ? 2 : 0) + (to - from) % 2);
    if ((to - from) % 2 == 0)
        nibbles[n++] = 0;
    while (from < to)
        nibbles[n++] = (uint8_t)nibble(p, from++);
    for (uint32_t i = 0; i < n; i += 2)
        packed[i / 2] = (uint8_t)(nibbles[i] << 4 | nibbles[i + 1]);
    td_rlp_put_bytes(w, packed, n / 2);
}

/* The definition, recursively: append the node of sorted pairs at `depth` as its parent holds it;
 * an empty string when there is no pair. */
static void put_node(struct td_writer *out, const struct td_trie_pair *p, size_t count,
                     uint32_t depth, bool is_root)
{
    static uint8_t memory[70][20000];
    struct td_writer w;
    td_writer_init(&w, memory[depth], sizeof memory[depth]);
    size_t begin = td_rlp_list_begin(&w);
    if (count == 0) {
        td_put_u8(out, 0x80);
        return;
    }
    if (count == 1) {
        put_path(&w, p, depth, 2 * (uint32_t)p->key.len, true);
        td_rlp_put_bytes(&w, p->value.ptr, p->value.len);
    } else {
        uint32_t same = depth;
        bool differ = false;
        while (!differ) {
            for (size_t i = 0; i < count && !differ; i++)
                differ = same == 2 * p[i].key.len || nibble(&p[i], same) != nibble(&p[0], same);
            same += differ ? 0 : 1;
        }
        if (same > depth) {
            put_path(&w, p, depth, same, false);
            put_node(&w, p, count, same, false);
        } else {
            size_t used = 2 * p[0].key.len == depth ? 1 : 0;
            struct td_bytes value = used == 1 ? p[0].value : td_bytes_of(NULL, 0);
            for (uint32_t c = 0; c < 16; c++) {
                size_t end = used;
                while (end < count && nibble(&p[end], depth) == c)
                    end++;
                put_node(&w, p + used, end - used, depth + 1, false);
                used = end;
            }
            td_rlp_put_bytes(&w, value.ptr, value.len);
        }
    }
    td_rlp_list_end(&w, begin);
    cr_assert_eq(w.err, TD_OK);
    if (is_root || w.len >= 32) {
        struct td_hash h;
        td_keccak256(&h, w.ptr, w.len);
        td_rlp_put_bytes(out, h.b, sizeof h.b);
    } else {
        td_put_bytes(out, w.ptr, w.len);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* `count` pairs with keys of 0..3 bytes over few letters (many prefixes of each other), or of 32
 * bytes that agree in the first 31; all different. */
static size_t random_pairs(struct td_trie_pair *pairs, uint8_t keys[][32], uint64_t *seed)
{
    static uint8_t value_bytes[5000];
    static const uint8_t LETTERS[] = {0x00, 0x01, 0x10, 0x11, 0xf0, 0xff};
    size_t wanted = next_random(seed) % PAIRS_MAX;
    bool deep = next_random(seed) % 4 == 0;
    size_t count = 0;
    memset(value_bytes, 7, sizeof value_bytes);
    for (size_t i = 0; i < wanted; i++) {
        size_t len = deep ? 32 : next_random(seed) % 4;
        memset(keys[count], 0x5a, 32);
        for (size_t k = deep ? 31 : 0; k < len; k++)
            keys[count][k] = deep ? (uint8_t)next_random(seed) : LETTERS[next_random(seed) % 6];
        bool fresh = true;
        for (size_t k = 0; k < count; k++)
            fresh = fresh && !td_bytes_eq(pairs[k].key, td_bytes_of(keys[count], len));
        if (!fresh)
            continue;
        size_t value_len = next_random(seed) % 8 == 0 ? next_random(seed) % sizeof value_bytes
                                                      : 1 + next_random(seed) % 40;
        pairs[count].key = td_bytes_of(keys[count], len);
        pairs[count++].value = td_bytes_of(value_bytes, value_len + (value_len == 0 ? 1 : 0));
    }
    return count;
}

static void shuffle(struct td_trie_pair *pairs, size_t count, uint64_t *seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = next_random(seed) % i;
        struct td_trie_pair moved = pairs[i - 1];
        pairs[i - 1] = pairs[k];
        pairs[k] = moved;
    }
}

Test(base_trie, agrees_with_the_definition_on_random_sets, .timeout = 60)
{
    static struct td_trie_pair pairs[PAIRS_MAX];
    static uint8_t keys[PAIRS_MAX][32];
    uint64_t seed = 1;
    for (int round = 0; round < 200; round++) {
        size_t count = random_pairs(pairs, keys, &seed);
        struct td_hash root = root_of(pairs, count);
        uint8_t held[33];
        struct td_writer w;
        td_writer_init(&w, held, sizeof held);
        put_node(&w, pairs, count, 0, true); /* sorted by root_of */
        cr_expect(count == 0 ? td_hash_eq(&root, &TD_TRIE_EMPTY_ROOT)
                             : memcmp(held + 1, root.b, 32) == 0,
                  "round %d, %zu pairs", round, count);
        shuffle(pairs, count, &seed);
        struct td_hash again = root_of(pairs, count);
        cr_expect(td_hash_eq(&root, &again), "round %d: order matters", round);
    }
}

Test(base_trie, an_empty_value_is_an_absent_key)
{
    struct td_trie_pair with[] = {pair_of("do", ""), pair_of("dog", "puppy"), pair_of("x", ""),
                                  pair_of("horse", "stallion")};
    struct td_trie_pair without[] = {pair_of("horse", "stallion"), pair_of("dog", "puppy")};
    struct td_hash a = root_of(with, 4), b = root_of(without, 2);
    cr_expect(td_hash_eq(&a, &b));
    struct td_trie_pair gone[] = {pair_of("do", "")};
    a = root_of(gone, 1);
    cr_expect(td_hash_eq(&a, &TD_TRIE_EMPTY_ROOT));
}

Test(base_trie, refuses_long_and_double_keys)
{
    static const uint8_t LONG[TD_TRIE_KEY_BYTES_MAX + 1] = {0};
    struct td_trie_pair pairs[2] = {{td_bytes_of(LONG, sizeof LONG), td_bytes_of_text("v")},
                                    pair_of("a", "v")};
    struct td_arena arena;
    struct td_hash root;
    td_arena_init(&arena, scratch, sizeof scratch);
    cr_expect_eq(td_trie_root(&root, pairs, 2, &arena), TD_E_RANGE);
    cr_expect(td_hash_is_zero(&root));
    cr_expect_eq(td_trie_secure_root(&root, pairs, 2, &arena), TD_OK);
    pairs[0] = pair_of("a", "w");
    cr_expect_eq(td_trie_root(&root, pairs, 2, &arena), TD_E_EXISTS);
    cr_expect(td_hash_is_zero(&root));
    cr_expect_eq(td_trie_secure_root(&root, pairs, 2, &arena), TD_E_EXISTS);
    cr_expect_eq(arena.used, 0);
}

Test(base_trie, the_list_form_uses_rlp_of_the_index)
{
    static struct td_bytes items[PAIRS_MAX];
    static struct td_trie_pair pairs[PAIRS_MAX];
    static uint8_t keys[PAIRS_MAX][4];
    struct td_arena arena;
    struct td_hash root, want;
    td_arena_init(&arena, scratch, sizeof scratch);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        items[i] = td_bytes_of_text("transaction bytes, long enough for a hashed leaf");
        size_t len = 0;
        if (i >= 128)
            keys[i][len++] = i >= 256 ? 0x82 : 0x81;
        if (i >= 256)
            keys[i][len++] = (uint8_t)(i >> 8);
        keys[i][len++] = i == 0 ? 0x80 : (uint8_t)i;
        pairs[i] = (struct td_trie_pair){td_bytes_of(keys[i], len), items[i]};
    }
    want = root_of(pairs, PAIRS_MAX);
    cr_expect_eq(td_trie_list_root(&root, items, PAIRS_MAX, &arena), TD_OK);
    cr_expect(td_hash_eq(&root, &want));
    items[7].len = 0;
    cr_expect_eq(td_trie_list_root(&root, items, PAIRS_MAX, &arena), TD_E_RANGE);
    cr_expect(td_hash_is_zero(&root));
    cr_expect_eq(arena.used, 0);
}

/* One open branch per nibble: 32-byte keys that fork at every one of their 64 nibbles. */
Test(base_trie, deepest_trie)
{
    static struct td_trie_pair pairs[65];
    static uint8_t keys[65][32];
    for (uint32_t i = 0; i < 65; i++) {
        if (i < 64)
            keys[i][i / 2] = i % 2 == 0 ? 0x10 : 0x01;
        pairs[i] = (struct td_trie_pair){td_bytes_of(keys[i], 32), td_bytes_of_text("v")};
    }
    struct td_hash root = root_of(pairs, 65);
    uint8_t held[33];
    struct td_writer w;
    td_writer_init(&w, held, sizeof held);
    put_node(&w, pairs, 65, 0, true);
    cr_expect(memcmp(held + 1, root.b, 32) == 0);
}

Test(base_trie, too_small_an_arena_is_an_error_and_the_promised_size_suffices)
{
    static struct td_trie_pair pairs[PAIRS_MAX];
    static uint8_t keys[PAIRS_MAX][32];
    uint64_t seed = 99;
    size_t count = 0, needed = 0;
    while (count < 20)
        count = random_pairs(pairs, keys, &seed);
    size_t promised = td_trie_arena_bytes(count, 5000);
    cr_assert_lt(promised, sizeof scratch);
    for (size_t cap = 0; cap <= promised; cap += cap < promised - 64 ? 61 : 1) {
        struct td_arena arena;
        struct td_hash root;
        td_arena_init(&arena, scratch + 1, cap);
        enum td_error err = td_trie_secure_root(&root, pairs, count, &arena);
        cr_expect(err == TD_OK || err == TD_E_NOSPACE);
        cr_expect_eq(arena.used, 0);
        if (err == TD_OK && needed == 0)
            needed = cap;
        cr_expect(err == TD_OK || (needed == 0 && td_hash_is_zero(&root)), "%zu", cap);
    }
    cr_expect_gt(needed, 0);
    cr_expect_eq(td_trie_arena_bytes(SIZE_MAX / 64, 0), SIZE_MAX);
    cr_expect_eq(td_trie_arena_bytes(1, SIZE_MAX), SIZE_MAX);
}
