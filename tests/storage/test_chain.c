/* storage/chain: what is put comes back, and the rules between rows: newest wins, final is final,
 * what is dropped, what is pruned. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/chain_writer.h"
#include "tests/storage/chain_folder.h"

TestSuite(chain, .init = chain_folder_make, .fini = chain_folder_remove);

static void expect_bytes(enum td_error err, struct td_bytes got, struct td_bytes want,
                         const char *what)
{
    cr_assert_eq(err, TD_OK, "%s: %s", what, td_error_text(err));
    cr_assert(td_bytes_eq(got, want), "%s", what);
}

/* Everything chain_put_all put. */
static void expect_all(struct store_chain_reader *r, uint64_t height)
{
    struct td_hash block = hash_of(1, height), root = hash_of(2, height), tx = hash_of(6, height),
                   header = hash_of(7, height);
    struct td_arena *a = arena_of_test();
    struct td_bytes got;
    struct store_chain_block b;
    uint64_t number = 0;
    uint32_t index = 0, count = 0;
    enum td_error err = store_chain_item(r, (uint32_t)(height % STORE_CHAIN_ITEMS), a, &got);
    expect_bytes(err, got, bytes_of(0, height, 40), "item");
    err = store_chain_header(r, &header, a, &got);
    expect_bytes(err, got, bytes_of(1, height, 300), "header");
    err = store_chain_payload(r, &root, a, &got);
    expect_bytes(err, got, bytes_of(2, height, 5000), "payload");
    cr_assert_eq(store_chain_block(r, height, a, &b), TD_OK);
    cr_assert(b.executed && b.height == height && td_hash_eq(&b.hash, &block) &&
              td_hash_eq(&b.payload_root, &root));
    expect_bytes(TD_OK, b.header, bytes_of(3, height, 300), "block's header");
    expect_bytes(TD_OK, b.state, bytes_of(4, height, 90), "block's state");
    expect_bytes(TD_OK, b.record, bytes_of(5, height, 120), "record");
    cr_assert_eq(store_chain_block_height(r, &block, &number), TD_OK);
    cr_assert_eq(number, height);
    err = store_chain_receipts(r, height, a, &got);
    expect_bytes(err, got, bytes_of(6, height, 2500), "receipts");
    cr_assert_eq(store_chain_tx(r, &tx, &number, &index), TD_OK);
    cr_assert(number == height && index == height);
    cr_assert_eq(store_chain_logs(r, height * 3u, 0, UINT64_MAX, &number, 1, &count), TD_OK);
    cr_assert(count == 1 && number == height);
    err = store_chain_cert(r, 1, height, a, &got);
    expect_bytes(err, got, bytes_of(0, height, 200), "certificate");
}

struct seen {
    uint64_t count, from;
    uint8_t last[52];
    enum store_chain_table table;
};

/* Rows of heights from, from + 1, ... in any order of key; keys must ascend. */
static enum td_error see(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct seen *s = ctx;
    static const size_t lens[] = {32, 20, 52, 32, 4, 8};
    cr_assert_eq(key.len, lens[s->table]);
    if (s->count > 0 && s->table != STORE_CHAIN_HEADERS)
        cr_assert_lt(memcmp(s->last, key.ptr, key.len), 0, "keys ascend");
    memcpy(s->last, key.ptr, key.len);
    cr_assert_gt(value.len, 0);
    s->count++;
    return TD_OK;
}

static uint64_t rows_of(struct store_chain_reader *r, enum store_chain_table table)
{
    struct seen s = {.table = table};
    cr_assert_eq(store_chain_scan(r, table, see, &s), TD_OK);
    return s.count;
}

Test(chain, every_kind_of_row_comes_back_also_after_reopening)
{
    struct store_chain *c = chain_open(true);
    for (unsigned life = 0; life < 2; life++) {
        struct store_chain_reader *r;
        uint64_t final = 0, executed = 0;
        if (life == 0)
            for (uint64_t h = 1; h <= 20; h++) {
                chain_begin(c);
                chain_put_all(c, h);
                chain_commit(c);
            }
        r = chain_reader();
        for (uint64_t h = 1; h <= 20; h++)
            expect_all(r, h);
        for (int t = STORE_CHAIN_HEADERS; t <= STORE_CHAIN_PAGES; t++)
            cr_assert_eq(rows_of(r, (enum store_chain_table)t), 20);
        cr_assert_eq(store_chain_heights(r, &final, &executed), TD_OK);
        cr_assert(final == 20 && executed == 20);
        cr_assert_gt(store_chain_bytes(c), 100000);
        store_chain_reader_close(r);
        store_chain_close(c);
        c = chain_open(false);
    }
    store_chain_close(c);
}

