/* Contract ABI encoding of static values: 32-byte big-endian words, hashed as they come. */
#pragma once

#include "base/core/keccak.h"
#include "executor/u256.h"

static inline void abi_u64(struct td_keccak *k, uint64_t v)
{
    _Alignas(8) uint8_t word[32] = {0};
    for (uint32_t i = 0; i < 8; i++)
        word[31u - i] = (uint8_t)(v >> (8u * i));
    td_keccak_update(k, word, sizeof word);
}

static inline void abi_hash(struct td_keccak *k, const struct td_hash *h)
{
    td_keccak_update(k, h->b, sizeof h->b);
}

static inline void abi_addr(struct td_keccak *k, const struct td_addr *a)
{
    _Alignas(8) uint8_t word[32] = {0};
    memcpy(word + 12, a->b, sizeof a->b);
    td_keccak_update(k, word, sizeof word);
}

static inline void abi_u256(struct td_keccak *k, const struct exec_u256 *v)
{
    _Alignas(8) uint8_t word[32];
    exec_u256_to_be(word, v);
    td_keccak_update(k, word, sizeof word);
}
