#include "tests/node/exposition.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct histogram { /* of the series being read */
    char labels[256];
    double le, cumulated, inf;
    bool open, has_inf, has_sum;
};

struct reading {
    struct exposition *x;
    struct histogram h;
    const char *line;
    bool has_help; /* and no TYPE yet */
};

static void fault(struct reading *r, const char *what)
{
    if (r->x->fault[0] == '\0')
        (void)snprintf(r->x->fault, sizeof r->x->fault, "%s: %.180s", what, r->line);
}

static size_t name_len(const char *s)
{
    size_t n = 0;
    while (isalpha((unsigned char)s[n]) || s[n] == '_' || (n > 0 && isdigit((unsigned char)s[n])))
        n++;
    return n;
}

const char *exposition_type(const struct exposition *x, const char *name)
{
    static const char *const endings[] = {"", "_bucket", "_sum", "_count"};
    for (uint32_t i = 0; i < x->count; i++) {
        bool histogram = strcmp(x->families[i].type, "histogram") == 0;
        for (uint32_t k = 0; k < (histogram ? 4u : 1u); k++) {
            char full[160];
            (void)snprintf(full, sizeof full, "%s%s", x->families[i].name, endings[k]);
            if (strcmp(full, name) == 0)
                return x->families[i].type;
        }
    }
    return NULL;
}

static void comment(struct reading *r)
{
    struct exposition *x = r->x;
    bool help = strncmp(r->line, "# HELP ", 7) == 0;
    const char *name = r->line + 7;
    size_t n = name_len(name);
    if (!help && strncmp(r->line, "# TYPE ", 7) != 0) {
        fault(r, "comment");
        return;
    }
    if (n == 0 || n > 120 || name[n] != ' ' || name[n + 1] == '\0') {
        fault(r, "name");
        return;
    }
    if (help) {
        if (r->has_help || (x->count > 0 && x->families[x->count - 1].samples == 0))
            fault(r, "family without samples");
        if (x->count == EXPOSITION_FAMILIES_MAX)
            fault(r, "too many families");
        if (x->fault[0] != '\0')
            return;
        memcpy(x->families[x->count].name, name, n);
        if (exposition_type(x, x->families[x->count].name) != NULL)
            fault(r, "family twice");
        r->has_help = true;
        return;
    }
    const char *type = name + n + 1;
    bool same = r->has_help && strncmp(x->families[x->count].name, name, n) == 0 &&
                x->families[x->count].name[n] == '\0';
    bool known = strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
                 strcmp(type, "histogram") == 0;
    if (!same || !known) {
        fault(r, "TYPE");
        return;
    }
    r->has_help = false;
    (void)snprintf(x->families[x->count].type, sizeof x->families[0].type, "%s", type);
    x->count++;
    memset(&r->h, 0, sizeof r->h);
}

/* Reads {a="b",c="d"}; the rest, or NULL.  `le` and the others are filled apart. */
static const char *labels(const char *s, char *others, size_t size, char le[64])
{
    size_t used = 0;
    le[0] = others[0] = '\0';
    if (*s != '{')
        return s;
    for (s++;; s++) {
        size_t n = name_len(s);
        const char *start = s;
        if (n == 0 || s[n] != '=' || s[n + 1] != '"')
            return NULL;
        for (s += n + 2; *s != '"'; s++)
            if (*s == '\0' || (*s == '\\' && strchr("\\\"n", *++s) == NULL))
                return NULL;
        s++;
        size_t len = (size_t)(s - start);
        if (n == 2 && strncmp(start, "le", 2) == 0) {
            if (len - 5 > 60)
                return NULL;
            memcpy(le, start + 4, len - 5);
            le[len - 5] = '\0';
        } else if (used + len + 1 < size) {
            memcpy(others + used, start, len);
            used += len;
            others[used] = '\0';
        }
        if (*s == '}')
            return s + 1;
        if (*s != ',')
            return NULL;
    }
}

