/* State of the core and the seams between its files.  Not for other modules.
 *
 *   replica.c    region, init, dispatch, invariants      tree.c      unfinalized headers
 *   certs.c      certificate storage                     tally.c     counting votes per round
 *   rounds.c     round entry, timer, QC and TC handling  timeouts.c  timeouts and TCs
 *   proposals.c  header rules and the vote               leading.c   building a proposal
 *   finality.c   finality, final ring, execution         attest.c    attestations
 *   batches.c    batch attestations
 *   epochs.c     sets, leaders, hand-off                 own.c       sign, persist, send
 *   peers.c      Status, start rule                      sync.c      block sync, fetch by hash
 *   evidence.c   conflicting messages                                                          */
#pragma once

#include "base/core/assert.h"
#include "consensus/plant.h"
#include "consensus/replica.h"

#define NS_PER_MS INT64_C(1000000)
#define BFT_NEVER INT64_MAX
#define BFT_SYNC_PATIENCE_NS (2000 * NS_PER_MS) /* behind by a little for this long: sync */

/* Rounds with tallies: current - 8 .. current + 2.  Eight back so that votes delayed by a few
 * timeouts still certify; two ahead is the protocol's bound  [P-13.1]. */
#define BFT_ROUNDS_BACK 8u
#define BFT_ROUND_RING 16u
_Static_assert(BFT_ROUNDS_BACK + TD_ROUNDS_AHEAD_MAX + 1u <= BFT_ROUND_RING, "rounds fit the ring");

#define BFT_NODE_NONE UINT32_MAX
#define BFT_NODES_MAX TD_UNFINAL_HEADERS_MAX
#define BFT_INDEX_SLOTS (2u * BFT_NODES_MAX)

/* Own messages between SIGN and SEND: a window of attestations with their batch ends, and four
 * kinds for each of 16 rounds that a 2 s fsync can overlap. */
#define BFT_OWN_MAX 128u
/* Sends of one step that need a message of their own: a proposal, votes and timeouts (6), a window
 * of attestations and batch attestations (20), certificates in answer (4), Status to 24 peers. */
#define BFT_OUT_MAX 64u
#define BFT_STATUS_PER_STEP 24u
#define BFT_WANTED_MAX 16u

struct bft_qc_slot {
    bool used;
    struct bft_qc qc;
    struct td_sig *sigs; /* [n] */
};
struct bft_attest_slot {
    bool used;
    struct bft_attest_cert cert;
    struct td_sig *sigs; /* [n] */
};
struct bft_tc_slot {
    bool used;
    struct bft_tc tc;
    struct bft_tc_entry *entries; /* [n] */
    struct bft_qc_slot high;
};

/* One message per signer, counted by content.  Distinct contents <= signers. */
struct bft_tally_group {
    struct td_hash hash;
    uint64_t height;
    uint64_t weight;
    struct bft_bitmap signers;
};
struct bft_tally {
    struct bft_bitmap seen;
    uint32_t group_count;
    struct bft_tally_group *group; /* [n] */
    uint16_t *group_of;            /* [n] */
    struct td_sig *sig;            /* [n] */
};

struct bft_round {
    uint64_t round; /* which round the slot holds; 0 = unused */
    bool has_proposal;
    bool justified;    /* the proposal's certificates allow its round  [P-4.1] */
    bool rejected;     /* broken header rule: never voted for */
    bool carried_cert; /* the proposal carried an attestation certificate */
    struct bft_propose proposal;
    int64_t received_ns;
    struct bft_tally votes;
    struct bft_tally commits;
    struct bft_bitmap timed; /* signers with a counted timeout */
    uint64_t timed_weight;
    struct bft_tc_entry *timeout; /* [n] by signer */
    bool tc_formed;
    struct bft_qc_slot qc;
};

