#include "node/rpc/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/codes.h"
#include "node/rpc/server_internal.h"

/* Waiting to be accepted; the kernel caps it at net.core.somaxconn. */
#define BACKLOG 1024
/* Out of descriptors: connections under way end meanwhile and give theirs back. */
#define RELISTEN_MS 100

const struct node_http_times node_http_times_default = {.head_ms = 10000,
                                                        .body_ms = 10000,
                                                        .reply_ms = 10000,
                                                        .idle_ms = 60000,
                                                        .ping_ms = 30000,
                                                        .linger_ms = 2000};

/* ---- accepting */

/* The first words to a client that may not stay, as far as the socket takes them. */
static void turn_away(int fd, int status)
{
    const char *reason = status == 503 ? "Service Unavailable" : "Too Many Requests";
    const char *why = status == 503 ? "all max_conns connections are in use; try again in a while\n"
                                    : "one address gets a quarter of max_conns; close some first\n";
    char unread[NODE_HTTP_AHEAD_BYTES], text[320];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %d %s\r\nRetry-After: 1\r\nConnection: close\r\n"
                     "Access-Control-Allow-Origin: *\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s",
                     status, reason, strlen(why), why);
    /* Read what came already: closing with bytes unread would destroy the answer. */
    (void)!recv(fd, unread, sizeof unread, MSG_DONTWAIT);
    if (n > 0 && (size_t)n < sizeof text)
        (void)!send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    close(fd);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr, int len,
                      void *arg)
{
    struct node_http *h = arg;
    uint32_t max = h->options.max_conns;
    uint32_t share = max < 4u ? 1u : max / 4u;
    (void)l;
    (void)len;
    h->stats.accepted++;
    if (h->free_count == 0) {
        h->stats.refused_full++;
        turn_away(fd, 503);
        return;
    }
    struct node_http_peer *peer = node_http_peers_enter(h->peers, addr, node_http_now(h));
    if (peer == NULL) {
        h->stats.refused_full++;
        close(fd);
        return;
    }
    if (peer->conns > share) {
        h->stats.refused_full++;
        turn_away(fd, 429);
        node_http_peers_leave(h->peers, peer);
        return;
    }
    if (!node_conn_new(h, fd, peer)) {
        h->stats.refused_full++;
        node_http_peers_leave(h->peers, peer);
    }
}

static void on_relisten(evutil_socket_t fd, short what, void *arg)
{
    struct node_http *h = arg;
    (void)fd;
    (void)what;
    evconnlistener_enable(h->listener);
}

/* accept(2) failed for want of something that asking again at once does not bring: the socket
 * stays readable, so the loop would spin. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
    struct node_http *h = arg;
    int err = errno;
    const struct timeval pause = {.tv_usec = RELISTEN_MS * 1000};
    uint64_t now = node_http_now(h);
    evconnlistener_disable(l);
    event_add(h->relisten, &pause);
    if (h->options.log == NULL || (h->warned_ns != 0 && now - h->warned_ns < 60000000000u))
        return;
    h->warned_ns = now;
    const struct td_log_field fields[] = {TD_LOG_STR("error", strerror(err)),
                                          TD_LOG_U64("open", h->stats.open)};
    td_log_put(h->options.log,
               &(struct td_log_event){.level = TD_LOG_WARN,
                                      .mod = "rpc",
                                      .msg = "cannot accept connections",
                                      .code = NODE_T_RPC_ACCEPT,
                                      .hint = "raise the limit of open files (ulimit -n, "
                                              "LimitNOFILE) above max_conns",
                                      .fields = fields,
                                      .field_count = 2});
}

/* ---- listening */

static struct addrinfo *resolve(const char *host, uint16_t port, char why[160])
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char name[256], service[8];
    size_t n = strlen(host);
    bool brackets = n >= 2 && host[0] == '[' && host[n - 1u] == ']';
    snprintf(name, sizeof name, "%.*s", (int)(brackets ? n - 2u : n), host + (brackets ? 1 : 0));
    snprintf(service, sizeof service, "%u", port);
    int rc = getaddrinfo(name[0] == '\0' ? NULL : name, service, &hints, &list);
    if (rc != 0) {
        snprintf(why, 160, "cannot listen on %.50s: %.50s; give an address of this machine", host,
                 gai_strerror(rc));
        return NULL;
    }
    return list;
}

