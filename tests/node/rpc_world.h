/* JSON-RPC without a network, over a chain of a few blocks: what a server would hand in is handed
 * in, what it would send is kept. */
#pragma once

#include "node/rpc/rpc.h"
#include "tests/node/chain_bed.h"

#define RPC_PUSHES_MAX 64u

struct rpc_world {
    struct bed bed;
    struct node_mempool *pool;
    struct node_rpc_backend backend;
    struct node_rpc_heads heads;
    struct event_base *base;
    struct node_rpc *rpc;
    struct node_rpc_port port;
    struct td_clock_virtual clock;
    bool syncing;
};

/* What was pushed to WebSockets, oldest first. */
struct rpc_push {
    uint64_t conn;
    char *text;
};
extern struct rpc_push rpc_pushes[RPC_PUSHES_MAX];
extern uint32_t rpc_push_count;
extern bool rpc_push_refused; /* node_http_push says that it is gone */
void rpc_pushes_forget(void);

/* All namespaces unless listed. */
void rpc_world_open(struct rpc_world *w, const char *const *namespaces, uint32_t count);
void rpc_world_close(struct rpc_world *w);
/* A block of the bed's entries: executed, committed, told. */
void rpc_world_block(struct rpc_world *w);
/* Turn the loop until `count` pushes are there. */
void rpc_world_await(struct rpc_world *w, uint32_t count);

/* Status and body of the answer, as POST (conn 0) or as a message of a WebSocket; the text is valid
 * until the next. */
const char *rpc_ask(struct rpc_world *w, const char *body);
const char *rpc_ask_as(struct rpc_world *w, enum node_http_kind kind, uint64_t conn,
                       struct td_bytes body, int *status);
/* What stands behind "result": or "error": in the answer to a call with these params (the text
 * within the brackets), without the last brace; conn 0: POST. */
__attribute__((format(printf, 4, 5))) const char *
rpc_call(struct rpc_world *w, uint64_t conn, const char *method, const char *params, ...);
/* 0x and the digits; a few of them may be in use at once. */
const char *rpc_hex(const void *data, size_t len);

/* A contract that does, by the first byte of its input: nothing in: slot 1 = 5, log of topics 9, 8;
 * 1: returns slot 1; 2: Error("no ya\xff"); 3: log of the topic that follows and of 42; 4: invalid
 * opcode; 5: Panic(0x11); 6: runs for ever; 7: returns number, timestamp, base fee, coinbase,
 * hash of block 1, caller. */
extern const uint8_t RPC_CONTRACT[];
extern const size_t RPC_CONTRACT_BYTES;
