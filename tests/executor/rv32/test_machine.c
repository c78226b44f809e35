/* executor/rv32/machine: what every instruction does, what stops a run, and what a watcher sees.
 * Method: tables of operands and results (edge values computed by hand or by wider arithmetic), and
 * one-instruction programs at every edge of every region. */
#include <criterion/criterion.h>

#include "tests/executor/rv32/box.h"

#define RD 5u
#define RA 6u /* first operand */
#define RB 7u /* second operand */

/* Run to a stop; the words end in an ebreak here. */
static enum rv32_stop run_words(struct box *b, const uint32_t *words, size_t count, uint32_t a,
                                uint32_t second)
{
    uint32_t text[64];
    cr_assert_lt(count, 63);
    memcpy(text, words, count * sizeof *words);
    text[count] = ENC_EBREAK;
    box_open(b, text, count + 1);
    b->m.x[RA] = a;
    b->m.x[RB] = second;
    b->m.x[RD] = 0xDEADBEEF;
    return rv32_run(&b->m, 1000);
}

/* ---- register-register and register-immediate */

static const uint32_t EDGES[] = {0,          1,          2,          31,         32,
                                 33,         0x7F,       0x80,       0xFF,       0x7FF,
                                 0x800,      0xFFFF,     0x7FFFFFFF, 0x80000000, 0x80000001,
                                 0xFFFF0000, 0xFFFFF800, 0xFFFFFFFE, 0xFFFFFFFF, 0x12345678};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

/* The sign bit as an integer of 64 bits. */
static int64_t wide(uint32_t v)
{
    return (int64_t)v - (v >> 31 ? INT64_C(1) << 32 : 0);
}

/* floor(v / 2^n), by division instead of a shift. */
static uint32_t floor_shift(uint32_t v, uint32_t n)
{
    int64_t d = INT64_C(1) << n;
    int64_t q = wide(v) / d - (wide(v) % d < 0 ? 1 : 0);
    return (uint32_t)(uint64_t)q;
}

/* High word of a 64-bit product given by schoolbook on 16-bit halves: independent of uint64_t. */
static uint32_t high_product(uint32_t a, uint32_t b)
{
    uint32_t al = a & 0xFFFF, ah = a >> 16, bl = b & 0xFFFF, bh = b >> 16;
    uint32_t mid = ah * bl + (al * bl >> 16);
    uint32_t low = al * bh + (mid & 0xFFFF);
    return ah * bh + (mid >> 16) + (low >> 16);
}

static uint32_t model(enum rv32_op op, uint32_t a, uint32_t b)
{
    switch ((unsigned)op) {
    case RV32_ADD:
        return (uint32_t)(uint64_t)(wide(a) + wide(b));
    case RV32_SUB:
        return (uint32_t)(uint64_t)(wide(a) - wide(b));
    case RV32_SLL:
        return (uint32_t)((uint64_t)a * (UINT64_C(1) << b % 32));
    case RV32_SLT:
        return wide(a) < wide(b);
    case RV32_SLTU:
        return a < b;
    case RV32_XOR:
        return (a | b) - (a & b);
    case RV32_SRL:
        return (uint32_t)((uint64_t)a / (UINT64_C(1) << b % 32));
    case RV32_SRA:
        return floor_shift(a, b % 32);
    case RV32_OR:
        return ~(~a & ~b);
    case RV32_AND:
        return ~(~a | ~b);
    case RV32_MUL:
        return (uint32_t)(((uint64_t)a * b) % (UINT64_C(1) << 32));
    case RV32_MULHU:
        return high_product(a, b);
    case RV32_MULH: /* signed = unsigned - 2^32 * (sign a * b + sign b * a) */
        return high_product(a, b) - (a >> 31 ? b : 0) - (b >> 31 ? a : 0);
    case RV32_MULHSU:
        return high_product(a, b) - (a >> 31 ? b : 0);
    default:
        cr_assert_fail("no model");
    }
    return 0;
}

