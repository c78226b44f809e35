#include "base/core/assert.h"
#include "executor/evm/code.h"
#include "executor/evm/native_costs.h"
#include "executor/tx/tx_internal.h"

#define REFUND_QUOTIENT 5u         /* EIP-3529 */
#define AUTHORIZATION_REFUND 12500 /* EIP-7702: PER_EMPTY_ACCOUNT_COST - PER_AUTH_BASE_COST */

/* ---- amounts */

static uint64_t mul_or_max(uint64_t a, uint64_t b)
{
    uint64_t out;
    return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

static uint64_t add_or_max(uint64_t a, uint64_t b)
{
    uint64_t out;
    return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

static struct exec_u256 times(const struct exec_u256 *price, uint64_t gas)
{
    struct exec_u256 out, g = exec_u256_of(gas);
    exec_u256_mul(&out, price, &g);
    return out;
}

/* min(fee cap, base fee + tip cap): EIP-1559. */
static struct exec_u256 effective_price(const struct exec_tx *tx, const struct exec_block_env *b)
{
    struct exec_u256 sum;
    bool over = exec_u256_add(&sum, &b->base_fee, &tx->tip_cap);
    return over || exec_u256_cmp(&sum, &tx->fee_cap) > 0 ? tx->fee_cap : sum;
}

/* The native units a transaction may use, whatever the block has left; UINT64_MAX: no bound. */
static uint64_t native_cap(const struct exec_prices *p, uint64_t gas_limit)
{
    uint64_t cap = p->tx_native_max == 0 ? UINT64_MAX : p->tx_native_max;
    uint64_t paid = p->native_per_gas == 0 ? UINT64_MAX : mul_or_max(gas_limit, p->native_per_gas);
    return cap < paid ? cap : paid;
}

/* Native units of the transaction's own parts. */
static uint64_t native_own(const struct exec_tx *tx)
{
    uint64_t names = tx->access_count;
    for (uint32_t i = 0; i < tx->access_count; i++)
        names += tx->access[i].slot_count;
    uint64_t word = tx->is_create ? EXEC_NATIVE_ANALYSE_WORD : 0u; /* other data: paid as bytes */
    return EXEC_NATIVE_APPLY + (uint64_t)tx->auth_count * EXEC_NATIVE_AUTHORIZATION +
           names * EXEC_NATIVE_ACCESS + ((uint64_t)tx->data.len + 31u) / 32u * word;
}

/* ---- validation */

static bool may_send(struct exec_state *s, const struct td_addr *sender,
                     const struct exec_account *account)
{
    struct td_addr target;
    if (account->code_bytes == 0)
        return true;
    return account->code_bytes == EXEC_DELEGATION_BYTES &&
           exec_code_delegation(&target, exec_state_code(s, sender));
}

/* gas_limit * fee_cap + value <= balance, with no wrapping. */
static bool can_pay(const struct exec_tx *tx, const struct exec_u256 *balance)
{
    struct exec_u256 need, gas = exec_u256_of(tx->gas_limit);
    if (exec_u256_mul_checked(&need, &gas, &tx->fee_cap) || exec_u256_add(&need, &need, &tx->value))
        return false;
    return exec_u256_cmp(&need, balance) <= 0;
}

static enum exec_tx_verdict validate(struct exec_vm *vm, const struct exec_tx *tx,
                                     uint64_t block_gas_left, uint64_t block_native_left)
{
    const struct exec_account *sender = exec_state_get(vm->state, &tx->sender);
    uint64_t cap = native_cap(&vm->block->prices, tx->gas_limit);
    if (tx->nonce < sender->nonce)
        return EXEC_TX_NONCE_TOO_LOW;
    if (tx->nonce > sender->nonce)
        return EXEC_TX_NONCE_TOO_HIGH;
    if (tx->nonce == UINT64_MAX)
        return EXEC_TX_NONCE_MAX;
    if (!may_send(vm->state, &tx->sender, sender))
        return EXEC_TX_SENDER_NOT_EOA;
    if (exec_u256_cmp(&tx->fee_cap, &vm->block->base_fee) < 0)
        return EXEC_TX_FEE_CAP_TOO_LOW;
    if (!can_pay(tx, &sender->balance))
        return EXEC_TX_INSUFFICIENT_FUNDS;
    if (tx->gas_limit > block_gas_left)
        return EXEC_TX_BLOCK_GAS;
    if (cap != UINT64_MAX && cap > block_native_left)
        return EXEC_TX_BLOCK_NATIVE;
    return EXEC_TX_OK;
}

/* ---- before the run */

static void warm_named(struct exec_vm *vm, const struct exec_tx *tx)
{
    struct exec_state *s = vm->state;
    exec_state_warm(s, &tx->sender);
    exec_state_warm(s, &vm->block->coinbase); /* EIP-3651 */
    if (!tx->is_create)
        exec_state_warm(s, &tx->to);
    for (uint32_t i = 0; i < tx->access_count; i++) {
        const struct exec_access *a = &tx->access[i];
        exec_state_warm(s, &a->addr);
        for (uint32_t k = 0; k < a->slot_count; k++)
            exec_state_warm_slot(s, &a->addr, &a->slots[k]);
    }
}

/* One authorization of EIP-7702; one that does not apply is skipped. */
static void delegate(struct exec_state *s, const struct exec_authorization *a, uint64_t chain_id)
{
    uint8_t code[EXEC_DELEGATION_BYTES] = {0xef, 0x01, 0x00};
    struct exec_u256 here = exec_u256_of(chain_id);
    if ((!exec_u256_is_zero(&a->chain_id) && !exec_u256_eq(&a->chain_id, &here)) ||
        a->nonce == UINT64_MAX || !a->has_authority)
        return;
    exec_state_warm(s, &a->authority);
    const struct exec_account *account = exec_state_get(s, &a->authority);
    if (!may_send(s, &a->authority, account) || account->nonce != a->nonce)
        return;
    if (!exec_state_is_empty(s, &a->authority))
        exec_state_refund_add(s, AUTHORIZATION_REFUND);
    memcpy(code + 3, a->addr.b, TD_ADDR_BYTES);
    exec_state_set_code(s, &a->authority,
                        td_bytes_of(code, td_addr_is_zero(&a->addr) ? 0 : sizeof code));
    exec_state_set_nonce(s, &a->authority, a->nonce + 1u);
}

/* ---- the run and its price */

static struct exec_outcome run(struct exec_vm *vm, const struct exec_tx *tx, int64_t gas)
{
    struct exec_outcome done;
    struct exec_message msg = {.kind = tx->is_create ? EXEC_CREATE : EXEC_CALL,
                               .gas = gas,
                               .sender = tx->sender,
                               .to = tx->to,
                               .code_addr = tx->to,
                               .value = tx->value,
                               .input = tx->data};
    exec_evm_run(vm, &msg, &done);
    return done;
}

/* EVM gas after refund and floor, raised to what native use costs. */
static uint64_t price_of(const struct exec_state *s, const struct exec_prices *p, uint64_t used,
                         uint64_t floor, uint64_t native_used)
{
    int64_t counter = exec_state_refund(s);
    uint64_t refund = counter > 0 ? (uint64_t)counter : 0;
    if (refund > used / REFUND_QUOTIENT)
        refund = used / REFUND_QUOTIENT;
    used -= refund;
    if (used < floor)
        used = floor;
    if (p->native_per_gas != 0) {
        uint64_t native_gas = native_used / p->native_per_gas;
        native_gas += native_gas * p->native_per_gas != native_used;
        if (used < native_gas)
            used = native_gas;
    }
    return used;
}

/* A sender who bought gas for `paid`; no account: nothing was bought, nothing comes back. */
struct buyer {
    const struct exec_account *account; /* as the state has it now */
    const struct exec_u256 *paid;
};

/* What comes back after the run may lengthen the balance: counted as if all of it did. */
static uint64_t refund_bytes(const struct buyer *b)
{
    struct exec_u256 sum;
    if (b->account == NULL || b->account->da_off)
        return 0;
    const struct exec_u256 *now = &b->account->balance;
    uint32_t top = 3;
    while (top > 0 && (now->w[top] | b->paid->w[top]) == 0)
        top--;
    /* Between these two is the sum's highest word, with a carry into it or not.  Almost always they
     * have the same highest bit, and nothing grows. */
    uint64_t low = now->w[top], high = low + b->paid->w[top] + 1u;
    if (high > low && high > b->paid->w[top] && (low ^ high) <= (low & high))
        return 0;
    (void)exec_u256_add(&sum, now, b->paid); /* once it was part of one balance */
    return exec_u256_byte_length(&sum) - exec_u256_byte_length(now);
}

static void collect(const struct exec_vm *vm, struct exec_receipt *out)
{
    out->success = out->status == EXEC_SUCCESS;
    out->logs = exec_state_logs(vm->state, &out->log_count);
    out->messages = exec_state_messages(vm->state, &out->message_count);
    out->err = vm->err != TD_OK ? vm->err : exec_state_error(vm->state);
}

/* The run and what it costs: everything but who pays.  Within transaction of the state; the nonce
 * is raised and gas bought already. */
static void execute(struct exec_vm *vm, const struct exec_tx *tx, const struct buyer *buyer,
                    uint64_t native_limit, struct exec_receipt *out)
{
    struct exec_state *s = vm->state;
    const struct exec_prices *p = &vm->block->prices;
    uint64_t intrinsic, floor;
    exec_tx_gas(tx, &intrinsic, &floor);
    int64_t limit = native_limit > INT64_MAX ? INT64_MAX : (int64_t)native_limit;
    uint64_t own = native_own(tx);
    if (own <= (uint64_t)limit) { /* work that nobody pays for is not done */
        warm_named(vm, tx);
        for (uint32_t i = 0; i < tx->auth_count; i++)
            delegate(s, &tx->auth[i], vm->block->chain_id);
    }

    struct exec_mark mark = exec_state_mark(s);
    struct exec_outcome done = {.status = EXEC_SUCCESS};
    vm->native_left = own > (uint64_t)limit ? 0 : limit - (int64_t)own;
    if (tx->gas_limit < intrinsic || tx->gas_limit < floor) {
        done.status = EXEC_OUT_OF_GAS; /* a deposit or a call: nobody checked */
    } else if (own > (uint64_t)limit) {
        done.status = EXEC_OUT_OF_NATIVE;
    } else {
        uint64_t gas = tx->gas_limit - intrinsic;
        uint64_t spare = gas > INT64_MAX ? gas - INT64_MAX : 0;
        done = run(vm, tx, (int64_t)(gas - spare));
        out->gas_used = tx->gas_limit - spare - (uint64_t)done.gas_left;
    }
    out->status = done.status;
    out->output = done.output;
    out->created = done.created;
    out->native_used = (uint64_t)(limit - vm->native_left);
    out->pubdata_bytes = exec_state_tx_pubdata(s) + refund_bytes(buyer);

    bool whole =
        done.status == EXEC_OUT_OF_NATIVE || tx->gas_limit < intrinsic || tx->gas_limit < floor;
    if (!whole) {
        out->gas_used = add_or_max(price_of(s, p, out->gas_used, floor, out->native_used),
                                   mul_or_max(out->pubdata_bytes, p->gas_per_pubdata_byte));
        if (out->gas_used > tx->gas_limit) {
            whole = true;
            out->status = EXEC_OUT_OF_GAS;
        }
    }
    if (whole) {
        exec_state_revert(s, mark);
        out->gas_used = tx->gas_limit;
        out->output = (struct td_bytes){0};
        out->created = (struct td_addr){{0}};
        out->pubdata_bytes = exec_state_tx_pubdata(s) + refund_bytes(buyer);
    }
    collect(vm, out);
}

static void begin(struct exec_vm *vm, const struct exec_tx *tx, const struct exec_u256 *price,
                  struct exec_receipt *out)
{
    *out = (struct exec_receipt){.type = tx->type};
    vm->origin = tx->sender;
    vm->gas_price = *price;
    vm->blob_hashes = NULL;
    vm->blob_hash_count = 0;
    vm->err = TD_OK;
    exec_state_tx_begin(vm->state);
}

static void raise_nonce(struct exec_state *s, const struct td_addr *sender,
                        const struct exec_account *account)
{
    uint64_t nonce = account->nonce;
    if (nonce != UINT64_MAX)
        exec_state_set_nonce(s, sender, nonce + 1u);
}

/* ---- the three ways in */

/* Gas is bought, used, and given back; for one that can pay. */
static void pay_and_run(struct exec_vm *vm, const struct exec_tx *tx, uint64_t block_native_left,
                        struct exec_receipt *out)
{
    struct exec_state *s = vm->state;
    struct exec_u256 price = effective_price(tx, vm->block);
    struct exec_u256 all = times(&price, tx->gas_limit);
    uint64_t limit = native_cap(&vm->block->prices, tx->gas_limit);
    begin(vm, tx, &price, out);
    bool paid = exec_state_sub_balance(s, &tx->sender, &all);
    TD_ASSERT(paid); /* price <= fee_cap, for which can_pay held */
    const struct buyer buyer = {exec_state_get(s, &tx->sender), &all};
    raise_nonce(s, &tx->sender, buyer.account);
    execute(vm, tx, &buyer, limit < block_native_left ? limit : block_native_left, out);

    struct exec_u256 back = times(&price, tx->gas_limit - out->gas_used);
    exec_state_add_balance(s, &tx->sender, &back);
    struct exec_u256 tip;
    exec_u256_sub(&tip, &price, &vm->block->base_fee);
    tip = times(&tip, out->gas_used);
    if (!exec_u256_is_zero(&tip))
        exec_state_add_balance(s, &vm->block->coinbase, &tip);
    exec_state_tx_end(s);
    if (out->err == TD_OK)
        out->err = exec_state_error(s);
}

/* What L1 ordered: cannot be refused, owes no fee. */
static void apply_deposit(struct exec_vm *vm, const struct exec_tx *tx, uint64_t block_native_left,
                          struct exec_receipt *out)
{
    static const struct exec_u256 FREE;
    static const struct buyer NOBODY = {.account = NULL};
    uint64_t limit = native_cap(&vm->block->prices, tx->gas_limit);
    begin(vm, tx, &FREE, out);
    /* More wei than 2^256 exist on no L1; should a test say so, the call is what fails. */
    (void)exec_state_add_balance(vm->state, &tx->sender, &tx->mint);
    raise_nonce(vm->state, &tx->sender, exec_state_get(vm->state, &tx->sender));
    execute(vm, tx, &NOBODY, limit < block_native_left ? limit : block_native_left, out);
    exec_state_tx_end(vm->state);
}

enum exec_tx_verdict exec_tx_apply(struct exec_vm *vm, const struct exec_tx *tx,
                                   uint64_t block_gas_left, uint64_t block_native_left,
                                   struct exec_receipt *out)
{
    if (tx->type == EXEC_TX_DEPOSIT) {
        apply_deposit(vm, tx, block_native_left, out);
        return EXEC_TX_OK;
    }
    *out = (struct exec_receipt){.type = tx->type};
    enum exec_tx_verdict v = validate(vm, tx, block_gas_left, block_native_left);
    if (v != EXEC_TX_OK)
        return v;

    pay_and_run(vm, tx, block_native_left, out);
    return EXEC_TX_OK;
}

#if __STDC_HOSTED__
/* Without a price nothing is bought, and `value` is all the sender needs. */
enum exec_tx_verdict exec_tx_call(struct exec_vm *vm, const struct exec_tx *tx,
                                  struct exec_receipt *out)
{
    *out = (struct exec_receipt){.type = tx->type};
    if (!exec_u256_is_zero(&tx->fee_cap) && exec_u256_cmp(&tx->fee_cap, &vm->block->base_fee) < 0)
        return EXEC_TX_FEE_CAP_TOO_LOW;
    if (!can_pay(tx, &exec_state_get(vm->state, &tx->sender)->balance))
        return EXEC_TX_INSUFFICIENT_FUNDS;
    pay_and_run(vm, tx, UINT64_MAX, out);
    return EXEC_TX_OK;
}
#endif
