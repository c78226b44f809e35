/* A small world for EVM tests: accounts with code written as text, one call, and what came of it.
 *
 * Assembly text, tokens separated by spaces:
 *     ADD, PUSH1, ...     the opcode        5, 0xff        the shortest PUSH of that number
 *     .60ff               bytes as they are
 *     name:               a JUMPDEST        @name          PUSH2 of its position
 *     ret                 returns the top of the stack as 32 bytes
 *
 * 1. Addresses are small numbers: world_addr(7) is 0x00..07.
 * 2. The caller is account 0xca11 with 10^18 wei. */
#pragma once

#include "executor/evm.h"
#include "executor/evm/opcodes.h"

#define WORLD_ACCOUNTS_MAX 16u
#define WORLD_SLOTS_MAX 16u
#define WORLD_CODE_BYTES_MAX 65536u
#define WORLD_CALLER 0xca11u

struct world_account {
    struct td_addr addr;
    struct exec_account data;
    struct td_bytes code;
};

struct world_slot {
    struct td_addr addr;
    struct exec_u256 slot, value;
};

struct world {
    struct world_account accounts[WORLD_ACCOUNTS_MAX];
    uint32_t account_count;
    struct world_slot slots[WORLD_SLOTS_MAX];
    uint32_t slot_count;
    uint32_t slot_reads; /* of the reader */
    enum td_error slot_error;
    struct exec_block_env block;
    struct exec_reader reader;
    struct td_arena state_arena, vm_arena, code_arena;
    struct exec_state *state;
    struct exec_code_cache codes;
    struct exec_vm vm;
};

struct world *world_new(void);
void world_free(struct world *w);

struct td_addr world_addr(uint64_t n);

/* Bytes of assembly text; they live as long as the world.  A mistake in the text fails the test. */
struct td_bytes world_code(struct world *w, const char *text);

void world_put(struct world *w, uint64_t addr, uint64_t nonce, uint64_t balance,
               struct td_bytes code);
void world_put_code(struct world *w, uint64_t addr, const char *text);
void world_put_slot(struct world *w, uint64_t addr, uint64_t slot, uint64_t value);

/* A transaction begins: caller and callee warm, as a transaction makes them. */
void world_begin(struct world *w);
/* Call `to` within the transaction begun. */
struct exec_outcome world_call(struct world *w, uint64_t to, int64_t gas, uint64_t value,
                               struct td_bytes input);
struct exec_outcome world_create(struct world *w, const char *init, int64_t gas, uint64_t value);

/* Put `text` at 0x1000, begin, call it with `gas` and no input. */
struct exec_outcome world_run(struct world *w, const char *text, int64_t gas);

/* The output as a number; all ones unless it is 32 bytes. */
struct exec_u256 world_word(const struct exec_outcome *out);
uint64_t world_number(const struct exec_outcome *out);
