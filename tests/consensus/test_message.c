/* Wire encoding of every message kind.
 * Method: the fixture's messages against the golden vectors, byte for byte; then each of them
 * truncated at every byte and with every single bit flipped; then bounds, one table row each. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/core/keccak.h"
#include "tests/consensus/golden/fixture.h"

static struct fx f;
static uint8_t bytes[FX_MESSAGE_BYTES_MAX], again[FX_MESSAGE_BYTES_MAX];
static _Alignas(16) uint8_t room[BFT_DECODE_ARENA_BYTES];

static void setup(void)
{
    fx_init(&f, NULL, 7, NULL, NULL);
}

TestSuite(message, .init = setup, .timeout = 120);

static size_t build(const char *name)
{
    struct bft_msg m;
    fx_build(&f, fx_find(name), &m);
    return fx_encode(bytes, &m);
}

static enum td_error decode_in(struct bft_msg *m, const uint8_t *buf, size_t len, size_t arena_size)
{
    struct td_arena arena;
    td_arena_init(&arena, room, arena_size);
    return bft_msg_decode(m, &arena, buf, len);
}

static enum td_error decode(struct bft_msg *m, const uint8_t *buf, size_t len)
{
    return decode_in(m, buf, len, sizeof room);
}

static size_t golden(const char *name, uint8_t *out, size_t cap)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.hex", TD_GOLDEN_DIR, name);
    FILE *in = fopen(path, "r");
    cr_assert_neq(in, NULL, "%s is missing", path);
    size_t len = 0;
    unsigned value;
    while (len < cap && fscanf(in, "%2x", &value) == 1)
        out[len++] = (uint8_t)value;
    fclose(in);
    return len;
}

Test(message, encodes_to_the_golden_vectors)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        size_t want = golden(FX_CASES[i].name, again, sizeof again);
        cr_expect_eq(len, want, "%s: %zu bytes, golden %zu", FX_CASES[i].name, len, want);
        cr_expect(memcmp(bytes, again, len) == 0, "%s", FX_CASES[i].name);
        cr_expect_eq(bft_msg_size(&m), len, "%s", FX_CASES[i].name);
        cr_expect(len <= bft_msg_bytes_max((uint8_t)m.kind), "%s", FX_CASES[i].name);
    }
}

Test(message, fixture_covers_every_kind)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        fx_build(&f, i, &m);
        seen |= 1u << m.kind;
    }
    cr_assert_eq(seen, 0x3fffeu);
}

Test(message, decodes_and_encodes_again_to_the_same_bytes)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m, back;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        cr_assert_eq(decode(&back, bytes, len), TD_OK, "%s", FX_CASES[i].name);
        cr_expect_eq(bft_msg_size(&back), len, "%s", FX_CASES[i].name);
        cr_assert_eq(fx_encode(again, &back), len);
        cr_expect(memcmp(bytes, again, len) == 0, "%s", FX_CASES[i].name);
    }
}

/* A buffer of exactly the prefix, so that a sanitizer sees a read beyond it. */
Test(message, is_refused_when_cut_at_any_byte)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m, back;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        if (m.kind == BFT_MSG_TX)
            continue; /* raw bytes have no structure; the next test cuts them */
        for (size_t n = 0; n < len; n++) {
            uint8_t *cut = malloc(n + 1);
            cr_assert_neq(cut, NULL);
            memcpy(cut + 1, bytes, n);
            cr_expect_eq(decode(&back, cut + 1, n), TD_E_TRUNCATED, "%s at %zu", FX_CASES[i].name,
                         n);
            free(cut);
        }
        bytes[len] = 0;
        enum td_error longer = decode(&back, bytes, len + 1);
        cr_expect(longer == TD_E_MALFORMED || longer == TD_E_RANGE, "%s one byte longer",
                  FX_CASES[i].name);
    }
}

Test(message, a_transaction_is_any_bytes_up_to_its_limit)
{
    static uint8_t big[2 + TD_TX_BYTES_MAX];
    struct bft_msg m;
    big[0] = BFT_MSG_TX;
    cr_expect_eq(decode(&m, big, 1), TD_E_TRUNCATED);
    cr_expect_eq(decode(&m, big, 2), TD_OK);
    cr_expect_eq(decode(&m, big, 1 + TD_TX_BYTES_MAX), TD_OK);
    cr_expect_eq(m.u.tx.len, TD_TX_BYTES_MAX);
    cr_expect_eq(decode(&m, big, 2 + TD_TX_BYTES_MAX), TD_E_RANGE);
}

