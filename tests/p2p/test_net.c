/* p2p/net: connections between honest nodes: up, frames, priorities, dialling, peer exchange. */
#include <stdlib.h>

#include "tests/p2p/nets.h"

TestSuite(net, .init = nets_set_up, .fini = nets_tear_down);

/* Nodes 0 and 1, connected; 1 dials. */
static void pair(void)
{
    node_prepare(0);
    node_start(0);
    node_prepare(1);
    node_knows(1, 0, true, 0);
    node_start(1);
    UNTIL(nodes[0].ups == 1 && nodes[1].ups == 1);
}

Test(net, two_nodes_meet_and_know_each_other)
{
    struct p2p_peer_info info;
    pair();
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert(!info.outgoing && info.score == 100);
    cr_assert(td_addr_eq(&info.validator, &nodes[1].options.self.validator));
    cr_assert_arr_eq(info.transport, nodes[1].options.self.transport, 32);
    cr_assert_str_eq(info.host, "127.0.0.1");
    cr_assert(p2p_peer_info(nodes[1].net, nodes[1].last_up, &info));
    cr_assert(info.outgoing && info.port == p2p_net_port(nodes[0].net));
    UNTIL(p2p_peer_info(nodes[1].net, nodes[1].last_up, &info) && info.rtt_ns > 0);
    cr_assert_lt(info.rtt_ns, P2P_SECOND_NS);
    cr_assert(!p2p_peer_info(nodes[0].net, 99, &info));
    cr_assert(!p2p_peer_info(nodes[0].net, P2P_NO_PEER, &info));
}

Test(net, a_follower_is_a_peer_without_a_validator)
{
    struct p2p_record *self = &nodes[1].options.self;
    static const struct td_addr nobody;
    struct p2p_peer_info info;
    uint8_t transport[32];
    node_prepare(0);
    node_start(0);
    node_prepare(1);
    memcpy(transport, self->transport, 32);
    cr_assert_eq(p2p_record_init(self, 1, transport, &nobody, "127.0.0.1", 9), TD_OK);
    node_knows(1, 0, true, 0);
    node_start(1);
    UNTIL(nodes[0].ups == 1);
    cr_assert(p2p_peer_info(nodes[0].net, nodes[0].last_up, &info));
    cr_assert(td_addr_is_zero(&info.validator));
}

Test(net, frames_of_every_size_arrive_whole_and_in_order)
{
    static const size_t SIZES[] = {1, 2, 122, 65518, 65519, 65520, 131038, 131039, 4u << 20, 3};
    const uint32_t count = sizeof SIZES / sizeof SIZES[0];
    pair();
    for (uint32_t i = 0; i < count; i++)
        send_bytes(0, nodes[0].last_up, P2P_BLOCKS, 0, BLOCKS, (uint8_t)i, SIZES[i]);
    UNTIL(nodes[1].seen_count == count);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(nodes[1].seen[i].len, SIZES[i], "frame %u", i);
        cr_assert(nodes[1].seen[i].kind == BLOCKS && nodes[1].seen[i].peer == nodes[1].last_up);
        cr_assert(SIZES[i] == 1 || nodes[1].seen[i].first == i);
    }
    struct p2p_net_stats sent = stats_of(0);
    cr_assert_gt(sent.bytes_out, 4u << 20);
    cr_assert_eq(sent.queue_dropped, 0);
}

Test(net, every_byte_of_a_large_frame_is_the_senders)
{
    size_t len = 300001;
    uint8_t *bytes = malloc(len);
    pair();
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7u + i / 251u);
    bytes[0] = PROPOSAL;
    struct p2p_body *body = p2p_body_new(td_bytes_of(bytes, len));
    p2p_broadcast(nodes[1].net, P2P_NO_PEER, P2P_CONSENSUS, 0, body);
    p2p_body_drop(body);
    UNTIL(nodes[0].seen_count == 1);
    cr_assert_arr_eq(nodes[0].seen[0].body, bytes, len);
    free(bytes);
}

