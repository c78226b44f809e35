#include "node/shell/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/core/assert.h"

struct list {
    struct node_job *first, **end;
};

struct node_mailbox {
    pthread_mutex_t mutex;
    struct list list;
    int fd;
    struct event *event;
};

struct node_thread {
    struct node_mailbox *mailbox;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct list list;
    bool stopping;
    void *ctx;
    void (*run)(void *ctx, struct node_job *jobs);
    atomic_size_t waiting;
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void list_add(struct list *l, struct node_job *job)
{
    job->next = NULL;
    *l->end = job;
    l->end = &job->next;
}

static struct node_job *list_take(struct list *l)
{
    struct node_job *jobs = l->first;
    list_init(l);
    return jobs;
}

static void drop_all(struct node_job *jobs)
{
    while (jobs != NULL) {
        struct node_job *job = jobs;
        jobs = job->next;
        job->drop(job);
    }
}

/* ---- mailbox */

static void deliver(evutil_socket_t fd, short what, void *arg)
{
    struct node_mailbox *m = arg;
    uint64_t count;
    (void)what;
    (void)!read(fd, &count, sizeof count);
    pthread_mutex_lock(&m->mutex);
    struct node_job *jobs = list_take(&m->list);
    pthread_mutex_unlock(&m->mutex);
    while (jobs != NULL) {
        struct node_job *job = jobs;
        jobs = job->next;
        job->done(job);
    }
}

struct node_mailbox *node_mailbox_new(struct event_base *base)
{
    struct node_mailbox *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    list_init(&m->list);
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    m->event = m->fd < 0 ? NULL : event_new(base, m->fd, EV_READ | EV_PERSIST, deliver, m);
    if (m->event == NULL || event_add(m->event, NULL) != 0) {
        if (m->event != NULL)
            event_free(m->event);
        if (m->fd >= 0)
            close(m->fd);
        free(m);
        return NULL;
    }
    pthread_mutex_init(&m->mutex, NULL);
    return m;
}

void node_mailbox_free(struct node_mailbox *m)
{
    if (m == NULL)
        return;
    drop_all(m->list.first);
    event_free(m->event);
    close(m->fd);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

static void post(struct node_mailbox *m, struct node_job *jobs)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&m->mutex);
    bool first = m->list.first == NULL;
    while (jobs != NULL) {
        struct node_job *job = jobs;
        jobs = job->next;
        list_add(&m->list, job);
    }
    pthread_mutex_unlock(&m->mutex);
    if (first) {
        ssize_t n = write(m->fd, &one, sizeof one);
        TD_ASSERT(n == sizeof one || errno == EAGAIN);
    }
}

/* ---- thread */

static void *work(void *arg)
{
    struct node_thread *t = arg;
    pthread_mutex_lock(&t->mutex);
    for (;;) {
        while (t->list.first == NULL && !t->stopping)
            pthread_cond_wait(&t->more, &t->mutex);
        struct node_job *jobs = list_take(&t->list);
        if (jobs == NULL)
            break;
        pthread_mutex_unlock(&t->mutex);
        size_t count = 0;
        for (const struct node_job *j = jobs; j != NULL; j = j->next)
            count++;
        t->run(t->ctx, jobs);
        atomic_fetch_sub(&t->waiting, count);
        post(t->mailbox, jobs);
        pthread_mutex_lock(&t->mutex);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

struct node_thread *node_thread_new(struct node_mailbox *mailbox, const char *name, void *ctx,
                                    void (*run)(void *ctx, struct node_job *jobs))
{
    struct node_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->mailbox = mailbox;
    t->ctx = ctx;
    t->run = run;
    list_init(&t->list);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->more, NULL);
    if (pthread_create(&t->thread, NULL, work, t) != 0) {
        pthread_cond_destroy(&t->more);
        pthread_mutex_destroy(&t->mutex);
        free(t);
        return NULL;
    }
    pthread_setname_np(t->thread, name);
    return t;
}

void node_thread_put(struct node_thread *t, struct node_job *job)
{
    atomic_fetch_add(&t->waiting, 1);
    pthread_mutex_lock(&t->mutex);
    list_add(&t->list, job);
    pthread_cond_signal(&t->more);
    pthread_mutex_unlock(&t->mutex);
}

size_t node_thread_waiting(struct node_thread *t)
{
    return atomic_load(&t->waiting);
}

void node_thread_stop(struct node_thread *t, int finish)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->mutex);
    t->stopping = true;
    struct node_job *left = finish ? NULL : list_take(&t->list);
    pthread_cond_signal(&t->more);
    pthread_mutex_unlock(&t->mutex);
    drop_all(left);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->more);
    pthread_mutex_destroy(&t->mutex);
    free(t);
}
