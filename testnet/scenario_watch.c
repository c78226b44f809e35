#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "testnet/scenario_run.h"

/* A node that is too busy to answer in this time counts as one that says nothing new. */
#define RPC_TIMEOUT_MS 500u

int64_t scenario_now_ms(const struct scenario_run *r)
{
    return (int64_t)((td_clock_mono_ns(&r->clock) - r->begin_ns) / 1000000u);
}

void scenario_watch_init(struct scenario_run *r)
{
    r->seen = calloc(SCENARIO_HEIGHTS_MAX, sizeof *r->seen);
    TD_ASSERT(r->seen != NULL);
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        testnet_rpc_init(&r->nodes[i].rpc, &r->net, i, RPC_TIMEOUT_MS);
        node_http_client_init(&r->nodes[i].ops, "127.0.0.1", testnet_ops_port(&r->net, i),
                              RPC_TIMEOUT_MS);
        r->nodes[i].exit_code = -1;
    }
}

void scenario_watch_free(struct scenario_run *r)
{
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        node_http_client_free(&r->nodes[i].rpc);
        node_http_client_free(&r->nodes[i].ops);
    }
    free(r->seen);
}

static bool reachable(const struct scenario_run *r, uint32_t i)
{
    return !r->nodes[i].paused && testnet_alive(&r->net.nodes[i]);
}

/* ---- blocks */

static void note(struct scenario_run *r, uint64_t height, const struct td_hash *hash)
{
    if (height >= SCENARIO_HEIGHTS_MAX)
        return;
    if (td_hash_is_zero(&r->seen[height]))
        r->seen[height] = *hash;
    else if (!td_hash_eq(&r->seen[height], hash) && r->contradiction == 0)
        r->contradiction = height;
}

static void look_at(struct scenario_run *r, uint32_t i)
{
    struct scenario_node *n = &r->nodes[i];
    uint64_t height;
    struct td_hash hash;
    json_t *b = testnet_rpc_call(&n->rpc, "eth_getBlockByNumber", "[\"latest\",false]");
    const char *text = json_string_value(json_object_get(b, "hash"));
    if (text != NULL && testnet_quantity(&height, json_object_get(b, "number")) &&
        td_hex_decode_fixed(hash.b, sizeof hash.b, TD_HEX_PREFIXED, text, strlen(text)) == TD_OK) {
        note(r, height, &hash);
        n->height = height > n->height ? height : n->height;
    }
    json_decref(b);
}

void scenario_look(struct scenario_run *r)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        if (reachable(r, i))
            look_at(r, i);
        least = r->nodes[i].height < least ? r->nodes[i].height : least;
        most = r->nodes[i].height > most ? r->nodes[i].height : most;
    }
    uint64_t now = td_clock_mono_ns(&r->clock);
    if (now - r->highest_ns > r->stall_ns && r->highest > 0)
        r->stall_ns = now - r->highest_ns;
    if (most > r->highest) {
        r->highest = most;
        r->highest_ns = now;
    }
    if (r->recovering && least >= r->target) {
        r->recovering = false;
        r->recovery_ns = now - r->healed_ns > r->recovery_ns ? now - r->healed_ns : r->recovery_ns;
    }
}

void scenario_healed(struct scenario_run *r)
{
    r->recovering = true;
    r->healed_ns = td_clock_mono_ns(&r->clock);
    r->target = r->highest + 1u;
}

/* ---- /status */

static json_t *page(struct scenario_run *r, uint32_t i)
{
    struct node_http_client *c = &r->nodes[i].ops;
    json_error_t where;
    if (!reachable(r, i) || node_http_get(c, "/status") != TD_OK)
        return NULL;
    return json_loadb(c->body, c->body_len, 0, &where);
}

/* The address of the validator for which `key` is true, "" if there is none. */
static void address_where(char out[48], const json_t *status, const char *key)
{
    const json_t *list = json_object_get(status, "validators");
    out[0] = '\0';
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *v = json_array_get(list, k);
        const char *address = json_string_value(json_object_get(v, "address"));
        if (json_is_true(json_object_get(v, key)) && address != NULL)
            snprintf(out, 48, "%s", address);
    }
}

void scenario_identify(struct scenario_run *r)
{
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        json_t *status = page(r, i);
        address_where(r->nodes[i].address, status, "self");
        json_decref(status);
    }
}

uint32_t scenario_leader(struct scenario_run *r)
{
    char leader[48];
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        json_t *status = page(r, i);
        address_where(leader, status, "leader");
        json_decref(status);
        for (uint32_t k = 0; leader[0] != '\0' && k < testnet_count(&r->net); k++)
            if (strcmp(r->nodes[k].address, leader) == 0)
                return k;
    }
    return UINT32_MAX;
}

static bool round_of(struct scenario_run *r, uint32_t i, uint64_t *out)
{
    json_t *status = page(r, i);
    const json_t *v = json_object_get(status, "round");
    bool good = json_is_integer(v);
    if (good)
        *out = (uint64_t)json_integer_value(v);
    json_decref(status);
    return good;
}

/* ---- /metrics */

