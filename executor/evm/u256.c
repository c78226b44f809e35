#include "executor/u256.h"

#include "executor/evm/u256_inline.h"

#define LIMB_TOP ((exec_limb)1 << (EXEC_LIMB_BITS - 1u))
#define WIDE (2u * EXEC_LIMBS) /* limbs of a 512-bit product */

int exec_u256_cmp(const struct exec_u256 *a, const struct exec_u256 *b)
{
    return exec_u256_inline_lt(a, b) ? -1 : exec_u256_inline_lt(b, a);
}

int exec_u256_scmp(const struct exec_u256 *a, const struct exec_u256 *b)
{
    return exec_u256_inline_slt(a, b) ? -1 : exec_u256_inline_slt(b, a);
}

bool exec_u256_add(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    return exec_u256_inline_add(out, a, b);
}

bool exec_u256_sub(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    return exec_u256_inline_sub(out, a, b);
}

void exec_u256_mul(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    exec_u256_inline_mul(out, a, b);
}

static void multiply_wide(exec_limb r[WIDE], const struct exec_u256 *a, const struct exec_u256 *b)
{
    exec_limb x[EXEC_LIMBS], y[EXEC_LIMBS];
    exec_u256_limbs(x, a);
    exec_u256_limbs(y, b);
    memset(r, 0, WIDE * sizeof *r);
    for (unsigned i = 0; i < EXEC_LIMBS; i++) {
        exec_limb carry = 0;
        if (!EXEC_U256_FAST && x[i] == 0) /* most factors are short; r[i + EXEC_LIMBS] is 0 */
            continue;
        for (unsigned j = 0; j < EXEC_LIMBS; j++) {
            exec_dlimb t = (exec_dlimb)x[i] * y[j] + r[i + j] + carry;
            r[i + j] = (exec_limb)t;
            carry = (exec_limb)(t >> EXEC_LIMB_BITS);
        }
        r[i + EXEC_LIMBS] = carry;
    }
}

bool exec_u256_mul_checked(struct exec_u256 *out, const struct exec_u256 *a,
                           const struct exec_u256 *b)
{
    exec_limb r[WIDE];
    exec_limb high = 0;
    multiply_wide(r, a, b);
    for (unsigned i = EXEC_LIMBS; i < WIDE; i++)
        high |= r[i];
    exec_u256_of_limbs(out, r);
    return high != 0;
}

/* ---- division: Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D, with quotient digits
 * from a reciprocal: Möller, Granlund, "Improved division by invariant integers", IEEE Transactions
 * on Computers 60 (2011).  The guest has no divide instruction and hosts have no cheap one of twice
 * the limb's width; a reciprocal needs one narrow division and a few products. */

/* floor((B^2 - 1) / d) - B for B = 2^EXEC_LIMB_BITS and d >= B/2 (algorithms 2 and 3 there). */
static exec_limb reciprocal(exec_limb d)
{
    exec_limb odd = d & 1u;
    exec_limb half_up = (d >> 1) + odd;
#if EXEC_U256_FAST
    uint64_t v0 = ((1u << 19) - 3u * (1u << 8)) / (uint32_t)(d >> 55);
    uint64_t d40 = (d >> 24) + 1u;
    uint64_t v1 = (v0 << 11) - (v0 * v0 * d40 >> 40) - 1u;
    uint64_t v2 = (v1 << 13) + (v1 * ((UINT64_C(1) << 60) - v1 * d40) >> 47);
    uint64_t e = (odd != 0 ? v2 >> 1 : 0) - v2 * half_up;
    uint64_t v3 = (v2 << 31) + (uint64_t)((exec_dlimb)v2 * e >> 65);
#else
    uint32_t v0 = ((1u << 24) - (1u << 14) + (1u << 9)) / (d >> 22);
    uint32_t d21 = (d >> 11) + 1u;
    uint32_t v1 = (v0 << 4) - (uint32_t)((uint64_t)(v0 * v0) * d21 >> 32) - 1u;
    uint32_t e = (odd != 0 ? v1 >> 1 : 0) - v1 * half_up;
    uint32_t v3 = (v1 << 15) + (uint32_t)((uint64_t)v1 * e >> 33);
#endif
    exec_dlimb t = (exec_dlimb)v3 * d + d;
    return v3 - (exec_limb)(t >> EXEC_LIMB_BITS) - d;
}

/* Quotient of (high, low) / d with its remainder; high < d, d >= B/2, v = reciprocal(d)
 * (algorithm 4 there). */
