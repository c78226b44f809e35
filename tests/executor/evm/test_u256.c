/* 256-bit arithmetic against a second implementation that works bit by bit on bytes, on edge values
 * and on random ones of every length.  Built twice: with 64-bit limbs and, with TD_PORTABLE_ONLY,
 * with the guest's 32-bit limbs. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "executor/u256.h"

#define ROUNDS 1500u

/* ---- the slow twin: numbers are 512 single bits, least significant first */

#define BITS 512u

struct bits {
    uint8_t b[BITS];
};

static struct bits bits_of(const struct exec_u256 *a)
{
    struct bits r = {{0}};
    for (unsigned i = 0; i < 256; i++)
        r.b[i] = (uint8_t)(a->w[i / 64] >> (i % 64) & 1);
    return r;
}

static struct exec_u256 value_of(const struct bits *a)
{
    struct exec_u256 r = {{0}};
    for (unsigned i = 0; i < 256; i++)
        r.w[i / 64] |= (uint64_t)a->b[i] << (i % 64);
    return r;
}

static struct bits bits_add(const struct bits *a, const struct bits *b)
{
    struct bits r;
    unsigned carry = 0;
    for (unsigned i = 0; i < BITS; i++) {
        unsigned s = (unsigned)a->b[i] + b->b[i] + carry;
        r.b[i] = (uint8_t)(s & 1);
        carry = s >> 1;
    }
    return r;
}

static struct bits bits_not(const struct bits *a)
{
    struct bits r;
    for (unsigned i = 0; i < BITS; i++)
        r.b[i] = !a->b[i];
    return r;
}

static struct bits bits_sub(const struct bits *a, const struct bits *b)
{
    struct bits one = {{1}};
    struct bits n = bits_not(b);
    n = bits_add(&n, &one);
    return bits_add(a, &n);
}

static struct bits bits_shift(const struct bits *a, int left, uint8_t fill)
{
    struct bits r;
    for (int i = 0; i < (int)BITS; i++) {
        int from = i - left;
        r.b[i] = from < 0 ? 0 : from >= (int)BITS ? fill : a->b[from];
    }
    return r;
}

static bool bits_less(const struct bits *a, const struct bits *b)
{
    for (unsigned i = BITS; i-- > 0;)
        if (a->b[i] != b->b[i])
            return a->b[i] < b->b[i];
    return false;
}

static bool bits_zero(const struct bits *a)
{
    struct bits zero = {{0}};
    return memcmp(a, &zero, sizeof zero) == 0;
}

static struct bits bits_mul(const struct bits *a, const struct bits *b)
{
    struct bits r = {{0}};
    for (unsigned i = 0; i < 256; i++) {
        if (b->b[i]) {
            struct bits t = bits_shift(a, (int)i, 0);
            r = bits_add(&r, &t);
        }
    }
    return r;
}

static struct bits bits_divide(struct bits *rest, const struct bits *a, const struct bits *b)
{
    struct bits q = {{0}};
    *rest = q;
    if (bits_zero(b))
        return q;
    for (unsigned i = BITS; i-- > 0;) {
        *rest = bits_shift(rest, 1, 0);
        rest->b[0] = a->b[i];
        if (!bits_less(rest, b)) {
            *rest = bits_sub(rest, b);
            q.b[i] = 1;
        }
    }
    return q;
}

static struct bits negate_low(const struct bits *a)
{
    struct bits zero = {{0}};
    struct bits r = bits_sub(&zero, a);
    memset(r.b + 256, 0, 256);
    return r;
}

/* ---- operands */

static uint64_t seed = 0x5eed;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Of any bit length, with runs of ones and zeros that provoke carries and rare quotient digits. */
static struct exec_u256 any_value(void)
{
    static const uint64_t WORDS[] = {0,
                                     1,
                                     2,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     UINT64_C(1) << 63,
                                     UINT64_C(0x7fffffffffffffff),
                                     0xffffffff,
                                     UINT64_C(1) << 32,
                                     UINT64_C(0xffffffff00000000),
                                     UINT64_C(0x8000000000000001),
                                     UINT64_C(0x80000000ffffffff)};
    struct exec_u256 r = {{0}};
    unsigned words = (unsigned)(next() % 5);
    for (unsigned i = 0; i < words; i++)
        r.w[i] = next() % 2 ? WORDS[next() % (sizeof WORDS / sizeof WORDS[0])] : next();
    if (next() % 4 == 0 && words > 0)
        r.w[words - 1] >>= next() % 64;
    return r;
}

static void check(const char *name, const struct exec_u256 *got, const struct exec_u256 *want,
                  const struct exec_u256 *a, const struct exec_u256 *b)
{
    cr_assert(exec_u256_eq(got, want),
              "%s(%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 ", %016" PRIx64
              "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 ")",
              name, a->w[3], a->w[2], a->w[1], a->w[0], b->w[3], b->w[2], b->w[1], b->w[0]);
}

static void check_bits(const char *name, const struct exec_u256 *got, const struct bits *want,
                       const struct exec_u256 *a, const struct exec_u256 *b)
{
    struct exec_u256 v = value_of(want);
    check(name, got, &v, a, b);
}

