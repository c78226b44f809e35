/* A pool that does everything by looking at everything, run beside the real one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pool_model_seen { /* how often what happened, so that a test can tell that it was tested */
    uint64_t steps, added, queued, refused, replaced, evicted, taken, held, released, settled,
        expired, dropped;
};

/* Eight bytes an operation; NULL, or the first difference. */
const char *pool_model_run(const uint8_t *bytes, size_t len, struct pool_model_seen *seen);
