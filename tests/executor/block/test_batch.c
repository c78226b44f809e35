/* Batch hash, batch digest, state commitment, base fee: exact bytes, and that every member counts.
 */
#include "executor/batch.h"

#include <criterion/criterion.h>
#include <string.h>

#include "executor/chain.h"
#include "executor/statement.h"

__extension__ typedef unsigned __int128 wide;

static const struct exec_chain CHAIN = {
    .chain_id = 4242, .l1_chain_id = 31337, .contract = {{0xcc}}};

static struct exec_cursor cursor(void)
{
    struct exec_cursor c = {.leaf_count = 3,
                            .number = 9,
                            .ts_ms = 1000,
                            .epoch = 1,
                            .block_hash = {{1}},
                            .base_fee = {{7}},
                            .message_count = 2,
                            .inbox_index = 4,
                            .inbox_acc = {{5}}};
    c.tree_root.e[0].v = 0x01020304;
    return c;
}

static struct exec_batch batch(void)
{
    struct exec_batch b;
    struct exec_cursor c = cursor();
    exec_batch_init(&b, &c);
    cr_assert(exec_batch_begin(&b, &c, 1, 10, 20));
    return b;
}

static void word(uint8_t *at, uint64_t v)
{
    for (uint32_t i = 0; i < 8; i++)
        at[31u - i] = (uint8_t)(v >> (8u * i));
}

Test(batch, hash_is_keccak_of_24_words_in_order)
{
    struct exec_batch b = batch();
    b.number = 2, b.last_block = 12, b.last_time = 25, b.inbox_to = 6, b.l2_tx_count = 77;
    b.parent.b[0] = 0xa0, b.post_state = (struct td_hash){{0xa1}}, b.last_block_hash.b[0] = 0xa2;
    b.inputs.b[0] = 0xa3, b.imports.b[0] = 0xa4;
    td_keccak_update(&b.on, "data", 4);

    uint8_t w[24 * 32] = {0};
    const uint64_t numbers[] = {2, EXEC_BATCH_VERSION, 1, 10, 12, 20, 25, 4, 6, 77};
    struct td_hash h, want, got;
    struct exec_cursor c = cursor();
    td_keccak256(&h, "TandemBatch1", 12);
    memcpy(w, h.b, 32);
    word(w + 32, 31337);
    w[64 + 12] = 0xcc;
    word(w + 96, 4242);
    for (uint32_t i = 0; i < 10; i++)
        word(w + 128 + 32 * i, numbers[i]);
    uint8_t *at = w + 14 * 32;
    at[0] = 0xa0;
    exec_cursor_commit(&h, &c);
    memcpy(at + 32, h.b, 32);
    at[64] = 0xa1, at[96] = 0xa2, at[128] = 0xa3, at[160] = 5;
    exec_messages_root(&h, &b.messages);
    memcpy(at + 192, h.b, 32);
    at[224] = 0xa4;
    td_keccak256(&h,
                 "\x01"
                 "data",
                 5);
    memcpy(at + 256, h.b, 32);
    td_keccak256(&h, "\x01", 1);
    memcpy(at + 288, h.b, 32);
    td_keccak256(&want, w, sizeof w);
    exec_batch_hash(&got, &b, &CHAIN);
    cr_expect(td_hash_eq(&want, &got));
}

Test(batch, ending_one_makes_it_the_parent_of_an_empty_next)
{
    struct exec_batch b = batch();
    struct td_hash want, got;
    exec_batch_import(&b, 1, 2, &(struct td_hash){{3}});
    exec_batch_hash(&want, &b, &CHAIN);
    exec_batch_end(&got, &b, &CHAIN);
    cr_expect(td_hash_eq(&want, &got));
    cr_expect(td_hash_eq(&b.parent, &want));
    cr_expect_eq(b.number, 1);
    cr_expect_not(b.open);
    cr_expect(td_hash_is_zero(&b.imports));
    cr_expect_eq(b.l2_tx_count, 0);
}

