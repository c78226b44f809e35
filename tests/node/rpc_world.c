#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#include "tests/node/rpc_world.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t RPC_CONTRACT[] = {
    0x60, 0xcb, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, 0xcb, 0x60, 0x00, 0xf3, 0x36, 0x60, 0x13, 0x57,
    0x60, 0x05, 0x60, 0x01, 0x55, 0x60, 0x08, 0x60, 0x09, 0x60, 0x00, 0x60, 0x00, 0xa2, 0x00, 0x5b,
    0x60, 0x00, 0x35, 0x60, 0xf8, 0x1c, 0x80, 0x60, 0x01, 0x14, 0x60, 0x4c, 0x57, 0x80, 0x60, 0x02,
    0x14, 0x60, 0x58, 0x57, 0x80, 0x60, 0x03, 0x14, 0x60, 0x80, 0x57, 0x80, 0x60, 0x04, 0x14, 0x60,
    0x8f, 0x57, 0x80, 0x60, 0x05, 0x14, 0x60, 0x91, 0x57, 0x80, 0x60, 0x06, 0x14, 0x60, 0xa7, 0x57,
    0x80, 0x60, 0x07, 0x14, 0x60, 0xab, 0x57, 0x00, 0x5b, 0x60, 0x01, 0x54, 0x60, 0x00, 0x52, 0x60,
    0x20, 0x60, 0x00, 0xf3, 0x5b, 0x63, 0x08, 0xc3, 0x79, 0xa0, 0x60, 0xe0, 0x1b, 0x60, 0x00, 0x52,
    0x60, 0x20, 0x60, 0x04, 0x52, 0x60, 0x06, 0x60, 0x24, 0x52, 0x65, 0x6e, 0x6f, 0x20, 0x79, 0x61,
    0xff, 0x60, 0xd0, 0x1b, 0x60, 0x44, 0x52, 0x60, 0x64, 0x60, 0x00, 0xfd, 0x5b, 0x60, 0x2a, 0x60,
    0x00, 0x52, 0x60, 0x01, 0x35, 0x60, 0x20, 0x60, 0x00, 0xa1, 0x00, 0x5b, 0xfe, 0x5b, 0x63, 0x4e,
    0x48, 0x7b, 0x71, 0x60, 0xe0, 0x1b, 0x60, 0x00, 0x52, 0x60, 0x11, 0x60, 0x04, 0x52, 0x60, 0x24,
    0x60, 0x00, 0xfd, 0x5b, 0x60, 0xa7, 0x56, 0x5b, 0x43, 0x60, 0x00, 0x52, 0x42, 0x60, 0x20, 0x52,
    0x48, 0x60, 0x40, 0x52, 0x41, 0x60, 0x60, 0x52, 0x60, 0x01, 0x40, 0x60, 0x80, 0x52, 0x33, 0x60,
    0xa0, 0x52, 0x60, 0xc0, 0x60, 0x00, 0xf3};
const size_t RPC_CONTRACT_BYTES = sizeof RPC_CONTRACT;

/* ---- the node's side */

static struct node_rpc_heads get_heads(void *self)
{
    return ((const struct rpc_world *)self)->heads;
}

static struct node_mempool *get_pool(void *self)
{
    return ((const struct rpc_world *)self)->pool;
}

static enum node_mempool_verdict submit(void *self, const struct exec_tx *tx, struct td_bytes raw)
{
    struct rpc_world *w = self;
    enum node_mempool_verdict v = node_mempool_add(w->pool, tx, raw, w->clock.mono_ns);
    if (v == NODE_MEMPOOL_OK)
        node_rpc_pending(w->rpc, &tx->hash);
    return v;
}

static void get_status(void *self, struct node_rpc_status *out)
{
    const struct rpc_world *w = self;
    *out = (struct node_rpc_status){.view = {.mode = BFT_MODE_ACTIVE,
                                             .epoch = 0,
                                             .round = 12,
                                             .leader = 1,
                                             .signer = BFT_NO_SIGNER,
                                             .final_height = w->heads.latest},
                                    .highest_known = 99,
                                    .head_age_ms = 7,
                                    .peers = {.in = 2, .out = 1},
                                    .syncing = w->syncing,
                                    .name = "n0"};
}

