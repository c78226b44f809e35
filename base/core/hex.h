/* Text forms of binary values: hex, JSON-RPC quantities, decimal wei, checksummed addresses.
 *
 * 1. Parsers accept exactly the documented grammar: no sign, no space, no underscore, no
 *    terminator inside the given length; on error the output is zero.
 * 2. Printers write a NUL terminator and lower-case hex, except the EIP-55 address form.
 * 3. Every printed value parses back to itself, and every accepted text prints back to itself up
 *    to letter case and an optional prefix. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

#define TD_WEI_TEXT_BYTES 79u      /* 2^256 - 1 has 78 digits, plus NUL */
#define TD_ADDR_TEXT_BYTES 43u     /* 0x, 40 digits, NUL */
#define TD_HASH_TEXT_BYTES 67u     /* 0x, 64 digits, NUL */
#define TD_QUANTITY_TEXT_BYTES 67u /* 0x, up to 64 digits, NUL */

/* What a hex text must begin with; the prefix is "0x", never "0X". */
enum td_hex_prefix { TD_HEX_PREFIXED, TD_HEX_BARE, TD_HEX_EITHER };

/* Write 2 * len digits (after "0x" for TD_HEX_PREFIXED) and NUL.  TD_E_NOSPACE, and "" when cap
 * allows it, when out is too small.  TD_HEX_EITHER writes the prefix. */
TD_MUST_CHECK enum td_error td_hex_encode(char *out, size_t cap, enum td_hex_prefix prefix,
                                          const void *data, size_t len);

/* Decode text[0 .. text_len) into out[0 .. cap) and set *len.  TD_E_MALFORMED: wrong prefix, odd
 * number of digits, or a character that is no hex digit.  TD_E_NOSPACE: more than cap bytes.
 * On error *len is 0 and out is unspecified within cap. */
TD_MUST_CHECK enum td_error td_hex_decode(void *out, size_t cap, size_t *len,
                                          enum td_hex_prefix prefix, const char *text,
                                          size_t text_len);

/* As td_hex_decode, but exactly `len` bytes (else TD_E_MALFORMED); zeros on error. */
TD_MUST_CHECK enum td_error td_hex_decode_fixed(void *out, size_t len, enum td_hex_prefix prefix,
                                                const char *text, size_t text_len);

/* "0x" and 64 digits. */
void td_hash_print(char out[TD_HASH_TEXT_BYTES], const struct td_hash *v);

/* Decimal digits only; a leading zero only in "0" (TD_E_MALFORMED otherwise); at most 2^256 - 1
 * (TD_E_RANGE). */
TD_MUST_CHECK enum td_error td_wei_parse(struct td_wei *out, const char *text, size_t text_len);
void td_wei_print(char out[TD_WEI_TEXT_BYTES], const struct td_wei *v);

/* JSON-RPC QUANTITY: "0x" and at least one digit, no leading zero except "0x0"; at most 64
 * digits (TD_E_RANGE). */
TD_MUST_CHECK enum td_error td_quantity_parse(struct td_wei *out, const char *text,
                                              size_t text_len);
void td_quantity_print(char out[TD_QUANTITY_TEXT_BYTES], const struct td_wei *v);

/* EIP-55: print with the checksum in the letter case.  Parse needs "0x" and 40 digits; letters
 * all of one case carry no checksum and are accepted, mixed case must match it (else
 * TD_E_CORRUPT). */
void td_addr_print(char out[TD_ADDR_TEXT_BYTES], const struct td_addr *v);
TD_MUST_CHECK enum td_error td_addr_parse(struct td_addr *out, const char *text, size_t text_len);
