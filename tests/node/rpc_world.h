/* JSON-RPC over a chain in a database of its own. */
#pragma once

#include "node/rpc/rpc.h"
#include "tests/node/chain_bed.h"

struct rpc_world {
    struct bed bed;
    struct node_mempool *pool;
    struct node_rpc_backend backend;
    struct node_rpc_heads heads;
    struct event_base *base;
    bool own_base;
    struct node_rpc *rpc;
    struct node_rpc_port port;
    struct td_clock_virtual clock;
    bool syncing;
};

/* On the caller's loop, or one of its own (NULL); port.http is the caller's to fill. */
void rpc_world_open(struct rpc_world *w, struct event_base *base);
void rpc_world_close(struct rpc_world *w);
/* A block of the bed's entries: executed, committed, told. */
void rpc_world_block(struct rpc_world *w);
/* A contract that does, by the first byte of its input: nothing in: slot 1 = 5, log of topics 9, 8;
 * 1: returns slot 1; 2: Error("no ya\xff"); 3: log of the topic that follows and of 42; 4: invalid
 * opcode; 5: Panic(0x11); 6: runs for ever; 7: returns number, timestamp, base fee, coinbase,
 * hash of block 1, caller. */
extern const uint8_t RPC_CONTRACT[];
extern const size_t RPC_CONTRACT_BYTES;
