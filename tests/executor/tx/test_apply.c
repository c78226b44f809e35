/* executor/tx/apply: who pays what, who is refused, what stays when a run fails.
 * Method: a small world of accounts with hand-assembled code; gas worked out by hand from the EIPs,
 * so that each figure below is a sum with its reasons. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "executor/tx/tx_internal.h"

#define ARENA_BYTES (8u << 20)
#define WORLD 8u

static uint8_t STATE_MEM[ARENA_BYTES], VM_MEM[ARENA_BYTES];

static const struct td_addr ALICE = {{0xa1}}, BOB = {{0xb0}}, CODE = {{0xc0}}, BASE = {{0xcb}};

struct world {
    uint32_t count;
    struct td_addr addr[WORLD];
    struct exec_account account[WORLD];
    struct td_bytes code[WORLD];
    struct exec_u256 slots; /* every slot of CODE starts so */
    struct td_arena state_arena, vm_arena;
    struct exec_block_env env;
    struct exec_vm vm;
};

static enum td_error read_account(void *self, const struct td_addr *a, struct exec_account *out)
{
    const struct world *w = self;
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    for (uint32_t i = 0; i < w->count; i++)
        if (td_addr_eq(a, &w->addr[i]))
            *out = w->account[i];
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *a, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    const struct world *w = self;
    (void)slot;
    *out = td_addr_eq(a, &CODE) ? w->slots : exec_u256_of(0);
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *h, struct td_bytes *out)
{
    const struct world *w = self;
    for (uint32_t i = 0; i < w->count; i++)
        if (td_hash_eq(h, &w->account[i].code_hash)) {
            *out = w->code[i];
            return TD_OK;
        }
    return TD_E_NOTFOUND;
}

static struct exec_account *put(struct world *w, const struct td_addr *a, uint64_t wei,
                                const char *code, size_t len)
{
    struct exec_account *x = &w->account[w->count];
    *x = (struct exec_account){.balance = exec_u256_of(wei), .code_hash = EXEC_EMPTY_CODE_HASH};
    if (len > 0) {
        td_keccak256(&x->code_hash, code, len);
        x->code_bytes = (uint32_t)len;
        x->nonce = 1;
    }
    w->addr[w->count] = *a;
    w->code[w->count++] = td_bytes_of(code, len);
    return x;
}

/* Alice has 10^18 wei; CODE has `code`; the base fee is 7. */
static struct world *world(const char *code, size_t len)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    put(&w, &ALICE, 1000000000000000000u, NULL, 0);
    put(&w, &CODE, 0, code, len);
    w.env = (struct exec_block_env){.chain_id = 1,
                                    .number = 1,
                                    .gas_limit = 30000000,
                                    .base_fee = exec_u256_of(7),
                                    .coinbase = BASE};
    return &w;
}

static void begin(struct world *w)
{
    struct exec_reader reader = {w, read_account, read_slot, read_code};
    td_arena_init(&w->state_arena, STATE_MEM, sizeof STATE_MEM);
    td_arena_init(&w->vm_arena, VM_MEM, sizeof VM_MEM);
    void *region = td_arena_get(&w->state_arena, exec_state_footprint(), 16);
    w->vm = (struct exec_vm){.state = exec_state_init(region, &w->state_arena, &reader),
                             .block = &w->env,
                             .arena = &w->vm_arena};
}

/* To CODE, cap 20, tip 2: the price is 9. */
static struct exec_tx call(uint64_t gas)
{
    return (struct exec_tx){.type = 2,
                            .has_chain_id = true,
                            .chain_id = 1,
                            .gas_limit = gas,
                            .fee_cap = {{20}},
                            .tip_cap = {{2}},
                            .to = CODE,
                            .sender = ALICE};
}

static enum exec_tx_verdict apply(struct world *w, const struct exec_tx *tx, struct exec_receipt *r)
{
    begin(w);
    return exec_tx_apply(&w->vm, tx, w->env.gas_limit, UINT64_MAX, r);
}

static uint64_t balance(struct world *w, const struct td_addr *a)
{
    return exec_state_get(w->vm.state, a)->balance.w[0];
}

