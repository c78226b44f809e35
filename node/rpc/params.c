#include "node/rpc/params.h"

#include <string.h>

#include "base/core/hex.h"

bool node_rpc_params(struct node_rpc_call *c, size_t min, size_t max)
{
    size_t count = json_array_size(c->params);
    if (count < min)
        node_rpc_fail(c, NODE_RPC_PARAMS, "missing value for required argument %zu", count);
    else if (count > max)
        node_rpc_fail(c, NODE_RPC_PARAMS, "too many arguments, want at most %zu", max);
    return !c->done;
}

const json_t *node_rpc_param(const struct node_rpc_call *c, size_t i)
{
    const json_t *v = json_array_get(c->params, i);
    return json_is_null(v) ? NULL : v;
}

void node_rpc_bad(struct node_rpc_call *c, struct node_rpc_place at, const char *want)
{
    node_rpc_fail(c, NODE_RPC_PARAMS, "invalid argument %zu: %s%s%s", at.argument,
                  at.member == NULL ? "" : at.member, at.member == NULL ? "" : ": ", want);
}

/* ---- values */

/* The text of a string; NULL: answered. */
static const char *text_of(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                           const char *want, size_t *len)
{
    if (!c->done && json_is_string(v)) {
        *len = json_string_length(v);
        return json_string_value(v);
    }
    *len = 0;
    if (v == NULL)
        node_rpc_fail(c, NODE_RPC_PARAMS, "missing value for required argument %zu%s%s",
                      at.argument, at.member == NULL ? "" : ": ",
                      at.member == NULL ? "" : at.member);
    else
        node_rpc_bad(c, at, want);
    return NULL;
}

static bool read_fixed(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                       const char *want, void *out, size_t bytes)
{
    size_t len;
    const char *text = text_of(c, at, v, want, &len);
    memset(out, 0, bytes);
    if (text == NULL)
        return false;
    if (td_hex_decode_fixed(out, bytes, TD_HEX_PREFIXED, text, len) != TD_OK)
        node_rpc_bad(c, at, want);
    return !c->done;
}

bool node_rpc_read_addr(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct td_addr *out)
{
    return read_fixed(c, at, v, "want an address, 0x and 40 hex digits", out->b, TD_ADDR_BYTES);
}

bool node_rpc_read_hash(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct td_hash *out)
{
    return read_fixed(c, at, v, "want a hash, 0x and 64 hex digits", out->b, TD_HASH_BYTES);
}

bool node_rpc_read_u256(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct exec_u256 *out)
{
    static const char WANT[] = "want a quantity, 0x and hex digits without leading zeros";
    size_t len;
    struct td_wei wei;
    const char *text = text_of(c, at, v, WANT, &len);
    *out = exec_u256_of(0);
    if (text == NULL)
        return false;
    enum td_error err = td_quantity_parse(&wei, text, len);
    if (err == TD_E_RANGE)
        node_rpc_bad(c, at, "more than 256 bits");
    else if (err != TD_OK)
        node_rpc_bad(c, at, WANT);
    else
        memcpy(out->w, wei.limb, sizeof out->w);
    return !c->done;
}

bool node_rpc_read_u64(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                       uint64_t *out)
{
    struct exec_u256 wide;
    *out = 0;
    if (!node_rpc_read_u256(c, at, v, &wide))
        return false;
    if (!exec_u256_is_u64(&wide)) {
        node_rpc_bad(c, at, "more than 64 bits");
        return false;
    }
    *out = wide.w[0];
    return true;
}

bool node_rpc_read_bool(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        bool *out)
{
    *out = json_is_true(v);
    if (!c->done && !json_is_boolean(v))
        node_rpc_bad(c, at, "want true or false");
    return !c->done;
}

bool node_rpc_read_bytes(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                         struct td_bytes *out)
{
    static const char WANT[] = "want bytes, 0x and an even number of hex digits";
    size_t len, got = 0;
    const char *text = text_of(c, at, v, WANT, &len);
    *out = td_bytes_of(NULL, 0);
    if (text == NULL)
        return false;
    size_t cap = len / 2u;
    uint8_t *bytes = td_arena_get(&c->worker->arena, cap + 1u, 1);
    if (bytes == NULL)
        node_rpc_fail_error(c, TD_E_NOSPACE, "arguments");
    else if (td_hex_decode(bytes, cap, &got, TD_HEX_PREFIXED, text, len) != TD_OK)
        node_rpc_bad(c, at, WANT);
    else
        *out = td_bytes_of(bytes, got);
    return !c->done;
}

