/* The native side: batches made from a store, and the new root level by level, so that every level
 * is one run through the vector units.  The old root is the store's and is not hashed again. */
#include "executor/tree/tree_internal.h"

/* States hashed in one go: they stay in the first-level cache (256 * 96 bytes). */
#define HASH_CHUNK 256u

static void permute_plain(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    for (size_t i = 0; i < count; i++)
        td_poseidon2_24(states[i]);
}

const struct exec_tree_hasher EXEC_TREE_HASHER_PLAIN = {.permute = permute_plain};

/* ---- making a batch */

struct sorting {
    const struct exec_tree_access *accesses;
    const uint32_t *indexes; /* of the leaf that decides each access */
};

static bool index_before(const void *owner, uint32_t a, uint32_t b)
{
    const struct sorting *s = owner;
    return s->indexes[a] < s->indexes[b];
}

static bool key_before(const void *owner, uint32_t a, uint32_t b)
{
    const struct sorting *s = owner;
    return exec_key_cmp(&s->accesses[a].key, &s->accesses[b].key) < 0;
}

/* Leaves in order of index, each once, and every access's place among them. */
static enum td_error fetch_places(struct exec_tree_batch *out, struct exec_tree_place *places,
                                  const uint32_t *order, const struct sorting *s,
                                  const struct exec_tree_store *store)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < out->access_count; i++) {
        uint32_t index = s->indexes[order[i]];
        if (n == 0 || places[n - 1u].index != index) {
            enum td_error err = store->leaf(store->self, index, &places[n].leaf);
            if (err != TD_OK)
                return err;
            places[n++].index = index;
        }
        out->accesses[order[i]].place = n - 1u;
    }
    out->places = places;
    out->place_count = n;
    return TD_OK;
}

static void collect_inserts(struct exec_tree_batch *out, uint32_t *inserts, uint32_t *tmp,
                            const struct sorting *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < out->access_count; i++) {
        const struct exec_tree_access *a = &out->accesses[i];
        if (a->write && !digest_eq(&a->key, &out->places[a->place].leaf.key))
            inserts[n++] = i;
    }
    exec_tree_sort(inserts, tmp, n, s, key_before);
    out->inserts = inserts;
    out->insert_count = n;
}

enum td_error exec_tree_prepare(struct exec_tree_batch *out, const struct exec_tree_head *old,
                                struct exec_tree_access *accesses, uint32_t count,
                                const struct exec_tree_store *store, struct td_arena *arena)
{
    *out = (struct exec_tree_batch){.old = *old, .accesses = accesses, .access_count = count};
    struct exec_tree_place *places = TD_ARENA_NEW(arena, struct exec_tree_place, count);
    uint32_t *inserts = TD_ARENA_NEW(arena, uint32_t, count);
    struct td_arena_mark mark = td_arena_mark(arena);
    uint32_t *indexes = TD_ARENA_NEW(arena, uint32_t, count);
    uint32_t *order = TD_ARENA_NEW(arena, uint32_t, count);
    uint32_t *tmp = TD_ARENA_NEW(arena, uint32_t, count);
    enum td_error err =
        places == NULL || inserts == NULL || indexes == NULL || order == NULL || tmp == NULL
            ? TD_E_NOSPACE
            : TD_OK;
    for (uint32_t i = 0; err == TD_OK && i < count; i++) {
        order[i] = i;
        err = store->find(store->self, &accesses[i].key, &indexes[i]);
        if (err == TD_OK && indexes[i] >= old->leaf_count)
            err = TD_E_CORRUPT;
    }
    if (err == TD_OK) {
        struct sorting s = {.accesses = accesses, .indexes = indexes};
        exec_tree_sort(order, tmp, count, &s, index_before);
        err = fetch_places(out, places, order, &s, store);
        if (err == TD_OK)
            collect_inserts(out, inserts, tmp, &s);
    }
    td_arena_rewind(arena, mark);
    return err;
}

/* ---- hashing in bulk */

