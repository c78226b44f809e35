#include "node/rpc/format.h"

#include <string.h>

#include "executor/inbox.h"

const struct td_hash NODE_RPC_NO_UNCLES = {{0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a,
                                            0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
                                            0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13,
                                            0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47}};
const struct td_hash NODE_RPC_EMPTY_TRIE = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                             0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                             0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                             0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};

/* ---- members */

static void put_hash(struct node_text *t, const char *name, const struct td_hash *v)
{
    node_text_key(t, name);
    node_text_hex(t, v->b, TD_HASH_BYTES);
}

static void put_addr(struct node_text *t, const char *name, const struct td_addr *v)
{
    node_text_key(t, name);
    node_text_hex(t, v->b, TD_ADDR_BYTES);
}

static void put_quantity(struct node_text *t, const char *name, uint64_t v)
{
    node_text_key(t, name);
    node_text_quantity(t, v);
}

static void put_u256(struct node_text *t, const char *name, const struct exec_u256 *v)
{
    node_text_key(t, name);
    node_text_u256(t, v);
}

static void put_null(struct node_text *t, const char *name)
{
    node_text_key(t, name);
    node_text_null(t);
}

/* ---- transactions */

void node_rpc_gas_price(struct exec_u256 *out, const struct exec_tx *tx,
                        const struct exec_u256 *base_fee)
{
    /* A deposit pays on L1. */
    if (tx->type == EXEC_TX_DEPOSIT)
        *out = exec_u256_of(0);
    else if (exec_u256_add(out, base_fee, &tx->tip_cap) || exec_u256_cmp(out, &tx->fee_cap) > 0)
        *out = tx->fee_cap;
}

/* EIP-155: 27 or 28 without a chain id, chainId * 2 + 35 or 36 with one; typed: the parity. */
static void put_signature(struct node_text *t, const struct exec_tx *tx)
{
    struct exec_u256 v = exec_u256_of(tx->y_parity);
    if (tx->type == 0 && tx->has_chain_id) {
        struct exec_u256 twice = exec_u256_of(tx->chain_id), more = exec_u256_of(35);
        exec_u256_add(&twice, &twice, &twice);
        exec_u256_add(&more, &more, &twice);
        exec_u256_add(&v, &v, &more);
    } else if (tx->type == 0) {
        v.w[0] += 27u;
    }
    put_u256(t, "v", &v);
    put_u256(t, "r", &tx->r);
    put_u256(t, "s", &tx->s);
    if (tx->type != 0 && tx->type != EXEC_TX_DEPOSIT)
        put_quantity(t, "yParity", tx->y_parity);
}

static void put_access_list(struct node_text *t, const struct exec_tx *tx)
{
    node_text_key(t, "accessList");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < tx->access_count; i++) {
        const struct exec_access *a = &tx->access[i];
        node_text_item(t);
        node_text_open(t, '{');
        put_addr(t, "address", &a->addr);
        node_text_key(t, "storageKeys");
        node_text_open(t, '[');
        for (uint32_t k = 0; k < a->slot_count; k++) {
            node_text_item(t);
            node_text_word(t, &a->slots[k]);
        }
        node_text_close(t, ']');
        node_text_close(t, '}');
    }
    node_text_close(t, ']');
}

static void put_authorizations(struct node_text *t, const struct exec_tx *tx)
{
    node_text_key(t, "authorizationList");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < tx->auth_count; i++) {
        const struct exec_authorization *a = &tx->auth[i];
        node_text_item(t);
        node_text_open(t, '{');
        put_u256(t, "chainId", &a->chain_id);
        put_addr(t, "address", &a->addr);
        put_quantity(t, "nonce", a->nonce);
        put_u256(t, "yParity", &a->y_parity);
        put_u256(t, "r", &a->r);
        put_u256(t, "s", &a->s);
        node_text_close(t, '}');
    }
    node_text_close(t, ']');
}

static void put_fees(struct node_text *t, const struct exec_tx *tx,
                     const struct node_rpc_site *site)
{
    bool capped = tx->type == 2 || tx->type == 4;
    struct exec_u256 price = tx->fee_cap;
    if (site != NULL)
        node_rpc_gas_price(&price, tx, site->base_fee);
    put_u256(t, "gasPrice", &price);
    if (capped) {
        put_u256(t, "maxFeePerGas", &tx->fee_cap);
        put_u256(t, "maxPriorityFeePerGas", &tx->tip_cap);
    }
}

