#include "node/chain/record.h"

#include "base/core/assert.h"
#include "base/core/codec.h"

static void put_u256(struct td_writer *w, const struct exec_u256 *v)
{
    uint8_t be[32];
    exec_u256_to_be(be, v);
    td_put_bytes(w, be, sizeof be);
}

static void get_u256(struct td_reader *r, struct exec_u256 *v)
{
    uint8_t be[32];
    td_get_bytes(r, be, sizeof be);
    exec_u256_from_be(v, be, sizeof be);
}

static void put_digest(struct td_writer *w, const struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        td_put_u32(w, d->e[i].v);
}

static void get_digest(struct td_reader *r, struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        d->e[i].v = td_get_u32(r);
}

static void get_version(struct td_reader *r)
{
    if (td_get_u8(r) != NODE_RECORD_VERSION)
        td_reader_fail(r, TD_E_CORRUPT);
}

/* Whatever is wrong with a row, it is not what was written. */
static enum td_error finish(struct td_reader *r)
{
    return td_reader_finish(r) == TD_OK ? TD_OK : TD_E_CORRUPT;
}

/* A writer whose room is what the row takes. */
static void filled(const struct td_writer *w)
{
    TD_ASSERT(w->err == TD_OK && w->len == w->cap);
}

/* ---- accounts and leaves */

#define ACCOUNT_DA_OFF 1u
#define ACCOUNT_STORAGE 2u

void node_account_encode(uint8_t out[NODE_ACCOUNT_BYTES], const struct exec_account *a)
{
    struct td_writer w;
    td_writer_init(&w, out, NODE_ACCOUNT_BYTES);
    td_put_u64(&w, a->nonce);
    put_u256(&w, &a->balance);
    td_put_hash(&w, &a->code_hash);
    td_put_u32(&w, a->code_bytes);
    td_put_u8(
        &w, (uint8_t)((a->da_off ? ACCOUNT_DA_OFF : 0u) | (a->has_storage ? ACCOUNT_STORAGE : 0u)));
    filled(&w);
}

enum td_error node_account_decode(struct exec_account *out, struct td_bytes bytes)
{
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    out->nonce = td_get_u64(&r);
    get_u256(&r, &out->balance);
    td_get_hash(&r, &out->code_hash);
    out->code_bytes = td_get_u32(&r);
    uint8_t flags = td_get_u8(&r);
    out->da_off = (flags & ACCOUNT_DA_OFF) != 0;
    out->has_storage = (flags & ACCOUNT_STORAGE) != 0;
    if (flags > (ACCOUNT_DA_OFF | ACCOUNT_STORAGE))
        td_reader_fail(&r, TD_E_CORRUPT);
    return finish(&r);
}

void node_leaf_encode(uint8_t out[NODE_LEAF_BYTES], const struct exec_tree_leaf *leaf)
{
    struct td_writer w;
    td_writer_init(&w, out, NODE_LEAF_BYTES);
    put_digest(&w, &leaf->key);
    put_digest(&w, &leaf->value);
    put_digest(&w, &leaf->next);
    filled(&w);
}

enum td_error node_leaf_decode(struct exec_tree_leaf *out, struct td_bytes bytes)
{
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    get_digest(&r, &out->key);
    get_digest(&r, &out->value);
    get_digest(&r, &out->next);
    return finish(&r);
}

/* ---- blocks */

void node_chain_state_encode(uint8_t out[NODE_STATE_BYTES], const struct bft_chain_state *s)
{
    struct td_writer w;
    td_writer_init(&w, out, NODE_STATE_BYTES);
    td_put_u8(&w, NODE_RECORD_VERSION);
    td_put_u64(&w, s->origin_ts);
    td_put_u64(&w, s->batch_ts);
    td_put_u32(&w, s->batch_count);
    filled(&w);
}

enum td_error node_chain_state_decode(struct bft_chain_state *out, struct td_bytes bytes)
{
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    get_version(&r);
    out->origin_ts = td_get_u64(&r);
    out->batch_ts = td_get_u64(&r);
    out->batch_count = td_get_u32(&r);
    return finish(&r);
}