struct bulk {
    const struct exec_tree_hasher *hasher;
    struct td_kb (*states)[TD_P2_WIDTH]; /* [HASH_CHUNK] */
};

/* Leaf hashes: 27 elements are one full block and one of 12. */
static void hash_leaves(struct bulk *b, struct td_p2_digest *out,
                        const struct exec_tree_change *const *leaves, uint32_t count)
{
    for (uint32_t at = 0; at < count; at += HASH_CHUNK) {
        uint32_t n = count - at < HASH_CHUNK ? count - at : HASH_CHUNK;
        for (uint32_t i = 0; i < n; i++) {
            struct td_kb *s = b->states[i];
            memcpy(s, &leaves[at + i]->now, TD_P2_RATE * sizeof *s);
            memset(s + TD_P2_RATE, 0, (TD_P2_WIDTH - TD_P2_RATE) * sizeof *s);
            s[TD_P2_RATE].v = TD_P2_STATE_LEAF;
            s[TD_P2_RATE + 1u].v = EXEC_TREE_LEAF_ELEMENTS;
        }
        b->hasher->permute(b->states, n);
        for (uint32_t i = 0; i < n; i++) {
            struct td_kb *s = b->states[i];
            const struct td_kb *rest = leaf_elements(&leaves[at + i]->now) + TD_P2_RATE;
            memcpy(s, rest, (EXEC_TREE_LEAF_ELEMENTS - TD_P2_RATE) * sizeof *s);
            memset(s + 12, 0, 3u * sizeof *s);
        }
        b->hasher->permute(b->states, n);
        for (uint32_t i = 0; i < n; i++)
            memcpy(out[at + i].e, b->states[i], sizeof out->e);
    }
}

struct node_job {
    const struct td_p2_digest *l, *r;
};

static void hash_nodes(struct bulk *b, struct td_p2_digest *out, const struct node_job *jobs,
                       uint32_t count)
{
    for (uint32_t at = 0; at < count; at += HASH_CHUNK) {
        uint32_t n = count - at < HASH_CHUNK ? count - at : HASH_CHUNK;
        for (uint32_t i = 0; i < n; i++) {
            struct td_kb *s = b->states[i];
            memcpy(s, jobs[at + i].l, TD_P2_DIGEST * sizeof *s);
            memcpy(s + TD_P2_DIGEST, jobs[at + i].r, TD_P2_DIGEST * sizeof *s);
            memset(s + 2u * TD_P2_DIGEST, 0, (TD_P2_WIDTH - 2u * TD_P2_DIGEST) * sizeof *s);
            s[2u * TD_P2_DIGEST].v = TD_P2_STATE_NODE;
        }
        b->hasher->permute(b->states, n);
        for (uint32_t i = 0; i < n; i++)
            memcpy(out[at + i].e, b->states[i], sizeof out->e);
    }
}

/* ---- climbing */

/* A node with a touched leaf below. */
struct item {
    uint32_t index;
    const struct td_p2_digest *digest; /* the new one; NULL: unchanged */
};

struct climb {
    struct bulk bulk;
    const struct exec_tree_store *store;
    uint32_t level, leaf_count;
    struct item *items;
    uint32_t count;
    /* Scratch for one level, [count] each. */
    uint32_t *asked; /* indexes wanted from the store, increasing */
    struct td_p2_digest *answer;
    bool *sent; /* is that answer a sibling of the multiproof? */
    struct node_job *jobs;
    /* Results, growing. */
    struct exec_tree_node *nodes;
    struct td_p2_digest *digests; /* of the nodes, in the same order: items point here */
    uint32_t node_count, node_cap;
    struct td_p2_digest *siblings;
    uint32_t sibling_count, sibling_cap;
};

static bool is_pair(const struct climb *c, uint32_t i)
{
    return i + 1u < c->count && c->items[i + 1u].index == (c->items[i].index ^ 1u);
}

/* What the store must say about this level: siblings nobody touched, and the touched but unchanged
 * ones beside a changed one. */
