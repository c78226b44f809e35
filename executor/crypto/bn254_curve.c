#include "executor/crypto/bn254_curve.h"

#include "executor/crypto/bn254.h"
#include "executor/crypto/bn254_tables.h"

#define SCALAR_LIMBS (256u / EXEC_LIMB_BITS)
#define SPLIT_BITS                                                                                 \
    130u /* a half scalar is below 2^128 in size; its digits may carry one further                 \
          */
#define WINDOW 4u
#define ODD_COUNT (1u << (WINDOW - 2u)) /* P, 3P, 5P, 7P */

/* x = X/Z^2, y = Y/Z^3; Z = 0 is the point at infinity. */
struct jacobian {
    struct bn_fp x;
    struct bn_fp y;
    struct bn_fp z;
};

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

bool bn_g1_decode(struct bn_g1 *out, const uint8_t in[64])
{
    struct bn_fp left;
    struct bn_fp right;
    memset(out, 0, sizeof *out);
    out->infinity = all_zero(in, 64);
    if (out->infinity)
        return true;
    if (!bn_fp_decode(&out->x, in) || !bn_fp_decode(&out->y, in + 32))
        return false;
    bn_fp_sqr(&left, &out->y);
    bn_fp_sqr(&right, &out->x);
    bn_fp_mul(&right, &right, &out->x);
    bn_fp_add(&right, &right, &BN_B);
    return bn_fp_eq(&left, &right);
}

bool bn_g2_decode(struct bn_g2 *out, const uint8_t in[128])
{
    struct bn_fp2 left;
    struct bn_fp2 right;
    memset(out, 0, sizeof *out);
    out->infinity = all_zero(in, 128);
    if (out->infinity)
        return true;
    /* EIP-197: the imaginary part comes first. */
    if (!bn_fp_decode(&out->x.c[1], in) || !bn_fp_decode(&out->x.c[0], in + 32) ||
        !bn_fp_decode(&out->y.c[1], in + 64) || !bn_fp_decode(&out->y.c[0], in + 96))
        return false;
    bn_fp2_sqr(&left, &out->y);
    bn_fp2_sqr(&right, &out->x);
    bn_fp2_mul(&right, &right, &out->x);
    bn_fp2_add(&right, &right, &BN_TWIST_B);
    return bn_fp2_eq(&left, &right);
}

/* ---- Jacobian arithmetic on y^2 = x^3 + 3 */

static void jacobian_set(struct jacobian *out, const struct bn_g1 *a)
{
    memset(out, 0, sizeof *out);
    if (a->infinity)
        return;
    out->x = a->x;
    out->y = a->y;
    bn_fp_one(&out->z);
}

/* dbl-2009-l of the Explicit-Formulas Database.  There is no point of order two, and z = 0 stays.
 */
static void jacobian_double(struct jacobian *p)
{
    struct bn_fp a;
    struct bn_fp b;
    struct bn_fp c;
    struct bn_fp d;
    struct bn_fp e;
    bn_fp_sqr(&a, &p->x);
    bn_fp_sqr(&b, &p->y);
    bn_fp_sqr(&c, &b);
    bn_fp_add(&d, &p->x, &b); /* d = 2 ((x + b)^2 - a - c) */
    bn_fp_sqr(&d, &d);
    bn_fp_sub(&d, &d, &a);
    bn_fp_sub(&d, &d, &c);
    bn_fp_double(&d, &d);
    bn_fp_double(&e, &a); /* e = 3 a */
    bn_fp_add(&e, &e, &a);
    bn_fp_mul(&p->z, &p->y, &p->z);
    bn_fp_double(&p->z, &p->z);
    bn_fp_sqr(&p->x, &e); /* x = e^2 - 2 d */
    bn_fp_sub(&p->x, &p->x, &d);
    bn_fp_sub(&p->x, &p->x, &d);
    bn_fp_sub(&d, &d, &p->x); /* y = e (d - x) - 8 c */
    bn_fp_mul(&p->y, &e, &d);
    bn_fp_double(&c, &c);
    bn_fp_double(&c, &c);
    bn_fp_double(&c, &c);
    bn_fp_sub(&p->y, &p->y, &c);
}

