/* A server for the tests that speak to it from another language, and for figures: GET answers its
 * path, POST and WebSocket messages answer themselves.  Prints its port, ends with its stdin. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/rpc/server.h"

struct state {
    struct node_http *http;
    struct event_base *base;
};

static void on_request(void *ctx, struct node_http_request *q, enum node_http_kind kind,
                       const char *path, struct td_bytes body)
{
    struct state *s = ctx;
    if (kind == NODE_HTTP_SOCKET_MESSAGE && td_bytes_eq(body, td_bytes_of_text("push")) &&
        !node_http_push(s->http, node_http_conn(q), td_bytes_of_text("pushed")))
        fprintf(stderr, "the push was refused\n");
    if (kind == NODE_HTTP_GET)
        node_http_reply(q, 200, "text/plain", td_bytes_of_text(path));
    else
        node_http_reply(q, 200, "application/json", body);
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
    struct state *s = arg;
    char line[64];
    (void)what;
    if (read(fd, line, sizeof line) <= 0)
        event_base_loopbreak(s->base);
}

int main(int argc, char **argv)
{
    struct state s = {.base = event_base_new()};
    char why[160];
    const struct node_http_options options = {
        .base = s.base,
        .host = "127.0.0.1",
        .websocket = true,
        .max_conns = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1024u,
        .max_body_bytes = 1u << 20,
        .ctx = &s,
        .request = on_request,
    };
    signal(SIGPIPE, SIG_IGN);
    if (s.base == NULL || node_http_new(&s.http, &options, why) != TD_OK) {
        fprintf(stderr, "http_server: %s\n", s.base == NULL ? "no event base" : why);
        return 1;
    }
    struct event *in = event_new(s.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, &s);
    if (in == NULL || event_add(in, NULL) != 0)
        return 1;
    printf("%u\n", node_http_port(s.http));
    fflush(stdout);
    event_base_dispatch(s.base);
    event_free(in);
    node_http_free(s.http);
    event_base_free(s.base);
    return 0;
}
