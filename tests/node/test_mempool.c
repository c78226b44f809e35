/* node/mempool: one case per promise of its header.  The pool sees no signatures, so transactions
 * are made of numbers; what a random history does is test_mempool_model's. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/node/mempool_fixture.h"

#define HOUR UINT64_C(3600000000000)

static struct pool_chain chain;
static struct node_mempool *pool;
static uint64_t number; /* of the last transaction made */

static struct node_mempool_options defaults(void)
{
    return (struct node_mempool_options){.max_txs = 100,
                                         .per_account = 8,
                                         .max_bytes = 1u << 20,
                                         .block_gas = 30000000,
                                         .base_fee_min = {{7}},
                                         .accounts_self = &chain,
                                         .account = pool_account};
}

static void open_pool(const struct node_mempool_options *o)
{
    memset(&chain, 0, sizeof chain);
    for (uint32_t i = 0; i < POOL_SENDERS; i++)
        chain.balance[i] = exec_u256_of(UINT64_C(10000000000000000000));
    number = 0;
    pool = node_mempool_new(o);
    cr_assert_not_null(pool);
}

static void setup(void)
{
    struct node_mempool_options o = defaults();
    open_pool(&o);
}

static void teardown(void)
{
    node_mempool_free(pool);
}

TestSuite(mempool, .init = setup, .fini = teardown);

static enum node_mempool_verdict give(const struct exec_tx *tx, uint64_t now_ns)
{
    uint8_t raw[100];
    memset(raw, (int)tx->hash.b[0], sizeof raw);
    return node_mempool_add(pool, tx, (struct td_bytes){raw, sizeof raw}, now_ns);
}

static enum node_mempool_verdict add(uint32_t sender, uint64_t nonce, uint64_t fee, uint64_t tip)
{
    struct exec_tx tx = pool_tx(++number, sender, nonce, fee, tip);
    return give(&tx, 1);
}

static struct node_mempool_stats stats(void)
{
    struct node_mempool_stats s;
    node_mempool_stats(pool, &s);
    return s;
}

static bool has(uint64_t n)
{
    struct td_hash h = pool_hash(n);
    struct node_mempool_tx tx;
    return node_mempool_find(pool, &h, &tx);
}

static struct node_mempool_tx found(uint64_t n)
{
    struct td_hash h = pool_hash(n);
    struct node_mempool_tx tx;
    cr_assert(node_mempool_find(pool, &h, &tx), "%llu", (unsigned long long)n);
    return tx;
}

static uint64_t next(uint32_t sender)
{
    struct td_addr a = pool_addr(sender);
    return node_mempool_nonce(pool, &a);
}

static void hold(uint64_t block, uint64_t n)
{
    struct td_hash b = pool_hash(block), h = pool_hash(n);
    node_mempool_hold(pool, &b, &h, 1);
}

static void release(uint64_t block)
{
    struct td_hash b = pool_hash(block);
    node_mempool_release(pool, &b);
}

static void settle(uint64_t block, uint64_t n, uint32_t sender)
{
    struct td_hash b = pool_hash(block), h = pool_hash(n);
    struct td_addr a = pool_addr(sender);
    node_mempool_settle(pool, &b, &h, 1, &a, 1, 2);
}

static struct node_mempool_want want_all(uint64_t base_fee)
{
    return (struct node_mempool_want){.base_fee = exec_u256_of(base_fee),
                                      .gas = 30000000,
                                      .native = UINT64_MAX,
                                      .bytes = 1u << 20,
                                      .count = 100};
}

/* What take yields, as transaction numbers; ends with 0. */
static void expect_take(const struct node_mempool_want *want, const uint64_t *numbers)
{
    static struct node_mempool_tx out[100];
    uint32_t got = node_mempool_take(pool, want, out), i = 0;
    for (; numbers[i] != 0; i++) {
        struct td_hash h = pool_hash(numbers[i]);
        cr_assert_lt(i, got, "%u came, not %llu", got, (unsigned long long)numbers[i]);
        cr_assert(td_hash_eq(&out[i].hash, &h), "place %u is not %llu", i,
                  (unsigned long long)numbers[i]);
    }
    cr_assert_eq(got, i);
}
#define TAKES(want, ...) expect_take((want), (const uint64_t[]){__VA_ARGS__, 0})

