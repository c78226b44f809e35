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
    struct td_hash before = c->l.cursor.block_hash;
    chain_run_begin(c);
    chain_block(c, false);
    cr_expect_eq(c->l.cursor.number, 1);
    cr_expect_eq(c->l.result.gas_used, 0);
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
    cr_assert_eq(c->l.result.tx_count, 1);
    const struct exec_receipt *r = &c->l.result.txs[0].receipt;
    cr_expect(r->success);
    cr_expect_geq(r->gas_used, 21000);
    cr_expect_eq(c->l.result.gas_used, r->gas_used);
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
    cr_expect_eq(chain_account(c, &c->l.params.fee_vault)->balance.w[0], r->gas_used);
    cr_expect_not(td_hash_is_zero(&c->l.result.receipts_root));
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
            cr_expect_eq(c->l.result.txs[i].verdict, want[i], "%u: %s", i,
                         exec_tx_verdict_text(c->l.result.txs[i].verdict));
    cr_expect_neq(c->l.result.txs[3].verdict, EXEC_TX_OK);
    cr_expect_eq(c->l.result.tx_count, 2);
    cr_expect_eq(c->l.result.skipped, 4);
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
    c->l.params.native_limit = EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH + EXEC_NATIVE_SHARED +
                               3 * (EXEC_NATIVE_TX + EXEC_NATIVE_TX_BYTE * 14u);
    cr_expect(exec_payload_fits(&c->l.params, payload, 3));
    cr_expect_not(exec_payload_fits(&c->l.params, payload, 4));
    chain_run_begin(c);
    for (uint32_t i = 0; i < 3; i++)
        chain_add_bytes(c, entry);
    chain_block(c, false);
    cr_expect_eq(c->l.result.native_used, c->l.params.native_limit);
    prove();
    for (uint32_t i = 0; i < 4; i++)
        chain_add_bytes(c, entry);
    cr_expect_eq(chain_try(c, false), TD_E_CORRUPT);
}

/* Of a transaction with authorizations: how long its list may take to decode is set aside, and
 * comes back when it was one. */
Test(block, decoding_authorizations_is_reserved_and_returned)
{
    static const uint8_t data[50000];
    struct exec_authorization auth = {.r = exec_u256_of(1), .s = exec_u256_of(1)};
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.type = 4;
    tx.to = SOMEONE;
    tx.data = td_bytes_of(data, sizeof data);
    tx.auth = &auth;
    tx.auth_count = 1;
    chain_sign(c, &tx, 0);
    struct td_bytes bytes = chain_tx_bytes(c, &tx);
    struct td_bytes cut = td_bytes_of(bytes.ptr, bytes.len - 1u);
    uint64_t limit = c->l.params.native_limit, lists = bytes.len * EXEC_NATIVE_TX_BYTE_AUTH;
    uint64_t look =
        EXEC_NATIVE_BLOCK + EXEC_NATIVE_SHARED + EXEC_NATIVE_TX + bytes.len * EXEC_NATIVE_TX_BYTE;

    c->l.params.native_limit = look + EXEC_NATIVE_BATCH + lists - 1u;
    chain_add_bytes(c, bytes);
    cr_assert_eq(chain_try(c, false), TD_OK);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_BLOCK_NATIVE);
    cr_expect_eq(c->l.result.native_used, look + EXEC_NATIVE_BATCH);
    node_ledger_clear(&c->l);

    c->l.params.native_limit = limit;
    chain_run_begin(c);
    chain_add_bytes(c, bytes);
    chain_block(c, false);
    cr_assert_eq(c->l.result.txs[0].verdict, EXEC_TX_OK);
    cr_expect_eq(c->l.result.native_used, look + EXEC_NATIVE_BATCH + EXEC_NATIVE_RECOVER +
                                              c->l.result.txs[0].receipt.native_used);
    chain_add_bytes(c, cut); /* in the middle of the batch */
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_MALFORMED);
    cr_expect_eq(c->l.result.native_used,
                 look - EXEC_NATIVE_TX_BYTE + lists - EXEC_NATIVE_TX_BYTE_AUTH);
    chain_block(c, true);
    cr_expect_eq(c->l.result.native_used, EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH);
    prove();
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
    cr_assert_eq(c->l.result.txs[1].verdict, EXEC_TX_BLOCK_GAS);
    cr_assert_eq(c->l.cursor.inbox_index, 1);
    chain_add_inbox(c, &forced);
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_OK);
    cr_expect_eq(c->l.cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 9);
    prove();
}

