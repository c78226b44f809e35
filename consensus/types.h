/* Blocks, certificates and signed messages of the ordering protocol.  [P-1, P-2, P-14]
 *
 * Plain data shared by the core, the wire codec, the verifier and the shell.  Nothing here owns
 * memory: variable parts (signatures, hash lists) are borrowed views whose lifetime the function
 * that hands them out states.
 *
 *   genesis ◀─ QC(0,0) ◀─ B1 ◀─ QC(B1) ◀─ B2 ◀─ QC(B2) ...         parent link + certificate
 *                          └── commit votes ×Q ──▶ B1 final          [P-4.5]
 *
 * Invariants
 *  1. Positions compare lexicographically as (epoch, round); a height never orders anything.
 *  2. Inside a certificate the signatures stand in ascending signer order, one per set bit.
 *  3. A header's certificates stay outside its hash; tc_hash alone binds the entry TC.  */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/limits.h"
#include "base/core/types.h"

/* Compile-time (and contract) bound on validators; genesis chooses validators_max <= this. */
#define BFT_SIGNERS_MAX TD_VALIDATORS_MAX
#define BFT_BITMAP_WORDS (BFT_SIGNERS_MAX / 64u)
#define BFT_NO_SIGNER UINT16_MAX
/* No certificate of a later round is accepted, so that round + 1 never wraps.  At one round a
 * nanosecond it lasts 292 years.  [P-1.4] */
#define BFT_ROUND_MAX (UINT64_MAX >> 1)
#define BFT_NO_PEER UINT32_MAX

/* Position in the protocol.  [P-1.2] */
struct bft_slot {
    uint64_t epoch;
    uint64_t round; /* 0 is the epoch's genesis, 1.. are led */
};

static inline int bft_slot_cmp(struct bft_slot a, struct bft_slot b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    if (a.round != b.round)
        return a.round < b.round ? -1 : 1;
    return 0;
}

/* Bit i set: signer i took part. */
struct bft_bitmap {
    uint64_t word[BFT_BITMAP_WORDS];
};

static inline bool bft_bitmap_has(const struct bft_bitmap *m, uint32_t i)
{
    return i < BFT_SIGNERS_MAX && (m->word[i / 64u] >> (i % 64u) & 1u) != 0;
}

static inline void bft_bitmap_add(struct bft_bitmap *m, uint32_t i)
{
    if (i < BFT_SIGNERS_MAX)
        m->word[i / 64u] |= UINT64_C(1) << (i % 64u);
}

static inline uint32_t bft_bitmap_count(const struct bft_bitmap *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < BFT_BITMAP_WORDS; i++)
        n += (uint32_t)__builtin_popcountll(m->word[i]);
    return n;
}

/* What a block says about L1.  [P-7.1]  All zero on a network without an L1. */
struct bft_origin {
    uint64_t number;
    struct td_hash hash;
    uint64_t deposit_count;
    struct td_hash priority_hash;
    struct td_hash registry_set_hash;
};

bool bft_origin_eq(const struct bft_origin *a, const struct bft_origin *b);

/* Block header, 395 bytes encoded (offset table in header.h).  [P-2.1] */
struct bft_header {
    uint64_t epoch;
    uint64_t round;
    uint64_t height; /* a filler repeats its parent's */
    bool filler;
    bool end_batch;
    uint16_t proposer; /* signer index in the epoch's set */
    struct td_hash parent;
    uint64_t parent_round;
    struct td_hash prev_hash; /* newest non-filler ancestor  [P-2.5] */
    uint64_t ts_ms;           /* Unix time, milliseconds  [P-2.6] */
    struct td_hash payload_root;
    uint32_t payload_bytes;
    uint32_t tx_count;
    struct bft_origin origin;
    struct td_hash result_digest; /* of height - 3  [P-2.4] */
    uint64_t att_height;          /* newest attested height on this chain, this block included */
    struct td_hash att_digest;
    struct td_hash tc_hash; /* keccak of the entry TC's encoding; zero without one */
    struct td_hash next_set_hash;
};

/* What every validator signs about an executed final block.  [P-9.1]  272 bytes encoded. */
struct bft_attest_fields {
    uint64_t epoch;
    struct td_hash set_hash;
    uint64_t height;
    struct td_hash block_hash;
    struct td_hash parent_hash; /* = header.prev_hash */
    struct td_hash state_commitment;
    struct td_hash messages_root;
    struct td_hash da_commitment;
    struct td_hash priority_hash;
    struct td_hash next_set_hash;
};

struct bft_attest_cert {
    struct bft_attest_fields fields;
    struct bft_bitmap signers;
    uint32_t sig_count;
    const struct td_sig *sigs; /* [sig_count], ascending signer */
};

/* Quorum certificate over votes, or over commit votes; which one the context says.
 *
 * A genesis certificate is a QC with round 0: for epoch 0 it has no signatures and names the
 * genesis block; for epoch e + 1 `genesis` holds AttestCert(last of e).  [P-8.4] */
struct bft_qc {
    uint64_t epoch;
    uint64_t round;
    uint64_t height; /* QC over votes: the voted height.  Commit certificate: 0 */
    struct td_hash hash;
    struct bft_bitmap signers;
    uint32_t sig_count;
    const struct td_sig *sigs;             /* [sig_count], ascending signer */
    const struct bft_attest_cert *genesis; /* only for round 0 of epoch >= 1, else NULL */
};

