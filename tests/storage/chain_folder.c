#define _POSIX_C_SOURCE 200809L
#include "tests/storage/chain_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct td_hash GENESIS = {{7, 7, 7, 1}};
char chain_folder[64], chain_path[96];

void chain_folder_make(void)
{
    snprintf(chain_folder, sizeof chain_folder, "chain-XXXXXX");
    cr_assert_not_null(mkdtemp(chain_folder));
    snprintf(chain_path, sizeof chain_path, "%s/chain.db", chain_folder);
}

const char *chain_folder_file(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", chain_folder, name);
    return path;
}

void chain_folder_remove(void)
{
    DIR *d = opendir(chain_folder);
    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove(chain_folder_file(e->d_name));
    closedir(d);
    cr_expect_eq(rmdir(chain_folder), 0);
}

struct td_hash hash_of(uint32_t kind, uint64_t number)
{
    struct td_hash h;
    for (unsigned i = 0; i < TD_HASH_BYTES; i++)
        h.b[i] = (uint8_t)(kind * 31u + i);
    for (unsigned i = 0; i < 8; i++)
        h.b[i] = (uint8_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> (8u * i));
    return h;
}

struct td_addr addr_of(uint64_t number)
{
    struct td_hash h = hash_of(99, number);
    struct td_addr a;
    memcpy(a.b, h.b, TD_ADDR_BYTES);
    return a;
}

struct td_bytes bytes_of(uint32_t kind, uint64_t number, size_t len)
{
    static uint8_t memory[8][1u << 16];
    uint8_t *at = memory[kind % 8u];
    cr_assert(len <= sizeof memory[0]);
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(kind * 17u + number * 5u + i * 3u + (i >> 8u));
    return td_bytes_of(at, len);
}

struct store_chain *chain_open(bool create)
{
    struct store_chain *c;
    struct store_error e;
    const struct store_chain_options options = {.genesis = GENESIS, .create = create};
    cr_assert_eq(store_chain_open(&c, chain_path, &options, &e), TD_OK, "%s", e.text);
    return c;
}

struct store_chain_reader *chain_reader(void)
{
    struct store_chain_reader *r;
    struct store_error e;
    cr_assert_eq(store_chain_reader_open(&r, chain_path, &GENESIS, &e), TD_OK, "%s", e.text);
    return r;
}

void chain_begin(struct store_chain *c)
{
    cr_assert_eq(store_chain_begin(c), TD_OK);
}

void chain_commit(struct store_chain *c)
{
    struct store_error e;
    cr_assert_eq(store_chain_commit(c, &e), TD_OK, "%s", e.text);
}

void chain_put_all(struct store_chain *c, uint64_t height)
{
    struct td_hash block = hash_of(1, height), root = hash_of(2, height), slot = hash_of(3, height),
                   value = hash_of(4, height), code = hash_of(5, height), tx = hash_of(6, height),
                   header = hash_of(7, height);
    struct td_addr addr = addr_of(height);
    store_chain_put_item(c, (uint32_t)(height % STORE_CHAIN_ITEMS), bytes_of(0, height, 40));
    store_chain_put_header(c, &header, 1, height, bytes_of(1, height, 300));
    store_chain_put_payload(c, &root, height, bytes_of(2, height, 5000));
    store_chain_put_block(c, height, &block, &root, bytes_of(3, height, 300),
                          bytes_of(4, height, 90));
    store_chain_put_executed(c, height, bytes_of(5, height, 120), bytes_of(6, height, 2500));
    store_chain_put_tx(c, &tx, height, (uint32_t)height);
    store_chain_put_log(c, height * 3u, height);
    store_chain_put_cert(c, 1, height, bytes_of(0, height, 200));
    store_chain_put_account(c, &addr, bytes_of(1, height, 70));
    store_chain_put_slot(c, &addr, &slot, &value);
    store_chain_put_code(c, &code, bytes_of(2, height, 4000));
    store_chain_put_leaf(c, (uint32_t)height, bytes_of(3, height, 80));
    store_chain_put_page(c, 2, (uint32_t)height, bytes_of(4, height, 2048));
}

struct td_arena *arena_of_test(void)
{
    static uint8_t memory[1u << 20];
    static struct td_arena arena;
    td_arena_init(&arena, memory, sizeof memory);
    return &arena;
}
