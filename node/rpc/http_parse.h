/* Requests of HTTP/1.1 as bytes: where a head ends, what it says, and what its body is
 * (RFC 9110, RFC 9112).  Pure: no socket, no clock, no heap.
 *
 *     bytes ─▶ node_http_scan_feed: until the empty line ─▶ node_http_head_parse ─▶ the body's kind
 *                                                             node_http_body_feed ◀─ bytes
 *
 * 1. Strict where leniency lets two readers of one stream disagree (request smuggling): lines end
 *    in CR LF and nothing else does, no folded lines, no space before a colon, one Content-Length
 *    of digits, never together with Transfer-Encoding, which is `chunked` alone or refused.
 * 2. No control character passes: text of a head may be logged or compared as it is.
 * 3. Any bytes end in a result or in a fault: a status and one line for people.
 * 4. Feeding byte by byte or all at once gives the same result. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"

/* Browsers send about 1 KiB, proxies add as much; cookies, which need more, mean nothing here. */
#define NODE_HTTP_HEAD_BYTES_MAX 8192u
/* Twice what a browser behind two proxies sends. */
#define NODE_HTTP_HEADERS_MAX 64u
/* Of a chunked body, beside its data: extensions of one chunk's line, or all trailers. */
#define NODE_HTTP_CHUNK_LINE_BYTES_MAX 1024u
#define NODE_HTTP_TRAILER_BYTES_MAX 4096u

/* Why a request is refused; `why` is static text, one line that says what to do. */
struct node_http_fault {
    int status;
    const char *why;
};

enum node_http_progress { NODE_HTTP_MORE, NODE_HTTP_DONE, NODE_HTTP_BAD };

/* ---- where a head ends */

struct node_http_scan {
    uint32_t bytes;      /* of the head so far */
    uint32_t line_bytes; /* of the line so far, without CR LF */
    uint32_t lines;      /* complete ones */
    uint32_t blanks;     /* empty lines before the request line */
    bool after_cr;       /* LF must follow */
};

/* All zero: before a request. */
static inline void node_http_scan_init(struct node_http_scan *s)
{
    *s = (struct node_http_scan){0};
}

/* Take bytes up to the end of the head.  *used of in[len] belong to the head, all of them unless
 * DONE; the caller keeps them together for node_http_head_parse.  BAD fills *fault. */
enum node_http_progress node_http_scan_feed(struct node_http_scan *s, const uint8_t *in, size_t len,
                                            size_t *used, struct node_http_fault *fault);

/* ---- what a head says */

enum node_http_method {
    NODE_HTTP_METHOD_GET,
    NODE_HTTP_METHOD_HEAD,
    NODE_HTTP_METHOD_POST,
    NODE_HTTP_METHOD_OPTIONS,
};

/* Views lie in the head that was parsed. */
struct node_http_head {
    enum node_http_method method;
    struct td_bytes path; /* without query; "*" of OPTIONS */
    struct td_bytes host; /* of an absolute target, else of Host; empty: neither (HTTP/1.0) */
    bool http10;
    bool keep_alive;
    bool chunked;
    bool has_length;
    uint64_t content_bytes; /* has_length */
    bool expect_continue;
    bool encoded;        /* Content-Encoding other than identity */
    bool upgrade;        /* to websocket, asked for by both Upgrade and Connection */
    struct td_bytes key; /* Sec-WebSocket-Key, empty: absent */
    uint32_t key_count;  /* how often it was sent */
    bool version_13;     /* Sec-WebSocket-Version: 13 */
};

/* `head` is what the scan took, the empty line included.  False fills *fault. */
bool node_http_head_parse(struct node_http_head *out, struct node_http_fault *fault,
                          struct td_bytes head);

/* Whether `host` (name or address, port or not) may be asked for: an IP address, localhost, or one
 * of `hosts`.  Else a page elsewhere had its own name point here (DNS rebinding). */
bool node_http_host_allowed(struct td_bytes host, const char *const *hosts, uint32_t host_count);

/* ---- bodies */

enum node_http_body_state {
    NODE_HTTP_BODY_LENGTH, /* `left` bytes to come */
    NODE_HTTP_BODY_SIZE,   /* chunked: digits of a size */
    NODE_HTTP_BODY_EXTENSION,
    NODE_HTTP_BODY_SIZE_LF,
    NODE_HTTP_BODY_DATA,
    NODE_HTTP_BODY_DATA_CR,
    NODE_HTTP_BODY_DATA_LF,
    NODE_HTTP_BODY_TRAILER,
    NODE_HTTP_BODY_TRAILER_LF,
    NODE_HTTP_BODY_END,
};

struct node_http_body {
    enum node_http_body_state state;
    uint64_t left;        /* of the body or the chunk */
    uint64_t total_bytes; /* of data announced so far */
    uint64_t limit_bytes;
    uint32_t digits;
    uint32_t line_bytes;
    uint32_t trailer_bytes;
};

/* False: longer than `limit_bytes` (413 in *fault). */
bool node_http_body_init(struct node_http_body *b, struct node_http_fault *fault,
                         const struct node_http_head *head, uint64_t limit_bytes);

/* Take bytes of the body.  *used of in[len] are done with; *data is the part of them that is
 * content (one piece; call again while bytes are left).  DONE: the body is whole; call once with
 * no bytes to learn it of an empty one. */
enum node_http_progress node_http_body_feed(struct node_http_body *b, struct td_bytes *data,
                                            const uint8_t *in, size_t len, size_t *used,
                                            struct node_http_fault *fault);
