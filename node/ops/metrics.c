/* Prometheus text exposition format 0.0.4. */
#include <inttypes.h>

#include "node/ops/ops_internal.h"

static void head(struct node_ops_text *t, const char *name, const char *type, const char *help)
{
    node_ops_print(t, "# HELP tandem_%s %s\n# TYPE tandem_%s %s\n", name, help, name, type);
}

static void one(struct node_ops_text *t, const char *name, const char *type, const char *help,
                uint64_t value)
{
    head(t, name, type, help);
    node_ops_print(t, "tandem_%s %" PRIu64 "\n", name, value);
}

static void seconds(struct node_ops_text *t, const char *name, const char *help, int64_t ns)
{
    head(t, name, "gauge", help);
    node_ops_print(t, "tandem_%s ", name);
    node_ops_seconds(t, ns);
    node_ops_append(t, "\n", 1);
}

static void sample(struct node_ops_text *t, const char *name, const char *label, const char *value,
                   uint64_t number)
{
    node_ops_print(t, "tandem_%s{%s=", name, label);
    node_ops_label(t, value);
    node_ops_print(t, "} %" PRIu64 "\n", number);
}

static void labelled(struct node_ops_text *t, const char *name, const char *type, const char *label,
                     const char *help, const struct node_ops_counts *counts)
{
    if (counts->count == 0)
        return;
    head(t, name, type, help);
    for (uint32_t i = 0; i < counts->count; i++)
        sample(t, name, label, counts->items[i].label, counts->items[i].value);
}

/* `label` NULL: none. */
static void series(struct node_ops_text *t, const char *name, const char *label, const char *value,
                   const struct node_histogram *h)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i <= NODE_HISTOGRAM_BUCKETS; i++) {
        bool last = i == NODE_HISTOGRAM_BUCKETS;
        sum = last ? h->count : sum + h->bucket[i];
        node_ops_print(t, "tandem_%s_bucket{", name);
        if (label != NULL) {
            node_ops_print(t, "%s=", label);
            node_ops_label(t, value);
            node_ops_append(t, ",", 1);
        }
        node_ops_append(t, "le=\"", 4);
        if (last)
            node_ops_append(t, "+Inf", 4);
        else
            node_ops_seconds(t, (int64_t)node_histogram_bounds_ns[i]);
        node_ops_print(t, "\"} %" PRIu64 "\n", sum);
    }
    for (uint32_t i = 0; i < 2; i++) {
        node_ops_print(t, "tandem_%s%s", name, i == 0 ? "_sum" : "_count");
        if (label != NULL) {
            node_ops_print(t, "{%s=", label);
            node_ops_label(t, value);
            node_ops_append(t, "}", 1);
        }
        node_ops_append(t, " ", 1);
        if (i == 0) {
            node_ops_print(t, "%" PRIu64 ".%09" PRIu64 "\n", h->sum_ns / 1000000000u,
                           h->sum_ns % 1000000000u);
        } else {
            node_ops_print(t, "%" PRIu64 "\n", h->count);
        }
    }
}

static void histogram(struct node_ops_text *t, const char *name, const char *help,
                      const struct node_histogram *h)
{
    if (h == NULL)
        return;
    head(t, name, "histogram", help);
    series(t, name, NULL, NULL, h);
}

static void chain(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_ops_count rounds[] = {{"certificate", v->core.rounds_entered_qc},
                                      {"timeout", v->core.rounds_entered_tc}};
    one(t, "head_height", "gauge", "Newest block that is final by quorum and executed here.",
        v->latest);
    one(t, "final_height", "gauge", "Newest block that is final by quorum, executed here or not.",
        v->core.final_height);
    one(t, "finalized_height", "gauge",
        "What the tag finalized names: its L1 block is finalized (genesis without L1).",
        v->finalized);
    seconds(t, "head_age_seconds", "Time since the newest block.",
            (int64_t)(v->head_age_ns < INT64_MAX ? v->head_age_ns : INT64_MAX));
    one(t, "round", "gauge", "Round of consensus within the epoch.", v->core.round);
    labelled(t, "round_changes_total", "counter", "reason", "Rounds entered, and by what.",
             &(struct node_ops_counts){rounds, 2});
    histogram(t, "commit_latency_seconds", "From proposal to final.", v->commit_latency);
    labelled(t, "proposals_total", "counter", "result", "Proposals seen or made.", &v->proposals);
    labelled(t, "votes_total", "counter", "result", "Votes seen or cast.", &v->votes);
    one(t, "missed_leader_slots_total", "counter", "Own turns to propose that brought no block.",
        v->missed_leader_slots);
    one(t, "equivocations_seen_total", "counter", "Proofs that a validator signed twice.",
        v->equivocations_seen);
}

