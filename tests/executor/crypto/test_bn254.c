/* bn254 against affine formulas over Python's integers (reference.py): additions, multiplications
 * and pairing products whose value is known from discrete logarithms; every kind of refused point;
 * and the algebra of the tower, which the products alone would only catch as a wrong verdict. */
#include "tests/base/lines.h"

#include "executor/crypto/bn254.h"
#include "executor/crypto/bn254_curve.h"
#include "executor/crypto/bn254_tower.h"

#define PAIRS_MAX 32u

/* What the precompile would answer, as reference.py writes it. */
static void run_case(const char *kind, const uint8_t *in, size_t len, const char *want)
{
    uint8_t point[EXEC_BN254_G1_BYTES];
    uint8_t expected[EXEC_BN254_G1_BYTES];
    bool one = true;
    enum exec_bn254_result result;
    memset(point, 0xA5, sizeof point);
    if (strcmp(kind, "pairing") == 0) {
        cr_assert_eq(len % EXEC_BN254_PAIR_BYTES, 0);
        result = exec_bn254_pairing(&one, in, len / EXEC_BN254_PAIR_BYTES);
        const char *got = result != EXEC_BN254_OK ? "bad" : one ? "one" : "zero";
        cr_assert_str_eq(got, want);
        cr_assert(result == EXEC_BN254_OK || !one);
        return;
    }
    cr_assert_eq(len, strcmp(kind, "add") == 0 ? 128 : 96);
    result = strcmp(kind, "add") == 0 ? exec_bn254_add(point, in) : exec_bn254_mul(point, in);
    if (strcmp(want, "bad") == 0) {
        cr_assert_eq(result, EXEC_BN254_INVALID);
        for (size_t i = 0; i < sizeof point; i++)
            cr_assert_eq(point[i], 0xA5);
        return;
    }
    cr_assert_eq(result, EXEC_BN254_OK);
    cr_assert_eq(lines_hex(expected, sizeof expected, want), sizeof expected);
    cr_assert_arr_eq(point, expected, sizeof expected);
}

Test(executor_bn254, reference)
{
    static char line[LINE_MAX_BYTES];
    FILE *f = lines_open();
    size_t cases = 0;
    while (lines_next(f, line)) {
        char *cursor = line;
        uint8_t data[PAIRS_MAX * EXEC_BN254_PAIR_BYTES];
        const char *kind = lines_field(&cursor);
        size_t len = lines_hex(data, sizeof data, lines_field(&cursor));
        const char *want = lines_field(&cursor);
        run_case(kind, data, len, want);
        cases++;
    }
    fclose(f);
    cr_expect_geq(cases, 300);
}

/* 2 * (1, 2), printed in many places, by both operations; the output may overlap the input. */
Test(executor_bn254, twice_the_generator)
{
    uint8_t data[128];
    uint8_t want[64];
    cr_assert_eq(lines_hex(want, sizeof want,
                           "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"
                           "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4"),
                 64);
    memset(data, 0, sizeof data);
    data[31] = data[95] = 1;
    data[63] = data[127] = 2;
    cr_assert_eq(exec_bn254_add(data, data), EXEC_BN254_OK);
    cr_expect_arr_eq(data, want, 64);
    memset(data, 0, sizeof data);
    data[31] = 1;
    data[63] = data[95] = 2;
    cr_assert_eq(exec_bn254_mul(data, data), EXEC_BN254_OK);
    cr_expect_arr_eq(data, want, 64);
}

/* In a pairing the subgroup test would refuse these as well, so the decoder is asked itself. */
Test(executor_bn254, decode_refuses_what_is_off_the_curve)
{
    uint8_t data[128] = {0};
    struct bn_g2 q;
    struct bn_g1 p;
    cr_expect(bn_g2_decode(&q, data));
    cr_expect(q.infinity);
    data[31] = data[63] = 1;
    cr_expect_not(bn_g2_decode(&q, data));
    cr_assert_eq(lines_hex(data, sizeof data,
                           "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
                           "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
                           "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
                           "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"),
                 128);
    cr_expect(bn_g2_decode(&q, data));
    cr_expect_not(q.infinity);
    cr_expect_not(bn_g1_decode(&p, data));
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] ^= 1;
        cr_expect_not(bn_g2_decode(&q, data), "byte %zu", i);
        data[i] ^= 1;
    }
}

/* ---- the tower */

/* Deterministic field elements: a counter through the decoder. */
static void element(struct bn_fp12 *out, uint32_t seed)
{
    uint8_t bytes[32] = {0};
    uint64_t state = seed;
    for (unsigned k = 0; k < 12; k++) {
        for (unsigned i = 1; i < 32; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i] = (uint8_t)(state >> 56);
        }
        cr_assert(bn_fp_decode(&out->c[k / 6].c[k / 2 % 3].c[k % 2], bytes));
    }
}

