/* Every row of the chain database against its checksum, and SQLite's own check. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/host/clock.h"
#include "storage/chain_internal.h"

#define ROWS_BETWEEN_CLOCKS 1024u
#define PROGRESS_NS UINT64_C(100000000) /* ten times a second */
#define KEY_TEXT_BYTES 72u

struct progress {
    void (*tell)(void *ctx, uint64_t done, uint64_t all);
    void *ctx;
    struct td_clock clock;
    uint64_t done, all, told_ns;
};

static void tell(struct progress *p, bool now)
{
    if (p->tell == NULL || (!now && p->done % ROWS_BETWEEN_CLOCKS != 0))
        return;
    uint64_t ns = td_clock_mono_ns(&p->clock);
    if (!now && ns - p->told_ns < PROGRESS_NS)
        return;
    p->told_ns = ns;
    p->tell(p->ctx, p->done, p->all);
}

/* The key as far as it could be read: numbers, and the first bytes of the rest. */
static void key_text(char text[KEY_TEXT_BYTES], enum store_table table,
                     const struct store_cell *cells)
{
    size_t len = 0;
    const char *kinds = STORE_TABLES[table].kinds;
    text[0] = '\0';
    for (size_t i = 0; kinds[i] != '\0' && kinds[i] != 'v' && len < KEY_TEXT_BYTES - 24u; i++) {
        const char *gap = i == 0 ? "" : " ";
        if (kinds[i] == 'i' || kinds[i] == 'u') {
            len += (size_t)snprintf(text + len, KEY_TEXT_BYTES - len, "%s%" PRIu64, gap,
                                    cells[i].number);
        } else if (cells[i].bytes.len >= 6) {
            const uint8_t *b = cells[i].bytes.ptr;
            len +=
                (size_t)snprintf(text + len, KEY_TEXT_BYTES - len, "%s0x%02x%02x%02x%02x%02x%02x..",
                                 gap, b[0], b[1], b[2], b[3], b[4], b[5]);
        }
    }
}

static enum td_error check_table(struct store_chain_reader *r, enum store_table table,
                                 struct progress *p, struct store_error *error)
{
    sqlite3_stmt *q = NULL;
    uint64_t row = 0;
    int rc = store_sql_select(r->db, &q, table, "");
    enum td_error err = TD_OK;
    while (rc == SQLITE_OK && err == TD_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct store_cell cells[STORE_CELLS_MAX] = {{.number = 0}};
        rc = SQLITE_OK;
        row++;
        p->done++;
        if (store_row_read(q, table, cells) != TD_OK) {
            char key[KEY_TEXT_BYTES];
            key_text(key, table, cells);
            err = store_fail(error, TD_E_CORRUPT, r->path, "row %" PRIu64 " of %s is damaged (%s)",
                             row, STORE_TABLES[table].name, key);
        }
        tell(p, false);
    }
    sqlite3_finalize(q);
    if (err != TD_OK || rc == SQLITE_DONE)
        return err;
    err = store_sql_error(rc);
    if (err == TD_E_CORRUPT)
        return store_fail(error, err, r->path, "table %s is damaged after row %" PRIu64,
                          STORE_TABLES[table].name, row);
    return store_sql_fail(error, r->path, r->db, rc);
}

static enum td_error count_rows(struct store_chain_reader *r, uint64_t *all,
                                struct store_error *error)
{
    *all = 0;
    for (int t = STORE_META; t < STORE_TABLES_END; t++) {
        char sql[64];
        int64_t rows = 0;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", STORE_TABLES[t].name);
        int rc = store_sql_number(r->db, sql, &rows);
        if (rc != SQLITE_OK)
            return store_sql_fail(error, r->path, r->db, rc);
        *all += (uint64_t)rows;
    }
    return TD_OK;
}

/* Trees, indexes against tables, free pages. */
static enum td_error check_sqlite(struct store_chain_reader *r, struct store_error *error)
{
    sqlite3_stmt *q = NULL;
    enum td_error err = TD_OK;
    int rc = sqlite3_prepare_v2(r->db, "PRAGMA integrity_check(1)", -1, &q, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(q, 0);
        rc = SQLITE_OK;
        if (text == NULL || strcmp(text, "ok") != 0)
            err = store_fail(error, TD_E_CORRUPT, r->path, "SQLite's check found damage: %.80s",
                             text == NULL ? "" : text);
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT;
    }
    sqlite3_finalize(q);
    return err == TD_OK && rc != SQLITE_OK ? store_sql_fail(error, r->path, r->db, rc) : err;
}

static enum td_error check_all(struct store_chain_reader *r, struct progress *p,
                               struct store_error *error)
{
    enum td_error err = count_rows(r, &p->all, error);
    for (int t = STORE_META; t < STORE_TABLES_END && err == TD_OK; t++)
        err = check_table(r, (enum store_table)t, p, error);
    if (err != TD_OK)
        return err;
    tell(p, true);
    return check_sqlite(r, error);
}

enum td_error store_chain_check(struct store_chain_reader *r,
                                void (*progress)(void *ctx, uint64_t done, uint64_t all), void *ctx,
                                struct store_error *error)
{
    struct progress p = {.tell = progress, .ctx = ctx, .clock = td_clock_system()};
    bool entered = !r->reading;
    error->text[0] = '\0';
    if (entered) { /* one state of the database, whatever the writer does meanwhile */
        enum td_error err = store_chain_read_begin(r);
        if (err != TD_OK)
            return store_fail(error, err, r->path, "cannot be read: %s", td_error_text(err));
    }
    enum td_error err = check_all(r, &p, error);
    if (entered)
        store_chain_read_end(r);
    return err;
}
