/* Recursive Length Prefix, canonical form only (Ethereum Yellow Paper, appendix B).
 *
 *     first byte   meaning
 *     00 .. 7f     the byte itself, a string of length 1
 *     80 .. b7     string of 0 .. 55 bytes follows
 *     b8 .. bf     1 .. 8 length bytes, then a string of >= 56 bytes
 *     c0 .. f7     list whose payload is 0 .. 55 bytes
 *     f8 .. ff     1 .. 8 length bytes, then a list payload of >= 56 bytes
 *
 * 1. Every value has exactly one accepted encoding: a single byte below 0x80 stands for itself,
 *    the short form is used when it fits, lengths carry no leading zero.
 * 2. Nothing recurses and nothing allocates: a list is entered by a reader over its payload, so
 *    depth is whatever the caller's own code has, and td_rlp_verify takes its stack from it.
 * 3. Readers have a sticky error like struct td_reader: after it, getters return zero values.
 * 4. Writing goes through struct td_writer and inherits its sticky TD_E_NOSPACE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/codec.h"
#include "base/core/error.h"
#include "base/core/types.h"

#define TD_RLP_HEADER_BYTES_MAX 9u /* first byte + 8 length bytes */

enum td_rlp_kind { TD_RLP_STRING, TD_RLP_LIST };

struct td_rlp_item {
    enum td_rlp_kind kind;
    struct td_bytes payload; /* string content, or the list's concatenated items */
    struct td_bytes whole;   /* header and payload: what gets hashed */
};

struct td_rlp_reader {
    struct td_bytes in; /* borrowed */
    size_t pos;         /* next item starts here, <= in.len */
    enum td_error err;  /* sticky */
};

/* ---- decoding */

/* Decode the first item of `in`; bytes behind it are not looked at.  Fills *out with views that
 * borrow `in`, or with an empty string item on error.  Items inside a list are not checked.
 * TD_E_TRUNCATED: `in` ends inside the item (empty input included).  TD_E_MALFORMED: not the
 * canonical form. */
TD_MUST_CHECK enum td_error td_rlp_item_decode(struct td_rlp_item *out, struct td_bytes in);

/* Check that `in` is exactly one canonical item, all nested items included, with lists nested at
 * most depth_max deep: 0 allows a string only, 1 a list of strings.  ends[depth_max] is the
 * caller's scratch, unspecified afterwards.  TD_E_LIMIT: nested deeper; TD_E_TRUNCATED: `in` ends
 * inside the outermost item; TD_E_MALFORMED: not canonical, an inner item that overruns its list,
 * or bytes behind the item.  O(bytes). */
TD_MUST_CHECK enum td_error td_rlp_verify(struct td_bytes in, size_t *ends, size_t depth_max);

/* Read consecutive items of `in` (a list's payload, or a whole message). */
void td_rlp_reader_init(struct td_rlp_reader *r, struct td_bytes in);

/* Record a failure found by the caller; the first failure wins. */
void td_rlp_reader_fail(struct td_rlp_reader *r, enum td_error err);

/* True when an item may follow: no error and bytes left. */
bool td_rlp_reader_more(const struct td_rlp_reader *r);

/* The next item, of either kind; an empty string item on error. */
struct td_rlp_item td_rlp_get_item(struct td_rlp_reader *r);

/* The next item's content, which must be a string (a list: TD_E_MALFORMED). */
struct td_bytes td_rlp_get_bytes(struct td_rlp_reader *r);

/* Fill out[len] from a string of exactly `len` bytes (else TD_E_MALFORMED, and zeros). */
void td_rlp_get_fixed(struct td_rlp_reader *r, void *out, size_t len);

/* The next item as an integer: big-endian without leading zero bytes (TD_E_MALFORMED), at most
 * 8 or 32 bytes long (TD_E_RANGE).  Zero is the empty string. */
uint64_t td_rlp_get_u64(struct td_rlp_reader *r);
void td_rlp_get_wei(struct td_rlp_reader *r, struct td_wei *out);

/* Enter the next item, which must be a list: fills *inner with a reader over its payload.  On
 * error `inner` is empty and carries the same error. */
void td_rlp_get_list(struct td_rlp_reader *r, struct td_rlp_reader *inner);

/* The sticky error, or TD_E_MALFORMED when items are left over, or TD_OK.  Call it for every
 * inner reader too. */
TD_MUST_CHECK enum td_error td_rlp_reader_finish(struct td_rlp_reader *r);

/* ---- encoding: strings and integers, then lists in one of two ways */

void td_rlp_put_bytes(struct td_writer *w, const void *ptr, size_t len);
void td_rlp_put_u64(struct td_writer *w, uint64_t v);
void td_rlp_put_wei(struct td_writer *w, const struct td_wei *v);

/* List by known size: header for `payload_bytes` of items that the caller puts next. */
void td_rlp_put_list(struct td_writer *w, size_t payload_bytes);

/* List by position: begin, put the items, end.  The end inserts the header and moves the payload
 * by up to 9 bytes, so nested use costs one move per level.  `begin` is what list_begin returned
 * for this writer, with every inner list ended already. */
size_t td_rlp_list_begin(const struct td_writer *w);
void td_rlp_list_end(struct td_writer *w, size_t begin);

/* Encoded sizes in bytes, header included. */
size_t td_rlp_bytes_size(const void *ptr, size_t len);
size_t td_rlp_u64_size(uint64_t v);
size_t td_rlp_wei_size(const struct td_wei *v);
size_t td_rlp_list_size(size_t payload_bytes);
