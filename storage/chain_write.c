/* The chain database's writer: what is put, dropped and pruned. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "base/core/assert.h"
#include "storage/chain_writer.h"

/* How a row meets another of the same key, where it is not to replace it. */
static const char *conflict_of(enum store_table table)
{
    if (table == STORE_HEADERS || table == STORE_BLOCKS || table == STORE_LOGS)
        return "DO NOTHING";
    if (table == STORE_SEEN)
        return "(root) DO UPDATE SET height = excluded.height, sum = excluded.sum"
               " WHERE excluded.height > height";
    return NULL;
}

static int prepare_put(struct store_chain *c, enum store_table table)
{
    char sql[320];
    const struct store_table_info *t = &STORE_TABLES[table];
    const char *conflict = conflict_of(table);
    size_t cells = strlen(t->kinds);
    int len = snprintf(sql, sizeof sql, "INSERT %sINTO %s(%s, sum) VALUES (?1",
                       conflict == NULL ? "OR REPLACE " : "", t->name, t->columns);
    for (size_t i = 2; i <= cells + 1u; i++)
        len += snprintf(sql + len, sizeof sql - (size_t)len, ", ?%zu", i);
    len += snprintf(sql + len, sizeof sql - (size_t)len, ")%s%s",
                    conflict == NULL ? "" : " ON CONFLICT ", conflict == NULL ? "" : conflict);
    TD_ASSERT((size_t)len < sizeof sql);
    return sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                              &c->statements[STORE_W_PUT + table], NULL);
}

int store_writer_prepare(struct store_chain *c)
{
    static const char *const texts[STORE_W_PUT] = {
        [STORE_W_BEGIN] = "BEGIN IMMEDIATE",
        [STORE_W_COMMIT] = "COMMIT",
        [STORE_W_DROP_ITEM] = "DELETE FROM items WHERE item = ?1",
        [STORE_W_DROP_HEADERS] = "DELETE FROM headers WHERE (epoch, round) <= (?1, ?2)",
        /* ?2: below it blocks are pruned and name nothing any more. */
        [STORE_W_DROP_PAYLOADS] =
            "DELETE FROM payloads WHERE root IN (SELECT root FROM seen WHERE height <= ?1)"
            " AND NOT EXISTS (SELECT 1 FROM blocks WHERE payload_root = payloads.root"
            " AND height >= ?2)",
        [STORE_W_DROP_SEEN] = "DELETE FROM seen WHERE height <= ?1",
        [STORE_W_PRUNE_PAYLOAD] =
            "DELETE FROM payloads WHERE root = ?1"
            " AND NOT EXISTS (SELECT 1 FROM blocks WHERE payload_root = ?1 AND height > ?2)"
            " AND NOT EXISTS (SELECT 1 FROM seen WHERE root = ?1)",
        [STORE_W_PRUNE_RECEIPTS] = "DELETE FROM receipts WHERE height = ?1",
        [STORE_W_PRUNE_TXS] = "DELETE FROM txs WHERE height = ?1",
        [STORE_W_PRUNE_LOGS] = "DELETE FROM logs WHERE height = ?1",
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; i < STORE_W_PUT && rc == SQLITE_OK; i++)
        if (texts[i] != NULL)
            rc = sqlite3_prepare_v3(c->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &c->statements[i], NULL);
    if (rc == SQLITE_OK)
        rc = store_sql_select(c->db, &c->statements[STORE_W_FIND_BLOCK], STORE_BLOCKS,
                              "WHERE height = ?1");
    if (rc == SQLITE_OK)
        rc = store_sql_select(c->db, &c->statements[STORE_W_FLOOR], STORE_META, "WHERE number = 1");
    if (rc == SQLITE_OK)
        rc = store_sql_select(c->db, &c->statements[STORE_W_PRUNE_NEXT], STORE_BLOCKS,
                              "WHERE height >= ?1 AND height < ?2 ORDER BY height LIMIT 1");
    for (int t = STORE_META; t < STORE_TABLES_END && rc == SQLITE_OK; t++)
        rc = prepare_put(c, (enum store_table)t);
    return rc;
}