Test(u256, add_sub_mul_and_order_agree_with_the_bitwise_twin)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 b = i % 7 == 0 ? a : any_value();
        struct exec_u256 r;
        struct bits x = bits_of(&a);
        struct bits y = bits_of(&b);
        struct bits want = bits_add(&x, &y);
        bool carry = exec_u256_add(&r, &a, &b);
        check_bits("add", &r, &want, &a, &b);
        cr_assert_eq(carry, want.b[256] != 0);
        want = bits_sub(&x, &y);
        bool borrow = exec_u256_sub(&r, &a, &b);
        check_bits("sub", &r, &want, &a, &b);
        cr_assert_eq(borrow, bits_less(&x, &y));
        cr_assert_eq(exec_u256_cmp(&a, &b), bits_less(&x, &y) ? -1 : bits_less(&y, &x));
        x.b[255] ^= 1; /* an offset of 2^255 turns signed order into unsigned */
        y.b[255] ^= 1;
        cr_assert_eq(exec_u256_scmp(&a, &b), bits_less(&x, &y) ? -1 : bits_less(&y, &x));
        x.b[255] ^= 1;
        y.b[255] ^= 1;
        want = bits_mul(&x, &y);
        exec_u256_mul(&r, &a, &b);
        check_bits("mul", &r, &want, &a, &b);
        bool over = exec_u256_mul_checked(&r, &a, &b);
        check_bits("mul_checked", &r, &want, &a, &b);
        memset(want.b, 0, 256);
        cr_assert_eq(over, !bits_zero(&want));
    }
}

Test(u256, division_agrees_with_the_bitwise_twin)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 b = any_value();
        struct exec_u256 r;
        struct bits x = bits_of(&a);
        struct bits y = bits_of(&b);
        struct bits rest;
        struct bits q = bits_divide(&rest, &x, &y);
        exec_u256_div(&r, &a, &b);
        check_bits("div", &r, &q, &a, &b);
        exec_u256_mod(&r, &a, &b);
        check_bits("mod", &r, &rest, &a, &b);

        bool minus_x = x.b[255] != 0;
        bool minus_y = y.b[255] != 0;
        if (minus_x)
            x = negate_low(&x);
        if (minus_y)
            y = negate_low(&y);
        q = bits_divide(&rest, &x, &y);
        if (minus_x != minus_y)
            q = negate_low(&q);
        if (minus_x)
            rest = negate_low(&rest);
        exec_u256_sdiv(&r, &a, &b);
        check_bits("sdiv", &r, &q, &a, &b);
        exec_u256_smod(&r, &a, &b);
        check_bits("smod", &r, &rest, &a, &b);
    }
}

Test(u256, modular_forms_use_the_whole_intermediate)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 b = any_value();
        struct exec_u256 m = any_value();
        struct exec_u256 r;
        struct bits x = bits_of(&a);
        struct bits y = bits_of(&b);
        struct bits z = bits_of(&m);
        struct bits rest;
        struct bits t = bits_add(&x, &y);
        bits_divide(&rest, &t, &z);
        exec_u256_addmod(&r, &a, &b, &m);
        check_bits("addmod", &r, &rest, &a, &b);
        t = bits_mul(&x, &y);
        bits_divide(&rest, &t, &z);
        exec_u256_mulmod(&r, &a, &b, &m);
        check_bits("mulmod", &r, &rest, &a, &b);
    }
}

Test(u256, shifts_agree_at_every_count)
{
    for (unsigned i = 0; i < 40; i++) {
        struct exec_u256 a = any_value();
        struct bits x = bits_of(&a);
        struct bits filled = x;
        memset(filled.b + 256, x.b[255], 256);
        for (uint32_t n = 0; n <= 300; n++) {
            struct exec_u256 r;
            struct exec_u256 count = exec_u256_of(n);
            struct bits want = bits_shift(&x, (int)n, 0);
            exec_u256_shl(&r, &a, n);
            check_bits("shl", &r, &want, &a, &count);
            want = bits_shift(&x, -(int)n, 0);
            exec_u256_shr(&r, &a, n);
            check_bits("shr", &r, &want, &a, &count);
            want = bits_shift(&filled, -(int)n, x.b[255]);
            exec_u256_sar(&r, &a, n);
            check_bits("sar", &r, &want, &a, &count);
        }
    }
}

Test(u256, sign_extension_copies_the_chosen_byte_upwards)
{
    for (unsigned i = 0; i < 40; i++) {
        struct exec_u256 a = any_value();
        for (unsigned byte = 0; byte < 40; byte++) {
            struct exec_u256 index = exec_u256_of(byte);
            struct exec_u256 r;
            struct bits want = bits_of(&a);
            for (unsigned at = 8 * byte + 8; at < 256; at++)
                want.b[at] = want.b[8 * byte + 7];
            exec_u256_sign_extend(&r, &index, &a);
            check_bits("sign_extend", &r, &want, &a, &index);
        }
        struct exec_u256 far = {{0, 1, 0, 0}};
        struct exec_u256 r;
        exec_u256_sign_extend(&r, &far, &a);
        check("sign_extend", &r, &a, &a, &far);
    }
}