/* ---- verdicts */

Test(mempool, first_nonce_is_executable_and_found_again)
{
    struct exec_tx tx = pool_tx(1, 3, 0, 100, 10);
    tx.value = exec_u256_of(5);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    struct node_mempool_tx got = found(1);
    struct td_addr sender = pool_addr(3);
    cr_assert(td_addr_eq(&got.sender, &sender));
    cr_assert_eq(got.nonce, 0);
    cr_assert_eq(got.gas_limit, 21000);
    cr_assert_eq(got.value.w[0], 5);
    cr_assert_eq(got.fee_cap.w[0], 100);
    cr_assert_eq(got.tip_cap.w[0], 10);
    cr_assert_eq(got.raw.len, 100);
    cr_assert_eq(got.raw.ptr[99], tx.hash.b[0]);
    cr_assert(got.executable && !got.held);
    struct node_mempool_stats s = stats();
    cr_assert(s.txs == 1 && s.executable == 1 && s.queued == 0 && s.senders == 1 && s.added == 1);
    cr_assert_eq(s.bytes, 100u + NODE_MEMPOOL_TX_BYTES);
}

Test(mempool, known_again)
{
    struct exec_tx tx = pool_tx(1, 3, 0, 100, 10);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_KNOWN);
    cr_assert_eq(stats().refused[NODE_MEMPOOL_KNOWN], 1);
}

Test(mempool, nonces_too_low_and_too_far)
{
    chain.nonce[1] = 5;
    cr_assert_eq(add(1, 4, 100, 10), NODE_MEMPOOL_NONCE_LOW);
    cr_assert_eq(add(1, 13, 100, 10), NODE_MEMPOOL_QUEUED); /* 8 ahead */
    cr_assert_eq(add(1, 14, 100, 10), NODE_MEMPOOL_NONCE_FAR);
    cr_assert_eq(add(1, UINT64_MAX, 100, 10), NODE_MEMPOOL_NONCE_FAR);
    chain.nonce[2] = UINT64_MAX;
    cr_assert_eq(add(2, UINT64_MAX, 100, 10), NODE_MEMPOOL_NONCE_FAR);
}

Test(mempool, fee_cap_below_the_minimum_is_refused)
{
    cr_assert_eq(add(1, 0, 6, 0), NODE_MEMPOOL_UNDERPRICED);
    cr_assert_eq(add(1, 0, 7, 0), NODE_MEMPOOL_OK);
}

Test(mempool, gas_above_the_block_is_refused)
{
    struct exec_tx tx = pool_tx(1, 1, 0, 100, 10);
    tx.gas_limit = 30000001;
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_GAS);
    tx.gas_limit = 30000000;
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
}

Test(mempool, funds_cover_the_transaction_and_its_predecessors_to_the_wei)
{
    chain.balance[1] = exec_u256_of(2u * 2100000u + 50u);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    struct exec_tx tx = pool_tx(++number, 1, 1, 100, 10);
    tx.value = exec_u256_of(51);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_FUNDS);
    tx.value = exec_u256_of(50);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 2, 100, 10), NODE_MEMPOOL_FUNDS);
    cr_assert_eq(add(1, 3, 100, 10), NODE_MEMPOOL_FUNDS); /* behind a gap as well */
    cr_assert_eq(stats().refused[NODE_MEMPOOL_FUNDS], 3);
}

Test(mempool, sums_that_overflow_are_too_much)
{
    struct exec_u256 max = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, half = max;
    half.w[3] = UINT64_MAX / 2;
    chain.balance[1] = max;
    struct exec_tx tx = pool_tx(1, 1, 0, 100, 10);
    tx.fee_cap = max; /* the product does not fit */
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_FUNDS);
    tx.fee_cap = exec_u256_of(100);
    tx.value = max; /* nor this sum */
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_FUNDS);
    tx.value = half;
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    for (uint64_t n = 1; n < 4; n += 2) { /* nor those with the predecessor, gap or not */
        struct exec_tx more = pool_tx(1 + n, 1, n, 100, 10);
        more.value = half;
        cr_assert_eq(give(&more, 1), NODE_MEMPOOL_FUNDS);
    }
}

