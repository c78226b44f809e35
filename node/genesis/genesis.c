#define _POSIX_C_SOURCE 200809L /* fileno */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host/mem.h"
#include "executor/system.h"
#include "node/exec/json.h"
#include "node/genesis/genesis_internal.h"

/* Above any use, and below what wraps when it becomes nanoseconds or is multiplied by a count. */
#define TIME_MS_MAX UINT64_C(3600000)
#define EPOCH_LENGTH_MAX (UINT64_C(1) << 32)
/* The year 10889: a later time leaves no room for blocks in 63 bits of anything. */
#define TIMESTAMP_MS_MAX (UINT64_C(1) << 48)
/* What jansson's numbers have room for. */
#define NUMBER_MAX ((uint64_t)INT64_MAX)
/* Any transaction the pool takes fits a block. */
#define BLOCK_BYTES_MIN TD_TX_BYTES_MAX
/* Parsed, a text grows at most so much: a slot of 64 bytes has 10 characters and more. */
#define PARSED_BYTES(len) (8u * (len) + (1u << 20))

struct parse {
    struct node_json json;
    enum td_error err; /* of the first complaint that is not about form */
    struct node_genesis *g;
};

static bool ok(const struct parse *p)
{
    return node_json_ok(&p->json);
}

static void refuse(struct parse *p, enum td_error err, const char *field, const char *what)
{
    if (ok(p)) {
        node_json_fail(&p->json, field, what);
        p->err = err;
    }
}

/* ---- values */

static uint64_t number(struct parse *p, const json_t *in, const char *field, uint64_t min,
                       uint64_t max)
{
    char what[96];
    const json_t *v = ok(p) ? json_object_get(in, field) : NULL;
    if (v == NULL || !json_is_integer(v)) {
        node_json_fail(&p->json, field, v == NULL ? "missing" : "not a whole number");
        return min;
    }
    json_int_t i = json_integer_value(v);
    if (i >= 0 && (uint64_t)i >= min && (uint64_t)i <= max)
        return (uint64_t)i;
    snprintf(what, sizeof what, "%" JSON_INTEGER_FORMAT " is not in %" PRIu64 " .. %" PRIu64, i,
             min, max);
    refuse(p, TD_E_RANGE, field, what);
    return min;
}

static void text(struct parse *p, const json_t *in, const char *field, char *out, size_t cap)
{
    const json_t *v = ok(p) ? json_object_get(in, field) : NULL;
    out[0] = '\0';
    if (v == NULL || !json_is_string(v)) {
        node_json_fail(&p->json, field, v == NULL ? "missing" : "not a string");
        return;
    }
    const char *s = json_string_value(v);
    size_t len = json_string_length(v);
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] > 0x7e)
            node_json_fail(&p->json, field, "has a character that is not printable ASCII");
    }
    if (len >= cap)
        refuse(p, TD_E_RANGE, field, "too long");
    if (ok(p))
        memcpy(out, s, len + 1);
}

static void fixed(struct parse *p, const json_t *in, const char *field, uint8_t *out, size_t len,
                  const char *what)
{
    struct td_bytes b = node_json_bytes(&p->json, in, field);
    memset(out, 0, len);
    if (ok(p) && b.len != len)
        node_json_fail(&p->json, field, what);
    if (ok(p))
        memcpy(out, b.ptr, len);
}

static bool is_128_bits(const struct exec_u256 *v)
{
    return (v->w[2] | v->w[3]) == 0;
}

/* ---- parts */

static void get_l1(struct parse *p, const json_t *root)
{
    json_t *l1 = node_json_object(&p->json, root, "l1");
    node_json_at(&p->json, "l1");
    if (l1 != NULL)
        node_json_known(&p->json, l1, "chainId contract");
    p->g->l1_chain_id = number(p, l1, "chainId", 1, NUMBER_MAX);
    node_json_addr(&p->json, l1, "contract", &p->g->contract);
    node_json_at(&p->json, "%s", "");
}

