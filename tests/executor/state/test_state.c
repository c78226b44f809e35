/* executor/state: what the random model does not reach.
 * Method: one situation a test: errors, memory, who is asked when, pubdata, pointers that last. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "executor/state/state_internal.h"

#define ARENA_BYTES (4u << 20)

struct source {
    uint32_t accounts, slots, codes;
    enum td_error err;
    struct exec_account account;
    struct exec_u256 slot;
};

static enum td_error read_account(void *self, const struct td_addr *a, struct exec_account *out)
{
    struct source *s = self;
    (void)a;
    s->accounts++;
    *out = s->account;
    return s->err;
}

static enum td_error read_slot(void *self, const struct td_addr *a, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    struct source *s = self;
    (void)a;
    (void)slot;
    s->slots++;
    *out = s->slot;
    return s->err;
}

static enum td_error read_code(void *self, const struct td_hash *h, struct td_bytes *out)
{
    struct source *s = self;
    (void)h;
    s->codes++;
    *out = td_bytes_of("\x60\x00", 2);
    return s->err;
}

static uint8_t MEM[ARENA_BYTES];

struct fixture {
    struct source source;
    struct td_arena arena;
    struct exec_state *s;
};

static void start(struct fixture *f, size_t arena_bytes)
{
    struct exec_reader reader = {&f->source, read_account, read_slot, read_code};
    static _Alignas(16) uint8_t region[8192];
    cr_assert_leq(exec_state_footprint(), sizeof region);
    f->source.account.code_hash = EXEC_EMPTY_CODE_HASH;
    td_arena_init(&f->arena, MEM, arena_bytes);
    f->s = exec_state_init(region, &f->arena, &reader);
    exec_state_tx_begin(f->s);
}

static struct td_addr addr(uint32_t i)
{
    struct td_addr a = {{0x77}};
    memcpy(a.b + 8, &i, sizeof i);
    return a;
}

Test(executor_state, warming_asks_nobody)
{
    struct fixture f = {0};
    struct td_addr a = addr(1);
    struct exec_u256 slot = exec_u256_of(9);
    struct exec_slot_view v;
    start(&f, ARENA_BYTES);
    cr_expect(exec_state_warm(f.s, &a));
    exec_state_warm_slot(f.s, &a, &slot);
    cr_expect_eq(f.source.accounts + f.source.slots, 0);
    cr_expect_eq(exec_state_account_count(f.s) + exec_state_slot_count(f.s), 0);
    exec_state_sload(f.s, &a, &slot, &v);
    cr_expect_not(v.was_cold);
    cr_expect_eq(f.source.slots, 1);
    cr_expect_eq(exec_state_slot_count(f.s), 1);
    struct exec_u256 x;
    struct exec_u256 other = exec_u256_of(10);
    exec_state_peek(f.s, &a, &other, &x);
    exec_state_sload(f.s, &a, &other, &v);
    cr_expect(v.was_cold, "a peek warms nothing");
    cr_expect_eq(f.source.slots, 2);
}

/* The block's own write: cold and committed for every transaction, no matter what it reverts. */
Test(executor_state, a_put_is_no_part_of_any_transaction)
{
    struct fixture f = {0};
    struct td_addr a = addr(1);
    struct exec_u256 slot = exec_u256_of(9), value = exec_u256_of(70), other = exec_u256_of(71);
    struct exec_u256 unread = exec_u256_of(10);
    struct exec_slot_view v;
    struct exec_reader reader = {&f.source, read_account, read_slot, read_code};
    static _Alignas(16) uint8_t region[8192];
    td_arena_init(&f.arena, MEM, ARENA_BYTES);
    f.s = exec_state_init(region, &f.arena, &reader);
    exec_state_put(f.s, &a, &slot, &value);
    exec_state_put(f.s, &a, &unread, &value);
    cr_expect_eq(f.source.slots, 2);
    exec_state_tx_begin(f.s);
    cr_expect_eq(exec_state_tx_pubdata(f.s), 0);
    struct exec_mark mark = exec_state_mark(f.s);
    exec_state_sload(f.s, &a, &slot, &v);
    cr_expect(v.was_cold);
    cr_expect(exec_u256_eq(&v.now, &value));
    cr_expect(exec_u256_eq(&v.tx_original, &value));
    exec_state_sstore(f.s, &a, &slot, &other);
    exec_state_revert(f.s, mark);
    exec_state_sload(f.s, &a, &slot, &v);
    cr_expect(exec_u256_eq(&v.now, &value));
    exec_state_create(f.s, &a); /* wipes what is there */
    exec_state_sload(f.s, &a, &unread, &v);
    cr_expect(exec_u256_is_zero(&v.now));
    cr_assert_eq(exec_state_slot_count(f.s), 2);
    cr_expect(exec_u256_is_zero(&exec_state_slot_at(f.s, 0)->original));
    cr_expect_eq(f.source.slots, 2);
}

