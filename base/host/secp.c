#include "base/host/secp.h"

#include <stdlib.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/host/pool.h"

_Static_assert(sizeof(secp256k1_pubkey) == sizeof(struct td_secp_pub), "opaque key size");

struct td_secp {
    secp256k1_context *lib;
};

/* n / 2 rounded down: the largest s that is low. */
static const uint8_t HALF_ORDER[32] = {
    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0,
};

/* p - n, field prime less group order: an r below it is the remainder of two x coordinates. */
static const uint8_t FIELD_LESS_ORDER[32] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
    0x45, 0x51, 0x23, 0x19, 0x50, 0xB7, 0x5F, 0xC4, 0x40, 0x2D, 0xA1, 0x72, 0x2F, 0xC9, 0xBA, 0xEE,
};

struct td_secp *td_secp_new(void)
{
    if (sodium_init() < 0)
        return NULL;
    struct td_secp *ctx = malloc(sizeof *ctx);
    if (ctx == NULL)
        return NULL;
    ctx->lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    if (ctx->lib == NULL)
        goto fail;

    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    int randomised = secp256k1_context_randomize(ctx->lib, seed);
    sodium_memzero(seed, sizeof seed);
    if (randomised != 1)
        goto fail;
    return ctx;
fail:
    td_secp_free(ctx);
    return NULL;
}

void td_secp_free(struct td_secp *ctx)
{
    if (ctx == NULL)
        return;
    if (ctx->lib != NULL)
        secp256k1_context_destroy(ctx->lib);
    free(ctx);
}

/* ---- keys */

enum td_error td_secp_key_init(const struct td_secp *ctx, struct td_secp_key *key,
                               const uint8_t secret[32])
{
    memcpy(key->secret, secret, sizeof key->secret);
    if (secp256k1_ec_seckey_verify(ctx->lib, key->secret) == 1)
        return TD_OK;
    td_secp_key_reset(key);
    return TD_E_RANGE;
}

void td_secp_key_new(const struct td_secp *ctx, struct td_secp_key *key)
{
    do { /* a second turn has probability 2^-128 */
        randombytes_buf(key->secret, sizeof key->secret);
    } while (secp256k1_ec_seckey_verify(ctx->lib, key->secret) != 1);
}

void td_secp_key_reset(struct td_secp_key *key)
{
    sodium_memzero(key, sizeof *key);
}

static void pub_put(struct td_secp_pub *out, const secp256k1_pubkey *pub)
{
    memcpy(out->opaque, pub->data, sizeof out->opaque);
}

static secp256k1_pubkey pub_get(const struct td_secp_pub *pub)
{
    secp256k1_pubkey out;
    memcpy(out.data, pub->opaque, sizeof out.data);
    return out;
}

void td_secp_key_pub(const struct td_secp *ctx, struct td_secp_pub *out,
                     const struct td_secp_key *key)
{
    secp256k1_pubkey pub;
    TD_ASSERT(secp256k1_ec_pubkey_create(ctx->lib, &pub, key->secret) == 1);
    pub_put(out, &pub);
}

enum td_error td_secp_pub_decode(const struct td_secp *ctx, struct td_secp_pub *out,
                                 const struct td_pubkey *in)
{
    secp256k1_pubkey pub;
    *out = (struct td_secp_pub){{0}};
    if (secp256k1_ec_pubkey_parse(ctx->lib, &pub, in->b, TD_PUBKEY_BYTES) != 1)
        return TD_E_MALFORMED;
    pub_put(out, &pub);
    return TD_OK;
}

void td_secp_pub_encode(const struct td_secp *ctx, struct td_pubkey *out,
                        const struct td_secp_pub *pub)
{
    secp256k1_pubkey p = pub_get(pub);
    size_t len = TD_PUBKEY_BYTES;
    (void)secp256k1_ec_pubkey_serialize(ctx->lib, out->b, &len, &p, SECP256K1_EC_COMPRESSED);
    TD_ASSERT(len == TD_PUBKEY_BYTES);
}

