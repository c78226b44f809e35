/* executor/rv32/calls: every chip call against the function it stands for, its rows, its traps,
 * overlapping operands.
 * Method: the program is one ecall and an ebreak; operands lie in the zero region. */
#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "tests/executor/rv32/box.h"

enum { A0 = 10, A1, A2, A3, A7 = 17 };

#define RAM RV32_RAM_BASE
#define RAM_END (RV32_RAM_BASE + BOX_RAM_BYTES)

static void open_call(struct box *b, uint32_t number, uint32_t a0, uint32_t a1, uint32_t a2,
                      uint32_t a3)
{
    const uint32_t words[] = {ENC_ECALL, ENC_EBREAK};
    box_open(b, words, 2);
    b->m.x[A7] = number;
    b->m.x[A0] = a0;
    b->m.x[A1] = a1;
    b->m.x[A2] = a2;
    b->m.x[A3] = a3;
}

static uint32_t *ram_words(struct box *b, uint32_t address)
{
    return (uint32_t *)(void *)(b->m.ram + (address - RAM));
}

/* Distinct field elements. */
static void fill(uint32_t *words, uint32_t count, uint32_t seed)
{
    for (uint32_t i = 0; i < count; i++)
        words[i] = (seed + i) * UINT32_C(2654435761) % TD_KB_P;
}

static void expect_rows(struct box *b, uint32_t number, uint64_t rows)
{
    cr_expect_eq(rv32_run(&b->m, 10000), RV32_STOP_BREAK, "%s", rv32_stop_text(b->m.stop));
    cr_expect_eq(b->m.clk, RV32_CLK_FIRST + 1 + rows);
    cr_expect_eq(b->m.call_rows, rows);
    cr_expect_eq(b->m.calls[number], 1);
    cr_expect_eq(rv32_instructions(&b->m), 1);
}

static void expect_trap(struct box *b, enum rv32_stop stop, uint32_t fault)
{
    uint8_t before[BOX_RAM_BYTES];
    memcpy(before, b->m.ram, sizeof before);
    enum rv32_stop got = rv32_run(&b->m, 10000);
    cr_expect_eq(got, stop, "%s, expected %s", rv32_stop_text(got), rv32_stop_text(stop));
    cr_expect_eq(b->m.fault, fault, "fault %08x, expected %08x", b->m.fault, fault);
    cr_expect_eq(b->m.pc, BOX_TEXT);
    cr_expect_eq(b->m.clk, RV32_CLK_FIRST);
    cr_expect_eq(b->m.call_rows, 0);
    cr_expect_arr_eq(b->m.ram, before, sizeof before, "a trap writes nothing");
    box_close(b);
}

Test(rv32_calls, halt_publishes_nine_words)
{
    struct box b;
    open_call(&b, TD_CHIP_HALT, RAM + 64, 0, 0, 0);
    for (uint32_t i = 0; i < 9; i++)
        ram_words(&b, RAM + 64)[i] = 0xFFFFFFF0 + i; /* any words, not only field elements */
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_HALT);
    for (uint32_t i = 0; i < 9; i++)
        cr_expect_eq(b.m.output[i], 0xFFFFFFF0 + i);
    cr_expect_eq(b.m.clk, RV32_CLK_FIRST + 2);
    cr_expect_eq(rv32_instructions(&b.m), 1);
    cr_expect_eq(b.m.calls[0], 1);
    box_close(&b);
    open_call(&b, TD_CHIP_HALT, RAM_END - 36, 0, 0, 0);
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_HALT);
    box_close(&b);
    open_call(&b, TD_CHIP_HALT, BOX_TEXT, 0, 0, 0);
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_HALT, "reading the text is allowed");
    cr_expect_eq(b.m.output[0], ENC_ECALL);
    box_close(&b);
    open_call(&b, TD_CHIP_HALT, RAM_END - 32, 0, 0, 0);
    expect_trap(&b, RV32_STOP_CALL_LOAD, RAM_END - 32);
}

