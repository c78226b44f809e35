/* What a person and a monitor see of a running node: bodies of /livez, /readyz, /healthz, /status,
 * /metrics and of the dashboard at "/".  Pure formatting; the shell fills a view and serves.
 *
 *     loop ──fills──▶ node_ops_view ──node_ops_page──▶ status code, type, body
 *     loop ──observes▶ node_histogram ┘ (borrowed)
 *
 * 1. Every page is made of the view alone; the same view makes the same bytes.
 * 2. Ready is not "the process answers" but "blocks come": head age, quorum, disk, clock, signer.
 * 3. Nothing is reported that this build does not have: prover and L1 parts come with them.
 * 4. Texts from outside (names, hosts, reasons) are escaped for JSON and for the exposition
 *    format; bytes that are not UTF-8 become '?'.
 * 5. One thread; histograms too: other threads hand their durations to the loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"
#include "consensus/replica.h"
#include "node/mempool/mempool.h"

/* ---- histograms: integers only until they are printed */

#define NODE_HISTOGRAM_BUCKETS 16u
/* Upper bounds, inclusive, 100 us to 10 s; greater ones are in no bucket but count (+Inf). */
extern const uint64_t node_histogram_bounds_ns[NODE_HISTOGRAM_BUCKETS];
struct node_histogram {
    uint64_t count, sum_ns;
    uint64_t bucket[NODE_HISTOGRAM_BUCKETS]; /* each by itself, not cumulated */
};
void node_histogram_observe(struct node_histogram *h, uint64_t duration_ns);

/* ---- the view: everything is borrowed for the call */

/* One labelled value; labels differ within an array.  Arrays without elements leave their metric
 * out, as nothing is known of it yet. */
struct node_ops_count {
    const char *label;
    uint64_t value;
};
struct node_ops_counts {
    const struct node_ops_count *items;
    uint32_t count;
};
struct node_ops_method {
    const char *name;
    const struct node_histogram *seconds;
};

struct node_ops_validator {
    struct td_addr addr;
    const char *name;                        /* NULL: unknown */
    uint64_t stake, last_vote_round, rtt_ns; /* rtt 0: not measured */
    bool online, self;                       /* online: connected and heard of, or self */
};
struct node_ops_peer {
    const char *host; /* the address as connected */
    uint16_t port;
    struct td_addr validator; /* zero: follower */
    bool outgoing;
    uint64_t since_ns, rtt_ns, bytes_in, bytes_out; /* since_ns: how long ago it came up */
    int32_t score;
};
struct node_ops_block {
    uint64_t height, round, age_ns, gas_used;
    struct td_hash hash;
    uint32_t txs;
    const char *leader; /* NULL: unknown */
};

struct node_ops_view {
    const char *name, *role, *version, *commit;      /* role: "validator" or "follower" */
    uint64_t chain_id, uptime_ns, block_interval_ns; /* interval 0: as fast as possible */
    bool shutting_down;
    uint64_t loop_age_ns; /* since the loop last ticked */

    struct bft_view core;
    uint64_t latest, safe, finalized; /* what the tags name */
    uint64_t highest_known;           /* of any peer */
    uint64_t head_age_ns;             /* since the newest block, or the start */
    uint64_t quorum_stake;            /* least stake that certifies */
    bool diverged;                    /* a certified result differs from this node's */

    const struct node_ops_validator *validators;
    uint32_t validator_count;
    const struct node_ops_peer *peers;
    uint32_t peer_count;
    const struct node_ops_block *blocks; /* newest first */
    uint32_t block_count;

    struct node_mempool_stats mempool;
    uint32_t mempool_max_txs;
    uint64_t mempool_max_bytes;

    const char *storage_error; /* NULL: none */
    const char *signer_error;  /* why this validator does not sign; NULL: it does, or is none */
    bool disk_known, clock_known;
    uint64_t disk_free_bytes, disk_min_bytes, db_bytes;
    int64_t clock_skew_ns; /* of the others' clocks against this one */

    /* Totals since the start. */
    uint64_t missed_leader_slots, equivocations_seen, gas_used, p2p_bytes_in, p2p_bytes_out;
    struct node_ops_counts proposals, votes;              /* by result */
    struct node_ops_counts frames_rejected, sign_refused; /* by reason */
    struct node_ops_counts rpc_errors;                    /* by code */
    struct node_ops_counts faults;                        /* by kind: how many are active now */
    /* NULL: not measured. */
    const struct node_histogram *commit_latency, *exec, *db_fsync, *p2p_rtt;
    const struct node_ops_method *rpc;
    uint32_t rpc_count;
};

/* ---- pages */

/* 512 peers, 128 validators, 64 methods and 32 blocks need less than 256 KiB. */
#define NODE_OPS_BYTES_MAX (4u << 20)

/* Grows with malloc; zero it first, free `data` at the end. */
struct node_ops_text {
    char *data; /* not terminated */
    size_t len, cap;
    bool failed; /* no memory, or over NODE_OPS_BYTES_MAX: the page is useless */
};

/* Append the page of `path` (without query) and return the HTTP status; *type is its content type,
 * static.  An unknown path is a 404 that lists the pages; a failed text is a 500 without body.
 * `dashboard` and `metrics`: whether the options let them be served. */
int node_ops_page(struct node_ops_text *out, const struct node_ops_view *view, const char *path,
                  bool dashboard, bool metrics, const char **type);

enum node_health { NODE_READY, NODE_AFFECTED, NODE_NOT_READY, NODE_SHUTTING_DOWN };
const char *node_health_text(enum node_health h);

enum node_component {
    NODE_COMPONENT_LOOP,
    NODE_COMPONENT_CONSENSUS,
    NODE_COMPONENT_NETWORK,
    NODE_COMPONENT_EXECUTION,
    NODE_COMPONENT_STORAGE,
    NODE_COMPONENT_SIGNER,
    NODE_COMPONENT_CLOCK,
    NODE_COMPONENT_MEMPOOL,
    NODE_COMPONENT_COUNT
};
const char *node_component_text(enum node_component c);

#define NODE_REASON_BYTES 192u
struct node_component_health {
    enum node_health health;
    char reason[NODE_REASON_BYTES]; /* empty when ready */
};
/* Fills all; the worst is returned. */
enum node_health node_ops_health(const struct node_ops_view *view,
                                 struct node_component_health out[NODE_COMPONENT_COUNT]);
/* Why blocks have stopped, in a person's words ("2 of 4 online, need 3"); false: they come. */
bool node_ops_cause(const struct node_ops_view *view, char out[NODE_REASON_BYTES]);
