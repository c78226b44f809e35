/* base/core/poseidon2: properties that need no file; known answers are in test_vectors_poseidon2.c.
 * Method: known answers for the zero state, streaming against one-shot, separation of tags and
 * lengths, aliasing, and pack30 at the limb boundaries. */
#include <signal.h>

#include <criterion/criterion.h>

#include "base/core/poseidon2_words.h"
#include "base/core/rng.h"

static void fill(struct td_kb *out, size_t count, uint64_t seed)
{
    struct td_rng r;
    td_rng_init(&r, seed);
    for (size_t i = 0; i < count; i++)
        out[i].v = (uint32_t)td_rng_below(&r, TD_KB_P);
}

Test(base_poseidon2, zero_state)
{
    struct td_kb a[16] = {{0}};
    struct td_kb b[24] = {{0}};
    td_poseidon2_16(a);
    td_poseidon2_24(b);
    cr_expect(a[0].v == 1467453764 && a[15].v == 1900792116);
    cr_expect(b[0].v == 1918697942 && b[23].v == 471585472);
}

/* What the guest computes without chips, against the 64-bit form: random states, and states of
 * elements at the ends of the range and at powers of two, where sums wrap and shifts lose bits. */
Test(base_poseidon2, words_equal_the_wide_form)
{
    static const uint32_t edges[] = {0, 1, 2, TD_KB_P - 1u, TD_KB_P - 2u, TD_KB_P / 2u};
    struct td_rng r;
    td_rng_init(&r, 24);
    for (unsigned n = 0; n < 30000; n++) {
        struct td_kb want[24], got[24];
        fill(want, 24, n);
        for (unsigned i = 0; n % 3 != 0 && i < 24; i++) {
            uint32_t choice = (uint32_t)td_rng_below(&r, n % 3 == 1 ? 6u : 48u);
            if (choice < 6)
                want[i].v = edges[choice];
            else if (choice < 37)
                want[i].v = (UINT32_C(1) << (choice - 6u)) % TD_KB_P;
        }
        memcpy(got, want, sizeof got);
        td_poseidon2_24(want);
        td_poseidon2_24_words(got);
        cr_assert_arr_eq(got, want, sizeof got, "state %u", n);
    }
}

Test(base_poseidon2, streaming_equals_one_shot)
{
    struct td_kb data[64];
    fill(data, 64, 5);
    for (size_t n = 0; n <= 64; n++) {
        struct td_p2_digest want;
        td_p2_hash(&want, TD_P2_RECORD, data, n);
        for (size_t cut = 0; cut <= n; cut++) {
            struct td_p2_sponge h;
            struct td_p2_digest got;
            td_p2_sponge_init(&h, TD_P2_RECORD, (uint32_t)n);
            td_p2_sponge_update(&h, data, cut);
            td_p2_sponge_update(&h, data + cut, n - cut);
            td_p2_sponge_final(&h, &got);
            cr_assert(td_p2_digest_eq(&got, &want), "n %zu cut %zu", n, cut);
        }
    }
}

/* Zero padding, tag and length must all show in the digest. */
Test(base_poseidon2, tags_and_lengths_separate)
{
    struct td_kb zeros[40] = {{0}};
    struct td_p2_digest seen[410];
    size_t n = 0;
    for (unsigned tag = TD_P2_ROW_LEAF; tag <= TD_P2_STATEMENT; tag++) {
        for (size_t len = 0; len <= 40; len++) {
            td_p2_hash(&seen[n], (enum td_p2_tag)tag, zeros, len);
            for (size_t i = 0; i < n; i++)
                cr_assert(!td_p2_digest_eq(&seen[i], &seen[n]), "tag %u length %zu", tag, len);
            n++;
        }
    }
    cr_expect_eq(n, 410);
}

Test(base_poseidon2, node_separates_and_may_alias)
{
    struct td_p2_digest l, r, a, b;
    fill(l.e, 9, 6);
    fill(r.e, 9, 7);
    td_p2_node(&a, TD_P2_NODE, &l, &r);
    td_p2_node(&b, TD_P2_NODE, &r, &l);
    cr_expect(!td_p2_digest_eq(&a, &b));
    td_p2_node(&b, TD_P2_STATE_NODE, &l, &r);
    cr_expect(!td_p2_digest_eq(&a, &b));
    td_p2_node(&l, TD_P2_NODE, &l, &r);
    cr_expect(td_p2_digest_eq(&a, &l));
}

Test(base_poseidon2, absorbing_too_much_aborts, .signal = SIGABRT)
{
    struct td_p2_sponge h;
    struct td_kb two[2] = {{1}, {2}};
    td_p2_sponge_init(&h, TD_P2_KEY, 1);
    td_p2_sponge_update(&h, two, 2);
}

Test(base_poseidon2, absorbing_too_little_aborts, .signal = SIGABRT)
{
    struct td_p2_sponge h;
    struct td_p2_digest out;
    td_p2_sponge_init(&h, TD_P2_KEY, 1);
    td_p2_sponge_final(&h, &out);
}

/* Each single bit of the integer lands in exactly one bit of one limb, in order. */
Test(base_poseidon2, pack30_bits)
{
    for (unsigned bit = 0; bit < 256; bit++) {
        struct td_wei v = td_wei_of_u64(0);
        struct td_wei back;
        struct td_kb limbs[9];
        v.limb[bit / 64] = UINT64_C(1) << (bit % 64);
        td_pack30_encode(limbs, &v);
        for (unsigned i = 0; i < 9; i++)
            cr_assert_eq(limbs[i].v, bit / 30 == i ? 1u << (bit % 30) : 0u, "bit %u", bit);
        cr_assert_eq(td_pack30_decode(&back, limbs), TD_OK);
        cr_assert_eq(td_wei_cmp(&back, &v), 0, "bit %u", bit);
    }
    struct td_wei all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    struct td_wei back;
    struct td_kb limbs[9];
    td_pack30_encode(limbs, &all);
    for (unsigned i = 0; i < 9; i++)
        cr_expect_eq(limbs[i].v, i < 8 ? 0x3FFFFFFFu : 0xFFFFu);
    cr_expect_eq(td_pack30_decode(&back, limbs), TD_OK);
    cr_expect_eq(td_wei_cmp(&back, &all), 0);
    for (unsigned i = 0; i < 9; i++) { /* one above the limb's range */
        struct td_kb bad[9];
        memcpy(bad, limbs, sizeof bad);
        bad[i].v++;
        cr_expect_eq(td_pack30_decode(&back, bad), TD_E_RANGE, "limb %u", i);
        cr_expect(td_wei_is_zero(&back));
    }
}