enum bft_payload_state { BFT_PAYLOAD_UNKNOWN, BFT_PAYLOAD_OK, BFT_PAYLOAD_BAD };
enum bft_origin_state {
    BFT_ORIGIN_SAME,
    BFT_ORIGIN_UNASKED, /* the step that wanted to ask had no room: asked before it is voted for */
    BFT_ORIGIN_ASKED,
    BFT_ORIGIN_OK,
    BFT_ORIGIN_BAD
};

struct bft_node {
    bool used;
    bool anchored; /* linked to the root, derived fields valid */
    enum bft_payload_state payload;
    enum bft_origin_state origin;
    uint32_t parent; /* node index, or BFT_NODE_NONE */
    uint32_t mark;
    struct bft_chain_state state;
    struct td_hash hash;
    struct bft_header header;
};

struct bft_tree {
    struct bft_node *node; /* [BFT_NODES_MAX] */
    uint32_t *index;       /* [BFT_INDEX_SLOTS], node + 1, linear probing by hash */
    uint32_t used;         /* nodes in use */
    uint32_t high;         /* every used node is below this */
    uint32_t root;
    uint32_t detached; /* used nodes that are not anchored */
    uint32_t mark;
};

/* Newest message of each kind a signer is known to have sent. */
struct bft_seen {
    struct td_addr addr;
    bool present[BFT_SIGNED_KINDS];
    struct bft_propose propose;
    struct bft_vote vote;
    struct bft_commit commit;
    struct bft_timeout timeout;
    struct bft_attest attest;
    struct bft_batch_attest batch;
};

/* Newest message per (signer, kind) beyond the window.  [P-13.1] */
struct bft_far {
    bool has_vote, has_commit, has_timeout;
    struct bft_vote vote;
    struct bft_commit commit;
    struct bft_timeout timeout;
};

enum bft_own_state { BFT_OWN_ASKED, BFT_OWN_WAITS };
struct bft_own {
    enum bft_own_state state;
    uint64_t persist_id;
    uint64_t parent_round;
    struct bft_signed msg;
};

struct bft_peer {
    bool up;
    bool has_status; /* ... from an epoch not above ours */
    uint64_t epoch;  /* claimed in Status */
    uint16_t signer; /* in the current set, or BFT_NO_SIGNER */
    struct td_addr addr;
    uint64_t final_height; /* claimed; lowered when a claim turns out empty */
    uint64_t l1_number;
    int64_t status_at_ns;
    struct bft_slot helped; /* newest slot for which a certificate was sent in answer */
    uint64_t helped_height;
    struct bft_slot proof_sent; /* root whose proof this peer was sent last */
};

struct bft_wanted {
    bool used;
    enum bft_object_kind kind;
    struct td_hash hash;
    struct bft_bitmap holders;
    int64_t next_ns;
    uint32_t tries;
    uint64_t round; /* for eviction: the oldest wish yields */
};

struct bft_attest_round {
    uint64_t height; /* 0 = unused */
    struct bft_tally tally;
};
/* One executed batch end.  Kept after it is certified, to answer those who still ask. */
struct bft_batch_round {
    uint64_t height; /* 0 = unused */
    uint64_t epoch;
    struct td_hash set_hash;
    struct td_hash batch_hash;
    bool done;
    uint64_t answered[BFT_PEERS_MAX / 64u]; /* peers sent the certificate */
    struct bft_tally tally;
};
/* Ends that may be open at once: the attestation window holds 12 heights and batches are longer in
 * practice; eight leave room for a network that ends one every other block. */
#define BFT_BATCH_ROUNDS 8u

/* Certificates copied for the effects of one step.  A step changes round, epoch or proof at most a
 * few times before it settles; what finds no room is a message that will be repeated. */
#define BFT_EXPORTS_MAX 32u
#define BFT_EXPORTS_RESERVED 4u /* certificates' worth of room that only PERSIST may use */
enum bft_export_kind {
    BFT_EXPORT_QC,
    BFT_EXPORT_TC,
    BFT_EXPORT_ATTEST,
};
struct bft_export {
    enum bft_export_kind kind;
    const void *head; /* of the copy: what identifies it beside its signatures */
    const void *sigs;
    size_t sig_bytes;
    const void *at;
};