static uint64_t slot(struct world *w, uint64_t key)
{
    struct exec_u256 k = exec_u256_of(key), v;
    exec_state_peek(w->vm.state, &CODE, &k, &v);
    return v.w[0];
}

/* Run to CODE with `gas`, which must be accepted; returns gas used. */
static uint64_t used(struct world *w, uint64_t gas, struct exec_receipt *r)
{
    struct exec_tx tx = call(gas);
    cr_assert_eq(apply(w, &tx, r), EXEC_TX_OK);
    cr_assert_eq(r->err, TD_OK);
    return r->gas_used;
}

#define CODED(bytes) world(bytes, sizeof(bytes) - 1)
#define ETHER 1000000000000000000u

/* ---- fees */

Test(executor_tx_apply, a_transfer_pays_base_fee_and_tip)
{
    struct world *w = world(NULL, 0);
    struct exec_receipt r;
    struct exec_tx tx = call(50000);
    tx.to = BOB;
    tx.value = exec_u256_of(1234);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(r.success);
    cr_expect_eq(r.gas_used, 21000);
    cr_expect_eq(balance(w, &ALICE), ETHER - 1234 - 21000 * 9);
    cr_expect_eq(balance(w, &BOB), 1234);
    cr_expect_eq(balance(w, &BASE), 21000 * 2);
    cr_expect_eq(exec_state_get(w->vm.state, &ALICE)->nonce, 1);
    cr_expect_eq(r.type, 2);
}

Test(executor_tx_apply, the_cap_cuts_the_tip)
{
    struct world *w = world(NULL, 0);
    struct exec_receipt r;
    struct exec_tx tx = call(21000);
    tx.tip_cap = exec_u256_of(15); /* 7 + 15 > 20: the tip is 13 */
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(balance(w, &ALICE), ETHER - 21000 * 20);
    cr_expect_eq(balance(w, &BASE), 21000 * 13);
}

/* PUSH0 PUSH0 SSTORE of a slot that was 3: 4 + 2,100 + 2,900; back 4,800 (EIP-3529). */
Test(executor_tx_apply, refund_below_its_cap)
{
    struct world *w = CODED("\x5f\x5f\x55");
    struct exec_receipt r;
    w->slots = exec_u256_of(3);
    cr_expect_eq(used(w, 100000, &r), 26004 - 4800);
    cr_expect_eq(slot(w, 0), 0);
}

/* The same and slot 1 with PUSH1: 31,009; a fifth of it is less than 9,600. */
Test(executor_tx_apply, refund_at_its_cap)
{
    struct world *w = CODED("\x5f\x5f\x55\x5f\x60\x01\x55");
    struct exec_receipt r;
    w->slots = exec_u256_of(3);
    cr_expect_eq(used(w, 100000, &r), 31009 - 31009 / 5);
}

/* EIP-7623: 1,000 non-zero bytes: 37,000 of intrinsic gas, 61,000 of floor. */
Test(executor_tx_apply, calldata_floor)
{
    static uint8_t data[1000];
    struct world *w = world(NULL, 0);
    struct exec_receipt r;
    struct exec_tx tx = call(100000);
    memset(data, 1, sizeof data);
    tx.data = td_bytes_of(data, sizeof data);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.gas_used, 61000);
    cr_expect_eq(balance(w, &ALICE), ETHER - 61000 * 9);
}

/* ---- what is warm */

Test(executor_tx_apply, coinbase_and_access_list_are_warm)
{
    struct world *w = CODED("\x41\x31"); /* COINBASE BALANCE: 2 + 100 (EIP-3651) */
    struct exec_receipt r;
    cr_expect_eq(used(w, 100000, &r), 21102);
    w = CODED("\x5f\x54"); /* PUSH0 SLOAD: 2 + 2,100 */
    cr_expect_eq(used(w, 100000, &r), 23102);
    struct exec_u256 zero = exec_u256_of(0);
    struct exec_access access = {.addr = CODE, .slot_count = 1, .slots = &zero};
    struct exec_tx tx = call(100000);
    tx.access = &access;
    tx.access_count = 1;
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.gas_used, 21000 + 2400 + 1900 + 102);
    w = CODED("\x60\x11\x31"); /* BALANCE of precompile 0x11 */
    cr_expect_eq(used(w, 100000, &r), 21103);
}

