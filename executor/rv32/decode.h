/* The instruction set of the proof machine: rv32i plus the four multiplications.  [prover]
 * Source: The RISC-V Instruction Set Manual, volume I, 20191213, chapters 2 and 7, and its table of
 * opcodes (chapter 24).
 *
 * 1. Everything else is RV32_ILLEGAL: division, compressed and CSR instructions, FENCE (one core
 *    and no devices: there is nothing to order), reserved funct fields.
 * 2. EBREAK decodes, so that a failed assertion (__builtin_trap) can be told from damage; it stops
 *    the machine all the same.
 * 3. Fields an instruction lacks are 0, so that equal instructions decode to equal structures. */
#pragma once

#include <stdint.h>

/* R: register-register; I: register-immediate; L: loads; S: stores; B: branches. */
#define RV32_OP_LIST(X)                                                                            \
    X(RV32_ILLEGAL, "illegal")                                                                     \
    X(RV32_LUI, "lui")                                                                             \
    X(RV32_AUIPC, "auipc")                                                                         \
    X(RV32_JAL, "jal")                                                                             \
    X(RV32_JALR, "jalr")                                                                           \
    X(RV32_BEQ, "beq")                                                                             \
    X(RV32_BNE, "bne")                                                                             \
    X(RV32_BLT, "blt")                                                                             \
    X(RV32_BGE, "bge")                                                                             \
    X(RV32_BLTU, "bltu")                                                                           \
    X(RV32_BGEU, "bgeu")                                                                           \
    X(RV32_LB, "lb")                                                                               \
    X(RV32_LH, "lh")                                                                               \
    X(RV32_LW, "lw")                                                                               \
    X(RV32_LBU, "lbu")                                                                             \
    X(RV32_LHU, "lhu")                                                                             \
    X(RV32_SB, "sb")                                                                               \
    X(RV32_SH, "sh")                                                                               \
    X(RV32_SW, "sw")                                                                               \
    X(RV32_ADDI, "addi")                                                                           \
    X(RV32_SLTI, "slti")                                                                           \
    X(RV32_SLTIU, "sltiu")                                                                         \
    X(RV32_XORI, "xori")                                                                           \
    X(RV32_ORI, "ori")                                                                             \
    X(RV32_ANDI, "andi")                                                                           \
    X(RV32_SLLI, "slli")                                                                           \
    X(RV32_SRLI, "srli")                                                                           \
    X(RV32_SRAI, "srai")                                                                           \
    X(RV32_ADD, "add")                                                                             \
    X(RV32_SUB, "sub")                                                                             \
    X(RV32_SLL, "sll")                                                                             \
    X(RV32_SLT, "slt")                                                                             \
    X(RV32_SLTU, "sltu")                                                                           \
    X(RV32_XOR, "xor")                                                                             \
    X(RV32_SRL, "srl")                                                                             \
    X(RV32_SRA, "sra")                                                                             \
    X(RV32_OR, "or")                                                                               \
    X(RV32_AND, "and")                                                                             \
    X(RV32_MUL, "mul")                                                                             \
    X(RV32_MULH, "mulh")                                                                           \
    X(RV32_MULHSU, "mulhsu")                                                                       \
    X(RV32_MULHU, "mulhu")                                                                         \
    X(RV32_ECALL, "ecall")                                                                         \
    X(RV32_EBREAK, "ebreak")

#define RV32_OP_ENUM(name, text) name,
enum rv32_op { RV32_OP_LIST(RV32_OP_ENUM) RV32_OP_COUNT };
#undef RV32_OP_ENUM

struct rv32_insn {
    uint8_t op;           /* enum rv32_op */
    uint8_t rd, rs1, rs2; /* 0..31 */
    int32_t imm;          /* sign-extended; LUI and AUIPC: already shifted; shifts: 0..31 */
};

/* Decode one word; total: every word has a meaning, RV32_ILLEGAL (all other fields 0) if none. */
void rv32_decode(struct rv32_insn *out, uint32_t word);

/* The assembler's name; static storage, "illegal" for a value outside the list. */
const char *rv32_op_name(unsigned op);
