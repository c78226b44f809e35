/* A server and its clients in one process, on one event loop: clients are plain sockets that a test
 * writes to byte by byte, and the loop turns until a test has seen what it waits for. */
#pragma once

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "node/rpc/server.h"

#define WORLD_HELD_MAX 64u
#define CLIENT_BYTES_MAX (256u << 10)

struct world {
    struct event_base *base;
    struct event *tick;
    struct node_http *http;
    struct node_http_options options;
    struct node_http_times times;
    bool hold;        /* requests wait in `held` for world_reply; else they are echoed at once */
    size_t pad_bytes; /* > 0: an echo is this many 'x' instead */
    struct node_http_request *held[WORLD_HELD_MAX];
    uint32_t held_count, requests, closed_count;
    uint64_t conn, closed; /* of the last request, the last that closed */
    enum node_http_kind kind;
    char path[256], body[512]; /* of the last request, cut */
};

struct client {
    int fd;
    char *in; /* [CLIENT_BYTES_MAX], NUL-terminated */
    size_t bytes, total;
    bool eof, discard;
};

/* Options of its own: 64 connections, 4 KiB bodies, no rate; `change` may be NULL. */
void world_open(struct world *w, void (*change)(struct world *w));
void world_close(struct world *w);
/* One turn of the loop, at most a millisecond. */
void world_turn(struct world *w);
/* Answer the n-th of the held. */
void world_reply(struct world *w, uint32_t n, const char *body);
struct node_http_stats world_stats(const struct world *w);

/* Connects from the address `from`, 127.0.0.x; NULL: any. */
void client_open(struct world *w, struct client *c, const char *from);
void client_close(struct client *c);
void client_send(struct world *w, struct client *c, const void *bytes, size_t len);
void client_text(struct world *w, struct client *c, const char *text);
/* Turn until `text` was received, and forget what was received up to its end. */
void client_expect(struct world *w, struct client *c, const char *text);
/* Turn until the server closed; what it sent stays in c->in. */
void client_expect_end(struct world *w, struct client *c);
/* Receive what is there. */
void client_receive(struct client *c);

/* Turn until the condition holds, and fail after 10 s. */
#define WORLD_UNTIL(w, condition)                                                                  \
    do {                                                                                           \
        uint64_t until_ = world_now_ms() + 10000u;                                                 \
        while (!(condition)) {                                                                     \
            cr_assert_lt(world_now_ms(), until_, "waited in vain for " #condition);                \
            world_turn(w);                                                                         \
        }                                                                                          \
    } while (0)

uint64_t world_now_ms(void);
