/* Native units of a run: what proving it costs, in cycle-equivalents.  [prover]
 *
 *     units = instructions (an ecall is one) + sum over the calls' rows of the row's weight
 *
 * A weight is cells, columns times rows, over the 100 cells of an instruction, and a fifth for what
 * is not listed (flags, comparisons, constants).  The chips are designed but not built, so columns
 * are counted from the design; a built table replaces its line, and the test of the prices of
 * executor/evm/native_costs.h says what follows.  Cells are base columns and, five base cells each,
 * those of the bus (LogUp: an extension column per two interactions).
 *
 *     word      20  a word of memory: two limbs, the time before, two limbs of the difference;
 *                   MEM twice, U16 three times.  22 where it is read and overwritten at once
 *     byte       3  a column and half of a BYTE interaction
 *     carry      7  of a product, 16 and 5 bits: two columns, two interactions
 *     product  323  modulo the curve's prime: 33 bytes of quotient, 32 carries
 *
 *     p2_absorb, p2_path, a row    24 inputs, 8 x 24 + 23 cubes, 15 words, 24 words overwritten:
 *                                  the two share a table, and the wider one counts    1,067
 *     keccakf, a call              24 rows of 120 columns (the fold's bound), 50 words read in
 *                                  the first rows and written in the last             4,880
 *     u256_mulmod                  24 words, 8 overwritten; 160 bytes (three factors, quotient,
 *                                  result), 31 carries                                1,353
 *     secp_add                     16 words, 16 overwritten; 224 bytes (four coordinates, slope,
 *                                  the sum's two), three products                     2,313
 *     secp_double                  16 overwritten; 160 bytes, four products           2,124
 *
 * A word's first and last place in memory is the memory table's, as it is for instructions. */
#pragma once

#include "executor/rv32/machine.h"

enum rv32_weight {
    RV32_WEIGHT_P2_ROW = 13, /* a permutation absorbed, a level walked */
    RV32_WEIGHT_KECCAKF = 59,
    RV32_WEIGHT_MULMOD = 17,
    RV32_WEIGHT_SECP_ADD = 28,
    RV32_WEIGHT_SECP_DOUBLE = 26,
};

/* Of what m has executed so far. */
static inline uint64_t rv32_units(const struct rv32_machine *m)
{
    const uint64_t *n = m->calls;
    uint64_t others = n[TD_CHIP_HALT] + n[TD_CHIP_U256_MULMOD] + 24u * n[TD_CHIP_KECCAKF] +
                      n[TD_CHIP_SECP_ADD] + n[TD_CHIP_SECP_DOUBLE];
    return rv32_instructions(m) + (m->call_rows - others) * RV32_WEIGHT_P2_ROW +
           n[TD_CHIP_KECCAKF] * RV32_WEIGHT_KECCAKF + n[TD_CHIP_U256_MULMOD] * RV32_WEIGHT_MULMOD +
           n[TD_CHIP_SECP_ADD] * RV32_WEIGHT_SECP_ADD +
           n[TD_CHIP_SECP_DOUBLE] * RV32_WEIGHT_SECP_DOUBLE;
}
