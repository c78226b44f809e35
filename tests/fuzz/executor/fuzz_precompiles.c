/* The precompiles' functions on arbitrary bytes; the first byte picks one.  Where there are two
 * limb paths both run and must agree: the guest's is precompiles_portable.c.
 * modexp also meets a bit-by-bit reference, bn254 the group laws on points made from the input, key
 * recovery the hinted check.  Sizes and rounds are bounded so that a run takes milliseconds. */
#include <stdint.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/types.h"
#include "executor/crypto/blake2f.h"
#include "executor/crypto/bn254.h"
#include "executor/crypto/modexp.h"
#include "executor/crypto/ripemd160.h"
#include "executor/crypto/secp.h"
#include "executor/crypto/sha256.h"

/* ---- the 32-bit path: precompiles_portable.c */

enum exec_modexp_result portable_modexp(struct td_arena *arena, struct td_bytes input,
                                        struct td_bytes *out);
uint64_t portable_modexp_gas(struct td_bytes input);
enum exec_bn254_result portable_bn254_add(uint8_t out[64], const uint8_t in[128]);
enum exec_bn254_result portable_bn254_mul(uint8_t out[64], const uint8_t in[96]);
enum exec_bn254_result portable_bn254_pairing(bool *one, const uint8_t *in, size_t pairs);

#define SIZE_LIMIT 48u   /* bytes of a shaped modexp operand */
#define GAS_LIMIT 20000u /* of a raw modexp input */
#define ROUNDS_LIMIT 300u
#define PAIRS_LIMIT 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- modexp */

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t m)
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
static uint64_t slow_modexp(struct td_bytes base, struct td_bytes exponent, uint64_t m)
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

