#include "executor/run.h"

#include "base/core/limits.h"
#include "executor/crypto/secp.h"
#include "executor/run/words.h"

_Static_assert(sizeof(struct exec_secp_hint) % 4u == 0, "a hint is whole words");

/* ---- start: read and written by one list of fields */

static void read_u256(struct words *w, struct exec_u256 *v)
{
    for (uint32_t i = 0; i < 4; i++)
        v->w[i] = words_u64(w);
}

static void read_digest(struct words *w, struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
        d->e[i].v = words_u32(w);
        w->bad |= d->e[i].v >= TD_KB_P;
    }
}

static void read_chain(struct words *w, struct exec_chain *c)
{
    c->chain_id = words_u64(w);
    c->l1_chain_id = words_u64(w);
    words_copy(w, c->contract.b, sizeof c->contract.b);
    words_copy(w, c->config_hash.b, sizeof c->config_hash.b);
    c->gas_limit = words_u64(w);
    c->native_limit = words_u64(w);
    read_u256(w, &c->base_fee_min);
    c->prices.native_per_gas = words_u64(w);
    c->prices.gas_per_pubdata_byte = words_u64(w);
    c->prices.tx_native_max = words_u64(w);
    words_copy(w, c->fee_vault.b, sizeof c->fee_vault.b);
}

static void read_cursor(struct words *w, struct exec_cursor *c)
{
    read_digest(w, &c->tree_root);
    c->leaf_count = words_u32(w);
    c->number = words_u64(w);
    c->ts_ms = words_u64(w);
    c->epoch = words_u64(w);
    words_copy(w, c->block_hash.b, sizeof c->block_hash.b);
    read_u256(w, &c->base_fee);
    c->message_count = words_u64(w);
    c->inbox_index = words_u64(w);
    words_copy(w, c->inbox_acc.b, sizeof c->inbox_acc.b);
}

static void read_keccak(struct words *w, struct td_keccak *k)
{
    for (uint32_t i = 0; i < 25; i++)
        k->s[i] = words_u64(w);
    k->fill_bytes = words_u32(w);
    w->bad |= k->fill_bytes >= TD_KECCAK_RATE_BYTES;
}

/* A closed batch is its number, parent and end state; an open one has those edges its count says.
 * What is not written is zero, so that exec_batch_digest covers every word. */
