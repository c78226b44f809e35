/* node/rpc/server over HTTP: raw clients on the loop of the server. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/node/http_world.h"

#define H "Host: 127.0.0.1\r\n"

/* No deadline does by accident what the server must do at once. */
static void long_times(struct world *w)
{
    w->times.head_ms = w->times.idle_ms = w->times.linger_ms = 60000;
}

Test(http_server, get_head_post_and_options_are_answered)
{
    struct world w;
    struct client c;
    world_open(&w, NULL);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET /status?x=1 HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &c, "HTTP/1.1 200 OK\r\n");
    client_expect(&w, &c, "Content-Type: text/plain\r\n");
    client_expect(&w, &c, "Content-Length: 7\r\nAccess-Control-Allow-Origin: *\r\n");
    client_expect(&w, &c, "\r\n\r\n/status");
    cr_assert_eq(w.kind, NODE_HTTP_GET);
    client_text(&w, &c, "HEAD /head HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &c, "Content-Length: 5\r\n");
    client_expect(&w, &c, "\r\n\r\n");
    client_text(&w, &c, "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}");
    client_expect(&w, &c, "HTTP/1.1 200 OK\r\n"); /* at once: HEAD had no body */
    client_expect(&w, &c, "Content-Type: application/json\r\n");
    client_expect(&w, &c, "\r\n\r\n{}");
    cr_assert_eq(w.kind, NODE_HTTP_POST);
    cr_assert_str_eq(w.path, "/");
    client_text(&w, &c,
                "OPTIONS / HTTP/1.1\r\n" H "Origin: https://a\r\n"
                "Access-Control-Request-Method: POST\r\n\r\n");
    client_expect(&w, &c, "HTTP/1.1 204 No Content\r\n");
    client_expect(&w, &c, "Access-Control-Allow-Origin: *\r\n");
    client_expect(&w, &c, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n");
    client_expect(&w, &c, "\r\n\r\n");
    cr_assert(w.requests == 3 && c.bytes == 0);
    client_close(&c);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    world_close(&w);
}

/* Each refused request ends its connection, with its status and one line. */
Test(http_server, bad_requests_get_their_status_and_a_close)
{
    static const struct {
        const char *in, *status;
    } cases[] = {
        {"GET /\r\n\r\n", "400"},
        {"\x16\x03\x01", "400"},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"},
        {"GET http://evil.example/ HTTP/1.1\r\n" H "\r\n", "403"},
        {"POST /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "404"},
        {"DELETE / HTTP/1.1\r\n" H "\r\n", "405"},
        {"POST / HTTP/1.1\r\n" H "\r\n", "411"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 4097\r\n\r\n", "413"},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1001\r\n", "413"},
        {"POST / HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "415"},
        {"POST / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", "417"},
        {"GET / HTTP/3.0\r\n" H "\r\n", "505"},
    };
    struct world w;
    struct client c;
    world_open(&w, long_times);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[32];
        client_open(&w, &c, NULL);
        client_text(&w, &c, cases[i].in);
        snprintf(line, sizeof line, "HTTP/1.1 %s ", cases[i].status);
        client_expect(&w, &c, line);
        client_expect(&w, &c, "Connection: close\r\n");
        client_expect(&w, &c, "\r\n");
        client_expect(&w, &c, "\n");
        client_expect_end(&w, &c);
        cr_assert_eq(c.bytes, 0, "%s: %s", cases[i].in, c.in);
        client_close(&c);
    }
    cr_assert_eq(world_stats(&w).bad_requests, sizeof cases / sizeof cases[0]);
    cr_assert_eq(w.requests, 0);
    world_close(&w);
}

Test(http_server, big_heads_and_too_many_headers_are_431)
{
    struct world w;
    struct client c;
    static char big[9000];
    world_open(&w, NULL);
    memset(big, 'x', sizeof big - 1u);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET / HTTP/1.1\r\n" H "A: ");
    client_text(&w, &c, big);
    client_expect(&w, &c, "HTTP/1.1 431 ");
    client_expect_end(&w, &c);
    client_close(&c);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET / HTTP/1.1\r\n" H);
    for (int i = 0; i < 64; i++)
        client_text(&w, &c, "A: b\r\n");
    client_expect(&w, &c, "HTTP/1.1 431 ");
    client_expect_end(&w, &c);
    client_close(&c);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET /");
    client_text(&w, &c, big);
    client_expect(&w, &c, "HTTP/1.1 414 ");
    client_close(&c);
    world_close(&w);
}

Test(http_server, bytes_may_come_one_at_a_time)
{
    static const char *const in[] = {
        "GET /slow HTTP/1.1\r\n" H "\r\n",
        "POST / HTTP/1.1\r\n" H
        "Transfer-Encoding: chunked\r\n\r\n2\r\n/s\r\n3\r\nlow\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n/slow"};
    struct world w;
    struct client c;
    world_open(&w, NULL);
    client_open(&w, &c, NULL);
    for (size_t k = 0; k < sizeof in / sizeof in[0]; k++) {
        for (const char *p = in[k]; *p != '\0'; p++) {
            uint64_t before = world_stats(&w).bytes_in;
            client_send(&w, &c, p, 1);
            WORLD_UNTIL(&w, world_stats(&w).bytes_in == before + 1u);
        }
        client_expect(&w, &c, "\r\n\r\n/slow");
    }
    client_close(&c);
    world_close(&w);
}

Test(http_server, pipelined_requests_wait_and_are_answered_in_order)
{
    struct world w;
    struct client c;
    world_open(&w, long_times);
    w.hold = true;
    client_open(&w, &c, NULL);
    client_text(&w, &c,
                "GET /1 HTTP/1.1\r\n" H "\r\nPOST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nb"
                "GET /3 HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /4 HTTP/1.1\r\n" H "\r\n");
    for (uint32_t i = 0; i < 3; i++) {
        char body[8];
        WORLD_UNTIL(&w, w.requests == i + 1u);
        for (int k = 0; k < 5; k++)
            world_turn(&w);
        cr_assert_eq(w.requests, i + 1u);
        snprintf(body, sizeof body, "<%u>", i + 1u);
        world_reply(&w, i, body);
        cr_assert_eq(w.requests, i + 1u); /* not from inside the reply */
        client_expect(&w, &c, body);
    }
    client_expect_end(&w, &c); /* the fourth came after a close */
    cr_assert_eq(w.requests, 3);
    client_close(&c);
    world_close(&w);
}

Test(http_server, a_long_pipeline_answered_at_once_is_answered_whole)
{
    static const char one[] = "GET /p HTTP/1.1\r\n" H "\r\n";
    struct world w;
    struct client c;
    world_open(&w, NULL);
    client_open(&w, &c, NULL);
    for (int i = 0; i < 2000; i++) {
        client_text(&w, &c, one);
        client_receive(&c);
        c.bytes = 0;
    }
    WORLD_UNTIL(&w, w.requests == 2000);
    client_close(&c);
    world_close(&w);
}

Test(http_server, expect_100_continue_is_answered_before_the_body)
{
    struct world w;
    struct client c;
    world_open(&w, NULL);
    client_open(&w, &c, NULL);
    client_text(&w, &c,
                "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_expect(&w, &c, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_assert_eq(w.requests, 0);
    client_text(&w, &c, "ok");
    client_expect(&w, &c, "\r\n\r\nok");
    client_text(&w, &c,
                "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    client_expect(&w, &c, "HTTP/1.1 413 ");
    client_close(&c);
    world_close(&w);
}

Test(http_server, http_1_0_closes_unless_asked_not_to)
{
    struct world w;
    struct client c;
    world_open(&w, NULL);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    client_expect(&w, &c, "Connection: keep-alive\r\n");
    client_expect(&w, &c, "\r\n/a");
    client_text(&w, &c, "GET /b HTTP/1.0\r\n\r\n");
    client_expect(&w, &c, "Connection: close\r\n");
    client_expect(&w, &c, "\r\n/b");
    client_expect_end(&w, &c);
    client_close(&c);
    world_close(&w);
}

Test(http_server, a_half_closed_client_still_gets_its_answer)
{
    struct world w;
    struct client c;
    world_open(&w, NULL);
    w.hold = true;
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\nGET /3");
    shutdown(c.fd, SHUT_WR);
    for (uint32_t i = 0; i < 2; i++) {
        WORLD_UNTIL(&w, w.requests == i + 1u);
        world_reply(&w, i, i == 0 ? "first" : "second");
    }
    client_expect(&w, &c, "first");
    client_expect(&w, &c, "second");
    client_expect_end(&w, &c);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    client_close(&c);
    world_close(&w);
}

Test(http_server, a_reply_to_a_client_that_is_gone_goes_nowhere)
{
    struct world w;
    struct client c;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    world_open(&w, NULL);
    w.hold = true;
    client_open(&w, &c, NULL);
    client_text(&w, &c, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx");
    WORLD_UNTIL(&w, w.requests == 1);
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_close(&c); /* RST */
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    cr_assert_eq(node_http_conn(w.held[0]), w.conn);
    world_reply(&w, 0, "nobody");
    world_close(&w);
}

Test(http_server, requests_under_way_end_with_the_server)
{
    struct world w;
    struct client c[3];
    world_open(&w, NULL);
    w.hold = true;
    for (int i = 0; i < 3; i++) {
        client_open(&w, &c[i], NULL);
        client_text(&w, &c[i], i == 2 ? "GET / HT" : "GET / HTTP/1.1\r\n" H "\r\n");
    }
    WORLD_UNTIL(&w, w.requests == 2 && world_stats(&w).open == 3);
    client_close(&c[0]);
    world_turn(&w);
    world_close(&w); /* under ASan: nothing is left behind */
    client_expect_end(&w, &c[1]);
    client_close(&c[1]);
    client_close(&c[2]);
}

/* ---- deadlines */

static void short_times(struct world *w)
{
    w->times = (struct node_http_times){.head_ms = 60,
                                        .body_ms = 60,
                                        .reply_ms = 100,
                                        .idle_ms = 60,
                                        .ping_ms = 50,
                                        .linger_ms = 50};
    w->options.max_body_bytes = 1u << 20;
}

Test(http_server, slow_heads_and_bodies_are_408)
{
    static const char *const in[] = {
        "GET / HT", "POST / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nx",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"};
    struct world w;
    struct client c;
    world_open(&w, short_times);
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        client_open(&w, &c, NULL);
        client_text(&w, &c, in[i]);
        uint64_t begun = world_now_ms();
        client_expect(&w, &c, "HTTP/1.1 408 Request Timeout\r\n");
        cr_assert_geq(world_now_ms() - begun, 40);
        client_expect_end(&w, &c);
        client_close(&c);
    }
    cr_assert_eq(world_stats(&w).timeouts, 3);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    world_close(&w);
}

/* A head's deadline is for all of it: a byte now and then does not move it. */
Test(http_server, a_head_that_trickles_is_408)
{
    struct world w;
    struct client c;
    world_open(&w, short_times);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "GET / HTTP/1.1\r\nA: ");
    uint64_t begun = world_now_ms();
    for (client_receive(&c); c.bytes == 0; client_receive(&c)) {
        client_text(&w, &c, "x");
        world_turn(&w);
        cr_assert_lt(world_now_ms() - begun, 5000);
    }
    client_expect(&w, &c, "HTTP/1.1 408 ");
    client_close(&c);
    world_close(&w);
}

/* A KiB within the time is progress: four of them, each just in time, are no timeout. */
Test(http_server, a_body_that_keeps_coming_is_waited_for)
{
    struct world w;
    struct client c;
    static char kib[2048];
    world_open(&w, short_times);
    memset(kib, 'k', sizeof kib);
    client_open(&w, &c, NULL);
    client_text(&w, &c, "POST / HTTP/1.1\r\n" H "Content-Length: 16384\r\n\r\n");
    uint64_t begun = world_now_ms();
    for (unsigned i = 0; i < 8; i++) {
        uint64_t until = begun + 20u * (i + 1u);
        client_send(&w, &c, kib, sizeof kib);
        WORLD_UNTIL(&w, world_now_ms() >= until);
    }
    cr_assert_geq(world_now_ms() - begun, 150); /* more than twice body_ms */
    client_expect(&w, &c, "HTTP/1.1 200 OK\r\n");
    client_close(&c);
    world_close(&w);
}

Test(http_server, silent_and_idle_connections_are_closed)
{
    struct world w;
    struct client fresh, idle;
    world_open(&w, short_times);
    client_open(&w, &fresh, NULL);
    client_open(&w, &idle, NULL);
    client_text(&w, &idle, "GET /x HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &idle, "\r\n\r\n/x");
    client_expect_end(&w, &fresh);
    client_expect_end(&w, &idle);
    cr_assert(fresh.total == 0 && idle.bytes == 0);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    client_close(&fresh);
    client_close(&idle);
    world_close(&w);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* However long we take to answer; and the loop rests meanwhile. */
Test(http_server, a_request_under_way_has_no_deadline)
{
    struct world w;
    struct client c;
    bool over = false;
    const struct timeval ms_250 = {.tv_usec = 250000};
    world_open(&w, short_times);
    w.hold = true;
    client_open(&w, &c, NULL);
    client_text(&w, &c, "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n");
    WORLD_UNTIL(&w, world_stats(&w).bytes_in > 0);
    client_text(&w, &c, "{}");
    WORLD_UNTIL(&w, w.requests == 1);
    cr_assert_eq(event_del(w.tick), 0);
    cr_assert_eq(event_base_once(w.base, -1, EV_TIMEOUT, on_end, &over, &ms_250), 0);
    unsigned turns = 0;
    while (!over) {
        world_turn(&w);
        turns++;
    }
    cr_assert_lt(turns, 10, "%u turns in 250 ms: it spins", turns);
    cr_assert_eq(event_add(w.tick, &(struct timeval){.tv_usec = 1000}), 0);
    world_reply(&w, 0, "late");
    client_expect(&w, &c, "late");
    client_close(&c);
    world_close(&w);
}

static void small_buffer(struct client *c, int bytes)
{
    cr_assert_eq(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
}

Test(http_server, a_client_that_does_not_read_is_closed)
{
    struct world w;
    struct client c;
    world_open(&w, short_times);
    w.pad_bytes = 16u << 20;
    client_open(&w, &c, NULL);
    small_buffer(&c, 4096);
    client_text(&w, &c, "GET / HTTP/1.1\r\n" H "\r\n");
    WORLD_UNTIL(&w, w.requests == 1);
    WORLD_UNTIL(&w, world_stats(&w).open == 0);
    cr_assert_eq(world_stats(&w).timeouts, 1);
    client_close(&c);
    world_close(&w);
}

/* Slower than the deadline for all of it, but never without progress. */
Test(http_server, a_client_that_reads_slowly_gets_all)
{
    struct world w;
    struct client c;
    world_open(&w, short_times);
    w.pad_bytes = 8u << 20;
    client_open(&w, &c, NULL);
    small_buffer(&c, 64 << 10);
    c.discard = true;
    client_text(&w, &c, "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    uint64_t begun = world_now_ms();
    static char piece[64u << 10];
    while (!c.eof) {
        cr_assert_lt(world_now_ms() - begun, 30000);
        ssize_t n = recv(c.fd, piece, sizeof piece, 0);
        c.total += n > 0 ? (size_t)n : 0;
        c.eof = n == 0;
        world_turn(&w);
        world_turn(&w);
    }
    cr_assert_gt(c.total, w.pad_bytes);
    cr_assert_geq(world_now_ms() - begun, 100);
    cr_assert_eq(world_stats(&w).timeouts, 0);
    client_close(&c);
    world_close(&w);
}

/* ---- how many */

static void eight(struct world *w)
{
    w->options.max_conns = 8;
}

Test(http_server, an_address_gets_a_quarter_and_all_get_max_conns)
{
    struct world w;
    struct client c[8], over;
    world_open(&w, eight);
    for (unsigned i = 0; i < 8; i++) {
        char from[16];
        snprintf(from, sizeof from, "127.0.0.%u", 1u + i / 2u);
        client_open(&w, &c[i], from);
    }
    WORLD_UNTIL(&w, world_stats(&w).open == 8);
    client_open(&w, &over, "127.0.0.9");
    client_expect(&w, &over, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n");
    client_close(&over);
    client_close(&c[7]);
    WORLD_UNTIL(&w, world_stats(&w).open == 7);
    client_open(&w, &over, "127.0.0.1");
    client_expect(&w, &over, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n");
    client_close(&over);
    client_open(&w, &c[7], "127.0.0.9"); /* the place is free again, also for another */
    client_text(&w, &c[7], "GET /in HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &c[7], "\r\n\r\n/in");
    cr_assert_eq(world_stats(&w).refused_full, 2);
    cr_assert_eq(world_stats(&w).accepted, 11);
    for (unsigned i = 0; i < 8; i++)
        client_close(&c[i]);
    world_close(&w);
}

static void rate_2(struct world *w)
{
    w->options.rate_per_ip = 2;
}

Test(http_server, requests_beyond_the_rate_are_429_and_others_are_not)
{
    struct world w;
    struct client c, other;
    world_open(&w, rate_2);
    client_open(&w, &c, "127.0.0.2");
    client_open(&w, &other, "127.0.0.3");
    uint64_t begun = world_now_ms();
    for (unsigned i = 0; i < 2; i++) {
        client_text(&w, &c, "GET /a HTTP/1.1\r\n" H "\r\n");
        client_expect(&w, &c, "\r\n\r\n/a");
    }
    client_text(&w, &c, "GET /a HTTP/1.1\r\n" H "\r\n");
    cr_assert_lt(world_now_ms() - begun, 450, "this machine is too slow for the test");
    client_expect(&w, &c, "HTTP/1.1 429 Too Many Requests\r\n");
    client_expect(&w, &c, "Retry-After: 1\r\n");
    client_expect(&w, &c, "slow down\n");
    client_text(&w, &other, "GET /b HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &other, "\r\n\r\n/b");
    WORLD_UNTIL(&w, world_now_ms() >= begun + 1200u);
    client_text(&w, &c, "GET /c HTTP/1.1\r\n" H "\r\n"); /* the same connection, later */
    client_expect(&w, &c, "\r\n\r\n/c");
    cr_assert_eq(world_stats(&w).refused_rate, 1);
    client_close(&c);
    client_close(&other);
    world_close(&w);
}

/* Out of descriptors: the loop rests, and accepts again when there are some. */
Test(http_server, running_out_of_descriptors_pauses_accepting)
{
    struct world w;
    struct client c, waits;
    struct rlimit was, few;
    world_open(&w, NULL);
    client_open(&w, &waits, NULL);
    client_open(&w, &c, NULL);
    WORLD_UNTIL(&w, world_stats(&w).open == 2);
    client_close(&waits);
    WORLD_UNTIL(&w, world_stats(&w).open == 1);
    client_open(&w, &waits, NULL); /* connected by the kernel, not accepted yet */
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = 3;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    unsigned turns = 0;
    for (uint64_t until = world_now_ms() + 250u; world_now_ms() < until; turns++)
        world_turn(&w);
    cr_assert_lt(turns, 400, "%u turns in 250 ms: it spins", turns);
    client_text(&w, &c, "GET /a HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &c, "\r\n\r\n/a"); /* those that are in are served */
    cr_assert_eq(world_stats(&w).open, 1);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    client_text(&w, &waits, "GET /b HTTP/1.1\r\n" H "\r\n");
    client_expect(&w, &waits, "\r\n\r\n/b");
    client_close(&c);
    client_close(&waits);
    world_close(&w);
}

static void uploads(struct world *w)
{
    w->options.max_body_bytes = 32u << 20;
    w->options.max_conns = 1024;
}

/* Bodies that do not end: their memory is bounded over all connections, and by half of that for
 * one address. */
Test(http_server, memory_for_requests_is_bounded_for_an_address)
{
    struct world w;
    static struct client c[4];
    static char piece[128u << 10];
    world_open(&w, uploads); /* four bodies: 128 MiB, of which an address has 64 */
    unsigned refused = 0;
    for (unsigned i = 0; i < 4; i++) {
        client_open(&w, &c[i], "127.0.0.2");
        client_text(&w, &c[i], "POST / HTTP/1.1\r\n" H "Content-Length: 33554432\r\n\r\n");
        for (unsigned sent = 0; sent < 30u << 20 && c[i].bytes == 0; sent += sizeof piece) {
            client_send(&w, &c[i], piece, sizeof piece);
            world_turn(&w);
            client_receive(&c[i]);
        }
        refused += strncmp(c[i].in, "HTTP/1.1 503 ", 13) == 0;
    }
    cr_assert_geq(refused, 1);
    struct client other;
    client_open(&w, &other, "127.0.0.3");
    client_text(&w, &other, "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
    client_expect(&w, &other, "\r\n\r\nhi");
    client_close(&other);
    for (unsigned i = 0; i < 4; i++)
        client_close(&c[i]);
    world_close(&w);
}

Test(http_server, a_port_in_use_and_a_foreign_address_are_said)
{
    struct world w;
    struct node_http *second;
    char why[160];
    world_open(&w, NULL);
    w.options.port = node_http_port(w.http);
    cr_assert_eq(node_http_new(&second, &w.options, why), TD_E_BUSY);
    cr_assert(second == NULL && strstr(why, "127.0.0.1:") != NULL, "%s", why);
    cr_assert_not_null(strstr(why, "another port"), "%s", why);
    w.options.port = 0;
    w.options.host = "192.0.2.1";
    cr_assert_eq(node_http_new(&second, &w.options, why), TD_E_IO);
    cr_assert_not_null(strstr(why, "192.0.2.1"), "%s", why);
    w.options.host = "no such host";
    cr_assert_eq(node_http_new(&second, &w.options, why), TD_E_IO);
    w.options.max_conns = 0;
    cr_assert_eq(node_http_new(&second, &w.options, why), TD_E_RANGE);
    world_close(&w);
}

Test(http_server, names_and_addresses_of_both_families_are_listened_on)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0"};
    struct world w;
    struct node_http *second;
    char why[160];
    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        w.options.host = hosts[i];
        enum td_error err = node_http_new(&second, &w.options, why);
        if (err != TD_OK && strchr(hosts[i], ':') != NULL)
            continue; /* a machine without IPv6 */
        cr_assert_eq(err, TD_OK, "%s", why);
        cr_assert(node_http_port(second) != 0 && node_http_port(second) != node_http_port(w.http));
        node_http_free(second);
    }
    world_close(&w);
}
