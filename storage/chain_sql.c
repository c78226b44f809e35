/* SQLite as the chain database uses it: one way to open, and its answers in our words. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/chain_internal.h"

#define PATH_TAIL_BYTES 90u
/* Readers wait only for what is over in milliseconds: recovery of the log by whoever opens first,
 * its removal by whoever closes last. */
#define BUSY_TIMEOUT_MS 10000
#define URI_BYTES 4096u
#define CACHE_KIB 16384

const char *store_path_tail(const char *path)
{
    size_t len = strlen(path);
    return len <= PATH_TAIL_BYTES ? path : path + len - PATH_TAIL_BYTES;
}

enum td_error store_fail(struct store_error *error, enum td_error err, const char *path,
                         const char *format, ...)
{
    int len =
        snprintf(error->text, sizeof error->text, "chain database %s: ", store_path_tail(path));
    va_list args;
    va_start(args, format);
    vsnprintf(error->text + len, sizeof error->text - (size_t)len, format, args);
    va_end(args);
    return err;
}

enum td_error store_sql_error(int rc)
{
    if (rc == SQLITE_IOERR_CORRUPTFS)
        return TD_E_CORRUPT;
    switch (rc & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TD_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return TD_E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or column that is not there */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG: /* than STORE_CHAIN_BYTES_MAX: never written by us */
        return TD_E_CORRUPT;
    case SQLITE_NOMEM:
        return TD_E_NOMEM;
    case SQLITE_RANGE: /* store_cell_bind's */
        return TD_E_RANGE;
    default:
        return TD_E_IO;
    }
}

/* For whom it is not enough to know that the system said no. */
static const char *advice(int rc, int system_errno)
{
    switch (rc & 0xFF) {
    case SQLITE_FULL:
        return "the disk is full; free some space and start again";
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return "it may not be written; check owner and mode of the file and its folder";
    case SQLITE_NOTADB:
        return "the file is not a database";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return "another process holds it; stop that one first";
    default:
        break;
    }
    if (system_errno == ENOSPC)
        return "the disk is full; free some space and start again";
    if (system_errno == EACCES || system_errno == EPERM || system_errno == EROFS)
        return "no permission; check owner and mode of the file and its folder";
    return NULL;
}

enum td_error store_sql_fail(struct store_error *error, const char *path, sqlite3 *db, int rc)
{
    enum td_error err = store_sql_error(rc);
    int system_errno = db == NULL ? 0 : sqlite3_system_errno(db);
    const char *text = advice(rc, system_errno);
    if ((rc & 0xFF) == SQLITE_CANTOPEN && system_errno == ENOENT)
        return store_fail(error, TD_E_NOTFOUND, path, "there is none");
    if (text != NULL)
        return store_fail(error, err, path, "%s", text);
    if (err == TD_E_CORRUPT)
        return store_fail(error, err, path, "damaged (%s); restore a backup or sync anew",
                          sqlite3_errstr(rc));
    if (system_errno != 0 && err == TD_E_IO)
        return store_fail(error, err, path, "%s: %s", sqlite3_errstr(rc), strerror(system_errno));
    return store_fail(error, err, path, "%s", sqlite3_errstr(rc));
}

int store_sql_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int store_sql_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(q, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int store_sql_finish(sqlite3_stmt *q)
{
    int rc = sqlite3_step(q);
    int reset = sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc == SQLITE_DONE ? reset : rc == SQLITE_ROW ? SQLITE_MISUSE : rc;
}

int store_sql_select(sqlite3 *db, sqlite3_stmt **q, enum store_table table, const char *tail)
{
    char sql[320];
    const struct store_table_info *t = &STORE_TABLES[table];
    snprintf(sql, sizeof sql, "SELECT %s, sum FROM %s %s", t->columns, t->name, tail);
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL);
}

/* A file of ours has no triggers and no views: what a foreign one brings along never runs. */
static int settings(sqlite3 *db)
{
    char sql[240];
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)(STORE_CHAIN_BYTES_MAX + (1u << 20)));
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    snprintf(sql, sizeof sql,
             "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
             "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d;",
             CACHE_KIB);
    return store_sql_run(db, sql);
}

/* "file:" and the path, everything escaped that could mean something there. */
static bool immutable_uri(char uri[URI_BYTES], const char *path)
{
    static const char hex[] = "0123456789ABCDEF", tail[] = "?immutable=1";
    size_t len = 5;
    memcpy(uri, "file:", 5);
    for (const uint8_t *p = (const uint8_t *)path; *p != '\0'; p++) {
        if (len + 3u + sizeof tail > URI_BYTES)
            return false;
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '-' && *p <= '9')) {
            uri[len++] = (char)*p;
        } else {
            uri[len++] = '%';
            uri[len++] = hex[*p >> 4u];
            uri[len++] = hex[*p & 15u];
        }
    }
    memcpy(uri + len, tail, sizeof tail);
    return true;
}

enum td_error store_sql_open(sqlite3 **db, const char *path, int flags, struct store_error *error)
{
    struct stat st;
    char uri[URI_BYTES];
    *db = NULL;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return store_fail(error, TD_E_IO, path,
                          S_ISDIR(st.st_mode) ? "this is a folder, not a file"
                                              : "this is not a plain file");
    if ((flags & SQLITE_OPEN_URI) != 0 && !immutable_uri(uri, path))
        return store_fail(error, TD_E_IO, path, "the path is too long");
    const char *name = (flags & SQLITE_OPEN_URI) != 0 ? uri : path;
    int rc = sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = settings(*db);
    if (rc == SQLITE_OK)
        return TD_OK;
    enum td_error err = *db == NULL ? store_fail(error, TD_E_NOMEM, path, "out of memory")
                                    : store_sql_fail(error, path, *db, rc);
    sqlite3_close(*db);
    *db = NULL;
    return err;
}
