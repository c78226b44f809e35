/* What the block layer itself charges.  Native units as in executor/evm/native_costs.h. */
#pragma once

#include "base/core/types.h"

/* Decoding, hashing, recovering the sender and validating one transaction, executed or skipped.
 * The dearest is a signature whose key would be infinity: no hint exists, the guest recovers. */
#define EXEC_NATIVE_TX 68000
#define EXEC_NATIVE_TX_BYTE 52      /* three keccaks see each byte, lists are read by item */
#define EXEC_NATIVE_TX_BYTE_AUTH 32 /* beside it for type 4: six fields may be 27 bytes */
#define EXEC_NATIVE_BLOCK 70000     /* header, history slot and its path, cursor, batch */
/* What is warm for every transaction, and read once: seventeen precompiles' accounts, the fee
 * vault, block hashes. */
#define EXEC_NATIVE_SHARED 130000
/* A proven run beside its blocks: its start and its statement.  No block pays for it: a run has
 * room for its blocks' native_used and this. */
#define EXEC_NATIVE_RUN 64000
#define EXEC_NATIVE_RECOVER 62000 /* one authority of an EIP-7702 list */

/* What looking at one payload entry costs, whatever it turns out to be. */
static inline uint64_t exec_native_entry(struct td_bytes entry)
{
    size_t at = entry.len > 98u && entry.ptr[0] == 0x7e ? 98u : 0; /* executor/inbox.h */
    bool authorizes = entry.len > at && entry.ptr[at] == 4;
    uint64_t byte = EXEC_NATIVE_TX_BYTE + (authorizes ? EXEC_NATIVE_TX_BYTE_AUTH : 0u);
    return EXEC_NATIVE_TX + entry.len * byte;
}

/* The mint of a raw inbox entry: an account read and written (EXEC_NATIVE_COLD_ACCOUNT), two
 * transactions of the state. */
#define EXEC_NATIVE_MINT 10000

/* A message: three keccaks of its leaf, two of the tree, a log; a word: hashed three times,
 * copied three times. */
#define EXEC_NATIVE_MESSAGE 15000
#define EXEC_NATIVE_MESSAGE_WORD 800

/* Gas of the system contracts.  A withdrawal is a log of three topics (EIP-2929-era 1,875 + 256)
 * and what L1's proof of it costs everybody in published bytes; a message likewise. */
#define EXEC_GAS_WITHDRAW 10000
#define EXEC_GAS_MESSAGE 10000
#define EXEC_GAS_MESSAGE_WORD 600
#define EXEC_GAS_VALIDATORS 2100
