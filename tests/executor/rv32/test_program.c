/* executor/rv32/program and symbols: which ELF files are accepted.
 * Method: one good file; every field changed in every way the loader names; truncation at every
 * byte; and single bytes mutated everywhere, where whatever is accepted must keep its promises. */
#include <criterion/criterion.h>

#include "executor/rv32/symbols.h"
#include "tests/executor/rv32/box.h"

#define FILE_BYTES (BOX_TEXT_OFFSET + 16u)
#define SEGMENT(i) (52u + 32u * (i))

static void good(uint8_t elf[FILE_BYTES])
{
    const uint32_t words[4] = {ENC_NOP, ENC_NOP, ENC_NOP, ENC_EBREAK};
    cr_assert_eq(box_elf(elf, words, 4, 64, 4096), FILE_BYTES);
}

Test(rv32_program, a_good_file)
{
    uint8_t elf[FILE_BYTES];
    struct rv32_program p;
    good(elf);
    cr_assert_eq(rv32_program_decode(&p, (struct td_bytes){elf, sizeof elf}), RV32_LOADED);
    cr_expect_eq(p.segment_count, 3);
    cr_expect_eq(p.entry, BOX_TEXT);
    cr_expect_eq(p.text_address, BOX_TEXT);
    cr_expect_eq(p.text_words, 4);
    cr_expect_eq(p.image_bytes, BOX_DATA + 64 - RV32_IMAGE_BASE);
    cr_expect_eq(p.bss_end, RV32_RAM_BASE + 4096);
    cr_expect_eq(rv32_footprint(&p, 4097), 5 * 8 + p.image_bytes + 4100);
}

