/* `tandem testnet run`. */
#define _XOPEN_SOURCE 700
#include "testnet/scenario_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/secret.h"
#include "node/cli/home.h"
#include "node/cli/ports.h"
#include "node/exit_codes.h"
#include "testnet/abuse.h"
#include "testnet/commands.h"
#include "testnet/links.h"
#include "testnet/make.h"
#include "testnet/process.h"

#define STEP_MS 100
#define START_MS 60000
/* HTTP, ops and p2p ports below those that systems choose for outgoing connections (32768 and up):
 * 9000 + 22000 and ten for each of sixteen nodes. */
#define BASE_FIRST 9000u
#define BASE_STEP 160u
#define BASES 9u

/* ---- waiting */

static int catch_signals(struct scenario_run *r)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signals >= 0
               ? NODE_EXIT_OK
               : node_cli_fail(&r->cli, r->err, NODE_EXIT_IO, "signals: %s", strerror(errno));
}

/* Whether a fault that is active, or was when the node got to its end, explains it. */
static bool explained(const struct scenario_run *r, uint32_t node)
{
    for (uint32_t i = 0; i < r->s.fault_count; i++) {
        const enum testnet_fault_kind kind = r->s.faults[i].fault.kind;
        bool deadly = r->s.faults[i].rpc[0] == '\0' &&
                      (kind == TESTNET_FAULT_KILL || kind == TESTNET_FAULT_STOP ||
                       kind == TESTNET_FAULT_DISK);
        if (deadly && r->faults[i].state != SCENARIO_WAITS && (r->faults[i].set >> node & 1u) != 0)
            return true;
    }
    return false;
}

static void reap(struct scenario_run *r)
{
    int status;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        struct scenario_node *n = &r->nodes[i];
        pid_t pid = r->net.nodes[i].pid;
        if (pid <= 0 || waitpid(pid, &status, WNOHANG) != pid)
            continue;
        int64_t code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        n->alone |= !explained(r, i);
        if (n->exit_code < 0)
            n->exit_code = code;
        fprintf(r->out, "%6.1f s  n%" PRIu32 " ended: %" PRId64 "\n",
                (double)scenario_now_ms(r) / 1000.0, i, code);
    }
}

static void wait_step(struct scenario_run *r)
{
    struct pollfd p = {.fd = r->signals, .events = POLLIN};
    struct signalfd_siginfo info;
    (void)poll(&p, 1, STEP_MS);
    while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != (uint32_t)SIGCHLD)
            r->stop = true;
    reap(r);
}

/* ---- faults */

/* A child that does `kind`, or transfers if it is NULL, until it is killed. */
static pid_t helper(struct scenario_run *r, uint32_t node, const char *kind, int64_t ms)
{
    char tps[24], seconds[24];
    char *argv[] = {(char *)"load",      (char *)"--dir", r->net.dir, (char *)"--tps", tps,
                    (char *)"--seconds", seconds,         NULL};
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(126);
    if (kind != NULL) {
        struct testnet_abuse_result told;
        testnet_abuse(&told, &r->net, node, kind, (uint64_t)ms);
        _exit(0);
    }
    snprintf(tps, sizeof tps, "%" PRIu32, r->s.load);
    snprintf(seconds, sizeof seconds, "%" PRId64, ms / 1000 + 1);
    FILE *nowhere = fopen("/dev/null", "we");
    if (nowhere != NULL)
        (void)testnet_load_run(nowhere, nowhere, 7, argv);
    _exit(0);
}

static void end_helper(pid_t *pid)
{
    if (*pid <= 0)
        return;
    kill(*pid, SIGKILL);
    (void)waitpid(*pid, NULL, 0);
    *pid = 0;
}

static void mark_paused(struct scenario_run *r, const struct scenario_fault *f,
                        const struct scenario_fault_state *st, bool paused)
{
    for (uint32_t i = 0; i < testnet_count(&r->net); i++)
        if (f->rpc[0] == '\0' && f->fault.kind == TESTNET_FAULT_PAUSE && (st->set >> i & 1u) != 0)
            r->nodes[i].paused = paused;
}