void store_writer_finalize(struct store_chain *c)
{
    for (size_t i = 0; i < STORE_W_END; i++)
        sqlite3_finalize(c->statements[i]);
}

void store_writer_fail(struct store_chain *c, int rc)
{
    if (c->failed == TD_OK)
        c->failed = store_sql_fail(&c->why, c->path, c->db, rc);
}

static void refuse(struct store_chain *c, enum td_error err, const char *why)
{
    if (c->failed == TD_OK)
        c->failed = store_fail(&c->why, err, c->path, "%s", why);
}

/* Whether this call may write at all. */
static bool going(const struct store_chain *c)
{
    TD_ASSERT(c->open || c->dead);
    return c->failed == TD_OK && !c->dead;
}

static void put_row(struct store_chain *c, enum store_table table, const struct store_cell *cells)
{
    sqlite3_stmt *q = c->statements[STORE_W_PUT + table];
    if (!going(c))
        return;
    const char *kinds = STORE_TABLES[table].kinds;
    for (size_t i = 0; kinds[i] != '\0'; i++)
        if (cells[i].bytes.len > STORE_CHAIN_BYTES_MAX) {
            refuse(c, TD_E_LIMIT, "a row is larger than 64 MiB");
            return;
        }
    int rc = store_row_bind(q, table, cells);
    if (rc == SQLITE_OK)
        rc = store_sql_finish(q);
    if (rc != SQLITE_OK)
        store_writer_fail(c, rc);
}

/* Run a statement of up to two parameters. */
static void run(struct store_chain *c, enum store_statement statement, const char *kinds,
                struct store_cell first, struct store_cell second)
{
    sqlite3_stmt *q = c->statements[statement];
    const struct store_cell cells[] = {first, second};
    int rc = SQLITE_OK;
    if (!going(c))
        return;
    for (int i = 0; kinds[i] != '\0' && rc == SQLITE_OK; i++)
        rc = store_cell_bind(q, i + 1, kinds[i], &cells[i]);
    if (rc == SQLITE_OK)
        rc = store_sql_finish(q);
    if (rc != SQLITE_OK)
        store_writer_fail(c, rc);
}

/* "up to this height" may say "all". */
static struct store_cell height_at_most(uint64_t height)
{
    return store_cell_number(height < (uint64_t)INT64_MAX ? height : (uint64_t)INT64_MAX);
}

static const struct store_cell NONE = {.number = 0};

void store_chain_put_item(struct store_chain *c, uint32_t item, struct td_bytes bytes)
{
    TD_ASSERT(item < STORE_CHAIN_ITEMS);
    if (bytes.len == 0) {
        run(c, STORE_W_DROP_ITEM, "i", store_cell_number(item), NONE);
        return;
    }
    const struct store_cell row[] = {store_cell_number(item), store_cell_bytes(bytes)};
    put_row(c, STORE_ITEMS, row);
}

void store_chain_put_header(struct store_chain *c, const struct td_hash *hash, uint64_t epoch,
                            uint64_t round, struct td_bytes header)
{
    const struct store_cell row[] = {store_cell_number(epoch), store_cell_number(round),
                                     store_cell_hash(hash), store_cell_bytes(header)};
    put_row(c, STORE_HEADERS, row);
}

void store_chain_drop_headers(struct store_chain *c, uint64_t epoch, uint64_t round)
{
    run(c, STORE_W_DROP_HEADERS, "uu", store_cell_number(epoch), store_cell_number(round));
}

