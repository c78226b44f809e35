/* What a proof of execution states, in nine words.  [prover design, keys and flow]
 *
 *     output = sponge(STATEMENT; W 9 | program 9 | pack30(chain) | pack30(before) | pack30(after))
 *     chain  = keccak of every constant of the chain (l1 chain id, contract, chain id, configHash,
 * limits) before = keccak(stateCommitment | batch digest) where the run of blocks began; after
 * likewise
 *
 * 1. `before` and `after` bind the open batch too, so runs join in the middle of one: left.after =
 *    right.before.  Between batches that is the last batchHash, its number and the state it ended
 *    in, with which the next batch must begin: "this batchHash follows that one", and nothing else
 *    can stand in between.
 * 2. W and program are handed in: no program knows its own key; whoever checks the proof does. */
#pragma once

#include "executor/batch.h"

struct exec_statement {
    struct td_p2_digest whitelist, program;
    struct td_hash chain, before, after;
};

void exec_chain_digest(struct td_hash *out, const struct exec_chain *chain);
void exec_point_digest(struct td_hash *out, const struct exec_cursor *cursor,
                       const struct exec_batch *batch);
void exec_statement_digest(struct td_p2_digest *out, const struct exec_statement *s);
