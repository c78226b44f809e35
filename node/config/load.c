#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/config/options_internal.h"
#include "node/config/suggest.h"

#define WHY_BYTES 200u
#define NAME_BYTES 128u /* "section.key", or "TANDEM_SECTION_KEY" */

__attribute__((format(printf, 2, 3))) static enum td_error fail(struct node_config_error *error,
                                                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return TD_E_MALFORMED;
}

/* ---- names: "section.key" of every option, and the sections */

static const char *dotted(size_t option)
{
    static _Thread_local char name[NAME_BYTES];
    const struct node_option_info *o = node_option_info((enum node_option)option);
    snprintf(name, sizeof name, "%s.%s", o->section, o->key);
    return name;
}

static const char *variable(size_t option)
{
    static _Thread_local char name[NAME_BYTES];
    const struct node_option_info *o = node_option_info((enum node_option)option);
    int len = snprintf(name, sizeof name, "TANDEM_%s_%s", o->section, o->key);
    for (int i = 0; i < len; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
    return name;
}

static const char *section_of(size_t option)
{
    return node_option_info((enum node_option)option)->section;
}

/* The option called `name`, or NODE_OPTIONS_COUNT. */
static size_t find(const char *name, const char *(*name_of)(size_t))
{
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++)
        if (strcmp(name, name_of(i)) == 0)
            return i;
    return NODE_OPTIONS_COUNT;
}

/* "; did you mean X?", or nothing. */
static const char *suggestion(char out[NAME_BYTES + 24u], const char *name,
                              const char *(*name_of)(size_t))
{
    size_t near = node_suggest(name, name_of, NODE_OPTIONS_COUNT);
    out[0] = '\0';
    if (near < NODE_OPTIONS_COUNT)
        snprintf(out, NAME_BYTES + 24u, "; did you mean \"%s\"?", name_of(near));
    return out;
}

/* ---- values */

/* A value as a variable, a flag or the table of defaults says it. */
static bool set_text(struct node_option_value *v, const struct node_option_info *o,
                     const char *text, char why[WHY_BYTES])
{
    char item[NODE_OPTION_TEXT_MAX + 1u];
    if (!o->list)
        return node_option_add_text(v, o, text, why, WHY_BYTES);
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (len > NODE_OPTION_TEXT_MAX || len == 0 || v->count == NODE_OPTION_ITEMS_MAX) {
            node_option_expected(why, WHY_BYTES, o);
            return false;
        }
        memcpy(item, text, len);
        item[len] = '\0';
        if (!node_option_add_text(v, o, item, why, WHY_BYTES))
            return false;
        text += len;
        if (*text == ',' && *++text == '\0') { /* nothing behind the last comma */
            node_option_expected(why, WHY_BYTES, o);
            return false;
        }
    }
    return true;
}

static bool add_toml(struct node_option_value *v, const struct node_option_info *o,
                     const struct node_toml_value *t, char why[WHY_BYTES])
{
    bool number = o->kind == NODE_OPTION_INTEGER;
    enum node_toml_type want = number                           ? NODE_TOML_INTEGER
                               : o->kind == NODE_OPTION_BOOLEAN ? NODE_TOML_BOOLEAN
                                                                : NODE_TOML_STRING;
    if (t->type != want) {
        node_option_expected(why, WHY_BYTES, o);
        return false;
    }
    if (want == NODE_TOML_STRING)
        return node_option_add_text(v, o, t->text, why, WHY_BYTES);
    return node_option_add_number(v, o, number ? t->integer : t->boolean, why, WHY_BYTES);
}

static bool set_toml(struct node_option_value *v, const struct node_option_info *o,
                     const struct node_toml_value *t, const struct node_toml_value **at,
                     char why[WHY_BYTES])
{
    *at = t;
    if (!o->list)
        return add_toml(v, o, t, why);
    if (t->type != NODE_TOML_ARRAY) {
        node_option_expected(why, WHY_BYTES, o);
        return false;
    }
    for (uint32_t i = 0; i < t->item_count; i++) {
        *at = &t->items[i];
        if (!add_toml(v, o, *at, why))
            return false;
    }
    return true;
}

static void replace(struct node_option_value *old, struct node_option_value *by,
                    enum node_option_origin origin)
{
    node_option_clear(old);
    *old = *by;
    old->origin = origin;
}

void node_config_init(struct node_config *c)
{
    char why[WHY_BYTES];
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++) {
        const struct node_option_info *o = node_option_info((enum node_option)i);
        TD_ASSERT(set_text(&c->values[i], o, o->initial, why));
    }
}