static int begin_fault(struct scenario_run *r, uint32_t i)
{
    const struct scenario_fault *f = &r->s.faults[i];
    struct scenario_fault_state *st = &r->faults[i];
    struct testnet_fault one = f->fault;
    uint64_t all = (UINT64_C(1) << testnet_count(&r->net)) - 1u;
    if (f->leader) {
        uint32_t leader = scenario_leader(r);
        one.a = UINT64_C(1) << (leader == UINT32_MAX ? 0 : leader);
    }
    if (f->to_rest)
        one.b = all & ~one.a;
    one.b &= ~one.a;
    st->set = one.a;
    st->state = SCENARIO_ACTIVE;
    r->active++;
    r->recovering = false;
    fprintf(r->out, "%6.1f s  ", (double)scenario_now_ms(r) / 1000.0);
    if (f->rpc[0] != '\0') {
        uint32_t node = 0;
        while ((one.a >> node & 1u) == 0)
            node++;
        fprintf(r->out, "rpc %s n%" PRIu32 "\n", f->rpc, node);
        st->child = helper(r, node, f->rpc, f->for_ms);
        return st->child > 0 ? NODE_EXIT_OK : NODE_EXIT_IO;
    }
    testnet_fault_print(&one, r->out);
    fputc('\n', r->out);
    fflush(r->out);
    mark_paused(r, f, st, true);
    int code = testnet_fault_begin(&r->net, &one, &r->cli, r->err);
    st->id = one.id;
    return code;
}

static int end_fault(struct scenario_run *r, uint32_t i)
{
    struct scenario_fault_state *st = &r->faults[i];
    int code = NODE_EXIT_OK;
    st->state = SCENARIO_OVER;
    reap(r); /* before another process takes the place */
    if (st->child > 0)
        end_helper(&st->child);
    else
        code = testnet_fault_end(&r->net, st->id, &r->cli, r->err, true);
    mark_paused(r, &r->s.faults[i], st, false);
    fprintf(r->out, "%6.1f s  line %" PRIu32 " is over\n", (double)scenario_now_ms(r) / 1000.0,
            r->s.faults[i].line);
    if (--r->active == 0)
        scenario_healed(r);
    return code;
}

/* What is due; `all`: end whatever is active. */
static int faults(struct scenario_run *r, bool all)
{
    int code = NODE_EXIT_OK;
    int64_t now = scenario_now_ms(r);
    for (uint32_t i = 0; i < r->s.fault_count && code == NODE_EXIT_OK; i++) {
        const struct scenario_fault *f = &r->s.faults[i];
        if (r->faults[i].state == SCENARIO_ACTIVE &&
            (all || (f->for_ms > 0 && now >= f->at_ms + f->for_ms)))
            code = end_fault(r, i);
    }
    for (uint32_t i = 0; i < r->s.fault_count && code == NODE_EXIT_OK && !all; i++)
        if (r->faults[i].state == SCENARIO_WAITS && now >= r->s.faults[i].at_ms)
            code = begin_fault(r, i);
    return code;
}

/* ---- the network */

static int read_file(struct scenario_run *r)
{
    struct node_toml_error why;
    char *text = malloc(NODE_TOML_BYTES_MAX);
    TD_ASSERT(text != NULL);
    FILE *f = fopen(r->file, "re");
    size_t len = f == NULL ? 0 : fread(text, 1, NODE_TOML_BYTES_MAX, f);
    int code = NODE_EXIT_OK;
    if (f == NULL || ferror(f))
        code =
            node_cli_fail(&r->cli, r->err, NODE_EXIT_NO_INPUT, "%s: %s", r->file, strerror(errno));
    else if (scenario_parse(&r->s, &why, td_bytes_of(text, len)) != TD_OK)
        code = node_cli_fail(&r->cli, r->err, NODE_EXIT_CONFIG,
                             "%s:%" PRIu32 ":%" PRIu32 ": %s\nWhat a scenario may say: the manual, "
                             "or the files under testnet/scenarios",
                             r->file, why.line, why.column, why.text);
    if (f != NULL)
        fclose(f);
    free(text);
    return code;
}

static bool ports_free(const struct testnet *t)
{
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (!node_port_free("127.0.0.1", testnet_http_port(t, i)) ||
            !node_port_free("127.0.0.1", testnet_ws_port(t, i)) ||
            !node_port_free("127.0.0.1", testnet_ops_port(t, i)) ||
            !node_port_free("127.0.0.1", testnet_p2p_port(t, i)))
            return false;
    return true;
}

