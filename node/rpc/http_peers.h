/* Who is connected from where: connections, memory and requests per address, in a bounded table.
 *
 * 1. A peer is an IPv4 address or the first 64 bits of an IPv6 one: less is one subscriber's to
 *    choose.  IPv4 mapped into IPv6 is IPv4.
 * 2. A peer with connections stays; of those without, the longest gone are forgotten first, beyond
 *    NODE_HTTP_PEERS_IDLE_MAX.  Being forgotten refills a bucket, so that many addresses buy
 *    requests; each costs a connection.
 * 3. The bucket holds one second's worth of requests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* 100 bytes each, 400 KiB. */
#define NODE_HTTP_PEERS_IDLE_MAX 4096u

struct node_http_peers;

struct node_http_peer {
    uint64_t key[2]; /* address family folded in */
    uint32_t conns;
    size_t in_bytes, out_bytes; /* memory held for requests and answers */
    double tokens;              /* requests that may come now */
    uint64_t filled_ns;         /* when tokens were last added */
    struct node_http_peer *chain;
    struct node_http_peer *older, *newer; /* of those without connections */
};

/* NULL: no memory.  `rate`: requests a second, 0: no limit. */
struct node_http_peers *node_http_peers_new(uint32_t rate);
void node_http_peers_free(struct node_http_peers *p);

/* The peer at `addr` with one connection more, or NULL: no memory. */
struct node_http_peer *node_http_peers_enter(struct node_http_peers *p, const struct sockaddr *addr,
                                             uint64_t now_ns);
void node_http_peers_leave(struct node_http_peers *p, struct node_http_peer *peer);

/* Take one request from the bucket: 0, or the nanoseconds until there is one. */
uint64_t node_http_peers_take(struct node_http_peers *p, struct node_http_peer *peer,
                              uint64_t now_ns);

/* The same, on credit: the request is taken in any case, and the result is how long its connection
 * must pause.  For connections that are slowed down instead of refused. */
uint64_t node_http_peers_owe(struct node_http_peers *p, struct node_http_peer *peer,
                             uint64_t now_ns);

uint32_t node_http_peers_count(const struct node_http_peers *p);
