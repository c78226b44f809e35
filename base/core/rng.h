/* Deterministic random numbers for tests, the simulator and fault injection.
 *
 * NOT cryptographic: the state follows from a few outputs.  Keys and nonces come from the
 * operating system (base/host).  xoshiro256** 1.0 (Blackman, Vigna, 2018) seeded through
 * splitmix64 (Steele, Lea, Flood, 2014); the sequence for a seed never changes, because
 * recorded seeds must replay. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct td_rng {
    uint64_t s[4]; /* never all zero after init */
};

/* The splitmix64 step: advances *state and returns the next value. */
static inline uint64_t td_splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Any seed is good, 0 included. */
static inline void td_rng_init(struct td_rng *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        r->s[i] = td_splitmix64(&seed);
}

static inline uint64_t td_rotl64(uint64_t v, unsigned n)
{
    return v << n | v >> (64u - n); /* 1 <= n <= 63 */
}

/* Uniform over 0 .. 2^64 - 1. */
static inline uint64_t td_rng_u64(struct td_rng *r)
{
    uint64_t *s = r->s;
    uint64_t out = td_rotl64(s[1] * 5u, 7) * 9u;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = td_rotl64(s[3], 45);
    return out;
}

/* Uniform over 0 .. bound - 1, without bias (values below 2^64 mod bound are drawn again);
 * bound 0 yields 0 without drawing. */
static inline uint64_t td_rng_below(struct td_rng *r, uint64_t bound)
{
    if (bound == 0)
        return 0;
    uint64_t threshold = (0 - bound) % bound;
    for (;;) {
        uint64_t v = td_rng_u64(r);
        if (v >= threshold)
            return v % bound;
    }
}

/* Uniform over lo .. hi, both included; lo <= hi. */
static inline uint64_t td_rng_range(struct td_rng *r, uint64_t lo, uint64_t hi)
{
    uint64_t width = hi - lo + 1; /* 0 means all 2^64 values */
    return width == 0 ? td_rng_u64(r) : lo + td_rng_below(r, width);
}

/* True with probability `ppm` in a million (>= 1000000: always). */
static inline bool td_rng_chance_ppm(struct td_rng *r, uint32_t ppm)
{
    return td_rng_below(r, 1000000u) < ppm;
}

/* An independent stream named by `label`; advances the parent by one draw. */
static inline struct td_rng td_rng_fork(struct td_rng *r, uint64_t label)
{
    struct td_rng child;
    td_rng_init(&child, td_rng_u64(r) ^ td_splitmix64(&label));
    return child;
}
