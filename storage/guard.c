#define _POSIX_C_SOURCE 200809L
#include "storage/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"
#include "base/host/folder.h"

#define APPLICATION_ID 0x54644775 /* "TdGu", shown by file(1) */
#define VERSION 1
#define IDENTITY_BYTES (TD_ADDR_BYTES + TD_HASH_BYTES)

struct slot {
    uint8_t *bytes; /* malloc'ed; NULL when empty */
    size_t len;
    bool present;
    struct td_hash hash; /* of bytes */
};

struct store_guard {
    sqlite3 *db;
    sqlite3_stmt *begin, *put, *seal, *commit;
    uint8_t identity[IDENTITY_BYTES];
    uint64_t generation;
    bool dead;
    struct slot slots[STORE_GUARD_SLOTS];
};

static enum td_error fail(struct store_error *error, enum td_error err, const char *what,
                          const char *why)
{
    snprintf(error->text, sizeof error->text, "%s: %s", what, why);
    return err;
}

/* What SQLite's answer means for whoever opens the file. */
static enum td_error open_error(sqlite3 *db, int rc, struct store_error *error, const char *what)
{
    enum td_error err = TD_E_IO;
    switch (rc & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail(error, TD_E_BUSY, what, "another process holds it; stop that one first");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or column that is not there */
        err = TD_E_CORRUPT;
        break;
    case SQLITE_NOMEM:
        err = TD_E_NOMEM;
        break;
    case SQLITE_CANTOPEN:
        err = db != NULL && sqlite3_system_errno(db) == ENOENT ? TD_E_NOTFOUND : TD_E_IO;
        break;
    default:
        break;
    }
    return fail(error, err, what, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

/* ---- the digest over everything */

static void identity_bytes(uint8_t out[IDENTITY_BYTES], const struct store_guard_identity *identity)
{
    memcpy(out, identity->validator.b, TD_ADDR_BYTES);
    memcpy(out + TD_ADDR_BYTES, identity->genesis.b, TD_HASH_BYTES);
}

static void hash_u64(struct td_keccak *k, uint64_t v)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56u - 8u * i));
    td_keccak_update(k, bytes, sizeof bytes);
}

/* keccak("TandemGuard1" ‖ identity ‖ generation ‖ per slot in use: number ‖ length ‖ keccak(bytes))
 */
static void seal_digest(struct td_hash *out, const struct store_guard *g)
{
    struct td_keccak k;
    td_keccak_init(&k);
    td_keccak_update(&k, "TandemGuard1", 12);
    td_keccak_update(&k, g->identity, IDENTITY_BYTES);
    hash_u64(&k, g->generation);
    for (uint32_t i = 0; i < STORE_GUARD_SLOTS; i++) {
        const struct slot *s = &g->slots[i];
        if (!s->present)
            continue;
        hash_u64(&k, i);
        hash_u64(&k, s->len);
        td_keccak_update(&k, s->hash.b, TD_HASH_BYTES);
    }
    td_keccak_final(&k, out);
}

static bool slot_set(struct slot *s, struct td_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1u);
    if (copy == NULL)
        return false;
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    free(s->bytes);
    *s = (struct slot){.bytes = copy, .len = bytes.len, .present = true};
    td_keccak256(&s->hash, copy, bytes.len);
    return true;
}

