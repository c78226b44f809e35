/* The guest images on blocks of the ledger, counted in instructions (a chip call is one).  What
 * bench_executor shows and what test_guest_costs limits comes from here; a guest is deterministic,
 * so are its counts.  Whatever goes wrong aborts. */
#pragma once

#include "executor/rv32/machine.h"
#include "tests/bench/executor.h"

/* A transfer's cost is what it adds to a block of this many. */
#define GUEST_BASE 40u
#define GUEST_MORE 10u

struct guest {
    struct rv32_program program;
    uint8_t *elf;
    bool slopes; /* an image without chips wants them */
};

struct guest_cost {
    uint64_t instructions, clk, calls[RV32_CALL_COUNT], ns;
};

void guest_load(struct guest *g, const char *path, bool slopes);
void guest_free(struct guest *g);

/* The run that the ledger has collected; aborts unless the guest states what the ledger does. */
void guest_run(const struct guest *g, struct ledger *l, struct guest_cost *out);
/* A run of one block of `count` transfers, which the ledger holds until its next. */
void guest_run_transfers(const struct guest *g, enum ledger_kind kind, uint32_t count,
                         struct guest_cost *out);
/* Instructions of one more transfer: cost[0] is that of GUEST_BASE, cost[1] of GUEST_MORE more. */
double guest_transfer_cost(const struct guest_cost cost[2]);

/* An empty block's cost is what it adds to a run of this many. */
#define GUEST_EMPTY_BASE 2u
#define GUEST_EMPTY_MORE 10u
#define GUEST_EMPTY_MAX 6000.0 /* executor design */
/* A run of `count` empty blocks, kept; it begins inside a batch. */
void guest_run_empty(const struct guest *g, uint32_t count, struct guest_cost *out);
double guest_empty_cost(const struct guest_cost cost[2]);
