#include "p2p/noise.h"

#include <sodium.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/codec.h"

#define HASH_BYTES 32u
#define DH_BYTES 32u

static const char PROTOCOL[] = "Noise_XX_25519_ChaChaPoly_SHA256"; /* 32 characters: used as is */
_Static_assert(sizeof PROTOCOL - 1u == HASH_BYTES, "section 5.2: a longer name would be hashed");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == P2P_NOISE_TAG_BYTES, "Poly1305's tag");
_Static_assert(crypto_hash_sha256_BYTES == HASH_BYTES, "SHA-256");

void p2p_prologue_encode(uint8_t out[P2P_PROLOGUE_BYTES], uint64_t chain_id,
                         const struct td_hash *genesis_hash)
{
    struct td_writer w;
    td_writer_init(&w, out, P2P_PROLOGUE_BYTES);
    td_put_bytes(&w, "TandemP2P", 9);
    td_put_u32(&w, P2P_VERSION);
    td_put_u64(&w, chain_id);
    td_put_hash(&w, genesis_hash);
    TD_ASSERT(w.err == TD_OK && w.len == P2P_PROLOGUE_BYTES);
}

void p2p_noise_public(uint8_t out[P2P_NOISE_KEY_BYTES], const uint8_t secret[P2P_NOISE_KEY_BYTES])
{
    /* Clamping makes every secret valid; the base point has large order. */
    TD_ASSERT(crypto_scalarmult_base(out, secret) == 0);
}

/* ---- CipherState (section 5.1) */

/* Section 12.3: 32 zero bits, then the nonce little-endian. */
static void nonce_bytes(uint8_t out[12], uint64_t nonce)
{
    memset(out, 0, 4);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(nonce >> (8u * i));
}

static void cipher_key(struct p2p_cipher *c, const uint8_t key[P2P_NOISE_KEY_BYTES])
{
    memcpy(c->key, key, P2P_NOISE_KEY_BYTES);
    c->nonce = 0;
    c->keyed = true;
}

static void encrypt(struct p2p_cipher *c, uint8_t *out, const uint8_t *plain, size_t len,
                    const uint8_t *ad, size_t ad_len)
{
    uint8_t nonce[12];
    TD_ASSERT(c->keyed && c->nonce != UINT64_MAX);
    nonce_bytes(nonce, c->nonce++);
    TD_ASSERT(crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, ad, ad_len, NULL,
                                                        nonce, c->key) == 0);
}

static bool decrypt(struct p2p_cipher *c, uint8_t *out, const uint8_t *sealed, size_t len,
                    const uint8_t *ad, size_t ad_len)
{
    uint8_t nonce[12];
    TD_ASSERT(c->keyed && c->nonce != UINT64_MAX);
    nonce_bytes(nonce, c->nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, ad, ad_len, nonce,
                                                  c->key) != 0)
        return false;
    c->nonce++;
    return true;
}

/* REKEY (section 4.2): the first 32 bytes of 32 zeros encrypted under the nonce no message has.
 * The nonce goes back to 0, which section 11.3 permits and which keeps both counts short. */
static void rekey(struct p2p_cipher *c)
{
    static const uint8_t zeros[P2P_NOISE_KEY_BYTES];
    uint8_t nonce[12], sealed[P2P_NOISE_KEY_BYTES + P2P_NOISE_TAG_BYTES];
    nonce_bytes(nonce, UINT64_MAX);
    TD_ASSERT(crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, zeros, sizeof zeros, NULL, 0,
                                                        NULL, nonce, c->key) == 0);
    cipher_key(c, sealed);
    sodium_memzero(sealed, sizeof sealed);
}

void p2p_cipher_seal(struct p2p_cipher *c, uint8_t *out, const uint8_t *plain, size_t len)
{
    TD_ASSERT(len <= P2P_NOISE_MESSAGE_MAX - P2P_NOISE_TAG_BYTES);
    encrypt(c, out, plain, len, NULL, 0);
    if (c->nonce == P2P_NOISE_REKEY_MESSAGES)
        rekey(c);
}

enum td_error p2p_cipher_open(struct p2p_cipher *c, uint8_t *out, const uint8_t *sealed, size_t len)
{
    if (len < P2P_NOISE_TAG_BYTES || len > P2P_NOISE_MESSAGE_MAX ||
        !decrypt(c, out, sealed, len, NULL, 0))
        return TD_E_MALFORMED;
    if (c->nonce == P2P_NOISE_REKEY_MESSAGES)
        rekey(c);
    return TD_OK;
}

void p2p_cipher_wipe(struct p2p_cipher *c)
{
    sodium_memzero(c, sizeof *c);
}

/* ---- SymmetricState (section 5.2) */

static void mix_hash(struct p2p_handshake *h, const void *data, size_t len)
{
    crypto_hash_sha256_state s;
    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, h->hash, HASH_BYTES);
    crypto_hash_sha256_update(&s, data, len);
    crypto_hash_sha256_final(&s, h->hash);
}

