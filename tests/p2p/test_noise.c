/* p2p/noise: published vectors first (skipped where the file is absent), then everything a peer can
 * get wrong: each must end the handshake without a crash and without a key. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "base/core/hex.h"
#include "p2p/noise.h"

#define ROOM 512u

static const uint8_t SECRET_I[32] = {1, 2, 3}, SECRET_R[32] = {4, 5, 6};
static const char PROLOGUE[] = "a prologue";

struct pair {
    struct p2p_handshake i, r;
};

static struct td_bytes prologue(void)
{
    return td_bytes_of(PROLOGUE, sizeof PROLOGUE - 1u);
}

static void pair_init(struct pair *p)
{
    p2p_handshake_init(&p->i, P2P_NOISE_INITIATOR, SECRET_I, prologue());
    p2p_handshake_init(&p->r, P2P_NOISE_RESPONDER, SECRET_R, prologue());
}

static struct p2p_handshake *writer_of(struct pair *p)
{
    return p2p_handshake_writes(&p->i) ? &p->i : &p->r;
}

static struct p2p_handshake *reader_of(struct pair *p)
{
    return writer_of(p) == &p->i ? &p->r : &p->i;
}

/* Pass `count` good messages with 5 bytes of payload each. */
static void pass(struct pair *p, unsigned count)
{
    uint8_t wire[ROOM], got[ROOM];
    size_t n, len;
    while (count-- > 0) {
        struct p2p_handshake *w = writer_of(p), *r = reader_of(p);
        cr_assert_eq(p2p_handshake_write(w, wire, sizeof wire, &n, td_bytes_of("hello", 5)), TD_OK);
        cr_assert_eq(p2p_handshake_read(r, got, sizeof got, &len, td_bytes_of(wire, n)), TD_OK);
        cr_assert(len == 5 && memcmp(got, "hello", 5) == 0);
    }
}

static void connect_pair(struct p2p_cipher c[4])
{
    struct pair p;
    uint8_t hash_i[32], hash_r[32];
    pair_init(&p);
    pass(&p, 3);
    p2p_handshake_split(&p.i, &c[0], &c[1], hash_i);
    p2p_handshake_split(&p.r, &c[2], &c[3], hash_r);
    cr_assert_arr_eq(hash_i, hash_r, 32);
}

/* ---- vectors */

static size_t hex_field(uint8_t *out, size_t max, json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    cr_assert_not_null(text, "%s", name);
    size_t len = strlen(text) / 2u;
    cr_assert_leq(len, max);
    cr_assert_eq(td_hex_decode_fixed(out, len, TD_HEX_BARE, text, strlen(text)), TD_OK, "%s", name);
    return len;
}

static void vector_start(struct pair *p, json_t *v)
{
    uint8_t secret[32], ephemeral[32], pro[ROOM];
    size_t len = hex_field(pro, sizeof pro, v, "init_prologue");
    hex_field(secret, 32, v, "init_static");
    hex_field(ephemeral, 32, v, "init_ephemeral");
    p2p_handshake_init_fixed(&p->i, P2P_NOISE_INITIATOR, secret, ephemeral, td_bytes_of(pro, len));
    len = hex_field(pro, sizeof pro, v, "resp_prologue");
    hex_field(secret, 32, v, "resp_static");
    hex_field(ephemeral, 32, v, "resp_ephemeral");
    p2p_handshake_init_fixed(&p->r, P2P_NOISE_RESPONDER, secret, ephemeral, td_bytes_of(pro, len));
}

static void vector_message(struct pair *p, json_t *message)
{
    uint8_t payload[ROOM], want[ROOM], wire[ROOM], got[ROOM];
    size_t payload_len = hex_field(payload, ROOM, message, "payload");
    size_t want_len = hex_field(want, ROOM, message, "ciphertext"), n, len;
    struct p2p_handshake *w = writer_of(p), *r = reader_of(p);
    cr_assert_eq(p2p_handshake_write(w, wire, ROOM, &n, td_bytes_of(payload, payload_len)), TD_OK);
    cr_assert_eq(n, want_len);
    cr_assert_arr_eq(wire, want, n);
    cr_assert_eq(p2p_handshake_read(r, got, ROOM, &len, td_bytes_of(wire, n)), TD_OK);
    cr_assert_eq(len, payload_len);
    cr_assert_arr_eq(got, payload, len);
}

