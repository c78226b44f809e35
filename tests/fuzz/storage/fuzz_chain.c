/* A chain database with any bytes changed: opened, read, scanned, checked and written to, it may
 * say no, but never crashes and never yields a row that does not carry its checksum.
 *
 *     input: offset u24, byte; offset u24, byte; ...    what is changed in the image */
#define _XOPEN_SOURCE 700
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "storage/chain.h"
#include "tests/storage/fault_vfs.h"

#define CHANGES_MAX 64u
#define ROWS 12u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct store_chain_options OPTIONS = {.genesis = {{1, 2, 3}}, .create = true};
static uint8_t image[1u << 20], changed[1u << 20];
static size_t image_len;
static char folder[64], path[80];

static void put_rows(struct store_chain *c)
{
    static uint8_t bytes[6000];
    uint32_t pruned;
    for (uint32_t i = 1; i <= ROWS; i++) {
        struct td_hash h = {{(uint8_t)i}}, root = {{(uint8_t)i, 1}};
        struct td_addr addr = {{(uint8_t)i}};
        memset(bytes, (int)i, sizeof bytes);
        store_chain_put_item(c, i, td_bytes_of(bytes, 50));
        store_chain_put_header(c, &h, 1, i, td_bytes_of(bytes, 200));
        store_chain_put_payload(c, &root, i, td_bytes_of(bytes, 500u * i));
        store_chain_put_block(c, i, &h, &root, td_bytes_of(bytes, 200), td_bytes_of(bytes, 50));
        store_chain_put_executed(c, i, td_bytes_of(bytes, 50), td_bytes_of(bytes, 900));
        store_chain_put_tx(c, &h, i, i);
        store_chain_put_log(c, i, i);
        store_chain_put_cert(c, 0, i, td_bytes_of(bytes, 100));
        store_chain_put_account(c, &addr, td_bytes_of(bytes, 70));
        store_chain_put_slot(c, &addr, &h, &root);
        store_chain_put_code(c, &h, td_bytes_of(bytes, 4500));
        store_chain_put_leaf(c, i, td_bytes_of(bytes, 90));
        store_chain_put_page(c, 1, i, td_bytes_of(bytes, 1000));
    }
    store_chain_prune(c, 3, 1, &pruned);
}

static void clean(void)
{
    char lock[96];
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct store_chain *c;
    struct store_error e;
    const char *tmp = getenv("TMPDIR");
    (void)argc;
    (void)argv;
    snprintf(folder, sizeof folder, "%.40s/fuzz-XXXXXX", tmp == NULL ? P_tmpdir : tmp);
    TD_ASSERT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/c.db", folder);
    enum td_error err = store_chain_open(&c, path, &OPTIONS, &e);
    TD_ASSERT(err == TD_OK);
    err = store_chain_begin(c);
    TD_ASSERT(err == TD_OK);
    put_rows(c);
    err = store_chain_commit(c, &e);
    TD_ASSERT(err == TD_OK);
    store_chain_close(c);
    FILE *f = fopen(path, "rb");
    TD_ASSERT(f != NULL);
    image_len = fread(image, 1, sizeof image, f);
    TD_ASSERT(image_len > 4096 && image_len < sizeof image);
    fclose(f);
    unlink(path);
    fault_vfs_install();
    atexit(clean);
    return 0;
}

static enum td_error each(void *ctx, struct td_bytes key, struct td_bytes value)
{
    unsigned *sum = ctx;
    for (size_t i = 0; i < key.len; i++)
        *sum += key.ptr[i];
    for (size_t i = 0; i < value.len; i++)
        *sum += value.ptr[i];
    return TD_OK;
}

static void read_all(struct store_chain_reader *r)
{
    static uint8_t memory[1u << 20];
    struct store_error e;
    uint64_t final, executed, heights[4];
    unsigned sum = 0;
    bool damaged = store_chain_heights(r, &final, &executed) != TD_OK;
    for (uint32_t i = 1; i <= ROWS; i++) {
        struct td_arena a;
        struct store_chain_block b;
        struct td_bytes got;
        struct td_hash root = {{(uint8_t)i, 1}};
        uint32_t count;
        td_arena_init(&a, memory, sizeof memory);
        enum td_error err = store_chain_block(r, i, &a, &b);
        TD_ASSERT(err != TD_OK || (b.header.len == 200 && b.header.ptr[7] == i));
        err = store_chain_payload(r, &root, &a, &got);
        TD_ASSERT(err != TD_OK || (got.len == 500u * i && got.ptr[got.len - 1u] == i));
        err = store_chain_logs(r, i, 0, UINT64_MAX, heights, 4, &count);
        TD_ASSERT(err != TD_OK || count <= 4);
    }
    for (int t = STORE_CHAIN_HEADERS; t <= STORE_CHAIN_PAGES; t++)
        damaged |= store_chain_scan(r, (enum store_chain_table)t, each, &sum) != TD_OK;
    enum td_error err = store_chain_check(r, NULL, NULL, &e);
    TD_ASSERT(err != TD_OK || !damaged);
    TD_ASSERT((err == TD_OK) == (e.text[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct store_chain_reader *r;
    struct store_chain *c;
    struct store_error e;
    memcpy(changed, image, image_len);
    for (size_t i = 0; i + 4u <= len && i < 4u * CHANGES_MAX; i += 4)
        changed[((size_t)data[i] << 16u | (size_t)data[i + 1] << 8u | data[i + 2]) % image_len] =
            data[i + 3];
    fault_vfs_reset();
    fault_vfs_add(path, changed, image_len);
    if (store_chain_reader_open(&r, path, &OPTIONS.genesis, &e) == TD_OK)
        read_all(r);
    store_chain_reader_close(r);
    if (store_chain_open(&c, path, &OPTIONS, &e) == TD_OK) {
        if (store_chain_begin(c) == TD_OK) {
            put_rows(c);
            store_chain_drop_payloads(c, 6);
            enum td_error err = store_chain_commit(c, &e);
            TD_ASSERT((err == TD_OK) == (e.text[0] == '\0'));
        }
        store_chain_close(c);
    }
    return 0;
}
