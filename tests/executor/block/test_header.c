/* Execution reads consensus headers by offset: held here to the module that writes them. */
#include "executor/chain.h"

#include <criterion/criterion.h>

#include "base/core/rng.h"
#include "consensus/header.h"

static void fill(struct td_rng *g, void *p, size_t n)
{
    uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)td_rng_u64(g);
}

static struct bft_header random_header(struct td_rng *g)
{
    struct bft_header h;
    fill(g, &h, sizeof h);
    h.filler = false;
    h.end_batch = (td_rng_u64(g) & 1u) != 0;
    h.payload_bytes %= TD_PAYLOAD_BYTES_MAX;
    h.tx_count %= TD_TXS_PER_BLOCK_MAX;
    return h;
}

Test(exec_header, fields_and_hash_are_those_of_consensus)
{
    struct td_rng g;
    td_rng_init(&g, 11);
    for (uint32_t i = 0; i < 200; i++) {
        struct bft_header h = random_header(&g);
        uint8_t bytes[BFT_HEADER_BYTES];
        struct td_writer w;
        struct td_hash hash;
        struct exec_header x;
        td_writer_init(&w, bytes, sizeof bytes);
        bft_header_encode(&w, &h);
        bft_header_hash(&hash, &h);
        cr_assert_eq(exec_header_read(&x, td_bytes_of(bytes, sizeof bytes)), TD_OK);
        cr_expect(td_hash_eq(&x.hash, &hash));
        cr_expect_eq(x.epoch, h.epoch);
        cr_expect_eq(x.number, h.height);
        cr_expect_eq(x.ts_ms, h.ts_ms);
        cr_expect_eq(x.end_batch, h.end_batch);
        cr_expect_eq(x.filler, false);
        cr_expect_eq(x.payload_bytes, h.payload_bytes);
        cr_expect_eq(x.tx_count, h.tx_count);
        cr_expect_eq(x.inbox_count, h.origin.deposit_count);
        cr_expect(td_hash_eq(&x.prev_hash, &h.prev_hash));
        cr_expect(td_hash_eq(&x.payload_root, &h.payload_root));
        cr_expect(td_hash_eq(&x.next_set_hash, &h.next_set_hash));
    }
}

Test(exec_header, other_lengths_and_flags_are_malformed)
{
    uint8_t bytes[BFT_HEADER_BYTES + 1u] = {0};
    struct exec_header x;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        enum td_error want = n == BFT_HEADER_BYTES ? TD_OK : TD_E_MALFORMED;
        cr_expect_eq(exec_header_read(&x, td_bytes_of(bytes, n)), want, "%zu bytes", n);
    }
    bytes[24] = 4;
    cr_expect_eq(exec_header_read(&x, td_bytes_of(bytes, BFT_HEADER_BYTES)), TD_E_MALFORMED);
    bytes[24] = 1;
    cr_expect_eq(exec_header_read(&x, td_bytes_of(bytes, BFT_HEADER_BYTES)), TD_OK);
    cr_expect(x.filler);
}
