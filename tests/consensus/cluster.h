/* A few replicas in one process, for table tests: instant execution and disk, every message through
 * the codec and the structural verifier, signatures as deterministic tokens.  The test decides what
 * is delivered, so every situation can be built by hand; the simulator covers the rest. */
#pragma once

#include "consensus/replica.h"

#define CL_NODES_MAX 32u
#define CL_QUEUE_MAX 65536u

/* Wall clock of every node = this + the monotonic clock; genesis is younger than four hours then,
 * as the L1 origin rule demands.  [P-7.4] */
#define CL_WALL_MS 1700000000000
#define CL_GENESIS_MS 1699999000000u

struct cl_packet {
    uint32_t from, to; /* node numbers */
    uint8_t *bytes;
    size_t len;
};

/* Encoded bytes that outlive the effect they came with. */
struct cl_blob {
    uint8_t *bytes;
    size_t len;
};

#define CL_HEIGHTS 512u
#define CL_KEPT_HEADERS 64u

struct cl_node {
    struct bft_replica *replica;
    void *region;
    size_t region_bytes; /* followed by CL_CANARY_BYTES that nobody may touch */
    struct bft_guard guard;
    struct td_addr addr;
    bool up;
    bool mute;                     /* its sends are dropped */
    bool no_exec;                  /* FINALIZE is not answered by EV_EXECUTED until cl_exec_flush */
    bool no_sign;                  /* SIGN is not answered */
    bool no_persist;               /* PERSIST is not answered until cl_persist_flush */
    bool no_payload;               /* proposals with transactions get no EV_PAYLOAD_READY */
    bool no_build;                 /* MAKE_PAYLOAD is not answered; cl_build does */
    bool say_origin, origin_good;  /* answer CHECK_ORIGIN at once, and how */
    struct bft_origin next_origin; /* payloads advance to it where they may */
    bool end_batch;                /* payloads ask for a batch end */
    int64_t timer_ns;
    enum bft_halt_reason halt;
    uint64_t finals;                       /* FINALIZE effects seen */
    struct td_hash final_hash[CL_HEIGHTS]; /* by height */
    struct bft_final_block stored[CL_HEIGHTS];
    uint64_t executed_to; /* cl_exec_flush: next height - 1 */
    uint32_t evidence_count;
    struct bft_evidence evidence[8];
    struct bft_header evidence_header[8];
    uint32_t alarms[4];
    uint32_t fx[BFT_FX_HALT + 1]; /* effects seen, by kind */
    uint32_t fx_top;              /* most effects in one step */
    struct bft_effect fetch, make,
        origin;                    /* newest FETCH, MAKE_PAYLOAD, CHECK_ORIGIN; pointers dead */
    uint64_t persist_asked;        /* newest id */
    uint32_t sent[BFT_MSG_TX + 1]; /* SEND effects by message kind */
    struct cl_blob sent_last[BFT_MSG_TX + 1];
    uint32_t signs[BFT_SIGNED_KINDS + 1];
    struct bft_signed last_signed[BFT_SIGNED_KINDS + 1];
    uint64_t signed_parent_round;
    enum bft_proof_kind proof_kind; /* newest */

    /* What a restart finds: the parts of the newest PERSIST, certificates, the epoch. */
    struct cl_blob lock, entry, proof, attest, genesis;
    enum bft_entry_kind entry_kind;
    struct bft_header kept[CL_KEPT_HEADERS];
    uint32_t kept_count;
    struct cl_blob attest_at[CL_HEIGHTS];
    struct bft_set set, prev_set;
    bool has_set, has_prev_set;
    struct td_hash seed;
    struct bft_bitmap excluded;
};
#define CL_CANARY_BYTES 64u

struct cl {
    uint32_t n;
    struct bft_config cfg;
    struct bft_set sets[4];
    struct cl_node node[CL_NODES_MAX];
    struct cl_packet *queue;
    uint32_t head, count;
    int64_t now_ns;
    int64_t skew_ms;   /* added to the wall clock of every node */
    uint64_t messages; /* delivered to cores */
    enum bft_verdict last_verdict;
    uint64_t txs;              /* transactions per payload: 0 = empty payloads */
    struct bft_msg decoded;    /* of cl_sent */
    uint64_t native_per_block; /* native cost an executed block adds to its batch */
    void (*tweak)(struct cl *c, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop);
    void *user;
    bool frozen; /* nothing is queued: the test plays the other nodes */
    struct td_arena arena;
    struct bft_effects *fx;
};