Test(rv32_calls, numbers_that_are_no_call)
{
    static const uint32_t NUMBERS[] = {TD_CHIP_EXT_DOT, TD_CHIP_FRI_FOLD, 9, 64,
                                       0x80000000,      0xFFFFFFFF};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        struct box b;
        open_call(&b, NUMBERS[i], RAM, RAM, 1, 1);
        expect_trap(&b, RV32_STOP_CALL, NUMBERS[i]);
    }
}

Test(rv32_calls, keccakf)
{
    struct box b;
    uint64_t s[25];
    open_call(&b, TD_CHIP_KECCAKF, RAM + 4, 0, 0, 0); /* a word, not a lane, is the alignment */
    fill(ram_words(&b, RAM + 4), 50, 1);
    memcpy(s, b.m.ram + 4, sizeof s);
    td_keccak_f(s);
    expect_rows(&b, TD_CHIP_KECCAKF, 24);
    cr_expect_arr_eq(b.m.ram + 4, s, sizeof s);
    cr_expect_eq(*ram_words(&b, RAM), 0);
    cr_expect_eq(*ram_words(&b, RAM + 204), 0);
    box_close(&b);
}

Test(rv32_calls, p2_absorb_for_every_count_up_to_some_chunks)
{
    for (uint32_t count = 1; count <= 500; count++) {
        struct box b;
        struct td_kb s[24], data[500];
        open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, count, 0);
        fill(ram_words(&b, RAM), 24, 7);
        fill(ram_words(&b, RAM + 96), count, 100);
        memcpy(s, b.m.ram, sizeof s);
        memcpy(data, b.m.ram + 96, count * sizeof data[0]);
        for (uint32_t done = 0; done < count; done += 15) {
            for (uint32_t i = 0; i < 15; i++)
                s[i].v = done + i < count ? data[done + i].v : 0;
            td_poseidon2_24(s);
        }
        expect_rows(&b, TD_CHIP_P2_ABSORB, (count + 14) / 15);
        cr_assert_arr_eq(b.m.ram, s, sizeof s, "count %u", count);
        box_close(&b);
    }
}

Test(rv32_calls, p2_path_walks_left_and_right)
{
    for (uint32_t levels = 1; levels <= RV32_PATH_LEVELS_MAX; levels++) {
        struct box b;
        struct td_p2_digest d, sibling;
        uint32_t index = UINT32_C(0xA5C3F018) ^ levels;
        open_call(&b, TD_CHIP_P2_PATH, RAM, RAM + 36, index, levels);
        fill(ram_words(&b, RAM), 9 + 9 * levels, levels);
        memcpy(d.e, b.m.ram, sizeof d.e);
        for (uint32_t i = 0; i < levels; i++) {
            memcpy(sibling.e, b.m.ram + 36 + 36 * i, sizeof sibling.e);
            if (index >> i & 1)
                td_p2_node(&d, TD_P2_STATE_NODE, &sibling, &d);
            else
                td_p2_node(&d, TD_P2_STATE_NODE, &d, &sibling);
        }
        expect_rows(&b, TD_CHIP_P2_PATH, levels);
        cr_assert_arr_eq(b.m.ram, d.e, sizeof d.e, "%u levels", levels);
        box_close(&b);
    }
}

