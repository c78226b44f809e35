/* Sizes, constants and unaligned reads of ELF32, little-endian; shared by program.c and symbols.c.
 * Source: System V ABI, "Object Files". */
#pragma once

#include <stdint.h>

#define ELF_HEADER_BYTES 52u
#define ELF_PROGRAM_HEADER_BYTES 32u
#define ELF_SECTION_HEADER_BYTES 40u
#define ELF_SYMBOL_BYTES 16u

#define ELF_PT_LOAD 1u
#define ELF_PT_DYNAMIC 2u
#define ELF_PT_INTERP 3u
#define ELF_PT_TLS 7u
#define ELF_FLAG_X 1u
#define ELF_FLAG_W 2u
#define ELF_SHT_SYMTAB 2u
#define ELF_STT_FUNC 2u

static inline uint32_t elf_u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t elf_u32(const uint8_t *p)
{
    return elf_u16(p) | elf_u16(p + 2) << 16;
}
