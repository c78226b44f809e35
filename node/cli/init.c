#define _POSIX_C_SOURCE 200809L
#include "node/cli/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "node/cli/home.h"
#include "node/exit_codes.h"

/* ---- init */

static void told(FILE *out, const struct node_cli *cli, const char *path, bool made)
{
    if (!cli->json)
        fprintf(out, "%-7s %s\n", made ? "made" : "kept", path);
}

static int make_folders(const struct node_cli *cli, FILE *out, FILE *err)
{
    static const char *const names[] = {"", "keys", "data", "logs"};
    char path[NODE_PATH_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool made = false;
        if (names[i][0] == '\0')
            snprintf(path, sizeof path, "%s", cli->home);
        else
            node_cli_home_path(path, cli, names[i]);
        int code = node_home_folder(cli, err, path, &made);
        if (code != NODE_EXIT_OK)
            return code;
        told(out, cli, path, made);
    }
    return NODE_EXIT_OK;
}

static int make_config(const struct node_cli *cli, FILE *out, FILE *err)
{
    char *text = NULL, path[NODE_PATH_BYTES];
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct node_config defaults;
    TD_ASSERT(f != NULL);
    node_config_init(&defaults);
    fputs("# Options of this node; what all nodes must have equal is in genesis.json.\n"
          "# `tandem config check` reads this file, `tandem config show --origin` says what wins.\n"
          "\n",
          f);
    node_config_print_commented(&defaults, f);
    node_config_reset(&defaults);
    TD_ASSERT(fclose(f) == 0);
    node_cli_home_path(path, cli, "tandem.toml");
    enum td_error e = node_home_write(path, text, len, 0644);
    int kept = errno;
    free(text);
    if (e == TD_E_IO)
        return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, strerror(kept));
    told(out, cli, path, e == TD_OK);
    return NODE_EXIT_OK;
}

static int make_transport(const struct node_cli *cli, FILE *out, FILE *err, char id[65])
{
    char path[NODE_PATH_BYTES];
    uint8_t secret[32], public[32];
    bool made = false;
    int code = node_home_transport_new(cli, err, &made);
    if (code == NODE_EXIT_OK)
        code = node_home_transport(cli, err, secret);
    if (code != NODE_EXIT_OK)
        return code;
    node_transport_public(public, secret);
    memset(secret, 0, sizeof secret);
    TD_ASSERT(td_hex_encode(id, 65, TD_HEX_BARE, public, sizeof public) == TD_OK);
    node_cli_home_path(path, cli, "keys/transport.key");
    told(out, cli, path, made);
    return NODE_EXIT_OK;
}

/* The file as it is, read whole; node_genesis_load has checked it and so bounded it. */
static int copy_file(const struct node_cli *cli, FILE *err, const char *from, const char *to,
                     bool *made)
{
    FILE *f = fopen(from, "rbe");
    char *text = f == NULL ? NULL : malloc(NODE_GENESIS_BYTES_MAX + 1u);
    size_t len = text == NULL ? 0 : fread(text, 1, NODE_GENESIS_BYTES_MAX + 1u, f);
    enum td_error e = TD_E_IO;
    if (text != NULL && !ferror(f) && len <= NODE_GENESIS_BYTES_MAX)
        e = node_home_write(to, text, len, 0644);
    int kept = errno;
    if (f != NULL)
        fclose(f);
    free(text);
    *made = e == TD_OK;
    return e == TD_OK || e == TD_E_EXISTS
               ? NODE_EXIT_OK
               : node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", to, strerror(kept));
}

/* The file that is there, if one is, must be of the same chain. */
static int same_chain(const struct node_cli *cli, FILE *err, const char *from, const char *to)
{
    struct node_genesis *given = calloc(1, sizeof *given), *here = calloc(1, sizeof *here);
    struct node_genesis_error why;
    int code = NODE_EXIT_OK;
    TD_ASSERT(given != NULL && here != NULL);
    enum td_error e = node_genesis_load(given, from, &why);
    if (e == TD_E_NOTFOUND)
        code = node_cli_fail(cli, err, NODE_EXIT_NO_INPUT, "no genesis at %s", from);
    else if (e != TD_OK)
        code = node_cli_fail(cli, err, e == TD_E_IO ? NODE_EXIT_IO : NODE_EXIT_CONFIG, "%s: %s",
                             from, why.text);
    if (e != TD_OK)
        goto out;
    e = node_genesis_load(here, to, &why);
    if (e == TD_OK && !td_hash_eq(&here->genesis_hash, &given->genesis_hash))
        code = node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE,
                             "%s is of another chain and stays as it is\n"
                             "Choose another folder: tandem init --home DIR",
                             to);
    else if (e != TD_OK && e != TD_E_NOTFOUND)
        code = node_cli_fail(cli, err, NODE_EXIT_CONFIG, "%s: %s", to, why.text);
    if (e == TD_OK)
        node_genesis_free(here);
    node_genesis_free(given);
