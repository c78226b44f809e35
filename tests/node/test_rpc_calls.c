/* The envelope of JSON-RPC: what is a call, a batch, a notification, and how each wrong one is
 * answered.  Method: texts in, texts out. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node/rpc_fake.h"

static struct rpc_world w;

static void open_world(void)
{
    rpc_world_open(&w, NULL);
}

static void close_world(void)
{
    rpc_world_close(&w);
    rpc_fake_forget();
}

TestSuite(rpc_calls, .init = open_world, .fini = close_world);

#define CHAIN_ID(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":\"0x425d4\"}"
#define ASK(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"eth_chainId\"}"
#define FAILS(id, code, message)                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message "\"}" \
    "}"

Test(rpc_calls, answers_by_the_book)
{
    static const struct {
        const char *ask, *answer;
    } CASES[] = {
        /* ids come back as they were written */
        {ASK("1"), CHAIN_ID("1")},
        {ASK("1.0"), CHAIN_ID("1.0")},
        {ASK("-1e2"), CHAIN_ID("-1e2")},
        {ASK("123456789012345678901234567890"), CHAIN_ID("123456789012345678901234567890")},
        {ASK("\"a\\u0062,]}\\\"\""), CHAIN_ID("\"a\\u0062,]}\\\"\"")},
        {ASK("null"), CHAIN_ID("null")},
        {" \t\r\n" ASK(" 7 ") "\n", CHAIN_ID("7")},
        {"{\"method\":\"net_version\",\"params\":[],\"id\":1,\"jsonrpc\":\"2.0\"}",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"271828\"}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":null}",
         CHAIN_ID("1")},
        /* batches: all but notifications, in order */
        {"[" ASK("1") "," ASK("\"b\"") "]", "[" CHAIN_ID("1") "," CHAIN_ID("\"b\"") "]"},
        {"[" ASK("1") ",{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}, 5 ]",
         "[" CHAIN_ID("1") "," FAILS("null", "-32600",
                                     "a call is an object with \\u0022method\\u0022") "]"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}", ""},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}]", ""},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"no_such\"}", ""},
        {" [ ] ", FAILS("null", "-32600", "empty batch")},
        /* not JSON */
        {"", FAILS("null", "-32700", "parse error: not JSON")},
        {"{", FAILS("null", "-32700", "parse error: not JSON")},
        {"[" ASK("1"), FAILS("null", "-32700", "parse error: not JSON")},
        {"[" ASK("1") ",]", FAILS("null", "-32700", "parse error: not JSON")},
        {ASK("1") "x", FAILS("null", "-32700", "parse error: not JSON")},
        {ASK("1") ASK("2"), FAILS("null", "-32700", "parse error: not JSON")},
        {"{\"id\":1,\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}",
         FAILS("null", "-32700", "parse error: not JSON")},
        {ASK("[}"), FAILS("null", "-32700", "parse error: not JSON")},
        {ASK("\"\xff\""), FAILS("null", "-32700", "parse error: not JSON")},
        /* JSON, but no call */
        {"1", FAILS("null", "-32600", "a call is an object with \\u0022method\\u0022")},
        {ASK("true"), FAILS("null", "-32600", "id must be a string, a number or null")},
        {ASK("{\"a\":[1]}"), FAILS("null", "-32600", "id must be a string, a number or null")},
        {"{\"id\":1,\"method\":\"eth_chainId\"}",
         FAILS("1", "-32600", "jsonrpc must be \\u00222.0\\u0022")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", FAILS("1", "-32600", "method must be a string")},
        {"{\"jsonrpc\":\"2.0\"}", FAILS("null", "-32600", "method must be a string")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":{}}",
         FAILS("1", "-32602", "params must be an array: arguments go by position")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[1]}",
         FAILS("1", "-32602", "too many arguments, want at most 0")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_fillTransaction\",\"params\":[]}",
         FAILS("1", "-32601", "the method eth_fillTransaction does not exist/is not available")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_traceCall\",\"params\":[]}",
         FAILS("1", "-32601", "the method debug_traceCall does not exist/is not available")},
        /* the key itself may be spelled in escapes */
        {"{\"jsonrpc\":\"2.0\",\"\\u0069d\":5,\"method\":\"eth_chainId\"}", CHAIN_ID("null")},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(rpc_ask(&w, CASES[i].ask), CASES[i].answer, "%s", CASES[i].ask);
}

Test(rpc_calls, batches_up_to_a_hundred)
{
    for (uint32_t count = 100; count <= 101; count++) {
        char *text = calloc(count + 1u, sizeof(ASK("1")) + 1u);
        strcpy(text, "[");
        for (uint32_t i = 0; i < count; i++)
            strcat(strcat(text, i == 0 ? "" : ","), ASK("1"));
        strcat(text, "]");
        const char *answer = rpc_ask(&w, text);
        if (count == 100)
            cr_expect_eq(strlen(answer), 100u * (sizeof(CHAIN_ID("1")) - 1u) + 99u + 2u);
        else
            cr_expect_str_eq(answer,
                             FAILS("null", "-32005", "batch of more than 100 calls: send several"));
        free(text);
    }
}

Test(rpc_calls, depth_has_an_end)
{
    static char text[1000001];
    static const char *const OPEN[] = {"[", "{\"a\":"};
    for (int kind = 0; kind < 2; kind++) {
        size_t unit = strlen(OPEN[kind]);
        size_t len = 0;
        for (; len + unit < sizeof text; len += unit)
            memcpy(text + len, OPEN[kind], unit);
        const char *answer = rpc_ask_as(&w, NODE_HTTP_POST, 0, td_bytes_of(text, len), NULL);
        cr_expect_str_eq(answer, FAILS("null", "-32700", "parse error: nested deeper than 64"));
    }
}

Test(rpc_calls, get_is_told_to_post)
{
    int status = 0;
    const char *text = rpc_ask_as(&w, NODE_HTTP_GET, 0, td_bytes_of(NULL, 0), &status);
    cr_expect_eq(status, 405);
    cr_expect(strstr(text, "POST") != NULL, "%s", text);
}

/* Every prefix of a good request, and every byte of it changed: an answer, whatever it is. */
Test(rpc_calls, damaged_requests_are_answered)
{
    static const char GOOD[] =
        "[" ASK("1") ", {\"id\":\"\\\"x\",\"jsonrpc\":\"2.0\","
                     "\"params\":[{\"a\":[1,2.5,true]}],\"method\":\"eth_chainId\"}]";
    for (size_t len = 0; len < sizeof GOOD - 1u; len++) {
        const char *a = rpc_ask_as(&w, NODE_HTTP_POST, 0, td_bytes_of(GOOD, len), NULL);
        cr_expect(strstr(a, "-32700") != NULL, "%zu: %s", len, a);
    }
    static const char BYTES[] = "\"{}[],:\\ 0\x01\xff";
    for (size_t at = 0; at < sizeof GOOD - 1u; at++)
        for (const char *b = BYTES; *b != '\0'; b++) {
            char bad[sizeof GOOD];
            memcpy(bad, GOOD, sizeof GOOD);
            bad[at] = *b;
            const char *a = rpc_ask(&w, bad);
            cr_expect(a[0] == '[' || a[0] == '{', "%s", a);
        }
}