void node_config_reset(struct node_config *c)
{
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++)
        node_option_clear(&c->values[i]);
    free(c->file);
    c->file = NULL;
}

/* ---- the file */

static enum td_error unknown_key(struct node_config_error *error, const char *file,
                                 const struct node_toml_entry *e)
{
    char near[NAME_BYTES + 24u], name[2u * NODE_TOML_NAME_MAX + 2u];
    snprintf(name, sizeof name, "%s.%s", e->table, e->key);
    return fail(error, "%s:%u:%u: unknown option \"%s\"%s\n`tandem config defaults` lists them",
                file, e->line, e->column, name, suggestion(near, name, dotted));
}

static enum td_error check_tables(struct node_config_error *error, const char *file,
                                  const struct node_toml *toml)
{
    char near[NAME_BYTES + 24u];
    for (uint32_t i = 0; i < toml->table_count; i++) {
        const struct node_toml_table *t = &toml->tables[i];
        if (find(t->name, section_of) == NODE_OPTIONS_COUNT)
            return fail(error, "%s:%u:1: unknown section [%s]%s", file, t->line, t->name,
                        suggestion(near, t->name, section_of));
        if (t->repeated)
            return fail(error, "%s:%u:1: [[%s]] is written [%s], once", file, t->line, t->name,
                        t->name);
    }
    return TD_OK;
}

static enum td_error apply_entry(struct node_config *c, struct node_config_error *error,
                                 const char *file, const struct node_toml_entry *e)
{
    char name[2u * NODE_TOML_NAME_MAX + 2u], why[WHY_BYTES];
    const struct node_toml_value *at;
    struct node_option_value v = {0};
    snprintf(name, sizeof name, "%s.%s", e->table, e->key);
    size_t option = find(name, dotted);
    if (option == NODE_OPTIONS_COUNT)
        return unknown_key(error, file, e);
    if (!set_toml(&v, node_option_info((enum node_option)option), &e->value, &at, why)) {
        node_option_clear(&v);
        return fail(error, "%s:%u:%u: %s: expected %s", file, at->line, at->column, name, why);
    }
    replace(&c->values[option], &v, NODE_ORIGIN_FILE);
    c->values[option].line = e->line;
    c->values[option].column = e->column;
    return TD_OK;
}

enum td_error node_config_file(struct node_config *c, struct node_config_error *error,
                               const char *name, struct td_bytes text)
{
    struct node_toml toml;
    struct node_toml_error where;
    struct td_arena arena;
    void *memory = malloc(NODE_TOML_ARENA_BYTES);
    TD_ASSERT(memory != NULL);
    td_arena_init(&arena, memory, NODE_TOML_ARENA_BYTES);
    enum td_error err = node_toml_parse(&toml, &where, &arena, text);
    if (err != TD_OK)
        err = fail(error, "%s:%u:%u: %s", name, where.line, where.column, where.text);
    else
        err = check_tables(error, name, &toml);
    for (uint32_t i = 0; err == TD_OK && i < toml.entry_count; i++)
        err = apply_entry(c, error, name, &toml.entries[i]);
    free(memory);
    free(c->file);
    c->file = strdup(name);
    TD_ASSERT(c->file != NULL);
    return err;
}

/* ---- environment and flags */

static enum td_error apply_text(struct node_config *c, struct node_config_error *error,
                                size_t option, const char *name, const char *text,
                                enum node_option_origin origin)
{
    char why[WHY_BYTES];
    struct node_option_value v = {0};
    if (!set_text(&v, node_option_info((enum node_option)option), text, why)) {
        node_option_clear(&v);
        return fail(error, "%s: \"%.60s\": expected %s", name, text, why);
    }
    replace(&c->values[option], &v, origin);
    return TD_OK;
}

enum td_error node_config_environment(struct node_config *c, struct node_config_error *error,
                                      char *const *environment)
{
    char name[NAME_BYTES], near[NAME_BYTES + 24u];
    for (size_t i = 0; environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        if (equals == NULL || strncmp(environment[i], "TANDEM_", 7) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - environment[i]), environment[i]);
        if (strcmp(name, "TANDEM_HOME") == 0 || strcmp(name, "TANDEM_CONFIG") == 0 ||
            strcmp(name, "TANDEM_TESTNET") == 0)
            continue;
        size_t option = find(name, variable);
        if (option == NODE_OPTIONS_COUNT)
            return fail(error, "%s: no option has this variable%s", name,
                        suggestion(near, name, variable));
        enum td_error err = apply_text(c, error, option, name, equals + 1, NODE_ORIGIN_ENVIRONMENT);
        if (err != TD_OK)
            return err;
    }
    return TD_OK;
}

