#include "node/rpc/http_peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 4096u /* a power of two */
#define SECOND_NS 1e9

struct node_http_peers {
    uint32_t rate;
    uint32_t count, idle;
    uint64_t seed[2]; /* so that nobody outside can choose addresses of one bucket */
    struct node_http_peer *oldest, *newest; /* without connections */
    struct node_http_peer *buckets[BUCKETS];
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

static struct node_http_peer **bucket(struct node_http_peers *p, const uint64_t key[2])
{
    return &p->buckets[mix(mix(key[0] ^ p->seed[0]) ^ key[1] ^ p->seed[1]) & (BUCKETS - 1u)];
}

struct node_http_peers *node_http_peers_new(uint32_t rate)
{
    struct node_http_peers *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->rate = rate;
    /* Without randomness the table still works; only its order is known. */
    if (getrandom(p->seed, sizeof p->seed, GRND_NONBLOCK) != (ssize_t)sizeof p->seed)
        p->seed[0] = (uint64_t)(uintptr_t)p;
    return p;
}

void node_http_peers_free(struct node_http_peers *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (p->buckets[i] != NULL) {
            struct node_http_peer *gone = p->buckets[i];
            p->buckets[i] = gone->chain;
            free(gone);
        }
    }
    free(p);
}

static void key_of(uint64_t key[2], const struct sockaddr *addr)
{
    key[0] = key[1] = 0;
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof in);
        key[0] = in.sin_addr.s_addr;
        key[1] = 4;
    } else if (addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        uint32_t v4;
        memcpy(&in6, addr, sizeof in6);
        memcpy(key, in6.sin6_addr.s6_addr, 8);
        key[1] = 6;
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            memcpy(&v4, in6.sin6_addr.s6_addr + 12, sizeof v4);
            key[0] = v4;
            key[1] = 4;
        }
    }
}

static void idle_remove(struct node_http_peers *p, struct node_http_peer *e)
{
    *(e->older == NULL ? &p->oldest : &e->older->newer) = e->newer;
    *(e->newer == NULL ? &p->newest : &e->newer->older) = e->older;
    e->older = e->newer = NULL;
    p->idle--;
}

static void forget_oldest(struct node_http_peers *p)
{
    struct node_http_peer *gone = p->oldest;
    struct node_http_peer **at = bucket(p, gone->key);
    idle_remove(p, gone);
    while (*at != gone)
        at = &(*at)->chain;
    *at = gone->chain;
    free(gone);
    p->count--;
}

struct node_http_peer *node_http_peers_enter(struct node_http_peers *p, const struct sockaddr *addr,
                                             uint64_t now_ns)
{
    uint64_t key[2];
    key_of(key, addr);
    struct node_http_peer **at = bucket(p, key);
    for (struct node_http_peer *e = *at; e != NULL; e = e->chain) {
        if (e->key[0] != key[0] || e->key[1] != key[1])
            continue;
        if (e->conns++ == 0)
            idle_remove(p, e);
        return e;
    }
    struct node_http_peer *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    memcpy(e->key, key, sizeof key);
    e->conns = 1;
    e->tokens = p->rate;
    e->filled_ns = now_ns;
    e->chain = *at;
    *at = e;
    p->count++;
    return e;
}

void node_http_peers_leave(struct node_http_peers *p, struct node_http_peer *peer)
{
    if (--peer->conns > 0)
        return;
    peer->older = p->newest;
    *(p->newest == NULL ? &p->oldest : &p->newest->newer) = peer;
    p->newest = peer;
    if (++p->idle > NODE_HTTP_PEERS_IDLE_MAX)
        forget_oldest(p);
}

static void refill(const struct node_http_peers *p, struct node_http_peer *peer, uint64_t now_ns)
{
    double rate = p->rate;
    if (now_ns <= peer->filled_ns)
        return;
    peer->tokens += (double)(now_ns - peer->filled_ns) / SECOND_NS * rate;
    peer->tokens = peer->tokens > rate ? rate : peer->tokens;
    peer->filled_ns = now_ns;
}

uint64_t node_http_peers_take(struct node_http_peers *p, struct node_http_peer *peer,
                              uint64_t now_ns)
{
    if (p->rate == 0)
        return 0;
    refill(p, peer, now_ns);
    if (peer->tokens >= 1.0) {
        peer->tokens -= 1.0;
        return 0;
    }
    return (uint64_t)((1.0 - peer->tokens) / p->rate * SECOND_NS) + 1u;
}

uint64_t node_http_peers_owe(struct node_http_peers *p, struct node_http_peer *peer,
                             uint64_t now_ns)
{
    if (p->rate == 0)
        return 0;
    refill(p, peer, now_ns);
    peer->tokens -= 1.0;
    return peer->tokens >= 0 ? 0 : (uint64_t)(-peer->tokens / p->rate * SECOND_NS) + 1u;
}

uint32_t node_http_peers_count(const struct node_http_peers *p)
{
    return p->count;
}
