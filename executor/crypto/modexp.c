#include "executor/crypto/modexp.h"

#include <stdbool.h>

#include "base/core/memory.h"
#include "executor/crypto/limb.h"

#define HEADER_BYTES 96u
#define GAS_MIN 200u /* EIP-2565 */
#define HEAD_BYTES 32u
#define WINDOW_MAX 5u
#define WINDOW_ENTRIES_MAX ((1u << (WINDOW_MAX - 1u)) + 1u)

/* A big-endian number of `len` bytes: `have` bytes at ptr, then zeros. */
struct number {
    const uint8_t *ptr;
    size_t have;
    uint64_t len;
};

/* The three sizes, UINT64_MAX for anything larger, and the three numbers. */
struct operands {
    struct number base;
    struct number exponent;
    struct number modulus;
};

/* Residues of n limbs, modulo an odd m in Montgomery form or modulo 2^(limb bits * n). */
struct ring {
    size_t n;
    const exec_limb *m; /* NULL: the power of two */
    exec_limb m0_inv;   /* -1/m modulo the limb */
    exec_limb *t;       /* 2 * n + 2 limbs of scratch */
};

/* ---- input */

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t mul_saturating(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static struct number number_at(struct td_bytes input, uint64_t offset, uint64_t len)
{
    struct number v = {.ptr = NULL, .have = 0, .len = len};
    if (offset >= input.len)
        return v;
    size_t left = input.len - (size_t)offset;
    v.ptr = input.ptr + offset;
    v.have = len < left ? (size_t)len : left;
    return v;
}

static uint8_t number_byte(const struct number *v, uint64_t index)
{
    return index < v->have ? v->ptr[index] : 0;
}

static uint64_t size_decode(struct td_bytes input, uint64_t offset)
{
    struct number v = number_at(input, offset, 32);
    uint64_t size = 0;
    for (unsigned i = 0; i < 32; i++) {
        if (size >> 56 != 0)
            return UINT64_MAX;
        size = size << 8 | number_byte(&v, i);
    }
    return size;
}

static struct operands operands_decode(struct td_bytes input)
{
    uint64_t base = size_decode(input, 0);
    uint64_t exponent = size_decode(input, 32);
    uint64_t modulus = size_decode(input, 64);
    uint64_t exponent_at = add_saturating(HEADER_BYTES, base);
    return (struct operands){
        .base = number_at(input, HEADER_BYTES, base),
        .exponent = number_at(input, exponent_at, exponent),
        .modulus = number_at(input, add_saturating(exponent_at, exponent), modulus),
    };
}

/* Bits of the number made of the first `bytes` bytes. */
static uint64_t head_bit_length(const struct number *v, uint64_t bytes)
{
    uint64_t visible = bytes < v->have ? bytes : v->have;
    for (uint64_t i = 0; i < visible; i++) {
        unsigned byte = v->ptr[i];
        if (byte == 0)
            continue;
        uint64_t bits = (bytes - i) * 8u;
        for (; byte < 0x80; byte <<= 1)
            bits--;
        return bits;
    }
    return 0;
}

/* The same value without leading zero bytes. */
static struct number number_strip(struct number v)
{
    while (v.have > 0 && v.ptr[0] == 0) {
        v.ptr++;
        v.have--;
        v.len--;
    }
    if (v.have == 0)
        v.len = 0;
    return v;
}

/* Fills out[0 .. n) with limbs first .. first + n of the value, least significant first. */
static void number_limbs(exec_limb *out, size_t n, const struct number *v, uint64_t first)
{
    uint64_t below = first * EXEC_LIMB_BYTES; /* bytes of the value below limb `first` */
    for (size_t i = 0; i < n; i++) {
        exec_limb limb = 0;
        for (unsigned b = 0; b < EXEC_LIMB_BYTES; b++, below++) {
            if (below < v->len)
                limb |= (exec_limb)number_byte(v, v->len - 1 - below) << (8 * b);
        }
        out[i] = limb;
    }
}

struct exec_modexp_work exec_modexp_count(struct td_bytes input)
{
    struct operands in = operands_decode(input);
    uint64_t longest = in.base.len > in.modulus.len ? in.base.len : in.modulus.len;
    uint64_t words = longest / 8u + (longest % 8u != 0);

    uint64_t e = in.exponent.len;
    uint64_t head_bits = head_bit_length(&in.exponent, e < HEAD_BYTES ? e : HEAD_BYTES);
    uint64_t iterations = e > HEAD_BYTES ? mul_saturating(8, e - HEAD_BYTES) : 0;
    if (head_bits > 1)
        iterations = add_saturating(iterations, head_bits - 1);
    if (iterations == 0)
        iterations = 1;
    return (struct exec_modexp_work){mul_saturating(words, words), iterations};
}

uint64_t exec_modexp_gas(struct td_bytes input)
{
    struct exec_modexp_work work = exec_modexp_count(input);
    uint64_t product = mul_saturating(work.products, work.iterations);
    if (product == UINT64_MAX)
        return UINT64_MAX;
    uint64_t gas = product / 3u;
    return gas < GAS_MIN ? GAS_MIN : gas;
}

/* ---- arithmetic on limbs, least significant first */

/* out = a - b over n limbs; returns the borrow. */
static exec_limb sub_limbs(exec_limb *out, const exec_limb *a, const exec_limb *b, size_t n)
{
    exec_limb borrow = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = exec_limb_sbb(a[i], b[i], &borrow);
    return borrow;
}

/* out = (high * 2^(limbs) + t) mod m, for a value below 2 * m. */
static void reduce_once(const struct ring *r, exec_limb *out, const exec_limb *t, exec_limb high)
{
    exec_limb borrow = sub_limbs(out, t, r->m, r->n);
    if (high == 0 && borrow != 0)
        memcpy(out, t, r->n * sizeof *out);
}

/* a * b / 2^(limb bits * n) mod m: multiplication and reduction row by row.  a < m, b < 2^(...). */
static void mont_mul(const struct ring *r, exec_limb *out, const exec_limb *a, const exec_limb *b)
{
    size_t n = r->n;
    const exec_limb *m = r->m;
    exec_limb *t = r->t;
    exec_limb high = 0;
    memset(t, 0, n * sizeof *t);
    for (size_t i = 0; i < n; i++) {
        exec_limb carry_a = 0;
        exec_limb carry_m = 0;
        exec_limb low = exec_limb_mac(t[0], a[0], b[i], &carry_a);
        exec_limb u = low * r->m0_inv;
        (void)exec_limb_mac(low, u, m[0], &carry_m);
        for (size_t j = 1; j < n; j++) {
            exec_limb s = exec_limb_mac(t[j], a[j], b[i], &carry_a);
            t[j - 1] = exec_limb_mac(s, u, m[j], &carry_m);
        }
        exec_limb2 sum = (exec_limb2)carry_a + carry_m + high;
        t[n - 1] = (exec_limb)sum;
        high = (exec_limb)(sum >> EXEC_LIMB_BITS);
    }
    reduce_once(r, out, t, high);
}

/* t[0 .. 2n) = a^2: the products above the diagonal once, doubled, plus the squares on it. */
static void square_limbs(exec_limb *t, const exec_limb *a, size_t n)
{
    memset(t, 0, 2 * n * sizeof *t);
    for (size_t i = 0; i + 1 < n; i++) {
        exec_limb carry = 0;
        for (size_t j = i + 1; j < n; j++)
            t[i + j] = exec_limb_mac(t[i + j], a[i], a[j], &carry);
        t[i + n] = carry;
    }
    exec_limb shifted = 0; /* the bit that doubling moves across */
    exec_limb carry = 0;
    for (size_t i = 0; i < n; i++) {
        exec_limb low = t[2 * i];
        exec_limb high = t[2 * i + 1];
        exec_limb2 square = (exec_limb2)a[i] * a[i];
        t[2 * i] = exec_limb_adc((exec_limb)(low << 1) | shifted, (exec_limb)square, &carry);
        t[2 * i + 1] =
            exec_limb_adc((exec_limb)(high << 1) | (exec_limb)(low >> (EXEC_LIMB_BITS - 1)),
                          (exec_limb)(square >> EXEC_LIMB_BITS), &carry);
        shifted = high >> (EXEC_LIMB_BITS - 1);
    }
}

static void mont_square(const struct ring *r, exec_limb *out, const exec_limb *a)
{
    size_t n = r->n;
    const exec_limb *m = r->m;
    exec_limb *t = r->t;
    exec_limb high = 0;
    square_limbs(t, a, n);
    for (size_t i = 0; i < n; i++) {
        exec_limb carry = 0;
        exec_limb *row = t + i;
        exec_limb u = row[0] * r->m0_inv;
        for (size_t j = 0; j < n; j++)
            row[j] = exec_limb_mac(row[j], u, m[j], &carry);
        row[n] = exec_limb_adc(row[n], carry, &high);
    }
    reduce_once(r, out, t + n, high);
}

/* The low n limbs of a * b.  out is neither a nor b. */
static void mul_low(exec_limb *out, const exec_limb *a, const exec_limb *b, size_t n)
{
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        exec_limb carry = 0;
        for (size_t j = 0; i + j < n; j++)
            out[i + j] = exec_limb_mac(out[i + j], a[j], b[i], &carry);
    }
}

