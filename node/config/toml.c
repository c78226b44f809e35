#include "node/config/toml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct parser {
    const uint8_t *at, *end;
    const uint8_t *line_start;
    uint32_t line;
    struct td_arena *arena;
    struct node_toml_error *error;
    enum td_error err;
    struct node_toml_table *tables;
    uint32_t table_count;
    struct node_toml_entry *entries;
    uint32_t entry_count;
};

const char *node_toml_type_text(enum node_toml_type type)
{
    static const char *const texts[] = {"a string", "a whole number", "true or false", "a list"};
    return texts[type];
}

/* ---- errors: the first one stays */

static uint32_t column_of(const struct parser *p, const uint8_t *at)
{
    return (uint32_t)(at - p->line_start) + 1u;
}

__attribute__((format(printf, 4, 5))) static bool fail(struct parser *p, enum td_error err,
                                                       const uint8_t *at, const char *format, ...)
{
    va_list args;
    if (p->err != TD_OK)
        return false;
    p->err = err;
    p->error->line = p->line;
    p->error->column = column_of(p, at);
    va_start(args, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
    return false;
}

static bool bad(struct parser *p, const char *text)
{
    return fail(p, TD_E_MALFORMED, p->at, "%s", text);
}

static void *take(struct parser *p, size_t bytes, size_t align)
{
    void *memory = td_arena_get(p->arena, bytes, align);
    if (memory == NULL)
        fail(p, TD_E_NOSPACE, p->at, "no memory left for this file");
    return memory;
}

/* ---- characters */

static bool more(const struct parser *p)
{
    return p->at < p->end;
}

static uint8_t peek(const struct parser *p)
{
    return more(p) ? *p->at : 0;
}

static bool next_is(const struct parser *p, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(p->end - p->at) >= len && memcmp(p->at, text, len) == 0;
}

static bool is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* What may follow a value: a stricter end than "not a name" so that 12abc is one bad word. */
static bool ends_word(uint8_t c)
{
    return c == 0 || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#' || c == ',' ||
           c == ']';
}

static void skip_blanks(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

/* Bytes of the UTF-8 character at `at`, or 0: RFC 3629, so no surrogates and no overlong forms. */
static size_t utf8_bytes(const uint8_t *at, const uint8_t *end)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max, len;
    } forms[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = forms[i].len;
        if (at[0] < forms[i].first_min || at[0] > forms[i].first_max)
            continue;
        if ((size_t)(end - at) < len)
            return 0;
        if (len > 1 && (at[1] < forms[i].second_min || at[1] > forms[i].second_max))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((at[k] & 0xC0u) != 0x80u)
                return 0;
        return len;
    }
    return 0;
}

/* Move over one character of a comment or string. */
static bool character(struct parser *p)
{
    uint8_t c = *p->at;
    if ((c < 0x20 && c != '\t') || c == 0x7F)
        return fail(p, TD_E_MALFORMED, p->at, "control character 0x%02x", c);
    size_t len = utf8_bytes(p->at, p->end);
    if (len == 0)
        return bad(p, "not UTF-8");
    p->at += len;
    return true;
}

/* ---- lines */

static bool line_end(struct parser *p)
{
    if (next_is(p, "\r\n"))
        p->at++;
    if (peek(p) != '\n')
        return false;
    p->at++;
    p->line++;
    p->line_start = p->at;
    return true;
}

static bool at_line_end(const struct parser *p)
{
    return !more(p) || peek(p) == '\n' || next_is(p, "\r\n");
}

static bool comment(struct parser *p)
{
    if (peek(p) != '#')
        return true;
    while (!at_line_end(p))
        if (!character(p))
            return false;
    return true;
}

/* Blanks, a comment, and the end of the line or file. */
static bool finish_line(struct parser *p)
{
    skip_blanks(p);
    if (!comment(p))
        return false;
    if (!more(p) || line_end(p))
        return true;
    return bad(p, "expected the end of the line");
}

/* ---- names */

