/* base/core/error: every value has its own text, and values never move. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/core/error.h"

static const struct {
    enum td_error err;
    int value;
} STABLE[] = {
    {TD_OK, 0},           {TD_E_NOSPACE, 1}, {TD_E_TRUNCATED, 2}, {TD_E_MALFORMED, 3},
    {TD_E_IO, 4},         {TD_E_CORRUPT, 5}, {TD_E_RANGE, 6},     {TD_E_UNSUPPORTED, 7},
    {TD_E_NOTFOUND, 8},   {TD_E_EXISTS, 9},  {TD_E_BUSY, 10},     {TD_E_NOMEM, 11},
    {TD_E_SIGNATURE, 12}, {TD_E_LIMIT, 13},
};

Test(base_error, texts_and_values)
{
    size_t n = sizeof STABLE / sizeof STABLE[0];
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq((int)STABLE[i].err, STABLE[i].value);
        cr_expect_str_neq(td_error_text(STABLE[i].err), "unknown error");
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(td_error_text(STABLE[i].err), td_error_text(STABLE[k].err));
    }
    cr_expect_str_eq(td_error_text((enum td_error)9999), "unknown error");
    cr_expect_str_eq(td_error_text((enum td_error)n), "unknown error", "the table is complete");
}
