#define _GNU_SOURCE /* SOCK_ flags */
#include "testnet/abuse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/clock.h"

#define CONNS_MAX 200u
#define FLOODERS 16u
#define OVERSIZERS 4u
#define STEP_MS 100

enum kind { FLOOD, SLOWLORIS, OVERSIZE, KINDS };
static const char *const NAMES[KINDS] = {"flood", "slowloris", "oversize"};

static const char ASK[] =
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 63\r\n\r\n"
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}";
static const char SLOW[] =
    "POST / HTTP/1.1\r\nHost: localhost\r\nX-Padding: a very long header, to be "
    "continued for as long as somebody listens to it";
static const char HUGE_HEAD[] =
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 1073741824\r\n\r\n";

struct abuse {
    enum kind kind;
    struct sockaddr_in to;
    struct pollfd fds[CONNS_MAX];
    size_t sent[CONNS_MAX]; /* of the text of the request under way */
    uint32_t count;
    struct testnet_abuse_result *out;
};

bool testnet_abuse_known(const char *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kind, NAMES[i]) == 0)
            return true;
    return false;
}

static void reopen(struct abuse *a, uint32_t i)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    a->sent[i] = 0;
    a->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN | POLLOUT};
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a->to, sizeof a->to) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        a->fds[i].fd = -1;
    }
}

static void hang_up(struct abuse *a, uint32_t i)
{
    close(a->fds[i].fd);
    a->fds[i].fd = -1; /* poll passes it over; opened again with the next step */
    a->out->closed++;
}

/* Send what there is to send; `slow`: a byte. */
static void send_some(struct abuse *a, uint32_t i, bool slow)
{
    static const char zeros[65536];
    const char *text = a->kind == FLOOD ? ASK : a->kind == SLOWLORIS ? SLOW : HUGE_HEAD;
    size_t len = strlen(text), at = a->sent[i];
    const char *from = at < len ? text + at : zeros;
    size_t left = at < len ? len - at : a->kind == OVERSIZE ? sizeof zeros : 0;
    if (left == 0)
        a->fds[i].events = POLLIN;
    if (left == 0 || (a->kind == SLOWLORIS && !slow))
        return;
    ssize_t n = send(a->fds[i].fd, from, slow ? 1u : left, MSG_NOSIGNAL);
    if (n > 0) {
        a->out->sent += at == 0 ? 1 : 0;
        a->sent[i] += (size_t)n;
    } else if (n < 0 && errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN) {
        hang_up(a, i);
    }
}

static void receive(struct abuse *a, uint32_t i)
{
    char text[4096];
    ssize_t n = recv(a->fds[i].fd, text, sizeof text, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 12 && memcmp(text, "HTTP/1.1 ", 9) == 0) {
        bool good = text[9] == '2';
        a->out->answered += good ? 1 : 0;
        a->out->refused += good ? 0 : 1;
        a->sent[i] = 0;
        a->fds[i].events = POLLIN | POLLOUT;
        if (!good)
            hang_up(a, i);
    } else if (n <= 0) {
        hang_up(a, i);
    }
}

void testnet_abuse(struct testnet_abuse_result *out, const struct testnet *t, uint32_t node,
                   const char *kind, uint64_t ms)
{
    struct td_clock clock = td_clock_system();
    uint64_t now = td_clock_mono_ns(&clock), end = now + ms * 1000000u, slow_ns = now;
    struct abuse a = {.out = out};
    *out = (struct testnet_abuse_result){0};
    while (a.kind < KINDS && strcmp(kind, NAMES[a.kind]) != 0)
        a.kind++;
    TD_ASSERT(a.kind < KINDS);
    a.count = a.kind == FLOOD ? FLOODERS : a.kind == SLOWLORIS ? CONNS_MAX : OVERSIZERS;
    a.to =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(testnet_http_port(t, node))};
    a.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (uint32_t i = 0; i < a.count; i++)
        reopen(&a, i);
    for (; now < end; now = td_clock_mono_ns(&clock)) {
        bool slow = a.kind == SLOWLORIS && now >= slow_ns;
        if (slow)
            slow_ns = now + UINT64_C(1000000000);
        for (uint32_t i = 0; i < a.count; i++) {
            if (a.fds[i].fd < 0)
                reopen(&a, i);
            if (a.kind == SLOWLORIS) /* writable all the time, and not to be woken for it */
                a.fds[i].events = POLLIN;
            if (slow && a.fds[i].fd >= 0)
                send_some(&a, i, true);
        }
        if (poll(a.fds, a.count, STEP_MS) < 0 && errno != EINTR)
            break;
        for (uint32_t i = 0; i < a.count; i++) {
            if (a.fds[i].fd >= 0 && (a.fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
                receive(&a, i);
            if (a.fds[i].fd >= 0 && (a.fds[i].revents & POLLOUT) != 0)
                send_some(&a, i, false);
        }
    }
    for (uint32_t i = 0; i < a.count; i++)
        if (a.fds[i].fd >= 0)
            close(a.fds[i].fd);
}
