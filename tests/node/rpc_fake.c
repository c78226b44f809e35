#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node/rpc_fake.h"

/* ---- the server's side */

struct node_http_request {
    uint64_t conn;
    bool replied;
    int status;
    char *text;
};

struct rpc_push rpc_pushes[RPC_PUSHES_MAX];
uint32_t rpc_push_count;
bool rpc_push_refused;

uint64_t node_http_conn(const struct node_http_request *q)
{
    return q->conn;
}

static char *copy_of(struct td_bytes b)
{
    char *text = calloc(1, b.len + 1u);
    cr_assert_not_null(text);
    if (b.len > 0)
        memcpy(text, b.ptr, b.len);
    return text;
}

void node_http_reply(struct node_http_request *q, int status, const char *type,
                     struct td_bytes body)
{
    cr_assert(!q->replied, "one reply");
    cr_assert_str_eq(type, "application/json");
    q->replied = true;
    q->status = status;
    q->text = copy_of(body);
}

bool node_http_push(struct node_http *h, uint64_t conn, struct td_bytes text)
{
    (void)h;
    if (rpc_push_refused)
        return false;
    cr_assert_lt(rpc_push_count, RPC_PUSHES_MAX);
    rpc_pushes[rpc_push_count++] = (struct rpc_push){.conn = conn, .text = copy_of(text)};
    return true;
}

void rpc_pushes_forget(void)
{
    while (rpc_push_count > 0)
        free(rpc_pushes[--rpc_push_count].text);
}

/* ---- asking */

static char *last;

void rpc_fake_forget(void)
{
    rpc_pushes_forget();
    free(last);
    last = NULL;
}

const char *rpc_ask_as(struct rpc_world *w, enum node_http_kind kind, uint64_t conn,
                       struct td_bytes body, int *status)
{
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

const char *rpc_call(struct rpc_world *w, uint64_t conn, const char *method, const char *params,
                     ...)
{
    static const char RESULT[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":",
                      ERROR[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":";
    static char body[1u << 20], inner[1u << 19];
    va_list args;
    va_start(args, params);
    vsnprintf(inner, sizeof inner, params, args);
    va_end(args);
    snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[%s]}",
             method, inner);
    rpc_ask_as(w, conn == 0 ? NODE_HTTP_POST : NODE_HTTP_SOCKET_MESSAGE, conn,
               td_bytes_of_text(body), NULL);
    size_t len = strlen(last);
    cr_assert(len > 0 && last[len - 1u] == '}', "%s", last);
    last[len - 1u] = '\0';
    if (strncmp(last, RESULT, sizeof RESULT - 1u) == 0)
        return last + sizeof RESULT - 1u;
    cr_assert(strncmp(last, ERROR, sizeof ERROR - 1u) == 0, "%s", last);
    return last + sizeof ERROR - 1u;
}

const char *rpc_hex(const void *data, size_t len)
{
    static char texts[8][1024];
    static uint32_t next;
    char *t = texts[next++ % 8u];
    cr_assert_leq(len, 500u);
    t[0] = '0';
    t[1] = 'x';
    for (size_t i = 0; i < len; i++)
        snprintf(t + 2u + 2u * i, 3, "%02x", ((const uint8_t *)data)[i]);
    t[2u + 2u * len] = '\0';
    return t;
}

void rpc_world_await(struct rpc_world *w, uint32_t count)
{
    while (rpc_push_count < count)
        cr_assert_eq(event_base_loop(w->base, EVLOOP_ONCE), 0);
}
