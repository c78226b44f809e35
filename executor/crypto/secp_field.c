#include "executor/crypto/secp_field.h"

#include "executor/chips.h"

#if EXEC_LIMB_BITS == 64
#define W2(lo, hi) (UINT64_C(hi) << 32 | UINT64_C(lo))
#else
#define W2(lo, hi) UINT32_C(lo), UINT32_C(hi)
#endif

const struct exec_fe EXEC_SECP_P = {{W2(0xFFFFFC2F, 0xFFFFFFFE), W2(0xFFFFFFFF, 0xFFFFFFFF),
                                     W2(0xFFFFFFFF, 0xFFFFFFFF), W2(0xFFFFFFFF, 0xFFFFFFFF)}};
const struct exec_fe EXEC_SECP_N = {{W2(0xD0364141, 0xBFD25E8C), W2(0xAF48A03B, 0xBAAEDCE6),
                                     W2(0xFFFFFFFE, 0xFFFFFFFF), W2(0xFFFFFFFF, 0xFFFFFFFF)}};

#define ONES ((exec_limb) ~(exec_limb)0)
#define FOLD 977u /* 2^256 = 2^32 + 977 modulo p */

/* ---- 256-bit integers */

exec_limb exec_fe_carry_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    exec_limb carry = 0;
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++)
        out->l[i] = exec_limb_adc(a->l[i], b->l[i], &carry);
    return carry;
}

exec_limb exec_fe_borrow_sub(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    exec_limb borrow = 0;
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++)
        out->l[i] = exec_limb_sbb(a->l[i], b->l[i], &borrow);
    return borrow;
}

void exec_fe_from_be(struct exec_fe *out, const uint8_t bytes[32])
{
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++) {
        const uint8_t *from = bytes + 32 - EXEC_LIMB_BYTES * (i + 1);
        exec_limb v = 0;
        for (uint32_t k = 0; k < EXEC_LIMB_BYTES; k++)
            v = v << 8 | from[k];
        out->l[i] = v;
    }
}

void exec_fe_to_be(uint8_t out[32], const struct exec_fe *a)
{
    for (uint32_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a->l[i / EXEC_LIMB_BYTES] >> 8 * (i % EXEC_LIMB_BYTES));
}

void exec_fe_from_words(struct exec_fe *out, const uint32_t words[8])
{
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++) {
#if EXEC_LIMB_BITS == 64
        out->l[i] = (exec_limb)words[2 * i + 1] << 32 | words[2 * i];
#else
        out->l[i] = words[i];
#endif
    }
}

void exec_fe_to_words(uint32_t out[8], const struct exec_fe *a)
{
    for (uint32_t i = 0; i < 8; i++)
        out[i] = (uint32_t)(a->l[i * 32 / EXEC_LIMB_BITS] >> i * 32 % EXEC_LIMB_BITS);
}

/* ---- sums modulo p */

/* Adds 2^256 - p modulo 2^256, which subtracts p from a number that carried or is at least p. */
static inline void fold_add(exec_limb r[EXEC_FE_LIMBS])
{
    exec_limb carry = 0;
#if EXEC_LIMB_BITS == 64
    r[0] = exec_limb_adc(r[0], (UINT64_C(1) << 32) + FOLD, &carry);
    for (uint32_t i = 1; i < EXEC_FE_LIMBS && carry != 0; i++)
        r[i] = exec_limb_adc(r[i], 0, &carry);
#else
    r[0] = exec_limb_adc(r[0], FOLD, &carry);
    r[1] = exec_limb_adc(r[1], 1, &carry);
    for (uint32_t i = 2; i < EXEC_FE_LIMBS && carry != 0; i++)
        r[i] = exec_limb_adc(r[i], 0, &carry);
#endif
}

/* Whether r >= p.  The first test decides for all but one in 2^32 (2^64) numbers. */
static inline bool is_above(const exec_limb r[EXEC_FE_LIMBS])
{
    if (__builtin_expect(r[EXEC_FE_LIMBS - 1] != ONES, 1))
        return false;
    for (uint32_t i = 0; i < EXEC_FE_LIMBS; i++) {
        if (r[EXEC_FE_LIMBS - 1 - i] != EXEC_SECP_P.l[EXEC_FE_LIMBS - 1 - i])
            return r[EXEC_FE_LIMBS - 1 - i] > EXEC_SECP_P.l[EXEC_FE_LIMBS - 1 - i];
    }
    return true;
}

