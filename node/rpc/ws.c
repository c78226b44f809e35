#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/server_internal.h"

#define MS_NS 1000000u
#define KEY_BYTES 24u /* base64 of 16 */

/* The timer must fire for the nearest of the deadlines. */
static void schedule(struct node_http_conn *c)
{
    uint64_t at = c->ping_ns;
    const uint64_t others[] = {c->message_ns, c->out_ns, c->resume_ns};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i] != 0 && others[i] < at)
            at = others[i];
    }
    node_conn_deadline(c, at);
}

static bool send_frame(struct node_http_conn *c, enum node_ws_opcode opcode, struct td_bytes body)
{
    uint8_t head[NODE_WS_HEAD_BYTES_MAX];
    struct iovec v[2] = {{.iov_base = head, .iov_len = node_ws_head_encode(head, opcode, body.len)},
                         {.iov_base = (void *)(uintptr_t)body.ptr, .iov_len = body.len}};
    if (!node_conn_send(c, v, body.len > 0 ? 2 : 1))
        return false;
    if (c->phase == NODE_CONN_SOCKET && c->out_ns != 0)
        schedule(c);
    return true;
}

bool node_ws_text(struct node_http_conn *c, struct td_bytes text)
{
    return send_frame(c, NODE_WS_TEXT, text);
}

void node_ws_gone(struct node_http_conn *c)
{
    struct node_http *h = c->http;
    if (!c->is_socket)
        return;
    c->is_socket = false;
    h->stats.sockets--;
    if (h->options.closed != NULL)
        h->options.closed(h->options.ctx, c->id);
}

/* Our close frame, the last one; what was queued goes out before it. */
static void finish(struct node_http_conn *c, uint16_t code)
{
    const uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    c->close_after = true;
    if (c->in != NULL)
        node_http_request_free(c->in);
    c->in = NULL;
    if (send_frame(c, NODE_WS_CLOSE, td_bytes_of(body, sizeof body)))
        node_conn_answered(c);
    node_ws_gone(c);
}

/* ---- opening, RFC 6455 section 4.2 */

/* Base64 of 16 bytes: 22 digits, the last of which has four zero bits, and two signs of padding. */
static bool key_is_valid(struct td_bytes key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (key.len != KEY_BYTES || key.ptr[22] != '=' || key.ptr[23] != '=')
        return false;
    for (size_t i = 0; i < 22u; i++) {
        if (memchr(digits, key.ptr[i], sizeof digits - 1u) == NULL)
            return false;
    }
    return memchr("AQgw", key.ptr[21], 4) != NULL;
}

static bool accept_text(char out[29], struct td_bytes key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[KEY_BYTES + sizeof guid - 1u], digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    memcpy(text, key.ptr, KEY_BYTES);
    memcpy(text + KEY_BYTES, guid, sizeof guid - 1u);
    if (EVP_Digest(text, sizeof text, digest, &n, EVP_sha1(), NULL) != 1 || n != 20u)
        return false;
    return EVP_EncodeBlock((uint8_t *)out, digest, (int)n) == 28;
}

static void refuse(struct node_http_conn *c, int status, const char *why)
{
    const struct node_http_fault fault = {status, why};
    node_conn_fault(c, &fault);
}

void node_ws_upgrade(struct node_http_conn *c, const struct node_http_head *head)
{
    struct node_http *h = c->http;
    char answer[160], accept[29];
    if (!h->options.websocket) {
        refuse(c, 404, "no WebSocket at this port; see [rpc] ws of the configuration");
        return;
    }
    if (!head->version_13) {
        refuse(c, 426, "only version 13 of WebSocket is spoken here");
        return;
    }
    if (head->key_count != 1 || !key_is_valid(head->key) || head->chunked ||
        head->content_bytes > 0) {
        refuse(c, 400, "Sec-WebSocket-Key is not base64 of 16 bytes, or there is a body");
        return;
    }
    if (!accept_text(accept, head->key)) {
        refuse(c, 500, "SHA-1 is not available in this OpenSSL");
        return;
    }
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    struct iovec v = {.iov_base = answer, .iov_len = (size_t)n};
    uint64_t now = node_http_now(h);
    c->phase = NODE_CONN_SOCKET;
    c->is_socket = true;
    c->heard_ns = now;
    c->ping_ns = now + (uint64_t)h->times.ping_ms * MS_NS;
    h->stats.sockets++;
    node_ws_in_init(&c->ws, h->options.max_body_bytes);
    if (node_conn_send(c, &v, 1))
        schedule(c);
}

/* ---- messages */

