#include "node/rpc/arguments.h"

#include <string.h>

#include "base/core/hex.h"
#include "node/rpc/recover.h"

/* One object being read: getters leave *out alone where the member is missing or null. */
struct object {
    struct node_rpc_call *c;
    size_t argument;
    const json_t *v;
};

static const json_t *member(const struct object *o, const char *name)
{
    const json_t *v = json_object_get(o->v, name);
    return json_is_null(v) ? NULL : v;
}

static struct node_rpc_place place(const struct object *o, const char *name)
{
    return (struct node_rpc_place){o->argument, name};
}

static bool get_u256(const struct object *o, const char *name, struct exec_u256 *out)
{
    const json_t *v = member(o, name);
    return v != NULL && node_rpc_read_u256(o->c, place(o, name), v, out);
}

static bool get_u64(const struct object *o, const char *name, uint64_t *out)
{
    const json_t *v = member(o, name);
    return v != NULL && node_rpc_read_u64(o->c, place(o, name), v, out);
}

static bool get_addr(const struct object *o, const char *name, struct td_addr *out)
{
    const json_t *v = member(o, name);
    return v != NULL && node_rpc_read_addr(o->c, place(o, name), v, out);
}

static bool get_bytes(const struct object *o, const char *name, struct td_bytes *out)
{
    const json_t *v = member(o, name);
    return v != NULL && node_rpc_read_bytes(o->c, place(o, name), v, out);
}

/* Zeroed memory for `count` things, or an answer. */
static void *room(struct node_rpc_call *c, size_t count, size_t size)
{
    void *p = td_arena_get_array(&c->worker->arena, count, size, 8);
    if (p == NULL)
        node_rpc_fail_error(c, TD_E_NOSPACE, "arguments");
    return p;
}

/* ---- lists of a transaction */

static void read_access(const struct object *o, const json_t *v, struct exec_access *out)
{
    const struct node_rpc_place at = place(o, "accessList");
    const json_t *keys = json_object_get(v, "storageKeys");
    if (!json_is_object(v) || (keys != NULL && !json_is_null(keys) && !json_is_array(keys))) {
        node_rpc_bad(o->c, at, "want objects with address and storageKeys");
        return;
    }
    if (!node_rpc_read_addr(o->c, at, json_object_get(v, "address"), &out->addr))
        return;
    size_t count = json_array_size(keys);
    struct exec_u256 *slots = room(o->c, count, sizeof *slots);
    for (size_t i = 0; i < count && !o->c->done; i++)
        (void)node_rpc_read_slot(o->c, at, json_array_get(keys, i), &slots[i]);
    out->slot_count = (uint32_t)count;
    out->slots = slots;
}

static void read_access_list(const struct object *o, struct exec_tx *out)
{
    const json_t *list = member(o, "accessList");
    if (list == NULL)
        return;
    if (!json_is_array(list)) {
        node_rpc_bad(o->c, place(o, "accessList"), "want an array");
        return;
    }
    size_t count = json_array_size(list);
    struct exec_access *access = room(o->c, count, sizeof *access);
    for (size_t i = 0; i < count && !o->c->done; i++)
        read_access(o, json_array_get(list, i), &access[i]);
    out->access = access;
    out->access_count = (uint32_t)count;
    out->type = 1;
}

static void read_authorization(const struct object *o, const json_t *v,
                               struct exec_authorization *out)
{
    const struct node_rpc_place at = place(o, "authorizationList");
    if (!json_is_object(v)) {
        node_rpc_bad(o->c, at, "want objects with chainId, address, nonce, yParity, r and s");
        return;
    }
    if (node_rpc_read_u256(o->c, at, json_object_get(v, "chainId"), &out->chain_id) &&
        node_rpc_read_addr(o->c, at, json_object_get(v, "address"), &out->addr) &&
        node_rpc_read_u64(o->c, at, json_object_get(v, "nonce"), &out->nonce) &&
        node_rpc_read_u256(o->c, at, json_object_get(v, "yParity"), &out->y_parity) &&
        node_rpc_read_u256(o->c, at, json_object_get(v, "r"), &out->r))
        (void)node_rpc_read_u256(o->c, at, json_object_get(v, "s"), &out->s);
}

