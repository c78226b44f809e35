/* `tandem exec statetest`: what it reports about two good cases (transfer.json and refused.json,
 * made by transfer.py without our code) and about each way in which they, their file or the command
 * line can be bad. Method: replace one text of the good file, run the command into memory streams,
 * look for the closing line, the complaint and the exit code. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/exec.h"
#include "node/exit_codes.h"

#define FILE_BYTES_MAX 16384u
#define ARGUMENTS_MAX 8

static char *out_text, *err_text;
static char folder[] = "/tmp/tandem-exec-XXXXXX";
static char case_path[64];

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(case_path, sizeof case_path, "%s/case.json", folder);
}

static void tear_down(void)
{
    unlink(case_path);
    rmdir(folder);
    free(out_text);
    free(err_text);
}

TestSuite(node_exec, .init = set_up, .fini = tear_down);

/* A good case with `from` replaced by `to`, once or everywhere, as case_path. */
static void write_from(const char *source, const char *from, const char *to, bool everywhere)
{
    static char text[FILE_BYTES_MAX];
    FILE *f = fopen(source, "r");
    cr_assert_not_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';

    f = fopen(case_path, "w");
    cr_assert_not_null(f);
    const char *at = text;
    const char *hit = from == NULL ? NULL : strstr(at, from);
    cr_assert(from == NULL || hit != NULL, "%s is not in the file", from);
    while (hit != NULL) {
        fprintf(f, "%.*s%s", (int)(hit - at), at, to);
        at = hit + strlen(from);
        hit = everywhere ? strstr(at, from) : NULL;
    }
    fputs(at, f);
    fclose(f);
}

static void write_case(const char *from, const char *to, bool everywhere)
{
    write_from(TD_CASES "/transfer.json", from, to, everywhere);
}

/* Run `tandem exec WORDS…`; "@" stands for the case's file. */
static int run(const char *const *words)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"exec"};
    int argc = 1;
    size_t out_bytes, err_bytes;
    free(out_text);
    free(err_text);
    FILE *out = open_memstream(&out_text, &out_bytes);
    FILE *err = open_memstream(&err_text, &err_bytes);
    for (; argc <= ARGUMENTS_MAX && words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(strcmp(words[argc - 1], "@") == 0 ? case_path : words[argc - 1]);
    int code = node_exec_run(out, err, argc, argv);
    fclose(out);
    fclose(err);
    return code;
}

static int run_case_file(void)
{
    const char *words[ARGUMENTS_MAX] = {"statetest", "@"};
    return run(words);
}

static void expect_out(const char *text)
{
    cr_expect_not_null(strstr(out_text, text), "wanted: %s\ngot: %s", text, out_text);
}

Test(node_exec, a_good_case_passes_quietly)
{
    write_case(NULL, NULL, false);
    cr_expect_eq(run_case_file(), NODE_EXIT_OK);
    cr_expect_str_eq(out_text, "1 passed, 0 failed, 0 skipped\n");
    cr_expect_str_empty(err_text);
}

static const struct {
    const char *from, *to;
    const char *out; /* besides the closing line of one failure */
} WRONG[] = {
    {"0x158c8", "0x158c9",
     "0xc01bc01bc01bc01bc01bc01bc01bc01bc01bc01b balance: expected 0x158c9, got 0x158c8"},
    {"\"0x1\": \"0x5\"", "\"0x1\": \"0x6\"", "slot 0x1: expected 0x6, got 0x5"},
    {"\"0x1\": \"0x5\",", "", "slot 0x1: expected 0x0, got 0x5"},
    {"\"0x1\": \"0x5\"", "\"0x7\": \"0x9\", \"0x1\": \"0x5\"", "slot 0x7: expected 0x9, got 0x0"},
    {"c01b\": {\n       \"nonce\": \"0x0\"", "c01b\": {\n       \"nonce\": \"0x9\"",
     "nonce: expected 0x9, got 0x0"},
    {"c01b\": {", "c01c\": {", "01c account: expected present, got absent"},
    {"c01b\": {", "c01c\": {", "01b account: expected absent, got present"},
    {"0xf888ef", "0xf888ee", "state root: expected 0xf888ee"},
    {"0x60d993", "0x60d994", "logs hash: expected 0x60d994"},
    {"\"currentBaseFee\": \"0x7\"", "\"currentBaseFee\": \"0x8\"", "ran to success"},
    {"\"currentBaseFee\": \"0x7\"", "\"currentBaseFee\": \"0x15\"", "transaction refused: "},
    {"\"hash\":", "\"expectException\": \"TransactionException.NONCE_IS_MAX\", \"hash\":",
     "transaction accepted; must be refused: TransactionException.NONCE_IS_MAX"},
};

