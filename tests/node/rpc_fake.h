/* The server's side without a network: what it would hand in is handed in, what it would send is
 * kept. */
#pragma once

#include "tests/node/rpc_world.h"

#define RPC_PUSHES_MAX 64u

/* What was pushed to WebSockets, oldest first. */
struct rpc_push {
    uint64_t conn;
    char *text;
};
extern struct rpc_push rpc_pushes[RPC_PUSHES_MAX];
extern uint32_t rpc_push_count;
extern bool rpc_push_refused; /* node_http_push says that it is gone */
/* Pushes, and the last answer. */
void rpc_fake_forget(void);
void rpc_pushes_forget(void);

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
