/* The local network's pure parts: accounts, ports, the state file, logs. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/hex.h"
#include "testnet/accounts.h"
#include "testnet/network.h"
#include "testnet/process.h"

/* What every tool prints for the phrase. */
static const char *const ADDRESSES[TESTNET_DEV_ACCOUNTS] = {
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9", "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f", "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
};

Test(accounts, are_those_of_the_phrase)
{
    struct td_secp *secp = td_secp_new();
    struct td_secp_key key;
    struct td_addr addr, other;
    char text[TD_ADDR_TEXT_BYTES];
    for (uint32_t i = 0; i < TESTNET_DEV_ACCOUNTS; i++) {
        testnet_dev_key(secp, &key, &addr, i);
        td_addr_print(text, &addr);
        cr_expect_str_eq(text, ADDRESSES[i]);
    }
    testnet_load_key(secp, &key, &addr, 0);
    testnet_load_key(secp, &key, &other, 1);
    cr_expect_not(td_addr_eq(&addr, &other));
    testnet_load_key(secp, &key, &other, 0);
    cr_expect(td_addr_eq(&addr, &other));
    td_secp_free(secp);
}

Test(network, the_manual_s_ports_and_no_two_the_same)
{
    struct testnet t = {.validators = TESTNET_NODES_MAX, .base_port = TESTNET_BASE_PORT};
    static bool used[UINT16_MAX + 1u];
    cr_expect_eq(testnet_http_port(&t, 0), 8645);
    cr_expect_eq(testnet_ws_port(&t, 0), 8646);
    cr_expect_eq(testnet_ops_port(&t, 1), 9655);
    cr_expect_eq(testnet_p2p_port(&t, 2), 30665);
    t.base_port = TESTNET_BASE_PORT_MAX;
    for (uint32_t i = 0; i < TESTNET_NODES_MAX; i++) {
        const uint16_t ports[] = {testnet_http_port(&t, i), testnet_ws_port(&t, i),
                                  testnet_ops_port(&t, i), testnet_p2p_port(&t, i)};
        for (size_t k = 0; k < 4; k++) {
            cr_expect_not(used[ports[k]], "node %u, port %u", i, ports[k]);
            used[ports[k]] = true;
        }
    }
}

static struct testnet net;

static void make_folder(void)
{
    memset(&net, 0, sizeof net);
    strcpy(net.dir, "/tmp/testnet-XXXXXX");
    cr_assert_not_null(mkdtemp(net.dir));
    net.validators = 3;
    net.followers = 1;
    net.base_port = 20000;
    net.interval_ms = 250;
    testnet_process_of(&net.supervisor, getpid());
    for (uint32_t i = 0; i < 4; i++)
        net.nodes[i] = (struct testnet_process){.pid = (pid_t)(100u + i), .start = i};
}

static void path_of(char path[NODE_PATH_BYTES])
{
    snprintf(path, NODE_PATH_BYTES, "%.4000s/testnet.json", net.dir);
}

static void remove_folder(void)
{
    char path[NODE_PATH_BYTES];
    path_of(path);
    unlink(path);
    rmdir(net.dir);
}

TestSuite(state, .init = make_folder, .fini = remove_folder);

Test(state, is_read_back)
{
    struct testnet got = {0};
    strcpy(got.dir, net.dir);
    cr_expect_eq(testnet_load(&got), TD_E_NOTFOUND);
    cr_assert_eq(testnet_save(&net), 0);
    cr_assert_eq(testnet_load(&got), TD_OK);
    cr_expect_eq(got.validators, 3);
    cr_expect_eq(got.followers, 1);
    cr_expect_eq(got.base_port, 20000);
    cr_expect_eq(got.interval_ms, 250);
    cr_expect_eq(got.supervisor.start, net.supervisor.start);
    cr_expect_eq(got.nodes[3].pid, 103);
    cr_assert_eq(testnet_save(&got), 0);
}

