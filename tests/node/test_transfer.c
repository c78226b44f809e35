/* node/wallet: a signed transfer is what the executor decodes back, and its sender is the key's. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "executor/tx.h"
#include "node/wallet/transfer.h"

static const struct node_transfer CASES[] = {
    {.chain_id = 271828,
     .nonce = 0,
     .gas_limit = 21000,
     .fee_cap = {{100, 0, 0, 0}},
     .tip_cap = {{1, 0, 0, 0}},
     .value = {{1, 0, 0, 0}},
     .to = {{1}}},
    {.chain_id = 1, .nonce = 127, .to = {{0xFF, 0x80}}},
    {.chain_id = UINT64_MAX >> 1,
     .nonce = UINT64_MAX - 1,
     .gas_limit = UINT64_MAX,
     .fee_cap = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
     .tip_cap = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
     .value = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
     .to = {{0xFF}}},
};

Test(transfer, decodes_to_itself_and_to_its_sender)
{
    struct td_secp *secp = td_secp_new();
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_addr addr;
    td_secp_key_new(secp, &key);
    td_secp_key_pub(secp, &pub, &key);
    td_secp_pub_addr(secp, &addr, &pub);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct node_transfer *t = &CASES[i];
        _Alignas(16) uint8_t memory[EXEC_TX_ARENA_BYTES(NODE_TRANSFER_BYTES_MAX)];
        uint8_t raw[NODE_TRANSFER_BYTES_MAX];
        struct td_arena arena;
        struct exec_tx tx;
        struct td_hash hash, want;
        size_t len;
        cr_assert_eq(node_transfer_sign(raw, &len, &hash, secp, &key, t), TD_OK);
        td_arena_init(&arena, memory, sizeof memory);
        cr_assert_eq(exec_tx_decode(&tx, &arena, td_bytes_of(raw, len), t->chain_id), EXEC_TX_OK);
        cr_assert_eq(exec_tx_recover(&tx), EXEC_TX_OK);
        cr_expect(td_addr_eq(&tx.sender, &addr));
        td_keccak256(&want, raw, len);
        cr_expect(td_hash_eq(&hash, &want));
        cr_expect_eq(tx.type, 2);
        cr_expect_eq(tx.nonce, t->nonce);
        cr_expect_eq(tx.gas_limit, t->gas_limit);
        cr_expect(td_addr_eq(&tx.to, &t->to));
        cr_expect_eq(memcmp(tx.value.w, t->value.limb, sizeof tx.value.w), 0);
        cr_expect_eq(memcmp(tx.fee_cap.w, t->fee_cap.limb, sizeof tx.fee_cap.w), 0);
        cr_expect_eq(memcmp(tx.tip_cap.w, t->tip_cap.limb, sizeof tx.tip_cap.w), 0);
    }
    td_secp_free(secp);
}
