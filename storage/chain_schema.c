/* Tables of the chain database, and how a file gets from one version to the next. */
#include <stdio.h>
#include <string.h>

#include "storage/chain_internal.h"

/* Large rows in tables with row ids: in the others a row shares its page with the tree's inner
 * keys, which is where small rows belong. */
static const struct store_migration MIGRATIONS[STORE_CHAIN_VERSION] = {
    {"CREATE TABLE meta(number INTEGER PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER NOT NULL)"
     " STRICT;"
     "CREATE TABLE items(item INTEGER PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER NOT NULL)"
     " STRICT;"
     "CREATE TABLE headers(epoch INTEGER NOT NULL, round INTEGER NOT NULL, hash BLOB NOT NULL,"
     " header BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(epoch, round, hash)) STRICT;"
     "CREATE UNIQUE INDEX headers_hash ON headers(hash);"
     "CREATE TABLE payloads(root BLOB NOT NULL PRIMARY KEY, payload BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT;"
     "CREATE TABLE seen(root BLOB NOT NULL PRIMARY KEY, height INTEGER NOT NULL,"
     " sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE INDEX seen_height ON seen(height);"
     "CREATE TABLE blocks(height INTEGER PRIMARY KEY, hash BLOB NOT NULL,"
     " payload_root BLOB NOT NULL, header BLOB NOT NULL, state BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT;"
     "CREATE UNIQUE INDEX blocks_hash ON blocks(hash);"
     "CREATE INDEX blocks_payload ON blocks(payload_root, height);"
     "CREATE TABLE executed(height INTEGER PRIMARY KEY, record BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT;"
     "CREATE TABLE receipts(height INTEGER PRIMARY KEY, receipts BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT;"
     "CREATE TABLE txs(hash BLOB NOT NULL PRIMARY KEY, height INTEGER NOT NULL,"
     " place INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE INDEX txs_height ON txs(height);"
     "CREATE TABLE logs(key INTEGER NOT NULL, height INTEGER NOT NULL, sum INTEGER NOT NULL,"
     " PRIMARY KEY(key, height)) STRICT, WITHOUT ROWID;"
     "CREATE INDEX logs_height ON logs(height);"
     "CREATE TABLE certs(kind INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,"
     " sum INTEGER NOT NULL, PRIMARY KEY(kind, number)) STRICT;"
     "CREATE TABLE accounts(addr BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE TABLE slots(addr BLOB NOT NULL, slot BLOB NOT NULL, value BLOB NOT NULL,"
     " sum INTEGER NOT NULL, PRIMARY KEY(addr, slot)) STRICT, WITHOUT ROWID;"
     "CREATE TABLE codes(hash BLOB NOT NULL PRIMARY KEY, code BLOB NOT NULL,"
     " sum INTEGER NOT NULL) STRICT;"
     "CREATE TABLE leaves(place INTEGER PRIMARY KEY, leaf BLOB NOT NULL, sum INTEGER NOT NULL)"
     " STRICT;"
     "CREATE TABLE pages(place INTEGER PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER NOT NULL)"
     " STRICT;"},
};

static int migrate_steps(sqlite3 *db, const struct store_migration *steps, uint32_t to)
{
    char sql[64];
    int64_t version = 0;
    int rc = store_sql_number(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK && (version < 0 || version > (int64_t)to))
        rc = SQLITE_CORRUPT;
    for (; rc == SQLITE_OK && version < (int64_t)to; version++)
        rc = store_sql_run(db, steps[version].sql);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %u", to);
    return rc == SQLITE_OK ? store_sql_run(db, sql) : rc;
}

static int in_transaction_ended(sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK)
        rc = store_sql_run(db, "COMMIT");
    if (rc != SQLITE_OK && sqlite3_get_autocommit(db) == 0)
        (void)store_sql_run(db, "ROLLBACK");
    return rc;
}

