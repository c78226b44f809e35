/* The chain database's readers. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "storage/chain_internal.h"

static int prepare(struct store_chain_reader *r)
{
    static const struct {
        enum store_table table;
        const char *tail;
    } queries[STORE_Q_END] = {
        [STORE_Q_ITEM] = {STORE_ITEMS, "WHERE item = ?1"},
        [STORE_Q_HEADER] = {STORE_HEADERS, "WHERE hash = ?1"},
        [STORE_Q_PAYLOAD] = {STORE_PAYLOADS, "WHERE root = ?1"},
        [STORE_Q_BLOCK] = {STORE_BLOCKS, "WHERE height = ?1"},
        [STORE_Q_BLOCK_BY_HASH] = {STORE_BLOCKS, "WHERE hash = ?1"},
        [STORE_Q_BLOCK_LAST] = {STORE_BLOCKS, "ORDER BY height DESC LIMIT 1"},
        [STORE_Q_EXECUTED] = {STORE_EXECUTED, "WHERE height = ?1"},
        [STORE_Q_EXECUTED_LAST] = {STORE_EXECUTED, "ORDER BY height DESC LIMIT 1"},
        [STORE_Q_RECEIPTS] = {STORE_RECEIPTS, "WHERE height = ?1"},
        [STORE_Q_TX] = {STORE_TXS, "WHERE hash = ?1"},
        [STORE_Q_CERT] = {STORE_CERTS, "WHERE kind = ?1 AND number = ?2"},
        [STORE_Q_CERT_LAST] = {STORE_CERTS, "WHERE kind = ?1 AND number <= ?2"
                                            " ORDER BY number DESC LIMIT 1"},
        [STORE_Q_LOGS] = {STORE_LOGS, "WHERE key = ?1 AND height >= ?2 AND height <= ?3"
                                      " ORDER BY height LIMIT ?4"},
    };
    int rc = sqlite3_prepare_v3(r->db, "BEGIN", -1, SQLITE_PREPARE_PERSISTENT, &r->begin, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(r->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &r->end, NULL);
    for (size_t i = 0; i < STORE_Q_END && rc == SQLITE_OK; i++)
        rc = store_sql_select(r->db, &r->q[i], queries[i].table, queries[i].tail);
    return rc;
}

enum td_error store_reader_open(struct store_chain_reader **out, const char *path,
                                const struct td_hash *genesis, bool alone, struct td_hash *found,
                                struct store_error *error)
{
    error->text[0] = '\0';
    *out = NULL;
    struct store_chain_reader *r = calloc(1, sizeof *r);
    if (r == NULL || (r->path = strdup(path)) == NULL) {
        free(r);
        return store_fail(error, TD_E_NOMEM, path, "out of memory");
    }
    int flags = SQLITE_OPEN_READONLY | (alone ? SQLITE_OPEN_URI : 0);
    enum td_error err = store_sql_open(&r->db, path, flags, error);
    if (err == TD_OK)
        err = store_schema_check(r->db, path, genesis, false, found, error);
    if (err == TD_OK) {
        int rc = prepare(r);
        if (rc != SQLITE_OK)
            err = store_sql_fail(error, path, r->db, rc);
    }
    if (err != TD_OK) {
        store_chain_reader_close(r);
        return err;
    }
    *out = r;
    return TD_OK;
}

enum td_error store_chain_reader_open(struct store_chain_reader **out, const char *path,
                                      const struct td_hash *genesis, struct store_error *error)
{
    struct td_hash found;
    return store_reader_open(out, path, genesis, false, &found, error);
}

void store_chain_reader_close(struct store_chain_reader *r)
{
    if (r == NULL)
        return;
    sqlite3_finalize(r->begin);
    sqlite3_finalize(r->end);
    for (size_t i = 0; i < STORE_Q_END; i++)
        sqlite3_finalize(r->q[i]);
    int rc = sqlite3_close(r->db);
    TD_ASSERT(rc == SQLITE_OK);
    free(r->path);
    free(r);
}

/* A reader waits for nobody for long: what was busy for ten seconds is broken. */
static enum td_error read_error(int rc)
{
    enum td_error err = store_sql_error(rc);
    return err == TD_E_BUSY || err == TD_E_NOMEM ? TD_E_IO : err;
}

