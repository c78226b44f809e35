/* `tandem testnet up`.
 *
 *     prepare ──▶ ports ──▶ folders ──▶ spawn ──▶ wait for blocks ──▶ table ──┬─▶ live line … stop
 *                                                                   --detach └─▶ leave them running
 *
 * 1. Whatever ends this process ends the nodes: Ctrl-C and SIGTERM by asking them, a kill by the
 *    kernel's signal to children whose parent died.  Not with --detach.
 * 2. A node that dies is said with the end of its log; the others go on. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "node/cli/home.h"
#include "node/cli/ports.h"
#include "node/exit_codes.h"
#include "testnet/accounts.h"
#include "testnet/commands.h"
#include "testnet/fault.h"
#include "testnet/links.h"
#include "testnet/live.h"
#include "testnet/make.h"
#include "testnet/process.h"

#define NODES_DEFAULT 4u
#define INTERVAL_MS_MAX 3600000u
#define LOG_LINES 5u
/* The first blocks come within ten seconds on an idle machine; a loaded one gets six times that. */
#define FIRST_BLOCK_MS 60000u
#define WAIT_STEP_MS 100
#define PROGRESS_NS UINT64_C(2000000000)
#define LINE_MS 2000     /* without a terminal */
#define TERMINAL_MS 1000 /* with one */
#define RPC_TIMEOUT_MS 1000u

struct up {
    struct node_cli cli;
    struct testnet net;
    FILE *out, *err;
    const char *dir, *nodes, *followers, *base, *interval;
    bool detach, fresh, existing, faults;
    int signals; /* signalfd */
    bool stop;   /* asked to */
    bool reaped[TESTNET_NODES_MAX];
    uint32_t living;
    bool terminal;
};

/* ---- what is wanted */

static bool option(uint32_t *out, const char *text, uint32_t initial, uint64_t least, uint64_t most)
{
    uint64_t v = initial;
    if (text != NULL && !node_cli_number(&v, text, least, most))
        return false;
    *out = (uint32_t)v;
    return true;
}

static int wanted(struct up *u)
{
    uint32_t interval;
    struct testnet *t = &u->net;
    if (!option(&t->validators, u->nodes, NODES_DEFAULT, 1, TESTNET_NODES_MAX) ||
        !option(&t->followers, u->followers, 0, 0, TESTNET_NODES_MAX - t->validators))
        return node_cli_fail(&u->cli, u->err, NODE_EXIT_USAGE,
                             "-n and --follower: 1 to %u nodes together", TESTNET_NODES_MAX);
    if (!option(&t->base_port, u->base, TESTNET_BASE_PORT, 1, TESTNET_BASE_PORT_MAX))
        return node_cli_fail(&u->cli, u->err, NODE_EXIT_USAGE,
                             "--base-port: 1 to %u; nodes use it and ports 22000 above",
                             TESTNET_BASE_PORT_MAX);
    if (!option(&interval, u->interval, 1000, 0, INTERVAL_MS_MAX))
        return node_cli_fail(&u->cli, u->err, NODE_EXIT_USAGE,
                             "--block-interval: 0 to %u milliseconds", INTERVAL_MS_MAX);
    t->interval_ms = interval;
    t->faults = u->faults;
    return NODE_EXIT_OK;
}

static bool any_alive(const struct testnet *t)
{
    bool alive = testnet_alive(&t->supervisor) || testnet_alive(&t->links);
    for (uint32_t i = 0; i < testnet_count(t); i++)
        alive |= testnet_alive(&t->nodes[i]);
    return alive;
}

/* A network that is there already goes on, if it is the one that is asked for. */
static int settle(struct up *u)
{
    struct testnet old;
    memset(&old, 0, sizeof old);
    memcpy(old.dir, u->net.dir, sizeof old.dir);
    enum td_error e = testnet_load(&old);
    if (e == TD_OK && any_alive(&old))
        return node_cli_fail(&u->cli, u->err, NODE_EXIT_RUNNING,
                             "the network in %s runs already\nStop it: tandem testnet down",
                             old.dir);
    if (u->fresh)
        return testnet_remove(&u->net, &u->cli, u->err);
    if (e == TD_E_NOTFOUND)
        return NODE_EXIT_OK;
    if (e != TD_OK)
        return node_cli_fail(
            &u->cli, u->err, NODE_EXIT_CONFIG,
            "%s/testnet.json cannot be read\nStart anew: tandem testnet up --fresh", old.dir);
    if ((u->nodes != NULL && old.validators != u->net.validators) ||
        (u->followers != NULL && old.followers != u->net.followers) ||
        (u->interval != NULL && old.interval_ms != u->net.interval_ms))
        return node_cli_fail(&u->cli, u->err, NODE_EXIT_CONFIG,
                             "%s holds a network of %" PRIu32 " + %" PRIu32 " nodes, %" PRIu64
                             " ms a block\nStart anew: --fresh; or in another folder: --dir",
                             old.dir, old.validators, old.followers, old.interval_ms);
    u->net.validators = old.validators;
    u->net.followers = old.followers;
    u->net.interval_ms = old.interval_ms;
    if (u->base == NULL)
        u->net.base_port = old.base_port;
    u->existing = true;
    return NODE_EXIT_OK;
}

