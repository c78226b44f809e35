/* Whole blocks on one core, and where the time goes. */
#include <stdio.h>

#include "base/core/assert.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"

#define TRANSFERS 1000u
#define QUICK_TRANSFERS 20u

enum part { SIGNATURES, EXECUTION, TREE, HASHING, DIFFS, ALL, HINTS, PART_COUNT };

static const char *const part_names[PART_COUNT] = {
    [SIGNATURES] = "signatures: decode, libsecp256k1 recovery",
    [EXECUTION] = "execution, roots, batch data",
    [TREE] = "tree and witness, permutations aside",
    [HASHING] = "tree's batched permutations",
    [DIFFS] = "state diffs",
    [ALL] = "all of these",
    [HINTS] = "beside it: hints with slopes, for the prover",
};

static void take(struct bench_series series[PART_COUNT], uint32_t run, const struct ledger_times *t,
                 uint32_t count)
{
    const uint64_t ns[PART_COUNT] = {[SIGNATURES] = t->signatures,
                                     [EXECUTION] = t->block - t->witness,
                                     [TREE] = t->witness - t->hashing - t->diffs,
                                     [HASHING] = t->hashing,
                                     [DIFFS] = t->diffs,
                                     [ALL] = t->signatures + t->block};
    for (uint32_t i = 0; i < HINTS; i++)
        series[i].value[run] = (double)ns[i] / count;
}

static void blocks(struct ledger *l, enum ledger_kind kind, const char *what)
{
    struct bench_series series[PART_COUNT];
    char title[80];
    uint32_t count = bench_is_quick() ? QUICK_TRANSFERS : TRANSFERS;
    l->hints = l->slopes = true;
    ledger_payload(l, kind, count);
    ledger_execute(l); /* the warm-up, and the one time that hints are made */
    for (uint32_t run = 0; run < BENCH_RUNS; run++)
        series[HINTS].value[run] = (double)l->times.hints / count;
    l->hints = false;
    for (uint32_t run = 0; run < BENCH_RUNS; run++) {
        if (!bench_is_quick() || run == 0)
            ledger_execute(l);
        take(series, run, &l->times, count);
    }
    snprintf(title, sizeof title, "block of %u %s, per transfer", count, what);
    bench_group(title);
    for (uint32_t i = 0; i < PART_COUNT; i++)
        bench_row(part_names[i], BENCH_US, &series[i], 0);
    bench_row("transfers", BENCH_PER_S, &series[ALL], 0);
    bench_note("%u accounts, %u slots, %u leaves of the tree; %.1f bytes of diffs, %.0f gas each",
               exec_state_account_count(l->n.result.state),
               exec_state_slot_count(l->n.result.state), l->n.cursor.leaf_count,
               (double)l->n.witness.diffs.on.len / count, (double)l->n.result.gas_used / count);
    bench_note("%.0f native units each", (double)l->n.result.native_used / count);
}

void bench_exec_blocks(void)
{
    struct ledger *l = ledger_get();
    blocks(l, LEDGER_ETHER, "ether transfers");
    blocks(l, LEDGER_TOKEN, "ERC-20 transfers");
}
