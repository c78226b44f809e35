/* Filters, which are asked, and subscriptions, which tell: the loop's tables of both.
 *
 *     eth_newFilter ─▶ slot: criteria, next height ◀─ eth_getFilterChanges ─▶ a worker reads blocks
 *     node_rpc_block ─▶ one job at a time: head and matching logs, formatted ─▶ pushed
 *     node_rpc_pending ─▶ ring of hashes (filters) and pushes (subscriptions)
 *
 * 1. A filter keeps a place, not results: blocks are read when it is asked.  Only hashes of pending
 *    transactions are kept, NODE_RPC_PENDING_MAX for all filters together; who asks too late misses
 *    the oldest.
 * 2. Ids are 128 bits, all but 16 of them random: nobody finds another one's by trying.
 * 3. Pushes come in order of height; a subscription's answer goes out before its first push. */
#pragma once

#include "node/rpc/logs.h"

/* At the 5,000 transactions a second this node is built for, more than one second. */
#define NODE_RPC_PENDING_MAX 8192u

enum node_rpc_filter_kind { NODE_RPC_FILTER_LOGS, NODE_RPC_FILTER_BLOCKS, NODE_RPC_FILTER_PENDING };
enum node_rpc_sub_kind { NODE_RPC_SUB_HEADS, NODE_RPC_SUB_LOGS, NODE_RPC_SUB_PENDING };

struct node_rpc_id {
    uint8_t b[16]; /* highest bit set, so that it is a quantity without leading zeros; the last two
                    * bytes: its slot */
};

struct node_rpc_filter {
    struct node_rpc_id id;
    bool used;
    enum node_rpc_filter_kind kind;
    uint64_t next;    /* height, or number of a pending hash */
    uint64_t seen_ns; /* last asked */
    struct node_rpc_criteria *criteria;
};

struct node_rpc_sub {
    struct node_rpc_id id;
    bool used;
    enum node_rpc_sub_kind kind;
    const struct node_rpc_port *port;
    uint64_t conn;
    struct node_rpc_criteria *criteria;
};

struct node_rpc_filters {
    uint32_t filter_hint, sub_count;
    uint64_t swept_ns;
    struct node_rpc_filter filters[NODE_RPC_FILTERS_MAX];
    struct node_rpc_sub subs[NODE_RPC_SUBS_MAX];
    uint64_t pending_count; /* ever */
    struct td_hash pending[NODE_RPC_PENDING_MAX];
    uint64_t told, target; /* heights: pushed or under way, and to be pushed */
    bool busy;             /* a job is under way */
};

/* Takes `criteria` (NULL unless logs) when it returns a filter; NULL: there is no slot. */
struct node_rpc_filter *node_rpc_filter_add(struct node_rpc *r, enum node_rpc_filter_kind kind,
                                            struct node_rpc_criteria *criteria);
/* NULL: none, or idle for too long; otherwise it was seen now. */
struct node_rpc_filter *node_rpc_filter_find(struct node_rpc *r, const struct node_rpc_id *id);
void node_rpc_filter_remove(struct node_rpc_filter *f);

struct node_rpc_sub *node_rpc_sub_add(struct node_rpc *r, enum node_rpc_sub_kind kind,
                                      const struct node_rpc_request *q,
                                      struct node_rpc_criteria *criteria);
/* Of this connection only. */
bool node_rpc_sub_remove(struct node_rpc *r, const struct node_rpc_request *q,
                         const struct node_rpc_id *id);
/* Of a connection. */
uint32_t node_rpc_sub_count(const struct node_rpc *r, const struct node_rpc_request *q);