static int check_ports(struct up *u)
{
    char holder[NODE_PORT_HOLDER_BYTES];
    for (uint32_t i = 0; i < testnet_count(&u->net); i++) {
        const uint16_t ports[] = {testnet_http_port(&u->net, i), testnet_ws_port(&u->net, i),
                                  testnet_ops_port(&u->net, i), testnet_p2p_port(&u->net, i)};
        for (size_t k = 0; k < 4; k++) {
            if (node_port_free("127.0.0.1", ports[k]))
                continue;
            const char *problem = strerror(errno);
            bool named = node_port_holder(holder, ports[k]);
            return node_cli_fail(&u->cli, u->err, NODE_EXIT_UNAVAILABLE,
                                 "port %u of n%" PRIu32 ": %s%s\nStop that, or choose other ports: "
                                 "--base-port",
                                 (unsigned)ports[k], i, named ? "held by " : problem,
                                 named ? holder : "");
        }
    }
    return NODE_EXIT_OK;
}

static int make_folders(struct up *u)
{
    if (u->existing)
        return testnet_configure(&u->net, &u->cli, u->err);
    int code = node_home_folder(&u->cli, u->err, u->net.dir, NULL);
    if (code == NODE_EXIT_OK)
        code = testnet_make(&u->net, &u->cli, u->err);
    return code;
}

static int save(struct up *u)
{
    return testnet_save(&u->net) == 0
               ? NODE_EXIT_OK
               : node_cli_fail(&u->cli, u->err, NODE_EXIT_CANT_CREATE, "%s/testnet.json: %s",
                               u->net.dir, strerror(errno));
}

/* ---- signals */

static int catch_signals(struct up *u)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        u->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return u->signals >= 0
               ? NODE_EXIT_OK
               : node_cli_fail(&u->cli, u->err, NODE_EXIT_IO, "signals: %s", strerror(errno));
}

/* Say which nodes ended, once each. */
static void reap(struct up *u)
{
    char text[64], log[NODE_PATH_BYTES];
    int status;
    for (uint32_t i = 0; i < testnet_count(&u->net); i++) {
        pid_t pid = u->net.nodes[i].pid;
        if (u->reaped[i] || pid <= 0 || waitpid(pid, &status, WNOHANG) != pid)
            continue;
        u->reaped[i] = true;
        u->living--;
        if (u->stop)
            continue;
        testnet_end_text(text, status);
        testnet_path(log, &u->net, i, "log");
        fprintf(u->err, "%s✗ n%" PRIu32 " ended: %s; its log (%s):\n",
                u->terminal ? "\r\033[K" : "", i, text, log);
        testnet_tail(u->err, log, LOG_LINES, "    ");
    }
}

/* Nodes that `tandem testnet fault` started again are others than those this process began with. */
static void follow_faults(struct up *u)
{
    struct testnet now = u->net;
    if (!u->net.faults || testnet_load(&now) != TD_OK ||
        testnet_count(&now) != testnet_count(&u->net))
        return;
    reap(u);
    for (uint32_t i = 0; i < testnet_count(&now); i++) {
        if (now.nodes[i].pid == u->net.nodes[i].pid)
            continue;
        u->living += u->reaped[i] ? 1 : 0;
        u->reaped[i] = false;
        u->net.nodes[i] = now.nodes[i];
    }
}

