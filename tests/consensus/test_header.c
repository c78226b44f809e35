/* Header layout, canonical form, block hash, payload root, digests.
 * Method: the offset table of header.h is checked field by field, hashes against reference.txt. */
#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "tests/consensus/golden/fixture.h"
#include "tests/consensus/golden/reference.h"

static struct fx f;

static void setup(void)
{
    fx_init(&f, NULL, 7, NULL, NULL);
}

TestSuite(header, .init = setup);

static size_t encode(uint8_t *buf, size_t cap, const struct bft_header *h)
{
    struct td_writer w;
    td_writer_init(&w, buf, cap);
    bft_header_encode(&w, h);
    return w.err == TD_OK ? w.len : 0;
}

static enum td_error decode(struct bft_header *h, const uint8_t *buf, size_t len)
{
    struct td_reader r;
    td_reader_init(&r, buf, len);
    bft_header_decode(&r, h);
    return td_reader_finish(&r);
}

Test(header, offsets_are_those_of_the_table)
{
    struct bft_header h = *fx_header(&f, 8, 71);
    h.tc_hash = fx_hash("tc", 1);
    uint8_t b[BFT_HEADER_BYTES];
    cr_assert_eq(encode(b, sizeof b, &h), BFT_HEADER_BYTES);
    const struct {
        size_t at;
        const struct td_hash *want;
    } HASH[] = {{25, &h.parent},
                {65, &h.prev_hash},
                {107, &h.payload_root},
                {155, &h.origin.hash},
                {195, &h.origin.priority_hash},
                {227, &h.origin.registry_set_hash},
                {259, &h.result_digest},
                {299, &h.att_digest},
                {331, &h.tc_hash},
                {363, &h.next_set_hash}};
    for (size_t i = 0; i < sizeof HASH / sizeof HASH[0]; i++)
        cr_expect_arr_eq(b + HASH[i].at, HASH[i].want->b, 32, "hash at %zu", HASH[i].at);
    const struct {
        size_t at, size;
        uint64_t want;
    } NUMBER[] = {{0, 8, 1},   {8, 8, 8},         {16, 8, 71},          {24, 1, 0},
                  {57, 8, 7},  {97, 8, h.ts_ms},  {105, 2, h.proposer}, {139, 4, 20},
                  {143, 4, 3}, {147, 8, 1234567}, {187, 8, 42},         {291, 8, 66}};
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++) {
        uint64_t got = 0;
        for (size_t k = 0; k < NUMBER[i].size; k++)
            got = got << 8 | b[NUMBER[i].at + k];
        cr_expect_eq(got, NUMBER[i].want, "number at %zu", NUMBER[i].at);
    }
}

Test(header, round_trip_and_truncation_at_every_byte)
{
    struct bft_header h = *fx_header(&f, 8, 72); /* ends a batch */
    struct bft_header back;
    uint8_t b[BFT_HEADER_BYTES], again[BFT_HEADER_BYTES];
    cr_assert_eq(encode(b, sizeof b, &h), BFT_HEADER_BYTES);
    cr_assert_eq(decode(&back, b, sizeof b), TD_OK);
    cr_assert(back.end_batch && !back.filler);
    cr_assert_eq(encode(again, sizeof again, &back), BFT_HEADER_BYTES);
    cr_assert_arr_eq(b, again, sizeof b);
    for (size_t len = 0; len < sizeof b; len++) {
        cr_expect_eq(decode(&back, b, len), TD_E_TRUNCATED, "at %zu", len);
        cr_expect_eq(encode(again, len, &h), 0);
    }
}

