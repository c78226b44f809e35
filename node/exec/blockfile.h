/* Blocks as a person writes them: a JSON document of a chain, the state it begins with, and the
 * blocks that come (docs/executor.md, "Blocks from JSON", has the format and an example).
 *
 *     document ──open──▶ chain, start, pre ──genesis──▶ ledger
 *         └── blocks[i] ──payload──▶ header, ledger's payload ──(execute)──▶ check: `expect`
 *
 * 1. Numbers and bytes are hex strings as in Ethereum's state tests; an unknown field is a
 *    complaint, so that no misspelt one is silently a default.
 * 2. Complaints are the JSON reader's: the path, what is wrong, what is wanted.
 * 3. Whatever the document says, the ledger's errors are returned; nothing asserts. */
#pragma once

#include <stdio.h>

#include "node/exec/json.h"
#include "node/exec/ledger.h"
#include "node/exec/world.h"

/* A run for one proof has at most 4,096 blocks; a file of this many is a mistake. */
#define NODE_BLOCKFILE_BLOCKS_MAX 1024u
/* The tree is laid out before the blocks run: more leaves are more memory (190 bytes each). */
#define NODE_BLOCKFILE_LEAVES_MAX (1u << 20)
/* Above any key list of one entry; a longer one is an error with its path. */
#define NODE_BLOCKFILE_LIST_MAX 4096u

struct node_blockfile {
    struct exec_chain chain;
    struct exec_cursor start; /* time, block hash, base fee, epoch: the rest is genesis' */
    struct node_world pre;
    const json_t *blocks; /* borrowed from the document, an array */
    size_t block_count;
};

/* Read all but the blocks themselves.  Complaints in `j`, whose arena holds the pre state. */
void node_blockfile_open(struct node_blockfile *out, struct node_json *j, const json_t *document);

/* Room that the document's chain needs. */
struct node_ledger_limits node_blockfile_limits(const struct node_blockfile *f);

/* Make the ledger (new, of those limits) the document's chain before its first block.  TD_E_RANGE:
 * a complaint says what a chain must not have. */
TD_MUST_CHECK enum td_error node_blockfile_genesis(const struct node_blockfile *f,
                                                   struct node_json *j, struct node_ledger *l);

/* The payload of block i and what its header says, ready for node_ledger_execute.  The blocks
 * before it were kept.  False: a complaint. */
bool node_blockfile_payload(const struct node_blockfile *f, struct node_json *j,
                            struct node_ledger *l, size_t i, struct bft_header *h);

/* Compare block i, executed and kept, with its `expect`: a line to `to` for each difference;
 * returns how many.  Malformed expectations are complaints. */
size_t node_blockfile_check(const struct node_blockfile *f, struct node_json *j,
                            const struct node_ledger *l, size_t i, FILE *to);
