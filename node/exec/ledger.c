#include "node/exec/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/keccak.h"
#include "base/host/mem.h"
#include "base/host/poseidon2_vector.h"
#include "base/host/secret.h"
#include "executor/genesis.h"

#define ENTRY_BYTES_MAX ((size_t)TD_PAYLOAD_BYTES_MAX)

/* ---- tables */

__extension__ typedef unsigned __int128 u128; /* gcc and clang have it on 64-bit machines */

/* NH over seven words and a zero, then murmur3's finalizer (Appleby, public domain) for the low
 * bits that are used. */
static uint32_t key_hash(const struct node_ledger_table *t, const struct node_ledger_key *k)
{
    uint64_t words[NODE_LEDGER_HASH_WORDS] = {0};
    u128 sum = 0;
    memcpy(words, k->addr.b, TD_ADDR_BYTES);
    memcpy(words + 3, k->word.w, sizeof k->word.w);
    for (size_t i = 0; i < NODE_LEDGER_HASH_WORDS; i += 2)
        sum += (u128)(words[i] + t->secret[i]) * (words[i + 1] + t->secret[i + 1]);
    uint64_t h = (uint64_t)sum ^ (uint64_t)(sum >> 64);
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(h ^ h >> 33);
}

static void *item_at(const struct node_ledger_table *t, uint32_t i)
{
    return t->items + (size_t)i * t->item_bytes;
}

static bool key_eq(const struct node_ledger_key *a, const struct node_ledger_key *b)
{
    return td_addr_eq(&a->addr, &b->addr) && exec_u256_eq(&a->word, &b->word);
}

/* Where the key's number is or would go; the index must have a free place. */
static uint32_t *place(const struct node_ledger_table *t, const struct node_ledger_key *k)
{
    for (uint32_t i = key_hash(t, k);; i++) {
        uint32_t *at = &t->index[i & (t->index_cap - 1u)];
        if (*at == 0 || key_eq(item_at(t, *at - 1u), k))
            return at;
    }
}

static void *find(const struct node_ledger_table *t, const struct node_ledger_key *k)
{
    if (t->count == 0)
        return NULL;
    uint32_t number = *place(t, k);
    return number == 0 ? NULL : item_at(t, number - 1u);
}

/* Room for `more` items; false without memory, nothing changed. */
static bool reserve(struct node_ledger_table *t, uint32_t more)
{
    uint64_t want = (uint64_t)t->count + more, cap = t->cap == 0 ? 64u : t->cap;
    if (want <= t->cap)
        return true;
    while (cap < want)
        cap *= 2u;
    if (cap > UINT32_C(1) << 30)
        return false;
    uint32_t *index = calloc(2u * (size_t)cap, sizeof *index);
    uint8_t *items = index == NULL ? NULL : realloc(t->items, (size_t)cap * t->item_bytes);
    if (items == NULL) {
        free(index);
        return false;
    }
    free(t->index);
    t->items = items;
    t->index = index;
    t->cap = (uint32_t)cap;
    t->index_cap = 2u * (uint32_t)cap;
    for (uint32_t i = 0; i < t->count; i++)
        *place(t, item_at(t, i)) = i + 1u;
    return true;
}

/* The key's item, new and zero if there was none; NULL without memory. */
static void *need(struct node_ledger_table *t, const struct node_ledger_key *k)
{
    void *have = find(t, k);
    if (have != NULL || !reserve(t, 1))
        return have;
    void *item = item_at(t, t->count++);
    memset(item, 0, t->item_bytes);
    memcpy(item, k, sizeof *k);
    *place(t, k) = t->count;
    return item;
}

static struct node_ledger_key account_key(const struct td_addr *addr)
{
    return (struct node_ledger_key){.addr = *addr};
}

static struct node_ledger_key code_key(const struct td_hash *hash)
{
    struct node_ledger_key k = {.addr = {{0}}};
    memcpy(k.word.w, hash->b, sizeof k.word.w);
    return k;
}

/* ---- state */

const struct exec_account *node_ledger_account(const struct node_ledger *l,
                                               const struct td_addr *addr)
{
    struct node_ledger_key k = account_key(addr);
    const struct node_ledger_account *a = find(&l->accounts, &k);
    return a == NULL ? NULL : &a->data;
}

struct exec_u256 node_ledger_slot(const struct node_ledger *l, const struct td_addr *addr,
                                  const struct exec_u256 *slot)
{
    struct node_ledger_key k = {*addr, *slot};
    const struct node_ledger_slot *s = find(&l->slots, &k);
    return s == NULL ? exec_u256_of(0) : s->value;
}

