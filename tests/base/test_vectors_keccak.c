/* Keccak-256 against an independent implementation (vectors.py) at every length around one and two
 * blocks, whole and in two pieces, plus the constants every Ethereum library knows. */
#include "tests/base/lines.h"

#include "base/core/keccak.h"

static const struct {
    const char *text;
    const char *want;
} KNOWN[] = {
    {"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
    {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
    {"testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"},
    {"Transfer(address,address,uint256)",
     "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"},
};

Test(base_keccak, well_known)
{
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        struct td_hash got;
        struct td_hash want;
        cr_assert_eq(lines_hex(want.b, 32, KNOWN[i].want), 32);
        td_keccak256(&got, KNOWN[i].text, strlen(KNOWN[i].text));
        cr_expect(td_hash_eq(&got, &want), "%s", KNOWN[i].text);
    }
}

/* keccak-f of the zero state, first and last lane, from the reference's test vectors. */
Test(base_keccak, permutation_of_zero)
{
    uint64_t s[25] = {0};
    td_keccak_f(s);
    cr_expect_eq(s[0], UINT64_C(0xF1258F7940E1DDE7));
    cr_expect_eq(s[24], UINT64_C(0xEAF1FF7B5CECA249));
}

Test(base_keccak, reference_at_every_length_and_split)
{
    static char line[LINE_MAX_BYTES];
    FILE *f = lines_open();
    size_t cases = 0;
    while (lines_next(f, line)) {
        char *cursor = line;
        uint8_t data[1024];
        struct td_hash want;
        struct td_hash got;
        size_t len = lines_hex(data, sizeof data, lines_field(&cursor));
        cr_assert_eq(lines_hex(want.b, 32, lines_field(&cursor)), 32);
        td_keccak256(&got, data, len);
        cr_assert(td_hash_eq(&got, &want), "length %zu", len);
        for (size_t cut = 0; cut <= len; cut += len > 300 ? 17 : 1) {
            struct td_keccak k;
            td_keccak_init(&k);
            td_keccak_update(&k, data, cut);
            td_keccak_update(&k, data + cut, len - cut);
            td_keccak_final(&k, &got);
            cr_assert(td_hash_eq(&got, &want), "length %zu cut %zu", len, cut);
        }
        cases++;
    }
    fclose(f);
    cr_expect_eq(cases, 305);
}
