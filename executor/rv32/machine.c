#include "executor/rv32/machine.h"

#include "base/core/assert.h"
#include "executor/rv32/calls.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guest memory is used in place");

/* Operations that exist only in the decoded text. */
enum {
    LOOP_END = RV32_OP_COUNT, /* one past the text */
    LOOP_JAL_OUT,             /* a jump whose target is not an instruction; imm in bytes */
    LOOP_BRANCH_OUT,          /* the same for a branch; rd = the branch's operation */
    LOOP_OP_COUNT,
};

#define SINK 32u /* register that takes the writes to x0 */

static uint32_t round_up(uint32_t v)
{
    return (v + 3) & ~UINT32_C(3);
}

static uint32_t rotate_right(uint32_t v, unsigned n)
{
    return v >> n | v << ((32 - n) & 31);
}

/* The sign is copied in; >> of a negative value is left to the implementation. */
static uint32_t shift_right_signed(uint32_t v, uint32_t n)
{
    uint32_t fill = UINT32_C(0) - (v >> 31);
    return (v ^ fill) >> n ^ fill;
}

/* ---- set-up */

static bool is_text_address(const struct rv32_machine *m, uint32_t address)
{
    return rotate_right(address - m->text_address, 2) < m->text_words;
}

/* The form that the loop runs: no x0 as destination, targets counted in instructions. */
static void prepare(struct rv32_machine *m, uint32_t index)
{
    struct rv32_insn *i = &m->code[index];
    uint32_t pc = m->text_address + 4 * index;
    uint32_t word;

    memcpy(&word, m->image + (pc - RV32_IMAGE_BASE), sizeof word);
    rv32_decode(i, word);
    if (i->op == RV32_AUIPC) {
        i->op = RV32_LUI;
        i->imm = (int32_t)(pc + (uint32_t)i->imm);
    } else if (i->op >= RV32_BEQ && i->op <= RV32_BGEU) {
        if (is_text_address(m, pc + (uint32_t)i->imm)) {
            i->imm /= 4;
        } else {
            i->rd = i->op;
            i->op = LOOP_BRANCH_OUT;
            return;
        }
    } else if (i->op == RV32_JAL) {
        if (is_text_address(m, pc + (uint32_t)i->imm))
            i->imm /= 4;
        else
            i->op = LOOP_JAL_OUT;
    }
    if (i->rd == 0)
        i->rd = SINK;
}

static size_t code_bytes(const struct rv32_program *p)
{
    return ((size_t)p->text_words + 1) * sizeof(struct rv32_insn);
}

size_t rv32_footprint(const struct rv32_program *p, uint32_t ram_bytes)
{
    return code_bytes(p) + p->image_bytes + round_up(ram_bytes);
}

enum td_error rv32_init(struct rv32_machine *m, const struct rv32_program *p, void *memory,
                        uint32_t ram_bytes, uint8_t *input, size_t input_bytes)
{
    TD_ASSERT((uintptr_t)memory % 16 == 0);
    TD_ASSERT(ram_bytes <= RV32_RAM_BYTES_MAX);
    *m = (struct rv32_machine){.stop = RV32_STOP_LIMIT};
    if (input_bytes > RV32_INPUT_BYTES_MAX || input_bytes % 4 != 0 || (uintptr_t)input % 4 != 0 ||
        p->bss_end - RV32_RAM_BASE > ram_bytes)
        return TD_E_RANGE;
    m->pc = p->entry;
    m->clk = RV32_CLK_FIRST;
    m->code = memory;
    m->text_address = p->text_address;
    m->text_words = p->text_words;
    m->image = (uint8_t *)memory + code_bytes(p);
    m->image_bytes = p->image_bytes;
    m->ram = m->image + p->image_bytes;
    m->ram_bytes = round_up(ram_bytes);
    m->input = input;
    m->input_bytes = (uint32_t)input_bytes;
    for (uint32_t i = 0; i < p->segment_count; i++) {
        const struct rv32_segment *s = &p->segments[i];
        if (s->file_bytes != 0)
            memcpy(m->image + (s->address - RV32_IMAGE_BASE), p->elf.ptr + s->file_offset,
                   s->file_bytes);
    }
    for (uint32_t i = 0; i < p->text_words; i++)
        prepare(m, i);
    m->code[p->text_words] = (struct rv32_insn){.op = LOOP_END, .rd = SINK};
    return TD_OK;
}

uint64_t rv32_instructions(const struct rv32_machine *m)
{
    return m->clk - RV32_CLK_FIRST - m->call_rows;
}

const char *rv32_stop_text(enum rv32_stop stop)
{
#define TEXT(name, text) text,
    static const char *const TEXTS[] = {RV32_STOP_LIST(TEXT)};
#undef TEXT
    return (unsigned)stop < RV32_STOP_COUNT ? TEXTS[stop] : "unknown stop";
}

/* ---- memory */

static bool touches_text(const struct rv32_machine *m, uint32_t address, uint64_t len)
{
    return address < m->text_address + 4 * m->text_words && address + len > m->text_address;
}

/* Is [address, address + len) inside the region?  An address itself is checked even for len 0. */
static bool inside(uint32_t address, uint64_t len, uint32_t base, uint32_t size)
{
    uint32_t offset = address - base;
    return offset < size && len <= size - offset;
}