static void get_batch(struct parse *p, const json_t *root)
{
    struct node_genesis *g = p->g;
    json_t *b = node_json_object(&p->json, root, "batch");
    node_json_at(&p->json, "batch");
    if (b != NULL)
        node_json_known(&p->json, b, "blocksMin blocksMax msMax nativeMax bytesMax");
    g->batch_blocks_min = (uint32_t)number(p, b, "blocksMin", 1, UINT32_MAX);
    g->batch_blocks_max = (uint32_t)number(p, b, "blocksMax", g->batch_blocks_min, UINT32_MAX);
    g->batch_ms_max = number(p, b, "msMax", 1, NUMBER_MAX);
    g->batch_native_max = number(p, b, "nativeMax", 1, NUMBER_MAX);
    g->batch_bytes_max = number(p, b, "bytesMax", 1, NUMBER_MAX);
    node_json_at(&p->json, "%s", "");
}

static void get_limits(struct parse *p, const json_t *root)
{
    struct node_genesis *g = p->g;
    struct exec_chain *c = &g->params;
    g->block_interval_ms = number(p, root, "blockIntervalMs", 0, TIME_MS_MAX);
    g->delta_ms = number(p, root, "deltaMs", 1, TIME_MS_MAX);
    g->epoch_length = number(p, root, "epochLength", TD_EPOCH_BLOCKS_MIN, EPOCH_LENGTH_MAX);
    g->validators_max = (uint32_t)number(p, root, "validatorsMax", 1, TD_VALIDATORS_MAX);
    g->txs_max = (uint32_t)number(p, root, "maxBlockTxs", 1, TD_TXS_PER_BLOCK_MAX);
    g->payload_bytes_max =
        (uint32_t)number(p, root, "maxBlockBytes", BLOCK_BYTES_MIN, TD_PAYLOAD_BYTES_MAX);
    /* Their bounds are exec_genesis_check's. */
    c->gas_limit = number(p, root, "gasLimit", 0, NUMBER_MAX);
    c->native_limit = number(p, root, "nativeLimit", 0, NUMBER_MAX);
    c->prices.tx_native_max = number(p, root, "txNativeMax", 0, NUMBER_MAX);
    c->prices.native_per_gas = number(p, root, "nativePerGas", 0, NUMBER_MAX);
    c->prices.gas_per_pubdata_byte = number(p, root, "gasPerPubdataByte", 0, NUMBER_MAX);
    node_json_u256(&p->json, root, "baseFeeMin", &c->base_fee_min);
    node_json_u256(&p->json, root, "baseFee", &g->base_fee);
    node_json_addr(&p->json, root, "feeVault", &c->fee_vault);
}

/* ---- validators */

static int by_member(const void *a, const void *b)
{
    const struct node_genesis_validator *x = a, *y = b;
    return td_addr_cmp(&x->member.addr, &y->member.addr);
}

static void check_key(struct parse *p, const struct td_secp *secp,
                      const struct node_genesis_validator *v)
{
    struct td_secp_pub pub;
    struct td_addr addr;
    if (!ok(p))
        return;
    if (td_secp_pub_decode(secp, &pub, &v->member.key) != TD_OK) {
        node_json_fail(&p->json, "key", "not a compressed point of secp256k1");
        return;
    }
    td_secp_pub_addr(secp, &addr, &pub);
    if (!td_addr_eq(&addr, &v->member.addr))
        refuse(p, TD_E_MALFORMED, "key", "is another address' key");
}

static void get_validator(struct parse *p, const json_t *in, struct node_genesis_validator *v,
                          const struct td_secp *secp)
{
    if (!json_is_object(in)) {
        node_json_fail(&p->json, NULL, "not an object");
        return;
    }
    node_json_known(&p->json, in, "address key stake transport host port");
    node_json_addr(&p->json, in, "address", &v->member.addr);
    fixed(p, in, "key", v->member.key.b, TD_PUBKEY_BYTES, "not 33 bytes of hex");
    v->member.stake = number(p, in, "stake", 1, TD_STAKE_TOTAL_MAX);
    if (json_object_get(in, "transport") != NULL)
        fixed(p, in, "transport", v->transport, sizeof v->transport, "not 32 bytes of hex");
    if (json_object_get(in, "host") != NULL)
        text(p, in, "host", v->host, sizeof v->host);
    if (json_object_get(in, "port") != NULL)
        v->port = (uint16_t)number(p, in, "port", 0, UINT16_MAX);
    check_key(p, secp, v);
}

