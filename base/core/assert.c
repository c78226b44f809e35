#include "base/core/assert.h"

#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>

void td_assert_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
    abort();
}
#else
void td_assert_fail(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    (void)text;
    __builtin_trap();
}
#endif

void td_assert_check(bool held, const char *file, int line, const char *text)
{
    if (!held)
        td_assert_fail(file, line, text);
}
