/* What the files of the chain database share: tables and their rows, SQLite's answers turned into
 * errors, the schema.
 *
 *     cells ──bind──▶ INSERT ... , sum        sum = checksum(table, key cells, value cell)
 *     cells ◀──read── SELECT ... , sum        any difference: TD_E_CORRUPT
 *
 * 1. Every table is read and written through its descriptor, so no row escapes its checksum.
 * 2. Numbers of tables and kinds of cells go into checksums on disk: never change one. */
#pragma once

#include <sqlite3.h>

#include "storage/chain.h"

#define STORE_CHAIN_APPLICATION 0x54644368 /* "TdCh", shown by file(1) */

enum store_table {
    STORE_META = 1, /* number: enum store_meta */
    STORE_ITEMS = 2,
    STORE_HEADERS = 3,
    STORE_PAYLOADS = 4,
    STORE_SEEN = 5, /* payloads to be dropped unless a final block names them, by height */
    STORE_BLOCKS = 6,
    STORE_EXECUTED = 7,
    STORE_RECEIPTS = 8,
    STORE_TXS = 9,
    STORE_LOGS = 10,
    STORE_CERTS = 11,
    STORE_ACCOUNTS = 12,
    STORE_SLOTS = 13,
    STORE_CODES = 14,
    STORE_LEAVES = 15,
    STORE_PAGES = 16, /* level << 32 | page */
    STORE_TABLES_END = 17,
};

enum store_meta {
    STORE_META_GENESIS = 0,
    STORE_META_FLOOR = 1, /* u64 big-endian: blocks below it are pruned */
};

/* Kinds of cells, one letter a column:
 *   i  number up to INT64_MAX, part of the key
 *   u  any u64 in order, part of the key (kept with its top bit flipped)
 *   h  32 bytes of the key         a  20 bytes of the key
 *   b  bytes, their checksum part of the key
 *   v  bytes, the value; last, at most one */
struct store_table_info {
    const char *name, *columns, *kinds;
};
extern const struct store_table_info STORE_TABLES[STORE_TABLES_END];

#define STORE_CELLS_MAX 5u /* of blocks */
struct store_cell {
    uint64_t number;
    struct td_bytes bytes;
};

static inline struct store_cell store_cell_number(uint64_t v)
{
    return (struct store_cell){.number = v};
}

static inline struct store_cell store_cell_bytes(struct td_bytes b)
{
    return (struct store_cell){.bytes = b};
}

static inline struct store_cell store_cell_hash(const struct td_hash *h)
{
    return store_cell_bytes(td_bytes_of(h->b, TD_HASH_BYTES));
}

static inline struct store_cell store_cell_addr(const struct td_addr *a)
{
    return store_cell_bytes(td_bytes_of(a->b, TD_ADDR_BYTES));
}

/* ---- chain_row.c */

uint64_t store_row_sum(enum store_table table, const struct store_cell *cells);
/* A row's cells and its sum to parameters 1.. of `q`; views must stay valid until it has run. */
int store_row_bind(sqlite3_stmt *q, enum store_table table, const struct store_cell *cells);
/* The other way: column 0.. of the row `q` stands on, as views that the next step ends.
 * TD_E_CORRUPT when a type, a size or the sum is wrong. */
TD_MUST_CHECK enum td_error store_row_read(sqlite3_stmt *q, enum store_table table,
                                           struct store_cell cells[STORE_CELLS_MAX]);
/* Bind one number or bytes as the kind says. */
int store_cell_bind(sqlite3_stmt *q, int parameter, char kind, const struct store_cell *cell);

/* ---- chain_sql.c */

/* The last 90 bytes of a path: what fits into a message. */
const char *store_path_tail(const char *path);
/* Fill *error with "chain database PATH: why" and return err. */
enum td_error store_fail(struct store_error *error, enum td_error err, const char *path,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What SQLite's answer means. */
enum td_error store_sql_error(int rc);
/* As both, with the cause in words and what to do; db may be NULL. */
enum td_error store_sql_fail(struct store_error *error, const char *path, sqlite3 *db, int rc);
/* Open a connection with the settings that every connection has.  SQLITE_OPEN_URI among the flags:
 * the file is taken for immutable.  On failure *db is NULL. */
TD_MUST_CHECK enum td_error store_sql_open(sqlite3 **db, const char *path, int flags,
                                           struct store_error *error);
int store_sql_run(sqlite3 *db, const char *sql);
/* The first column of the first row; SQLITE_CORRUPT when there is none. */
int store_sql_number(sqlite3 *db, const char *sql, int64_t *out);
/* Step a statement that yields no rows, reset it and clear its parameters. */
int store_sql_finish(sqlite3_stmt *q);
/* "SELECT columns, sum FROM table tail", kept prepared. */
int store_sql_select(sqlite3 *db, sqlite3_stmt **q, enum store_table table, const char *tail);

/* ---- chain_schema.c */

/* Step i takes a file from version `from` + i to the next. */
struct store_migration {
    const char *sql;
};
/* Bring the file to version `to` by those steps, all in one transaction; a failure changes nothing.
 * The first step starts at version 0, a file without tables. */
int store_schema_migrate(sqlite3 *db, const struct store_migration *steps, uint32_t to);
/* All tables and the genesis in an empty file, in one transaction. */
int store_schema_create(sqlite3 *db, const struct td_hash *genesis);
/* Is it a chain database of this program's version and of this genesis (NULL: any)?  An older one
 * is migrated when `writable`, else refused.  *found: its genesis. */
TD_MUST_CHECK enum td_error store_schema_check(sqlite3 *db, const char *path,
                                               const struct td_hash *genesis, bool writable,
                                               struct td_hash *found, struct store_error *error);

/* ---- chain_lock.c */

/* Take PATH.lock for this process until its descriptor is closed.  TD_E_BUSY names the holder. */
TD_MUST_CHECK enum td_error store_lock_take(int *fd, const char *path, struct store_error *error);

/* ---- chain_read.c */

enum store_query {
    STORE_Q_ITEM,
    STORE_Q_HEADER,
    STORE_Q_PAYLOAD,
    STORE_Q_BLOCK,
    STORE_Q_BLOCK_BY_HASH,
    STORE_Q_BLOCK_LAST,
    STORE_Q_EXECUTED,
    STORE_Q_EXECUTED_LAST,
    STORE_Q_RECEIPTS,
    STORE_Q_TX,
    STORE_Q_CERT,
    STORE_Q_CERT_LAST,
    STORE_Q_LOGS,
    STORE_Q_END,
};

struct store_chain_reader {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *begin, *end;
    sqlite3_stmt *q[STORE_Q_END];
    bool reading; /* in a transaction of the caller's or ours */
};

/* As store_chain_reader_open; genesis NULL: any.  alone: nobody writes the file and its log is
 * empty; nothing is made beside it.  *found: the file's genesis. */
TD_MUST_CHECK enum td_error store_reader_open(struct store_chain_reader **out, const char *path,
                                              const struct td_hash *genesis, bool alone,
                                              struct td_hash *found, struct store_error *error);
