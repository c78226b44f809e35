/* storage/chain on a disk that fails: a scripted workload, every operation on the disk failing in
 * turn in every way fault_vfs.h knows.  What was acknowledged is there afterwards, and of the
 * commit that failed all or nothing.  Method: a number over all rows, known for each step of the
 * workload from a run without faults. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/chain_writer.h"
#include "tests/storage/chain_folder.h"
#include "tests/storage/fault_vfs.h"

#define STEPS 5u
#define CHECKPOINT_PAGES 30 /* several in the workload */

static uint8_t image[1u << 20];
static size_t image_len;
static uint64_t digests[STEPS + 2u]; /* after each step */
static uint64_t operations;

/* A row of every kind, and every way to remove some. */
static void step(struct store_chain *c, uint64_t k)
{
    uint32_t pruned;
    chain_put_all(c, k);
    store_chain_put_item(c, 5, k % 2u == 0 ? td_bytes_of(NULL, 0) : bytes_of(1, k, 9000));
    if (k == 3)
        store_chain_drop_headers(c, 1, 2);
    if (k == 4)
        store_chain_drop_payloads(c, 3);
    if (k == 5)
        store_chain_prune(c, 4, 2, &pruned);
}

/* Order does not matter, every row does: damaged ones fail the test. */
static uint64_t digest_now(const char *when)
{
    struct store_chain_reader *r = chain_reader();
    uint64_t sum = 0;
    for (int t = STORE_META; t < STORE_TABLES_END; t++) {
        sqlite3_stmt *q;
        cr_assert_eq(store_sql_select(r->db, &q, (enum store_table)t, ""), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
            struct store_cell cells[STORE_CELLS_MAX];
            cr_assert_eq(store_row_read(q, (enum store_table)t, cells), TD_OK, "%s", when);
            sum += store_row_sum((enum store_table)t, cells);
        }
        cr_assert_eq(sqlite3_finalize(q), SQLITE_OK, "%s", when);
    }
    store_chain_reader_close(r);
    return sum;
}

/* Run the workload from a fresh file; how many steps were acknowledged. */
static uint64_t workload(enum fault_kind kind, uint64_t at, bool normal)
{
    struct store_chain *c;
    struct store_error e;
    const struct store_chain_options options = {.genesis = GENESIS, .normal = normal};
    uint64_t acknowledged = 0;
    fault_vfs_reset();
    fault_vfs_add(chain_path, image, image_len);
    fault_vfs_arm(kind, at);
    if (store_chain_open(&c, chain_path, &options, &e) != TD_OK)
        return 0;
    c->checkpoint_pages = CHECKPOINT_PAGES;
    for (uint64_t k = 1; k <= STEPS; k++) {
        enum td_error err = store_chain_begin(c);
        if (err == TD_OK) {
            step(c, k);
            err = store_chain_commit(c, &e);
        }
        if (err != TD_OK) {
            cr_assert_neq(kind, FAULT_NONE, "%s", e.text);
            cr_assert_neq(store_chain_begin(c), TD_OK, "a failed writer must stay dead");
            cr_assert_neq(store_chain_commit(c, &e), TD_OK);
            cr_assert_neq(e.text[0], '\0');
            break;
        }
        acknowledged = k;
        if (kind == FAULT_NONE)
            digests[k] = digest_now("without faults");
    }
    operations = fault_vfs_operations(); /* what closing does counts for none */
    store_chain_close(c);
    return acknowledged;
}

static void set_up(void)
{
    chain_folder_make();
    store_chain_close(chain_open(true));
    FILE *f = fopen(chain_path, "rb");
    cr_assert_not_null(f);
    image_len = fread(image, 1, sizeof image, f);
    cr_assert(image_len > 0 && image_len < sizeof image);
    fclose(f);
    fault_vfs_install();
    fault_vfs_add(chain_path, image, image_len);
    digests[0] = digest_now("empty");
    cr_assert_eq(workload(FAULT_NONE, 0, false), STEPS);
    digests[STEPS + 1u] = digests[STEPS];
    cr_assert_gt(operations, 100);
}

