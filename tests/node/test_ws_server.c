/* node/rpc/server over WebSocket: handshakes, messages, pushes, and every way to end. */
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/node/http_world.h"

#define H "Host: 127.0.0.1\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void open_socket(struct world *w, struct client *c)
{
    client_open(w, c, NULL);
    client_text(w, c, "GET / HTTP/1.1\r\n" H UPGRADE KEY VERSION "\r\n");
    client_expect(w, c, "HTTP/1.1 101 Switching Protocols\r\n");
    /* The example of RFC 6455 1.3. */
    client_expect(w, c, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    client_expect(w, c, "\r\n");
}

/* Send a masked frame. */
static void frame(struct world *w, struct client *c, uint8_t first, const char *body, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t *out = malloc(len + 14u);
    size_t n = 2;
    cr_assert_not_null(out);
    out[0] = first;
    out[1] = (uint8_t)(0x80u | (len < 126u ? len : 126u));
    if (len >= 126u) {
        out[n++] = (uint8_t)(len >> 8);
        out[n++] = (uint8_t)len;
    }
    memcpy(out + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < len; i++)
        out[n + i] = (uint8_t)body[i] ^ mask[i % 4u];
    client_send(w, c, out, n + len);
    free(out);
}

static void text(struct world *w, struct client *c, const char *body)
{
    frame(w, c, 0x81, body, strlen(body));
}

/* The next bytes are exactly these. */
static void expect_bytes(struct world *w, struct client *c, const void *bytes, size_t len)
{
    WORLD_UNTIL(w, (client_receive(c), c->bytes >= len || c->eof));
    cr_assert_geq(c->bytes, len, "the server closed");
    cr_assert_eq(memcmp(c->in, bytes, len), 0, "got %02x %02x", (uint8_t)c->in[0],
                 (uint8_t)c->in[1]);
    c->bytes -= len;
    memmove(c->in, c->in + len, c->bytes);
}

static void expect_close(struct world *w, struct client *c, unsigned code)
{
    const uint8_t want[4] = {0x88, 2, (uint8_t)(code >> 8), (uint8_t)code};
    expect_bytes(w, c, want, sizeof want);
    client_expect_end(w, c);
    cr_assert_eq(c->bytes, 0);
}

Test(ws_server, handshakes_good_and_bad)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" H UPGRADE KEY VERSION "\r\n", "HTTP/1.1 101 "},
        {"GET /ws?x HTTP/1.1\r\n" H
         "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" KEY VERSION
         "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
         "Upgrade: websocket\r\nConnection: Upgrade\r\n"},
        {"GET / HTTP/1.1\r\n" H UPGRADE KEY "\r\n", "HTTP/1.1 426 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n",
         "Sec-WebSocket-Version: 13\r\n"},
        {"GET / HTTP/1.1\r\n" H UPGRADE VERSION "\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE KEY KEY VERSION "\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE VERSION "Sec-WebSocket-Key: abc\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE VERSION
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n",
         "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE VERSION
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n\r\n",
         "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" H UPGRADE KEY VERSION "Content-Length: 1\r\n\r\nx", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\n" UPGRADE KEY VERSION "\r\n", "HTTP/1.1 403 "},
        {"GET /plain HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "/plain"},
        {"GET /plain HTTP/1.1\r\n" H "Upgrade: websocket\r\n" KEY VERSION "\r\n", "/plain"},
    };
    struct world w;
    struct client c;
    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_open(&w, &c, NULL);
        client_text(&w, &c, cases[i].in);
        client_expect(&w, &c, cases[i].want);
        client_close(&c);
    }
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    cr_assert(world_stats(&w).sockets == 0 && w.closed_count == 2);
    world_close(&w);
}

static void no_sockets(struct world *w)
{
    w->options.websocket = false;
}

Test(ws_server, a_server_without_websocket_says_so)
{
    struct world w;
    struct client c;
    world_open(&w, no_sockets);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET / HTTP/1.1\r\n" H UPGRADE KEY VERSION "\r\n");
    client_expect(&w, &c, "HTTP/1.1 404 ");
    client_expect(&w, &c, "no WebSocket at this port");
    client_close(&c);
    world_close(&w);
}

