/* The state tree: an indexed, append-only binary tree of everything the chain remembers.
 * Source: executor design, "State tree"; prover design, "Concrete choices: Hash".
 *
 *     level 32            root
 *                        /    \            node = Node(left, right), tag TD_P2_STATE_NODE
 *     level  1        .        .           everything empty below: a constant per level
 *                    / \      / \
 *     level  0      0   1    2   zero      leaf hash = sponge(TD_P2_STATE_LEAF; key value next)
 *                   |   |    |    `------- never written: nine zeros, which no leaf hashes to
 *                   |   |    `-- k2, v2, next = k1
 *                   |   `------- k1, v1, next = maximum
 *                   `----------- sentinel: key 0, value 0, next = k2
 *
 * 1. Leaves never move and are never removed.  Leaf i for i < leaf_count exists, others do not.
 * 2. Following `next` from the sentinel visits every key in increasing order and ends at the
 *    maximum, nine times p - 1.  Keys are compared by their canonical words, element 0 first.
 * 3. k is present: a leaf with that key.  k is absent: a leaf with key < k < next.  No key equals
 *    the sentinel's 0 or the maximum; a hash that did would be refused as EXEC_TREE_BETWEEN.
 * 4. A batch is applied at once: values of present leaves change, then the new leaves are appended
 *    at leaf_count, leaf_count + 1, ... in increasing order of key, and `next` is relinked.
 * 5. One multiproof serves the old root and the new one: a sibling that no touched leaf lies under
 *    is the same in both.  Order: level by level from the leaves, left to right.  A sibling whose
 *    subtree begins at or beyond the new leaf count is the constant and is not sent.
 *
 * What is hashed, injective by construction (every limb has 30 bits, so it is below p):
 *
 *     account key  sponge(KEY;  6 limbs of the address)                            1 permutation
 *     slot key     sponge(KEY;  6 limbs of the address, 9 limbs of the slot)       1
 *     slot value   9 limbs of the value, not hashed                                0
 *     account      sponge(RECORD; nonce 30 bits, nonce next 30,
 *                         nonce top 4 | da_off << 4 | code bytes << 5,
 *                         balance 9, keccak of the code 9, digest of the code 9)   2
 *     code         sponge(RECORD; 2^30 + bytes, the bytes as a stream of limbs)    1 per 56 bytes
 *
 * The two kinds of key differ in length, which the sponge binds.  Element 0 of a code is at least
 * 2^30 and of an account below it.  Limbs are cut from the little-endian bit stream of the bytes:
 * limb i is bits 30 i .. 30 i + 29, the last one filled with zeros; the length is bound as well.
 *
 * Limits: 2^32 - 1 leaves (index and count are 32 bits). */
#pragma once

#include "executor/types.h"

#define EXEC_TREE_DEPTH 32u
#define EXEC_TREE_NONE UINT32_MAX

/* What an account record has room for; EIP-170 allows 24,576. */
#define EXEC_TREE_CODE_BYTES_MAX ((1u << 24) - 1u)

struct exec_tree_leaf {
    struct td_p2_digest key, value, next;
};

/* What commits to a tree: a root alone would permit a wrong append position. */
struct exec_tree_head {
    struct td_p2_digest root;
    uint32_t leaf_count;
};

/* ---- keys, values, hashes */

void exec_key_account(struct td_p2_digest *out, const struct td_addr *addr);
void exec_key_slot(struct td_p2_digest *out, const struct td_addr *addr,
                   const struct exec_u256 *slot);
void exec_slot_value(struct td_p2_digest *out, const struct exec_u256 *value);

/* 56 bytes of code per permutation; len <= EXEC_TREE_CODE_BYTES_MAX (more is a bug). */
void exec_code_digest(struct td_p2_digest *out, struct td_bytes code);
/* exec_code_digest of no code. */
extern const struct td_p2_digest EXEC_EMPTY_CODE_DIGEST;

/* TD_E_RANGE, *out zero, when code_bytes exceeds EXEC_TREE_CODE_BYTES_MAX. */
TD_MUST_CHECK enum td_error exec_account_value(struct td_p2_digest *out,
                                               const struct exec_account *account,
                                               const struct td_p2_digest *code_digest);

/* <0, 0, >0 in the order of invariant 2. */
int exec_key_cmp(const struct td_p2_digest *a, const struct td_p2_digest *b);

void exec_tree_leaf_hash(struct td_p2_digest *out, const struct exec_tree_leaf *leaf);
/* Hash of a subtree of 2^level absent leaves; level <= 32. */
const struct td_p2_digest *exec_tree_empty(uint32_t level);
void exec_tree_sentinel(struct exec_tree_leaf *out);
/* The tree of the sentinel alone. */
void exec_tree_init(struct exec_tree_head *out);

/* ---- a batch: which keys a block read and wrote, and the old leaves that decide each of them */

/* An old leaf and where it stands.  All words; this is also its form in a witness. */
struct exec_tree_place {
    uint32_t index;
    struct exec_tree_leaf leaf;
};

struct exec_tree_access {
    struct td_p2_digest key;
    struct td_p2_digest value; /* with `write`: the new one */
    uint32_t place;            /* number in places[]: the key's own leaf or its predecessor */
    bool write;                /* an absent key that is written is inserted */
    bool present;              /* out of exec_tree_link */
};

