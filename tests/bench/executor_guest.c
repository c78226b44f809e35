/* What blocks cost the proof machine: differences between runs of the guest images, in instructions
 * (a chip call is one), and how fast the emulator goes through them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/core/assert.h"
#include "tests/bench/guest_runs.h"
#include "tests/bench/timing.h"

static void dump(struct ledger *l, const char *folder, const char *kind, const char *variant,
                 uint32_t count)
{
    char path[512];
    size_t words;
    const uint32_t *w = ledger_run_words(l, &words);
    snprintf(path, sizeof path, "%s/%s-%s-%u.run", folder, kind, variant, count);
    FILE *f = fopen(path, "wb");
    TD_ASSERT(f != NULL && fwrite(w, 4, words, f) == words);
    (void)fclose(f);
}

/* ---- rows */

static uint32_t met, missed;

static void count_row(const char *name, double value, double target)
{
    char goal[48] = "-";
    if (target > 0) {
        bool ok = value <= target;
        met += ok ? 1u : 0u;
        missed += ok ? 0u : 1u;
        snprintf(goal, sizeof goal, "<= %.0f %s", target, ok ? "ok" : "MISS");
    }
    printf("  %-54s %12.0f %28s  %s\n", name, value, "", goal);
    (void)fflush(stdout);
}

static void calls_note(const struct guest_cost *small, const struct guest_cost *large, double by)
{
    static const char *const names[RV32_CALL_COUNT] = {
        [TD_CHIP_P2_ABSORB] = "p2_absorb",     [TD_CHIP_P2_PATH] = "p2_path",
        [TD_CHIP_EXT_DOT] = "ext_dot",         [TD_CHIP_FRI_FOLD] = "fri_fold",
        [TD_CHIP_U256_MULMOD] = "u256_mulmod", [TD_CHIP_KECCAKF] = "keccakf",
        [TD_CHIP_SECP_ADD] = "secp_add",       [TD_CHIP_SECP_DOUBLE] = "secp_double"};
    char text[400];
    int at = snprintf(text, sizeof text, "... %.0f clk with the calls' rows;",
                      (double)(large->clk - small->clk) / by);
    for (uint32_t i = 1; i < RV32_CALL_COUNT; i++) {
        double calls = (double)(large->calls[i] - small->calls[i]) / by;
        if (calls > 0)
            at += snprintf(text + at, sizeof text - (size_t)at, " %s %.1f", names[i], calls);
    }
    bench_note("%s", text);
}

static void transfers(const struct guest *g, const char *name, enum ledger_kind kind, double target,
                      const char *folder, struct guest_cost *large)
{
    struct guest_cost cost[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t count = GUEST_BASE + i * GUEST_MORE;
        guest_run_transfers(g, kind, count, &cost[i]);
        if (folder != NULL)
            dump(ledger_get(), folder, kind == LEDGER_ETHER ? "ether" : "token",
                 g->slopes ? "soft" : "chips", count);
    }
    count_row(name, guest_transfer_cost(cost), target);
    if (!g->slopes)
        calls_note(&cost[0], &cost[1], GUEST_MORE);
    *large = cost[1];
}

static void empty(const struct guest *g, const char *name, double target, const char *folder)
{
    struct guest_cost cost[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t count = GUEST_EMPTY_BASE + i * GUEST_EMPTY_MORE;
        guest_run_empty(g, count, &cost[i]);
        if (folder != NULL)
            dump(ledger_get(), folder, "empty", "chips", count);
    }
    count_row(name, guest_empty_cost(cost), target);
    calls_note(&cost[0], &cost[1], GUEST_EMPTY_MORE);
}

void bench_exec_guest(const char *soft_path, const char *chips_path, const char *folder)
{
    struct guest soft, chips;
    struct guest_cost cost[4];
    struct bench_series rate;
    guest_load(&soft, soft_path, true);
    guest_load(&chips, chips_path, false);
    printf("\n%-56s %12s %28s  target\n", "guest, one more in a block of 40, 1,000,000 leaves",
           "instructions", "");
    transfers(&soft, "ether transfer, software only", LEDGER_ETHER, 2.15e6, folder, &cost[0]);
    transfers(&soft, "ERC-20 transfer, software only", LEDGER_TOKEN, 2.28e6, folder, &cost[1]);
    transfers(&chips, "ether transfer, chips", LEDGER_ETHER, 60e3, folder, &cost[2]);
    transfers(&chips, "ERC-20 transfer, chips", LEDGER_TOKEN, 90e3, folder, &cost[3]);
    struct ledger *l = ledger_get();
    empty(&chips, "empty block, chips, history's slot known", GUEST_EMPTY_MAX, folder);
    while (l->n.cursor.number < LEDGER_HISTORY_SLOTS) {
        ledger_execute(l);
        ledger_keep(l);
    }
    empty(&chips, "empty block, chips, history's slot inserted", 0, NULL);
    bench_note("%u of %u targets of this group met", met, met + missed);
    for (uint32_t i = 0; i < BENCH_RUNS; i++) /* two programs, one run each */
        rate.value[i] = (double)cost[i % 2u].ns / (double)cost[i % 2u].instructions;
    bench_group("emulator on those blocks, one core");
    bench_row("instructions, software-only image", BENCH_PER_S, &rate, 1e8);
    guest_free(&soft);
    guest_free(&chips);
}
