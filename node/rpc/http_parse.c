#include "node/rpc/http_parse.h"

#include <string.h>

static bool refuse(struct node_http_fault *fault, int status, const char *why)
{
    *fault = (struct node_http_fault){status, why};
    return false;
}

/* ---- where a head ends */

static enum node_http_progress scan_bad(struct node_http_fault *fault, int status, const char *why)
{
    *fault = (struct node_http_fault){status, why};
    return NODE_HTTP_BAD;
}

/* One more byte; MORE, DONE or BAD. */
static enum node_http_progress scan_byte(struct node_http_scan *s, uint8_t c,
                                         struct node_http_fault *fault)
{
    if (s->after_cr) {
        if (c != '\n')
            return scan_bad(fault, 400, "a CR in the head is not followed by LF");
        s->after_cr = false;
        if (s->line_bytes > 0) {
            s->lines++;
            s->line_bytes = 0;
            if (s->lines > 1u + NODE_HTTP_HEADERS_MAX)
                return scan_bad(fault, 431, "more than 64 headers; send fewer");
            return NODE_HTTP_MORE;
        }
        if (s->lines > 0)
            return NODE_HTTP_DONE;
        /* RFC 9112 2.2: an empty line before a request is skipped; more than two are no request. */
        if (++s->blanks > 2u)
            return scan_bad(fault, 400, "empty lines where a request should begin");
        return NODE_HTTP_MORE;
    }
    if (c == '\r') {
        s->after_cr = true;
        return NODE_HTTP_MORE;
    }
    if (c == '\n')
        return scan_bad(fault, 400, "a line of the head ends in LF alone; lines end in CR LF");
    if ((c < 0x20 && (c != '\t' || s->lines == 0)) || c == 0x7F)
        return scan_bad(fault, 400, "a control character in the head; is this TLS or not HTTP?");
    s->line_bytes++;
    return NODE_HTTP_MORE;
}

enum node_http_progress node_http_scan_feed(struct node_http_scan *s, const uint8_t *in, size_t len,
                                            size_t *used, struct node_http_fault *fault)
{
    for (size_t i = 0; i < len; i++) {
        if (s->bytes == NODE_HTTP_HEAD_BYTES_MAX) {
            *used = i;
            return s->lines == 0 ? scan_bad(fault, 414, "the target is longer than 8 KiB")
                                 : scan_bad(fault, 431, "the head is longer than 8 KiB");
        }
        s->bytes++;
        enum node_http_progress p = scan_byte(s, in[i], fault);
        if (p != NODE_HTTP_MORE) {
            *used = i + 1u;
            return p;
        }
    }
    *used = len;
    return NODE_HTTP_MORE;
}

/* ---- text */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same_text(struct td_bytes a, const char *text)
{
    size_t n = strlen(text);
    if (a.len != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (lower(a.ptr[i]) != lower((uint8_t)text[i]))
            return false;
    }
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* tchar of RFC 9110 5.6.2. */
static bool is_token(uint8_t c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct td_bytes trimmed(struct td_bytes v)
{
    while (v.len > 0 && (v.ptr[0] == ' ' || v.ptr[0] == '\t'))
        v = td_bytes_of(v.ptr + 1, v.len - 1u);
    while (v.len > 0 && (v.ptr[v.len - 1u] == ' ' || v.ptr[v.len - 1u] == '\t'))
        v.len--;
    return v;
}

/* The next element of a comma-separated list; false: no more. */
static bool list_next(struct td_bytes *rest, struct td_bytes *item)
{
    if (rest->len == 0)
        return false;
    const uint8_t *comma = memchr(rest->ptr, ',', rest->len);
    size_t n = comma == NULL ? rest->len : (size_t)(comma - rest->ptr);
    *item = trimmed(td_bytes_of(rest->ptr, n));
    n += comma == NULL ? 0u : 1u;
    *rest = td_bytes_of(rest->ptr + n, rest->len - n);
    return true;
}

static bool list_has(struct td_bytes list, const char *text)
{
    struct td_bytes item;
    while (list_next(&list, &item)) {
        if (same_text(item, text))
            return true;
    }
    return false;
}

/* ---- the request line */

/* RFC 9112 3.2.2: of "http://authority/path" the authority replaces Host. */
static bool target_parse(struct node_http_head *h, struct node_http_fault *fault, struct td_bytes t)
{
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1u;
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] <= 0x20 || t.ptr[i] > 0x7E)
            return refuse(fault, 400, "the target has a byte that must be percent-encoded");
    }
    if (t.len > n && same_text(td_bytes_of(t.ptr, n), scheme)) {
        size_t end = n;
        while (end < t.len && t.ptr[end] != '/' && t.ptr[end] != '?')
            end++;
        h->host = td_bytes_of(t.ptr + n, end - n);
        if (h->host.len == 0)
            return refuse(fault, 400, "the target names no host");
        t = td_bytes_of(t.ptr + end, t.len - end);
        if (t.len == 0 || t.ptr[0] == '?')
            t = td_bytes_of("/", 1);
    } else if (t.len == 1 && t.ptr[0] == '*' && h->method == NODE_HTTP_METHOD_OPTIONS) {
        h->path = t;
        return true;
    }
    if (t.len == 0 || t.ptr[0] != '/')
        return refuse(fault, 400, "the target is not a path");
    const uint8_t *query = memchr(t.ptr, '?', t.len);
    h->path = td_bytes_of(t.ptr, query == NULL ? t.len : (size_t)(query - t.ptr));
    return true;
}

