/* Runs that are no transactions: eth_call, eth_estimateGas, eth_createAccessList, and what a
 * transaction would cost. */
#include <string.h>

#include "executor/system.h"
#include "node/rpc/arguments.h"
#include "node/rpc/format.h"
#include "node/rpc/load.h"
#include "node/rpc/revert.h"
#include "node/rpc/state.h"

#define HISTORY_SLOTS 8191u /* EIP-2935 */

enum kind { CALL, ESTIMATE, ACCESS_LIST };

struct run {
    enum kind kind;
    struct exec_tx tx;
    struct node_rpc_block_ref ref;
    struct node_rpc_overrides overrides;
    struct exec_block_env env; /* of the newest or of the next block */
    struct exec_call_result call;
    struct exec_estimate estimate;
    struct exec_access_result access;
};

/* ---- where */

/* The newest executed block may be a moment ahead of the database: then its parent is asked of
 * EIP-2935's ring, and its base fee is taken to be the next one's. */
static enum td_error newest_env(struct node_rpc_call *c, struct node_rpc_state *s,
                                struct exec_block_env *out)
{
    const struct node_genesis *g = c->rpc->backend.genesis;
    struct exec_header h = {.number = s->cursor.number, .ts_ms = s->cursor.ts_ms};
    struct node_block block;
    enum td_error err;
    struct store_chain_reader *r = node_rpc_reader(c->worker, &err);
    if (err != TD_OK)
        return err;
    struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
    err = node_block_load(g, r, h.number, false, false, &c->worker->arena, &block);
    td_arena_rewind(&c->worker->arena, mark);
    if (err == TD_OK) {
        h.prev_hash = block.header.prev_hash;
        exec_call_env_at(out, &g->params, &h, &block.base_fee);
        return TD_OK;
    }
    if (err != TD_E_NOTFOUND)
        return err;
    struct exec_reader reader = node_rpc_state_reader(s);
    const struct exec_u256 slot = exec_u256_of((h.number - 1u) % HISTORY_SLOTS);
    struct exec_u256 parent;
    err = reader.slot(reader.self, &EXEC_HISTORY_ADDRESS, &slot, &parent);
    if (err == TD_OK) {
        exec_u256_to_be(h.prev_hash.b, &parent);
        exec_call_env_at(out, &g->params, &h, &s->cursor.base_fee);
    }
    return err;
}

static enum td_error make_env(struct node_rpc_call *c, struct run *run, struct node_rpc_state *s)
{
    if (!run->ref.pending)
        return newest_env(c, s, &run->env);
    uint64_t now = td_clock_wall_ms(&c->rpc->backend.clock);
    exec_call_env_next(&run->env, &c->rpc->backend.genesis->params, &s->cursor,
                       now > s->cursor.ts_ms ? now : s->cursor.ts_ms + 1u);
    return TD_OK;
}

/* ---- a run, again from the start where a block came between */

static enum td_error run_once(struct node_rpc_call *c, struct run *run, struct node_rpc_state *s)
{
    struct node_rpc_worker *w = c->worker;
    bool renumbered;
    td_arena_reset(&w->state_arena);
    td_arena_reset(&w->vm_arena);
    enum td_error err = make_env(c, run, s);
    if (err != TD_OK || !node_rpc_param_block_overrides(c, 3, &run->env, &renumbered))
        return err;
    const struct exec_reader reader = node_rpc_state_reader(s);
    const struct exec_call_at at = {
        .block = &run->env,
        .parent_hash = run->ref.pending && !renumbered ? &s->cursor.block_hash : NULL,
        .reader = &reader,
        .overrides = run->overrides.list,
        .override_count = run->overrides.count,
        .arena = &w->state_arena,
        .vm_arena = &w->vm_arena};
    switch (run->kind) {
    case CALL:
        return exec_call(&at, &run->tx, &run->call);
    case ESTIMATE:
        return exec_estimate(&at, &run->tx, &run->estimate);
    case ACCESS_LIST:
        err = exec_access_list(&at, &run->tx, &run->access);
        run->call = run->access.call;
        return err;
    }
    return TD_E_UNSUPPORTED;
}

static bool run_call(struct node_rpc_call *c, struct run *run)
{
    uint64_t deadline = td_clock_mono_ns(&c->rpc->backend.clock) + NODE_RPC_CALL_NS;
    enum td_error err = TD_E_BUSY;
    for (uint32_t i = 0; i <= NODE_RPC_STATE_TRIES && err == TD_E_BUSY && !c->done; i++) {
        struct node_rpc_state s;
        node_rpc_state_init(&s, c->worker, i == NODE_RPC_STATE_TRIES, deadline);
        err = run_once(c, run, &s);
        node_rpc_state_reset(&s);
    }
    if (err == TD_E_EXISTS)
        node_rpc_fail(c, NODE_RPC_PARAMS, "invalid argument 2: an account or a slot twice");
    node_rpc_fail_error(c, err, "call");
    return !c->done;
}

/* Arguments: call, block, state overrides, block overrides. */
static bool read_run(struct node_rpc_call *c, struct run *run, enum kind kind)
{
    *run = (struct run){.kind = kind};
    return node_rpc_params(c, 1, 4) && node_rpc_param_tx(c, 0, &run->tx) &&
           node_rpc_param_state_block(c, 1, &run->ref) && node_rpc_is_newest(c, &run->ref) &&
           node_rpc_param_overrides(c, 2, &run->overrides);
}

