/* Two nodes' connections over loopback, each in a process of its own: round trips of a vote (122
 * bytes), and bytes a second of answers to sync. */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "p2p/net.h"

#define ROUNDS 20000u
#define WARM 1000u
#define VOTE_BYTES 122u
#define BULK_FRAMES 24u /* below the quota's burst of 128 MiB */
#define BULK_BYTES (4u << 20)
#define TARGET_US 150.0
enum { VOTE = 4, BLOCKS = 13, DONE = 2 };

struct side {
    struct event_base *base;
    struct p2p_net *net;
    uint32_t peer, rounds, bulk;
    uint64_t sent_ns, bulk_ns;
    uint64_t trip_ns[ROUNDS];
};

static const struct p2p_chain CHAIN = {7, {{1}}};
static struct td_log quiet;

static uint64_t now_ns(void)
{
    struct td_clock c = td_clock_system();
    return td_clock_mono_ns(&c);
}

static size_t bytes_max(uint8_t kind)
{
    (void)kind;
    return TD_FRAME_BYTES_MAX;
}

static enum p2p_class class_of(uint8_t kind)
{
    return kind == BLOCKS ? P2P_BLOCKS : P2P_CONSENSUS;
}

static void say(struct side *s, uint8_t kind, size_t len)
{
    static uint8_t bytes[BULK_BYTES];
    bytes[0] = kind;
    struct p2p_body *body = p2p_body_new(td_bytes_of(bytes, len));
    TD_ASSERT(body != NULL);
    p2p_send(s->net, s->peer, class_of(kind), 0, body);
    p2p_body_drop(body);
    p2p_flush(s->net);
}

static void on_up(void *ctx, uint32_t peer, const struct p2p_peer_info *info)
{
    struct side *s = ctx;
    s->peer = peer;
    if (!info->outgoing)
        return;
    s->sent_ns = now_ns();
    say(s, VOTE, VOTE_BYTES);
}

static void on_down(void *ctx, uint32_t peer)
{
    struct side *s = ctx;
    (void)peer;
    event_base_loopbreak(s->base);
}

/* The one that was dialled answers everything. */
static void on_echo(void *ctx, uint32_t peer, uint8_t *body, size_t len)
{
    (void)peer;
    say(ctx, body[0] == BLOCKS ? DONE : body[0], body[0] == BLOCKS ? 2 : len);
    free(body);
}

static void on_answer(void *ctx, uint32_t peer, uint8_t *body, size_t len)
{
    struct side *s = ctx;
    uint64_t now = now_ns();
    (void)len;
    if (body[0] == VOTE) {
        s->trip_ns[s->rounds++] = now - s->sent_ns;
        s->sent_ns = s->bulk_ns = now_ns();
        say(s, s->rounds < ROUNDS ? VOTE : BLOCKS, s->rounds < ROUNDS ? VOTE_BYTES : BULK_BYTES);
    } else if (++s->bulk < BULK_FRAMES) {
        say(s, BLOCKS, BULK_BYTES);
    } else {
        s->bulk_ns = now - s->bulk_ns;
        p2p_disconnect(s->net, peer);
    }
    free(body);
}

static void put_nothing(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    (void)line;
    (void)len;
}

static void start(struct side *s, uint8_t who, const struct p2p_static_peer *to)
{
    static const struct td_addr follower;
    const struct p2p_net_events events = {s, on_up, on_down, to != NULL ? on_answer : on_echo};
    struct p2p_net_options o = {.chain = CHAIN,
                                .listen_host = "127.0.0.1",
                                .max_peers = 4,
                                .handshake_ns = 5000000000,
                                .peers = to,
                                .peer_count = to != NULL,
                                .frame_bytes_max = bytes_max,
                                .frame_class = class_of,
                                .log = &quiet};
    uint8_t transport[32];
    char why[160];
    s->base = event_base_new();
    o.base = s->base;
    o.secp = td_secp_new();
    TD_ASSERT(s->base != NULL && o.secp != NULL);
    o.static_secret[1] = who; /* of byte 0 the curve ignores three bits */
    p2p_noise_public(transport, o.static_secret);
    TD_ASSERT(p2p_record_init(&o.self, 1, transport, &follower, "127.0.0.1", 9) == TD_OK);
    if (p2p_net_new(&s->net, &o, &events, why) != TD_OK) {
        fprintf(stderr, "bench_p2p: %s\n", why);
        exit(1);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int main(void)
{
    static struct side s;
    int port_pipe[2];
    struct p2p_static_peer to = {.host = "127.0.0.1"};
    td_log_init(&quiet, TD_LOG_ERROR, TD_LOG_TEXT, NULL, td_clock_system(),
                (struct td_log_sink){put_nothing, NULL});
    TD_ASSERT(pipe(port_pipe) == 0);
    (void)alarm(60); /* nobody waits for ever, whatever becomes of the other */
    pid_t child = fork();
    TD_ASSERT(child >= 0);
    if (child == 0) {
        (void)alarm(60);
        start(&s, 1, NULL);
        to.port = p2p_net_port(s.net);
        TD_ASSERT(write(port_pipe[1], &to.port, sizeof to.port) == (ssize_t)sizeof to.port);
        (void)event_base_dispatch(s.base);
        _exit(0);
    }
    TD_ASSERT(read(port_pipe[0], &to.port, sizeof to.port) == (ssize_t)sizeof to.port);
    start(&s, 2, &to);
    (void)event_base_dispatch(s.base);
    kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
    if (s.rounds != ROUNDS || s.bulk != BULK_FRAMES) {
        fprintf(stderr, "bench_p2p: the connection ended early\n");
        return 1;
    }
    qsort(s.trip_ns + WARM, ROUNDS - WARM, sizeof s.trip_ns[0], compare);
    double median = (double)s.trip_ns[WARM + (ROUNDS - WARM) / 2u] / 1e3;
    printf("vote, %u bytes, there and back   median %.1f us  99%% %.1f us  (target < %.0f)  %s\n",
           VOTE_BYTES, median, (double)s.trip_ns[ROUNDS - (ROUNDS - WARM) / 100u] / 1e3, TARGET_US,
           median < TARGET_US ? "ok" : "MISSED");
    printf("sync answers, 4 MiB each, one by one   %.0f MB/s\n",
           (double)BULK_FRAMES * BULK_BYTES * 1e3 / (double)s.bulk_ns);
    p2p_net_free(s.net);
    event_base_free(s.base);
    return median < TARGET_US ? 0 : 1;
}
