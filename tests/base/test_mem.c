/* base/host/mem: mapped arenas are zeroed, at least as large as asked, and freed once. */
#include <signal.h>

#include <criterion/criterion.h>

#include "base/host/mem.h"

Test(base_mem, zeroed_and_writable_to_the_end)
{
    struct td_arena a;
    cr_assert_eq(td_mem_arena_new(&a, 10000), TD_OK);
    cr_assert_geq(a.cap, 10000);
    uint8_t *p = td_arena_get(&a, a.cap, 1);
    cr_assert_not_null(p);
    for (size_t i = 0; i < a.cap; i++)
        cr_assert_eq(p[i], 0);
    memset(p, 0xFF, a.cap);
    td_mem_arena_free(&a);
    cr_expect(a.base == NULL && a.cap == 0);
    td_mem_arena_free(&a);
}

Test(base_mem, impossible_sizes_are_refused)
{
    struct td_arena a = {.cap = 1};
    cr_expect_eq(td_mem_arena_new(&a, SIZE_MAX), TD_E_NOMEM);
    cr_expect(a.base == NULL && a.cap == 0);
    cr_expect_eq(td_mem_arena_new(&a, SIZE_MAX / 2), TD_E_NOMEM);
}

Test(base_mem, asking_for_nothing_is_a_bug, .signal = SIGABRT)
{
    struct td_arena a;
    (void)!td_mem_arena_new(&a, 0);
}
