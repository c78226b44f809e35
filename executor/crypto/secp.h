/* Who signed: ECDSA key recovery on secp256k1 as Ethereum defines it (Yellow Paper, appendix F;
 * SEC 1, 4.1.6), and a check of a known signer that costs the guest a fraction of it.
 *
 *     R = (r, y), y of the given parity          the nonce point
 *     Q = (s R - z G) / r                        the key, z the digest modulo n
 *
 * 1. Public data only: nothing here runs in constant time and nothing here signs.
 * 2. Parity is 0 or 1 (v = 27 or 28).  A nonce point with x >= n, which SEC 1 would name with
 *    parities 2 and 3, has no v in Ethereum: R.x is r itself, never r + n.
 * 3. s may be anything in 1 .. n - 1.  Whether a high s is allowed is the caller's question
 *    (EIP-2: not in a transaction, but in the precompile).
 * 4. Hints come from a witness and are never trusted: with whatever hint and slopes,
 *    exec_secp_verify_hinted holds only if exec_secp_recover would return that very key, and with
 *    what exec_secp_hint wrote it does hold.
 *
 * The check multiplies s R = z G + r Q by a scalar t != 0 for which t s and t r, as elements of
 * Z[lambda], have coefficients of half the usual length again (Antipa et al., "Accelerated
 * verification of ECDSA signatures", SAC 2005, within the endomorphism of Gallant, Lambert,
 * Vanstone, CRYPTO 2001):
 *
 *     a1 R + a2 lambda R = b1 Q + b2 lambda Q + c1 G + c2 lambda G
 *     a = t s, b = t r (about 65 bits a part), c = t z (128 bits, read as two times 64)
 *
 * so 66 doublings serve all eight streams.  All points stay affine: with chips each step is one
 * call; without, the slope of each chord or tangent is a hint of eight words, checked by one
 * multiplication, and the step costs three or four instead of the eleven of Jacobian formulas. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/types.h"

/* Slopes one check can read: two tables of 8; 129 doublings; 4 * 26 additions of width 5 over 129
 * digits and 4 * 9 of width 8 over 65, that is 285.  Usual are 152. */
#define EXEC_SECP_SLOPES_MAX 285u

/* A scalar as x + y lambda modulo n, by magnitudes and signs. */
struct exec_secp_split {
    uint32_t part[2][4]; /* |x|, |y| */
    uint32_t signs;      /* bit 0: x is negative, bit 1: y is; others are ignored */
};

/* All numbers are little-endian words.  Zero-copy: any content may be passed in. */
struct exec_secp_hint {
    uint32_t t[8];
    uint32_t r_y[8];                 /* of the nonce point */
    struct exec_secp_split split[3]; /* a = t s, b = t r, c = t z */
    uint32_t slope_count;            /* eight words each; a guest with chips needs none */
};

/* Fills out_xy with the key (x, y, big-endian) that signed `digest`.  False, with out_xy zero, when
 * r or s is not in 1 .. n - 1, parity is not 0 or 1, r is not the x of a point, or the result is
 * the point at infinity.  About 1,800 field multiplications. */
bool exec_secp_recover(uint8_t out_xy[64], const struct td_hash *digest, const uint8_t r[32],
                       const uint8_t s[32], uint32_t parity);

/* The address of a key: the last 20 bytes of keccak256(x || y). */
void exec_secp_address(struct td_addr *out, const uint8_t xy[64]);

/* Whether exec_secp_recover would return exactly pubkey_xy, judged with the hint's help.  Borrows
 * everything; `slopes` holds 8 * hint->slope_count words, exactly those that are needed: none in a
 * build with chips.  False also when a hint is wrong. */
bool exec_secp_verify_hinted(const struct td_hash *digest, const uint8_t r[32], const uint8_t s[32],
                             uint32_t parity, const uint8_t pubkey_xy[64],
                             const struct exec_secp_hint *hint, const uint32_t *slopes);

/* Makes the hint, natively.  Fills *out and the slopes, eight words each, out->slope_count of them.
 * False, with *out zero and slopes unspecified, when exec_secp_recover would not return pubkey_xy.
 * Costs about two recoveries and 40 KiB of stack. */
bool exec_secp_hint(struct exec_secp_hint *out, uint32_t slopes[8 * EXEC_SECP_SLOPES_MAX],
                    const struct td_hash *digest, const uint8_t r[32], const uint8_t s[32],
                    uint32_t parity, const uint8_t pubkey_xy[64]);
