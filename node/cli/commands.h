/* The commands of the `tandem` binary: a table of names and the dispatch over it.
 *
 *     argv[1] ──▶ table lookup ──found──▶ command(argc − 1, argv + 1)
 *                      └──────missing──▶ "did you mean", exit NODE_EXIT_USAGE
 *
 * Invariants
 *  1. Results go to `out`, complaints to `err`; nothing is written anywhere else.
 *  2. A complaint is at most three lines: what happened, where, what to do next. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* How much of an unknown command is repeated in the complaint, in bytes. */
#define NODE_COMMAND_NAME_MAX 32u

/* A command implemented outside this folder: argv[0] is the command's own name.  Returns an exit
 * code of node/exit_codes.h. */
typedef int (*node_command_fn)(int argc, char **argv);

/* What main() plugs in; a null entry is a command this build does not carry. */
struct node_commands {
    node_command_fn sim;     /* `tandem sim` */
    node_command_fn testnet; /* `tandem testnet` */
};

/* Run the command line.
 *
 * commands  borrowed
 * argc, argv  as main() received them; argv[0] is skipped
 * out, err  borrowed; not closed
 * Returns an exit code of node/exit_codes.h, NODE_EXIT_IO when `out` cannot be written. */
int node_cli_run(const struct node_commands *commands, FILE *out, FILE *err, int argc, char **argv);

/* The known command nearest to `word`, or NULL when none is near enough (node/config/suggest.h).
 * Static storage. */
const char *node_command_suggest(const char *word);
