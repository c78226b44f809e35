#include "executor/crypto/secp_point.h"

#include "executor/chips.h"

static void curve_side(struct exec_fe *out, const struct exec_fe *x)
{
    const struct exec_fe seven = {{7}};
    struct exec_fe t;
    exec_fe_sqr(&t, x);
    exec_fe_mul(&t, &t, x);
    exec_fe_add(out, &t, &seven);
}

bool exec_point_on_curve(const struct exec_point *p)
{
    struct exec_fe left, right;
    exec_fe_sqr(&left, &p->y);
    curve_side(&right, &p->x);
    return exec_fe_eq(&left, &right);
}

bool exec_point_lift(struct exec_point *out, const struct exec_fe *x, uint32_t parity)
{
    struct exec_fe side;
    curve_side(&side, x);
    out->x = *x;
    if (!exec_fe_sqrt(&out->y, &side))
        return false;
    if ((out->y.l[0] & 1u) != parity) /* y != 0: no point has order two */
        exec_fe_neg(&out->y, &out->y);
    return true;
}

/* ---- digits */

void exec_digits_put(struct exec_digits *out, uint32_t stream, const uint32_t *k, uint32_t words,
                     uint32_t width, bool negative)
{
    uint32_t at = 0;
    uint32_t carry = 0;
    while (words > 0 && k[words - 1] == 0)
        words--;
    while (at < 32 * words || carry != 0) {
        uint32_t index = at / 32, shift = at % 32;
        uint32_t bits = index < words ? k[index] >> shift : 0;
        if ((bits & 1u) == carry) {
            at++;
            continue;
        }
        if (shift > 32 - width && index + 1 < words)
            bits |= k[index + 1] << (32 - shift);
        bits = (bits & ((1u << width) - 1u)) + carry;
        carry = bits >> (width - 1);
        int32_t digit = (int32_t)bits - (int32_t)(carry << width);
        out->at[at][stream] = (int8_t)(negative ? -digit : digit);
        if (at >= out->length)
            out->length = at + 1;
        at += width;
    }
}

const struct exec_point *exec_stream_point(struct exec_point *room, const struct exec_stream *s,
                                           int32_t digit)
{
    const struct exec_point *q = &s->table[(uint32_t)(digit < 0 ? -digit : digit) >> 1];
    if (digit > 0 && !s->lambda)
        return q;
    if (s->lambda)
        exec_fe_mul(&room->x, &q->x, &EXEC_SECP_BETA);
    else
        room->x = q->x;
    if (digit < 0)
        exec_fe_neg(&room->y, &q->y);
    else
        room->y = q->y;
    return room;
}

/* ---- walks */

#if EXEC_SECP_CHIPS

#if EXEC_LIMB_BITS == 32
/* The sixteen words of a point, where they are.  The empty statement keeps gcc from taking the
 * point's address for that of x alone and warning of sixteen words there. */
static inline uint32_t *words_of(struct exec_point *p)
{
    void *at = p;
    __asm__("" : "+r"(at));
    return at;
}
#endif

static void chord(struct exec_walk *w, const struct exec_point *q)
{
#if EXEC_LIMB_BITS == 32
    td_chip_secp_add(words_of(&w->sum), (const uint32_t *)q);
#else
    uint32_t p[16], other[16];
    exec_fe_to_words(p, &w->sum.x);
    exec_fe_to_words(p + 8, &w->sum.y);
    exec_fe_to_words(other, &q->x);
    exec_fe_to_words(other + 8, &q->y);
    td_chip_secp_add(p, other);
    exec_fe_from_words(&w->sum.x, p);
    exec_fe_from_words(&w->sum.y, p + 8);
#endif
}

static void tangent(struct exec_walk *w)
{
#if EXEC_LIMB_BITS == 32
    td_chip_secp_double(words_of(&w->sum));
#else
    uint32_t p[16];
    exec_fe_to_words(p, &w->sum.x);
    exec_fe_to_words(p + 8, &w->sum.y);
    td_chip_secp_double(p);
    exec_fe_from_words(&w->sum.x, p);
    exec_fe_from_words(&w->sum.y, p + 8);
#endif
}

