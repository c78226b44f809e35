/* The proof machine, run but not proven: what the prover will prove is what this does.  [prover]
 *
 *     ELF ─rv32_program_decode─▶ program ─rv32_init─▶ machine ─rv32_run─▶ stop
 *                                                       ▲                  │ RV32_STOP_LIMIT:
 *                                                       └── run again ◀────┘ goes on where it was
 *
 *     0x0000_0000  unmapped                          caller's memory
 *     0x0001_0000  image (text is read-only) ──────▶ decoded text | image | zero region
 *     0x0800_0000  zero region: bss, arenas, stack ──────────────────────┘
 *     0x1000_0000  unmapped
 *     0x2000_0000  input ──────────────────────────▶ caller's input, may be written by the guest
 *     0x4000_0000  unmapped: not an address of the machine
 *
 * 1. Pure: no allocation, no I/O; two machines share nothing.  The host is little-endian.
 * 2. Every stop other than RV32_STOP_HALT and RV32_STOP_LIMIT is a trap: the run cannot be proven.
 *    pc is then the instruction at fault, which had no effect on registers or memory.
 * 3. x[0] is 0 before and after every instruction.
 * 4. Time: the first instruction has clk 1; an instruction takes one clk, a call of r rows 1 + r.
 *    Nothing executes at or beyond the clk limit.  The proof's own limit is RV32_CLK_END.
 * 5. Stricter than the proof, which costs no soundness: stores to the text and accesses beyond the
 *    given memory or input trap here, and could be proven by somebody who alters this program. */
#pragma once

#include "base/core/types.h"
#include "executor/chips.h"
#include "executor/rv32/decode.h"
#include "executor/rv32/program.h"

#define RV32_CLK_FIRST 1u
#define RV32_CLK_END (UINT64_C(1) << 27) /* timestamps 4 * clk + sub stay below 2^29 */

#define RV32_CALL_COUNT 9u       /* numbers 0..8: enum td_chip */
#define RV32_OUTPUT_WORDS 9u     /* halt publishes them */
#define RV32_PATH_LEVELS_MAX 32u /* index has 32 bits */

#define RV32_STOP_LIST(X)                                                                          \
    X(RV32_STOP_HALT, "halted")                                                                    \
    X(RV32_STOP_LIMIT, "the clk limit was reached")                                                \
    X(RV32_STOP_ILLEGAL, "illegal instruction")                                                    \
    X(RV32_STOP_BREAK, "ebreak: a failed assertion")                                               \
    X(RV32_STOP_PC_ALIGN, "jump to an address that is not a multiple of 4")                        \
    X(RV32_STOP_PC, "execution outside the text")                                                  \
    X(RV32_STOP_LOAD_ALIGN, "misaligned load")                                                     \
    X(RV32_STOP_LOAD, "load from an unmapped address")                                             \
    X(RV32_STOP_STORE_ALIGN, "misaligned store")                                                   \
    X(RV32_STOP_STORE, "store to an unmapped address")                                             \
    X(RV32_STOP_STORE_TEXT, "store to the text")                                                   \
    X(RV32_STOP_CALL, "unknown call number")                                                       \
    X(RV32_STOP_CALL_ALIGN, "call with a pointer that is not a multiple of 4")                     \
    X(RV32_STOP_CALL_LOAD, "call with an operand outside the mapped memory")                       \
    X(RV32_STOP_CALL_STORE, "call with an output outside the writable memory")                     \
    X(RV32_STOP_CALL_COUNT, "call with a count that is zero or too large")                         \
    X(RV32_STOP_CALL_FIELD, "call with a word that is not a canonical field element")              \
    X(RV32_STOP_CALL_MODULUS, "modular multiplication with modulus zero")                          \
    X(RV32_STOP_CALL_POINT, "curve operation on equal x, infinity or a non-canonical coordinate")

#define RV32_STOP_ENUM(name, text) name,
enum rv32_stop { RV32_STOP_LIST(RV32_STOP_ENUM) RV32_STOP_COUNT };
#undef RV32_STOP_ENUM