/* ---- rings; out may be a or b */

static void ring_mul(const struct ring *r, exec_limb *out, const exec_limb *a, const exec_limb *b)
{
    if (r->m == NULL) {
        mul_low(r->t, a, b, r->n);
        memcpy(out, r->t, r->n * sizeof *out);
    } else if (a == b) {
        mont_square(r, out, a);
    } else {
        mont_mul(r, out, a, b);
    }
}

/* Inverse of an odd limb: each Newton step doubles the number of correct low bits, from three. */
static exec_limb limb_inverse(exec_limb odd)
{
    exec_limb x = odd;
    for (unsigned bits = 3; bits < EXEC_LIMB_BITS; bits *= 2)
        x *= (exec_limb)(2u - odd * x);
    return x;
}

/* x = 2 * x mod m */
static void mod_double(const struct ring *r, exec_limb *x)
{
    exec_limb high = 0;
    for (size_t i = 0; i < r->n; i++) {
        exec_limb v = x[i];
        x[i] = (exec_limb)(v << 1) | high;
        high = v >> (EXEC_LIMB_BITS - 1);
    }
    reduce_once(r, r->t, x, high);
    memcpy(x, r->t, r->n * sizeof *x);
}

/* one = R mod m and square = R^2 mod m for R = 2^(limb bits * n), without a division: one by
 * doubling the largest power of two below m, then 2^(limb bits * n) in Montgomery form by square
 * and double. m > 1. */
