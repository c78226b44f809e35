/* base/host/secp: deterministic low-s signatures, exact verification, recovery, addresses.
 * Method: published signatures of EIP-712, ERC-2098 and RFC 6979 users, then every way to bend a
 * good signature, for exact verification and for either parity.  Wycheproof is in
 * test_vectors_wycheproof.c. */
#include <signal.h>

#include <criterion/criterion.h>
#include <secp256k1.h>

#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "base/host/pool.h"
#include "base/host/secp.h"

/* The group order n, big-endian. */
static const uint8_t ORDER[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48,
                                  0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41};

static void hex(void *out, size_t len, const char *text)
{
    cr_assert_eq(td_hex_decode_fixed(out, len, TD_HEX_BARE, text, strlen(text)), TD_OK, "%s", text);
}

static struct td_secp *context(void)
{
    struct td_secp *ctx = td_secp_new();
    cr_assert_not_null(ctx);
    return ctx;
}

static const struct {
    const char *name;
    const char *secret;
    const char *digest;
    const char *sig;
} KNOWN[] = {
    /* EIP-712, Mail signed by keccak("cow"), v = 28 */
    {"eip712_mail", "c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4",
     "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2",
     "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
     "87299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"},
    /* RFC 6979 with SHA-256 on this curve: key 1, sha256("Satoshi Nakamoto"); published as (r, s),
     * so the parity bit is the one that recovers key 1 */
    {"rfc6979_key_1", "0000000000000000000000000000000000000000000000000000000000000001",
     "a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e",
     "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
     "a442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
};

/* The two messages of ERC-2098, hashed as personal messages (EIP-191). */
static const struct {
    const char *text;
    const char *sig;
} ERC2098[] = {
    {"\x19"
     "Ethereum Signed Message:\n11Hello World",
     "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
     "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064"},
    {"\x19"
     "Ethereum Signed Message:\n22It's a small(er) world",
     "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
     "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"},
};

static void check_known(const struct td_secp *ctx, const uint8_t secret[32],
                        const struct td_hash *digest, const char *sig_hex, const char *name)
{
    struct td_secp_key key;
    struct td_secp_pub pub, found;
    struct td_pubkey compressed;
    struct td_addr addr, found_addr;
    struct td_sig want, got;
    hex(want.b, 64, sig_hex);
    cr_assert_eq(td_secp_key_init(ctx, &key, secret), TD_OK);
    cr_assert_eq(td_secp_sign(ctx, &key, digest, &got), TD_OK);
    cr_expect(td_sig_eq(&got, &want), "%s: signature", name);
    td_secp_key_pub(ctx, &pub, &key);
    td_secp_pub_encode(ctx, &compressed, &pub);
    td_secp_pub_addr(ctx, &addr, &pub);
    cr_expect(td_secp_verify(ctx, &pub, digest, &want), "%s: verify", name);
    cr_expect(td_secp_verify_pubkey(ctx, &compressed, digest, &want), "%s", name);
    cr_expect_eq(td_secp_recover(ctx, &found_addr, &found, digest, &want), TD_OK);
    cr_expect(td_addr_eq(&addr, &found_addr) && td_secp_pub_eq(ctx, &pub, &found), "%s", name);
    cr_expect_eq(td_secp_recover(ctx, &found_addr, NULL, digest, &want), TD_OK);
    td_secp_key_reset(&key);
}

Test(base_secp, published_signatures)
{
    struct td_secp *ctx = context();
    uint8_t secret[32];
    struct td_hash digest;
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        hex(secret, 32, KNOWN[i].secret);
        hex(digest.b, 32, KNOWN[i].digest);
        check_known(ctx, secret, &digest, KNOWN[i].sig, KNOWN[i].name);
    }
    hex(secret, 32, "1234567890123456789012345678901234567890123456789012345678901234");
    for (size_t i = 0; i < sizeof ERC2098 / sizeof ERC2098[0]; i++) {
        td_keccak256(&digest, ERC2098[i].text, strlen(ERC2098[i].text));
        check_known(ctx, secret, &digest, ERC2098[i].sig, "erc2098");
    }
    td_secp_free(ctx);
}

