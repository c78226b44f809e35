/* SHA-256 (FIPS 180-4), precompile 0x02. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXEC_SHA256_BYTES 32u

/* Fills out with the digest of data[0 .. len); data may be NULL when len is 0, and may overlap out.
 * Any length below 2^61 bytes.  One compression per started 64 bytes of len + 9. */
void exec_sha256(uint8_t out[EXEC_SHA256_BYTES], const uint8_t *data, size_t len);
