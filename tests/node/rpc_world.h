/* JSON-RPC without a network: what a server would hand in is handed in, what it would send is kept.
 */
#pragma once

#include "node/rpc/rpc.h"

struct rpc_world {
    struct node_genesis genesis;
    struct node_rpc_backend backend;
    struct event_base *base;
    struct node_rpc *rpc;
    struct node_rpc_port port;
    struct td_clock_virtual clock;
};

void rpc_world_open(struct rpc_world *w, const char *const *namespaces, uint32_t count);
void rpc_world_close(struct rpc_world *w);

/* Status and body of the answer, as POST (conn 0) or as a message of a WebSocket; the text is valid
 * until the next. */
const char *rpc_ask(struct rpc_world *w, const char *body);
const char *rpc_ask_as(struct rpc_world *w, enum node_http_kind kind, uint64_t conn,
                       struct td_bytes body, int *status);
