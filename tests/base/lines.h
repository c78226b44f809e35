/* Reading the text that vectors.py writes: one case per line, fields separated by one space. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/core/hex.h"

#define LINE_MAX_BYTES 65536u

/* Open the file vectors.py prepared.  Run by hand without it, the test says so and skips. */
static inline FILE *lines_open(void)
{
    const char *path = getenv("TD_VECTOR_FILE");
    if (path == NULL)
        cr_skip_test("TD_VECTOR_FILE is not set; meson runs this through vectors.py");
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    return f;
}

/* Next line without its newline, or false at the end. */
static inline bool lines_next(FILE *f, char line[LINE_MAX_BYTES])
{
    if (fgets(line, LINE_MAX_BYTES, f) == NULL)
        return false;
    size_t len = strlen(line);
    cr_assert(len > 0 && line[len - 1] == '\n', "line longer than the buffer");
    line[len - 1] = '\0';
    return true;
}

/* Next field of `*cursor`, or NULL when none is left. */
static inline char *lines_field(char **cursor)
{
    char *field = *cursor;
    char *space = field == NULL ? NULL : strchr(field, ' ');
    if (space != NULL)
        *space = '\0';
    *cursor = space == NULL ? NULL : space + 1;
    return field;
}

/* A hex field ("-" is empty) into out[cap]; returns its length in bytes. */
static inline size_t lines_hex(void *out, size_t cap, const char *field)
{
    size_t len = 0;
    if (strcmp(field, "-") == 0)
        return 0;
    cr_assert_eq(td_hex_decode(out, cap, &len, TD_HEX_BARE, field, strlen(field)), TD_OK, "%s",
                 field);
    return len;
}