static void vector_transport(struct p2p_cipher *send, struct p2p_cipher *receive, json_t *message)
{
    uint8_t payload[ROOM], want[ROOM], wire[ROOM];
    size_t len = hex_field(payload, ROOM - 16u, message, "payload");
    size_t want_len = hex_field(want, ROOM, message, "ciphertext");
    p2p_cipher_seal(send, wire, payload, len);
    cr_assert_eq(want_len, len + P2P_NOISE_TAG_BYTES);
    cr_assert_arr_eq(wire, want, want_len);
    cr_assert_eq(p2p_cipher_open(receive, wire, wire, want_len), TD_OK);
    cr_assert_arr_eq(wire, payload, len);
}

static void check_vector(json_t *v)
{
    struct pair p;
    struct p2p_cipher is, ir, rs, rr;
    uint8_t want[32], hash_i[32], hash_r[32];
    json_t *messages = json_object_get(v, "messages");
    vector_start(&p, v);
    for (size_t i = 0; i < 3; i++)
        vector_message(&p, json_array_get(messages, i));
    p2p_handshake_split(&p.i, &is, &ir, hash_i);
    p2p_handshake_split(&p.r, &rs, &rr, hash_r);
    hex_field(want, 32, v, "handshake_hash");
    cr_assert_arr_eq(hash_i, want, 32);
    cr_assert_arr_eq(hash_r, want, 32);
    for (size_t i = 3; i < json_array_size(messages); i++) { /* the responder speaks first */
        bool responder = i % 2u == 1u;
        vector_transport(responder ? &rs : &is, responder ? &ir : &rr, json_array_get(messages, i));
    }
}

Test(noise, published_vectors_of_the_pattern)
{
    const char *path = TD_VECTORS_DIR "/noise_25519_chachapoly.json";
    json_t *root = json_load_file(path, 0, NULL), *v;
    if (root == NULL)
        cr_skip_test("SKIP: no %s", path);
    unsigned checked = 0;
    size_t i;
    json_array_foreach(json_object_get(root, "vectors"), i, v)
    {
        const char *name = json_string_value(json_object_get(v, "protocol_name"));
        if (strcmp(name, "Noise_XX_25519_ChaChaPoly_SHA256") != 0)
            continue;
        check_vector(v);
        checked++;
    }
    json_decref(root);
    cr_assert_gt(checked, 0, "the file has none of this pattern");
}

/* ---- handshake */

Test(noise, both_sides_learn_each_others_static_key)
{
    struct pair p;
    uint8_t public[32];
    pair_init(&p);
    pass(&p, 1);
    cr_expect_null(p2p_handshake_remote(&p.i));
    cr_expect_null(p2p_handshake_remote(&p.r));
    pass(&p, 1);
    p2p_noise_public(public, SECRET_R);
    cr_assert_arr_eq(p2p_handshake_remote(&p.i), public, 32);
    cr_expect_null(p2p_handshake_remote(&p.r));
    pass(&p, 1);
    p2p_noise_public(public, SECRET_I);
    cr_assert_arr_eq(p2p_handshake_remote(&p.r), public, 32);
}

Test(noise, ephemeral_keys_differ_between_handshakes)
{
    struct pair a, b;
    pair_init(&a);
    pair_init(&b);
    cr_assert_arr_neq(a.i.ephemeral_public, b.i.ephemeral_public, 32);
}

/* Goal: every bit of every message counts.  Message 1 is in the clear: a change of it is found at
 * message 2. */