out:
    free(given);
    free(here);
    return code;
}

static int make_genesis(const struct node_cli *cli, FILE *out, FILE *err, const char *from)
{
    char path[NODE_PATH_BYTES];
    bool made = false;
    node_cli_home_path(path, cli, "genesis.json");
    int code = same_chain(cli, err, from, path);
    if (code == NODE_EXIT_OK)
        code = copy_file(cli, err, from, path, &made);
    if (code == NODE_EXIT_OK)
        told(out, cli, path, made);
    return code;
}

static int make_home(const struct node_cli *cli, FILE *out, FILE *err, const char *genesis)
{
    char id[65];
    int code = make_folders(cli, out, err);
    if (code == NODE_EXIT_OK && genesis != NULL)
        code = make_genesis(cli, out, err, genesis);
    if (code == NODE_EXIT_OK)
        code = make_config(cli, out, err);
    if (code == NODE_EXIT_OK)
        code = make_transport(cli, out, err, id);
    if (code != NODE_EXIT_OK)
        return code;
    if (cli->json)
        fprintf(out, "{\"transport\":\"%s\"}\n", id);
    else
        fprintf(out,
                "Peers dial this node as %s@HOST:PORT.\n"
                "Next: %s, then tandem doctor, tandem start\n",
                id,
                genesis == NULL ? "tandem init --genesis FILE, tandem keys new"
                                : "tandem keys new");
    return NODE_EXIT_OK;
}

int node_init_run(FILE *out, FILE *err, int argc, char **argv)
{
    const char *genesis = NULL;
    const struct node_cli_flag flags[] = {{.name = "--genesis", .value = &genesis}};
    const struct node_cli_spec spec = {
        .command = "init",
        .usage = "usage: tandem init [--home DIR] [--genesis F]\n\n"
                 "Makes HOME with keys/, data/, logs/, tandem.toml of the defaults and a transport "
                 "key,\nand copies the chain's genesis.  What is there already is kept.",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
    };
    struct node_cli cli;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = make_home(&cli, out, err, genesis);
    return code;
}

/* ---- config */

static int show_config(FILE *out, FILE *err, int argc, char **argv)
{
    bool origin = false;
    const struct node_cli_flag flags[] = {{.name = "--origin", .seen = &origin}};
    const struct node_cli_spec spec = {
        .command = "config show",
        .usage = "usage: tandem config show [--origin]\n\n"
                 "Every option with the value a node would run with.\n\n"
                 "  --origin  and where it came from: flag, environment, file or default",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
    };
    struct node_cli cli;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = node_cli_load(&cli, err);
    if (code == NODE_EXIT_OK && !cli.help)
        node_config_print(&cli.config, out, origin);
    node_cli_free(&cli);
    return code;
}

static int check_config(FILE *out, FILE *err, int argc, char **argv)
{
    const struct node_cli_spec spec = {
        .command = "config check",
        .usage = "usage: tandem config check\n\n"
                 "Reads tandem.toml, the environment and the flags; exit 78 on any mistake."};
    struct node_cli cli;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = node_cli_load(&cli, err);
    if (code == NODE_EXIT_OK && !cli.help)
        fprintf(out, "%s: good\n",
                cli.config.file == NULL ? "no file, defaults only" : cli.config.file);
    node_cli_free(&cli);
    return code;
}

static int print_defaults(FILE *out, FILE *err, int argc, char **argv)
{
    const struct node_cli_spec spec = {
        .command = "config defaults",
        .usage = "usage: tandem config defaults\n\nA tandem.toml of every option's default."};
    struct node_cli cli;
    struct node_config defaults;
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code != NODE_EXIT_OK || cli.help)
        return code;
    node_config_init(&defaults);
    node_config_print_commented(&defaults, out);
    node_config_reset(&defaults);
    return NODE_EXIT_OK;
}

int node_config_run(FILE *out, FILE *err, int argc, char **argv)
{
    static const char usage[] = "usage: tandem config check|show [--origin]|defaults\n";
    const char *word = argc < 2 ? "" : argv[1];
    if (strcmp(word, "show") == 0)
        return show_config(out, err, argc - 1, argv + 1);
    if (strcmp(word, "check") == 0)
        return check_config(out, err, argc - 1, argv + 1);
    if (strcmp(word, "defaults") == 0)
        return print_defaults(out, err, argc - 1, argv + 1);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        fputs(usage, out);
        return NODE_EXIT_OK;
    }
    if (word[0] != '\0')
        fprintf(err, "tandem config: unknown subcommand \"%.32s\"\n", word);
    fputs(usage, err);
    return NODE_EXIT_USAGE;
}
