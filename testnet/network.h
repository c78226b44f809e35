/* What a local network is, and the file that says so to every terminal: DIR/testnet.json.
 *
 *     DIR/testnet.json        nodes, ports, processes
 *     DIR/nK/                 a node's home folder: tandem.toml genesis.json keys/ guard.db data/
 *     DIR/nK/log              what it writes to its standard streams
 *     DIR/faults.json         what is done to it (testnet/fault.h)
 *     DIR/links.log           the link proxy's standard streams
 *
 * 1. Node i listens at http base + 10 i, ws one higher, ops 1000 higher, p2p 22000 higher.
 * 2. A process is named by its id and the time it started at, so that an id used again is not taken
 *    for ours. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "node/cli/options.h"

/* Ten ports each, below the first node's ops ports. */
#define TESTNET_NODES_MAX 64u
#define TESTNET_BASE_PORT 8645u
#define TESTNET_BASE_PORT_MAX (65535u - 22000u - 10u * TESTNET_NODES_MAX)

struct testnet_process {
    pid_t pid;      /* 0: none */
    uint64_t start; /* clock ticks since boot, of /proc/PID/stat */
};

struct testnet {
    char dir[NODE_PATH_BYTES];      /* absolute */
    uint32_t validators, followers; /* nodes 0 .. validators - 1 sign */
    uint32_t base_port;
    uint64_t interval_ms;
    bool faults; /* nodes talk through testnet/links.h and take faults from DIR/nK/fault */
    struct testnet_process supervisor, links;
    struct testnet_process nodes[TESTNET_NODES_MAX];
};

static inline uint32_t testnet_count(const struct testnet *t)
{
    return t->validators + t->followers;
}

uint16_t testnet_http_port(const struct testnet *t, uint32_t node);
uint16_t testnet_ws_port(const struct testnet *t, uint32_t node);
uint16_t testnet_ops_port(const struct testnet *t, uint32_t node);
uint16_t testnet_p2p_port(const struct testnet *t, uint32_t node);

/* DIR/nK, or DIR/nK/name unless `name` is NULL. */
void testnet_path(char out[NODE_PATH_BYTES], const struct testnet *t, uint32_t node,
                  const char *name);

/* `given` (--dir), TANDEM_TESTNET, or ./.testnet, made absolute. */
int testnet_dir(char out[NODE_PATH_BYTES], const struct node_cli *cli, FILE *err,
                const char *given);

/* Read DIR/testnet.json; t->dir is the caller's.  TD_E_NOTFOUND, TD_E_IO; TD_E_MALFORMED: damaged.
 */
TD_MUST_CHECK enum td_error testnet_load(struct testnet *t);
/* The same from --dir on, with complaints; NODE_EXIT_NO_INPUT when there is no network. */
int testnet_find(struct testnet *t, const struct node_cli *cli, FILE *err, const char *given);
/* Replace it, whole or not at all.  0, or -1 with errno. */
int testnet_save(const struct testnet *t);

/* Whether the process still runs (a zombie does not). */
bool testnet_alive(const struct testnet_process *p);
/* Fill *p for a living process of this machine. */
void testnet_process_of(struct testnet_process *p, pid_t pid);
