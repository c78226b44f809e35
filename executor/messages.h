/* A batch's L2-to-L1 messages: binary keccak tree of fixed depth 16, append only.
 *
 *     leaf = keccak(keccak(chainId, batch, index, sender, keccak(payload)))   abi.encode, five
 * words node = keccak(left | right), an absent leaf is 32 zero bytes
 *
 * The double hash keeps leaves and nodes apart.  Only the frontier is kept: edge[d] is the last
 * complete left subtree of height d that still waits for its right sibling. */
#pragma once

#include "base/core/types.h"

#define EXEC_MESSAGES_DEPTH 16u
#define EXEC_MESSAGES_MAX (1u << EXEC_MESSAGES_DEPTH) /* per batch */

struct exec_messages {
    uint32_t count;
    struct td_hash edge[EXEC_MESSAGES_DEPTH + 1u];
};

/* Roots of empty subtrees by height: [0] is 32 zero bytes. */
extern const struct td_hash EXEC_MESSAGES_EMPTY[EXEC_MESSAGES_DEPTH + 1u];

void exec_messages_init(struct exec_messages *m);
void exec_message_leaf(struct td_hash *out, uint64_t chain_id, uint64_t batch, uint64_t index,
                       const struct td_addr *sender, struct td_bytes payload);
/* False, and nothing changes, when the tree is full.  Amortised two hashes. */
bool exec_messages_add(struct exec_messages *m, const struct td_hash *leaf);
/* At most 16 hashes; without messages a constant. */
void exec_messages_root(struct td_hash *out, const struct exec_messages *m);
/* Root that `leaf` at `index` under these siblings (bottom first) has: how L1 checks one. */
void exec_messages_walk(struct td_hash *out, const struct td_hash *leaf, uint32_t index,
                        const struct td_hash path[EXEC_MESSAGES_DEPTH]);
