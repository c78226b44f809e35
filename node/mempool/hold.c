#include <stdlib.h>

#include "node/mempool/mempool_internal.h"

uint32_t node_mempool_mark_take(struct node_mempool *m, const struct td_hash *hash)
{
    struct mempool_mark *mark = node_mempool_index_find(&m->marks, hash->b);
    if (mark == NULL)
        return 0;
    uint32_t holds = mark->holds;
    node_mempool_index_remove(&m->marks, hash->b);
    free(mark);
    return holds;
}

/* Without memory the hash is not remembered: holding saves work, and what is taken twice is
 * skipped by the executor. */
static void mark_add(struct node_mempool *m, const struct td_hash *hash, uint32_t holds)
{
    struct mempool_mark *mark = node_mempool_index_find(&m->marks, hash->b);
    if (mark != NULL) {
        mark->holds += holds;
        return;
    }
    mark = malloc(sizeof *mark);
    if (mark == NULL)
        return;
    *mark = (struct mempool_mark){*hash, holds};
    if (!node_mempool_index_put(&m->marks, mark))
        free(mark);
}

static void hold_one(struct node_mempool *m, const struct td_hash *hash)
{
    struct mempool_entry *e = node_mempool_index_find(&m->by_hash, hash->b);
    if (e == NULL) {
        mark_add(m, hash, 1);
        return;
    }
    if (e->holds++ == 0) {
        m->stats.held++;
        node_mempool_dirty(m, e->account);
    }
}

static void release_one(struct node_mempool *m, const struct td_hash *hash)
{
    struct mempool_entry *e = node_mempool_index_find(&m->by_hash, hash->b);
    if (e == NULL) {
        struct mempool_mark *mark = node_mempool_index_find(&m->marks, hash->b);
        if (mark != NULL && --mark->holds == 0)
            (void)node_mempool_mark_take(m, hash);
        return;
    }
    if (e->holds > 0 && --e->holds == 0) { /* 0: its mark found no memory */
        m->stats.held--;
        node_mempool_dirty(m, e->account);
    }
}

static uint32_t hold_find(const struct node_mempool *m, const struct td_hash *block)
{
    uint32_t i = 0;
    while (i < m->hold_count && !td_hash_eq(&m->holds[i].block, block))
        i++;
    return i;
}

static void hold_end(struct node_mempool *m, uint32_t index)
{
    struct mempool_hold h = m->holds[index];
    m->hold_count--;
    memmove(m->holds + index, m->holds + index + 1, (m->hold_count - index) * sizeof m->holds[0]);
    for (uint32_t i = 0; i < h.count; i++)
        release_one(m, &h.hashes[i]);
    free(h.hashes);
}

void node_mempool_hold(struct node_mempool *m, const struct td_hash *block,
                       const struct td_hash *hashes, uint32_t count)
{
    if (count == 0 || count > TD_TXS_PER_BLOCK_MAX || hold_find(m, block) < m->hold_count)
        return; /* more than a block has: not a block */
    struct td_hash *copy = malloc(count * sizeof *copy);
    if (copy == NULL)
        return;
    memcpy(copy, hashes, count * sizeof *copy);
    bool full = m->hold_count == NODE_MEMPOOL_HOLDS_MAX;
    if (full)
        hold_end(m, 0);
    m->holds[m->hold_count++] =
        (struct mempool_hold){.block = *block, .hashes = copy, .count = count};
    for (uint32_t i = 0; i < count; i++)
        hold_one(m, &copy[i]);
    node_mempool_flush(m, full, false);
}

void node_mempool_release(struct node_mempool *m, const struct td_hash *block)
{
    uint32_t i = hold_find(m, block);
    if (i == m->hold_count)
        return;
    hold_end(m, i);
    node_mempool_flush(m, true, false);
}

void node_mempool_settle(struct node_mempool *m, const struct td_hash *block,
                         const struct td_hash *hashes, uint32_t count,
                         const struct td_addr *senders, uint32_t sender_count, uint64_t now_ns)
{
    if (now_ns > m->now_ns)
        m->now_ns = now_ns;
    uint32_t held = hold_find(m, block);
    if (held < m->hold_count)
        hold_end(m, held);
    for (uint32_t i = 0; i < count; i++) {
        struct mempool_entry *e = node_mempool_index_find(&m->by_hash, hashes[i].b);
        if (e == NULL)
            continue;
        if (e->holds > 0) /* another block has it too, and will be released or settled */
            mark_add(m, &hashes[i], e->holds);
        node_mempool_drop(m, e);
    }
    for (uint32_t i = 0; i < sender_count; i++) {
        struct mempool_account *a = node_mempool_account_find(m, &senders[i]);
        if (a != NULL)
            node_mempool_dirty(m, a);
    }
    node_mempool_flush(m, true, true);
}

void node_mempool_holds_free(struct node_mempool *m)
{
    for (uint32_t i = 0; i < m->hold_count; i++)
        free(m->holds[i].hashes);
    if (m->marks.slots == NULL)
        return;
    for (uint32_t i = 0;; i++) {
        free(m->marks.slots[i].record);
        if (i == m->marks.mask)
            return;
    }
}
