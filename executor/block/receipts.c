#include "base/core/codec.h"
#include "base/core/trie.h"
#include "executor/block.h"

enum td_error exec_receipts_root(struct td_hash *out, const struct exec_result *r,
                                 uint32_t payload_count, struct td_arena *arena)
{
    *out = (struct td_hash){{0}};
    struct td_bytes *items = TD_ARENA_NEW(arena, struct td_bytes, r->tx_count);
    if (items == NULL)
        return TD_E_NOSPACE;
    size_t count = 0;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct exec_tx_result *x = &r->txs[i];
        if (x->verdict != EXEC_TX_OK)
            continue;
        size_t bytes = exec_receipt_size(&x->receipt);
        void *buf = td_arena_get(arena, bytes, 8);
        if (buf == NULL)
            return TD_E_NOSPACE;
        struct td_writer w;
        td_writer_init(&w, buf, bytes);
        exec_receipt_encode(&w, &x->receipt);
        if (w.err != TD_OK)
            return w.err;
        items[count++] = td_bytes_of(buf, w.len);
    }
    return td_trie_list_root(out, items, count, arena);
}
