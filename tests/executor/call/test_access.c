/* executor/call: eth_createAccessList.  Goal: everything touched that is not warm anyway, also in
 * reverted frames, and the list settles. */
#include <criterion/criterion.h>

#include "executor/system.h"
#include "tests/executor/call/at.h"

static struct world *w;

static void setup(void)
{
    w = world_new();
}

static void teardown(void)
{
    world_free(w);
}

TestSuite(executor_access, .init = setup, .fini = teardown);

static struct exec_access_result list_of(const struct exec_tx *tx)
{
    struct exec_call_at at = at_of(w);
    struct exec_access_result r;
    cr_assert_eq(exec_access_list(&at, tx, &r), TD_OK);
    cr_assert_eq(r.call.verdict, EXEC_TX_OK);
    return r;
}

static const struct exec_access *entry(const struct exec_access_result *r, uint64_t addr)
{
    struct td_addr a = world_addr(addr);
    for (uint32_t i = 0; i < r->count; i++)
        if (td_addr_eq(&r->list[i].addr, &a))
            return &r->list[i];
    return NULL;
}

Test(executor_access, a_plain_transfer_needs_none)
{
    struct exec_tx tx = call_of(0x55);
    tx.value = exec_u256_of(1);
    struct exec_access_result r = list_of(&tx);
    cr_expect_eq(r.count, 0);
    cr_expect(r.settled);
    cr_expect_eq(r.call.receipt.gas_used, 21000);
}

Test(executor_access, touched_accounts_and_slots)
{
    world_put_code(w, 0x200, "3 SLOAD 4 SSTORE"); /* 4 := [3] */
    world_put_code(w, 0x100,
                   "9 SLOAD POP 0x300 BALANCE POP 4 BALANCE POP"
                   " 0 0 0 0 0 0x200 GAS CALL");
    struct exec_tx tx = call_of(0x100);
    struct exec_access_result r = list_of(&tx);
    cr_expect(r.settled);
    cr_assert_eq(r.count, 3);
    cr_assert_not_null(entry(&r, 0x100)); /* the recipient is warm; its slot is not */
    cr_expect_eq(entry(&r, 0x100)->slot_count, 1);
    cr_expect_eq(entry(&r, 0x100)->slots[0].w[0], 9);
    cr_assert_not_null(entry(&r, 0x300));
    cr_expect_eq(entry(&r, 0x300)->slot_count, 0);
    cr_assert_not_null(entry(&r, 0x200));
    cr_expect_eq(entry(&r, 0x200)->slot_count, 2);
    cr_expect_eq(entry(&r, 0x200)->slots[0].w[0], 3);
    cr_expect_eq(entry(&r, 0x200)->slots[1].w[0], 4);
    /* Declared for 2,400 and 1,900 each; saved: 2,500 for an address but the recipient's, which was
     * warm, 2,000 for an SLOAD, 2,100 for the SSTORE. */
    struct exec_call_at at = at_of(w);
    struct exec_call_result without;
    cr_assert_eq(exec_call(&at, &tx, &without), TD_OK);
    cr_expect_eq(r.call.receipt.gas_used,
                 without.receipt.gas_used + 3 * (2400 + 1900) - 2 * 2500 - 2 * 2000 - 2100);
}

Test(executor_access, reverted_frames_count)
{
    world_put_code(w, 0x200, "3 SLOAD POP 0 0 REVERT");
    world_put_code(w, 0x100, "0 0 0 0 0 0x200 GAS CALL");
    struct exec_tx tx = call_of(0x100);
    struct exec_access_result r = list_of(&tx);
    cr_assert_eq(r.count, 1);
    cr_assert_not_null(entry(&r, 0x200));
    cr_expect_eq(entry(&r, 0x200)->slot_count, 1);
}

/* Takes another way when 0x300 is warm: gas of BALANCE above 1000 or not. */
Test(executor_access, repeats_until_it_settles)
{
    world_put_code(w, 0x100,
                   "GAS 0x300 BALANCE POP GAS SWAP1 SUB 1000 GT @warm JUMPI STOP"
                   " warm: 0x400 BALANCE POP");
    struct exec_tx tx = call_of(0x100);
    struct exec_access_result r = list_of(&tx);
    cr_expect(r.settled);
    cr_expect_eq(r.count, 2);
    cr_expect_not_null(entry(&r, 0x400));
}

/* Warm itself: sender, coinbase, a contract made by the call; and the ring BLOCKHASH reads. */
Test(executor_access, what_is_warm_anyway_is_left_out)
{
    w->block.coinbase = world_addr(0xc0);
    w->block.number = 40;
    w->block.history = true;
    world_put_code(w, 0x100,
                   "CALLER BALANCE POP COINBASE BALANCE POP 39 BLOCKHASH POP"
                   " 0 0 0 CREATE EXTCODESIZE POP");
    struct exec_tx tx = call_of(0x100);
    cr_expect_eq(list_of(&tx).count, 0);
    struct td_hash parent = {{1}};
    struct exec_call_at at = at_of(w);
    struct exec_access_result r;
    at.parent_hash = &parent;
    cr_assert_eq(exec_access_list(&at, &tx, &r), TD_OK);
    cr_expect_eq(r.count, 0);
}

/* The ring is an account like others for who asks about it, and then still without the slot. */
Test(executor_access, block_hashes_are_nobodys_access)
{
    w->block.number = 40;
    w->block.history = true;
    world_put_code(w, 0x100, "39 BLOCKHASH POP 0x0000F90827F1C53a10cb7A02335B175320002935 BALANCE");
    struct exec_tx tx = call_of(0x100);
    struct exec_access_result r = list_of(&tx);
    cr_assert_eq(r.count, 1);
    cr_expect(td_addr_eq(&r.list[0].addr, &EXEC_HISTORY_ADDRESS));
    cr_expect_eq(r.list[0].slot_count, 0);
}

Test(executor_access, refusals_have_no_list)
{
    struct exec_tx tx = call_of(0x100);
    struct exec_call_at at = at_of(w);
    struct exec_access_result r;
    tx.sender = world_addr(0x77);
    tx.value = exec_u256_of(1);
    cr_assert_eq(exec_access_list(&at, &tx, &r), TD_OK);
    cr_expect_eq(r.call.verdict, EXEC_TX_INSUFFICIENT_FUNDS);
    cr_expect_eq(r.count, 0);
}
