/* node/rpc/http_parse: what is read, and every way to be refused, each fed whole and byte by
 * byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "node/rpc/http_parse.h"

#define LIMIT 16u

/* The result of one request: the fault's status, 0 = whole, -1 = more is wanted. */
struct result {
    int status;
    struct node_http_head head;
    char body[LIMIT + 1u];
    size_t body_bytes, used;
    char text[NODE_HTTP_HEAD_BYTES_MAX];
};

static int feed_head(struct result *r, const char *in, size_t len, size_t step)
{
    struct node_http_scan s;
    struct node_http_fault f;
    node_http_scan_init(&s);
    while (r->used < len) {
        size_t n = len - r->used < step ? len - r->used : step, used;
        enum node_http_progress p =
            node_http_scan_feed(&s, (const uint8_t *)in + r->used, n, &used, &f);
        cr_assert_leq(used, n);
        if (p == NODE_HTTP_BAD)
            return f.status;
        memcpy(r->text + r->used, in + r->used, used);
        r->used += used;
        if (p == NODE_HTTP_DONE)
            return node_http_head_parse(&r->head, &f, td_bytes_of(r->text, r->used)) ? 0 : f.status;
        cr_assert_eq(used, n);
    }
    return -1;
}

static int feed_body(struct result *r, const char *in, size_t len, size_t step)
{
    struct node_http_body b;
    struct node_http_fault f;
    if (!node_http_body_init(&b, &f, &r->head, LIMIT))
        return f.status;
    for (;;) {
        size_t n = len - r->used < step ? len - r->used : step, used;
        struct td_bytes data;
        enum node_http_progress p =
            node_http_body_feed(&b, &data, (const uint8_t *)in + r->used, n, &used, &f);
        if (p == NODE_HTTP_BAD)
            return f.status;
        r->used += used;
        cr_assert_leq(r->body_bytes + data.len, LIMIT);
        if (data.len > 0)
            memcpy(r->body + r->body_bytes, data.ptr, data.len);
        r->body_bytes += data.len;
        if (p == NODE_HTTP_DONE)
            return 0;
        if (r->used == len)
            return -1;
    }
}

static void run(struct result *r, const char *in, size_t len, size_t step)
{
    *r = (struct result){0};
    r->status = feed_head(r, in, len, step);
    if (r->status == 0)
        r->status = feed_body(r, in, len, step);
}

/* Both ways of feeding agree; the result of the second stays. */
static void run_both(struct result *r, const char *in, size_t len)
{
    struct result whole;
    run(&whole, in, len, len);
    run(r, in, len, 1);
    cr_assert_eq(whole.status, r->status, "%d whole, %d in bytes: %s", whole.status, r->status, in);
    cr_assert_eq(whole.body_bytes, r->body_bytes);
    cr_assert(r->status > 0 || whole.used == r->used);
}

#define H "Host: localhost\r\n"

