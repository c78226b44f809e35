/* `tandem exec block`: what it reports about the example of docs/executor.md (block.json), about
 * every kind of field, and about each way in which a document, a block or the command line can be
 * bad.  Method: as test_exec.c: replace one text of a good document, run the command into memory
 * streams, look for the complaint and the exit code. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/exec.h"
#include "node/exit_codes.h"

#define TEXT_BYTES_MAX 16384u
#define ARGUMENTS_MAX 8
#define KEY "\"secretKey\":\"0x0000000000000000000000000000000000000000000000000000000000000001\""
#define ALICE "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf" /* key 1's */

static char *out_text, *err_text;
static char folder[] = "/tmp/tandem-block-XXXXXX";
static char case_path[64], witness_path[64];

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(case_path, sizeof case_path, "%s/case.json", folder);
    snprintf(witness_path, sizeof witness_path, "%s/witness.bin", folder);
}

static void tear_down(void)
{
    unlink(case_path);
    unlink(witness_path);
    rmdir(folder);
    free(out_text);
    free(err_text);
}

TestSuite(node_exec_block, .init = set_up, .fini = tear_down);

static void write_text(const char *text)
{
    FILE *f = fopen(case_path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

/* `text` with the first `from` replaced. */
static void write_replaced(const char *text, const char *from, const char *to)
{
    static char made[TEXT_BYTES_MAX];
    const char *hit = strstr(text, from);
    cr_assert_not_null(hit, "%s is not in the document", from);
    int n =
        snprintf(made, sizeof made, "%.*s%s%s", (int)(hit - text), text, to, hit + strlen(from));
    cr_assert(n > 0 && (size_t)n < sizeof made);
    write_text(made);
}

static const char *example(void)
{
    static char text[TEXT_BYTES_MAX];
    FILE *f = fopen(TD_CASES "/block.json", "r");
    cr_assert_not_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* "@": the case's file, "#": the witness'. */
static int run(const char *const *words)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"exec", (char *)"block"};
    int argc = 2;
    size_t out_bytes, err_bytes;
    free(out_text);
    free(err_text);
    FILE *out = open_memstream(&out_text, &out_bytes);
    FILE *err = open_memstream(&err_text, &err_bytes);
    for (; argc <= ARGUMENTS_MAX && words[argc - 2] != NULL; argc++) {
        const char *w = words[argc - 2];
        argv[argc] = (char *)(strcmp(w, "@") == 0   ? case_path
                              : strcmp(w, "#") == 0 ? witness_path
                                                    : w);
    }
    int code = node_exec_run(out, err, argc, argv);
    fclose(out);
    fclose(err);
    return code;
}

static int run_case(void)
{
    const char *words[ARGUMENTS_MAX] = {"@"};
    return run(words);
}

static void expect_in(const char *all, const char *text)
{
    cr_expect_not_null(strstr(all, text), "wanted: %s\ngot: %s", text, all);
}

static size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n' ? 1u : 0u;
    return n;
}

Test(node_exec_block, the_example_is_what_it_expects)
{
    write_text(example());
    cr_expect_eq(run_case(), NODE_EXIT_OK);
    cr_expect_str_empty(err_text);
    expect_in(out_text, "block 1  0x");
    expect_in(out_text, "(inbox)  success");
    expect_in(out_text, "skipped: nonce too low\n");
    expect_in(out_text, "logs 1\n");
    expect_in(out_text, "3 executed, 1 skipped\n");
    expect_in(out_text, "batchHash");
    expect_in(out_text, "\nstatement  ");
}

/* ---- differences */

