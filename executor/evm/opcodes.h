/* Every opcode at Prague: X(code, name, stack in, stack out, gas, native class), in code order, and
 * U(code) for those that are undefined (INVALID, 0xfe, among them).  Gas is the part that does not
 * depend on operands; for state access it is the warm price (EIP-2929).  Source: the execution
 * specification's instruction tables; EIP-1153, 3855, 4844, 5656, 7516 for the newest. */
#pragma once

#include "executor/evm/native_costs.h"

/* clang-format off */
#define EXEC_OPCODES(X, U)                                                                         \
    X(0x00, STOP, 0, 0, 0, STOP)                                                                   \
    X(0x01, ADD, 2, 1, 3, ADD)                                                                     \
    X(0x02, MUL, 2, 1, 5, MUL)                                                                     \
    X(0x03, SUB, 2, 1, 3, ADD)                                                                     \
    X(0x04, DIV, 2, 1, 5, DIV)                                                                     \
    X(0x05, SDIV, 2, 1, 5, DIV)                                                                    \
    X(0x06, MOD, 2, 1, 5, DIV)                                                                     \
    X(0x07, SMOD, 2, 1, 5, DIV)                                                                    \
    X(0x08, ADDMOD, 3, 1, 8, DIV)                                                                  \
    X(0x09, MULMOD, 3, 1, 8, MULMOD)                                                               \
    X(0x0a, EXP, 2, 1, 10, EXP)                                                                    \
    X(0x0b, SIGNEXTEND, 2, 1, 5, SIGNEXTEND)                                                       \
    U(0x0c) U(0x0d) U(0x0e) U(0x0f)                                                                \
    X(0x10, LT, 2, 1, 3, COMPARE)                                                                  \
    X(0x11, GT, 2, 1, 3, COMPARE)                                                                  \
    X(0x12, SLT, 2, 1, 3, COMPARE)                                                                 \
    X(0x13, SGT, 2, 1, 3, COMPARE)                                                                 \
    X(0x14, EQ, 2, 1, 3, COMPARE)                                                                  \
    X(0x15, ISZERO, 1, 1, 3, COMPARE)                                                              \
    X(0x16, AND, 2, 1, 3, BITWISE)                                                                 \
    X(0x17, OR, 2, 1, 3, BITWISE)                                                                  \
    X(0x18, XOR, 2, 1, 3, BITWISE)                                                                 \
    X(0x19, NOT, 1, 1, 3, COMPARE)                                                                 \
    X(0x1a, BYTE, 2, 1, 3, COMPARE)                                                                \
    X(0x1b, SHL, 2, 1, 3, SHIFT)                                                                   \
    X(0x1c, SHR, 2, 1, 3, SHIFT)                                                                   \
    X(0x1d, SAR, 2, 1, 3, SHIFT)                                                                   \
    U(0x1e) U(0x1f)                                                                                \
    X(0x20, KECCAK256, 2, 1, 30, KECCAK)                                                           \
    U(0x21) U(0x22) U(0x23) U(0x24) U(0x25) U(0x26) U(0x27) U(0x28) U(0x29) U(0x2a)                \
    U(0x2b) U(0x2c) U(0x2d) U(0x2e) U(0x2f)                                                        \
    X(0x30, ADDRESS, 0, 1, 2, CONTEXT)                                                             \
    X(0x31, BALANCE, 1, 1, 100, WARM)                                                              \
    X(0x32, ORIGIN, 0, 1, 2, CONTEXT)                                                              \
    X(0x33, CALLER, 0, 1, 2, CONTEXT)                                                              \
    X(0x34, CALLVALUE, 0, 1, 2, CONTEXT)                                                           \
    X(0x35, CALLDATALOAD, 1, 1, 3, CALLDATALOAD)                                                   \
    X(0x36, CALLDATASIZE, 0, 1, 2, TINY)                                                           \
    X(0x37, CALLDATACOPY, 3, 0, 3, RANGE)                                                          \
    X(0x38, CODESIZE, 0, 1, 2, TINY)                                                               \
    X(0x39, CODECOPY, 3, 0, 3, RANGE)                                                              \
    X(0x3a, GASPRICE, 0, 1, 2, CONTEXT)                                                            \
    X(0x3b, EXTCODESIZE, 1, 1, 100, WARM)                                                          \
    X(0x3c, EXTCODECOPY, 4, 0, 100, WARM)                                                          \
    X(0x3d, RETURNDATASIZE, 0, 1, 2, TINY)                                                         \
    X(0x3e, RETURNDATACOPY, 3, 0, 3, RANGE)                                                        \
    X(0x3f, EXTCODEHASH, 1, 1, 100, EXTCODEHASH)                                                   \
    X(0x40, BLOCKHASH, 1, 1, 20, MLOAD)                                                            \
    X(0x41, COINBASE, 0, 1, 2, CONTEXT)                                                            \
    X(0x42, TIMESTAMP, 0, 1, 2, TINY)                                                              \
    X(0x43, NUMBER, 0, 1, 2, TINY)                                                                 \
    X(0x44, PREVRANDAO, 0, 1, 2, CONTEXT)                                                          \
    X(0x45, GASLIMIT, 0, 1, 2, TINY)                                                               \
    X(0x46, CHAINID, 0, 1, 2, TINY)                                                                \
    X(0x47, SELFBALANCE, 0, 1, 5, SELFBALANCE)                                                     \
    X(0x48, BASEFEE, 0, 1, 2, CONTEXT)                                                             \
    X(0x49, BLOBHASH, 1, 1, 3, MLOAD)                                                              \
    X(0x4a, BLOBBASEFEE, 0, 1, 2, CONTEXT)                                                         \
    U(0x4b) U(0x4c) U(0x4d) U(0x4e) U(0x4f)                                                        \
    X(0x50, POP, 1, 0, 2, TINY)                                                                    \
    X(0x51, MLOAD, 1, 1, 3, MLOAD)                                                                 \
    X(0x52, MSTORE, 2, 0, 3, MLOAD)                                                                \
    X(0x53, MSTORE8, 2, 0, 3, MSTORE8)                                                             \
    X(0x54, SLOAD, 1, 1, 100, SLOAD)                                                               \
    X(0x55, SSTORE, 2, 0, 0, SSTORE)                                                               \
    X(0x56, JUMP, 1, 0, 8, JUMP)                                                                   \
    X(0x57, JUMPI, 2, 0, 10, JUMP)                                                                 \
    X(0x58, PC, 0, 1, 2, TINY)                                                                     \
    X(0x59, MSIZE, 0, 1, 2, TINY)                                                                  \
    X(0x5a, GAS, 0, 1, 2, TINY)                                                                    \
    X(0x5b, JUMPDEST, 0, 0, 1, JUMPDEST)                                                           \
    X(0x5c, TLOAD, 1, 1, 100, TLOAD)                                                               \
    X(0x5d, TSTORE, 2, 0, 100, TSTORE)                                                             \
    X(0x5e, MCOPY, 3, 0, 3, RANGE)                                                                 \
    X(0x5f, PUSH0, 0, 1, 2, TINY)                                                                  \
    X(0x60, PUSH1, 0, 1, 3, TINY)                                                                  \
    X(0x61, PUSH2, 0, 1, 3, TINY)                                                                  \
    X(0x62, PUSH3, 0, 1, 3, PUSH)                                                                  \
    X(0x63, PUSH4, 0, 1, 3, PUSH)                                                                  \
    X(0x64, PUSH5, 0, 1, 3, PUSH)                                                                  \
    X(0x65, PUSH6, 0, 1, 3, PUSH)                                                                  \
    X(0x66, PUSH7, 0, 1, 3, PUSH)                                                                  \
    X(0x67, PUSH8, 0, 1, 3, PUSH)                                                                  \
    X(0x68, PUSH9, 0, 1, 3, PUSH)                                                                  \
    X(0x69, PUSH10, 0, 1, 3, PUSH)                                                                 \
    X(0x6a, PUSH11, 0, 1, 3, PUSH)                                                                 \
    X(0x6b, PUSH12, 0, 1, 3, PUSH)                                                                 \
    X(0x6c, PUSH13, 0, 1, 3, PUSH)                                                                 \
    X(0x6d, PUSH14, 0, 1, 3, PUSH)                                                                 \
    X(0x6e, PUSH15, 0, 1, 3, PUSH)                                                                 \
    X(0x6f, PUSH16, 0, 1, 3, PUSH)                                                                 \
    X(0x70, PUSH17, 0, 1, 3, PUSH)                                                                 \
    X(0x71, PUSH18, 0, 1, 3, PUSH)                                                                 \
    X(0x72, PUSH19, 0, 1, 3, PUSH)                                                                 \
    X(0x73, PUSH20, 0, 1, 3, PUSH)                                                                 \
    X(0x74, PUSH21, 0, 1, 3, PUSH)                                                                 \
    X(0x75, PUSH22, 0, 1, 3, PUSH)                                                                 \
    X(0x76, PUSH23, 0, 1, 3, PUSH)                                                                 \
    X(0x77, PUSH24, 0, 1, 3, PUSH)                                                                 \
    X(0x78, PUSH25, 0, 1, 3, PUSH)                                                                 \
    X(0x79, PUSH26, 0, 1, 3, PUSH)                                                                 \
    X(0x7a, PUSH27, 0, 1, 3, PUSH)                                                                 \
    X(0x7b, PUSH28, 0, 1, 3, PUSH)                                                                 \
    X(0x7c, PUSH29, 0, 1, 3, PUSH)                                                                 \
    X(0x7d, PUSH30, 0, 1, 3, PUSH)                                                                 \
    X(0x7e, PUSH31, 0, 1, 3, PUSH)                                                                 \
    X(0x7f, PUSH32, 0, 1, 3, PUSH)                                                                 \
    X(0x80, DUP1, 1, 2, 3, COPY)                                                                   \
    X(0x81, DUP2, 2, 3, 3, COPY)                                                                   \
    X(0x82, DUP3, 3, 4, 3, COPY)                                                                   \
    X(0x83, DUP4, 4, 5, 3, COPY)                                                                   \
    X(0x84, DUP5, 5, 6, 3, COPY)                                                                   \
    X(0x85, DUP6, 6, 7, 3, COPY)                                                                   \
    X(0x86, DUP7, 7, 8, 3, COPY)                                                                   \
    X(0x87, DUP8, 8, 9, 3, COPY)                                                                   \
    X(0x88, DUP9, 9, 10, 3, COPY)                                                                  \
    X(0x89, DUP10, 10, 11, 3, COPY)                                                                \
    X(0x8a, DUP11, 11, 12, 3, COPY)                                                                \
    X(0x8b, DUP12, 12, 13, 3, COPY)                                                                \
    X(0x8c, DUP13, 13, 14, 3, COPY)                                                                \
    X(0x8d, DUP14, 14, 15, 3, COPY)                                                                \
    X(0x8e, DUP15, 15, 16, 3, COPY)                                                                \
    X(0x8f, DUP16, 16, 17, 3, COPY)                                                                \
    X(0x90, SWAP1, 2, 2, 3, SWAP)                                                                  \
    X(0x91, SWAP2, 3, 3, 3, SWAP)                                                                  \
    X(0x92, SWAP3, 4, 4, 3, SWAP)                                                                  \
    X(0x93, SWAP4, 5, 5, 3, SWAP)                                                                  \
    X(0x94, SWAP5, 6, 6, 3, SWAP)                                                                  \
    X(0x95, SWAP6, 7, 7, 3, SWAP)                                                                  \
    X(0x96, SWAP7, 8, 8, 3, SWAP)                                                                  \
    X(0x97, SWAP8, 9, 9, 3, SWAP)                                                                  \
    X(0x98, SWAP9, 10, 10, 3, SWAP)                                                                \
    X(0x99, SWAP10, 11, 11, 3, SWAP)                                                               \
    X(0x9a, SWAP11, 12, 12, 3, SWAP)                                                               \
    X(0x9b, SWAP12, 13, 13, 3, SWAP)                                                               \
    X(0x9c, SWAP13, 14, 14, 3, SWAP)                                                               \
    X(0x9d, SWAP14, 15, 15, 3, SWAP)                                                               \
    X(0x9e, SWAP15, 16, 16, 3, SWAP)                                                               \
    X(0x9f, SWAP16, 17, 17, 3, SWAP)                                                               \
    X(0xa0, LOG0, 2, 0, 375, LOG)                                                                  \
    X(0xa1, LOG1, 3, 0, 375, LOG)                                                                  \
    X(0xa2, LOG2, 4, 0, 375, LOG)                                                                  \
    X(0xa3, LOG3, 5, 0, 375, LOG)                                                                  \
    X(0xa4, LOG4, 6, 0, 375, LOG)                                                                  \
    U(0xa5) U(0xa6) U(0xa7) U(0xa8) U(0xa9) U(0xaa) U(0xab) U(0xac) U(0xad) U(0xae)                \
    U(0xaf) U(0xb0) U(0xb1) U(0xb2) U(0xb3) U(0xb4) U(0xb5) U(0xb6) U(0xb7) U(0xb8)                \
    U(0xb9) U(0xba) U(0xbb) U(0xbc) U(0xbd) U(0xbe) U(0xbf) U(0xc0) U(0xc1) U(0xc2)                \
    U(0xc3) U(0xc4) U(0xc5) U(0xc6) U(0xc7) U(0xc8) U(0xc9) U(0xca) U(0xcb) U(0xcc)                \
    U(0xcd) U(0xce) U(0xcf) U(0xd0) U(0xd1) U(0xd2) U(0xd3) U(0xd4) U(0xd5) U(0xd6)                \
    U(0xd7) U(0xd8) U(0xd9) U(0xda) U(0xdb) U(0xdc) U(0xdd) U(0xde) U(0xdf) U(0xe0)                \
    U(0xe1) U(0xe2) U(0xe3) U(0xe4) U(0xe5) U(0xe6) U(0xe7) U(0xe8) U(0xe9) U(0xea)                \
    U(0xeb) U(0xec) U(0xed) U(0xee) U(0xef)                                                        \
    X(0xf0, CREATE, 3, 1, 32000, CREATE)                                                           \
    X(0xf1, CALL, 7, 1, 100, CALL)                                                                 \
    X(0xf2, CALLCODE, 7, 1, 100, CALL)                                                             \
    X(0xf3, RETURN, 2, 0, 0, STOP)                                                                 \
    X(0xf4, DELEGATECALL, 6, 1, 100, CALL)                                                         \
    X(0xf5, CREATE2, 4, 1, 32000, CREATE)                                                          \
    U(0xf6) U(0xf7) U(0xf8) U(0xf9)                                                                \
    X(0xfa, STATICCALL, 6, 1, 100, CALL)                                                           \
    U(0xfb) U(0xfc)                                                                                \
    X(0xfd, REVERT, 2, 0, 0, STOP)                                                                 \
    U(0xfe)                                                                                        \
    X(0xff, SELFDESTRUCT, 1, 0, 5000, SELFDESTRUCT)
/* clang-format on */

#define EXEC_OPCODE_FACTS(code, name, in, out, gas, native)                                        \
    EXEC_OP_##name = (code), EXEC_IN_##name = (in), EXEC_OUT_##name = (out),                       \
    EXEC_GAS_##name = (gas), EXEC_NATIVE_OF_##name = EXEC_NATIVE_##native,
#define EXEC_OPCODE_NOTHING(code)
enum exec_opcode_facts { EXEC_OPCODES(EXEC_OPCODE_FACTS, EXEC_OPCODE_NOTHING) };
#undef EXEC_OPCODE_FACTS
#undef EXEC_OPCODE_NOTHING
