/* What the secp256k1 tests share: libsecp256k1 as the judge, and numbers to try. */
#pragma once

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/core/rng.h"
#include "executor/crypto/secp_point.h"

/* Walks through the plain C chips invert at every step: fewer rounds there. */
#if EXEC_SECP_CHIPS
#define ROUNDS(n) ((n) / 20 + 1)
#else
#define ROUNDS(n) (n)
#endif

/* A digest, r and s, as the functions take them. */
struct signature {
    struct td_hash digest;
    uint8_t r[32], s[32];
    uint32_t parity;
};

static inline void random_bytes(struct td_rng *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)td_rng_u64(rng);
}

/* The library's answer to the same question; parities other than 0 and 1 have none here. */
static inline bool judge_recover(const secp256k1_context *lib, uint8_t xy[64],
                                 const struct signature *sig)
{
    secp256k1_ecdsa_recoverable_signature raw;
    secp256k1_pubkey pub;
    uint8_t compact[64], point[65];
    size_t len = sizeof point;
    memset(xy, 0, 64);
    memcpy(compact, sig->r, 32);
    memcpy(compact + 32, sig->s, 32);
    if (sig->parity > 1 ||
        secp256k1_ecdsa_recoverable_signature_parse_compact(lib, &raw, compact, (int)sig->parity) !=
            1 ||
        secp256k1_ecdsa_recover(lib, &pub, &raw, sig->digest.b) != 1)
        return false;
    (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &pub, SECP256K1_EC_UNCOMPRESSED);
    memcpy(xy, point + 1, 64);
    return true;
}

static inline bool verify(const struct signature *sig, const uint8_t xy[64],
                          const struct exec_secp_hint *hint, const uint32_t *slopes)
{
    return exec_secp_verify_hinted(&sig->digest, sig->r, sig->s, sig->parity, xy, hint, slopes);
}

/* Recovery agrees with the library, and a hint exists and holds exactly for the recovered key.
 * True when there is a key. */
static inline bool agree(const secp256k1_context *lib, const struct signature *sig,
                         const char *what)
{
    static uint32_t slopes[8 * EXEC_SECP_SLOPES_MAX];
    struct exec_secp_hint hint;
    uint8_t want[64], got[64];
    bool found = judge_recover(lib, want, sig);
    cr_assert_eq(exec_secp_recover(got, &sig->digest, sig->r, sig->s, sig->parity), found, "%s",
                 what);
    cr_assert_arr_eq(got, want, 64, "%s", what);
    cr_assert_eq(exec_secp_hint(&hint, slopes, &sig->digest, sig->r, sig->s, sig->parity, want),
                 found, "%s: hint", what);
    cr_assert_leq(hint.slope_count, EXEC_SECP_SLOPES_MAX);
    cr_assert_eq(verify(sig, want, &hint, slopes), found, "%s: check", what);
    return found;
}
