/* Blocks end to end: natively, and the same run through the program that is proven. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/core/keccak.h"
#include "executor/block/costs.h"
#include "executor/state/state_internal.h"
#include "executor/system.h"
#include "tests/executor/block/chain.h"

static struct chain *c;
static struct td_arena memory;

static void setup(void)
{
    c = chain_new();
    for (uint32_t i = 0; i < CHAIN_KEYS; i++)
        chain_put(c, &c->addr[i], 10, td_bytes_of(NULL, 0));
    chain_genesis(c);
    td_arena_init(&memory, calloc(1, (size_t)160 << 20), (size_t)160 << 20);
}

static void teardown(void)
{
    free(memory.base);
    chain_free(c);
}

TestSuite(block, .init = setup, .fini = teardown);

static const struct td_addr SOMEONE = {{0x50, [19] = 1}};

static void transfer(uint32_t from, uint64_t nonce, uint64_t wei)
{
    struct exec_tx tx = chain_tx(c, from, nonce);
    tx.to = SOMEONE;
    tx.value = exec_u256_of(wei);
    chain_sign(c, &tx, from);
    chain_add(c, &tx);
}

/* The proven program, run natively, must state what the node did. */
static void prove(void)
{
    size_t count;
    const uint32_t *words = chain_run_words(c, &count);
    struct exec_statement got, want = chain_run_statement(c);
    cr_assert_eq(exec_run(&got, words, count, &memory), TD_OK);
    cr_expect(td_hash_eq(&got.chain, &want.chain));
    cr_expect(td_hash_eq(&got.before, &want.before));
    cr_expect(td_hash_eq(&got.after, &want.after));
}

Test(block, an_empty_block_moves_number_time_hash_and_history)
{
    struct td_hash before = c->cursor.block_hash;
    chain_run_begin(c);
    chain_block(c, false);
    cr_expect_eq(c->cursor.number, 1);
    cr_expect_eq(c->result.gas_used, 0);
    struct exec_u256 slot = chain_slot(c, &EXEC_HISTORY_ADDRESS, 0), want;
    exec_u256_from_be(&want, before.b, 32);
    cr_expect(exec_u256_eq(&slot, &want));
    prove();
}

Test(block, a_transfer_pays_value_and_fees)
{
    struct exec_u256 fee, cost, left = exec_u256_of(10), wei = exec_u256_of(1000000000000000000u);
    chain_run_begin(c);
    transfer(0, 0, 5);
    chain_block(c, false);
    cr_assert_eq(c->result.tx_count, 1);
    const struct exec_receipt *r = &c->result.txs[0].receipt;
    cr_expect(r->success);
    cr_expect_geq(r->gas_used, 21000);
    cr_expect_eq(c->result.gas_used, r->gas_used);
    cr_expect_eq(r->cumulative_gas, r->gas_used);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 5);
    /* base fee 1000, tip 1 */
    fee = exec_u256_of(1001);
    cost = exec_u256_of(r->gas_used);
    exec_u256_mul(&cost, &cost, &fee);
    exec_u256_mul(&left, &left, &wei);
    (void)exec_u256_sub(&left, &left, &cost);
    fee = exec_u256_of(5);
    (void)exec_u256_sub(&left, &left, &fee);
    cr_expect(exec_u256_eq(&chain_account(c, &c->addr[0])->balance, &left));
    cr_expect_eq(chain_account(c, &c->params.fee_vault)->balance.w[0], r->gas_used);
    cr_expect_not(td_hash_is_zero(&c->result.receipts_root));
    prove();
}

Test(block, what_is_invalid_at_its_turn_is_skipped_and_the_rest_runs)
{
    struct exec_tx tx = chain_tx(c, 3, 0);
    chain_run_begin(c);
    transfer(0, 1, 5); /* nonce too high */
    transfer(1, 0, 5);
    transfer(1, 0, 5); /* nonce too low by now */
    chain_add_bytes(c, td_bytes_of_text("no transaction at all"));
    tx.to = SOMEONE;
    chain_sign(c, &tx, 3);
    tx.value = exec_u256_of(1); /* another content than what was signed: another sender */
    chain_add(c, &tx);
    transfer(2, 0, 7);
    chain_block(c, false);
    const enum exec_tx_verdict want[] = {EXEC_TX_NONCE_TOO_HIGH,     EXEC_TX_OK,
                                         EXEC_TX_NONCE_TOO_LOW,      EXEC_TX_TYPE,
                                         EXEC_TX_INSUFFICIENT_FUNDS, EXEC_TX_OK};
    for (uint32_t i = 0; i < 6; i++)
        if (i != 3)
            cr_expect_eq(c->result.txs[i].verdict, want[i], "%u: %s", i,
                         exec_tx_verdict_text(c->result.txs[i].verdict));
    cr_expect_neq(c->result.txs[3].verdict, EXEC_TX_OK);
    cr_expect_eq(c->result.tx_count, 2);
    cr_expect_eq(c->result.skipped, 4);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 12);
    prove();
}

