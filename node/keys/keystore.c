#include "node/keys/keystore.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "base/host/secret.h"

#define DERIVED_BYTES 32u
#define SALT_BYTES 32u
#define SALT_BYTES_MAX 64u
#define IV_BYTES 16u

/* One opened file, before the password is tried. */
struct store {
    bool scrypt;
    uint64_t n, r, p; /* scrypt; PBKDF2: n = rounds */
    uint8_t salt[SALT_BYTES_MAX];
    size_t salt_len;
    uint8_t iv[IV_BYTES];
    uint8_t ciphertext[NODE_SECRET_BYTES];
    uint8_t mac[32];
};

__attribute__((format(printf, 3, 4))) static enum td_error
fail(struct node_keystore_error *error, enum td_error err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return err;
}

/* ---- key derivation, cipher and mac */

static bool derive(uint8_t out[DERIVED_BYTES], const struct store *s, struct td_bytes password)
{
    const void *pass = password.ptr == NULL ? (const void *)"" : password.ptr;
    if (s->scrypt)
        return td_secret_scrypt(out, DERIVED_BYTES, pass, password.len, s->salt, s->salt_len, s->n,
                                (uint32_t)s->r, (uint32_t)s->p);
    return PKCS5_PBKDF2_HMAC(pass, (int)password.len, s->salt, (int)s->salt_len, (int)s->n,
                             EVP_sha256(), DERIVED_BYTES, out) == 1;
}

