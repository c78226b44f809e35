#define _POSIX_C_SOURCE 200809L

#include "node/cli/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host/secret.h"
#include "node/cli/home.h"
#include "node/cli/options.h"
#include "node/exit_codes.h"
#include "node/run/run.h"

static const char USAGE[] =
    "usage: tandem start [--home DIR] [--config FILE] [--section.key VALUE]…\n"
    "\n"
    "Runs the node of a home folder in the foreground; `tandem init` makes one.  Logs go to\n"
    "standard error, or to [log] file.  SIGINT and SIGTERM stop it.\n";

struct starting {
    struct node_cli cli;
    struct node_genesis genesis;
    struct td_secp *secp;
    struct td_secp_key key;
    bool has_genesis, has_key;
    int log_fd;
    struct td_log log;
    struct node_run_options run;
    char guard[NODE_PATH_BYTES], database[NODE_PATH_BYTES];
};

static int open_log(struct starting *s, FILE *err)
{
    const struct node_config *c = &s->cli.config;
    const char *file = node_config_text(c, NODE_OPT_LOG_FILE);
    enum td_log_level level = TD_LOG_INFO;
    s->log_fd = STDERR_FILENO;
    if (file[0] != '\0') {
        char path[NODE_PATH_BYTES];
        node_cli_path(path, &s->cli, NODE_OPT_LOG_FILE, "logs/tandem.log");
        s->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (s->log_fd < 0)
            return node_cli_fail(&s->cli, err, NODE_EXIT_CANT_CREATE, "log.file: %s: %s", path,
                                 strerror(errno));
    }
    if (td_log_level_parse(&level, node_config_text(c, NODE_OPT_LOG_LEVEL)) != TD_OK)
        return NODE_EXIT_CONFIG;
    const char *name = node_config_text(c, NODE_OPT_NODE_NAME);
    bool json = strcmp(node_config_text(c, NODE_OPT_LOG_FORMAT), "json") == 0;
    td_log_init(&s->log, level, json ? TD_LOG_JSON : TD_LOG_TEXT, name[0] == '\0' ? NULL : name,
                td_clock_system(), td_log_sink_fd(&s->log_fd));
    return NODE_EXIT_OK;
}

static int open_key(struct starting *s, FILE *err)
{
    struct node_key_file file;
    struct node_password password;
    uint8_t secret[NODE_SECRET_BYTES];
    if (strcmp(node_config_text(&s->cli.config, NODE_OPT_NODE_ROLE), "follower") == 0)
        return NODE_EXIT_OK;
    int code = node_home_signer(&s->cli, err, NULL, &file);
    if (code == NODE_EXIT_OK)
        code = node_home_password(&s->cli, err, NULL, false, &password);
    if (code != NODE_EXIT_OK)
        return code;
    code = node_home_unlock(&s->cli, err, &file, &password, secret);
    node_password_wipe(&password);
    if (code == NODE_EXIT_OK && td_secp_key_init(s->secp, &s->key, secret) != TD_OK)
        code = node_cli_fail(&s->cli, err, NODE_EXIT_NO_INPUT, "%s holds no valid key", file.path);
    td_secret_wipe(secret, sizeof secret);
    s->has_key = code == NODE_EXIT_OK;
    return code;
}

static int open_all(struct starting *s, FILE *err)
{
    s->secp = td_secp_new();
    if (s->secp == NULL)
        return node_cli_fail(&s->cli, err, NODE_EXIT_INTERNAL, "no memory or no randomness");
    int code = open_log(s, err);
    if (code == NODE_EXIT_OK)
        code = node_home_genesis(&s->cli, err, &s->genesis);
    if (code != NODE_EXIT_OK)
        return code;
    s->has_genesis = true;
    if (node_config_boolean(&s->cli.config, NODE_OPT_FAULT_ENABLED) && !s->genesis.development)
        return node_cli_fail(&s->cli, err, NODE_EXIT_CONFIG,
                             "fault.enabled: this chain is not one for development\n"
                             "Remove [fault] from %s; only a genesis with \"development\": true "
                             "takes faults",
                             s->cli.file);
    code = node_home_transport(&s->cli, err, s->run.transport);
    if (code == NODE_EXIT_OK)
        code = open_key(s, err);
    return code;
}

static int run(struct starting *s, FILE *err)
{
    node_home_guard_path(s->guard, &s->cli);
    node_cli_path(s->database, &s->cli, NODE_OPT_STORAGE_PATH, "data/chain.db");
    if (s->has_key && access(s->guard, F_OK) != 0 && errno == ENOENT)
        return node_cli_fail(&s->cli, err, NODE_EXIT_NO_INPUT,
                             "no sign guard at %s\n`tandem guard import FILE` brings the key's "
                             "history; `tandem guard new` is for a key without one",
                             s->guard);
    s->run.config = &s->cli.config;
    s->run.genesis = &s->genesis;
    s->run.secp = s->secp;
    s->run.key = s->has_key ? &s->key : NULL;
    s->run.guard_path = s->guard;
    s->run.database_path = s->database;
    s->run.name = node_config_text(&s->cli.config, NODE_OPT_NODE_NAME);
    s->run.log = &s->log;
    if (node_config_boolean(&s->cli.config, NODE_OPT_FAULT_ENABLED))
        s->run.fault_home = s->cli.home;
    return node_run(&s->run, err);
}

int node_start_run(FILE *out, FILE *err, int argc, char **argv)
{
    static const struct node_cli_spec SPEC = {.command = "start", .usage = USAGE};
    struct starting *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NODE_EXIT_INTERNAL;
    int code = node_cli_parse(&s->cli, &SPEC, out, err, argc, argv);
    if (code != NODE_EXIT_OK || s->cli.help) {
        free(s);
        return code;
    }
    code = node_cli_load(&s->cli, err);
    if (code == NODE_EXIT_OK)
        code = open_all(s, err);
    if (code == NODE_EXIT_OK)
        code = run(s, err);
    td_secp_key_reset(&s->key);
    td_secret_wipe(s->run.transport, sizeof s->run.transport);
    if (s->has_genesis)
        node_genesis_free(&s->genesis);
    td_secp_free(s->secp);
    if (s->log_fd > STDERR_FILENO)
        close(s->log_fd);
    node_cli_free(&s->cli);
    free(s);
    return code;
}