static uint32_t list_asked(struct climb *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct item *it = &c->items[i];
        uint32_t beside = it->index ^ 1u;
        if (is_pair(c, i)) {
            const struct item *other = &c->items[++i];
            if ((it->digest == NULL) == (other->digest == NULL))
                continue;
            c->sent[n] = false;
            c->asked[n++] = it->digest == NULL ? it->index : other->index;
        } else if (!is_empty_subtree(c->level, beside, c->leaf_count)) {
            c->sent[n] = true;
            c->asked[n++] = beside;
        }
    }
    return n;
}

static enum td_error keep_siblings(struct climb *c, uint32_t asked)
{
    for (uint32_t i = 0; i < asked; i++) {
        if (!c->sent[i])
            continue;
        if (c->sibling_count == c->sibling_cap)
            return TD_E_NOSPACE;
        c->siblings[c->sibling_count++] = c->answer[i];
    }
    return TD_OK;
}

/* Parents in place of the children; changed ones become jobs whose digests follow in c->digests. */
static uint32_t pair_up(struct climb *c)
{
    const struct td_p2_digest *next = c->answer;
    uint32_t kept = 0, jobs = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        struct item it = c->items[i];
        const struct td_p2_digest *a = it.digest, *b;
        if (is_pair(c, i)) {
            b = c->items[++i].digest;
            if (a == NULL && b != NULL)
                a = next++;
            else if (a != NULL && b == NULL)
                b = next++;
        } else if (is_empty_subtree(c->level, it.index ^ 1u, c->leaf_count)) {
            b = exec_tree_empty(c->level);
        } else {
            b = next++;
        }
        struct item up = {.index = it.index >> 1, .digest = NULL};
        if (a != NULL) {
            bool right = (it.index & 1u) != 0;
            c->jobs[jobs] = (struct node_job){.l = right ? b : a, .r = right ? a : b};
            up.digest = &c->digests[c->node_count + jobs];
            jobs++;
        }
        c->items[kept++] = up;
    }
    c->count = kept;
    return jobs;
}

static void keep_nodes(struct climb *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->items[i].digest == NULL)
            continue;
        c->nodes[c->node_count] = (struct exec_tree_node){
            .level = c->level, .index = c->items[i].index, .digest = *c->items[i].digest};
        c->node_count++;
    }
}

static enum td_error climb_level(struct climb *c)
{
    uint32_t asked = list_asked(c);
    enum td_error err = TD_OK;
    if (asked > 0)
        err = c->store->nodes(c->store->self, c->level, c->asked, asked, c->answer);
    if (err == TD_OK)
        err = keep_siblings(c, asked);
    if (err != TD_OK)
        return err;
    if (c->count > c->node_cap - c->node_count)
        return TD_E_NOSPACE;
    uint32_t jobs = pair_up(c);
    hash_nodes(&c->bulk, &c->digests[c->node_count], c->jobs, jobs);
    c->level++;
    keep_nodes(c);
    return TD_OK;
}

/* Nodes on the way up from `count` leaves that are spread as widely as possible: the levels near
 * the root have few nodes at all. */
static size_t nodes_max(uint32_t count, uint32_t leaf_count)
{
    size_t total = count;
    uint64_t width = leaf_count;
    for (uint32_t level = 1; level <= EXEC_TREE_DEPTH; level++) {
        width = (width + 1u) / 2u;
        total += width < count ? (size_t)width : count;
    }
    return total;
}