/* One encoding per value: a flipped bit is refused or is another message with exactly those bytes.
 */
Test(message, every_flipped_bit_is_refused_or_canonical)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m, back;
        uint32_t refused = 0, taken = 0;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (decode(&back, bytes, len) == TD_OK) {
                taken++;
                cr_assert_eq(bft_msg_size(&back), len, "%s bit %zu", FX_CASES[i].name, bit);
                cr_assert_eq(fx_encode(again, &back), len);
                cr_assert(memcmp(bytes, again, len) == 0, "%s bit %zu", FX_CASES[i].name, bit);
            } else {
                refused++;
            }
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        cr_expect(refused > 0, "%s: the kind byte alone must refuse some", FX_CASES[i].name);
        cr_expect(taken > 0 || len < 8, "%s: values must be free to differ", FX_CASES[i].name);
    }
}

Test(message, sizes_are_those_of_the_design)
{
    struct bft_msg m;
    cr_expect_eq(build("vote"), 1 + 122);
    cr_expect_eq(build("commit"), 1 + 114);
    cr_expect_eq(build("timeout_bare"), 1 + 90 + 2);
    cr_expect_eq(BFT_HEADER_BYTES, 395);
    cr_expect_eq(build("attest"), 1 + 272 + 66);

    static struct bft_validator equal[100];
    for (uint32_t i = 0; i < 100; i++) {
        struct td_hash h = fx_hash("validator", i);
        memcpy(equal[i].addr.b, h.b, TD_ADDR_BYTES);
        equal[i].stake = 1000;
    }
    fx_init(&f, equal, 100, NULL, NULL);
    fx_build(&f, fx_find("certificate_qc"), &m);
    cr_assert_eq(m.u.certificate.qc->sig_count, 67);
    cr_expect(bft_msg_size(&m) <= 4500, "%zu", bft_msg_size(&m));
    fx_build(&f, fx_find("certificate_tc"), &m);
    cr_assert_eq(m.u.certificate.tc->entry_count, 67);
    cr_expect(bft_msg_size(&m) <= 9600, "%zu", bft_msg_size(&m));
    fx_build(&f, fx_find("status_full"), &m);
    cr_expect(bft_msg_size(&m) <= 20000, "%zu", bft_msg_size(&m));
}

/* Every validator in every certificate: frames stay under their limit and the arena suffices. */
Test(message, full_sets_fit)
{
    static struct bft_validator many[BFT_SIGNERS_MAX];
    for (uint32_t i = 0; i < BFT_SIGNERS_MAX; i++) {
        struct td_hash h = fx_hash("validator", i);
        memcpy(many[i].addr.b, h.b, TD_ADDR_BYTES);
        many[i].stake = i == 0 ? 130 : 1; /* Q = 257: all light ones and the heavy one */
    }
    fx_init(&f, many, BFT_SIGNERS_MAX, NULL, NULL);
    f.first = bft_set_find(&f.set[0], &many[0].addr) + 1u; /* the heavy one comes last */
    cr_assert_eq(fx_qc(&f, fx_header(&f, 8, 71))->sig_count, BFT_SIGNERS_MAX);
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m, back;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        cr_expect(len <= bft_msg_bytes_max((uint8_t)m.kind), "%s", FX_CASES[i].name);
        cr_expect_eq(decode(&back, bytes, len), TD_OK, "%s", FX_CASES[i].name);
    }
}

Test(message, fixed_size_messages_need_no_arena)
{
    static const char *const NAME[] = {"hello",      "vote",        "commit",       "timeout_bare",
                                       "attest",     "attest_cert", "batch_attest", "batch_cert",
                                       "get_blocks", "get_by_hash", "tx",           "proposal_qc",
                                       "status_bare"};
    for (size_t i = 0; i < sizeof NAME / sizeof NAME[0]; i++) {
        struct bft_msg m;
        size_t len = build(NAME[i]);
        cr_expect_eq(decode_in(&m, bytes, len, 0), TD_OK, "%s", NAME[i]);
    }
}

/* Whatever the arena's size, the answer is NOSPACE or the message; never a fault. */
Test(message, a_small_arena_is_an_error)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        size_t size = 0;
        enum td_error err = TD_E_NOSPACE;
        for (; size <= 8192 && err != TD_OK; size += 8) {
            err = decode_in(&m, bytes, len, size);
            cr_assert(err == TD_OK || err == TD_E_NOSPACE, "%s with %zu", FX_CASES[i].name, size);
        }
        cr_expect_eq(err, TD_OK, "%s fits 8 KiB", FX_CASES[i].name);
    }
}

