#include "tests/sim/token.h"

#include <string.h>

#include "base/core/assert.h"

#define BY_PUB_MASK 1023u

static uint64_t word_of(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static uint32_t pub_home(const struct td_pubkey *pub)
{
    uint64_t v = word_of(pub->b + 1);
    return (uint32_t)(td_splitmix64(&v) & BY_PUB_MASK);
}

static void key_init_real(struct sim_keys *ks, struct sim_key *k)
{
    uint8_t secret[32];
    memcpy(secret, k->secret, sizeof secret);
    secret[0] &= 0x7f; /* below the group order */
    secret[31] |= 1;
    enum td_error err = td_secp_key_init(ks->secp, &k->real, secret);
    TD_ASSERT(err == TD_OK);
    td_secp_key_pub(ks->secp, &k->real_pub, &k->real);
    td_secp_pub_encode(ks->secp, &k->pub, &k->real_pub);
    td_secp_pub_addr(ks->secp, &k->addr, &k->real_pub);
}

void sim_keys_init(struct sim_keys *ks, uint32_t count, bool real, struct td_rng *rng)
{
    TD_ASSERT(count <= SIM_KEYS_MAX);
    memset(ks, 0, sizeof *ks);
    ks->real = real;
    ks->count = count;
    if (real) {
        ks->secp = td_secp_new();
        TD_ASSERT(ks->secp != NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sim_key *k = &ks->key[i];
        for (uint32_t w = 0; w < 4; w++)
            k->secret[w] = td_rng_u64(rng);
        for (uint32_t b = 0; b < TD_ADDR_BYTES; b++)
            k->addr.b[b] = (uint8_t)td_rng_u64(rng);
        for (uint32_t b = 1; b < TD_PUBKEY_BYTES; b++)
            k->pub.b[b] = (uint8_t)td_rng_u64(rng);
        k->pub.b[0] = 2;
        if (real)
            key_init_real(ks, k);
        uint32_t at = pub_home(&k->pub);
        while (ks->by_pub[at] != 0)
            at = (at + 1) & BY_PUB_MASK;
        ks->by_pub[at] = (uint16_t)(i + 1);
    }
}

void sim_keys_free(struct sim_keys *ks)
{
    td_secp_free(ks->secp);
    ks->secp = NULL;
}

/* Two multiply-rotate chains over the digest, keyed by the secret, expanded to 64 bytes.  Not a
 * MAC: nothing outside this file computes it, which is all the simulation needs.  r is kept
 * non-zero and s below n/2, so that the codec finds nothing to refuse. */
static void token(const struct sim_key *k, const struct td_hash *digest, struct td_sig *sig)
{
    uint64_t a = k->secret[0], b = k->secret[1];
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t d = word_of(digest->b + 8u * i);
        a = td_rotl64((a ^ d) * UINT64_C(0x9FB21C651E98DF25), 29) + k->secret[2];
        b = td_rotl64((b + d) * UINT64_C(0xD6E8FEB86659FD93), 31) ^ k->secret[3];
    }
    uint64_t state = a ^ td_rotl64(b, 17);
    for (uint32_t i = 0; i < 8; i++) {
        uint64_t v = td_splitmix64(&state) ^ b;
        memcpy(sig->b + 8u * i, &v, sizeof v);
    }
    sig->b[0] = (uint8_t)((sig->b[0] & 0x7fu) | 1u);
    sig->b[32] &= 0xbfu;
}

void sim_key_sign(const struct sim_keys *ks, uint32_t key, const struct td_hash *digest,
                  struct td_sig *sig)
{
    TD_ASSERT(key < ks->count);
    if (!ks->real) {
        token(&ks->key[key], digest, sig);
        return;
    }
    enum td_error err = td_secp_sign(ks->secp, &ks->key[key].real, digest, sig);
    TD_ASSERT(err == TD_OK);
}

uint32_t sim_keys_find(const struct sim_keys *ks, const struct td_pubkey *pub)
{
    for (uint32_t at = pub_home(pub); ks->by_pub[at] != 0; at = (at + 1) & BY_PUB_MASK) {
        uint32_t key = ks->by_pub[at] - 1u;
        if (td_pubkey_eq(&ks->key[key].pub, pub))
            return key;
    }
    return SIM_KEY_NONE;
}

bool sim_keys_verify(const struct sim_keys *ks, const struct bft_sig_check *check)
{
    uint32_t key = sim_keys_find(ks, check->key);
    if (key == SIM_KEY_NONE)
        return false;
    if (ks->real)
        return check->exact
                   ? td_secp_verify(ks->secp, &ks->key[key].real_pub, &check->digest, &check->sig)
                   : td_secp_verify_either(ks->secp, &ks->key[key].real_pub, &check->digest,
                                           &check->sig);
    struct td_sig want;
    token(&ks->key[key], &check->digest, &want);
    return td_sig_eq(&want, &check->sig);
}
