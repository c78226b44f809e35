/* A signed transfer of ether as a wallet makes it (EIP-1559, type 2): for the local network's load
 * and for tests.  Nodes only ever read transactions. */
#pragma once

#include "base/host/secp.h"

/* 0x02, the list's head, nine fields of at most 33 bytes, an empty list, three signature fields. */
#define NODE_TRANSFER_BYTES_MAX 384u

struct node_transfer {
    uint64_t chain_id, nonce, gas_limit;
    struct td_wei fee_cap, tip_cap; /* a unit of gas */
    struct td_wei value;
    struct td_addr to;
};

/* Fills out[NODE_TRANSFER_BYTES_MAX], *len and *hash.  TD_E_RANGE and TD_E_UNSUPPORTED as
 * td_secp_sign.  Cost: a signature and three hashes. */
TD_MUST_CHECK enum td_error node_transfer_sign(uint8_t out[NODE_TRANSFER_BYTES_MAX], size_t *len,
                                               struct td_hash *hash, const struct td_secp *secp,
                                               const struct td_secp_key *key,
                                               const struct node_transfer *t);
