/* Recovery and the hinted check against libsecp256k1: signatures it made, random triples, a grid of
 * boundary values, points chosen so that every exceptional case of the group law occurs inside the
 * sums, and hints with something wrong in every word. */
#include "executor/crypto/secp_check.h"
#include "tests/executor/crypto/secp_cases.h"

static secp256k1_context *lib;

static void setup(void)
{
    lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
}

static void teardown(void)
{
    secp256k1_context_destroy(lib);
}

TestSuite(executor_secp, .init = setup, .fini = teardown);

/* A signature by a random key, and the key. */
static void sign(struct td_rng *rng, struct signature *sig, uint8_t xy[64])
{
    secp256k1_ecdsa_recoverable_signature raw;
    uint8_t secret[32], compact[64];
    int parity;
    do {
        random_bytes(rng, secret, sizeof secret);
        random_bytes(rng, sig->digest.b, 32);
    } while (secp256k1_ecdsa_sign_recoverable(lib, &raw, sig->digest.b, secret, NULL, NULL) != 1);
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(lib, compact, &parity, &raw);
    memcpy(sig->r, compact, 32);
    memcpy(sig->s, compact + 32, 32);
    sig->parity = (uint32_t)parity;
    cr_assert(judge_recover(lib, xy, sig));
}

Test(executor_secp, agrees_on_signatures)
{
    struct td_rng rng;
    td_rng_init(&rng, 1);
    for (unsigned i = 0; i < ROUNDS(300); i++) {
        struct signature sig;
        uint8_t xy[64];
        struct exec_fe s;
        sign(&rng, &sig, xy);
        cr_assert(agree(lib, &sig, "signed"));
        sig.parity ^= 1;
        cr_assert(agree(lib, &sig, "other parity: another key"));
        exec_fe_from_be(&s, sig.s); /* n - s with the other parity is the same signature */
        exec_sc_neg(&s, &s);
        exec_fe_to_be(sig.s, &s);
        cr_assert(agree(lib, &sig, "high s"));
    }
}

Test(executor_secp, agrees_on_random_numbers)
{
    struct td_rng rng;
    unsigned found = 0;
    td_rng_init(&rng, 2);
    for (unsigned i = 0; i < ROUNDS(300); i++) {
        struct signature sig;
        random_bytes(&rng, sig.digest.b, 32);
        random_bytes(&rng, sig.r, 32);
        random_bytes(&rng, sig.s, 32);
        sig.parity = (uint32_t)td_rng_below(&rng, 3);
        found += agree(lib, &sig, "random") ? 1u : 0u;
    }
    cr_expect(found > 0 && found < ROUNDS(300), "half of all r are no x coordinate");
}

/* r and s at and around 0, n, p, p - n, the x of G, and in the middle; digests at both ends. */
Test(executor_secp, agrees_on_boundaries, .timeout = 300)
{
    enum { N = 17 };
    struct exec_fe v[N] = {{{0}}, {{1}}, {{2}}, EXEC_SECP_N, EXEC_SECP_P, EXEC_SECP_G[0].x};
    const struct exec_fe one = {{1}}, zero = {{0}};
    unsigned count = 6, found = 0, tried = 0;
    (void)exec_fe_borrow_sub(&v[count++], &EXEC_SECP_N, &one);
    (void)exec_fe_carry_add(&v[count++], &EXEC_SECP_N, &one);
    (void)exec_fe_borrow_sub(&v[count++], &EXEC_SECP_P, &one);
    (void)exec_fe_borrow_sub(&v[count++], &EXEC_SECP_P, &EXEC_SECP_N); /* r + n = p */
    (void)exec_fe_borrow_sub(&v[count], &v[count - 1], &one);          /* r + n = p - 1 */
    count++;
    (void)exec_fe_carry_add(&v[count], &v[count - 2], &one);
    count++;
    (void)exec_fe_borrow_sub(&v[count++], &zero, &one); /* 2^256 - 1 */
    v[count++] = EXEC_SECP_G[1].x;
    v[count++] = EXEC_SECP_LAMBDA;
    v[count++] = EXEC_SECP_BETA;
    exec_sc_inv(&v[count++], &v[2]); /* (n + 1) / 2: the smallest high s */
    cr_assert_eq(count, N);
    for (unsigned i = 0; i < N * N * 5 * 4; i += ROUNDS(20) / 20 == 0 ? 41 : 1) {
        static const unsigned DIGESTS[5] = {0, 1, 3, 7, 12};
        struct signature sig = {.parity = i % 4};
        exec_fe_to_be(sig.digest.b, &v[DIGESTS[i / 4 % 5]]);
        exec_fe_to_be(sig.r, &v[i / 20 % N]);
        exec_fe_to_be(sig.s, &v[i / 20 / N]);
        found += agree(lib, &sig, "grid") ? 1u : 0u;
        tried++;
    }
    cr_expect(found > tried / 20, "%u of %u have a key", found, tried);
}