Test(mempool, account_limit)
{
    for (uint64_t n = 1; n <= 8; n++)
        cr_assert_eq(add(1, n, 100, 10), NODE_MEMPOOL_QUEUED);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_ACCOUNT_LIMIT);
    cr_assert_eq(add(1, 3, 110, 11), NODE_MEMPOOL_QUEUED); /* one for one */
    cr_assert_eq(add(2, 0, 100, 10), NODE_MEMPOOL_OK);
}

Test(mempool, texts_are_the_ones_wallets_know)
{
    cr_assert_str_eq(node_mempool_text(NODE_MEMPOOL_NONCE_LOW), "nonce too low");
    cr_assert_str_eq(node_mempool_text(NODE_MEMPOOL_KNOWN), "already known");
    cr_assert_str_eq(node_mempool_text(NODE_MEMPOOL_REPLACE_UNDERPRICED),
                     "replacement transaction underpriced");
    cr_assert_str_eq(node_mempool_text(NODE_MEMPOOL_FUNDS),
                     "insufficient funds for gas * price + value");
    for (int v = 0; v <= NODE_MEMPOOL_COUNT; v++)
        cr_assert_gt(strlen(node_mempool_text((enum node_mempool_verdict)v)), 1);
}

/* ---- replacement */

Test(mempool, replacement_needs_a_tenth_more_of_both_rounded_up)
{
    static const struct {
        uint64_t fee, tip, new_fee, new_tip;
        bool ok;
    } cases[] = {
        {100, 10, 110, 11, true},  {100, 10, 109, 11, false},
        {100, 10, 110, 10, false}, {101, 10, 112, 11, true}, /* 111.1 rounded up */
        {101, 10, 111, 11, false}, {100, 0, 110, 0, false},  /* a tenth of nothing is still more */
        {100, 0, 110, 1, true},    {9, 9, 10, 10, true},     /* 9.9 */
        {9, 9, 9, 9, false},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(add(i, 0, cases[i].fee, cases[i].tip), NODE_MEMPOOL_OK);
        uint64_t old = number;
        enum node_mempool_verdict v = add(i, 0, cases[i].new_fee, cases[i].new_tip);
        cr_assert_eq(v, cases[i].ok ? NODE_MEMPOOL_OK : NODE_MEMPOOL_REPLACE_UNDERPRICED, "%u", i);
        cr_assert_eq(has(old), !cases[i].ok);
        cr_assert_eq(has(number), cases[i].ok);
    }
    cr_assert_eq(stats().txs, 9);
    cr_assert_eq(stats().replaced, 4);
}

Test(mempool, replacement_near_the_top_of_the_numbers)
{
    struct exec_u256 max = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    chain.balance[1] = max;
    struct exec_tx tx = pool_tx(1, 1, 0, 0, 10);
    tx.fee_cap = max;
    tx.fee_cap.w[3] >>= 20;
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    tx.hash = pool_hash(2);
    tx.fee_cap = tx.tip_cap = max; /* more, but a tenth above it the old tip is fine */
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_FUNDS);
}

Test(mempool, replacement_is_judged_without_the_one_it_replaces)
{
    chain.balance[1] = exec_u256_of(2u * 2100000u);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 0, 200, 20), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 0, 220, 22), NODE_MEMPOOL_FUNDS);
    cr_assert(has(2));
}

/* ---- gaps */

