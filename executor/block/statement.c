#include "executor/statement.h"

#include "executor/block/abi.h"

static const char TAG[] = "TandemChain1";

void exec_chain_digest(struct td_hash *out, const struct exec_chain *chain)
{
    struct td_keccak k;
    td_keccak_init(&k);
    td_keccak_update(&k, TAG, sizeof TAG - 1u);
    abi_u64(&k, chain->chain_id);
    abi_u64(&k, chain->l1_chain_id);
    abi_addr(&k, &chain->contract);
    abi_hash(&k, &chain->config_hash);
    abi_u64(&k, chain->gas_limit);
    abi_u64(&k, chain->native_limit);
    abi_u256(&k, &chain->base_fee_min);
    abi_u64(&k, chain->prices.native_per_gas);
    abi_u64(&k, chain->prices.gas_per_pubdata_byte);
    abi_u64(&k, chain->prices.tx_native_max);
    abi_addr(&k, &chain->fee_vault);
    td_keccak_final(&k, out);
}

void exec_point_digest(struct td_hash *out, const struct exec_cursor *cursor,
                       const struct exec_batch *batch)
{
    struct td_hash parts[2];
    exec_cursor_commit(&parts[0], cursor);
    exec_batch_digest(&parts[1], batch);
    td_keccak256(out, parts, sizeof parts);
}

static struct td_kb *put(struct td_kb *at, const struct td_hash *h)
{
    struct exec_u256 v;
    struct td_wei wei;
    exec_u256_from_be(&v, h->b, sizeof h->b);
    memcpy(wei.limb, v.w, sizeof wei.limb);
    td_pack30_encode(at, &wei);
    return at + 9;
}

void exec_statement_digest(struct td_p2_digest *out, const struct exec_statement *s)
{
    struct td_kb data[5u * 9u], *at = data;
    memcpy(at, s->whitelist.e, sizeof s->whitelist.e);
    memcpy(at + 9, s->program.e, sizeof s->program.e);
    at = put(at + 18, &s->chain);
    at = put(at, &s->before);
    at = put(at, &s->after);
    td_p2_hash(out, TD_P2_STATEMENT, data, (size_t)(at - data));
}
