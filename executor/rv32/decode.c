#include "executor/rv32/decode.h"

#define BITS(word, low, count) (((word) >> (low)) & ((UINT32_C(1) << (count)) - 1))

/* Two's complement reading of the low `count` bits. */
static int32_t sign_extend(uint32_t v, unsigned count)
{
    uint32_t sign = UINT32_C(1) << (count - 1);
    return (int32_t)((v ^ sign) - sign);
}

static int32_t imm_i(uint32_t w)
{
    return sign_extend(BITS(w, 20, 12), 12);
}

static int32_t imm_s(uint32_t w)
{
    return sign_extend(BITS(w, 25, 7) << 5 | BITS(w, 7, 5), 12);
}

static int32_t imm_b(uint32_t w)
{
    uint32_t v =
        BITS(w, 31, 1) << 12 | BITS(w, 7, 1) << 11 | BITS(w, 25, 6) << 5 | BITS(w, 8, 4) << 1;
    return sign_extend(v, 13);
}

static int32_t imm_j(uint32_t w)
{
    uint32_t v =
        BITS(w, 31, 1) << 20 | BITS(w, 12, 8) << 12 | BITS(w, 20, 1) << 11 | BITS(w, 21, 10) << 1;
    return sign_extend(v, 21);
}

/* By funct3; RV32_ILLEGAL where the manual reserves the value (or needs rv64). */
static const uint8_t BRANCHES[8] = {RV32_BEQ, RV32_BNE, RV32_ILLEGAL, RV32_ILLEGAL,
                                    RV32_BLT, RV32_BGE, RV32_BLTU,    RV32_BGEU};
static const uint8_t LOADS[8] = {RV32_LB,  RV32_LH,  RV32_LW,      RV32_ILLEGAL,
                                 RV32_LBU, RV32_LHU, RV32_ILLEGAL, RV32_ILLEGAL};
static const uint8_t STORES[8] = {RV32_SB,      RV32_SH,      RV32_SW,      RV32_ILLEGAL,
                                  RV32_ILLEGAL, RV32_ILLEGAL, RV32_ILLEGAL, RV32_ILLEGAL};
static const uint8_t IMMEDIATES[8] = {RV32_ADDI, RV32_SLLI, RV32_SLTI, RV32_SLTIU,
                                      RV32_XORI, RV32_SRLI, RV32_ORI,  RV32_ANDI};
/* funct7 = 0, and funct7 = 1 (the multiplications; the divisions 4..7 do not exist here). */
static const uint8_t REGISTERS[2][8] = {
    {RV32_ADD, RV32_SLL, RV32_SLT, RV32_SLTU, RV32_XOR, RV32_SRL, RV32_OR, RV32_AND},
    {RV32_MUL, RV32_MULH, RV32_MULHSU, RV32_MULHU, RV32_ILLEGAL, RV32_ILLEGAL, RV32_ILLEGAL,
     RV32_ILLEGAL}};

static unsigned op_of_immediate(uint32_t w)
{
    unsigned funct3 = BITS(w, 12, 3);
    uint32_t funct7 = BITS(w, 25, 7);
    if (funct3 == 5 && funct7 == 0x20)
        return RV32_SRAI;
    if ((funct3 == 1 || funct3 == 5) && funct7 != 0)
        return RV32_ILLEGAL;
    return IMMEDIATES[funct3];
}

static unsigned op_of_registers(uint32_t w)
{
    unsigned funct3 = BITS(w, 12, 3);
    uint32_t funct7 = BITS(w, 25, 7);
    if (funct7 <= 1)
        return REGISTERS[funct7][funct3];
    if (funct7 == 0x20 && funct3 == 0)
        return RV32_SUB;
    return funct7 == 0x20 && funct3 == 5 ? RV32_SRA : RV32_ILLEGAL;
}

static struct rv32_insn insn(unsigned op, uint32_t rd, uint32_t rs1, uint32_t rs2, int32_t imm)
{
    if (op == RV32_ILLEGAL)
        return (struct rv32_insn){.op = RV32_ILLEGAL};
    return (struct rv32_insn){
        .op = (uint8_t)op, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm};
}

void rv32_decode(struct rv32_insn *out, uint32_t w)
{
    uint32_t rd = BITS(w, 7, 5);
    uint32_t rs1 = BITS(w, 15, 5);
    uint32_t rs2 = BITS(w, 20, 5);
    unsigned funct3 = BITS(w, 12, 3);
    *out = insn(RV32_ILLEGAL, 0, 0, 0, 0);
    switch (BITS(w, 0, 7)) {
    case 0x37:
        *out = insn(RV32_LUI, rd, 0, 0, (int32_t)(w & UINT32_C(0xFFFFF000)));
        break;
    case 0x17:
        *out = insn(RV32_AUIPC, rd, 0, 0, (int32_t)(w & UINT32_C(0xFFFFF000)));
        break;
    case 0x6F:
        *out = insn(RV32_JAL, rd, 0, 0, imm_j(w));
        break;
    case 0x67:
        *out = insn(funct3 == 0 ? RV32_JALR : RV32_ILLEGAL, rd, rs1, 0, imm_i(w));
        break;
    case 0x63:
        *out = insn(BRANCHES[funct3], 0, rs1, rs2, imm_b(w));
        break;
    case 0x03:
        *out = insn(LOADS[funct3], rd, rs1, 0, imm_i(w));
        break;
    case 0x23:
        *out = insn(STORES[funct3], 0, rs1, rs2, imm_s(w));
        break;
    case 0x13: {
        int32_t imm = funct3 == 1 || funct3 == 5 ? (int32_t)rs2 : imm_i(w);
        *out = insn(op_of_immediate(w), rd, rs1, 0, imm);
        break;
    }
    case 0x33:
        *out = insn(op_of_registers(w), rd, rs1, rs2, 0);
        break;
    case 0x73:
        if (w == UINT32_C(0x00000073))
            *out = insn(RV32_ECALL, 0, 0, 0, 0);
        else if (w == UINT32_C(0x00100073))
            *out = insn(RV32_EBREAK, 0, 0, 0, 0);
        break;
    default:
        break;
    }
}

const char *rv32_op_name(unsigned op)
{
#define NAME(name, text) text,
    static const char *const NAMES[] = {RV32_OP_LIST(NAME)};
#undef NAME
    return NAMES[op < RV32_OP_COUNT ? op : RV32_ILLEGAL];
}