static uint32_t get_validators(void *self, struct node_rpc_validator *out, uint32_t cap)
{
    const struct rpc_world *w = self;
    uint32_t count = w->bed.genesis->set.count;
    for (uint32_t i = 0; i < count && i < cap; i++)
        out[i] = (struct node_rpc_validator){.addr = w->bed.genesis->set.v[i].addr,
                                             .stake = w->bed.genesis->set.v[i].stake,
                                             .online = i != 1,
                                             .self = i == 0};
    return count;
}

static void get_account(void *self, const struct td_addr *addr, uint64_t *nonce,
                        struct exec_u256 *balance)
{
    struct rpc_world *w = self;
    struct exec_account a;
    node_chain_lock(w->bed.chain);
    node_chain_account(w->bed.chain, addr, &a);
    node_chain_unlock(w->bed.chain);
    *nonce = a.nonce;
    *balance = a.balance;
}

/* ---- life: the database is a file of the bed's name in a folder of its own */

static char folder[64];

static void enter_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rpc-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *ftw)
{
    (void)about, (void)flag, (void)ftw;
    return remove(path);
}

static void leave_folder(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void open_node(struct rpc_world *w)
{
    const struct node_genesis *g = w->bed.genesis;
    const struct node_mempool_options options = {.max_txs = 1000,
                                                 .per_account = 16,
                                                 .max_bytes = 8u << 20,
                                                 .chain_id = g->chain_id,
                                                 .block_gas = g->params.gas_limit,
                                                 .tx_native_max = g->params.prices.tx_native_max,
                                                 .base_fee_min = g->params.base_fee_min,
                                                 .accounts_self = w,
                                                 .account = get_account};
    w->pool = node_mempool_new(&options);
    cr_assert_not_null(w->pool);
    w->clock.wall_ms = g->timestamp_ms + 60000u;
    w->backend = (struct node_rpc_backend){.self = w,
                                           .genesis = g,
                                           .chain = w->bed.chain,
                                           .database = "memory",
                                           .secp = w->bed.wallet.secp,
                                           .clock = td_clock_of_virtual(&w->clock),
                                           .heads = get_heads,
                                           .mempool = get_pool,
                                           .submit = submit,
                                           .status = get_status,
                                           .validators = get_validators};
}

void rpc_world_open(struct rpc_world *w, struct event_base *base)
{
    static const char *const ALL[] = {"eth", "net", "web3", "tandem", "txpool"};
    char why[160];
    memset(w, 0, sizeof *w);
    enter_folder();
    bed_init(&w->bed, 4096);
    cr_assert_not_null(w->bed.chain, "%s", w->bed.error.text);
    open_node(w);
    w->own_base = base == NULL;
    w->base = base == NULL ? event_base_new() : base;
    cr_assert_not_null(w->base);
    const struct node_rpc_options options = {.backend = &w->backend,
                                             .base = w->base,
                                             .threads = 2,
                                             .namespaces = ALL,
                                             .namespace_count = 5};
    cr_assert_eq(node_rpc_new(&w->rpc, &options, why), TD_OK, "%s", why);
    w->port.rpc = w->rpc;
}

void rpc_world_close(struct rpc_world *w)
{
    node_rpc_free(w->rpc);
    if (w->own_base)
        event_base_free(w->base);
    node_mempool_free(w->pool);
    bed_free(&w->bed);
    leave_folder();
}

void rpc_world_block(struct rpc_world *w)
{
    struct node_executed e;
    bed_block(&w->bed, false);
    enum td_error err = bed_execute(&w->bed, &e);
    cr_assert_eq(err, TD_OK, "%s", node_chain_why(w->bed.chain));
    bed_commit(&w->bed, &e);
    node_mempool_settle(w->pool, &w->bed.hash, e.hashes, e.hash_count, e.senders, e.sender_count,
                        w->clock.mono_ns);
    w->heads.latest = e.height;
    node_executed_free(&e);
    node_rpc_block(w->rpc, w->heads.latest);
}