Test(chain, newest_put_wins_and_empty_removes_an_item)
{
    struct store_chain *c = chain_open(true);
    struct td_hash tx = hash_of(6, 1);
    struct td_arena *a = arena_of_test();
    struct td_bytes got;
    uint64_t height;
    uint32_t index;
    for (uint64_t k = 1; k <= 3; k++) {
        chain_begin(c);
        store_chain_put_item(c, 4, k < 3 ? bytes_of(0, k, 10 * k) : td_bytes_of(NULL, 0));
        store_chain_put_item(c, 63, bytes_of(0, k, 10 * k));
        store_chain_put_tx(c, &tx, 10 - k, (uint32_t)k);
        store_chain_put_cert(c, UINT32_MAX, INT64_MAX, bytes_of(1, k, 20 * k));
        chain_commit(c);
    }
    struct store_chain_reader *r = chain_reader();
    cr_expect_eq(store_chain_item(r, 4, a, &got), TD_E_NOTFOUND);
    expect_bytes(store_chain_item(r, 63, a, &got), got, bytes_of(0, 3, 30), "item");
    cr_assert_eq(store_chain_tx(r, &tx, &height, &index), TD_OK);
    cr_expect(height == 7 && index == 3);
    enum td_error err = store_chain_cert(r, UINT32_MAX, INT64_MAX, a, &got);
    expect_bytes(err, got, bytes_of(1, 3, 60), "certificate");
    store_chain_reader_close(r);
    store_chain_close(c);
}

Test(chain, another_block_at_a_final_height_kills_the_writer)
{
    struct store_chain *c = chain_open(true);
    struct store_error e;
    struct td_hash hash = hash_of(1, 1), other = hash_of(1, 2), root = hash_of(2, 1);
    chain_begin(c);
    store_chain_put_block(c, 5, &hash, &root, bytes_of(0, 1, 10), bytes_of(1, 1, 10));
    store_chain_put_block(c, 5, &hash, &root, bytes_of(0, 1, 10), bytes_of(1, 1, 10));
    chain_commit(c);
    chain_begin(c);
    store_chain_put_item(c, 1, bytes_of(0, 1, 10));
    store_chain_put_block(c, 5, &other, &root, bytes_of(0, 2, 10), bytes_of(1, 1, 10));
    store_chain_put_item(c, 2, bytes_of(0, 1, 10));
    cr_expect_eq(store_chain_commit(c, &e), TD_E_CORRUPT);
    cr_expect_not_null(strstr(e.text, "final"), "%s", e.text);
    cr_expect_eq(store_chain_begin(c), TD_E_CORRUPT, "dead");
    struct store_chain_reader *r = chain_reader();
    struct td_bytes got;
    cr_expect_eq(store_chain_item(r, 1, arena_of_test(), &got), TD_E_NOTFOUND, "rolled back");
    store_chain_reader_close(r);
    store_chain_close(c);
    c = chain_open(false);
    chain_begin(c);
    store_chain_put_block(c, 6, &hash, &root, bytes_of(0, 1, 10), bytes_of(1, 1, 10));
    cr_expect_eq(store_chain_commit(c, &e), TD_E_CORRUPT, "the same block at two heights");
    store_chain_close(c);
}

