/* What the check of a signature and the making of its hint share. */
#pragma once

#include "executor/crypto/secp.h"
#include "executor/crypto/secp_point.h"

/* r and s in range, and the two points of the equation; z modulo n. */
struct exec_secp_claim {
    struct exec_fe r, s, z;
    struct exec_point nonce; /* R */
    struct exec_point key;   /* Q */
};

/* False when r, s, parity or the key is out of range or the key is not on the curve: the formulas
 * of the walk do not contain the curve's constant and would follow a point of any other curve.
 * Fills nonce.x but not nonce.y. */
bool exec_secp_claim_get(struct exec_secp_claim *out, const struct td_hash *digest,
                         const uint8_t r[32], const uint8_t s[32], uint32_t parity,
                         const uint8_t pubkey_xy[64]);

/* Takes y of the nonce point from a hint: canonical, of this parity, on the curve. */
bool exec_secp_claim_nonce(struct exec_secp_claim *claim, const uint32_t r_y[8], uint32_t parity);

/* The digits of the equation's streams: 0 and 1 for -a, 2 and 3 for b, then the lower and the upper
 * halves of c's parts, for G and 2^64 G.  *digits must be zero. */
void exec_secp_digits(struct exec_digits *digits, const struct exec_secp_hint *hint);
