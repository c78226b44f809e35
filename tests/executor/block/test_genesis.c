/* executor/genesis: what a chain may begin with.
 * Method: a genesis that is right, and one table of single changes with the verdict each must get.
 */
#include "executor/genesis.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"
#include "executor/block/costs.h"
#include "executor/rv32/machine.h"
#include "executor/system.h"

#define CONTRACTS 4u

struct world {
    struct exec_chain chain;
    struct exec_cursor cursor;
    struct exec_account account[CONTRACTS];
    struct td_addr addr[CONTRACTS];
    uint8_t code[CONTRACTS][64];
    struct td_bytes bytes[CONTRACTS];
    enum td_error err;
};

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    struct world *w = self;
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    for (uint32_t i = 0; i < CONTRACTS; i++)
        if (td_addr_eq(addr, &w->addr[i]))
            *out = w->account[i];
    return w->err;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    (void)self, (void)addr, (void)slot;
    *out = exec_u256_of(0);
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    struct world *w = self;
    for (uint32_t i = 0; i < CONTRACTS; i++)
        if (td_hash_eq(hash, &w->account[i].code_hash)) {
            *out = w->bytes[i];
            return TD_OK;
        }
    return TD_E_NOTFOUND;
}

static enum exec_genesis check(struct world *w)
{
    const struct exec_reader reader = {w, read_account, read_slot, read_code};
    return exec_genesis_check(&w->chain, &w->cursor, &reader);
}

/* Through exec_genesis_put, on a state in which nothing is. */
static void fill_accounts(struct world *w)
{
    static uint8_t memory[1u << 20];
    static _Alignas(64) uint8_t region[8192];
    struct td_arena arena;
    struct exec_reader reader = {w, read_account, read_slot, read_code};
    for (uint32_t i = 0; i < CONTRACTS; i++) {
        w->addr[i] = (struct td_addr){{[18] = 0x80, [19] = (uint8_t)(i + 1u)}};
        w->account[i].code_hash = EXEC_EMPTY_CODE_HASH;
    }
    w->addr[3] = EXEC_HISTORY_ADDRESS;
    td_arena_init(&arena, memory, sizeof memory);
    cr_assert_leq(exec_state_footprint(), sizeof region);
    struct exec_state *s = exec_state_init(region, &arena, &reader);
    exec_state_tx_begin(s);
    exec_genesis_put(s);
    for (uint32_t i = 0; i < CONTRACTS; i++) {
        struct td_bytes code = exec_state_code(s, &w->addr[i]);
        cr_assert_leq(code.len, sizeof w->code[i]);
        memcpy(w->code[i], code.ptr, code.len);
        w->bytes[i] = td_bytes_of(w->code[i], code.len);
    }
    struct exec_account now[CONTRACTS];
    for (uint32_t i = 0; i < CONTRACTS; i++)
        now[i] = *exec_state_get(s, &w->addr[i]);
    memcpy(w->account, now, sizeof now);
    cr_assert_eq(exec_state_account_count(s), CONTRACTS);
}

static void world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->chain = (struct exec_chain){
        .chain_id = 4242,
        .gas_limit = 30000000,
        .native_limit = 40000000,
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}}};
    w->cursor = (struct exec_cursor){.leaf_count = 1, .base_fee = exec_u256_of(1000)};
    fill_accounts(w);
}