static enum td_error start(struct climb *c, struct exec_tree_change *changes, uint32_t count,
                           struct td_arena *arena)
{
    const struct exec_tree_change **written =
        TD_ARENA_NEW(arena, const struct exec_tree_change *, count);
    c->items = TD_ARENA_NEW(arena, struct item, count);
    c->asked = TD_ARENA_NEW(arena, uint32_t, count);
    c->answer = td_arena_get(arena, count * sizeof *c->answer, _Alignof(struct td_p2_digest));
    c->sent = TD_ARENA_NEW(arena, bool, count);
    c->jobs = TD_ARENA_NEW(arena, struct node_job, count);
    c->digests =
        td_arena_get(arena, c->node_cap * sizeof *c->digests, _Alignof(struct td_p2_digest));
    c->bulk.states = td_arena_get(arena, HASH_CHUNK * sizeof *c->bulk.states, 64);
    if (written == NULL || c->items == NULL || c->asked == NULL || c->answer == NULL ||
        c->sent == NULL || c->jobs == NULL || c->digests == NULL || c->bulk.states == NULL)
        return TD_E_NOSPACE;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        c->items[i] = (struct item){.index = changes[i].index};
        if (changes[i].written) {
            c->items[i].digest = &c->digests[n];
            written[n++] = &changes[i];
        }
    }
    c->count = count;
    hash_leaves(&c->bulk, c->digests, written, n);
    keep_nodes(c);
    return TD_OK;
}

static enum td_error verdict_error(enum exec_tree_verdict v)
{
    switch (v) {
    case EXEC_TREE_OK:
        return TD_OK;
    case EXEC_TREE_NOSPACE:
        return TD_E_NOSPACE;
    case EXEC_TREE_FULL:
        return TD_E_LIMIT;
    case EXEC_TREE_DUPLICATE:
        return TD_E_EXISTS;
    case EXEC_TREE_WORD:
    case EXEC_TREE_ORDER:
    case EXEC_TREE_INDEX:
    case EXEC_TREE_PLACE:
    case EXEC_TREE_BETWEEN:
    case EXEC_TREE_INSERTS:
    case EXEC_TREE_UNUSED:
    case EXEC_TREE_MISSING:
    case EXEC_TREE_EXTRA:
    case EXEC_TREE_ROOT:
    default:
        return TD_E_CORRUPT;
    }
}

enum td_error exec_tree_apply(struct exec_tree_update *out, struct exec_tree_batch *batch,
                              const struct exec_tree_store *store,
                              const struct exec_tree_hasher *hasher, struct td_arena *arena)
{
    struct exec_tree_change *changes;
    *out = (struct exec_tree_update){.now = batch->old};
    enum td_error err = verdict_error(exec_tree_link(&changes, batch, arena));
    if (err != TD_OK)
        return err;
    uint32_t count = batch->place_count + batch->insert_count;
    uint32_t leaf_count = batch->old.leaf_count + batch->insert_count;
    out->changes = changes;
    out->change_count = count;
    if (count == 0)
        return TD_OK;
    /* A level is let in by how many nodes it starts from: as many more than it leaves. */
    size_t most = nodes_max(count, leaf_count) + count;
    if (most > UINT32_MAX)
        return TD_E_NOSPACE;
    struct climb c = {.bulk = {.hasher = hasher},
                      .store = store,
                      .leaf_count = leaf_count,
                      .node_cap = (uint32_t)most,
                      .sibling_cap = (uint32_t)most};
    c.nodes = td_arena_get(arena, most * sizeof *c.nodes, _Alignof(struct exec_tree_node));
    c.siblings = td_arena_get(arena, most * sizeof *c.siblings, _Alignof(struct td_p2_digest));
    if (c.nodes == NULL || c.siblings == NULL)
        return TD_E_NOSPACE;
    struct td_arena_mark mark = td_arena_mark(arena);
    err = start(&c, changes, count, arena);
    while (err == TD_OK && c.level < EXEC_TREE_DEPTH)
        err = climb_level(&c);
    td_arena_rewind(arena, mark);
    if (err != TD_OK)
        return err;
    out->now.leaf_count = leaf_count;
    if (c.node_count > 0 && c.nodes[c.node_count - 1u].level == EXEC_TREE_DEPTH)
        out->now.root = c.nodes[c.node_count - 1u].digest;
    out->nodes = c.nodes;
    out->node_count = c.node_count;
    out->siblings = c.siblings;
    out->sibling_count = c.sibling_count;
    return TD_OK;
}
