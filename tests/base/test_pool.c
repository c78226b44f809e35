/* base/host/pool: every index exactly once, for any number of threads; no nested run. */
#include <signal.h>
#include <stdatomic.h>

#include <criterion/criterion.h>

#include "base/host/pool.h"

#define COUNT_MAX 1000

static atomic_uint hits[COUNT_MAX];

static void hit(void *ctx, size_t index)
{
    atomic_uint *base = ctx;
    atomic_fetch_add(&base[index], 1);
}

Test(base_pool, every_index_once)
{
    static const size_t COUNTS[] = {0, 1, 2, 7, COUNT_MAX};
    for (size_t threads = 0; threads <= 5; threads++) {
        struct td_pool *pool = threads == 5 ? NULL : td_pool_new(threads);
        if (threads < 5)
            cr_assert_eq(td_pool_threads(pool), threads);
        for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
            for (unsigned repeat = 0; repeat < 20; repeat++) {
                for (size_t i = 0; i < COUNT_MAX; i++)
                    atomic_store(&hits[i], 0);
                td_pool_run(pool, hit, hits, COUNTS[c]);
                for (size_t i = 0; i < COUNT_MAX; i++)
                    cr_assert_eq(atomic_load(&hits[i]), i < COUNTS[c] ? 1u : 0u);
            }
        }
        td_pool_free(pool);
    }
}

Test(base_pool, too_many_threads_are_refused)
{
    cr_expect_null(td_pool_new(TD_POOL_THREADS_MAX + 1));
}

static void nested(void *ctx, size_t index)
{
    (void)index;
    td_pool_run(ctx, nested, ctx, 1);
}

Test(base_pool, nested_run_aborts, .signal = SIGABRT)
{
    struct td_pool *pool = td_pool_new(0);
    td_pool_run(pool, nested, pool, 1);
}
