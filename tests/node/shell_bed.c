#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#include "tests/node/shell_bed.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/chain/record.h"
#include "node/wallet/transfer.h"
#include "storage/guard.h"
#include "tests/node/genesis_of.h"

#define LEAVES (1u << 16)

static void must_ok(enum td_error err)
{
    TD_ASSERT(err == TD_OK);
}

static void put_line(void *ctx, const char *line, size_t len)
{
    struct shell_bed *b = ctx;
    b->errors += len > 0 && strstr(line, " ERROR ") != NULL ? 1u : 0u;
    if (getenv("SHELL_TEST_LOG") != NULL)
        fwrite(line, 1, len, stderr);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void make_genesis(struct shell_bed *b, uint32_t validators, uint64_t interval_ms)
{
    struct node_genesis *g = calloc(1, sizeof *g);
    struct node_genesis_error e;
    size_t len;
    TD_ASSERT(g != NULL);
    genesis_of(g);
    g->block_interval_ms = interval_ms;
    g->delta_ms = 100;
    g->epoch_length = 64; /* the least: epochs change while tests watch */
    g->validator_count = validators;
    for (uint32_t i = 0; i < validators; i++) {
        struct td_secp_key key;
        struct td_secp_pub pub;
        struct node_genesis_validator *v = &g->validators[i];
        *v = (struct node_genesis_validator){.member.stake = 100};
        genesis_key(b->secp, &key, i);
        td_secp_key_pub(b->secp, &pub, &key);
        td_secp_pub_encode(b->secp, &v->member.key, &pub);
        td_secp_pub_addr(b->secp, &v->member.addr, &pub);
    }
    char *text = genesis_text(g, &len);
    free(g);
    b->genesis = calloc(1, sizeof *b->genesis);
    TD_ASSERT(b->genesis != NULL);
    must_ok(node_genesis_parse(b->genesis, td_bytes_of(text, len), &e));
    free(text);
}

void shell_bed_init(struct shell_bed *b, uint32_t validators, uint64_t interval_ms)
{
    memset(b, 0, sizeof *b);
    strcpy(b->dir, "/tmp/tandem-shell-XXXXXX");
    TD_ASSERT(mkdtemp(b->dir) != NULL);
    td_log_init(&b->log, TD_LOG_DEBUG, TD_LOG_TEXT, NULL, td_clock_system(),
                (struct td_log_sink){put_line, b});
    b->base = event_base_new();
    b->secp = td_secp_new();
    TD_ASSERT(b->base != NULL && b->secp != NULL);
    b->alarm = evtimer_new(b->base, on_alarm, NULL);
    make_genesis(b, validators, interval_ms);
    for (uint32_t i = 0; i < SHELL_BED_NODES; i++) {
        struct shell_bed_node *n = &b->node[i];
        n->follower = i >= validators;
        genesis_key(b->secp, &n->key, i);
        snprintf(n->database, sizeof n->database, "%s/%u.db", b->dir, i);
        snprintf(n->guard, sizeof n->guard, "%s/%u.guard", b->dir, i);
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void shell_bed_free(struct shell_bed *b)
{
    for (uint32_t i = 0; i < SHELL_BED_NODES; i++)
        shell_bed_stop(b, i);
    event_free(b->alarm);
    event_base_free(b->base);
    node_genesis_free(b->genesis);
    free(b->genesis);
    td_secp_free(b->secp);
    nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    libevent_global_shutdown();
}

/* ---- nodes */

static void addr_of(const struct shell_bed *b, uint32_t i, struct td_addr *out)
{
    struct td_secp_pub pub;
    td_secp_key_pub(b->secp, &pub, &b->node[i].key);
    td_secp_pub_addr(b->secp, out, &pub);
}

static void on_block(void *ctx, uint64_t height)
{
    struct shell_bed_node *n = ctx;
    TD_ASSERT(height > n->blocks);
    n->blocks = height;
}

static void on_pending(void *ctx, const struct td_hash *hash)
{
    (void)hash;
    ((struct shell_bed_node *)ctx)->pending++;
}

static void make_guard(const struct shell_bed *b, uint32_t i)
{
    uint8_t record[BFT_GUARD_BYTES_MAX];
    struct bft_guard empty;
    struct store_error why;
    struct store_guard_identity id = {.genesis = b->genesis->genesis_hash};
    addr_of(b, i, &id.validator);
    bft_guard_init(&empty);
    const struct store_guard_item item = {
        0, td_bytes_of(record, bft_guard_encode(record, sizeof record, &empty))};
    enum td_error err = store_guard_create(b->node[i].guard, &id, &item, 1, &why);
    TD_ASSERT(err == TD_OK || err == TD_E_EXISTS);
}

static void transport_of(uint8_t secret[32], uint32_t i)
{
    memset(secret, 0, 32);
    secret[0] = 8;
    secret[31] = (uint8_t)(i + 1u);
}

static void net_options(const struct shell_bed *b, uint32_t i, struct p2p_net_options *o,
                        struct p2p_static_peer *peers)
{
    const struct p2p_chain chain = {b->genesis->params.chain_id, b->genesis->genesis_hash};
    uint8_t transport[32];
    struct td_addr self = {{0}};
    struct td_hash digest;
    *o = (struct p2p_net_options){.max_peers = 64, .handshake_ns = 5000000000, .peers = peers};
    strcpy(o->listen_host, "127.0.0.1");
    o->listen_port = b->node[i].port;
    transport_of(o->static_secret, i);
    p2p_noise_public(transport, o->static_secret);
    if (!b->node[i].follower)
        addr_of(b, i, &self);
    must_ok(p2p_record_init(&o->self, shell_bed_now_ns(), transport, &self, "127.0.0.1",
                            o->listen_port == 0 ? 1 : o->listen_port));
    p2p_record_digest(&digest, &o->self, &chain);
    if (!b->node[i].follower)
        must_ok(td_secp_sign(b->secp, &b->node[i].key, &digest, &o->self.sig));
    for (uint32_t k = 0; k < SHELL_BED_NODES; k++) {
        uint8_t secret[32];
        if (k == i || b->node[k].port == 0)
            continue;
        struct p2p_static_peer *p = &peers[o->peer_count++];
        transport_of(secret, k);
        p2p_noise_public(p->transport, secret);
        strcpy(p->host, "127.0.0.1");
        p->port = b->node[k].port;
    }
}

bool shell_bed_try(struct shell_bed *b, uint32_t i, struct node_shell_error *e)
{
    struct shell_bed_node *n = &b->node[i];
    struct p2p_static_peer peers[SHELL_BED_NODES];
    memset(peers, 0, sizeof peers);
    TD_ASSERT(n->shell == NULL);
    if (!n->follower && !n->no_guard)
        make_guard(b, i);
    struct node_shell_options o = {
        .base = b->base,
        .genesis = b->genesis,
        .secp = b->secp,
        .key = n->follower ? NULL : &n->key,
        .guard_path = n->guard,
        .database_path = n->database,
        .create = true,
        .mempool = {.max_txs = 10000, .per_account = 5000, .max_bytes = 64u << 20},
        .leaves = LEAVES,
        .name = "bed",
        .log = &b->log,
        .clock = td_clock_system(),
        .ctx = n,
        .on_block = on_block,
        .on_pending = on_pending};
    net_options(b, i, &o.net, peers);
    n->blocks = 0;
    n->shell = node_shell_new(&o, e);
    if (n->shell == NULL)
        return false;
    n->port = p2p_net_port(node_shell_net(n->shell));
    return true;
}

void shell_bed_start(struct shell_bed *b, uint32_t i)
{
    struct node_shell_error e;
    bool ok = shell_bed_try(b, i, &e);
    if (!ok)
        fprintf(stderr, "node %u: %s (%d)\n", i, e.text, e.exit_code);
    TD_ASSERT(ok);
}

void shell_bed_stop(struct shell_bed *b, uint32_t i)
{
    node_shell_free(b->node[i].shell);
    b->node[i].shell = NULL;
}

void shell_bed_turn(struct shell_bed *b, int ms)
{
    const struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(b->alarm, &wait);
    int rc = event_base_loop(b->base, EVLOOP_ONCE);
    TD_ASSERT(rc >= 0);
    evtimer_del(b->alarm);
}

uint64_t shell_bed_now_ns(void)
{
    struct td_clock c = td_clock_system();
    return td_clock_mono_ns(&c);
}

uint64_t shell_bed_head(const struct shell_bed *b, uint32_t i)
{
    return node_shell_head(b->node[i].shell);
}

enum node_mempool_verdict shell_bed_transfer(struct shell_bed *b, uint32_t i, uint32_t from,
                                             uint64_t nonce, struct td_hash *hash)
{
    uint8_t raw[NODE_TRANSFER_BYTES_MAX], memory[4096];
    size_t len;
    struct td_secp_key key;
    struct exec_tx tx;
    struct td_arena arena;
    const struct node_transfer t = {.chain_id = b->genesis->params.chain_id,
                                    .nonce = nonce,
                                    .gas_limit = 50000,
                                    .fee_cap = td_wei_of_u64(100000000000),
                                    .tip_cap = td_wei_of_u64(1),
                                    .value = td_wei_of_u64(1),
                                    .to = {{0xaa, [19] = (uint8_t)from}}};
    genesis_key(b->secp, &key, from);
    must_ok(node_transfer_sign(raw, &len, hash, b->secp, &key, &t));
    td_arena_init(&arena, memory, sizeof memory);
    TD_ASSERT(exec_tx_decode(&tx, &arena, td_bytes_of(raw, len), t.chain_id) == EXEC_TX_OK);
    TD_ASSERT(exec_tx_recover(&tx) == EXEC_TX_OK);
    return node_shell_submit(b->node[i].shell, &tx, td_bytes_of(raw, len));
}

/* ---- files of a node that does not run */

bool shell_bed_block(const struct shell_bed *b, uint32_t i, uint64_t height, struct td_hash *hash)
{
    struct store_chain_reader *r;
    struct store_error why;
    struct td_arena arena;
    struct store_chain_block block;
    void *memory = malloc(1u << 20);
    TD_ASSERT(memory != NULL);
    td_arena_init(&arena, memory, 1u << 20);
    must_ok(store_chain_reader_open(&r, b->node[i].database, &b->genesis->genesis_hash, &why));
    enum td_error err = store_chain_block(r, height, &arena, &block);
    TD_ASSERT(err == TD_OK || err == TD_E_NOTFOUND);
    if (err == TD_OK)
        *hash = block.hash;
    store_chain_reader_close(r);
    free(memory);
    return err == TD_OK;
}

void shell_bed_guard(const struct shell_bed *b, uint32_t i, struct bft_guard *out)
{
    struct store_guard *g;
    struct store_error why;
    struct store_guard_identity id = {.genesis = b->genesis->genesis_hash};
    addr_of(b, i, &id.validator);
    must_ok(store_guard_open(&g, b->node[i].guard, &id, &why));
    struct td_bytes record = store_guard_get(g, 0);
    must_ok(bft_guard_decode(out, record.ptr, record.len));
    store_guard_close(g);
}