struct bft_replica {
    struct bft_config cfg;
    uint32_t n; /* capacity: cfg.validators_max */

    /* Epoch */
    struct bft_set set[3]; /* previous, current, next: by pointer below */
    struct bft_set *set_prev, *set_cur, *set_next;
    bool has_prev, has_next;
    struct bft_leaders leaders;
    struct td_hash seed;
    struct bft_bitmap excluded;
    uint32_t *produced; /* [n] */
    uint64_t epoch;
    uint64_t last_height;                /* last height of `epoch` */
    struct bft_attest_slot genesis_cert; /* AttestCert(last of epoch - 1); unused in epoch 0 */
    struct bft_qc genesis_qc;            /* the round 0 certificate of `epoch` */
    uint16_t self;                       /* signer index or BFT_NO_SIGNER */

    /* Round */
    uint64_t round;
    struct bft_entry entry; /* into entry_qc / entry_tc */
    struct bft_qc_slot entry_qc;
    struct bft_tc_slot entry_tc;
    int64_t round_deadline_ns;
    int64_t propose_at_ns;  /* BFT_NEVER = not leading, or done */
    int64_t defer_at_ns;    /* a vote waits for the wall clock */
    int64_t processing_ns;  /* decaying maximum of proposal-to-vote time */
    int64_t parent_seen_ns; /* first reception of the newest certified proposal */
    bool asked_payload;
    struct td_hash asked_parent;
    bool timed_out;     /* own timeout for `round` decided */
    bool timeout_ready; /* ... and durable: may be repeated */
    struct bft_timeout own_timeout;
    bool *silent;           /* [n] last slot timed out, nothing signed has arrived since */
    struct bft_round *ring; /* [BFT_ROUND_RING] */
    struct bft_far *far;    /* [n] */
    uint32_t far_count;

    /* Voting state, current epoch */
    uint64_t last_voted, last_timeout, last_commit, last_proposed;
    struct bft_qc_slot high_qc;    /* = the lock  [P-4.3] */
    struct bft_qc_slot timeout_qc; /* the lock QC that own_timeout named */
    struct bft_guard guard;        /* mirror of what was asked to be signed */
    bool had_guard;

    /* Chain */
    struct bft_tree tree;
    struct bft_final_block final_ring[BFT_FINAL_RING]; /* by height */
    uint64_t final_height;
    struct td_hash final_hash;
    uint64_t executed_height;
    struct bft_header *final_out; /* [BFT_NODES_MAX] headers of this step's FINALIZE effects */
    uint32_t final_out_count;
    enum bft_proof_kind proof_kind; /* newest proof */
    struct bft_attest_slot proof_attest;
    struct bft_qc_slot proof_qc, proof_qc_child;
    struct bft_header proof_tip, proof_child;
    bool pending_final; /* a commit certificate waits for headers */
    struct bft_qc_slot pending_commit;

    /* Attestation */
    struct bft_attest_slot attested; /* newest certificate */
    uint64_t attested_height;
    struct td_hash attested_digest;
    int64_t attested_at_ns;
    struct bft_attest_fields memo_fields; /* last attestation hashed, and its digest */
    struct td_hash memo_digest;
    struct bft_attest own_attest[TD_ATTEST_SLOTS]; /* by height */
    bool has_own_attest[TD_ATTEST_SLOTS];
    struct bft_batch_attest own_batch[BFT_BATCH_ROUNDS];
    bool has_own_batch[BFT_BATCH_ROUNDS];
    struct bft_attest_round attest_round[TD_ATTEST_SLOTS];
    struct bft_batch_round batch_round[BFT_BATCH_ROUNDS];
    uint64_t batch_floor; /* ends at or below are certified in the store */
    int64_t attest_resend_ns;

