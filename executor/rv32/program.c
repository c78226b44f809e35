#include "executor/rv32/program.h"

#include "executor/rv32/elf.h"

#define PROGRAM_HEADERS_MAX 64u

_Static_assert(RV32_RAM_BASE + RV32_RAM_BYTES_MAX == UINT32_C(0x10000000), "memory map");
_Static_assert(RV32_INPUT_BASE + RV32_INPUT_BYTES_MAX == UINT32_C(1) << 30, "memory map");

static enum rv32_load check_identity(const struct td_bytes elf, uint32_t *at)
{
    static const uint8_t MAGIC[4] = {0x7F, 'E', 'L', 'F'};
    static const struct {
        uint32_t offset;
        uint32_t bytes;
        uint32_t value;
        enum rv32_load verdict;
    } FIELDS[] = {
        {4, 1, 1, RV32_LOAD_CLASS},      /* ELFCLASS32 */
        {5, 1, 1, RV32_LOAD_CLASS},      /* little-endian */
        {6, 1, 1, RV32_LOAD_CLASS},      /* EV_CURRENT */
        {16, 2, 2, RV32_LOAD_TYPE},      /* ET_EXEC */
        {18, 2, 243, RV32_LOAD_MACHINE}, /* EM_RISCV */
        {20, 4, 1, RV32_LOAD_CLASS},     /* EV_CURRENT */
        {36, 4, 0, RV32_LOAD_MACHINE},   /* e_flags: no C, soft-float ABI, no RVE, no TSO */
        {40, 2, ELF_HEADER_BYTES, RV32_LOAD_HEADER},
        {42, 2, ELF_PROGRAM_HEADER_BYTES, RV32_LOAD_HEADER},
    };
    *at = 0;
    if (elf.len < ELF_HEADER_BYTES)
        return elf.len >= 4 && memcmp(elf.ptr, MAGIC, 4) != 0 ? RV32_LOAD_MAGIC
                                                              : RV32_LOAD_TRUNCATED;
    if (memcmp(elf.ptr, MAGIC, 4) != 0)
        return RV32_LOAD_MAGIC;
    for (uint32_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        const uint8_t *p = elf.ptr + FIELDS[i].offset;
        uint32_t v = FIELDS[i].bytes == 1 ? p[0] : FIELDS[i].bytes == 2 ? elf_u16(p) : elf_u32(p);
        *at = FIELDS[i].offset;
        if (v != FIELDS[i].value)
            return FIELDS[i].verdict;
    }
    return RV32_LOADED;
}

/* Wholly inside [base, base + size)? */
static bool lies_in(const struct rv32_segment *s, uint32_t base, uint32_t size)
{
    return s->address >= base && s->address - base <= size &&
           s->memory_bytes <= size - (s->address - base);
}

static enum rv32_load check_place(struct rv32_program *p, const struct rv32_segment *s)
{
    if (lies_in(s, RV32_IMAGE_BASE, RV32_RAM_BASE - RV32_IMAGE_BASE)) {
        /* Cannot pass RV32_RAM_BASE, which is a multiple of 4. */
        uint32_t end = (s->address - RV32_IMAGE_BASE + s->memory_bytes + 3) & ~UINT32_C(3);
        if (end > p->image_bytes)
            p->image_bytes = end;
        return RV32_LOADED;
    }
    if (!lies_in(s, RV32_RAM_BASE, RV32_RAM_BYTES_MAX))
        return RV32_LOAD_ADDRESS;
    if (s->file_bytes != 0 || s->executable)
        return RV32_LOAD_DATA;
    if (s->address + s->memory_bytes > p->bss_end)
        p->bss_end = s->address + s->memory_bytes;
    return RV32_LOADED;
}

static enum rv32_load check_overlap(const struct rv32_program *p, const struct rv32_segment *s)
{
    for (uint32_t i = 0; i < p->segment_count; i++) {
        const struct rv32_segment *t = &p->segments[i];
        if (s->address < t->address + t->memory_bytes && t->address < s->address + s->memory_bytes)
            return RV32_LOAD_OVERLAP;
    }
    return RV32_LOADED;
}

