/* base/host/poseidon2_vector: every path against the scalar permutation.
 * Method: random and edge values in every count from 0 to a few vectors, so that whole vectors and
 * rests occur; a larger run; and the published known answers.  A path this processor lacks is named
 * and left out. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/core/rng.h"
#include "base/host/poseidon2_vector.h"

#define STATES 4096u

static struct td_kb states[STATES][TD_P2_WIDTH], wanted[STATES][TD_P2_WIDTH];

static const uint32_t EDGES[] = {0,           1,           2,        TD_KB_P - 1,
                                 TD_KB_P - 2, TD_KB_P / 2, 1u << 24, (1u << 24) - 1,
                                 0x7EFFFFFF,  0x7F000000};

static void fill(struct td_rng *r, size_t count, bool edges)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < TD_P2_WIDTH; j++)
            states[i][j].v = edges ? EDGES[td_rng_below(r, sizeof EDGES / sizeof EDGES[0])]
                                   : (uint32_t)td_rng_below(r, TD_KB_P);
    }
    memcpy(wanted, states, sizeof states);
    for (size_t i = 0; i < count; i++)
        td_poseidon2_24(wanted[i]);
}

static bool usable_or_said(enum td_p2_path path)
{
    if (td_p2_path_usable(path))
        return true;
    printf("%s: not on this processor, left out\n", td_p2_path_name(path));
    return false;
}

Test(base_poseidon2_vector, equals_scalar_in_every_count)
{
    struct td_rng r;
    td_rng_init(&r, 1);
    cr_assert(td_p2_path_usable(TD_P2_PLAIN));
    for (unsigned p = 0; p < TD_P2_PATH_COUNT; p++) {
        if (!usable_or_said((enum td_p2_path)p))
            continue;
        for (size_t count = 0; count <= 50; count++) {
            fill(&r, 51, count % 2 == 0);
            memcpy(wanted + count, states + count, (51 - count) * sizeof states[0]);
            td_p2_permute_many_by((enum td_p2_path)p, states, count);
            cr_assert_eq(memcmp(states, wanted, 51 * sizeof states[0]), 0, "%s, %zu states",
                         td_p2_path_name((enum td_p2_path)p), count);
        }
    }
    fill(&r, 40, false);
    td_p2_permute_many(states, 40);
    cr_expect_eq(memcmp(states, wanted, 40 * sizeof states[0]), 0);
}

Test(base_poseidon2_vector, equals_scalar_on_many)
{
    struct td_rng r;
    td_rng_init(&r, 2);
    for (unsigned p = TD_P2_AVX2; p < TD_P2_PATH_COUNT; p++) {
        if (!td_p2_path_usable((enum td_p2_path)p))
            continue;
        for (unsigned round = 0; round < 8; round++) {
            fill(&r, STATES, round % 4 == 0);
            td_p2_permute_many_by((enum td_p2_path)p, states, STATES);
            cr_assert_eq(memcmp(states, wanted, sizeof states), 0, "%s, round %u",
                         td_p2_path_name((enum td_p2_path)p), round);
        }
    }
}

static void get_state(struct td_kb out[TD_P2_WIDTH], const json_t *array)
{
    cr_assert_eq(json_array_size(array), TD_P2_WIDTH);
    for (size_t i = 0; i < TD_P2_WIDTH; i++)
        cr_assert_eq(td_kb_decode(&out[i], (uint32_t)json_integer_value(json_array_get(array, i))),
                     TD_OK);
}

Test(base_poseidon2_vector, published_answers)
{
    json_t *file = json_load_file(TD_VECTORS_DIR "/poseidon2_koalabear.json", 0, NULL);
    if (file == NULL)
        cr_skip_test("poseidon2_koalabear.json not found");
    json_t *kat = json_object_get(json_object_get(file, "width_24"), "kat");
    size_t count = json_array_size(kat);
    cr_assert(count > 0 && count <= 16);
    for (unsigned p = 0; p < TD_P2_PATH_COUNT; p++) {
        if (!td_p2_path_usable((enum td_p2_path)p))
            continue;
        for (size_t i = 0; i < count; i++) {
            get_state(states[i], json_object_get(json_array_get(kat, i), "in"));
            get_state(wanted[i], json_object_get(json_array_get(kat, i), "out"));
        }
        td_p2_permute_many_by((enum td_p2_path)p, states, count);
        cr_expect_eq(memcmp(states, wanted, count * sizeof states[0]), 0, "%s",
                     td_p2_path_name((enum td_p2_path)p));
    }
    json_decref(file);
}

Test(base_poseidon2_vector, a_path_that_does_not_exist_aborts, .signal = SIGABRT)
{
    td_p2_permute_many_by(TD_P2_PATH_COUNT, states, 1);
}