    /* Own messages */
    struct bft_own own[BFT_OWN_MAX];
    uint32_t own_head, own_count;
    uint64_t persist_next;        /* newest id handed out */
    uint64_t durable_id;          /* newest id that is durable */
    struct bft_header own_header; /* of the own proposal in flight */
    struct td_hash own_hash;
    struct bft_qc_slot own_qc;
    struct bft_attest_slot own_att;
    bool own_has_tc, own_has_att;
    struct bft_vote sent_vote; /* newest durable ones; round 0 = none */
    struct bft_commit sent_commit;

    /* Peers, sync */
    enum bft_mode mode;
    enum bft_halt_reason halt;
    uint64_t trusted_from_epoch; /* own messages of older epochs prove no doppelganger */
    uint64_t passive_after;      /* passive until an epoch above this one */
    bool dirty_start;            /* a Status named something newer than the guard */
    struct bft_peer *peer;       /* [BFT_PEERS_MAX] */
    uint32_t peer_high;
    struct bft_seen *seen, *seen_spare; /* [n] */
    uint64_t l1_number;
    struct td_hash l1_hash;
    bool syncing;
    bool synced_once;
    bool claims_changed; /* sync_top is to be recomputed */
    uint64_t sync_top;   /* highest final height that a connected peer claims */
    uint64_t sync_from;
    uint32_t sync_peer;
    int64_t sync_at_ns;
    uint32_t sync_tries;
    int64_t behind_since_ns;
    struct bft_wanted wanted[BFT_WANTED_MAX];

    /* Evidence */
    uint8_t *evidence_seen; /* [n] bit per kind */
    struct bft_evidence evidence_out[4];
    struct bft_header evidence_header[4];
    uint32_t evidence_count;

    /* Scratch and outputs */
    struct bft_qc_slot scratch_qc;
    struct bft_tc_slot scratch_tc;
    struct bft_attest_slot scratch_attest;
    struct bft_msg *out; /* [BFT_OUT_MAX] */
    uint32_t out_count;
    uint8_t *reply; /* BFT_HEADERS_PER_REPLY encoded headers */
    struct td_bytes reply_view[BFT_HEADERS_PER_REPLY];
    int64_t timer_ns; /* as last told to the shell */
    uint8_t *step_mem;
    size_t step_bytes; /* whole size */
    size_t step_cap;   /* usable now: less the reserve */
    size_t step_used;
    struct bft_export export_list[BFT_EXPORTS_MAX];
    uint32_t export_count;

    /* The step being run */
    int64_t now_ns;
    uint64_t wall_ms;
    struct bft_effects *fx;
    bool stepping_vote;       /* something changed that may allow a vote or a proposal */
    bool stepping_final;      /* ... that may complete finality */
    bool stepping_want;       /* ... a new wish was noted */
    bool stepping_far;        /* ... the window moved: far messages may fit */
    uint64_t alarm_height[4]; /* by alarm: final height + 1 when last raised */
    uint64_t verdicts[BFT_VERDICT_COUNT];
    uint64_t rounds_entered_qc, rounds_entered_tc;
};

/* replica.c */
struct bft_effect *bft_fx(struct bft_replica *r, enum bft_effect_kind kind);
void bft_halt(struct bft_replica *r, enum bft_halt_reason why);
void bft_alarm_raise(struct bft_replica *r, enum bft_alarm alarm);
/* A message for a SEND effect, or NULL when this step has sent its fill (rebroadcast will come). */
struct bft_msg *bft_out(struct bft_replica *r, uint32_t peer, enum bft_msg_kind kind);
static inline bool bft_active(const struct bft_replica *r)
{
    return r->mode == BFT_MODE_ACTIVE && r->self != BFT_NO_SIGNER;
}

/* certs.c */
void bft_qc_put(struct bft_replica *r, struct bft_qc_slot *slot, const struct bft_qc *qc);
void bft_tc_put(struct bft_replica *r, struct bft_tc_slot *slot, const struct bft_tc *tc);
void bft_attest_put(struct bft_attest_slot *slot, const struct bft_attest_cert *c);
void bft_qc_genesis(struct bft_replica *r, struct bft_qc *out);
/* A held QC of exactly `round` of this epoch (0 = the genesis certificate), or NULL. */
const struct bft_qc *bft_qc_held(const struct bft_replica *r, uint64_t round);

