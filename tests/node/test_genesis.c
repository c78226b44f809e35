/* node/genesis: round trip, one hash whatever the layout, and every check with a file that fails it
 * and nothing else. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/node/genesis_of.h"

static char *base_text(void)
{
    static struct node_genesis g;
    size_t len;
    genesis_of(&g);
    return genesis_text(&g, &len);
}

static enum td_error parse(struct node_genesis *g, const char *text, struct node_genesis_error *e)
{
    return node_genesis_parse(g, td_bytes_of(text, strlen(text)), e);
}

/* The first `from` becomes `to`. */
static char *with(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    size_t room = strlen(text) + strlen(to) + 1;
    char *out = malloc(room);
    cr_assert_not_null(at, "\"%s\" is not in the file", from);
    snprintf(out, room, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

Test(genesis, written_and_parsed_it_is_the_same)
{
    static struct node_genesis a, b, c;
    struct node_genesis_error e;
    size_t len;
    char *text = base_text();
    genesis_of(&a);
    cr_assert_eq(parse(&b, text, &e), TD_OK, "%s", e.text);
    cr_expect_str_eq(b.name, a.name);
    cr_expect_eq(b.params.gas_limit, a.params.gas_limit);
    cr_expect_eq(b.batch_bytes_max, a.batch_bytes_max);
    cr_expect_eq(b.set.count, GENESIS_VALIDATORS);
    cr_expect_eq(b.set.total, 300);
    for (uint32_t i = 0; i < b.set.count; i++)
        cr_expect(td_addr_eq(&b.set.v[i].addr, &b.validators[i].member.addr), "index is signer");
    cr_expect_eq(b.account_count, GENESIS_ACCOUNTS);
    char *again = genesis_text(&b, &len);
    cr_assert_eq(parse(&c, again, &e), TD_OK, "%s", e.text);
    cr_expect(td_hash_eq(&b.genesis_hash, &c.genesis_hash));
    cr_expect(td_hash_eq(&b.genesis_result, &c.genesis_result));
    cr_expect(td_hash_eq(&b.state_commitment, &c.state_commitment));
    cr_expect(!td_hash_is_zero(&b.state_commitment));
    node_genesis_free(&b);
    node_genesis_free(&c);
    free(again);
    free(text);
}

Test(genesis, layout_order_and_hints_are_not_the_chain)
{
    static struct node_genesis a, b;
    struct node_genesis_error e;
    char *text = base_text();
    cr_assert_eq(parse(&a, text, &e), TD_OK, "%s", e.text);
    char *steps[8] = {text};
    steps[1] = with(text, "\"name\":\"devnet\"", "\"name\" :\t\"other\"");
    steps[2] = with(steps[1], "127.0.0.1", "example.org");
    steps[3] = with(steps[2], "\"0x7\"", "\"0x0007\"");
    json_t *root = json_loads(steps[3], 0, NULL);
    steps[4] = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(3));
    json_array_append_new(json_object_get(root, "validators"),
                          json_deep_copy(json_array_get(json_object_get(root, "validators"), 0)));
    json_array_remove(json_object_get(root, "validators"), 0);
    steps[5] = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    for (int i = 1; i <= 5; i++) {
        cr_assert_eq(parse(&b, steps[i], &e), TD_OK, "%d: %s", i, e.text);
        cr_expect(td_hash_eq(&a.config_hash, &b.config_hash), "%d", i);
        cr_expect(td_hash_eq(&a.genesis_hash, &b.genesis_hash), "%d", i);
        cr_expect(td_hash_eq(&a.set.hash, &b.set.hash), "%d", i);
        node_genesis_free(&b);
        free(steps[i]);
    }
    free(text);
    node_genesis_free(&a);
}

Test(genesis, everything_else_is)
{
    static const char *const changes[][2] = {
        {"\"chainId\":31337", "\"chainId\":31338"},
        {"0xc000000000", "0xc100000000"},
        {"271828", "271829"},
        {"1700000000000", "1700000000001"},
        {"\"blockIntervalMs\":1000", "\"blockIntervalMs\":0"},
        {"\"deltaMs\":250", "\"deltaMs\":251"},
        {"\"epochLength\":3600", "\"epochLength\":3601"},
        {"\"validatorsMax\":128", "\"validatorsMax\":127"},
        {"\"maxBlockTxs\":16384", "\"maxBlockTxs\":16383"},
        {"\"maxBlockBytes\":2097152", "\"maxBlockBytes\":2097151"},
        {"\"gasLimit\":30000000", "\"gasLimit\":30000001"},
        {"\"nativeLimit\":40000000", "\"nativeLimit\":40000001"},
        {"\"txNativeMax\":2200000", "\"txNativeMax\":2200001"},
        {"\"nativePerGas\":100", "\"nativePerGas\":101"},
        {"\"gasPerPubdataByte\":16", "\"gasPerPubdataByte\":17"},
        {"\"baseFeeMin\":\"0x7\"", "\"baseFeeMin\":\"0x8\""},
        {"\"baseFee\":\"0x3b9aca00\"", "\"baseFee\":\"0x3b9aca01\""},
        {"0xfeee00", "0xfeee01"},
        {"\"blocksMin\":16", "\"blocksMin\":17"},
        {"\"blocksMax\":64", "\"blocksMax\":65"},
        {"\"msMax\":120000", "\"msMax\":120001"},
        {"\"nativeMax\":2000000000", "\"nativeMax\":2000000001"},
        {"\"bytesMax\":700000", "\"bytesMax\":700001"},
        {"\"stake\":100", "\"stake\":101"},
        {"\"development\":true", "\"development\":false"},
        {"\"0xdead\"", "\"0xdeae\""},
        {"\"0x60005400\"", "\"0x60005401\""},
        {"\"nonce\":1", "\"nonce\":2"},
    };
    static struct node_genesis a, b;
    struct node_genesis_error e;
    char *text = base_text();
    cr_assert_eq(parse(&a, text, &e), TD_OK, "%s", e.text);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *other = with(text, changes[i][0], changes[i][1]);
        cr_assert_eq(parse(&b, other, &e), TD_OK, "%s: %s", changes[i][1], e.text);
        cr_expect(!td_hash_eq(&a.genesis_hash, &b.genesis_hash), "%s", changes[i][1]);
        node_genesis_free(&b);
        free(other);
    }
    node_genesis_free(&a);
    free(text);
}

