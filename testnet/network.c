#define _POSIX_C_SOURCE 200809L
#include "testnet/network.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"

/* Left in a path of DIR for "/n63/keys/transport.key" and the like. */
#define NAME_ROOM 64u

uint16_t testnet_http_port(const struct testnet *t, uint32_t node)
{
    return (uint16_t)(t->base_port + 10u * node);
}

uint16_t testnet_ws_port(const struct testnet *t, uint32_t node)
{
    return (uint16_t)(testnet_http_port(t, node) + 1u);
}

uint16_t testnet_ops_port(const struct testnet *t, uint32_t node)
{
    return (uint16_t)(testnet_http_port(t, node) + 1000u);
}

uint16_t testnet_p2p_port(const struct testnet *t, uint32_t node)
{
    return (uint16_t)(testnet_http_port(t, node) + 22000u);
}

void testnet_path(char out[NODE_PATH_BYTES], const struct testnet *t, uint32_t node,
                  const char *name)
{
    int len = snprintf(out, NODE_PATH_BYTES, "%s/n%" PRIu32 "%s%s", t->dir, node,
                       name == NULL ? "" : "/", name == NULL ? "" : name);
    TD_ASSERT(len > 0 && (size_t)len < NODE_PATH_BYTES); /* testnet_dir left room */
}

int testnet_dir(char out[NODE_PATH_BYTES], const struct node_cli *cli, FILE *err, const char *given)
{
    char here[NODE_PATH_BYTES];
    const char *from = given != NULL ? given : getenv("TANDEM_TESTNET");
    if (from == NULL || from[0] == '\0')
        from = ".testnet";
    if (from[0] != '/' && getcwd(here, sizeof here) == NULL)
        return node_cli_fail(cli, err, NODE_EXIT_IO, "the current folder: %s", strerror(errno));
    int len = from[0] == '/' ? snprintf(out, NODE_PATH_BYTES, "%s", from)
                             : snprintf(out, NODE_PATH_BYTES, "%s/%s", here, from);
    if (len < 0 || (size_t)len >= NODE_PATH_BYTES - NAME_ROOM)
        return node_cli_fail(cli, err, NODE_EXIT_USAGE, "the folder's path is too long");
    return NODE_EXIT_OK;
}

/* ---- processes */

/* State and start time of a process (proc(5), stat); false when there is none. */
static bool stat_of(pid_t pid, char *state, uint64_t *start)
{
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "re");
    size_t len = f == NULL ? 0 : fread(text, 1, sizeof text - 1u, f);
    if (f != NULL)
        fclose(f);
    text[len] = '\0';
    const char *end = strrchr(text, ')'); /* the name may hold anything, brackets too */
    if (end == NULL)
        return false;
    return sscanf(end + 1,
                  " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                  "%" SCNu64,
                  state, start) == 2;
}

bool testnet_alive(const struct testnet_process *p)
{
    char state;
    uint64_t start;
    return p->pid > 0 && stat_of(p->pid, &state, &start) && start == p->start && state != 'Z' &&
           state != 'X';
}

void testnet_process_of(struct testnet_process *p, pid_t pid)
{
    char state;
    p->pid = pid;
    if (!stat_of(pid, &state, &p->start))
        p->start = 0;
}

/* ---- the file */

static void state_path(char out[NODE_PATH_BYTES], const struct testnet *t, const char *suffix)
{
    int len = snprintf(out, NODE_PATH_BYTES, "%s/testnet.json%s", t->dir, suffix);
    TD_ASSERT(len > 0 && (size_t)len < NODE_PATH_BYTES); /* testnet_dir left room */
}

static bool number(uint64_t *out, const json_t *object, const char *name, uint64_t least,
                   uint64_t most)
{
    const json_t *v = json_object_get(object, name);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return *out >= least && *out <= most;
}

static bool process(struct testnet_process *out, const json_t *v)
{
    uint64_t pid;
    if (!number(&pid, v, "pid", 0, INT32_MAX) || !number(&out->start, v, "start", 0, INT64_MAX))
        return false;
    out->pid = (pid_t)pid;
    return true;
}