/* ---- runs that fail */

Test(executor_tx_apply, a_revert_returns_value_and_gas_but_not_the_nonce)
{
    struct world *w = CODED("\x60\xaa\x5f\x52\x60\x20\x5f\xfd"); /* revert(0, 32) of 0xaa */
    struct exec_receipt r;
    struct exec_tx tx = call(100000);
    tx.value = exec_u256_of(5);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.status, EXEC_REVERT);
    cr_expect_not(r.success);
    cr_expect_eq(r.output.len, 32);
    cr_expect_eq(r.output.ptr[31], 0xaa);
    cr_expect_lt(r.gas_used, 21100);
    cr_expect_eq(balance(w, &CODE), 0);
    cr_expect_eq(balance(w, &ALICE), ETHER - r.gas_used * 9);
    cr_expect_eq(exec_state_get(w->vm.state, &ALICE)->nonce, 1);
}

Test(executor_tx_apply, an_exceptional_halt_takes_all_gas)
{
    struct world *w = CODED("\xfe");
    struct exec_receipt r;
    cr_expect_eq(used(w, 100000, &r), 100000);
    cr_expect_eq(r.status, EXEC_BAD_OPCODE);
}

/* ---- creation */

Test(executor_tx_apply, creation_installs_what_init_code_returns)
{
    /* MSTORE8(0, 1), RETURN(0, 1): one byte of code, 0x01. */
    struct world *w = world(NULL, 0);
    struct exec_receipt r;
    struct exec_tx tx = call(100000);
    tx.is_create = true;
    tx.to = (struct td_addr){{0}};
    tx.data = td_bytes_of("\x60\x01\x5f\x53\x60\x01\x5f\xf3", 8);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(r.success);
    cr_expect(td_bytes_eq(exec_state_code(w->vm.state, &r.created), td_bytes_of("\x01", 1)));
    cr_expect_eq(exec_state_get(w->vm.state, &r.created)->nonce, 1);
    /* 53,000, eight bytes (one is... none is zero) 128, one word 2, run 2 * 3 + 2 + 6 + 3 + 2, 200
     */
    cr_expect_eq(r.gas_used, 53000 + 8 * 16 + 2 + (3 + 2 + 3 + 3 + 3 + 2) + 200);
}

/* EIP-6780: init code that destroys itself: SSTORE(0, 1), SELFDESTRUCT(ADDRESS). */
Test(executor_tx_apply, what_is_created_and_destroyed_is_gone)
{
    struct world *w = world(NULL, 0);
    struct exec_receipt r;
    struct exec_tx tx = call(200000);
    tx.is_create = true;
    tx.value = exec_u256_of(77);
    tx.data = td_bytes_of("\x60\x01\x5f\x55\x30\xff", 6);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_assert(r.success);
    cr_expect(exec_state_is_empty(w->vm.state, &r.created));
    cr_expect_eq(balance(w, &ALICE), ETHER - 77 - r.gas_used * 9);
}

/* ---- verdicts */

static enum exec_tx_verdict refused(struct world *w, const struct exec_tx *tx, uint64_t block_gas,
                                    uint64_t block_native)
{
    struct exec_receipt r;
    begin(w);
    enum exec_tx_verdict v = exec_tx_apply(&w->vm, tx, block_gas, block_native, &r);
    if (v != EXEC_TX_OK) { /* nothing changed */
        cr_expect_eq(balance(w, &ALICE), ETHER);
        cr_expect_eq(balance(w, &BASE), 0);
        cr_expect_eq(exec_state_get(w->vm.state, &ALICE)->nonce, w->account[0].nonce);
        cr_expect_eq(exec_state_tx_pubdata(w->vm.state), 0);
        cr_expect_eq(r.gas_used, 0);
    }
    return v;
}

