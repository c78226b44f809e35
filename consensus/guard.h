/* Sign guard: the last line before the key.  [P-10.7]
 *
 * Keeps what this key has signed and refuses what would conflict, whatever the core believes.  The
 * shell asks `bft_guard_admit` immediately before signing, signs only on BFT_GUARD_OK, stores the
 * record durably (with the certificates that PERSIST names), and only then lets the message leave.
 *
 *        request ─▶ admit ─OK─▶ sign ─▶ keep ─▶ write+fsync ─▶ send
 *                     ├─SAME──▶ the kept message again, byte for byte
 *                     └─refusal▶ halt 80
 *
 * Invariants, all comparing (epoch, round) lexicographically
 *  1. At most one propose, vote, commit and timeout per slot; slots only grow per kind.
 *  2. No vote at or below the last timeout; no commit vote at or below the last timeout.
 *  3. In one epoch: no timeout below the round of the last vote or commit vote; after a commit vote
 *     at r, a timeout names a lock round >= r; after votes, a lock round >= the highest parent
 *     round among the blocks voted for.  A lock round is always below its own round.
 *  4. At most one attestation per height and one batch attestation per last height.
 *  5. Nothing of an older epoch than the newest signed, attestations apart. */
#pragma once

#include "base/core/error.h"
#include "consensus/types.h"

#define BFT_GUARD_ATTESTS TD_ATTEST_SLOTS
#define BFT_GUARD_BATCHES 4u

struct bft_guard {
    bool present[BFT_SIGNED_KINDS]; /* by kind - 1: `last` holds one */
    struct bft_propose propose;
    struct bft_vote vote;
    uint64_t vote_parent_round; /* highest parent round voted for in vote.epoch */
    struct bft_commit commit;
    struct bft_timeout timeout;
    struct bft_attest attest[BFT_GUARD_ATTESTS]; /* ring by height */
    uint64_t attest_height;                      /* newest; 0 = none */
    struct bft_batch_attest batch[BFT_GUARD_BATCHES];
    uint64_t batch_height; /* newest; 0 = none */
    uint32_t batch_next;   /* ring cursor */
};

enum bft_guard_verdict {
    BFT_GUARD_OK,       /* may be signed */
    BFT_GUARD_SAME,     /* already signed with the same fields: resend, do not sign again */
    BFT_GUARD_CONFLICT, /* a different message of this slot was signed */
    BFT_GUARD_OLD,      /* at or below something that forbids it */
    BFT_GUARD_LOCK,     /* timeout below a lock this key is bound by */
};

void bft_guard_init(struct bft_guard *g);

/* May `m` (fields only; sig ignored) be signed?  On SAME, `m->sig` receives the kept signature.
 * `g` is unchanged.  Round 0 and height 0 are never signed (OLD). */
enum bft_guard_verdict bft_guard_admit(const struct bft_guard *g, struct bft_signed *m);

/* Record a message just signed.  Precondition (asserted): admit returns OK for it.
 * parent_round: for votes, the round of the voted block's parent; else ignored. */
void bft_guard_keep(struct bft_guard *g, const struct bft_signed *m, uint64_t parent_round);

/* How the guard's memory compares with a message somebody else holds under this key. */
enum bft_guard_knows {
    BFT_GUARD_KNOWN,    /* same, or older than what the guard remembers of that kind */
    BFT_GUARD_NEWER,    /* later than anything of that kind here, or an attestation for a height
                           that the rings cover and this guard never signed */
    BFT_GUARD_CONTRARY, /* same slot, other content */
};
enum bft_guard_knows bft_guard_compare(const struct bft_guard *g, const struct bft_signed *m);

/* Versioned, checksummed record: magic, version, fields, keccak of all before.  Fixed size.
 * Encode returns the size, or 0 if `cap` is too small.  Decode: TD_E_TRUNCATED or TD_E_MALFORMED
 * for a wrong length or magic, TD_E_UNSUPPORTED for another version, TD_E_CORRUPT for a wrong
 * checksum or fields that contradict each other; `g` is undefined then. */
#define BFT_GUARD_BYTES_MAX 8192u
size_t bft_guard_encode(uint8_t *out, size_t cap, const struct bft_guard *g);
enum td_error bft_guard_decode(struct bft_guard *g, const uint8_t *buf, size_t len) TD_MUST_CHECK;