static const struct {
    enum rv32_op op;
    uint32_t funct7, funct3;
    bool immediate; /* exists as OP-IMM too */
} OPERATIONS[] = {
    {RV32_ADD, 0, 0, true},     {RV32_SUB, 0x20, 0, false}, {RV32_SLL, 0, 1, true},
    {RV32_SLT, 0, 2, true},     {RV32_SLTU, 0, 3, true},    {RV32_XOR, 0, 4, true},
    {RV32_SRL, 0, 5, true},     {RV32_SRA, 0x20, 5, true},  {RV32_OR, 0, 6, true},
    {RV32_AND, 0, 7, true},     {RV32_MUL, 1, 0, false},    {RV32_MULH, 1, 1, false},
    {RV32_MULHSU, 1, 2, false}, {RV32_MULHU, 1, 3, false},
};
#define OPERATION_COUNT (sizeof OPERATIONS / sizeof OPERATIONS[0])

Test(rv32_machine, register_operations_on_all_pairs_of_edges)
{
    for (size_t k = 0; k < OPERATION_COUNT; k++) {
        uint32_t word = enc_r(OPERATIONS[k].funct7, OPERATIONS[k].funct3, RD, RA, RB);
        for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT; i++) {
            uint32_t x = EDGES[i / EDGE_COUNT], y = EDGES[i % EDGE_COUNT];
            struct box b;
            cr_assert_eq(run_words(&b, &word, 1, x, y), RV32_STOP_BREAK);
            cr_expect_eq(b.m.x[RD], model(OPERATIONS[k].op, x, y), "%s %08x %08x: %08x",
                         rv32_op_name(OPERATIONS[k].op), x, y, b.m.x[RD]);
            cr_expect(b.m.x[RA] == x && b.m.x[RB] == y && b.m.clk == 2);
            box_close(&b);
        }
    }
}

Test(rv32_machine, immediate_operations_on_edges)
{
    static const int32_t IMMEDIATES[] = {0, 1, 2, 31, 0x7FF, -1, -2, -2048};
    for (size_t k = 0; k < OPERATION_COUNT; k++) {
        if (!OPERATIONS[k].immediate)
            continue;
        bool shift = OPERATIONS[k].funct3 == 1 || OPERATIONS[k].funct3 == 5;
        for (size_t i = 0; i < sizeof IMMEDIATES / sizeof IMMEDIATES[0]; i++) {
            int32_t imm = shift ? IMMEDIATES[i] & 31 : IMMEDIATES[i];
            int32_t field = imm | (int32_t)(OPERATIONS[k].funct7 << 5);
            uint32_t word = enc_i(0x13, OPERATIONS[k].funct3, RD, RA, shift ? field : imm);
            for (size_t e = 0; e < EDGE_COUNT; e++) {
                struct box b;
                cr_assert_eq(run_words(&b, &word, 1, EDGES[e], 0), RV32_STOP_BREAK);
                cr_expect_eq(b.m.x[RD], model(OPERATIONS[k].op, EDGES[e], (uint32_t)imm),
                             "%s %08x imm %d: %08x", rv32_op_name(OPERATIONS[k].op), EDGES[e], imm,
                             b.m.x[RD]);
                box_close(&b);
            }
        }
    }
}

