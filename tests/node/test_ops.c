/* node/ops: the pages of a node that does well and of one that does not.  /metrics goes through a
 * strict reader, JSON through jansson; then a table of what makes a node not ready and which words
 * it finds for it; then the rules and the dashboard that ship with it, which may name only metrics
 * that exist. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node/exposition.h"
#include "tests/node/ops_fixture.h"

#define MS UINT64_C(1000000)

static struct ops_fixture fixture;
static struct node_ops_text text;
static const char *type;

static void setup(void)
{
    ops_fixture_init(&fixture);
}

static void teardown(void)
{
    free(text.data);
}

TestSuite(ops, .init = setup, .fini = teardown);

static int page(const char *path)
{
    text.len = 0;
    int code = node_ops_page(&text, &fixture.view, path, true, true, &type);
    cr_assert_not(text.failed, "%s", path);
    char *ended = realloc(text.data, text.len + 1u);
    cr_assert_not_null(ended);
    text.data = ended;
    text.cap = text.len + 1u;
    ended[text.len] = '\0';
    return code;
}

static json_t *json(const char *path, int code)
{
    json_error_t error;
    cr_assert_eq(page(path), code);
    cr_assert_str_eq(type, "application/json");
    json_t *root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(root, "%s: %s at %d: %.*s", path, error.text, error.position, 200,
                       text.data);
    return root;
}

static const char *string(json_t *root, const char *key)
{
    const char *s = json_string_value(json_object_get(root, key));
    return s == NULL ? "(none)" : s;
}

static void expect_metric(const char *sample, const char *want)
{
    const char *got = exposition_value(text.data, text.len, sample);
    cr_assert_not_null(got, "%s", sample);
    cr_assert_str_eq(got, want, "%s is %s", sample, got);
}

/* ---- metrics */

Test(ops, metrics_are_well_formed)
{
    static struct exposition x;
    cr_assert_eq(page("/metrics"), 200);
    cr_assert_str_eq(type, "text/plain; version=0.0.4; charset=utf-8");
    exposition_parse(&x, text.data, text.len);
    cr_assert_str_empty(x.fault, "%s", x.fault);
    for (uint32_t i = 0; i < x.count; i++)
        cr_assert_eq(strncmp(x.families[i].name, "tandem_", 7), 0, "%s", x.families[i].name);
}

Test(ops, metrics_that_are_promised_are_there)
{
    static const char *const names[][2] = {
        {"build_info", "gauge"},
        {"head_height", "gauge"},
        {"final_height", "gauge"},
        {"finalized_height", "gauge"},
        {"head_age_seconds", "gauge"},
        {"round", "gauge"},
        {"round_changes_total", "counter"},
        {"commit_latency_seconds", "histogram"},
        {"proposals_total", "counter"},
        {"votes_total", "counter"},
        {"missed_leader_slots_total", "counter"},
        {"equivocations_seen_total", "counter"},
        {"validators_online", "gauge"},
        {"quorum_margin", "gauge"},
        {"peers", "gauge"},
        {"p2p_bytes_total", "counter"},
        {"p2p_frames_rejected_total", "counter"},
        {"p2p_rtt_seconds", "histogram"},
        {"mempool_txs", "gauge"},
        {"mempool_bytes", "gauge"},
        {"tx_rejected_total", "counter"},
        {"exec_seconds", "histogram"},
        {"gas_used_total", "counter"},
        {"db_fsync_seconds", "histogram"},
        {"db_size_bytes", "gauge"},
        {"disk_free_bytes", "gauge"},
        {"clock_skew_seconds", "gauge"},
        {"rpc_request_seconds", "histogram"},
        {"rpc_errors_total", "counter"},
        {"sign_refused_total", "counter"},
        {"fault_active", "gauge"},
    };
    static struct exposition x;
    char full[128];
    page("/metrics");
    exposition_parse(&x, text.data, text.len);
    cr_assert_eq(x.count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(full, sizeof full, "tandem_%s", names[i][0]);
        const char *is = exposition_type(&x, full);
        cr_assert_not_null(is, "%s", full);
        cr_assert_str_eq(is, names[i][1], "%s", full);
    }
}

