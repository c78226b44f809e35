/* Inside the ops pages: appending, and who makes which page. */
#pragma once

#include "node/ops/ops.h"

__attribute__((format(printf, 2, 3))) void node_ops_print(struct node_ops_text *t,
                                                          const char *format, ...);
void node_ops_append(struct node_ops_text *t, const void *bytes, size_t len);
/* With quotes around it; NULL becomes null. */
void node_ops_json_string(struct node_ops_text *t, const char *s);
/* A label's value in the exposition format, with quotes around it. */
void node_ops_label(struct node_ops_text *t, const char *s);
/* Seconds, exactly, without floating point: "-0.000012500". */
void node_ops_seconds(struct node_ops_text *t, int64_t ns);

struct node_ops_online {
    uint64_t stake, stake_all;
    uint32_t count, all;
    uint32_t needed; /* validators, when all stakes are equal; 0: they differ */
};
void node_ops_online(const struct node_ops_view *v, struct node_ops_online *out);

const char *node_ops_mode(enum bft_mode mode);

void node_ops_metrics(struct node_ops_text *t, const struct node_ops_view *v);
void node_ops_status(struct node_ops_text *t, const struct node_ops_view *v);

/* dashboard.html, by embed.py. */
extern const unsigned char node_ops_dashboard[];
extern const size_t node_ops_dashboard_bytes;