/* Start `n` replicas with equal stakes (stake[i] = 1, or stakes[i] when given), all connected and
 * active after their Status exchange. */
void cl_init(struct cl *c, uint32_t n, const uint64_t *stakes);
/* As cl_init, but `edit` may change the configuration first and nothing is delivered yet. */
void cl_init_with(struct cl *c, uint32_t n, const uint64_t *stakes,
                  void (*edit)(struct bft_config *cfg), bool connect);
void cl_free(struct cl *c);
void cl_connect_all(struct cl *c);
/* Deliver everything queued, without letting time pass. */
void cl_drain(struct cl *c);
/* Let `ms` of virtual time pass, firing timers and delivering. */
void cl_run(struct cl *c, uint64_t ms);
/* Run until node 0's final height reaches `height` or `ms` have passed; true when reached. */
bool cl_until_height(struct cl *c, uint64_t height, uint64_t ms);
struct bft_view cl_view(struct cl *c, uint32_t node);
/* Feed one event to one node, with the clocks filled in, and carry out the effects. */
enum bft_verdict cl_event(struct cl *c, uint32_t node, struct bft_event *ev);
/* Hand a message straight to a node as if `from` had sent it, without verification. */
enum bft_verdict cl_give(struct cl *c, uint32_t to, uint32_t from, const struct bft_msg *m);
/* Verify structurally, then give; the verdict of whichever refuses. */
enum bft_verdict cl_give_verified(struct cl *c, uint32_t to, uint32_t from, struct bft_msg *m);
void cl_tick(struct cl *c, uint32_t node);
/* The token signature of `node` over a signed message's digest; fills m's sig. */
void cl_sign(struct cl *c, uint32_t node, struct bft_signed *m);
uint16_t cl_signer(struct cl *c, uint32_t node);
uint32_t cl_node_of(struct cl *c, uint16_t signer);
/* Restart a node from what it stored, with or without its guard.  It is connected to nobody. */
void cl_restart(struct cl *c, uint32_t node, bool with_guard);
/* The same with nothing stored but, optionally, a guard record. */
void cl_restart_empty(struct cl *c, uint32_t node, const struct bft_guard *guard);
/* Connect one node with all others, both ways, without delivering. */
void cl_connect(struct cl *c, uint32_t node);
/* Report as durable everything that was asked to be. */
void cl_persist_flush(struct cl *c, uint32_t node);
/* Execute, in order, every final block up to `height` that is not yet. */
void cl_exec_flush(struct cl *c, uint32_t node, uint64_t height);
/* Answer the newest MAKE_PAYLOAD. */
void cl_build(struct cl *c, uint32_t node);
/* Result of executing a final block, as every node computes it. */
void cl_executed(struct cl *c, const struct bft_header *h, const struct td_hash *hash,
                 struct bft_executed *out);
/* Is the memory behind the node's region still what it was? */
bool cl_canary_holds(struct cl *c, uint32_t node);
/* Node that leads `round` of the epoch node 0 is in. */
uint32_t cl_leader(struct cl *c, uint64_t round);
/* The newest message of `kind` that the node sent, decoded into the cluster's arena. */
const struct bft_msg *cl_sent(struct cl *c, uint32_t node, enum bft_msg_kind kind);

/* Certificates made by hand out of the nodes listed in mask (bit = node number). */
struct cl_cert {
    struct bft_qc qc;
    struct bft_tc tc;
    struct td_sig sigs[BFT_SIGNERS_MAX];
    struct bft_tc_entry entries[BFT_SIGNERS_MAX];
};
void cl_qc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round, uint64_t height,
           const struct td_hash *hash, uint32_t mask);
void cl_tc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round, const uint64_t *locks,
           uint32_t mask, const struct bft_qc *high);
void cl_vote(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
             uint64_t height, const struct td_hash *hash);
void cl_commit(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
               const struct td_hash *hash);
void cl_timeout(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
                uint64_t lock);
