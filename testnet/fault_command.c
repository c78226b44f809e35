/* `tandem testnet fault`. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "node/fault/fault.h"
#include "testnet/abuse.h"
#include "testnet/commands.h"
#include "testnet/fault.h"

static const char USAGE[] =
    "usage: tandem testnet fault KIND NODES [OPTION]… [--dir DIR]\n\n"
    "  kill|stop|pause n2[,n3]         SIGKILL, SIGTERM, SIGSTOP\n"
    "       kill … --at-failpoint P    before_commit after_commit after_guard before_send\n"
    "  restart n2                      stop it if it runs, start it\n"
    "  partition n0,n1 / n2,n3         nothing passes; --oneway: from the first to the second; "
    "--flap 1s\n"
    "  link 'n0->n1'                   --delay 200ms --jitter 50ms --loss 5% --rate 1mbit --flap "
    "1s\n"
    "  clock n1 --skew +30s            its wall clock\n"
    "  disk n1 full|eio|slow           what writing to it does\n"
    "  rpc flood|slowloris|oversize n0 --for 10s\n"
    "  clear ID|--all                  undo; a node that was taken away starts again\n"
    "  list [--json]\n\n"
    "Links, clocks, disks and failpoints need a network that was started with `up --faults`.\n"
    "Links carry encrypted streams, so bytes are never dropped: a lost segment stalls its "
    "direction "
    "as\nTCP would, and a partition holds what is sent until it ends.";

struct fault_command {
    struct node_cli cli;
    struct testnet net;
    FILE *out, *err;
    const char *dir, *delay, *jitter, *loss, *rate, *flap, *skew, *point, *lasting;
    bool one_way, all;
};

static int wrong(struct fault_command *c, const char *what)
{
    return node_cli_fail(&c->cli, c->err, NODE_EXIT_USAGE,
                         "%s\n`tandem testnet fault --help` lists what there is", what);
}

static bool nodes(const struct fault_command *c, uint64_t *out, const char *text)
{
    return testnet_nodes_parse(out, text, testnet_count(&c->net));
}

/* ---- kinds */

static int parse_link(struct fault_command *c, struct testnet_link *l)
{
    int64_t ms;
    const struct {
        const char *text, *name;
        uint32_t *out;
    } times[] = {{c->delay, "--delay", &l->delay_ms},
                 {c->jitter, "--jitter", &l->jitter_ms},
                 {c->flap, "--flap", &l->flap_ms}};
    for (size_t i = 0; i < 3; i++) {
        if (times[i].text == NULL)
            continue;
        if (!testnet_duration_parse(&ms, times[i].text, false, TESTNET_DELAY_MS_MAX))
            return node_cli_fail(&c->cli, c->err, NODE_EXIT_USAGE,
                                 "%s: expected a time like 250ms or 2s, at most a minute",
                                 times[i].name);
        *times[i].out = (uint32_t)ms;
    }
    if (c->loss != NULL && !testnet_percent_parse(&l->loss_ppm, c->loss))
        return wrong(c, "--loss: expected a share like 5% or 0.5%");
    if (c->rate != NULL && !testnet_rate_parse(&l->rate_bps, c->rate))
        return wrong(c, "--rate: expected 8kbit to 1000mbit");
    return NODE_EXIT_OK;
}

/* "n0->n1" or "n0→n1", sets allowed. */
static bool parse_arrow(const struct fault_command *c, struct testnet_fault *f, const char *text)
{
    static const char *const arrows[] = {"->", "→"};
    char from[256];
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(text, arrows[i]);
        if (at == NULL || (size_t)(at - text) >= sizeof from)
            continue;
        memcpy(from, text, (size_t)(at - text));
        from[at - text] = '\0';
        return nodes(c, &f->a, from) && nodes(c, &f->b, at + strlen(arrows[i])) &&
               (f->a & f->b) == 0;
    }
    return false;
}

