#define _POSIX_C_SOURCE 200809L /* pthread_rwlock_t */
#include <stdlib.h>
#include <string.h>

#include "node/chain/chain_internal.h"

/* Rows to write, one after the other: a head, and its bytes padded to 8. */
enum change {
    CHANGE_ITEM,
    CHANGE_EXECUTED, /* record; receipts are the next row */
    CHANGE_RECEIPTS,
    CHANGE_TX,
    CHANGE_LOG,
    CHANGE_ACCOUNT,
    CHANGE_SLOT, /* value: 32 bytes */
    CHANGE_CODE,
    CHANGE_LEAF,
};

struct row {
    enum change kind;
    uint32_t len;
    uint32_t index;  /* of a transaction or leaf */
    uint64_t number; /* log key */
    struct td_addr addr;
    struct td_hash hash; /* of a transaction or code; slot */
};

struct node_changes {
    uint64_t height;
    uint8_t *bytes;
    size_t len, cap;
    bool failed; /* no memory */
};

static size_t padded(size_t len)
{
    return (len + 7u) & ~(size_t)7u;
}

/* Room for the row's bytes, which the caller fills; NULL without memory, and from then on. */
static uint8_t *add(struct node_changes *c, const struct row *row)
{
    size_t need = sizeof *row + padded(row->len);
    if (c->failed)
        return NULL;
    if (need > c->cap - c->len) {
        size_t cap = c->cap + need > 2u * c->cap ? c->cap + need : 2u * c->cap;
        uint8_t *more = realloc(c->bytes, cap);
        if (more == NULL) {
            c->failed = true;
            return NULL;
        }
        c->bytes = more;
        c->cap = cap;
    }
    memcpy(c->bytes + c->len, row, sizeof *row);
    uint8_t *at = c->bytes + c->len + sizeof *row;
    c->len += need;
    return at;
}

static void add_bytes(struct node_changes *c, const struct row *row, const void *bytes)
{
    uint8_t *at = add(c, row);
    if (at != NULL && row->len > 0)
        memcpy(at, bytes, row->len);
}

/* ---- state */

static void add_account(struct node_changes *c, const struct td_addr *addr,
                        const struct exec_account *account)
{
    const struct row row = {.kind = CHANGE_ACCOUNT, .len = NODE_ACCOUNT_BYTES, .addr = *addr};
    uint8_t *at = add(c, &row);
    if (at != NULL)
        node_account_encode(at, account);
}

static void add_slot(struct node_changes *c, const struct td_addr *addr,
                     const struct exec_u256 *slot, const struct exec_u256 *value)
{
    struct row row = {.kind = CHANGE_SLOT, .len = TD_HASH_BYTES, .addr = *addr};
    exec_u256_to_be(row.hash.b, slot);
    uint8_t *at = add(c, &row);
    if (at != NULL)
        exec_u256_to_be(at, value);
}

static void add_code(struct node_changes *c, const struct td_hash *hash, struct td_bytes code)
{
    const struct row row = {.kind = CHANGE_CODE, .len = (uint32_t)code.len, .hash = *hash};
    add_bytes(c, &row, code.ptr);
}

static void add_leaf(struct node_changes *c, uint32_t index, const struct exec_tree_leaf *leaf)
{
    const struct row row = {.kind = CHANGE_LEAF, .len = NODE_LEAF_BYTES, .index = index};
    uint8_t *at = add(c, &row);
    if (at != NULL)
        node_leaf_encode(at, leaf);
}

static void add_cursor(struct node_changes *c, const struct exec_cursor *cursor,
                       const struct exec_batch *batch)
{
    const struct row row = {
        .kind = CHANGE_ITEM, .len = NODE_CURSOR_BYTES, .index = NODE_ITEM_CURSOR};
    uint8_t *at = add(c, &row);
    if (at != NULL)
        node_cursor_encode(at, cursor, batch);
}

static struct node_changes *done(struct node_changes *c)
{
    if (c == NULL || !c->failed)
        return c;
    node_changes_free(c);
    return NULL;
}

struct node_changes *node_changes_of_state(const struct node_ledger *l)
{
    struct node_changes *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    for (uint32_t i = 0; i < l->accounts.count; i++) {
        const struct node_ledger_account *a = node_ledger_account_at(l, i);
        add_account(c, &a->key.addr, &a->data);
    }
    for (uint32_t i = 0; i < l->slots.count; i++) {
        const struct node_ledger_slot *s = node_ledger_slot_at(l, i);
        add_slot(c, &s->key.addr, &s->key.word, &s->value);
    }
    for (uint32_t i = 0; i < l->codes.count; i++) {
        const struct node_ledger_code *code = node_ledger_code_at(l, i);
        struct td_hash hash;
        node_ledger_code_hash(code, &hash);
        add_code(c, &hash, code->bytes);
    }
    for (uint32_t i = 0; i < l->tree.leaf_count; i++)
        add_leaf(c, i, &l->tree.leaves[i]);
    add_cursor(c, &l->cursor, &l->batch);
    return done(c);
}

