#define _GNU_SOURCE 1 /* gmtime_r, msghdr */
#include <errno.h>
#include <event2/buffer.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "node/rpc/server_internal.h"

#define MS_NS 1000000u

static void pump(struct node_http_conn *c);

/* ---- the timer */

static void arm(struct node_http_conn *c, uint64_t now_ns)
{
    uint64_t in_ns = c->deadline_ns > now_ns ? c->deadline_ns - now_ns : 0;
    struct timeval tv = {.tv_sec = (time_t)(in_ns / 1000000000u),
                         .tv_usec = (suseconds_t)(in_ns % 1000000000u / 1000u) + 1};
    c->armed_ns = c->deadline_ns;
    if (event_add(&c->timer, &tv) != 0)
        c->dead = true; /* no memory for a timer: without a deadline it must not stay */
}

void node_conn_deadline(struct node_http_conn *c, uint64_t at_ns)
{
    c->deadline_ns = at_ns;
    if (c->armed_ns == 0 || at_ns < c->armed_ns)
        arm(c, node_http_now(c->http));
}

static void deadline_in(struct node_http_conn *c, uint32_t ms)
{
    node_conn_deadline(c, node_http_now(c->http) + (uint64_t)ms * MS_NS);
}

void node_conn_wake(struct node_http_conn *c)
{
    event_active(&c->timer, EV_TIMEOUT, 0);
}

void node_conn_doom(struct node_http_conn *c)
{
    c->dead = true;
    node_conn_wake(c);
}

/* ---- output */

size_t node_conn_unsent(struct node_http_conn *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev));
}

uint64_t node_conn_taken(struct node_http_conn *c)
{
    int in_kernel = 0;
    if (ioctl(bufferevent_getfd(c->bev), SIOCOUTQ, &in_kernel) != 0 || in_kernel < 0)
        in_kernel = 0;
    uint64_t waiting = node_conn_unsent(c) + (uint64_t)in_kernel;
    return c->queued_bytes > waiting ? c->queued_bytes - waiting : 0;
}

/* Charge the answers that wait now. */
static void hold_out(struct node_http_conn *c, size_t n)
{
    c->http->out_bytes += n - c->out_held; /* modulo 2^64: also less */
    c->peer->out_bytes += n - c->out_held;
    c->out_held = n;
}

static bool room_out(struct node_http_conn *c, size_t more)
{
    hold_out(c, node_conn_unsent(c));
    return c->out_held + more <= NODE_HTTP_QUEUE_BYTES_MAX &&
           c->http->out_bytes + more <= NODE_HTTP_OUT_BYTES_MAX &&
           c->peer->out_bytes + more <= NODE_HTTP_OUT_BYTES_MAX / 2u;
}

/* What the socket takes at once saves a turn of the loop. */
static size_t send_now(struct node_http_conn *c, const struct iovec *v, int count)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)count};
    if (node_conn_unsent(c) > 0)
        return 0;
    ssize_t n = sendmsg(bufferevent_getfd(c->bev), &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        node_conn_doom(c);
    return n < 0 ? 0 : (size_t)n;
}

bool node_conn_send(struct node_http_conn *c, const struct iovec *v, int count)
{
    size_t total = 0;
    if (c->dead)
        return false;
    for (int i = 0; i < count; i++)
        total += v[i].iov_len;
    size_t sent = send_now(c, v, count);
    c->queued_bytes += total;
    c->http->stats.bytes_out += total;
    if (c->dead || sent == total)
        return !c->dead;
    if (!room_out(c, total - sent)) {
        c->http->stats.timeouts++; /* of the same kind: it reads too slowly */
        node_conn_doom(c);
        return false;
    }
    for (int i = 0; i < count; i++) {
        size_t skip = sent < v[i].iov_len ? sent : v[i].iov_len;
        sent -= skip;
        if (bufferevent_write(c->bev, (const uint8_t *)v[i].iov_base + skip, v[i].iov_len - skip) !=
            0) {
            node_conn_doom(c);
            return false;
        }
    }
    hold_out(c, node_conn_unsent(c));
    if (c->out_ns == 0) {
        c->out_mark = node_conn_taken(c);
        c->out_ns = node_http_now(c->http) + (uint64_t)c->http->times.reply_ms * MS_NS;
    }
    return true;
}

