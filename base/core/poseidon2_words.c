/* The width-24 permutation for a processor of 32-bit words that multiplies in two instructions and
 * branches in one, as the guest's does: a quarter of the instructions of the 64-bit form in
 * poseidon2.c, with the same result.
 *
 * 1. Products are signed Montgomery products (Seiler, "Faster AVX2 optimized NTT multiplication for
 *    Ring-LWE lattice cryptography", eprint 2018/039): five instructions, results in (-p, p).
 * 2. A sum is an addition and a branch over the subtraction of p.  No carry is kept where p leaves
 *    room in the word: 2p < 2^32, and p + 2^24 - 1 = 2^31.
 * 3. Most of the internal diagonal is +-2^-k with k <= 24.  As p = 1 + 127 * 2^24, 127 * 2^(24-k)
 *    is -2^-k, so x = h * 2^k + l times 2^-k is h - l * 127 * 2^(24-k): one product, no reduction.
 *    That this is the diagonal of poseidon2_tables.h is what the tests compare. */
#include "base/core/poseidon2_words.h"

#include "base/core/poseidon2_tables.h"

#define P TD_KB_P
#define P_INV UINT32_C(0x81000001) /* 1/p mod 2^32 */
#define SLACK (UINT32_C(0x80000000) - P)
#define FULL_HALF 4u
#define W TD_P2_WIDTH

/* a * b * 2^-32 in (-p, p) for |a * b| < p * 2^31. */
static inline int32_t product(int32_t a, int32_t b)
{
    int64_t x = (int64_t)a * b;
    int32_t q = (int32_t)((uint32_t)x * P_INV);
    return (int32_t)(x >> 32) - (int32_t)((int64_t)q * (int32_t)P >> 32);
}

static inline uint32_t canonical(int32_t a)
{
    return a < 0 ? (uint32_t)a + P : (uint32_t)a;
}

/* Both canonical. */
static inline uint32_t add(uint32_t a, uint32_t b)
{
    uint32_t t = a + b;
    return t >= P ? t - P : t;
}

static inline uint32_t sub(uint32_t a, uint32_t b)
{
    return canonical((int32_t)(a - b));
}

static inline uint32_t to_mont(struct td_kb a)
{
    return canonical(product((int32_t)a.v, (int32_t)TD_KB_MONT_R2));
}

static inline struct td_kb from_mont(uint32_t a)
{
    return (struct td_kb){.v = canonical(product((int32_t)a, 1))};
}

/* -p <= y < p */
static inline uint32_t cube(int32_t y)
{
    return canonical(product(product(y, y), y));
}

/* (x + below + p + constant)^3 for canonical x and constant, and -p <= below < 0. */
static inline uint32_t sbox(uint32_t x, int32_t below, uint32_t constant)
{
    int32_t t = (int32_t)x + below;
    if (t >= 0)
        t -= (int32_t)P;
    return cube(t + (int32_t)constant);
}

/* Sums over all x with the same index modulo 4; variables, so that they stay in registers. */
struct columns {
    uint32_t c0, c1, c2, c3;
};

/* M4 times the four, to x and added to the columns. */
static inline void mix(uint32_t x[4], struct columns *sums, uint32_t x0, uint32_t x1, uint32_t x2,
                       uint32_t x3)
{
    uint32_t t01 = add(x0, x1);
    uint32_t t23 = add(x2, x3);
    uint32_t all = add(t01, t23);
    uint32_t t011 = add(all, x1);
    uint32_t t233 = add(all, x3);
    uint32_t y0 = add(t011, t01);
    uint32_t y1 = add(t011, add(x2, x2));
    uint32_t y2 = add(t233, t23);
    uint32_t y3 = add(t233, add(x0, x0));
    sums->c0 = add(sums->c0, y0);
    sums->c1 = add(sums->c1, y1);
    sums->c2 = add(sums->c2, y2);
    sums->c3 = add(sums->c3, y3);
    x[0] = y0, x[1] = y1, x[2] = y2, x[3] = y3;
}

