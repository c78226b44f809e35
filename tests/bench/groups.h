/* The groups of rows, one file each.  Every one prepares its inputs, prints its heading and rows.
 */
#pragma once

void bench_core(void);
void bench_certificate(void);
void bench_codec(void);
void bench_base(void);

/* Replay one recorded stream for an instruction counter (callgrind.sh): the steps of messages named
 * `kind` (vote, commit, attest, proposal, or all) go through bench_counted_step.  Prints their
 * count; returns an exit code. */
int bench_count_steps(const char *kind);
