/* HTTP/1.1 and WebSocket for JSON-RPC and for the ops pages, on one libevent loop.
 *
 *     accept ─▶ head (deadline, size, count of headers) ─▶ body (deadline, size) ─▶ request()
 *                 │                                                              │ later, any order
 *                 └─ Upgrade: websocket ─▶ messages ─▶ request() ...             └─▶
 * node_http_reply
 *
 * 1. Everything here runs on the loop's thread; request() hands on and returns at once, the answer
 *    comes by node_http_reply from the same thread.  A request whose client went away is answered
 *    into nothing.
 * 2. Bounds: connections (all, and a share of a quarter per address), 8 KiB of head, 64 headers,
 *    body by option, 10 s to send a head, 10 s without a further KiB of a body or a reply, 60 s
 *    idle; one request at a time per HTTP connection (pipelining waits), 16 per WebSocket; replies
 *    queued per connection up to 64 MiB, beyond that it is closed; memory for requests (32 MiB, or
 *    four whole bodies) and for replies that wait (256 MiB), half of each per address; requests a
 *    second per address: HTTP is answered 429 beyond, a WebSocket is read more slowly.
 * 3. Whatever arrives ends in an answer or a close, never in an assert.  Errors of HTTP have a
 *    one-line text body that says what and what to do, and end the connection, except 429.
 * 4. CORS: any origin may POST JSON and read (the node has no cookies and no secrets to ride on);
 *    the Host header must be an IP address, localhost or one of `hosts` (DNS rebinding). */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/host/log.h"

struct node_http;
/* One request being answered; valid until its reply. */
struct node_http_request;

enum node_http_kind { NODE_HTTP_GET, NODE_HTTP_POST, NODE_HTTP_SOCKET_MESSAGE };

/* Deadlines, in milliseconds; tests make them short. */
struct node_http_times {
    uint32_t head_ms;   /* from the first byte of a request to the end of its head */
    uint32_t body_ms;   /* for each further KiB of a body */
    uint32_t reply_ms;  /* for each further KiB that the client must take */
    uint32_t idle_ms;   /* between two requests */
    uint32_t ping_ms;   /* between pings to a WebSocket; twice that without a byte ends it */
    uint32_t linger_ms; /* after the last answer, for the client to close */
};
extern const struct node_http_times node_http_times_default;

struct node_http_options {
    struct event_base *base;
    const char *host; /* as in the options: a name or an address, port apart */
    uint16_t port;    /* 0: the system chooses */
    bool websocket;   /* accept Upgrade */
    uint32_t max_conns;
    uint64_t max_body_bytes;
    uint32_t rate_per_ip;     /* 0: no limit */
    const char *const *hosts; /* names that Host may have beside addresses and localhost */
    uint32_t host_count;
    const struct node_http_times *times; /* NULL: the defaults; copied */
    const struct td_log *log;            /* NULL: silent */
    void *ctx;
    /* `path` (GET: the target without query; POST: "/") and `body` live until the reply. */
    void (*request)(void *ctx, struct node_http_request *q, enum node_http_kind kind,
                    const char *path, struct td_bytes body);
    /* Called from the loop, never from inside node_http_reply or node_http_push, as request() is.
     * A WebSocket is gone: subscriptions of this connection end.  `conn` is never 0 and never used
     * twice. */
    void (*closed)(void *ctx, uint64_t conn);
};

TD_MUST_CHECK enum td_error node_http_new(struct node_http **out,
                                          const struct node_http_options *options, char why[160]);
/* Closes all; requests under way must not be replied to after this. */
void node_http_free(struct node_http *h);
uint16_t node_http_port(const struct node_http *h);

uint64_t node_http_conn(const struct node_http_request *q);
/* Answer; copies `body`.  type: "application/json" and so on; ignored for a WebSocket message,
 * where the body is one text message.  An empty body on POST or a socket sends nothing but 200 /
 * nothing (a batch of notifications). */
void node_http_reply(struct node_http_request *q, int status, const char *type,
                     struct td_bytes body);
/* A message of its own to a WebSocket, copied; false: it is gone or its queue is full (then it is
 * closed). */
bool node_http_push(struct node_http *h, uint64_t conn, struct td_bytes text);

struct node_http_stats {
    uint64_t accepted, refused_full, refused_rate, timeouts, bad_requests, requests, bytes_in,
        bytes_out;
    uint32_t open, sockets;
};
void node_http_stats(const struct node_http *h, struct node_http_stats *out);
