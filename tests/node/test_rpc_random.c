/* Calls made at random of every method and of values that somebody may send for any of its
 * arguments: each is answered, in JSON, and nothing else happens.  A failure prints the call. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/rng.h"
#include "tests/node/rpc_fake.h"
#include "tests/node/rpc_inline.h"

#define CALLS 20000u
#define A "\"0xab00000000000000000000000000000000000001\""
#define RICH "\"0x7e5f4552091a69125d5dfcb7b8c2659029395bdf\""
#define H "\"0x0000000000000000000000000000000000000000000000000000000000000001\""
#define MAX "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\""

static struct rpc_world w;

static void build(void)
{
    rpc_world_open(&w, NULL);
    bed_create(&w.bed, 2, td_bytes_of(RPC_CONTRACT, RPC_CONTRACT_BYTES));
    rpc_world_block(&w);
    rpc_world_block(&w);
}

static void drop(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_random, .init = build, .fini = drop);

static const char *const VALUES[] = {
    "null",
    "true",
    "0",
    "-1",
    "1e308",
    "1.5",
    "18446744073709551616",
    "\"\"",
    "\"0x\"",
    "\"0x0\"",
    "\"0x1\"",
    "\"0x2\"",
    "\"0x01\"",
    "\"0xffffffffffffffff\"",
    "\"0x10000000000000000\"",
    MAX,
    "\"0Xab\"",
    "\"0x0g\"",
    "\"0x123\"",
    "\"latest\"",
    "\"pending\"",
    "\"safe\"",
    "\"earliest\"",
    "\"finalized\"",
    A,
    RICH,
    H,
    "\"newHeads\"",
    "\"logs\"",
    "\"newPendingTransactions\"",
    "\"\\u00ff\\u2028\\\"\"",
    "[]",
    "[[]]",
    "[" H "]",
    "[null,[" H ",null]]",
    "[" A "," A "]",
    "[0,50,100]",
    "[\"0x1\"," H ",1]",
    "{}",
    "[{}]",
    "{\"address\":" A ",\"storageKeys\":[" H "]}",
    "[{\"address\":" A ",\"storageKeys\":[" H "]}]",
    "{" A ":{}}",
    "{" A ":{\"code\":\"0x5b600056\"}}",
    "{" A ":{\"balance\":" MAX ",\"nonce\":\"0xffffffffffffffff\"}}",
    "{" A ":{\"state\":{" H ":" MAX "},\"code\":\"0xfe\"}}",
    "{" A ":{\"stateDiff\":{\"0x0\":\"0x1\"}}}",
    "[{\"chainId\":\"0x0\",\"address\":" A ",\"nonce\":\"0x0\",\"yParity\":\"0x0\",\"r\":" H
    ",\"s\":" H "}]",
};
#define VALUE_COUNT (sizeof VALUES / sizeof VALUES[0])

static const char *const MEMBERS[] = {
    "from",
    "to",
    "gas",
    "gasPrice",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "value",
    "data",
    "input",
    "nonce",
    "type",
    "chainId",
    "accessList",
    "authorizationList",
    "blobVersionedHashes",
    "fromBlock",
    "toBlock",
    "blockHash",
    "blockNumber",
    "requireCanonical",
    "address",
    "topics",
    "number",
    "time",
    "gasLimit",
    "feeRecipient",
    "prevRandao",
    "baseFeePerGas",
    "blobBaseFee",
};
#define MEMBER_COUNT (sizeof MEMBERS / sizeof MEMBERS[0])

static uint32_t below(struct td_rng *rng, size_t n)
{
    return (uint32_t)(td_rng_u64(rng) % n);
}

/* One value, or an object of some members with values. */
static size_t put_value(char *out, size_t cap, struct td_rng *rng)
{
    size_t len;
    uint32_t used = 0;
    if (below(rng, 3) != 0)
        return (size_t)snprintf(out, cap, "%s", VALUES[below(rng, VALUE_COUNT)]);
    len = (size_t)snprintf(out, cap, "{");
    for (uint32_t n = below(rng, 6); n > 0; n--) {
        uint32_t m = below(rng, MEMBER_COUNT);
        if ((used >> m & 1u) != 0)
            continue;
        len += (size_t)snprintf(out + len, cap - len, "%s\"%s\":%s", used == 0 ? "" : ",",
                                MEMBERS[m], VALUES[below(rng, VALUE_COUNT)]);
        used |= UINT32_C(1) << m;
    }
    return len + (size_t)snprintf(out + len, cap - len, "}");
}

Test(rpc_random, every_call_is_answered)
{
    static char body[16384];
    static struct node_rpc_method_stats methods[128];
    struct rpc_inline *x = rpc_inline_new(w.rpc);
    uint32_t method_count = node_rpc_stats(w.rpc, methods, 128), results = 0;
    struct td_rng rng;
    td_rng_init(&rng, 7);
    rpc_push_refused = true; /* nobody listens */
    for (uint32_t n = 0; n < CALLS; n++) {
        size_t len = (size_t)snprintf(
            body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[",
            methods[below(&rng, method_count)].name);
        for (uint32_t i = 0, count = below(&rng, 5); i < count; i++) {
            len += (size_t)snprintf(body + len, sizeof body - len, "%s", i == 0 ? "" : ",");
            len += put_value(body + len, sizeof body - len, &rng);
        }
        len += (size_t)snprintf(body + len, sizeof body - len, "]}");
        size_t answer_len;
        char *text = rpc_inline_ask(x, td_bytes_of(body, len), n % 8u, &answer_len);
        cr_assert_not_null(text, "%s", body);
        json_t *answer = json_loadb(text, answer_len, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(json_is_object(answer), "%s: %.200s", body, text);
        results += json_object_get(answer, "result") != NULL;
        json_decref(answer);
        free(text);
    }
    cr_expect_gt(results, CALLS / 100u, "some are even right");
    rpc_inline_free(x);
}
