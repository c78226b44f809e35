/* Any bytes as requests of HTTP, one after the other as on a connection: the same end whether they
 * come at once or in pieces, views inside the head, bodies within the limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/rpc/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LIMIT 512u

/* What a stream came to. */
struct end {
    int status; /* 0: more is wanted */
    uint32_t requests;
    uint64_t content_bytes;
};

static void check_head(const struct node_http_head *h, struct td_bytes text)
{
    const struct td_bytes views[] = {h->path, h->host, h->key};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        bool constant = views[i].len == 1 && views[i].ptr[0] == '/';
        TD_ASSERT(views[i].len == 0 || constant ||
                  (views[i].ptr >= text.ptr && views[i].ptr + views[i].len <= text.ptr + text.len));
        for (size_t k = 0; k < views[i].len; k++)
            TD_ASSERT(views[i].ptr[k] >= 0x20 || views[i].ptr[k] == '\t');
    }
    TD_ASSERT(h->path.len > 0 && (h->path.ptr[0] == '/' || h->path.ptr[0] == '*'));
    TD_ASSERT(!h->chunked || !h->has_length);
    (void)node_http_host_allowed(h->host, NULL, 0);
}

static struct end read_stream(const uint8_t *in, size_t len, size_t step)
{
    static uint8_t head[NODE_HTTP_HEAD_BYTES_MAX];
    struct end e = {0};
    struct node_http_scan scan;
    struct node_http_body body;
    struct node_http_head h;
    struct node_http_fault f = {0, NULL};
    size_t head_bytes = 0, used = 0;
    uint64_t content = 0;
    bool in_body = false;
    node_http_scan_init(&scan);
    for (size_t at = 0; at < len || in_body; at += used) {
        size_t n = len - at < step ? len - at : step;
        enum node_http_progress p;
        if (!in_body) {
            p = node_http_scan_feed(&scan, in + at, n, &used, &f);
            TD_ASSERT(used <= n && head_bytes + used <= sizeof head);
            memcpy(head + head_bytes, in + at, used);
            head_bytes += used;
            if (p == NODE_HTTP_MORE)
                continue;
            struct td_bytes text = td_bytes_of(head, head_bytes);
            if (p == NODE_HTTP_BAD || !node_http_head_parse(&h, &f, text) ||
                !node_http_body_init(&body, &f, &h, LIMIT))
                break;
            check_head(&h, text);
            in_body = true;
            content = 0;
            continue;
        }
        struct td_bytes piece;
        p = node_http_body_feed(&body, &piece, in + at, n, &used, &f);
        TD_ASSERT(used <= n && piece.len <= used);
        content += piece.len;
        e.content_bytes += piece.len;
        TD_ASSERT(content <= LIMIT);
        if (p == NODE_HTTP_BAD || (p == NODE_HTTP_MORE && n == 0))
            break;
        if (p == NODE_HTTP_DONE) {
            e.requests++;
            in_body = false;
            head_bytes = 0;
            node_http_scan_init(&scan);
        }
    }
    TD_ASSERT(f.status == 0 || (f.status >= 400 && f.status < 600 && f.why != NULL));
    e.status = f.status;
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct end whole = read_stream(data, len, SIZE_MAX), pieces = read_stream(data, len, 3),
               bytes = read_stream(data, len, 1);
    TD_ASSERT(whole.status == bytes.status && whole.requests == bytes.requests);
    TD_ASSERT(pieces.status == bytes.status && pieces.requests == bytes.requests);
    TD_ASSERT(whole.content_bytes == bytes.content_bytes);
    return 0;
}
