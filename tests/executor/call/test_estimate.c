/* executor/call: eth_estimateGas.  Goal: the estimate is the least limit.  Method: a table of
 * contracts; a transaction with the estimate passes through exec_tx_apply, which shares no search
 * with it, and with one unit less it does not; then the ways an estimate fails. */
#include <criterion/criterion.h>

#include "tests/executor/call/at.h"

static struct world *w;

static void setup(void)
{
    w = world_new();
    world_put_code(w, 0x300, "STOP");
}

static void teardown(void)
{
    world_free(w);
}

TestSuite(executor_estimate, .init = setup, .fini = teardown);

/* As a block would run it; with a price of 0 and base fee 0. */
static bool passes(const struct exec_tx *tx, uint64_t gas)
{
    struct exec_block_env env = w->block;
    struct exec_tx t = *tx;
    struct exec_code_cache codes;
    struct exec_receipt r;
    td_arena_reset(&w->state_arena);
    td_arena_reset(&w->vm_arena);
    env.base_fee = exec_u256_is_zero(&tx->fee_cap) ? exec_u256_of(0) : env.base_fee;
    t.gas_limit = gas;
    t.nonce = w->accounts[0].data.nonce;
    struct exec_state *s = exec_state_init(
        td_arena_get(&w->state_arena, exec_state_footprint(), 64), &w->state_arena, &w->reader);
    struct exec_vm vm = {.state = s, .block = &env, .arena = &w->vm_arena, .codes = &codes};
    exec_code_cache_init(&codes, &w->state_arena);
    return exec_tx_check(&t, &env) == EXEC_TX_OK &&
           exec_tx_apply(&vm, &t, env.gas_limit, UINT64_MAX, &r) == EXEC_TX_OK && r.success;
}

static struct exec_estimate estimate(const struct exec_tx *tx)
{
    struct exec_call_at at = at_of(w);
    struct exec_estimate e;
    cr_assert_eq(exec_estimate(&at, tx, &e), TD_OK);
    return e;
}

static void expect_least(const struct exec_tx *tx, const char *what)
{
    struct exec_estimate e = estimate(tx);
    cr_assert_eq(e.verdict, EXEC_ESTIMATE_OK, "%s: %s, %s", what,
                 exec_tx_verdict_text(e.call.verdict), exec_status_text(e.call.receipt.status));
    cr_expect(passes(tx, e.gas), "%s: %lu fails", what, (unsigned long)e.gas);
    cr_expect(!passes(tx, e.gas - 1u), "%s: %lu is not the least", what, (unsigned long)e.gas);
    cr_expect_leq(e.runs, 24, "%s: %u runs", what, e.runs);
    cr_expect_leq(e.call.receipt.gas_used, e.gas);
    cr_expect_null(e.call.state);
}

/* Of all opcodes' native units, those for least gas. */
#define MULMODS "7 5 3 MULMOD POP 7 5 3 MULMOD POP 7 5 3 MULMOD POP 7 5 3 MULMOD POP "

static const struct {
    const char *what, *code;
    bool native_bound, pubdata_bound;
} CASES[] = {
    {"nothing", "STOP", false, false},
    {"one slot", "1 0 SSTORE", false, false},
    {"a loop", "500 next: 1 SWAP1 SUB DUP1 @next JUMPI", false, false},
    {"refund", "0 7 SSTORE 0 8 SSTORE", false, false},
    {"set and refund", "1 0 SSTORE 0 0 SSTORE 0 7 SSTORE", false, false},
    /* EIP-150: the inner call must get 50,000 of 63/64ths, asked for as everything. */
    {"nested", "0 0 0 0 0 0x200 GAS CALL @ok JUMPI 0 0 REVERT ok:", false, false},
    {"twice nested", "0 0 0 0 0 0x201 GAS CALL @ok JUMPI 0 0 REVERT ok:", false, false},
    {"asks for a fixed part", "0 0 0 0 0 0x200 60000 CALL @ok JUMPI 0 0 REVERT ok:", false, false},
    {"stipend", "0 0 0 0 1 0x300 0 CALL @ok JUMPI 0 0 REVERT ok:", false, false},
    {"insists on gas left", "150000 GAS GT @ok JUMPI 0 0 REVERT ok:", false, false},
    {"creates", "0 0 0 CREATE POP", false, false},
    {"bound by native units", "600 next: " MULMODS MULMODS "1 SWAP1 SUB DUP1 @next JUMPI", true,
     false},
    {"bound by bytes", "1 NOT DUP1 100 SSTORE 101 SSTORE 1 NOT DUP1 102 SSTORE 103 SSTORE", false,
     true},
};

