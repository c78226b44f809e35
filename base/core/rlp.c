#include "base/core/rlp.h"

#include "base/core/assert.h"

#define SHORT_MAX 55u /* longest payload whose length fits the first byte */

/* ---- decoding */

static enum td_error item_fail(struct td_rlp_item *out, enum td_error err)
{
    *out = (struct td_rlp_item){.kind = TD_RLP_STRING};
    return err;
}

/* Length of a long form: `count` (1..8) big-endian bytes at `p`. */
static enum td_error long_length(size_t *out, const uint8_t *p, size_t count)
{
    uint64_t v = 0;
    *out = 0;
    if (p[0] == 0)
        return TD_E_MALFORMED;
    for (size_t i = 0; i < count; i++)
        v = v << 8 | p[i];
    if (v <= SHORT_MAX)
        return TD_E_MALFORMED;
    if (v > SIZE_MAX)
        return TD_E_TRUNCATED; /* longer than any input this machine can hold */
    *out = (size_t)v;
    return TD_OK;
}

enum td_error td_rlp_item_decode(struct td_rlp_item *out, struct td_bytes in)
{
    if (in.len == 0)
        return item_fail(out, TD_E_TRUNCATED);

    uint8_t first = in.ptr[0];
    if (first < 0x80) {
        *out = (struct td_rlp_item){
            .kind = TD_RLP_STRING, .payload = td_bytes_of(in.ptr, 1), .whole = {in.ptr, 1}};
        return TD_OK;
    }

    enum td_rlp_kind kind = first < 0xC0 ? TD_RLP_STRING : TD_RLP_LIST;
    size_t code = first & 0x3Fu; /* 0..63: the length, or 55 + the number of length bytes */
    size_t header = 1;
    size_t payload = code;
    if (code > SHORT_MAX) {
        header = 1 + code - SHORT_MAX;
        if (header > in.len)
            return item_fail(out, TD_E_TRUNCATED);
        enum td_error err = long_length(&payload, in.ptr + 1, header - 1);
        if (err != TD_OK)
            return item_fail(out, err);
    }
    if (payload > in.len - header)
        return item_fail(out, TD_E_TRUNCATED);
    if (kind == TD_RLP_STRING && payload == 1 && in.ptr[header] < 0x80)
        return item_fail(out, TD_E_MALFORMED); /* a small byte stands for itself */
    *out = (struct td_rlp_item){
        .kind = kind,
        .payload = td_bytes_of(in.ptr + header, payload),
        .whole = td_bytes_of(in.ptr, header + payload),
    };
    return TD_OK;
}

enum td_error td_rlp_verify(struct td_bytes in, size_t *ends, size_t depth_max)
{
    size_t pos = 0;
    size_t depth = 0;

    do {
        size_t end = depth == 0 ? in.len : ends[depth - 1];
        struct td_rlp_item item;
        enum td_error err = td_rlp_item_decode(&item, td_bytes_of(in.ptr + pos, end - pos));
        if (err == TD_E_TRUNCATED && depth > 0)
            return TD_E_MALFORMED; /* more input would not help: the list has ended */
        if (err != TD_OK)
            return err;
        if (depth == 0 && item.whole.len != in.len)
            return TD_E_MALFORMED;
        if (item.kind == TD_RLP_LIST) {
            if (depth == depth_max)
                return TD_E_LIMIT;
            ends[depth] = pos + item.whole.len;
            depth++;
            pos += item.whole.len - item.payload.len;
        } else {
            pos += item.whole.len;
        }
        while (depth > 0 && pos == ends[depth - 1])
            depth--;
    } while (depth > 0);
    return TD_OK;
}

void td_rlp_reader_init(struct td_rlp_reader *r, struct td_bytes in)
{
    *r = (struct td_rlp_reader){.in = in, .pos = 0, .err = TD_OK};
}

void td_rlp_reader_fail(struct td_rlp_reader *r, enum td_error err)
{
    if (r->err == TD_OK)
        r->err = err;
}

bool td_rlp_reader_more(const struct td_rlp_reader *r)
{
    return r->err == TD_OK && r->pos < r->in.len;
}

struct td_rlp_item td_rlp_get_item(struct td_rlp_reader *r)
{
    struct td_rlp_item item = {.kind = TD_RLP_STRING};
    if (r->err != TD_OK)
        return item;
    size_t left = r->in.len - r->pos;
    r->err = td_rlp_item_decode(&item, td_bytes_of(left == 0 ? NULL : r->in.ptr + r->pos, left));
    r->pos += item.whole.len; /* 0 on error */
    return item;
}

struct td_bytes td_rlp_get_bytes(struct td_rlp_reader *r)
{
    struct td_rlp_item item = td_rlp_get_item(r);
    if (item.kind != TD_RLP_STRING) {
        td_rlp_reader_fail(r, TD_E_MALFORMED);
        return td_bytes_of(NULL, 0);
    }
    return item.payload;
}

void td_rlp_get_fixed(struct td_rlp_reader *r, void *out, size_t len)
{
    struct td_bytes v = td_rlp_get_bytes(r);
    if (v.len != len)
        td_rlp_reader_fail(r, TD_E_MALFORMED);
    if (len == 0)
        return;
    if (r->err == TD_OK)
        memcpy(out, v.ptr, len);
    else
        memset(out, 0, len);
}

/* The next string as an integer of at most `bytes_max` bytes; empty on error. */
static struct td_bytes get_integer(struct td_rlp_reader *r, size_t bytes_max)
{
    struct td_bytes v = td_rlp_get_bytes(r);
    if (v.len > 0 && v.ptr[0] == 0)
        td_rlp_reader_fail(r, TD_E_MALFORMED);
    else if (v.len > bytes_max)
        td_rlp_reader_fail(r, TD_E_RANGE);
    return r->err == TD_OK ? v : td_bytes_of(NULL, 0);
}

