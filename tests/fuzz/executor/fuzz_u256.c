/* The two forms of 256-bit arithmetic on the same operands: the library's own limbs, and 32-bit
 * limbs as the guest has them, compiled into this file under other names.  (Natively portable
 * builds compare a thing with itself.)
 *
 *     bytes 0 .. 95   three operands, little-endian; shorter input is zero-filled */
#include <stdint.h>

#include "base/core/assert.h"
#include "base/core/memory.h"
#include "executor/u256.h"

typedef void binary(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
typedef bool checked(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b);
typedef void ternary(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b,
                     const struct exec_u256 *m);
typedef void shifting(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits);
typedef int order(const struct exec_u256 *a, const struct exec_u256 *b);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Taken before the names below change meaning. */
static checked *const FAST_CHECKED[] = {exec_u256_add, exec_u256_sub, exec_u256_mul_checked};
static binary *const FAST_BINARY[] = {exec_u256_mul,        exec_u256_div,  exec_u256_mod,
                                      exec_u256_sdiv,       exec_u256_smod, exec_u256_exp,
                                      exec_u256_sign_extend};
static ternary *const FAST_TERNARY[] = {exec_u256_addmod, exec_u256_mulmod};
static shifting *const FAST_SHIFT[] = {exec_u256_shl, exec_u256_shr, exec_u256_sar};
static order *const FAST_ORDER[] = {exec_u256_cmp, exec_u256_scmp};

#define exec_u256_cmp portable_cmp
#define exec_u256_scmp portable_scmp
#define exec_u256_add portable_add
#define exec_u256_sub portable_sub
#define exec_u256_mul portable_mul
#define exec_u256_mul_checked portable_mul_checked
#define exec_u256_div portable_div
#define exec_u256_mod portable_mod
#define exec_u256_sdiv portable_sdiv
#define exec_u256_smod portable_smod
#define exec_u256_addmod portable_addmod
#define exec_u256_mulmod portable_mulmod
#define exec_u256_exp portable_exp
#define exec_u256_byte_length portable_byte_length
#define exec_u256_sign_extend portable_sign_extend
#define exec_u256_shl portable_shl
#define exec_u256_shr portable_shr
#define exec_u256_sar portable_sar
#define exec_u256_from_be portable_from_be
#define exec_u256_to_be portable_to_be

order portable_cmp, portable_scmp;
checked portable_add, portable_sub, portable_mul_checked;
binary portable_mul, portable_div, portable_mod, portable_sdiv, portable_smod, portable_exp,
    portable_sign_extend;
ternary portable_addmod, portable_mulmod;
shifting portable_shl, portable_shr, portable_sar;
uint32_t portable_byte_length(const struct exec_u256 *a);
void portable_from_be(struct exec_u256 *out, const uint8_t *bytes, size_t len);
void portable_to_be(uint8_t out[32], const struct exec_u256 *a);

#ifndef TD_PORTABLE_ONLY
#define TD_PORTABLE_ONLY
#endif
#include "executor/evm/u256.c"

static checked *const SLOW_CHECKED[] = {portable_add, portable_sub, portable_mul_checked};
static binary *const SLOW_BINARY[] = {portable_mul,        portable_div,  portable_mod,
                                      portable_sdiv,       portable_smod, portable_exp,
                                      portable_sign_extend};
static ternary *const SLOW_TERNARY[] = {portable_addmod, portable_mulmod};
static shifting *const SLOW_SHIFT[] = {portable_shl, portable_shr, portable_sar};
static order *const SLOW_ORDER[] = {portable_cmp, portable_scmp};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct exec_u256 v[3] = {{{0}}, {{0}}, {{0}}};
    struct exec_u256 x, y;
    if (len > 0)
        memcpy(v, data, len < sizeof v ? len : sizeof v);
    for (unsigned i = 0; i < 3; i++) {
        bool a = FAST_CHECKED[i](&x, &v[0], &v[1]);
        bool b = SLOW_CHECKED[i](&y, &v[0], &v[1]);
        TD_ASSERT(exec_u256_eq(&x, &y));
        TD_ASSERT(a == b);
        FAST_SHIFT[i](&x, &v[0], (uint32_t)v[1].w[0]);
        SLOW_SHIFT[i](&y, &v[0], (uint32_t)v[1].w[0]);
        TD_ASSERT(exec_u256_eq(&x, &y));
        FAST_SHIFT[i](&x, &v[0], (uint32_t)(v[1].w[0] % 256u));
        SLOW_SHIFT[i](&y, &v[0], (uint32_t)(v[1].w[0] % 256u));
        TD_ASSERT(exec_u256_eq(&x, &y));
    }
    /* Long exponents only repeat what short ones do, at a hundred times the cost of all the rest.
     */
    struct exec_u256 low = exec_u256_of(v[1].w[0] & 0xffffu);
    for (unsigned i = 0; i < 7; i++) {
        const struct exec_u256 *b = SLOW_BINARY[i] == portable_exp ? &low : &v[1];
        FAST_BINARY[i](&x, &v[0], b);
        SLOW_BINARY[i](&y, &v[0], b);
        TD_ASSERT(exec_u256_eq(&x, &y));
    }
    for (unsigned i = 0; i < 2; i++) {
        FAST_TERNARY[i](&x, &v[0], &v[1], &v[2]);
        SLOW_TERNARY[i](&y, &v[0], &v[1], &v[2]);
        TD_ASSERT(exec_u256_eq(&x, &y));
        TD_ASSERT(FAST_ORDER[i](&v[0], &v[1]) == SLOW_ORDER[i](&v[0], &v[1]));
    }
    return 0;
}