Test(node_exec, every_difference_fails_and_is_named)
{
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        write_case(WRONG[i].from, WRONG[i].to, false);
        cr_expect_eq(run_case_file(), NODE_EXIT_CHECK_FAILED, "row %zu", i);
        expect_out("FAIL transfer to a contract");
        expect_out(WRONG[i].out);
        expect_out("\n0 passed, 1 failed, 0 skipped\n");
    }
}

static const struct {
    const char *from, *to;
    const char *out; /* where and what */
} MALFORMED[] = {
    {"\"balance\": \"0x5\"", "\"balance\": \"5\"",
     "post.0xc0dec0dec0dec0dec0dec0dec0dec0dec0dec0de.balance: not a number like \"0x1f\""},
    {"\"balance\": \"0x5\"", "\"balance\": \"0xg\"", ".balance: not a number"},
    {"\"balance\": \"0x5\"", "\"balance\": \"0x\"", ".balance: not a number"},
    {"\"balance\": \"0x5\"", "\"balance\": 5", ".balance: not a string"},
    {"\"balance\": \"0x5\",", "", ".balance: missing"},
    {"\"balance\": \"0x5\"",
     "\"balance\": \"0x10000000000000000000000000000000000000000000000000000000000000000\"",
     ".balance: exceeds 256 bits"},
    {"\"nonce\": \"0x0\"", "\"nonce\": \"0x10000000000000000\"", ".nonce: exceeds 64 bits"},
    {"\"0x602a", "\"0x602", ".code: not bytes like \"0x60ff\""},
    {"\"0x602a", "\"602a", ".code: not bytes"},
    {"0x02781d", "0x2781d", "account: not an address"},
    {"\"storage\": {}", "\"storage\": []", ".storage: not an object"},
    {"\"0x1\": \"0x5\"", "\"0x1\": \"0x5\", \"0x01\": \"0x5\"", "one slot twice"},
    {"\"0x1\": \"0x5\"", "\"0x1\": \"0x5\", \"0x1\": \"0x5\"", "duplicate object key"},
    {"\"0xc0dec0dec0dec0dec0dec0dec0dec0dec0dec0de\": {",
     "\"0x02781D85502be1f6faf41cd3b2b3652a296a93f4\": {", "one account twice"},
    {"\"txbytes\"", "\"bytes\"", "post.Prague[0].txbytes: missing"},
    {"\"hash\": \"0x", "\"hash\": \"0x00", "hash: not 32 bytes of hex"},
    {"\"logs\": \"0x60d9", "\"logs\": \"", "logs: not 32 bytes of hex"},
    {"\"env\"", "\"environment\"", "env: missing"},
    {"\"currentBaseFee\": \"0x7\",", "", "env.currentBaseFee: missing"},
    {"\"currentExcessBlobGas\": \"0x00\"", "\"currentExcessBlobGas\": \"0x01\"",
     "config.blobSchedule: missing"},
    {"\"chainid\": \"0x01\"",
     "\"chainid\": \"0x01\", \"blobSchedule\": {\"Prague\": {\"baseFeeUpdateFraction\": "
     "\"0x1\"}}}, "
     "\"env\": {",
     "duplicate object key"},
    {"\"post\"", "\"before\"", "post: not an object with a fork in it"},
    {"\"Prague\": [", "\"Prague\": [], \"Osaka\": [", "post: a fork without a list of entries"},
    {"\"state\": {", "\"state\": \"x\", \"unused\": {", "post.Prague[0].state: not an object"},
    {"\"hash\":", "\"expectException\": 7, \"hash\":", "expectException: not a string"},
    {"{\n \"transfer", "[\n \"transfer", "case.json"},
};

