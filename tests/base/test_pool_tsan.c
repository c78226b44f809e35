/* The pool under ThreadSanitizer: plain (non-atomic) results written by workers and read by the
 * caller, runs from two threads at once, and free right after a run.  Plain main because Criterion
 * does not run under TSan; any report makes the process fail. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "base/core/assert.h"
#include "base/host/pool.h"

#define COUNT 512

struct job {
    struct td_pool *pool;
    uint64_t factor;
    uint64_t out[COUNT];
};

static void multiply(void *ctx, size_t index)
{
    struct job *j = ctx;
    j->out[index] = (uint64_t)index * j->factor;
}

static void *runs(void *arg)
{
    struct job *j = arg;
    for (uint64_t round = 1; round <= 200; round++) {
        j->factor = round;
        td_pool_run(j->pool, multiply, j, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            TD_ASSERT(j->out[i] == i * round);
    }
    return NULL;
}

int main(void)
{
    static struct job a;
    static struct job b;
    for (size_t threads = 0; threads <= 4; threads += 2) {
        struct td_pool *pool = td_pool_new(threads);
        TD_ASSERT(pool != NULL);
        a.pool = pool;
        b.pool = pool;
        pthread_t other;
        TD_ASSERT(pthread_create(&other, NULL, runs, &b) == 0);
        runs(&a);
        TD_ASSERT(pthread_join(other, NULL) == 0);
        td_pool_free(pool);
    }
    printf("pool: 1200 runs of %d, no race\n", COUNT);
    return 0;
}
