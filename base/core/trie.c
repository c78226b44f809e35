#include "base/core/trie.h"

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rlp.h"

#define NIBBLES_MAX (2u * TD_TRIE_KEY_BYTES_MAX)
#define INLINE_MAX 31u /* a longer node is held by its hash */

/* Biggest node besides a leaf or a branch with a long value: 16 hashes of 33 bytes. */
#define NODE_FIXED_BYTES (16u * 33u + TD_TRIE_KEY_BYTES_MAX + 4u * TD_RLP_HEADER_BYTES_MAX)

const struct td_hash TD_TRIE_EMPTY_ROOT = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                            0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                            0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                            0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};

/* How a parent holds a node: the bytes it puts into its own list. */
struct ref {
    uint8_t len; /* 0: no node; 33: string of a hash; else the node's RLP */
    uint8_t b[33];
};

/* A branch being filled: pairs[begin .. end) share `nibbles` nibbles and differ in the next. */
struct branch {
    size_t begin, end;
    size_t next;      /* first pair of the child that comes next */
    uint32_t depth;   /* where the node begins: an extension leads from here ... */
    uint32_t nibbles; /* ... to here */
    uint32_t slot;    /* the parent's child this node is */
    struct ref child[16];
};

struct fold {
    const struct td_trie_pair *pairs;
    struct td_arena *arena;
    struct branch *open; /* [NIBBLES_MAX] */
    uint32_t open_count;
    bool whole;          /* the node being closed is the root: hash it whatever its size */
    struct td_hash hash; /* of the last node that was hashed */
    enum td_error err;
};

/* ---- keys */

static uint32_t nibble_at(struct td_bytes key, uint32_t i)
{
    uint8_t b = key.ptr[i / 2];
    return i % 2 == 0 ? b >> 4 : b & 15u;
}

static uint32_t nibble_count(struct td_bytes key)
{
    return 2 * (uint32_t)key.len;
}

/* <0, 0, >0 in the order of nibbles; a prefix comes before what it begins. */
static int key_cmp(struct td_bytes a, struct td_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Nibbles that both keys have in common. */
static uint32_t key_common(struct td_bytes a, struct td_bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    size_t i = 0;
    while (i < shorter && a.ptr[i] == b.ptr[i])
        i++;
    bool half = i < shorter && a.ptr[i] >> 4 == b.ptr[i] >> 4;
    return 2 * (uint32_t)i + (half ? 1 : 0);
}

static void sift_down(struct td_trie_pair *p, size_t root, size_t count)
{
    while (2 * root + 1 < count) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && key_cmp(p[child].key, p[child + 1].key) < 0)
            child++;
        if (key_cmp(p[root].key, p[child].key) >= 0)
            return;
        struct td_trie_pair moved = p[root];
        p[root] = p[child];
        p[child] = moved;
        root = child;
    }
}

/* Heapsort: in place, no recursion, and no worst case that an attacker could choose. */
static void sort_pairs(struct td_trie_pair *p, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift_down(p, i - 1, count);
    for (size_t end = count; end > 1; end--) {
        struct td_trie_pair largest = p[0];
        p[0] = p[end - 1];
        p[end - 1] = largest;
        sift_down(p, 0, end - 1);
    }
}

/* ---- nodes */

/* Path in hex-prefix form (appendix C): a flag nibble (1 odd, 2 leaf), then key[from .. to). */
static struct td_bytes hex_prefix(uint8_t out[TD_TRIE_KEY_BYTES_MAX + 1], struct td_bytes key,
                                  uint32_t from, uint32_t to, bool leaf)
{
    uint32_t odd = (to - from) & 1u;
    size_t len = 0;
    out[len++] = (uint8_t)((leaf ? 0x20u : 0) | odd << 4 | (odd != 0 ? nibble_at(key, from) : 0));
    for (uint32_t i = from + odd; i < to; i += 2)
        out[len++] = (uint8_t)(nibble_at(key, i) << 4 | nibble_at(key, i + 1));
    return td_bytes_of(out, len);
}

/* Room for a node of `bytes`, or an error that ends the fold. */
static void node_begin(struct fold *f, struct td_writer *w, size_t bytes)
{
    void *at = td_arena_get(f->arena, bytes, 1);
    if (at == NULL)
        f->err = TD_E_NOSPACE;
    td_writer_init(w, at, at == NULL ? 0 : bytes);
}

/* The node's reference; gives its room back. */
static void node_end(struct fold *f, struct ref *out, const struct td_writer *w,
                     struct td_arena_mark mark)
{
    if (f->err == TD_OK) {
        TD_ASSERT(w->err == TD_OK);
        if (w->len > INLINE_MAX || f->whole) {
            td_keccak256(&f->hash, w->ptr, w->len);
            out->len = 33;
            out->b[0] = 0x80 + TD_HASH_BYTES;
            memcpy(out->b + 1, f->hash.b, TD_HASH_BYTES);
        } else {
            out->len = (uint8_t)w->len;
            memcpy(out->b, w->ptr, w->len);
        }
    }
    td_arena_rewind(f->arena, mark);
}