/* ---- answers */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {{200, "OK"},
                 {204, "No Content"},
                 {400, "Bad Request"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {411, "Length Required"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {417, "Expectation Failed"},
                 {426, "Upgrade Required"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].status == status)
            return known[i].text;
    }
    return "Status";
}

/* IMF-fixdate, once a second (RFC 9110 5.6.7). */
static const char *date_text(struct node_http *h)
{
    time_t now = (time_t)(td_clock_wall_ms(&h->clock) / 1000u);
    struct tm tm;
    if (now != h->date_at && gmtime_r(&now, &tm) != NULL) {
        static const char days[] = "SunMonTueWedThuFriSat";
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        h->date_at = now;
        snprintf(h->date, sizeof h->date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
                 (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
    }
    return h->date;
}

void node_http_answer(struct node_http_conn *c, const struct node_http_request *q, int status,
                      const char *type, const char *extra, struct td_bytes body)
{
    char head[768];
    bool http10 = q != NULL && q->http10;
    char length[48] = "";
    c->close_after = c->close_after || q == NULL || !q->keep_alive;
    if (status != 204) /* RFC 9110 8.6: no length there */
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", body.len);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %03d %s\r\nDate: %s\r\n%s%.100s%s%s"
                     "Access-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n"
                     "Cache-Control: no-store\r\n%.300s%s\r\n",
                     status % 1000, reason(status), date_text(c->http),
                     type == NULL ? "" : "Content-Type: ", type == NULL ? "" : type,
                     type == NULL ? "" : "\r\n", length, extra,
                     c->close_after ? "Connection: close\r\n"
                     : http10       ? "Connection: keep-alive\r\n"
                                    : "");
    if (n < 0 || (size_t)n >= sizeof head) {
        node_conn_doom(c);
        return;
    }
    bool with_body = body.len > 0 && (q == NULL || q->method != NODE_HTTP_METHOD_HEAD);
    struct iovec v[2] = {{.iov_base = head, .iov_len = (size_t)n},
                         {.iov_base = (void *)(uintptr_t)body.ptr, .iov_len = body.len}};
    if (node_conn_send(c, v, with_body ? 2 : 1))
        node_conn_answered(c);
}

/* No more answers: say so, and read on for a moment, because closing with bytes unread would
 * destroy what the client has not read yet (RFC 9112 9.6). */
static void linger(struct node_http_conn *c)
{
    c->phase = NODE_CONN_LINGER;
    if (c->eof || shutdown(bufferevent_getfd(c->bev), SHUT_WR) != 0)
        node_conn_doom(c);
    else
        deadline_in(c, c->http->times.linger_ms);
}

void node_conn_answered(struct node_http_conn *c)
{
    if (node_conn_unsent(c) > 0) {
        c->phase = NODE_CONN_FLUSH;
        node_conn_deadline(c, c->out_ns);
        return;
    }
    c->out_ns = 0;
    if (c->close_after) {
        linger(c);
        return;
    }
    c->phase = NODE_CONN_IDLE;
    c->fresh = false;
    node_http_scan_init(&c->scan);
    deadline_in(c, c->http->times.idle_ms);
}

/* One line for a person. */
static void answer_text(struct node_http_conn *c, const struct node_http_request *q, int status,
                        const char *extra, const char *why)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s\n", why);
    n = n < 0 ? 0 : n >= (int)sizeof line ? (int)sizeof line - 1 : n;
    node_http_answer(c, q, status, "text/plain; charset=utf-8", extra,
                     td_bytes_of(line, (size_t)n));
}

