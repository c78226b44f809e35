#include "base/host/checksum.h"

#include <sodium.h>

#include "base/core/assert.h"

static const uint8_t KEY[crypto_shorthash_siphash24_KEYBYTES + 1] = "TandemChecksum01";

uint64_t td_checksum(struct td_bytes bytes)
{
    static const uint8_t none = 0;
    uint8_t out[crypto_shorthash_siphash24_BYTES];
    uint64_t v = 0;
    int rc = crypto_shorthash_siphash24(out, bytes.len == 0 ? &none : bytes.ptr, bytes.len, KEY);
    TD_ASSERT(rc == 0);
    for (unsigned i = 0; i < sizeof out; i++)
        v = v << 8u | out[i];
    return v;
}