Test(executor_state, precompiles_are_never_cold)
{
    struct fixture f = {0};
    start(&f, ARENA_BYTES);
    for (uint32_t i = 0; i < 0x14; i++) {
        struct td_addr a = {{0}};
        a.b[19] = (uint8_t)i;
        bool pre = i >= 1 && i <= 0x11;
        cr_expect_eq(exec_state_is_warm(f.s, &a), pre, "%u", i);
        cr_expect_eq(exec_state_warm(f.s, &a), !pre, "%u", i);
    }
}

Test(executor_state, reader_errors_stick_and_values_stay_valid)
{
    struct fixture f = {.source = {.err = TD_E_CORRUPT}};
    struct td_addr a = addr(1), b = addr(2);
    struct exec_u256 one = exec_u256_of(1);
    struct exec_slot_view v;
    start(&f, ARENA_BYTES);
    f.source.account.nonce = 7;
    cr_expect_eq(exec_state_get(f.s, &a)->nonce, 0);
    cr_expect(td_hash_eq(&exec_state_get(f.s, &a)->code_hash, &EXEC_EMPTY_CODE_HASH));
    cr_expect_eq(exec_state_error(f.s), TD_E_CORRUPT);
    f.source.err = TD_OK;
    cr_expect_eq(exec_state_get(f.s, &b)->nonce, 0, "after an error nobody is asked");
    exec_state_sload(f.s, &b, &one, &v);
    cr_expect(exec_u256_is_zero(&v.now));
    cr_expect_eq(f.source.accounts, 1);
    cr_expect_eq(f.source.slots, 0);
    cr_expect_eq(exec_state_error(f.s), TD_E_CORRUPT);
}

/* Everything at every size of arena: an error, never a crash (ASan, UBSan). */
Test(executor_state, an_exhausted_arena_is_an_error_anywhere)
{
    for (size_t bytes = 0; bytes < 60000; bytes += 97) {
        struct fixture f = {0};
        start(&f, bytes);
        for (uint32_t i = 0; i < 60; i++) {
            struct td_addr a = addr(i);
            struct exec_u256 v = exec_u256_of(i + 1u), x;
            struct exec_slot_view view;
            struct exec_mark m = exec_state_mark(f.s);
            exec_state_warm(f.s, &a);
            exec_state_create(f.s, &a);
            exec_state_set_balance(f.s, &a, &v);
            exec_state_set_nonce(f.s, &a, i);
            exec_state_set_code(f.s, &a, td_bytes_of(&v, sizeof v));
            (void)exec_state_code(f.s, &a);
            exec_state_sstore(f.s, &a, &v, &v);
            exec_state_sload(f.s, &a, &v, &view);
            exec_state_tstore(f.s, &a, &v, &v);
            exec_state_tload(f.s, &a, &v, &x);
            exec_state_refund_add(f.s, 1);
            struct exec_log log = {.addr = a, .data = td_bytes_of(&v, sizeof v)};
            struct exec_l1_message msg = {a, td_bytes_of(&v, sizeof v)};
            exec_state_log(f.s, &log);
            exec_state_message(f.s, &msg);
            exec_state_destroy(f.s, &a, &a);
            if (i % 3u == 0)
                exec_state_revert(f.s, m);
            if (i % 7u == 0) {
                exec_state_tx_end(f.s);
                exec_state_tx_begin(f.s);
            }
        }
        (void)exec_state_tx_pubdata(f.s);
        cr_assert(exec_state_error(f.s) == TD_OK || exec_state_error(f.s) == TD_E_NOSPACE);
        if (bytes < 10000)
            cr_assert_eq(exec_state_error(f.s), TD_E_NOSPACE);
    }
}

Test(executor_state, pointers_last_while_entries_come)
{
    struct fixture f = {0};
    struct td_addr a = addr(0);
    struct exec_u256 wei = exec_u256_of(5);
    start(&f, ARENA_BYTES);
    const struct exec_account *x = exec_state_get(f.s, &a);
    for (uint32_t i = 1; i < 3000; i++) {
        struct td_addr b = addr(i);
        exec_state_set_nonce(f.s, &b, i);
    }
    cr_assert(exec_state_add_balance(f.s, &a, &wei));
    cr_expect(exec_u256_eq(&x->balance, &wei));
    for (uint32_t i = 1; i < 3000; i++) {
        struct td_addr b = addr(i);
        cr_assert_eq(exec_state_get(f.s, &b)->nonce, i);
    }
    cr_expect_eq(exec_state_account_count(f.s), 3000);
}

