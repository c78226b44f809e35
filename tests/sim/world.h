/* The simulated world: virtual time, nodes, links, and the state every part of the simulator
 * shares.
 *
 *   queue ─▶ item ─┬─▶ node.c   shell around one production replica and guard
 *                  ├─▶ faults.c schedule from the seed       every step ─▶ check.c
 *                  └─▶ byz.c    adversaries
 *   node.c ─SEND─▶ net.c (links: delay, loss, ...) ─▶ queue
 *   node.c ─PERSIST─▶ disk.c (live, in flight, durable)
 *
 * Invariants
 *  1. Everything follows from the configuration: integers only, one random stream per purpose, all
 *     forked from the seed.
 *  2. Monotonic time is the virtual time; wall time of a node is its own offset from it.
 *  3. The first violation ends the run. */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "base/core/rng.h"
#include "consensus/replica.h"
#include "tests/sim/chain.h"
#include "tests/sim/check.h"
#include "tests/sim/faults.h"
#include "tests/sim/frame.h"
#include "tests/sim/queue.h"
#include "tests/sim/token.h"
#include "tests/sim/trace.h"

#define SIM_MS INT64_C(1000000)
#define SIM_SEC INT64_C(1000000000)
#define SIM_WALL_START_MS UINT64_C(1750000000000) /* 2025-06-15, any date will do */
#define SIM_LOCAL_MAX 512u  /* events one step may cause at the same node at once */
#define SIM_WAITING_MAX 64u /* blocks whose payload a node waits for */
#define SIM_TEXT_MAX 400u
#define SIM_STASH 64u
#define SIM_SEEN_QCS 16u
#define SIM_RECENT 8u
#define SIM_CANARY_BYTES 64u /* behind each replica's region */
#define SIM_CANARY 0xC5u
#define SIM_HEADERS_MAX 4096u /* headers in a node's store before it is compacted */

struct sim_config {
    uint64_t seed;
    uint32_t nodes;
    int64_t duration_ns;
    int64_t interval_ns; /* block interval */
    int64_t delta_ns;
    uint64_t faults; /* mask of enum sim_fault */
    bool real_signatures;
    bool trace;
    bool quiet;     /* nobody faulty, no schedule: driven by the caller (twins, WAN) */
    uint32_t twins; /* so many validators have two replicas, whatever `faults` says */
    uint64_t nonce; /* varies the genesis, and with it the leaders */
};

/* One direction of a connection. */
struct sim_link {
    int64_t base_ns;
    int64_t jitter_ns;
    int64_t calm_base_ns; /* what healing restores */
    int64_t calm_jitter_ns;
    uint64_t bandwidth_bps; /* 0 = unlimited */
    uint32_t loss_ppm;
    uint32_t dup_ppm;
    uint32_t reorder_ppm;
    bool cut; /* nothing passes */
    bool up;  /* the sender's side holds a connection */
};

/* What a node's disk holds.  Frames are references. */
struct sim_store {
    bool has_guard;
    struct bft_guard guard;
    uint64_t persist_id;
    struct sim_frame *lock_qc;      /* Certificate(QC) */
    struct sim_frame *entry;        /* Certificate(QC or TC) */
    struct sim_frame *attest;       /* AttestCert, newest */
    struct sim_frame *proof;        /* Certificate(PROOF) of the newest final block */
    struct sim_frame *genesis_cert; /* AttestCert(last) of the epoch before */
    uint64_t final_height;
    uint64_t executed_height;
    uint64_t epoch;
    uint32_t header_count; /* prefix of the node's header log */
};

struct sim_disk {
    struct sim_store live;    /* written, in the page cache */
    struct sim_store flight;  /* being synced */
    struct sim_store durable; /* what a crash leaves */
    bool busy;                /* `flight` is under way */
    bool dirty;               /* `live` has something newer */
    const struct sim_block *header[SIM_HEADERS_MAX];
};

/* An event a step causes at its own node, handled before the next item of the queue. */
enum sim_local_kind { SIM_LOCAL_SIGNED, SIM_LOCAL_PAYLOAD };
struct sim_local {
    enum sim_local_kind kind;
    struct bft_signed msg;
    struct td_hash hash;
};

/* The newest own signatures, for rules about their order.  Made: asked for and given.  Sent: left
 * the node, so they bind it for ever. */
struct sim_signs {
    bool has[BFT_SIGNED_KINDS]; /* by kind - 1 */
    struct bft_slot propose, vote, commit, timeout;
    struct bft_slot vote_parent; /* (epoch, parent round) of the newest vote */
};

