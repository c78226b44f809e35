#include "executor/tx/tx_internal.h"

/* Gas prices of a transaction itself, in gas. */
enum {
    GAS_TX = 21000,
    GAS_CREATE = 32000, /* EIP-2 */
    GAS_ZERO_BYTE = 4,
    GAS_BYTE = 16,             /* EIP-2028 */
    GAS_INITCODE_WORD = 2,     /* EIP-3860 */
    GAS_ACCESS_ADDR = 2400,    /* EIP-2930 */
    GAS_ACCESS_SLOT = 1900,    /* EIP-2930 */
    GAS_AUTHORIZATION = 25000, /* EIP-7702: PER_EMPTY_ACCOUNT_COST */
    GAS_FLOOR_TOKEN = 10,      /* EIP-7623; a zero byte is one token, any other four */
};

#define INITCODE_BYTES_MAX 49152u /* EIP-3860 */

static const char *const TEXT[EXEC_TX_COUNT] = {
    [EXEC_TX_OK] = "ok",
    [EXEC_TX_MALFORMED] = "malformed transaction",
    [EXEC_TX_TYPE] = "transaction type not supported",
    [EXEC_TX_BAD_SIGNATURE] = "invalid transaction v, r, s values",
    [EXEC_TX_CHAIN_ID] = "invalid chain id for signer",
    [EXEC_TX_INTRINSIC_GAS] = "intrinsic gas too low",
    [EXEC_TX_INITCODE_SIZE] = "max initcode size exceeded",
    [EXEC_TX_TIP_ABOVE_FEE_CAP] = "max priority fee per gas higher than max fee per gas",
    [EXEC_TX_NONCE_MAX] = "nonce has max value",
    [EXEC_TX_NO_AUTHORIZATIONS] = "EIP-7702 transaction with empty auth list",
    [EXEC_TX_CREATE_NOT_ALLOWED] = "EIP-7702 transaction cannot be used to create contract",
    [EXEC_TX_BLOCK_GAS] = "gas limit reached",
    [EXEC_TX_BLOCK_NATIVE] = "native limit reached",
    [EXEC_TX_FEE_CAP_TOO_LOW] = "max fee per gas less than block base fee",
    [EXEC_TX_NONCE_TOO_LOW] = "nonce too low",
    [EXEC_TX_NONCE_TOO_HIGH] = "nonce too high",
    [EXEC_TX_INSUFFICIENT_FUNDS] = "insufficient funds for gas * price + value",
    [EXEC_TX_SENDER_NOT_EOA] = "sender not an eoa",
};

const char *exec_tx_verdict_text(enum exec_tx_verdict v)
{
    return (uint32_t)v < EXEC_TX_COUNT ? TEXT[v] : "unknown verdict";
}

static uint64_t zero_bytes(struct td_bytes data)
{
    size_t n = 0;
    for (size_t i = 0; i < data.len; i++)
        n += data.ptr[i] == 0;
    return n;
}

void exec_tx_gas(const struct exec_tx *tx, uint64_t *intrinsic, uint64_t *floor)
{
    /* Lengths are those of bytes in memory: nothing here comes near 2^64. */
    uint64_t zeros = zero_bytes(tx->data);
    uint64_t others = tx->data.len - zeros;
    uint64_t gas = GAS_TX + zeros * GAS_ZERO_BYTE + others * GAS_BYTE;
    if (tx->is_create)
        gas += GAS_CREATE + ((uint64_t)tx->data.len + 31u) / 32u * GAS_INITCODE_WORD;
    for (uint32_t i = 0; i < tx->access_count; i++)
        gas += GAS_ACCESS_ADDR + (uint64_t)tx->access[i].slot_count * GAS_ACCESS_SLOT;
    *intrinsic = gas + (uint64_t)tx->auth_count * GAS_AUTHORIZATION;
    *floor = GAS_TX + (zeros + 4u * others) * GAS_FLOOR_TOKEN;
}

uint64_t exec_tx_intrinsic_gas(const struct exec_tx *tx)
{
    uint64_t intrinsic, floor;
    exec_tx_gas(tx, &intrinsic, &floor);
    return intrinsic;
}

uint64_t exec_tx_floor_gas(const struct exec_tx *tx)
{
    uint64_t intrinsic, floor;
    exec_tx_gas(tx, &intrinsic, &floor);
    return floor;
}

enum exec_tx_verdict exec_tx_check(const struct exec_tx *tx, const struct exec_block_env *block)
{
    uint64_t intrinsic, floor;
    if (tx->has_chain_id && tx->chain_id != block->chain_id)
        return EXEC_TX_CHAIN_ID;
    if (tx->type == 4 && tx->is_create)
        return EXEC_TX_CREATE_NOT_ALLOWED;
    if (tx->type == 4 && tx->auth_count == 0)
        return EXEC_TX_NO_AUTHORIZATIONS;
    if (tx->nonce == UINT64_MAX)
        return EXEC_TX_NONCE_MAX;
    if (exec_u256_cmp(&tx->tip_cap, &tx->fee_cap) > 0)
        return EXEC_TX_TIP_ABOVE_FEE_CAP;
    if (tx->is_create && tx->data.len > INITCODE_BYTES_MAX)
        return EXEC_TX_INITCODE_SIZE;
    exec_tx_gas(tx, &intrinsic, &floor);
    if (tx->gas_limit < intrinsic || tx->gas_limit < floor)
        return EXEC_TX_INTRINSIC_GAS;
    return EXEC_TX_OK;
}
