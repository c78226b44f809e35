/* The parts of p2p/net.h and what they share.
 *
 *     net.c ── listener, tick, peers by number ──▶ conn.c ── one connection, receiving
 *       │                                            ├─ send.c ── sealing and writing ─▶ queue.c
 *     dial.c ── who to connect to, when              ├─ hello.c ── codec of Hello
 *     score.c ── penalties and bans                  └─ exchange.c ── ping, pong, peers
 *
 * 1. A connection is closed in two steps: p2p_conn_doom stops it at once and is safe anywhere;
 *    p2p_net_reap, from the loop, says `down` and frees it.  So no callback runs inside a call that
 *    comes from above, and nobody holds a freed connection.
 * 2. Sealed bytes ahead of the socket are one P2P_FILL_BYTES at most, so that a vote waits for the
 *    frame being written and for nothing else. */
#pragma once

#include <event2/event_struct.h>

#include "base/host/clock.h"
#include "p2p/frame.h"
#include "p2p/net.h"

struct evdns_base;
struct evdns_getaddrinfo_request;

#define P2P_SECOND_NS UINT64_C(1000000000)
#define P2P_TICK_NS (P2P_SECOND_NS / 10u) /* the shortest backoff */
#define P2P_PER_IP_DEFAULT 8u
#define P2P_PACE_MAX 1024u
#define P2P_PACE_BURST 4u /* times per_ip; per_ip a second afterwards */

/* Handshakes in flight that others began, over all addresses: with 5 s each, 25 a second that say
 * nothing.  About 2 KiB each. */
#define P2P_STRANGERS_MAX 128u
#define P2P_LEARNT_MAX P2P_PEERS_MAX /* validators (256) and as many that were some */
#define P2P_LEARNT_DIALS_MAX 8u      /* connecting at once */
#define P2P_LEARNT_FAILURES_MAX 16u  /* then forgotten: six minutes of trying */

/* Sealed ahead of the socket: begun below one Noise message, so one more fits behind. */
#define P2P_FILL_GOAL 65536u
#define P2P_FILL_BYTES (P2P_FILL_GOAL + P2P_FRAME_HEAD_BYTES + P2P_NOISE_MESSAGE_MAX)
#define P2P_WRITE_TURN (1u << 20) /* then other connections have their turn */
#define P2P_READ_BYTES (256u << 10)

/* ---- queue.c: frames waiting, oldest first */

struct p2p_body {
    uint32_t refs;
    size_t len;
    uint8_t bytes[];
};

struct p2p_slot {
    struct p2p_body *body;
    uint64_t key;
};

struct p2p_queue {
    struct p2p_slot *slots; /* ring; cap is 0 or a power of two */
    uint32_t cap, head, count;
    size_t bytes;
};

struct p2p_queue_limits {
    uint32_t frames;
    size_t bytes; /* >= TD_FRAME_BYTES_MAX: any one frame fits */
};

extern const struct p2p_queue_limits p2p_queue_limits[P2P_CLASSES];

/* Add one count to `body` and queue it, or put it in the place of the queued frame with the same
 * key.  Returns how many frames were lost to the bounds, or to want of memory. */
uint32_t p2p_queue_push(struct p2p_queue *q, const struct p2p_queue_limits *limits, uint64_t key,
                        struct p2p_body *body);
/* The oldest, the caller's to drop; NULL when empty. */
struct p2p_body *p2p_queue_pop(struct p2p_queue *q);
void p2p_queue_reset(struct p2p_queue *q);

/* ---- hello.c */

#define P2P_HELLO_KIND 1u
#define P2P_HELLO_BYTES_MAX (1u + 4u + 32u + 2u + P2P_RECORD_BYTES_MAX)

struct p2p_hello {
    uint32_t version;
    struct td_hash genesis;
    struct p2p_record record;
};

size_t p2p_hello_encode(uint8_t out[P2P_HELLO_BYTES_MAX], const struct p2p_hello *h);
/* TD_E_UNSUPPORTED: another version; only h->version is set then, the rest may look different. */
TD_MUST_CHECK enum td_error p2p_hello_decode(struct p2p_hello *h, struct td_bytes body);

/* ---- score.c: what is held against keys and addresses */

/* An IPv4 address as ::ffff:a.b.c.d, or the /64 of an IPv6 address: what one party usually has. */
struct p2p_ip {
    uint8_t b[16];
};

/* 1024 = 512 peers, by key and by address. */
#define P2P_MARKS_MAX 1024u
#define P2P_SCORE_FULL 100

struct p2p_mark {
    uint8_t id[32]; /* a transport key, or an address and zeros */
    bool used, is_ip;
    int32_t score; /* at score_ns */
    uint32_t bans; /* so far */
    uint64_t score_ns, until_ns, touched_ns;
};

struct p2p_marks {
    struct p2p_mark mark[P2P_MARKS_MAX];
};

