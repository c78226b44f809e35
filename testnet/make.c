#define _XOPEN_SOURCE 700 /* nftw */
#include "testnet/make.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/clock.h"
#include "base/host/secret.h"
#include "node/cli/home.h"
#include "node/exit_codes.h"
#include "testnet/accounts.h"
#include "testnet/links.h"

#define REMOVE_FILES 16 /* open at once while a tree is walked */

/* So that a development network goes on where a laptop's disk is nearly full. */
#define MIN_FREE_BYTES (256u << 20)

/* A home that node/cli/home.h can write to, without a command line behind it. */
static struct node_cli *home_of(const struct testnet *t, const struct node_cli *cli, uint32_t node)
{
    struct node_cli *home = calloc(1, sizeof *home);
    TD_ASSERT(home != NULL);
    home->spec = cli->spec;
    testnet_path(home->home, t, node, NULL);
    node_config_init(&home->config);
    home->loaded = true;
    return home;
}

static void home_free(struct node_cli *home)
{
    node_cli_free(home);
    free(home);
}

/* ---- keys */

static int write_password(const struct node_cli *home, FILE *err, struct node_password *out)
{
    uint8_t random[16];
    char path[NODE_PATH_BYTES];
    struct node_keystore_error why;
    td_secret_random(random, sizeof random);
    TD_ASSERT(td_hex_encode(out->text, sizeof out->text, TD_HEX_BARE, random, sizeof random) ==
              TD_OK);
    out->len = 2u * sizeof random;
    node_cli_home_path(path, home, "password");
    return node_keystore_write(path, out->text, out->len, &why) == TD_OK
               ? NODE_EXIT_OK
               : node_cli_fail(home, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, why.text);
}

static int make_validator(const struct node_cli *home, FILE *err, const struct td_secp *secp,
                          struct bft_validator *out)
{
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct node_password password;
    struct node_keystore_error why;
    char json[NODE_KEYSTORE_BYTES_MAX], path[NODE_PATH_BYTES];
    size_t len = 0;
    td_secp_key_new(secp, &key);
    td_secp_key_pub(secp, &pub, &key);
    td_secp_pub_encode(secp, &out->key, &pub);
    td_secp_pub_addr(secp, &out->addr, &pub);
    out->stake = 1;
    int code = write_password(home, err, &password);
    if (code == NODE_EXIT_OK && node_keystore_encode(json, &len, key.secret, &out->addr,
                                                     td_bytes_of(password.text, password.len),
                                                     NODE_SCRYPT_LOG_N_LIGHT) != TD_OK)
        code = node_cli_fail(home, err, NODE_EXIT_IO, "no memory to encrypt a key");
    td_secp_key_reset(&key);
    node_home_key_path(path, home, "validator");
    if (code == NODE_EXIT_OK && node_keystore_write(path, json, len, &why) != TD_OK)
        code = node_cli_fail(home, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, why.text);
    return code;
}

static int make_node(const struct testnet *t, const struct node_cli *home, FILE *err,
                     const struct td_secp *secp, struct node_genesis_validator *out, uint32_t node)
{
    static const char *const folders[] = {"keys", "data", "logs"};
    char path[NODE_PATH_BYTES];
    uint8_t secret[32];
    bool made;
    int code = NODE_EXIT_OK;
    for (size_t i = 0; i < 3 && code == NODE_EXIT_OK; i++) {
        node_cli_home_path(path, home, folders[i]);
        code = node_home_folder(home, err, path, NULL);
    }
    if (code == NODE_EXIT_OK)
        code = node_home_transport_new(home, err, &made);
    if (code == NODE_EXIT_OK)
        code = node_home_transport(home, err, secret);
    if (code != NODE_EXIT_OK)
        return code;
    node_transport_public(out->transport, secret);
    td_secret_wipe(secret, sizeof secret);
    /* No hint where links have faults: every way to a node leads through them. */
    if (!t->faults) {
        snprintf(out->host, sizeof out->host, "127.0.0.1");
        out->port = testnet_p2p_port(t, node);
    }
    return node < t->validators ? make_validator(home, err, secp, &out->member) : NODE_EXIT_OK;
}

/* ---- genesis and guards */

