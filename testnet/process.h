/* The nodes as processes: start, stop, and what one left in its log. */
#pragma once

#include "testnet/network.h"

/* A node gets SIGTERM and this long to finish before SIGKILL. */
#define TESTNET_GRACE_MS 5000u

/* Start `tandem start --home DIR/nK` in a process group of its own, its output appended to
 * DIR/nK/log, its environment without TANDEM_ variables, and fill t->nodes[node].  `bound`: it ends
 * with this process, whatever ends this one.  0, or -1 with errno. */
int testnet_spawn(struct testnet *t, uint32_t node, bool bound);

/* SIGTERM to those that live, SIGKILL to what lives `grace_ms` later; returns when all are gone, or
 * after as long again.  Returns how many had to be killed. */
uint32_t testnet_stop(const struct testnet_process *list, uint32_t count, uint32_t grace_ms);

/* All nodes, and then their links.  A node that was paused goes on first, to end in order. */
uint32_t testnet_stop_nodes(const struct testnet *t);

/* The last `lines` lines of a file, each after `indent`; nothing when it cannot be read. */
void testnet_tail(FILE *out, const char *path, uint32_t lines, const char *indent);

/* How waitpid's status reads: "exit code 74", "signal 9 (Killed)". */
void testnet_end_text(char out[64], int status);
