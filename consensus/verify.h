/* What must hold of a message before the core may see it.  [P-1.4, P-13.3]
 *
 * Two halves.  `bft_verify_collect` is pure: it checks structure against the validator sets
 * (membership, weight, order, maxima) and lists the signatures that remain to be checked.  The
 * shell checks those in its worker pool, skipping what the signature cache knows, and only if all
 * hold does an event exist.
 *
 *   frame ─decode─▶ msg ─collect─▶ verdict │ checks[] ─cache/pool─▶ all good ─▶ bft_step
 *
 * Invariant: a message for which collect returned BFT_OK and every listed check holds is exactly
 * as trustworthy as the signers' keys; the core re-checks no signature.  `exact` is set for
 * attestations, batch attestations, certificates of either, and all inside evidence: what L1 is
 * given as it stands.  Every other signature may come with either parity bit. */
#pragma once

#include "consensus/digest.h"
#include "consensus/message.h"
#include "consensus/validators.h"
#include "consensus/verdict.h"

struct bft_sig_check {
    struct td_hash digest;
    const struct td_pubkey *key; /* borrowed from the set */
    struct td_sig sig;
    uint64_t epoch; /* with signer: the cache key beside digest and sig */
    uint16_t signer;
    bool exact; /* parity must be right: L1 will recover this signature  [P-1.3] */
};

/* A message carries at most: lock QC, TC with its QC, AttestCert, genesis AttestCert, its own. */
#define BFT_SIG_CHECKS_MAX (6u * BFT_SIGNERS_MAX + 16u)

/* Sets known to this node; NULL where unknown. */
struct bft_sets {
    const struct bft_set *prev;
    const struct bft_set *cur;
    const struct bft_set *next;
};
const struct bft_set *bft_sets_find(const struct bft_sets *s, uint64_t epoch);

struct bft_verify_ctx {
    const struct bft_domain *domain;
    struct bft_sets sets;
    struct td_hash genesis_hash; /* block hash of genesis: the only valid (0, 0) certificate */
    uint32_t validators_max;
};

/* Check structure and list signature checks.
 *
 * checks   fills [*count], capacity BFT_SIG_CHECKS_MAX
 * Returns BFT_OK, or the verdict that says why `m` is refused (then *count is 0).  Unknown epochs
 * give BFT_UNKNOWN_EPOCH.  Status: parts that cannot be verified (unknown epoch, bad structure) are
 * removed from `m` instead, so that a peer far ahead can still tell us its height.  Evidence lists
 * two checks, for a and then for b: by them the shell sets the parity bits of evidence it makes. */
enum bft_verdict bft_verify_collect(const struct bft_verify_ctx *ctx, struct bft_msg *m,
                                    struct bft_sig_check *checks, uint32_t *count);
