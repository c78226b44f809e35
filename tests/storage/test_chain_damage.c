/* storage/chain: damaged, foreign and newer files are refused with a reason; a flipped bit in any
 * kind of row is TD_E_CORRUPT and never data; copies are whole or not there. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/chain_internal.h"
#include "tests/storage/chain_folder.h"

TestSuite(chain_damage, .init = chain_folder_make, .fini = chain_folder_remove);

static void make(uint64_t blocks)
{
    struct store_chain *c = chain_open(true);
    chain_begin(c);
    for (uint64_t h = 1; h <= blocks; h++)
        chain_put_all(c, h);
    chain_commit(c);
    store_chain_close(c);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, "%s: %s", text,
                 sqlite3_errmsg(db));
    sqlite3_close(db);
}

static enum td_error open_error(const char *path, bool create, struct store_error *e)
{
    struct store_chain *c;
    const struct store_chain_options options = {.genesis = GENESIS, .create = create};
    enum td_error err = store_chain_open(&c, path, &options, e);
    cr_assert_eq(c == NULL, err != TD_OK);
    cr_assert_eq(e->text[0] == '\0', err == TD_OK);
    store_chain_close(c);
    return err;
}

static enum td_error reader_error(const char *path, struct store_error *e)
{
    struct store_chain_reader *r;
    enum td_error err = store_chain_reader_open(&r, path, &GENESIS, e);
    cr_assert_eq(r == NULL, err != TD_OK);
    cr_assert_eq(e->text[0] == '\0', err == TD_OK);
    store_chain_reader_close(r);
    return err;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static size_t read_whole(const char *path, uint8_t *out, size_t max)
{
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    size_t len = fread(out, 1, max, f);
    cr_assert(len > 0 && len < max);
    fclose(f);
    return len;
}

static enum td_error keep_going(void *ctx, struct td_bytes key, struct td_bytes value)
{
    uint64_t *sum = ctx;
    *sum += key.len + value.len;
    return TD_OK;
}

/* Every way to read what is of block 1, against what was put.  How many answers were TD_E_CORRUPT;
 * any wrong answer fails. */
static unsigned corrupt_answers(struct store_chain_reader *r, const char *when)
{
    struct td_hash block = hash_of(1, 1), root = hash_of(2, 1), tx = hash_of(6, 1),
                   header = hash_of(7, 1);
    struct td_arena *a = arena_of_test();
    struct td_bytes got[5] = {{NULL, 0}};
    struct store_chain_block b;
    uint64_t n[4] = {0}, sum = 0;
    uint32_t index = 0, count = 0;
    const enum td_error errs[] = {
        store_chain_item(r, 1, a, &got[0]),
        store_chain_header(r, &header, a, &got[1]),
        store_chain_payload(r, &root, a, &got[2]),
        store_chain_receipts(r, 1, a, &got[3]),
        store_chain_cert(r, 1, 1, a, &got[4]),
        store_chain_block(r, 1, a, &b),
        store_chain_block_height(r, &block, &n[0]),
        store_chain_tx(r, &tx, &n[1], &index),
        store_chain_logs(r, 3, 0, 9, &n[2], 1, &count),
        store_chain_cert_last(r, 1, 5, &n[3]),
    };
    static const size_t lens[] = {40, 300, 5000, 2500, 200};
    static const uint32_t kinds[] = {0, 1, 2, 6, 0};
    unsigned corrupt = 0;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        cr_assert(errs[i] == TD_OK || errs[i] == TD_E_CORRUPT || errs[i] == TD_E_NOTFOUND,
                  "%s: answer %zu: %s", when, i, td_error_text(errs[i]));
        corrupt += errs[i] == TD_E_CORRUPT;
        if (i < 5 && errs[i] == TD_OK)
            cr_assert(td_bytes_eq(got[i], bytes_of(kinds[i], 1, lens[i])), "%s: bytes %zu", when,
                      i);
    }
    cr_assert(errs[5] != TD_OK || (td_bytes_eq(b.header, bytes_of(3, 1, 300)) &&
                                   td_bytes_eq(b.state, bytes_of(4, 1, 90)) && b.height == 1));
    cr_assert(errs[5] != TD_OK || !b.executed || td_bytes_eq(b.record, bytes_of(5, 1, 120)));
    cr_assert(errs[6] != TD_OK || n[0] == 1, "%s", when);
    cr_assert(errs[7] != TD_OK || (n[1] == 1 && index == 1), "%s", when);
    cr_assert(errs[8] != TD_OK || count == 0 || n[2] == 1, "%s", when);
    cr_assert(errs[9] != TD_OK || n[3] == 1, "%s", when);
    for (int t = STORE_CHAIN_HEADERS; t <= STORE_CHAIN_PAGES; t++) {
        enum td_error err = store_chain_scan(r, (enum store_chain_table)t, keep_going, &sum);
        cr_assert(err == TD_OK || err == TD_E_CORRUPT, "%s: scan %d", when, t);
        corrupt += err == TD_E_CORRUPT;
    }
    return corrupt;
}

