#define _POSIX_C_SOURCE 200809L
#include "node/cli/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "node/cli/http_client.h"
#include "node/cli/options.h"
#include "node/cli/ports.h"
#include "node/exit_codes.h"

#define WATCH_SECONDS 2
#define TIMEOUT_MS 3000u
#define DEPTH_MAX 4 /* of the names printed; deeper parts are printed as JSON */
#define LIST_MAX 16 /* lines of a list; --json has all */

static void print_scalar(FILE *out, const char *name, const json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    fprintf(out, "%-28s %s\n", name,
            json_is_string(v) ? json_string_value(v)
            : text == NULL    ? "?"
                              : text);
    free(text);
}

/* A validator, a peer, a block: "name=n0 stake=1 online=true", without what is not known. */
static void print_row(FILE *out, const char *name, json_t *row)
{
    const char *key;
    json_t *value;
    fprintf(out, "%-28s", name);
    json_object_foreach(row, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!json_is_null(value))
            fprintf(out, " %.40s=%s", key,
                    json_is_string(value) ? json_string_value(value)
                    : text == NULL        ? "?"
                                          : text);
        free(text);
    }
    fputc('\n', out);
}

static void print_list(FILE *out, const char *name, const json_t *list)
{
    size_t count = json_array_size(list), shown = count < LIST_MAX ? count : LIST_MAX;
    if (count == 0)
        fprintf(out, "%-28s none\n", name);
    for (size_t i = 0; i < shown; i++) {
        json_t *row = json_array_get(list, i);
        if (json_is_object(row))
            print_row(out, i == 0 ? name : "", row);
        else
            print_scalar(out, i == 0 ? name : "", row);
    }
    if (shown < count)
        fprintf(out, "%-28s and %zu more: --json\n", "", count - shown);
}

/* "consensus.round  130": a line for each value. */
static void print_tree(FILE *out, const char *prefix, json_t *object, int depth)
{
    const char *key;
    json_t *value;
    char name[128];
    json_object_foreach(object, key, value)
    {
        snprintf(name, sizeof name, "%.60s%s%.60s", prefix, prefix[0] == '\0' ? "" : ".", key);
        if (json_is_object(value) && depth < DEPTH_MAX)
            print_tree(out, name, value, depth + 1);
        else if (json_is_array(value))
            print_list(out, name, value);
        else
            print_scalar(out, name, value);
    }
}

static int ask(const struct node_cli *cli, struct node_http_client *client, FILE *out, FILE *err)
{
    json_error_t where;
    enum td_error e = node_http_get(client, "/status");
    if (e != TD_OK)
        return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                             "no node answers at %s: %s\nStart it: tandem start --home %s",
                             node_config_text(&cli->config, NODE_OPT_OPS_LISTEN), client->why,
                             cli->home);
    if (client->status != 200)
        return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                             "%s answers with HTTP status %d: is it a node's ops endpoint?",
                             node_config_text(&cli->config, NODE_OPT_OPS_LISTEN), client->status);
    json_t *root = json_loadb(client->body, client->body_len, 0, &where);
    if (!json_is_object(root)) {
        json_decref(root);
        return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE, "%s does not answer as a node does",
                             node_config_text(&cli->config, NODE_OPT_OPS_LISTEN));
    }
    if (cli->json) {
        json_dumpf(root, out, JSON_COMPACT);
        fputc('\n', out);
    } else {
        print_tree(out, "", root, 0);
    }
    json_decref(root);
    return NODE_EXIT_OK;
}

static int watch(const struct node_cli *cli, struct node_http_client *client, FILE *out, FILE *err)
{
    for (;;) {
        if (cli->color)
            fputs("\033[H\033[J", out);
        int code = ask(cli, client, out, err);
        if (code != NODE_EXIT_OK && code != NODE_EXIT_UNAVAILABLE)
            return code;
        if (fflush(out) != 0)
            return NODE_EXIT_IO;
        const struct timespec pause = {.tv_sec = WATCH_SECONDS};
        nanosleep(&pause, NULL);
    }
}

int node_status_run(FILE *out, FILE *err, int argc, char **argv)
{
    bool again = false;
    const struct node_cli_flag flags[] = {{.name = "--watch", .seen = &again}};
    const struct node_cli_spec spec = {.command = "status",
                                       .usage = "usage: tandem status [--json|--watch]\n\n"
                                                "Asks the node at [ops] listen.\n\n"
                                                "  --watch  again every two seconds, until Ctrl-C",
                                       .flags = flags,
                                       .flag_count = 1};
    struct node_cli cli;
    struct node_http_client client;
    char host[256];
    uint16_t port = 0;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = node_cli_load(&cli, err);
    if (code == NODE_EXIT_OK && !cli.help) {
        if (node_socket_split(host, sizeof host, &port,
                              node_config_text(&cli.config, NODE_OPT_OPS_LISTEN))) {
            node_http_client_init(&client, host, port, TIMEOUT_MS);
            code = again ? watch(&cli, &client, out, err) : ask(&cli, &client, out, err);
            node_http_client_free(&client);
        } else {
            code = node_cli_fail(&cli, err, NODE_EXIT_CONFIG, "ops.listen is no address");
        }
    }
    node_cli_free(&cli);
    return code;
}