Test(mempool, gap_holds_back_until_it_is_filled)
{
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 2, 100, 10), NODE_MEMPOOL_QUEUED);
    cr_assert_eq(add(1, 3, 100, 10), NODE_MEMPOOL_QUEUED);
    cr_assert_eq(next(1), 1);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 1);
    cr_assert_eq(stats().queued, 2);
    cr_assert_eq(add(1, 1, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(next(1), 4);
    cr_assert_eq(stats().queued, 0);
    cr_assert(found(3).executable);
    TAKES(&w, 1, 4, 2, 3);
}

Test(mempool, the_chain_fills_a_gap_as_well)
{
    cr_assert_eq(add(1, 1, 100, 10), NODE_MEMPOOL_QUEUED);
    chain.nonce[1] = 1; /* through another node */
    settle(77, 99, 1);
    cr_assert(found(1).executable);
    cr_assert_eq(next(1), 2);
}

Test(mempool, unaffordable_successor_of_a_replacement_waits)
{
    chain.balance[1] = exec_u256_of(2u * 2100000u);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 1, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 0, 110, 11), NODE_MEMPOOL_OK);
    cr_assert(has(2));
    cr_assert_not(found(2).executable);
    cr_assert_eq(next(1), 1);
}

/* ---- take */

Test(mempool, best_tip_first_and_first_come_among_equals)
{
    add(1, 0, 100, 10);
    add(2, 0, 100, 12);
    add(3, 0, 100, 10);
    add(4, 0, 19, 15); /* 12 are left above a base fee of 7 */
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2, 4, 1, 3);
    w = want_all(15); /* 4 are left */
    TAKES(&w, 2, 1, 3, 4);
    w.count = 2;
    TAKES(&w, 2, 1);
    w.count = 0;
    TAKES(&w, 0);
}

Test(mempool, replaced_one_comes_anew)
{
    add(1, 0, 100, 10);
    add(2, 0, 100, 11);
    add(1, 0, 110, 11);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2, 3);
}

Test(mempool, fee_cap_below_the_base_fee_waits_with_what_follows)
{
    add(1, 0, 20, 10);
    add(1, 1, 100, 90);
    add(2, 0, 100, 1);
    struct node_mempool_want w = want_all(21);
    TAKES(&w, 3);
    w = want_all(20);
    TAKES(&w, 3, 1, 2);
}

Test(mempool, a_sender_ends_where_the_base_fee_is_too_high)
{
    add(1, 0, 100, 10);
    add(1, 1, 20, 10);
    add(1, 2, 100, 10);
    struct node_mempool_want w = want_all(50);
    TAKES(&w, 1);
}

static uint64_t cost(void *self, uint64_t raw_bytes, uint64_t gas_limit)
{
    return *(uint64_t *)self * raw_bytes + gas_limit;
}

Test(mempool, budgets_of_gas_bytes_and_native)
{
    struct exec_tx big = pool_tx(++number, 1, 0, 100, 50);
    big.gas_limit = 100000;
    cr_assert_eq(give(&big, 1), NODE_MEMPOOL_OK);
    add(1, 1, 100, 50);
    add(2, 0, 100, 10);
    struct node_mempool_want w = want_all(7);
    w.gas = 99999; /* the first does not fit, and its successor does not jump it */
    TAKES(&w, 3);
    w.gas = 121000;
    TAKES(&w, 1, 2);
    w = want_all(7);
    w.bytes = 207; /* 100 and 4 each */
    TAKES(&w, 1);
    w.bytes = 208;
    TAKES(&w, 1, 2);
    w = want_all(7);
    uint64_t per_byte = 1000;
    w.cost = cost;
    w.cost_self = &per_byte;
    w.native = 200000 + 121000;
    TAKES(&w, 1, 2);
    w.native--;
    TAKES(&w, 1);
    w.native = 199999;
    TAKES(&w, 3);
}

Test(mempool, tips_beyond_64_bits_are_ordered)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct exec_u256 tip = {{i == 1 ? 9 : i, 1, 0, 0}};
        struct exec_tx tx = pool_tx(++number, i, 0, 0, 0);
        tx.tip_cap = tx.fee_cap = tip;
        tx.fee_cap.w[1]++;
        chain.balance[i] = (struct exec_u256){{0, 0, 1, 0}};
        cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    }
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2, 3, 1);
    w.base_fee = (struct exec_u256){{5, 2, 0, 0}};
    TAKES(&w, 2);
}

/* ---- full */