static const char *keep_text(struct parser *p, const uint8_t *text, size_t len)
{
    char *copy = take(p, len + 1u, 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* A bare key, or with `dots` several joined by dots. */
static const char *name(struct parser *p, bool dots, const char *expected)
{
    const uint8_t *start = p->at;
    bool part = false;
    for (; is_name(peek(p)) || (dots && part && peek(p) == '.'); p->at++)
        part = peek(p) != '.';
    if (!part) {
        if (peek(p) == '"' || peek(p) == '\'')
            bad(p, "quoted names are not used here: letters, digits, _ and - only");
        else
            bad(p, expected);
        return NULL;
    }
    if ((size_t)(p->at - start) > NODE_TOML_NAME_MAX) {
        fail(p, TD_E_LIMIT, start, "a name has at most %u bytes", NODE_TOML_NAME_MAX);
        return NULL;
    }
    return keep_text(p, start, (size_t)(p->at - start));
}

/* ---- strings */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t utf8_put(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len - 1u; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80u | (code & 0x3Fu));
    out[0] = (uint8_t)(lead[len] | code);
    return len;
}

/* \uXXXX or \UXXXXXXXX, p->at behind the letter. */
static bool unicode_escape(struct parser *p, uint8_t *out, size_t *len, unsigned digits)
{
    uint32_t code = 0;
    for (unsigned i = 0; i < digits; i++, p->at++) {
        int digit = more(p) ? hex_digit(*p->at) : -1;
        if (digit < 0)
            return fail(p, TD_E_MALFORMED, p->at, "expected %u hex digits", digits);
        code = code << 4 | (uint32_t)digit;
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return bad(p, "no character has this number");
    *len += utf8_put(out + *len, code);
    return true;
}

/* p->at is behind the backslash. */
static bool escape(struct parser *p, uint8_t *out, size_t *len)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    uint8_t c = peek(p);
    if (c == 'u' || c == 'U') {
        p->at++;
        return unicode_escape(p, out, len, c == 'u' ? 4 : 8);
    }
    const char *found = c == 0 ? NULL : strchr(from, c);
    if (found == NULL)
        return bad(p, "unknown escape; a backslash is written \\\\");
    out[(*len)++] = (uint8_t)to[found - from];
    p->at++;
    return true;
}

static bool string(struct parser *p, struct node_toml_value *v)
{
    uint8_t quote = *p->at;
    const uint8_t triple[3] = {quote, quote, quote};
    if (p->end - p->at >= 3 && memcmp(p->at, triple, 3) == 0)
        return bad(p, "multi-line strings are not used here");
    const uint8_t *start = ++p->at;
    while (more(p) && *p->at != quote && !at_line_end(p))
        p->at += *p->at == '\\' && quote == '"' && p->end - p->at > 1 && p->at[1] != '\n' ? 2 : 1;
    const uint8_t *stop = p->at; /* decoded text is never longer than its source */
    p->at = start;
    if (stop >= p->end || *stop != quote)
        return bad(p, "the string does not end on its line");
    uint8_t *out = take(p, (size_t)(stop - start) + 1u, 1);
    size_t len = 0;
    while (out != NULL && p->at < stop) {
        const uint8_t *from = p->at;
        if (*p->at == '\\' && quote == '"') {
            p->at++;
            if (!escape(p, out, &len))
                return false;
        } else if (character(p)) {
            memcpy(out + len, from, (size_t)(p->at - from));
            len += (size_t)(p->at - from);
        } else {
            return false;
        }
    }
    if (out == NULL)
        return false;
    out[len] = '\0';
    p->at = stop + 1;
    v->type = NODE_TOML_STRING;
    v->text = (const char *)out;
    return true;
}

/* ---- numbers and words */

static int64_t base_of(const struct parser *p)
{
    if (next_is(p, "0x"))
        return 16;
    if (next_is(p, "0o"))
        return 8;
    return next_is(p, "0b") ? 2 : 10;
}

/* Digits of `base` with single underscores between them. */
static bool digits(struct parser *p, int64_t base, bool negative, int64_t *out)
{
    bool digit_before = false;
    int64_t n = 0;
    for (; more(p) && !ends_word(*p->at); p->at++) {
        int d = hex_digit(*p->at);
        if (*p->at == '_' && digit_before && p->end - p->at > 1 && hex_digit(p->at[1]) >= 0) {
            digit_before = false;
            continue;
        }
        if (*p->at == '.' || *p->at == ':')
            return bad(p, "numbers with a fraction, dates and times are not used here");
        if (d < 0 || d >= base)
            return bad(p, "not a digit of a whole number");
        if (__builtin_mul_overflow(n, base, &n) ||
            __builtin_add_overflow(n, negative ? -(int64_t)d : (int64_t)d, &n))
            return bad(p, "the number needs more than 64 bits");
        digit_before = true;
    }
    *out = n;
    return digit_before ? true : bad(p, "expected a digit");
}

static bool number(struct parser *p, struct node_toml_value *v)
{
    bool sign = *p->at == '-' || *p->at == '+';
    bool negative = *p->at == '-';
    p->at += sign;
    int64_t base = base_of(p);
    if (base != 10 && sign)
        return bad(p, "a sign stands before decimal numbers only");
    if (base == 10 && peek(p) == '0' && p->end - p->at > 1 && hex_digit(p->at[1]) >= 0)
        return bad(p, "no leading zeros");
    p->at += base == 10 ? 0 : 2;
    v->type = NODE_TOML_INTEGER;
    return digits(p, base, negative, &v->integer);
}

static bool word(struct parser *p, struct node_toml_value *v)
{
    size_t len = next_is(p, "true") ? 4 : next_is(p, "false") ? 5 : 0;
    if (len == 0 || (p->at + len < p->end && !ends_word(p->at[len])))
        return bad(p, "expected a value: \"text\", a whole number, true, false or [ a list ]");
    v->type = NODE_TOML_BOOLEAN;
    v->boolean = len == 4;
    p->at += len;
    return true;
}

static bool scalar(struct parser *p, struct node_toml_value *v)
{
    uint8_t c = peek(p);
    v->line = p->line;
    v->column = column_of(p, p->at);
    if (c == '"' || c == '\'')
        return string(p, v);
    if ((c >= '0' && c <= '9') || c == '-' || c == '+')
        return number(p, v);
    if (c == '{')
        return bad(p, "inline tables are not used here: write a [section]");
    return word(p, v);
}

/* ---- lists */

/* Blanks, comments and line ends between the items. */
static bool skip_lines(struct parser *p)
{
    do {
        skip_blanks(p);
        if (!comment(p))
            return false;
    } while (line_end(p));
    return true;
}

static bool item(struct parser *p, struct node_toml_value *items, uint32_t count)
{
    if (count == NODE_TOML_ITEMS_MAX)
        return fail(p, TD_E_LIMIT, p->at, "a list has at most %u items", NODE_TOML_ITEMS_MAX);
    if (peek(p) == '[')
        return bad(p, "lists of lists are not used here");
    items[count] = (struct node_toml_value){0};
    const uint8_t *start = p->at;
    if (!scalar(p, &items[count]))
        return false;
    if (items[count].type != items[0].type)
        return fail(p, TD_E_MALFORMED, start, "%s in a list that began with %s",
                    node_toml_type_text(items[count].type), node_toml_type_text(items[0].type));
    return true;
}

static bool list(struct parser *p, struct node_toml_value *v)
{
    struct node_toml_value items[NODE_TOML_ITEMS_MAX];
    uint32_t count = 0;
    v->line = p->line;
    v->column = column_of(p, p->at);
    p->at++;
    for (;;) {
        if (!skip_lines(p))
            return false;
        if (peek(p) == ']')
            break;
        if (!more(p))
            return fail(p, TD_E_MALFORMED, p->at, "the list of line %" PRIu32 " has no ]", v->line);
        if (!item(p, items, count))
            return false;
        count++;
        if (!skip_lines(p))
            return false;
        if (peek(p) == ',')
            p->at++;
        else if (peek(p) != ']')
            return bad(p, "expected , or ]");
    }
    p->at++;
    struct node_toml_value *kept = take(p, count * sizeof *kept, _Alignof(struct node_toml_value));
    if (kept == NULL)
        return false;
    if (count > 0)
        memcpy(kept, items, count * sizeof *kept);
    v->type = NODE_TOML_ARRAY;
    v->items = kept;
    v->item_count = count;
    return true;
}

/* ---- tables and entries */

static bool add_table(struct parser *p, const char *table, bool repeated, const uint8_t *at)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < p->table_count; i++) {
        const struct node_toml_table *t = &p->tables[i];
        if (strcmp(t->name, table) != 0)
            continue;
        if (!repeated || !t->repeated)
            return fail(p, TD_E_MALFORMED, at, "[%s] stands already in line %" PRIu32, table,
                        t->line);
        index++;
    }
    if (p->table_count == NODE_TOML_ENTRIES_MAX)
        return fail(p, TD_E_LIMIT, at, "more than %u sections", NODE_TOML_ENTRIES_MAX);
    p->tables[p->table_count++] = (struct node_toml_table){
        .name = table, .index = index, .line = p->line, .repeated = repeated};
    return true;
}

