/* A guest image from a file, loaded and ready to run with an input.  TD_GUEST_DIR and
 * TD_TEST_GUEST_DIR are where the build put them; without the cross compiler they are not there and
 * tests skip. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/rv32/symbols.h"

struct image {
    uint8_t *elf;
    size_t elf_bytes;
    uint8_t *input;
    void *memory;
    struct rv32_program program;
    struct rv32_machine m;
};

/* The bytes of a file; NULL when it cannot be read. */
static inline uint8_t *image_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    *len = 0;
    if (f == NULL)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0) {
        size_t size = (size_t)ftell(f);
        rewind(f);
        bytes = malloc(size);
        if (bytes != NULL)
            *len = fread(bytes, 1, size, f);
    }
    fclose(f);
    return bytes;
}

static inline bool image_open(struct image *i, const char *path, const void *input, size_t len)
{
    *i = (struct image){.elf = NULL};
    i->elf = image_read(path, &i->elf_bytes);
    if (i->elf == NULL ||
        rv32_program_decode(&i->program, (struct td_bytes){i->elf, i->elf_bytes}) != RV32_LOADED)
        return false;
    uint32_t word = (uint32_t)len;
    size_t input_bytes = (4 + len + 3) & ~(size_t)3;
    i->input = calloc(1, input_bytes);
    i->memory = calloc(1, rv32_footprint(&i->program, RV32_RAM_BYTES_MAX));
    memcpy(i->input, &word, 4);
    if (len > 0)
        memcpy(i->input + 4, input, len);
    return rv32_init(&i->m, &i->program, i->memory, RV32_RAM_BYTES_MAX, i->input, input_bytes) ==
           TD_OK;
}

static inline void image_close(struct image *i)
{
    free(i->memory);
    free(i->input);
    free(i->elf);
}
