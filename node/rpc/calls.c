#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/rpc_internal.h"

#define MESSAGE_BYTES 512u

/* ---- answers */

static void put_failure(struct node_rpc_call *c, size_t max, const char *message,
                        const struct td_bytes *data)
{
    node_text_free(&c->out);
    node_text_init(&c->out, max);
    node_text_key(&c->out, "message");
    node_text_cstring(&c->out, message);
    if (data != NULL) {
        node_text_key(&c->out, "data");
        node_text_hex(&c->out, data->ptr, data->len);
    }
}

static void fail(struct node_rpc_call *c, enum node_rpc_code code, const char *message,
                 const struct td_bytes *data)
{
    if (c->done)
        return;
    c->done = true;
    c->code = code;
    /* The result so far is forgotten.  There is always room for the text, escaped; data that the
     * allowance does not hold is left out. */
    put_failure(c, c->request->allowance + 6u * MESSAGE_BYTES + 64u, message, data);
    if (c->out.failed)
        put_failure(c, 6u * MESSAGE_BYTES + 64u, message, NULL);
}

void node_rpc_fail(struct node_rpc_call *c, enum node_rpc_code code, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fail(c, code, message, NULL);
}

void node_rpc_fail_data(struct node_rpc_call *c, enum node_rpc_code code, const char *message,
                        struct td_bytes data)
{
    fail(c, code, message, &data);
}

void node_rpc_fail_error(struct node_rpc_call *c, enum td_error err, const char *what)
{
    if (err == TD_OK)
        return;
    if (err == TD_E_LIMIT || err == TD_E_NOSPACE)
        node_rpc_fail(c, NODE_RPC_LIMIT, "%s: more memory or time than one call may take", what);
    else
        node_rpc_fail(c, NODE_RPC_INTERNAL, "%s: %s", what, td_error_text(err));
}

void node_rpc_answer(struct node_rpc_call *c)
{
    if (c->done)
        return;
    if (c->out.failed) {
        node_rpc_fail(c, NODE_RPC_LIMIT, "answer exceeds %u bytes: ask for less",
                      NODE_RPC_ANSWER_BYTES_MAX);
        return;
    }
    c->done = true;
}

void node_rpc_answer_null(struct node_rpc_call *c)
{
    if (!c->done)
        node_text_null(&c->out);
    node_rpc_answer(c);
}

void node_rpc_answer_bool(struct node_rpc_call *c, bool v)
{
    if (!c->done)
        node_text_bool(&c->out, v);
    node_rpc_answer(c);
}

void node_rpc_answer_quantity(struct node_rpc_call *c, uint64_t v)
{
    if (!c->done)
        node_text_quantity(&c->out, v);
    node_rpc_answer(c);
}

void node_rpc_answer_u256(struct node_rpc_call *c, const struct exec_u256 *v)
{
    if (!c->done)
        node_text_u256(&c->out, v);
    node_rpc_answer(c);
}

void *node_rpc_keep(struct node_rpc_call *c, size_t bytes)
{
    free(c->keep);
    c->keep = calloc(1, bytes);
    if (c->keep == NULL)
        node_rpc_fail(c, NODE_RPC_INTERNAL, "out of memory");
    return c->keep;
}

/* ---- parts */

void node_rpc_call_part(struct node_rpc_call *c, node_rpc_part_fn *part, struct node_rpc_worker *w)
{
    if (c->done || c->method == NULL || part == NULL)
        return;
    uint64_t began = td_clock_mono_ns(&c->rpc->backend.clock);
    c->worker = w;
    c->out.max = c->request->allowance;
    if (c->out.len > c->out.max)
        c->out.max = c->out.len;
    if (w != NULL) {
        td_arena_reset(&w->arena);
        td_arena_reset(&w->state_arena);
        td_arena_reset(&w->vm_arena);
    }
    part(c);
    c->worker = NULL;
    if (c->done)
        c->request->allowance -=
            c->out.len < c->request->allowance ? c->out.len : c->request->allowance;
    c->ns += td_clock_mono_ns(&c->rpc->backend.clock) - began;
}