void node_rpc_put_tx(struct node_text *t, const struct exec_tx *tx,
                     const struct node_rpc_site *site, const struct node_receipt *receipt)
{
    node_text_open(t, '{');
    if (site != NULL) {
        put_hash(t, "blockHash", site->block_hash);
        put_quantity(t, "blockNumber", site->height);
        put_quantity(t, "transactionIndex", receipt->tx_index);
    } else {
        put_null(t, "blockHash");
        put_null(t, "blockNumber");
        put_null(t, "transactionIndex");
    }
    put_hash(t, "hash", &tx->hash);
    put_quantity(t, "type", tx->type);
    put_addr(t, "from", &tx->sender);
    if (tx->is_create)
        put_null(t, "to");
    else
        put_addr(t, "to", &tx->to);
    put_quantity(t, "nonce", tx->nonce);
    put_quantity(t, "gas", tx->gas_limit);
    put_fees(t, tx, site);
    put_u256(t, "value", &tx->value);
    node_text_key(t, "input");
    node_text_hex(t, tx->data.ptr, tx->data.len);
    if (tx->type != 0 || tx->has_chain_id)
        put_quantity(t, "chainId", tx->chain_id);
    if (tx->type == 1 || tx->type == 2 || tx->type == 4)
        put_access_list(t, tx);
    if (tx->type == 4)
        put_authorizations(t, tx);
    if (tx->type == EXEC_TX_DEPOSIT)
        put_u256(t, "mint", &tx->mint);
    put_signature(t, tx);
    node_text_close(t, '}');
}

/* ---- receipts and logs */

struct node_rpc_site node_rpc_site_of(const struct node_block *block)
{
    return (struct node_rpc_site){
        .block_hash = &block->hash, .height = block->header.height, .base_fee = &block->base_fee};
}

void node_rpc_bloom(struct exec_bloom *out, const struct node_receipt *receipts, uint32_t count)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < receipts[i].log_count; k++) {
            const struct node_log *in = &receipts[i].logs[k];
            struct exec_log log = {
                .addr = in->addr, .topic_count = in->topic_count, .data = in->data};
            memcpy(log.topic, in->topic, sizeof log.topic);
            exec_bloom_add(out, &log);
        }
}

void node_rpc_put_log(struct node_text *t, const struct node_rpc_site *site,
                      const struct node_receipt *receipt, uint32_t log)
{
    const struct node_log *l = &receipt->logs[log];
    node_text_open(t, '{');
    put_addr(t, "address", &l->addr);
    node_text_key(t, "topics");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < l->topic_count; i++) {
        node_text_item(t);
        node_text_hex(t, l->topic[i].b, TD_HASH_BYTES);
    }
    node_text_close(t, ']');
    node_text_key(t, "data");
    node_text_hex(t, l->data.ptr, l->data.len);
    put_hash(t, "blockHash", site->block_hash);
    put_quantity(t, "blockNumber", site->height);
    put_hash(t, "transactionHash", &receipt->hash);
    put_quantity(t, "transactionIndex", receipt->tx_index);
    put_quantity(t, "logIndex", (uint64_t)receipt->first_log + log);
    node_text_key(t, "removed");
    node_text_bool(t, false); /* what is final stays */
    node_text_close(t, '}');
}

