/* Arithmetic modulo p and n against exec_u256's, which knows nothing of these primes, on every pair
 * of boundary values and on numbers made of all-zero and all-one stretches, which is where carries
 * travel; the scalar split and the digits by putting them together again. */
#include "tests/executor/crypto/secp_cases.h"

#include "executor/u256.h"

#define EDGES 40u

static struct exec_u256 wide_of(const struct exec_fe *a)
{
    struct exec_u256 out;
    uint32_t words[8];
    exec_fe_to_words(words, a);
    for (unsigned i = 0; i < 4; i++)
        out.w[i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
    return out;
}

static struct exec_fe fe_of(const struct exec_u256 *a)
{
    struct exec_fe out;
    uint32_t words[8];
    for (unsigned i = 0; i < 8; i++)
        words[i] = (uint32_t)(a->w[i / 2] >> 32 * (i % 2));
    exec_fe_from_words(&out, words);
    return out;
}

/* Boundary values around 0, n, p, 2^256, word edges, and the fold constant. */
static void edges_make(struct exec_fe v[EDGES])
{
    const struct exec_fe one = {{1}}, zero = {{0}};
    unsigned count = 0;
    const struct exec_fe *const centres[3] = {&zero, &EXEC_SECP_N, &EXEC_SECP_P};
    for (unsigned i = 0; i < 3; i++) {
        struct exec_fe low = *centres[i], high = *centres[i];
        v[count++] = low;
        for (unsigned k = 0; k < 2; k++) {
            (void)exec_fe_borrow_sub(&low, &low, &one);
            (void)exec_fe_carry_add(&high, &high, &one);
            v[count++] = low;
            v[count++] = high;
        }
    }
    for (unsigned bit = 31; bit < 256; bit += 32) {
        struct exec_u256 w = {{0, 0, 0, 0}};
        w.w[bit / 64] = UINT64_C(1) << bit % 64;
        v[count++] = fe_of(&w);
        (void)exec_fe_borrow_sub(&v[count], &v[count - 1], &one);
        count++;
    }
    (void)exec_fe_borrow_sub(&v[count++], &zero, &EXEC_SECP_P); /* 2^32 + 977 */
    (void)exec_fe_borrow_sub(&v[count++], &zero, &EXEC_SECP_N);
    (void)exec_fe_borrow_sub(&v[count++], &EXEC_SECP_P, &EXEC_SECP_N);
    v[count++] = EXEC_SECP_BETA;
    v[count++] = EXEC_SECP_LAMBDA;
    v[count++] = EXEC_SECP_SPLIT_1;
    v[count++] = EXEC_SECP_SPLIT_2;
    v[count++] = EXEC_SECP_G[0].x;
    v[count++] = EXEC_SECP_G[0].y;
    cr_assert_eq(count, EDGES);
}

/* Words of zeros, ones, nearly those, or anything. */
static struct exec_fe stretches(struct td_rng *rng)
{
    struct exec_fe out;
    uint32_t words[8];
    for (unsigned i = 0; i < 8; i++) {
        uint64_t r = td_rng_u64(rng);
        static const uint32_t KINDS[6] = {0, UINT32_MAX, UINT32_MAX - 1, 1, 0x80000000u, 977};
        words[i] = r % 8 < 6 ? KINDS[r % 8] : (uint32_t)(r >> 32);
    }
    exec_fe_from_words(&out, words);
    return out;
}

static void expect(const struct exec_fe *got, const struct exec_u256 *want)
{
    struct exec_u256 w = wide_of(got);
    cr_assert(exec_u256_eq(&w, want));
}

static void check_pair(const struct exec_fe *a, const struct exec_fe *b)
{
    const struct exec_u256 p = wide_of(&EXEC_SECP_P), n = wide_of(&EXEC_SECP_N);
    const struct exec_u256 one = exec_u256_of(1);
    struct exec_u256 x = wide_of(a), y = wide_of(b), want, minus;
    struct exec_fe got, ap, bp;

    exec_u256_mulmod(&want, &x, &y, &p);
    exec_fe_mul(&got, a, b);
    expect(&got, &want);
    exec_u256_mulmod(&want, &x, &y, &n);
    exec_sc_mul(&got, a, b);
    expect(&got, &want);
    exec_u256_mulmod(&want, &x, &x, &p);
    exec_fe_sqr(&got, a);
    expect(&got, &want);
    exec_u256_mulmod(&want, &x, &one, &n);
    exec_sc_reduce(&got, a);
    expect(&got, &want);

    /* Sums want canonical arguments. */
    exec_fe_mul(&ap, a, &(struct exec_fe){{1}});
    exec_fe_mul(&bp, b, &(struct exec_fe){{1}});
    x = wide_of(&ap), y = wide_of(&bp);
    exec_u256_addmod(&want, &x, &y, &p);
    exec_fe_add(&got, &ap, &bp);
    expect(&got, &want);
    (void)exec_u256_sub(&minus, &p, &y);
    exec_u256_addmod(&want, &x, &minus, &p);
    exec_fe_sub(&got, &ap, &bp);
    expect(&got, &want);
    got = ap;
    exec_fe_sub(&got, &got, &got);
    cr_assert(exec_fe_is_zero(&got));
    exec_fe_neg(&got, &ap);
    exec_fe_add(&got, &got, &ap);
    cr_assert(exec_fe_is_zero(&got));

    exec_sc_reduce(&ap, a);
    exec_sc_reduce(&bp, b);
    x = wide_of(&ap), y = wide_of(&bp);
    exec_u256_addmod(&want, &x, &y, &n);
    exec_sc_add(&got, &ap, &bp);
    expect(&got, &want);
    exec_sc_neg(&got, &ap);
    exec_sc_add(&got, &got, &ap);
    cr_assert(exec_fe_is_zero(&got));
}

Test(executor_secp_field, every_pair_of_edges)
{
    struct exec_fe v[EDGES];
    edges_make(v);
    for (unsigned i = 0; i < EDGES * EDGES; i++)
        check_pair(&v[i / EDGES], &v[i % EDGES]);
}

Test(executor_secp_field, long_carries)
{
    struct td_rng rng;
    td_rng_init(&rng, 20);
    for (unsigned i = 0; i < 20000; i++) {
        struct exec_fe a = stretches(&rng), b = stretches(&rng);
        check_pair(&a, &b);
    }
}

/* out may be an argument. */
Test(executor_secp_field, in_place)
{
    struct td_rng rng;
    td_rng_init(&rng, 21);
    for (unsigned i = 0; i < 100; i++) {
        struct exec_fe a = stretches(&rng), b = stretches(&rng), want, got;
        exec_fe_mul(&want, &a, &b);
        got = a;
        exec_fe_mul(&got, &got, &b);
        cr_expect(exec_fe_eq(&got, &want));
        got = b;
        exec_fe_mul(&got, &a, &got);
        cr_expect(exec_fe_eq(&got, &want));
        exec_fe_sqr(&want, &a);
        exec_fe_sqr(&a, &a);
        cr_expect(exec_fe_eq(&a, &want));
    }
}

static void check_inverses(const struct exec_fe *a)
{
    const struct exec_fe one = {{1}};
    struct exec_fe x, inverse, product, root;
    exec_fe_mul(&x, a, &one);
    exec_fe_inv(&inverse, &x);
    exec_fe_mul(&product, &inverse, &x);
    cr_assert(exec_fe_eq(&product, exec_fe_is_zero(&x) ? &x : &one));
    cr_assert(!exec_fe_geq(&inverse, &EXEC_SECP_P));
    /* -1 is no square modulo p, so exactly one of x and -x is one. */
    bool square = exec_fe_sqrt(&root, &x);
    if (!square)
        exec_fe_neg(&x, &x);
    cr_assert(exec_fe_sqrt(&root, &x));
    exec_fe_sqr(&root, &root);
    cr_assert(exec_fe_eq(&root, &x));
    exec_fe_neg(&x, &x);
    cr_assert(!exec_fe_sqrt(&root, &x) || exec_fe_is_zero(&x));

    exec_sc_reduce(&x, a);
    exec_sc_inv(&inverse, &x);
    exec_sc_mul(&product, &inverse, &x);
    cr_assert(exec_fe_eq(&product, exec_fe_is_zero(&x) ? &x : &one));
    cr_assert(!exec_fe_geq(&inverse, &EXEC_SECP_N));
}

/* The split's parts are short by construction of its type; together they are the scalar again.
 * Digits: odd, in range, far enough apart, and of the right sum. */
static void check_split(const struct exec_fe *a)
{
    struct exec_fe k, back;
    struct exec_secp_split split;
    exec_sc_reduce(&k, a);
    exec_sc_split(&split, &k);
    exec_sc_join(&back, &split);
    cr_assert(exec_fe_eq(&back, &k));
    for (unsigned i = 0; i < 4; i++) {
        struct exec_digits digits = {.length = 0};
        struct exec_fe sum = {{0}}, want;
        uint32_t words[8] = {0};
        unsigned gap = 8, width = i < 2 ? 5 : 8;
        memcpy(words, split.part[i % 2], 16);
        exec_fe_from_words(&want, words);
        if (i % 2 != 0)
            exec_sc_neg(&want, &want);
        exec_digits_put(&digits, i, split.part[i % 2], 4, width, i % 2 != 0);
        cr_assert_leq(digits.length, EXEC_SECP_DIGITS_MAX);
        for (unsigned at = EXEC_SECP_DIGITS_MAX + 1; at-- > 0;) {
            int digit = digits.at[at][i];
            struct exec_fe d = {{(exec_limb)(digit < 0 ? -digit : digit)}};
            exec_sc_add(&sum, &sum, &sum);
            gap++;
            if (digit == 0)
                continue;
            cr_assert(digit % 2 != 0 && digit < 1 << (width - 1) && digit > -(1 << (width - 1)));
            cr_assert(at < digits.length && gap >= width);
            gap = 0;
            if (digit < 0)
                exec_sc_neg(&d, &d);
            exec_sc_add(&sum, &sum, &d);
        }
        cr_assert(exec_fe_eq(&sum, &want));
    }
}

Test(executor_secp_field, inverses_roots_splits_digits)
{
    struct exec_fe v[EDGES];
    struct td_rng rng;
    td_rng_init(&rng, 22);
    edges_make(v);
    for (unsigned i = 0; i < EDGES + ROUNDS(2000); i++) {
        struct exec_fe a = i < EDGES ? v[i] : stretches(&rng);
        check_inverses(&a);
        check_split(&a);
    }
}

/* The generated tables: every entry follows from the first by adding twice the first, on the curve,
 * and 2^64 G is 64 doublings away. */
Test(executor_secp_field, tables)
{
    struct exec_jacobian at = {.x = EXEC_SECP_G[0].x, .y = EXEC_SECP_G[0].y, .z = {{1}}};
    const struct exec_point *const tables[2] = {EXEC_SECP_G, EXEC_SECP_G64};
    struct exec_fe z, zz, x;
    for (unsigned i = 0; i < 64; i++)
        (void)exec_jacobian_double(&at, NULL);
    exec_fe_inv(&z, &at.z);
    exec_fe_sqr(&zz, &z);
    exec_fe_mul(&x, &at.x, &zz);
    cr_expect(exec_fe_eq(&x, &EXEC_SECP_G64[0].x));
    for (unsigned t = 0; t < 2; t++) {
        struct exec_jacobian sum = {.infinite = true};
        for (unsigned i = 0; i < 128; i++) {
            (void)exec_jacobian_add(&sum, &tables[t][0], NULL, NULL);
            if (i % 2 != 0)
                continue;
            exec_fe_inv(&z, &sum.z);
            exec_fe_sqr(&zz, &z);
            exec_fe_mul(&x, &sum.x, &zz);
            cr_expect(exec_fe_eq(&x, &tables[t][i / 2].x), "table %u, entry %u", t, i / 2);
            exec_fe_mul(&zz, &zz, &z);
            exec_fe_mul(&x, &sum.y, &zz);
            cr_expect(exec_fe_eq(&x, &tables[t][i / 2].y), "table %u, entry %u", t, i / 2);
            cr_expect(exec_point_on_curve(&tables[t][i / 2]));
        }
    }
}
