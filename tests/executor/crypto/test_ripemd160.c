/* RIPEMD-160 against its authors' test values and, where hashlib has it, at every length around the
 * block and padding edges (reference.py). */
#include "tests/base/lines.h"

#include "executor/crypto/ripemd160.h"

static const struct {
    const char *text;
    const char *want;
} KNOWN[] = {
    {"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"},
    {"a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"},
    {"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"},
    {"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"},
    {"abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "12a053384a9c0c88e405a06c27dcf49ada62eb2b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "b0e20b6e3116640286ed3a87a5713079b21f5189"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "9b752e45573d4b39f4dbd3323cab82bf63326bfb"},
};

static void check(const uint8_t *data, size_t len, const char *want)
{
    uint8_t got[EXEC_RIPEMD160_BYTES];
    uint8_t expected[EXEC_RIPEMD160_BYTES];
    cr_assert_eq(lines_hex(expected, sizeof expected, want), sizeof expected);
    exec_ripemd160(got, data, len);
    cr_expect_arr_eq(got, expected, sizeof got, "length %zu", len);
}

Test(executor_ripemd160, published)
{
    static uint8_t million[1000000];
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        check((const uint8_t *)KNOWN[i].text, strlen(KNOWN[i].text), KNOWN[i].want);
    check(NULL, 0, KNOWN[0].want);
    memset(million, 'a', sizeof million);
    check(million, sizeof million, "52783243c1697bdbe16d37f97f68f08325dc1528");
}

Test(executor_ripemd160, reference)
{
    static char line[LINE_MAX_BYTES];
    FILE *f = lines_open();
    size_t cases = 0;
    for (; lines_next(f, line); cases++) {
        char *cursor = line;
        uint8_t data[4096];
        size_t len = lines_hex(data, sizeof data, lines_field(&cursor));
        check(data, len, lines_field(&cursor));
    }
    fclose(f);
    cr_expect(cases == 202 || cases == 0); /* 0: hashlib lacks it, and reference.py said so */
}
