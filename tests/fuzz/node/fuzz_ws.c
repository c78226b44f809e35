/* Any bytes as frames of a client: the same events whether they come at once or in pieces, messages
 * within the limit and UTF-8, and an end that stays. */
#include <stdint.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/rpc/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LIMIT 300u
#define INPUT_MAX 4096u

struct end {
    uint16_t code;
    uint32_t messages, controls;
    uint64_t content_bytes;
};

/* Slower and in another way than the decoder that is tested: by the values of RFC 3629. */
static bool is_utf8(const uint8_t *p, size_t len)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < len;) {
        size_t n = p[i] < 0x80       ? 1
                   : p[i] >> 5 == 6  ? 2
                   : p[i] >> 4 == 14 ? 3
                   : p[i] >> 3 == 30 ? 4
                                     : 0;
        if (n == 0 || i + n > len)
            return false;
        uint32_t v = n == 1 ? p[i] : p[i] & (0xFFu >> (n + 1u));
        for (size_t k = 1; k < n; k++) {
            if (p[i + k] >> 6 != 2)
                return false;
            v = v << 6 | (p[i + k] & 0x3Fu);
        }
        if (v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
            return false;
        i += n;
    }
    return true;
}

static struct end read_stream(const uint8_t *data, size_t len, size_t step)
{
    static uint8_t in[INPUT_MAX], message[LIMIT];
    struct node_ws_in w;
    struct end e = {0};
    size_t have = 0;
    memcpy(in, data, len);
    node_ws_in_init(&w, LIMIT);
    for (size_t at = 0;;) {
        struct td_bytes piece;
        size_t n = len - at < step ? len - at : step, used;
        uint16_t code = 0;
        enum node_ws_event event = node_ws_feed(&w, &piece, &code, in + at, n, &used);
        TD_ASSERT(used <= n);
        at += used;
        if (event == NODE_WS_DATA) {
            TD_ASSERT(piece.len <= LIMIT - have);
            memcpy(message + have, piece.ptr, piece.len);
            have += piece.len;
            e.content_bytes += piece.len;
        } else if (event == NODE_WS_END) {
            TD_ASSERT(is_utf8(message, have));
            e.messages++;
            have = 0;
        } else if (event == NODE_WS_GOT_PING || event == NODE_WS_GOT_PONG) {
            TD_ASSERT(piece.len <= NODE_WS_CONTROL_BYTES_MAX);
            e.controls++;
        } else if (event != NODE_WS_MORE) {
            e.code = code;
            TD_ASSERT(code >= 1000 && code < 5000);
            TD_ASSERT(node_ws_feed(&w, &piece, &code, in, 0, &used) == NODE_WS_ERROR);
            return e;
        } else if (at == len) {
            return e;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0 || len > INPUT_MAX)
        return 0;
    struct end whole = read_stream(data, len, len), pieces = read_stream(data, len, 5),
               bytes = read_stream(data, len, 1);
    TD_ASSERT(whole.code == bytes.code && whole.messages == bytes.messages);
    TD_ASSERT(pieces.code == bytes.code && pieces.messages == bytes.messages);
    TD_ASSERT(whole.controls == bytes.controls);
    return 0;
}
