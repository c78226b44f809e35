#define _GNU_SOURCE 1 /* MSG_DONTWAIT, usleep's relatives */
#include "tests/p2p/nets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct event_base *loop;
struct td_secp *secp;
struct node nodes[NODES_MAX];
uint64_t shift_ns;
const struct p2p_chain CHAIN = {77, {{9, 8, 7}}};

static struct td_log quiet;
static struct event *alarm_event;

static void put_nothing(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    if (getenv("P2P_TEST_LOG") != NULL)
        fwrite(line, 1, len, stderr);
}

uint64_t nets_now_ns(void)
{
    struct td_clock c = td_clock_system();
    return td_clock_mono_ns(&c);
}

static uint64_t shifted(void *ctx)
{
    (void)ctx;
    return nets_now_ns() + shift_ns;
}

struct td_clock nets_clock(void)
{
    struct td_clock c = td_clock_system();
    c.mono_ns = shifted;
    return c;
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void nets_turn(int ms)
{
    const struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(alarm_event, &wait);
    cr_assert_geq(event_base_loop(loop, EVLOOP_ONCE), 0);
    evtimer_del(alarm_event);
}

void nets_run(int ms)
{
    uint64_t until = nets_now_ns() + (uint64_t)ms * 1000000u;
    while (nets_now_ns() < until)
        nets_turn(5);
}

void nets_set_up(void)
{
    shift_ns = 0;
    memset(nodes, 0, sizeof nodes);
    td_log_init(&quiet, TD_LOG_DEBUG, TD_LOG_TEXT, NULL, td_clock_system(),
                (struct td_log_sink){put_nothing, NULL});
    loop = event_base_new();
    secp = td_secp_new();
    cr_assert(loop != NULL && secp != NULL);
    alarm_event = evtimer_new(loop, on_alarm, NULL);
}

void nets_tear_down(void)
{
    for (uint32_t i = 0; i < NODES_MAX; i++)
        node_stop(i);
    event_free(alarm_event);
    event_base_free(loop);
    td_secp_free(secp);
    libevent_global_shutdown();
}

/* ---- nodes */

static void on_up(void *ctx, uint32_t peer, const struct p2p_peer_info *info)
{
    struct node *n = ctx;
    (void)info;
    n->ups++;
    n->last_up = peer;
    if (n->hang_up)
        p2p_disconnect(n->net, peer);
}

static void on_down(void *ctx, uint32_t peer)
{
    struct node *n = ctx;
    n->downs++;
    n->last_down = peer;
}

static void on_frame(void *ctx, uint32_t peer, uint8_t *body, size_t len)
{
    struct node *n = ctx;
    if (n->seen_count > 0) {
        free(n->seen[n->seen_count - 1u].body);
        n->seen[n->seen_count - 1u].body = NULL;
    }
    cr_assert_lt(n->seen_count, SEEN_MAX);
    n->seen[n->seen_count++] = (struct seen){peer, len, body[0], len > 1 ? body[1] : 0, body};
    if (n->punish != 0)
        p2p_penalize(n->net, peer, n->punish, "test");
}

static size_t bytes_max(uint8_t kind)
{
    switch (kind) {
    case P2P_HELLO_KIND:
        return 295;
    case STATUS:
        return 87624;
    case PROPOSAL:
        return 1u << 20;
    case VOTE:
        return 123;
    case BLOCKS:
        return 4u << 20;
    case TX:
        return 131073;
    default:
        return 0;
    }
}

static enum p2p_class class_of(uint8_t kind)
{
    return kind == TX ? P2P_TX : kind == BLOCKS ? P2P_BLOCKS : P2P_CONSENSUS;
}

void secret_of(uint8_t secret[32], uint32_t i)
{
    memset(secret, 0, 32);
    secret[0] = 8;
    secret[31] = (uint8_t)(i + 1u);
}

/* The signed record of validator i. */
void record_of(struct p2p_record *r, uint32_t i, uint16_t port, uint64_t sequence)
{
    uint8_t secret[32], transport[32];
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_addr me;
    struct td_hash digest;
    secret_of(secret, i);
    p2p_noise_public(transport, secret);
    cr_assert_eq(td_secp_key_init(secp, &key, secret), TD_OK);
    td_secp_key_pub(secp, &pub, &key);
    td_secp_pub_addr(secp, &me, &pub);
    cr_assert_eq(p2p_record_init(r, sequence, transport, &me, "127.0.0.1", port), TD_OK);
    p2p_record_digest(&digest, r, &CHAIN);
    cr_assert_eq(td_secp_sign(secp, &key, &digest, &r->sig), TD_OK);
}

void node_prepare(uint32_t i)
{
    struct node *n = &nodes[i];
    struct p2p_net_options *o = &n->options;
    memset(n, 0, sizeof *n);
    o->base = loop;
    o->chain = CHAIN;
    o->secp = secp;
    secret_of(o->static_secret, i);
    record_of(&o->self, i, 1, 1);
    strcpy(o->listen_host, "127.0.0.1");
    o->max_peers = 64;
    o->handshake_ns = 5 * (int64_t)P2P_SECOND_NS;
    o->per_ip = 64;
    o->peers = n->peers;
    o->frame_bytes_max = bytes_max;
    o->frame_class = class_of;
    o->log = &quiet;
}

void node_knows(uint32_t i, uint32_t other, bool by_key, uint16_t port)
{
    struct node *n = &nodes[i];
    struct p2p_static_peer *p = &n->peers[n->options.peer_count++];
    uint8_t secret[32];
    memset(p, 0, sizeof *p);
    secret_of(secret, other);
    if (by_key)
        p2p_noise_public(p->transport, secret);
    strcpy(p->host, "127.0.0.1");
    p->port = port != 0 ? port : p2p_net_port(nodes[other].net);
}

/* A port nobody listens on, for a node that is told it before it exists. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* The record says where the node listens, so the port is chosen first. */
void node_start(uint32_t i)
{
    struct node *n = &nodes[i];
    const struct p2p_net_events events = {n, on_up, on_down, on_frame};
    char why[160];
    if (n->options.listen_port == 0)
        n->options.listen_port = free_port();
    if (n->options.self.port == 1)
        record_of(&n->options.self, i, n->options.listen_port, 1);
    enum td_error err = p2p_net_new(&n->net, &n->options, &events, why);
    cr_assert_eq(err, TD_OK, "%s", why);
    n->net->clock = nets_clock();
}

void node_stop(uint32_t i)
{
    struct node *n = &nodes[i];
    p2p_net_free(n->net);
    n->net = NULL;
    if (n->seen_count > 0)
        free(n->seen[n->seen_count - 1u].body);
    n->seen_count = 0;
}

struct p2p_net_stats stats_of(uint32_t i)
{
    struct p2p_net_stats s;
    p2p_net_stats(nodes[i].net, &s);
    return s;
}

void send_bytes(uint32_t from, uint32_t peer, enum p2p_class class, uint64_t key, uint8_t kind,
                uint8_t first, size_t len)
{
    uint8_t *bytes = calloc(1, len);
    cr_assert_not_null(bytes);
    bytes[0] = kind;
    if (len > 1)
        bytes[1] = first;
    struct p2p_body *body = p2p_body_new(td_bytes_of(bytes, len));
    cr_assert_not_null(body);
    free(bytes);
    p2p_send(nodes[from].net, peer, class, key, body);
    p2p_body_drop(body);
}

/* ---- rogue */

void rogue_connect(struct rogue *r, uint32_t to)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(p2p_net_port(nodes[to].net)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(r, 0, sizeof *r);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(r->fd, 0);
    cr_assert_eq(connect(r->fd, (struct sockaddr *)&at, sizeof at), 0);
}

/* A node that has hung up already is a fine answer to anything: errors are not looked at. */
void rogue_send(struct rogue *r, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t until = nets_now_ns() + 10u * P2P_SECOND_NS;
    while (len > 0) {
        ssize_t n = send(r->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return;
        if (n < 0) {
            cr_assert_lt(nets_now_ns(), until, "the node takes nothing");
            nets_turn(1);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
}

bool rogue_read(struct rogue *r, uint8_t *bytes, size_t len)
{
    uint64_t until = nets_now_ns() + 10u * P2P_SECOND_NS;
    while (len > 0) {
        ssize_t n = recv(r->fd, bytes, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n < 0) {
            cr_assert_lt(nets_now_ns(), until, "the node says nothing");
            nets_turn(1);
            continue;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

bool rogue_shake(struct rogue *r, uint32_t i, const struct p2p_chain *chain)
{
    uint8_t secret[32], prologue[P2P_PROLOGUE_BYTES], message[128], hash[32], payload[1];
    size_t n;
    secret_of(secret, i);
    p2p_prologue_encode(prologue, chain->chain_id, &chain->genesis);
    p2p_handshake_init(&r->shake, P2P_NOISE_INITIATOR, secret,
                       td_bytes_of(prologue, sizeof prologue));
    cr_assert_eq(p2p_handshake_write(&r->shake, message, sizeof message, &n, td_bytes_of(NULL, 0)),
                 TD_OK);
    rogue_send(r, message, n);
    if (!rogue_read(r, message, 96) ||
        p2p_handshake_read(&r->shake, payload, 0, &n, td_bytes_of(message, 96)) != TD_OK)
        return false;
    cr_assert_eq(p2p_handshake_write(&r->shake, message, sizeof message, &n, td_bytes_of(NULL, 0)),
                 TD_OK);
    rogue_send(r, message, n);
    p2p_handshake_split(&r->shake, &r->send, &r->receive, hash);
    return true;
}

void rogue_frame(struct rogue *r, const uint8_t *body, size_t len)
{
    uint8_t *wire = malloc(p2p_frame_sealed_bytes(len));
    cr_assert_not_null(wire);
    p2p_frame_seal(&r->send, wire, td_bytes_of(body, len));
    rogue_send(r, wire, p2p_frame_sealed_bytes(len));
    free(wire);
}

void rogue_hello(struct rogue *r, const struct p2p_hello *h)
{
    uint8_t bytes[P2P_HELLO_BYTES_MAX];
    rogue_frame(r, bytes, p2p_hello_encode(bytes, h));
}

void rogue_closed(struct rogue *r)
{
    uint8_t bytes[4096];
    uint64_t until = nets_now_ns() + 10u * P2P_SECOND_NS;
    for (;;) {
        ssize_t n = recv(r->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        cr_assert_lt(nets_now_ns(), until, "the node does not hang up");
        if (n < 0)
            nets_turn(1);
    }
    rogue_end(r);
}

void rogue_end(struct rogue *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void rogue_up(struct rogue *r, uint32_t to, uint32_t i)
{
    struct p2p_hello h = {P2P_VERSION, CHAIN.genesis, {0}};
    uint32_t before = nodes[to].ups;
    record_of(&h.record, i, 9, 1);
    rogue_connect(r, to);
    cr_assert(rogue_shake(r, i, &CHAIN));
    rogue_hello(r, &h);
    UNTIL(nodes[to].ups == before + 1u);
}