static bool header(struct parser *p)
{
    const uint8_t *start = p->at;
    bool repeated = next_is(p, "[[");
    p->at += repeated ? 2 : 1;
    skip_blanks(p);
    const char *table = name(p, true, "expected a section's name");
    if (table == NULL)
        return false;
    skip_blanks(p);
    if (!next_is(p, repeated ? "]]" : "]"))
        return bad(p, repeated ? "expected ]]" : "expected ]");
    p->at += repeated ? 2 : 1;
    return add_table(p, table, repeated, start) && finish_line(p);
}

static bool entry(struct parser *p)
{
    const uint8_t *start = p->at;
    struct node_toml_entry e = {.line = p->line, .column = column_of(p, p->at)};
    e.key = name(p, false, "expected a key or a [section]");
    if (e.key == NULL)
        return false;
    if (peek(p) == '.')
        return bad(p, "dotted keys are not used here: write a [section]");
    if (p->table_count == 0)
        return fail(p, TD_E_MALFORMED, start, "\"%s\" stands before the first [section]", e.key);
    e.table = p->tables[p->table_count - 1u].name;
    e.table_index = p->tables[p->table_count - 1u].index;
    for (uint32_t i = p->entry_count; i > 0; i--) {
        const struct node_toml_entry *old = &p->entries[i - 1u];
        if (old->table != e.table)
            break; /* a table's entries stand together, under one copy of its name */
        if (strcmp(old->key, e.key) == 0)
            return fail(p, TD_E_MALFORMED, start, "\"%s\" stands already in line %" PRIu32, e.key,
                        old->line);
    }
    if (p->entry_count == NODE_TOML_ENTRIES_MAX)
        return fail(p, TD_E_LIMIT, start, "more than %u keys", NODE_TOML_ENTRIES_MAX);
    skip_blanks(p);
    if (peek(p) != '=')
        return bad(p, "expected =");
    p->at++;
    skip_blanks(p);
    if (!(peek(p) == '[' ? list(p, &e.value) : scalar(p, &e.value)))
        return false;
    p->entries[p->entry_count++] = e;
    return finish_line(p);
}

