/* Who is dialled, and when. */
#define _GNU_SOURCE 1 /* getaddrinfo */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "p2p/net_internal.h"

/* A name being asked for.  It outlives the connection when that ends first: libevent answers a
 * cancelled question too, later. */
struct p2p_lookup {
    struct p2p_conn *conn; /* NULL: nobody waits any more */
    struct evdns_getaddrinfo_request *request;
};

enum td_error p2p_dial_init(struct p2p_net *net, const struct p2p_net_options *options,
                            char why[160])
{
    net->learnt = calloc(P2P_LEARNT_MAX, sizeof *net->learnt);
    net->fixed = calloc(options->peer_count + 1u, sizeof *net->fixed);
    if (net->learnt == NULL || net->fixed == NULL) {
        snprintf(why, 160, "no memory for the list of peers");
        return TD_E_NOMEM;
    }
    net->fixed_count = options->peer_count;
    for (uint32_t i = 0; i < options->peer_count; i++) {
        const struct p2p_static_peer *p = &options->peers[i];
        struct p2p_dial *d = &net->fixed[i];
        static const uint8_t anybody[P2P_NOISE_KEY_BYTES];
        if (p->host[0] == '\0' || memchr(p->host, '\0', sizeof p->host) == NULL || p->port == 0) {
            snprintf(why, 160, "peer %u of [p2p] peers has no host or port; write id@host:port",
                     i + 1u);
            return TD_E_RANGE;
        }
        d->is_static = true;
        memcpy(d->host, p->host, sizeof d->host);
        d->port = p->port;
        d->expects = d->has_key = memcmp(p->transport, anybody, sizeof anybody) != 0;
        memcpy(d->expected, p->transport, sizeof d->expected);
        memcpy(d->key, p->transport, sizeof d->key);
    }
    return TD_OK;
}

/* ---- backoff */

static void back_off(struct p2p_net *net, struct p2p_dial *d, uint64_t now_ns)
{
    uint64_t delay_ns = net->timing.backoff_min_ns;
    for (uint32_t i = 1; i < d->failures && delay_ns < net->timing.backoff_max_ns; i++)
        delay_ns *= 2u;
    if (delay_ns > net->timing.backoff_max_ns)
        delay_ns = net->timing.backoff_max_ns;
    /* 3/4 to 5/4: nodes that lost each other together do not come back together. */
    d->next_ns = now_ns + delay_ns / 4u * 3u + delay_ns * randombytes_uniform(1024) / 2048u;
}

void p2p_dial_ended(struct p2p_conn *c, uint64_t now_ns)
{
    struct p2p_net *net = c->net;
    struct p2p_dial *d = c->dial;
    if (d == NULL)
        return;
    d->conn = NULL;
    c->dial = NULL;
    if (c->state == P2P_UP && now_ns - c->info.since_ns >= net->timing.steady_ns)
        d->failures = 0;
    else if (!c->quiet && d->failures < 32u)
        d->failures++;
    if (c->state == P2P_UP)
        d->warned = false;
    back_off(net, d, now_ns);
    if (!d->is_static || d->warned)
        return;
    if (c->state == P2P_SHAKE && d->failures >= 3u) {
        d->warned = true;
        p2p_warn(net, P2P_T_HANDSHAKE, "a static peer does not complete the handshake",
                 "both nodes need the same genesis file and protocol version", d->host, d->port,
                 "handshake");
    } else if (c->state < P2P_SHAKE && d->failures >= 10u) { /* for about a minute */
        d->warned = true;
        p2p_warn(net, P2P_T_UNREACHABLE, "a static peer cannot be reached; still trying",
                 "check that it runs, its address in [p2p] peers, and the firewall", d->host,
                 d->port, c->state == P2P_LOOKUP ? "its name is not found" : "no connection");
    }
}

/* ---- connecting */

