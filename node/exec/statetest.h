/* Ethereum state tests: one transaction on a given state, and what must have become of it.
 *
 *     {NAME: {env, pre, transaction, config,
 *             post: {FORK: [{txbytes, hash, logs, state, expectException}…]}}…}
 *
 *     entry ─▶ decode ─▶ recover ─▶ check ─▶ apply ─▶ accounts, logs hash, state root ─▶ verdict
 *
 * 1. `txbytes` decides; the `transaction` section is not looked at.
 * 2. A case passes only if everything the file states about it holds: every account of `state` and
 *    no other, the root `hash`, the hash of the logs, and for `expectException` a refusal of that
 *    class which leaves the state as it was.
 * 3. A case is skipped, with the reason, for another fork than Prague, for a blob transaction (type
 *    3, which is refused here; that it is refused is checked), or when it fails and was seen
 * calling a precompile that is not part of this chain (0x0a-0x11).
 *
 * Format: the Ethereum execution-spec-tests' "state test" fixtures. */
#pragma once

#include <stdio.h>

#include "executor/evm.h"
#include "node/exec/world.h"

/* The rules implemented: the only fork whose entries are run. */
#define NODE_STATETEST_FORK "Prague"

enum node_statetest_result { NODE_STATETEST_PASSED, NODE_STATETEST_FAILED, NODE_STATETEST_SKIPPED };

/* One entry of `post`. */
struct node_statetest_case {
    const char *name; /* borrowed from the document */
    const char *fork;
    size_t index; /* in the fork's list */
    bool only;    /* the only entry of the case: the name alone says which */
    struct exec_block_env env;
    struct node_world pre, post;
    bool has_post; /* older files state the root alone */
    struct td_bytes tx;
    struct td_hash root, logs;
    const char *exception; /* "A|B": names of the classes, or NULL */
};

struct node_statetest_outcome {
    enum node_statetest_result result;
    char *text; /* why skipped, or one complaint a line; empty when passed.  Owned by the runner,
                 * valid until its next run */
    struct td_hash root; /* of the state afterwards; zero when it was not computed */
    uint64_t gas_used;
    uint64_t nanoseconds; /* of apply alone */
};

/* Memory for one case at a time. */
struct node_statetest_runner {
    struct td_arena file; /* the entry's decoded form */
    struct td_arena state;
    struct td_arena vm;
    char *text; /* [NODE_STATETEST_TEXT_BYTES] */
    FILE *to;   /* writes into text; NULL before the first case */
    /* Who recovers the keys of signatures, or NULL: exec_secp_recover.  The caller may set it. */
    const struct exec_recoverer *recoverer;
};

#define NODE_STATETEST_TEXT_BYTES 8192u

/* TD_E_NOMEM: the address space (1.6 GiB, backed on use) is not to be had. */
TD_MUST_CHECK enum td_error node_statetest_init(struct node_statetest_runner *r);
void node_statetest_free(struct node_statetest_runner *r);

/* Called for each entry; false stops. */
typedef bool (*node_statetest_fn)(void *self, const struct node_statetest_case *c,
                                  const struct node_statetest_outcome *o);

struct node_statetest_visit {
    void *self;
    /* Whether the case is wanted; NULL: all are.  Others are neither run nor reported. */
    bool (*wanted)(void *self, const char *name);
    node_statetest_fn done;
    const struct exec_tracer *tracer; /* or NULL: told about each step */
};

/* Run every entry of a parsed document.  A malformed one is a failed case whose text says where.
 * Returns false when `done` stopped it. */
bool node_statetest_run(struct node_statetest_runner *r, const json_t *document,
                        const struct node_statetest_visit *visit);