#if EXEC_LIMB_BITS == 64

void exec_fe_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    if (exec_fe_carry_add(out, a, b) != 0 || is_above(out->l))
        fold_add(out->l);
}

void exec_fe_sub(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    if (exec_fe_borrow_sub(out, a, b) != 0)
        (void)exec_fe_carry_add(out, out, &EXEC_SECP_P);
}

void exec_fe_neg(struct exec_fe *out, const struct exec_fe *a)
{
    const struct exec_fe zero = {{0}};
    exec_fe_sub(out, &zero, a);
}

#else

/* Straight-line: these are a sixth of a walk's work, and compilers keep the loops. */
#define ADD_WORD(i)                                                                                \
    do {                                                                                           \
        uint32_t y = b->l[i];                                                                      \
        uint32_t sum = a->l[i] + y;                                                                \
        uint32_t over = sum < y;                                                                   \
        sum += carry;                                                                              \
        carry = over | (sum < carry);                                                              \
        r[i] = sum;                                                                                \
    } while (0)
#define SUB_WORD(i)                                                                                \
    do {                                                                                           \
        uint32_t x = a->l[i];                                                                      \
        uint32_t y = b->l[i];                                                                      \
        uint32_t under = x < y;                                                                    \
        x -= y;                                                                                    \
        r[i] = x - carry;                                                                          \
        carry = under | (x < carry);                                                               \
    } while (0)
#define ALL_WORDS(what)                                                                            \
    do {                                                                                           \
        what(0);                                                                                   \
        what(1);                                                                                   \
        what(2);                                                                                   \
        what(3);                                                                                   \
        what(4);                                                                                   \
        what(5);                                                                                   \
        what(6);                                                                                   \
        what(7);                                                                                   \
    } while (0)

void exec_fe_add(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    uint32_t *r = out->l;
    uint32_t carry = 0;
    ALL_WORDS(ADD_WORD);
    if (carry != 0 || is_above(r))
        fold_add(r);
}

void exec_fe_sub(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    uint32_t *r = out->l;
    uint32_t carry = 0;
    ALL_WORDS(SUB_WORD);
    if (carry != 0) { /* adding p is taking 2^32 + 977 away from what wrapped */
        carry = r[0] < FOLD;
        r[0] -= FOLD;
        uint64_t rest = (uint64_t)r[1] - 1u - carry;
        r[1] = (uint32_t)rest;
        carry = (uint32_t)(rest >> 32) & 1u;
        for (uint32_t i = 2; __builtin_expect(carry != 0, 0) && i < 8; i++) {
            carry = r[i] == 0;
            r[i]--;
        }
    }
}

/* p - a: the six upper words of p are all ones, so that only the lower two borrow, from each other
 * as a rule.  a < p keeps the rest of them from borrowing beyond the top. */
void exec_fe_neg(struct exec_fe *out, const struct exec_fe *a)
{
    uint32_t a0 = a->l[0], a1 = a->l[1];
    uint32_t *r = out->l;
    uint64_t low = EXEC_SECP_P.l[0] - (uint64_t)a0;
    uint64_t high = EXEC_SECP_P.l[1] - (uint64_t)a1 - (low >> 63);
    uint32_t borrow = (uint32_t)(high >> 63);
    if (__builtin_expect(a0 == 0, 0) && exec_fe_is_zero(a)) {
        *out = *a;
        return;
    }
    r[0] = (uint32_t)low;
    r[1] = (uint32_t)high;
    r[2] = ~a->l[2];
    r[3] = ~a->l[3];
    r[4] = ~a->l[4];
    r[5] = ~a->l[5];
    r[6] = ~a->l[6];
    r[7] = ~a->l[7];
    for (uint32_t i = 2; __builtin_expect(borrow != 0, 0) && i < 8; i++) {
        borrow = r[i] == 0;
        r[i]--;
    }
}

#endif

/* ---- products modulo p */

#if EXEC_SECP_CHIPS

static void mod_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b,
                    const struct exec_fe *m)
{
#if EXEC_LIMB_BITS == 32
    td_chip_u256_mulmod(out->l, a->l, b->l, m->l);
#else
    uint32_t w[4][8];
    exec_fe_to_words(w[1], a);
    exec_fe_to_words(w[2], b);
    exec_fe_to_words(w[3], m);
    td_chip_u256_mulmod(w[0], w[1], w[2], w[3]);
    exec_fe_from_words(out, w[0]);
#endif
}

