#define _GNU_SOURCE /* eventfd */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/host/mem.h"
#include "node/rpc/rpc_internal.h"

/* Address space; pages come when touched.  A block's payload and receipts, its entries and their
 * decoded form are below 128 MiB together (STORE_CHAIN_BYTES_MAX for the receipts' row, as much
 * again for their views). */
#define ARENA_BYTES (256u << 20)
/* The state of a run: a block's gas pays for 2,100 a slot, and 640 bytes each are 10 MiB for 30 M;
 * memory copied by creations is larger.  What does not fit ends a call, not the node. */
#define STATE_BYTES (256u << 20)
/* Kept by an idle worker, per arena. */
#define KEPT_BYTES (4u << 20)

/* ---- one worker's things */

enum td_error node_rpc_worker_init(struct node_rpc_worker *w, struct node_rpc *r)
{
    *w = (struct node_rpc_worker){.rpc = r};
    size_t vm = exec_evm_arena_bytes(r->backend.genesis->params.gas_limit);
    enum td_error err = td_mem_arena_new(&w->arena, ARENA_BYTES);
    if (err == TD_OK)
        err = td_mem_arena_new(&w->state_arena, STATE_BYTES);
    if (err == TD_OK)
        err = td_mem_arena_new(&w->vm_arena, vm);
    if (err != TD_OK)
        node_rpc_worker_reset(w);
    return err;
}

void node_rpc_worker_reset(struct node_rpc_worker *w)
{
    if (w->reader != NULL)
        store_chain_reader_close(w->reader);
    w->reader = NULL;
    td_mem_arena_free(&w->arena);
    td_mem_arena_free(&w->state_arena);
    td_mem_arena_free(&w->vm_arena);
}

static void clean(struct td_arena *a)
{
    td_arena_reset(a);
    if (a->peak <= KEPT_BYTES)
        return;
    /* Without new memory the arena is empty, and calls that need it say so. */
    size_t cap = a->cap;
    td_mem_arena_free(a);
    if (td_mem_arena_new(a, cap) != TD_OK)
        a->cap = 0;
}

void node_rpc_worker_clean(struct node_rpc_worker *w)
{
    clean(&w->arena);
    clean(&w->state_arena);
    clean(&w->vm_arena);
}

struct store_chain_reader *node_rpc_reader(struct node_rpc_worker *w, enum td_error *err)
{
    struct store_error why;
    *err = TD_OK;
    if (w->reader == NULL)
        *err = store_chain_reader_open(&w->reader, w->rpc->backend.database,
                                       &w->rpc->backend.genesis->genesis_hash, &why);
    return w->reader;
}

/* ---- the pool */

static struct node_rpc_job *take(struct node_rpc_pool *p)
{
    struct node_rpc_job *job = p->first;
    p->first = job->next;
    if (p->first == NULL)
        p->last = NULL;
    p->waiting--;
    return job;
}

static void append(struct node_rpc_job **first, struct node_rpc_job **last,
                   struct node_rpc_job *job)
{
    job->next = NULL;
    if (*last == NULL)
        *first = job;
    else
        (*last)->next = job;
    *last = job;
}

static void *run(void *arg)
{
    struct node_rpc_worker *w = arg;
    struct node_rpc_pool *p = &w->rpc->pool;
    const uint64_t one = 1;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->first == NULL && !p->stop)
            pthread_cond_wait(&p->wake, &p->lock);
        if (p->stop)
            break;
        struct node_rpc_job *job = take(p);
        pthread_mutex_unlock(&p->lock);
        job->work(job, w);
        node_rpc_worker_clean(w);
        pthread_mutex_lock(&p->lock);
        append(&p->done_first, &p->done_last, job);
        pthread_mutex_unlock(&p->lock);
        /* Fails only when the counter is full, and then the loop is awake anyway. */
        ssize_t put = write(p->event_fd, &one, sizeof one);
        (void)put;
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum td_error node_rpc_pool_init(struct node_rpc_pool *p, struct node_rpc *r, uint32_t threads)
{
    *p = (struct node_rpc_pool){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->workers = calloc(threads, sizeof *p->workers);
    enum td_error err = p->event_fd < 0 ? TD_E_IO : p->workers == NULL ? TD_E_NOMEM : TD_OK;
    for (uint32_t i = 0; i < threads && err == TD_OK; i++) {
        err = node_rpc_worker_init(&p->workers[i], r);
        if (err == TD_OK && pthread_create(&p->workers[i].thread, NULL, run, &p->workers[i]) != 0) {
            node_rpc_worker_reset(&p->workers[i]);
            err = TD_E_NOMEM;
        }
        if (err == TD_OK)
            p->thread_count++;
    }
    if (err != TD_OK)
        node_rpc_pool_reset(p);
    return err;
}

static void drop_all(struct node_rpc_job *job)
{
    while (job != NULL) {
        struct node_rpc_job *next = job->next;
        job->drop(job);
        job = next;
    }
}

void node_rpc_pool_reset(struct node_rpc_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < p->thread_count; i++) {
        pthread_join(p->workers[i].thread, NULL);
        node_rpc_worker_reset(&p->workers[i]);
    }
    p->thread_count = 0;
    drop_all(p->first);
    drop_all(p->done_first);
    p->first = p->last = p->done_first = p->done_last = NULL;
    free(p->workers);
    p->workers = NULL;
    if (p->event_fd >= 0)
        close(p->event_fd);
    p->event_fd = -1;
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
}

bool node_rpc_pool_add(struct node_rpc_pool *p, struct node_rpc_job *job, bool forced)
{
    pthread_mutex_lock(&p->lock);
    bool room = forced || p->waiting < NODE_RPC_QUEUE_MAX;
    if (room) {
        append(&p->first, &p->last, job);
        p->waiting++;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return room;
}

struct node_rpc_job *node_rpc_pool_take(struct node_rpc_pool *p)
{
    uint64_t count;
    /* Before the list is looked at: what comes onto it later wakes the loop again. */
    ssize_t got = read(p->event_fd, &count, sizeof count);
    (void)got;
    pthread_mutex_lock(&p->lock);
    struct node_rpc_job *done = p->done_first;
    p->done_first = p->done_last = NULL;
    pthread_mutex_unlock(&p->lock);
    return done;
}
