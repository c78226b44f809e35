/* hello-guest: the smallest program worth proving.  It reads the input's bytes in pairs (16 bits,
 * little-endian; an odd last byte alone) and publishes the Poseidon2 digest of those elements, tag
 * TD_P2_STATEMENT: every table of a first proof has rows, and anyone can recompute the answer. */
#include "executor/chips.h"
#include "executor/guest/guest.h"

#define BLOCK_WORDS (16u * TD_P2_RATE) /* whole blocks, so that absorbing can go on */

void td_guest_main(uint32_t output[TD_GUEST_OUTPUT_WORDS])
{
    struct td_bytes in = td_guest_input();
    uint32_t count = (uint32_t)in.len / 2 + (in.len & 1);
    struct td_kb state[TD_P2_WIDTH] = {0};
    struct td_kb block[BLOCK_WORDS];

    state[15].v = TD_P2_STATEMENT;
    state[16].v = count;
    for (uint32_t done = 0; done < count || done == 0;) {
        uint32_t now = count - done < BLOCK_WORDS ? count - done : BLOCK_WORDS;
        block[0].v = 0; /* an empty input absorbs one zero */
        for (uint32_t i = 0; i < now; i++) {
            size_t at = 2 * (size_t)(done + i);
            uint32_t high = at + 1 < in.len ? in.ptr[at + 1] : 0;
            block[i].v = in.ptr[at] | high << 8;
        }
        td_chip_p2_absorb(state, block, now > 0 ? now : 1);
        done += now > 0 ? now : 1;
    }
    for (uint32_t i = 0; i < TD_GUEST_OUTPUT_WORDS; i++)
        output[i] = state[i].v;
}
