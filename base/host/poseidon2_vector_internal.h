/* The paths of poseidon2_vector.c, each in a file that is compiled for its instructions. */
#pragma once

#include "base/host/poseidon2_vector.h"

#if defined(__x86_64__)
void td_p2_permute_avx2(struct td_kb (*states)[TD_P2_WIDTH], size_t count);
void td_p2_permute_avx512(struct td_kb (*states)[TD_P2_WIDTH], size_t count);
#endif
