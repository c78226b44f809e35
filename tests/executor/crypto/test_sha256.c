/* SHA-256 against the messages of FIPS 180-4's examples and against hashlib at every length around
 * the block and padding edges (reference.py). */
#include "tests/base/lines.h"

#include "executor/crypto/sha256.h"

static const struct {
    const char *text;
    const char *want;
} KNOWN[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void check(const uint8_t *data, size_t len, const char *want)
{
    uint8_t got[EXEC_SHA256_BYTES];
    uint8_t expected[EXEC_SHA256_BYTES];
    cr_assert_eq(lines_hex(expected, sizeof expected, want), sizeof expected);
    exec_sha256(got, data, len);
    cr_expect_arr_eq(got, expected, sizeof got, "length %zu", len);
}

Test(executor_sha256, published)
{
    static uint8_t million[1000000];
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        check((const uint8_t *)KNOWN[i].text, strlen(KNOWN[i].text), KNOWN[i].want);
    check(NULL, 0, KNOWN[0].want);
    memset(million, 'a', sizeof million);
    check(million, sizeof million,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(executor_sha256, output_over_input)
{
    uint8_t data[32] = "abc";
    uint8_t want[32];
    exec_sha256(data, data, 3);
    cr_assert_eq(lines_hex(want, sizeof want, KNOWN[1].want), 32);
    cr_expect_arr_eq(data, want, 32);
}

Test(executor_sha256, reference)
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
    cr_expect_eq(cases, 202);
}
