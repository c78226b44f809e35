/* Text parsers of base/core/hex on arbitrary bytes.  Whatever is accepted must print back to the
 * text it came from (up to letter case and prefix), and errors must leave zeros. */
#include <stdbool.h>
#include <stdint.h>

#include "base/core/assert.h"
#include "base/core/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool same_text(const char *a, const char *b, size_t len, bool fold_case)
{
    for (size_t i = 0; i < len; i++) {
        char x = a[i];
        char y = b[i];
        if (fold_case && x >= 'A' && x <= 'F')
            x = (char)(x - 'A' + 'a');
        if (fold_case && y >= 'A' && y <= 'F')
            y = (char)(y - 'A' + 'a');
        if (x != y)
            return false;
    }
    return b[len] == '\0';
}

static void check_hex(const char *text, size_t len)
{
    for (unsigned p = 0; p < 3; p++) {
        uint8_t bytes[64];
        char back[2 + 2 * sizeof bytes + 1];
        size_t got;
        enum td_hex_prefix prefix = (enum td_hex_prefix)p;
        enum td_error err = td_hex_decode(bytes, sizeof bytes, &got, prefix, text, len);
        if (err != TD_OK) {
            TD_ASSERT(got == 0);
            continue;
        }
        bool prefixed = len == 2 * got + 2;
        TD_ASSERT(prefixed || len == 2 * got);
        TD_ASSERT(td_hex_encode(back, sizeof back, prefixed ? TD_HEX_PREFIXED : TD_HEX_BARE, bytes,
                                got) == TD_OK);
        TD_ASSERT(same_text(text, back, len, true));
    }
}

static void check_numbers(const char *text, size_t len)
{
    struct td_wei v;
    char decimal[TD_WEI_TEXT_BYTES];
    char quantity[TD_QUANTITY_TEXT_BYTES];
    if (td_wei_parse(&v, text, len) == TD_OK) {
        td_wei_print(decimal, &v);
        TD_ASSERT(same_text(text, decimal, len, false));
    } else {
        TD_ASSERT(td_wei_is_zero(&v));
    }
    if (td_quantity_parse(&v, text, len) == TD_OK) {
        td_quantity_print(quantity, &v);
        TD_ASSERT(same_text(text, quantity, len, true));
    } else {
        TD_ASSERT(td_wei_is_zero(&v));
    }
}

static void check_address(const char *text, size_t len)
{
    struct td_addr a;
    struct td_addr again;
    char printed[TD_ADDR_TEXT_BYTES];
    enum td_error err = td_addr_parse(&a, text, len);
    if (err == TD_OK) {
        td_addr_print(printed, &a);
        TD_ASSERT(same_text(text, printed, len, true));
        TD_ASSERT(td_addr_parse(&again, printed, TD_ADDR_TEXT_BYTES - 1u) == TD_OK);
        TD_ASSERT(td_addr_eq(&a, &again));
    } else {
        TD_ASSERT(td_addr_is_zero(&a));
    }
}

/* Any 20 or 32 bytes are a value: it must survive being printed and parsed. */
static void check_values(const uint8_t *data, size_t len)
{
    struct td_wei v;
    struct td_wei back;
    struct td_addr a;
    char text[TD_WEI_TEXT_BYTES];
    char address[TD_ADDR_TEXT_BYTES];
    if (len < TD_WEI_BYTES)
        return;
    td_wei_decode(&v, data);
    td_wei_print(text, &v);
    TD_ASSERT(td_wei_parse(&back, text, td_bytes_of_text(text).len) == TD_OK);
    TD_ASSERT(td_wei_cmp(&v, &back) == 0);
    memcpy(a.b, data, TD_ADDR_BYTES);
    td_addr_print(address, &a);
    check_address(address, TD_ADDR_TEXT_BYTES - 1u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    check_hex(text, len);
    check_numbers(text, len);
    check_address(text, len);
    check_values(data, len);
    return 0;
}
