/* The consensus core: one validator's (or follower's) step function.  [P-3 .. P-11]
 *
 *   message, tick, persisted, executed ... ──▶ bft_step(replica, event) ──▶ effects, in order
 *
 * Pure: no clock, I/O, key, randomness, thread or float.  Every peer message was decoded and its
 * signatures verified before its event exists (verify.h); the shell signs, stores and sends.
 *
 *                     QC(r-1) or TC(r-1)
 *        ┌───────────────────────────────────────┐
 *        ▼                                       │
 *   ┌─ round r ──────────────────────────────────┴───────────────────────────────┐
 *   │ proposal ok ──▶ SIGN vote ──▶ QC(r) ──▶ SIGN commit vote, enter r + 1      │
 *   │ timer / weak quorum of timeouts ──▶ SIGN timeout ──▶ TC(r) ──▶ enter r + 1 │
 *   └────────────────────────────────────────────────────────────────────────────┘
 *
 * A signature's way:  SIGN ─▶ (guard, key) ─▶ EV_SIGNED ─▶ PERSIST ─▶ (fsync) ─▶ EV_PERSISTED ─▶
 * counted here and SEND.  So nothing this node signed counts anywhere before it is durable.
 *
 * Invariants (asserted after every step)
 *  1. (epoch, round), last voted, last timeout, last commit, the final height never decrease.
 *  2. last timeout <= last voted;  high_qc.slot < slot, or is this epoch's genesis certificate.
 *  3. The root of the header tree is the newest final block; every tree node descends from it.
 *  4. A node that is not active (starting or passive) emits no SIGN.
 *  5. Memory is the region handed to bft_init; effects stay below BFT_EFFECTS_MAX.
 *
 * Threads: one at a time per replica.  Pointers inside effects live until the next call. */
#pragma once

#include <stddef.h>

#include "consensus/guard.h"
#include "consensus/leader.h"
#include "consensus/message.h"
#include "consensus/verify.h"

/* Genesis parameters every node shares (bound by the genesis hash) and this node's place. */
struct bft_config {
    struct bft_domain domain;
    struct bft_header genesis;      /* h = r = e = 0 */
    struct td_hash genesis_hash;    /* block hash of `genesis` */
    struct td_hash genesis_result;  /* resultDigest used while h - 3 < 1 */
    const struct bft_set *schedule; /* borrowed; set i belongs to epoch i; later epochs keep the
                                       last one's members (networks without an L1)  [P-8.1] */
    uint32_t schedule_count;        /* >= 1: [0] is the genesis set */
    bool has_l1;                    /* false: origin stays zero, its age is not checked */
    uint64_t epoch_length;          /* heights per epoch, >= 64 */
    uint32_t validators_max;        /* <= BFT_SIGNERS_MAX */
    uint32_t payload_bytes_max;
    uint32_t txs_max;
    uint32_t batch_blocks_min; /* a leader may end a batch from here on  [P-9.5] */
    uint32_t batch_blocks_max; /* ... and must here */
    uint64_t batch_ms_max;     /* ... or at this age, ms */
    uint64_t batch_native_max; /* ... or when h - 3 had reached this native cost */
    uint64_t batch_bytes_max;  /* ... or this many published bytes */
    int64_t block_interval_ns; /* 0 = propose at once */
    int64_t delta_ns;          /* Δ, 250 ms by default */
    struct td_addr self;       /* this node's validator address; zero = follower */
};

/* What execution of final block `height` yielded. */
struct bft_executed {
    struct bft_result result;  /* digest inputs; block_hash and height name the block */
    struct td_hash batch_hash; /* when the block ends a batch */
    uint64_t batch_native;     /* native cost of the batch so far, this block included */
    uint64_t batch_bytes;      /* published bytes of the batch so far */
};

/* What later header checks need of the chain up to a block, beside its header. */
struct bft_chain_state {
    uint64_t origin_ts;   /* tsMs of the block that last advanced l1Origin  [P-7.4] */
    uint64_t batch_ts;    /* tsMs of the open batch's first block */
    uint32_t batch_count; /* non-filler blocks in the open batch; 0 right after a batch end */
};