void exec_fe_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    mod_mul(out, a, b, &EXEC_SECP_P);
}

void exec_fe_sqr(struct exec_fe *out, const struct exec_fe *a)
{
    mod_mul(out, a, a, &EXEC_SECP_P);
}

void exec_sc_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    mod_mul(out, a, b, &EXEC_SECP_N);
}

#elif EXEC_LIMB_BITS == 64

/* t + 2^256 h to r: h is folded once (33 bits are left over), then those, then maybe a carry. */
static inline void fold_wide(uint64_t r[4], const uint64_t t[8])
{
    const uint64_t c = (UINT64_C(1) << 32) + FOLD;
    uint64_t top = 0, high = 0, carry = 0;
    for (uint32_t i = 0; i < 4; i++)
        r[i] = exec_limb_mac(t[i], t[4 + i], c, &top);
    r[0] = exec_limb_mac(r[0], top, c, &high);
    r[1] = exec_limb_adc(r[1], high, &carry);
    r[2] = exec_limb_adc(r[2], 0, &carry);
    r[3] = exec_limb_adc(r[3], 0, &carry);
    if (__builtin_expect(carry != 0, 0) || is_above(r))
        fold_add(r);
}

void exec_fe_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    uint64_t t[8] = {0};
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < 4; j++)
            t[i + j] = exec_limb_mac(t[i + j], a->l[i], b->l[j], &carry);
        t[i + 4] = carry;
    }
    fold_wide(out->l, t);
}

void exec_fe_sqr(struct exec_fe *out, const struct exec_fe *a)
{
    exec_fe_mul(out, a, a);
}

#else

/* Column sums of a product: three words hold up to 2^32 products.  hi + 1 cannot overflow, since
 * the high word of a product is at most 2^32 - 2. */
#define MAC(x, y)                                                                                  \
    do {                                                                                           \
        uint64_t xy = (uint64_t)(x) * (y);                                                         \
        uint32_t lo = (uint32_t)xy;                                                                \
        uint32_t hi = (uint32_t)(xy >> 32);                                                        \
        c0 += lo;                                                                                  \
        hi += c0 < lo;                                                                             \
        c1 += hi;                                                                                  \
        c2 += c1 < hi;                                                                             \
    } while (0)
/* The column is complete: its word, and on to the next one. */
#define NEXT(word)                                                                                 \
    do {                                                                                           \
        (word) = c0;                                                                               \
        c0 = c1;                                                                                   \
        c1 = c2;                                                                                   \
        c2 = 0;                                                                                    \
    } while (0)
/* Word k of t + h (2^32 + 977), where h is the word 8 + k of the product and `before` the one below
 * it; acc carries at most 12 bits. */
#define FOLD_WORD(k, h, before)                                                                    \
    do {                                                                                           \
        acc += t[k];                                                                               \
        acc += before;                                                                             \
        acc += (uint64_t)(h)*FOLD;                                                                 \
        r[k] = (uint32_t)acc;                                                                      \
        acc >>= 32;                                                                                \
    } while (0)

/* What is left above 2^256 after the first fold: top < 2^33, so the second leaves a carry at most.
 */
static inline void fold_top(uint32_t r[8], uint64_t top)
{
    uint64_t acc = (uint64_t)(uint32_t)top * FOLD + r[0];
    uint32_t high = (uint32_t)(top >> 32);
    r[0] = (uint32_t)acc;
    acc = (acc >> 32) + r[1] + (uint32_t)top;
    if (high != 0)
        acc += FOLD;
    r[1] = (uint32_t)acc;
    acc = (acc >> 32) + high;
    for (uint32_t i = 2; acc != 0 && i < 8; i++) {
        acc += r[i];
        r[i] = (uint32_t)acc;
        acc >>= 32;
    }
    if (__builtin_expect(acc != 0, 0) || is_above(r))
        fold_add(r);
}