static int parse_partition(struct fault_command *c, struct testnet_fault *f)
{
    const struct node_cli *cli = &c->cli;
    if (cli->word_count != 4 || strcmp(cli->words[2], "/") != 0 ||
        !nodes(c, &f->a, cli->words[1]) || !nodes(c, &f->b, cli->words[3]) || (f->a & f->b) != 0)
        return wrong(c, "partition: expected two sets of nodes, n0,n1 / n2,n3");
    f->one_way = c->one_way;
    return parse_link(c, &f->link);
}

static int parse_node_fault(struct fault_command *c, struct testnet_fault *f)
{
    const struct node_cli *cli = &c->cli;
    if (cli->word_count < 2 || !nodes(c, &f->a, cli->words[1]))
        return node_cli_fail(cli, c->err, NODE_EXIT_USAGE,
                             "%s: expected nodes, n0 to n%" PRIu32 ", parted by commas",
                             cli->words[0], testnet_count(&c->net) - 1u);
    if (f->kind == TESTNET_FAULT_KILL && c->point != NULL) {
        if (node_fault_point_parse(c->point) == NODE_FAULT_NONE)
            return node_cli_fail(cli, c->err, NODE_EXIT_USAGE, "--at-failpoint: one of %s",
                                 node_fault_point_names());
        snprintf(f->word, sizeof f->word, "%s", c->point);
    }
    if (f->kind == TESTNET_FAULT_CLOCK &&
        (c->skew == NULL ||
         !testnet_duration_parse(&f->skew_ms, c->skew, true, TESTNET_SKEW_MS_MAX)))
        return wrong(c, "clock: expected --skew with a time like +30s or -1h, at most a day");
    if (f->kind == TESTNET_FAULT_DISK) {
        if (cli->word_count != 3 || !testnet_disk_word(cli->words[2]))
            return wrong(c, "disk: expected full, eio or slow behind the node");
        snprintf(f->word, sizeof f->word, "%s", cli->words[2]);
    }
    return NODE_EXIT_OK;
}

static int begin(struct fault_command *c, enum testnet_fault_kind kind)
{
    struct testnet_fault f = {.kind = kind};
    int code;
    if (kind == TESTNET_FAULT_LINK &&
        (c->cli.word_count != 2 || !parse_arrow(c, &f, c->cli.words[1])))
        return wrong(c, "link: expected 'n0->n1'");
    if (kind == TESTNET_FAULT_LINK)
        code = parse_link(c, &f.link);
    else if (kind == TESTNET_FAULT_PARTITION)
        code = parse_partition(c, &f);
    else
        code = parse_node_fault(c, &f);
    if (code == NODE_EXIT_OK)
        code = testnet_fault_begin(&c->net, &f, &c->cli, c->err);
    if (code != NODE_EXIT_OK)
        return code;
    fprintf(c->out, "fault %" PRIu32 ": ", f.id);
    testnet_fault_print(&f, c->out);
    fprintf(c->out, "\nUndo: tandem testnet fault clear %" PRIu32 "\n", f.id);
    return NODE_EXIT_OK;
}

/* ---- the others */

static int restart(struct fault_command *c)
{
    uint64_t set;
    if (c->cli.word_count != 2 || !nodes(c, &set, c->cli.words[1]))
        return wrong(c, "restart: expected nodes, n0 or n0,n1");
    return testnet_fault_restart(&c->net, set, &c->cli, c->err);
}

static int abuse(struct fault_command *c)
{
    uint64_t set;
    int64_t ms = 10000;
    const char *kind = c->cli.word_count == 3 ? c->cli.words[1] : "";
    uint32_t node = 0;
    if (!testnet_abuse_known(kind) || !nodes(c, &set, c->cli.words[2]) || (set & (set - 1u)) != 0)
        return wrong(c, "rpc: expected flood, slowloris or oversize, and one node");
    if (c->lasting != NULL && !testnet_duration_parse(&ms, c->lasting, false, 3600000))
        return wrong(c, "--for: expected a time like 10s, at most an hour");
    while ((set >> node & 1u) == 0)
        node++;
    struct testnet_abuse_result r;
    testnet_abuse(&r, &c->net, node, kind, (uint64_t)ms);
    fprintf(c->out,
            "%" PRIu64 " requests, %" PRIu64 " answered, %" PRIu64 " refused, %" PRIu64
            " connections closed by the node\n",
            r.sent, r.answered, r.refused, r.closed);
    return NODE_EXIT_OK;
}