static void mont_constants(const struct ring *r, exec_limb *one, exec_limb *square)
{
    size_t n = r->n;
    unsigned top = EXEC_LIMB_BITS - 1; /* highest set bit of the highest limb */
    while ((r->m[n - 1] >> top) == 0)
        top--;
    memset(one, 0, n * sizeof *one);
    one[n - 1] = (exec_limb)1 << top;
    for (unsigned i = top; i < EXEC_LIMB_BITS; i++)
        mod_double(r, one);

    uint64_t power = (uint64_t)n * EXEC_LIMB_BITS;
    unsigned bit = 63;
    while ((power >> bit) == 0)
        bit--;
    memcpy(square, one, n * sizeof *one);
    mod_double(r, square);
    while (bit-- > 0) {
        mont_square(r, square, square);
        if ((power >> bit & 1u) != 0)
            mod_double(r, square);
    }
}

/* out = v mod m in Montgomery form, n limbs of v at a time from the top (Horner).  chunk: n limbs.
 */
static void mont_reduce(const struct ring *r, exec_limb *out, const struct number *v,
                        const exec_limb *square, exec_limb *chunk)
{
    size_t n = r->n;
    uint64_t limbs = v->len / EXEC_LIMB_BYTES + (v->len % EXEC_LIMB_BYTES != 0);
    uint64_t chunks = 0;
    while (chunks * n < limbs)
        chunks++;
    memset(out, 0, n * sizeof *out);
    for (uint64_t i = chunks; i-- > 0;) {
        number_limbs(chunk, n, v, i * n);
        if (i + 1 < chunks)
            mont_mul(r, out, out, square);
        /* The chunk may exceed m; the other factor does not, which is enough for the bound. */
        mont_mul(r, chunk, square, chunk);
        exec_limb carry = 0;
        for (size_t j = 0; j < n; j++)
            out[j] = exec_limb_adc(out[j], chunk[j], &carry);
        reduce_once(r, r->t, out, carry);
        memcpy(out, r->t, n * sizeof *out);
    }
}