void node_record_encode(uint8_t out[NODE_RECORD_BYTES], const struct node_record *r)
{
    const struct bft_result *x = &r->core.result;
    struct td_writer w;
    td_writer_init(&w, out, NODE_RECORD_BYTES);
    td_put_u8(&w, NODE_RECORD_VERSION);
    td_put_u64(&w, x->height);
    td_put_hash(&w, &x->block_hash);
    td_put_hash(&w, &x->state_commitment);
    td_put_hash(&w, &x->receipts_root);
    td_put_hash(&w, &x->messages_root);
    td_put_hash(&w, &x->da_commitment);
    td_put_hash(&w, &x->priority_hash);
    td_put_u64(&w, x->gas_used);
    td_put_hash(&w, &r->core.batch_hash);
    td_put_u64(&w, r->core.batch_native);
    td_put_u64(&w, r->core.batch_bytes);
    td_put_u64(&w, r->native_used);
    put_u256(&w, &r->base_fee);
    td_put_u32(&w, r->payload_count);
    td_put_u32(&w, r->receipt_count);
    filled(&w);
}

enum td_error node_record_decode(struct node_record *out, struct td_bytes bytes)
{
    struct bft_result *x = &out->core.result;
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    get_version(&r);
    x->height = td_get_u64(&r);
    td_get_hash(&r, &x->block_hash);
    td_get_hash(&r, &x->state_commitment);
    td_get_hash(&r, &x->receipts_root);
    td_get_hash(&r, &x->messages_root);
    td_get_hash(&r, &x->da_commitment);
    td_get_hash(&r, &x->priority_hash);
    x->gas_used = td_get_u64(&r);
    td_get_hash(&r, &out->core.batch_hash);
    out->core.batch_native = td_get_u64(&r);
    out->core.batch_bytes = td_get_u64(&r);
    out->native_used = td_get_u64(&r);
    get_u256(&r, &out->base_fee);
    out->payload_count = td_get_u32(&r);
    out->receipt_count = td_get_u32(&r);
    if (out->payload_count > TD_TXS_PER_BLOCK_MAX || out->receipt_count > out->payload_count)
        td_reader_fail(&r, TD_E_CORRUPT);
    return finish(&r);
}

/* ---- cursor and batch */

static void put_keccak(struct td_writer *w, const struct td_keccak *k)
{
    for (uint32_t i = 0; i < 25; i++)
        td_put_u64(w, k->s[i]);
    td_put_u32(w, k->fill_bytes);
}

static void get_keccak(struct td_reader *r, struct td_keccak *k)
{
    for (uint32_t i = 0; i < 25; i++)
        k->s[i] = td_get_u64(r);
    k->fill_bytes = td_get_u32(r);
    if (k->fill_bytes >= TD_KECCAK_RATE_BYTES)
        td_reader_fail(r, TD_E_CORRUPT);
}

static void put_batch(struct td_writer *w, const struct exec_batch *b)
{
    td_put_u8(w, b->open ? 1u : 0u);
    td_put_u64(w, b->number);
    td_put_u64(w, b->epoch);
    td_put_u64(w, b->first_block);
    td_put_u64(w, b->last_block);
    td_put_u64(w, b->first_time);
    td_put_u64(w, b->last_time);
    td_put_u64(w, b->inbox_from);
    td_put_u64(w, b->inbox_to);
    td_put_u64(w, b->l2_tx_count);
    td_put_hash(w, &b->parent);
    td_put_hash(w, &b->pre_state);
    td_put_hash(w, &b->post_state);
    td_put_hash(w, &b->last_block_hash);
    td_put_hash(w, &b->inputs);
    td_put_hash(w, &b->inbox_acc);
    td_put_hash(w, &b->imports);
    td_put_u32(w, b->messages.count);
    for (uint32_t i = 0; i <= EXEC_MESSAGES_DEPTH; i++)
        td_put_hash(w, &b->messages.edge[i]);
    put_keccak(w, &b->on);
    put_keccak(w, &b->off);
    td_put_u64(w, b->native_used);
    td_put_u64(w, b->data_bytes);
}

