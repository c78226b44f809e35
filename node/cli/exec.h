/* `tandem exec`: the executor on the command line.  `tandem exec statetest FILE|DIR…` runs Ethereum
 * state tests (node/exec/statetest.h) and closes with "N passed, N failed, N skipped";
 * `tandem exec block FILE…` runs blocks (node/cli/exec_block.h). */
#pragma once

#include <stdio.h>

/* Run the command line; argv[0] is the command's own name.  Results go to `out`, complaints to
 * `err`; neither is closed or flushed.
 *
 * Returns an exit code of node/exit_codes.h: OK; CHECK_FAILED when a case failed or none was
 * found, a block differs or a file is refused; USAGE; NO_INPUT when a path is missing; CANT_CREATE
 * and IO for an output; INTERNAL without memory. */
int node_exec_run(FILE *out, FILE *err, int argc, char **argv);