static enum td_error listen_on(struct node_http *h, char why[160])
{
    const struct node_http_options *o = &h->options;
    struct addrinfo *list = resolve(o->host, o->port, why);
    const struct addrinfo *a = list;
    if (list == NULL)
        return TD_E_IO;
    while (a != NULL && a->ai_family != AF_INET) /* a name with both: what clients try anyway */
        a = a->ai_next;
    a = a == NULL ? list : a;
    h->listener = evconnlistener_new_bind(
        o->base, on_accept, h, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        BACKLOG, a->ai_addr, (int)a->ai_addrlen);
    int err = errno;
    freeaddrinfo(list);
    if (h->listener == NULL) {
        snprintf(why, 160, "cannot listen on %.45s:%u: %.45s; %s", o->host, o->port, strerror(err),
                 err == EADDRINUSE ? "stop its user or choose another port"
                                   : "choose another address");
        return err == EADDRINUSE ? TD_E_BUSY : TD_E_IO;
    }
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    struct sockaddr_storage bound;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    socklen_t len = sizeof bound;
    if (getsockname(evconnlistener_get_fd(h->listener), (struct sockaddr *)&bound, &len) != 0)
        return TD_E_IO;
    memcpy(&in, &bound, sizeof in);
    memcpy(&in6, &bound, sizeof in6);
    h->port = ntohs(bound.ss_family == AF_INET6 ? in6.sin6_port : in.sin_port);
    return TD_OK;
}

enum td_error node_http_new(struct node_http **out, const struct node_http_options *options,
                            char why[160])
{
    *out = NULL;
    if (options->max_conns == 0 || options->max_conns > 1u << NODE_HTTP_SLOT_BITS) {
        snprintf(why, 160, "max_conns is %u; it may be 1 to %u", options->max_conns,
                 1u << NODE_HTTP_SLOT_BITS);
        return TD_E_RANGE;
    }
    struct node_http *h = calloc(1, sizeof *h);
    enum td_error err = TD_E_NOMEM;
    snprintf(why, 160, "out of memory for %u connections; lower max_conns", options->max_conns);
    if (h == NULL)
        return err;
    h->options = *options;
    h->times = options->times == NULL ? node_http_times_default : *options->times;
    h->clock = td_clock_system();
    h->in_max = NODE_HTTP_IN_BYTES_MAX;
    if (options->max_body_bytes > h->in_max / 4u)
        h->in_max = (size_t)options->max_body_bytes * 4u;
    h->date_at = -1;
    h->peers = node_http_peers_new(options->rate_per_ip);
    h->slots = calloc(options->max_conns, sizeof *h->slots);
    h->free_slots = calloc(options->max_conns, sizeof *h->free_slots);
    h->relisten = event_new(options->base, -1, 0, on_relisten, h);
    if (h->peers == NULL || h->slots == NULL || h->free_slots == NULL || h->relisten == NULL)
        goto out;
    for (uint32_t i = 0; i < options->max_conns; i++)
        h->free_slots[i] = options->max_conns - 1u - i;
    h->free_count = options->max_conns;
    err = listen_on(h, why);
out:
    if (err != TD_OK) {
        node_http_free(h);
        return err;
    }
    why[0] = '\0';
    *out = h;
    return TD_OK;
}

void node_http_free(struct node_http *h)
{
    if (h == NULL)
        return;
    h->options.closed = NULL; /* its receiver knows: it ends the server */
    if (h->listener != NULL)
        evconnlistener_free(h->listener);
    if (h->relisten != NULL)
        event_free(h->relisten);
    while (h->conns != NULL)
        node_conn_free(h->conns);
    while (h->requests != NULL) {
        struct node_http_request *q = h->requests;
        h->requests = q->next;
        node_http_request_free(q);
    }
    node_http_peers_free(h->peers);
    free(h->slots);
    free(h->free_slots);
    free(h);
}

uint16_t node_http_port(const struct node_http *h)
{
    return h->port;
}

/* ---- answering */

uint64_t node_http_conn(const struct node_http_request *q)
{
    return q->conn_id;
}

void node_http_reply(struct node_http_request *q, int status, const char *type,
                     struct td_bytes body)
{
    struct node_http *h = q->http;
    struct node_http_conn *c = q->conn;
    *(q->prev == NULL ? &h->requests : &q->prev->next) = q->next;
    if (q->next != NULL)
        q->next->prev = q->prev;
    if (c != NULL) {
        c->under_way--;
        if (q->kind != NODE_HTTP_SOCKET_MESSAGE)
            node_http_answer(c, q, status, type, "", body);
        else if (c->is_socket && body.len > 0)
            (void)node_ws_text(c, body);
        /* Pipelined requests, messages that waited, and the end of a client come in the loop's next
         * turn, unless the loop is at this connection just now. */
        if (!c->pumping && (c->eof || evbuffer_get_length(bufferevent_get_input(c->bev)) > 0))
            node_conn_wake(c);
    }
    node_http_request_free(q);
}

bool node_http_push(struct node_http *h, uint64_t conn, struct td_bytes text)
{
    uint32_t slot = (uint32_t)(conn & ((1u << NODE_HTTP_SLOT_BITS) - 1u));
    if (slot >= h->options.max_conns)
        return false;
    struct node_http_conn *c = h->slots[slot];
    return c != NULL && c->id == conn && c->is_socket && node_ws_text(c, text);
}

void node_http_stats(const struct node_http *h, struct node_http_stats *out)
{
    *out = h->stats;
}
