#include "node/rpc/ws_frame.h"

#include <string.h>

/* What may follow a first byte, RFC 3629 section 4. */
static bool utf8_first(struct node_utf8 *u, uint8_t c)
{
    u->low = 0x80;
    u->high = 0xBF;
    if (c < 0x80) {
        return true;
    } else if (c >= 0xC2 && c <= 0xDF) {
        u->left = 1;
    } else if (c >= 0xE0 && c <= 0xEF) {
        u->left = 2;
        u->low = c == 0xE0 ? 0xA0 : 0x80;
        u->high = c == 0xED ? 0x9F : 0xBF;
    } else if (c >= 0xF0 && c <= 0xF4) {
        u->left = 3;
        u->low = c == 0xF0 ? 0x90 : 0x80;
        u->high = c == 0xF4 ? 0x8F : 0xBF;
    } else {
        return false;
    }
    return true;
}

bool node_utf8_feed(struct node_utf8 *u, struct td_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (u->left == 0) {
            if (!utf8_first(u, c))
                return false;
            continue;
        }
        if (c < u->low || c > u->high)
            return false;
        u->left--;
        u->low = 0x80;
        u->high = 0xBF;
    }
    return true;
}

void node_ws_in_init(struct node_ws_in *w, uint64_t limit_bytes)
{
    *w = (struct node_ws_in){.limit_bytes = limit_bytes};
}

static enum node_ws_event fail(struct node_ws_in *w, uint16_t *code, uint16_t why)
{
    w->ended = why;
    *code = why;
    return NODE_WS_ERROR;
}

static uint8_t opcode(const struct node_ws_in *w)
{
    return w->head[0] & 0x0Fu;
}

static bool is_final(const struct node_ws_in *w)
{
    return (w->head[0] & 0x80u) != 0;
}

static bool is_control(const struct node_ws_in *w)
{
    return (opcode(w) & 0x08u) != 0;
}

/* How many bytes the head has, judged by the first two. */
static uint8_t head_wants(const struct node_ws_in *w)
{
    uint8_t length = w->head_bytes < 2u ? 0 : w->head[1] & 0x7Fu;
    if (w->head_bytes < 2u)
        return 2;
    return (uint8_t)(6u + (length == 126u ? 2u : length == 127u ? 8u : 0u));
}

/* The first two bytes are there; 0 or a close code. */
static uint16_t check_kind(const struct node_ws_in *w)
{
    uint8_t op = opcode(w), length = w->head[1] & 0x7Fu;
    if ((w->head[0] & 0x70u) != 0 || (w->head[1] & 0x80u) == 0)
        return 1002;
    if (is_control(w))
        return op > NODE_WS_PONG || !is_final(w) || length > NODE_WS_CONTROL_BYTES_MAX ? 1002 : 0;
    if (op == NODE_WS_BINARY)
        return w->in_message ? 1002 : 1003;
    if (op > NODE_WS_BINARY || (op == NODE_WS_CONTINUE) != w->in_message)
        return 1002;
    return 0;
}

/* The head is whole; 0 or a close code. */
static uint16_t check_length(struct node_ws_in *w)
{
    uint8_t length = w->head[1] & 0x7Fu;
    uint64_t n = length;
    if (length == 126u) {
        n = (uint64_t)w->head[2] << 8 | w->head[3];
        if (n < 126u)
            return 1002;
    } else if (length == 127u) {
        n = 0;
        for (unsigned i = 2; i < 10; i++)
            n = n << 8 | w->head[i];
        if (n <= 0xFFFFu || n >> 63 != 0)
            return 1002;
    }
    w->left = n;
    w->mask_at = 0;
    w->control_bytes = 0;
    w->in_payload = true;
    if (is_control(w))
        return 0;
    if (n > w->limit_bytes - w->message_bytes)
        return 1009;
    w->message_bytes += n;
    return 0;
}