Test(noise, any_flipped_bit_ends_the_handshake)
{
    for (unsigned good = 1; good < 3; good++) {
        size_t n = 1;
        for (size_t at = 0; at < n; at++) {
            struct pair p;
            uint8_t wire[ROOM], got[ROOM];
            size_t len;
            pair_init(&p);
            pass(&p, good);
            struct p2p_handshake *r = reader_of(&p);
            cr_assert_eq(p2p_handshake_write(writer_of(&p), wire, ROOM, &n, td_bytes_of("hi", 2)),
                         TD_OK);
            wire[at] ^= (uint8_t)(1u << at % 8u);
            cr_assert_eq(p2p_handshake_read(r, got, ROOM, &len, td_bytes_of(wire, n)),
                         TD_E_MALFORMED, "message %u byte %zu", good + 1u, at);
            cr_assert_eq(len, 0);
            cr_assert_null(p2p_handshake_remote(r));
            cr_assert_not(p2p_handshake_done(r) || p2p_handshake_writes(r));
        }
    }
}

Test(noise, changed_first_message_fails_at_the_second)
{
    struct pair p;
    uint8_t wire[ROOM], got[ROOM];
    size_t n, len;
    pair_init(&p);
    cr_assert_eq(p2p_handshake_write(&p.i, wire, ROOM, &n, td_bytes_of("hello", 5)), TD_OK);
    wire[n - 1u] ^= 1; /* the payload, in the clear */
    cr_assert_eq(p2p_handshake_read(&p.r, got, ROOM, &len, td_bytes_of(wire, n)), TD_OK);
    cr_assert_eq(p2p_handshake_write(&p.r, wire, ROOM, &n, td_bytes_of(NULL, 0)), TD_OK);
    cr_assert_eq(p2p_handshake_read(&p.i, got, ROOM, &len, td_bytes_of(wire, n)), TD_E_MALFORMED);
}

Test(noise, truncation_at_every_byte_is_refused)
{
    for (unsigned good = 0; good < 3; good++) {
        size_t n = 1;
        for (size_t cut = 0; cut < n; cut++) {
            struct pair p;
            uint8_t wire[ROOM], got[ROOM];
            size_t len;
            pair_init(&p);
            pass(&p, good);
            struct p2p_handshake *r = reader_of(&p);
            cr_assert_eq(p2p_handshake_write(writer_of(&p), wire, ROOM, &n, td_bytes_of(NULL, 0)),
                         TD_OK);
            enum td_error err = p2p_handshake_read(r, got, ROOM, &len, td_bytes_of(wire, cut));
            cr_assert_neq(err, TD_OK, "message %u cut to %zu", good + 1u, cut);
            cr_assert(r->dead);
        }
    }
}

Test(noise, another_prologue_fails_at_the_second_message)
{
    struct p2p_handshake i, r;
    uint8_t a[P2P_PROLOGUE_BYTES], b[P2P_PROLOGUE_BYTES], wire[ROOM], got[ROOM];
    struct td_hash genesis = {{7}}, other = {{8}};
    const struct {
        uint64_t chain_id;
        const struct td_hash *genesis;
    } cases[] = {{2, &genesis}, {1, &other}};
    p2p_prologue_encode(a, 1, &genesis);
    for (size_t k = 0; k < 2; k++) {
        size_t n, len;
        p2p_prologue_encode(b, cases[k].chain_id, cases[k].genesis);
        p2p_handshake_init(&i, P2P_NOISE_INITIATOR, SECRET_I, td_bytes_of(a, sizeof a));
        p2p_handshake_init(&r, P2P_NOISE_RESPONDER, SECRET_R, td_bytes_of(b, sizeof b));
        cr_assert_eq(p2p_handshake_write(&i, wire, ROOM, &n, td_bytes_of(NULL, 0)), TD_OK);
        cr_assert_eq(p2p_handshake_read(&r, got, ROOM, &len, td_bytes_of(wire, n)), TD_OK);
        cr_assert_eq(p2p_handshake_write(&r, wire, ROOM, &n, td_bytes_of(NULL, 0)), TD_OK);
        cr_assert_eq(p2p_handshake_read(&i, got, ROOM, &len, td_bytes_of(wire, n)), TD_E_MALFORMED);
    }
}

/* Points of order 1, 2, 4 and 8 in the encodings X25519 takes (RFC 7748, section 6.1 on the
 * all-zero check); the last three are p - 1, p and p + 1. */
