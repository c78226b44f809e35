#define _POSIX_C_SOURCE 200809L
#include "node/cli/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/clock.h"

struct deadline {
    struct td_clock clock;
    uint64_t at_ns;
};

static struct deadline deadline_in(uint32_t ms)
{
    struct td_clock clock = td_clock_system();
    return (struct deadline){.clock = clock,
                             .at_ns = td_clock_mono_ns(&clock) + (uint64_t)ms * 1000000u};
}

/* Wait until the socket is ready or the time is up. */
static bool wait_for(int fd, short events, const struct deadline *d)
{
    for (;;) {
        uint64_t now = td_clock_mono_ns(&d->clock);
        if (now >= d->at_ns)
            return false;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)((d->at_ns - now) / 1000000u) + 1);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static enum td_error fail(struct node_http_client *c, enum td_error err, const char *what)
{
    snprintf(c->why, sizeof c->why, "%s", what);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    return err;
}

void node_http_client_init(struct node_http_client *c, const char *host, uint16_t port,
                           uint32_t timeout_ms)
{
    memset(c, 0, sizeof *c);
    snprintf(c->host, sizeof c->host, "%s", host);
    c->port = port;
    c->timeout_ms = timeout_ms;
    c->fd = -1;
}

void node_http_client_free(struct node_http_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->body);
    c->body = NULL;
}

static bool connected(int fd, const struct addrinfo *a, const struct deadline *d)
{
    int problem = 0;
    socklen_t len = sizeof problem;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return true;
    if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, d) ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
        return false;
    errno = problem;
    return problem == 0;
}

static enum td_error dial(struct node_http_client *c, const struct deadline *d)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    const int yes = 1;
    snprintf(service, sizeof service, "%u", (unsigned)c->port);
    if (getaddrinfo(c->host, service, &hints, &list) != 0)
        return fail(c, TD_E_IO, "no such host");
    errno = ETIMEDOUT;
    for (struct addrinfo *a = list; a != NULL && c->fd < 0; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            continue;
        if (connected(fd, a, d)) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            c->fd = fd;
            break;
        }
        int kept = errno;
        close(fd);
        errno = kept;
    }
    freeaddrinfo(list);
    return c->fd >= 0 ? TD_OK : fail(c, TD_E_IO, strerror(errno));
}

static bool send_all(struct node_http_client *c, const void *bytes, size_t len,
                     const struct deadline *d)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (!wait_for(c->fd, POLLOUT, d))
                return false;
            continue;
        }
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* At least one byte at `out`; 0 at the end of the stream, -1 on failure or when time is up. */
static ssize_t receive(struct node_http_client *c, char *out, size_t cap, const struct deadline *d)
{
    for (;;) {
        ssize_t n = recv(c->fd, out, cap, 0);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n;
        if (!wait_for(c->fd, POLLIN, d))
            return -1;
    }
}

bool node_http_head(const char *head, size_t len, int *status, int64_t *length)
{
    static const char name[] = "content-length:";
    const char *end = head + len;
    *length = -1;
    if (len < 13 || strncmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ')
        return false;
    *status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9')
            return false;
        *status = *status * 10 + (head[i] - '0');
    }
    for (const char *line = head; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            break;
        if ((size_t)(stop - line) > sizeof name - 1u &&
            strncasecmp(line, name, sizeof name - 1u) == 0) {
            const char *p = line + sizeof name - 1u;
            int64_t value = 0;
            while (*p == ' ' || *p == '\t')
                p++;
            if (*length >= 0 || *p < '0' || *p > '9')
                return false;
            for (; *p >= '0' && *p <= '9'; p++) {
                if (value > INT64_C(1) << 40)
                    return false;
                value = value * 10 + (*p - '0');
            }
            if (*p != '\r' && *p != '\n')
                return false;
            *length = value;
        }
        line = stop + 1;
    }
    return true;
}

static bool room(struct node_http_client *c, size_t want)
{
    if (want <= c->body_cap)
        return true;
    size_t cap = c->body_cap == 0 ? 4096u : c->body_cap;
    while (cap < want)
        cap *= 2;
    char *more = realloc(c->body, cap);
    TD_ASSERT(more != NULL);
    c->body = more;
    c->body_cap = cap;
    return true;
}

