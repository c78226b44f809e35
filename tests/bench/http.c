/* The HTTP server on loopback: requests a second over connections that stay, and what ten thousand
 * slow connections cost it.  The server is a process of its own, started from the command line. */
#define _GNU_SOURCE 1 /* memmem */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 64u
#define SLOW_COUNT 10000u

static const char REQUEST[] =
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 63\r\n\r\n"
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}";

static pid_t server;
static int server_in;

static void fail(const char *what)
{
    fprintf(stderr, "bench_http: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint16_t start(const char *path)
{
    int in[2], out[2];
    char line[16] = "";
    if (pipe(in) != 0 || pipe(out) != 0)
        fail("pipe");
    server = fork();
    if (server == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(path, path, "48000", (char *)NULL); /* an address gets a quarter: 12,000 */
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server_in = in[1];
    if (server < 0 || read(out[0], line, sizeof line - 1u) <= 0)
        fail("the server did not start");
    close(out[0]);
    return (uint16_t)strtoul(line, NULL, 10);
}

static int connect_to(uint16_t port, const char *from)
{
    struct sockaddr_in at = {.sin_family = AF_INET}, to = at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (inet_pton(AF_INET, from, &at.sin_addr) != 1 || fd < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("connect");
    return fd;
}

static void send_all(int fd, const char *text, size_t len)
{
    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len && errno != ECONNRESET && errno != EPIPE)
        fail("send");
}

/* CPU seconds of the server so far. */
static double server_cpu_s(void)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)server);
    FILE *f = fopen(path, "r");
    if (f == NULL || fread(text, 1, sizeof text - 1u, f) == 0)
        fail(path);
    fclose(f);
    const char *p = strrchr(text, ')');
    for (int field = 2; p != NULL && field < 14; field++)
        p = strchr(p + 1, ' ');
    char *end = NULL;
    user = p == NULL ? 0 : strtoul(p, &end, 10);
    system = end == NULL ? 0 : strtoul(end, NULL, 10);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double server_rss_mib(void)
{
    char path[64];
    unsigned long pages = 0;
    char text[128] = "";
    snprintf(path, sizeof path, "/proc/%d/statm", (int)server);
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(text, sizeof text, f) == NULL)
        fail(path);
    fclose(f);
    const char *second = strchr(text, ' ');
    pages = second == NULL ? 0 : strtoul(second, NULL, 10);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

/* One request under way on each of `count` connections for `seconds`. */
static void measure(uint16_t port, unsigned count, double seconds, const char *name)
{
    struct pollfd p[CONNS_MAX];
    double sent_at[CONNS_MAX], longest = 0;
    unsigned long done = 0;
    for (unsigned i = 0; i < count; i++) {
        p[i] = (struct pollfd){.fd = connect_to(port, "127.0.0.1"), .events = POLLIN};
        send_all(p[i].fd, REQUEST, sizeof REQUEST - 1u);
        sent_at[i] = now_s();
    }
    double begun = now_s(), cpu = server_cpu_s();
    while (now_s() - begun < seconds) {
        if (poll(p, count, 1000) < 0)
            fail("poll");
        for (unsigned i = 0; i < count; i++) {
            char in[1024];
            if ((p[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
                continue;
            ssize_t n = recv(p[i].fd, in, sizeof in, 0);
            if (n <= 0 || memmem(in, (size_t)n, "200 OK", 6) == NULL)
                fail("a request was not answered");
            double now = now_s();
            longest = now - sent_at[i] > longest ? now - sent_at[i] : longest;
            done++;
            sent_at[i] = now;
            send_all(p[i].fd, REQUEST, sizeof REQUEST - 1u);
        }
    }
    double wall = now_s() - begun;
    cpu = server_cpu_s() - cpu;
    printf("%-44s %8.0f requests/s  %5.1f us of the server's CPU each  longest %5.1f ms\n", name,
           (double)done / wall, cpu * 1e6 / (double)(done == 0 ? 1u : done), longest * 1e3);
    for (unsigned i = 0; i < count; i++)
        close(p[i].fd);
}

/* Clients that never finish: silent, inside a head of 7 KiB, and inside a body, a third each. */
static void slow(uint16_t port)
{
    static int fds[SLOW_COUNT];
    static char head[7168];
    struct rlimit files;
    double before = server_rss_mib();
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < SLOW_COUNT + 100u) {
        printf("%u slow connections: skipped, the limit of open files is below that\n", SLOW_COUNT);
        return;
    }
    int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ");
    memset(head + n, 'x', sizeof head - (size_t)n);
    static const char body[] =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4096\r\n\r\nx";
    double begun = now_s();
    for (unsigned i = 0; i < SLOW_COUNT; i++) {
        fds[i] = connect_to(port, "127.0.0.2");
        if (i % 3u == 1u)
            send_all(fds[i], head, sizeof head);
        if (i % 3u == 2u)
            send_all(fds[i], body, sizeof body - 1u);
    }
    printf("%u slow connections, opened in %.2f s\n", SLOW_COUNT, now_s() - begun);
    measure(port, 32, 2.0, "  32 connections beside them");
    unsigned open = 0;
    for (unsigned i = 0; i < SLOW_COUNT; i++) {
        char c;
        open += recv(fds[i], &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }
    printf("  resident %.1f MiB, %.1f before; %u of them still open, the rest was answered\n",
           server_rss_mib(), before, open);
    for (unsigned i = 0; i < SLOW_COUNT; i++)
        close(fds[i]);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc != 2) {
        fprintf(stderr, "usage: %s path/to/http_server\n", argv[0]);
        return 64;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* inherited by the server */
    }
    uint16_t port = start(argv[1]);
    measure(port, 1, 2.0, "1 connection, kept alive");
    measure(port, 32, 2.0, "32 connections, kept alive");
    slow(port);
    close(server_in);
    int status = 0;
    return waitpid(server, &status, 0) == server && status == 0 ? 0 : 1;
}
