/* node/chain: blocks executed, stored, loaded and looked at.  What a block must come to is what the
 * ledger says and what the same blocks come to however often the process ends in between. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "node/chain/chain_internal.h"
#include "tests/node/chain_bed.h"
#include "tests/node/store_memory.h"

#define LEAVES 4096u
#define BLOCKS 4u

static struct bed bed;
static const struct td_addr TARGET = {{0x77, [19] = 1}};

/* mstore(0, 42); log1(0, 32, 7); return sstore(1, 5); log2(0, 0, 9, 8). */
static const uint8_t INIT[] = {0x60, 0x2a, 0x60, 0x00, 0x52, 0x60, 0x07, 0x60, 0x20, 0x60,
                               0x00, 0xa1, 0x60, 0x0f, 0x60, 0x18, 0x60, 0x00, 0x39, 0x60,
                               0x0f, 0x60, 0x00, 0xf3, 0x60, 0x05, 0x60, 0x01, 0x55, 0x60,
                               0x08, 0x60, 0x09, 0x60, 0x00, 0x60, 0x00, 0xa2, 0x00};

static void begin(uint32_t leaves)
{
    memory_store_reset();
    bed_init(&bed, leaves);
    cr_assert_not_null(bed.chain, "%s", bed.error.text);
}

/* What block `number` of the scenario holds. */
static void scenario(uint32_t number, struct td_addr *contract)
{
    static const uint8_t garbage[] = {0x02, 0xff, 0x00};
    switch (number) {
    case 1:
        bed_transfer(&bed, 0, &TARGET, 5);
        bed_transfer_at(&bed, 1, &TARGET, 99);
        bed_entry(&bed, td_bytes_of(garbage, sizeof garbage));
        bed_transfer(&bed, 1, &TARGET, 6);
        break;
    case 2:
        bed_create(&bed, 2, td_bytes_of(INIT, sizeof INIT));
        bed_transfer(&bed, 0, &TARGET, 7);
        break;
    case 3:
        bed_call(&bed, 3, contract, td_bytes_of(NULL, 0));
        break;
    default:
        break;
    }
    bed_block(&bed, number == 3);
}

static void execute(struct node_executed *e)
{
    enum td_error err = bed_execute(&bed, e);
    cr_assert_eq(err, TD_OK, "%d: %s", err, node_chain_why(bed.chain));
}

/* The address that block 2's creation had. */
static struct td_addr created(void)
{
    const struct exec_result *r = &bed.chain->ledger.result;
    cr_assert_eq(r->tx_count, 2);
    cr_assert(r->txs[0].receipt.success, "%s", exec_status_text(r->txs[0].receipt.status));
    return r->txs[0].receipt.created;
}

enum ending { NEVER, AFTER_EACH_COMMIT };

static void run_scenario(struct bft_executed out[BLOCKS], enum ending ending, bool commit)
{
    struct td_addr contract = {{0}};
    memset(bed.nonces, 0, sizeof bed.nonces);
    for (uint32_t i = 1; i <= BLOCKS; i++) {
        struct node_executed e;
        scenario(i, &contract);
        execute(&e);
        out[i - 1] = e.core;
        if (i == 2)
            contract = created();
        if (commit)
            bed_commit(&bed, &e);
        node_executed_free(&e);
        if (ending == AFTER_EACH_COMMIT) {
            enum td_error err = bed_reopen(&bed, LEAVES);
            cr_assert_eq(err, TD_OK, "%s", bed.error.text);
            cr_assert_eq(node_chain_executed(bed.chain), i);
        }
    }
}

static void same_results(const struct bft_executed *a, const struct bft_executed *b)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct td_hash x, y;
        bft_result_digest(&x, &a[i].result);
        bft_result_digest(&y, &b[i].result);
        cr_expect(td_hash_eq(&x, &y), "block %u", i + 1);
        cr_expect(td_hash_eq(&a[i].batch_hash, &b[i].batch_hash), "block %u", i + 1);
        cr_expect_eq(a[i].batch_native, b[i].batch_native);
        cr_expect_eq(a[i].batch_bytes, b[i].batch_bytes);
    }
}