static const struct {
    const char *from, *to, *out;
} WRONG[] = {
    {"{\"status\": \"success\"}", "{\"status\": \"reverted\"}",
     "block 1: transactions[0].status: expected reverted, got success\n"},
    {"{\"status\": \"success\"}", "{\"gasUsed\": \"0x1\"}",
     "block 1: transactions[0].gasUsed: expected 0x1, got 0x"},
    {"{\"status\": \"success\"}",
     "{\"hash\": \"0x0000000000000000000000000000000000000000000000000000000000000001\"}",
     "transactions[0].hash: expected 0x00"},
    {"{\"status\": \"success\"}",
     "{\"logsHash\": \"0x0000000000000000000000000000000000000000000000000000000000000001\"}",
     "logsHash: expected 0x0000000000000000000000000000000000000000000000000000000000000001, got "
     "0x1dcc4de8"},
    {"nonce too low\"}", "ok\"}",
     "block 1: transactions[3].verdict: expected ok, got nonce too low\n"},
    {"     {\"status\": \"success\"},\n", "",
     "block 1: transactions (inbox entries included): expected 3, got 4\n"},
    {"{\"balance\": \"0xde0b6b3a7640000\"}", "{\"balance\": \"0x1\"}",
     "block 1: post.0x2222222222222222222222222222222222222222.balance: expected 0x1, got "
     "0xde0b6b3a7640000\n"},
    {"{\"balance\": \"0xde0b6b3a7640000\"}", "{\"nonce\": \"0x1\"}",
     "post.0x2222222222222222222222222222222222222222.nonce: expected 0x1, got 0x0\n"},
    {"{\"balance\": \"0xde0b6b3a7640000\"}", "{\"code\": \"0x00\"}", "code's keccak: expected 0x"},
    {"\"0x1\": \"0x9\"", "\"0x1\": \"0x8\"",
     "block 1: post.0xc0dec0dec0dec0dec0dec0dec0dec0dec0dec0de.0x1: expected 0x8, got 0x9\n"},
    {"{\"gasUsed\": \"0x0\"}", "{\"gasUsed\": \"0x2\"}",
     "block 2: gasUsed: expected 0x2, got 0x0\n"},
    {"{\"gasUsed\": \"0x0\"}", "{\"nativeUsed\": \"0x2\"}", "block 2: nativeUsed: expected 0x2"},
    {"{\"gasUsed\": \"0x0\"}", "{\"baseFee\": \"0x2\"}", "block 2: baseFee: expected 0x2"},
};

Test(node_exec_block, every_difference_is_named)
{
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        write_replaced(example(), WRONG[i].from, WRONG[i].to);
        cr_expect_eq(run_case(), NODE_EXIT_CHECK_FAILED, "row %zu", i);
        expect_in(out_text, WRONG[i].out);
        expect_in(out_text, "from what ");
    }
}

static const char *const HASHES[] = {"blockHash",    "stateCommitment", "receiptsRoot",
                                     "messagesRoot", "daCommitment",    "batchHash"};

Test(node_exec_block, every_hash_of_a_block_is_compared)
{
    for (size_t i = 0; i < sizeof HASHES / sizeof HASHES[0]; i++) {
        char to[160], out[160];
        snprintf(to, sizeof to, "{\"%s\": \"0x%064x\"}", HASHES[i], 7);
        snprintf(out, sizeof out, "block 2: %s: expected 0x%064x, got 0x", HASHES[i], 7);
        write_replaced(example(), "{\"gasUsed\": \"0x0\"}", to);
        cr_expect_eq(run_case(), NODE_EXIT_CHECK_FAILED);
        expect_in(out_text, out);
    }
}

/* ---- every kind of field */

#define TX(fields) "{\"nonce\":\"0x0\",\"gasLimit\":\"0x30d40\"," fields "," KEY "}"
#define FEE "\"maxFeePerGas\":\"0x3b9aca00\""
#define TO "\"to\":\"0x3333333333333333333333333333333333333333\""
#define DOCUMENT(tx)                                                                               \
    "{\"pre\":{\"" ALICE                                                                           \
    "\":{\"nonce\":\"0x0\",\"balance\":\"0xde0b6b3a7640000\",\"code\":\"0x\","                     \
    "\"storage\":{}}},\"blocks\":[{\"transactions\":[" tx "]}]}"

