/* A peer that sends any bytes for any message of the handshake, then any bytes as frames.  No
 * crash, no key without an authenticated peer, and a failed handshake stays failed. */
#include <stdint.h>
#include <string.h>

#include "base/core/assert.h"
#include "p2p/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t SECRET[2][32] = {{1}, {2}}, EPHEMERAL[2][32] = {{3}, {4}};

/* The next good message from w to r, changed at one byte by the input when `flip` is set. */
static bool pass(struct p2p_handshake *w, struct p2p_handshake *r, uint8_t flip, size_t at)
{
    uint8_t wire[256], got[256];
    size_t n, m;
    TD_ASSERT(p2p_handshake_write(w, wire, sizeof wire, &n, td_bytes_of("p", 1)) == TD_OK);
    wire[at % n] ^= flip;
    bool first = r->done == 0;
    enum td_error err = p2p_handshake_read(r, got, sizeof got, &m, td_bytes_of(wire, n));
    TD_ASSERT(err == TD_OK || flip != 0);
    TD_ASSERT(first || flip == 0 || err != TD_OK);
    return err == TD_OK;
}

static void frames(const uint8_t *data, size_t len)
{
    struct p2p_cipher send = {.key = {7}, .keyed = true}, receive = send;
    struct p2p_frame_in in;
    static uint8_t body[4096], wire[8192];
    bool complete = false;
    p2p_frame_in_init(&in, &receive, sizeof body);
    if (len == 0 || len > sizeof body)
        return;
    p2p_frame_seal(&send, wire, td_bytes_of(data, len));
    if (data[0] % 2u == 1u) /* tampered with somewhere */
        wire[data[0] % p2p_frame_sealed_bytes(len)] ^= 1;
    if (p2p_frame_head(&in, wire) != TD_OK)
        return;
    TD_ASSERT(in.body_bytes == len);
    if (p2p_frame_piece(&in, body, wire + P2P_FRAME_HEAD_BYTES, &complete) != TD_OK)
        return;
    TD_ASSERT(complete && data[0] % 2u == 0u && memcmp(body, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct p2p_handshake h[2];
    uint8_t got[65536];
    size_t m;
    if (len < 3)
        return 0;
    for (unsigned i = 0; i < 2; i++)
        p2p_handshake_init_fixed(&h[i], i == 0 ? P2P_NOISE_INITIATOR : P2P_NOISE_RESPONDER,
                                 SECRET[i], EPHEMERAL[i], td_bytes_of("x", 1));
    unsigned good = data[0] % 3u;
    uint8_t flip = data[1];
    for (unsigned i = 0; i < good; i++)
        if (!pass(&h[i % 2u], &h[(i + 1u) % 2u], i + 1u == good ? flip : 0, data[2]))
            return 0;
    struct p2p_handshake *r = &h[(good + 1u) % 2u]; /* reads the input itself */
    enum td_error err = p2p_handshake_read(r, got, sizeof got, &m, td_bytes_of(data + 3, len - 3u));
    TD_ASSERT(err == TD_OK || (r->dead && m == 0) || err == TD_E_NOSPACE);
    TD_ASSERT(err != TD_OK || good == 0); /* messages 2 and 3 are authenticated */
    TD_ASSERT(!p2p_handshake_done(r));
    frames(data + 3, len - 3u);
    return 0;
}
