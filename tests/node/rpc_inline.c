#include "tests/node/rpc_inline.h"

#include <stdlib.h>

#include "base/core/assert.h"
#include "node/rpc/rpc_internal.h"

struct rpc_inline {
    struct node_rpc *rpc;
    struct node_rpc_worker worker;
};

struct rpc_inline *rpc_inline_new(struct node_rpc *rpc)
{
    struct rpc_inline *x = calloc(1, sizeof *x);
    TD_ASSERT(x != NULL && node_rpc_worker_init(&x->worker, rpc) == TD_OK);
    x->rpc = rpc;
    return x;
}

char *rpc_inline_ask(struct rpc_inline *x, struct td_bytes body, uint64_t conn, size_t *len)
{
    static const struct node_rpc_port port;
    struct node_rpc_request q = {.rpc = x->rpc, .port = &port, .conn = conn, .body = body};
    struct node_text out;
    node_rpc_request_begin(&q, &x->worker);
    node_rpc_request_loop(&q);
    if (node_rpc_request_unfinished(&q))
        node_rpc_request_finish(&q, &x->worker);
    node_rpc_request_text(&q, &out);
    node_rpc_request_reset(&q);
    node_rpc_worker_clean(&x->worker);
    TD_ASSERT(!out.failed);
    *len = out.len;
    if (out.len > 0)
        return out.ptr;
    node_text_free(&out);
    return NULL;
}

void rpc_inline_free(struct rpc_inline *x)
{
    node_rpc_worker_reset(&x->worker);
    free(x);
}
