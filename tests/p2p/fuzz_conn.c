/* A connection's receiving side, in each of its states.  The first byte of the input chooses:
 *   0 raw bytes before the handshake         2 the input as a Hello, sealed by the right key
 *   1 raw bytes at a peer that is up         3 the input as frames of a peer that is up, sealed
 *   4 the Hello codec alone
 * No crash, no memory beyond the bounds, nothing delivered that its kind does not allow. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "p2p/net_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct p2p_chain CHAIN = {7, {{1}}};
static const uint8_t KEY[32] = {42};
static struct p2p_net *net;
static struct p2p_record peer_record;
static struct td_clock_virtual hour = {UINT64_C(3600) * P2P_SECOND_NS, 0};
static uint32_t ups, downs;

static size_t bytes_max(uint8_t kind)
{
    return kind < 20u ? (size_t)kind * 60u : 0;
}

static enum p2p_class class_of(uint8_t kind)
{
    return kind == 17 ? P2P_TX : kind % 2u == 0 ? P2P_BLOCKS : P2P_CONSENSUS;
}

static void on_up(void *ctx, uint32_t peer, const struct p2p_peer_info *info)
{
    (void)ctx;
    TD_ASSERT(peer < P2P_PEERS_MAX && memcmp(info->transport, peer_record.transport, 32) == 0);
    ups++;
}

static void on_down(void *ctx, uint32_t peer)
{
    (void)ctx;
    (void)peer;
    downs++;
}

static void on_frame(void *ctx, uint32_t peer, uint8_t *body, size_t len)
{
    (void)ctx;
    TD_ASSERT(ups == downs + 1u && len <= bytes_max(body[0]) && body[0] != P2P_HELLO_KIND);
    if (body[0] == 3)
        p2p_penalize(net, peer, 30, "fuzz");
    free(body);
}

static void record_of(struct p2p_record *r, const struct td_secp *secp, uint8_t who)
{
    uint8_t secret[32] = {[31] = who}, transport[32];
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_addr addr;
    struct td_hash digest;
    p2p_noise_public(transport, secret);
    TD_ASSERT(td_secp_key_init(secp, &key, secret) == TD_OK);
    td_secp_key_pub(secp, &pub, &key);
    td_secp_pub_addr(secp, &addr, &pub);
    TD_ASSERT(p2p_record_init(r, 1, transport, &addr, "127.0.0.1", 9) == TD_OK);
    p2p_record_digest(&digest, r, &CHAIN);
    TD_ASSERT(td_secp_sign(secp, &key, &digest, &r->sig) == TD_OK);
}

static void put_nothing(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    (void)line;
    (void)len;
}

static void set_up(void)
{
    static struct td_log log;
    static struct p2p_net_options o;
    const struct p2p_net_events events = {NULL, on_up, on_down, on_frame};
    char why[160];
    td_log_init(&log, TD_LOG_DEBUG, TD_LOG_TEXT, NULL, td_clock_of_virtual(&hour),
                (struct td_log_sink){put_nothing, NULL});
    o.base = event_base_new();
    o.chain = CHAIN;
    o.secp = td_secp_new();
    TD_ASSERT(o.base != NULL && o.secp != NULL);
    o.static_secret[31] = 1;
    record_of(&o.self, o.secp, 1);
    record_of(&peer_record, o.secp, 2);
    memcpy(o.listen_host, "127.0.0.1", 10);
    o.max_peers = 4;
    o.handshake_ns = 5 * (int64_t)P2P_SECOND_NS;
    o.frame_bytes_max = bytes_max;
    o.frame_class = class_of;
    o.log = &log;
    TD_ASSERT(p2p_net_new(&net, &o, &events, why) == TD_OK);
    net->clock = td_clock_of_virtual(&hour); /* the loop never runs: nothing is dialled */
}

static void feed(struct p2p_conn *c, struct p2p_cipher *seal, const uint8_t *body, size_t len)
{
    uint8_t wire[8192];
    if (len == 0 || len > 4096u)
        return;
    p2p_frame_seal(seal, wire, td_bytes_of(body, len));
    size_t n = p2p_frame_sealed_bytes(len), cut = body[0] % n;
    if (!c->doomed)
        p2p_conn_receive(c, wire, cut);
    if (!c->doomed)
        p2p_conn_receive(c, wire + cut, n - cut);
}

/* A connection whose handshake is over and whose peer holds KEY. */
static void to_hello(struct p2p_conn *c, struct p2p_cipher *seal)
{
    memcpy(c->info.transport, peer_record.transport, 32);
    *seal = (struct p2p_cipher){.keyed = true};
    memcpy(seal->key, KEY, 32);
    c->receive_key = c->send_key = *seal;
    c->state = P2P_HELLO;
    p2p_frame_in_init(&c->frame, &c->receive_key, P2P_FRAME_STRANGER_BYTES);
}

static void to_up(struct p2p_conn *c, struct p2p_cipher *seal)
{
    const struct p2p_hello h = {P2P_VERSION, CHAIN.genesis, peer_record};
    uint8_t bytes[P2P_HELLO_BYTES_MAX];
    to_hello(c, seal);
    feed(c, seal, bytes, p2p_hello_encode(bytes, &h));
    TD_ASSERT(c->state == P2P_UP && !c->doomed);
}

/* u16 length ‖ body, to the end of the input; a length beyond it is taken modulo what is left. */
static void frames(struct p2p_conn *c, struct p2p_cipher *seal, const uint8_t *data, size_t len)
{
    while (len > 2u && !c->doomed) {
        size_t n = ((size_t)data[0] << 8 | data[1]) % (len - 1u);
        feed(c, seal, data + 2, n);
        data += 2u + n;
        len -= 2u + n;
        p2p_flush(net);
    }
}

static void codec(const uint8_t *data, size_t len)
{
    struct p2p_hello h;
    uint8_t again[P2P_HELLO_BYTES_MAX];
    if (p2p_hello_decode(&h, td_bytes_of(data, len)) != TD_OK)
        return;
    TD_ASSERT(p2p_hello_encode(again, &h) == len && memcmp(again, data, len) == 0);
}

static void connection(uint8_t mode, const uint8_t *data, size_t len)
{
    struct p2p_cipher seal;
    int fds[2];
    TD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    struct p2p_conn *c = p2p_conn_new(net, NULL);
    TD_ASSERT(c != NULL && p2p_conn_attach(c, fds[0], P2P_SHAKE));
    p2p_conn_start(c);
    if (mode == 1 || mode == 3)
        to_up(c, &seal);
    if (mode == 2)
        to_hello(c, &seal);
    if (mode < 2)
        p2p_conn_receive(c, data, len);
    else if (mode == 2)
        feed(c, &seal, data, len);
    else
        frames(c, &seal, data, len);
    TD_ASSERT(mode != 0 || c->state == P2P_SHAKE); /* no key, no Hello */
    TD_ASSERT(c->body_cap <= 4096u && c->in_cap <= P2P_NOISE_MESSAGE_MAX);
    p2p_conn_doom(c, "end of input");
    p2p_net_reap(net);
    TD_ASSERT(net->conns == NULL && net->peer_count == 0 && ups == downs);
    TD_ASSERT(net->stranger_count == 0);
    close(fds[1]);
    memset(net->learnt, 0, P2P_LEARNT_MAX * sizeof *net->learnt);
    memset(net->marks, 0, sizeof *net->marks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (net == NULL)
        set_up();
    if (len == 0)
        return 0;
    if (data[0] % 5u == 4u)
        codec(data + 1, len - 1u);
    else
        connection(data[0] % 5u, data + 1, len - 1u);
    return 0;
}