#define BENDS(X)                                                                                   \
    X(b.number++)                                                                                  \
    X(b.epoch++)                                                                                   \
    X(b.first_block++)                                                                             \
    X(b.last_block++)                                                                              \
    X(b.first_time++)                                                                              \
    X(b.last_time++)                                                                               \
    X(b.inbox_from++)                                                                              \
    X(b.inbox_to++)                                                                                \
    X(b.l2_tx_count++)                                                                             \
    X(b.parent.b[31]++)                                                                            \
    X(b.pre_state.b[31]++)                                                                         \
    X(b.post_state.b[31]++)                                                                        \
    X(b.last_block_hash.b[31]++)                                                                   \
    X(b.inputs.b[31]++)                                                                            \
    X(b.inbox_acc.b[31]++)                                                                         \
    X(b.imports.b[31]++)                                                                           \
    X(td_keccak_update(&b.on, "x", 1))                                                             \
    X(td_keccak_update(&b.off, "x", 1))                                                            \
    X((void)exec_messages_add(&b.messages, &(struct td_hash){{1}}))

Test(batch, every_member_changes_hash_and_digest)
{
    struct exec_batch b = batch();
    struct td_hash hash, digest, other;
    exec_batch_hash(&hash, &b, &CHAIN);
    exec_batch_digest(&digest, &b);
#define BEND(change)                                                                               \
    b = batch();                                                                                   \
    change;                                                                                        \
    exec_batch_hash(&other, &b, &CHAIN);                                                           \
    cr_expect_not(td_hash_eq(&other, &hash), #change " in the hash");                              \
    exec_batch_digest(&other, &b);                                                                 \
    cr_expect_not(td_hash_eq(&other, &digest), #change " in the digest");
    BENDS(BEND)
#undef BEND
    b = batch();
    b.native_used++;
    exec_batch_digest(&other, &b);
    cr_expect_not(td_hash_eq(&other, &digest));
    struct exec_chain c = CHAIN;
    b = batch();
    c.chain_id++;
    exec_batch_hash(&other, &b, &c);
    cr_expect_not(td_hash_eq(&other, &hash));
    c = CHAIN, c.l1_chain_id++;
    exec_batch_hash(&other, &b, &c);
    cr_expect_not(td_hash_eq(&other, &hash));
    c = CHAIN, c.contract.b[0]++;
    exec_batch_hash(&other, &b, &c);
    cr_expect_not(td_hash_eq(&other, &hash));
}

/* A parent link is not enough: the state must be the one that parent ended in. */
Test(batch, the_next_batch_begins_where_the_last_one_ended)
{
    struct exec_cursor c = cursor(), forged = cursor();
    struct exec_batch b;
    exec_batch_init(&b, &c);
    forged.tree_root.e[4].v ^= 1;
    cr_expect_not(exec_batch_begin(&b, &forged, 1, 10, 20));
    cr_expect_not(b.open);
    cr_expect(exec_batch_begin(&b, &c, 1, 10, 20));
}

Test(batch, a_closed_batch_is_its_number_parent_and_end_state)
{
    struct exec_batch a, b;
    struct td_hash x, y;
    struct exec_cursor c = cursor();
    exec_batch_init(&a, &c);
    exec_batch_init(&b, &c);
    exec_batch_digest(&x, &a);
    b.number = 1;
    exec_batch_digest(&y, &b);
    cr_expect_not(td_hash_eq(&x, &y));
    exec_batch_init(&b, &c);
    b.parent.b[3] = 1;
    exec_batch_digest(&y, &b);
    cr_expect_not(td_hash_eq(&x, &y));
    exec_batch_init(&b, &c);
    b.post_state.b[3] ^= 1;
    exec_batch_digest(&y, &b);
    cr_expect_not(td_hash_eq(&x, &y), "the state it ended in");
}

Test(cursor, every_member_changes_the_commitment)
{
    struct exec_cursor c = cursor();
    struct td_hash base, other;
    exec_cursor_commit(&base, &c);
#define BEND(change)                                                                               \
    c = cursor();                                                                                  \
    change;                                                                                        \
    exec_cursor_commit(&other, &c);                                                                \
    cr_expect_not(td_hash_eq(&other, &base), #change);
    BEND(c.tree_root.e[8].v++)
    BEND(c.tree_root.e[0].v++)
    BEND(c.leaf_count++)
    BEND(c.number++)
    BEND(c.ts_ms++)
    BEND(c.epoch++)
    BEND(c.block_hash.b[31]++)
    BEND(c.base_fee.w[3]++)
    BEND(c.message_count++)
    BEND(c.inbox_index++)
    BEND(c.inbox_acc.b[31]++)
#undef BEND
}

/* EIP-1559's own arithmetic, over numbers that fit: base + base * delta / target / 8. */
Test(cursor, base_fee_follows_eip_1559)
{
    static const uint64_t gas[] = {0, 1, 14999999, 15000000, 15000001, 20000000, 30000000};
    static const uint64_t fees[] = {0, 1, 7, 8, 1000000000, 123456789123};
    struct exec_u256 none = {{0}}, fee, out;
    for (uint32_t i = 0; i < 7; i++) {
        for (uint32_t k = 0; k < 6; k++) {
            uint64_t want = fees[k], target = 15000000;
            if (gas[i] > target) {
                uint64_t step = (uint64_t)((wide)fees[k] * (gas[i] - target) / target) / 8;
                want += step > 0 ? step : 1;
            } else {
                want -= (uint64_t)((wide)fees[k] * (target - gas[i]) / target) / 8;
            }
            fee = exec_u256_of(fees[k]);
            exec_base_fee_next(&out, &fee, gas[i], 2 * target, &none);
            cr_expect_eq(out.w[0], want, "%lu gas, fee %lu", gas[i], fees[k]);
        }
    }
    struct exec_u256 min = exec_u256_of(50);
    fee = exec_u256_of(50);
    exec_base_fee_next(&out, &fee, 0, 30000000, &min);
    cr_expect_eq(out.w[0], 50);
}

Test(statement, every_member_changes_the_nine_words)
{
    struct exec_statement s = {.chain = {{1}}};
    struct td_p2_digest base, other;
    exec_statement_digest(&base, &s);
#define BEND(change)                                                                               \
    s = (struct exec_statement){.chain = {{1}}};                                                   \
    change;                                                                                        \
    exec_statement_digest(&other, &s);                                                             \
    cr_expect_not(td_p2_digest_eq(&base, &other), #change);
    BEND(s.whitelist.e[8].v++)
    BEND(s.program.e[0].v++)
    BEND(s.chain.b[31]++)
    BEND(s.before.b[0]++)
    BEND(s.after.b[31]++)
#undef BEND
}

Test(statement, every_constant_of_the_chain_counts)
{
    struct exec_chain c = CHAIN;
    struct td_hash base, other;
    exec_chain_digest(&base, &c);
#define BEND(change)                                                                               \
    c = CHAIN;                                                                                     \
    change;                                                                                        \
    exec_chain_digest(&other, &c);                                                                 \
    cr_expect_not(td_hash_eq(&other, &base), #change);
    BEND(c.chain_id++)
    BEND(c.l1_chain_id++)
    BEND(c.contract.b[19]++)
    BEND(c.config_hash.b[0]++)
    BEND(c.gas_limit++)
    BEND(c.native_limit++)
    BEND(c.base_fee_min.w[0]++)
    BEND(c.prices.native_per_gas++)
    BEND(c.prices.gas_per_pubdata_byte++)
    BEND(c.prices.tx_native_max++)
    BEND(c.fee_vault.b[0]++)
#undef BEND
}
