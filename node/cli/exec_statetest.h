/* `tandem exec statetest`: files and folders of state tests, and the report on them.
 *
 *   FAIL NAME                     and below it what differs, with the file
 *   SKIP NAME: reason
 *   ok   NAME                     --verbose only
 *   N passed, N failed, N skipped */
#pragma once

#include <stdio.h>

#define NODE_STATETEST_RULES "Prague"

/* argv[0] is "statetest"; streams and result as node_exec_run. */
int node_exec_statetest(FILE *out, FILE *err, int argc, char **argv);
