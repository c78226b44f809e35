/* Transactions handed in, what waits, filters and subscriptions.  Method: a wallet's transactions,
 * as it would sign them; what the pool says comes back in go-ethereum's words. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/node/rpc_fake.h"

static struct rpc_world w;
static const struct td_addr TARGET = {{0x77, [19] = 1}};

static void build(void)
{
    rpc_world_open(&w, NULL);
    rpc_world_block(&w);
}

static void drop(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_pool, .init = build, .fini = drop);

static void expect(const char *got, const char *answer)
{
    cr_expect_str_eq(got, answer, "%s, not %s", got, answer);
}

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "no %s in %s", part, text);
}

static struct exec_tx plain(uint64_t nonce)
{
    return (struct exec_tx){.type = 2,
                            .chain_id = w.bed.genesis->chain_id,
                            .has_chain_id = true,
                            .nonce = nonce,
                            .gas_limit = 100000,
                            .fee_cap = exec_u256_of(3000000000),
                            .tip_cap = exec_u256_of(1),
                            .to = TARGET,
                            .value = exec_u256_of(1)};
}

/* Signed by account `from`; the bytes as hex. */
static const char *signed_by(uint32_t from, struct exec_tx tx, struct td_bytes *raw)
{
    struct td_secp_key key;
    genesis_key(w.bed.wallet.secp, &key, from);
    cr_assert_eq(node_ledger_sign(&w.bed.wallet, &tx, &key), TD_OK);
    cr_assert_eq(node_ledger_encode(&w.bed.wallet, raw, &tx), TD_OK);
    return rpc_hex(raw->ptr, raw->len);
}

static const char *hand_in(uint32_t from, struct exec_tx tx)
{
    struct td_bytes raw;
    const char *hex = signed_by(from, tx, &raw);
    return rpc_call(&w, 0, "eth_sendRawTransaction", "\"%s\"", hex);
}

static struct td_hash hash_of(uint32_t from, struct exec_tx tx)
{
    struct td_bytes raw;
    struct td_hash hash;
    (void)signed_by(from, tx, &raw);
    td_keccak256(&hash, raw.ptr, raw.len);
    return hash;
}

#define ERROR(message) "{\"code\":-32000,\"message\":\"" message "\"}"

Test(rpc_pool, refusals_in_the_words_that_wallets_know)
{
    struct exec_tx tx = plain(0);
    tx.gas_limit = 20000;
    expect(hand_in(0, tx), ERROR("intrinsic gas too low"));
    tx = plain(0);
    tx.chain_id = 1;
    expect(hand_in(0, tx), ERROR("invalid sender: invalid chain id for signer"));
    tx = plain(0);
    tx.gas_limit = 30000001;
    expect(hand_in(0, tx), ERROR("exceeds block gas limit"));
    tx = plain(0);
    tx.tip_cap = exec_u256_of(4000000000);
    expect(hand_in(0, tx), ERROR("max priority fee per gas higher than max fee per gas"));
    tx = plain(0);
    tx.value = (struct exec_u256){{0, 0, 1, 0}};
    expect(hand_in(0, tx), ERROR("insufficient funds for gas * price + value"));
    expect(rpc_call(&w, 0, "eth_sendRawTransaction", "\"0x\""),
           ERROR("rlp: malformed transaction"));
    expect(rpc_call(&w, 0, "eth_sendRawTransaction", "\"0x03c0\""),
           ERROR("transaction type not supported"));
    expect(rpc_call(&w, 0, "eth_sendRawTransaction", "\"0xc0\""),
           ERROR("rlp: malformed transaction"));
    static char large[2u * (128u << 10) + 16u];
    memset(large, '0', sizeof large - 1u);
    memcpy(large, "\"0x", 3);
    large[2u * (128u << 10) + 5u] = '"';
    large[2u * (128u << 10) + 6u] = '\0';
    expect(rpc_call(&w, 0, "eth_sendRawTransaction", "%s", large),
           ERROR("oversized data: transaction size 131073, limit 131072"));
    /* what the pool itself says */
    char hash[80];
    struct td_hash h = hash_of(0, plain(0));
    snprintf(hash, sizeof hash, "\"%s\"", rpc_hex(h.b, sizeof h.b));
    expect(hand_in(0, plain(0)), hash);
    expect(hand_in(0, plain(0)), ERROR("already known"));
    tx = plain(0);
    tx.value = exec_u256_of(2);
    expect(hand_in(0, tx), ERROR("replacement transaction underpriced"));
    bed_transfer(&w.bed, 1, &TARGET, 1);
    rpc_world_block(&w);
    expect(hand_in(1, plain(0)), ERROR("nonce too low"));
}