Test(ops, metrics_have_the_values)
{
    page("/metrics");
    expect_metric("tandem_build_info{version=\"0.1.0\",commit=\"0123456789ab\"}", "1");
    expect_metric("tandem_head_height", "128");
    expect_metric("tandem_final_height", "129");
    expect_metric("tandem_head_age_seconds", "0.400000000");
    expect_metric("tandem_clock_skew_seconds", "-0.000012500");
    expect_metric("tandem_round_changes_total{reason=\"timeout\"}", "2");
    expect_metric("tandem_validators_online", "4");
    expect_metric("tandem_quorum_margin", "13");
    expect_metric("tandem_peers{dir=\"in\"}", "2");
    expect_metric("tandem_peers{dir=\"out\"}", "1");
    expect_metric("tandem_tx_rejected_total{reason=\"nonce_low\"}", "5");
    expect_metric("tandem_tx_rejected_total{reason=\"held\"}", "0");
    expect_metric("tandem_rpc_errors_total{code=\"-32601\"}", "7");
    expect_metric("tandem_fault_active{kind=\"partition\"}", "1");
    expect_metric("tandem_exec_seconds_bucket{le=\"0.005000000\"}", "1");
    expect_metric("tandem_exec_seconds_bucket{le=\"10.000000000\"}", "2");
    expect_metric("tandem_exec_seconds_bucket{le=\"+Inf\"}", "3");
    expect_metric("tandem_exec_seconds_sum", "40.404000000");
    expect_metric("tandem_exec_seconds_count", "3");
    expect_metric("tandem_rpc_request_seconds_count{method=\"eth_call\"}", "3");
    fixture.validators[1].online = fixture.validators[2].online = false;
    page("/metrics");
    expect_metric("tandem_quorum_margin", "-7");
}

Test(ops, metrics_leave_out_what_is_not_known)
{
    static struct exposition x;
    struct node_ops_view *v = &fixture.view;
    v->commit_latency = v->exec = v->db_fsync = v->p2p_rtt = NULL;
    v->rpc_count = 0;
    v->disk_known = v->clock_known = false;
    v->proposals.count = v->votes.count = v->frames_rejected.count = 0;
    v->sign_refused.count = v->rpc_errors.count = v->faults.count = 0;
    page("/metrics");
    exposition_parse(&x, text.data, text.len);
    cr_assert_str_empty(x.fault, "%s", x.fault);
    cr_assert_eq(x.count, 18);
    cr_assert_null(exposition_type(&x, "tandem_exec_seconds"));
    cr_assert_null(exposition_type(&x, "tandem_disk_free_bytes"));
}

Test(ops, reader_refuses_what_a_scraper_would)
{
    static const char *const bad[] = {
        "",
        "a 1\n",
        "# HELP a x\na 1\n",
        "# HELP a x\n# TYPE a gauge\n",
        "# HELP a x\n# TYPE b gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na 1 \n",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na{x=\"\\q\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{x=\"1} 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
    };
    static struct exposition x;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        exposition_parse(&x, bad[i], strlen(bad[i]));
        cr_assert_neq(x.fault[0], '\0', "%s", bad[i]);
    }
    const char *good = "# HELP a_total x\n# TYPE a_total counter\na_total{x=\"\\\"\\n\"} 1.5e3\n";
    exposition_parse(&x, good, strlen(good));
    cr_assert_str_empty(x.fault, "%s", x.fault);
}

