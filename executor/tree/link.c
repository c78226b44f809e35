#include "executor/tree/tree_internal.h"

void exec_tree_sort(uint32_t *items, uint32_t *tmp, uint32_t count, const void *owner,
                    bool (*before)(const void *owner, uint32_t a, uint32_t b))
{
    for (uint32_t width = 1; width<count; width = width> count / 2u ? count : 2u * width) {
        for (uint32_t from = 0; from < count;) {
            uint32_t mid = count - from > width ? from + width : count;
            uint32_t end = count - mid > width ? mid + width : count;
            uint32_t a = from, b = mid;
            for (uint32_t i = from; i < end; i++) {
                bool right = a == mid || (b < end && before(owner, items[b], items[a]));
                tmp[i] = right ? items[b++] : items[a++];
            }
            from = end;
        }
        memcpy(items, tmp, count * sizeof items[0]);
    }
}

static enum exec_tree_verdict check_places(const struct exec_tree_batch *b,
                                           struct exec_tree_change *changes)
{
    for (uint32_t i = 0; i < b->place_count; i++) {
        const struct exec_tree_place *p = &b->places[i];
        if (i > 0 && p->index <= b->places[i - 1u].index)
            return EXEC_TREE_ORDER;
        if (p->index >= b->old.leaf_count)
            return EXEC_TREE_INDEX;
        if (!words_are_elements(leaf_elements(&p->leaf), EXEC_TREE_LEAF_ELEMENTS))
            return EXEC_TREE_WORD;
        changes[i].index = p->index;
        changes[i].access = EXEC_TREE_NONE;
        changes[i].written = false;
        changes[i].used = false;
        changes[i].old = &p->leaf;
    }
    return EXEC_TREE_OK;
}

/* Present, or absent between its place and the next?  *inserting counts what must be inserted. */
static enum exec_tree_verdict check_access(const struct exec_tree_batch *b, uint32_t number,
                                           struct exec_tree_change *changes, uint32_t *inserting)
{
    struct exec_tree_access *a = &b->accesses[number];
    if (a->place >= b->place_count)
        return EXEC_TREE_PLACE;
    struct exec_tree_change *c = &changes[a->place];
    const struct exec_tree_leaf *leaf = c->old;
    int order = exec_key_cmp(&a->key, &leaf->key);
    c->used = true;
    a->present = order == 0;
    if (order != 0) {
        if (order < 0 || exec_key_cmp(&a->key, &leaf->next) >= 0)
            return EXEC_TREE_BETWEEN;
        *inserting += a->write ? 1u : 0u;
        return EXEC_TREE_OK;
    }
    if (c->index == 0)
        return EXEC_TREE_BETWEEN; /* nobody's key: the sentinel's */
    if (c->access != EXEC_TREE_NONE)
        return EXEC_TREE_DUPLICATE;
    c->access = number;
    if (a->write) {
        c->written = true;
        c->now.key = leaf->key;
        c->now.value = a->value;
        c->now.next = leaf->next;
    }
    return EXEC_TREE_OK;
}

/* New leaves in order of key.  Those after one predecessor stand together: between its key and its
 * old `next` there is no other old key. */
static enum exec_tree_verdict insert_all(const struct exec_tree_batch *b,
                                         struct exec_tree_change *changes)
{
    struct exec_tree_change *fresh = changes + b->place_count;
    for (uint32_t i = 0; i < b->insert_count; i++) {
        uint32_t number = b->inserts[i];
        if (number >= b->access_count)
            return EXEC_TREE_INSERTS;
        const struct exec_tree_access *a = &b->accesses[number];
        if (!a->write || a->present)
            return EXEC_TREE_INSERTS;
        struct exec_tree_change *pred = &changes[a->place];
        struct exec_tree_leaf *before = &pred->now;
        if (i > 0) {
            int order = exec_key_cmp(&fresh[i - 1u].now.key, &a->key);
            if (order >= 0)
                return order == 0 ? EXEC_TREE_DUPLICATE : EXEC_TREE_INSERTS;
            if (b->accesses[b->inserts[i - 1u]].place == a->place)
                before = &fresh[i - 1u].now;
        }
        if (before == &pred->now && !pred->written) {
            pred->written = true;
            pred->now = *pred->old;
        }
        fresh[i].index = b->old.leaf_count + i;
        fresh[i].access = number;
        fresh[i].written = true;
        fresh[i].used = true;
        fresh[i].old = NULL;
        fresh[i].now.key = a->key;
        fresh[i].now.value = a->value;
        fresh[i].now.next = before->next;
        before->next = a->key;
    }
    return EXEC_TREE_OK;
}

static enum exec_tree_verdict link(struct exec_tree_change *changes, struct exec_tree_batch *b)
{
    uint32_t inserting = 0;
    enum exec_tree_verdict v = check_places(b, changes);
    for (uint32_t i = 0; v == EXEC_TREE_OK && i < b->access_count; i++)
        v = check_access(b, i, changes, &inserting);
    if (v == EXEC_TREE_OK)
        v = insert_all(b, changes);
    if (v != EXEC_TREE_OK)
        return v;
    /* The keys in inserts[] increase strictly, so none is listed twice, and equal numbers mean
     * that none is missing. */
    if (inserting != b->insert_count)
        return EXEC_TREE_INSERTS;
    for (uint32_t i = 0; i < b->place_count; i++) {
        if (!changes[i].used)
            return EXEC_TREE_UNUSED;
    }
    return EXEC_TREE_OK;
}

enum exec_tree_verdict exec_tree_link(struct exec_tree_change **changes,
                                      struct exec_tree_batch *batch, struct td_arena *arena)
{
    *changes = NULL;
    if (batch->old.leaf_count == 0 || batch->insert_count > UINT32_MAX - batch->old.leaf_count)
        return EXEC_TREE_FULL;
    size_t count = (size_t)batch->place_count + batch->insert_count;
    if (count < batch->place_count || count > SIZE_MAX / sizeof **changes)
        return EXEC_TREE_NOSPACE;
    struct exec_tree_change *c =
        td_arena_get(arena, count * sizeof *c, _Alignof(struct exec_tree_change));
    if (c == NULL)
        return EXEC_TREE_NOSPACE;
    enum exec_tree_verdict v = link(c, batch);
    if (v == EXEC_TREE_OK)
        *changes = c;
    return v;
}
