/* base/core/assert: a held assertion is silent, a failed one aborts, in both forms. */
#include <signal.h>

#include <criterion/criterion.h>

#include "base/core/assert.h"

Test(base_assert, held_assertions_go_on)
{
    int reached = 0;
    TD_ASSERT(reached == 0);
    td_assert_check(true, "f", 1, "true");
    reached = 1;
    cr_expect_eq(reached, 1);
}

Test(base_assert, failed_assertion_aborts, .signal = SIGABRT)
{
    TD_ASSERT(1 + 1 == 3);
}

Test(base_assert, failed_check_aborts, .signal = SIGABRT)
{
    td_assert_check(false, "f", 1, "false");
}
