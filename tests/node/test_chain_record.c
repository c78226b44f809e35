/* node/chain/record and payload: every member comes back, every other byte string is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/keccak.h"
#include "node/chain/record.h"
#include "tests/node/genesis_of.h"

/* Distinct bytes. */
static void fill(void *out, size_t len, uint8_t seed)
{
    uint8_t *b = out;
    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)(seed + i * 7u + i / 31u);
}

Test(record, account_and_leaf)
{
    struct exec_account a = {.code_bytes = 77, .da_off = true}, b;
    struct exec_tree_leaf x, y;
    uint8_t bytes[NODE_LEAF_BYTES + 1];
    fill(&a.nonce, sizeof a.nonce, 1);
    fill(&a.balance, sizeof a.balance, 2);
    fill(&a.code_hash, sizeof a.code_hash, 3);
    node_account_encode(bytes, &a);
    cr_assert_eq(node_account_decode(&b, td_bytes_of(bytes, NODE_ACCOUNT_BYTES)), TD_OK);
    cr_expect(a.nonce == b.nonce && exec_u256_eq(&a.balance, &b.balance) &&
              td_hash_eq(&a.code_hash, &b.code_hash) && b.code_bytes == 77 && b.da_off &&
              !b.has_storage);
    cr_expect_eq(node_account_decode(&b, td_bytes_of(bytes, NODE_ACCOUNT_BYTES - 1)), TD_E_CORRUPT);
    cr_expect_eq(node_account_decode(&b, td_bytes_of(bytes, NODE_ACCOUNT_BYTES + 1)), TD_E_CORRUPT);
    bytes[NODE_ACCOUNT_BYTES - 1] = 4;
    cr_expect_eq(node_account_decode(&b, td_bytes_of(bytes, NODE_ACCOUNT_BYTES)), TD_E_CORRUPT);
    fill(&x, sizeof x, 9);
    node_leaf_encode(bytes, &x);
    cr_assert_eq(node_leaf_decode(&y, td_bytes_of(bytes, NODE_LEAF_BYTES)), TD_OK);
    cr_expect_eq(memcmp(&x, &y, sizeof x), 0);
    cr_expect_eq(node_leaf_decode(&y, td_bytes_of(bytes, NODE_LEAF_BYTES + 1)), TD_E_CORRUPT);
}

/* What is written of every possible bytes of the struct is what is read: encode, decode, encode. */
Test(record, cursor_and_batch)
{
    struct exec_cursor c, d;
    struct exec_batch b, e;
    uint8_t one[NODE_CURSOR_BYTES + 1], two[NODE_CURSOR_BYTES];
    memset(&d, 0, sizeof d);
    memset(&e, 0, sizeof e);
    fill(&c, sizeof c, 1);
    fill(&b, sizeof b, 2);
    b.open = true;
    b.messages.count = 99;
    b.on.fill_bytes = 135;
    b.off.fill_bytes = 0;
    node_cursor_encode(one, &c, &b);
    cr_assert_eq(node_cursor_decode(&d, &e, td_bytes_of(one, NODE_CURSOR_BYTES)), TD_OK);
    node_cursor_encode(two, &d, &e);
    cr_expect_arr_eq(one, two, sizeof two);
    struct td_hash x, y;
    exec_cursor_commit(&x, &c);
    exec_cursor_commit(&y, &d);
    cr_expect(td_hash_eq(&x, &y), "every member of the cursor");
    exec_batch_digest(&x, &b);
    exec_batch_digest(&y, &e);
    cr_expect(td_hash_eq(&x, &y), "every member of the batch");
    for (uint32_t i = 0; i < NODE_CURSOR_BYTES; i++)
        cr_expect_eq(node_cursor_decode(&d, &e, td_bytes_of(one, i)), TD_E_CORRUPT, "%u", i);
    cr_expect_eq(node_cursor_decode(&d, &e, td_bytes_of(one, sizeof one)), TD_E_CORRUPT);
    one[0] = 2;
    cr_expect_eq(node_cursor_decode(&d, &e, td_bytes_of(one, NODE_CURSOR_BYTES)), TD_E_CORRUPT);
    b.on.fill_bytes = 136;
    node_cursor_encode(one, &c, &b);
    cr_expect_eq(node_cursor_decode(&d, &e, td_bytes_of(one, NODE_CURSOR_BYTES)), TD_E_CORRUPT);
}