Test(rv32_machine, known_products)
{
    static const struct {
        uint32_t funct3, a, b, result;
    } ROWS[] = {
        {1, 0x80000000, 0x80000000, 0x40000000}, /* mulh: 2^62 */
        {1, 0x80000000, 0xFFFFFFFF, 0x00000000}, /* 2^31 */
        {1, 0x80000000, 0x7FFFFFFF, 0xC0000000},
        {2, 0x80000000, 0xFFFFFFFF, 0x80000000}, /* mulhsu: -2^31 * (2^32 - 1) */
        {2, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
        {2, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFE},
        {3, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE}, /* mulhu */
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct box b;
        uint32_t word = enc_r(1, ROWS[i].funct3, RD, RA, RB);
        run_words(&b, &word, 1, ROWS[i].a, ROWS[i].b);
        cr_expect_eq(b.m.x[RD], ROWS[i].result, "row %zu: %08x", i, b.m.x[RD]);
        box_close(&b);
    }
}

Test(rv32_machine, upper_immediates)
{
    const uint32_t words[] = {ENC_NOP, ENC_LUI(RD, 0xFFFFF000), ENC_AUIPC(RA, 0xFFFFF000),
                              ENC_AUIPC(RB, 0x7FFFF000)};
    struct box b;
    cr_assert_eq(run_words(&b, words, 4, 0, 0), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[RD], 0xFFFFF000);
    cr_expect_eq(b.m.x[RA], BOX_TEXT + 8 - 0x1000);
    cr_expect_eq(b.m.x[RB], BOX_TEXT + 12 + 0x7FFFF000);
    box_close(&b);
}

Test(rv32_machine, writes_to_x0_vanish)
{
    const uint32_t words[] = {enc_r(0, 0, 0, RA, RB), ENC_ADDI(0, RA, 7),
                              ENC_LUI(0, 0x12345000), ENC_AUIPC(0, 0x12345000),
                              ENC_LOAD(2, 0, RB, 0),  enc_j(0, 4),
                              enc_r(1, 0, 0, RA, RB), enc_r(0, 0, RD, 0, 0)};
    struct box b;
    cr_assert_eq(run_words(&b, words, 8, 5, RV32_INPUT_BASE), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[0], 0);
    cr_expect_eq(b.m.x[RD], 0);
    box_close(&b);
    /* Only the write vanishes: the access itself still traps. */
    uint32_t load = ENC_LOAD(2, 0, RB, 0);
    cr_expect_eq(run_words(&b, &load, 1, 0, 0), RV32_STOP_LOAD);
    box_close(&b);
}

/* ---- control */

Test(rv32_machine, branches_on_all_pairs_of_edges)
{
    for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
        if (funct3 == 2 || funct3 == 3)
            continue;
        const uint32_t words[] = {enc_b(funct3, RA, RB, 12), ENC_ADDI(RD, 0, 1), enc_j(0, 8),
                                  ENC_ADDI(RD, 0, 2)};
        for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT; i++) {
            uint32_t x = EDGES[i / EDGE_COUNT], y = EDGES[i % EDGE_COUNT];
            bool less = funct3 < 6 ? wide(x) < wide(y) : x < y;
            bool base = funct3 < 2 ? x == y : less;
            bool taken = funct3 & 1 ? !base : base;
            struct box b;
            cr_assert_eq(run_words(&b, words, 4, x, y), RV32_STOP_BREAK);
            cr_expect_eq(b.m.x[RD], taken ? 2 : 1, "funct3 %u, %08x %08x", funct3, x, y);
            box_close(&b);
        }
    }
}

Test(rv32_machine, jumps_link_and_go_backwards)
{
    /* 0: jal to 3; 1: (link) jalr rb = 4 + 1, bit 0 is cleared; 2: skipped; 3: jal back to 1 */
    const uint32_t words[] = {enc_j(RA, 12), ENC_JALR(RD, RB, 1), ENC_EBREAK, enc_j(RD, -8),
                              ENC_ADDI(RB, 0, 77)};
    struct box b;
    cr_assert_eq(run_words(&b, words, 5, 0, BOX_TEXT + 16), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[RA], BOX_TEXT + 4);
    cr_expect_eq(b.m.x[RD], BOX_TEXT + 8);
    cr_expect_eq(b.m.x[RB], 77);
    cr_expect_eq(b.m.pc, BOX_TEXT + 20);
    cr_expect_eq(rv32_instructions(&b.m), 4);
    box_close(&b);
    /* rd = rs1: the target is read before the link is written */
    const uint32_t same[] = {ENC_JALR(RA, RA, 0), ENC_EBREAK, ENC_ADDI(RD, 0, 9)};
    cr_assert_eq(run_words(&b, same, 3, BOX_TEXT + 8, 0), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[RA], BOX_TEXT + 4);
    cr_expect_eq(b.m.x[RD], 9);
    box_close(&b);
}