static void read_batch(struct words *w, struct exec_batch *b)
{
    uint32_t open = words_u32(w);
    w->bad |= open > 1;
    memset(b, 0, sizeof *b);
    b->open = open == 1;
    b->number = words_u64(w);
    words_copy(w, b->parent.b, sizeof b->parent.b);
    words_copy(w, b->post_state.b, sizeof b->post_state.b);
    if (!b->open)
        return;
    uint64_t *const numbers[] = {&b->epoch,       &b->first_block, &b->last_block, &b->first_time,
                                 &b->last_time,   &b->inbox_from,  &b->inbox_to,   &b->l2_tx_count,
                                 &b->native_used, &b->data_bytes};
    struct td_hash *const hashes[] = {&b->pre_state, &b->last_block_hash, &b->inputs, &b->inbox_acc,
                                      &b->imports};
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = words_u64(w);
    for (uint32_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        words_copy(w, hashes[i]->b, sizeof hashes[i]->b);
    b->messages.count = words_u32(w);
    w->bad |= b->messages.count > EXEC_MESSAGES_MAX;
    for (uint32_t i = 0; i <= EXEC_MESSAGES_DEPTH; i++)
        if ((b->messages.count >> i & 1u) != 0)
            words_copy(w, b->messages.edge[i].b, sizeof b->messages.edge[i].b);
    read_keccak(w, &b->on);
    read_keccak(w, &b->off);
}

/* ---- one block */

struct guest {
    struct exec_witness witness;
    struct td_arena *memory;
    struct words hints;
};

/* Hint 0: do it the long way.  A hint that does not hold ends the run: the prover made it. */
static bool recover(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct guest *g = self;
    uint32_t kind = words_u32(&g->hints);
    memset(out_xy, 0, 64);
    if (g->hints.bad || kind > 1) {
        g->hints.bad = true;
        return false;
    }
    if (kind == 0)
        return exec_secp_recover(out_xy, digest, r, s, parity);
    const uint32_t *key = words_take(&g->hints, 16);
    const uint32_t *raw = words_take(&g->hints, sizeof(struct exec_secp_hint) / 4u);
    if (raw == NULL)
        return false;
    const struct exec_secp_hint *hint = (const struct exec_secp_hint *)(const void *)raw;
    const uint32_t *slopes = NULL;
    for (uint32_t i = 0; i < 3; i++)
        g->hints.bad |= hint->split[i].signs > 3; /* two bits count */
    if (hint->slope_count > EXEC_SECP_SLOPES_MAX)
        g->hints.bad = true;
    else
        slopes = words_take(&g->hints, 8u * (size_t)hint->slope_count);
    if (g->hints.bad)
        return false;
    memcpy(out_xy, key, 64);
    if (exec_secp_verify_hinted(digest, r, s, parity, out_xy, hint, slopes))
        return true;
    g->hints.bad = true;
    return false;
}

static enum td_error close_block(void *self, const struct exec_state *state,
                                 struct exec_cursor *cursor, struct exec_published *out)
{
    struct guest *g = self;
    struct exec_tree_head old = {cursor->tree_root, cursor->leaf_count}, now;
    struct exec_diffs diffs;
    if (g->hints.bad || g->hints.at != g->hints.end)
        return TD_E_CORRUPT;
    enum td_error err = exec_witness_finish(&g->witness, state, &old, g->memory, &now, &diffs);
    if (err != TD_OK)
        return err;
    cursor->tree_root = now.root;
    cursor->leaf_count = now.leaf_count;
    *out = (struct exec_published){diffs.on, diffs.off};
    return TD_OK;
}

static enum td_error read_block(struct guest *g, struct exec_block *block)
{
    struct words *w = &g->hints;
    struct td_bytes in = g->witness.input;
    if (in.len % 4u != 0)
        return TD_E_CORRUPT;
    *w = (struct words){.at = (const uint32_t *)(const void *)in.ptr};
    w->end = w->at + in.len / 4u;
    struct td_bytes header = words_bytes(w, HEADER_PAD + EXEC_HEADER_BYTES);
    if (w->bad || header.ptr[0] != 0)
        return TD_E_CORRUPT;
    block->header = td_bytes_of(header.ptr + HEADER_PAD, EXEC_HEADER_BYTES);
    block->payload_count = words_u32(w);
    if (w->bad || block->payload_count > TD_TXS_PER_BLOCK_MAX)
        return TD_E_CORRUPT;
    block->payload = NULL;
    if (block->payload_count == 0)
        return TD_OK;
    struct td_bytes *payload = TD_ARENA_NEW(g->memory, struct td_bytes, block->payload_count);
    if (payload == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < block->payload_count; i++)
        payload[i] = words_bytes(w, words_u32(w));
    block->payload = payload;
    return w->bad ? TD_E_CORRUPT : TD_OK;
}

static enum td_error run_block(struct exec_run_start *start, struct words *w, size_t vm_bytes,
                               struct td_arena *memory)
{
    struct guest g;
    struct exec_block block;
    struct exec_result result;
    uint32_t count = words_u32(w);
    const uint32_t *words = words_take(w, count);
    if (words == NULL)
        return TD_E_CORRUPT;
    g.memory = memory;
    td_arena_reset(memory);
    enum td_error err = exec_witness_open(&g.witness, words, count);
    if (err == TD_OK)
        err = read_block(&g, &block);
    if (err != TD_OK)
        return err;
    const struct exec_reader reader = exec_witness_reader(&g.witness);
    const struct exec_recoverer recoverer = {&g, recover};
    const struct exec_ports ports = {
        .self = &g, .recoverer = &recoverer, .close = close_block, .vm_bytes = vm_bytes};
    return exec_block(&start->chain, &block, &reader, &ports, memory, &start->cursor, &start->batch,
                      &result);
}

enum td_error exec_run(struct exec_statement *out, const uint32_t *words, size_t word_count,
                       struct td_arena *memory)
{
    struct words w = {.at = words, .end = words + word_count};
    struct exec_run_start start;
    memset(out, 0, sizeof *out);
    if (words_u32(&w) != EXEC_RUN_MAGIC || words_u32(&w) != EXEC_RUN_VERSION ||
        words_u32(&w) != word_count)
        return TD_E_CORRUPT;
    uint32_t blocks = words_u32(&w);
    read_digest(&w, &start.whitelist);
    read_digest(&w, &start.program);
    read_chain(&w, &start.chain);
    read_cursor(&w, &start.cursor);
    read_batch(&w, &start.batch);
    if (w.bad || blocks == 0 || blocks > EXEC_RUN_BLOCKS_MAX)
        return TD_E_CORRUPT;
    out->whitelist = start.whitelist;
    out->program = start.program;
    exec_chain_digest(&out->chain, &start.chain);
    exec_point_digest(&out->before, &start.cursor, &start.batch);
    size_t vm_bytes = exec_block_vm_bytes(&start.chain);
    for (uint32_t i = 0; i < blocks; i++) {
        enum td_error err = run_block(&start, &w, vm_bytes, memory);
        if (err != TD_OK)
            return err;
    }
    if (w.bad || w.at != w.end)
        return TD_E_CORRUPT;
    exec_point_digest(&out->after, &start.cursor, &start.batch);
    return TD_OK;
}
