/* Several nets in one event loop on 127.0.0.1, and a peer that says whatever a test wants. */
#pragma once

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>

#include "p2p/net_internal.h"

#define NODES_MAX 8u
#define SEEN_MAX 4096u

enum { STATUS = 2, PROPOSAL = 3, VOTE = 4, BLOCKS = 13, TX = 17 };

struct seen {
    uint32_t peer;
    size_t len;
    uint8_t kind, first; /* body[0], body[1] */
    uint8_t *body;       /* only of the last frame */
};

struct node {
    struct p2p_net *net;
    struct p2p_net_options options;
    struct td_secp_key key;
    struct p2p_static_peer peers[NODES_MAX];
    uint32_t ups, downs, seen_count;
    uint32_t last_up, last_down;
    struct seen seen[SEEN_MAX];
    int32_t punish; /* points off for every frame */
    bool hang_up;   /* disconnect in `up` */
};

extern struct event_base *loop;
extern struct td_secp *secp;
extern struct node nodes[NODES_MAX];
extern uint64_t shift_ns; /* added to the nodes' clocks by `nets_clock` */
extern const struct p2p_chain CHAIN;

void nets_set_up(void);
void nets_tear_down(void);
struct td_clock nets_clock(void);

/* Options of node i: key, record, no static peers. */
void node_prepare(uint32_t i);
/* Add a static peer; it must listen already, or `port` says where. */
void node_knows(uint32_t i, uint32_t other, bool by_key, uint16_t port);
void node_start(uint32_t i);
void node_stop(uint32_t i);
void secret_of(uint8_t secret[32], uint32_t i);
void record_of(struct p2p_record *r, uint32_t i, uint16_t port, uint64_t sequence);

/* Run the loop until `cond`; fails the test after ten seconds. */
#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        uint64_t until_ = nets_now_ns() + 10u * P2P_SECOND_NS;                                     \
        while (!(cond)) {                                                                          \
            cr_assert_lt(nets_now_ns(), until_, "never: %s", #cond);                               \
            nets_turn(5);                                                                          \
        }                                                                                          \
    } while (0)
/* One turn of the loop: what is ready, or `ms` of waiting. */
void nets_turn(int ms);
void nets_run(int ms);
uint64_t nets_now_ns(void);
struct p2p_net_stats stats_of(uint32_t i);
void send_bytes(uint32_t from, uint32_t peer, enum p2p_class class, uint64_t key, uint8_t kind,
                uint8_t first, size_t len);

/* The peer that says whatever a test wants; its end of a connection. */
struct rogue {
    int fd;
    struct p2p_handshake shake;
    struct p2p_cipher send, receive;
};

void rogue_connect(struct rogue *r, uint32_t to);
void rogue_send(struct rogue *r, const void *bytes, size_t len);
/* Whether `len` bytes came; false: the node closed the connection. */
bool rogue_read(struct rogue *r, uint8_t *bytes, size_t len);
/* As initiator with secret `i`; false when refused. */
bool rogue_shake(struct rogue *r, uint32_t i, const struct p2p_chain *chain);
void rogue_hello(struct rogue *r, const struct p2p_hello *h);
void rogue_frame(struct rogue *r, const uint8_t *body, size_t len);
/* Until the node hangs up; fails the test when it does not. */
void rogue_closed(struct rogue *r);
void rogue_end(struct rogue *r);
/* All the way to UP at node `to`, as identity i. */
void rogue_up(struct rogue *r, uint32_t to, uint32_t i);
