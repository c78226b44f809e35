/* What a chain must begin with: bounds on its parameters, and the accounts the program relies on.
 *
 *     address           nonce  code                    why
 *     0x..8001..8003    1      EXEC_SYSTEM_CODE (1)    part of the program; compilers ask
 * extcodesize EIP-2935's        1      EXEC_HISTORY_CODE       blocks write its storage, which
 * needs an owner
 *
 * 1. Blocks never create these accounts: one that genesis lacks has storage but no leaf.
 * 2. No account has storage but neither nonce nor code: EIP-7610's question is then answered by the
 *    account alone, and a creation has nothing to wipe that the block did not see.
 * 3. The parameter bounds are what makes promises of other headers true: that a deposit is never
 *    without native units, that a failed transaction pays for what it still publishes, that a block
 *    fits a proof, that no fee computation wraps. */
#pragma once

#include "executor/chain.h"
#include "executor/inbox.h"
#include "executor/state.h"

#define EXEC_GENESIS_LIST(X)                                                                       \
    X(EXEC_GENESIS_OK, "ok")                                                                       \
    X(EXEC_GENESIS_CHAIN_ID, "chain id is not in 1 .. 2^63 - 37 (EIP-2294)")                       \
    X(EXEC_GENESIS_GAS_LOW, "gas limit does not hold the largest inbox entry")                     \
    X(EXEC_GENESIS_GAS_HIGH, "gas limit above 2^40")                                               \
    X(EXEC_GENESIS_NATIVE_PRICE, "native units per gas are 0")                                     \
    X(EXEC_GENESIS_TX_NATIVE, "native cap of a transaction is 0")                                  \
    X(EXEC_GENESIS_NATIVE_LOW, "native limit does not hold the largest inbox entry and its run")   \
    X(EXEC_GENESIS_NATIVE_HIGH, "native limit above what one proof has room for, 2^27")            \
    X(EXEC_GENESIS_PUBDATA_PRICE, "published bytes cost more than failed transactions pay for")    \
    X(EXEC_GENESIS_BASE_FEE, "base fee below its minimum, or minimum or fee above 2^128")          \
    X(EXEC_GENESIS_FEE_VAULT, "fee vault is zero, a precompile or a system contract")              \
    X(EXEC_GENESIS_CURSOR, "number, inbox and messages do not begin at 0, or no leaf")             \
    X(EXEC_GENESIS_SYSTEM, "system contract 0x..8001, 0x..8002 or 0x..8003 is not as it must be")  \
    X(EXEC_GENESIS_HISTORY, "block hash contract of EIP-2935 is not as it must be")                \
    X(EXEC_GENESIS_OWNERLESS, "account has storage but neither nonce nor code")                    \
    X(EXEC_GENESIS_CODE, "account's code begins with 0xef (EIP-3541) or is above 24,576 bytes")    \
    X(EXEC_GENESIS_READER, "state cannot be read")

#define EXEC_GENESIS_ENUM(name, text) name,
enum exec_genesis { EXEC_GENESIS_LIST(EXEC_GENESIS_ENUM) EXEC_GENESIS_COUNT };
#undef EXEC_GENESIS_ENUM

/* What one byte of 0x..8001 to 0x..8003 is: INVALID, should anything ever run it. */
extern const uint8_t EXEC_SYSTEM_CODE[1];

/* Fits EIP-1559's and every other product below 2^256 with balances that exist. */
#define EXEC_GAS_LIMIT_MAX (UINT64_C(1) << 40)
/* The proof machine's clock, RV32_CLK_END: a native unit is at least a cycle. */
#define EXEC_NATIVE_LIMIT_MAX (UINT64_C(1) << 27)
/* A failed transaction still publishes its sender (21,000 gas, at most 84 bytes) and its
 * delegations (25,000 each, 143: LEAF, nonce 8, balance 32, ACCOUNT_KEY, CODE, 23). */
#define EXEC_PUBDATA_PRICE_MAX 174u

/* Gas and native units the largest inbox entry takes before it runs. */
#define EXEC_GENESIS_GAS_MIN                                                                       \
    (UINT64_C(21000) + UINT64_C(40) * EXEC_INBOX_DATA_BYTES_MAX) /* EIP-7623's floor */
/* One entry may still find too few units at exactly this limit: a raw type 4 of the greatest size
 * that asks for the whole cap, since recovering its authorities is paid before it runs.  Alone in a
 * block it is consumed without effect; with a lower gas limit its sender gets it through. */
uint64_t exec_genesis_native_min(const struct exec_prices *prices);

/* Text for people; static storage, never NULL. */
const char *exec_genesis_text(enum exec_genesis verdict);

/* Write the accounts of the table into a state of which nothing was touched there yet, within a
 * transaction of the state; the rest of genesis comes beside it. */
void exec_genesis_put(struct exec_state *state);

/* For each account of genesis: may it be there?  slots: it has storage that is not zero. */
enum exec_genesis exec_genesis_account(const struct exec_account *account, struct td_bytes code,
                                       bool slots);

/* Parameters, the cursor before the first block, and the table's accounts as `reader` has them:
 * the first thing that is wrong. */
enum exec_genesis exec_genesis_check(const struct exec_chain *chain,
                                     const struct exec_cursor *cursor,
                                     const struct exec_reader *reader);