Test(rv32_machine, jumps_out_of_the_text_trap_at_the_jump)
{
    /* two words of text: the instruction and an ebreak */
    static const struct {
        uint32_t word, a;
        enum rv32_stop stop;
        uint32_t fault;
    } ROWS[] = {
        {0 /* jal +8 */, 0, RV32_STOP_PC, BOX_TEXT + 8},
        {1 /* jal -4 */, 0, RV32_STOP_PC, BOX_TEXT - 4},
        {2 /* jal +2 */, 0, RV32_STOP_PC_ALIGN, BOX_TEXT + 2},
        {3 /* beq +8 */, 0, RV32_STOP_PC, BOX_TEXT + 8},
        {4 /* beq +2 */, 0, RV32_STOP_PC_ALIGN, BOX_TEXT + 2},
        {5 /* jalr */, 0, RV32_STOP_PC, 0},
        {5, BOX_TEXT + 8, RV32_STOP_PC, BOX_TEXT + 8},
        {5, BOX_TEXT - 4, RV32_STOP_PC, BOX_TEXT - 4},
        {5, BOX_TEXT + 2, RV32_STOP_PC_ALIGN, BOX_TEXT + 2},
        {5, BOX_TEXT + 3, RV32_STOP_PC_ALIGN, BOX_TEXT + 2},
        {5, RV32_RAM_BASE, RV32_STOP_PC, RV32_RAM_BASE},
        {5, RV32_INPUT_BASE, RV32_STOP_PC, RV32_INPUT_BASE},
        {5, 0xFFFFFFFC, RV32_STOP_PC, 0xFFFFFFFC},
        {5, BOX_TEXT + 0x80000000, RV32_STOP_PC, BOX_TEXT + 0x80000000},
    };
    const uint32_t words[] = {enc_j(RD, 8),        enc_j(RD, -4),       enc_j(RD, 2),
                              enc_b(0, RA, RA, 8), enc_b(0, RA, RA, 2), ENC_JALR(RD, RA, 0)};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct box b;
        cr_expect_eq(run_words(&b, &words[ROWS[i].word], 1, ROWS[i].a, 0), ROWS[i].stop, "row %zu",
                     i);
        cr_expect_eq(b.m.fault, ROWS[i].fault, "row %zu: %08x", i, b.m.fault);
        cr_expect_eq(b.m.pc, BOX_TEXT, "row %zu", i);
        cr_expect_eq(b.m.x[RD], 0xDEADBEEF, "row %zu: nothing is linked", i);
        cr_expect_eq(rv32_instructions(&b.m), 0);
        box_close(&b);
    }
}

Test(rv32_machine, branches_with_a_bad_target_trap_only_when_taken)
{
    for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
        if (funct3 == 2 || funct3 == 3)
            continue;
        uint32_t word = enc_b(funct3, RA, RB, -4000);
        for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT; i++) {
            uint32_t x = EDGES[i / EDGE_COUNT], y = EDGES[i % EDGE_COUNT];
            bool less = funct3 < 6 ? wide(x) < wide(y) : x < y;
            bool base = funct3 < 2 ? x == y : less;
            struct box b;
            enum rv32_stop stop = run_words(&b, &word, 1, x, y);
            cr_expect_eq(stop, (funct3 & 1 ? !base : base) ? RV32_STOP_PC : RV32_STOP_BREAK);
            box_close(&b);
        }
    }
}

Test(rv32_machine, the_end_of_the_text_is_not_executable)
{
    const uint32_t word = ENC_NOP;
    struct box b;
    box_open(&b, &word, 1);
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_PC);
    cr_expect_eq(b.m.pc, BOX_TEXT + 4);
    cr_expect_eq(b.m.fault, BOX_TEXT + 4);
    cr_expect_eq(rv32_instructions(&b.m), 1);
    box_close(&b);
}

Test(rv32_machine, illegal_words_trap_with_the_word)
{
    static const uint32_t WORDS[] = {0, 0xFFFFFFFF, 0x02C5C533, 0x0000000F, 0x30001073};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        struct box b;
        cr_expect_eq(run_words(&b, &WORDS[i], 1, 0, 0), RV32_STOP_ILLEGAL);
        cr_expect_eq(b.m.fault, WORDS[i]);
        cr_expect_eq(b.m.pc, BOX_TEXT);
        box_close(&b);
    }
}

/* ---- memory */

#define RAM_END (RV32_RAM_BASE + BOX_RAM_BYTES)
#define INPUT_END (RV32_INPUT_BASE + 256u)
#define IMAGE_END (BOX_DATA + BOX_DATA_BYTES)

/* For every width, the address is the last or first one whose access of that width fits. */
static const struct {
    uint32_t base, end;
    bool writable;
} REGIONS[] = {
    {RV32_RAM_BASE, RAM_END, true},
    {RV32_INPUT_BASE, INPUT_END, true},
    {BOX_TEXT, BOX_TEXT + 8, false},
    {BOX_TEXT + 8, IMAGE_END, true},
};

static void check_access(uint32_t address, uint32_t log_width, bool mapped, bool writable,
                         bool in_text)
{
    uint32_t load = ENC_LOAD(log_width, RD, RA, 0);
    uint32_t store = enc_s(log_width, RA, RB, 0);
    struct box b;
    cr_expect_eq(run_words(&b, &load, 1, address, 0), mapped ? RV32_STOP_BREAK : RV32_STOP_LOAD,
                 "load %08x", address);
    if (!mapped)
        cr_expect(b.m.fault == address && b.m.x[RD] == 0xDEADBEEF && b.m.pc == BOX_TEXT);
    box_close(&b);
    enum rv32_stop stop = RV32_STOP_BREAK;
    if (!writable)
        stop = in_text ? RV32_STOP_STORE_TEXT : RV32_STOP_STORE;
    cr_expect_eq(run_words(&b, &store, 1, address, 0x55AA1234), stop, "store %08x", address);
    if (!writable)
        cr_expect(b.m.fault == address && b.m.pc == BOX_TEXT);
    box_close(&b);
}