static const char *const SMALL_ORDER[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

Test(noise, ephemeral_key_of_small_order_is_refused)
{
    for (size_t k = 0; k < sizeof SMALL_ORDER / sizeof SMALL_ORDER[0]; k++) {
        struct pair p;
        uint8_t wire[ROOM], got[ROOM];
        size_t n, len;
        pair_init(&p);
        cr_assert_eq(
            td_hex_decode_fixed(wire, 32, TD_HEX_BARE, SMALL_ORDER[k], strlen(SMALL_ORDER[k])),
            TD_OK);
        cr_assert_eq(p2p_handshake_read(&p.r, got, ROOM, &len, td_bytes_of(wire, 32)), TD_OK);
        cr_assert_eq(p2p_handshake_write(&p.r, wire, ROOM, &n, td_bytes_of(NULL, 0)),
                     TD_E_MALFORMED, "%s", SMALL_ORDER[k]);
        cr_assert(p.r.dead && n == 0);
    }
}

Test(noise, calls_out_of_turn_are_refused)
{
    struct pair p;
    uint8_t wire[ROOM], got[ROOM];
    size_t n, len;
    pair_init(&p);
    cr_expect_eq(p2p_handshake_write(&p.r, wire, ROOM, &n, td_bytes_of(NULL, 0)), TD_E_MALFORMED);
    cr_expect_eq(p2p_handshake_read(&p.i, got, ROOM, &len, td_bytes_of(wire, 96)), TD_E_MALFORMED);
    pass(&p, 3);
    cr_expect_eq(p2p_handshake_write(&p.i, wire, ROOM, &n, td_bytes_of(NULL, 0)), TD_E_MALFORMED);
    cr_expect_eq(p2p_handshake_read(&p.i, got, ROOM, &len, td_bytes_of(wire, 96)), TD_E_MALFORMED);
    cr_expect(p2p_handshake_done(&p.i) && p2p_handshake_done(&p.r));
}

Test(noise, short_room_changes_nothing)
{
    struct pair p;
    uint8_t wire[ROOM], got[ROOM];
    size_t n, len;
    pair_init(&p);
    cr_expect_eq(p2p_handshake_write(&p.i, wire, 36, &n, td_bytes_of("hello", 5)), TD_E_NOSPACE);
    cr_assert_eq(p2p_handshake_write(&p.i, wire, 37, &n, td_bytes_of("hello", 5)), TD_OK);
    cr_expect_eq(p2p_handshake_read(&p.r, got, 4, &len, td_bytes_of(wire, n)), TD_E_NOSPACE);
    cr_assert_eq(p2p_handshake_read(&p.r, got, 5, &len, td_bytes_of(wire, n)), TD_OK);
    pass(&p, 2);
}

Test(noise, message_above_the_limit_is_refused)
{
    static uint8_t big[P2P_NOISE_MESSAGE_MAX + 1u], out[2u * P2P_NOISE_MESSAGE_MAX];
    struct pair p;
    size_t n;
    pair_init(&p);
    cr_expect_eq(p2p_handshake_write(&p.i, out, sizeof out, &n,
                                     td_bytes_of(big, P2P_NOISE_MESSAGE_MAX - 31u)),
                 TD_E_NOSPACE);
    cr_expect_eq(p2p_handshake_read(&p.r, out, sizeof out, &n, td_bytes_of(big, sizeof big)),
                 TD_E_MALFORMED);
    cr_expect(p.r.dead);
}

Test(noise, split_leaves_no_secret_behind)
{
    struct pair p;
    struct p2p_handshake zero;
    struct p2p_cipher a, b;
    uint8_t hash[32];
    pair_init(&p);
    pass(&p, 3);
    p2p_handshake_split(&p.i, &a, &b, hash);
    memset(&zero, 0, sizeof zero);
    cr_assert_arr_eq(&p.i, &zero, sizeof zero);
    cr_assert_arr_neq(a.key, b.key, 32);
}

/* ---- transport */

Test(noise, replayed_reordered_and_reflected_messages_are_refused)
{
    struct p2p_cipher c[4];
    uint8_t first[20], second[20], out[20];
    connect_pair(c);
    p2p_cipher_seal(&c[0], first, (const uint8_t *)"1111", 4);
    p2p_cipher_seal(&c[0], second, (const uint8_t *)"2222", 4);
    cr_expect_eq(p2p_cipher_open(&c[3], out, second, 20), TD_E_MALFORMED); /* not yet its turn */
    cr_expect_eq(p2p_cipher_open(&c[1], out, first, 20), TD_E_MALFORMED);  /* back to the sender */
    cr_assert_eq(p2p_cipher_open(&c[3], out, first, 20), TD_OK);
    cr_expect_eq(p2p_cipher_open(&c[3], out, first, 20), TD_E_MALFORMED);
    cr_assert_eq(p2p_cipher_open(&c[3], out, second, 20), TD_OK);
    cr_expect_arr_eq(out, "2222", 4);
}

Test(noise, both_directions_carry_under_keys_of_their_own)
{
    struct p2p_cipher c[4];
    uint8_t there[20], back[20], out[20];
    connect_pair(c);
    p2p_cipher_seal(&c[0], there, (const uint8_t *)"text", 4);
    p2p_cipher_seal(&c[2], back, (const uint8_t *)"text", 4);
    cr_expect_arr_neq(there, back, 20);
    cr_expect_eq(p2p_cipher_open(&c[3], out, there, 20), TD_OK);
    cr_expect_eq(p2p_cipher_open(&c[1], out, back, 20), TD_OK);
}

/* Section 4.2: ENCRYPT(k, 2^64 - 1, zerolen, zeros) is the ChaCha20 keystream from block 1 on. */
Test(noise, next_key_is_the_keystream_of_the_last_nonce)
{
    static const uint8_t nonce[12] = {0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t key[32] = {9}, want[32] = {0}, wire[20];
    struct p2p_cipher c = {.key = {9}, .keyed = true, .nonce = P2P_NOISE_REKEY_MESSAGES - 1u};
    cr_assert_eq(crypto_stream_chacha20_ietf_xor_ic(want, want, sizeof want, nonce, 1, key), 0);
    p2p_cipher_seal(&c, wire, (const uint8_t *)"text", 4);
    cr_expect_arr_eq(c.key, want, 32);
    cr_expect_eq(c.nonce, 0);
}

Test(noise, message_shorter_than_a_tag_is_refused)
{
    struct p2p_cipher c[4];
    uint8_t wire[32] = {0};
    connect_pair(c);
    for (size_t len = 0; len < 17; len++)
        cr_expect_eq(p2p_cipher_open(&c[3], wire, wire, len), TD_E_MALFORMED);
}

/* Goal: the key changes exactly after P2P_NOISE_REKEY_MESSAGES, on both sides, and the old key
 * opens nothing afterwards. */
Test(noise, key_is_replaced_after_its_last_message)
{
    struct p2p_cipher c[4];
    uint8_t wire[20], old_key[32], out[20];
    connect_pair(c);
    memcpy(old_key, c[0].key, 32);
    for (uint64_t i = 0; i < P2P_NOISE_REKEY_MESSAGES; i++) {
        cr_assert_arr_eq(c[0].key, old_key, 32, "after %llu", (unsigned long long)i);
        p2p_cipher_seal(&c[0], wire, (const uint8_t *)"text", 4);
        cr_assert_eq(p2p_cipher_open(&c[3], out, wire, 20), TD_OK);
    }
    cr_assert_arr_neq(c[0].key, old_key, 32);
    cr_assert_arr_eq(c[0].key, c[3].key, 32);
    cr_assert_eq(c[0].nonce, 0);
    p2p_cipher_seal(&c[0], wire, (const uint8_t *)"text", 4);
    struct p2p_cipher stale = c[3];
    memcpy(stale.key, old_key, 32);
    cr_assert_eq(p2p_cipher_open(&stale, out, wire, 20), TD_E_MALFORMED);
    cr_assert_eq(p2p_cipher_open(&c[3], out, wire, 20), TD_OK);
}