static void bucket(struct reading *r, const char *others, const char *le, double value)
{
    struct histogram *h = &r->h;
    char *end;
    double bound = strcmp(le, "+Inf") == 0 ? 1e300 : strtod(le, &end);
    if (!h->open) {
        memset(h, 0, sizeof *h);
        (void)snprintf(h->labels, sizeof h->labels, "%s", others);
        h->open = true;
        h->le = -1;
    }
    if (strcmp(h->labels, others) != 0 || bound <= h->le || value < h->cumulated || h->has_inf)
        fault(r, "bucket");
    h->le = bound;
    h->cumulated = value;
    h->has_inf = bound > 1e299;
}

static void histogram_sample(struct reading *r, const char *ending, const char *others,
                             const char *le, double value)
{
    struct histogram *h = &r->h;
    if (strcmp(ending, "_bucket") == 0) {
        if (le[0] == '\0')
            fault(r, "bucket without le");
        else
            bucket(r, others, le, value);
    } else if (strcmp(ending, "_sum") == 0) {
        if (!h->has_inf || h->has_sum || strcmp(h->labels, others) != 0)
            fault(r, "sum");
        h->has_sum = true;
    } else if (strcmp(ending, "_count") == 0) {
        if (!h->has_sum || value != h->cumulated || strcmp(h->labels, others) != 0)
            fault(r, "count is not what +Inf has");
        memset(h, 0, sizeof *h);
    } else {
        fault(r, "series of no histogram");
    }
}

static void sample(struct reading *r)
{
    struct exposition *x = r->x;
    char others[256], le[64], *end;
    size_t n = name_len(r->line);
    const char *value = n == 0 ? NULL : labels(r->line + n, others, sizeof others, le);
    if (x->count == 0 || value == NULL || value[0] != ' ' || value[1] == '\0' ||
        isspace((unsigned char)value[1])) {
        fault(r, "sample");
        return;
    }
    double number = strtod(value + 1, &end);
    const char *family = x->families[x->count - 1].name, *type = x->families[x->count - 1].type;
    if (*end != '\0' || strncmp(family, r->line, strlen(family)) != 0 || r->has_help) {
        fault(r, "sample's value or family");
        return;
    }
    if (strcmp(type, "counter") == 0 && (number < 0 || strstr(family, "_total") == NULL))
        fault(r, "counter");
    x->families[x->count - 1].samples++;
    char ending[32] = "";
    if (n > strlen(family))
        (void)snprintf(ending, sizeof ending, "%.*s", (int)(n - strlen(family)),
                       r->line + strlen(family));
    if (strcmp(type, "histogram") == 0)
        histogram_sample(r, ending, others, le, number);
    else if (ending[0] != '\0' || le[0] != '\0')
        fault(r, "sample of another family");
}

void exposition_parse(struct exposition *x, const char *text, size_t len)
{
    static char line[1024];
    struct reading r = {.x = x, .line = line};
    memset(x, 0, sizeof *x);
    line[0] = '\0';
    if (len == 0 || text[len - 1] != '\n')
        fault(&r, "no newline at the end");
    while (len > 0 && x->fault[0] == '\0') {
        const char *nl = memchr(text, '\n', len);
        size_t n = nl == NULL ? len : (size_t)(nl - text);
        if (n == 0 || n >= sizeof line || memchr(text, '\0', n) != NULL) {
            fault(&r, "empty or overlong line");
            return;
        }
        memcpy(line, text, n);
        line[n] = '\0';
        if (line[0] == '#')
            comment(&r);
        else
            sample(&r);
        text += n + 1;
        len -= n + 1;
    }
    if (r.has_help || r.h.open || (x->count > 0 && x->families[x->count - 1].samples == 0))
        fault(&r, "ends in the middle of a family");
}

const char *exposition_value(const char *text, size_t len, const char *name)
{
    static char value[64];
    size_t n = strlen(name);
    for (const char *end = text + len; text < end;) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        size_t line = nl == NULL ? (size_t)(end - text) : (size_t)(nl - text);
        if (line > n && memcmp(text, name, n) == 0 && text[n] == ' ') {
            (void)snprintf(value, sizeof value, "%.*s", (int)(line - n - 1), text + n + 1);
            return value;
        }
        text += line + 1;
    }
    return NULL;
}
