/* `tandem status [--json|--watch]`: asks a running node's ops endpoint for /status and prints it.
 * Exit 69 when no node answers. */
#pragma once

#include <stdio.h>

/* argv[0] is "status".  Returns an exit code of node/exit_codes.h. */
int node_status_run(FILE *out, FILE *err, int argc, char **argv);
