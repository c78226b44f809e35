#include "node/rpc/scan.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct td_bytes in, size_t at)
{
    while (at < in.len && is_blank(in.ptr[at]))
        at++;
    return at;
}

/* Behind the string that begins at `at`; 0: it does not end. */
static size_t skip_string(struct td_bytes in, size_t at)
{
    for (at++; at < in.len; at++) {
        if (in.ptr[at] == '\\')
            at++;
        else if (in.ptr[at] == '"')
            return at + 1u;
    }
    return 0;
}

/* What a value looks like while its brackets are followed. */
struct walk {
    struct td_bytes in;
    size_t at;
    uint32_t depth;   /* brackets open */
    uint64_t objects; /* bit i: the bracket at depth i + 1 is a brace */
};

static enum node_rpc_scan step_bracket(struct walk *w, uint8_t c)
{
    bool brace = c == '{' || c == '}';
    if (c == '{' || c == '[') {
        if (w->depth == NODE_RPC_DEPTH_MAX)
            return NODE_RPC_SCAN_DEPTH;
        w->objects = (w->objects & ~(UINT64_C(1) << w->depth)) | (uint64_t)brace << w->depth;
        w->depth++;
    } else {
        if (w->depth == 0 || (w->objects >> (w->depth - 1u) & 1u) != (uint64_t)brace)
            return NODE_RPC_SCAN_MALFORMED;
        w->depth--;
    }
    return NODE_RPC_SCAN_OK;
}

/* From w->at to the end of one value: before a comma, a closing bracket or a blank of the level it
 * began on. */
static enum node_rpc_scan skip_value(struct walk *w)
{
    uint32_t floor = w->depth;
    size_t from = w->at;
    while (w->at < w->in.len) {
        uint8_t c = w->in.ptr[w->at];
        bool here = w->depth == floor;
        if (here && (c == ',' || c == ']' || c == '}' || is_blank(c)))
            break;
        if (c == '"') {
            w->at = skip_string(w->in, w->at);
            if (w->at == 0)
                return NODE_RPC_SCAN_MALFORMED;
        } else {
            if (c == '{' || c == '[' || c == ']' || c == '}') {
                enum node_rpc_scan s = step_bracket(w, c);
                if (s != NODE_RPC_SCAN_OK)
                    return s;
            }
            w->at++;
        }
        if (w->depth == floor && (c == '"' || c == '}' || c == ']'))
            break;
    }
    return w->depth != floor || w->at == from ? NODE_RPC_SCAN_MALFORMED : NODE_RPC_SCAN_OK;
}

static bool is_id(struct td_bytes in, size_t at)
{
    return in.len - at >= 4u && memcmp(in.ptr + at, "\"id\"", 4) == 0;
}

/* The object at w->at, member by member; part->id is its first "id". */
static enum node_rpc_scan scan_object(struct walk *w, struct node_rpc_part *part)
{
    enum node_rpc_scan s = step_bracket(w, '{');
    w->at++;
    while (s == NODE_RPC_SCAN_OK) {
        w->at = skip_blanks(w->in, w->at);
        if (w->at < w->in.len && w->in.ptr[w->at] == '}') {
            w->at++;
            return step_bracket(w, '}');
        }
        if (w->at >= w->in.len || w->in.ptr[w->at] != '"')
            return NODE_RPC_SCAN_MALFORMED;
        bool id = is_id(w->in, w->at) && part->id.len == 0;
        w->at = skip_string(w->in, w->at);
        if (w->at == 0)
            return NODE_RPC_SCAN_MALFORMED;
        w->at = skip_blanks(w->in, w->at);
        if (w->at >= w->in.len || w->in.ptr[w->at] != ':')
            return NODE_RPC_SCAN_MALFORMED;
        w->at = skip_blanks(w->in, w->at + 1u);
        size_t from = w->at;
        s = skip_value(w);
        if (s == NODE_RPC_SCAN_OK && id)
            part->id = td_bytes_of(w->in.ptr + from, w->at - from);
        w->at = skip_blanks(w->in, w->at);
        if (w->at < w->in.len && w->in.ptr[w->at] == ',')
            w->at++;
    }
    return s;
}

static enum node_rpc_scan scan_part(struct walk *w, struct node_rpc_part *part)
{
    size_t from = w->at;
    *part = (struct node_rpc_part){0};
    enum node_rpc_scan s =
        w->at < w->in.len && w->in.ptr[w->at] == '{' ? scan_object(w, part) : skip_value(w);
    if (s == NODE_RPC_SCAN_OK)
        part->whole = td_bytes_of(w->in.ptr + from, w->at - from);
    w->at = skip_blanks(w->in, w->at);
    return s;
}

static enum node_rpc_scan scan_batch(struct walk *w, struct node_rpc_part *parts, uint32_t *count)
{
    enum node_rpc_scan s = step_bracket(w, '[');
    w->at = skip_blanks(w->in, w->at + 1u);
    if (w->at < w->in.len && w->in.ptr[w->at] == ']') {
        w->at++;
        return NODE_RPC_SCAN_EMPTY_BATCH;
    }
    while (s == NODE_RPC_SCAN_OK) {
        if (*count == NODE_RPC_BATCH_MAX)
            return NODE_RPC_SCAN_LONG_BATCH;
        s = scan_part(w, &parts[*count]);
        if (s != NODE_RPC_SCAN_OK)
            return s;
        *count += 1;
        if (w->at >= w->in.len)
            return NODE_RPC_SCAN_MALFORMED;
        uint8_t c = w->in.ptr[w->at];
        w->at = skip_blanks(w->in, w->at + 1u);
        if (c == ']')
            return step_bracket(w, ']');
        if (c != ',')
            return NODE_RPC_SCAN_MALFORMED;
    }
    return s;
}

enum node_rpc_scan node_rpc_scan(struct td_bytes body, struct node_rpc_part *parts, uint32_t *count,
                                 bool *batch)
{
    struct walk w = {.in = body, .at = skip_blanks(body, 0)};
    *count = 0;
    *batch = w.at < body.len && body.ptr[w.at] == '[';
    enum node_rpc_scan s = NODE_RPC_SCAN_OK;
    if (*batch) {
        s = scan_batch(&w, parts, count);
    } else {
        s = scan_part(&w, &parts[0]);
        *count = s == NODE_RPC_SCAN_OK ? 1 : 0;
    }
    w.at = skip_blanks(body, w.at);
    if ((s == NODE_RPC_SCAN_OK || s == NODE_RPC_SCAN_EMPTY_BATCH) && w.at != body.len)
        s = NODE_RPC_SCAN_MALFORMED;
    return s;
}