static void read_authorizations(const struct object *o, struct exec_tx *out)
{
    const json_t *list = member(o, "authorizationList");
    if (list == NULL)
        return;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > NODE_RPC_AUTHORIZATIONS_MAX) {
        node_rpc_bad(o->c, place(o, "authorizationList"), "want an array of at most 256");
        return;
    }
    out->auth = room(o->c, count, sizeof *out->auth);
    for (size_t i = 0; i < count && !o->c->done; i++)
        read_authorization(o, json_array_get(list, i), &out->auth[i]);
    out->auth_count = (uint32_t)count;
    out->type = 4;
    if (!o->c->done)
        node_rpc_recover_authorities(out, o->c->rpc->backend.secp);
}

/* ---- a transaction */

static void read_fees(const struct object *o, struct exec_tx *out)
{
    bool price = get_u256(o, "gasPrice", &out->fee_cap);
    if (price)
        out->tip_cap = out->fee_cap;
    bool cap = get_u256(o, "maxFeePerGas", &out->fee_cap);
    bool tip = get_u256(o, "maxPriorityFeePerGas", &out->tip_cap);
    if (price && (cap || tip))
        node_rpc_fail(o->c, NODE_RPC_SERVER,
                      "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    if (cap || tip)
        out->type = 2;
}

static void read_data(const struct object *o, struct exec_tx *out)
{
    struct td_bytes data;
    bool input = get_bytes(o, "input", &out->data);
    if (!get_bytes(o, "data", &data))
        return;
    if (input && !td_bytes_eq(out->data, data))
        node_rpc_fail(o->c, NODE_RPC_SERVER, "both \"data\" and \"input\" are set and not equal");
    out->data = data;
}

bool node_rpc_param_tx(struct node_rpc_call *c, size_t i, struct exec_tx *out)
{
    const struct object o = {.c = c, .argument = i, .v = node_rpc_param(c, i)};
    uint64_t ignored; /* the type follows from the members; any nonce is right */
    *out = (struct exec_tx){.type = 0};
    if (!json_is_object(o.v)) {
        node_rpc_bad(c, place(&o, NULL), "want a transaction object");
        return false;
    }
    if (member(&o, "blobVersionedHashes") != NULL || member(&o, "maxFeePerBlobGas") != NULL ||
        member(&o, "blobs") != NULL) {
        node_rpc_fail(c, NODE_RPC_SERVER, "transaction type not supported");
        return false;
    }
    (void)get_addr(&o, "from", &out->sender);
    out->is_create = !get_addr(&o, "to", &out->to);
    (void)get_u64(&o, "gas", &out->gas_limit);
    (void)get_u256(&o, "value", &out->value);
    (void)get_u64(&o, "nonce", &ignored);
    (void)get_u64(&o, "type", &ignored);
    out->has_chain_id = get_u64(&o, "chainId", &out->chain_id);
    read_access_list(&o, out);
    read_fees(&o, out);
    read_data(&o, out);
    if (!c->done)
        read_authorizations(&o, out);
    if (!c->done && out->has_chain_id && out->chain_id != c->rpc->backend.genesis->chain_id)
        node_rpc_fail(c, NODE_RPC_SERVER, "chainId does not match node's (have=%llu, want=%llu)",
                      (unsigned long long)out->chain_id,
                      (unsigned long long)c->rpc->backend.genesis->chain_id);
    return !c->done;
}

/* ---- state overrides */

/* Members that are none of `names`, which are separated by blanks. */
static void refuse_unknown(const struct object *o, const char *names)
{
    const char *key;
    json_t *value;
    /* jansson's iteration wants a mutable object and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)o->v, key, value)
    {
        size_t len = strlen(key);
        const char *at = len == 0 || strchr(key, ' ') != NULL ? NULL : strstr(names, key);
        while (at != NULL && ((at != names && at[-1] != ' ') || (at[len] != ' ' && at[len] != 0)))
            at = strstr(at + 1, key);
        if (at == NULL) {
            node_rpc_fail(o->c, NODE_RPC_PARAMS, "invalid argument %zu: unknown member %.64s",
                          o->argument, key);
            return;
        }
    }
}

static void read_override_slots(const struct object *o, const char *name, struct exec_override *out,
                                uint32_t *budget)
{
    const json_t *map = member(o, name);
    const char *key;
    json_t *value;
    if (map == NULL)
        return;
    if (!json_is_object(map) || json_object_size(map) > *budget) {
        node_rpc_bad(o->c, place(o, name),
                     json_is_object(map) ? "more than 4096 slots" : "want an object of slots");
        return;
    }
    *budget -= (uint32_t)json_object_size(map);
    struct exec_override_slot *slots = room(o->c, json_object_size(map), sizeof *slots);
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        json_t *slot = json_string(key);
        if (slot == NULL)
            node_rpc_fail_error(o->c, TD_E_NOMEM, "arguments");
        if (o->c->done ||
            !node_rpc_read_slot(o->c, place(o, name), slot, &slots[out->slot_count].slot) ||
            !node_rpc_read_slot(o->c, place(o, name), value, &slots[out->slot_count].value)) {
            json_decref(slot);
            return;
        }
        json_decref(slot);
        out->slot_count++;
    }
    out->slots = slots;
}

static void read_override(const struct object *o, struct exec_override *out, uint32_t *budget)
{
    if (!json_is_object(o->v)) {
        node_rpc_bad(o->c, place(o, NULL), "want an object per account");
        return;
    }
    refuse_unknown(o, "balance nonce code state stateDiff");
    out->has_balance = get_u256(o, "balance", &out->balance);
    out->has_nonce = get_u64(o, "nonce", &out->nonce);
    out->has_code = get_bytes(o, "code", &out->code);
    if (out->code.len > EXEC_OVERRIDE_CODE_BYTES_MAX)
        node_rpc_bad(o->c, place(o, "code"), "more than 1 MiB");
    out->whole_state = member(o, "state") != NULL;
    if (out->whole_state && member(o, "stateDiff") != NULL)
        node_rpc_bad(o->c, place(o, "state"), "state and stateDiff exclude each other");
    if (!o->c->done)
        read_override_slots(o, out->whole_state ? "state" : "stateDiff", out, budget);
}

bool node_rpc_param_overrides(struct node_rpc_call *c, size_t i, struct node_rpc_overrides *out)
{
    const json_t *map = node_rpc_param(c, i);
    const struct node_rpc_place at = {.argument = i};
    uint32_t budget = EXEC_OVERRIDE_SLOTS_MAX;
    const char *key;
    json_t *value;
    *out = (struct node_rpc_overrides){.count = 0};
    if (c->done || map == NULL)
        return !c->done;
    if (!json_is_object(map) || json_object_size(map) > EXEC_OVERRIDES_MAX) {
        node_rpc_bad(c, at, "want an object of at most 256 accounts");
        return false;
    }
    out->list = room(c, json_object_size(map), sizeof *out->list);
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        if (c->done)
            return false;
        struct exec_override *x = &out->list[out->count++];
        const struct object o = {.c = c, .argument = i, .v = value};
        if (td_hex_decode_fixed(x->addr.b, TD_ADDR_BYTES, TD_HEX_PREFIXED, key, strlen(key)) !=
            TD_OK)
            node_rpc_bad(c, at, "want addresses for keys, 0x and 40 hex digits");
        else
            read_override(&o, x, &budget);
    }
    return !c->done;
}

/* ---- block overrides */

bool node_rpc_param_block_overrides(struct node_rpc_call *c, size_t i, struct exec_block_env *env,
                                    bool *renumbered)
{
    const struct object o = {.c = c, .argument = i, .v = node_rpc_param(c, i)};
    uint64_t chain_gas = env->gas_limit;
    struct exec_u256 ignored; /* difficulty: gone since the merge */
    struct td_hash randao;
    *renumbered = false;
    if (c->done || o.v == NULL)
        return !c->done;
    if (!json_is_object(o.v)) {
        node_rpc_bad(c, place(&o, NULL), "want an object");
        return false;
    }
    refuse_unknown(&o, "number difficulty time gasLimit feeRecipient coinbase prevRandao random "
                       "baseFeePerGas baseFee blobBaseFee");
    *renumbered = get_u64(&o, "number", &env->number);
    (void)get_u256(&o, "difficulty", &ignored);
    (void)get_u64(&o, "time", &env->timestamp);
    (void)get_u64(&o, "gasLimit", &env->gas_limit);
    if (env->gas_limit > chain_gas || env->gas_limit == 0)
        node_rpc_bad(c, place(&o, "gasLimit"), "want 1 up to the chain's block gas limit");
    (void)get_addr(&o, "coinbase", &env->coinbase);
    (void)get_addr(&o, "feeRecipient", &env->coinbase);
    const char *name = member(&o, "prevRandao") != NULL ? "prevRandao" : "random";
    if (member(&o, name) != NULL &&
        node_rpc_read_hash(c, place(&o, name), member(&o, name), &randao))
        exec_u256_from_be(&env->prev_randao, randao.b, TD_HASH_BYTES);
    (void)get_u256(&o, "baseFee", &env->base_fee);
    (void)get_u256(&o, "baseFeePerGas", &env->base_fee);
    (void)get_u256(&o, "blobBaseFee", &env->blob_base_fee);
    return !c->done;
}