static exec_limb divide_2by1(exec_limb *rest, exec_limb high, exec_limb low, exec_limb d,
                             exec_limb v)
{
    exec_dlimb q = (exec_dlimb)v * high + ((exec_dlimb)high << EXEC_LIMB_BITS | low);
    exec_limb digit = (exec_limb)(q >> EXEC_LIMB_BITS) + 1u;
    exec_limb r = low - digit * d;
    if (r > (exec_limb)q) {
        digit--;
        r += d;
    }
    if (r >= d) {
        digit++;
        r -= d;
    }
    *rest = r;
    return digit;
}

static unsigned leading_zeros(exec_limb v)
{
#if EXEC_U256_FAST
    return (unsigned)__builtin_clzll(v);
#else
    /* By halving: the guest has no such instruction and the library's would use a table. */
    unsigned n = 0;
    for (unsigned step = EXEC_LIMB_BITS / 2u; step > 0; step /= 2u) {
        if (v >> (EXEC_LIMB_BITS - step) == 0) {
            v <<= step;
            n += step;
        }
    }
    return n;
#endif
}

static unsigned limb_length(const exec_limb *a, unsigned count)
{
    while (count > 0 && a[count - 1] == 0)
        count--;
    return count;
}

/* u[0 .. n] -= digit * v[0 .. n), top limb included; returns whether it went below zero. */
static bool subtract_multiple(exec_limb *u, const exec_limb *v, unsigned n, exec_limb digit)
{
    exec_limb carry = 0;
    unsigned char borrow = 0;
    for (unsigned i = 0; i < n; i++) {
        exec_dlimb t = (exec_dlimb)digit * v[i] + carry;
        carry = (exec_limb)(t >> EXEC_LIMB_BITS);
        borrow = exec_limb_sub(borrow, u[i], (exec_limb)t, &u[i]);
    }
    return exec_limb_sub(borrow, u[n], carry, &u[n]) != 0;
}

/* One quotient digit of u[0 .. n] / v[0 .. n), n >= 2, v normalised, u[n] <= v[n-1]; leaves the
 * remainder in u (steps D3 to D6). */
static exec_limb quotient_digit(exec_limb *u, const exec_limb *v, unsigned n, exec_limb inverse)
{
    exec_limb top = v[n - 1];
    exec_limb digit = (exec_limb)0 - 1u;
    exec_limb rest = 0;
    bool rest_fits = true;
    if (u[n] < top) {
        digit = divide_2by1(&rest, u[n], u[n - 1], top, inverse);
    } else { /* u[n] == top: the digit is at most B - 1, remainder top + u[n-1] */
        rest = top + u[n - 1];
        rest_fits = rest >= top;
    }
    while (rest_fits &&
           (exec_dlimb)digit * v[n - 2] > ((exec_dlimb)rest << EXEC_LIMB_BITS | u[n - 2])) {
        digit--;
        rest += top;
        rest_fits = rest >= top;
    }
    if (subtract_multiple(u, v, n, digit)) { /* one too many: add back */
        unsigned char carry = 0;
        digit--;
        for (unsigned i = 0; i < n; i++)
            carry = exec_limb_add(carry, u[i], v[i], &u[i]);
        u[n] += carry;
    }
    return digit;
}

/* quotient (count limbs, or NULL) and remainder of u / d; u has count <= WIDE limbs.  d != 0. */
static void divide(exec_limb *quotient, exec_limb rest[EXEC_LIMBS], const exec_limb *u,
                   unsigned count, const exec_limb d[EXEC_LIMBS])
{
    exec_limb a[WIDE + 1u], v[EXEC_LIMBS];
    unsigned n = limb_length(d, EXEC_LIMBS);
    unsigned m = limb_length(u, count);
    memset(rest, 0, EXEC_LIMBS * sizeof *rest);
    if (quotient != NULL)
        memset(quotient, 0, count * sizeof *quotient);
    if (m < n) {
        memcpy(rest, u, m * sizeof *rest);
        return;
    }
    unsigned shift = leading_zeros(d[n - 1]);
    unsigned back = EXEC_LIMB_BITS - 1u - shift; /* x >> 1 >> back: legal when shift is 0 */
    for (unsigned i = n; i-- > 0;)
        v[i] = (exec_limb)(d[i] << shift | (i > 0 ? d[i - 1] >> 1 >> back : 0));
    a[m] = (exec_limb)(u[m - 1] >> 1 >> back);
    for (unsigned i = m; i-- > 0;)
        a[i] = (exec_limb)(u[i] << shift | (i > 0 ? u[i - 1] >> 1 >> back : 0));

    exec_limb inverse = reciprocal(v[n - 1]);
    if (n == 1) {
        exec_limb r = a[m];
        for (unsigned j = m; j-- > 0;) {
            exec_limb digit = divide_2by1(&r, r, a[j], v[0], inverse);
            if (quotient != NULL)
                quotient[j] = digit;
        }
        rest[0] = r >> shift;
        return;
    }
    for (unsigned j = m - n + 1u; j-- > 0;) {
        exec_limb digit = quotient_digit(a + j, v, n, inverse);
        if (quotient != NULL)
            quotient[j] = digit;
    }
    for (unsigned i = 0; i < n; i++)
        rest[i] = (exec_limb)(a[i] >> shift | (i + 1 < n ? a[i + 1] << 1 << back : 0));
}

