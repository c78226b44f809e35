/* `tandem guard new|show|export|import`: the history of a validator key, portable.
 *
 *     {"format":"tandem-guard","version":1,"validator":"0x…","genesis":"0x…","generation":N,
 *      "slots":{"0":"0x…","3":"0x…"}}
 *
 * What EIP-3076 is to Ethereum's validators: a key moves to another machine together with what it
 * signed, or it may contradict itself there.
 *
 * 1. The key and the chain must be the file's; slot 0, the record of consensus/guard.h, must
 * decode.
 * 2. Import never lowers: everything that the guard here forbids is still forbidden afterwards, or
 *    nothing is changed (exit 80).  So it goes into a missing guard, an empty one, or an older one.
 * 3. The exporting node must be stopped (its lock is exclusive, exit 83) and must never start with
 *    that key again. */
#pragma once

#include <stdio.h>

#include "consensus/guard.h"

/* A guard of STORE_GUARD_SLOTS slots of STORE_GUARD_BYTES_MAX bytes in hex is 2 MiB. */
#define NODE_GUARD_JSON_BYTES_MAX ((2u << 20) + 65536u)

/* NULL when everything `old` forbids is forbidden by `now` too; else what would be lowered. */
const char *node_guard_lowered(const struct bft_guard *now, const struct bft_guard *old);

/* argv[0] is "guard".  Returns an exit code of node/exit_codes.h. */
int node_guard_run(FILE *out, FILE *err, int argc, char **argv);
