/* The chain database's writer: opening, creation, transactions. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/folder.h"
#include "storage/chain_writer.h"

/* Pages in the log between checkpoints: 64 MiB.  A page changed often in that time is written to
 * the database once; a commit that meets the checkpoint waits for it. */
#define CHECKPOINT_PAGES 32768
#define LOG_BYTES_KEPT (64 << 20) /* beyond it the log's file shrinks when it starts over */

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct store_chain *c = ctx;
    (void)db;
    (void)name;
    if (pages < c->log_pages)
        c->log_checkpointed = 0; /* the log started over */
    c->log_pages = pages;
    return SQLITE_OK;
}

static int writer_settings(struct store_chain *c, bool normal)
{
    char sql[200];
    int64_t mode = 0;
    snprintf(sql, sizeof sql,
             "PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = 0;"
             "PRAGMA journal_size_limit = %d;",
             normal ? "NORMAL" : "FULL", LOG_BYTES_KEPT);
    int rc = store_sql_run(c->db, sql);
    if (rc == SQLITE_OK) /* not a change, but it fails where a log cannot be kept */
        rc = store_sql_run(c->db, "PRAGMA journal_mode = WAL");
    if (rc == SQLITE_OK)
        rc = store_sql_number(c->db,
                              "SELECT count(*) FROM pragma_journal_mode WHERE "
                              "journal_mode = 'wal'",
                              &mode);
    if (rc == SQLITE_OK && mode != 1)
        rc = SQLITE_CANTOPEN;
    sqlite3_wal_hook(c->db, on_commit, c); /* after the pragmas: autocheckpoint takes its place */
    return rc;
}

/* ---- creation: under another name until it is whole */

static const char *const PARTS[] = {"", "-wal", "-shm", "-journal"};
#define PARTS_COUNT (sizeof PARTS / sizeof PARTS[0])

static void part_name(char out[PATH_MAX], const char *path, size_t part)
{
    snprintf(out, PATH_MAX, "%.4080s%s", path, PARTS[part]);
}

/* Nothing may be there under the name, and no log: it would be taken for the new database's.  An
 * empty one, as readers leave it, says nothing. */
static enum td_error expect_free(const char *path, struct store_error *error)
{
    struct stat st;
    char name[PATH_MAX];
    for (size_t i = 0; i < PARTS_COUNT; i++) {
        part_name(name, path, i);
        if (lstat(name, &st) != 0)
            continue;
        if (i == 0)
            return store_fail(error, TD_E_EXISTS, path, "there is one already; move it away first");
        if (st.st_size > 0 && strcmp(PARTS[i], "-shm") != 0)
            return store_fail(error, TD_E_EXISTS, path,
                              "a log (%s) of an earlier one is beside it; move it away first",
                              PARTS[i]);
        if (unlink(name) != 0)
            return store_fail(error, TD_E_IO, path, "cannot remove an empty log (%s): %s", PARTS[i],
                              strerror(errno));
    }
    return TD_OK;
}

/* An empty file that only we may read, where there was at most the draft of an earlier try. */
enum td_error store_draft_make(char draft[PATH_MAX], const char *path, struct store_error *error)
{
    char name[PATH_MAX];
    if ((size_t)snprintf(draft, PATH_MAX, "%s.new", path) >= PATH_MAX - 16u)
        return store_fail(error, TD_E_IO, path, "the path is too long");
    enum td_error err = expect_free(path, error);
    if (err != TD_OK)
        return err;
    for (size_t i = 0; i < PARTS_COUNT; i++) {
        part_name(name, draft, i);
        if (unlink(name) != 0 && errno != ENOENT)
            return store_fail(error, TD_E_IO, path, "cannot remove an unfinished copy (.new): %s",
                              strerror(errno));
    }
    int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return store_fail(error, TD_E_IO, path, "cannot create it: %s", strerror(errno));
    close(fd);
    return TD_OK;
}

/* The draft under its name, if all went well; gone in any case. */
enum td_error store_draft_end(const char *draft, const char *path, enum td_error err,
                              struct store_error *error)
{
    char name[PATH_MAX];
    if (err == TD_OK && link(draft, path) != 0) /* unlike rename, never over another */
        err = store_fail(error, errno == EEXIST ? TD_E_EXISTS : TD_E_IO, path,
                         "cannot put it in place: %s", strerror(errno));
    for (size_t i = 0; i < PARTS_COUNT; i++) {
        part_name(name, draft, i);
        unlink(name);
    }
    if (err == TD_OK && td_folder_sync(path) != 0)
        err = store_fail(error, TD_E_IO, path, "cannot sync its folder: %s", strerror(errno));
    return err;
}

static enum td_error fill(const char *draft, const char *path, const struct td_hash *genesis,
                          struct store_error *error)
{
    sqlite3 *db;
    enum td_error err = store_sql_open(&db, draft, SQLITE_OPEN_READWRITE, error);
    if (err != TD_OK)
        return err;
    /* Measured (tests/bench/storage.c): state rows lie anywhere, and each drags its page through
     * the log and into the database. */
    int rc = store_sql_run(db, "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL");
    if (rc == SQLITE_OK)
        rc = store_schema_create(db, genesis);
    if (rc == SQLITE_OK)
        rc = store_sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (rc != SQLITE_OK)
        err = store_sql_fail(error, path, db, rc);
    sqlite3_close(db);
    return err;
}