Test(chain, rows_too_large_and_heights_too_great_are_refused_without_harm)
{
    struct store_error e;
    struct td_hash tx = hash_of(6, 1);
    uint8_t *large = calloc(1, STORE_CHAIN_BYTES_MAX + 1u);
    cr_assert_not_null(large);
    struct store_chain *c = chain_open(true);
    chain_begin(c);
    store_chain_put_item(c, 0, td_bytes_of(large, STORE_CHAIN_BYTES_MAX));
    chain_commit(c);
    chain_begin(c);
    store_chain_put_item(c, 1, td_bytes_of(large, STORE_CHAIN_BYTES_MAX + 1u));
    cr_expect_eq(store_chain_commit(c, &e), TD_E_LIMIT);
    store_chain_close(c);
    c = chain_open(false);
    chain_begin(c);
    store_chain_put_tx(c, &tx, UINT64_C(1) << 63, 0);
    cr_expect_eq(store_chain_commit(c, &e), TD_E_RANGE);
    store_chain_close(c);
    struct store_chain_reader *r;
    c = chain_open(false);
    r = chain_reader();
    struct td_bytes got;
    uint64_t n;
    uint32_t count;
    cr_expect_eq(store_chain_item(r, 0, arena_of_test(), &got), TD_E_NOSPACE);
    cr_expect_eq(store_chain_item(r, 1, arena_of_test(), &got), TD_E_NOTFOUND);
    cr_expect_eq(store_chain_receipts(r, UINT64_MAX, arena_of_test(), &got), TD_E_NOTFOUND);
    cr_expect_eq(store_chain_cert_last(r, 0, UINT64_MAX, &n), TD_E_NOTFOUND);
    cr_expect_eq(store_chain_logs(r, 1, UINT64_MAX, UINT64_MAX, &n, 1, &count), TD_OK);
    cr_expect_eq(count, 0);
    store_chain_reader_close(r);
    store_chain_close(c);
    free(large);
}

Test(chain, headers_are_kept_in_order_and_dropped_up_to_a_round)
{
    static const uint64_t rounds[][2] = {{1, 5}, {1, UINT64_MAX}, {2, 0}, {UINT64_MAX, 1}};
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    struct td_bytes got;
    chain_begin(c);
    for (uint64_t i = 4; i-- > 0;) {
        struct td_hash h = hash_of(7, i);
        store_chain_put_header(c, &h, rounds[i][0], rounds[i][1], bytes_of(0, i, 30));
        store_chain_put_header(c, &h, rounds[i][0], rounds[i][1], bytes_of(0, i, 30));
    }
    chain_commit(c);
    cr_expect_eq(rows_of(r, STORE_CHAIN_HEADERS), 4);
    chain_begin(c);
    store_chain_drop_headers(c, 1, UINT64_MAX);
    chain_commit(c);
    for (uint64_t i = 0; i < 4; i++) {
        struct td_hash h = hash_of(7, i);
        cr_expect_eq(store_chain_header(r, &h, arena_of_test(), &got),
                     i < 2 ? TD_E_NOTFOUND : TD_OK);
    }
    chain_begin(c);
    store_chain_drop_headers(c, UINT64_MAX, UINT64_MAX);
    chain_commit(c);
    cr_expect_eq(rows_of(r, STORE_CHAIN_HEADERS), 0);
    store_chain_reader_close(r);
    store_chain_close(c);
}

static bool has_payload(struct store_chain_reader *r, uint64_t number)
{
    struct td_hash root = hash_of(2, number);
    struct td_bytes got;
    enum td_error err = store_chain_payload(r, &root, arena_of_test(), &got);
    cr_assert(err == TD_OK || err == TD_E_NOTFOUND);
    return err == TD_OK;
}

static void put_payload(struct store_chain *c, uint64_t number, uint64_t height)
{
    struct td_hash root = hash_of(2, number);
    store_chain_put_payload(c, &root, height, bytes_of(2, number, 100));
}

static void put_block(struct store_chain *c, uint64_t height, uint64_t payload)
{
    struct td_hash hash = hash_of(1, height), root = hash_of(2, payload);
    store_chain_put_block(c, height, &hash, &root, bytes_of(3, height, 100), bytes_of(4, 1, 9));
}

