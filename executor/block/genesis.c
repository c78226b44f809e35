#include "executor/genesis.h"

#include "base/core/keccak.h"
#include "executor/block/costs.h"
#include "executor/evm/code.h"
#include "executor/inbox.h"
#include "executor/system.h"

#define CHAIN_ID_MAX (UINT64_MAX / 2u - 36u) /* EIP-2294: 2 id + 36 is v of EIP-155 */
#define SYSTEM_CONTRACTS 3u

const uint8_t EXEC_SYSTEM_CODE[1] = {0xfe};

const char *exec_genesis_text(enum exec_genesis verdict)
{
#define TEXT(name, text) text,
    static const char *const TEXTS[] = {EXEC_GENESIS_LIST(TEXT)};
#undef TEXT
    return (unsigned)verdict < EXEC_GENESIS_COUNT ? TEXTS[verdict] : "unknown verdict";
}

/* Number i of the table; false beyond its end. */
static bool contract(uint32_t i, struct td_addr *addr, struct td_bytes *code)
{
    if (i < SYSTEM_CONTRACTS) {
        *addr = (struct td_addr){{[18] = 0x80}};
        addr->b[19] = (uint8_t)(i + 1u);
        *code = td_bytes_of(EXEC_SYSTEM_CODE, sizeof EXEC_SYSTEM_CODE);
        return true;
    }
    *addr = EXEC_HISTORY_ADDRESS;
    *code = td_bytes_of(EXEC_HISTORY_CODE, EXEC_HISTORY_CODE_BYTES);
    return i == SYSTEM_CONTRACTS;
}

void exec_genesis_put(struct exec_state *state)
{
    struct td_addr addr;
    struct td_bytes code;
    for (uint32_t i = 0; contract(i, &addr, &code); i++) {
        exec_state_set_nonce(state, &addr, 1);
        exec_state_set_code(state, &addr, code);
    }
}

/* ---- checks */

uint64_t exec_genesis_native_min(const struct exec_prices *prices)
{
    uint64_t look =
        EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH + EXEC_NATIVE_SHARED + EXEC_NATIVE_TX +
        EXEC_NATIVE_MINT +
        (uint64_t)EXEC_NATIVE_TX_BYTE * (EXEC_INBOX_HEADER_BYTES + EXEC_INBOX_DATA_BYTES_MAX);
    uint64_t lists = (uint64_t)EXEC_NATIVE_TX_BYTE_AUTH * EXEC_INBOX_DATA_BYTES_MAX;
    uint64_t run = prices->tx_native_max > lists ? prices->tx_native_max : lists;
    return run > UINT64_MAX - look ? UINT64_MAX : run + look;
}

static enum exec_genesis check_limits(const struct exec_chain *c)
{
    const struct exec_prices *p = &c->prices;
    if (c->chain_id == 0 || c->chain_id > CHAIN_ID_MAX)
        return EXEC_GENESIS_CHAIN_ID;
    if (c->gas_limit < EXEC_GENESIS_GAS_MIN)
        return EXEC_GENESIS_GAS_LOW;
    if (c->gas_limit > EXEC_GAS_LIMIT_MAX)
        return EXEC_GENESIS_GAS_HIGH;
    if (p->native_per_gas == 0)
        return EXEC_GENESIS_NATIVE_PRICE;
    if (p->tx_native_max == 0)
        return EXEC_GENESIS_TX_NATIVE;
    if (c->native_limit < exec_genesis_native_min(p))
        return EXEC_GENESIS_NATIVE_LOW;
    if (c->native_limit > EXEC_NATIVE_LIMIT_MAX)
        return EXEC_GENESIS_NATIVE_HIGH;
    return p->gas_per_pubdata_byte > EXEC_PUBDATA_PRICE_MAX ? EXEC_GENESIS_PUBDATA_PRICE
                                                            : EXEC_GENESIS_OK;
}

static bool is_below_2_128(const struct exec_u256 *v)
{
    return (v->w[2] | v->w[3]) == 0;
}

static enum exec_genesis check_cursor(const struct exec_chain *chain, const struct exec_cursor *c)
{
    if (!is_below_2_128(&chain->base_fee_min) || !is_below_2_128(&c->base_fee) ||
        exec_u256_cmp(&c->base_fee, &chain->base_fee_min) < 0)
        return EXEC_GENESIS_BASE_FEE;
    if (td_addr_is_zero(&chain->fee_vault) || exec_is_precompile(&chain->fee_vault) ||
        exec_system_is(&chain->fee_vault) || td_addr_eq(&chain->fee_vault, &EXEC_HISTORY_ADDRESS))
        return EXEC_GENESIS_FEE_VAULT;
    if (c->number != 0 || c->epoch != 0 || c->inbox_index != 0 || c->message_count != 0 ||
        !td_hash_is_zero(&c->inbox_acc) || c->leaf_count == 0)
        return EXEC_GENESIS_CURSOR;
    return EXEC_GENESIS_OK;
}

static enum exec_genesis check_contract(const struct exec_reader *reader, uint32_t i,
                                        const struct td_addr *addr, struct td_bytes want)
{
    enum exec_genesis wrong = i < SYSTEM_CONTRACTS ? EXEC_GENESIS_SYSTEM : EXEC_GENESIS_HISTORY;
    struct exec_account a;
    struct td_bytes code;
    struct td_hash hash;
    td_keccak256(&hash, want.ptr, want.len);
    if (reader->account(reader->self, addr, &a) != TD_OK)
        return EXEC_GENESIS_READER;
    if (a.nonce == 0 || a.code_bytes != want.len || !td_hash_eq(&a.code_hash, &hash) || a.da_off)
        return wrong;
    if (reader->code(reader->self, &a.code_hash, &code) != TD_OK)
        return EXEC_GENESIS_READER;
    return code.len == want.len && memcmp(code.ptr, want.ptr, want.len) == 0 ? EXEC_GENESIS_OK
                                                                             : wrong;
}

enum exec_genesis exec_genesis_account(const struct exec_account *account, struct td_bytes code,
                                       bool slots)
{
    if (slots && account->nonce == 0 && account->code_bytes == 0)
        return EXEC_GENESIS_OWNERLESS;
    struct td_addr target;
    if (code.len > EXEC_CODE_BYTES_MAX ||
        (code.len > 0 && code.ptr[0] == 0xef && !exec_code_delegation(&target, code)))
        return EXEC_GENESIS_CODE;
    return EXEC_GENESIS_OK;
}

enum exec_genesis exec_genesis_check(const struct exec_chain *chain,
                                     const struct exec_cursor *cursor,
                                     const struct exec_reader *reader)
{
    struct td_addr addr;
    struct td_bytes code;
    enum exec_genesis v = check_limits(chain);
    if (v == EXEC_GENESIS_OK)
        v = check_cursor(chain, cursor);
    for (uint32_t i = 0; v == EXEC_GENESIS_OK && contract(i, &addr, &code); i++)
        v = check_contract(reader, i, &addr, code);
    return v;
}
