/* Fixed pool of worker threads with one operation: run a function for every index.
 *
 *     caller:  run ----- takes indices too ----- waits for the last one ---> returns
 *     worker:  sleep --- takes indices ------------------------------------> sleep
 *
 * 1. Indices are handed out in ascending order, each exactly once; completion order is arbitrary,
 *    so the function must depend on its index only.
 * 2. When td_pool_run returns, every call has returned, and their writes are visible.
 * 3. Runs from several threads queue up; a run from inside the function is a bug (it would wait
 *    for itself) and aborts.
 * 4. With 0 threads everything happens inline on the caller: same results, no threads at all. */
#pragma once

#include <stddef.h>

#define TD_POOL_THREADS_MAX 256u /* beyond any machine this runs on; a typing error, not a wish */

struct td_pool;

/* Start `threads` workers (0 .. TD_POOL_THREADS_MAX; the caller of run works too).  NULL when the
 * system refuses memory or a thread, or `threads` is out of range; nothing is left behind then. */
struct td_pool *td_pool_new(size_t threads);

/* Stop and join the workers; no run may be in progress.  NULL is allowed. */
void td_pool_free(struct td_pool *pool);

size_t td_pool_threads(const struct td_pool *pool);

/* Call fn(ctx, i) for i = 0 .. count - 1 and wait.  A NULL pool runs inline. */
void td_pool_run(struct td_pool *pool, void (*fn)(void *ctx, size_t index), void *ctx,
                 size_t count);
