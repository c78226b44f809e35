/* Any bytes as a request to JSON-RPC over a chain of two blocks: the answer is JSON, or nothing for
 * notifications.  The first byte decides: the text of a request, or of a method's arguments. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <event2/event.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "tests/node/chain_bed.h"
#include "tests/node/rpc_inline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct bed bed;
static struct node_mempool *pool;
static struct node_rpc *rpc;
static struct rpc_inline *asker;
static struct node_rpc_method_stats methods[128];
static uint32_t method_count;
static struct node_rpc_heads heads;
static struct td_clock_virtual clock_now;

uint64_t node_http_conn(const struct node_http_request *q)
{
    (void)q;
    return 1;
}

void node_http_reply(struct node_http_request *q, int status, const char *type,
                     struct td_bytes body)
{
    (void)q, (void)status, (void)type, (void)body;
}

bool node_http_push(struct node_http *h, uint64_t conn, struct td_bytes text)
{
    (void)h, (void)conn, (void)text;
    return true;
}

static struct node_rpc_heads get_heads(void *self)
{
    (void)self;
    return heads;
}

static struct node_mempool *get_pool(void *self)
{
    (void)self;
    return pool;
}

static enum node_mempool_verdict submit(void *self, const struct exec_tx *tx, struct td_bytes raw)
{
    (void)self;
    return node_mempool_add(pool, tx, raw, clock_now.mono_ns);
}

static void get_status(void *self, struct node_rpc_status *out)
{
    (void)self;
    *out = (struct node_rpc_status){.name = "n0"};
}

static uint32_t get_validators(void *self, struct node_rpc_validator *out, uint32_t cap)
{
    (void)self, (void)cap;
    out[0] = (struct node_rpc_validator){.stake = 1};
    return 1;
}

static void get_account(void *self, const struct td_addr *addr, uint64_t *nonce,
                        struct exec_u256 *balance)
{
    struct exec_account a;
    (void)self;
    node_chain_lock(bed.chain);
    node_chain_account(bed.chain, addr, &a);
    node_chain_unlock(bed.chain);
    *nonce = a.nonce;
    *balance = a.balance;
}

static void add_block(void)
{
    /* log1(0, 0, 7); returns no code */
    static const uint8_t LOGGER[] = {0x60, 0x07, 0x60, 0x00, 0x60, 0x00, 0xa1, 0x00};
    struct node_executed e;
    bed_create(&bed, 0, td_bytes_of(LOGGER, sizeof LOGGER));
    bed_block(&bed, false);
    TD_ASSERT(bed_execute(&bed, &e) == TD_OK);
    bed_commit(&bed, &e);
    node_executed_free(&e);
    heads.latest++;
}

static char folder[128], database[160];

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *ftw)
{
    (void)about, (void)flag, (void)ftw;
    return remove(path);
}

static void leave(void)
{
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The bed's database is a file of its name where it is opened; the fuzzer's paths are relative. */
static void open_bed(void)
{
    char here[4096];
    snprintf(folder, sizeof folder, "%s/fuzz-rpc-XXXXXX", P_tmpdir);
    TD_ASSERT(getcwd(here, sizeof here) != NULL && mkdtemp(folder) != NULL && chdir(folder) == 0);
    snprintf(database, sizeof database, "%s/memory", folder);
    atexit(leave);
    bed_init(&bed, 4096);
    TD_ASSERT(bed.chain != NULL && chdir(here) == 0);
    add_block();
    add_block();
}

static void open_all(void)
{
    static const char *const ALL[] = {"eth", "net", "web3", "tandem", "txpool"};
    static struct node_rpc_backend backend;
    char why[160];
    open_bed();
    pool = node_mempool_new(&(struct node_mempool_options){.max_txs = 64,
                                                           .per_account = 16,
                                                           .max_bytes = 1u << 20,
                                                           .chain_id = bed.genesis->chain_id,
                                                           .block_gas = 30000000,
                                                           .tx_native_max = 2200000,
                                                           .account = get_account});
    backend = (struct node_rpc_backend){.genesis = bed.genesis,
                                        .chain = bed.chain,
                                        .database = database,
                                        .secp = bed.wallet.secp,
                                        .clock = td_clock_of_virtual(&clock_now),
                                        .heads = get_heads,
                                        .mempool = get_pool,
                                        .submit = submit,
                                        .status = get_status,
                                        .validators = get_validators};
    TD_ASSERT(pool != NULL);
    TD_ASSERT(node_rpc_new(&rpc,
                           &(struct node_rpc_options){.backend = &backend,
                                                      .base = event_base_new(),
                                                      .threads = 1,
                                                      .namespaces = ALL,
                                                      .namespace_count = 5},
                           why) == TD_OK);
    asker = rpc_inline_new(rpc);
    method_count = node_rpc_stats(rpc, methods, 128);
    TD_ASSERT(method_count > 50 && method_count <= 128);
}

static void ask(struct td_bytes body, uint64_t conn)
{
    size_t len;
    char *text = rpc_inline_ask(asker, body, conn, &len);
    if (text == NULL)
        return;
    json_t *answer = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    TD_ASSERT(json_is_object(answer) || json_is_array(answer));
    json_decref(answer);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char text[1u << 16];
    if (rpc == NULL)
        open_all();
    td_clock_virtual_add(&clock_now, 1000000);
    if (len == 0 || data[0] == 0xff) {
        ask(td_bytes_of(data + (len > 0), len - (len > 0)), data != NULL && len > 1 ? data[1] : 0);
        return 0;
    }
    int used = snprintf(text, sizeof text,
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[%.*s]}",
                        methods[data[0] % method_count].name, (int)len - 1, (const char *)data + 1);
    if ((size_t)used < sizeof text)
        ask(td_bytes_of(text, (size_t)used), data[0] / 128u);
    return 0;
}
