/* One connection from its socket to its end: handshake, Hello, and frames received. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/core/assert.h"
#include "p2p/net_internal.h"

/* What one peer may send.  A second's worth is several times what an honest node sends: consensus
 * below 1 MiB of votes and one proposal, blocks as fast as a link of 500 Mbit, transactions more
 * than P2P_TX_SEND_RATE.  The burst is what queues and sockets on the way hold when this node was
 * stopped for a while: everything arrives at once then. */
static const struct p2p_rate RATES[P2P_CLASSES] = {
    [P2P_CONSENSUS] = {8u << 20, 32u << 20},
    [P2P_BLOCKS] = {64u << 20, 128u << 20},
    [P2P_TX] = {8u << 20, 32u << 20},
};
#define FRAME_COST 64u /* what a frame costs besides its bytes: tiny ones are no way around */

struct p2p_conn *p2p_conn_new(struct p2p_net *net, struct p2p_dial *dial)
{
    struct p2p_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    uint64_t now_ns = p2p_now(net);
    c->net = net;
    c->fd = -1;
    c->peer = P2P_NO_PEER;
    c->dial = dial;
    c->outgoing = dial != NULL;
    c->is_static = dial != NULL && dial->is_static;
    c->state = dial != NULL ? P2P_LOOKUP : P2P_SHAKE;
    c->deadline_ns = now_ns + (uint64_t)net->options.handshake_ns;
    c->last_in_ns = c->last_out_ns = now_ns;
    for (int k = 0; k < P2P_CLASSES; k++)
        c->bucket[k] = (struct p2p_bucket){(int64_t)RATES[k].burst, now_ns};
    c->tx_budget = P2P_TX_SEND_RATE;
    c->next = net->conns;
    if (c->next != NULL)
        c->next->prev = c;
    net->conns = c;
    if (dial != NULL)
        dial->conn = c;
    else
        net->stranger_count++;
    return c;
}

void p2p_conn_doom(struct p2p_conn *c, const char *why)
{
    struct p2p_net *net = c->net;
    if (c->doomed)
        return;
    c->doomed = true;
    if (c->state == P2P_SHAKE && !c->quiet)
        net->stats.handshake_failed++;
    if (c->state == P2P_HELLO && !c->quiet)
        net->stats.hello_failed++;
    if (c->has_events) {
        event_del(&c->read);
        event_del(&c->write);
    }
    p2p_dial_forget_lookup(c);
    TD_LOG(net->options.log, c->state == P2P_UP ? TD_LOG_INFO : TD_LOG_DEBUG, "p2p",
           c->state == P2P_UP ? "peer down" : "connection ended", TD_LOG_STR("host", c->info.host),
           TD_LOG_U64("port", c->info.port), TD_LOG_STR("why", why));
    event_active(&net->reap, EV_TIMEOUT, 0);
}

static void unlink_dirty(struct p2p_conn *c)
{
    for (struct p2p_conn **at = &c->net->dirty; c->is_dirty && *at != NULL; at = &(*at)->next_dirty)
        if (*at == c) {
            *at = c->next_dirty;
            c->is_dirty = false;
            return;
        }
}

void p2p_conn_free(struct p2p_conn *c)
{
    if (c->has_events) {
        event_del(&c->read);
        event_del(&c->write);
    }
    p2p_dial_forget_lookup(c);
    unlink_dirty(c);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        c->net->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (!c->outgoing && c->state < P2P_UP)
        c->net->stranger_count--;
    if (c->fd >= 0)
        close(c->fd);
    p2p_conn_send_reset(c);
    p2p_handshake_wipe(&c->shake);
    p2p_cipher_wipe(&c->send_key);
    p2p_cipher_wipe(&c->receive_key);
    free(c->in);
    free(c->body);
    free(c);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct p2p_conn *c = arg;
    (void)what;
    /* Once: who has more to say is heard again after everybody else. */
    ssize_t n = recv(fd, c->net->rx, P2P_READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        p2p_conn_doom(c, n == 0 ? "closed by the peer" : "receiving failed");
        return;
    }
    p2p_conn_receive(c, c->net->rx, (size_t)n);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct p2p_conn *c = arg;
    (void)what;
    c->write_armed = false;
    if (c->state != P2P_CONNECT) {
        p2p_conn_write(c);
        return;
    }
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err != 0)
        p2p_conn_doom(c, "could not connect");
    else
        p2p_conn_start(c);
}