/* One final non-filler block as the store remembers it. */
struct bft_final_block {
    struct bft_header header;
    struct td_hash hash;
    struct bft_chain_state state; /* after this block, from its FINALIZE */
    bool executed;
    struct bft_executed exec;
};

/* Newest final heights kept by the core: enough for h - 3, the attestation window and hand-off. */
#define BFT_FINAL_RING 64u

/* State handed back at start: everything the store and the guard kept. */
struct bft_restore {
    const struct bft_guard *guard; /* NULL = this node has no guard record */
    const struct bft_final_block
        *finals; /* newest final blocks, ascending height, [final_count];
                    none = only genesis.  Last <= BFT_FINAL_RING are used */
    uint32_t final_count;
    struct td_hash epoch_seed;        /* from ENTER_EPOCH; zero = epoch 0 */
    const struct bft_header *headers; /* unfinalized headers stored with own signatures */
    uint32_t header_count;
    const struct bft_set *set;      /* current epoch's set; NULL = schedule[0] */
    const struct bft_set *prev_set; /* the epoch before's; NULL in epoch 0, or where the
                                       schedule tells it */
    struct bft_bitmap excluded;     /* current epoch's reputation exclusions */
    const uint32_t *produced;       /* [set->count] blocks of this epoch so far; NULL = 0 */
    const struct bft_attest_cert *attest_cert; /* newest certified attestation, NULL = none */
    uint64_t batch_certified; /* last height of the newest batch whose certificate the
                                 store holds; later ends are collected again */
    const struct bft_attest_cert
        *genesis_cert; /* AttestCert(last) of the epoch before, NULL in 0 */
    /* From the newest FINAL_PROOF, NULL = none: where its tip is a filler above the last of
     * `finals`, it is the root that everything unfinalized stands on. */
    const struct bft_proof *final_proof;
    const struct bft_qc *lock_qc; /* from the newest PERSIST; NULL = genesis */
    struct bft_entry entry;       /* from the newest PERSIST */
};

enum bft_event_kind {
    BFT_EV_START,   /* first event after bft_init */
    BFT_EV_MESSAGE, /* verified peer message */
    BFT_EV_TICK,    /* the timer fired (early or late is harmless) */
    BFT_EV_PEER_UP, /* a connection is authenticated */
    BFT_EV_PEER_DOWN,
    BFT_EV_PAYLOAD_READY,  /* payload of header `hash` is here: valid or not */
    BFT_EV_PAYLOAD_BUILT,  /* answer to MAKE_PAYLOAD */
    BFT_EV_ORIGIN_VERDICT, /* answer to CHECK_ORIGIN */
    BFT_EV_EXECUTED,
    BFT_EV_SET_KNOWN, /* preimage of a registry set hash, or "malformed" */
    BFT_EV_SIGNED,    /* answer to SIGN */
    BFT_EV_PERSISTED, /* everything up to this id is durable */
    BFT_EV_L1_HEAD,   /* this node's finalized L1 head moved */
};

struct bft_payload_built {
    uint64_t epoch;
    uint64_t round; /* echoes MAKE_PAYLOAD; stale answers are dropped */
    struct td_hash payload_root;
    uint32_t payload_bytes;
    uint32_t tx_count;
    struct bft_origin origin; /* used only where the rules let it advance */
    bool end_batch;           /* the prover is free: end the batch if the bounds allow */
};

struct bft_event {
    enum bft_event_kind kind;
    int64_t mono_ns;  /* monotonic, never steps back between events */
    uint64_t wall_ms; /* Unix time, may jump */
    uint32_t peer;    /* MESSAGE, PEER_*: connection handle, < BFT_PEERS_MAX */
    union {
        const struct bft_msg *msg; /* MESSAGE; borrowed for the call */
        struct td_addr peer_addr;  /* PEER_UP: validator address, zero = follower */
        struct {
            struct td_hash hash;
            bool valid;
        } verdict; /* PAYLOAD_READY, ORIGIN_VERDICT: header hash */
        struct bft_payload_built built;
        const struct bft_executed *executed;
        struct {
            struct td_hash registry_hash;
            const struct bft_set *set; /* NULL = malformed: keep the current members */
        } set_known;
        const struct bft_signed *signed_msg; /* SIGNED: the fields of SIGN, sig filled */
        uint64_t persist_id;
        struct {
            uint64_t number;
            struct td_hash hash;
        } l1;
    } u;
};

