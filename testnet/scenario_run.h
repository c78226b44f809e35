/* Inside of `tandem testnet run`.
 *
 *     scenario_run.c    the command, the network, the timeline
 *     scenario_watch.c  what the nodes say meanwhile
 *     scenario_check.c  what must hold in the end, and how it is told */
#pragma once

#include "base/host/clock.h"
#include "testnet/rpc.h"
#include "testnet/scenario.h"

/* Heights compared at the end: a day of one-second blocks. */
#define SCENARIO_HEIGHTS_MAX 100000u
#define SCENARIO_CHECKS 6u

struct scenario_node {
    struct node_http_client rpc, ops;
    char address[48];          /* of the validator, as /status says it; "" for a follower */
    uint64_t height;           /* newest that it told */
    bool ended, paused, alone; /* alone: it ended and no fault told it to */
    int64_t exit_code;         /* -1: has not ended yet */
};

struct scenario_fault_state {
    enum { SCENARIO_WAITS, SCENARIO_ACTIVE, SCENARIO_OVER } state;
    uint32_t id;
    pid_t child; /* abuse of RPC */
    uint64_t set;
};

struct scenario_expect_state {
    bool begun, done, good, measured;
    int64_t value;                                                  /* last measured */
    uint64_t height[SCENARIO_NODES_MAX], round[SCENARIO_NODES_MAX]; /* when it began */
};

struct scenario_check {
    const char *name;
    bool good;
    char text[160];
};

struct scenario_run {
    struct node_cli cli;
    FILE *out, *err;
    struct scenario s;
    struct testnet net;
    uint64_t seed;
    const char *file, *dir, *base, *junit, *seed_text;
    bool keep;
    struct td_clock clock;
    int signals;
    bool stop;
    pid_t load;
    uint64_t begin_ns;
    struct scenario_node nodes[SCENARIO_NODES_MAX];
    struct scenario_fault_state faults[SCENARIO_FAULTS_MAX];
    struct scenario_expect_state expects[SCENARIO_EXPECTS_MAX];
    uint32_t active;

    /* [height], zero where none was seen: the first hash that any node told */
    struct td_hash *seen;
    uint64_t contradiction; /* a height told with two hashes; 0: none */
    uint64_t highest, highest_ns, stall_ns;
    bool recovering;
    uint64_t healed_ns, target, recovery_ns;
    bool recovered; /* in time, in the end */
    struct scenario_check checks[SCENARIO_CHECKS];
};

/* Since the beginning. */
int64_t scenario_now_ms(const struct scenario_run *r);

/* ---- scenario_watch.c */
void scenario_watch_init(struct scenario_run *r);
void scenario_watch_free(struct scenario_run *r);
/* Fill addresses. */
void scenario_identify(struct scenario_run *r);
/* Ask every node that can answer for its newest block. */
void scenario_look(struct scenario_run *r);
/* The index of the leader as the first node that answers sees it; UINT32_MAX: cannot be told. */
uint32_t scenario_leader(struct scenario_run *r);
/* Begin, measure and settle what is due.  `end`: those without a time too. */
void scenario_expect(struct scenario_run *r, bool end);
/* The network is whole from now on. */
void scenario_healed(struct scenario_run *r);

/* ---- scenario_check.c */
void scenario_check(struct scenario_run *r);
/* Print the table; whether all is well. */
bool scenario_report(const struct scenario_run *r);
/* 0, or -1 with errno. */
int scenario_junit(const struct scenario_run *r, const char *path);
