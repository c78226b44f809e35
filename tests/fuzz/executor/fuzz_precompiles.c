/* The cheap precompiles' functions on arbitrary bytes; the first byte picks one.  bn254's addition
 * and modexp run on both limb paths, which must agree.  The slow ones have targets of their own:
 * fuzz_modexp.c, fuzz_bn254.c, fuzz_pairing.c, fuzz_secp.c. */
#include <sodium.h>

#include "executor/crypto/blake2f.h"
#include "executor/crypto/ripemd160.h"
#include "executor/crypto/sha256.h"
#include "executor/precompiles.h"
#include "tests/fuzz/executor/portable.h"

#define ROUNDS_LIMIT 24u
#define SMALL_BYTES 8u /* of a modexp operand */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The same digest from a copy of exactly this size, where a byte too many is seen; SHA-256's is
 * libsodium's too. */
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
    TD_ASSERT(crypto_hash_sha256(got[1], data, len) == 0);
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
        memset(in, 0, 3), in[3] %= ROUNDS_LIMIT + 1u;
    TD_ASSERT(exec_blake2f(out, in) == (in[EXEC_BLAKE2F_IN_BYTES - 1] <= 1));
}

/* Bytes as they are; then G + P for them, where P is on the curve, is P + G and none of the two. */
static void fuzz_bn254_add(const uint8_t *data, size_t len)
{
    static const uint8_t G[64] = {[31] = 1, [63] = 2};
    uint8_t in[128] = {0};
    uint8_t sum[64], turned[64];
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    (void)both_add(sum, in);
    memcpy(in + 64, G, 64);
    enum exec_bn254_result result = both_add(sum, in);
    memmove(in + 64, in, 64);
    memcpy(in, G, 64);
    TD_ASSERT(both_add(turned, in) == result);
    if (result != EXEC_BN254_OK)
        return;
    TD_ASSERT(memcmp(sum, turned, 64) == 0);
    TD_ASSERT(memcmp(sum, in + 64, 64) != 0);
    memcpy(in, sum, 64); /* the sum is a point */
    TD_ASSERT(both_add(turned, in) == EXEC_BN254_OK);
}

/* The price is a matter of the head alone: both paths must agree on it for any sizes. */
static void fuzz_modexp_gas(const uint8_t *data, size_t len)
{
    struct td_bytes input = td_bytes_of(data, len);
    uint64_t gas = exec_modexp_gas(input);
    TD_ASSERT(portable_modexp_gas(input) == gas);
    TD_ASSERT(gas >= 200); /* EIP-2565's least */
}

/* As the EVM calls them, by number, with little gas: 12 bits of it, so that recovery,
 * multiplication and pairing only fail for their price.  What fails yields nothing, and no account
 * is overdrawn. */
static void fuzz_dispatch(const uint8_t *data, size_t len)
{
    static uint8_t memory[2][1u << 13]; /* the second is seldom enough */
    struct td_arena arena[2];
    struct td_bytes out[2];
    if (len < 4)
        return;
    uint32_t index = data[0] % 20u;
    int64_t given = ((int64_t)data[1] << 4 | data[2] >> 4) % 3000;
    int64_t gas[2] = {given, given};
    int64_t native[2] = {INT64_C(1) << 40, (int64_t)data[3] << (data[2] & 15)};
    int64_t native_given = native[1];
    enum exec_pre_result result[2];
    for (unsigned i = 0; i < 2; i++) {
        td_arena_init(&arena[i], memory[i], i == 0 ? sizeof memory[0] : data[1] % 128u);
        result[i] = exec_precompile_run(index, td_bytes_of(data + 4, len - 4), &gas[i], &native[i],
                                        &arena[i], &out[i]);
        TD_ASSERT(gas[i] >= 0 && gas[i] <= given);
        TD_ASSERT(native[i] >= 0);
        TD_ASSERT(result[i] == EXEC_PRE_OK || out[i].len == 0);
    }
    TD_ASSERT(native[1] <= native_given);
    TD_ASSERT(result[0] != EXEC_PRE_NATIVE && (len > 4096 || result[0] != EXEC_PRE_MEMORY));
    if (result[1] != EXEC_PRE_NATIVE && result[1] != EXEC_PRE_MEMORY) {
        TD_ASSERT(result[0] == result[1] && gas[0] == gas[1]);
        TD_ASSERT(td_bytes_eq(out[0], out[1]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    uint8_t kind = data[0];
    data++;
    len--;
    switch (kind % 8u) {
    case 0:
    case 1:
        fuzz_hashes(data, len);
        break;
    case 2:
        fuzz_dispatch(data, len);
        break;
    case 3:
        fuzz_blake2f(data, len);
        break;
    case 4:
    case 5:
        fuzz_bn254_add(data, len);
        break;
    case 6:
        fuzz_modexp_gas(data, len);
        break;
    default:
        fuzz_modexp_shaped(data, len, SMALL_BYTES);
        break;
    }
    return 0;
}