static const struct {
    const char *tx, *out;
} KINDS[] = {
    {TX(FEE "," TO), "success"},
    {TX(FEE), "success"}, /* a creation of nothing */
    {TX(FEE ",\"to\":null,\"data\":\"0x60ff60005360016000f3\""), "created 0x"},
    {TX("\"type\":\"0x0\",\"gasPrice\":\"0x3b9aca00\"," TO), "success"},
    {TX("\"gasPrice\":\"0x3b9aca00\",\"accessList\":[]," TO), "success"},
    {TX(FEE ",\"accessList\":[{\"address\":\"0x3333333333333333333333333333333333333333\","
            "\"storageKeys\":[\"0x1\",\"0x2\"]}]," TO),
     "gas 27472"} /* 21,000 + 2,400 + 2 * 1,900 + 17 bytes * 16 */,
    {TX(FEE ",\"authorizationList\":[{\"address\":\"0x3333333333333333333333333333333333333333\","
            "\"nonce\":\"0x1\"," KEY "}]," TO),
     "success"},
    {TX(FEE ",\"authorizationList\":[{\"address\":\"0x3333333333333333333333333333333333333333\","
            "\"nonce\":\"0x1\",\"yParity\":\"0x0\",\"r\":\"0x1\",\"s\":\"0x1\"}]," TO),
     "success"},
    {TX(FEE ",\"chainId\":\"0x1\"," TO), "skipped: invalid chain id"},
    {TX(FEE ",\"value\":\"0xffffffffffffffff\"," TO), "skipped: insufficient funds"},
    {TX(FEE ",\"maxPriorityFeePerGas\":\"0x3b9aca01\"," TO), "skipped: max priority fee"},
    {TX("\"maxFeePerGas\":\"0x1\"," TO), "skipped: max fee per gas less than block base fee"},
    {"\"0x\"", "skipped: malformed transaction"},
    {"\"0xff00\"", "skipped: "},
};

Test(node_exec_block, kinds_of_transactions)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        write_replaced(DOCUMENT("X"), "X", KINDS[i].tx);
        cr_expect_eq(run_case(), NODE_EXIT_OK, "row %zu: %s", i, err_text);
        cr_expect_not_null(strstr(out_text, KINDS[i].out), "row %zu: %s", i, out_text);
    }
}

/* Alice delegates herself; her nonce is 1 by then. */
Test(node_exec_block, authorizations_are_signed)
{
    write_replaced(
        DOCUMENT("X"), "[X]",
        "[" TX(FEE ",\"authorizationList\":[{\"address\":"
                   "\"0x3333333333333333333333333333333333333333\",\"nonce\":\"0x1\"," KEY
                   "}]," TO) "],\"expect\":{\"post\":{\"" ALICE "\":{\"nonce\":\"0x2\",\"code\":"
                             "\"0xef01003333333333333333333333333333333333333333\"}}}");
    cr_expect_eq(run_case(), NODE_EXIT_OK, "%s%s", out_text, err_text);
}

/* Entry 1 of the inbox is a signed transaction; the batch ends; the next epoch begins. */
Test(node_exec_block, inbox_batches_and_epochs)
{
    write_replaced(
        DOCUMENT("X"), "{\"transactions\":[X]}",
        "{\"header\":{\"endBatch\":true,\"inboxCount\":\"0x9\"},\"inbox\":[{\"sender\":\"" ALICE
        "\",\"value\":\"0x5\"},{\"transaction\":" TX(
            FEE "," TO) "}],\"expect\":{\"post\":{\"" ALICE
                        "\":{\"nonce\":\"0x1\"}}}},{\"header\":{\"epoch\":\"0x1\",\"timestampMs\":"
                        "\"0x18bcfe57000\","
                        "\"nextSetHash\":"
                        "\"0x0000000000000000000000000000000000000000000000000000000000000005\"},"
                        "\"expect\":{\"post\":{\"0x0000000000000000000000000000000000008003\":{"
                        "\"storage\":{"
                        "\"0x0\":\"0x1\",\"0x1\":\"0x5\"}}}}}");
    cr_expect_eq(run_case(), NODE_EXIT_OK, "%s%s", out_text, err_text);
    expect_in(out_text, "(inbox)  skipped: nonce too low"); /* the deposit took nonce 0 */
    cr_expect_eq(lines(strstr(out_text, "statement")), 1, "%s", out_text);
}