void exec_fe_mul(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *b)
{
    const uint32_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3];
    const uint32_t a4 = a->l[4], a5 = a->l[5], a6 = a->l[6], a7 = a->l[7];
    const uint32_t b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3];
    const uint32_t b4 = b->l[4], b5 = b->l[5], b6 = b->l[6], b7 = b->l[7];
    uint32_t c0 = 0, c1 = 0, c2 = 0, h, g;
    uint32_t t[8];
    uint32_t *r = out->l;
    uint64_t acc = 0;
    /* clang-format off */
    MAC(a0, b0); NEXT(t[0]);
    MAC(a0, b1); MAC(a1, b0); NEXT(t[1]);
    MAC(a0, b2); MAC(a1, b1); MAC(a2, b0); NEXT(t[2]);
    MAC(a0, b3); MAC(a1, b2); MAC(a2, b1); MAC(a3, b0); NEXT(t[3]);
    MAC(a0, b4); MAC(a1, b3); MAC(a2, b2); MAC(a3, b1); MAC(a4, b0); NEXT(t[4]);
    MAC(a0, b5); MAC(a1, b4); MAC(a2, b3); MAC(a3, b2); MAC(a4, b1); MAC(a5, b0); NEXT(t[5]);
    MAC(a0, b6); MAC(a1, b5); MAC(a2, b4); MAC(a3, b3); MAC(a4, b2); MAC(a5, b1); MAC(a6, b0);
    NEXT(t[6]);
    MAC(a0, b7); MAC(a1, b6); MAC(a2, b5); MAC(a3, b4); MAC(a4, b3); MAC(a5, b2); MAC(a6, b1);
    MAC(a7, b0); NEXT(t[7]);
    MAC(a1, b7); MAC(a2, b6); MAC(a3, b5); MAC(a4, b4); MAC(a5, b3); MAC(a6, b2); MAC(a7, b1);
    NEXT(h); FOLD_WORD(0, h, 0u);
    MAC(a2, b7); MAC(a3, b6); MAC(a4, b5); MAC(a5, b4); MAC(a6, b3); MAC(a7, b2);
    NEXT(g); FOLD_WORD(1, g, h);
    MAC(a3, b7); MAC(a4, b6); MAC(a5, b5); MAC(a6, b4); MAC(a7, b3); NEXT(h); FOLD_WORD(2, h, g);
    MAC(a4, b7); MAC(a5, b6); MAC(a6, b5); MAC(a7, b4); NEXT(g); FOLD_WORD(3, g, h);
    MAC(a5, b7); MAC(a6, b6); MAC(a7, b5); NEXT(h); FOLD_WORD(4, h, g);
    MAC(a6, b7); MAC(a7, b6); NEXT(g); FOLD_WORD(5, g, h);
    MAC(a7, b7); NEXT(h); FOLD_WORD(6, h, g);
    FOLD_WORD(7, c0, h);
    /* clang-format on */
    fold_top(r, acc + c0);
}

/* Twice the products of different words, then the squares. */
void exec_fe_sqr(struct exec_fe *out, const struct exec_fe *a)
{
    const uint32_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3];
    const uint32_t a4 = a->l[4], a5 = a->l[5], a6 = a->l[6], a7 = a->l[7];
    uint32_t c0 = 0, c1 = 0, c2 = 0, h, g;
    uint32_t t[16];
    uint32_t *r = out->l;
    uint64_t acc = 0;
    /* clang-format off */
    MAC(a0, a1); NEXT(t[1]);
    MAC(a0, a2); NEXT(t[2]);
    MAC(a0, a3); MAC(a1, a2); NEXT(t[3]);
    MAC(a0, a4); MAC(a1, a3); NEXT(t[4]);
    MAC(a0, a5); MAC(a1, a4); MAC(a2, a3); NEXT(t[5]);
    MAC(a0, a6); MAC(a1, a5); MAC(a2, a4); NEXT(t[6]);
    MAC(a0, a7); MAC(a1, a6); MAC(a2, a5); MAC(a3, a4); NEXT(t[7]);
    MAC(a1, a7); MAC(a2, a6); MAC(a3, a5); NEXT(t[8]);
    MAC(a2, a7); MAC(a3, a6); MAC(a4, a5); NEXT(t[9]);
    MAC(a3, a7); MAC(a4, a6); NEXT(t[10]);
    MAC(a4, a7); MAC(a5, a6); NEXT(t[11]);
    MAC(a5, a7); NEXT(t[12]);
    MAC(a6, a7); NEXT(t[13]);
    t[14] = c0;
    /* clang-format on */