Test(net, broadcast_leaves_one_out)
{
    node_prepare(0);
    node_start(0);
    for (uint32_t i = 1; i < 4; i++) {
        node_prepare(i);
        node_knows(i, 0, true, 0);
        node_start(i);
        UNTIL(nodes[0].ups == i);
    }
    uint8_t vote[2] = {VOTE, 1};
    struct p2p_body *body = p2p_body_new(td_bytes_of(vote, 2));
    p2p_broadcast(nodes[0].net, nodes[0].last_up, P2P_CONSENSUS, 0, body);
    cr_assert_eq(body->refs, 3);
    p2p_body_drop(body);
    p2p_flush(nodes[0].net);
    UNTIL(nodes[1].seen_count == 1 && nodes[2].seen_count == 1);
    send_bytes(0, nodes[0].last_up, P2P_CONSENSUS, 0, VOTE, 2, 2);
    UNTIL(nodes[3].seen_count == 1);
    cr_assert_eq(nodes[3].seen[0].first, 2);
}

/* A megabyte is under way and much is queued; the vote overtakes all that is not begun. */
Test(net, consensus_overtakes_blocks_overtake_transactions)
{
    pair();
    uint32_t peer = nodes[0].last_up;
    for (uint8_t i = 0; i < 20; i++)
        send_bytes(0, peer, P2P_TX, 0, TX, i, 100000);
    for (uint8_t i = 0; i < 7; i++)
        send_bytes(0, peer, P2P_BLOCKS, 0, BLOCKS, i, 1u << 20);
    p2p_flush(nodes[0].net);
    send_bytes(0, peer, P2P_CONSENSUS, 0, VOTE, 9, 100);
    p2p_flush(nodes[0].net);
    UNTIL(nodes[1].seen_count == 28);
    uint32_t vote = 0, last_blocks = 0, first_tx = 28;
    for (uint32_t i = 0; i < 28; i++) {
        if (nodes[1].seen[i].kind == VOTE)
            vote = i;
        if (nodes[1].seen[i].kind == BLOCKS)
            last_blocks = i;
        if (nodes[1].seen[i].kind == TX && i < first_tx)
            first_tx = i;
    }
    /* What sockets of the loopback hold may be ahead of it, not the seven megabytes. */
    cr_assert_leq(vote, 5);
    cr_assert_lt(last_blocks, first_tx);
}

Test(net, a_frame_with_a_key_replaces_the_queued_one)
{
    pair();
    uint32_t peer = nodes[0].last_up;
    for (uint8_t i = 0; i < 10; i++)
        send_bytes(0, peer, P2P_CONSENSUS, 5, STATUS, i, 1000u + i);
    send_bytes(0, peer, P2P_CONSENSUS, 6, STATUS, 77, 10);
    UNTIL(nodes[1].seen_count == 2);
    nets_run(20);
    cr_assert_eq(nodes[1].seen_count, 2);
    cr_assert(nodes[1].seen[0].first == 9 && nodes[1].seen[0].len == 1009);
    cr_assert_eq(nodes[1].seen[1].first, 77);
}

Test(net, a_full_queue_loses_its_oldest)
{
    struct p2p_peer_info info;
    pair();
    uint32_t peer = nodes[0].last_up;
    for (uint32_t i = 0; i < 1030; i++)
        send_bytes(0, peer, P2P_CONSENSUS, 0, VOTE, (uint8_t)(i / 5u), 10);
    cr_assert(p2p_peer_info(nodes[0].net, peer, &info));
    cr_assert_eq(info.dropped, 6);
    cr_assert_eq(stats_of(0).queue_dropped, 6);
    UNTIL(nodes[1].seen_count == 1024);
    cr_assert(nodes[1].seen[0].first == 1 && nodes[1].seen[1023].first == 205);
    for (int i = 0; i < 5; i++)
        send_bytes(0, peer, P2P_BLOCKS, 0, BLOCKS, (uint8_t)i, (3u << 20));
    cr_assert_leq(nodes[0].net->peers[peer]->queue[P2P_BLOCKS].bytes, 8u << 20);
    cr_assert_eq(stats_of(0).queue_dropped, 9);
}

