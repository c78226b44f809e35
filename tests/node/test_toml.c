/* node/config/toml: what is read, what is refused and where the finger points.  Tables first; then
 * every prefix of a good file, which must end in a result or an error inside it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config/toml.h"

static uint8_t memory[NODE_TOML_ARENA_BYTES];

static enum td_error parse(struct node_toml *t, struct node_toml_error *e, const void *text,
                           size_t len)
{
    struct td_arena arena;
    td_arena_init(&arena, memory, sizeof memory);
    return node_toml_parse(t, e, &arena, td_bytes_of(text, len));
}

static const struct node_toml_value *value(struct node_toml *t, const char *text)
{
    static char file[4096];
    struct node_toml_error e;
    int len = snprintf(file, sizeof file, "[t]\nk = %s\n", text);
    cr_assert_eq(parse(t, &e, file, (size_t)len), TD_OK, "%s: %u:%u: %s", text, e.line, e.column,
                 e.text);
    cr_assert_eq(t->entry_count, 1);
    return &t->entries[0].value;
}

Test(toml, whole_numbers)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {{"0", 0},
                 {"-0", 0},
                 {"+7", 7},
                 {"1_000_000", 1000000},
                 {"0xDEAD_beef", 0xDEADBEEF},
                 {"0o17", 15},
                 {"0b101", 5},
                 {"0x0", 0},
                 {"9223372036854775807", INT64_MAX},
                 {"-9223372036854775808", INT64_MIN}};
    struct node_toml t;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct node_toml_value *v = value(&t, cases[i].text);
        cr_expect(v->type == NODE_TOML_INTEGER && v->integer == cases[i].want, "%s", cases[i].text);
    }
}

Test(toml, strings)
{
    static const struct {
        const char *text, *want;
    } cases[] = {{"\"\"", ""},
                 {"''", ""},
                 {"\"a b # c\" # d", "a b # c"},
                 {"'C:\\x \"q\"'", "C:\\x \"q\""},
                 {"\"\\b\\t\\n\\f\\r\\\"\\\\\"", "\b\t\n\f\r\"\\"},
                 {"\"\\u00e9\\u20AC\\U0001F600\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
                 {"\"\xC3\xA9\xF4\x8F\xBF\xBF\"", "\xC3\xA9\xF4\x8F\xBF\xBF"},
                 {"\"tab\there\"", "tab\there"},
                 {"\"\\\\\"", "\\"}};
    struct node_toml t;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct node_toml_value *v = value(&t, cases[i].text);
        cr_expect(v->type == NODE_TOML_STRING && strcmp(v->text, cases[i].want) == 0, "%s",
                  cases[i].text);
    }
}

Test(toml, words_and_lists)
{
    struct node_toml t;
    cr_expect(value(&t, "true")->boolean);
    cr_expect_not(value(&t, "false")->boolean);
    const struct node_toml_value *v = value(&t, "[]");
    cr_expect(v->type == NODE_TOML_ARRAY && v->item_count == 0);
    v = value(&t, "[ 1,2 , # two\n  # alone\n\t3,\n]");
    cr_assert_eq(v->item_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(v->items[i].integer, (int64_t)i + 1);
    cr_expect_eq(v->items[2].line, 4);
    cr_expect_eq(v->items[2].column, 2);
    v = value(&t, "[\"a\", 'b']");
    cr_expect(v->item_count == 2 && strcmp(v->items[1].text, "b") == 0);
}

Test(toml, tables_positions_and_lookup)
{
    static const char text[] = "# first\r\n"
                               "[p2p]\r\n"
                               "  listen = \"x\"\r\n"
                               "\n"
                               "[a.b-c_9] # c\n"
                               "k=1\n"
                               "[[fault]]\n"
                               "at = 1\n"
                               "[[fault]]\n"
                               "at = 2";
    struct node_toml t;
    struct node_toml_error e;
    cr_assert_eq(parse(&t, &e, text, sizeof text - 1u), TD_OK, "%u: %s", e.line, e.text);
    cr_assert(t.table_count == 4 && t.entry_count == 4);
    const struct node_toml_entry *found = node_toml_find(&t, "p2p", 0, "listen");
    cr_assert_not_null(found);
    cr_expect(found->line == 3 && found->column == 3);
    cr_expect(found->value.line == 3 && found->value.column == 12);
    cr_expect_not_null(node_toml_find(&t, "a.b-c_9", 0, "k"));
    cr_expect_eq(node_toml_find(&t, "fault", 0, "at")->value.integer, 1);
    cr_expect_eq(node_toml_find(&t, "fault", 1, "at")->value.integer, 2);
    cr_expect_null(node_toml_find(&t, "fault", 2, "at"));
    cr_expect_null(node_toml_find(&t, "p2p", 0, "k"));
    cr_expect(t.tables[3].repeated && t.tables[3].index == 1 && t.tables[3].line == 9);
}

#define IN_T(text) "[t]\n" text

Test(toml, refusals_say_where_and_why)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *part; /* of the message */
    } cases[] = {
        {"k = 1", 1, 1, "before the first"},
        {"[t", 1, 3, "expected ]"},
        {"[t]]", 1, 4, "end of the line"},
        {"[[t]", 1, 4, "expected ]]"},
        {"[]", 1, 2, "section's name"},
        {"[a.]", 1, 4, "section's name"},
        {"[.a]", 1, 2, "section's name"},
        {"[a..b]", 1, 4, "section's name"},
        {"[\"a\"]", 1, 2, "quoted names"},
        {"[t]\n[t]", 2, 1, "already in line 1"},
        {"[[t]]\n[t]", 2, 1, "already in line 1"},
        {"[t]\n[[t]]", 2, 1, "already in line 1"},
        {IN_T("k = 1\nk = 2"), 3, 1, "already in line 2"},
        {IN_T("k"), 2, 2, "expected ="},
        {IN_T("k ="), 2, 4, "expected a value"},
        {IN_T("k = 1 2"), 2, 7, "end of the line"},
        {IN_T("a.b = 1"), 2, 2, "dotted"},
        {IN_T("\"a\" = 1"), 2, 1, "quoted names"},
        {IN_T("= 1"), 2, 1, "a key or"},
        {IN_T("k = yes"), 2, 5, "expected a value"},
        {IN_T("k = truest"), 2, 5, "expected a value"},
        {IN_T("k = 01"), 2, 5, "leading zeros"},
        {IN_T("k = 1__0"), 2, 6, "not a digit"},
        {IN_T("k = 1_"), 2, 6, "not a digit"},
        {IN_T("k = _1"), 2, 5, "expected a value"},
        {IN_T("k = 12x"), 2, 7, "not a digit"},
        {IN_T("k = -0x1"), 2, 6, "a sign"},
        {IN_T("k = 0x"), 2, 7, "expected a digit"},
        {IN_T("k = 0b12"), 2, 8, "not a digit"},
        {IN_T("k = 1.5"), 2, 6, "fraction"},
        {IN_T("k = 1979-05-27"), 2, 9, "not a digit"},
        {IN_T("k = 9223372036854775808"), 2, 23, "64 bits"},
        {IN_T("k = -9223372036854775809"), 2, 24, "64 bits"},
        {IN_T("k = \"a"), 2, 6, "does not end"},
        {IN_T("k = \"a\\\"\nl = 1"), 2, 6, "does not end"},
        {IN_T("k = \"\"\"a\"\"\""), 2, 5, "multi-line"},
        {IN_T("k = '''a'''"), 2, 5, "multi-line"},
        {IN_T("k = \"\\x41\""), 2, 7, "unknown escape"},
        {IN_T("k = \"\\u12g4\""), 2, 10, "4 hex digits"},
        {IN_T("k = \"\\ud800\""), 2, 12, "no character"},
        {IN_T("k = \"\\u0000\""), 2, 12, "no character"},
        {IN_T("k = \"\\U00110000\""), 2, 16, "no character"},
        {IN_T("k = \"\x01\""), 2, 6, "control character 0x01"},
        {IN_T("k = \"\x7F\""), 2, 6, "control character 0x7f"},
        {IN_T("k = \"\xC0\x80\""), 2, 6, "not UTF-8"},
        {IN_T("k = \"\xED\xA0\x80\""), 2, 6, "not UTF-8"},
        {IN_T("k = \"\xF4\x90\x80\x80\""), 2, 6, "not UTF-8"},
        {IN_T("k = '\xE2\x82'"), 2, 6, "not UTF-8"},
        {IN_T("# \x02"), 2, 3, "control character"},
        {IN_T("k = {a=1}"), 2, 5, "inline tables"},
        {IN_T("k = [1, \"a\"]"), 2, 9, "in a list that began with a whole number"},
        {IN_T("k = [[1]]"), 2, 6, "lists of lists"},
        {IN_T("k = [1 2]"), 2, 8, "expected , or ]"},
        {IN_T("k = [,]"), 2, 6, "expected a value"},
        {IN_T("k = [1,\n"), 3, 1, "list of line 2 has no ]"},
        {IN_T("k = 1\rl = 2"), 2, 6, "end of the line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_toml t;
        struct node_toml_error e;
        enum td_error err = parse(&t, &e, cases[i].text, strlen(cases[i].text));
        cr_expect_eq(err, TD_E_MALFORMED, "case %zu: %s", i, cases[i].text);
        cr_expect(e.line == cases[i].line && e.column == cases[i].column &&
                      strstr(e.text, cases[i].part) != NULL,
                  "case %zu: %s\n  %u:%u: %s", i, cases[i].text, e.line, e.column, e.text);
        cr_expect_eq(t.entry_count, 0);
    }
}