static int choose_ports(struct scenario_run *r)
{
    uint64_t base;
    if (r->base != NULL) {
        if (!node_cli_number(&base, r->base, 1, TESTNET_BASE_PORT_MAX))
            return node_cli_fail(&r->cli, r->err, NODE_EXIT_USAGE, "--base-port: 1 to %u",
                                 TESTNET_BASE_PORT_MAX);
        r->net.base_port = (uint32_t)base;
        if (ports_free(&r->net))
            return NODE_EXIT_OK;
    }
    for (uint32_t k = 0; r->base == NULL && k < BASES; k++) {
        r->net.base_port = BASE_FIRST + BASE_STEP * (((uint32_t)getpid() + k) % BASES);
        if (ports_free(&r->net))
            return NODE_EXIT_OK;
    }
    return node_cli_fail(&r->cli, r->err, NODE_EXIT_UNAVAILABLE,
                         "ports from %" PRIu32 " are in use\nChoose others: --base-port",
                         r->net.base_port);
}

static int make_network(struct scenario_run *r)
{
    const char *tmp = getenv("TMPDIR");
    r->net.validators = r->s.nodes;
    r->net.followers = r->s.followers;
    r->net.interval_ms = (uint64_t)r->s.interval_ms;
    r->net.faults = true;
    int code = choose_ports(r);
    if (code == NODE_EXIT_OK && r->dir != NULL) {
        code = testnet_dir(r->net.dir, &r->cli, r->err, r->dir);
        if (code == NODE_EXIT_OK)
            code = node_home_folder(&r->cli, r->err, r->net.dir, NULL);
        if (code == NODE_EXIT_OK)
            code = testnet_remove(&r->net, &r->cli, r->err);
    } else if (code == NODE_EXIT_OK) {
        snprintf(r->net.dir, 256, "%s/tandem-run.XXXXXX",
                 tmp != NULL && strlen(tmp) < 200 ? tmp : P_tmpdir);
        if (mkdtemp(r->net.dir) == NULL)
            code = node_cli_fail(&r->cli, r->err, NODE_EXIT_CANT_CREATE, "%s: %s", r->net.dir,
                                 strerror(errno));
    }
    return code == NODE_EXIT_OK ? testnet_make(&r->net, &r->cli, r->err) : code;
}

static int start(struct scenario_run *r)
{
    int code = testnet_links_start(&r->net, &r->cli, r->err, true, r->seed);
    testnet_process_of(&r->net.supervisor, getpid());
    for (uint32_t i = 0; i < testnet_count(&r->net) && code == NODE_EXIT_OK; i++)
        if (testnet_spawn(&r->net, i, true) != 0)
            code = node_cli_fail(&r->cli, r->err, NODE_EXIT_IO, "cannot start n%" PRIu32 ": %s", i,
                                 strerror(errno));
    if (code == NODE_EXIT_OK && testnet_save(&r->net) != 0)
        code = node_cli_fail(&r->cli, r->err, NODE_EXIT_CANT_CREATE, "%s/testnet.json: %s",
                             r->net.dir, strerror(errno));
    return code;
}

static uint64_t least_height(const struct scenario_run *r)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++)
        least = r->nodes[i].height < least ? r->nodes[i].height : least;
    return least;
}

/* Until every node has `height`; false after so long, or when asked to stop. */
static bool wait_height(struct scenario_run *r, uint64_t height, int64_t ms)
{
    int64_t end = scenario_now_ms(r) + ms;
    while (!r->stop && least_height(r) < height) {
        if (scenario_now_ms(r) >= end)
            return false;
        wait_step(r);
        scenario_look(r);
    }
    return !r->stop;
}

/* ---- the timeline */

