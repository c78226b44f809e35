/* Transactions: handed in, looked up. */
#include <string.h>

#include "node/rpc/format.h"
#include "node/rpc/load.h"

/* ---- eth_sendRawTransaction: decoded and recovered on a worker, into the pool on the loop */

struct send {
    struct exec_tx tx; /* views of raw, lists in memory */
    struct td_bytes raw;
    struct td_arena arena;
    uint8_t bytes[]; /* raw, then the arena's */
};

/* go-ethereum's words where there is a case of its own; wallets match on them. */
static const char *refusal_text(enum exec_tx_verdict v)
{
    if (v == EXEC_TX_BAD_SIGNATURE)
        return "invalid sender";
    if (v == EXEC_TX_CHAIN_ID)
        return "invalid sender: invalid chain id for signer";
    if (v == EXEC_TX_MALFORMED)
        return "rlp: malformed transaction";
    return exec_tx_verdict_text(v);
}

static bool judge(struct node_rpc_call *c, enum exec_tx_verdict v)
{
    if (v != EXEC_TX_OK)
        node_rpc_fail(c, NODE_RPC_SERVER, "%s", refusal_text(v));
    return v == EXEC_TX_OK;
}

static struct send *keep_raw(struct node_rpc_call *c, struct td_bytes raw)
{
    if (raw.len > TD_TX_BYTES_MAX) {
        node_rpc_fail(c, NODE_RPC_SERVER, "oversized data: transaction size %zu, limit %u", raw.len,
                      TD_TX_BYTES_MAX);
        return NULL;
    }
    size_t lists = EXEC_TX_ARENA_BYTES(raw.len);
    struct send *s = node_rpc_keep(c, sizeof *s + raw.len + lists);
    if (s == NULL)
        return NULL;
    if (raw.len > 0)
        memcpy(s->bytes, raw.ptr, raw.len);
    s->raw = td_bytes_of(s->bytes, raw.len);
    td_arena_init(&s->arena, s->bytes + raw.len, lists);
    return s;
}

static void send_prepare(struct node_rpc_call *c)
{
    const struct node_rpc_backend *b = &c->rpc->backend;
    struct td_bytes raw;
    if (!node_rpc_params(c, 1, 1) ||
        !node_rpc_read_bytes(c, (struct node_rpc_place){.argument = 0}, node_rpc_param(c, 0), &raw))
        return;
    struct send *s = keep_raw(c, raw);
    if (s == NULL || !judge(c, exec_tx_decode(&s->tx, &s->arena, s->raw, b->genesis->chain_id)))
        return;
    const struct exec_block_env env = {.chain_id = b->genesis->chain_id,
                                       .gas_limit = b->genesis->params.gas_limit,
                                       .prices = b->genesis->params.prices};
    if (s->tx.gas_limit > env.gas_limit)
        node_rpc_fail(c, NODE_RPC_SERVER, "exceeds block gas limit");
    else if (judge(c, exec_tx_check(&s->tx, &env))) {
        const struct exec_recoverer by = node_chain_recoverer(b->chain);
        (void)judge(c, exec_tx_recover_by(&s->tx, &by));
    }
}

static void send_loop(struct node_rpc_call *c)
{
    const struct node_rpc_backend *b = &c->rpc->backend;
    const struct send *s = c->keep;
    enum node_mempool_verdict v = b->submit(b->self, &s->tx, s->raw);
    if (v != NODE_MEMPOOL_OK && v != NODE_MEMPOOL_QUEUED) {
        node_rpc_fail(c, NODE_RPC_SERVER, "%s", node_mempool_text(v));
        return;
    }
    node_text_hex(&c->out, s->tx.hash.b, TD_HASH_BYTES);
    node_rpc_answer(c);
}

/* ---- lookups: the chain first, then the pool */

struct pending {
    struct td_hash hash;
    struct td_addr sender;
    bool found;
    size_t len;
};