static void run_modexp(struct td_bytes input, struct td_bytes *out)
{
    static uint8_t memory[2][1u << 17];
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

/* Any bytes as they are, as far as their gas is affordable. */
static void fuzz_modexp_raw(const uint8_t *data, size_t len)
{
    struct td_bytes out;
    struct td_bytes input = td_bytes_of(data, len);
    if (exec_modexp_gas(input) <= GAS_LIMIT)
        run_modexp(input, &out);
}

/* Three size bytes and one that clears low bytes of the modulus, then the numbers. */
static void fuzz_modexp_shaped(const uint8_t *data, size_t len)
{
    uint8_t input[96 + 3 * SIZE_LIMIT] = {0};
    size_t size[3];
    size_t at = 96;
    if (len < 4)
        return;
    for (unsigned i = 0; i < 3; i++) {
        size[i] = data[i] % (SIZE_LIMIT + 1u);
        input[32 * i + 31] = (uint8_t)size[i];
        at += size[i];
    }
    size_t have = len - 4 < at - 96 ? len - 4 : at - 96;
    memcpy(input + 96, data + 4, have);
    size_t cleared = data[3] % (SIZE_LIMIT + 1u);
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

static enum exec_bn254_result both_add(uint8_t out[64], const uint8_t in[128])
{
    uint8_t other[64];
    enum exec_bn254_result result = portable_bn254_add(other, in);
    TD_ASSERT(exec_bn254_add(out, in) == result); /* last: out may be in */
    TD_ASSERT(result != EXEC_BN254_OK || memcmp(out, other, 64) == 0);
    return result;
}

static enum exec_bn254_result both_mul(uint8_t out[64], const uint8_t in[96])
{
    uint8_t other[64];
    enum exec_bn254_result result = portable_bn254_mul(other, in);
    TD_ASSERT(exec_bn254_mul(out, in) == result); /* last: out may be in */
    TD_ASSERT(result != EXEC_BN254_OK || memcmp(out, other, 64) == 0);
    return result;
}

static bool both_pairing(bool *one, const uint8_t *in, size_t pairs)
{
    bool other;
    enum exec_bn254_result result = exec_bn254_pairing(one, in, pairs);
    TD_ASSERT(portable_bn254_pairing(&other, in, pairs) == result);
    TD_ASSERT(*one == other);
    return result == EXEC_BN254_OK;
}

/* out = k * (1, 2) */
static void multiple(uint8_t out[64], const uint8_t k[32])
{
    uint8_t in[96] = {0};
    in[31] = 1;
    in[63] = 2;
    memcpy(in + 64, k, 32);
    TD_ASSERT(both_mul(out, in) == EXEC_BN254_OK);
}

/* Bytes as they are, then j G + k G = k G + j G, and k (j G) = j (k G). */
static void fuzz_bn254_group(const uint8_t *data, size_t len)
{
    uint8_t in[128] = {0};
    uint8_t out[64];
    uint8_t again[64];
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    (void)both_add(out, in);
    (void)both_mul(out, in);

    const uint8_t *j = in;
    uint8_t k[32];
    uint8_t points[2][64];
    memcpy(k, in + 32, 32);
    multiple(points[0], j);
    multiple(points[1], k);
    uint8_t sum[128];
    memcpy(sum, points[0], 64);
    memcpy(sum + 64, points[1], 64);
    TD_ASSERT(both_add(out, sum) == EXEC_BN254_OK);
    memcpy(sum, points[1], 64);
    memcpy(sum + 64, points[0], 64);
    TD_ASSERT(both_add(again, sum) == EXEC_BN254_OK);
    TD_ASSERT(memcmp(out, again, 64) == 0);

    memcpy(sum, points[0], 64);
    memcpy(sum + 64, k, 32);
    TD_ASSERT(both_mul(out, sum) == EXEC_BN254_OK);
    memcpy(sum, points[1], 64);
    memcpy(sum + 64, j, 32);
    TD_ASSERT(both_mul(again, sum) == EXEC_BN254_OK);
    TD_ASSERT(memcmp(out, again, 64) == 0);
}

/* EIP-197's generator of G2. */
static const uint8_t G2[128] = {
    0x19, 0x8e, 0x93, 0x93, 0x92, 0x0d, 0x48, 0x3a, 0x72, 0x60, 0xbf, 0xb7, 0x31, 0xfb, 0x5d, 0x25,
    0xf1, 0xaa, 0x49, 0x33, 0x35, 0xa9, 0xe7, 0x12, 0x97, 0xe4, 0x85, 0xb7, 0xae, 0xf3, 0x12, 0xc2,
    0x18, 0x00, 0xde, 0xef, 0x12, 0x1f, 0x1e, 0x76, 0x42, 0x6a, 0x00, 0x66, 0x5e, 0x5c, 0x44, 0x79,
    0x67, 0x43, 0x22, 0xd4, 0xf7, 0x5e, 0xda, 0xdd, 0x46, 0xde, 0xbd, 0x5c, 0xd9, 0x92, 0xf6, 0xed,
    0x09, 0x06, 0x89, 0xd0, 0x58, 0x5f, 0xf0, 0x75, 0xec, 0x9e, 0x99, 0xad, 0x69, 0x0c, 0x33, 0x95,
    0xbc, 0x4b, 0x31, 0x33, 0x70, 0xb3, 0x8e, 0xf3, 0x55, 0xac, 0xda, 0xdc, 0xd1, 0x22, 0x97, 0x5b,
    0x12, 0xc8, 0x5e, 0xa5, 0xdb, 0x8c, 0x6d, 0xeb, 0x4a, 0xab, 0x71, 0x80, 0x8d, 0xcb, 0x40, 0x8f,
    0xe3, 0xd1, 0xe7, 0x69, 0x0c, 0x43, 0xd3, 0x7b, 0x4c, 0xe6, 0xcc, 0x01, 0x66, 0xfa, 0x7d, 0xaa};

/* Bytes as they are; then e(j G, Q) e(k G, Q) e(-(j + k) G, Q) = 1, and a second check with one
 * scalar changed is not 1. */
static void fuzz_bn254_pairing(const uint8_t *data, size_t len)
{
    static const uint8_t MINUS_ONE[32] = {0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29,
                                          0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
                                          0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91,
                                          0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x00};
    uint8_t in[PAIRS_LIMIT * EXEC_BN254_PAIR_BYTES] = {0};
    uint8_t sum[128];
    bool one;
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    size_t pairs = len / EXEC_BN254_PAIR_BYTES;
    (void)both_pairing(&one, in, pairs < PAIRS_LIMIT ? pairs : PAIRS_LIMIT);

    uint8_t j[32];
    uint8_t k[32];
    memcpy(j, in, 32);
    memcpy(k, in + 32, 32);
    multiple(in, j);
    memcpy(in + 64, G2, 128);
    multiple(in + 192, k);
    memcpy(in + 192 + 64, G2, 128);
    memcpy(sum, in, 64);
    memcpy(sum + 64, in + 192, 64);
    TD_ASSERT(both_add(sum, sum) == EXEC_BN254_OK);
    memcpy(sum + 64, MINUS_ONE, 32);
    TD_ASSERT(both_mul(in + 384, sum) == EXEC_BN254_OK);
    memcpy(in + 384 + 64, G2, 128);
    TD_ASSERT(both_pairing(&one, in, 3));
    TD_ASSERT(one);
    memset(sum, 0, sizeof sum); /* one more G */
    sum[31] = 1;
    sum[63] = 2;
    memcpy(sum + 64, in, 64);
    TD_ASSERT(both_add(in, sum) == EXEC_BN254_OK);
    TD_ASSERT(exec_bn254_pairing(&one, in, 3) == EXEC_BN254_OK);
    TD_ASSERT(!one);
}

/* ---- the rest */

/* The same digest from a copy of exactly this size, where a byte too many is seen. */
static void fuzz_hashes(const uint8_t *data, size_t len)
{
    uint8_t got[2][EXEC_SHA256_BYTES];
    uint8_t short_got[2][EXEC_RIPEMD160_BYTES];
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    TD_ASSERT(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    exec_sha256(got[0], data, len);
    exec_sha256(got[1], copy, len);
    TD_ASSERT(memcmp(got[0], got[1], EXEC_SHA256_BYTES) == 0);
    exec_ripemd160(short_got[0], data, len);
    exec_ripemd160(short_got[1], copy, len);
    TD_ASSERT(memcmp(short_got[0], short_got[1], EXEC_RIPEMD160_BYTES) == 0);
    free(copy);
}

static void fuzz_blake2f(const uint8_t *data, size_t len)
{
    uint8_t in[EXEC_BLAKE2F_IN_BYTES] = {0};
    uint8_t out[EXEC_BLAKE2F_OUT_BYTES];
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    if (exec_blake2f_rounds(in) > ROUNDS_LIMIT)
        memset(in, 0, 3);
    TD_ASSERT(exec_blake2f(out, in) == (in[EXEC_BLAKE2F_IN_BYTES - 1] <= 1));
}

/* What is recovered is what the hinted check accepts, and only that. */
static void fuzz_recover(const uint8_t *data, size_t len)
{
    static uint32_t slopes[8 * EXEC_SECP_SLOPES_MAX];
    static struct exec_secp_hint hint;
    struct td_hash digest;
    uint8_t in[97] = {0};
    uint8_t key[64];
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    memcpy(digest.b, in, 32);
    uint32_t parity = in[96] & 3u;
    bool known = exec_secp_recover(key, &digest, in + 32, in + 64, parity);
    TD_ASSERT(exec_secp_hint(&hint, slopes, &digest, in + 32, in + 64, parity, key) == known);
    TD_ASSERT(exec_secp_verify_hinted(&digest, in + 32, in + 64, parity, key, &hint, slopes) ==
              known);
    key[63] ^= 1;
    TD_ASSERT(!exec_secp_verify_hinted(&digest, in + 32, in + 64, parity, key, &hint, slopes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    uint8_t kind = data[0];
    data++;
    len--;
    switch (kind % 16u) { /* the slow ones get one number each */
    case 0:
        fuzz_bn254_pairing(data, len);
        break;
    case 1:
        fuzz_recover(data, len);
        break;
    case 2:
    case 3:
        fuzz_bn254_group(data, len);
        break;
    case 4:
    case 5:
    case 6:
        fuzz_modexp_raw(data, len);
        break;
    case 7:
        fuzz_hashes(data, len);
        break;
    case 8:
    case 9:
        fuzz_blake2f(data, len);
        break;
    default:
        fuzz_modexp_shaped(data, len);
        break;
    }
    return 0;
}
