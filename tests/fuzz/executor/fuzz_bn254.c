/* bn254's group: whatever bytes are named a point, both limb paths say the same; and on points made
 * from the input the group's laws hold. */
#include "tests/fuzz/executor/portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Big-endian a + b; false when it does not fit. */
static bool add_be(uint8_t out[32], const uint8_t a[32], const uint8_t b[32])
{
    unsigned carry = 0;
    for (unsigned i = 32; i-- > 0; carry >>= 8) {
        carry += (unsigned)a[i] + b[i];
        out[i] = (uint8_t)carry;
    }
    return carry == 0;
}

/* Bytes as they are, then j G + k G = k G + j G = (j + k) G, and k (j G) = j (k G). */
static void fuzz_bn254_group(const uint8_t *data, size_t len)
{
    uint8_t in[128] = {0};
    uint8_t out[64];
    uint8_t again[64];
    memcpy(in, data, len < sizeof in ? len : sizeof in);
    (void)both_add(out, in);
    (void)both_mul(out, in);

    const uint8_t *j = in;
    uint8_t k[32];
    uint8_t points[2][64];
    memcpy(k, in + 32, 32);
    multiple(points[0], j);
    multiple(points[1], k);
    uint8_t sum[128];
    memcpy(sum, points[0], 64);
    memcpy(sum + 64, points[1], 64);
    TD_ASSERT(both_add(out, sum) == EXEC_BN254_OK);
    memcpy(sum, points[1], 64);
    memcpy(sum + 64, points[0], 64);
    TD_ASSERT(both_add(again, sum) == EXEC_BN254_OK);
    TD_ASSERT(memcmp(out, again, 64) == 0);
    if (add_be(sum, j, k)) {
        multiple(again, sum);
        TD_ASSERT(memcmp(out, again, 64) == 0);
    }

    memcpy(sum, points[0], 64);
    memcpy(sum + 64, k, 32);
    TD_ASSERT(both_mul(out, sum) == EXEC_BN254_OK);
    memcpy(sum, points[1], 64);
    memcpy(sum + 64, j, 32);
    TD_ASSERT(both_mul(again, sum) == EXEC_BN254_OK);
    TD_ASSERT(memcmp(out, again, 64) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_bn254_group(data, len);
    return 0;
}
