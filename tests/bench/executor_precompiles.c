/* Precompiles through the entry that calls take, and key recovery both ways. */
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "executor/crypto/secp.h"
#include "executor/precompiles.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"

struct precompile {
    uint32_t index;
    struct td_bytes input;
    size_t output_bytes;
};

static uint8_t memory[1 << 20];

static uint64_t run_precompile(void *ctx, uint64_t rounds)
{
    const struct precompile *p = ctx;
    struct td_arena arena;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        int64_t gas = INT64_C(1) << 40, native = INT64_C(1) << 40;
        struct td_bytes output;
        td_arena_init(&arena, memory, sizeof memory);
        enum exec_pre_result result =
            exec_precompile_run(p->index, p->input, &gas, &native, &arena, &output);
        TD_ASSERT(result == EXEC_PRE_OK && output.len == p->output_bytes);
    }
    return bench_now_ns(BENCH_CPU) - begin;
}

static void row(const char *name, enum bench_unit unit, uint32_t index, const void *input,
                size_t len, size_t output_bytes)
{
    struct precompile p = {index, td_bytes_of(input, len), output_bytes};
    bench_time_row(name, unit, &(struct bench_work){run_precompile, &p, 1}, 0);
}

/* ---- recovery */

struct recovery {
    secp256k1_context *lib;
    struct td_hash digest;
    uint8_t compact[64], xy[64];
    int parity;
    struct exec_secp_hint hint;
    uint32_t slopes[8u * EXEC_SECP_SLOPES_MAX];
};

static uint64_t run_portable(void *ctx, uint64_t rounds)
{
    struct recovery *r = ctx;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        uint8_t xy[64];
        bool found =
            exec_secp_recover(xy, &r->digest, r->compact, r->compact + 32, (uint32_t)r->parity);
        TD_ASSERT(found && memcmp(xy, r->xy, sizeof xy) == 0);
    }
    return bench_now_ns(BENCH_CPU) - begin;
}

static uint64_t run_hint(void *ctx, uint64_t rounds)
{
    struct recovery *r = ctx;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        bool made = exec_secp_hint(&r->hint, r->slopes, &r->digest, r->compact, r->compact + 32,
                                   (uint32_t)r->parity, r->xy);
        TD_ASSERT(made);
    }
    return bench_now_ns(BENCH_CPU) - begin;
}

static uint64_t run_hinted(void *ctx, uint64_t rounds)
{
    struct recovery *r = ctx;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        bool good = exec_secp_verify_hinted(&r->digest, r->compact, r->compact + 32,
                                            (uint32_t)r->parity, r->xy, &r->hint, r->slopes);
        TD_ASSERT(good);
    }
    return bench_now_ns(BENCH_CPU) - begin;
}

static bool library_recover(const struct recovery *r, uint8_t xy[64])
{
    secp256k1_ecdsa_recoverable_signature raw;
    secp256k1_pubkey pub;
    uint8_t full[65];
    size_t len = sizeof full;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(r->lib, &raw, r->compact, r->parity) !=
            1 ||
        secp256k1_ecdsa_recover(r->lib, &pub, &raw, r->digest.b) != 1 ||
        secp256k1_ec_pubkey_serialize(r->lib, full, &len, &pub, SECP256K1_EC_UNCOMPRESSED) != 1)
        return false;
    memcpy(xy, full + 1, 64);
    return true;
}

static uint64_t run_library(void *ctx, uint64_t rounds)
{
    struct recovery *r = ctx;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        uint8_t xy[64];
        bool found = library_recover(r, xy);
        TD_ASSERT(found && memcmp(xy, r->xy, sizeof xy) == 0);
    }
    return bench_now_ns(BENCH_CPU) - begin;
}

