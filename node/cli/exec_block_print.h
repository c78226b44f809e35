/* Reports of `tandem exec block`. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "node/exec/blockfile.h"

/* The block last executed and kept, for people. */
void node_block_print(FILE *out, const struct node_ledger *l);
/* The same in full, as one line of JSON: receipts with logs and bloom, published data.  False:
 * memory. */
bool node_block_print_json(FILE *out, const char *file, const struct node_ledger *l);

/* The digest of the run's statement, in nine words as the guest puts them. */
void node_statement_print(FILE *out, const struct td_p2_digest *d);
/* What closes a file: statement and, where asked for, every account, in the form of `pre`. */
bool node_file_print_json(FILE *out, const char *file, const struct node_ledger *l,
                          const struct td_p2_digest *d, size_t differences, bool post);
bool node_post_print(FILE *out, const struct node_ledger *l);
