/* Plain data: positions, bitmaps, origins, sameness of signed messages.
 * Method: two equal values stay equal until one field of one of them changes. */
#include <criterion/criterion.h>

#include "consensus/verdict.h"
#include "tests/consensus/golden/fixture.h"

Test(types, slots_order_by_epoch_then_round)
{
    static const struct {
        struct bft_slot a, b;
        int want;
    } CASES[] = {
        {{1, 5}, {1, 5}, 0},  {{1, 5}, {1, 6}, -1},         {{1, 6}, {1, 5}, 1},
        {{1, 9}, {2, 1}, -1}, {{2, 1}, {1, UINT64_MAX}, 1}, {{0, UINT64_C(1) << 63}, {0, 1}, 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(bft_slot_cmp(CASES[i].a, CASES[i].b), CASES[i].want, "row %zu", i);
}

Test(types, bitmap_ignores_signers_out_of_range)
{
    struct bft_bitmap m = {{0}};
    static const uint32_t SIGNERS[] = {2, 63, 64, 127, 254, BFT_SIGNERS_MAX, UINT32_MAX};
    for (size_t i = 0; i < 7; i++)
        bft_bitmap_add(&m, SIGNERS[i]);
    cr_assert_eq(bft_bitmap_count(&m), 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect(bft_bitmap_has(&m, SIGNERS[i]));
    /* 256 and 2^32 - 1 must not wrap to 0 and 255. */
    static const uint32_t ABSENT[] = {0, 1, 65, 255, BFT_SIGNERS_MAX, UINT32_MAX};
    for (size_t i = 0; i < 6; i++)
        cr_expect(!bft_bitmap_has(&m, ABSENT[i]), "%u", ABSENT[i]);
}

Test(types, origins_differ_by_each_field)
{
    struct bft_origin a = {1, {{2}}, 3, {{4}}, {{5}}};
    for (int field = 0; field < 6; field++) {
        struct bft_origin b = a;
        b.number += field == 1;
        b.hash.b[31] ^= field == 2;
        b.deposit_count += field == 3;
        b.priority_hash.b[0] ^= field == 4;
        b.registry_set_hash.b[7] ^= field == 5;
        cr_expect_eq(bft_origin_eq(&a, &b), field == 0, "field %d", field);
    }
}

static struct bft_signed message(enum bft_signed_kind kind)
{
    struct bft_signed m;
    memset(&m, 0, sizeof m);
    m.kind = kind;
    if (kind == BFT_SIGNED_PROPOSE)
        m.u.propose = (struct bft_propose){1, 2, {{3}}, 4, {{5}}};
    if (kind == BFT_SIGNED_VOTE)
        m.u.vote = (struct bft_vote){1, 2, 9, {{3}}, 4, {{5}}};
    if (kind == BFT_SIGNED_COMMIT)
        m.u.commit = (struct bft_commit){1, 2, {{3}}, 4, {{5}}};
    if (kind == BFT_SIGNED_TIMEOUT)
        m.u.timeout = (struct bft_timeout){1, 2, 1, 4, {{5}}};
    if (kind == BFT_SIGNED_ATTEST)
        m.u.attest = (struct bft_attest){.fields = {.epoch = 1, .height = 2}, .signer = 4};
    if (kind == BFT_SIGNED_BATCH)
        m.u.batch = (struct bft_batch_attest){1, {{3}}, {{6}}, 2, 4, {{5}}};
    return m;
}

Test(types, signer_and_slot_of_every_kind)
{
    for (uint32_t k = 1; k <= BFT_SIGNED_KINDS; k++) {
        struct bft_signed m = message((enum bft_signed_kind)k);
        struct bft_slot slot = bft_signed_slot(&m);
        cr_expect(slot.epoch == 1 && slot.round == 2, "kind %u", k);
        cr_expect_eq(bft_signed_signer(&m), 4, "kind %u", k);
    }
}

/* Bytes of a kind's fields, signature excluded: flipping any one makes the message another. */
Test(types, same_compares_every_signed_byte_and_no_signature)
{
    for (uint32_t k = 1; k <= BFT_SIGNED_KINDS; k++) {
        uint8_t bytes[400], changed[400];
        struct bft_signed m = message((enum bft_signed_kind)k), back;
        struct td_writer w;
        td_writer_init(&w, bytes, sizeof bytes);
        bft_signed_encode(&w, &m);
        cr_assert_eq(w.err, TD_OK);
        cr_assert(bft_signed_same(&m, &m));
        for (size_t at = 1; at < w.len; at++) {
            struct td_reader r;
            memcpy(changed, bytes, w.len);
            changed[at] ^= 1;
            td_reader_init(&r, changed, w.len);
            bft_signed_decode(&r, &back);
            cr_assert_eq(td_reader_finish(&r), TD_OK);
            cr_expect_eq(bft_signed_same(&m, &back), at >= w.len - TD_SIG_BYTES, "kind %u byte %zu",
                         k, at);
        }
    }
}

Test(types, kinds_are_never_the_same)
{
    struct bft_signed propose = message(BFT_SIGNED_PROPOSE), commit = message(BFT_SIGNED_COMMIT);
    cr_assert(!bft_signed_same(&propose, &commit));
}

Test(types, every_verdict_has_its_own_text)
{
    for (int i = 0; i < BFT_VERDICT_COUNT; i++) {
        const char *text = bft_verdict_text((enum bft_verdict)i);
        cr_assert_neq(text, NULL);
        cr_expect_neq(text[0], '\0');
        for (int k = 0; k < i; k++)
            cr_expect_str_neq(text, bft_verdict_text((enum bft_verdict)k));
    }
    cr_expect_str_eq(bft_verdict_text(BFT_WRONG_LEADER), "wrong-leader");
    cr_expect_str_eq(bft_verdict_text(BFT_VERDICT_COUNT), "unknown verdict");
}
