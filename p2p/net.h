/* Connections between nodes: who is connected, and frames to and from them, on one libevent loop.
 *
 *     dial/accept ─▶ Noise XX (p2p/noise.h) ─▶ Hello both ways ─▶ UP ─▶ frames ─▶ DOWN
 *                       │ deadline, per-IP quota    │ record checked (p2p/record.h)
 *                       └── any failure: closed, backed off; nobody above hears of it
 *
 * 1. Everything happens on the thread of `base`; callbacks too.  Nothing blocks.
 * 2. A peer is a number < P2P_PEERS_MAX from UP to DOWN; numbers are reused afterwards.
 * 3. One connection per identity (transport key).  When both sides dialled at once, both keep the
 *    one dialled by the smaller transport key.
 * 4. Sending never blocks and never fails: per peer and class there is a queue with bounds in
 * frames and bytes; a frame with a key replaces the queued one of the same key (newest per kind),
 * and when a queue is over its bound the oldest frame of that class goes (dropped is counted).
 * Strict priority: CONSENSUS before BLOCKS before TX.
 * 5. Lengths are checked before memory is taken: strangers 1 KiB (P2P_FRAME_STRANGER_BYTES), peers
 *    by `frame_bytes_max(kind)`, kind being the body's first byte, which is why a body's size is
 *    judged again after its first piece; per-peer byte quotas per class refill each second.
 * 6. What peers ask of memory: P2P_PEERS_MAX * (one frame being received + queues).  Only peers
 * that have said Hello get more than 1 KiB.
 * 7. Frames whose first byte is P2P_CONTROL_FIRST or above are this module's own: ping, pong, peer
 *    exchange (signed records of validators, at most 32 a frame, one frame a minute).
 * 8. Static peers (from the config) are dialled for ever, backoff 100 ms .. 30 s with jitter, and
 *    are never displaced by strangers; learnt ones are dialled while there is room. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/host/log.h"
#include "base/host/secp.h"
#include "p2p/record.h"

#define P2P_PEERS_MAX 512u /* = the core's BFT_PEERS_MAX; the node asserts it */
#define P2P_NO_PEER UINT32_MAX
#define P2P_CONTROL_FIRST 0xf0u

enum p2p_class { P2P_CONSENSUS, P2P_BLOCKS, P2P_TX, P2P_CLASSES };

/* An address to dial: who is expected there.  `transport` zero: whoever answers. */
struct p2p_static_peer {
    uint8_t transport[P2P_NOISE_KEY_BYTES];
    char host[P2P_HOST_BYTES_MAX + 1u];
    uint16_t port;
};

struct p2p_net_options {
    struct event_base *base; /* borrowed */
    struct p2p_chain chain;
    const struct td_secp *secp; /* borrowed */
    uint8_t static_secret[P2P_NOISE_KEY_BYTES];
    struct p2p_record self; /* this node's own signed record; goes into its Hello */
    char listen_host[P2P_HOST_BYTES_MAX + 1u];
    uint16_t listen_port;                /* 0: the system chooses (tests); p2p_net_port tells */
    uint32_t max_peers;                  /* <= P2P_PEERS_MAX */
    int64_t handshake_ns;                /* from accept or connect to Hello */
    uint32_t per_ip;                     /* handshakes in flight from one address; 0: 8 */
    const struct p2p_static_peer *peers; /* copied */
    uint32_t peer_count;
    /* Largest body of a kind, 0: no such kind. */
    size_t (*frame_bytes_max)(uint8_t kind);
    /* Which class a kind counts against when received (quotas). */
    enum p2p_class (*frame_class)(uint8_t kind);
    const struct td_log *log;
};

struct p2p_peer_info {
    struct td_addr validator; /* zero: follower */
    uint8_t transport[P2P_NOISE_KEY_BYTES];
    char host[P2P_HOST_BYTES_MAX + 1u]; /* the far end's address as connected */
    uint16_t port;
    bool outgoing;
    uint64_t since_ns, rtt_ns; /* rtt 0: not measured yet */
    uint64_t bytes_in, bytes_out, frames_in, frames_out, dropped;
    int32_t score;
};

struct p2p_net_events {
    void *ctx;
    void (*up)(void *ctx, uint32_t peer, const struct p2p_peer_info *info);
    void (*down)(void *ctx, uint32_t peer);
    /* One whole frame body (kind byte first).  `body` is malloc'ed and the callee's from now on. */
    void (*frame)(void *ctx, uint32_t peer, uint8_t *body, size_t len);
};

struct p2p_net;

/* Listen and start dialling.  TD_E_BUSY: the address is in use; TD_E_IO, TD_E_RANGE (options),
 * TD_E_NOMEM; `why` (>= 160 bytes) says what and what to do. */
TD_MUST_CHECK enum td_error p2p_net_new(struct p2p_net **out, const struct p2p_net_options *options,
                                        const struct p2p_net_events *events, char why[160]);
/* NULL is allowed.  Not from inside a callback; calls none. */
void p2p_net_free(struct p2p_net *net);
uint16_t p2p_net_port(const struct p2p_net *net);

/* Body shared by all peers it goes to: counted, freed with the last. */
struct p2p_body;
/* Copies `bytes` (1 .. TD_FRAME_BYTES_MAX); NULL without memory. */
struct p2p_body *p2p_body_new(struct td_bytes bytes);
void p2p_body_drop(struct p2p_body *body); /* the maker's own count */

/* key 0: never replaced.  An unknown or gone peer: nothing happens. */
void p2p_send(struct p2p_net *net, uint32_t peer, enum p2p_class class, uint64_t key,
              struct p2p_body *body);
/* To every peer that is up, `except` left out (P2P_NO_PEER: nobody). */
void p2p_broadcast(struct p2p_net *net, uint32_t except, enum p2p_class class, uint64_t key,
                   struct p2p_body *body);

/* Push what is queued to the sockets now; otherwise it happens when the loop is next idle. */
void p2p_flush(struct p2p_net *net);

/* The peer did something wrong: `points` off its score (100 to begin with, back by one a second);
 * at 0 it is disconnected and its address and key are refused for `ban` (10 min, doubling to a day
 * with every repetition).  Static peers are disconnected but never refused for more than 10 s. */
void p2p_penalize(struct p2p_net *net, uint32_t peer, int32_t points, const char *why);
void p2p_disconnect(struct p2p_net *net, uint32_t peer);

uint32_t p2p_peer_count(const struct p2p_net *net);
/* False: no such peer is up. */
bool p2p_peer_info(const struct p2p_net *net, uint32_t peer, struct p2p_peer_info *out);

struct p2p_net_stats {
    uint64_t accepted, dialled, refused_ip, refused_full, handshake_failed, hello_failed, banned;
    uint64_t frames_rejected, quota_closed, bytes_in, bytes_out, queue_dropped;
};
void p2p_net_stats(const struct p2p_net *net, struct p2p_net_stats *out);
