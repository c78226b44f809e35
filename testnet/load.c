/* `tandem testnet load`: transfers at a steady rate, and how long each took into a block.
 *
 *     one thread per node: sign ─▶ batch ─▶ POST ─▶ (hash, time) of what was accepted ─┐
 *     main thread: newest block every WATCH_MS ─▶ (hash, time) of what is in it ───────┴─▶ match
 *
 * 1. An account's transactions all go to one node, in order of their nonces: what arrives by gossip
 *    out of order would wait in the pool, and that is not what is measured here.
 * 2. The rate is kept by the clock: a slow answer is caught up with, at most one batch a turn.
 * 3. A transaction that is refused ends its account's sequence there: the nonce is asked again. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/clock.h"
#include "node/exit_codes.h"
#include "node/wallet/transfer.h"
#include "testnet/accounts.h"
#include "testnet/commands.h"
#include "testnet/rpc.h"

#define TPS_MAX 100000u
#define SECONDS_MAX 86400u
#define ACCOUNTS_MAX 10000u
/* Records kept: 40 bytes each, 400 MB at most. */
#define SENT_MAX 10000000u
#define TURN_MS 20      /* a batch at most this often per node */
#define WATCH_MS 20     /* resolution of what is measured */
#define DRAIN_MS 20000u /* for what is sent but in no block yet */
#define RPC_TIMEOUT_MS 10000u
/* "0x", two digits a byte, and the call around it. */
#define CALL_BYTES (2u * NODE_TRANSFER_BYTES_MAX + 128u)

struct account {
    struct td_secp_key key;
    struct td_addr addr;
    uint64_t nonce;
    bool known; /* nonce is the node's */
};

struct record {
    struct td_hash hash;
    uint64_t at_ns;
};

struct load;

struct sender {
    struct load *load;
    uint32_t node;
    struct account *accounts;
    uint32_t account_count, next;
    double rate; /* a second */
    struct node_http_client http;
    struct record *sent;
    uint32_t sent_count, sent_cap;
    uint64_t tried, refused, failed;
    char why[120]; /* of the first refusal or failure */
    pthread_t thread;
};

struct load {
    struct testnet net;
    struct node_cli cli;
    FILE *out, *err;
    struct td_secp *secp; /* read-only, shared */
    struct td_clock clock;
    uint64_t tps, seconds, account_count;
    uint64_t gas_limit, begin_ns, end_ns;
    uint64_t chain_id;
    struct account *accounts;
    struct sender *senders;
    uint32_t sender_count;
    /* What blocks held; main thread. */
    struct record *seen;
    size_t seen_count, seen_cap;
    uint64_t height;
};

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* ---- one transfer, one batch */

static struct node_transfer transfer_of(const struct load *l, uint64_t nonce,
                                        const struct td_addr *to, uint64_t gwei)
{
    struct node_transfer t = {.chain_id = l->chain_id, .nonce = nonce, .gas_limit = l->gas_limit};
    t.to = *to;
    t.fee_cap.limb[0] =
        UINT64_C(100000000000); /* far above what a full chain asks; not all taken */
    t.tip_cap.limb[0] = UINT64_C(1000000000);
    t.value = (struct td_wei){{1000000000, 0, 0, 0}};
    TD_ASSERT(td_wei_mul_u64(&t.value, &t.value, gwei, 0) == TD_OK);
    return t;
}

/* Append the call that hands in one transfer. */
static size_t put_call(char *out, size_t cap, uint32_t id, const uint8_t *raw, size_t raw_len)
{
    char hex[2u * NODE_TRANSFER_BYTES_MAX + 3u];
    TD_ASSERT(td_hex_encode(hex, sizeof hex, TD_HEX_PREFIXED, raw, raw_len) == TD_OK);
    int n = snprintf(out, cap,
                     "%s{\"jsonrpc\":\"2.0\",\"id\":%" PRIu32
                     ",\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]}",
                     id == 0 ? "[" : ",", id, hex);
    TD_ASSERT(n > 0 && (size_t)n < cap);
    return (size_t)n;
}

struct batch {
    char text[TESTNET_BATCH_MAX * CALL_BYTES + 2u];
    size_t len;
    struct record items[TESTNET_BATCH_MAX];
    struct account *from[TESTNET_BATCH_MAX];
    uint32_t count;
};

