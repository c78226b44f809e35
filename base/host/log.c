#define _POSIX_C_SOURCE 200809L
#include "base/host/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"

static const char *const LEVEL_NAMES[] = {"DEBUG", "INFO", "WARN", "ERROR"};
static const char *const LEVEL_INPUTS[] = {"debug", "info", "warn", "error"};
static const char HEX_DIGITS[] = "0123456789abcdef";

/* Kept free at the end of the line for the cut mark and the closing bytes. */
#define TAIL_BYTES 16u
#define LINE_BYTES_MIN 512u
#define URL_BYTES_MAX 256u

/* The line being built.  An element (a key with its value) goes in whole or not at all. */
struct line {
    char *out;
    size_t cap; /* without the tail */
    size_t len;
    bool full; /* an element did not fit; nothing more is added */
    enum td_log_format format;
};

static void put_char(struct line *l, char c)
{
    if (l->len == l->cap)
        l->full = true;
    if (!l->full)
        l->out[l->len++] = c;
}

static void put_text(struct line *l, const char *text)
{
    for (; *text != '\0'; text++)
        put_char(l, *text);
}

static void put_number(struct line *l, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    while (n > 0)
        put_char(l, digits[--n]);
}

static void put_hex(struct line *l, struct td_bytes v)
{
    put_text(l, "0x");
    for (size_t i = 0; i < v.len; i++) {
        put_char(l, HEX_DIGITS[v.ptr[i] >> 4]);
        put_char(l, HEX_DIGITS[v.ptr[i] & 15u]);
    }
}

/* Any bytes, made harmless for the format: no control byte, no line break, no quote to escape
 * from, nothing a terminal would act upon. */
static void put_escaped(struct line *l, struct td_bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];
        if (c == '"' || c == '\\') {
            put_char(l, '\\');
            put_char(l, (char)c);
        } else if (c >= 0x20 && c < 0x7F) {
            put_char(l, (char)c);
        } else {
            put_text(l, l->format == TD_LOG_JSON ? "\\u00" : "\\x");
            put_char(l, HEX_DIGITS[c >> 4]);
            put_char(l, HEX_DIGITS[c & 15u]);
        }
    }
}

/* Whether a text value would be misread without quotes. */
static bool needs_quotes(struct td_bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == ' ' || v.ptr[i] == '"' || v.ptr[i] == '=' || v.ptr[i] == '\\')
            return true;
    }
    return v.len == 0;
}

static void put_string(struct line *l, struct td_bytes v)
{
    bool quotes = l->format == TD_LOG_JSON || needs_quotes(v);
    if (quotes)
        put_char(l, '"');
    put_escaped(l, v);
    if (quotes)
        put_char(l, '"');
}

static void put_hash(struct line *l, struct td_bytes v)
{
    if (l->format == TD_LOG_JSON) {
        put_hex(l, v);
        return;
    }
    put_hex(l, td_bytes_of(v.ptr, 4));
    put_text(l, "..");
}

static void put_addr(struct line *l, struct td_bytes v)
{
    struct td_addr a;
    char text[TD_ADDR_TEXT_BYTES];
    memcpy(a.b, v.ptr, TD_ADDR_BYTES);
    td_addr_print(text, &a);
    put_text(l, text);
}

static void put_url(struct line *l, struct td_bytes v)
{
    char redacted[URL_BYTES_MAX];
    size_t len = td_url_redact(redacted, sizeof redacted, v);
    put_string(l, td_bytes_of(redacted, len));
}