const struct node_ledger_account *node_ledger_account_at(const struct node_ledger *l, uint32_t i)
{
    return item_at(&l->accounts, i);
}

const struct node_ledger_slot *node_ledger_slot_at(const struct node_ledger *l, uint32_t i)
{
    return item_at(&l->slots, i);
}

const struct node_ledger_code *node_ledger_code_at(const struct node_ledger *l, uint32_t i)
{
    return item_at(&l->codes, i);
}

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct exec_account *a = node_ledger_account(self, addr);
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    if (a != NULL)
        *out = *a;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    *out = node_ledger_slot(self, addr, slot);
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    const struct node_ledger *l = self;
    struct node_ledger_key k = code_key(hash);
    const struct node_ledger_code *c = find(&l->codes, &k);
    if (c == NULL)
        return TD_E_NOTFOUND;
    *out = c->bytes;
    return TD_OK;
}

static enum td_error code_digest(void *self, const struct td_hash *hash, struct td_p2_digest *out)
{
    const struct node_ledger *l = self;
    struct node_ledger_key k = code_key(hash);
    struct node_ledger_code *c = find(&l->codes, &k);
    if (c == NULL)
        return TD_E_NOTFOUND;
    if (!c->digested)
        exec_code_digest(&c->digest, c->bytes);
    c->digested = true;
    *out = c->digest;
    return TD_OK;
}

struct exec_reader node_ledger_reader(struct node_ledger *l)
{
    return (struct exec_reader){l, read_account, read_slot, read_code};
}

enum td_error node_ledger_put_account(struct node_ledger *l, const struct td_addr *addr,
                                      const struct exec_account *account)
{
    struct node_ledger_key k = account_key(addr);
    struct node_ledger_account *a = need(&l->accounts, &k);
    if (a == NULL)
        return TD_E_NOMEM;
    a->data = *account;
    return TD_OK;
}

enum td_error node_ledger_put_slot(struct node_ledger *l, const struct td_addr *addr,
                                   const struct exec_u256 *slot, const struct exec_u256 *value)
{
    struct node_ledger_key k = {*addr, *slot};
    struct node_ledger_slot *s = need(&l->slots, &k);
    if (s == NULL)
        return TD_E_NOMEM;
    s->value = *value;
    return TD_OK;
}

static enum td_error keep_bytes(struct node_ledger *l, struct td_bytes *out, struct td_bytes b)
{
    uint8_t *copy = td_arena_get(&l->kept, b.len, 4);
    if (copy == NULL)
        return TD_E_NOSPACE;
    if (b.len > 0)
        memcpy(copy, b.ptr, b.len);
    *out = td_bytes_of(copy, b.len);
    return TD_OK;
}

static enum td_error put_code_of(struct node_ledger *l, const struct td_hash *hash,
                                 struct td_bytes code)
{
    struct node_ledger_key k = code_key(hash);
    if (find(&l->codes, &k) != NULL)
        return TD_OK;
    struct td_bytes kept;
    enum td_error err = keep_bytes(l, &kept, code);
    struct node_ledger_code *c = err == TD_OK ? need(&l->codes, &k) : NULL;
    if (c == NULL)
        return err == TD_OK ? TD_E_NOMEM : err;
    c->bytes = kept;
    return TD_OK;
}

void node_ledger_code_hash(const struct node_ledger_code *c, struct td_hash *out)
{
    memcpy(out->b, c->key.word.w, sizeof out->b);
}

enum td_error node_ledger_put_code(struct node_ledger *l, struct td_bytes code)
{
    struct td_hash hash;
    td_keccak256(&hash, code.ptr, code.len);
    return put_code_of(l, &hash, code);
}

bool node_ledger_account_changed(const struct exec_state_account *a)
{
    const struct exec_account *o = &a->original, *n = &a->now;
    return o->nonce != n->nonce || !exec_u256_eq(&o->balance, &n->balance) ||
           !td_hash_eq(&o->code_hash, &n->code_hash) || o->code_bytes != n->code_bytes ||
           o->da_off != n->da_off || o->has_storage != n->has_storage;
}

bool node_ledger_slot_changed(const struct exec_state_slot *s)
{
    return !exec_u256_eq(&s->original, &s->now);
}

/* Room for the change set's accounts and slots, and its codes, which do no harm if it goes no
 * further. */
