/* What a stranger may do to a node's RPC port, for as long as is asked.
 *
 *     flood      sixteen connections that ask for the height again as soon as they are answered
 *     slowloris  two hundred connections that send one byte of a head a second
 *     oversize   requests that announce a body of 1 GiB and send it */
#pragma once

#include "testnet/network.h"

struct testnet_abuse_result {
    uint64_t sent, answered, refused, closed;
};

bool testnet_abuse_known(const char *kind);

/* Blocks for `ms`.  `kind` is known. */
void testnet_abuse(struct testnet_abuse_result *out, const struct testnet *t, uint32_t node,
                   const char *kind, uint64_t ms);