/* Each line: name, a statement that changes w, the verdict. */
#define CHANGES(X)                                                                                 \
    X(nothing, (void)w, EXEC_GENESIS_OK)                                                           \
    X(no_chain_id, w->chain.chain_id = 0, EXEC_GENESIS_CHAIN_ID)                                   \
    X(largest_chain_id, w->chain.chain_id = INT64_MAX - 36, EXEC_GENESIS_OK)                       \
    X(chain_id_too_large, w->chain.chain_id = INT64_MAX - 35, EXEC_GENESIS_CHAIN_ID)               \
    X(least_gas, w->chain.gas_limit = 21000 + 40 * 98304, EXEC_GENESIS_OK)                         \
    X(too_little_gas, w->chain.gas_limit = 21000 + 40 * 98304 - 1, EXEC_GENESIS_GAS_LOW)           \
    X(most_gas, w->chain.gas_limit = EXEC_GAS_LIMIT_MAX, EXEC_GENESIS_OK)                          \
    X(too_much_gas, w->chain.gas_limit = EXEC_GAS_LIMIT_MAX + 1, EXEC_GENESIS_GAS_HIGH)            \
    X(gas_near_2_63, w->chain.gas_limit = INT64_MAX, EXEC_GENESIS_GAS_HIGH)                        \
    X(native_for_nothing, w->chain.prices.native_per_gas = 0, EXEC_GENESIS_NATIVE_PRICE)           \
    X(no_cap, w->chain.prices.tx_native_max = 0, EXEC_GENESIS_TX_NATIVE)                           \
    X(least_native, w->chain.native_limit = least(), EXEC_GENESIS_OK)                              \
    X(too_little_native, w->chain.native_limit = least() - 1, EXEC_GENESIS_NATIVE_LOW)             \
    X(cap_that_wraps, w->chain.prices.tx_native_max = UINT64_MAX, EXEC_GENESIS_NATIVE_LOW)         \
    X(most_native, w->chain.native_limit = RV32_CLK_END, EXEC_GENESIS_OK)                          \
    X(too_much_native, w->chain.native_limit = RV32_CLK_END + 1, EXEC_GENESIS_NATIVE_HIGH)         \
    X(free_bytes, w->chain.prices.gas_per_pubdata_byte = 0, EXEC_GENESIS_OK)                       \
    X(dearest_bytes, w->chain.prices.gas_per_pubdata_byte = 174, EXEC_GENESIS_OK)                  \
    X(bytes_too_dear, w->chain.prices.gas_per_pubdata_byte = 175, EXEC_GENESIS_PUBDATA_PRICE)      \
    X(base_fee_low, w->cursor.base_fee = exec_u256_of(6), EXEC_GENESIS_BASE_FEE)                   \
    X(base_fee_equal, w->cursor.base_fee = exec_u256_of(7), EXEC_GENESIS_OK)                       \
    X(base_fee_high, w->cursor.base_fee.w[2] = 1, EXEC_GENESIS_BASE_FEE)                           \
    X(minimum_high, w->chain.base_fee_min.w[3] = w->cursor.base_fee.w[3] = 1,                      \
      EXEC_GENESIS_BASE_FEE)                                                                       \
    X(no_vault, memset(&w->chain.fee_vault, 0, 20), EXEC_GENESIS_FEE_VAULT)                        \
    X(vault_precompile, vault(w, 0, 9), EXEC_GENESIS_FEE_VAULT)                                    \
    X(vault_bridge, vault(w, 0x80, 1), EXEC_GENESIS_FEE_VAULT)                                     \
    X(vault_history, w->chain.fee_vault = EXEC_HISTORY_ADDRESS, EXEC_GENESIS_FEE_VAULT)            \
    X(vault_beside, vault(w, 0x80, 4), EXEC_GENESIS_OK)                                            \
    X(number, w->cursor.number = 1, EXEC_GENESIS_CURSOR)                                           \
    X(epoch, w->cursor.epoch = 1, EXEC_GENESIS_CURSOR)                                             \
    X(inbox, w->cursor.inbox_index = 1, EXEC_GENESIS_CURSOR)                                       \
    X(inbox_hash, w->cursor.inbox_acc.b[31] = 1, EXEC_GENESIS_CURSOR)                              \
    X(messages, w->cursor.message_count = 1, EXEC_GENESIS_CURSOR)                                  \
    X(no_leaf, w->cursor.leaf_count = 0, EXEC_GENESIS_CURSOR)                                      \
    X(no_bridge, gone(w, 0), EXEC_GENESIS_SYSTEM)                                                  \
    X(no_messenger, gone(w, 1), EXEC_GENESIS_SYSTEM)                                               \
    X(no_validators, gone(w, 2), EXEC_GENESIS_SYSTEM)                                              \
    X(no_history, gone(w, 3), EXEC_GENESIS_HISTORY)                                                \
    X(other_stub, code(w, 1, "\x5b", 1), EXEC_GENESIS_SYSTEM)                                      \
    X(long_stub, code(w, 1, "\xfe\xfe", 2), EXEC_GENESIS_SYSTEM)                                   \
    X(other_history, code(w, 3, "\xfe", 1), EXEC_GENESIS_HISTORY)                                  \
    X(history_without_nonce, w->account[3].nonce = 0, EXEC_GENESIS_HISTORY)                        \
    X(history_off_l1, w->account[3].da_off = true, EXEC_GENESIS_HISTORY)                           \
    X(bytes_differ, w->code[3][5] ^= 1, EXEC_GENESIS_HISTORY)                                      \
    X(rich_bridge, w->account[0].balance.w[3] = 1, EXEC_GENESIS_OK)                                \
    X(reader, w->err = TD_E_IO, EXEC_GENESIS_READER)

