/* What names the node and its chain: web3_, net_, and eth_'s constants. */
#include "node/rpc/params.h"
#include "node/rpc/rpc_internal.h"
#include "td_version.h"

static void client_version(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 0, 0))
        return;
    node_text_cstring(&c->out, "tandem/v" TD_VERSION "-" TD_COMMIT "/linux");
    node_rpc_answer(c);
}

static void chain_id(struct node_rpc_call *c)
{
    if (node_rpc_params(c, 0, 0))
        node_rpc_answer_quantity(c, c->rpc->backend.genesis->chain_id);
}

static void net_version(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 0, 0))
        return;
    node_text_open(&c->out, '"');
    node_text_decimal(&c->out, c->rpc->backend.genesis->chain_id);
    node_text_close(&c->out, '"');
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_NODE[] = {
    {.name = "web3_clientVersion", .prepare = client_version},
    {.name = "net_version", .prepare = net_version},
    {.name = "eth_chainId", .prepare = chain_id},
    {.name = NULL},
};
