/* Blocks and where the chain stands. */
#include "node/rpc/format.h"
#include "node/rpc/load.h"

static void block_number(struct node_rpc_call *c)
{
    if (node_rpc_params(c, 0, 0))
        node_rpc_answer_quantity(c, c->rpc->backend.heads(c->rpc->backend.self).latest);
}

static void accounts(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 0, 0))
        return;
    node_text_raw(&c->out, "[]"); /* the node holds no user's keys */
    node_rpc_answer(c);
}

static void syncing(struct node_rpc_call *c)
{
    struct node_rpc_status s;
    if (!node_rpc_params(c, 0, 0))
        return;
    c->rpc->backend.status(c->rpc->backend.self, &s);
    if (!s.syncing) {
        node_rpc_answer_bool(c, false);
        return;
    }
    uint64_t latest = c->rpc->backend.heads(c->rpc->backend.self).latest;
    node_text_open(&c->out, '{');
    node_text_key(&c->out, "startingBlock");
    node_text_quantity(&c->out, 0);
    node_text_key(&c->out, "currentBlock");
    node_text_quantity(&c->out, latest);
    node_text_key(&c->out, "highestBlock");
    node_text_quantity(&c->out, s.highest_known > latest ? s.highest_known : latest);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

static void listening(struct node_rpc_call *c)
{
    if (node_rpc_params(c, 0, 0))
        node_rpc_answer_bool(c, true);
}

static void peer_count(struct node_rpc_call *c)
{
    struct node_rpc_status s;
    if (!node_rpc_params(c, 0, 0))
        return;
    c->rpc->backend.status(c->rpc->backend.self, &s);
    node_rpc_answer_quantity(c, (uint64_t)s.peers.in + s.peers.out);
}

/* ---- blocks */

static void answer_pending(struct node_rpc_call *c)
{
    const struct node_rpc_backend *b = &c->rpc->backend;
    struct node_block block;
    uint64_t latest = b->heads(b->self).latest;
    if (node_rpc_load(c, latest, false, false, &block) != TD_OK)
        return;
    struct exec_u256 base_fee;
    node_chain_lock(b->chain);
    base_fee = node_chain_cursor(b->chain)->base_fee;
    node_chain_unlock(b->chain);
    node_rpc_put_pending(&c->out, b->genesis, &block, &base_fee, td_clock_wall_ms(&b->clock));
    node_rpc_answer(c);
}

static void answer_block(struct node_rpc_call *c, const struct node_rpc_block_ref *ref)
{
    struct node_block block;
    bool full = node_rpc_param_bool(c, 1);
    if (c->done)
        return;
    if (ref->pending) {
        answer_pending(c);
        return;
    }
    enum td_error err = node_rpc_load_ref(c, ref, full, true, &block);
    if (err == TD_E_NOTFOUND) {
        node_rpc_answer_null(c);
    } else if (err == TD_OK) {
        err = node_rpc_put_block(&c->out, c->rpc->backend.genesis, &block, full, &c->worker->arena);
        node_rpc_fail_error(c, err, "block");
        node_rpc_answer(c);
    }
}

static bool read_hash(struct node_rpc_call *c, struct node_rpc_block_ref *ref)
{
    *ref = (struct node_rpc_block_ref){.by_hash = true};
    return node_rpc_param_hash(c, 0, &ref->hash);
}

static void block_by_number(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 2) && node_rpc_param_block(c, 0, &ref))
        answer_block(c, &ref);
}

static void block_by_hash(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 2) && read_hash(c, &ref))
        answer_block(c, &ref);
}

static void answer_count(struct node_rpc_call *c, const struct node_rpc_block_ref *ref, bool uncles)
{
    struct node_block block;
    if (ref->pending) {
        node_rpc_answer_quantity(c, 0);
        return;
    }
    enum td_error err = node_rpc_load_ref(c, ref, false, !uncles, &block);
    if (err == TD_E_NOTFOUND)
        node_rpc_answer_null(c);
    else if (err == TD_OK)
        node_rpc_answer_quantity(c, uncles ? 0 : block.receipt_count);
}

static void tx_count_by_number(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 1) && node_rpc_param_block(c, 0, &ref))
        answer_count(c, &ref, false);
}

static void tx_count_by_hash(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 1) && read_hash(c, &ref))
        answer_count(c, &ref, false);
}

static void uncle_count_by_number(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 1) && node_rpc_param_block(c, 0, &ref))
        answer_count(c, &ref, true);
}

static void uncle_count_by_hash(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 1, 1) && read_hash(c, &ref))
        answer_count(c, &ref, true);
}

static void uncle_by_number(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    uint64_t index;
    if (node_rpc_params(c, 2, 2) && node_rpc_param_block(c, 0, &ref) &&
        node_rpc_param_u64(c, 1, &index))
        node_rpc_answer_null(c);
}

static void uncle_by_hash(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    uint64_t index;
    if (node_rpc_params(c, 2, 2) && read_hash(c, &ref) && node_rpc_param_u64(c, 1, &index))
        node_rpc_answer_null(c);
}

static void block_receipts(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    struct node_block block;
    struct exec_tx tx;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_state_block(c, 0, &ref))
        return;
    enum td_error err =
        ref.pending ? TD_E_NOTFOUND : node_rpc_load_ref(c, &ref, true, true, &block);
    if (err == TD_E_NOTFOUND) {
        node_rpc_answer_null(c);
        return;
    }
    if (err != TD_OK)
        return;
    const struct node_rpc_site site = node_rpc_site_of(&block);
    node_text_open(&c->out, '[');
    for (uint32_t i = 0; i < block.receipt_count && err == TD_OK && !c->out.failed; i++) {
        struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
        err = node_rpc_block_tx(&tx, c->rpc->backend.genesis, &block, &block.receipts[i],
                                &c->worker->arena);
        node_text_item(&c->out);
        if (err == TD_OK)
            node_rpc_put_receipt(&c->out, &tx, &site, &block.receipts[i]);
        td_arena_rewind(&c->worker->arena, mark);
    }
    node_text_close(&c->out, ']');
    node_rpc_fail_error(c, err, "receipts");
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_CHAIN[] = {
    {.name = "eth_blockNumber", .prepare = block_number},
    {.name = "eth_accounts", .prepare = accounts},
    {.name = "eth_syncing", .loop = syncing},
    {.name = "net_listening", .prepare = listening},
    {.name = "net_peerCount", .loop = peer_count},
    {.name = "eth_getBlockByNumber", .prepare = block_by_number},
    {.name = "eth_getBlockByHash", .prepare = block_by_hash},
    {.name = "eth_getBlockTransactionCountByNumber", .prepare = tx_count_by_number},
    {.name = "eth_getBlockTransactionCountByHash", .prepare = tx_count_by_hash},
    {.name = "eth_getUncleCountByBlockNumber", .prepare = uncle_count_by_number},
    {.name = "eth_getUncleCountByBlockHash", .prepare = uncle_count_by_hash},
    {.name = "eth_getUncleByBlockNumberAndIndex", .prepare = uncle_by_number},
    {.name = "eth_getUncleByBlockHashAndIndex", .prepare = uncle_by_hash},
    {.name = "eth_getBlockReceipts", .prepare = block_receipts},
    {.name = NULL},
};