/* ---- malformed */

static const struct {
    const char *from, *to, *complaint;
} MALFORMED[] = {
    {"\"blocks\"", "\"block\"", "block: unknown field; known: chain start pre blocks comment"},
    {"\"pre\":{", "\"pre\":[],\"start\":{", "pre: not an object"},
    {"\"blocks\":[", "\"blocks\":[],\"comment\":[", "blocks: empty"},
    {"{\"transactions\"", "7,{\"transactions\"", "blocks[0]: not an object"},
    {"\"transactions\"", "\"transaction\"", "blocks[0].transaction: unknown field; known: header"},
    {"[{\"nonce\"", "{\"x\":{\"nonce\"", "1:"}, /* not JSON any more: line and column */
    {"{\"nonce\":\"0x0\",\"gasLimit\"", "[],{\"nonce\":\"0x0\",\"gasLimit\"",
     "transactions[0]: neither the transaction's bytes"},
    {"\"gasLimit\":\"0x30d40\",", "", "blocks[0].transactions[0].gasLimit: missing"},
    {"\"gasLimit\"", "\"gaslimit\"", "transactions[0].gaslimit: unknown field"},
    {"\"maxFeePerGas\":\"0x3b9aca00\",", "", "maxFeePerGas: missing"},
    {"\"maxFeePerGas\"", "\"type\":\"0x0\",\"maxFeePerGas\"", "gasPrice: missing"},
    {"\"maxFeePerGas\"", "\"type\":\"0x3\",\"maxFeePerGas\"", "type: not one of"},
    {"\"maxFeePerGas\"", "\"type\":\"0x2\",\"gasPrice\"", "gasPrice: of types 0x0 and 0x1"},
    {"\"maxFeePerGas\"", "\"type\":\"0x0\",\"accessList\":[],\"gasPrice\"", "accessList: not of"},
    {"\"maxFeePerGas\"", "\"type\":\"0x2\",\"authorizationList\":[],\"maxFeePerGas\"",
     "authorizationList: of type 0x4"},
    {TO, "\"authorizationList\":[]", "to: missing; type 0x4 cannot create"},
    {TO, TO ",\"authorizationList\":[7]", "authorizationList[0]: not an object"},
    {TO, TO ",\"accessList\":[{\"address\":\"0x1\",\"storageKeys\":[]}]",
     "accessList[0].address: not an address"},
    {TO, TO ",\"accessList\":[{\"address\":\"" ALICE "\",\"storageKeys\":[7]}]",
     "accessList[0].storageKeys: not a number"},
    {"0000000000000001\"", "0000000000000000\"", "secretKey: 0, or not below the curve's order"},
    {"\"0x0000000000000000000000000000000000000000000000000000000000000001\"", "\"0x01\"",
     "secretKey: not 32 bytes of hex"},
    {",\"secretKey\"", ",\"privateKey\"", "privateKey: unknown field"},
    {"[{\"nonce\"", "[\"0x7e00\",{\"nonce\"", "belong into \"inbox\""},
    {"{\"transactions\"", "{\"inbox\":[7],\"transactions\"", "blocks[0].inbox[0]: not an object"},
    {"{\"transactions\"", "{\"inbox\":[{\"data\":\"0x0\"}],\"transactions\"",
     "inbox[0].data: not bytes"},
    {"{\"transactions\"", "{\"inbox\":[{\"transaction\":7}],\"transactions\"",
     "inbox[0].transaction: neither"},
    {"{\"transactions\"", "{\"header\":{\"time\":\"0x1\"},\"transactions\"",
     "blocks[0].header.time: unknown field"},
    {"{\"transactions\"", "{\"header\":{\"endBatch\":1},\"transactions\"",
     "endBatch: neither true nor false"},
    {"{\"transactions\"", "{\"header\":{\"timestampMs\":\"0x1\"},\"transactions\"",
     "timestampMs: not later than the block before"},
    {"{\"transactions\"", "{\"header\":{\"epoch\":\"0x2\"},\"transactions\"",
     "epoch: neither that of the block before"},
    {"{\"transactions\"", "{},{\"header\":{\"epoch\":\"0x1\"},\"transactions\"",
     "blocks[1].header.epoch: neither that of the block before"},
    {"{\"transactions\"", "{\"expect\":7,\"transactions\"", "blocks[0].expect: not an object"},
    {"{\"transactions\"", "{\"expect\":{\"gas\":7},\"transactions\"", "expect.gas: unknown field"},
    {"{\"transactions\"", "{\"expect\":{\"post\":{\"0x1\":{}}},\"transactions\"",
     "expect.post.0x1: not an address"},
    {"{\"transactions\"", "{\"expect\":{\"transactions\":[7]},\"transactions\"",
     "expect.transactions[0]: not an object"},
    {"\"storage\":{}", "\"stotage\":{}", "stotage: unknown field; known: nonce balance code"},
    {ALICE, "0x7e", "pre.0x7e: not an address"},
    {"\"code\":\"0x\"", "\"code\":\"0xef00\"", "pre.0x7e5f…5bdf: account's code begins with 0xef"},
    {"\"code\":\"0x\",\"storage\":{}", "\"code\":\"0x\",\"storage\":{\"0x1\":\"0x1\"}",
     "account has storage but neither nonce nor code"},
    {"{\"pre\"", "{\"chain\":{\"gasLimit\":\"0x1\"},\"pre\"", "gas limit does not hold"},
    {"{\"pre\"", "{\"chain\":{\"nativePerGas\":\"0x0\"},\"pre\"", "native units per gas are 0"},
    {"{\"pre\"", "{\"start\":{\"timestampMs\":\"0xffffffffffffffff\"},\"pre\"",
     "blocks[0]: header and payload are not ones that this chain can have at this place"},
};