struct sim_node {
    uint32_t id;
    uint32_t key;
    struct td_addr addr;
    struct bft_replica *replica;
    uint8_t *region; /* owned; footprint bytes and a canary */
    bool alive;
    bool halted;
    bool passive_ok; /* lost its guard: silence is right */
    uint32_t incarnation;
    int64_t paused_until_ns;
    int64_t wall_offset_ms;
    uint32_t byzantine;          /* enum sim_fault, or SIM_FAULTS = honest */
    uint64_t byz_victims;        /* mask the adversary favours */
    struct sim_frame *byz_frame; /* its other proposal; a reference */
    struct bft_view view;        /* after the newest step */
    uint64_t timer_gen;
    int64_t timer_at_ns;
    struct sim_disk disk;
    uint64_t acked_height; /* finality this node's users were told of */
    /* execution */
    bool executing;
    int64_t exec_ns; /* one block */
    /* fsync */
    int64_t sync_ns;
    bool sync_fails;
    /* payloads */
    bool built_pending;
    struct bft_payload_built built;
    const struct sim_block *waiting[SIM_WAITING_MAX];
    uint32_t waiting_count;
    bool fetch_armed;
    uint32_t fetch_turn;
    /* L1 */
    uint64_t l1_head;
    uint64_t l1_lag;
    bool l1_stuck;
    struct td_hash origin_wait[4]; /* origins ahead of the own view */
    uint64_t origin_wait_number[4];
    uint32_t origin_wait_next;
    bool attest_mute; /* its attestations are lost */
    /* egress, for links with a bandwidth */
    int64_t egress_free_ns;
    /* checker */
    struct sim_signs made, sent;
    struct sim_signs lost; /* `sent` when the guard was lost */
    struct sim_local local[SIM_LOCAL_MAX];
    uint32_t local_head, local_count;
    bool stepping;
};

struct sim_stats {
    uint64_t events;
    uint64_t steps;
    uint64_t sent, delivered, lost;
    uint64_t bytes;
    uint64_t fillers;
    uint64_t rounds;
    uint64_t restarts;
    uint64_t fault[SIM_FAULTS];
    uint64_t refused[BFT_VERDICT_COUNT]; /* by verdict, at honest nodes */
    uint64_t effects_max;
    uint64_t evidence;
};

struct sim_violation {
    bool set;
    const char *property;
    int64_t at_ns;
    uint32_t node;
    char text[SIM_TEXT_MAX];
};

/* Liveness after a fault window. */
struct sim_liveness {
    bool watching;
    int64_t healed_ns;
    int64_t counted_ns; /* since healing, rounds of dead leaders left out */
    uint64_t height_at_heal;
    bool progressed;
    uint64_t head;        /* everyone must reach it; 0 = not chosen yet */
    int64_t byz_round_ns; /* time left out in the round under way */
    struct bft_slot round;
    int64_t window_end_ns;
    int64_t worst_ns; /* longest counted wait for a block, over all windows */
};

struct sim_window {
    bool open;
    uint64_t active; /* mask of enum sim_fault */
    int64_t until_ns;
    bool flapped;
    uint32_t count;
};

struct sim_world {
    struct sim_config cfg;
    int64_t now_ns;
    int64_t end_ns;
    struct sim_queue queue;
    struct sim_pool pool;
    struct sim_keys *keys;    /* owned */
    struct bft_config base;   /* without `self` */
    struct bft_set *schedule; /* owned */
    struct sim_chain chain;
    uint32_t node_count;   /* twins included */
    struct sim_node *node; /* owned; [node_count] */
    struct sim_link *link; /* owned; [from * node_count + to] */
    size_t region_bytes;
    struct td_rng net_rng, disk_rng, fault_rng, byz_rng, exec_rng;
    struct bft_effects *fx;       /* owned */
    struct bft_sig_check *checks; /* owned; [BFT_SIG_CHECKS_MAX] */
    struct sim_tally_table tally;
    struct sim_log_table log;
    struct sim_window window;
    struct sim_liveness live;
    struct sim_stats stats;
    struct sim_trace trace;
    struct sim_violation violation;
    uint64_t event_hash;
    uint64_t byzantine_stake; /* in epoch 0 */
    uint32_t byzantine_count;
    /* Hooks of the special modes; NULL in ordinary runs. */
    bool (*may_pass)(struct sim_world *w, uint32_t from, uint32_t to, const struct bft_msg *m);
    void (*on_proposal)(struct sim_world *w, uint32_t node, const struct sim_block *b);
    void (*on_final)(struct sim_world *w, uint32_t node, uint64_t height);
    void *hook;
    /* What adversaries have overheard; references. */
    struct sim_frame *stash[SIM_STASH]; /* old frames of any kind */
    uint32_t stash_next;
    struct sim_frame *seen_qc[SIM_SEEN_QCS]; /* proposals, for the certificates they carry */
    uint32_t seen_qc_next;
    const struct sim_block *recent[SIM_RECENT]; /* newest proposals */
    uint32_t recent_next;
};

/* world.c */
/* Build a world from a configuration: keys, sets, genesis, nodes, links.  Nothing runs yet. */
struct sim_world *sim_world_new(const struct sim_config *cfg);
void sim_world_free(struct sim_world *w);
/* Boot every node and run until `until_ns`, a violation, or nothing left to do. */
void sim_world_boot(struct sim_world *w);
void sim_world_run(struct sim_world *w, int64_t until_ns);
/* Hash over the final state of chain and nodes. */
uint64_t sim_world_hash(const struct sim_world *w);
void sim_push(struct sim_world *w, enum sim_item_kind kind, uint32_t node, int64_t at_ns,
              uint64_t value);
