/* An empty block costs the proof machine no more than the design allows: a count, so the same on
 * every machine.  Measured as `bench_executor guest` does, by the same code, over a smaller state.
 *
 *     test_empty_block CHIPS.elf */
#include <stdio.h>

#include "tests/bench/executor_image.h"

#define LEAVES 20000u

int main(int argc, char **argv)
{
    struct guest chips;
    struct cost cost[2];
    if (argc != 2)
        return 64;
    guest_load(&chips, argv[1], false);
    ledger_set_leaves(LEAVES);
    struct ledger *l = ledger_get();
    ledger_payload(l, LEDGER_ETHER, 0);
    ledger_execute(l); /* it opens the batch */
    ledger_keep(l);
    guest_empty(&chips, NULL, cost);
    double each = guest_empty_block(cost);
    bool ok = each <= GUEST_EMPTY_BLOCK_MAX;
    printf("%.0f instructions for one more empty block, at most %.0f\n", each,
           GUEST_EMPTY_BLOCK_MAX);
    guest_free(&chips);
    printf("%d passed, %d failed, 0 skipped\n", ok, !ok);
    return ok ? 0 : 1;
}
