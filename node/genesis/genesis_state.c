#include <string.h>

#include "base/core/keccak.h"
#include "base/host/mem.h"
#include "consensus/digest.h"
#include "consensus/header.h"
#include "executor/system.h"
#include "node/genesis/genesis_internal.h"

/* ---- hashes */

static void to_keccak(void *self, const char *text, size_t len)
{
    td_keccak_update(self, text, len);
}

static void hash_config(struct node_genesis *g)
{
    struct td_keccak k;
    const struct node_genesis_sink sink = {&k, to_keccak};
    td_keccak_init(&k);
    node_genesis_emit(g, true, &sink);
    td_keccak_final(&k, &g->config_hash);
}

/* Genesis' block and the result every header up to height 3 carries.  [P-2.7, P-2.4] */
void node_genesis_hash(struct node_genesis *g)
{
    hash_config(g);
    g->params.chain_id = g->chain_id;
    g->params.l1_chain_id = g->l1_chain_id;
    g->params.contract = g->contract;
    g->params.config_hash = g->config_hash;
    g->header = (struct bft_header){.ts_ms = g->timestamp_ms, .payload_root = g->config_hash};
    bft_header_hash(&g->genesis_hash, &g->header);
}

/* ---- state */

static enum td_error put_account(struct exec_state *s, const struct node_genesis_account *a)
{
    exec_state_set_balance(s, &a->addr, &a->balance);
    exec_state_set_nonce(s, &a->addr, a->nonce);
    if (a->code.len > 0)
        exec_state_set_code(s, &a->addr, a->code);
    for (uint32_t i = 0; i < a->slot_count; i++)
        exec_state_sstore(s, &a->addr, &a->slots[i].slot, &a->slots[i].value);
    return exec_state_error(s);
}

enum td_error node_genesis_state(const struct node_genesis *g, struct node_ledger *l)
{
    l->params = g->params;
    l->cursor.ts_ms = g->timestamp_ms;
    l->cursor.block_hash = g->genesis_hash;
    l->cursor.base_fee = g->base_fee;
    enum td_error err = node_ledger_genesis_begin(l);
    for (uint32_t i = 0; i < g->account_count && err == TD_OK; i++)
        err = put_account(l->genesis, &g->accounts[i]);
    return err == TD_OK ? node_ledger_genesis_end(l) : err;
}

void node_genesis_room(const struct node_genesis *g, struct node_ledger_limits *out)
{
    uint64_t leaves = NODE_GENESIS_LEAVES_OWN, code = 0;
    for (uint32_t i = 0; i < g->account_count; i++) {
        leaves += 1u + (uint64_t)g->accounts[i].slot_count;
        code += g->accounts[i].code.len;
    }
    /* What a leaf takes: in the tree 205 bytes; in the state 1 KiB, its undo records,
     * access, place, changes and nodes below 3 KiB more.  A code: once here, once there. */
    out->leaves = (uint32_t)leaves;
    out->kept_bytes = (size_t)(256u * leaves + code + (2u << 20));
    out->work_bytes = (size_t)(4096u * leaves + 4u * code + (32u << 20));
}

enum td_error node_genesis_derive(struct node_genesis *g, enum exec_genesis *verdict)
{
    struct node_ledger_limits limits;
    struct node_ledger l;
    *verdict = EXEC_GENESIS_OK;
    node_genesis_hash(g);
    node_genesis_room(g, &limits);
    enum td_error err = node_ledger_new(&l, &limits);
    if (err != TD_OK)
        return err;
    err = node_genesis_state(g, &l);
    if (err == TD_OK) {
        const struct exec_reader reader = node_ledger_reader(&l);
        *verdict = exec_genesis_check(&l.params, &l.cursor, &reader);
        exec_cursor_commit(&g->state_commitment, &l.cursor);
        const struct bft_result result = {.block_hash = g->genesis_hash,
                                          .state_commitment = g->state_commitment};
        bft_result_digest(&g->genesis_result, &result);
    }
    node_ledger_free(&l);
    return err;
}

/* ---- consensus */

void node_genesis_bft(const struct node_genesis *g, struct bft_config *out,
                      const struct td_addr *self)
{
    *out = (struct bft_config){
        .genesis = g->header,
        .genesis_hash = g->genesis_hash,
        .genesis_result = g->genesis_result,
        .schedule = &g->set,
        .schedule_count = 1,
        .epoch_length = g->epoch_length,
        .validators_max = g->validators_max,
        .payload_bytes_max = g->payload_bytes_max,
        .txs_max = g->txs_max,
        .batch_blocks_min = g->batch_blocks_min,
        .batch_blocks_max = g->batch_blocks_max,
        .batch_ms_max = g->batch_ms_max,
        .batch_native_max = g->batch_native_max,
        .batch_bytes_max = g->batch_bytes_max,
        .block_interval_ns = (int64_t)g->block_interval_ms * 1000000,
        .delta_ns = (int64_t)g->delta_ms * 1000000,
    };
    if (self != NULL)
        out->self = *self;
    bft_domain_init(&out->domain, g->l1_chain_id, &g->contract, g->chain_id, &g->genesis_hash);
}