struct bad {
    const char *from, *to, *said;
    enum td_error err;
};

static const struct bad BAD[] = {
    {"{", "[", "2:11: ", TD_E_MALFORMED},
    {"\"version\":1", "\"version\":2", "version: 2 is not in 1 .. 1", TD_E_RANGE},
    {"\"version\":1", "\"version\":\"1\"", "version: not a whole number", TD_E_MALFORMED},
    {"\"version\":1,", "\"version\":1,\"version\":1,", "duplicate", TD_E_MALFORMED},
    {"\"deltaMs\"", "\"deltams\"", "deltams: unknown field", TD_E_MALFORMED},
    {"\"deltaMs\":250,", "", "deltaMs: missing", TD_E_MALFORMED},
    {"\"deltaMs\":250", "\"deltaMs\":0", "deltaMs: 0 is not in 1 .. 3600000", TD_E_RANGE},
    {"\"deltaMs\":250", "\"deltaMs\":-1", "deltaMs: -1 is not", TD_E_RANGE},
    {"\"deltaMs\":250", "\"deltaMs\":2.5", "deltaMs: not a whole number", TD_E_MALFORMED},
    {"1700000000000", "99999999999999999999", "3", TD_E_MALFORMED},
    {"\"epochLength\":3600", "\"epochLength\":63", "epochLength: 63 is not in 64", TD_E_RANGE},
    {"\"validatorsMax\":128", "\"validatorsMax\":257", "not in 1 .. 256", TD_E_RANGE},
    {"\"validatorsMax\":128", "\"validatorsMax\":2", "validators: has to name 1 to 2", TD_E_RANGE},
    {"\"maxBlockTxs\":16384", "\"maxBlockTxs\":16385", "not in 1 .. 16384", TD_E_RANGE},
    {"\"maxBlockBytes\":2097152", "\"maxBlockBytes\":2097153", "maxBlockBytes", TD_E_RANGE},
    {"\"maxBlockBytes\":2097152", "\"maxBlockBytes\":131071", "maxBlockBytes", TD_E_RANGE},
    {"\"gasLimit\":30000000", "\"gasLimit\":21000", "gas limit does not hold", TD_E_RANGE},
    {"\"nativeLimit\":40000000", "\"nativeLimit\":1", "native limit does not hold", TD_E_RANGE},
    {"\"nativePerGas\":100", "\"nativePerGas\":0", "native units per gas", TD_E_RANGE},
    {"\"baseFee\":\"0x3b9aca00\"", "\"baseFee\":\"0x6\"", "base fee below", TD_E_RANGE},
    {"\"baseFee\":\"0x3b9aca00\"", "\"baseFee\":\"7\"", "baseFee: not a number", TD_E_MALFORMED},
    {"0xfeee00", "0x000000", "fee vault is zero", TD_E_RANGE},
    {"0xfeee00", "feee00", "feeVault: not an address", TD_E_MALFORMED},
    {"\"blocksMin\":16", "\"blocksMin\":65", "batch.blocksMax: 64 is not in 65", TD_E_RANGE},
    {"\"blocksMin\":16", "\"min\":16", "batch.min: unknown", TD_E_MALFORMED},
    {"\"contract\"", "\"contact\"", "l1.contact: unknown", TD_E_MALFORMED},
    {"\"validators\":[", "\"validators\":[1,", "validators[0]: not an object", TD_E_MALFORMED},
    {"\"stake\":100", "\"stake\":0", "validators[0].stake: 0 is not", TD_E_RANGE},
    {"\"stake\":100", "\"stake\":4611686018427387903", "total stake", TD_E_RANGE},
    {"\"stake\":100", "\"steak\":100", "validators[0].steak: unknown", TD_E_MALFORMED},
    {"\"port\":30645", "\"port\":65536", "validators[0].port", TD_E_RANGE},
    {"127.0.0.1", "127.\\n.1", "validators[0].host", TD_E_MALFORMED},
    {"\"key\":\"0x02", "\"key\":\"0x05", "validators[0].key: not a compressed", TD_E_MALFORMED},
    {"\"key\":\"0x02", "\"key\":\"0x03", "key: is another", TD_E_MALFORMED},
    {"\"key\":\"0x02", "\"key\":\"0x", "key: not 33 bytes", TD_E_MALFORMED},
    {"\"development\":true,", "", "development: missing", TD_E_MALFORMED},
    {"\"development\":true", "\"development\":1", "development: neither", TD_E_MALFORMED},
    {"\"0xab00000000000000000000000000000000000001\":", "\"0xab\":", "alloc.0xab: not an address",
     TD_E_MALFORMED},
    {"\"0xab00000000000000000000000000000000000001\":",
     "\"0x0000000000000000000000000000000000008001\":", "the system writes", TD_E_RANGE},
    {"\"0xab00000000000000000000000000000000000001\":",
     "\"0x0000F90827F1C53a10cb7A02335B175320002935\":", "the system writes", TD_E_RANGE},
    {"\"0xab00000000000000000000000000000000000001\":",
     "\"0xab00000000000000000000000000000000000002\":{\"balance\":\"0x1\",\"nonce\":0,\"code\":"
     "\"0x\",\"storage\":{}},\"0xAB00000000000000000000000000000000000002\":",
     "alloc: one address stands there twice", TD_E_MALFORMED},
    {"\"0x60005400\"", "\"0x600054000\"", ".code: not bytes", TD_E_MALFORMED},
    {"\"0x60005400\"", "\"0xef005400\"", "begins with 0xef", TD_E_RANGE},
    {"\"nonce\":1,\"code\":\"0x60005400\"", "\"nonce\":0,\"code\":\"0x\"", "storage but neither",
     TD_E_RANGE},
    {"\"0xdead\"", "\"0x0\"", "storage: a value is zero", TD_E_MALFORMED},
    {"\"0x7\":\"0x1\"", "\"0x00\":\"0x1\"", "storage: one slot stands there twice", TD_E_MALFORMED},
    {"\"balance\":\"0x", "\"balance\":\"0x1000000000000000000000", "balance: above 2^128",
     TD_E_RANGE},
    {"\"name\":\"devnet\"",
     "\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"",
     "name: too long", TD_E_RANGE},
};