Test(rv32_machine, every_region_ends_where_it_should)
{
    for (size_t i = 0; i < sizeof REGIONS / sizeof REGIONS[0]; i++) {
        for (uint32_t log = 0; log < 3; log++) {
            uint32_t width = 1u << log;
            check_access(REGIONS[i].base, log, true, REGIONS[i].writable, i == 2);
            check_access(REGIONS[i].end - width, log, true, REGIONS[i].writable, i == 2);
        }
    }
    static const uint32_t UNMAPPED[] = {
        0,          0xFFFC,     BOX_TEXT - 4,      IMAGE_END,
        RAM_END,    INPUT_END,  RV32_RAM_BASE - 4, RV32_INPUT_BASE - 4,
        0x10000000, 0x1FFFFFFC, 0x40000000,        0x48000000,
        0x88000000, 0xFFFFFFFC, 0xA0000000,        BOX_TEXT | 0x40000000};
    for (size_t i = 0; i < sizeof UNMAPPED / sizeof UNMAPPED[0]; i++) {
        for (uint32_t log = 0; log < 3; log++) {
            check_access(UNMAPPED[i], log, false, false, false);
            check_access(UNMAPPED[i] + 4 - (1u << log), log, false, false, false);
        }
    }
}

Test(rv32_machine, misaligned_accesses_trap_in_every_region)
{
    static const uint32_t BASES[] = {RV32_RAM_BASE, RV32_INPUT_BASE, BOX_TEXT,  BOX_DATA, 0,
                                     RAM_END - 4,   INPUT_END - 4,   0x40000000};
    for (size_t i = 0; i < sizeof BASES / sizeof BASES[0]; i++) {
        for (uint32_t log = 1; log < 3; log++) {
            for (uint32_t skew = 1; skew < 4; skew++) {
                if (skew % (1u << log) == 0)
                    continue;
                uint32_t words[] = {ENC_LOAD(log, RD, RA, (int32_t)skew),
                                    enc_s(log, RA, RB, (int32_t)skew)};
                struct box b;
                cr_expect_eq(run_words(&b, &words[0], 1, BASES[i], 0), RV32_STOP_LOAD_ALIGN);
                cr_expect_eq(b.m.fault, BASES[i] + skew);
                box_close(&b);
                cr_expect_eq(run_words(&b, &words[1], 1, BASES[i], 0), RV32_STOP_STORE_ALIGN);
                cr_expect_eq(b.m.fault, BASES[i] + skew);
                box_close(&b);
            }
        }
    }
}

Test(rv32_machine, loads_extend_and_stores_touch_only_their_bytes)
{
    static const uint32_t BASES[] = {RV32_RAM_BASE + 64, RV32_INPUT_BASE + 64, BOX_DATA};
    for (size_t i = 0; i < 3; i++) {
        uint32_t v = 0x80FF7F81;
        uint32_t words[] = {
            enc_s(2, RA, RB, 0),    enc_s(2, RA, RB, 4),    enc_s(2, RA, RB, 8),
            ENC_LOAD(0, 10, RA, 0), ENC_LOAD(0, 11, RA, 1), ENC_LOAD(4, 12, RA, 0),
            ENC_LOAD(4, 13, RA, 3), ENC_LOAD(1, 14, RA, 0), ENC_LOAD(1, 15, RA, 2),
            ENC_LOAD(5, 16, RA, 2), ENC_LOAD(2, 17, RA, 0), enc_s(0, RA, 0, 5),
            enc_s(1, RA, 0, 10),    ENC_LOAD(2, 18, RA, 4), ENC_LOAD(2, 19, RA, 8),
        };
        struct box b;
        cr_assert_eq(run_words(&b, words, sizeof words / sizeof words[0], BASES[i], v),
                     RV32_STOP_BREAK);
        cr_expect_eq(b.m.x[10], 0xFFFFFF81);
        cr_expect_eq(b.m.x[11], 0x7F);
        cr_expect_eq(b.m.x[12], 0x81);
        cr_expect_eq(b.m.x[13], 0x80);
        cr_expect_eq(b.m.x[14], 0x7F81);
        cr_expect_eq(b.m.x[15], 0xFFFF80FF);
        cr_expect_eq(b.m.x[16], 0x80FF);
        cr_expect_eq(b.m.x[17], v);
        cr_expect_eq(b.m.x[18], 0x80FF0081);
        cr_expect_eq(b.m.x[19], 0x00007F81);
        box_close(&b);
    }
}

