#include "node/rpc/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/rpc_internal.h"

/* ---- methods */

static const struct node_rpc_method *const TABLES[] = {
    NODE_RPC_NODE, NODE_RPC_CHAIN,  NODE_RPC_STATE,  NODE_RPC_TX,    NODE_RPC_CALLS,
    NODE_RPC_FEES, NODE_RPC_FILTER, NODE_RPC_TXPOOL, NODE_RPC_TANDEM};
#define TABLE_COUNT (sizeof TABLES / sizeof TABLES[0])

/* "eth_call" is in "eth". */
static bool is_enabled(const struct node_rpc_options *o, const char *name)
{
    size_t len = strcspn(name, "_");
    for (uint32_t i = 0; i < o->namespace_count; i++)
        if (strlen(o->namespaces[i]) == len && memcmp(o->namespaces[i], name, len) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct node_rpc_method *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static enum td_error make_methods(struct node_rpc *r, const struct node_rpc_options *o)
{
    uint32_t count = 0;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (const struct node_rpc_method *m = TABLES[t]; m->name != NULL; m++)
            count++;
    r->methods = calloc(count, sizeof *r->methods);
    r->counters = calloc(count, sizeof *r->counters);
    if (r->methods == NULL || r->counters == NULL)
        return TD_E_NOMEM;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (const struct node_rpc_method *m = TABLES[t]; m->name != NULL; m++)
            if (is_enabled(o, m->name))
                r->methods[r->method_count++] = m;
    qsort(r->methods, r->method_count, sizeof *r->methods, by_name);
    return TD_OK;
}

/* Number of the method, or method_count. */
static uint32_t find(const struct node_rpc *r, const char *name)
{
    uint32_t low = 0, high = r->method_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2u;
        int order = strcmp(name, r->methods[mid]->name);
        if (order == 0)
            return mid;
        if (order < 0)
            high = mid;
        else
            low = mid + 1u;
    }
    return r->method_count;
}

const struct node_rpc_method *node_rpc_method_find(const struct node_rpc *r, const char *name)
{
    uint32_t i = find(r, name);
    return i < r->method_count ? r->methods[i] : NULL;
}

uint32_t node_rpc_stats(const struct node_rpc *r, struct node_rpc_method_stats *out, uint32_t cap)
{
    for (uint32_t i = 0; i < r->method_count && i < cap; i++) {
        const struct node_rpc_counters *n = &r->counters[i];
        out[i] = (struct node_rpc_method_stats){.name = r->methods[i]->name,
                                                .calls = n->calls,
                                                .errors = n->errors,
                                                .total_ns = n->total_ns};
    }
    return r->method_count;
}

/* ---- requests */

static void count_calls(struct node_rpc *r, const struct node_rpc_request *q)
{
    for (uint32_t i = 0; i < q->count; i++) {
        const struct node_rpc_call *c = &q->calls[i];
        if (c->method == NULL)
            continue;
        struct node_rpc_counters *n = &r->counters[find(r, c->method->name)];
        n->calls++;
        n->errors += c->code != 0;
        n->total_ns += c->ns;
    }
}

static void request_drop(struct node_rpc_job *job)
{
    struct node_rpc_request *q = (struct node_rpc_request *)job;
    struct node_rpc *r = q->rpc;
    if (q->before != NULL)
        q->before->after = q->after;
    else
        r->requests = q->after;
    if (q->after != NULL)
        q->after->before = q->before;
    node_rpc_request_reset(q);
    free(q);
}

static void request_reply(struct node_rpc *r, struct node_rpc_request *q)
{
    struct node_text out;
    node_rpc_request_text(q, &out);
    node_http_reply(q->http, 200, "application/json", td_bytes_of(out.ptr, out.len));
    node_text_free(&out);
    count_calls(r, q);
    request_drop(&q->job);
}

static void request_work(struct node_rpc_job *job, struct node_rpc_worker *w)
{
    struct node_rpc_request *q = (struct node_rpc_request *)job;
    if (q->finishing)
        node_rpc_request_finish(q, w);
    else
        node_rpc_request_begin(q, w);
}

static void request_done(struct node_rpc_job *job, struct node_rpc *r)
{
    struct node_rpc_request *q = (struct node_rpc_request *)job;
    if (!q->finishing) {
        node_rpc_request_loop(q);
        if (node_rpc_request_unfinished(q)) {
            q->finishing = true;
            (void)node_rpc_pool_add(&r->pool, &q->job, true);
            return;
        }
    }
    request_reply(r, q);
}

static void refuse(struct node_http_request *http, int status, enum node_rpc_code code,
                   const char *message)
{
    char text[256];
    int len = snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"%s\"}"
                       "}",
                       (int)code, message);
    node_http_reply(http, status, "application/json", td_bytes_of(text, (size_t)len));
}

