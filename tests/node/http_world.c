#define _GNU_SOURCE 1 /* memmem */
#include "tests/node/http_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t world_now_ms(void)
{
    const struct td_clock clock = td_clock_system();
    return td_clock_mono_ns(&clock) / 1000000u;
}

static void echo(struct world *w, struct node_http_request *q, enum node_http_kind kind,
                 const char *path, struct td_bytes body)
{
    if (w->pad_bytes > 0) {
        char *pad = malloc(w->pad_bytes);
        cr_assert_not_null(pad);
        memset(pad, 'x', w->pad_bytes);
        node_http_reply(q, 200, "text/plain", td_bytes_of(pad, w->pad_bytes));
        free(pad);
    } else if (kind == NODE_HTTP_GET) {
        node_http_reply(q, 200, "text/plain", td_bytes_of_text(path));
    } else {
        node_http_reply(q, 200, "application/json", body);
    }
}

static void on_request(void *ctx, struct node_http_request *q, enum node_http_kind kind,
                       const char *path, struct td_bytes body)
{
    struct world *w = ctx;
    w->requests++;
    w->kind = kind;
    w->conn = node_http_conn(q);
    snprintf(w->path, sizeof w->path, "%s", path);
    snprintf(w->body, sizeof w->body, "%.*s", (int)(body.len < 500u ? body.len : 500u),
             body.len == 0 ? "" : (const char *)body.ptr);
    if (!w->hold) {
        echo(w, q, kind, path, body);
        return;
    }
    cr_assert_lt(w->held_count, WORLD_HELD_MAX);
    w->held[w->held_count++] = q;
}

static void on_closed(void *ctx, uint64_t conn)
{
    struct world *w = ctx;
    w->closed_count++;
    w->closed = conn;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void world_open(struct world *w, void (*change)(struct world *w))
{
    char why[160];
    const struct timeval ms = {.tv_usec = 1000};
    *w = (struct world){.base = event_base_new()};
    cr_assert_not_null(w->base);
    w->times = node_http_times_default;
    w->options = (struct node_http_options){.base = w->base,
                                            .host = "127.0.0.1",
                                            .websocket = true,
                                            .max_conns = 64,
                                            .max_body_bytes = 4096,
                                            .times = &w->times,
                                            .ctx = w,
                                            .request = on_request,
                                            .closed = on_closed};
    if (change != NULL)
        change(w);
    w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, NULL);
    cr_assert(w->tick != NULL && event_add(w->tick, &ms) == 0);
    cr_assert_eq(node_http_new(&w->http, &w->options, why), TD_OK, "%s", why);
}

void world_close(struct world *w)
{
    node_http_free(w->http);
    event_free(w->tick);
    event_base_free(w->base);
}

void world_turn(struct world *w)
{
    cr_assert_geq(event_base_loop(w->base, EVLOOP_ONCE), 0);
}

void world_reply(struct world *w, uint32_t n, const char *body)
{
    cr_assert(n < w->held_count && w->held[n] != NULL);
    struct node_http_request *q = w->held[n];
    w->held[n] = NULL;
    node_http_reply(q, 200, "text/plain", td_bytes_of_text(body));
}

struct node_http_stats world_stats(const struct world *w)
{
    struct node_http_stats s;
    node_http_stats(w->http, &s);
    return s;
}

void client_open(struct world *w, struct client *c, const char *from)
{
    struct sockaddr_in at = {.sin_family = AF_INET}, to = at;
    to.sin_port = htons(node_http_port(w->http));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                         .in = calloc(1, CLIENT_BYTES_MAX + 1u)};
    cr_assert(c->fd >= 0 && c->in != NULL);
    if (from != NULL) {
        cr_assert_eq(inet_pton(AF_INET, from, &at.sin_addr), 1);
        cr_assert_eq(bind(c->fd, (struct sockaddr *)&at, sizeof at), 0);
    }
    cr_assert_eq(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0, "%s", strerror(errno));
    cr_assert_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
}

void client_close(struct client *c)
{
    close(c->fd);
    free(c->in);
    c->in = NULL;
}

void client_send(struct world *w, struct client *c, const void *bytes, size_t len)
{
    uint64_t until = world_now_ms() + 10000u;
    for (size_t at = 0; at < len;) {
        ssize_t n = send(c->fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* the server has closed: what it said is still to be read */
        cr_assert(n >= 0 || errno == EAGAIN, "%s", strerror(errno));
        cr_assert_lt(world_now_ms(), until, "the server takes no more bytes");
        at += n > 0 ? (size_t)n : 0u;
        if (n < 0)
            world_turn(w);
    }
}

void client_text(struct world *w, struct client *c, const char *text)
{
    client_send(w, c, text, strlen(text));
}

void client_receive(struct client *c)
{
    while (!c->eof) {
        if (c->discard)
            c->bytes = 0;
        cr_assert_lt(c->bytes, CLIENT_BYTES_MAX);
        ssize_t n = recv(c->fd, c->in + c->bytes, CLIENT_BYTES_MAX - c->bytes, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        c->eof = n <= 0;
        c->bytes += n > 0 ? (size_t)n : 0u;
        c->total += n > 0 ? (size_t)n : 0u;
        c->in[c->bytes] = '\0';
    }
}

void client_expect(struct world *w, struct client *c, const char *text)
{
    uint64_t until = world_now_ms() + 10000u;
    size_t len = strlen(text);
    for (;;) {
        client_receive(c);
        char *at = memmem(c->in, c->bytes, text, len);
        if (at != NULL) {
            size_t used = (size_t)(at - c->in) + len;
            c->bytes -= used;
            memmove(c->in, c->in + used, c->bytes + 1u);
            return;
        }
        cr_assert(!c->eof && world_now_ms() < until, "no \"%s\" but \"%s\"%s", text, c->in,
                  c->eof ? " and the end" : "");
        world_turn(w);
    }
}

void client_expect_end(struct world *w, struct client *c)
{
    uint64_t until = world_now_ms() + 10000u;
    for (client_receive(c); !c->eof; client_receive(c)) {
        cr_assert_lt(world_now_ms(), until, "the server did not close");
        world_turn(w);
    }
}