/* AES-128-CTR is its own inverse. */
static bool apply_cipher(uint8_t out[NODE_SECRET_BYTES], const uint8_t in[NODE_SECRET_BYTES],
                         const uint8_t key[16], const uint8_t iv[IV_BYTES])
{
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
                EVP_EncryptUpdate(ctx, out, &len, in, (int)NODE_SECRET_BYTES) == 1 &&
                len == (int)NODE_SECRET_BYTES;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

static void compute_mac(uint8_t out[32], const uint8_t derived[DERIVED_BYTES],
                        const uint8_t ciphertext[NODE_SECRET_BYTES])
{
    uint8_t both[16u + NODE_SECRET_BYTES];
    struct td_hash mac;
    memcpy(both, derived + 16, 16);
    memcpy(both + 16, ciphertext, NODE_SECRET_BYTES);
    td_keccak256(&mac, both, sizeof both);
    memcpy(out, mac.b, 32);
    td_secret_wipe(both, sizeof both);
}

static enum td_error unlock(uint8_t secret[NODE_SECRET_BYTES], struct node_keystore_error *error,
                            const struct store *s, struct td_bytes password)
{
    uint8_t derived[DERIVED_BYTES], mac[32];
    enum td_error err = TD_OK;
    if (!derive(derived, s, password)) {
        err = fail(error, TD_E_NOMEM, "no memory for the key derivation (%llu MiB)",
                   s->scrypt ? (unsigned long long)(128u * s->n * s->r >> 20) : 0u);
        goto out;
    }
    compute_mac(mac, derived, s->ciphertext);
    if (!td_secret_eq(mac, s->mac, sizeof mac)) {
        err = fail(error, TD_E_SIGNATURE, "wrong password, or the file is damaged");
        goto out;
    }
    if (!apply_cipher(secret, s->ciphertext, derived, s->iv))
        err = fail(error, TD_E_NOMEM, "no memory for the cipher");
out:
    td_secret_wipe(derived, sizeof derived);
    if (err != TD_OK)
        td_secret_wipe(secret, NODE_SECRET_BYTES);
    return err;
}

/* ---- reading */

/* Hex of `min` .. `max` bytes; geth writes it bare, some wallets with 0x. */
static bool hex_of(uint8_t *out, size_t *len, size_t min, size_t max, const json_t *object,
                   const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t got = 0;
    if (text == NULL || td_hex_decode(out, max, &got, TD_HEX_EITHER, text, strlen(text)) != TD_OK ||
        got < min)
        return false;
    if (len != NULL)
        *len = got;
    return true;
}

static bool number_of(uint64_t *out, const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    if (!json_is_integer(v) || json_integer_value(v) < 1)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool text_is(const json_t *object, const char *name, const char *want)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strcmp(text, want) == 0;
}

/* Bounds first: every product below stays far from 2^64. */
static enum td_error read_scrypt(struct store *s, const json_t *params,
                                 struct node_keystore_error *error)
{
    s->scrypt = true;
    if (!number_of(&s->n, params, "n") || !number_of(&s->r, params, "r") ||
        !number_of(&s->p, params, "p") || s->n < 2 || (s->n & (s->n - 1u)) != 0)
        return fail(error, TD_E_MALFORMED, "crypto.kdfparams: n, r, p are not scrypt's");
    if (s->n > UINT32_MAX || s->r > UINT16_MAX || s->p > UINT16_MAX ||
        128u * s->n * s->r > NODE_SCRYPT_BYTES_MAX || s->n * s->r * s->p > NODE_KDF_WORK_MAX)
        return fail(error, TD_E_LIMIT, "crypto.kdfparams: more than 512 MiB or 2^26 units of work");
    return TD_OK;
}

static enum td_error read_pbkdf2(struct store *s, const json_t *params,
                                 struct node_keystore_error *error)
{
    if (!text_is(params, "prf", "hmac-sha256"))
        return fail(error, TD_E_UNSUPPORTED, "crypto.kdfparams.prf: only hmac-sha256");
    if (!number_of(&s->n, params, "c"))
        return fail(error, TD_E_MALFORMED, "crypto.kdfparams.c: expected a number of rounds");
    if (s->n > NODE_KDF_WORK_MAX)
        return fail(error, TD_E_LIMIT, "crypto.kdfparams.c: more than 2^26 rounds");
    return TD_OK;
}

static enum td_error read_kdf(struct store *s, const json_t *crypto,
                              struct node_keystore_error *error)
{
    const json_t *params = json_object_get(crypto, "kdfparams");
    enum td_error err;
    uint64_t derived = 0;
    if (text_is(crypto, "kdf", "scrypt"))
        err = read_scrypt(s, params, error);
    else if (text_is(crypto, "kdf", "pbkdf2"))
        err = read_pbkdf2(s, params, error);
    else
        return fail(error, TD_E_UNSUPPORTED, "crypto.kdf: only scrypt and pbkdf2");
    if (err != TD_OK)
        return err;
    if (!number_of(&derived, params, "dklen") || derived != DERIVED_BYTES)
        return fail(error, TD_E_UNSUPPORTED, "crypto.kdfparams.dklen: only 32");
    if (!hex_of(s->salt, &s->salt_len, 1, sizeof s->salt, params, "salt"))
        return fail(error, TD_E_MALFORMED, "crypto.kdfparams.salt: expected 1 to 64 bytes of hex");
    return TD_OK;
}

static enum td_error read_store(struct store *s, struct td_addr *addr, const json_t *root,
                                struct node_keystore_error *error)
{
    const json_t *crypto = json_object_get(root, "crypto");
    uint64_t version = 0;
    if (crypto == NULL)
        crypto = json_object_get(root, "Crypto"); /* early wallets' spelling */
    if (!number_of(&version, root, "version") || version != 3)
        return fail(error, TD_E_UNSUPPORTED, "version: only 3");
    if (!json_is_object(crypto))
        return fail(error, TD_E_MALFORMED, "crypto: missing");
    if (!text_is(crypto, "cipher", "aes-128-ctr"))
        return fail(error, TD_E_UNSUPPORTED, "crypto.cipher: only aes-128-ctr");
    if (!hex_of(s->iv, NULL, IV_BYTES, IV_BYTES, json_object_get(crypto, "cipherparams"), "iv"))
        return fail(error, TD_E_MALFORMED, "crypto.cipherparams.iv: expected 16 bytes of hex");
    if (!hex_of(s->ciphertext, NULL, NODE_SECRET_BYTES, NODE_SECRET_BYTES, crypto, "ciphertext"))
        return fail(error, TD_E_MALFORMED, "crypto.ciphertext: expected 32 bytes of hex");
    if (!hex_of(s->mac, NULL, sizeof s->mac, sizeof s->mac, crypto, "mac"))
        return fail(error, TD_E_MALFORMED, "crypto.mac: expected 32 bytes of hex");
    if (json_object_get(root, "address") != NULL &&
        !hex_of(addr->b, NULL, TD_ADDR_BYTES, TD_ADDR_BYTES, root, "address"))
        return fail(error, TD_E_MALFORMED, "address: expected 20 bytes of hex");
    return read_kdf(s, crypto, error);
}

enum td_error node_keystore_decode(uint8_t secret[NODE_SECRET_BYTES], struct td_addr *addr,
                                   struct node_keystore_error *error, struct td_bytes json,
                                   struct td_bytes password)
{
    struct store s = {0};
    json_error_t where;
    memset(secret, 0, NODE_SECRET_BYTES);
    memset(addr, 0, sizeof *addr);
    error->text[0] = '\0';
    if (json.len > NODE_KEYSTORE_BYTES_MAX || password.len > NODE_PASSWORD_BYTES_MAX)
        return fail(error, TD_E_LIMIT, "a key file has at most 4096 bytes, a password 1024");
    json_t *root = json_loadb(json.ptr == NULL ? "" : (const char *)json.ptr, json.len,
                              JSON_REJECT_DUPLICATES, &where);
    if (root == NULL)
        return fail(error, TD_E_MALFORMED, "%d:%d: %.100s", where.line, where.column, where.text);
    enum td_error err = read_store(&s, addr, root, error);
    json_decref(root);
    if (err == TD_OK)
        err = unlock(secret, error, &s, password);
    return err;
}

/* ---- writing */

/* RFC 4122, version 4. */
static void print_id(char out[37])
{
    uint8_t id[16];
    char hex[33];
    td_secret_random(id, sizeof id);
    id[6] = (uint8_t)((id[6] & 0x0Fu) | 0x40u);
    id[8] = (uint8_t)((id[8] & 0x3Fu) | 0x80u);
    TD_ASSERT(td_hex_encode(hex, sizeof hex, TD_HEX_BARE, id, sizeof id) == TD_OK);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static size_t print_store(char out[NODE_KEYSTORE_BYTES_MAX], const struct store *s,
                          const struct td_addr *addr)
{
    char address[41], text[65], iv[33], salt[65], mac[65], id[37];
    TD_ASSERT(td_hex_encode(address, sizeof address, TD_HEX_BARE, addr->b, TD_ADDR_BYTES) == TD_OK);
    TD_ASSERT(td_hex_encode(text, sizeof text, TD_HEX_BARE, s->ciphertext, 32) == TD_OK);
    TD_ASSERT(td_hex_encode(iv, sizeof iv, TD_HEX_BARE, s->iv, IV_BYTES) == TD_OK);
    TD_ASSERT(td_hex_encode(salt, sizeof salt, TD_HEX_BARE, s->salt, SALT_BYTES) == TD_OK);
    TD_ASSERT(td_hex_encode(mac, sizeof mac, TD_HEX_BARE, s->mac, 32) == TD_OK);
    print_id(id);
    int len =
        snprintf(out, NODE_KEYSTORE_BYTES_MAX,
                 "{\"address\":\"%s\",\"crypto\":{\"cipher\":\"aes-128-ctr\",\"ciphertext\":\"%s\","
                 "\"cipherparams\":{\"iv\":\"%s\"},\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":32,"
                 "\"n\":%llu,\"p\":%llu,\"r\":%llu,\"salt\":\"%s\"},\"mac\":\"%s\"},"
                 "\"id\":\"%s\",\"version\":3}\n",
                 address, text, iv, (unsigned long long)s->n, (unsigned long long)s->p,
                 (unsigned long long)s->r, salt, mac, id);
    TD_ASSERT(len > 0 && (size_t)len < NODE_KEYSTORE_BYTES_MAX);
    return (size_t)len;
}

enum td_error node_keystore_encode(char out[NODE_KEYSTORE_BYTES_MAX], size_t *len,
                                   const uint8_t secret[NODE_SECRET_BYTES],
                                   const struct td_addr *addr, struct td_bytes password,
                                   uint32_t log_n)
{
    TD_ASSERT(log_n >= 1 && log_n <= 20 && password.len <= NODE_PASSWORD_BYTES_MAX);
    struct store s = {
        .scrypt = true, .n = (uint64_t)1 << log_n, .r = 8, .p = 1, .salt_len = SALT_BYTES};
    uint8_t derived[DERIVED_BYTES];
    *len = 0;
    td_secret_random(s.salt, SALT_BYTES);
    td_secret_random(s.iv, IV_BYTES);
    bool good = derive(derived, &s, password) && apply_cipher(s.ciphertext, secret, derived, s.iv);
    if (good) {
        compute_mac(s.mac, derived, s.ciphertext);
        *len = print_store(out, &s, addr);
    }
    td_secret_wipe(derived, sizeof derived);
    return good ? TD_OK : TD_E_NOMEM;
}