bool p2p_conn_attach(struct p2p_conn *c, int fd, enum p2p_state state)
{
    int on = 1, ahead = (int)P2P_FILL_GOAL;
    c->fd = fd;
    c->state = state;
    /* A vote leaves at once; and the kernel does not take megabytes that a later vote would wait
     * behind.  Both are wishes: the connection works without. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &ahead, sizeof ahead);
    if (event_assign(&c->read, c->net->options.base, fd, EV_READ | EV_PERSIST, on_read, c) != 0 ||
        event_assign(&c->write, c->net->options.base, fd, EV_WRITE, on_write, c) != 0)
        return false;
    c->has_events = true;
    if (state != P2P_CONNECT)
        return true;
    c->write_armed = event_add(&c->write, NULL) == 0;
    return c->write_armed;
}

/* The next message of the handshake, when it is this side's turn. */
static bool shake_write(struct p2p_conn *c)
{
    uint8_t message[P2P_NOISE_OVERHEAD_2];
    size_t len;
    if (!p2p_handshake_writes(&c->shake))
        return true;
    if (p2p_handshake_write(&c->shake, message, sizeof message, &len, td_bytes_of(NULL, 0)) !=
        TD_OK)
        return false;
    p2p_conn_put(c, message, len);
    return !c->doomed;
}

void p2p_conn_start(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    c->state = P2P_SHAKE;
    p2p_handshake_init(&c->shake, c->outgoing ? P2P_NOISE_INITIATOR : P2P_NOISE_RESPONDER,
                       net->options.static_secret, td_bytes_of(net->prologue, P2P_PROLOGUE_BYTES));
    if (!shake_write(c) || event_add(&c->read, NULL) != 0)
        p2p_conn_doom(c, "handshake could not begin");
    else
        p2p_conn_write(c);
}

/* Whether the key at the other end may be talked to. */
static bool key_welcome(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    const uint8_t *key = c->info.transport;
    if (memcmp(key, net->self_key, P2P_NOISE_KEY_BYTES) == 0) {
        c->quiet = true;
        if (c->dial != NULL)
            c->dial->self = true;
        p2p_conn_doom(c, "this node itself");
        return false;
    }
    if (c->dial != NULL && c->dial->expects && memcmp(key, c->dial->expected, 32) != 0) {
        if (c->is_static)
            p2p_warn(net, P2P_T_IDENTITY, "a static peer answers with another key",
                     "compare the id in [p2p] peers with what that node shows", c->dial->host,
                     c->dial->port, "another transport key");
        p2p_conn_doom(c, "another transport key than expected");
        return false;
    }
    c->is_static = c->is_static || p2p_is_static(net, key);
    if (p2p_marks_banned(net->marks, key, p2p_now(net))) {
        c->quiet = true;
        net->stats.banned++;
        p2p_conn_doom(c, "banned");
        return false;
    }
    if (c->dial != NULL) {
        c->dial->has_key = true;
        memcpy(c->dial->key, key, 32);
    }
    return true;
}

static void shake_done(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    uint8_t hash[32], bytes[P2P_HELLO_BYTES_MAX];
    memcpy(c->info.transport, p2p_handshake_remote(&c->shake), P2P_NOISE_KEY_BYTES);
    p2p_handshake_split(&c->shake, &c->send_key, &c->receive_key, hash);
    if (!key_welcome(c))
        return;
    c->state = P2P_HELLO;
    p2p_frame_in_init(&c->frame, &c->receive_key, P2P_FRAME_STRANGER_BYTES);
    const struct p2p_hello hello = {P2P_VERSION, net->options.chain.genesis, net->options.self};
    c->hello = p2p_body_new(td_bytes_of(bytes, p2p_hello_encode(bytes, &hello)));
    if (c->hello == NULL)
        p2p_conn_doom(c, "no memory");
}

static void shake_unit(struct p2p_conn *c, const uint8_t *message, size_t len)
{
    uint8_t payload[1];
    size_t payload_len;
    if (p2p_handshake_read(&c->shake, payload, 0, &payload_len, td_bytes_of(message, len)) !=
            TD_OK ||
        !shake_write(c)) {
        p2p_conn_doom(c, "handshake failed: another chain, genesis or version, or no node");
        return;
    }
    if (p2p_handshake_done(&c->shake))
        shake_done(c);
    p2p_conn_write(c);
}

/* ---- Hello */

static bool hello_good(struct p2p_conn *c, const struct p2p_hello *h, enum td_error err)
{
    struct p2p_net *net = c->net;
    const struct p2p_net_options *o = &net->options;
    if (err == TD_E_UNSUPPORTED || (err == TD_OK && !td_hash_eq(&h->genesis, &o->chain.genesis))) {
        p2p_warn(net, P2P_T_CHAIN, "a peer of another chain was refused",
                 "both nodes need the same genesis file and protocol version", c->info.host,
                 c->info.port,
                 err == TD_OK ? "another genesis in Hello" : "another version in Hello");
        p2p_conn_doom(c, "another genesis or version");
        return false;
    }
    const char *why = NULL;
    if (err != TD_OK)
        why = "malformed Hello";
    else if (memcmp(h->record.transport, c->info.transport, P2P_NOISE_KEY_BYTES) != 0)
        why = "the record is of another transport key";
    else if (p2p_record_verify(&h->record, o->secp, &o->chain) != TD_OK)
        why = "the record's signature is wrong";
    else if (p2p_learn_superseded(net, &h->record))
        why = "a newer record of that validator names another key";
    if (why == NULL)
        return true;
    p2p_warn(net, P2P_T_RECORD, "a peer's address record was refused",
             "nothing to do here; that node's operator checks its keys and genesis", c->info.host,
             c->info.port, why);
    p2p_conn_doom(c, why);
    return false;
}

/* Whether `c` may be the connection of its identity; the older one may end for it. */
static bool identity_free(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    struct p2p_conn *old = p2p_net_find(net, c->info.transport);
    if (old == NULL)
        return true;
    /* Both dialled at once: both sides keep what the smaller key dialled.  One that lasted longer
     * than a handshake takes was not simultaneous: the peer came anew since it lost the old one,
     * whatever this side still believes. */
    bool fresh = p2p_now(net) - old->info.since_ns < (uint64_t)net->options.handshake_ns;
    bool self_smaller = memcmp(net->self_key, c->info.transport, P2P_NOISE_KEY_BYTES) < 0;
    struct p2p_conn *loser = old;
    if (fresh && old->outgoing != c->outgoing && c->outgoing != self_smaller)
        loser = c;
    loser->quiet = true;
    p2p_conn_doom(loser, "another connection to the same node is kept");
    return loser != c;
}

/* The peer that gives way to a static one: the worst, and among equals the newest. */
static struct p2p_conn *displaceable(const struct p2p_net *net)
{
    struct p2p_conn *worst = NULL;
    for (uint32_t i = 0; i < P2P_PEERS_MAX; i++) {
        struct p2p_conn *p = net->peers[i];
        if (p == NULL || p->is_static || p->doomed)
            continue;
        if (worst == NULL || p->info.score < worst->info.score ||
            (p->info.score == worst->info.score && p->info.since_ns >= worst->info.since_ns))
            worst = p;
    }
    return worst;
}

static bool room_for(struct p2p_conn *c)
{
    struct p2p_net *net = c->net;
    p2p_net_reap(net);
    if (net->peer_count < net->options.max_peers)
        return true;
    struct p2p_conn *out = c->is_static ? displaceable(net) : NULL;
    if (out == NULL) {
        net->stats.refused_full++;
        c->quiet = true;
        p2p_conn_doom(c, "no room for another peer");
        return false;
    }
    p2p_conn_doom(out, "gives way to a static peer");
    p2p_net_reap(net);
    return true;
}

static void come_up(struct p2p_conn *c, const struct p2p_record *record)
{
    struct p2p_net *net = c->net;
    uint64_t now_ns = p2p_now(net);
    uint32_t id = 0;
    while (net->peers[id] != NULL)
        id++;
    TD_ASSERT(id < P2P_PEERS_MAX && net->peer_count < net->options.max_peers);
    if (!c->outgoing)
        net->stranger_count--;
    c->state = P2P_UP;
    c->peer = id;
    c->frame.limit_bytes = TD_FRAME_BYTES_MAX;
    c->info.validator = record->validator;
    c->info.outgoing = c->outgoing;
    c->info.since_ns = now_ns;
    c->info.score = p2p_marks_score(net->marks, c->info.transport, now_ns);
    c->score_ns = now_ns;
    c->exchange_due_ns = now_ns;
    net->peers[id] = c;
    net->peer_count++;
    p2p_learn(net, record, true);
    p2p_control_tick(c, now_ns);
    TD_LOG(net->options.log, TD_LOG_INFO, "p2p", "peer up", TD_LOG_STR("host", c->info.host),
           TD_LOG_U64("port", c->info.port), TD_LOG_BOOL("outgoing", c->outgoing),
           TD_LOG_HEX("key", c->info.transport, 8), TD_LOG_ADDR("validator", &c->info.validator),
           TD_LOG_U64("peers", net->peer_count));
    if (net->events.up != NULL)
        net->events.up(net->events.ctx, id, &c->info);
}

static void hello_take(struct p2p_conn *c, struct td_bytes body)
{
    struct p2p_hello h;
    enum td_error err = p2p_hello_decode(&h, body);
    if (hello_good(c, &h, err) && identity_free(c) && room_for(c))
        come_up(c, &h.record);
}

/* ---- frames */

static void reject(struct p2p_conn *c, const char *why)
{
    c->net->stats.frames_rejected++;
    p2p_warn(c->net, P2P_T_FRAME, "a peer's frame was refused",
             "nothing to do here; a node of another version, or not an honest one", c->info.host,
             c->info.port, why);
    p2p_conn_penalize(c, 50, why);
    p2p_conn_doom(c, why);
}

/* Called when the kind is known: may such a body be that long, and is there quota for it? */
static bool judge(struct p2p_conn *c, uint8_t kind, size_t len)
{
    struct p2p_net *net = c->net;
    if (c->state == P2P_HELLO) {
        if (kind != P2P_HELLO_KIND)
            p2p_conn_doom(c, "something else than Hello");
        return kind == P2P_HELLO_KIND;
    }
    bool own = kind >= P2P_CONTROL_FIRST;
    size_t max = own ? p2p_control_bytes_max(kind) : net->options.frame_bytes_max(kind);
    if (max == 0 || kind == P2P_HELLO_KIND) {
        reject(c, "a frame of a kind that does not exist");
        return false;
    }
    if (len > max) {
        reject(c, "a frame longer than its kind may be");
        return false;
    }
    enum p2p_class class = own ? P2P_CONSENSUS : net->options.frame_class(kind);
    TD_ASSERT(class < P2P_CLASSES);
    if (p2p_bucket_take(&c->bucket[class], &RATES[class], len + FRAME_COST, p2p_now(net)))
        return true;
    net->stats.quota_closed++;
    p2p_warn(net, P2P_T_QUOTA, "a peer sends more than its quota",
             "nothing to do here; it is refused for a while when it goes on", c->info.host,
             c->info.port, "quota");
    p2p_conn_penalize(c, 50, "quota");
    p2p_conn_doom(c, "quota");
    return false;
}

static void deliver(struct p2p_conn *c, size_t len)
{
    struct p2p_net *net = c->net;
    uint8_t *body = c->body;
    c->body = NULL;
    c->body_cap = 0;
    c->info.frames_in++;
    if (c->state == P2P_HELLO) {
        hello_take(c, td_bytes_of(body, len));
    } else if (body[0] >= P2P_CONTROL_FIRST) {
        p2p_control_take(c, td_bytes_of(body, len));
    } else if (net->events.frame != NULL) {
        net->events.frame(net->events.ctx, c->peer, body, len);
        return;
    }
    free(body);
}

/* Room for `need` bytes, by doubling, never more than `most`: memory follows what arrived. */
static bool room(uint8_t **at, size_t *cap, size_t need, size_t most)
{
    if (need <= *cap)
        return true;
    size_t to = 2u * *cap < most ? 2u * *cap : most;
    if (to < need)
        to = need;
    uint8_t *bigger = realloc(*at, to);
    if (bigger == NULL)
        return false;
    *at = bigger;
    *cap = to;
    return true;
}

static void out_of_memory(struct p2p_conn *c)
{
    p2p_warn(c->net, P2P_T_MEMORY, "no memory for what a peer sends",
             "give the node more memory, or lower max_peers", c->info.host, c->info.port,
             "connection closed");
    p2p_conn_doom(c, "no memory");
}

static void frame_unit(struct p2p_conn *c, const uint8_t *sealed, size_t len)
{
    struct p2p_frame_in *f = &c->frame;
    bool complete;
    if (f->body_bytes == 0) {
        enum td_error err = p2p_frame_head(f, sealed);
        if (err == TD_E_LIMIT && c->state == P2P_UP)
            reject(c, "a frame that is empty or too long");
        else if (err != TD_OK)
            p2p_conn_doom(c, err == TD_E_LIMIT ? "too long for a Hello" : "forged or broken bytes");
        return;
    }
    size_t total = f->body_bytes, have = f->have_bytes;
    if (!room(&c->body, &c->body_cap, have + len - P2P_NOISE_TAG_BYTES, total)) {
        out_of_memory(c);
        return;
    }
    /* Whoever sits on the path can break a piece: that is no fault of the peer's. */
    if (p2p_frame_piece(f, c->body, sealed, &complete) != TD_OK) {
        p2p_conn_doom(c, "forged or broken bytes");
        return;
    }
    if (have == 0 && !judge(c, c->body[0], total))
        return;
    if (complete)
        deliver(c, total);
}

/* ---- bytes */

static size_t want(const struct p2p_conn *c)
{
    static const size_t MESSAGE[3] = {P2P_NOISE_OVERHEAD_1, P2P_NOISE_OVERHEAD_2,
                                      P2P_NOISE_OVERHEAD_3};
    if (c->state == P2P_SHAKE)
        return MESSAGE[c->shake.done];
    return p2p_frame_want(&c->frame);
}

static void unit(struct p2p_conn *c, const uint8_t *bytes, size_t len)
{
    if (c->state == P2P_SHAKE)
        shake_unit(c, bytes, len);
    else
        frame_unit(c, bytes, len);
}

void p2p_conn_receive(struct p2p_conn *c, const uint8_t *bytes, size_t len)
{
    c->last_in_ns = p2p_now(c->net);
    c->info.bytes_in += len;
    c->net->stats.bytes_in += len;
    while (len > 0 && !c->doomed) {
        size_t need = want(c);
        if (c->in_len == 0 && len >= need) {
            unit(c, bytes, need);
            bytes += need;
            len -= need;
            continue;
        }
        size_t n = need - c->in_len < len ? need - c->in_len : len;
        if (!room(&c->in, &c->in_cap, c->in_len + n, need)) {
            out_of_memory(c);
            return;
        }
        memcpy(c->in + c->in_len, bytes, n);
        c->in_len += n;
        bytes += n;
        len -= n;
        if (c->in_len < need)
            return;
        c->in_len = 0;
        unit(c, c->in, need);
        if (c->in_cap > 4096u) { /* an idle peer holds no piece's worth */
            free(c->in);
            c->in = NULL;
            c->in_cap = 0;
        }
    }
}

void p2p_conn_tick(struct p2p_conn *c, uint64_t now_ns)
{
    const struct p2p_timing *t = &c->net->timing;
    if (c->doomed)
        return;
    if (c->state < P2P_UP) {
        if (now_ns >= c->deadline_ns)
            p2p_conn_doom(c, "handshake took too long");
        return;
    }
    if (now_ns - c->last_in_ns >= t->dead_ns) {
        p2p_conn_doom(c, "silent for too long");
        return;
    }
    if (c->write_armed && now_ns - c->last_out_ns >= t->dead_ns) {
        p2p_conn_doom(c, "takes nothing for too long");
        return;
    }
    p2p_control_tick(c, now_ns);
    c->tx_budget += P2P_TX_SEND_RATE / 10;
    if (c->tx_budget > P2P_TX_SEND_RATE)
        c->tx_budget = P2P_TX_SEND_RATE;
    if (c->queue[P2P_TX].count > 0)
        p2p_conn_dirty(c);
}
