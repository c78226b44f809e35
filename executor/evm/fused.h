/* Sequences of opcodes that compilers emit all the time, run as one.  Native only: the guest and
 * the tracer run the opcodes themselves, and results, gas and native units are the same to the
 * unit.
 *
 *     code: ... ISZERO  PUSH2 hi lo  JUMPI ...      what CODECOPY and the tracer see
 *     ops:  ... FUSED   PUSH2 hi lo  JUMPI ...      what is dispatched on: first bytes change
 *
 * 1. A fused handler first checks what the whole sequence needs: operands, room on the stack, gas,
 *    native units.  If anything is short it goes to the handler of the sequence's first opcode, and
 *    the opcodes run one by one up to the one that fails.  If nothing is, none of them can fail.
 * 2. No sequence has a JUMPDEST in it, so nothing jumps into one.
 * 3. Targets of fused jumps were found valid when the code was prepared.
 * 4. Fused numbers are undefined opcodes; a code's own byte of that number becomes INVALID in ops.
 *    The jump handlers do the JUMPDEST they arrive at themselves, fused or not. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXEC_FUSED __STDC_HOSTED__

/* X(number, name) */
#define EXEC_FUSED_OPCODES(X)                                                                      \
    X(0xb0, PUSH2_JUMP)                                                                            \
    X(0xb1, PUSH2_JUMPI)                                                                           \
    X(0xb2, ISZERO_PUSH2_JUMPI)                                                                    \
    X(0xb3, SELECTOR)     /* DUP1 PUSH4 EQ PUSH2 JUMPI: a contract's function switch */            \
    X(0xb4, ADDRESS_MASK) /* PUSH20 2^160 - 1, AND */                                              \
    X(0xb5, ADDRESS_SUB)  /* PUSH1 1 PUSH1 1 PUSH1 0xa0 SHL SUB AND: the same, shorter */          \
    X(0xb6, POP_POP)                                                                               \
    X(0xb7, SWAP1_POP)                                                                             \
    X(0xb8, SWAP2_POP)                                                                             \
    X(0xb9, SWAP3_POP)                                                                             \
    X(0xba, PUSH1_ADD)

#define EXEC_FUSED_NUMBER(number, name) EXEC_FUSED_##name = (number),
enum exec_fused { EXEC_FUSED_OPCODES(EXEC_FUSED_NUMBER) EXEC_FUSED_END };
#undef EXEC_FUSED_NUMBER
#define EXEC_FUSED_FIRST EXEC_FUSED_PUSH2_JUMP

#if EXEC_FUSED
/* Replace the first bytes of such sequences in `ops`, a copy of the padded code.  `jumpdests` is
 * that of code.h.  O(len). */
void exec_code_fuse(uint8_t *ops, const uint8_t *code, size_t len, const uint8_t *jumpdests);
#endif