Test(ws_server, messages_are_answered_whole_fragmented_and_among_pings)
{
    struct world w;
    struct client c;
    char big[1000];
    world_open(&w, NULL);
    open_socket(&w, &c);
    text(&w, &c, "hello");
    expect_bytes(&w, &c, "\x81\x05hello", 7);
    cr_assert_eq(w.kind, NODE_HTTP_SOCKET_MESSAGE);
    frame(&w, &c, 0x01, "he", 2);
    frame(&w, &c, 0x89, "ping", 4);
    frame(&w, &c, 0x00, "", 0);
    frame(&w, &c, 0x80, "llo", 3);
    expect_bytes(&w, &c, "\x8A\x04ping\x81\x05hello", 13);
    frame(&w, &c, 0x8A, "", 0); /* a pong nobody asked for */
    memset(big, 'b', sizeof big);
    frame(&w, &c, 0x81, big, sizeof big);
    expect_bytes(&w, &c, "\x81\x7E\x03\xE8", 4);
    expect_bytes(&w, &c, big, sizeof big);
    text(&w, &c, ""); /* an empty answer is none */
    text(&w, &c, "after");
    expect_bytes(&w, &c,
                 "\x81\x05"
                 "after",
                 7);
    cr_assert_eq(w.requests, 5);
    frame(&w, &c, 0x88, "\x03\xE9", 2);
    expect_close(&w, &c, 1001);
    client_close(&c);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    cr_assert(w.closed_count == 1 && w.closed == w.conn && w.conn != 0);
    world_close(&w);
}

Test(ws_server, bad_frames_close_with_their_code)
{
    static const struct {
        const char *bytes;
        size_t len;
        unsigned code;
    } cases[] = {
        {"\x81\x02hi", 4, 1002},                   /* not masked */
        {"\xC1\x80mask", 6, 1002},                 /* compressed without agreement */
        {"\x82\x80mask", 6, 1003},                 /* binary */
        {"\x81\x81\x00\x00\x00\x00\xFF", 7, 1007}, /* not UTF-8 */
        {"\x81\xFE\x10\x01mask", 8, 1009},         /* 4,097 bytes */
        {"\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFmask", 14, 1009},
    };
    struct world w;
    struct client c;
    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_socket(&w, &c);
        client_send(&w, &c, cases[i].bytes, cases[i].len);
        expect_close(&w, &c, cases[i].code);
        client_close(&c);
        WORLD_UNTIL(&w, world_stats(&w).open == 0);
        cr_assert_eq(w.closed_count, i + 1u);
    }
    cr_assert_eq(w.requests, 0);
    world_close(&w);
}

Test(ws_server, answers_come_in_any_order_and_16_are_under_way)
{
    struct world w;
    struct client c;
    world_open(&w, NULL);
    w.hold = true;
    open_socket(&w, &c);
    for (unsigned i = 0; i < 20; i++) {
        char body[8];
        snprintf(body, sizeof body, "m%02u", i);
        text(&w, &c, body);
    }
    WORLD_UNTIL(&w, w.requests == 16);
    for (int k = 0; k < 10; k++)
        world_turn(&w);
    cr_assert(w.requests == 16 && strcmp(w.body, "m15") == 0);
    world_reply(&w, 9, "nine");
    cr_assert_eq(w.requests, 16); /* not from inside the reply */
    expect_bytes(&w, &c, "\x81\x04nine", 6);
    WORLD_UNTIL(&w, w.requests == 17);
    for (int k = 0; k < 10; k++)
        world_turn(&w);
    cr_assert(w.requests == 17 && strcmp(w.body, "m16") == 0);
    world_reply(&w, 0, "zero");
    world_reply(&w, 1, "one");
    world_reply(&w, 2, "two");
    expect_bytes(&w, &c, "\x81\x04zero\x81\x03one\x81\x03two", 16);
    WORLD_UNTIL(&w, w.requests == 20);
    client_close(&c);
    WORLD_UNTIL(&w, w.closed_count == 1);
    for (uint32_t i = 3; i < 20; i++) {
        if (i != 9)
            world_reply(&w, i, "nobody");
    }
    world_close(&w);
}

