/* A look over the text of a request before any parser gets it: how deep it goes, where the calls of
 * a batch begin and end, and what their ids are, byte by byte.
 *
 *     [ {"id": 1.0, ...} , {...} ]          calls[0], calls[1]; id = the text "1.0"
 *       └── whole ─────┘
 *
 * 1. Only brackets and strings are followed; what is not JSON is the parser's to refuse, part by
 *    part.  But outside the parts there is nothing but commas and blanks: that is checked here.
 * 2. An id is echoed as it was written: 1.0, 1e2 and 12345678901234567890 are no doubles here.
 * 3. Linear, no recursion, no memory but the caller's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"

/* Brackets within brackets.  The deepest request that means something has seven: a batch, a call,
 * its params, overrides, an account, its state, a value. */
#define NODE_RPC_DEPTH_MAX 64u
#define NODE_RPC_BATCH_MAX 100u

struct node_rpc_part {
    struct td_bytes whole;
    struct td_bytes id; /* the value of its own "id" member; empty: none written that way */
};

enum node_rpc_scan {
    NODE_RPC_SCAN_OK,
    NODE_RPC_SCAN_MALFORMED, /* brackets, strings or commas do not fit together */
    NODE_RPC_SCAN_DEPTH,
    NODE_RPC_SCAN_EMPTY_BATCH,
    NODE_RPC_SCAN_LONG_BATCH, /* more than NODE_RPC_BATCH_MAX */
};

/* Fills parts[NODE_RPC_BATCH_MAX] with views of `body`. */
enum node_rpc_scan node_rpc_scan(struct td_bytes body, struct node_rpc_part *parts, uint32_t *count,
                                 bool *batch);