static void tx_by_hash(struct node_rpc_call *c)
{
    struct td_hash hash;
    struct node_block block;
    const struct node_receipt *receipt;
    struct exec_tx tx;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_hash(c, 0, &hash))
        return;
    enum td_error err = node_rpc_find_tx(c, &hash, &block, &receipt);
    if (err == TD_E_NOTFOUND) {
        struct pending *p = node_rpc_keep(c, sizeof *p);
        if (p != NULL)
            p->hash = hash;
        return;
    }
    if (err != TD_OK)
        return;
    const struct node_rpc_site site = node_rpc_site_of(&block);
    err = node_rpc_block_tx(&tx, c->rpc->backend.genesis, &block, receipt, &c->worker->arena);
    if (err == TD_OK)
        node_rpc_put_tx(&c->out, &tx, &site, receipt);
    node_rpc_fail_error(c, err, "transaction");
    node_rpc_answer(c);
}

static void tx_in_pool(struct node_rpc_call *c)
{
    const struct pending *p = c->keep;
    struct node_mempool_tx found;
    if (!node_mempool_find(c->rpc->backend.mempool(c->rpc->backend.self), &p->hash, &found)) {
        node_rpc_answer_null(c);
        return;
    }
    struct td_addr sender = found.sender;
    struct send *s = keep_raw(c, found.raw);
    if (s != NULL)
        s->tx.sender = sender;
}

static void tx_from_pool(struct node_rpc_call *c)
{
    struct send *s = c->keep;
    struct td_addr sender = s->tx.sender;
    if (!judge(c, exec_tx_decode(&s->tx, &s->arena, s->raw, c->rpc->backend.genesis->chain_id)))
        return;
    s->tx.sender = sender;
    node_rpc_put_tx(&c->out, &s->tx, NULL, NULL);
    node_rpc_answer(c);
}

static void answer_at(struct node_rpc_call *c, const struct node_rpc_block_ref *ref)
{
    struct node_block block;
    struct exec_tx tx;
    uint64_t index;
    if (!node_rpc_param_u64(c, 1, &index))
        return;
    enum td_error err =
        ref->pending ? TD_E_NOTFOUND : node_rpc_load_ref(c, ref, true, true, &block);
    if (err == TD_E_NOTFOUND || (err == TD_OK && index >= block.receipt_count)) {
        node_rpc_answer_null(c);
        return;
    }
    if (err != TD_OK)
        return;
    const struct node_receipt *r = &block.receipts[index];
    const struct node_rpc_site site = node_rpc_site_of(&block);
    err = node_rpc_block_tx(&tx, c->rpc->backend.genesis, &block, r, &c->worker->arena);
    if (err == TD_OK)
        node_rpc_put_tx(&c->out, &tx, &site, r);
    node_rpc_fail_error(c, err, "transaction");
    node_rpc_answer(c);
}

static void tx_by_number_at(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    if (node_rpc_params(c, 2, 2) && node_rpc_param_block(c, 0, &ref))
        answer_at(c, &ref);
}

static void tx_by_block_hash_at(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref = {.by_hash = true};
    if (node_rpc_params(c, 2, 2) && node_rpc_param_hash(c, 0, &ref.hash))
        answer_at(c, &ref);
}

static void receipt_by_hash(struct node_rpc_call *c)
{
    struct td_hash hash;
    struct node_block block;
    const struct node_receipt *receipt;
    struct exec_tx tx;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_hash(c, 0, &hash))
        return;
    enum td_error err = node_rpc_find_tx(c, &hash, &block, &receipt);
    if (err == TD_E_NOTFOUND) {
        node_rpc_answer_null(c);
        return;
    }
    if (err != TD_OK)
        return;
    const struct node_rpc_site site = node_rpc_site_of(&block);
    err = node_rpc_block_tx(&tx, c->rpc->backend.genesis, &block, receipt, &c->worker->arena);
    if (err == TD_OK)
        node_rpc_put_receipt(&c->out, &tx, &site, receipt);
    node_rpc_fail_error(c, err, "receipt");
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_TX[] = {
    {.name = "eth_sendRawTransaction", .prepare = send_prepare, .loop = send_loop},
    {.name = "eth_getTransactionByHash",
     .prepare = tx_by_hash,
     .loop = tx_in_pool,
     .finish = tx_from_pool},
    {.name = "eth_getTransactionByBlockNumberAndIndex", .prepare = tx_by_number_at},
    {.name = "eth_getTransactionByBlockHashAndIndex", .prepare = tx_by_block_hash_at},
    {.name = "eth_getTransactionReceipt", .prepare = receipt_by_hash},
    {.name = NULL},
};