static uint64_t least(void)
{
    return 2200000u + EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH + EXEC_NATIVE_SHARED + EXEC_NATIVE_TX +
           EXEC_NATIVE_MINT + EXEC_NATIVE_TX_BYTE * (98u + 98304u);
}

/* executor/inbox.h: the block that the largest entry needs fits one segment of a proof. */
Test(genesis, the_largest_inbox_entry_fits_a_segment)
{
    const struct exec_prices prices = {.tx_native_max = 2200000};
    cr_expect_leq(exec_genesis_native_min(&prices) + EXEC_NATIVE_RUN, 5000000);
}

/* What decoding may take for a while counts where a genesis lets transactions use less. */
Test(genesis, the_native_limit_holds_what_decoding_an_entry_reserves)
{
    const struct exec_prices none = {.tx_native_max = 1},
                             same = {.tx_native_max = EXEC_NATIVE_TX_BYTE_AUTH * 98304u},
                             more = {.tx_native_max = EXEC_NATIVE_TX_BYTE_AUTH * 98304u + 1u};
    cr_expect_eq(exec_genesis_native_min(&none), exec_genesis_native_min(&same));
    cr_expect_eq(exec_genesis_native_min(&more), exec_genesis_native_min(&same) + 1u);
}

static void vault(struct world *w, uint8_t a, uint8_t b)
{
    w->chain.fee_vault = (struct td_addr){{[18] = a, [19] = b}};
}

static void gone(struct world *w, uint32_t i)
{
    w->account[i] = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
}

static void code(struct world *w, uint32_t i, const char *bytes, size_t len)
{
    w->bytes[i] = td_bytes_of(bytes, len);
    td_keccak256(&w->account[i].code_hash, bytes, len);
    w->account[i].code_bytes = (uint32_t)len;
}

#define FUNCTION(name, change, verdict)                                                            \
    static void change_##name(struct world *w)                                                     \
    {                                                                                              \
        change;                                                                                    \
    }
CHANGES(FUNCTION)

static const struct {
    const char *name;
    void (*change)(struct world *w);
    enum exec_genesis want;
} ROWS[] = {
#define ROW(name, change, verdict) {#name, change_##name, verdict},
    CHANGES(ROW)};

Test(genesis, each_change_has_its_verdict)
{
    static struct world w;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        world(&w);
        ROWS[i].change(&w);
        enum exec_genesis got = check(&w);
        cr_expect_eq(got, ROWS[i].want, "%s: %s", ROWS[i].name, exec_genesis_text(got));
    }
}

/* Contracts' storage needs an owner (EIP-7610), and no code begins with 0xef but a delegation. */
Test(genesis, accounts)
{
    static const uint8_t delegation[23] = {0xef, 0x01, 0x00}, big[24577] = {0};
    const struct {
        uint64_t nonce;
        const uint8_t *code;
        uint32_t code_bytes;
        bool slots;
        enum exec_genesis want;
    } rows[] = {
        {0, NULL, 0, false, EXEC_GENESIS_OK},        {0, NULL, 0, true, EXEC_GENESIS_OWNERLESS},
        {1, NULL, 0, true, EXEC_GENESIS_OK},         {0, big, 1, true, EXEC_GENESIS_OK},
        {1, delegation, 23, false, EXEC_GENESIS_OK}, {1, delegation, 22, false, EXEC_GENESIS_CODE},
        {1, big, 24576, false, EXEC_GENESIS_OK},     {1, big, 24577, false, EXEC_GENESIS_CODE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct exec_account a = {.nonce = rows[i].nonce, .code_bytes = rows[i].code_bytes};
        struct td_bytes bytes = td_bytes_of(rows[i].code, rows[i].code_bytes);
        cr_expect_eq(exec_genesis_account(&a, bytes, rows[i].slots), rows[i].want, "row %zu", i);
    }
}

Test(genesis, every_verdict_has_a_text)
{
    for (unsigned v = 0; v < EXEC_GENESIS_COUNT; v++)
        for (unsigned u = 0; u < v; u++)
            cr_expect_str_neq(exec_genesis_text((enum exec_genesis)v),
                              exec_genesis_text((enum exec_genesis)u));
    cr_expect_str_eq(exec_genesis_text(EXEC_GENESIS_COUNT), "unknown verdict");
}