Test(chain, payloads_that_no_final_block_names_are_dropped)
{
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    chain_begin(c);
    put_payload(c, 1, 1); /* named before */
    put_block(c, 1, 1);
    put_block(c, 2, 2); /* named after */
    put_payload(c, 2, 2);
    put_payload(c, 3, 2); /* by nobody */
    put_payload(c, 4, 2); /* by nobody, seen again later */
    put_payload(c, 4, 9);
    put_payload(c, 4, 3);
    put_payload(c, 5, 9); /* later */
    store_chain_drop_payloads(c, 5);
    chain_commit(c);
    cr_expect(has_payload(r, 1) && has_payload(r, 2) && !has_payload(r, 3));
    cr_expect(has_payload(r, 4) && has_payload(r, 5));
    chain_begin(c);
    store_chain_drop_payloads(c, UINT64_MAX);
    chain_commit(c);
    cr_expect(has_payload(r, 1) && has_payload(r, 2) && !has_payload(r, 4) && !has_payload(r, 5));
    store_chain_reader_close(r);
    store_chain_close(c);
}

Test(chain, pruning_keeps_headers_and_certificates_and_shared_payloads)
{
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    struct store_chain_block b;
    struct td_bytes got;
    struct td_hash tx = hash_of(6, 2);
    uint64_t n;
    uint32_t pruned, index, count;
    chain_begin(c);
    for (uint64_t h = 1; h <= 10; h++)
        chain_put_all(c, h);
    put_payload(c, 100, 11); /* of blocks 11 and 13 */
    put_block(c, 11, 100);
    put_block(c, 12, 12);
    put_block(c, 13, 100);
    store_chain_drop_payloads(c, 20);
    store_chain_prune(c, 6, 3, &pruned);
    cr_expect_eq(pruned, 3);
    store_chain_prune(c, 6, 3, &pruned);
    cr_expect_eq(pruned, 2);
    store_chain_prune(c, 6, 3, &pruned);
    cr_expect_eq(pruned, 0);
    chain_commit(c);
    for (uint64_t h = 1; h <= 5; h++) {
        cr_expect_eq(store_chain_receipts(r, h, arena_of_test(), &got), TD_E_NOTFOUND);
        cr_expect_not(has_payload(r, h));
        cr_expect_eq(store_chain_logs(r, h * 3u, 0, 99, &n, 1, &count), TD_OK);
        cr_expect_eq(count, 0);
        cr_assert_eq(store_chain_block(r, h, arena_of_test(), &b), TD_OK);
        cr_expect(b.executed && b.header.len == 300 && b.record.len == 120);
        cr_expect_eq(store_chain_cert(r, 1, h, arena_of_test(), &got), TD_OK);
    }
    cr_expect_eq(store_chain_tx(r, &tx, &n, &index), TD_E_NOTFOUND);
    for (uint64_t h = 6; h <= 10; h++)
        expect_all(r, h);
    chain_begin(c);
    store_chain_prune(c, 12, 100, &pruned);
    cr_expect_eq(pruned, 6);
    chain_commit(c);
    cr_expect(has_payload(r, 100), "block 13 names it");
    chain_begin(c);
    store_chain_prune(c, UINT64_MAX, 100, &pruned);
    cr_expect_eq(pruned, 2);
    chain_commit(c);
    cr_expect_not(has_payload(r, 100));
    store_chain_reader_close(r);
    store_chain_close(c);
}

Test(chain, logs_and_certificates_by_range)
{
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    uint64_t heights[8], n;
    uint32_t count;
    chain_begin(c);
    for (uint64_t h = 1; h <= 20; h++) {
        store_chain_put_log(c, h % 2u == 0 ? UINT64_MAX : 7, h);
        store_chain_put_log(c, 7, h);
        store_chain_put_cert(c, 2, h * 10u, bytes_of(0, h, 5));
    }
    chain_commit(c);
    cr_assert_eq(store_chain_logs(r, UINT64_MAX, 3, 9, heights, 8, &count), TD_OK);
    cr_assert(count == 3 && heights[0] == 4 && heights[1] == 6 && heights[2] == 8);
    cr_assert_eq(store_chain_logs(r, 7, 5, UINT64_MAX, heights, 4, &count), TD_OK);
    cr_assert(count == 4 && heights[3] == 8, "the first that fit");
    cr_assert_eq(store_chain_logs(r, 7, 9, 8, heights, 4, &count), TD_OK);
    cr_expect_eq(count, 0);
    cr_assert(store_chain_cert_last(r, 2, 99, &n) == TD_OK && n == 90);
    cr_assert(store_chain_cert_last(r, 2, UINT64_MAX, &n) == TD_OK && n == 200);
    cr_expect_eq(store_chain_cert_last(r, 2, 9, &n), TD_E_NOTFOUND);
    cr_expect_eq(store_chain_cert_last(r, 1, 99, &n), TD_E_NOTFOUND);
    store_chain_reader_close(r);
    store_chain_close(c);
}