Test(message, a_full_writer_is_an_error)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        struct td_writer w;
        fx_build(&f, i, &m);
        size_t len = bft_msg_size(&m);
        for (size_t cap = 0; cap < len; cap += 1 + len / 97) {
            td_writer_init(&w, again, cap);
            bft_msg_encode(&w, &m);
            cr_expect_eq(w.err, TD_E_NOSPACE, "%s into %zu", FX_CASES[i].name, cap);
            cr_expect(w.len <= cap);
        }
    }
}

/* Patch up to two bytes of a golden message and expect the error. */
Test(message, bounds_come_before_the_work_they_bound)
{
    /* Offsets: a QC's head is 56 bytes, then the bitmap's length; a proposal's starts at 1 + 395.
     */
    static const struct {
        const char *name, *base;
        size_t at;
        uint8_t value[2];
        enum td_error want;
    } CASES[] = {
        {"kind_0", "vote", 0, {0, 0}, TD_E_MALFORMED},
        {"kind_18", "vote", 0, {18, 0}, TD_E_MALFORMED},
        {"kind_255", "vote", 0, {255, 0}, TD_E_MALFORMED},
        {"bitmap_33_bytes", "certificate_qc", 58, {0, 33}, TD_E_RANGE},
        {"bitmap_65535_bytes", "certificate_qc", 58, {255, 255}, TD_E_RANGE},
        {"bitmap_ends_in_zero", "certificate_qc", 60, {0, 0}, TD_E_MALFORMED},
        {"attest_bitmap_33", "attest_cert", 273, {0, 33}, TD_E_RANGE},
        {"batch_bitmap_33", "batch_cert", 81, {0, 33}, TD_E_RANGE},
        {"tc_bitmap_33", "certificate_tc", 18, {0, 33}, TD_E_RANGE},
        {"certificate_kind_0", "certificate_qc", 1, {0, 0}, TD_E_MALFORMED},
        {"certificate_kind_5", "certificate_qc", 1, {5, 0}, TD_E_MALFORMED},
        {"proof_kind_0", "certificate_proof_attest", 2, {0, 0}, TD_E_MALFORMED},
        {"proof_kind_4", "certificate_proof_attest", 2, {4, 0}, TD_E_MALFORMED},
        {"presence_2", "timeout_bare", 91, {2, 0}, TD_E_MALFORMED},
        {"entry_kind_3", "timeout_bare", 92, {3, 3}, TD_E_MALFORMED},
        {"own_9", "status_bare", 97, {9, 0}, TD_E_RANGE},
        {"own_kind_7", "status_full", 98, {7, 0}, TD_E_MALFORMED},
        {"record_257", "hello", 37, {1, 1}, TD_E_RANGE},
        {"blocks_count_0", "get_blocks", 9, {0, 0}, TD_E_RANGE},
        {"blocks_count_65", "get_blocks", 9, {0, 65}, TD_E_RANGE},
        {"headers_81", "blocks_attest", 9, {0, 81}, TD_E_RANGE},
        {"headers_without_proof", "blocks_none", 9, {0, 0}, TD_OK},
        {"payloads_over_headers", "blocks_attest", 11 + 3 * 395, {0, 4}, TD_E_RANGE},
        {"hashes_0", "get_by_hash", 2, {0, 0}, TD_E_RANGE},
        {"hashes_257", "get_by_hash", 2, {1, 1}, TD_E_RANGE},
        {"object_kind_0", "get_by_hash", 1, {0, 0}, TD_E_MALFORMED},
        {"object_kind_6", "get_by_hash", 1, {6, 0}, TD_E_MALFORMED},
        {"objects_257", "by_hash_tx", 2, {1, 1}, TD_E_RANGE},
        {"headers_65", "by_hash_header", 2, {0, 65}, TD_E_RANGE},
        {"qcs_5", "by_hash_qc", 2, {0, 5}, TD_E_RANGE},
        {"header_of_394", "by_hash_header", 6, {1, 0x8a}, TD_E_RANGE},
        {"empty_tx", "by_hash_tx", 6, {0, 0}, TD_E_RANGE},
        {"tx_of_16_mib", "by_hash_tx", 4, {1, 0}, TD_E_RANGE},
        {"evidence_kind_0", "evidence_two_votes", 1, {0, 2}, TD_E_MALFORMED},
        {"evidence_kind_8", "evidence_two_votes", 1, {8, 2}, TD_E_MALFORMED},
        {"proposal_qc_bitmap_33", "proposal_qc", 1 + 395 + 56, {0, 33}, TD_E_RANGE},
        {"proposal_txs_over_limit", "proposal_qc", 1 + 143, {1, 0}, TD_E_RANGE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bft_msg m;
        size_t len = build(CASES[i].base);
        bytes[CASES[i].at] = CASES[i].value[0];
        if (CASES[i].at > 1 && CASES[i].at + 1 < len)
            bytes[CASES[i].at + 1] = CASES[i].value[1];
        cr_expect_eq(decode(&m, bytes, len), CASES[i].want, "%s", CASES[i].name);
    }
}

Test(message, bitmaps_have_no_spare_bytes)
{
    struct bft_msg m;
    size_t len = build("certificate_qc");
    memmove(bytes + 62, bytes + 61, len - 61); /* one more byte after the bitmap's only one */
    bytes[59] = 2;
    bytes[61] = 0;
    cr_expect_eq(decode(&m, bytes, len + 1), TD_E_MALFORMED);
    bytes[61] = 1; /* signer 8: well-formed, but a signature short */
    cr_expect_eq(decode(&m, bytes, len + 1), TD_E_TRUNCATED);
}

Test(message, a_proof_message_proves_something)
{
    static const uint8_t NOTHING[] = {BFT_MSG_CERTIFICATE, BFT_CERTIFICATE_PROOF, BFT_PROOF_NONE};
    struct bft_msg m;
    cr_expect_eq(decode(&m, NOTHING, sizeof NOTHING), TD_E_MALFORMED);
}

/* A short frame that claims many timeouts must not reach the arena. */
Test(message, lists_are_measured_before_they_are_placed)
{
    struct bft_msg m;
    size_t room_for_tc = sizeof(struct bft_tc) + 16;
    cr_assert_gt(build("certificate_tc"), 200);
    cr_expect_eq(decode_in(&m, bytes, 200, room_for_tc), TD_E_TRUNCATED);
    cr_assert_gt(build("blocks_attest"), 600);
    cr_expect_eq(decode_in(&m, bytes, 600, 0), TD_E_TRUNCATED);
}

/* A genesis certificate nests only where an epoch begins. */
Test(message, nested_certificates_only_in_round_0_of_a_later_epoch)
{
    struct bft_msg m, back;
    static const struct {
        uint64_t epoch, round;
        enum td_error want;
    } CASES[] = {{1, 0, TD_OK}, {0, 0, TD_E_MALFORMED}, {1, 1, TD_E_MALFORMED}};
    for (size_t i = 0; i < 3; i++) {
        fx_build(&f, fx_find("certificate_genesis"), &m);
        struct bft_qc qc = *m.u.certificate.qc;
        qc.epoch = CASES[i].epoch;
        qc.round = CASES[i].round;
        m.u.certificate.qc = &qc;
        size_t len = fx_encode(bytes, &m);
        cr_expect_eq(decode(&back, bytes, len), CASES[i].want, "row %zu", i);
    }
}

Test(message, blocks_prove_what_they_hold)
{
    struct bft_msg m, back;
    fx_build(&f, fx_find("blocks_attest"), &m);
    m.u.blocks.proof = (struct bft_proof){.kind = BFT_PROOF_NONE};
    cr_expect_eq(decode(&back, bytes, fx_encode(bytes, &m)), TD_E_MALFORMED, "no proof");
    fx_build(&f, fx_find("blocks_attest"), &m);
    m.u.blocks.header_count = 0;
    m.u.blocks.payload_count = 0;
    cr_expect_eq(decode(&back, bytes, fx_encode(bytes, &m)), TD_E_MALFORMED, "no headers");
}

/* 3 MiB of payloads at most, whatever single headers allow. */
Test(message, sync_answers_have_a_total)
{
    static uint8_t payload[TD_PAYLOAD_BYTES_MAX];
    static uint8_t frame[TD_FRAME_BYTES_MAX];
    struct bft_msg m, back;
    static const struct {
        uint32_t second;
        enum td_error want;
    } CASES[] = {{1u << 20, TD_OK}, {(1u << 20) + 1u, TD_E_RANGE}};
    for (size_t i = 0; i < 2; i++) {
        struct td_bytes two[2] = {td_bytes_of(payload, TD_PAYLOAD_BYTES_MAX),
                                  td_bytes_of(payload, CASES[i].second)};
        struct td_writer w;
        fx_build(&f, fx_find("blocks_attest"), &m);
        struct bft_header *h = (struct bft_header *)m.u.blocks.headers;
        h[0].payload_bytes = TD_PAYLOAD_BYTES_MAX;
        h[1].payload_bytes = CASES[i].second;
        m.u.blocks.payloads = two;
        td_writer_init(&w, frame, sizeof frame);
        bft_msg_encode(&w, &m);
        cr_assert_eq(w.err, TD_OK);
        cr_expect_eq(decode(&back, frame, w.len), CASES[i].want, "Blocks, row %zu", i);
        m.kind = BFT_MSG_BY_HASH;
        m.u.by_hash = (struct bft_by_hash){BFT_OBJECT_PAYLOAD, 2, two};
        td_writer_init(&w, frame, sizeof frame);
        bft_msg_encode(&w, &m);
        cr_assert_eq(w.err, TD_OK);
        cr_expect_eq(decode(&back, frame, w.len), CASES[i].want, "ByHash, row %zu", i);
    }
}

Test(message, frames_over_the_limit_of_their_kind_are_refused_unread)
{
    static uint8_t frame[TD_FRAME_BYTES_MAX + 1];
    struct bft_msg m;
    for (unsigned kind = 0; kind < 256; kind++) {
        size_t most = bft_msg_bytes_max((uint8_t)kind);
        frame[0] = (uint8_t)kind;
        cr_expect_eq(most != 0, kind >= 1 && kind <= 17, "kind %u", kind);
        cr_expect(most <= TD_FRAME_BYTES_MAX);
        cr_expect_eq(decode(&m, frame, most + 1), most == 0 ? TD_E_MALFORMED : TD_E_RANGE,
                     "kind %u", kind);
    }
    cr_expect_eq(bft_msg_bytes_max(BFT_MSG_PROPOSAL), 1u << 20);
    cr_expect_eq(decode(&m, frame, 0), TD_E_TRUNCATED);
}

Test(message, a_proposal_with_most_transactions_fits)
{
    static struct td_hash txs[TD_TXS_PER_BLOCK_MAX];
    static uint8_t frame[TD_PROPOSAL_BYTES_MAX];
    struct bft_msg m, back;
    struct td_writer w;
    fx_build(&f, fx_find("proposal_tc_attest"), &m);
    m.u.proposal.header.tx_count = TD_TXS_PER_BLOCK_MAX;
    m.u.proposal.tx_hashes = txs;
    bft_header_hash(&m.u.proposal.hash, &m.u.proposal.header);
    td_writer_init(&w, frame, sizeof frame);
    bft_msg_encode(&w, &m);
    cr_assert_eq(w.err, TD_OK);
    cr_assert_eq(decode(&back, frame, w.len), TD_OK);
    cr_expect(td_hash_eq(&back.u.proposal.hash, &m.u.proposal.hash), "the decoder hashes");
}

Test(message, tc_hash_is_the_keccak_of_the_encoding)
{
    struct bft_qc *high[2] = {fx_qc(&f, fx_header(&f, 8, 71)), fx_genesis_qc(&f, 1)};
    for (size_t i = 0; i < 2; i++) {
        struct bft_tc *tc = fx_tc(&f, 9, high[i]);
        struct td_writer w;
        struct td_hash got, want;
        td_writer_init(&w, bytes, sizeof bytes);
        bft_tc_encode(&w, tc);
        cr_assert_eq(w.err, TD_OK);
        td_keccak256(&want, bytes, w.len);
        bft_tc_hash(&got, tc);
        cr_expect(td_hash_eq(&got, &want), "row %zu", i);
    }
}

Test(message, decoded_fields_are_those_encoded)
{
    struct bft_msg m, back;
    fx_build(&f, fx_find("status_full"), &m);
    cr_assert_eq(decode(&back, bytes, fx_encode(bytes, &m)), TD_OK);
    const struct bft_status *s = &back.u.status;
    cr_expect(s->epoch == 1 && s->round == 9 && s->final_height == 70 && s->own_count == 8);
    cr_expect_eq(s->own[3].u.timeout.lock_round, 7);
    cr_expect_eq(s->high_qc->round, 7);
    cr_expect_eq(s->entry.kind, BFT_ENTRY_TC);
    cr_expect_eq(s->entry.tc->high_qc.sig_count, m.u.status.high_qc->sig_count);
    cr_expect_eq(s->entry.tc->entries[0].lock_round, 7);
    cr_expect_eq(s->entry.tc->entries[1].lock_round, 6);

    fx_build(&f, fx_find("certificate_commit"), &m);
    cr_assert_eq(decode(&back, bytes, fx_encode(bytes, &m)), TD_OK);
    cr_expect(back.u.certificate.qc->height == 0 && back.u.certificate.qc->genesis == NULL);
}