/* r and s from 1 to 40, and n less that: scalars of one limb, products without a carry, sums in
 * which a limb of ones takes a carry in.  One digest of each kind in turn. */
Test(executor_secp, agrees_on_tiny_numbers_and_their_negatives, .timeout = 300)
{
    unsigned found = 0, tried = 0;
    for (unsigned i = 0; i < 40 * 40 * 4; i += ROUNDS(20) / 20 == 0 ? 37 : 1) {
        struct exec_fe r = {{i % 40 + 1}}, s = {{i / 40 % 40 + 1}};
        struct signature sig = {.parity = i / 3 % 2};
        if ((i / 1600 & 1u) != 0)
            exec_sc_neg(&r, &r);
        if ((i / 1600 & 2u) != 0)
            exec_sc_neg(&s, &s);
        memset(sig.digest.b, i % 3 == 0 ? 0 : i % 3 == 1 ? 0xFF : 0x5A, 32);
        sig.digest.b[31] = (uint8_t)i;
        exec_fe_to_be(sig.r, &r);
        exec_fe_to_be(sig.s, &s);
        found += agree(lib, &sig, "tiny") ? 1u : 0u;
        tried++;
    }
    cr_expect(found > tried / 4, "%u of %u have a key", found, tried);
}

/* s (k G) = z G + r (d G) for nonces and keys that make tables and sums meet: equal and opposite
 * points, multiples by lambda and by 2^64, and the key at infinity (d = 0). */
Test(executor_secp, agrees_on_related_points, .timeout = 300)
{
    enum { N = 13 };
    struct exec_fe v[N] = {{{0}}, {{1}}, {{2}}, {{3}}, {{15}}, {{16}}, {{17}}, EXEC_SECP_LAMBDA};
    unsigned found = 0, infinite = 0;
    struct td_rng rng;
    uint8_t seed[32];
    td_rng_init(&rng, 3);
    random_bytes(&rng, seed, 32);
    exec_fe_from_be(&v[8], seed);
    exec_sc_mul(&v[9], &v[7], &v[7]);
    v[10] = v[1];
    for (unsigned i = 0; i < 64; i++)
        exec_sc_add(&v[10], &v[10], &v[10]);
    exec_sc_mul(&v[11], &v[10], &v[7]);
    exec_sc_neg(&v[12], &v[2]);
    for (unsigned i = 0; i < N * N * N * 2; i += ROUNDS(20) / 20 == 0 ? 101 : 1) {
        struct exec_fe nonce = v[i / 2 % N], key = v[i / 2 / N % N], s;
        struct signature sig;
        secp256k1_pubkey pub;
        uint8_t secret[32], point[65];
        size_t len = sizeof point;
        if ((i & 1u) != 0)
            exec_sc_neg(&nonce, &nonce);
        if (exec_fe_is_zero(&nonce))
            continue;
        exec_fe_to_be(secret, &nonce);
        cr_assert_eq(secp256k1_ec_pubkey_create(lib, &pub, secret), 1);
        (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &pub, SECP256K1_EC_UNCOMPRESSED);
        memcpy(sig.r, point + 1, 32); /* below n for all of these */
        sig.parity = point[64] & 1u;
        exec_fe_to_be(sig.digest.b, &v[i / 2 / N / N]);
        exec_fe_from_be(&s, sig.r);
        exec_sc_mul(&s, &s, &key);
        exec_sc_add(&s, &s, &v[i / 2 / N / N]);
        exec_sc_inv(&nonce, &nonce);
        exec_sc_mul(&s, &s, &nonce);
        exec_fe_to_be(sig.s, &s);
        if (agree(lib, &sig, "related")) {
            found++;
            cr_expect(!exec_fe_is_zero(&key));
        } else if (!exec_fe_is_zero(&s)) {
            infinite++; /* the key is the point at infinity */
            cr_expect(exec_fe_is_zero(&key));
        }
    }
    cr_expect(found > infinite && infinite > 0, "%u keys, %u at infinity", found, infinite);
}

/* ---- wrong hints */

struct proof {
    struct signature sig;
    uint8_t xy[64];
    struct exec_secp_hint hint;
    uint32_t slopes[8 * EXEC_SECP_SLOPES_MAX];
};

