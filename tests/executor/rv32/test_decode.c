/* executor/rv32/decode: what is an instruction and what is not.
 * Method: every combination of opcode, funct3 and funct7 against a list written from the manual's
 * table; immediates round-trip through independent encoders. */
#include <criterion/criterion.h>

#include "tests/executor/rv32/box.h"

/* funct3 and funct7 of 8: any. */
static const struct {
    uint32_t opcode, funct3;
    int funct7; /* -1: any */
    enum rv32_op op;
} LEGAL[] = {
    {0x37, 8, -1, RV32_LUI},      {0x17, 8, -1, RV32_AUIPC},   {0x6F, 8, -1, RV32_JAL},
    {0x67, 0, -1, RV32_JALR},     {0x63, 0, -1, RV32_BEQ},     {0x63, 1, -1, RV32_BNE},
    {0x63, 4, -1, RV32_BLT},      {0x63, 5, -1, RV32_BGE},     {0x63, 6, -1, RV32_BLTU},
    {0x63, 7, -1, RV32_BGEU},     {0x03, 0, -1, RV32_LB},      {0x03, 1, -1, RV32_LH},
    {0x03, 2, -1, RV32_LW},       {0x03, 4, -1, RV32_LBU},     {0x03, 5, -1, RV32_LHU},
    {0x23, 0, -1, RV32_SB},       {0x23, 1, -1, RV32_SH},      {0x23, 2, -1, RV32_SW},
    {0x13, 0, -1, RV32_ADDI},     {0x13, 1, 0x00, RV32_SLLI},  {0x13, 2, -1, RV32_SLTI},
    {0x13, 3, -1, RV32_SLTIU},    {0x13, 4, -1, RV32_XORI},    {0x13, 5, 0x00, RV32_SRLI},
    {0x13, 5, 0x20, RV32_SRAI},   {0x13, 6, -1, RV32_ORI},     {0x13, 7, -1, RV32_ANDI},
    {0x33, 0, 0x00, RV32_ADD},    {0x33, 0, 0x20, RV32_SUB},   {0x33, 1, 0x00, RV32_SLL},
    {0x33, 2, 0x00, RV32_SLT},    {0x33, 3, 0x00, RV32_SLTU},  {0x33, 4, 0x00, RV32_XOR},
    {0x33, 5, 0x00, RV32_SRL},    {0x33, 5, 0x20, RV32_SRA},   {0x33, 6, 0x00, RV32_OR},
    {0x33, 7, 0x00, RV32_AND},    {0x33, 0, 0x01, RV32_MUL},   {0x33, 1, 0x01, RV32_MULH},
    {0x33, 2, 0x01, RV32_MULHSU}, {0x33, 3, 0x01, RV32_MULHU},
};

static enum rv32_op expected(uint32_t opcode, uint32_t funct3, uint32_t funct7)
{
    for (size_t i = 0; i < sizeof LEGAL / sizeof LEGAL[0]; i++) {
        if (LEGAL[i].opcode == opcode && (LEGAL[i].funct3 == 8 || LEGAL[i].funct3 == funct3) &&
            (LEGAL[i].funct7 < 0 || (uint32_t)LEGAL[i].funct7 == funct7))
            return LEGAL[i].op;
    }
    return RV32_ILLEGAL;
}

Test(rv32_decode, every_opcode_funct3_and_funct7)
{
    for (uint32_t i = 0; i < UINT32_C(1) << 17; i++) {
        uint32_t opcode = i & 0x7F;
        uint32_t funct3 = i >> 7 & 7;
        uint32_t funct7 = i >> 10;
        uint32_t word = funct7 << 25 | 21u << 20 | 11u << 15 | funct3 << 12 | 7u << 7 | opcode;
        struct rv32_insn got;
        rv32_decode(&got, word);
        enum rv32_op op = expected(opcode, funct3, funct7);
        cr_assert_eq(got.op, op, "%08x: %s, expected %s", word, rv32_op_name(got.op),
                     rv32_op_name(op));
        if (op == RV32_ILLEGAL)
            cr_assert(got.rd == 0 && got.rs1 == 0 && got.rs2 == 0 && got.imm == 0);
    }
}

