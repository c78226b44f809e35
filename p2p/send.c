/* The sending half: what goes next is decided when the socket has room for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "p2p/net_internal.h"

void p2p_conn_dirty(struct p2p_conn *c)
{
    if (c->is_dirty || c->doomed || c->write_armed || !c->has_events)
        return;
    c->is_dirty = true;
    c->next_dirty = c->net->dirty;
    c->net->dirty = c;
    event_active(&c->net->flush, EV_TIMEOUT, 0);
}

void p2p_conn_put(struct p2p_conn *c, const uint8_t *bytes, size_t len)
{
    size_t left = c->out_len - c->out_at;
    uint8_t *out = malloc(left + len);
    if (out == NULL) {
        p2p_conn_doom(c, "no memory");
        return;
    }
    if (left > 0)
        memcpy(out, c->out + c->out_at, left);
    memcpy(out + left, bytes, len);
    free(c->out);
    c->out = out;
    c->out_at = 0;
    c->out_len = left + len;
}

static struct p2p_body *one(struct p2p_body **slot)
{
    struct p2p_body *body = *slot;
    *slot = NULL;
    return body;
}

/* Strict priority; nothing but Hello before the peer is up. */
static struct p2p_body *choose(struct p2p_conn *c)
{
    if (c->hello != NULL)
        return one(&c->hello);
    if (c->state != P2P_UP)
        return NULL;
    if (c->pong != NULL)
        return one(&c->pong);
    if (c->ping != NULL)
        return one(&c->ping);
    struct p2p_body *body = p2p_queue_pop(&c->queue[P2P_CONSENSUS]);
    if (body == NULL && c->peers != NULL)
        return one(&c->peers);
    if (body == NULL)
        body = p2p_queue_pop(&c->queue[P2P_BLOCKS]);
    if (body == NULL && c->tx_budget > 0) {
        body = p2p_queue_pop(&c->queue[P2P_TX]);
        c->tx_budget -= body == NULL ? 0 : (int64_t)body->len + 64;
    }
    return body;
}

/* Seal frames into out[P2P_FILL_BYTES] until P2P_FILL_GOAL is reached or nothing waits. */
static size_t fill(struct p2p_conn *c, uint8_t *out)
{
    size_t n = 0;
    while (n < P2P_FILL_GOAL) {
        if (c->sending == NULL) {
            c->sending = choose(c);
            if (c->sending == NULL)
                break;
            c->sending_at = 0;
            p2p_frame_seal_head(&c->send_key, out + n, c->sending->len);
            n += P2P_FRAME_HEAD_BYTES;
            c->info.frames_out++;
        }
        struct td_bytes body = td_bytes_of(c->sending->bytes, c->sending->len);
        size_t piece = p2p_frame_seal_piece(&c->send_key, out + n, body, c->sending_at);
        n += piece + P2P_NOISE_TAG_BYTES;
        c->sending_at += piece;
        if (c->sending_at == body.len) {
            p2p_body_drop(c->sending);
            c->sending = NULL;
        }
    }
    return n;
}

static void arm(struct p2p_conn *c)
{
    if (!c->write_armed && event_add(&c->write, NULL) == 0)
        c->write_armed = true;
}

/* What the socket takes of bytes[len]; -1: the connection is broken. */
static ssize_t push(struct p2p_conn *c, const uint8_t *bytes, size_t len)
{
    ssize_t n;
    do
        n = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
        return 0;
    if (n < 0) {
        p2p_conn_doom(c, "sending failed");
        return -1;
    }
    c->info.bytes_out += (uint64_t)n;
    c->net->stats.bytes_out += (uint64_t)n;
    if (n > 0)
        c->last_out_ns = p2p_now(c->net);
    return n;
}

/* The rest of earlier sealed bytes; false while there is one. */
static bool drain(struct p2p_conn *c)
{
    if (c->out_len == 0)
        return true;
    ssize_t n = push(c, c->out + c->out_at, c->out_len - c->out_at);
    if (n < 0)
        return false;
    c->out_at += (size_t)n;
    if (c->out_at < c->out_len) {
        arm(c);
        return false;
    }
    free(c->out);
    c->out = NULL;
    c->out_len = c->out_at = 0;
    return true;
}

void p2p_conn_write(struct p2p_conn *c)
{
    size_t turn = 0;
    if (c->doomed || c->state < P2P_SHAKE || !drain(c))
        return;
    if (c->state < P2P_HELLO)
        return;
    while (turn < P2P_WRITE_TURN) {
        size_t len = fill(c, c->net->tx);
        if (len == 0)
            return;
        ssize_t n = push(c, c->net->tx, len);
        if (n < 0)
            return;
        if ((size_t)n < len) {
            p2p_conn_put(c, c->net->tx + n, len - (size_t)n);
            if (!c->doomed)
                arm(c);
            return;
        }
        turn += len;
    }
    arm(c);
}

void p2p_conn_send_reset(struct p2p_conn *c)
{
    struct p2p_body **const ONES[] = {&c->hello, &c->pong, &c->ping, &c->peers, &c->sending};
    for (size_t i = 0; i < sizeof ONES / sizeof ONES[0]; i++)
        p2p_body_drop(one(ONES[i]));
    for (int k = 0; k < P2P_CLASSES; k++)
        p2p_queue_reset(&c->queue[k]);
    if (c->out != NULL)
        memset(c->out, 0, c->out_len);
    free(c->out);
    c->out = NULL;
    c->out_len = c->out_at = 0;
}