/* p += q (add-2007-bl without its doubled terms), all special cases included. */
static void jacobian_add(struct jacobian *p, const struct jacobian *q)
{
    struct bn_fp zz;
    struct bn_fp u1;
    struct bn_fp s1;
    struct bn_fp h;
    struct bn_fp r;
    struct bn_fp t;
    if (bn_fp_is_zero(&q->z))
        return;
    if (bn_fp_is_zero(&p->z)) {
        *p = *q;
        return;
    }
    bn_fp_sqr(&zz, &q->z);
    bn_fp_mul(&u1, &p->x, &zz);
    bn_fp_mul(&t, &zz, &q->z);
    bn_fp_mul(&s1, &p->y, &t);
    bn_fp_sqr(&zz, &p->z);
    bn_fp_mul(&h, &q->x, &zz);
    bn_fp_sub(&h, &h, &u1);
    bn_fp_mul(&t, &zz, &p->z);
    bn_fp_mul(&r, &q->y, &t);
    bn_fp_sub(&r, &r, &s1);
    if (bn_fp_is_zero(&h)) {
        if (bn_fp_is_zero(&r))
            jacobian_double(p);
        else
            memset(p, 0, sizeof *p);
        return;
    }
    bn_fp_mul(&p->z, &p->z, &q->z);
    bn_fp_mul(&p->z, &p->z, &h);
    bn_fp_sqr(&zz, &h);
    bn_fp_mul(&u1, &u1, &zz);
    bn_fp_mul(&h, &h, &zz); /* h^3 */
    bn_fp_sqr(&t, &r);      /* x = r^2 - h^3 - 2 u1 h^2 */
    bn_fp_sub(&t, &t, &h);
    bn_fp_sub(&t, &t, &u1);
    bn_fp_sub(&p->x, &t, &u1);
    bn_fp_sub(&u1, &u1, &p->x); /* y = r (u1 h^2 - x) - s1 h^3 */
    bn_fp_mul(&u1, &u1, &r);
    bn_fp_mul(&s1, &s1, &h);
    bn_fp_sub(&p->y, &u1, &s1);
}

/* Affine, as 64 bytes; one inversion. */
static void jacobian_encode(uint8_t out[64], const struct jacobian *p)
{
    struct bn_fp inverse;
    struct bn_fp square;
    struct bn_fp t;
    if (bn_fp_is_zero(&p->z)) {
        memset(out, 0, 64);
        return;
    }
    bn_fp_inv(&inverse, &p->z);
    bn_fp_sqr(&square, &inverse);
    bn_fp_mul(&t, &p->x, &square);
    bn_fp_encode(out, &t);
    bn_fp_mul(&square, &square, &inverse);
    bn_fp_mul(&t, &p->y, &square);
    bn_fp_encode(out + 32, &t);
}

enum exec_bn254_result exec_bn254_add(uint8_t out[EXEC_BN254_G1_BYTES],
                                      const uint8_t in[2 * EXEC_BN254_G1_BYTES])
{
    struct bn_g1 a;
    struct bn_g1 b;
    struct jacobian p;
    struct jacobian q;
    if (!bn_g1_decode(&a, in) || !bn_g1_decode(&b, in + EXEC_BN254_G1_BYTES))
        return EXEC_BN254_INVALID;
    jacobian_set(&p, &a);
    jacobian_set(&q, &b);
    jacobian_add(&p, &q);
    jacobian_encode(out, &p);
    return EXEC_BN254_OK;
}

/* ---- scalars */

