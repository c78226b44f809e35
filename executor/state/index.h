/* Find an entry by its key: an open-addressed table whose worst case is a balanced tree.
 *
 *     hash ─▶ window of EXEC_INDEX_WINDOW cells (triangular steps) ─▶ entry number
 *                  │ window full when the key was added
 *                  ▼
 *             AA tree ordered by the key's bytes
 *
 * Keys are chosen by whoever sends transactions, and results must not depend on a secret seed, so
 * no hash can be relied on: keys that share a window are found by trial, whatever the function.
 * Here such keys fill one window and then go to the tree, where depth is at most 2 log2(n + 1)
 * for any keys at all.  With keys not chosen for it about one in 500 lands in the tree.
 *
 * 1. Entries are numbered by their owner and never removed singly; exec_index_clear removes all.
 * 2. A lookup costs at most EXEC_INDEX_WINDOW cells, plus the tree's depth when the tree is not
 *    empty.  No result depends on the layout.
 * 3. Growth doubles the cells at 3/4 load and leaves the old ones in the arena: at most as much
 *    again as the live ones.
 *
 * AA trees: A. Andersson, "Balanced search trees made simple", WADS 1993. */
#pragma once

#include "base/core/arena.h"
#include "executor/types.h"

#define EXEC_INDEX_WINDOW 16u
#define EXEC_INDEX_CELLS_MIN 32u
#define EXEC_INDEX_CELLS_LENT 4u /* of the owner, before the first of its own */
#define EXEC_INDEX_NONE UINT32_MAX

struct exec_index_cell {
    uint32_t hash;
    uint32_t ref; /* entry number + 1; 0 = vacant */
};

struct exec_index_node {
    uint32_t entry;
    uint32_t level;
    uint32_t child[2]; /* node number + 1; 0 = none */
};

/* What a key is made of; either part may be absent, for all keys of an index alike. */
struct exec_key {
    const uint8_t *addr; /* 20 bytes */
    const uint8_t *word; /* 32 bytes */
};

struct exec_index {
    struct exec_index_cell *cells; /* [mask + 1]; NULL before the first entry */
    uint32_t mask;
    uint32_t count; /* in cells */
    struct exec_index_node *nodes;
    uint32_t node_count, node_cap;
    uint32_t root; /* node number + 1 */
    /* The key of entry `i`, valid while the call lasts. */
    struct exec_key (*key_of)(const void *owner, uint32_t i);
    const void *owner;
};

/* An address as five words: the entry's copy is aligned, the caller's may not be. */
struct exec_addr_words {
    uint32_t w[5];
};

static inline struct exec_addr_words exec_addr_load(const struct td_addr *a)
{
    struct exec_addr_words out;
    const void *from = a;
    /* Without unaligned loads the second copy goes byte by byte. */
    if (((uintptr_t)from & 3u) == 0)
        memcpy(out.w, __builtin_assume_aligned(from, 4), sizeof out.w);
    else
        memcpy(out.w, from, sizeof out.w);
    return out;
}

static inline bool exec_addr_same(const struct exec_addr_words *a, const struct td_addr *aligned)
{
    uint32_t w[5];
    const void *from = aligned;
    memcpy(w, __builtin_assume_aligned(from, 4), sizeof w);
    return ((a->w[0] ^ w[0]) | (a->w[1] ^ w[1]) | (a->w[2] ^ w[2]) | (a->w[3] ^ w[3]) |
            (a->w[4] ^ w[4])) == 0;
}

/* Multilinear hashing: a sum of 32-bit words times 64-bit key words, the upper half of it, strongly
 * universal over the key (Lemire, Kaser, "Strongly universal string hashing is fast", 2014).  The
 * key comes from the block's own hash, which binds the payload: whoever writes the payload does not
 * know it.  Without that, keys that collide can be written down, and each lookup of one is a walk.
 */
#define EXEC_HASH_KEYS 13u

struct exec_hash_key {
    uint64_t k[EXEC_HASH_KEYS]; /* 5 for an address, 8 for a word */
};

static inline uint32_t exec_hash_end(uint64_t h)
{
    return (uint32_t)(h >> 32);
}

static inline uint64_t exec_hash_addr(const struct exec_hash_key *key,
                                      const struct exec_addr_words *a)
{
    const uint64_t *k = key->k;
    return a->w[0] * k[0] + a->w[1] * k[1] + a->w[2] * k[2] + a->w[3] * k[3] + a->w[4] * k[4];
}

static inline uint64_t exec_hash_word(const struct exec_hash_key *key, const struct exec_u256 *x)
{
    const uint64_t *k = key->k + 5;
    uint64_t h = 0;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; i++)
        h += (uint32_t)x->w[i] * k[2u * i] + (x->w[i] >> 32) * k[2u * i + 1u];
    return h;
}

/* The table begins in `lent` if that is not NULL: cleared cells instead of some of the arena's. */
static inline void exec_index_init(struct exec_index *x, const void *owner,
                                   struct exec_key (*key_of)(const void *owner, uint32_t i),
                                   struct exec_index_cell lent[EXEC_INDEX_CELLS_LENT])
{
    *x = (struct exec_index){.owner = owner,
                             .key_of = key_of,
                             .cells = lent,
                             .mask = lent == NULL ? 0 : EXEC_INDEX_CELLS_LENT - 1u};
}

/* Add entry `i`, whose key is not there yet and can be asked for already.  False, nothing added,
 * when the arena is exhausted. */
bool exec_index_add(struct exec_index *x, struct td_arena *arena, uint32_t hash, uint32_t i);

/* Blank what entry `i` may occupy; once called for every entry, exec_index_clear makes it empty.
 * The cost is that of the entries, not of the table. */
void exec_index_blank(struct exec_index *x, uint32_t hash, uint32_t i);
void exec_index_clear(struct exec_index *x);

/* The tree's part of a lookup. */
uint32_t exec_index_find_deep(const struct exec_index *x, struct exec_key key);

/* The entry for which same(owner, key, i) holds, or EXEC_INDEX_NONE.  `deep` is the same key in
 * the tree's terms.  Inlined with a constant `same`, the common case is one probe. */
static inline __attribute__((always_inline)) uint32_t
exec_index_find(const struct exec_index *x, uint32_t hash, const void *key, struct exec_key deep,
                bool (*same)(const void *owner, const void *key, uint32_t i))
{
    if (x->cells != NULL) {
        uint32_t at = hash & x->mask;
        for (uint32_t step = 1; step <= EXEC_INDEX_WINDOW; step++) {
            const struct exec_index_cell *c = &x->cells[at];
            if (c->ref == 0)
                break;
            if (c->hash == hash && same(x->owner, key, c->ref - 1u))
                return c->ref - 1u;
            at = (at + step) & x->mask;
        }
    }
    if (__builtin_expect(x->root == 0, 1))
        return EXEC_INDEX_NONE;
    return exec_index_find_deep(x, deep);
}