enum bft_effect_kind {
    BFT_FX_SIGN,         /* check the guard, sign, answer with EV_SIGNED */
    BFT_FX_PERSIST,      /* make guard, certificates and named headers durable: EV_PERSISTED */
    BFT_FX_SEND,         /* encode and send `msg` to `peer`, or to all when BFT_NO_PEER.  In an own
                            proposal tx_hashes is NULL: the shell adds those of payload_root */
    BFT_FX_TIMER,        /* deliver EV_TICK at `at_ns`; replaces the timer before */
    BFT_FX_FETCH,        /* ask `peer` (or anyone) for an object */
    BFT_FX_MAKE_PAYLOAD, /* build a payload on `hash`, answer with EV_PAYLOAD_BUILT */
    BFT_FX_CHECK_ORIGIN, /* compare header.origin with L1, answer with EV_ORIGIN_VERDICT */
    BFT_FX_FINALIZE,     /* block `header` is final; in height order, each once */
    BFT_FX_FINAL_PROOF,  /* proof of the newest final block, be it a filler: store the newest */
    BFT_FX_ATTESTED,     /* an attestation certificate above the newest known; store it */
    BFT_FX_BATCH_CERT,   /* a batch certificate formed or arrived; store it */
    BFT_FX_ENTER_EPOCH,  /* `epoch`, `set`; older sets remain valid for evidence */
    BFT_FX_EVIDENCE, /* store and keep; the core broadcasts it.  The shell sets the parity bit of
                        both signatures first, here and in every BFT_MSG_EVIDENCE it sends: what
                        the core holds of proposals, votes, commit votes and timeouts was good
                        with either parity, evidence is judged exactly.  bft_verify_collect on
                        the message lists two checks, a then b: td_secp_parity_fix takes their
                        key and digest; it cannot fail on what was verified, and changes nothing
                        where the bit is right  [P-1.3, P-12.1] */
    BFT_FX_SYNC,     /* block sync began (`on`) or ended */
    BFT_FX_ALARM,    /* tell the operator; operation goes on */
    BFT_FX_HALT,     /* stop for good; exit 80 */
};

enum bft_halt_reason {
    BFT_HALT_NONE,
    BFT_HALT_TWO_QCS,      /* two certified blocks in one round: >= N/3 of stake misbehaved */
    BFT_HALT_TWO_FINALS,   /* a proof contradicts a block final here */
    BFT_HALT_DOPPELGANGER, /* somebody else signs with this key */
    BFT_HALT_GUARD,        /* the guard refused what the core asked for */
};

enum bft_alarm {
    BFT_ALARM_PASSIVE,      /* no guard, or a newer own message exists: silent until next epoch */
    BFT_ALARM_DIVERGED,     /* resultDigest of a certified block differs from ours */
    BFT_ALARM_ATTEST_SPLIT, /* a peer attests other results at our height */
    BFT_ALARM_CLOCK,        /* certified timestamps run ahead of the local clock */
};

