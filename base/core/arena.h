/* Bump arena over memory the caller owns: many allocations, one lifetime, no free.
 *
 *     | used .......... | free ............... |
 *     0                used                   cap      peak = largest `used` ever
 *
 * 1. used <= peak <= cap.  Nothing is allocated or released by the arena itself.
 * 2. Memory comes back zeroed only from td_arena_get_zeroed; reset and rewind do not clear.
 * 3. A refused request changes nothing, so the caller may go on with smaller ones. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/assert.h"

struct td_arena {
    uint8_t *base; /* borrowed; [cap] bytes */
    size_t cap;
    size_t used; /* bytes, alignment padding included */
    size_t peak; /* high-water mark in bytes; survives reset */
};

/* A position to return to; valid until the arena is rewound below it or reset. */
struct td_arena_mark {
    size_t used;
};

/* Borrow mem[0 .. cap) for the life of `a`; mem may be NULL when cap is 0. */
void td_arena_init(struct td_arena *a, void *mem, size_t cap);

/* Forget every allocation; all pointers handed out become invalid. */
void td_arena_reset(struct td_arena *a);

/* `bytes` of uninitialised memory whose address is a multiple of `align` (a power of two:
 * anything else is a bug).  NULL when it does not fit.  bytes 0 yields a valid, unique-or-end
 * pointer unless the arena's base is NULL. */
static inline void *td_arena_get(struct td_arena *a, size_t bytes, size_t align)
{
    TD_ASSERT(align != 0);
    TD_ASSERT((align & (align - 1)) == 0);
    if (a->base == NULL)
        return NULL;

    /* The address is aligned, not the offset: the caller's memory may start anywhere. */
    size_t pad = (size_t)(0 - (uintptr_t)(a->base + a->used)) & (align - 1);
    size_t left = a->cap - a->used;
    if (pad > left || bytes > left - pad)
        return NULL;
    uint8_t *at = a->base + a->used + pad;
    a->used += pad + bytes;
    if (a->used > a->peak)
        a->peak = a->used;
    return at;
}

/* As td_arena_get, filled with zeros. */
void *td_arena_get_zeroed(struct td_arena *a, size_t bytes, size_t align);

/* `count` zeroed elements of `size` bytes; NULL also when count * size overflows. */
void *td_arena_get_array(struct td_arena *a, size_t count, size_t size, size_t align);

/* Typed form of td_arena_get_array. */
#define TD_ARENA_NEW(arena, type, count)                                                           \
    ((type *)td_arena_get_array((arena), (count), sizeof(type), _Alignof(type)))

/* Bytes left, before alignment. */
static inline size_t td_arena_left(const struct td_arena *a)
{
    return a->cap - a->used;
}

static inline struct td_arena_mark td_arena_mark(const struct td_arena *a)
{
    return (struct td_arena_mark){.used = a->used};
}

/* Give back everything allocated since the mark was taken; a mark above `used` is a bug. */
static inline void td_arena_rewind(struct td_arena *a, struct td_arena_mark mark)
{
    TD_ASSERT(mark.used <= a->used);
    a->used = mark.used;
}
