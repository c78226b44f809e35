/* The HTTP client against a server that answers from a script: what is read, what is refused, that
 * every wait ends; and the head's reader by table.
 * Method: a thread accepts on 127.0.0.1, reads a request and writes the scripted bytes. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/cli/http_client.h"

static const struct {
    const char *head;
    bool good;
    int status;
    int64_t length;
} HEADS[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", true, 200, 12},
    {"HTTP/1.0 404 Not Found\r\ncontent-length:0\r\n\r\n", true, 404, 0},
    {"HTTP/1.1 200 OK\r\nX: y\r\n\r\n", true, 200, -1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, 0, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, 0, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", false, 0, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false, 0, 0},
    {"HTTP/1.1 2x0 OK\r\n\r\n", false, 0, 0},
    {"HTTP/2 200 OK\r\n\r\n", false, 0, 0},
    {"SSH-2.0-server\r\n\r\n", false, 0, 0},
    {"\r\n\r\n", false, 0, 0},
};

Test(http_client, heads)
{
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++) {
        int status = 0;
        int64_t length = 0;
        bool good = node_http_head(HEADS[i].head, strlen(HEADS[i].head), &status, &length);
        cr_assert_eq(good, HEADS[i].good, "%s", HEADS[i].head);
        if (!good)
            continue;
        cr_expect_eq(status, HEADS[i].status, "%s", HEADS[i].head);
        cr_expect_eq(length, HEADS[i].length, "%s", HEADS[i].head);
    }
}

/* ---- a scripted server */

struct server {
    int fd;
    uint16_t port;
    const char *answers[3]; /* one per request; NULL: silence until the client goes away */
    size_t answer_count;
    bool close_each; /* after each answer */
    uint32_t connections;
    pthread_t thread;
};

/* Up to the end of a head and what its Content-Length promises. */
static bool read_request(int fd)
{
    char text[4096] = "";
    size_t len = 0;
    for (;;) {
        const char *end = strstr(text, "\r\n\r\n");
        const char *says = strstr(text, "Content-Length: ");
        size_t body = says == NULL ? 0 : (size_t)atoi(says + 16);
        if (end != NULL && len >= (size_t)(end - text) + 4u + body)
            return true;
        ssize_t n = read(fd, text + len, sizeof text - 1u - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = -1;
    for (size_t i = 0; i < s->answer_count;) {
        if (fd < 0) {
            fd = accept(s->fd, NULL, NULL);
            s->connections++;
        }
        if (!read_request(fd)) {
            close(fd);
            fd = -1;
            continue;
        }
        if (s->answers[i] == NULL) {
            char byte;
            while (read(fd, &byte, 1) > 0) /* ends when the client gives up */
                ;
        } else {
            const char *at = s->answers[i];
            (void)!write(fd, at, strlen(at));
        }
        if (s->close_each || s->answers[i] == NULL) {
            close(fd);
            fd = -1;
        }
        i++;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void start(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(s->fd, 4), 0);
    cr_assert_eq(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
}

Test(http_client, one_connection_serves_many_requests)
{
    struct server s = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
                                   "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"},
                       .answer_count = 2};
    struct node_http_client c;
    start(&s);
    node_http_client_init(&c, "127.0.0.1", s.port, 10000);
    cr_assert_eq(node_http_get(&c, "/status"), TD_OK, "%s", c.why);
    cr_expect_str_eq(c.body, "first");
    cr_expect_eq(c.status, 200);
    cr_assert_eq(node_http_post(&c, td_bytes_of_text("{}")), TD_OK, "%s", c.why);
    cr_expect_str_eq(c.body, "");
    cr_expect_eq(c.status, 500);
    node_http_client_free(&c);
    stop(&s);
    cr_expect_eq(s.connections, 1);
}

Test(http_client, a_closed_connection_is_dialled_again)
{
    struct server s = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
                                   "HTTP/1.1 200 OK\r\n\r\nuntil the end"},
                       .answer_count = 2,
                       .close_each = true};
    struct node_http_client c;
    char byte;
    start(&s);
    node_http_client_init(&c, "127.0.0.1", s.port, 10000);
    cr_assert_eq(node_http_get(&c, "/"), TD_OK, "%s", c.why);
    /* Until the close has arrived here. */
    struct pollfd wait = {.fd = c.fd, .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 10000), 1);
    cr_assert_eq(recv(c.fd, &byte, 1, MSG_PEEK), 0);
    cr_assert_eq(node_http_get(&c, "/"), TD_OK, "%s", c.why);
    cr_expect_str_eq(c.body, "until the end");
    node_http_client_free(&c);
    stop(&s);
    cr_expect_eq(s.connections, 2);
}

static const struct {
    const char *answer;
    enum td_error error;
    const char *why;
} BAD[] = {
    {NULL, TD_E_IO, "no answer in time"},
    {"no HTTP at all\r\n\r\n", TD_E_IO, "not an answer of HTTP"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", TD_E_IO, "or was cut"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ntoo much", TD_E_IO, "more than the answer"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", TD_E_LIMIT, "larger than 16 MiB"},
    {"HTTP/1.1 200 OK\r\nX:", TD_E_IO, "closed"},
};

Test(http_client, bad_answers_end_in_a_reason)
{
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct server s = {.answers = {BAD[i].answer}, .answer_count = 1, .close_each = true};
        struct node_http_client c;
        start(&s);
        node_http_client_init(&c, "127.0.0.1", s.port, BAD[i].answer == NULL ? 100 : 10000);
        cr_expect_eq(node_http_get(&c, "/"), BAD[i].error, "row %zu", i);
        cr_expect_not_null(strstr(c.why, BAD[i].why), "row %zu: %s", i, c.why);
        cr_expect_eq(c.fd, -1);
        node_http_client_free(&c);
        stop(&s);
    }
}

Test(http_client, nobody_there)
{
    struct server s = {.answer_count = 0};
    struct node_http_client c;
    start(&s);
    stop(&s);
    node_http_client_init(&c, "127.0.0.1", s.port, 5000);
    cr_expect_eq(node_http_get(&c, "/"), TD_E_IO);
    cr_expect_str_eq(c.why, "Connection refused");
    node_http_client_free(&c);
}