static void fill_genesis(struct node_genesis *g, const struct testnet *t,
                         const struct node_genesis_validator *validators,
                         struct node_genesis_account accounts[TESTNET_DEV_ACCOUNTS],
                         const struct td_secp *secp)
{
    struct td_clock clock = td_clock_system();
    struct td_wei balance = {{UINT64_C(10000000000000000000), 0, 0, 0}};
    TD_ASSERT(td_wei_mul_u64(&balance, &balance, 1000, 0) == TD_OK); /* 10,000 ETH */
    node_genesis_defaults(g);
    snprintf(g->name, sizeof g->name, "testnet");
    g->development = true;
    g->timestamp_ms = td_clock_wall_ms(&clock);
    g->block_interval_ms = t->interval_ms;
    g->validator_count = t->validators;
    for (uint32_t i = 0; i < t->validators; i++)
        g->validators[i] = validators[i];
    for (uint32_t i = 0; i < TESTNET_DEV_ACCOUNTS; i++) {
        struct td_secp_key key;
        memset(&accounts[i], 0, sizeof accounts[i]);
        testnet_dev_key(secp, &key, &accounts[i].addr, i);
        memcpy(accounts[i].balance.w, balance.limb, sizeof accounts[i].balance.w);
    }
    g->accounts = accounts;
    g->account_count = TESTNET_DEV_ACCOUNTS;
}

static int write_genesis(const struct testnet *t, const struct node_cli *cli, FILE *err,
                         const struct node_genesis *g)
{
    char *text = NULL, path[NODE_PATH_BYTES];
    size_t len = 0;
    int code = NODE_EXIT_OK;
    FILE *f = open_memstream(&text, &len);
    TD_ASSERT(f != NULL);
    int failed = node_genesis_write(g, f);
    TD_ASSERT(fclose(f) == 0 && failed == 0); /* memory only */
    for (uint32_t i = 0; i < testnet_count(t) && code == NODE_EXIT_OK; i++) {
        testnet_path(path, t, i, "genesis.json");
        if (node_home_write(path, text, len, 0644) != TD_OK)
            code = node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, strerror(errno));
    }
    free(text);
    return code;
}

/* The hash comes from the file as nodes will read it. */
static int make_guards(const struct testnet *t, const struct node_cli *cli, FILE *err,
                       const struct node_genesis_validator *validators)
{
    struct node_genesis *g = calloc(1, sizeof *g);
    struct node_cli *home = home_of(t, cli, 0);
    struct store_error why;
    char path[NODE_PATH_BYTES];
    TD_ASSERT(g != NULL);
    int code = node_home_genesis(home, err, g);
    home_free(home);
    if (code != NODE_EXIT_OK) {
        free(g);
        return code;
    }
    for (uint32_t i = 0; i < t->validators && code == NODE_EXIT_OK; i++) {
        testnet_path(path, t, i, "guard.db");
        if (node_home_guard_new(path, &validators[i].member.addr, &g->genesis_hash, &why) != TD_OK)
            code = node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, why.text);
    }
    node_genesis_free(g);
    free(g);
    return code;
}

/* ---- tandem.toml */

static void print_config(FILE *f, const struct testnet *t, const char (*ids)[65], uint32_t node)
{
    fprintf(f,
            "# Written by each `tandem testnet up`.\n"
            "[node]\nname = \"n%" PRIu32 "\"\nrole = \"%s\"\n\n[p2p]\nlisten = \"127.0.0.1:%u\"\n"
            "peers = [",
            node, node < t->validators ? "validator" : "follower",
            (unsigned)testnet_p2p_port(t, node));
    for (uint32_t i = 0, shown = 0; i < t->validators; i++) {
        char host[16] = "127.0.0.1";
        if (i == node)
            continue;
        if (t->faults)
            testnet_link_host(host, node, i);
        fprintf(f, "%s\"%s@%s:%u\"", shown++ == 0 ? "" : ", ", ids[i], host,
                (unsigned)testnet_p2p_port(t, i));
    }
    fprintf(f,
            "]\n\n[mempool]\nper_account = 16384\n\n[rpc]\nhttp = \"127.0.0.1:%u\"\n"
            "ws = \"127.0.0.1:%u\"\nnamespaces = [\"eth\", \"net\", \"web3\", \"tandem\", "
            "\"txpool\", \"debug\"]\nrate_per_ip = 0\n\n[ops]\nlisten = \"127.0.0.1:%u\"\n\n"
            "[storage]\nmin_free_bytes = %u\n\n[prover]\nmode = \"off\"\n",
            (unsigned)testnet_http_port(t, node), (unsigned)testnet_ws_port(t, node),
            (unsigned)testnet_ops_port(t, node), MIN_FREE_BYTES);
    if (t->faults)
        fprintf(f, "\n[fault]\nenabled = true\n");
    if (node < t->validators)
        fprintf(f, "\n[signer]\npassword_file = \"password\"\n");
}