uint64_t td_rlp_get_u64(struct td_rlp_reader *r)
{
    struct td_bytes v = get_integer(r, 8);
    uint64_t out = 0;
    for (size_t i = 0; i < v.len; i++)
        out = out << 8 | v.ptr[i];
    return out;
}

void td_rlp_get_wei(struct td_rlp_reader *r, struct td_wei *out)
{
    struct td_bytes v = get_integer(r, TD_WEI_BYTES);
    if (v.len <= 8) { /* most are: what a list of many costs depends on it */
        *out = (struct td_wei){{0}};
        for (size_t i = 0; i < v.len; i++)
            out->limb[0] = out->limb[0] << 8 | v.ptr[i];
        return;
    }
    uint8_t word[TD_WEI_BYTES] = {0};
    memcpy(word + TD_WEI_BYTES - v.len, v.ptr, v.len);
    td_wei_decode(out, word);
}

void td_rlp_get_list(struct td_rlp_reader *r, struct td_rlp_reader *inner)
{
    struct td_rlp_item item = td_rlp_get_item(r);
    if (item.kind != TD_RLP_LIST) {
        td_rlp_reader_fail(r, TD_E_MALFORMED);
        item.payload = td_bytes_of(NULL, 0);
    }
    td_rlp_reader_init(inner, item.payload);
    inner->err = r->err;
}

enum td_error td_rlp_reader_finish(struct td_rlp_reader *r)
{
    if (r->err == TD_OK && r->pos != r->in.len)
        r->err = TD_E_MALFORMED;
    return r->err;
}

/* ---- encoding */

/* Bytes of the shortest big-endian form of v; 0 for 0. */
static size_t u64_bytes(uint64_t v)
{
    size_t n = 0;
    while (v != 0) {
        n++;
        v >>= 8;
    }
    return n;
}

static size_t header_bytes(size_t payload)
{
    return payload <= SHORT_MAX ? 1 : 1 + u64_bytes(payload);
}

/* Write the header of `header_bytes(payload)` bytes at `at`; base is 0x80 or 0xC0. */
static void header_write(uint8_t *at, uint8_t base, size_t payload)
{
    if (payload <= SHORT_MAX) {
        at[0] = (uint8_t)(base + payload);
        return;
    }
    size_t n = u64_bytes(payload);
    at[0] = (uint8_t)(base + SHORT_MAX + n);
    for (size_t i = 0; i < n; i++)
        at[1 + i] = (uint8_t)((uint64_t)payload >> (8u * (n - 1 - i)));
}

static bool is_own_encoding(const uint8_t *p, size_t len)
{
    return len == 1 && p[0] < 0x80;
}

size_t td_rlp_bytes_size(const void *ptr, size_t len)
{
    return is_own_encoding(ptr, len) ? 1 : header_bytes(len) + len;
}

void td_rlp_put_bytes(struct td_writer *w, const void *ptr, size_t len)
{
    uint8_t *at = td_put_space(w, td_rlp_bytes_size(ptr, len));
    if (at == NULL)
        return;
    if (is_own_encoding(ptr, len)) {
        at[0] = *(const uint8_t *)ptr;
        return;
    }
    header_write(at, 0x80, len);
    if (len > 0)
        memcpy(at + header_bytes(len), ptr, len);
}

size_t td_rlp_u64_size(uint64_t v)
{
    return v < 0x80 ? 1 : 1 + u64_bytes(v);
}

void td_rlp_put_u64(struct td_writer *w, uint64_t v)
{
    struct td_wei wide = td_wei_of_u64(v);
    td_rlp_put_wei(w, &wide);
}

/* The shortest big-endian form of v: a tail of `word`. */
static struct td_bytes wei_tail(uint8_t word[TD_WEI_BYTES], const struct td_wei *v)
{
    size_t skip = 0;
    td_wei_encode(word, v);
    while (skip < TD_WEI_BYTES && word[skip] == 0)
        skip++;
    return td_bytes_of(word + skip, TD_WEI_BYTES - skip);
}

size_t td_rlp_wei_size(const struct td_wei *v)
{
    uint8_t word[TD_WEI_BYTES];
    struct td_bytes tail = wei_tail(word, v);
    return td_rlp_bytes_size(tail.ptr, tail.len);
}

void td_rlp_put_wei(struct td_writer *w, const struct td_wei *v)
{
    uint8_t word[TD_WEI_BYTES];
    struct td_bytes tail = wei_tail(word, v);
    td_rlp_put_bytes(w, tail.ptr, tail.len);
}

size_t td_rlp_list_size(size_t payload_bytes)
{
    return header_bytes(payload_bytes) + payload_bytes;
}

void td_rlp_put_list(struct td_writer *w, size_t payload_bytes)
{
    uint8_t *at = td_put_space(w, header_bytes(payload_bytes));
    if (at != NULL)
        header_write(at, 0xC0, payload_bytes);
}

size_t td_rlp_list_begin(const struct td_writer *w)
{
    return w->len;
}

void td_rlp_list_end(struct td_writer *w, size_t begin)
{
    TD_ASSERT(begin <= w->len);
    size_t payload = w->len - begin;
    size_t header = header_bytes(payload);
    if (td_put_space(w, header) == NULL)
        return;
    memmove(w->ptr + begin + header, w->ptr + begin, payload);
    header_write(w->ptr + begin, 0xC0, payload);
}
