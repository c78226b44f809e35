/* `tandem guest`: runs a guest image in the emulator, without proving anything.
 *
 *     tandem guest run WITNESS [--elf FILE] [--clk-limit N] [--profile] [--json]
 *
 * 1. WITNESS is a file of any bytes.  The guest finds it at 0x2000_0000: a u32 length
 * (little-endian), the bytes, zeros up to the next word.
 * 2. Without --elf the image is tandem-guest.elf in the folder of the running program.
 * 3. A run that halts exits 0.  A trap, which nobody could prove, or the clk limit exits 1 and says
 *    where: address, nearest symbol, and for a failed assertion its text.
 * 4. --json: one object on one line of `out`, for a trap too. */
#pragma once

#include <stdio.h>

/* argv[0] is "guest".  Results go to `out`, complaints (at most three lines) to `err`; both are
 * borrowed.  Returns an exit code of node/exit_codes.h. */
int node_guest_run(FILE *out, FILE *err, int argc, char **argv);
