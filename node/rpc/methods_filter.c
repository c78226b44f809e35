/* eth_getLogs, filters and subscriptions. */
#include <string.h>

#include "node/rpc/filters.h"

static void get_logs(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 1, 1))
        return;
    const struct node_rpc_criteria *k = node_rpc_param_criteria(c, 0, true);
    if (k != NULL && node_rpc_put_logs_named(c, k))
        node_rpc_answer(c);
}

/* ---- new ones */

static void new_filter(struct node_rpc_call *c)
{
    if (node_rpc_params(c, 1, 1))
        (void)node_rpc_param_criteria(c, 0, true);
}

static void no_arguments(struct node_rpc_call *c)
{
    (void)node_rpc_params(c, 0, 0);
}

static void add(struct node_rpc_call *c, enum node_rpc_filter_kind kind)
{
    const struct node_rpc_filter *f = node_rpc_filter_add(c->rpc, kind, c->keep);
    if (f == NULL) {
        node_rpc_fail(c, NODE_RPC_LIMIT, "too many filters: at most %u", NODE_RPC_FILTERS_MAX);
        return;
    }
    c->keep = NULL; /* the filter's now */
    node_text_hex(&c->out, f->id.b, sizeof f->id.b);
    node_rpc_answer(c);
}

static void add_logs(struct node_rpc_call *c)
{
    add(c, NODE_RPC_FILTER_LOGS);
}

static void add_blocks(struct node_rpc_call *c)
{
    add(c, NODE_RPC_FILTER_BLOCKS);
}

static void add_pending(struct node_rpc_call *c)
{
    add(c, NODE_RPC_FILTER_PENDING);
}

/* ---- asking one */

/* An id from its argument: kept for the loop. */
static void read_id(struct node_rpc_call *c)
{
    struct exec_u256 number;
    uint8_t bytes[32];
    if (!node_rpc_params(c, 1, 1) || !node_rpc_read_u256(c, (struct node_rpc_place){.argument = 0},
                                                         node_rpc_param(c, 0), &number))
        return;
    struct node_rpc_id *id = node_rpc_keep(c, sizeof *id);
    if (id == NULL)
        return;
    exec_u256_to_be(bytes, &number);
    memcpy(id->b, bytes + 16, sizeof id->b);
    if (number.w[2] != 0 || number.w[3] != 0)
        memset(id, 0, sizeof *id); /* nobody's */
}

static struct node_rpc_filter *find(struct node_rpc_call *c)
{
    struct node_rpc_id id = *(const struct node_rpc_id *)c->keep;
    struct node_rpc_filter *f = node_rpc_filter_find(c->rpc, &id);
    if (f == NULL)
        node_rpc_fail(c, NODE_RPC_SERVER, "filter not found");
    return f;
}

/* What a worker is to read for a filter. */
struct reading {
    bool blocks;
    uint64_t from, to;
    bool named; /* the blocks that the criteria name */
    /* behind it: a copy of the filter's criteria */
};

static struct node_rpc_criteria *criteria_of(struct reading *k)
{
    _Static_assert(sizeof *k % _Alignof(struct node_rpc_criteria) == 0, "stands right behind");
    return (struct node_rpc_criteria *)(void *)(k + 1);
}

static void answer_pending(struct node_rpc_call *c, struct node_rpc_filter *f)
{
    const struct node_rpc_filters *t = c->rpc->filters;
    if (t->pending_count - f->next > NODE_RPC_PENDING_MAX)
        f->next = t->pending_count - NODE_RPC_PENDING_MAX;
    node_text_open(&c->out, '[');
    for (; f->next < t->pending_count; f->next++) {
        node_text_item(&c->out);
        node_text_hex(&c->out, t->pending[f->next % NODE_RPC_PENDING_MAX].b, TD_HASH_BYTES);
    }
    node_text_close(&c->out, ']');
    node_rpc_answer(c);
}

/* Copies what the filter says into c->keep. */
static struct reading *keep_reading(struct node_rpc_call *c, const struct node_rpc_filter *f)
{
    size_t bytes = f->criteria == NULL ? 0 : node_rpc_criteria_bytes(f->criteria);
    struct reading *k = node_rpc_keep(c, sizeof *k + bytes);
    if (k != NULL && bytes > 0)
        memcpy(criteria_of(k), f->criteria, bytes);
    return k;
}

static void filter_changes(struct node_rpc_call *c)
{
    struct node_rpc_filter *f = find(c);
    uint64_t latest = c->rpc->backend.heads(c->rpc->backend.self).latest;
    if (f == NULL)
        return;
    if (f->kind == NODE_RPC_FILTER_PENDING) {
        answer_pending(c, f);
        return;
    }
    struct reading *k = keep_reading(c, f);
    if (k == NULL)
        return;
    k->blocks = f->kind == NODE_RPC_FILTER_BLOCKS;
    k->from = f->next;
    k->to = latest;
    if (k->to >= k->from && k->to - k->from >= NODE_RPC_LOG_BLOCKS_MAX)
        k->from = k->to - NODE_RPC_LOG_BLOCKS_MAX + 1u;
    if (f->next <= latest)
        f->next = latest + 1u;
}

