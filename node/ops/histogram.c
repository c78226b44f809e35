#include "node/ops/ops.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

const uint64_t node_histogram_bounds_ns[NODE_HISTOGRAM_BUCKETS] = {
    100 * US, 250 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,    10 * MS,   25 * MS,
    50 * MS,  100 * MS, 250 * MS, 500 * MS, 1000 * MS, 2500 * MS, 5000 * MS, 10000 * MS,
};

void node_histogram_observe(struct node_histogram *h, uint64_t duration_ns)
{
    uint32_t i = 0;
    while (i < NODE_HISTOGRAM_BUCKETS && duration_ns > node_histogram_bounds_ns[i])
        i++;
    if (i < NODE_HISTOGRAM_BUCKETS)
        h->bucket[i]++;
    h->count++;
    h->sum_ns += duration_ns;
}