/* What later entries cost to look at is reserved before the first one runs: a proposer who fills a
 * payload must not be able to starve a forced transaction that way and have it count as done. */
Test(block, a_forced_transaction_cannot_be_starved_by_what_stands_behind_it)
{
    static uint8_t junk[1u << 20];
    uint64_t rest = c->l.params.native_limit - c->l.params.prices.tx_native_max / 2u;
    size_t each = (size_t)(rest / EXEC_NATIVE_TX_BYTE / 3u);
    cr_assert_leq(each, sizeof junk);
    struct exec_inbox_op op = deposit(0, 50);
    chain_run_begin(c);
    c->inbox_ready = 1;
    chain_add_inbox(c, &op);
    for (uint32_t i = 0; i < 3; i++) /* half of what a transaction may use is left, or less */
        chain_add_bytes(c, td_bytes_of(junk, each));
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_BLOCK_NATIVE);
    cr_expect_eq(c->l.cursor.inbox_index, 0);
    cr_expect_null(chain_account(c, &SOMEONE));
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.cursor.inbox_index, 1);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 50);
    prove();
}

/* The bridge on L1 took the value of a raw entry in: it appears on L2 once, whatever becomes of the
 * transaction, which it may pay for; an entry that is not consumed mints nothing. */
Test(block, a_raw_inbox_entry_mints_its_value_whatever_becomes_of_the_transaction)
{
    struct td_addr poor = {{0x31}}, other = {{0x32}};
    struct exec_tx tx = chain_tx(c, 0, 0);
    chain_run_begin(c);
    c->inbox_ready = 4;
    struct exec_inbox_op op = {.index = 0,
                               .kind = EXEC_INBOX_RAW,
                               .sender = poor,
                               .value = exec_u256_of(77),
                               .data = td_bytes_of_text("no transaction")};
    chain_add_inbox(c, &op);
    op = (struct exec_inbox_op){
        .index = 1, .kind = EXEC_INBOX_RAW, .sender = c->addr[0], .value = exec_u256_of(5)};
    tx.to = SOMEONE;
    tx.value = chain_account(c, &c->addr[0])->balance; /* affordable with the mint alone */
    tx.gas_limit = 30000;
    tx.fee_cap = exec_u256_of(1000);
    struct exec_u256 fee = exec_u256_of(30000u * 1000u);
    op.value = fee;
    chain_sign(c, &tx, 0);
    op.data = chain_tx_bytes(c, &tx);
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_TYPE);
    cr_expect_eq(c->l.result.txs[1].verdict, EXEC_TX_OK);
    cr_expect(exec_u256_eq(&chain_account(c, &SOMEONE)->balance, &tx.value));
    cr_expect_eq(chain_account(c, &poor)->balance.w[0], 77);
    cr_expect_eq(chain_account(c, &poor)->nonce, 0);

    /* no room for its gas behind another: not consumed, nothing minted; alone it is */
    struct exec_inbox_op first = deposit(2, 1);
    tx = chain_tx(c, 1, 0);
    tx.gas_limit = c->l.params.gas_limit;
    chain_sign(c, &tx, 1);
    op = (struct exec_inbox_op){.index = 3,
                                .kind = EXEC_INBOX_RAW,
                                .sender = other,
                                .value = exec_u256_of(9),
                                .data = chain_tx_bytes(c, &tx)};
    chain_add_inbox(c, &first);
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[1].verdict, EXEC_TX_BLOCK_GAS);
    cr_expect_eq(c->l.cursor.inbox_index, 3);
    cr_expect_null(chain_account(c, &other), "what a block only looked at is not kept");
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.cursor.inbox_index, 4);
    cr_expect_eq(chain_account(c, &other)->balance.w[0], 9);
    prove();
}

/* A header names its entries by hash, so no two payloads may have the same.  The words that an
 * inbox entry is hashed as for L1 are bytes that anybody may send as a transaction, 320 of them, as
 * many as that entry has with 222 bytes of data: were the entry named by that hash, whoever proves
 * the block could put the one in place of the other, and mint. */
