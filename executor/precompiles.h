/* Precompiled contracts 0x01-0x09 at Prague rules: ecrecover, SHA-256, RIPEMD-160, identity,
 * modexp (EIP-2565), bn254 add, mul (EIP-196, EIP-1108) and pairing (EIP-197), blake2f (EIP-152).
 * 0x0a-0x11 are known addresses (warm) that fail. */
#pragma once

#include "base/core/arena.h"
#include "base/core/types.h"

enum exec_pre_result {
    EXEC_PRE_OK,
    EXEC_PRE_FAIL, /* bad input, or not covered: the call fails and takes its gas */
    EXEC_PRE_OUT_OF_GAS,
    EXEC_PRE_NATIVE, /* native units do not suffice */
    EXEC_PRE_MEMORY, /* arena exhausted */
};

/* Index 1..0x11 of a precompile address, or 0. */
uint32_t exec_precompile_index(const struct td_addr *a);

/* Charges *gas and *native first, then works.  Output is in `arena` (or a view of the input).
 * Input of any length, any content. */
enum exec_pre_result exec_precompile_run(uint32_t index, struct td_bytes input, int64_t *gas,
                                         int64_t *native, struct td_arena *arena,
                                         struct td_bytes *output);
