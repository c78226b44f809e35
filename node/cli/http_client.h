/* A small HTTP/1.1 client for this program's own servers: one connection, one request at a time,
 * kept open between requests, every wait bounded.  RFC 9112.
 *
 * 1. A call returns within its timeout whatever the other side does; a connection that failed is
 *    closed and dialled anew by the next call.
 * 2. An answer has a Content-Length or ends with the connection; NODE_HTTP_HEAD_MAX and
 *    NODE_HTTP_BODY_MAX bound what is read of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

#define NODE_HTTP_HEAD_MAX 8192u
#define NODE_HTTP_BODY_MAX (16u << 20) /* what node/rpc answers at most */

struct node_http_client {
    char host[256];
    uint16_t port;
    int fd; /* -1: closed */
    uint32_t timeout_ms;
    char why[120]; /* after an error, for people */
    char *body;    /* of the last answer, NUL-terminated; owned */
    size_t body_len, body_cap;
    int status; /* 200 and so on */
};

void node_http_client_init(struct node_http_client *c, const char *host, uint16_t port,
                           uint32_t timeout_ms);
void node_http_client_free(struct node_http_client *c);

/* TD_E_IO: not reachable, silent, or not HTTP; c->why says which.  TD_E_LIMIT: a larger answer.
 * TD_OK: any status; c->body until the next call. */
TD_MUST_CHECK enum td_error node_http_get(struct node_http_client *c, const char *path);
TD_MUST_CHECK enum td_error node_http_post(struct node_http_client *c, struct td_bytes json);

/* The value of Content-Length in the head of an answer (its lines, the empty one included), -1 when
 * it has none; false when it is malformed or there are two.  Fills *status. */
bool node_http_head(const char *head, size_t len, int *status, int64_t *length);
