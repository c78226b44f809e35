/* Registry preimages: what decodes must encode to the same bytes and keep its invariants. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/core/assert.h"
#include "consensus/validators.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bft_set set;
    static uint8_t again[BFT_SET_BYTES_MAX];
    if (bft_set_decode(&set, 1, data, size, BFT_SIGNERS_MAX) != TD_OK)
        return 0;
    size_t len = bft_set_encode(again, sizeof again, &set);
    TD_ASSERT(len == size);
    TD_ASSERT(memcmp(again, data, size) == 0);
    TD_ASSERT(set.count >= 1);
    TD_ASSERT(set.total <= TD_STAKE_TOTAL_MAX);
    TD_ASSERT(set.quorum <= set.total);
    TD_ASSERT(set.weak <= set.quorum);
    for (uint32_t i = 0; i < set.count; i++)
        TD_ASSERT(bft_set_find(&set, &set.v[i].addr) == i);
    return 0;
}