Test(u256, exp_is_repeated_multiplication)
{
    for (unsigned i = 0; i < 200; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 want = exec_u256_of(1);
        struct exec_u256 r;
        for (unsigned n = 0; n < 20; n++) {
            struct exec_u256 e = exec_u256_of(n);
            exec_u256_exp(&r, &a, &e);
            check("exp", &r, &want, &a, &e);
            exec_u256_mul(&want, &want, &a);
        }
        /* a^(m + n) = a^m a^n for exponents of any length */
        struct exec_u256 m = any_value();
        struct exec_u256 n = any_value();
        struct exec_u256 sum, left, right;
        m.w[3] >>= 1;
        n.w[3] >>= 1;
        exec_u256_add(&sum, &m, &n);
        exec_u256_exp(&left, &a, &sum);
        exec_u256_exp(&r, &a, &m);
        exec_u256_exp(&right, &a, &n);
        exec_u256_mul(&right, &right, &r);
        check("exp of a sum", &left, &right, &m, &n);
    }
}

Test(u256, bytes_are_big_endian)
{
    uint8_t bytes[32], back[32];
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(i + 1);
    for (size_t len = 0; len <= 32; len++) {
        struct exec_u256 a;
        uint8_t want[32] = {0};
        memcpy(want + 32 - len, bytes, len);
        exec_u256_from_be(&a, bytes, len);
        exec_u256_to_be(back, &a);
        cr_assert_arr_eq(back, want, 32);
        cr_assert_eq(exec_u256_byte_length(&a), len);
    }
    struct exec_u256 one;
    exec_u256_from_be(&one, bytes, 1);
    cr_assert_eq(one.w[0], 1);
}

Test(u256, results_may_overlay_operands)
{
    for (unsigned i = 0; i < 500; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 b = any_value();
        struct exec_u256 m = any_value();
        struct exec_u256 want, r;
#define OVERLAY(call_want, call_a, call_b)                                                         \
    do {                                                                                           \
        call_want;                                                                                 \
        r = a;                                                                                     \
        call_a;                                                                                    \
        check(#call_a, &r, &want, &a, &b);                                                         \
        r = b;                                                                                     \
        call_b;                                                                                    \
        check(#call_b, &r, &want, &a, &b);                                                         \
    } while (0)
        OVERLAY(exec_u256_add(&want, &a, &b), exec_u256_add(&r, &r, &b), exec_u256_add(&r, &a, &r));
        OVERLAY(exec_u256_sub(&want, &a, &b), exec_u256_sub(&r, &r, &b), exec_u256_sub(&r, &a, &r));
        OVERLAY(exec_u256_mul(&want, &a, &b), exec_u256_mul(&r, &r, &b), exec_u256_mul(&r, &a, &r));
        OVERLAY(exec_u256_div(&want, &a, &b), exec_u256_div(&r, &r, &b), exec_u256_div(&r, &a, &r));
        OVERLAY(exec_u256_mod(&want, &a, &b), exec_u256_mod(&r, &r, &b), exec_u256_mod(&r, &a, &r));
        OVERLAY(exec_u256_sdiv(&want, &a, &b), exec_u256_sdiv(&r, &r, &b),
                exec_u256_sdiv(&r, &a, &r));
        OVERLAY(exec_u256_smod(&want, &a, &b), exec_u256_smod(&r, &r, &b),
                exec_u256_smod(&r, &a, &r));
        OVERLAY(exec_u256_exp(&want, &a, &b), exec_u256_exp(&r, &r, &b), exec_u256_exp(&r, &a, &r));
        OVERLAY(exec_u256_mulmod(&want, &a, &b, &m), exec_u256_mulmod(&r, &r, &b, &m),
                exec_u256_mulmod(&r, &a, &r, &m));
        OVERLAY(exec_u256_addmod(&want, &a, &b, &m), exec_u256_addmod(&r, &r, &b, &m),
                exec_u256_addmod(&r, &a, &r, &m));
    }
}

/* Many divisions for the rare branches (digit one too large, equal top limbs): a = q b + r, r < b.
 */
Test(u256, quotient_times_divisor_plus_rest_is_the_dividend)
{
    for (unsigned i = 0; i < 200000; i++) {
        struct exec_u256 a = any_value();
        struct exec_u256 b = any_value();
        struct exec_u256 q, r, back;
        if (exec_u256_is_zero(&b))
            continue;
        if (i % 3 == 0) { /* dividend next to a multiple of the divisor */
            exec_u256_mul(&a, &a, &b);
            struct exec_u256 delta = exec_u256_of(next() % 3);
            exec_u256_sub(&a, &a, &delta);
        }
        exec_u256_div(&q, &a, &b);
        exec_u256_mod(&r, &a, &b);
        cr_assert(exec_u256_cmp(&r, &b) < 0);
        cr_assert(!exec_u256_mul_checked(&back, &q, &b));
        cr_assert(!exec_u256_add(&back, &back, &r));
        check("q b + r", &back, &a, &a, &b);
    }
}
