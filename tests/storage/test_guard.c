/* storage/guard: what is put is there again, whole and newest, whatever fails in between.
 * Method: a scripted workload over a file system in memory that fails at every single operation in
 * turn, in every way fault_vfs.h knows; then files bent bit by bit; then the real file system for
 * locks, creation and names. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/guard.h"
#include "tests/storage/fault_vfs.h"

#define STEPS 10u
#define NAME "/guard.db"

static const struct store_guard_identity ME = {{{1, 2, 3}}, {{4, 5, 6}}};

static char folder[64], path[96];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "guard-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/guard.db", folder);
}

static void remove_folder(void)
{
    char draft[112];
    snprintf(draft, sizeof draft, "%s.new", path);
    unlink(path);
    unlink(draft);
    cr_expect_eq(rmdir(folder), 0, "something was left behind");
}

/* Slot contents after `generation` puts of the workload: put k fills slot k % 3 and, every other
 * time, slot 5 with bytes that name k and slot. */
static size_t content(uint8_t out[9000], uint32_t slot, uint64_t generation)
{
    for (uint64_t k = generation; k > 0; k--) {
        bool puts = slot == k % 3u || (slot == 5 && k % 2u == 0);
        if (!puts)
            continue;
        size_t len = (size_t)(k * 977u % 9000u);
        memset(out, (int)(16u * k + slot), len);
        return len;
    }
    return 0;
}

static enum td_error put_step(struct store_guard *g, uint64_t k, struct store_error *e)
{
    static uint8_t bytes[2][9000];
    struct store_guard_item items[2];
    size_t count = 0;
    const uint32_t slots[2] = {(uint32_t)(k % 3u), 5};
    for (size_t i = 0; i < (k % 2u == 0 ? 2u : 1u); i++) {
        items[count].slot = slots[i];
        items[count].bytes = td_bytes_of(bytes[i], content(bytes[i], slots[i], k));
        count++;
    }
    return store_guard_put(g, items, count, e);
}

static void expect_state(const struct store_guard *g, uint64_t generation, const char *when)
{
    cr_assert_eq(store_guard_generation(g), generation, "%s", when);
    for (uint32_t slot = 0; slot < STORE_GUARD_SLOTS; slot++) {
        uint8_t want[9000];
        size_t len = content(want, slot, generation);
        struct td_bytes got = store_guard_get(g, slot);
        cr_assert(got.len == len && (len == 0 || memcmp(got.ptr, want, len) == 0),
                  "%s: slot %u of generation %llu", when, slot, (unsigned long long)generation);
    }
}

/* The file as create makes it, generation 1, from the real file system. */
static size_t made_file(uint8_t *out, size_t max)
{
    struct store_error e;
    uint8_t bytes[9000];
    struct store_guard_item first = {1, td_bytes_of(bytes, content(bytes, 1, 1))};
    make_folder();
    cr_assert_eq(store_guard_create(path, &ME, &first, 1, &e), TD_OK, "%s", e.text);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f);
    size_t len = fread(out, 1, max, f);
    cr_assert(len > 0 && len < max);
    fclose(f);
    remove_folder();
    return len;
}

static uint8_t image[1u << 20];
static size_t image_len;

static void fault_set_up(void)
{
    image_len = made_file(image, sizeof image);
    fault_vfs_install();
}

static void fault_tear_down(void)
{
    fault_vfs_reset();
}

TestSuite(guard_fault, .init = fault_set_up, .fini = fault_tear_down);

/* Run the workload from a fresh file; the last put that returned TD_OK. */
static uint64_t workload(enum fault_kind kind, uint64_t at)
{
    struct store_guard *g;
    struct store_error e;
    uint64_t acknowledged = 1;
    fault_vfs_reset();
    fault_vfs_add(NAME, image, image_len);
    fault_vfs_arm(kind, at);
    if (store_guard_open(&g, NAME, &ME, &e) != TD_OK)
        return 1;
    for (uint64_t k = 2; k <= STEPS; k++) {
        if (put_step(g, k, &e) != TD_OK) {
            cr_assert_neq(kind, FAULT_NONE, "%s", e.text);
            cr_assert_eq(put_step(g, k, &e), TD_E_IO, "a failed guard must stay dead");
            break;
        }
        acknowledged = k;
    }
    store_guard_close(g);
    return acknowledged;
}