#else

/* The next slope h, with h den = num; den != 0. */
static bool slope_get(struct exec_walk *w, struct exec_fe *h, const struct exec_fe *num,
                      const struct exec_fe *den)
{
    struct exec_fe t;
    if (w->slopes_left == 0)
        return false;
    exec_fe_from_words(h, w->slope);
    w->slope += 8;
    w->slopes_left--;
    exec_fe_mul(&t, h, den);
    return exec_fe_eq(&t, num);
}

/* x3 = h^2 - x1 - x2, y3 = h (x1 - x3) - y1 */
static void follow(struct exec_point *p, const struct exec_fe *h, const struct exec_fe *x2)
{
    struct exec_fe x3;
    exec_fe_sqr(&x3, h);
    exec_fe_sub(&x3, &x3, &p->x);
    exec_fe_sub(&x3, &x3, x2);
    exec_fe_sub(&p->x, &p->x, &x3);
    exec_fe_mul(&p->x, &p->x, h);
    exec_fe_sub(&p->y, &p->x, &p->y);
    p->x = x3;
}

static void chord(struct exec_walk *w, const struct exec_point *q)
{
    struct exec_fe num, den, h;
    exec_fe_sub(&num, &q->y, &w->sum.y);
    exec_fe_sub(&den, &q->x, &w->sum.x);
    if (slope_get(w, &h, &num, &den))
        follow(&w->sum, &h, &q->x);
    else
        w->failed = true;
}

static void tangent(struct exec_walk *w)
{
    struct exec_fe num, den, h;
    exec_fe_sqr(&den, &w->sum.x);
    exec_fe_add(&num, &den, &den);
    exec_fe_add(&num, &num, &den);
    exec_fe_add(&den, &w->sum.y, &w->sum.y);
    if (slope_get(w, &h, &num, &den)) {
        struct exec_fe x = w->sum.x;
        follow(&w->sum, &h, &x);
    } else {
        w->failed = true;
    }
}

#endif

void exec_walk_double(struct exec_walk *w)
{
    if (!w->infinite)
        tangent(w); /* y != 0: no point has order two */
}

void exec_walk_add(struct exec_walk *w, const struct exec_point *q)
{
    if (w->infinite) {
        w->sum = *q;
        w->infinite = false;
    } else if (w->sum.x.l[0] != q->x.l[0] || !exec_fe_eq(&w->sum.x, &q->x)) {
        chord(w, q);
    } else if (exec_fe_eq(&w->sum.y, &q->y)) {
        tangent(w);
    } else {
        w->infinite = true;
    }
}

void exec_walk_table(struct exec_walk *w, struct exec_point table[EXEC_SECP_TABLE],
                     struct exec_point times_lambda[EXEC_SECP_TABLE], const struct exec_point *p)
{
    struct exec_point twice;
    w->sum = *p;
    w->infinite = false;
    exec_walk_double(w);
    twice = w->sum;
    w->sum = *p;
    for (uint32_t i = 0; i < EXEC_SECP_TABLE && !w->failed; i++) {
        if (i > 0)
            exec_walk_add(w, &twice);
        table[i] = w->sum;
        if (times_lambda != NULL) {
            exec_fe_mul(&times_lambda[i].x, &w->sum.x, &EXEC_SECP_BETA);
            times_lambda[i].y = w->sum.y;
        }
    }
}

void exec_walk_run(struct exec_walk *w, const struct exec_digits *digits,
                   const struct exec_stream *streams, uint32_t count)
{
    struct exec_point room;
    w->infinite = true;
    for (uint32_t at = digits->length; at-- > 0 && !w->failed;) {
        const int8_t *row = digits->at[at];
        exec_walk_double(w);
        for (uint32_t i = 0; i < count && !w->failed; i++) {
            uint32_t four; /* half of all fours are zeros */
            if (i % 4 == 0) {
                memcpy(&four, __builtin_assume_aligned(row + i, 4), sizeof four);
                if (four == 0) {
                    i += 3;
                    continue;
                }
            }
            if (row[i] != 0)
                exec_walk_add(w, exec_stream_point(&room, &streams[i], row[i]));
        }
    }
}