Test(toml, nul_is_a_control_character)
{
    struct node_toml t;
    struct node_toml_error e;
    cr_expect_eq(parse(&t, &e, "[t]\nk = \"a\0\"", 12), TD_E_MALFORMED);
    cr_expect(e.line == 2 && e.column == 7);
    cr_expect_eq(parse(&t, &e, "[t]\0", 4), TD_E_MALFORMED);
}

/* A file of `head`, `count` times before ‖ number ‖ after, and `tail`; without numbers if `after`
 * is NULL. */
static enum td_error repeated(struct node_toml_error *e, const char *head, const char *before,
                              const char *after, uint32_t count, const char *tail)
{
    static char file[NODE_TOML_BYTES_MAX + 64u];
    struct node_toml t;
    size_t len = (size_t)snprintf(file, sizeof file, "%s", head);
    for (uint32_t i = 0; i < count; i++) {
        len += (size_t)snprintf(file + len, sizeof file - len, "%s", before);
        if (after != NULL)
            len += (size_t)snprintf(file + len, sizeof file - len, "%u%s", i, after);
    }
    len += (size_t)snprintf(file + len, sizeof file - len, "%s", tail);
    return parse(&t, e, file, len);
}

Test(toml, every_bound_holds_at_its_edge)
{
    static const struct {
        const char *head, *before, *after, *tail;
        uint32_t most;
    } cases[] = {{"[t]\nk=[", "1,", NULL, "]", NODE_TOML_ITEMS_MAX},
                 {"[t]\n", "k", "=1\n", "", NODE_TOML_ENTRIES_MAX},
                 {"", "[t", "]\n", "", NODE_TOML_ENTRIES_MAX},
                 {"[", "n", NULL, "]", NODE_TOML_NAME_MAX},
                 {"#", "x", NULL, "", NODE_TOML_BYTES_MAX - 1u}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint32_t over = 0; over < 2; over++) {
            struct node_toml_error e;
            cr_expect_eq(repeated(&e, cases[i].head, cases[i].before, cases[i].after,
                                  cases[i].most + over, cases[i].tail),
                         over ? TD_E_LIMIT : TD_OK, "case %zu, %u over", i, over);
        }
}