/* ---- exponentiation */

static unsigned exponent_bit(const struct number *e, uint64_t index)
{
    return ((unsigned)number_byte(e, e->len - 1 - index / 8u) >> (index % 8u)) & 1u;
}

/* Sliding window width: the one with the fewest multiplications for so many exponent bits. */
static unsigned window_of(uint64_t bits)
{
    static const uint16_t UP_TO[WINDOW_MAX] = {8, 24, 80, 240, UINT16_MAX};
    unsigned w = 1;
    while (w < WINDOW_MAX && bits > UP_TO[w - 1])
        w++;
    return w;
}

/* acc = base^e in the ring; acc comes in as 1.  False: the table of odd powers does not fit. */
static bool ring_pow(const struct ring *r, struct td_arena *arena, exec_limb *acc,
                     const exec_limb *base, const struct number *e)
{
    size_t n = r->n;
    uint64_t bits = head_bit_length(e, e->len);
    if (bits == 0)
        return true;
    unsigned window = window_of(bits);
    size_t count = (size_t)1 << (window - 1);
    struct td_arena_mark mark = td_arena_mark(arena);
    if (n > SIZE_MAX / sizeof *acc / WINDOW_ENTRIES_MAX)
        return false;
    exec_limb *odd = TD_ARENA_NEW(arena, exec_limb, n * (count + 1));
    if (odd == NULL)
        return false;
    exec_limb *twice = odd + n * count;
    memcpy(odd, base, n * sizeof *odd);
    ring_mul(r, twice, base, base);
    for (size_t i = 1; i < count; i++)
        ring_mul(r, odd + i * n, odd + (i - 1) * n, twice);

    bool started = false; /* no squaring of 1 */
    for (uint64_t i = bits; i > 0;) {
        if (exponent_bit(e, i - 1) == 0) {
            ring_mul(r, acc, acc, acc);
            i--;
            continue;
        }
        uint64_t low = i > window ? i - window : 0;
        while (exponent_bit(e, low) == 0)
            low++;
        size_t value = 0;
        for (; i > low; i--) {
            value = value << 1 | exponent_bit(e, i - 1);
            if (started)
                ring_mul(r, acc, acc, acc);
        }
        if (started)
            ring_mul(r, acc, acc, odd + (value >> 1) * n);
        else
            memcpy(acc, odd + (value >> 1) * n, n * sizeof *acc);
        started = true;
    }
    td_arena_rewind(arena, mark);
    return true;
}

