#include "base/core/assert.h"
#include "executor/call.h"

#define GAS_TRANSFER 21000u /* of a transaction with no data: nothing costs less */
#define GAS_STIPEND 2300u

struct search {
    const struct exec_call_at *at;
    struct exec_tx tx;
    struct td_arena_mark state_mark, vm_mark;
    struct exec_estimate *out;
    uint64_t low, high; /* low failed or must fail; high succeeded */
    enum td_error err;
};

/* Runs with `gas`.  Refusals for what the limit is too small for count as failures of the run. */
static bool succeeds(struct search *s, uint64_t gas, struct exec_call_result *result)
{
    struct exec_tx tx = s->tx;
    tx.gas_limit = gas;
    td_arena_rewind(s->at->arena, s->state_mark);
    td_arena_rewind(s->at->vm_arena, s->vm_mark);
    s->out->runs++;
    s->err = exec_call(s->at, &tx, result);
    return s->err == TD_OK && result->verdict == EXEC_TX_OK && result->receipt.success;
}

/* A run whose figures are kept: what the arenas hold of it goes with the next one. */
static void keep(struct exec_estimate *out, uint64_t gas, const struct exec_call_result *result)
{
    out->gas = gas;
    out->call = *result;
    out->call.state = NULL;
    out->call.receipt.output = td_bytes_of(NULL, 0);
    out->call.receipt.logs = NULL;
    out->call.receipt.log_count = 0;
    out->call.receipt.messages = NULL;
    out->call.receipt.message_count = 0;
}

static void try_limit(struct search *s, uint64_t gas)
{
    struct exec_call_result result;
    if (succeeds(s, gas, &result)) {
        s->high = gas;
        keep(s->out, gas, &result);
    } else {
        s->low = gas;
    }
}

/* The highest limit worth trying: what was asked for, the block's, what the balance can buy. */
static uint64_t highest(const struct exec_call_at *at, const struct exec_tx *tx,
                        const struct exec_account *sender)
{
    uint64_t high = at->block->gas_limit;
    struct exec_u256 left, buys;
    if (tx->gas_limit >= GAS_TRANSFER && tx->gas_limit < high)
        high = tx->gas_limit;
    if (exec_u256_is_zero(&tx->fee_cap) || exec_u256_sub(&left, &sender->balance, &tx->value))
        return high; /* too poor for the value: the run itself says so */
    exec_u256_div(&buys, &left, &tx->fee_cap);
    return exec_u256_is_u64(&buys) && buys.w[0] < high ? buys.w[0] : high;
}

/* Why the run with the highest limit failed. */
static enum exec_estimate_verdict judge(const struct exec_call_at *at, uint64_t high,
                                        const struct exec_call_result *result)
{
    const struct exec_prices *p = &at->block->prices;
    uint64_t native;
    if (result->verdict == EXEC_TX_INTRINSIC_GAS)
        return EXEC_ESTIMATE_ALLOWANCE;
    if (result->verdict != EXEC_TX_OK)
        return EXEC_ESTIMATE_REFUSED;
    if (result->receipt.status == EXEC_OUT_OF_GAS)
        return EXEC_ESTIMATE_ALLOWANCE;
    bool by_gas = p->native_per_gas != 0 &&
                  !__builtin_mul_overflow(high, p->native_per_gas, &native) &&
                  (p->tx_native_max == 0 || native < p->tx_native_max);
    return result->receipt.status == EXEC_OUT_OF_NATIVE && by_gas ? EXEC_ESTIMATE_ALLOWANCE
                                                                  : EXEC_ESTIMATE_FAILED;
}

/* What the run would have used without the refund, the stipend a value transfer lends, and the part
 * that EIP-150 keeps back from one nested call. */
static uint64_t likely(const struct exec_call_result *r)
{
    int64_t counter = exec_state_refund(r->state);
    uint64_t used = r->receipt.gas_used, refund = counter > 0 ? (uint64_t)counter : 0;
    refund = refund < used / 4u ? refund : used / 4u; /* EIP-3529: a fifth of what was used */
    return (used + refund + GAS_STIPEND) * 64u / 63u;
}

static void bisect(struct search *s)
{
    while (s->err == TD_OK && s->low + 1u < s->high) {
        uint64_t middle = s->low + (s->high - s->low) / 2u;
        if (middle / 2u > s->low)
            middle = 2u * s->low; /* most transactions use little of what they may */
        try_limit(s, middle);
    }
}

static enum td_error read_accounts(const struct exec_call_at *at, const struct exec_tx *tx,
                                   struct exec_account *sender, struct exec_account *to)
{
    struct exec_overlay overlay;
    enum td_error err =
        exec_overlay_init(&overlay, at->reader, at->overrides, at->override_count, at->arena);
    if (err != TD_OK)
        return err;
    const struct exec_reader reader = exec_overlay_reader(&overlay);
    err = reader.account(reader.self, &tx->sender, sender);
    return err != TD_OK ? err : reader.account(reader.self, &tx->to, to);
}

enum td_error exec_estimate(const struct exec_call_at *at, const struct exec_tx *tx,
                            struct exec_estimate *out)
{
    struct exec_account sender, to;
    struct search s = {.at = at,
                       .tx = *tx,
                       .state_mark = td_arena_mark(at->arena),
                       .vm_mark = td_arena_mark(at->vm_arena),
                       .out = out};
    *out = (struct exec_estimate){.verdict = EXEC_ESTIMATE_OK};
    s.err = read_accounts(at, tx, &sender, &to);
    if (s.err != TD_OK)
        return s.err;
    uint64_t high = out->highest = highest(at, tx, &sender);

    struct exec_call_result first;
    if (tx->data.len == 0 && !tx->is_create && to.code_bytes == 0 && high >= GAS_TRANSFER &&
        succeeds(&s, GAS_TRANSFER, &first)) {
        keep(out, GAS_TRANSFER, &first);
        return TD_OK;
    }
    if (s.err != TD_OK)
        return s.err;
    if (high == 0 || !succeeds(&s, high, &first)) {
        out->verdict = high == 0 ? EXEC_ESTIMATE_ALLOWANCE : judge(at, high, &first);
        if (high != 0)
            out->call = first;
        return s.err;
    }
    keep(out, high, &first);
    s.high = high;
    TD_ASSERT(first.receipt.gas_used > 0); /* intrinsic gas */
    s.low = first.receipt.gas_used - 1u;
    uint64_t guess = likely(&first);
    if (guess < high)
        try_limit(&s, guess);
    bisect(&s);
    return s.err;
}
