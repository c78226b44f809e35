#include "base/core/types.h"

#include "base/core/assert.h"

int td_wei_cmp(const struct td_wei *a, const struct td_wei *b)
{
    for (unsigned i = 4; i-- > 0;) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

enum td_error td_wei_add(struct td_wei *out, const struct td_wei *a, const struct td_wei *b)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x = a->limb[i];
        uint64_t partial = x + b->limb[i];
        uint64_t sum = partial + carry;
        carry = (uint64_t)(partial < x) | (uint64_t)(sum < partial);
        out->limb[i] = sum;
    }
    return carry == 0 ? TD_OK : TD_E_RANGE;
}

enum td_error td_wei_sub(struct td_wei *out, const struct td_wei *a, const struct td_wei *b)
{
    uint64_t borrow = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x = a->limb[i];
        uint64_t y = b->limb[i];
        uint64_t partial = x - y;
        out->limb[i] = partial - borrow;
        borrow = (uint64_t)(x < y) | (uint64_t)(partial < borrow);
    }
    return borrow == 0 ? TD_OK : TD_E_RANGE;
}

/* 64 x 64 -> 128 bits from 32-bit halves: the guest's compiler has no 128-bit integer. */
static uint64_t mul_wide(uint64_t *high, uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a;
    uint64_t a1 = a >> 32;
    uint64_t b0 = (uint32_t)b;
    uint64_t b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t mid = a1 * b0 + (low >> 32); /* cannot overflow: (2^32-1)^2 + 2^32 - 1 < 2^64 */
    uint64_t mid2 = a0 * b1 + (uint32_t)mid;
    *high = a1 * b1 + (mid >> 32) + (mid2 >> 32);
    return mid2 << 32 | (uint32_t)low;
}

enum td_error td_wei_mul_u64(struct td_wei *out, const struct td_wei *a, uint64_t m, uint64_t c)
{
    uint64_t carry = c;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t high;
        uint64_t low = mul_wide(&high, a->limb[i], m);
        out->limb[i] = low + carry;
        carry = high + (uint64_t)(out->limb[i] < low); /* high <= 2^64 - 2 */
    }
    return carry == 0 ? TD_OK : TD_E_RANGE;
}

uint32_t td_wei_div_u32(struct td_wei *a, uint32_t d)
{
    TD_ASSERT(d >= 1);
    uint64_t rest = 0;
    for (unsigned i = 4; i-- > 0;) {
        uint64_t upper = rest << 32 | a->limb[i] >> 32;
        uint64_t lower = (upper % d) << 32 | (uint32_t)a->limb[i];
        a->limb[i] = (upper / d) << 32 | lower / d;
        rest = lower % d;
    }
    return (uint32_t)rest;
}

/* In words of 32 bits, whose shifts are one instruction everywhere. */
static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

void td_wei_encode(uint8_t out[TD_WEI_BYTES], const struct td_wei *a)
{
    for (unsigned i = 0; i < 4; i++) {
        store_be32(out + 8u * i, (uint32_t)(a->limb[3u - i] >> 32));
        store_be32(out + 8u * i + 4u, (uint32_t)a->limb[3u - i]);
    }
}

void td_wei_decode(struct td_wei *out, const uint8_t in[TD_WEI_BYTES])
{
    for (unsigned i = 0; i < 4; i++)
        out->limb[3u - i] = (uint64_t)load_be32(in + 8u * i) << 32 | load_be32(in + 8u * i + 4u);
}