/* RFC 6455 7.4: what a peer may send.  1005, 1006 and 1015 are for one's own use. */
static bool is_sendable(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum node_ws_event close_event(struct node_ws_in *w, uint16_t *code)
{
    uint16_t n = w->control_bytes;
    struct node_utf8 u = {0};
    if (n == 1u)
        return fail(w, code, 1002);
    *code = 1000;
    if (n > 0)
        *code = (uint16_t)((unsigned)w->control[0] << 8 | w->control[1]);
    if (n > 0 && !is_sendable(*code))
        return fail(w, code, 1002);
    if (n > 2u && (!node_utf8_feed(&u, td_bytes_of(w->control + 2, n - 2u)) || u.left != 0))
        return fail(w, code, 1007);
    w->ended = *code;
    return NODE_WS_GOT_CLOSE;
}

/* The frame is over. */
static enum node_ws_event frame_end(struct node_ws_in *w, struct td_bytes *data, uint16_t *code)
{
    uint8_t op = opcode(w);
    w->head_bytes = 0;
    w->in_payload = false;
    if (op == NODE_WS_CLOSE)
        return close_event(w, code);
    if (op == NODE_WS_PING || op == NODE_WS_PONG) {
        *data = td_bytes_of(w->control, w->control_bytes);
        return op == NODE_WS_PING ? NODE_WS_GOT_PING : NODE_WS_GOT_PONG;
    }
    w->in_message = !is_final(w);
    if (w->in_message)
        return NODE_WS_MORE;
    w->message_bytes = 0;
    return w->utf8.left == 0 ? NODE_WS_END : fail(w, code, 1007);
}

static enum node_ws_event payload(struct node_ws_in *w, struct td_bytes *data, uint16_t *code,
                                  uint8_t *in, size_t n)
{
    const uint8_t *mask = w->head + head_wants(w) - 4u;
    for (size_t i = 0; i < n; i++)
        in[i] ^= mask[(w->mask_at + i) & 3u];
    w->mask_at = (uint8_t)((w->mask_at + n) & 3u);
    w->left -= n;
    if (is_control(w)) {
        memcpy(w->control + w->control_bytes, in, n);
        w->control_bytes = (uint8_t)(w->control_bytes + n);
        return NODE_WS_MORE;
    }
    *data = td_bytes_of(in, n);
    return node_utf8_feed(&w->utf8, *data) ? NODE_WS_DATA : fail(w, code, 1007);
}

/* One byte of a head; MORE or ERROR. */
static enum node_ws_event head_byte(struct node_ws_in *w, uint16_t *code, uint8_t c)
{
    w->head[w->head_bytes++] = c;
    uint16_t bad = 0;
    if (w->head_bytes == 2u)
        bad = check_kind(w);
    if (bad == 0 && w->head_bytes == head_wants(w))
        bad = check_length(w);
    return bad == 0 ? NODE_WS_MORE : fail(w, code, bad);
}

enum node_ws_event node_ws_feed(struct node_ws_in *w, struct td_bytes *data, uint16_t *code,
                                uint8_t *in, size_t len, size_t *used)
{
    *data = td_bytes_of(NULL, 0);
    *used = 0;
    if (w->ended != 0) {
        *code = w->ended;
        return NODE_WS_ERROR;
    }
    for (;;) {
        enum node_ws_event e = NODE_WS_MORE;
        if (w->in_payload && w->left == 0) {
            e = frame_end(w, data, code);
        } else if (*used == len) {
            return NODE_WS_MORE;
        } else if (w->in_payload) {
            size_t n = w->left < len - *used ? (size_t)w->left : len - *used;
            e = payload(w, data, code, in + *used, n);
            *used += n;
        } else {
            e = head_byte(w, code, in[(*used)++]);
        }
        if (e != NODE_WS_MORE)
            return e;
    }
}

size_t node_ws_head_encode(uint8_t out[NODE_WS_HEAD_BYTES_MAX], enum node_ws_opcode op,
                           uint64_t payload_bytes)
{
    out[0] = (uint8_t)(0x80u | (unsigned)op);
    if (payload_bytes < 126u) {
        out[1] = (uint8_t)payload_bytes;
        return 2;
    }
    unsigned n = payload_bytes <= 0xFFFFu ? 2u : 8u;
    out[1] = n == 2u ? 126 : 127;
    for (unsigned i = 0; i < n; i++)
        out[2u + i] = (uint8_t)(payload_bytes >> 8u * (n - 1u - i));
    return 2u + n;
}
