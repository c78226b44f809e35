/* Fails an assertion when the input is "fail", and publishes zeros otherwise. */
#include "base/core/assert.h"
#include "executor/guest/guest.h"

void td_guest_main(uint32_t output[TD_GUEST_OUTPUT_WORDS])
{
    struct td_bytes in = td_guest_input();
    bool fail = in.len == 4 && memcmp(in.ptr, "fail", 4) == 0;
    TD_ASSERT(!fail);
    memset(output, 0, TD_GUEST_OUTPUT_WORDS * sizeof *output);
}