static void recovery(void)
{
    static struct recovery r;
    const uint8_t secret[32] = {7, [31] = 9};
    secp256k1_ecdsa_recoverable_signature raw;
    struct bench_series ours, library, ratio;
    uint8_t input[128] = {0};
    r.lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    td_keccak256(&r.digest, "bench", 5);
    TD_ASSERT(r.lib != NULL &&
              secp256k1_ecdsa_sign_recoverable(r.lib, &raw, r.digest.b, secret, NULL, NULL) == 1);
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(r.lib, r.compact, &r.parity,
                                                                  &raw);
    bool found = library_recover(&r, r.xy);
    TD_ASSERT(found);
    memcpy(input, r.digest.b, 32);
    input[63] = (uint8_t)(27 + r.parity);
    memcpy(input + 64, r.compact, 64);
    row("0x01 ecrecover, portable C", BENCH_US, 1, input, sizeof input, 32);
    const struct bench_work work[] = {{run_portable, &r, 1}, {run_library, &r, 1}};
    bench_time_pair(&ours, &library, &work[0], &work[1]);
    bench_divide(&ratio, &ours, &library);
    bench_row("exec_secp_recover", BENCH_US, &ours, 0);
    bench_row("libsecp256k1's recovery", BENCH_US, &library, 0);
    bench_row("the first in units of the second", BENCH_RATIO, &ratio, 0);
    bench_time_row("exec_secp_hint, slopes included", BENCH_US,
                   &(struct bench_work){run_hint, &r, 1}, 0);
    bench_time_row("exec_secp_verify_hinted, with slopes", BENCH_US,
                   &(struct bench_work){run_hinted, &r, 1}, 0);
    secp256k1_context_destroy(r.lib);
}

/* ---- the others */

static void modexp(void)
{
    static uint8_t input[96 + 3 * 256];
    input[30] = input[62] = input[94] = 1; /* 256 bytes each */
    for (uint32_t i = 0; i < 3 * 256; i++)
        input[96 + i] = (uint8_t)(i * 151u + 7u);
    input[96] = input[96 + 256] = input[96 + 512] = 0xf1;
    input[sizeof input - 1] = 0x0d; /* odd, as an RSA modulus is */
    row("0x05 modexp, 2,048 bits each", BENCH_US, 5, input, sizeof input, 256);
    uint8_t small[96 + 256 + 3 + 256] = {0};
    memcpy(small, input, 96 + 256);
    small[62] = 0;
    small[63] = 3;
    small[96 + 256] = small[96 + 256 + 2] = 1; /* 65,537 */
    memcpy(small + 96 + 256 + 3, input + 96 + 512, 256);
    row("0x05 modexp, 2,048 bits, exponent 65,537", BENCH_US, 5, small, sizeof small, 256);
}

/* e(P, Q) e(-P, Q) = 1 with the generators [EIP-197]. */
static void bn254(void)
{
    static const char generators[] =
        "0000000000000000000000000000000000000000000000000000000000000001"
        "0000000000000000000000000000000000000000000000000000000000000002"
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
    static const char minus_two[] =
        "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45";
    uint8_t pairs[384], add[128], mul[96];
    TD_ASSERT(td_hex_decode_fixed(pairs, 192, TD_HEX_BARE, generators, sizeof generators - 1) ==
              TD_OK);
    memcpy(pairs + 192, pairs, 192);
    TD_ASSERT(td_hex_decode_fixed(pairs + 224, 32, TD_HEX_BARE, minus_two, sizeof minus_two - 1) ==
              TD_OK);
    memcpy(add, pairs, 64);
    memcpy(add + 64, pairs, 64);
    memcpy(mul, pairs, 64);
    memset(mul + 64, 0x2f, 32);
    row("0x06 bn254 add", BENCH_US, 6, add, sizeof add, 64);
    row("0x07 bn254 mul", BENCH_US, 7, mul, sizeof mul, 64);
    row("0x08 bn254 pairing, two pairs", BENCH_US, 8, pairs, sizeof pairs, 32);
}

void bench_exec_precompiles(void)
{
    uint8_t bytes[213] = {[3] = 12}; /* blake2f's rounds */
    bench_group("precompiles and recovery");
    recovery();
    row("0x02 sha256 of 64 bytes", BENCH_NS, 2, bytes, 64, 32);
    row("0x03 ripemd160 of 64 bytes", BENCH_NS, 3, bytes, 64, 32);
    modexp();
    bn254();
    row("0x09 blake2f, 12 rounds", BENCH_NS, 9, bytes, sizeof bytes, 64);
}
