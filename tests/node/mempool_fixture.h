/* Accounts in a table, transactions made without signatures (the pool looks at none), and the
 * invariants of a pool as seen from outside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "node/mempool/mempool.h"

#define POOL_SENDERS 4096u
#define POOL_GWEI UINT64_C(1000000000)

struct pool_chain { /* what the port answers */
    uint64_t nonce[POOL_SENDERS];
    struct exec_u256 balance[POOL_SENDERS];
    uint64_t asked;
};

static inline struct td_addr pool_addr(uint32_t sender)
{
    struct td_addr a = {{0}};
    for (unsigned i = 0; i < 4; i++)
        a.b[i] = (uint8_t)(sender >> (8u * i));
    a.b[19] = 0xaa;
    return a;
}

static inline uint32_t pool_sender(const struct td_addr *a)
{
    return (uint32_t)a->b[0] | (uint32_t)a->b[1] << 8 | (uint32_t)a->b[2] << 16 |
           (uint32_t)a->b[3] << 24;
}

static inline void pool_account(void *self, const struct td_addr *addr, uint64_t *nonce,
                                struct exec_u256 *balance)
{
    struct pool_chain *c = self;
    uint32_t s = pool_sender(addr);
    c->asked++;
    *nonce = s < POOL_SENDERS ? c->nonce[s] : 0;
    *balance = s < POOL_SENDERS ? c->balance[s] : exec_u256_of(0);
}

/* Every field of the hash differs when the number does. */
static inline struct td_hash pool_hash(uint64_t number)
{
    struct td_hash h;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = (number + 1u) * (UINT64_C(0x9E3779B97F4A7C15) + 2u * i);
        for (unsigned k = 0; k < 8; k++)
            h.b[8u * i + k] = (uint8_t)(v >> (8u * k));
    }
    return h;
}

static inline struct exec_tx pool_tx(uint64_t number, uint32_t sender, uint64_t nonce, uint64_t fee,
                                     uint64_t tip)
{
    return (struct exec_tx){.type = 2,
                            .nonce = nonce,
                            .gas_limit = 21000,
                            .fee_cap = exec_u256_of(fee),
                            .tip_cap = exec_u256_of(tip),
                            .hash = pool_hash(number),
                            .sender = pool_addr(sender)};
}
