/* `tandem sim`: the production consensus core and sign guard under virtual time, a faulty network
 * and a checker that looks after every event.  docs/testing.md describes its use.
 *
 *   seed ─▶ network, faults, Byzantine actors ─▶ bft_step ×N ─▶ checker ─▶ verdict, state hash */
#pragma once

/* Run the command line; argv[0] is the command's own name.
 *
 * Returns an exit code of node/exit_codes.h: 0 nothing found, 1 a violation (seed, virtual time
 * and the last trace events are printed), 64 usage, 66 an input file is missing. */
int sim_main(int argc, char **argv);