Test(genesis, each_check_refuses_with_the_place)
{
    static struct node_genesis g;
    char *text = base_text();
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct node_genesis_error e;
        char *bad = with(text, BAD[i].from, BAD[i].to);
        enum td_error err = parse(&g, bad, &e);
        cr_expect_eq(err, BAD[i].err, "%s: %d, %s", BAD[i].to, err, e.text);
        cr_expect_not_null(strstr(e.text, BAD[i].said), "%s: %s", BAD[i].to, e.text);
        cr_expect_null(g.arena.base, "nothing is held");
        free(bad);
    }
    free(text);
}

Test(genesis, what_is_no_json_is_refused)
{
    static struct node_genesis g;
    struct node_genesis_error e;
    size_t deep = 1000000;
    char *nested = malloc(deep + 1);
    memset(nested, '[', deep);
    nested[deep] = '\0';
    cr_expect_eq(parse(&g, nested, &e), TD_E_MALFORMED);
    cr_expect_eq(parse(&g, "", &e), TD_E_MALFORMED);
    cr_expect_eq(parse(&g, "[]", &e), TD_E_MALFORMED);
    cr_expect_not_null(strstr(e.text, "not an object"), "%s", e.text);
    cr_expect_eq(node_genesis_parse(&g, td_bytes_of(nested, NODE_GENESIS_BYTES_MAX + 1u), &e),
                 TD_E_LIMIT);
    free(nested);
}

