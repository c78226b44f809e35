#include <string.h>

#include "node/ops/ops_internal.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

static int livez(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    struct node_ops_view alone = *v;
    alone.shutting_down = false; /* a node that is shutting down is alive */
    (void)node_ops_health(&alone, c);
    bool ok = c[NODE_COMPONENT_LOOP].health == NODE_READY;
    node_ops_print(t, "%s%s\n", ok ? "alive" : "loop ", c[NODE_COMPONENT_LOOP].reason);
    return ok ? 200 : 503;
}

static int readyz(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    enum node_health worst = node_ops_health(v, c);
    if (worst < NODE_NOT_READY) {
        node_ops_print(t, "ready\n");
        return 200;
    }
    if (worst == NODE_SHUTTING_DOWN)
        node_ops_print(t, "shutting down\n");
    for (uint32_t i = 0; i < NODE_COMPONENT_COUNT; i++)
        if (c[i].health == NODE_NOT_READY)
            node_ops_print(t, "%s: %s\n", node_component_text((enum node_component)i), c[i].reason);
    return 503;
}

static int healthz(struct node_ops_text *t, const struct node_ops_view *v)
{
    struct node_component_health c[NODE_COMPONENT_COUNT];
    enum node_health worst = node_ops_health(v, c);
    node_ops_print(t, "{\"health\":\"%s\",\"components\":{", node_health_text(worst));
    for (uint32_t i = 0; i < NODE_COMPONENT_COUNT; i++) {
        node_ops_print(t, "%s\"%s\":{\"health\":\"%s\",\"reason\":", i > 0 ? "," : "",
                       node_component_text((enum node_component)i), node_health_text(c[i].health));
        node_ops_json_string(t, c[i].health == NODE_READY ? NULL : c[i].reason);
        node_ops_append(t, "}", 1);
    }
    node_ops_print(t, "}}\n");
    return worst < NODE_NOT_READY ? 200 : 503;
}

static int status(struct node_ops_text *t, const struct node_ops_view *v)
{
    node_ops_status(t, v);
    return 200;
}

static int metrics(struct node_ops_text *t, const struct node_ops_view *v)
{
    node_ops_metrics(t, v);
    return 200;
}

static int dashboard(struct node_ops_text *t, const struct node_ops_view *v)
{
    (void)v;
    node_ops_append(t, node_ops_dashboard, node_ops_dashboard_bytes);
    return 200;
}

int node_ops_page(struct node_ops_text *out, const struct node_ops_view *view, const char *path,
                  bool with_dashboard, bool with_metrics, const char **type)
{
    const struct {
        const char *path, *type;
        int (*make)(struct node_ops_text *t, const struct node_ops_view *v);
        bool served;
    } pages[] = {
        {"/livez", TYPE_TEXT, livez, true},
        {"/readyz", TYPE_TEXT, readyz, true},
        {"/healthz", TYPE_JSON, healthz, true},
        {"/status", TYPE_JSON, status, true},
        {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics, with_metrics},
        {"/", "text/html; charset=utf-8", dashboard, with_dashboard},
    };
    size_t start = out->len;
    int code = 404;
    *type = TYPE_TEXT;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!pages[i].served || strcmp(pages[i].path, path) != 0)
            continue;
        *type = pages[i].type;
        code = pages[i].make(out, view);
    }
    if (code == 404) {
        node_ops_print(out, "no such page; there are:");
        for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
            if (pages[i].served)
                node_ops_print(out, " %s", pages[i].path);
        node_ops_print(out, "\n");
    }
    if (!out->failed)
        return code;
    out->len = start;
    *type = TYPE_TEXT;
    return 500;
}
