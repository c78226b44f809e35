/* A fault-free network of replicas in virtual time, and what one of them received.
 *
 *     n replicas ──random delays──▶ node 0 ──record──▶ stream ──▶ replay into a fresh replica
 *
 * The core is a pure function of its events, so a fresh replica with the same configuration that is
 * fed the stream does exactly what node 0 did.  Signatures are tokens: the core checks none.
 *
 * 1. Events stand in the order node 0 met them: messages, and the answers to its own effects.
 * 2. Every pointer in a recorded event leads into memory that the stream owns. */
#pragma once

#include <stddef.h>

#include "consensus/replica.h"

struct bench_event {
    struct bft_event ev;
    const uint8_t *frame; /* MESSAGE: its encoding */
    size_t frame_bytes;
};

struct bench_stream {
    struct bft_config cfg;     /* node 0's */
    struct bench_event *event; /* [count] */
    size_t count;
    size_t first; /* events before this one start and connect the node and make the first blocks */
    uint64_t messages[BFT_MSG_TX + 1]; /* by kind, from `first` on */
    uint64_t message_count;            /* their sum */
    uint64_t blocks;                   /* heights final from `first` on */
    struct bft_view end;               /* node 0 after the last event */
    struct bft_set *set;
    size_t cap;
    void *chunks; /* list of everything allocated */
};

struct bench_network_shape {
    uint32_t nodes;
    uint32_t txs;         /* transactions per block, <= 256 */
    uint64_t warm_height; /* `first` is where node 0's final height reaches this */
    uint64_t end_height;  /* and recording ends at this */
};

/* Run a network and record; aborts when it makes no progress.  Cost: about end_height * 3 * nodes^2
 * steps of the core. */
void bench_stream_record(struct bench_stream *s, const struct bench_network_shape *shape);
void bench_stream_free(struct bench_stream *s);

/* A validator set of `n` members with equal stake.  `keys` (n, or NULL for keys nobody holds) are
 * in the members' order of creation, which is not the set's: its order is by address. */
void bench_set(struct bft_set *set, uint32_t n, const struct td_pubkey *keys,
               const struct td_addr *addrs);
