#include "executor/precompiles.h"

#include "executor/crypto/blake2f.h"
#include "executor/crypto/bn254.h"
#include "executor/crypto/modexp.h"
#include "executor/crypto/ripemd160.h"
#include "executor/crypto/secp.h"
#include "executor/crypto/sha256.h"
#include "executor/evm/native_costs.h"

#define INDEX_MAX 0x11u
#define ECRECOVER_BYTES 128u

uint32_t exec_precompile_index(const struct td_addr *a)
{
    uint8_t high = 0;
    if (a->b[TD_ADDR_BYTES - 1u] == 0 || a->b[TD_ADDR_BYTES - 1u] > INDEX_MAX)
        return 0;
    for (uint32_t i = 0; i < TD_ADDR_BYTES - 1u; i++)
        high |= a->b[i];
    return high == 0 ? a->b[TD_ADDR_BYTES - 1u] : 0;
}

/* One call's input and meters. */
struct call {
    struct td_bytes in;
    int64_t *gas;
    int64_t *native;
    struct td_arena *arena;
    struct td_bytes *out;
};

static enum exec_pre_result charge(struct call *c, uint64_t gas, uint64_t native)
{
    if (*c->gas < 0 || gas > (uint64_t)*c->gas)
        return EXEC_PRE_OUT_OF_GAS;
    if (*c->native < 0 || native > (uint64_t)*c->native)
        return EXEC_PRE_NATIVE;
    *c->gas -= (int64_t)gas;
    *c->native -= (int64_t)native;
    return EXEC_PRE_OK;
}

static uint64_t words(size_t len)
{
    return ((uint64_t)len + 31u) / 32u;
}

/* Blocks of 64 that a Merkle-Damgård hash of `len` bytes works through. */
static uint64_t blocks(size_t len)
{
    return ((uint64_t)len + 9u + 63u) / 64u;
}

/* The first `len` bytes of the input, zeros where it ends early. */
static void take(uint8_t *to, size_t len, struct td_bytes in)
{
    size_t have = in.len < len ? in.len : len;
    if (have > 0)
        memcpy(to, in.ptr, have);
    memset(to + have, 0, len - have);
}

/* Room for `len` bytes of output. */
static uint8_t *give(struct call *c, size_t len)
{
    uint8_t *to = td_arena_get(c->arena, len, 8);
    *c->out = td_bytes_of(to, to != NULL ? len : 0);
    return to;
}

/* 0x01: digest, v, r, s; an unusable signature is no failure but empty output. */
static enum exec_pre_result ecrecover(struct call *c)
{
    uint8_t in[ECRECOVER_BYTES];
    uint8_t xy[64];
    struct td_hash digest;
    struct td_addr signer;
    uint8_t high = 0;
    enum exec_pre_result result = charge(c, 3000, EXEC_NATIVE_ECRECOVER);
    if (result != EXEC_PRE_OK)
        return result;
    take(in, sizeof in, c->in);
    for (unsigned i = 32; i < 63; i++)
        high |= in[i];
    if (high != 0 || (in[63] != 27 && in[63] != 28))
        return EXEC_PRE_OK;
    memcpy(digest.b, in, TD_HASH_BYTES);
    if (!exec_secp_recover(xy, &digest, in + 64, in + 96, in[63] - 27u))
        return EXEC_PRE_OK;
    uint8_t *to = give(c, 32);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    exec_secp_address(&signer, xy);
    memset(to, 0, 12);
    memcpy(to + 12, signer.b, TD_ADDR_BYTES);
    return EXEC_PRE_OK;
}

static enum exec_pre_result sha256(struct call *c)
{
    enum exec_pre_result result =
        charge(c, 60u + 12u * words(c->in.len),
               EXEC_NATIVE_SHA256 + EXEC_NATIVE_SHA256_BLOCK * blocks(c->in.len));
    if (result != EXEC_PRE_OK)
        return result;
    uint8_t *to = give(c, EXEC_SHA256_BYTES);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    exec_sha256(to, c->in.ptr, c->in.len);
    return EXEC_PRE_OK;
}

static enum exec_pre_result ripemd160(struct call *c)
{
    enum exec_pre_result result =
        charge(c, 600u + 120u * words(c->in.len),
               EXEC_NATIVE_RIPEMD160 + EXEC_NATIVE_RIPEMD160_BLOCK * blocks(c->in.len));
    if (result != EXEC_PRE_OK)
        return result;
    uint8_t *to = give(c, 32);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    memset(to, 0, 12);
    exec_ripemd160(to + 12, c->in.ptr, c->in.len);
    return EXEC_PRE_OK;
}

static enum exec_pre_result identity(struct call *c)
{
    *c->out = c->in;
    return charge(c, 15u + 3u * words(c->in.len),
                  EXEC_NATIVE_IDENTITY + EXEC_NATIVE_COPY_WORD * words(c->in.len));
}

