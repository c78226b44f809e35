#define _GNU_SOURCE /* IN_ flags, SOCK_CLOEXEC */
#include "testnet/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/clock.h"
#include "node/exit_codes.h"
#include "testnet/fault.h"

/* Connections at once: two nodes keep one and may have some on their way. */
#define PIPES_MAX (8u * TESTNET_NODES_MAX * TESTNET_NODES_MAX)
/* Arrivals that wait in one direction; more are not read. */
#define CHUNKS_MAX 1024u
#define SEGMENT_BYTES 1448u /* of a 1,500-byte frame */
#define RETRANSMIT_NS UINT64_C(200000000)
#define LOSSES_MAX 8u
#define READ_BYTES (256u << 10)

struct chunk {
    uint64_t due_ns;
    size_t len;
    bool cut; /* instead of being delivered */
};

struct pipe;

/* One direction of a connection. */
struct flow {
    struct pipe *pipe;
    uint32_t from, to;
    struct bufferevent *in, *out;
    struct evbuffer *waiting;
    struct chunk *ring; /* [CHUNKS_MAX], made when first needed */
    uint32_t head, count;
    uint64_t last_due_ns, rate_free_ns;
    struct event *timer;
    bool ended; /* `in` will say no more */
};

struct pipe {
    struct links *l;
    struct pipe *next, **link;
    uint32_t from, to; /* who dialled whom */
    bool dialled;      /* towards `to` */
    bool connected;
    struct flow flows[2];
};

struct listening {
    struct links *l;
    uint32_t from, to;
    struct evconnlistener *listener;
};

struct links {
    const struct testnet *t;
    struct event_base *base;
    struct td_clock clock;
    struct testnet_link link[TESTNET_NODES_MAX][TESTNET_NODES_MAX];
    uint64_t changed_ns; /* flapping counts from here */
    uint64_t random;
    struct pipe *pipes;
    uint32_t pipe_count;
    struct listening *listening;
    struct event *watch;
    int watch_fd;
};

void testnet_link_host(char out[16], uint32_t from, uint32_t to)
{
    TD_ASSERT(from < TESTNET_NODES_MAX && to < TESTNET_NODES_MAX);
    snprintf(out, 16, "127.77.%" PRIu32 ".%" PRIu32, from + 1u, to + 1u);
}

