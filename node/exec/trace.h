/* Execution traces as EIP-3155 has them: one JSON object a line for each instruction, here without
 * the memory's content.
 *
 *   {"depth":1,"pc":0,"op":96,"opName":"PUSH1","gas":"0x…","refund":"0x0","memSize":0,
 *    "stack":["0x…"],"gasCost":"0x3"}
 *
 * 1. A line is begun at its instruction and ended by whatever comes next, which tells what it cost.
 * 2. gasCost of an instruction that opens a frame is the gas the frame got; of one that halts, all
 *    gas the frame gave up; then "error" says why. */
#pragma once

#include <stdio.h>

#include "executor/evm.h"

struct node_trace {
    FILE *to;    /* borrowed */
    bool open;   /* a line has been begun ... */
    int64_t gas; /* ... with this much gas left */
};

/* Begin a trace on `to` and return what the executor is to be given; borrows `t`. */
struct exec_tracer node_trace_init(struct node_trace *t, FILE *to);