static void reopen(uint32_t max_txs, uint64_t max_bytes)
{
    struct node_mempool_options o = defaults();
    o.max_txs = max_txs;
    o.max_bytes = max_bytes;
    node_mempool_free(pool);
    open_pool(&o);
}

Test(mempool, full_pool_drops_who_pays_least_newest_among_equals)
{
    reopen(3, 1u << 20);
    add(1, 0, 100, 10);
    add(2, 0, 100, 10);
    add(3, 0, 100, 12);
    cr_assert_eq(add(4, 0, 100, 10), NODE_MEMPOOL_UNDERPRICED);
    cr_assert_eq(stats().evicted, 0);
    cr_assert_eq(add(4, 0, 100, 11), NODE_MEMPOOL_OK);
    cr_assert(has(1) && !has(2) && has(3));
    cr_assert_eq(add(5, 0, 100, 11), NODE_MEMPOOL_OK);
    cr_assert(!has(1) && has(3));
    cr_assert_eq(stats().evicted, 2);
    cr_assert_eq(stats().txs, 3);
}

Test(mempool, full_pool_drops_the_newest_queued_before_executable_ones)
{
    reopen(3, 1u << 20);
    add(1, 1, 500, 400);
    add(2, 1, 500, 400);
    add(3, 0, 100, 10);
    cr_assert_eq(add(4, 0, 100, 9), NODE_MEMPOOL_OK); /* it can run, at whatever price */
    cr_assert(has(1) && !has(2) && has(3));
}

Test(mempool, queued_one_never_displaces_an_executable_one)
{
    reopen(3, 1u << 20);
    add(1, 0, 100, 10);
    add(2, 0, 100, 10);
    add(3, 1, 100, 10);
    cr_assert_eq(add(4, 1, 900, 10), NODE_MEMPOOL_UNDERPRICED); /* pays the same */
    cr_assert_eq(add(4, 1, 900, 11), NODE_MEMPOOL_QUEUED);
    cr_assert(has(1) && has(2) && !has(3));
    cr_assert_eq(add(5, 0, 900, 20), NODE_MEMPOOL_OK);
    cr_assert_eq(add(6, 1, 900, 800), NODE_MEMPOOL_UNDERPRICED); /* only executable ones left */
    cr_assert(has(1) && has(2));
}

Test(mempool, own_predecessor_makes_no_room)
{
    reopen(2, 1u << 20);
    add(1, 0, 100, 10);
    add(1, 1, 100, 11);
    cr_assert_eq(add(1, 2, 100, 90), NODE_MEMPOOL_UNDERPRICED);
    cr_assert(has(1) && has(2));
    cr_assert_eq(add(2, 0, 100, 90), NODE_MEMPOOL_OK); /* for another, they do */
    cr_assert(!has(1) && has(2));
    cr_assert_not(found(2).executable);
    cr_assert_eq(next(1), 0);
}

Test(mempool, replacement_needs_no_room_of_count)
{
    reopen(2, 1u << 20);
    add(1, 0, 100, 10);
    add(2, 0, 100, 90);
    cr_assert_eq(add(1, 0, 110, 11), NODE_MEMPOOL_OK);
    cr_assert_eq(stats().evicted, 0);
}

Test(mempool, bytes_are_bounded_and_a_refused_one_displaces_nobody)
{
    uint64_t one = 100 + NODE_MEMPOOL_TX_BYTES;
    static uint8_t raw[2000];
    reopen(100, 3 * one);
    add(1, 0, 100, 10);
    add(2, 0, 100, 20);
    add(3, 0, 100, 30);
    struct exec_tx tx = pool_tx(++number, 4, 0, 100, 25);
    struct td_bytes big = {raw, (size_t)(2 * one - NODE_MEMPOOL_TX_BYTES + 1)};
    cr_assert_eq(node_mempool_add(pool, &tx, big, 1), NODE_MEMPOOL_UNDERPRICED);
    cr_assert(has(1) && has(2) && has(3));
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 3, 2, 1); /* as before */
    big.len--;          /* exactly two */
    cr_assert_eq(node_mempool_add(pool, &tx, big, 1), NODE_MEMPOOL_OK);
    cr_assert(!has(1) && !has(2) && has(3) && has(4));
    cr_assert_eq(stats().bytes, 3 * one);
    TAKES(&w, 3, 4);
}