/* The sum over all labels of one metric; false: the page has none of that name. */
static bool metric_of(struct scenario_run *r, uint32_t i, const char *name, int64_t *out)
{
    struct node_http_client *c = &r->nodes[i].ops;
    size_t len = strlen(name);
    double sum = 0;
    bool found = false;
    if (!reachable(r, i) || node_http_get(c, "/metrics") != TD_OK)
        return false;
    for (const char *line = c->body; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && (line[len] == ' ' || line[len] == '{')) {
            const char *end = strchr(line, '\n');
            const char *value = line;
            for (const char *at = line; at != end && *at != '\0'; at++)
                if (*at == ' ')
                    value = at + 1; /* behind the last blank */
            sum += strtod(value, NULL);
            found = true;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    *out = (int64_t)sum;
    return found;
}

/* ---- expectations */

static bool blocks_since(const struct scenario_run *r, const struct scenario_expect *e,
                         const struct scenario_expect_state *st, int64_t *out)
{
    *out = INT64_MAX;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        int64_t gained = (int64_t)(r->nodes[i].height - st->height[i]);
        if ((e->of >> i & 1u) != 0 && gained < *out)
            *out = gained;
    }
    return true;
}

static bool rounds_since(struct scenario_run *r, const struct scenario_expect *e,
                         const struct scenario_expect_state *st, int64_t *out)
{
    bool any = false;
    *out = 0;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        uint64_t round;
        if ((e->of >> i & 1u) == 0 || !round_of(r, i, &round))
            continue;
        int64_t gained = (int64_t)(round - st->round[i]);
        *out = gained > *out ? gained : *out;
        any = true;
    }
    return any;
}

static bool metric_since(struct scenario_run *r, const struct scenario_expect *e, int64_t *out)
{
    bool any = false;
    *out = 0;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        int64_t v;
        if ((e->of >> i & 1u) == 0 || !metric_of(r, i, e->metric, &v))
            continue;
        *out = !any || v > *out ? v : *out;
        any = true;
    }
    return any;
}

static bool process_metric(const struct scenario_run *r, const struct scenario_expect *e,
                           int64_t *out)
{
    bool exits = strcmp(e->metric, "exit_code") == 0;
    uint64_t least = UINT64_MAX;
    *out = exits ? -1 : 0;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        if ((e->of >> i & 1u) == 0)
            continue;
        if (exits && *out < 0)
            *out = r->nodes[i].exit_code;
        else if (strcmp(e->metric, "running") == 0)
            *out += testnet_alive(&r->net.nodes[i]) ? 1 : 0;
        least = r->nodes[i].height < least ? r->nodes[i].height : least;
    }
    if (strcmp(e->metric, "lag") == 0)
        *out = (int64_t)(r->highest - least);
    return true;
}

static bool measure(struct scenario_run *r, const struct scenario_expect *e,
                    const struct scenario_expect_state *st, int64_t *out)
{
    if (strcmp(e->metric, "blocks") == 0)
        return blocks_since(r, e, st, out);
    if (strcmp(e->metric, "rounds") == 0)
        return rounds_since(r, e, st, out);
    if (strncmp(e->metric, "tandem_", 7) == 0)
        return metric_since(r, e, out);
    if (strcmp(e->metric, "stall_ms") == 0 || strcmp(e->metric, "recovery_ms") == 0) {
        *out = (int64_t)((e->metric[0] == 's' ? r->stall_ns : r->recovery_ns) / 1000000u);
        return true;
    }
    return process_metric(r, e, out);
}

static void begin(struct scenario_run *r, const struct scenario_expect *e,
                  struct scenario_expect_state *st)
{
    st->begun = true;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        st->height[i] = r->nodes[i].height;
        if (strcmp(e->metric, "rounds") == 0 && !round_of(r, i, &st->round[i]))
            st->round[i] = 0;
    }
}

static void tell(const struct scenario_run *r, const struct scenario_expect *e,
                 const struct scenario_expect_state *st)
{
    fprintf(r->out, "%6.1f s  %s line %" PRIu32 ": %s %s %" PRId64,
            (double)scenario_now_ms(r) / 1000.0, st->good ? "✓" : "✗", e->line, e->metric,
            scenario_op_text(e->op), e->value);
    if (st->measured)
        fprintf(r->out, " (is %" PRId64 ")\n", st->value);
    else
        fprintf(r->out, " (cannot be told)\n");
    fflush(r->out);
}

/* Whether it is settled now. */
static bool settle(struct scenario_run *r, const struct scenario_expect *e,
                   struct scenario_expect_state *st, int64_t now, bool end)
{
    bool timed = e->within_ms >= 0 || e->during_ms >= 0;
    if (!timed && !end)
        return false;
    st->measured = measure(r, e, st, &st->value) || st->measured;
    st->good = st->measured && scenario_compare(st->value, e->op, e->value);
    if (e->during_ms >= 0)
        return !st->good || now >= e->at_ms + e->during_ms || end;
    return st->good || end || now >= e->at_ms + e->within_ms;
}

void scenario_expect(struct scenario_run *r, bool end)
{
    int64_t now = scenario_now_ms(r);
    for (uint32_t i = 0; i < r->s.expect_count; i++) {
        const struct scenario_expect *e = &r->s.expects[i];
        struct scenario_expect_state *st = &r->expects[i];
        if (st->done || (now < e->at_ms && !end))
            continue;
        if (!st->begun)
            begin(r, e, st);
        st->done = settle(r, e, st, now, end);
        if (st->done)
            tell(r, e, st);
    }
}
