/* The checker: looks after every step, knows the rules independently of the core.
 *
 *   property     what is compared
 *   agreement    final block per height, execution result per height, epoch parameters
 *   durability   final height never falls below what users were told
 *   signatures   no two conflicting signatures of an honest key, across restarts
 *   vote rule    every honest vote, commit vote, timeout and attestation was allowed
 *   certificates every certificate seen has a quorum of signatures that were really made
 *   evidence     never against an honest signer
 *   refusal      an honest node's message is never judged bad
 *   bounds       region untouched outside, headers <= bound, effects <= bound
 *   halt         no honest node stops for good
 *   liveness     after healing a block within 10 s, and everyone at the head
 *
 * Signatures that never left a node (a crash took them before they were durable) bind nobody. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "consensus/replica.h"

struct sim_world;
struct sim_node;
struct sim_frame;
struct sim_block;

#define SIM_KEY_WORDS 4u

/* Who signed one content: (kind, epoch, round or height, content). */
struct sim_tally {
    uint64_t tag; /* 0 = free */
    uint64_t weight;
    uint64_t keys[SIM_KEY_WORDS];
};
struct sim_tally_table {
    struct sim_tally *slot; /* owned */
    size_t slots, count;
};

/* What a key signed in one place: (key, kind, epoch, round or height). */
struct sim_log_entry {
    uint64_t tag; /* 0 = free */
    uint64_t content;
};
struct sim_log_table {
    struct sim_log_entry *slot; /* owned */
    size_t slots, count;
};

void sim_check_init(struct sim_world *w);
void sim_check_free(struct sim_world *w);

/* A replica asked for this signature and its guard agreed. */
void sim_check_made(struct sim_world *w, struct sim_node *n, const struct bft_signed *m,
                    uint64_t parent_round);
/* The same for a node that came back without its guard. */
void sim_check_silence(struct sim_world *w, struct sim_node *n, const struct bft_signed *m);
/* A signature leaves its node (honest or not). */
void sim_check_sent(struct sim_world *w, struct sim_node *n, const struct bft_signed *m);
/* An honest node took this frame as valid. */
void sim_check_frame(struct sim_world *w, struct sim_node *n, struct sim_frame *f,
                     const struct bft_msg *m);
void sim_check_final(struct sim_world *w, struct sim_node *n, const struct bft_header *h,
                     const struct td_hash *hash, const struct bft_chain_state *state);
void sim_check_proof(struct sim_world *w, struct sim_node *n, const struct bft_proof *proof);
void sim_check_evidence(struct sim_world *w, struct sim_node *n, const struct bft_evidence *e);
void sim_check_refusal(struct sim_world *w, struct sim_node *n, uint32_t from, uint64_t kind,
                       enum bft_verdict v);
/* After every step of an honest node. */
void sim_check_step(struct sim_world *w, struct sim_node *n, const struct bft_view *before);
void sim_check_restart(struct sim_world *w, struct sim_node *n, uint64_t final_height);
void sim_check_halt(struct sim_world *w, struct sim_node *n, enum bft_halt_reason why);
void sim_check_liveness(struct sim_world *w);
/* Start, or stop, watching for progress. */
void sim_liveness_begin(struct sim_world *w, int64_t window_ns);
void sim_liveness_end(struct sim_world *w);

/* Weight of the signers of a content in `epoch`; the certificate rules rest on it. */
uint64_t sim_tally_weight(const struct sim_world *w, enum bft_signed_kind kind, uint64_t epoch,
                          uint64_t place, uint64_t content);
bool sim_tally_has(const struct sim_world *w, enum bft_signed_kind kind, uint64_t epoch,
                   uint64_t place, uint64_t content, uint32_t key);
/* What a signed message says, in 64 bits, and where: round, or height. */
uint64_t sim_content_of(const struct bft_signed *m);
uint64_t sim_place_of(const struct bft_signed *m);
uint64_t sim_content_block(uint64_t height, const struct td_hash *hash);
uint64_t sim_content_attest(const struct bft_attest_fields *f);