Test(chain, reader_sees_one_state_between_begin_and_end_and_whole_commits_after)
{
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    uint64_t final, executed;
    cr_assert_eq(store_chain_read_begin(r), TD_OK);
    chain_begin(c);
    chain_put_all(c, 1);
    cr_assert_eq(store_chain_heights(r, &final, &executed), TD_OK);
    cr_expect_eq(final, 0);
    chain_commit(c);
    cr_assert_eq(store_chain_heights(r, &final, &executed), TD_OK);
    cr_expect_eq(final, 0, "the state at read_begin");
    store_chain_read_end(r);
    cr_assert_eq(store_chain_heights(r, &final, &executed), TD_OK);
    cr_expect(final == 1 && executed == 1);
    store_chain_reader_close(r);
    store_chain_close(c);
}

Test(chain, uncommitted_rows_are_gone_after_close)
{
    struct store_chain *c = chain_open(true);
    struct td_bytes got;
    chain_begin(c);
    store_chain_put_item(c, 1, bytes_of(0, 1, 10));
    store_chain_close(c);
    c = chain_open(false);
    struct store_chain_reader *r = chain_reader();
    cr_expect_eq(store_chain_item(r, 1, arena_of_test(), &got), TD_E_NOTFOUND);
    store_chain_reader_close(r);
    store_chain_close(c);
}

static enum td_error stop_at_three(void *ctx, struct td_bytes key, struct td_bytes value)
{
    unsigned *seen = ctx;
    cr_assert(key.len == 4 && key.ptr[3] == *seen + 1u && value.len == 80);
    return ++*seen == 3 ? TD_E_LIMIT : TD_OK;
}

Test(chain, scan_ends_when_told_to)
{
    struct store_chain *c = chain_open(true);
    struct store_chain_reader *r = chain_reader();
    unsigned seen = 0;
    chain_begin(c);
    for (uint64_t h = 1; h <= 9; h++)
        chain_put_all(c, h);
    chain_commit(c);
    cr_expect_eq(store_chain_scan(r, STORE_CHAIN_LEAVES, stop_at_three, &seen), TD_E_LIMIT);
    cr_expect_eq(seen, 3);
    store_chain_reader_close(r);
    store_chain_close(c);
}

/* ---- threads: a reader beside the writer, which checkpoints all the time */

#define BUSY_BLOCKS 150u

struct watcher {
    atomic_bool stop;
    uint64_t reads, problems, last;
};

static void *watch(void *arg)
{
    struct watcher *w = arg;
    struct store_chain_reader *r;
    struct store_error e;
    static uint8_t memory[1u << 16];
    if (store_chain_reader_open(&r, chain_path, &GENESIS, &e) != TD_OK) {
        w->problems++;
        return NULL;
    }
    do {
        struct td_arena a;
        struct store_chain_block b;
        uint64_t final, executed;
        td_arena_init(&a, memory, sizeof memory);
        bool good = store_chain_heights(r, &final, &executed) == TD_OK && final == executed &&
                    final >= w->last &&
                    (final == 0 || (store_chain_block(r, final, &a, &b) == TD_OK && b.executed));
        w->problems += good ? 0 : 1;
        w->last = final;
        w->reads++;
    } while (!atomic_load(&w->stop));
    store_chain_reader_close(r);
    return NULL;
}

Test(chain, reader_never_waits_nor_sees_half_a_commit, .timeout = 60)
{
    struct watcher w[2] = {{.reads = 0}};
    pthread_t threads[2];
    struct store_chain *c = chain_open(true);
    c->checkpoint_pages = 20;
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, watch, &w[i]), 0);
    for (uint64_t h = 1; h <= BUSY_BLOCKS; h++) {
        chain_begin(c);
        chain_put_all(c, h);
        chain_commit(c);
    }
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&w[i].stop, true);
        pthread_join(threads[i], NULL);
        cr_expect_eq(w[i].problems, 0);
        cr_expect_gt(w[i].reads, 0);
    }
    store_chain_close(c);
}