/* splitmix64 */
static uint64_t draw(struct links *l)
{
    uint64_t z = l->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* ---- what a link is like now */

/* Whether bytes wait; *until_ns: when to look again, UINT64_MAX: when told. */
static bool held(const struct links *l, uint32_t from, uint32_t to, uint64_t now,
                 uint64_t *until_ns)
{
    const struct testnet_link *k = &l->link[from][to];
    *until_ns = UINT64_MAX;
    if (k->held)
        return true;
    if (k->flap_ms == 0)
        return false;
    uint64_t period = (uint64_t)k->flap_ms * 1000000u, turn = (now - l->changed_ns) / period;
    *until_ns = l->changed_ns + (turn + 1u) * period;
    return turn % 2u == 0;
}

static bool plain(const struct testnet_link *k)
{
    return !k->held && k->flap_ms == 0 && k->delay_ms == 0 && k->jitter_ms == 0 &&
           k->loss_ppm == 0 && k->rate_bps == 0;
}

/* Stall by retransmission of a chunk; *cut when TCP would give up. */
static uint64_t stall(struct links *l, const struct testnet_link *k, size_t len, bool *cut)
{
    uint64_t ns = 0;
    *cut = false;
    for (size_t at = 0; k->loss_ppm > 0 && at < len; at += SEGMENT_BYTES) {
        uint32_t lost = 0;
        while (lost < LOSSES_MAX && draw(l) % 1000000u < k->loss_ppm)
            ns += RETRANSMIT_NS << lost++;
        if (lost == LOSSES_MAX) {
            *cut = true;
            return ns;
        }
    }
    return ns;
}

/* When a chunk that is here now arrives there. */
static struct chunk schedule(struct flow *f, size_t len, uint64_t now)
{
    struct links *l = f->pipe->l;
    const struct testnet_link *k = &l->link[f->from][f->to];
    struct chunk c = {.len = len, .due_ns = now};
    if (k->rate_bps > 0) {
        if (f->rate_free_ns < now)
            f->rate_free_ns = now;
        f->rate_free_ns += (uint64_t)len * 8u * 1000000000u / k->rate_bps;
        c.due_ns = f->rate_free_ns;
    }
    uint64_t delay = (uint64_t)k->delay_ms * 1000000u, jitter = (uint64_t)k->jitter_ms * 1000000u;
    if (jitter > 0) {
        uint64_t moved = delay + draw(l) % (2u * jitter + 1u);
        delay = moved > jitter ? moved - jitter : 0;
    }
    c.due_ns += delay + stall(l, k, len, &c.cut);
    if (c.due_ns < f->last_due_ns)
        c.due_ns = f->last_due_ns;
    f->last_due_ns = c.due_ns;
    return c;
}

/* ---- connections */

static void pipe_free(struct pipe *p)
{
    for (size_t i = 0; i < 2; i++) {
        struct flow *f = &p->flows[i];
        if (f->timer != NULL)
            event_free(f->timer);
        if (f->waiting != NULL)
            evbuffer_free(f->waiting);
        if (f->in != NULL)
            bufferevent_free(f->in); /* each end is `in` once */
        free(f->ring);
    }
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
    p->l->pipe_count--;
    free(p);
}

static void look_again(struct flow *f, uint64_t at_ns, uint64_t now)
{
    uint64_t left = at_ns > now ? at_ns - now : 0;
    const struct timeval tv = {.tv_sec = (time_t)(left / 1000000000u),
                               .tv_usec = (suseconds_t)(left % 1000000000u / 1000u)};
    event_add(f->timer, &tv);
}

/* Take what came in, give what is due.  False: the pipe is gone. */
static bool flow_move(struct flow *f)
{
    struct links *l = f->pipe->l;
    uint64_t now = td_clock_mono_ns(&l->clock), until;
    struct evbuffer *input = bufferevent_get_input(f->in);
    struct evbuffer *output = bufferevent_get_output(f->out);
    bool waits = held(l, f->from, f->to, now, &until);
    if (f->count == 0 && plain(&l->link[f->from][f->to])) {
        bufferevent_write_buffer(f->out, input);
    } else {
        size_t len = evbuffer_get_length(input);
        if (len > 0 && f->count < CHUNKS_MAX && evbuffer_get_length(f->waiting) < LINKS_BYTES_MAX) {
            f->ring[(f->head + f->count++) % CHUNKS_MAX] = schedule(f, len, now);
            evbuffer_add_buffer(f->waiting, input);
        }
        while (!waits && f->count > 0 && f->ring[f->head].due_ns <= now &&
               evbuffer_get_length(output) < LINKS_BYTES_MAX) {
            const struct chunk c = f->ring[f->head];
            if (c.cut) {
                pipe_free(f->pipe);
                return false;
            }
            evbuffer_remove_buffer(f->waiting, output, c.len);
            f->head = (f->head + 1u) % CHUNKS_MAX;
            f->count--;
        }
    }
    if (waits && until != UINT64_MAX)
        look_again(f, until, now);
    else if (!waits && f->count > 0 && f->ring[f->head].due_ns > now)
        look_again(f, f->ring[f->head].due_ns, now);
    if (f->ended && !waits && f->count == 0 && evbuffer_get_length(input) == 0 &&
        evbuffer_get_length(output) == 0) {
        pipe_free(f->pipe);
        return false;
    }
    bool full = f->count == CHUNKS_MAX || evbuffer_get_length(f->waiting) >= LINKS_BYTES_MAX ||
                evbuffer_get_length(output) >= LINKS_BYTES_MAX;
    if (!f->ended && full)
        bufferevent_disable(f->in, EV_READ);
    else if (!f->ended)
        bufferevent_enable(f->in, EV_READ);
    return true;
}

static void dial(struct pipe *p);

static void pipe_move(struct pipe *p)
{
    if (!p->dialled)
        dial(p);
    else if (flow_move(&p->flows[0]))
        flow_move(&p->flows[1]);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct pipe *p = arg;
    if (p->dialled)
        flow_move(bev == p->flows[0].in ? &p->flows[0] : &p->flows[1]);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct pipe *p = arg;
    if (p->dialled)
        flow_move(bev == p->flows[0].out ? &p->flows[0] : &p->flows[1]);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct pipe *p = arg;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        p->connected = true;
        pipe_move(p);
        return;
    }
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
        return;
    struct flow *f = bev == p->flows[0].in ? &p->flows[0] : &p->flows[1];
    if (!p->connected) { /* gone before it was through, or nobody listens */
        pipe_free(p);
        return;
    }
    f->ended = true;
    flow_move(f);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct flow *f = arg;
    if (!f->pipe->dialled)
        dial(f->pipe);
    else
        flow_move(f);
}

