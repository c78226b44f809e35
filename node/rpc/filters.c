#define _GNU_SOURCE /* getrandom */
#include "node/rpc/filters.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "node/codes.h"

#define SWEEP_NS UINT64_C(30000000000)

static bool same_id(const struct node_rpc_id *a, const struct node_rpc_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static uint32_t slot_of(const struct node_rpc_id *id)
{
    return (uint32_t)id->b[14] << 8 | id->b[15];
}

/* Without randomness there is no id. */
static bool make_id(struct node_rpc_id *out, uint32_t slot)
{
    if (getrandom(out->b, sizeof out->b, 0) != (ssize_t)sizeof out->b)
        return false;
    out->b[0] |= 0x80u;
    out->b[14] = (uint8_t)(slot >> 8);
    out->b[15] = (uint8_t)slot;
    return true;
}

static void release(struct node_rpc_criteria *k)
{
    if (k != NULL && --k->refs == 0)
        free(k);
}

/* ---- filters */

void node_rpc_filter_remove(struct node_rpc_filter *f)
{
    release(f->criteria);
    *f = (struct node_rpc_filter){.used = false};
}

static void sweep(struct node_rpc_filters *t, uint64_t now)
{
    if (now - t->swept_ns < SWEEP_NS)
        return;
    t->swept_ns = now;
    for (uint32_t i = 0; i < NODE_RPC_FILTERS_MAX; i++)
        if (t->filters[i].used && now - t->filters[i].seen_ns > NODE_RPC_FILTER_IDLE_NS)
            node_rpc_filter_remove(&t->filters[i]);
}

struct node_rpc_filter *node_rpc_filter_add(struct node_rpc *r, enum node_rpc_filter_kind kind,
                                            struct node_rpc_criteria *criteria)
{
    struct node_rpc_filters *t = r->filters;
    uint64_t now = td_clock_mono_ns(&r->backend.clock);
    sweep(t, now);
    for (uint32_t n = 0; n < NODE_RPC_FILTERS_MAX; n++) {
        uint32_t i = (t->filter_hint + n) % NODE_RPC_FILTERS_MAX;
        struct node_rpc_filter *f = &t->filters[i];
        if (f->used)
            continue;
        if (!make_id(&f->id, i))
            return NULL;
        t->filter_hint = i + 1u;
        f->used = true;
        f->kind = kind;
        f->seen_ns = now;
        f->next = kind == NODE_RPC_FILTER_PENDING ? t->pending_count
                                                  : r->backend.heads(r->backend.self).latest + 1u;
        f->criteria = criteria;
        return f;
    }
    return NULL;
}

struct node_rpc_filter *node_rpc_filter_find(struct node_rpc *r, const struct node_rpc_id *id)
{
    uint32_t slot = slot_of(id);
    uint64_t now = td_clock_mono_ns(&r->backend.clock);
    if (slot >= NODE_RPC_FILTERS_MAX)
        return NULL;
    struct node_rpc_filter *f = &r->filters->filters[slot];
    if (!f->used || !same_id(&f->id, id))
        return NULL;
    if (now - f->seen_ns > NODE_RPC_FILTER_IDLE_NS) {
        node_rpc_filter_remove(f);
        return NULL;
    }
    f->seen_ns = now;
    return f;
}

/* ---- subscriptions */

static void drop_sub(struct node_rpc_filters *t, struct node_rpc_sub *s)
{
    release(s->criteria);
    *s = (struct node_rpc_sub){.used = false};
    t->sub_count--;
}

struct node_rpc_sub *node_rpc_sub_add(struct node_rpc *r, enum node_rpc_sub_kind kind,
                                      const struct node_rpc_request *q,
                                      struct node_rpc_criteria *criteria)
{
    struct node_rpc_filters *t = r->filters;
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX; i++) {
        struct node_rpc_sub *s = &t->subs[i];
        if (s->used)
            continue;
        if (!make_id(&s->id, i))
            return NULL;
        /* Nobody listened so far: what was before is not told. */
        if (t->sub_count == 0 && !t->busy)
            t->told = t->target = r->backend.heads(r->backend.self).latest;
        s->used = true;
        s->kind = kind;
        s->port = q->port;
        s->conn = q->conn;
        s->criteria = criteria;
        t->sub_count++;
        return s;
    }
    return NULL;
}

bool node_rpc_sub_remove(struct node_rpc *r, const struct node_rpc_request *q,
                         const struct node_rpc_id *id)
{
    uint32_t slot = slot_of(id);
    if (slot >= NODE_RPC_SUBS_MAX)
        return false;
    struct node_rpc_sub *s = &r->filters->subs[slot];
    if (!s->used || !same_id(&s->id, id) || s->port != q->port || s->conn != q->conn)
        return false;
    drop_sub(r->filters, s);
    return true;
}

