/* Strict readers of a call's arguments.  The first thing wrong answers the call with -32602 and a
 * text that names argument and place; then, and where an optional one is left out or null, a reader
 * gives zero.  Look at c->done once, after the last. */
#pragma once

#include "node/rpc/rpc_internal.h"

/* Between min and max of them?  False: answered. */
bool node_rpc_params(struct node_rpc_call *c, size_t min, size_t max);