void node_conn_fault(struct node_http_conn *c, const struct node_http_fault *fault)
{
    struct node_http_request *q = c->in;
    bool head_only = q != NULL && q->method == NODE_HTTP_METHOD_HEAD;
    c->in = NULL;
    c->close_after = true;
    if (fault->status == 408)
        c->http->stats.timeouts++;
    else
        c->http->stats.bad_requests++;
    answer_text(c, head_only ? q : NULL, fault->status,
                fault->status == 405   ? "Allow: GET, HEAD, POST, OPTIONS\r\n"
                : fault->status == 426 ? "Sec-WebSocket-Version: 13\r\n"
                : fault->status == 503 ? "Retry-After: 1\r\n"
                                       : "",
                fault->why);
    if (q != NULL)
        node_http_request_free(q);
}

static void refuse(struct node_http_conn *c, int status, const char *why)
{
    const struct node_http_fault fault = {status, why};
    node_conn_fault(c, &fault);
}

/* ---- requests */

struct node_http_request *node_http_request_new(struct node_http_conn *c, enum node_http_kind kind,
                                                struct td_bytes path)
{
    struct node_http_request *q = calloc(1, sizeof *q + path.len + 1u);
    if (q == NULL)
        return NULL;
    q->http = c->http;
    q->conn = c;
    q->conn_id = c->id;
    q->kind = kind;
    if (path.len > 0)
        memcpy(q->path, path.ptr, path.len);
    return q;
}

void node_http_request_free(struct node_http_request *q)
{
    node_http_release_in(q);
    free(q->body);
    free(q);
}

bool node_http_hold_in(struct node_http_conn *c, struct node_http_request *q, size_t n)
{
    struct node_http *h = c->http;
    if (n > h->in_max - h->in_bytes || n > h->in_max / 2u - c->peer->in_bytes)
        return false;
    h->in_bytes += n;
    c->peer->in_bytes += n;
    q->held_bytes += n;
    return true;
}

void node_http_release_in(struct node_http_request *q)
{
    q->http->in_bytes -= q->held_bytes;
    if (q->conn != NULL)
        q->conn->peer->in_bytes -= q->held_bytes;
    q->held_bytes = 0;
}

bool node_http_body_grow(struct node_http_conn *c, struct node_http_request *q, size_t more)
{
    size_t want = q->body_bytes + more, cap = q->body_cap;
    if (want <= cap)
        return true;
    cap = cap == 0 ? 256u : cap * 2u;
    cap = cap < want ? want : cap;
    if (!node_http_hold_in(c, q, cap - q->body_cap))
        return false;
    uint8_t *body = realloc(q->body, cap);
    if (body == NULL)
        return false;
    q->body = body;
    q->body_cap = cap;
    return true;
}

void node_http_request_start(struct node_http_conn *c, struct node_http_request *q)
{
    struct node_http *h = c->http;
    h->stats.requests++;
    c->under_way++;
    q->next = h->requests;
    if (q->next != NULL)
        q->next->prev = q;
    h->requests = q;
    h->options.request(h->options.ctx, q, q->kind, q->path, td_bytes_of(q->body, q->body_bytes));
}

static void preflight(struct node_http_conn *c, struct node_http_request *q)
{
    node_http_answer(c, q, 204, NULL,
                     "Allow: GET, HEAD, POST, OPTIONS\r\n"
                     "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
                     "Access-Control-Allow-Headers: *, Authorization\r\n"
                     "Access-Control-Max-Age: 7200\r\n",
                     td_bytes_of(NULL, 0));
    node_http_request_free(q);
}

/* The body is whole. */
static void request_whole(struct node_http_conn *c)
{
    struct node_http_request *q = c->in;
    struct node_http *h = c->http;
    c->in = NULL;
    uint64_t wait_ns = node_http_peers_take(h->peers, c->peer, node_http_now(h));
    if (wait_ns > 0) {
        h->stats.refused_rate++;
        answer_text(c, q, 429, "Retry-After: 1\r\n",
                    "more requests a second than rate_per_ip of the configuration; slow down");
        node_http_request_free(q);
    } else if (q->method == NODE_HTTP_METHOD_OPTIONS) {
        preflight(c, q);
    } else {
        c->phase = NODE_CONN_BUSY;
        c->deadline_ns = 0; /* the answer is ours to give */
        node_http_request_start(c, q);
    }
}

