/* Noise_XX_25519_ChaChaPoly_SHA256: the handshake that opens every connection between nodes, and
 * the two cipher states it leaves behind.  The Noise Protocol Framework, revision 34; primitives
 * are libsodium's.
 *
 *      initiator                                   responder
 *      e                       ── message 1 ──▶    32 bytes    + payload in the clear
 *                              ◀── message 2 ──    e, ee, s, es   96 + payload
 *      s, se                   ── message 3 ──▶    64 + payload
 *      split ──▶ send, receive                     split ──▶ receive, send
 *
 * 1. Both sides mix the same prologue, so peers of another chain, genesis or protocol version fail
 *    at message 2 (revision 34, section 6): p2p_prologue_encode.
 * 2. Messages 2 and 3 carry payload and static key encrypted; message 1 carries nothing here.
 * 3. After any error the handshake is dead: every later call returns TD_E_MALFORMED.
 * 4. Secrets live in the two structs below and nowhere else; *_wipe clears them, also after use.
 * 5. A remote key of small order (an all-zero shared secret) is refused, section 12.1 leaves it
 * open.
 * 6. A static key proves only that the peer holds it.  Whose key it is, a signed address record
 *    says, which the caller checks (p2p/record.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

#define P2P_NOISE_KEY_BYTES 32u
#define P2P_NOISE_TAG_BYTES 16u
#define P2P_NOISE_MESSAGE_MAX 65535u /* section 3: of every message, tags included */

/* What a message of the handshake adds to its payload: keys and tags. */
#define P2P_NOISE_OVERHEAD_1 32u
#define P2P_NOISE_OVERHEAD_2 96u
#define P2P_NOISE_OVERHEAD_3 64u

/* "TandemP2P" 9, version u32, chain id u64, genesis hash 32; big-endian. */
#define P2P_PROLOGUE_BYTES 53u
#define P2P_VERSION 1u

/* One direction of a connection.  64-bit nonces count up from 0; 2^64 - 1 is never used for a
 * message (section 5.1), and P2P_NOISE_REKEY_MESSAGES keeps far away from it. */
struct p2p_cipher {
    uint8_t key[P2P_NOISE_KEY_BYTES];
    uint64_t nonce;
    bool keyed; /* false until the first key is mixed: then messages pass in the clear */
};

/* Messages of one direction under one key.  64 KiB each, so at most 4 GiB; both sides count alike,
 * since neither loses or reorders one without failing. */
#define P2P_NOISE_REKEY_MESSAGES UINT64_C(65536)

enum p2p_noise_role { P2P_NOISE_INITIATOR, P2P_NOISE_RESPONDER };

/* Caller's memory; fields are this module's. */
struct p2p_handshake {
    enum p2p_noise_role role;
    uint32_t done; /* messages written or read so far, 0 .. 3 */
    bool dead;
    struct p2p_cipher cipher;
    uint8_t chaining_key[32];
    uint8_t hash[32];
    uint8_t static_secret[P2P_NOISE_KEY_BYTES];
    uint8_t static_public[P2P_NOISE_KEY_BYTES];
    uint8_t ephemeral_secret[P2P_NOISE_KEY_BYTES];
    uint8_t ephemeral_public[P2P_NOISE_KEY_BYTES];
    uint8_t remote_static[P2P_NOISE_KEY_BYTES]; /* valid once p2p_handshake_remote says so */
    uint8_t remote_ephemeral[P2P_NOISE_KEY_BYTES];
};

/* Fill `out` with the prologue of a chain.  Cost: a copy. */
void p2p_prologue_encode(uint8_t out[P2P_PROLOGUE_BYTES], uint64_t chain_id,
                         const struct td_hash *genesis_hash);

/* The X25519 public key of a secret: what others know this node's transport by. */
void p2p_noise_public(uint8_t out[P2P_NOISE_KEY_BYTES], const uint8_t secret[P2P_NOISE_KEY_BYTES]);

/* Begin.  Borrows nothing: keys and prologue are absorbed.  The ephemeral key is drawn from the
 * operating system. */
void p2p_handshake_init(struct p2p_handshake *h, enum p2p_noise_role role,
                        const uint8_t static_secret[P2P_NOISE_KEY_BYTES], struct td_bytes prologue);

/* The same with a given ephemeral secret.  For published test vectors only: a second handshake with
 * the same ephemeral key gives both away. */
void p2p_handshake_init_fixed(struct p2p_handshake *h, enum p2p_noise_role role,
                              const uint8_t static_secret[P2P_NOISE_KEY_BYTES],
                              const uint8_t ephemeral_secret[P2P_NOISE_KEY_BYTES],
                              struct td_bytes prologue);

/* Whether the next message is this side's to write. */
bool p2p_handshake_writes(const struct p2p_handshake *h);

/* All three messages are through: split may be called. */
bool p2p_handshake_done(const struct p2p_handshake *h);

/* Write the next message around `payload` into out[out_max]; fills *out_len.
 * TD_E_NOSPACE: out_max or the Noise limit is short, nothing happened.  TD_E_MALFORMED: not this
 * side's turn, or dead, or the peer's key has small order (then dead).  `payload` must not overlap
 * `out`. */
TD_MUST_CHECK enum td_error p2p_handshake_write(struct p2p_handshake *h, uint8_t *out,
                                                size_t out_max, size_t *out_len,
                                                struct td_bytes payload);

/* Read the next message; fills payload[payload_max] and *payload_len.  TD_E_NOSPACE: the payload
 * would not fit, nothing happened.  Anything wrong with the message: TD_E_MALFORMED or
 * TD_E_TRUNCATED, the handshake is dead and *payload_len is 0. */
TD_MUST_CHECK enum td_error p2p_handshake_read(struct p2p_handshake *h, uint8_t *payload,
                                               size_t payload_max, size_t *payload_len,
                                               struct td_bytes message);

/* The peer's static key, or NULL while it is not known: from message 2 on for the initiator, from
 * message 3 on for the responder.  Valid while *h is. */
const uint8_t *p2p_handshake_remote(const struct p2p_handshake *h);

/* The two directions of the connection and the handshake hash, which is unique to it (channel
 * binding, section 11.2).  Must be done (a bug otherwise); wipes *h. */
void p2p_handshake_split(struct p2p_handshake *h, struct p2p_cipher *send,
                         struct p2p_cipher *receive, uint8_t hash[32]);

void p2p_handshake_wipe(struct p2p_handshake *h);
void p2p_cipher_wipe(struct p2p_cipher *c);

/* ---- transport messages.  Each call moves the nonce; every P2P_NOISE_REKEY_MESSAGES messages the
 * key is replaced (section 11.3). */

/* Encrypt plain[len] into out[len + P2P_NOISE_TAG_BYTES]; len <= P2P_NOISE_MESSAGE_MAX less the
 * tag (a bug otherwise).  `out` may be `plain`. */
void p2p_cipher_seal(struct p2p_cipher *c, uint8_t *out, const uint8_t *plain, size_t len);

/* Decrypt sealed[len], tag included, into out[len - P2P_NOISE_TAG_BYTES].  TD_E_MALFORMED when it
 * was not sealed by the peer as its next message: the connection is of no more use, and `out` holds
 * nothing of it.  `out` may be `sealed`. */
TD_MUST_CHECK enum td_error p2p_cipher_open(struct p2p_cipher *c, uint8_t *out,
                                            const uint8_t *sealed, size_t len);