void node_rpc_request(void *port, struct node_http_request *http, enum node_http_kind kind,
                      const char *path, struct td_bytes body)
{
    const struct node_rpc_port *p = port;
    struct node_rpc *r = p->rpc;
    (void)path; /* JSON-RPC is on every path, as with other nodes */
    if (kind == NODE_HTTP_GET) {
        refuse(http, 405, NODE_RPC_REQUEST, "JSON-RPC: POST a call as application/json");
        return;
    }
    struct node_rpc_request *q = calloc(1, sizeof *q);
    if (q == NULL) {
        refuse(http, 200, NODE_RPC_INTERNAL, "out of memory");
        return;
    }
    *q = (struct node_rpc_request){
        .job = {.work = request_work, .done = request_done, .drop = request_drop},
        .rpc = r,
        .port = p,
        .http = http,
        .conn = kind == NODE_HTTP_SOCKET_MESSAGE ? node_http_conn(http) : 0,
        .body = body,
        .after = r->requests};
    if (!node_rpc_pool_add(&r->pool, &q->job, false)) {
        free(q);
        refuse(http, 200, NODE_RPC_LIMIT, "busy: too many requests wait, try again");
        return;
    }
    if (r->requests != NULL)
        r->requests->before = q;
    r->requests = q;
}

void node_rpc_closed(void *port, uint64_t conn)
{
    const struct node_rpc_port *p = port;
    for (struct node_rpc_request *q = p->rpc->requests; q != NULL; q = q->after)
        if (q->port == p && q->conn == conn)
            q->gone = true;
    node_rpc_filters_closed(p->rpc, p, conn);
}

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
    struct node_rpc *r = ctx;
    (void)fd, (void)what;
    struct node_rpc_job *job = node_rpc_pool_take(&r->pool);
    while (job != NULL) {
        struct node_rpc_job *next = job->next;
        job->done(job, r);
        job = next;
    }
}

/* ---- life */

enum td_error node_rpc_new(struct node_rpc **out, const struct node_rpc_options *options,
                           char why[160])
{
    struct node_rpc *r = calloc(1, sizeof *r);
    *out = NULL;
    snprintf(why, 160, "out of memory");
    if (r == NULL)
        return TD_E_NOMEM;
    json_object_seed(0); /* before there are threads */
    r->backend = *options->backend;
    r->log = options->log;
    r->pool.event_fd = -1;
    enum td_error err = make_methods(r, options);
    if (err == TD_OK)
        err = node_rpc_filters_new(r);
    if (err == TD_OK)
        err = node_rpc_pool_init(&r->pool, r, options->threads == 0 ? 1 : options->threads);
    if (err == TD_OK) {
        r->event = event_new(options->base, r->pool.event_fd, EV_READ | EV_PERSIST, on_done, r);
        if (r->event == NULL || event_add(r->event, NULL) != 0)
            err = TD_E_NOMEM;
    }
    if (err != TD_OK) {
        snprintf(why, 160, "JSON-RPC: threads, memory or descriptors: %s", td_error_text(err));
        node_rpc_free(r);
        return err;
    }
    why[0] = '\0';
    *out = r;
    return TD_OK;
}

void node_rpc_free(struct node_rpc *r)
{
    if (r == NULL)
        return;
    if (r->event != NULL)
        event_free(r->event);
    if (r->pool.event_fd >= 0)
        node_rpc_pool_reset(&r->pool);
    node_rpc_filters_free(r);
    free(r->methods);
    free(r->counters);
    free(r);
}

void node_rpc_block(struct node_rpc *r, uint64_t height)
{
    node_rpc_filters_block(r, height);
}

void node_rpc_pending(struct node_rpc *r, const struct td_hash *hash)
{
    node_rpc_filters_pending(r, hash);
}
