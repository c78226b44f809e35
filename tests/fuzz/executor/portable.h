/* The precompiles with two limb paths, native and guest's, run side by side: both must agree.  The
 * guest's is precompiles_portable.c. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/types.h"
#include "executor/crypto/bn254.h"
#include "executor/crypto/modexp.h"

enum exec_modexp_result portable_modexp(struct td_arena *arena, struct td_bytes input,
                                        struct td_bytes *out);
uint64_t portable_modexp_gas(struct td_bytes input);
enum exec_bn254_result portable_bn254_add(uint8_t out[64], const uint8_t in[128]);
enum exec_bn254_result portable_bn254_mul(uint8_t out[64], const uint8_t in[96]);
enum exec_bn254_result portable_bn254_pairing(bool *one, const uint8_t *in, size_t pairs);

/* ---- modexp */

#define MODEXP_ARENA_BYTES (1u << 17)

static inline void run_modexp(struct td_bytes input, struct td_bytes *out)
{
    static uint8_t memory[2][MODEXP_ARENA_BYTES];
    struct td_arena arena[2];
    struct td_bytes other;
    td_arena_init(&arena[0], memory[0], sizeof memory[0]);
    td_arena_init(&arena[1], memory[1], sizeof memory[1]);
    TD_ASSERT(portable_modexp_gas(input) == exec_modexp_gas(input));
    enum exec_modexp_result result = exec_modexp(&arena[0], input, out);
    TD_ASSERT(portable_modexp(&arena[1], input, &other) == result);
    TD_ASSERT(td_bytes_eq(*out, other));
    TD_ASSERT(result == EXEC_MODEXP_OK || arena[0].used == 0);
}

static inline uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t m)
{
    uint64_t sum = 0;
    for (; b != 0; b >>= 1) {
        if ((b & 1u) != 0)
            sum = sum >= m - a ? sum - (m - a) : sum + a;
        a = a >= m - a ? a - (m - a) : a + a;
    }
    return sum;
}

/* base^exponent mod m for a modulus of up to 8 bytes, bit by bit. */
static inline uint64_t slow_modexp(struct td_bytes base, struct td_bytes exponent, uint64_t m)
{
    if (m == 0)
        return 0;
    uint64_t b = 0;
    for (size_t i = 0; i < 8 * base.len; i++) {
        uint64_t bit = (base.ptr[i / 8] >> (7 - i % 8)) & 1u;
        b = b >= m - b ? b - (m - b) : b + b;
        b = bit == 0 ? b : (b + 1 == m ? 0 : b + 1);
    }
    uint64_t acc = m == 1 ? 0 : 1;
    b = m == 1 ? 0 : b;
    for (size_t i = 0; i < 8 * exponent.len; i++) {
        acc = mul_mod(acc, acc, m);
        if ((exponent.ptr[i / 8] >> (7 - i % 8) & 1) != 0)
            acc = mul_mod(acc, b, m);
    }
    return acc;
}

#define MODEXP_SIZE_MAX 48u

/* Three size bytes, up to size_max, and one that clears low bytes of the modulus, then the numbers.
 */
static inline void fuzz_modexp_shaped(const uint8_t *data, size_t len, size_t size_max)
{
    uint8_t input[96 + 3 * MODEXP_SIZE_MAX] = {0};
    TD_ASSERT(size_max <= MODEXP_SIZE_MAX);
    size_t size[3];
    size_t at = 96;
    if (len < 4)
        return;
    for (unsigned i = 0; i < 3; i++) {
        size[i] = data[i] % (size_max + 1u);
        input[32 * i + 31] = (uint8_t)size[i];
        at += size[i];
    }
    size_t have = len - 4 < at - 96 ? len - 4 : at - 96;
    memcpy(input + 96, data + 4, have);
    size_t cleared = data[3] % (size_max + 1u);
    for (size_t i = 0; i < cleared && i < size[2]; i++)
        input[at - 1 - i] = 0;
    struct td_bytes out;
    run_modexp(td_bytes_of(input, at), &out);
    TD_ASSERT(out.len == size[2]);
    if (size[2] > 8)
        return;
    uint64_t m = 0;
    uint64_t got = 0;
    for (size_t i = 0; i < size[2]; i++) {
        m = m << 8 | input[at - size[2] + i];
        got = got << 8 | out.ptr[i];
    }
    TD_ASSERT(got == slow_modexp(td_bytes_of(input + 96, size[0]),
                                 td_bytes_of(input + 96 + size[0], size[1]), m));
}

/* ---- bn254 */

static inline enum exec_bn254_result both_add(uint8_t out[64], const uint8_t in[128])
{
    uint8_t other[64];
    enum exec_bn254_result result = portable_bn254_add(other, in);
    TD_ASSERT(exec_bn254_add(out, in) == result); /* last: out may be in */
    TD_ASSERT(result != EXEC_BN254_OK || memcmp(out, other, 64) == 0);
    return result;
}

static inline enum exec_bn254_result both_mul(uint8_t out[64], const uint8_t in[96])
{
    uint8_t other[64];
    enum exec_bn254_result result = portable_bn254_mul(other, in);
    TD_ASSERT(exec_bn254_mul(out, in) == result); /* last: out may be in */
    TD_ASSERT(result != EXEC_BN254_OK || memcmp(out, other, 64) == 0);
    return result;
}

static inline bool both_pairing(bool *one, const uint8_t *in, size_t pairs)
{
    bool other;
    enum exec_bn254_result result = exec_bn254_pairing(one, in, pairs);
    TD_ASSERT(portable_bn254_pairing(&other, in, pairs) == result);
    TD_ASSERT(*one == other);
    return result == EXEC_BN254_OK;
}

/* out = k * (1, 2) */
static inline void multiple(uint8_t out[64], const uint8_t k[32])
{
    uint8_t in[96] = {0};
    in[31] = 1;
    in[63] = 2;
    memcpy(in + 64, k, 32);
    TD_ASSERT(both_mul(out, in) == EXEC_BN254_OK);
}