/* keccak("cow") is the EIP's first wallet; key 1 has the generator's address. */
Test(base_secp, addresses)
{
    struct td_secp *ctx = context();
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_pubkey compressed;
    struct td_addr addr;
    struct td_hash cow;
    char text[TD_ADDR_TEXT_BYTES];
    td_keccak256(&cow, "cow", 3);
    cr_assert_eq(td_secp_key_init(ctx, &key, cow.b), TD_OK);
    td_secp_key_pub(ctx, &pub, &key);
    td_secp_pub_addr(ctx, &addr, &pub);
    td_addr_print(text, &addr);
    cr_expect_str_eq(text, "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
    uint8_t one[32] = {[31] = 1};
    cr_assert_eq(td_secp_key_init(ctx, &key, one), TD_OK);
    td_secp_key_pub(ctx, &pub, &key);
    td_secp_pub_addr(ctx, &addr, &pub);
    td_addr_print(text, &addr);
    cr_expect_str_eq(text, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    td_secp_pub_encode(ctx, &compressed, &pub);
    struct td_pubkey g;
    hex(g.b, 33, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    cr_expect(td_pubkey_eq(&compressed, &g));
    td_secp_free(ctx);
}

Test(base_secp, key_range_and_wiping)
{
    struct td_secp *ctx = context();
    struct td_secp_key key;
    struct td_secp_key other;
    static const struct td_secp_key ZERO;
    uint8_t secret[32] = {0};
    cr_expect_eq(td_secp_key_init(ctx, &key, secret), TD_E_RANGE);
    cr_expect_eq(td_secp_key_init(ctx, &key, ORDER), TD_E_RANGE);
    cr_expect_eq(memcmp(&key, &ZERO, sizeof key), 0, "a refused key is wiped");
    memcpy(secret, ORDER, 32);
    secret[31]--;
    cr_expect_eq(td_secp_key_init(ctx, &key, secret), TD_OK);
    td_secp_key_reset(&key);
    cr_expect_eq(memcmp(&key, &ZERO, sizeof key), 0);
    td_secp_key_new(ctx, &key);
    td_secp_key_new(ctx, &other);
    cr_expect_neq(memcmp(&key, &other, sizeof key), 0);
    struct td_sig sig;
    struct td_hash digest = {{1}};
    cr_expect_eq(td_secp_sign(ctx, &ZERO, &digest, &sig), TD_E_RANGE);
    static const struct td_sig NONE;
    cr_expect(td_sig_eq(&sig, &NONE));
    td_secp_free(ctx);
    td_secp_free(NULL);
}

Test(base_secp, public_key_of_no_valid_secret_aborts, .signal = SIGABRT)
{
    struct td_secp *ctx = context();
    struct td_secp_key key = {{0}};
    struct td_secp_pub pub;
    td_secp_key_pub(ctx, &pub, &key);
}

Test(base_secp, malformed_public_keys)
{
    struct td_secp *ctx = context();
    static const struct td_secp_pub NONE;
    struct td_secp_pub pub;
    struct td_pubkey k, back;
    struct td_hash digest = {{1}};
    struct td_sig sig = {{1}};
    hex(k.b, 33, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    cr_expect_eq(td_secp_pub_decode(ctx, &pub, &k), TD_OK);
    td_secp_pub_encode(ctx, &back, &pub);
    cr_expect(td_pubkey_eq(&k, &back));
    for (unsigned tag = 0; tag < 256; tag++) {
        k.b[0] = (uint8_t)tag;
        cr_expect_eq(td_secp_pub_decode(ctx, &pub, &k),
                     tag == 2 || tag == 3 ? TD_OK : TD_E_MALFORMED, "tag %u", tag);
    }
    cr_expect_eq(memcmp(&pub, &NONE, sizeof pub), 0);
    k.b[0] = 2;
    memset(k.b + 1, 0, 32); /* x = 0: 7 is no square */
    k.b[32] = 0;
    cr_expect_eq(td_secp_pub_decode(ctx, &pub, &k), TD_E_MALFORMED);
    memset(k.b + 1, 0xFF, 32); /* x >= p */
    cr_expect_eq(td_secp_pub_decode(ctx, &pub, &k), TD_E_MALFORMED);
    cr_expect(!td_secp_verify_pubkey(ctx, &k, &digest, &sig));
    td_secp_free(ctx);
}

/* n - s, big-endian. */
static void negate(uint8_t s[32])
{
    int borrow = 0;
    for (unsigned i = 32; i-- > 0;) {
        int v = ORDER[i] - s[i] - borrow;
        borrow = v < 0;
        s[i] = (uint8_t)v;
    }
}

struct bent {
    struct td_secp *ctx;
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_hash digest;
    struct td_sig good;
};

static struct bent bent_new(void)
{
    struct bent b = {.ctx = context()};
    td_secp_key_new(b.ctx, &b.key);
    td_secp_key_pub(b.ctx, &b.pub, &b.key);
    td_keccak256(&b.digest, b.key.secret, 32);
    cr_assert_eq(td_secp_sign(b.ctx, &b.key, &b.digest, &b.good), TD_OK);
    return b;
}

static bool verdict(const struct bent *b, const struct td_sig *sig)
{
    return td_secp_verify(b->ctx, &b->pub, &b->digest, sig);
}

static bool verdict_either(const struct bent *b, const struct td_sig *sig)
{
    return td_secp_verify_either(b->ctx, &b->pub, &b->digest, sig);
}

Test(base_secp, bent_signatures_are_refused)
{
    struct bent b = bent_new();
    struct td_sig s;
    cr_expect(verdict(&b, &b.good));
    for (unsigned bit = 0; bit < 512; bit++) { /* parity included */
        s = b.good;
        s.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_expect(!verdict(&b, &s), "bit %u", bit);
    }
    for (unsigned parity = 0; parity < 2; parity++) {
        static const struct td_sig NONE;
        s = b.good;
        memset(s.b, 0, 32); /* r = 0 */
        s.b[32] = (uint8_t)((s.b[32] & 0x7F) | parity << 7);
        cr_expect(!verdict(&b, &s));
        s = b.good;
        memcpy(s.b, ORDER, 32); /* r = n */
        cr_expect(!verdict(&b, &s));
        s = b.good;
        memset(s.b + 32, 0, 32); /* s = 0 */
        s.b[32] = (uint8_t)(parity << 7);
        cr_expect(!verdict(&b, &s));
        s = NONE;
        s.b[32] = (uint8_t)(parity << 7);
        cr_expect(!verdict(&b, &s));
    }
    struct td_addr addr;
    struct td_secp_pub pub;
    static const struct td_secp_pub NO_PUB;
    memset(&s, 0, sizeof s);
    cr_expect_eq(td_secp_recover(b.ctx, &addr, &pub, &b.digest, &s), TD_E_SIGNATURE);
    cr_expect(td_addr_is_zero(&addr) && memcmp(&pub, &NO_PUB, sizeof pub) == 0);
    struct td_secp_key stranger;
    struct td_secp_pub stranger_pub;
    td_secp_key_new(b.ctx, &stranger);
    td_secp_key_pub(b.ctx, &stranger_pub, &stranger);
    cr_expect(!td_secp_verify(b.ctx, &stranger_pub, &b.digest, &b.good));
    b.digest.b[31] ^= 1;
    cr_expect(!verdict(&b, &b.good));
    td_secp_free(b.ctx);
}

/* (r, n - s) with the other parity is the same ECDSA signature; ours must have s <= n/2.  A high s
 * below 2^255 fits the form; s = n/2 + 1 .. 2^255 - 1 is where a bit test would not be enough. */
Test(base_secp, signatures_are_low_and_only_low_is_accepted)
{
    static const uint8_t HALF[32] = {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D,
                                     0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0};
    struct bent b = bent_new();
    for (unsigned i = 0; i < 200; i++) {
        struct td_sig s;
        td_keccak256(&b.digest, &i, sizeof i);
        cr_assert_eq(td_secp_sign(b.ctx, &b.key, &b.digest, &s), TD_OK);
        cr_assert(verdict(&b, &s));
        s.b[32] &= 0x7F;
        cr_assert_leq(memcmp(s.b + 32, HALF, 32), 0, "s is low");
    }
    struct td_sig s = b.good;
    for (unsigned parity = 0; parity < 2; parity++) {
        struct td_addr low, high;
        memcpy(s.b + 32, HALF, 32); /* recovery works for any low s, so only the bound decides */
        s.b[32] = (uint8_t)(s.b[32] | parity << 7);
        cr_expect_eq(td_secp_recover(b.ctx, &low, NULL, &b.digest, &s), TD_OK);
        s.b[63]++;
        cr_expect_eq(td_secp_recover(b.ctx, &high, NULL, &b.digest, &s), TD_E_SIGNATURE);
    }
    /* The malleated twin has its top bit set almost always; that bit reads as parity. */
    s = b.good;
    s.b[32] &= 0x7F;
    negate(s.b + 32);
    cr_expect(!verdict(&b, &s));
    td_secp_free(b.ctx);
}

/* The same bends: all are refused but that of the parity bit. */
Test(base_secp, either_parity_is_accepted_and_nothing_else)
{
    enum { PARITY_BIT = 32 * 8 + 7 };
    static const struct td_sig NONE;
    struct bent b = bent_new();
    struct td_sig s;
    for (unsigned bit = 0; bit < 512; bit++) {
        s = b.good;
        s.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_expect_eq(verdict_either(&b, &s), bit == PARITY_BIT, "bit %u", bit);
    }
    for (unsigned parity = 0; parity < 2; parity++) {
        uint8_t top = (uint8_t)(parity << 7);
        s = b.good;
        s.b[32] = (uint8_t)((s.b[32] & 0x7F) | top);
        cr_expect(verdict_either(&b, &s));
        memset(s.b, 0, 32); /* r = 0 */
        cr_expect(!verdict_either(&b, &s));
        memcpy(s.b, ORDER, 32); /* r = n */
        cr_expect(!verdict_either(&b, &s));
        s = b.good;
        memset(s.b + 32, 0, 32); /* s = 0 */
        s.b[32] = top;
        cr_expect(!verdict_either(&b, &s));
        s = NONE;
        s.b[32] = top;
        cr_expect(!verdict_either(&b, &s));
    }
    struct td_secp_key stranger;
    struct td_secp_pub stranger_pub;
    td_secp_key_new(b.ctx, &stranger);
    td_secp_key_pub(b.ctx, &stranger_pub, &stranger);
    cr_expect(!td_secp_verify_either(b.ctx, &stranger_pub, &b.digest, &b.good));
    b.digest.b[31] ^= 1;
    cr_expect(!verdict_either(&b, &b.good));
    td_secp_free(b.ctx);
}

/* The owner of (r, n/2) is found by recovery; (r, n/2 + 1) is then its malleated twin, and the one
 * high s that leaves the top bit free. */
Test(base_secp, either_parity_needs_a_low_s)
{
    struct bent b = bent_new();
    struct td_addr addr;
    struct td_sig s = b.good;
    hex(s.b + 32, 32, "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    cr_assert_eq(td_secp_recover(b.ctx, &addr, &b.pub, &b.digest, &s), TD_OK);
    cr_expect(verdict_either(&b, &s));
    s.b[63]++;
    cr_expect(!verdict_either(&b, &s));
    s.b[32] ^= 0x80;
    cr_expect(!verdict_either(&b, &s));
    td_secp_free(b.ctx);
}

/* r < p - n is the remainder of two x coordinates.  The keys follow from the nonce point R alone,
 * (s R - digest G) / r, so nobody knows their secrets; digest 22..22, s = 11..11. */
Test(base_secp, either_parity_refuses_nonce_points_that_have_no_form)
{
    static const struct {
        const char *r, *pub;
        bool has_form;
    } ROW[] = {
        {"0000000000000000000000000000000000000000000000000000000000000002", /* R.x = r */
         "02fd5d0fed85af833432ecd7e5f5aed5bc47979e40d2d4b3953c12966daa8a5139", true},
        {"0000000000000000000000000000000000000000000000000000000000000002", /* R.x = r + n */
         "0327c3be93d3c87d5e26939ede471eb8abb695d9db6f964a0021c0cf3113eea93c", false},
        {"000000000000000000000000000000014551231950b75fc4402da1722fc9baeb", /* R.x = p - 3 */
         "021620f34c44952ee382b6555f4003688c0f4f2e2a4abfff09073298926e6e711f", false},
    };
    secp256k1_context *lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    struct bent b = {.ctx = context()};
    struct td_pubkey compressed;
    struct td_sig s;
    memset(b.digest.b, 0x22, sizeof b.digest.b);
    memset(s.b, 0x11, sizeof s.b);
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        secp256k1_ecdsa_signature raw;
        secp256k1_pubkey pub;
        hex(s.b, 32, ROW[i].r);
        hex(compressed.b, 33, ROW[i].pub);
        cr_assert_eq(td_secp_pub_decode(b.ctx, &b.pub, &compressed), TD_OK);
        cr_assert_eq(secp256k1_ec_pubkey_parse(lib, &pub, compressed.b, 33), 1);
        cr_assert_eq(secp256k1_ecdsa_signature_parse_compact(lib, &raw, s.b), 1);
        cr_expect_eq(secp256k1_ecdsa_verify(lib, &raw, b.digest.b, &pub), 1, "plain ECDSA");
        for (unsigned parity = 0; parity < 2; parity++) {
            struct td_sig fixed = s;
            fixed.b[32] = (uint8_t)(0x11 | parity << 7);
            cr_expect_eq(verdict_either(&b, &fixed), ROW[i].has_form, "row %zu", i);
            cr_expect_eq(td_secp_parity_fix(b.ctx, &b.pub, &b.digest, &fixed),
                         ROW[i].has_form ? TD_OK : TD_E_SIGNATURE, "row %zu", i);
        }
    }
    secp256k1_context_destroy(lib);
    td_secp_free(b.ctx);
}

Test(base_secp, parity_fix_finds_the_bit_or_changes_nothing)
{
    struct bent b = bent_new();
    for (unsigned i = 0; i < 50; i++) { /* both parities occur */
        td_keccak256(&b.digest, &i, sizeof i);
        cr_assert_eq(td_secp_sign(b.ctx, &b.key, &b.digest, &b.good), TD_OK);
        struct td_sig s = b.good;
        cr_expect_eq(td_secp_parity_fix(b.ctx, &b.pub, &b.digest, &s), TD_OK);
        cr_expect(td_sig_eq(&s, &b.good), "right already");
        s.b[32] ^= 0x80;
        cr_expect(!verdict(&b, &s));
        cr_expect_eq(td_secp_parity_fix(b.ctx, &b.pub, &b.digest, &s), TD_OK);
        cr_expect(td_sig_eq(&s, &b.good), "the bit that was signed");
        s.b[20] ^= 4;
        struct td_sig forged = s;
        cr_expect_eq(td_secp_parity_fix(b.ctx, &b.pub, &b.digest, &s), TD_E_SIGNATURE);
        cr_expect(td_sig_eq(&s, &forged), "unchanged");
    }
    td_secp_free(b.ctx);
}

/* Flipped parity bits fail where the item is exact; other flips always. */
Test(base_secp, many_at_once_each_as_exact_as_it_says)
{
    enum { COUNT = 24 };
    struct bent b = bent_new();
    struct td_secp_item items[COUNT];
    bool ok[COUNT];
    size_t good = 0;
    struct td_pool *pool = td_pool_new(1);
    cr_assert_not_null(pool);
    for (unsigned i = 0; i < COUNT; i++) {
        items[i] = (struct td_secp_item){.pub = &b.pub, .exact = i % 2 == 0};
        td_keccak256(&items[i].digest, &i, sizeof i);
        cr_assert_eq(td_secp_sign(b.ctx, &b.key, &items[i].digest, &items[i].sig), TD_OK);
        if (i % 3 == 1)
            items[i].sig.b[32] ^= 0x80;
        if (i % 4 == 3)
            items[i].sig.b[9] ^= 2;
        good += i % 4 != 3 && (i % 3 != 1 || i % 2 == 1);
    }
    cr_expect_eq(td_secp_verify_many(b.ctx, pool, ok, items, COUNT), good);
    for (unsigned i = 0; i < COUNT; i++)
        cr_expect_eq(ok[i], i % 4 != 3 && (i % 3 != 1 || i % 2 == 1), "item %u", i);
    td_pool_free(pool);
    td_secp_free(b.ctx);
}

Test(base_secp, many_at_once)
{
    enum { COUNT = 67 };
    struct bent b = bent_new();
    struct td_secp_item items[COUNT];
    bool ok[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        items[i].pub = &b.pub;
        items[i].exact = true;
        td_keccak256(&items[i].digest, &i, sizeof i);
        cr_assert_eq(td_secp_sign(b.ctx, &b.key, &items[i].digest, &items[i].sig), TD_OK);
        if (i % 5 == 2)
            items[i].sig.b[40] ^= 1;
    }
    for (size_t threads = 0; threads <= 3; threads++) {
        struct td_pool *pool = threads == 3 ? NULL : td_pool_new(threads);
        for (unsigned i = 0; i < COUNT; i++)
            ok[i] = i % 5 == 2;
        cr_expect_eq(td_secp_verify_many(b.ctx, pool, ok, items, COUNT), COUNT - 13);
        for (unsigned i = 0; i < COUNT; i++)
            cr_expect_eq(ok[i], i % 5 != 2, "item %u", i);
        cr_expect_eq(td_secp_verify_many(b.ctx, pool, ok, items, 0), 0);
        td_pool_free(pool);
    }
    td_secp_free(b.ctx);
}

/* Items of every kind against recovery of one, and the same with 0 to 3 threads: both parities,
 * high s (which td_secp_recover refuses and ecrecover does not: -s flips the parity of the same
 * key), r and s of 0, n and 2^256 - 1, parities that do not exist. */
Test(base_secp, recover_many_equals_one_by_one)
{
    enum { COUNT = 60 };
    static struct td_secp_signed items[COUNT];
    static struct td_secp_signer got[COUNT], again[COUNT];
    static struct td_addr want[COUNT];
    struct td_secp *ctx = context();
    size_t good = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct td_secp_key key;
        struct td_secp_pub pub;
        struct td_sig sig;
        uint8_t secret[32] = {[0] = 7, [31] = (uint8_t)(i + 1u)};
        cr_assert_eq(td_secp_key_init(ctx, &key, secret), TD_OK);
        td_secp_key_pub(ctx, &pub, &key);
        td_keccak256(&items[i].digest, &i, sizeof i);
        cr_assert_eq(td_secp_sign(ctx, &key, &items[i].digest, &sig), TD_OK);
        td_secp_pub_addr(ctx, &want[i], &pub);
        items[i].parity = sig.b[32] >> 7;
        sig.b[32] &= 0x7F;
        memcpy(items[i].r, sig.b, 32);
        memcpy(items[i].s, sig.b + 32, 32);
        uint8_t *number = i % 2 == 0 ? items[i].r : items[i].s;
        switch (i % 6) {
        case 0: /* good */
            break;
        case 1: { /* n - s with the other parity: the same signer */
            unsigned borrow = 0;
            for (uint32_t k = 32; k-- > 0;) {
                unsigned d = 256u + ORDER[k] - items[i].s[k] - borrow;
                borrow = d < 256u;
                items[i].s[k] = (uint8_t)d;
            }
            items[i].parity ^= 1u;
            break;
        }
        case 2: /* another signer, or none */
            items[i].parity ^= 1u;
            memset(&want[i], 0xEE, sizeof want[i]);
            break;
        case 3:
            memset(number, 0, 32);
            memset(&want[i], 0, sizeof want[i]);
            break;
        case 4:
            memcpy(number, ORDER, 32);
            if (i > 30)
                memset(number, 0xFF, 32);
            memset(&want[i], 0, sizeof want[i]);
            break;
        default:
            items[i].parity += 2u + i;
            memset(&want[i], 0, sizeof want[i]);
        }
    }
    good = td_secp_recover_many(ctx, NULL, got, items, COUNT);
    cr_expect_geq(good, 20);
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % 6 == 2) {
            struct td_sig sig;
            memcpy(sig.b, items[i].r, 32);
            memcpy(sig.b + 32, items[i].s, 32);
            sig.b[32] |= (uint8_t)(items[i].parity << 7);
            cr_expect_eq(td_secp_recover(ctx, &want[i], NULL, &items[i].digest, &sig) == TD_OK,
                         got[i].found);
        }
        cr_expect_eq(got[i].found, !td_addr_is_zero(&want[i]), "item %u", i);
        cr_expect(td_addr_eq(&got[i].addr, &want[i]), "item %u", i);
        struct td_hash h;
        td_keccak256(&h, got[i].xy, 64);
        cr_expect(!got[i].found || memcmp(h.b + 12, want[i].b, 20) == 0, "item %u: key", i);
    }
    for (size_t threads = 0; threads <= 3; threads++) {
        struct td_pool *pool = td_pool_new(threads);
        cr_assert_not_null(pool);
        memset(again, 0xAA, sizeof again);
        cr_expect_eq(td_secp_recover_many(ctx, pool, again, items, COUNT), good);
        for (uint32_t i = 0; i < COUNT; i++)
            cr_expect(again[i].found == got[i].found && memcmp(again[i].xy, got[i].xy, 64) == 0 &&
                          td_addr_eq(&again[i].addr, &got[i].addr),
                      "item %u", i);
        td_pool_free(pool);
    }
    td_secp_free(ctx);
}
