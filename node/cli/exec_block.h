/* `tandem exec block`: files of blocks (node/exec/blockfile.h), one chain each, and what came of
 * them.
 *
 *   block 1  0x…                        --json: one object a line for each block, then one for the
 *     #0  0x…  success  …               file, with statement and post state
 *     stateCommitment  0x…
 *   statement  1a2b… (nine words: what `tandem guest run` prints for the --witness file)
 *
 * Exit: 0; 1 when an `expect` does not hold, or a file or block is refused; 66 no such file; 73 and
 * 74 the witness file cannot be made or written. */
#pragma once

#include <stdio.h>

/* argv[0] is "block"; streams and result as node_exec_run. */
int node_exec_block(FILE *out, FILE *err, int argc, char **argv);
