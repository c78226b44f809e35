/* Points of bn254's two groups as the precompiles receive them.  Internal to
 * executor/crypto/bn254_*. */
#pragma once

#include "executor/crypto/bn254_field.h"

/* y^2 = x^3 + 3, or the point at infinity. */
struct bn_g1 {
    struct bn_fp x;
    struct bn_fp y;
    bool infinity;
};

/* y^2 = x^3 + 3 / (9 + i) over F_p2, or the point at infinity. */
struct bn_g2 {
    struct bn_fp2 x;
    struct bn_fp2 y;
    bool infinity;
};

/* From 64 and 128 bytes (bn254.h).  False: a coordinate >= p, or not on the curve.  A point of G2's
 * curve may lie outside the subgroup. */
bool bn_g1_decode(struct bn_g1 *out, const uint8_t in[64]);
bool bn_g2_decode(struct bn_g2 *out, const uint8_t in[128]);
