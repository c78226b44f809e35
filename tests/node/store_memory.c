#include "tests/node/store_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/codec.h"

#define KEY_MAX 56u

struct row {
    uint8_t key[KEY_MAX];
    size_t key_len, len;
    uint8_t *bytes;
};

struct table {
    struct row *rows;
    uint32_t count, cap;
};

struct pending {
    uint32_t table;
    struct row row;
};

struct store_chain {
    bool begun;
};
struct store_chain_reader {
    bool open;
};

static struct table tables[MEMORY_TABLES];
static struct pending *pending;
static uint32_t pending_count, pending_cap;
static struct store_chain the_writer;

static void *must(void *p)
{
    TD_ASSERT(p != NULL);
    return p;
}

static uint32_t lower(const struct table *t, const uint8_t *key, size_t len)
{
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const struct row *r = &t->rows[mid];
        int cmp = memcmp(r->key, key, len < r->key_len ? len : r->key_len);
        if (cmp < 0 || (cmp == 0 && r->key_len < len))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct row *find(uint32_t table, const void *key, size_t len)
{
    struct table *t = &tables[table];
    uint32_t at = lower(t, key, len);
    if (at == t->count || t->rows[at].key_len != len || memcmp(t->rows[at].key, key, len) != 0)
        return NULL;
    return &t->rows[at];
}

static void apply(const struct pending *p)
{
    struct table *t = &tables[p->table];
    struct row *have = find(p->table, p->row.key, p->row.key_len);
    if (have != NULL) {
        free(have->bytes);
        *have = p->row;
        return;
    }
    if (t->count == t->cap) {
        t->cap = t->cap == 0 ? 64 : 2 * t->cap;
        t->rows = must(realloc(t->rows, t->cap * sizeof *t->rows));
    }
    uint32_t at = lower(t, p->row.key, p->row.key_len);
    memmove(&t->rows[at + 1], &t->rows[at], (t->count - at) * sizeof *t->rows);
    t->rows[at] = p->row;
    t->count++;
}

static void put(uint32_t table, const void *key, size_t key_len, struct td_bytes bytes)
{
    TD_ASSERT(the_writer.begun);
    if (pending_count == pending_cap) {
        pending_cap = pending_cap == 0 ? 64 : 2 * pending_cap;
        pending = must(realloc(pending, pending_cap * sizeof *pending));
    }
    struct pending *p = &pending[pending_count++];
    *p = (struct pending){.table = table, .row = {.key_len = key_len, .len = bytes.len}};
    TD_ASSERT(key_len <= KEY_MAX);
    memcpy(p->row.key, key, key_len);
    p->row.bytes = must(malloc(bytes.len + 1));
    if (bytes.len > 0)
        memcpy(p->row.bytes, bytes.ptr, bytes.len);
}

static void forget(void)
{
    for (uint32_t i = 0; i < pending_count; i++)
        free(pending[i].row.bytes);
    pending_count = 0;
    the_writer.begun = false;
}

static void be64(uint8_t out[8], uint64_t v)
{
    struct td_writer w;
    td_writer_init(&w, out, 8);
    td_put_u64(&w, v);
}

static uint64_t of_be64(const uint8_t *in)
{
    struct td_reader r;
    td_reader_init(&r, in, 8);
    return td_get_u64(&r);
}

/* ---- for tests */

void memory_store_reset(void)
{
    forget();
    for (uint32_t i = 0; i < MEMORY_TABLES; i++) {
        for (uint32_t k = 0; k < tables[i].count; k++)
            free(tables[i].rows[k].bytes);
        free(tables[i].rows);
        tables[i] = (struct table){0};
    }
}

uint32_t memory_store_rows(uint32_t table)
{
    return tables[table].count;
}

uint8_t *memory_store_row(uint32_t table, uint32_t i, size_t *len)
{
    *len = tables[table].rows[i].len;
    return tables[table].rows[i].bytes;
}

void memory_store_drop(uint32_t table, uint32_t i)
{
    struct table *t = &tables[table];
    free(t->rows[i].bytes);
    t->count--;
    memmove(&t->rows[i], &t->rows[i + 1], (t->count - i) * sizeof *t->rows);
}

/* ---- writing */

enum td_error store_chain_open(struct store_chain **out, const char *path,
                               const struct store_chain_options *options, struct store_error *error)
{
    (void)path;
    (void)options;
    error->text[0] = '\0';
    *out = &the_writer;
    return TD_OK;
}

void store_chain_close(struct store_chain *c)
{
    if (c != NULL)
        forget();
}

enum td_error store_chain_begin(struct store_chain *c)
{
    c->begun = true;
    return TD_OK;
}

enum td_error store_chain_commit(struct store_chain *c, struct store_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < pending_count; i++)
        apply(&pending[i]);
    pending_count = 0;
    c->begun = false;
    return TD_OK;
}