int store_schema_migrate(sqlite3 *db, const struct store_migration *steps, uint32_t to)
{
    int rc = store_sql_run(db, "BEGIN IMMEDIATE");
    return rc == SQLITE_OK ? in_transaction_ended(db, migrate_steps(db, steps, to)) : rc;
}

static int put_genesis(sqlite3 *db, const struct td_hash *genesis)
{
    sqlite3_stmt *q = NULL;
    const struct store_cell cells[] = {store_cell_number(STORE_META_GENESIS),
                                       store_cell_hash(genesis)};
    int rc = sqlite3_prepare_v2(db, "INSERT INTO meta VALUES (?1, ?2, ?3)", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = store_row_bind(q, STORE_META, cells);
    if (rc == SQLITE_OK)
        rc = store_sql_finish(q);
    sqlite3_finalize(q);
    return rc;
}

int store_schema_create(sqlite3 *db, const struct td_hash *genesis)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", STORE_CHAIN_APPLICATION);
    int rc = store_sql_run(db, "BEGIN IMMEDIATE");
    if (rc != SQLITE_OK)
        return rc;
    rc = store_sql_run(db, sql);
    if (rc == SQLITE_OK)
        rc = migrate_steps(db, MIGRATIONS, STORE_CHAIN_VERSION);
    if (rc == SQLITE_OK)
        rc = put_genesis(db, genesis);
    return in_transaction_ended(db, rc);
}

static enum td_error read_genesis(sqlite3 *db, const char *path, struct td_hash *found,
                                  struct store_error *error)
{
    sqlite3_stmt *q = NULL;
    struct store_cell cells[STORE_CELLS_MAX];
    enum td_error err = TD_E_CORRUPT;
    int rc = store_sql_select(db, &q, STORE_META, "WHERE number = 0");
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        err = store_row_read(q, STORE_META, cells);
        if (err == TD_OK && cells[1].bytes.len != TD_HASH_BYTES)
            err = TD_E_CORRUPT;
        if (err == TD_OK)
            memcpy(found->b, cells[1].bytes.ptr, TD_HASH_BYTES);
    } else if (rc != SQLITE_DONE) {
        err = store_sql_fail(error, path, db, rc);
        sqlite3_finalize(q);
        return err;
    }
    sqlite3_finalize(q);
    if (err != TD_OK)
        return store_fail(error, TD_E_CORRUPT, path,
                          "its identity is damaged; restore a backup or sync anew");
    return TD_OK;
}

enum td_error store_schema_check(sqlite3 *db, const char *path, const struct td_hash *genesis,
                                 bool writable, struct td_hash *found, struct store_error *error)
{
    int64_t id = 0, version = 0;
    int rc = store_sql_number(db, "PRAGMA application_id", &id);
    if (rc == SQLITE_OK)
        rc = store_sql_number(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK)
        return store_sql_fail(error, path, db, rc);
    if (id != STORE_CHAIN_APPLICATION || version < 1)
        return store_fail(error, TD_E_CORRUPT, path, "the file is no chain database");
    if (version > (int64_t)STORE_CHAIN_VERSION)
        return store_fail(error, TD_E_UNSUPPORTED, path,
                          "written by a newer program (version %lld, this one knows %u)",
                          (long long)version, STORE_CHAIN_VERSION);
    if (version < (int64_t)STORE_CHAIN_VERSION) {
        if (!writable)
            return store_fail(error, TD_E_UNSUPPORTED, path,
                              "of an older version; start the node once to bring it up to date");
        rc = store_schema_migrate(db, MIGRATIONS, STORE_CHAIN_VERSION);
        if (rc != SQLITE_OK)
            return store_sql_fail(error, path, db, rc);
    }
    enum td_error err = read_genesis(db, path, found, error);
    if (err == TD_OK && genesis != NULL && !td_hash_eq(genesis, found))
        err = store_fail(error, TD_E_RANGE, path,
                         "made for another genesis; use this chain's database or another home");
    return err;
}