static int write_config(const struct testnet *t, const struct node_cli *cli, FILE *err,
                        const char (*ids)[65], uint32_t node)
{
    char path[NODE_PATH_BYTES];
    testnet_path(path, t, node, "tandem.toml");
    FILE *f = fopen(path, "we");
    bool good = f != NULL;
    if (good) {
        print_config(f, t, ids, node);
        good = !ferror(f);
    }
    if (f != NULL && fclose(f) != 0)
        good = false;
    return good ? NODE_EXIT_OK
                : node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, strerror(errno));
}

int testnet_configure(const struct testnet *t, const struct node_cli *cli, FILE *err)
{
    char ids[TESTNET_NODES_MAX][65];
    uint8_t secret[32], public[32];
    int code = NODE_EXIT_OK;
    for (uint32_t i = 0; i < testnet_count(t) && code == NODE_EXIT_OK; i++) {
        struct node_cli *home = home_of(t, cli, i);
        code = node_home_transport(home, err, secret);
        home_free(home);
        node_transport_public(public, secret);
        td_secret_wipe(secret, sizeof secret);
        TD_ASSERT(td_hex_encode(ids[i], sizeof ids[i], TD_HEX_BARE, public, sizeof public) ==
                  TD_OK);
    }
    for (uint32_t i = 0; i < testnet_count(t) && code == NODE_EXIT_OK; i++)
        code = write_config(t, cli, err, (const char(*)[65])ids, i);
    return code;
}

int testnet_make(const struct testnet *t, const struct node_cli *cli, FILE *err)
{
    struct node_genesis_validator *nodes = calloc(testnet_count(t), sizeof *nodes);
    struct node_genesis *g = calloc(1, sizeof *g);
    struct node_genesis_account accounts[TESTNET_DEV_ACCOUNTS];
    struct td_secp *secp = td_secp_new();
    TD_ASSERT(nodes != NULL && g != NULL && secp != NULL);
    int code = NODE_EXIT_OK;
    for (uint32_t i = 0; i < testnet_count(t) && code == NODE_EXIT_OK; i++) {
        struct node_cli *home = home_of(t, cli, i);
        code = make_node(t, home, err, secp, &nodes[i], i);
        home_free(home);
    }
    if (code == NODE_EXIT_OK) {
        fill_genesis(g, t, nodes, accounts, secp);
        code = write_genesis(t, cli, err, g);
    }
    if (code == NODE_EXIT_OK)
        code = make_guards(t, cli, err, nodes);
    if (code == NODE_EXIT_OK)
        code = testnet_configure(t, cli, err);
    td_secp_free(secp);
    free(nodes);
    free(g);
    return code;
}

/* ---- removal */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

int testnet_remove(const struct testnet *t, const struct node_cli *cli, FILE *err)
{
    char path[NODE_PATH_BYTES];
    for (uint32_t i = 0; i < TESTNET_NODES_MAX; i++) {
        testnet_path(path, t, i, NULL);
        if (nftw(path, remove_one, REMOVE_FILES, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
            return node_cli_fail(cli, err, NODE_EXIT_IO, "cannot remove %s: %s", path,
                                 strerror(errno));
    }
    static const char *const files[] = {"faults.json", "links.log", "testnet.json"};
    for (size_t i = 0; i < 3; i++) {
        int len = snprintf(path, sizeof path, "%s/%s", t->dir, files[i]);
        TD_ASSERT(len > 0 && (size_t)len < sizeof path);
        if (unlink(path) != 0 && errno != ENOENT)
            return node_cli_fail(cli, err, NODE_EXIT_IO, "cannot remove %s: %s", path,
                                 strerror(errno));
    }
    return NODE_EXIT_OK;
}
