/* `tandem init`: makes a home folder; `tandem config check|show|defaults`: what a node would run
 * with.  Neither ever replaces a file. */
#pragma once

#include <stdio.h>

/* argv[0] is the command's own name.  Return exit codes of node/exit_codes.h. */
int node_init_run(FILE *out, FILE *err, int argc, char **argv);
int node_config_run(FILE *out, FILE *err, int argc, char **argv);
