/* A call in a small world: its accounts, Tandem's prices or none. */
#pragma once

#include "executor/call.h"
#include "tests/executor/evm/world.h"

static inline struct exec_call_at at_of(struct world *w)
{
    td_arena_reset(&w->state_arena);
    td_arena_reset(&w->vm_arena);
    w->block.gas_limit = 3000000;
    return (struct exec_call_at){.block = &w->block,
                                 .reader = &w->reader,
                                 .arena = &w->state_arena,
                                 .vm_arena = &w->vm_arena};
}

static inline struct exec_tx call_of(uint64_t to)
{
    return (struct exec_tx){.type = 2, .sender = world_addr(WORLD_CALLER), .to = world_addr(to)};
}

static const struct exec_prices TANDEM = {
    .native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000};