static struct proof proof_make(uint64_t seed)
{
    struct proof p;
    struct td_rng rng;
    td_rng_init(&rng, seed);
    sign(&rng, &p.sig, p.xy);
    cr_assert(
        exec_secp_hint(&p.hint, p.slopes, &p.sig.digest, p.sig.r, p.sig.s, p.sig.parity, p.xy));
    cr_assert(verify(&p.sig, p.xy, &p.hint, p.slopes));
    return p;
}

/* One bit of each word of the hint; every part of this hint is nonzero, so each sign counts. */
Test(executor_secp, refuses_a_hint_with_any_word_changed)
{
    struct proof p = proof_make(4);
    for (unsigned i = 0; i < 6; i++)
        cr_assert_neq(p.hint.split[i / 2].part[i % 2][0] | p.hint.split[i / 2].part[i % 2][1], 0u);
    for (unsigned i = 0; i < 8; i++) {
        struct exec_secp_hint h = p.hint;
        h.t[i] ^= 1u << i;
        cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes), "t, word %u", i);
        h = p.hint;
        h.r_y[i] ^= 4u << i;
        cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes), "y, word %u", i);
    }
    for (unsigned i = 0; i < 24; i++) {
        struct exec_secp_hint h = p.hint;
        h.split[i / 8].part[i / 4 % 2][i % 4] ^= 1u << i;
        cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes), "part %u, word %u", i / 4, i % 4);
    }
    for (unsigned i = 0; i < 6; i++) {
        struct exec_secp_hint h = p.hint;
        h.split[i / 2].signs ^= 1u << i % 2;
        cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes), "sign %u", i);
    }
}

Test(executor_secp, refuses_slopes_that_are_wrong_or_missing)
{
    struct proof p = proof_make(5);
#if EXEC_SECP_CHIPS
    memset(p.slopes, 0, sizeof p.slopes);
    p.hint.slope_count = 0;
    cr_expect(verify(&p.sig, p.xy, &p.hint, p.slopes), "slopes are not read");
    p.hint.slope_count = 1;
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "one too many");
#else
    for (unsigned i = 0; i < 8 * p.hint.slope_count; i++) {
        p.slopes[i] ^= 1u << i % 32;
        cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "slope %u", i / 8);
        p.slopes[i] ^= 1u << i % 32;
    }
    p.hint.slope_count--;
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "one too few");
    p.hint.slope_count += 2;
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "one too many");
    p.hint.slope_count = 0;
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, NULL), "none");
#endif
}

/* Multiplying the equation by zero makes it true of every key. */
Test(executor_secp, refuses_the_multiplier_zero)
{
    struct proof p = proof_make(6);
    struct exec_secp_hint h = p.hint;
    memset(h.t, 0, sizeof h.t);
    memset(h.split, 0, sizeof h.split);
    cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes));
    exec_fe_to_words(h.t, &EXEC_SECP_N);
    cr_expect_not(verify(&p.sig, p.xy, &h, p.slopes));
}

/* The hint of one claim does not carry another: digest, r, s, parity, key. */
Test(executor_secp, refuses_another_claim)
{
    struct proof p = proof_make(7), q = proof_make(8);
    for (unsigned i = 0; i < 3 * 32; i++) {
        struct signature sig = p.sig;
        uint8_t *field = i < 32 ? sig.digest.b : i < 64 ? sig.r : sig.s;
        field[i % 32] = (uint8_t)(field[i % 32] ^ 1u << i % 8);
        cr_expect_not(verify(&sig, p.xy, &p.hint, p.slopes), "byte %u", i);
    }
    for (uint32_t parity = 0; parity < 4; parity++) {
        struct signature sig = p.sig;
        sig.parity = parity;
        cr_expect_eq(verify(&sig, p.xy, &p.hint, p.slopes), parity == p.sig.parity);
    }
    for (unsigned i = 0; i < 64; i++) {
        uint8_t xy[64];
        memcpy(xy, p.xy, 64);
        xy[i] = (uint8_t)(xy[i] ^ 1u << i % 8);
        cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "off the curve at byte %u", i);
    }
    cr_expect_not(verify(&p.sig, q.xy, &p.hint, p.slopes), "another's key");
    cr_expect_not(verify(&p.sig, p.xy, &q.hint, q.slopes), "another's hint");
    cr_expect_not(verify(&q.sig, p.xy, &p.hint, p.slopes), "another's signature");
}

static void put_be(uint8_t out[64], const struct exec_fe *x, const struct exec_fe *y)
{
    exec_fe_to_be(out, x);
    exec_fe_to_be(out + 32, y);
}