Test(executor_tx_apply, each_verdict)
{
    const uint64_t all = UINT64_MAX;
    struct world *w = world(NULL, 0);
    struct exec_tx tx = call(21000);
    w->account[0].nonce = 5;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_NONCE_TOO_LOW);
    tx.nonce = 6;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_NONCE_TOO_HIGH);
    tx.nonce = 5;
    cr_expect_eq(refused(w, &tx, 20999, all), EXEC_TX_BLOCK_GAS);
    cr_expect_eq(refused(w, &tx, 21000, all), EXEC_TX_OK);
    tx.fee_cap = exec_u256_of(6);
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_FEE_CAP_TOO_LOW);
    tx.fee_cap = exec_u256_of(7);
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_OK);
    w->account[0].nonce = tx.nonce = UINT64_MAX;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_NONCE_MAX);
}

/* The balance must cover gas_limit * fee_cap + value, of which no part may wrap. */
Test(executor_tx_apply, funds)
{
    static const struct exec_u256 MAX = {{~0ull, ~0ull, ~0ull, ~0ull}};
    const uint64_t all = UINT64_MAX;
    struct world *w = world(NULL, 0);
    struct exec_tx tx = call(21000);
    tx.to = BOB;
    tx.value = exec_u256_of(ETHER - 21000 * 20);
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_OK);
    tx.value.w[0]++;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_INSUFFICIENT_FUNDS);
    tx.value = MAX;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_INSUFFICIENT_FUNDS);
    tx.value = exec_u256_of(0);
    tx.fee_cap = MAX;
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_INSUFFICIENT_FUNDS);
    tx.fee_cap = (struct exec_u256){{0, 0, 0, 1ull << 63}}; /* 21,000 is even: the low part is 0 */
    cr_expect_eq(refused(w, &tx, all, all), EXEC_TX_INSUFFICIENT_FUNDS);
}

Test(executor_tx_apply, senders_have_no_code_but_a_delegation)
{
    static const char delegation[] = "\xef\x01\x00"
                                     "\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct world *w = CODED("\x00");
    struct exec_tx tx = call(50000);
    struct exec_receipt r;
    w->account[0].code_hash = w->account[1].code_hash;
    w->account[0].code_bytes = 1;
    cr_expect_eq(refused(w, &tx, UINT64_MAX, UINT64_MAX), EXEC_TX_SENDER_NOT_EOA);
    w = CODED("\x00");
    struct exec_account *a = &w->account[0];
    td_keccak256(&a->code_hash, delegation, 23);
    a->code_bytes = 23;
    w->code[0] = td_bytes_of(delegation, 23);
    cr_expect_eq(apply(w, &tx, &r), EXEC_TX_OK);
}

/* ---- EIP-7702 */

static struct exec_tx delegating(struct exec_authorization *auth, uint32_t count)
{
    struct exec_tx tx = call(500000);
    tx.type = 4;
    tx.to = BOB;
    tx.auth = auth;
    tx.auth_count = count;
    return tx;
}

static bool delegates(struct world *w, const struct td_addr *who, const struct td_addr *to)
{
    struct td_bytes c = exec_state_code(w->vm.state, who);
    return c.len == 23 && memcmp(c.ptr, "\xef\x01\x00", 3) == 0 &&
           memcmp(c.ptr + 3, to->b, 20) == 0;
}

