#define _GNU_SOURCE 1 /* accept4, getaddrinfo */
#include "p2p/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/dns.h>

#include "base/core/assert.h"
#include "p2p/net_internal.h"

#define MINUTE_NS (60u * P2P_SECOND_NS)
#define ACCEPT_TURN 32 /* then connections that exist have their turn */
#define WARN_EVERY_NS (10u * P2P_SECOND_NS)

static const struct p2p_timing TIMING = {
    .ping_ns = 5u * P2P_SECOND_NS,
    .dead_ns = 20u * P2P_SECOND_NS, /* four pings */
    .steady_ns = 10u * P2P_SECOND_NS,
    .backoff_min_ns = P2P_TICK_NS,
    .backoff_max_ns = 30u * P2P_SECOND_NS,
    .exchange_ns = MINUTE_NS,
    .ban_ns = 10u * MINUTE_NS,
    .ban_max_ns = 24u * 60u * MINUTE_NS,
    .static_ban_ns = 10u * P2P_SECOND_NS,
    .accept_pause_ns = P2P_SECOND_NS / 2u,
};

void p2p_warn(struct p2p_net *net, enum p2p_code code, const char *msg, const char *hint,
              const char *where, uint16_t port, const char *why)
{
    uint64_t now_ns = p2p_now(net);
    uint64_t *last = &net->warned_ns[code % 16u];
    if (*last != 0 && now_ns - *last < WARN_EVERY_NS)
        return;
    *last = now_ns;
    struct td_log_field fields[] = {TD_LOG_STR("host", where), TD_LOG_U64("port", port),
                                    TD_LOG_STR("why", why)};
    td_log_put(net->options.log, &(struct td_log_event){.level = TD_LOG_WARN,
                                                        .mod = "p2p",
                                                        .msg = msg,
                                                        .code = (uint16_t)code,
                                                        .hint = hint,
                                                        .fields = fields,
                                                        .field_count = 3});
}

void p2p_ip_of(struct p2p_ip *ip, const struct sockaddr *from)
{
    memset(ip, 0, sizeof *ip);
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        ip->b[10] = ip->b[11] = 0xff;
        memcpy(ip->b + 12, &v4->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        bool local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        memcpy(ip->b, &v6->sin6_addr, mapped || local ? 16 : 8);
    }
}

static bool is_loopback(const struct p2p_ip *ip)
{
    static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, v6[16] = {[15] = 1};
    return memcmp(ip->b, v4, sizeof v4) == 0 || memcmp(ip->b, v6, sizeof v6) == 0;
}

bool p2p_is_static(const struct p2p_net *net, const uint8_t key[32])
{
    for (uint32_t i = 0; i < net->fixed_count; i++)
        if (net->fixed[i].has_key && memcmp(net->fixed[i].key, key, 32) == 0)
            return true;
    return false;
}

struct p2p_conn *p2p_net_find(const struct p2p_net *net, const uint8_t key[32])
{
    for (uint32_t i = 0; i < P2P_PEERS_MAX; i++) {
        struct p2p_conn *c = net->peers[i];
        if (c != NULL && !c->doomed && memcmp(c->info.transport, key, 32) == 0)
            return c;
    }
    return NULL;
}

/* ---- accepting */

static bool ip_static(const struct p2p_net *net, const struct p2p_ip *ip)
{
    for (uint32_t i = 0; i < net->fixed_count; i++)
        if (net->fixed[i].has_ip && memcmp(&net->fixed[i].ip, ip, sizeof *ip) == 0)
            return true;
    return false;
}

/* Whether an address begins handshakes no faster than it may. */
static bool ip_in_pace(struct p2p_net *net, const struct p2p_ip *ip)
{
    const struct p2p_rate rate = {net->options.per_ip, P2P_PACE_BURST * net->options.per_ip};
    uint16_t at;
    crypto_generichash_state h;
    uint8_t digest[16];
    (void)crypto_generichash_init(&h, net->pace_salt, sizeof net->pace_salt, sizeof digest);
    (void)crypto_generichash_update(&h, ip->b, sizeof ip->b);
    (void)crypto_generichash_final(&h, digest, sizeof digest);
    memcpy(&at, digest, sizeof at);
    return p2p_bucket_take(&net->pace[at % P2P_PACE_MAX], &rate, 1, p2p_now(net));
}

