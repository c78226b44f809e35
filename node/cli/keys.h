/* `tandem keys new|list|import|export`: the key files of a home folder.
 *
 *     new      draw a key, encrypt it, and make the sign guard that goes with it
 *     import   the same for a key from elsewhere; its guard is `tandem guard import`'s, or new
 *     export   the keystore as it is, or the bare key on demand
 *
 * A key and its guard are born together: a validator key without the record of what it signed is
 * one that may sign twice.  So `new` wants the chain's genesis, which the guard is bound to. */
#pragma once

#include <stdio.h>

/* argv[0] is "keys".  Returns an exit code of node/exit_codes.h. */
int node_keys_run(FILE *out, FILE *err, int argc, char **argv);
