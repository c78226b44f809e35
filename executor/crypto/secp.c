#include "executor/crypto/secp.h"

#include "base/core/keccak.h"
#include "executor/chips.h"
#include "executor/crypto/secp_point.h"

/* r, s and the digest as scalars. */
struct scalars {
    struct exec_fe r, s, z;
};

static bool scalars_get(struct scalars *out, const struct td_hash *digest, const uint8_t r[32],
                        const uint8_t s[32])
{
    exec_fe_from_be(&out->r, r);
    exec_fe_from_be(&out->s, s);
    exec_fe_from_be(&out->z, digest->b);
    exec_sc_reduce(&out->z, &out->z);
    return !exec_fe_is_zero(&out->r) && !exec_fe_geq(&out->r, &EXEC_SECP_N) &&
           !exec_fe_is_zero(&out->s) && !exec_fe_geq(&out->s, &EXEC_SECP_N);
}

static void split_put(struct exec_digits *digits, uint32_t stream, const struct exec_fe *k,
                      uint32_t width)
{
    struct exec_secp_split split;
    exec_sc_split(&split, k);
    for (uint32_t i = 0; i < 2; i++)
        exec_digits_put(digits, stream + i, split.part[i], 4, width, (split.signs >> i & 1u) != 0);
}

/* ---- sums for recovery: digits' streams are u R, u lambda R, v G, v lambda G */

#if EXEC_SECP_CHIPS

static bool sum_get(struct exec_point *out, const struct exec_digits *digits,
                    const struct exec_point *p)
{
    struct exec_point table[EXEC_SECP_TABLE], times_lambda[EXEC_SECP_TABLE];
    const struct exec_stream streams[4] = {
        {table, false}, {times_lambda, false}, {EXEC_SECP_G, false}, {EXEC_SECP_G, true}};
    struct exec_walk w = {.infinite = true};
    exec_walk_table(&w, table, times_lambda, p);
    exec_walk_run(&w, digits, streams, 4);
    *out = w.sum;
    return !w.infinite;
}

#else

/* Odd multiples of p as affine points of the curve scaled by *scale, without an inversion: first
 * on the curve scaled by the z of 2 p, where 2 p is affine; then all are brought to the last z. */
static void table_make(struct exec_point table[EXEC_SECP_TABLE], struct exec_fe *scale,
                       const struct exec_point *p)
{
    struct exec_jacobian twice = {.x = p->x, .y = p->y, .z = {{1}}};
    struct exec_jacobian at;
    struct exec_step step[EXEC_SECP_TABLE];
    struct exec_fe z, zz;
    (void)exec_jacobian_double(&twice, NULL);
    exec_fe_sqr(&zz, &twice.z);
    at = (struct exec_jacobian){.z = {{1}}};
    exec_fe_mul(&at.x, &p->x, &zz);
    exec_fe_mul(&zz, &zz, &twice.z);
    exec_fe_mul(&at.y, &p->y, &zz);
    const struct exec_point d = {twice.x, twice.y};
    for (uint32_t i = 0; i < EXEC_SECP_TABLE; i++) {
        if (i > 0) /* 2 i - 1 and 2 differ, also in sign, modulo n */
            (void)exec_jacobian_add(&at, &d, NULL, &step[i]);
        table[i] = (struct exec_point){at.x, at.y};
    }
    exec_fe_mul(scale, &at.z, &twice.z);
    z = step[EXEC_SECP_TABLE - 1].ratio;
    for (uint32_t i = EXEC_SECP_TABLE - 1; i-- > 0;) {
        exec_fe_sqr(&zz, &z);
        exec_fe_mul(&table[i].x, &table[i].x, &zz);
        exec_fe_mul(&zz, &zz, &z);
        exec_fe_mul(&table[i].y, &table[i].y, &zz);
        if (i > 0)
            exec_fe_mul(&z, &z, &step[i].ratio);
    }
}

static bool sum_get(struct exec_point *out, const struct exec_digits *digits,
                    const struct exec_point *p)
{
    struct exec_point table[EXEC_SECP_TABLE], t;
    const struct exec_stream streams[4] = {
        {table, false}, {table, true}, {EXEC_SECP_G, false}, {EXEC_SECP_G, true}};
    struct exec_jacobian sum = {.infinite = true};
    struct exec_fe scale, z, zz;
    table_make(table, &scale, p);
    for (uint32_t at = digits->length; at-- > 0;) {
        const int8_t *row = digits->at[at];
        (void)exec_jacobian_double(&sum, NULL);
        for (uint32_t i = 0; i < 4; i++) {
            if (row[i] != 0)
                (void)exec_jacobian_add(&sum, exec_stream_point(&t, &streams[i], row[i]),
                                        i < 2 ? NULL : &scale, NULL);
        }
    }
    if (sum.infinite)
        return false;
    exec_fe_mul(&z, &sum.z, &scale);
    exec_fe_inv(&z, &z);
    exec_fe_sqr(&zz, &z);
    exec_fe_mul(&out->x, &sum.x, &zz);
    exec_fe_mul(&zz, &zz, &z);
    exec_fe_mul(&out->y, &sum.y, &zz);
    return true;
}

#endif

/* Q = (s/r) R - (z/r) G */
bool exec_secp_recover(uint8_t out_xy[64], const struct td_hash *digest, const uint8_t r[32],
                       const uint8_t s[32], uint32_t parity)
{
    struct scalars k;
    struct exec_point p, q;
    struct exec_fe inverse;
    struct exec_digits digits = {.length = 0};
    memset(out_xy, 0, 64);
    if (parity > 1 || !scalars_get(&k, digest, r, s) || !exec_point_lift(&p, &k.r, parity))
        return false;
    exec_sc_inv(&inverse, &k.r);
    exec_sc_mul(&k.s, &k.s, &inverse);
    exec_sc_mul(&k.z, &k.z, &inverse);
    exec_sc_neg(&k.z, &k.z);
    split_put(&digits, 0, &k.s, EXEC_SECP_WIDTH);
    split_put(&digits, 2, &k.z, EXEC_SECP_G_WIDTH);
    if (!sum_get(&q, &digits, &p))
        return false;
    exec_fe_to_be(out_xy, &q.x);
    exec_fe_to_be(out_xy + 32, &q.y);
    return true;
}

/* One block: the lanes are the message's bytes, little-endian, then the padding. */
void exec_secp_address(struct td_addr *out, const uint8_t xy[64])
{
    uint64_t lanes[25] = {0};
    for (uint32_t i = 0; i < 8; i++) {
        const uint8_t *p = xy + 8 * i;
        uint32_t low = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        uint32_t high = p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 24;
        lanes[i] = (uint64_t)high << 32 | low;
    }
    lanes[64 / 8] = 1;
    lanes[TD_KECCAK_RATE_BYTES / 8 - 1] |= UINT64_C(1) << 63;
    td_chip_keccakf(lanes);
    for (uint32_t i = 0; i < TD_ADDR_BYTES; i += 4) {
        uint32_t at = TD_HASH_BYTES - TD_ADDR_BYTES + i;
        uint32_t word = (uint32_t)(lanes[at / 8] >> 8 * (at % 8));
        out->b[i] = (uint8_t)word;
        out->b[i + 1] = (uint8_t)(word >> 8);
        out->b[i + 2] = (uint8_t)(word >> 16);
        out->b[i + 3] = (uint8_t)(word >> 24);
    }
}
