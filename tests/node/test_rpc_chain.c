/* Methods over a chain of four blocks: transfers and an invalid one, a contract, its logs, nothing.
 * Method: calls in, whole answers or the members that matter out. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/node/rpc_fake.h"

static struct rpc_world w;
static struct td_hash transfer, skipped, creation, logging;
static struct td_addr contract, sender[4];
static char CONTRACT[43], SENDER[43], TARGET_TEXT[43];
static const struct td_addr TARGET = {{0x77, [19] = 1}};

static void address_of(struct td_addr *out, uint32_t account)
{
    struct td_secp_key key;
    struct td_secp_pub pub;
    genesis_key(w.bed.wallet.secp, &key, account);
    td_secp_key_pub(w.bed.wallet.secp, &pub, &key);
    td_secp_pub_addr(w.bed.wallet.secp, out, &pub);
}

static void build(void)
{
    uint8_t input[33] = {3, [32] = 0xcc};
    rpc_world_open(&w, NULL);
    for (uint32_t i = 0; i < 4; i++)
        address_of(&sender[i], i);
    transfer = bed_transfer(&w.bed, 0, &TARGET, 5);
    skipped = bed_transfer_at(&w.bed, 1, &TARGET, 99);
    bed_transfer(&w.bed, 1, &TARGET, 6);
    rpc_world_block(&w);
    creation = bed_create(&w.bed, 2, td_bytes_of(RPC_CONTRACT, RPC_CONTRACT_BYTES));
    rpc_world_block(&w);
    const char *receipt = rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"",
                                   rpc_hex(creation.b, sizeof creation.b));
    const char *at = strstr(receipt, "\"contractAddress\":\"");
    cr_assert_not_null(at, "%s", receipt);
    snprintf(CONTRACT, sizeof CONTRACT, "%s", at + strlen("\"contractAddress\":\""));
    for (size_t i = 0; i < sizeof contract.b; i++) {
        unsigned v;
        sscanf(CONTRACT + 2u + 2u * i, "%2x", &v);
        contract.b[i] = (uint8_t)v;
    }
    logging = bed_call(&w.bed, 3, &contract, td_bytes_of(NULL, 0));
    bed_call(&w.bed, 3, &contract, td_bytes_of(input, sizeof input));
    input[0] = 2;
    bed_call(&w.bed, 0, &contract, td_bytes_of(input, sizeof input)); /* reverts */
    rpc_world_block(&w);
    rpc_world_block(&w);
    snprintf(SENDER, sizeof SENDER, "%s", rpc_hex(sender[0].b, 20));
    snprintf(TARGET_TEXT, sizeof TARGET_TEXT, "%s", rpc_hex(TARGET.b, 20));
}

static void drop(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_chain, .init = build, .fini = drop);

static void expect(const char *method, const char *params, const char *answer)
{
    const char *got = rpc_call(&w, 0, method, "%s", params);
    cr_expect_str_eq(got, answer, "%s(%s): %s", method, params, got);
}

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "no %s in %s", part, text);
}

#define ERROR(code, message) "{\"code\":" code ",\"message\":\"" message "\"}"

