#include "executor/chips.h"

#ifdef TD_CHIPS

#include "base/core/keccak.h"
#include "base/core/memory.h"

/* One call each: a7 is the number, a0 .. a3 the arguments; the machine writes memory only. */
static inline void call(enum td_chip chip, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    register uintptr_t a0 __asm__("a0") = a;
    register uintptr_t a1 __asm__("a1") = b;
    register uintptr_t a2 __asm__("a2") = c;
    register uintptr_t a3 __asm__("a3") = d;
    register uintptr_t a7 __asm__("a7") = (uintptr_t)chip;
    __asm__ volatile("ecall" : : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
}

void td_chip_keccakf(uint64_t s[25])
{
    call(TD_CHIP_KECCAKF, (uintptr_t)s, 0, 0, 0);
}

void td_chip_p2_absorb(struct td_kb s[24], const struct td_kb *data, uint32_t count)
{
    call(TD_CHIP_P2_ABSORB, (uintptr_t)s, (uintptr_t)data, count, 0);
}

void td_chip_p2_path(struct td_kb digest[9], const struct td_kb *siblings, uint32_t index,
                     uint32_t levels)
{
    call(TD_CHIP_P2_PATH, (uintptr_t)digest, (uintptr_t)siblings, index, levels);
}

void td_chip_u256_mulmod(uint32_t out[8], const uint32_t a[8], const uint32_t b[8],
                         const uint32_t m[8])
{
    call(TD_CHIP_U256_MULMOD, (uintptr_t)out, (uintptr_t)a, (uintptr_t)b, (uintptr_t)m);
}

void td_chip_secp_add(uint32_t p[16], const uint32_t q[16])
{
    call(TD_CHIP_SECP_ADD, (uintptr_t)p, (uintptr_t)q, 0, 0);
}

void td_chip_secp_double(uint32_t p[16])
{
    call(TD_CHIP_SECP_DOUBLE, (uintptr_t)p, 0, 0, 0);
}

/* base/core's permutations are the chips': all hashing of the guest passes here. */
void td_keccak_f(uint64_t s[25])
{
    td_chip_keccakf(s);
}

void td_poseidon2_24(struct td_kb s[24])
{
    struct td_kb block[TD_P2_RATE];
    memcpy(block, s, sizeof block);
    td_chip_p2_absorb(s, block, TD_P2_RATE);
}

#else

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/memory.h"
#include "executor/crypto/secp_field.h"
#include "executor/u256.h"

void td_chip_keccakf(uint64_t s[25])
{
    td_keccak_f(s);
}

void td_chip_p2_absorb(struct td_kb s[24], const struct td_kb *data, uint32_t count)
{
    TD_ASSERT(count > 0);
    while (count > 0) {
        uint32_t block = count < TD_P2_RATE ? count : TD_P2_RATE;
        memcpy(s, data, block * sizeof *s);
        memset(s + block, 0, (TD_P2_RATE - block) * sizeof *s);
        td_poseidon2_24(s);
        data += block;
        count -= block;
    }
}

void td_chip_p2_path(struct td_kb digest[9], const struct td_kb *siblings, uint32_t index,
                     uint32_t levels)
{
    struct td_p2_digest at, sibling;
    memcpy(at.e, digest, sizeof at.e);
    for (uint32_t i = 0; i < levels; i++) {
        bool right = i < 32 && (index >> i & 1u) != 0;
        memcpy(sibling.e, siblings + (size_t)i * TD_P2_DIGEST, sizeof sibling.e);
        td_p2_node(&at, TD_P2_STATE_NODE, right ? &sibling : &at, right ? &at : &sibling);
    }
    memcpy(digest, at.e, sizeof at.e);
}

static void u256_get(struct exec_u256 *out, const uint32_t words[8])
{
    for (uint32_t i = 0; i < 4; i++)
        out->w[i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
}

void td_chip_u256_mulmod(uint32_t out[8], const uint32_t a[8], const uint32_t b[8],
                         const uint32_t m[8])
{
    struct exec_u256 x, y, z;
    u256_get(&x, a);
    u256_get(&y, b);
    u256_get(&z, m);
    TD_ASSERT(!exec_u256_is_zero(&z));
    exec_u256_mulmod(&x, &x, &y, &z);
    for (uint32_t i = 0; i < 8; i++)
        out[i] = (uint32_t)(x.w[i / 2] >> 32 * (i % 2));
}

/* p = the third point, negated, of the line through p and (x2, ..) whose slope is num / den. */
static void line(uint32_t p[16], const struct exec_fe *x2, const struct exec_fe *num,
                 const struct exec_fe *den)
{
    struct exec_fe x1, y1, x3, h;
    TD_ASSERT(!exec_fe_is_zero(den));
    exec_fe_from_words(&x1, p);
    exec_fe_from_words(&y1, p + 8);
    exec_fe_inv(&h, den);
    exec_fe_mul(&h, &h, num);
    exec_fe_sqr(&x3, &h);
    exec_fe_sub(&x3, &x3, &x1);
    exec_fe_sub(&x3, &x3, x2);
    exec_fe_sub(&x1, &x1, &x3);
    exec_fe_mul(&x1, &x1, &h);
    exec_fe_sub(&y1, &x1, &y1);
    exec_fe_to_words(p, &x3);
    exec_fe_to_words(p + 8, &y1);
}

void td_chip_secp_add(uint32_t p[16], const uint32_t q[16])
{
    struct exec_fe x1, y1, x2, num, den;
    exec_fe_from_words(&x1, p);
    exec_fe_from_words(&y1, p + 8);
    exec_fe_from_words(&x2, q);
    exec_fe_from_words(&num, q + 8);
    exec_fe_sub(&num, &num, &y1);
    exec_fe_sub(&den, &x2, &x1);
    line(p, &x2, &num, &den);
}

void td_chip_secp_double(uint32_t p[16])
{
    struct exec_fe x, num, den;
    exec_fe_from_words(&x, p);
    exec_fe_sqr(&num, &x);
    exec_fe_add(&den, &num, &num);
    exec_fe_add(&num, &den, &num);
    exec_fe_from_words(&den, p + 8);
    exec_fe_add(&den, &den, &den);
    line(p, &x, &num, &den);
}

#endif
