/* tandem-guest: hashes its input with every hash of the executor and publishes a digest of the
 * digests.  The nine words are the statement's sponge, tag TD_P2_STATEMENT, over keccak256, SHA-256
 * and RIPEMD-160 of the input, two bytes an element. */
#include "base/core/keccak.h"
#include "base/core/poseidon2.h"
#include "executor/crypto/ripemd160.h"
#include "executor/crypto/sha256.h"
#include "executor/guest/guest.h"

#define DIGEST_BYTES (32u + EXEC_SHA256_BYTES + EXEC_RIPEMD160_BYTES)

void td_guest_main(uint32_t output[TD_GUEST_OUTPUT_WORDS])
{
    struct td_bytes in = td_guest_input();
    uint8_t digests[DIGEST_BYTES];
    struct td_kb element[DIGEST_BYTES / 2];
    struct td_hash keccak;
    struct td_p2_digest statement;

    td_keccak256(&keccak, in.ptr, in.len);
    memcpy(digests, keccak.b, sizeof keccak.b);
    exec_sha256(digests + 32, in.ptr, in.len);
    exec_ripemd160(digests + 64, in.ptr, in.len);
    for (size_t i = 0; i < sizeof element / sizeof element[0]; i++)
        element[i].v = digests[2 * i] | (uint32_t)digests[2 * i + 1] << 8;
    td_p2_hash(&statement, TD_P2_STATEMENT, element, sizeof element / sizeof element[0]);
    for (size_t i = 0; i < TD_GUEST_OUTPUT_WORDS; i++)
        output[i] = statement.e[i].v;
}
