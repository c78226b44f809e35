#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "node/ops/ops_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define LOOP_MAX_NS (5u * SECOND_NS)
/* Blocks count as stopped after this many intervals, and not before 10 s; as late at a third: view
 * changes take up to three timeouts of about a second. */
#define STOPPED_INTERVALS 10u
#define STOPPED_MIN_NS (10u * SECOND_NS)
/* Others' clocks may be this far off before timestamps become a matter of taste. */
#define SKEW_AFFECTED_NS (500u * UINT64_C(1000000))
#define SKEW_NOT_READY_NS (10u * SECOND_NS)

const char *node_health_text(enum node_health h)
{
    switch (h) {
    case NODE_READY:
        return "ready";
    case NODE_AFFECTED:
        return "affected";
    case NODE_NOT_READY:
        return "not_ready";
    case NODE_SHUTTING_DOWN:
        return "shutting_down";
    }
    return "unknown";
}

const char *node_component_text(enum node_component c)
{
    switch (c) {
    case NODE_COMPONENT_LOOP:
        return "loop";
    case NODE_COMPONENT_CONSENSUS:
        return "consensus";
    case NODE_COMPONENT_NETWORK:
        return "network";
    case NODE_COMPONENT_EXECUTION:
        return "execution";
    case NODE_COMPONENT_STORAGE:
        return "storage";
    case NODE_COMPONENT_SIGNER:
        return "signer";
    case NODE_COMPONENT_CLOCK:
        return "clock";
    case NODE_COMPONENT_MEMPOOL:
        return "mempool";
    case NODE_COMPONENT_COUNT:
        break;
    }
    return "unknown";
}

const char *node_ops_mode(enum bft_mode mode)
{
    switch (mode) {
    case BFT_MODE_STARTING:
        return "starting";
    case BFT_MODE_ACTIVE:
        return "active";
    case BFT_MODE_PASSIVE:
        return "passive";
    case BFT_MODE_FOLLOWER:
        return "follower";
    case BFT_MODE_HALTED:
        return "halted";
    }
    return "unknown";
}

static const char *halt_text(enum bft_halt_reason why)
{
    switch (why) {
    case BFT_HALT_NONE:
        return "no reason given";
    case BFT_HALT_TWO_QCS:
        return "two certified blocks in one round: a third of the stake misbehaves";
    case BFT_HALT_TWO_FINALS:
        return "a proof contradicts a block that is final here";
    case BFT_HALT_DOPPELGANGER:
        return "another node signs with this validator's key";
    case BFT_HALT_GUARD:
        return "the sign guard refused a signature";
    }
    return "no reason given";
}

void node_ops_online(const struct node_ops_view *v, struct node_ops_online *out)
{
    bool equal = true;
    *out = (struct node_ops_online){.all = v->validator_count};
    for (uint32_t i = 0; i < v->validator_count; i++) {
        const struct node_ops_validator *x = &v->validators[i];
        out->stake_all += x->stake;
        out->stake += x->online ? x->stake : 0;
        out->count += x->online ? 1u : 0u;
        equal = equal && x->stake == v->validators[0].stake;
    }
    uint64_t each = v->validator_count > 0 ? v->validators[0].stake : 0;
    if (equal && each > 0)
        out->needed = (uint32_t)(v->quorum_stake / each + (v->quorum_stake % each > 0 ? 1u : 0u));
}

static uint64_t stopped_after(const struct node_ops_view *v)
{
    uint64_t limit = v->block_interval_ns > UINT64_MAX / STOPPED_INTERVALS
                         ? UINT64_MAX
                         : STOPPED_INTERVALS * v->block_interval_ns;
    return limit > STOPPED_MIN_NS ? limit : STOPPED_MIN_NS;
}

__attribute__((format(printf, 3, 4))) static void
say(struct node_component_health *h, enum node_health health, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(h->reason, sizeof h->reason, format, args);
    va_end(args);
    h->health = health;
}