Test(chain, results_do_not_depend_on_when_the_process_ends)
{
    struct bft_executed through[BLOCKS], ending[BLOCKS], lost[BLOCKS], again[BLOCKS];
    begin(LEAVES);
    run_scenario(through, NEVER, true);
    bed_free(&bed);
    begin(LEAVES);
    run_scenario(ending, AFTER_EACH_COMMIT, true);
    bed_free(&bed);
    begin(LEAVES);
    run_scenario(lost, NEVER, false);
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK);
    cr_expect_eq(node_chain_executed(bed.chain), 0, "nothing was committed");
    run_scenario(again, NEVER, true);
    same_results(through, ending);
    same_results(through, lost);
    same_results(through, again);
    cr_expect(!td_hash_is_zero(&through[2].batch_hash), "block 3 ends a batch");
    cr_expect(td_hash_is_zero(&through[1].batch_hash));
    cr_expect_gt(through[2].batch_native, through[1].batch_native, "with the block that ends it");
    cr_expect_lt(through[3].batch_native, through[2].batch_native);
    bed_free(&bed);
}

Test(chain, genesis_is_the_files)
{
    struct exec_account a;
    struct td_hash commitment;
    struct node_block block;
    begin(LEAVES);
    exec_cursor_commit(&commitment, node_chain_cursor(bed.chain));
    cr_expect(td_hash_eq(&commitment, &bed.genesis->state_commitment));
    node_chain_account(bed.chain, &bed.genesis->accounts[0].addr, &a);
    cr_expect(exec_u256_eq(&a.balance, &bed.genesis->accounts[0].balance));
    node_chain_account(bed.chain, &TARGET, &a);
    cr_expect(exec_u256_is_zero(&a.balance) && td_hash_eq(&a.code_hash, &EXEC_EMPTY_CODE_HASH));
    cr_assert_eq(node_block_load(bed.genesis, bed.reader, 0, true, true, &bed.arena, &block),
                 TD_OK);
    cr_expect(block.executed && td_hash_eq(&block.hash, &bed.genesis->genesis_hash));
    cr_expect_eq(node_block_load(bed.genesis, bed.reader, 1, true, true, &bed.arena, &block),
                 TD_E_NOTFOUND);
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK, "%s", bed.error.text);
    bed_free(&bed);
}

/* ---- views */

static void same_receipt(const struct node_receipt *got, const struct exec_tx_result *want)
{
    const struct exec_receipt *rc = &want->receipt;
    cr_expect_eq(got->payload_index, want->payload_index);
    cr_expect(td_hash_eq(&got->hash, &want->hash));
    cr_expect(td_addr_eq(&got->sender, &want->sender));
    cr_expect(td_addr_eq(&got->created, &rc->created));
    cr_expect_eq(got->type, rc->type);
    cr_expect_eq(got->success, rc->success);
    cr_expect_eq(got->status, (uint32_t)rc->status);
    cr_expect_eq(got->gas_used, rc->gas_used);
    cr_expect_eq(got->cumulative_gas, rc->cumulative_gas);
    cr_expect_eq(got->native_used, rc->native_used);
    cr_expect_eq(got->pubdata_bytes, rc->pubdata_bytes);
    cr_assert_eq(got->log_count, rc->log_count);
    for (uint32_t k = 0; k < rc->log_count; k++) {
        const struct node_log *x = &got->logs[k];
        const struct exec_log *y = &rc->logs[k];
        cr_expect(td_addr_eq(&x->addr, &y->addr));
        cr_assert_eq(x->topic_count, y->topic_count);
        cr_expect_arr_eq(x->topic, y->topic, y->topic_count * sizeof y->topic[0]);
        cr_expect(td_bytes_eq(x->data, y->data));
    }
}