Test(state, damage_is_said_not_believed)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"version\":2}",
        "{\"version\":1,\"validators\":65,\"followers\":0,\"basePort\":1,\"intervalMs\":0,"
        "\"supervisor\":{\"pid\":0,\"start\":0},\"processes\":[]}",
        "{\"version\":1,\"validators\":1,\"followers\":0,\"basePort\":1,\"intervalMs\":0,"
        "\"supervisor\":{\"pid\":0,\"start\":0},\"processes\":[]}",
        "{\"version\":1,\"validators\":1,\"followers\":0,\"basePort\":1,\"intervalMs\":0,"
        "\"supervisor\":{\"pid\":0,\"start\":0},\"processes\":[{\"pid\":-1,\"start\":0}]}",
        "{\"version\":1,\"validators\":1,\"followers\":0,\"basePort\":1,\"intervalMs\":0,"
        "\"supervisor\":{\"pid\":0,\"start\":0},\"processes\":[{\"pid\":1,\"start\":0},"
        "{\"pid\":1,\"start\":0}]}",
        "{\"version\":1,\"validators\":1,\"followers\":64,\"basePort\":1,\"intervalMs\":0,"
        "\"supervisor\":{\"pid\":0,\"start\":0},\"processes\":[{\"pid\":1,\"start\":0}]}",
    };
    char path[NODE_PATH_BYTES];
    path_of(path);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *f = fopen(path, "w");
        fputs(bad[i], f);
        fclose(f);
        struct testnet got = {0};
        strcpy(got.dir, net.dir);
        cr_expect_eq(testnet_load(&got), TD_E_MALFORMED, "%s", bad[i]);
    }
}

Test(process, is_known_by_its_start_too)
{
    struct testnet_process self;
    testnet_process_of(&self, getpid());
    cr_expect(testnet_alive(&self));
    self.start++;
    cr_expect_not(testnet_alive(&self));
    const struct testnet_process none = {0};
    cr_expect_not(testnet_alive(&none));
}

/* A child that waits; `deaf` ignores SIGTERM and says so before it is asked. */
static pid_t child(bool deaf)
{
    int ready[2];
    char byte = 0;
    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, deaf ? SIG_IGN : SIG_DFL);
        (void)!write(ready[1], &byte, 1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

Test(process, stop_asks_first_and_kills_what_does_not_listen)
{
    struct testnet_process list[3] = {{0}};
    char text[64];
    int status;
    testnet_process_of(&list[0], child(false));
    testnet_process_of(&list[1], child(true));
    cr_expect_eq(testnet_stop(list, 3, 200), 1);
    cr_expect_not(testnet_alive(&list[0]));
    cr_expect_not(testnet_alive(&list[1]));
    cr_assert_eq(waitpid(list[0].pid, &status, 0), list[0].pid);
    testnet_end_text(text, status);
    cr_expect_str_eq(text, "signal 15 (Terminated)");
    cr_assert_eq(waitpid(list[1].pid, &status, 0), list[1].pid);
    testnet_end_text(text, status);
    cr_expect_str_eq(text, "signal 9 (Killed)");
    cr_expect_eq(testnet_stop(list, 3, 200), 0);
}

static const struct {
    const char *content;
    uint32_t lines;
    const char *tail;
} TAILS[] = {
    {"", 3, ""},          {"a\n", 3, "> a\n"},          {"w\nx\ny\nz\n", 2, "> y\n> z\n"},
    {"a\nb", 1, "> b\n"}, {"a\n\nb\n", 2, "> \n> b\n"},
};

Test(state, the_end_of_a_log)
{
    char path[NODE_PATH_BYTES];
    path_of(path);
    for (size_t i = 0; i < sizeof TAILS / sizeof TAILS[0]; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *f = fopen(path, "w"), *out = open_memstream(&text, &len);
        fputs(TAILS[i].content, f);
        fclose(f);
        testnet_tail(out, path, TAILS[i].lines, "> ");
        fclose(out);
        cr_expect_str_eq(text, TAILS[i].tail, "row %zu", i);
        free(text);
    }
}
