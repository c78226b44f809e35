/* The emulator on arbitrary bytes.  First byte even: the rest is an ELF file.  Odd: it is text, run
 * with registers that point near the regions' edges.  Runs are short and bounded; nothing may
 * crash, x0 stays 0, a trap moves no clock, and the watched loop must end exactly like the fast
 * one. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "executor/rv32/symbols.h"

#define BOX_WORDS_MAX 1024u
#define BOX_DATA UINT32_C(0x00012000)
#include "tests/executor/rv32/box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CLK_END 2000u
#define MEMORY_MAX (1u << 17)
#define RAM_BYTES 8192u
#define SYMBOLS_MAX 64u

static const uint32_t START[31] = {RV32_RAM_BASE,
                                   RV32_RAM_BASE + RAM_BYTES - 4,
                                   RV32_INPUT_BASE,
                                   RV32_INPUT_BASE + 252,
                                   BOX_TEXT,
                                   BOX_DATA,
                                   BOX_DATA + 60,
                                   0x80000000,
                                   0xFFFFFFFF,
                                   RV32_RAM_BASE + 64,
                                   RV32_RAM_BASE + 512,
                                   2,
                                   3,
                                   RV32_RAM_BASE + 1024,
                                   16,
                                   15,
                                   6};

struct outcome {
    struct rv32_machine m;
    uint8_t *memory;
    uint32_t input[64];
};

static bool run_one(struct outcome *o, const struct rv32_program *p, struct rv32_watch *w)
{
    uint32_t ram = RAM_BYTES;
    if (p->bss_end - RV32_RAM_BASE > ram)
        ram = p->bss_end - RV32_RAM_BASE;
    if (rv32_footprint(p, 0) > MEMORY_MAX || ram > MEMORY_MAX)
        return false;
    o->memory = calloc(1, rv32_footprint(p, ram));
    for (uint32_t i = 0; i < 64; i++)
        o->input[i] = i * 0x01234567;
    TD_ASSERT(o->memory != NULL);
    enum td_error err = rv32_init(&o->m, p, o->memory, ram, (uint8_t *)o->input, sizeof o->input);
    TD_ASSERT(err == TD_OK);
    memcpy(o->m.x + 1, START, sizeof START);
    enum rv32_stop stop =
        w == NULL ? rv32_run(&o->m, CLK_END) : rv32_run_watched(&o->m, CLK_END, w);
    TD_ASSERT(stop == o->m.stop);
    TD_ASSERT(o->m.x[0] == 0);
    TD_ASSERT(o->m.clk <= CLK_END);
    TD_ASSERT(o->m.clk >= RV32_CLK_FIRST + o->m.call_rows);
    return true;
}

static void run_both(const struct rv32_program *p)
{
    static struct outcome a, b;
    struct rv32_call_site sites[4];
    struct rv32_symbol symbols[SYMBOLS_MAX];
    struct rv32_function functions[SYMBOLS_MAX + 1];
    struct rv32_watch w = {.sites = sites, .site_cap = 4};
    if (!run_one(&a, p, NULL))
        return;
    w.counts = calloc(p->text_words, sizeof *w.counts);
    TD_ASSERT(w.counts != NULL);
    TD_ASSERT(run_one(&b, p, &w));
    TD_ASSERT(a.m.stop == b.m.stop);
    TD_ASSERT(a.m.pc == b.m.pc);
    TD_ASSERT(a.m.clk == b.m.clk);
    TD_ASSERT(memcmp(a.m.x, b.m.x, 32 * sizeof a.m.x[0]) == 0);
    TD_ASSERT(memcmp(a.memory, b.memory, rv32_footprint(p, a.m.ram_bytes)) == 0);
    TD_ASSERT(memcmp(a.input, b.input, sizeof a.input) == 0);
    size_t count = rv32_symbols_decode(symbols, SYMBOLS_MAX, p);
    rv32_profile_sum(functions, symbols, count, &b.m, &w);
    uint64_t sum = 0;
    for (size_t i = 0; i <= count; i++)
        sum += functions[i].instructions;
    TD_ASSERT(sum == rv32_instructions(&b.m));
    free(w.counts);
    free(a.memory);
    free(b.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rv32_program p;
    if (len == 0)
        return 0;
    if (data[0] % 2 == 0) {
        if (rv32_program_decode(&p, (struct td_bytes){data + 1, len - 1}) == RV32_LOADED)
            run_both(&p);
        return 0;
    }
    static uint8_t elf[BOX_ELF_BYTES];
    uint32_t words[BOX_WORDS_MAX];
    size_t count = (len - 1) / 4;
    if (count == 0)
        return 0;
    if (count > BOX_WORDS_MAX)
        count = BOX_WORDS_MAX;
    memcpy(words, data + 1, 4 * count);
    size_t bytes = box_elf(elf, words, count, BOX_DATA_BYTES, 16);
    enum rv32_load verdict = rv32_program_decode(&p, (struct td_bytes){elf, bytes});
    TD_ASSERT(verdict == RV32_LOADED);
    run_both(&p);
    return 0;
}