/* The next life must know at least what was acknowledged, and at most one put more. */
static void expect_recovered(uint64_t acknowledged, const char *when)
{
    struct store_guard *g;
    struct store_error e;
    cr_assert_eq(store_guard_open(&g, NAME, &ME, &e), TD_OK, "%s: %s", when, e.text);
    uint64_t generation = store_guard_generation(g);
    cr_assert(generation == acknowledged || generation == acknowledged + 1u,
              "%s: %llu acknowledged, found %llu", when, (unsigned long long)acknowledged,
              (unsigned long long)generation);
    expect_state(g, generation, when);
    cr_assert_eq(put_step(g, generation + 1u, &e), TD_OK, "%s: %s", when, e.text);
    store_guard_close(g);
}

static uint64_t operations_of_workload(void)
{
    cr_assert_eq(workload(FAULT_NONE, 0), STEPS);
    return fault_vfs_operations();
}

Test(guard_fault, every_put_is_there_after_power_loss_at_any_operation)
{
    static const enum fault_kind kinds[] = {FAULT_STOP, FAULT_TEAR};
    uint64_t operations = operations_of_workload();
    unsigned partly = 0;
    cr_assert_gt(operations, 3u * STEPS);
    for (size_t i = 0; i < 2; i++)
        for (uint64_t at = 1; at <= operations; at++)
            for (uint64_t seed = 0; seed < 8; seed++) {
                char when[80];
                uint64_t acknowledged = workload(kinds[i], at);
                snprintf(when, sizeof when, "kind %d, operation %llu, seed %llu", (int)kinds[i],
                         (unsigned long long)at, (unsigned long long)seed);
                fault_vfs_power_loss(seed);
                expect_recovered(acknowledged, when);
                partly += acknowledged < STEPS;
            }
    cr_assert_gt(partly, 100, "the faults hit the workload");
}

Test(guard_fault, every_put_is_there_after_a_kill_at_any_operation)
{
    static const enum fault_kind kinds[] = {FAULT_STOP, FAULT_TEAR, FAULT_EIO, FAULT_FULL};
    uint64_t operations = operations_of_workload();
    for (size_t i = 0; i < 4; i++)
        for (uint64_t at = 1; at <= operations; at++) {
            char when[80];
            uint64_t acknowledged = workload(kinds[i], at);
            snprintf(when, sizeof when, "kind %d, operation %llu", (int)kinds[i],
                     (unsigned long long)at);
            fault_vfs_restart();
            expect_recovered(acknowledged, when);
        }
}

/* Goal: "durable before send" needs a sync in every put. */
Test(guard_fault, nothing_acknowledged_waits_for_a_later_sync)
{
    for (uint64_t steps = 2; steps <= STEPS; steps++) {
        struct store_guard *g;
        struct store_error e;
        fault_vfs_reset();
        fault_vfs_add(NAME, image, image_len);
        cr_assert_eq(store_guard_open(&g, NAME, &ME, &e), TD_OK);
        for (uint64_t k = 2; k <= steps; k++)
            cr_assert_eq(put_step(g, k, &e), TD_OK);
        fault_vfs_arm(FAULT_STOP, 1);
        cr_assert_eq(put_step(g, steps + 1u, &e), TD_E_IO);
        store_guard_close(g);
        fault_vfs_power_loss(0); /* drops all that no sync covers */
        cr_assert_eq(store_guard_open(&g, NAME, &ME, &e), TD_OK, "%s", e.text);
        expect_state(g, steps, "after power loss");
        store_guard_close(g);
    }
}