/* out[0 .. n) = base^e mod m, m odd and above 1 with n limbs, the highest not zero. */
static bool pow_odd(struct td_arena *arena, exec_limb *out, const exec_limb *m, size_t n,
                    const struct operands *in)
{
    struct ring r = {.n = n, .m = m, .m0_inv = (exec_limb)(0u - limb_inverse(m[0]))};
    r.t = TD_ARENA_NEW(arena, exec_limb, 2 * n + 2);
    exec_limb *square = TD_ARENA_NEW(arena, exec_limb, n);
    exec_limb *base = TD_ARENA_NEW(arena, exec_limb, n);
    exec_limb *chunk = TD_ARENA_NEW(arena, exec_limb, n);
    if (r.t == NULL || square == NULL || base == NULL || chunk == NULL)
        return false;
    mont_constants(&r, out, square);
    mont_reduce(&r, base, &in->base, square, chunk);
    if (!ring_pow(&r, arena, out, base, &in->exponent))
        return false;
    memset(chunk, 0, n * sizeof *chunk);
    chunk[0] = 1;
    mont_mul(&r, out, out, chunk);
    return true;
}

/* out[0 .. n) = base^e in a ring modulo a power of two; bits above it are left as they come. */
static bool pow_binary(struct td_arena *arena, exec_limb *out, const struct ring *r,
                       const struct operands *in)
{
    exec_limb *base = TD_ARENA_NEW(arena, exec_limb, r->n);
    if (base == NULL)
        return false;
    number_limbs(base, r->n, &in->base, 0);
    memset(out, 0, r->n * sizeof *out);
    out[0] = 1;
    if (!ring_pow(r, arena, out, base, &in->exponent))
        return false;
    return true;
}

/* x = 1/q modulo 2^(limb bits * n), q odd: Newton again, the number of correct limbs doubles. */
static void inverse_binary(const struct ring *r, exec_limb *x, const exec_limb *q, exec_limb *s)
{
    memset(x, 0, r->n * sizeof *x);
    x[0] = limb_inverse(q[0]);
    for (size_t good = 1; good < r->n;) {
        good = good > r->n / 2 ? r->n : 2 * good;
        mul_low(s, q, x, good); /* s = 2 - q * x */
        exec_limb borrow = 0;
        for (size_t i = 0; i < good; i++)
            s[i] = exec_limb_sbb(i == 0 ? 2 : 0, s[i], &borrow);
        mul_low(r->t, x, s, good);
        memcpy(x, r->t, good * sizeof *x);
    }
}

/* m = 2^bits * q.  out comes in as r_q = base^e mod q, zero above its limbs, and leaves as
 * r_q + q * ((r_2 - r_q) / q mod 2^bits), r_2 = base^e mod 2^bits (Garner).  q: n limbs, zero above
 * its own. */
static bool join_binary(struct td_arena *arena, exec_limb *out, const exec_limb *q, size_t n,
                        uint64_t bits, const struct operands *in)
{
    unsigned odd_bits = (unsigned)(bits % EXEC_LIMB_BITS);
    struct ring r = {.n = (size_t)(bits / EXEC_LIMB_BITS) + (odd_bits != 0), .m = NULL};
    exec_limb top_mask =
        (exec_limb)(odd_bits == 0 ? ~(exec_limb)0 : ((exec_limb)1 << odd_bits) - 1u);
    r.t = TD_ARENA_NEW(arena, exec_limb, r.n);
    exec_limb *r2 = TD_ARENA_NEW(arena, exec_limb, r.n);
    exec_limb *inverse = TD_ARENA_NEW(arena, exec_limb, r.n);
    exec_limb *h = TD_ARENA_NEW(arena, exec_limb, r.n);
    if (r.t == NULL || r2 == NULL || inverse == NULL || h == NULL)
        return false;
    if (!pow_binary(arena, r2, &r, in))
        return false;
    inverse_binary(&r, inverse, q, h);
    (void)sub_limbs(r2, r2, out, r.n);
    mul_low(h, r2, inverse, r.n);
    h[r.n - 1] &= top_mask;
    for (size_t i = 0; i < r.n; i++) {
        exec_limb carry = 0;
        /* out < m throughout, so nothing is carried out of its n limbs. */
        for (size_t j = 0; i + j < n; j++)
            out[i + j] = exec_limb_mac(out[i + j], q[j], h[i], &carry);
    }
    return true;
}

