/* Bounded big-endian writer and reader with a sticky error: the wire format's two primitives.
 *
 *     write:  init, put, put, put ...; look at err once, then use ptr[0 .. len)
 *     read:   init, get, get, get ...; finish says whether everything was well-formed
 *
 * 1. `err` is TD_OK until the first failure and keeps that failure for ever after.
 * 2. A writer never writes beyond cap; after an error it writes nothing more, and len stays at
 *    the end of the last complete field.
 * 3. A reader never reads beyond len; after an error every getter returns zero (or fills
 *    zeros, or the empty view) and pos no longer moves, so a decoder may run to its end
 *    without a check per field.  Counts that came from a reader must be bounded before they
 *    drive a loop: after an error they are zero.
 * 4. Nothing here allocates or retains the caller's memory beyond the struct's life. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/memory.h"
#include "base/core/types.h"

struct td_writer {
    uint8_t *ptr; /* borrowed; [cap] bytes */
    size_t cap;
    size_t len;        /* bytes written so far, <= cap */
    enum td_error err; /* TD_OK or TD_E_NOSPACE */
};

struct td_reader {
    const uint8_t *ptr; /* borrowed; [len] bytes */
    size_t len;
    size_t pos; /* next byte to read, <= len */
    enum td_error err;
};

/* ---- writer */

/* Write into buf[0 .. cap); buf may be NULL when cap is 0. */
static inline void td_writer_init(struct td_writer *w, void *buf, size_t cap)
{
    *w = (struct td_writer){.ptr = buf, .cap = cap, .len = 0, .err = TD_OK};
}

/* Reserve the next `len` bytes and return where they start; NULL after TD_E_NOSPACE, and
 * also for len 0.  The caller fills all of them. */
static inline uint8_t *td_put_space(struct td_writer *w, size_t len)
{
    if (w->err != TD_OK || len == 0)
        return NULL;
    if (len > w->cap - w->len) {
        w->err = TD_E_NOSPACE;
        return NULL;
    }
    uint8_t *at = w->ptr + w->len;
    w->len += len;
    return at;
}

static inline void td_put_u8(struct td_writer *w, uint8_t v)
{
    uint8_t *at = td_put_space(w, 1);
    if (at != NULL)
        at[0] = v;
}

static inline void td_put_u16(struct td_writer *w, uint16_t v)
{
    uint8_t *at = td_put_space(w, 2);
    if (at != NULL) {
        at[0] = (uint8_t)(v >> 8);
        at[1] = (uint8_t)v;
    }
}

static inline void td_put_u32(struct td_writer *w, uint32_t v)
{
    uint8_t *at = td_put_space(w, 4);
    if (at != NULL) {
        at[0] = (uint8_t)(v >> 24);
        at[1] = (uint8_t)(v >> 16);
        at[2] = (uint8_t)(v >> 8);
        at[3] = (uint8_t)v;
    }
}

static inline void td_put_u64(struct td_writer *w, uint64_t v)
{
    uint8_t *at = td_put_space(w, 8);
    if (at != NULL) {
        at[0] = (uint8_t)(v >> 56);
        at[1] = (uint8_t)(v >> 48);
        at[2] = (uint8_t)(v >> 40);
        at[3] = (uint8_t)(v >> 32);
        at[4] = (uint8_t)(v >> 24);
        at[5] = (uint8_t)(v >> 16);
        at[6] = (uint8_t)(v >> 8);
        at[7] = (uint8_t)v;
    }
}

/* Copy `len` bytes; ptr may be NULL when len is 0. */
static inline void td_put_bytes(struct td_writer *w, const void *ptr, size_t len)
{
    uint8_t *at = td_put_space(w, len);
    if (at != NULL)
        memcpy(at, ptr, len);
}

static inline void td_put_hash(struct td_writer *w, const struct td_hash *v)
{
    td_put_bytes(w, v->b, TD_HASH_BYTES);
}

static inline void td_put_addr(struct td_writer *w, const struct td_addr *v)
{
    td_put_bytes(w, v->b, TD_ADDR_BYTES);
}

