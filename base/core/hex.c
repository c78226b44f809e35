#include "base/core/hex.h"

#include <stdbool.h>

#include "base/core/keccak.h"

static const char DIGITS[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

/* Value of a hex digit, or 16. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10u;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10u;
    return 16;
}

static void put_digits(char *out, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = DIGITS[p[i] >> 4];
        out[2 * i + 1] = DIGITS[p[i] & 15u];
    }
}

enum td_error td_hex_encode(char *out, size_t cap, enum td_hex_prefix prefix, const void *data,
                            size_t len)
{
    size_t skip = prefix == TD_HEX_BARE ? 0 : 2;
    if (cap > 0)
        out[0] = '\0';
    if (cap < skip + 1 || len > (cap - skip - 1) / 2)
        return TD_E_NOSPACE;
    if (skip != 0) {
        out[0] = '0';
        out[1] = 'x';
    }
    put_digits(out + skip, data, len);
    out[skip + 2 * len] = '\0';
    return TD_OK;
}

/* Length of the prefix that `text` has and may have; TD_E_MALFORMED when it does not conform. */
static enum td_error take_prefix(size_t *skip, enum td_hex_prefix prefix, const char *text,
                                 size_t text_len)
{
    bool present = text_len >= 2 && text[0] == '0' && text[1] == 'x';
    *skip = present ? 2 : 0;
    if (prefix == TD_HEX_PREFIXED && !present)
        return TD_E_MALFORMED;
    if (prefix == TD_HEX_BARE && present)
        return TD_E_MALFORMED;
    return TD_OK;
}

enum td_error td_hex_decode(void *out, size_t cap, size_t *len, enum td_hex_prefix prefix,
                            const char *text, size_t text_len)
{
    uint8_t *bytes = out;
    size_t skip;
    *len = 0;
    enum td_error err = take_prefix(&skip, prefix, text, text_len);
    if (err != TD_OK)
        return err;
    size_t digits = text_len - skip;
    if (digits % 2 != 0)
        return TD_E_MALFORMED;
    if (digits / 2 > cap)
        return TD_E_NOSPACE;
    for (size_t i = 0; i < digits / 2; i++) {
        unsigned high = digit_value(text[skip + 2 * i]);
        unsigned low = digit_value(text[skip + 2 * i + 1]);
        if (high > 15 || low > 15)
            return TD_E_MALFORMED;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *len = digits / 2;
    return TD_OK;
}

enum td_error td_hex_decode_fixed(void *out, size_t len, enum td_hex_prefix prefix,
                                  const char *text, size_t text_len)
{
    size_t got;
    enum td_error err = td_hex_decode(out, len, &got, prefix, text, text_len);
    if (err == TD_OK && got == len)
        return TD_OK;
    if (len > 0)
        memset(out, 0, len);
    return TD_E_MALFORMED;
}

void td_hash_print(char out[TD_HASH_TEXT_BYTES], const struct td_hash *v)
{
    out[0] = '0';
    out[1] = 'x';
    put_digits(out + 2, v->b, TD_HASH_BYTES);
    out[TD_HASH_TEXT_BYTES - 1] = '\0';
}

/* ---- numbers */

/* Fold digits of base 10 or 16 into *out. */
static enum td_error parse_digits(struct td_wei *out, unsigned base, const char *text, size_t len)
{
    struct td_wei v = td_wei_of_u64(0);
    enum td_error err = TD_OK;
    *out = v;
    if (len == 0 || (text[0] == '0' && len > 1))
        return TD_E_MALFORMED;
    for (size_t i = 0; i < len; i++) {
        unsigned d = digit_value(text[i]);
        if (d >= base)
            return TD_E_MALFORMED; /* grammar before magnitude: "9..9x" is malformed */
        if (td_wei_mul_u64(&v, &v, base, d) != TD_OK)
            err = TD_E_RANGE;
    }
    if (err == TD_OK)
        *out = v;
    return err;
}

enum td_error td_wei_parse(struct td_wei *out, const char *text, size_t text_len)
{
    return parse_digits(out, 10, text, text_len);
}

void td_wei_print(char out[TD_WEI_TEXT_BYTES], const struct td_wei *v)
{
    char reversed[TD_WEI_TEXT_BYTES];
    struct td_wei rest = *v;
    size_t n = 0;
    do {
        reversed[n++] = DIGITS[td_wei_div_u32(&rest, 10)];
    } while (!td_wei_is_zero(&rest));
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
}

enum td_error td_quantity_parse(struct td_wei *out, const char *text, size_t text_len)
{
    size_t skip;
    *out = td_wei_of_u64(0);
    enum td_error err = take_prefix(&skip, TD_HEX_PREFIXED, text, text_len);
    if (err != TD_OK)
        return err;
    return parse_digits(out, 16, text + skip, text_len - skip);
}

void td_quantity_print(char out[TD_QUANTITY_TEXT_BYTES], const struct td_wei *v)
{
    uint8_t word[TD_WEI_BYTES];
    char digits[2 * TD_WEI_BYTES];
    size_t skip = 0;
    td_wei_encode(word, v);
    put_digits(digits, word, sizeof word);
    while (skip < sizeof digits - 1 && digits[skip] == '0')
        skip++;
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, digits + skip, sizeof digits - skip);
    out[2 + sizeof digits - skip] = '\0';
}

/* ---- addresses (EIP-55) */

void td_addr_print(char out[TD_ADDR_TEXT_BYTES], const struct td_addr *v)
{
    struct td_hash h;
    out[0] = '0';
    out[1] = 'x';
    put_digits(out + 2, v->b, TD_ADDR_BYTES);
    out[TD_ADDR_TEXT_BYTES - 1] = '\0';
    td_keccak256(&h, out + 2, (size_t)2 * TD_ADDR_BYTES);
    for (size_t i = 0; i < (size_t)2 * TD_ADDR_BYTES; i++) {
        unsigned nibble = i % 2 == 0 ? h.b[i / 2] >> 4 : h.b[i / 2] & 15u;
        if (nibble >= 8 && out[2 + i] >= 'a')
            out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
    }
}

enum td_error td_addr_parse(struct td_addr *out, const char *text, size_t text_len)
{
    bool upper = false;
    bool lower = false;
    char printed[TD_ADDR_TEXT_BYTES];
    enum td_error err = td_hex_decode_fixed(out->b, TD_ADDR_BYTES, TD_HEX_PREFIXED, text, text_len);
    if (err != TD_OK)
        return err;
    for (size_t i = 2; i < text_len; i++) {
        upper = upper || (text[i] >= 'A' && text[i] <= 'F');
        lower = lower || (text[i] >= 'a' && text[i] <= 'f');
    }
    if (!upper || !lower)
        return TD_OK;
    td_addr_print(printed, out);
    if (memcmp(printed, text, TD_ADDR_TEXT_BYTES - 1u) == 0)
        return TD_OK;
    *out = (struct td_addr){{0}};
    return TD_E_CORRUPT;
}