static void make_set(struct parse *p)
{
    struct node_genesis *g = p->g;
    struct bft_validator members[BFT_SIGNERS_MAX];
    char what[96];
    qsort(g->validators, g->validator_count, sizeof g->validators[0], by_member);
    for (uint32_t i = 0; i < g->validator_count; i++)
        members[i] = g->validators[i].member;
    enum td_error err = bft_set_init(&g->set, 0, members, g->validator_count, g->validators_max);
    if (err == TD_E_MALFORMED)
        refuse(p, err, "validators", "an address stands there twice");
    if (err == TD_E_RANGE) {
        snprintf(what, sizeof what, "has to name 1 to %" PRIu32 " with a total stake below 2^62",
                 g->validators_max);
        refuse(p, err, "validators", what);
    }
}

static void get_validators(struct parse *p, const json_t *root)
{
    json_t *list = node_json_array(&p->json, root, "validators");
    if (list == NULL)
        return;
    if (json_array_size(list) > BFT_SIGNERS_MAX) {
        refuse(p, TD_E_RANGE, "validators", "more than 256");
        return;
    }
    struct td_secp *secp = td_secp_new();
    if (secp == NULL) {
        refuse(p, TD_E_NOMEM, "validators", "no memory or no randomness to check keys with");
        return;
    }
    p->g->validator_count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < p->g->validator_count && ok(p); i++) {
        node_json_at(&p->json, "validators[%" PRIu32 "]", i);
        get_validator(p, json_array_get(list, i), &p->g->validators[i], secp);
    }
    node_json_at(&p->json, "%s", "");
    td_secp_free(secp);
    if (ok(p))
        make_set(p);
}

/* ---- accounts */

static int by_addr(const void *a, const void *b)
{
    const struct node_genesis_account *x = a, *y = b;
    return td_addr_cmp(&x->addr, &y->addr);
}

static int by_slot(const void *a, const void *b)
{
    const struct node_genesis_slot *x = a, *y = b;
    return exec_u256_cmp(&x->slot, &y->slot);
}

static void get_storage(struct parse *p, const json_t *in, struct node_genesis_account *a)
{
    json_t *storage = node_json_object(&p->json, in, "storage"), *value;
    const char *key;
    if (storage == NULL)
        return;
    a->slots = node_json_room(&p->json, json_object_size(storage), sizeof *a->slots);
    json_object_foreach(storage, key, value)
    {
        struct node_genesis_slot *s = ok(p) ? &a->slots[a->slot_count++] : NULL;
        if (s == NULL)
            return;
        node_json_text_u256(&p->json, key, "storage", &s->slot);
        node_json_u256(&p->json, storage, key, &s->value);
        if (exec_u256_is_zero(&s->value))
            node_json_fail(&p->json, "storage", "a value is zero: leave the slot out");
    }
    if (a->slot_count == 0)
        return;
    qsort(a->slots, a->slot_count, sizeof *a->slots, by_slot);
    for (uint32_t i = 1; i < a->slot_count; i++) {
        if (exec_u256_eq(&a->slots[i - 1u].slot, &a->slots[i].slot))
            node_json_fail(&p->json, "storage", "one slot stands there twice");
    }
}

static void check_account(struct parse *p, const struct node_genesis_account *a)
{
    const struct exec_account account = {.nonce = a->nonce, .code_bytes = (uint32_t)a->code.len};
    enum exec_genesis v = exec_genesis_account(&account, a->code, a->slot_count > 0);
    if (v != EXEC_GENESIS_OK)
        refuse(p, TD_E_RANGE, NULL, exec_genesis_text(v));
    if (exec_system_is(&a->addr) || td_addr_eq(&a->addr, &EXEC_HISTORY_ADDRESS))
        refuse(p, TD_E_RANGE, NULL, "the system writes this account itself: leave it out");
    if (!is_128_bits(&a->balance))
        refuse(p, TD_E_RANGE, "balance", "above 2^128");
}