/* Goal: the arena suffices for the densest file of the greatest size. */
Test(toml, densest_file_fits_the_arena)
{
    static char file[NODE_TOML_BYTES_MAX];
    struct node_toml t;
    struct node_toml_error e;
    size_t len = (size_t)snprintf(file, sizeof file, "[t]\n");
    for (unsigned k = 0; len + 600u < sizeof file && k < NODE_TOML_ENTRIES_MAX; k++) {
        len += (size_t)snprintf(file + len, sizeof file - len, "%x=[", k);
        for (unsigned i = 0; i < NODE_TOML_ITEMS_MAX; i++) {
            file[len++] = '1';
            file[len++] = ',';
        }
        file[len++] = ']';
        file[len++] = '\n';
    }
    cr_expect_eq(parse(&t, &e, file, len), TD_OK, "%u:%u: %s", e.line, e.column, e.text);
    cr_expect_gt(t.entry_count, 490);
    struct td_arena small;
    td_arena_init(&small, memory, 64u << 10);
    cr_expect_eq(node_toml_parse(&t, &e, &small, td_bytes_of(file, len)), TD_E_NOSPACE);
}

Test(toml, every_prefix_ends_in_a_result_or_an_error_inside)
{
    static const char text[] = "# c\n[p2p]\nlisten = \"a\\u20ac\\n\" # d\npeers = ['x', "
                               "\"y\",\n]\nn = -1_0\n[[f]]\nb = true\n";
    for (size_t len = 0; len < sizeof text; len++) {
        char *exact = malloc(len + 1u); /* so that a sanitizer sees a read beyond */
        struct node_toml t;
        struct node_toml_error e;
        cr_assert_not_null(exact);
        memcpy(exact, text, len);
        enum td_error err = parse(&t, &e, len == 0 ? NULL : exact, len);
        cr_expect(err == TD_OK || (err == TD_E_MALFORMED && e.line >= 1 && e.line <= 9),
                  "prefix %zu: %s", len, e.text);
        free(exact);
    }
}
