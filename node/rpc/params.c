#include "node/rpc/params.h"

bool node_rpc_params(struct node_rpc_call *c, size_t min, size_t max)
{
    size_t count = json_array_size(c->params);
    if (count < min)
        node_rpc_fail(c, NODE_RPC_PARAMS, "missing value for required argument %zu", count);
    else if (count > max)
        node_rpc_fail(c, NODE_RPC_PARAMS, "too many arguments, want at most %zu", max);
    return !c->done;
}