/* Both, from which the four signed and unsigned forms choose; b != 0. */
static void divide_u256(struct exec_u256 *quotient, struct exec_u256 *rest,
                        const struct exec_u256 *a, const struct exec_u256 *b)
{
    exec_limb x[EXEC_LIMBS], y[EXEC_LIMBS], q[EXEC_LIMBS], r[EXEC_LIMBS];
    exec_u256_limbs(x, a);
    exec_u256_limbs(y, b);
    divide(q, r, x, EXEC_LIMBS, y);
    exec_u256_of_limbs(quotient, q);
    exec_u256_of_limbs(rest, r);
}

void exec_u256_div(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    struct exec_u256 rest;
    if (exec_u256_is_zero(b)) {
        *out = exec_u256_of(0);
    } else if (exec_u256_is_u64(a) && exec_u256_is_u64(b) && EXEC_U256_FAST) {
        *out = exec_u256_of(a->w[0] / b->w[0]);
    } else {
        divide_u256(out, &rest, a, b);
    }
}

void exec_u256_mod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    struct exec_u256 quotient;
    if (exec_u256_is_zero(b)) {
        *out = exec_u256_of(0);
    } else if (exec_u256_is_u64(a) && exec_u256_is_u64(b) && EXEC_U256_FAST) {
        *out = exec_u256_of(a->w[0] % b->w[0]);
    } else {
        divide_u256(&quotient, out, a, b);
    }
}

static bool is_negative(const struct exec_u256 *a)
{
    return a->w[3] >> 63 != 0;
}

static void negate(struct exec_u256 *a)
{
    struct exec_u256 zero = {{0}};
    exec_u256_inline_sub(a, &zero, a);
}

void exec_u256_sdiv(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    struct exec_u256 x = *a;
    struct exec_u256 y = *b;
    bool negative = is_negative(a) != is_negative(b);
    if (is_negative(&x))
        negate(&x);
    if (is_negative(&y))
        negate(&y);
    exec_u256_div(out, &x, &y); /* -2^255 / -1: the magnitude 2^255 is its own answer */
    if (negative)
        negate(out);
}

void exec_u256_smod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b)
{
    struct exec_u256 x = *a;
    struct exec_u256 y = *b;
    bool negative = is_negative(a);
    if (is_negative(&x))
        negate(&x);
    if (is_negative(&y))
        negate(&y);
    exec_u256_mod(out, &x, &y);
    if (negative)
        negate(out);
}

void exec_u256_addmod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b,
                      const struct exec_u256 *m)
{
    struct exec_u256 sum;
    exec_limb x[EXEC_LIMBS + 1u], y[EXEC_LIMBS], r[EXEC_LIMBS];
    if (exec_u256_is_zero(m)) {
        *out = exec_u256_of(0);
        return;
    }
    x[EXEC_LIMBS] = exec_u256_inline_add(&sum, a, b);
    exec_u256_limbs(x, &sum);
    exec_u256_limbs(y, m);
    divide(NULL, r, x, EXEC_LIMBS + 1u, y);
    exec_u256_of_limbs(out, r);
}

void exec_u256_mulmod(struct exec_u256 *out, const struct exec_u256 *a, const struct exec_u256 *b,
                      const struct exec_u256 *m)
{
    exec_limb x[WIDE], y[EXEC_LIMBS], r[EXEC_LIMBS];
    if (exec_u256_is_zero(m)) {
        *out = exec_u256_of(0);
        return;
    }
    multiply_wide(x, a, b);
    exec_u256_limbs(y, m);
    divide(NULL, r, x, WIDE, y);
    exec_u256_of_limbs(out, r);
}

/* ---- exponent, lengths, shifts */

static bool bit_of(const struct exec_u256 *a, uint32_t at)
{
    return (a->w[at / 64u] >> (at % 64u) & 1u) != 0;
}