/* The rest of the body; `length` -1: until the stream ends. */
static enum td_error read_body(struct node_http_client *c, int64_t length, const struct deadline *d)
{
    if (length > (int64_t)NODE_HTTP_BODY_MAX)
        return fail(c, TD_E_LIMIT, "the answer is larger than 16 MiB");
    while (length < 0 || c->body_len < (size_t)length) {
        size_t want = length < 0 ? c->body_len + 4096u : (size_t)length;
        if (want > NODE_HTTP_BODY_MAX)
            return fail(c, TD_E_LIMIT, "the answer is larger than 16 MiB");
        room(c, want + 1u);
        ssize_t n = receive(c, c->body + c->body_len, want - c->body_len, d);
        if (n < 0 || (n == 0 && length >= 0))
            return fail(c, TD_E_IO, "the answer did not come in time, or was cut");
        if (n == 0)
            break;
        c->body_len += (size_t)n;
    }
    room(c, c->body_len + 1u);
    c->body[c->body_len] = '\0';
    return TD_OK;
}

static enum td_error read_answer(struct node_http_client *c, const struct deadline *d)
{
    char head[NODE_HTTP_HEAD_MAX + 1u];
    size_t len = 0;
    char *end = NULL;
    int64_t length = -1;
    while (end == NULL) {
        if (len == NODE_HTTP_HEAD_MAX)
            return fail(c, TD_E_IO, "not an answer of HTTP");
        ssize_t n = receive(c, head + len, NODE_HTTP_HEAD_MAX - len, d);
        if (n <= 0)
            return fail(c, TD_E_IO, n == 0 ? "the connection was closed" : "no answer in time");
        len += (size_t)n;
        head[len] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    size_t head_len = (size_t)(end - head) + 4u;
    if (!node_http_head(head, head_len, &c->status, &length))
        return fail(c, TD_E_IO, "not an answer of HTTP");
    c->body_len = len - head_len;
    if (length >= 0 && c->body_len > (size_t)length)
        return fail(c, TD_E_IO, "more than the answer came");
    room(c, c->body_len + 1u);
    memcpy(c->body, head + head_len, c->body_len);
    enum td_error e = read_body(c, length, d);
    if (e == TD_OK && length < 0) {
        close(c->fd);
        c->fd = -1;
    }
    return e;
}

static enum td_error exchange(struct node_http_client *c, const char *head, size_t head_len,
                              struct td_bytes body)
{
    struct deadline d = deadline_in(c->timeout_ms);
    char byte;
    /* A server may have closed a connection that was idle: look before it is used. */
    if (c->fd >= 0 && recv(c->fd, &byte, 1, MSG_PEEK) >= 0) {
        close(c->fd);
        c->fd = -1;
    }
    enum td_error e = c->fd >= 0 ? TD_OK : dial(c, &d);
    if (e != TD_OK)
        return e;
    if (!send_all(c, head, head_len, &d) || !send_all(c, body.ptr, body.len, &d))
        return fail(c, TD_E_IO, "the request could not be sent");
    return read_answer(c, &d);
}

#define AUTHORITY_BYTES 272u

/* host:port; an IPv6 address goes in brackets (RFC 3986, section 3.2.2). */
static void print_authority(char out[AUTHORITY_BYTES], const struct node_http_client *c)
{
    bool six = strchr(c->host, ':') != NULL;
    snprintf(out, AUTHORITY_BYTES, "%s%s%s:%u", six ? "[" : "", c->host, six ? "]" : "",
             (unsigned)c->port);
}

enum td_error node_http_get(struct node_http_client *c, const char *path)
{
    char head[1024], authority[AUTHORITY_BYTES];
    print_authority(authority, c);
    int len = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n",
                       path, authority);
    TD_ASSERT(len > 0 && (size_t)len < sizeof head);
    return exchange(c, head, (size_t)len, td_bytes_of(NULL, 0));
}

enum td_error node_http_post(struct node_http_client *c, struct td_bytes json)
{
    char head[1024], authority[AUTHORITY_BYTES];
    print_authority(authority, c);
    int len = snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       authority, json.len);
    TD_ASSERT(len > 0 && (size_t)len < sizeof head);
    return exchange(c, head, (size_t)len, json);
}
