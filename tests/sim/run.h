/* One simulated network from boot to verdict, and what it leaves behind. */
#pragma once

#include "tests/sim/world.h"

struct sim_outcome {
    struct sim_config cfg;
    struct sim_violation violation;
    struct sim_stats stats;
    struct sim_trace trace;
    uint64_t blocks; /* final height */
    uint64_t epochs; /* highest epoch entered */
    uint64_t state_hash;
    uint64_t event_hash;
    uint64_t byzantine_stake, total_stake;
    uint32_t byzantine_count, node_count, windows;
    uint32_t byzantine[SIM_NODES_MAX]; /* enum sim_fault by node, SIM_FAULTS = honest */
    bool has_l1;
    int64_t virtual_ns;
    int64_t worst_heal_ns;
    uint64_t frames; /* ever allocated: the memory bound of the network */
    uint64_t wall_ns;
};

/* What the command line chose. */
enum sim_mode {
    SIM_MODE_RUN,
    SIM_MODE_SWARM,
    SIM_MODE_REPLAY,
    SIM_MODE_PLANTED,
    SIM_MODE_TWINS,
    SIM_MODE_WAN,
};
struct sim_options {
    enum sim_mode mode;
    struct sim_config cfg;
    uint64_t count; /* seeds, twins scenarios; 0 = the mode's default */
    uint32_t jobs;
    bool all;
    bool json;
    bool has_expect;
    uint64_t expect;
    const char *wan_file;
    uint32_t dead;
    uint32_t only;       /* planted bug by number, 0 = all */
    const char *program; /* how the user called us */
};

/* Run `cfg` to its end or its first violation. */
void sim_run(const struct sim_config *cfg, struct sim_outcome *out);

/* A nanosecond counter of the host, for figures only: nothing in a run depends on it. */
uint64_t sim_host_ns(void);

void sim_report_text(const struct sim_outcome *o, FILE *out);
void sim_report_json(const struct sim_outcome *o, FILE *out);
/* Seed, virtual time, property, and the last trace entries. */
void sim_report_violation(const struct sim_outcome *o, const char *program, FILE *out);

/* One mode each; return an exit code. */
int sim_swarm(const struct sim_options *o);
int sim_planted(const struct sim_options *o);
int sim_twins(const struct sim_options *o);
int sim_wan(const struct sim_options *o);
