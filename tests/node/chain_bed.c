#include "tests/node/chain_bed.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/host/mem.h"

static void must_ok(enum td_error err)
{
    TD_ASSERT(err == TD_OK);
}

static struct store_chain_options store_options(const struct bed *b)
{
    return (struct store_chain_options){.genesis = b->genesis->genesis_hash, .create = true};
}

static enum td_error open_chain(struct bed *b, uint32_t leaves)
{
    const struct node_chain_options options = {
        .genesis = b->genesis, .leaves = leaves, .paranoid = b->guest != NULL, .guest = b->guest};
    const struct store_chain_options store = store_options(b);
    must_ok(store_chain_open(&b->writer, b->path, &store, &b->error));
    must_ok(store_chain_reader_open(&b->reader, b->path, &b->genesis->genesis_hash, &b->error));
    return node_chain_open(&b->chain, &options, b->writer, b->reader, &b->error);
}

static void close_chain(struct bed *b)
{
    node_chain_close(b->chain);
    store_chain_reader_close(b->reader);
    store_chain_close(b->writer);
    b->chain = NULL;
}

void bed_init(struct bed *b, uint32_t leaves)
{
    const struct node_ledger_limits limits = {16, 256u << 20, 64u << 20};
    *b = (struct bed){.path = b->path == NULL ? "memory" : b->path, .guest = b->guest};
    b->genesis = calloc(1, sizeof *b->genesis);
    TD_ASSERT(b->genesis != NULL);
    genesis_parsed(b->genesis);
    must_ok(node_ledger_new(&b->wallet, &limits));
    must_ok(td_mem_arena_new(&b->arena, 256u << 20));
    must_ok(open_chain(b, leaves));
}

void bed_free(struct bed *b)
{
    close_chain(b);
    node_ledger_free(&b->wallet);
    td_mem_arena_free(&b->arena);
    node_genesis_free(b->genesis);
    free(b->genesis);
    free(b->payload);
}

enum td_error bed_reopen(struct bed *b, uint32_t leaves)
{
    close_chain(b);
    return open_chain(b, leaves);
}

/* ---- payload */

void bed_entry(struct bed *b, struct td_bytes entry)
{
    TD_ASSERT(b->count < BED_ENTRIES_MAX);
    b->entries[b->count++] = entry;
}

static struct td_hash add(struct bed *b, uint32_t from, struct exec_tx *tx)
{
    struct td_secp_key key;
    struct td_bytes bytes;
    struct td_hash hash;
    tx->type = 2;
    tx->chain_id = b->genesis->chain_id;
    tx->has_chain_id = true;
    tx->fee_cap = exec_u256_of(3000000000);
    tx->tip_cap = exec_u256_of(1);
    genesis_key(b->wallet.secp, &key, from);
    must_ok(node_ledger_sign(&b->wallet, tx, &key));
    must_ok(node_ledger_encode(&b->wallet, &bytes, tx));
    td_keccak256(&hash, bytes.ptr, bytes.len);
    bed_entry(b, bytes);
    return hash;
}

struct td_hash bed_transfer(struct bed *b, uint32_t from, const struct td_addr *to, uint64_t wei)
{
    struct exec_tx tx = {
        .nonce = b->nonces[from]++, .gas_limit = 100000, .to = *to, .value = exec_u256_of(wei)};
    return add(b, from, &tx);
}

struct td_hash bed_transfer_at(struct bed *b, uint32_t from, const struct td_addr *to,
                               uint64_t nonce)
{
    struct exec_tx tx = {.nonce = nonce, .gas_limit = 100000, .to = *to};
    return add(b, from, &tx);
}

struct td_hash bed_create(struct bed *b, uint32_t from, struct td_bytes init)
{
    struct exec_tx tx = {
        .nonce = b->nonces[from]++, .gas_limit = 1000000, .is_create = true, .data = init};
    return add(b, from, &tx);
}

struct td_hash bed_call(struct bed *b, uint32_t from, const struct td_addr *to,
                        struct td_bytes data)
{
    struct exec_tx tx = {.nonce = b->nonces[from]++, .gas_limit = 1000000, .to = *to, .data = data};
    return add(b, from, &tx);
}

/* ---- blocks */

void bed_block(struct bed *b, bool end_batch)
{
    const struct exec_cursor *c = node_chain_cursor(b->chain);
    struct td_hash *hashes = malloc((b->count + 1u) * sizeof *hashes);
    struct bft_header *h = &b->header;
    TD_ASSERT(hashes != NULL);
    *h = (struct bft_header){.round = c->number + 1u,
                             .height = c->number + 1u,
                             .end_batch = end_batch,
                             .parent = c->block_hash,
                             .prev_hash = c->block_hash,
                             .ts_ms = c->ts_ms + 1000u,
                             .tx_count = b->count};
    for (uint32_t i = 0; i < b->count; i++)
        td_keccak256(&hashes[i], b->entries[i].ptr, b->entries[i].len);
    h->payload_bytes = (uint32_t)node_payload_bytes(b->entries, b->count);
    bft_payload_root(&h->payload_root, hashes, hashes, b->count);
    bft_header_hash(&b->hash, h);
    free(hashes);
    free(b->payload);
    b->payload_len = node_payload_bytes(b->entries, b->count);
    b->payload = malloc(b->payload_len);
    TD_ASSERT(b->payload != NULL);
    node_payload_encode(b->payload, b->entries, b->count);
    b->count = 0;
}

enum td_error bed_execute(struct bed *b, struct node_executed *out)
{
    return node_chain_execute(b->chain, &b->header, td_bytes_of(b->payload, b->payload_len), out);
}

void bed_commit(struct bed *b, const struct node_executed *e)
{
    const struct bft_chain_state state = {.origin_ts = 1, .batch_ts = 2, .batch_count = 3};
    uint8_t header[BFT_HEADER_BYTES], encoded[NODE_STATE_BYTES];
    struct td_writer w;
    td_writer_init(&w, header, sizeof header);
    bft_header_encode(&w, &b->header);
    node_chain_state_encode(encoded, &state);
    must_ok(store_chain_begin(b->writer));
    if (b->header.tx_count > 0)
        store_chain_put_payload(b->writer, &b->header.payload_root, b->header.height,
                                td_bytes_of(b->payload, b->payload_len));
    store_chain_put_block(b->writer, b->header.height, &b->hash, &b->header.payload_root,
                          td_bytes_of(header, sizeof header), td_bytes_of(encoded, sizeof encoded));
    node_changes_put(e->changes, b->writer);
    must_ok(store_chain_commit(b->writer, &b->error));
}
