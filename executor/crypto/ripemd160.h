/* RIPEMD-160 (Dobbertin, Bosselaers, Preneel 1996; ISO/IEC 10118-3), precompile 0x03. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXEC_RIPEMD160_BYTES 20u

/* Fills out with the digest of data[0 .. len); data may be NULL when len is 0, and may overlap out.
 * Any length below 2^61 bytes.  The precompile pads the digest to 32 bytes on the left; this does
 * not.  One compression per started 64 bytes of len + 9. */
void exec_ripemd160(uint8_t out[EXEC_RIPEMD160_BYTES], const uint8_t *data, size_t len);
