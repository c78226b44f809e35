/* Threads beside the loop: jobs go to one in order and come back to the loop in the same order.
 *
 *     loop: put(job) ─▶ [thread: run(all jobs that wait)] ─▶ mailbox ─▶ loop: job->done(job)
 *
 * 1. A thread takes everything that waits at once, so that it can share what is costly (one fsync,
 *    one batch of signatures) among jobs.
 * 2. done is called on the loop's thread, in the order of put.  After stop none is called: `drop`
 *    is, for jobs that came back or never ran.
 * 3. How many jobs may wait is the callers' bound: each kind of job has one, stated where it is
 *    made. */
#pragma once

#include <event2/event.h>
#include <stddef.h>

struct node_job {
    struct node_job *next;
    void (*done)(struct node_job *job); /* owns the job from then on */
    void (*drop)(struct node_job *job); /* instead of done, when the node stops */
};

struct node_mailbox;
struct node_thread;

/* NULL when the system has no descriptors or memory. */
struct node_mailbox *node_mailbox_new(struct event_base *base);
/* Drops what is in it; threads that post to it must have stopped. */
void node_mailbox_free(struct node_mailbox *m);

/* `run` gets the jobs that wait, in order, linked by `next`; it must leave the links alone. */
struct node_thread *node_thread_new(struct node_mailbox *mailbox, const char *name, void *ctx,
                                    void (*run)(void *ctx, struct node_job *jobs));
void node_thread_put(struct node_thread *t, struct node_job *job);
/* Jobs put and not yet done or dropped. */
size_t node_thread_waiting(struct node_thread *t);
/* Finish the jobs that wait (finish) or drop them, and join. */
void node_thread_stop(struct node_thread *t, int finish);
