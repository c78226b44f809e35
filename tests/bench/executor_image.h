/* Runs of the ledger's blocks in a guest image, counted. */
#pragma once

#include "executor/rv32/machine.h"
#include "tests/bench/executor.h"

struct guest {
    const char *path;
    struct rv32_program program;
    uint8_t *elf;
    bool slopes; /* hints for an image without chips */
};

struct cost {
    uint64_t instructions, clk, calls[RV32_CALL_COUNT], ns;
};

/* Aborts when there is no image at `path`.  guest_free when done. */
void guest_load(struct guest *g, const char *path, bool slopes);
void guest_free(struct guest *g);

/* The run that the ledger collected; the guest must say what the ledger says. */
void guest_run(const struct guest *g, struct ledger *l, struct cost *out);
/* Keep the run's input in `folder`, or not: NULL. */
void guest_dump(struct ledger *l, const char *folder, const char *kind, const char *variant,
                uint32_t count);

/* Empty blocks, kept: a run of some, then one of GUEST_EMPTY_MORE more.  The ledger's batch is
 * open. */
#define GUEST_EMPTY_MORE 10u
void guest_empty(const struct guest *g, const char *folder, struct cost cost[2]);
/* Instructions of one more of them. */
double guest_empty_block(const struct cost cost[2]);
/* The target of executor.md. */
#define GUEST_EMPTY_BLOCK_MAX 6000.0
