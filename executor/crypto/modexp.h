/* Modular exponentiation of any size (EIP-198) with the gas of EIP-2565, precompile 0x05.
 *
 *     0           32          64          96
 *     | base size | exp size  | mod size  | base ... | exponent ... | modulus ... |
 *
 * All numbers are big-endian; an input is read as if zeros followed it without end.
 *
 * 1. The output is mod size bytes: base^exponent mod modulus, and 0^0 = 1.
 * 2. A modulus of 0 gives 0, and so does a modulus of 1; mod size 0 gives no output.
 * 3. Odd moduli: Montgomery multiplication (Montgomery 1985; the CIOS order of Koc, Acar and
 *    Kaliski 1996) with a sliding window.  Even moduli m = 2^k * q: modulo q as above, modulo 2^k
 *    by truncated products, joined by Garner's form of the Chinese remainder theorem.
 *
 * Limits: sizes reach 2^256 - 1 in the input.  EIP-2565 charges at least (max(base, mod) / 8)^2 / 3
 * times max(1, iterations), so gas below 2^63 admits at most 2^36 bytes of base or modulus, and
 * the arena decides long before. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/arena.h"
#include "base/core/types.h"

enum exec_modexp_result {
    EXEC_MODEXP_OK,
    EXEC_MODEXP_MEMORY, /* the arena is too small for the numbers, or a size is beyond any memory */
};

/* What EIP-2565 counts: 8 x 8 byte products of one multiplication, and squarings.  Saturating; the
 * second is at least 1. */
struct exec_modexp_work {
    uint64_t products, iterations;
};
struct exec_modexp_work exec_modexp_count(struct td_bytes input);

/* The gas EIP-2565 asks for this input, at least 200; UINT64_MAX when it does not fit.  Any input.
 * Reads the header and the first 32 bytes of the exponent only. */
uint64_t exec_modexp_gas(struct td_bytes input);

/* Fills *out with mod size bytes that live in `arena` (empty on EXEC_MODEXP_MEMORY, the arena then
 * as before).  The caller has charged exec_modexp_gas; the work is then proportional to it.  Peak
 * use is at most 25 times mod size plus 200 bytes; all but the output is given back. */
enum exec_modexp_result exec_modexp(struct td_arena *arena, struct td_bytes input,
                                    struct td_bytes *out);
