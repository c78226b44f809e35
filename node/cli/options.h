/* What every command has in common: the global options, the command's own flags, and the node's
 * configuration behind them.
 *
 *     argv ──▶ parse ──▶ switches, values, words      (a mistake: usage on `err`, exit 64)
 *                 └────▶ load ──▶ defaults < tandem.toml < TANDEM_… < --section.key   (exit 66, 78)
 *
 * 1. Global everywhere: --home DIR, --config FILE, --log-level L, --log-format F, --json,
 *    --no-color, -v, --help.  Every option of node/config/options.h is --section.key VALUE or
 *    --section.key=VALUE.
 * 2. HOME is --home (or --node.home), TANDEM_HOME, node.home of the file, ~/.tandem: the first that
 *    there is.  The file is --config, TANDEM_CONFIG, or HOME/tandem.toml, which may be absent.
 * 3. A relative path in the configuration starts at HOME, so that a node behaves the same whatever
 *    folder it was started in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "node/config/options.h"

/* Linux' PATH_MAX; longer names cannot be opened. */
#define NODE_PATH_BYTES 4096u
/* Every option given once and half of them again. */
#define NODE_CLI_SETTINGS_MAX 64u
#define NODE_CLI_WORDS_MAX 16u

/* A flag of one command.  Exactly one of `seen` and `value` is set. */
struct node_cli_flag {
    const char *name;   /* "--seconds" or "-n" */
    bool *seen;         /* a switch */
    const char **value; /* takes the next word, or what is behind "=" */
};

struct node_cli_spec {
    const char *command; /* "keys new": begins every complaint */
    const char *usage;   /* all lines of it; printed by --help, its first line after a mistake */
    const struct node_cli_flag *flags;
    size_t flag_count;
    size_t words_min, words_max; /* at most NODE_CLI_WORDS_MAX */
};

struct node_cli {
    const struct node_cli_spec *spec;
    bool help; /* usage was printed to `out`; the command is done */
    bool json, color, verbose;
    const char *words[NODE_CLI_WORDS_MAX]; /* what is no flag, in order; borrowed from argv */
    size_t word_count;
    char home[NODE_PATH_BYTES];
    char file[NODE_PATH_BYTES]; /* the configuration file, whether it is there or not */
    bool file_named;            /* by flag or variable: then it must be there */
    bool home_given;            /* by flag or variable */
    struct {
        const char *name, *value;
    } settings[NODE_CLI_SETTINGS_MAX];
    char setting_names[NODE_CLI_SETTINGS_MAX][64];
    size_t setting_count;
    bool loaded;
    struct node_config config; /* after load */
};

/* Read argv[1 .. argc).  Returns NODE_EXIT_OK, or NODE_EXIT_USAGE with a complaint on `err`.
 * Borrows argv.  Nothing has to be freed unless load succeeds. */
int node_cli_parse(struct node_cli *cli, const struct node_cli_spec *spec, FILE *out, FILE *err,
                   int argc, char **argv);

/* Fill cli->config, and home and file as the file moves them.  NODE_EXIT_OK; NODE_EXIT_NO_INPUT
 * when a named file is missing; NODE_EXIT_IO; NODE_EXIT_CONFIG with place and cause on `err`.
 * node_cli_free after any result. */
int node_cli_load(struct node_cli *cli, FILE *err);
void node_cli_free(struct node_cli *cli);

/* The path an option names, from HOME if it is relative; HOME/fallback if it is empty. */
void node_cli_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, enum node_option option,
                   const char *fallback);
/* HOME/name. */
void node_cli_home_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, const char *name);

/* "tandem COMMAND: …" and a line end, on err; returns `code`. */
__attribute__((format(printf, 4, 5))) int node_cli_fail(const struct node_cli *cli, FILE *err,
                                                        int code, const char *format, ...);

/* A whole number least .. most, in decimal and nothing else. */
bool node_cli_number(uint64_t *out, const char *text, uint64_t least, uint64_t most);
