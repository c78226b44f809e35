/* Strict readers of a call's arguments.
 *
 * 1. The first thing wrong answers the call, -32602 with a text that names argument and member;
 *    after it, and where an optional one is left out or null, a reader gives zero and false.  Look
 *    at c->done once, after the last.
 * 2. Quantities have no leading zeros and at most 64 digits; bytes an even number of digits.
 * 3. What has a length is copied into the worker's arena: prepare and finish parts only. */
#pragma once

#include "node/rpc/rpc_internal.h"

/* Between min and max of them?  False: answered. */
bool node_rpc_params(struct node_rpc_call *c, size_t min, size_t max);
/* Argument i, NULL when left out or null. */
const json_t *node_rpc_param(const struct node_rpc_call *c, size_t i);

/* Where a value stands, for complaints: "invalid argument 0: from: want ...". */
struct node_rpc_place {
    size_t argument;
    const char *member; /* NULL: the argument itself */
};
void node_rpc_bad(struct node_rpc_call *c, struct node_rpc_place at, const char *want);

/* v must be there (NULL complains).  True: *out filled. */
bool node_rpc_read_addr(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct td_addr *out);
bool node_rpc_read_hash(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct td_hash *out);
bool node_rpc_read_u256(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct exec_u256 *out);
bool node_rpc_read_u64(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                       uint64_t *out);
bool node_rpc_read_bool(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        bool *out);
bool node_rpc_read_bytes(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                         struct td_bytes *out);
/* A storage slot: 0x and 1 to 64 digits, zeros in front or not. */
bool node_rpc_read_slot(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct exec_u256 *out);

/* Arguments that are just one value each; they must be there. */
bool node_rpc_param_addr(struct node_rpc_call *c, size_t i, struct td_addr *out);
bool node_rpc_param_hash(struct node_rpc_call *c, size_t i, struct td_hash *out);
bool node_rpc_param_u64(struct node_rpc_call *c, size_t i, uint64_t *out);
/* False when left out. */
bool node_rpc_param_bool(struct node_rpc_call *c, size_t i);

/* ---- blocks by name */

struct node_rpc_block_ref {
    bool pending, by_hash, latest; /* latest: by that tag, or left out */
    uint64_t number;               /* of tags, too */
    struct td_hash hash;
};
/* A tag or a number; left out: latest. */
bool node_rpc_param_block(struct node_rpc_call *c, size_t i, struct node_rpc_block_ref *out);
/* EIP-1898, too: {"blockNumber"|"blockHash": .., "requireCanonical": ..}, or a hash as such. */
bool node_rpc_param_state_block(struct node_rpc_call *c, size_t i, struct node_rpc_block_ref *out);
bool node_rpc_read_block(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                         struct node_rpc_block_ref *out);