void node_rpc_put_receipt(struct node_text *t, const struct exec_tx *tx,
                          const struct node_rpc_site *site, const struct node_receipt *receipt)
{
    struct exec_bloom bloom;
    struct exec_u256 price;
    node_rpc_bloom(&bloom, receipt, 1);
    node_rpc_gas_price(&price, tx, site->base_fee);
    node_text_open(t, '{');
    put_hash(t, "transactionHash", &receipt->hash);
    put_quantity(t, "transactionIndex", receipt->tx_index);
    put_hash(t, "blockHash", site->block_hash);
    put_quantity(t, "blockNumber", site->height);
    put_addr(t, "from", &receipt->sender);
    if (tx->is_create)
        put_null(t, "to");
    else
        put_addr(t, "to", &tx->to);
    put_quantity(t, "cumulativeGasUsed", receipt->cumulative_gas);
    put_quantity(t, "gasUsed", receipt->gas_used);
    put_u256(t, "effectiveGasPrice", &price);
    if (td_addr_is_zero(&receipt->created))
        put_null(t, "contractAddress");
    else
        put_addr(t, "contractAddress", &receipt->created);
    node_text_key(t, "logs");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < receipt->log_count && !t->failed; i++) {
        node_text_item(t);
        node_rpc_put_log(t, site, receipt, i);
    }
    node_text_close(t, ']');
    node_text_key(t, "logsBloom");
    node_text_hex(t, bloom.b, sizeof bloom.b);
    put_quantity(t, "type", receipt->type);
    put_quantity(t, "status", receipt->success ? 1 : 0);
    node_text_key(t, "tandem");
    node_text_open(t, '{');
    put_quantity(t, "nativeUsed", receipt->native_used);
    put_quantity(t, "pubdataBytes", receipt->pubdata_bytes);
    node_text_key(t, "outcome");
    node_text_cstring(t, exec_status_text((enum exec_status)receipt->status));
    node_text_close(t, '}');
    node_text_close(t, '}');
}

/* ---- blocks */

static void put_constants(struct node_text *t, const struct node_genesis *g)
{
    static const uint8_t ZEROS[8];
    put_hash(t, "sha3Uncles", &NODE_RPC_NO_UNCLES);
    put_addr(t, "miner", &g->params.fee_vault);
    put_quantity(t, "difficulty", 0);
    put_quantity(t, "totalDifficulty", 0);
    node_text_key(t, "extraData");
    node_text_hex(t, NULL, 0);
    put_quantity(t, "gasLimit", g->params.gas_limit);
    node_text_key(t, "nonce");
    node_text_hex(t, ZEROS, sizeof ZEROS);
}

static void put_extras(struct node_text *t, const struct node_block *b)
{
    const struct bft_result *r = &b->exec.result;
    node_text_key(t, "tandem");
    node_text_open(t, '{');
    put_quantity(t, "epoch", b->header.epoch);
    put_quantity(t, "round", b->header.round);
    put_quantity(t, "proposer", b->header.proposer);
    put_quantity(t, "timestampMs", b->header.ts_ms);
    put_quantity(t, "entries", b->header.tx_count);
    put_quantity(t, "nativeUsed", b->native_used);
    node_text_key(t, "endsBatch");
    node_text_bool(t, b->header.end_batch);
    put_hash(t, "payloadRoot", &b->header.payload_root);
    put_hash(t, "messagesRoot", &r->messages_root);
    put_hash(t, "daCommitment", &r->da_commitment);
    put_quantity(t, "l1Block", b->header.origin.number);
    node_text_close(t, '}');
}

static void put_head_members(struct node_text *t, const struct node_genesis *g,
                             const struct node_block *b)
{
    const struct bft_header *h = &b->header;
    struct exec_bloom bloom;
    struct td_hash randao;
    node_rpc_bloom(&bloom, b->receipts, b->receipt_count);
    td_keccak256(&randao, h->prev_hash.b, TD_HASH_BYTES);
    put_hash(t, "hash", &b->hash);
    put_hash(t, "parentHash", &h->prev_hash);
    put_quantity(t, "number", h->height);
    put_quantity(t, "timestamp", h->ts_ms / 1000u);
    put_quantity(t, "gasUsed", b->gas_used);
    put_u256(t, "baseFeePerGas", &b->base_fee);
    /* Clients take a root other than the empty trie's for the promise of transactions. */
    put_hash(t, "transactionsRoot",
             b->receipt_count == 0 ? &NODE_RPC_EMPTY_TRIE : &h->payload_root);
    put_hash(t, "stateRoot",
             h->height == 0 ? &g->state_commitment : &b->exec.result.state_commitment);
    put_hash(t, "receiptsRoot",
             b->receipt_count == 0 ? &NODE_RPC_EMPTY_TRIE : &b->exec.result.receipts_root);
    node_text_key(t, "logsBloom");
    node_text_hex(t, bloom.b, sizeof bloom.b);
    put_hash(t, "mixHash", &randao);
    put_constants(t, g);
    put_extras(t, b);
}

