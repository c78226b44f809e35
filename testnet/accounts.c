#include "testnet/accounts.h"

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/core/keccak.h"

static const char *const KEYS[TESTNET_DEV_ACCOUNTS] = {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
};

const char *testnet_dev_key_text(uint32_t i)
{
    TD_ASSERT(i < TESTNET_DEV_ACCOUNTS);
    return KEYS[i];
}

static void accept(const struct td_secp *secp, struct td_secp_key *key, struct td_addr *addr,
                   const uint8_t secret[32])
{
    struct td_secp_pub pub;
    TD_ASSERT(td_secp_key_init(secp, key, secret) == TD_OK);
    td_secp_key_pub(secp, &pub, key);
    td_secp_pub_addr(secp, addr, &pub);
}

void testnet_dev_key(const struct td_secp *secp, struct td_secp_key *key, struct td_addr *addr,
                     uint32_t i)
{
    uint8_t secret[32];
    TD_ASSERT(td_hex_decode_fixed(secret, sizeof secret, TD_HEX_BARE, testnet_dev_key_text(i),
                                  64) == TD_OK);
    accept(secp, key, addr, secret);
}

void testnet_load_key(const struct td_secp *secp, struct td_secp_key *key, struct td_addr *addr,
                      uint32_t i)
{
    uint8_t text[16] = "tandem load";
    struct td_hash secret; /* never out of range: that takes 2^128 tries */
    for (uint32_t b = 0; b < 4; b++)
        text[11 + b] = (uint8_t)(i >> (24u - 8u * b));
    td_keccak256(&secret, text, 15);
    accept(secp, key, addr, secret.b);
}
