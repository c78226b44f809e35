/* One activation of code: what the interpreter, the slow opcodes and the runner share.  Internal to
 * executor/evm.
 *
 *     arena:  ... parent's memory | parent's return data      while the parent runs
 *             ... parent's memory | frame | stack | code | memory | return data     child on top
 *
 * 1. Only the newest frame runs, so its memory is the arena's end and grows in place.
 * 2. stack[0] is below the bottom: an empty stack has sp == stack, and sp points at the top item.
 * 3. An operation charges f->gas and vm->native_left before it works; it returns EXEC_SUCCESS to
 *    continue, anything else stops the frame. */
#pragma once

#include "executor/evm.h"
#include "executor/evm/code.h"
#include "executor/evm/opcodes.h"

#define EXEC_STACK_ITEMS 1024u
#define EXEC_CALL_DEPTH_MAX 1024u

/* Gas that depends on operands or state; what does not is in opcodes.h.  EIP-2929, 2200, 3529,
 * 3860, 6780 and the execution specification at Prague. */
enum exec_gas {
    EXEC_COLD_ACCOUNT_EXTRA = 2500, /* over the warm 100 */
    EXEC_COLD_ACCOUNT_FULL = 2600,
    EXEC_COLD_SLOT_EXTRA = 2000,
    EXEC_COLD_SLOT_FULL = 2100,
    EXEC_WARM = 100,
    EXEC_SSTORE_SET = 20000,
    EXEC_SSTORE_RESET = 2900,
    EXEC_SSTORE_CLEAR_REFUND = 4800,
    EXEC_CALL_STIPEND = 2300,
    EXEC_CALL_VALUE = 9000,
    EXEC_NEW_ACCOUNT = 25000,
    EXEC_MEMORY_WORD = 3,
    EXEC_COPY_WORD = 3,
    EXEC_KECCAK_WORD = 6,
    EXEC_LOG_TOPIC = 375,
    EXEC_LOG_BYTE = 8,
    EXEC_EXP_BYTE = 50,
    EXEC_INITCODE_WORD = 2,
    EXEC_DEPOSIT_BYTE = 200,
};

struct exec_frame;

/* What one exec_evm_run owns. */
struct exec_run {
    struct exec_vm *vm;
    struct exec_message pending; /* of the CALL or CREATE the top frame stopped at */
    struct td_arena_mark start;
};

struct exec_frame {
    struct exec_run *run;
    struct exec_vm *vm;
    struct exec_frame *parent;
    struct exec_message msg;
    struct exec_mark mark; /* of the state, before value moved */
    struct td_arena_mark arena_mark;
    /* code */
    const uint8_t *code;
    const uint8_t *jumpdests;
#if EXEC_FUSED
    const uint8_t *ops;
#endif
    uint32_t code_len;
    uint32_t pc; /* where to go on */
    /* machine */
    struct exec_u256 *stack;
    struct exec_u256 *sp;
    int64_t gas;
    uint8_t *memory;
    size_t memory_len; /* a multiple of 32 */
    size_t memory_cap;
    int64_t memory_gas; /* paid so far */
    struct td_bytes return_data;
    /* the pending call's output goes here */
    size_t out_offset, out_len;
    bool yielded; /* run->pending waits */
    enum exec_status status;
    struct td_bytes output; /* of RETURN and REVERT */
};

/* Charge both meters; false when either is short, exec_charge_status says which. */
static inline bool exec_charge(struct exec_frame *f, int64_t gas, int64_t native)
{
    f->gas -= gas;
    f->vm->native_left -= native;
    return (f->gas | f->vm->native_left) >= 0;
}

static inline enum exec_status exec_charge_status(const struct exec_frame *f)
{
    return f->gas < 0 ? EXEC_OUT_OF_GAS : EXEC_OUT_OF_NATIVE;
}

static inline uint64_t exec_words(uint64_t bytes)
{
    return (bytes + 31u) / 32u;
}

/* ---- memory (memory.c) */

/* Grow to hold `end` bytes, end > f->memory_len. */
enum exec_status exec_memory_grow(struct exec_frame *f, uint64_t end);
/* exec_memory_need where the range is empty or not there yet. */
enum exec_status exec_memory_need_more(struct exec_frame *f, const struct exec_u256 *offset,
                                       const struct exec_u256 *len, size_t *at, size_t *count);

/* Make [offset, offset + len) exist, paying for what is new; len 0 needs nothing and any offset
 * will do.  Ranges that end above 2^32 - 1 cost more than any gas limit a block can have: 2^45. */
static inline enum exec_status exec_memory_need(struct exec_frame *f,
                                                const struct exec_u256 *offset,
                                                const struct exec_u256 *len, size_t *at,
                                                size_t *count)
{
    if (!exec_u256_is_u64(offset) || !exec_u256_is_u64(len) || len->w[0] == 0 ||
        len->w[0] > f->memory_len || offset->w[0] > f->memory_len - len->w[0])
        return exec_memory_need_more(f, offset, len, at, count);
    *at = (size_t)offset->w[0];
    *count = (size_t)len->w[0];
    return EXEC_SUCCESS;
}

/* Replace the frame's return data by a copy of `data`, which may lie above the frame's memory.
 * False when the arena is full.  Everything above the frame's memory is given back. */
bool exec_return_data_set(struct exec_frame *f, struct td_bytes data);

/* ---- opcodes too big to be inline (operations*.c).  `sp` is the top before the opcode; results
 * are written where the top will be after it. */

enum exec_status exec_op_exp(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_keccak256(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_balance(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_selfbalance(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_extcodesize(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_extcodehash(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_extcodecopy(struct exec_frame *f, struct exec_u256 *sp);
/* CALLDATACOPY, CODECOPY: bytes past the source's end are zero. */
enum exec_status exec_op_copy(struct exec_frame *f, struct exec_u256 *sp, struct td_bytes from);
enum exec_status exec_op_returndatacopy(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_mcopy(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_calldataload(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_blockhash(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_blobhash(struct exec_frame *f, struct exec_u256 *sp);
/* SLOAD when what is left may not pay for a cold slot. */
enum exec_status exec_op_sload_short(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_sstore(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_tstore(struct exec_frame *f, struct exec_u256 *sp);
enum exec_status exec_op_log(struct exec_frame *f, struct exec_u256 *sp, uint32_t topics);
/* RETURN and REVERT: sets f->output. */
enum exec_status exec_op_output(struct exec_frame *f, struct exec_u256 *sp);
/* Both either finish (result written) or set f->yielded and run->pending. */
enum exec_status exec_op_call(struct exec_frame *f, struct exec_u256 *sp,
                              enum exec_message_kind kind);
enum exec_status exec_op_create(struct exec_frame *f, struct exec_u256 *sp,
                                enum exec_message_kind kind);
enum exec_status exec_op_selfdestruct(struct exec_frame *f, struct exec_u256 *sp);

/* ---- the interpreter, twice (interpreter.c, interpreter_traced.c): run until the frame stops
 * (status set) or yields. */
void exec_interpret(struct exec_frame *f);
#if __STDC_HOSTED__
void exec_interpret_traced(struct exec_frame *f);
#endif

/* ---- addresses on the stack: the low 20 bytes of a word */

void exec_addr_of_word(struct td_addr *out, const struct exec_u256 *word);
void exec_word_of_addr(struct exec_u256 *out, const struct td_addr *addr);
