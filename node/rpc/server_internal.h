/* The parts of the server behind node/rpc/server.h: connections, and what files share of them.
 *
 *     accept ─▶ IDLE ─▶ HEAD ─▶ BODY ─▶ BUSY ─▶ FLUSH ─▶ IDLE ...        (HTTP, one at a time)
 *                         │       │               └────▶ LINGER ─▶ gone   (the last answer)
 *                         │       └─ fault ─▶ FLUSH
 *                         └─ upgrade ─▶ SOCKET ─▶ FLUSH ─▶ LINGER ─▶ gone
 *
 * 1. A connection is freed by the callbacks of its own events only, never inside a function that
 *    the user of the server calls: those set `dead` and wake the connection.  So request() and
 *    closed() are never called from inside node_http_reply or node_http_push.
 * 2. Each connection has one timer.  It is armed no later than `deadline_ns` and looks again when
 *    it fires early, so that a request costs no timer operation.
 * 3. Memory that clients make us hold is charged to their address and to all together before it is
 *    taken (node_http_hold_in, node_http_hold_out). */
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <sys/uio.h>
#include <time.h>

#include "node/rpc/http_parse.h"
#include "node/rpc/http_peers.h"
#include "node/rpc/server.h"
#include "node/rpc/ws_frame.h"

/* Requests being received or answered, all clients: 10,000 connections with 2 KiB each plus this
 * stay below 64 MiB.  Never less than four whole bodies. */
#define NODE_HTTP_IN_BYTES_MAX ((size_t)32u << 20)
/* Answers that clients did not take yet, all clients: sixteen of 16 MiB. */
#define NODE_HTTP_OUT_BYTES_MAX ((size_t)256u << 20)
/* Of one connection. */
#define NODE_HTTP_QUEUE_BYTES_MAX ((size_t)64u << 20)
/* Read ahead of a request under way. */
#define NODE_HTTP_AHEAD_BYTES 4096u
/* Fewer bytes than this within a deadline is no progress. */
#define NODE_HTTP_PROGRESS_BYTES 1024u
#define NODE_WS_UNDER_WAY_MAX 16u

#define NODE_HTTP_SLOT_BITS 20u /* 1,000,000 connections is the option's maximum */

enum node_http_phase {
    NODE_CONN_IDLE,
    NODE_CONN_HEAD,
    NODE_CONN_BODY,
    NODE_CONN_BUSY,
    NODE_CONN_FLUSH,
    NODE_CONN_LINGER,
    NODE_CONN_SOCKET,
};

struct node_http_request {
    struct node_http *http;
    struct node_http_conn *conn;           /* NULL: gone */
    struct node_http_request *prev, *next; /* of all under way */
    enum node_http_kind kind;
    enum node_http_method method;
    bool keep_alive, http10;
    uint64_t conn_id;
    uint8_t *body;
    size_t body_bytes, body_cap;
    size_t held_bytes; /* charged to conn's peer */
    char path[];
};

struct node_http_conn {
    struct node_http *http;
    struct node_http_peer *peer;
    struct bufferevent *bev;
    struct node_http_conn *prev, *next;
    struct event timer;
    uint64_t id;
    uint64_t deadline_ns, armed_ns; /* 0: none */
    enum node_http_phase phase;
    bool dead, eof, pumping, fresh, close_after, is_socket;
    uint8_t *head; /* a head that came in parts */
    uint32_t head_bytes, head_cap;
    struct node_http_scan scan;
    struct node_http_body body_in;
    struct node_http_request *in; /* being received */
    uint32_t under_way;
    size_t out_held;
    uint64_t queued_bytes;                /* ever */
    uint64_t body_mark, out_mark;         /* at the last look of the deadline */
    uint64_t message_ns, out_ns, ping_ns; /* a WebSocket's three deadlines; 0: none */
    uint64_t resume_ns;                   /* over its rate until then */
    uint64_t heard_ns;
    struct node_ws_in ws;
};

struct node_http {
    struct node_http_options options;
    struct node_http_times times;
    struct td_clock clock;
    struct evconnlistener *listener;
    struct event *relisten;
    uint16_t port;
    struct node_http_peers *peers;
    struct node_http_conn *conns;
    struct node_http_request *requests;
    struct node_http_conn **slots; /* [max_conns], by the low bits of an id */
    uint32_t *free_slots;          /* [max_conns], the first free_count are free */
    uint32_t free_count;
    uint64_t serial;
    size_t in_bytes, out_bytes, in_max;
    uint64_t warned_ns;
    time_t date_at;
    char date[40];
    struct node_http_stats stats;
};

static inline uint64_t node_http_now(const struct node_http *h)
{
    return td_clock_mono_ns(&h->clock);
}

/* ---- http_conn.c */

/* Takes fd, and one connection of `peer` if true.  False: no memory, fd is closed. */
bool node_conn_new(struct node_http *h, int fd, struct node_http_peer *peer);
void node_conn_free(struct node_http_conn *c);
/* From the loop's next turn on c is gone. */
void node_conn_doom(struct node_http_conn *c);
/* Look at c in the loop's next turn. */
void node_conn_wake(struct node_http_conn *c);
/* The timer fires at `at_ns` or earlier. */
void node_conn_deadline(struct node_http_conn *c, uint64_t at_ns);
/* Send v[count] (at most 2), now as far as the socket takes it.  False: c is doomed. */
bool node_conn_send(struct node_http_conn *c, const struct iovec *v, int count);
/* Bytes that the client has confirmed, ever. */
uint64_t node_conn_taken(struct node_http_conn *c);
size_t node_conn_unsent(struct node_http_conn *c);
/* Everything is handed to the socket or will be: what follows the answer. */
void node_conn_answered(struct node_http_conn *c);
/* A fault is answered, then c is closed. */
void node_conn_fault(struct node_http_conn *c, const struct node_http_fault *fault);

/* Charge n bytes more; false: over the address's half or over all. */
bool node_http_hold_in(struct node_http_conn *c, struct node_http_request *q, size_t n);
void node_http_release_in(struct node_http_request *q);
/* Room for `more` bytes behind q's body; false: see the charge, or no memory. */
bool node_http_body_grow(struct node_http_conn *c, struct node_http_request *q, size_t more);
struct node_http_request *node_http_request_new(struct node_http_conn *c, enum node_http_kind kind,
                                                struct td_bytes path);
void node_http_request_free(struct node_http_request *q);
/* q is whole: hand it on. */
void node_http_request_start(struct node_http_conn *c, struct node_http_request *q);
/* HTTP's answer; `extra` is whole header lines. */
void node_http_answer(struct node_http_conn *c, const struct node_http_request *q, int status,
                      const char *type, const char *extra, struct td_bytes body);

/* ---- ws.c */

/* The head asks for a WebSocket: accept or refuse. */
void node_ws_upgrade(struct node_http_conn *c, const struct node_http_head *head);
/* Take bytes from the client; returns how many, fewer than len when it must wait. */
size_t node_ws_take(struct node_http_conn *c, uint8_t *in, size_t len);
/* One text message; false: c is doomed. */
bool node_ws_text(struct node_http_conn *c, struct td_bytes text);
void node_ws_expire(struct node_http_conn *c, uint64_t now_ns);
/* c can no longer be pushed to: says so once. */
void node_ws_gone(struct node_http_conn *c);