Test(rv32_program, fields_that_must_be_right)
{
    static const struct {
        uint32_t offset, bytes, value;
        enum rv32_load verdict;
    } ROWS[] = {
        {0, 1, 0x7E, RV32_LOAD_MAGIC},
        {3, 1, 'f', RV32_LOAD_MAGIC},
        {4, 1, 2, RV32_LOAD_CLASS}, /* 64 bit */
        {5, 1, 2, RV32_LOAD_CLASS}, /* big-endian */
        {6, 1, 0, RV32_LOAD_CLASS},
        {16, 2, 3, RV32_LOAD_TYPE}, /* shared object */
        {16, 2, 1, RV32_LOAD_TYPE},
        {18, 2, 62, RV32_LOAD_MACHINE},
        {20, 4, 2, RV32_LOAD_CLASS},
        {24, 4, BOX_TEXT + 2, RV32_LOAD_ENTRY},
        {24, 4, BOX_TEXT + 16, RV32_LOAD_ENTRY},
        {24, 4, BOX_TEXT - 4, RV32_LOAD_ENTRY},
        {24, 4, 0, RV32_LOAD_ENTRY},
        {28, 4, FILE_BYTES - 95, RV32_LOAD_TRUNCATED},
        {28, 4, 0xFFFFFFFF, RV32_LOAD_TRUNCATED},
        {36, 4, 1, RV32_LOAD_MACHINE}, /* compressed */
        {36, 4, 2, RV32_LOAD_MACHINE}, /* float ABI */
        {36, 4, 8, RV32_LOAD_MACHINE}, /* RVE */
        {40, 2, 64, RV32_LOAD_HEADER},
        {42, 2, 56, RV32_LOAD_HEADER},
        {44, 2, 0, RV32_LOAD_COUNT},
        {44, 2, 65, RV32_LOAD_COUNT},
        {44, 2, 64, RV32_LOADED}, /* the bytes after the third are zero: PT_NULL */
        /* the text segment: type, offset, address, file bytes, memory bytes, flags */
        {SEGMENT(0), 4, 0, RV32_LOAD_TEXT},
        {SEGMENT(0), 4, 2, RV32_LOAD_KIND},
        {SEGMENT(0), 4, 3, RV32_LOAD_KIND},
        {SEGMENT(0), 4, 7, RV32_LOAD_KIND},
        {SEGMENT(0) + 4, 4, BOX_TEXT_OFFSET + 1, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 4, 4, 0xFFFFFFF0, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 8, 4, BOX_TEXT + 2, RV32_LOAD_TEXT},
        {SEGMENT(0) + 8, 4, 0xFFFC, RV32_LOAD_ADDRESS},
        {SEGMENT(0) + 8, 4, 0, RV32_LOAD_ADDRESS},
        {SEGMENT(0) + 8, 4, RV32_RAM_BASE, RV32_LOAD_DATA},
        {SEGMENT(0) + 8, 4, RV32_RAM_BASE - 8, RV32_LOAD_ADDRESS}, /* reaches over the border */
        {SEGMENT(0) + 8, 4, 0x10000000, RV32_LOAD_ADDRESS},
        {SEGMENT(0) + 8, 4, RV32_INPUT_BASE, RV32_LOAD_ADDRESS},
        {SEGMENT(0) + 8, 4, 0xFFFFFFF8, RV32_LOAD_ADDRESS},
        {SEGMENT(0) + 8, 4, BOX_DATA, RV32_LOAD_OVERLAP},
        {SEGMENT(0) + 8, 4, BOX_DATA - 12, RV32_LOAD_OVERLAP},
        {SEGMENT(0) + 8, 4, BOX_DATA + 60, RV32_LOAD_OVERLAP},
        {SEGMENT(0) + 8, 4, BOX_DATA + 64, RV32_LOAD_ENTRY}, /* it moved, the entry did not */
        {SEGMENT(0) + 16, 4, 17, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 16, 4, 0xFFFFFFFF, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 16, 4, 15, RV32_LOAD_TEXT},
        {SEGMENT(0) + 16, 4, 0, RV32_LOAD_TEXT},
        {SEGMENT(0) + 20, 4, 15, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 20, 4, 20, RV32_LOAD_TEXT}, /* a zero tail is no text */
        {SEGMENT(0) + 20, 4, 0, RV32_LOAD_FILE_RANGE},
        {SEGMENT(0) + 24, 4, 7, RV32_LOAD_TEXT}, /* writable */
        {SEGMENT(0) + 24, 4, 4, RV32_LOAD_TEXT}, /* nothing executable is left */
        {SEGMENT(1) + 24, 4, 5, RV32_LOAD_TEXT}, /* a second text */
        {SEGMENT(1) + 20, 4, 0xFFFFFFFF, RV32_LOAD_ADDRESS},
        {SEGMENT(1) + 20, 4, 0, RV32_LOADED}, /* an empty segment is none */
        {SEGMENT(1) + 20, 4, RV32_RAM_BASE - BOX_DATA, RV32_LOADED},
        {SEGMENT(1) + 20, 4, RV32_RAM_BASE - BOX_DATA + 1, RV32_LOAD_ADDRESS},
        {SEGMENT(2) + 16, 4, 4, RV32_LOAD_DATA}, /* bytes in the zero region */
        {SEGMENT(2) + 24, 4, 7, RV32_LOAD_DATA}, /* code there */
        {SEGMENT(2) + 20, 4, RV32_RAM_BYTES_MAX, RV32_LOADED},
        {SEGMENT(2) + 20, 4, RV32_RAM_BYTES_MAX + 1, RV32_LOAD_ADDRESS},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint8_t elf[FILE_BYTES];
        struct rv32_program p;
        good(elf);
        for (uint32_t k = 0; k < ROWS[i].bytes; k++)
            elf[ROWS[i].offset + k] = (uint8_t)(ROWS[i].value >> 8 * k);
        enum rv32_load got = rv32_program_decode(&p, (struct td_bytes){elf, sizeof elf});
        cr_expect_eq(got, ROWS[i].verdict, "row %zu: %s", i, rv32_load_text(got));
        if (got != RV32_LOADED)
            cr_expect(p.elf.ptr == NULL && p.text_words == 0 && p.fault_offset < FILE_BYTES);
    }
}

Test(rv32_program, nine_segments_are_too_many)
{
    uint8_t elf[FILE_BYTES];
    struct rv32_program p;
    good(elf);
    for (uint32_t i = 3; i < 9; i++)
        put_segment(elf, i, BOX_DATA + 64 * i, 0, 0, 4, 6);
    put16(elf + 44, 8);
    cr_expect_eq(rv32_program_decode(&p, (struct td_bytes){elf, sizeof elf}), RV32_LOADED);
    cr_expect_eq(p.segment_count, 8);
    put16(elf + 44, 9);
    cr_expect_eq(rv32_program_decode(&p, (struct td_bytes){elf, sizeof elf}), RV32_LOAD_COUNT);
}

