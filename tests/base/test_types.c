/* base/core/types: comparisons, views, and exact 256-bit wei arithmetic.
 * Method: edge tables for carries across every limb, then identities on pseudorandom values. */
#include <criterion/criterion.h>

#include "base/core/rng.h"
#include "base/core/types.h"

#define ALL UINT64_MAX
#define W(l3, l2, l1, l0)                                                                          \
    {                                                                                              \
        {                                                                                          \
            (l0), (l1), (l2), (l3)                                                                 \
        }                                                                                          \
    }

static const struct {
    struct td_wei a, b, sum;
    enum td_error want;
} SUMS[] = {
    {W(0, 0, 0, 1), W(0, 0, 0, 2), W(0, 0, 0, 3), TD_OK},
    {W(0, 0, 0, ALL), W(0, 0, 0, 1), W(0, 0, 1, 0), TD_OK},
    {W(0, 0, ALL, ALL), W(0, 0, 0, 1), W(0, 1, 0, 0), TD_OK},
    {W(0, ALL, ALL, ALL), W(0, 0, 0, 1), W(1, 0, 0, 0), TD_OK},
    {W(0, 0, ALL, 1), W(0, 0, ALL, ALL), W(0, 1, ALL, 0), TD_OK},
    {W(ALL, ALL, ALL, ALL), W(0, 0, 0, 0), W(ALL, ALL, ALL, ALL), TD_OK},
    {W(ALL, ALL, ALL, ALL), W(0, 0, 0, 1), W(0, 0, 0, 0), TD_E_RANGE},
    {W(ALL, ALL, ALL, ALL), W(ALL, ALL, ALL, ALL), W(ALL, ALL, ALL, ALL - 1), TD_E_RANGE},
    {W(1ull << 63, 0, 0, 0), W(1ull << 63, 0, 0, 0), W(0, 0, 0, 0), TD_E_RANGE},
};

static struct td_wei random_wei(struct td_rng *r)
{
    struct td_wei v;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x = td_rng_u64(r);
        switch (td_rng_below(r, 4)) { /* long carries need limbs of all zeros and all ones */
        case 0:
            v.limb[i] = 0;
            break;
        case 1:
            v.limb[i] = ALL;
            break;
        default:
            v.limb[i] = x;
        }
    }
    return v;
}

Test(base_types, wei_sum_and_difference)
{
    for (size_t i = 0; i < sizeof SUMS / sizeof SUMS[0]; i++) {
        struct td_wei out;
        cr_expect_eq(td_wei_add(&out, &SUMS[i].a, &SUMS[i].b), SUMS[i].want, "row %zu", i);
        cr_expect_eq(td_wei_cmp(&out, &SUMS[i].sum), 0, "row %zu sum", i);
        cr_expect_eq(td_wei_add(&out, &SUMS[i].b, &SUMS[i].a), SUMS[i].want, "row %zu", i);
        cr_expect_eq(td_wei_cmp(&out, &SUMS[i].sum), 0, "row %zu commutes", i);
        cr_expect_eq(td_wei_sub(&out, &SUMS[i].sum, &SUMS[i].b), SUMS[i].want, "row %zu sub", i);
        cr_expect_eq(td_wei_cmp(&out, &SUMS[i].a), 0, "row %zu difference", i);
    }
}

Test(base_types, wei_identities)
{
    struct td_rng r;
    td_rng_init(&r, 1);
    for (unsigned i = 0; i < 20000; i++) {
        struct td_wei a = random_wei(&r);
        struct td_wei b = random_wei(&r);
        struct td_wei sum;
        struct td_wei back;
        enum td_error over = td_wei_add(&sum, &a, &b);
        enum td_error under = td_wei_sub(&back, &sum, &b);
        cr_assert_eq(over, under, "overflow of a+b is borrow of (a+b)-b");
        cr_assert_eq(td_wei_cmp(&back, &a), 0);
        cr_assert_eq(over == TD_E_RANGE, td_wei_cmp(&sum, &a) < 0);
        cr_assert_eq(td_wei_sub(&back, &a, &b) == TD_OK, td_wei_cmp(&a, &b) >= 0);
        cr_assert_eq(td_wei_cmp(&a, &b), -td_wei_cmp(&b, &a));

        /* quotient * d + remainder is the dividend again */
        uint32_t d = (uint32_t)td_rng_u64(&r) | 1u;
        struct td_wei q = a;
        uint32_t rest = td_wei_div_u32(&q, d);
        cr_assert_lt(rest, d);
        cr_assert_eq(td_wei_mul_u64(&back, &q, d, rest), TD_OK);
        cr_assert_eq(td_wei_cmp(&back, &a), 0);

        uint8_t bytes[TD_WEI_BYTES];
        td_wei_encode(bytes, &a);
        td_wei_decode(&back, bytes);
        cr_assert_eq(td_wei_cmp(&back, &a), 0);
    }
}