Test(net, both_dial_at_once_and_one_connection_stays)
{
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < 2; i++) {
            node_prepare(i);
            node_start(i); /* to learn a free port */
            node_stop(i);
        }
        node_knows(0, 1, true, nodes[1].options.listen_port);
        node_knows(1, 0, true, nodes[0].options.listen_port);
        node_start(0);
        node_start(1);
        UNTIL(nodes[0].ups > nodes[0].downs && nodes[1].ups > nodes[1].downs &&
              nodes[0].net->conns->next == NULL && nodes[1].net->conns->next == NULL);
        nets_run(150); /* longer than a backoff: nobody dials again */
        cr_assert(p2p_peer_count(nodes[0].net) == 1 && p2p_peer_count(nodes[1].net) == 1);
        cr_assert(nodes[0].net->conns->next == NULL && nodes[1].net->conns->next == NULL);
        send_bytes(0, nodes[0].last_up, P2P_CONSENSUS, 0, VOTE, 1, 2);
        UNTIL(nodes[1].seen_count == 1);
        node_stop(0);
        node_stop(1);
    }
}

Test(net, a_peer_that_comes_back_is_met_again)
{
    pair();
    uint16_t port = p2p_net_port(nodes[0].net);
    node_stop(0);
    UNTIL(nodes[1].downs == 1);
    UNTIL(nodes[1].net->fixed[0].failures >= 3);
    node_prepare(0);
    nodes[0].options.listen_port = port;
    node_start(0);
    UNTIL(nodes[1].ups == 2 && nodes[0].ups == 1);
    send_bytes(1, nodes[1].last_up, P2P_CONSENSUS, 0, VOTE, 1, 2);
    UNTIL(nodes[0].seen_count == 1);
}

/* "localhost" may name ::1 first, where nobody listens: the next try takes the next address. */
Test(net, a_name_is_looked_up)
{
    node_prepare(0);
    node_start(0);
    node_prepare(1);
    node_knows(1, 0, true, 0);
    strcpy(nodes[1].peers[0].host, "localhost");
    node_start(1);
    UNTIL(nodes[1].ups == 1);
    node_prepare(2);
    node_knows(2, 0, true, 0);
    strcpy(nodes[2].peers[0].host, "nowhere.invalid");
    node_start(2);
    nets_turn(1); /* and is freed while it asks */
    cr_assert_eq(nodes[2].ups, 0);
    node_stop(2);
    nets_run(20);
}

Test(net, backoff_doubles_to_its_limit_and_a_steady_connection_resets_it)
{
    pair();
    struct p2p_dial *d = &nodes[1].net->fixed[0];
    uint16_t port = p2p_net_port(nodes[0].net);
    node_stop(0);
    for (uint32_t i = 1; i <= 12; i++) {
        UNTIL(d->failures == i && d->conn == NULL);
        uint64_t now = td_clock_mono_ns(&nodes[1].net->clock);
        uint64_t delay = P2P_TICK_NS << (i - 1u);
        if (delay > 30u * P2P_SECOND_NS)
            delay = 30u * P2P_SECOND_NS;
        cr_assert_leq(d->next_ns - now, delay / 4u * 5u, "failure %u", i);
        cr_assert_geq(d->next_ns - now + P2P_TICK_NS, delay / 4u * 3u, "failure %u", i);
        shift_ns += d->next_ns - now;
    }
    node_prepare(0);
    nodes[0].options.listen_port = port;
    node_start(0);
    UNTIL(nodes[1].ups == 2);
    cr_assert_geq(d->failures, 12);
    shift_ns += 11u * P2P_SECOND_NS;
    p2p_disconnect(nodes[1].net, nodes[1].last_up);
    UNTIL(d->failures == 0);
}

Test(net, a_silent_peer_is_given_up)
{
    struct rogue r;
    node_prepare(0);
    node_start(0);
    rogue_up(&r, 0, 5);
    shift_ns += 19u * P2P_SECOND_NS;
    nets_run(250);
    cr_assert_eq(nodes[0].downs, 0);
    shift_ns += P2P_SECOND_NS;
    rogue_closed(&r);
    UNTIL(nodes[0].downs == 1);
}

Test(net, pings_keep_a_quiet_connection)
{
    pair();
    for (int i = 0; i < 10; i++) {
        shift_ns += 6u * P2P_SECOND_NS;
        nets_run(120);
    }
    cr_assert(nodes[0].downs == 0 && nodes[1].downs == 0);
}

