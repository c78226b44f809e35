/* The EVM at Prague rules: one call tree, no recursion in C.
 *
 *     exec_evm_run ── runner: owns the frames (depth 1024), value transfer, creation, precompiles
 *                       │  ▲   and system contracts
 *                       ▼  │ yields at CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2
 *                     interpreter: one frame until it stops or yields
 *
 * 1. A frame's memory and stack live in `arena` (peak: see EXEC_EVM_ARENA_BYTES) and are given back
 *    when the frame ends.
 * 2. Every halt other than success restores the state mark taken at the frame's start.
 * 3. Gas and native units are both charged before the work they pay for.
 * Spec: Ethereum execution specification at Prague; the EIPs are cited at their branch. */
#pragma once

#include "executor/evm/code.h"
#include "executor/state.h"

enum exec_status {
    EXEC_SUCCESS,
    EXEC_REVERT,
    /* exceptional halts: the frame's gas is gone */
    EXEC_OUT_OF_GAS,
    EXEC_OUT_OF_NATIVE, /* the whole transaction fails: every frame above halts the same way */
    EXEC_BAD_OPCODE,    /* undefined, or INVALID (0xfe) */
    EXEC_STACK_UNDERFLOW,
    EXEC_STACK_OVERFLOW,
    EXEC_BAD_JUMP,
    EXEC_STATIC_WRITE,
    EXEC_RETURN_DATA_RANGE,
    EXEC_CALL_DEPTH,     /* of the message itself; inside a run the opcode pushes 0 */
    EXEC_BALANCE,        /* of the message itself */
    EXEC_COLLISION,      /* EIP-684, EIP-7610 */
    EXEC_CODE_SIZE,      /* EIP-170 */
    EXEC_CODE_PREFIX,    /* EIP-3541 */
    EXEC_INITCODE_SIZE,  /* EIP-3860 */
    EXEC_NONCE_OVERFLOW, /* EIP-2681 */
    EXEC_PRECOMPILE,     /* bad input to a precompile, or one not covered (0x0a-0x11) */
    EXEC_ERROR,          /* reader error or arena exhausted: exec_state_error or .err says which */
};

const char *exec_status_text(enum exec_status s);

enum exec_message_kind {
    EXEC_CALL,
    EXEC_CALLCODE,
    EXEC_DELEGATECALL,
    EXEC_STATICCALL,
    EXEC_CREATE,
    EXEC_CREATE2,
};

struct exec_message {
    enum exec_message_kind kind;
    bool is_static;
    uint32_t depth;
    int64_t gas;
    struct td_addr sender;
    struct td_addr to;        /* whose storage and balance; for creations filled by the runner */
    struct td_addr code_addr; /* whose code: differs from `to` for CALLCODE and DELEGATECALL */
    struct exec_u256 value;
    struct exec_u256 salt; /* CREATE2 */
    struct td_bytes input; /* calldata, or init code */
};

struct exec_outcome {
    enum exec_status status;
    int64_t gas_left;
    struct td_bytes output; /* in the vm's arena, where it stays until the caller rewinds that;
                             * empty for a successful creation */
    struct td_addr created; /* of a successful creation */
};

/* Called before each instruction and at each frame's edges.  Exists natively only: the guest is
 * compiled without EXEC_TRACE and the untraced interpreter is a separate instantiation. */
struct exec_trace_step {
    uint32_t pc, depth;
    uint8_t opcode;
    int64_t gas, native;
    const struct exec_u256 *stack_top; /* stack_top[-i] is the i-th from the top */
    uint32_t stack_count;
    struct td_bytes memory, return_data;
    struct td_addr to;
    int64_t refund;
};
struct exec_tracer {
    void *self;
    void (*step)(void *self, const struct exec_trace_step *step);
    void (*enter)(void *self, const struct exec_message *msg);
    void (*leave)(void *self, const struct exec_message *msg, const struct exec_outcome *out);
};

/* One transaction's run-time surroundings. */
struct exec_vm {
    struct exec_state *state;
    const struct exec_block_env *block;
    struct td_arena *arena;
    struct td_addr origin;
    struct exec_u256 gas_price; /* effective */
    const struct td_hash *blob_hashes;
    uint32_t blob_hash_count;
    int64_t native_left; /* INT64_MAX: unmetered, though counted */
    /* Of the block (executor/evm/code.h), or NULL: then code is prepared, and its native cost
     * charged, at each call instead of once a run.  A chain always sets it. */
    struct exec_code_cache *codes;
    const struct exec_tracer *tracer; /* or NULL */
    enum td_error err;
};

/* Peak arena bytes of one run under `gas_limit`: frames, stacks, and memory, which gas bounds
 * (quadratic cost). */
size_t exec_evm_arena_bytes(uint64_t gas_limit);

/* Run msg as the top frame (depth 0).  The sender's nonce was raised by the caller for calls; for
 * creations the runner computes the address from the sender's nonce - 1 (EXEC_CREATE at depth 0)
 * and does everything else itself.  The arena must not be the state's: it is rewound.  Never
 * recurses; cost is bounded by gas. */
void exec_evm_run(struct exec_vm *vm, const struct exec_message *msg, struct exec_outcome *out);

/* 0x01-0x09 (executor/precompiles.c); 0x0a-0x11 answer EXEC_PRECOMPILE. */
bool exec_is_precompile(const struct td_addr *a);

/* System contracts at fixed addresses (executor/system.h). */
