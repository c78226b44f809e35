/* Twins: four validators, one of them with two replicas and one key; per round a leader and a
 * two-way split of the five replicas.  Bano et al., "Twins: BFT Systems Made Robust" (2020).
 *
 *   scenario = 4 digits of base 64, one per round: leader (4) x side of replicas 1..4 (16)
 *
 * A round's split covers its proposal, votes, commit votes, first timeouts and whatever else its
 * replicas say, for three timers.  Leaders come from the table the genesis hash seeds, so a genesis
 * is searched for every sequence of four.  After the fourth round everybody is connected and a
 * block must become final. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "node/exit_codes.h"
#include "tests/sim/run.h"

#define ROUNDS 4u
#define DIGITS 64u
#define SCENARIOS (DIGITS * DIGITS * DIGITS * DIGITS)
#define SEQUENCES 256u
#define SAMPLE_DEFAULT 10000u
#define START_NS                                                                                   \
    (30 * SIM_MS) /* before it Status passes freely: it starts everyone, says nothing */
#define SLICE_NS (20 * SIM_MS)
#define LIMIT_NS (20 * SIM_SEC)
#define DELTA_NS (25 * SIM_MS)
/* A split outlives the round's timer, then timeouts pass: without a TC no round would ever end. */
#define SPLIT_NS (3 * 4 * DELTA_NS)
#define LINK_NS (4 * SIM_MS)
#define REPORT_EVERY 256u
#define JOBS_MAX 64u
#define FORK_LIMIT_NS (30 * SIM_SEC)

struct splits {
    uint32_t side[ROUNDS + 1];    /* by round; bit per replica */
    int64_t until_ns[ROUNDS + 1]; /* set by the round's first message */
    bool for_ever;                /* side[1] holds in every round */
};

struct progress {
    uint64_t done, blocks, events;
    bool failed;
    uint64_t scenario;
    int64_t at_ns;
    char property[32];
    char text[SIM_TEXT_MAX];
};

static uint64_t round_of(const struct sim_world *w, uint32_t from, const struct bft_msg *m)
{
    if (m->kind == BFT_MSG_PROPOSAL)
        return m->u.proposal.header.round;
    if (m->kind == BFT_MSG_VOTE)
        return m->u.vote.round;
    if (m->kind == BFT_MSG_COMMIT)
        return m->u.commit.round;
    if (m->kind == BFT_MSG_TIMEOUT)
        return m->u.timeout.t.round;
    return w->node[from].view.round;
}

static bool may_pass(struct sim_world *w, uint32_t from, uint32_t to, const struct bft_msg *m)
{
    struct splits *s = w->hook;
    uint64_t round = s->for_ever ? 1 : round_of(w, from, m);
    if (round == 0 || round > ROUNDS || (m->kind == BFT_MSG_STATUS && w->now_ns < START_NS))
        return true;
    if (s->until_ns[round] == 0)
        s->until_ns[round] = w->now_ns + SPLIT_NS;
    if (!s->for_ever && w->now_ns > s->until_ns[round])
        return true;
    return (s->side[round] >> from & 1u) == (s->side[round] >> to & 1u);
}

static struct sim_config config(uint32_t twins, uint64_t nonce)
{
    return (struct sim_config){.seed = 1,
                               .nodes = 4,
                               .duration_ns = LIMIT_NS,
                               .delta_ns = DELTA_NS,
                               .quiet = true,
                               .twins = twins,
                               .nonce = nonce};
}

static struct sim_world *build(const struct sim_config *cfg, struct splits *s)
{
    struct sim_world *w = sim_world_new(cfg);
    for (uint32_t i = 0; i < w->node_count; i++) {
        w->node[i].sync_ns = SIM_MS / 10;
        w->node[i].exec_ns = SIM_MS;
        for (uint32_t k = 0; k < w->node_count; k++) {
            sim_link_at(w, i, k)->base_ns = LINK_NS;
            sim_link_at(w, i, k)->jitter_ns = 0;
        }
        sim_push(w, SIM_IT_BOOT, i, 0, 0);
    }
    w->hook = s;
    w->may_pass = may_pass;
    return w;
}

static void genesis_of(const struct sim_world *w, uint64_t nonce, struct td_hash *seed)
{
    struct bft_header h = w->base.genesis;
    struct td_hash hash;
    h.ts_ms = SIM_WALL_START_MS - nonce;
    bft_header_hash(&hash, &h);
    td_keccak256(seed, hash.b, sizeof hash.b);
}