static void put_cases(void)
{
    world_put_code(w, 0x200, "2 1 SSTORE 3 2 SSTORE"); /* 44,212 gas */
    world_put_code(w, 0x201, "0 0 0 0 0 0x200 GAS CALL @ok JUMPI 0 0 REVERT ok:");
    world_put_slot(w, 0x100, 7, 70);
    world_put_slot(w, 0x100, 8, 80);
    world_put(w, 0x100, 1, 1000, td_bytes_of(NULL, 0));
}

static void each_case(void)
{
    put_cases();
    struct world_account *a = &w->accounts[w->account_count - 1u];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct exec_tx tx = call_of(0x100);
        w->account_count--;
        world_put(w, 0x100, 1, 1000, world_code(w, CASES[i].code));
        cr_assert_eq(a, &w->accounts[w->account_count - 1u]);
        expect_least(&tx, CASES[i].what);
        tx.fee_cap = exec_u256_of(1000);
        tx.tip_cap = exec_u256_of(1);
        expect_least(&tx, CASES[i].what);
        if (w->block.prices.native_per_gas == 0)
            continue;
        struct exec_call_result r = estimate(&tx).call;
        cr_expect_eq(r.receipt.gas_used == r.native_gas + r.pubdata_gas, CASES[i].native_bound,
                     "%s", CASES[i].what);
        cr_expect_eq(r.pubdata_gas > r.receipt.gas_used / 2u, CASES[i].pubdata_bound, "%s",
                     CASES[i].what);
    }
}

Test(executor_estimate, is_the_least_limit_by_ethereums_gas)
{
    each_case();
}

Test(executor_estimate, is_the_least_limit_by_both_meters_and_bytes)
{
    w->block.prices = TANDEM;
    w->block.prices.gas_per_pubdata_byte = 400;
    w->block.prices.tx_native_max = 22000000; /* 21,000 gas alone pay for nearly 2,200,000 */
    each_case();
}

Test(executor_estimate, a_transfer_costs_21000_and_one_run)
{
    struct exec_tx tx = call_of(0x55);
    tx.value = exec_u256_of(5);
    struct exec_estimate e = estimate(&tx);
    cr_expect_eq(e.gas, 21000);
    cr_expect_eq(e.runs, 1);
    w->block.prices = TANDEM; /* and its bytes, where those have a price */
    expect_least(&tx, "transfer");
    cr_expect_gt(estimate(&tx).gas, 21000);
}

Test(executor_estimate, data_lists_and_creations)
{
    static uint8_t data[1000];
    struct exec_tx tx = call_of(0x55);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 3u);
    tx.data = td_bytes_of(data, sizeof data);
    expect_least(&tx, "the floor of EIP-7623");
    const struct exec_u256 slot = exec_u256_of(7);
    const struct exec_access access = {world_addr(0x300), 1, &slot};
    tx.access = &access;
    tx.access_count = 1;
    expect_least(&tx, "access list");
    tx = call_of(0);
    tx.is_create = true;
    tx.data = world_code(w, "0xffff 0 MSTORE8 100 0 RETURN");
    expect_least(&tx, "creation");
}

