/* A block against its `expect`. */
#include <inttypes.h>
#include <string.h>

#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "node/exec/blockfile.h"

struct check {
    struct node_json *j;
    const struct node_ledger *l;
    FILE *to;
    size_t block, count;
    char where[64]; /* "transactions[2]." or "" */
};

static void differ(struct check *c, const char *field, const char *expected, const char *got)
{
    c->count++;
    fprintf(c->to, "block %" PRIu64 ": %s%s: expected %s, got %s\n", c->l->cursor.number, c->where,
            field, expected, got);
}

static void check_hash(struct check *c, const json_t *in, const char *field,
                       const struct td_hash *got)
{
    struct td_hash want;
    char w[TD_HASH_TEXT_BYTES], g[TD_HASH_TEXT_BYTES];
    if (json_object_get(in, field) == NULL)
        return;
    node_json_hash(c->j, in, field, &want);
    if (!node_json_ok(c->j) || td_hash_eq(&want, got))
        return;
    td_hash_print(w, &want);
    td_hash_print(g, got);
    differ(c, field, w, g);
}

static void number_text(char out[TD_QUANTITY_TEXT_BYTES], const struct exec_u256 *v)
{
    struct td_wei wei = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    td_quantity_print(out, &wei);
}

static void check_u256(struct check *c, const json_t *in, const char *field,
                       const struct exec_u256 *got)
{
    struct exec_u256 want;
    char w[TD_QUANTITY_TEXT_BYTES], g[TD_QUANTITY_TEXT_BYTES];
    if (json_object_get(in, field) == NULL)
        return;
    node_json_u256(c->j, in, field, &want);
    if (!node_json_ok(c->j) || exec_u256_eq(&want, got))
        return;
    number_text(w, &want);
    number_text(g, got);
    differ(c, field, w, g);
}

static void check_u64(struct check *c, const json_t *in, const char *field, uint64_t got)
{
    struct exec_u256 g = exec_u256_of(got);
    check_u256(c, in, field, &g);
}

static void check_text(struct check *c, const json_t *in, const char *field, const char *got)
{
    const json_t *value = json_object_get(in, field);
    const char *want = json_string_value(value);
    if (value == NULL)
        return;
    if (want == NULL)
        node_json_fail(c->j, field, "not a string");
    else if (strcmp(want, got) != 0)
        differ(c, field, want, got);
}

static void check_tx(struct check *c, const json_t *in, const struct exec_tx_result *x)
{
    const struct exec_receipt *r = &x->receipt;
    node_json_known(c->j, in, "hash verdict status gasUsed nativeUsed pubdataBytes logsHash");
    check_hash(c, in, "hash", &x->hash);
    check_text(c, in, "verdict", exec_tx_verdict_text(x->verdict));
    check_text(c, in, "status", x->verdict == EXEC_TX_OK ? exec_status_text(r->status) : "skipped");
    check_u64(c, in, "gasUsed", r->gas_used);
    check_u64(c, in, "nativeUsed", r->native_used);
    check_u64(c, in, "pubdataBytes", r->pubdata_bytes);
    struct td_hash logs;
    exec_logs_hash(&logs, r->logs, r->log_count);
    check_hash(c, in, "logsHash", &logs);
}

/* In payload order: inbox entries first. */
static void check_txs(struct check *c, const json_t *list)
{
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < c->l->block.payload_count && node_json_ok(c->j); i++) {
        const json_t *in = json_array_get(list, i);
        node_json_at(c->j, "blocks[%zu].expect.transactions[%zu]", c->block, i);
        if (!json_is_object(in))
            node_json_fail(c->j, NULL, "not an object");
        snprintf(c->where, sizeof c->where, "transactions[%zu].", i);
        if (node_json_ok(c->j))
            check_tx(c, in, &c->l->result.txs[i]);
    }
    c->where[0] = '\0';
    if (count != c->l->block.payload_count) {
        char w[24], g[24];
        snprintf(w, sizeof w, "%zu", count);
        snprintf(g, sizeof g, "%" PRIu32, c->l->block.payload_count);
        differ(c, "transactions (inbox entries included)", w, g);
    }
}

