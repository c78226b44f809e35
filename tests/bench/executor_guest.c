/* What blocks cost the proof machine: differences between runs of the guest images, in instructions
 * (a chip call is one), and how fast the emulator goes through them. */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "executor/rv32/machine.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"

#define ELF_BYTES_MAX ((size_t)16 << 20)
#define CLK_LIMIT (UINT64_C(1) << 36)
#define BASE 40u /* transfers in the smaller block */
#define MORE 10u
#define EMPTY_BASE 2u
#define EMPTY_MORE 10u

struct guest {
    const char *path;
    struct rv32_program program;
    uint8_t *elf;
    bool slopes;
};

struct cost {
    uint64_t instructions, clk, calls[RV32_CALL_COUNT], ns;
};

static void guest_load(struct guest *g, const char *path, bool slopes)
{
    FILE *f = fopen(path, "rb");
    g->path = path;
    g->slopes = slopes;
    if (f == NULL) {
        fprintf(stderr, "bench: --guest: cannot open %s: %s\n", path, strerror(errno));
        exit(66);
    }
    g->elf = malloc(ELF_BYTES_MAX);
    TD_ASSERT(g->elf != NULL);
    size_t len = fread(g->elf, 1, ELF_BYTES_MAX, f);
    (void)fclose(f);
    enum rv32_load verdict = rv32_program_decode(&g->program, td_bytes_of(g->elf, len));
    if (verdict != RV32_LOADED) {
        fprintf(stderr, "bench: --guest: %s: %s\n", path, rv32_load_text(verdict));
        exit(66);
    }
}

/* The run that the ledger collected; the guest must say what the ledger says. */
static void guest_run(const struct guest *g, struct ledger *l, struct cost *out)
{
    size_t bytes = rv32_footprint(&g->program, RV32_RAM_BYTES_MAX), count;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint32_t *words = ledger_run_words(l, &count);
    uint32_t *input = malloc(4u * (count + 1u));
    struct td_p2_digest want;
    struct rv32_machine m;
    TD_ASSERT(memory != MAP_FAILED && input != NULL);
    input[0] = (uint32_t)(4u * count);
    memcpy(input + 1, words, 4u * count);
    TD_ASSERT(rv32_init(&m, &g->program, memory, RV32_RAM_BYTES_MAX, (uint8_t *)input,
                        4u * (count + 1u)) == TD_OK);
    uint64_t begin = bench_now_ns(BENCH_CPU);
    enum rv32_stop stop = rv32_run(&m, CLK_LIMIT);
    out->ns = bench_now_ns(BENCH_CPU) - begin;
    TD_ASSERT(stop == RV32_STOP_HALT);
    ledger_run_digest(l, &want);
    TD_ASSERT(memcmp(m.output, want.e, sizeof m.output) == 0);
    out->instructions = rv32_instructions(&m);
    out->clk = m.clk;
    memcpy(out->calls, m.calls, sizeof out->calls);
    (void)munmap(memory, bytes);
    free(input);
}

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

static void calls_note(const struct cost *small, const struct cost *large, double by)
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
                      const char *folder, struct cost *large)
{
    struct ledger *l = ledger_get();
    struct cost cost[2];
    l->hints = true;
    l->slopes = g->slopes;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t count = BASE + i * MORE;
        ledger_payload(l, kind, count);
        ledger_run_begin(l);
        ledger_execute(l);
        ledger_run_add(l);
        if (folder != NULL)
            dump(l, folder, kind == LEDGER_ETHER ? "ether" : "token", g->slopes ? "soft" : "chips",
                 count);
        guest_run(g, l, &cost[i]);
    }
    count_row(name, (double)(cost[1].instructions - cost[0].instructions) / MORE, target);
    if (!g->slopes)
        calls_note(&cost[0], &cost[1], MORE);
    *large = cost[1];
}

/* `count` empty blocks, kept. */
static void empty_run(const struct guest *g, uint32_t count, const char *folder, struct cost *out)
{
    struct ledger *l = ledger_get();
    l->hints = true;
    l->slopes = g->slopes;
    ledger_run_begin(l);
    for (uint32_t i = 0; i < count; i++) {
        ledger_payload(l, LEDGER_ETHER, 0);
        ledger_execute(l);
        ledger_run_add(l);
        ledger_keep(l);
    }
    if (folder != NULL)
        dump(l, folder, "empty", "chips", count);
    guest_run(g, l, out);
}

static void empty(const struct guest *g, const char *name, double target, const char *folder)
{
    struct cost small, large;
    empty_run(g, EMPTY_BASE, folder, &small);
    empty_run(g, EMPTY_BASE + EMPTY_MORE, folder, &large);
    count_row(name, (double)(large.instructions - small.instructions) / EMPTY_MORE, target);
    calls_note(&small, &large, EMPTY_MORE);
}

void bench_exec_guest(const char *soft_path, const char *chips_path, const char *folder)
{
    struct guest soft, chips;
    struct cost cost[4];
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
    ledger_payload(l, LEDGER_ETHER, 0);
    ledger_execute(l); /* it opens the batch: the runs below begin inside one */
    ledger_keep(l);
    empty(&chips, "empty block, chips, history's slot known", 6000, folder);
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
    free(soft.elf);
    free(chips.elf);
}
