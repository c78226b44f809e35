/* executor/call: state overrides.  Goal: each kind is seen, what is not named stays, the base is
 * not written, and bounds hold.  Method: the reader is asked directly; one random list is compared
 * with a linear search. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "tests/executor/call/at.h"

static struct world *w;

static void setup(void)
{
    w = world_new();
    world_put(w, 1, 5, 500, world_code(w, "1 ret"));
    world_put_slot(w, 1, 7, 77);
    world_put_slot(w, 1, 8, 88);
}

static void teardown(void)
{
    world_free(w);
}

TestSuite(executor_overlay, .init = setup, .fini = teardown);

static uint64_t slot_of(struct exec_overlay *o, uint64_t addr, uint64_t slot)
{
    struct exec_reader r = exec_overlay_reader(o);
    struct td_addr a = world_addr(addr);
    struct exec_u256 k = exec_u256_of(slot), v;
    cr_assert_eq(r.slot(r.self, &a, &k, &v), TD_OK);
    return exec_u256_u64_or_max(&v);
}

static struct exec_account account_of(struct exec_overlay *o, uint64_t addr)
{
    struct exec_reader r = exec_overlay_reader(o);
    struct td_addr a = world_addr(addr);
    struct exec_account out;
    cr_assert_eq(r.account(r.self, &a, &out), TD_OK);
    return out;
}

static enum td_error init(struct exec_overlay *o, const struct exec_override *list, uint32_t count)
{
    return exec_overlay_init(o, &w->reader, list, count, &w->state_arena);
}

Test(executor_overlay, nothing_overridden_is_the_base)
{
    struct exec_overlay o;
    cr_assert_eq(init(&o, NULL, 0), TD_OK);
    cr_expect_eq(account_of(&o, 1).nonce, 5);
    cr_expect_eq(slot_of(&o, 1, 7), 77);
    cr_expect_eq(account_of(&o, 2).nonce, 0);
}

Test(executor_overlay, each_field_alone)
{
    struct exec_override x = {.addr = world_addr(1), .has_balance = true};
    struct exec_overlay o;
    struct exec_account base, now;
    cr_assert_eq(init(&o, NULL, 0), TD_OK);
    base = account_of(&o, 1);

    x.balance = exec_u256_of(9);
    x.nonce = 42; /* not named */
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    now = account_of(&o, 1);
    cr_expect_eq(now.balance.w[0], 9);
    cr_expect_eq(now.nonce, 5);
    cr_expect(td_hash_eq(&now.code_hash, &base.code_hash));

    x = (struct exec_override){.addr = world_addr(1), .has_nonce = true, .nonce = 42};
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    now = account_of(&o, 1);
    cr_expect_eq(now.nonce, 42);
    cr_expect_eq(now.balance.w[0], 500);
    cr_expect_eq(now.code_bytes, base.code_bytes);

    x = (struct exec_override){
        .addr = world_addr(1), .has_code = true, .code = world_code(w, "2 ret")};
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    now = account_of(&o, 1);
    struct exec_reader r = exec_overlay_reader(&o);
    struct td_bytes code;
    cr_expect_eq(now.code_bytes, x.code.len);
    cr_assert_eq(r.code(r.self, &now.code_hash, &code), TD_OK);
    cr_expect(td_bytes_eq(code, x.code));
    cr_assert_eq(r.code(r.self, &base.code_hash, &code), TD_OK); /* others may still have it */
    cr_expect_neq(code.ptr, x.code.ptr);

    x.code = td_bytes_of(NULL, 0);
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    now = account_of(&o, 1);
    cr_expect(td_hash_eq(&now.code_hash, &EXEC_EMPTY_CODE_HASH));
    cr_expect_eq(now.code_bytes, 0);
}

Test(executor_overlay, state_hides_old_slots_and_state_diff_does_not)
{
    const struct exec_override_slot slots[] = {{exec_u256_of(9), exec_u256_of(99)},
                                               {exec_u256_of(8), exec_u256_of(0)}};
    struct exec_override x = {.addr = world_addr(1), .slot_count = 2, .slots = slots};
    struct exec_overlay o;
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    cr_expect_eq(slot_of(&o, 1, 7), 77);
    cr_expect_eq(slot_of(&o, 1, 8), 0);
    cr_expect_eq(slot_of(&o, 1, 9), 99);
    cr_expect_eq(slot_of(&o, 2, 9), 0);
    x.whole_state = true;
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    cr_expect_eq(slot_of(&o, 1, 7), 0);
    cr_expect_eq(slot_of(&o, 1, 8), 0);
    cr_expect_eq(slot_of(&o, 1, 9), 99);
    x.slot_count = 0; /* an empty `state` empties it */
    cr_assert_eq(init(&o, &x, 1), TD_OK);
    cr_expect_eq(slot_of(&o, 1, 9), 0);
    cr_expect_eq(slot_of(&o, 1, 7), 0);
}