Test(record, block_and_state)
{
    struct node_record r, s;
    struct bft_chain_state x = {.origin_ts = 1, .batch_ts = 2, .batch_count = 3}, y;
    uint8_t one[NODE_RECORD_BYTES + 1], two[NODE_RECORD_BYTES];
    memset(&s, 0, sizeof s);
    fill(&r, sizeof r, 5);
    r.payload_count = 9;
    r.receipt_count = 8;
    node_record_encode(one, &r);
    cr_assert_eq(node_record_decode(&s, td_bytes_of(one, NODE_RECORD_BYTES)), TD_OK);
    node_record_encode(two, &s);
    cr_expect_arr_eq(one, two, sizeof two);
    struct td_hash a, b;
    bft_result_digest(&a, &r.core.result);
    bft_result_digest(&b, &s.core.result);
    cr_expect(td_hash_eq(&a, &b));
    for (uint32_t i = 0; i < NODE_RECORD_BYTES; i++)
        cr_expect_eq(node_record_decode(&s, td_bytes_of(one, i)), TD_E_CORRUPT);
    r.receipt_count = 10;
    node_record_encode(one, &r);
    cr_expect_eq(node_record_decode(&s, td_bytes_of(one, NODE_RECORD_BYTES)), TD_E_CORRUPT);
    node_chain_state_encode(one, &x);
    cr_assert_eq(node_chain_state_decode(&y, td_bytes_of(one, NODE_STATE_BYTES)), TD_OK);
    cr_expect(y.origin_ts == 1 && y.batch_ts == 2 && y.batch_count == 3);
    cr_expect_eq(node_chain_state_decode(&y, td_bytes_of(one, NODE_STATE_BYTES - 1)), TD_E_CORRUPT);
}

Test(record, receipts)
{
    static uint8_t memory[1 << 16], bytes[4096];
    static const uint8_t data[] = {1, 2, 3};
    struct exec_log logs[2] = {{.addr = {{1}}, .topic_count = 4, .topic = {{{2}}, {{3}}}},
                               {.addr = {{4}}, .data = {data, sizeof data}}};
    struct exec_tx_result txs[3] = {
        {.payload_index = 0,
         .hash = {{7}},
         .sender = {{8}},
         .receipt = {.type = 2, .success = true, .gas_used = 5, .log_count = 2, .logs = logs}},
        {.payload_index = 1, .verdict = EXEC_TX_MALFORMED},
        {.payload_index = 2,
         .receipt = {.status = EXEC_REVERT, .gas_used = 6, .log_count = 1, .logs = logs + 1}}};
    const struct exec_result result = {.txs = txs, .tx_count = 2};
    const struct node_receipt *got;
    struct td_arena arena;
    uint32_t count;
    size_t len = node_receipts_bytes(&result, 3);
    cr_assert_leq(len, sizeof bytes);
    node_receipts_encode(bytes, &result, 3);
    td_arena_init(&arena, memory, sizeof memory);
    cr_assert_eq(node_receipts_decode(&got, &count, td_bytes_of(bytes, len), &arena), TD_OK);
    cr_assert_eq(count, 2);
    cr_expect(got[0].success && got[0].type == 2 && got[0].log_count == 2);
    cr_expect(got[0].logs[0].topic_count == 4 && got[0].logs[0].topic[1].b[0] == 3);
    cr_expect(td_bytes_eq(got[0].logs[1].data, td_bytes_of(data, sizeof data)));
    cr_expect(got[1].payload_index == 2 && got[1].tx_index == 1 && got[1].first_log == 2);
    cr_expect(got[1].status == EXEC_REVERT && !got[1].success && got[1].cumulative_gas == 11);
    for (size_t i = 0; i < len; i++) {
        td_arena_reset(&arena);
        cr_expect_eq(node_receipts_decode(&got, &count, td_bytes_of(bytes, i), &arena),
                     TD_E_CORRUPT, "%zu", i);
    }
    td_arena_init(&arena, memory, 64);
    cr_expect_eq(node_receipts_decode(&got, &count, td_bytes_of(bytes, len), &arena), TD_E_NOSPACE);
    memset(bytes + 1, 0xff, 4); /* a count that is a lie */
    td_arena_init(&arena, memory, sizeof memory);
    cr_expect_eq(node_receipts_decode(&got, &count, td_bytes_of(bytes, len), &arena), TD_E_CORRUPT);
}

/* ---- payloads */

struct offer {
    struct td_bytes entries[8];
    uint32_t count;
    struct bft_header header;
    uint8_t bytes[400000];
    size_t len;
};

static void make(struct offer *o)
{
    struct td_hash hashes[8];
    o->header.tx_count = o->count;
    for (uint32_t i = 0; i < o->count; i++)
        td_keccak256(&hashes[i], o->entries[i].ptr, o->entries[i].len);
    td_payload_root(&o->header.payload_root, hashes, hashes, o->count);
    o->len = node_payload_bytes(o->entries, o->count);
    o->header.payload_bytes = (uint32_t)o->len;
    cr_assert_leq(o->len, sizeof o->bytes);
    node_payload_encode(o->bytes, o->entries, o->count);
}

static bool valid(const struct node_genesis *g, const struct offer *o)
{
    return node_chain_payload_valid(g, &o->header, td_bytes_of(o->bytes, o->len), NULL);
}