static void get_account(struct parse *p, const char *addr, const json_t *in,
                        struct node_genesis_account *a)
{
    if (!json_is_object(in)) {
        node_json_fail(&p->json, NULL, "not an object");
        return;
    }
    node_json_known(&p->json, in, "balance nonce code storage");
    node_json_text_addr(&p->json, addr, NULL, &a->addr);
    node_json_u256(&p->json, in, "balance", &a->balance);
    a->nonce = number(p, in, "nonce", 0, NUMBER_MAX);
    a->code = node_json_bytes(&p->json, in, "code");
    get_storage(p, in, a);
    if (ok(p))
        check_account(p, a);
}

static void get_alloc(struct parse *p, const json_t *root)
{
    struct node_genesis *g = p->g;
    json_t *alloc = node_json_object(&p->json, root, "alloc"), *value;
    const char *key;
    if (alloc == NULL)
        return;
    g->accounts = node_json_room(&p->json, json_object_size(alloc), sizeof *g->accounts);
    json_object_foreach(alloc, key, value)
    {
        if (!ok(p))
            return;
        node_json_at(&p->json, "alloc.%.42s", key);
        get_account(p, key, value, &g->accounts[g->account_count++]);
    }
    node_json_at(&p->json, "%s", "");
    if (!ok(p) || g->account_count == 0)
        return;
    qsort(g->accounts, g->account_count, sizeof *g->accounts, by_addr);
    for (uint32_t i = 1; i < g->account_count; i++) {
        if (td_addr_eq(&g->accounts[i - 1u].addr, &g->accounts[i].addr))
            node_json_fail(&p->json, "alloc", "one address stands there twice");
    }
}

/* ---- the whole */

static void get_all(struct parse *p, const json_t *root)
{
    struct node_genesis *g = p->g;
    if (!json_is_object(root)) {
        node_json_fail(&p->json, NULL, "not an object");
        return;
    }
    (void)number(p, root, "version", NODE_GENESIS_VERSION, NODE_GENESIS_VERSION);
    node_json_known(&p->json, root,
                    "version name l1 chainId timestampMs blockIntervalMs deltaMs epochLength "
                    "validatorsMax maxBlockTxs maxBlockBytes gasLimit nativeLimit txNativeMax "
                    "nativePerGas gasPerPubdataByte baseFeeMin baseFee feeVault batch validators "
                    "development alloc");
    text(p, root, "name", g->name, sizeof g->name);
    get_l1(p, root);
    g->chain_id = number(p, root, "chainId", 1, NUMBER_MAX);
    g->timestamp_ms = number(p, root, "timestampMs", 0, TIMESTAMP_MS_MAX);
    get_limits(p, root);
    get_batch(p, root);
    get_validators(p, root);
    if (ok(p) && json_object_get(root, "development") == NULL)
        node_json_fail(&p->json, "development", "missing");
    g->development = node_json_opt_bool(&p->json, root, "development", false);
    get_alloc(p, root);
}

static void derive(struct parse *p)
{
    enum exec_genesis verdict;
    char what[96];
    enum td_error err = node_genesis_derive(p->g, &verdict);
    if (err != TD_OK) {
        snprintf(what, sizeof what, "its state cannot be built: %s", td_error_text(err));
        refuse(p, err, "alloc", what);
    } else if (verdict != EXEC_GENESIS_OK) {
        refuse(p, TD_E_RANGE, NULL, exec_genesis_text(verdict));
    }
}