/* The genesis variant for each sequence of leaders. */
static void find_leaders(uint64_t nonce_of[SEQUENCES])
{
    static struct bft_leaders table;
    struct sim_config cfg = config(1, 0);
    struct sim_world *w = sim_world_new(&cfg);
    struct bft_bitmap none = {{0}};
    bool have[SEQUENCES] = {false};
    uint32_t missing = SEQUENCES;
    for (uint64_t nonce = 0; missing > 0; nonce++) {
        struct td_hash seed;
        genesis_of(w, nonce, &seed);
        bft_leaders_init(&table, &w->chain.epoch[0].set, &none, &seed);
        uint32_t sequence = 0;
        for (uint64_t r = 1; r <= ROUNDS; r++)
            sequence = sequence * 4 + sim_key_of(w, 0, bft_leaders_at(&table, r));
        if (have[sequence])
            continue;
        have[sequence] = true;
        nonce_of[sequence] = nonce;
        missing--;
    }
    sim_world_free(w);
}

/* Everyone honest is past the split rounds and has a final block. */
static bool settled(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        if (sim_honest(w, i) &&
            (w->node[i].view.round <= ROUNDS + 1 || w->node[i].view.final_height == 0))
            return false;
    return true;
}

static void run_scenario(uint64_t index, const uint64_t nonce_of[SEQUENCES], struct progress *p)
{
    struct splits s = {.for_ever = false};
    uint32_t sequence = 0;
    uint64_t rest = index;
    for (uint32_t r = 1; r <= ROUNDS; r++) {
        uint32_t digit = (uint32_t)(rest % DIGITS);
        rest /= DIGITS;
        sequence = sequence * 4 + digit / 16;
        s.side[r] = (digit % 16) << 1; /* replica 0 is on side 0 */
    }
    struct sim_config cfg = config(1, nonce_of[sequence]);
    struct sim_world *w = build(&cfg, &s);
    while (!w->violation.set && !settled(w) && w->now_ns < LIMIT_NS)
        sim_world_run(w, w->now_ns + SLICE_NS);
    if (!w->violation.set && !settled(w))
        sim_violate(w, 0, "liveness", "no final block everywhere %d s after the splits ended",
                    (int)(LIMIT_NS / SIM_SEC));
    p->done++;
    p->blocks += w->chain.final_height;
    p->events += w->stats.events;
    if (w->violation.set) {
        p->failed = true;
        p->scenario = index;
        p->at_ns = w->violation.at_ns;
        snprintf(p->property, sizeof p->property, "%s", w->violation.property);
        snprintf(p->text, sizeof p->text, "%s", w->violation.text);
        fprintf(stderr, "Scenario %" PRIu64 ", last %u events:\n", index, SIM_TRACE_SHOWN);
        sim_trace_print(&w->trace, stderr, SIM_TRACE_SHOWN);
    }
    sim_world_free(w);
}

/* f + 1 of 4 keys doubled must be able to fork, and the checker must see it. */
static bool self_check(void)
{
    /* Replicas 0, 1, 2 on one side; 3, 4 (twin of 0) and 5 (twin of 1) on the other. */
    struct splits s = {.side = {0, 1u << 3 | 1u << 4 | 1u << 5}, .for_ever = true};
    struct sim_config cfg = config(2, 0);
    struct sim_world *w = build(&cfg, &s);
    sim_world_run(w, FORK_LIMIT_NS);
    bool forked = w->violation.set && strcmp(w->violation.property, "agreement") == 0;
    printf("Self-check, 2 of 4 keys doubled: %s%s\n",
           forked ? "forks, and the checker sees it: " : "NO FORK SEEN: ",
           w->violation.set ? w->violation.text : "no violation");
    sim_world_free(w);
    return forked;
}

static void child_run(const struct sim_options *o, uint32_t job, uint64_t count,
                      const uint64_t nonce_of[SEQUENCES], int fd)
{
    struct progress p;
    memset(&p, 0, sizeof p);
    for (uint64_t i = job; i < count && !p.failed; i += o->jobs) {
        uint64_t state = o->cfg.seed * UINT64_C(0x9E3779B97F4A7C15) + i;
        run_scenario(o->all ? i : td_splitmix64(&state) % SCENARIOS, nonce_of, &p);
        if (p.done % REPORT_EVERY == 0 && write(fd, &p, sizeof p) != (ssize_t)sizeof p)
            _exit(NODE_EXIT_IO);
    }
    if (write(fd, &p, sizeof p) != (ssize_t)sizeof p)
        _exit(NODE_EXIT_IO);
    _exit(0);
}