static bool version_parse(struct node_http_head *h, struct node_http_fault *fault,
                          struct td_bytes v)
{
    if (v.len != 8 || memcmp(v.ptr, "HTTP/", 5) != 0 || !is_digit(v.ptr[5]) || v.ptr[6] != '.' ||
        !is_digit(v.ptr[7]))
        return refuse(fault, 400, "the request line does not end in HTTP/1.1");
    if (v.ptr[5] != '1')
        return refuse(fault, 505, "only HTTP/1.1 is spoken here");
    h->http10 = v.ptr[7] == '0';
    return true;
}

static bool request_line(struct node_http_head *h, struct node_http_fault *fault,
                         struct td_bytes line)
{
    static const char *const methods[] = {[NODE_HTTP_METHOD_GET] = "GET",
                                          [NODE_HTTP_METHOD_HEAD] = "HEAD",
                                          [NODE_HTTP_METHOD_POST] = "POST",
                                          [NODE_HTTP_METHOD_OPTIONS] = "OPTIONS"};
    size_t n = 0;
    while (n < line.len && is_token(line.ptr[n]))
        n++;
    if (n == 0 || n == line.len || line.ptr[n] != ' ')
        return refuse(fault, 400, "the request line does not begin with a method");
    struct td_bytes method = td_bytes_of(line.ptr, n);
    struct td_bytes rest = td_bytes_of(line.ptr + n + 1u, line.len - n - 1u);
    const uint8_t *space = memchr(rest.ptr, ' ', rest.len);
    if (space == NULL)
        return refuse(fault, 400, "the request line does not end in HTTP/1.1");
    n = (size_t)(space - rest.ptr);
    if (!version_parse(h, fault, td_bytes_of(space + 1, rest.len - n - 1u)))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t len = strlen(methods[i]);
        if (method.len != len || memcmp(method.ptr, methods[i], len) != 0)
            continue;
        h->method = (enum node_http_method)i;
        return target_parse(h, fault, td_bytes_of(rest.ptr, n));
    }
    return refuse(fault, 405, "only GET, HEAD, POST and OPTIONS are served here");
}

/* ---- headers */

/* What the headers leave behind until all are read. */
struct seen {
    bool host, length, coding, close, keep, upgrade, upgrade_socket;
    struct td_bytes host_text;
};

static bool length_header(struct node_http_head *h, struct node_http_fault *fault, struct seen *s,
                          struct td_bytes v)
{
    if (s->length)
        return refuse(fault, 400, "Content-Length is sent twice");
    s->length = true;
    if (v.len == 0 || v.len > 19u) /* 10^19 - 1 is below 2^64 */
        return refuse(fault, 400, "Content-Length is not a number");
    for (size_t i = 0; i < v.len; i++) {
        if (!is_digit(v.ptr[i]))
            return refuse(fault, 400, "Content-Length is not a number");
        h->content_bytes = h->content_bytes * 10u + (uint64_t)(v.ptr[i] - '0');
    }
    h->has_length = true;
    return true;
}