uint8_t *rv32_memory_at(const struct rv32_machine *m, uint32_t address, uint64_t len, bool write)
{
    if (inside(address, len, RV32_RAM_BASE, m->ram_bytes))
        return m->ram + (address - RV32_RAM_BASE);
    if (inside(address, len, RV32_INPUT_BASE, m->input_bytes))
        return m->input + (address - RV32_INPUT_BASE);
    if (inside(address, len, RV32_IMAGE_BASE, m->image_bytes) &&
        !(write && touches_text(m, address, len)))
        return m->image + (address - RV32_IMAGE_BASE);
    return NULL;
}

/* What the loop does beyond the zero region, and for every fault. */
static __attribute__((noinline)) const uint8_t *slow_load(struct rv32_machine *m, uint32_t address,
                                                          uint32_t len)
{
    const uint8_t *p = NULL;
    m->fault = address;
    if (address % len != 0)
        m->stop = RV32_STOP_LOAD_ALIGN;
    else if ((p = rv32_memory_at(m, address, len, false)) == NULL)
        m->stop = RV32_STOP_LOAD;
    return p;
}

static __attribute__((noinline)) uint8_t *slow_store(struct rv32_machine *m, uint32_t address,
                                                     uint32_t len)
{
    uint8_t *p = NULL;
    m->fault = address;
    if (address % len != 0)
        m->stop = RV32_STOP_STORE_ALIGN;
    else if ((p = rv32_memory_at(m, address, len, true)) == NULL)
        m->stop = touches_text(m, address, len) ? RV32_STOP_STORE_TEXT : RV32_STOP_STORE;
    return p;
}

/* ---- odds and ends of the loop */

static void stop_jump(struct rv32_machine *m, uint32_t target)
{
    m->stop = target % 4 != 0 ? RV32_STOP_PC_ALIGN : RV32_STOP_PC;
    m->fault = target;
}

/* The original word of a decoded instruction; 0 past the end of the text. */
static uint32_t word_at(const struct rv32_machine *m, const struct rv32_insn *ip)
{
    uint32_t index = (uint32_t)(ip - m->code);
    uint32_t word = 0;
    if (index < m->text_words)
        memcpy(&word, m->image + (m->text_address - RV32_IMAGE_BASE) + 4 * (size_t)index,
               sizeof word);
    return word;
}

static bool branch_taken(unsigned op, uint32_t a, uint32_t b)
{
    bool less = op == RV32_BLT || op == RV32_BGE ? (int32_t)a < (int32_t)b : a < b;
    switch (op) {
    case RV32_BEQ:
        return a == b;
    case RV32_BNE:
        return a != b;
    case RV32_BLT:
    case RV32_BLTU:
        return less;
    default: /* RV32_BGE, RV32_BGEU */
        return !less;
    }
}

static uint32_t value_of(const struct rv32_machine *m, uint32_t address)
{
    uint32_t word = 0;
    const uint8_t *p = rv32_memory_at(m, address, sizeof word, false);
    if (p != NULL)
        memcpy(&word, p, sizeof word);
    return word;
}

static void watch_begin(const struct rv32_machine *m, const struct rv32_insn *ip, uint64_t clk,
                        struct rv32_row *row)
{
    *row = (struct rv32_row){
        .clk = clk, .pc = m->text_address + 4 * (uint32_t)(ip - m->code), .word = word_at(m, ip)};
    rv32_decode(&row->insn, row->word);
    row->rs1 = m->x[row->insn.rs1];
    row->rs2 = m->x[row->insn.rs2];
    row->rd_before = m->x[row->insn.rd];
    if (row->insn.op >= RV32_LB && row->insn.op <= RV32_SW) {
        row->address = (row->rs1 + (uint32_t)row->insn.imm) & ~UINT32_C(3);
        row->mem_before = value_of(m, row->address);
    }
}

static void watch_end(const struct rv32_machine *m, const struct rv32_insn *ip,
                      struct rv32_watch *w, struct rv32_row *row)
{
    if (w->counts != NULL)
        w->counts[(row->pc - m->text_address) / 4]++;
    if (w->row == NULL)
        return;
    row->next_pc = m->text_address + 4 * (uint32_t)(ip - m->code);
    row->rd_after = m->x[row->insn.rd];
    if (row->address != 0)
        row->mem_after = value_of(m, row->address);
    w->row(w->self, row);
}

static void watch_call(const struct rv32_machine *m, struct rv32_watch *w, uint32_t rows, bool done)
{
    uint32_t number = m->x[17];
    if (w->call != NULL)
        w->call(w->self, m, number, rows, done);
    if (!done || w->sites == NULL)
        return;
    /* Few places call, and mostly the same as last time: newest first. */
    for (uint32_t i = w->site_count; i-- > 0;) {
        struct rv32_call_site *s = &w->sites[i];
        if (s->pc == m->pc && s->ra == m->x[1] && s->number == number) {
            s->count++;
            return;
        }
    }
    if (w->site_count == w->site_cap) {
        w->sites_lost++;
        return;
    }
    w->sites[w->site_count++] =
        (struct rv32_call_site){.pc = m->pc, .ra = m->x[1], .number = number, .count = 1};
}

/* Labels as values are a GNU extension; both compilers of the project have them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#define RV32_WATCHED 0
#include "executor/rv32/loop.h"
#undef RV32_WATCHED
#define RV32_WATCHED 1
#include "executor/rv32/loop.h"
#undef RV32_WATCHED
#pragma GCC diagnostic pop