static bool judge(struct node_rpc_call *c, enum exec_tx_verdict v)
{
    if (v != EXEC_TX_OK)
        node_rpc_fail(c, NODE_RPC_SERVER, "%s", exec_tx_verdict_text(v));
    return v == EXEC_TX_OK;
}

static void call(struct node_rpc_call *c)
{
    struct run run;
    if (!read_run(c, &run, CALL) || !run_call(c, &run) || !judge(c, run.call.verdict))
        return;
    if (!run.call.receipt.success) {
        node_rpc_fail_run(c, &run.call.receipt);
        return;
    }
    /* Of a creation, wallets expect the code that would be there. */
    struct td_bytes output = run.tx.is_create
                                 ? exec_state_code(run.call.state, &run.call.receipt.created)
                                 : run.call.receipt.output;
    node_text_hex(&c->out, output.ptr, output.len);
    node_rpc_answer(c);
}

/* False: answered with why not. */
static bool estimated(struct node_rpc_call *c, const struct exec_estimate *e)
{
    switch (e->verdict) {
    case EXEC_ESTIMATE_OK:
        return true;
    case EXEC_ESTIMATE_REFUSED:
        (void)judge(c, e->call.verdict);
        break;
    case EXEC_ESTIMATE_FAILED:
        node_rpc_fail_run(c, &e->call.receipt);
        break;
    case EXEC_ESTIMATE_ALLOWANCE:
        node_rpc_fail(c, NODE_RPC_SERVER, "gas required exceeds allowance (%llu)",
                      (unsigned long long)e->highest);
        break;
    }
    return false;
}

static void estimate_gas(struct node_rpc_call *c)
{
    struct run run;
    if (read_run(c, &run, ESTIMATE) && run_call(c, &run) && estimated(c, &run.estimate))
        node_rpc_answer_quantity(c, run.estimate.gas);
}

static void create_access_list(struct node_rpc_call *c)
{
    struct run run;
    char text[NODE_RPC_REASON_BYTES + 32u];
    if (!read_run(c, &run, ACCESS_LIST) || !run_call(c, &run) || !judge(c, run.call.verdict))
        return;
    node_text_open(&c->out, '{');
    node_text_key(&c->out, "accessList");
    node_text_open(&c->out, '[');
    for (uint32_t i = 0; i < run.access.count; i++) {
        const struct exec_access *a = &run.access.list[i];
        node_text_item(&c->out);
        node_text_open(&c->out, '{');
        node_text_key(&c->out, "address");
        node_text_hex(&c->out, a->addr.b, TD_ADDR_BYTES);
        node_text_key(&c->out, "storageKeys");
        node_text_open(&c->out, '[');
        for (uint32_t k = 0; k < a->slot_count; k++) {
            node_text_item(&c->out);
            node_text_word(&c->out, &a->slots[k]);
        }
        node_text_close(&c->out, ']');
        node_text_close(&c->out, '}');
    }
    node_text_close(&c->out, ']');
    if (!run.call.receipt.success) {
        node_rpc_run_text(text, sizeof text, &run.call.receipt);
        node_text_key(&c->out, "error");
        node_text_cstring(&c->out, text);
    }
    node_text_key(&c->out, "gasUsed");
    node_text_quantity(&c->out, run.call.receipt.gas_used);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

/* ---- tandem_estimateFee: an estimate and what its gas is made of */

static void put_quantity(struct node_text *t, const char *name, uint64_t v)
{
    node_text_key(t, name);
    node_text_quantity(t, v);
}

static void estimate_fee(struct node_rpc_call *c)
{
    struct run run;
    if (!read_run(c, &run, ESTIMATE) || !run_call(c, &run) || !estimated(c, &run.estimate))
        return;
    const struct exec_call_result *r = &run.estimate.call;
    struct exec_u256 fee, gas = exec_u256_of(run.estimate.gas);
    node_chain_lock(c->rpc->backend.chain);
    struct exec_u256 base_fee = node_chain_cursor(c->rpc->backend.chain)->base_fee;
    node_chain_unlock(c->rpc->backend.chain);
    exec_u256_mul(&fee, &gas, &base_fee);
    node_text_open(&c->out, '{');
    put_quantity(&c->out, "gas", run.estimate.gas);
    put_quantity(&c->out, "gasUsed", r->receipt.gas_used);
    put_quantity(&c->out, "nativeUsed", r->receipt.native_used);
    put_quantity(&c->out, "nativeGas", r->native_gas);
    put_quantity(&c->out, "pubdataBytes", r->receipt.pubdata_bytes);
    put_quantity(&c->out, "pubdataGas", r->pubdata_gas);
    node_text_key(&c->out, "baseFeePerGas");
    node_text_u256(&c->out, &base_fee);
    node_text_key(&c->out, "fee");
    node_text_u256(&c->out, &fee);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_CALLS[] = {
    {.name = "eth_call", .prepare = call},
    {.name = "eth_estimateGas", .prepare = estimate_gas},
    {.name = "eth_createAccessList", .prepare = create_access_list},
    {.name = "tandem_estimateFee", .prepare = estimate_fee},
    {.name = NULL},
};
