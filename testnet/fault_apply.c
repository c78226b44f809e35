/* Carrying faults out, and undoing them. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "testnet/fault.h"
#include "testnet/process.h"

static bool in(uint64_t set, uint32_t node)
{
    return (set >> node & 1u) != 0;
}

static int load(struct testnet_faults *f, const struct testnet *t, const struct node_cli *cli,
                FILE *err)
{
    if (testnet_faults_load(f, t->dir) == TD_OK)
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                         "%s/faults.json is damaged\nRemove it to clear every fault", t->dir);
}

static int save(const struct testnet_faults *f, const struct testnet *t, const struct node_cli *cli,
                FILE *err)
{
    if (testnet_faults_save(f, t->dir) == 0)
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s/faults.json: %s", t->dir,
                         strerror(errno));
}

/* ---- files that nodes read */

/* Replace DIR/nK/fault/name, whole or not at all; NULL removes it.  0, or -1 with errno. */
static int tell(const struct testnet *t, uint32_t node, const char *name, const char *text)
{
    char path[NODE_PATH_BYTES], made[NODE_PATH_BYTES + 4u];
    testnet_path(path, t, node, "fault");
    if (text != NULL && mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    char under[32];
    snprintf(under, sizeof under, "fault/%s", name);
    testnet_path(path, t, node, under);
    if (text == NULL)
        return unlink(path) == 0 || errno == ENOENT ? 0 : -1;
    snprintf(made, sizeof made, "%s.new", path);
    FILE *f = fopen(made, "we");
    bool good = f != NULL && fprintf(f, "%s\n", text) > 0;
    if (f != NULL && fclose(f) != 0)
        good = false;
    return good && rename(made, path) == 0 ? 0 : -1;
}

static int tell_all(const struct testnet *t, uint64_t set, const char *name, const char *text,
                    const struct node_cli *cli, FILE *err)
{
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (in(set, i) && tell(t, i, name, text) != 0)
            return node_cli_fail(cli, err, NODE_EXIT_IO, "%s/n%" PRIu32 "/fault/%s: %s", t->dir, i,
                                 name, strerror(errno));
    return NODE_EXIT_OK;
}

/* ---- processes */

static int all_run(const struct testnet *t, uint64_t set, const struct node_cli *cli, FILE *err)
{
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (in(set, i) && !testnet_alive(&t->nodes[i]))
            return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                                 "n%" PRIu32 " does not run\nStart it: tandem testnet fault "
                                 "restart n%" PRIu32,
                                 i, i);
    return NODE_EXIT_OK;
}

static void signal_all(const struct testnet *t, uint64_t set, int number)
{
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (in(set, i) && testnet_alive(&t->nodes[i]))
            kill(t->nodes[i].pid, number);
}

static void stop_all(const struct testnet *t, uint64_t set)
{
    struct testnet_process list[TESTNET_NODES_MAX] = {{0}};
    uint32_t count = 0;
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (in(set, i))
            list[count++] = t->nodes[i];
    testnet_stop(list, count, TESTNET_GRACE_MS);
}

static int start_all(struct testnet *t, uint64_t set, const struct node_cli *cli, FILE *err,
                     bool bound)
{
    for (uint32_t i = 0; i < testnet_count(t); i++) {
        if (!in(set, i) || testnet_alive(&t->nodes[i]))
            continue;
        if (testnet_spawn(t, i, bound) != 0)
            return node_cli_fail(cli, err, NODE_EXIT_IO, "cannot start n%" PRIu32 ": %s", i,
                                 strerror(errno));
    }
    return testnet_save(t) == 0 ? NODE_EXIT_OK
                                : node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE,
                                                "%s/testnet.json: %s", t->dir, strerror(errno));
}

/* ---- begin */

static int needs(const struct testnet *t, const struct testnet_fault *f, const struct node_cli *cli,
                 FILE *err)
{
    bool links = f->kind == TESTNET_FAULT_PARTITION || f->kind == TESTNET_FAULT_LINK;
    bool files =
        f->kind == TESTNET_FAULT_CLOCK || f->kind == TESTNET_FAULT_DISK || f->word[0] != '\0';
    if ((links || files) && (!t->faults || (links && !testnet_alive(&t->links))))
        return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                             "this network runs without faults of links, clocks and disks\nStart "
                             "it with them: tandem testnet up --faults");
    return links ? NODE_EXIT_OK : all_run(t, f->a, cli, err);
}