enum td_error store_chain_read_begin(struct store_chain_reader *r)
{
    int64_t version;
    TD_ASSERT(!r->reading);
    int rc = store_sql_finish(r->begin);
    if (rc == SQLITE_OK) /* the first read fixes the state that is seen */
        rc = store_sql_number(r->db, "SELECT count(*) FROM meta", &version);
    if (rc == SQLITE_OK) {
        r->reading = true;
        return TD_OK;
    }
    if (sqlite3_get_autocommit(r->db) == 0)
        (void)store_sql_finish(r->end);
    return read_error(rc);
}

void store_chain_read_end(struct store_chain_reader *r)
{
    TD_ASSERT(r->reading);
    (void)store_sql_finish(r->end); /* nothing was written: there is nothing to fail */
    r->reading = false;
}

/* ---- one row */

/* Find and check a row.  On TD_OK the cells are views until `done`. */
static enum td_error get(struct store_chain_reader *r, enum store_query query,
                         enum store_table table, const char *kinds, const struct store_cell *keys,
                         struct store_cell cells[STORE_CELLS_MAX])
{
    sqlite3_stmt *q = r->q[query];
    int rc = SQLITE_OK;
    for (int i = 0; kinds[i] != '\0' && rc == SQLITE_OK; i++)
        rc = store_cell_bind(q, i + 1, kinds[i], &keys[i]);
    if (rc == SQLITE_RANGE)
        return TD_E_NOTFOUND; /* no such number is ever put */
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_DONE)
        return TD_E_NOTFOUND;
    return rc == SQLITE_ROW ? store_row_read(q, table, cells) : read_error(rc);
}

static void done(struct store_chain_reader *r, enum store_query query)
{
    sqlite3_reset(r->q[query]);
    sqlite3_clear_bindings(r->q[query]);
}

static enum td_error copy(struct td_arena *arena, struct td_bytes from, struct td_bytes *out)
{
    *out = td_bytes_of(NULL, 0);
    if (from.len == 0)
        return TD_OK;
    uint8_t *at = td_arena_get(arena, from.len, 1);
    if (at == NULL)
        return TD_E_NOSPACE;
    memcpy(at, from.ptr, from.len);
    *out = td_bytes_of(at, from.len);
    return TD_OK;
}

/* A row whose value is all that is wanted. */
static enum td_error get_value(struct store_chain_reader *r, enum store_query query,
                               enum store_table table, const char *kinds,
                               const struct store_cell *keys, struct td_arena *arena,
                               struct td_bytes *out)
{
    struct store_cell cells[STORE_CELLS_MAX];
    size_t value = strlen(STORE_TABLES[table].kinds) - 1u;
    *out = td_bytes_of(NULL, 0);
    enum td_error err = get(r, query, table, kinds, keys, cells);
    if (err == TD_OK)
        err = copy(arena, cells[value].bytes, out);
    done(r, query);
    return err;
}

enum td_error store_chain_item(struct store_chain_reader *r, uint32_t item, struct td_arena *arena,
                               struct td_bytes *out)
{
    struct store_cell key = store_cell_number(item);
    return get_value(r, STORE_Q_ITEM, STORE_ITEMS, "i", &key, arena, out);
}

enum td_error store_chain_header(struct store_chain_reader *r, const struct td_hash *hash,
                                 struct td_arena *arena, struct td_bytes *header)
{
    struct store_cell key = store_cell_hash(hash);
    return get_value(r, STORE_Q_HEADER, STORE_HEADERS, "h", &key, arena, header);
}

enum td_error store_chain_payload(struct store_chain_reader *r, const struct td_hash *root,
                                  struct td_arena *arena, struct td_bytes *payload)
{
    struct store_cell key = store_cell_hash(root);
    return get_value(r, STORE_Q_PAYLOAD, STORE_PAYLOADS, "h", &key, arena, payload);
}

enum td_error store_chain_receipts(struct store_chain_reader *r, uint64_t height,
                                   struct td_arena *arena, struct td_bytes *out)
{
    struct store_cell key = store_cell_number(height);
    return get_value(r, STORE_Q_RECEIPTS, STORE_RECEIPTS, "i", &key, arena, out);
}

enum td_error store_chain_cert(struct store_chain_reader *r, uint32_t kind, uint64_t number,
                               struct td_arena *arena, struct td_bytes *out)
{
    const struct store_cell keys[] = {store_cell_number(kind), store_cell_number(number)};
    return get_value(r, STORE_Q_CERT, STORE_CERTS, "ii", keys, arena, out);
}

