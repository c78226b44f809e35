/* What may go wrong, by name.  One bit each; `--faults` takes the names. */
#pragma once

#include <stdint.h>

/* Network, disk, clock and neighbours: the schedule opens windows of these and heals them. */
#define SIM_FAULT_LIST(X)                                                                          \
    X(LOSS, "loss", "messages lost, up to 30 %, sometimes nearly all")                             \
    X(DELAY, "delay", "300 +- 200 ms more on every link")                                          \
    X(DUP, "dup", "messages delivered twice")                                                      \
    X(REORDER, "reorder", "messages overtaken by later ones")                                      \
    X(PARTITION, "partition", "two groups that cannot talk")                                       \
    X(ONEWAY, "oneway", "links cut in one direction")                                              \
    X(FLAP, "flap", "a partition that comes and goes every second")                                \
    X(ISOLATE, "isolate", "the current leader cut off")                                            \
    X(CRASH, "crash", "a node dies, losing unsynced writes")                                       \
    X(KILLALL, "killall", "every node dies at once")                                               \
    X(PAUSE, "pause", "a node stopped and resumed")                                                \
    X(SKEW, "skew", "a wall clock that is up to an hour off")                                      \
    X(STEP, "step", "wall clocks stepped back")                                                    \
    X(SLOWEXEC, "slowexec", "execution takes seconds")                                             \
    X(SLOWSYNC, "slowsync", "fsync takes up to 2 s")                                               \
    X(FAILSYNC, "failsync", "fsync fails: the node aborts and restarts")                           \
    X(L1STUCK, "l1stuck", "a node's L1 view stands still")                                         \
    X(WITHHOLD, "withhold", "payloads that reach only some voters")                                \
    X(NOATTEST, "noattest", "attestations lost for a while")                                       \
    X(EPOCHS, "epochs", "short epochs with changing validators and stakes")                        \
    X(L1, "l1", "networks with an L1 whose views differ between nodes")                            \
    X(EQUIVOCATE, "equivocate", "Byzantine: two proposals in a round")                             \
    X(FORKER, "forker", "Byzantine: proposals on old parents, hidden certificates")                \
    X(DOUBLEVOTE, "doublevote", "Byzantine: votes, commits and times out for everything")          \
    X(SILENT, "silent", "Byzantine: sends nothing")                                                \
    X(CENSOR, "censor", "Byzantine: proposes empty blocks only")                                   \
    X(AMNESIA, "amnesia", "Byzantine: forgets its guard at every restart")                         \
    X(TWIN, "twin", "Byzantine: two replicas with one key")                                        \
    X(BADTIME, "badtime", "Byzantine: timestamps far ahead")                                       \
    X(BADDIGEST, "baddigest", "Byzantine: other execution results")                                \
    X(BADORIGIN, "badorigin", "Byzantine: invented L1 origins")                                    \
    X(GREEDY, "greedy", "Byzantine: proposes beyond the attestation window")                       \
    X(GARBAGE, "garbage", "Byzantine: well-signed nonsense")                                       \
    X(FUTURE, "future", "Byzantine: messages of far-off rounds")                                   \
    X(REPLAY, "replay", "Byzantine: old messages again")                                           \
    X(LOSTGUARD, "lostguard", "a lost guard: the node must stay silent until the next epoch")

#define SIM_FAULT_ENUM(id, name, text) SIM_FAULT_##id,
enum sim_fault { SIM_FAULT_LIST(SIM_FAULT_ENUM) SIM_FAULTS };
#undef SIM_FAULT_ENUM

#define SIM_FAULT_BIT(f) (UINT64_C(1) << (f))
#define SIM_FAULT_ALL (SIM_FAULT_BIT(SIM_FAULTS) - 1)

/* Kinds that make a validator count as faulty by stake. */
#define SIM_FAULT_BYZANTINE_FIRST SIM_FAULT_EQUIVOCATE

struct sim_world;

const char *sim_fault_name(enum sim_fault f);
const char *sim_fault_text(enum sim_fault f);

/* Set up the schedule: first window after a quiet start. */
void sim_faults_init(struct sim_world *w);
/* SIM_IT_FAULT is due. */
void sim_faults_act(struct sim_world *w);
/* Undo everything at once: links, clocks, disks, dead nodes. */
void sim_faults_heal(struct sim_world *w);
