/* The plain C versions of the chips against what they stand for: base's hashes, exec_u256, and the
 * multiples of the generator. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "executor/chips.h"
#include "executor/crypto/secp_point.h"
#include "executor/u256.h"

static struct td_kb element(struct td_rng *rng)
{
    return (struct td_kb){(uint32_t)td_rng_below(rng, TD_KB_P)};
}

/* keccak256 of nothing, by one permutation of the padding. */
Test(executor_chips, keccakf)
{
    uint64_t s[25] = {1};
    struct td_hash want;
    s[16] = UINT64_C(1) << 63;
    td_chip_keccakf(s);
    td_keccak256(&want, NULL, 0);
    for (unsigned i = 0; i < 32; i++)
        cr_expect_eq((uint8_t)(s[i / 8] >> 8 * (i % 8)), want.b[i]);
}

/* Absorbing gives the sponge's digest, for partial, full and several blocks. */
Test(executor_chips, p2_absorb)
{
    struct td_rng rng;
    td_rng_init(&rng, 30);
    for (uint32_t count = 1; count < 50; count++) {
        struct td_kb data[50], s[24] = {{0}};
        struct td_p2_digest want;
        for (uint32_t i = 0; i < count; i++)
            data[i] = element(&rng);
        td_p2_hash(&want, TD_P2_RECORD, data, count);
        s[15].v = TD_P2_RECORD;
        s[16].v = count;
        td_chip_p2_absorb(s, data, count);
        cr_expect_arr_eq(s, want.e, sizeof want.e, "%u elements", count);
    }
}

/* The root by way of td_p2_node; every bit of the index decides its own level. */
Test(executor_chips, p2_path)
{
    struct td_rng rng;
    td_rng_init(&rng, 31);
    for (uint32_t levels = 0; levels <= 32; levels++) {
        struct td_kb siblings[32 * 9], digest[9];
        struct td_p2_digest at;
        uint32_t index = (uint32_t)td_rng_u64(&rng);
        for (uint32_t i = 0; i < 32 * 9; i++)
            siblings[i] = element(&rng);
        for (uint32_t i = 0; i < 9; i++)
            at.e[i] = digest[i] = element(&rng);
        for (uint32_t i = 0; i < levels; i++) {
            struct td_p2_digest sibling;
            memcpy(sibling.e, siblings + (size_t)9 * i, sizeof sibling.e);
            if ((index >> i & 1u) != 0)
                td_p2_node(&at, TD_P2_STATE_NODE, &sibling, &at);
            else
                td_p2_node(&at, TD_P2_STATE_NODE, &at, &sibling);
        }
        td_chip_p2_path(digest, siblings, index, levels);
        cr_expect_arr_eq(digest, at.e, sizeof at.e, "%u levels", levels);
    }
}

/* a b mod m by doubling and adding, bit by bit. */
static struct exec_u256 slow_mulmod(const struct exec_u256 *a, const struct exec_u256 *b,
                                    const struct exec_u256 *m)
{
    struct exec_u256 r = {{0, 0, 0, 0}};
    for (unsigned bit = 256; bit-- > 0;) {
        exec_u256_addmod(&r, &r, &r, m);
        if ((b->w[bit / 64] >> bit % 64 & 1u) != 0)
            exec_u256_addmod(&r, &r, a, m);
    }
    return r;
}

Test(executor_chips, u256_mulmod)
{
    struct td_rng rng;
    td_rng_init(&rng, 32);
    for (unsigned i = 0; i < 300; i++) {
        uint32_t v[3][8], out[8];
        struct exec_u256 w[3], want;
        for (unsigned k = 0; k < 24; k++) {
            uint64_t r = td_rng_u64(&rng);
            v[k / 8][k % 8] = r % 4 == 0 ? 0 : r % 4 == 1 ? UINT32_MAX : (uint32_t)(r >> 32);
        }
        if (i < 4) /* modulus 1, 2, 3, 4 */
            memset(v[2], 0, sizeof v[2]);
        v[2][0] |= i < 4 ? i + 1 : 1;
        for (unsigned k = 0; k < 12; k++)
            w[k / 4].w[k % 4] = (uint64_t)v[k / 4][2 * (k % 4) + 1] << 32 | v[k / 4][2 * (k % 4)];
        want = slow_mulmod(&w[0], &w[1], &w[2]);
        td_chip_u256_mulmod(out, v[0], v[1], v[2]);
        for (unsigned k = 0; k < 8; k++)
            cr_assert_eq(out[k], (uint32_t)(want.w[k / 2] >> 32 * (k % 2)), "case %u", i);
        td_chip_u256_mulmod(v[0], v[0], v[1], v[2]); /* in place */
        cr_expect_arr_eq(v[0], out, sizeof out);
    }
}

static void words_of(uint32_t out[16], const struct exec_point *p)
{
    exec_fe_to_words(out, &p->x);
    exec_fe_to_words(out + 8, &p->y);
}

/* G, 3 G, 5 G, .. are 2 G apart; from 2^64 G sixty-four doublings of G lead. */
Test(executor_chips, secp_add_and_double)
{
    uint32_t twice[16], at[16], want[16];
    words_of(twice, &EXEC_SECP_G[0]);
    td_chip_secp_double(twice);
    words_of(at, &EXEC_SECP_G[0]);
    for (unsigned i = 1; i < 64; i++) {
        td_chip_secp_add(at, twice);
        words_of(want, &EXEC_SECP_G[i]);
        cr_expect_arr_eq(at, want, sizeof want, "%u G", 2 * i + 1);
    }
    words_of(at, &EXEC_SECP_G[0]);
    for (unsigned i = 0; i < 64; i++)
        td_chip_secp_double(at);
    words_of(want, &EXEC_SECP_G64[0]);
    cr_expect_arr_eq(at, want, sizeof want, "2^64 G");
}