struct bft_effect {
    enum bft_effect_kind kind;
    uint32_t peer; /* SEND, FETCH; BFT_NO_PEER = all / any */
    union {
        struct {
            struct bft_signed msg; /* fields to sign */
            uint64_t parent_round; /* votes: round of the voted block's parent */
        } sign;
        struct {
            uint64_t id;                     /* grows by one */
            const struct bft_signed *msg;    /* the message that waits for it */
            const struct bft_qc *lock_qc;    /* full lock QC */
            struct bft_entry entry;          /* full certificate that entered the round */
            const struct bft_header *header; /* vote, proposal: the block; else NULL */
            const struct bft_header *parent; /* its parent when not final yet; else NULL */
        } persist;
        const struct bft_msg *msg; /* SEND */
        int64_t at_ns;             /* TIMER */
        struct {
            enum bft_object_kind kind;
            struct td_hash hash;
            struct bft_bitmap holders; /* signers known to hold it; empty = unknown */
        } fetch;
        struct {
            uint64_t epoch, round, height;
            struct td_hash parent;
            bool empty;          /* L1 origin too old: no transactions  [P-7.4] */
            bool advance_origin; /* the origin may advance in this block */
            uint64_t origin_max; /* ... up to this L1 number  [P-7.3] */
            struct bft_origin parent_origin;
        } make;
        struct {
            const struct bft_header *header;
            struct td_hash hash;
            struct bft_chain_state state;       /* FINALIZE: store it with the block */
        } block;                                /* FINALIZE, CHECK_ORIGIN */
        struct bft_proof proof;                 /* FINAL_PROOF */
        const struct bft_attest_cert *attested; /* ATTESTED */
        const struct bft_batch_cert *batch;     /* BATCH_CERT */
        struct {
            const struct bft_set *set;
            struct td_hash seed;
            struct bft_bitmap excluded;
            const struct bft_attest_cert *genesis_cert;
        } epoch; /* ENTER_EPOCH */
        const struct bft_evidence *evidence;
        bool on;
        enum bft_alarm alarm;
        enum bft_halt_reason halt;
    } u;
};

/* Bound on effects of one step: a step may finalize every unfinalized header (one effect each),
 * sign and certify a window of heights, and send a handful of messages. */
#define BFT_EFFECTS_MAX (TD_UNFINAL_HEADERS_MAX + 256u)
struct bft_effects {
    uint32_t count;
    struct bft_effect list[BFT_EFFECTS_MAX];
};

/* Connections a core tracks: validators in full mesh, followers, spare (max_peers >= 192). */
#define BFT_PEERS_MAX 512u

enum bft_mode {
    BFT_MODE_STARTING, /* collecting Status before the first signature  [P-10.4] */
    BFT_MODE_ACTIVE,
    BFT_MODE_PASSIVE,  /* follows, signs nothing until the next epoch  [P-10.5] */
    BFT_MODE_FOLLOWER, /* not in the current set */
    BFT_MODE_HALTED,
};

struct bft_replica;

/* Bytes of the region for a replica with `config`: a function of validators_max only. */
size_t bft_footprint(const struct bft_config *config);

/* Set up a replica inside `region` (bft_footprint bytes, 64-byte aligned, borrowed for life).
 *
 * Copies config and everything restore points to, except config->schedule (borrowed).  Returns
 * TD_E_CORRUPT if the restored parts contradict each other or the config. */
enum td_error bft_init(struct bft_replica **out, void *region, const struct bft_config *config,
                       const struct bft_restore *restore) TD_MUST_CHECK;

/* Process one event.  Overwrites `fx`.  Returns the verdict on a peer message (BFT_OK otherwise).
 */
enum bft_verdict bft_step(struct bft_replica *r, const struct bft_event *ev,
                          struct bft_effects *fx);

/* Read-only view for status pages, checkers and tests. */
struct bft_view {
    enum bft_mode mode;
    enum bft_halt_reason halt;
    bool syncing;
    uint64_t epoch, round;
    uint64_t final_height; /* newest final non-filler */
    struct td_hash final_hash;
    struct bft_slot final_slot; /* newest final block, filler or not */
    uint64_t executed_height;
    uint64_t attested_height; /* newest certified attestation known */
    uint64_t high_qc_round;
    uint64_t last_voted, last_timeout, last_commit; /* rounds in `epoch` */
    uint16_t signer;                                /* own index or BFT_NO_SIGNER */
    uint16_t leader;                                /* of the current round */
    uint32_t tree_nodes;                            /* headers held */
    uint64_t verdicts[BFT_VERDICT_COUNT];
    uint64_t rounds_entered_qc, rounds_entered_tc; /* since init */
};
void bft_view_get(const struct bft_replica *r, struct bft_view *out);

/* Sets known to the replica, for the verifier.  Valid until the next ENTER_EPOCH effect. */
void bft_sets_get(const struct bft_replica *r, struct bft_sets *out);
