#include "node/rpc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 512u

void node_text_init(struct node_text *t, size_t max)
{
    *t = (struct node_text){.max = max};
}

void node_text_free(struct node_text *t)
{
    free(t->ptr);
    *t = (struct node_text){.failed = true};
}

/* Room for `len` more bytes, which the caller fills; NULL: failed. */
static char *room(struct node_text *t, size_t len)
{
    if (t->failed || len > t->max - t->len) {
        t->failed = true;
        return NULL;
    }
    if (len > t->cap - t->len) {
        size_t cap = t->cap == 0 ? FIRST_BYTES : t->cap;
        while (cap - t->len < len)
            cap *= 2;
        char *ptr = realloc(t->ptr, cap);
        if (ptr == NULL) {
            t->failed = true;
            return NULL;
        }
        t->ptr = ptr;
        t->cap = cap;
    }
    char *at = t->ptr + t->len;
    t->len += len;
    return at;
}

void node_text_put(struct node_text *t, const char *bytes, size_t len)
{
    char *at = room(t, len);
    if (at != NULL && len > 0)
        memcpy(at, bytes, len);
}

void node_text_raw(struct node_text *t, const char *literal)
{
    node_text_put(t, literal, strlen(literal));
}

void node_text_open(struct node_text *t, char bracket)
{
    node_text_put(t, &bracket, 1);
}

void node_text_close(struct node_text *t, char bracket)
{
    node_text_put(t, &bracket, 1);
}

void node_text_item(struct node_text *t)
{
    char last = t->len == 0 ? '[' : t->ptr[t->len - 1];
    if (last != '[' && last != '{')
        node_text_put(t, ",", 1);
}

void node_text_key(struct node_text *t, const char *name)
{
    node_text_item(t);
    node_text_put(t, "\"", 1);
    node_text_raw(t, name);
    node_text_put(t, "\":", 2);
}

/* ---- values */

/* Length of the UTF-8 sequence at in[0 .. left) (Unicode, table 3-7); 0: none. */
static size_t sequence(const unsigned char *in, size_t left)
{
    unsigned char c = in[0];
    size_t len = c < 0x80u ? 1 : c >= 0xc2u && c < 0xe0u ? 2 : (c & 0xf0u) == 0xe0u ? 3 : 4;
    if (len == 4 && (c < 0xf0u || c > 0xf4u))
        return 0;
    if (len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((in[i] & 0xc0u) != 0x80u)
            return 0;
    if (len > 2 && ((c == 0xe0u && in[1] < 0xa0u) || (c == 0xedu && in[1] > 0x9fu) ||
                    (c == 0xf0u && in[1] < 0x90u) || (c == 0xf4u && in[1] > 0x8fu)))
        return 0;
    return len;
}

void node_text_string(struct node_text *t, const char *bytes, size_t len)
{
    node_text_put(t, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)bytes[i];
        size_t good = sequence((const unsigned char *)bytes + i, len - i);
        if (good > 0 && c >= 0x20u && c != '"' && c != '\\' && c != 0x7fu) {
            i += good;
            continue;
        }
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", good > 0 ? (unsigned)c : 0xfffdu);
        node_text_put(t, bytes + from, i - from);
        node_text_put(t, escape, 6);
        i++;
        from = i;
    }
    node_text_put(t, bytes + from, len - from);
    node_text_put(t, "\"", 1);
}

void node_text_cstring(struct node_text *t, const char *string)
{
    node_text_string(t, string, strlen(string));
}

void node_text_hex(struct node_text *t, const void *data, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";
    const uint8_t *in = data;
    char *at = len > SIZE_MAX / 4u ? NULL : room(t, 2u * len + 4u);
    if (at == NULL) {
        t->failed = true;
        return;
    }
    *at++ = '"';
    *at++ = '0';
    *at++ = 'x';
    for (size_t i = 0; i < len; i++) {
        *at++ = DIGITS[in[i] >> 4];
        *at++ = DIGITS[in[i] & 15u];
    }
    *at = '"';
}

void node_text_quantity(struct node_text *t, uint64_t v)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "\"0x%" PRIx64 "\"", v);
    node_text_put(t, digits, (size_t)len);
}

void node_text_u256(struct node_text *t, const struct exec_u256 *v)
{
    char digits[72];
    int at = 0;
    for (int i = 3; i >= 0; i--) {
        if (at > 0)
            at += snprintf(digits + at, sizeof digits - (size_t)at, "%016" PRIx64, v->w[i]);
        else if (v->w[i] != 0 || i == 0)
            at += snprintf(digits, sizeof digits, "\"0x%" PRIx64, v->w[i]);
    }
    node_text_put(t, digits, (size_t)at);
    node_text_put(t, "\"", 1);
}

void node_text_word(struct node_text *t, const struct exec_u256 *v)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < 32u; i++)
        bytes[31u - i] = (uint8_t)(v->w[i / 8u] >> (8u * (i % 8u)));
    node_text_hex(t, bytes, sizeof bytes);
}

void node_text_decimal(struct node_text *t, uint64_t v)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, v);
    node_text_put(t, digits, (size_t)len);
}

void node_text_bool(struct node_text *t, bool v)
{
    node_text_raw(t, v ? "true" : "false");
}

void node_text_null(struct node_text *t)
{
    node_text_raw(t, "null");
}