Test(rv32_calls, mulmod)
{
    static const uint32_t A[8] = {0xFFFFFFFF, 7, 0, 0, 0, 0, 0, 0x80000000};
    static const uint32_t MAX[8] = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
                                    0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
    static const uint32_t ONE[8] = {1};
    struct box b;
    /* (2^256 - 1)^2 mod 2^255 = 1; a * b mod 1 = 0; a * 1 mod max = a */
    static const uint32_t HALF[8] = {0, 0, 0, 0, 0, 0, 0, 0x80000000};
    static const struct {
        const uint32_t *a, *b, *m;
        uint32_t low, high;
    } ROWS[] = {{MAX, MAX, HALF, 1, 0}, {A, MAX, ONE, 0, 0}, {A, ONE, MAX, 0xFFFFFFFF, 0x80000000}};
    for (size_t i = 0; i < 3; i++) {
        open_call(&b, TD_CHIP_U256_MULMOD, RAM + 96, RAM, RAM + 32, RAM + 64);
        memcpy(b.m.ram, ROWS[i].a, 32);
        memcpy(b.m.ram + 32, ROWS[i].b, 32);
        memcpy(b.m.ram + 64, ROWS[i].m, 32);
        expect_rows(&b, TD_CHIP_U256_MULMOD, 1);
        cr_expect_eq(ram_words(&b, RAM + 96)[0], ROWS[i].low);
        cr_expect_eq(ram_words(&b, RAM + 96)[7], ROWS[i].high);
        cr_expect_arr_eq(b.m.ram, ROWS[i].a, 32, "inputs stay");
        box_close(&b);
    }
    open_call(&b, TD_CHIP_U256_MULMOD, RAM + 96, RAM, RAM, RAM + 64);
    fill(ram_words(&b, RAM), 8, 3);
    expect_trap(&b, RV32_STOP_CALL_MODULUS, RAM + 64);
    /* out over a modulus, and all four in one place: inputs are read first */
    open_call(&b, TD_CHIP_U256_MULMOD, RAM, RAM, RAM, RAM);
    memcpy(b.m.ram, A, 32);
    expect_rows(&b, TD_CHIP_U256_MULMOD, 1);
    cr_expect_eq(ram_words(&b, RAM)[7], 0, "a^2 mod a = 0");
    cr_expect_eq(ram_words(&b, RAM)[0], 0);
    box_close(&b);
}

/* secp256k1's generator, and its double and triple (SEC 2; doubles are in every published table of
 * small multiples), least significant word first. */
static const uint32_t G[16] = {
    0x16F81798, 0x59F2815B, 0x2DCE28D9, 0x029BFCDB, 0xCE870B07, 0x55A06295, 0xF9DCBBAC, 0x79BE667E,
    0xFB10D4B8, 0x9C47D08F, 0xA6855419, 0xFD17B448, 0x0E1108A8, 0x5DA4FBFC, 0x26A3C465, 0x483ADA77};
static const uint32_t G2_X[8] = {0x5C709EE5, 0xABAC09B9, 0x8CEF3CA7, 0x5C778E4B,
                                 0x95C07CD8, 0x3045406E, 0x41ED7D6D, 0xC6047F94};
static const uint32_t G3_X[8] = {0xBCE036F9, 0x8601F113, 0x836F99B0, 0xB531C845,
                                 0xF89D5229, 0x49344F85, 0x9258C310, 0xF9308A01};

Test(rv32_calls, secp_double_and_add)
{
    struct box b;
    uint32_t g2[16];
    open_call(&b, TD_CHIP_SECP_DOUBLE, RAM, 0, 0, 0);
    memcpy(b.m.ram, G, 64);
    expect_rows(&b, TD_CHIP_SECP_DOUBLE, 1);
    cr_expect_arr_eq(b.m.ram, G2_X, 32);
    memcpy(g2, b.m.ram, 64);
    box_close(&b);
    open_call(&b, TD_CHIP_SECP_ADD, RAM, RAM + 64, 0, 0);
    memcpy(b.m.ram, g2, 64);
    memcpy(b.m.ram + 64, G, 64);
    expect_rows(&b, TD_CHIP_SECP_ADD, 1);
    cr_expect_arr_eq(b.m.ram, G3_X, 32);
    cr_expect_arr_eq(b.m.ram + 64, G, 64);
    box_close(&b);
}

