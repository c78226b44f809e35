/* The command line of `tandem sim`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/exit_codes.h"
#include "tests/sim/run.h"
#include "tests/sim/sim.h"

#define NODES_MAX 128u
#define MINUTES_MAX 10080u

static void usage(FILE *out, const char *program)
{
    fprintf(
        out,
        "usage: %s [OPTION]...\n"
        "Run the consensus core through a simulated, faulty network, and check every step.\n\n"
        "  --seed S             what to run; the same seed gives the same run (default 1)\n"
        "  --nodes N            validators, 1 to %u (default 7)\n"
        "  --minutes M          virtual minutes (default 10)\n"
        "  --faults LIST        none, all (default), or names from the list below, by comma\n"
        "  --block-interval MS  milliseconds between blocks (default 1000; 0 = at once)\n"
        "  --real-signatures    secp256k1 instead of unforgeable tokens\n"
        "  --trace              print every event\n"
        "  --json               results as JSON\n\n"
        "  --swarm K [-j J]     K seeds from --seed on, over J processes (default 1)\n"
        "  --replay             run twice and compare every event and the final state\n"
        "  --expect HASH        with --replay: run once, compare with this state hash\n"
        "  --planted            find every planted bug (tandem-sim-planted only)\n"
        "  --twins              4 validators and a twin: 10000 scenarios, or --sample K, --all\n"
        "  --wan FILE           latencies over a table of regions; --dead D kills D of --nodes\n"
        "  --help               this text\n\n"
        "Faults:\n",
        program, NODES_MAX);
    for (uint32_t f = 0; f < SIM_FAULTS; f++)
        fprintf(out, "  %-12s %s\n", sim_fault_name((enum sim_fault)f),
                sim_fault_text((enum sim_fault)f));
    fprintf(out,
            "\nExit: 0 nothing found, 1 a violation, 64 usage, 66 an input file is missing.\n");
}

static int complain(const struct sim_options *o, const char *what, const char *value)
{
    fprintf(stderr, "%s: %s%s%s%s\n`%s --help` lists the options.\n", o->program, what,
            value != NULL ? " \"" : "", value != NULL ? value : "", value != NULL ? "\"" : "",
            o->program);
    return NODE_EXIT_USAGE;
}

static bool number(const char *text, uint64_t max, int base, uint64_t *out)
{
    if (text == NULL || text[0] == '\0' || text[0] == '-' || text[0] == '+' || text[0] == ' ')
        return false;
    char *end = NULL;
    unsigned long long v = strtoull(text, &end, base);
    if (*end != '\0' || v > max || strlen(text) > 20)
        return false;
    *out = v;
    return true;
}

static bool fault_mask(const char *list, uint64_t *mask)
{
    *mask = 0;
    if (list == NULL)
        return false;
    if (strcmp(list, "none") == 0)
        return true;
    if (strcmp(list, "all") == 0) {
        *mask = SIM_FAULT_ALL;
        return true;
    }
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        uint32_t f = 0;
        while (f < SIM_FAULTS && (strlen(sim_fault_name((enum sim_fault)f)) != len ||
                                  strncmp(sim_fault_name((enum sim_fault)f), list, len) != 0))
            f++;
        if (f == SIM_FAULTS)
            return false;
        *mask |= SIM_FAULT_BIT(f);
        list += len;
        if (*list == ',')
            list++;
    }
    return *mask != 0;
}

/* Options that take a value.  False: not one of them.  *bad is set when the value is no good. */
static bool take_value(struct sim_options *o, const char *name, const char *value, bool *bad)
{
    uint64_t v = 0;
    if (strcmp(name, "--seed") == 0) {
        *bad = !number(value, UINT64_MAX, 10, &o->cfg.seed);
    } else if (strcmp(name, "--nodes") == 0) {
        *bad = !number(value, NODES_MAX, 10, &v) || v == 0;
        o->cfg.nodes = (uint32_t)v;
    } else if (strcmp(name, "--minutes") == 0) {
        *bad = !number(value, MINUTES_MAX, 10, &v) || v == 0;
        o->cfg.duration_ns = (int64_t)v * 60 * SIM_SEC;
    } else if (strcmp(name, "--faults") == 0) {
        *bad = !fault_mask(value, &o->cfg.faults);
    } else if (strcmp(name, "--block-interval") == 0) {
        *bad = !number(value, 60000, 10, &v);
        o->cfg.interval_ns = (int64_t)v * SIM_MS;
    } else if (strcmp(name, "--swarm") == 0) {
        *bad = !number(value, 100000000, 10, &o->count) || o->count == 0;
        o->mode = SIM_MODE_SWARM;
    } else if (strcmp(name, "--sample") == 0) {
        *bad = !number(value, 16777216, 10, &o->count) || o->count == 0;
    } else if (strcmp(name, "-j") == 0) {
        *bad = !number(value, 256, 10, &v) || v == 0;
        o->jobs = (uint32_t)v;
    } else if (strcmp(name, "--expect") == 0) {
        *bad = !number(value, UINT64_MAX, 16, &o->expect);
        o->has_expect = true;
        o->mode = SIM_MODE_REPLAY;
    } else if (strcmp(name, "--wan") == 0) {
        *bad = value == NULL;
        o->wan_file = value;
        o->mode = SIM_MODE_WAN;
    } else if (strcmp(name, "--dead") == 0) {
        *bad = !number(value, NODES_MAX, 10, &v);
        o->dead = (uint32_t)v;
    } else if (strcmp(name, "--only") == 0) {
        *bad = !number(value, 1000, 10, &v);
        o->only = (uint32_t)v;
    } else {
        return false;
    }
    return true;
}

