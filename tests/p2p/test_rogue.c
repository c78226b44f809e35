/* p2p/net against peers that break the rules: each is refused, costs little, and harms nobody. */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/p2p/nets.h"

static void one_node(void)
{
    nets_set_up();
    node_prepare(0);
    node_start(0);
}

TestSuite(rogue, .init = one_node, .fini = nets_tear_down);

static struct p2p_hello hello_of(uint32_t i)
{
    struct p2p_hello h = {P2P_VERSION, CHAIN.genesis, {0}};
    record_of(&h.record, i, 9, 1);
    return h;
}

/* A finished handshake as `i`, then this Hello: refused, and counted. */
static void refused(uint32_t i, const struct p2p_hello *h)
{
    struct rogue r;
    uint64_t before = stats_of(0).hello_failed;
    rogue_connect(&r, 0);
    cr_assert(rogue_shake(&r, i, &CHAIN));
    rogue_hello(&r, h);
    rogue_closed(&r);
    cr_assert_eq(stats_of(0).hello_failed, before + 1u);
    cr_assert_eq(nodes[0].ups, 0);
}

static struct p2p_conn *only_conn(void)
{
    cr_assert(nodes[0].net->conns != NULL && nodes[0].net->conns->next == NULL);
    return nodes[0].net->conns;
}

Test(rogue, an_honest_one_comes_up)
{
    struct rogue r;
    rogue_up(&r, 0, 5);
    cr_assert_eq(p2p_peer_count(nodes[0].net), 1);
    rogue_end(&r);
    UNTIL(nodes[0].downs == 1);
}

Test(rogue, another_chain_fails_in_the_handshake)
{
    struct rogue r;
    struct p2p_chain other = CHAIN;
    other.genesis.b[0] ^= 1;
    rogue_connect(&r, 0);
    cr_assert(!rogue_shake(&r, 5, &other));
    rogue_end(&r);
    other = CHAIN;
    other.chain_id++;
    rogue_connect(&r, 0);
    cr_assert(!rogue_shake(&r, 5, &other));
    rogue_end(&r);
    UNTIL(stats_of(0).handshake_failed == 2);
}

Test(rogue, another_genesis_or_version_in_hello)
{
    struct p2p_hello h = hello_of(5);
    h.genesis.b[3] ^= 1;
    refused(5, &h);
    h = hello_of(5);
    h.version = P2P_VERSION + 1u;
    refused(5, &h);
}

Test(rogue, a_record_with_a_wrong_signature_or_of_another_key)
{
    struct p2p_hello h = hello_of(5);
    h.record.sig.b[7] ^= 1;
    refused(5, &h);
    h = hello_of(6); /* stolen: good, but of another transport key */
    refused(5, &h);
    h = hello_of(5); /* somebody else's validator address */
    h.record.validator = nodes[0].options.self.validator;
    refused(5, &h);
    h = hello_of(5); /* a follower that signs */
    memset(&h.record.validator, 0, sizeof h.record.validator);
    refused(5, &h);
}

Test(rogue, a_record_that_a_newer_one_replaced)
{
    struct p2p_record old, new;
    uint8_t secret[32];
    struct td_secp_key key;
    struct td_hash digest;
    /* Validator 6 once used the transport key of 5, and now its own. */
    record_of(&old, 6, 9, 3);
    record_of(&new, 6, 9, 4);
    secret_of(secret, 5);
    p2p_noise_public(old.transport, secret);
    secret_of(secret, 6);
    cr_assert_eq(td_secp_key_init(secp, &key, secret), TD_OK);
    p2p_record_digest(&digest, &old, &CHAIN);
    cr_assert_eq(td_secp_sign(secp, &key, &digest, &old.sig), TD_OK);
    p2p_learn(nodes[0].net, &new, false);
    struct p2p_hello h = {P2P_VERSION, CHAIN.genesis, old};
    refused(5, &h);
}

