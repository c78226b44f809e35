/* Copies of the chain database: made while the node runs, and put back in its place. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/chain_writer.h"

/* Everything `from` sees, into the file `draft`, synced. */
static enum td_error copy_into(sqlite3 *from, const char *draft, const char *to,
                               struct store_error *error)
{
    sqlite3 *db;
    enum td_error err = store_sql_open(&db, draft, SQLITE_OPEN_READWRITE, error);
    if (err != TD_OK)
        return err;
    int rc = store_sql_run(db, "PRAGMA synchronous = FULL");
    sqlite3_backup *copy = rc == SQLITE_OK ? sqlite3_backup_init(db, "main", from, "main") : NULL;
    if (copy != NULL) {
        (void)sqlite3_backup_step(copy, -1);
        rc = sqlite3_backup_finish(copy);
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_extended_errcode(db);
    }
    if (rc != SQLITE_OK)
        err = store_sql_fail(error, to, db, rc);
    sqlite3_close(db);
    return err;
}

enum td_error store_chain_backup(struct store_chain_reader *r, const char *to,
                                 struct store_error *error)
{
    char draft[PATH_MAX];
    error->text[0] = '\0';
    enum td_error err = store_draft_make(draft, to, error);
    if (err != TD_OK)
        return err;
    return store_draft_end(draft, to, copy_into(r->db, draft, to, error), error);
}

/* Whether a file's log says nothing: then the file is read alone, so that a backup on a medium that
 * cannot be written, or in a folder to be kept clean, needs no log beside it. */
static bool lone(const char *path)
{
    char log[PATH_MAX];
    struct stat st;
    int len = snprintf(log, sizeof log, "%s-wal", path);
    return (size_t)len < sizeof log && (stat(log, &st) != 0 || st.st_size == 0);
}

static enum td_error check_draft(const char *draft, struct store_error *error)
{
    struct store_chain_reader *r;
    struct td_hash found;
    enum td_error err = store_reader_open(&r, draft, NULL, true, &found, error);
    if (err == TD_OK)
        err = store_chain_check(r, NULL, NULL, error);
    store_chain_reader_close(r);
    return err;
}

enum td_error store_chain_restore(const char *from, const char *to, const struct td_hash *genesis,
                                  struct store_error *error)
{
    struct store_chain_reader *r;
    struct td_hash found;
    char draft[PATH_MAX];
    int lock;
    enum td_error err = store_reader_open(&r, from, genesis, lone(from), &found, error);
    if (err != TD_OK)
        return err;
    err = store_lock_take(&lock, to, error);
    if (err == TD_OK)
        err = store_draft_make(draft, to, error);
    if (err == TD_OK) {
        err = copy_into(r->db, draft, to, error);
        if (err == TD_OK)
            err = check_draft(draft, error);
        err = store_draft_end(draft, to, err, error);
    }
    store_chain_reader_close(r);
    if (lock >= 0)
        close(lock);
    return err;
}

enum td_error store_chain_identity(const char *path, struct td_hash *genesis,
                                   struct store_error *error)
{
    struct store_chain_reader *r;
    enum td_error err = store_reader_open(&r, path, NULL, false, genesis, error);
    store_chain_reader_close(r);
    return err;
}