/* Copies that live until the next step, for effects to point to; NULL or false when the step's room
 * is used up.  Equal certificates are copied once. */
const struct bft_qc *bft_export_qc(struct bft_replica *r, const struct bft_qc *qc);
const struct bft_tc *bft_export_tc(struct bft_replica *r, const struct bft_tc *tc);
const struct bft_attest_cert *bft_export_attest(struct bft_replica *r,
                                                const struct bft_attest_cert *c);
const struct bft_batch_cert *bft_export_batch(struct bft_replica *r,
                                              const struct bft_batch_cert *c);
const struct bft_header *bft_export_header(struct bft_replica *r, const struct bft_header *h);
bool bft_export_entry(struct bft_replica *r, struct bft_entry *out); /* of r->entry */
bool bft_export_proof(struct bft_replica *r, struct bft_proof *out, const struct bft_proof *p);

/* tally.c */
enum bft_tally_result { BFT_TALLY_NEW, BFT_TALLY_SAME, BFT_TALLY_OTHER };
void bft_tally_reset(struct bft_tally *t);
/* Count signer's message; *group receives the index of its content group. */
enum bft_tally_result bft_tally_add(struct bft_tally *t, const struct bft_set *set, uint16_t signer,
                                    const struct td_hash *hash, uint64_t height,
                                    const struct td_sig *sig, uint32_t *group);
/* Signatures of a group in signer order into sigs; returns their number. */
uint32_t bft_tally_collect(const struct bft_tally *t, uint32_t group, struct td_sig *sigs);

/* rounds.c */
struct bft_round *bft_round_get(struct bft_replica *r, uint64_t round);  /* in window or NULL */
struct bft_round *bft_round_peek(struct bft_replica *r, uint64_t round); /* existing or NULL */
void bft_rounds_reset(struct bft_replica *r);
void bft_enter_round(struct bft_replica *r, uint64_t round, const struct bft_qc *qc,
                     const struct bft_tc *tc);
void bft_process_qc(struct bft_replica *r, const struct bft_qc *qc);
void bft_process_tc(struct bft_replica *r, const struct bft_tc *tc);
enum bft_verdict bft_on_vote(struct bft_replica *r, const struct bft_vote *v);
enum bft_verdict bft_on_commit(struct bft_replica *r, const struct bft_commit *c);
void bft_arm_round(struct bft_replica *r);
/* Start the timers of the round restored at init. */
void bft_round_resume(struct bft_replica *r);
void bft_far_replay(struct bft_replica *r);

/* timeouts.c */
enum bft_verdict bft_on_timeout(struct bft_replica *r, const struct bft_timeout_msg *m,
                                uint32_t peer);
void bft_timeout_due(struct bft_replica *r);
void bft_timeout_join(struct bft_replica *r);
void bft_timeout_send(struct bft_replica *r, uint32_t peer);
enum bft_verdict bft_timeout_count(struct bft_replica *r, const struct bft_timeout *t);

/* tree.c */
uint32_t bft_tree_find(const struct bft_tree *t, const struct td_hash *hash);
/* Insert a header (idempotent).  Returns its node or BFT_NODE_NONE when the tree is full. */
/* Export the header and ask; without room the node stays UNASKED. */
void bft_origin_ask(struct bft_replica *r, struct bft_node *n);
uint32_t bft_tree_add(struct bft_replica *r, const struct bft_header *h,
                      const struct td_hash *hash);
void bft_tree_reset(struct bft_replica *r, const struct bft_header *root,
                    const struct td_hash *hash, const struct bft_chain_state *state);
void bft_tree_adopt(struct bft_replica *r, const struct bft_header *root,
                    const struct td_hash *hash, const struct bft_chain_state *state);