/* The newest block, as stored, against what the ledger holds of it. */
static void check_view(void)
{
    const struct node_ledger *l = &bed.chain->ledger;
    struct td_arena_mark mark = td_arena_mark(&bed.arena);
    struct node_block b;
    uint64_t height, number = bed.header.height;
    uint32_t n = 0, logs = 0, index;
    cr_assert_eq(node_block_load(bed.genesis, bed.reader, number, true, true, &bed.arena, &b),
                 TD_OK);
    cr_expect(td_hash_eq(&b.hash, &bed.hash));
    cr_expect(td_hash_eq(&b.exec.result.receipts_root, &l->result.receipts_root));
    cr_expect_eq(b.gas_used, l->result.gas_used);
    cr_expect_eq(b.native_used, l->result.native_used);
    cr_expect_eq(b.state.batch_count, 3);
    cr_assert_eq(b.payload_count, bed.header.tx_count);
    cr_assert_eq(b.receipt_count, l->result.tx_count);
    for (uint32_t i = 0; i < b.payload_count; i++) {
        const struct exec_tx_result *x = &l->result.txs[i];
        struct td_hash hash;
        td_keccak256(&hash, b.payload[i].ptr, b.payload[i].len);
        cr_expect(td_hash_eq(&hash, &x->hash));
        enum td_error err = store_chain_tx(bed.reader, &hash, &height, &index);
        cr_assert_eq(err, x->verdict == EXEC_TX_OK ? TD_OK : TD_E_NOTFOUND, "skipped: no receipt");
        if (err != TD_OK)
            continue;
        cr_expect_eq(height, number);
        cr_expect_eq(index, n);
        cr_expect_eq(b.receipts[n].tx_index, n);
        cr_expect_eq(b.receipts[n].first_log, logs);
        same_receipt(&b.receipts[n], x);
        logs += b.receipts[n++].log_count;
    }
    td_arena_rewind(&bed.arena, mark);
}

static uint32_t heights_of(struct td_bytes name, uint64_t heights[4])
{
    uint32_t count;
    cr_assert_eq(
        store_chain_logs(bed.reader, node_log_key(name), 0, UINT64_MAX, heights, 4, &count), TD_OK);
    return count;
}

Test(chain, stored_blocks_say_what_the_ledger_said)
{
    struct td_addr contract = {{0}};
    struct td_hash topic = {{0}};
    uint64_t heights[4];
    begin(LEAVES);
    for (uint32_t i = 1; i <= BLOCKS; i++) {
        static const uint32_t txs[] = {2, 2, 1, 0}, skipped[] = {2, 0, 0, 0};
        /* The one whose nonce is too high may be taken by a later block. */
        static const uint32_t done[] = {3, 2, 1, 0};
        struct node_executed e;
        scenario(i, &contract);
        execute(&e);
        bed_commit(&bed, &e);
        cr_expect_eq(e.height, i);
        cr_expect_eq(e.tx_count, txs[i - 1]);
        cr_expect_eq(e.skipped, skipped[i - 1]);
        cr_expect_eq(e.hash_count, done[i - 1]);
        cr_assert_eq(e.sender_count, txs[i - 1]);
        if (i == 1) {
            cr_expect(td_addr_eq(&e.senders[0], &bed.genesis->validators[0].member.addr) ||
                      td_addr_eq(&e.senders[0], &bed.genesis->validators[1].member.addr) ||
                      td_addr_eq(&e.senders[0], &bed.genesis->validators[2].member.addr));
            cr_expect(!td_addr_eq(&e.senders[0], &e.senders[1]));
        }
        if (i == 2)
            contract = created();
        cr_expect(exec_u256_eq(&e.base_fee_next, &node_chain_cursor(bed.chain)->base_fee));
        check_view();
        node_executed_free(&e);
    }
    cr_expect_eq(heights_of(td_bytes_of(contract.b, sizeof contract.b), heights), 2);
    cr_expect(heights[0] == 2 && heights[1] == 3);
    topic.b[31] = 9;
    cr_expect_eq(heights_of(td_bytes_of(topic.b, sizeof topic.b), heights), 1);
    cr_expect_eq(heights[0], 3);
    topic.b[31] = 10;
    cr_expect_eq(heights_of(td_bytes_of(topic.b, sizeof topic.b), heights), 0);
    struct exec_u256 slot = exec_u256_of(1), value;
    struct exec_reader reader = node_chain_state(bed.chain);
    cr_assert_eq(reader.slot(reader.self, &contract, &slot, &value), TD_OK);
    cr_expect_eq(value.w[0], 5);
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK, "%s", bed.error.text);
    reader = node_chain_state(bed.chain);
    cr_assert_eq(reader.slot(reader.self, &contract, &slot, &value), TD_OK);
    cr_expect_eq(value.w[0], 5, "also when loaded");
    bed_free(&bed);
}