#define TWICE(k) (t[k] << 1 | t[(k)-1] >> 31)
/* Two words of the square: twice t plus the product at its own place. */
#define PAIR(even, twice_even, twice_odd, x)                                                       \
    do {                                                                                           \
        uint64_t xx = (uint64_t)(x) * (x);                                                         \
        acc += (uint32_t)xx;                                                                       \
        acc += (twice_even);                                                                       \
        t[even] = (uint32_t)acc;                                                                   \
        acc >>= 32;                                                                                \
        acc += (uint32_t)(xx >> 32);                                                               \
        acc += (twice_odd);                                                                        \
        g = (uint32_t)acc;                                                                         \
        acc >>= 32;                                                                                \
    } while (0)
    uint32_t w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15;
    w2 = TWICE(2), w3 = TWICE(3), w4 = TWICE(4), w5 = TWICE(5), w6 = TWICE(6), w7 = TWICE(7);
    w8 = TWICE(8), w9 = TWICE(9), w10 = TWICE(10), w11 = TWICE(11), w12 = TWICE(12);
    w13 = TWICE(13), w14 = TWICE(14), w15 = t[14] >> 31;
    h = t[1] << 1;
    PAIR(0, 0u, h, a0);
    t[1] = g;
    PAIR(2, w2, w3, a1);
    t[3] = g;
    PAIR(4, w4, w5, a2);
    t[5] = g;
    PAIR(6, w6, w7, a3);
    t[7] = g;
    PAIR(8, w8, w9, a4);
    t[9] = g;
    PAIR(10, w10, w11, a5);
    t[11] = g;
    PAIR(12, w12, w13, a6);
    t[13] = g;
    PAIR(14, w14, w15, a7);
    t[15] = g;
    acc = 0;
    FOLD_WORD(0, t[8], 0u);
    FOLD_WORD(1, t[9], t[8]);
    FOLD_WORD(2, t[10], t[9]);
    FOLD_WORD(3, t[11], t[10]);
    FOLD_WORD(4, t[12], t[11]);
    FOLD_WORD(5, t[13], t[12]);
    FOLD_WORD(6, t[14], t[13]);
    FOLD_WORD(7, t[15], t[14]);
    fold_top(r, acc + t[15]);
}

#endif

/* ---- powers and inverses */

static void sqr_times(struct exec_fe *out, const struct exec_fe *a, uint32_t times)
{
    exec_fe_sqr(out, a);
    while (--times > 0)
        exec_fe_sqr(out, out);
}

/* p = 3 modulo 4, so a^((p + 1) / 4) is a root if there is one.  The exponent in binary: 223 ones,
 * a zero, 22 ones, 0000 11 00. */
bool exec_fe_sqrt(struct exec_fe *out, const struct exec_fe *a)
{
    struct exec_fe x2, x3, x11, x22, x44, t, root;
    sqr_times(&t, a, 1);
    exec_fe_mul(&x2, &t, a);
    sqr_times(&t, &x2, 1);
    exec_fe_mul(&x3, &t, a);
    sqr_times(&t, &x3, 3);
    exec_fe_mul(&t, &t, &x3); /* x6 */
    sqr_times(&t, &t, 3);
    exec_fe_mul(&t, &t, &x3); /* x9 */
    sqr_times(&t, &t, 2);
    exec_fe_mul(&x11, &t, &x2);
    sqr_times(&t, &x11, 11);
    exec_fe_mul(&x22, &t, &x11);
    sqr_times(&t, &x22, 22);
    exec_fe_mul(&x44, &t, &x22);
    sqr_times(&t, &x44, 44);
    exec_fe_mul(&root, &t, &x44); /* x88 */
    sqr_times(&t, &root, 88);
    exec_fe_mul(&t, &t, &root); /* x176 */
    sqr_times(&t, &t, 44);
    exec_fe_mul(&t, &t, &x44); /* x220 */
    sqr_times(&t, &t, 3);
    exec_fe_mul(&t, &t, &x3); /* x223 */
    sqr_times(&t, &t, 23);
    exec_fe_mul(&t, &t, &x22);
    sqr_times(&t, &t, 6);
    exec_fe_mul(&t, &t, &x2);
    sqr_times(&root, &t, 2);
    exec_fe_sqr(&t, &root);
    bool found = exec_fe_eq(&t, a);
    *out = root;
    return found;
}