/* ---- statements */

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int prepare(struct store_guard *g)
{
    static const char *const texts[] = {"BEGIN IMMEDIATE",
                                        "INSERT OR REPLACE INTO slots(slot, bytes) VALUES (?1, ?2)",
                                        "UPDATE seal SET generation = ?1, digest = ?2", "COMMIT"};
    sqlite3_stmt **const into[] = {&g->begin, &g->put, &g->seal, &g->commit};
    for (size_t i = 0; i < 4; i++) {
        int rc = sqlite3_prepare_v3(g->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, into[i], NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static int finish(sqlite3_stmt *q)
{
    int rc = sqlite3_step(q);
    int reset = sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc == SQLITE_DONE ? reset : rc == SQLITE_OK ? SQLITE_MISUSE : rc;
}

static int put_slot(struct store_guard *g, const struct store_guard_item *item)
{
    sqlite3_bind_int(g->put, 1, (int)item->slot);
    int rc = item->bytes.len == 0 ? sqlite3_bind_zeroblob(g->put, 2, 0)
                                  : sqlite3_bind_blob(g->put, 2, item->bytes.ptr,
                                                      (int)item->bytes.len, SQLITE_STATIC);
    return rc == SQLITE_OK ? finish(g->put) : rc;
}

static int put_seal(struct store_guard *g)
{
    struct td_hash digest;
    seal_digest(&digest, g);
    sqlite3_bind_int64(g->seal, 1, (sqlite3_int64)g->generation);
    int rc = sqlite3_bind_blob(g->seal, 2, digest.b, TD_HASH_BYTES, SQLITE_TRANSIENT);
    return rc == SQLITE_OK ? finish(g->seal) : rc;
}

static int put_all(struct store_guard *g, const struct store_guard_item *items, size_t count)
{
    int rc = finish(g->begin);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
        rc = put_slot(g, &items[i]);
    if (rc == SQLITE_OK)
        rc = put_seal(g);
    return rc == SQLITE_OK ? finish(g->commit) : rc;
}

enum td_error store_guard_put(struct store_guard *g, const struct store_guard_item *items,
                              size_t count, struct store_error *error)
{
    uint32_t seen = 0;
    if (g->dead)
        return fail(error, TD_E_IO, "sign guard", "an earlier write failed; restart the node");
    for (size_t i = 0; i < count; i++) {
        TD_ASSERT(items[i].slot < STORE_GUARD_SLOTS && (seen >> items[i].slot & 1u) == 0);
        TD_ASSERT(items[i].bytes.len <= STORE_GUARD_BYTES_MAX);
        seen |= 1u << items[i].slot;
    }
    g->dead = true; /* until it is known to be on disk */
    for (size_t i = 0; i < count; i++)
        if (!slot_set(&g->slots[items[i].slot], items[i].bytes))
            return fail(error, TD_E_IO, "sign guard", "out of memory before a write");
    g->generation++;
    int rc = put_all(g, items, count);
    if (rc != SQLITE_OK)
        return fail(error, TD_E_IO, "sign guard, write", sqlite3_errmsg(g->db));
    g->dead = false;
    return TD_OK;
}

/* ---- opening */

/* The first column of the first row as a number. */
static int number(sqlite3 *db, const char *sql, int64_t *out)
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

/* Whether the first column of the first row is exactly `want`. */
static int text_is(sqlite3 *db, const char *sql, const char *want, bool *same)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    *same = false;
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(q, 0);
        *same = text != NULL && strcmp(text, want) == 0;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* Lock first: nothing read before the lock would mean anything. */
static int settings(sqlite3 *db)
{
    bool wal = false;
    int rc = run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
                     "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;");
    if (rc == SQLITE_OK)
        rc = text_is(db, "PRAGMA journal_mode = WAL", "wal", &wal);
    if (rc == SQLITE_OK && !wal)
        rc = SQLITE_CANTOPEN;
    return rc == SQLITE_OK ? run(db, "BEGIN EXCLUSIVE; COMMIT;") : rc;
}

static enum td_error check_file(sqlite3 *db, struct store_error *error)
{
    int64_t id = 0, version = 0;
    bool whole = false;
    int rc = number(db, "PRAGMA application_id", &id);
    if (rc == SQLITE_OK)
        rc = number(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK && id != APPLICATION_ID)
        return fail(error, TD_E_CORRUPT, "sign guard", "the file is none");
    if (rc == SQLITE_OK && version != VERSION)
        return fail(error, TD_E_UNSUPPORTED, "sign guard",
                    "written by another version of the program");
    if (rc == SQLITE_OK)
        rc = text_is(db, "PRAGMA integrity_check", "ok", &whole);
    if (rc != SQLITE_OK)
        return open_error(db, rc, error, "sign guard");
    return whole ? TD_OK : fail(error, TD_E_CORRUPT, "sign guard", "SQLite's check found damage");
}

static int load_slots(struct store_guard *g)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(g->db, "SELECT slot, bytes FROM slots", -1, &q, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t slot = sqlite3_column_int64(q, 0);
        const void *bytes = sqlite3_column_blob(q, 1);
        int len = sqlite3_column_bytes(q, 1);
        rc = SQLITE_OK;
        if (slot < 0 || slot >= STORE_GUARD_SLOTS || sqlite3_column_type(q, 1) != SQLITE_BLOB ||
            len > (int)STORE_GUARD_BYTES_MAX)
            rc = SQLITE_CORRUPT;
        else if (!slot_set(&g->slots[slot], td_bytes_of(bytes, (size_t)len)))
            rc = SQLITE_NOMEM;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Compare the seal with what was loaded. */
static enum td_error check_seal(struct store_guard *g, sqlite3_stmt *q, struct store_error *error)
{
    struct td_hash digest;
    const void *identity = sqlite3_column_blob(q, 0);
    if (identity == NULL || sqlite3_column_bytes(q, 0) != (int)IDENTITY_BYTES)
        return fail(error, TD_E_CORRUPT, "sign guard", "no identity");
    if (memcmp(identity, g->identity, IDENTITY_BYTES) != 0)
        return fail(error, TD_E_RANGE, "sign guard", "made for another validator key or genesis");
    g->generation = (uint64_t)sqlite3_column_int64(q, 1);
    seal_digest(&digest, g);
    const void *kept = sqlite3_column_blob(q, 2);
    if (kept == NULL || sqlite3_column_bytes(q, 2) != (int)TD_HASH_BYTES ||
        memcmp(kept, digest.b, TD_HASH_BYTES) != 0)
        return fail(error, TD_E_CORRUPT, "sign guard", "its digest does not match its content");
    return TD_OK;
}

static enum td_error load(struct store_guard *g, struct store_error *error)
{
    sqlite3_stmt *q = NULL;
    enum td_error err = TD_OK;
    int rc = load_slots(g);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(g->db, "SELECT identity, generation, digest FROM seal", -1, &q,
                                NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(q);
        if (rc == SQLITE_ROW) {
            err = check_seal(g, q, error);
            rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE) {
            rc = SQLITE_CORRUPT;
        }
    }
    sqlite3_finalize(q);
    if (err == TD_OK && rc == SQLITE_OK)
        rc = prepare(g);
    return rc != SQLITE_OK && err == TD_OK ? open_error(g->db, rc, error, "sign guard") : err;
}

static enum td_error open_database(sqlite3 **db, const char *path, struct store_error *error)
{
    int rc = sqlite3_open_v2(
        path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);
    return rc == SQLITE_OK ? TD_OK : open_error(*db, rc, error, "sign guard, open");
}

enum td_error store_guard_open(struct store_guard **out, const char *path,
                               const struct store_guard_identity *identity,
                               struct store_error *error)
{
    error->text[0] = '\0';
    *out = NULL;
    struct store_guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        return fail(error, TD_E_NOMEM, "sign guard", "out of memory");
    identity_bytes(g->identity, identity);
    enum td_error err = open_database(&g->db, path, error);
    if (err == TD_OK) {
        int rc = settings(g->db);
        err = rc == SQLITE_OK ? check_file(g->db, error)
                              : open_error(g->db, rc, error, "sign guard, lock");
    }
    if (err == TD_OK)
        err = load(g, error);
    if (err != TD_OK) {
        store_guard_close(g);
        return err;
    }
    *out = g;
    return TD_OK;
}

struct td_bytes store_guard_get(const struct store_guard *g, uint32_t slot)
{
    TD_ASSERT(slot < STORE_GUARD_SLOTS);
    return td_bytes_of(g->slots[slot].bytes, g->slots[slot].len);
}

uint64_t store_guard_generation(const struct store_guard *g)
{
    return g->generation;
}

void store_guard_close(struct store_guard *g)
{
    if (g == NULL)
        return;
    sqlite3_stmt *const statements[] = {g->begin, g->put, g->seal, g->commit};
    for (size_t i = 0; i < 4; i++)
        sqlite3_finalize(statements[i]);
    sqlite3_close(g->db);
    for (uint32_t i = 0; i < STORE_GUARD_SLOTS; i++)
        free(g->slots[i].bytes);
    free(g);
}

/* ---- creation */

/* Tables and an empty seal of generation 0, which the first put replaces. */
static int make_tables(sqlite3 *db, const uint8_t identity[IDENTITY_BYTES])
{
    char sql[160];
    sqlite3_stmt *q = NULL;
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, VERSION);
    int rc = run(db, sql);
    if (rc == SQLITE_OK)
        rc = run(db, "CREATE TABLE slots(slot INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
                     "CREATE TABLE seal(identity BLOB NOT NULL, generation INTEGER NOT NULL,"
                     " digest BLOB NOT NULL) STRICT;");
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "INSERT INTO seal VALUES (?1, 0, x'')", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(q, 1, identity, (int)IDENTITY_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = finish(q);
    sqlite3_finalize(q);
    return rc;
}

/* A whole guard in the empty file `path`, back in one file when the database is closed. */
static enum td_error fill(const char *path, const struct store_guard_identity *identity,
                          const struct store_guard_item *items, size_t count,
                          struct store_error *error)
{
    struct store_guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        return fail(error, TD_E_IO, "sign guard", "out of memory");
    identity_bytes(g->identity, identity);
    enum td_error err = open_database(&g->db, path, error);
    int rc = SQLITE_OK;
    if (err == TD_OK) {
        rc = settings(g->db);
        if (rc == SQLITE_OK)
            rc = make_tables(g->db, g->identity);
        if (rc == SQLITE_OK)
            rc = prepare(g);
    }
    if (rc != SQLITE_OK)
        err = fail(error, TD_E_IO, "sign guard, create", sqlite3_errmsg(g->db));
    if (err == TD_OK)
        err = store_guard_put(g, items, count, error);
    if (err == TD_OK && run(g->db, "PRAGMA wal_checkpoint(TRUNCATE)") != SQLITE_OK)
        err = fail(error, TD_E_IO, "sign guard, create", sqlite3_errmsg(g->db));
    store_guard_close(g);
    return err == TD_OK ? TD_OK : TD_E_IO;
}

enum td_error store_guard_create(const char *path, const struct store_guard_identity *identity,
                                 const struct store_guard_item *items, size_t count,
                                 struct store_error *error)
{
    char draft[PATH_MAX];
    error->text[0] = '\0';
    if ((size_t)snprintf(draft, sizeof draft, "%s.new", path) >= sizeof draft)
        return fail(error, TD_E_IO, "sign guard", "the path is too long");
    if (access(path, F_OK) == 0)
        return fail(error, TD_E_EXISTS, "sign guard", "there is one already");
    if (unlink(draft) != 0 && errno != ENOENT) /* of a creation that did not end */
        return fail(error, TD_E_IO, "sign guard, create", strerror(errno));
    int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return fail(error, TD_E_IO, "sign guard, create", strerror(errno));
    close(fd);
    enum td_error err = fill(draft, identity, items, count, error);
    if (err == TD_OK && link(draft, path) != 0) /* unlike rename, never over another */
        err = fail(error, errno == EEXIST ? TD_E_EXISTS : TD_E_IO, "sign guard, create",
                   strerror(errno));
    unlink(draft);
    if (err == TD_OK && td_folder_sync(path) != 0)
        err = fail(error, TD_E_IO, "sign guard, sync of the folder", strerror(errno));
    return err;
}