static enum td_error prepare_keep(struct node_ledger *l, const struct exec_state *s)
{
    enum td_error err = TD_OK;
    if (!reserve(&l->accounts, exec_state_account_count(s)) ||
        !reserve(&l->slots, exec_state_slot_count(s)))
        return TD_E_NOMEM;
    for (uint32_t i = 0; i < exec_state_code_count(s) && err == TD_OK; i++) {
        const struct exec_state_code *code = exec_state_code_at(s, i);
        if (code->made)
            err = put_code_of(l, &code->hash, code->bytes);
    }
    return err;
}

/* What the database would do with the change set. */
static enum td_error keep_state(struct node_ledger *l, const struct exec_state *s)
{
    enum td_error err = TD_OK;
    for (uint32_t i = 0; i < exec_state_account_count(s) && err == TD_OK; i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        if (node_ledger_account_changed(a))
            err = node_ledger_put_account(l, &a->addr, &a->now);
    }
    for (uint32_t i = 0; i < exec_state_slot_count(s) && err == TD_OK; i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        if (node_ledger_slot_changed(x))
            err = node_ledger_put_slot(l, &x->addr, &x->slot, &x->now);
    }
    return err;
}

/* ---- loading */

enum td_error node_ledger_load_leaf(struct node_ledger *l, uint32_t index,
                                    const struct exec_tree_leaf *leaf)
{
    if (index >= l->tree.capacity)
        return TD_E_LIMIT;
    l->tree.leaves[index] = *leaf;
    return TD_OK;
}

enum td_error node_ledger_load_end(struct node_ledger *l, const struct exec_cursor *cursor,
                                   const struct exec_batch *batch)
{
    enum td_error err = exec_tree_memory_load(&l->tree, cursor->leaf_count, &l->hasher);
    if (err != TD_OK)
        return err;
    if (!td_p2_digest_eq(exec_tree_memory_root(&l->tree), &cursor->tree_root))
        return TD_E_CORRUPT;
    l->cursor = *cursor;
    l->batch = *batch;
    return TD_OK;
}

/* ---- life */

enum td_error node_ledger_new(struct node_ledger *l, const struct node_ledger_limits *limits)
{
    struct exec_tree_head head;
    *l = (struct node_ledger){.hasher = {td_p2_permute_many}, .hints = true};
    l->accounts.item_bytes = sizeof(struct node_ledger_account);
    l->slots.item_bytes = sizeof(struct node_ledger_slot);
    l->codes.item_bytes = sizeof(struct node_ledger_code);
    td_secret_random(l->accounts.secret, sizeof l->accounts.secret);
    td_secret_random(l->slots.secret, sizeof l->slots.secret);
    td_secret_random(l->codes.secret, sizeof l->codes.secret);
    l->secp = td_secp_new();
    l->payload = calloc(TD_TXS_PER_BLOCK_MAX, sizeof *l->payload);
    if (l->secp == NULL || l->payload == NULL ||
        td_mem_arena_new(&l->kept, limits->kept_bytes) != TD_OK ||
        td_mem_arena_new(&l->work, limits->work_bytes) != TD_OK ||
        exec_tree_memory_init(&l->tree, limits->leaves, &l->kept) != TD_OK) {
        node_ledger_free(l);
        return TD_E_NOMEM;
    }
    exec_tree_init(&head);
    l->cursor = (struct exec_cursor){.tree_root = head.root, .leaf_count = head.leaf_count};
    return TD_OK;
}

static void table_free(struct node_ledger_table *t)
{
    free(t->items);
    free(t->index);
    *t = (struct node_ledger_table){0};
}

void node_ledger_free(struct node_ledger *l)
{
    table_free(&l->accounts);
    table_free(&l->slots);
    table_free(&l->codes);
    free(l->payload);
    free(l->keys);
    free(l->writer.words);
    td_secp_free(l->secp);
    td_mem_arena_free(&l->kept);
    td_mem_arena_free(&l->work);
    *l = (struct node_ledger){.payload = NULL};
}

/* ---- closing a block */

static uint64_t now(const struct node_ledger *l)
{
    return l->clock == NULL ? 0 : l->clock();
}

static enum td_error build(struct node_ledger *l, const struct exec_state *state,
                           struct exec_cursor *cursor, struct td_bytes input)
{
    const struct exec_tree_head old = {cursor->tree_root, cursor->leaf_count};
    const struct exec_tree_store own = exec_tree_memory_store(&l->tree);
    const struct exec_witness_source source = {l->store != NULL ? l->store : &own, &l->hasher, l,
                                               code_digest};
    enum td_error err = exec_witness_build(&l->witness, state, &old, &source, input, &l->work);
    if (err != TD_OK)
        return err;
    cursor->tree_root = l->witness.update.now.root;
    cursor->leaf_count = l->witness.update.now.leaf_count;
    return TD_OK;
}