uint32_t node_rpc_sub_count(const struct node_rpc *r, const struct node_rpc_request *q)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX; i++) {
        const struct node_rpc_sub *s = &r->filters->subs[i];
        count += s->used && s->port == q->port && s->conn == q->conn;
    }
    return count;
}

void node_rpc_filters_closed(struct node_rpc *r, const struct node_rpc_port *port, uint64_t conn)
{
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX && r->filters->sub_count > 0; i++) {
        struct node_rpc_sub *s = &r->filters->subs[i];
        if (s->used && s->port == port && s->conn == conn)
            drop_sub(r->filters, s);
    }
}

static void begin_push(struct node_text *t, const struct node_rpc_id *id)
{
    node_text_raw(t, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                     "\"subscription\":");
    node_text_hex(t, id->b, sizeof id->b);
    node_text_key(t, "result");
}

static void end_push(struct node_text *t)
{
    node_text_raw(t, "}}");
}

/* Who cannot be told is gone, or too slow to stay. */
static void push(struct node_rpc *r, struct node_rpc_sub *s, struct td_bytes text)
{
    if (!node_http_push(s->port->http, s->conn, text) && s->used)
        drop_sub(r->filters, s);
}

void node_rpc_filters_pending(struct node_rpc *r, const struct td_hash *hash)
{
    struct node_rpc_filters *t = r->filters;
    t->pending[t->pending_count++ % NODE_RPC_PENDING_MAX] = *hash;
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX && t->sub_count > 0; i++) {
        struct node_rpc_sub *s = &t->subs[i];
        struct node_text text;
        if (!s->used || s->kind != NODE_RPC_SUB_PENDING)
            continue;
        node_text_init(&text, 1024);
        begin_push(&text, &s->id);
        node_text_hex(&text, hash->b, TD_HASH_BYTES);
        end_push(&text);
        if (!text.failed)
            push(r, s, td_bytes_of(text.ptr, text.len));
        node_text_free(&text);
    }
}

/* ---- telling a block: read and formatted by a worker, pushed by the loop */

/* A log subscription as the worker sees it. */
struct listener {
    struct node_rpc_id id;
    struct node_rpc_criteria *criteria; /* shared; released on the loop */
};

struct message {
    struct node_rpc_id id;
    size_t from, len; /* of `logs` */
};

struct tell {
    struct node_rpc_job job;
    struct node_rpc *rpc;
    uint64_t height;
    uint32_t listener_count;
    struct listener *listeners;
    bool heads; /* somebody listens */
    enum td_error err;
    struct node_text head; /* the block's head */
    struct node_text logs; /* whole messages */
    uint32_t message_count, message_cap;
    struct message *messages;
};

static void tell_drop(struct node_rpc_job *job)
{
    struct tell *k = (struct tell *)job;
    for (uint32_t i = 0; i < k->listener_count; i++)
        release(k->listeners[i].criteria);
    node_text_free(&k->head);
    node_text_free(&k->logs);
    free(k->listeners);
    free(k->messages);
    free(k);
}

static bool add_message(struct tell *k, const struct message *m)
{
    if (k->message_count == k->message_cap) {
        uint32_t cap = k->message_cap == 0 ? 64 : 2u * k->message_cap;
        struct message *more = realloc(k->messages, cap * sizeof *more);
        if (more == NULL)
            return false;
        k->messages = more;
        k->message_cap = cap;
    }
    k->messages[k->message_count++] = *m;
    return true;
}

static enum td_error tell_logs(struct tell *k, const struct node_block *block,
                               const struct listener *l)
{
    const struct node_rpc_site site = node_rpc_site_of(block);
    for (uint32_t i = 0; i < block->receipt_count; i++) {
        const struct node_receipt *r = &block->receipts[i];
        for (uint32_t n = 0; n < r->log_count; n++) {
            struct message m = {.id = l->id, .from = k->logs.len};
            if (!node_rpc_log_matches(l->criteria, &r->logs[n]))
                continue;
            begin_push(&k->logs, &l->id);
            node_rpc_put_log(&k->logs, &site, r, n);
            end_push(&k->logs);
            m.len = k->logs.len - m.from;
            if (k->logs.failed || !add_message(k, &m))
                return TD_E_LIMIT;
        }
    }
    return TD_OK;
}