Test(rv32_calls, points_that_cannot_be_proven)
{
    static const uint32_t P[8] = {0xFFFFFC2F, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF,
                                  0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
    struct box b;
    open_call(&b, TD_CHIP_SECP_ADD, RAM, RAM + 64, 0, 0);
    memcpy(b.m.ram, G, 64);
    memcpy(b.m.ram + 64, G, 64);
    ram_words(&b, RAM + 96)[0] ^= 1; /* y is not what matters */
    expect_trap(&b, RV32_STOP_CALL_POINT, RAM + 64);
    open_call(&b, TD_CHIP_SECP_DOUBLE, RAM, 0, 0, 0);
    memcpy(b.m.ram, G, 32); /* y = 0 */
    expect_trap(&b, RV32_STOP_CALL_POINT, RAM);
    /* each coordinate in turn not below the prime: p itself and 2^256 - 1 */
    for (uint32_t k = 0; k < 8; k++) {
        open_call(&b, TD_CHIP_SECP_ADD, RAM, RAM + 64, 0, 0);
        memcpy(b.m.ram, G, 64);
        memcpy(b.m.ram + 64, G, 64);
        ram_words(&b, RAM)[0] = 5;
        if (k < 4)
            memcpy(b.m.ram + 32 * k, P, 32);
        else
            memset(b.m.ram + 32 * (k - 4), 0xFF, 32);
        expect_trap(&b, RV32_STOP_CALL_POINT, k % 4 < 2 ? RAM : RAM + 64);
        if (k % 4 >= 2)
            continue;
        open_call(&b, TD_CHIP_SECP_DOUBLE, RAM, 0, 0, 0);
        memcpy(b.m.ram, G, 64);
        memcpy(b.m.ram + 32 * (k % 4), P, 32);
        expect_trap(&b, RV32_STOP_CALL_POINT, RAM);
    }
    /* p - 1 is canonical */
    open_call(&b, TD_CHIP_SECP_ADD, RAM, RAM + 64, 0, 0);
    memcpy(b.m.ram, P, 32);
    ram_words(&b, RAM)[0]--;
    memcpy(b.m.ram + 64, G, 64);
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_BREAK);
    box_close(&b);
}

Test(rv32_calls, words_that_are_no_field_elements)
{
    struct box b;
    for (uint32_t at = 0; at < 24 + 300; at += 17) {
        open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, 300, 0);
        ram_words(&b, RAM)[at] = TD_KB_P;
        expect_trap(&b, RV32_STOP_CALL_FIELD, RAM + 4 * at);
    }
    for (uint32_t at = 0; at < 9 + 27; at += 5) {
        open_call(&b, TD_CHIP_P2_PATH, RAM, RAM + 36, 0, 3);
        ram_words(&b, RAM)[at] = 0xFFFFFFFF;
        expect_trap(&b, RV32_STOP_CALL_FIELD, RAM + 4 * at);
    }
    open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, 1, 0);
    ram_words(&b, RAM)[24] = TD_KB_P - 1;
    cr_expect_eq(rv32_run(&b.m, 1000), RV32_STOP_BREAK, "p - 1 is one");
    box_close(&b);
}

Test(rv32_calls, counts_out_of_range)
{
    struct box b;
    open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, 0, 0);
    expect_trap(&b, RV32_STOP_CALL_COUNT, 0);
    open_call(&b, TD_CHIP_P2_PATH, RAM, RAM + 96, 0, 0);
    expect_trap(&b, RV32_STOP_CALL_COUNT, 0);
    open_call(&b, TD_CHIP_P2_PATH, RAM, RAM + 96, 0, 33);
    expect_trap(&b, RV32_STOP_CALL_COUNT, 33);
    /* A huge count is out of memory at once when the limit would allow its rows. */
    open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, 0xFFFFFFFF, 0);
    cr_expect_eq(rv32_run(&b.m, UINT64_MAX), RV32_STOP_CALL_LOAD);
    box_close(&b);
}

