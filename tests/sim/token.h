/* Signing keys of the simulated validators.
 *
 * By default a signature is an unforgeable token: 64 bytes that follow from the signer's secret and
 * the digest, which only this module computes.  Adversaries may call sim_key_sign for keys they own
 * and nothing else.  With `real` set the same calls go to secp256k1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/rng.h"
#include "base/host/secp.h"
#include "consensus/verify.h"

#define SIM_KEYS_MAX 256u
#define SIM_KEY_NONE UINT32_MAX

struct sim_key {
    uint64_t secret[4];
    struct td_addr addr;
    struct td_pubkey pub;
    struct td_secp_key real;
    struct td_secp_pub real_pub;
};

struct sim_keys {
    bool real;
    struct td_secp *secp; /* owned; NULL unless real */
    uint32_t count;
    struct sim_key key[SIM_KEYS_MAX];
    uint16_t by_pub[1024]; /* key + 1, linear probing */
};

/* `count` keys from the stream `rng`. */
void sim_keys_init(struct sim_keys *ks, uint32_t count, bool real, struct td_rng *rng);
void sim_keys_free(struct sim_keys *ks);

void sim_key_sign(const struct sim_keys *ks, uint32_t key, const struct td_hash *digest,
                  struct td_sig *sig);

/* Whether the check holds.  A key nobody here owns never verifies. */
bool sim_keys_verify(const struct sim_keys *ks, const struct bft_sig_check *check);

/* Owner of a public key, or SIM_KEY_NONE. */
uint32_t sim_keys_find(const struct sim_keys *ks, const struct td_pubkey *pub);