Test(node_exec, a_malformed_file_fails_with_the_place)
{
    for (size_t i = 0; i < sizeof MALFORMED / sizeof MALFORMED[0]; i++) {
        write_case(MALFORMED[i].from, MALFORMED[i].to, false);
        cr_expect_eq(run_case_file(), NODE_EXIT_CHECK_FAILED, "row %zu", i);
        cr_expect_not_null(strstr(out_text, MALFORMED[i].out), "row %zu: %s", i, out_text);
        expect_out("\n0 passed, 1 failed, 0 skipped\n");
    }
}

Test(node_exec, blob_fee_that_overflows_is_malformed)
{
    write_case("\"chainid\": \"0x01\"",
               "\"chainid\": \"0x01\", \"blobSchedule\": {\"Prague\": "
               "{\"baseFeeUpdateFraction\": \"0x1\"}}",
               false);
    cr_expect_eq(run_case_file(), NODE_EXIT_OK);
    write_case("\"currentExcessBlobGas\": \"0x00\"\n  },\n  \"config\": {",
               "\"currentExcessBlobGas\": \"0xffffffffffffffff\"\n  },\n  \"config\": {"
               "\"blobSchedule\": {\"Prague\": {\"baseFeeUpdateFraction\": \"0x1\"}},",
               false);
    cr_expect_eq(run_case_file(), NODE_EXIT_CHECK_FAILED);
    expect_out("config: the blob base fee exceeds 256 bits");
}

Test(node_exec, other_forks_and_blobs_are_skipped_with_the_reason)
{
    write_case("\"Prague\"", "\"Osaka\"", false);
    cr_expect_eq(run_case_file(), NODE_EXIT_OK);
    expect_out(
        "SKIP transfer to a contract that logs and stores: rules of Osaka; this is Prague\n");
    expect_out("     1  rules of Osaka; this is Prague\n0 passed, 0 failed, 1 skipped\n");

    write_case("\"0x02f862", "\"0x03f862", false);
    cr_expect_eq(run_case_file(), NODE_EXIT_OK);
    expect_out("SKIP transfer to a contract that logs and stores: blob transaction (type 3)\n");
}

/* The contract's code calls 0x0b with all it has; the stated outcome then cannot come about. */
Test(node_exec, calls_of_absent_precompiles_are_seen)
{
    write_case("0x602a600052600760206000a13460015500", "0x5f5f5f5f5f600b5af100", true);
    cr_expect_eq(run_case_file(), NODE_EXIT_OK);
    expect_out("SKIP transfer to a contract that logs and stores: calls precompile 0x0b (BLS12-381 "
               "G1 add)\n");
    /* 0x09 is there: the same case fails */
    write_case("0x602a600052600760206000a13460015500", "0x5f5f5f5f5f60095af100", true);
    cr_expect_eq(run_case_file(), NODE_EXIT_CHECK_FAILED);
    expect_out("FAIL ");
}

static const struct {
    const char *from, *to;
    const char *out; /* NULL: it passes */
} REFUSALS[] = {
    {"INSUFFICIENT_MAX_FEE_PER_GAS", "INSUFFICIENT_MAX_FEE_PER_GAS", NULL},
    {"INSUFFICIENT_MAX_FEE_PER_GAS",
     "NONCE_IS_MAX|TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS", NULL},
    {"INSUFFICIENT_MAX_FEE_PER_GAS", "A_CLASS_OF_TOMORROW", NULL},
    {"INSUFFICIENT_MAX_FEE_PER_GAS", "INSUFFICIENT_MAX_FEE_PER_GA", NULL},
    {"INSUFFICIENT_MAX_FEE_PER_GAS", "NONCE_IS_MAX",
     "\"; expected TransactionException.NONCE_IS_MAX"},
    {"\"currentBaseFee\": \"0x15\"", "\"currentBaseFee\": \"0x14\"",
     "transaction accepted; must be refused: TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS"},
    {"expectException", "exception", "transaction refused: "},
    {"\"logs\": \"0x", "\"logs\": \"0x00\", \"x\": \"", "logs: not 32 bytes"},
};