Test(rogue, hello_cut_short_or_too_long_or_something_else)
{
    struct rogue r;
    uint8_t bytes[P2P_HELLO_BYTES_MAX + 1u] = {0};
    struct p2p_hello h = hello_of(5);
    size_t len = p2p_hello_encode(bytes, &h);
    for (size_t cut = 1; cut <= len + 1u; cut += cut < 48 || cut + 8u > len ? 1 : 16) {
        if (cut == len)
            continue;
        rogue_connect(&r, 0);
        cr_assert(rogue_shake(&r, 5, &CHAIN));
        rogue_frame(&r, bytes, cut);
        rogue_closed(&r);
        shift_ns += P2P_SECOND_NS;
    }
    bytes[0] = VOTE;
    rogue_connect(&r, 0);
    cr_assert(rogue_shake(&r, 5, &CHAIN));
    rogue_frame(&r, bytes, 100);
    rogue_closed(&r);
    cr_assert(nodes[0].ups == 0 && nodes[0].seen_count == 0);
}

Test(rogue, strangers_get_a_kilobyte)
{
    struct rogue r;
    uint8_t bytes[P2P_FRAME_STRANGER_BYTES + 1u] = {P2P_HELLO_KIND};
    rogue_connect(&r, 0);
    cr_assert(rogue_shake(&r, 5, &CHAIN));
    rogue_frame(&r, bytes, sizeof bytes);
    rogue_closed(&r);
    UNTIL(stats_of(0).hello_failed == 1);
}

Test(rogue, silence_at_every_step_ends_at_the_deadline)
{
    struct rogue r[3];
    uint8_t first[32] = {9};
    rogue_connect(&r[0], 0);
    rogue_connect(&r[1], 0);
    rogue_send(&r[1], first, 31);
    rogue_connect(&r[2], 0);
    cr_assert(rogue_shake(&r[2], 5, &CHAIN));
    nets_run(150);
    shift_ns += 4700u * (P2P_SECOND_NS / 1000u);
    nets_run(120);
    cr_assert(nodes[0].net->conns != NULL);
    shift_ns += P2P_SECOND_NS;
    for (int i = 0; i < 3; i++)
        rogue_closed(&r[i]);
    UNTIL(nodes[0].net->conns == NULL && nodes[0].net->stranger_count == 0);
}

Test(rogue, an_address_has_so_many_handshakes_in_flight_and_a_second)
{
    struct rogue r[4], more;
    node_stop(0);
    nodes[0].options.per_ip = 3;
    node_start(0);
    for (int i = 0; i < 4; i++)
        rogue_connect(&r[i], 0);
    rogue_closed(&r[3]);
    cr_assert_eq(stats_of(0).refused_ip, 1);
    cr_assert_eq(nodes[0].net->stranger_count, 3);
    /* One that is up is in flight no longer. */
    struct p2p_hello h = hello_of(5);
    cr_assert(rogue_shake(&r[0], 5, &CHAIN));
    rogue_hello(&r[0], &h);
    UNTIL(nodes[0].ups == 1);
    for (int i = 1; i < 3; i++)
        rogue_end(&r[i]);
    UNTIL(nodes[0].net->stranger_count == 0);
    for (int i = 3; i < 12; i++) { /* 12 = burst: 4 times 3 */
        rogue_connect(&more, 0);
        UNTIL(nodes[0].net->stranger_count == 1);
        rogue_end(&more);
        UNTIL(nodes[0].net->stranger_count == 0);
    }
    rogue_connect(&more, 0);
    rogue_closed(&more);
    cr_assert_eq(stats_of(0).refused_ip, 2);
    shift_ns += P2P_SECOND_NS;
    rogue_connect(&more, 0);
    UNTIL(nodes[0].net->stranger_count == 1);
    rogue_end(&more);
    rogue_end(&r[0]);
}

Test(rogue, a_length_costs_nothing_before_its_bytes)
{
    struct rogue r;
    static uint8_t body[1u << 20];
    rogue_up(&r, 0, 5);
    struct p2p_conn *c = only_conn();
    const uint8_t head[4] = {0, 0x40, 0, 0}; /* 4 MiB */
    uint8_t sealed[P2P_FRAME_HEAD_BYTES];
    p2p_cipher_seal(&r.send, sealed, head, sizeof head);
    rogue_send(&r, sealed, sizeof sealed);
    UNTIL(c->frame.body_bytes == 4u << 20);
    cr_assert(c->body == NULL && c->body_cap == 0);
    body[0] = BLOCKS;
    uint8_t *piece = malloc(P2P_NOISE_MESSAGE_MAX);
    size_t n = p2p_frame_seal_piece(&r.send, piece, td_bytes_of(body, sizeof body), 0);
    rogue_send(&r, piece, 10000);
    UNTIL(c->in_len == 10000);
    cr_assert(c->body == NULL && c->in_cap <= 20000);
    rogue_send(&r, piece + 10000, n + P2P_NOISE_TAG_BYTES - 10000);
    UNTIL(c->frame.have_bytes == n);
    cr_assert(c->body_cap <= 2u * n && c->in == NULL);
    free(piece);
    rogue_end(&r);
}