/* "2 of 4 online, need 3"; false: enough. */
static bool too_few(const struct node_ops_view *v, char out[NODE_REASON_BYTES])
{
    struct node_ops_online on;
    node_ops_online(v, &on);
    if (on.all == 0 || on.stake >= v->quorum_stake)
        return false;
    if (on.needed > 0)
        (void)snprintf(out, NODE_REASON_BYTES, "%" PRIu32 " of %" PRIu32 " online, need %" PRIu32,
                       on.count, on.all, on.needed);
    else
        (void)snprintf(out, NODE_REASON_BYTES,
                       "%" PRIu32 " of %" PRIu32 " online with %" PRIu64 " of %" PRIu64
                       " stake, need %" PRIu64,
                       on.count, on.all, on.stake, on.stake_all, v->quorum_stake);
    return true;
}

static void leader_name(const struct node_ops_view *v, char *out, size_t size)
{
    if (v->core.leader >= v->validator_count)
        (void)snprintf(out, size, "validator %u", v->core.leader);
    else if (v->validators[v->core.leader].name != NULL)
        (void)snprintf(out, size, "%.64s", v->validators[v->core.leader].name);
    else
        (void)snprintf(out, size, "0x%02x%02x%02x%02x..", v->validators[v->core.leader].addr.b[0],
                       v->validators[v->core.leader].addr.b[1],
                       v->validators[v->core.leader].addr.b[2],
                       v->validators[v->core.leader].addr.b[3]);
}

/* The first that applies: what stops this node comes before what stops all. */
bool node_ops_cause(const struct node_ops_view *v, char out[NODE_REASON_BYTES])
{
    char leader[80];
    out[0] = '\0';
    if (v->shutting_down)
        (void)snprintf(out, NODE_REASON_BYTES, "this node is shutting down");
    else if (v->core.mode == BFT_MODE_HALTED)
        (void)snprintf(out, NODE_REASON_BYTES, "this node has halted: %s", halt_text(v->core.halt));
    else if (v->diverged)
        (void)snprintf(out, NODE_REASON_BYTES,
                       "this node's results differ from the certified ones; it must not go on");
    else if (v->storage_error != NULL)
        (void)snprintf(out, NODE_REASON_BYTES, "this node cannot write: %.120s", v->storage_error);
    else if (v->head_age_ns < stopped_after(v))
        return false;
    else if (too_few(v, out))
        return true;
    else if (v->core.syncing)
        (void)snprintf(out, NODE_REASON_BYTES, "this node catches up: at %" PRIu64 " of %" PRIu64,
                       v->latest, v->highest_known);
    else if (v->peer_count == 0 && v->validator_count > 1)
        (void)snprintf(out, NODE_REASON_BYTES, "this node has no peers");
    else {
        leader_name(v, leader, sizeof leader);
        (void)snprintf(out, NODE_REASON_BYTES,
                       "enough validators are online, but round %" PRIu64
                       " brings no block; its leader is %s",
                       v->core.round, leader);
    }
    return true;
}

static void consensus(const struct node_ops_view *v, struct node_component_health *h)
{
    char cause[NODE_REASON_BYTES];
    uint64_t limit = stopped_after(v);
    if (v->core.mode == BFT_MODE_HALTED)
        say(h, NODE_NOT_READY, "halted: %s", halt_text(v->core.halt));
    else if (v->core.syncing)
        say(h, NODE_NOT_READY, "catching up: at %" PRIu64 " of %" PRIu64, v->latest,
            v->highest_known);
    else if (v->head_age_ns >= limit && node_ops_cause(v, cause))
        say(h, NODE_NOT_READY, "no block for %" PRIu64 " s: %.150s", v->head_age_ns / SECOND_NS,
            cause);
    else if (v->head_age_ns >= limit / 3)
        say(h, NODE_AFFECTED, "no block for %" PRIu64 " s", v->head_age_ns / SECOND_NS);
    else if (v->core.mode == BFT_MODE_PASSIVE)
        say(h, NODE_AFFECTED, "signs nothing until the next epoch");
    else if (v->core.mode == BFT_MODE_STARTING)
        say(h, NODE_AFFECTED, "asks the others where they are before it signs");
}