Test(block, a_transaction_cannot_stand_for_an_inbox_entry)
{
    static const char type[] =
        "QueueOp(uint64 chainId,uint64 index,uint8 kind,address sender,address to,uint256 value,"
        "uint64 gasLimit,bytes32 dataHash,uint64 l1Block)";
    static uint8_t data[320 - EXEC_INBOX_HEADER_BYTES];
    uint8_t words[320] = {0};
    struct td_hash h, sent;
    struct exec_inbox_op op = deposit(0, 77);
    op.data = td_bytes_of(data, sizeof data);
    td_keccak256(&h, type, sizeof type - 1u);
    memcpy(words, h.b, 32);
    words[62] = 4242 >> 8, words[63] = 4242 & 0xff;
    words[140] = 0x11;                      /* sender */
    memcpy(words + 172, SOMEONE.b, 20);     /* to */
    words[223] = 77;                        /* value */
    memcpy(words + 253, "\x01\x86\xa0", 3); /* gas limit 100,000 */
    td_keccak256(&h, data, sizeof data);
    memcpy(words + 256, h.b, 32);
    td_keccak256(&sent, words, sizeof words);
    exec_inbox_hash(&h, &op, 4242);
    cr_assert(td_hash_eq(&h, &sent), "the words are the entry's");
    c->inbox_ready = 1;
    chain_add_bytes(c, td_bytes_of(words, sizeof words));
    chain_block(c, false);
    cr_expect_neq(c->l.result.txs[0].verdict, EXEC_TX_OK);
    sent = c->l.result.block_hash;
    teardown();
    setup();
    c->inbox_ready = 1;
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_OK);
    cr_expect(td_hash_eq(&c->l.result.txs[0].hash, &h), "L1's name for it is its transaction hash");
    cr_expect_not(td_hash_eq(&c->l.result.block_hash, &sent), "one header, two payloads");
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
    cr_expect_eq(c->l.cursor.inbox_index, 1);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 50);
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.gas_limit = c->l.params.gas_limit + 1u;
    chain_sign(c, &tx, 0);
    op = (struct exec_inbox_op){.index = 1, .kind = EXEC_INBOX_RAW, .data = chain_tx_bytes(c, &tx)};
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_BLOCK_GAS);
    cr_expect_eq(c->l.cursor.inbox_index, 2);
    prove();
}

Test(block, withdrawals_and_messages_reach_the_batch)
{
    static const struct td_addr bridge = {{[18] = 0x80, [19] = 1}};
    struct td_hash selector, empty_root = c->l.result.messages_root, leaf, root;
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
    const struct exec_receipt *r = &c->l.result.txs[0].receipt;
    cr_assert(r->success, "%s", exec_status_text(r->status));
    cr_assert_eq(r->message_count, 1);
    cr_assert_eq(r->messages[0].payload.len, EXEC_WITHDRAWAL_BYTES);
    cr_expect_eq(r->messages[0].payload.ptr[52], 99);
    cr_expect_eq(r->log_count, 1);
    cr_expect_not(c->l.result.txs[1].receipt.success);
    cr_expect_eq(c->l.result.txs[1].receipt.message_count, 0);
    cr_expect_eq(chain_account(c, &bridge)->balance.w[0], 0, "burnt");
    cr_expect_eq(c->l.cursor.message_count, 1);
    exec_messages_init(&m);
    exec_message_leaf(&leaf, 4242, 0, 0, &bridge, r->messages[0].payload);
    cr_assert(exec_messages_add(&m, &leaf));
    exec_messages_root(&root, &m);
    cr_expect(td_hash_eq(&root, &c->l.result.messages_root));
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
    c->l.batch.messages.count = EXEC_MESSAGES_MAX - 1u;
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
    cr_expect(c->l.result.txs[0].receipt.success);
    cr_expect_not(c->l.result.txs[1].receipt.success);
    cr_expect_eq(c->l.result.txs[1].receipt.status, EXEC_REVERT);
    cr_expect_eq(c->l.batch.messages.count, EXEC_MESSAGES_MAX);
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
    cr_expect_eq(c->l.cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 58);
    cr_expect_eq(c->l.result.txs[1].verdict, EXEC_TX_MALFORMED);
    cr_expect_eq(c->l.result.txs[4].verdict, EXEC_TX_MALFORMED);
    struct td_hash acc = {{0}}, h;
    op = deposit(0, 50);
    exec_inbox_hash(&h, &op, 4242);
    exec_inbox_add(&acc, &h);
    op = deposit(1, 7);
    exec_inbox_hash(&h, &op, 4242);
    exec_inbox_add(&acc, &h);
    cr_expect(td_hash_eq(&acc, &c->l.cursor.inbox_acc));
    op = deposit(2, 3);
    chain_add_inbox(c, &op);
    op = deposit(3, 3); /* L1 has not seen it */
    chain_add_inbox(c, &op);
    chain_block(c, false);
    cr_expect_eq(c->l.cursor.inbox_index, 3);
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
    cr_expect_eq(c->l.result.txs[0].verdict, EXEC_TX_OK);
    cr_expect_eq(c->l.result.txs[1].verdict, EXEC_TX_NONCE_TOO_LOW);
    cr_expect_eq(c->l.cursor.inbox_index, 2);
    cr_expect_eq(chain_account(c, &SOMEONE)->balance.w[0], 9);
    prove();
}

