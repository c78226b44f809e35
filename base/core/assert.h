/* Assertions that are on in every build: a node that disbelieves its own state must stop.
 *
 * 1. A failed assertion is a bug in this program.  Input from peers, users, files or L1 must
 *    never be able to reach one; such input yields an error or a verdict.
 * 2. td_assert_fail never returns.  Hosted builds print file, line and condition on stderr and
 *    abort (exit code 70 is the supervisor's reading of SIGABRT); freestanding builds (the
 *    guest: __STDC_HOSTED__ == 0) trap, which makes the run unprovable.
 * 3. With TD_COVERAGE the check happens inside td_assert_check, so that an assertion that holds
 *    adds no uncovered branch at its call site; it still aborts.  One condition per TD_ASSERT:
 *    `a && b` would leave the branch of && behind. */
#pragma once

#include <stdbool.h>

/* Report and stop.  Both strings are borrowed for the call; never returns. */
__attribute__((noreturn, cold)) void td_assert_fail(const char *file, int line, const char *text);

/* td_assert_fail unless `held`; the out-of-line form used by coverage builds. */
void td_assert_check(bool held, const char *file, int line, const char *text);

#ifdef TD_COVERAGE
#define TD_ASSERT(cond) td_assert_check((cond), __FILE__, __LINE__, #cond)
#else
#define TD_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            td_assert_fail(__FILE__, __LINE__, #cond);                                             \
    } while (0)
#endif