/* q >>= bits over n limbs; returns the limbs that are left. */
static size_t shift_right(exec_limb *q, size_t n, uint64_t bits)
{
    size_t limbs = (size_t)(bits / EXEC_LIMB_BITS);
    unsigned rest = (unsigned)(bits % EXEC_LIMB_BITS);
    for (size_t i = 0; i < n; i++) {
        exec_limb low = i + limbs < n ? q[i + limbs] : 0;
        exec_limb next = i + limbs + 1 < n ? q[i + limbs + 1] : 0;
        q[i] = rest == 0 ? low
                         : (exec_limb)(low >> rest) | (exec_limb)(next << (EXEC_LIMB_BITS - rest));
    }
    while (n > 0 && q[n - 1] == 0)
        n--;
    return n;
}

/* out[0 .. n) = base^e mod modulus, which is not zero and has n limbs. */
static bool pow_any(struct td_arena *arena, exec_limb *out, size_t n, const struct operands *in)
{
    exec_limb *q = TD_ARENA_NEW(arena, exec_limb, n);
    if (q == NULL)
        return false;
    number_limbs(q, n, &in->modulus, 0);
    size_t zeros = 0;
    while (q[zeros] == 0)
        zeros++;
    uint64_t bits = (uint64_t)zeros * EXEC_LIMB_BITS;
    for (exec_limb v = q[zeros]; (v & 1u) == 0; v >>= 1)
        bits++;
    size_t odd = bits == 0 ? n : shift_right(q, n, bits);
    struct td_arena_mark mark = td_arena_mark(arena);
    if (odd > 1 || q[0] != 1) {
        if (!pow_odd(arena, out, q, odd, in))
            return false;
        td_arena_rewind(arena, mark);
    }
    return bits == 0 || join_binary(arena, out, q, n, bits, in);
}

static void bytes_of_limbs(uint8_t *bytes, size_t len, const exec_limb *limbs, size_t n)
{
    for (size_t i = 0; i < len && i < n * EXEC_LIMB_BYTES; i++)
        bytes[len - 1 - i] = (uint8_t)(limbs[i / EXEC_LIMB_BYTES] >> (8 * (i % EXEC_LIMB_BYTES)));
}

enum exec_modexp_result exec_modexp(struct td_arena *arena, struct td_bytes input,
                                    struct td_bytes *out)
{
    struct operands in = operands_decode(input);
    uint64_t len = in.modulus.len;
    *out = (struct td_bytes){.ptr = NULL, .len = 0};
    if (len == 0)
        return EXEC_MODEXP_OK;
    if (len > SIZE_MAX / 8u || in.exponent.len > UINT64_MAX / 16u)
        return EXEC_MODEXP_MEMORY;
    struct td_arena_mark before = td_arena_mark(arena);
    uint8_t *bytes = td_arena_get_zeroed(arena, (size_t)len, 1);
    if (bytes == NULL)
        return EXEC_MODEXP_MEMORY;

    in.base = number_strip(in.base);
    in.exponent = number_strip(in.exponent);
    in.modulus = number_strip(in.modulus);
    if (in.modulus.len > 0) {
        struct td_arena_mark scratch = td_arena_mark(arena);
        size_t n = ((size_t)in.modulus.len + EXEC_LIMB_BYTES - 1) / EXEC_LIMB_BYTES;
        exec_limb *result = TD_ARENA_NEW(arena, exec_limb, n);
        if (result == NULL || !pow_any(arena, result, n, &in)) {
            td_arena_rewind(arena, before);
            return EXEC_MODEXP_MEMORY;
        }
        bytes_of_limbs(bytes, (size_t)len, result, n);
        td_arena_rewind(arena, scratch);
    }
    *out = td_bytes_of(bytes, (size_t)len);
    return EXEC_MODEXP_OK;
}