static void add_state(struct node_changes *c, const struct node_ledger *l)
{
    const struct exec_state *s = l->result.state;
    const struct exec_tree_update *u = &l->witness.update;
    for (uint32_t i = 0; i < exec_state_account_count(s); i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        if (node_ledger_account_changed(a))
            add_account(c, &a->addr, &a->now);
    }
    for (uint32_t i = 0; i < exec_state_slot_count(s); i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        if (node_ledger_slot_changed(x))
            add_slot(c, &x->addr, &x->slot, &x->now);
    }
    for (uint32_t i = 0; i < exec_state_code_count(s); i++) {
        const struct exec_state_code *code = exec_state_code_at(s, i);
        if (code->made)
            add_code(c, &code->hash, code->bytes);
    }
    for (uint32_t i = 0; i < u->change_count; i++) {
        if (u->changes[i].written)
            add_leaf(c, u->changes[i].index, &u->changes[i].now);
    }
}

/* ---- blocks */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t names_of(const struct exec_result *r, uint32_t payload_count)
{
    uint64_t names = 0;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct exec_receipt *rc = &r->txs[i].receipt;
        for (uint32_t k = 0; r->txs[i].verdict == EXEC_TX_OK && k < rc->log_count; k++)
            names += 1u + rc->logs[k].topic_count;
    }
    return names;
}

/* Each address and topic of the block's logs once. */
static void add_logs(struct node_changes *c, const struct exec_result *r, uint32_t payload_count)
{
    uint64_t names = names_of(r, payload_count), *keys, n = 0;
    if (names == 0)
        return;
    keys = malloc(names * sizeof *keys);
    c->failed |= keys == NULL;
    for (uint32_t i = 0; keys != NULL && i < payload_count; i++) {
        const struct exec_receipt *rc = &r->txs[i].receipt;
        for (uint32_t k = 0; r->txs[i].verdict == EXEC_TX_OK && k < rc->log_count; k++) {
            const struct exec_log *log = &rc->logs[k];
            keys[n++] = node_log_key(td_bytes_of(log->addr.b, TD_ADDR_BYTES));
            for (uint32_t t = 0; t < log->topic_count; t++)
                keys[n++] = node_log_key(td_bytes_of(log->topic[t].b, TD_HASH_BYTES));
        }
    }
    if (keys != NULL)
        qsort(keys, n, sizeof *keys, by_number);
    for (uint64_t i = 0; i < n; i++) {
        const struct row row = {.kind = CHANGE_LOG, .number = keys[i]};
        if (i == 0 || keys[i] != keys[i - 1u])
            (void)add(c, &row);
    }
    free(keys);
}

static void add_txs(struct node_changes *c, const struct exec_result *r, uint32_t payload_count)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < payload_count; i++) {
        struct row row = {.kind = CHANGE_TX, .index = index, .hash = r->txs[i].hash};
        if (r->txs[i].verdict != EXEC_TX_OK)
            continue;
        (void)add(c, &row);
        index++;
    }
}

static void add_executed(struct node_changes *c, const struct exec_result *r,
                         const struct node_record *record)
{
    size_t bytes = node_receipts_bytes(r, record->payload_count);
    const struct row head = {.kind = CHANGE_EXECUTED, .len = NODE_RECORD_BYTES};
    const struct row body = {.kind = CHANGE_RECEIPTS, .len = (uint32_t)bytes};
    if (bytes > STORE_CHAIN_BYTES_MAX) { /* beyond what native units pay for */
        c->failed = true;
        return;
    }
    uint8_t *at = add(c, &head);
    if (at != NULL)
        node_record_encode(at, record);
    at = add(c, &body);
    if (at != NULL)
        node_receipts_encode(at, r, record->payload_count);
}

struct node_changes *node_changes_of_block(const struct node_ledger *l,
                                           const struct node_record *record)
{
    struct node_changes *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->height = record->core.result.height;
    add_executed(c, &l->result, record);
    add_txs(c, &l->result, record->payload_count);
    add_logs(c, &l->result, record->payload_count);
    add_state(c, l);
    add_cursor(c, &l->next_cursor, &l->next_batch);
    return done(c);
}

void node_changes_free(struct node_changes *c)
{
    if (c != NULL)
        free(c->bytes);
    free(c);
}

/* ---- writing */

static void put_row(const struct row *row, struct td_bytes bytes, uint64_t height,
                    struct td_bytes *record, struct store_chain *w)
{
    struct td_hash value;
    switch (row->kind) {
    case CHANGE_ITEM:
        store_chain_put_item(w, row->index, bytes);
        break;
    case CHANGE_EXECUTED:
        *record = bytes;
        break;
    case CHANGE_RECEIPTS:
        store_chain_put_executed(w, height, *record, bytes);
        break;
    case CHANGE_TX:
        store_chain_put_tx(w, &row->hash, height, row->index);
        break;
    case CHANGE_LOG:
        store_chain_put_log(w, row->number, height);
        break;
    case CHANGE_ACCOUNT:
        store_chain_put_account(w, &row->addr, bytes);
        break;
    case CHANGE_SLOT:
        memcpy(value.b, bytes.ptr, sizeof value.b);
        store_chain_put_slot(w, &row->addr, &row->hash, &value);
        break;
    case CHANGE_CODE:
        store_chain_put_code(w, &row->hash, bytes);
        break;
    case CHANGE_LEAF:
        store_chain_put_leaf(w, row->index, bytes);
        break;
    }
}

void node_changes_put(const struct node_changes *changes, struct store_chain *writer)
{
    struct td_bytes record = {0};
    for (size_t at = 0; at < changes->len;) {
        struct row row;
        memcpy(&row, changes->bytes + at, sizeof row);
        put_row(&row, td_bytes_of(changes->bytes + at + sizeof row, row.len), changes->height,
                &record, writer);
        at += sizeof row + padded(row.len);
    }
}