/* Make `node` the root and drop everything that does not descend from it. */
void bft_tree_reroot(struct bft_replica *r, uint32_t node);
bool bft_tree_descends(const struct bft_tree *t, uint32_t node, uint32_t ancestor);
void bft_chain_step(struct bft_chain_state *out, const struct bft_chain_state *before,
                    const struct bft_header *parent, const struct bft_header *h);

/* proposals.c */
enum bft_verdict bft_on_proposal(struct bft_replica *r, const struct bft_proposal *p);
void bft_try_vote(struct bft_replica *r);
/* Note that `node` was anchored: finality and votes are looked at again before the step ends. */
void bft_header_added(struct bft_replica *r, uint32_t node);
/* Attestation base of a child of `parent` certified by round `parent_round`.  [P-6.4] */
void bft_att_base(const struct bft_replica *r, const struct bft_header *parent,
                  uint64_t parent_round, uint64_t *height, struct td_hash *digest);
enum bft_digest_state { BFT_DIGEST_OK, BFT_DIGEST_WAIT, BFT_DIGEST_BAD };
/* resultDigest that a block at `height` must carry, if known here.  */
enum bft_digest_state bft_digest_for(const struct bft_replica *r, uint64_t height,
                                     struct td_hash *out);
/* Must / may a block at `height`, first of the rest given, end its batch?  [P-9.5] */
void bft_batch_bounds(const struct bft_replica *r, const struct bft_chain_state *before,
                      uint64_t height, uint64_t ts_ms, bool *must, bool *may);

/* leading.c */
void bft_try_propose(struct bft_replica *r);
void bft_on_built(struct bft_replica *r, const struct bft_payload_built *b);
void bft_own_proposal_out(struct bft_replica *r, const struct bft_propose *p);

/* finality.c */
struct bft_final_block *bft_final_at(struct bft_replica *r, uint64_t height);
const struct bft_final_block *bft_final_peek(const struct bft_replica *r, uint64_t height);
void bft_final_push(struct bft_replica *r, const struct bft_header *h, const struct td_hash *hash,
                    const struct bft_chain_state *state);
/* Finalize `node` and all ancestors; `proof` becomes the newest proof. */
void bft_finalize(struct bft_replica *r, uint32_t node, const struct bft_proof *proof);
void bft_proof_store(struct bft_replica *r, const struct bft_proof *proof);
void bft_proof_get(const struct bft_replica *r, struct bft_proof *out);
void bft_proof_emit(struct bft_replica *r); /* FINAL_PROOF effect */
void bft_try_final(struct bft_replica *r);
void bft_two_chain(struct bft_replica *r, const struct bft_qc *qc_child);
/* A verified proof from a peer whose tip directly follows the newest final block here. */
void bft_proof_take(struct bft_replica *r, const struct bft_proof *proof);
void bft_commit_cert(struct bft_replica *r, const struct bft_qc *cc);
void bft_on_executed(struct bft_replica *r, const struct bft_executed *x);

/* attest.c */
enum bft_verdict bft_on_attest(struct bft_replica *r, const struct bft_attest *a, uint32_t peer);
enum bft_verdict bft_on_attest_cert(struct bft_replica *r, const struct bft_attest_cert *c);
enum bft_verdict bft_on_batch_attest(struct bft_replica *r, const struct bft_batch_attest *b,
                                     uint32_t peer);
enum bft_verdict bft_on_batch_cert(struct bft_replica *r, const struct bft_batch_cert *c);
void bft_attest_sign(struct bft_replica *r, uint64_t height);
void bft_attest_sign_missing(struct bft_replica *r);
/* Count what the guard says was attested before a restart. */
void bft_attest_recount(struct bft_replica *r);
void bft_attest_resend(struct bft_replica *r);
void bft_attest_reset(struct bft_replica *r);
void bft_batch_sign_missing(struct bft_replica *r);
/* A block was executed: if it ends a batch, sign that and collect the others' signatures. */
void bft_batch_open(struct bft_replica *r, const struct bft_final_block *b);
void bft_batch_resend(struct bft_replica *r);
void bft_batch_restore(struct bft_replica *r, uint64_t certified);