Test(executor_tx_apply, authorizations_that_apply_and_that_are_skipped)
{
    static const struct td_addr FRESH = {{1, 1}}, RICH = {{2, 2}};
    struct exec_authorization auth[] = {
        {.chain_id = {{1}}, .addr = CODE, .has_authority = true, .authority = FRESH},
        {.chain_id = {{0}}, .addr = CODE, .has_authority = true, .authority = RICH},
        /* its nonce is 1 by now */
        {.chain_id = {{1}}, .addr = BOB, .has_authority = true, .authority = FRESH},
        {.chain_id = {{2}}, .addr = BOB, .nonce = 1, .has_authority = true, .authority = RICH},
        {.chain_id = {{1, 1}}, .addr = BOB, .nonce = 1, .has_authority = true, .authority = RICH},
        {.chain_id = {{1}}, .addr = BOB, .nonce = 1, .has_authority = true, .authority = CODE},
        {.chain_id = {{1}}, .addr = BOB, .has_authority = false, .authority = BASE},
        {.addr = BOB, .nonce = UINT64_MAX, .has_authority = true, .authority = BASE},
    };
    struct world *w = CODED("\x00");
    struct exec_receipt r;
    put(w, &RICH, 1, NULL, 0);
    struct exec_tx tx = delegating(auth, sizeof auth / sizeof auth[0]);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(delegates(w, &FRESH, &CODE));
    cr_expect(delegates(w, &RICH, &CODE));
    cr_expect_eq(exec_state_get(w->vm.state, &FRESH)->nonce, 1);
    cr_expect_eq(exec_state_get(w->vm.state, &RICH)->nonce, 1);
    cr_expect_eq(exec_state_get(w->vm.state, &CODE)->nonce, 1);
    cr_expect_eq(exec_state_get(w->vm.state, &BASE)->nonce, 0);
    /* Only RICH existed: one refund. */
    cr_expect_eq(r.gas_used, 21000 + 8 * 25000 - 12500);
}

Test(executor_tx_apply, a_delegation_to_zero_clears_and_the_sender_may_authorize_itself)
{
    struct exec_authorization auth[] = {
        {.addr = CODE, .nonce = 1, .has_authority = true, .authority = ALICE},
        {.addr = {{0}}, .nonce = 2, .has_authority = true, .authority = ALICE},
    };
    struct world *w = CODED("\x00");
    struct exec_receipt r;
    struct exec_tx tx = delegating(auth, 1);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(delegates(w, &ALICE, &CODE));
    tx = delegating(auth, 2);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(exec_state_code(w->vm.state, &ALICE).len, 0);
    cr_expect_eq(exec_state_get(w->vm.state, &ALICE)->nonce, 3);
    cr_expect_eq(r.gas_used, 71000 - 71000 / 5); /* two refunds of 12,500, capped */
}

Test(executor_tx_apply, delegations_outlive_a_failed_run)
{
    struct exec_authorization auth[] = {{.addr = CODE, .has_authority = true, .authority = BOB}};
    struct world *w = CODED("\xfe");
    struct exec_receipt r;
    struct exec_tx tx = delegating(auth, 1);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK); /* BOB runs CODE, which fails */
    cr_expect_eq(r.status, EXEC_BAD_OPCODE);
    cr_expect(delegates(w, &BOB, &CODE));
}

/* ---- the two extra prices */

/* A loop for ever: five native units a gas do not pay for it. */
Test(executor_tx_apply, out_of_native_takes_all_gas_and_undoes_the_run)
{
    struct world *w = CODED("\x60\x01\x5f\x55\x5b\x60\x04\x56"); /* SSTORE(0, 1) first */
    struct exec_receipt r;
    w->env.prices.native_per_gas = 5;
    struct exec_tx tx = call(100000);
    tx.value = exec_u256_of(9);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.status, EXEC_OUT_OF_NATIVE);
    cr_expect_eq(r.gas_used, 100000);
    cr_expect_eq(r.native_used, 500000);
    cr_expect_eq(slot(w, 0), 0);
    cr_expect_eq(balance(w, &CODE), 0);
    cr_expect_eq(balance(w, &ALICE), ETHER - 100000 * 9);
    cr_expect_eq(exec_state_get(w->vm.state, &ALICE)->nonce, 1);
}

/* Units that do not cover what a transaction names: it is not looked at. */
Test(executor_tx_apply, delegations_that_native_units_do_not_cover_are_not_made)
{
    struct exec_authorization auth[] = {{.addr = CODE, .has_authority = true, .authority = BOB}};
    struct world *w = CODED("\x00");
    struct exec_receipt r;
    struct exec_tx tx = delegating(auth, 1);
    w->env.prices.tx_native_max = EXEC_NATIVE_APPLY + EXEC_NATIVE_AUTHORIZATION - 1u;
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.status, EXEC_OUT_OF_NATIVE);
    cr_expect_eq(r.gas_used, tx.gas_limit);
    cr_expect_eq(r.native_used, w->env.prices.tx_native_max);
    cr_expect_not(delegates(w, &BOB, &CODE));
    w = CODED("\x00");
    w->env.prices.tx_native_max = EXEC_NATIVE_APPLY + EXEC_NATIVE_AUTHORIZATION;
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(delegates(w, &BOB, &CODE));
}

