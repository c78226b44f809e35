/* Faults that are active in a local network, and the file that says so to the link proxy and to
 * every terminal: DIR/faults.json.
 *
 *     tandem testnet fault … ──▶ faults.json ──inotify──▶ `tandem testnet links` (testnet/links.h)
 *            │                                             delays, holds and cuts what it carries
 *            ├──▶ signals to processes                     kill stop pause
 *            └──▶ DIR/nK/fault/{clock,disk,point}          read by the node (node/fault/fault.h)
 *
 * 1. A fault has a number, never used twice, until it is cleared.
 * 2. Sets of nodes are bit masks: TESTNET_NODES_MAX is 64. */
#pragma once

#include "testnet/network.h"

/* A partition of every pair of a network of eight. */
#define TESTNET_FAULTS_MAX 64u
#define TESTNET_FAULT_WORD 24u
/* A minute is longer than any timeout of the protocol. */
#define TESTNET_DELAY_MS_MAX 60000u
#define TESTNET_SKEW_MS_MAX INT64_C(86400000)

enum testnet_fault_kind {
    TESTNET_FAULT_KILL,      /* nodes a: SIGKILL, at once or at the point `word` */
    TESTNET_FAULT_STOP,      /* nodes a: SIGTERM */
    TESTNET_FAULT_PAUSE,     /* nodes a: SIGSTOP */
    TESTNET_FAULT_PARTITION, /* bytes from a to b are held, from b to a too unless one_way */
    TESTNET_FAULT_LINK,      /* bytes from a to b as `link` says */
    TESTNET_FAULT_CLOCK,     /* nodes a: wall clock + skew_ms */
    TESTNET_FAULT_DISK,      /* nodes a: `word` is full, eio or slow */
};
#define TESTNET_FAULT_KINDS 7u

struct testnet_link {
    uint32_t delay_ms, jitter_ms; /* delay ± jitter, order kept */
    uint32_t loss_ppm;            /* of segments of 1,448 bytes, in millionths */
    uint64_t rate_bps;            /* bits a second; 0: unbounded */
    uint32_t flap_ms;             /* held for so long, then open for so long, and again; 0: never */
    bool held;
};

struct testnet_fault {
    uint32_t id;
    enum testnet_fault_kind kind;
    uint64_t a, b;
    bool one_way;
    struct testnet_link link;
    int64_t skew_ms;
    char word[TESTNET_FAULT_WORD]; /* "": none */
};

struct testnet_faults {
    uint32_t next, count;
    struct testnet_fault list[TESTNET_FAULTS_MAX];
};

const char *testnet_fault_name(enum testnet_fault_kind kind);

/* The file as it is, nothing active without one.  TD_E_MALFORMED, TD_E_IO. */
TD_MUST_CHECK enum td_error testnet_faults_load(struct testnet_faults *out, const char *dir);
/* Replace it, whole or not at all.  0, or -1 with errno. */
int testnet_faults_save(const struct testnet_faults *f, const char *dir);

/* Add a copy of *fault under a number of its own; false when the list is full. */
bool testnet_faults_add(struct testnet_faults *f, struct testnet_fault *fault);
void testnet_faults_drop(struct testnet_faults *f, uint32_t index);

/* What happens to bytes from node i to node j.  Of several, the latest counts for delay, loss, rate
 * and flapping; any partition holds. */
void testnet_faults_link(struct testnet_link *out, const struct testnet_faults *f, uint32_t i,
                         uint32_t j);

/* One line for people, without an end. */
void testnet_fault_print(const struct testnet_fault *f, FILE *out);

/* ---- what people write */

/* "n0,n2" or "n1", nodes below `count`. */
bool testnet_nodes_parse(uint64_t *out, const char *text, uint32_t count);
/* "250ms", "5s", "2m", a sign allowed with `negative`; at most `most_ms`. */
bool testnet_duration_parse(int64_t *out_ms, const char *text, bool negative, int64_t most_ms);
/* "5%", "0.5%", at most 100%. */
bool testnet_percent_parse(uint32_t *out_ppm, const char *text);
/* "64kbit", "1mbit": bits a second, at least 8,000. */
bool testnet_rate_parse(uint64_t *out_bps, const char *text);
/* One of the words that a disk, or a point of `--at-failpoint`, may be called. */
bool testnet_disk_word(const char *text);

/* ---- doing it */

/* Add the fault to the file and carry it out.  Returns an exit code, a complaint on `err`.  Fills
 * fault->id. */
int testnet_fault_begin(struct testnet *t, struct testnet_fault *fault, const struct node_cli *cli,
                        FILE *err);
/* Undo and forget the fault with that number: what was killed or stopped starts again (as children
 * that end with this process if `bound`), what was paused goes on.  A node whose disk is whole
 * again starts again if it has died of it. */
int testnet_fault_end(struct testnet *t, uint32_t id, const struct node_cli *cli, FILE *err,
                      bool bound);
/* Stop those of the set that run, then start all of them; faults that took them away are over. */
int testnet_fault_restart(struct testnet *t, uint64_t set, const struct node_cli *cli, FILE *err);