/* Record the first violation. */
void sim_violate(struct sim_world *w, uint32_t node, const char *property, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline bool sim_honest(const struct sim_world *w, uint32_t node)
{
    return w->node[node].byzantine == SIM_FAULTS;
}
static inline struct sim_link *sim_link_at(struct sim_world *w, uint32_t from, uint32_t to)
{
    return &w->link[from * w->node_count + to];
}
static inline uint64_t sim_wall_ms(const struct sim_world *w, const struct sim_node *n)
{
    return SIM_WALL_START_MS + (uint64_t)(w->now_ns / SIM_MS + n->wall_offset_ms);
}
void sim_fault_count(struct sim_world *w, enum sim_fault f);
/* Signer index to simulator key in an epoch; SIM_KEY_NONE when unknown. */
uint32_t sim_key_of(const struct sim_world *w, uint64_t epoch, uint16_t signer);
/* Signer index of a key in an epoch, or BFT_NO_SIGNER. */
uint16_t sim_signer_of(const struct sim_world *w, uint64_t epoch, uint32_t key);
bool sim_key_honest(const struct sim_world *w, uint32_t key);
/* Learn an epoch's parameters from a node that enters it; false when they differ from another's. */
bool sim_epoch_learn(struct sim_world *w, const struct bft_set *set, const struct td_hash *seed,
                     const struct bft_bitmap *excluded, const struct bft_attest_cert *genesis);

/* node.c */
void sim_node_boot(struct sim_world *w, struct sim_node *n);
void sim_node_crash(struct sim_world *w, struct sim_node *n, const char *why);
void sim_node_item(struct sim_world *w, struct sim_node *n, const struct sim_item *item);
/* Hand one event to the replica and carry out its effects, including those they cause here. */
enum bft_verdict sim_node_step(struct sim_world *w, struct sim_node *n, struct bft_event *ev);

/* effects.c */
void sim_effects_do(struct sim_world *w, struct sim_node *n);
void sim_payload_arrived(struct sim_world *w, struct sim_node *n, struct sim_payload *p);
void sim_payload_want(struct sim_world *w, struct sim_node *n, const struct sim_block *b);
void sim_exec_next(struct sim_world *w, struct sim_node *n);
void sim_origin_recheck(struct sim_world *w, struct sim_node *n);

/* store.c: what the shell answers from its block store */
/* True when the shell itself dealt with the message. */
bool sim_store_serve(struct sim_world *w, struct sim_node *n, uint32_t from,
                     const struct bft_msg *m);
void sim_fetch_payloads(struct sim_world *w, struct sim_node *n);
void sim_fetch_object(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx);

/* disk.c */
void sim_disk_write(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx);
void sim_disk_touch(struct sim_world *w, struct sim_node *n);
void sim_disk_synced(struct sim_world *w, struct sim_node *n, bool failed);
/* Power loss: keep what was durable, or with luck what was in flight. */
void sim_disk_crash(struct sim_world *w, struct sim_node *n, bool luck);
void sim_disk_free(struct sim_world *w, struct sim_node *n);
/* Everything bft_init wants, from the durable state.  Pointers live until the next call. */
void sim_disk_restore(struct sim_world *w, struct sim_node *n, struct bft_restore *out);

/* net.c */
void sim_net_send(struct sim_world *w, struct sim_node *n, uint32_t peer, const struct bft_msg *m);
/* A proposal is about to leave its author: complete it with the transactions, which the core never
 * sees, and enter it in the table of headers. */
void sim_net_note_proposal(struct sim_world *w, struct sim_node *n, struct bft_proposal *p);
void sim_net_frame(struct sim_world *w, uint32_t from, uint32_t to, struct sim_frame *f);
void sim_net_connect(struct sim_world *w, uint32_t a, uint32_t b, int64_t after_ns);
/* by_cut: happens only if the link is still cut by then. */
void sim_net_disconnect(struct sim_world *w, uint32_t a, uint32_t b, int64_t after_ns, bool by_cut);
#define SIM_DOWN_BY_CUT (UINT64_C(1) << 32) /* beside the incarnation in PEER_DOWN */
void sim_net_deliver(struct sim_world *w, struct sim_node *n, uint32_t from, struct sim_frame *f);
void sim_net_init(struct sim_world *w);
/* Judge a message as `n` would: structure, then signatures.  *m may be replaced (Status). */
enum bft_verdict sim_net_verify(struct sim_world *w, struct sim_node *n, struct sim_frame *f,
                                const struct bft_msg **m);

/* byz.c */
/* The adversary's say on an outgoing message; true = it dealt with it. */
bool sim_byz_send(struct sim_world *w, struct sim_node *n, uint32_t peer, const struct bft_msg *m);
/* ... and on an incoming one; true = its replica must not see it. */
bool sim_byz_receive(struct sim_world *w, struct sim_node *n, const struct bft_msg *m);
void sim_byz_act(struct sim_world *w, struct sim_node *n);
void sim_byz_sign(struct sim_world *w, struct sim_node *n, struct bft_signed *m);
