/* What the block layer itself charges.  Native units as in executor/evm/native_costs.h. */
#pragma once

#include "base/core/types.h"

/* Decoding, hashing, recovering the sender and validating one transaction, executed or skipped.
 * The dearest is a signature whose key would be infinity: no hint exists, the guest recovers. */
#define EXEC_NATIVE_TX 50000
#define EXEC_NATIVE_TX_BYTE 26 /* three keccaks see each byte, lists are read by item */
/* Beside it for type 4, whose authorizations have six fields in 27 bytes.  Reserved before it is
 * decoded, out of what the block has left, and returned when it turns out well-formed:
 * EXEC_NATIVE_RECOVER has it then. */
#define EXEC_NATIVE_TX_BYTE_AUTH 18
#define EXEC_NATIVE_BLOCK 10800 /* header, history slot and its path, cursor */
/* Beside it for one that begins or ends a batch or an epoch, or states the next epoch's set. */
#define EXEC_NATIVE_BATCH 18000
/* What is warm for every transaction, and read once: seventeen precompiles' accounts, the fee
 * vault, block hashes. */
#define EXEC_NATIVE_SHARED 70000
/* A proven run beside its blocks: its start and its statement.  No block pays for it: a run has
 * room for its blocks' native_used and this. */
#define EXEC_NATIVE_RUN 46000
#define EXEC_NATIVE_RECOVER 49000 /* one authority of an EIP-7702 list, decoded */

/* What looking at one payload entry costs, whatever it turns out to be. */
static inline uint64_t exec_native_entry(struct td_bytes entry)
{
    return EXEC_NATIVE_TX + (uint64_t)entry.len * EXEC_NATIVE_TX_BYTE;
}

/* What decoding a transaction may cost beyond that. */
static inline uint64_t exec_native_lists(struct td_bytes tx)
{
    return tx.len > 0 && tx.ptr[0] == 4 ? (uint64_t)tx.len * EXEC_NATIVE_TX_BYTE_AUTH : 0;
}

/* The mint of a raw inbox entry: an account read and written (EXEC_NATIVE_COLD_ACCOUNT), two
 * transactions of the state. */
#define EXEC_NATIVE_MINT 6500

/* A message: three keccaks of its leaf, two of the tree, a log; a word: hashed three times,
 * copied three times. */
#define EXEC_NATIVE_MESSAGE 4000
#define EXEC_NATIVE_MESSAGE_WORD 370

/* Gas of the system contracts.  A withdrawal is a log of three topics (EIP-2929-era 1,875 + 256)
 * and what L1's proof of it costs everybody in published bytes; a message likewise. */
#define EXEC_GAS_WITHDRAW 10000
#define EXEC_GAS_MESSAGE 10000
#define EXEC_GAS_MESSAGE_WORD 600
#define EXEC_GAS_VALIDATORS 2100