static enum td_error close_block(void *self, const struct exec_state *state,
                                 struct exec_cursor *cursor, struct exec_published *out)
{
    struct node_ledger *l = self;
    struct td_bytes input = {0};
    enum td_error err = TD_OK;
    uint64_t begin = now(l);
    if (l->hints)
        err = exec_run_block_input(&input, &l->block, l->keys, l->key_count, l->slopes, &l->work);
    uint64_t hinted = now(l);
    if (err == TD_OK)
        err = build(l, state, cursor, input);
    l->times.hints = hinted - begin;
    l->times.witness = now(l) - hinted;
    if (err == TD_OK)
        *out = (struct exec_published){l->witness.diffs.on, l->witness.diffs.off};
    return err;
}

static bool ask(const struct node_ledger *l, struct exec_run_key *k)
{
    if (l->recoverer != NULL)
        return l->recoverer->recover(l->recoverer->self, k->xy, &k->digest, k->r, k->s, k->parity);
    struct td_secp_signed item = {.digest = k->digest, .parity = k->parity};
    struct td_secp_signer signer;
    memcpy(item.r, k->r, sizeof item.r);
    memcpy(item.s, k->s, sizeof item.s);
    bool found = td_secp_recover_many(l->secp, NULL, &signer, &item, 1) == 1;
    memcpy(k->xy, signer.xy, sizeof k->xy);
    return found;
}

/* Without memory a key counts as not found, and the block as not executed. */
static bool recover(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct node_ledger *l = self;
    struct exec_run_key k = {.digest = *digest, .parity = parity};
    if (l->key_count == l->key_cap) {
        uint32_t cap = l->key_cap == 0 ? 256u : 2u * l->key_cap;
        struct exec_run_key *more = realloc(l->keys, cap * sizeof *more);
        if (more == NULL) {
            l->keys_lost = true;
            return false;
        }
        l->keys = more;
        l->key_cap = cap;
    }
    memcpy(k.r, r, sizeof k.r);
    memcpy(k.s, s, sizeof k.s);
    k.found = ask(l, &k);
    memcpy(out_xy, k.xy, sizeof k.xy);
    l->keys[l->key_count++] = k;
    return k.found;
}

/* ---- genesis */

enum td_error node_ledger_genesis_begin(struct node_ledger *l)
{
    const struct exec_reader reader = node_ledger_reader(l);
    td_arena_reset(&l->work);
    void *region = td_arena_get(&l->work, exec_state_footprint(), 64);
    if (region == NULL)
        return TD_E_NOSPACE;
    l->genesis = exec_state_init(region, &l->work, &reader);
    exec_state_tx_begin(l->genesis);
    exec_genesis_put(l->genesis);
    return exec_state_error(l->genesis);
}

enum td_error node_ledger_genesis_end(struct node_ledger *l)
{
    exec_state_tx_end(l->genesis);
    enum td_error err = exec_state_error(l->genesis);
    struct exec_cursor next = l->cursor;
    if (err == TD_OK)
        err = build(l, l->genesis, &next, td_bytes_of(NULL, 0));
    if (err == TD_OK)
        err = prepare_keep(l, l->genesis);
    if (err == TD_OK)
        err = exec_tree_memory_put(&l->tree, &l->witness.update);
    if (err == TD_OK)
        err = keep_state(l, l->genesis);
    if (err != TD_OK)
        return err;
    l->genesis = NULL;
    l->cursor = next;
    exec_batch_init(&l->batch, &l->cursor);
    return TD_OK;
}

/* ---- payload */

enum td_error node_ledger_add(struct node_ledger *l, struct td_bytes entry)
{
    if (l->payload_count == TD_TXS_PER_BLOCK_MAX)
        return TD_E_LIMIT;
    enum td_error err = keep_bytes(l, &l->payload[l->payload_count], entry);
    l->payload_count += err == TD_OK ? 1u : 0u;
    return err;
}