struct exec_tree_batch {
    struct exec_tree_head old;
    const struct exec_tree_place *places; /* index strictly increasing, each used by an access */
    uint32_t place_count;
    struct exec_tree_access *accesses; /* any order; keys differ */
    uint32_t access_count;
    const uint32_t *inserts; /* numbers of the inserting accesses, their keys increasing */
    uint32_t insert_count;
};

/* What becomes of a place or an inserted key. */
struct exec_tree_change {
    uint32_t index;
    uint32_t access;                  /* whose key this leaf has; EXEC_TREE_NONE: a predecessor */
    bool written;                     /* `now` differs or may differ from *old, and is filled */
    bool used;                        /* by an access, its own or as a predecessor */
    const struct exec_tree_leaf *old; /* NULL for an inserted leaf; borrowed from places[] */
    struct exec_tree_leaf now;
};

enum exec_tree_verdict {
    EXEC_TREE_OK,
    EXEC_TREE_NOSPACE,   /* arena exhausted */
    EXEC_TREE_FULL,      /* leaf count 0, or the new one above 2^32 - 1 */
    EXEC_TREE_WORD,      /* a word that is no field element; a sibling's: p2_path refuses it */
    EXEC_TREE_ORDER,     /* places not in strictly increasing order of index */
    EXEC_TREE_INDEX,     /* a place at or beyond the leaf count */
    EXEC_TREE_PLACE,     /* an access names no place */
    EXEC_TREE_BETWEEN,   /* a key neither equals its place's nor lies between it and `next` */
    EXEC_TREE_DUPLICATE, /* two accesses to one key */
    EXEC_TREE_INSERTS,   /* inserts[] is not exactly the inserting accesses in order of key */
    EXEC_TREE_UNUSED,    /* a place that decides nothing */
    EXEC_TREE_MISSING,   /* too few siblings */
    EXEC_TREE_EXTRA,     /* too many siblings */
    EXEC_TREE_ROOT,      /* the old root does not follow: wrong leaf, sibling, index or count */
};

/* Check everything but hashes and work out the leaves after the batch.  *changes: place_count
 * entries in the order of places[], then insert_count in the order of inserts[]; in the arena.
 * Fills present of every access.  Cost: linear. */
enum exec_tree_verdict exec_tree_link(struct exec_tree_change **changes,
                                      struct exec_tree_batch *batch, struct td_arena *arena);

/* Hash up once for both roots.  EXEC_TREE_OK: batch->old is the tree's state before, *now after;
 * otherwise *now is zero.  `changes` are exec_tree_link's.  An empty batch proves nothing and
 * yields *now = old.  Works in the arena and gives back what it took.
 * Cost: two permutations per leaf hash; per distinct node one, and one more where it changes. */
enum exec_tree_verdict exec_tree_verify(struct exec_tree_head *now,
                                        const struct exec_tree_batch *batch,
                                        const struct exec_tree_change *changes,
                                        const struct td_p2_digest *siblings, uint32_t sibling_count,
                                        struct td_arena *arena);

/* ---- the native side: a store, and updates through the vector units */

/* Where leaves and nodes are kept.  Levels count from the leaf hashes (0) to the root (32).  Only
 * nodes with a leaf below are asked for.  An error ends the update. */
struct exec_tree_store {
    void *self;
    /* Leaf with the greatest key <= *key. */
    enum td_error (*find)(void *self, const struct td_p2_digest *key, uint32_t *index);
    enum td_error (*leaf)(void *self, uint32_t index, struct exec_tree_leaf *out);
    /* count nodes of one level; indexes increase. */
    enum td_error (*nodes)(void *self, uint32_t level, const uint32_t *indexes, uint32_t count,
                           struct td_p2_digest *out);
};

/* Width-24 permutations, in place, of independent states. */
struct exec_tree_hasher {
    void (*permute)(struct td_kb (*states)[TD_P2_WIDTH], size_t count);
};
/* One after the other; base/host/poseidon2_vector.h has the quick one. */
extern const struct exec_tree_hasher EXEC_TREE_HASHER_PLAIN;

struct exec_tree_node {
    uint32_t level, index;
    struct td_p2_digest digest;
};

struct exec_tree_update {
    struct exec_tree_head now;
    const struct exec_tree_change *changes; /* [change_count]; those `written` are to be stored */
    uint32_t change_count;
    const struct exec_tree_node *nodes; /* to be stored: level by level from 0, index increasing */
    uint32_t node_count;
    const struct td_p2_digest *siblings; /* the multiproof */
    uint32_t sibling_count;
};

/* Make a batch of `accesses` (key, value, write filled): places and inserts come from the store.
 * TD_E_CORRUPT when the store contradicts itself, TD_E_NOSPACE, or the store's error. */
TD_MUST_CHECK enum td_error exec_tree_prepare(struct exec_tree_batch *out,
                                              const struct exec_tree_head *old,
                                              struct exec_tree_access *accesses, uint32_t count,
                                              const struct exec_tree_store *store,
                                              struct td_arena *arena);

/* The tree after the batch.  Writes nothing to the store.  TD_E_EXISTS: two accesses to one key;
 * TD_E_LIMIT: the tree is full; TD_E_CORRUPT, TD_E_NOSPACE, or the store's error.
 * Cost: two permutations per changed leaf, one per changed node; one store call per level. */
TD_MUST_CHECK enum td_error exec_tree_apply(struct exec_tree_update *out,
                                            struct exec_tree_batch *batch,
                                            const struct exec_tree_store *store,
                                            const struct exec_tree_hasher *hasher,
                                            struct td_arena *arena);
