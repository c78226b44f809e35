/* Runs that are no transactions: calls, estimates, access lists, with overrides; how failures are
 * told.  Method: a contract whose first byte of input says what to do. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/node/rpc_fake.h"

static struct rpc_world w;
static char RUNTIME[2048];
/* Not deployed: every call says what code is there. */
#define AT "0x00000000000000000000000000000000c0de0000"
#define RICH "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf" /* of key 1 */
#define ONE "0x0000000000000000000000000000000000000000000000000000000000000001"

static void build(void)
{
    rpc_world_open(&w, NULL);
    rpc_world_block(&w);
    rpc_world_block(&w);
    for (size_t i = 12; i < RPC_CONTRACT_BYTES; i++)
        snprintf(RUNTIME + strlen(RUNTIME), 3, "%02x", RPC_CONTRACT[i]);
}

static void drop(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_run, .init = build, .fini = drop);

/* method({to: AT, more}, "latest", {AT: {code, override}}, block overrides) */
static const char *run(const char *method, const char *more, const char *override,
                       const char *block)
{
    return rpc_call(
        &w, 0, method, "{\"to\":\"" AT "\"%s%s},\"latest\",{\"" AT "\":{\"code\":\"0x%s\"%s%s}},%s",
        more[0] == '\0' ? "" : ",", more, RUNTIME, override[0] == '\0' ? "" : ",", override, block);
}

static void expect(const char *got, const char *answer)
{
    cr_expect_str_eq(got, answer, "%s, not %s", got, answer);
}

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "no %s in %s", part, text);
}

Test(rpc_run, results_and_state_overrides)
{
    expect(run("eth_call", "\"data\":\"0x01\"", "\"stateDiff\":{\"" ONE "\":\"0x07\"}", "null"),
           "\"0x0000000000000000000000000000000000000000000000000000000000000007\"");
    expect(run("eth_call", "\"input\":\"0x01\"", "\"state\":{\"0x1\":\"0x8\"}", "{}"),
           "\"0x0000000000000000000000000000000000000000000000000000000000000008\"");
    expect(run("eth_call", "", "", "null"), "\"0x\"");
    /* nothing of that stays */
    expect(rpc_call(&w, 0, "eth_getStorageAt", "\"" AT "\",\"0x1\""),
           "\"0x0000000000000000000000000000000000000000000000000000000000000000\"");
    /* a creation: returns what would be its code */
    const char *made =
        rpc_call(&w, 0, "eth_call", "{\"data\":\"%s\"}", rpc_hex(RPC_CONTRACT, RPC_CONTRACT_BYTES));
    cr_expect_eq(strlen(made), strlen(RUNTIME) + 4u, "%s", made);
}

Test(rpc_run, failures)
{
    expect(run("eth_call", "\"data\":\"0x02\"", "", "null"),
           "{\"code\":3,\"message\":\"execution reverted: no ya\\ufffd\",\"data\":\"0x08c379a0"
           "0000000000000000000000000000000000000000000000000000000000000020"
           "0000000000000000000000000000000000000000000000000000000000000006"
           "6e6f207961ff0000000000000000000000000000000000000000000000000000\"}");
    expect(run("eth_estimateGas", "\"data\":\"0x05\"", "", "null"),
           "{\"code\":3,\"message\":\"execution reverted: arithmetic underflow or overflow\","
           "\"data\":\"0x4e487b71"
           "0000000000000000000000000000000000000000000000000000000000000011\"}");
    /* takes all gas, so that nothing is left for the bytes that the failure publishes */
    expect(run("eth_call", "\"data\":\"0x04\"", "", "null"),
           "{\"code\":-32000,\"message\":\"out of gas\"}");
    const char *endless = run("eth_call", "\"data\":\"0x06\"", "", "null");
    cr_expect(strstr(endless, "out of native resources") != NULL ||
                  strstr(endless, "out of gas") != NULL,
              "%s", endless);
    expect(rpc_call(&w, 0, "eth_call", "{\"from\":\"" AT "\",\"to\":\"" AT "\",\"value\":\"0x1\"}"),
           "{\"code\":-32000,\"message\":\"insufficient funds for gas * price + value\"}");
    expect(rpc_call(&w, 0, "eth_call",
                    "{\"from\":\"" RICH "\",\"to\":\"" AT "\","
                    "\"maxFeePerGas\":\"0x1\"}"),
           "{\"code\":-32000,\"message\":\"max fee per gas less than block base fee\"}");
    expect(
        rpc_call(&w, 0, "eth_call",
                 "{\"from\":\"" RICH "\",\"to\":\"" AT "\",\"gasPrice\":\"0x1\","
                 "\"maxFeePerGas\":\"0x1\"}"),
        "{\"code\":-32000,\"message\":\"both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) "
        "specified\"}");
    expect(rpc_call(&w, 0, "eth_call", "{\"chainId\":\"0x1\"}"),
           "{\"code\":-32000,\"message\":\"chainId does not match node's (have=1, want=271828)\"}");
    expect(rpc_call(&w, 0, "eth_call", "{\"data\":\"0x01\",\"input\":\"0x02\"}"),
           "{\"code\":-32000,\"message\":\"both \\u0022data\\u0022 and \\u0022input\\u0022 are set "
           "and "
           "not equal\"}");
    expect(rpc_call(&w, 0, "eth_call", "{\"to\":\"" AT "\",\"gas\":\"0x1\"}"),
           "{\"code\":-32000,\"message\":\"intrinsic gas too low\"}");
}