/* `score` as of `then`, one a second better, at most full. */
int32_t p2p_score_now(int32_t score, uint64_t then_ns, uint64_t now_ns);
/* What a peer begins with: full, or what its last connection left it. */
int32_t p2p_marks_score(const struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns);
void p2p_marks_keep(struct p2p_marks *m, const uint8_t key[32], int32_t score, uint64_t now_ns);
bool p2p_marks_banned(const struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns);
bool p2p_marks_banned_ip(const struct p2p_marks *m, const struct p2p_ip *ip, uint64_t now_ns);
/* Refuse for first_ns, doubled with every ban before, at most max_ns.  Returns the time. */
uint64_t p2p_marks_ban(struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns,
                       uint64_t first_ns, uint64_t max_ns);
uint64_t p2p_marks_ban_ip(struct p2p_marks *m, const struct p2p_ip *ip, uint64_t now_ns,
                          uint64_t first_ns, uint64_t max_ns);

/* ---- quotas of receiving: a bucket of bytes per class */

struct p2p_bucket {
    int64_t bytes;
    uint64_t filled_ns;
};

struct p2p_rate {
    uint64_t per_second, burst;
};

/* Fill up to now, take; false when there was not enough. */
bool p2p_bucket_take(struct p2p_bucket *b, const struct p2p_rate *rate, uint64_t bytes,
                     uint64_t now_ns);

/* ---- dial.c */

struct p2p_dial {
    bool is_static, self, warned;
    bool expects; /* `expected` is who must answer */
    bool has_key; /* `key` is who is expected, or answered last */
    uint8_t expected[32], key[32];
    char host[P2P_HOST_BYTES_MAX + 1u];
    uint16_t port;
    bool has_ip;
    struct p2p_ip ip;      /* where it was reached last */
    uint32_t failures;     /* since a connection lasted */
    uint64_t next_ns;      /* not before */
    struct p2p_conn *conn; /* under way, or up */
};

/* A validator's newest record, and how to get there. */
struct p2p_learnt {
    bool used, proven; /* proven: its key was at the other end of a connection */
    struct p2p_record record;
    struct p2p_dial dial;
};

enum p2p_state { P2P_LOOKUP, P2P_CONNECT, P2P_SHAKE, P2P_HELLO, P2P_UP };

struct p2p_lookup;

struct p2p_conn {
    struct p2p_net *net;
    struct p2p_conn *prev, *next; /* of net->conns */
    struct p2p_conn *next_dirty;  /* of net->dirty */
    struct p2p_dial *dial;        /* who wanted it; NULL: incoming */
    struct p2p_lookup *lookup;
    struct event read, write;
    int fd;
    enum p2p_state state;
    bool outgoing, is_static, doomed, is_dirty, has_events, write_armed;
    bool quiet;    /* ends for no fault of the peer: neither counted nor backed off */
    uint32_t peer; /* its number; P2P_NO_PEER before UP */
    struct p2p_ip ip;
    struct p2p_peer_info info; /* score as of score_ns */
    struct p2p_record record;
    uint64_t score_ns, deadline_ns, last_in_ns, last_out_ns, ping_sent_ns, ping_nonce;
    uint64_t exchange_due_ns, exchange_got_ns; /* got 0: never */

    struct p2p_handshake shake;
    struct p2p_cipher send_key, receive_key;

    /* receiving: a unit (handshake message, head or piece) that is not whole yet, and the body */
    struct p2p_frame_in frame;
    uint8_t *in;
    size_t in_len, in_cap;
    uint8_t *body;
    size_t body_cap;
    struct p2p_bucket bucket[P2P_CLASSES];

    /* sending */
    struct p2p_queue queue[P2P_CLASSES];
    struct p2p_body *hello, *pong, *ping, *peers; /* at most one of each waits, before the queues */
    struct p2p_body *sending;
    size_t sending_at;
    uint8_t *out; /* sealed and not taken by the socket yet */
    size_t out_len, out_at;
    int64_t tx_budget; /* bytes of P2P_TX until the next tick */
};

/* Tests shorten these. */
struct p2p_timing {
    uint64_t ping_ns, dead_ns, steady_ns, backoff_min_ns, backoff_max_ns, exchange_ns;
    uint64_t ban_ns, ban_max_ns, static_ban_ns, accept_pause_ns;
};

struct p2p_net {
    struct p2p_net_options options; /* peers: not kept */
    struct p2p_net_events events;
    struct p2p_timing timing;
    struct td_clock clock;
    uint8_t self_key[P2P_NOISE_KEY_BYTES];
    uint8_t prologue[P2P_PROLOGUE_BYTES];
    int listen_fd;
    uint16_t port;
    bool ban_loopback; /* tests: one machine's processes share these addresses, so they are not */
    bool has_events, accept_paused;
    uint64_t accept_resume_ns;
    struct event accept, tick, flush, reap;
    struct evdns_base *dns; /* made with the first name */
    struct p2p_conn *conns, *dirty;
    struct p2p_conn *peers[P2P_PEERS_MAX];
    uint32_t peer_count, stranger_count;
    struct p2p_dial *fixed;
    uint32_t fixed_count;
    struct p2p_learnt *learnt; /* P2P_LEARNT_MAX */
    struct p2p_marks *marks;
    /* Handshakes begun from an address: each costs a tenth of a millisecond of arithmetic.  By a
     * salted hash; two addresses may share one. */
    struct p2p_bucket pace[P2P_PACE_MAX];
    uint8_t pace_salt[16];
    struct p2p_net_stats stats;
    uint64_t warned_ns[16]; /* per code: peers cannot fill a log */
    uint8_t *rx, *tx;       /* P2P_READ_BYTES, P2P_FILL_BYTES: empty between events */
};