enum td_error store_chain_cert_last(struct store_chain_reader *r, uint32_t kind, uint64_t most,
                                    uint64_t *number)
{
    struct store_cell cells[STORE_CELLS_MAX];
    uint64_t bound = most < (uint64_t)INT64_MAX ? most : (uint64_t)INT64_MAX;
    const struct store_cell keys[] = {store_cell_number(kind), store_cell_number(bound)};
    *number = 0;
    enum td_error err = get(r, STORE_Q_CERT_LAST, STORE_CERTS, "ii", keys, cells);
    if (err == TD_OK)
        *number = cells[1].number;
    done(r, STORE_Q_CERT_LAST);
    return err;
}

enum td_error store_chain_tx(struct store_chain_reader *r, const struct td_hash *hash,
                             uint64_t *height, uint32_t *index)
{
    struct store_cell cells[STORE_CELLS_MAX], key = store_cell_hash(hash);
    *height = 0;
    *index = 0;
    enum td_error err = get(r, STORE_Q_TX, STORE_TXS, "h", &key, cells);
    if (err == TD_OK && cells[2].number > UINT32_MAX)
        err = TD_E_CORRUPT;
    if (err == TD_OK) {
        *height = cells[1].number;
        *index = (uint32_t)cells[2].number;
    }
    done(r, STORE_Q_TX);
    return err;
}

/* ---- blocks */

static enum td_error get_block(struct store_chain_reader *r, uint64_t height,
                               struct td_arena *arena, struct store_chain_block *out)
{
    struct store_cell cells[STORE_CELLS_MAX], key = store_cell_number(height);
    enum td_error err = get(r, STORE_Q_BLOCK, STORE_BLOCKS, "i", &key, cells);
    if (err == TD_OK) {
        out->height = height;
        memcpy(out->hash.b, cells[1].bytes.ptr, TD_HASH_BYTES);
        memcpy(out->payload_root.b, cells[2].bytes.ptr, TD_HASH_BYTES);
        err = copy(arena, cells[3].bytes, &out->header);
    }
    if (err == TD_OK)
        err = copy(arena, cells[4].bytes, &out->state);
    done(r, STORE_Q_BLOCK);
    if (err != TD_OK)
        return err;
    err = get_value(r, STORE_Q_EXECUTED, STORE_EXECUTED, "i", &key, arena, &out->record);
    out->executed = err == TD_OK;
    return err == TD_E_NOTFOUND ? TD_OK : err;
}

/* Run two statements on one state of the database. */
static enum td_error enter(struct store_chain_reader *r, bool *entered)
{
    *entered = !r->reading;
    return *entered ? store_chain_read_begin(r) : TD_OK;
}

enum td_error store_chain_block(struct store_chain_reader *r, uint64_t height,
                                struct td_arena *arena, struct store_chain_block *out)
{
    bool entered;
    *out = (struct store_chain_block){.height = 0};
    enum td_error err = enter(r, &entered);
    if (err != TD_OK)
        return err;
    err = get_block(r, height, arena, out);
    if (err != TD_OK)
        *out = (struct store_chain_block){.height = 0};
    if (entered)
        store_chain_read_end(r);
    return err;
}

enum td_error store_chain_block_height(struct store_chain_reader *r, const struct td_hash *hash,
                                       uint64_t *height)
{
    struct store_cell cells[STORE_CELLS_MAX], key = store_cell_hash(hash);
    *height = 0;
    enum td_error err = get(r, STORE_Q_BLOCK_BY_HASH, STORE_BLOCKS, "h", &key, cells);
    if (err == TD_OK)
        *height = cells[0].number;
    done(r, STORE_Q_BLOCK_BY_HASH);
    return err;
}

static enum td_error last_height(struct store_chain_reader *r, enum store_query query,
                                 enum store_table table, uint64_t *height)
{
    struct store_cell cells[STORE_CELLS_MAX];
    enum td_error err = get(r, query, table, "", NULL, cells);
    *height = err == TD_OK ? cells[0].number : 0;
    done(r, query);
    return err == TD_E_NOTFOUND ? TD_OK : err;
}

enum td_error store_chain_heights(struct store_chain_reader *r, uint64_t *final, uint64_t *executed)
{
    bool entered;
    *final = 0;
    *executed = 0;
    enum td_error err = enter(r, &entered);
    if (err != TD_OK)
        return err;
    err = last_height(r, STORE_Q_BLOCK_LAST, STORE_BLOCKS, final);
    if (err == TD_OK)
        err = last_height(r, STORE_Q_EXECUTED_LAST, STORE_EXECUTED, executed);
    if (entered)
        store_chain_read_end(r);
    return err;
}

/* ---- many rows */