Test(rpc_chain, constants_and_heads)
{
    static const char *const CASES[][3] = {
        {"eth_blockNumber", "", "\"0x4\""},
        {"eth_accounts", "", "[]"},
        {"eth_syncing", "", "false"},
        {"net_listening", "", "true"},
        {"net_peerCount", "", "\"0x3\""},
        {"eth_blobBaseFee", "", "\"0x1\""},
        {"eth_getUncleCountByBlockNumber", "\"latest\"", "\"0x0\""},
        {"eth_getUncleByBlockNumberAndIndex", "\"latest\",\"0x0\"", "null"},
        {"eth_getBlockTransactionCountByNumber", "\"0x1\"", "\"0x2\""},
        {"eth_getBlockTransactionCountByNumber", "\"0x9\"", "null"},
        {"eth_getBlockTransactionCountByNumber", "\"pending\"", "\"0x0\""},
        {"eth_getBlockByNumber", "\"0x5\",false", "null"},
        {"eth_getBlockReceipts", "\"0x5\"", "null"},
        {"eth_getBlockReceipts", "\"0x0\"", "[]"},
        {"eth_getTransactionByBlockNumberAndIndex", "\"0x1\",\"0x2\"", "null"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect(CASES[i][0], CASES[i][1], CASES[i][2]);
    w.syncing = true;
    expect("eth_syncing", "",
           "{\"startingBlock\":\"0x0\",\"currentBlock\":\"0x4\",\"highestBlock\":\"0x63\"}");
}

Test(rpc_chain, blocks)
{
    const char *b = rpc_call(&w, 0, "eth_getBlockByNumber", "\"0x1\",false");
    char part[256];
    expect_part(b, "\"number\":\"0x1\"");
    expect_part(b, "\"timestamp\":\"0x6553f101\"");
    expect_part(b, "\"difficulty\":\"0x0\"");
    expect_part(b, "\"uncles\":[]");
    /* the invalid one is not there, and indices count what is */
    snprintf(part, sizeof part, "\"transactions\":[\"%s\",\"0x", rpc_hex(transfer.b, 32));
    expect_part(b, part);
    cr_expect(strstr(b, rpc_hex(skipped.b, 32)) == NULL);
    snprintf(part, sizeof part, "\"parentHash\":\"%s\"",
             rpc_hex(w.bed.genesis->genesis_hash.b, 32));
    expect_part(b, part);
    b = rpc_call(&w, 0, "eth_getBlockByNumber", "\"0x1\",true");
    snprintf(part, sizeof part, "\"from\":\"%s\"", SENDER);
    expect_part(b, part);
    expect_part(b, "\"transactionIndex\":\"0x1\"");
    expect_part(b, "\"yParity\":\"0x");
    b = rpc_call(&w, 0, "eth_getBlockByNumber", "\"earliest\",true");
    expect_part(b, "\"number\":\"0x0\"");
    expect_part(b, "\"transactions\":[]");
    /* by hash: the newest */
    b = rpc_call(&w, 0, "eth_getBlockByHash", "\"%s\",false", rpc_hex(w.bed.hash.b, 32));
    expect_part(b, "\"number\":\"0x4\"");
    /* nothing in it: the roots that clients take for that */
    expect_part(b, "\"transactionsRoot\":"
                   "\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\"");
    b = rpc_call(&w, 0, "eth_getBlockByHash", "\"%s\",false",
                 rpc_hex(w.bed.genesis->genesis_hash.b, 32));
    expect_part(b, "\"number\":\"0x0\"");
    b = rpc_call(&w, 0, "eth_getBlockByNumber", "\"pending\",false");
    expect_part(b, "{\"hash\":null,");
    expect_part(b, "\"number\":\"0x5\"");
    const struct td_hash none = {{1}};
    cr_expect_str_eq(rpc_call(&w, 0, "eth_getBlockByHash", "\"%s\",false", rpc_hex(none.b, 32)),
                     "null");
}

Test(rpc_chain, transactions_and_receipts)
{
    char part[256];
    const char *t = rpc_call(&w, 0, "eth_getTransactionByHash", "\"%s\"", rpc_hex(transfer.b, 32));
    snprintf(part, sizeof part, "\"hash\":\"%s\",\"type\":\"0x2\",\"from\":\"%s\",\"to\":\"%s\"",
             rpc_hex(transfer.b, 32), SENDER, TARGET_TEXT);
    expect_part(t, part);
    expect_part(t, "\"value\":\"0x5\"");
    expect_part(t, "\"gasPrice\":\"0x3b9aca01\",\"maxFeePerGas\":\"0xb2d05e00\"");
    expect_part(t, "\"chainId\":\"0x425d4\"");
    /* ordered but invalid: as if it never was */
    cr_expect_str_eq(rpc_call(&w, 0, "eth_getTransactionByHash", "\"%s\"", rpc_hex(skipped.b, 32)),
                     "null");
    cr_expect_str_eq(rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"", rpc_hex(skipped.b, 32)),
                     "null");
    t = rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"", rpc_hex(transfer.b, 32));
    expect_part(t, "\"status\":\"0x1\"");
    expect_part(t, "\"contractAddress\":null");
    expect_part(t, "\"effectiveGasPrice\":\"0x3b9aca01\"");
    t = rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"", rpc_hex(creation.b, 32));
    expect_part(t, "\"to\":null");
    t = rpc_call(&w, 0, "eth_getTransactionReceipt", "\"%s\"", rpc_hex(logging.b, 32));
    snprintf(part, sizeof part, "\"logs\":[{\"address\":\"%s\",\"topics\":[\"0x", CONTRACT);
    expect_part(t, part);
    expect_part(t, "\"logIndex\":\"0x0\",\"removed\":false");
    t = rpc_call(&w, 0, "eth_getBlockReceipts", "\"0x3\"");
    expect_part(t, "\"status\":\"0x0\"");
    expect_part(t, "\"outcome\":\"execution reverted\"");
    expect_part(t, "\"logIndex\":\"0x1\"");
    t = rpc_call(&w, 0, "eth_getTransactionByBlockNumberAndIndex", "\"0x3\",\"0x1\"");
    expect_part(t, "\"nonce\":\"0x1\"");
    t = rpc_call(&w, 0, "eth_getTransactionByBlockHashAndIndex", "\"%s\",\"0x0\"",
                 rpc_hex(w.bed.hash.b, 32));
    cr_expect_str_eq(t, "null");
}