/* Thirty MULMODs: 8 gas each, thousands of native units. */
Test(executor_tx_apply, native_use_raises_the_gas_used)
{
    static char code[30 * 5];
    struct exec_receipt r, free;
    for (uint32_t i = 0; i < 30; i++)
        memcpy(code + 5 * i, "\x5f\x5f\x5f\x09\x50", 5);
    struct world *w = world(code, sizeof code);
    uint64_t gas = used(w, 3000000, &free);
    cr_expect_eq(gas, 21000 + 30 * (2 + 2 + 2 + 8 + 2));
    cr_assert_gt(free.native_used, 100000);
    w->env.prices.native_per_gas = 1000;
    cr_expect_eq(used(w, 3000000, &r), gas, "gas is the larger");
    cr_expect_eq(r.native_used, free.native_used);
    for (uint64_t per = 1; per < 4; per++) {
        w->env.prices.native_per_gas = per;
        uint64_t want = (free.native_used + per - 1) / per;
        cr_assert_gt(want, gas);
        cr_expect_eq(used(w, 3000000, &r), want);
        cr_expect_eq(balance(w, &ALICE), ETHER - want * 9);
    }
}

Test(executor_tx_apply, native_caps)
{
    struct world *w = CODED("\x00");
    struct exec_tx tx = call(50000);
    w->env.prices = (struct exec_prices){.native_per_gas = 100, .tx_native_max = 2000000};
    cr_expect_eq(refused(w, &tx, UINT64_MAX, 1999999), EXEC_TX_BLOCK_NATIVE);
    cr_expect_eq(refused(w, &tx, UINT64_MAX, 2000000), EXEC_TX_OK);
    tx.gas_limit = 21000; /* 2,100,000 native paid for, the cap is less; then with a lower price */
    w->env.prices.native_per_gas = 10;
    cr_expect_eq(refused(w, &tx, UINT64_MAX, 209999), EXEC_TX_BLOCK_NATIVE);
    cr_expect_eq(refused(w, &tx, UINT64_MAX, 210000), EXEC_TX_OK);
    w->env.prices = (struct exec_prices){0};
    cr_expect_eq(refused(w, &tx, UINT64_MAX, 1000000), EXEC_TX_OK);
}

/* SSTORE(0, 1) of a fresh slot: 21,000 + 5 + 22,100, and its bytes. */
Test(executor_tx_apply, pubdata_is_paid_or_everything_reverts)
{
    struct world *w = CODED("\x60\x01\x5f\x55");
    struct exec_receipt r;
    w->env.prices.gas_per_pubdata_byte = 10;
    uint64_t gas = used(w, 200000, &r);
    cr_expect_gt(r.pubdata_bytes, EXEC_PUBDATA_SLOT_KEY_BYTES);
    cr_expect_eq(gas, 43105 + 10 * r.pubdata_bytes);
    cr_expect_eq(slot(w, 0), 1);
    cr_expect_eq(used(w, gas, &r), gas);
    cr_expect_eq(slot(w, 0), 1);
    cr_expect_eq(used(w, gas - 1, &r), gas - 1);
    cr_expect_eq(r.status, EXEC_OUT_OF_GAS);
    cr_expect_not(r.success);
    cr_expect_eq(slot(w, 0), 0);
    cr_expect_eq(balance(w, &ALICE), ETHER - (gas - 1) * 9);
    w->env.prices.gas_per_pubdata_byte = UINT64_MAX; /* saturates, does not wrap */
    cr_expect_eq(used(w, 200000, &r), 200000);
}

