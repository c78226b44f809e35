/* p2p/record: round trip, every byte bent, every truncation, and records of another chain or key.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/record.h"

static const struct p2p_chain CHAIN = {77, {{9, 8}}};
static const uint8_t TRANSPORT[32] = {1, 2, 3};
static struct td_secp *secp;
static struct td_secp_key key;
static struct td_addr me;

static void set_up(void)
{
    static const uint8_t secret[32] = {[31] = 5};
    struct td_secp_pub pub;
    secp = td_secp_new();
    cr_assert_not_null(secp);
    cr_assert_eq(td_secp_key_init(secp, &key, secret), TD_OK);
    td_secp_key_pub(secp, &pub, &key);
    td_secp_pub_addr(secp, &me, &pub);
}

static void tear_down(void)
{
    td_secp_free(secp);
}

TestSuite(record, .init = set_up, .fini = tear_down);

static void make(struct p2p_record *r, const char *host)
{
    struct td_hash digest;
    cr_assert_eq(p2p_record_init(r, 42, TRANSPORT, &me, host, 30645), TD_OK);
    p2p_record_digest(&digest, r, &CHAIN);
    cr_assert_eq(td_secp_sign(secp, &key, &digest, &r->sig), TD_OK);
}

Test(record, round_trip_of_hosts_of_every_length)
{
    char host[P2P_HOST_BYTES_MAX + 1u];
    for (size_t len = 1; len <= P2P_HOST_BYTES_MAX; len++) {
        struct p2p_record r, back;
        uint8_t bytes[P2P_RECORD_BYTES_MAX], again[P2P_RECORD_BYTES_MAX];
        memset(host, 'a', len);
        host[len] = '\0';
        make(&r, host);
        size_t n = p2p_record_encode(bytes, &r);
        cr_assert_eq(n, 128u + len);
        cr_assert_eq(p2p_record_decode(&back, td_bytes_of(bytes, n)), TD_OK);
        cr_assert_eq(p2p_record_encode(again, &back), n);
        cr_assert_arr_eq(bytes, again, n);
        cr_assert_str_eq(back.host, host);
        cr_assert(back.sequence == 42 && back.port == 30645);
        cr_assert_eq(p2p_record_verify(&back, secp, &CHAIN), TD_OK);
    }
}

/* Version, length and host may become another form; everything else breaks the signature. */
Test(record, any_bent_bit_is_refused)
{
    struct p2p_record r, back;
    uint8_t bytes[P2P_RECORD_BYTES_MAX];
    make(&r, "node-0.example.org");
    size_t n = p2p_record_encode(bytes, &r);
    for (size_t bit = 0; bit < 8u * n; bit++) {
        bytes[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
        if (p2p_record_decode(&back, td_bytes_of(bytes, n)) == TD_OK)
            cr_assert_eq(p2p_record_verify(&back, secp, &CHAIN), TD_E_SIGNATURE, "bit %zu", bit);
        bytes[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
    }
}

Test(record, truncation_and_more_bytes_are_refused)
{
    struct p2p_record r, back, zero;
    uint8_t bytes[P2P_RECORD_BYTES_MAX + 1u];
    memset(&zero, 0, sizeof zero);
    make(&r, "::1");
    size_t n = p2p_record_encode(bytes, &r);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *exact = malloc(cut + 1u);
        cr_assert_not_null(exact);
        memcpy(exact, bytes, cut);
        cr_assert_eq(p2p_record_decode(&back, td_bytes_of(exact, cut)), TD_E_TRUNCATED, "%zu", cut);
        cr_assert_arr_eq(&back, &zero, sizeof zero);
        free(exact);
    }
    bytes[n] = 0;
    cr_assert_eq(p2p_record_decode(&back, td_bytes_of(bytes, n + 1u)), TD_E_MALFORMED);
}

Test(record, forms_that_are_none_are_refused)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum td_error want;
    } cases[] = {{0, 0, TD_E_UNSUPPORTED},  {0, 2, TD_E_UNSUPPORTED},  {63, 0, TD_E_MALFORMED},
                 {63, 129, TD_E_MALFORMED}, {63, 255, TD_E_MALFORMED}, {64, ' ', TD_E_MALFORMED},
                 {64, 0, TD_E_MALFORMED},   {64, '/', TD_E_MALFORMED}, {64, 0x80, TD_E_MALFORMED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_record r, back;
        uint8_t bytes[P2P_RECORD_BYTES_MAX];
        make(&r, "localhost");
        size_t n = p2p_record_encode(bytes, &r);
        bytes[cases[i].at] = cases[i].value;
        cr_expect_eq(p2p_record_decode(&back, td_bytes_of(bytes, n)), cases[i].want, "case %zu", i);
    }
    struct p2p_record r;
    char longest[P2P_HOST_BYTES_MAX + 2u];
    uint8_t bytes[P2P_RECORD_BYTES_MAX];
    memset(longest, 'a', sizeof longest);
    longest[P2P_HOST_BYTES_MAX + 1u] = '\0';
    cr_expect_eq(p2p_record_init(&r, 1, TRANSPORT, &me, "", 1), TD_E_RANGE);
    cr_expect_eq(p2p_record_init(&r, 1, TRANSPORT, &me, "a b", 1), TD_E_RANGE);
    cr_expect_eq(p2p_record_init(&r, 1, TRANSPORT, &me, "a", 0), TD_E_RANGE);
    cr_expect_eq(p2p_record_init(&r, 1, TRANSPORT, &me, longest, 1), TD_E_RANGE);
    make(&r, "a");
    size_t n = p2p_record_encode(bytes, &r);
    bytes[61] = bytes[62] = 0; /* port */
    cr_expect_eq(p2p_record_decode(&r, td_bytes_of(bytes, n)), TD_E_MALFORMED);
}

Test(record, another_chain_key_or_signer_is_refused)
{
    struct p2p_record r, other;
    struct p2p_chain chain = CHAIN;
    make(&r, "a");
    chain.chain_id++;
    cr_expect_eq(p2p_record_verify(&r, secp, &chain), TD_E_SIGNATURE);
    chain = CHAIN;
    chain.genesis.b[0] ^= 1;
    cr_expect_eq(p2p_record_verify(&r, secp, &chain), TD_E_SIGNATURE);
    other = r;
    other.transport[0] ^= 1;
    cr_expect_eq(p2p_record_verify(&other, secp, &CHAIN), TD_E_SIGNATURE);
    other = r;
    other.validator.b[0] ^= 1;
    cr_expect_eq(p2p_record_verify(&other, secp, &CHAIN), TD_E_SIGNATURE);
    other = r;
    other.sequence++;
    cr_expect_eq(p2p_record_verify(&other, secp, &CHAIN), TD_E_SIGNATURE);
    memset(&other.sig, 0, sizeof other.sig);
    cr_expect_eq(p2p_record_verify(&other, secp, &CHAIN), TD_E_SIGNATURE);
}

Test(record, a_follower_signs_nothing)
{
    static const struct td_addr nobody;
    struct p2p_record r;
    cr_assert_eq(p2p_record_init(&r, 1, TRANSPORT, &nobody, "a", 1), TD_OK);
    cr_expect_eq(p2p_record_verify(&r, secp, &CHAIN), TD_OK);
    r.sig.b[0] = 1;
    cr_expect_eq(p2p_record_verify(&r, secp, &CHAIN), TD_E_SIGNATURE);
}
