/* Arenas whose memory comes from the operating system: one mapping, zeroed, given back whole.
 * The only place in base that allocates for others; everything else receives memory. */
#pragma once

#include <stddef.h>

#include "base/core/arena.h"
#include "base/core/error.h"

/* Map at least `bytes` (>= 1, rounded up to pages) of zeroed memory and fill *out with an empty
 * arena over it.  TD_E_NOMEM, and an arena of capacity 0, when refused.  Pages are backed on first
 * touch, so a generous size costs address space only. */
TD_MUST_CHECK enum td_error td_mem_arena_new(struct td_arena *out, size_t bytes);

/* Unmap; all pointers from the arena become invalid, and *a is an empty arena of capacity 0.
 * Freeing it again does nothing. */
void td_mem_arena_free(struct td_arena *a);