Test(rogue, a_frame_may_be_as_long_as_its_kind)
{
    struct rogue r;
    static uint8_t body[1u << 20];
    uint8_t wire[256];
    rogue_up(&r, 0, 5);
    body[0] = VOTE;
    rogue_frame(&r, body, 123);
    UNTIL(nodes[0].seen_count == 1);
    rogue_frame(&r, body, 124);
    rogue_closed(&r);
    UNTIL(stats_of(0).frames_rejected == 1 && nodes[0].downs == 1);
    cr_assert_eq(nodes[0].seen_count, 1);
    /* Known by the first piece; the other three are not waited for. */
    shift_ns += 60u * P2P_SECOND_NS;
    rogue_up(&r, 0, 5);
    uint8_t *sealed = malloc(P2P_FRAME_PIECE_BYTES + P2P_NOISE_TAG_BYTES);
    p2p_frame_seal_head(&r.send, wire, sizeof body);
    rogue_send(&r, wire, P2P_FRAME_HEAD_BYTES);
    size_t n = p2p_frame_seal_piece(&r.send, sealed, td_bytes_of(body, sizeof body), 0);
    rogue_send(&r, sealed, n + P2P_NOISE_TAG_BYTES);
    rogue_closed(&r);
    free(sealed);
    cr_assert_eq(stats_of(0).frames_rejected, 2);
}

Test(rogue, kinds_that_are_none_end_the_connection)
{
    static const uint8_t KINDS[] = {0, P2P_HELLO_KIND, 99, 0xef, 0xf3, 0xff};
    for (size_t i = 0; i < sizeof KINDS; i++) {
        struct rogue r;
        uint8_t body[20] = {KINDS[i]};
        rogue_up(&r, 0, 5);
        rogue_frame(&r, body, sizeof body);
        rogue_closed(&r);
        cr_assert_eq(stats_of(0).frames_rejected, i + 1u);
        shift_ns += 100u * P2P_SECOND_NS;
    }
    cr_assert_eq(nodes[0].seen_count, 0);
}

Test(rogue, garbage_before_and_after_the_handshake)
{
    struct rogue r;
    uint8_t noise[5000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 31u + i / 7u);
    rogue_connect(&r, 0);
    rogue_send(&r, noise, sizeof noise);
    rogue_closed(&r);
    UNTIL(stats_of(0).handshake_failed == 1);
    rogue_up(&r, 0, 5);
    rogue_send(&r, noise, sizeof noise);
    rogue_closed(&r);
    UNTIL(nodes[0].downs == 1);
    /* Anyone on the path can do that to an honest peer: it costs nothing. */
    rogue_up(&r, 0, 5);
    struct p2p_peer_info info;
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert_eq(info.score, 100);
    rogue_end(&r);
}

Test(rogue, bytes_one_by_one_are_a_frame_all_the_same)
{
    struct rogue r;
    uint8_t body[60] = {VOTE, 42}, wire[200];
    rogue_up(&r, 0, 5);
    p2p_frame_seal(&r.send, wire, td_bytes_of(body, sizeof body));
    for (size_t i = 0; i < p2p_frame_sealed_bytes(sizeof body); i++) {
        rogue_send(&r, wire + i, 1);
        nets_turn(0);
    }
    UNTIL(nodes[0].seen_count == 1);
    cr_assert(nodes[0].seen[0].len == 60 && nodes[0].seen[0].first == 42);
    rogue_end(&r);
}

/* 32 MiB of burst and 8 MiB a second: 80 MiB at once are too much, of a kind that may be large. */
Test(rogue, a_flood_is_cut_off)
{
    struct rogue r;
    static uint8_t body[1u << 20] = {PROPOSAL};
    rogue_up(&r, 0, 5);
    for (int i = 0; i < 80 && nodes[0].downs == 0; i++)
        rogue_frame(&r, body, sizeof body);
    rogue_closed(&r);
    UNTIL(nodes[0].downs == 1);
    cr_assert_eq(stats_of(0).quota_closed, 1);
    cr_assert_geq(nodes[0].seen_count, 31);
    cr_assert_leq(nodes[0].seen_count, 80);
}