/* ---- proofs */

static void check_proof(const struct td_p2_digest *key, bool present)
{
    struct td_p2_digest siblings[EXEC_TREE_DEPTH], node;
    struct exec_tree_leaf leaf;
    uint32_t index;
    node_chain_lock(bed.chain);
    cr_assert_eq(node_chain_proof(bed.chain, key, &index, &leaf, siblings), TD_OK);
    cr_expect_eq(td_p2_digest_eq(&leaf.key, key), present);
    cr_expect(exec_key_cmp(&leaf.key, key) <= 0 && exec_key_cmp(key, &leaf.next) < 0);
    exec_tree_leaf_hash(&node, &leaf);
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH; level++) {
        bool right = (index >> level & 1u) != 0;
        td_p2_node(&node, TD_P2_STATE_NODE, right ? &siblings[level] : &node,
                   right ? &node : &siblings[level]);
    }
    cr_expect(td_p2_digest_eq(&node, &node_chain_cursor(bed.chain)->tree_root));
    node_chain_unlock(bed.chain);
}

Test(chain, proofs_lead_to_the_root)
{
    struct bft_executed out[BLOCKS];
    struct td_p2_digest key;
    begin(LEAVES);
    run_scenario(out, NEVER, true);
    for (uint32_t i = 0; i < GENESIS_ACCOUNTS; i++) {
        exec_key_account(&key, &bed.genesis->accounts[i].addr);
        check_proof(&key, true);
    }
    exec_key_account(&key, &TARGET);
    check_proof(&key, true);
    exec_key_slot(&key, &TARGET, &(struct exec_u256){{1, 2, 3, 4}});
    check_proof(&key, false);
    bed_free(&bed);
}

/* ---- what must not work */

Test(chain, a_block_that_does_not_follow_is_refused)
{
    struct node_executed e;
    struct bft_header good;
    begin(LEAVES);
    bed_transfer(&bed, 0, &TARGET, 5);
    bed_block(&bed, false);
    good = bed.header;
    for (uint32_t i = 0; i < 8; i++) {
        bed.header = good;
        switch (i) {
        case 0:
            bed.header.height = 2;
            break;
        case 1:
            bed.header.prev_hash.b[0] ^= 1;
            break;
        case 2:
            bed.header.payload_root.b[0] ^= 1;
            break;
        case 3:
            bed.header.tx_count = 2;
            break;
        case 4:
            bed.header.payload_bytes++;
            break;
        case 5:
            bed.header.ts_ms = node_chain_cursor(bed.chain)->ts_ms;
            break;
        case 6:
            bed.header.filler = true;
            break;
        default:
            bed.payload_len--;
            break;
        }
        cr_expect_eq(bed_execute(&bed, &e), TD_E_CORRUPT, "%u", i);
        cr_expect_null(e.changes);
        cr_expect_gt(strlen(node_chain_why(bed.chain)), 10);
    }
    bed.payload_len++;
    bed.header = good;
    cr_expect_eq(node_chain_executed(bed.chain), 0);
    execute(&e);
    bed_commit(&bed, &e);
    node_executed_free(&e);
    cr_expect_eq(bed_execute(&bed, &e), TD_E_CORRUPT, "once each");
    cr_expect_eq(node_chain_executed(bed.chain), 1);
    bed_free(&bed);
}