/* Four full rounds.  On entry and on return element i of the state is s[i] + column i % 4. */
static inline struct columns full_rounds(uint32_t s[W], struct columns old, const uint32_t *c)
{
    for (const uint32_t *end = c + FULL_HALF * W; c != end; c += W) {
        int32_t b0 = (int32_t)(old.c0 - P), b1 = (int32_t)(old.c1 - P);
        int32_t b2 = (int32_t)(old.c2 - P), b3 = (int32_t)(old.c3 - P);
        struct columns sums = {0, 0, 0, 0};
#pragma GCC unroll 6
        for (unsigned i = 0; i < W; i += 4)
            mix(s + i, &sums, sbox(s[i], b0, c[i]), sbox(s[i + 1], b1, c[i + 1]),
                sbox(s[i + 2], b2, c[i + 2]), sbox(s[i + 3], b3, c[i + 3]));
        old = sums;
    }
    return old;
}

/* ---- partial rounds: lane 0 in `first`, the others in variables of their own
 *
 * A lane is `small`, below 2^31, or just any word; `total` is the canonical sum of all lanes and
 * `above` the same sum as a number from SLACK - p to SLACK - 1. */

static inline uint32_t high_product(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

/* l * 127 * 2^(24-k) < p, l being the low k bits of x. */
#define LOW(x, k) high_product((x) << (32 - (k)), P - 1u)

/* total + x / 2^k: below p + 2^(32-k), and small if x is and k >= 8. */
#define HALVE(x, k)                                                                                \
    do {                                                                                           \
        uint32_t low = LOW(x, k), sum = total + ((x) >> (k));                                      \
        if (sum < low)                                                                             \
            sum += P;                                                                              \
        (x) = sum - low;                                                                           \
    } while (0)
/* total - x / 2^k < 2p, for x / 2^k <= p. */
#define HALVE_NEG(x, k)                                                                            \
    do {                                                                                           \
        uint32_t high = (x) >> (k), sum = total + LOW(x, k);                                       \
        if (sum < high)                                                                            \
            sum += P;                                                                              \
        (x) = sum - high;                                                                          \
    } while (0)
/* The same for small x and k >= 7, whose high part is at most SLACK: small. */
#define HALVE_NEG_SMALL(x, k) ((x) = canonical(above - (int32_t)((x) >> (k)) + (int32_t)LOW(x, k)))

#define SUM(x)                                                                                     \
    do {                                                                                           \
        low_sum += (x);                                                                            \
        high_sum += low_sum < (x);                                                                 \
    } while (0)
/* Two small ones. */
#define SUM2(x, y)                                                                                 \
    do {                                                                                           \
        uint32_t two = (x) + (y);                                                                  \
        SUM(two);                                                                                  \
    } while (0)
#define SUM_ALL()                                                                                  \
    do {                                                                                           \
        low_sum = x1 + x2, high_sum = 0;                                                           \
        SUM2(x4, x5);                                                                              \
        SUM2(x7, x8);                                                                              \
        SUM2(x9, x15);                                                                             \
        SUM2(x16, x21);                                                                            \
        SUM2(x22, x23);                                                                            \
        SUM(x3);                                                                                   \
        SUM(x6);                                                                                   \
        SUM(x10);                                                                                  \
        SUM(x11);                                                                                  \
        SUM(x12);                                                                                  \
        SUM(x13);                                                                                  \
        SUM(x14);                                                                                  \
        SUM(x17);                                                                                  \
        SUM(x18);                                                                                  \
        SUM(x19);                                                                                  \
        SUM(x20);                                                                                  \
    } while (0)

/* high * 2^32 + low + first, for a sum of 24 words; 2^32 = 2^25 - 2 modulo p. */
static inline uint32_t total_of(uint32_t high, uint32_t low, uint32_t first)
{
    if (low >= P)
        low -= P; /* below p + 2^25 */
    low += high * ((UINT32_C(1) << 25) - 2u);
    if (low >= P)
        low -= P;
    return add(low, first);
}

static inline void partial_rounds(uint32_t s[W])
{
    uint32_t x1 = s[1], x2 = s[2], x3 = s[3], x4 = s[4], x5 = s[5], x6 = s[6], x7 = s[7];
    uint32_t x8 = s[8], x9 = s[9], x10 = s[10], x11 = s[11], x12 = s[12], x13 = s[13], x14 = s[14];
    uint32_t x15 = s[15], x16 = s[16], x17 = s[17], x18 = s[18], x19 = s[19], x20 = s[20];
    uint32_t x21 = s[21], x22 = s[22], x23 = s[23], low_sum, high_sum;
    uint32_t first = s[0];
    SUM_ALL();
    for (unsigned round = 0; round < TD_P2_PARTIAL_24; round++) {
        uint32_t cubed = sbox(first, -(int32_t)P, TD_P2_PART_24[round]);
        uint32_t total = total_of(high_sum, low_sum, cubed);
        int32_t above = (int32_t)total;
        if (total >= SLACK)
            above -= (int32_t)P;
        first = sub(sub(total, cubed), cubed);
        x1 = add(total, x1);
        x2 = add(total, add(x2, x2));
        HALVE(x3, 1);
        x4 = add(total, add(x4, add(x4, x4)));
        x5 = add(x5, x5);
        x5 = add(total, add(x5, x5));
        HALVE_NEG(x6, 1);
        x7 = sub(total, add(x7, add(x7, x7)));
        x8 = add(x8, x8);
        x8 = sub(total, add(x8, x8));
        HALVE(x9, 8);
        HALVE(x10, 2);
        HALVE(x11, 3);
        HALVE(x12, 4);
        HALVE(x13, 5);
        HALVE(x14, 6);
        HALVE(x15, 24);
        HALVE_NEG_SMALL(x16, 8);
        HALVE_NEG(x17, 3);
        HALVE_NEG(x18, 4);
        HALVE_NEG(x19, 5);
        HALVE_NEG(x20, 6);
        HALVE_NEG_SMALL(x21, 7);
        HALVE_NEG_SMALL(x22, 9);
        HALVE_NEG_SMALL(x23, 24);
        SUM_ALL();
    }
    s[0] = first, s[1] = x1, s[2] = x2, s[3] = x3, s[4] = x4, s[5] = x5, s[6] = x6, s[7] = x7;
    s[8] = x8, s[9] = x9, s[10] = x10, s[11] = x11, s[12] = x12, s[13] = x13, s[14] = x14;
    s[15] = x15, s[16] = x16, s[17] = x17, s[18] = x18, s[19] = x19, s[20] = x20, s[21] = x21;
    s[22] = x22, s[23] = x23;
    /* The largest word is below 2p + 2^24. */
    for (unsigned i = 1; i < W; i++) {
        while (s[i] >= P)
            s[i] -= P;
    }
}

void td_poseidon2_24_words(struct td_kb state[W])
{
    uint32_t s[W];
    struct columns sums = {0, 0, 0, 0};
    for (unsigned i = 0; i < W; i += 4)
        mix(s + i, &sums, to_mont(state[i]), to_mont(state[i + 1]), to_mont(state[i + 2]),
            to_mont(state[i + 3]));
    sums = full_rounds(s, sums, TD_P2_FULL_24);
    for (unsigned i = 0; i < W; i += 4) {
        s[i] = add(s[i], sums.c0);
        s[i + 1] = add(s[i + 1], sums.c1);
        s[i + 2] = add(s[i + 2], sums.c2);
        s[i + 3] = add(s[i + 3], sums.c3);
    }
    partial_rounds(s);
    sums = full_rounds(s, (struct columns){0, 0, 0, 0}, TD_P2_FULL_24 + FULL_HALF * W);
    for (unsigned i = 0; i < W; i += 4) {
        state[i] = from_mont(add(s[i], sums.c0));
        state[i + 1] = from_mont(add(s[i + 1], sums.c1));
        state[i + 2] = from_mont(add(s[i + 2], sums.c2));
        state[i + 3] = from_mont(add(s[i + 3], sums.c3));
    }
}