Test(executor_state, logs_of_earlier_transactions_stay_readable)
{
    struct fixture f = {0};
    const struct exec_log *first[40];
    uint32_t count;
    start(&f, ARENA_BYTES);
    for (uint32_t t = 0; t < 40; t++) {
        for (uint32_t i = 0; i <= t; i++) {
            struct exec_log log = {.addr = addr(t), .topic_count = 1, .data = td_bytes_of("xy", 2)};
            exec_state_log(f.s, &log);
        }
        first[t] = exec_state_logs(f.s, &count);
        cr_assert_eq(count, t + 1u);
        exec_state_tx_end(f.s);
        exec_state_tx_begin(f.s);
    }
    for (uint32_t t = 0; t < 40; t++)
        for (uint32_t i = 0; i <= t; i++) {
            struct td_addr a = addr(t);
            cr_assert(td_addr_eq(&first[t][i].addr, &a));
            cr_assert(td_bytes_eq(first[t][i].data, td_bytes_of("xy", 2)));
        }
}

Test(executor_state, code_is_copied_read_once_and_told_apart)
{
    struct fixture f = {0};
    struct td_addr a = addr(1), b = addr(2), c = addr(3);
    uint8_t code[3] = {1, 2, 3};
    start(&f, ARENA_BYTES);
    exec_state_set_code(f.s, &a, td_bytes_of(code, 3));
    exec_state_set_code(f.s, &b, td_bytes_of(code, 3));
    code[0] = 9;
    cr_expect(td_bytes_eq(exec_state_code(f.s, &a), td_bytes_of("\1\2\3", 3)));
    cr_expect_eq(exec_state_code_count(f.s), 1);
    cr_expect(exec_state_code_at(f.s, 0)->made);
    cr_expect_not(exec_state_code_at(f.s, 0)->read);
    td_keccak256(&f.source.account.code_hash, "\x60\x00", 2);
    f.source.account.code_bytes = 2;
    cr_expect_eq(exec_state_code(f.s, &c).len, 2);
    cr_expect_eq(exec_state_code(f.s, &c).len, 2);
    cr_expect_eq(f.source.codes, 1);
    cr_expect(exec_state_code_at(f.s, 1)->read);
    cr_expect_not(exec_state_code_at(f.s, 1)->made);
}

Test(executor_state, transient_memory_is_reused_by_transactions)
{
    struct fixture f = {0};
    struct td_addr a = addr(1);
    size_t used = 0;
    start(&f, ARENA_BYTES);
    for (uint32_t t = 0; t < 200; t++) {
        for (uint64_t i = 0; i < 300; i++) {
            struct exec_u256 slot = exec_u256_of(i), one = exec_u256_of(1), x;
            exec_state_tload(f.s, &a, &slot, &x);
            cr_assert(exec_u256_is_zero(&x));
            exec_state_tstore(f.s, &a, &slot, &one);
        }
        exec_state_tx_end(f.s);
        exec_state_tx_begin(f.s);
        if (t == 0)
            used = f.arena.used;
    }
    cr_expect_eq(f.arena.used, used);
}

Test(executor_state, pubdata_counts_net_changes)
{
    struct fixture f = {0};
    struct td_addr a = addr(1), b = addr(2);
    struct exec_u256 slot = exec_u256_of(1), v = exec_u256_of(0x1234), zero = exec_u256_of(0);
    start(&f, ARENA_BYTES);
    cr_expect_eq(exec_state_tx_pubdata(f.s), 0);
    exec_state_sstore(f.s, &a, &slot, &v);
    uint64_t slot_bytes = EXEC_PUBDATA_LEAF_BYTES + 2u + EXEC_PUBDATA_SLOT_KEY_BYTES;
    cr_expect_eq(exec_state_tx_pubdata(f.s), slot_bytes);
    struct exec_mark m = exec_state_mark(f.s);
    exec_state_sstore(f.s, &a, &slot, &zero);
    cr_expect_eq(exec_state_tx_pubdata(f.s), 0, "written back");
    exec_state_revert(f.s, m);
    cr_expect_eq(exec_state_tx_pubdata(f.s), slot_bytes);
    exec_state_set_nonce(f.s, &b, 300);
    uint64_t account_bytes = EXEC_PUBDATA_LEAF_BYTES + 2u + EXEC_PUBDATA_ACCOUNT_KEY_BYTES;
    cr_expect_eq(exec_state_tx_pubdata(f.s), slot_bytes + account_bytes);
    struct exec_l1_message msg = {a, td_bytes_of("abc", 3)};
    exec_state_message(f.s, &msg);
    exec_state_set_code(f.s, &b, td_bytes_of("abcd", 4));
    cr_expect_eq(exec_state_tx_pubdata(f.s), slot_bytes + account_bytes +
                                                 EXEC_PUBDATA_MESSAGE_BYTES + 3u +
                                                 EXEC_PUBDATA_CODE_BYTES + 4u);
    exec_state_tx_end(f.s);
    exec_state_tx_begin(f.s);
    cr_expect_eq(exec_state_tx_pubdata(f.s), 0);
    v = exec_u256_of(1);
    exec_state_sstore(f.s, &a, &slot, &v);
    cr_expect_eq(exec_state_tx_pubdata(f.s),
                 EXEC_PUBDATA_LEAF_BYTES + 1u + EXEC_PUBDATA_SLOT_KEY_BYTES);
}

