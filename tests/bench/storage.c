/* The chain database: how many state rows a second are durable, and how long a small block's commit
 * takes.  A million rows are there before; every commit replaces 2,000 of them, accounts, slots and
 * leaves in equal parts, drawn uniformly, which is the worst for a tree of pages.  synchronous
 * FULL; what checkpoints cost is in it.  Wall time: waiting for the disk is the point.
 *
 *     bench_storage [--quick] [FOLDER]     the database is made in FOLDER (".") and removed */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "storage/chain.h"
#include "tests/bench/timing.h"

#define ROWS_MILLION 1000000u
#define ROWS_QUICK 30000u
#define ROWS_PER_COMMIT 2000u
#define SMALL_COMMITS 600u

struct bench {
    struct store_chain *db;
    char folder[1024], path[1100];
    uint64_t rows, round, height;
    uint64_t draw;
    enum bench_clock clock;
};

/* splitmix64 */
static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void fill(uint8_t *out, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = mix(seed + i);
        memcpy(out + i, &v, len - i < 8 ? len - i : 8u);
    }
}

/* Row `number` of the million, with content of `round`. */
static void put(struct bench *b, uint64_t number, uint64_t round)
{
    struct td_addr addr;
    struct td_hash slot, value;
    uint8_t bytes[72];
    fill(bytes, sizeof bytes, mix(number) ^ round);
    fill(addr.b, sizeof addr.b, number);
    switch (number % 3u) {
    case 0:
        store_chain_put_account(b->db, &addr, td_bytes_of(bytes, sizeof bytes));
        break;
    case 1:
        fill(slot.b, sizeof slot.b, ~number);
        fill(value.b, sizeof value.b, number ^ round << 32u);
        store_chain_put_slot(b->db, &addr, &slot, &value);
        break;
    default:
        store_chain_put_leaf(b->db, (uint32_t)(number / 3u), td_bytes_of(bytes, sizeof bytes));
        break;
    }
}

static void commit(struct bench *b)
{
    struct store_error e;
    enum td_error err = store_chain_commit(b->db, &e);
    if (err != TD_OK)
        fprintf(stderr, "%s\n", e.text);
    TD_ASSERT(err == TD_OK);
}

static void begin(struct bench *b)
{
    enum td_error err = store_chain_begin(b->db);
    TD_ASSERT(err == TD_OK);
}

static void load(struct bench *b)
{
    for (uint64_t i = 0; i < b->rows;) {
        begin(b);
        for (uint64_t end = i + 50000u; i < end && i < b->rows; i++)
            put(b, i, 0);
        commit(b);
    }
}

static uint64_t run_updates(void *ctx, uint64_t rounds)
{
    struct bench *b = ctx;
    uint64_t start_ns = bench_now_ns(b->clock);
    for (; rounds > 0; rounds--) {
        begin(b);
        b->round++;
        for (uint32_t i = 0; i < ROWS_PER_COMMIT; i++)
            put(b, mix(b->draw++) % b->rows, b->round);
        commit(b);
    }
    return bench_now_ns(b->clock) - start_ns;
}

/* A block of a few transactions: header, payload, receipts, certificate, a dozen state rows. */
static void put_small_block(struct bench *b)
{
    static uint8_t bytes[4096];
    struct td_hash hash, root;
    b->height++;
    b->round++;
    fill(bytes, sizeof bytes, b->height);
    fill(hash.b, sizeof hash.b, b->height);
    fill(root.b, sizeof root.b, ~b->height);
    store_chain_put_payload(b->db, &root, b->height, td_bytes_of(bytes, 1000));
    store_chain_put_block(b->db, b->height, &hash, &root, td_bytes_of(bytes, 400),
                          td_bytes_of(bytes, 100));
    store_chain_put_executed(b->db, b->height, td_bytes_of(bytes, 150), td_bytes_of(bytes, 1200));
    store_chain_put_cert(b->db, 0, b->height, td_bytes_of(bytes, 600));
    store_chain_put_item(b->db, 0, td_bytes_of(bytes, 300));
    for (uint32_t i = 0; i < 4; i++) {
        fill(hash.b, sizeof hash.b, b->height * 4u + i);
        store_chain_put_tx(b->db, &hash, b->height, i);
    }
    for (uint32_t i = 0; i < 12; i++)
        put(b, mix(b->draw++) % b->rows, b->round);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void small_blocks(struct bench *b)
{
    static uint64_t took_ns[SMALL_COMMITS];
    for (uint32_t i = 0; i < SMALL_COMMITS; i++) {
        uint64_t start_ns = bench_now_ns(BENCH_WALL);
        begin(b);
        put_small_block(b);
        commit(b);
        took_ns[i] = bench_now_ns(BENCH_WALL) - start_ns;
    }
    qsort(took_ns, SMALL_COMMITS, sizeof took_ns[0], by_value);
    bench_note("a small block, begin to commit, of %u: p50 %.2f ms, p99 %.2f ms, worst %.2f ms",
               SMALL_COMMITS, 1e-6 * (double)took_ns[SMALL_COMMITS / 2u],
               1e-6 * (double)took_ns[SMALL_COMMITS * 99u / 100u],
               1e-6 * (double)took_ns[SMALL_COMMITS - 1u]);
}

static void bench_open(struct bench *b, const char *folder)
{
    struct store_error e;
    const struct store_chain_options options = {.create = true};
    int len = snprintf(b->folder, sizeof b->folder, "%s/bench-XXXXXX", folder);
    TD_ASSERT((size_t)len < sizeof b->folder && mkdtemp(b->folder) != NULL);
    snprintf(b->path, sizeof b->path, "%s/chain.db", b->folder);
    enum td_error err = store_chain_open(&b->db, b->path, &options, &e);
    if (err != TD_OK)
        fprintf(stderr, "%s\n", e.text);
    TD_ASSERT(err == TD_OK);
    b->rows = bench_is_quick() ? ROWS_QUICK : ROWS_MILLION;
}

static void bench_close(struct bench *b)
{
    static const char *const parts[] = {"", ".lock", "-wal", "-shm"};
    char name[1200];
    store_chain_close(b->db);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(name, sizeof name, "%s%s", b->path, parts[i]);
        unlink(name);
    }
    rmdir(b->folder);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *folder = ".";
    struct bench_work updates = {run_updates, &b, ROWS_PER_COMMIT};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            bench_set_quick(true);
        else if (argv[i][0] != '-')
            folder = argv[i];
        else {
            fprintf(stderr, "usage: %s [--quick] [FOLDER]\n", argv[0]);
            return 64;
        }
    }
    b.clock = BENCH_WALL;
    bench_open(&b, folder);
    bench_head();
    bench_group("chain database, synchronous FULL");
    uint64_t start_ns = bench_now_ns(BENCH_WALL);
    load(&b);
    bench_note("%" PRIu64 " state rows written in %.1f s: %.0f MiB on disk", b.rows,
               1e-9 * (double)(bench_now_ns(BENCH_WALL) - start_ns),
               (double)store_chain_bytes(b.db) / 1048576.0);
    bench_time_row("durable state updates, 2,000 a commit", BENCH_PER_S, &updates, 50000.0);
    b.clock = BENCH_CPU;
    bench_time_row("... by the thread's own CPU time", BENCH_PER_S, &updates, 0);
    small_blocks(&b);
    bench_foot();
    bench_close(&b);
    return 0;
}