Test(block, a_batch_ends_where_the_header_says_and_the_next_names_it)
{
    chain_run_begin(c);
    transfer(0, 0, 1);
    chain_block(c, false);
    chain_block(c, true);
    cr_assert(c->l.result.ends_batch);
    cr_expect_eq(c->l.batch.number, 1);
    cr_expect(td_hash_eq(&c->l.batch.parent, &c->l.result.batch_hash));
    prove();
    struct td_hash batch_hash = c->l.result.batch_hash;
    chain_run_begin(c);
    chain_block(c, false);
    cr_expect_eq(c->l.batch.first_block, 3);
    cr_expect(td_hash_eq(&c->l.batch.parent, &batch_hash));
    prove();
}

/* L1 takes a batch on the signatures of one epoch's set: a block of the next epoch in an open batch
 * is no block, nor is one that skips an epoch or goes back to one. */
Test(block, a_batch_lies_in_one_epoch)
{
    static const struct {
        uint64_t blocks_before, epoch; /* of the block tried; 64 heights an epoch */
        bool open;
        enum td_error want;
    } rows[] = {{63, 0, true, TD_OK},
                {63, 1, true, TD_E_CORRUPT},
                {64, 1, false, TD_OK},
                {64, 2, false, TD_E_CORRUPT},
                {64, 0, false, TD_OK},
                {65, 0, true, TD_E_CORRUPT},
                {65, 2, true, TD_E_CORRUPT},
                {65, UINT64_MAX, true, TD_E_CORRUPT},
                {64, UINT64_MAX, false, TD_E_CORRUPT}};
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            chain_free(c);
            c = chain_new();
            chain_genesis(c);
        }
        while (c->l.cursor.number < rows[i].blocks_before)
            chain_block(c, false);
        cr_assert_eq(c->l.batch.open, rows[i].open);
        c->epoch = &rows[i].epoch;
        cr_expect_eq(chain_try(c, false), rows[i].want, "row %u", i);
    }
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
        hashes[i] = c->l.cursor.block_hash;
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
    const struct exec_reader nobody = {NULL, NULL, NULL, NULL};
    void *region[2] = {calloc(1, exec_state_footprint()), calloc(1, exec_state_footprint())};
    struct exec_header header, another;
    uint8_t bytes[EXEC_HEADER_BYTES];
    memcpy(bytes, c->l.block.header.ptr, sizeof bytes);
    cr_assert_eq(exec_header_read(&header, td_bytes_of(bytes, sizeof bytes)), TD_OK);
    bytes[107] ^= 1u; /* payload root */
    cr_assert_eq(exec_header_read(&another, td_bytes_of(bytes, sizeof bytes)), TD_OK);
    struct exec_state *same =
        exec_state_init_keyed(region[0], &memory, &nobody, exec_header_squeezed(&header));
    struct exec_state *other =
        exec_state_init_keyed(region[1], &memory, &nobody, exec_header_squeezed(&another));
    struct exec_hash_key used = c->l.result.state->hash_key;
    cr_expect_eq(memcmp(&used, &same->hash_key, sizeof used), 0);
    cr_expect_neq(memcmp(&used, &other->hash_key, sizeof used), 0);
    free(region[0]);
    free(region[1]);
}