static bool statement(struct parser *p)
{
    skip_blanks(p);
    if (at_line_end(p) || peek(p) == '#')
        return finish_line(p);
    return peek(p) == '[' ? header(p) : entry(p);
}

enum td_error node_toml_parse(struct node_toml *out, struct node_toml_error *error,
                              struct td_arena *arena, struct td_bytes text)
{
    *out = (struct node_toml){0};
    *error = (struct node_toml_error){0};
    if (text.len == 0)
        return TD_OK;
    struct parser p = {.at = text.ptr,
                       .end = text.ptr + text.len,
                       .line_start = text.ptr,
                       .line = 1,
                       .arena = arena,
                       .error = error};
    if (text.len > NODE_TOML_BYTES_MAX) {
        fail(&p, TD_E_LIMIT, p.at, "the file has more than %u bytes", NODE_TOML_BYTES_MAX);
        return p.err;
    }
    p.tables = take(&p, NODE_TOML_ENTRIES_MAX * sizeof *p.tables, 8);
    p.entries = take(&p, NODE_TOML_ENTRIES_MAX * sizeof *p.entries, 8);
    while (p.err == TD_OK && more(&p))
        statement(&p);
    if (p.err != TD_OK)
        return p.err;
    *out = (struct node_toml){p.tables, p.table_count, p.entries, p.entry_count};
    return TD_OK;
}

const struct node_toml_entry *node_toml_find(const struct node_toml *toml, const char *table,
                                             uint32_t index, const char *key)
{
    for (uint32_t i = 0; i < toml->entry_count; i++) {
        const struct node_toml_entry *e = &toml->entries[i];
        if (e->table_index == index && strcmp(e->table, table) == 0 && strcmp(e->key, key) == 0)
            return e;
    }
    return NULL;
}
