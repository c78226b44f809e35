#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/config/options_internal.h"

/* ---- memory: a few kilobytes at start; a node that cannot have them cannot run */

static void add(struct node_option_value *v, const char *text, int64_t number)
{
    struct node_option_item *items = realloc(v->items, (v->count + 1u) * sizeof *items);
    TD_ASSERT(items != NULL);
    v->items = items;
    items[v->count].number = number;
    items[v->count].text = text == NULL ? NULL : strdup(text);
    TD_ASSERT(text == NULL || items[v->count].text != NULL);
    v->count++;
}

void node_option_clear(struct node_option_value *v)
{
    for (uint32_t i = 0; i < v->count; i++)
        free(v->items[i].text);
    free(v->items);
    *v = (struct node_option_value){0};
}

/* ---- forms of text */

/* The index of `word` among words parted by spaces, or -1. */
static int64_t choice_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    int64_t index = 0;
    for (const char *at = words; *at != '\0'; index++) {
        size_t n = strcspn(at, " ");
        if (n == len && memcmp(at, word, n) == 0)
            return index;
        at += n + (at[n] == ' ');
    }
    return -1;
}

/* Digits only, 1 .. 65535; ports are never 0 here: everybody must know where to connect. */
static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    long port = len > 0 && len <= 5 && text[len] == '\0' ? strtol(text, NULL, 10) : 0;
    return port >= 1 && port <= 65535 && text[0] != '0';
}

/* host:port; a host is letters, digits, dots and hyphens, or anything of hex and colons in []. */
static bool is_socket(const char *text)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t host;
    if (text[0] == '[') {
        host = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (host < 3 || text[host] != ']')
            return false;
        host++;
    } else {
        host = strspn(text, names);
        if (host == 0 || host > 253)
            return false;
    }
    return text[host] == ':' && is_port(text + host + 1);
}

/* id@host:port, id the 64 hex digits of the transport key. */
static bool is_peer(const char *text)
{
    size_t id = strspn(text, "0123456789abcdef");
    return id == 64 && text[id] == '@' && is_socket(text + id + 1);
}

static bool duration(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"ms", 1000000},
                 {"s", INT64_C(1000000000)},
                 {"m", INT64_C(60000000000)},
                 {"h", INT64_C(3600000000000)}};
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 12 || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text + len, units[i].unit) == 0)
            return !__builtin_mul_overflow(strtoll(text, NULL, 10), units[i].ns, out);
    return false;
}

static bool integer(const char *text, int64_t *out)
{
    size_t sign = text[0] == '-';
    size_t len = strspn(text + sign, "0123456789");
    if (len == 0 || len > 18 || text[sign + len] != '\0')
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

/* ---- one item */

static const char *const FORMS[] = {
    [NODE_OPTION_TEXT] = "text",
    [NODE_OPTION_SOCKET] = "an address \"host:port\"",
    [NODE_OPTION_PEER] = "a peer \"id@host:port\", id being 64 hex digits",
};

void node_option_expected(char *out, size_t size, const struct node_option_info *o)
{
    const char *list = o->list ? "a list, each item " : "";
    switch (o->kind) {
    case NODE_OPTION_INTEGER:
        snprintf(out, size, "%sa whole number from %" PRId64 " to %" PRId64, list, o->least,
                 o->most);
        return;
    case NODE_OPTION_DURATION:
        snprintf(out, size,
                 "%sa time like \"250ms\", \"5s\", \"2m\", from %" PRId64 " ms to %" PRId64 " s",
                 list, o->least / 1000000, o->most / 1000000000);
        return;
    case NODE_OPTION_BOOLEAN:
        snprintf(out, size, "%strue or false", list);
        return;
    case NODE_OPTION_CHOICE:
        snprintf(out, size, "%sone of: %s", list, o->choices);
        return;
    case NODE_OPTION_TEXT:
    case NODE_OPTION_SOCKET:
    case NODE_OPTION_PEER:
        snprintf(out, size, "%s%s", list, FORMS[o->kind]);
        return;
    }
}

bool node_option_add_number(struct node_option_value *v, const struct node_option_info *o,
                            int64_t number, char *why, size_t size)
{
    if (number < o->least || number > o->most) {
        node_option_expected(why, size, o);
        return false;
    }
    add(v, NULL, number);
    return true;
}

bool node_option_add_text(struct node_option_value *v, const struct node_option_info *o,
                          const char *text, char *why, size_t size)
{
    int64_t number = 0;
    bool good = strlen(text) <= NODE_OPTION_TEXT_MAX;
    switch (o->kind) {
    case NODE_OPTION_INTEGER:
        if (good && integer(text, &number))
            return node_option_add_number(v, o, number, why, size);
        good = false;
        break;
    case NODE_OPTION_BOOLEAN:
        number = strcmp(text, "true") == 0;
        if (number == 1 || strcmp(text, "false") == 0)
            return node_option_add_number(v, o, number, why, size);
        good = false;
        break;
    case NODE_OPTION_DURATION:
        good = good && duration(text, &number) && number >= o->least && number <= o->most;
        break;
    case NODE_OPTION_CHOICE:
        number = choice_index(o->choices, text);
        good = number >= 0;
        break;
    case NODE_OPTION_SOCKET:
        good = good && is_socket(text);
        break;
    case NODE_OPTION_PEER:
        good = good && is_peer(text);
        break;
    case NODE_OPTION_TEXT:
        break;
    }
    if (!good) {
        node_option_expected(why, size, o);
        return false;
    }
    add(v, text, number);
    return true;
}
