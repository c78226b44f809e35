#include "base/core/payload.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"
#include "executor/inbox.h"
#include "node/chain/chain.h"

#define FRAME_BYTES 4u

enum td_error node_payload_decode(struct td_bytes payload, struct td_bytes *entries,
                                  uint32_t *count)
{
    struct td_reader r;
    *count = 0;
    td_reader_init(&r, payload.ptr, payload.len);
    uint32_t n = td_get_u32(&r);
    if (n > TD_TXS_PER_BLOCK_MAX ||
        payload.len > (size_t)TD_PAYLOAD_BYTES_MAX + FRAME_BYTES * ((size_t)n + 1u))
        return TD_E_LIMIT;
    for (uint32_t i = 0; i < n; i++)
        entries[i] = td_get_view(&r, td_get_u32(&r));
    if (td_reader_finish(&r) != TD_OK)
        return TD_E_MALFORMED;
    *count = n;
    return TD_OK;
}

size_t node_payload_bytes(const struct td_bytes *entries, uint32_t count)
{
    size_t bytes = FRAME_BYTES;
    for (uint32_t i = 0; i < count; i++)
        bytes += FRAME_BYTES + entries[i].len;
    return bytes;
}

void node_payload_encode(uint8_t *out, const struct td_bytes *entries, uint32_t count)
{
    struct td_writer w;
    td_writer_init(&w, out, node_payload_bytes(entries, count));
    td_put_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        td_put_u32(&w, (uint32_t)entries[i].len);
        td_put_bytes(&w, entries[i].ptr, entries[i].len);
    }
}

/* Sizes, and what no L1 has said.  [executor.md, a block: undecodable transactions may be ordered;
 * they are skipped at their turn] */
static bool entries_fit(const struct node_genesis *g, const struct bft_header *header,
                        const struct td_bytes *entries, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].len == 0 || entries[i].len > TD_TX_BYTES_MAX)
            return false;
        /* Without deposits, as on a chain without L1, nothing of the inbox can be the next. */
        if (entries[i].ptr[0] == EXEC_TX_DEPOSIT && header->origin.deposit_count == 0)
            return false;
        bytes += entries[i].len;
    }
    return count <= g->txs_max && bytes <= g->payload_bytes_max && bytes == header->payload_bytes;
}

bool node_chain_payload_valid(const struct node_genesis *g, const struct bft_header *header,
                              struct td_bytes payload, struct td_hash *hashes)
{
    struct td_bytes entries[TD_TXS_PER_BLOCK_MAX]; /* 256 KiB, as is the next: threads have 8 MiB */
    struct td_hash scratch[TD_TXS_PER_BLOCK_MAX];
    struct td_hash root;
    uint32_t count;
    if (node_payload_decode(payload, entries, &count) != TD_OK || count != header->tx_count ||
        !entries_fit(g, header, entries, count) || !exec_payload_fits(&g->params, entries, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        td_keccak256(&scratch[i], entries[i].ptr, entries[i].len);
        if (hashes != NULL)
            hashes[i] = scratch[i];
    }
    td_payload_root(&root, scratch, scratch, count);
    return td_hash_eq(&root, &header->payload_root);
}

uint64_t node_log_key(struct td_bytes name)
{
    struct td_hash h;
    struct td_reader r;
    td_keccak256(&h, name.ptr, name.len);
    td_reader_init(&r, h.b, sizeof h.b);
    return td_get_u64(&r);
}
