/* Address record: a validator says under which transport key and address it is reached.
 *
 *     offset  bytes   what
 *     0       1       version, 1
 *     1       8       sequence: of two records of one validator the higher counts
 *     9       32      transport public key (X25519)
 *     41      20      validator address; zero: a follower, which signs nothing
 *     61      2       port, 1 .. 65535
 *     63      1       n, length of the host, 1 .. 128
 *     64      n       host: letters, digits, '.', '-', ':' (a name, IPv4, or IPv6 without brackets)
 *     64 + n  64      signature of a validator, ERC-2098; zero for a follower
 *
 * Numbers are big-endian.  Signed is keccak("TandemRecord1" ‖ u64 chain id ‖ genesis hash ‖ all
 * before the signature): no EIP-712 message begins like that, so a record is never mistaken for a
 * vote.
 *
 * 1. A record ties a transport key to a validator key.  That the peer holds the transport key the
 *    handshake has shown (p2p/noise.h); both together make the peer that validator.
 * 2. One record has one encoding; a decoded record encodes to the same bytes.
 * 3. A follower's record proves nothing but is bound to its connection by the handshake. */
#pragma once

#include "base/core/error.h"
#include "base/core/types.h"
#include "base/host/secp.h"
#include "p2p/noise.h"

#define P2P_RECORD_VERSION 1u
#define P2P_HOST_BYTES_MAX 128u /* the longest name in use is far shorter; DNS would allow 253 */
#define P2P_RECORD_BYTES_MAX (64u + P2P_HOST_BYTES_MAX + TD_SIG_BYTES)

struct p2p_record {
    uint64_t sequence;
    uint8_t transport[P2P_NOISE_KEY_BYTES];
    struct td_addr validator; /* zero: follower */
    uint16_t port;
    uint32_t host_bytes;
    char host[P2P_HOST_BYTES_MAX + 1u]; /* NUL-terminated */
    struct td_sig sig;
};

/* The chain a record is for. */
struct p2p_chain {
    uint64_t chain_id;
    struct td_hash genesis;
};

/* Fill everything but the signature.  TD_E_RANGE: port 0, or a host that is empty, too long or has
 * a character that hosts have not; *r is zero then. */
TD_MUST_CHECK enum td_error p2p_record_init(struct p2p_record *r, uint64_t sequence,
                                            const uint8_t transport[P2P_NOISE_KEY_BYTES],
                                            const struct td_addr *validator, const char *host,
                                            uint16_t port);

/* What the validator signs. */
void p2p_record_digest(struct td_hash *out, const struct p2p_record *r,
                       const struct p2p_chain *chain);

/* Returns the bytes written to out. */
size_t p2p_record_encode(uint8_t out[P2P_RECORD_BYTES_MAX], const struct p2p_record *r);

/* TD_E_TRUNCATED, TD_E_MALFORMED (form, or bytes behind the end), TD_E_UNSUPPORTED (version).  *r
 * is zero then.  The signature is not looked at. */
TD_MUST_CHECK enum td_error p2p_record_decode(struct p2p_record *r, struct td_bytes bytes);

/* Whether the record is what it claims: a validator's is signed by that validator's key, a
 * follower's has no signature.  TD_E_SIGNATURE otherwise.  One recovery. */
TD_MUST_CHECK enum td_error p2p_record_verify(const struct p2p_record *r,
                                              const struct td_secp *secp,
                                              const struct p2p_chain *chain);
