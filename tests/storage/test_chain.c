/* storage/chain: what is put comes back, and the rules between rows: newest wins, final is final,
 * what is dropped, what is pruned. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