/* No L1 has 2^256 wei.  Should one say so, nothing wraps: what does not fit stays where it is. */
Test(block, deposits_above_all_wei_do_not_wrap)
{
    static const struct exec_u256 all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    const struct td_addr rich = {{0x11}};
    struct exec_inbox_op op = deposit(0, 0), raw = {.kind = EXEC_INBOX_RAW, .sender = SOMEONE};
    raw.index = 3;
    raw.value = exec_u256_of(1);
    op.value = all;
    chain_run_begin(c);
    c->inbox_ready = 4;
    for (op.index = 0; op.index < 3; op.index++)
        chain_add_inbox(c, &op);
    chain_add_inbox(c, &raw);
    chain_block(c, false);
    cr_expect_eq(c->l.cursor.inbox_index, 4);
    cr_expect(c->l.result.txs[0].receipt.success);
    cr_expect_not(c->l.result.txs[1].receipt.success, "the receiver is full");
    cr_expect_not(c->l.result.txs[2].receipt.success, "and the sender, too");
    cr_expect(exec_u256_eq(&chain_account(c, &SOMEONE)->balance, &all));
    cr_expect(exec_u256_eq(&chain_account(c, &rich)->balance, &all));
    cr_expect_eq(chain_account(c, &rich)->nonce, 3);
    prove();
}

/* EIP-7702: a delegation to a system contract reaches the byte of code at its address, which is
 * invalid, and never the contract; one to a precompile reaches nothing. */
Test(block, delegations_do_not_reach_contracts_of_the_program)
{
    static const struct td_addr targets[] = {{{[18] = 0x80, [19] = 1}}, {{[19] = 4}}};
    uint8_t data[36] = {0};
    struct td_hash selector, digest;
    td_keccak256(&selector, "withdraw(address)", 17);
    memcpy(data, selector.b, 4);
    chain_run_begin(c);
    for (uint32_t i = 0; i < 2; i++) {
        struct exec_authorization auth = {.addr = targets[i]};
        struct td_sig sig;
        exec_authorization_hash(&digest, &auth);
        cr_assert_eq(td_secp_sign(c->l.secp, &c->key[i + 1u], &digest, &sig), TD_OK);
        auth.y_parity = exec_u256_of(sig.b[32] >> 7);
        sig.b[32] &= 0x7f;
        exec_u256_from_be(&auth.r, sig.b, 32);
        exec_u256_from_be(&auth.s, sig.b + 32, 32);
        struct exec_tx tx = chain_tx(c, 0, i);
        tx.type = 4;
        tx.auth = &auth;
        tx.auth_count = 1;
        tx.to = c->addr[i + 1u];
        tx.value = exec_u256_of(5);
        tx.data = td_bytes_of(data, sizeof data);
        chain_sign(c, &tx, 0);
        chain_add(c, &tx);
    }
    chain_block(c, false);
    for (uint32_t i = 0; i < 2; i++) {
        const struct exec_receipt *r = &c->l.result.txs[i].receipt;
        cr_expect_eq(chain_account(c, &c->addr[i + 1u])->code_bytes, 23, "delegated");
        cr_expect_eq(r->success, i == 1);
        cr_expect_eq(r->status, i == 1 ? EXEC_SUCCESS : EXEC_BAD_OPCODE);
        cr_expect_eq(r->message_count + r->log_count, 0);
        cr_expect_eq(r->output.len, 0);
    }
    prove();
}

/* Whatever memory the proven program is given, it states the same or says that memory is short: no
 * verdict depends on it, and nobody is told that a good witness lies. */
