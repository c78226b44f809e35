/* Inbox entries: exact bytes, exact hash, running accumulator. */
#include "executor/inbox.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"

static const uint8_t DATA[] = {0xde, 0xad, 0xbe};

static size_t entry(uint8_t *out)
{
    memset(out, 0, 128);
    out[0] = 0x7e;
    out[8] = 5;                 /* index */
    out[9] = EXEC_INBOX_CALL;   /* kind */
    memset(out + 10, 0x11, 20); /* sender */
    memset(out + 30, 0x22, 20); /* to */
    out[81] = 77;               /* value */
    out[88] = 0x52, out[89] = 0x08;
    out[97] = 3; /* l1Block */
    memcpy(out + EXEC_INBOX_HEADER_BYTES, DATA, sizeof DATA);
    return EXEC_INBOX_HEADER_BYTES + sizeof DATA;
}

Test(inbox, fields_are_where_the_table_says)
{
    uint8_t b[128];
    size_t n = entry(b);
    struct exec_inbox_op op;
    cr_assert_eq(exec_inbox_decode(&op, td_bytes_of(b, n)), TD_OK);
    cr_expect_eq(op.index, 5);
    cr_expect_eq(op.kind, EXEC_INBOX_CALL);
    cr_expect_eq(op.sender.b[19], 0x11);
    cr_expect_eq(op.to.b[0], 0x22);
    cr_expect_eq(op.value.w[0], 77);
    cr_expect_eq(op.gas_limit, 21000);
    cr_expect_eq(op.l1_block, 3);
    cr_expect_eq(op.data.len, sizeof DATA);
}

Test(inbox, every_truncation_another_type_and_an_unknown_kind_are_malformed)
{
    uint8_t b[128];
    struct exec_inbox_op op;
    (void)entry(b);
    for (size_t n = 0; n < EXEC_INBOX_HEADER_BYTES; n++)
        cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(b, n)), TD_E_MALFORMED, "%zu", n);
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(b, EXEC_INBOX_HEADER_BYTES)), TD_OK);
    b[9] = 2;
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(b, 110)), TD_E_MALFORMED);
    b[9] = EXEC_INBOX_RAW;
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(b, 110)), TD_OK);
    b[0] = 0x02;
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(b, 110)), TD_E_MALFORMED);
}

Test(inbox, data_above_the_bound_is_malformed)
{
    static uint8_t big[EXEC_INBOX_HEADER_BYTES + EXEC_INBOX_DATA_BYTES_MAX + 1u];
    struct exec_inbox_op op;
    big[0] = 0x7e;
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(big, sizeof big - 1u)), TD_OK);
    cr_expect_eq(exec_inbox_decode(&op, td_bytes_of(big, sizeof big)), TD_E_MALFORMED);
}

/* Ten words of abi.encode, put together by hand. */
Test(inbox, hash_is_that_of_the_encoded_words)
{
    static const char type[] =
        "QueueOp(uint64 chainId,uint64 index,uint8 kind,address sender,address to,uint256 value,"
        "uint64 gasLimit,bytes32 dataHash,uint64 l1Block)";
    uint8_t b[128], w[320] = {0};
    struct exec_inbox_op op;
    struct td_hash want, got, data;
    size_t n = entry(b);
    cr_assert_eq(exec_inbox_decode(&op, td_bytes_of(b, n)), TD_OK);
    td_keccak256(&want, type, sizeof type - 1u);
    memcpy(w, want.b, 32);
    w[63] = 9;
    w[95] = 5;
    memset(w + 140, 0x11, 20);
    memset(w + 172, 0x22, 20);
    w[223] = 77;
    w[254] = 0x52, w[255] = 0x08;
    td_keccak256(&data, DATA, sizeof DATA);
    memcpy(w + 256, data.b, 32);
    w[319] = 3;
    td_keccak256(&want, w, sizeof w);
    exec_inbox_hash(&got, &op, 9);
    cr_expect(td_hash_eq(&want, &got));

    struct td_hash acc = {{4}};
    uint8_t pair[64] = {4};
    memcpy(pair + 32, got.b, 32);
    td_keccak256(&want, pair, sizeof pair);
    exec_inbox_add(&acc, &got);
    cr_expect(td_hash_eq(&want, &acc));
}

Test(inbox, the_deposit_mints_what_it_carries)
{
    uint8_t b[128];
    struct exec_inbox_op op;
    struct exec_tx tx;
    struct td_hash h = {{8}};
    size_t n = entry(b);
    cr_assert_eq(exec_inbox_decode(&op, td_bytes_of(b, n)), TD_OK);
    exec_inbox_tx(&tx, &op, &h);
    cr_expect_eq(tx.type, EXEC_TX_DEPOSIT);
    cr_expect(exec_u256_eq(&tx.mint, &op.value) && exec_u256_eq(&tx.value, &op.value));
    cr_expect(td_addr_eq(&tx.sender, &op.sender) && td_addr_eq(&tx.to, &op.to));
    cr_expect_eq(tx.gas_limit, 21000);
    cr_expect(td_hash_eq(&tx.hash, &h));
}