/* Other spellings of a key: the opposite point, lambda times it, zeros. */
Test(executor_secp, refuses_other_forms_of_the_key)
{
    struct proof p = proof_make(9);
    const struct exec_fe zero = {{0}};
    struct exec_fe x, y, t;
    uint8_t xy[64];
    exec_fe_from_be(&x, p.xy);
    exec_fe_from_be(&y, p.xy + 32);
    exec_fe_neg(&t, &y);
    put_be(xy, &x, &t);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "opposite");
    exec_fe_mul(&t, &x, &EXEC_SECP_BETA);
    put_be(xy, &t, &y);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "times lambda");
    put_be(xy, &zero, &zero);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "zero");
    put_be(xy, &zero, &y);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "x = 0");
    put_be(xy, &x, &zero);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "y = 0");
    put_be(xy, &EXEC_SECP_P, &EXEC_SECP_P);
    cr_expect_not(verify(&p.sig, xy, &p.hint, p.slopes), "p");
}

/* x + p has 256 bits for a key of x = 1.  Nobody knows its secret, but R = G + 2 Q gives
 * r = x(R), s = r / 2, z = s a claim that holds for Q. */
Test(executor_secp, refuses_a_key_that_is_not_canonical)
{
    struct proof p;
    secp256k1_pubkey q, g, sum;
    const secp256k1_pubkey *const terms[2] = {&g, &q};
    uint8_t compressed[33] = {2}, one[32] = {0}, two[32] = {0}, point[65];
    size_t len = sizeof point;
    struct exec_fe x, s, half;
    compressed[32] = one[31] = 1;
    two[31] = 2;
    cr_assert_eq(secp256k1_ec_pubkey_parse(lib, &q, compressed, sizeof compressed), 1);
    (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &q, SECP256K1_EC_UNCOMPRESSED);
    memcpy(p.xy, point + 1, 64);
    cr_assert_eq(secp256k1_ec_pubkey_create(lib, &g, one), 1);
    cr_assert_eq(secp256k1_ec_pubkey_tweak_mul(lib, &q, two), 1);
    cr_assert_eq(secp256k1_ec_pubkey_combine(lib, &sum, terms, 2), 1);
    (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &sum, SECP256K1_EC_UNCOMPRESSED);
    memcpy(p.sig.r, point + 1, 32);
    p.sig.parity = point[64] & 1u;
    exec_fe_from_be(&s, two);
    exec_sc_inv(&half, &s);
    exec_fe_from_be(&s, p.sig.r);
    exec_sc_mul(&s, &s, &half);
    exec_fe_to_be(p.sig.s, &s);
    exec_fe_to_be(p.sig.digest.b, &s);
    cr_assert(agree(lib, &p.sig, "x = 1"));
    cr_assert(
        exec_secp_hint(&p.hint, p.slopes, &p.sig.digest, p.sig.r, p.sig.s, p.sig.parity, p.xy));
    exec_fe_from_be(&x, p.xy);
    cr_assert_eq(exec_fe_carry_add(&x, &x, &EXEC_SECP_P), 0u);
    exec_fe_to_be(p.xy, &x);
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes));
}

/* y of the nonce point with p added, of the same parity bit or the other, is refused: the parity
 * would be read off the wrong number. */
Test(executor_secp, refuses_a_nonce_point_that_is_not_canonical)
{
    struct proof p = proof_make(11);
    struct exec_fe y;
    exec_fe_from_words(&y, p.hint.r_y);
    exec_fe_neg(&y, &y);
    exec_fe_to_words(p.hint.r_y, &y);
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "the other root");
    p.sig.parity ^= 1;
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "the other root, its parity");
    exec_fe_to_words(p.hint.r_y, &EXEC_SECP_P);
    cr_expect_not(verify(&p.sig, p.xy, &p.hint, p.slopes), "p");
}