static int act(struct testnet *t, const struct testnet_fault *f, const struct node_cli *cli,
               FILE *err)
{
    char text[32];
    switch (f->kind) {
    case TESTNET_FAULT_KILL:
        if (f->word[0] != '\0')
            return tell_all(t, f->a, "point", f->word, cli, err);
        signal_all(t, f->a, SIGKILL);
        break;
    case TESTNET_FAULT_STOP:
        stop_all(t, f->a);
        break;
    case TESTNET_FAULT_PAUSE:
        signal_all(t, f->a, SIGSTOP);
        break;
    case TESTNET_FAULT_CLOCK:
        snprintf(text, sizeof text, "%" PRId64, f->skew_ms);
        return tell_all(t, f->a, "clock", text, cli, err);
    case TESTNET_FAULT_DISK:
        return tell_all(t, f->a, "disk", f->word, cli, err);
    case TESTNET_FAULT_PARTITION:
    case TESTNET_FAULT_LINK:
        break; /* the file is all */
    }
    return NODE_EXIT_OK;
}

int testnet_fault_begin(struct testnet *t, struct testnet_fault *fault, const struct node_cli *cli,
                        FILE *err)
{
    struct testnet_faults list;
    int code = load(&list, t, cli, err);
    if (code == NODE_EXIT_OK)
        code = needs(t, fault, cli, err);
    if (code == NODE_EXIT_OK && !testnet_faults_add(&list, fault))
        code = node_cli_fail(cli, err, NODE_EXIT_USAGE,
                             "%u faults are active, and there is no room for more\nClear some: "
                             "tandem testnet fault clear ID",
                             TESTNET_FAULTS_MAX);
    if (code == NODE_EXIT_OK)
        code = act(t, fault, cli, err);
    return code == NODE_EXIT_OK ? save(&list, t, cli, err) : code;
}

/* ---- end */

static int undo(struct testnet *t, const struct testnet_fault *f, const struct node_cli *cli,
                FILE *err, bool bound)
{
    int code = NODE_EXIT_OK;
    switch (f->kind) {
    case TESTNET_FAULT_KILL:
        code = tell_all(t, f->word[0] != '\0' ? f->a : 0, "point", NULL, cli, err);
        return code == NODE_EXIT_OK ? start_all(t, f->a, cli, err, bound) : code;
    case TESTNET_FAULT_STOP:
        return start_all(t, f->a, cli, err, bound);
    case TESTNET_FAULT_PAUSE:
        signal_all(t, f->a, SIGCONT);
        break;
    case TESTNET_FAULT_CLOCK:
        return tell_all(t, f->a, "clock", NULL, cli, err);
    case TESTNET_FAULT_DISK:
        code = tell_all(t, f->a, "disk", NULL, cli, err);
        return code == NODE_EXIT_OK ? start_all(t, f->a, cli, err, bound) : code;
    case TESTNET_FAULT_PARTITION:
    case TESTNET_FAULT_LINK:
        break;
    }
    return code;
}

int testnet_fault_end(struct testnet *t, uint32_t id, const struct node_cli *cli, FILE *err,
                      bool bound)
{
    struct testnet_faults list;
    int code = load(&list, t, cli, err);
    for (uint32_t i = 0; code == NODE_EXIT_OK && i < list.count; i++) {
        if (list.list[i].id != id)
            continue;
        const struct testnet_fault f = list.list[i];
        testnet_faults_drop(&list, i);
        code = undo(t, &f, cli, err, bound);
        return code == NODE_EXIT_OK ? save(&list, t, cli, err) : code;
    }
    if (code == NODE_EXIT_OK)
        code = node_cli_fail(cli, err, NODE_EXIT_USAGE,
                             "no fault %" PRIu32 " is active\nWhich are: tandem testnet fault list",
                             id);
    return code;
}

int testnet_fault_restart(struct testnet *t, uint64_t set, const struct node_cli *cli, FILE *err)
{
    struct testnet_faults list;
    int code = load(&list, t, cli, err);
    if (code != NODE_EXIT_OK)
        return code;
    /* A node that is asked for is no longer missing. */
    for (uint32_t i = list.count; i-- > 0;) {
        struct testnet_fault *f = &list.list[i];
        if (f->kind != TESTNET_FAULT_KILL && f->kind != TESTNET_FAULT_STOP &&
            f->kind != TESTNET_FAULT_PAUSE)
            continue;
        f->a &= ~set;
        if (f->a == 0)
            testnet_faults_drop(&list, i);
    }
    code = tell_all(t, set, "point", NULL, cli, err);
    if (code != NODE_EXIT_OK)
        return code;
    signal_all(t, set, SIGCONT);
    stop_all(t, set);
    code = start_all(t, set, cli, err, false);
    return code == NODE_EXIT_OK ? save(&list, t, cli, err) : code;
}