Test(rpc_pool, pending_transactions_are_seen)
{
    char sender[43];
    struct td_hash h = hash_of(0, plain(0));
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_addr addr;
    genesis_key(w.bed.wallet.secp, &key, 0);
    td_secp_key_pub(w.bed.wallet.secp, &pub, &key);
    td_secp_pub_addr(w.bed.wallet.secp, &addr, &pub);
    snprintf(sender, sizeof sender, "%s", rpc_hex(addr.b, 20));
    expect(rpc_call(&w, 0, "eth_getTransactionByHash", "\"%s\"", rpc_hex(h.b, 32)), "null");
    (void)hand_in(0, plain(0));
    (void)hand_in(0, plain(1));
    (void)hand_in(0, plain(5));
    const char *t = rpc_call(&w, 0, "eth_getTransactionByHash", "\"%s\"", rpc_hex(h.b, 32));
    expect_part(t, "{\"blockHash\":null,\"blockNumber\":null,\"transactionIndex\":null,");
    expect_part(t, sender);
    expect(rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"", rpc_hex(h.b, 32)), "null");
    expect(rpc_call(&w, 0, "eth_getTransactionCount", "\"%s\",\"pending\"", sender), "\"0x2\"");
    expect(rpc_call(&w, 0, "eth_getTransactionCount", "\"%s\",\"latest\"", sender), "\"0x0\"");
    expect(rpc_call(&w, 0, "txpool_status", " "), "{\"pending\":\"0x2\",\"queued\":\"0x1\"}");
    expect(rpc_call(&w, 0, "txpool_inspect", " "),
           "{\"pending\":{\"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf\":{"
           "\"0\":\"0x7700000000000000000000000000000000000001: 1 wei + 100000 gas \xc3\x97 "
           "3000000000 wei\","
           "\"1\":\"0x7700000000000000000000000000000000000001: 1 wei + 100000 gas \xc3\x97 "
           "3000000000 wei\"}},"
           "\"queued\":{\"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf\":{"
           "\"5\":\"0x7700000000000000000000000000000000000001: 1 wei + 100000 gas \xc3\x97 "
           "3000000000 wei\"}}}");
    t = rpc_call(&w, 0, "txpool_contentFrom", "\"%s\"", sender);
    expect_part(t, "{\"pending\":{\"0\":{\"blockHash\":null,");
    t = rpc_call(&w, 0, "txpool_content", " ");
    expect_part(t, "\"queued\":{\"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf\":{\"5\":{");
    expect(rpc_call(&w, 0, "txpool_contentFrom", "\"0x0000000000000000000000000000000000000001\""),
           "{\"pending\":{},\"queued\":{}}");
    /* in a batch, what was sent before is counted */
    struct td_bytes raw;
    static char body[4096];
    snprintf(
        body, sizeof body,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_getTransactionCount\",\"params\":[\"%s\","
        "\"pending\"]}]",
        signed_by(0, plain(2), &raw), sender);
    expect_part(rpc_ask(&w, body), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"0x3\"}");
}

static const char *unquoted(const char *quoted)
{
    static char texts[4][128];
    static uint32_t next;
    char *t = texts[next++ % 4u];
    snprintf(t, sizeof texts[0], "%.*s", (int)strcspn(quoted + 1, "\""), quoted + 1);
    return t;
}