static int clear(struct fault_command *c)
{
    struct testnet_faults list;
    uint64_t id;
    int code = NODE_EXIT_OK;
    if (!c->all) {
        if (c->cli.word_count != 2 || !node_cli_number(&id, c->cli.words[1], 1, INT32_MAX))
            return wrong(c, "clear: expected the number of a fault, or --all");
        return testnet_fault_end(&c->net, (uint32_t)id, &c->cli, c->err, false);
    }
    if (testnet_faults_load(&list, c->net.dir) != TD_OK)
        list.count = 0; /* a damaged file is replaced by the first fault to come */
    for (uint32_t i = 0; i < list.count && code == NODE_EXIT_OK; i++)
        code = testnet_fault_end(&c->net, list.list[i].id, &c->cli, c->err, false);
    if (code == NODE_EXIT_OK)
        fprintf(c->out, "%" PRIu32 " faults cleared\n", list.count);
    return code;
}

static int show(struct fault_command *c)
{
    struct testnet_faults list;
    if (testnet_faults_load(&list, c->net.dir) != TD_OK)
        return node_cli_fail(&c->cli, c->err, NODE_EXIT_CONFIG, "%s/faults.json is damaged",
                             c->net.dir);
    fputs(c->cli.json ? "[" : "", c->out);
    for (uint32_t i = 0; i < list.count; i++) {
        fprintf(c->out, c->cli.json ? "%s{\"id\":%" PRIu32 ",\"fault\":\"" : "%s%4" PRIu32 "  ",
                c->cli.json && i > 0 ? "," : "", list.list[i].id);
        testnet_fault_print(&list.list[i], c->out);
        fputs(c->cli.json ? "\"}" : "\n", c->out);
    }
    fputs(c->cli.json ? "]\n" : list.count == 0 ? "no fault is active\n" : "", c->out);
    return NODE_EXIT_OK;
}

static int run(struct fault_command *c)
{
    const char *word = c->cli.words[0];
    int code = testnet_find(&c->net, &c->cli, c->err, c->dir);
    if (code != NODE_EXIT_OK)
        return code;
    for (uint32_t k = 0; k < TESTNET_FAULT_KINDS; k++)
        if (strcmp(word, testnet_fault_name((enum testnet_fault_kind)k)) == 0)
            return begin(c, (enum testnet_fault_kind)k);
    if (strcmp(word, "restart") == 0)
        return restart(c);
    if (strcmp(word, "rpc") == 0)
        return abuse(c);
    if (strcmp(word, "clear") == 0)
        return clear(c);
    if (strcmp(word, "list") == 0)
        return show(c);
    return wrong(c, "no such fault");
}

int testnet_fault(FILE *out, FILE *err, int argc, char **argv)
{
    struct fault_command *c = calloc(1, sizeof *c);
    TD_ASSERT(c != NULL);
    const struct node_cli_flag flags[] = {
        {.name = "--dir", .value = &c->dir},       {.name = "--delay", .value = &c->delay},
        {.name = "--jitter", .value = &c->jitter}, {.name = "--loss", .value = &c->loss},
        {.name = "--rate", .value = &c->rate},     {.name = "--flap", .value = &c->flap},
        {.name = "--skew", .value = &c->skew},     {.name = "--at-failpoint", .value = &c->point},
        {.name = "--for", .value = &c->lasting},   {.name = "--oneway", .seen = &c->one_way},
        {.name = "--all", .seen = &c->all},
    };
    const struct node_cli_spec spec = {.command = "testnet fault",
                                       .usage = USAGE,
                                       .flags = flags,
                                       .flag_count = sizeof flags / sizeof flags[0],
                                       .words_min = 1,
                                       .words_max = 4};
    c->out = out;
    c->err = err;
    int code = node_cli_parse(&c->cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !c->cli.help)
        code = run(c);
    free(c);
    return code;
}
