#define _DEFAULT_SOURCE
#include "base/host/mem.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/core/assert.h"

enum td_error td_mem_arena_new(struct td_arena *out, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    TD_ASSERT(bytes >= 1);
    td_arena_init(out, NULL, 0);
    size_t rounded = (bytes + page - 1) / page * page; /* 0 when it wraps, which mmap refuses */
    /* No swap is set aside: generous arenas would be refused for what they never touch. */
    void *mem = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mem == MAP_FAILED)
        return TD_E_NOMEM;
    td_arena_init(out, mem, rounded);
    return TD_OK;
}

void td_mem_arena_free(struct td_arena *a)
{
    if (a->base != NULL)
        TD_ASSERT(munmap(a->base, a->cap) == 0);
    td_arena_init(a, NULL, 0);
}
