/* Event queue: a 4-ary min-heap over (virtual time, insertion order).
 *
 * Invariant: of two items due at the same nanosecond the one pushed first comes out first, so a run
 * depends on nothing but its seed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_frame;

enum sim_item_kind {
    SIM_IT_DELIVER,   /* u.frame arrives at node from `from` */
    SIM_IT_TIMER,     /* the core's timer; u.value = timer generation */
    SIM_IT_FSYNC,     /* the write in flight is done; u.value 1 = it failed */
    SIM_IT_EXEC,      /* u.value = height executed */
    SIM_IT_BUILT,     /* answer to MAKE_PAYLOAD */
    SIM_IT_PEER_UP,   /* connection with `from` */
    SIM_IT_PEER_DOWN, /* likewise */
    SIM_IT_FETCH,     /* ask again for missing payloads */
    SIM_IT_L1,        /* the node's L1 view moves */
    SIM_IT_BOOT,      /* the node starts */
    SIM_IT_BYZANTINE, /* the node's adversary acts */
    SIM_IT_FAULT,     /* the fault schedule acts */
    SIM_IT_LIVENESS,  /* the liveness check looks */
};
#define SIM_ITEM_KINDS 13u

struct sim_item {
    int64_t at_ns;
    uint64_t seq;
    uint32_t kind;        /* enum sim_item_kind */
    uint32_t incarnation; /* of `node` when pushed; a later incarnation never sees it */
    uint16_t node;
    uint16_t from;
    union {
        struct sim_frame *frame; /* holds one reference */
        uint64_t value;
    } u;
};

struct sim_queue {
    struct sim_item *item; /* owned; [cap] */
    size_t count;
    size_t cap;
    size_t peak;
    uint64_t seq;
};

void sim_queue_init(struct sim_queue *q);
void sim_queue_free(struct sim_queue *q);

/* Takes over the item's frame reference; seq is assigned here. */
void sim_queue_put(struct sim_queue *q, struct sim_item item);

/* False when empty. */
bool sim_queue_get(struct sim_queue *q, struct sim_item *out);