Test(genesis, files)
{
    static struct node_genesis g;
    struct node_genesis_error e;
    char path[] = "/tmp/td_genesis_XXXXXX";
    int fd = mkstemp(path);
    char *text = base_text();
    char *bad = with(text, "250", "0");
    cr_assert_eq(write(fd, bad, strlen(bad)), (ssize_t)strlen(bad));
    cr_expect_eq(node_genesis_load(&g, path, &e), TD_E_RANGE);
    cr_expect_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
    cr_assert_eq(ftruncate(fd, 0), 0);
    cr_assert_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    cr_expect_eq(node_genesis_load(&g, path, &e), TD_OK, "%s", e.text);
    node_genesis_free(&g);
    close(fd);
    unlink(path);
    cr_expect_eq(node_genesis_load(&g, path, &e), TD_E_NOTFOUND);
    cr_expect_eq(node_genesis_load(&g, "/", &e), TD_E_IO);
    free(bad);
    free(text);
}

Test(genesis, consensus_takes_its_configuration)
{
    static struct node_genesis g;
    static struct bft_config config;
    static const struct bft_restore nothing;
    struct bft_replica *r;
    genesis_parsed(&g);
    node_genesis_bft(&g, &config, &g.set.v[1].addr);
    void *region = aligned_alloc(64, (bft_footprint(&config) + 63u) & ~(size_t)63u);
    cr_assert_eq(bft_init(&r, region, &config, &nothing), TD_OK);
    cr_expect_eq(config.delta_ns, 250000000);
    free(region);
    node_genesis_free(&g);
}