enum td_error store_chain_logs(struct store_chain_reader *r, uint64_t key, uint64_t from,
                               uint64_t to, uint64_t *heights, uint32_t cap, uint32_t *count)
{
    sqlite3_stmt *q = r->q[STORE_Q_LOGS];
    struct store_cell cells[STORE_CELLS_MAX];
    uint64_t last = to < (uint64_t)INT64_MAX ? to : (uint64_t)INT64_MAX;
    const struct store_cell keys[] = {store_cell_number(key), store_cell_number(from),
                                      store_cell_number(last), store_cell_number(cap)};
    enum td_error err = TD_OK;
    int rc = SQLITE_OK;
    *count = 0;
    if (from > last)
        return TD_OK;
    for (int i = 0; i < 4 && rc == SQLITE_OK; i++)
        rc = store_cell_bind(q, i + 1, "uiii"[i], &keys[i]);
    while (rc == SQLITE_OK && err == TD_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        err = store_row_read(q, STORE_LOGS, cells);
        if (err == TD_OK && *count < cap)
            heights[(*count)++] = cells[1].number;
    }
    done(r, STORE_Q_LOGS);
    return err != TD_OK ? err : read_error(rc);
}

static const struct {
    enum store_table table;
    const char *tail;
} SCANS[] = {
    [STORE_CHAIN_HEADERS] = {STORE_HEADERS, "ORDER BY epoch, round, hash"},
    [STORE_CHAIN_ACCOUNTS] = {STORE_ACCOUNTS, "ORDER BY addr"},
    [STORE_CHAIN_SLOTS] = {STORE_SLOTS, "ORDER BY addr, slot"},
    [STORE_CHAIN_CODES] = {STORE_CODES, "ORDER BY hash"},
    [STORE_CHAIN_LEAVES] = {STORE_LEAVES, "ORDER BY place"},
    [STORE_CHAIN_PAGES] = {STORE_PAGES, "ORDER BY place"},
};

/* The key of a row as callers see it, and its value.  TD_E_CORRUPT for numbers out of range. */
static enum td_error row_views(enum store_chain_table table, const struct store_cell *cells,
                               uint8_t key[TD_ADDR_BYTES + TD_HASH_BYTES], struct td_bytes *key_out,
                               struct td_bytes *value)
{
    size_t len = 0;
    uint64_t number = cells[0].number;
    switch (table) {
    case STORE_CHAIN_HEADERS:
        *key_out = cells[2].bytes;
        *value = cells[3].bytes;
        return TD_OK;
    case STORE_CHAIN_ACCOUNTS:
    case STORE_CHAIN_CODES:
        *key_out = cells[0].bytes;
        *value = cells[1].bytes;
        return TD_OK;
    case STORE_CHAIN_SLOTS:
        memcpy(key, cells[0].bytes.ptr, TD_ADDR_BYTES);
        memcpy(key + TD_ADDR_BYTES, cells[1].bytes.ptr, TD_HASH_BYTES);
        *key_out = td_bytes_of(key, TD_ADDR_BYTES + TD_HASH_BYTES);
        *value = cells[2].bytes;
        return TD_OK;
    case STORE_CHAIN_LEAVES:
        len = 4;
        if (number > UINT32_MAX)
            return TD_E_CORRUPT;
        break;
    case STORE_CHAIN_PAGES:
        len = 8;
        break;
    }
    for (size_t i = 0; i < len; i++)
        key[i] = (uint8_t)(number >> (8u * (len - 1u - i)));
    *key_out = td_bytes_of(key, len);
    *value = cells[1].bytes;
    return TD_OK;
}

enum td_error store_chain_scan(struct store_chain_reader *r, enum store_chain_table table,
                               enum td_error (*each)(void *ctx, struct td_bytes key,
                                                     struct td_bytes value),
                               void *ctx)
{
    sqlite3_stmt *q = NULL;
    struct store_cell cells[STORE_CELLS_MAX];
    uint8_t buf[TD_ADDR_BYTES + TD_HASH_BYTES];
    struct td_bytes key, value;
    enum td_error err = TD_OK;
    int rc = store_sql_select(r->db, &q, SCANS[table].table, SCANS[table].tail);
    while (rc == SQLITE_OK && err == TD_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        err = store_row_read(q, SCANS[table].table, cells);
        if (err == TD_OK)
            err = row_views(table, cells, buf, &key, &value);
        if (err == TD_OK)
            err = each(ctx, key, value);
    }
    sqlite3_finalize(q);
    return err != TD_OK ? err : read_error(rc);
}
