/* The consensus header's fields that execution uses.  [P-2.1, P-2.2] */
#include "base/core/codec.h"
#include "base/core/keccak.h"
#include "executor/chain.h"

enum { FLAG_FILLER = 1, FLAG_END_BATCH = 2 };

static const char HEADER_TAG[] = "TandemHeader1";

enum td_error exec_header_read(struct exec_header *out, struct td_bytes bytes)
{
    struct td_keccak k;
    struct td_reader r;
    struct td_hash skip;
    memset(out, 0, sizeof *out);
    if (bytes.len != EXEC_HEADER_BYTES)
        return TD_E_MALFORMED;
    td_reader_init(&r, bytes.ptr, bytes.len);
    out->epoch = td_get_u64(&r);
    (void)td_get_u64(&r); /* round */
    out->number = td_get_u64(&r);
    uint8_t flags = td_get_u8(&r);
    out->filler = (flags & FLAG_FILLER) != 0;
    out->end_batch = (flags & FLAG_END_BATCH) != 0;
    td_get_hash(&r, &skip); /* parent: may be a filler */
    (void)td_get_u64(&r);   /* parentRound */
    td_get_hash(&r, &out->prev_hash);
    out->ts_ms = td_get_u64(&r);
    (void)td_get_u16(&r); /* proposer */
    td_get_hash(&r, &out->payload_root);
    out->payload_bytes = td_get_u32(&r);
    out->tx_count = td_get_u32(&r);
    (void)td_get_u64(&r);   /* l1Number */
    td_get_hash(&r, &skip); /* l1Hash */
    out->inbox_count = td_get_u64(&r);
    for (uint32_t i = 0; i < 3; i++)
        td_get_hash(&r, &skip); /* priorityHash, registrySetHash, resultDigest */
    (void)td_get_u64(&r);       /* attHeight */
    td_get_hash(&r, &skip);     /* attDigest */
    td_get_hash(&r, &skip);     /* tcHash */
    td_get_hash(&r, &out->next_set_hash);
    enum td_error err = td_reader_finish(&r);
    if (err != TD_OK || flags > (FLAG_FILLER | FLAG_END_BATCH))
        return TD_E_MALFORMED;
    td_keccak_init(&k);
    td_keccak_update(&k, HEADER_TAG, sizeof HEADER_TAG - 1u);
    td_keccak_update(&k, bytes.ptr, bytes.len);
    td_keccak_final(&k, &out->hash);
    return TD_OK;
}
