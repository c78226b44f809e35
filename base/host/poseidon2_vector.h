/* Many width-24 Poseidon2 permutations at once, one per vector lane.
 *
 * 1. Bit-identical to td_poseidon2_24 on canonical states, whichever path runs.
 * 2. The path is chosen by what the processor has, each time: AVX-512 (16 lanes), AVX2 (8), else
 *    one after the other.  A rest smaller than the lanes is padded, or runs plainly when tiny. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/core/poseidon2.h"

enum td_p2_path { TD_P2_PLAIN, TD_P2_AVX2, TD_P2_AVX512, TD_P2_PATH_COUNT };

/* Was it built in, and does this processor have it? */
bool td_p2_path_usable(enum td_p2_path path);
const char *td_p2_path_name(enum td_p2_path path);

/* Permute states[0 .. count) in place. */
void td_p2_permute_many(struct td_kb (*states)[TD_P2_WIDTH], size_t count);
/* The same by one path, which must be usable. */
void td_p2_permute_many_by(enum td_p2_path path, struct td_kb (*states)[TD_P2_WIDTH], size_t count);