Test(net, a_node_does_not_stay_connected_to_itself)
{
    node_prepare(0);
    node_start(0);
    node_stop(0);
    node_knows(0, 0, false, nodes[0].options.listen_port);
    node_start(0);
    UNTIL(nodes[0].net->fixed[0].self && nodes[0].net->conns == NULL);
    uint64_t dialled = stats_of(0).dialled;
    nets_run(300);
    cr_assert_eq(stats_of(0).dialled, dialled);
    cr_assert_eq(nodes[0].ups, 0);
}

Test(net, peer_exchange_finds_the_third)
{
    node_prepare(0);
    node_start(0);
    for (uint32_t i = 1; i < 4; i++) {
        node_prepare(i);
        node_knows(i, 0, true, 0);
        node_start(i);
    }
    UNTIL(p2p_peer_count(nodes[0].net) == 3);
    /* Whoever came before the others hears of them a minute later, or they of it at once. */
    UNTIL(p2p_peer_count(nodes[1].net) == 3 && p2p_peer_count(nodes[2].net) == 3 &&
          p2p_peer_count(nodes[3].net) == 3);
    cr_assert_eq(p2p_peer_count(nodes[0].net), 3);
}

Test(net, static_peers_have_room_before_strangers)
{
    node_prepare(0);
    nodes[0].options.max_peers = 2;
    node_prepare(3);
    node_start(3);
    node_stop(3);
    node_knows(0, 3, true, nodes[3].options.listen_port);
    node_start(0);
    for (uint32_t i = 1; i < 3; i++) {
        node_prepare(i);
        node_knows(i, 0, true, 0);
        node_start(i);
        UNTIL(p2p_peer_count(nodes[0].net) == i);
    }
    node_prepare(4);
    node_knows(4, 0, true, 0);
    node_start(4);
    UNTIL(stats_of(0).refused_full > 0);
    cr_assert_eq(p2p_peer_count(nodes[0].net), 2);
    node_start(3);
    UNTIL(p2p_net_find(nodes[0].net, nodes[3].options.self.transport) != NULL);
    cr_assert_eq(p2p_peer_count(nodes[0].net), 2);
    cr_assert_eq(nodes[0].downs, 1);
}

Test(net, numbers_are_reused_and_hanging_up_in_up_works)
{
    pair();
    uint32_t peer = nodes[0].last_up;
    nodes[0].hang_up = true;
    p2p_disconnect(nodes[0].net, peer);
    struct p2p_peer_info info;
    cr_assert(!p2p_peer_info(nodes[0].net, peer, &info));
    cr_assert_eq(nodes[0].downs, 0, "never from inside a call");
    send_bytes(0, peer, P2P_CONSENSUS, 0, VOTE, 1, 2); /* nothing happens */
    UNTIL(nodes[0].ups >= 2 && nodes[0].downs >= 2);
    cr_assert_eq(nodes[0].last_up, peer);
    cr_assert_eq(nodes[1].seen_count, 0);
}

Test(net, options_that_cannot_be_are_named)
{
    struct p2p_net *net;
    const struct p2p_net_events events = {0};
    char why[160];
    node_prepare(0);
    node_start(0);
    node_prepare(1);
    struct p2p_net_options o = nodes[1].options;
    o.listen_port = p2p_net_port(nodes[0].net);
    cr_assert_eq(p2p_net_new(&net, &o, &events, why), TD_E_BUSY);
    cr_assert_not_null(strstr(why, "in use"));
    cr_assert_null(net);
    o = nodes[1].options;
    o.max_peers = P2P_PEERS_MAX + 1u;
    cr_assert_eq(p2p_net_new(&net, &o, &events, why), TD_E_RANGE);
    cr_assert_not_null(strstr(why, "max_peers"));
    o = nodes[1].options;
    o.static_secret[5] ^= 1;
    cr_assert_eq(p2p_net_new(&net, &o, &events, why), TD_E_RANGE);
    cr_assert_not_null(strstr(why, "record"));
    o = nodes[1].options;
    strcpy(o.listen_host, "no such host at all");
    cr_assert_eq(p2p_net_new(&net, &o, &events, why), TD_E_RANGE);
    cr_assert_not_null(strstr(why, "listen"));
    o = nodes[1].options;
    node_knows(1, 0, true, 0);
    nodes[1].peers[0].port = 0;
    o.peer_count = 1;
    cr_assert_eq(p2p_net_new(&net, &o, &events, why), TD_E_RANGE);
    cr_assert_not_null(strstr(why, "peer 1"));
}