static void put_value(struct line *l, const struct td_log_field *f)
{
    bool json = l->format == TD_LOG_JSON;
    switch (f->kind) {
    case TD_LOG_KIND_U64:
        put_number(l, f->number);
        break;
    case TD_LOG_KIND_I64:
        if (f->number >> 63 != 0)
            put_char(l, '-');
        put_number(l, f->number >> 63 != 0 ? 0 - f->number : f->number);
        break;
    case TD_LOG_KIND_BOOL:
        put_text(l, f->number != 0 ? "true" : "false");
        break;
    case TD_LOG_KIND_BYTES:
        put_string(l, f->bytes);
        break;
    case TD_LOG_KIND_URL:
        put_url(l, f->bytes);
        break;
    case TD_LOG_KIND_HEX:
    case TD_LOG_KIND_HASH:
    case TD_LOG_KIND_ADDR:
        if (json)
            put_char(l, '"');
        if (f->kind == TD_LOG_KIND_HEX)
            put_hex(l, f->bytes);
        else if (f->kind == TD_LOG_KIND_HASH)
            put_hash(l, f->bytes);
        else
            put_addr(l, f->bytes);
        if (json)
            put_char(l, '"');
        break;
    }
}

static void put_field(struct line *l, const struct td_log_field *f)
{
    size_t before = l->len;
    if (l->format == TD_LOG_JSON) {
        put_text(l, ",\"");
        put_text(l, f->key);
        put_text(l, "\":");
    } else {
        put_char(l, ' ');
        put_text(l, f->key);
        put_char(l, '=');
    }
    put_value(l, f);
    if (l->full)
        l->len = before;
}

/* mod and msg: bare words in text, strings under their keys in JSON. */
static void put_word(struct line *l, const char *key, const char *word)
{
    struct td_log_field f = TD_LOG_STR(key, word);
    if (l->format == TD_LOG_JSON) {
        put_field(l, &f);
        return;
    }
    size_t before = l->len;
    put_char(l, ' ');
    put_escaped(l, f.bytes);
    if (l->full)
        l->len = before;
}

static void put_head(struct line *l, const struct td_log *log, const struct td_log_event *e,
                     uint64_t wall_ms)
{
    char ts[TD_TIMESTAMP_TEXT_BYTES];
    td_timestamp_print(ts, wall_ms);
    put_text(l, l->format == TD_LOG_JSON ? "{\"ts\":\"" : "");
    put_text(l, ts);
    put_text(l, l->format == TD_LOG_JSON ? "\",\"level\":\"" : " ");
    put_text(l, LEVEL_NAMES[e->level]);
    put_text(l, l->format == TD_LOG_JSON ? "\"" : "");
    put_word(l, "mod", e->mod);
    put_word(l, "msg", e->msg);
    if (e->code != 0) {
        char code[8];
        snprintf(code, sizeof code, "T%04u", (unsigned)e->code);
        put_field(l, &(struct td_log_field)TD_LOG_STR("code", code));
    }
    if (log->node != NULL)
        put_field(l, &(struct td_log_field)TD_LOG_STR("node", log->node));
    if (e->hint != NULL)
        put_field(l, &(struct td_log_field)TD_LOG_STR("hint", e->hint));
}

size_t td_log_encode(char *out, size_t cap, const struct td_log *log, const struct td_log_event *e,
                     uint64_t wall_ms)
{
    TD_ASSERT(cap >= LINE_BYTES_MIN);
    TD_ASSERT(e->code <= 9999);
    struct line l = {.out = out, .cap = cap - TAIL_BYTES, .format = log->format};

    put_head(&l, log, e, wall_ms);
    for (size_t i = 0; i < e->field_count; i++)
        put_field(&l, &e->fields[i]);

    l.cap = cap;
    if (l.full) {
        l.full = false;
        put_field(&l, &(struct td_log_field)TD_LOG_BOOL("cut", true));
    }
    if (log->format == TD_LOG_JSON)
        put_char(&l, '}');
    put_char(&l, '\n');
    return l.len;
}

void td_log_init(struct td_log *log, enum td_log_level level, enum td_log_format format,
                 const char *node, struct td_clock clock, struct td_log_sink sink)
{
    *log = (struct td_log){
        .level = level, .format = format, .node = node, .clock = clock, .sink = sink};
}

void td_log_put(const struct td_log *log, const struct td_log_event *event)
{
    char line[TD_LOG_LINE_BYTES_MAX];
    if (event->level >= TD_LOG_WARN)
        TD_ASSERT(event->code != 0);
    if (!td_log_enabled(log, event->level))
        return;
    size_t len = td_log_encode(line, sizeof line, log, event, td_clock_wall_ms(&log->clock));
    log->sink.put(log->sink.ctx, line, len);
}