/* a * m + c against repeated doubling and adding, which uses only td_wei_add. */
Test(base_types, wei_product_matches_additions)
{
    struct td_rng r;
    td_rng_init(&r, 2);
    for (unsigned i = 0; i < 2000; i++) {
        struct td_wei a = random_wei(&r);
        uint64_t m = i % 8 == 0 ? ALL : td_rng_u64(&r) >> td_rng_below(&r, 64);
        uint64_t c = i % 8 == 1 ? ALL : td_rng_u64(&r);
        a.limb[3] >>= td_rng_below(&r, 64); /* overflow in about half of the cases */
        struct td_wei want = td_wei_of_u64(c);
        struct td_wei power = a;
        bool power_over = false;
        enum td_error over = TD_OK;
        for (unsigned bit = 0; bit < 64; bit++) {
            if (m >> bit & 1u) {
                if (td_wei_add(&want, &want, &power) != TD_OK || power_over)
                    over = TD_E_RANGE;
            }
            if (td_wei_add(&power, &power, &power) != TD_OK)
                power_over = true;
        }
        struct td_wei got;
        cr_assert_eq(td_wei_mul_u64(&got, &a, m, c), over, "case %u", i);
        cr_assert_eq(td_wei_cmp(&got, &want), 0, "case %u", i);
    }
}

Test(base_types, wei_bytes_are_big_endian)
{
    struct td_wei v =
        W(0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 0x3132333435363738);
    static const uint8_t want[32] = {1,    2,    3,    4,    5,    6,    7,    8,
                                     0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
                                     0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
                                     0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38};
    uint8_t got[32];
    td_wei_encode(got, &v);
    cr_expect_eq(memcmp(got, want, 32), 0);
    struct td_wei big = W(0, 0, 1, 0);
    struct td_wei one = td_wei_of_u64(1);
    struct td_wei zero = td_wei_of_u64(0);
    cr_expect(td_wei_is_zero(&zero) && !td_wei_is_zero(&one) && !td_wei_is_zero(&big));
    cr_expect(td_wei_is_u64(&one) && !td_wei_is_u64(&big));
}

/* Every byte position counts, first byte most. */
Test(base_types, hash_and_address_order)
{
    struct td_hash a = {{0}};
    struct td_addr p = {{0}};
    cr_expect(td_hash_is_zero(&a) && td_addr_is_zero(&p));
    for (size_t i = 0; i < TD_HASH_BYTES; i++) {
        struct td_hash b = a;
        b.b[i] = 0x80;
        cr_expect(!td_hash_is_zero(&b) && !td_hash_eq(&a, &b) && td_hash_eq(&b, &b));
        cr_expect(td_hash_cmp(&a, &b) < 0 && td_hash_cmp(&b, &a) > 0 && td_hash_cmp(&b, &b) == 0);
    }
    for (size_t i = 0; i < TD_ADDR_BYTES; i++) {
        struct td_addr q = p;
        q.b[i] = 0x80;
        cr_expect(!td_addr_is_zero(&q) && !td_addr_eq(&p, &q) && td_addr_eq(&q, &q));
        cr_expect(td_addr_cmp(&p, &q) < 0 && td_addr_cmp(&q, &p) > 0 && td_addr_cmp(&q, &q) == 0);
    }
    struct td_sig s = {{0}};
    struct td_sig t = {{[63] = 1}};
    cr_expect(td_sig_eq(&s, &s) && !td_sig_eq(&s, &t));
    struct td_pubkey k = {{0}};
    struct td_pubkey l = {{[32] = 1}};
    cr_expect(td_pubkey_eq(&k, &k) && !td_pubkey_eq(&k, &l));
}

Test(base_types, views)
{
    struct td_bytes whole = td_bytes_of_text("tandem");
    struct td_bytes part;
    cr_expect_eq(whole.len, 6);
    cr_expect_eq(td_bytes_sub(&part, whole, 1, 3), TD_OK);
    cr_expect(td_bytes_eq(part, td_bytes_of_text("and")));
    cr_expect(!td_bytes_eq(part, td_bytes_of_text("an")));
    cr_expect(!td_bytes_eq(part, td_bytes_of_text("anx")));
    cr_expect_eq(td_bytes_sub(&part, whole, 6, 0), TD_OK);
    cr_expect_eq(part.len, 0);
    cr_expect(td_bytes_eq(part, td_bytes_of_text("")));
    cr_expect_eq(td_bytes_sub(&part, whole, 7, 0), TD_E_TRUNCATED);
    cr_expect_eq(td_bytes_sub(&part, whole, 4, 3), TD_E_TRUNCATED);
    cr_expect_eq(td_bytes_sub(&part, whole, 1, SIZE_MAX), TD_E_TRUNCATED);
    cr_expect_null(part.ptr);
}