static void end_of(struct pipe *p, struct bufferevent *bev, uint32_t in_flow)
{
    p->flows[in_flow].in = bev;
    p->flows[1u - in_flow].out = bev;
    bufferevent_setcb(bev, on_read, on_written, on_event, p);
    bufferevent_setwatermark(bev, EV_READ, 0, READ_BYTES);
    bufferevent_setwatermark(bev, EV_WRITE, 0, 0);
}

static void no_delay(evutil_socket_t fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static struct sockaddr_in address(const char *host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    TD_ASSERT(inet_pton(AF_INET, host, &a.sin_addr) == 1);
    return a;
}

/* Go on to the node that is meant, once bytes pass both ways. */
static void dial(struct pipe *p)
{
    char host[16];
    uint64_t there, back, now = td_clock_mono_ns(&p->l->clock);
    bool waits = held(p->l, p->from, p->to, now, &there);
    waits = held(p->l, p->to, p->from, now, &back) || waits;
    if (waits) {
        uint64_t until = there < back ? there : back;
        if (until != UINT64_MAX)
            look_again(&p->flows[0], until, now);
        return;
    }
    testnet_link_host(host, p->from, p->to);
    struct sockaddr_in self = address(host, 0);
    struct sockaddr_in to = address("127.0.0.1", testnet_p2p_port(p->l->t, p->to));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof self) != 0) {
        if (fd >= 0)
            close(fd);
        pipe_free(p);
        return;
    }
    no_delay(fd);
    struct bufferevent *bev = bufferevent_socket_new(p->l->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        close(fd);
        pipe_free(p);
        return;
    }
    p->dialled = true;
    end_of(p, bev, 1);
    if (bufferevent_socket_connect(bev, (const struct sockaddr *)&to, sizeof to) != 0)
        pipe_free(p);
    else
        bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static bool pipe_parts(struct pipe *p)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct flow *f = &p->flows[i];
        f->pipe = p;
        f->from = i == 0 ? p->from : p->to;
        f->to = i == 0 ? p->to : p->from;
        f->waiting = evbuffer_new();
        f->timer = evtimer_new(p->l->base, on_timer, f);
        f->ring = calloc(CHUNKS_MAX, sizeof *f->ring);
        if (f->waiting == NULL || f->timer == NULL || f->ring == NULL)
            return false;
    }
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
                      int len, void *arg)
{
    const struct listening *at = arg;
    struct links *l = at->l;
    (void)listener;
    (void)addr;
    (void)len;
    struct pipe *p = l->pipe_count < PIPES_MAX ? calloc(1, sizeof *p) : NULL;
    struct bufferevent *bev =
        p == NULL ? NULL : bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        free(p);
        close(fd);
        return;
    }
    no_delay(fd);
    p->l = l;
    p->from = at->from;
    p->to = at->to;
    p->next = l->pipes;
    p->link = &l->pipes;
    if (p->next != NULL)
        p->next->link = &p->next;
    l->pipes = p;
    l->pipe_count++;
    end_of(p, bev, 0);
    if (!pipe_parts(p)) {
        pipe_free(p);
        return;
    }
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    dial(p);
}

/* ---- faults.json */

/* What waits on a link that has no faults any more is due: nobody clears a fault to wait on. */
static void hurry(struct flow *f, uint64_t now)
{
    if (!plain(&f->pipe->l->link[f->from][f->to]))
        return;
    for (uint32_t k = 0; k < f->count; k++)
        f->ring[(f->head + k) % CHUNKS_MAX].due_ns = now;
    f->last_due_ns = f->rate_free_ns = now;
}

static void reload(struct links *l)
{
    struct testnet_faults faults;
    if (testnet_faults_load(&faults, l->t->dir) != TD_OK)
        return; /* as it was */
    l->changed_ns = td_clock_mono_ns(&l->clock);
    for (uint32_t i = 0; i < testnet_count(l->t); i++)
        for (uint32_t j = 0; j < testnet_count(l->t); j++)
            testnet_faults_link(&l->link[i][j], &faults, i, j);
    for (struct pipe *p = l->pipes, *next; p != NULL; p = next) {
        next = p->next;
        hurry(&p->flows[0], l->changed_ns);
        hurry(&p->flows[1], l->changed_ns);
        pipe_move(p);
    }
}

