/* Work that the proof machine does in one call instead of thousands of instructions.  [prover]
 *
 * 1. Natively, and in a guest built without TD_CHIPS, each is plain C with the same result.
 * 2. With TD_CHIPS each is one ecall (a7 = number, pointers word aligned); the machine's tables
 *    constrain the result, so nothing needs checking afterwards.
 * 3. secp_add with equal x and either with the point at infinity is unprovable: callers branch. */
#pragma once

#include <stdint.h>

#include "base/core/poseidon2.h"

enum td_chip {
    TD_CHIP_HALT = 0,
    TD_CHIP_P2_ABSORB = 1,
    TD_CHIP_P2_PATH = 2,
    TD_CHIP_EXT_DOT = 3,
    TD_CHIP_FRI_FOLD = 4,
    TD_CHIP_U256_MULMOD = 5,
    TD_CHIP_KECCAKF = 6,
    TD_CHIP_SECP_ADD = 7,
    TD_CHIP_SECP_DOUBLE = 8,
};

/* keccak-f[1600] on 25 lanes. */
void td_chip_keccakf(uint64_t s[25]);
/* Absorb `count` words (blocks of 15 overwrite s[0..14], the last zero-padded, a permutation
 * after each block); s as in td_p2_sponge.  count > 0. */
void td_chip_p2_absorb(struct td_kb s[24], const struct td_kb *data, uint32_t count);
/* Walk `levels` siblings (nine words each) up from digest, bit i of index = 1: it is the right
 * child; nodes are tagged TD_P2_STATE_NODE. */
void td_chip_p2_path(struct td_kb digest[9], const struct td_kb *siblings, uint32_t index,
                     uint32_t levels);
/* a * b mod m, little-endian 32-bit words, m != 0, out < m. */
void td_chip_u256_mulmod(uint32_t out[8], const uint32_t a[8], const uint32_t b[8],
                         const uint32_t m[8]);
/* Affine secp256k1 points x, y as 8 + 8 little-endian words; p += q, p = 2p. */
void td_chip_secp_add(uint32_t p[16], const uint32_t q[16]);
void td_chip_secp_double(uint32_t p[16]);
