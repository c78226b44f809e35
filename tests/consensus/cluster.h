/* A few replicas in one process, for table tests: instant execution and disk, every message through
 * the codec and the structural verifier, signatures as deterministic tokens.  The test decides what
 * is delivered, so every situation can be built by hand; the simulator covers the rest. */
#pragma once

#include "consensus/replica.h"

#define CL_NODES_MAX 128u
#define CL_QUEUE_MAX 65536u

struct cl_packet {
    uint32_t from, to; /* node numbers */
    uint8_t *bytes;
    size_t len;
};

struct cl_node {
    struct bft_replica *replica;
    void *region;
    struct bft_guard guard;
    struct td_addr addr;
    bool up;
    bool mute;     /* its sends are dropped */
    bool no_exec;  /* FINALIZE is not answered by EV_EXECUTED until cl_exec_flush */
    bool no_sign;  /* SIGN is not answered */
    int64_t timer_ns;
    enum bft_halt_reason halt;
    uint64_t finals;              /* FINALIZE effects seen */
    struct td_hash final_hash[512]; /* by height */
    struct bft_final_block stored[512];
    uint32_t evidence_count;
    struct bft_evidence evidence[8];
    uint32_t alarms[4];
    uint32_t fetches;
    uint32_t epochs;              /* ENTER_EPOCH effects */
    uint32_t proofs, attested, batches;
    uint32_t signs[BFT_SIGNED_KINDS + 1];
    struct bft_signed last_signed[BFT_SIGNED_KINDS + 1];
    struct bft_proof last_proof;
};

struct cl {
    uint32_t n;
    struct bft_config cfg;
    struct bft_set sets[4];
    struct cl_node node[CL_NODES_MAX];
    struct cl_packet *queue;
    uint32_t head, count;
    int64_t now_ns;
    int64_t skew_ms; /* added to the wall clock of every node */
    uint64_t messages; /* delivered to cores */
    enum bft_verdict last_verdict;
    uint64_t txs; /* transactions per payload: 0 = empty payloads */
    void (*tweak)(struct cl *c, uint32_t from, uint32_t to, struct bft_msg *m, bool *drop);
    void *user;
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
/* Restart a node from what it stored (guard, final blocks), with or without its guard. */
void cl_restart(struct cl *c, uint32_t node, bool with_guard);

/* Certificates made by hand out of the nodes listed in mask (bit = node number). */
struct cl_cert {
    struct bft_qc qc;
    struct bft_tc tc;
    struct td_sig sigs[BFT_SIGNERS_MAX];
    struct bft_tc_entry entries[BFT_SIGNERS_MAX];
};
void cl_qc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round, uint64_t height,
           const struct td_hash *hash, uint32_t mask);
void cl_tc(struct cl *c, struct cl_cert *out, uint64_t epoch, uint64_t round,
           const uint64_t *locks, uint32_t mask, const struct bft_qc *high);
void cl_vote(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
             uint64_t height, const struct td_hash *hash);
void cl_commit(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
               const struct td_hash *hash);
void cl_timeout(struct cl *c, struct bft_msg *m, uint32_t node, uint64_t epoch, uint64_t round,
                uint64_t lock);
