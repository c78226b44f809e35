#include <inttypes.h>

#include "node/ops/ops_internal.h"

static void hex(struct node_ops_text *t, const uint8_t *bytes, size_t len)
{
    node_ops_append(t, "\"0x", 3);
    for (size_t i = 0; i < len; i++)
        node_ops_print(t, "%02x", bytes[i]);
    node_ops_append(t, "\"", 1);
}

static void string(struct node_ops_text *t, const char *key, const char *value)
{
    node_ops_print(t, "\"%s\":", key);
    node_ops_json_string(t, value);
}

static void validators(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_ops_online on;
    node_ops_online(v, &on);
    node_ops_print(t,
                   ",\"quorum\":{\"online\":%" PRIu32 ",\"count\":%" PRIu32 ",\"stake\":%" PRIu64
                   ",\"needed\":%" PRIu64 "},\"validators\":[",
                   on.count, on.all, on.stake, v->quorum_stake);
    for (uint32_t i = 0; i < v->validator_count; i++) {
        const struct node_ops_validator *x = &v->validators[i];
        node_ops_print(t, "%s{\"address\":", i > 0 ? "," : "");
        hex(t, x->addr.b, sizeof x->addr.b);
        node_ops_append(t, ",", 1);
        string(t, "name", x->name);
        node_ops_print(t,
                       ",\"stake\":%" PRIu64 ",\"online\":%s,\"self\":%s,\"leader\":%s,"
                       "\"last_vote_round\":%" PRIu64 ",\"rtt_us\":%" PRIu64 "}",
                       x->stake, x->online ? "true" : "false", x->self ? "true" : "false",
                       i == v->core.leader ? "true" : "false", x->last_vote_round,
                       x->rtt_ns / 1000u);
    }
    node_ops_append(t, "]", 1);
}

static void peers(struct node_ops_text *t, const struct node_ops_view *v)
{
    static const struct td_addr none;
    node_ops_print(t, ",\"peers\":[");
    for (uint32_t i = 0; i < v->peer_count; i++) {
        const struct node_ops_peer *p = &v->peers[i];
        node_ops_print(t, "%s{", i > 0 ? "," : "");
        string(t, "host", p->host);
        node_ops_print(t, ",\"port\":%u,\"validator\":", p->port);
        if (td_addr_eq(&p->validator, &none))
            node_ops_append(t, "null", 4);
        else
            hex(t, p->validator.b, sizeof p->validator.b);
        node_ops_print(t,
                       ",\"dir\":\"%s\",\"up_ms\":%" PRIu64 ",\"rtt_us\":%" PRIu64
                       ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"score\":%" PRId32 "}",
                       p->outgoing ? "out" : "in", p->since_ns / 1000000u, p->rtt_ns / 1000u,
                       p->bytes_in, p->bytes_out, p->score);
    }
    node_ops_append(t, "]", 1);
}

static void blocks(struct node_ops_text *t, const struct node_ops_view *v)
{
    node_ops_print(t, ",\"blocks\":[");
    for (uint32_t i = 0; i < v->block_count; i++) {
        const struct node_ops_block *b = &v->blocks[i];
        node_ops_print(t,
                       "%s{\"height\":%" PRIu64 ",\"round\":%" PRIu64 ",\"age_ms\":%" PRIu64
                       ",\"txs\":%" PRIu32 ",\"gas_used\":%" PRIu64 ",\"hash\":",
                       i > 0 ? "," : "", b->height, b->round, b->age_ns / 1000000u, b->txs,
                       b->gas_used);
        hex(t, b->hash.b, sizeof b->hash.b);
        node_ops_append(t, ",", 1);
        string(t, "leader", b->leader);
        node_ops_append(t, "}", 1);
    }
    node_ops_append(t, "]", 1);
}

static void faults(struct node_ops_text *t, const struct node_ops_view *v)
{
    bool first = true;
    node_ops_print(t, ",\"faults\":{");
    for (uint32_t i = 0; i < v->faults.count; i++) {
        if (v->faults.items[i].value == 0)
            continue;
        node_ops_print(t, "%s", first ? "" : ",");
        node_ops_json_string(t, v->faults.items[i].label);
        node_ops_print(t, ":%" PRIu64, v->faults.items[i].value);
        first = false;
    }
    node_ops_append(t, "}", 1);
}

static void health(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    enum node_health worst = node_ops_health(v, c);
    node_ops_print(t, ",\"health\":\"%s\",\"affected\":[", node_health_text(worst));
    bool first = true;
    for (uint32_t i = 0; i < NODE_COMPONENT_COUNT; i++) {
        if (c[i].health == NODE_READY)
            continue;
        node_ops_print(t, "%s{\"component\":\"%s\",\"health\":\"%s\",", first ? "" : ",",
                       node_component_text((enum node_component)i), node_health_text(c[i].health));
        string(t, "reason", c[i].reason);
        node_ops_append(t, "}", 1);
        first = false;
    }
    node_ops_append(t, "]", 1);
}

void node_ops_status(struct node_ops_text *t, const struct node_ops_view *v)
{
    char cause[NODE_REASON_BYTES];
    bool stopped = node_ops_cause(v, cause);
    node_ops_append(t, "{", 1);
    string(t, "name", v->name);
    node_ops_append(t, ",", 1);
    string(t, "role", v->role);
    node_ops_append(t, ",", 1);
    string(t, "version", v->version);
    node_ops_append(t, ",", 1);
    string(t, "commit", v->commit);
    node_ops_print(t,
                   ",\"chain_id\":%" PRIu64 ",\"uptime_ms\":%" PRIu64
                   ",\"block_interval_ms\":%" PRIu64 ",\"mode\":\"%s\",\"syncing\":%s",
                   v->chain_id, v->uptime_ns / 1000000u, v->block_interval_ns / 1000000u,
                   node_ops_mode(v->core.mode), v->core.syncing ? "true" : "false");
    node_ops_print(t,
                   ",\"epoch\":%" PRIu64 ",\"round\":%" PRIu64 ",\"latest\":%" PRIu64
                   ",\"safe\":%" PRIu64 ",\"finalized\":%" PRIu64 ",\"final\":%" PRIu64
                   ",\"highest_known\":%" PRIu64 ",\"head_age_ms\":%" PRIu64,
                   v->core.epoch, v->core.round, v->latest, v->safe, v->finalized,
                   v->core.final_height, v->highest_known, v->head_age_ns / 1000000u);
    node_ops_print(
        t,
        ",\"rounds_by_certificate\":%" PRIu64 ",\"rounds_by_timeout\":%" PRIu64
        ",\"mempool\":{\"txs\":%" PRIu32 ",\"executable\":%" PRIu32 ",\"queued\":%" PRIu32
        ",\"held\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"max_txs\":%" PRIu32 "},",
        v->core.rounds_entered_qc, v->core.rounds_entered_tc, v->mempool.txs, v->mempool.executable,
        v->mempool.queued, v->mempool.held, v->mempool.bytes, v->mempool_max_txs);
    string(t, "cause", stopped ? cause : NULL);
    health(t, v);
    validators(t, v);
    peers(t, v);
    blocks(t, v);
    faults(t, v);
    node_ops_append(t, "}\n", 2);
}