enum td_error node_config_flag(struct node_config *c, struct node_config_error *error,
                               const char *name, const char *text)
{
    char flag[NAME_BYTES], near[NAME_BYTES + 24u];
    size_t option = find(name, dotted);
    if (option == NODE_OPTIONS_COUNT)
        return fail(error, "--%.80s: no such option%s", name, suggestion(near, name, dotted));
    snprintf(flag, sizeof flag, "--%s", name);
    return apply_text(c, error, option, flag, text, NODE_ORIGIN_FLAG);
}

/* ---- values */

static const struct node_option_value *value(const struct node_config *c, enum node_option option,
                                             bool list)
{
    TD_ASSERT(option < NODE_OPTIONS_COUNT && node_option_info(option)->list == list);
    return &c->values[option];
}

const char *node_config_text(const struct node_config *c, enum node_option option)
{
    const char *text = value(c, option, false)->items[0].text;
    TD_ASSERT(text != NULL);
    return text;
}

int64_t node_config_number(const struct node_config *c, enum node_option option)
{
    return value(c, option, false)->items[0].number;
}

bool node_config_boolean(const struct node_config *c, enum node_option option)
{
    TD_ASSERT(node_option_info(option)->kind == NODE_OPTION_BOOLEAN);
    return value(c, option, false)->items[0].number == 1;
}

uint32_t node_config_count(const struct node_config *c, enum node_option option)
{
    return value(c, option, true)->count;
}

const struct node_option_item *node_config_item(const struct node_config *c,
                                                enum node_option option, uint32_t index)
{
    TD_ASSERT(index < value(c, option, true)->count);
    return &c->values[option].items[index];
}

/* ---- printing */

/* The part of a URL between :// and @ is a credential. */
static void print_text(FILE *out, const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *at = scheme == NULL ? NULL : strchr(scheme + 3, '@');
    const char *path = scheme == NULL ? NULL : strpbrk(scheme + 3, "/?#");
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (at != NULL && (path == NULL || at < path) && c == scheme + 3) {
            fputs("***", out);
            c = at;
        }
        if (*c == '"' || *c == '\\')
            fputc('\\', out);
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void print_item(FILE *out, const struct node_option_info *o,
                       const struct node_option_item *item)
{
    if (o->kind == NODE_OPTION_INTEGER)
        fprintf(out, "%" PRId64, item->number);
    else if (o->kind == NODE_OPTION_BOOLEAN)
        fputs(item->number ? "true" : "false", out);
    else
        print_text(out, item->text);
}

static void print_origin(FILE *out, const struct node_config *c, size_t option)
{
    const struct node_option_value *v = &c->values[option];
    switch (v->origin) {
    case NODE_ORIGIN_DEFAULT:
        fputs("  # default", out);
        break;
    case NODE_ORIGIN_FILE:
        fprintf(out, "  # %s:%u:%u", c->file, v->line, v->column);
        break;
    case NODE_ORIGIN_ENVIRONMENT:
        fprintf(out, "  # %s in the environment", variable(option));
        break;
    case NODE_ORIGIN_FLAG:
        fprintf(out, "  # --%s", dotted(option));
        break;
    }
}

static void print_option(FILE *out, const struct node_config *c, size_t option, bool origin)
{
    const struct node_option_info *o = node_option_info((enum node_option)option);
    const struct node_option_value *v = &c->values[option];
    fprintf(out, "%s = %s", o->key, o->list ? "[" : "");
    for (uint32_t k = 0; k < v->count; k++) {
        fputs(k == 0 ? "" : ", ", out);
        print_item(out, o, &v->items[k]);
    }
    fputs(o->list ? "]" : "", out);
    if (origin)
        print_origin(out, c, option);
    fputc('\n', out);
}

static void print_section(FILE *out, size_t option)
{
    const char *section = section_of(option);
    if (option == 0 || strcmp(section, section_of(option - 1)) != 0)
        fprintf(out, "%s[%s]\n", option == 0 ? "" : "\n", section);
}

void node_config_print(const struct node_config *c, FILE *out, bool origins)
{
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++) {
        print_section(out, i);
        print_option(out, c, i, origins);
    }
}

void node_config_print_commented(const struct node_config *c, FILE *out)
{
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++) {
        const struct node_option_info *o = node_option_info((enum node_option)i);
        print_section(out, i);
        fprintf(out, "# %s", o->summary);
        if (o->choices != NULL)
            fprintf(out, ": %s", o->choices);
        fputc('\n', out);
        print_option(out, c, i, false);
    }
}