static inline struct bft_slot bft_qc_slot(const struct bft_qc *qc)
{
    return (struct bft_slot){qc->epoch, qc->round};
}

struct bft_tc_entry {
    uint64_t lock_round;
    struct td_sig sig;
};

/* Timeout certificate.  [P-5.4]  Invariant: high_qc.round is the maximum lock_round listed. */
struct bft_tc {
    uint64_t epoch;
    uint64_t round;
    struct bft_bitmap signers;
    uint32_t entry_count;
    const struct bft_tc_entry *entries; /* [entry_count], ascending signer */
    struct bft_qc high_qc;
};

/* What let a node enter its round: QC(r - 1), TC(r - 1), or the epoch's genesis certificate. */
enum bft_entry_kind { BFT_ENTRY_NONE, BFT_ENTRY_QC, BFT_ENTRY_TC };
struct bft_entry {
    enum bft_entry_kind kind;
    const struct bft_qc *qc;
    const struct bft_tc *tc;
};

/* Signed messages.  Every one names its signer by index in the set of its epoch. */
struct bft_vote {
    uint64_t epoch;
    uint64_t round;
    uint64_t height;
    struct td_hash hash;
    uint16_t signer;
    struct td_sig sig;
};

struct bft_commit {
    uint64_t epoch;
    uint64_t round;
    struct td_hash hash;
    uint16_t signer;
    struct td_sig sig;
};

struct bft_timeout {
    uint64_t epoch;
    uint64_t round;
    uint64_t lock_round;
    uint16_t signer;
    struct td_sig sig;
};

/* The signed part of a proposal: the header's slot and hash. */
struct bft_propose {
    uint64_t epoch;
    uint64_t round;
    struct td_hash hash;
    uint16_t signer;
    struct td_sig sig;
};

struct bft_attest {
    struct bft_attest_fields fields;
    uint16_t signer;
    struct td_sig sig;
};

struct bft_batch_attest {
    uint64_t epoch;
    struct td_hash set_hash;
    struct td_hash batch_hash;
    uint64_t height; /* last block of the batch; keys the message, not part of what is signed */
    uint16_t signer;
    struct td_sig sig;
};

struct bft_batch_cert {
    uint64_t epoch;
    struct td_hash set_hash;
    struct td_hash batch_hash;
    uint64_t height;
    struct bft_bitmap signers;
    uint32_t sig_count;
    const struct td_sig *sigs;
};

/* One signature kind each; the number is the wire tag inside own-message lists and evidence. */
enum bft_signed_kind {
    BFT_SIGNED_PROPOSE = 1,
    BFT_SIGNED_VOTE = 2,
    BFT_SIGNED_COMMIT = 3,
    BFT_SIGNED_TIMEOUT = 4,
    BFT_SIGNED_ATTEST = 5,
    BFT_SIGNED_BATCH = 6,
};
#define BFT_SIGNED_KINDS 6u

/* Any signed message, for evidence, the start rule and the guard. */
struct bft_signed {
    enum bft_signed_kind kind;
    union {
        struct bft_propose propose;
        struct bft_vote vote;
        struct bft_commit commit;
        struct bft_timeout timeout;
        struct bft_attest attest;
        struct bft_batch_attest batch;
    } u;
};

uint16_t bft_signed_signer(const struct bft_signed *m);

/* Epoch and round (height for attestations) a signed message belongs to. */
struct bft_slot bft_signed_slot(const struct bft_signed *m);

/* Same kind, same signed fields; signatures are not compared. */
bool bft_signed_same(const struct bft_signed *a, const struct bft_signed *b);

/* Proof that a block, and with it all ancestors, is final.  [P-11.1] */
enum bft_proof_kind {
    BFT_PROOF_NONE = 0,
    BFT_PROOF_ATTEST = 1,    /* AttestCert at H */
    BFT_PROOF_COMMIT = 2,    /* commit certificate on D */
    BFT_PROOF_TWO_CHAIN = 3, /* QC(D), QC(D'), D' = child of D in the next round */
};
struct bft_proof {
    enum bft_proof_kind kind;
    const struct bft_attest_cert *attest; /* ATTEST */
    const struct bft_qc *commit;          /* COMMIT */
    const struct bft_qc *qc;              /* TWO_CHAIN: QC(D) */
    const struct bft_qc *qc_child;        /* TWO_CHAIN: QC(D') */
    const struct bft_header *tip;         /* COMMIT, TWO_CHAIN: header of D */
    const struct bft_header *child;       /* TWO_CHAIN: header of D' */
};

/* Evidence against one signer: two messages that an honest key never signs both.  [P-12.1] */
enum bft_evidence_kind {
    BFT_EVIDENCE_TWO_PROPOSALS = 1,
    BFT_EVIDENCE_TWO_VOTES = 2,
    BFT_EVIDENCE_TWO_TIMEOUTS = 3,
    BFT_EVIDENCE_TWO_ATTESTS = 4,
    BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK = 5, /* CommitVote(r), Timeout(r' >= r, lockRound < r) */
    BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK =
        6, /* Vote(r, B), Timeout(r' >= r, lockRound < B.parentRound) */
    BFT_EVIDENCE_TWO_BATCHES = 7,
};
#define BFT_EVIDENCE_KINDS 7u
struct bft_evidence {
    enum bft_evidence_kind kind;
    struct bft_signed a;
    struct bft_signed b;
    const struct bft_header *header; /* VOTE_THEN_LOWER_LOCK: the voted header, else NULL */
};
