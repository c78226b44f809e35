#include "testnet/scenario.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/fault/fault.h"
#include "testnet/abuse.h"

static const char *const OPS[] = {"==", "!=", "<", "<=", ">", ">="};

const char *scenario_op_text(enum scenario_op op)
{
    return OPS[op];
}

bool scenario_compare(int64_t value, enum scenario_op op, int64_t with)
{
    switch (op) {
    case SCENARIO_EQ:
        return value == with;
    case SCENARIO_NE:
        return value != with;
    case SCENARIO_LT:
        return value < with;
    case SCENARIO_LE:
        return value <= with;
    case SCENARIO_GT:
        return value > with;
    case SCENARIO_GE:
        return value >= with;
    }
    return false;
}

struct parse {
    const struct node_toml *toml;
    struct node_toml_error *error;
    struct scenario *s;
    bool failed;
};

__attribute__((format(printf, 4, 5))) static void refuse(struct parse *p, uint32_t line,
                                                         uint32_t column, const char *format, ...)
{
    va_list args;
    if (p->failed)
        return;
    p->failed = true;
    p->error->line = line;
    p->error->column = column;
    va_start(args, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
}

/* ---- values of one table */

static const struct node_toml_entry *entry(struct parse *p, const struct node_toml_table *t,
                                           const char *key, enum node_toml_type type)
{
    const struct node_toml_entry *e = node_toml_find(p->toml, t->name, t->index, key);
    if (e != NULL && e->value.type != type) {
        refuse(p, e->value.line, e->value.column, "%s: expected %s", key,
               node_toml_type_text(type));
        return NULL;
    }
    return e;
}

static const char *text(struct parse *p, const struct node_toml_table *t, const char *key)
{
    const struct node_toml_entry *e = entry(p, t, key, NODE_TOML_STRING);
    return e == NULL ? NULL : e->value.text;
}

static void bad(struct parse *p, const struct node_toml_table *t, const char *key, const char *what)
{
    const struct node_toml_entry *e = node_toml_find(p->toml, t->name, t->index, key);
    if (e != NULL)
        refuse(p, e->value.line, e->value.column, "%s: expected %s", key, what);
    else
        refuse(p, t->line, 1, "[[%s]] has no %s: expected %s", t->name, key, what);
}

static int64_t number(struct parse *p, const struct node_toml_table *t, const char *key,
                      int64_t initial, int64_t least, int64_t most)
{
    const struct node_toml_entry *e = entry(p, t, key, NODE_TOML_INTEGER);
    if (e == NULL)
        return initial;
    if (e->value.integer < least || e->value.integer > most)
        bad(p, t, key, "another number; see testnet/scenario.h");
    return e->value.integer;
}

static int64_t time_of(struct parse *p, const struct node_toml_table *t, const char *key,
                       int64_t initial, int64_t most)
{
    const char *v = text(p, t, key);
    int64_t ms = initial;
    if (v != NULL && !testnet_duration_parse(&ms, v, false, most))
        bad(p, t, key, "a time like \"250ms\" or \"5s\"");
    return ms;
}

static void known(struct parse *p, const struct node_toml_table *t, const char *keys)
{
    for (uint32_t i = 0; i < p->toml->entry_count; i++) {
        const struct node_toml_entry *e = &p->toml->entries[i];
        size_t len = strlen(e->key);
        if (strcmp(e->table, t->name) != 0 || e->table_index != t->index)
            continue;
        const char *at = keys;
        while (*at != '\0' && (strncmp(at, e->key, len) != 0 || at[len] != ' ')) {
            at = strchr(at, ' ');
            TD_ASSERT(at != NULL); /* a list ends in a blank */
            at++;
        }
        if (*at == '\0')
            refuse(p, e->line, e->column, "unknown key \"%.24s\"; known: %s", e->key, keys);
    }
}

/* ---- tables */

static void network(struct parse *p, const struct node_toml_table *t)
{
    struct scenario *s = p->s;
    known(p, t, "nodes followers interval load settle about ");
    s->nodes = (uint32_t)number(p, t, "nodes", 4, 1, SCENARIO_NODES_MAX);
    s->followers = (uint32_t)number(p, t, "followers", 0, 0, SCENARIO_NODES_MAX);
    s->load = (uint32_t)number(p, t, "load", 0, 0, 10000);
    s->interval_ms = time_of(p, t, "interval", 500, 60000);
    s->settle_ms = time_of(p, t, "settle", 30000, SCENARIO_MS_MAX);
    (void)text(p, t, "about");
    if (!p->failed && s->nodes + s->followers > SCENARIO_NODES_MAX)
        bad(p, t, "followers", "sixteen nodes at most, together");
}

static void set_of(struct parse *p, const struct node_toml_table *t, const char *key, uint64_t *out)
{
    const char *v = text(p, t, key);
    if (v == NULL || !testnet_nodes_parse(out, v, p->s->nodes + p->s->followers))
        bad(p, t, key, "nodes like \"n0,n2\"");
}

static void link_of(struct parse *p, const struct node_toml_table *t, struct testnet_link *l)
{
    const char *loss = text(p, t, "loss"), *rate = text(p, t, "rate");
    l->delay_ms = (uint32_t)time_of(p, t, "delay", 0, TESTNET_DELAY_MS_MAX);
    l->jitter_ms = (uint32_t)time_of(p, t, "jitter", 0, TESTNET_DELAY_MS_MAX);
    l->flap_ms = (uint32_t)time_of(p, t, "flap", 0, TESTNET_DELAY_MS_MAX);
    if (loss != NULL && !testnet_percent_parse(&l->loss_ppm, loss))
        bad(p, t, "loss", "a share like \"5%\"");
    if (rate != NULL && !testnet_rate_parse(&l->rate_bps, rate))
        bad(p, t, "rate", "\"8kbit\" to \"1000mbit\"");
}

static void words_of(struct parse *p, const struct node_toml_table *t, struct testnet_fault *f)
{
    const char *disk = text(p, t, "disk"), *point = text(p, t, "point"), *skew = text(p, t, "skew");
    if (f->kind == TESTNET_FAULT_DISK && (disk == NULL || !testnet_disk_word(disk)))
        bad(p, t, "disk", "full, eio or slow");
    else if (f->kind == TESTNET_FAULT_DISK)
        snprintf(f->word, sizeof f->word, "%s", disk);
    if (point != NULL && node_fault_point_parse(point) == NODE_FAULT_NONE)
        bad(p, t, "point", node_fault_point_names());
    else if (point != NULL)
        snprintf(f->word, sizeof f->word, "%s", point);
    if (f->kind == TESTNET_FAULT_CLOCK &&
        (skew == NULL || !testnet_duration_parse(&f->skew_ms, skew, true, TESTNET_SKEW_MS_MAX)))
        bad(p, t, "skew", "a time like \"+30s\" or \"-1h\"");
}

static bool kind_of(enum testnet_fault_kind *out, const char *word)
{
    for (uint32_t k = 0; k < TESTNET_FAULT_KINDS; k++) {
        *out = (enum testnet_fault_kind)k;
        if (strcmp(word, testnet_fault_name(*out)) == 0)
            return true;
    }
    return false;
}

static void nodes_of(struct parse *p, const struct node_toml_table *t, struct scenario_fault *f)
{
    const char *nodes = text(p, t, "nodes"), *to = text(p, t, "to");
    bool two = f->rpc[0] == '\0' &&
               (f->fault.kind == TESTNET_FAULT_PARTITION || f->fault.kind == TESTNET_FAULT_LINK);
    f->leader = nodes != NULL && strcmp(nodes, "leader") == 0;
    f->to_rest = two && to != NULL && strcmp(to, "rest") == 0;
    if (!f->leader)
        set_of(p, t, "nodes", &f->fault.a);
    if (two && !f->to_rest)
        set_of(p, t, "to", &f->fault.b);
    if ((f->fault.a & f->fault.b) != 0)
        bad(p, t, "to", "nodes that are not among \"nodes\"");
}

static void put_fault(struct parse *p, const struct node_toml_table *t,
                      const struct scenario_fault *f)
{
    struct scenario *s = p->s;
    int64_t times = number(p, t, "times", 1, 1, SCENARIO_FAULTS_MAX);
    int64_t every = time_of(p, t, "every", 0, SCENARIO_MS_MAX);
    if (!p->failed && times > 1 && (f->for_ms == 0 || every <= f->for_ms))
        bad(p, t, "every", "a time longer than \"for\", which is needed too");
    for (int64_t i = 0; i < times && !p->failed; i++) {
        if (s->fault_count == SCENARIO_FAULTS_MAX) {
            refuse(p, t->line, 1, "more than %u faults", SCENARIO_FAULTS_MAX);
            return;
        }
        struct scenario_fault *one = &s->faults[s->fault_count++];
        *one = *f;
        one->at_ms += i * every;
        int64_t end = one->at_ms + one->for_ms;
        s->end_ms = end > s->end_ms ? end : s->end_ms;
    }
}

static void fault(struct parse *p, const struct node_toml_table *t)
{
    struct scenario_fault f = {.line = t->line};
    const char *kind = text(p, t, "kind"), *rpc = text(p, t, "rpc");
    known(p, t,
          "at for kind nodes to oneway delay jitter loss rate flap skew disk point rpc times "
          "every ");
    const struct node_toml_entry *way = entry(p, t, "oneway", NODE_TOML_BOOLEAN);
    f.fault.one_way = way != NULL && way->value.boolean;
    f.at_ms = time_of(p, t, "at", 0, SCENARIO_MS_MAX);
    f.for_ms = time_of(p, t, "for", 0, SCENARIO_MS_MAX);
    if (kind != NULL && strcmp(kind, "rpc") == 0) {
        if (rpc == NULL || !testnet_abuse_known(rpc) || f.for_ms == 0)
            bad(p, t, "rpc", "flood, slowloris or oversize, and a \"for\"");
        else
            snprintf(f.rpc, sizeof f.rpc, "%s", rpc);
    } else if (kind == NULL || !kind_of(&f.fault.kind, kind)) {
        bad(p, t, "kind", "kill stop pause partition link clock disk or rpc");
    }
    if (!p->failed)
        nodes_of(p, t, &f);
    if (!p->failed)
        link_of(p, t, &f.fault.link);
    if (!p->failed)
        words_of(p, t, &f.fault);
    if (!p->failed)
        put_fault(p, t, &f);
}

static bool metric_known(const char *metric)
{
    static const char *const names[] = {"blocks",    "rounds",   "lag",        "running",
                                        "exit_code", "stall_ms", "recovery_ms"};
    if (strncmp(metric, "tandem_", 7) == 0)
        return strspn(metric, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(metric);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(metric, names[i]) == 0)
            return true;
    return false;
}

static void expect(struct parse *p, const struct node_toml_table *t)
{
    struct scenario *s = p->s;
    struct scenario_expect e = {.line = t->line};
    const char *metric = text(p, t, "metric"), *op = text(p, t, "op");
    known(p, t, "metric of op value at within during ");
    if (metric == NULL || strlen(metric) >= sizeof e.metric || !metric_known(metric))
        bad(p, t, "metric", "blocks rounds lag running exit_code stall_ms recovery_ms or tandem_…");
    else
        snprintf(e.metric, sizeof e.metric, "%s", metric);
    uint32_t k = 0;
    while (k < 6 && (op == NULL || strcmp(op, OPS[k]) != 0))
        k++;
    if (k == 6)
        bad(p, t, "op", "== != < <= > or >=");
    e.op = (enum scenario_op)(k % 6u);
    if (node_toml_find(p->toml, t->name, t->index, "value") == NULL)
        bad(p, t, "value", "a whole number");
    e.value = number(p, t, "value", 0, INT64_MIN, INT64_MAX);
    e.at_ms = time_of(p, t, "at", 0, SCENARIO_MS_MAX);
    e.within_ms = time_of(p, t, "within", -1, SCENARIO_MS_MAX);
    e.during_ms = time_of(p, t, "during", -1, SCENARIO_MS_MAX);
    e.of = (UINT64_C(1) << (s->nodes + s->followers)) - 1u;
    if (node_toml_find(p->toml, t->name, t->index, "of") != NULL)
        set_of(p, t, "of", &e.of);
    if (e.within_ms >= 0 && e.during_ms >= 0)
        bad(p, t, "during", "no \"within\" beside it");
    if (!p->failed && s->expect_count == SCENARIO_EXPECTS_MAX)
        refuse(p, t->line, 1, "more than %u expectations", SCENARIO_EXPECTS_MAX);
    if (p->failed)
        return;
    int64_t end = e.at_ms + (e.within_ms > 0 ? e.within_ms : e.during_ms > 0 ? e.during_ms : 0);
    s->end_ms = end > s->end_ms ? end : s->end_ms;
    s->expects[s->expect_count++] = e;
}

static void tables(struct parse *p)
{
    const struct node_toml_table *net = NULL;
    for (uint32_t i = 0; i < p->toml->table_count && !p->failed; i++) {
        const struct node_toml_table *t = &p->toml->tables[i];
        if (strcmp(t->name, "network") == 0 && !t->repeated)
            net = t;
        else if (!t->repeated || (strcmp(t->name, "fault") != 0 && strcmp(t->name, "expect") != 0))
            refuse(p, t->line, 1, "expected [network], [[fault]] or [[expect]]");
    }
    if (net == NULL)
        refuse(p, 1, 1, "no [network]");
    if (!p->failed)
        network(p, net);
    for (uint32_t i = 0; i < p->toml->table_count && !p->failed; i++) {
        const struct node_toml_table *t = &p->toml->tables[i];
        if (strcmp(t->name, "fault") == 0)
            fault(p, t);
        else if (strcmp(t->name, "expect") == 0)
            expect(p, t);
    }
    if (!p->failed && p->s->expect_count == 0)
        refuse(p, 1, 1, "no [[expect]]: nothing could fail");
}

enum td_error scenario_parse(struct scenario *out, struct node_toml_error *error,
                             struct td_bytes text_in)
{
    struct node_toml toml;
    struct td_arena arena;
    void *memory = malloc(NODE_TOML_ARENA_BYTES);
    memset(out, 0, sizeof *out);
    memset(error, 0, sizeof *error);
    if (memory == NULL)
        return TD_E_NOMEM;
    td_arena_init(&arena, memory, NODE_TOML_ARENA_BYTES);
    enum td_error err = node_toml_parse(&toml, error, &arena, text_in);
    struct parse p = {.toml = &toml, .error = error, .s = out};
    if (err == TD_OK)
        tables(&p);
    free(memory);
    return err == TD_OK && p.failed ? TD_E_MALFORMED : err;
}
