#include "p2p/frame.h"

#include "base/core/assert.h"

_Static_assert(TD_FRAME_BYTES_MAX <= UINT32_MAX, "a length is a u32");

static size_t piece_bytes(size_t left)
{
    return left < P2P_FRAME_PIECE_BYTES ? left : P2P_FRAME_PIECE_BYTES;
}

void p2p_frame_seal_head(struct p2p_cipher *send, uint8_t *out, size_t body_bytes)
{
    TD_ASSERT(body_bytes > 0 && body_bytes <= TD_FRAME_BYTES_MAX);
    const uint8_t head[4] = {(uint8_t)(body_bytes >> 24), (uint8_t)(body_bytes >> 16),
                             (uint8_t)(body_bytes >> 8), (uint8_t)body_bytes};
    p2p_cipher_seal(send, out, head, sizeof head);
}

size_t p2p_frame_seal_piece(struct p2p_cipher *send, uint8_t *out, struct td_bytes body, size_t at)
{
    TD_ASSERT(at < body.len);
    size_t n = piece_bytes(body.len - at);
    p2p_cipher_seal(send, out, body.ptr + at, n);
    return n;
}

void p2p_frame_seal(struct p2p_cipher *send, uint8_t *out, struct td_bytes body)
{
    p2p_frame_seal_head(send, out, body.len);
    out += P2P_FRAME_HEAD_BYTES;
    for (size_t at = 0; at < body.len;) {
        size_t n = p2p_frame_seal_piece(send, out, body, at);
        out += n + P2P_NOISE_TAG_BYTES;
        at += n;
    }
}

void p2p_frame_in_init(struct p2p_frame_in *f, struct p2p_cipher *receive, uint32_t limit_bytes)
{
    TD_ASSERT(limit_bytes > 0 && limit_bytes <= TD_FRAME_BYTES_MAX);
    *f = (struct p2p_frame_in){.cipher = receive, .limit_bytes = limit_bytes};
}

size_t p2p_frame_want(const struct p2p_frame_in *f)
{
    if (f->body_bytes == 0)
        return P2P_FRAME_HEAD_BYTES;
    return piece_bytes(f->body_bytes - f->have_bytes) + P2P_NOISE_TAG_BYTES;
}

enum td_error p2p_frame_head(struct p2p_frame_in *f, const uint8_t sealed[P2P_FRAME_HEAD_BYTES])
{
    uint8_t head[4];
    if (f->err != TD_OK)
        return f->err;
    TD_ASSERT(f->body_bytes == 0);
    f->err = p2p_cipher_open(f->cipher, head, sealed, P2P_FRAME_HEAD_BYTES);
    if (f->err != TD_OK)
        return f->err;
    uint32_t len =
        (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    if (len == 0 || len > f->limit_bytes) {
        f->err = TD_E_LIMIT;
        return f->err;
    }
    f->body_bytes = len;
    f->have_bytes = 0;
    return TD_OK;
}

enum td_error p2p_frame_piece(struct p2p_frame_in *f, uint8_t *body, const uint8_t *sealed,
                              bool *complete)
{
    *complete = false;
    if (f->err != TD_OK)
        return f->err;
    TD_ASSERT(f->body_bytes > 0);
    size_t n = piece_bytes(f->body_bytes - f->have_bytes);
    f->err = p2p_cipher_open(f->cipher, body + f->have_bytes, sealed, n + P2P_NOISE_TAG_BYTES);
    if (f->err != TD_OK)
        return f->err;
    f->have_bytes += (uint32_t)n;
    if (f->have_bytes == f->body_bytes) {
        f->body_bytes = 0;
        f->have_bytes = 0;
        *complete = true;
    }
    return TD_OK;
}