Test(rv32_machine, addresses_wrap_at_32_bits_before_they_are_judged)
{
    uint32_t word = ENC_LOAD(2, RD, RA, -4);
    struct box b;
    cr_expect_eq(run_words(&b, &word, 1, RV32_INPUT_BASE + 8, 0), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[RD], 0x02020202);
    box_close(&b);
    cr_expect_eq(run_words(&b, &word, 1, 0, 0), RV32_STOP_LOAD);
    cr_expect_eq(b.m.fault, 0xFFFFFFFC);
    box_close(&b);
}

Test(rv32_machine, the_gap_between_segments_is_zero_and_the_text_is_readable)
{
    const uint32_t words[] = {ENC_LOAD(2, RD, RA, 0), ENC_LOAD(2, RB, RA, 0x100)};
    struct box b;
    cr_assert_eq(run_words(&b, words, 2, BOX_TEXT, 1), RV32_STOP_BREAK);
    cr_expect_eq(b.m.x[RD], words[0]);
    cr_expect_eq(b.m.x[RB], 0);
    box_close(&b);
}

/* ---- limits and set-up */

Test(rv32_machine, the_limit_stops_between_instructions_and_the_run_goes_on)
{
    /* count up for ever */
    const uint32_t words[] = {ENC_ADDI(RD, RD, 1), enc_j(0, -4)};
    struct box b;
    box_open(&b, words, 2);
    cr_expect_eq(rv32_run(&b.m, 0), RV32_STOP_LIMIT);
    cr_expect_eq(rv32_run(&b.m, RV32_CLK_FIRST), RV32_STOP_LIMIT);
    cr_expect_eq(rv32_instructions(&b.m), 0);
    for (uint64_t end = 2; end < 50; end++) {
        cr_expect_eq(rv32_run(&b.m, end), RV32_STOP_LIMIT);
        cr_expect_eq(b.m.clk, end);
        cr_expect_eq(rv32_instructions(&b.m), end - 1);
        cr_expect_eq(b.m.x[RD], end / 2);
        cr_expect_eq(b.m.pc, BOX_TEXT + (end % 2 == 0 ? 4 : 0));
    }
    cr_expect_eq(rv32_run(&b.m, 10), RV32_STOP_LIMIT, "a limit in the past");
    cr_expect_eq(b.m.clk, 49);
    box_close(&b);
}

Test(rv32_machine, set_up_refuses_what_does_not_fit)
{
    const uint32_t word = ENC_NOP;
    static uint32_t input[4];
    uint8_t elf[BOX_TEXT_OFFSET + 8];
    struct rv32_program p;
    struct rv32_machine m;
    size_t len = box_elf(elf, &word, 1, 0, 4096);
    cr_assert_eq(rv32_program_decode(&p, (struct td_bytes){elf, len}), RV32_LOADED);
    void *memory = calloc(1, rv32_footprint(&p, 8192));
    cr_expect_eq(rv32_init(&m, &p, memory, 4095, (uint8_t *)input, 16), TD_E_RANGE, "bss");
    cr_expect_eq(rv32_init(&m, &p, memory, 4096, (uint8_t *)input, 15), TD_E_RANGE);
    cr_expect_eq(rv32_init(&m, &p, memory, 4096, (uint8_t *)input + 1, 12), TD_E_RANGE);
    cr_expect_eq(
        rv32_init(&m, &p, memory, 4096, (uint8_t *)input, (size_t)RV32_INPUT_BYTES_MAX + 4),
        TD_E_RANGE);
    cr_expect_eq(rv32_init(&m, &p, memory, 4096, (uint8_t *)input, 16), TD_OK);
    cr_expect_eq(rv32_init(&m, &p, memory, 4096, NULL, 0), TD_OK);
    cr_expect_null(rv32_memory_at(&m, RV32_INPUT_BASE, 0, false));
    free(memory);
}

