/* base/host/clock: the system clocks move forward, the virtual one only when told. */
#include <criterion/criterion.h>

#include "base/host/clock.h"

Test(base_clock, system)
{
    struct td_clock c = td_clock_system();
    uint64_t before = td_clock_mono_ns(&c);
    uint64_t last = before;
    for (unsigned i = 0; i < 100000 && last < before + 1000000; i++) {
        uint64_t now = td_clock_mono_ns(&c);
        cr_assert_geq(now, last);
        last = now;
    }
    cr_expect_gt(last, before);
    cr_expect_gt(td_clock_wall_ms(&c), UINT64_C(1700000000000), "after 2023");
    cr_expect_lt(td_clock_wall_ms(&c), UINT64_C(7258118400000), "before 2200: milliseconds");
}

/* Half milliseconds add up in wall time; nothing is lost over many small steps. */
Test(base_clock, virtual_time)
{
    struct td_clock_virtual v = {.mono_ns = 400000, .wall_ms = 1000};
    struct td_clock c = td_clock_of_virtual(&v);
    cr_expect_eq(td_clock_mono_ns(&c), 400000);
    cr_expect_eq(td_clock_wall_ms(&c), 1000);
    for (unsigned i = 0; i < 3; i++)
        td_clock_virtual_add(&v, 500000);
    cr_expect_eq(td_clock_mono_ns(&c), 1900000);
    cr_expect_eq(td_clock_wall_ms(&c), 1001);
    td_clock_virtual_add(&v, 100000);
    cr_expect_eq(td_clock_wall_ms(&c), 1002);
    v.wall_ms = 5; /* a stepped clock: wall time jumps back, monotonic time does not */
    td_clock_virtual_add(&v, UINT64_C(3600000000000));
    cr_expect_eq(td_clock_wall_ms(&c), 3600005);
    cr_expect_eq(td_clock_mono_ns(&c), UINT64_C(3600002000000));
}