/* Whether somebody at this address may begin a handshake now. */
static bool ip_welcome(struct p2p_net *net, const struct p2p_ip *ip)
{
    uint32_t busy = 0;
    bool known = ip_static(net, ip);
    if (!known && p2p_marks_banned_ip(net->marks, ip, p2p_now(net))) {
        net->stats.banned++;
        return false;
    }
    if (net->stranger_count >= P2P_STRANGERS_MAX) {
        net->stats.refused_full++;
        return false;
    }
    for (const struct p2p_conn *c = net->conns; c != NULL; c = c->next)
        busy += !c->outgoing && c->state < P2P_UP && memcmp(&c->ip, ip, sizeof *ip) == 0;
    bool welcome = busy < net->options.per_ip && (known || ip_in_pace(net, ip));
    if (!welcome)
        net->stats.refused_ip++;
    return welcome;
}

static void accepted(struct p2p_net *net, int fd, const struct sockaddr *from, socklen_t len)
{
    struct p2p_ip ip;
    char port[8];
    p2p_ip_of(&ip, from);
    net->stats.accepted++;
    struct p2p_conn *c = ip_welcome(net, &ip) ? p2p_conn_new(net, NULL) : NULL;
    if (c == NULL) {
        close(fd);
        return;
    }
    c->ip = ip;
    if (getnameinfo(from, len, c->info.host, sizeof c->info.host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        c->info.port = (uint16_t)strtoul(port, NULL, 10);
    if (p2p_conn_attach(c, fd, P2P_SHAKE))
        p2p_conn_start(c);
    else
        p2p_conn_doom(c, "no event");
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct p2p_net *net = arg;
    (void)what;
    for (int i = 0; i < ACCEPT_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int got = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (got >= 0) {
            accepted(net, got, (const struct sockaddr *)&from, len);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            continue; /* that one went away */
        /* The listener stays readable: without a pause the loop would do nothing else. */
        p2p_warn(net, P2P_T_ACCEPT, "connections cannot be accepted",
                 "raise the limit of open files (ulimit -n), or lower max_peers", "listener",
                 net->port, strerror(errno));
        event_del(&net->accept);
        net->accept_paused = true;
        net->accept_resume_ns = p2p_now(net) + net->timing.accept_pause_ns;
        return;
    }
}

static enum td_error listen_on(struct p2p_net *net, const struct addrinfo *at, char why[160])
{
    const struct p2p_net_options *o = &net->options;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        int err = errno;
        if (err == EADDRINUSE)
            snprintf(why, 160, "%.60s:%u is in use: stop the other program, or change [p2p] listen",
                     o->listen_host, o->listen_port);
        else
            snprintf(why, 160, "cannot listen on %.60s:%u: %.40s; check [p2p] listen",
                     o->listen_host, o->listen_port, strerror(err));
        if (fd >= 0)
            close(fd);
        return err == EADDRINUSE ? TD_E_BUSY : TD_E_IO;
    }
    net->listen_fd = fd;
    net->port = ntohs(bound.ss_family == AF_INET6
                          ? ((const struct sockaddr_in6 *)(const void *)&bound)->sin6_port
                          : ((const struct sockaddr_in *)(const void *)&bound)->sin_port);
    return TD_OK;
}

static enum td_error net_listen(struct p2p_net *net, char why[160])
{
    const struct p2p_net_options *o = &net->options;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", o->listen_port);
    if (o->listen_host[0] == '\0' || getaddrinfo(o->listen_host, port, &hints, &found) != 0) {
        snprintf(why, 160, "\"%.60s\" is no address of this machine; check [p2p] listen",
                 o->listen_host);
        return TD_E_RANGE;
    }
    enum td_error err = listen_on(net, found, why);
    freeaddrinfo(found);
    return err;
}

/* ---- the loop */

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    p2p_flush(arg);
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    p2p_net_reap(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct p2p_net *net = arg;
    uint64_t now_ns = p2p_now(net);
    (void)fd;
    (void)what;
    if (net->accept_paused && now_ns >= net->accept_resume_ns && event_add(&net->accept, NULL) == 0)
        net->accept_paused = false;
    for (struct p2p_conn *c = net->conns; c != NULL; c = c->next)
        p2p_conn_tick(c, now_ns);
    p2p_net_reap(net);
    p2p_dial_tick(net, now_ns);
}

static void bury(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    uint64_t now_ns = p2p_now(net);
    uint32_t peer = c->peer;
    p2p_dial_ended(c, now_ns);
    if (peer != P2P_NO_PEER) {
        int32_t score = p2p_score_now(c->info.score, c->score_ns, now_ns);
        if (score > 0) /* else it is banned, and that is kept */
            p2p_marks_keep(net->marks, c->info.transport, score, now_ns);
        net->peers[peer] = NULL;
        net->peer_count--;
    }
    p2p_conn_free(c);
    if (peer != P2P_NO_PEER && net->events.down != NULL)
        net->events.down(net->events.ctx, peer);
}

void p2p_net_reap(struct p2p_net *net)
{
    for (struct p2p_conn *c = net->conns; c != NULL;) {
        if (!c->doomed) {
            c = c->next;
            continue;
        }
        bury(c);
        c = net->conns; /* `down` may have ended any other */
    }
}

static bool net_events(struct p2p_net *net)
{
    struct event_base *base = net->options.base;
    const struct timeval every = {0, (long)(P2P_TICK_NS / 1000u)};
    if (event_assign(&net->accept, base, net->listen_fd, EV_READ | EV_PERSIST, on_accept, net) ||
        event_assign(&net->tick, base, -1, EV_PERSIST, on_tick, net) ||
        event_assign(&net->flush, base, -1, 0, on_flush, net) ||
        event_assign(&net->reap, base, -1, 0, on_reap, net))
        return false;
    net->has_events = true;
    if (event_add(&net->accept, NULL) != 0 || event_add(&net->tick, &every) != 0)
        return false;
    event_active(&net->tick, EV_TIMEOUT, 0);
    return true;
}

/* ---- life */

static enum td_error check_options(const struct p2p_net_options *o, const uint8_t key[32],
                                   char why[160])
{
    const char *what = NULL;
    if (o->max_peers == 0 || o->max_peers > P2P_PEERS_MAX)
        what = "max_peers must be 1 to 512";
    else if (o->handshake_ns <= 0)
        what = "handshake_timeout must be above 0";
    else if (memchr(o->listen_host, '\0', sizeof o->listen_host) == NULL)
        what = "the host of [p2p] listen is too long";
    else if (o->peer_count > P2P_PEERS_MAX)
        what = "[p2p] peers holds at most 512";
    else if (memcmp(o->self.transport, key, P2P_NOISE_KEY_BYTES) != 0)
        what = "the address record is not of this node's p2p key; make it anew";
    if (what != NULL)
        snprintf(why, 160, "%s", what);
    return what != NULL ? TD_E_RANGE : TD_OK;
}

enum td_error p2p_net_new(struct p2p_net **out, const struct p2p_net_options *options,
                          const struct p2p_net_events *events, char why[160])
{
    struct p2p_net *net = calloc(1, sizeof *net);
    *out = NULL;
    why[0] = '\0';
    if (net == NULL) {
        snprintf(why, 160, "no memory for the network");
        return TD_E_NOMEM;
    }
    net->options = *options;
    net->options.peers = NULL;
    if (net->options.per_ip == 0)
        net->options.per_ip = P2P_PER_IP_DEFAULT;
    net->events = *events;
    net->timing = TIMING;
    net->clock = td_clock_system();
    net->listen_fd = -1;
    randombytes_buf(net->pace_salt, sizeof net->pace_salt);
    for (uint32_t i = 0; i < P2P_PACE_MAX; i++)
        net->pace[i].bytes = (int64_t)P2P_PACE_BURST * net->options.per_ip;
    net->marks = calloc(1, sizeof *net->marks);
    net->rx = malloc(P2P_READ_BYTES);
    net->tx = malloc(P2P_FILL_BYTES);
    p2p_noise_public(net->self_key, options->static_secret);
    p2p_prologue_encode(net->prologue, options->chain.chain_id, &options->chain.genesis);
    enum td_error err = check_options(options, net->self_key, why);
    if (err == TD_OK && (net->marks == NULL || net->rx == NULL || net->tx == NULL)) {
        snprintf(why, 160, "no memory for the network");
        err = TD_E_NOMEM;
    }
    if (err == TD_OK)
        err = p2p_dial_init(net, options, why);
    if (err == TD_OK)
        err = net_listen(net, why);
    if (err == TD_OK && !net_events(net)) {
        snprintf(why, 160, "the event loop takes no more events");
        err = TD_E_IO;
    }
    if (err != TD_OK) {
        p2p_net_free(net);
        return err;
    }
    *out = net;
    return TD_OK;
}

void p2p_net_free(struct p2p_net *net)
{
    if (net == NULL)
        return;
    while (net->conns != NULL)
        p2p_conn_free(net->conns);
    if (net->dns != NULL)
        evdns_base_free(net->dns, 1);
    if (net->has_events) {
        event_del(&net->accept);
        event_del(&net->tick);
        event_del(&net->flush);
        event_del(&net->reap);
    }
    if (net->listen_fd >= 0)
        close(net->listen_fd);
    free(net->fixed);
    free(net->learnt);
    free(net->marks);
    free(net->rx);
    free(net->tx);
    sodium_memzero(net, sizeof *net);
    free(net);
}

uint16_t p2p_net_port(const struct p2p_net *net)
{
    return net->port;
}

/* ---- peers by number */

static struct p2p_conn *peer_of(const struct p2p_net *net, uint32_t peer)
{
    struct p2p_conn *c = peer < P2P_PEERS_MAX ? net->peers[peer] : NULL;
    return c == NULL || c->doomed ? NULL : c;
}

static void enqueue(struct p2p_conn *c, enum p2p_class class, uint64_t key, struct p2p_body *body)
{
    uint32_t lost = p2p_queue_push(&c->queue[class], &p2p_queue_limits[class], key, body);
    c->info.dropped += lost;
    c->net->stats.queue_dropped += lost;
    p2p_conn_dirty(c);
}

void p2p_send(struct p2p_net *net, uint32_t peer, enum p2p_class class, uint64_t key,
              struct p2p_body *body)
{
    struct p2p_conn *c = peer_of(net, peer);
    TD_ASSERT(class < P2P_CLASSES);
    if (c != NULL)
        enqueue(c, class, key, body);
}

void p2p_broadcast(struct p2p_net *net, uint32_t except, enum p2p_class class, uint64_t key,
                   struct p2p_body *body)
{
    for (uint32_t i = 0; i < P2P_PEERS_MAX; i++)
        if (i != except)
            p2p_send(net, i, class, key, body);
}

void p2p_flush(struct p2p_net *net)
{
    while (net->dirty != NULL) {
        struct p2p_conn *c = net->dirty;
        net->dirty = c->next_dirty;
        c->is_dirty = false;
        p2p_conn_write(c);
    }
}

void p2p_conn_penalize(struct p2p_conn *c, int32_t points, const char *why)
{
    struct p2p_net *net = c->net;
    const struct p2p_timing *t = &net->timing;
    uint64_t now_ns = p2p_now(net);
    if (c->doomed || c->state != P2P_UP || points <= 0)
        return;
    c->info.score = p2p_score_now(c->info.score, c->score_ns, now_ns) - points;
    c->score_ns = now_ns;
    TD_LOG(net->options.log, TD_LOG_DEBUG, "p2p", "peer penalized", TD_LOG_U64("peer", c->peer),
           TD_LOG_I64("score", c->info.score), TD_LOG_STR("why", why));
    if (c->info.score > 0)
        return;
    c->info.score = 0;
    uint64_t ban_ns = c->is_static ? t->static_ban_ns : t->ban_ns;
    ban_ns = p2p_marks_ban(net->marks, c->info.transport, now_ns, ban_ns,
                           c->is_static ? t->static_ban_ns : t->ban_max_ns);
    /* Loopback is every process of this machine, other nodes of a local network among them. */
    if (!c->is_static && (net->ban_loopback || !is_loopback(&c->ip)))
        (void)p2p_marks_ban_ip(net->marks, &c->ip, now_ns, t->ban_ns, t->ban_max_ns);
    char reason[96];
    snprintf(reason, sizeof reason, "%.60s; refused for %u s", why,
             (unsigned)(ban_ns / P2P_SECOND_NS));
    p2p_warn(net, P2P_T_BAN, "a peer misbehaved and is refused for a while",
             "nothing to do here; that node's operator looks at its version and its log",
             c->info.host, c->info.port, reason);
    net->stats.banned++;
    p2p_conn_doom(c, why);
}

void p2p_penalize(struct p2p_net *net, uint32_t peer, int32_t points, const char *why)
{
    struct p2p_conn *c = peer_of(net, peer);
    if (c != NULL)
        p2p_conn_penalize(c, points, why);
}

void p2p_disconnect(struct p2p_net *net, uint32_t peer)
{
    struct p2p_conn *c = peer_of(net, peer);
    if (c != NULL)
        p2p_conn_doom(c, "disconnected by this node");
}

uint32_t p2p_peer_count(const struct p2p_net *net)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < P2P_PEERS_MAX; i++)
        count += peer_of(net, i) != NULL;
    return count;
}

bool p2p_peer_info(const struct p2p_net *net, uint32_t peer, struct p2p_peer_info *out)
{
    const struct p2p_conn *c = peer_of(net, peer);
    if (c == NULL)
        return false;
    *out = c->info;
    out->score = p2p_score_now(c->info.score, c->score_ns, p2p_now(net));
    return true;
}

void p2p_net_stats(const struct p2p_net *net, struct p2p_net_stats *out)
{
    *out = net->stats;
}
