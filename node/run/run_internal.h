#pragma once

#include "node/fault/fault.h"
#include "node/rpc/rpc.h"
#include "node/run/run.h"
#include "node/shell/shell.h"

struct run {
    struct node_run_options o;
    struct td_clock clock;
    struct event_base *base;
    struct event *signals[2], *housekeeping;
    struct node_fault *fault; /* NULL: none are taken */
    struct node_shell *shell;
    struct node_rpc_backend backend;
    struct node_rpc *rpc;
    struct node_rpc_port http_port, ws_port;
    struct node_http *http, *ws, *ops;
    int signal_seen;
    uint64_t started_ms;
    bool stopping;
};

/* Where an option of kind SOCKET or an item of peers points. */
bool run_socket(const char *text, char host[P2P_HOST_BYTES_MAX + 1u], uint16_t *port);
/* Fills r->backend. */
void run_backend(struct run *r);
/* The ops server: health, status, metrics, dashboard. */
bool run_ops(struct run *r, FILE *err);