static enum rv32_load check_text(struct rv32_program *p, const struct rv32_segment *s,
                                 uint32_t flags)
{
    if (!s->executable)
        return RV32_LOADED;
    /* The zero tail of a text segment would be text without instructions. */
    if (p->text_words != 0 || (flags & ELF_FLAG_W) != 0 || s->address % 4 != 0 ||
        s->file_bytes % 4 != 0 || s->file_bytes == 0 || s->file_bytes != s->memory_bytes)
        return RV32_LOAD_TEXT;
    p->text_address = s->address;
    p->text_words = s->file_bytes / 4;
    return RV32_LOADED;
}

static enum rv32_load add_segment(struct rv32_program *p, const uint8_t *header)
{
    uint32_t flags = elf_u32(header + 24);
    struct rv32_segment s = {.file_offset = elf_u32(header + 4),
                             .address = elf_u32(header + 8),
                             .file_bytes = elf_u32(header + 16),
                             .memory_bytes = elf_u32(header + 20),
                             .executable = (flags & ELF_FLAG_X) != 0};
    if (s.file_bytes > s.memory_bytes || s.file_offset > p->elf.len ||
        s.file_bytes > p->elf.len - s.file_offset)
        return RV32_LOAD_FILE_RANGE;
    if (s.memory_bytes == 0)
        return RV32_LOADED;
    if (p->segment_count == RV32_SEGMENTS_MAX)
        return RV32_LOAD_COUNT;
    enum rv32_load verdict = check_place(p, &s);
    if (verdict == RV32_LOADED)
        verdict = check_overlap(p, &s);
    if (verdict == RV32_LOADED)
        verdict = check_text(p, &s, flags);
    if (verdict == RV32_LOADED)
        p->segments[p->segment_count++] = s;
    return verdict;
}

static enum rv32_load read_headers(struct rv32_program *p, uint32_t *at)
{
    uint32_t offset = elf_u32(p->elf.ptr + 28);
    uint32_t count = elf_u16(p->elf.ptr + 44);
    *at = 44;
    if (count == 0 || count > PROGRAM_HEADERS_MAX)
        return RV32_LOAD_COUNT;
    *at = 28;
    if (offset > p->elf.len || count * ELF_PROGRAM_HEADER_BYTES > p->elf.len - offset)
        return RV32_LOAD_TRUNCATED;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *header = p->elf.ptr + offset + i * ELF_PROGRAM_HEADER_BYTES;
        uint32_t type = elf_u32(header);
        enum rv32_load verdict = RV32_LOADED;
        *at = offset + i * ELF_PROGRAM_HEADER_BYTES;
        if (type == ELF_PT_DYNAMIC || type == ELF_PT_INTERP || type == ELF_PT_TLS)
            verdict = RV32_LOAD_KIND;
        else if (type == ELF_PT_LOAD)
            verdict = add_segment(p, header);
        if (verdict != RV32_LOADED)
            return verdict;
    }
    *at = 44;
    if (p->text_words == 0)
        return RV32_LOAD_TEXT;
    *at = 24;
    p->entry = elf_u32(p->elf.ptr + 24);
    if (p->entry % 4 != 0 || p->entry < p->text_address ||
        p->entry - p->text_address >= 4 * p->text_words)
        return RV32_LOAD_ENTRY;
    return RV32_LOADED;
}

enum rv32_load rv32_program_decode(struct rv32_program *out, struct td_bytes elf)
{
    uint32_t at;
    *out = (struct rv32_program){.elf = elf, .bss_end = RV32_RAM_BASE};
    enum rv32_load verdict = check_identity(elf, &at);
    if (verdict == RV32_LOADED)
        verdict = read_headers(out, &at);
    if (verdict != RV32_LOADED)
        *out = (struct rv32_program){.fault_offset = at};
    return verdict;
}

const char *rv32_load_text(enum rv32_load verdict)
{
#define TEXT(name, text) text,
    static const char *const TEXTS[] = {RV32_LOAD_LIST(TEXT)};
#undef TEXT
    return (unsigned)verdict < RV32_LOAD_COUNT_OF ? TEXTS[verdict] : "unknown verdict";
}