static void tell_work(struct node_rpc_job *job, struct node_rpc_worker *w)
{
    struct tell *k = (struct tell *)job;
    struct node_block block;
    struct store_chain_reader *r = node_rpc_reader(w, &k->err);
    td_arena_reset(&w->arena);
    if (k->err == TD_OK)
        k->err =
            node_block_load(w->rpc->backend.genesis, r, k->height, false, true, &w->arena, &block);
    if (k->err != TD_OK)
        return;
    if (k->heads)
        node_rpc_put_head(&k->head, w->rpc->backend.genesis, &block);
    for (uint32_t i = 0; i < k->listener_count && k->err == TD_OK; i++)
        k->err = tell_logs(k, &block, &k->listeners[i]);
}

static void start_tell(struct node_rpc *r);

static void push_heads(struct node_rpc *r, const struct tell *k)
{
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX; i++) {
        struct node_rpc_sub *s = &r->filters->subs[i];
        struct node_text text;
        if (!s->used || s->kind != NODE_RPC_SUB_HEADS)
            continue;
        node_text_init(&text, k->head.len + 1024u);
        begin_push(&text, &s->id);
        node_text_put(&text, k->head.ptr, k->head.len);
        end_push(&text);
        if (!text.failed)
            push(r, s, td_bytes_of(text.ptr, text.len));
        node_text_free(&text);
    }
}

static void tell_done(struct node_rpc_job *job, struct node_rpc *r)
{
    struct tell *k = (struct tell *)job;
    if (k->head.len > 0 && !k->head.failed)
        push_heads(r, k);
    for (uint32_t i = 0; i < k->message_count; i++) {
        const struct message *m = &k->messages[i];
        struct node_rpc_sub *s = &r->filters->subs[slot_of(&m->id)];
        if (s->used && same_id(&s->id, &m->id))
            push(r, s, td_bytes_of(k->logs.ptr + m->from, m->len));
    }
    if (k->err != TD_OK && r->log != NULL)
        td_log_put(
            r->log,
            &(struct td_log_event){
                .level = TD_LOG_WARN,
                .mod = "rpc",
                .msg = "subscribers were not told all of a block",
                .code = NODE_T_RPC_SUBSCRIBERS,
                .hint = "narrower log subscriptions, or the database's state",
                .fields = (const struct td_log_field[]){TD_LOG_U64("h", k->height),
                                                        TD_LOG_STR("why", td_error_text(k->err))},
                .field_count = 2});
    tell_drop(job);
    r->filters->busy = false;
    start_tell(r);
}

static void listen_in(struct tell *k, struct node_rpc_filters *t)
{
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX; i++) {
        struct node_rpc_sub *s = &t->subs[i];
        k->heads |= s->used && s->kind == NODE_RPC_SUB_HEADS;
        if (!s->used || s->kind != NODE_RPC_SUB_LOGS)
            continue;
        s->criteria->refs++;
        k->listeners[k->listener_count++] = (struct listener){s->id, s->criteria};
    }
}

static void start_tell(struct node_rpc *r)
{
    struct node_rpc_filters *t = r->filters;
    if (t->sub_count == 0)
        t->told = t->target;
    if (t->busy || t->told >= t->target)
        return;
    struct tell *k = calloc(1, sizeof *k);
    if (k != NULL)
        k->listeners = calloc(NODE_RPC_SUBS_MAX, sizeof *k->listeners);
    if (k == NULL || k->listeners == NULL) {
        free(k); /* the next block tries again */
        return;
    }
    t->told++;
    k->job = (struct node_rpc_job){.work = tell_work, .done = tell_done, .drop = tell_drop};
    k->rpc = r;
    k->height = t->told;
    node_text_init(&k->head, NODE_RPC_ANSWER_BYTES_MAX);
    node_text_init(&k->logs, NODE_RPC_ANSWER_BYTES_MAX);
    listen_in(k, t);
    t->busy = true;
    (void)node_rpc_pool_add(&r->pool, &k->job, true);
}

void node_rpc_filters_block(struct node_rpc *r, uint64_t height)
{
    if (height > r->filters->target)
        r->filters->target = height;
    start_tell(r);
}

/* ---- life */

enum td_error node_rpc_filters_new(struct node_rpc *r)
{
    r->filters = calloc(1, sizeof *r->filters);
    return r->filters == NULL ? TD_E_NOMEM : TD_OK;
}

void node_rpc_filters_free(struct node_rpc *r)
{
    if (r->filters == NULL)
        return;
    for (uint32_t i = 0; i < NODE_RPC_FILTERS_MAX; i++)
        if (r->filters->filters[i].used)
            node_rpc_filter_remove(&r->filters->filters[i]);
    for (uint32_t i = 0; i < NODE_RPC_SUBS_MAX; i++)
        if (r->filters->subs[i].used)
            drop_sub(r->filters, &r->filters->subs[i]);
    free(r->filters);
    r->filters = NULL;
}