/* epochs.c */
void bft_epoch_try_next(struct bft_replica *r);
void bft_next_set_try(struct bft_replica *r);
/* nextSetHash for a block at `height`: false while the set is unknown here. */
bool bft_next_set_hash(struct bft_replica *r, uint64_t height, struct td_hash *out);
void bft_on_set_known(struct bft_replica *r, const struct td_hash *registry_hash,
                      const struct bft_set *set);

/* own.c */
/* Set last proposed, voted, commit, timeout of the current epoch from the guard's mirror. */
void bft_own_bind(struct bft_replica *r);
bool bft_own_room(const struct bft_replica *r);
/* Is a message of this kind and round (height for attestations) on its way? */
bool bft_own_pending(const struct bft_replica *r, enum bft_signed_kind kind, uint64_t number);
void bft_own_sign(struct bft_replica *r, const struct bft_signed *m, uint64_t parent_round);
void bft_on_signed(struct bft_replica *r, const struct bft_signed *m);
void bft_on_persisted(struct bft_replica *r, uint64_t id);
bool bft_own_releasable(const struct bft_replica *r);
void bft_own_release(struct bft_replica *r);
void bft_own_resend(struct bft_replica *r, uint32_t peer);

/* peers.c */
void bft_on_peer_up(struct bft_replica *r, uint32_t peer, const struct td_addr *addr);
void bft_on_peer_down(struct bft_replica *r, uint32_t peer);
enum bft_verdict bft_on_status(struct bft_replica *r, const struct bft_status *s, uint32_t peer);
void bft_status_due(struct bft_replica *r);
void bft_status_send(struct bft_replica *r, uint32_t peer);
void bft_start_try(struct bft_replica *r);
void bft_start_again(struct bft_replica *r);
void bft_peers_rebind(struct bft_replica *r);
void bft_seen_note(struct bft_replica *r, const struct bft_signed *m);
/* Own-key message from outside: false = it proves a doppelganger and the node halts. */
bool bft_own_known(struct bft_replica *r, const struct bft_signed *m);
/* epoch: the one the peer is in. */
void bft_help_peer(struct bft_replica *r, uint32_t peer, uint64_t epoch);
uint64_t bft_origin_quorum(const struct bft_replica *r);

/* sync.c */
void bft_want(struct bft_replica *r, enum bft_object_kind kind, const struct td_hash *hash,
              const struct bft_bitmap *holders, uint64_t round);
/* Ask for the first header missing between `hash` and the root, if any. */
void bft_want_chain(struct bft_replica *r, const struct td_hash *hash,
                    const struct bft_bitmap *holders, uint64_t round);
void bft_want_done(struct bft_replica *r, const struct td_hash *hash);
void bft_want_due(struct bft_replica *r);
int64_t bft_want_next(const struct bft_replica *r);
enum bft_verdict bft_on_by_hash(struct bft_replica *r, const struct bft_by_hash *m);
enum bft_verdict bft_on_get_by_hash(struct bft_replica *r, const struct bft_get_by_hash *m,
                                    uint32_t peer);
enum bft_verdict bft_on_blocks(struct bft_replica *r, const struct bft_blocks *b, uint32_t peer);
void bft_sync_check(struct bft_replica *r);
void bft_sync_due(struct bft_replica *r);

/* evidence.c */
void bft_evidence_pair(struct bft_replica *r, enum bft_evidence_kind kind,
                       const struct bft_signed *a, const struct bft_signed *b,
                       const struct bft_header *header);
enum bft_verdict bft_on_evidence(struct bft_replica *r, const struct bft_evidence *e);
void bft_evidence_commit(struct bft_replica *r, const struct bft_commit *c);
void bft_evidence_vote(struct bft_replica *r, const struct bft_vote *v);
void bft_evidence_timeout(struct bft_replica *r, const struct bft_timeout *t);
