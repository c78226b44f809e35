#include "tests/sim/queue.h"

#include <stdlib.h>

#include "base/core/assert.h"

#define ARITY 4u
#define START_CAP 1024u

void sim_queue_init(struct sim_queue *q)
{
    *q = (struct sim_queue){.cap = START_CAP};
    q->item = malloc(q->cap * sizeof *q->item);
    TD_ASSERT(q->item != NULL);
}

void sim_queue_free(struct sim_queue *q)
{
    free(q->item);
    *q = (struct sim_queue){0};
}

static bool before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

void sim_queue_put(struct sim_queue *q, struct sim_item item)
{
    if (q->count == q->cap) {
        q->cap *= 2;
        q->item = realloc(q->item, q->cap * sizeof *q->item);
        TD_ASSERT(q->item != NULL);
    }
    item.seq = q->seq++;
    size_t at = q->count++;
    if (q->count > q->peak)
        q->peak = q->count;
    while (at > 0) {
        size_t up = (at - 1) / ARITY;
        if (!before(&item, &q->item[up]))
            break;
        q->item[at] = q->item[up];
        at = up;
    }
    q->item[at] = item;
}

bool sim_queue_get(struct sim_queue *q, struct sim_item *out)
{
    if (q->count == 0)
        return false;
    *out = q->item[0];
    struct sim_item last = q->item[--q->count];
    size_t at = 0;
    for (;;) {
        size_t first = at * ARITY + 1;
        if (first >= q->count)
            break;
        size_t end = first + ARITY < q->count ? first + ARITY : q->count;
        size_t best = first;
        for (size_t i = first + 1; i < end; i++)
            if (before(&q->item[i], &q->item[best]))
                best = i;
        if (!before(&q->item[best], &last))
            break;
        q->item[at] = q->item[best];
        at = best;
    }
    if (q->count > 0)
        q->item[at] = last;
    return true;
}