void node_rpc_put_head(struct node_text *t, const struct node_genesis *g,
                       const struct node_block *block)
{
    node_text_open(t, '{');
    put_head_members(t, g, block);
    node_text_close(t, '}');
}

static void put_no_uncles(struct node_text *t)
{
    node_text_key(t, "uncles");
    node_text_open(t, '[');
    node_text_close(t, ']');
}

enum td_error node_rpc_block_tx(struct exec_tx *out, const struct node_genesis *g,
                                const struct node_block *block, const struct node_receipt *receipt,
                                struct td_arena *arena)
{
    struct exec_inbox_op op;
    if (receipt->payload_index >= block->payload_count)
        return TD_E_CORRUPT;
    struct td_bytes raw = block->payload[receipt->payload_index];
    if (td_arena_left(arena) < EXEC_TX_ARENA_BYTES(raw.len))
        return TD_E_NOSPACE;
    if (raw.len > 0 && raw.ptr[0] == EXEC_TX_DEPOSIT) {
        if (exec_inbox_decode(&op, raw) != TD_OK)
            return TD_E_CORRUPT;
        if (op.kind == EXEC_INBOX_CALL) {
            exec_inbox_tx(out, &op, &receipt->hash);
            return TD_OK;
        }
        raw = op.data;
    }
    if (exec_tx_decode(out, arena, raw, g->chain_id) != EXEC_TX_OK)
        return TD_E_CORRUPT;
    out->hash = receipt->hash;
    out->sender = receipt->sender;
    return TD_OK;
}

enum td_error node_rpc_put_block(struct node_text *t, const struct node_genesis *g,
                                 const struct node_block *block, bool full, struct td_arena *arena)
{
    const struct node_rpc_site site = node_rpc_site_of(block);
    node_text_open(t, '{');
    put_head_members(t, g, block);
    put_quantity(t, "size", BFT_HEADER_BYTES + (uint64_t)block->header.payload_bytes);
    node_text_key(t, "transactions");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < block->receipt_count && !t->failed; i++) {
        const struct node_receipt *r = &block->receipts[i];
        node_text_item(t);
        if (!full) {
            node_text_hex(t, r->hash.b, TD_HASH_BYTES);
            continue;
        }
        struct td_arena_mark mark = td_arena_mark(arena);
        struct exec_tx tx;
        enum td_error err = node_rpc_block_tx(&tx, g, block, r, arena);
        if (err != TD_OK)
            return err;
        node_rpc_put_tx(t, &tx, &site, r);
        td_arena_rewind(arena, mark);
    }
    node_text_close(t, ']');
    put_no_uncles(t);
    node_text_close(t, '}');
    return TD_OK;
}

void node_rpc_put_pending(struct node_text *t, const struct node_genesis *g,
                          const struct node_block *block, const struct exec_u256 *base_fee,
                          uint64_t now_ms)
{
    static const struct exec_bloom EMPTY;
    struct td_hash randao;
    uint64_t ts_ms = now_ms > block->header.ts_ms ? now_ms : block->header.ts_ms + 1u;
    td_keccak256(&randao, block->hash.b, TD_HASH_BYTES);
    node_text_open(t, '{');
    put_null(t, "hash");
    put_hash(t, "parentHash", &block->hash);
    put_quantity(t, "number", block->header.height + 1u);
    put_quantity(t, "timestamp", ts_ms / 1000u);
    put_quantity(t, "gasUsed", 0);
    put_u256(t, "baseFeePerGas", base_fee);
    put_hash(t, "transactionsRoot", &NODE_RPC_EMPTY_TRIE);
    put_hash(t, "stateRoot",
             block->header.height == 0 ? &g->state_commitment
                                       : &block->exec.result.state_commitment);
    put_hash(t, "receiptsRoot", &NODE_RPC_EMPTY_TRIE);
    node_text_key(t, "logsBloom");
    node_text_hex(t, EMPTY.b, sizeof EMPTY.b);
    put_hash(t, "mixHash", &randao);
    put_constants(t, g);
    put_quantity(t, "size", BFT_HEADER_BYTES);
    node_text_key(t, "transactions");
    node_text_open(t, '[');
    node_text_close(t, ']');
    put_no_uncles(t);
    node_text_close(t, '}');
}