Test(rpc_chain, state_of_the_newest_block_only)
{
    char params[128];
    snprintf(params, sizeof params, "\"%s\",\"latest\"", TARGET_TEXT);
    expect("eth_getBalance", params, "\"0xb\"");
    snprintf(params, sizeof params, "\"%s\"", TARGET_TEXT);
    expect("eth_getBalance", params, "\"0xb\"");
    snprintf(params, sizeof params, "\"%s\",\"0x4\"", TARGET_TEXT);
    expect("eth_getBalance", params, "\"0xb\"");
    snprintf(params, sizeof params, "\"%s\",{\"blockHash\":\"%s\"}", TARGET_TEXT,
             rpc_hex(w.bed.hash.b, 32));
    expect("eth_getBalance", params, "\"0xb\"");
    snprintf(params, sizeof params, "\"%s\",{\"blockNumber\":\"pending\"}", TARGET_TEXT);
    expect("eth_getBalance", params, "\"0xb\"");
    snprintf(params, sizeof params, "\"%s\",\"0x3\"", TARGET_TEXT);
    expect("eth_getBalance", params,
           ERROR("-32000",
                 "state of block 3 is not available: this node keeps no archive, only the "
                 "state after the newest block, 4"));
    snprintf(params, sizeof params, "\"%s\",\"0x5\"", TARGET_TEXT);
    expect("eth_getBalance", params, ERROR("-32000", "header not found"));
    snprintf(params, sizeof params, "\"%s\",\"latest\"", SENDER);
    expect("eth_getTransactionCount", params, "\"0x2\"");
    snprintf(params, sizeof params, "\"%s\",\"0x1\",\"latest\"", CONTRACT);
    expect("eth_getStorageAt", params,
           "\"0x0000000000000000000000000000000000000000000000000000000000000005\"");
    snprintf(params, sizeof params, "\"%s\",\"0x2\"", CONTRACT);
    expect("eth_getStorageAt", params,
           "\"0x0000000000000000000000000000000000000000000000000000000000000000\"");
    snprintf(params, sizeof params, "\"%s\"", TARGET_TEXT);
    expect("eth_getCode", params, "\"0x\"");
    snprintf(params, sizeof params, "\"%s\"", CONTRACT);
    const char *code = rpc_call(&w, 0, "eth_getCode", "%s", params);
    cr_expect_eq(strlen(code), 2u * (RPC_CONTRACT_BYTES - 12u) + 4u);
}

/* The proof's numbers are the tree's own: leaf and siblings hash up to the root that the state
 * commitment binds. */
Test(rpc_chain, proofs_have_the_account_and_its_slots)
{
    const char *p =
        rpc_call(&w, 0, "eth_getProof", "\"%s\",[\"0x1\",\"0x07\"],\"latest\"", CONTRACT);
    expect_part(p, "\"nonce\":\"0x1\"");
    expect_part(p, "\"value\":\"0x5\",\"proof\":[\"0x");
    expect_part(p, "\"value\":\"0x0\",\"proof\":[\"0x");
    expect_part(p, "\"leafCount\":\"0x");
    const char *block = rpc_call(&w, 0, "eth_getBlockByNumber", "\"latest\",false");
    char root[80];
    snprintf(root, sizeof root, "%.79s", strstr(block, "\"stateRoot\":"));
    p = rpc_call(&w, 0, "eth_getProof", "\"%s\",[]", CONTRACT);
    expect_part(p, root);
    expect_part(p, "\"storageProof\":[]");
}

