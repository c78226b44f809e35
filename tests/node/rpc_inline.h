/* Requests of JSON-RPC all on this thread: what the loop and a worker do, one after the other. */
#pragma once

#include "node/rpc/rpc.h"

struct rpc_inline;

/* Besides the workers that `rpc` has. */
struct rpc_inline *rpc_inline_new(struct node_rpc *rpc);
void rpc_inline_free(struct rpc_inline *x);
/* The answer, malloc'ed; NULL: none, as for notifications alone. */
char *rpc_inline_ask(struct rpc_inline *x, struct td_bytes body, uint64_t conn, size_t *len);