static struct exec_inbox_op deposit(uint64_t index, uint64_t wei)
{
    return (struct exec_inbox_op){.index = index,
                                  .gas_limit = 100000,
                                  .kind = EXEC_INBOX_CALL,
                                  .sender = {{0x11}},
                                  .to = SOMEONE,
                                  .value = exec_u256_of(wei)};
}

/* Garbage costs whoever proves it: a payload may hold as much as the native limit covers. */
Test(block, a_payload_that_costs_more_than_the_limit_to_look_at_is_no_payload)
{
    struct td_bytes entry = td_bytes_of_text("no transaction"), payload[4];
    for (uint32_t i = 0; i < 4; i++)
        payload[i] = entry;
    c->params.native_limit =
        EXEC_NATIVE_BLOCK + EXEC_NATIVE_SHARED + 3 * (EXEC_NATIVE_TX + EXEC_NATIVE_TX_BYTE * 14u);
    cr_expect(exec_payload_fits(&c->params, payload, 3));
    cr_expect_not(exec_payload_fits(&c->params, payload, 4));
    chain_run_begin(c);
    for (uint32_t i = 0; i < 3; i++)
        chain_add_bytes(c, entry);
    chain_block(c, false);
    cr_expect_eq(c->result.native_used, c->params.native_limit);
    prove();
    for (uint32_t i = 0; i < 4; i++)
        chain_add_bytes(c, entry);
    cr_expect_eq(chain_try(c, false), TD_E_CORRUPT);
}

/* Somebody's call burns the block's gas before a forced transaction: that one waits for the next
 * block instead of being lost. */
Test(block, a_forced_transaction_that_finds_no_room_stays_the_next)
{
    static const uint8_t loop[] = {0x5b, 0x5f, 0x56};
    struct td_addr at = {{0xb2}};
    chain_free(c);
    c = chain_new();
    chain_put(c, &c->addr[0], 10, td_bytes_of(NULL, 0));
    chain_put(c, &at, 0, td_bytes_of(loop, sizeof loop));
    chain_genesis(c);
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.to = SOMEONE;
    tx.value = exec_u256_of(9);
    chain_sign(c, &tx, 0);
    struct exec_inbox_op burn = deposit(0, 1), forced = {.index = 1, .kind = EXEC_INBOX_RAW};
    burn.to = at;
    burn.gas_limit = 29500000;
    forced.data = chain_tx_bytes(c, &tx);
    chain_run_begin(c);
    c->inbox_ready = 2;
    chain_add_inbox(c, &burn);
    chain_add_inbox(c, &forced);
    chain_block(c, false);
    cr_assert_eq(c->result.txs[1].verdict, EXEC_TX_BLOCK_GAS);
    cr_assert_eq(c->cursor.inbox_index, 1);
    chain_add_inbox(c, &forced);
    chain_block(c, false);
    cr_expect_eq(c->result.txs[0].verdict, EXEC_TX_OK);
    cr_expect_eq(c->cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 9);
    prove();
}

/* L1 bounds gas limits; should one slip through, the queue must not stop behind it. */
Test(block, an_inbox_entry_that_no_block_has_room_for_does_not_block_the_queue)
{
    struct exec_inbox_op op = deposit(0, 50);
    op.gas_limit = UINT64_MAX;
    chain_run_begin(c);
    c->inbox_ready = 2;
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->cursor.inbox_index, 1);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 50);
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.gas_limit = c->params.gas_limit + 1u;
    chain_sign(c, &tx, 0);
    op = (struct exec_inbox_op){.index = 1, .kind = EXEC_INBOX_RAW, .data = chain_tx_bytes(c, &tx)};
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->result.txs[0].verdict, EXEC_TX_BLOCK_GAS);
    cr_expect_eq(c->cursor.inbox_index, 2);
    prove();
}

