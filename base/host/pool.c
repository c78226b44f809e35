#include "base/host/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/core/assert.h"

struct td_pool {
    pthread_mutex_t turn; /* held by the thread whose run is in progress */
    pthread_mutex_t lock; /* guards everything below except `next` */
    pthread_cond_t work;  /* a new run has begun, or stop */
    pthread_cond_t done;  /* busy fell to 0 */
    unsigned long run;    /* number of the current run */
    size_t busy;          /* workers that have not finished the current run */
    bool stop;

    /* The current run; constant while busy > 0. */
    void (*fn)(void *ctx, size_t index);
    void *ctx;
    size_t count;
    atomic_size_t next; /* next index to hand out; may pass count */

    size_t thread_count;
    pthread_t threads[];
};

/* The pool whose function this thread is executing: detects a run from inside a run. */
static _Thread_local const struct td_pool *inside;

static void drain(struct td_pool *pool)
{
    inside = pool;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= pool->count)
            break;
        pool->fn(pool->ctx, i);
    }
    inside = NULL;
}

static void *worker(void *arg)
{
    struct td_pool *pool = arg;
    unsigned long seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stop && pool->run == seen)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->run;
        pthread_mutex_unlock(&pool->lock);
        drain(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct td_pool *td_pool_new(size_t threads)
{
    if (threads > TD_POOL_THREADS_MAX)
        return NULL;
    struct td_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL)
        return NULL;
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    atomic_init(&pool->next, 0);
    while (pool->thread_count < threads) {
        if (pthread_create(&pool->threads[pool->thread_count], NULL, worker, pool) != 0) {
            td_pool_free(pool);
            return NULL;
        }
        pool->thread_count++;
    }
    return pool;
}

void td_pool_free(struct td_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    TD_ASSERT(pool->busy == 0);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

size_t td_pool_threads(const struct td_pool *pool)
{
    return pool->thread_count;
}

void td_pool_run(struct td_pool *pool, void (*fn)(void *ctx, size_t index), void *ctx, size_t count)
{
    if (pool == NULL) {
        for (size_t i = 0; i < count; i++)
            fn(ctx, i);
        return;
    }
    TD_ASSERT(inside != pool);
    pthread_mutex_lock(&pool->turn);
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->ctx = ctx;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->busy = pool->thread_count;
    pool->run++;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);

    drain(pool);

    /* Every worker takes part, even if only to find nothing left: then none can still be looking
     * at this run when the next one begins. */
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_unlock(&pool->turn);
}