static bool same(const struct bn_fp12 *a, const struct bn_fp12 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* a^(p^6 - 1)(p^2 + 1), which lies in the cyclotomic subgroup */
static void easy_part(struct bn_fp12 *a)
{
    struct bn_fp12 t;
    bn_fp12_inv(&t, a);
    bn_fp12_conj(a, a);
    bn_fp12_mul(a, a, &t);
    bn_fp12_frobenius(&t, a, 2);
    bn_fp12_mul(a, a, &t);
}

Test(executor_bn254, tower_is_a_field)
{
    struct bn_fp12 a;
    struct bn_fp12 b;
    struct bn_fp12 s;
    struct bn_fp12 t;
    for (uint32_t seed = 1; seed < 20; seed++) {
        element(&a, seed);
        element(&b, seed + 1000);
        bn_fp12_sqr(&s, &a);
        bn_fp12_mul(&t, &a, &a);
        cr_assert(same(&s, &t), "square");
        bn_fp12_mul(&s, &a, &b);
        bn_fp12_mul(&t, &b, &a);
        cr_assert(same(&s, &t), "commutes");
        bn_fp12_inv(&t, &a);
        bn_fp12_mul(&t, &t, &s);
        cr_assert(same(&t, &b), "inverse");
        bn_fp12_mul(&s, &s, &a);
        bn_fp12_sqr(&t, &a);
        bn_fp12_mul(&t, &t, &b);
        cr_assert(same(&s, &t), "associates");
    }
    memset(&a, 0, sizeof a);
    bn_fp12_inv(&t, &a);
    cr_expect(same(&a, &t), "1/0 is 0");
}

Test(executor_bn254, tower_frobenius_is_a_homomorphism)
{
    struct bn_fp12 a;
    struct bn_fp12 b;
    struct bn_fp12 s;
    struct bn_fp12 t;
    element(&a, 5);
    element(&b, 6);
    for (unsigned power = 1; power <= 3; power++) {
        bn_fp12_mul(&s, &a, &b);
        bn_fp12_frobenius(&s, &s, power);
        bn_fp12_frobenius(&t, &a, power);
        for (unsigned k = 1; k < power; k++) /* p^2 and p^3 by repeating p, on b */
            bn_fp12_frobenius(&b, &b, 1);
        bn_fp12_frobenius(&b, &b, 1);
        bn_fp12_mul(&t, &t, &b);
        cr_assert(same(&s, &t), "power %u", power);
        element(&b, 6);
    }
    bn_fp12_frobenius(&s, &a, 3);
    bn_fp12_frobenius(&s, &s, 3);
    bn_fp12_conj(&t, &a);
    cr_expect(same(&s, &t), "p^6 is the conjugate");
}

/* a^p by square and multiply: the one definition of the Frobenius map. */
Test(executor_bn254, tower_frobenius_is_the_power_p)
{
    struct bn_fp12 a;
    struct bn_fp12 s;
    struct bn_fp12 t;
    element(&a, 9);
    bn_fp12_one(&s);
    for (unsigned i = 256; i-- > 0;) {
        bn_fp12_sqr(&s, &s);
        if ((BN_P[i / EXEC_LIMB_BITS] >> (i % EXEC_LIMB_BITS) & 1u) != 0)
            bn_fp12_mul(&s, &s, &a);
    }
    bn_fp12_frobenius(&t, &a, 1);
    cr_expect(same(&s, &t));
}

Test(executor_bn254, tower_cyclotomic_square)
{
    struct bn_fp12 a;
    struct bn_fp12 s;
    struct bn_fp12 t;
    for (uint32_t seed = 1; seed < 8; seed++) {
        element(&a, seed);
        easy_part(&a);
        bn_fp12_cyclotomic_sqr(&s, &a);
        bn_fp12_sqr(&t, &a);
        cr_assert(same(&s, &t));
        bn_fp12_conj(&t, &a);
        bn_fp12_mul(&t, &t, &a);
        cr_assert(bn_fp12_is_one(&t), "the conjugate is the inverse");
    }
}

Test(executor_bn254, tower_sparse_product)
{
    struct bn_fp12 a;
    struct bn_fp12 b;
    struct bn_line line;
    for (uint32_t seed = 1; seed < 8; seed++) {
        element(&a, seed);
        element(&b, seed + 50);
        line = (struct bn_line){.a0 = b.c[0].c[0], .a1 = b.c[1].c[0], .a3 = b.c[1].c[1]};
        memset(&b.c[0].c[1], 0, 2 * sizeof b.c[0].c[1]);
        memset(&b.c[1].c[2], 0, sizeof b.c[1].c[2]);
        bn_fp12_mul(&b, &b, &a);
        bn_fp12_mul_line(&a, &line);
        cr_assert(same(&a, &b));
    }
}

/* Values next to 0 and p, where a missing reduction shows. */
Test(executor_bn254, field_edges)
{
    struct bn_fp one;
    struct bn_fp last; /* p - 1 */
    struct bn_fp t;
    struct bn_fp2 x;
    struct bn_fp2 y;
    uint8_t bytes[32];
    bn_fp_one(&one);
    bn_fp_neg(&last, &one);
    bn_fp_encode(bytes, &last);
    cr_assert(bn_fp_decode(&t, bytes));
    cr_expect(bn_fp_eq(&t, &last));
    bytes[31]++; /* p */
    cr_expect_not(bn_fp_decode(&t, bytes));
    cr_expect(bn_fp_is_zero(&t));
    bn_fp_mul(&t, &last, &last);
    cr_expect(bn_fp_eq(&t, &one));
    bn_fp_add(&t, &last, &one);
    cr_expect(bn_fp_is_zero(&t));
    bn_fp_neg(&t, &t);
    cr_expect(bn_fp_is_zero(&t));
    bn_fp_half(&t, &one);
    bn_fp_double(&t, &t);
    cr_expect(bn_fp_eq(&t, &one));
    bn_fp_inv(&t, &last);
    cr_expect(bn_fp_eq(&t, &last));
    x = (struct bn_fp2){{last, last}};
    bn_fp2_mul(&y, &x, &x); /* (-1 - i)^2 = 2i */
    cr_expect(bn_fp_is_zero(&y.c[0]));
    bn_fp_double(&t, &one);
    cr_expect(bn_fp_eq(&y.c[1], &t));
    bn_fp2_sqr(&x, &x);
    cr_expect(bn_fp2_eq(&x, &y));
}