Test(executor_overlay, bounds_and_repetitions_are_refused)
{
    static struct exec_override many[EXEC_OVERRIDES_MAX + 1u];
    static struct exec_override_slot slots[EXEC_OVERRIDE_SLOTS_MAX + 1u];
    struct exec_overlay o;
    for (uint32_t i = 0; i <= EXEC_OVERRIDES_MAX; i++)
        many[i].addr = world_addr(1000 - i);
    cr_expect_eq(init(&o, many, EXEC_OVERRIDES_MAX), TD_OK);
    cr_expect_eq(init(&o, many, EXEC_OVERRIDES_MAX + 1u), TD_E_LIMIT);
    many[1].addr = many[0].addr;
    cr_expect_eq(init(&o, many, 2), TD_E_EXISTS);

    for (uint32_t i = 0; i <= EXEC_OVERRIDE_SLOTS_MAX; i++)
        slots[i].slot = exec_u256_of(i * 7919u % 65536u);
    many[0].slots = slots;
    many[0].slot_count = EXEC_OVERRIDE_SLOTS_MAX;
    cr_expect_eq(init(&o, many, 1), TD_OK);
    many[0].slot_count++;
    cr_expect_eq(init(&o, many, 1), TD_E_LIMIT);
    many[0].slot_count = 2;
    slots[1].slot = slots[0].slot;
    cr_expect_eq(init(&o, many, 1), TD_E_EXISTS);

    many[0].slot_count = 0;
    many[0].has_code = true;
    uint8_t *code = calloc(1, EXEC_OVERRIDE_CODE_BYTES_MAX + 1u);
    many[0].code = td_bytes_of(code, EXEC_OVERRIDE_CODE_BYTES_MAX + 1u);
    cr_expect_eq(init(&o, many, 1), TD_E_LIMIT);
    many[0].code.len--;
    cr_expect_eq(init(&o, many, 1), TD_OK);
    free(code);
}

Test(executor_overlay, order_does_not_matter)
{
    enum { ACCOUNTS = 40, SLOTS = 50 };
    static struct exec_override list[ACCOUNTS];
    static struct exec_override_slot slots[ACCOUNTS][SLOTS];
    struct exec_overlay o;
    struct td_rng rng;
    td_rng_init(&rng, 11);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        for (uint32_t k = 0; k < SLOTS; k++)
            slots[i][k] = (struct exec_override_slot){
                {{k * 37u % SLOTS, 0, 0, td_rng_below(&rng, 3)}}, exec_u256_of(1 + i * SLOTS + k)};
        list[i] = (struct exec_override){.addr = world_addr(2 + i * 23u % ACCOUNTS),
                                         .has_nonce = true,
                                         .nonce = i,
                                         .slot_count = SLOTS,
                                         .slots = slots[i]};
    }
    cr_assert_eq(init(&o, list, ACCOUNTS), TD_OK);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        struct exec_reader r = exec_overlay_reader(&o);
        struct exec_account a;
        struct exec_u256 v;
        cr_assert_eq(r.account(r.self, &list[i].addr, &a), TD_OK);
        cr_expect_eq(a.nonce, i);
        for (uint32_t k = 0; k < SLOTS; k++) {
            cr_assert_eq(r.slot(r.self, &list[i].addr, &slots[i][k].slot, &v), TD_OK);
            cr_expect(exec_u256_eq(&v, &slots[i][k].value));
        }
    }
}

/* Through a call: the code runs, the slots are read, and the world is as it was. */
Test(executor_overlay, a_call_sees_overrides_and_writes_nothing)
{
    const struct exec_override_slot slot = {exec_u256_of(0), exec_u256_of(1234)};
    struct exec_override x = {.addr = world_addr(0xfade),
                              .has_code = true,
                              .code = world_code(w, "5 1 SSTORE 0 SLOAD SELFBALANCE ADD ret"),
                              .has_balance = true,
                              .balance = exec_u256_of(4),
                              .slot_count = 1,
                              .slots = &slot};
    struct exec_call_at at = at_of(w);
    struct exec_tx tx = call_of(0xfade);
    struct exec_call_result r;
    uint32_t accounts = w->account_count, slots = w->slot_count;
    at.overrides = &x;
    at.override_count = 1;
    cr_assert_eq(exec_call(&at, &tx, &r), TD_OK);
    cr_assert(r.receipt.success);
    cr_assert_eq(r.receipt.output.len, 32);
    cr_expect_eq(r.receipt.output.ptr[30] * 256 + r.receipt.output.ptr[31], 1238);
    cr_expect_eq(w->account_count, accounts);
    cr_expect_eq(w->slot_count, slots);
    at = at_of(w);
    cr_assert_eq(exec_call(&at, &tx, &r), TD_OK); /* without: nobody there */
    cr_expect_eq(r.receipt.output.len, 0);
}