/* out[0 .. na + nb) = a * b */
static void limbs_mul(exec_limb *out, const exec_limb *a, size_t na, const exec_limb *b, size_t nb)
{
    memset(out, 0, (na + nb) * sizeof *out);
    for (size_t i = 0; i < na; i++) {
        exec_limb carry = 0;
        for (size_t j = 0; j < nb; j++)
            out[i + j] = exec_limb_mac(out[i + j], a[i], b[j], &carry);
        out[i + nb] = carry;
    }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define GLV_LIMBS COUNT(BN_GLV_G1)
#define HALF_LIMBS COUNT(BN_GLV_A1)

/* out = round(k * g / 2^256) */
static void scaled(exec_limb out[GLV_LIMBS], const exec_limb k[SCALAR_LIMBS], const exec_limb *g)
{
    exec_limb product[SCALAR_LIMBS + GLV_LIMBS];
    limbs_mul(product, k, SCALAR_LIMBS, g, GLV_LIMBS);
    exec_limb carry = product[SCALAR_LIMBS - 1] >> (EXEC_LIMB_BITS - 1);
    for (size_t i = 0; i < GLV_LIMBS; i++)
        out[i] = exec_limb_adc(product[SCALAR_LIMBS + i], 0, &carry);
}

/* acc -= c * v, or += when `add`, modulo 2^256 */
static void accumulate(exec_limb acc[SCALAR_LIMBS], const exec_limb c[GLV_LIMBS],
                       const exec_limb *v, bool add)
{
    exec_limb product[GLV_LIMBS + HALF_LIMBS];
    exec_limb carry = 0;
    limbs_mul(product, c, GLV_LIMBS, v, HALF_LIMBS);
    for (size_t i = 0; i < SCALAR_LIMBS; i++)
        acc[i] = add ? exec_limb_adc(acc[i], product[i], &carry)
                     : exec_limb_sbb(acc[i], product[i], &carry);
}

/* k = half[0] + half[1] * lambda mod r, in two's complement, for any k below 2^256: k minus a
 * lattice vector close to it (Gallant, Lambert, Vanstone 2001).  c1 and c2 are within 1 of the
 * exact quotients (1/2 from rounding the product, 1/2 from rounding g), so the halves are at most
 * a1 + a2 and -b1 + b2, both below 2^128. */
static void split(exec_limb half[2][SCALAR_LIMBS], const exec_limb k[SCALAR_LIMBS])
{
    exec_limb c1[GLV_LIMBS];
    exec_limb c2[GLV_LIMBS];
    scaled(c1, k, BN_GLV_G1);
    scaled(c2, k, BN_GLV_G2);
    memcpy(half[0], k, sizeof half[0]);
    memset(half[1], 0, sizeof half[1]);
    accumulate(half[0], c1, BN_GLV_A1, false); /* k - c1 a1 - c2 a2 */
    accumulate(half[0], c2, BN_GLV_A2, false);
    accumulate(half[1], c1, BN_GLV_MINUS_B1, true); /* -c1 b1 - c2 b2, b2 = a1 */
    accumulate(half[1], c2, BN_GLV_A1, false);
}

/* Makes v its absolute value; true when it was negative. */
static bool absolute(exec_limb v[SCALAR_LIMBS])
{
    if ((v[SCALAR_LIMBS - 1] >> (EXEC_LIMB_BITS - 1)) == 0)
        return false;
    exec_limb borrow = 0;
    for (size_t i = 0; i < SCALAR_LIMBS; i++)
        v[i] = exec_limb_sbb(0, v[i], &borrow);
    return true;
}

static unsigned bit_of(const exec_limb v[SCALAR_LIMBS], unsigned i)
{
    return (unsigned)(v[i / EXEC_LIMB_BITS] >> (i % EXEC_LIMB_BITS)) & 1u;
}

/* digits[i] is 0 or odd, |digits[i]| < 2^(WINDOW - 1), and v = sum of digits[i] * 2^i. */
static void window_naf(int8_t digits[SPLIT_BITS], const exec_limb v[SCALAR_LIMBS])
{
    unsigned carry = 0;
    memset(digits, 0, SPLIT_BITS);
    for (unsigned i = 0; i < SPLIT_BITS;) {
        if (bit_of(v, i) == carry) {
            i++;
            continue;
        }
        unsigned value = carry;
        for (unsigned b = 0; b < WINDOW; b++)
            value += bit_of(v, i + b) << b;
        carry = value >> (WINDOW - 1);
        digits[i] = (int8_t)((int)value - (int)(carry << WINDOW));
        i += WINDOW;
    }
}

/* p += digit * the point whose odd multiples are in the table. */
static void add_digit(struct jacobian *p, const struct jacobian table[ODD_COUNT], int digit)
{
    if (digit == 0)
        return;
    struct jacobian q = table[(digit < 0 ? -digit : digit) >> 1];
    if (digit < 0)
        bn_fp_neg(&q.y, &q.y);
    jacobian_add(p, &q);
}

enum exec_bn254_result
exec_bn254_mul(uint8_t out[EXEC_BN254_G1_BYTES],
               const uint8_t in[EXEC_BN254_G1_BYTES + EXEC_BN254_SCALAR_BYTES])
{
    struct bn_g1 a;
    if (!bn_g1_decode(&a, in))
        return EXEC_BN254_INVALID;
    exec_limb k[SCALAR_LIMBS] = {0};
    for (unsigned i = 0; i < 32; i++)
        k[i / EXEC_LIMB_BYTES] |= (exec_limb)in[EXEC_BN254_G1_BYTES + 31 - i]
                                  << (8 * (i % EXEC_LIMB_BYTES));
    exec_limb half[2][SCALAR_LIMBS];
    int8_t digits[2][SPLIT_BITS];
    bool negative[2];
    split(half, k);
    for (unsigned s = 0; s < 2; s++) {
        negative[s] = absolute(half[s]);
        window_naf(digits[s], half[s]);
    }

    /* Odd multiples of a, and the same of its image under (x, y) -> (beta x, y). */
    struct jacobian table[2][ODD_COUNT];
    struct jacobian twice;
    jacobian_set(&table[0][0], &a);
    twice = table[0][0];
    jacobian_double(&twice);
    for (unsigned i = 1; i < ODD_COUNT; i++) {
        table[0][i] = twice;
        jacobian_add(&table[0][i], &table[0][i - 1]);
    }
    for (unsigned i = 0; i < ODD_COUNT; i++) {
        table[1][i] = table[0][i];
        bn_fp_mul(&table[1][i].x, &table[1][i].x, &BN_BETA);
    }

    struct jacobian p = {.z = {{0}}};
    for (unsigned i = SPLIT_BITS; i-- > 0;) {
        jacobian_double(&p);
        for (unsigned s = 0; s < 2; s++)
            add_digit(&p, table[s], negative[s] ? -digits[s][i] : digits[s][i]);
    }
    jacobian_encode(out, &p);
    return EXEC_BN254_OK;
}
