/* Is the meter honest?  Every row is something a block can do many times.  It is done n and 2 n
 * times, natively and in the guest; what n more cost the proof machine (rv32_units) must not exceed
 * what n more cost by the meter.
 *
 *     row ──setup──▶ genesis ──scatter──▶ ──fill(n)──▶ block ──▶ receipt: native units  = price
 *                                                       └─▶ run ──▶ guest: rv32_units = measured
 *
 * 1. Everything is deterministic: no clock, one seed.
 * 2. Deep rows run over a tree of three thousand million leaves in which every leaf that the block
 *    touches lies alone (scatter.c): no state, whoever arranges it, has longer paths.
 * 3. Rows are worst cases by intent; a row is added for each way found to be underpriced. */
#pragma once

#include "tests/executor/block/chain.h"
#include "tests/executor/evm/world.h"

/* What stands in genesis beside the program. */
enum cost_with {
    COST_EOA = 1,           /* COST_AT_EOA + i: accounts with a balance */
    COST_CODE = 2,          /* COST_AT_CODE + i: a code of 23 bytes each, all different */
    COST_BIG = 4,           /* COST_AT_BIG + i: 24,576 bytes of code each, all different */
    COST_DELEGATED = 8,     /* COST_AT_DELEGATED + i: delegates to COST_AT_CODE + i */
    COST_SLOTS = 16,        /* the program's slots 1 .. 2 n hold COST_SLOT_VALUE */
    COST_FILL = 32,         /* 160 accounts more: absent keys have predecessors of their own */
    COST_DEEP = 64,         /* scattered over a deep tree */
    COST_ANY_RECEIPT = 128, /* the transaction may fail, or be skipped */
    COST_FEW = 256,         /* for one dear operation: few frames, so many native units */
};
#define COST_AT_PROGRAM UINT64_C(0xc0de)
#define COST_AT_EOA UINT64_C(0xa00000)
#define COST_AT_CODE UINT64_C(0xb00000)
#define COST_AT_BIG UINT64_C(0xb80000)
#define COST_AT_DELEGATED UINT64_C(0xd00000)
#define COST_AT_ABSENT UINT64_C(0x900000)
#define COST_SLOT_VALUE UINT64_C(0x1234567890)

/* Helpers a program may call. */
#define COST_AT_STOP 0xe1u    /* STOP */
#define COST_AT_INVALID 0xe2u /* INVALID */
#define COST_AT_RETURN 0xe3u  /* returns calldata[0] bytes, from offset 1 */
#define COST_AT_REVERT 0xe4u  /* reverts with as many */
#define COST_AT_UNDO 0xe5u    /* writes calldata[0] fresh slots, reverts */
#define COST_AT_DESTROY 0xe6u /* SELFDESTRUCT to the caller */

struct cost_row {
    const char *name;
    uint32_t n;
    uint32_t with; /* enum cost_with */
    /* A program: `body` in a loop over n, against `against` in the same loop, and `pops` POPs. */
    const char *setup, *body, *against;
    int pops;
    /* Or a block: fills its payload (and, before genesis, the state). */
    void (*genesis)(struct chain *c, const struct cost_row *row);
    void (*fill)(struct chain *c, uint32_t n);
    uint32_t blocks; /* n blocks instead of n in a block, when not 0; 2: each ends a batch */
};

struct cost {
    double units, native;
};

struct cost_figure {
    double price, measured;
};

/* The guest that measures; before the first row. */
void cost_open(const char *elf);
void cost_close(void);
/* Run what the chain has collected in the guest, whose statement must be the chain's: its units. */
uint64_t cost_guest_units(struct chain *c);
/* Per repetition. */
struct cost_figure cost_measure(const struct cost_row *row);

/* Bytes of assembly text; live as long as the process. */
struct td_bytes cost_code(const char *text);
/* Sign with key `i` of 16 and append; sets the sender. */
void cost_send(struct chain *c, struct exec_tx *tx, uint32_t i);
struct td_addr cost_sender(uint32_t i);

/* Spread the leaves of the tree: places become far from each other, the root another. */
void cost_scatter(struct chain *c);

/* The tables. */
struct cost_table {
    const char *title;
    const struct cost_row *rows;
    uint32_t count;
};
struct cost_table cost_call_rows(void), cost_precompile_rows(void), cost_tx_rows(void),
    cost_block_rows(void);
