/* The ten accounts every development tool funds: those of BIP-39's phrase "test test test test test
 * test test test test test test junk", at m/44'/60'/0'/0/i.  Their keys are public knowledge:
 * whatever is sent to them on a real chain is gone at once. */
#pragma once

#include "base/host/secp.h"

#define TESTNET_DEV_ACCOUNTS 10u

/* As hex without 0x.  i < TESTNET_DEV_ACCOUNTS. */
const char *testnet_dev_key_text(uint32_t i);
void testnet_dev_key(const struct td_secp *secp, struct td_secp_key *key, struct td_addr *addr,
                     uint32_t i);

/* The i-th of the accounts that `load` makes when ten are not enough: keccak("tandem load" ‖ i). */
void testnet_load_key(const struct td_secp *secp, struct td_secp_key *key, struct td_addr *addr,
                      uint32_t i);