static void on_change(evutil_socket_t fd, short what, void *arg)
{
    char events[4096] __attribute__((aligned(8)));
    bool ours = false;
    ssize_t len;
    (void)what;
    while ((len = read(fd, events, sizeof events)) > 0)
        for (ssize_t at = 0; at < len;) {
            struct inotify_event e;
            memcpy(&e, events + at, sizeof e);
            ours |= e.len > 0 && strcmp(events + at + (ssize_t)sizeof e, "faults.json") == 0;
            at += (ssize_t)(sizeof e + e.len);
        }
    if (ours)
        reload(arg);
}

/* ---- the process */

static bool listen_all(struct links *l)
{
    char host[16];
    uint32_t n = testnet_count(l->t), k = 0;
    l->listening = calloc((size_t)n * n, sizeof *l->listening);
    if (l->listening == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            if (i == j)
                continue;
            struct listening *at = &l->listening[k++];
            testnet_link_host(host, i, j);
            struct sockaddr_in a = address(host, testnet_p2p_port(l->t, j));
            *at = (struct listening){.l = l, .from = i, .to = j};
            at->listener = evconnlistener_new_bind(l->base, on_accept, at,
                                                   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                                       LEV_OPT_REUSEABLE,
                                                   -1, (const struct sockaddr *)&a, sizeof a);
            if (at->listener == NULL) {
                fprintf(stderr, "%s:%u: %s\n", host, (unsigned)testnet_p2p_port(l->t, j),
                        strerror(errno));
                return false;
            }
        }
    }
    return true;
}

static bool watch(struct links *l)
{
    l->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (l->watch_fd < 0 || inotify_add_watch(l->watch_fd, l->t->dir, IN_MOVED_TO) < 0)
        return false;
    l->watch = event_new(l->base, l->watch_fd, EV_READ | EV_PERSIST, on_change, l);
    return l->watch != NULL && event_add(l->watch, NULL) == 0;
}

/* Until a signal. */
static _Noreturn void links_run(const struct testnet *t, int ready, uint64_t seed)
{
    struct links *l = calloc(1, sizeof *l);
    struct event_config *config = event_config_new();
    TD_ASSERT(l != NULL && config != NULL);
    /* Delays of milliseconds need timers finer than a tick of the coarse clock. */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    l->t = t;
    l->clock = td_clock_system();
    l->random = seed;
    l->base = event_base_new_with_config(config);
    event_config_free(config);
    if (l->base == NULL || !listen_all(l) || !watch(l))
        _exit(NODE_EXIT_UNAVAILABLE);
    reload(l);
    if (write(ready, "1", 1) != 1)
        _exit(NODE_EXIT_IO);
    close(ready);
    event_base_dispatch(l->base);
    _exit(NODE_EXIT_INTERNAL);
}

/* In the child: never returns. */
static _Noreturn void become(const struct testnet *t, const char *log, int ready, pid_t parent,
                             bool bound, uint64_t seed)
{
    sigset_t none;
    sigemptyset(&none);
    if (setpgid(0, 0) != 0 || (bound && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0))
        _exit(126);
    if (bound && getppid() != parent) /* it ended before it was asked for */
        _exit(126);
    int in = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    links_run(t, ready, seed);
}

int testnet_links_start(struct testnet *t, const struct node_cli *cli, FILE *err, bool bound,
                        uint64_t seed)
{
    char log[NODE_PATH_BYTES], byte;
    int ready[2];
    int len = snprintf(log, sizeof log, "%s/links.log", t->dir);
    TD_ASSERT(len > 0 && (size_t)len < sizeof log); /* testnet_dir left room */
    if (pipe2(ready, O_CLOEXEC) != 0)
        return node_cli_fail(cli, err, NODE_EXIT_IO, "links: %s", strerror(errno));
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ready[0]);
        become(t, log, ready[1], parent, bound, seed);
    }
    close(ready[1]);
    bool good = pid > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (good) {
        testnet_process_of(&t->links, pid);
        return NODE_EXIT_OK;
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                         "the links between nodes cannot be made; they listen at 127.77.x.y, ports "
                         "%u and up\nTheir log: %s",
                         (unsigned)testnet_p2p_port(t, 0), log);
}
