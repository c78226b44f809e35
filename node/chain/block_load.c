#include <string.h>

#include "base/core/codec.h"
#include "node/chain/record.h"

static enum td_error decode_header(struct bft_header *out, struct td_hash *hash,
                                   struct td_bytes bytes)
{
    struct td_reader r;
    td_reader_init(&r, bytes.ptr, bytes.len);
    bft_header_decode(&r, out);
    if (td_reader_finish(&r) != TD_OK)
        return TD_E_CORRUPT;
    bft_header_hash(hash, out);
    return TD_OK;
}

/* Final without votes, executed without a payload.  [P-2.7] */
static enum td_error load_genesis(const struct node_genesis *g, struct node_block *out)
{
    out->header = g->header;
    out->hash = g->genesis_hash;
    out->state.origin_ts = g->timestamp_ms;
    out->executed = true;
    out->exec.result =
        (struct bft_result){.block_hash = g->genesis_hash, .state_commitment = g->state_commitment};
    out->base_fee = g->base_fee;
    return TD_OK;
}

static enum td_error load_payload(struct store_chain_reader *r, const struct td_hash *root,
                                  struct td_arena *arena, struct node_block *out)
{
    struct td_bytes bytes;
    uint32_t count;
    if (out->header.tx_count == 0)
        return TD_OK; /* nobody stores an empty payload */
    enum td_error err = store_chain_payload(r, root, arena, &bytes);
    if (err != TD_OK)
        return err;
    /* The count is the payload's own word; decode refuses one that is not its length. */
    struct td_bytes *entries = TD_ARENA_NEW(arena, struct td_bytes, TD_TXS_PER_BLOCK_MAX);
    if (entries == NULL)
        return TD_E_NOSPACE;
    if (node_payload_decode(bytes, entries, &count) != TD_OK || count != out->header.tx_count)
        return TD_E_CORRUPT;
    out->payload = entries;
    out->payload_count = count;
    return TD_OK;
}

static enum td_error load_receipts(struct store_chain_reader *r, const struct node_record *record,
                                   struct td_arena *arena, struct node_block *out)
{
    struct td_bytes bytes;
    enum td_error err = store_chain_receipts(r, out->header.height, arena, &bytes);
    if (err == TD_OK)
        err = node_receipts_decode(&out->receipts, &out->receipt_count, bytes, arena);
    if (err != TD_OK)
        return err;
    for (uint32_t i = 0; i < out->receipt_count; i++) {
        if (out->receipts[i].payload_index >= out->header.tx_count)
            return TD_E_CORRUPT;
    }
    return out->receipt_count == record->receipt_count ? TD_OK : TD_E_CORRUPT;
}

static enum td_error load_executed(struct store_chain_reader *r, struct td_bytes bytes,
                                   bool receipts, struct td_arena *arena, struct node_block *out)
{
    struct node_record record;
    if (node_record_decode(&record, bytes) != TD_OK ||
        record.core.result.height != out->header.height ||
        !td_hash_eq(&record.core.result.block_hash, &out->hash))
        return TD_E_CORRUPT;
    out->executed = true;
    out->exec = record.core;
    out->gas_used = record.core.result.gas_used;
    out->native_used = record.native_used;
    out->base_fee = record.base_fee;
    return receipts ? load_receipts(r, &record, arena, out) : TD_OK;
}

enum td_error node_block_load(const struct node_genesis *g, struct store_chain_reader *r,
                              uint64_t height, bool payload, bool receipts, struct td_arena *arena,
                              struct node_block *out)
{
    struct store_chain_block stored;
    *out = (struct node_block){.payload = NULL};
    if (height == 0)
        return load_genesis(g, out);
    enum td_error err = store_chain_block(r, height, arena, &stored);
    if (err != TD_OK)
        return err;
    err = decode_header(&out->header, &out->hash, stored.header);
    if (err == TD_OK && (!td_hash_eq(&out->hash, &stored.hash) || out->header.height != height))
        err = TD_E_CORRUPT;
    if (err == TD_OK)
        err = node_chain_state_decode(&out->state, stored.state);
    if (err == TD_OK && stored.executed)
        err = load_executed(r, stored.record, receipts, arena, out);
    if (err == TD_OK && payload)
        err = load_payload(r, &out->header.payload_root, arena, out);
    return err;
}
