/* Chip calls as the emulator performs them.  [prover]
 *
 * | a7 | call | a0 | a1 | a2 | a3 | rows r | trap unless |
 * | --- | --- | --- | --- | --- | --- | --- | --- |
 * | 0 | halt | in: 9 words | | | | 1 | |
 * | 1 | p2_absorb | in-out: 24 words | in: count words | count | | ⌈count / 15⌉ | count > 0; all
 * words < p | | 2 | p2_path | in-out: 9 words | in: 9 * levels words | index | levels | levels | 0
 * < levels <= 32; all words < p | | 3, 4 | ext_dot, fri_fold | | | | | | unknown until the
 * verifier's chips define them | | 5 | u256_mulmod | out: 8 words | in: 8 words | in: 8 words | in:
 * 8 words | 1 | modulus > 0 | | 6 | keccakf | in-out: 50 words | | | | 24 | | | 7 | secp_add |
 * in-out: 16 words | in: 16 words | | | 1 | coordinates < field prime, unequal x | | 8 |
 * secp_double | in-out: 16 words | | | | 1 | coordinates < field prime, y > 0 |
 *
 * 1. r is the number of table rows with a clk of their own: one per permutation, per tree level,
 * per keccak round, per modular product, per curve operation.  This table is the only place.
 * 2. A call reads all its inputs, then writes its output: operands may overlap in any way.
 * 3. Every pointer is a multiple of 4; an operand lies in one region; outputs not in the text. */
#pragma once

#include "executor/rv32/machine.h"

/* Rows of the call in m->x (a7 = x17, a0.. = x10..); 0 and m->stop, m->fault set when there is no
 * such call or its count is refused. */
uint32_t rv32_call_rows(struct rv32_machine *m);

/* Perform it; true when the machine goes on.  Otherwise m->stop (RV32_STOP_HALT included) and
 * m->fault are set, and after a trap nothing was written.  The caller advances clk and pc. */
bool rv32_call_run(struct rv32_machine *m);