Test(ops, buckets_take_their_bound_in)
{
    struct node_histogram h = {0};
    node_histogram_observe(&h, 0);
    node_histogram_observe(&h, 100000);
    node_histogram_observe(&h, 100001);
    node_histogram_observe(&h, 10000 * MS);
    node_histogram_observe(&h, 10000 * MS + 1);
    cr_assert(h.bucket[0] == 2 && h.bucket[1] == 1 && h.bucket[NODE_HISTOGRAM_BUCKETS - 1] == 1);
    cr_assert_eq(h.count, 5);
    cr_assert_eq(h.sum_ns, 20000 * MS + 200002);
    for (uint32_t i = 1; i < NODE_HISTOGRAM_BUCKETS; i++)
        cr_assert_lt(node_histogram_bounds_ns[i - 1], node_histogram_bounds_ns[i]);
}

/* ---- health */

enum spoil {
    NOTHING,
    SHUTDOWN,
    LOOP,
    HALTED,
    SYNCING,
    OLD,
    LATE,
    PASSIVE,
    TWO_GONE,
    TWO_GONE_OLD,
    ONE_GONE,
    ALONE,
    UNEQUAL,
    DIVERGED,
    DISK_ERROR,
    DISK_FULL,
    DISK_LOW,
    SIGNER,
    CLOCK_FAR,
    CLOCK_OFF,
    POOL_FULL
};

static void spoil_chain(enum spoil what)
{
    struct node_ops_view *v = &fixture.view;
    v->shutting_down = what == SHUTDOWN;
    v->diverged = what == DIVERGED;
    if (what == LOOP)
        v->loop_age_ns = 5000 * MS;
    if (what == HALTED) {
        v->core.mode = BFT_MODE_HALTED;
        v->core.halt = BFT_HALT_DOPPELGANGER;
    }
    if (what == SYNCING) {
        v->core.syncing = true;
        v->highest_known = 400;
    }
    if (what == OLD || what == TWO_GONE_OLD)
        v->head_age_ns = 12000 * MS;
    if (what == LATE)
        v->head_age_ns = 4000 * MS;
    if (what == PASSIVE)
        v->core.mode = BFT_MODE_PASSIVE;
    if (what == ONE_GONE || what == TWO_GONE || what == TWO_GONE_OLD || what == UNEQUAL)
        fixture.validators[3].online = false;
    if (what == TWO_GONE || what == TWO_GONE_OLD)
        fixture.validators[2].online = false;
    if (what == UNEQUAL) {
        fixture.validators[3].stake = 70;
        v->quorum_stake = 67;
    }
    if (what == ALONE)
        v->peer_count = 0;
}

static void spoil(enum spoil what)
{
    struct node_ops_view *v = &fixture.view;
    spoil_chain(what);
    if (what == DISK_ERROR)
        v->storage_error = "chain.db: disk I/O error";
    if (what == DISK_FULL)
        v->disk_free_bytes = UINT64_C(1) << 30;
    if (what == DISK_LOW)
        v->disk_free_bytes = UINT64_C(3) << 30;
    if (what == SIGNER)
        v->signer_error = "guard.db is locked by another process";
    if (what == CLOCK_FAR)
        v->clock_skew_ns = -(int64_t)(11000 * MS);
    if (what == CLOCK_OFF)
        v->clock_skew_ns = (int64_t)(600 * MS);
    if (what == POOL_FULL)
        v->mempool.txs = 960;
}

