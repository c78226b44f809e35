/* Guard records.  A checksum stops random bytes, so the last 32 are replaced by the right ones:
 * what then decodes must encode to the same bytes, and every question to it must be answered. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "consensus/guard.h"
#include "consensus/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bft_guard g;
    static uint8_t record[BFT_GUARD_BYTES_MAX], again[BFT_GUARD_BYTES_MAX];
    if (size > sizeof record || size < TD_HASH_BYTES) {
        TD_ASSERT(bft_guard_decode(&g, data, size) != TD_OK);
        return 0;
    }
    memcpy(record, data, size);
    struct td_hash sum;
    td_keccak256(&sum, record, size - TD_HASH_BYTES);
    memcpy(record + size - TD_HASH_BYTES, sum.b, TD_HASH_BYTES);
    enum td_error err = bft_guard_decode(&g, record, size);
    if (err != TD_OK)
        return 0;
    size_t len = bft_guard_encode(again, sizeof again, &g);
    TD_ASSERT(len == size);
    TD_ASSERT(memcmp(again, record, size) == 0);

    /* Read requests from the record's own bytes: slots near to what it holds. */
    for (size_t at = 0; at + 340 < size; at += 113) {
        struct td_reader r;
        struct bft_signed m;
        td_reader_init(&r, record + at, 339);
        uint8_t kind = (uint8_t)(1 + at % BFT_SIGNED_KINDS);
        record[at] = kind;
        bft_signed_decode(&r, &m);
        if (r.err != TD_OK)
            continue;
        (void)bft_guard_compare(&g, &m);
        if (bft_guard_admit(&g, &m) != BFT_GUARD_OK)
            continue;
        bft_guard_keep(&g, &m, at);
        TD_ASSERT(bft_guard_admit(&g, &m) == BFT_GUARD_SAME);
        TD_ASSERT(bft_guard_compare(&g, &m) == BFT_GUARD_KNOWN);
    }
    return 0;
}