/* The whole balance buys gas at 20 wei; what comes back makes it three bytes long again. */
Test(executor_tx_apply, what_a_sender_gets_back_counts_as_published)
{
    struct world *w = CODED("");
    struct exec_receipt r;
    struct exec_tx tx = call(100000);
    tx.tip_cap = tx.fee_cap;
    w->account[0].balance = exec_u256_of(20 * 100000);
    begin(w);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(balance(w, &ALICE), 20 * (100000 - 21000));
    cr_expect_eq(r.pubdata_bytes, EXEC_PUBDATA_LEAF_BYTES + 1 + 3, "index, nonce, balance");
    /* It counts with as many bytes as it had before, around each place where one more is needed. */
    static const struct exec_u256 balances[] = {{{2000001}},
                                                {{2000255}},
                                                {{2000256}},
                                                {{(1 << 24) - 1}},
                                                {{1 << 24}},
                                                {{(1 << 24) + 1999999}},
                                                {{UINT64_MAX}},
                                                {{0, 1}},
                                                {{1999999, 1}},
                                                {{1999999, 0x100}},
                                                {{2000000, 1}},
                                                {{UINT64_MAX, 1}},
                                                {{0, 1ull << 63, 0, 0}},
                                                {{0, 0, 1}},
                                                {{1, 0, 0, 1}},
                                                {{1999999, UINT64_MAX, UINT64_MAX, 1}},
                                                {{0, 0, 0, 1ull << 56}},
                                                {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}};
    for (size_t i = 0; i < sizeof balances / sizeof balances[0]; i++) {
        w->account[0].balance = balances[i];
        begin(w);
        cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
        cr_expect_eq(r.pubdata_bytes,
                     EXEC_PUBDATA_LEAF_BYTES + 1 + exec_u256_byte_length(&balances[i]), "row %zu",
                     i);
    }
    w->account[0].da_off = true;
    begin(w);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.pubdata_bytes, 0);
}

/* ---- deposits */

static struct exec_tx deposit(uint64_t gas, uint64_t wei)
{
    return (struct exec_tx){.type = EXEC_TX_DEPOSIT,
                            .gas_limit = gas,
                            .to = CODE,
                            .sender = BOB,
                            .value = exec_u256_of(wei),
                            .mint = exec_u256_of(wei)};
}

Test(executor_tx_apply, deposits_mint_and_owe_nothing)
{
    struct world *w = CODED("\x00");
    struct exec_receipt r;
    struct exec_tx tx = deposit(100000, 500);
    cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
    cr_expect(r.success);
    cr_expect_eq(balance(w, &CODE), 500);
    cr_expect_eq(balance(w, &BOB), 0);
    cr_expect_eq(balance(w, &BASE), 0);
    cr_expect_eq(exec_state_get(w->vm.state, &BOB)->nonce, 1);
    cr_expect_eq(r.gas_used, 21000);
    cr_expect_eq(r.type, EXEC_TX_DEPOSIT);
}