/* Goal: for every column of every table, other bytes that SQLite finds nothing wrong with. */
Test(chain_damage, a_changed_column_of_any_table_is_corrupt, .timeout = 120)
{
    struct store_error e;
    unsigned columns = 0;
    make(1);
    for (int t = STORE_META; t < STORE_TABLES_END; t++) {
        char list[160], *save = NULL;
        snprintf(list, sizeof list, "%s, sum", STORE_TABLES[t].columns);
        const char *kinds = STORE_TABLES[t].kinds;
        for (char *name = strtok_r(list, ", ", &save); name != NULL;
             name = strtok_r(NULL, ", ", &save), kinds += *kinds != '\0') {
            char text[256], was[32];
            bool number = *kinds == 'i' || *kinds == 'u' || *kinds == '\0';
            snprintf(text, sizeof text,
                     number ? "CREATE TABLE kept AS SELECT * FROM %s; UPDATE %s SET %s = %s + 4"
                            : "CREATE TABLE kept AS SELECT * FROM %s; UPDATE %s SET %s ="
                              " CAST(substr(%s, 2) || x'2a' AS BLOB)",
                     STORE_TABLES[t].name, STORE_TABLES[t].name, name, name);
            snprintf(was, sizeof was, "%s", STORE_TABLES[t].name);
            sql(chain_path, text);
            enum td_error err = reader_error(chain_path, &e);
            if (t == STORE_META) {
                cr_assert_eq(err, TD_E_CORRUPT, "%s.%s: %s", was, name, e.text);
            } else {
                cr_assert_eq(err, TD_OK, "%s", e.text);
                struct store_chain_reader *r = chain_reader();
                cr_assert_eq(store_chain_check(r, NULL, NULL, &e), TD_E_CORRUPT, "%s.%s", was,
                             name);
                cr_assert_not_null(strstr(e.text, was), "%s.%s: %s", was, name, e.text);
                unsigned corrupt = corrupt_answers(r, name);
                /* Under a changed key a row is not found; nothing is made of it either. */
                if (*kinds == 'v' || *kinds == 'b' || *kinds == '\0')
                    cr_assert(corrupt > 0 || t == STORE_SEEN, "%s.%s", was, name);
                store_chain_reader_close(r);
            }
            snprintf(text, sizeof text,
                     "DELETE FROM %s; INSERT INTO %s SELECT * FROM kept; DROP TABLE kept", was,
                     was);
            sql(chain_path, text);
            columns++;
        }
    }
    cr_assert_eq(columns, 56);
    struct store_chain_reader *r = chain_reader();
    cr_assert_eq(store_chain_check(r, NULL, NULL, &e), TD_OK, "%s", e.text);
    cr_assert_eq(corrupt_answers(r, "whole again"), 0);
    store_chain_reader_close(r);
}

/* Goal: bits flipped in the file itself: refused, TD_E_CORRUPT, not found, or harmless. */
Test(chain_damage, no_flipped_bit_of_the_file_yields_data, .timeout = 240)
{
    static uint8_t image[1u << 20];
    unsigned refused = 0, corrupt = 0;
    make(1);
    size_t len = read_whole(chain_path, image, sizeof image);
    for (size_t at = 0; at < len; at += at < 200 ? 3 : 131) {
        struct store_chain_reader *r;
        struct store_error e;
        char when[32];
        snprintf(when, sizeof when, "byte %zu", at);
        image[at] ^= (uint8_t)(1u << at % 8u);
        write_file(chain_path, image, len);
        image[at] ^= (uint8_t)(1u << at % 8u);
        if (store_chain_reader_open(&r, chain_path, &GENESIS, &e) != TD_OK)
            refused++;
        else
            corrupt += corrupt_answers(r, when) > 0;
        store_chain_reader_close(r);
    }
    cr_expect_gt(refused, 10);
    cr_expect_gt(corrupt, 50);
}