static const struct {
    enum spoil what;
    int code;
    enum node_component component;
    enum node_health health;
    const char *reason, *cause; /* cause NULL: blocks come */
} rules[] = {
    {NOTHING, 200, NODE_COMPONENT_LOOP, NODE_READY, "", NULL},
    {SHUTDOWN, 503, NODE_COMPONENT_LOOP, NODE_SHUTTING_DOWN, "shutting down",
     "this node is shutting down"},
    {LOOP, 503, NODE_COMPONENT_LOOP, NODE_NOT_READY, "stuck for 5 s", NULL},
    {HALTED, 503, NODE_COMPONENT_CONSENSUS, NODE_NOT_READY,
     "halted: another node signs with this validator's key",
     "this node has halted: another node signs with this validator's key"},
    {SYNCING, 503, NODE_COMPONENT_CONSENSUS, NODE_NOT_READY, "catching up: at 128 of 400", NULL},
    {OLD, 503, NODE_COMPONENT_CONSENSUS, NODE_NOT_READY,
     "no block for 12 s: enough validators are online, but round 131 brings no block; its leader "
     "is n2",
     "enough validators are online, but round 131 brings no block; its leader is n2"},
    {LATE, 200, NODE_COMPONENT_CONSENSUS, NODE_AFFECTED, "no block for 4 s", NULL},
    {PASSIVE, 200, NODE_COMPONENT_CONSENSUS, NODE_AFFECTED, "signs nothing until the next epoch",
     NULL},
    {TWO_GONE, 503, NODE_COMPONENT_NETWORK, NODE_NOT_READY, "2 of 4 online, need 3", NULL},
    {TWO_GONE_OLD, 503, NODE_COMPONENT_CONSENSUS, NODE_NOT_READY,
     "no block for 12 s: 2 of 4 online, need 3", "2 of 4 online, need 3"},
    {ONE_GONE, 200, NODE_COMPONENT_NETWORK, NODE_AFFECTED,
     "3 of 4 online: one more loss stops blocks", NULL},
    {ALONE, 503, NODE_COMPONENT_NETWORK, NODE_NOT_READY, "no peers", NULL},
    {UNEQUAL, 503, NODE_COMPONENT_NETWORK, NODE_NOT_READY,
     "3 of 4 online with 30 of 100 stake, need 67", NULL},
    {DIVERGED, 503, NODE_COMPONENT_EXECUTION, NODE_NOT_READY,
     "results differ from the certified ones",
     "this node's results differ from the certified ones; it must not go on"},
    {DISK_ERROR, 503, NODE_COMPONENT_STORAGE, NODE_NOT_READY, "chain.db: disk I/O error",
     "this node cannot write: chain.db: disk I/O error"},
    {DISK_FULL, 503, NODE_COMPONENT_STORAGE, NODE_NOT_READY, "1024 MiB of disk left, need 2048",
     NULL},
    {DISK_LOW, 200, NODE_COMPONENT_STORAGE, NODE_AFFECTED,
     "3072 MiB of disk left, at 2048 the node stops", NULL},
    {SIGNER, 503, NODE_COMPONENT_SIGNER, NODE_NOT_READY, "guard.db is locked by another process",
     NULL},
    {CLOCK_FAR, 503, NODE_COMPONENT_CLOCK, NODE_NOT_READY,
     "this clock is 11000 ms ahead of the others'", NULL},
    {CLOCK_OFF, 200, NODE_COMPONENT_CLOCK, NODE_AFFECTED, "this clock is 600 ms behind the others'",
     NULL},
    {POOL_FULL, 200, NODE_COMPONENT_MEMPOOL, NODE_AFFECTED,
     "full: cheap transactions are turned away", NULL},
};
#define RULES (sizeof rules / sizeof rules[0])

Test(ops, what_makes_a_node_not_ready_and_what_it_says)
{
    for (size_t i = 0; i < RULES; i++) {
        struct node_component_health c[NODE_COMPONENT_COUNT];
        char cause[NODE_REASON_BYTES];
        ops_fixture_init(&fixture);
        spoil(rules[i].what);
        (void)node_ops_health(&fixture.view, c);
        cr_assert_eq(c[rules[i].component].health, rules[i].health, "%zu", i);
        cr_assert_str_eq(c[rules[i].component].reason, rules[i].reason, "%zu", i);
        bool stopped = node_ops_cause(&fixture.view, cause);
        cr_assert_eq(stopped, rules[i].cause != NULL, "%zu: %s", i, cause);
        cr_assert_str_eq(cause, stopped ? rules[i].cause : "", "%zu", i);
        cr_assert_eq(page("/readyz"), rules[i].code, "%zu", i);
        if (rules[i].code == 503)
            cr_assert_not_null(strstr(text.data, rules[i].reason), "%zu: %s", i, text.data);
        else
            cr_assert_str_eq(text.data, "ready\n");
    }
}