static void filter_logs(struct node_rpc_call *c)
{
    struct node_rpc_filter *f = find(c);
    if (f == NULL)
        return;
    if (f->kind != NODE_RPC_FILTER_LOGS) {
        node_rpc_fail(c, NODE_RPC_SERVER, "filter not found");
        return;
    }
    struct reading *k = keep_reading(c, f);
    if (k != NULL)
        k->named = true;
}

static void read_filter(struct node_rpc_call *c)
{
    struct reading *k = c->keep;
    struct node_block block;
    if (!k->blocks) {
        if (k->named ? node_rpc_put_logs_named(c, criteria_of(k))
                     : node_rpc_put_logs(c, criteria_of(k), k->from, k->to))
            node_rpc_answer(c);
        return;
    }
    node_text_open(&c->out, '[');
    for (uint64_t n = k->from; n <= k->to && !c->done; n++) {
        struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
        if (node_rpc_load(c, n, false, false, &block) == TD_OK) {
            node_text_item(&c->out);
            node_text_hex(&c->out, block.hash.b, TD_HASH_BYTES);
        }
        td_arena_rewind(&c->worker->arena, mark);
    }
    if (!c->done)
        node_text_close(&c->out, ']');
    node_rpc_answer(c);
}

static void uninstall(struct node_rpc_call *c)
{
    struct node_rpc_filter *f = node_rpc_filter_find(c->rpc, (const struct node_rpc_id *)c->keep);
    if (f != NULL)
        node_rpc_filter_remove(f);
    node_rpc_answer_bool(c, f != NULL);
}

/* ---- subscriptions */

static const char *const SUB_NAMES[] = {[NODE_RPC_SUB_HEADS] = "newHeads",
                                        [NODE_RPC_SUB_LOGS] = "logs",
                                        [NODE_RPC_SUB_PENDING] = "newPendingTransactions"};

/* -1: none of that name. */
static int sub_kind(const struct node_rpc_call *c)
{
    const char *name = json_string_value(node_rpc_param(c, 0));
    for (int i = 0; name != NULL && i < 3; i++)
        if (strcmp(name, SUB_NAMES[i]) == 0)
            return i;
    return -1;
}

static bool is_socket(struct node_rpc_call *c)
{
    if (c->request->conn == 0)
        node_rpc_fail(c, NODE_RPC_METHOD, "notifications not supported: use a WebSocket");
    return !c->done;
}

static void subscribe(struct node_rpc_call *c)
{
    if (!is_socket(c) || !node_rpc_params(c, 1, 2))
        return;
    int kind = sub_kind(c);
    const json_t *name = node_rpc_param(c, 0);
    if (kind == NODE_RPC_SUB_LOGS)
        (void)node_rpc_param_criteria(c, 1, false);
    else if (kind == NODE_RPC_SUB_PENDING && node_rpc_param_bool(c, 1))
        node_rpc_fail(c, NODE_RPC_PARAMS, "invalid argument 1: hashes only, no whole transactions");
    else if (kind < 0)
        node_rpc_fail(c, NODE_RPC_METHOD, "no \"%.64s\" subscription in eth namespace",
                      json_is_string(name) ? json_string_value(name) : "");
}

static void add_sub(struct node_rpc_call *c)
{
    if (c->request->gone) {
        node_rpc_fail(c, NODE_RPC_SERVER, "connection closed");
        return;
    }
    if (node_rpc_sub_count(c->rpc, c->request) >= NODE_RPC_SUBS_PER_CONN_MAX) {
        node_rpc_fail(c, NODE_RPC_LIMIT, "too many subscriptions: at most %u a connection",
                      NODE_RPC_SUBS_PER_CONN_MAX);
        return;
    }
    const struct node_rpc_sub *s =
        node_rpc_sub_add(c->rpc, (enum node_rpc_sub_kind)sub_kind(c), c->request, c->keep);
    if (s == NULL) {
        node_rpc_fail(c, NODE_RPC_LIMIT, "too many subscriptions: at most %u", NODE_RPC_SUBS_MAX);
        return;
    }
    c->keep = NULL;
    node_text_hex(&c->out, s->id.b, sizeof s->id.b);
    node_rpc_answer(c);
}

static void unsubscribe(struct node_rpc_call *c)
{
    if (is_socket(c))
        read_id(c);
}

static void remove_sub(struct node_rpc_call *c)
{
    if (node_rpc_sub_remove(c->rpc, c->request, c->keep))
        node_rpc_answer_bool(c, true);
    else
        node_rpc_fail(c, NODE_RPC_SERVER, "subscription not found");
}

const struct node_rpc_method NODE_RPC_FILTER[] = {
    {.name = "eth_getLogs", .prepare = get_logs},
    {.name = "eth_newFilter", .prepare = new_filter, .loop = add_logs},
    {.name = "eth_newBlockFilter", .prepare = no_arguments, .loop = add_blocks},
    {.name = "eth_newPendingTransactionFilter", .prepare = no_arguments, .loop = add_pending},
    {.name = "eth_getFilterChanges",
     .prepare = read_id,
     .loop = filter_changes,
     .finish = read_filter},
    {.name = "eth_getFilterLogs", .prepare = read_id, .loop = filter_logs, .finish = read_filter},
    {.name = "eth_uninstallFilter", .prepare = read_id, .loop = uninstall},
    {.name = "eth_subscribe", .prepare = subscribe, .loop = add_sub},
    {.name = "eth_unsubscribe", .prepare = unsubscribe, .loop = remove_sub},
    {.name = NULL},
};