Test(header, refuses_what_no_block_may_say)
{
    const struct {
        const char *name;
        size_t at;
        uint8_t value;
        bool filler;
        enum td_error want;
    } CASES[] = {
        {"plain", 24, 0, false, TD_OK},
        {"end_batch", 24, 2, false, TD_OK},
        {"filler", 24, 1, true, TD_OK},
        {"third_flag", 24, 4, false, TD_E_MALFORMED},
        {"high_flag", 24, 0x80, false, TD_E_MALFORMED},
        {"filler_ends_batch", 24, 3, true, TD_E_MALFORMED},
        {"filler_with_payload", 24, 1, false, TD_E_MALFORMED},
        {"filler_with_root", 107, 1, true, TD_E_MALFORMED},
        {"filler_with_bytes", 142, 1, true, TD_E_MALFORMED},
        {"filler_with_txs", 146, 1, true, TD_E_MALFORMED},
        {"payload_over_2_mib", 140, 0x20, false, TD_E_RANGE}, /* 0x00200000 + 20 */
        {"txs_over_limit", 145, 0x40, false, TD_E_RANGE},     /* 0x00004000 + 3 */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bft_header h = *fx_header(&f, 8, 71);
        uint8_t b[BFT_HEADER_BYTES];
        if (CASES[i].filler) {
            h.filler = true;
            h.payload_root = (struct td_hash){{0}};
            h.payload_bytes = 0;
            h.tx_count = 0;
        }
        cr_assert_eq(encode(b, sizeof b, &h), BFT_HEADER_BYTES);
        b[CASES[i].at] = CASES[i].value;
        cr_expect_eq(decode(&h, b, sizeof b), CASES[i].want, "%s", CASES[i].name);
    }
}

Test(header, hash_matches_the_reference)
{
    struct bft_header h = *fx_header(&f, 8, 71);
    h.proposer = 1;
    struct td_hash got;
    bft_header_hash(&got, &h);
    reference_expect("header_00", &got);
    h.end_batch = true;
    bft_header_hash(&got, &h);
    reference_expect("header_01", &got);
}

Test(header, payload_root_matches_the_reference)
{
    static struct td_hash txs[1000], scratch[1000];
    static const struct {
        uint32_t count;
        const char *name;
    } CASES[] = {{0, "payload_0"}, {1, "payload_1"}, {2, "payload_2"},      {3, "payload_3"},
                 {5, "payload_5"}, {8, "payload_8"}, {1000, "payload_1000"}};
    struct td_hash got;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (uint32_t k = 0; k < 1000; k++)
            txs[k] = fx_hash("tx", k);
        bft_payload_root(&got, scratch, txs, CASES[i].count);
        reference_expect(CASES[i].name, &got);
        bft_payload_root(&got, txs, txs, CASES[i].count); /* in place */
        reference_expect(CASES[i].name, &got);
    }
}

/* A list and the list with its last element repeated share no root (the classic flaw of trees that
 * duplicate a lone edge). */
Test(header, payload_root_binds_the_count)
{
    struct td_hash txs[4], scratch[4], three, four;
    for (uint32_t k = 0; k < 3; k++)
        txs[k] = fx_hash("tx", k);
    txs[3] = txs[2];
    bft_payload_root(&three, scratch, txs, 3);
    bft_payload_root(&four, scratch, txs, 4);
    cr_assert(!td_hash_eq(&three, &four));
}

Test(header, digests_match_the_reference)
{
    struct bft_result r = {.height = 68,
                           .block_hash = fx_hash("block", 70),
                           .state_commitment = fx_hash("state", 68),
                           .receipts_root = fx_hash("receipts", 68),
                           .messages_root = fx_hash("messages", 68),
                           .da_commitment = fx_hash("da", 68),
                           .priority_hash = fx_hash("priority", 68),
                           .gas_used = 123456789};
    struct td_hash got;
    bft_result_digest(&got, &r);
    reference_expect("result", &got);
    struct bft_attest_fields a = {1,
                                  fx_hash("set", 1),
                                  70,
                                  fx_hash("block", 70),
                                  fx_hash("block", 69),
                                  fx_hash("state", 70),
                                  fx_hash("messages", 70),
                                  fx_hash("da", 70),
                                  fx_hash("priority", 70),
                                  fx_hash("next set", 2)};
    bft_attest_digest(&got, &a);
    reference_expect("attest_digest", &got);
}