static void batch_add(const struct load *l, struct batch *b, struct account *from,
                      const struct td_addr *to, uint64_t gwei)
{
    uint8_t raw[NODE_TRANSFER_BYTES_MAX];
    size_t len;
    struct node_transfer t = transfer_of(l, from->nonce, to, gwei);
    TD_ASSERT(b->count < TESTNET_BATCH_MAX);
    TD_ASSERT(node_transfer_sign(raw, &len, &b->items[b->count].hash, l->secp, &from->key, &t) ==
              TD_OK);
    from->nonce++;
    b->from[b->count] = from;
    b->items[b->count].at_ns = td_clock_mono_ns(&l->clock);
    b->len += put_call(b->text + b->len, sizeof b->text - 1u - b->len, b->count, raw, len);
    b->count++;
}

static void remember_why(struct sender *s, const char *why)
{
    if (s->why[0] == '\0')
        snprintf(s->why, sizeof s->why, "%s", why);
}

static void batch_send(struct sender *s, struct batch *b)
{
    json_t *answers[TESTNET_BATCH_MAX];
    b->text[b->len++] = ']';
    json_t *root = testnet_rpc_batch(&s->http, td_bytes_of(b->text, b->len), answers, b->count);
    s->tried += b->count;
    if (root == NULL)
        remember_why(s, s->http.why);
    for (uint32_t i = 0; i < b->count; i++) {
        const json_t *result = root == NULL ? NULL : json_object_get(answers[i], "result");
        if (json_is_string(result)) {
            if (s->sent_count < s->sent_cap)
                s->sent[s->sent_count++] = b->items[i];
            continue;
        }
        b->from[i]->known = false;
        if (root == NULL) {
            s->failed++;
            continue;
        }
        s->refused++;
        const char *text =
            json_string_value(json_object_get(json_object_get(answers[i], "error"), "message"));
        remember_why(s, text == NULL ? "no answer" : text);
    }
    json_decref(root);
}

static bool ask_nonce(struct sender *s, struct account *a)
{
    char params[96], addr[TD_ADDR_TEXT_BYTES];
    td_addr_print(addr, &a->addr);
    snprintf(params, sizeof params, "[\"%s\",\"pending\"]", addr);
    a->known = testnet_rpc_number(&a->nonce, &s->http, "eth_getTransactionCount", params);
    if (!a->known)
        remember_why(s, s->http.why);
    return a->known;
}

/* ---- senders */

static void *send_loop(void *arg)
{
    struct sender *s = arg;
    const struct load *l = s->load;
    struct batch *b = malloc(sizeof *b);
    TD_ASSERT(b != NULL);
    for (;;) {
        uint64_t now = td_clock_mono_ns(&l->clock);
        uint64_t until = now < l->end_ns ? now : l->end_ns;
        uint64_t due = (uint64_t)(s->rate * (double)(until - l->begin_ns) / 1e9);
        b->count = 0;
        b->len = 0;
        while (b->count < TESTNET_BATCH_MAX && s->tried + b->count < due) {
            struct account *a = &s->accounts[s->next];
            s->next = (s->next + 1u) % s->account_count;
            if (!a->known && !ask_nonce(s, a)) {
                s->tried++;
                s->failed++;
                break;
            }
            batch_add(l, b, a, &s->accounts[s->next].addr, 1);
        }
        if (b->count > 0)
            batch_send(s, b);
        if (now >= l->end_ns)
            break;
        if (s->tried >= due)
            pause_ms(TURN_MS);
    }
    free(b);
    return NULL;
}

/* ---- blocks */

static void note_block(struct load *l, const json_t *block, uint64_t at_ns)
{
    size_t i;
    json_t *tx;
    json_array_foreach(json_object_get(block, "transactions"), i, tx)
    {
        struct record r = {.at_ns = at_ns};
        const char *text = json_string_value(tx);
        if (text == NULL || l->seen_count == l->seen_cap ||
            td_hex_decode_fixed(r.hash.b, TD_HASH_BYTES, TD_HEX_PREFIXED, text, strlen(text)) !=
                TD_OK)
            continue;
        l->seen[l->seen_count++] = r;
    }
}

static void watch(struct load *l, struct node_http_client *c)
{
    uint64_t height;
    if (!testnet_rpc_number(&height, c, "eth_blockNumber", "[]"))
        return;
    uint64_t now = td_clock_mono_ns(&l->clock);
    while (l->height < height) {
        char params[64];
        snprintf(params, sizeof params, "[\"0x%" PRIx64 "\",false]", l->height + 1u);
        json_t *block = testnet_rpc_call(c, "eth_getBlockByNumber", params);
        bool good = json_is_object(block);
        if (good) {
            note_block(l, block, now);
            l->height++;
        }
        json_decref(block);
        if (!good)
            return;
    }
}