Test(ws_server, pushes_reach_their_connection_only_while_it_lives)
{
    struct world w;
    struct client a, b;
    world_open(&w, NULL);
    open_socket(&w, &a);
    text(&w, &a, "a");
    expect_bytes(&w, &a,
                 "\x81\x01"
                 "a",
                 3);
    uint64_t first = w.conn;
    open_socket(&w, &b);
    text(&w, &b, "b");
    expect_bytes(&w, &b,
                 "\x81\x01"
                 "b",
                 3);
    cr_assert_neq(w.conn, first);
    cr_assert(node_http_push(w.http, first, td_bytes_of_text("to a")));
    cr_assert(node_http_push(w.http, w.conn, td_bytes_of_text("to b")));
    expect_bytes(&w, &a, "\x81\x04to a", 6);
    expect_bytes(&w, &b, "\x81\x04to b", 6);
    client_close(&a);
    WORLD_UNTIL(&w, w.closed_count == 1);
    cr_assert_eq(w.closed, first);
    cr_assert_not(node_http_push(w.http, first, td_bytes_of_text("x")));
    open_socket(&w, &a); /* in the place of the first, with another number */
    text(&w, &a, "a");
    expect_bytes(&w, &a,
                 "\x81\x01"
                 "a",
                 3);
    cr_assert_neq(w.conn, first);
    cr_assert_not(node_http_push(w.http, first, td_bytes_of_text("x")));
    cr_assert_not(node_http_push(w.http, 0, td_bytes_of_text("x")));
    cr_assert_not(node_http_push(w.http, UINT64_MAX, td_bytes_of_text("x")));
    client_close(&a);
    client_close(&b);
    world_close(&w);
}

/* A subscriber that reads nothing is closed when its queue is full, and told so from the loop. */
Test(ws_server, a_full_queue_closes)
{
    struct world w;
    struct client c;
    char *mib = malloc(1u << 20);
    world_open(&w, NULL);
    open_socket(&w, &c);
    text(&w, &c, "x");
    expect_bytes(&w, &c, "\x81\x01x", 3);
    cr_assert_not_null(mib);
    memset(mib, 'm', 1u << 20);
    unsigned pushed = 0;
    while (node_http_push(w.http, w.conn, td_bytes_of(mib, 1u << 20)))
        cr_assert_lt(++pushed, 100);
    cr_assert_geq(pushed, 63);
    cr_assert_eq(w.closed_count, 0); /* never from inside a push */
    cr_assert_not(node_http_push(w.http, w.conn, td_bytes_of_text("x")));
    WORLD_UNTIL(&w, w.closed_count == 1);
    cr_assert_eq(world_stats(&w).open, 0);
    free(mib);
    client_close(&c);
    world_close(&w);
}

static void short_times(struct world *w)
{
    w->times = (struct node_http_times){.head_ms = 1000,
                                        .body_ms = 80,
                                        .reply_ms = 80,
                                        .idle_ms = 1000,
                                        .ping_ms = 60,
                                        .linger_ms = 50};
}

Test(ws_server, pings_keep_a_socket_and_silence_ends_it)
{
    struct world w;
    struct client c;
    world_open(&w, short_times);
    open_socket(&w, &c);
    for (unsigned i = 0; i < 4; i++) { /* twice the time after which silence would end it */
        expect_bytes(&w, &c, "\x89\x00", 2);
        frame(&w, &c, 0x8A, "", 0);
    }
    client_expect_end(&w, &c);
    cr_assert(world_stats(&w).timeouts == 1 && w.closed_count == 1);
    client_close(&c);
    world_close(&w);
}

Test(ws_server, a_message_that_does_not_go_on_ends_the_socket)
{
    struct world w;
    struct client c;
    world_open(&w, short_times);
    open_socket(&w, &c);
    frame(&w, &c, 0x01, "{", 1);
    uint64_t begun = world_now_ms();
    for (client_receive(&c); !c.eof; client_receive(&c)) { /* pings are no progress */
        frame(&w, &c, 0x8A, "", 0);
        world_turn(&w);
        cr_assert_lt(world_now_ms() - begun, 5000);
    }
    cr_assert(world_stats(&w).timeouts == 1 && w.closed_count == 1);
    client_close(&c);
    world_close(&w);
}

static void rate_20(struct world *w)
{
    w->options.rate_per_ip = 20;
}

/* Beyond the rate a socket is slowed down; nothing of it is lost. */
Test(ws_server, messages_beyond_the_rate_wait)
{
    struct world w;
    struct client c;
    world_open(&w, rate_20);
    open_socket(&w, &c);
    uint64_t begun = world_now_ms();
    for (unsigned i = 0; i < 30; i++)
        text(&w, &c, "x");
    for (unsigned i = 0; i < 30; i++)
        expect_bytes(&w, &c, "\x81\x01x", 3);
    cr_assert_geq(world_now_ms() - begun, 400); /* 20 at once, 10 at 50 ms each */
    cr_assert_gt(world_stats(&w).refused_rate, 0);
    begun = world_now_ms();
    for (unsigned i = 0; i < 10; i++) /* pings count as well */
        frame(&w, &c, 0x89, "", 0);
    for (unsigned i = 0; i < 10; i++)
        expect_bytes(&w, &c, "\x8A\x00", 2);
    cr_assert_geq(world_now_ms() - begun, 300);
    client_close(&c);
    world_close(&w);
}
