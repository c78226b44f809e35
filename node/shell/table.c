#include "node/shell/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"

#define FIRST_CAP 64u

static uint32_t home(const struct node_table *t, const struct td_hash *hash)
{
    uint64_t x;
    memcpy(&x, hash->b, sizeof x);
    x = (x ^ t->secret) * (t->secret | 1u);
    return (uint32_t)(x >> 32) & (t->cap - 1u);
}

void node_table_init(struct node_table *t, uint64_t secret)
{
    *t = (struct node_table){.secret = secret};
}

void node_table_free(struct node_table *t)
{
    free(t->slot);
    *t = (struct node_table){0};
}

/* The slot of `hash`, or the free one where it belongs. */
static uint32_t probe(const struct node_table *t, const struct td_hash *hash)
{
    uint32_t i = home(t, hash);
    while (t->slot[i] != NULL && !td_hash_eq((const struct td_hash *)t->slot[i], hash))
        i = (i + 1u) & (t->cap - 1u);
    return i;
}

void *node_table_find(const struct node_table *t, const struct td_hash *hash)
{
    return t->cap == 0 ? NULL : t->slot[probe(t, hash)];
}

static bool grow(struct node_table *t)
{
    struct node_table wider = {.cap = t->cap == 0 ? FIRST_CAP : 2u * t->cap, .secret = t->secret};
    wider.slot = calloc(wider.cap, sizeof *wider.slot);
    if (wider.slot == NULL)
        return false;
    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slot[i] != NULL)
            wider.slot[probe(&wider, t->slot[i])] = t->slot[i];
    wider.count = t->count;
    free(t->slot);
    *t = wider;
    return true;
}

bool node_table_put(struct node_table *t, void *item)
{
    if (2u * (t->count + 1u) > t->cap && !grow(t))
        return false;
    uint32_t i = probe(t, item);
    TD_ASSERT(t->slot[i] == NULL);
    t->slot[i] = item;
    t->count++;
    return true;
}

void node_table_remove(struct node_table *t, const struct td_hash *hash)
{
    if (t->cap == 0)
        return;
    uint32_t hole = probe(t, hash);
    if (t->slot[hole] == NULL)
        return;
    t->count--;
    t->slot[hole] = NULL;
    for (uint32_t i = (hole + 1u) & (t->cap - 1u); t->slot[i] != NULL;
         i = (i + 1u) & (t->cap - 1u)) {
        uint32_t want = home(t, t->slot[i]);
        uint32_t mask = t->cap - 1u;
        if (((i - want) & mask) < ((i - hole) & mask))
            continue; /* its home lies behind the hole: it stays */
        t->slot[hole] = t->slot[i];
        t->slot[i] = NULL;
        hole = i;
    }
}

void *node_table_next(const struct node_table *t, uint32_t *at)
{
    while (*at < t->cap)
        if (t->slot[(*at)++] != NULL)
            return t->slot[*at - 1u];
    return NULL;
}
