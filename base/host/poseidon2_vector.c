#include "base/host/poseidon2_vector.h"

#include "base/core/assert.h"
#include "base/host/poseidon2_vector_internal.h"

/* Below this many a vector run costs more than it saves. */
#define VECTOR_MIN 3u

bool td_p2_path_usable(enum td_p2_path path)
{
#if defined(__x86_64__)
    if (path == TD_P2_AVX2)
        return __builtin_cpu_supports("avx2") != 0;
    if (path == TD_P2_AVX512)
        return __builtin_cpu_supports("avx512f") != 0;
#endif
    return path == TD_P2_PLAIN;
}

const char *td_p2_path_name(enum td_p2_path path)
{
    static const char *const NAMES[TD_P2_PATH_COUNT] = {"plain", "avx2", "avx512"};
    return path < TD_P2_PATH_COUNT ? NAMES[path] : "unknown";
}

static void permute_plain(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    for (size_t i = 0; i < count; i++)
        td_poseidon2_24(states[i]);
}

void td_p2_permute_many_by(enum td_p2_path path, struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    TD_ASSERT(td_p2_path_usable(path));
#if defined(__x86_64__)
    if (path == TD_P2_AVX512) {
        td_p2_permute_avx512(states, count);
        return;
    }
    if (path == TD_P2_AVX2) {
        td_p2_permute_avx2(states, count);
        return;
    }
#endif
    permute_plain(states, count);
}

void td_p2_permute_many(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    enum td_p2_path path = TD_P2_PLAIN;
    if (count >= VECTOR_MIN && td_p2_path_usable(TD_P2_AVX512))
        path = TD_P2_AVX512;
    else if (count >= VECTOR_MIN && td_p2_path_usable(TD_P2_AVX2))
        path = TD_P2_AVX2;
    td_p2_permute_many_by(path, states, count);
}