Test(http_parse, each_malformed_request_has_its_status)
{
    static const struct {
        const char *in;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0}, /* RFC 9112 2.2 */
        {"\r\n\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
        {"GET / HTTP/1.1\r\n" H H "\r\n", 400},
        {"GET /\r\n", -1}, /* HTTP/0.9: refused with its empty line, never answered before */
        {"GET /\r\n\r\n", 400},
        {"GET / \r\n" H "\r\n", 400},
        {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
        {" GET / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET / http/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.\r\n" H "\r\n", 400},
        {"GET / HTTP/11\r\n" H "\r\n", 400},
        {"GET / HTTP/2.0\r\n" H "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\n" H "\r\n", 0},
        {"PUT / HTTP/1.1\r\n" H "\r\n", 405},
        {"get / HTTP/1.1\r\n" H "\r\n", 405},
        {"GE(T / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET x HTTP/1.1\r\n" H "\r\n", 400},
        {"GET * HTTP/1.1\r\n" H "\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 0},
        {"GET http:// HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http:///x HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /\xC3\xA9 HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /\t HTTP/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", 400}, /* bare CR */
        {"GET / HTTP/1.1\r\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\x7F\r\n\r\n", 400},
        {"\x16\x03\x01\x02", 400},                           /* TLS */
        {"GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400},  /* obs-fold */
        {"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400}, /* obs-fold */
        {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "A\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "A b: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "A:\r\nB:b\tc\r\nC: \xFF\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n" H "Expect: 100-Continue\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417},
    };
    struct result r;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_both(&r, cases[i].in, strlen(cases[i].in));
        cr_assert_eq(r.status, cases[i].status, "%s: %d", cases[i].in, r.status);
    }
}

#define P "POST / HTTP/1.1\r\n" H

Test(http_parse, bodies_end_where_their_framing_says)
{
    static const struct {
        const char *in;
        int status;
        const char *body;
    } cases[] = {
        {P "Content-Length: 3\r\n\r\nabc", 0, "abc"},
        {P "Content-Length: 003\r\n\r\nabc", 0, "abc"},
        {P "Content-Length: 16\r\n\r\n0123456789abcdef", 0, "0123456789abcdef"},
        {P "Content-Length: 17\r\n\r\n", 413, ""},
        {P "Content-Length: 3\r\n\r\nab", -1, "ab"},
        {P "Content-Length: 0\r\n\r\n", 0, ""},
        {P "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
        {P "Content-Length: 3, 3\r\n\r\nabc", 400, ""},
        {P "Content-Length: +3\r\n\r\nabc", 400, ""},
        {P "Content-Length: 0x3\r\n\r\nabc", 400, ""},
        {P "Content-Length: \r\n\r\nabc", 400, ""},
        {P "Content-Length: -1\r\n\r\n", 400, ""},
        {P "Content-Length: 9999999999999999999\r\n\r\n", 413, ""},
        {P "Content-Length: 18446744073709551619\r\n\r\nabc", 400, ""},
        {P "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400, ""},
        {P "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, ""},
        {P "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, ""},
        {P "Transfer-Encoding: identity\r\n\r\n", 501, ""},
        {P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ""},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ""},
#define C P "Transfer-Encoding: Chunked\r\n\r\n"
        {C "3\r\nabc\r\n0\r\n\r\n", 0, "abc"},
        {C "1\r\na\r\n02\r\nbc\r\n000\r\n\r\n", 0, "abc"},
        {C "A\r\n0123456789\r\n0\r\n\r\n", 0, "0123456789"},
        {C "3;x=\"y\"\r\nabc\r\n0;z\r\nTrailer: t\r\n\r\n", 0, "abc"},
        {C "3 \r\nabc\r\n0\r\n\r\n", 0, "abc"},
        {C "0\r\n\r\n", 0, ""},
        {C "10\r\n0123456789abcdef\r\n1\r\n", 413, "0123456789abcdef"},
        {C "11\r\n", 413, ""},
        {C "0000000000000001\r\n", 413, ""},
        {C "FFFFFFFFFFFFFFF\r\n", 413, ""},
        {C "\r\n", 400, ""},
        {C ";\r\n", 400, ""},
        {C "g\r\n", 400, ""},
        {C "-1\r\n", 400, ""},
        {C "0x1\r\na\r\n", 400, ""},
        {C "3\nabc", 400, ""},
        {C "3\rabc", 400, ""},
        {C "3;\x01\r\nabc", 400, ""},
        {C "3\r\nabcd\r\n", 400, "abc"},
        {C "3\r\nabc\rx", 400, "abc"},
        {C "0\r\nT: \x01\r\n\r\n", 400, ""},
        {C "0\r\nT: t\rx", 400, ""},
        {C "0\r\nT: t\r\n", -1, ""},
    };
    struct result r;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_both(&r, cases[i].in, strlen(cases[i].in));
        cr_assert_eq(r.status, cases[i].status, "%s: %d", cases[i].in, r.status);
        cr_assert_str_eq(r.body, cases[i].body, "%s", cases[i].in);
        if (r.status == 0)
            cr_assert_eq(r.used, strlen(cases[i].in), "%s", cases[i].in);
    }
}

Test(http_parse, a_request_ends_before_the_next)
{
    static const char two[] = P "Content-Length: 1\r\n\r\nXGET /";
    struct result r;
    run(&r, two, sizeof two - 1u, sizeof two);
    cr_assert_eq(r.status, 0);
    cr_assert_eq(r.used, sizeof two - 1u - 5u);
}

Test(http_parse, every_prefix_of_a_request_wants_more)
{
    static const char *const whole[] = {"GET /a?b HTTP/1.1\r\n" H "A: b\r\n\r\n",
                                        C "3;e\r\nabc\r\n0\r\nT: t\r\n\r\n",
                                        P "Content-Length: 3\r\n\r\nabc"};
    struct result r;
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++) {
        size_t len = strlen(whole[k]);
        for (size_t n = 0; n < len; n++) {
            run(&r, whole[k], n, 7);
            cr_assert_eq(r.status, -1, "%zu bytes of %s", n, whole[k]);
        }
        run(&r, whole[k], len, 7);
        cr_assert_eq(r.status, 0);
    }
}

/* A head of `headers` lines "A: b" and one of `fill` bytes. */
static size_t build(char *out, size_t cap, unsigned headers, size_t fill)
{
    size_t n = (size_t)snprintf(out, cap, "GET / HTTP/1.1\r\n" H);
    for (unsigned i = 1; i < headers; i++)
        n += (size_t)snprintf(out + n, cap - n, "A: b\r\n");
    if (fill > 0) {
        n += (size_t)snprintf(out + n, cap - n, "B: ");
        memset(out + n, 'x', fill);
        n += fill;
        n += (size_t)snprintf(out + n, cap - n, "\r\n");
    }
    return n + (size_t)snprintf(out + n, cap - n, "\r\n");
}

Test(http_parse, sizes_and_counts_have_limits)
{
    static char in[16384];
    struct result r;
    run_both(&r, in, build(in, sizeof in, 64, 0));
    cr_assert_eq(r.status, 0);
    run_both(&r, in, build(in, sizeof in, 65, 0));
    cr_assert_eq(r.status, 431);
    size_t empty = build(in, sizeof in, 1, 1) - 1u;
    run_both(&r, in, build(in, sizeof in, 1, NODE_HTTP_HEAD_BYTES_MAX - empty));
    cr_assert_eq(r.status, 0);
    run_both(&r, in, build(in, sizeof in, 1, NODE_HTTP_HEAD_BYTES_MAX - empty + 1u));
    cr_assert_eq(r.status, 431);
    memset(in, 'G', sizeof in);
    run_both(&r, in, sizeof in);
    cr_assert_eq(r.status, 414);
}

Test(http_parse, overhead_of_chunks_has_limits)
{
    static char in[16384];
    struct result r;
    size_t n = (size_t)snprintf(in, sizeof in, C "1;");
    memset(in + n, 'x', NODE_HTTP_CHUNK_LINE_BYTES_MAX);
    run_both(&r, in, n + NODE_HTTP_CHUNK_LINE_BYTES_MAX - 2u);
    cr_assert_eq(r.status, -1);
    run_both(&r, in, n + NODE_HTTP_CHUNK_LINE_BYTES_MAX);
    cr_assert_eq(r.status, 400);
    n = (size_t)snprintf(in, sizeof in, C "0\r\n");
    memset(in + n, 'x', NODE_HTTP_TRAILER_BYTES_MAX + 1u);
    run_both(&r, in, n + NODE_HTTP_TRAILER_BYTES_MAX);
    cr_assert_eq(r.status, -1);
    run_both(&r, in, n + NODE_HTTP_TRAILER_BYTES_MAX + 1u);
    cr_assert_eq(r.status, 431);
}

static bool eq(struct td_bytes a, const char *b)
{
    return td_bytes_eq(a, td_bytes_of_text(b));
}

Test(http_parse, a_head_says_what_it_says)
{
    static const struct {
        const char *in, *path, *host;
        bool keep, upgrade, encoded;
    } cases[] = {
        {"GET /a/b?c=d HTTP/1.1\r\nHOST:  h:1 \r\n\r\n", "/a/b", "h:1", true, false, false},
        {"GET http://x:80/y?z HTTP/1.1\r\nHost: h\r\n\r\n", "/y", "x:80", true, false, false},
        {"GET HTTP://x?z HTTP/1.1\r\nHost: h\r\n\r\n", "/", "x", true, false, false},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "*", "h", true, false, false},
        {"GET / HTTP/1.0\r\n\r\n", "/", "", false, false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/", "", true, false, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x , Close\r\n\r\n", "/", "h", false, false,
         false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
         "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n",
         "/", "h", true, true, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "/", "h", true,
         false, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", "/", "h", true, false, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n\r\n", "/", "h", true, false,
         true},
    };
    struct result r;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_both(&r, cases[i].in, strlen(cases[i].in));
        cr_assert_eq(r.status, 0, "%s", cases[i].in);
        cr_assert(eq(r.head.path, cases[i].path), "%s", cases[i].in);
        cr_assert(eq(r.head.host, cases[i].host), "%s", cases[i].in);
        cr_assert_eq(r.head.keep_alive, cases[i].keep, "%s", cases[i].in);
        cr_assert_eq(r.head.upgrade, cases[i].upgrade, "%s", cases[i].in);
        cr_assert_eq(r.head.encoded, cases[i].encoded, "%s", cases[i].in);
        if (r.head.upgrade)
            cr_assert(r.head.version_13 && r.head.key_count == 1 && eq(r.head.key, "k"));
    }
}

Test(http_parse, hosts_are_addresses_or_known_names)
{
    static const char *const known[] = {"node.example"};
    static const struct {
        const char *host;
        bool allowed;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:8645", true},
        {"10.255.0.9", true},
        {"[::1]", true},
        {"[::1]:80", true},
        {"[::ffff:1.2.3.4]", true},
        {"localhost", true},
        {"LocalHost:1", true},
        {"node.example", true},
        {"NODE.example:443", true},
        {"", false},
        {":80", false},
        {"evil.example", false},
        {"localhost.evil", false},
        {"node.example.evil", false},
        {"xnode.example", false},
        {"127.0.0.1.evil", false},
        {"256.0.0.1", false},
        {"1.2.3", false},
        {"1.2.3.4.5", false},
        {"1.2.3.0004", false},
        {"[::1", false},
        {"[evil]", false},
        {"[::1]x", false},
        {"localhost:x", false},
        {"localhost:80:80", false},
        {"localhost ", false},
        {"1.2.3.4@evil", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(node_http_host_allowed(td_bytes_of_text(cases[i].host), known, 1),
                     cases[i].allowed, "%s", cases[i].host);
    cr_assert_not(node_http_host_allowed(td_bytes_of(NULL, 0), NULL, 0));
    cr_assert_not(node_http_host_allowed(td_bytes_of_text("node.example"), NULL, 0));
}