/* The pruning floor, 0 before any pruning. */
static uint64_t read_floor(struct store_chain *c)
{
    sqlite3_stmt *q = c->statements[STORE_W_FLOOR];
    struct store_cell cells[STORE_CELLS_MAX];
    uint64_t floor = 0;
    if (!going(c))
        return 0;
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        if (store_row_read(q, STORE_META, cells) != TD_OK || cells[1].bytes.len != 8)
            refuse(c, TD_E_CORRUPT, "the pruning height is damaged");
        else
            for (size_t i = 0; i < 8; i++)
                floor = floor << 8u | cells[1].bytes.ptr[i];
    } else if (rc != SQLITE_DONE) {
        store_writer_fail(c, rc);
    }
    sqlite3_reset(q);
    return floor;
}

static void put_floor(struct store_chain *c, uint64_t floor)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(floor >> (56u - 8u * i));
    const struct store_cell row[] = {store_cell_number(STORE_META_FLOOR),
                                     store_cell_bytes(td_bytes_of(bytes, sizeof bytes))};
    put_row(c, STORE_META, row);
}

void store_chain_put_payload(struct store_chain *c, const struct td_hash *root, uint64_t height,
                             struct td_bytes payload)
{
    const struct store_cell row[] = {store_cell_hash(root), store_cell_bytes(payload)};
    const struct store_cell seen[] = {store_cell_hash(root), store_cell_number(height)};
    put_row(c, STORE_PAYLOADS, row);
    put_row(c, STORE_SEEN, seen);
}

void store_chain_drop_payloads(struct store_chain *c, uint64_t height)
{
    struct store_cell last = height_at_most(height);
    run(c, STORE_W_DROP_PAYLOADS, "ii", last, store_cell_number(read_floor(c)));
    run(c, STORE_W_DROP_SEEN, "i", last, NONE);
}

/* Nothing was inserted: the same block again, or another one at its height. */
static void expect_block(struct store_chain *c, uint64_t height, const struct td_hash *hash)
{
    sqlite3_stmt *q = c->statements[STORE_W_FIND_BLOCK];
    struct store_cell cells[STORE_CELLS_MAX], key = store_cell_number(height);
    int rc = store_cell_bind(q, 1, 'i', &key);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        if (store_row_read(q, STORE_BLOCKS, cells) != TD_OK)
            refuse(c, TD_E_CORRUPT, "a final block's row is damaged");
        else if (memcmp(cells[1].bytes.ptr, hash->b, TD_HASH_BYTES) != 0)
            refuse(c, TD_E_CORRUPT, "another block is final at this height");
    } else if (rc == SQLITE_DONE) {
        refuse(c, TD_E_CORRUPT, "this block is final at another height");
    } else {
        store_writer_fail(c, rc);
    }
    sqlite3_reset(q);
}

void store_chain_put_block(struct store_chain *c, uint64_t height, const struct td_hash *hash,
                           const struct td_hash *payload_root, struct td_bytes header,
                           struct td_bytes state)
{
    const struct store_cell row[] = {store_cell_number(height), store_cell_hash(hash),
                                     store_cell_hash(payload_root), store_cell_bytes(header),
                                     store_cell_bytes(state)};
    put_row(c, STORE_BLOCKS, row);
    if (going(c) && sqlite3_changes(c->db) == 0)
        expect_block(c, height, hash);
}

void store_chain_put_executed(struct store_chain *c, uint64_t height, struct td_bytes record,
                              struct td_bytes receipts)
{
    const struct store_cell row[] = {store_cell_number(height), store_cell_bytes(record)};
    const struct store_cell more[] = {store_cell_number(height), store_cell_bytes(receipts)};
    put_row(c, STORE_EXECUTED, row);
    put_row(c, STORE_RECEIPTS, more);
}

void store_chain_put_tx(struct store_chain *c, const struct td_hash *hash, uint64_t height,
                        uint32_t index)
{
    const struct store_cell row[] = {store_cell_hash(hash), store_cell_number(height),
                                     store_cell_number(index)};
    put_row(c, STORE_TXS, row);
}