static void hmac(uint8_t out[HASH_BYTES], const uint8_t key[HASH_BYTES], const void *data,
                 size_t len)
{
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, key, HASH_BYTES);
    crypto_auth_hmacsha256_update(&s, data, len);
    crypto_auth_hmacsha256_final(&s, out);
    sodium_memzero(&s, sizeof s);
}

/* HKDF with two outputs (section 4.3); `first` may be the chaining key. */
static void hkdf(uint8_t first[HASH_BYTES], uint8_t second[HASH_BYTES],
                 const uint8_t chaining_key[HASH_BYTES], const void *input, size_t input_len)
{
    uint8_t temp[HASH_BYTES], block[HASH_BYTES + 1u];
    const uint8_t one = 1;
    hmac(temp, chaining_key, input, input_len);
    hmac(block, temp, &one, 1);
    block[HASH_BYTES] = 2;
    hmac(second, temp, block, sizeof block);
    memcpy(first, block, HASH_BYTES);
    sodium_memzero(temp, sizeof temp);
    sodium_memzero(block, sizeof block);
}

/* MixKey(DH(secret, public)).  False when the shared secret is zero. */
static bool mix_dh(struct p2p_handshake *h, const uint8_t secret[DH_BYTES],
                   const uint8_t public[DH_BYTES])
{
    uint8_t shared[DH_BYTES], key[HASH_BYTES];
    bool good = crypto_scalarmult(shared, secret, public) == 0;
    if (good) {
        hkdf(h->chaining_key, key, h->chaining_key, shared, DH_BYTES);
        cipher_key(&h->cipher, key);
    }
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(key, sizeof key);
    return good;
}

static size_t tag_bytes(const struct p2p_handshake *h)
{
    return h->cipher.keyed ? P2P_NOISE_TAG_BYTES : 0;
}

/* EncryptAndHash: writes len + tag_bytes at *out and moves it. */
static void seal_part(struct p2p_handshake *h, uint8_t **out, const uint8_t *plain, size_t len)
{
    size_t written = len + tag_bytes(h);
    if (h->cipher.keyed)
        encrypt(&h->cipher, *out, plain, len, h->hash, HASH_BYTES);
    else if (len > 0)
        memcpy(*out, plain, len);
    mix_hash(h, *out, written);
    *out += written;
}

/* DecryptAndHash of sealed[len], tag included. */
static bool open_part(struct p2p_handshake *h, uint8_t *out, const uint8_t *sealed, size_t len)
{
    if (len < tag_bytes(h))
        return false;
    if (!h->cipher.keyed) {
        if (len > 0)
            memcpy(out, sealed, len);
    } else if (!decrypt(&h->cipher, out, sealed, len, h->hash, HASH_BYTES)) {
        return false;
    }
    mix_hash(h, sealed, len);
    return true;
}

/* ---- HandshakeState, pattern XX (sections 5.3 and 7.5) */

void p2p_handshake_init_fixed(struct p2p_handshake *h, enum p2p_noise_role role,
                              const uint8_t static_secret[P2P_NOISE_KEY_BYTES],
                              const uint8_t ephemeral_secret[P2P_NOISE_KEY_BYTES],
                              struct td_bytes prologue)
{
    memset(h, 0, sizeof *h);
    h->role = role;
    memcpy(h->hash, PROTOCOL, HASH_BYTES);
    memcpy(h->chaining_key, PROTOCOL, HASH_BYTES);
    memcpy(h->static_secret, static_secret, P2P_NOISE_KEY_BYTES);
    memcpy(h->ephemeral_secret, ephemeral_secret, P2P_NOISE_KEY_BYTES);
    p2p_noise_public(h->static_public, static_secret);
    p2p_noise_public(h->ephemeral_public, ephemeral_secret);
    mix_hash(h, prologue.ptr, prologue.len);
}

void p2p_handshake_init(struct p2p_handshake *h, enum p2p_noise_role role,
                        const uint8_t static_secret[P2P_NOISE_KEY_BYTES], struct td_bytes prologue)
{
    uint8_t ephemeral[P2P_NOISE_KEY_BYTES];
    randombytes_buf(ephemeral, sizeof ephemeral);
    p2p_handshake_init_fixed(h, role, static_secret, ephemeral, prologue);
    sodium_memzero(ephemeral, sizeof ephemeral);
}

bool p2p_handshake_writes(const struct p2p_handshake *h)
{
    bool initiators = h->done % 2u == 0;
    return !h->dead && h->done < 3 && initiators == (h->role == P2P_NOISE_INITIATOR);
}

bool p2p_handshake_done(const struct p2p_handshake *h)
{
    return !h->dead && h->done == 3;
}

const uint8_t *p2p_handshake_remote(const struct p2p_handshake *h)
{
    uint32_t known_from = h->role == P2P_NOISE_INITIATOR ? 2 : 3;
    return !h->dead && h->done >= known_from ? h->remote_static : NULL;
}

