/* executor/call: what eth_call answers.  Method: hand-assembled contracts; figures are sums with
 * their reasons, as in tests/executor/tx/test_apply.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "executor/evm/native_costs.h"
#include "executor/system.h"
#include "tests/executor/call/at.h"

static struct world *w;

static void setup(void)
{
    w = world_new();
    w->block.base_fee = exec_u256_of(7);
}

static void teardown(void)
{
    world_free(w);
}

TestSuite(executor_call, .init = setup, .fini = teardown);

static struct exec_call_result call(const struct exec_tx *tx)
{
    struct exec_call_at at = at_of(w);
    struct exec_call_result r;
    cr_assert_eq(exec_call(&at, tx, &r), TD_OK);
    return r;
}

static uint64_t number(const struct exec_call_result *r)
{
    struct exec_outcome o = {.output = r->receipt.output};
    return world_number(&o);
}

Test(executor_call, what_a_contract_sees)
{
    static const struct {
        const char *code;
        uint64_t fee_cap, tip_cap, value, want;
    } CASES[] = {
        {"CALLER ret", 0, 0, 0, WORLD_CALLER},
        {"CALLVALUE ret", 0, 0, 17, 17},
        {"GASPRICE ret", 0, 0, 0, 0},
        {"BASEFEE ret", 0, 0, 0, 0}, /* without a price */
        {"BASEFEE ret", 20, 2, 0, 7},
        {"GASPRICE ret", 20, 2, 0, 9},
        {"GASPRICE ret", 8, 2, 0, 8},
        {"GASLIMIT ret", 0, 0, 0, 3000000},
        {"GAS ret", 0, 0, 0, 3000000 - 21000 - 2}, /* gas not given: the block's */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct exec_tx tx = call_of(0x100 + i);
        world_put_code(w, 0x100 + i, CASES[i].code);
        tx.fee_cap = exec_u256_of(CASES[i].fee_cap);
        tx.tip_cap = exec_u256_of(CASES[i].tip_cap);
        tx.value = exec_u256_of(CASES[i].value);
        tx.nonce = UINT64_MAX; /* nobody looks */
        struct exec_call_result r = call(&tx);
        cr_expect_eq(r.verdict, EXEC_TX_OK, "case %zu", i);
        cr_expect_eq(number(&r), CASES[i].want, "case %zu: %lu", i, (unsigned long)number(&r));
    }
}

Test(executor_call, anybody_may_call_and_a_contract_too)
{
    world_put_code(w, 0x100, "CALLER ret");
    struct exec_tx tx = call_of(0x100);
    tx.sender = world_addr(0); /* the default */
    struct exec_call_result r = call(&tx);
    cr_expect(r.receipt.success);
    cr_expect_eq(number(&r), 0);
    tx.sender = world_addr(0x100); /* EIP-3607 is for transactions */
    r = call(&tx);
    cr_expect_eq(number(&r), 0x100);
    tx.sender = world_addr(0);
    tx.value = exec_u256_of(1);
    r = call(&tx);
    cr_expect_eq(r.verdict, EXEC_TX_INSUFFICIENT_FUNDS);
    cr_expect_eq(r.receipt.gas_used, 0);
}

Test(executor_call, fees_count_where_a_price_is_named)
{
    struct exec_tx tx = call_of(0x55);
    tx.fee_cap = exec_u256_of(6);
    cr_expect_eq(call(&tx).verdict, EXEC_TX_FEE_CAP_TOO_LOW);
    tx.tip_cap = exec_u256_of(8);
    cr_expect_eq(call(&tx).verdict, EXEC_TX_TIP_ABOVE_FEE_CAP);
    tx.fee_cap = exec_u256_of(10);
    cr_expect_eq(call(&tx).verdict, EXEC_TX_OK);
    tx.sender = world_addr(0x77); /* has nothing */
    cr_expect_eq(call(&tx).verdict, EXEC_TX_INSUFFICIENT_FUNDS);
    tx.fee_cap = tx.tip_cap = exec_u256_of(0);
    cr_expect_eq(call(&tx).verdict, EXEC_TX_OK);
    tx.gas_limit = 20999;
    cr_expect_eq(call(&tx).verdict, EXEC_TX_INTRINSIC_GAS);
    tx.gas_limit = UINT64_MAX; /* becomes the block's */
    cr_expect_eq(call(&tx).verdict, EXEC_TX_OK);
    tx.has_chain_id = true;
    tx.chain_id = 99;
    cr_expect_eq(call(&tx).verdict, EXEC_TX_CHAIN_ID);
}

Test(executor_call, revert_data_comes_back)
{
    world_put_code(w, 0x100, "0xbad 0 MSTORE 32 0 REVERT");
    struct exec_tx tx = call_of(0x100);
    struct exec_call_result r = call(&tx);
    cr_expect_eq(r.verdict, EXEC_TX_OK);
    cr_expect_eq(r.receipt.status, EXEC_REVERT);
    cr_expect_eq(number(&r), 0xbad);
    cr_expect_eq(r.receipt.gas_used, 21000 + 3 + 2 + 3 + 3 + 3 + 2);
}

Test(executor_call, a_creation_gives_its_address_and_leaves_no_trace)
{
    struct exec_tx tx = call_of(0);
    tx.is_create = true;
    tx.data = world_code(w, "3 0 RETURN");
    struct exec_call_result r = call(&tx);
    cr_expect(r.receipt.success);
    cr_expect(!td_addr_is_zero(&r.receipt.created));
    tx.data.len = 49153;
    cr_expect_eq(call(&tx).verdict, EXEC_TX_INITCODE_SIZE);
}

