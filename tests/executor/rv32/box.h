/* For the emulator's tests: an assembler of one function per format, an ELF writer, and a machine
 * with its memory.  The encoders are written from the manual's format drawings, not from decode.c.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "executor/rv32/machine.h"

/* ---- encodings */

static inline uint32_t enc_r(uint32_t funct7, uint32_t funct3, uint32_t rd, uint32_t rs1,
                             uint32_t rs2)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}

static inline uint32_t enc_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1,
                             int32_t imm)
{
    return (uint32_t)imm << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t enc_s(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
    uint32_t v = (uint32_t)imm;
    return (v >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (v & 0x1F) << 7 | 0x23;
}

static inline uint32_t enc_b(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
    uint32_t v = (uint32_t)imm;
    return (v >> 12 & 1) << 31 | (v >> 5 & 0x3F) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 |
           (v >> 1 & 0xF) << 8 | (v >> 11 & 1) << 7 | 0x63;
}

static inline uint32_t enc_u(uint32_t opcode, uint32_t rd, uint32_t imm)
{
    return (imm & UINT32_C(0xFFFFF000)) | rd << 7 | opcode;
}

static inline uint32_t enc_j(uint32_t rd, int32_t imm)
{
    uint32_t v = (uint32_t)imm;
    return (v >> 20 & 1) << 31 | (v >> 1 & 0x3FF) << 21 | (v >> 11 & 1) << 20 |
           (v >> 12 & 0xFF) << 12 | rd << 7 | 0x6F;
}

#define ENC_ECALL UINT32_C(0x00000073)
#define ENC_EBREAK UINT32_C(0x00100073)
#define ENC_LUI(rd, imm) enc_u(0x37, rd, imm)
#define ENC_AUIPC(rd, imm) enc_u(0x17, rd, imm)
#define ENC_ADDI(rd, rs1, imm) enc_i(0x13, 0, rd, rs1, imm)
#define ENC_JALR(rd, rs1, imm) enc_i(0x67, 0, rd, rs1, imm)
#define ENC_LOAD(funct3, rd, rs1, imm) enc_i(0x03, funct3, rd, rs1, imm)
#define ENC_NOP ENC_ADDI(0, 0, 0)

/* Two instructions that put any value into rd. */
static inline void enc_li(uint32_t out[2], uint32_t rd, uint32_t v)
{
    out[0] = ENC_LUI(rd, v + 0x800);
    out[1] = ENC_ADDI(rd, rd, (int32_t)(v & 0xFFF));
}

/* ---- an ELF file: text at 0x10000, `data_bytes` of writable image after it, bss */

#define BOX_TEXT RV32_IMAGE_BASE
#define BOX_TEXT_OFFSET                                                                            \
    0x1000u           /* congruent to the address modulo a page, as user emulators want            \
                       */
#ifndef BOX_WORDS_MAX /* a test of short programs names less, for a smaller image */
#define BOX_WORDS_MAX 40000u
#define BOX_DATA UINT32_C(0x00040000)
#endif
#define BOX_ELF_BYTES (BOX_TEXT_OFFSET + 4 * BOX_WORDS_MAX)

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

/* Program header number i. */
static inline void put_segment(uint8_t *elf, uint32_t i, uint32_t address, uint32_t offset,
                               uint32_t file_bytes, uint32_t memory_bytes, uint32_t flags)
{
    uint8_t *p = elf + 52 + 32 * (size_t)i;
    put32(p, 1);
    put32(p + 4, offset);
    put32(p + 8, address);
    put32(p + 12, address);
    put32(p + 16, file_bytes);
    put32(p + 20, memory_bytes);
    put32(p + 24, flags);
    put32(p + 28, 0x1000);
}

static inline size_t box_elf(uint8_t *elf, const uint32_t *words, size_t count, uint32_t data_bytes,
                             uint32_t bss_bytes)
{
    static const uint8_t IDENTITY[7] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    memset(elf, 0, BOX_TEXT_OFFSET);
    memcpy(elf, IDENTITY, sizeof IDENTITY);
    put16(elf + 16, 2);
    put16(elf + 18, 243);
    put32(elf + 20, 1);
    put32(elf + 24, BOX_TEXT);
    put32(elf + 28, 52);
    put16(elf + 40, 52);
    put16(elf + 42, 32);
    put16(elf + 44, 3);
    put_segment(elf, 0, BOX_TEXT, BOX_TEXT_OFFSET, 4 * (uint32_t)count, 4 * (uint32_t)count, 5);
    put_segment(elf, 1, BOX_DATA, 0, 0, data_bytes, 6);
    put_segment(elf, 2, RV32_RAM_BASE, 0, 0, bss_bytes, 6);
    for (size_t i = 0; i < count; i++)
        put32(elf + BOX_TEXT_OFFSET + 4 * i, words[i]);
    return BOX_TEXT_OFFSET + 4 * count;
}

/* ---- a machine */

struct box {
    uint8_t *elf;
    void *memory;
    uint32_t input[64];
    struct rv32_program program;
    struct rv32_machine m;
};

#define BOX_DATA_BYTES 64u
#define BOX_RAM_BYTES 4096u

/* A machine that will run the words; aborts the test when the image is refused. */
static inline void box_open(struct box *b, const uint32_t *words, size_t count)
{
    *b = (struct box){.elf = malloc(BOX_ELF_BYTES)};
    size_t len = box_elf(b->elf, words, count, BOX_DATA_BYTES, 16);
    if (rv32_program_decode(&b->program, (struct td_bytes){b->elf, len}) != RV32_LOADED)
        abort();
    b->memory = calloc(1, rv32_footprint(&b->program, BOX_RAM_BYTES));
    for (uint32_t i = 0; i < 64; i++)
        b->input[i] = 0x01010101u * (i + 1);
    if (rv32_init(&b->m, &b->program, b->memory, BOX_RAM_BYTES, (uint8_t *)b->input,
                  sizeof b->input) != TD_OK)
        abort();
}

static inline void box_close(struct box *b)
{
    free(b->memory);
    free(b->elf);
}
