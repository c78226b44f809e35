/* `tandem testnet down`, `ps`, `logs`: a network seen from another terminal. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "testnet/commands.h"
#include "testnet/live.h"
#include "testnet/process.h"

#define LOG_LINES 100u
#define RPC_TIMEOUT_MS 1000u

/* The supervisor needs its nodes' grace twice, and a moment. */
#define SUPERVISOR_GRACE_MS (2u * TESTNET_GRACE_MS + 2000u)

/* ---- down */

static int stop_network(struct testnet *t, const struct node_cli *cli, FILE *out, FILE *err)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < testnet_count(t); i++)
        living += testnet_alive(&t->nodes[i]) ? 1 : 0;
    uint32_t killed = testnet_stop(&t->supervisor, 1, SUPERVISOR_GRACE_MS);
    killed += testnet_stop_nodes(t);
    memset(&t->supervisor, 0, sizeof t->supervisor);
    memset(&t->links, 0, sizeof t->links);
    memset(t->nodes, 0, sizeof t->nodes);
    if (testnet_save(t) != 0)
        return node_cli_fail(cli, err, NODE_EXIT_IO, "%s/testnet.json: %s", t->dir,
                             strerror(errno));
    fprintf(out, "%" PRIu32 " nodes stopped", living);
    if (killed > 0)
        fprintf(out, ", %" PRIu32 " processes had to be killed", killed);
    fputc('\n', out);
    return NODE_EXIT_OK;
}

int testnet_down(FILE *out, FILE *err, int argc, char **argv)
{
    const char *dir = NULL;
    const struct node_cli_flag flags[] = {{.name = "--dir", .value = &dir}};
    const struct node_cli_spec spec = {
        .command = "testnet down",
        .usage = "usage: tandem testnet down [--dir DIR]\n\n"
                 "Stops the nodes; their folders stay.  Nothing running is fine too.",
        .flags = flags,
        .flag_count = 1};
    struct node_cli cli;
    struct testnet t;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code != NODE_EXIT_OK || cli.help)
        return code;
    memset(&t, 0, sizeof t);
    code = testnet_dir(t.dir, &cli, err, dir);
    if (code == NODE_EXIT_OK && testnet_load(&t) == TD_E_NOTFOUND) {
        fprintf(out, "no network in %s\n", t.dir);
        return NODE_EXIT_OK;
    }
    if (code == NODE_EXIT_OK)
        code = testnet_find(&t, &cli, err, dir);
    return code == NODE_EXIT_OK ? stop_network(&t, &cli, out, err) : code;
}

/* ---- ps */

/* Resident memory in MiB (proc(5), status), 0 when it cannot be told. */
static uint64_t resident_mib(pid_t pid)
{
    char path[48], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && kib == 0 && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmRSS: %" SCNu64, &kib) != 1)
            kib = 0;
    if (f != NULL)
        fclose(f);
    return kib / 1024u;
}

static void print_node(FILE *out, const struct testnet *t, const struct testnet_live *l, uint32_t i,
                       bool json)
{
    bool alive = testnet_alive(&t->nodes[i]);
    const char *role = i < t->validators ? "validator" : "follower";
    const char *state = l->answers[i] ? "running" : alive ? "silent" : "stopped";
    uint64_t height = l->answers[i] ? l->heights[i] : 0;
    if (json)
        fprintf(
            out,
            "%s{\"node\":\"n%" PRIu32 "\",\"role\":\"%s\",\"state\":\"%s\",\"pid\":%ld,"
            "\"rpc\":\"http://127.0.0.1:%u\",\"height\":%" PRIu64 ",\"residentMib\":%" PRIu64 "}",
            i == 0 ? "" : ",", i, role, state, alive ? (long)t->nodes[i].pid : 0L,
            (unsigned)testnet_http_port(t, i), height, alive ? resident_mib(t->nodes[i].pid) : 0);
    else
        fprintf(out,
                "  n%-4" PRIu32 " %-9s  %-7s  %8ld  http://127.0.0.1:%-6u  %8" PRIu64 "  %5" PRIu64
                " MiB\n",
                i, role, state, alive ? (long)t->nodes[i].pid : 0L,
                (unsigned)testnet_http_port(t, i), height,
                alive ? resident_mib(t->nodes[i].pid) : 0);
}

