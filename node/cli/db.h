/* `tandem db`: the chain database checked, copied while the node runs, and put back. */
#pragma once

#include <stdio.h>

/* Run `tandem db ARG…` (argv[0] is "db").  out, err: borrowed.  Returns an exit code of
 * node/exit_codes.h: NO_INPUT no such database or backup; CORRUPT; RUNNING (restore) a node uses
 * it; CONFIG of another genesis or of another version; CANT_CREATE the copy's name is taken; IO. */
int node_db_run(FILE *out, FILE *err, int argc, char **argv);
