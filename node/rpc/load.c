#include "node/rpc/load.h"

#include <inttypes.h>

static struct node_rpc_heads heads_of(const struct node_rpc_call *c)
{
    return c->rpc->backend.heads(c->rpc->backend.self);
}

enum td_error node_rpc_height(struct node_rpc_call *c, const struct node_rpc_block_ref *ref,
                              uint64_t *height)
{
    *height = ref->number;
    if (!ref->by_hash)
        return ref->number <= heads_of(c).latest ? TD_OK : TD_E_NOTFOUND;
    if (td_hash_eq(&ref->hash, &c->rpc->backend.genesis->genesis_hash)) {
        *height = 0;
        return TD_OK;
    }
    enum td_error err;
    struct store_chain_reader *r = node_rpc_reader(c->worker, &err);
    if (err == TD_OK) {
        err = store_chain_block_height(r, &ref->hash, height);
        if (err == TD_E_NOTFOUND || (err == TD_OK && *height > heads_of(c).latest))
            return TD_E_NOTFOUND;
    }
    node_rpc_fail_error(c, err, "database");
    return err;
}

enum td_error node_rpc_load(struct node_rpc_call *c, uint64_t height, bool payload, bool receipts,
                            struct node_block *out)
{
    if (height > heads_of(c).latest)
        return TD_E_NOTFOUND;
    enum td_error err;
    struct store_chain_reader *r = node_rpc_reader(c->worker, &err);
    if (err == TD_OK)
        err = node_block_load(c->rpc->backend.genesis, r, height, payload, receipts,
                              &c->worker->arena, out);
    if (err == TD_E_NOTFOUND)
        node_rpc_fail(c, NODE_RPC_SERVER, "block %" PRIu64 " is pruned: only newer ones are kept",
                      height);
    node_rpc_fail_error(c, err, "database");
    return err == TD_E_NOTFOUND ? TD_E_RANGE : err;
}

enum td_error node_rpc_load_ref(struct node_rpc_call *c, const struct node_rpc_block_ref *ref,
                                bool payload, bool receipts, struct node_block *out)
{
    uint64_t height;
    enum td_error err = node_rpc_height(c, ref, &height);
    return err != TD_OK ? err : node_rpc_load(c, height, payload, receipts, out);
}

enum td_error node_rpc_find_tx(struct node_rpc_call *c, const struct td_hash *hash,
                               struct node_block *block, const struct node_receipt **receipt)
{
    uint64_t height;
    uint32_t index;
    enum td_error err;
    struct store_chain_reader *r = node_rpc_reader(c->worker, &err);
    if (err == TD_OK) {
        err = store_chain_tx(r, hash, &height, &index);
        if (err == TD_E_NOTFOUND || (err == TD_OK && height > heads_of(c).latest))
            return TD_E_NOTFOUND;
    }
    node_rpc_fail_error(c, err, "database");
    if (err == TD_OK)
        err = node_rpc_load(c, height, true, true, block);
    if (err != TD_OK)
        return err;
    for (uint32_t i = 0; i < block->receipt_count; i++)
        if (td_hash_eq(&block->receipts[i].hash, hash)) {
            *receipt = &block->receipts[i];
            return TD_OK;
        }
    return TD_E_NOTFOUND;
}

bool node_rpc_is_newest(struct node_rpc_call *c, const struct node_rpc_block_ref *ref)
{
    uint64_t height, newest = node_chain_executed(c->rpc->backend.chain),
                     latest = heads_of(c).latest;
    if (c->done)
        return false;
    if (ref->pending || ref->latest)
        return true;
    enum td_error err = node_rpc_height(c, ref, &height);
    if (err == TD_E_NOTFOUND)
        node_rpc_fail(c, NODE_RPC_SERVER, "header not found");
    else if (err == TD_OK && height != newest && height != latest)
        node_rpc_fail(c, NODE_RPC_SERVER,
                      "state of block %" PRIu64 " is not available: this node keeps no archive, "
                      "only the state after the newest block, %" PRIu64,
                      height, latest);
    return !c->done;
}