Test(rv32_calls, pointers_of_every_operand)
{
    static const struct {
        uint32_t number;
        uint32_t words[4]; /* of the operands in a0..a3; 0: not a pointer */
        bool writes[4];
    } ROWS[] = {
        {TD_CHIP_HALT, {9}, {false}},        {TD_CHIP_P2_ABSORB, {24, 30}, {true}},
        {TD_CHIP_P2_PATH, {9, 18}, {true}},  {TD_CHIP_U256_MULMOD, {8, 8, 8, 8}, {true}},
        {TD_CHIP_KECCAKF, {50}, {true}},     {TD_CHIP_SECP_ADD, {16, 16}, {true}},
        {TD_CHIP_SECP_DOUBLE, {16}, {true}},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        for (uint32_t k = 0; k < 4 && ROWS[i].words[k] != 0; k++) {
            uint32_t bytes = 4 * ROWS[i].words[k];
            const uint32_t bad[] = {
                RAM + 1, RAM + 2,    RAM + 3,    RAM_END - bytes + 4,   RAM - 4,
                0,       0x40000000, 0xFFFFFFFC, RV32_INPUT_BASE + 256, BOX_TEXT};
            for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
                bool in_text = bad[j] == BOX_TEXT;
                if (in_text && !ROWS[i].writes[k])
                    continue;
                struct box b;
                /* operands that are fine otherwise; counts of 30 words and 2 levels */
                open_call(&b, ROWS[i].number, RAM, RAM + 512, RAM + 1024, RAM + 1536);
                memcpy(b.m.ram, G, 64);
                memcpy(b.m.ram + 512, G, 32);
                ram_words(&b, RAM + 512)[0] = 5;
                ram_words(&b, RAM + 1536)[0] = 5;
                if (ROWS[i].number == TD_CHIP_P2_ABSORB || ROWS[i].number == TD_CHIP_P2_PATH)
                    memset(b.m.ram, 0, 1024);
                if (ROWS[i].number == TD_CHIP_P2_ABSORB)
                    b.m.x[A2] = 30;
                if (ROWS[i].number == TD_CHIP_P2_PATH)
                    b.m.x[A3] = 2;
                b.m.x[A0 + k] = bad[j];
                enum rv32_stop stop = bad[j] % 4 != 0     ? RV32_STOP_CALL_ALIGN
                                      : ROWS[i].writes[k] ? RV32_STOP_CALL_STORE
                                                          : RV32_STOP_CALL_LOAD;
                expect_trap(&b, stop, bad[j]);
            }
        }
    }
}

Test(rv32_calls, operands_may_overlap)
{
    struct box b;
    struct td_kb s[24], data[30];
    open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 16, 30, 0); /* the data begins inside the state */
    fill(ram_words(&b, RAM), 40, 9);
    memcpy(s, b.m.ram, sizeof s);
    memcpy(data, b.m.ram + 16, sizeof data);
    td_chip_p2_absorb(s, data, 30);
    expect_rows(&b, TD_CHIP_P2_ABSORB, 2);
    cr_expect_arr_eq(b.m.ram, s, sizeof s);
    box_close(&b);
    open_call(&b, TD_CHIP_P2_ABSORB, RAM + 40, RAM, 30, 0); /* the state begins inside the data */
    fill(ram_words(&b, RAM), 40, 10);
    memcpy(s, b.m.ram + 40, sizeof s);
    memcpy(data, b.m.ram, sizeof data);
    td_chip_p2_absorb(s, data, 30);
    expect_rows(&b, TD_CHIP_P2_ABSORB, 2);
    cr_expect_arr_eq(b.m.ram + 40, s, sizeof s);
    cr_expect_arr_eq(b.m.ram, data, 40, "what the state does not cover stays");
    box_close(&b);
}

/* The digest among its own siblings, before, at and behind each of them. */
Test(rv32_calls, a_path_may_overlap_its_digest)
{
    for (uint32_t at = 0; at <= 36; at += 3) {
        struct box b;
        struct td_kb digest[9], siblings[27];
        open_call(&b, TD_CHIP_P2_PATH, RAM + 4 * at, RAM + 36, 5, 3);
        fill(ram_words(&b, RAM), 60, at);
        memcpy(digest, b.m.ram + 4 * at, sizeof digest);
        memcpy(siblings, b.m.ram + 36, sizeof siblings);
        td_chip_p2_path(digest, siblings, 5, 3);
        expect_rows(&b, TD_CHIP_P2_PATH, 3);
        cr_expect_arr_eq(b.m.ram + 4 * at, digest, sizeof digest, "digest at word %u", at);
        box_close(&b);
    }
}

/* Operands in the two other regions: the input, which calls may write, and the image, of which they
 * may read the text; a count whose bytes wrap around 32 bits finds no region. */
