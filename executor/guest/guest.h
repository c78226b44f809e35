/* What a guest program finds around it.  [prover]
 *
 *     start.S ──▶ td_guest_main(output) ──returns──▶ halt publishes output
 *
 *     0x0800_0000  bss | arena ……………………………………………… | stack, TD_GUEST_STACK_BYTES | 0x1000_0000
 *     0x2000_0000  u32 length | length bytes | zero padding to a word
 *
 * 1. A guest stops in two ways: td_guest_main returns, or it cannot be proven (trap).
 * 2. The input is whatever the prover likes: nothing in it is trusted before it is checked. */
#pragma once

#include "base/core/types.h"

#define TD_GUEST_OUTPUT_WORDS 9u
#define TD_GUEST_INPUT_BASE UINT32_C(0x20000000)
/* The region's 512 MiB without the length word. */
#define TD_GUEST_INPUT_BYTES_MAX (UINT32_C(0x20000000) - 4u)
/* The sources do not recurse and keep big buffers in arenas: a tenth of this is used. */
#define TD_GUEST_STACK_BYTES (UINT32_C(1) << 20)

/* The program: fill output[0 .. 9), any words.  Not returning normally = unprovable. */
void td_guest_main(uint32_t output[TD_GUEST_OUTPUT_WORDS]);

/* The input's bytes, word aligned; empty when the length word exceeds the region. */
static inline struct td_bytes td_guest_input(void)
{
    uint32_t len = *(const uint32_t *)TD_GUEST_INPUT_BASE;
    if (len > TD_GUEST_INPUT_BYTES_MAX)
        len = 0;
    return (struct td_bytes){.ptr = (const uint8_t *)(TD_GUEST_INPUT_BASE + 4u), .len = len};
}

/* All memory between bss and stack, zero at the start: for one td_arena. */
static inline uint8_t *td_guest_memory(size_t *bytes)
{
    extern uint8_t __bss_end[];
    extern uint8_t __stack_top[];
    *bytes = (size_t)(__stack_top - __bss_end) - TD_GUEST_STACK_BYTES;
    return __bss_end;
}