Test(rv32_program, truncation_at_every_byte_is_refused)
{
    uint8_t elf[FILE_BYTES];
    good(elf);
    for (size_t len = 0; len < FILE_BYTES; len++) {
        struct rv32_program p;
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees a read beyond */
        memcpy(exact, elf, len);
        enum rv32_load got = rv32_program_decode(&p, (struct td_bytes){exact, len});
        cr_assert(got == RV32_LOAD_TRUNCATED || got == RV32_LOAD_FILE_RANGE, "%zu bytes: %s", len,
                  rv32_load_text(got));
        free(exact);
    }
    struct rv32_program p;
    cr_expect_eq(rv32_program_decode(&p, (struct td_bytes){NULL, 0}), RV32_LOAD_TRUNCATED);
}

Test(rv32_program, what_is_accepted_after_a_mutation_can_be_run)
{
    static const uint8_t VALUES[] = {0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x40, 0x7F, 0x80, 0xFF};
    uint32_t accepted = 0;
    for (uint32_t at = 0; at < SEGMENT(3); at++) {
        for (size_t v = 0; v < sizeof VALUES; v++) {
            uint8_t elf[FILE_BYTES];
            struct rv32_program p;
            struct rv32_machine m;
            good(elf);
            elf[at] = VALUES[v];
            if (rv32_program_decode(&p, (struct td_bytes){elf, sizeof elf}) != RV32_LOADED ||
                p.image_bytes > 1u << 22)
                continue;
            accepted++;
            uint32_t ram = p.bss_end - RV32_RAM_BASE;
            if (ram > 1u << 22)
                continue;
            void *memory = calloc(1, rv32_footprint(&p, ram));
            cr_assert_eq(rv32_init(&m, &p, memory, ram, NULL, 0), TD_OK);
            /* A moved or shortened text may end early or hold other bytes of the file. */
            enum rv32_stop stop = rv32_run(&m, 100);
            cr_expect(stop == RV32_STOP_BREAK || stop == RV32_STOP_ILLEGAL || stop == RV32_STOP_PC,
                      "byte %u = %02x: %s", at, VALUES[v], rv32_stop_text(stop));
            free(memory);
        }
    }
    cr_expect_gt(accepted, 500, "some fields do not matter: %u", accepted);
}

/* ---- symbols */

#define SYMBOLS_AT 0x400u /* section headers, symbols and names live between headers and text */

static void put_symbol(uint8_t *elf, uint32_t i, uint32_t name, uint32_t address, uint8_t info)
{
    uint8_t *s = elf + SYMBOLS_AT + 16 * (size_t)i;
    put32(s, name);
    put32(s + 4, address);
    s[12] = info;
}

static void with_symbols(uint8_t elf[FILE_BYTES])
{
    static const char NAMES[] = "\0late\0td_chip_x\0early\0data";
    good(elf);
    put32(elf + 32, 0x300); /* e_shoff */
    put16(elf + 46, 40);
    put16(elf + 48, 3);
    uint8_t *table = elf + 0x300 + 40;
    put32(table + 4, 2);
    put32(table + 16, SYMBOLS_AT);
    put32(table + 20, 16 * 6);
    put32(table + 24, 2);
    put32(table + 40 + 16, 0x500);
    put32(table + 40 + 20, sizeof NAMES);
    memcpy(elf + 0x500, NAMES, sizeof NAMES);
    put_symbol(elf, 1, 1, BOX_TEXT + 12, 0x12);
    put_symbol(elf, 2, 6, BOX_TEXT + 8, 0x12);
    put_symbol(elf, 3, 16, BOX_TEXT + 4, 0x02); /* local functions count */
    put_symbol(elf, 4, 22, BOX_TEXT, 0x11);     /* an object does not */
    put_symbol(elf, 5, 1, BOX_DATA, 0x12);      /* nor what is not in the text */
}

