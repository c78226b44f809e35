/* Repeated timing, and the table that `make bench` prints.
 *
 *     work(ctx, rounds) ──calibrate──▶ rounds ──BENCH_RUNS times──▶ series ──sort──▶ one row
 *
 * 1. A row shows the median, the least and the greatest of BENCH_RUNS runs of one process.
 * 2. Work on one thread is timed by that thread's CPU clock: a neighbour that takes the core away
 *    does not count, so the figure is "per core".  For work on several threads both the CPU time of
 *    all and the wall clock say something; the row names which.
 * 3. A missed target prints MISS and changes nothing else: timing never fails.  A computation that
 *    goes wrong aborts, because its figure would mean nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BENCH_RUNS 9u /* odd, so that the median is a run that happened */

enum bench_clock {
    BENCH_CPU,     /* of the calling thread */
    BENCH_PROCESS, /* of all threads together */
    BENCH_WALL,
};

/* Now, in nanoseconds of that clock. */
uint64_t bench_now_ns(enum bench_clock clock);

/* Something to time: repeat it `rounds` times and return the nanoseconds that took.  It reads the
 * clock itself, so that what a round prepares need not count. */
struct bench_work {
    uint64_t (*run)(void *ctx, uint64_t rounds);
    void *ctx;           /* borrowed */
    uint64_t operations; /* per round; > 0 */
};

struct bench_series {
    double value[BENCH_RUNS]; /* nanoseconds per operation, or a ratio */
};

/* How values are shown; targets are in the same unit. */
enum bench_unit {
    BENCH_NS, /* less is better, as for the next two */
    BENCH_US,
    BENCH_RATIO,
    BENCH_PER_S, /* more is better */
};

/* One short run per series instead of BENCH_RUNS long ones: shows that the benchmarks work, and
 * prints so. */
void bench_set_quick(bool quick);
bool bench_is_quick(void);

/* Nanoseconds per operation, BENCH_RUNS times, each run at least 50 ms long. */
void bench_time(struct bench_series *out, const struct bench_work *work);

/* Two of them, in turn every few milliseconds, so that both meet the same disturbances and their
 * ratio is steadier than either. */
void bench_time_pair(struct bench_series *a, struct bench_series *b,
                     const struct bench_work *work_a, const struct bench_work *work_b);

/* out = a / b, run by run. */
void bench_divide(struct bench_series *out, const struct bench_series *a,
                  const struct bench_series *b);

/* The heading of a group of rows. */
void bench_group(const char *title);

/* A row; target 0 = none. */
void bench_row(const char *name, enum bench_unit unit, const struct bench_series *series,
               double target);

/* Time and print. */
void bench_time_row(const char *name, enum bench_unit unit, const struct bench_work *work,
                    double target);

/* A line of text between rows, indented like them. */
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Machine, compiler, commit and date above the table; a tally of targets below it. */
void bench_head(void);
void bench_foot(void);