Test(chain, a_full_tree_says_what_to_raise)
{
    struct node_executed e;
    struct td_hash before, after;
    begin(LEAVES);
    uint32_t leaves = node_chain_cursor(bed.chain)->leaf_count;
    cr_expect_eq(bed_reopen(&bed, leaves - 1), TD_E_LIMIT);
    cr_expect_not_null(strstr(bed.error.text, "state_leaves"), "%s", bed.error.text);
    cr_assert_eq(bed_reopen(&bed, leaves + 4), TD_OK);
    for (uint32_t i = 0; i < 8; i++)
        bed_transfer(&bed, 0, &(struct td_addr){{1, [19] = (uint8_t)i}}, 1);
    bed_block(&bed, false);
    exec_cursor_commit(&before, node_chain_cursor(bed.chain));
    cr_expect_eq(bed_execute(&bed, &e), TD_E_LIMIT);
    cr_expect_not_null(strstr(node_chain_why(bed.chain), "state_leaves"));
    exec_cursor_commit(&after, node_chain_cursor(bed.chain));
    cr_expect(td_hash_eq(&before, &after));
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK);
    execute(&e);
    node_executed_free(&e);
    bed_free(&bed);
}

static void expect_corrupt(uint32_t table, uint32_t row, size_t at)
{
    size_t len;
    uint8_t *bytes = memory_store_row(table, row, &len);
    cr_assert_lt(at, len);
    bytes[at] ^= 4;
    cr_expect_eq(bed_reopen(&bed, LEAVES), TD_E_CORRUPT, "table %u row %u byte %zu", table, row,
                 at);
    cr_expect_gt(strlen(bed.error.text), 10);
    memory_store_row(table, row, &len)[at] ^= 4;
}

Test(chain, damage_is_seen_at_open, .timeout = 120)
{
    struct bft_executed out[BLOCKS];
    begin(LEAVES);
    run_scenario(out, NEVER, true);
    for (uint32_t row = 0; row < memory_store_rows(STORE_CHAIN_LEAVES); row++) {
        for (size_t at = row % 27; at < NODE_LEAF_BYTES; at += 27)
            expect_corrupt(STORE_CHAIN_LEAVES, row, at);
    }
    for (size_t at = 0; at < 177; at += 4) /* the cursor; the batch is behind it */
        expect_corrupt(MEMORY_ITEMS, 0, at);
    for (uint32_t row = 0; row < memory_store_rows(STORE_CHAIN_CODES); row++)
        expect_corrupt(STORE_CHAIN_CODES, row, 0);
    expect_corrupt(MEMORY_RECORDS, BLOCKS - 1, 41);
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK, "%s", bed.error.text);
    memory_store_drop(MEMORY_RECORDS, BLOCKS - 1);
    cr_expect_eq(bed_reopen(&bed, LEAVES), TD_E_CORRUPT);
    cr_expect_not_null(strstr(bed.error.text, "is the last executed"), "%s", bed.error.text);
    memory_store_drop(STORE_CHAIN_LEAVES, 3);
    cr_expect_eq(bed_reopen(&bed, LEAVES), TD_E_CORRUPT);
    cr_expect_not_null(strstr(bed.error.text, "leaf"), "%s", bed.error.text);
    bed_free(&bed);
}

/* Which account is which leaf's is known once a block touches it. */
Test(chain, an_account_that_is_not_its_leafs_stops_the_block)
{
    struct node_executed e;
    size_t len;
    begin(LEAVES);
    for (uint32_t row = 0; row < memory_store_rows(STORE_CHAIN_ACCOUNTS); row++)
        memory_store_row(STORE_CHAIN_ACCOUNTS, row, &len)[8 + 31] ^= 1;
    cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK);
    bed_transfer(&bed, 0, &TARGET, 5);
    bed_block(&bed, false);
    cr_expect_eq(bed_execute(&bed, &e), TD_E_CORRUPT);
    cr_expect_eq(node_chain_executed(bed.chain), 0);
    bed_free(&bed);
}

/* ---- keys */

