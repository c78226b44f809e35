/* Control frames, this module's own.
 *
 *     0xf0 ping    u64 nonce
 *     0xf1 pong    u64 nonce of the ping
 *     0xf2 peers   u8 count 1 .. 32 ‖ count * (u16 length ‖ address record of a validator)
 *
 * A nonce is drawn at random: a pong that was not asked for, or comes early, says nothing. */
#include <sodium.h>
#include <string.h>

#include "base/core/codec.h"
#include "p2p/net_internal.h"

size_t p2p_control_bytes_max(uint8_t kind)
{
    switch (kind) {
    case P2P_PING:
    case P2P_PONG:
        return 9;
    case P2P_PEERS:
        return P2P_CONTROL_BYTES_MAX;
    default:
        return 0;
    }
}

static struct p2p_body *nonce_body(uint8_t kind, uint64_t nonce)
{
    uint8_t bytes[9];
    struct td_writer w;
    td_writer_init(&w, bytes, sizeof bytes);
    td_put_u8(&w, kind);
    td_put_u64(&w, nonce);
    return p2p_body_new(td_bytes_of(bytes, w.len));
}

static void put_record(struct td_writer *w, const struct p2p_record *r)
{
    uint8_t bytes[P2P_RECORD_BYTES_MAX];
    size_t len = p2p_record_encode(bytes, r);
    td_put_u16(w, (uint16_t)len);
    td_put_bytes(w, bytes, len);
}

/* This node's own record and others, from a random place on: all come round in time.  Followers are
 * not passed on: their records prove nothing. */
static struct p2p_body *peers_body(const struct p2p_conn *c)
{
    const struct p2p_net *net = c->net;
    uint8_t bytes[P2P_CONTROL_BYTES_MAX];
    struct td_writer w;
    uint8_t count = 0;
    td_writer_init(&w, bytes, sizeof bytes);
    td_put_u8(&w, P2P_PEERS);
    td_put_u8(&w, 0);
    if (!td_addr_is_zero(&net->options.self.validator)) {
        put_record(&w, &net->options.self);
        count++;
    }
    uint32_t from = randombytes_uniform(P2P_LEARNT_MAX);
    for (uint32_t i = 0; i < P2P_LEARNT_MAX && count < P2P_PEERS_FRAME_MAX; i++) {
        const struct p2p_learnt *l = &net->learnt[(from + i) % P2P_LEARNT_MAX];
        /* Only what was seen to be true: hearsay would travel for ever. */
        if (!l->used || !l->proven || memcmp(l->record.transport, c->info.transport, 32) == 0)
            continue;
        put_record(&w, &l->record);
        count++;
    }
    bytes[1] = count;
    return count == 0 ? NULL : p2p_body_new(td_bytes_of(bytes, w.len));
}

static void take_peers(struct p2p_conn *c, struct td_reader *in, uint64_t now_ns)
{
    struct p2p_net *net = c->net;
    /* One a minute; half of it is forgiven, for bytes bunch up on their way. */
    if (c->exchange_got_ns != 0 && now_ns - c->exchange_got_ns < net->timing.exchange_ns / 2u) {
        p2p_conn_penalize(c, 20, "peer lists too often");
        return;
    }
    c->exchange_got_ns = now_ns;
    uint8_t count = td_get_u8(in);
    if (count == 0 || count > P2P_PEERS_FRAME_MAX)
        td_reader_fail(in, TD_E_MALFORMED);
    for (uint8_t i = 0; i < count && in->err == TD_OK && !c->doomed; i++) {
        struct p2p_record r;
        struct td_bytes bytes = td_get_view(in, td_get_u16(in));
        if (in->err != TD_OK)
            break;
        if (p2p_record_decode(&r, bytes) != TD_OK || td_addr_is_zero(&r.validator)) {
            td_reader_fail(in, TD_E_MALFORMED);
            break;
        }
        if (!p2p_learn_wants(net, &r))
            continue;
        if (p2p_record_verify(&r, net->options.secp, &net->options.chain) == TD_OK)
            p2p_learn(net, &r, false);
        else
            p2p_conn_penalize(c, 20, "passed on a record with a wrong signature");
    }
}

void p2p_control_take(struct p2p_conn *c, struct td_bytes body)
{
    struct td_reader in;
    uint64_t now_ns = p2p_now(c->net);
    td_reader_init(&in, body.ptr, body.len);
    uint8_t kind = td_get_u8(&in);
    if (kind == P2P_PEERS) {
        take_peers(c, &in, now_ns);
        if (c->doomed)
            return;
    } else {
        uint64_t nonce = td_get_u64(&in);
        if (kind == P2P_PONG && c->ping_nonce != 0 && nonce == c->ping_nonce) {
            c->info.rtt_ns = now_ns > c->ping_sent_ns ? now_ns - c->ping_sent_ns : 1;
            c->ping_nonce = 0;
        } else if (kind == P2P_PING && c->pong == NULL) { /* one waiting pong answers for more */
            c->pong = nonce_body(P2P_PONG, nonce);
            p2p_conn_write(c);
        }
    }
    if (td_reader_finish(&in) != TD_OK && !c->doomed) {
        c->net->stats.frames_rejected++;
        p2p_conn_penalize(c, 50, "malformed control frame");
    }
}

void p2p_control_tick(struct p2p_conn *c, uint64_t now_ns)
{
    const struct p2p_timing *t = &c->net->timing;
    if (now_ns - c->ping_sent_ns >= t->ping_ns && c->ping == NULL) {
        randombytes_buf(&c->ping_nonce, sizeof c->ping_nonce);
        c->ping_sent_ns = now_ns;
        c->ping = nonce_body(P2P_PING, c->ping_nonce);
        p2p_conn_dirty(c);
    }
    if (now_ns >= c->exchange_due_ns && c->peers == NULL) {
        c->exchange_due_ns = now_ns + t->exchange_ns;
        c->peers = peers_body(c);
        p2p_conn_dirty(c);
    }
}