Test(mempool, larger_than_the_pool_is_refused)
{
    reopen(100, NODE_MEMPOOL_TX_BYTES + 99);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_UNDERPRICED);
    reopen(0, 1u << 20);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_UNDERPRICED);
    cr_assert_eq(stats().senders, 0);
}

/* ---- holds */

Test(mempool, held_ones_are_not_taken_but_counted)
{
    add(1, 0, 100, 10);
    add(1, 1, 100, 10);
    add(2, 0, 100, 5);
    hold(1001, 1);
    hold(1001, 1); /* harmless */
    cr_assert(found(1).held && found(1).executable);
    cr_assert_eq(stats().held, 1);
    cr_assert_eq(next(1), 2);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2, 3); /* what follows the held one can be in the next block */
    release(1001);
    release(1001);
    cr_assert_not(found(1).held);
    TAKES(&w, 1, 2, 3);
}

Test(mempool, held_one_in_the_middle_is_stepped_over)
{
    add(1, 0, 100, 10);
    add(1, 1, 100, 10);
    add(1, 2, 100, 10);
    hold(1001, 2);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 1, 3);
}

Test(mempool, held_one_is_neither_replaced_nor_evicted_nor_expired)
{
    reopen(2, 1u << 20);
    add(1, 0, 100, 10);
    add(2, 1, 100, 10);
    hold(1001, 1);
    hold(1002, 2);
    cr_assert_eq(add(1, 0, 900, 90), NODE_MEMPOOL_HELD);
    cr_assert_eq(add(3, 0, 900, 90), NODE_MEMPOOL_UNDERPRICED);
    node_mempool_expire(pool, 100 * HOUR);
    cr_assert(has(1) && has(2));
    release(1002);
    cr_assert_eq(add(3, 0, 900, 90), NODE_MEMPOOL_OK);
    cr_assert(has(1) && !has(2));
}

Test(mempool, two_blocks_hold_one_transaction)
{
    add(1, 0, 100, 10);
    hold(1001, 1);
    hold(1002, 1);
    release(1001);
    cr_assert(found(1).held);
    release(1002);
    cr_assert_not(found(1).held);
}

Test(mempool, hash_held_before_it_comes_is_held_at_once)
{
    hold(1001, 1);
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    cr_assert(found(1).held);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 0);
    release(1001);
    TAKES(&w, 1);
    hold(1002, 2);
    release(1002);
    add(2, 0, 100, 10);
    cr_assert_not(found(2).held);
}

Test(mempool, held_behind_a_gap_counts_as_pending)
{
    add(1, 1, 100, 10); /* nonce 0 is in the block, too, and not known here */
    add(1, 2, 100, 10);
    hold(1001, 1);
    cr_assert_eq(next(1), 3);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 0);
}

Test(mempool, settled_transactions_leave_and_free_their_block)
{
    add(1, 0, 100, 10);
    add(1, 1, 100, 10);
    hold(1001, 1);
    chain.nonce[1] = 1;
    settle(1001, 1, 1);
    cr_assert(!has(1) && has(2));
    cr_assert_eq(stats().held, 0);
    cr_assert_eq(stats().txs, 1);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2);
    chain.nonce[1] = 2;
    settle(1002, 2, 1); /* never held */
    cr_assert_eq(stats().txs, 0);
    cr_assert_eq(stats().bytes, 0);
    cr_assert_eq(stats().senders, 0);
    cr_assert_eq(next(1), 2);
}

Test(mempool, settled_one_that_another_block_holds_too)
{
    add(1, 0, 100, 10);
    hold(1001, 1);
    hold(1002, 1);
    settle(1001, 1, 1); /* skipped there: the nonce is as it was */
    cr_assert_not(has(1));
    struct exec_tx tx = pool_tx(1, 1, 0, 100, 10);
    cr_assert_eq(give(&tx, 1), NODE_MEMPOOL_OK);
    cr_assert(found(1).held);
    release(1002);
    cr_assert_not(found(1).held);
}