Test(executor_state, pubdata_of_an_account_off_l1_is_nothing)
{
    struct fixture f = {.source = {.account = {.da_off = true}}};
    struct td_addr a = addr(1);
    struct exec_u256 v = exec_u256_of(5);
    start(&f, ARENA_BYTES);
    exec_state_set_balance(f.s, &a, &v);
    exec_state_sstore(f.s, &a, &v, &v);
    cr_expect_eq(exec_state_tx_pubdata(f.s), 0);
}

/* Undo records: one per value and mark, so a loop of writes cannot fill the arena. */
Test(executor_state, rewriting_a_value_takes_no_memory)
{
    struct fixture f = {0};
    struct td_addr a = addr(1);
    struct exec_u256 slot = exec_u256_of(1), v;
    start(&f, ARENA_BYTES);
    exec_state_sstore(f.s, &a, &slot, &slot);
    exec_state_tstore(f.s, &a, &slot, &slot);
    struct exec_mark before = exec_state_mark(f.s);
    v = exec_u256_of(7);
    exec_state_sstore(f.s, &a, &slot, &v);
    exec_state_tstore(f.s, &a, &slot, &v);
    size_t used = f.arena.used;
    for (uint64_t i = 0; i < 200000; i++) {
        v = exec_u256_of(i);
        exec_state_sstore(f.s, &a, &slot, &v);
        exec_state_tstore(f.s, &a, &slot, &v);
        exec_state_refund_add(f.s, 1);
    }
    cr_expect_leq(f.arena.used, used + 64u);
    exec_state_revert(f.s, before);
    exec_state_tload(f.s, &a, &slot, &v);
    cr_expect(exec_u256_eq(&v, &slot));
    exec_state_peek(f.s, &a, &slot, &v);
    cr_expect(exec_u256_eq(&v, &slot));
    cr_expect_eq(exec_state_refund(f.s), 0);
}

static uint32_t listed(const struct exec_state *s, const struct account_entry *e)
{
    uint32_t n = 0;
    for (uint32_t i = e->first_slot; i != 0; i = slot_at(s, i - 1u)->next_slot)
        n++;
    return n;
}

/* CREATE2 whose init code writes and reverts, again and again: each round must look at what the
 * round before wrote, not at all that was ever written there. */
Test(executor_state, a_creation_that_reverts_does_not_walk_what_earlier_ones_wrote)
{
    struct fixture f = {0};
    struct td_addr a = addr(1);
    uint32_t number;
    start(&f, ARENA_BYTES);
    struct account_entry *e = exec_account_need(f.s, &a, &number);
    for (uint64_t round = 0; round < 20; round++) {
        struct exec_mark mark = exec_state_mark(f.s);
        exec_state_create(f.s, &a);
        cr_expect_eq(listed(f.s, e), 0, "round %lu", (unsigned long)round);
        for (uint64_t i = 0; i < 10; i++) {
            struct exec_u256 slot = exec_u256_of(round * 10 + i), one = exec_u256_of(1);
            exec_state_sstore(f.s, &a, &slot, &one);
        }
        cr_expect_eq(listed(f.s, e), 10);
        exec_state_revert(f.s, mark);
    }
    /* What was there before a wipe is there after it was taken back, and a later wipe finds it. */
    struct exec_u256 slot = exec_u256_of(3), seven = exec_u256_of(7), got;
    exec_state_sstore(f.s, &a, &slot, &seven);
    for (uint32_t round = 0; round < 3; round++) {
        struct exec_mark mark = exec_state_mark(f.s);
        exec_state_create(f.s, &a);
        exec_state_peek(f.s, &a, &slot, &got);
        cr_expect(exec_u256_is_zero(&got));
        exec_state_revert(f.s, mark);
        exec_state_peek(f.s, &a, &slot, &got);
        cr_expect_eq(got.w[0], 7);
    }
    cr_expect_eq(exec_state_error(f.s), TD_OK);
}