/* ---- accounts */

static bool balance_is_zero(struct node_http_client *c, const struct td_addr *addr, bool *zero)
{
    char params[96], text[TD_ADDR_TEXT_BYTES];
    td_addr_print(text, addr);
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", text);
    json_t *v = testnet_rpc_call(c, "eth_getBalance", params);
    const char *s = json_string_value(v);
    bool good = s != NULL;
    *zero = good && strcmp(s, "0x0") == 0;
    json_decref(v);
    return good;
}

/* Give the accounts beyond the ten what they need, from the first of the ten. */
static int fund(struct load *l)
{
    struct sender s = {.load = l};
    struct batch *b = calloc(1, sizeof *b);
    TD_ASSERT(b != NULL);
    int code = NODE_EXIT_OK;
    testnet_rpc_init(&s.http, &l->net, 0, RPC_TIMEOUT_MS);
    struct account *bank = &l->accounts[0], *last = NULL;
    bool zero = false;
    if (!ask_nonce(&s, bank))
        code = NODE_EXIT_UNAVAILABLE;
    for (uint64_t i = TESTNET_DEV_ACCOUNTS; i < l->account_count && code == NODE_EXIT_OK; i++) {
        if (!balance_is_zero(&s.http, &l->accounts[i].addr, &zero))
            code = NODE_EXIT_UNAVAILABLE;
        if (code != NODE_EXIT_OK || !zero)
            continue;
        last = &l->accounts[i];
        batch_add(l, b, bank, &last->addr, 500000000); /* half an ETH */
        if (b->count == TESTNET_BATCH_MAX || i + 1u == l->account_count) {
            batch_send(&s, b);
            b->count = 0;
            b->len = 0;
        }
    }
    if (b->count > 0)
        batch_send(&s, b);
    uint64_t until = td_clock_mono_ns(&l->clock) + DRAIN_MS * UINT64_C(3000000);
    zero = last != NULL;
    while (code == NODE_EXIT_OK && s.refused == 0 && zero && td_clock_mono_ns(&l->clock) < until) {
        pause_ms(WATCH_MS * 5);
        if (!balance_is_zero(&s.http, &last->addr, &zero))
            code = NODE_EXIT_UNAVAILABLE;
    }
    if (code != NODE_EXIT_OK || s.refused > 0 || zero)
        code = node_cli_fail(&l->cli, l->err, NODE_EXIT_UNAVAILABLE, "cannot fund the accounts: %s",
                             s.why[0] != '\0'        ? s.why
                             : s.http.why[0] != '\0' ? s.http.why
                                                     : "no block took the transfers");
    bank->known = false;
    node_http_client_free(&s.http);
    free(b);
    return code;
}

static void make_accounts(struct load *l)
{
    l->accounts = calloc(l->account_count, sizeof *l->accounts);
    TD_ASSERT(l->accounts != NULL);
    for (uint32_t i = 0; i < l->account_count; i++) {
        struct account *a = &l->accounts[i];
        if (i < TESTNET_DEV_ACCOUNTS)
            testnet_dev_key(l->secp, &a->key, &a->addr, i);
        else
            testnet_load_key(l->secp, &a->key, &a->addr, i - TESTNET_DEV_ACCOUNTS);
    }
}

/* ---- result */

static int by_hash(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return td_hash_cmp(&x->hash, &y->hash);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t sum_sent(const struct load *l)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < l->sender_count; i++)
        sum += l->senders[i].sent_count;
    return sum;
}

/* Nanoseconds from signing to the block seen, of everything found in one; fills *count. */
static uint64_t *latencies(struct load *l, size_t *count)
{
    uint64_t *out = calloc(sum_sent(l) + 1u, sizeof *out);
    TD_ASSERT(out != NULL);
    *count = 0;
    qsort(l->seen, l->seen_count, sizeof *l->seen, by_hash);
    for (uint32_t i = 0; i < l->sender_count; i++) {
        const struct sender *s = &l->senders[i];
        for (uint32_t k = 0; k < s->sent_count; k++) {
            const struct record *r =
                bsearch(&s->sent[k], l->seen, l->seen_count, sizeof *l->seen, by_hash);
            if (r != NULL)
                out[(*count)++] = r->at_ns > s->sent[k].at_ns ? r->at_ns - s->sent[k].at_ns : 0;
        }
    }
    qsort(out, *count, sizeof *out, by_number);
    return out;
}

