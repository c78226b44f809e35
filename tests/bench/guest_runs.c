#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include "tests/bench/guest_runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "tests/bench/timing.h"

#define ELF_BYTES_MAX ((size_t)16 << 20)
#define CLK_LIMIT (UINT64_C(1) << 36)

void guest_load(struct guest *g, const char *path, bool slopes)
{
    FILE *f = fopen(path, "rb");
    g->slopes = slopes;
    if (f == NULL) {
        fprintf(stderr, "bench: --guest: cannot open %s: %s\n", path, strerror(errno));
        exit(NODE_EXIT_NO_INPUT);
    }
    g->elf = malloc(ELF_BYTES_MAX);
    TD_ASSERT(g->elf != NULL);
    size_t len = fread(g->elf, 1, ELF_BYTES_MAX, f);
    (void)fclose(f);
    enum rv32_load verdict = rv32_program_decode(&g->program, td_bytes_of(g->elf, len));
    if (verdict != RV32_LOADED) {
        fprintf(stderr, "bench: --guest: %s: %s\n", path, rv32_load_text(verdict));
        exit(NODE_EXIT_NO_INPUT);
    }
}

void guest_free(struct guest *g)
{
    free(g->elf);
}

void guest_run(const struct guest *g, struct ledger *l, struct guest_cost *out)
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

void guest_run_transfers(const struct guest *g, enum ledger_kind kind, uint32_t count,
                         struct guest_cost *out)
{
    struct ledger *l = ledger_get();
    l->hints = true;
    l->slopes = g->slopes;
    ledger_payload(l, kind, count);
    ledger_run_begin(l);
    ledger_execute(l);
    ledger_run_add(l);
    guest_run(g, l, out);
}

double guest_transfer_cost(const struct guest_cost cost[2])
{
    return (double)(cost[1].instructions - cost[0].instructions) / GUEST_MORE;
}

static void empty_block(struct ledger *l)
{
    ledger_payload(l, LEDGER_ETHER, 0);
    ledger_execute(l);
}

void guest_run_empty(const struct guest *g, uint32_t count, struct guest_cost *out)
{
    struct ledger *l = ledger_get();
    l->hints = true;
    l->slopes = g->slopes;
    if (!l->n.batch.open) {
        empty_block(l);
        ledger_keep(l);
    }
    ledger_run_begin(l);
    for (uint32_t i = 0; i < count; i++) {
        empty_block(l);
        ledger_run_add(l);
        ledger_keep(l);
    }
    guest_run(g, l, out);
}

double guest_empty_cost(const struct guest_cost cost[2])
{
    return (double)(cost[1].instructions - cost[0].instructions) / GUEST_EMPTY_MORE;
}