Test(node_exec_block, a_malformed_document_is_refused_with_the_place)
{
    for (size_t i = 0; i < sizeof MALFORMED / sizeof MALFORMED[0]; i++) {
        write_replaced(DOCUMENT(TX(FEE "," TO)), MALFORMED[i].from, MALFORMED[i].to);
        cr_expect_eq(run_case(), NODE_EXIT_CHECK_FAILED, "row %zu: %s", i, out_text);
        cr_expect_not_null(strstr(err_text, MALFORMED[i].complaint), "row %zu: %s", i, err_text);
        cr_expect_not_null(strstr(err_text, case_path), "row %zu: %s", i, err_text);
        cr_expect_leq(lines(err_text), 3, "row %zu: %s", i, err_text);
    }
}

/* A transaction's own gas does not matter to what judging it costs. */
Test(node_exec_block, a_payload_above_the_native_limit_is_refused)
{
    char *text = malloc(1u << 20);
    cr_assert_not_null(text);
    size_t len = (size_t)sprintf(text, "{\"blocks\":[{\"transactions\":[\"0x00\"");
    for (int i = 0; i < 2000; i++)
        len += (size_t)sprintf(text + len, ",\"0x00\"");
    sprintf(text + len, "]}]}");
    write_text(text);
    free(text);
    cr_expect_eq(run_case(), NODE_EXIT_CHECK_FAILED);
    expect_in(err_text, "blocks[0]: judging these entries alone costs more than the native limit");
}

/* ---- the other outputs */

