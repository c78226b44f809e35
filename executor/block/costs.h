/* What the block layer itself charges.  Native units as in executor/evm/native_costs.h. */
#pragma once

/* Decoding, hashing, recovering the sender and validating one transaction, executed or skipped. */
#define EXEC_NATIVE_TX 40000
#define EXEC_NATIVE_TX_BYTE 24    /* three keccaks see each byte, byte loops twice */
#define EXEC_NATIVE_BLOCK 40000   /* header, history slot and its path, cursor, batch */
#define EXEC_NATIVE_RECOVER 45000 /* one authority of an EIP-7702 list */

/* The mint of a raw inbox entry: an account read and written (EXEC_NATIVE_COLD_ACCOUNT), two
 * transactions of the state. */
#define EXEC_NATIVE_MINT 10000

/* A message: three keccaks of its leaf, two of the tree, a log; a word: hashed three times,
 * copied three times. */
#define EXEC_NATIVE_MESSAGE 30000
#define EXEC_NATIVE_MESSAGE_WORD 700

/* Gas of the system contracts.  A withdrawal is a log of three topics (EIP-2929-era 1,875 + 256)
 * and what L1's proof of it costs everybody in published bytes; a message likewise. */
#define EXEC_GAS_WITHDRAW 10000
#define EXEC_GAS_MESSAGE 10000
#define EXEC_GAS_MESSAGE_WORD 600
#define EXEC_GAS_VALIDATORS 2100