static size_t overhead(const struct p2p_handshake *h)
{
    static const size_t bytes[3] = {P2P_NOISE_OVERHEAD_1, P2P_NOISE_OVERHEAD_2,
                                    P2P_NOISE_OVERHEAD_3};
    return bytes[h->done];
}

static enum td_error kill(struct p2p_handshake *h, enum td_error err)
{
    p2p_handshake_wipe(h);
    h->dead = true;
    return err;
}

/* The tokens of message h->done + 1 as its writer. */
static bool write_tokens(struct p2p_handshake *h, uint8_t **out)
{
    if (h->done < 2) { /* e */
        memcpy(*out, h->ephemeral_public, P2P_NOISE_KEY_BYTES);
        mix_hash(h, h->ephemeral_public, P2P_NOISE_KEY_BYTES);
        *out += P2P_NOISE_KEY_BYTES;
    }
    if (h->done == 0)
        return true;
    if (h->done == 1 && !mix_dh(h, h->ephemeral_secret, h->remote_ephemeral)) /* ee */
        return false;
    seal_part(h, out, h->static_public, P2P_NOISE_KEY_BYTES); /* s */
    return mix_dh(h, h->static_secret, h->remote_ephemeral);  /* es, se: the writer's static key */
}

static bool read_tokens(struct p2p_handshake *h, const uint8_t **in)
{
    if (h->done < 2) { /* e */
        memcpy(h->remote_ephemeral, *in, P2P_NOISE_KEY_BYTES);
        mix_hash(h, *in, P2P_NOISE_KEY_BYTES);
        *in += P2P_NOISE_KEY_BYTES;
    }
    if (h->done == 0)
        return true;
    if (h->done == 1 && !mix_dh(h, h->ephemeral_secret, h->remote_ephemeral)) /* ee */
        return false;
    if (!open_part(h, h->remote_static, *in, P2P_NOISE_KEY_BYTES + P2P_NOISE_TAG_BYTES)) /* s */
        return false;
    *in += P2P_NOISE_KEY_BYTES + P2P_NOISE_TAG_BYTES;
    return mix_dh(h, h->ephemeral_secret, h->remote_static); /* es, se: the writer's static key */
}

enum td_error p2p_handshake_write(struct p2p_handshake *h, uint8_t *out, size_t out_max,
                                  size_t *out_len, struct td_bytes payload)
{
    *out_len = 0;
    if (!p2p_handshake_writes(h))
        return TD_E_MALFORMED;
    size_t room = out_max < P2P_NOISE_MESSAGE_MAX ? out_max : P2P_NOISE_MESSAGE_MAX;
    if (room < overhead(h) || payload.len > room - overhead(h))
        return TD_E_NOSPACE;
    uint8_t *at = out;
    if (!write_tokens(h, &at))
        return kill(h, TD_E_MALFORMED);
    seal_part(h, &at, payload.ptr, payload.len);
    h->done++;
    *out_len = (size_t)(at - out);
    return TD_OK;
}

enum td_error p2p_handshake_read(struct p2p_handshake *h, uint8_t *payload, size_t payload_max,
                                 size_t *payload_len, struct td_bytes message)
{
    *payload_len = 0;
    if (h->dead || h->done >= 3 || p2p_handshake_writes(h))
        return TD_E_MALFORMED;
    if (message.len > P2P_NOISE_MESSAGE_MAX)
        return kill(h, TD_E_MALFORMED);
    if (message.len < overhead(h))
        return kill(h, TD_E_TRUNCATED);
    if (message.len - overhead(h) > payload_max)
        return TD_E_NOSPACE;
    const uint8_t *at = message.ptr;
    if (!read_tokens(h, &at))
        return kill(h, TD_E_MALFORMED);
    size_t left = message.len - (size_t)(at - message.ptr);
    size_t plain = left - tag_bytes(h);
    if (!open_part(h, payload, at, left)) {
        if (plain > 0)
            memset(payload, 0, plain);
        return kill(h, TD_E_MALFORMED);
    }
    h->done++;
    *payload_len = plain;
    return TD_OK;
}

void p2p_handshake_split(struct p2p_handshake *h, struct p2p_cipher *send,
                         struct p2p_cipher *receive, uint8_t hash[32])
{
    uint8_t first[HASH_BYTES], second[HASH_BYTES];
    TD_ASSERT(p2p_handshake_done(h));
    hkdf(first, second, h->chaining_key, NULL, 0);
    bool initiator = h->role == P2P_NOISE_INITIATOR;
    cipher_key(send, initiator ? first : second);
    cipher_key(receive, initiator ? second : first);
    memcpy(hash, h->hash, HASH_BYTES);
    sodium_memzero(first, sizeof first);
    sodium_memzero(second, sizeof second);
    p2p_handshake_wipe(h);
}

void p2p_handshake_wipe(struct p2p_handshake *h)
{
    sodium_memzero(h, sizeof *h);
}