/* ---- reading a call */

static bool is_id(const json_t *id)
{
    return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

/* The id as it was written; where the key was spelled in escapes, as it is meant. */
static bool read_id(struct node_rpc_call *c, const struct node_rpc_part *part)
{
    static const char NONE[] = "null";
    const json_t *id = json_object_get(c->root, "id");
    bool good = id == NULL || is_id(id);
    if (id == NULL)
        c->id = td_bytes_of(NULL, 0);
    else if (good && part->id.len > 0)
        c->id = part->id;
    else
        c->id = td_bytes_of_text(NONE);
    return good;
}

/* JSON-RPC 2.0, section 4: what a request object has. */
static void read_call(struct node_rpc_call *c, const struct node_rpc_part *part)
{
    if (!json_is_object(c->root)) {
        c->id = td_bytes_of_text("null");
        node_rpc_fail(c, NODE_RPC_REQUEST, "a call is an object with \"method\"");
        return;
    }
    bool id_good = read_id(c, part);
    const json_t *version = json_object_get(c->root, "jsonrpc");
    const json_t *method = json_object_get(c->root, "method");
    const json_t *params = json_object_get(c->root, "params");
    if (!id_good)
        node_rpc_fail(c, NODE_RPC_REQUEST, "id must be a string, a number or null");
    else if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        node_rpc_fail(c, NODE_RPC_REQUEST, "jsonrpc must be \"2.0\"");
    else if (!json_is_string(method))
        node_rpc_fail(c, NODE_RPC_REQUEST, "method must be a string");
    else if (params != NULL && !json_is_array(params) && !json_is_null(params))
        node_rpc_fail(c, NODE_RPC_PARAMS, "params must be an array: arguments go by position");
    if (c->done) {
        /* What is no request at all is answered even without an id (section 5). */
        if (c->id.len == 0)
            c->id = td_bytes_of_text("null");
        return;
    }
    c->params = json_is_array(params) ? params : NULL;
    c->method = node_rpc_method_find(c->rpc, json_string_value(method));
    if (c->method == NULL)
        node_rpc_fail(c, NODE_RPC_METHOD, "the method %.64s does not exist/is not available",
                      json_string_value(method));
}

/* ---- a request */

void node_rpc_request_begin(struct node_rpc_request *q, struct node_rpc_worker *w)
{
    struct node_rpc_part parts[NODE_RPC_BATCH_MAX];
    q->allowance = NODE_RPC_ANSWER_BYTES_MAX;
    q->scan = node_rpc_scan(q->body, parts, &q->count, &q->batch);
    if (q->scan != NODE_RPC_SCAN_OK) {
        q->count = 0;
        return;
    }
    q->calls = calloc(q->count, sizeof *q->calls);
    if (q->calls == NULL) {
        q->count = 0;
        q->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        struct node_rpc_call *c = &q->calls[i];
        const struct td_bytes *text = &parts[i].whole;
        *c = (struct node_rpc_call){.rpc = q->rpc, .request = q};
        node_text_init(&c->out, NODE_RPC_ANSWER_BYTES_MAX);
        /* Integers beyond 64 bits are numbers, too; nothing here needs more than 53 of them. */
        c->root =
            json_loadb((const char *)text->ptr, text->len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);
        if (c->root == NULL) {
            q->scan = NODE_RPC_SCAN_MALFORMED;
            return;
        }
        read_call(c, &parts[i]);
    }
    for (uint32_t i = 0; i < q->count; i++)
        if (q->calls[i].method != NULL)
            node_rpc_call_part(&q->calls[i], q->calls[i].method->prepare, w);
}

void node_rpc_request_loop(struct node_rpc_request *q)
{
    for (uint32_t i = 0; q->scan == NODE_RPC_SCAN_OK && i < q->count; i++)
        if (q->calls[i].method != NULL)
            node_rpc_call_part(&q->calls[i], q->calls[i].method->loop, NULL);
}

bool node_rpc_request_unfinished(const struct node_rpc_request *q)
{
    for (uint32_t i = 0; q->scan == NODE_RPC_SCAN_OK && i < q->count; i++)
        if (!q->calls[i].done && q->calls[i].method != NULL && q->calls[i].method->finish != NULL)
            return true;
    return false;
}

void node_rpc_request_finish(struct node_rpc_request *q, struct node_rpc_worker *w)
{
    for (uint32_t i = 0; i < q->count; i++)
        if (q->calls[i].method != NULL)
            node_rpc_call_part(&q->calls[i], q->calls[i].method->finish, w);
}

static void put_error(struct node_text *t, int code, const char *message)
{
    char text[24];
    snprintf(text, sizeof text, "%d", code);
    node_text_raw(t, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":");
    node_text_raw(t, text);
    node_text_key(t, "message");
    node_text_cstring(t, message);
    node_text_raw(t, "}}");
}

static void put_call(struct node_text *t, struct node_rpc_call *c)
{
    char code[24];
    if (!c->done)
        node_rpc_fail(c, NODE_RPC_INTERNAL, "no answer");
    if (c->id.len == 0)
        return;
    node_text_item(t);
    node_text_raw(t, "{\"jsonrpc\":\"2.0\",\"id\":");
    node_text_put(t, (const char *)c->id.ptr, c->id.len);
    if (c->code == 0) {
        node_text_key(t, "result");
        node_text_put(t, c->out.ptr, c->out.len);
    } else {
        snprintf(code, sizeof code, "%d", c->code);
        node_text_raw(t, ",\"error\":{\"code\":");
        node_text_raw(t, code);
        node_text_raw(t, ",");
        node_text_put(t, c->out.ptr, c->out.len);
        node_text_raw(t, "}");
    }
    node_text_raw(t, "}");
}

static bool put_refusal(struct node_text *out, const struct node_rpc_request *q)
{
    switch (q->scan) {
    case NODE_RPC_SCAN_MALFORMED:
        put_error(out, NODE_RPC_PARSE, "parse error: not JSON");
        return true;
    case NODE_RPC_SCAN_DEPTH:
        put_error(out, NODE_RPC_PARSE, "parse error: nested deeper than 64");
        return true;
    case NODE_RPC_SCAN_EMPTY_BATCH:
        put_error(out, NODE_RPC_REQUEST, "empty batch");
        return true;
    case NODE_RPC_SCAN_LONG_BATCH:
        put_error(out, NODE_RPC_LIMIT, "batch of more than 100 calls: send several");
        return true;
    case NODE_RPC_SCAN_OK:
        break;
    }
    if (q->nomem)
        put_error(out, NODE_RPC_INTERNAL, "out of memory");
    return q->nomem;
}

void node_rpc_request_text(struct node_rpc_request *q, struct node_text *out)
{
    /* Results and data within the allowance, ids within the body, and a text for each call. */
    node_text_init(out, NODE_RPC_ANSWER_BYTES_MAX + q->body.len +
                            (size_t)NODE_RPC_BATCH_MAX * 8u * MESSAGE_BYTES);
    if (put_refusal(out, q))
        return;
    if (q->batch)
        node_text_open(out, '[');
    for (uint32_t i = 0; i < q->count; i++)
        put_call(out, &q->calls[i]);
    if (q->batch)
        node_text_close(out, ']');
    if (q->batch && out->len == 2)
        out->len = 0; /* notifications alone: nothing, not an empty batch */
    if (out->failed) {
        node_text_free(out);
        node_text_init(out, MESSAGE_BYTES);
        put_error(out, NODE_RPC_LIMIT, "answer too large: ask for less");
    }
}

void node_rpc_request_reset(struct node_rpc_request *q)
{
    for (uint32_t i = 0; i < q->count; i++) {
        struct node_rpc_call *c = &q->calls[i];
        json_decref(c->root);
        node_text_free(&c->out);
        free(c->keep);
    }
    free(q->calls);
    q->calls = NULL;
    q->count = 0;
}
