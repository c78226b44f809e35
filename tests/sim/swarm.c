/* Many seeds over several processes.
 *
 *   parent ─fork─▶ child j runs seeds first + j, first + j + J, ... and writes one record per seed
 *      ◀──pipe── record                                                                          */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "tests/sim/run.h"

#define JOBS_MAX 256u
#define PROGRESS_NS UINT64_C(2000000000)
#define FAILURES_SHOWN 20u

/* One seed's outcome on the pipe; below PIPE_BUF, so it arrives whole. */
struct record {
    bool starts; /* announces the seed: if the child dies, this one killed it */
    bool failed;
    uint64_t seed;
    uint64_t events, messages, blocks;
    int64_t virtual_ns, at_ns;
    uint64_t state_hash;
    char property[32];
    char text[SIM_TEXT_MAX];
};

struct child {
    pid_t pid;
    int fd; /* -1 = finished */
    uint64_t seed;
    bool running;
};

struct tally {
    uint64_t done, failed, events, messages, blocks;
    int64_t virtual_ns;
    uint64_t hash; /* over all state hashes, whatever the order */
    struct record failure[FAILURES_SHOWN];
};

static void put(int fd, const struct record *r)
{
    ssize_t n = write(fd, r, sizeof *r);
    if (n != (ssize_t)sizeof *r)
        _exit(NODE_EXIT_IO);
}

static void child_run(const struct sim_options *o, uint32_t first, int fd)
{
    static struct sim_outcome out;
    for (uint64_t i = first; i < o->count; i += o->jobs) {
        struct sim_config cfg = o->cfg;
        cfg.seed += i;
        struct record r;
        memset(&r, 0, sizeof r);
        r.starts = true;
        r.seed = cfg.seed;
        put(fd, &r);
        sim_run(&cfg, &out);
        r.starts = false;
        r.failed = out.violation.set;
        r.events = out.stats.events;
        r.messages = out.stats.delivered;
        r.blocks = out.blocks;
        r.virtual_ns = out.virtual_ns;
        r.at_ns = out.violation.at_ns;
        r.state_hash = out.state_hash;
        if (r.failed) {
            snprintf(r.property, sizeof r.property, "%s", out.violation.property);
            snprintf(r.text, sizeof r.text, "%s", out.violation.text);
        }
        put(fd, &r);
        if (r.failed)
            _exit(0);
    }
    _exit(0);
}

static bool start(const struct sim_options *o, struct child *c, uint32_t first)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    c->pid = fork();
    if (c->pid < 0)
        return false;
    if (c->pid == 0) {
        close(ends[0]);
        child_run(o, first, ends[1]);
    }
    close(ends[1]);
    c->fd = ends[0];
    return true;
}

static void fail(struct tally *t, const struct record *r)
{
    if (t->failed < FAILURES_SHOWN)
        t->failure[t->failed] = *r;
    t->failed++;
}

static void finished(struct tally *t, struct child *c)
{
    int status = 0;
    close(c->fd);
    c->fd = -1;
    if (waitpid(c->pid, &status, 0) != c->pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT))
        return;
    struct record r;
    memset(&r, 0, sizeof r);
    r.seed = c->seed;
    snprintf(r.property, sizeof r.property, "crash");
    snprintf(r.text, sizeof r.text, "the process died (%s %d); an assertion prints its line above",
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fail(t, &r);
}

static void take(struct tally *t, struct child *c)
{
    struct record r;
    ssize_t n = read(c->fd, &r, sizeof r);
    if (n < 0 && errno == EINTR)
        return;
    if (n != (ssize_t)sizeof r) {
        finished(t, c);
        return;
    }
    c->seed = r.seed;
    if (r.starts)
        return;
    t->done++;
    t->events += r.events;
    t->messages += r.messages;
    t->blocks += r.blocks;
    t->virtual_ns += r.virtual_ns;
    t->hash ^= r.state_hash;
    if (r.failed)
        fail(t, &r);
}

static void stop_all(struct child *c, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (c[i].fd >= 0)
            kill(c[i].pid, SIGTERM);
}

static void progress(const struct sim_options *o, const struct tally *t, uint64_t start_ns)
{
    double s = (double)(sim_host_ns() - start_ns) / 1e9;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds, %.2f seeds/s, %.0f x real time   ",
            t->done, o->count, (double)t->done / s, (double)t->virtual_ns / 1e9 / s);
}