void store_chain_put_log(struct store_chain *c, uint64_t key, uint64_t height)
{
    const struct store_cell row[] = {store_cell_number(key), store_cell_number(height)};
    put_row(c, STORE_LOGS, row);
}

void store_chain_put_cert(struct store_chain *c, uint32_t kind, uint64_t number,
                          struct td_bytes bytes)
{
    const struct store_cell row[] = {store_cell_number(kind), store_cell_number(number),
                                     store_cell_bytes(bytes)};
    put_row(c, STORE_CERTS, row);
}

void store_chain_put_account(struct store_chain *c, const struct td_addr *addr,
                             struct td_bytes account)
{
    const struct store_cell row[] = {store_cell_addr(addr), store_cell_bytes(account)};
    put_row(c, STORE_ACCOUNTS, row);
}

void store_chain_put_slot(struct store_chain *c, const struct td_addr *addr,
                          const struct td_hash *slot, const struct td_hash *value)
{
    const struct store_cell row[] = {store_cell_addr(addr), store_cell_hash(slot),
                                     store_cell_hash(value)};
    put_row(c, STORE_SLOTS, row);
}

void store_chain_put_code(struct store_chain *c, const struct td_hash *hash, struct td_bytes code)
{
    const struct store_cell row[] = {store_cell_hash(hash), store_cell_bytes(code)};
    put_row(c, STORE_CODES, row);
}

void store_chain_put_leaf(struct store_chain *c, uint32_t index, struct td_bytes leaf)
{
    const struct store_cell row[] = {store_cell_number(index), store_cell_bytes(leaf)};
    put_row(c, STORE_LEAVES, row);
}

void store_chain_put_page(struct store_chain *c, uint32_t level, uint32_t page,
                          struct td_bytes bytes)
{
    const struct store_cell row[] = {store_cell_number((uint64_t)level << 32u | page),
                                     store_cell_bytes(bytes)};
    put_row(c, STORE_PAGES, row);
}

/* ---- pruning */

/* The first block in [from, to); false when there is none. */
static bool next_block(struct store_chain *c, uint64_t from, uint64_t to, uint64_t *height,
                       struct td_hash *payload_root)
{
    sqlite3_stmt *q = c->statements[STORE_W_PRUNE_NEXT];
    struct store_cell cells[STORE_CELLS_MAX], first = height_at_most(from),
                                              end = height_at_most(to);
    bool found = false;
    int rc = store_cell_bind(q, 1, 'i', &first);
    if (rc == SQLITE_OK)
        rc = store_cell_bind(q, 2, 'i', &end);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        if (store_row_read(q, STORE_BLOCKS, cells) != TD_OK) {
            refuse(c, TD_E_CORRUPT, "a final block's row is damaged");
        } else {
            found = true;
            *height = cells[0].number;
            memcpy(payload_root->b, cells[2].bytes.ptr, TD_HASH_BYTES);
        }
    } else if (rc != SQLITE_DONE) {
        store_writer_fail(c, rc);
    }
    sqlite3_reset(q);
    return found;
}

void store_chain_prune(struct store_chain *c, uint64_t height, uint32_t rows, uint32_t *pruned)
{
    struct td_hash root;
    uint64_t at = 0, floor = read_floor(c), next = floor;
    *pruned = 0;
    while (*pruned < rows && going(c) && next_block(c, next, height, &at, &root)) {
        struct store_cell cell = store_cell_number(at);
        run(c, STORE_W_PRUNE_RECEIPTS, "i", cell, NONE);
        run(c, STORE_W_PRUNE_TXS, "i", cell, NONE);
        run(c, STORE_W_PRUNE_LOGS, "i", cell, NONE);
        run(c, STORE_W_PRUNE_PAYLOAD, "hi", store_cell_hash(&root), cell);
        next = at + 1u;
        (*pruned)++;
    }
    if (next != floor && going(c))
        put_floor(c, next);
}
