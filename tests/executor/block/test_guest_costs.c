/* What one more transfer costs the proven program stays within the figures that step 2 was given
 * (docs/benchmarks.md has the measured ones): 2.15 M and 2.28 M instructions for ether and for an
 * ERC-20 token without chips, 60,000 and 90,000 with them; an empty block, 6,000 with them.
 *
 *     test_guest_costs SOFT.elf CHIPS.elf
 *
 * Instructions are counted, not timed, so that this is no matter of the machine.  A plain main:
 * the ledger of a million leaves is made once. */
#include <stdio.h>

#include "tests/bench/guest_runs.h"

struct limit {
    const char *name;
    enum ledger_kind kind;
    double without_chips, with_chips;
};

static const struct limit LIMITS[] = {{"ether", LEDGER_ETHER, 2.15e6, 60e3},
                                      {"ERC-20", LEDGER_TOKEN, 2.28e6, 90e3}};
#define LIMIT_COUNT (sizeof LIMITS / sizeof LIMITS[0])

static bool within(const struct guest *g, const struct limit *limit)
{
    struct guest_cost cost[2];
    double most = g->slopes ? limit->without_chips : limit->with_chips;
    for (uint32_t i = 0; i < 2; i++)
        guest_run_transfers(g, limit->kind, GUEST_BASE + i * GUEST_MORE, &cost[i]);
    double one = guest_transfer_cost(cost);
    bool ok = one <= most;
    printf("%s: one more %s transfer, %s: %.0f instructions, at most %.0f\n", ok ? "ok" : "FAIL",
           limit->name, g->slopes ? "software only" : "chips", one, most);
    return ok;
}

/* With chips, and with the history's slot in the tree: an image without them hashes in software. */
static bool empty_within(const struct guest *g)
{
    struct guest_cost cost[2];
    for (uint32_t i = 0; i < 2; i++)
        guest_run_empty(g, GUEST_EMPTY_BASE + i * GUEST_EMPTY_MORE, &cost[i]);
    double one = guest_empty_cost(cost);
    bool ok = one <= GUEST_EMPTY_MAX;
    printf("%s: one more empty block, chips: %.0f instructions, at most %.0f\n", ok ? "ok" : "FAIL",
           one, GUEST_EMPTY_MAX);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    if (argc != 3) {
        fprintf(stderr, "usage: %s SOFT.elf CHIPS.elf\n", argv[0]);
        return 64;
    }
    for (int image = 0; image < 2; image++) {
        struct guest g;
        guest_load(&g, argv[1 + image], image == 0);
        for (size_t i = 0; i < LIMIT_COUNT; i++)
            ok = within(&g, &LIMITS[i]) && ok;
        if (!g.slopes)
            ok = empty_within(&g) && ok;
        guest_free(&g);
    }
    return ok ? 0 : 1;
}