Test(ops, healthz_tells_each_component)
{
    for (size_t i = 0; i < RULES; i++) {
        ops_fixture_init(&fixture);
        spoil(rules[i].what);
        json_t *root = json("/healthz", rules[i].code), *all = json_object_get(root, "components");
        json_t *one = json_object_get(all, node_component_text(rules[i].component));
        cr_assert_eq(json_object_size(all), NODE_COMPONENT_COUNT);
        cr_assert_str_eq(string(one, "health"), node_health_text(rules[i].health));
        cr_assert_str_eq(string(one, "reason"), rules[i].reason[0] ? rules[i].reason : "(none)");
        json_decref(root);
    }
}

Test(ops, alive_is_the_loop_alone)
{
    for (size_t i = 0; i < RULES; i++) {
        ops_fixture_init(&fixture);
        spoil(rules[i].what);
        cr_assert_eq(page("/livez"), rules[i].what == LOOP ? 503 : 200, "%zu", i);
        cr_assert_str_eq(text.data, rules[i].what == LOOP ? "loop stuck for 5 s\n" : "alive\n");
    }
}

Test(ops, slow_chains_are_not_stopped_early)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    fixture.view.block_interval_ns = 12000 * MS;
    fixture.view.head_age_ns = 30000 * MS;
    cr_assert_eq(node_ops_health(&fixture.view, c), NODE_READY);
    fixture.view.head_age_ns = 120000 * MS;
    cr_assert_eq(node_ops_health(&fixture.view, c), NODE_NOT_READY);
    fixture.view.block_interval_ns = UINT64_MAX;
    cr_assert_eq(node_ops_health(&fixture.view, c), NODE_READY);
}

Test(ops, a_network_of_one_needs_no_peers)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    fixture.view.validator_count = 1;
    fixture.view.peer_count = 0;
    fixture.view.quorum_stake = 10;
    cr_assert_eq(node_ops_health(&fixture.view, c), NODE_READY);
}

/* ---- status */

Test(ops, status_has_what_the_dashboard_shows)
{
    json_t *root = json("/status", 200);
    cr_assert_str_eq(string(root, "name"), "n0");
    cr_assert_str_eq(string(root, "health"), "ready");
    cr_assert(json_is_null(json_object_get(root, "cause")));
    cr_assert_eq(json_integer_value(json_object_get(root, "latest")), 128);
    cr_assert_eq(json_integer_value(json_object_get(root, "head_age_ms")), 400);
    cr_assert_eq(
        json_integer_value(json_object_get(json_object_get(root, "mempool"), "executable")), 38);
    json_t *validators = json_object_get(root, "validators");
    cr_assert_eq(json_array_size(validators), 4);
    cr_assert_str_eq(string(json_array_get(validators, 1), "address"),
                     "0x1111111111111111111111111111111111111111");
    cr_assert(json_is_true(json_object_get(json_array_get(validators, 2), "leader")));
    cr_assert_eq(json_array_size(json_object_get(root, "peers")), 3);
    cr_assert_eq(json_array_size(json_object_get(root, "blocks")), 3);
    cr_assert_eq(json_object_size(json_object_get(root, "faults")), 1);
    json_decref(root);
    spoil(TWO_GONE_OLD);
    root = json("/status", 200);
    cr_assert_str_eq(string(root, "cause"), "2 of 4 online, need 3");
    cr_assert_eq(json_array_size(json_object_get(root, "affected")), 2);
    json_decref(root);
}

