/* base/core/field: KoalaBear arithmetic.
 * Method: edge values in all pairs, then random ones, against plain 64-bit remainder arithmetic. */
#include <criterion/criterion.h>

#include "base/core/field.h"
#include "base/core/rng.h"

#define P ((uint64_t)TD_KB_P)

static struct td_kb kb(uint64_t v)
{
    return (struct td_kb){.v = (uint32_t)(v % P)};
}

static void check_pair(uint64_t a, uint64_t b)
{
    struct td_kb x = kb(a);
    struct td_kb y = kb(b);
    cr_assert_eq(td_kb_add(x, y).v, (x.v + (uint64_t)y.v) % P);
    cr_assert_eq(td_kb_sub(x, y).v, (x.v + P - y.v) % P);
    cr_assert_eq(td_kb_mul(x, y).v, (uint64_t)x.v * y.v % P);
    cr_assert_eq(td_kb_neg(x).v, (P - x.v) % P);
    cr_assert_eq(td_kb_eq(x, y), x.v == y.v);
    cr_assert_eq(td_kb_from_mont(td_kb_to_mont(x)).v, x.v);
    cr_assert_eq(td_kb_of_u64(a).v, a % P);
    struct td_kb one = td_kb_mul(x, td_kb_inv(x));
    cr_assert_eq(one.v, x.v == 0 ? 0u : 1u);
}

Test(base_field, edges_and_random_pairs)
{
    static const uint64_t EDGES[] = {
        0,          1,           2,          P - 2,      P - 1,      P,          P + 1,     2 * P,
        0x7FFFFFFF, 0x80000000u, 0xFFFFFFFF, 1ull << 32, 1ull << 62, UINT64_MAX, P * P - 1, P * P};
    size_t n = sizeof EDGES / sizeof EDGES[0];
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++)
            check_pair(EDGES[i], EDGES[k]);
    }
    struct td_rng r;
    td_rng_init(&r, 4);
    for (unsigned i = 0; i < 20000; i++)
        check_pair(td_rng_u64(&r) >> td_rng_below(&r, 64), td_rng_u64(&r));
}

Test(base_field, montgomery_reduction_at_its_limits)
{
    uint64_t top = P * (UINT64_C(1) << 32) - 1;
    for (uint64_t x = top - 1000; x <= top; x++) {
        uint64_t y = td_kb_mont_reduce(x);
        cr_assert_lt(y, P);
        cr_assert_eq(y * ((UINT64_C(1) << 32) % P) % P, x % P);
    }
}

Test(base_field, powers)
{
    struct td_kb g = {.v = TD_KB_GENERATOR};
    uint64_t want = 1;
    for (uint64_t e = 0; e < 200; e++) {
        cr_assert_eq(td_kb_pow(g, e).v, want, "3^%u", (unsigned)e);
        want = want * 3 % P;
    }
    cr_expect_eq(td_kb_pow(kb(0), 0).v, 1);
    cr_expect_eq(td_kb_pow(kb(5), UINT64_MAX).v, td_kb_pow(kb(5), UINT64_MAX % (P - 1)).v);
    /* 3 generates: its order divides p - 1 = 2^24 * 127 but no (p - 1) / prime. */
    cr_expect_eq(td_kb_pow(g, P - 1).v, 1);
    cr_expect_neq(td_kb_pow(g, (P - 1) / 2).v, 1);
    cr_expect_neq(td_kb_pow(g, (P - 1) / 127).v, 1);
    cr_expect_eq((P - 1) >> TD_KB_TWO_ADICITY, 127);
}

Test(base_field, only_canonical_words_enter)
{
    struct td_kb x = {.v = 9};
    cr_expect_eq(td_kb_decode(&x, TD_KB_P), TD_E_RANGE);
    cr_expect_eq(x.v, 0);
    cr_expect_eq(td_kb_decode(&x, UINT32_MAX), TD_E_RANGE);
    cr_expect_eq(td_kb_decode(&x, TD_KB_P - 1), TD_OK);
    cr_expect_eq(x.v, TD_KB_P - 1);
}
