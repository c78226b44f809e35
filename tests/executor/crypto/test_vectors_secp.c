/* Wycheproof's two ECDSA suites through recovery and the hinted check, s high or low.
 *
 * Each case is asked with both parities.  libsecp256k1 answers the same questions, and the suite's
 * own verdict must follow: a valid signature recovers the suite's key with exactly one parity (none
 * where the nonce point has x >= n, so r < p - n: Ethereum has no v for it), an invalid one with
 * none, unless the suite rejects only the form (high s in "bitcoin"). */
#include "tests/base/lines.h"
#include "tests/executor/crypto/secp_cases.h"

static bool key_is(const secp256k1_context *lib, const uint8_t compressed[33], const uint8_t xy[64])
{
    secp256k1_pubkey pub;
    uint8_t point[65];
    size_t len = sizeof point;
    if (secp256k1_ec_pubkey_parse(lib, &pub, compressed, 33) != 1)
        return false;
    (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &pub, SECP256K1_EC_UNCOMPRESSED);
    return memcmp(point + 1, xy, 64) == 0;
}

/* Whether plain ECDSA, blind to parity and to the height of s, accepts. */
static bool plain_verify(const secp256k1_context *lib, const struct signature *sig,
                         const uint8_t compressed[33])
{
    secp256k1_pubkey pub;
    secp256k1_ecdsa_signature raw;
    uint8_t compact[64];
    memcpy(compact, sig->r, 32);
    memcpy(compact + 32, sig->s, 32);
    if (secp256k1_ecdsa_signature_parse_compact(lib, &raw, compact) != 1 ||
        secp256k1_ec_pubkey_parse(lib, &pub, compressed, 33) != 1)
        return false;
    (void)secp256k1_ecdsa_signature_normalize(lib, &raw, &raw);
    return secp256k1_ecdsa_verify(lib, &raw, sig->digest.b, &pub) == 1;
}

Test(executor_vectors_secp, public_suites)
{
    static char line[LINE_MAX_BYTES];
    static const uint8_t ZERO[15];
    secp256k1_context *lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    size_t good = 0, refused = 0, no_form = 0;
    FILE *f = lines_open();
    while (lines_next(f, line)) {
        char *cursor = line;
        const char *suite = lines_field(&cursor);
        const char *id = lines_field(&cursor);
        bool valid = strcmp(lines_field(&cursor), "valid") == 0;
        struct signature sig;
        uint8_t key[33], xy[64];
        unsigned count = 0;
        cr_assert_eq(lines_hex(key, 33, lines_field(&cursor)), 33);
        cr_assert_eq(lines_hex(sig.digest.b, 32, lines_field(&cursor)), 32);
        cr_assert_eq(lines_hex(sig.r, 32, lines_field(&cursor)), 32);
        cr_assert_eq(lines_hex(sig.s, 32, lines_field(&cursor)), 32);
        for (sig.parity = 0; sig.parity < 2; sig.parity++) {
            (void)agree(lib, &sig, id);
            count +=
                exec_secp_recover(xy, &sig.digest, sig.r, sig.s, sig.parity) && key_is(lib, key, xy)
                    ? 1u
                    : 0u;
        }
        bool plain = plain_verify(lib, &sig, key);
        cr_expect(plain || !valid, "%s %s: the library refuses a valid case", suite, id);
        if (!plain) {
            cr_expect_eq(count, 0, "%s %s: invalid", suite, id);
            refused++;
        } else if (count == 1) {
            good++;
        } else {
            cr_expect_eq(count, 0, "%s %s: both parities", suite, id);
            cr_expect_arr_eq(sig.r, ZERO, 15, "%s %s: valid but refused", suite, id);
            no_form++;
        }
    }
    fclose(f);
    secp256k1_context_destroy(lib);
    printf("Wycheproof: %zu recovered, %zu refused, %zu with a nonce point of x >= n\n", good,
           refused, no_form);
    cr_expect_geq(good, 300);
    cr_expect_geq(refused, 100);
    cr_expect_leq(no_form, 4);
}
