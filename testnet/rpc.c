#include "testnet/rpc.h"

#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"

void testnet_rpc_init(struct node_http_client *c, const struct testnet *t, uint32_t node,
                      uint32_t timeout_ms)
{
    node_http_client_init(c, "127.0.0.1", testnet_http_port(t, node), timeout_ms);
}

bool testnet_quantity(uint64_t *out, const json_t *v)
{
    struct td_wei wei;
    const char *text = json_string_value(v);
    if (text == NULL || td_quantity_parse(&wei, text, strlen(text)) != TD_OK ||
        !td_wei_is_u64(&wei))
        return false;
    *out = wei.limb[0];
    return true;
}

static json_t *post(struct node_http_client *c, struct td_bytes text)
{
    json_error_t where;
    if (node_http_post(c, text) != TD_OK)
        return NULL;
    json_t *root = json_loadb(c->body, c->body_len, JSON_DECODE_ANY, &where);
    if (root == NULL)
        snprintf(c->why, sizeof c->why, "HTTP status %d and no JSON", c->status);
    return root;
}

json_t *testnet_rpc_call(struct node_http_client *c, const char *method, const char *params)
{
    char text[1024];
    int len =
        snprintf(text, sizeof text,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    TD_ASSERT(len > 0 && (size_t)len < sizeof text);
    json_t *root = post(c, td_bytes_of(text, (size_t)len));
    if (root == NULL)
        return NULL;
    json_t *result = json_object_get(root, "result");
    const char *message =
        json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    if (result == NULL)
        snprintf(c->why, sizeof c->why, "%s: %.80s", method, message == NULL ? "?" : message);
    json_incref(result);
    json_decref(root);
    return result;
}

bool testnet_rpc_number(uint64_t *out, struct node_http_client *c, const char *method,
                        const char *params)
{
    json_t *result = testnet_rpc_call(c, method, params);
    bool good = result != NULL && testnet_quantity(out, result);
    if (result != NULL && !good)
        snprintf(c->why, sizeof c->why, "%s: no number came", method);
    json_decref(result);
    return good;
}

json_t *testnet_rpc_batch(struct node_http_client *c, struct td_bytes text, json_t **answers,
                          uint32_t count)
{
    TD_ASSERT(count <= TESTNET_BATCH_MAX);
    memset(answers, 0, count * sizeof *answers);
    json_t *root = post(c, text);
    if (root == NULL)
        return NULL;
    if (!json_is_array(root)) {
        snprintf(c->why, sizeof c->why, "HTTP status %d and no batch of answers", c->status);
        json_decref(root);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(root); i++) {
        json_t *one = json_array_get(root, i);
        json_int_t id = json_is_integer(json_object_get(one, "id"))
                            ? json_integer_value(json_object_get(one, "id"))
                            : -1;
        if (id >= 0 && id < (json_int_t)count)
            answers[id] = one;
    }
    return root;
}