static bool read_state(struct testnet *t, const json_t *root)
{
    uint64_t version, validators, followers, base;
    const json_t *nodes = json_object_get(root, "processes");
    const json_t *links = json_object_get(root, "links");
    if (!number(&version, root, "version", 1, 1) ||
        !number(&validators, root, "validators", 1, TESTNET_NODES_MAX) ||
        !number(&followers, root, "followers", 0, TESTNET_NODES_MAX - validators) ||
        !number(&base, root, "basePort", 1, TESTNET_BASE_PORT_MAX) ||
        !number(&t->interval_ms, root, "intervalMs", 0, INT64_MAX) ||
        !process(&t->supervisor, json_object_get(root, "supervisor")) ||
        (links != NULL && !process(&t->links, links)) ||
        json_array_size(nodes) != validators + followers)
        return false;
    t->faults = json_is_true(json_object_get(root, "faults"));
    t->validators = (uint32_t)validators;
    t->followers = (uint32_t)followers;
    t->base_port = (uint32_t)base;
    for (uint32_t i = 0; i < testnet_count(t); i++)
        if (!process(&t->nodes[i], json_array_get(nodes, i)))
            return false;
    return true;
}

enum td_error testnet_load(struct testnet *t)
{
    char path[NODE_PATH_BYTES];
    json_error_t where;
    state_path(path, t, "");
    if (access(path, R_OK) != 0)
        return errno == ENOENT || errno == ENOTDIR ? TD_E_NOTFOUND : TD_E_IO;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    bool good = root != NULL && read_state(t, root);
    json_decref(root);
    return good ? TD_OK : TD_E_MALFORMED;
}

int testnet_find(struct testnet *t, const struct node_cli *cli, FILE *err, const char *given)
{
    memset(t, 0, sizeof *t);
    int code = testnet_dir(t->dir, cli, err, given);
    if (code != NODE_EXIT_OK)
        return code;
    enum td_error e = testnet_load(t);
    if (e == TD_OK)
        return NODE_EXIT_OK;
    if (e == TD_E_NOTFOUND)
        return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT,
                             "no network in %s\nStart one: tandem testnet up; or name its folder "
                             "with --dir",
                             t->dir);
    return node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                         "%s/testnet.json is damaged\nStop its nodes by hand, then start anew: "
                         "tandem testnet up --fresh",
                         t->dir);
}

int testnet_save(const struct testnet *t)
{
    char path[NODE_PATH_BYTES], made[NODE_PATH_BYTES];
    state_path(path, t, "");
    state_path(made, t, ".new");
    FILE *f = fopen(made, "we");
    if (f == NULL)
        return -1;
    fprintf(f,
            "{\"version\":1,\"validators\":%" PRIu32 ",\"followers\":%" PRIu32
            ",\"basePort\":%" PRIu32 ",\"intervalMs\":%" PRIu64
            ",\"faults\":%s,\n \"supervisor\":{\"pid\":%ld,\"start\":%" PRIu64
            "},\"links\":{\"pid\":%ld,\"start\":%" PRIu64 "},\n \"processes\":[",
            t->validators, t->followers, t->base_port, t->interval_ms, t->faults ? "true" : "false",
            (long)t->supervisor.pid, t->supervisor.start, (long)t->links.pid, t->links.start);
    for (uint32_t i = 0; i < testnet_count(t); i++)
        fprintf(f, "%s{\"pid\":%ld,\"start\":%" PRIu64 "}", i == 0 ? "" : ",",
                (long)t->nodes[i].pid, t->nodes[i].start);
    fputs("]}\n", f);
    bool good = fflush(f) == 0 && !ferror(f);
    if (fclose(f) != 0 || !good || rename(made, path) != 0) {
        int kept = errno;
        unlink(made);
        errno = kept;
        return -1;
    }
    return 0;
}