static inline uint64_t p2p_now(const struct p2p_net *net)
{
    return td_clock_mono_ns(&net->clock);
}

/* Codes of warnings; docs/codes.md names cause and remedy.  Consecutive: warned_ns is indexed by
 * the lowest four bits. */
enum p2p_code {
    P2P_T_ACCEPT = 2001,
    P2P_T_CHAIN = 2002,
    P2P_T_RECORD = 2003,
    P2P_T_IDENTITY = 2004,
    P2P_T_BAN = 2005,
    P2P_T_UNREACHABLE = 2006,
    P2P_T_QUOTA = 2007,
    P2P_T_MEMORY = 2008,
    P2P_T_FRAME = 2009,
    P2P_T_HANDSHAKE = 2010,
};

/* One line per code and ten seconds.  `where` and `why` may hold a peer's bytes. */
void p2p_warn(struct p2p_net *net, enum p2p_code code, const char *msg, const char *hint,
              const char *where, uint16_t port, const char *why);

/* ---- net.c */

void p2p_net_reap(struct p2p_net *net);
struct p2p_conn *p2p_net_find(const struct p2p_net *net, const uint8_t key[32]);
void p2p_ip_of(struct p2p_ip *ip, const struct sockaddr *from);
bool p2p_is_static(const struct p2p_net *net, const uint8_t key[32]);
void p2p_conn_penalize(struct p2p_conn *c, int32_t points, const char *why);

/* ---- conn.c */

/* A connection that exists but has no socket yet; NULL without memory. */
struct p2p_conn *p2p_conn_new(struct p2p_net *net, struct p2p_dial *dial);
/* fd is the connection's from now on, also after a failure. */
bool p2p_conn_attach(struct p2p_conn *c, int fd, enum p2p_state state);
/* Begin the handshake: the socket is connected. */
void p2p_conn_start(struct p2p_conn *c);
/* Stop it; `why` is for the log. */
void p2p_conn_doom(struct p2p_conn *c, const char *why);
void p2p_conn_free(struct p2p_conn *c);
void p2p_conn_tick(struct p2p_conn *c, uint64_t now_ns);
/* Take received bytes, as many as were read (tests and fuzzing call it too). */
void p2p_conn_receive(struct p2p_conn *c, const uint8_t *bytes, size_t len);

/* ---- send.c */

#define P2P_TX_SEND_RATE (INT64_C(6) << 20)
void p2p_conn_dirty(struct p2p_conn *c);
void p2p_conn_write(struct p2p_conn *c);
/* Queue bytes as they are (the handshake's). */
void p2p_conn_put(struct p2p_conn *c, const uint8_t *bytes, size_t len);
void p2p_conn_send_reset(struct p2p_conn *c);

/* ---- dial.c */

enum td_error p2p_dial_init(struct p2p_net *net, const struct p2p_net_options *options,
                            char why[160]);
void p2p_dial_tick(struct p2p_net *net, uint64_t now_ns);
/* The connection of `c->dial` ended. */
void p2p_dial_ended(struct p2p_conn *c, uint64_t now_ns);
void p2p_dial_forget_lookup(struct p2p_conn *c);
/* Keep a verified record when it is a validator's and newer. */
void p2p_learn(struct p2p_net *net, const struct p2p_record *record, bool proven);
/* Whether a newer record of that validator names another transport key: then this one's key may be
 * in wrong hands. */
bool p2p_learn_superseded(const struct p2p_net *net, const struct p2p_record *record);
/* Whether a record says anything new: asked before the cost of a signature. */
bool p2p_learn_wants(const struct p2p_net *net, const struct p2p_record *record);

/* ---- exchange.c */

#define P2P_PING 0xf0u
#define P2P_PONG 0xf1u
#define P2P_PEERS 0xf2u
#define P2P_PEERS_FRAME_MAX 32u
#define P2P_CONTROL_BYTES_MAX (2u + P2P_PEERS_FRAME_MAX * (2u + P2P_RECORD_BYTES_MAX))

/* Largest body of a control kind, 0: no such kind. */
size_t p2p_control_bytes_max(uint8_t kind);
/* A whole control frame of a peer that is up. */
void p2p_control_take(struct p2p_conn *c, struct td_bytes body);
void p2p_control_tick(struct p2p_conn *c, uint64_t now_ns);