static bool framing_header(struct node_http_head *h, struct node_http_fault *fault, struct seen *s,
                           struct td_bytes name, struct td_bytes v)
{
    if (same_text(name, "content-length"))
        return length_header(h, fault, s, v);
    if (same_text(name, "transfer-encoding")) {
        if (s->coding)
            return refuse(fault, 400, "Transfer-Encoding is sent twice");
        s->coding = true;
        h->chunked = true;
        if (!same_text(v, "chunked"))
            return refuse(fault, 501, "of transfer codings only chunked is understood");
    } else if (same_text(name, "host")) {
        if (s->host)
            return refuse(fault, 400, "Host is sent twice");
        s->host = true;
        s->host_text = v;
    } else if (same_text(name, "expect")) {
        if (!same_text(v, "100-continue"))
            return refuse(fault, 417, "of expectations only 100-continue is understood");
        h->expect_continue = true;
    }
    return true;
}

static void other_header(struct node_http_head *h, struct seen *s, struct td_bytes name,
                         struct td_bytes v)
{
    if (same_text(name, "connection")) {
        s->close = s->close || list_has(v, "close");
        s->keep = s->keep || list_has(v, "keep-alive");
        s->upgrade = s->upgrade || list_has(v, "upgrade");
    } else if (same_text(name, "upgrade")) {
        s->upgrade_socket = s->upgrade_socket || list_has(v, "websocket");
    } else if (same_text(name, "content-encoding")) {
        h->encoded = h->encoded || !same_text(v, "identity");
    } else if (same_text(name, "sec-websocket-key")) {
        h->key = v;
        h->key_count++;
    } else if (same_text(name, "sec-websocket-version")) {
        h->version_13 = same_text(v, "13");
    }
}

static bool header_line(struct node_http_head *h, struct node_http_fault *fault, struct seen *s,
                        struct td_bytes line)
{
    size_t n = 0;
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return refuse(fault, 400, "a header is folded over lines; send it in one");
    while (n < line.len && is_token(line.ptr[n]))
        n++;
    if (n == 0 || n == line.len || line.ptr[n] != ':')
        return refuse(fault, 400, "a header is not of the form name: value");
    struct td_bytes name = td_bytes_of(line.ptr, n);
    struct td_bytes value = trimmed(td_bytes_of(line.ptr + n + 1u, line.len - n - 1u));
    if (!framing_header(h, fault, s, name, value))
        return false;
    other_header(h, s, name, value);
    return true;
}

static bool head_finish(struct node_http_head *h, struct node_http_fault *fault,
                        const struct seen *s)
{
    if (!s->host && !h->http10) /* RFC 9112 3.2 */
        return refuse(fault, 400, "Host is missing");
    if (h->host.len == 0)
        h->host = s->host_text;
    if (s->length && s->coding)
        return refuse(fault, 400, "Content-Length and Transfer-Encoding are sent together");
    if (s->coding && h->http10)
        return refuse(fault, 400, "Transfer-Encoding is not part of HTTP/1.0");
    h->keep_alive = !s->close && (!h->http10 || s->keep);
    h->expect_continue = h->expect_continue && !h->http10;
    h->upgrade = s->upgrade && s->upgrade_socket && !h->http10;
    return true;
}

bool node_http_head_parse(struct node_http_head *out, struct node_http_fault *fault,
                          struct td_bytes head)
{
    struct seen s = {0};
    bool first = true;
    *out = (struct node_http_head){0};
    while (head.len > 0) {
        const uint8_t *cr = memchr(head.ptr, '\r', head.len);
        if (cr == NULL)
            return refuse(fault, 400, "the head ends inside a line");
        struct td_bytes line = td_bytes_of(head.ptr, (size_t)(cr - head.ptr));
        size_t taken = line.len + 2u < head.len ? line.len + 2u : head.len;
        head = td_bytes_of(head.ptr + taken, head.len - taken);
        if (line.len == 0)
            continue; /* before the request line, or the last */
        if (!(first ? request_line(out, fault, line) : header_line(out, fault, &s, line)))
            return false;
        first = false;
    }
    if (first)
        return refuse(fault, 400, "the head is empty");
    return head_finish(out, fault, &s);
}