static void collect(const struct sim_options *o, struct child *child, struct tally *t,
                    uint64_t start_ns)
{
    struct pollfd p[JOBS_MAX];
    bool tty = isatty(STDERR_FILENO) == 1;
    uint64_t shown_ns = start_ns;
    bool stopping = false;
    for (;;) {
        nfds_t n = 0;
        uint32_t who[JOBS_MAX];
        for (uint32_t i = 0; i < o->jobs; i++)
            if (child[i].fd >= 0) {
                who[n] = i;
                p[n++] = (struct pollfd){.fd = child[i].fd, .events = POLLIN};
            }
        if (n == 0)
            break;
        (void)poll(p, n, 500);
        for (nfds_t i = 0; i < n; i++)
            if (p[i].revents != 0)
                take(t, &child[who[i]]);
        if (t->failed > 0 && !stopping) {
            stopping = true;
            stop_all(child, o->jobs);
        }
        if (tty && sim_host_ns() - shown_ns >= PROGRESS_NS) {
            progress(o, t, start_ns);
            shown_ns = sim_host_ns();
        }
    }
    if (tty)
        fprintf(stderr, "\r%60s\r", "");
}

static void report_text(const struct sim_options *o, const struct tally *t, double s)
{
    printf("%" PRIu64 " of %" PRIu64 " seeds from %" PRIu64
           ", %u nodes, %.0f min each, %u processes\n",
           t->done, o->count, o->cfg.seed, o->cfg.nodes, (double)o->cfg.duration_ns / 60e9,
           o->jobs);
    printf("  events      %" PRIu64 " (%" PRIu64 " messages), %" PRIu64 " blocks final\n",
           t->events, t->messages, t->blocks);
    printf("  speed       %.1f s, %.2f seeds/s, %.0f x real time per process\n", s,
           (double)t->done / s, (double)t->virtual_ns / 1e9 / s / o->jobs);
    printf("  hash        %016" PRIx64 "\n", t->hash);
    printf("  verdict     %s\n", t->failed == 0 ? "ok" : "VIOLATION");
    for (uint64_t i = 0; i < t->failed && i < FAILURES_SHOWN; i++) {
        const struct record *r = &t->failure[i];
        printf("seed %" PRIu64 ": %s at %.3f s: %s\n  %s --seed %" PRIu64
               " --nodes %u --minutes %.0f\n",
               r->seed, r->property, (double)r->at_ns / 1e9, r->text, o->program, r->seed,
               o->cfg.nodes, (double)o->cfg.duration_ns / 60e9);
    }
}

static void report_json(const struct sim_options *o, const struct tally *t, double s)
{
    printf("{\"seeds\":%" PRIu64 ",\"first_seed\":%" PRIu64
           ",\"nodes\":%u,\"virtual_seconds_each\":%.0f,\"processes\":%u,\"events\":%" PRIu64
           ",\"messages\":%" PRIu64 ",\"blocks\":%" PRIu64
           ",\"wall_seconds\":%.2f,\"seeds_per_second\":%.3f,\"times_real_time_per_process\":%.1f,"
           "\"hash\":\"%016" PRIx64 "\",\"violations\":[",
           t->done, o->cfg.seed, o->cfg.nodes, (double)o->cfg.duration_ns / 1e9, o->jobs, t->events,
           t->messages, t->blocks, s, (double)t->done / s,
           (double)t->virtual_ns / 1e9 / s / o->jobs, t->hash);
    for (uint64_t i = 0; i < t->failed && i < FAILURES_SHOWN; i++)
        printf("%s{\"seed\":%" PRIu64 ",\"property\":\"%s\",\"at_seconds\":%.6f,\"text\":\"%s\"}",
               i > 0 ? "," : "", t->failure[i].seed, t->failure[i].property,
               (double)t->failure[i].at_ns / 1e9, t->failure[i].text);
    printf("]}\n");
}

int sim_swarm(const struct sim_options *options)
{
    static struct child child[JOBS_MAX];
    static struct tally t;
    struct sim_options o = *options;
    if (o.jobs > o.count)
        o.jobs = (uint32_t)o.count;
    TD_ASSERT(o.jobs <= JOBS_MAX);
    memset(&t, 0, sizeof t);
    uint64_t start_ns = sim_host_ns();
    fflush(stdout);
    for (uint32_t i = 0; i < o.jobs; i++)
        if (!start(&o, &child[i], i)) {
            fprintf(stderr, "%s: cannot start process %u: %s\n", o.program, i, strerror(errno));
            stop_all(child, i);
            return NODE_EXIT_INTERNAL;
        }
    collect(&o, child, &t, start_ns);
    double s = (double)(sim_host_ns() - start_ns) / 1e9;
    if (o.json)
        report_json(&o, &t, s);
    else
        report_text(&o, &t, s);
    return t.failed == 0 ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}