static void tear_down(void)
{
    fault_vfs_reset();
    chain_folder_remove();
}

TestSuite(chain_fault, .init = set_up, .fini = tear_down);

/* The next life knows at least what was acknowledged and at most one commit more, and goes on.
 * Returns the step it is at. */
static uint64_t expect_recovered(uint64_t least, uint64_t most, const char *when)
{
    struct store_error e;
    struct store_chain *c = chain_open(false);
    struct store_chain_reader *r = chain_reader();
    uint64_t sum = digest_now(when), at = least;
    while (at < most && digests[at] != sum)
        at++;
    cr_assert_eq(digests[at], sum, "%s: not the state after step %llu to %llu", when,
                 (unsigned long long)least, (unsigned long long)most);
    cr_assert_eq(store_chain_check(r, NULL, NULL, &e), TD_OK, "%s: %s", when, e.text);
    store_chain_reader_close(r);
    chain_begin(c);
    chain_put_all(c, STEPS + 1u);
    chain_commit(c);
    store_chain_close(c);
    return at;
}

Test(chain_fault, what_was_acknowledged_is_there_after_power_loss_at_any_operation, .timeout = 300)
{
    static const enum fault_kind kinds[] = {FAULT_STOP, FAULT_TEAR};
    uint64_t all = operations;
    unsigned partly = 0;
    for (size_t i = 0; i < 2; i++)
        for (uint64_t at = 1; at <= all; at++)
            for (uint64_t seed = 0; seed < 2; seed++) {
                char when[80];
                uint64_t known = workload(kinds[i], at, false);
                snprintf(when, sizeof when, "kind %d, operation %llu, seed %llu", (int)kinds[i],
                         (unsigned long long)at, (unsigned long long)seed);
                fault_vfs_power_loss(seed);
                expect_recovered(known, known + 1u, when);
                partly += known < STEPS;
            }
    cr_assert_gt(partly, 100, "the faults hit the workload");
}

Test(chain_fault, what_was_acknowledged_is_there_after_a_kill_or_error_at_any_operation,
     .timeout = 300)
{
    static const enum fault_kind kinds[] = {FAULT_STOP, FAULT_TEAR, FAULT_EIO, FAULT_FULL};
    uint64_t all = operations;
    for (size_t i = 0; i < 4; i++)
        for (uint64_t at = 1; at <= all; at++) {
            char when[80];
            uint64_t known = workload(kinds[i], at, false);
            snprintf(when, sizeof when, "kind %d, operation %llu", (int)kinds[i],
                     (unsigned long long)at);
            fault_vfs_restart();
            expect_recovered(known, known + 1u, when);
        }
}

/* "normal" may lose whole commits, and loses some here, never a part of one. */
Test(chain_fault, normal_loses_only_whole_commits, .timeout = 300)
{
    uint64_t all = operations;
    unsigned lost = 0;
    for (uint64_t at = 1; at <= all; at += 3) {
        char when[80];
        uint64_t known = workload(FAULT_STOP, at, true);
        snprintf(when, sizeof when, "operation %llu", (unsigned long long)at);
        fault_vfs_power_loss(at / 3u % 3u);
        lost += expect_recovered(0, known + 1u, when) < known;
    }
    cr_assert_gt(lost, 0);
}

/* A reader works while the writer is dead: "stop voting, serve reads". */
Test(chain_fault, full_disk_kills_the_writer_and_no_reader)
{
    struct store_chain *c;
    struct store_error e;
    fault_vfs_reset();
    fault_vfs_add(chain_path, image, image_len);
    c = chain_open(false);
    chain_begin(c);
    step(c, 1);
    chain_commit(c);
    fault_vfs_arm(FAULT_FULL, 1);
    chain_begin(c);
    step(c, 2);
    cr_assert_eq(store_chain_commit(c, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "disk is full"), "%s", e.text);
    cr_expect_eq(digest_now("full disk"), digests[1]);
    store_chain_close(c);
}
