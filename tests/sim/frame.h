/* Wire frames in flight: encoded once per broadcast, decoded once, shared by all receivers.
 *
 *   bft_msg ─encode─▶ bytes ─decode (first receiver)─▶ msg ──▶ every receiver reads the same msg
 *
 * Invariants
 *  1. `msg` and everything it points to live inside the frame and never change after decoding.
 *  2. A frame returns to the pool when its last reference goes; pooled buffers are reused. */
#pragma once

#include "base/core/arena.h"
#include "consensus/message.h"
#include "consensus/verdict.h"

/* Different sets of validator sets under which one frame was judged: receivers before, in and after
 * an epoch change, with and without the next set. */
#define SIM_VERIFY_SLOTS 6u

struct sim_frame {
    uint32_t refs;
    uint32_t from;  /* node that made it */
    uint8_t *bytes; /* owned; [cap] */
    size_t len, cap;
    void *arena_mem; /* owned; [arena_cap] */
    size_t arena_cap;
    uint64_t hash; /* of the bytes */
    bool decoded;
    bool malformed;
    bool audited; /* the checker has looked at its certificates */
    uint32_t verify_count;
    uint64_t verify_key[SIM_VERIFY_SLOTS];
    enum bft_verdict verify_result[SIM_VERIFY_SLOTS];
    struct bft_msg msg;
    struct sim_frame *next; /* in the pool */
};

struct sim_pool {
    struct sim_frame *free;
    uint64_t made; /* frames ever allocated: the bound checked at the end */
    uint64_t live;
};

void sim_pool_free(struct sim_pool *p);

/* Encode `m`; the frame comes with one reference. */
struct sim_frame *sim_frame_new(struct sim_pool *p, uint32_t from, const struct bft_msg *m);

/* Wrap arbitrary bytes (adversaries send what they like). */
struct sim_frame *sim_frame_raw(struct sim_pool *p, uint32_t from, const uint8_t *bytes,
                                size_t len);

struct sim_frame *sim_frame_ref(struct sim_frame *f);
void sim_frame_drop(struct sim_pool *p, struct sim_frame *f); /* NULL is allowed */

/* The decoded message, or NULL when the decoder refuses the bytes. */
const struct bft_msg *sim_frame_msg(struct sim_frame *f);