static void get_batch(struct td_reader *r, struct exec_batch *b)
{
    b->open = td_get_bool(r);
    b->number = td_get_u64(r);
    b->epoch = td_get_u64(r);
    b->first_block = td_get_u64(r);
    b->last_block = td_get_u64(r);
    b->first_time = td_get_u64(r);
    b->last_time = td_get_u64(r);
    b->inbox_from = td_get_u64(r);
    b->inbox_to = td_get_u64(r);
    b->l2_tx_count = td_get_u64(r);
    td_get_hash(r, &b->parent);
    td_get_hash(r, &b->pre_state);
    td_get_hash(r, &b->post_state);
    td_get_hash(r, &b->last_block_hash);
    td_get_hash(r, &b->inputs);
    td_get_hash(r, &b->inbox_acc);
    td_get_hash(r, &b->imports);
    b->messages.count = td_get_u32(r);
    if (b->messages.count > EXEC_MESSAGES_MAX)
        td_reader_fail(r, TD_E_CORRUPT);
    for (uint32_t i = 0; i <= EXEC_MESSAGES_DEPTH; i++)
        td_get_hash(r, &b->messages.edge[i]);
    get_keccak(r, &b->on);
    get_keccak(r, &b->off);
    b->native_used = td_get_u64(r);
    b->data_bytes = td_get_u64(r);
}

void node_cursor_encode(uint8_t out[NODE_CURSOR_BYTES], const struct exec_cursor *c,
                        const struct exec_batch *b)
{
    struct td_writer w;
    td_writer_init(&w, out, NODE_CURSOR_BYTES);
    td_put_u8(&w, NODE_RECORD_VERSION);
    put_digest(&w, &c->tree_root);
    td_put_u32(&w, c->leaf_count);
    td_put_u64(&w, c->number);
    td_put_u64(&w, c->ts_ms);
    td_put_u64(&w, c->epoch);
    td_put_hash(&w, &c->block_hash);
    put_u256(&w, &c->base_fee);
    td_put_u64(&w, c->message_count);
    td_put_u64(&w, c->inbox_index);
    td_put_hash(&w, &c->inbox_acc);
    put_batch(&w, b);
    filled(&w);
}

enum td_error node_cursor_decode(struct exec_cursor *c, struct exec_batch *b, struct td_bytes bytes)
{
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    get_version(&r);
    get_digest(&r, &c->tree_root);
    c->leaf_count = td_get_u32(&r);
    c->number = td_get_u64(&r);
    c->ts_ms = td_get_u64(&r);
    c->epoch = td_get_u64(&r);
    td_get_hash(&r, &c->block_hash);
    get_u256(&r, &c->base_fee);
    c->message_count = td_get_u64(&r);
    c->inbox_index = td_get_u64(&r);
    td_get_hash(&r, &c->inbox_acc);
    get_batch(&r, b);
    return finish(&r);
}

/* ---- receipts */

size_t node_receipts_bytes(const struct exec_result *r, uint32_t payload_count)
{
    size_t bytes = 5;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct exec_tx_result *x = &r->txs[i];
        if (x->verdict != EXEC_TX_OK)
            continue;
        bytes += NODE_RECEIPT_BYTES_MIN;
        for (uint32_t k = 0; k < x->receipt.log_count; k++) {
            const struct exec_log *log = &x->receipt.logs[k];
            bytes += NODE_LOG_BYTES_MIN + log->topic_count * TD_HASH_BYTES + log->data.len;
        }
    }
    return bytes;
}

static void put_log(struct td_writer *w, const struct exec_log *log)
{
    td_put_addr(w, &log->addr);
    td_put_u8(w, (uint8_t)log->topic_count);
    for (uint32_t i = 0; i < log->topic_count; i++)
        td_put_hash(w, &log->topic[i]);
    td_put_u32(w, (uint32_t)log->data.len);
    td_put_bytes(w, log->data.ptr, log->data.len);
}