Test(rogue, small_frames_are_a_flood_too)
{
    struct rogue r;
    uint8_t body[2] = {TX, 1};
    struct p2p_bucket *bucket;
    rogue_up(&r, 0, 5);
    bucket = &only_conn()->bucket[P2P_TX];
    bucket->bytes = 660; /* ten frames of 66 */
    bucket->filled_ns = nets_now_ns() + shift_ns + 100u * P2P_SECOND_NS;
    for (int i = 0; i < 11; i++)
        rogue_frame(&r, body, sizeof body);
    rogue_closed(&r);
    UNTIL(nodes[0].downs == 1);
    cr_assert_eq(nodes[0].seen_count, 10);
    cr_assert_eq(stats_of(0).quota_closed, 1);
}

/* Whether identity 5 is let in now. */
static bool let_in(void)
{
    struct rogue r;
    struct p2p_hello h = hello_of(5);
    uint32_t before = nodes[0].ups;
    uint64_t banned = stats_of(0).banned;
    rogue_connect(&r, 0);
    if (rogue_shake(&r, 5, &CHAIN))
        rogue_hello(&r, &h);
    UNTIL(nodes[0].ups == before + 1u || stats_of(0).banned > banned);
    bool in = nodes[0].ups == before + 1u;
    rogue_end(&r);
    UNTIL(nodes[0].net->conns == NULL);
    return in;
}

static void misbehave(int32_t points)
{
    struct rogue r;
    rogue_up(&r, 0, 5);
    uint32_t downs = nodes[0].downs;
    p2p_penalize(nodes[0].net, nodes[0].last_up, points, "test");
    rogue_closed(&r);
    UNTIL(nodes[0].downs == downs + 1u);
}

Test(rogue, a_ban_ends_and_doubles)
{
    misbehave(100);
    cr_assert(!let_in());
    shift_ns += 595u * P2P_SECOND_NS;
    cr_assert(!let_in());
    shift_ns += 10u * P2P_SECOND_NS;
    cr_assert(let_in());
    misbehave(INT32_MAX);
    shift_ns += 1190u * P2P_SECOND_NS;
    cr_assert(!let_in());
    shift_ns += 15u * P2P_SECOND_NS;
    cr_assert(let_in());
}

Test(rogue, a_ban_covers_the_address_but_not_loopback)
{
    struct rogue r;
    misbehave(100);
    rogue_up(&r, 0, 6); /* another node of this machine */
    rogue_end(&r);
    UNTIL(nodes[0].net->conns == NULL);
    shift_ns += 700u * P2P_SECOND_NS;
    nodes[0].net->ban_loopback = true;
    misbehave(100);
    uint64_t banned = stats_of(0).banned;
    rogue_connect(&r, 0);
    rogue_closed(&r);
    cr_assert_eq(stats_of(0).banned, banned + 1u);
}

Test(rogue, points_add_up_over_connections_and_time_forgives)
{
    struct p2p_peer_info info;
    struct rogue r;
    rogue_up(&r, 0, 5);
    p2p_penalize(nodes[0].net, nodes[0].last_up, 60, "test");
    p2p_penalize(nodes[0].net, nodes[0].last_up, -60, "test"); /* no reward */
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert_eq(info.score, 40);
    rogue_end(&r);
    UNTIL(nodes[0].downs == 1);
    rogue_up(&r, 0, 5);
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert_leq(info.score, 45);
    shift_ns += 15u * P2P_SECOND_NS;
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert(info.score >= 55 && info.score <= 60);
    rogue_end(&r);
}

Test(rogue, a_static_peer_is_refused_for_ten_seconds)
{
    node_stop(0);
    node_knows(0, 5, true, 9);
    node_start(0);
    misbehave(100);
    cr_assert(!let_in());
    shift_ns += 11u * P2P_SECOND_NS;
    UNTIL(nodes[0].net->conns == NULL);
    cr_assert(let_in());
    misbehave(100); /* no longer the second time */
    shift_ns += 11u * P2P_SECOND_NS;
    UNTIL(nodes[0].net->conns == NULL);
    cr_assert(let_in());
}

