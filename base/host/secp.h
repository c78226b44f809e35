/* ECDSA on secp256k1 over libsecp256k1: sign, verify, recover, addresses.
 *
 *     signature (64 bytes, ERC-2098):   r ............ | yParity << 255 | s
 *
 * 1. Signing is deterministic (RFC 6979 with SHA-256) and yields low s (s <= n/2).
 * 2. Exact verification: a signature is good for a key only if `ecrecover` on L1 would return that
 *    key's address.  So high s, r = 0, s = 0, r >= n are refused, and so is a wrong parity bit,
 *    which plain ECDSA verification never looks at: what L1 will recover must be judged as L1 does.
 *    Nonce points with x >= n (probability 2^-127) have no ERC-2098 form and are refused.
 * 3. Verification of either parity: good exactly if invariant 2 holds with the parity bit as it is
 *    or flipped.  It costs a plain verification; recovery costs 1.15 of them.  See
 *    td_secp_verify_either for what a flipped bit can do, and [P-1.3] for where which is due.
 * 4. The context is randomised once at creation (blinds secret-dependent work), is read-only
 *    afterwards, and may be shared by threads.
 * 5. A secret key lives only in struct td_secp_key and is wiped by td_secp_key_reset.
 * 6. Digests are 32-byte message hashes; nothing here hashes a message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

struct td_secp;
struct td_pool;

/* A secret scalar, 1 .. n - 1, big-endian. */
struct td_secp_key {
    uint8_t secret[32];
};

/* A parsed public key, ready for verification; content private to the library. */
struct td_secp_pub {
    uint8_t opaque[64];
};

/* One signature to check. */
struct td_secp_item {
    const struct td_secp_pub *pub; /* borrowed for the call */
    struct td_hash digest;
    struct td_sig sig;
    bool exact; /* by invariant 2; false: by invariant 3 */
};

/* A signature by its numbers, as transactions and ecrecover have them: s may be high. */
struct td_secp_signed {
    struct td_hash digest;
    uint8_t r[32], s[32]; /* big-endian */
    uint32_t parity;      /* 0 or 1; anything else was signed by nobody */
};

/* Who made it.  All zero when nobody did. */
struct td_secp_signer {
    bool found;
    uint8_t xy[64]; /* the key's coordinates, big-endian: what hints for the proof are made of */
    struct td_addr addr;
};

/* Create a randomised context; NULL when memory or the system's randomness is unavailable. */
struct td_secp *td_secp_new(void);

/* NULL is allowed. */
void td_secp_free(struct td_secp *ctx);

/* Accept a secret of 32 bytes; TD_E_RANGE, and a wiped key, when it is 0 or >= n. */
TD_MUST_CHECK enum td_error td_secp_key_init(const struct td_secp *ctx, struct td_secp_key *key,
                                             const uint8_t secret[32]);

/* Draw a fresh key from the system's randomness. */
void td_secp_key_new(const struct td_secp *ctx, struct td_secp_key *key);

/* Wipe; the compiler cannot drop it. */
void td_secp_key_reset(struct td_secp_key *key);

/* The public key of a valid secret key, parsed and compressed. */
void td_secp_key_pub(const struct td_secp *ctx, struct td_secp_pub *out,
                     const struct td_secp_key *key);

/* Parse a compressed key; TD_E_MALFORMED when it is not a point of the curve, and *out is then all
 * zeros, which no other function here accepts (libsecp256k1 aborts on it). */
TD_MUST_CHECK enum td_error td_secp_pub_decode(const struct td_secp *ctx, struct td_secp_pub *out,
                                               const struct td_pubkey *in);

/* Compressed form, and Ethereum address, of a parsed key. */
void td_secp_pub_encode(const struct td_secp *ctx, struct td_pubkey *out,
                        const struct td_secp_pub *pub);
void td_secp_pub_addr(const struct td_secp *ctx, struct td_addr *out,
                      const struct td_secp_pub *pub);

/* Same point. */
bool td_secp_pub_eq(const struct td_secp *ctx, const struct td_secp_pub *a,
                    const struct td_secp_pub *b);

/* Sign a digest; constant-time in the key.  TD_E_RANGE when the key is not valid (never after
 * td_secp_key_init), TD_E_UNSUPPORTED when the nonce point has no ERC-2098 form (2^-127): then
 * *sig is zero. */
TD_MUST_CHECK enum td_error td_secp_sign(const struct td_secp *ctx, const struct td_secp_key *key,
                                         const struct td_hash *digest, struct td_sig *sig);

/* Whether `sig` is the owner of `pub` signing `digest`, by invariant 2. */
bool td_secp_verify(const struct td_secp *ctx, const struct td_secp_pub *pub,
                    const struct td_hash *digest, const struct td_sig *sig);

/* Whether `sig`, with this parity bit or the other, is the owner of `pub` signing `digest`
 * (invariant 3).
 *
 * Sound: ECDSA says that the signer made (r, s); the parity bit is no part of it, but tells which
 * of the two points with x = r the nonce was, so that a key can be recovered.  The key is known
 * here.  The bit decides between candidates for the signer, never whether `pub` signed.
 *
 * A flipped bit, which anyone who relays can bring about without a key,
 * - can make one message with two good encodings: a miss in the signature cache, and one encoding
 *   that ecrecover answers with another address.  So whatever L1 will recover is checked exactly
 *   or passes td_secp_parity_fix first;
 * - cannot change signer or content, cannot make a second message (messages are compared by their
 *   fields, never by their signatures), cannot turn a bad signature good.
 *
 * One case needs care: for r < p - n (2^128.4 values of 2^256) plain ECDSA would also accept a
 * nonce point with x = r + n, which no parity bit recovers.  There both parities are tried as
 * invariant 2 does, so that td_secp_parity_fix succeeds on everything accepted here. */
bool td_secp_verify_either(const struct td_secp *ctx, const struct td_secp_pub *pub,
                           const struct td_hash *digest, const struct td_sig *sig);

/* Set the parity bit that makes td_secp_verify hold.  TD_E_SIGNATURE, with *sig unchanged, when
 * neither does (then td_secp_verify_either refuses it too).  One or two recoveries. */
TD_MUST_CHECK enum td_error td_secp_parity_fix(const struct td_secp *ctx,
                                               const struct td_secp_pub *pub,
                                               const struct td_hash *digest, struct td_sig *sig);

/* As td_secp_verify for a compressed key; false also when the key is malformed. */
bool td_secp_verify_pubkey(const struct td_secp *ctx, const struct td_pubkey *pubkey,
                           const struct td_hash *digest, const struct td_sig *sig);

/* Who signed: fills *addr and, unless NULL, *pub.  TD_E_SIGNATURE, with zeros, when no key has
 * this signature (or it breaks invariant 2). */
TD_MUST_CHECK enum td_error td_secp_recover(const struct td_secp *ctx, struct td_addr *addr,
                                            struct td_secp_pub *pub, const struct td_hash *digest,
                                            const struct td_sig *sig);

/* Verify `count` items, each as its `exact` says, spread over the pool (NULL: on this thread).
 * Fills ok[count] and returns the number of good ones.  Blocks until all are done. */
size_t td_secp_verify_many(const struct td_secp *ctx, struct td_pool *pool, bool *ok,
                           const struct td_secp_item *items, size_t count);

/* Who signed each of `count` items, spread over the pool (NULL: on this thread): fills out[count]
 * as ecrecover would answer, and returns how many were found.  Blocks until all are done. */
size_t td_secp_recover_many(const struct td_secp *ctx, struct td_pool *pool,
                            struct td_secp_signer *out, const struct td_secp_signed *items,
                            size_t count);