Test(block, withdrawals_and_messages_reach_the_batch)
{
    static const struct td_addr bridge = {{[18] = 0x80, [19] = 1}};
    struct td_hash selector, empty_root = c->result.messages_root, leaf, root;
    struct exec_messages m;
    uint8_t data[36] = {0};
    chain_run_begin(c);
    td_keccak256(&selector, "withdraw(address)", 17);
    memcpy(data, selector.b, 4);
    memset(data + 16, 0xaa, 20);
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.to = bridge;
    tx.value = exec_u256_of(99);
    tx.data = td_bytes_of(data, sizeof data);
    chain_sign(c, &tx, 0);
    chain_add(c, &tx);
    tx.nonce = 1;
    data[10] = 1; /* no address */
    chain_sign(c, &tx, 0);
    chain_add(c, &tx);
    chain_block(c, false);
    const struct exec_receipt *r = &c->result.txs[0].receipt;
    cr_assert(r->success, "%s", exec_status_text(r->status));
    cr_assert_eq(r->message_count, 1);
    cr_assert_eq(r->messages[0].payload.len, EXEC_WITHDRAWAL_BYTES);
    cr_expect_eq(r->messages[0].payload.ptr[52], 99);
    cr_expect_eq(r->log_count, 1);
    cr_expect_not(c->result.txs[1].receipt.success);
    cr_expect_eq(c->result.txs[1].receipt.message_count, 0);
    cr_expect_eq(chain_account(c, &bridge)->balance.w[0], 0, "burnt");
    cr_expect_eq(c->cursor.message_count, 1);
    exec_messages_init(&m);
    exec_message_leaf(&leaf, 4242, 0, 0, &bridge, r->messages[0].payload);
    cr_assert(exec_messages_add(&m, &leaf));
    exec_messages_root(&root, &m);
    cr_expect(td_hash_eq(&root, &c->result.messages_root));
    cr_expect_not(td_hash_eq(&root, &empty_root));
    prove();
}

/* The last leaf of a batch's tree is given away; whoever comes next is told no, nothing breaks. */
Test(block, a_full_message_tree_makes_the_call_revert)
{
    uint8_t data[36] = {0};
    struct td_hash selector;
    td_keccak256(&selector, "withdraw(address)", 17);
    memcpy(data, selector.b, 4);
    chain_block(c, false);
    c->batch.messages.count = EXEC_MESSAGES_MAX - 1u;
    chain_run_begin(c);
    for (uint32_t i = 0; i < 2; i++) {
        struct exec_tx tx = chain_tx(c, i, 0);
        tx.to = (struct td_addr){{[18] = 0x80, [19] = 1}};
        tx.value = exec_u256_of(9);
        tx.data = td_bytes_of(data, sizeof data);
        chain_sign(c, &tx, i);
        chain_add(c, &tx);
    }
    chain_block(c, false);
    cr_expect(c->result.txs[0].receipt.success);
    cr_expect_not(c->result.txs[1].receipt.success);
    cr_expect_eq(c->result.txs[1].receipt.status, EXEC_REVERT);
    cr_expect_eq(c->batch.messages.count, EXEC_MESSAGES_MAX);
    prove();
}

Test(block, inbox_entries_run_in_order_first_and_once)
{
    struct exec_inbox_op op = deposit(0, 50);
    chain_run_begin(c);
    c->inbox_ready = 3;
    chain_add_inbox(c, &op);
    op = deposit(2, 1000); /* out of order */
    chain_add_inbox(c, &op);
    op = deposit(1, 7);
    chain_add_inbox(c, &op);
    transfer(0, 0, 1);
    op = deposit(2, 1000); /* behind a transaction */
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 58);
    cr_expect_eq(c->result.txs[1].verdict, EXEC_TX_MALFORMED);
    cr_expect_eq(c->result.txs[4].verdict, EXEC_TX_MALFORMED);
    struct td_hash acc = {{0}}, h;
    op = deposit(0, 50);
    exec_inbox_hash(&h, &op, 4242);
    exec_inbox_add(&acc, &h);
    op = deposit(1, 7);
    exec_inbox_hash(&h, &op, 4242);
    exec_inbox_add(&acc, &h);
    cr_expect(td_hash_eq(&acc, &c->cursor.inbox_acc));
    op = deposit(2, 3);
    chain_add_inbox(c, &op);
    op = deposit(3, 3); /* L1 has not seen it */
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->cursor.inbox_index, 3);
    prove();
}

