/* Header encoding, block hash, payload root, result digest.  [P-2] */
#include "consensus/header.h"

#include "base/core/keccak.h"
#include "consensus/message_internal.h"

enum { FLAG_FILLER = 1, FLAG_END_BATCH = 2 };

static const char HEADER_TAG[] = "TandemHeader1"; /* hashed without its terminator */
#define HEADER_TAG_BYTES (sizeof HEADER_TAG - 1u)

_Static_assert(BFT_HEADER_BYTES == TD_HEADER_BYTES, "limits.h and header.h agree");
_Static_assert(sizeof(struct td_hash) == TD_HASH_BYTES && _Alignof(struct td_hash) == 1,
               "hash lists are views into frames");
_Static_assert(sizeof(struct td_sig) == TD_SIG_BYTES && _Alignof(struct td_sig) == 1,
               "signature lists are views into frames");

void bft_header_encode(struct td_writer *w, const struct bft_header *h)
{
    td_put_u64(w, h->epoch);
    td_put_u64(w, h->round);
    td_put_u64(w, h->height);
    td_put_u8(w, (uint8_t)((h->filler ? FLAG_FILLER : 0) | (h->end_batch ? FLAG_END_BATCH : 0)));
    td_put_hash(w, &h->parent);
    td_put_u64(w, h->parent_round);
    td_put_hash(w, &h->prev_hash);
    td_put_u64(w, h->ts_ms);
    td_put_u16(w, h->proposer);
    td_put_hash(w, &h->payload_root);
    td_put_u32(w, h->payload_bytes);
    td_put_u32(w, h->tx_count);
    td_put_u64(w, h->origin.number);
    td_put_hash(w, &h->origin.hash);
    td_put_u64(w, h->origin.deposit_count);
    td_put_hash(w, &h->origin.priority_hash);
    td_put_hash(w, &h->origin.registry_set_hash);
    td_put_hash(w, &h->result_digest);
    td_put_u64(w, h->att_height);
    td_put_hash(w, &h->att_digest);
    td_put_hash(w, &h->tc_hash);
    td_put_hash(w, &h->next_set_hash);
}

/* What the fields allow whatever the chain says.  [P-2.1, P-6.2] */
static enum td_error header_bounds(const struct bft_header *h, uint8_t flags)
{
    if (flags > (FLAG_FILLER | FLAG_END_BATCH))
        return TD_E_MALFORMED;
    if (h->payload_bytes > TD_PAYLOAD_BYTES_MAX || h->tx_count > TD_TXS_PER_BLOCK_MAX)
        return TD_E_RANGE;
    if (!h->filler)
        return TD_OK;
    if (h->end_batch || h->payload_bytes != 0 || h->tx_count != 0 ||
        !td_hash_is_zero(&h->payload_root))
        return TD_E_MALFORMED;
    return TD_OK;
}

void bft_header_decode(struct td_reader *r, struct bft_header *h)
{
    h->epoch = td_get_u64(r);
    h->round = td_get_u64(r);
    h->height = td_get_u64(r);
    uint8_t flags = td_get_u8(r);
    h->filler = (flags & FLAG_FILLER) != 0;
    h->end_batch = (flags & FLAG_END_BATCH) != 0;
    td_get_hash(r, &h->parent);
    h->parent_round = td_get_u64(r);
    td_get_hash(r, &h->prev_hash);
    h->ts_ms = td_get_u64(r);
    h->proposer = td_get_u16(r);
    td_get_hash(r, &h->payload_root);
    h->payload_bytes = td_get_u32(r);
    h->tx_count = td_get_u32(r);
    h->origin.number = td_get_u64(r);
    td_get_hash(r, &h->origin.hash);
    h->origin.deposit_count = td_get_u64(r);
    td_get_hash(r, &h->origin.priority_hash);
    td_get_hash(r, &h->origin.registry_set_hash);
    td_get_hash(r, &h->result_digest);
    h->att_height = td_get_u64(r);
    td_get_hash(r, &h->att_digest);
    td_get_hash(r, &h->tc_hash);
    td_get_hash(r, &h->next_set_hash);
    td_reader_fail(r, header_bounds(h, flags));
}

void bft_header_hash(struct td_hash *out, const struct bft_header *h)
{
    uint8_t buf[HEADER_TAG_BYTES + BFT_HEADER_BYTES];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    td_put_bytes(&w, HEADER_TAG, HEADER_TAG_BYTES);
    bft_header_encode(&w, h);
    td_keccak256(out, buf, w.len);
}

void bft_result_digest(struct td_hash *out, const struct bft_result *r)
{
    uint8_t buf[2 * 8 + 6 * TD_HASH_BYTES];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    td_put_u64(&w, r->height);
    td_put_hash(&w, &r->block_hash);
    td_put_hash(&w, &r->state_commitment);
    td_put_hash(&w, &r->receipts_root);
    td_put_hash(&w, &r->messages_root);
    td_put_hash(&w, &r->da_commitment);
    td_put_hash(&w, &r->priority_hash);
    td_put_u64(&w, r->gas_used);
    td_keccak256(out, buf, w.len);
}

void bft_attest_digest(struct td_hash *out, const struct bft_attest_fields *f)
{
    uint8_t buf[BFT_ATTEST_FIELDS_BYTES];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    bft_attest_fields_encode(&w, f);
    td_keccak256(out, buf, w.len);
}
