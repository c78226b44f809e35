#include "base/core/arena.h"

#include "base/core/assert.h"
#include "base/core/memory.h"

void td_arena_init(struct td_arena *a, void *mem, size_t cap)
{
    *a = (struct td_arena){.base = mem, .cap = cap, .used = 0, .peak = 0};
}

void td_arena_reset(struct td_arena *a)
{
    a->used = 0;
}

void *td_arena_get(struct td_arena *a, size_t bytes, size_t align)
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

void *td_arena_get_zeroed(struct td_arena *a, size_t bytes, size_t align)
{
    void *at = td_arena_get(a, bytes, align);
    if (at != NULL)
        memset(at, 0, bytes);
    return at;
}

void *td_arena_get_array(struct td_arena *a, size_t count, size_t size, size_t align)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return td_arena_get_zeroed(a, count * size, align);
}

size_t td_arena_left(const struct td_arena *a)
{
    return a->cap - a->used;
}

struct td_arena_mark td_arena_mark(const struct td_arena *a)
{
    return (struct td_arena_mark){.used = a->used};
}

void td_arena_rewind(struct td_arena *a, struct td_arena_mark mark)
{
    TD_ASSERT(mark.used <= a->used);
    a->used = mark.used;
}