Test(rogue, the_same_node_again_replaces_itself)
{
    struct rogue a, b;
    rogue_up(&a, 0, 5);
    rogue_up(&b, 0, 5);
    rogue_closed(&a);
    cr_assert(nodes[0].ups == 2 && nodes[0].downs == 1);
    cr_assert_eq(p2p_peer_count(nodes[0].net), 1);
    rogue_end(&b);
}

Test(rogue, pings_are_answered_and_other_pongs_ignored)
{
    struct rogue r;
    uint8_t ping[9] = {P2P_PING, 1, 2, 3}, pong[9] = {P2P_PONG, 7}, wire[2048];
    struct p2p_peer_info info;
    rogue_up(&r, 0, 5);
    rogue_frame(&r, pong, sizeof pong);
    rogue_frame(&r, ping, sizeof ping);
    struct p2p_frame_in in;
    p2p_frame_in_init(&in, &r.receive, sizeof wire);
    bool answered = false;
    while (!answered) { /* Hello, its own ping and its peers come in between */
        uint8_t body[2048];
        bool complete;
        cr_assert(rogue_read(&r, wire, P2P_FRAME_HEAD_BYTES));
        cr_assert_eq(p2p_frame_head(&in, wire), TD_OK);
        size_t n = p2p_frame_want(&in);
        cr_assert(rogue_read(&r, wire, n));
        cr_assert_eq(p2p_frame_piece(&in, body, wire, &complete), TD_OK);
        answered = n == 9u + P2P_NOISE_TAG_BYTES && body[0] == P2P_PONG;
        cr_assert(!answered || memcmp(body + 1, ping + 1, 8) == 0);
    }
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert_eq(info.rtt_ns, 0);
    rogue_end(&r);
}

static size_t peers_frame(uint8_t *out, uint8_t count, const struct p2p_record *records)
{
    size_t at = 2;
    out[0] = P2P_PEERS;
    out[1] = count;
    for (uint8_t i = 0; i < count; i++) {
        size_t n = p2p_record_encode(out + at + 2, &records[i]);
        out[at] = (uint8_t)(n >> 8);
        out[at + 1] = (uint8_t)n;
        at += 2u + n;
    }
    return at;
}

static uint32_t learnt_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < P2P_LEARNT_MAX; i++)
        count += nodes[0].net->learnt[i].used;
    return count;
}

Test(rogue, peer_lists_are_checked_record_by_record)
{
    struct p2p_record records[3];
    struct p2p_peer_info info;
    struct rogue r;
    uint8_t body[P2P_CONTROL_BYTES_MAX];
    rogue_up(&r, 0, 5);
    cr_assert_eq(learnt_count(), 1);
    for (uint32_t i = 0; i < 3; i++)
        record_of(&records[i], 20 + i, 9, 1);
    records[1].sig.b[9] ^= 1;
    rogue_frame(&r, body, peers_frame(body, 3, records));
    UNTIL(learnt_count() == 3);
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert_eq(info.score, 80);
    rogue_frame(&r, body, peers_frame(body, 1, records)); /* too soon */
    UNTIL(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info) && info.score <= 61);
    shift_ns += 31u * P2P_SECOND_NS / 2u;
    body[1] = 2; /* more than there are */
    shift_ns += 16u * P2P_SECOND_NS;
    rogue_frame(&r, body, peers_frame(body, 1, records) - 1u);
    UNTIL(stats_of(0).frames_rejected == 1);
    rogue_end(&r);
}

Test(rogue, a_node_out_of_descriptors_rests_and_goes_on)
{
    struct rlimit limit, low;
    struct rogue a, b;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rogue_connect(&a, 0);
    UNTIL(nodes[0].net->stranger_count == 1);
    rogue_connect(&b, 0);
    low = limit;
    low.rlim_cur = (rlim_t)b.fd + 1u;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    UNTIL(nodes[0].net->accept_paused);
    cr_assert_eq(nodes[0].net->stranger_count, 1);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    UNTIL(nodes[0].net->stranger_count == 2);
    cr_assert(!nodes[0].net->accept_paused);
    rogue_end(&a);
    rogue_end(&b);
}

Test(rogue, a_static_peer_with_another_key_is_not_taken)
{
    node_prepare(1);
    node_knows(1, 7, true, p2p_net_port(nodes[0].net)); /* 0 listens there, 7 is expected */
    node_start(1);
    UNTIL(nodes[1].net->fixed[0].failures >= 2);
    cr_assert(nodes[0].ups == 0 && nodes[1].ups == 0);
}