/* Any flipped bit is found, or lies where nothing is kept. */
Test(guard_fault, no_flipped_bit_changes_what_is_read)
{
    unsigned refused = 0, unharmed = 0;
    for (size_t byte = 0; byte < image_len; byte += byte < 400 ? 1 : 7) {
        struct store_guard *g;
        struct store_error e;
        fault_vfs_reset();
        fault_vfs_add(NAME, image, image_len);
        cr_assert(fault_vfs_flip(NAME, byte, (unsigned)(byte % 8u)));
        enum td_error err = store_guard_open(&g, NAME, &ME, &e);
        if (err == TD_OK) {
            expect_state(g, 1, "after a flip");
            unharmed++;
            store_guard_close(g);
        } else {
            cr_assert_null(g);
            cr_assert_neq(e.text[0], '\0');
            refused++;
        }
    }
    cr_expect_gt(refused, 100);
    cr_expect_gt(unharmed, 10, "free space is no harm");
}

Test(guard_fault, truncated_file_is_refused)
{
    for (size_t len = 0; len < image_len; len += 512) {
        struct store_guard *g;
        struct store_error e;
        fault_vfs_reset();
        fault_vfs_add(NAME, image, len);
        cr_assert_neq(store_guard_open(&g, NAME, &ME, &e), TD_OK, "cut to %zu", len);
        cr_assert_null(g);
    }
}

/* ---- the real file system */

TestSuite(guard_file, .init = make_folder, .fini = remove_folder);

static void create_guard(void)
{
    struct store_error e;
    cr_assert_eq(store_guard_create(path, &ME, NULL, 0, &e), TD_OK, "%s", e.text);
}

Test(guard_file, created_empty_private_and_once)
{
    struct store_guard *g;
    struct store_error e;
    struct stat st;
    umask(0);
    create_guard();
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777u, 0600u);
    cr_expect_eq(store_guard_create(path, &ME, NULL, 0, &e), TD_E_EXISTS);
    cr_assert_eq(store_guard_open(&g, path, &ME, &e), TD_OK, "%s", e.text);
    cr_expect_eq(store_guard_generation(g), 1);
    for (uint32_t i = 0; i < STORE_GUARD_SLOTS; i++)
        cr_expect_eq(store_guard_get(g, i).len, 0);
    store_guard_close(g);
}

Test(guard_file, half_made_guard_of_an_earlier_try_is_replaced)
{
    char draft[112];
    snprintf(draft, sizeof draft, "%s.new", path);
    FILE *f = fopen(draft, "w");
    cr_assert_not_null(f);
    fputs("half", f);
    fclose(f);
    create_guard();
    cr_expect_eq(access(draft, F_OK), -1);
}

Test(guard_file, what_is_put_survives_reopening)
{
    struct store_guard *g;
    struct store_error e;
    uint8_t big[STORE_GUARD_BYTES_MAX];
    memset(big, 7, sizeof big);
    struct store_guard_item items[] = {{0, td_bytes_of(big, sizeof big)},
                                       {15, td_bytes_of("x", 1)}},
                            none = {0, td_bytes_of(NULL, 0)};
    create_guard();
    cr_assert_eq(store_guard_open(&g, path, &ME, &e), TD_OK);
    cr_assert_eq(store_guard_put(g, items, 2, &e), TD_OK, "%s", e.text);
    store_guard_close(g);
    cr_assert_eq(store_guard_open(&g, path, &ME, &e), TD_OK);
    cr_expect(store_guard_get(g, 0).len == sizeof big && store_guard_get(g, 15).ptr[0] == 'x');
    cr_assert_eq(store_guard_put(g, &none, 1, &e), TD_OK);
    store_guard_close(g);
    cr_assert_eq(store_guard_open(&g, path, &ME, &e), TD_OK);
    cr_expect(store_guard_get(g, 0).len == 0 && store_guard_generation(g) == 3);
    store_guard_close(g);
}

