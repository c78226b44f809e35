/* Both roots in one pass.  Digests are hashed in place, each on its own line of ascent, and only
 * the small list of what is still apart shrinks from level to level. */
#include "executor/chips.h"
#include "executor/tree/tree_internal.h"

struct pair {
    struct td_p2_digest old;
    struct td_p2_digest now; /* valid once changed */
    bool changed;
};

struct item {
    uint32_t index; /* at the current level */
    struct pair *p;
};

struct climb {
    struct item *items;
    uint32_t count;
    uint32_t level;
    uint32_t leaf_count; /* of the new tree */
    const struct td_p2_digest *siblings;
    uint32_t left; /* siblings not yet used */
};

static void hash_leaves(struct climb *c, struct pair *pairs, const struct exec_tree_change *changes)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct pair *p = &pairs[i];
        if (changes[i].old != NULL)
            exec_tree_leaf_hash(&p->old, changes[i].old);
        else
            p->old = *exec_tree_empty(0);
        p->changed = changes[i].written;
        if (p->changed)
            exec_tree_leaf_hash(&p->now, &changes[i].now);
        c->items[i] = (struct item){.index = changes[i].index, .p = p};
    }
}

/* Both children are known: the left one's pair becomes the parent's. */
static void join(struct pair *l, const struct pair *r)
{
    if (l->changed || r->changed) {
        if (!l->changed)
            l->now = l->old;
        td_chip_p2_path(l->now.e, r->changed ? r->now.e : r->old.e, 0, 1);
        l->changed = true;
    }
    td_chip_p2_path(l->old.e, r->old.e, 0, 1);
}

/* Up `levels` levels beside siblings that lie one after the other. */
static void ascend(struct item *it, const struct td_p2_digest *siblings, uint32_t levels)
{
    td_chip_p2_path(it->p->old.e, digest_elements(siblings), it->index, levels);
    if (it->p->changed)
        td_chip_p2_path(it->p->now.e, digest_elements(siblings), it->index, levels);
    it->index = levels < 32u ? it->index >> levels : 0;
}

static enum exec_tree_verdict take_siblings(struct climb *c, const struct td_p2_digest **out,
                                            uint32_t count)
{
    if (c->left < count)
        return EXEC_TREE_MISSING;
#ifndef TD_CHIPS /* p2_path refuses other words itself, and siblings are used nowhere else */
    if (!words_are_elements(digest_elements(c->siblings), count * TD_P2_DIGEST))
        return EXEC_TREE_WORD;
#endif
    *out = c->siblings;
    c->siblings += count;
    c->left -= count;
    return EXEC_TREE_OK;
}

static enum exec_tree_verdict climb_level(struct climb *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        struct item it = c->items[i];
        uint32_t beside = it.index ^ 1u;
        if (i + 1u < c->count && c->items[i + 1u].index == beside) {
            join(it.p, c->items[i + 1u].p);
            it.index >>= 1;
            i++;
        } else {
            const struct td_p2_digest *s = exec_tree_empty(c->level);
            if (!is_empty_subtree(c->level, beside, c->leaf_count)) {
                enum exec_tree_verdict v = take_siblings(c, &s, 1);
                if (v != EXEC_TREE_OK)
                    return v;
            }
            ascend(&it, s, 1);
        }
        c->items[kept++] = it;
    }
    c->count = kept;
    c->level++;
    return EXEC_TREE_OK;
}

/* From a node `index` on, `levels` levels below the root: how many siblings in a row are sent, or
 * are `*empty`.  `last` is the last node that has a leaf below it, index <= last. */
static uint32_t siblings_alike(uint32_t index, uint32_t last, uint32_t levels, bool *empty)
{
    uint32_t differ = index ^ last, run = 0;
    *empty = differ == 0 && (index & 1u) == 0;
    if (differ != 0) /* until they meet, the one on the right is still there */
        return 32u - (uint32_t)__builtin_clz(differ);
    if (index == 0)
        return levels;
    for (; (index & 1u) == (*empty ? 0u : 1u); index >>= 1)
        run++;
    return run;
}

/* One left: its siblings, sent or empty, follow each other in runs that take one call each. */
static enum exec_tree_verdict climb_alone(struct climb *c)
{
    struct item *it = &c->items[0];
    while (c->level < EXEC_TREE_DEPTH) {
        bool empty;
        uint32_t run = siblings_alike(it->index, (c->leaf_count - 1u) >> c->level,
                                      EXEC_TREE_DEPTH - c->level, &empty);
        const struct td_p2_digest *s = exec_tree_empty(c->level);
        if (!empty) {
            enum exec_tree_verdict v = take_siblings(c, &s, run);
            if (v != EXEC_TREE_OK)
                return v;
        }
        ascend(it, s, run);
        c->level += run;
    }
    return EXEC_TREE_OK;
}

static enum exec_tree_verdict climb(struct climb *c)
{
    enum exec_tree_verdict v = EXEC_TREE_OK;
    while (v == EXEC_TREE_OK && c->count > 1)
        v = climb_level(c);
    if (v == EXEC_TREE_OK)
        v = climb_alone(c);
    if (v == EXEC_TREE_OK && c->left > 0)
        v = EXEC_TREE_EXTRA;
    return v;
}

enum exec_tree_verdict exec_tree_verify(struct exec_tree_head *now,
                                        const struct exec_tree_batch *batch,
                                        const struct exec_tree_change *changes,
                                        const struct td_p2_digest *siblings, uint32_t sibling_count,
                                        struct td_arena *arena)
{
    uint32_t count = batch->place_count + batch->insert_count;
    *now = (struct exec_tree_head){.leaf_count = 0};
    if (count == 0) {
        if (sibling_count > 0)
            return EXEC_TREE_EXTRA;
        *now = batch->old;
        return EXEC_TREE_OK;
    }
    struct td_arena_mark mark = td_arena_mark(arena);
    enum exec_tree_verdict v = EXEC_TREE_NOSPACE;
    struct pair *pairs = td_arena_get(arena, count * sizeof *pairs, _Alignof(struct pair));
    struct item *items = td_arena_get(arena, count * sizeof *items, _Alignof(struct item));
    if (pairs != NULL && items != NULL) {
        struct climb c = {.items = items,
                          .count = count,
                          .leaf_count = batch->old.leaf_count + batch->insert_count,
                          .siblings = siblings,
                          .left = sibling_count};
        hash_leaves(&c, pairs, changes);
        v = climb(&c);
        const struct pair *root = items[0].p;
        if (v == EXEC_TREE_OK && !digest_eq(&root->old, &batch->old.root))
            v = EXEC_TREE_ROOT;
        if (v == EXEC_TREE_OK) {
            now->root = root->changed ? root->now : root->old;
            now->leaf_count = c.leaf_count;
        }
    }
    td_arena_rewind(arena, mark);
    return v;
}
