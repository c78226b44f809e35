/* The disk that fails on demand, under a real file. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "storage/fault.h"

static char dir[] = "/tmp/store-fault-XXXXXX", path[64];
static sqlite3 *db;

static int run(const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void open_disk(void)
{
    cr_assert_not_null(mkdtemp(dir));
    cr_assert(store_fault_install());
    cr_assert(store_fault_install(), "twice is once");
    snprintf(path, sizeof path, "%s/db", dir);
    cr_assert_eq(sqlite3_open_v2(path, &db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE,
                                 NULL),
                 SQLITE_OK);
    cr_assert_eq(run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "CREATE TABLE t(x); INSERT INTO t VALUES (1)"),
                 SQLITE_OK);
}

static void close_disk(void)
{
    char file[80];
    store_fault_disk_set(STORE_FAULT_NONE);
    sqlite3_close(db);
    for (size_t i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s%s", path, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
        unlink(file);
    }
    rmdir(dir);
}

TestSuite(store_fault, .init = open_disk, .fini = close_disk);

Test(store_fault, full_refuses_to_write_and_reads)
{
    store_fault_disk_set(STORE_FAULT_FULL);
    cr_expect_eq(run("INSERT INTO t VALUES (2)"), SQLITE_FULL);
    cr_expect_eq(run("SELECT * FROM t"), SQLITE_OK);
    store_fault_disk_set(STORE_FAULT_NONE);
    cr_expect_eq(run("INSERT INTO t VALUES (3)"), SQLITE_OK);
}

Test(store_fault, eio_fails_the_sync)
{
    store_fault_disk_set(STORE_FAULT_EIO);
    cr_expect_eq(run("INSERT INTO t VALUES (2)"), SQLITE_IOERR_FSYNC);
    cr_expect_eq(run("SELECT * FROM t"), SQLITE_OK);
}

Test(store_fault, slow_takes_two_seconds_a_sync)
{
    struct timespec before, after;
    store_fault_disk_set(STORE_FAULT_SLOW);
    clock_gettime(CLOCK_MONOTONIC, &before);
    cr_expect_eq(run("INSERT INTO t VALUES (2)"), SQLITE_OK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    cr_expect_geq(after.tv_sec - before.tv_sec, 1);
}

Test(store_fault, words)
{
    cr_expect_eq(store_fault_disk_parse("full"), STORE_FAULT_FULL);
    cr_expect_eq(store_fault_disk_parse("eio"), STORE_FAULT_EIO);
    cr_expect_eq(store_fault_disk_parse("slow"), STORE_FAULT_SLOW);
    cr_expect_eq(store_fault_disk_parse("none"), STORE_FAULT_NONE);
    cr_expect_eq(store_fault_disk_parse(""), STORE_FAULT_NONE);
}
