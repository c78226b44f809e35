/* The two clocks, behind a port so that tests and the simulator own time.
 *
 * 1. mono_ns never goes back and is for durations and timers; its origin means nothing.
 * 2. wall_ms is Unix time in milliseconds (UTC), may jump either way, and is for timestamps only.
 */
#pragma once

#include <stdint.h>

struct td_clock {
    uint64_t (*mono_ns)(void *ctx);
    uint64_t (*wall_ms)(void *ctx);
    void *ctx; /* borrowed */
};

/* A clock that moves only when told to; fields may be written directly. */
struct td_clock_virtual {
    uint64_t mono_ns;
    uint64_t wall_ms;
};

/* The operating system's clocks; usable from any thread. */
struct td_clock td_clock_system(void);

/* A port over `v`, which is borrowed for the port's life. */
struct td_clock td_clock_of_virtual(struct td_clock_virtual *v);

/* Advance both clocks; wall time keeps whole milliseconds, remainders carried by mono_ns. */
void td_clock_virtual_add(struct td_clock_virtual *v, uint64_t ns);

static inline uint64_t td_clock_mono_ns(const struct td_clock *c)
{
    return c->mono_ns(c->ctx);
}

static inline uint64_t td_clock_wall_ms(const struct td_clock *c)
{
    return c->wall_ms(c->ctx);
}