Test(rpc_run, block_overrides)
{
    const char *p =
        run("eth_call", "\"data\":\"0x07\",\"from\":\"" RICH "\",\"gasPrice\":\"0x77359400\"", "",
            "null");
    /* number 2, its time, its base fee */
    expect_part(p, "\"0x0000000000000000000000000000000000000000000000000000000000000002"
                   "000000000000000000000000000000000000000000000000000000006553f102");
    p = run("eth_call", "\"data\":\"0x07\",\"from\":\"" RICH "\",\"gasPrice\":\"0x77359400\"", "",
            "{\"number\":\"0xffffffffffffffff\",\"time\":\"0x9\",\"baseFeePerGas\":\"0x7\","
            "\"feeRecipient\":\"" AT "\"}");
    expect_part(p, "\"0x000000000000000000000000000000000000000000000000ffffffffffffffff"
                   "0000000000000000000000000000000000000000000000000000000000000009"
                   "0000000000000000000000000000000000000000000000000000000000000007"
                   "00000000000000000000000000000000000000000000000000000000c0de0000");
    /* pending: the next number; block 1's hash is in reach */
    p = rpc_call(&w, 0, "eth_call",
                 "{\"to\":\"" AT "\",\"data\":\"0x07\"},\"pending\",{\"" AT
                 "\":{\"code\":\"0x%s\"}}",
                 RUNTIME);
    expect_part(p, "\"0x0000000000000000000000000000000000000000000000000000000000000003");
    const char *block =
        strstr(rpc_call(&w, 0, "eth_getBlockByNumber", "\"0x1\",false"), "\"hash\":");
    char hash[65];
    snprintf(hash, sizeof hash, "%.64s", block + strlen("\"hash\":\"0x"));
    p = rpc_call(&w, 0, "eth_call",
                 "{\"to\":\"" AT "\",\"data\":\"0x07\"},\"pending\",{\"" AT
                 "\":{\"code\":\"0x%s\"}}",
                 RUNTIME);
    expect_part(p, hash);
}