static int play(struct scenario_run *r)
{
    int code = NODE_EXIT_OK;
    r->begin_ns = td_clock_mono_ns(&r->clock);
    if (!wait_height(r, 2, START_MS))
        return node_cli_fail(&r->cli, r->err, NODE_EXIT_UNAVAILABLE,
                             "the network makes no blocks\nTheir logs: %s/nK/log", r->net.dir);
    scenario_identify(r);
    fprintf(r->out, "  after %.1f s every node has two blocks; times count from here\n",
            (double)scenario_now_ms(r) / 1000.0);
    r->begin_ns = td_clock_mono_ns(&r->clock);
    r->stall_ns = 0;
    if (r->s.load > 0)
        r->load = helper(r, 0, NULL, r->s.end_ms);
    while (!r->stop && code == NODE_EXIT_OK && scenario_now_ms(r) < r->s.end_ms) {
        code = faults(r, false);
        scenario_look(r);
        scenario_expect(r, false);
        wait_step(r);
    }
    if (code == NODE_EXIT_OK)
        code = faults(r, true);
    end_helper(&r->load);
    if (code != NODE_EXIT_OK || r->stop)
        return r->stop ? 128 + SIGINT : code;
    scenario_expect(r, false);
    r->recovered = wait_height(r, r->highest + 2u, r->s.settle_ms);
    if (!r->recovered && r->healed_ns != 0)
        r->recovery_ns = td_clock_mono_ns(&r->clock) - r->healed_ns;
    scenario_expect(r, true);
    scenario_check(r);
    return NODE_EXIT_OK;
}

static void clean_up(struct scenario_run *r, bool good)
{
    for (uint32_t i = 0; i < r->s.fault_count; i++)
        end_helper(&r->faults[i].child);
    end_helper(&r->load);
    testnet_stop_nodes(&r->net);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    memset(&r->net.supervisor, 0, sizeof r->net.supervisor);
    memset(&r->net.links, 0, sizeof r->net.links);
    memset(r->net.nodes, 0, sizeof r->net.nodes);
    if (!good || r->keep || r->dir != NULL) {
        (void)testnet_save(&r->net);
        fprintf(r->out, "its folders and logs: %s\n", r->net.dir);
    } else if (testnet_remove(&r->net, &r->cli, r->err) == NODE_EXIT_OK) {
        (void)rmdir(r->net.dir);
    }
}

static int run(struct scenario_run *r)
{
    bool good = false;
    int code = read_file(r);
    if (code == NODE_EXIT_OK)
        code = catch_signals(r);
    if (code == NODE_EXIT_OK)
        code = make_network(r);
    if (code != NODE_EXIT_OK)
        return code;
    scenario_watch_init(r);
    code = start(r);
    if (code == NODE_EXIT_OK)
        code = play(r);
    if (code == NODE_EXIT_OK) {
        good = scenario_report(r);
        if (r->junit != NULL && scenario_junit(r, r->junit) != 0)
            code = node_cli_fail(&r->cli, r->err, NODE_EXIT_CANT_CREATE, "%s: %s", r->junit,
                                 strerror(errno));
    }
    clean_up(r, good && code == NODE_EXIT_OK);
    scenario_watch_free(r);
    return code == NODE_EXIT_OK && !good ? NODE_EXIT_CHECK_FAILED : code;
}

int testnet_run(FILE *out, FILE *err, int argc, char **argv)
{
    struct scenario_run *r = calloc(1, sizeof *r);
    TD_ASSERT(r != NULL);
    const struct node_cli_flag flags[] = {
        {.name = "--seed", .value = &r->seed_text}, {.name = "--junit", .value = &r->junit},
        {.name = "--dir", .value = &r->dir},        {.name = "--base-port", .value = &r->base},
        {.name = "--keep", .seen = &r->keep},
    };
    const struct node_cli_spec spec = {
        .command = "testnet run",
        .usage = "usage: tandem testnet run FILE [--seed N] [--junit OUT] [--dir DIR] "
                 "[--base-port P] [--keep]\n\n"
                 "Makes a network, does to it what the scenario says, and checks what must come of "
                 "it.  Exit 1\nwhen something does not hold; then, and with --keep, its folders "
                 "stay.",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
        .words_min = 1,
        .words_max = 1};
    r->out = out;
    r->err = err;
    r->signals = -1;
    r->clock = td_clock_system();
    td_secret_random(&r->seed, sizeof r->seed);
    r->seed >>= 32;
    int code = node_cli_parse(&r->cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !r->cli.help && r->seed_text != NULL &&
        !node_cli_number(&r->seed, r->seed_text, 0, INT64_MAX))
        code = node_cli_fail(&r->cli, err, NODE_EXIT_USAGE, "--seed: a whole number");
    r->file = r->cli.word_count > 0 ? r->cli.words[0] : "";
    if (code == NODE_EXIT_OK && !r->cli.help)
        code = run(r);
    if (r->signals >= 0)
        close(r->signals);
    free(r);
    return code;
}