#if EXEC_SECP_CHIPS

/* Fermat, a^(m - 2), four bits at a time: with a chip for products nothing else is as cheap. */
static void mod_inv(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *m)
{
    struct exec_fe power[16], e = *m, acc;
    e.l[0] -= 2; /* both primes end in more than 2 */
    power[1] = *a;
    for (uint32_t i = 2; i < 16; i++)
        mod_mul(&power[i], &power[i - 1], a, m);
    acc = power[15]; /* both exponents start with four ones */
    for (uint32_t bit = 252; bit > 0; bit -= 4) {
        uint32_t digit = (uint32_t)(e.l[(bit - 4) / EXEC_LIMB_BITS] >> (bit - 4) % EXEC_LIMB_BITS);
        for (uint32_t i = 0; i < 4; i++)
            mod_mul(&acc, &acc, &acc, m);
        if ((digit & 15u) != 0)
            mod_mul(&acc, &acc, &power[digit & 15u], m);
    }
    *out = acc;
}

#else

/* Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (CHES 2019), in
 * variable time: thirty division steps look at the lowest 30 bits of f and g only and come out as a
 * matrix, which is then applied to the long numbers at once.  Numbers are nine signed limbs of 30
 * bits; f = d x and g = e x modulo m throughout (up to powers of two that the matrices divide by).
 */
#define DIV_LIMBS 9u
#define DIV_MASK ((UINT32_C(1) << 30) - 1u)

struct signed30 {
    int32_t l[DIV_LIMBS];
};

/* Times 2^30 the product of thirty steps: (f, g) becomes (u f + v g, q f + r g). */
struct steps {
    int32_t u, v, q, r;
};

static struct signed30 signed30_of(const struct exec_fe *a)
{
    struct signed30 out;
    uint32_t w[10] = {0};
    exec_fe_to_words(w, a);
    for (uint32_t i = 0; i < DIV_LIMBS; i++) {
        uint32_t at = 30 * i / 32, shift = 30 * i % 32;
        uint32_t v = w[at] >> shift;
        if (shift > 2)
            v |= w[at + 1] << (32 - shift);
        out.l[i] = (int32_t)(v & DIV_MASK);
    }
    return out;
}

static int32_t steps_make(struct steps *out, int32_t eta, uint32_t f, uint32_t g)
{
    uint32_t u = 1, v = 0, q = 0, r = 1, t;
    for (uint32_t left = 30;;) {
        while ((g & 1u) == 0 && left > 0) {
            g >>= 1;
            u <<= 1;
            v <<= 1;
            eta--;
            left--;
        }
        if (left == 0)
            break;
        if (eta < 0) {
            eta = -eta;
            t = f, f = g, g = 0 - t;
            t = u, u = q, q = 0 - t;
            t = v, v = r, r = 0 - t;
        }
        g += f;
        q += u;
        r += v;
    }
    *out = (struct steps){(int32_t)u, (int32_t)v, (int32_t)q, (int32_t)r};
    return eta;
}

/* (f, g) times the matrix over 2^30, exact by construction. */
static void steps_apply(struct signed30 *f, struct signed30 *g, const struct steps *t)
{
    int64_t cf = 0, cg = 0;
    for (uint32_t i = 0; i < DIV_LIMBS; i++) {
        int32_t x = f->l[i], y = g->l[i];
        cf += (int64_t)t->u * x + (int64_t)t->v * y;
        cg += (int64_t)t->q * x + (int64_t)t->r * y;
        if (i > 0) {
            f->l[i - 1] = (int32_t)((uint32_t)cf & DIV_MASK);
            g->l[i - 1] = (int32_t)((uint32_t)cg & DIV_MASK);
        }
        cf >>= 30;
        cg >>= 30;
    }
    f->l[DIV_LIMBS - 1] = (int32_t)cf;
    g->l[DIV_LIMBS - 1] = (int32_t)cg;
}

/* The same for (d, e) modulo m: a multiple of m makes the division exact, another keeps both in
 * -2 m .. m.  m_inverse is 1 / m modulo 2^30. */
