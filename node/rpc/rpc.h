/* JSON-RPC 2.0 over node/rpc/server.h: parsing, batches, dispatch, subscriptions, filters.
 *
 *     body ─▶ bounded queue ─▶ a worker: parse (depth, size), run ─▶ the loop: what needs it, reply
 *     new block ─▶ node_rpc_block ─▶ a worker reads and formats it ─▶ eth_subscribe pushes
 *
 * 1. Errors: -32700 parse, -32600 request, -32601 method, -32602 params, -32603 internal, 3 revert
 *    with data, -32000 with go-ethereum's texts, -32005 limits.
 * 2. Bounds: 100 calls a batch, 10,000 blocks and 20,000 logs an eth_getLogs, 5 s and the block's
 *    native limit a call, 10,000 filters (idle 5 min), 1,024 subscriptions, 16 MiB an answer; when
 *    the workers' queue is full the answer is -32005 "busy", at once.
 * 3. Namespaces that are not enabled answer -32601, as unknown methods do. */
#pragma once

#include "node/rpc/backend.h"
#include "node/rpc/server.h"

struct node_rpc;

struct node_rpc_options {
    const struct node_rpc_backend *backend; /* borrowed, with all it names */
    struct event_base *base;
    uint32_t threads; /* workers, >= 1 */
    const char *const *namespaces;
    uint32_t namespace_count;
    const struct td_log *log;
};

TD_MUST_CHECK enum td_error node_rpc_new(struct node_rpc **out,
                                         const struct node_rpc_options *options, char why[160]);
/* Waits for the workers; what is under way is not replied to.  After the servers whose ports name
 * it, before the loop. */
void node_rpc_free(struct node_rpc *r);

/* The request callback of a server whose ctx is a node_rpc_port: several servers (HTTP, WS) share
 * one node_rpc. */
struct node_rpc_port {
    struct node_rpc *rpc;
    struct node_http *http; /* filled after node_http_new */
};
void node_rpc_request(void *port, struct node_http_request *q, enum node_http_kind kind,
                      const char *path, struct td_bytes body);
void node_rpc_closed(void *port, uint64_t conn);

/* [loop] Blocks up to `height` are final, executed and committed: feed subscriptions and filters.
 */
void node_rpc_block(struct node_rpc *r, uint64_t height);
/* [loop] A transaction entered the pool. */
void node_rpc_pending(struct node_rpc *r, const struct td_hash *hash);

/* Seconds and errors per method, for /metrics; methods in static order. */
struct node_rpc_method_stats {
    const char *name;
    uint64_t calls, errors, total_ns;
};
uint32_t node_rpc_stats(const struct node_rpc *r, struct node_rpc_method_stats *out, uint32_t cap);
