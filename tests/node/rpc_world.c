#include "rpc_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* ---- the server's side */

struct node_http_request {
    uint64_t conn;
    bool replied;
    int status;
    char *text;
};

uint64_t node_http_conn(const struct node_http_request *q)
{
    return q->conn;
}

void node_http_reply(struct node_http_request *q, int status, const char *type,
                     struct td_bytes body)
{
    cr_assert(!q->replied, "one reply");
    cr_assert_str_eq(type, "application/json");
    q->replied = true;
    q->status = status;
    q->text = calloc(1, body.len + 1u);
    cr_assert_not_null(q->text);
    if (body.len > 0)
        memcpy(q->text, body.ptr, body.len);
}

bool node_http_push(struct node_http *h, uint64_t conn, struct td_bytes text)
{
    (void)h, (void)conn, (void)text;
    return true;
}

/* ---- asking */

const char *rpc_ask_as(struct rpc_world *w, enum node_http_kind kind, uint64_t conn,
                       struct td_bytes body, int *status)
{
    static char *last;
    struct node_http_request q = {.conn = conn};
    node_rpc_request(&w->port, &q, kind, "/", body);
    while (!q.replied)
        cr_assert_eq(event_base_loop(w->base, EVLOOP_ONCE), 0);
    free(last);
    last = q.text;
    if (status != NULL)
        *status = q.status;
    return last;
}

const char *rpc_ask(struct rpc_world *w, const char *body)
{
    return rpc_ask_as(w, NODE_HTTP_POST, 0, td_bytes_of_text(body), NULL);
}

/* ---- the world */

void rpc_world_open(struct rpc_world *w, const char *const *namespaces, uint32_t count)
{
    char why[160];
    memset(w, 0, sizeof *w);
    w->genesis.chain_id = 271828;
    w->genesis.params.gas_limit = 30000000;
    w->base = event_base_new();
    cr_assert_not_null(w->base);
    w->backend = (struct node_rpc_backend){
        .self = w, .genesis = &w->genesis, .clock = td_clock_of_virtual(&w->clock)};
    const struct node_rpc_options options = {.backend = &w->backend,
                                             .base = w->base,
                                             .threads = 2,
                                             .namespaces = namespaces,
                                             .namespace_count = count};
    cr_assert_eq(node_rpc_new(&w->rpc, &options, why), TD_OK, "%s", why);
    w->port.rpc = w->rpc;
}

void rpc_world_close(struct rpc_world *w)
{
    node_rpc_free(w->rpc);
    event_base_free(w->base);
}
