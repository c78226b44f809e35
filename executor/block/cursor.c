/* State commitment and base fee: what one block hands to the next. */
#include "executor/block/abi.h"
#include "executor/chain.h"

static const char TAG[] = "TandemState1";

void exec_cursor_commit(struct td_hash *out, const struct exec_cursor *c)
{
    uint8_t root[4u * TD_P2_DIGEST];
    struct td_keccak k;
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        for (uint32_t b = 0; b < 4; b++)
            root[4u * i + b] = (uint8_t)(c->tree_root.e[i].v >> (24u - 8u * b));
    td_keccak_init(&k);
    td_keccak_update(&k, TAG, sizeof TAG - 1u);
    td_keccak_update(&k, root, sizeof root);
    abi_u64(&k, c->leaf_count);
    abi_u64(&k, c->number);
    abi_u64(&k, c->ts_ms);
    abi_u64(&k, c->epoch);
    abi_hash(&k, &c->block_hash);
    abi_u256(&k, &c->base_fee);
    abi_u64(&k, c->message_count);
    abi_u64(&k, c->inbox_index);
    abi_hash(&k, &c->inbox_acc);
    td_keccak_final(&k, out);
}

void exec_base_fee_next(struct exec_u256 *out, const struct exec_u256 *base_fee, uint64_t gas_used,
                        uint64_t gas_limit, const struct exec_u256 *min)
{
    const struct exec_u256 one = exec_u256_of(1);
    uint64_t target = gas_limit / 2u;
    *out = *base_fee;
    if (target > 0 && gas_used == 0 && exec_u256_is_u64(base_fee) && exec_u256_is_u64(min)) {
        out->w[0] -= out->w[0] >> 3; /* base fee * target / target / 8 */
        if (out->w[0] < min->w[0])
            out->w[0] = min->w[0];
        return;
    }
    if (target > 0 && gas_used != target) {
        struct exec_u256 delta, step, divisor = exec_u256_of(target);
        delta = exec_u256_of(gas_used > target ? gas_used - target : target - gas_used);
        exec_u256_mul(&step, base_fee, &delta);
        exec_u256_div(&step, &step, &divisor);
        exec_u256_shr(&step, &step, 3);
        if (gas_used > target && exec_u256_is_zero(&step))
            step = one;
        if (gas_used > target)
            (void)exec_u256_add(out, base_fee, &step);
        else
            (void)exec_u256_sub(out, base_fee, &step);
    }
    if (exec_u256_cmp(out, min) < 0)
        *out = *min;
}
