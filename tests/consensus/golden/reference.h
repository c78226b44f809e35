/* Compare a hash with the value of that name in reference.txt (computed by reference.py). */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/core/hex.h"
#include "base/core/types.h"

#define reference_expect(name, got)                                                                \
    do {                                                                                           \
        struct td_hash reference_want;                                                             \
        cr_assert(reference_find(name, &reference_want), "%s is not in reference.txt", name);      \
        cr_expect_arr_eq((got)->b, reference_want.b, TD_HASH_BYTES, "%s", name);                   \
    } while (0)

static inline bool reference_find(const char *name, struct td_hash *out)
{
    char line[256];
    size_t len = strlen(name);
    bool found = false;
    FILE *in = fopen(TD_GOLDEN_DIR "/reference.txt", "r");
    if (in == NULL)
        return false;
    while (!found && fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            found = td_hex_decode_fixed(out->b, TD_HASH_BYTES, TD_HEX_BARE, line + len + 1,
                                        2 * TD_HASH_BYTES) == TD_OK;
    }
    fclose(in);
    return found;
}