/* The first gate by itself: what it lets through would mostly, but not provably, fail later. */
Test(executor_secp, claims_are_in_range_and_on_the_curve)
{
    struct proof p = proof_make(13);
    struct exec_secp_claim claim;
    struct exec_fe v[5] = {{{0}}, EXEC_SECP_N, EXEC_SECP_N, EXEC_SECP_P, {{0}}};
    const struct exec_fe one = {{1}};
    uint32_t y[8];
    (void)exec_fe_carry_add(&v[2], &v[1], &one);
    (void)exec_fe_borrow_sub(&v[4], &v[0], &one);
    cr_assert(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, p.sig.parity, p.xy));
    for (unsigned i = 0; i < 5; i++) {
        uint8_t bytes[32], xy[64];
        exec_fe_to_be(bytes, &v[i]);
        cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, bytes, p.sig.s, 0, p.xy));
        cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, bytes, 0, p.xy));
        memcpy(xy, p.xy, 64);
        memcpy(xy, bytes, 32);
        cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, 0, xy));
        memcpy(xy, p.xy, 32);
        memcpy(xy + 32, bytes, 32);
        cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, 0, xy));
    }
    cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, 2, p.xy));
    for (unsigned i = 0; i < 64; i++) {
        p.xy[i] ^= 1;
        cr_expect_not(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, 0, p.xy));
        p.xy[i] ^= 1;
    }
    cr_assert(exec_secp_claim_get(&claim, &p.sig.digest, p.sig.r, p.sig.s, p.sig.parity, p.xy));
    cr_assert(exec_secp_claim_nonce(&claim, p.hint.r_y, p.sig.parity));
    cr_expect_not(exec_secp_claim_nonce(&claim, p.hint.r_y, 1 - p.sig.parity));
    for (unsigned i = 0; i < 8; i++) {
        memcpy(y, p.hint.r_y, sizeof y);
        y[i] ^= 2u;
        cr_expect_not(exec_secp_claim_nonce(&claim, y, p.sig.parity), "word %u", i);
    }
}

#if !EXEC_SECP_CHIPS
/* One step at a time: with the right slope G + 3 G and 2 G are where they belong, with any other
 * the walk has failed.  A sum that fails only at its end would leave room to steer it back. */
Test(executor_secp, every_step_checks_its_slope)
{
    struct exec_jacobian at = {.x = EXEC_SECP_G[0].x, .y = EXEC_SECP_G[0].y, .z = {{1}}};
    for (unsigned doubling = 0; doubling < 2; doubling++) {
        struct exec_jacobian to = at;
        struct exec_step step;
        struct exec_fe slope, z;
        uint32_t words[8];
        if (doubling != 0)
            cr_assert(exec_jacobian_double(&to, &step));
        else
            cr_assert(exec_jacobian_add(&to, &EXEC_SECP_G[1], NULL, &step));
        exec_fe_inv(&z, &to.z);
        exec_fe_mul(&slope, &step.slope, &z);
        exec_fe_to_words(words, &slope);
        for (unsigned i = 0; i < 9; i++) {
            struct exec_walk w = {.sum = EXEC_SECP_G[0], .slope = words, .slopes_left = 1};
            words[i % 8] ^= i < 8 ? 1u << i : 0;
            if (doubling != 0)
                exec_walk_double(&w);
            else
                exec_walk_add(&w, &EXEC_SECP_G[1]);
            cr_expect_eq(w.failed, i < 8);
            words[i % 8] ^= i < 8 ? 1u << i : 0;
            if (i < 8)
                continue;
            exec_fe_mul(&slope, &w.sum.x, &to.z);
            exec_fe_mul(&slope, &slope, &to.z);
            cr_expect(exec_fe_eq(&slope, &to.x));
        }
    }
}
#endif

#if EXEC_SECP_CHIPS
/* Long hints are as good as short ones: t = 1 / s with its plain split, 128 bits a part. */
Test(executor_secp, accepts_any_true_hint)
{
    struct proof p = proof_make(12);
    struct exec_fe t, k;
    struct exec_secp_hint h = p.hint;
    exec_fe_from_be(&k, p.sig.s);
    exec_sc_inv(&t, &k);
    exec_fe_to_words(h.t, &t);
    h.split[0] = (struct exec_secp_split){.part = {{1}}};
    exec_fe_from_be(&k, p.sig.r);
    exec_sc_mul(&k, &k, &t);
    exec_sc_split(&h.split[1], &k);
    exec_fe_from_be(&k, p.sig.digest.b);
    exec_sc_mul(&k, &k, &t);
    exec_sc_split(&h.split[2], &k);
    cr_expect(verify(&p.sig, p.xy, &h, p.slopes));
}
#endif

/* The addresses of the keys 1 and 2, as every wallet shows them. */
Test(executor_secp, addresses)
{
    static const uint8_t WANT[20] = {0x7E, 0x5F, 0x45, 0x52, 0x09, 0x1A, 0x69, 0x12, 0x5D, 0x5D,
                                     0xFC, 0xB7, 0xB8, 0xC2, 0x65, 0x90, 0x29, 0x39, 0x5B, 0xDF};
    uint8_t xy[64];
    struct td_addr got;
    put_be(xy, &EXEC_SECP_G[0].x, &EXEC_SECP_G[0].y);
    exec_secp_address(&got, xy);
    cr_expect_arr_eq(got.b, WANT, 20);
}