void exec_u256_exp(struct exec_u256 *out, const struct exec_u256 *base,
                   const struct exec_u256 *exponent)
{
    struct exec_u256 result = exec_u256_of(1);
    struct exec_u256 b = *base;
    struct exec_u256 e = *exponent;
    uint32_t top = 8u * exec_u256_byte_length(&e);
    while (top > 0 && !bit_of(&e, top - 1u))
        top--;
    for (uint32_t i = top; i-- > 0;) {
        exec_u256_inline_mul(&result, &result, &result);
        if (bit_of(&e, i))
            exec_u256_inline_mul(&result, &result, &b);
    }
    *out = result;
}

uint32_t exec_u256_byte_length(const struct exec_u256 *a)
{
    uint32_t word = 4;
    while (word > 0 && a->w[word - 1] == 0)
        word--;
    if (word == 0)
        return 0;
    uint32_t bytes = 8u * (word - 1u), v = (uint32_t)(a->w[word - 1] >> 32);
    if (v != 0)
        bytes += 4u;
    else
        v = (uint32_t)a->w[word - 1];
    return bytes + (v >> 16 == 0 ? 1u + (v >> 8 != 0) : 3u + (v >> 24 != 0));
}

void exec_u256_sign_extend(struct exec_u256 *out, const struct exec_u256 *byte_index,
                           const struct exec_u256 *a)
{
    if (!exec_u256_is_u64(byte_index) || byte_index->w[0] >= 31u) {
        *out = *a;
        return;
    }
    uint32_t unused = 248u - 8u * (uint32_t)byte_index->w[0];
    exec_u256_shl(out, a, unused);
    exec_u256_sar(out, out, unused);
}

void exec_u256_shl(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits)
{
    exec_limb x[EXEC_LIMBS], r[EXEC_LIMBS] = {0};
    if (bits >= 256u) {
        *out = exec_u256_of(0);
        return;
    }
    unsigned whole = bits / EXEC_LIMB_BITS;
    unsigned part = bits % EXEC_LIMB_BITS;
    exec_u256_limbs(x, a);
    for (unsigned i = whole; i < EXEC_LIMBS; i++) {
        exec_limb below = i > whole ? x[i - whole - 1u] : 0;
        r[i] = (exec_limb)(x[i - whole] << part | below >> 1 >> (EXEC_LIMB_BITS - 1u - part));
    }
    exec_u256_of_limbs(out, r);
}

/* Right shift with `fill` (all zeros or all ones) entering from the left; bits < 256. */
static void shift_right(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits,
                        exec_limb fill)
{
    exec_limb x[EXEC_LIMBS + 1u], r[EXEC_LIMBS];
    unsigned whole = bits / EXEC_LIMB_BITS;
    unsigned part = bits % EXEC_LIMB_BITS;
    exec_u256_limbs(x, a);
    x[EXEC_LIMBS] = fill;
    for (unsigned i = 0; i < EXEC_LIMBS; i++) {
        exec_limb here = i + whole < EXEC_LIMBS ? x[i + whole] : fill;
        exec_limb above = i + whole < EXEC_LIMBS ? x[i + whole + 1u] : fill;
        r[i] = (exec_limb)(here >> part | above << 1 << (EXEC_LIMB_BITS - 1u - part));
    }
    exec_u256_of_limbs(out, r);
}

void exec_u256_shr(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits)
{
    if (bits >= 256u)
        *out = exec_u256_of(0);
    else
        shift_right(out, a, bits, 0);
}

void exec_u256_sar(struct exec_u256 *out, const struct exec_u256 *a, uint32_t bits)
{
    exec_limb fill = is_negative(a) ? (exec_limb)0 - 1u : 0;
    shift_right(out, a, bits >= 256u ? 255u : bits, fill);
}

void exec_u256_from_be(struct exec_u256 *out, const uint8_t *bytes, size_t len)
{
    uint32_t w[8] = {0};
    unsigned at = 0;
    if (EXEC_U256_FAST && len == 32) {
        exec_u256_inline_from_be32(out, bytes);
        return;
    }
    for (; len >= 4; len -= 4) {
        const uint8_t *p = bytes + len - 4;
        w[at++] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (size_t i = 0; i < len; i++)
        w[at] = w[at] << 8 | bytes[i];
    for (unsigned i = 0; i < 4; i++)
        out->w[i] = (uint64_t)w[2u * i + 1u] << 32 | w[2u * i];
}

void exec_u256_to_be(uint8_t out[32], const struct exec_u256 *a)
{
    exec_u256_inline_to_be32(out, a);
}
