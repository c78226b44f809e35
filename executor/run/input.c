/* Making a run's input natively; the reading side is run.c. */
#include "executor/crypto/secp.h"
#include "executor/run.h"
#include "executor/run/words.h"

void exec_run_writer_init(struct exec_run_writer *w, uint32_t *words, size_t cap)
{
    *w = (struct exec_run_writer){.words = words, .cap = cap};
}

static void put_u256(struct exec_run_writer *w, const struct exec_u256 *v)
{
    for (uint32_t i = 0; i < 4; i++)
        put_u64(w, v->w[i]);
}

static void put_digest(struct exec_run_writer *w, const struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++)
        put_u32(w, d->e[i].v);
}

static void put_chain(struct exec_run_writer *w, const struct exec_chain *c)
{
    put_u64(w, c->chain_id);
    put_u64(w, c->l1_chain_id);
    put_bytes(w, c->contract.b, sizeof c->contract.b);
    put_bytes(w, c->config_hash.b, sizeof c->config_hash.b);
    put_u64(w, c->gas_limit);
    put_u64(w, c->native_limit);
    put_u256(w, &c->base_fee_min);
    put_u64(w, c->prices.native_per_gas);
    put_u64(w, c->prices.gas_per_pubdata_byte);
    put_u64(w, c->prices.tx_native_max);
    put_bytes(w, c->fee_vault.b, sizeof c->fee_vault.b);
}

static void put_cursor(struct exec_run_writer *w, const struct exec_cursor *c)
{
    put_digest(w, &c->tree_root);
    put_u32(w, c->leaf_count);
    put_u64(w, c->number);
    put_u64(w, c->ts_ms);
    put_u64(w, c->epoch);
    put_bytes(w, c->block_hash.b, sizeof c->block_hash.b);
    put_u256(w, &c->base_fee);
    put_u64(w, c->message_count);
    put_u64(w, c->inbox_index);
    put_bytes(w, c->inbox_acc.b, sizeof c->inbox_acc.b);
}

static void put_keccak(struct exec_run_writer *w, const struct td_keccak *k)
{
    for (uint32_t i = 0; i < 25; i++)
        put_u64(w, k->s[i]);
    put_u32(w, k->fill_bytes);
}

static void put_batch(struct exec_run_writer *w, const struct exec_batch *b)
{
    put_u32(w, b->open);
    put_u64(w, b->number);
    put_bytes(w, b->parent.b, sizeof b->parent.b);
    put_bytes(w, b->post_state.b, sizeof b->post_state.b);
    if (!b->open)
        return;
    const uint64_t numbers[] = {b->epoch,       b->first_block, b->last_block, b->first_time,
                                b->last_time,   b->inbox_from,  b->inbox_to,   b->l2_tx_count,
                                b->native_used, b->data_bytes};
    const struct td_hash *const hashes[] = {&b->pre_state, &b->last_block_hash, &b->inputs,
                                            &b->inbox_acc, &b->imports};
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        put_u64(w, numbers[i]);
    for (uint32_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        put_bytes(w, hashes[i]->b, sizeof hashes[i]->b);
    put_u32(w, b->messages.count);
    for (uint32_t i = 0; i <= EXEC_MESSAGES_DEPTH; i++)
        if ((b->messages.count >> i & 1u) != 0)
            put_bytes(w, b->messages.edge[i].b, sizeof b->messages.edge[i].b);
    put_keccak(w, &b->on);
    put_keccak(w, &b->off);
}

void exec_run_put_start(struct exec_run_writer *w, const struct exec_run_start *start)
{
    put_u32(w, EXEC_RUN_MAGIC);
    put_u32(w, EXEC_RUN_VERSION);
    put_u32(w, 0);
    put_u32(w, 0);
    put_digest(w, &start->whitelist);
    put_digest(w, &start->program);
    put_chain(w, &start->chain);
    put_cursor(w, &start->cursor);
    put_batch(w, &start->batch);
}

void exec_run_put_block(struct exec_run_writer *w, const uint32_t *witness, uint32_t word_count)
{
    put_u32(w, word_count);
    for (uint32_t i = 0; i < word_count; i++)
        put_u32(w, witness[i]);
}

enum td_error exec_run_finish(struct exec_run_writer *w, uint32_t block_count)
{
    if (w->need > w->cap || w->need > UINT32_MAX)
        return TD_E_NOSPACE;
    w->words[2] = (uint32_t)w->need;
    w->words[3] = block_count;
    return TD_OK;
}

/* ---- a block's input section */

static void put_key(struct exec_run_writer *w, const struct exec_run_key *k, uint32_t *slopes)
{
    struct exec_secp_hint hint;
    if (!k->found || !exec_secp_hint(&hint, slopes, &k->digest, k->r, k->s, k->parity, k->xy)) {
        put_u32(w, 0);
        return;
    }
    put_u32(w, 1);
    put_bytes(w, k->xy, sizeof k->xy);
    put_bytes(w, &hint, sizeof hint);
    if (slopes != NULL)
        put_bytes(w, slopes, 32u * (size_t)hint.slope_count);
}

static void put_block(struct exec_run_writer *w, const struct exec_block *block)
{
    uint8_t header[HEADER_PAD + EXEC_HEADER_BYTES] = {0};
    memcpy(header + HEADER_PAD, block->header.ptr, EXEC_HEADER_BYTES);
    put_bytes(w, header, sizeof header);
    put_u32(w, block->payload_count);
    for (uint32_t i = 0; i < block->payload_count; i++) {
        put_u32(w, (uint32_t)block->payload[i].len);
        put_bytes(w, block->payload[i].ptr, block->payload[i].len);
    }
}

enum td_error exec_run_block_input(struct td_bytes *out, const struct exec_block *block,
                                   const struct exec_run_key *keys, uint32_t key_count, bool slopes,
                                   struct td_arena *arena)
{
    uint32_t scratch[8u * EXEC_SECP_SLOPES_MAX];
    struct exec_run_writer w;
    *out = (struct td_bytes){0};
    if (block->header.len != EXEC_HEADER_BYTES)
        return TD_E_MALFORMED;
    exec_run_writer_init(&w, NULL, 0);
    put_block(&w, block);
    size_t hint_words = 17u + sizeof(struct exec_secp_hint) / 4u;
    if (slopes)
        hint_words += 8u * EXEC_SECP_SLOPES_MAX;
    size_t cap = w.need + key_count * hint_words;
    uint32_t *words = TD_ARENA_NEW(arena, uint32_t, cap);
    if (words == NULL)
        return TD_E_NOSPACE;
    exec_run_writer_init(&w, words, cap);
    put_block(&w, block);
    for (uint32_t i = 0; i < key_count; i++)
        put_key(&w, &keys[i], slopes ? scratch : NULL);
    *out = td_bytes_of(words, 4u * w.need);
    return TD_OK;
}
