/* base/core/arena: alignment, exhaustion, marks, and the high-water mark.
 * Method: a small region that starts at every possible misalignment. */
#include <signal.h>

#include <criterion/criterion.h>

#include "base/core/arena.h"

Test(base_arena, alignment_from_any_start)
{
    _Alignas(64) uint8_t mem[64 + 192];
    for (size_t start = 0; start < 64; start++) {
        for (size_t align = 1; align <= 64; align *= 2) {
            struct td_arena a;
            td_arena_init(&a, mem + start, 192); /* 2 * (63 + 3) fit */
            uint8_t *p = td_arena_get(&a, 3, align);
            uint8_t *q = td_arena_get(&a, 3, align);
            cr_assert(p != NULL && q != NULL);
            cr_assert((uintptr_t)p % align == 0 && (uintptr_t)q % align == 0);
            cr_assert(p >= mem + start && q >= p + 3 && q < p + 3 + align);
            cr_assert_eq(a.used, (size_t)(q + 3 - (mem + start)));
            cr_assert_eq(a.peak, a.used);
        }
    }
}

Test(base_arena, exhaustion_changes_nothing)
{
    _Alignas(8) uint8_t mem[32];
    struct td_arena a;
    td_arena_init(&a, mem, sizeof mem);
    cr_expect_not_null(td_arena_get(&a, 20, 1));
    cr_expect_null(td_arena_get(&a, 13, 1));
    cr_expect_null(td_arena_get(&a, 9, 8), "padding counts");
    cr_expect_null(td_arena_get(&a, SIZE_MAX, 8));
    cr_expect_eq(a.used, 20);
    cr_expect_not_null(td_arena_get(&a, 8, 8));
    cr_expect_eq(td_arena_left(&a), 0);
    cr_expect_not_null(td_arena_get(&a, 0, 1));
    cr_expect_null(td_arena_get(&a, 1, 1));
    td_arena_init(&a, NULL, 0);
    cr_expect_null(td_arena_get(&a, 0, 1));
    uint8_t odd[2];
    td_arena_init(&a, odd, 1);
    void *first = td_arena_get(&a, 1, 1);
    cr_expect_not_null(first);
    cr_expect_null(td_arena_get(&a, 0, 64), "not even the padding fits, or it is aligned already");
}

Test(base_arena, marks_reset_and_peak)
{
    _Alignas(8) uint8_t mem[64];
    struct td_arena a;
    td_arena_init(&a, mem, sizeof mem);
    void *first = td_arena_get(&a, 8, 8);
    struct td_arena_mark mark = td_arena_mark(&a);
    void *second = td_arena_get(&a, 40, 8);
    td_arena_rewind(&a, mark);
    cr_expect_eq(a.used, 8);
    cr_expect_eq(a.peak, 48);
    cr_expect_eq(td_arena_get(&a, 8, 8), second);
    td_arena_reset(&a);
    cr_expect(a.used == 0 && a.peak == 48);
    cr_expect_eq(td_arena_get(&a, 1, 1), first);
}

Test(base_arena, arrays_are_zeroed_and_checked)
{
    _Alignas(8) uint8_t mem[64];
    struct td_arena a;
    memset(mem, 0xFF, sizeof mem);
    td_arena_init(&a, mem, sizeof mem);
    uint32_t *v = TD_ARENA_NEW(&a, uint32_t, 8);
    cr_assert_not_null(v);
    for (size_t i = 0; i < 8; i++)
        cr_expect_eq(v[i], 0);
    cr_expect_null(TD_ARENA_NEW(&a, uint64_t, SIZE_MAX / 4));
    cr_expect_null(td_arena_get_array(&a, SIZE_MAX / 8 + 2, 8, 8), "8 after wrapping around");
    cr_expect_null(td_arena_get_zeroed(&a, 33, 1));
    cr_expect_not_null(td_arena_get_array(&a, 5, 0, 1));
}

Test(base_arena, alignment_must_be_a_power_of_two, .signal = SIGABRT)
{
    uint8_t mem[8];
    struct td_arena a;
    td_arena_init(&a, mem, sizeof mem);
    (void)td_arena_get(&a, 1, 3);
}

Test(base_arena, alignment_must_not_be_zero, .signal = SIGABRT)
{
    uint8_t mem[8];
    struct td_arena a;
    td_arena_init(&a, mem, sizeof mem);
    (void)td_arena_get(&a, 1, 0);
}

Test(base_arena, rewind_goes_back_only, .signal = SIGABRT)
{
    uint8_t mem[8];
    struct td_arena a;
    td_arena_init(&a, mem, sizeof mem);
    (void)td_arena_get(&a, 4, 1);
    struct td_arena_mark mark = td_arena_mark(&a);
    td_arena_reset(&a);
    td_arena_rewind(&a, mark);
}