Test(node_exec_block, json_is_one_object_a_line)
{
    const char *words[ARGUMENTS_MAX] = {"--json", "--post", "@"};
    json_error_t e;
    write_text(example());
    cr_assert_eq(run(words), NODE_EXIT_OK);
    cr_assert_eq(lines(out_text), 3);
    json_t *first = json_loads(out_text, JSON_DISABLE_EOF_CHECK, &e);
    json_t *last = json_loads(strstr(strchr(out_text, '\n') + 1, "\n{") + 1, 0, &e);
    cr_assert_not_null(first);
    cr_assert_not_null(last);
    const json_t *txs = json_object_get(first, "transactions");
    cr_assert_eq(json_array_size(txs), 4);
    const json_t *call = json_array_get(txs, 2);
    cr_expect_eq(json_array_size(json_object_get(call, "logs")), 1);
    cr_expect_eq(json_string_length(json_object_get(call, "logsBloom")), 2 + 512);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(txs, 3), "verdict")),
                     "nonce too low");
    cr_expect_eq(json_array_size(json_object_get(last, "statement")), 9);
    const json_t *post = json_object_get(last, "post");
    const json_t *bob = json_object_get(post, "0x2222222222222222222222222222222222222222");
    cr_expect_str_eq(json_string_value(json_object_get(bob, "balance")), "0xde0b6b3a7640000");
    json_decref(first);
    json_decref(last);
}

/* post is a pre: from there the same block gives the same state. */
Test(node_exec_block, post_can_be_read_again)
{
    const char *words[ARGUMENTS_MAX] = {"--json", "--post", "@"};
    json_error_t e;
    write_text(example());
    cr_assert_eq(run(words), NODE_EXIT_OK);
    json_t *last = json_loads(strstr(strchr(out_text, '\n') + 1, "\n{") + 1, 0, &e);
    json_t *next = json_pack("{sO s[{}]}", "pre", json_object_get(last, "post"), "blocks");
    cr_assert_not_null(next);
    cr_assert_eq(json_dump_file(next, case_path, 0), 0);
    cr_expect_eq(run_case(), NODE_EXIT_OK, "%s", err_text);
    json_decref(last);
    json_decref(next);
}

Test(node_exec_block, a_witness_is_written_and_said)
{
    const char *words[ARGUMENTS_MAX] = {"--witness", "#", "@"};
    struct stat about;
    write_text(example());
    cr_expect_eq(run(words), NODE_EXIT_OK);
    expect_in(out_text, "`tandem guest run ");
    cr_assert_eq(stat(witness_path, &about), 0);
    cr_expect_gt(about.st_size, 1000);
    cr_expect_eq(about.st_size % 4, 0);
    words[1] = "/nonexistent/folder/w.bin";
    cr_expect_eq(run(words), NODE_EXIT_CANT_CREATE);
    expect_in(err_text, "cannot create /nonexistent/folder/w.bin: ");
    words[1] = "/dev/full";
    cr_expect_eq(run(words), NODE_EXIT_IO);
    expect_in(err_text, "cannot write /dev/full: ");
}

Test(node_exec_block, command_lines)
{
    static const struct {
        const char *words[ARGUMENTS_MAX];
        int code;
        const char *complaint;
    } ROWS[] = {
        {{NULL}, NODE_EXIT_USAGE, "which file?"},
        {{"--frob", "@"}, NODE_EXIT_USAGE, "unknown option \"--frob\""},
        {{"@", "--witness"}, NODE_EXIT_USAGE, "a file name is missing after \"--witness\""},
        {{"--witness", "#", "@", "@"}, NODE_EXIT_USAGE, "one FILE at a time"},
        {{"/nonexistent.json"}, NODE_EXIT_NO_INPUT, "/nonexistent.json: No such file"},
        {{"/tmp"}, NODE_EXIT_CHECK_FAILED, "/tmp: not a regular file"},
        {{"@", "@"}, NODE_EXIT_OK, ""},
    };
    write_text(example());
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect_eq(run(ROWS[i].words), ROWS[i].code, "row %zu", i);
        expect_in(err_text, ROWS[i].complaint);
    }
}
