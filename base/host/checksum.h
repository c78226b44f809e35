/* A checksum of stored bytes: SipHash-2-4 (Aumasson, Bernstein 2012) under a fixed, public key.  It
 * finds damage; it keeps out nobody who may write the file.  The value is on disk: never change it.
 */
#pragma once

#include <stdint.h>

#include "base/core/types.h"

uint64_t td_checksum(struct td_bytes bytes);