/* ---- the Host */

/* Four numbers below 256 between dots: what no DNS name can be. */
static bool is_ipv4(struct td_bytes h)
{
    uint32_t parts = 0, digits = 0, value = 0;
    for (size_t i = 0; i <= h.len; i++) {
        if (i == h.len || h.ptr[i] == '.') {
            if (digits == 0 || value > 255u)
                return false;
            parts++;
            digits = value = 0;
        } else if (is_digit(h.ptr[i]) && digits < 3u) {
            value = value * 10u + (uint32_t)(h.ptr[i] - '0');
            digits++;
        } else {
            return false;
        }
    }
    return parts == 4u;
}

bool node_http_host_allowed(struct td_bytes host, const char *const *hosts, uint32_t host_count)
{
    size_t n = host.len;
    if (host.len > 0 && host.ptr[0] == '[') { /* an IPv6 address: brackets are in no name */
        const uint8_t *end = memchr(host.ptr, ']', host.len);
        if (end == NULL)
            return false;
        for (const uint8_t *p = host.ptr + 1; p < end; p++) {
            if (!is_digit(*p) && !(lower(*p) >= 'a' && lower(*p) <= 'f') && *p != ':' && *p != '.')
                return false;
        }
        n = (size_t)(end - host.ptr) + 1u;
    } else {
        const uint8_t *colon = memchr(host.ptr == NULL ? (const uint8_t *)"" : host.ptr, ':', n);
        n = colon == NULL ? n : (size_t)(colon - host.ptr);
    }
    if (n < host.len && host.ptr[n] != ':')
        return false;
    for (size_t i = n + 1u; i < host.len; i++) {
        if (!is_digit(host.ptr[i]))
            return false;
    }
    struct td_bytes name = td_bytes_of(host.ptr, n);
    if (n == 0)
        return false;
    if (name.ptr[0] == '[' || is_ipv4(name) || same_text(name, "localhost"))
        return true;
    for (uint32_t i = 0; i < host_count; i++) {
        if (same_text(name, hosts[i]))
            return true;
    }
    return false;
}

/* ---- bodies */

static const char TOO_LONG[] = "the body is longer than max_body_bytes of the configuration";