static bool take(int fd, struct progress *p)
{
    for (;;) {
        ssize_t n = read(fd, p, sizeof *p);
        if (n == (ssize_t)sizeof *p)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        return false;
    }
}

static void show(uint64_t done, uint64_t count, uint64_t start_ns)
{
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " scenarios, %.0f/s   ", done, count,
                (double)done * 1e9 / (double)(sim_host_ns() - start_ns + 1));
}

/* Read everyone's progress until all pipes are closed; false when a process died. */
static bool collect(const struct sim_options *o, const int *fd, const pid_t *pid, uint64_t count,
                    struct progress *sum, uint64_t start_ns)
{
    static struct progress newest[JOBS_MAX];
    bool open[JOBS_MAX], whole = true;
    uint32_t left = o->jobs;
    for (uint32_t j = 0; j < o->jobs; j++)
        open[j] = true;
    while (left > 0) {
        uint64_t done = 0;
        for (uint32_t j = 0; j < o->jobs; j++) {
            if (open[j] && !take(fd[j], &newest[j])) {
                int status = 0;
                open[j] = false;
                left--;
                if (waitpid(pid[j], &status, 0) != pid[j] || status != 0)
                    whole = false;
            }
            done += newest[j].done;
        }
        show(done, count, start_ns);
    }
    for (uint32_t j = 0; j < o->jobs; j++) {
        sum->done += newest[j].done;
        sum->blocks += newest[j].blocks;
        sum->events += newest[j].events;
        if (newest[j].failed) {
            uint64_t done = sum->done, blocks = sum->blocks, events = sum->events;
            *sum = newest[j];
            sum->done = done;
            sum->blocks = blocks;
            sum->events = events;
        }
    }
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r%50s\r", "");
    return whole;
}

int sim_twins(const struct sim_options *options)
{
    static uint64_t nonce_of[SEQUENCES];
    struct sim_options o = *options;
    int fd[JOBS_MAX];
    pid_t pid[JOBS_MAX];
    uint64_t count = o.all ? SCENARIOS : o.count > 0 ? o.count : SAMPLE_DEFAULT;
    uint64_t start = sim_host_ns();
    o.jobs = o.jobs < JOBS_MAX ? o.jobs : JOBS_MAX;

    if (!self_check())
        return NODE_EXIT_CHECK_FAILED;
    find_leaders(nonce_of);
    fflush(stdout);
    for (uint32_t j = 0; j < o.jobs; j++) {
        int ends[2];
        if (pipe(ends) != 0 || (pid[j] = fork()) < 0) {
            fprintf(stderr, "%s: cannot start a process: %s\n", o.program, strerror(errno));
            return NODE_EXIT_INTERNAL;
        }
        if (pid[j] == 0) {
            close(ends[0]);
            child_run(&o, j, count, nonce_of, ends[1]);
        }
        close(ends[1]);
        fd[j] = ends[0];
    }
    struct progress sum;
    memset(&sum, 0, sizeof sum);
    bool whole = collect(&o, fd, pid, count, &sum, start);
    double s = (double)(sim_host_ns() - start) / 1e9;
    printf("Twins, 4 validators + 1 twin, %u rounds: %" PRIu64 " of %u scenarios%s, %" PRIu64
           " events, %" PRIu64 " blocks final, %.1f s, %.0f scenarios/s\n",
           ROUNDS, sum.done, SCENARIOS, o.all ? "" : " (drawn)", sum.events, sum.blocks, s,
           (double)sum.done / s);
    if (sum.failed)
        printf("VIOLATION of %s in scenario %" PRIu64 " at %.6f s: %s\n", sum.property,
               sum.scenario, (double)sum.at_ns / 1e9, sum.text);
    else if (!whole)
        printf("A process died; an assertion prints its line above.\n");
    else
        printf("No violation.\n");
    return sum.failed || !whole ? NODE_EXIT_CHECK_FAILED : NODE_EXIT_OK;
}