static void steps_apply_mod(struct signed30 *d, struct signed30 *e, const struct steps *t,
                            const struct signed30 *m, uint32_t m_inverse)
{
    int32_t below_d = d->l[DIV_LIMBS - 1] < 0 ? -1 : 0, below_e = e->l[DIV_LIMBS - 1] < 0 ? -1 : 0;
    int32_t md = (t->u & below_d) + (t->v & below_e);
    int32_t me = (t->q & below_d) + (t->r & below_e);
    int64_t cd = (int64_t)t->u * d->l[0] + (int64_t)t->v * e->l[0];
    int64_t ce = (int64_t)t->q * d->l[0] + (int64_t)t->r * e->l[0];
    md -= (int32_t)((m_inverse * (uint32_t)cd + (uint32_t)md) & DIV_MASK);
    me -= (int32_t)((m_inverse * (uint32_t)ce + (uint32_t)me) & DIV_MASK);
    cd += (int64_t)m->l[0] * md;
    ce += (int64_t)m->l[0] * me;
    for (uint32_t i = 1; i < DIV_LIMBS; i++) {
        int32_t x = d->l[i], y = e->l[i];
        cd = (cd >> 30) + (int64_t)t->u * x + (int64_t)t->v * y + (int64_t)m->l[i] * md;
        ce = (ce >> 30) + (int64_t)t->q * x + (int64_t)t->r * y + (int64_t)m->l[i] * me;
        d->l[i - 1] = (int32_t)((uint32_t)cd & DIV_MASK);
        e->l[i - 1] = (int32_t)((uint32_t)ce & DIV_MASK);
    }
    d->l[DIV_LIMBS - 1] = (int32_t)(cd >> 30);
    e->l[DIV_LIMBS - 1] = (int32_t)(ce >> 30);
}

/* d = sign * d + add * m, limbs back to 30 bits. */
static void signed30_adjust(struct signed30 *d, int32_t sign, const struct signed30 *m, int32_t add)
{
    int32_t carry = 0;
    for (uint32_t i = 0; i < DIV_LIMBS; i++) {
        carry += sign * d->l[i] + add * m->l[i];
        d->l[i] = i + 1 < DIV_LIMBS ? (int32_t)((uint32_t)carry & DIV_MASK) : carry;
        carry >>= 30;
    }
}

static bool signed30_is_zero(const struct signed30 *a)
{
    for (uint32_t i = 0; i < DIV_LIMBS; i++) {
        if (a->l[i] != 0)
            return false;
    }
    return true;
}

static void mod_inv(struct exec_fe *out, const struct exec_fe *a, const struct exec_fe *modulus)
{
    const struct signed30 m = signed30_of(modulus);
    struct signed30 f = m, g = signed30_of(a), d = {{0}}, e = {{1}};
    struct steps t;
    uint32_t low = (uint32_t)m.l[0], m_inverse = low, words[8] = {0};
    int32_t eta = -1;
    for (uint32_t i = 0; i < 4; i++) /* 3, 6, 12, 24, 48 bits */
        m_inverse *= 2u - low * m_inverse;
    while (!signed30_is_zero(&g)) {
        eta = steps_make(&t, eta, (uint32_t)f.l[0], (uint32_t)g.l[0]);
        steps_apply_mod(&d, &e, &t, &m, m_inverse);
        steps_apply(&f, &g, &t);
    }
    /* f is 1 or -1 (m for a = 0, with d = 0), d from -2 m to m. */
    signed30_adjust(&d, 1, &m, d.l[DIV_LIMBS - 1] < 0 ? 1 : 0);
    signed30_adjust(&d, f.l[DIV_LIMBS - 1] < 0 ? -1 : 1, &m, 0);
    signed30_adjust(&d, 1, &m, d.l[DIV_LIMBS - 1] < 0 ? 1 : 0);
    for (uint32_t i = 0; i < DIV_LIMBS; i++) {
        uint64_t v = (uint64_t)(uint32_t)d.l[i] << 30 * i % 32;
        words[30 * i / 32] |= (uint32_t)v;
        if (30 * i / 32 < 7)
            words[30 * i / 32 + 1] |= (uint32_t)(v >> 32);
    }
    exec_fe_from_words(out, words);
}

#endif

void exec_fe_inv(struct exec_fe *out, const struct exec_fe *a)
{
    mod_inv(out, a, &EXEC_SECP_P);
}

void exec_sc_inv(struct exec_fe *out, const struct exec_fe *a)
{
    mod_inv(out, a, &EXEC_SECP_N);
}
