/* node/mempool against a pool that looks at everything (mempool_model.h): random histories, every
 * observable compared after every step. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/core/rng.h"
#include "tests/node/mempool_model.h"

#define HISTORIES 60u
#define STEPS 1500u

Test(mempool_model, random_histories_agree)
{
    struct pool_model_seen seen = {0};
    static uint8_t bytes[STEPS * 8u];
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct td_rng rng;
        td_rng_init(&rng, seed);
        for (uint32_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)td_rng_u64(&rng);
        uint64_t before = seen.steps;
        const char *fault = pool_model_run(bytes, sizeof bytes, &seen);
        cr_assert_null(fault, "seed %llu, step %llu: %s", (unsigned long long)seed,
                       (unsigned long long)(seen.steps - before), fault);
    }
    cr_assert_eq(seen.steps, HISTORIES * STEPS);
    /* Random numbers went everywhere. */
    cr_assert_gt(seen.added, 5000);
    cr_assert_gt(seen.queued, 500);
    cr_assert_gt(seen.replaced, 100);
    cr_assert_gt(seen.evicted, 100);
    cr_assert_gt(seen.taken, 1000);
    cr_assert_gt(seen.held, 1000);
    cr_assert_gt(seen.released, 1000);
    cr_assert_gt(seen.settled, 1000);
    cr_assert_gt(seen.expired, 100);
    cr_assert_gt(seen.dropped, 100);
}
