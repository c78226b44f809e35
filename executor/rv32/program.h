/* A guest image: a statically linked ELF32 executable, checked field by field before use.
 * Source: the System V ABI's "Object Files" (ELF), and the RISC-V ELF psABI for e_flags.  [prover]
 *
 *     0x0001_0000  image: every loaded byte; the gaps between segments are zero words of the image
 *                  └─ text: the one executable segment
 *     0x0800_0000  zero-initialised segments (bss): nothing to load
 *
 * 1. Only program headers decide; sections are read for symbols alone (symbols.h), and damage to
 *    them costs names in reports, never the run.
 * 2. A program that was accepted needs no further check: its segments lie in their regions and do
 *    not overlap, text and entry are word aligned, the entry is in the text.
 * 3. The image is the contiguous range from RV32_IMAGE_BASE to the end of the last segment there,
 *    rounded up to a word: this is what the preprocessed memory table commits to. */
#pragma once

#include <stdint.h>

#include "base/core/types.h"

#define RV32_IMAGE_BASE UINT32_C(0x00010000)
#define RV32_RAM_BASE UINT32_C(0x08000000)
#define RV32_RAM_BYTES_MAX UINT32_C(0x08000000)
#define RV32_INPUT_BASE UINT32_C(0x20000000)
#define RV32_INPUT_BYTES_MAX UINT32_C(0x20000000)

#define RV32_SEGMENTS_MAX 8u /* a linker makes two to four */

#define RV32_LOAD_LIST(X)                                                                          \
    X(RV32_LOADED, "loaded")                                                                       \
    X(RV32_LOAD_TRUNCATED, "the file ends inside a header")                                        \
    X(RV32_LOAD_MAGIC, "not an ELF file")                                                          \
    X(RV32_LOAD_CLASS, "not a 32-bit little-endian ELF file of version 1")                         \
    X(RV32_LOAD_TYPE, "not a statically linked executable (ET_EXEC)")                              \
    X(RV32_LOAD_MACHINE, "not for RISC-V, or for compressed, floating-point or RV32E code")        \
    X(RV32_LOAD_HEADER, "a header size is not the one of ELF32")                                   \
    X(RV32_LOAD_COUNT, "no program header, or more than 64 of them, or 8 segments")                \
    X(RV32_LOAD_KIND, "the file wants dynamic linking or thread-local storage")                    \
    X(RV32_LOAD_FILE_RANGE, "a segment's bytes lie outside the file, or exceed its memory")        \
    X(RV32_LOAD_ADDRESS, "a segment lies outside the image and the zero-initialised region")       \
    X(RV32_LOAD_DATA, "a segment in the zero-initialised region has bytes to load")                \
    X(RV32_LOAD_OVERLAP, "two segments overlap")                                                   \
    X(RV32_LOAD_TEXT, "not exactly one executable segment, word aligned and not writable")         \
    X(RV32_LOAD_ENTRY, "the entry point is not an instruction of the text")

#define RV32_LOAD_ENUM(name, text) name,
enum rv32_load { RV32_LOAD_LIST(RV32_LOAD_ENUM) RV32_LOAD_COUNT_OF };
#undef RV32_LOAD_ENUM

struct rv32_segment {
    uint32_t address;
    uint32_t memory_bytes; /* > 0 */
    uint32_t file_offset;
    uint32_t file_bytes; /* <= memory_bytes; the rest is zero */
    bool executable;
};

struct rv32_program {
    struct td_bytes elf; /* borrowed for as long as the program is used */
    struct rv32_segment segments[RV32_SEGMENTS_MAX];
    uint32_t segment_count;
    uint32_t entry;
    uint32_t text_address, text_words; /* words with bytes in the file; > 0 */
    uint32_t image_bytes;              /* from RV32_IMAGE_BASE; multiple of 4 */
    uint32_t bss_end;                  /* first address above the last zero-initialised segment */
    uint32_t fault_offset;             /* file offset of the header field a refusal is about */
};

/* Read and check a file.  Borrows elf.ptr[0 .. elf.len).  On refusal *out is zero but for
 * fault_offset.  Cost: linear in the number of program headers (at most 64). */
TD_MUST_CHECK enum rv32_load rv32_program_decode(struct rv32_program *out, struct td_bytes elf);

/* Text for people; static storage, never NULL. */
const char *rv32_load_text(enum rv32_load verdict);
