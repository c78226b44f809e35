/* `tandem start`: run a node in the foreground until it is told to stop. */
#pragma once

#include <stdio.h>

/* argv[0] is "start".  Returns an exit code of node/exit_codes.h. */
int node_start_run(FILE *out, FILE *err, int argc, char **argv);