static void connect_to(struct p2p_conn *c, const struct sockaddr *to, socklen_t len)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        p2p_conn_doom(c, "no socket: too many open files");
        return;
    }
    p2p_ip_of(&c->ip, to);
    c->dial->ip = c->ip;
    c->dial->has_ip = true;
    if (!p2p_conn_attach(c, fd, P2P_CONNECT)) {
        p2p_conn_doom(c, "no event");
        return;
    }
    if (connect(fd, to, len) != 0 && errno != EINPROGRESS)
        p2p_conn_doom(c, "could not connect");
}

static void on_name(int err, struct evutil_addrinfo *found, void *arg)
{
    struct p2p_lookup *lookup = arg;
    struct p2p_conn *c = lookup->conn;
    free(lookup);
    if (c != NULL)
        c->lookup = NULL;
    if (c != NULL && !c->doomed && (err != 0 || found == NULL)) {
        p2p_conn_doom(c, "name not found");
    } else if (c != NULL && !c->doomed) {
        /* Of several addresses, another one each time. */
        uint32_t count = 0;
        for (const struct evutil_addrinfo *at = found; at != NULL; at = at->ai_next)
            count++;
        const struct evutil_addrinfo *at = found;
        for (uint32_t skip = c->dial->failures % count; skip > 0; skip--)
            at = at->ai_next;
        connect_to(c, at->ai_addr, at->ai_addrlen);
    }
    if (found != NULL)
        evutil_freeaddrinfo(found);
}

void p2p_dial_forget_lookup(struct p2p_conn *c)
{
    if (c->lookup == NULL)
        return;
    struct p2p_lookup *lookup = c->lookup;
    c->lookup = NULL;
    lookup->conn = NULL;
    if (lookup->request != NULL)
        evdns_getaddrinfo_cancel(lookup->request);
}

/* Without a resolv.conf there is still the hosts file. */
static struct evdns_base *names_new(struct event_base *base)
{
    struct evdns_base *names =
        evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (names == NULL) {
        names = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (names != NULL)
            (void)evdns_base_load_hosts(names, "/etc/hosts");
    }
    return names;
}

static void look_up(struct p2p_conn *c, const struct p2p_dial *d)
{
    struct p2p_net *net = c->net;
    struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    char port[8];
    if (net->dns == NULL)
        net->dns = names_new(net->options.base);
    struct p2p_lookup *lookup = net->dns == NULL ? NULL : calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        p2p_conn_doom(c, "names cannot be looked up");
        return;
    }
    snprintf(port, sizeof port, "%u", d->port);
    lookup->conn = c;
    c->lookup = lookup;
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(net->dns, d->host, port, &hints, on_name, lookup);
    if (request != NULL) /* else on_name was called already, and `lookup` is gone */
        lookup->request = request;
}

static void dial(struct p2p_net *net, struct p2p_dial *d, uint64_t now_ns)
{
    struct p2p_conn *c = p2p_conn_new(net, d);
    if (c == NULL) {
        back_off(net, d, now_ns);
        return;
    }
    net->stats.dialled++;
    memcpy(c->info.host, d->host, sizeof c->info.host);
    c->info.port = d->port;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(d->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(d->port)};
    if (inet_pton(AF_INET, d->host, &v4.sin_addr) == 1)
        connect_to(c, (const struct sockaddr *)&v4, sizeof v4);
    else if (inet_pton(AF_INET6, d->host, &v6.sin6_addr) == 1)
        connect_to(c, (const struct sockaddr *)&v6, sizeof v6);
    else
        look_up(c, d);
}

static bool due(const struct p2p_net *net, const struct p2p_dial *d, uint64_t now_ns)
{
    if (d->conn != NULL || d->self || now_ns < d->next_ns)
        return false;
    return !d->has_key ||
           (p2p_net_find(net, d->key) == NULL && !p2p_marks_banned(net->marks, d->key, now_ns));
}

