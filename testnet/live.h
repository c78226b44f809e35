/* What a local network is doing, asked from outside: heights, rates, peers, and the line that says
 * so. */
#pragma once

#include "base/host/clock.h"
#include "testnet/rpc.h"

/* Rates are over this many looks. */
#define TESTNET_LOOKS 16u

struct testnet_live {
    const struct testnet *t;
    struct td_clock clock;
    struct node_http_client clients[TESTNET_NODES_MAX];
    bool answers[TESTNET_NODES_MAX];
    uint64_t heights[TESTNET_NODES_MAX];
    uint64_t final;        /* the greatest height seen */
    uint64_t peers;        /* of the first node that answers */
    uint32_t faults;       /* nodes that do not answer */
    uint64_t counted, txs; /* blocks up to `counted` hold `txs` transactions */
    struct {
        uint64_t at_ns, height, txs;
    } looks[TESTNET_LOOKS]; /* ring */
    uint32_t look_count;
};

void testnet_live_init(struct testnet_live *l, const struct testnet *t, uint32_t timeout_ms);
void testnet_live_free(struct testnet_live *l);

/* Ask every node; takes at most the timeout per silent one. */
void testnet_live_look(struct testnet_live *l);

/* Print the line, without an end. */
void testnet_live_print(const struct testnet_live *l, FILE *out);