Test(rpc_run, estimates)
{
    char now[64];
    snprintf(now, sizeof now, "%s",
             rpc_call(&w, 0, "eth_estimateGas",
                      "{\"from\":\"" RICH "\",\"to\":\"" RICH "\",\"value\":\"0x1\"}"));
    expect_part(now, "\"0x5");
    expect(rpc_call(&w, 0, "eth_estimateGas",
                    "{\"from\":\"" RICH "\",\"to\":\"" RICH "\",\"value\":\"0x1\"},\"pending\""),
           now);
    const char *p = rpc_call(&w, 0, "tandem_estimateFee",
                             "{\"from\":\"" RICH "\",\"to\":\"" AT "\",\"value\":\"0x1\"}");
    expect_part(p, "{\"gas\":\"0x");
    expect_part(p, "\"pubdataBytes\":\"0x");
    expect_part(p, "\"fee\":\"0x");
    p = run("eth_createAccessList", "\"data\":\"0x01\"", "", "null");
    expect_part(p, "{\"accessList\":[{\"address\":\"" AT "\",\"storageKeys\":[\"" ONE "\"]}]");
    p = run("eth_createAccessList", "\"data\":\"0x02\"", "", "null");
    expect_part(p, "\"error\":\"execution reverted: no ya\\ufffd\"");
    expect(rpc_call(&w, 0, "eth_estimateGas",
                    "{\"from\":\"" RICH "\",\"to\":\"" AT
                    "\",\"data\":\"0x00\",\"gas\":\"0x5208\"}"),
           "{\"code\":-32000,\"message\":\"gas required exceeds allowance (21000)\"}");
}

/* What a caller may send and no assert may see. */
Test(rpc_run, hostile_arguments)
{
    static char many[400000];
    static const char *const CASES[] = {
        "{\"to\":\"" AT "\"},\"latest\",{\"" AT "\":{\"state\":{},\"stateDiff\":{}}}",
        "{\"to\":\"" AT "\"},\"latest\",{\"" AT
        "\":{\"stateDiff\":{\"0x1\":\"0x1\",\"0x01\":\"0x2\"}}}",
        "{\"to\":\"" AT "\"},\"latest\",{\"" AT
        "\":{},\"0x00000000000000000000000000000000C0DE0000\":{}}",
        "{\"to\":\"" AT "\"},\"latest\",{\"" AT
        "\":{\"balance\":\"0x1\",\"nonce\":\"0xffffffffffffffff\"}}",
        "{\"authorizationList\":[{}]}",
        "{\"authorizationList\":{}}",
        "{\"authorizationList\":[]}",
        "{\"to\":\"" AT "\",\"authorizationList\":[{\"chainId\":\"0x0\",\"address\":\"" AT
        "\",\"nonce\":\"0x0\",\"yParity\":\"0x1\",\"r\":\"0x1\",\"s\":\"0x1\"}]}",
        "{\"accessList\":[{\"address\":\"" AT "\"}]}",
        "{\"accessList\":[{\"address\":\"" AT "\",\"storageKeys\":[1]}]}",
        "{\"accessList\":[1]}",
        "{\"gas\":\"0xffffffffffffffff\",\"gasPrice\":"
        "\"0xffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffff\",\"value\":"
        "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffff\"}",
        "{\"blobVersionedHashes\":[]}",
        "{\"nonce\":\"0xffffffffffffffff\"}",
        "{\"type\":\"0x3\"}",
        "{\"to\":\"" AT
        "\"},\"latest\",{},{\"number\":\"0x0\",\"baseFeePerGas\":\"0xffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffff\",\"time\":\"0xffffffffffffffff\"}",
        "{\"to\":\"" AT "\"},\"pending\",{},{\"number\":\"0x0\",\"gasLimit\":\"0x0\"}",
        "{\"to\":\"" AT "\"},{\"blockHash\":\"" ONE "\"}",
    };
    static const char *const METHODS[] = {"eth_call", "eth_estimateGas", "eth_createAccessList",
                                          "tandem_estimateFee"};
    for (size_t m = 0; m < 4; m++)
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
            const char *p = rpc_call(&w, 0, METHODS[m], "%s", CASES[i]);
            cr_expect(p[0] == '{' || p[0] == '"', "%s", p);
        }
    snprintf(many, sizeof many, "{\"to\":\"" AT "\"},\"latest\",{\"" AT "\":{\"stateDiff\":{");
    size_t len = strlen(many);
    for (unsigned i = 0; i < 4097; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "%s\"0x%x\":\"0x1\"",
                                i == 0 ? "" : ",", i);
    snprintf(many + len, sizeof many - len, "}}}");
    expect(rpc_call(&w, 0, "eth_call", "%s", many),
           "{\"code\":-32602,\"message\":\"invalid argument 2: stateDiff: more than 4096 slots\"}");
}