Test(rv32_machine, ranges_lie_in_one_region)
{
    const uint32_t word = ENC_NOP;
    struct box b;
    box_open(&b, &word, 1);
    cr_expect_not_null(rv32_memory_at(&b.m, RV32_RAM_BASE, BOX_RAM_BYTES, true));
    cr_expect_null(rv32_memory_at(&b.m, RV32_RAM_BASE, BOX_RAM_BYTES + 1, true));
    cr_expect_null(rv32_memory_at(&b.m, RV32_RAM_BASE + 4, UINT64_C(1) << 32, true));
    cr_expect_null(rv32_memory_at(&b.m, RV32_RAM_BASE + 4, UINT64_MAX, true));
    cr_expect_null(rv32_memory_at(&b.m, RAM_END, 0, false));
    cr_expect_not_null(rv32_memory_at(&b.m, BOX_TEXT, 8, false));
    cr_expect_null(rv32_memory_at(&b.m, BOX_TEXT, 8, true));
    cr_expect_null(rv32_memory_at(&b.m, BOX_TEXT, 0x100, true));
    cr_expect_not_null(rv32_memory_at(&b.m, BOX_TEXT + 4, 0x100, true));
    box_close(&b);
}

/* ---- observation */

struct recording {
    struct rv32_row rows[16];
    size_t count;
};

static void record(void *self, const struct rv32_row *row)
{
    struct recording *r = self;
    cr_assert_lt(r->count, 16);
    r->rows[r->count++] = *row;
}

Test(rv32_machine, a_watcher_sees_every_operand_and_the_same_run)
{
    const uint32_t words[] = {ENC_ADDI(RD, RA, -1), enc_s(0, RB, RA, 5), ENC_LOAD(5, RA, RB, 4),
                              enc_b(1, RD, 0, 8),   ENC_EBREAK,          ENC_ADDI(0, RD, 3),
                              ENC_LOAD(2, RD, 0, 0)};
    struct box b;
    struct recording r = {.count = 0};
    uint64_t counts[8] = {0};
    struct rv32_watch w = {.self = &r, .row = record, .counts = counts};
    box_open(&b, words, 7);
    b.m.x[RA] = 0x80;
    b.m.x[RB] = RV32_RAM_BASE;
    cr_expect_eq(rv32_run_watched(&b.m, 1000, &w), RV32_STOP_LOAD);
    cr_assert_eq(r.count, 5, "the trapped load is no row: %zu", r.count);
    const struct rv32_row *row = r.rows;
    cr_expect(row[0].clk == 1 && row[0].pc == BOX_TEXT && row[0].rs1 == 0x80 &&
              row[0].rd_before == 0 && row[0].rd_after == 0x7F && row[0].next_pc == BOX_TEXT + 4);
    cr_expect(row[1].address == RV32_RAM_BASE + 4 && row[1].mem_before == 0 &&
              row[1].mem_after == 0x8000 && row[1].rs1 == RV32_RAM_BASE && row[1].rs2 == 0x80);
    cr_expect(row[2].mem_before == 0x8000 && row[2].mem_after == 0x8000 &&
              row[2].rd_before == 0x80 && row[2].rd_after == 0x8000);
    cr_expect(row[3].insn.op == RV32_BNE && row[3].next_pc == BOX_TEXT + 20);
    cr_expect(row[4].rd_after == 0 && row[4].clk == 5 && row[4].word == words[5]);
    static const uint64_t COUNTS[8] = {1, 1, 1, 1, 0, 1, 0, 0};
    cr_expect_arr_eq(counts, COUNTS, sizeof COUNTS);
    struct rv32_machine watched = b.m;
    box_close(&b);
    box_open(&b, words, 7);
    b.m.x[RA] = 0x80;
    b.m.x[RB] = RV32_RAM_BASE;
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_LOAD);
    cr_expect_arr_eq(b.m.x, watched.x, 32 * sizeof b.m.x[0]);
    cr_expect(b.m.clk == watched.clk && b.m.pc == watched.pc);
    box_close(&b);
}

Test(rv32_machine, texts)
{
    cr_expect_str_eq(rv32_stop_text(RV32_STOP_HALT), "halted");
    cr_expect_str_eq(rv32_stop_text((enum rv32_stop)99), "unknown stop");
    cr_expect_str_eq(rv32_load_text((enum rv32_load)99), "unknown verdict");
}