/* What a well-formed head may still not have; NULL: fine. */
static const char *head_objection(const struct node_http_conn *c, const struct node_http_head *head,
                                  int *status)
{
    const struct node_http_options *o = &c->http->options;
    bool no_host = head->http10 && head->host.len == 0; /* no browser: cannot be rebinding */
    *status = 403;
    if (!no_host && !node_http_host_allowed(head->host, o->hosts, o->host_count))
        return "this Host is not served; use the IP address or localhost";
    *status = 415;
    if (head->encoded)
        return "Content-Encoding is not understood; send the body as it is";
    if (head->method != NODE_HTTP_METHOD_POST || head->upgrade)
        return NULL;
    *status = 404;
    if (head->path.len != 1)
        return "POST goes to /";
    *status = 411;
    return head->has_length || head->chunked ? NULL : "Content-Length is missing";
}

static bool head_begin_body(struct node_http_conn *c, const struct node_http_head *head,
                            struct node_http_fault *fault)
{
    if (!node_http_body_init(&c->body_in, fault, head, c->http->options.max_body_bytes))
        return false;
    bool post = head->method == NODE_HTTP_METHOD_POST;
    c->in = node_http_request_new(c, post ? NODE_HTTP_POST : NODE_HTTP_GET, head->path);
    if (c->in == NULL) {
        *fault = (struct node_http_fault){503, "out of memory; try again later"};
        return false;
    }
    c->in->method = head->method;
    c->in->keep_alive = head->keep_alive;
    c->in->http10 = head->http10;
    return true;
}

/* A whole head. */
static void head_whole(struct node_http_conn *c, struct td_bytes text)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct node_http_head head;
    struct node_http_fault fault;
    struct td_bytes none;
    size_t used;
    int status;
    if (!node_http_head_parse(&head, &fault, text)) {
        node_conn_fault(c, &fault);
        return;
    }
    const char *why = head_objection(c, &head, &status);
    if (why != NULL) {
        refuse(c, status, why);
        return;
    }
    if (head.upgrade && head.method == NODE_HTTP_METHOD_GET) {
        node_ws_upgrade(c, &head);
        return;
    }
    if (!head_begin_body(c, &head, &fault)) {
        node_conn_fault(c, &fault);
        return;
    }
    if (node_http_body_feed(&c->body_in, &none, NULL, 0, &used, &fault) == NODE_HTTP_DONE) {
        request_whole(c);
        return;
    }
    c->phase = NODE_CONN_BODY;
    c->body_mark = 0;
    deadline_in(c, c->http->times.body_ms);
    struct iovec v = {.iov_base = (void *)(uintptr_t)go_on, .iov_len = sizeof go_on - 1u};
    if (head.expect_continue)
        (void)node_conn_send(c, &v, 1);
}

/* Keep a part of a head; false: no memory, answered. */
static bool head_keep(struct node_http_conn *c, const uint8_t *in, size_t len)
{
    if (c->head_bytes + len > c->head_cap) {
        size_t cap = c->head_cap == 0 ? 512u : c->head_cap * 2u;
        while (cap < c->head_bytes + len)
            cap *= 2u;
        size_t more = cap - c->head_cap;
        struct node_http *h = c->http;
        bool room = more <= h->in_max - h->in_bytes && more <= h->in_max / 2u - c->peer->in_bytes;
        uint8_t *head = room ? realloc(c->head, cap) : NULL;
        if (head == NULL) {
            refuse(c, 503, "too many requests are being received; try again later");
            return false;
        }
        h->in_bytes += more;
        c->peer->in_bytes += more;
        c->head = head;
        c->head_cap = (uint32_t)cap;
    }
    memcpy(c->head + c->head_bytes, in, len);
    c->head_bytes += (uint32_t)len;
    return true;
}

static void head_drop(struct node_http_conn *c)
{
    c->http->in_bytes -= c->head_cap;
    c->peer->in_bytes -= c->head_cap;
    free(c->head);
    c->head = NULL;
    c->head_bytes = c->head_cap = 0;
}