static enum td_error create(const char *path, const struct td_hash *genesis,
                            struct store_error *error)
{
    char draft[PATH_MAX];
    enum td_error err = store_draft_make(draft, path, error);
    if (err != TD_OK) /* a log without its database */
        return err == TD_E_EXISTS ? TD_E_CORRUPT : err;
    return store_draft_end(draft, path, fill(draft, path, genesis, error), error);
}

/* ---- opening */

static enum td_error open_database(struct store_chain *c, const struct store_chain_options *options,
                                   struct store_error *error)
{
    struct td_hash found;
    enum td_error err = store_sql_open(&c->db, c->path, SQLITE_OPEN_READWRITE, error);
    if (err == TD_E_NOTFOUND && options->create) {
        err = create(c->path, &options->genesis, error);
        if (err == TD_OK)
            err = store_sql_open(&c->db, c->path, SQLITE_OPEN_READWRITE, error);
    }
    if (err == TD_OK && sqlite3_db_readonly(c->db, "main") == 1)
        return store_sql_fail(error, c->path, c->db, SQLITE_READONLY);
    if (err == TD_OK)
        err = store_schema_check(c->db, c->path, &options->genesis, true, &found, error);
    if (err != TD_OK)
        return err;
    int rc = writer_settings(c, options->normal);
    if (rc == SQLITE_OK)
        rc = store_writer_prepare(c);
    return rc == SQLITE_OK ? TD_OK : store_sql_fail(error, c->path, c->db, rc);
}

enum td_error store_chain_open(struct store_chain **out, const char *path,
                               const struct store_chain_options *options, struct store_error *error)
{
    error->text[0] = '\0';
    *out = NULL;
    struct store_chain *c = calloc(1, sizeof *c);
    if (c == NULL || (c->path = strdup(path)) == NULL) {
        free(c);
        return store_fail(error, TD_E_NOMEM, path, "out of memory");
    }
    struct stat st;
    enum td_error err = TD_OK;
    c->lock_fd = -1;
    c->checkpoint_pages = CHECKPOINT_PAGES;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) /* before a lock file is left beside it */
        err = store_fail(error, TD_E_IO, path, "this is a folder, not a file");
    if (err == TD_OK)
        err = store_lock_take(&c->lock_fd, path, error);
    if (err == TD_OK)
        err = open_database(c, options, error);
    if (err != TD_OK) {
        store_chain_close(c);
        return err;
    }
    *out = c;
    return TD_OK;
}

void store_chain_close(struct store_chain *c)
{
    if (c == NULL)
        return;
    store_writer_finalize(c);
    if (c->dead) /* a checkpoint would sync again what may have failed to sync */
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int rc = sqlite3_close(c->db);
    TD_ASSERT(rc == SQLITE_OK);
    if (c->lock_fd >= 0)
        close(c->lock_fd);
    free(c->path);
    free(c);
}

/* ---- transactions */

enum td_error store_chain_begin(struct store_chain *c)
{
    TD_ASSERT(!c->open);
    if (c->dead)
        return c->failed;
    int rc = store_sql_finish(c->statements[STORE_W_BEGIN]);
    if (rc != SQLITE_OK) {
        store_writer_fail(c, rc);
        c->dead = true;
        return c->failed;
    }
    c->open = true;
    return TD_OK;
}

/* What is in the log goes to the database while readers go on; the next commit may then start the
 * log over.  Where a reader's old view is in the way the rest waits for the next time. */
static int checkpoint(struct store_chain *c)
{
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    c->log_checkpointed = c->log_pages;
    return (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED ? SQLITE_OK : rc;
}

enum td_error store_chain_commit(struct store_chain *c, struct store_error *error)
{
    error->text[0] = '\0';
    if (!c->dead) {
        TD_ASSERT(c->open);
        c->dead = true; /* until it is known to be on disk */
        if (c->failed == TD_OK) {
            int rc = store_sql_finish(c->statements[STORE_W_COMMIT]);
            if (rc == SQLITE_OK && c->log_pages - c->log_checkpointed >= c->checkpoint_pages)
                rc = checkpoint(c);
            if (rc != SQLITE_OK)
                store_writer_fail(c, rc);
        }
        if (c->failed == TD_OK) {
            c->dead = false;
            c->open = false;
            return TD_OK;
        }
        c->open = false;
        if (sqlite3_get_autocommit(c->db) == 0)
            (void)store_sql_run(c->db, "ROLLBACK");
    }
    *error = c->why;
    return c->failed;
}

uint64_t store_chain_bytes(const struct store_chain *c)
{
    static const char *const parts[] = {"", "-wal"};
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        char name[PATH_MAX];
        struct stat st;
        int len = snprintf(name, sizeof name, "%s%s", c->path, parts[i]);
        if ((size_t)len < sizeof name && stat(name, &st) == 0)
            sum += (uint64_t)st.st_size;
    }
    return sum;
}