Test(rpc_pool, filters_tell_what_came_since)
{
    const char *blocks = unquoted(rpc_call(&w, 0, "eth_newBlockFilter", " "));
    const char *pending = unquoted(rpc_call(&w, 0, "eth_newPendingTransactionFilter", " "));
    const char *logs = unquoted(rpc_call(&w, 0, "eth_newFilter", "{\"fromBlock\":\"0x0\"}"));
    cr_expect_eq(strlen(blocks), 34u, "%s", blocks);
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", blocks), "[]");
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", pending), "[]");
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", logs), "[]");
    (void)hand_in(0, plain(0));
    struct td_hash h = hash_of(0, plain(0));
    char one[160];
    snprintf(one, sizeof one, "[\"%s\"]", rpc_hex(h.b, 32));
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", pending), one);
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", pending), "[]");
    /* a contract whose creation and call each log */
    static const uint8_t LOGGER[] = {0x60, 0x00, 0x60, 0x00, 0xa0, 0x00}; /* log0(0, 0) */
    bed_create(&w.bed, 2, td_bytes_of(LOGGER, sizeof LOGGER));
    rpc_world_block(&w);
    snprintf(one, sizeof one, "[\"%s\"]", rpc_hex(w.bed.hash.b, 32));
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", blocks), one);
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", blocks), "[]");
    expect_part(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", logs), "[{\"address\":\"0x");
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", logs), "[]");
    expect_part(rpc_call(&w, 0, "eth_getFilterLogs", "\"%s\"", logs), "[{\"address\":\"0x");
    expect(rpc_call(&w, 0, "eth_getFilterLogs", "\"%s\"", blocks), ERROR("filter not found"));
    expect(rpc_call(&w, 0, "eth_uninstallFilter", "\"%s\"", logs), "true");
    expect(rpc_call(&w, 0, "eth_uninstallFilter", "\"%s\"", logs), "false");
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", logs), ERROR("filter not found"));
    /* left alone for five minutes */
    td_clock_virtual_add(&w.clock, UINT64_C(301000000000));
    expect(rpc_call(&w, 0, "eth_getFilterChanges", "\"%s\"", blocks), ERROR("filter not found"));
}

Test(rpc_pool, filters_are_bounded)
{
    for (uint32_t i = 0; i < 10000; i++)
        cr_assert_eq(rpc_call(&w, 0, "eth_newBlockFilter", " ")[0], '"');
    expect(rpc_call(&w, 0, "eth_newBlockFilter", " "),
           "{\"code\":-32005,\"message\":\"too many filters: at most 10000\"}");
    td_clock_virtual_add(&w.clock, UINT64_C(301000000000));
    cr_expect_eq(rpc_call(&w, 0, "eth_newBlockFilter", " ")[0], '"');
}

Test(rpc_pool, subscriptions_push)
{
    const char *heads = unquoted(rpc_call(&w, 5, "eth_subscribe", "\"newHeads\""));
    const char *logs = unquoted(rpc_call(&w, 6, "eth_subscribe", "\"logs\",{}"));
    const char *pending = unquoted(rpc_call(&w, 7, "eth_subscribe", "\"newPendingTransactions\""));
    char begin[160];
    (void)hand_in(0, plain(0));
    cr_assert_eq(rpc_push_count, 1);
    cr_expect_eq(rpc_pushes[0].conn, 7);
    struct td_hash h = hash_of(0, plain(0));
    snprintf(
        begin, sizeof begin,
        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"%s\","
        "\"result\":\"%.20s",
        pending, rpc_hex(h.b, 32));
    expect_part(rpc_pushes[0].text, begin);
    rpc_pushes_forget();
    static const uint8_t LOGGER[] = {0x60, 0x00, 0x60, 0x00, 0xa0, 0x00};
    bed_create(&w.bed, 2, td_bytes_of(LOGGER, sizeof LOGGER));
    rpc_world_block(&w);
    rpc_world_block(&w);
    rpc_world_await(&w, 3);
    cr_expect_eq(rpc_pushes[0].conn, 5);
    expect_part(rpc_pushes[0].text, heads);
    expect_part(rpc_pushes[0].text, "\"number\":\"0x2\"");
    cr_expect_eq(rpc_pushes[1].conn, 6);
    expect_part(rpc_pushes[1].text, logs);
    expect_part(rpc_pushes[1].text, "\"blockNumber\":\"0x2\"");
    expect_part(rpc_pushes[2].text, "\"number\":\"0x3\"");
    rpc_pushes_forget();
    /* another connection's is not one's own */
    expect(rpc_call(&w, 5, "eth_unsubscribe", "\"%s\"", logs), ERROR("subscription not found"));
    expect(rpc_call(&w, 6, "eth_unsubscribe", "\"%s\"", logs), "true");
    node_rpc_closed(&w.port, 5);
    expect(rpc_call(&w, 5, "eth_unsubscribe", "\"%s\"", heads), ERROR("subscription not found"));
    /* who cannot be told is forgotten */
    rpc_push_refused = true;
    (void)hand_in(0, plain(1));
    rpc_push_refused = false;
    (void)hand_in(0, plain(2));
    cr_expect_eq(rpc_push_count, 0);
    expect(
        rpc_call(&w, 5, "eth_subscribe", "\"syncing\""),
        "{\"code\":-32601,\"message\":\"no \\u0022syncing\\u0022 subscription in eth namespace\"}");
}

Test(rpc_pool, subscriptions_are_bounded)
{
    for (uint64_t conn = 1; conn <= 16; conn++)
        for (uint32_t i = 0; i < 64; i++)
            cr_assert_eq(rpc_call(&w, conn, "eth_subscribe", "\"newHeads\"")[0], '"');
    expect(rpc_call(&w, 1, "eth_subscribe", "\"newHeads\""),
           "{\"code\":-32005,\"message\":\"too many subscriptions: at most 64 a connection\"}");
    expect(rpc_call(&w, 99, "eth_subscribe", "\"newHeads\""),
           "{\"code\":-32005,\"message\":\"too many subscriptions: at most 1024\"}");
    node_rpc_closed(&w.port, 1);
    cr_expect_eq(rpc_call(&w, 99, "eth_subscribe", "\"newHeads\"")[0], '"');
}

Test(rpc_pool, tandem)
{
    const char *s = rpc_call(&w, 0, "tandem_status", " ");
    expect_part(s, "{\"name\":\"n0\",");
    expect_part(s, "\"mode\":\"active\"");
    expect_part(s, "\"latest\":\"0x1\"");
    s = rpc_call(&w, 0, "tandem_consensus", " ");
    expect_part(s, "\"leader\":\"0x1\",\"signer\":null");
    s = rpc_call(&w, 0, "tandem_validators", " ");
    expect_part(s, "[{\"index\":\"0x0\",\"address\":\"0x");
    expect_part(s, "\"stake\":\"0x64\",\"online\":false");
    expect(rpc_call(&w, 0, "tandem_getQuorumCertificate", "\"0x1\""), "null");
    expect(rpc_call(&w, 0, "tandem_getFinality", "\"0x9\""), "null");
    s = rpc_call(&w, 0, "tandem_getFinality", "\"latest\"");
    expect_part(s, "\"stage\":\"final\",\"final\":true,\"attested\":false,\"safe\":false");
    s = rpc_call(&w, 0, "tandem_getFinality", "\"0x0\"");
    expect_part(s, "\"stage\":\"finalized\"");
    struct td_hash h = bed_transfer(&w.bed, 1, &TARGET, 1);
    rpc_world_block(&w);
    s = rpc_call(&w, 0, "tandem_getFinality", "\"%s\"", rpc_hex(h.b, 32));
    expect_part(s, "{\"blockNumber\":\"0x2\"");
}
