/* MODEXP (EIP-198): raw inputs as far as their gas is affordable, and shaped ones of up to 48 bytes
 * a number.  Both limb paths must agree; a modulus of up to 8 bytes also meets a bit-by-bit
 * reference. */
#include "tests/fuzz/executor/portable.h"

#define GAS_LIMIT 20000u /* of a raw input; EIP-2565's price */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Any bytes as they are, as far as their gas is affordable. */
static void fuzz_modexp_raw(const uint8_t *data, size_t len)
{
    struct td_bytes out;
    struct td_bytes input = td_bytes_of(data, len);
    if (exec_modexp_gas(input) <= GAS_LIMIT)
        run_modexp(input, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (data[0] % 4u == 0)
        fuzz_modexp_raw(data + 1, len - 1);
    else
        fuzz_modexp_shaped(data + 1, len - 1, MODEXP_SIZE_MAX);
    return 0;
}