void td_secp_pub_addr(const struct td_secp *ctx, struct td_addr *out, const struct td_secp_pub *pub)
{
    uint8_t point[65]; /* 0x04, x, y; the address hashes x and y only */
    size_t len = sizeof point;
    secp256k1_pubkey p = pub_get(pub);
    struct td_hash h;
    (void)secp256k1_ec_pubkey_serialize(ctx->lib, point, &len, &p, SECP256K1_EC_UNCOMPRESSED);
    TD_ASSERT(len == sizeof point);
    td_keccak256(&h, point + 1, sizeof point - 1);
    memcpy(out->b, h.b + TD_HASH_BYTES - TD_ADDR_BYTES, TD_ADDR_BYTES);
}

bool td_secp_pub_eq(const struct td_secp *ctx, const struct td_secp_pub *a,
                    const struct td_secp_pub *b)
{
    secp256k1_pubkey pa = pub_get(a);
    secp256k1_pubkey pb = pub_get(b);
    return secp256k1_ec_pubkey_cmp(ctx->lib, &pa, &pb) == 0;
}

/* ---- signatures */

enum td_error td_secp_sign(const struct td_secp *ctx, const struct td_secp_key *key,
                           const struct td_hash *digest, struct td_sig *sig)
{
    secp256k1_ecdsa_recoverable_signature raw;
    int parity = 0;
    enum td_error err = TD_OK;

    *sig = (struct td_sig){{0}};
    if (secp256k1_ecdsa_sign_recoverable(ctx->lib, &raw, digest->b, key->secret,
                                         secp256k1_nonce_function_rfc6979, NULL) != 1)
        return TD_E_RANGE;
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx->lib, sig->b, &parity, &raw);
    if (parity > 1) { /* x of the nonce point was >= n */
        *sig = (struct td_sig){{0}};
        err = TD_E_UNSUPPORTED;
    } else {
        sig->b[32] = (uint8_t)(sig->b[32] | parity << 7); /* s <= n/2 leaves the bit free */
    }
    return err;
}

/* (r, s) without the parity bit; false when s is high. */
static bool compact_get(uint8_t out[TD_SIG_BYTES], const struct td_sig *sig)
{
    memcpy(out, sig->b, TD_SIG_BYTES);
    out[32] &= 0x7F;
    return memcmp(out + 32, HALF_ORDER, sizeof HALF_ORDER) <= 0;
}

/* The one key that this signature belongs to, as ecrecover would find it. */
static bool recover(const struct td_secp *ctx, secp256k1_pubkey *out, const struct td_hash *digest,
                    const struct td_sig *sig)
{
    uint8_t compact[TD_SIG_BYTES];
    secp256k1_ecdsa_recoverable_signature raw;
    int parity = sig->b[32] >> 7;

    if (!compact_get(compact, sig))
        return false;
    /* Parsing refuses r or s >= n; recovery refuses zeros and an r that is no x coordinate. */
    return secp256k1_ecdsa_recoverable_signature_parse_compact(ctx->lib, &raw, compact, parity) ==
               1 &&
           secp256k1_ecdsa_recover(ctx->lib, out, &raw, digest->b) == 1;
}

bool td_secp_verify(const struct td_secp *ctx, const struct td_secp_pub *pub,
                    const struct td_hash *digest, const struct td_sig *sig)
{
    secp256k1_pubkey found;
    secp256k1_pubkey want = pub_get(pub);
    return recover(ctx, &found, digest, sig) &&
           secp256k1_ec_pubkey_cmp(ctx->lib, &found, &want) == 0;
}

enum td_error td_secp_parity_fix(const struct td_secp *ctx, const struct td_secp_pub *pub,
                                 const struct td_hash *digest, struct td_sig *sig)
{
    struct td_sig other = *sig;
    other.b[32] ^= 0x80;
    if (td_secp_verify(ctx, pub, digest, sig))
        return TD_OK;
    if (!td_secp_verify(ctx, pub, digest, &other))
        return TD_E_SIGNATURE;
    *sig = other;
    return TD_OK;
}

bool td_secp_verify_either(const struct td_secp *ctx, const struct td_secp_pub *pub,
                           const struct td_hash *digest, const struct td_sig *sig)
{
    uint8_t compact[TD_SIG_BYTES];
    secp256k1_ecdsa_signature raw;
    secp256k1_pubkey want = pub_get(pub);

    if (memcmp(sig->b, FIELD_LESS_ORDER, sizeof FIELD_LESS_ORDER) < 0) {
        struct td_sig fixed = *sig;
        return td_secp_parity_fix(ctx, pub, digest, &fixed) == TD_OK;
    }
    /* Parsing refuses r or s >= n; verification refuses s = 0. */
    return compact_get(compact, sig) &&
           secp256k1_ecdsa_signature_parse_compact(ctx->lib, &raw, compact) == 1 &&
           secp256k1_ecdsa_verify(ctx->lib, &raw, digest->b, &want) == 1;
}