Test(block, too_little_memory_is_called_so)
{
    /* log, store, look at another account */
    static const uint8_t code[] = {0x36, 0x5f, 0xa0, 0x60, 0x07, 0x5f, 0x55, 0x43, 0x31, 0x00};
    struct td_addr at = {{0xb3}};
    chain_free(c);
    c = chain_new();
    chain_put(c, &c->addr[0], 10, td_bytes_of(NULL, 0));
    chain_put(c, &at, 0, td_bytes_of(code, sizeof code));
    chain_genesis(c);
    chain_run_begin(c);
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.to = at;
    chain_sign(c, &tx, 0);
    chain_add(c, &tx);
    chain_block(c, false);
    size_t count, least = 0, most = memory.cap;
    const uint32_t *words = chain_run_words(c, &count);
    struct exec_statement got, want = chain_run_statement(c);
    struct td_arena arena;
    while (most - least > 1u) {
        size_t half = least + (most - least) / 2u;
        td_arena_init(&arena, memory.base, half);
        if (exec_run(&got, words, count, &arena) == TD_OK)
            most = half;
        else
            least = half;
    }
    uint32_t refused = 0;
    for (size_t less = 0; less < 200000 && less < most; less += 61) {
        td_arena_init(&arena, memory.base, most - less);
        enum td_error err = exec_run(&got, words, count, &arena);
        refused += err == TD_E_NOSPACE;
        if (err == TD_OK)
            cr_expect_eq(memcmp(&got, &want, sizeof got), 0, "%zu bytes less", less);
        else
            cr_expect_eq(err, TD_E_NOSPACE, "%zu bytes less: %s", less, td_error_text(err));
    }
    cr_expect_gt(refused, 3000);
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

/* The input of the run's only block so far: word 0 holds the byte before the header. */
static uint32_t *block_input(uint32_t *words, size_t count, uint32_t section)
{
    for (size_t i = 0; i + EXEC_WITNESS_HEADER_WORDS < count; i++) {
        if (words[i] == EXEC_WITNESS_MAGIC && words[i + 1u] == EXEC_WITNESS_VERSION)
            return words + i + words[i + 5u + 2u * section];
    }
    cr_assert_fail("no witness in the run");
    return NULL;
}

/* What an empty block leaves to check is checked: each of these runs must be refused, not merely
 * state something else. */
Test(block, an_empty_block_that_does_not_follow_is_refused)
{
    static const struct {
        const char *what;
        uint32_t at; /* of the header, plus one */
        uint8_t flip;
    } cases[] = {{"the byte before the header", 0, 1},
                 {"number", 1 + 23, 1},
                 {"filler", 1 + 24, 1},
                 {"an unknown flag", 1 + 24, 4},
                 {"hash of the block before, first byte", 1 + 65, 0x80},
                 {"hash of the block before, last byte", 1 + 96, 1},
                 {"time, now before the last block's", 1 + 102, 0x80},
                 {"payload root, first byte", 1 + 107, 1},
                 {"payload root, last byte", 1 + 138, 0x80},
                 {"number of transactions", 1 + 146, 1}};
    size_t count;
    struct exec_statement got;
    chain_block(c, false);
    chain_run_begin(c);
    chain_block(c, false);
    uint32_t *words = (uint32_t *)(uintptr_t)chain_run_words(c, &count);
    cr_assert_eq(exec_run(&got, words, count, &memory), TD_OK);
    uint8_t *bytes = (uint8_t *)block_input(words, count, EXEC_WITNESS_INPUT);
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes[cases[i].at] ^= cases[i].flip;
        cr_expect_eq(exec_run(&got, words, count, &memory), TD_E_CORRUPT, "%s", cases[i].what);
        bytes[cases[i].at] ^= cases[i].flip;
    }
    /* Words that are the same element under another number. */
    for (uint32_t section = EXEC_WITNESS_PLACES; section <= EXEC_WITNESS_SIBLINGS;
         section += EXEC_WITNESS_SIBLINGS - EXEC_WITNESS_PLACES) {
        uint32_t *word = block_input(words, count, section) + 1;
        *word += TD_KB_P;
        cr_expect_eq(exec_run(&got, words, count, &memory), TD_E_CORRUPT, "section %u", section);
        *word -= TD_KB_P;
    }
    cr_expect_eq(exec_run(&got, words, count, &memory), TD_OK);
}

Test(block, time_is_the_header_s_in_seconds)
{
    static const uint64_t ms[] = {
        UINT64_C(1700000000999),       UINT64_C(0xFFFFFFFF) * 1000u + 999u,
        UINT64_C(0x100000000) * 1000u, UINT64_C(0x0123456789ABCDEF),
        UINT64_C(0x7FFFFFFFFFFFFFFF),  UINT64_C(0xFFFFFFFFFFFFF000),
        UINT64_C(0xFFFFFFFFFFFFFFFF)};
    chain_block(c, false); /* a batch is open: it does not ask for the state before it again */
    for (uint32_t i = 0; i < sizeof ms / sizeof ms[0]; i++) {
        c->l.cursor.ts_ms = ms[i] - 1000u;
        chain_block(c, false);
        cr_expect_eq(c->l.cursor.ts_ms, ms[i]);
        cr_expect_eq(c->l.result.env.timestamp, ms[i] / 1000u, "%u", i);
        cr_expect_eq(c->l.batch.last_time, ms[i] / 1000u, "%u", i);
    }
}