static uint64_t ms_at(const uint64_t *sorted, size_t count, uint32_t percent)
{
    return count == 0 ? 0 : sorted[(count - 1u) * percent / 100u] / 1000000u;
}

static int print_result(struct load *l)
{
    size_t included;
    uint64_t *ns = latencies(l, &included), tried = 0, refused = 0, failed = 0;
    uint64_t accepted = sum_sent(l);
    const char *why = "";
    for (uint32_t i = 0; i < l->sender_count; i++) {
        tried += l->senders[i].tried;
        refused += l->senders[i].refused;
        failed += l->senders[i].failed;
        why = why[0] == '\0' ? l->senders[i].why : why;
    }
    if (l->cli.json)
        fprintf(l->out,
                "{\"sent\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
                ",\"failed\":%" PRIu64 ",\"included\":%zu,\"acceptedPerSecond\":%.1f,"
                "\"latencyMs\":{\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
                ",\"max\":%" PRIu64 "}}\n",
                tried, accepted, refused, failed, included, (double)accepted / (double)l->seconds,
                ms_at(ns, included, 50), ms_at(ns, included, 90), ms_at(ns, included, 99),
                ms_at(ns, included, 100));
    else
        fprintf(l->out,
                "sent      %" PRIu64 " in %" PRIu64 " s\naccepted  %" PRIu64 " (%.1f a second)\n"
                "refused   %" PRIu64 ", failed %" PRIu64 "%s%s\nincluded  %zu\n"
                "latency   p50 %" PRIu64 " ms, p90 %" PRIu64 " ms, p99 %" PRIu64
                " ms, longest %" PRIu64 " ms (within %d ms)\n",
                tried, l->seconds, accepted, (double)accepted / (double)l->seconds, refused, failed,
                why[0] == '\0' ? "" : "; first: ", why, included, ms_at(ns, included, 50),
                ms_at(ns, included, 90), ms_at(ns, included, 99), ms_at(ns, included, 100),
                WATCH_MS);
    free(ns);
    return included == tried && tried > 0 ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

/* ---- run */

static int ask_chain(struct load *l, struct node_http_client *c)
{
    char params[192], from[TD_ADDR_TEXT_BYTES], to[TD_ADDR_TEXT_BYTES];
    td_addr_print(from, &l->accounts[0].addr);
    td_addr_print(to, &l->accounts[l->account_count - 1u].addr);
    snprintf(params, sizeof params, "[{\"from\":\"%s\",\"to\":\"%s\",\"value\":\"0x1\"}]", from,
             to);
    if (!testnet_rpc_number(&l->chain_id, c, "eth_chainId", "[]") ||
        !testnet_rpc_number(&l->gas_limit, c, "eth_estimateGas", params))
        return node_cli_fail(&l->cli, l->err, NODE_EXIT_UNAVAILABLE,
                             "n0 does not answer: %s\nStart the network: tandem testnet up",
                             c->why);
    l->gas_limit += l->gas_limit / 10u; /* published bytes may cost more a little later */
    return NODE_EXIT_OK;
}

/* Spread accounts and rate over the nodes: account i sends to sender i mod the number of them. */
static void make_senders(struct load *l)
{
    uint32_t nodes = testnet_count(&l->net), at = 0;
    l->sender_count = l->account_count < nodes ? (uint32_t)l->account_count : nodes;
    l->senders = calloc(l->sender_count, sizeof *l->senders);
    struct account *grouped = calloc(l->account_count, sizeof *grouped);
    TD_ASSERT(l->senders != NULL && grouped != NULL);
    for (uint32_t i = 0; i < l->sender_count; i++) {
        struct sender *s = &l->senders[i];
        s->load = l;
        s->node = i;
        s->accounts = grouped + at;
        for (uint32_t k = i; k < l->account_count; k += l->sender_count, at++)
            s->accounts[s->account_count++] = l->accounts[k];
        s->rate = (double)l->tps / (double)l->sender_count;
        s->sent_cap = (uint32_t)(s->rate * (double)l->seconds) + TESTNET_BATCH_MAX;
        s->sent = calloc(s->sent_cap, sizeof *s->sent);
        TD_ASSERT(s->sent != NULL);
        testnet_rpc_init(&s->http, &l->net, i, RPC_TIMEOUT_MS);
    }
    free(l->accounts);
    l->accounts = grouped;
    l->seen_cap = 2u * (size_t)(l->tps * l->seconds) + 4096u; /* others may send too */
    l->seen = calloc(l->seen_cap, sizeof *l->seen);
    TD_ASSERT(l->seen != NULL);
}

/* Until blocks hold everything that was accepted; others' transactions in them do not count. */
static void drain(struct load *l, struct node_http_client *c)
{
    uint64_t until = td_clock_mono_ns(&l->clock) + DRAIN_MS * UINT64_C(1000000);
    uint64_t height = UINT64_MAX;
    size_t included = 0;
    while (included < sum_sent(l) && td_clock_mono_ns(&l->clock) < until) {
        if (l->height != height) {
            height = l->height;
            free(latencies(l, &included));
            continue;
        }
        pause_ms(WATCH_MS);
        watch(l, c);
    }
}

static int send_all(struct load *l, struct node_http_client *c)
{
    l->begin_ns = td_clock_mono_ns(&l->clock);
    l->end_ns = l->begin_ns + l->seconds * UINT64_C(1000000000);
    for (uint32_t i = 0; i < l->sender_count; i++)
        TD_ASSERT(pthread_create(&l->senders[i].thread, NULL, send_loop, &l->senders[i]) == 0);
    while (td_clock_mono_ns(&l->clock) < l->end_ns) {
        watch(l, c);
        pause_ms(WATCH_MS);
    }
    for (uint32_t i = 0; i < l->sender_count; i++)
        pthread_join(l->senders[i].thread, NULL);
    drain(l, c);
    return print_result(l);
}

static int run(struct load *l)
{
    struct node_http_client c;
    l->secp = td_secp_new();
    TD_ASSERT(l->secp != NULL);
    l->clock = td_clock_system();
    make_accounts(l);
    testnet_rpc_init(&c, &l->net, 0, RPC_TIMEOUT_MS);
    int code = ask_chain(l, &c);
    if (code == NODE_EXIT_OK && l->account_count > TESTNET_DEV_ACCOUNTS)
        code = fund(l);
    if (code == NODE_EXIT_OK && !testnet_rpc_number(&l->height, &c, "eth_blockNumber", "[]"))
        code = node_cli_fail(&l->cli, l->err, NODE_EXIT_UNAVAILABLE, "n0: %s", c.why);
    if (code == NODE_EXIT_OK) {
        make_senders(l);
        code = send_all(l, &c);
    }
    for (uint32_t i = 0; i < l->sender_count; i++) {
        node_http_client_free(&l->senders[i].http);
        free(l->senders[i].sent);
    }
    node_http_client_free(&c);
    free(l->senders);
    free(l->accounts);
    free(l->seen);
    td_secp_free(l->secp);
    return code;
}

int testnet_load_run(FILE *out, FILE *err, int argc, char **argv)
{
    const char *dir = NULL, *tps = NULL, *seconds = NULL, *accounts = NULL;
    const struct node_cli_flag flags[] = {
        {.name = "--dir", .value = &dir},
        {.name = "--tps", .value = &tps},
        {.name = "--seconds", .value = &seconds},
        {.name = "--accounts", .value = &accounts},
    };
    const struct node_cli_spec spec = {
        .command = "testnet load",
        .usage = "usage: tandem testnet load --tps N [--seconds 10] [--accounts 10] [--json]\n\n"
                 "Sends transfers of the development accounts to all nodes and times them into "
                 "blocks.\nAccounts beyond ten are made and funded first.  Exit 1 unless all were "
                 "included.",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0]};
    struct load *l = calloc(1, sizeof *l);
    TD_ASSERT(l != NULL);
    l->out = out;
    l->err = err;
    int code = node_cli_parse(&l->cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !l->cli.help) {
        if (tps == NULL || !node_cli_number(&l->tps, tps, 1, TPS_MAX) ||
            !node_cli_number(&l->seconds, seconds == NULL ? "10" : seconds, 1, SECONDS_MAX) ||
            !node_cli_number(&l->account_count, accounts == NULL ? "10" : accounts, 1,
                             ACCOUNTS_MAX) ||
            l->tps * l->seconds > SENT_MAX)
            code = node_cli_fail(&l->cli, err, NODE_EXIT_USAGE,
                                 "--tps 1 to %u, --seconds 1 to %u, --accounts 1 to %u, %u "
                                 "transactions in all",
                                 TPS_MAX, SECONDS_MAX, ACCOUNTS_MAX, SENT_MAX);
        if (code == NODE_EXIT_OK)
            code = testnet_find(&l->net, &l->cli, err, dir);
        if (code == NODE_EXIT_OK)
            code = run(l);
    }
    free(l);
    return code;
}
