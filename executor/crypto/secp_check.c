#include "executor/crypto/secp_check.h"

bool exec_secp_claim_get(struct exec_secp_claim *out, const struct td_hash *digest,
                         const uint8_t r[32], const uint8_t s[32], uint32_t parity,
                         const uint8_t pubkey_xy[64])
{
    exec_fe_from_be(&out->r, r);
    exec_fe_from_be(&out->s, s);
    exec_fe_from_be(&out->z, digest->b);
    exec_fe_from_be(&out->key.x, pubkey_xy);
    exec_fe_from_be(&out->key.y, pubkey_xy + 32);
    exec_sc_reduce(&out->z, &out->z);
    out->nonce.x = out->r; /* below n, so below p */
    return parity <= 1 && !exec_fe_is_zero(&out->r) && !exec_fe_geq(&out->r, &EXEC_SECP_N) &&
           !exec_fe_is_zero(&out->s) && !exec_fe_geq(&out->s, &EXEC_SECP_N) &&
           !exec_fe_geq(&out->key.x, &EXEC_SECP_P) && !exec_fe_geq(&out->key.y, &EXEC_SECP_P) &&
           exec_point_on_curve(&out->key);
}

bool exec_secp_claim_nonce(struct exec_secp_claim *claim, const uint32_t r_y[8], uint32_t parity)
{
    exec_fe_from_words(&claim->nonce.y, r_y);
    return !exec_fe_geq(&claim->nonce.y, &EXEC_SECP_P) && (claim->nonce.y.l[0] & 1u) == parity &&
           exec_point_on_curve(&claim->nonce);
}

void exec_secp_digits(struct exec_digits *digits, const struct exec_secp_hint *hint)
{
    for (uint32_t i = 0; i < 6; i++) {
        const uint32_t *part = hint->split[i / 2].part[i % 2];
        bool negative = (hint->split[i / 2].signs >> i % 2 & 1u) != 0;
        if (i < 4) {
            exec_digits_put(digits, i, part, 4, EXEC_SECP_WIDTH, negative != (i < 2));
        } else {
            exec_digits_put(digits, i, part, 2, EXEC_SECP_G_WIDTH, negative);
            exec_digits_put(digits, i + 2, part + 2, 2, EXEC_SECP_G_WIDTH, negative);
        }
    }
}

/* With t != 0 modulo n, t s R = t r Q + t z G says the same as s R = r Q + z G, since n is prime
 * and every point of the curve has order n. */
static bool splits_match(const struct exec_secp_claim *claim, const struct exec_secp_hint *hint)
{
    const struct exec_fe *const scalars[3] = {&claim->s, &claim->r, &claim->z};
    struct exec_fe t, product, joined;
    exec_fe_from_words(&t, hint->t);
    exec_sc_reduce(&t, &t);
    if (exec_fe_is_zero(&t))
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        exec_sc_mul(&product, &t, scalars[i]);
        exec_sc_join(&joined, &hint->split[i]);
        if (!exec_fe_eq(&product, &joined))
            return false;
    }
    return true;
}

bool exec_secp_verify_hinted(const struct td_hash *digest, const uint8_t r[32], const uint8_t s[32],
                             uint32_t parity, const uint8_t pubkey_xy[64],
                             const struct exec_secp_hint *hint, const uint32_t *slopes)
{
    struct exec_secp_claim claim;
    struct exec_point table[4][EXEC_SECP_TABLE];
    struct exec_digits digits = {.length = 0};
    struct exec_walk w = {.infinite = true, .slope = slopes, .slopes_left = hint->slope_count};
    const struct exec_stream streams[EXEC_SECP_STREAMS_MAX] = {
        {table[0], false},    {table[1], false},   {table[2], false},      {table[3], false},
        {EXEC_SECP_G, false}, {EXEC_SECP_G, true}, {EXEC_SECP_G64, false}, {EXEC_SECP_G64, true}};
    if (!exec_secp_claim_get(&claim, digest, r, s, parity, pubkey_xy) ||
        !exec_secp_claim_nonce(&claim, hint->r_y, parity) || !splits_match(&claim, hint))
        return false;
    exec_secp_digits(&digits, hint);
    exec_walk_table(&w, table[0], table[1], &claim.nonce);
    exec_walk_table(&w, table[2], table[3], &claim.key);
    exec_walk_run(&w, &digits, streams, EXEC_SECP_STREAMS_MAX);
    return !w.failed && w.infinite && w.slopes_left == 0;
}
