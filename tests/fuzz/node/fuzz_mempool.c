/* Any bytes as a history of a mempool, eight an operation: it and a pool that looks at everything
 * (tests/node/mempool_model.h) agree after every step. */
#include <stdint.h>

#include "base/core/assert.h"
#include "tests/node/mempool_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pool_model_seen seen = {0};
    TD_ASSERT(pool_model_run(data, len, &seen) == NULL);
    return 0;
}