static bool message_begin(struct node_http_conn *c)
{
    if (c->in != NULL)
        return true;
    c->in = node_http_request_new(c, NODE_HTTP_SOCKET_MESSAGE, td_bytes_of(NULL, 0));
    if (c->in == NULL)
        return false;
    c->body_mark = 0;
    c->message_ns = node_http_now(c->http) + (uint64_t)c->http->times.body_ms * MS_NS;
    return true;
}

static void message_data(struct node_http_conn *c, struct td_bytes data)
{
    if (!message_begin(c) || !node_http_body_grow(c, c->in, data.len)) {
        finish(c, 1013); /* try again later */
        return;
    }
    memcpy(c->in->body + c->in->body_bytes, data.ptr, data.len);
    c->in->body_bytes += data.len;
}

/* One message or control frame counts; beyond the rate the socket pauses, which loses nothing. */
static void count_one(struct node_http_conn *c)
{
    struct node_http *h = c->http;
    uint64_t now = node_http_now(h);
    uint64_t wait_ns = node_http_peers_owe(h->peers, c->peer, now);
    if (wait_ns == 0)
        return;
    h->stats.refused_rate++;
    c->resume_ns = now + wait_ns;
    schedule(c);
}

static void message_end(struct node_http_conn *c)
{
    if (!message_begin(c)) {
        finish(c, 1013);
        return;
    }
    struct node_http_request *q = c->in;
    c->in = NULL;
    c->message_ns = 0;
    count_one(c);
    node_http_request_start(c, q);
}

static void on_ws_event(struct node_http_conn *c, enum node_ws_event e, struct td_bytes data,
                        uint16_t code)
{
    switch (e) {
    case NODE_WS_DATA:
        message_data(c, data);
        break;
    case NODE_WS_END:
        message_end(c);
        break;
    case NODE_WS_GOT_PING:
        count_one(c);
        (void)send_frame(c, NODE_WS_PONG, data);
        break;
    case NODE_WS_GOT_CLOSE:
        finish(c, code);
        break;
    case NODE_WS_ERROR:
        c->http->stats.bad_requests++;
        finish(c, code);
        break;
    case NODE_WS_GOT_PONG:
    case NODE_WS_MORE:
        break;
    }
}

/* Both limits change at the end of a frame only, so that nothing of a frame is left waiting. */
static bool may_take(const struct node_http_conn *c)
{
    return !c->dead && c->phase == NODE_CONN_SOCKET && c->resume_ns == 0 &&
           c->under_way < NODE_WS_UNDER_WAY_MAX;
}

size_t node_ws_take(struct node_http_conn *c, uint8_t *in, size_t len)
{
    enum node_ws_event e = NODE_WS_DATA;
    size_t taken = 0;
    if (may_take(c))
        c->heard_ns = node_http_now(c->http);
    while (e != NODE_WS_MORE && may_take(c)) {
        struct td_bytes data;
        uint16_t code = 0;
        size_t used;
        e = node_ws_feed(&c->ws, &data, &code, in + taken, len - taken, &used);
        taken += used;
        on_ws_event(c, e, data, code);
    }
    return taken;
}

/* ---- deadlines */

/* A queue or a message that has not grown by a KiB since the last look. */
static bool is_stuck(struct node_http_conn *c, uint64_t now_ns)
{
    const struct node_http_times *t = &c->http->times;
    if (c->out_ns != 0 && now_ns >= c->out_ns) {
        uint64_t taken = node_conn_taken(c);
        if (taken < c->out_mark + NODE_HTTP_PROGRESS_BYTES)
            return true;
        c->out_mark = taken;
        c->out_ns = now_ns + (uint64_t)t->reply_ms * MS_NS;
    }
    if (c->message_ns != 0 && now_ns >= c->message_ns) {
        uint64_t have = c->in == NULL ? 0 : c->in->body_bytes;
        if (have < c->body_mark + NODE_HTTP_PROGRESS_BYTES)
            return true;
        c->body_mark = have;
        c->message_ns = now_ns + (uint64_t)t->body_ms * MS_NS;
    }
    uint64_t silence_ns = 2u * (uint64_t)t->ping_ms * MS_NS;
    return c->resume_ns == 0 && c->under_way == 0 && now_ns >= c->heard_ns + silence_ns;
}

void node_ws_expire(struct node_http_conn *c, uint64_t now_ns)
{
    if (is_stuck(c, now_ns)) {
        c->http->stats.timeouts++;
        c->dead = true;
        return;
    }
    if (c->resume_ns != 0 && now_ns >= c->resume_ns) {
        c->resume_ns = 0;
        c->heard_ns = now_ns;
    }
    if (now_ns >= c->ping_ns) {
        c->ping_ns = now_ns + (uint64_t)c->http->times.ping_ms * MS_NS;
        if (!send_frame(c, NODE_WS_PING, td_bytes_of(NULL, 0)))
            return;
    }
    schedule(c);
}
