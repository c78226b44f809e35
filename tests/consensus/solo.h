/* One replica under test; the test plays the other validators of its set by hand.
 *
 * Node 0 is real, and holds so little stake that it leads next to never; 1, 2 and 3 are voices: any
 * two of them and node 0, or the three alone, make a quorum, and one of them with node 0, or any
 * two, a weak quorum.  (so_init_equal: equal stakes, the same quorums.)
 *
 *   so_block:  child of the tip ─▶ proposal ─▶ votes (QC) ─▶ commit votes (final) ─▶ attestations
 */
#pragma once

#include <criterion/criterion.h>

#include "tests/consensus/cluster.h"

#define SO_OTHERS 0xEu /* nodes 1, 2, 3 */
#define SO_STEP_MS 100

struct so_cert {
    struct bft_attest_cert cert;
    struct td_sig sigs[BFT_SIGNERS_MAX];
};

struct solo {
    struct cl c;
    struct bft_header tip; /* newest certified block */
    struct td_hash tip_hash;
    struct cl_cert tip_qc;
    struct cl_cert tc; /* of the round before, if has_tc */
    bool has_tc;
    bool attest;             /* so_block also attests and carries certificates */
    struct so_cert attested; /* newest by so_attest; height 0 = none */
    struct so_cert genesis;  /* of the current epoch, from epoch 1 on */
    struct bft_header last;  /* newest header built by so_block */
};

/* What a proposal consists of; NULL parts are absent. */
struct so_prop {
    struct bft_header h;
    const struct bft_qc *qc;
    const struct bft_tc *tc;
    const struct bft_attest_cert *att;
};

void so_init(struct solo *s, void (*edit)(struct bft_config *cfg));
void so_init_equal(struct solo *s, void (*edit)(struct bft_config *cfg));
/* Neither connected nor active yet. */
void so_init_quiet(struct solo *s, void (*edit)(struct bft_config *cfg), bool equal);
void so_free(struct solo *s);
/* Status of nodes in mask, naming `final_height`; makes node 0 active at genesis. */
void so_status(struct solo *s, uint32_t mask, uint64_t final_height);
struct bft_view so_view(struct solo *s);

/* A block every rule accepts as child of the tip, for `round`, and the certificates it needs. */
struct so_prop so_child(struct solo *s, uint64_t round);
struct so_prop so_child_of(struct solo *s, const struct bft_header *parent, const struct bft_qc *qc,
                           uint64_t round);
struct so_prop so_filler(struct solo *s, uint64_t round);
/* The proposal as its leader signs it. */
void so_message(struct solo *s, struct bft_msg *m, const struct so_prop *p);
enum bft_verdict so_propose(struct solo *s, const struct so_prop *p);
struct td_hash so_hash(const struct bft_header *h);

/* Votes, commit votes or timeouts of the nodes in mask. */
void so_votes(struct solo *s, const struct bft_header *h, uint32_t mask);
void so_commits(struct solo *s, const struct bft_header *h, uint32_t mask);
void so_timeouts(struct solo *s, uint64_t round, uint64_t lock, uint32_t mask);
/* Certified by 1, 2 and 3; becomes the tip. */
void so_certify(struct solo *s, const struct bft_header *h);
/* The current round ends by a TC of 1, 2 and 3, whose locks are the tip. */
void so_skip(struct solo *s);
/* One block through all stages; rounds that node 0 leads are skipped. */
void so_block(struct solo *s);
void so_blocks(struct solo *s, uint64_t to_height);

void so_attest_msg(struct solo *s, struct bft_msg *m, uint32_t node, uint64_t height);
/* Certificate of nodes 1, 2 and 3 over a height final at node 0. */
void so_attest_cert(struct solo *s, struct so_cert *out, uint64_t height);
void so_attest(struct solo *s, uint64_t height, uint32_t mask);
/* Let the proposal carry the certificate. */
void so_carry(struct so_prop *p, const struct so_cert *cert);

/* Give `m`; it must be refused with `want` and leave neither state nor effects behind. */
void so_refused(struct solo *s, struct bft_msg *m, enum bft_verdict want, const char *what);
/* Virtual time passes; the replica's timer fires when due. */
void so_pass(struct solo *s, int64_t ms);
#define SO_MS(ns) ((ns) / 1000000)