Test(executor_estimate, why_it_fails)
{
    static const struct {
        const char *code;
        uint64_t gas, value;
        enum exec_estimate_verdict verdict;
        enum exec_status status;
    } ROWS[] = {
        {"0xbad 0 MSTORE 32 0 REVERT", 0, 0, EXEC_ESTIMATE_FAILED, EXEC_REVERT},
        {"INVALID", 0, 0, EXEC_ESTIMATE_FAILED, EXEC_BAD_OPCODE},
        {"next: @next JUMP", 500000, 0, EXEC_ESTIMATE_ALLOWANCE, EXEC_OUT_OF_GAS},
        {"1 0 SSTORE", 30000, 0, EXEC_ESTIMATE_ALLOWANCE, EXEC_OUT_OF_GAS},
        {"STOP", 0, UINT64_MAX, EXEC_ESTIMATE_REFUSED, EXEC_SUCCESS},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct exec_tx tx = call_of(0x100 + i);
        world_put_code(w, 0x100 + i, ROWS[i].code);
        tx.gas_limit = ROWS[i].gas;
        tx.value = exec_u256_of(ROWS[i].value);
        struct exec_estimate e = estimate(&tx);
        cr_expect_eq(e.verdict, ROWS[i].verdict, "row %zu: %d", i, (int)e.verdict);
        cr_expect_eq(e.call.receipt.status, ROWS[i].status, "row %zu", i);
        cr_expect_eq(e.gas, 0);
        cr_expect_eq(e.highest, ROWS[i].gas != 0 ? ROWS[i].gas : 3000000);
        if (ROWS[i].status == EXEC_REVERT) {
            cr_assert_eq(e.call.receipt.output.len, 32);
            cr_expect_eq(e.call.receipt.output.ptr[31], 0xad);
        }
        if (ROWS[i].verdict == EXEC_ESTIMATE_REFUSED)
            cr_expect_eq(e.call.verdict, EXEC_TX_INSUFFICIENT_FUNDS);
    }
}

/* More gas buys more native units up to the cap of a transaction, not beyond. */
Test(executor_estimate, out_of_native_is_a_matter_of_gas_below_the_cap)
{
    world_put_code(w, 0x100, "next: @next JUMP");
    struct exec_tx tx = call_of(0x100);
    w->block.prices = TANDEM;
    w->block.prices.native_per_gas = 5;
    tx.gas_limit = 100000;
    struct exec_estimate e = estimate(&tx);
    cr_expect_eq(e.call.receipt.status, EXEC_OUT_OF_NATIVE);
    cr_expect_eq(e.verdict, EXEC_ESTIMATE_ALLOWANCE);
    tx.gas_limit = 1000000;
    e = estimate(&tx);
    cr_expect_eq(e.call.receipt.status, EXEC_OUT_OF_NATIVE);
    cr_expect_eq(e.verdict, EXEC_ESTIMATE_FAILED);
}

/* At 10 wei a unit, 300,005 wei buy 30,000 units. */
Test(executor_estimate, the_balance_bounds_the_limit)
{
    world_put_code(w, 0x100, "1 0 SSTORE");
    world_put(w, 0x88, 0, 300015, td_bytes_of(NULL, 0));
    struct exec_tx tx = call_of(0x100);
    tx.sender = world_addr(0x88);
    tx.fee_cap = exec_u256_of(10);
    tx.value = exec_u256_of(10);
    struct exec_estimate e = estimate(&tx);
    cr_expect_eq(e.highest, 30000);
    cr_expect_eq(e.verdict, EXEC_ESTIMATE_ALLOWANCE);
    tx.value = exec_u256_of(300015); /* nothing left for gas */
    e = estimate(&tx);
    cr_expect_eq(e.highest, 0);
    cr_expect_eq(e.verdict, EXEC_ESTIMATE_ALLOWANCE);
    tx.value = exec_u256_of(300016);
    e = estimate(&tx);
    cr_expect_eq(e.verdict, EXEC_ESTIMATE_REFUSED);
}

Test(executor_estimate, overrides_count)
{
    const struct exec_override x = {
        .addr = world_addr(0x55), .has_code = true, .code = world_code(w, "1 0 SSTORE")};
    struct exec_call_at at = at_of(w);
    struct exec_tx tx = call_of(0x55);
    struct exec_estimate e;
    at.overrides = &x;
    at.override_count = 1;
    cr_assert_eq(exec_estimate(&at, &tx, &e), TD_OK);
    cr_expect_eq(e.gas, 21000 + 3 + 2 + 22100);
}