Test(executor_tx_apply, a_failed_deposit_keeps_the_mint)
{
    static const struct {
        const char *code;
        size_t len;
        uint64_t gas;
        enum exec_status status;
    } cases[] = {{"\x5f\x5f\xfd", 3, 100000, EXEC_REVERT},
                 {"\xfe", 1, 100000, EXEC_BAD_OPCODE},
                 {"\x00", 1, 20999, EXEC_OUT_OF_GAS},
                 {"\x00", 1, 0, EXEC_OUT_OF_GAS},
                 {"\x5b\x5f\x56", 3, 1000000, EXEC_OUT_OF_NATIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world(cases[i].code, cases[i].len);
        struct exec_receipt r;
        struct exec_tx tx = deposit(cases[i].gas, 500);
        w->env.prices.native_per_gas = i == 4 ? 1 : 0;
        cr_assert_eq(apply(w, &tx, &r), EXEC_TX_OK);
        cr_expect_eq(r.status, cases[i].status, "case %zu: %s", i, exec_status_text(r.status));
        cr_expect_eq(balance(w, &BOB), 500);
        cr_expect_eq(balance(w, &CODE), 0);
        cr_expect_eq(exec_state_get(w->vm.state, &BOB)->nonce, 1);
        cr_expect_leq(r.gas_used, cases[i].gas);
    }
}

/* Whatever the block has left: nothing refuses a deposit. */
Test(executor_tx_apply, a_deposit_has_no_verdict_but_ok)
{
    struct world *w = CODED("\x00");
    struct exec_receipt r;
    struct exec_tx tx = deposit(100000, 1);
    w->env.prices = (struct exec_prices){.native_per_gas = 100, .tx_native_max = 1000000};
    begin(w);
    cr_expect_eq(exec_tx_apply(&w->vm, &tx, 0, 0, &r), EXEC_TX_OK);
    cr_expect_eq(balance(w, &BOB) + balance(w, &CODE), 1);
}

/* ---- calls without a signature */

/* Without a price the base fee is the caller's to clear (executor/call.h does). */
Test(executor_tx_apply, calls_need_no_nonce_and_no_gas_money)
{
    struct world *w = CODED("\x34\x5f\x52\x60\x20\x5f\xf3"); /* returns CALLVALUE */
    struct exec_receipt r;
    struct exec_tx tx = call(100000);
    tx.sender = BOB;
    tx.nonce = 99;
    tx.fee_cap = tx.tip_cap = exec_u256_of(0);
    w->env.base_fee = exec_u256_of(0);
    tx.value = exec_u256_of(17);
    begin(w);
    cr_expect_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_INSUFFICIENT_FUNDS);
    put(w, &BOB, 17, NULL, 0);
    begin(w);
    cr_expect_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_OK);
    cr_expect(r.success);
    cr_assert_eq(r.output.len, 32);
    cr_expect_eq(r.output.ptr[31], 17);
    cr_expect_eq(balance(w, &BASE), 0);
    /* CALLVALUE, PUSH0, MSTORE, PUSH1, PUSH0, RETURN and a word of memory */
    cr_expect_eq(r.gas_used, 21000 + 2 + 2 + 3 + 3 + 3 + 2);
    tx.gas_limit = 20000;
    begin(w);
    cr_expect_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_OK);
    cr_expect_eq(r.status, EXEC_OUT_OF_GAS);
    cr_expect_eq(r.gas_used, 20000);
}

/* With one it is a transaction's: cap 20, tip 2, base fee 7. */
Test(executor_tx_apply, calls_with_a_price_buy_gas)
{
    struct world *w = CODED("\x33\x31\x5f\x52\x60\x20\x5f\xf3"); /* CALLER's BALANCE */
    struct exec_receipt r;
    struct exec_u256 seen;
    struct exec_tx tx = call(100000);
    begin(w);
    cr_assert_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_OK);
    cr_assert_eq(r.output.len, 32);
    exec_u256_from_be(&seen, r.output.ptr, 32);
    cr_expect_eq(seen.w[0], ETHER - 100000 * 9);
    cr_expect_eq(balance(w, &ALICE), ETHER - r.gas_used * 9);
    cr_expect_eq(balance(w, &BASE), r.gas_used * 2);
    tx.fee_cap = exec_u256_of(6);
    begin(w);
    cr_expect_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_FEE_CAP_TOO_LOW);
    tx.fee_cap = exec_u256_of(ETHER / 100000 + 1);
    begin(w);
    cr_expect_eq(exec_tx_call(&w->vm, &tx, &r), EXEC_TX_INSUFFICIENT_FUNDS);
}

/* ---- logs */

Test(executor_tx_apply, logs_come_with_the_receipt_unless_reverted)
{
    struct world *w = CODED("\x60\x07\x60\x03\x5f\xa1"); /* LOG1 of 3 bytes, topic 7 */
    struct exec_receipt r;
    used(w, 100000, &r);
    cr_assert_eq(r.log_count, 1);
    cr_expect_eq(r.logs[0].topic[0].b[31], 7);
    cr_expect_eq(r.logs[0].data.len, 3);
    cr_expect(td_addr_eq(&r.logs[0].addr, &CODE));
    w = CODED("\x60\x07\x60\x03\x5f\xa1\xfe");
    used(w, 100000, &r);
    cr_expect_eq(r.log_count, 0);
}