void store_chain_put_item(struct store_chain *c, uint32_t item, struct td_bytes bytes)
{
    uint8_t key[8];
    (void)c;
    be64(key, item);
    put(MEMORY_ITEMS, key, 8, bytes);
}

void store_chain_put_payload(struct store_chain *c, const struct td_hash *root, uint64_t height,
                             struct td_bytes payload)
{
    (void)c;
    (void)height;
    put(MEMORY_PAYLOADS, root->b, sizeof root->b, payload);
}

void store_chain_put_block(struct store_chain *c, uint64_t height, const struct td_hash *hash,
                           const struct td_hash *payload_root, struct td_bytes header,
                           struct td_bytes state)
{
    uint8_t key[8], bytes[4096];
    struct td_writer w;
    (void)c;
    be64(key, height);
    td_writer_init(&w, bytes, sizeof bytes);
    td_put_hash(&w, hash);
    td_put_hash(&w, payload_root);
    td_put_u32(&w, (uint32_t)header.len);
    td_put_bytes(&w, header.ptr, header.len);
    td_put_bytes(&w, state.ptr, state.len);
    put(MEMORY_BLOCKS, key, 8, td_bytes_of(bytes, w.len));
}

void store_chain_put_executed(struct store_chain *c, uint64_t height, struct td_bytes record,
                              struct td_bytes receipts)
{
    uint8_t key[8];
    (void)c;
    be64(key, height);
    put(MEMORY_RECORDS, key, 8, record);
    put(MEMORY_RECEIPTS, key, 8, receipts);
}

void store_chain_put_tx(struct store_chain *c, const struct td_hash *hash, uint64_t height,
                        uint32_t index)
{
    uint8_t at[16];
    (void)c;
    be64(at, height);
    be64(at + 8, index);
    put(MEMORY_TXS, hash->b, sizeof hash->b, td_bytes_of(at, sizeof at));
}

void store_chain_put_log(struct store_chain *c, uint64_t key, uint64_t height)
{
    uint8_t at[16];
    (void)c;
    be64(at, key);
    be64(at + 8, height);
    put(MEMORY_LOGS, at, sizeof at, td_bytes_of(NULL, 0));
}

void store_chain_put_account(struct store_chain *c, const struct td_addr *addr,
                             struct td_bytes account)
{
    (void)c;
    put(STORE_CHAIN_ACCOUNTS, addr->b, sizeof addr->b, account);
}

void store_chain_put_slot(struct store_chain *c, const struct td_addr *addr,
                          const struct td_hash *slot, const struct td_hash *value)
{
    uint8_t key[52];
    (void)c;
    memcpy(key, addr->b, 20);
    memcpy(key + 20, slot->b, 32);
    put(STORE_CHAIN_SLOTS, key, sizeof key, td_bytes_of(value->b, sizeof value->b));
}

void store_chain_put_code(struct store_chain *c, const struct td_hash *hash, struct td_bytes code)
{
    (void)c;
    put(STORE_CHAIN_CODES, hash->b, sizeof hash->b, code);
}

void store_chain_put_leaf(struct store_chain *c, uint32_t index, struct td_bytes leaf)
{
    uint8_t key[8];
    (void)c;
    be64(key, index);
    put(STORE_CHAIN_LEAVES, key + 4, 4, leaf);
}

/* ---- reading */

enum td_error store_chain_reader_open(struct store_chain_reader **out, const char *path,
                                      const struct td_hash *genesis, struct store_error *error)
{
    static struct store_chain_reader reader;
    (void)path;
    (void)genesis;
    error->text[0] = '\0';
    *out = &reader;
    return TD_OK;
}

void store_chain_reader_close(struct store_chain_reader *r)
{
    (void)r;
}

