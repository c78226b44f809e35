/* Any bytes: what decodes must encode to the same bytes and survive the verifier.
 *
 * The verifier knows the fixture's sets, so that mutated golden messages get past their epochs. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "tests/consensus/golden/fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fx f;
static struct bft_sig_check checks[BFT_SIG_CHECKS_MAX];
static _Alignas(16) uint8_t room[BFT_DECODE_ARENA_BYTES];
static uint8_t again[TD_FRAME_BYTES_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fx_init(&f, NULL, 7, NULL, NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena arena;
    struct td_writer w;
    struct bft_msg m;
    uint32_t count = 0;
    td_arena_init(&arena, room, sizeof room);
    enum td_error err = bft_msg_decode(&m, &arena, data, size);
    TD_ASSERT(err != TD_E_NOSPACE); /* the arena is as large as any frame needs */
    if (err != TD_OK)
        return 0;
    TD_ASSERT(bft_msg_size(&m) == size);
    td_writer_init(&w, again, sizeof again);
    bft_msg_encode(&w, &m);
    TD_ASSERT(w.err == TD_OK);
    TD_ASSERT(w.len == size);
    TD_ASSERT(memcmp(again, data, size) == 0);

    enum bft_verdict v = bft_verify_collect(&f.ctx, &m, checks, &count);
    TD_ASSERT(v < BFT_VERDICT_COUNT);
    TD_ASSERT(count <= BFT_SIG_CHECKS_MAX);
    for (uint32_t i = 0; i < count; i++)
        TD_ASSERT(checks[i].signer < f.set[0].count);
    return 0;
}