/* Wait for a signal, at most so long; takes in what there is. */
static void wait_signals(struct up *u, int timeout_ms)
{
    struct pollfd p = {.fd = u->signals, .events = POLLIN};
    struct signalfd_siginfo info;
    (void)poll(&p, 1, timeout_ms);
    while (read(u->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != (uint32_t)SIGCHLD)
            u->stop = true;
    reap(u);
}

/* ---- start */

static int spawn_all(struct up *u)
{
    struct td_clock clock = td_clock_system();
    struct testnet_faults none = {.next = 1};
    testnet_process_of(&u->net.supervisor, getpid());
    if (u->net.faults) { /* what was done to a network before it stopped is over */
        if (testnet_faults_save(&none, u->net.dir) != 0)
            return node_cli_fail(&u->cli, u->err, NODE_EXIT_CANT_CREATE, "%s/faults.json: %s",
                                 u->net.dir, strerror(errno));
        int code =
            testnet_links_start(&u->net, &u->cli, u->err, !u->detach, td_clock_mono_ns(&clock));
        if (code != NODE_EXIT_OK)
            return code;
    }
    for (uint32_t i = 0; i < testnet_count(&u->net); i++) {
        if (testnet_spawn(&u->net, i, !u->detach) != 0)
            return node_cli_fail(&u->cli, u->err, NODE_EXIT_IO, "cannot start n%" PRIu32 ": %s", i,
                                 strerror(errno));
        u->living++;
    }
    return save(u);
}

static bool all_above(const struct testnet_live *l, uint64_t height)
{
    bool good = true;
    for (uint32_t i = 0; i < testnet_count(l->t); i++)
        good = good && l->answers[i] && l->heights[i] > height;
    return good;
}

/* Until every node has a block that was not there before. */
static int wait_blocks(struct up *u, struct testnet_live *l)
{
    uint64_t begin = td_clock_mono_ns(&l->clock), told = begin, before = UINT64_MAX;
    uint32_t all = testnet_count(&u->net);
    while (!u->stop && u->living == all) {
        wait_signals(u, WAIT_STEP_MS);
        testnet_live_look(l);
        if (l->faults == 0 && before == UINT64_MAX)
            before = u->existing ? l->final : 0;
        if (before != UINT64_MAX && all_above(l, before))
            return NODE_EXIT_OK;
        uint64_t now = td_clock_mono_ns(&l->clock);
        if (now - begin > FIRST_BLOCK_MS * UINT64_C(1000000))
            return node_cli_fail(&u->cli, u->err, NODE_EXIT_UNAVAILABLE,
                                 "no block on every node after %u s; %" PRIu32 " of %" PRIu32
                                 " nodes answer\nTheir logs: %s/nK/log",
                                 FIRST_BLOCK_MS / 1000u, all - l->faults, all, u->net.dir);
        if (now - told >= PROGRESS_NS) {
            told = now;
            fprintf(u->out, "… %" PRIu32 " of %" PRIu32 " nodes answer, height %" PRIu64 "\n",
                    all - l->faults, all, l->final);
            fflush(u->out);
        }
    }
    return u->stop ? NODE_EXIT_OK : NODE_EXIT_UNAVAILABLE;
}

/* ---- what the person sees */

static void print_table(const struct up *u)
{
    const struct testnet *t = &u->net;
    struct td_secp *secp = td_secp_new();
    struct td_secp_key key;
    struct td_addr addr;
    char text[TD_ADDR_TEXT_BYTES];
    fprintf(u->out, "✓ ports free (base %" PRIu32 ")  ✓ %" PRIu32 " validators", t->base_port,
            t->validators);
    if (t->followers > 0)
        fprintf(u->out, ", %" PRIu32 " followers", t->followers);
    fprintf(u->out, "  – prover off (arrives with the proof machine)\n"
                    "  node  rpc                     p2p     ops     role\n");
    for (uint32_t i = 0; i < testnet_count(t); i++)
        fprintf(u->out, "  n%-4" PRIu32 " http://127.0.0.1:%-6u  %-6u  %-6u  %s\n", i,
                (unsigned)testnet_http_port(t, i), (unsigned)testnet_p2p_port(t, i),
                (unsigned)testnet_ops_port(t, i), i < t->validators ? "validator" : "follower");
    fprintf(u->out, "Accounts (%u × 10000 ETH, development only — never fund):\n",
            TESTNET_DEV_ACCOUNTS);
    TD_ASSERT(secp != NULL);
    for (uint32_t i = 0; i < TESTNET_DEV_ACCOUNTS; i++) {
        testnet_dev_key(secp, &key, &addr, i);
        td_addr_print(text, &addr);
        fprintf(u->out, "  %s key 0x%s\n", text, testnet_dev_key_text(i));
    }
    td_secp_free(secp);
    fprintf(u->out,
            "Chain id 271828   Status http://127.0.0.1:%u/status   Try: cast block-number -r "
            "http://127.0.0.1:%u\n",
            (unsigned)testnet_ops_port(t, 0), (unsigned)testnet_http_port(t, 0));
    fflush(u->out);
}

static void show_live(struct up *u, struct testnet_live *l, uint32_t turn)
{
    static const char *const wheel[] = {"⠧", "⠏", "⠛", "⠹", "⠼", "⠶"};
    testnet_live_look(l);
    if (u->terminal)
        fprintf(u->out, "\r\033[K%s ", wheel[turn % 6u]);
    testnet_live_print(l, u->out);
    fputs(u->terminal ? "" : "\n", u->out);
    fflush(u->out);
}

static int run_live(struct up *u, struct testnet_live *l)
{
    for (uint32_t turn = 0; !u->stop && (u->living > 0 || u->net.faults); turn++) {
        follow_faults(u);
        show_live(u, l, turn);
        wait_signals(u, u->terminal ? TERMINAL_MS : LINE_MS);
    }
    if (u->terminal)
        fputc('\n', u->out);
    return u->stop ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

static void stop_all(struct up *u)
{
    u->stop = true;
    follow_faults(u);
    uint32_t killed = testnet_stop_nodes(&u->net);
    reap(u);
    memset(&u->net.supervisor, 0, sizeof u->net.supervisor);
    memset(&u->net.links, 0, sizeof u->net.links);
    memset(u->net.nodes, 0, sizeof u->net.nodes);
    (void)save(u);
    if (killed > 0)
        fprintf(u->err, "%" PRIu32 " nodes did not end in %u s and were killed\n", killed,
                TESTNET_GRACE_MS / 1000u);
    else
        fprintf(u->out, "stopped\n");
}

static int run(struct up *u)
{
    struct testnet_live live;
    int code = testnet_dir(u->net.dir, &u->cli, u->err, u->dir);
    if (code == NODE_EXIT_OK)
        code = wanted(u);
    if (code == NODE_EXIT_OK)
        code = settle(u);
    if (code == NODE_EXIT_OK)
        code = check_ports(u);
    if (code == NODE_EXIT_OK)
        code = make_folders(u);
    if (code == NODE_EXIT_OK)
        code = save(u);
    if (code == NODE_EXIT_OK)
        code = catch_signals(u);
    if (code != NODE_EXIT_OK)
        return code;
    testnet_live_init(&live, &u->net, RPC_TIMEOUT_MS);
    code = spawn_all(u);
    if (code == NODE_EXIT_OK)
        code = wait_blocks(u, &live);
    if (code == NODE_EXIT_OK && !u->stop)
        print_table(u);
    if (code == NODE_EXIT_OK && !u->stop && u->detach) {
        memset(&u->net.supervisor, 0, sizeof u->net.supervisor);
        code = save(u);
        fprintf(u->out, "Running; stop it with: tandem testnet down --dir %s\n", u->net.dir);
    } else {
        live.look_count = 0; /* rates from here on */
        if (code == NODE_EXIT_OK)
            code = run_live(u, &live);
        stop_all(u);
    }
    testnet_live_free(&live);
    return code;
}

int testnet_up(FILE *out, FILE *err, int argc, char **argv)
{
    struct up *u = calloc(1, sizeof *u);
    TD_ASSERT(u != NULL);
    const struct node_cli_flag flags[] = {
        {.name = "-n", .value = &u->nodes},
        {.name = "--dir", .value = &u->dir},
        {.name = "--base-port", .value = &u->base},
        {.name = "--block-interval", .value = &u->interval},
        {.name = "--follower", .value = &u->followers},
        {.name = "--detach", .seen = &u->detach},
        {.name = "--fresh", .seen = &u->fresh},
        {.name = "--faults", .seen = &u->faults},
    };
    const struct node_cli_spec spec = {
        .command = "testnet up",
        .usage =
            "usage: tandem testnet up [-n 4] [--dir DIR] [--base-port 8645] [--detach] "
            "[--fresh]\n\n"
            "Makes keys and genesis, starts the nodes, waits for blocks, and runs until "
            "Ctrl-C.  A network\nthat the folder holds already goes on where it was.\n\n"
            "  -n N                 validators\n"
            "  --follower K         and K nodes that do not sign\n"
            "  --block-interval MS  1000; 0: as fast as possible\n"
            "  --base-port P        node i: HTTP P+10i, WS P+1+10i, ops P+1000+10i, p2p "
            "P+22000+10i\n"
            "  --detach             leave it running; `tandem testnet down` stops it\n"
            "  --faults             links pass through a proxy, and nodes take faults: `tandem "
            "testnet fault`\n"
            "  --fresh              remove the network that the folder holds first",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
    };
    u->out = out;
    u->err = err;
    u->signals = -1;
    int code = node_cli_parse(&u->cli, &spec, out, err, argc, argv);
    u->terminal = u->cli.color;
    if (code == NODE_EXIT_OK && !u->cli.help)
        code = run(u);
    if (u->signals >= 0)
        close(u->signals);
    free(u);
    return code;
}