bool td_secp_verify_pubkey(const struct td_secp *ctx, const struct td_pubkey *pubkey,
                           const struct td_hash *digest, const struct td_sig *sig)
{
    struct td_secp_pub pub;
    return td_secp_pub_decode(ctx, &pub, pubkey) == TD_OK && td_secp_verify(ctx, &pub, digest, sig);
}

enum td_error td_secp_recover(const struct td_secp *ctx, struct td_addr *addr,
                              struct td_secp_pub *pub, const struct td_hash *digest,
                              const struct td_sig *sig)
{
    secp256k1_pubkey found;
    struct td_secp_pub parsed = {{0}};
    enum td_error err = TD_OK;

    *addr = (struct td_addr){{0}};
    if (recover(ctx, &found, digest, sig)) {
        pub_put(&parsed, &found);
        td_secp_pub_addr(ctx, addr, &parsed);
    } else {
        err = TD_E_SIGNATURE;
    }
    if (pub != NULL)
        *pub = parsed;
    return err;
}

/* ---- many at once */

struct many {
    const struct td_secp *ctx;
    const struct td_secp_item *items;
    bool *ok;
};

static void verify_one(void *arg, size_t index)
{
    const struct many *m = arg;
    const struct td_secp_item *item = &m->items[index];
    m->ok[index] = item->exact
                       ? td_secp_verify(m->ctx, item->pub, &item->digest, &item->sig)
                       : td_secp_verify_either(m->ctx, item->pub, &item->digest, &item->sig);
}

size_t td_secp_verify_many(const struct td_secp *ctx, struct td_pool *pool, bool *ok,
                           const struct td_secp_item *items, size_t count)
{
    struct many m = {.ctx = ctx, .items = items, .ok = ok};
    size_t good = 0;
    td_pool_run(pool, verify_one, &m, count);
    for (size_t i = 0; i < count; i++)
        good += ok[i] ? 1u : 0u;
    return good;
}

struct recoveries {
    const struct td_secp *ctx;
    const struct td_secp_signed *items;
    struct td_secp_signer *out;
};

static void recover_one(void *arg, size_t index)
{
    const struct recoveries *m = arg;
    const struct td_secp_signed *item = &m->items[index];
    struct td_secp_signer *out = &m->out[index];
    const secp256k1_context *lib = m->ctx->lib;
    secp256k1_ecdsa_recoverable_signature raw;
    secp256k1_pubkey pub;
    struct td_hash h;
    uint8_t compact[64], point[65]; /* 0x04, x, y */
    size_t len = sizeof point;

    *out = (struct td_secp_signer){.found = false};
    memcpy(compact, item->r, 32);
    memcpy(compact + 32, item->s, 32);
    /* Parsing refuses r or s >= n; recovery refuses zeros and an r that is no x coordinate. */
    if (item->parity > 1 ||
        secp256k1_ecdsa_recoverable_signature_parse_compact(lib, &raw, compact,
                                                            (int)item->parity) != 1 ||
        secp256k1_ecdsa_recover(lib, &pub, &raw, item->digest.b) != 1)
        return;
    (void)secp256k1_ec_pubkey_serialize(lib, point, &len, &pub, SECP256K1_EC_UNCOMPRESSED);
    TD_ASSERT(len == sizeof point);
    out->found = true;
    memcpy(out->xy, point + 1, sizeof out->xy);
    td_keccak256(&h, out->xy, sizeof out->xy);
    memcpy(out->addr.b, h.b + TD_HASH_BYTES - TD_ADDR_BYTES, TD_ADDR_BYTES);
}

size_t td_secp_recover_many(const struct td_secp *ctx, struct td_pool *pool,
                            struct td_secp_signer *out, const struct td_secp_signed *items,
                            size_t count)
{
    struct recoveries m = {.ctx = ctx, .items = items, .out = out};
    size_t found = 0;
    td_pool_run(pool, recover_one, &m, count);
    for (size_t i = 0; i < count; i++)
        found += out[i].found ? 1u : 0u;
    return found;
}
