/* Function names of a guest image, and the profile that is told by them.
 *
 * 1. Names are for people: a damaged symbol table gives fewer names, nothing else.
 * 2. A list is sorted by address, each address once; a symbol covers the addresses up to the next
 *    one's, so that hand-written code without a size keeps its name. */
#pragma once

#include "executor/rv32/machine.h"
#include "executor/rv32/program.h"

struct rv32_symbol {
    uint32_t address;
    const char *name; /* in the ELF file, NUL-terminated there */
};

/* Number of entries rv32_symbols_decode may fill for this program. */
size_t rv32_symbols_count_max(const struct rv32_program *p);

/* Fill out[0 .. returned) with the functions of the text; at most `cap`.  Cost: n log n. */
size_t rv32_symbols_decode(struct rv32_symbol *out, size_t cap, const struct rv32_program *p);

/* The symbol that covers `address`, or NULL when none starts at or below it. */
const struct rv32_symbol *rv32_symbol_find(const struct rv32_symbol *list, size_t count,
                                           uint32_t address);

/* Exclusive figures of one function. */
struct rv32_function {
    const struct rv32_symbol *symbol; /* NULL: text below the first symbol */
    uint64_t instructions;
    uint64_t calls[RV32_CALL_COUNT];
};

/* Sum the per-address counts of an observed run (rv32_watch.counts and .sites) into
 * out[0 .. count + 1), greatest first; the entry without symbol is among them.  A chip call made by
 * a function named td_chip_* counts for the function it returns to. */
void rv32_profile_sum(struct rv32_function *out, const struct rv32_symbol *list, size_t count,
                      const struct rv32_machine *m, const struct rv32_watch *w);
