/* A hundred validators with real keys, and certificates signed by 67 of them. */
#pragma once

#include "base/host/secp.h"
#include "consensus/message.h"
#include "consensus/validators.h"
#include "consensus/verify.h"

#define BENCH_SIGNERS 100u
#define BENCH_QUORUM 67u

struct bench_signers {
    struct td_secp *secp;
    struct bft_domain domain;
    struct bft_set set;
    struct td_secp_key key[BENCH_SIGNERS]; /* by signer index */
    struct td_secp_pub pub[BENCH_SIGNERS]; /* parsed once per set, as a node does */
};

/* A vote certificate with its signatures. */
struct bench_qc {
    struct bft_qc qc;
    struct td_sig sigs[BENCH_QUORUM];
};
struct bench_tc {
    struct bft_tc tc;
    struct bft_tc_entry entries[BENCH_QUORUM];
    struct bench_qc high;
};

void bench_signers_init(struct bench_signers *s);
void bench_signers_reset(struct bench_signers *s);

/* Sign; the signers are spread over the set.  `out` must not move afterwards. */
void bench_qc_make(struct bench_qc *out, const struct bench_signers *s, uint64_t round);
void bench_tc_make(struct bench_tc *out, const struct bench_signers *s, uint64_t round);
void bench_vote_make(struct bft_vote *out, const struct bench_signers *s, uint64_t round);
/* A proposal on `qc`, with no transactions. */
void bench_proposal_make(struct bft_proposal *out, const struct bench_signers *s,
                         const struct bench_qc *qc);