Test(rv32_decode, what_this_machine_lacks_is_illegal)
{
    static const struct {
        const char *name;
        uint32_t word;
    } ROWS[] = {
        {"div a0, a1, a2", 0x02C5C533},
        {"divu a0, a1, a2", 0x02C5D533},
        {"rem a0, a1, a2", 0x02C5E533},
        {"remu a0, a1, a2", 0x02C5F533},
        {"fence", 0x0FF0000F},
        {"fence.i", 0x0000100F},
        {"csrrw x0, mstatus", 0x30001073},
        {"rdcycle a0", 0xC0002573},
        {"wfi", 0x10500073},
        {"mret", 0x30200073},
        {"c.nop", 0x00010001},
        {"all zeros", 0},
        {"all ones", 0xFFFFFFFF},
        {"lr.w", 0x1005252F},
        {"ecall with rd", 0x000000F3},
        {"ebreak with rs1", 0x00108073},
        {"slli by 32", 0x02051513},
        {"ld", 0x00053503},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct rv32_insn got;
        rv32_decode(&got, ROWS[i].word);
        cr_expect_eq(got.op, RV32_ILLEGAL, "%s", ROWS[i].name);
    }
}

Test(rv32_decode, ecall_and_ebreak)
{
    struct rv32_insn got;
    rv32_decode(&got, ENC_ECALL);
    cr_expect_eq(got.op, RV32_ECALL);
    rv32_decode(&got, ENC_EBREAK);
    cr_expect_eq(got.op, RV32_EBREAK);
}

static void expect(uint32_t word, enum rv32_op op, uint32_t rd, uint32_t rs1, uint32_t rs2,
                   int32_t imm)
{
    struct rv32_insn got;
    rv32_decode(&got, word);
    cr_assert(got.op == op && got.rd == rd && got.rs1 == rs1 && got.rs2 == rs2 && got.imm == imm,
              "%08x: %s rd %u rs1 %u rs2 %u imm %d", word, rv32_op_name(got.op), got.rd, got.rs1,
              got.rs2, got.imm);
}

Test(rv32_decode, fields_and_immediates_round_trip)
{
    for (uint32_t r = 0; r < 32; r++) {
        expect(enc_r(0, 0, r, 31 - r, r ^ 5), RV32_ADD, r, 31 - r, r ^ 5, 0);
        expect(enc_i(0x13, 5, r, 31 - r, (int32_t)(0x400 | r)), RV32_SRAI, r, 31 - r, 0,
               (int32_t)r);
    }
    for (int32_t imm = -2048; imm < 2048; imm++) {
        expect(ENC_ADDI(1, 2, imm), RV32_ADDI, 1, 2, 0, imm);
        expect(ENC_LOAD(2, 3, 4, imm), RV32_LW, 3, 4, 0, imm);
        expect(ENC_JALR(5, 6, imm), RV32_JALR, 5, 6, 0, imm);
        expect(enc_s(2, 7, 8, imm), RV32_SW, 0, 7, 8, imm);
        expect(enc_b(1, 9, 10, 2 * imm), RV32_BNE, 0, 9, 10, 2 * imm);
    }
    for (int32_t imm = -(1 << 20); imm < 1 << 20; imm += 2)
        expect(enc_j(1, imm), RV32_JAL, 1, 0, 0, imm);
    expect(ENC_LUI(3, 0xFFFFF000), RV32_LUI, 3, 0, 0, -4096);
    expect(ENC_AUIPC(3, 0x12345000), RV32_AUIPC, 3, 0, 0, 0x12345000);
}

Test(rv32_decode, names)
{
    cr_expect_str_eq(rv32_op_name(RV32_MULHSU), "mulhsu");
    cr_expect_str_eq(rv32_op_name(RV32_ILLEGAL), "illegal");
    cr_expect_str_eq(rv32_op_name(RV32_OP_COUNT), "illegal");
}
