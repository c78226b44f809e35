/* base/core/hex: strict text forms.
 * Method: tables of accepted and refused texts, EIP-55's own examples, and round trips. */
#include <criterion/criterion.h>

#include "base/core/hex.h"
#include "base/core/rng.h"

#define MAX_WEI "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define OVER_WEI "115792089237316195423570985008687907853269984665640564039457584007913129639936"

static const struct {
    const char *text;
    enum td_error prefixed, bare, either;
} HEX[] = {
    {"", TD_E_MALFORMED, TD_OK, TD_OK},
    {"0x", TD_OK, TD_E_MALFORMED, TD_OK},
    {"0x01", TD_OK, TD_E_MALFORMED, TD_OK},
    {"01", TD_E_MALFORMED, TD_OK, TD_OK},
    {"0X01", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
    {"0x0", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
    {"0xaBcDeF09", TD_OK, TD_E_MALFORMED, TD_OK},
    {"0xag", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
    {"0xga", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
    {"0x 1", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
    {"0x0102030405", TD_E_NOSPACE, TD_E_MALFORMED, TD_E_NOSPACE},
    {"/:@G`g{~", TD_E_MALFORMED, TD_E_MALFORMED, TD_E_MALFORMED},
};

Test(base_hex, decode_rules)
{
    for (size_t i = 0; i < sizeof HEX / sizeof HEX[0]; i++) {
        uint8_t out[4];
        size_t len;
        size_t text_len = strlen(HEX[i].text);
        const enum td_error want[] = {HEX[i].prefixed, HEX[i].bare, HEX[i].either};
        for (unsigned p = 0; p < 3; p++) {
            len = 99;
            enum td_error got =
                td_hex_decode(out, 4, &len, (enum td_hex_prefix)p, HEX[i].text, text_len);
            cr_expect_eq(got, want[p], "'%s' prefix rule %u: %s", HEX[i].text, p,
                         td_error_text(got));
            cr_expect(got == TD_OK || len == 0);
        }
    }
    /* Every byte that is not a digit is refused in both places of a pair. */
    for (unsigned c = 0; c < 256; c++) {
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        char pair[2] = {(char)c, '1'};
        uint8_t out[1];
        size_t len;
        cr_expect_eq(td_hex_decode(out, 1, &len, TD_HEX_BARE, pair, 2) == TD_OK, digit);
        pair[0] = '1';
        pair[1] = (char)c;
        cr_expect_eq(td_hex_decode(out, 1, &len, TD_HEX_BARE, pair, 2) == TD_OK, digit);
    }
}

Test(base_hex, fixed_length)
{
    uint8_t out[2] = {7, 7};
    cr_expect_eq(td_hex_decode_fixed(out, 2, TD_HEX_PREFIXED, "0x0102", 6), TD_OK);
    cr_expect(out[0] == 1 && out[1] == 2);
    cr_expect_eq(td_hex_decode_fixed(out, 2, TD_HEX_PREFIXED, "0x01", 4), TD_E_MALFORMED);
    cr_expect(out[0] == 0 && out[1] == 0);
    cr_expect_eq(td_hex_decode_fixed(out, 2, TD_HEX_PREFIXED, "0x010203", 8), TD_E_MALFORMED);
    cr_expect_eq(td_hex_decode_fixed(NULL, 0, TD_HEX_BARE, "", 0), TD_OK);
    cr_expect_eq(td_hex_decode_fixed(NULL, 0, TD_HEX_BARE, "00", 2), TD_E_MALFORMED);
}

Test(base_hex, encode_and_its_space)
{
    static const uint8_t DATA[] = {0x00, 0x9F, 0xA0, 0xFF};
    static const char *const WANT[] = {"0x009fa0ff", "009fa0ff", "0x009fa0ff"};
    for (unsigned p = 0; p < 3; p++) {
        size_t need = strlen(WANT[p]) + 1;
        for (size_t cap = 0; cap <= need; cap++) {
            char out[16];
            memset(out, '#', sizeof out);
            enum td_error got = td_hex_encode(out, cap, (enum td_hex_prefix)p, DATA, sizeof DATA);
            cr_expect_eq(got, cap < need ? TD_E_NOSPACE : TD_OK, "cap %zu", cap);
            cr_expect_eq(out[cap], '#', "nothing is written beyond cap");
            if (cap > 0)
                cr_expect_str_eq(out, cap < need ? "" : WANT[p]);
        }
    }
    char one[1];
    cr_expect_eq(td_hex_encode(one, 1, TD_HEX_BARE, NULL, 0), TD_OK);
    cr_expect_eq(td_hex_encode(one, 1, TD_HEX_BARE, DATA, SIZE_MAX), TD_E_NOSPACE);
    struct td_hash h = {{0xDE, [31] = 0x0F}};
    char text[TD_HASH_TEXT_BYTES];
    td_hash_print(text, &h);
    cr_expect_str_eq(text, "0xde0000000000000000000000000000000000000000000000000000000000000f");
}

static const struct {
    const char *text;
    enum td_error want;
} DECIMALS[] = {
    {"0", TD_OK},
    {"1", TD_OK},
    {"10", TD_OK},
    {"18446744073709551616", TD_OK},
    {"1000000000000000000", TD_OK},
    {MAX_WEI, TD_OK},
    {OVER_WEI, TD_E_RANGE},
    {MAX_WEI "0", TD_E_RANGE},
    {OVER_WEI "x", TD_E_MALFORMED},
    {"", TD_E_MALFORMED},
    {"00", TD_E_MALFORMED},
    {"01", TD_E_MALFORMED},
    {"-1", TD_E_MALFORMED},
    {"+1", TD_E_MALFORMED},
    {" 1", TD_E_MALFORMED},
    {"1 ", TD_E_MALFORMED},
    {"1_000", TD_E_MALFORMED},
    {"1.0", TD_E_MALFORMED},
    {"1e18", TD_E_MALFORMED},
    {"0x10", TD_E_MALFORMED},
    {"a", TD_E_MALFORMED},
};

Test(base_hex, decimal_wei)
{
    for (size_t i = 0; i < sizeof DECIMALS / sizeof DECIMALS[0]; i++) {
        struct td_wei v = {{1, 1, 1, 1}};
        char text[TD_WEI_TEXT_BYTES];
        enum td_error got = td_wei_parse(&v, DECIMALS[i].text, strlen(DECIMALS[i].text));
        cr_expect_eq(got, DECIMALS[i].want, "'%s'", DECIMALS[i].text);
        if (got == TD_OK) {
            td_wei_print(text, &v);
            cr_expect_str_eq(text, DECIMALS[i].text);
        } else {
            cr_expect(td_wei_is_zero(&v));
        }
    }
    struct td_wei v;
    cr_expect_eq(td_wei_parse(&v, "12\0", 3), TD_E_MALFORMED, "a NUL is no digit");
    cr_expect_eq(td_wei_parse(&v, "18446744073709551617", 20), TD_OK);
    cr_expect(v.limb[0] == 1 && v.limb[1] == 1 && v.limb[2] == 0 && v.limb[3] == 0);
}

static const struct {
    const char *text;
    enum td_error want;
} QUANTITIES[] = {
    {"0x0", TD_OK},
    {"0x1", TD_OK},
    {"0x400", TD_OK},
    {"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", TD_OK},
    {"0x10000000000000000000000000000000000000000000000000000000000000000", TD_E_RANGE},
    {"0x", TD_E_MALFORMED},
    {"0x00", TD_E_MALFORMED},
    {"0x01", TD_E_MALFORMED},
    {"1", TD_E_MALFORMED},
    {"0xg", TD_E_MALFORMED},
    {"", TD_E_MALFORMED},
};

Test(base_hex, quantities)
{
    for (size_t i = 0; i < sizeof QUANTITIES / sizeof QUANTITIES[0]; i++) {
        struct td_wei v = {{1, 1, 1, 1}};
        char text[TD_QUANTITY_TEXT_BYTES];
        enum td_error got = td_quantity_parse(&v, QUANTITIES[i].text, strlen(QUANTITIES[i].text));
        cr_expect_eq(got, QUANTITIES[i].want, "'%s'", QUANTITIES[i].text);
        if (got == TD_OK) {
            td_quantity_print(text, &v);
            cr_expect_str_eq(text, QUANTITIES[i].text);
        } else {
            cr_expect(td_wei_is_zero(&v));
        }
    }
}

/* The examples of EIP-55: all upper, all lower, then mixed. */
static const char *const ADDRESSES[] = {
    "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
};

Test(base_hex, eip55_examples)
{
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        struct td_addr a;
        char text[TD_ADDR_TEXT_BYTES];
        cr_assert_eq(td_addr_parse(&a, ADDRESSES[i], 42), TD_OK, "%s", ADDRESSES[i]);
        td_addr_print(text, &a);
        cr_expect_str_eq(text, ADDRESSES[i]);
    }
}

/* Flipping the case of any letter of a mixed address breaks its checksum. */
Test(base_hex, eip55_every_case_flip)
{
    for (size_t i = 4; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        for (size_t k = 2; k < 42; k++) {
            struct td_addr a;
            char text[TD_ADDR_TEXT_BYTES];
            memcpy(text, ADDRESSES[i], sizeof text);
            if (text[k] <= '9')
                continue;
            text[k] = (char)(text[k] ^ 0x20);
            cr_expect_eq(td_addr_parse(&a, text, 42), TD_E_CORRUPT, "%s", text);
            cr_expect(td_addr_is_zero(&a));
        }
    }
}

Test(base_hex, addresses_of_one_case_or_wrong_form)
{
    struct td_addr a, b;
    const char *mixed = ADDRESSES[4];
    cr_expect_eq(td_addr_parse(&a, mixed, 42), TD_OK);
    cr_expect_eq(td_addr_parse(&b, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", 42), TD_OK);
    cr_expect(td_addr_eq(&a, &b));
    cr_expect_eq(td_addr_parse(&b, "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", 42), TD_OK);
    cr_expect(td_addr_eq(&a, &b));
    cr_expect_eq(td_addr_parse(&b, mixed + 2, 40), TD_E_MALFORMED, "prefix required");
    cr_expect_eq(td_addr_parse(&b, mixed, 41), TD_E_MALFORMED);
    cr_expect_eq(td_addr_parse(&b, mixed, 40), TD_E_MALFORMED);
    cr_expect_eq(td_addr_parse(&b, "", 0), TD_E_MALFORMED);
}
