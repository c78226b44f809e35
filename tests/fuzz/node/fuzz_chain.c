/* Payloads as they arrive, and rows as a damaged database may have them: what decodes encodes to
 * the same bytes, nothing else is taken.  The first byte says which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "node/chain/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void payload(struct td_bytes in)
{
    static struct td_bytes entries[TD_TXS_PER_BLOCK_MAX];
    uint32_t count;
    enum td_error err = node_payload_decode(in, entries, &count);
    if (err != TD_OK) {
        TD_ASSERT(count == 0);
        return;
    }
    size_t bytes = node_payload_bytes(entries, count);
    uint8_t *out = malloc(bytes);
    TD_ASSERT(out != NULL && bytes == in.len);
    node_payload_encode(out, entries, count);
    TD_ASSERT(memcmp(out, in.ptr, bytes) == 0);
    free(out);
}

/* Under a header made for it, and under one that is not. */
static void validity(struct td_bytes in)
{
    static struct td_bytes entries[TD_TXS_PER_BLOCK_MAX];
    static struct td_hash hashes[TD_TXS_PER_BLOCK_MAX];
    static struct node_genesis g;
    struct bft_header h = {.tx_count = 0};
    uint32_t count;
    node_genesis_defaults(&g);
    if (node_payload_decode(in, entries, &count) != TD_OK) {
        TD_ASSERT(!node_chain_payload_valid(&g, &h, in, NULL));
        return;
    }
    bool fine = exec_payload_fits(&g.params, entries, count);
    for (uint32_t i = 0; i < count; i++) {
        td_keccak256(&hashes[i], entries[i].ptr, entries[i].len);
        h.payload_bytes += (uint32_t)entries[i].len;
        fine = fine && entries[i].len > 0 && entries[i].len <= TD_TX_BYTES_MAX &&
               entries[i].ptr[0] != EXEC_TX_DEPOSIT;
    }
    h.tx_count = count;
    td_payload_root(&h.payload_root, hashes, hashes, count);
    TD_ASSERT(node_chain_payload_valid(&g, &h, in, NULL) == fine);
    h.payload_root.b[0] ^= 1u;
    TD_ASSERT(!node_chain_payload_valid(&g, &h, in, NULL));
}

static void receipts(struct td_bytes in)
{
    static uint8_t memory[4u << 20];
    const struct node_receipt *list;
    struct td_arena arena;
    uint32_t count;
    td_arena_init(&arena, memory, sizeof memory);
    enum td_error err = node_receipts_decode(&list, &count, in, &arena);
    TD_ASSERT(err == TD_OK || (list == NULL && count == 0));
    TD_ASSERT(err != TD_OK || (uint64_t)count * NODE_RECEIPT_BYTES_MIN <= in.len);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < list[i].log_count; k++) {
            const struct node_log *log = &list[i].logs[k];
            TD_ASSERT(log->topic_count <= 4);
            TD_ASSERT(log->data.len == 0 || (log->data.ptr >= in.ptr && log->data.len <= in.len));
        }
    }
}

static void rows(struct td_bytes in)
{
    uint8_t out[NODE_CURSOR_BYTES];
    struct exec_account account;
    struct exec_tree_leaf leaf;
    struct bft_chain_state state;
    struct node_record record;
    struct exec_cursor cursor;
    struct exec_batch batch;
    size_t same = 0;
    if (node_account_decode(&account, in) == TD_OK) {
        node_account_encode(out, &account);
        same = NODE_ACCOUNT_BYTES;
    } else if (node_leaf_decode(&leaf, in) == TD_OK) {
        node_leaf_encode(out, &leaf);
        same = NODE_LEAF_BYTES;
    } else if (node_chain_state_decode(&state, in) == TD_OK) {
        node_chain_state_encode(out, &state);
        same = NODE_STATE_BYTES;
    } else if (node_record_decode(&record, in) == TD_OK) {
        node_record_encode(out, &record);
        same = NODE_RECORD_BYTES;
    } else if (node_cursor_decode(&cursor, &batch, in) == TD_OK) {
        node_cursor_encode(out, &cursor, &batch);
        same = NODE_CURSOR_BYTES;
    }
    TD_ASSERT(same == 0 || (same == in.len && memcmp(out, in.ptr, same) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct td_bytes in = td_bytes_of(data + 1, len - 1);
    switch (data[0] % 4u) {
    case 0:
        payload(in);
        break;
    case 1:
        validity(in);
        break;
    case 2:
        receipts(in);
        break;
    default:
        rows(in);
        break;
    }
    return 0;
}
