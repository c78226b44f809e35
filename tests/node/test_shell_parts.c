/* The shell's small parts: the table of things by hash, and threads that hand jobs back. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/core/rng.h"
#include "node/shell/blob.h"
#include "node/shell/table.h"
#include "node/shell/thread.h"

/* ---- table */

struct item {
    struct td_hash hash;
    uint32_t number;
};

static struct td_hash hash_of(uint32_t i, bool clash)
{
    struct td_hash h = {{0}};
    memcpy(h.b + 8, &i, sizeof i); /* the first 8 bytes choose the slot */
    if (!clash)
        memcpy(h.b, &i, sizeof i);
    return h;
}

static void check_table(uint32_t count, bool clash)
{
    struct node_table t;
    struct item *items = calloc(count, sizeof *items);
    struct td_rng rng;
    td_rng_init(&rng, 7);
    node_table_init(&t, 0x9e3779b97f4a7c15u);
    bool *in = calloc(count, sizeof *in);
    uint32_t present = 0;
    for (uint32_t step = 0; step < 20u * count; step++) {
        uint32_t i = (uint32_t)td_rng_below(&rng, count);
        items[i].hash = hash_of(i, clash);
        items[i].number = i;
        if (in[i]) {
            node_table_remove(&t, &items[i].hash);
            present--;
        } else {
            cr_assert(node_table_put(&t, &items[i]));
            present++;
        }
        in[i] = !in[i];
        cr_assert_eq(t.count, present);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct td_hash h = hash_of(i, clash);
        cr_assert_eq(node_table_find(&t, &h), in[i] ? &items[i] : NULL, "item %u", i);
    }
    uint32_t at = 0, seen = 0;
    while (node_table_next(&t, &at) != NULL)
        seen++;
    cr_assert_eq(seen, present);
    node_table_free(&t);
    free(items);
    free(in);
}

Test(shell_table, agrees_with_a_plain_list)
{
    check_table(500, false);
}

Test(shell_table, keys_of_one_slot_are_kept_apart)
{
    check_table(60, true);
}

Test(shell_table, an_empty_table_finds_and_removes_nothing)
{
    struct node_table t;
    struct td_hash h = hash_of(1, false);
    uint32_t at = 0;
    node_table_init(&t, 1);
    node_table_remove(&t, &h);
    cr_assert_null(node_table_find(&t, &h));
    cr_assert_null(node_table_next(&t, &at));
    node_table_free(&t);
}

/* ---- threads */

#define JOBS 1000u

struct counting {
    struct node_job job;
    struct event_base *base;
    uint32_t number, *done, *dropped, last;
    bool ran;
};

static void run(void *ctx, struct node_job *jobs)
{
    uint32_t *ran = ctx;
    for (struct node_job *j = jobs; j != NULL; j = j->next) {
        ((struct counting *)j)->ran = true;
        (*ran)++;
    }
}

static void done(struct node_job *job)
{
    struct counting *c = (struct counting *)job;
    cr_assert(c->ran);
    cr_assert_eq(c->number, *c->done, "jobs come back in order");
    if (++*c->done == c->last)
        event_base_loopbreak(c->base);
    free(c);
}

static void drop(struct node_job *job)
{
    struct counting *c = (struct counting *)job;
    ++*c->dropped;
    free(c);
}

static void put(struct node_thread *t, struct event_base *base, uint32_t number, uint32_t *count,
                uint32_t *dropped, uint32_t last)
{
    struct counting *c = calloc(1, sizeof *c);
    c->job.done = done;
    c->job.drop = drop;
    c->base = base;
    c->number = number;
    c->done = count;
    c->dropped = dropped;
    c->last = last;
    node_thread_put(t, &c->job);
}

Test(shell_thread, jobs_run_once_and_come_back_in_order)
{
    struct event_base *base = event_base_new();
    struct node_mailbox *m = node_mailbox_new(base);
    uint32_t ran = 0, count = 0, dropped = 0;
    struct node_thread *t = node_thread_new(m, "test", &ran, run);
    for (uint32_t i = 0; i < JOBS; i++)
        put(t, base, i, &count, &dropped, JOBS);
    event_base_dispatch(base);
    cr_assert_eq(count, JOBS);
    cr_assert_eq(ran, JOBS);
    cr_assert_eq(node_thread_waiting(t), 0u);
    node_thread_stop(t, 1);
    node_mailbox_free(m);
    event_base_free(base);
    cr_assert_eq(dropped, 0u);
}

Test(shell_thread, stopping_drops_what_did_not_come_back)
{
    struct event_base *base = event_base_new();
    struct node_mailbox *m = node_mailbox_new(base);
    uint32_t ran = 0, count = 0, dropped = 0;
    struct node_thread *t = node_thread_new(m, "test", &ran, run);
    for (uint32_t i = 0; i < JOBS; i++)
        put(t, base, i, &count, &dropped, JOBS + 1u);
    node_thread_stop(t, 1);
    cr_assert_eq(ran, JOBS, "all that waited was finished");
    node_mailbox_free(m);
    event_base_free(base);
    cr_assert_eq(count + dropped, JOBS);
    cr_assert_eq(count, 0u, "nothing comes back without the loop");
}

/* ---- blobs */

Test(shell_blob, lives_until_the_last_count_goes)
{
    struct node_blob *b = node_blob_copy(td_bytes_of("abc", 3));
    cr_assert_eq(node_blob_ref(b), b);
    node_blob_drop(b);
    cr_assert_eq(b->len, 3u);
    cr_assert_eq(memcmp(node_blob_view(b).ptr, "abc", 3), 0);
    node_blob_drop(b);
    node_blob_drop(NULL);
    cr_assert_eq(node_blob_view(NULL).len, 0u);
}
