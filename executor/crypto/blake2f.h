/* The BLAKE2b compression function F (RFC 7693 section 3.2) as EIP-152 exposes it, precompile 0x09.
 *
 *     0        4              68                   196       204       212   213
 *     | rounds | h: 8 words   | m: 16 words        | t low   | t high  | f   |
 *     | big e. | little endian                                         | 0/1 |
 *
 * Limits: gas is one per round (EIP-152), so the caller's gas bounds the work; F itself runs as
 * many rounds as it is told, up to 2^32 - 1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EXEC_BLAKE2F_IN_BYTES 213u /* any other length: the precompile fails */
#define EXEC_BLAKE2F_OUT_BYTES 64u

/* The round count of an input, which is also its gas. */
uint32_t exec_blake2f_rounds(const uint8_t in[EXEC_BLAKE2F_IN_BYTES]);

/* Fills out with the new h.  False, and out untouched, when the final flag is neither 0 nor 1.
 * out may overlap in. */
bool exec_blake2f(uint8_t out[EXEC_BLAKE2F_OUT_BYTES], const uint8_t in[EXEC_BLAKE2F_IN_BYTES]);
