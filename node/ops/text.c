#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ops/ops_internal.h"

static bool reserve(struct node_ops_text *t, size_t more)
{
    if (t->failed || more > NODE_OPS_BYTES_MAX - t->len) {
        t->failed = true;
        return false;
    }
    if (t->len + more <= t->cap)
        return true;
    size_t cap = t->cap == 0 ? 8192 : t->cap;
    while (cap < t->len + more)
        cap *= 2;
    char *data = realloc(t->data, cap);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->cap = cap;
    return true;
}

void node_ops_append(struct node_ops_text *t, const void *bytes, size_t len)
{
    if (!reserve(t, len))
        return;
    memcpy(t->data + t->len, bytes, len);
    t->len += len;
}

/* Formats are this module's; what they print without bound goes through the escaping functions, so
 * that one line always fits. */
void node_ops_print(struct node_ops_text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line)
        t->failed = true;
    else
        node_ops_append(t, line, (size_t)len);
}

/* Length of the UTF-8 sequence at s (Unicode 15, table 3-7), 0: none. */
static size_t utf8_len(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1u : s[0] < 0xc2 ? 0u : s[0] < 0xe0 ? 2u : s[0] < 0xf0 ? 3u : 4u;
    if (s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) /* a terminator is no continuation: nothing is read past it */
        if ((s[i] & 0xc0u) != 0x80u)
            return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return n > 1 && bad ? 0 : n;
}

static void quoted(struct node_ops_text *t, const char *text, bool json)
{
    const unsigned char *s = (const unsigned char *)text;
    node_ops_append(t, "\"", 1);
    while (*s != '\0') {
        size_t n = utf8_len(s);
        if (*s == '"' || *s == '\\')
            node_ops_print(t, "\\%c", *s);
        else if (*s == '\n')
            node_ops_append(t, "\\n", 2);
        else if (json && *s < 0x20)
            node_ops_print(t, "\\u%04x", *s);
        else if (n == 0)
            node_ops_append(t, "?", 1);
        else
            node_ops_append(t, s, n);
        s += n == 0 ? 1 : n;
    }
    node_ops_append(t, "\"", 1);
}

void node_ops_json_string(struct node_ops_text *t, const char *s)
{
    if (s == NULL)
        node_ops_append(t, "null", 4);
    else
        quoted(t, s, true);
}

void node_ops_label(struct node_ops_text *t, const char *s)
{
    quoted(t, s, false);
}

void node_ops_seconds(struct node_ops_text *t, int64_t ns)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    node_ops_print(t, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", size / 1000000000u,
                   size % 1000000000u);
}
