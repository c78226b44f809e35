/* Logs by criteria: which ones, and where they are.
 *
 *     index (8 bytes of each address and topic) ─▶ blocks that may ─▶ receipts ─▶ logs that do
 *
 * 1. An address list matches any of it; of topics, each position any of its alternatives, and a
 *    position without any matches everything that has one there or not.
 * 2. The index may name blocks that have none (8 bytes of a hash); it misses none. */
#pragma once

#include "node/rpc/format.h"
#include "node/rpc/load.h"

/* As go-ethereum has them. */
#define NODE_RPC_ADDRESSES_MAX 1000u
#define NODE_RPC_TOPICS_MAX 4u
#define NODE_RPC_ALTERNATIVES_MAX 1000u

/* One block of memory that may be copied whole and freed with free(). */
struct node_rpc_criteria {
    uint32_t refs; /* of whoever shares it; the loop's */
    uint32_t addr_count, topic_count;
    uint32_t alternatives[NODE_RPC_TOPICS_MAX]; /* 0: any */
    bool by_hash;
    struct td_hash hash;
    bool has_from, has_to;
    uint64_t from, to;      /* has_from, has_to: numbers; otherwise what is latest when asked */
    struct td_hash words[]; /* addresses in the first 20 bytes, then topics position by position */
};

size_t node_rpc_criteria_bytes(const struct node_rpc_criteria *k);
/* Argument i into c->keep; NULL: answered.  `range`: fromBlock, toBlock, blockHash are looked at.
 */
struct node_rpc_criteria *node_rpc_param_criteria(struct node_rpc_call *c, size_t i, bool range);

bool node_rpc_log_matches(const struct node_rpc_criteria *k, const struct node_log *log);

/* Put an array of all that match in blocks [from, to]; false: answered with an error, a range or a
 * number of logs beyond the limits among them. */
bool node_rpc_put_logs(struct node_rpc_call *c, const struct node_rpc_criteria *k, uint64_t from,
                       uint64_t to);
/* The same in the blocks that *k itself names. */
bool node_rpc_put_logs_named(struct node_rpc_call *c, const struct node_rpc_criteria *k);
