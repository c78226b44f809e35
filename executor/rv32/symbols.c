#include "executor/rv32/symbols.h"

#include "executor/rv32/elf.h"

struct tables {
    const uint8_t *symbols;
    uint32_t symbol_count;
    const uint8_t *names;
    uint32_t name_bytes; /* the last byte is NUL */
};

/* A section's bytes; false when they are not all in the file. */
static bool section_bytes(struct td_bytes elf, const uint8_t *header, const uint8_t **at,
                          uint32_t *len)
{
    uint32_t offset = elf_u32(header + 16);
    *len = elf_u32(header + 20);
    if (offset > elf.len || *len > elf.len - offset)
        return false;
    *at = elf.ptr + offset;
    return true;
}

/* The symbol table and its names; false when there is none that can be used. */
static bool find_tables(struct tables *t, struct td_bytes elf)
{
    uint32_t offset = elf_u32(elf.ptr + 32);
    uint32_t size = elf_u16(elf.ptr + 46);
    uint32_t count = elf_u16(elf.ptr + 48);
    if (size != ELF_SECTION_HEADER_BYTES || offset > elf.len ||
        count * ELF_SECTION_HEADER_BYTES > elf.len - offset)
        return false;
    const uint8_t *headers = elf.ptr + offset;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *h = headers + i * ELF_SECTION_HEADER_BYTES;
        if (elf_u32(h + 4) != ELF_SHT_SYMTAB)
            continue;
        uint32_t link = elf_u32(h + 24);
        uint32_t bytes;
        if (link >= count || !section_bytes(elf, h, &t->symbols, &bytes) ||
            !section_bytes(elf, headers + link * ELF_SECTION_HEADER_BYTES, &t->names,
                           &t->name_bytes))
            return false;
        t->symbol_count = bytes / ELF_SYMBOL_BYTES;
        return t->name_bytes > 0 && t->names[t->name_bytes - 1] == '\0';
    }
    return false;
}

/* A function of the text with a name? */
static bool read_symbol(struct rv32_symbol *out, const struct tables *t, uint32_t index,
                        const struct rv32_program *p)
{
    const uint8_t *s = t->symbols + (size_t)index * ELF_SYMBOL_BYTES;
    uint32_t name = elf_u32(s);
    out->address = elf_u32(s + 4);
    if ((s[12] & 15u) != ELF_STT_FUNC || name >= t->name_bytes || t->names[name] == '\0' ||
        out->address < p->text_address || out->address - p->text_address >= 4 * p->text_words)
        return false;
    out->name = (const char *)t->names + name;
    return true;
}

size_t rv32_symbols_count_max(const struct rv32_program *p)
{
    struct tables t;
    struct rv32_symbol s;
    size_t count = 0;
    if (!find_tables(&t, p->elf))
        return 0;
    for (uint32_t i = 0; i < t.symbol_count; i++)
        count += read_symbol(&s, &t, i, p);
    return count;
}

/* ---- heapsort: in place, n log n whatever the file says */

static void sift_symbols(struct rv32_symbol *a, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && a[child].address < a[child + 1].address)
            child++;
        if (a[at].address >= a[child].address)
            return;
        struct rv32_symbol t = a[at];
        a[at] = a[child];
        a[child] = t;
    }
}

static void sort_symbols(struct rv32_symbol *a, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_symbols(a, i, count);
    for (size_t end = count; end > 1; end--) {
        struct rv32_symbol t = a[0];
        a[0] = a[end - 1];
        a[end - 1] = t;
        sift_symbols(a, 0, end - 1);
    }
}

size_t rv32_symbols_decode(struct rv32_symbol *out, size_t cap, const struct rv32_program *p)
{
    struct tables t;
    size_t count = 0;
    if (!find_tables(&t, p->elf))
        return 0;
    for (uint32_t i = 0; i < t.symbol_count && count < cap; i++)
        count += read_symbol(&out[count], &t, i, p);
    sort_symbols(out, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || out[kept - 1].address != out[i].address)
            out[kept++] = out[i];
    }
    return kept;
}

const struct rv32_symbol *rv32_symbol_find(const struct rv32_symbol *list, size_t count,
                                           uint32_t address)
{
    size_t low = 0; /* first entry above `address` lies in [low, high] */
    size_t high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (list[mid].address <= address)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 ? NULL : &list[low - 1];
}

/* ---- profile */

static const char CHIP_PREFIX[] = "td_chip_";

static bool is_chip_wrapper(const struct rv32_symbol *s)
{
    size_t i = 0;
    while (s != NULL && CHIP_PREFIX[i] != '\0' && s->name[i] == CHIP_PREFIX[i])
        i++;
    return CHIP_PREFIX[i] == '\0';
}

static void sift_functions(struct rv32_function *a, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && a[child].instructions > a[child + 1].instructions)
            child++;
        if (a[at].instructions <= a[child].instructions)
            return;
        struct rv32_function t = a[at];
        a[at] = a[child];
        a[child] = t;
    }
}

static void sort_functions(struct rv32_function *a, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_functions(a, i, count);
    for (size_t end = count; end > 1; end--) {
        struct rv32_function t = a[0];
        a[0] = a[end - 1];
        a[end - 1] = t;
        sift_functions(a, 0, end - 1);
    }
}

void rv32_profile_sum(struct rv32_function *out, const struct rv32_symbol *list, size_t count,
                      const struct rv32_machine *m, const struct rv32_watch *w)
{
    for (size_t i = 0; i <= count; i++)
        out[i] = (struct rv32_function){.symbol = i == 0 ? NULL : &list[i - 1]};
    size_t at = 0; /* out[at] covers the address: both go upwards */
    for (uint32_t i = 0; w->counts != NULL && i < m->text_words; i++) {
        while (at < count && list[at].address <= m->text_address + 4 * i)
            at++;
        out[at].instructions += w->counts[i];
    }
    for (uint32_t i = 0; i < w->site_count; i++) {
        const struct rv32_call_site *s = &w->sites[i];
        const struct rv32_symbol *by = rv32_symbol_find(list, count, s->pc);
        if (is_chip_wrapper(by))
            by = rv32_symbol_find(list, count, s->ra);
        out[by == NULL ? 0 : (size_t)(by - list) + 1].calls[s->number] += s->count;
    }
    sort_functions(out, count + 1);
}
