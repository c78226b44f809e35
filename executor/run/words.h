/* Reading and writing the run's words with a sticky error.  Hashes are copied as bytes. */
#pragma once

#include "base/core/types.h"
#include "executor/run.h"

/* Before the header. */
#define HEADER_PAD 1u
_Static_assert((HEADER_PAD + EXEC_HEADER_BYTES) % 4u == 0, "whole words");

struct words {
    const uint32_t *at, *end;
    bool bad;
};

static inline const uint32_t *words_take(struct words *w, size_t count)
{
    if (w->bad || (size_t)(w->end - w->at) < count) {
        w->bad = true;
        return NULL;
    }
    const uint32_t *p = w->at;
    w->at += count;
    return p;
}

static inline uint32_t words_u32(struct words *w)
{
    const uint32_t *p = words_take(w, 1);
    return p == NULL ? 0 : *p;
}

static inline uint64_t words_u64(struct words *w)
{
    uint64_t low = words_u32(w);
    return low | (uint64_t)words_u32(w) << 32;
}

/* `bytes` is a multiple of 4. */
static inline void words_copy(struct words *w, void *out, size_t bytes)
{
    const uint32_t *p = words_take(w, bytes / 4u);
    if (p == NULL)
        memset(out, 0, bytes);
    else
        memcpy(out, p, bytes);
}

/* A view of `bytes` bytes, zero padding to the word checked. */
static inline struct td_bytes words_bytes(struct words *w, size_t bytes)
{
    const uint32_t *p = words_take(w, bytes / 4u + (bytes % 4u != 0));
    if (p == NULL)
        return (struct td_bytes){0};
    const uint8_t *b = (const uint8_t *)p;
    for (size_t i = bytes; i % 4u != 0; i++)
        w->bad |= b[i] != 0;
    return td_bytes_of(b, bytes);
}

static inline void put_u32(struct exec_run_writer *w, uint32_t v)
{
    if (w->need < w->cap)
        w->words[w->need] = v;
    w->need++;
}

static inline void put_u64(struct exec_run_writer *w, uint64_t v)
{
    put_u32(w, (uint32_t)v);
    put_u32(w, (uint32_t)(v >> 32));
}

/* Any length; the last word is padded with zeros. */
static inline void put_bytes(struct exec_run_writer *w, const void *p, size_t bytes)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4 && i + k < bytes; k++)
            v |= (uint32_t)b[i + k] << (8u * k);
        put_u32(w, v);
    }
}
