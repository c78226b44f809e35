/* Header encoding, hashes and the payload root.  [P-2]
 *
 *   offset size field               offset size field
 *        0    8 epoch                  147    8 l1Number
 *        8    8 round                  155   32 l1Hash
 *       16    8 height                 187    8 depositCount
 *       24    1 flags: 1 filler,       195   32 priorityHash
 *               2 endBatch             227   32 registrySetHash
 *       25   32 parent                 259   32 resultDigest
 *       57    8 parentRound            291    8 attHeight
 *       65   32 prevHash               299   32 attDigest
 *       97    8 tsMs                   331   32 tcHash
 *      105    2 proposer               363   32 nextSetHash
 *      107   32 payloadRoot            395      end
 *      139    4 payloadBytes
 *      143    4 txCount
 *
 * Integers are big-endian.  Any other flag bit makes the header malformed, as does a filler that
 * carries a payload or ends a batch. */
#pragma once

#include "base/core/codec.h"
#include "base/core/payload.h"
#include "consensus/types.h"

#define BFT_HEADER_BYTES 395u

/* Append the 395 bytes; the writer's sticky error reports lack of room. */
void bft_header_encode(struct td_writer *w, const struct bft_header *h);

/* Read 395 bytes into `h`.  A non-canonical header makes the reader fail with TD_E_MALFORMED, a
 * payload size or transaction count over its limit with TD_E_RANGE. */
void bft_header_decode(struct td_reader *r, struct bft_header *h);

/* blockHash = keccak("TandemHeader1" ‖ header).  [P-2.2] */
void bft_header_hash(struct td_hash *out, const struct bft_header *h);

/* [P-2.3] is base/core/payload.h's td_payload_root: consensus and execution share it. */
static inline void bft_payload_root(struct td_hash *out, struct td_hash *scratch,
                                    const struct td_hash *hashes, uint32_t count)
{
    td_payload_root(out, scratch, hashes, count);
}

/* Everything resultDigest(h) binds.  [P-2.4] */
struct bft_result {
    uint64_t height;
    struct td_hash block_hash;
    struct td_hash state_commitment;
    struct td_hash receipts_root;
    struct td_hash messages_root;
    struct td_hash da_commitment;
    struct td_hash priority_hash;
    uint64_t gas_used;
};
void bft_result_digest(struct td_hash *out, const struct bft_result *r);

/* Digest of an attestation's 272-byte encoding: header.attDigest.  Not what is signed. */
void bft_attest_digest(struct td_hash *out, const struct bft_attest_fields *f);