Test(payload, valid_or_not)
{
    static struct node_genesis g;
    static struct offer o;
    static uint8_t big[TD_TX_BYTES_MAX + 1];
    static struct td_hash hashes[TD_TXS_PER_BLOCK_MAX];
    static const uint8_t tx[] = {0x02, 0xff}, inbox[] = {0x7e, 1};
    genesis_parsed(&g);
    make(&o);
    cr_expect(valid(&g, &o), "empty");
    o.count = 2;
    o.entries[0] = td_bytes_of(tx, 2);
    o.entries[1] = td_bytes_of(big, TD_TX_BYTES_MAX);
    make(&o);
    cr_assert(node_chain_payload_valid(&g, &o.header, td_bytes_of(o.bytes, o.len), hashes),
              "what does not decode may be ordered");
    struct td_hash want;
    td_keccak256(&want, tx, 2);
    cr_expect(td_hash_eq(&hashes[0], &want));
    o.header.payload_bytes++;
    cr_expect(!valid(&g, &o), "bytes");
    make(&o);
    o.header.tx_count++;
    cr_expect(!valid(&g, &o), "count");
    make(&o);
    o.header.payload_root.b[31] ^= 1;
    cr_expect(!valid(&g, &o), "root");
    make(&o);
    o.bytes[4] ^= 1;
    cr_expect(!valid(&g, &o), "content");
    make(&o);
    o.len--;
    cr_expect(!valid(&g, &o), "truncated");
    make(&o);
    o.bytes[o.len++] = 0;
    cr_expect(!valid(&g, &o), "trailing");
    o.entries[1] = td_bytes_of(big, TD_TX_BYTES_MAX + 1);
    make(&o);
    cr_expect(!valid(&g, &o), "an entry too long");
    o.entries[1] = td_bytes_of(big, 0);
    make(&o);
    cr_expect(!valid(&g, &o), "an empty entry");
    o.entries[1] = td_bytes_of(inbox, 2);
    make(&o);
    cr_expect(!valid(&g, &o), "an inbox entry where L1 has said nothing");
    o.header.origin.deposit_count = 1;
    cr_expect(valid(&g, &o), "and where it has");
    o.entries[1] = td_bytes_of(tx, 2);
    make(&o);
    g.txs_max = 1;
    cr_expect(!valid(&g, &o), "more entries than genesis allows");
    g.txs_max = 2;
    cr_expect(valid(&g, &o));
    g.payload_bytes_max = 11;
    cr_expect(!valid(&g, &o), "more bytes than genesis allows");
    g.payload_bytes_max = 12;
    cr_expect(valid(&g, &o));
    g.params.native_limit = 1000;
    cr_expect(!valid(&g, &o), "more than a block's native units");
    node_genesis_free(&g);
}

Test(payload, framing)
{
    static struct td_bytes entries[TD_TXS_PER_BLOCK_MAX];
    static const uint8_t lie[] = {0xff, 0xff, 0xff, 0xff}, cut[] = {0, 0, 0, 2, 7};
    static const uint8_t none[4], two[] = {0, 0, 0, 1, 5, 0, 0, 0, 2, 6, 7};
    uint32_t count = 9;
    cr_expect_eq(node_payload_decode(td_bytes_of(lie, 4), entries, &count), TD_E_MALFORMED);
    cr_expect_eq(count, 0);
    cr_expect_eq(node_payload_decode(td_bytes_of(cut, sizeof cut), entries, &count),
                 TD_E_MALFORMED);
    cr_expect_eq(node_payload_decode(td_bytes_of(none, 3), entries, &count), TD_E_MALFORMED);
    cr_expect_eq(node_payload_decode(td_bytes_of(NULL, 0), entries, &count), TD_OK);
    cr_expect_eq(count, 0);
    cr_expect_eq(node_payload_decode(td_bytes_of(none, 4), entries, &count), TD_OK);
    cr_expect(count == 1 && entries[0].len == 0, "an empty entry, which no block may have");
    cr_assert_eq(node_payload_decode(td_bytes_of(two, sizeof two), entries, &count), TD_OK);
    cr_assert_eq(count, 2);
    cr_expect(entries[1].len == 2 && entries[1].ptr[1] == 7);
    uint8_t again[sizeof two];
    cr_assert_eq(node_payload_bytes(entries, count), sizeof two);
    node_payload_encode(again, entries, count);
    cr_expect_arr_eq(again, two, sizeof two);
    uint8_t *huge = calloc(1, TD_PAYLOAD_BYTES_MAX + 64);
    cr_expect_eq(node_payload_decode(td_bytes_of(huge, TD_PAYLOAD_BYTES_MAX + 1), entries, &count),
                 TD_E_LIMIT);
    cr_expect_eq(
        node_payload_decode(td_bytes_of(huge, 4 * TD_TXS_PER_BLOCK_MAX + 4), entries, &count),
        TD_E_LIMIT, "one frame too many");
    cr_expect_eq(node_payload_decode(td_bytes_of(huge, 4 * TD_TXS_PER_BLOCK_MAX), entries, &count),
                 TD_OK);
    free(huge);
}