static void put_receipt(struct td_writer *w, const struct exec_tx_result *x)
{
    const struct exec_receipt *rc = &x->receipt;
    td_put_u32(w, x->payload_index);
    td_put_hash(w, &x->hash);
    td_put_u8(w, rc->type);
    td_put_u8(w, rc->success ? 1u : 0u);
    td_put_u8(w, (uint8_t)rc->status);
    td_put_u64(w, rc->gas_used);
    td_put_u64(w, rc->native_used);
    td_put_u64(w, rc->pubdata_bytes);
    td_put_addr(w, &x->sender);
    td_put_addr(w, &rc->created);
    td_put_u32(w, rc->log_count);
    for (uint32_t k = 0; k < rc->log_count; k++)
        put_log(w, &rc->logs[k]);
}

void node_receipts_encode(uint8_t *out, const struct exec_result *r, uint32_t payload_count)
{
    struct td_writer w;
    td_writer_init(&w, out, node_receipts_bytes(r, payload_count));
    td_put_u8(&w, NODE_RECORD_VERSION);
    td_put_u32(&w, r->tx_count);
    for (uint32_t i = 0; i < payload_count; i++) {
        if (r->txs[i].verdict == EXEC_TX_OK)
            put_receipt(&w, &r->txs[i]);
    }
    filled(&w);
}

static void get_log(struct td_reader *r, struct node_log *log)
{
    td_get_addr(r, &log->addr);
    log->topic_count = td_get_u8(r);
    if (log->topic_count > 4) {
        td_reader_fail(r, TD_E_CORRUPT);
        log->topic_count = 0;
    }
    for (uint32_t i = 0; i < log->topic_count; i++)
        td_get_hash(r, &log->topic[i]);
    log->data = td_get_view(r, td_get_u32(r));
}

/* `count` things of at least `each` bytes are still to come: no lie drives an allocation. */
static uint32_t get_count(struct td_reader *r, size_t each)
{
    uint32_t count = td_get_u32(r);
    if (count > td_reader_left(r) / each) {
        td_reader_fail(r, TD_E_CORRUPT);
        return 0;
    }
    return count;
}

static enum td_error get_receipt(struct td_reader *r, struct node_receipt *x,
                                 struct td_arena *arena)
{
    x->payload_index = td_get_u32(r);
    td_get_hash(r, &x->hash);
    x->type = td_get_u8(r);
    x->success = td_get_bool(r);
    x->status = td_get_u8(r);
    x->gas_used = td_get_u64(r);
    x->native_used = td_get_u64(r);
    x->pubdata_bytes = td_get_u64(r);
    td_get_addr(r, &x->sender);
    td_get_addr(r, &x->created);
    x->log_count = get_count(r, NODE_LOG_BYTES_MIN);
    if (x->log_count == 0)
        return TD_OK;
    struct node_log *logs = TD_ARENA_NEW(arena, struct node_log, x->log_count);
    if (logs == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < x->log_count; i++)
        get_log(r, &logs[i]);
    x->logs = logs;
    return TD_OK;
}

enum td_error node_receipts_decode(const struct node_receipt **out, uint32_t *count,
                                   struct td_bytes bytes, struct td_arena *arena)
{
    struct td_reader r;
    uint64_t gas = 0;
    uint32_t logs = 0;
    *out = NULL;
    *count = 0;
    td_reader_init(&r, bytes.ptr, bytes.len);
    get_version(&r);
    uint32_t n = get_count(&r, NODE_RECEIPT_BYTES_MIN);
    struct node_receipt *list = TD_ARENA_NEW(arena, struct node_receipt, n);
    if (list == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        enum td_error err = get_receipt(&r, &list[i], arena);
        if (err != TD_OK)
            return err;
        if (i > 0 && list[i].payload_index <= list[i - 1u].payload_index)
            td_reader_fail(&r, TD_E_CORRUPT);
        gas += list[i].gas_used;
        list[i].cumulative_gas = gas;
        list[i].tx_index = i;
        list[i].first_log = logs;
        logs += list[i].log_count;
    }
    if (finish(&r) != TD_OK)
        return TD_E_CORRUPT;
    *out = list;
    *count = n;
    return TD_OK;
}