static void leaf_ref(struct fold *f, struct ref *out, const struct td_trie_pair *p, uint32_t depth)
{
    uint8_t path_buf[TD_TRIE_KEY_BYTES_MAX + 1];
    struct td_bytes path = hex_prefix(path_buf, p->key, depth, nibble_count(p->key), true);
    size_t payload =
        td_rlp_bytes_size(path.ptr, path.len) + td_rlp_bytes_size(p->value.ptr, p->value.len);
    struct td_arena_mark mark = td_arena_mark(f->arena);
    struct td_writer w;

    node_begin(f, &w, td_rlp_list_size(payload));
    td_rlp_put_list(&w, payload);
    td_rlp_put_bytes(&w, path.ptr, path.len);
    td_rlp_put_bytes(&w, p->value.ptr, p->value.len);
    node_end(f, out, &w, mark);
}

static void branch_node_ref(struct fold *f, struct ref *out, const struct branch *b)
{
    const struct td_trie_pair *first = &f->pairs[b->begin];
    struct td_bytes value = td_bytes_of(NULL, 0);
    if (nibble_count(first->key) == b->nibbles)
        value = first->value;

    size_t payload = td_rlp_bytes_size(value.ptr, value.len);
    for (size_t i = 0; i < 16; i++)
        payload += b->child[i].len == 0 ? 1 : b->child[i].len;
    struct td_arena_mark mark = td_arena_mark(f->arena);
    struct td_writer w;

    node_begin(f, &w, td_rlp_list_size(payload));
    td_rlp_put_list(&w, payload);
    for (size_t i = 0; i < 16; i++) {
        if (b->child[i].len == 0)
            td_put_u8(&w, 0x80);
        else
            td_put_bytes(&w, b->child[i].b, b->child[i].len);
    }
    td_rlp_put_bytes(&w, value.ptr, value.len);
    node_end(f, out, &w, mark);
}

/* The branch, behind an extension when its pairs share more than brought us here. */
static void branch_ref(struct fold *f, struct ref *out, const struct branch *b)
{
    if (b->nibbles == b->depth) {
        branch_node_ref(f, out, b);
        return;
    }
    bool whole = f->whole;
    struct ref inner = {.len = 0};
    f->whole = false; /* the extension is the root then, not the branch */
    branch_node_ref(f, &inner, b);
    f->whole = whole;

    uint8_t path_buf[TD_TRIE_KEY_BYTES_MAX + 1];
    struct td_bytes path =
        hex_prefix(path_buf, f->pairs[b->begin].key, b->depth, b->nibbles, false);
    size_t payload = td_rlp_bytes_size(path.ptr, path.len) + inner.len;
    struct td_arena_mark mark = td_arena_mark(f->arena);
    struct td_writer w;

    node_begin(f, &w, td_rlp_list_size(payload));
    td_rlp_put_list(&w, payload);
    td_rlp_put_bytes(&w, path.ptr, path.len);
    td_put_bytes(&w, inner.b, inner.len);
    node_end(f, out, &w, mark);
}

/* ---- the fold */

static void branch_open(struct fold *f, size_t begin, size_t end, uint32_t depth, uint32_t slot)
{
    struct td_bytes first = f->pairs[begin].key;
    uint32_t nibbles = key_common(first, f->pairs[end - 1].key);

    TD_ASSERT(f->open_count < NIBBLES_MAX); /* each branch consumes a nibble of some key */
    struct branch *b = &f->open[f->open_count++];
    *b = (struct branch){.begin = begin,
                         .end = end,
                         .next = begin,
                         .depth = depth,
                         .nibbles = nibbles,
                         .slot = slot};
    if (nibble_count(first) == nibbles)
        b->next++; /* ends here: the branch's own value */
}

/* First pair from `begin` on whose nibble `at` is not `nibble`. */
static size_t child_end(const struct fold *f, size_t begin, size_t end, uint32_t at,
                        uint32_t nibble)
{
    size_t low = begin;
    while (low < end) {
        size_t middle = low + (end - low) / 2;
        if (nibble_at(f->pairs[middle].key, at) == nibble)
            low = middle + 1;
        else
            end = middle;
    }
    return low;
}

/* Depth first: a child of several pairs is opened above its parent and closed before it. */
static void fold_pairs(struct fold *f, size_t count)
{
    struct ref root = {.len = 0};

    if (count == 1) {
        f->whole = true;
        leaf_ref(f, &root, &f->pairs[0], 0);
        return;
    }
    branch_open(f, 0, count, 0, 0);
    while (f->open_count > 0 && f->err == TD_OK) {
        struct branch *b = &f->open[f->open_count - 1];
        if (b->next == b->end) {
            f->open_count--;
            f->whole = f->open_count == 0;
            branch_ref(f, f->whole ? &root : &f->open[f->open_count - 1].child[b->slot], b);
            continue;
        }
        size_t begin = b->next;
        uint32_t nibble = nibble_at(f->pairs[begin].key, b->nibbles);
        b->next = child_end(f, begin, b->end, b->nibbles, nibble);
        if (b->next - begin == 1)
            leaf_ref(f, &b->child[nibble], &f->pairs[begin], b->nibbles + 1);
        else
            branch_open(f, begin, b->next, b->nibbles + 1, nibble);
    }
}