static void network(const struct node_ops_view *v, struct node_component_health *h)
{
    char text[NODE_REASON_BYTES];
    struct node_ops_online on;
    node_ops_online(v, &on);
    if (too_few(v, text))
        say(h, NODE_NOT_READY, "%s", text);
    else if (v->peer_count == 0 && v->validator_count > 1)
        say(h, NODE_NOT_READY, "no peers");
    else if (on.count < on.all && on.stake - v->quorum_stake < on.stake_all / on.all)
        say(h, NODE_AFFECTED, "%" PRIu32 " of %" PRIu32 " online: one more loss stops blocks",
            on.count, on.all);
}

static void storage(const struct node_ops_view *v, struct node_component_health *h)
{
    if (v->storage_error != NULL)
        say(h, NODE_NOT_READY, "%.180s", v->storage_error);
    else if (v->disk_known && v->disk_free_bytes < v->disk_min_bytes)
        say(h, NODE_NOT_READY, "%" PRIu64 " MiB of disk left, need %" PRIu64,
            v->disk_free_bytes >> 20, v->disk_min_bytes >> 20);
    else if (v->disk_known && v->disk_free_bytes / 2u < v->disk_min_bytes)
        say(h, NODE_AFFECTED, "%" PRIu64 " MiB of disk left, at %" PRIu64 " the node stops",
            v->disk_free_bytes >> 20, v->disk_min_bytes >> 20);
}

static void clock_skew(const struct node_ops_view *v, struct node_component_health *h)
{
    int64_t ns = v->clock_skew_ns;
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (v->clock_known && size >= SKEW_AFFECTED_NS)
        say(h, size >= SKEW_NOT_READY_NS ? NODE_NOT_READY : NODE_AFFECTED,
            "this clock is %" PRIu64 " ms %s the others'", size / 1000000u,
            ns < 0 ? "ahead of" : "behind");
}

static void mempool(const struct node_ops_view *v, struct node_component_health *h)
{
    if ((v->mempool_max_txs > 0 &&
         v->mempool.txs >= v->mempool_max_txs - v->mempool_max_txs / 20) ||
        (v->mempool_max_bytes > 0 &&
         v->mempool.bytes >= v->mempool_max_bytes - v->mempool_max_bytes / 20))
        say(h, NODE_AFFECTED, "full: cheap transactions are turned away");
}

enum node_health node_ops_health(const struct node_ops_view *v,
                                 struct node_component_health out[NODE_COMPONENT_COUNT])
{
    enum node_health worst = NODE_READY;
    memset(out, 0, NODE_COMPONENT_COUNT * sizeof out[0]);
    if (v->loop_age_ns >= LOOP_MAX_NS)
        say(&out[NODE_COMPONENT_LOOP], NODE_NOT_READY, "stuck for %" PRIu64 " s",
            v->loop_age_ns / SECOND_NS);
    consensus(v, &out[NODE_COMPONENT_CONSENSUS]);
    network(v, &out[NODE_COMPONENT_NETWORK]);
    if (v->diverged)
        say(&out[NODE_COMPONENT_EXECUTION], NODE_NOT_READY,
            "results differ from the certified ones");
    storage(v, &out[NODE_COMPONENT_STORAGE]);
    if (v->signer_error != NULL)
        say(&out[NODE_COMPONENT_SIGNER], NODE_NOT_READY, "%.180s", v->signer_error);
    clock_skew(v, &out[NODE_COMPONENT_CLOCK]);
    mempool(v, &out[NODE_COMPONENT_MEMPOOL]);
    for (uint32_t i = 0; i < NODE_COMPONENT_COUNT; i++) {
        if (v->shutting_down)
            say(&out[i], NODE_SHUTTING_DOWN, "shutting down");
        worst = out[i].health > worst ? out[i].health : worst;
    }
    return worst;
}