static inline void td_put_sig(struct td_writer *w, const struct td_sig *v)
{
    td_put_bytes(w, v->b, TD_SIG_BYTES);
}

/* ---- reader */

/* Read from ptr[0 .. len); ptr may be NULL when len is 0. */
static inline void td_reader_init(struct td_reader *r, const void *ptr, size_t len)
{
    *r = (struct td_reader){.ptr = ptr, .len = len, .pos = 0, .err = TD_OK};
}

/* Record a failure found by the caller (a tag out of range, a wrong length); the first
 * failure wins.  `err` must not be TD_OK: passing it changes nothing. */
static inline void td_reader_fail(struct td_reader *r, enum td_error err)
{
    if (r->err == TD_OK)
        r->err = err;
}

/* Bytes left to read; 0 after an error. */
static inline size_t td_reader_left(const struct td_reader *r)
{
    return r->err == TD_OK ? r->len - r->pos : 0;
}

/* Consume `len` bytes and return where they start; NULL on error (TD_E_TRUNCATED when too few
 * are left), and also for len 0. */
static inline const uint8_t *td_get_space(struct td_reader *r, size_t len)
{
    if (r->err != TD_OK || len == 0)
        return NULL;
    if (len > r->len - r->pos) {
        r->err = TD_E_TRUNCATED;
        return NULL;
    }
    const uint8_t *at = r->ptr + r->pos;
    r->pos += len;
    return at;
}

static inline uint8_t td_get_u8(struct td_reader *r)
{
    const uint8_t *at = td_get_space(r, 1);
    return at == NULL ? 0 : at[0];
}

static inline uint16_t td_get_u16(struct td_reader *r)
{
    const uint8_t *at = td_get_space(r, 2);
    return at == NULL ? 0 : (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

static inline uint32_t td_get_u32(struct td_reader *r)
{
    const uint8_t *at = td_get_space(r, 4);
    if (at == NULL)
        return 0;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t td_get_u64(struct td_reader *r)
{
    const uint8_t *at = td_get_space(r, 8);
    if (at == NULL)
        return 0;
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | at[7];
}

/* One byte that must be 0 or 1; anything else is TD_E_MALFORMED. */
static inline bool td_get_bool(struct td_reader *r)
{
    uint8_t v = td_get_u8(r);
    if (v > 1)
        td_reader_fail(r, TD_E_MALFORMED);
    return v == 1;
}

/* Fill out[0 .. len) with the next bytes, or with zeros on error. */
static inline void td_get_bytes(struct td_reader *r, void *out, size_t len)
{
    const uint8_t *at = td_get_space(r, len);
    if (at != NULL)
        memcpy(out, at, len);
    else if (len > 0)
        memset(out, 0, len);
}

static inline void td_get_hash(struct td_reader *r, struct td_hash *out)
{
    td_get_bytes(r, out->b, TD_HASH_BYTES);
}

static inline void td_get_addr(struct td_reader *r, struct td_addr *out)
{
    td_get_bytes(r, out->b, TD_ADDR_BYTES);
}

static inline void td_get_sig(struct td_reader *r, struct td_sig *out)
{
    td_get_bytes(r, out->b, TD_SIG_BYTES);
}

/* Consume `len` bytes without copying.  The view borrows the reader's memory; it is empty on
 * error and for len 0. */
static inline struct td_bytes td_get_view(struct td_reader *r, size_t len)
{
    const uint8_t *at = td_get_space(r, len);
    return at == NULL ? td_bytes_of(NULL, 0) : td_bytes_of(at, len);
}

/* The verdict on the whole input: the sticky error, or TD_E_MALFORMED (which then sticks) when
 * bytes are left over, or TD_OK. */
static inline TD_MUST_CHECK enum td_error td_reader_finish(struct td_reader *r)
{
    if (r->err == TD_OK && r->pos != r->len)
        r->err = TD_E_MALFORMED;
    return r->err;
}
