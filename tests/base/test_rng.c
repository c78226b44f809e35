/* base/core/rng: the published sequences, bounds, and independence of forks. */
#include <criterion/criterion.h>

#include "base/core/rng.h"

/* splitmix64 from seed 1234567 and xoshiro256** from state 1, 2, 3, 4: the values that ports of the
 * authors' reference code check themselves against. */
Test(base_rng, reference_sequences)
{
    static const uint64_t SPLIT[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                     UINT64_C(16408922859458223821)};
    static const uint64_t XOSHIRO[] = {11520,
                                       0,
                                       1509978240,
                                       UINT64_C(1215971899390074240),
                                       UINT64_C(1216172134540287360),
                                       UINT64_C(607988272756665600),
                                       UINT64_C(16172922978634559625),
                                       UINT64_C(8476171486693032832),
                                       UINT64_C(10595114339597558777),
                                       UINT64_C(2904607092377533576)};
    uint64_t state = 1234567;
    for (size_t i = 0; i < sizeof SPLIT / sizeof SPLIT[0]; i++)
        cr_expect_eq(td_splitmix64(&state), SPLIT[i], "splitmix64 %zu", i);
    struct td_rng r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof XOSHIRO / sizeof XOSHIRO[0]; i++)
        cr_expect_eq(td_rng_u64(&r), XOSHIRO[i], "xoshiro256** %zu", i);
}

Test(base_rng, bounds_are_reached_and_kept)
{
    struct td_rng r;
    unsigned seen[7] = {0};
    bool low = false, high = false;
    td_rng_init(&r, 0);
    for (unsigned i = 0; i < 70000; i++)
        seen[td_rng_below(&r, 7)]++;
    for (unsigned i = 0; i < 7; i++)
        cr_expect(seen[i] > 9500 && seen[i] < 10500, "%u drawn %u times", i, seen[i]);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t v = td_rng_range(&r, 10, 12);
        cr_assert(v >= 10 && v <= 12);
        low = low || v == 10;
        high = high || v == 12;
        cr_assert_eq(td_rng_below(&r, 1), 0);
        cr_assert_eq(td_rng_range(&r, 5, 5), 5);
    }
    cr_expect(low && high);
    cr_expect_eq(td_rng_below(&r, 0), 0);
    struct td_rng copy = r;
    cr_expect_eq(td_rng_range(&r, 0, UINT64_MAX), td_rng_u64(&copy));
    /* A bound just above 2^63 makes almost half of all draws redraws; it must still end. */
    cr_expect_leq(td_rng_below(&r, (UINT64_C(1) << 63) + 1), UINT64_C(1) << 63);
}

Test(base_rng, chance)
{
    struct td_rng r;
    unsigned hits = 0;
    td_rng_init(&r, 9);
    for (unsigned i = 0; i < 100000; i++)
        hits += td_rng_chance_ppm(&r, 250000) ? 1u : 0u;
    cr_expect(hits > 24000 && hits < 26000, "%u", hits);
    for (unsigned i = 0; i < 1000; i++) {
        struct td_rng at = r;
        struct td_rng above = r;
        uint32_t drawn = (uint32_t)td_rng_below(&r, 1000000);
        cr_assert(!td_rng_chance_ppm(&at, drawn), "the threshold itself is outside");
        cr_assert(td_rng_chance_ppm(&above, drawn + 1));
        cr_assert(td_rng_chance_ppm(&r, 1000000) && !td_rng_chance_ppm(&r, 0));
    }
}

Test(base_rng, forks_replay_and_differ)
{
    struct td_rng a, b;
    td_rng_init(&a, 7);
    td_rng_init(&b, 7);
    struct td_rng c = td_rng_fork(&a, 1);
    struct td_rng d = td_rng_fork(&b, 1);
    cr_expect_eq(td_rng_u64(&c), td_rng_u64(&d));
    cr_expect_eq(td_rng_u64(&a), td_rng_u64(&b));
    struct td_rng e = td_rng_fork(&a, 2);
    struct td_rng f = td_rng_fork(&b, 3);
    cr_expect_neq(td_rng_u64(&e), td_rng_u64(&f));
}
