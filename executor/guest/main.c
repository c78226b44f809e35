/* tandem-guest: the program that proofs of execution are about.  Its input is a run of blocks
 * [run.h], its nine words the digest of what it states about them.
 *
 * Whatever is wrong with the input, there is then nothing to prove: the program stops in a trap. */
#include "executor/guest/guest.h"
#include "executor/run.h"

void td_guest_main(uint32_t output[TD_GUEST_OUTPUT_WORDS])
{
    struct td_bytes in = td_guest_input();
    struct exec_statement statement;
    struct td_p2_digest digest;
    struct td_arena memory;
    size_t bytes;
    uint8_t *free_memory = td_guest_memory(&bytes);
    td_arena_init(&memory, free_memory, bytes);
    if (in.len % 4u != 0 ||
        exec_run(&statement, (const uint32_t *)(const void *)in.ptr, in.len / 4u, &memory) != TD_OK)
        __builtin_trap();
    exec_statement_digest(&digest, &statement);
    for (size_t i = 0; i < TD_GUEST_OUTPUT_WORDS; i++)
        output[i] = digest.e[i].v;
}