static size_t take_head(struct node_http_conn *c, const uint8_t *in, size_t len)
{
    struct node_http_fault fault;
    size_t used;
    if (c->phase == NODE_CONN_IDLE) {
        c->phase = NODE_CONN_HEAD;
        if (!c->fresh) /* a new connection's head is due since it was accepted */
            deadline_in(c, c->http->times.head_ms);
    }
    switch (node_http_scan_feed(&c->scan, in, len, &used, &fault)) {
    case NODE_HTTP_BAD:
        node_conn_fault(c, &fault);
        break;
    case NODE_HTTP_MORE:
        (void)head_keep(c, in, used);
        break;
    case NODE_HTTP_DONE:
        if (c->head_bytes == 0) {
            head_whole(c, td_bytes_of(in, used)); /* the usual case: it came in one piece */
        } else if (head_keep(c, in, used)) {
            head_whole(c, td_bytes_of(c->head, c->head_bytes));
            head_drop(c);
        }
        break;
    }
    return used;
}

static size_t take_body(struct node_http_conn *c, const uint8_t *in, size_t len)
{
    struct node_http_fault fault;
    struct td_bytes data;
    size_t used;
    enum node_http_progress p = node_http_body_feed(&c->body_in, &data, in, len, &used, &fault);
    if (p == NODE_HTTP_BAD) {
        node_conn_fault(c, &fault);
        return used;
    }
    if (data.len > 0) {
        if (!node_http_body_grow(c, c->in, data.len)) {
            refuse(c, 503, "too many requests are being received; try again later");
            return used;
        }
        memcpy(c->in->body + c->in->body_bytes, data.ptr, data.len);
        c->in->body_bytes += data.len;
    }
    if (p == NODE_HTTP_DONE)
        request_whole(c);
    return used;
}

/* ---- the loop's callbacks */

static size_t take(struct node_http_conn *c, uint8_t *in, size_t len)
{
    switch (c->phase) {
    case NODE_CONN_IDLE:
    case NODE_CONN_HEAD:
        return take_head(c, in, len);
    case NODE_CONN_BODY:
        return take_body(c, in, len);
    case NODE_CONN_SOCKET:
        return node_ws_take(c, in, len);
    case NODE_CONN_LINGER:
        return len;
    case NODE_CONN_BUSY:
    case NODE_CONN_FLUSH:
        break;
    }
    return 0;
}

