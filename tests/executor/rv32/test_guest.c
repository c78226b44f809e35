/* The guest images: nothing in them that the machine lacks, and the answers of native code.
 * Method: decode every word of every text with the emulator's decoder (check_image.py asks
 * objdump); run hello-guest, with chips and without, beside the library functions it stands for. */
#include <criterion/criterion.h>

#include "base/core/poseidon2.h"
#include "tests/executor/rv32/image.h"

static const char *const IMAGES[] = {
    TD_GUEST_DIR "/tandem-guest.elf", TD_GUEST_DIR "/tandem-guest-soft.elf",
    TD_GUEST_DIR "/hello-guest.elf", TD_GUEST_DIR "/hello-guest-soft.elf",
    TD_TEST_GUEST_DIR "/assert-guest.elf"};

Test(rv32_guest, texts_hold_nothing_but_instructions_of_the_machine)
{
    for (size_t k = 0; k < sizeof IMAGES / sizeof IMAGES[0]; k++) {
        struct image i;
        uint32_t ecalls = 0;
        cr_assert(image_open(&i, IMAGES[k], NULL, 0), "%s", IMAGES[k]);
        for (uint32_t at = 0; at < i.program.text_words; at++) {
            struct rv32_insn insn;
            uint32_t word;
            memcpy(&word, i.m.image + (i.program.text_address - RV32_IMAGE_BASE) + 4 * at, 4);
            rv32_decode(&insn, word);
            cr_expect_neq(insn.op, RV32_ILLEGAL, "%s: %08x at %08x", IMAGES[k], word,
                          i.program.text_address + 4 * at);
            ecalls += insn.op == RV32_ECALL;
        }
        bool soft = strstr(IMAGES[k], "-soft") != NULL || strstr(IMAGES[k], "assert") != NULL;
        cr_expect(soft ? ecalls == 1 : ecalls >= 1, "%s: %u ecalls", IMAGES[k], ecalls);
        image_close(&i);
    }
}

static void expect_hello(const char *path, const uint8_t *bytes, size_t len,
                         const struct td_p2_digest *digest, bool chips)
{
    struct image i;
    cr_assert(image_open(&i, path, bytes, len), "%s", path);
    enum rv32_stop stop = rv32_run(&i.m, RV32_CLK_END);
    cr_assert_eq(stop, RV32_STOP_HALT, "%zu bytes: %s", len, rv32_stop_text(stop));
    cr_assert_arr_eq(i.m.output, digest->e, sizeof digest->e, "%zu bytes", len);
    cr_expect_eq(i.m.calls[TD_CHIP_P2_ABSORB] > 0, chips);
    image_close(&i);
}

Test(rv32_guest, hello_publishes_the_digest_of_its_input)
{
    static const size_t LENGTHS[] = {0, 1, 2, 3, 28, 29, 30, 31, 60, 479, 480, 481, 960, 1999};
    uint8_t bytes[2000];
    struct td_kb e[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 113 + (i >> 5));
    for (size_t k = 0; k < sizeof LENGTHS / sizeof LENGTHS[0]; k++) {
        size_t len = LENGTHS[k];
        struct td_p2_digest digest;
        for (size_t i = 0; i < len; i += 2)
            e[i / 2].v = bytes[i] | (i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0);
        td_p2_hash(&digest, TD_P2_STATEMENT, e, (len + 1) / 2);
        expect_hello(IMAGES[2], bytes, len, &digest, true);
        expect_hello(IMAGES[3], bytes, len, &digest, false);
    }
}

Test(rv32_guest, a_failed_assertion_stops_the_machine_and_names_its_place)
{
    struct image i;
    struct rv32_symbol symbols[64];
    cr_assert(image_open(&i, IMAGES[4], "fine", 4));
    cr_expect_eq(rv32_run(&i.m, RV32_CLK_END), RV32_STOP_HALT);
    image_close(&i);
    cr_assert(image_open(&i, IMAGES[4], "fail", 4));
    cr_expect_eq(rv32_run(&i.m, RV32_CLK_END), RV32_STOP_BREAK);
    size_t count = rv32_symbols_decode(symbols, 64, &i.program);
    const struct rv32_symbol *s = rv32_symbol_find(symbols, count, i.m.pc);
    cr_assert_not_null(s);
    cr_expect_str_eq(s->name, "td_assert_fail");
    const char *text = (const char *)rv32_memory_at(&i.m, i.m.x[12], 6, false);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, "!fail");
    s = rv32_symbol_find(symbols, count, i.m.x[1]);
    cr_assert_not_null(s);
    image_close(&i);
}

Test(rv32_guest, an_input_length_beyond_the_region_is_no_input)
{
    struct image i;
    struct td_p2_digest digest;
    cr_assert(image_open(&i, IMAGES[3], NULL, 0));
    memset(i.input, 0xFF, 4);
    td_p2_hash(&digest, TD_P2_STATEMENT, NULL, 0);
    cr_expect_eq(rv32_run(&i.m, RV32_CLK_END), RV32_STOP_HALT);
    cr_expect_arr_eq(i.m.output, digest.e, sizeof digest.e);
    image_close(&i);
    /* within the region, but nobody supplied it: the load traps */
    cr_assert(image_open(&i, IMAGES[3], NULL, 0));
    i.input[1] = 1;
    cr_expect_eq(rv32_run(&i.m, RV32_CLK_END), RV32_STOP_LOAD);
    cr_expect_eq(i.m.fault & ~UINT32_C(3), RV32_INPUT_BASE + 4);
    image_close(&i);
}
