/* Frames over an encrypted connection: lengths and bodies sealed with the ciphers of p2p/noise.h.
 *
 *     offset  bytes            what
 *     0       20               u32 big-endian body length, sealed (4 + tag 16)
 *     20      n + 16           first piece of the body, sealed, n <= P2P_FRAME_PIECE_BYTES
 *     ...     n + 16           further pieces, all full but the last
 *
 * An eavesdropper sees sizes and times, not lengths or kinds.  A length is known to be the peer's
 * own before it is believed, and compared with a limit before anybody allocates.
 *
 * 1. A body has 1 .. limit bytes; the limit is the receiver's, never above TD_FRAME_BYTES_MAX.
 * 2. Pieces are opened straight into the body's buffer: nothing is copied twice.
 * 3. After an error the receiving half is dead and every call repeats the error. */
#pragma once

#include "base/core/limits.h"
#include "p2p/noise.h"

#define P2P_FRAME_HEAD_BYTES (4u + P2P_NOISE_TAG_BYTES)
#define P2P_FRAME_PIECE_BYTES (P2P_NOISE_MESSAGE_MAX - P2P_NOISE_TAG_BYTES)

/* What a stranger may send before its Hello was believed: version, genesis hash and an address
 * record are below 300 bytes. */
#define P2P_FRAME_STRANGER_BYTES 1024u

/* Bytes on the wire of a body of `len`, 1 .. TD_FRAME_BYTES_MAX. */
static inline size_t p2p_frame_sealed_bytes(size_t len)
{
    size_t pieces = (len + P2P_FRAME_PIECE_BYTES - 1u) / P2P_FRAME_PIECE_BYTES;
    return P2P_FRAME_HEAD_BYTES + len + pieces * P2P_NOISE_TAG_BYTES;
}

/* Seal `body` (1 .. TD_FRAME_BYTES_MAX bytes: a bug otherwise) into
 * out[p2p_frame_sealed_bytes(body.len)].  `body` must not overlap `out`. */
void p2p_frame_seal(struct p2p_cipher *send, uint8_t *out, struct td_bytes body);

/* The same in steps, for who does not want all of a large body sealed before its first byte is
 * sent: the head, then every piece in order.  head: P2P_FRAME_HEAD_BYTES.  piece: seals what begins
 * at body[at]; returns its bytes without the tag, which `at` advances by. */
void p2p_frame_seal_head(struct p2p_cipher *send, uint8_t *out, size_t body_bytes);
size_t p2p_frame_seal_piece(struct p2p_cipher *send, uint8_t *out, struct td_bytes body, size_t at);

/* The receiving half of a connection. */
struct p2p_frame_in {
    struct p2p_cipher *cipher; /* borrowed */
    uint32_t limit_bytes;      /* of a body; may be changed between frames */
    uint32_t body_bytes;       /* of the frame being received; 0 = its head is next */
    uint32_t have_bytes;       /* of the body, opened so far */
    enum td_error err;
};

/* `limit_bytes` is 1 .. TD_FRAME_BYTES_MAX. */
void p2p_frame_in_init(struct p2p_frame_in *f, struct p2p_cipher *receive, uint32_t limit_bytes);

/* How many sealed bytes the next call takes: a head, or a piece.  Never 0. */
size_t p2p_frame_want(const struct p2p_frame_in *f);

/* The head was received: open it and learn the body's size (f->body_bytes).  TD_E_LIMIT: empty or
 * longer than the limit.  TD_E_MALFORMED: not the peer's next message. */
TD_MUST_CHECK enum td_error p2p_frame_head(struct p2p_frame_in *f,
                                           const uint8_t sealed[P2P_FRAME_HEAD_BYTES]);

/* A piece was received: open it into its place in body[f->body_bytes].  Fills *complete; then the
 * body is whole and f awaits the next head (f->body_bytes is 0 again).  TD_E_MALFORMED: not the
 * peer's next message. */
TD_MUST_CHECK enum td_error p2p_frame_piece(struct p2p_frame_in *f, uint8_t *body,
                                            const uint8_t *sealed, bool *complete);