/* a * b, or more than any meter holds. */
static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t out;
    return __builtin_mul_overflow(a, b, &out) || out > (uint64_t)INT64_MAX / 8u ? INT64_MAX / 8u
                                                                                : out;
}

/* Native units are not gas times a number: gas counts only the exponent's part of the work. */
static enum exec_pre_result modexp(struct call *c)
{
    struct exec_modexp_work w = exec_modexp_count(c->in);
    uint64_t step = times(w.products, EXEC_NATIVE_MODEXP_STEP) + EXEC_NATIVE_MODEXP_BIT;
    uint64_t native = EXEC_NATIVE_MODEXP + times(w.products, EXEC_NATIVE_MODEXP_SETUP) +
                      times(step, w.iterations);
    enum exec_pre_result result = charge(c, exec_modexp_gas(c->in), native);
    if (result != EXEC_PRE_OK)
        return result;
    return exec_modexp(c->arena, c->in, c->out) == EXEC_MODEXP_OK ? EXEC_PRE_OK : EXEC_PRE_MEMORY;
}

/* EIP-196 with the prices of EIP-1108. */
static enum exec_pre_result bn254_add(struct call *c)
{
    uint8_t in[2 * EXEC_BN254_G1_BYTES];
    enum exec_pre_result result = charge(c, 150, EXEC_NATIVE_BN254_ADD);
    if (result != EXEC_PRE_OK)
        return result;
    take(in, sizeof in, c->in);
    uint8_t *to = give(c, EXEC_BN254_G1_BYTES);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    return exec_bn254_add(to, in) == EXEC_BN254_OK ? EXEC_PRE_OK : EXEC_PRE_FAIL;
}

static enum exec_pre_result bn254_mul(struct call *c)
{
    uint8_t in[EXEC_BN254_G1_BYTES + EXEC_BN254_SCALAR_BYTES];
    enum exec_pre_result result = charge(c, 6000, EXEC_NATIVE_BN254_MUL);
    if (result != EXEC_PRE_OK)
        return result;
    take(in, sizeof in, c->in);
    uint8_t *to = give(c, EXEC_BN254_G1_BYTES);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    return exec_bn254_mul(to, in) == EXEC_BN254_OK ? EXEC_PRE_OK : EXEC_PRE_FAIL;
}

/* EIP-197 with the prices of EIP-1108. */
static enum exec_pre_result bn254_pairing(struct call *c)
{
    uint64_t pairs = c->in.len / EXEC_BN254_PAIR_BYTES;
    enum exec_pre_result result =
        charge(c, 45000u + 34000u * pairs, EXEC_NATIVE_PAIRING + EXEC_NATIVE_PAIRING_PAIR * pairs);
    bool one = false;
    if (result != EXEC_PRE_OK)
        return result;
    if (c->in.len % EXEC_BN254_PAIR_BYTES != 0)
        return EXEC_PRE_FAIL;
    uint8_t *to = give(c, 32);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    if (exec_bn254_pairing(&one, c->in.ptr, (size_t)pairs) != EXEC_BN254_OK)
        return EXEC_PRE_FAIL;
    memset(to, 0, 32);
    to[31] = one;
    return EXEC_PRE_OK;
}

/* EIP-152. */
static enum exec_pre_result blake2f(struct call *c)
{
    if (c->in.len != EXEC_BLAKE2F_IN_BYTES)
        return EXEC_PRE_FAIL;
    uint64_t rounds = exec_blake2f_rounds(c->in.ptr);
    enum exec_pre_result result =
        charge(c, rounds, EXEC_NATIVE_BLAKE2F + EXEC_NATIVE_BLAKE2F_ROUND * rounds);
    if (result != EXEC_PRE_OK)
        return result;
    uint8_t *to = give(c, EXEC_BLAKE2F_OUT_BYTES);
    if (to == NULL)
        return EXEC_PRE_MEMORY;
    return exec_blake2f(to, c->in.ptr) ? EXEC_PRE_OK : EXEC_PRE_FAIL;
}

enum exec_pre_result exec_precompile_run(uint32_t index, struct td_bytes input, int64_t *gas,
                                         int64_t *native, struct td_arena *arena,
                                         struct td_bytes *output)
{
    static enum exec_pre_result (*const RUN[])(struct call *) = {
        NULL,   ecrecover, sha256,    ripemd160,     identity,
        modexp, bn254_add, bn254_mul, bn254_pairing, blake2f,
    };
    struct call c = {.in = input, .gas = gas, .native = native, .arena = arena, .out = output};
    *output = (struct td_bytes){.ptr = NULL, .len = 0};
    if (index == 0 || index >= sizeof RUN / sizeof RUN[0])
        return EXEC_PRE_FAIL;
    enum exec_pre_result result = RUN[index](&c);
    if (result != EXEC_PRE_OK)
        *output = (struct td_bytes){.ptr = NULL, .len = 0};
    return result;
}