struct rv32_machine {
    uint32_t x[33]; /* x[32] takes the writes to x0; meaningless */
    uint32_t pc;
    uint64_t clk;
    uint64_t calls[RV32_CALL_COUNT]; /* finished, by number */
    uint64_t call_rows; /* of all calls: clk - RV32_CLK_FIRST - call_rows instructions */

    enum rv32_stop stop;                /* of the latest run */
    uint32_t fault;                     /* the address, target, word or call number at fault */
    uint32_t output[RV32_OUTPUT_WORDS]; /* after RV32_STOP_HALT */

    /* Borrowed memory; sizes are multiples of 4. */
    struct rv32_insn *code; /* text_words + 1, in the form the loop runs */
    uint32_t text_address, text_words;
    uint8_t *image;
    uint32_t image_bytes;
    uint8_t *ram;
    uint32_t ram_bytes;
    uint8_t *input;
    uint32_t input_bytes;
};

/* ---- life */

/* Bytes of caller memory for `p` with a zero region of ram_bytes (rounded up to a word, at most
 * RV32_RAM_BYTES_MAX; a real guest's stack wants all of it). */
size_t rv32_footprint(const struct rv32_program *p, uint32_t ram_bytes);

/* Set up a run from the entry point.
 *
 * memory  borrowed, rv32_footprint bytes, 16-byte aligned, ALL ZERO: a fresh mapping of the
 *         operating system costs nothing where the guest does not write
 * input   borrowed, aligned to 4, input_bytes a multiple of 4 and at most RV32_INPUT_BYTES_MAX
 * Returns TD_E_RANGE when the input is misaligned or too large or the bss exceeds ram_bytes. */
TD_MUST_CHECK enum td_error rv32_init(struct rv32_machine *m, const struct rv32_program *p,
                                      void *memory, uint32_t ram_bytes, uint8_t *input,
                                      size_t input_bytes);

/* Execute while clk < clk_end.  Cost: a few nanoseconds per clk; calls cost what their rows do. */
enum rv32_stop rv32_run(struct rv32_machine *m, uint64_t clk_end);

/* Instructions executed so far, ecalls included, calls' rows not. */
uint64_t rv32_instructions(const struct rv32_machine *m);

const char *rv32_stop_text(enum rv32_stop stop);

/* ---- observation: a second instantiation of the loop, several times slower */

/* One executed instruction. */
struct rv32_row {
    uint64_t clk;
    uint32_t pc, word, next_pc;
    struct rv32_insn insn;
    uint32_t rs1, rs2;            /* values read; of x0 where the instruction has no such operand */
    uint32_t rd_before, rd_after; /* of x0: 0 */
    uint32_t address;             /* loads and stores: of the aligned word, otherwise 0 */
    uint32_t mem_before, mem_after; /* that word */
};

struct rv32_watch {
    void *self;
    /* After each instruction; an ecall's row comes after its call.  NULL: not wanted. */
    void (*row)(void *self, const struct rv32_row *row);
    /* Around each call: arguments in m->x, operands in m's memory; `done` the second time.  NULL:
     * not wanted.  A halt has done = true too. */
    void (*call)(void *self, const struct rv32_machine *m, uint32_t number, uint32_t rows,
                 bool done);
    /* Executions per text word, [text_words]; NULL: not wanted. */
    uint64_t *counts;
    /* Finished calls per site; sites beyond site_cap are dropped and counted in sites_lost. */
    struct rv32_call_site *sites;
    uint32_t site_count, site_cap;
    uint64_t sites_lost;
};

struct rv32_call_site {
    uint32_t pc, ra; /* of the ecall; and where its function, if a leaf, returns to */
    uint32_t number;
    uint64_t count;
};

enum rv32_stop rv32_run_watched(struct rv32_machine *m, uint64_t clk_end, struct rv32_watch *w);

/* ---- memory, for calls, observers and tests */

/* The bytes [address, address + len) if one region holds them all, else NULL; with `write` also
 * NULL when they touch the text.  len 0 asks for the address itself to be mapped. */
uint8_t *rv32_memory_at(const struct rv32_machine *m, uint32_t address, uint64_t len, bool write);