bool node_rpc_read_slot(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                        struct exec_u256 *out)
{
    static const char WANT[] = "want a slot, 0x and 1 to 64 hex digits";
    char digits[64];
    uint8_t bytes[32];
    size_t len;
    const char *text = text_of(c, at, v, WANT, &len);
    *out = exec_u256_of(0);
    if (text == NULL)
        return false;
    if (len < 3u || len > 66u || text[0] != '0' || text[1] != 'x') {
        node_rpc_bad(c, at, WANT);
        return false;
    }
    memset(digits, '0', sizeof digits);
    memcpy(digits + sizeof digits - (len - 2u), text + 2, len - 2u);
    if (td_hex_decode_fixed(bytes, 32, TD_HEX_BARE, digits, sizeof digits) != TD_OK)
        node_rpc_bad(c, at, WANT);
    else
        exec_u256_from_be(out, bytes, 32);
    return !c->done;
}

/* ---- arguments of one value */

static struct node_rpc_place place_of(size_t i)
{
    return (struct node_rpc_place){.argument = i};
}

bool node_rpc_param_addr(struct node_rpc_call *c, size_t i, struct td_addr *out)
{
    return node_rpc_read_addr(c, place_of(i), node_rpc_param(c, i), out);
}

bool node_rpc_param_hash(struct node_rpc_call *c, size_t i, struct td_hash *out)
{
    return node_rpc_read_hash(c, place_of(i), node_rpc_param(c, i), out);
}

bool node_rpc_param_u64(struct node_rpc_call *c, size_t i, uint64_t *out)
{
    return node_rpc_read_u64(c, place_of(i), node_rpc_param(c, i), out);
}

bool node_rpc_param_bool(struct node_rpc_call *c, size_t i)
{
    bool v = false;
    const json_t *value = node_rpc_param(c, i);
    if (value != NULL)
        (void)node_rpc_read_bool(c, place_of(i), value, &v);
    return v;
}

/* ---- blocks by name */

bool node_rpc_read_block(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                         struct node_rpc_block_ref *out)
{
    struct node_rpc_heads heads = c->rpc->backend.heads(c->rpc->backend.self);
    const char *text = v == NULL ? "latest" : json_string_value(v);
    *out = (struct node_rpc_block_ref){.number = heads.latest};
    if (c->done)
        return false;
    if (text == NULL) {
        node_rpc_bad(c, at, "want a block's number or tag");
        return false;
    }
    if (strcmp(text, "latest") == 0)
        out->latest = true;
    else if (strcmp(text, "pending") == 0)
        out->pending = true;
    else if (strcmp(text, "safe") == 0)
        out->number = heads.safe;
    else if (strcmp(text, "finalized") == 0)
        out->number = heads.finalized;
    else if (strcmp(text, "earliest") == 0)
        out->number = 0;
    else if (text[0] == '0')
        (void)node_rpc_read_u64(c, at, v, &out->number);
    else
        node_rpc_bad(c, at,
                     "want a block's number, or latest, pending, safe, finalized or earliest");
    return !c->done;
}

bool node_rpc_param_block(struct node_rpc_call *c, size_t i, struct node_rpc_block_ref *out)
{
    return node_rpc_read_block(c, place_of(i), node_rpc_param(c, i), out);
}

static bool read_hash_ref(struct node_rpc_call *c, struct node_rpc_place at, const json_t *v,
                          struct node_rpc_block_ref *out)
{
    *out = (struct node_rpc_block_ref){.by_hash = true};
    return node_rpc_read_hash(c, at, v, &out->hash);
}

bool node_rpc_param_state_block(struct node_rpc_call *c, size_t i, struct node_rpc_block_ref *out)
{
    const json_t *v = node_rpc_param(c, i);
    if (json_is_string(v) && json_string_length(v) == 66u)
        return read_hash_ref(c, place_of(i), v, out);
    if (!json_is_object(v))
        return node_rpc_read_block(c, place_of(i), v, out);
    const json_t *hash = json_object_get(v, "blockHash"),
                 *number = json_object_get(v, "blockNumber"),
                 *canonical = json_object_get(v, "requireCanonical");
    bool ignored; /* final blocks are all canonical */
    if ((hash == NULL) == (number == NULL)) {
        node_rpc_bad(c, place_of(i), "want one of blockHash and blockNumber");
        return false;
    }
    if (canonical != NULL)
        (void)node_rpc_read_bool(c, (struct node_rpc_place){i, "requireCanonical"}, canonical,
                                 &ignored);
    if (hash != NULL)
        return read_hash_ref(c, (struct node_rpc_place){i, "blockHash"}, hash, out);
    return node_rpc_read_block(c, (struct node_rpc_place){i, "blockNumber"}, number, out);
}
