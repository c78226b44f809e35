/* What the parts of JSON-RPC tell each other: calls, requests under way, workers, tables.
 *
 *     loop                worker                     loop                  worker       loop
 *     request ─▶ queue ─▶ scan, parse, prepare.. ─▶ loop parts in order ─▶ finish.. ─▶ reply
 *                                                 └─── none wants to finish ─────────▶ reply
 *
 * 1. A call belongs to one thread at a time, and goes from one to the next under the pool's lock.
 * 2. A call without an answer after its last part is a bug of its method: it is answered -32603.
 * 3. The calls of a request share one allowance of NODE_RPC_ANSWER_BYTES_MAX. */
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>

#include "base/core/arena.h"
#include "executor/call.h"
#include "node/rpc/rpc.h"
#include "node/rpc/scan.h"
#include "node/rpc/text.h"

#define NODE_RPC_ANSWER_BYTES_MAX (16u << 20)
#define NODE_RPC_LOG_BLOCKS_MAX 10000u
#define NODE_RPC_LOGS_MAX 20000u
#define NODE_RPC_CALL_NS UINT64_C(5000000000)
/* Requests that wait for a worker: a second's worth at the rate the slowest kind (a signature to
 * recover, 50 µs) is served by one thread is 20,000; a tenth of a second of that is 2,000. */
#define NODE_RPC_QUEUE_MAX 2048u
#define NODE_RPC_FILTERS_MAX 10000u
#define NODE_RPC_FILTER_IDLE_NS UINT64_C(300000000000)
#define NODE_RPC_SUBS_MAX 1024u
#define NODE_RPC_SUBS_PER_CONN_MAX 64u

enum node_rpc_code {
    NODE_RPC_OK = 0,
    NODE_RPC_REVERTED = 3,
    NODE_RPC_PARSE = -32700,
    NODE_RPC_REQUEST = -32600,
    NODE_RPC_METHOD = -32601,
    NODE_RPC_PARAMS = -32602,
    NODE_RPC_INTERNAL = -32603,
    NODE_RPC_SERVER = -32000,
    NODE_RPC_LIMIT = -32005,
};

struct node_rpc_worker {
    struct node_rpc *rpc;
    pthread_t thread;
    struct store_chain_reader *reader; /* opened when first needed */
    /* Reset before each part of a call: arguments and stored blocks; the state of a run; its
     * frames. */
    struct td_arena arena, state_arena, vm_arena;
};

struct node_rpc_call;
typedef void node_rpc_part_fn(struct node_rpc_call *c);

struct node_rpc_method {
    const char *name;
    /* In this order, those that are there; after an answer no further one is called.  prepare and
     * finish run on a worker (c->worker is set), loop on the loop. */
    node_rpc_part_fn *prepare, *loop, *finish;
};

struct node_rpc_call {
    const struct node_rpc_method *method; /* NULL: refused */
    struct node_rpc *rpc;
    struct node_rpc_worker *worker; /* NULL on the loop */
    struct node_rpc_request *request;
    json_t *root;         /* owned */
    const json_t *params; /* an array, or NULL */
    struct td_bytes id;   /* as it was written; empty: a notification */
    bool done;
    int code;             /* other than 0: `out` holds an error's members behind its code */
    struct node_text out; /* the result */
    void *keep;           /* from part to part: malloc'ed, freed with the call */
    uint64_t ns;
};

/* Work for a worker and what the loop does when it is done. */
struct node_rpc_job {
    struct node_rpc_job *next;
    void (*work)(struct node_rpc_job *job, struct node_rpc_worker *w);
    void (*done)(struct node_rpc_job *job, struct node_rpc *r); /* owns the job */
    void (*drop)(struct node_rpc_job *job);                     /* instead, when all ends */
};

struct node_rpc_request {
    struct node_rpc_job job;
    struct node_rpc *rpc;
    const struct node_rpc_port *port;
    struct node_http_request *http;
    uint64_t conn; /* of a WebSocket, otherwise 0 */
    bool gone;     /* that WebSocket closed */
    struct td_bytes body;
    bool finishing;
    bool batch;
    uint32_t count;
    struct node_rpc_call *calls; /* [count] */
    enum node_rpc_scan scan;
    bool nomem;
    size_t allowance;                        /* bytes of answers left */
    struct node_rpc_request *before, *after; /* all under way */
};

struct node_rpc_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct node_rpc_job *first, *last; /* waiting */
    struct node_rpc_job *done_first, *done_last;
    uint32_t waiting;
    bool stop;
    int event_fd;
    uint32_t thread_count;
    struct node_rpc_worker *workers;
};

struct node_rpc_counters {
    uint64_t calls, errors, total_ns;
};

struct node_rpc_filters; /* methods_filter.c */

