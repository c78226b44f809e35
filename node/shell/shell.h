/* A running validator or follower: the shell around the pure core.
 *
 *     p2p ─frame─▶ inbound: decode, collect, [verify thread] ─▶ bft_step ─▶ effects ─┐
 *      ▲                                                          ▲                   │
 *      │                           EV_SIGNED, EV_PERSISTED,       │                   ▼
 *      │                           EV_PAYLOAD_*, EV_EXECUTED ─────┘   SIGN: guard, key
 *      └──────────────── SEND ◀──────────────────────────────────── PERSIST: [writer thread]
 *                                                                     FINALIZE: [exec thread]
 *
 * Who talks to whom, and how much may wait (everything else happens at once on the loop):
 *
 *     from, to        what                   bound
 *     p2p, inbound    frames to verify       NODE_INBOUND_*: frames, bytes, signatures, per peer
 *     inbound, verify signature checks       one batch under way
 *     core, writer    records, certificates  NODE_WRITE_BYTES, then the node ends
 *     core, writer    synced blocks          no more are taken at NODE_BLOCKS_MAX jobs, or with
 *                                            execution half of that behind
 *     core, exec      final blocks           one under way; far behind they are read back
 *     exec, writer    changes of blocks      exec waits at NODE_CHANGES_MAX
 *     peers, serve    blocks, payloads       NODE_SERVE_MAX, and bytes a second (NODE_SERVE_RATE);
 *                                            more is not answered
 *     peers, tx       transactions           NODE_TX_MAX, NODE_TX_BYTES, then dropped
 *
 * 1. bft_step is called from the loop only, and effects are carried out before the next event.
 * 2. Nothing signed leaves before the writer has said that record, certificates, header and payload
 *    are on disk (the core waits for BFT_EV_PERSISTED).  [P-10.1]
 * 3. Any failed write ends the process with NODE_EXIT_IO; a refusing guard with
 *    NODE_EXIT_SAFETY_HALT. */
#pragma once

#include "base/host/clock.h"
#include "base/host/log.h"
#include "consensus/replica.h"
#include "node/chain/chain.h"
#include "node/mempool/mempool.h"
#include "node/ops/ops.h"
#include "p2p/net.h"

struct node_shell;

struct node_shell_options {
    struct event_base *base; /* borrowed, as all below */
    const struct node_genesis *genesis;
    const struct td_secp *secp;
    const struct td_secp_key *key; /* NULL: follower */
    const char *guard_path;        /* with key */
    const char *database_path;
    bool create;                         /* make the database where there is none */
    struct p2p_net_options net;          /* base, chain, secp, self, frame_* and log filled here */
    struct node_mempool_options mempool; /* chain's members filled here */
    uint32_t leaves;
    const char *name;
    const struct td_log *log;
    struct td_clock clock;
    /* [loop] Blocks up to height are final, executed and on disk. */
    void *ctx;
    void (*on_block)(void *ctx, uint64_t height);
    /* [loop] A transaction entered the pool. */
    void (*on_pending)(void *ctx, const struct td_hash *hash);
};

struct node_shell_error {
    char text[320];
    int exit_code; /* of node/exit_codes.h */
};

/* Open everything, restore, start threads, listen, begin.  NULL: *error says why. */
struct node_shell *node_shell_new(const struct node_shell_options *options,
                                  struct node_shell_error *error);
/* Finish what is being written, stop threads, close. */
void node_shell_free(struct node_shell *s);

/* Exit code once the shell has broken the loop by itself; 0 before. */
int node_shell_exit_code(const struct node_shell *s);

struct node_chain *node_shell_chain(struct node_shell *s);
struct node_mempool *node_shell_mempool(struct node_shell *s);
struct p2p_net *node_shell_net(struct node_shell *s);
const char *node_shell_database(const struct node_shell *s);
/* Newest height that users may be told; any thread. */
uint64_t node_shell_head(const struct node_shell *s);

/* [loop] Hand in a transaction that was decoded and recovered. */
enum node_mempool_verdict node_shell_submit(struct node_shell *s, const struct exec_tx *tx,
                                            struct td_bytes raw);

/* An executed block, for the pages that show the newest. */
#define NODE_SHELL_RECENT 32u
struct node_shell_block {
    uint64_t height, round, ts_ms, gas_used;
    struct td_hash hash;
    uint32_t txs;
    struct td_addr proposer; /* zero: of a set left behind */
};

struct node_shell_status {
    struct bft_view view;
    uint64_t head, head_ts_ms, highest_known;
    uint64_t steps, messages, refused, verified, verify_batches;
    uint64_t commits, fsync_ns; /* writer: group commits and time in them */
    uint64_t exec_blocks, exec_ns, gas_used, txs_executed, txs_skipped;
    uint64_t proposals_made, evidence_seen;
    uint32_t payloads_held;
    bool diverged;
    const char *storage_error;
    uint64_t missed_leader_slots; /* own, by rounds that timed out */
    struct node_histogram commit_latency, exec_seconds, fsync_seconds;
    uint32_t recent_count;
    struct node_shell_block recent[NODE_SHELL_RECENT]; /* newest first */
};
void node_shell_status(const struct node_shell *s, struct node_shell_status *out);

struct node_shell_validator {
    struct td_addr addr;
    uint64_t stake, last_vote_round, rtt_ns;
    bool online, self;
};
uint32_t node_shell_validators(const struct node_shell *s, struct node_shell_validator *out,
                               uint32_t cap);