Test(rv32_calls, operands_in_input_and_image)
{
    struct box b;
    struct td_kb s[24], data[1];
    open_call(&b, TD_CHIP_P2_ABSORB, RV32_INPUT_BASE, BOX_TEXT, 1, 0);
    cr_assert_geq(b.m.input_bytes, 96);
    for (uint32_t i = 0; i < 24; i++)
        memcpy(b.m.input + 4 * i, &(uint32_t){i}, 4);
    memcpy(s, b.m.input, sizeof s);
    data[0].v = ENC_ECALL; /* 0x73 is a field element */
    td_chip_p2_absorb(s, data, 1);
    expect_rows(&b, TD_CHIP_P2_ABSORB, 1);
    cr_expect_arr_eq(b.m.input, s, sizeof s);
    box_close(&b);
    static const uint32_t COUNTS[] = {0x40000000, 0x40000001, 0x80000001, 0xC000000F};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        open_call(&b, TD_CHIP_P2_ABSORB, RAM, RAM + 96, COUNTS[i], 0);
        cr_expect_eq(rv32_run(&b.m, UINT64_MAX), RV32_STOP_CALL_LOAD, "count %08x", COUNTS[i]);
        box_close(&b);
    }
}

Test(rv32_calls, a_call_that_does_not_fit_the_limit_waits)
{
    struct box b;
    open_call(&b, TD_CHIP_KECCAKF, RAM, 0, 0, 0);
    cr_expect_eq(rv32_run(&b.m, RV32_CLK_FIRST + 24), RV32_STOP_LIMIT);
    cr_expect_eq(b.m.pc, BOX_TEXT);
    cr_expect_eq(b.m.clk, RV32_CLK_FIRST);
    cr_expect_eq(ram_words(&b, RAM)[0], 0);
    cr_expect_eq(rv32_run(&b.m, RV32_CLK_FIRST + 25), RV32_STOP_LIMIT, "done, and no more");
    cr_expect_eq(b.m.pc, BOX_TEXT + 4);
    cr_expect_eq(b.m.clk, RV32_CLK_FIRST + 25);
    cr_expect_neq(ram_words(&b, RAM)[0], 0);
    cr_expect_eq(rv32_run(&b.m, RV32_CLK_FIRST + 26), RV32_STOP_BREAK);
    box_close(&b);
}

struct seen {
    uint32_t calls[2];
    uint32_t rows;
    uint32_t word_before, word_after;
    uint32_t row_count;
    uint64_t last_clk;
};

static void see_call(void *self, const struct rv32_machine *m, uint32_t number, uint32_t rows,
                     bool done)
{
    struct seen *s = self;
    uint32_t word;
    memcpy(&word, m->ram, 4);
    s->calls[done]++;
    s->rows = rows;
    *(done ? &s->word_after : &s->word_before) = word;
    cr_expect(number == TD_CHIP_KECCAKF || number == TD_CHIP_HALT);
}

static void see_row(void *self, const struct rv32_row *row)
{
    struct seen *s = self;
    s->row_count++;
    s->last_clk = row->clk;
}

Test(rv32_calls, a_watcher_sees_calls_before_and_after)
{
    const uint32_t words[] = {ENC_ECALL, ENC_ADDI(A7, 0, 0), ENC_ECALL};
    struct box b;
    struct seen s = {.rows = 0};
    struct rv32_call_site sites[1];
    struct rv32_watch w = {
        .self = &s, .row = see_row, .call = see_call, .sites = sites, .site_cap = 1};
    box_open(&b, words, 3);
    b.m.x[A7] = TD_CHIP_KECCAKF;
    b.m.x[A0] = RAM;
    b.m.x[1] = 0x1234;
    cr_expect_eq(rv32_run_watched(&b.m, 1000, &w), RV32_STOP_HALT);
    cr_expect_eq(s.calls[0], 2);
    cr_expect_eq(s.calls[1], 2);
    cr_expect_eq(s.word_before, s.word_after, "halt changes nothing");
    cr_expect_eq(s.rows, 1);
    cr_expect_eq(s.row_count, 3, "the halting ecall is a row");
    cr_expect_eq(s.last_clk, RV32_CLK_FIRST + 26);
    cr_expect_eq(b.m.clk, RV32_CLK_FIRST + 28);
    cr_expect(w.site_count == 1 && sites[0].pc == BOX_TEXT && sites[0].ra == 0x1234 &&
              sites[0].number == TD_CHIP_KECCAKF && sites[0].count == 1);
    cr_expect_eq(w.sites_lost, 1, "the second site had no room");
    box_close(&b);
}