void p2p_dial_tick(struct p2p_net *net, uint64_t now_ns)
{
    for (uint32_t i = 0; i < net->fixed_count; i++)
        if (due(net, &net->fixed[i], now_ns))
            dial(net, &net->fixed[i], now_ns);
    uint32_t busy = 0;
    for (uint32_t i = 0; i < P2P_LEARNT_MAX; i++)
        busy += net->learnt[i].used && net->learnt[i].dial.conn != NULL &&
                net->learnt[i].dial.conn->state < P2P_UP;
    uint32_t from = randombytes_uniform(P2P_LEARNT_MAX);
    for (uint32_t i = 0; i < P2P_LEARNT_MAX; i++) {
        struct p2p_learnt *l = &net->learnt[(from + i) % P2P_LEARNT_MAX];
        if (busy >= P2P_LEARNT_DIALS_MAX || net->peer_count + busy >= net->options.max_peers)
            return;
        if (!l->used || !due(net, &l->dial, now_ns) || p2p_is_static(net, l->record.transport))
            continue;
        if (l->dial.failures >= P2P_LEARNT_FAILURES_MAX) {
            l->used = false;
            continue;
        }
        dial(net, &l->dial, now_ns);
        busy++;
    }
}

/* ---- learning */

static struct p2p_learnt *learnt_of(const struct p2p_net *net, const struct td_addr *validator)
{
    for (uint32_t i = 0; i < P2P_LEARNT_MAX; i++)
        if (net->learnt[i].used && td_addr_eq(&net->learnt[i].record.validator, validator))
            return &net->learnt[i];
    return NULL;
}

bool p2p_learn_wants(const struct p2p_net *net, const struct p2p_record *record)
{
    if (td_addr_is_zero(&record->validator) ||
        memcmp(record->transport, net->self_key, P2P_NOISE_KEY_BYTES) == 0)
        return false;
    const struct p2p_learnt *l = learnt_of(net, &record->validator);
    return l == NULL || record->sequence > l->record.sequence;
}

bool p2p_learn_superseded(const struct p2p_net *net, const struct p2p_record *record)
{
    const struct p2p_learnt *l =
        td_addr_is_zero(&record->validator) ? NULL : learnt_of(net, &record->validator);
    return l != NULL && l->record.sequence > record->sequence &&
           memcmp(l->record.transport, record->transport, P2P_NOISE_KEY_BYTES) != 0;
}

/* A free place; else, hearsay that leads nowhere gives way; else, for what is known to be true,
 * any that is not connected. */
static struct p2p_learnt *place(struct p2p_net *net, bool proven)
{
    struct p2p_learnt *best = NULL;
    uint32_t from = randombytes_uniform(P2P_LEARNT_MAX);
    for (uint32_t i = 0; i < P2P_LEARNT_MAX; i++) {
        struct p2p_learnt *l = &net->learnt[(from + i) % P2P_LEARNT_MAX];
        if (!l->used)
            return l;
        if (l->dial.conn != NULL || p2p_net_find(net, l->record.transport) != NULL)
            continue;
        if (l->proven ? !proven || best != NULL : l->dial.failures == 0 && !proven)
            continue;
        if (best == NULL || best->proven || l->dial.failures > best->dial.failures)
            best = l;
    }
    return best;
}

void p2p_learn(struct p2p_net *net, const struct p2p_record *record, bool proven)
{
    struct p2p_learnt *l =
        td_addr_is_zero(&record->validator) ? NULL : learnt_of(net, &record->validator);
    if (l != NULL && record->sequence == l->record.sequence &&
        memcmp(record->transport, l->record.transport, P2P_NOISE_KEY_BYTES) == 0)
        l->proven = l->proven || proven;
    if (!p2p_learn_wants(net, record))
        return;
    if (l == NULL) {
        l = place(net, proven);
        if (l == NULL)
            return;
        *l = (struct p2p_learnt){.used = true};
    }
    l->record = *record;
    l->proven = proven;
    l->dial.expects = l->dial.has_key = true;
    memcpy(l->dial.expected, record->transport, P2P_NOISE_KEY_BYTES);
    memcpy(l->dial.key, record->transport, P2P_NOISE_KEY_BYTES);
    memcpy(l->dial.host, record->host, sizeof l->dial.host);
    l->dial.port = record->port;
    l->dial.failures = 0;
    l->dial.next_ns = 0;
}
