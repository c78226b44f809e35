#include "base/core/field.h"

struct td_kb td_kb_of_u64(uint64_t v)
{
    /* 2^31 = 2^24 - 1 mod p, so each fold of the part above bit 31 shortens it by 7 bits:
     * 33 bits, then 26, 19, 12, 5, and at last none. */
    while (v >> 31 != 0)
        v = (v >> 31) * ((UINT64_C(1) << 24) - 1u) + (v & UINT64_C(0x7FFFFFFF));
    uint32_t t = (uint32_t)v;
    return (struct td_kb){.v = t >= TD_KB_P ? t - TD_KB_P : t};
}

struct td_kb td_kb_pow(struct td_kb a, uint64_t e)
{
    uint32_t base = td_kb_to_mont(a);
    uint32_t acc = td_kb_to_mont((struct td_kb){.v = 1});
    for (; e != 0; e >>= 1) {
        if (e & 1u)
            acc = td_kb_mont_mul(acc, base);
        base = td_kb_mont_mul(base, base);
    }
    return td_kb_from_mont(acc);
}

struct td_kb td_kb_inv(struct td_kb a)
{
    return td_kb_pow(a, TD_KB_P - 2u);
}