/* Move pairs with a value to the front; TD_E_RANGE for a key that is too long. */
static enum td_error drop_absent(struct td_trie_pair *pairs, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (pairs[i].key.len > TD_TRIE_KEY_BYTES_MAX)
            return TD_E_RANGE;
        if (pairs[i].value.len == 0)
            continue;
        struct td_trie_pair moved = pairs[kept];
        pairs[kept++] = pairs[i];
        pairs[i] = moved;
    }
    *count = kept;
    return TD_OK;
}

size_t td_trie_arena_bytes(size_t count, size_t value_bytes_max)
{
    /* Keys are at most as long as a hash; alignment costs at most 16 bytes per request. */
    const size_t per_pair = sizeof(struct td_trie_pair) + sizeof(struct td_hash);
    const size_t fixed = NIBBLES_MAX * sizeof(struct branch) + NODE_FIXED_BYTES + 64;
    if (value_bytes_max > SIZE_MAX - fixed ||
        count > (SIZE_MAX - fixed - value_bytes_max) / per_pair)
        return SIZE_MAX;
    return fixed + value_bytes_max + count * per_pair;
}

enum td_error td_trie_root(struct td_hash *root, struct td_trie_pair *pairs, size_t count,
                           struct td_arena *arena)
{
    struct fold f = {.pairs = pairs, .arena = arena};

    *root = (struct td_hash){{0}};
    enum td_error err = drop_absent(pairs, &count);
    if (err != TD_OK)
        return err;
    if (count == 0) {
        *root = TD_TRIE_EMPTY_ROOT;
        return TD_OK;
    }
    sort_pairs(pairs, count);
    for (size_t i = 1; i < count; i++) {
        if (td_bytes_eq(pairs[i - 1].key, pairs[i].key))
            return TD_E_EXISTS;
    }

    struct td_arena_mark mark = td_arena_mark(arena);
    f.open = td_arena_get(arena, NIBBLES_MAX * sizeof *f.open, _Alignof(struct branch));
    if (f.open == NULL)
        return TD_E_NOSPACE;
    fold_pairs(&f, count);
    td_arena_rewind(arena, mark);
    if (f.err == TD_OK)
        *root = f.hash;
    return f.err;
}

enum td_error td_trie_secure_root(struct td_hash *root, const struct td_trie_pair *pairs,
                                  size_t count, struct td_arena *arena)
{
    struct td_arena_mark mark = td_arena_mark(arena);
    struct td_trie_pair *hashed = TD_ARENA_NEW(arena, struct td_trie_pair, count);
    struct td_hash *keys = TD_ARENA_NEW(arena, struct td_hash, count);
    enum td_error err = TD_E_NOSPACE;

    *root = (struct td_hash){{0}};
    if (count == 0) {
        err = td_trie_root(root, NULL, 0, arena);
    } else if (hashed != NULL && keys != NULL) {
        for (size_t i = 0; i < count; i++) {
            td_keccak256(&keys[i], pairs[i].key.ptr, pairs[i].key.len);
            hashed[i] = (struct td_trie_pair){.key = td_bytes_of(keys[i].b, TD_HASH_BYTES),
                                              .value = pairs[i].value};
        }
        err = td_trie_root(root, hashed, count, arena);
    }
    td_arena_rewind(arena, mark);
    return err;
}

enum td_error td_trie_list_root(struct td_hash *root, const struct td_bytes *items, size_t count,
                                struct td_arena *arena)
{
    struct td_arena_mark mark = td_arena_mark(arena);
    struct td_trie_pair *pairs = TD_ARENA_NEW(arena, struct td_trie_pair, count);
    struct td_hash *keys = TD_ARENA_NEW(arena, struct td_hash, count); /* 9 bytes of each used */
    enum td_error err = TD_OK;
    if (count > 0 && (pairs == NULL || keys == NULL))
        err = TD_E_NOSPACE;

    *root = (struct td_hash){{0}};
    for (size_t i = 0; i < count && err == TD_OK; i++) {
        struct td_writer w;
        td_writer_init(&w, keys[i].b, sizeof keys[i].b);
        td_rlp_put_u64(&w, i);
        pairs[i] = (struct td_trie_pair){.key = td_bytes_of(keys[i].b, w.len), .value = items[i]};
        if (items[i].len == 0)
            err = TD_E_RANGE;
    }
    if (err == TD_OK)
        err = td_trie_root(root, pairs, count, arena);
    td_arena_rewind(arena, mark);
    return err;
}
