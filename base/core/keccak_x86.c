#include "base/core/keccak_x86.h"

#if TD_KECCAK_X86
#include "base/core/memory.h"

static inline uint64_t load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

#define ROTL(v, n) ((v) << (n) | (v) >> (64 - (n)))

/* Lanes are variables, not an array: the compiler then keeps what it can in registers. */
#define LANES(p)                                                                                   \
    p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9, p##10, p##11, p##12, p##13, p##14, \
        p##15, p##16, p##17, p##18, p##19, p##20, p##21, p##22, p##23, p##24

/* One row of rho, pi and chi into five lanes, whose parities go to c0 .. c4: `set` is = for the
 * first row and ^= for the others.  `constant` belongs to lane 0 of row 0 (iota). */
#define ROW(e0, e1, e2, e3, e4, set, constant)                                                     \
    do {                                                                                           \
        c0 set e0 = b0 ^ (~b1 & b2) ^ (constant);                                                  \
        c1 set e1 = b1 ^ (~b2 & b3);                                                               \
        c2 set e2 = b2 ^ (~b3 & b4);                                                               \
        c3 set e3 = b3 ^ (~b4 & b0);                                                               \
        c4 set e4 = b4 ^ (~b0 & b1);                                                               \
    } while (0)

/* One round from a into e; a's column parities are in c0 .. c4, and e's are there afterwards.  The
 * source lanes and offsets of each row are those of keccak.c. */
#define ROUND(e, a, constant)                                                                      \
    do {                                                                                           \
        uint64_t d0 = c4 ^ ROTL(c1, 1);                                                            \
        uint64_t d1 = c0 ^ ROTL(c2, 1);                                                            \
        uint64_t d2 = c1 ^ ROTL(c3, 1);                                                            \
        uint64_t d3 = c2 ^ ROTL(c4, 1);                                                            \
        uint64_t d4 = c3 ^ ROTL(c0, 1);                                                            \
        uint64_t b0 = a##0 ^ d0;                                                                   \
        uint64_t b1 = ROTL(a##6 ^ d1, 44);                                                         \
        uint64_t b2 = ROTL(a##12 ^ d2, 43);                                                        \
        uint64_t b3 = ROTL(a##18 ^ d3, 21);                                                        \
        uint64_t b4 = ROTL(a##24 ^ d4, 14);                                                        \
        ROW(e##0, e##1, e##2, e##3, e##4, =, constant);                                            \
        b0 = ROTL(a##3 ^ d3, 28);                                                                  \
        b1 = ROTL(a##9 ^ d4, 20);                                                                  \
        b2 = ROTL(a##10 ^ d0, 3);                                                                  \
        b3 = ROTL(a##16 ^ d1, 45);                                                                 \
        b4 = ROTL(a##22 ^ d2, 61);                                                                 \
        ROW(e##5, e##6, e##7, e##8, e##9, ^=, 0);                                                  \
        b0 = ROTL(a##1 ^ d1, 1);                                                                   \
        b1 = ROTL(a##7 ^ d2, 6);                                                                   \
        b2 = ROTL(a##13 ^ d3, 25);                                                                 \
        b3 = ROTL(a##19 ^ d4, 8);                                                                  \
        b4 = ROTL(a##20 ^ d0, 18);                                                                 \
        ROW(e##10, e##11, e##12, e##13, e##14, ^=, 0);                                             \
        b0 = ROTL(a##4 ^ d4, 27);                                                                  \
        b1 = ROTL(a##5 ^ d0, 36);                                                                  \
        b2 = ROTL(a##11 ^ d1, 10);                                                                 \
        b3 = ROTL(a##17 ^ d2, 15);                                                                 \
        b4 = ROTL(a##23 ^ d3, 56);                                                                 \
        ROW(e##15, e##16, e##17, e##18, e##19, ^=, 0);                                             \
        b0 = ROTL(a##2 ^ d2, 62);                                                                  \
        b1 = ROTL(a##8 ^ d3, 55);                                                                  \
        b2 = ROTL(a##14 ^ d4, 39);                                                                 \
        b3 = ROTL(a##15 ^ d0, 41);                                                                 \
        b4 = ROTL(a##21 ^ d1, 2);                                                                  \
        ROW(e##20, e##21, e##22, e##23, e##24, ^=, 0);                                             \
    } while (0)

/* All 24 rounds on the lanes a. */
#define PERMUTE(a, e)                                                                              \
    do {                                                                                           \
        uint64_t c0 = a##0 ^ a##5 ^ a##10 ^ a##15 ^ a##20;                                         \
        uint64_t c1 = a##1 ^ a##6 ^ a##11 ^ a##16 ^ a##21;                                         \
        uint64_t c2 = a##2 ^ a##7 ^ a##12 ^ a##17 ^ a##22;                                         \
        uint64_t c3 = a##3 ^ a##8 ^ a##13 ^ a##18 ^ a##23;                                         \
        uint64_t c4 = a##4 ^ a##9 ^ a##14 ^ a##19 ^ a##24;                                         \
        for (unsigned round = 0; round < 24; round += 2) {                                         \
            ROUND(e, a, TD_KECCAK_ROUND_CONSTANTS[round]);                                         \
            ROUND(a, e, TD_KECCAK_ROUND_CONSTANTS[round + 1]);                                     \
        }                                                                                          \
    } while (0)

__attribute__((target("bmi,bmi2"))) void td_keccak_f_x86(uint64_t s[25])
{
    uint64_t LANES(a);
    uint64_t LANES(e);
    a0 = s[0], a1 = s[1], a2 = s[2], a3 = s[3], a4 = s[4];
    a5 = s[5], a6 = s[6], a7 = s[7], a8 = s[8], a9 = s[9];
    a10 = s[10], a11 = s[11], a12 = s[12], a13 = s[13], a14 = s[14];
    a15 = s[15], a16 = s[16], a17 = s[17], a18 = s[18], a19 = s[19];
    a20 = s[20], a21 = s[21], a22 = s[22], a23 = s[23], a24 = s[24];
    PERMUTE(a, e);
    s[0] = a0, s[1] = a1, s[2] = a2, s[3] = a3, s[4] = a4;
    s[5] = a5, s[6] = a6, s[7] = a7, s[8] = a8, s[9] = a9;
    s[10] = a10, s[11] = a11, s[12] = a12, s[13] = a13, s[14] = a14;
    s[15] = a15, s[16] = a16, s[17] = a17, s[18] = a18, s[19] = a19;
    s[20] = a20, s[21] = a21, s[22] = a22, s[23] = a23, s[24] = a24;
}

__attribute__((target("bmi,bmi2"))) void td_keccak_64_x86(uint8_t out[32], const uint8_t in[64])
{
    uint64_t LANES(a);
    uint64_t LANES(e);
    a0 = load(in), a1 = load(in + 8), a2 = load(in + 16), a3 = load(in + 24);
    a4 = load(in + 32), a5 = load(in + 40), a6 = load(in + 48), a7 = load(in + 56);
    a8 = 1, a9 = 0, a10 = 0, a11 = 0, a12 = 0, a13 = 0, a14 = 0, a15 = 0;
    a16 = UINT64_C(1) << 63, a17 = 0, a18 = 0, a19 = 0, a20 = 0, a21 = 0, a22 = 0, a23 = 0, a24 = 0;
    PERMUTE(a, e);
    store(out, a0), store(out + 8, a1), store(out + 16, a2), store(out + 24, a3);
}

#else
/* ISO C wants something in every translation unit. */
extern const int td_keccak_not_x86;
#endif