Test(chain, a_key_that_was_recovered_is_not_recovered_again)
{
    struct exec_recoverer by;
    struct node_executed e;
    struct exec_tx txs[2];
    begin(LEAVES);
    by = node_chain_recoverer(bed.chain);
    bed_transfer(&bed, 0, &TARGET, 5);
    bed_transfer(&bed, 1, &TARGET, 6);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(exec_tx_decode(&txs[i], &bed.arena, bed.entries[i], 0), EXEC_TX_OK);
        cr_assert_eq(exec_tx_recover_by(&txs[i], &by), EXEC_TX_OK);
    }
    bed_block(&bed, false);
    execute(&e);
    cr_expect_eq(bed.chain->recovered.count, 2);
    cr_expect_eq(bed.chain->recovered.ask_count, 0, "both were known");
    cr_assert_eq(e.sender_count, 2);
    cr_expect(td_addr_eq(&e.senders[0], &txs[0].sender));
    cr_expect(td_addr_eq(&e.senders[1], &txs[1].sender));
    node_executed_free(&e);
    bed_transfer(&bed, 2, &TARGET, 7);
    bed_block(&bed, false);
    execute(&e);
    cr_expect_eq(bed.chain->recovered.ask_count, 1, "a new one");
    node_executed_free(&e);
    bed_free(&bed);
}

/* ---- second execution */

#ifdef TD_GUEST
Test(chain, the_guest_comes_to_the_same)
{
    struct bft_executed out[BLOCKS];
    memory_store_reset();
    bed.guest = TD_GUEST;
    bed_init(&bed, LEAVES);
    cr_assert_not_null(bed.chain, "%s", bed.error.text);
    run_scenario(out, AFTER_EACH_COMMIT, true);
    bed_free(&bed);
}

Test(chain, a_guest_that_comes_to_something_else_stops_the_block)
{
    struct node_executed e;
    memory_store_reset();
    bed.guest = TD_OTHER_GUEST;
    bed_init(&bed, LEAVES);
    cr_assert_not_null(bed.chain, "%s", bed.error.text);
    bed_transfer(&bed, 0, &TARGET, 5);
    bed_block(&bed, false);
    cr_expect_eq(bed_execute(&bed, &e), TD_E_CORRUPT);
    cr_expect_not_null(strstr(node_chain_why(bed.chain), "guest"), "%s", node_chain_why(bed.chain));
    cr_expect_eq(node_chain_executed(bed.chain), 0);
    bed.guest = "/dev/null";
    cr_expect_eq(bed_reopen(&bed, LEAVES), TD_E_MALFORMED);
    bed.guest = "/nowhere";
    cr_expect_eq(bed_reopen(&bed, LEAVES), TD_E_NOTFOUND);
    cr_expect_not_null(strstr(bed.error.text, "/nowhere"), "%s", bed.error.text);
    bed_free(&bed);
}
#endif

/* ---- threads */

static void *read_on(void *arg)
{
    uint64_t *seen = arg, before = 0;
    while (before < 40) {
        struct exec_account a;
        node_chain_lock(bed.chain);
        uint64_t number = node_chain_cursor(bed.chain)->number;
        node_chain_account(bed.chain, &TARGET, &a);
        node_chain_unlock(bed.chain);
        *seen += a.balance.w[0] == number ? 0u : 1u; /* a wei each block */
        *seen += number < before ? 1u : 0u;
        before = number;
    }
    return NULL;
}

Test(chain, readers_see_whole_blocks)
{
    pthread_t threads[2];
    uint64_t wrong[2] = {0};
    begin(LEAVES);
    for (uint32_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_on, &wrong[i]), 0);
    for (uint32_t i = 0; i < 40; i++) {
        struct node_executed e;
        bed_transfer(&bed, i % 4, &TARGET, 1);
        for (uint32_t k = 0; k < 20; k++)
            bed_transfer(&bed, i % 4, &(struct td_addr){{2, (uint8_t)i, [19] = (uint8_t)k}}, 1);
        bed_block(&bed, false);
        execute(&e);
        node_executed_free(&e);
    }
    for (uint32_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(wrong[i], 0);
    }
    bed_free(&bed);
}