/* gas_used = max(EVM gas, native gas) + bytes * 16: each part is reported. */
Test(executor_call, both_meters_and_bytes_are_told)
{
    world_put_code(w, 0x100, "7 1 SSTORE");
    struct exec_tx tx = call_of(0x100);
    w->block.prices = TANDEM;
    struct exec_call_result r = call(&tx);
    cr_assert(r.receipt.success);
    /* the slot: 8 + 1 byte + its key 52; the caller: 8 + 1 of nonce + 8 of balance */
    cr_expect_eq(r.receipt.pubdata_bytes, 61 + 17);
    cr_expect_eq(r.pubdata_gas, 78 * 16);
    cr_expect_geq(r.receipt.native_used, EXEC_NATIVE_COLD_SLOT);
    cr_expect_eq(r.native_gas, (r.receipt.native_used + 99) / 100);
    cr_expect_eq(r.receipt.gas_used, 21000 + 3 + 3 + 22100 + 78 * 16);
}

/* ---- where */

static const struct exec_chain CHAIN = {
    .chain_id = 4242, .gas_limit = 3000000, .fee_vault = {{0xfe}}, .prices = {.native_per_gas = 9}};

Test(executor_call, a_blocks_own_surroundings)
{
    struct exec_header h = {.number = 12, .ts_ms = 5999, .prev_hash = {{3}}};
    struct exec_u256 fee = exec_u256_of(77);
    struct exec_block_env env;
    struct td_hash randao;
    uint8_t bytes[32];
    exec_call_env_at(&env, &CHAIN, &h, &fee);
    td_keccak256(&randao, h.prev_hash.b, 32);
    exec_u256_to_be(bytes, &env.prev_randao);
    cr_expect_eq(env.number, 12);
    cr_expect_eq(env.timestamp, 5);
    cr_expect_eq(env.chain_id, 4242);
    cr_expect_eq(env.gas_limit, 3000000);
    cr_expect_eq(env.base_fee.w[0], 77);
    cr_expect_eq(env.coinbase.b[0], 0xfe);
    cr_expect_eq(env.prices.native_per_gas, 9);
    cr_expect_arr_eq(bytes, randao.b, 32);
    cr_expect(env.history);
}

/* The parent of a pending block is not in the ring until that block begins. */
Test(executor_call, a_pending_block_knows_its_parent)
{
    struct exec_cursor c = {
        .number = 30, .block_hash = {{[31] = 0x99}}, .base_fee = exec_u256_of(5)};
    world_put_code(w, 0x100, "30 BLOCKHASH NUMBER ADD ret");
    exec_call_env_next(&w->block, &CHAIN, &c, 8000);
    cr_expect_eq(w->block.number, 31);
    cr_expect_eq(w->block.timestamp, 8);
    cr_expect_eq(w->block.base_fee.w[0], 5);
    w->block.prices = (struct exec_prices){0};
    struct exec_call_at at = at_of(w);
    struct exec_tx tx = call_of(0x100);
    struct exec_call_result r;
    cr_assert_eq(exec_call(&at, &tx, &r), TD_OK);
    cr_expect_eq(number(&r), 31);
    at = at_of(w);
    at.parent_hash = &c.block_hash;
    cr_assert_eq(exec_call(&at, &tx, &r), TD_OK);
    cr_expect_eq(number(&r), 31 + 0x99);
}

/* ---- errors are not answers */

Test(executor_call, errors_of_reader_and_arenas_are_returned)
{
    world_put_code(w, 0x100, "0 SLOAD ret");
    struct exec_call_at at = at_of(w);
    struct exec_tx tx = call_of(0x100);
    struct exec_call_result r;
    w->slot_error = TD_E_IO;
    cr_expect_eq(exec_call(&at, &tx, &r), TD_E_IO);
    w->slot_error = TD_OK;
    at = at_of(w);
    size_t cap = w->state_arena.cap;
    for (size_t few = 0; few < 4096; few += 64) {
        td_arena_reset(&w->state_arena);
        w->state_arena.cap = few;
        cr_expect_eq(exec_call(&at, &tx, &r), TD_E_NOSPACE);
    }
    w->state_arena.cap = cap;
}

struct steps {
    uint32_t steps, frames;
};

static void on_step(void *self, const struct exec_trace_step *step)
{
    (void)step;
    ((struct steps *)self)->steps++;
}

static void on_enter(void *self, const struct exec_message *msg)
{
    (void)msg;
    ((struct steps *)self)->frames++;
}

static void on_leave(void *self, const struct exec_message *msg, const struct exec_outcome *out)
{
    (void)self;
    (void)msg;
    (void)out;
}

Test(executor_call, a_tracer_is_told)
{
    struct steps seen = {0};
    struct exec_tracer tracer = {&seen, on_step, on_enter, on_leave};
    world_put_code(w, 0x100, "0 0 0 0 0 0x200 GAS CALL ret");
    world_put_code(w, 0x200, "STOP");
    struct exec_call_at at = at_of(w);
    struct exec_tx tx = call_of(0x100);
    struct exec_call_result r;
    at.tracer = &tracer;
    cr_assert_eq(exec_call(&at, &tx, &r), TD_OK);
    cr_expect_eq(number(&r), 1);
    cr_expect_eq(seen.frames, 2);
    cr_expect_eq(seen.steps, 8 + 5 + 1); /* ret is five */
}
