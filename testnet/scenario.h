/* Scenarios of a local network: what is done to it, when, and what must come of it.
 *
 *     [network]   nodes = 4  followers = 0  interval = "500ms"  load = 20  settle = "30s"
 *     [[fault]]   at = "2s"  for = "5s"  kind = "partition"  nodes = "n0,n1"  to = "n2,n3"
 *     [[expect]]  metric = "blocks"  of = "n0,n1"  op = "=="  value = 0  at = "3s"  during = "3s"
 *
 * Faults: kind is one of `tandem testnet fault`, its options are keys of the same name: oneway,
 * delay, jitter, loss, rate, flap, skew, disk, point; kind "rpc" has `rpc`.  `nodes = "leader"` is
 * whom n0 takes for the leader when the fault begins.  Without `for` it lasts to the end of the
 * scenario.  `times` and `every` repeat it.
 * Expectations: `within`: becomes true in that time from `at` on; `during`: true all that time;
 * neither: true once the network has recovered, at the end.  Metrics:
 *     blocks       fewest new blocks on a node of `of` since `at`
 *     rounds       most new rounds on a node of `of` since `at`
 *     lag          between the greatest height and the least of `of`
 *     running      processes of `of` that live
 *     exit_code    of the first of `of` that ended, 128 + n for signal n; -1: none has
 *     stall_ms     longest time without a new block anywhere, so far
 *     recovery_ms  longest from the end of a fault, when none is left, to a new block on all nodes
 *     tandem_…     of /metrics, labels added up, the greatest of `of`; since the start of the node
 *
 * 1. Times count from the moment every node has two blocks.
 * 2. Any file ends in a scenario or in a complaint with line and column. */
#pragma once

#include "node/config/toml.h"
#include "testnet/fault.h"

#define SCENARIO_FAULTS_MAX 256u
#define SCENARIO_EXPECTS_MAX 128u
#define SCENARIO_MS_MAX INT64_C(3600000)
#define SCENARIO_NODES_MAX 16u

enum scenario_op { SCENARIO_EQ, SCENARIO_NE, SCENARIO_LT, SCENARIO_LE, SCENARIO_GT, SCENARIO_GE };

struct scenario_fault {
    int64_t at_ms, for_ms; /* for_ms 0: to the end */
    struct testnet_fault fault;
    bool leader; /* fault.a is chosen when it begins; fault.b its complement if it is empty */
    bool to_rest;
    char rpc[16]; /* "": no abuse of RPC, else its kind */
    uint32_t line;
};

struct scenario_expect {
    char metric[NODE_TOML_NAME_MAX + 1u];
    enum scenario_op op;
    int64_t value, at_ms, within_ms, during_ms; /* -1: not given */
    uint64_t of;
    uint32_t line;
};

struct scenario {
    uint32_t nodes, followers;
    int64_t interval_ms, settle_ms;
    uint32_t load; /* transfers a second; 0: none */
    uint32_t fault_count, expect_count;
    struct scenario_fault faults[SCENARIO_FAULTS_MAX];
    struct scenario_expect expects[SCENARIO_EXPECTS_MAX];
    int64_t end_ms; /* all faults and expectations are over */
};

/* TD_E_MALFORMED with *error filled. */
TD_MUST_CHECK enum td_error scenario_parse(struct scenario *out, struct node_toml_error *error,
                                           struct td_bytes text);
bool scenario_compare(int64_t value, enum scenario_op op, int64_t with);
const char *scenario_op_text(enum scenario_op op);