struct node_rpc {
    struct node_rpc_backend backend;
    struct event *event;
    struct node_rpc_pool pool;
    const struct node_rpc_method **methods; /* [method_count], by name, those enabled */
    uint32_t method_count;
    struct node_rpc_counters *counters; /* [method_count] */
    struct node_rpc_request *requests;  /* under way */
    struct node_rpc_filters *filters;
    const struct td_log *log;
};

/* ---- answers (calls.c).  The first one stays; `c->done` says that there is one. */

/* An error; format's result is cut to 512 bytes and need not be escaped. */
__attribute__((format(printf, 3, 4))) void
node_rpc_fail(struct node_rpc_call *c, enum node_rpc_code code, const char *format, ...);
/* With "data": hex. */
void node_rpc_fail_data(struct node_rpc_call *c, enum node_rpc_code code, const char *message,
                        struct td_bytes data);
/* By what a store, an arena or a run said; TD_OK does nothing. */
void node_rpc_fail_error(struct node_rpc_call *c, enum td_error err, const char *what);
/* c->out holds the result.  Beyond the allowance it becomes an error. */
void node_rpc_answer(struct node_rpc_call *c);
void node_rpc_answer_null(struct node_rpc_call *c);
void node_rpc_answer_bool(struct node_rpc_call *c, bool v);
void node_rpc_answer_quantity(struct node_rpc_call *c, uint64_t v);
void node_rpc_answer_u256(struct node_rpc_call *c, const struct exec_u256 *v);
/* Zeroed memory for c->keep; NULL: answered. */
void *node_rpc_keep(struct node_rpc_call *c, size_t bytes);

/* One part of one call on this thread (worker NULL: the loop's). */
void node_rpc_call_part(struct node_rpc_call *c, node_rpc_part_fn *part, struct node_rpc_worker *w);

/* ---- a request from its text (calls.c) */

/* Scans and parses, calls the prepare parts.  Fills everything of *q but what names its sender. */
void node_rpc_request_begin(struct node_rpc_request *q, struct node_rpc_worker *w);
void node_rpc_request_loop(struct node_rpc_request *q);
/* Does a call still want its finish part? */
bool node_rpc_request_unfinished(const struct node_rpc_request *q);
void node_rpc_request_finish(struct node_rpc_request *q, struct node_rpc_worker *w);
/* The answer's text; empty for notifications alone. */
void node_rpc_request_text(struct node_rpc_request *q, struct node_text *out);
/* Frees what the request holds, not *q. */
void node_rpc_request_reset(struct node_rpc_request *q);

/* ---- workers (workers.c) */

TD_MUST_CHECK enum td_error node_rpc_pool_init(struct node_rpc_pool *p, struct node_rpc *r,
                                               uint32_t threads);
/* Joins the workers; waiting and finished jobs are dropped. */
void node_rpc_pool_reset(struct node_rpc_pool *p);
/* False: the queue is full (never when `forced`: for work that was admitted before). */
bool node_rpc_pool_add(struct node_rpc_pool *p, struct node_rpc_job *job, bool forced);
/* On the loop, when event_fd is readable: the jobs done so far, oldest first. */
struct node_rpc_job *node_rpc_pool_take(struct node_rpc_pool *p);

TD_MUST_CHECK enum td_error node_rpc_worker_init(struct node_rpc_worker *w, struct node_rpc *r);
void node_rpc_worker_reset(struct node_rpc_worker *w);
/* Empty arenas; memory that an unusually large call took goes back to the system. */
void node_rpc_worker_clean(struct node_rpc_worker *w);
/* This worker's connection to the database, or NULL and the error. */
struct store_chain_reader *node_rpc_reader(struct node_rpc_worker *w, enum td_error *err);

/* ---- tables of methods, each ended by a NULL name */

extern const struct node_rpc_method NODE_RPC_CHAIN[], NODE_RPC_STATE[], NODE_RPC_TX[],
    NODE_RPC_CALLS[], NODE_RPC_FILTER[], NODE_RPC_TXPOOL[], NODE_RPC_TANDEM[], NODE_RPC_NODE[],
    NODE_RPC_FEES[];
const struct node_rpc_method *node_rpc_method_find(const struct node_rpc *r, const char *name);

/* ---- filters and subscriptions (filters.c) */

TD_MUST_CHECK enum td_error node_rpc_filters_new(struct node_rpc *r);
void node_rpc_filters_free(struct node_rpc *r);
void node_rpc_filters_block(struct node_rpc *r, uint64_t height);
void node_rpc_filters_pending(struct node_rpc *r, const struct td_hash *hash);
void node_rpc_filters_closed(struct node_rpc *r, const struct node_rpc_port *port, uint64_t conn);
