/* Why a message was or was not taken: data for metrics and peer scores, never an error.  [P-13.3]
 */
#pragma once

#define BFT_VERDICT_LIST(X)                                                                        \
    X(BFT_OK, "ok")                         /* taken */                                            \
    X(BFT_DUPLICATE, "duplicate")           /* already held */                                     \
    X(BFT_STALE, "stale")                   /* round, height or epoch left behind */               \
    X(BFT_FAR_FUTURE, "far-future")         /* beyond the window; newest per signer kept */        \
    X(BFT_UNKNOWN_EPOCH, "unknown-epoch")   /* no validator set for it here */                     \
    X(BFT_OUTSIDER, "outsider")             /* signer index not in the set */                      \
    X(BFT_WRONG_LEADER, "wrong-leader")     /* proposer does not lead that round */                \
    X(BFT_BAD_SIGNATURE, "bad-signature")   /* a signature check failed */                         \
    X(BFT_BAD_CERT, "bad-certificate")      /* bitmap, weight, maxima or links do not hold */      \
    X(BFT_BAD_HEADER, "bad-header")         /* a header rule is broken */                          \
    X(BFT_BAD_TIME, "bad-time")             /* timestamp not above its parent's */                 \
    X(BFT_BAD_ORIGIN, "bad-origin")         /* L1 origin may not change like this */               \
    X(BFT_BAD_LINK, "bad-link")             /* headers do not chain, or not to what was asked */   \
    X(BFT_EQUIVOCATION, "equivocation")     /* second message of a slot; first is kept */          \
    X(BFT_OVERFLOW, "overflow")             /* a bounded store is full */                          \
    X(BFT_UNSOLICITED, "unsolicited")       /* answer to no question of ours */                    \
    X(BFT_MALFORMED, "malformed")           /* the decoder refused it */                           \
    X(BFT_UNKNOWN_PARENT, "unknown-parent") /* kept aside; the parent is being fetched */

#define BFT_VERDICT_ENUM(name, text) name,
enum bft_verdict { BFT_VERDICT_LIST(BFT_VERDICT_ENUM) BFT_VERDICT_COUNT };
#undef BFT_VERDICT_ENUM

/* Never NULL; static storage. */
const char *bft_verdict_text(enum bft_verdict v);