enum td_error node_ledger_add_inbox(struct node_ledger *l, const struct exec_inbox_op *op)
{
    struct td_arena_mark mark = td_arena_mark(&l->work);
    size_t cap = EXEC_INBOX_HEADER_BYTES + op->data.len;
    uint8_t value[32], *buf = td_arena_get(&l->work, cap, 8);
    struct td_writer w;
    if (buf == NULL)
        return TD_E_NOSPACE;
    exec_u256_to_be(value, &op->value);
    td_writer_init(&w, buf, cap);
    td_put_u8(&w, EXEC_TX_DEPOSIT);
    td_put_u64(&w, op->index);
    td_put_u8(&w, op->kind);
    td_put_addr(&w, &op->sender);
    td_put_addr(&w, &op->to);
    td_put_bytes(&w, value, sizeof value);
    td_put_u64(&w, op->gas_limit);
    td_put_u64(&w, op->l1_block);
    td_put_bytes(&w, op->data.ptr, op->data.len);
    enum td_error err = w.err == TD_OK ? node_ledger_add(l, td_bytes_of(buf, w.len)) : w.err;
    td_arena_rewind(&l->work, mark);
    return err;
}

void node_ledger_clear(struct node_ledger *l)
{
    l->payload_count = 0;
}

enum td_error node_ledger_encode(struct node_ledger *l, struct td_bytes *out,
                                 const struct exec_tx *tx)
{
    struct td_arena_mark mark = td_arena_mark(&l->work);
    struct td_writer w;
    uint8_t *buf = td_arena_get(&l->work, ENTRY_BYTES_MAX, 8);
    if (buf == NULL)
        return TD_E_NOSPACE;
    td_writer_init(&w, buf, ENTRY_BYTES_MAX);
    exec_tx_encode(&w, tx);
    enum td_error err = w.err == TD_OK ? keep_bytes(l, out, td_bytes_of(buf, w.len)) : w.err;
    td_arena_rewind(&l->work, mark);
    return err;
}

void node_ledger_key_addr(const struct node_ledger *l, struct td_addr *out,
                          const struct td_secp_key *key)
{
    struct td_secp_pub pub;
    td_secp_key_pub(l->secp, &pub, key);
    td_secp_pub_addr(l->secp, out, &pub);
}

/* The signing hash is what the decoder says it is: sign a dummy, decode, sign. */
static enum td_error signing_hash(struct node_ledger *l, struct td_hash *out,
                                  const struct exec_tx *tx)
{
    struct td_arena_mark mark = td_arena_mark(&l->kept);
    struct exec_tx dummy = *tx, seen;
    struct td_bytes bytes;
    dummy.r = dummy.s = exec_u256_of(1);
    dummy.y_parity = 0;
    enum td_error err = node_ledger_encode(l, &bytes, &dummy);
    if (err == TD_OK && td_arena_left(&l->kept) < EXEC_TX_ARENA_BYTES(bytes.len))
        err = TD_E_NOSPACE;
    if (err == TD_OK && exec_tx_decode(&seen, &l->kept, bytes, 0) != EXEC_TX_OK)
        err = TD_E_MALFORMED;
    if (err == TD_OK)
        *out = seen.signing_hash;
    td_arena_rewind(&l->kept, mark);
    return err;
}

enum td_error node_ledger_sign(struct node_ledger *l, struct exec_tx *tx,
                               const struct td_secp_key *key)
{
    struct td_hash hash;
    struct td_sig sig;
    enum td_error err = signing_hash(l, &hash, tx);
    if (err == TD_OK)
        err = td_secp_sign(l->secp, key, &hash, &sig);
    if (err != TD_OK)
        return err;
    tx->y_parity = sig.b[32] >> 7;
    sig.b[32] &= 0x7f;
    exec_u256_from_be(&tx->r, sig.b, 32);
    exec_u256_from_be(&tx->s, sig.b + 32, 32);
    node_ledger_key_addr(l, &tx->sender, key);
    return TD_OK;
}

/* ---- blocks */

static enum td_error payload_root(struct node_ledger *l, struct bft_header *h)
{
    struct td_arena_mark mark = td_arena_mark(&l->work);
    struct td_hash *hashes = TD_ARENA_NEW(&l->work, struct td_hash, l->payload_count);
    uint64_t bytes = 0;
    if (hashes == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < l->payload_count; i++) {
        const struct td_bytes e = l->payload[i];
        td_keccak256(&hashes[i], e.ptr, e.len);
        bytes += e.len;
    }
    h->tx_count = l->payload_count;
    h->payload_bytes = (uint32_t)bytes;
    bft_payload_root(&h->payload_root, hashes, hashes, l->payload_count);
    td_arena_rewind(&l->work, mark);
    return bytes > TD_PAYLOAD_BYTES_MAX ? TD_E_LIMIT : TD_OK;
}

