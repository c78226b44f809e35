/* `tandem doctor`: preflight.  One line per check, ✓ or ✗, what to do behind a ✗; exit 1 when one
 * failed.  Looks only: nothing is made or changed. */
#pragma once

#include <stdio.h>

/* argv[0] is "doctor".  Returns an exit code of node/exit_codes.h. */
int node_doctor_run(FILE *out, FILE *err, int argc, char **argv);