bool node_http_body_init(struct node_http_body *b, struct node_http_fault *fault,
                         const struct node_http_head *head, uint64_t limit_bytes)
{
    *b = (struct node_http_body){.limit_bytes = limit_bytes};
    if (head->chunked) {
        b->state = NODE_HTTP_BODY_SIZE;
        return true;
    }
    b->left = head->has_length ? head->content_bytes : 0;
    b->total_bytes = b->left;
    b->state = b->left == 0 ? NODE_HTTP_BODY_END : NODE_HTTP_BODY_LENGTH;
    return b->left <= limit_bytes || refuse(fault, 413, TOO_LONG);
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The line of a chunk is over: its data follow, or the trailers. */
static enum node_http_progress chunk_begin(struct node_http_body *b, struct node_http_fault *fault)
{
    if (b->left > b->limit_bytes - b->total_bytes)
        return scan_bad(fault, 413, TOO_LONG);
    b->total_bytes += b->left;
    b->state = b->left == 0 ? NODE_HTTP_BODY_TRAILER : NODE_HTTP_BODY_DATA;
    b->line_bytes = 0;
    b->digits = 0;
    return NODE_HTTP_MORE;
}

static enum node_http_progress chunk_line_byte(struct node_http_body *b, uint8_t c,
                                               struct node_http_fault *fault)
{
    if (++b->line_bytes > NODE_HTTP_CHUNK_LINE_BYTES_MAX)
        return scan_bad(fault, 400, "the line of a chunk is too long");
    if (b->state == NODE_HTTP_BODY_SIZE_LF) {
        if (c != '\n')
            return scan_bad(fault, 400, "the line of a chunk does not end in CR LF");
        return chunk_begin(b, fault);
    }
    if (c == '\r' && b->digits > 0) {
        b->state = NODE_HTTP_BODY_SIZE_LF;
        return NODE_HTTP_MORE;
    }
    if (b->state == NODE_HTTP_BODY_EXTENSION) {
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return scan_bad(fault, 400, "a control character in the line of a chunk");
        return NODE_HTTP_MORE;
    }
    int v = hex_value(c);
    if (v < 0) {
        if (b->digits == 0 || (c != ';' && c != ' ' && c != '\t'))
            return scan_bad(fault, 400, "the size of a chunk is not a hexadecimal number");
        b->state = NODE_HTTP_BODY_EXTENSION;
        return NODE_HTTP_MORE;
    }
    if (++b->digits > 15u) /* below 2^60: the sum cannot overflow */
        return scan_bad(fault, 413, TOO_LONG);
    b->left = (b->digits == 1u ? 0 : b->left << 4) | (uint64_t)v;
    return NODE_HTTP_MORE;
}

/* Trailers are read over, RFC 9112 7.1.2. */
static enum node_http_progress trailer_byte(struct node_http_body *b, uint8_t c,
                                            struct node_http_fault *fault)
{
    if (++b->trailer_bytes > NODE_HTTP_TRAILER_BYTES_MAX)
        return scan_bad(fault, 431, "the trailers are longer than 4 KiB");
    if (b->state == NODE_HTTP_BODY_TRAILER_LF) {
        if (c != '\n')
            return scan_bad(fault, 400, "a line of the trailers does not end in CR LF");
        b->state = b->line_bytes == 0 ? NODE_HTTP_BODY_END : NODE_HTTP_BODY_TRAILER;
        b->line_bytes = 0;
        return b->state == NODE_HTTP_BODY_END ? NODE_HTTP_DONE : NODE_HTTP_MORE;
    }
    if (c == '\r') {
        b->state = NODE_HTTP_BODY_TRAILER_LF;
        return NODE_HTTP_MORE;
    }
    if ((c < 0x20 && c != '\t') || c == 0x7F)
        return scan_bad(fault, 400, "a control character in the trailers");
    b->line_bytes++;
    return NODE_HTTP_MORE;
}

static enum node_http_progress chunk_byte(struct node_http_body *b, uint8_t c,
                                          struct node_http_fault *fault)
{
    switch (b->state) {
    case NODE_HTTP_BODY_SIZE:
    case NODE_HTTP_BODY_EXTENSION:
    case NODE_HTTP_BODY_SIZE_LF:
        return chunk_line_byte(b, c, fault);
    case NODE_HTTP_BODY_DATA_CR:
        b->state = NODE_HTTP_BODY_DATA_LF;
        return c == '\r' ? NODE_HTTP_MORE
                         : scan_bad(fault, 400, "a chunk is longer than its size says");
    case NODE_HTTP_BODY_DATA_LF:
        b->state = NODE_HTTP_BODY_SIZE;
        return c == '\n' ? NODE_HTTP_MORE : scan_bad(fault, 400, "a chunk does not end in CR LF");
    case NODE_HTTP_BODY_TRAILER:
    case NODE_HTTP_BODY_TRAILER_LF:
        return trailer_byte(b, c, fault);
    case NODE_HTTP_BODY_LENGTH:
    case NODE_HTTP_BODY_DATA:
    case NODE_HTTP_BODY_END:
        break;
    }
    return NODE_HTTP_DONE;
}

enum node_http_progress node_http_body_feed(struct node_http_body *b, struct td_bytes *data,
                                            const uint8_t *in, size_t len, size_t *used,
                                            struct node_http_fault *fault)
{
    *data = td_bytes_of(NULL, 0);
    *used = 0;
    while (*used < len && b->state != NODE_HTTP_BODY_END) {
        if (b->state == NODE_HTTP_BODY_LENGTH || b->state == NODE_HTTP_BODY_DATA) {
            size_t n = len - *used;
            n = b->left < n ? (size_t)b->left : n;
            *data = td_bytes_of(in + *used, n);
            *used += n;
            b->left -= n;
            if (b->left == 0)
                b->state =
                    b->state == NODE_HTTP_BODY_DATA ? NODE_HTTP_BODY_DATA_CR : NODE_HTTP_BODY_END;
            break;
        }
        enum node_http_progress p = chunk_byte(b, in[(*used)++], fault);
        if (p != NODE_HTTP_MORE)
            return p;
    }
    return b->state == NODE_HTTP_BODY_END ? NODE_HTTP_DONE : NODE_HTTP_MORE;
}