/* Consume what can be consumed now; may free c. */
static void pump(struct node_http_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    struct evbuffer_iovec v;
    c->pumping = true;
    while (!c->dead && evbuffer_peek(in, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
        size_t used = take(c, v.iov_base, v.iov_len);
        if (used == 0)
            break;
        c->http->stats.bytes_in += used;
        evbuffer_drain(in, used);
    }
    c->pumping = false;
    /* The client sends no more: nothing can become of what is not whole. */
    bool waiting = c->phase == NODE_CONN_BUSY || c->phase == NODE_CONN_FLUSH;
    if (c->dead || (c->eof && !waiting))
        node_conn_free(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    pump(arg);
}

/* All answers are handed to the socket. */
static void on_written(struct bufferevent *bev, void *arg)
{
    struct node_http_conn *c = arg;
    (void)bev;
    hold_out(c, 0);
    c->out_ns = 0;
    if (c->phase == NODE_CONN_FLUSH)
        node_conn_answered(c);
    pump(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct node_http_conn *c = arg;
    (void)bev;
    if ((what & BEV_EVENT_ERROR) != 0)
        c->dead = true;
    c->eof = true;
    pump(c);
}

/* Whether the client took or sent enough since the last look; then it has as long again. */
static bool progressed(struct node_http_conn *c, uint64_t now_ns)
{
    if (c->phase == NODE_CONN_BODY) {
        uint64_t have = c->in->body_bytes;
        if (have < c->body_mark + NODE_HTTP_PROGRESS_BYTES)
            return false;
        c->body_mark = have;
        node_conn_deadline(c, now_ns + (uint64_t)c->http->times.body_ms * MS_NS);
        return true;
    }
    uint64_t taken = node_conn_taken(c);
    if (taken < c->out_mark + NODE_HTTP_PROGRESS_BYTES)
        return false;
    c->out_mark = taken;
    c->out_ns = now_ns + (uint64_t)c->http->times.reply_ms * MS_NS;
    node_conn_deadline(c, c->out_ns);
    return true;
}

/* The deadline has passed. */
static void expire(struct node_http_conn *c, uint64_t now_ns)
{
    c->deadline_ns = 0;
    switch (c->phase) {
    case NODE_CONN_HEAD:
        refuse(c, 408, "the head of the request did not come in time");
        break;
    case NODE_CONN_BODY:
        if (!progressed(c, now_ns))
            refuse(c, 408, "the body of the request came too slowly");
        break;
    case NODE_CONN_FLUSH:
        if (!progressed(c, now_ns)) {
            c->http->stats.timeouts++;
            c->dead = true;
        }
        break;
    case NODE_CONN_SOCKET:
        node_ws_expire(c, now_ns);
        break;
    case NODE_CONN_IDLE:
        c->http->stats.timeouts += c->fresh ? 1u : 0u;
        c->dead = true;
        break;
    case NODE_CONN_LINGER:
        c->dead = true;
        break;
    case NODE_CONN_BUSY: /* has no deadline */
        break;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct node_http_conn *c = arg;
    (void)fd;
    (void)what;
    uint64_t now = node_http_now(c->http);
    c->armed_ns = 0; /* being woken takes the timer off as well */
    if (!c->dead && c->deadline_ns != 0 && now >= c->deadline_ns)
        expire(c, now);
    if (!c->dead && c->armed_ns == 0 && c->deadline_ns != 0)
        arm(c, now);
    pump(c);
}

/* ---- life */

static void link_conn(struct node_http_conn *c)
{
    struct node_http *h = c->http;
    uint32_t slot = h->free_slots[--h->free_count];
    h->serial++;
    c->id = h->serial << NODE_HTTP_SLOT_BITS | slot;
    h->slots[slot] = c;
    c->next = h->conns;
    if (c->next != NULL)
        c->next->prev = c;
    h->conns = c;
    h->stats.open++;
}

static void unlink_conn(struct node_http_conn *c)
{
    struct node_http *h = c->http;
    uint32_t slot = (uint32_t)(c->id & ((1u << NODE_HTTP_SLOT_BITS) - 1u));
    h->slots[slot] = NULL;
    h->free_slots[h->free_count++] = slot;
    *(c->prev == NULL ? &h->conns : &c->prev->next) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    h->stats.open--;
}

bool node_conn_new(struct node_http *h, int fd, struct node_http_peer *peer)
{
    int on = 1;
    struct node_http_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return false;
    }
    c->http = h;
    c->peer = peer;
    c->fresh = true;
    c->bev = bufferevent_socket_new(h->options.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (c->bev == NULL || event_assign(&c->timer, h->options.base, -1, 0, on_timer, c) != 0 ||
        bufferevent_enable(c->bev, EV_READ | EV_WRITE) != 0) {
        if (c->bev != NULL)
            bufferevent_free(c->bev);
        else
            close(fd);
        free(c);
        return false;
    }
    /* Small answers go out at once; a failure costs speed only. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, NODE_HTTP_AHEAD_BYTES);
    link_conn(c);
    deadline_in(c, h->times.head_ms);
    return true;
}

void node_conn_free(struct node_http_conn *c)
{
    struct node_http *h = c->http;
    node_ws_gone(c);
    for (struct node_http_request *q = h->requests; q != NULL && c->under_way > 0; q = q->next) {
        if (q->conn != c)
            continue;
        c->peer->in_bytes -= q->held_bytes;
        q->conn = NULL;
        c->under_way--;
    }
    if (c->in != NULL)
        node_http_request_free(c->in);
    head_drop(c);
    hold_out(c, 0);
    unlink_conn(c);
    node_http_peers_leave(h->peers, c->peer);
    event_del(&c->timer);
    bufferevent_free(c->bev);
    free(c);
}