enum td_error node_genesis_parse(struct node_genesis *g, struct td_bytes json,
                                 struct node_genesis_error *error)
{
    struct parse p = {.err = TD_E_MALFORMED, .g = g};
    *g = (struct node_genesis){.name = ""};
    if (json.len > NODE_GENESIS_BYTES_MAX) {
        snprintf(error->text, sizeof error->text, "genesis: larger than 64 MiB");
        return TD_E_LIMIT;
    }
    if (td_mem_arena_new(&g->arena, PARSED_BYTES(json.len)) != TD_OK) {
        snprintf(error->text, sizeof error->text, "genesis: no memory to parse it");
        return TD_E_NOMEM;
    }
    node_json_init(&p.json, &g->arena);
    json_t *root = node_json_parse(&p.json, json.len == 0 ? "" : (const char *)json.ptr, json.len);
    if (root != NULL)
        get_all(&p, root);
    json_decref(root);
    if (ok(&p))
        derive(&p);
    if (ok(&p)) {
        error->text[0] = '\0';
        return TD_OK;
    }
    snprintf(error->text, sizeof error->text, "genesis: %.300s", p.json.error);
    node_genesis_free(g);
    return p.err;
}

/* ---- files */

static enum td_error read_all(FILE *f, char **out, size_t *len)
{
    struct stat about;
    *out = NULL;
    if (fstat(fileno(f), &about) != 0 || !S_ISREG(about.st_mode))
        return TD_E_IO;
    if ((uint64_t)about.st_size > NODE_GENESIS_BYTES_MAX)
        return TD_E_LIMIT;
    *out = malloc((size_t)about.st_size + 1u);
    if (*out == NULL)
        return TD_E_NOMEM;
    *len = fread(*out, 1, (size_t)about.st_size, f);
    return *len == (size_t)about.st_size ? TD_OK : TD_E_IO;
}

enum td_error node_genesis_load(struct node_genesis *g, const char *path,
                                struct node_genesis_error *error)
{
    struct node_genesis_error inner;
    char *json;
    size_t len = 0;
    *g = (struct node_genesis){.name = ""};
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        snprintf(error->text, sizeof error->text, "cannot open %.200s: %s", path, strerror(errno));
        return errno == ENOENT ? TD_E_NOTFOUND : TD_E_IO;
    }
    enum td_error err = read_all(f, &json, &len);
    fclose(f);
    if (err == TD_OK) {
        err = node_genesis_parse(g, td_bytes_of(json, len), &inner);
        if (err != TD_OK)
            snprintf(error->text, sizeof error->text, "%.100s: %.210s", path,
                     inner.text + strlen("genesis: "));
    } else {
        snprintf(error->text, sizeof error->text, "cannot read %.200s: %s", path,
                 err == TD_E_LIMIT ? "larger than 64 MiB" : td_error_text(err));
    }
    free(json);
    return err;
}

void node_genesis_free(struct node_genesis *g)
{
    td_mem_arena_free(&g->arena);
    *g = (struct node_genesis){.name = ""};
}

/* ---- defaults */

void node_genesis_defaults(struct node_genesis *g)
{
    *g = (struct node_genesis){
        .name = "devnet",
        .l1_chain_id = 31337,
        .chain_id = 271828,
        .block_interval_ms = TD_BLOCK_INTERVAL_MS_DEFAULT,
        .delta_ms = TD_DELTA_MS_DEFAULT,
        .epoch_length = 3600, /* an hour of blocks of a second */
        .validators_max = TD_VALIDATORS_DEFAULT,
        .txs_max = TD_TXS_PER_BLOCK_MAX,
        .payload_bytes_max = TD_PAYLOAD_BYTES_MAX,
        /* A batch a minute or so, within an epoch, and never more than L1 takes blobs for. */
        .batch_blocks_min = 16,
        .batch_blocks_max = 64,
        .batch_ms_max = 120000,
        .batch_native_max = UINT64_C(2000000000),
        .batch_bytes_max = 700000,
        .base_fee = exec_u256_of(1000000000), /* a gwei, as London began */
    };
    g->params = (struct exec_chain){
        .chain_id = g->chain_id,
        .l1_chain_id = g->l1_chain_id,
        .gas_limit = 30000000,
        .native_limit = 40000000, /* docs/executor.md */
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}},
    };
}