static enum td_error make_header(struct node_ledger *l, struct bft_header *h)
{
    h->round = h->height = l->cursor.number + 1u;
    h->parent = h->prev_hash = l->cursor.block_hash;
    return payload_root(l, h);
}

enum td_error node_ledger_execute(struct node_ledger *l, struct bft_header *h)
{
    td_arena_reset(&l->work);
    enum td_error err = make_header(l, h);
    return err == TD_OK ? node_ledger_execute_as(l, h, l->payload, l->payload_count) : err;
}

enum td_error node_ledger_execute_as(struct node_ledger *l, const struct bft_header *h,
                                     const struct td_bytes *entries, uint32_t count)
{
    const struct exec_reader reader = node_ledger_reader(l);
    const struct exec_recoverer recoverer = {l, recover};
    const struct exec_ports ports = {
        .self = l, .recoverer = &recoverer, .close = close_block, .results = true};
    struct td_writer w;
    td_arena_reset(&l->work);
    l->times = (struct node_ledger_times){0};
    l->key_count = 0;
    l->keys_lost = false;
    l->next_cursor = l->cursor;
    l->next_batch = l->batch;
    td_writer_init(&w, l->header, sizeof l->header);
    bft_header_encode(&w, h);
    l->block = (struct exec_block){td_bytes_of(l->header, sizeof l->header), entries, count};
    if (w.err != TD_OK)
        return w.err;
    uint64_t begin = now(l);
    enum td_error err = exec_block(&l->params, &l->block, &reader, &ports, &l->work,
                                   &l->next_cursor, &l->next_batch, &l->result);
    l->times.block = now(l) - begin - l->times.hints;
    return err == TD_OK && l->keys_lost ? TD_E_NOMEM : err;
}

enum td_error node_ledger_keep(struct node_ledger *l)
{
    enum td_error err = prepare_keep(l, l->result.state);
    if (err == TD_OK && l->store == NULL)
        err = exec_tree_memory_put(&l->tree, &l->witness.update);
    if (err == TD_OK)
        err = keep_state(l, l->result.state);
    if (err != TD_OK)
        return err;
    l->cursor = l->next_cursor;
    l->batch = l->next_batch;
    return TD_OK;
}

/* ---- runs */

/* Constants, cursor and batch are some hundred words. */
#define RUN_START_WORDS 4096u

static enum td_error reserve_words(struct node_ledger *l, size_t more)
{
    size_t cap = l->writer.need + more;
    if (cap <= l->writer.cap)
        return TD_OK;
    cap += l->writer.cap;
    uint32_t *words = realloc(l->writer.words, cap * sizeof *words);
    if (words == NULL)
        return TD_E_NOMEM;
    l->writer.words = words;
    l->writer.cap = cap;
    return TD_OK;
}

enum td_error node_ledger_run_begin(struct node_ledger *l, const struct td_p2_digest *whitelist,
                                    const struct td_p2_digest *program)
{
    l->writer.need = 0;
    l->run_blocks = 0;
    enum td_error err = reserve_words(l, RUN_START_WORDS);
    if (err != TD_OK)
        return err;
    exec_run_writer_init(&l->writer, l->writer.words, l->writer.cap);
    l->start = (struct exec_run_start){.chain = l->params, .cursor = l->cursor, .batch = l->batch};
    if (whitelist != NULL)
        l->start.whitelist = *whitelist;
    if (program != NULL)
        l->start.program = *program;
    exec_run_put_start(&l->writer, &l->start);
    return TD_OK;
}

enum td_error node_ledger_run_add(struct node_ledger *l)
{
    enum td_error err = reserve_words(l, l->witness.word_count + 1u);
    if (err != TD_OK)
        return err;
    exec_run_put_block(&l->writer, l->witness.words, l->witness.word_count);
    l->run_blocks++;
    return TD_OK;
}

enum td_error node_ledger_run_finish(struct node_ledger *l, size_t *count)
{
    *count = l->writer.need;
    return exec_run_finish(&l->writer, l->run_blocks);
}

void node_ledger_statement(const struct node_ledger *l, struct exec_statement *out)
{
    *out = (struct exec_statement){.whitelist = l->start.whitelist, .program = l->start.program};
    exec_chain_digest(&out->chain, &l->params);
    exec_point_digest(&out->before, &l->start.cursor, &l->start.batch);
    exec_point_digest(&out->after, &l->next_cursor, &l->next_batch);
}
