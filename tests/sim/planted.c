/* Every planted bug, one process each, until the simulator finds it.  Only tandem-sim-planted holds
 * the bugs; the release binary says so and stops. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/exit_codes.h"
#include "tests/sim/run.h"

#ifndef TD_PLANTED

int sim_planted(const struct sim_options *o)
{
    fprintf(stderr,
            "%s: this binary holds no planted bugs.\n"
            "Run `tandem-sim-planted --planted`, which the same build makes.\n",
            o->program);
    return NODE_EXIT_USAGE;
}

#else

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consensus/plant.h"

#define SEEDS_MAX 4000u    /* per bug, unless --sample says otherwise */
#define BASELINE_SEEDS 20u /* without any bug: must be clean */
#define JOBS_MAX 64u

static const char *const TEXT[] = {"none",
#define ROW(id, text) text,
                                   BFT_PLANT_LIST(ROW)
#undef ROW
};

struct finding {
    bool found;
    uint64_t seed; /* last one started, or the one that found it */
    uint32_t nodes;
    int64_t at_ns; /* virtual */
    uint64_t wall_ns;
    char property[32];
    char text[SIM_TEXT_MAX];
};

struct search {
    pid_t pid;
    int fd;
    uint32_t plant;
    uint64_t start_ns;
};

/* Networks of several sizes, with everything switched on; every other seed without block interval,
 * which packs more rounds into a minute. */
static void shape(struct sim_config *cfg, uint64_t i)
{
    static const uint32_t NODES[] = {4, 7, 5, 10};
    cfg->nodes = NODES[i % 4];
    cfg->duration_ns = 5 * 60 * SIM_SEC;
    cfg->interval_ns = i / 4 % 4 == 3 ? 0 : SIM_SEC;
}

static void search_run(const struct sim_options *o, uint32_t plant, uint64_t seeds, int fd)
{
    static struct sim_outcome out;
    bft_plant_active = (enum bft_plant)plant;
    uint64_t start = sim_host_ns();
    struct finding f;
    memset(&f, 0, sizeof f);
    for (uint64_t i = 0; i < seeds && !f.found; i++) {
        struct sim_config cfg = o->cfg;
        cfg.seed += i;
        shape(&cfg, i);
        f.seed = cfg.seed;
        f.nodes = cfg.nodes;
        if (write(fd, &f, sizeof f) != (ssize_t)sizeof f)
            _exit(NODE_EXIT_IO);
        sim_run(&cfg, &out);
        if (!out.violation.set)
            continue;
        f.found = true;
        f.at_ns = out.violation.at_ns;
        snprintf(f.property, sizeof f.property, "%s", out.violation.property);
        snprintf(f.text, sizeof f.text, "%s", out.violation.text);
    }
    f.wall_ns = sim_host_ns() - start;
    if (write(fd, &f, sizeof f) != (ssize_t)sizeof f)
        _exit(NODE_EXIT_IO);
    _exit(0);
}

static bool search_start(const struct sim_options *o, struct search *s, uint32_t plant,
                         uint64_t seeds)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fflush(stdout);
    s->plant = plant;
    s->start_ns = sim_host_ns();
    s->pid = fork();
    if (s->pid < 0)
        return false;
    if (s->pid == 0) {
        close(ends[0]);
        if (freopen("/dev/null", "w", stderr) == NULL) /* an assertion is a finding, not noise */
            _exit(NODE_EXIT_IO);
        search_run(o, plant, seeds, ends[1]);
    }
    close(ends[1]);
    s->fd = ends[0];
    return true;
}

/* Read to the end; a process that died by a signal found its bug the hard way. */
static struct finding search_end(struct search *s)
{
    struct finding f, last;
    int status = 0;
    memset(&last, 0, sizeof last);
    for (;;) {
        ssize_t n = read(s->fd, &f, sizeof f);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof f)
            break;
        last = f;
    }
    close(s->fd);
    if (waitpid(s->pid, &status, 0) == s->pid && WIFSIGNALED(status)) {
        last.found = true;
        last.wall_ns = sim_host_ns() - s->start_ns;
        snprintf(last.property, sizeof last.property, "assertion");
        snprintf(last.text, sizeof last.text, "the core stops itself (signal %d)",
                 WTERMSIG(status));
    }
    return last;
}

static void print_row(uint32_t plant, const struct finding *f)
{
    if (f->found)
        printf("%3u  %-62.62s %6" PRIu64 " %3u %8.1f s %7.2f s  %s\n", plant, TEXT[plant], f->seed,
               f->nodes, (double)f->at_ns / 1e9, (double)f->wall_ns / 1e9, f->property);
    else
        printf("%3u  %-62.62s NOT FOUND in %7.2f s\n", plant, TEXT[plant],
               (double)f->wall_ns / 1e9);
    fflush(stdout);
}

static bool baseline_clean(const struct sim_options *o)
{
    struct search s;
    if (!search_start(o, &s, BFT_PLANT_COUNT, BASELINE_SEEDS)) /* a bug that no line implements */
        return false;
    struct finding f = search_end(&s);
    if (f.found)
        printf("Without any planted bug seed %" PRIu64 " (%u nodes) already fails: %s: %s\n",
               f.seed, f.nodes, f.property, f.text);
    else
        printf("Without planted bugs: %u seeds, no violation.\n", BASELINE_SEEDS);
    return !f.found;
}

int sim_planted(const struct sim_options *o)
{
    struct search running[JOBS_MAX];
    uint64_t seeds = o->count > 0 ? o->count : SEEDS_MAX;
    uint32_t first = o->only > 0 ? o->only : 1;
    uint32_t end = o->only > 0 ? o->only + 1 : BFT_PLANT_COUNT;
    uint32_t jobs = o->jobs < JOBS_MAX ? o->jobs : JOBS_MAX;
    uint32_t found = 0, head = 0, count = 0, next = first;
    uint64_t start = sim_host_ns();

    if (first >= BFT_PLANT_COUNT) {
        fprintf(stderr, "%s: there are %u planted bugs\n", o->program, BFT_PLANT_COUNT - 1);
        return NODE_EXIT_USAGE;
    }
    bool clean = baseline_clean(o);
    printf("%3s  %-62s %6s %3s %10s %9s  %s\n", "no", "planted bug", "seed", "n", "virtual", "wall",
           "found by");
    for (uint32_t done = first; done < end; done++) {
        while (next < end && count < jobs) {
            if (!search_start(o, &running[(head + count) % JOBS_MAX], next++, seeds)) {
                fprintf(stderr, "%s: cannot start a process: %s\n", o->program, strerror(errno));
                return NODE_EXIT_INTERNAL;
            }
            count++;
        }
        struct finding f = search_end(&running[head]);
        print_row(running[head].plant, &f);
        found += f.found ? 1u : 0u;
        head = (head + 1) % JOBS_MAX;
        count--;
    }
    printf("%u of %u planted bugs found in %.1f s\n", found, end - first,
           (double)(sim_host_ns() - start) / 1e9);
    return clean && found == end - first ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

#endif