static void check_code(struct check *c, const json_t *in, const struct exec_account *a)
{
    char w[TD_HASH_TEXT_BYTES], g[TD_HASH_TEXT_BYTES];
    struct td_hash hash;
    if (json_object_get(in, "code") == NULL)
        return;
    struct td_bytes code = node_json_bytes(c->j, in, "code");
    td_keccak256(&hash, code.ptr, code.len);
    if (!node_json_ok(c->j) || td_hash_eq(&hash, &a->code_hash))
        return;
    td_hash_print(w, &hash);
    td_hash_print(g, &a->code_hash);
    differ(c, "code's keccak", w, g);
}

/* Only what is named is compared. */
static void check_account(struct check *c, const struct td_addr *addr, const json_t *in)
{
    const struct exec_account none = {.code_hash = EXEC_EMPTY_CODE_HASH};
    const struct exec_account *a = node_ledger_account(c->l, addr);
    a = a == NULL ? &none : a;
    node_json_known(c->j, in, "nonce balance code storage");
    check_u64(c, in, "nonce", a->nonce);
    check_u256(c, in, "balance", &a->balance);
    check_code(c, in, a);
    json_t *storage = json_object_get(in, "storage");
    const char *key;
    json_t *value;
    if (storage != NULL && !json_is_object(storage))
        node_json_fail(c->j, "storage", "not an object");
    json_object_foreach(storage, key, value)
    {
        struct exec_u256 slot;
        node_json_text_u256(c->j, key, "storage key", &slot);
        struct exec_u256 got = node_ledger_slot(c->l, addr, &slot);
        if (node_json_ok(c->j))
            check_u256(c, storage, key, &got);
    }
}

static void check_post(struct check *c, json_t *post)
{
    const char *key;
    json_t *value;
    json_object_foreach(post, key, value)
    {
        struct td_addr addr;
        node_json_at(c->j, "blocks[%zu].expect.post.%.42s", c->block, key);
        node_json_text_addr(c->j, key, NULL, &addr);
        if (!json_is_object(value))
            node_json_fail(c->j, NULL, "not an object");
        if (!node_json_ok(c->j))
            return;
        snprintf(c->where, sizeof c->where, "post.%.42s.", key);
        check_account(c, &addr, value);
    }
    c->where[0] = '\0';
}

static void check_block(struct check *c, const json_t *in)
{
    const struct exec_result *r = &c->l->result;
    node_json_known(c->j, in,
                    "blockHash stateCommitment receiptsRoot messagesRoot daCommitment batchHash "
                    "baseFee gasUsed nativeUsed transactions post");
    check_hash(c, in, "blockHash", &r->block_hash);
    check_hash(c, in, "stateCommitment", &r->state_commitment);
    check_hash(c, in, "receiptsRoot", &r->receipts_root);
    check_hash(c, in, "messagesRoot", &r->messages_root);
    check_hash(c, in, "daCommitment", &r->da_commitment);
    check_hash(c, in, "batchHash", &r->batch_hash);
    check_u256(c, in, "baseFee", &r->env.base_fee);
    check_u64(c, in, "gasUsed", r->gas_used);
    check_u64(c, in, "nativeUsed", r->native_used);
}

size_t node_blockfile_check(const struct node_blockfile *f, struct node_json *j,
                            const struct node_ledger *l, size_t i, FILE *to)
{
    struct check c = {.j = j, .l = l, .to = to, .block = i};
    const json_t *block = json_array_get(f->blocks, i);
    const json_t *in = json_object_get(block, "expect");
    if (in == NULL)
        return 0;
    node_json_at(j, "blocks[%zu]", i);
    if (node_json_object(j, block, "expect") == NULL)
        return 0;
    node_json_at(j, "blocks[%zu].expect", i);
    check_block(&c, in);
    json_t *txs = json_object_get(in, "transactions");
    json_t *post = json_object_get(in, "post");
    if (txs != NULL && !json_is_array(txs))
        node_json_fail(j, "transactions", "not an array");
    if (post != NULL && !json_is_object(post))
        node_json_fail(j, "post", "not an object");
    if (txs != NULL && node_json_ok(j))
        check_txs(&c, txs);
    if (post != NULL && node_json_ok(j))
        check_post(&c, post);
    return c.count;
}
