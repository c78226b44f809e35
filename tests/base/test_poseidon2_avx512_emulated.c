/* base/host/poseidon2_vector_avx512: its very source over emulated operations, against the scalar
 * permutation; and when the run-time choice may take it.
 * Method: the file is compiled here with the emulated <immintrin.h> of this folder, so the sixteen
 * lanes are exercised on any processor; where there is a real one, test_poseidon2_vector runs it.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "base/core/rng.h"

#define td_p2_permute_avx512 permute_emulated
#include "base/host/poseidon2_vector_avx512.c"
#undef td_p2_permute_avx512

#define STATES 70u

static struct td_kb states[STATES][TD_P2_WIDTH], wanted[STATES][TD_P2_WIDTH];

static const uint32_t EDGES[] = {0,           1,           2,        TD_KB_P - 1,
                                 TD_KB_P - 2, TD_KB_P / 2, 1u << 24, (1u << 24) - 1,
                                 0x7EFFFFFF,  0x7F000000};

Test(base_poseidon2_avx512_emulated, equals_scalar_in_every_count)
{
    struct td_rng r;
    td_rng_init(&r, 5);
    for (size_t count = 0; count <= STATES; count++) {
        for (size_t i = 0; i < STATES; i++)
            for (unsigned j = 0; j < TD_P2_WIDTH; j++)
                states[i][j].v = count % 2 == 0
                                     ? EDGES[td_rng_below(&r, sizeof EDGES / sizeof EDGES[0])]
                                     : (uint32_t)td_rng_below(&r, TD_KB_P);
        memcpy(wanted, states, sizeof states);
        for (size_t i = 0; i < count; i++)
            td_poseidon2_24(wanted[i]);
        permute_emulated(states, count);
        cr_assert_eq(memcmp(states, wanted, sizeof states), 0, "%zu states", count);
    }
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

/* Intel SDM vol. 1, 15.2: OSXSAVE, then XCR0 with SSE, AVX, opmask and both halves of ZMM, then the
 * feature itself.  AVX2 likewise without the last three. */
Test(base_poseidon2_avx512_emulated, a_path_is_usable_only_if_processor_and_system_have_it)
{
    uint32_t top[4], one[4], seven[4] = {0}, xcr0 = 0, high;
    cpuid(0, top);
    cpuid(1, one);
    if (top[0] >= 7)
        cpuid(7, seven);
    if ((one[2] >> 27 & 1u) != 0)
        __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    bool avx2 = (xcr0 & 0x06u) == 0x06u && (seven[1] >> 5 & 1u) != 0;
    bool avx512 = (xcr0 & 0xE6u) == 0xE6u && (seven[1] >> 16 & 1u) != 0;
    cr_expect_eq(td_p2_path_usable(TD_P2_AVX2), avx2);
    cr_expect_eq(td_p2_path_usable(TD_P2_AVX512), avx512);
}
