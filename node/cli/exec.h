/* `tandem exec`: the executor on the command line.  `tandem exec statetest FILE|DIR…` runs Ethereum
 * state tests (node/exec/statetest.h) and closes with "N passed, N failed, N skipped". */
#pragma once

#include <stdio.h>

/* Run the command line; argv[0] is the command's own name.  Results go to `out`, complaints to
 * `err`; neither is closed or flushed.
 *
 * Returns an exit code of node/exit_codes.h: OK; CHECK_FAILED when a case failed, or none was
 * found; USAGE; NO_INPUT when a path is missing; INTERNAL without memory. */
int node_exec_run(FILE *out, FILE *err, int argc, char **argv);