Test(rpc_chain, wrong_arguments_are_named)
{
    static const char *const CASES[][3] = {
        {"eth_getBalance", "", ERROR("-32602", "missing value for required argument 0")},
        {"eth_getBalance", "null", ERROR("-32602", "missing value for required argument 0")},
        {"eth_getBalance", "\"0x12\"",
         ERROR("-32602", "invalid argument 0: want an address, 0x and 40 hex digits")},
        {"eth_getBalance", "5",
         ERROR("-32602", "invalid argument 0: want an address, 0x and 40 hex digits")},
        {"eth_getBalance", "\"0x7700000000000000000000000000000000000001\",\"newest\"",
         ERROR("-32602", "invalid argument 1: want a block's number, or latest, pending, safe, "
                         "finalized or earliest")},
        {"eth_getBalance", "\"0x7700000000000000000000000000000000000001\",\"0x01\"",
         ERROR("-32602", "invalid argument 1: want a quantity, 0x and hex digits without leading "
                         "zeros")},
        {"eth_getBalance", "\"0x7700000000000000000000000000000000000001\",\"0x10000000000000000\"",
         ERROR("-32602", "invalid argument 1: more than 64 bits")},
        {"eth_getBalance", "\"0x7700000000000000000000000000000000000001\",{}",
         ERROR("-32602", "invalid argument 1: want one of blockHash and blockNumber")},
        {"eth_getBalance", "\"0x7700000000000000000000000000000000000001\",[]",
         ERROR("-32602", "invalid argument 1: want a block's number or tag")},
        {"eth_getStorageAt", "\"0x7700000000000000000000000000000000000001\",\"0x\"",
         ERROR("-32602", "invalid argument 1: want a slot, 0x and 1 to 64 hex digits")},
        {"eth_getBlockByNumber", "\"latest\",1",
         ERROR("-32602", "invalid argument 1: want true or false")},
        {"eth_getBlockByHash", "\"latest\",false",
         ERROR("-32602", "invalid argument 0: want a hash, 0x and 64 hex digits")},
        {"eth_sendRawTransaction", "\"0x123\"",
         ERROR("-32602", "invalid argument 0: want bytes, 0x and an even number of hex digits")},
        {"eth_call", "[]", ERROR("-32602", "invalid argument 0: want a transaction object")},
        {"eth_call", "{\"from\":\"0x1\"}",
         ERROR("-32602", "invalid argument 0: from: want an address, 0x and 40 hex digits")},
        {"eth_call", "{\"value\":-1}",
         ERROR("-32602", "invalid argument 0: value: want a quantity, 0x and hex digits without "
                         "leading zeros")},
        {"eth_call", "{},\"latest\",{\"0x1\":{}}",
         ERROR("-32602", "invalid argument 2: want addresses for keys, 0x and 40 hex digits")},
        {"eth_call", "{},\"latest\",{\"0x7700000000000000000000000000000000000001\":{\"x\":1}}",
         ERROR("-32602", "invalid argument 2: unknown member x")},
        {"eth_call", "{},\"latest\",{},{\"gasLimit\":\"0xffffffffff\"}",
         ERROR("-32602", "invalid argument 3: gasLimit: want 1 up to the chain's block gas limit")},
        {"eth_feeHistory", "\"0x1\",\"latest\",[50,50]",
         ERROR("-32000", "invalid reward percentile: want 0 to 100, each above the one before")},
        {"eth_feeHistory", "1.5,\"latest\"",
         ERROR("-32602", "invalid argument 0: want a whole number of blocks")},
        {"eth_feeHistory", "1,\"0x99\"",
         ERROR("-32000", "request beyond head block: requested 153")},
        {"eth_getLogs", "[]", ERROR("-32602", "invalid argument 0: want an object of criteria")},
        {"eth_getLogs", "{\"topics\":[null,null,null,null,null]}",
         ERROR("-32602", "invalid argument 0: topics: more than 4 topics")},
        {"eth_getLogs", "{\"fromBlock\":\"0x3\",\"toBlock\":\"0x2\"}",
         ERROR("-32602", "invalid block range params")},
        {"eth_getProof", "\"0x7700000000000000000000000000000000000001\",\"0x0\"",
         ERROR("-32602", "invalid argument 1: want an array of slots")},
        {"eth_getFilterChanges", "\"0x1\"", ERROR("-32000", "filter not found")},
        {"eth_subscribe", "\"newHeads\"",
         ERROR("-32601", "notifications not supported: use a WebSocket")},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect(CASES[i][0], CASES[i][1], CASES[i][2]);
}

Test(rpc_chain, fees)
{
    expect("eth_maxPriorityFeePerGas", "", "\"0x1\"");
    const char *p = rpc_call(&w, 0, "eth_feeHistory", "\"0x3\",\"0x3\",[0,50,100]");
    expect_part(p, "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x3b9aca00\",");
    expect_part(p, "\"reward\":[[\"0x1\",\"0x1\",\"0x1\"],");
    p = rpc_call(&w, 0, "eth_feeHistory", "1024,\"latest\",[]");
    expect_part(p, "\"oldestBlock\":\"0x0\"");
    cr_expect(strstr(p, "reward") == NULL);
    expect("eth_feeHistory", "\"0x0\",\"latest\"",
           "{\"oldestBlock\":\"0x5\",\"baseFeePerGas\":[],\"gasUsedRatio\":[]}");
}

Test(rpc_chain, logs)
{
    char all[2048];
    const char *p =
        rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"address\":\"%s\"}", CONTRACT);
    expect_part(p, "\"logIndex\":\"0x0\"");
    expect_part(p, "\"logIndex\":\"0x1\"");
    snprintf(all, sizeof all, "%s", p);
    /* the same by way of the block alone, and without criteria */
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x3\",\"toBlock\":\"0x3\"}");
    cr_expect_str_eq(p, all);
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"earliest\",\"toBlock\":\"latest\"}");
    cr_expect_str_eq(p, all);
    static const char CC[] = "0x00000000000000000000000000000000000000000000000000000000000000cc",
                      NINE[] = "0x0000000000000000000000000000000000000000000000000000000000000009",
                      EIGHT[] =
                          "0x0000000000000000000000000000000000000000000000000000000000000008";
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"topics\":[\"%s\"]}", CC);
    cr_expect(strstr(p, "\"logIndex\":\"0x0\"") == NULL);
    expect_part(p,
                "\"data\":\"0x000000000000000000000000000000000000000000000000000000000000002a\"");
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"topics\":[[\"%s\",\"%s\"]]}", CC,
                 NINE);
    cr_expect_str_eq(p, all);
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"topics\":[null,\"%s\"]}", EIGHT);
    expect_part(p, "\"logIndex\":\"0x0\"");
    cr_expect(strstr(p, "\"logIndex\":\"0x1\"") == NULL);
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"topics\":[\"%s\",\"%s\"]}", EIGHT,
                 NINE);
    cr_expect_str_eq(p, "[]");
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"address\":[\"%s\"]}", SENDER);
    cr_expect_str_eq(p, "[]");
    /* a position that may hold anything still has to be there */
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x0\",\"topics\":[null,null]}");
    cr_expect(strstr(p, "\"logIndex\":\"0x1\"") == NULL, "%s", p);
    p = rpc_call(&w, 0, "eth_getLogs", "{\"blockHash\":\"%s\"}", rpc_hex(w.bed.hash.b, 32));
    cr_expect_str_eq(p, "[]");
    const struct td_hash none = {{1}};
    p = rpc_call(&w, 0, "eth_getLogs", "{\"blockHash\":\"%s\"}", rpc_hex(none.b, 32));
    cr_expect_str_eq(p, ERROR("-32000", "unknown block"));
    p = rpc_call(&w, 0, "eth_getLogs", "{\"fromBlock\":\"0x9\"}");
    cr_expect_str_eq(p, "[]");
}
