/* Root over the hashes of a block's payload entries, keccak of each one's bytes: what a header
 * commits to.  [P-2.3] */
#pragma once

#include "base/core/types.h"

/* Binary keccak tree over the hashes, deposits first: leaf = keccak(0x00 | hash), node =
 * keccak(0x01 | left | right), a lone right edge moves up unchanged, and the root is keccak(0x02 |
 * u32 count | top).  No transactions: 32 zero bytes.
 *
 * scratch  [count] hashes, overwritten; may be the array `hashes` itself.  O(count) keccaks. */
void td_payload_root(struct td_hash *out, struct td_hash *scratch, const struct td_hash *hashes,
                     uint32_t count);
