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