Test(chain_damage, files_that_are_none_are_refused_with_a_reason)
{
    struct store_error e;
    static uint8_t junk[8192];
    const char *path = chain_folder_file("x.db");
    char name[128];
    snprintf(name, sizeof name, "%s", path);
    cr_expect_eq(open_error(name, false, &e), TD_E_NOTFOUND);
    cr_expect_eq(reader_error(name, &e), TD_E_NOTFOUND);
    write_file(name, junk, 0);
    cr_expect_eq(open_error(name, true, &e), TD_E_CORRUPT, "%s", e.text);
    memset(junk, 'x', sizeof junk);
    write_file(name, junk, sizeof junk);
    cr_expect_eq(open_error(name, true, &e), TD_E_CORRUPT);
    cr_expect_not_null(strstr(e.text, "not a database"), "%s", e.text);
    unlink(name);
    sql(name, "CREATE TABLE t(x)");
    cr_expect_eq(open_error(name, true, &e), TD_E_CORRUPT);
    cr_expect_not_null(strstr(e.text, "no chain database"), "%s", e.text);
    cr_expect_eq(reader_error(name, &e), TD_E_CORRUPT);
    cr_expect_eq(open_error(chain_folder, true, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "folder"), "%s", e.text);
    snprintf(name, sizeof name, "%s/none/x.db", chain_folder);
    cr_expect_eq(open_error(name, true, &e), TD_E_NOTFOUND, "%s", e.text);
}

Test(chain_damage, without_permission_the_message_says_so)
{
    struct store_error e;
    make(1);
    if (geteuid() == 0)
        cr_skip_test("root may read everything");
    cr_assert_eq(chmod(chain_path, 0400), 0);
    cr_expect_eq(open_error(chain_path, false, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "owner and mode"), "%s", e.text);
    cr_assert_eq(chmod(chain_path, 0000), 0);
    cr_expect_eq(reader_error(chain_path, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "owner and mode"), "%s", e.text);
}

Test(chain_damage, another_genesis_and_a_newer_version_are_refused)
{
    struct store_chain_reader *r;
    struct store_chain *c;
    struct store_error e;
    struct td_hash found, other = GENESIS;
    make(1);
    other.b[31] ^= 1;
    const struct store_chain_options options = {.genesis = other, .create = true};
    cr_expect_eq(store_chain_open(&c, chain_path, &options, &e), TD_E_RANGE);
    cr_expect_eq(store_chain_reader_open(&r, chain_path, &other, &e), TD_E_RANGE);
    cr_expect_not_null(strstr(e.text, "genesis"), "%s", e.text);
    cr_assert_eq(store_chain_identity(chain_path, &found, &e), TD_OK);
    cr_expect(td_hash_eq(&found, &GENESIS));
    sql(chain_path, "PRAGMA user_version = 2");
    cr_expect_eq(open_error(chain_path, true, &e), TD_E_UNSUPPORTED);
    cr_expect_not_null(strstr(e.text, "newer program"), "%s", e.text);
    cr_expect_eq(reader_error(chain_path, &e), TD_E_UNSUPPORTED);
}

/* Goal: the steps between versions, with versions that do not exist yet. */
Test(chain_damage, migrations_run_in_order_and_whole_or_not_at_all)
{
    static const struct store_migration good[] = {
        {"CREATE TABLE one(x)"}, {"INSERT INTO one VALUES (1)"}, {"ALTER TABLE one RENAME TO two"}};
    static const struct store_migration bad[] = {
        {"CREATE TABLE one(x)"}, {"CREATE TABLE two(x); INSERT INTO nowhere VALUES (1)"}};
    sqlite3 *db;
    int64_t n = -1;
    cr_assert_eq(sqlite3_open(chain_path, &db), SQLITE_OK);
    cr_assert_neq(store_schema_migrate(db, bad, 2), SQLITE_OK);
    cr_assert_eq(store_sql_number(db, "SELECT count(*) FROM sqlite_schema", &n), SQLITE_OK);
    cr_expect_eq(n, 0, "nothing is left of a failed step");
    cr_assert_eq(store_sql_number(db, "PRAGMA user_version", &n), SQLITE_OK);
    cr_expect_eq(n, 0);
    cr_assert_eq(store_schema_migrate(db, good, 1), SQLITE_OK);
    cr_assert_eq(store_schema_migrate(db, good, 3), SQLITE_OK, "only the steps that are missing");
    cr_assert_eq(store_sql_number(db, "SELECT x FROM two", &n), SQLITE_OK);
    cr_expect_eq(n, 1);
    cr_assert_eq(store_sql_number(db, "PRAGMA user_version", &n), SQLITE_OK);
    cr_expect_eq(n, 3);
    cr_expect_neq(store_schema_migrate(db, good, 2), SQLITE_OK, "never backwards");
    sqlite3_close(db);
}

Test(chain_damage, another_process_is_kept_out_and_told_who_holds_it)
{
    struct store_error e;
    int ready[2], finish[2];
    char byte = 0, pid[24];
    make(1);
    cr_assert(pipe(ready) == 0 && pipe(finish) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct store_chain *c;
        const struct store_chain_options options = {.genesis = GENESIS};
        byte = (char)store_chain_open(&c, chain_path, &options, &e);
        if (write(ready[1], &byte, 1) != 1 || read(finish[0], &byte, 1) != 1)
            _exit(1);
        _exit(0); /* without closing, as a killed process would */
    }
    cr_assert(read(ready[0], &byte, 1) == 1 && byte == TD_OK);
    cr_expect_eq(open_error(chain_path, false, &e), TD_E_BUSY);
    snprintf(pid, sizeof pid, "process %ld ", (long)child);
    cr_expect_not_null(strstr(e.text, pid), "%s", e.text);
    cr_expect_eq(reader_error(chain_path, &e), TD_OK, "a reader gets in: %s", e.text);
    cr_assert_eq(write(finish[1], "x", 1), 1);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_expect_eq(open_error(chain_path, false, &e), TD_OK, "%s", e.text);
}