static bool take_flag(struct sim_options *o, const char *name)
{
    if (strcmp(name, "--replay") == 0)
        o->mode = SIM_MODE_REPLAY;
    else if (strcmp(name, "--planted") == 0)
        o->mode = SIM_MODE_PLANTED;
    else if (strcmp(name, "--twins") == 0)
        o->mode = SIM_MODE_TWINS;
    else if (strcmp(name, "--all") == 0)
        o->all = true;
    else if (strcmp(name, "--json") == 0)
        o->json = true;
    else if (strcmp(name, "--trace") == 0)
        o->cfg.trace = true;
    else if (strcmp(name, "--real-signatures") == 0)
        o->cfg.real_signatures = true;
    else
        return false;
    return true;
}

static int run_one(const struct sim_options *o)
{
    static struct sim_outcome out;
    sim_run(&o->cfg, &out);
    if (o->json)
        sim_report_json(&out, stdout);
    else
        sim_report_text(&out, stdout);
    if (!out.violation.set)
        return NODE_EXIT_OK;
    sim_report_violation(&out, o->program, o->json ? stderr : stdout);
    return NODE_EXIT_CHECK_FAILED;
}

static int run_replay(const struct sim_options *o)
{
    static struct sim_outcome first, second;
    sim_run(&o->cfg, &first);
    if (o->has_expect) {
        bool same = first.state_hash == o->expect;
        printf("seed %" PRIu64 ": state hash %016" PRIx64 ", expected %016" PRIx64 ": %s\n",
               o->cfg.seed, first.state_hash, o->expect, same ? "identical" : "DIFFERENT");
        return same ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
    }
    sim_run(&o->cfg, &second);
    bool same = first.state_hash == second.state_hash && first.event_hash == second.event_hash &&
                first.stats.events == second.stats.events;
    printf("seed %" PRIu64 ": %" PRIu64 " events, state hash %016" PRIx64 ", event hash %016" PRIx64
           "\n    again: %" PRIu64 " events, state hash %016" PRIx64 ", event hash %016" PRIx64
           ": %s\n",
           o->cfg.seed, first.stats.events, first.state_hash, first.event_hash, second.stats.events,
           second.state_hash, second.event_hash, same ? "identical" : "DIFFERENT");
    return same ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

static int parse(struct sim_options *o, int argc, char **argv, bool *done)
{
    for (int i = 1; i < argc; i++) {
        bool bad = false;
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout, o->program);
            *done = true;
            return NODE_EXIT_OK;
        }
        if (take_flag(o, argv[i]))
            continue;
        if (!take_value(o, argv[i], value, &bad))
            return complain(o, "unknown option", argv[i]);
        if (bad && value == NULL)
            return complain(o, "a value is missing after", argv[i]);
        if (bad) {
            char what[64];
            snprintf(what, sizeof what, "%.30s does not take", argv[i]);
            return complain(o, what, value);
        }
        i++;
    }
    return NODE_EXIT_OK;
}

int sim_main(int argc, char **argv)
{
#ifdef TD_PLANTED
    static const char *const PROGRAM = "tandem-sim-planted";
#else
    static const char *const PROGRAM = "tandem sim";
#endif
    struct sim_options o = {
        .mode = SIM_MODE_RUN,
        .cfg = {.seed = 1,
                .nodes = 7,
                .interval_ns = SIM_SEC,
                .delta_ns = 250 * SIM_MS,
                .faults = SIM_FAULT_ALL},
        .jobs = 1,
        .program = PROGRAM,
    };
    bool done = false;
    int code = parse(&o, argc, argv, &done);
    if (code != NODE_EXIT_OK || done)
        return code;
    if (o.dead >= o.cfg.nodes)
        return complain(&o, "--dead must leave somebody alive", NULL);
    if (o.cfg.duration_ns == 0 && o.mode != SIM_MODE_WAN)
        o.cfg.duration_ns = 10 * 60 * SIM_SEC;
    switch (o.mode) {
    case SIM_MODE_RUN:
        return run_one(&o);
    case SIM_MODE_REPLAY:
        return run_replay(&o);
    case SIM_MODE_SWARM:
        return sim_swarm(&o);
    case SIM_MODE_PLANTED:
        return sim_planted(&o);
    case SIM_MODE_TWINS:
        return sim_twins(&o);
    case SIM_MODE_WAN:
        return sim_wan(&o);
    }
    return NODE_EXIT_INTERNAL;
}
