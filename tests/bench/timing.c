#define _POSIX_C_SOURCE 200809L
#include "tests/bench/timing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "td_version.h"

#define RUN_NS UINT64_C(50000000)
#define QUICK_RUN_NS UINT64_C(100000)
#define PAIR_SLICES 32u /* per run: what disturbs one of a pair disturbs the other */

static bool is_quick;
static uint32_t targets_met, targets_missed;

void bench_set_quick(bool quick)
{
    is_quick = quick;
}

bool bench_is_quick(void)
{
    return is_quick;
}

uint64_t bench_now_ns(enum bench_clock clock)
{
    struct timespec t;
    static const clockid_t ids[] = {[BENCH_CPU] = CLOCK_THREAD_CPUTIME_ID,
                                    [BENCH_PROCESS] = CLOCK_PROCESS_CPUTIME_ID,
                                    [BENCH_WALL] = CLOCK_MONOTONIC};
    TD_ASSERT(clock_gettime(ids[clock], &t) == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Rounds that take long enough for the clock's resolution to vanish.  The last try doubles as the
 * warm-up. */
static uint64_t calibrate(const struct bench_work *work)
{
    uint64_t want_ns = is_quick ? QUICK_RUN_NS : RUN_NS;
    uint64_t rounds = 1;
    for (;;) {
        uint64_t took_ns = work->run(work->ctx, rounds);
        if (took_ns >= want_ns)
            return rounds;
        uint64_t need = took_ns == 0 ? 10 : want_ns / took_ns + 1u;
        rounds *= need < 10 ? need : 10;
    }
}

/* The rounds of one slice; at least one, so slow work makes longer runs. */
static uint64_t part(uint64_t rounds)
{
    return rounds < PAIR_SLICES ? 1 : rounds / PAIR_SLICES;
}

static void run_pair(double *a, double *b, const struct bench_work *work_a,
                     const struct bench_work *work_b, uint64_t rounds_a, uint64_t rounds_b)
{
    uint64_t took_a = 0, took_b = 0;
    for (uint32_t i = 0; i < PAIR_SLICES; i++) {
        took_a += work_a->run(work_a->ctx, rounds_a);
        took_b += work_b->run(work_b->ctx, rounds_b);
    }
    *a = (double)took_a / (double)(rounds_a * PAIR_SLICES * work_a->operations);
    *b = (double)took_b / (double)(rounds_b * PAIR_SLICES * work_b->operations);
}

void bench_time_pair(struct bench_series *a, struct bench_series *b,
                     const struct bench_work *work_a, const struct bench_work *work_b)
{
    uint64_t rounds_a = part(calibrate(work_a));
    uint64_t rounds_b = part(calibrate(work_b));
    for (uint32_t i = 0; i < BENCH_RUNS; i++) {
        if (is_quick && i > 0) {
            a->value[i] = a->value[0];
            b->value[i] = b->value[0];
        } else {
            run_pair(&a->value[i], &b->value[i], work_a, work_b, rounds_a, rounds_b);
        }
    }
}

void bench_time(struct bench_series *out, const struct bench_work *work)
{
    uint64_t rounds = calibrate(work);
    for (uint32_t i = 0; i < BENCH_RUNS; i++) {
        out->value[i] = is_quick && i > 0 ? out->value[0]
                                          : (double)work->run(work->ctx, rounds) /
                                                (double)(rounds * work->operations);
    }
}

void bench_divide(struct bench_series *out, const struct bench_series *a,
                  const struct bench_series *b)
{
    for (uint32_t i = 0; i < BENCH_RUNS; i++)
        out->value[i] = a->value[i] / b->value[i];
}

/* ---- the table */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double shown(enum bench_unit unit, double value)
{
    switch (unit) {
    case BENCH_NS:
    case BENCH_RATIO:
        return value;
    case BENCH_US:
        return value / 1e3;
    case BENCH_PER_S:
        return 1e9 / value;
    }
    TD_ASSERT(false);
    return value;
}

/* Thousands apart, two digits behind the point for what is small. */
static void number(char *out, size_t cap, double v)
{
    char digits[40];
    if (v < 1000) {
        (void)snprintf(out, cap, v < 100 ? "%.2f" : "%.1f", v);
        return;
    }
    int len = snprintf(digits, sizeof digits, "%.0f", v);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < cap; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void bench_row(const char *name, enum bench_unit unit, const struct bench_series *series,
               double target)
{
    static const char *const units[] = {"ns", "us", "x", "/s"};
    double v[BENCH_RUNS];
    char text[3][24];
    char goal[48] = "-";
    for (uint32_t i = 0; i < BENCH_RUNS; i++)
        v[i] = shown(unit, series->value[i]);
    qsort(v, BENCH_RUNS, sizeof v[0], ascending);
    number(text[0], sizeof text[0], v[BENCH_RUNS / 2]);
    number(text[1], sizeof text[1], v[0]);
    number(text[2], sizeof text[2], v[BENCH_RUNS - 1]);
    if (target > 0) {
        char bound[24];
        bool met = unit == BENCH_PER_S ? v[BENCH_RUNS / 2] >= target : v[BENCH_RUNS / 2] <= target;
        number(bound, sizeof bound, target);
        (void)snprintf(goal, sizeof goal, "%s %s %s", unit == BENCH_PER_S ? ">=" : "<=", bound,
                       met ? "ok" : "MISS");
        targets_met += met ? 1u : 0u;
        targets_missed += met ? 0u : 1u;
    }
    printf("  %-54s %12s %12s %12s %-2s  %s\n", name, text[0], text[1], text[2], units[unit], goal);
    (void)fflush(stdout);
}

void bench_time_row(const char *name, enum bench_unit unit, const struct bench_work *work,
                    double target)
{
    struct bench_series s;
    bench_time(&s, work);
    bench_row(name, unit, &s, target);
}

void bench_group(const char *title)
{
    printf("\n%-56s %12s %12s %12s     target\n", title, "median", "min", "max");
}

void bench_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  ");
    (void)vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* ---- the machine */

/* The first value of `key` in a "key : value" file of the kernel, or "unknown". */
static void proc_value(char *out, size_t cap, const char *path, const char *key)
{
    char line[512];
    FILE *f = fopen(path, "r");
    (void)snprintf(out, cap, "unknown");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, key, strlen(key)) != 0)
            continue;
        colon += strspn(colon, ": \t");
        (void)snprintf(out, cap, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    if (f != NULL)
        (void)fclose(f);
}

void bench_head(void)
{
    char cpu[128], mhz[32], date[40], load[64] = "unknown";
    time_t now = time(NULL);
    struct tm tm;
    proc_value(cpu, sizeof cpu, "/proc/cpuinfo", "model name");
    proc_value(mhz, sizeof mhz, "/proc/cpuinfo", "cpu MHz");
    FILE *f = fopen("/proc/loadavg", "r");
    if (f != NULL) {
        if (fgets(load, sizeof load, f) != NULL)
            load[strcspn(load, "\n")] = '\0';
        (void)fclose(f);
    }
    if (gmtime_r(&now, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        (void)snprintf(date, sizeof date, "unknown");
    printf("Tandem benchmarks, %s\n", date);
    printf("  cpu       %s, %s MHz, %ld cores online\n", cpu, mhz, sysconf(_SC_NPROCESSORS_ONLN));
#if defined(__clang__)
    printf("  compiler  %s\n", __VERSION__);
#else
    printf("  compiler  gcc %s\n", __VERSION__);
#endif
#if !defined(__OPTIMIZE__)
    printf("  WARNING   built without optimization: the figures mean nothing\n");
#endif
    printf("  commit    %s %s\n", TD_VERSION, TD_COMMIT);
    printf("  load      %s (more than the cores can carry makes wall figures worse)\n", load);
    if (is_quick)
        printf("  WARNING   --quick: one short run each, only to show that everything works\n");
    else
        printf("  runs      %u of at least 50 ms each\n", BENCH_RUNS);
}

void bench_foot(void)
{
    printf("\n%u of %u targets met.\n", targets_met, targets_met + targets_missed);
}