Test(chain_damage, second_writer_of_this_process_is_kept_out)
{
    struct store_error e;
    struct store_chain *c = chain_open(true);
    cr_expect_eq(open_error(chain_path, true, &e), TD_E_BUSY);
    store_chain_close(c);
    cr_expect_eq(open_error(chain_path, true, &e), TD_OK, "%s", e.text);
}

/* ---- copies */

static void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s", chain_folder_file(name));
}

Test(chain_damage, backup_and_restore_give_the_same_rows_back)
{
    struct store_error e;
    char copy[128], back[128], draft[128];
    path_of(copy, "copy.db");
    path_of(back, "back.db");
    path_of(draft, "copy.db.new");
    struct store_chain *c = chain_open(true);
    chain_begin(c);
    chain_put_all(c, 1);
    chain_commit(c);
    struct store_chain_reader *r = chain_reader();
    chain_begin(c); /* while the node writes */
    chain_put_all(c, 2);
    cr_assert_eq(store_chain_backup(r, copy, &e), TD_OK, "%s", e.text);
    chain_commit(c);
    cr_expect_eq(store_chain_backup(r, copy, &e), TD_E_EXISTS, "%s", e.text);
    store_chain_reader_close(r);
    cr_expect_neq(access(draft, F_OK), 0, "no draft is left");

    cr_expect_eq(store_chain_restore(copy, chain_path, &GENESIS, &e), TD_E_BUSY, "%s", e.text);
    store_chain_close(c);
    cr_expect_eq(store_chain_restore(copy, chain_path, &GENESIS, &e), TD_E_EXISTS, "%s", e.text);
    struct td_hash other = {{1}};
    cr_expect_eq(store_chain_restore(copy, back, &other, &e), TD_E_RANGE, "%s", e.text);
    cr_expect_eq(store_chain_restore(back, copy, NULL, &e), TD_E_NOTFOUND, "%s", e.text);
    cr_assert_eq(store_chain_restore(copy, back, &GENESIS, &e), TD_OK, "%s", e.text);
    snprintf(chain_path, sizeof chain_path, "%.90s", back);
    store_chain_close(chain_open(false)); /* good for a writer */
    r = chain_reader();
    cr_expect_eq(store_chain_check(r, NULL, NULL, &e), TD_OK, "%s", e.text);
    cr_expect_eq(corrupt_answers(r, "restored"), 0);
    uint64_t final = 0, executed = 0;
    cr_assert_eq(store_chain_heights(r, &final, &executed), TD_OK);
    cr_expect(final == 1 && executed == 1, "the copy is of one state");
    store_chain_reader_close(r);
}

Test(chain_damage, damaged_copy_is_not_restored)
{
    struct store_error e;
    char copy[128], back[128];
    path_of(copy, "copy.db");
    path_of(back, "back.db");
    make(3);
    struct store_chain_reader *r = chain_reader();
    cr_assert_eq(store_chain_backup(r, copy, &e), TD_OK, "%s", e.text);
    store_chain_reader_close(r);
    sql(copy, "UPDATE slots SET value = CAST(x'00' || substr(value, 2) AS BLOB)");
    cr_expect_eq(store_chain_restore(copy, back, &GENESIS, &e), TD_E_CORRUPT);
    cr_expect_not_null(strstr(e.text, "slots"), "%s", e.text);
    cr_expect_neq(access(back, F_OK), 0);
    cr_expect_neq(access(chain_folder_file("back.db.new"), F_OK), 0);
}

Test(chain_damage, log_without_its_database_is_not_taken_for_a_new_ones)
{
    struct store_error e;
    char log[128], copy[128];
    path_of(copy, "copy.db");
    path_of(log, "chain.db-wal");
    make(1);
    struct store_chain_reader *r = chain_reader();
    cr_assert_eq(store_chain_backup(r, copy, &e), TD_OK, "%s", e.text);
    store_chain_reader_close(r);
    cr_assert_eq(unlink(chain_path), 0);
    write_file(log, "log", 3);
    cr_expect_eq(store_chain_restore(copy, chain_path, &GENESIS, &e), TD_E_EXISTS);
    cr_expect_not_null(strstr(e.text, "-wal"), "%s", e.text);
    cr_expect_eq(open_error(chain_path, true, &e), TD_E_CORRUPT, "%s", e.text);
}
