/* The width-24 permutation in 32-bit words: what td_poseidon2_24 is on a 32-bit machine, and
 * everywhere a second implementation for the tests to compare it with. */
#pragma once

#include "base/core/poseidon2.h"

/* As td_poseidon2_24. */
void td_poseidon2_24_words(struct td_kb s[24]);
