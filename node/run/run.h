/* A node as a program: the shell, the servers around it, signals, and the log line that says ready.
 *
 *     options, genesis, keys ──▶ shell ──▶ RPC workers ──▶ HTTP, WebSocket, ops pages ──▶ "ready"
 *                                  └── loop until SIGINT, SIGTERM or an exit code of its own
 *
 * Everything that can fail does so before the first block is signed, with what, where and what to
 * do; ports are bound before anything is announced. */
#pragma once

#include "base/host/log.h"
#include "node/config/options.h"
#include "node/genesis/genesis.h"

struct node_run_options {
    const struct node_config *config;
    const struct node_genesis *genesis;
    const struct td_secp *secp;
    const struct td_secp_key *key; /* NULL: follower */
    uint8_t transport[32];         /* secret */
    const char *guard_path, *database_path, *name;
    const char *fault_home; /* NULL: no faults; else of node/fault/fault.h */
    const struct td_log *log;
};

/* Run until told to stop; returns an exit code of node/exit_codes.h.  A complaint of at most three
 * lines goes to `err` when the node could not start. */
int node_run(const struct node_run_options *options, FILE *err);