enum td_error td_log_level_parse(enum td_log_level *out, const char *text)
{
    for (unsigned i = 0; i < sizeof LEVEL_INPUTS / sizeof LEVEL_INPUTS[0]; i++) {
        if (td_bytes_eq(td_bytes_of_text(text), td_bytes_of_text(LEVEL_INPUTS[i]))) {
            *out = (enum td_log_level)i;
            return TD_OK;
        }
    }
    return TD_E_MALFORMED;
}

static void fd_put(void *ctx, const char *line, size_t line_bytes)
{
    const int *fd = ctx;
    ssize_t written = write(*fd, line, line_bytes);
    (void)written; /* a full disk or closed pipe must not stop the node */
}

struct td_log_sink td_log_sink_fd(int *fd)
{
    return (struct td_log_sink){.put = fd_put, .ctx = fd};
}

void td_timestamp_print(char out[TD_TIMESTAMP_TEXT_BYTES], uint64_t wall_ms)
{
    const uint64_t last_ms = UINT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */
    uint64_t ms = wall_ms <= last_ms ? wall_ms : last_ms;
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    TD_ASSERT(gmtime_r(&seconds, &tm) != NULL);
    size_t len = strftime(out, TD_TIMESTAMP_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    TD_ASSERT(len == 19);
    out[19] = '.';
    out[20] = (char)('0' + ms % 1000 / 100);
    out[21] = (char)('0' + ms % 100 / 10);
    out[22] = (char)('0' + ms % 10);
    out[23] = 'Z';
    out[24] = '\0';
}

/* ---- URLs */

#define PATH_SEGMENT_BYTES_MAX 15u /* a longer one is taken for an access key */

struct text {
    char *out;
    size_t cap;
    size_t len;
};

static void text_put(struct text *t, const void *p, size_t len)
{
    const char *from = p;
    for (size_t i = 0; i < len && t->len + 1 < t->cap; i++)
        t->out[t->len++] = from[i];
}

static size_t find(struct td_bytes v, size_t from, const char *set)
{
    for (size_t i = from; i < v.len; i++) {
        for (const char *c = set; *c != '\0'; c++) {
            if (v.ptr[i] == (uint8_t)*c)
                return i;
        }
    }
    return v.len;
}

/* Where the authority begins: behind the first "://", or 0. */
static size_t authority_begin(struct td_bytes v)
{
    for (size_t i = 0; i + 2 < v.len; i++) {
        if (memcmp(v.ptr + i, "://", 3) == 0)
            return i + 3;
    }
    return 0;
}

static void put_path(struct text *t, struct td_bytes url, size_t at, size_t end)
{
    while (at < end) {
        size_t next = find(td_bytes_of(url.ptr, end), at + 1, "/");
        text_put(t, "/", 1);
        if (next - at - 1 > PATH_SEGMENT_BYTES_MAX)
            text_put(t, "***", 3);
        else
            text_put(t, url.ptr + at + 1, next - at - 1);
        at = next;
    }
}

size_t td_url_redact(char *out, size_t cap, struct td_bytes url)
{
    TD_ASSERT(cap >= 1);
    struct text t = {.out = out, .cap = cap, .len = 0};
    size_t begin = authority_begin(url);
    size_t query = find(url, begin, "?#");
    size_t host = begin; /* behind the last @, wherever it is: passwords may hold any byte */
    for (size_t i = find(url, begin, "@"); i < url.len; i = find(url, i + 1, "@"))
        host = i + 1;

    text_put(&t, url.ptr, begin);
    if (host > begin)
        text_put(&t, "***", 3);
    if (host <= query) { /* else a ? before the @: query or password, so nothing is shown */
        size_t path = find(td_bytes_of(url.ptr, query), host, "/");
        if (host > begin)
            text_put(&t, "@", 1);
        text_put(&t, url.ptr + host, path - host);
        put_path(&t, url, path, query);
        if (query < url.len)
            text_put(&t, "?***", 4);
    }
    out[t.len] = '\0';
    return t.len;
}
