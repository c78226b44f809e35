/* keccak-f[1600] for x86-64 with BMI1 and BMI2, chosen at run time.  Internal to base/core; tests
 * compare it with the portable form.
 *
 * Two things make it faster than the portable form: the column parities that the next round's theta
 * needs are summed while a row is still in registers, and `andn` and `rorx` do chi and the
 * rotations without copies.  Source of the former: G. Bertoni, J. Daemen, M. Peeters, G. Van
 * Assche, R. Van Keer, "Keccak implementation overview", version 3.2, section 2.1 (2012). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A guest, or a test of the portable form, has none of it. */
#if defined(__x86_64__) && __STDC_HOSTED__ && !defined(TD_CHIPS) && !defined(TD_PORTABLE_ONLY)
#define TD_KECCAK_X86 1
#else
#define TD_KECCAK_X86 0
#endif

extern const uint64_t TD_KECCAK_ROUND_CONSTANTS[24];

#if TD_KECCAK_X86
/* Has the processor BMI1 and BMI2?  One load and test: the runtime asked it before main. */
static inline bool td_keccak_x86_has(void)
{
    return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

/* td_keccak_f; td_keccak_x86_has() must hold. */
void td_keccak_f_x86(uint64_t s[25]);
/* keccak-256 of exactly 64 bytes, a contract's mapping key or a tree's node: lanes go from memory
 * to registers and back as they are, eight bytes each, which is how the interpreter's memory is
 * written and read; wider accesses would wait for the narrow stores before them. */
void td_keccak_64_x86(uint8_t out[32], const uint8_t in[64]);

/* td_keccak_f in plain C, whatever the processor has. */
void td_keccak_f_portable(uint64_t s[25]);
#else
#define td_keccak_f_portable td_keccak_f
#endif