Test(mempool, settle_drops_used_nonces_and_what_cannot_be_paid)
{
    for (uint64_t n = 0; n < 4; n++)
        cr_assert_eq(add(1, n, 100, 10), NODE_MEMPOOL_OK);
    chain.nonce[1] = 1; /* nonce 0 was another's */
    chain.balance[1] = exec_u256_of(2u * 2100000u);
    settle(1001, 99, 1);
    cr_assert(!has(1) && has(2) && has(3) && !has(4));
    cr_assert_eq(stats().executable, 2);
}

Test(mempool, settle_keeps_what_fits_behind_what_does_not)
{
    cr_assert_eq(add(1, 0, 100, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 1, 1000, 10), NODE_MEMPOOL_OK);
    cr_assert_eq(add(1, 2, 100, 10), NODE_MEMPOOL_OK);
    chain.balance[1] = exec_u256_of(2u * 2100000u);
    settle(1001, 99, 1);
    cr_assert(has(1) && !has(2) && has(3));
    cr_assert_not(found(3).executable);
}

Test(mempool, executed_but_not_settled_stays_until_then)
{
    add(1, 0, 100, 10);
    hold(1001, 1);
    chain.nonce[1] = 1; /* the executor is ahead of the loop */
    cr_assert_eq(add(1, 1, 100, 10), NODE_MEMPOOL_OK);
    cr_assert(has(1));
    cr_assert_eq(next(1), 2);
    struct node_mempool_want w = want_all(7);
    TAKES(&w, 2);
    release(1001); /* it will not settle: the nonce is used up all the same */
    cr_assert(!has(1) && has(2));
}

Test(mempool, more_blocks_than_are_remembered_free_the_oldest)
{
    add(1, 0, 100, 10);
    hold(1000, 1);
    for (uint64_t b = 1; b < 32; b++)
        hold(1000 + b, 500 + b);
    cr_assert(found(1).held);
    hold(2000, 700);
    cr_assert_not(found(1).held);
}

Test(mempool, block_of_an_impossible_size_is_not_held)
{
    static struct td_hash many[16385];
    struct td_hash block = pool_hash(1000);
    add(1, 0, 100, 10);
    many[0] = pool_hash(1);
    node_mempool_hold(pool, &block, many, 16385);
    cr_assert_not(found(1).held);
    node_mempool_hold(pool, &block, many, 16384);
    cr_assert(found(1).held);
}

/* ---- time, and a walk */

Test(mempool, queued_ones_expire_and_executable_ones_do_not)
{
    add(1, 0, 100, 10);
    add(2, 1, 100, 10);
    struct exec_tx tx = pool_tx(++number, 3, 1, 100, 10);
    cr_assert_eq(give(&tx, HOUR), NODE_MEMPOOL_QUEUED);
    node_mempool_expire(pool, 3 * HOUR + 1);
    cr_assert_eq(stats().expired, 0);
    node_mempool_expire(pool, 3 * HOUR + 2);
    cr_assert(has(1) && !has(2) && has(3));
    node_mempool_expire(pool, 9 * HOUR);
    cr_assert(has(1) && !has(3));
    cr_assert_eq(stats().expired, 2);
}

struct walk {
    uint64_t nonces[8];
    uint32_t count, stop;
};

static bool step(void *ctx, const struct node_mempool_tx *tx)
{
    struct walk *w = ctx;
    w->nonces[w->count++] = tx->nonce;
    return w->count < w->stop;
}

Test(mempool, walk_goes_by_nonce_and_stops_when_told)
{
    struct walk w = {.stop = 8}, short_walk = {.stop = 2};
    add(1, 2, 100, 10);
    add(1, 0, 100, 10);
    add(1, 1, 100, 10);
    node_mempool_each(pool, step, &w);
    cr_assert_eq(w.count, 3);
    for (uint64_t n = 0; n < 3; n++)
        cr_assert_eq(w.nonces[n], n);
    node_mempool_each(pool, step, &short_walk);
    cr_assert_eq(short_walk.count, 2);
}