Test(node_exec, an_expected_refusal_must_be_of_its_class)
{
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++) {
        bool good = REFUSALS[i].out == NULL;
        write_from(TD_CASES "/refused.json", REFUSALS[i].from, REFUSALS[i].to, false);
        cr_expect_eq(run_case_file(), good ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED, "row %zu", i);
        expect_out(good ? "1 passed, 0 failed, 0 skipped\n" : REFUSALS[i].out);
    }
}

/* Two cases, the first of which must be refused for an exception of a name so long, and is not. */
static void expect_one_of_two(size_t name_len)
{
    static char text[FILE_BYTES_MAX], name[9000];
    const char *const words[] = {"statetest", "@", NULL};
    cr_assert_lt(name_len, sizeof name);
    memset(name, 'X', name_len);
    name[name_len] = '\0';
    FILE *f = fopen(TD_CASES "/transfer.json", "r");
    cr_assert_not_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    char *end = strrchr(text, '}');
    char *hash = strstr(text, "\"hash\":");
    cr_assert_not_null(end);
    cr_assert_not_null(hash);
    *end = '\0';
    f = fopen(case_path, "w");
    cr_assert_not_null(f);
    fprintf(f, "%.*s\"expectException\": \"%s|NONCE_IS_MAX\", %s,\"z%s}", (int)(hash - text), text,
            name, hash, strchr(text, '"') + 1);
    fclose(f);
    cr_assert_eq(run(words), NODE_EXIT_CHECK_FAILED);
    cr_assert_not_null(strstr(out_text, "1 passed, 1 failed"), "%.300s", out_text);
}

/* One stream serves every case: what a complaint left in it must not reach the next, whether it
 * fits into the text or not. */
Test(node_exec, a_complaint_ends_with_its_case)
{
    expect_one_of_two(10);
    expect_one_of_two(8999);
}

Test(node_exec, json_lines)
{
    const char *words[ARGUMENTS_MAX] = {"statetest", "--json", "@"};
    write_case(NULL, NULL, false);
    cr_expect_eq(run(words), NODE_EXIT_OK);
    expect_out("\"name\":\"transfer to a contract that logs and stores\"");
    expect_out("\"fork\":\"Prague\",\"index\":0,\"result\":\"passed\",\"stateRoot\":\"0xf888ef");
    expect_out("\"gasUsed\":44132,");
    expect_out("\n{\"passed\":1,\"failed\":0,\"skipped\":0}\n");
}

Test(node_exec, trace_lines)
{
    const char *words[ARGUMENTS_MAX] = {"statetest", "--trace", "@"};
    write_case(NULL, NULL, false);
    cr_expect_eq(run(words), NODE_EXIT_OK);
    expect_out("{\"depth\":1,\"pc\":0,\"op\":96,\"opName\":\"PUSH1\",\"gas\":\"0x9858\",\"refund\":"
               "\"0x0\",\"memSize\":0,\"stack\":[],\"gasCost\":\"0x3\"}\n");
    expect_out("\"pc\":4,\"op\":82,\"opName\":\"MSTORE\",\"gas\":\"0x9852\",\"refund\":\"0x0\","
               "\"memSize\":0,\"stack\":[\"0x2a\",\"0x0\"],\"gasCost\":\"0x6\"}\n");
    expect_out("\"opName\":\"SSTORE\",");
    expect_out("\"stack\":[\"0x5\",\"0x1\"],\"gasCost\":\"0x5654\"}\n");
    expect_out("\"opName\":\"STOP\",");
    expect_out("\n1 passed, 0 failed, 0 skipped\n");
}

