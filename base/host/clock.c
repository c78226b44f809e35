#define _POSIX_C_SOURCE 200809L
#include "base/host/clock.h"

#include <stddef.h>
#include <time.h>

#include "base/core/assert.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static uint64_t read_ns(clockid_t id)
{
    struct timespec t;
    TD_ASSERT(clock_gettime(id, &t) == 0);
    TD_ASSERT(t.tv_sec >= 0);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t system_mono_ns(void *ctx)
{
    (void)ctx;
    return read_ns(CLOCK_MONOTONIC);
}

static uint64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    return read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

struct td_clock td_clock_system(void)
{
    return (struct td_clock){.mono_ns = system_mono_ns, .wall_ms = system_wall_ms, .ctx = NULL};
}

static uint64_t virtual_mono_ns(void *ctx)
{
    const struct td_clock_virtual *v = ctx;
    return v->mono_ns;
}

static uint64_t virtual_wall_ms(void *ctx)
{
    const struct td_clock_virtual *v = ctx;
    return v->wall_ms;
}

struct td_clock td_clock_of_virtual(struct td_clock_virtual *v)
{
    return (struct td_clock){.mono_ns = virtual_mono_ns, .wall_ms = virtual_wall_ms, .ctx = v};
}

void td_clock_virtual_add(struct td_clock_virtual *v, uint64_t ns)
{
    uint64_t before_ms = v->mono_ns / NS_PER_MS;
    v->mono_ns += ns;
    v->wall_ms += v->mono_ns / NS_PER_MS - before_ms;
}