static size_t read_symbols(struct rv32_symbol out[8], const uint8_t *elf, struct rv32_program *p)
{
    cr_assert_eq(rv32_program_decode(p, (struct td_bytes){elf, FILE_BYTES}), RV32_LOADED);
    size_t max = rv32_symbols_count_max(p);
    cr_assert_leq(max, 8);
    return rv32_symbols_decode(out, max, p);
}

Test(rv32_symbols, functions_sorted_and_found)
{
    uint8_t elf[FILE_BYTES];
    struct rv32_program p;
    struct rv32_symbol s[8];
    with_symbols(elf);
    cr_assert_eq(read_symbols(s, elf, &p), 3);
    cr_expect_str_eq(s[0].name, "early");
    cr_expect_str_eq(s[1].name, "td_chip_x");
    cr_expect_str_eq(s[2].name, "late");
    cr_expect_null(rv32_symbol_find(s, 3, BOX_TEXT));
    cr_expect_eq(rv32_symbol_find(s, 3, BOX_TEXT + 4), &s[0]);
    cr_expect_eq(rv32_symbol_find(s, 3, BOX_TEXT + 8), &s[1]);
    cr_expect_eq(rv32_symbol_find(s, 3, 0xFFFFFFFF), &s[2]);
    cr_expect_null(rv32_symbol_find(s, 0, BOX_TEXT));
    cr_expect_eq(rv32_symbols_decode(s, 2, &p), 2, "no more than asked for");
}

Test(rv32_symbols, names_without_a_final_zero_are_not_used)
{
    uint8_t elf[FILE_BYTES];
    struct rv32_program p;
    struct rv32_symbol s[8];
    with_symbols(elf);
    uint8_t *bytes = elf + 0x300 + 40 + 40 + 20; /* sh_size of the names */
    put32(bytes, *bytes - 1u);
    cr_expect_eq(read_symbols(s, elf, &p), 0);
}

Test(rv32_symbols, damage_costs_names_and_nothing_else)
{
    for (uint32_t at = 32; at < 0x520; at++) {
        if (at == 36)
            at = 46; /* other header fields are the loader's business */
        if (at == 52)
            at = 0x300;
        for (uint32_t v = 0; v < 256; v += 15) {
            uint8_t elf[FILE_BYTES];
            struct rv32_program p;
            struct rv32_symbol s[8];
            with_symbols(elf);
            elf[at] = (uint8_t)v;
            size_t count = read_symbols(s, elf, &p);
            for (size_t i = 0; i < count; i++) {
                const char *end = (const char *)elf + FILE_BYTES;
                cr_assert(s[i].name > (const char *)elf && s[i].name < end);
                cr_assert_not_null(memchr(s[i].name, 0, (size_t)(end - s[i].name)));
                cr_assert(i == 0 || s[i - 1].address < s[i].address);
            }
        }
    }
}

Test(rv32_symbols, profile_gives_calls_to_the_function_that_wanted_them)
{
    uint8_t elf[FILE_BYTES];
    struct rv32_program p;
    struct rv32_symbol s[8];
    struct rv32_function f[4];
    with_symbols(elf);
    cr_assert_eq(read_symbols(s, elf, &p), 3);
    uint64_t counts[4] = {1, 10, 30, 20};
    struct rv32_call_site sites[2] = {
        {.pc = BOX_TEXT + 8, .ra = BOX_TEXT + 4, .number = 6, .count = 5}, /* in td_chip_x */
        {.pc = BOX_TEXT + 12, .ra = BOX_TEXT + 4, .number = 1, .count = 7},
    };
    struct rv32_watch w = {.counts = counts, .sites = sites, .site_count = 2, .site_cap = 2};
    const struct rv32_machine m = {.text_address = BOX_TEXT, .text_words = 4};
    rv32_profile_sum(f, s, 3, &m, &w);
    cr_expect(f[0].symbol == &s[1] && f[0].instructions == 30 && f[0].calls[6] == 0);
    cr_expect(f[1].symbol == &s[2] && f[1].instructions == 20 && f[1].calls[1] == 7);
    cr_expect(f[2].symbol == &s[0] && f[2].instructions == 10 && f[2].calls[6] == 5);
    cr_expect(f[3].symbol == NULL && f[3].instructions == 1);
}