static const struct {
    const char *words[ARGUMENTS_MAX];
    int code;
    const char *out, *err;
} COMMAND_LINES[] = {
    {{"statetest", "@", "--filter", "logs and"},
     NODE_EXIT_OK,
     "1 passed, 0 failed, 0 skipped\n",
     ""},
    {{"statetest", "@", "--filter", "nothing"}, NODE_EXIT_CHECK_FAILED, "0 passed, 0 failed", ""},
    {{"statetest", "--verbose", "@"},
     NODE_EXIT_OK,
     "ok   transfer to a contract that logs and "
     "stores (44132 gas, ",
     ""},
    {{"statetest", "--shard", "1/2", "@"}, NODE_EXIT_OK, "1 passed, 0 failed, 0 skipped\n", ""},
    {{"statetest", "--shard", "2/2", "@", "@"},
     NODE_EXIT_OK,
     "1 passed, 0 failed, 0 skipped\n",
     ""},
    {{"statetest", "--shard", "3/2", "@"}, NODE_EXIT_USAGE, "", "--shard wants I/N like 1/4, not"},
    {{"statetest", "--shard", "0/2", "@"}, NODE_EXIT_USAGE, "", "--shard wants"},
    {{"statetest", "--shard", "-1/2", "@"}, NODE_EXIT_USAGE, "", "--shard wants"},
    {{"statetest", "--shard", "1/2x", "@"}, NODE_EXIT_USAGE, "", "--shard wants"},
    {{"statetest", "@", "--shard"}, NODE_EXIT_USAGE, "", "a value is missing after \"--shard\""},
    {{"statetest", "--jsn", "@"}, NODE_EXIT_USAGE, "", "unknown option \"--jsn\""},
    {{"statetest"}, NODE_EXIT_USAGE, "", "which file or folder?"},
    {{"statetest", "/nonexistent/x.json"},
     NODE_EXIT_NO_INPUT,
     "0 passed",
     "/nonexistent/x.json: No"},
    {{"statetest", "--help"}, NODE_EXIT_OK, "usage: tandem exec statetest", ""},
    {{"statetset", "@"}, NODE_EXIT_USAGE, "", "unknown kind \"statetset\""},
    {{NULL}, NODE_EXIT_USAGE, "", "usage: tandem exec statetest"},
};

Test(node_exec, command_lines)
{
    write_case(NULL, NULL, false);
    for (size_t i = 0; i < sizeof COMMAND_LINES / sizeof COMMAND_LINES[0]; i++) {
        cr_expect_eq(run(COMMAND_LINES[i].words), COMMAND_LINES[i].code, "row %zu", i);
        cr_expect_not_null(strstr(out_text, COMMAND_LINES[i].out), "row %zu: %s", i, out_text);
        cr_expect_not_null(strstr(err_text, COMMAND_LINES[i].err), "row %zu: %s", i, err_text);
        if (COMMAND_LINES[i].err[0] == '\0')
            cr_expect_str_empty(err_text, "row %zu: %s", i, err_text);
    }
}

Test(node_exec, folders_are_walked_in_order_without_dot_folders)
{
    char inner[96], hidden[96], file[128], text[128];
    const char *words[ARGUMENTS_MAX] = {"statetest", folder};
    write_case(NULL, NULL, false);
    snprintf(inner, sizeof inner, "%s/inner", folder);
    snprintf(hidden, sizeof hidden, "%s/.meta", folder);
    cr_assert_eq(mkdir(inner, 0700), 0);
    cr_assert_eq(mkdir(hidden, 0700), 0);
    const char *const names[] = {"inner/b.json", "inner/a.json", "inner/c.txt", ".meta/d.json"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(file, sizeof file, "%s/%s", folder, names[i]);
        FILE *f = fopen(file, "w");
        cr_assert_not_null(f);
        fputs("[]", f);
        fclose(f);
    }
    cr_expect_eq(run(words), NODE_EXIT_CHECK_FAILED);
    expect_out("1 passed, 2 failed, 0 skipped\n");
    snprintf(text, sizeof text, "%s/a.json", inner);
    const char *a = strstr(out_text, text);
    snprintf(text, sizeof text, "%s/b.json", inner);
    const char *b = strstr(out_text, text);
    cr_expect(a != NULL && b != NULL && a < b, "%s", out_text);
    cr_expect_null(strstr(out_text, "d.json"));

    for (size_t i = 0; i < 4; i++) {
        snprintf(file, sizeof file, "%s/%s", folder, names[i]);
        unlink(file);
    }
    rmdir(inner);
    rmdir(hidden);
}