static enum td_error get(uint32_t table, const void *key, size_t len, struct td_arena *arena,
                         struct td_bytes *out)
{
    const struct row *row = find(table, key, len);
    if (row == NULL)
        return TD_E_NOTFOUND;
    void *copy = td_arena_get(arena, row->len, 8);
    if (copy == NULL)
        return TD_E_NOSPACE;
    memcpy(copy, row->bytes, row->len);
    *out = td_bytes_of(copy, row->len);
    return TD_OK;
}

enum td_error store_chain_item(struct store_chain_reader *r, uint32_t item, struct td_arena *arena,
                               struct td_bytes *out)
{
    uint8_t key[8];
    (void)r;
    be64(key, item);
    return get(MEMORY_ITEMS, key, 8, arena, out);
}

enum td_error store_chain_payload(struct store_chain_reader *r, const struct td_hash *root,
                                  struct td_arena *arena, struct td_bytes *payload)
{
    (void)r;
    return get(MEMORY_PAYLOADS, root->b, sizeof root->b, arena, payload);
}

enum td_error store_chain_block(struct store_chain_reader *r, uint64_t height,
                                struct td_arena *arena, struct store_chain_block *out)
{
    struct td_reader read;
    struct td_bytes bytes;
    uint8_t key[8];
    (void)r;
    be64(key, height);
    enum td_error err = get(MEMORY_BLOCKS, key, 8, arena, &bytes);
    if (err != TD_OK)
        return err;
    *out = (struct store_chain_block){.height = height};
    td_reader_init(&read, bytes.ptr, bytes.len);
    td_get_hash(&read, &out->hash);
    td_get_hash(&read, &out->payload_root);
    out->header = td_get_view(&read, td_get_u32(&read));
    out->state = td_get_view(&read, td_reader_left(&read));
    err = get(MEMORY_RECORDS, key, 8, arena, &out->record);
    out->executed = err == TD_OK;
    return err == TD_E_NOTFOUND ? TD_OK : err;
}

static uint64_t last_height(uint32_t table)
{
    const struct table *t = &tables[table];
    return t->count == 0 ? 0 : of_be64(t->rows[t->count - 1].key);
}

enum td_error store_chain_heights(struct store_chain_reader *r, uint64_t *final, uint64_t *executed)
{
    (void)r;
    *final = last_height(MEMORY_BLOCKS);
    *executed = last_height(MEMORY_RECORDS);
    return TD_OK;
}

enum td_error store_chain_receipts(struct store_chain_reader *r, uint64_t height,
                                   struct td_arena *arena, struct td_bytes *out)
{
    uint8_t key[8];
    (void)r;
    be64(key, height);
    return get(MEMORY_RECEIPTS, key, 8, arena, out);
}

enum td_error store_chain_tx(struct store_chain_reader *r, const struct td_hash *hash,
                             uint64_t *height, uint32_t *index)
{
    const struct row *row = find(MEMORY_TXS, hash->b, sizeof hash->b);
    (void)r;
    if (row == NULL)
        return TD_E_NOTFOUND;
    *height = of_be64(row->bytes);
    *index = (uint32_t)of_be64(row->bytes + 8);
    return TD_OK;
}

enum td_error store_chain_logs(struct store_chain_reader *r, uint64_t key, uint64_t from,
                               uint64_t to, uint64_t *heights, uint32_t cap, uint32_t *count)
{
    const struct table *t = &tables[MEMORY_LOGS];
    (void)r;
    *count = 0;
    for (uint32_t i = 0; i < t->count && *count < cap; i++) {
        uint64_t height = of_be64(t->rows[i].key + 8);
        if (of_be64(t->rows[i].key) == key && height >= from && height <= to)
            heights[(*count)++] = height;
    }
    return TD_OK;
}

enum td_error store_chain_scan(struct store_chain_reader *r, enum store_chain_table table,
                               enum td_error (*each)(void *ctx, struct td_bytes key,
                                                     struct td_bytes value),
                               void *ctx)
{
    enum td_error err = TD_OK;
    (void)r;
    for (uint32_t i = 0; i < tables[table].count && err == TD_OK; i++) {
        const struct row *row = &tables[table].rows[i];
        err = each(ctx, td_bytes_of(row->key, row->key_len), td_bytes_of(row->bytes, row->len));
    }
    return err;
}