int testnet_ps(FILE *out, FILE *err, int argc, char **argv)
{
    const char *dir = NULL;
    const struct node_cli_flag flags[] = {{.name = "--dir", .value = &dir}};
    const struct node_cli_spec spec = {.command = "testnet ps",
                                       .usage = "usage: tandem testnet ps [--dir DIR] [--json]\n\n"
                                                "Exit 1 when a node does not run or answer.",
                                       .flags = flags,
                                       .flag_count = 1};
    struct node_cli cli;
    struct testnet t;
    struct testnet_live live;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = testnet_find(&t, &cli, err, dir);
    if (code != NODE_EXIT_OK || cli.help)
        return code;
    testnet_live_init(&live, &t, RPC_TIMEOUT_MS);
    testnet_live_look(&live);
    fputs(cli.json
              ? "["
              : "  node  role       state         pid  rpc                       height   memory\n",
          out);
    for (uint32_t i = 0; i < testnet_count(&t); i++)
        print_node(out, &t, &live, i, cli.json);
    fputs(cli.json ? "]\n" : "", out);
    code = live.faults == 0 ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
    testnet_live_free(&live);
    return code;
}

/* ---- logs */

/* What is behind the position so far. */
static bool copy_rest(FILE *log, FILE *out)
{
    char text[4096];
    size_t n;
    clearerr(log);
    while ((n = fread(text, 1, sizeof text, log)) > 0)
        if (fwrite(text, 1, n, out) != n)
            return false;
    return fflush(out) == 0;
}

/* Until the reader goes away or Ctrl-C. */
static int follow(const char *path, FILE *out)
{
    char events[4096];
    FILE *log = fopen(path, "rbe");
    int watch = inotify_init1(IN_CLOEXEC);
    bool good = log != NULL && watch >= 0 && fseek(log, 0, SEEK_END) == 0 &&
                inotify_add_watch(watch, path, IN_MODIFY) >= 0;
    while (good)
        good = copy_rest(log, out) && read(watch, events, sizeof events) > 0;
    if (log != NULL)
        fclose(log);
    if (watch >= 0)
        close(watch);
    return NODE_EXIT_IO;
}

int testnet_logs(FILE *out, FILE *err, int argc, char **argv)
{
    const char *dir = NULL;
    bool go_on = false;
    const struct node_cli_flag flags[] = {{.name = "--dir", .value = &dir},
                                          {.name = "-f", .seen = &go_on}};
    const struct node_cli_spec spec = {
        .command = "testnet logs",
        .usage = "usage: tandem testnet logs N [-f] [--dir DIR]\n\n"
                 "The last lines of node N's log (\"2\" or \"n2\"); -f goes on with what comes.",
        .flags = flags,
        .flag_count = 2,
        .words_min = 1,
        .words_max = 1};
    struct node_cli cli;
    struct testnet t;
    char path[NODE_PATH_BYTES];
    uint64_t node = 0;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = testnet_find(&t, &cli, err, dir);
    if (code != NODE_EXIT_OK || cli.help)
        return code;
    const char *word = cli.words[0][0] == 'n' ? cli.words[0] + 1 : cli.words[0];
    if (!node_cli_number(&node, word, 0, testnet_count(&t) - 1u))
        return node_cli_fail(&cli, err, NODE_EXIT_USAGE, "\"%.32s\": nodes are n0 to n%" PRIu32,
                             cli.words[0], testnet_count(&t) - 1u);
    testnet_path(path, &t, (uint32_t)node, "log");
    if (access(path, R_OK) != 0)
        return node_cli_fail(&cli, err, NODE_EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
    testnet_tail(out, path, LOG_LINES, "");
    return go_on ? follow(path, out) : NODE_EXIT_OK;
}
