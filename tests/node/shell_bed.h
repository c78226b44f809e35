/* Whole nodes in one process, in one event loop on 127.0.0.1, each with its files in a folder. */
#pragma once

#include <event2/event.h>
#include <limits.h>

#include "node/shell/shell.h"

#define SHELL_BED_NODES 5u

struct shell_bed_node {
    struct node_shell *shell; /* NULL: not running */
    bool follower;
    bool no_guard; /* started without making one */
    struct td_secp_key key;
    char database[PATH_MAX], guard[PATH_MAX];
    uint16_t port;
    uint64_t blocks, pending; /* calls of on_block; newest height told */
};

struct shell_bed {
    struct event_base *base;
    struct event *alarm;
    struct td_secp *secp;
    struct node_genesis *genesis;
    char dir[64];
    struct td_log log;
    uint32_t errors; /* lines of the log at level error */
    struct shell_bed_node node[SHELL_BED_NODES];
};

/* A new folder, and a genesis of so many validators whose blocks follow each other at once;
 * `interval_ms` 0: as fast as they can. */
void shell_bed_init(struct shell_bed *b, uint32_t validators, uint64_t interval_ms);
/* Stops whatever runs; the folder goes. */
void shell_bed_free(struct shell_bed *b);
/* Node i, connected to all that have run before it.  False: *e says why. */
bool shell_bed_try(struct shell_bed *b, uint32_t i, struct node_shell_error *e);
void shell_bed_start(struct shell_bed *b, uint32_t i);
void shell_bed_stop(struct shell_bed *b, uint32_t i);
/* One turn of the loop: what is ready, or up to `ms` of waiting. */
void shell_bed_turn(struct shell_bed *b, int ms);
uint64_t shell_bed_now_ns(void);
uint64_t shell_bed_head(const struct shell_bed *b, uint32_t i);
/* A transfer of one wei from account `from`, handed to node i. */
enum node_mempool_verdict shell_bed_transfer(struct shell_bed *b, uint32_t i, uint32_t from,
                                             uint64_t nonce, struct td_hash *hash);
/* The block a closed node's files hold at a height: false where none. */
bool shell_bed_block(const struct shell_bed *b, uint32_t i, uint64_t height, struct td_hash *hash);
/* The sign guard's record of a node that does not run. */
void shell_bed_guard(const struct shell_bed *b, uint32_t i, struct bft_guard *out);

/* Run the loop until `cond`; fails the test after `seconds`. */
#define SHELL_BED_UNTIL(b, seconds, cond)                                                          \
    do {                                                                                           \
        uint64_t until_ = shell_bed_now_ns() + (uint64_t)(seconds)*1000000000u;                    \
        while (!(cond)) {                                                                          \
            cr_assert_lt(shell_bed_now_ns(), until_, "never: %s", #cond);                          \
            shell_bed_turn((b), 5);                                                                \
        }                                                                                          \
    } while (0)
