#include "executor/batch.h"

#include "executor/block/abi.h"

static const char TAG[] = "TandemBatch1";

void exec_batch_init(struct exec_batch *b, const struct exec_cursor *genesis)
{
    memset(b, 0, sizeof *b);
    exec_cursor_commit(&b->post_state, genesis);
}

bool exec_batch_begin(struct exec_batch *b, const struct exec_cursor *before, uint64_t epoch,
                      uint64_t number, uint64_t time)
{
    static const uint8_t version = EXEC_DATA_VERSION;
    struct td_hash state;
    exec_cursor_commit(&state, before);
    if (!td_hash_eq(&state, &b->post_state))
        return false;
    b->pre_state = state;
    b->open = true;
    b->epoch = epoch;
    b->first_block = number;
    b->first_time = time;
    b->inbox_from = b->inbox_to = before->inbox_index;
    b->inbox_acc = before->inbox_acc;
    exec_messages_init(&b->messages);
    td_keccak_init(&b->on);
    td_keccak_update(&b->on, &version, 1);
    td_keccak_init(&b->off);
    td_keccak_update(&b->off, &version, 1);
    return true;
}

void exec_batch_import(struct exec_batch *b, uint64_t chain_id, uint64_t batch,
                       const struct td_hash *root)
{
    struct td_keccak k;
    td_keccak_init(&k);
    abi_hash(&k, &b->imports);
    abi_u64(&k, chain_id);
    abi_u64(&k, batch);
    abi_hash(&k, root);
    td_keccak_final(&k, &b->imports);
}

static void running(struct td_hash *out, const struct td_keccak *k)
{
    struct td_keccak copy = *k;
    td_keccak_final(&copy, out);
}

void exec_batch_hash(struct td_hash *out, const struct exec_batch *b,
                     const struct exec_chain *chain)
{
    const uint64_t numbers[] = {b->number,     EXEC_BATCH_VERSION, b->epoch,     b->first_block,
                                b->last_block, b->first_time,      b->last_time, b->inbox_from,
                                b->inbox_to,   b->l2_tx_count};
    struct td_hash tag, messages, on, off;
    struct td_keccak k;
    td_keccak256(&tag, TAG, sizeof TAG - 1u);
    exec_messages_root(&messages, &b->messages);
    running(&on, &b->on);
    running(&off, &b->off);
    const struct td_hash *const words[] = {
        &b->parent, &b->pre_state, &b->post_state, &b->last_block_hash,
        &b->inputs, &b->inbox_acc, &messages,      &b->imports,
        &on,        &off};
    td_keccak_init(&k);
    abi_hash(&k, &tag);
    abi_u64(&k, chain->l1_chain_id);
    abi_addr(&k, &chain->contract);
    abi_u64(&k, chain->chain_id);
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        abi_u64(&k, numbers[i]);
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++)
        abi_hash(&k, words[i]);
    td_keccak_final(&k, out);
}

void exec_batch_end(struct td_hash *out, struct exec_batch *b, const struct exec_chain *chain)
{
    exec_batch_hash(out, b, chain);
    uint64_t number = b->number + 1u;
    struct td_hash state = b->post_state;
    memset(b, 0, sizeof *b);
    b->number = number;
    b->parent = *out;
    b->post_state = state;
}

static void hash_keccak(struct td_keccak *k, const struct td_keccak *inner)
{
    uint8_t bytes[8];
    for (uint32_t lane = 0; lane < 25; lane++) {
        for (uint32_t i = 0; i < 8; i++)
            bytes[i] = (uint8_t)(inner->s[lane] >> (8u * i));
        td_keccak_update(k, bytes, sizeof bytes);
    }
    abi_u64(k, inner->fill_bytes);
}

void exec_batch_digest(struct td_hash *out, const struct exec_batch *b)
{
    const uint64_t numbers[] = {b->open,          b->number,      b->epoch,       b->first_block,
                                b->last_block,    b->first_time,  b->last_time,   b->inbox_from,
                                b->inbox_to,      b->l2_tx_count, b->native_used, b->data_bytes,
                                b->messages.count};
    const struct td_hash *const words[] = {&b->parent,          &b->pre_state, &b->post_state,
                                           &b->last_block_hash, &b->inputs,    &b->inbox_acc,
                                           &b->imports};
    struct td_keccak k;
    td_keccak_init(&k);
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        abi_u64(&k, numbers[i]);
    if (!b->open) {
        abi_hash(&k, &b->parent);
        abi_hash(&k, &b->post_state);
        td_keccak_final(&k, out);
        return;
    }
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++)
        abi_hash(&k, words[i]);
    for (uint32_t d = 0; d <= EXEC_MESSAGES_DEPTH; d++) {
        if ((b->messages.count >> d & 1u) != 0)
            abi_hash(&k, &b->messages.edge[d]);
    }
    hash_keccak(&k, &b->on);
    hash_keccak(&k, &b->off);
    td_keccak_final(&k, out);
}
