/* The curve bn254 (alt_bn128): precompiles 0x06 add and 0x07 multiply (EIP-196), 0x08 pairing check
 * (EIP-197).
 *
 *     G1: y^2 = x^3 + 3 over F_p                  64 bytes   x | y
 *     G2: y^2 = x^3 + 3/(9 + i) over F_p[i]      128 bytes   x imag | x real | y imag | y real
 *
 * 1. Coordinates are 32 bytes big-endian and must be below p; all zero is the point at infinity.
 * 2. G1 has prime order r, so being on the curve is enough.  G2 is the subgroup of order r of its
 *    curve, and the pairing check refuses points outside it.
 * 3. Inputs here have their exact length: padding and cutting of call data is the caller's.
 * 4. No call allocates; the stack need is below 16 KiB. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEC_BN254_G1_BYTES 64u
#define EXEC_BN254_SCALAR_BYTES 32u
#define EXEC_BN254_PAIR_BYTES 192u /* a point of G1, then one of G2 */

enum exec_bn254_result {
    EXEC_BN254_OK,
    EXEC_BN254_INVALID, /* a coordinate >= p, not on the curve, or outside the subgroup */
};

/* out = a + b, where in is a | b.  out is untouched on EXEC_BN254_INVALID; it may overlap in. */
enum exec_bn254_result exec_bn254_add(uint8_t out[EXEC_BN254_G1_BYTES],
                                      const uint8_t in[2 * EXEC_BN254_G1_BYTES]);

/* out = k * a, where in is a | k and k is any 256-bit number. */
enum exec_bn254_result
exec_bn254_mul(uint8_t out[EXEC_BN254_G1_BYTES],
               const uint8_t in[EXEC_BN254_G1_BYTES + EXEC_BN254_SCALAR_BYTES]);

/* *one = whether the product of the pairings e(a_i, b_i) over the `pairs` pairs at `in` is 1; the
 * empty product is.  *one is false on EXEC_BN254_INVALID.  `in` may be NULL when pairs is 0. */
enum exec_bn254_result exec_bn254_pairing(bool *one, const uint8_t *in, size_t pairs);
