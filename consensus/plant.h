/* Planted bugs: rule-breaking variants the simulator must find.  Test builds only.
 *
 * Without TD_PLANTED every BFT_PLANT(...) is the constant 0 and the release binary holds none of
 * this code.  With it one bug at a time is chosen by `bft_plant_active`. */
#pragma once

#define BFT_PLANT_LIST(X)                                                                          \
    X(BFT_PLANT_COMMIT_AFTER_TIMEOUT, "commit vote cast for a round this node timed out in")       \
    X(BFT_PLANT_TC_IGNORES_HIGH, "vote although the block's QC is older than the TC's highest")    \
    X(BFT_PLANT_TWO_CHAIN_GAP, "two-chain commit without consecutive rounds")                      \
    X(BFT_PLANT_VOTE_TWICE, "last voted round is forgotten")                                       \
    X(BFT_PLANT_COMMIT_QUORUM_LOW, "final with a weak quorum of commit votes")                     \
    X(BFT_PLANT_QC_QUORUM_LOW, "certificate formed from a weak quorum of votes")                   \
    X(BFT_PLANT_TIMEOUT_LOW_LOCK, "timeout signed below the lock")                                 \
    X(BFT_PLANT_LOCK_NOT_RAISED, "certificates seen outside proposals do not raise the lock")      \
    X(BFT_PLANT_SEND_BEFORE_SYNC, "own messages leave before they are durable")                    \
    X(BFT_PLANT_ENTRY_NOT_DURABLE, "the certificate that entered the round is not persisted")      \
    X(BFT_PLANT_START_AT_ONCE, "signs without a guard and without asking for Status")              \
    X(BFT_PLANT_NO_FILLERS, "leader waits instead of proposing fillers")                           \
    X(BFT_PLANT_NO_TIMEOUT_RESEND, "a timeout is sent once only")                                  \
    X(BFT_PLANT_NO_ATTEST_RESEND, "attestations are sent once only")                               \
    X(BFT_PLANT_DIGEST_UNCHECKED, "resultDigest is not compared before voting")                    \
    X(BFT_PLANT_WINDOW_UNCHECKED, "the attestation window is not enforced")                        \
    X(BFT_PLANT_TIME_UNCHECKED, "timestamps far in the future are accepted")                       \
    X(BFT_PLANT_PAYLOAD_UNCHECKED, "votes before the payload is there")                            \
    X(BFT_PLANT_ORIGIN_UNCHECKED, "L1 origin is not compared with the own L1 view")                \
    X(BFT_PLANT_RESEND_IS_EVIDENCE, "a repeated message is taken for equivocation")                \
    X(BFT_PLANT_SYNC_ONCE, "block sync is never entered a second time")                            \
    X(BFT_PLANT_FINAL_SKIPS_ANCESTORS, "a final block does not finalize its ancestors")            \
    X(BFT_PLANT_STALE_PARENT, "leader builds on its newest final block, not its highest QC")       \
    X(BFT_PLANT_EPOCH_WITHOUT_CERT, "next epoch entered without AttestCert(last)")                 \
    X(BFT_PLANT_SET_NOT_CHANGED, "the next epoch keeps the old validator set")                     \
    X(BFT_PLANT_TC_HIGH_IGNORED, "the QC inside a TC is not processed")                            \
    X(BFT_PLANT_LATE_QC_IGNORED, "a QC is ignored once its round was left by a TC")                \
    X(BFT_PLANT_ATTEST_TWICE, "attests again after a restart with other contents")

#define BFT_PLANT_ENUM(id, text) id,
enum bft_plant { BFT_PLANT_NONE, BFT_PLANT_LIST(BFT_PLANT_ENUM) BFT_PLANT_COUNT };
#undef BFT_PLANT_ENUM

#ifdef TD_PLANTED
extern enum bft_plant bft_plant_active; /* plant.c; set by the simulator */
#define BFT_PLANT(id) (bft_plant_active == (id))
#define BFT_PLANTED (bft_plant_active != BFT_PLANT_NONE)
#else
#define BFT_PLANT(id) 0
#define BFT_PLANTED 0
#endif
