/* base/core/keccak_x86: bit for bit what the portable permutation gives.
 * Method: random states and those with one bit set, each form in turn and in a row, so that every
 * lane of the input reaches every lane of the output; 64-byte messages, at any alignment, against a
 * sponge written here over the portable form. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "base/core/keccak_x86.h"
#include "base/core/rng.h"

#if TD_KECCAK_X86

static bool usable_or_said(void)
{
    if (!td_keccak_x86_has())
        printf("BMI1 and BMI2: not on this processor, left out\n");
    return td_keccak_x86_has();
}

static void compare(const uint64_t from[25])
{
    uint64_t want[25], got[25];
    memcpy(want, from, sizeof want);
    memcpy(got, from, sizeof got);
    for (unsigned i = 0; i < 3; i++) {
        td_keccak_f_portable(want);
        td_keccak_f_x86(got);
        cr_assert_arr_eq(got, want, sizeof want);
    }
}

Test(base_keccak_x86, random_states_and_single_bits)
{
    struct td_rng r;
    if (!usable_or_said())
        return;
    td_rng_init(&r, 1);
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t s[25];
        for (unsigned j = 0; j < 25; j++)
            s[j] = td_rng_u64(&r);
        compare(s);
    }
    for (unsigned bit = 0; bit < 1600; bit++) {
        uint64_t s[25] = {0};
        s[bit / 64u] = UINT64_C(1) << bit % 64u;
        compare(s);
    }
}

/* One block: the message, 0x01, zeros, 0x80 at the end of the rate. */
static void sponge(uint8_t out[32], const uint8_t in[64])
{
    uint8_t block[200] = {0};
    uint64_t s[25];
    memcpy(block, in, 64);
    block[64] = 0x01;
    block[TD_KECCAK_RATE_BYTES - 1u] = 0x80;
    memcpy(s, block, sizeof s);
    td_keccak_f_portable(s);
    memcpy(out, s, 32);
}

Test(base_keccak_x86, sixty_four_bytes)
{
    struct td_rng r;
    if (!usable_or_said())
        return;
    td_rng_init(&r, 2);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t data[80], want[32], got[40];
        struct td_hash whole;
        uint8_t *in = data + i % 8u, *out = got + i / 8u % 8u;
        for (unsigned j = 0; j < sizeof data; j++)
            data[j] = (uint8_t)td_rng_u64(&r);
        sponge(want, in);
        td_keccak_64_x86(out, in);
        cr_assert_arr_eq(out, want, 32);
        td_keccak256(&whole, in, 64);
        cr_assert_arr_eq(whole.b, want, 32);
        td_keccak_64_x86(in, in); /* the result may cover the message */
        cr_assert_arr_eq(in, want, 32);
    }
}

#else

/* keccak-f of the zero state, first lane, from the reference's test vectors. */
Test(base_keccak_x86, only_the_portable_form_on_this_machine)
{
    uint64_t s[25] = {0};
    td_keccak_f_portable(s);
    cr_expect_eq(s[0], UINT64_C(0xF1258F7940E1DDE7));
}

#endif