Test(block, a_raw_inbox_transaction_that_is_invalid_is_consumed_without_effect)
{
    struct exec_tx tx = chain_tx(c, 0, 0);
    chain_run_begin(c);
    c->inbox_ready = 2;
    tx.to = SOMEONE;
    tx.value = exec_u256_of(9);
    chain_sign(c, &tx, 0);
    struct exec_inbox_op op = {.index = 0, .kind = EXEC_INBOX_RAW, .data = chain_tx_bytes(c, &tx)};
    chain_add_inbox(c, &op);
    op.index = 1; /* the same again: nonce too low */
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->result.txs[0].verdict, EXEC_TX_OK);
    cr_expect_eq(c->result.txs[1].verdict, EXEC_TX_NONCE_TOO_LOW);
    cr_expect_eq(c->cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 9);
    prove();
}

Test(block, a_batch_ends_where_the_header_says_and_the_next_names_it)
{
    chain_run_begin(c);
    transfer(0, 0, 1);
    chain_block(c, false);
    chain_block(c, true);
    cr_assert(c->result.ends_batch);
    cr_expect_eq(c->batch.number, 1);
    cr_expect(td_hash_eq(&c->batch.parent, &c->result.batch_hash));
    prove();
    struct td_hash batch_hash = c->result.batch_hash;
    chain_run_begin(c);
    chain_block(c, false);
    cr_expect_eq(c->batch.first_block, 3);
    cr_expect(td_hash_eq(&c->batch.parent, &batch_hash));
    prove();
}

/* BLOCKHASH of the last 256 blocks is what consensus called them; older and future ones are zero.
 */
Test(block, blockhash_is_the_hash_of_that_block)
{
    static const uint8_t code[] = {0x5f, 0x35, 0x40, 0x5f, 0x35, 0x55, 0x00}; /* slot[n] = hash */
    struct td_addr at = {{0xb1}};
    struct td_hash hashes[5];
    chain_free(c);
    c = chain_new();
    chain_put(c, &c->addr[0], 10, td_bytes_of(NULL, 0));
    chain_put(c, &at, 0, td_bytes_of(code, sizeof code));
    chain_genesis(c);
    for (uint32_t i = 0; i < 5; i++) {
        hashes[i] = c->cursor.block_hash;
        if (i < 4)
            chain_block(c, false);
    }
    chain_run_begin(c);
    for (uint8_t n = 0; n < 6; n++) {
        uint8_t data[32] = {[31] = n};
        struct exec_tx tx = chain_tx(c, 0, n);
        tx.to = at;
        tx.data = td_bytes_of(data, sizeof data);
        chain_sign(c, &tx, 0);
        chain_add(c, &tx);
    }
    chain_block(c, false);
    for (uint32_t n = 0; n < 6; n++) {
        struct exec_u256 got = chain_slot(c, &at, n), want = {{0}};
        if (n < 5)
            exec_u256_from_be(&want, hashes[n].b, 32);
        cr_expect(exec_u256_eq(&got, &want), "block %u", n);
    }
    prove();
}

/* The tables' hash is keyed by the block's own hash: keys that collide cannot be prepared. */
Test(block, the_state_is_keyed_by_the_block_that_fills_it)
{
    chain_block(c, false);
    struct exec_state *same = calloc(1, exec_state_footprint()), *other;
    other = calloc(1, exec_state_footprint());
    exec_state_seed(same, &c->result.block_hash);
    exec_state_seed(other, &c->cursor.inbox_acc);
    struct exec_hash_key used = c->result.state->hash_key;
    cr_expect_eq(memcmp(&used, &same->hash_key, sizeof used), 0);
    cr_expect_neq(memcmp(&used, &other->hash_key, sizeof used), 0);
    free(same);
    free(other);
}

/* Any word of the input changed: refused, or another statement.  Words that do not count would be
 * room for two inputs of one run. */
Test(block, no_word_of_the_input_is_free)
{
    size_t count;
    chain_run_begin(c);
    transfer(0, 0, 5);
    chain_block(c, true);
    uint32_t *words = (uint32_t *)(uintptr_t)chain_run_words(c, &count);
    struct exec_statement got, want = chain_run_statement(c);
    cr_assert_eq(exec_run(&got, words, count, &memory), TD_OK);
    uint32_t same = 0;
    for (size_t i = 0; i < count; i += 1u + i / 400u) {
        words[i] ^= 1u << (i % 31u);
        enum td_error err = exec_run(&got, words, count, &memory);
        same += err == TD_OK && memcmp(&got, &want, sizeof got) == 0;
        cr_expect(err != TD_OK || memcmp(&got, &want, sizeof got) != 0, "word %zu", i);
        words[i] ^= 1u << (i % 31u);
    }
    cr_expect_eq(same, 0);
    for (size_t n = 0; n < count; n += 1u + n / 50u)
        cr_expect_neq(exec_run(&got, words, n, &memory), TD_OK, "%zu of %zu words", n, count);
}