Test(ops, texts_from_outside_break_nothing)
{
    static const char evil[] =
        "a\"b\\c\nx\x01</script>\xff\xc3\xa9\xe2\x82\xed\xa0\x80\xf0\x9f\x98\x80";
    static struct exposition x;
    fixture.view.name = fixture.peers[1].host = fixture.validators[0].name = evil;
    fixture.blocks[0].leader = fixture.view.storage_error = fixture.proposals[0].label = evil;
    fixture.faults[1].label = fixture.methods[0].name = fixture.view.version = evil;
    json_t *root = json("/status", 200);
    cr_assert_str_eq(string(root, "name"), "a\"b\\c\nx\x01</script>?\xc3\xa9??"
                                           "???\xf0\x9f\x98\x80");
    json_decref(root);
    json_decref(json("/healthz", 503));
    page("/metrics");
    exposition_parse(&x, text.data, text.len);
    cr_assert_str_empty(x.fault, "%s", x.fault);
}

Test(ops, long_texts_are_cut_in_reasons_and_whole_elsewhere)
{
    static char name[3000];
    memset(name, 'x', sizeof name - 1);
    fixture.view.storage_error = fixture.view.signer_error = fixture.view.name = name;
    json_t *root = json("/status", 200);
    cr_assert_eq(strlen(string(root, "name")), sizeof name - 1);
    json_decref(root);
    json_decref(json("/healthz", 503));
}

/* ---- pages */

Test(ops, pages_are_served_as_configured)
{
    cr_assert_eq(page("/"), 200);
    cr_assert_str_eq(type, "text/html; charset=utf-8");
    cr_assert_eq(strncmp(text.data, "<!doctype html>", 15), 0);
    cr_assert_null(strstr(text.data, "http://"), "nothing from outside");
    cr_assert_null(strstr(text.data, "https://"), "nothing from outside");
    cr_assert_null(strstr(text.data, "innerHTML"), "texts are texts");
    cr_assert_eq(page("/nothing"), 404);
    cr_assert_str_eq(type, "text/plain; charset=utf-8");
    text.len = 0;
    cr_assert_eq(node_ops_page(&text, &fixture.view, "/", false, false, &type), 404);
    cr_assert_eq(text.len, strlen("no such page; there are: /livez /readyz /healthz /status\n"));
    cr_assert_eq(node_ops_page(&text, &fixture.view, "/metrics", false, false, &type), 404);
}

Test(ops, a_page_beyond_its_bound_is_an_error_without_body)
{
    static struct node_ops_peer many[40000];
    for (size_t i = 0; i < 40000; i++)
        many[i] = fixture.peers[1];
    fixture.view.peers = many;
    fixture.view.peer_count = 40000;
    cr_assert_eq(node_ops_page(&text, &fixture.view, "/status", true, true, &type), 500);
    cr_assert_eq(text.len, 0);
    cr_assert(text.failed);
}

/* ---- what ships for monitoring */

static char *slurp(const char *name, size_t *len)
{
    char path[512];
    static char data[1u << 18];
    (void)snprintf(path, sizeof path, "%s/%s", TD_MONITORING, name);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    *len = fread(data, 1, sizeof data - 1, f);
    (void)fclose(f);
    data[*len] = '\0';
    return data;
}

/* Every tandem_... in the file is a metric of /metrics; returns how many. */
static uint32_t named(const char *file)
{
    static struct exposition x;
    size_t len;
    uint32_t count = 0;
    page("/metrics");
    exposition_parse(&x, text.data, text.len);
    for (char *s = slurp(file, &len); (s = strstr(s, "tandem_")) != NULL; count++) {
        size_t n = 0;
        while (isalnum((unsigned char)s[n]) || s[n] == '_')
            n++;
        char after = s[n];
        s[n] = '\0';
        cr_assert_not_null(exposition_type(&x, s), "%s names %s", file, s);
        s[n] = after;
        s += n;
    }
    return count;
}

Test(ops, alert_rules_name_metrics_that_exist)
{
    cr_assert_gt(named("alerts.yml"), 10);
}

Test(ops, grafana_dashboard_is_json_and_names_metrics_that_exist)
{
    size_t len;
    cr_assert_gt(named("grafana.json"), 15);
    char *data = slurp("grafana.json", &len);
    json_error_t error;
    json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(root, "%s", error.text);
    cr_assert_gt(json_array_size(json_object_get(root, "panels")), 8);
    json_decref(root);
}
