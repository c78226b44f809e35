/* secp256k1 verification against Wycheproof's bitcoin (low s required) and p1363 (any s) suites.
 *
 * Mapping to our 64-byte form, in which parity is part of the signature:
 * - A case without two 32-byte integers cannot be expressed; vectors.py checks that Wycheproof
 * calls all of them invalid.
 * - high s (s > n/2): refused always.  The bitcoin suite calls its own such case invalid too; p1363
 *   calls them valid, and for those the equal signature (r, n - s) must be accepted instead.
 * - valid, low s: exactly one of the two parities verifies, the other does not.
 * - valid, but the nonce point's x is >= n (Wycheproof builds r = x - n): no ERC-2098 form exists,
 *   ecrecover cannot name it either, so both parities are refused.  libsecp256k1's plain
 *   verification accepts it, which is how this test tells the case from a defect; such an r is
 *   below p - n, that is below 2^129.
 * - invalid: refused with both parities. */
#include "tests/base/lines.h"

#include <secp256k1.h>

#include "base/host/secp.h"

static const uint8_t ORDER[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48,
                                  0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41};

static void negate(uint8_t s[32])
{
    int borrow = 0;
    for (unsigned i = 32; i-- > 0;) {
        int v = ORDER[i] - s[i] - borrow;
        borrow = v < 0;
        s[i] = (uint8_t)v;
    }
}

/* How many of the two parities make (r, s) good for the key; s with its top bit set has none. */
static unsigned accepted(const struct td_secp *ctx, const struct td_pubkey *key,
                         const struct td_hash *digest, const uint8_t rs[64])
{
    unsigned count = 0;
    for (unsigned parity = 0; parity < 2 && rs[32] < 0x80; parity++) {
        struct td_sig sig;
        memcpy(sig.b, rs, 64);
        sig.b[32] = (uint8_t)(sig.b[32] | parity << 7);
        count += td_secp_verify_pubkey(ctx, key, digest, &sig) ? 1u : 0u;
    }
    return count;
}

/* The library's own verdict on (r, s) after normalising s. */
static bool plain_verify(const secp256k1_context *lib, const struct td_pubkey *key,
                         const struct td_hash *digest, const uint8_t rs[64], bool *high)
{
    secp256k1_pubkey pub;
    secp256k1_ecdsa_signature raw;
    *high = false;
    if (secp256k1_ecdsa_signature_parse_compact(lib, &raw, rs) != 1 ||
        secp256k1_ec_pubkey_parse(lib, &pub, key->b, sizeof key->b) != 1)
        return false;
    *high = secp256k1_ecdsa_signature_normalize(lib, &raw, &raw) == 1;
    return secp256k1_ecdsa_verify(lib, &raw, digest->b, &pub) == 1;
}

Test(base_vectors_wycheproof, public_suites)
{
    static char line[LINE_MAX_BYTES];
    struct td_secp *ctx = td_secp_new();
    secp256k1_context *lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    size_t good = 0, refused = 0, high_s = 0, no_form = 0;
    FILE *f = lines_open();
    while (lines_next(f, line)) {
        char *cursor = line;
        const char *suite = lines_field(&cursor);
        const char *id = lines_field(&cursor);
        bool valid = strcmp(lines_field(&cursor), "valid") == 0;
        struct td_pubkey key;
        struct td_hash digest;
        uint8_t rs[64];
        bool high;
        cr_assert_eq(lines_hex(key.b, 33, lines_field(&cursor)), 33);
        cr_assert_eq(lines_hex(digest.b, 32, lines_field(&cursor)), 32);
        cr_assert_eq(lines_hex(rs, 32, lines_field(&cursor)), 32);
        cr_assert_eq(lines_hex(rs + 32, 32, lines_field(&cursor)), 32);
        bool plain = plain_verify(lib, &key, &digest, rs, &high);
        unsigned count = accepted(ctx, &key, &digest, rs);

        if (high) {
            cr_expect_eq(count, 0, "%s %s: high s", suite, id);
            high_s++;
            negate(rs + 32);
            count = accepted(ctx, &key, &digest, rs);
            valid = valid || plain; /* the bitcoin suite refuses only the form */
        }
        if (!valid) {
            cr_expect_eq(count, 0, "%s %s: invalid", suite, id);
            refused++;
        } else if (count == 1) {
            good++;
        } else {
            static const uint8_t ZERO[15];
            cr_expect_eq(count, 0, "%s %s: both parities", suite, id);
            cr_expect(plain && memcmp(rs, ZERO, 15) == 0, "%s %s: valid but refused", suite, id);
            no_form++;
        }
    }
    fclose(f);
    secp256k1_context_destroy(lib);
    td_secp_free(ctx);
    printf("Wycheproof: %zu accepted, %zu refused, %zu of all with high s, %zu without an "
           "ERC-2098 form\n",
           good, refused, high_s, no_form);
    cr_expect_geq(good, 300);
    cr_expect_geq(refused, 100);
    cr_expect_geq(high_s, 1);
    cr_expect_leq(no_form, 4);
}
