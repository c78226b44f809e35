/* System contracts: code that is part of the program, at fixed addresses.
 *
 *   0x..8001 bridge      withdraw(address to) payable   burns the value, sends a message to L1
 *   0x..8002 messenger   sendToL1(bytes) -> bytes32     appends to the batch's message tree
 *   0x..8003 validators  epoch() -> uint64, nextSetHash() -> bytes32   what headers said
 *   EIP-2935's address   block hashes: ordinary bytecode from genesis, storage written here
 *
 * 1. They run in the callee's own context only: DELEGATECALL and CALLCODE to one fail.
 * 2. Unknown selectors and malformed arguments revert, as a compiled contract's would.
 * 3. Withdrawals and messages are final for L2: what L1 does with a message is its own affair. */
#pragma once

#include "executor/evm.h"

/* One message's payload; 64 KiB of published bytes cost more gas than a block has. */
#define EXEC_MESSAGE_BYTES_MAX (32u << 10)

/* A withdrawal's payload: 0x01 | address 20 | amount 32. */
#define EXEC_WITHDRAWAL_BYTES 53u

bool exec_system_is(const struct td_addr *a);

/* Run msg, a CALL or STATICCALL whose code_addr is a system contract (the value has been moved to
 * it): charges gas and native, writes state through vm->state.  On REVERT or a halt the caller
 * restores its mark. */
void exec_system_run(struct exec_vm *vm, const struct exec_message *msg, struct exec_outcome *out);

/* The block's own writes before its first transaction: the hash of block `number` into EIP-2935's
 * ring, and on a new epoch the validators contract. */
void exec_system_begin(struct exec_state *state, const struct td_hash *hash, uint64_t number,
                       bool new_epoch, uint64_t epoch, const struct td_hash *next_set_hash);

/* Hash of block n from EIP-2935's ring, without warming it; zero when it is not one of the 256
 * before `number`. */
void exec_system_block_hash(struct exec_state *state, uint64_t number, uint64_t n,
                            struct td_hash *out);

/* Runtime bytecode of the block hash contract, for genesis. */
extern const uint8_t EXEC_HISTORY_CODE[];
extern const uint32_t EXEC_HISTORY_CODE_BYTES;
extern const struct td_addr EXEC_HISTORY_ADDRESS;