static void network(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_ops_online on;
    uint64_t out = 0;
    node_ops_online(v, &on);
    for (uint32_t i = 0; i < v->peer_count; i++)
        out += v->peers[i].outgoing ? 1u : 0u;
    one(t, "validators_online", "gauge", "Validators connected, this one included.", on.count);
    head(t, "quorum_margin", "gauge",
         "Stake online above what a quorum needs; below 0 blocks stop.");
    if (on.stake >= v->quorum_stake)
        node_ops_print(t, "tandem_quorum_margin %" PRIu64 "\n", on.stake - v->quorum_stake);
    else
        node_ops_print(t, "tandem_quorum_margin -%" PRIu64 "\n", v->quorum_stake - on.stake);
    struct node_ops_count peers[] = {{"in", v->peer_count - out}, {"out", out}};
    labelled(t, "peers", "gauge", "dir", "Connections to other nodes.",
             &(struct node_ops_counts){peers, 2});
    struct node_ops_count bytes[] = {{"in", v->p2p_bytes_in}, {"out", v->p2p_bytes_out}};
    labelled(t, "p2p_bytes_total", "counter", "dir", "Bytes exchanged with other nodes.",
             &(struct node_ops_counts){bytes, 2});
    labelled(t, "p2p_frames_rejected_total", "counter", "reason", "Frames of peers turned away.",
             &v->frames_rejected);
    histogram(t, "p2p_rtt_seconds", "Round trips to peers.", v->p2p_rtt);
}

static const char *refusal_label(uint32_t verdict)
{
    static const char *const labels[NODE_MEMPOOL_COUNT] = {
        [NODE_MEMPOOL_KNOWN] = "known",
        [NODE_MEMPOOL_NONCE_LOW] = "nonce_low",
        [NODE_MEMPOOL_NONCE_FAR] = "nonce_far",
        [NODE_MEMPOOL_UNDERPRICED] = "underpriced",
        [NODE_MEMPOOL_REPLACE_UNDERPRICED] = "replace_underpriced",
        [NODE_MEMPOOL_FUNDS] = "funds",
        [NODE_MEMPOOL_GAS] = "gas",
        [NODE_MEMPOOL_ACCOUNT_LIMIT] = "account_limit",
        [NODE_MEMPOOL_HELD] = "held",
        [NODE_MEMPOOL_NOMEM] = "no_memory",
    };
    return labels[verdict];
}

static void transactions(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_ops_count refused[NODE_MEMPOOL_COUNT];
    uint32_t n = 0;
    for (uint32_t i = 0; i < NODE_MEMPOOL_COUNT; i++)
        if (refusal_label(i) != NULL)
            refused[n++] = (struct node_ops_count){refusal_label(i), v->mempool.refused[i]};
    one(t, "mempool_txs", "gauge", "Transactions that wait.", v->mempool.txs);
    one(t, "mempool_bytes", "gauge", "Memory that they take.", v->mempool.bytes);
    labelled(t, "tx_rejected_total", "counter", "reason", "Transactions the mempool turned away.",
             &(struct node_ops_counts){refused, n});
    histogram(t, "exec_seconds", "Execution of a block.", v->exec);
    one(t, "gas_used_total", "counter", "Gas of executed blocks.", v->gas_used);
}

static void machine(struct node_ops_text *t, const struct node_ops_view *v)
{
    histogram(t, "db_fsync_seconds", "Commits of the chain database.", v->db_fsync);
    one(t, "db_size_bytes", "gauge", "Size of the chain database.", v->db_bytes);
    if (v->disk_known)
        one(t, "disk_free_bytes", "gauge", "Left where the chain database is.", v->disk_free_bytes);
    if (v->clock_known)
        seconds(t, "clock_skew_seconds", "Others' clocks against this one; above 0: it is behind.",
                v->clock_skew_ns);
    labelled(t, "sign_refused_total", "counter", "reason", "Signatures that the guard refused.",
             &v->sign_refused);
    labelled(t, "fault_active", "gauge", "kind", "Faults injected (development only).", &v->faults);
}

static void rpc(struct node_ops_text *t, const struct node_ops_view *v)
{
    if (v->rpc_count > 0)
        head(t, "rpc_request_seconds", "histogram", "JSON-RPC requests.");
    for (uint32_t i = 0; i < v->rpc_count; i++)
        series(t, "rpc_request_seconds", "method", v->rpc[i].name, v->rpc[i].seconds);
    labelled(t, "rpc_errors_total", "counter", "code", "JSON-RPC errors answered.", &v->rpc_errors);
}

void node_ops_metrics(struct node_ops_text *t, const struct node_ops_view *v)
{
    head(t, "build_info", "gauge", "Always 1; the labels say what runs.");
    node_ops_print(t, "tandem_build_info{version=");
    node_ops_label(t, v->version);
    node_ops_print(t, ",commit=");
    node_ops_label(t, v->commit);
    node_ops_print(t, "} 1\n");
    chain(t, v);
    network(t, v);
    transactions(t, v);
    machine(t, v);
    rpc(t, v);
}
