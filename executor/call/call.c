#include "executor/call.h"

#include "base/core/keccak.h"
#include "executor/system.h"

/* ---- where */

static void environment(struct exec_block_env *out, const struct exec_chain *chain,
                        const struct td_hash *prev_hash)
{
    struct td_hash randao;
    td_keccak256(&randao, prev_hash->b, TD_HASH_BYTES);
    *out = (struct exec_block_env){.chain_id = chain->chain_id,
                                   .gas_limit = chain->gas_limit,
                                   .blob_base_fee = exec_u256_of(1),
                                   .coinbase = chain->fee_vault,
                                   .prices = chain->prices,
                                   .history = true};
    exec_u256_from_be(&out->prev_randao, randao.b, TD_HASH_BYTES);
}

void exec_call_env_at(struct exec_block_env *out, const struct exec_chain *chain,
                      const struct exec_header *header, const struct exec_u256 *base_fee)
{
    environment(out, chain, &header->prev_hash);
    out->number = header->number;
    out->timestamp = header->ts_ms / 1000u;
    out->base_fee = *base_fee;
}

void exec_call_env_next(struct exec_block_env *out, const struct exec_chain *chain,
                        const struct exec_cursor *cursor, uint64_t ts_ms)
{
    environment(out, chain, &cursor->block_hash);
    out->number = cursor->number + 1u;
    out->timestamp = ts_ms / 1000u;
    out->base_fee = cursor->base_fee;
}

/* ---- the call */

/* What a call says by leaving fields out. */
static struct exec_tx complete(const struct exec_tx *tx, const struct exec_block_env *env)
{
    struct exec_tx t = *tx;
    if (t.gas_limit == 0 || t.gas_limit > env->gas_limit)
        t.gas_limit = env->gas_limit;
    t.nonce = 0; /* whatever it is, it is right */
    return t;
}

static void price(struct exec_call_result *out, const struct exec_prices *p)
{
    const struct exec_receipt *r = &out->receipt;
    out->pubdata_gas = r->pubdata_bytes * p->gas_per_pubdata_byte;
    if (p->native_per_gas != 0)
        out->native_gas =
            r->native_used / p->native_per_gas + (r->native_used % p->native_per_gas != 0);
}

static struct exec_state *make_state(const struct exec_call_at *at,
                                     const struct exec_reader *reader)
{
    static const struct td_hash NONE;
    void *region = td_arena_get(at->arena, exec_state_footprint(), 64);
    if (region == NULL)
        return NULL;
    struct exec_state *s = exec_state_init(region, at->arena, reader);
    if (at->parent_hash != NULL)
        exec_system_begin(s, at->parent_hash, at->block->number - 1u, false, 0, &NONE);
    return s;
}

enum td_error exec_call(const struct exec_call_at *at, const struct exec_tx *tx,
                        struct exec_call_result *out)
{
    struct exec_block_env env = *at->block;
    struct exec_overlay *overlay = TD_ARENA_NEW(at->arena, struct exec_overlay, 1);
    *out = (struct exec_call_result){.verdict = EXEC_TX_OK};
    if (overlay == NULL)
        return TD_E_NOSPACE;
    enum td_error err =
        exec_overlay_init(overlay, at->reader, at->overrides, at->override_count, at->arena);
    if (err != TD_OK)
        return err;
    const struct exec_reader reader = exec_overlay_reader(overlay);
    out->state = make_state(at, &reader);
    if (out->state == NULL)
        return TD_E_NOSPACE;
    if (exec_u256_is_zero(&tx->fee_cap))
        env.base_fee = exec_u256_of(0);

    struct exec_tx t = complete(tx, &env);
    struct exec_code_cache codes;
    struct exec_vm vm = {.state = out->state,
                         .block = &env,
                         .arena = at->vm_arena,
                         .codes = &codes,
                         .tracer = at->tracer};
    exec_code_cache_init(&codes, at->arena);
    out->verdict = exec_tx_check(&t, &env);
    if (out->verdict == EXEC_TX_OK)
        out->verdict = exec_tx_call(&vm, &t, &out->receipt);
    price(out, &env.prices);
    return out->receipt.err != TD_OK ? out->receipt.err : exec_state_error(out->state);
}
