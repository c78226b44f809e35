/* The widest word a machine multiplies into two, for multi-precision arithmetic: 64 bits where the
 * compiler has a 128-bit type, 32 bits on the guest and wherever TD_PORTABLE_ONLY asks for it.
 *
 * Carries are told from comparisons: gcc turns double-width sums into twice the instructions. Where
 * the processor keeps a carry, its add-with-carry is named. */
#pragma once

#include <stdint.h>

#if defined(__SIZEOF_INT128__) && !defined(TD_PORTABLE_ONLY)
typedef uint64_t exec_limb;
__extension__ typedef unsigned __int128 exec_limb2;
#define EXEC_LIMB_BITS 64u
#else
typedef uint32_t exec_limb;
typedef uint64_t exec_limb2;
#define EXEC_LIMB_BITS 32u
#endif
#define EXEC_LIMB_BYTES (EXEC_LIMB_BITS / 8u)

/* acc + a * b + carry never exceeds two limbs.  Returns the low one, *carry holds the high one. */
static inline exec_limb exec_limb_mac(exec_limb acc, exec_limb a, exec_limb b, exec_limb *carry)
{
    exec_limb2 product = (exec_limb2)a * b;
    exec_limb low = (exec_limb)product;
    exec_limb high = (exec_limb)(product >> EXEC_LIMB_BITS);
    low += acc;
    high += low < acc;
    low += *carry;
    high += low < *carry;
    *carry = high;
    return low;
}

/* a + b + carry, with *carry 0 or 1 in and out. */
static inline exec_limb exec_limb_adc(exec_limb a, exec_limb b, exec_limb *carry)
{
#if EXEC_LIMB_BITS == 64 && defined(__x86_64__)
    unsigned long long sum;
    *carry = __builtin_ia32_addcarryx_u64((unsigned char)*carry, a, b, &sum);
    return sum;
#else
    exec_limb partial = a + b;
    exec_limb sum = partial + *carry;
    *carry = (exec_limb)((partial < a) | (sum < partial));
    return sum;
#endif
}

/* a - b - borrow, with *borrow 0 or 1 in and out. */
static inline exec_limb exec_limb_sbb(exec_limb a, exec_limb b, exec_limb *borrow)
{
#if EXEC_LIMB_BITS == 64 && defined(__x86_64__)
    unsigned long long difference;
#ifdef __clang__
    *borrow = __builtin_ia32_subborrow_u64((unsigned char)*borrow, a, b, &difference);
#else
    *borrow = __builtin_ia32_sbb_u64((unsigned char)*borrow, a, b, &difference);
#endif
    return difference;
#else
    exec_limb partial = a - b;
    exec_limb difference = partial - *borrow;
    *borrow = (exec_limb)((a < b) | (partial < *borrow));
    return difference;
#endif
}