Test(guard_file, another_process_is_kept_out_until_the_first_ends)
{
    struct store_guard *g, *other;
    struct store_error e;
    int ready[2], finish[2];
    char byte = 0;
    create_guard();
    cr_assert(pipe(ready) == 0 && pipe(finish) == 0);
    pid_t child = fork();
    if (child == 0) {
        enum td_error err = store_guard_open(&other, path, &ME, &e);
        byte = (char)err;
        if (write(ready[1], &byte, 1) != 1 || read(finish[0], &byte, 1) != 1)
            _exit(1);
        _exit(0); /* without closing: as a killed process would */
    }
    cr_assert(read(ready[0], &byte, 1) == 1 && byte == TD_OK);
    cr_expect_eq(store_guard_open(&g, path, &ME, &e), TD_E_BUSY);
    cr_expect_not_null(strstr(e.text, "another process"), "%s", e.text);
    cr_assert_eq(write(finish[1], "x", 1), 1);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_expect_eq(store_guard_open(&g, path, &ME, &e), TD_OK, "%s", e.text);
    store_guard_close(g);
}

Test(guard_file, another_key_or_genesis_is_refused)
{
    struct store_guard *g;
    struct store_error e;
    struct store_guard_identity others[2] = {ME, ME};
    others[0].validator.b[19] ^= 1;
    others[1].genesis.b[31] ^= 1;
    create_guard();
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(store_guard_open(&g, path, &others[i], &e), TD_E_RANGE);
        cr_expect_null(g);
    }
}

static void sql(const char *text)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* Goal: a row swapped in by hand, which SQLite finds nothing wrong with, is found by the digest. */
Test(guard_file, meddled_with_databases_are_refused)
{
    static const struct {
        const char *text;
        enum td_error want;
    } cases[] = {
        {"INSERT INTO slots VALUES (3, x'00')", TD_E_CORRUPT},
        {"INSERT INTO slots VALUES (16, x'00')", TD_E_CORRUPT},
        {"INSERT INTO slots VALUES (-1, x'00')", TD_E_CORRUPT},
        {"UPDATE slots SET bytes = x'02'", TD_E_CORRUPT},
        {"DELETE FROM slots", TD_E_CORRUPT},
        {"UPDATE seal SET generation = generation - 1", TD_E_CORRUPT},
        {"UPDATE seal SET digest = x'00'", TD_E_CORRUPT},
        {"UPDATE seal SET identity = x'00'", TD_E_CORRUPT},
        {"DELETE FROM seal", TD_E_CORRUPT},
        {"DROP TABLE slots", TD_E_CORRUPT},
        {"DROP TABLE seal", TD_E_CORRUPT},
        {"PRAGMA user_version = 2", TD_E_UNSUPPORTED},
        {"PRAGMA application_id = 1", TD_E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_guard *g;
        struct store_error e;
        struct store_guard_item item = {0, td_bytes_of("\x01", 1)};
        cr_assert_eq(store_guard_create(path, &ME, &item, 1, &e), TD_OK);
        sql(cases[i].text);
        cr_expect_eq(store_guard_open(&g, path, &ME, &e), cases[i].want, "%s: %s", cases[i].text,
                     e.text);
        cr_expect_null(g);
        unlink(path);
    }
}

Test(guard_file, no_file_no_database_and_no_folder_are_told_apart)
{
    struct store_guard *g;
    struct store_error e;
    cr_expect_eq(store_guard_open(&g, path, &ME, &e), TD_E_NOTFOUND);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_expect_eq(store_guard_open(&g, path, &ME, &e), TD_E_CORRUPT, "%s", e.text); /* empty */
    for (unsigned i = 0; i < 1000; i++)
        fputs("not a database ", f);
    fclose(f);
    cr_expect_eq(store_guard_open(&g, path, &ME, &e), TD_E_CORRUPT, "%s", e.text);
    cr_expect_eq(store_guard_create("no-such-folder/guard.db", &ME, NULL, 0, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "No such file"), "%s", e.text);
}
